//! How loud speech is while somebody speaks: the active speech level of ITU-T P.56, method B.
//!
//! Pauses do not count, and it is not said beforehand what a pause is: of fifteen thresholds the
//! one is taken that lies 15.9 dB below the level that it yields itself.

use std::time::Duration;

use crate::units::{Dbov, SampleRate};

/// Thresholds, each twice the one below; the highest is half of full scale.
const THRESHOLDS: usize = 15;
/// How far the threshold lies below the level, in dB.
const MARGIN_DB: f64 = 15.9;
/// The envelope's time constant, in seconds.
const ENVELOPE_SECS: f32 = 0.03;
/// Speech goes on so long after its envelope fell below the threshold.
const HANGOVER: Duration = Duration::from_millis(200);
/// The envelope is held against the thresholds so often.
const STEP: Duration = Duration::from_millis(1);
/// Speech that is needed before its level is told, in seconds.
const ENOUGH_SECS: f64 = 0.3;

/// Measures the active speech level. Allocates nothing.
#[derive(Clone, Debug)]
pub struct SpeechLevel {
    step: usize,
    step_secs: f64,
    smooth: f32,
    /// What remains after one step of what was measured before.
    keep: f64,
    envelope: [f32; 2],
    /// Samples and squares of the step that is being filled.
    filled: usize,
    square: f32,
    /// Sum of squares, in samples squared times seconds.
    energy: f64,
    /// Seconds of activity by threshold, the lowest first.
    active: [f64; THRESHOLDS],
    /// Steps since the envelope was above the threshold.
    since: [u32; THRESHOLDS],
    hangover: u32,
}

impl SpeechLevel {
    /// Of all the sound that comes, as the recommendation has it.
    #[must_use]
    pub fn new(rate: SampleRate) -> SpeechLevel {
        SpeechLevel {
            step: rate.samples_in(STEP).max(1),
            step_secs: rate.samples_in(STEP).max(1) as f64 / f64::from(rate.hz()),
            smooth: (-1.0 / (rate.hz() as f32 * ENVELOPE_SECS)).exp(),
            keep: 1.0,
            envelope: [0.0; 2],
            filled: 0,
            square: 0.0,
            energy: 0.0,
            active: [0.0; THRESHOLDS],
            since: [u32::MAX; THRESHOLDS],
            hangover: (HANGOVER.as_millis() / STEP.as_millis()) as u32,
        }
    }

    /// Of the last sound that comes: what is `memory` old counts by a third.
    #[must_use]
    pub fn recent(rate: SampleRate, memory: Duration) -> SpeechLevel {
        let mut meter = SpeechLevel::new(rate);
        meter.keep = (-meter.step_secs / memory.as_secs_f64().max(meter.step_secs)).exp();
        meter
    }

    /// Takes the next sound, of any length.
    pub fn observe(&mut self, sound: &[f32]) {
        for sample in sound {
            let sample = if sample.is_finite() { *sample } else { 0.0 };
            let [first, second] = &mut self.envelope;
            *first += (1.0 - self.smooth) * (sample.abs() - *first);
            *second += (1.0 - self.smooth) * (*first - *second);
            self.square += sample * sample;
            self.filled += 1;
            if self.filled == self.step {
                self.close_step();
            }
        }
    }

    fn close_step(&mut self) {
        let mean = f64::from(std::mem::take(&mut self.square)) / self.filled as f64;
        self.filled = 0;
        self.energy = self.energy * self.keep + mean * self.step_secs;
        let mut threshold = 0.5_f32.powi(THRESHOLDS as i32);
        for (active, since) in self.active.iter_mut().zip(&mut self.since) {
            *since = if self.envelope[1] >= threshold {
                0
            } else {
                since.saturating_add(1)
            };
            let counts = *since <= self.hangover;
            *active = *active * self.keep + if counts { self.step_secs } else { 0.0 };
            threshold *= 2.0;
        }
    }

    /// The level relative to the overload point as ITU-T G.100.1 has it: a square wave of full
    /// scale is 0, a sine −3.01. `None` before a third of a second of speech.
    #[must_use]
    pub fn level(&self) -> Option<Dbov> {
        if self.active[0] < ENOUGH_SECS {
            return None;
        }
        let mut below: Option<(f64, f64)> = None;
        for (step, active) in self.active.iter().enumerate() {
            if *active < self.step_secs {
                break;
            }
            let level = 10.0 * (self.energy / active).max(1e-13).log10();
            let threshold = (step as f64 - THRESHOLDS as f64) * 20.0 * 2.0_f64.log10();
            let above = level - threshold;
            if above <= MARGIN_DB {
                let Some((level_below, above_below)) = below else {
                    return Some(Dbov(level as f32));
                };
                let share = (above_below - MARGIN_DB) / (above_below - above);
                return Some(Dbov((level_below + share * (level - level_below)) as f32));
            }
            below = Some((level, above));
        }
        below.map(|(level, _)| Dbov(level as f32))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::testing::sine;
    use super::*;

    fn measured(rate: SampleRate, sound: &[f32]) -> f32 {
        let mut meter = SpeechLevel::new(rate);
        meter.observe(sound);
        meter.level().expect("there was sound").0
    }

    /// A tone of 1 kHz that is on for a second and off for `pause` seconds, ten times.
    fn gated(rate: SampleRate, peak: f64, pause: f64) -> Vec<f32> {
        let second = rate.hz() as usize;
        let mut sound = Vec::new();
        for _ in 0..10 {
            sound.extend(sine(rate, 1_000.0, peak, second));
            sound.extend(vec![0.0; (second as f64 * pause) as usize]);
        }
        sound
    }

    /// When `rises` crosses `at` for the first time.
    fn moment(at: f64, rises: impl Fn(f64) -> f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if rises(middle) < at {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// By hand: the envelope of a tone, two exponentials of 30 ms over the mean of its
    /// magnitude, reaches the threshold late, falls below it late, and 200 ms more count.
    fn expected(peak: f64) -> f64 {
        let power = 10.0 * (peak * peak / 2.0).log10();
        let shape = |t: f64| 1.0 - (1.0 + t / 0.03) * (-t / 0.03).exp();
        let mut level = power;
        for _ in 0..50 {
            let threshold = 10.0_f64.powf((level - 15.9) / 20.0);
            let share = threshold / (peak * 2.0 / std::f64::consts::PI);
            let active = 1.0 - moment(share, shape) + moment(1.0 - share, shape) + 0.2;
            level = power - 10.0 * active.log10();
        }
        level
    }

    #[test]
    fn a_gated_tone_has_the_level_reckoned_by_hand_whatever_its_pauses() {
        for rate in [SampleRate::NARROW, SampleRate::WIDE, SampleRate::FULL] {
            for peak in [0.5, 0.1, 0.02] {
                for pause in [1.0, 3.0] {
                    let level = measured(rate, &gated(rate, peak, pause));
                    let expected = expected(peak) as f32;
                    // The recommendation interpolates between thresholds 6 dB apart.
                    let off = (level - expected).abs();
                    assert!(
                        off < 0.1,
                        "{rate}, {peak}, {pause}: {level}, not {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_steady_tone_has_the_level_of_its_power() {
        let level = measured(
            SampleRate::WIDE,
            &sine(SampleRate::WIDE, 500.0, 1.0, 80_000),
        );
        assert!((level + 3.01).abs() < 0.1, "{level}");
    }

    fn talker(name: &str) -> Vec<f32> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/speech");
        let mut file = hound::WavReader::open(folder.join(format!("{name}.wav"))).unwrap();
        file.samples::<i16>()
            .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
            .collect()
    }

    /// What another implementation of the recommendation, a sample at a time in double precision,
    /// made of the talkers.
    const TALKERS: [(&str, f32); 5] = [
        ("arctic_a", -26.44),
        ("arctic_b", -26.79),
        ("austen", -26.13),
        ("cards", -26.87),
        ("digits", -26.07),
    ];

    #[test]
    fn talkers_have_the_level_that_another_meter_finds_with_pauses_and_without() {
        for (name, expected) in TALKERS {
            let words = talker(name);
            let level = measured(SampleRate::WIDE, &words);
            assert!((level - expected).abs() < 0.03, "{name}: {level}");
            let mut paused = words.clone();
            paused.extend(vec![0.0; words.len()]);
            let paused = measured(SampleRate::WIDE, &paused);
            assert!(
                (paused - level).abs() < 0.3,
                "{name}: {paused}, not {level}"
            );
        }
    }

    #[test]
    fn a_meter_of_recent_speech_follows_a_talker_who_lowers_his_voice() {
        let (name, expected) = TALKERS[3];
        let words = talker(name);
        let mut meter = SpeechLevel::recent(SampleRate::WIDE, Duration::from_secs(5));
        for _ in 0..3 {
            meter.observe(&words);
        }
        let before = meter.level().unwrap().0;
        assert!((before - expected).abs() < 1.0, "{before}");
        let low: Vec<f32> = words.iter().map(|sample| sample * 0.1).collect();
        for _ in 0..3 {
            meter.observe(&low);
        }
        let after = meter.level().unwrap().0;
        assert!((after - expected + 20.0).abs() < 2.0, "{after}");
    }

    #[test]
    fn silence_has_no_level_and_nonsense_does_no_harm() {
        let mut meter = SpeechLevel::new(SampleRate::NARROW);
        meter.observe(&[0.0; 16_000]);
        meter.observe(&[f32::NAN; 800]);
        assert_eq!(meter.level(), None);
    }
}
