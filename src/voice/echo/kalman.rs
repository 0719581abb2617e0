//! An adaptive filter that knows how sure it is of itself.
//!
//! The echo path is a state that wanders slowly, cut in blocks and seen in the frequency domain;
//! a Kalman filter follows it (Enzner and Vary, "Frequency-domain adaptive Kalman filter for
//! acoustic echo control in hands-free telephones", 2006; Kuech, Mabande and Enzner, 2014, for
//! paths longer than a block). The near voice is noise to it: while that is loud it learns little,
//! so that nothing has to tell it when both talk.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// How much of the path stays as it was in a block.
const STAYS: f32 = 0.9998;

/// How slowly the estimate of near sound follows.
const NEAR_KEEPS: f32 = 0.85;

/// Power of what 16 bits cannot tell from silence, for each sample.
const NOTHING: f32 = 1e-9;

/// The filter, of so many parts of a block each.
pub(super) struct Kalman {
    block: usize,
    bins: usize,
    parts: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// Spectra of what was played, a ring of `history` of them.
    far: Vec<Complex32>,
    history: usize,
    newest: usize,
    /// Which spectrum, counted from the newest, the first part belongs to.
    offset: usize,
    last_block: Vec<f32>,
    weights: Vec<Complex32>,
    doubt: Vec<f32>,
    /// Doubt about each part's coefficients before anything is known.
    prior: Vec<f32>,
    near: Vec<f32>,
    /// Which part is brought back to its length next.
    turn: usize,
    /// How many are in each block.
    turns: usize,
    time: Vec<f32>,
    spectrum: Vec<Complex32>,
    error: Vec<Complex32>,
    gain: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl std::fmt::Debug for Kalman {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kalman")
            .field("block", &self.block)
            .field("parts", &self.parts)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Kalman {
    /// A filter of `parts` blocks of `block` samples, that may lie as late as `latest` blocks
    /// after what was played. `turns` parts are held to their length in each block. Before anything
    /// is known, the path's power at each frequency is taken to be `doubt` in the first part and
    /// `fades` times that of the one before in each further one.
    pub(super) fn new(
        block: usize,
        parts: usize,
        latest: usize,
        turns: usize,
        doubt: f32,
        fades: f32,
    ) -> Kalman {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(2 * block);
        let inverse = planner.plan_fft_inverse(2 * block);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let bins = block + 1;
        let history = parts + latest;
        let zero = Complex32::default();
        let mut filter = Kalman {
            block,
            bins,
            parts,
            forward,
            inverse,
            far: vec![zero; history * bins],
            history,
            newest: 0,
            offset: 0,
            last_block: vec![0.0; block],
            weights: vec![zero; parts * bins],
            doubt: vec![0.0; parts * bins],
            near: vec![0.0; bins],
            turn: 0,
            turns: turns.min(parts),
            prior: (0..parts)
                .map(|part| doubt * fades.powi(part as i32))
                .collect(),
            time: vec![0.0; 2 * block],
            spectrum: vec![zero; bins],
            error: vec![zero; bins],
            gain: vec![0.0; bins],
            scratch: vec![zero; scratch],
        };
        filter.forget();
        filter
    }

    /// Takes a block of what is played.
    pub(super) fn render(&mut self, block: &[f32]) {
        self.time[..self.block].copy_from_slice(&self.last_block);
        self.time[self.block..].copy_from_slice(block);
        self.last_block.copy_from_slice(block);
        self.newest = (self.newest + self.history - 1) % self.history;
        let bins = self.bins;
        let place = &mut self.far[self.newest * bins..][..bins];
        transform(&*self.forward, &mut self.time, place, &mut self.scratch);
    }

    fn far_at(&self, part: usize) -> usize {
        (self.newest + self.offset + part) % self.history * self.bins
    }

    /// Estimates the echo in a block of the microphone, and learns from what is left.
    ///
    /// `error` is the microphone without `echo`, the estimate.
    pub(super) fn cancel(&mut self, microphone: &[f32], error: &mut [f32], echo: &mut [f32]) {
        let bins = self.bins;
        self.spectrum.fill(Complex32::default());
        self.gain.fill(0.0);
        for part in 0..self.parts {
            let from = self.far_at(part);
            let far = &self.far[from..][..bins];
            let weights = &self.weights[part * bins..][..bins];
            let doubt = &self.doubt[part * bins..][..bins];
            for k in 0..bins {
                self.spectrum[k] += far[k] * weights[k];
                self.gain[k] += doubt[k] * far[k].norm_sqr();
            }
        }
        back(
            &*self.inverse,
            &mut self.spectrum,
            &mut self.time,
            &mut self.scratch,
        );
        let scale = 1.0 / (2 * self.block) as f32;
        for n in 0..self.block {
            echo[n] = self.time[self.block + n] * scale;
            error[n] = microphone[n] - echo[n];
        }
        self.time[..self.block].fill(0.0);
        self.time[self.block..].copy_from_slice(error);
        transform(
            &*self.forward,
            &mut self.time,
            &mut self.error,
            &mut self.scratch,
        );
        self.learn();
    }

    fn learn(&mut self) {
        let bins = self.bins;
        let floor = NOTHING * self.block as f32;
        for k in 0..bins {
            let power = self.error[k].norm_sqr();
            self.near[k] = NEAR_KEEPS * self.near[k] + (1.0 - NEAR_KEEPS) * power;
            // Half of a block of zeros and a block of sound is sound.
            self.gain[k] = 1.0 / (0.5 * self.gain[k] + self.near[k].max(power) + floor);
        }
        for part in 0..self.parts {
            let from = self.far_at(part);
            let far = &self.far[from..][..bins];
            let weights = &mut self.weights[part * bins..][..bins];
            let doubt = &mut self.doubt[part * bins..][..bins];
            for k in 0..bins {
                let step = doubt[k] * self.gain[k];
                weights[k] = (weights[k] + far[k].conj() * self.error[k] * step) * STAYS;
                let left = (1.0 - 0.5 * step * far[k].norm_sqr()) * doubt[k];
                doubt[k] = STAYS * STAYS * left + (1.0 - STAYS * STAYS) * weights[k].norm_sqr();
            }
        }
        for _ in 0..self.turns {
            self.constrain(self.turn);
            self.turn = (self.turn + 1) % self.parts;
        }
    }

    /// A part is a block long: what has come to lie behind it is taken out.
    fn constrain(&mut self, part: usize) {
        let bins = self.bins;
        let weights = &mut self.weights[part * bins..][..bins];
        self.spectrum.copy_from_slice(weights);
        back(
            &*self.inverse,
            &mut self.spectrum,
            &mut self.time,
            &mut self.scratch,
        );
        let scale = 1.0 / (2 * self.block) as f32;
        self.time[self.block..].fill(0.0);
        for sample in &mut self.time[..self.block] {
            *sample *= scale;
        }
        transform(&*self.forward, &mut self.time, weights, &mut self.scratch);
    }

    /// The impulse response of one part into `out`, a block long.
    pub(super) fn response(&mut self, part: usize, out: &mut [f32]) {
        let bins = self.bins;
        self.spectrum
            .copy_from_slice(&self.weights[part * bins..][..bins]);
        back(
            &*self.inverse,
            &mut self.spectrum,
            &mut self.time,
            &mut self.scratch,
        );
        let scale = 1.0 / (2 * self.block) as f32;
        for (out, sample) in out.iter_mut().zip(&self.time[..self.block]) {
            *out = sample * scale;
        }
    }

    /// How many blocks of delay lie before the first part.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Lets the first part lie so many blocks after what is played. What was learnt moves along,
    /// and is doubted as much as at the start.
    pub(super) fn set_offset(&mut self, offset: usize) {
        let offset = offset.min(self.history - self.parts);
        let later = offset as isize - self.offset as isize;
        self.offset = offset;
        self.shift(later);
        self.doubt_again();
    }

    /// What was learnt moves so many blocks towards the first part, without more doubt: what is
    /// played is told later than before by as much. Less than nothing moves it away.
    pub(super) fn shift(&mut self, blocks: isize) {
        let by = blocks.unsigned_abs().min(self.parts);
        let (moved, kept) = (by * self.bins, (self.parts - by) * self.bins);
        if blocks > 0 {
            self.weights.rotate_left(moved);
            self.doubt.rotate_left(moved);
            self.weights[kept..].fill(Complex32::default());
        } else {
            self.weights.rotate_right(moved);
            self.doubt.rotate_right(moved);
            self.weights[..moved].fill(Complex32::default());
        }
    }

    /// Expects of the path what `doubt` and `fades` say, as in [`Kalman::new`].
    pub(super) fn expect(&mut self, doubt: f32, fades: f32) {
        for (part, prior) in self.prior.iter_mut().enumerate() {
            *prior = doubt * fades.powi(part as i32);
        }
        self.doubt_again();
    }

    /// Forgets the path, not what was played.
    pub(super) fn forget(&mut self) {
        self.weights.fill(Complex32::default());
        self.doubt.fill(0.0);
        self.doubt_again();
    }

    fn doubt_again(&mut self) {
        for (part, doubt) in self.doubt.chunks_exact_mut(self.bins).enumerate() {
            for doubt in doubt {
                *doubt = doubt.max(self.prior[part]);
            }
        }
    }
}

fn transform(
    plan: &dyn RealToComplex<f32>,
    time: &mut [f32],
    spectrum: &mut [Complex32],
    scratch: &mut [Complex32],
) {
    let scratch = &mut scratch[..plan.get_scratch_len()];
    plan.process_with_scratch(time, spectrum, scratch)
        .expect("lengths were taken from the plan");
}

fn back(
    plan: &dyn ComplexToReal<f32>,
    spectrum: &mut [Complex32],
    time: &mut [f32],
    scratch: &mut [Complex32],
) {
    // What rounding leaves there would be refused.
    let last = spectrum.len() - 1;
    spectrum[0].im = 0.0;
    spectrum[last].im = 0.0;
    let scratch = &mut scratch[..plan.get_scratch_len()];
    plan.process_with_scratch(spectrum, time, scratch)
        .expect("lengths were taken from the plan");
}
