//! The network: a spectrum in, and how much of it is a voice out.
//!
//! GTCRN (Rong, Sun, Zhang, Hu, Zhu and Lu, "GTCRN: a speech enhancement model requiring ultralow
//! computational resources", ICASSP 2024), with the numbers that its authors published under the
//! MIT licence (assets/README.md). 34 million products a second.

use realfft::num_complex::Complex32;

use super::layers::{Across, CHANNELS, Middle, NARROW, beside, tanh};
use super::paths::Paths;
use super::weights::Weights;

/// Frequencies of a spectrum: 31.25 Hz apart, up to 8 kHz.
pub(super) const BINS: usize = 257;

/// The lowest ones are taken as they are, the others in bands that widen as hearing does.
const AS_THEY_ARE: usize = 65;

/// Those, and the bands.
const WIDE: usize = 129;

/// Between wide and narrow.
const BETWEEN: usize = 65;

/// The network and what it remembers.
pub(super) struct Network {
    /// For each frequency above the lowest: its band, its share in it and in the next.
    bands: Box<[f32]>,
    narrow: [Across; 2],
    before: [Middle; 3],
    paths: [Paths; 2],
    after: [Middle; 3],
    widen: [Across; 2],
    features: Box<[f32; 3 * WIDE]>,
    around: Box<[f32; 9 * WIDE]>,
    between: Box<[f32; CHANNELS * BETWEEN]>,
    /// What each of the layers before said, for those after.
    said: [Box<[f32; CHANNELS * NARROW]>; 4],
    planes: Box<[f32; CHANNELS * NARROW]>,
    doubled: Box<[f32; CHANNELS * BETWEEN]>,
    mask: Box<[f32; 2 * WIDE]>,
}

impl Network {
    pub(super) fn new() -> Network {
        let weights = &mut Weights::new();
        let plane = || Box::new([0.0; CHANNELS * NARROW]);
        let network = Network {
            bands: weights.take(3 * (BINS - AS_THEY_ARE)),
            narrow: [
                Across::new(weights, 9, CHANNELS, 1, true),
                Across::new(weights, CHANNELS, CHANNELS, 2, true),
            ],
            before: [1, 2, 5].map(|dilation| Middle::new(weights, dilation)),
            paths: std::array::from_fn(|_| Paths::new(weights)),
            after: [5, 2, 1].map(|dilation| Middle::new(weights, dilation)),
            widen: [
                Across::new(weights, CHANNELS, CHANNELS, 2, true),
                Across::new(weights, CHANNELS, 2, 1, false),
            ],
            features: Box::new([0.0; 3 * WIDE]),
            around: Box::new([0.0; 9 * WIDE]),
            between: Box::new([0.0; CHANNELS * BETWEEN]),
            said: std::array::from_fn(|_| plane()),
            planes: plane(),
            doubled: Box::new([0.0; CHANNELS * BETWEEN]),
            mask: Box::new([0.0; 2 * WIDE]),
        };
        debug_assert!(weights.is_empty());
        network
    }

    /// Forgets what was heard.
    pub(super) fn forget(&mut self) {
        self.before.iter_mut().for_each(Middle::forget);
        self.after.iter_mut().for_each(Middle::forget);
        self.paths.iter_mut().for_each(Paths::forget);
    }

    /// By what each frequency of `spectrum` is multiplied, so that the voice is left. A step is
    /// 16 ms.
    pub(super) fn step(&mut self, spectrum: &[Complex32; BINS], mask: &mut [Complex32; BINS]) {
        self.look(spectrum);
        beside(self.features.as_slice(), WIDE, self.around.as_mut_slice());
        self.narrow[0].halve(self.around.as_slice(), WIDE, self.between.as_mut_slice());
        self.narrow[1].halve(self.between.as_slice(), BETWEEN, self.planes.as_mut_slice());
        for (layer, said) in self.before.iter_mut().zip(&mut self.said) {
            said.copy_from_slice(self.planes.as_slice());
            layer.apply(&mut self.planes);
        }
        self.said[3].copy_from_slice(self.planes.as_slice());
        for paths in &mut self.paths {
            paths.apply(&mut self.planes);
        }
        for (layer, said) in self.after.iter_mut().zip(self.said[1..].iter().rev()) {
            add(self.planes.as_mut_slice(), said.as_slice());
            layer.apply(&mut self.planes);
        }
        add(self.planes.as_mut_slice(), self.said[0].as_slice());
        self.widen[0].double(self.planes.as_slice(), NARROW, self.doubled.as_mut_slice());
        add(self.doubled.as_mut_slice(), self.between.as_slice());
        self.widen[1].double(self.doubled.as_slice(), BETWEEN, self.mask.as_mut_slice());
        for value in self.mask.iter_mut() {
            *value = tanh(*value);
        }
        self.spread(mask);
    }

    /// Amplitudes, real and imaginary parts, in bands.
    fn look(&mut self, spectrum: &[Complex32; BINS]) {
        self.features.fill(0.0);
        let (loud, parts) = self.features.split_at_mut(WIDE);
        let (real, imaginary) = parts.split_at_mut(WIDE);
        for (k, bin) in spectrum.iter().enumerate() {
            let seen = [(bin.norm_sqr() + 1e-12).sqrt(), bin.re, bin.im];
            for (row, value) in [&mut *loud, &mut *real, &mut *imaginary]
                .into_iter()
                .zip(seen)
            {
                if k < AS_THEY_ARE {
                    row[k] = value;
                } else {
                    let (band, this, next) = band(&self.bands, k);
                    row[band] += this * value;
                    row[band + 1] += next * value;
                }
            }
        }
    }

    /// From bands back to frequencies.
    fn spread(&self, mask: &mut [Complex32; BINS]) {
        let (real, imaginary) = self.mask.split_at(WIDE);
        for (k, out) in mask.iter_mut().enumerate() {
            let of = |row: &[f32]| {
                if k < AS_THEY_ARE {
                    row[k]
                } else {
                    let (band, this, next) = band(&self.bands, k);
                    this * row[band] + next * row[band + 1]
                }
            };
            *out = Complex32::new(of(real), of(imaginary));
        }
    }
}

fn band(bands: &[f32], k: usize) -> (usize, f32, f32) {
    let of = &bands[3 * (k - AS_THEY_ARE)..][..3];
    (AS_THEY_ARE + of[0] as usize, of[1], of[2])
}

fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice that glides, and hardly anything between its harmonics.
    fn spectrum(step: usize) -> [Complex32; BINS] {
        let pitch = 4.0 + 0.05 * step as f32;
        std::array::from_fn(|k| {
            let k = k as f32;
            let harmonics = (std::f32::consts::PI * k / pitch).cos().powi(8);
            let loud = 6.0 * (-k / 35.0).exp() * harmonics + 0.01;
            Complex32::from_polar(loud, 2.4 * k * step as f32)
        })
    }

    fn after(network: &mut Network, steps: usize) -> Box<[Complex32; BINS]> {
        let mut mask = Box::new([Complex32::default(); BINS]);
        for step in 0..steps {
            network.step(&spectrum(step), &mut mask);
        }
        mask
    }

    #[test]
    fn it_says_what_the_authors_model_says() {
        // From gtcrn_simple.onnx in onnxruntime 1.32, the same spectra given.
        let expected = [
            (5, 0.9794, 0.0014),
            (10, 0.9865, 0.0037),
            (20, 0.9968, 0.0015),
            (40, 1.0, -0.0108),
            (64, 0.9017, 0.0017),
            (65, 0.9068, 0.0014),
            (100, 0.0606, 0.0007),
            (180, 0.039, 0.0006),
            (256, 0.0887, 0.0018),
        ];
        let mask = after(&mut Network::new(), 16);
        for (k, real, imaginary) in expected {
            let off = (mask[k] - Complex32::new(real, imaginary)).norm();
            assert!(off < 1e-3, "{k}: {}", mask[k]);
        }
    }

    #[test]
    fn what_was_forgotten_tells_no_more() {
        let mut network = Network::new();
        let first = after(&mut network, 7);
        assert!(after(&mut network, 7) != first);
        network.forget();
        assert!(after(&mut network, 7) == first);
    }
}
