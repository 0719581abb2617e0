//! Linear prediction: what filter, fed with little, would have made a sound.

use std::f32::consts::FRAC_PI_2;

/// Sum of products.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side, so that the compiler may use the processor's vectors.
    let mut sums = [0.0_f32; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Mean square; 0 for nothing.
pub(super) fn power(sound: &[f32]) -> f32 {
    dot(sound, sound) / sound.len().max(1) as f32
}

/// Correlation of two sounds as far as both reach, −1 to 1 whatever their levels.
pub(super) fn likeness(a: &[f32], b: &[f32]) -> f32 {
    let both = a.len().min(b.len());
    let (a, b) = (&a[..both], &b[..both]);
    dot(a, b) / (dot(a, a) * dot(b, b) + 1e-9).sqrt()
}

/// Works out prediction filters. Allocates only when made.
///
/// A filter is written oldest first and with its sign turned: the next sample is the [`dot`] of it
/// with as many samples before.
#[derive(Debug)]
pub(super) struct Predictor {
    /// Errors of Burg's lattice, forward and backward, and what each place weighs.
    forward: Vec<f32>,
    backward: Vec<f32>,
    weights: Vec<f32>,
    /// The filter so far, 1 first, and at the stage before.
    filter: Vec<f64>,
    before: Vec<f64>,
    lags: Vec<f64>,
}

impl Predictor {
    /// For at most `samples` of sound and filters of at most `order`.
    pub(super) fn new(samples: usize, order: usize) -> Predictor {
        Predictor {
            forward: Vec::with_capacity(samples),
            backward: Vec::with_capacity(samples),
            weights: Vec::with_capacity(samples),
            filter: Vec::with_capacity(order + 1),
            before: Vec::with_capacity(order + 1),
            lags: Vec::with_capacity(order + 1),
        }
    }

    /// By Burg's method, the end of `sound` weighing more than its beginning. At high orders on
    /// short sounds it finds the harmonics one by one.
    pub(super) fn harmonics(&mut self, sound: &[f32], filter: &mut [f32]) {
        let order = filter.len().min(sound.len() / 2);
        let length = sound.len() as f32;
        self.forward.clear();
        self.forward.extend_from_slice(sound);
        self.backward.clear();
        self.backward.extend_from_slice(sound);
        self.weights.clear();
        self.weights.extend((0..sound.len()).map(|index| {
            let place = ((index as f32 + 0.5) / length / 0.8).min(1.0);
            (FRAC_PI_2 * place).sin().powi(2)
        }));
        self.filter.clear();
        self.filter.push(1.0);
        let mut start = None;
        for stage in 1..=order {
            // The backward errors move on by one place at each stage, so that this pairs each
            // forward error with the backward error one sample before it.
            let forward = &mut self.forward[stage..];
            let backward = &mut self.backward[..sound.len() - stage];
            let (product, energy) = lattice_sums(forward, backward, &self.weights[stage..]);
            // What is left to predict is less than what the codecs add.
            if energy <= *start.get_or_insert(energy) * 1e-5 + 1e-9 {
                break;
            }
            let reflection = (-2.0 * product / energy).clamp(-0.999_99, 0.999_99);
            for (f, b) in forward.iter_mut().zip(backward) {
                (*f, *b) = (*f + reflection * *b, *b + reflection * *f);
            }
            self.step_up(f64::from(reflection));
        }
        self.write(filter);
    }

    /// By autocorrelation of the windowed `sound`: at low orders the envelope of its spectrum.
    pub(super) fn envelope(&mut self, sound: &[f32], filter: &mut [f32]) {
        let length = sound.len() as f32;
        self.forward.clear();
        // The window rises over 85% of the sound and falls steeply: the end counts most.
        self.forward
            .extend(sound.iter().enumerate().map(|(index, sample)| {
                let place = index as f32 / length;
                if place < 0.85 {
                    sample * (FRAC_PI_2 * place / 0.85).sin()
                } else {
                    sample * (FRAC_PI_2 * (place - 0.85) / 0.15 * 0.9).cos()
                }
            }));
        let line = &self.forward;
        self.lags.clear();
        self.lags.extend((0..=filter.len()).map(|lag| {
            // Blurs the spectrum a little, 40 Hz at 8 kHz, so that the filter does not ring.
            let spread = std::f64::consts::TAU * 0.005 * lag as f64;
            let lagged = line.get(lag..).unwrap_or_default();
            f64::from(dot(lagged, &line[..lagged.len()])) * (-0.5 * spread * spread).exp()
        }));
        self.lags[0] = self.lags[0] * 1.000_1 + 1e-9;
        self.filter.clear();
        self.filter.push(1.0);
        let mut error = self.lags[0];
        for stage in 1..=filter.len() {
            let sum: f64 = self
                .filter
                .iter()
                .zip(self.lags[1..=stage].iter().rev())
                .map(|(coefficient, lag)| coefficient * lag)
                .sum();
            let reflection = -sum / error;
            error *= 1.0 - reflection * reflection;
            if error <= self.lags[0] * 1e-9 {
                break;
            }
            self.step_up(reflection);
        }
        self.write(filter);
    }

    /// The filter of one order more, by its reflection coefficient.
    fn step_up(&mut self, reflection: f64) {
        self.before.clear();
        self.before.extend_from_slice(&self.filter);
        self.filter.push(0.0);
        let turned = self.before.iter().rev();
        for (coefficient, back) in self.filter[1..].iter_mut().zip(turned) {
            *coefficient += reflection * back;
        }
    }

    fn write(&self, filter: &mut [f32]) {
        filter.fill(0.0);
        for (tap, coefficient) in filter.iter_mut().rev().zip(&self.filter[1..]) {
            *tap = -*coefficient as f32;
        }
    }
}

/// The weighted product of two errors, and the sum of their weighted energies.
fn lattice_sums(forward: &[f32], backward: &[f32], weights: &[f32]) -> (f32, f32) {
    let (mut products, mut energies) = ([0.0_f32; 8], [0.0_f32; 8]);
    let (f, f_rest) = forward.as_chunks::<8>();
    let (b, b_rest) = backward.as_chunks::<8>();
    let (w, w_rest) = weights.as_chunks::<8>();
    for ((f, b), w) in f.iter().zip(b).zip(w) {
        for lane in 0..8 {
            products[lane] += w[lane] * f[lane] * b[lane];
            energies[lane] += w[lane] * (f[lane] * f[lane] + b[lane] * b[lane]);
        }
    }
    let (mut product, mut energy) = (products.iter().sum(), energies.iter().sum());
    for ((f, b), w) in f_rest.iter().zip(b_rest).zip(w_rest) {
        product += w * f * b;
        energy += w * (f * f + b * b);
    }
    (product, energy)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::sine;
    use super::*;
    use crate::units::SampleRate;

    #[test]
    fn sums_agree_with_those_written_out() {
        let a: Vec<f32> = (0..21).map(|n| n as f32 * 0.5).collect();
        let b: Vec<f32> = (0..21).map(|n| (n % 3) as f32).collect();
        assert_eq!(dot(&a, &b), 112.0);
        assert_eq!(dot(&[], &[]), 0.0);
        assert!((likeness(&a, &a) - 1.0).abs() < 1e-6);
        assert!((power(&[2.0, -2.0]) - 4.0).abs() < 1e-6);
        assert_eq!(likeness(&[0.0; 9], &b), 0.0);
    }

    #[test]
    fn two_tones_are_predicted_almost_exactly() {
        let rate = SampleRate::NARROW;
        let mut sound = sine(rate, 400.0, 0.4, 400);
        let other = sine(rate, 1_930.0, 0.2, 400);
        sound.iter_mut().zip(other).for_each(|(a, b)| *a += b);
        let mut filter = [0.0; 24];
        Predictor::new(400, 24).harmonics(&sound[..320], &mut filter);
        for at in 320..330 {
            let next = dot(&filter, &sound[at - 24..at]);
            assert!((next - sound[at]).abs() < 0.02, "{next} for {}", sound[at]);
        }
    }

    #[test]
    fn an_envelope_takes_a_resonance_off() {
        // Noise through one resonance; the residual must be almost white, so have its power.
        let mut state = 7_u32;
        let (mut sound, mut driven) = (vec![0.0_f32; 402], 0.0);
        for at in 2..402 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 16) as f32 / 65_536.0 - 0.5;
            driven += noise * noise;
            sound[at] = 1.6 * sound[at - 1] - 0.9 * sound[at - 2] + noise;
        }
        let mut filter = [0.0; 10];
        Predictor::new(402, 10).envelope(&sound, &mut filter);
        let residual: f32 = (12..402)
            .map(|at| (sound[at] - dot(&filter, &sound[at - 10..at])).powi(2))
            .sum();
        assert!(residual < 1.3 * driven, "{residual} of {driven}");
        assert!(driven < 0.2 * dot(&sound, &sound));
    }

    #[test]
    fn silence_is_predicted_as_silence() {
        let mut filter = [1.0; 16];
        let mut predictor = Predictor::new(200, 16);
        predictor.harmonics(&[0.0; 200], &mut filter);
        assert_eq!(filter, [0.0; 16]);
        filter = [1.0; 16];
        predictor.envelope(&[0.0; 200], &mut filter);
        assert_eq!(filter, [0.0; 16]);
        predictor.harmonics(&[], &mut filter);
        assert_eq!(filter, [0.0; 16]);
    }
}
