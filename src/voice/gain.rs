//! Speech is brought to one level, slowly, and only speech.

use super::FRAME;
use crate::dsp::gain::from_db;
use crate::dsp::level::level;
use crate::units::Dbov;

/// Where speech belongs.
const TARGET: Dbov = Dbov(-23.0);

/// What is added at most, in dB, and taken away.
const MOST_DB: f32 = 24.0;
const LEAST_DB: f32 = -12.0;

/// The noise of the room is not lifted above this.
const NOISE: Dbov = Dbov(-52.0);

/// How fast the gain moves while somebody speaks, in dB a frame: 4 dB a second up, 8 down.
const UP_DB: f32 = 0.04;
const DOWN_DB: f32 = 0.08;

/// Differences that nobody hears are let be, in dB.
const ENOUGH_DB: f32 = 1.5;

/// Frames of speech over which its level is known: 3 s. It is believed from 0.3 s on.
const KNOWN: f32 = 300.0;
const BELIEVED: f32 = 30.0;

/// Speech, as likely as this.
const SPEECH: f32 = 0.5;

/// What lies so far below the level of speech so far is a pause in it, in dB.
const PAUSE_DB: f32 = 16.0;

#[derive(Clone, Debug)]
pub(super) struct AutomaticGain {
    /// Mean power of speech, as a level's, and how many frames it comes from.
    power: f32,
    frames: f32,
    db: f32,
    factor: f32,
}

impl AutomaticGain {
    pub(super) fn new() -> AutomaticGain {
        AutomaticGain {
            power: 0.0,
            frames: 0.0,
            db: 0.0,
            factor: 1.0,
        }
    }

    /// The gain in dB.
    pub(super) fn db(&self) -> f32 {
        self.db
    }

    /// Level of speech as it comes in, as soon as it is believed.
    pub(super) fn speech_level(&self) -> Option<Dbov> {
        (self.frames >= BELIEVED).then(|| Dbov(10.0 * self.power.max(1e-12).log10()))
    }

    /// Takes note of a frame, which is speech as likely as `speech` says.
    pub(super) fn observe(&mut self, frame: &[f32; FRAME], speech: f32, noise: Dbov) {
        let loud = level(frame).0;
        let so_far = 10.0 * self.power.max(1e-12).log10();
        let in_speech = speech > SPEECH && loud > noise.0 + 6.0;
        if in_speech && (self.frames < BELIEVED || loud > so_far - PAUSE_DB) {
            self.frames = (self.frames + 1.0).min(KNOWN);
            self.power += (10.0_f32.powf(loud / 10.0) - self.power) / self.frames;
            self.follow(noise);
        }
    }

    fn follow(&mut self, noise: Dbov) {
        let Some(speech) = self.speech_level() else {
            return;
        };
        let room = (NOISE.0 - noise.0).max(0.0);
        let wanted = (TARGET.0 - speech.0).clamp(LEAST_DB, MOST_DB.min(room));
        let missing = wanted - self.db;
        if missing.abs() > ENOUGH_DB {
            self.db += missing.clamp(-DOWN_DB, UP_DB);
        }
    }

    /// Applies the gain, without a step.
    pub(super) fn apply(&mut self, frame: &mut [f32; FRAME]) {
        let wanted = from_db(self.db);
        self.move_to(wanted, frame);
    }

    fn move_to(&mut self, wanted: f32, frame: &mut [f32; FRAME]) {
        if wanted == self.factor {
            if wanted != 1.0 {
                for sample in frame {
                    *sample *= wanted;
                }
            }
            return;
        }
        let step = (wanted - self.factor) / FRAME as f32;
        for (n, sample) in frame.iter_mut().enumerate() {
            *sample *= self.factor + step * (n + 1) as f32;
        }
        self.factor = wanted;
    }

    /// Goes back to none, without a step, when it is not wanted any more.
    pub(super) fn leave(&mut self, frame: &mut [f32; FRAME]) {
        self.db = 0.0;
        self.move_to(1.0, frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::sine;
    use crate::voice::RATE;

    /// The level after so many seconds of a tone that is taken for speech.
    fn after(seconds: usize, peak: f64, speech: f32, noise: Dbov) -> f32 {
        let mut gain = AutomaticGain::new();
        let mut last = 0.0;
        for chunk in sine(RATE, 500.0, peak, seconds * 48_000).chunks_exact(FRAME) {
            let mut frame: [f32; FRAME] = chunk.try_into().unwrap();
            gain.observe(&frame, speech, noise);
            gain.apply(&mut frame);
            last = level(&frame).0;
        }
        last
    }

    #[test]
    fn quiet_and_loud_speech_come_to_the_same_level() {
        for peak in [0.01, 0.03, 0.2] {
            let got = after(8, peak, 1.0, Dbov(-90.0));
            assert!((got - TARGET.0).abs() <= ENOUGH_DB + 0.1, "{peak}: {got}");
        }
    }

    #[test]
    fn what_is_no_speech_stays_as_it_is() {
        assert!((after(8, 0.01, 0.2, Dbov(-60.0)) + 40.0).abs() < 0.01);
    }

    #[test]
    fn a_loud_room_is_not_made_louder() {
        // Speech 20 dB above noise of -50 dBov: nothing may be added.
        assert!((after(8, 0.0316, 1.0, Dbov(-50.0)) + 30.0).abs() < 0.1);
        // Of -60 dBov: 8 dB.
        let got = after(8, 0.0316, 1.0, Dbov(-60.0));
        assert!((got + 23.0).abs() <= ENOUGH_DB + 0.1, "{got}");
    }
}
