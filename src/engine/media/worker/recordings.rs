//! Recordings of both sides, from call to call or of one.

use std::time::Instant;

use super::{Call, MediaReport, Worker};
use crate::engine::media::recorder::Recorder;
use crate::engine::media::recording::{Recording, Trouble};
use crate::media::plan::MediaId;
use crate::media::recording::Sides;

impl<R: Fn(MediaReport)> Worker<R> {
    /// Keeps both sides of one call after the other in this recording; of several at once, those
    /// of the first.
    pub(in crate::engine::media) fn record_calls(&mut self, recording: Option<Recording>) {
        self.between_calls = recording.map(Box::new);
    }

    pub(super) fn record(
        &mut self,
        now: Instant,
        media: MediaId,
        recorder: Recorder,
        sides: Sides,
    ) {
        self.stop_recording(now, media);
        let recording = Box::new(Recording::new(now, recorder, sides));
        match self.calls.iter_mut().find(|call| call.media == media) {
            Some(call) => call.recordings[1] = Some(recording),
            // The call has ended meanwhile: the file stays empty.
            None => self.finishing.push(recording.stop(now)),
        }
    }

    pub(super) fn stop_recording(&mut self, now: Instant, media: MediaId) {
        let call = self.calls.iter_mut().find(|call| call.media == media);
        if let Some(recording) = call.and_then(|call| call.recordings[1].take()) {
            self.finishing.push(recording.stop(now));
        }
    }

    pub(super) fn take_recording(&mut self, now: Instant) -> Option<Box<Recording>> {
        let mut recording = self.between_calls.take()?;
        recording.resume(now);
        Some(recording)
    }

    /// A call is over: its own recording too, and the one that goes from call to call goes on.
    pub(super) fn put_recordings_away(&mut self, now: Instant, call: &mut Call) {
        let [common, own] = &mut call.recordings;
        if let Some(recording) = own.take() {
            self.finishing.push(recording.stop(now));
        }
        if let Some(mut recording) = common.take() {
            recording.pause(now);
            match self.calls.first_mut() {
                Some(next) => {
                    recording.resume(now);
                    next.recordings[0] = Some(recording);
                }
                None => self.between_calls = Some(recording),
            }
        }
    }

    /// Files grow; what is wrong with one is told.
    pub(super) fn turn_recordings(&mut self, now: Instant) {
        let Worker {
            finishing, report, ..
        } = self;
        finishing.retain_mut(|recorder| {
            // In this order: what it failed of it has said before it is over.
            let over = recorder.is_over();
            if let Some(why) = recorder.take_failure() {
                let path = recorder.path().to_owned();
                report(MediaReport::RecordFailed { path, why });
            }
            !over
        });
        for recording in self
            .calls
            .iter_mut()
            .flat_map(|call| call.recordings.iter_mut().flatten())
        {
            recording.turn(now);
            let trouble = recording.take_trouble();
            let path = || recording.recorder().path().to_owned();
            match trouble {
                Some(Trouble::Stopped(why)) => {
                    (self.report)(MediaReport::RecordFailed { path: path(), why });
                }
                Some(Trouble::Gaps) => (self.report)(MediaReport::RecordGaps { path: path() }),
                None => {}
            }
        }
    }
}
