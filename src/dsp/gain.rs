//! Volume: changes without a step, and stays within full scale.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::limiter::Limiter;
use crate::units::SampleRate;

/// What a person can choose, in dB.
pub const GAIN_DB: RangeInclusive<i32> = -20..=20;

/// How long a change takes: too short to notice, too long to click.
const RAMP: Duration = Duration::from_millis(10);

/// An adjustable gain. It may leave full scale: see [`Volume`].
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
        let target = sane(factor);
        if target != self.target {
            self.target = target;
            self.step = (target - self.factor) / self.ramp as f32;
        }
    }

    /// The factor aimed at.
    #[must_use]
    pub fn target(&self) -> f32 {
        self.target
    }

    /// Whether nothing comes through.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.factor == 0.0 && self.step == 0.0
    }

    /// Applies it; a factor of 1 leaves sound as it is, to the bit.
    pub fn apply(&mut self, sound: &mut [f32]) {
        if self.step == 0.0 && self.factor == 1.0 {
            return;
        }
        for sample in sound {
            if self.step != 0.0 {
                self.factor += self.step;
                let arrived = (self.target - self.factor) * self.step <= 0.0;
                if arrived {
                    self.factor = self.target;
                    self.step = 0.0;
                }
            }
            *sample *= self.factor;
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

/// A gain as a person chooses it, which never leaves full scale.
#[derive(Clone, Debug)]
pub struct Volume {
    rate: SampleRate,
    gain: Gain,
    limiter: Limiter,
}

impl Volume {
    /// Of `db`, within [`GAIN_DB`], for sound of this rate.
    #[must_use]
    pub fn new(rate: SampleRate, db: i32) -> Volume {
        Volume {
            rate,
            gain: Gain::new(rate, factor(db)),
            limiter: Limiter::new(rate),
        }
    }

    /// Moves to `db`, within [`GAIN_DB`].
    pub fn set(&mut self, db: i32) {
        self.gain.set(factor(db));
    }

    /// Applies it to sound of this rate, which may be another than before.
    pub fn apply(&mut self, rate: SampleRate, sound: &mut [f32]) {
        if rate != self.rate {
            self.rate = rate;
            self.gain = Gain::new(rate, self.gain.target());
            self.limiter = Limiter::new(rate);
        }
        self.gain.apply(sound);
        self.limiter.apply(sound);
    }
}

/// A choice of a person as a factor.
#[must_use]
pub fn factor(db: i32) -> f32 {
    from_db(db.clamp(*GAIN_DB.start(), *GAIN_DB.end()) as f32)
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
        assert!(sound[470] > 0.0 && gain.is_closed());
    }

    #[test]
    fn the_same_choice_again_does_not_begin_the_change_anew() {
        let (mut once, mut again) = (
            Gain::new(SampleRate::FULL, 1.0),
            Gain::new(SampleRate::FULL, 1.0),
        );
        once.set(0.5);
        let (mut expected, mut sound) = ([0.5; 480], [0.5; 480]);
        once.apply(&mut expected);
        for part in sound.chunks_mut(48) {
            again.set(0.5);
            again.apply(part);
        }
        assert_eq!(sound, expected);
    }

    #[test]
    fn a_choice_is_in_decibels_and_ends_at_twenty() {
        for (db, expected) in [(6, 1.995), (-6, 0.501), (20, 10.0), (-20, 0.1), (999, 10.0)] {
            assert!((factor(db) - expected).abs() < 1e-3, "{db}: {}", factor(db));
        }
    }

    #[test]
    fn amplified_sound_stays_within_full_scale_and_quiet_sound_is_amplified_exactly() {
        let mut volume = Volume::new(SampleRate::NARROW, 12);
        let mut quiet = [0.1, -0.2, 0.05];
        volume.apply(SampleRate::NARROW, &mut quiet);
        assert!((quiet[0] - 0.398).abs() < 1e-3 && (quiet[1] + 0.796).abs() < 1e-3);
        let mut loud = [0.5, -0.9, 0.7];
        volume.apply(SampleRate::NARROW, &mut loud);
        assert!(loud.iter().all(|sample| sample.abs() < 0.981), "{loud:?}");
    }

    #[test]
    fn no_gain_changes_nothing_to_the_bit_at_any_rate() {
        let mut volume = Volume::new(SampleRate::FULL, 0);
        for rate in [SampleRate::FULL, SampleRate::NARROW] {
            let mut sound = [0.123_456, -0.97, 1e-9];
            volume.apply(rate, &mut sound);
            assert_eq!(sound, [0.123_456, -0.97, 1e-9]);
        }
    }

    #[test]
    fn a_senseless_factor_changes_nothing() {
        let mut gain = Gain::new(SampleRate::NARROW, f32::NAN);
        let mut sound = [0.25; 4];
        gain.apply(&mut sound);
        assert_eq!(sound, [0.25; 4]);
    }
}
