//! Keeps a sum of voices within full scale without cutting its peaks off.

use std::time::Duration;

use crate::units::SampleRate;

/// What peaks are brought down to: a hair below full scale, where 16 bits end.
const CEILING: f32 = 0.99;

/// The gain comes back by this factor with each 10 ms: 1 dB, fast enough for the next word, and
/// too slow to be heard as a change of the one that is spoken.
const RELEASE: f32 = 1.122;

/// A fall of the gain takes at least so long, so that it does not click.
const ATTACK: Duration = Duration::from_micros(500);

/// A gain that falls ahead of what is too loud and rises slowly after it.
///
/// Blocks of 10 ms are looked at whole before they go out, so the gain is down when the peak
/// comes, with no delay. Sound that stays within full scale passes to the bit.
#[derive(Clone, Debug)]
pub struct Limiter {
    gain: f32,
    attack: usize,
}

impl Limiter {
    /// For sound of this rate.
    #[must_use]
    pub fn new(rate: SampleRate) -> Limiter {
        Limiter {
            gain: 1.0,
            attack: rate.samples_in(ATTACK).max(1),
        }
    }

    /// Whether it holds sound down, or is still letting go.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.gain < 1.0
    }

    /// Limits one block, about 10 ms of sound.
    pub fn apply(&mut self, sound: &mut [f32]) {
        let peak = sound.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        let wanted = if peak > CEILING { CEILING / peak } else { 1.0 };
        if wanted >= 1.0 && self.gain >= 1.0 {
            return;
        }
        let from = self.gain;
        if wanted < from {
            // Down before the first sample that would be too loud.
            let first = sound.iter().position(|s| s.abs() * from > CEILING);
            let ramp = first
                .unwrap_or(sound.len())
                .max(self.attack)
                .min(sound.len());
            for (n, sample) in sound.iter_mut().enumerate() {
                let way = ((n + 1) as f32 / ramp.max(1) as f32).min(1.0);
                // Only a peak within the shortest ramp can still reach beyond the ceiling.
                *sample = (*sample * (from + (wanted - from) * way)).clamp(-CEILING, CEILING);
            }
            self.gain = wanted;
        } else {
            let to = (from * RELEASE).min(wanted).min(1.0);
            let length = sound.len().max(1) as f32;
            for (n, sample) in sound.iter_mut().enumerate() {
                *sample *= from + (to - from) * (n + 1) as f32 / length;
            }
            self.gain = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{amplitude, sine};
    use super::*;

    const RATE: SampleRate = SampleRate::FULL;

    fn limited(mut sound: Vec<f32>) -> Vec<f32> {
        let mut limiter = Limiter::new(RATE);
        sound.chunks_mut(480).for_each(|block| limiter.apply(block));
        sound
    }

    #[test]
    fn what_fits_passes_to_the_bit() {
        let sound = sine(RATE, 440.0, 0.98, 48_000);
        assert!(limited(sound.clone()) == sound);
    }

    #[test]
    fn eight_loud_voices_stay_within_full_scale_and_are_not_cut() {
        // Twice full scale: a limiter that cuts makes the third harmonic of it 14 dB below.
        let sound = limited(sine(RATE, 440.0, 2.0, 48_000));
        assert!(sound.iter().all(|s| s.abs() <= 0.991));
        let settled = &sound[9_600..];
        assert!(amplitude(RATE, 440.0, settled) > 0.97);
        assert!(amplitude(RATE, 1_320.0, settled) < 0.01);
    }

    #[test]
    fn a_shout_pulls_the_gain_down_and_half_a_second_later_it_is_back() {
        let mut sound = sine(RATE, 440.0, 0.4, 48_000);
        for sample in &mut sound[9_600..14_400] {
            *sample *= 4.0;
        }
        let after = limited(sound.clone());
        assert!(after[..9_120] == sound[..9_120]);
        assert!(after.iter().all(|s| s.abs() <= 0.991));
        assert!(after[38_400..] == sound[38_400..]);
        let steepest = |sound: &[f32]| {
            let steps = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs());
            steps.fold(0.0, f32::max)
        };
        // No step that was not in the sound already.
        assert!(steepest(&after) <= steepest(&sound));
    }
}
