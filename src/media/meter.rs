//! How loud a call is, whichever codec carries it.

use std::time::Duration;

use crate::dsp::level::Meter;
use crate::dsp::speech_level::SpeechLevel;
use crate::dsp::voice_activity::VoiceActivity;
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

/// How long the level of speech remembers: a few sentences.
const SPEECH_MEMORY: Duration = Duration::from_secs(10);

/// 10 ms at the highest rate at which activity is looked for, and some room.
const NARROWED: usize = 480;

/// How loud somebody speaks, whichever codec carries it: the active speech level (ITU-T P.56) of
/// the last sentences.
#[derive(Clone, Debug)]
pub(super) struct Speech {
    rate: SampleRate,
    activity: VoiceActivity,
    level: SpeechLevel,
    /// What was measured before the rate changed.
    before: Option<Dbov>,
}

impl Default for Speech {
    fn default() -> Self {
        Speech::new(SampleRate::FULL)
    }
}

impl Speech {
    fn new(rate: SampleRate) -> Speech {
        Speech {
            rate,
            activity: VoiceActivity::new(activity_rate(rate)),
            level: SpeechLevel::recent(rate, SPEECH_MEMORY),
            before: None,
        }
    }

    /// Takes 10 ms. What the room gives while nobody speaks is no speech, however long it lasts.
    pub(super) fn observe(&mut self, rate: SampleRate, sound: &[f32]) {
        if rate != self.rate {
            *self = Speech {
                before: self.level(),
                ..Speech::new(rate)
            };
        }
        let together = together(rate);
        let speaks = if together > 1 {
            let mut narrow = [0.0; NARROWED];
            let pieces = sound.chunks_exact(together).zip(&mut narrow);
            for (piece, sample) in pieces {
                *sample = piece.iter().sum::<f32>() / together as f32;
            }
            let made = (sound.len() / together).min(NARROWED);
            self.activity.observe(&narrow[..made])
        } else {
            self.activity.observe(sound)
        };
        if speaks {
            self.level.observe(sound);
        }
    }

    /// Whether somebody speaks at the moment.
    pub(super) fn speaks(&self) -> bool {
        self.activity.speaks()
    }

    /// The level; `None` before anybody spoke.
    pub(super) fn level(&self) -> Option<Dbov> {
        self.level.level().or(self.before)
    }
}

/// Samples taken for one where activity is looked for: at 48 kHz a third of the work tells as much.
fn together(rate: SampleRate) -> usize {
    (rate.hz() / SampleRate::WIDE.hz()).max(1) as usize
}

fn activity_rate(rate: SampleRate) -> SampleRate {
    SampleRate::new(rate.hz() / together(rate) as u32).unwrap_or(rate)
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

    /// Words of a second with pauses of a second, in a room of −60 dB of full scale.
    fn words(rate: SampleRate, seconds: usize, peak: f32) -> Vec<f32> {
        let hz = rate.hz() as usize;
        let mut seed = 5_u32;
        (0..seconds * hz)
            .map(|n| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (seed >> 8) as f32 / (1 << 24) as f32 - 0.5;
                let turn = std::f32::consts::TAU * 300.0 * n as f32 / hz as f32;
                let word = if n / hz % 2 == 1 { peak } else { 0.0 };
                0.003 * noise + word * turn.sin()
            })
            .collect()
    }

    #[test]
    fn the_level_of_speech_stays_while_nobody_speaks_and_when_the_codec_changes() {
        let mut speech = Speech::default();
        let mut hear = |rate: SampleRate, sound: &[f32]| {
            for frame in sound.chunks(rate.hz() as usize / 100) {
                speech.observe(rate, frame);
            }
            (speech.level().map_or(0.0, |level| level.0), speech.speaks())
        };
        let rate = SampleRate::NARROW;
        assert_eq!(hear(rate, &words(rate, 1, 0.1)), (0.0, false));
        // A sine of a tenth of full scale is −23 dBov; a word's end counts 0.3 s more, P.56.
        let (level, _) = hear(rate, &words(rate, 20, 0.1));
        assert!((level + 24.1).abs() < 0.4, "{level}");
        let (after, speaks) = hear(rate, &words(rate, 60, 0.0));
        assert!(
            (after - level).abs() < 0.2 && !speaks,
            "{after}, not {level}"
        );
        let (kept, _) = hear(SampleRate::WIDE, &words(SampleRate::WIDE, 1, 0.0));
        assert_eq!(kept, after);
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
