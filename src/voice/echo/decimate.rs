//! 48 kHz to 4 kHz.

use std::f64::consts::PI;

use crate::voice::FRAME;

/// Samples of a frame at 4 kHz.
pub(super) const DECIMATED: usize = 40;

const FACTOR: usize = FRAME / DECIMATED;

const TAPS: usize = 8 * FACTOR;

/// Where sound begins to be taken away, in hertz.
const CORNER_HZ: f64 = 1_650.0;

#[derive(Debug)]
pub(super) struct Decimator {
    taps: [f32; TAPS],
    line: [f32; TAPS + FRAME],
}

impl Decimator {
    /// Both sides are late by the same.
    pub(super) const DELAY_DIFFERENCE: f32 = 0.0;

    pub(super) fn new() -> Decimator {
        let mut taps = [0.0_f32; TAPS];
        let mut sum = 0.0;
        for (n, tap) in taps.iter_mut().enumerate() {
            let x = n as f64 + 0.5 - TAPS as f64 / 2.0;
            let window = 0.5 + 0.5 * (2.0 * PI * x / TAPS as f64).cos();
            *tap = ((2.0 * PI * CORNER_HZ * x / 48_000.0).sin() / x * window) as f32;
            sum += *tap;
        }
        for tap in &mut taps {
            *tap /= sum;
        }
        Decimator {
            taps,
            line: [0.0; TAPS + FRAME],
        }
    }

    pub(super) fn apply(&mut self, frame: &[f32; FRAME], out: &mut [f32; DECIMATED]) {
        self.line.copy_within(FRAME.., 0);
        self.line[TAPS..].copy_from_slice(frame);
        for (n, out) in out.iter_mut().enumerate() {
            let from = &self.line[(n + 1) * FACTOR..][..TAPS];
            *out = from.iter().zip(&self.taps).map(|(a, b)| a * b).sum();
        }
    }
}
