//! Sound, moved every 10 ms between devices, files and calls.

use std::time::{Duration, Instant};

use super::{MAX_CATCH_UP, TICK, VOICE_TOLD, Worker, conferences};
use crate::engine::media::device::Change;
use crate::engine::media::pace::{Pace, Step};
use crate::engine::media::trial::SoundTest;
use crate::engine::media::{DeviceSide, MediaReport};
use crate::media::LocalDelay;
use crate::media::microphone::Listening;
use crate::media::recording::{Paced, Side};

impl<R: Fn(MediaReport)> Worker<R> {
    pub(super) fn tick(&mut self, now: Instant) {
        let microphone_wanted = !self.calls.is_empty() || self.tries(SoundTest::Microphone);
        let speaker_wanted =
            !self.calls.is_empty() || self.output.has_tone() || self.tries(SoundTest::Speaker);
        let rings_apart = self.output.rings_apart();
        // A file that is not at its end may still come to nothing.
        let finishes = !self.finishing.is_empty();
        if !microphone_wanted && !speaker_wanted && !rings_apart && !finishes {
            if self.tick_at.take().is_some() {
                self.tend_devices(now, false, false);
                self.output.tend_ring(now);
                self.rest_ear();
            }
            return;
        }
        let mut due = *self.tick_at.get_or_insert(now);
        let mut ticks = 0;
        while due <= now && ticks < MAX_CATCH_UP {
            due += TICK;
            ticks += 1;
        }
        let last = due.checked_sub(TICK).unwrap_or(now);
        // By deadlines that never shift, so that files keep the clock's pace.
        self.tick_at = Some(if due <= now { now + TICK } else { due });
        if ticks == 0 {
            return;
        }
        self.tend_devices(now, microphone_wanted, speaker_wanted);
        self.speak(now, ticks);
        if speaker_wanted {
            self.listen(now, ticks);
        }
        self.output.tend_ring(now);
        self.tell_files(last);
        self.tend_trial(now);
        self.turn_recordings(now);
        self.tell_voice(ticks);
        if let Some(why) = self.output.take_record_failure()
            && let Some(path) = self.record_path.clone()
        {
            (self.report)(MediaReport::RecordFailed { path, why });
        }
    }

    /// Once a second, while there is a microphone.
    pub(super) fn tell_voice(&mut self, ticks: usize) {
        self.untold += ticks;
        if self.untold >= VOICE_TOLD {
            self.untold = 0;
            if self.input.running().is_some() {
                (self.report)(MediaReport::Voice(self.microphone.report()));
            }
        }
    }

    /// Says when files have begun, reckoned from the deadline of the last tick.
    fn tell_files(&mut self, last: Instant) {
        for call in &mut self.calls {
            if let Some(frames) = call.voice.take_start() {
                let (media, at) = (call.media, earlier(last, frames as usize));
                (self.report)(MediaReport::PlayStarted { media, at });
            }
        }
        if let Some(frames) = self.output.take_record_start() {
            let at = earlier(last, frames as usize - 1);
            (self.report)(MediaReport::RecordStarted { at });
        }
    }

    pub(super) fn tend_devices(&mut self, now: Instant, microphone: bool, speaker: bool) {
        let change = self.input.tend(now, microphone);
        let mut opened = matches!(change, Some(Change::Opened));
        tell(
            &self.report,
            DeviceSide::Capture,
            change,
            &mut self.capture_gone,
        );
        let change = self.output.tend(now, speaker);
        opened |= matches!(change, Some(Change::Opened));
        if opened {
            self.microphone.begin(self.input.name(), self.output.name());
        }
        tell(
            &self.report,
            DeviceSide::Playout,
            change,
            &mut self.playout_gone,
        );
        if !microphone && !speaker {
            (self.capture_gone, self.playout_gone) = (false, false);
        }
    }

    /// Frames from the microphone, as many as it has; or from files and silence, by the clock.
    /// Silence too in place of a microphone that runs and gives nothing.
    pub(super) fn speak(&mut self, now: Instant, ticks: usize) {
        let (listening, far_speaks) = self.listening();
        if self.input.running().is_none() {
            self.rest_ear();
        }
        let Worker {
            calls,
            buffers,
            report,
            input,
            microphone,
            pace,
            steady,
            output,
            ear,
            trial,
            loudness,
            ..
        } = self;
        let Some(capture) = input.running() else {
            *pace = Pace::default();
            steady.rest();
            for call in calls.iter_mut() {
                call.guarded(|call| {
                    for left in (0..ticks).rev() {
                        call.speak_by_clock(now, earlier(now, left), buffers, report);
                    }
                });
            }
            return;
        };
        if calls.is_empty() {
            steady.rest();
        }
        let rate = capture.rate;
        let frame = rate.samples_in(TICK).max(1);
        let usual = capture.reader.health().quantum().div_ceil(frame);
        match pace.step(ticks, capture.reader.available() / frame, usual) {
            Step::Silence(frames) => {
                steady.stand_in(frames.min(MAX_CATCH_UP));
                for call in calls.iter_mut() {
                    call.guarded(|call| {
                        for left in (0..frames.min(MAX_CATCH_UP)).rev() {
                            call.speak_by_clock(now, earlier(now, left), buffers, report);
                        }
                    });
                }
                return;
            }
            Step::Speak { dropped } => {
                let keep = capture.reader.available() - dropped * frame;
                capture.reader.keep_newest(keep);
            }
        }
        for _ in 0..MAX_CATCH_UP {
            // The first of what waits was spoken that long ago.
            let waiting = rate.duration_of(capture.reader.available() as u64);
            let spoken_at = now.checked_sub(waiting + steady.held()).unwrap_or(now);
            buffers.captured.resize(frame, 0.0);
            if !capture.reader.read(&mut buffers.captured) {
                break;
            }
            let sound = buffers.captured.as_slice();
            if let Some(trial) = trial {
                trial.hear(rate, sound, loudness);
            }
            // One's own voice in one's ear would come back as echo.
            let own_ear = !microphone.report().echo.is_cancelling();
            if own_ear && listening == Listening::Open && !calls.is_empty() {
                output.add_sidetone(rate, sound, capture.reader.health().quantum());
            }
            microphone.push(rate, sound);
            while let Some((rate, frame)) = microphone.next() {
                let raw = buffers.captured.as_slice();
                if let Some(state) = ear.hear(raw, (rate, frame), far_speaks, listening) {
                    report(MediaReport::Microphone(state));
                }
                steady.push(rate, frame);
                while let Some(frame) = steady.next() {
                    for call in calls.iter_mut() {
                        call.guarded(|call| {
                            call.speak_captured(now, spoken_at, frame, buffers, report)
                        });
                    }
                }
            }
        }
        let waiting = rate.duration_of(capture.reader.available() as u64);
        let portion = rate.duration_of(capture.reader.health().quantum() as u64);
        steady.observe(now, waiting, portion);
    }

    /// Frames for the speaker, as many as it wants; or for files and nobody, by the clock.
    pub(super) fn listen(&mut self, now: Instant, ticks: usize) {
        let Worker {
            calls,
            buffers,
            output,
            input,
            mixer,
            speakers,
            report,
            microphone,
            steady,
            ..
        } = self;
        let playout = output.delay();
        let capture = input.running().map_or(Duration::ZERO, |capture| {
            capture
                .rate
                .duration_of(capture.reader.health().quantum() as u64)
                + microphone.delay()
                + steady.held()
        });
        let heard = input.running().is_some();
        let wanted = output.frames_wanted();
        let frames = wanted.unwrap_or(ticks);
        for n in 0..frames {
            // A speaker's frames are heard one after the other, behind what waits there already.
            let (heard_at, paced) = match wanted {
                Some(_) => (now + playout + TICK * n as u32, Paced::Card),
                None => (earlier(now, frames - 1 - n), Paced::Clock),
            };
            for call in calls.iter_mut() {
                call.guarded(|call| {
                    call.session
                        .set_local_delay(LocalDelay { capture, playout });
                    if let Some(info) = call.session.playout(now, &mut buffers.frame) {
                        let sound = &buffers.frame[..info.samples];
                        let seated = mixer.conference_of(call.media).is_some();
                        if seated || output.has_speaker() {
                            let frame = call.share.bring(info.rate, sound);
                            mixer.put(call.media, frame);
                        }
                        output.play(&call.share);
                        // A recording begins with what was agreed.
                        if call.session.is_planned() {
                            output.record(&mut call.share, info.rate, sound);
                            for recording in call.recordings.iter_mut().flatten() {
                                recording.push(Side::Far, heard_at, paced, info.rate, sound);
                            }
                        }
                    }
                });
            }
            output.finish_frame();
            if heard && let Some(played) = output.played() {
                microphone.render(played);
            }
            if !mixer.is_empty() {
                conferences::settle(mixer, calls, speakers, report);
            }
        }
    }
}

/// So many ticks before.
fn earlier(now: Instant, ticks: usize) -> Instant {
    now.checked_sub(TICK * ticks as u32).unwrap_or(now)
}

fn tell(report: &impl Fn(MediaReport), side: DeviceSide, change: Option<Change>, gone: &mut bool) {
    match change {
        None => {}
        Some(Change::Opened) => {
            let was_gone = std::mem::replace(gone, false);
            if was_gone {
                report(MediaReport::DeviceBack { side });
            }
        }
        Some(Change::StandsIn) => {
            *gone = true;
            report(MediaReport::DeviceStandsIn { side });
        }
        Some(Change::Gone(error)) => {
            *gone = true;
            report(MediaReport::DeviceGone { side, error });
        }
    }
}

#[cfg(test)]
#[path = "sound_tests.rs"]
mod tests;
