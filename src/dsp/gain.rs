//! Volume: changes without a step, ends at full scale.

use std::time::Duration;

use crate::units::SampleRate;

/// How long a change takes: too short to notice, too long to click.
const RAMP: Duration = Duration::from_millis(10);

/// An adjustable gain with a limiter that cuts.
#[derive(Clone, Debug)]
pub struct Gain {
    factor: f32,
    target: f32,
    step: f32,
    ramp: usize,
}

impl Gain {
    /// A gain of `factor` (1 leaves sound as it is, 0 mutes) for sound of this rate.
    #[must_use]
    pub fn new(rate: SampleRate, factor: f32) -> Gain {
        let factor = sane(factor);
        Gain {
            factor,
            target: factor,
            step: 0.0,
            ramp: rate.samples_in(RAMP).max(1),
        }
    }

    /// Moves to `factor`, 0 to 100, within 10 ms of sound.
    pub fn set(&mut self, factor: f32) {
        self.target = sane(factor);
        self.step = (self.target - self.factor) / self.ramp as f32;
    }

    /// The factor aimed at.
    #[must_use]
    pub fn target(&self) -> f32 {
        self.target
    }

    /// Applies it.
    pub fn apply(&mut self, sound: &mut [f32]) {
        for sample in sound {
            if self.step != 0.0 {
                self.factor += self.step;
                let arrived = (self.target - self.factor) * self.step <= 0.0;
                if arrived {
                    self.factor = self.target;
                    self.step = 0.0;
                }
            }
            *sample = (*sample * self.factor).clamp(-1.0, 1.0);
        }
    }
}

fn sane(factor: f32) -> f32 {
    if factor.is_finite() {
        factor.clamp(0.0, 100.0)
    } else {
        1.0
    }
}

/// A gain in dB as a factor.
#[must_use]
pub fn from_db(db: f32) -> f32 {
    10.0_f32.powf(db / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn muting_takes_ten_milliseconds_and_no_step() {
        let mut gain = Gain::new(SampleRate::FULL, 1.0);
        gain.set(0.0);
        let mut sound = [0.5; 960];
        gain.apply(&mut sound[..100]);
        gain.apply(&mut sound[100..]);
        for pair in sound.windows(2) {
            assert!(pair[1] <= pair[0] && pair[0] - pair[1] < 0.0011, "{pair:?}");
        }
        assert_eq!(sound[480..], [0.0; 480]);
        assert!(sound[470] > 0.0);
    }

    #[test]
    fn amplified_sound_ends_at_full_scale() {
        let mut gain = Gain::new(SampleRate::NARROW, from_db(12.04));
        let mut sound = [0.1, -0.2, 0.5, -0.9];
        gain.apply(&mut sound);
        assert!((sound[0] - 0.4).abs() < 1e-3 && (sound[1] + 0.8).abs() < 1e-3);
        assert_eq!(sound[2..], [1.0, -1.0]);
    }

    #[test]
    fn a_senseless_factor_changes_nothing() {
        let mut gain = Gain::new(SampleRate::NARROW, f32::NAN);
        let mut sound = [0.25; 4];
        gain.apply(&mut sound);
        assert_eq!(sound, [0.25; 4]);
    }
}
