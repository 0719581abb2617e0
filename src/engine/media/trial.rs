//! A microphone or a speaker on trial, without any call and for a limited time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dsp::gain::Volume;
use crate::dsp::level::Meter;
use crate::media::Levels;
use crate::media::loudness::Loudness;
use crate::units::{Dbov, SampleRate};

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundTest {
    /// The microphone is open, and its level is shown.
    Microphone,
    /// Three notes are played.
    Speaker,
}

/// A microphone that somebody forgot is closed after this.
const MICROPHONE: Duration = Duration::from_secs(60);
/// A speaker has so long to open and to play the notes.
const SPEAKER: Duration = Duration::from_secs(8);
/// What is left of them in the device's ring when the last sample has been made.
pub(super) const LAST_NOTE: Duration = Duration::from_millis(300);

/// A test under way.
pub(super) struct Trial {
    pub(super) test: SoundTest,
    ends_at: Instant,
    levels: Arc<Levels>,
    rate: SampleRate,
    meter: Meter,
    volume: Volume,
    frame: Vec<f32>,
}

impl Trial {
    pub(super) fn new(now: Instant, test: SoundTest, levels: Arc<Levels>) -> Trial {
        let lasts = match test {
            SoundTest::Microphone => MICROPHONE,
            SoundTest::Speaker => SPEAKER,
        };
        levels.set(Dbov::SILENCE, Dbov::SILENCE);
        Trial {
            test,
            ends_at: now + lasts,
            levels,
            rate: SampleRate::FULL,
            meter: Meter::new(SampleRate::FULL),
            volume: Volume::new(SampleRate::FULL, 0),
            frame: Vec::new(),
        }
    }

    /// Ends it no later than then.
    pub(super) fn end_by(&mut self, moment: Instant) {
        self.ends_at = self.ends_at.min(moment);
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at <= now
    }

    /// Takes 10 ms of the microphone, and shows how loud they are with the gain that was chosen.
    pub(super) fn hear(&mut self, rate: SampleRate, sound: &[f32], loudness: &Loudness) {
        if self.test != SoundTest::Microphone {
            return;
        }
        if rate != self.rate {
            self.rate = rate;
            self.meter = Meter::new(rate);
        }
        self.frame.clear();
        self.frame.extend_from_slice(sound);
        self.volume.set(loudness.input_db);
        self.volume.apply(rate, &mut self.frame);
        self.meter.observe(&self.frame);
        self.levels.set(self.meter.level(), Dbov::SILENCE);
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.levels.set(Dbov::SILENCE, Dbov::SILENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_shown_follows_the_gain_and_is_gone_with_the_test() {
        let levels = Arc::new(Levels::default());
        let now = crate::engine::clock::now();
        let mut trial = Trial::new(now, SoundTest::Microphone, Arc::clone(&levels));
        let mut shown = |input_db| {
            let loudness = Loudness {
                input_db,
                ..Loudness::default()
            };
            for _ in 0..100 {
                trial.hear(SampleRate::NARROW, &[0.05; 80], &loudness);
            }
            levels.capture().0
        };
        // A constant of 0.05 is 23 dB below a sine of full scale.
        let (plain, louder) = (shown(0), shown(12));
        assert!((plain + 23.0).abs() < 0.2, "{plain}");
        assert!((louder - plain - 12.0).abs() < 0.2, "{louder}");
        drop(trial);
        assert_eq!(levels.capture(), Dbov::SILENCE);
    }

    #[test]
    fn nobody_leaves_a_microphone_open_for_more_than_a_minute() {
        let now = crate::engine::clock::now();
        let mut trial = Trial::new(now, SoundTest::Microphone, Arc::default());
        assert!(!trial.is_over(now + MICROPHONE - Duration::from_millis(1)));
        assert!(trial.is_over(now + Duration::from_secs(60)));
        trial.end_by(now + Duration::from_secs(90));
        assert!(trial.is_over(now + Duration::from_secs(60)));
    }
}
