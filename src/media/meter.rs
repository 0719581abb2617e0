//! How loud a call is, whichever codec carries it.

use crate::dsp::level::Meter;
use crate::units::{Dbov, SampleRate};

/// A meter that follows the rate of what it hears.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    rate: SampleRate,
    meter: Meter,
}

impl Default for Needle {
    fn default() -> Self {
        Needle {
            rate: SampleRate::FULL,
            meter: Meter::new(SampleRate::FULL),
        }
    }
}

impl Needle {
    /// Takes sound; after a change of rate it starts from silence.
    pub(super) fn observe(&mut self, rate: SampleRate, sound: &[f32]) {
        if rate != self.rate {
            *self = Needle {
                rate,
                meter: Meter::new(rate),
            };
        }
        self.meter.observe(sound);
    }

    /// Takes 10 ms of nothing.
    pub(super) fn observe_silence(&mut self) {
        const LONGEST: [f32; 480] = [0.0; 480];
        let samples = self.rate.samples_in(super::uplink::FRAME);
        self.meter.observe(&LONGEST[..samples.min(LONGEST.len())]);
    }

    /// The mean level of the last tenth of a second.
    pub(super) fn level(&self) -> Dbov {
        self.meter.level()
    }
}

/// What a full-scale sine is in dBm0: between the 3.14 of A-law and the 3.17 of µ-law (G.711).
const OVERLOAD_DBM0: f32 = 3.155;
/// Speech is so much louder than the quietest of the last seconds, as a ratio of powers (9 dB).
const ABOVE_PAUSES: f32 = 8.0;
/// Nothing below this mean square is speech: −50 dBov.
const FAINTEST: f32 = 5e-6;
/// How much a 10 ms frame counts in the mean: it remembers about a second and a half.
const FRAME_COUNTS: f32 = 1.0 / 150.0;

/// How loud speech and pauses are, in dBm0; `None` before any was heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TalkLevels {
    /// While somebody speaks.
    pub(super) speech_dbm0: Option<i8>,
    /// While nobody does.
    pub(super) pauses_dbm0: Option<i8>,
}

/// Tells speech from pauses, and how loud each is (RFC 3611 section 4.7.4).
#[derive(Clone, Debug)]
pub(super) struct Talk {
    /// Mean square of the quietest, rising slowly.
    floor: f32,
    speech: Option<f32>,
    pauses: Option<f32>,
}

impl Default for Talk {
    fn default() -> Self {
        Talk {
            floor: 1.0,
            speech: None,
            pauses: None,
        }
    }
}

impl Talk {
    /// Takes 10 ms of sound.
    pub(super) fn observe(&mut self, sound: &[f32]) {
        if sound.is_empty() {
            return;
        }
        let power = sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len() as f32;
        if !power.is_finite() {
            return;
        }
        // Doubles in about two seconds.
        self.floor = (self.floor * 1.003_5).min(power.max(1e-10));
        let spoken = power > FAINTEST && power > self.floor * ABOVE_PAUSES;
        let mean = if spoken {
            &mut self.speech
        } else {
            &mut self.pauses
        };
        let before = mean.unwrap_or(power);
        *mean = Some(before + (power - before) * FRAME_COUNTS);
    }

    pub(super) fn levels(&self) -> TalkLevels {
        let dbm0 = |power: f32| {
            let level = 10.0 * (2.0 * power.max(1e-10)).log10() + OVERLOAD_DBM0;
            level.round().clamp(-100.0, 20.0) as i8
        };
        TalkLevels {
            speech_dbm0: self.speech.map(dbm0),
            pauses_dbm0: self.pauses.map(dbm0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine of −20 dBov is −16.8 dBm0, one of −60 dBov −56.8 dBm0.
    #[test]
    fn speech_and_pauses_are_told_apart_and_measured_in_dbm0() {
        let mut talk = Talk::default();
        assert_eq!(talk.levels(), TalkLevels::default());
        let sine = |db: f32| -> Vec<f32> {
            let peak = 10.0_f32.powf(db / 20.0);
            let step = std::f32::consts::TAU / 16.0;
            (0..160).map(|n| peak * (n as f32 * step).sin()).collect()
        };
        let (loud, quiet) = (sine(-20.0), sine(-60.0));
        for _ in 0..3 {
            for _ in 0..50 {
                talk.observe(&quiet);
            }
            for _ in 0..100 {
                talk.observe(&loud);
            }
        }
        let expected = TalkLevels {
            speech_dbm0: Some(-17),
            pauses_dbm0: Some(-57),
        };
        assert_eq!(talk.levels(), expected);
        talk.observe(&[]);
        talk.observe(&[f32::NAN; 80]);
        assert_eq!(talk.levels(), expected);
    }

    #[test]
    fn digital_silence_is_a_pause_and_never_speech() {
        let mut talk = Talk::default();
        for _ in 0..100 {
            talk.observe(&[0.0; 80]);
        }
        let levels = talk.levels();
        assert_eq!(levels.speech_dbm0, None);
        assert!(levels.pauses_dbm0.unwrap() <= -90, "{levels:?}");
    }

    #[test]
    fn silence_brings_it_down_and_another_rate_does_not_confuse_it() {
        let mut needle = Needle::default();
        assert_eq!(needle.level(), Dbov::SILENCE);
        for _ in 0..100 {
            needle.observe(SampleRate::NARROW, &[0.5; 80]);
        }
        // A constant of one half has twice the power of a sine of that peak.
        assert!((needle.level().0 + 3.0).abs() < 0.2, "{:?}", needle.level());
        for _ in 0..100 {
            needle.observe(SampleRate::WIDE, &[0.5; 160]);
        }
        assert!((needle.level().0 + 3.0).abs() < 0.2, "{:?}", needle.level());
        for _ in 0..100 {
            needle.observe_silence();
        }
        assert!(needle.level().0 < -40.0, "{:?}", needle.level());
    }
}
