//! Whether sound has the pitch of a voice: what a key, a breath and a fan have not.

use crate::units::SampleRate;

/// The rate at which pitch is looked for, roughly: the fundamental and its first harmonics.
const RATE_HZ: u32 = 4_000;
/// Voices, in Hz: deep men to small children.
const LOWEST_HZ: u32 = 70;
const HIGHEST_HZ: u32 = 400;
/// Sound compared with itself a period later, at [`RATE_HZ`]: 30 ms, two periods of the deepest.
const WINDOW: usize = 120;
/// The longest period, at [`RATE_HZ`].
const LONGEST: usize = (RATE_HZ / LOWEST_HZ) as usize;
const SHORTEST: usize = (RATE_HZ / HIGHEST_HZ) as usize;
const LINE: usize = WINDOW + LONGEST;

/// Compares the last 45 ms of sound with themselves. Allocates nothing.
#[derive(Clone, Debug)]
pub struct Voicing {
    /// Samples taken for one at [`RATE_HZ`].
    together: usize,
    sum: f32,
    taken: usize,
    /// A slow mean, taken off: a constant would resemble itself at any distance.
    mean: f32,
    line: [f32; LINE],
}

impl Voicing {
    /// For sound of this rate, 4 kHz or more; it has heard silence.
    #[must_use]
    pub fn new(rate: SampleRate) -> Voicing {
        Voicing {
            together: (rate.hz() / RATE_HZ).max(1) as usize,
            sum: 0.0,
            taken: 0,
            mean: 0.0,
            line: [0.0; LINE],
        }
    }

    /// Takes the next sound: 10 ms or so.
    pub fn observe(&mut self, sound: &[f32]) {
        let made = (self.taken + sound.len()) / self.together;
        let kept = LINE.saturating_sub(made);
        self.line.copy_within(LINE - kept.., 0);
        let mut at = kept;
        for sample in sound {
            self.sum += if sample.is_finite() { *sample } else { 0.0 };
            self.taken += 1;
            if self.taken == self.together {
                let sample = std::mem::take(&mut self.sum) / self.together as f32;
                self.taken = 0;
                self.mean += (sample - self.mean) * 0.05;
                if at == LINE {
                    // More than fits: the newest counts.
                    self.line.copy_within(1.., 0);
                    at -= 1;
                }
                self.line[at] = sample - self.mean;
                at += 1;
            }
        }
    }

    /// How much the newest sound resembles itself one period of a voice earlier: 1 for a
    /// sustained vowel, about 0.4 for noise, 0 for silence.
    #[must_use]
    pub fn strength(&self) -> f32 {
        let newest = &self.line[LONGEST..];
        let power: f32 = newest.iter().map(|sample| sample * sample).sum();
        let mut best = 0.0_f32;
        for period in SHORTEST..=LONGEST {
            let earlier = &self.line[LONGEST - period..][..WINDOW];
            let (mut both, mut other) = (0.0, 0.0);
            for (a, b) in newest.iter().zip(earlier) {
                both += a * b;
                other += b * b;
            }
            let scale = (power * other).sqrt();
            if scale > 1e-9 {
                best = best.max(both / scale);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{sine, speech};
    use super::*;

    fn strength(rate: SampleRate, sound: &[f32]) -> f32 {
        let mut voicing = Voicing::new(rate);
        for frame in sound.chunks(rate.hz() as usize / 100) {
            voicing.observe(frame);
        }
        voicing.strength()
    }

    fn noise(samples: usize) -> Vec<f32> {
        let mut seed = 77_u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..samples).map(|_| next() * 0.2).collect()
    }

    #[test]
    fn buzzes_of_every_voice_resemble_themselves_and_noise_does_not() {
        for rate in [SampleRate::NARROW, SampleRate::WIDE, SampleRate::FULL] {
            let samples = rate.hz() as usize / 5;
            for hz in [75.0, 110.0, 180.0, 240.0, 390.0] {
                let harmonics = [1.0, 2.0, 3.0].map(|n| sine(rate, n * hz, 0.1 / n, samples));
                let buzz: Vec<f32> = (0..samples)
                    .map(|at| harmonics.iter().map(|sound| sound[at]).sum())
                    .collect();
                assert!(strength(rate, &buzz) > 0.9, "{rate}, {hz} Hz");
            }
            let noise = strength(rate, &noise(samples));
            assert!(noise < 0.55, "{rate}: {noise}");
            assert_eq!(strength(rate, &vec![0.25; samples * 5]), 0.0, "a constant");
        }
    }

    #[test]
    fn a_third_of_speech_and_more_has_pitch() {
        let speech = speech();
        let mut voicing = Voicing::new(SampleRate::WIDE);
        let (mut voiced, mut frames) = (0, 0);
        for frame in speech.chunks(160) {
            voicing.observe(frame);
            frames += 1;
            voiced += usize::from(voicing.strength() > 0.7);
        }
        assert!(voiced * 3 > frames, "{voiced} of {frames}");
    }

    #[test]
    fn sound_longer_than_the_line_and_nonsense_do_no_harm() {
        let mut voicing = Voicing::new(SampleRate::FULL);
        voicing.observe(&sine(SampleRate::FULL, 200.0, 0.5, 48_000));
        assert!(voicing.strength() > 0.95);
        voicing.observe(&[f32::NAN; 4_800]);
        assert!(voicing.strength() < 0.1);
    }
}
