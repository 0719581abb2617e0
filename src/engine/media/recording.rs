//! One recording under way: where the sound of a call meets its file.

use std::time::Instant;

use super::convert::Converter;
use super::recorder::{RecordFailure, Recorder};
use crate::media::recording::{Paced, Side, Sides, Tap};
use crate::units::SampleRate;

/// Samples of 10 ms at the rate of the line.
const FRAME: usize = 480;

/// What a recording has to say, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The file stopped growing.
    Stopped(RecordFailure),
    /// The disk is slower than the sound: there are holes.
    Gaps,
}

/// Both sides of a call on their way into a file.
pub(super) struct Recording {
    recorder: Recorder,
    tap: Tap,
    /// To the rate of the line: this person's side, and the far one.
    near: Option<Converter>,
    far: Option<Converter>,
    frame: Box<[f32; FRAME]>,
    out: Box<[f32; 2 * FRAME]>,
    told_gaps: bool,
}

impl Recording {
    pub(super) fn new(now: Instant, mut recorder: Recorder, sides: Sides) -> Recording {
        recorder.begin(SampleRate::FULL);
        Recording {
            recorder,
            tap: Tap::new(now, sides),
            near: None,
            far: None,
            frame: Box::new([0.0; FRAME]),
            out: Box::new([0.0; 2 * FRAME]),
            told_gaps: false,
        }
    }

    /// Goes on in the same file with what is said from here on.
    pub(super) fn resume(&mut self, now: Instant) {
        self.tap = Tap::new(now, self.tap.sides());
        (self.near, self.far) = (None, None);
    }

    /// Takes 10 ms of a side, which begin at `at`.
    pub(super) fn push(
        &mut self,
        side: Side,
        at: Instant,
        paced: Paced,
        rate: SampleRate,
        sound: &[f32],
    ) {
        let slot = match side {
            Side::Near => &mut self.near,
            Side::Far => &mut self.far,
        };
        if !slot
            .as_ref()
            .is_some_and(|converter| converter.is_for(rate, SampleRate::FULL))
        {
            *slot = None;
        }
        let converter = slot.get_or_insert_with(|| Converter::new(rate, SampleRate::FULL));
        converter.push(sound);
        converter.fetch_padded(self.frame.as_mut_slice());
        self.tap.push(side, at, paced, self.frame.as_slice());
    }

    /// Sends to the file what is whole.
    pub(super) fn turn(&mut self, now: Instant) {
        while let Some(samples) = self.tap.poll(now, &mut self.out) {
            self.recorder.write(&self.out[..samples]);
        }
    }

    /// Sends to the file all there is up to now: the call is over, or its recording.
    pub(super) fn pause(&mut self, now: Instant) {
        while let Some(samples) = self.tap.poll_last(now, &mut self.out) {
            self.recorder.write(&self.out[..samples]);
        }
    }

    /// Brings the file to its end, for which the recorder is to be kept until it is over.
    pub(super) fn stop(mut self, now: Instant) -> Recorder {
        self.pause(now);
        self.recorder.finish();
        self.recorder
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// What went wrong and has not been told.
    pub(super) fn take_trouble(&mut self) -> Option<Trouble> {
        if self.recorder.failure().is_some() {
            return self.recorder.take_failure().map(Trouble::Stopped);
        }
        if self.recorder.lost() > 0 {
            let told = std::mem::replace(&mut self.told_gaps, true);
            return (!told).then_some(Trouble::Gaps);
        }
        None
    }
}
