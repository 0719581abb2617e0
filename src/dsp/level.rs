//! How loud sound is: for meters, statistics and voice activity.

use std::time::Duration;

use crate::units::{Dbov, SampleRate};

/// The mean level of `sound`: 0 dBov for a full-scale sine, [`Dbov::SILENCE`] for none.
#[must_use]
pub fn level(sound: &[f32]) -> Dbov {
    if sound.is_empty() {
        return Dbov::SILENCE;
    }
    let power = sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len() as f32;
    of_power(power)
}

/// A mean square as a level.
pub(super) fn of_power(power: f32) -> Dbov {
    // A full-scale sine has a mean square of one half.
    let level = 10.0 * (2.0 * power).log10();
    if level.is_finite() {
        Dbov(level.max(Dbov::SILENCE.0))
    } else {
        Dbov::SILENCE
    }
}

/// How fast the peak falls, in dB a second: slow enough to read.
const PEAK_FALLS_DB: f32 = 20.0;

/// Time in which the mean follows.
const MEAN_OVER: Duration = Duration::from_millis(100);

/// A level meter: a mean that follows and a peak that falls slowly.
#[derive(Clone, Debug)]
pub struct Meter {
    rate: SampleRate,
    power: f32,
    peak: f32,
}

impl Meter {
    /// A meter at rest.
    #[must_use]
    pub fn new(rate: SampleRate) -> Meter {
        Meter {
            rate,
            power: 0.0,
            peak: 0.0,
        }
    }

    /// Takes note of the next sound, of any length.
    pub fn observe(&mut self, sound: &[f32]) {
        if sound.is_empty() {
            return;
        }
        let span = sound.len() as f32 / self.rate.hz() as f32;
        let power = sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32;
        let peak = sound
            .iter()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let keep = (-span / MEAN_OVER.as_secs_f32()).exp();
        if power.is_finite() && peak.is_finite() {
            self.power = self.power * keep + power * (1.0 - keep);
            let fallen = self.peak * 10.0_f32.powf(-PEAK_FALLS_DB * span / 20.0);
            self.peak = peak.max(fallen);
        }
    }

    /// The mean level over the last tenth of a second.
    #[must_use]
    pub fn level(&self) -> Dbov {
        of_power(self.power)
    }

    /// The highest sample lately, as the level of a sine that reaches it.
    #[must_use]
    pub fn peak(&self) -> Dbov {
        of_power(self.peak * self.peak / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::sine;
    use super::*;

    #[test]
    fn a_full_scale_sine_is_the_overload_point() {
        let tone = sine(SampleRate::FULL, 1_000.0, 1.0, 48_000);
        assert!(level(&tone).0.abs() < 0.01);
        let tone = sine(SampleRate::FULL, 1_000.0, 0.1, 48_000);
        assert!((level(&tone).0 + 20.0).abs() < 0.01);
    }

    #[test]
    fn silence_and_nonsense_are_the_floor() {
        assert_eq!(level(&[]), Dbov::SILENCE);
        assert_eq!(level(&[0.0; 480]), Dbov::SILENCE);
        assert_eq!(level(&[f32::NAN; 4]), Dbov::SILENCE);
        let mut meter = Meter::new(SampleRate::FULL);
        meter.observe(&[f32::NAN; 480]);
        assert_eq!(meter.level(), Dbov::SILENCE);
        assert_eq!(meter.peak(), Dbov::SILENCE);
    }

    #[test]
    fn the_meter_rises_at_once_and_its_peak_falls_by_20_db_a_second() {
        let mut meter = Meter::new(SampleRate::FULL);
        for block in sine(SampleRate::FULL, 440.0, 0.5, 48_000).chunks(480) {
            meter.observe(block);
        }
        assert!((meter.level().0 + 6.02).abs() < 0.1, "{:?}", meter.level());
        assert!((meter.peak().0 + 6.02).abs() < 0.1, "{:?}", meter.peak());
        for _ in 0..50 {
            meter.observe(&[0.0; 480]);
        }
        assert!((meter.peak().0 + 16.02).abs() < 0.2, "{:?}", meter.peak());
        assert!(meter.level().0 < -25.0);
    }
}
