//! What a talker's room sounds like while nobody speaks.

use std::time::Duration;

use super::line::Line;
use super::predict::{Predictor, dot, power};
use crate::units::SampleRate;

const PIECE: Duration = Duration::from_millis(10);

/// Order of the noise's spectrum.
const ORDER: usize = 8;

/// The loudest that noise is made, −40 dB of full scale: who has only spoken since the beginning
/// has no background that is known.
const LOUDEST: f32 = 0.01;

/// Keeps the quietest sound of the last seconds, and makes noise like it.
#[derive(Debug)]
pub(super) struct Background {
    piece: usize,
    /// Mean square of the quietest 10 ms, rising slowly; 0 before any sound.
    floor: f32,
    /// The pieces that were about so quiet.
    quiet: Line,
    filter: [f32; ORDER],
    /// Noise made so far, for the filter.
    made: Line,
    level: f32,
}

impl Background {
    pub(super) fn new(rate: SampleRate) -> Background {
        let piece = rate.samples_in(PIECE);
        Background {
            piece,
            floor: 0.0,
            quiet: Line::new(3 * piece),
            filter: [0.0; ORDER],
            made: Line::new(ORDER),
            level: 0.0,
        }
    }

    /// Takes note of sound as it was sent.
    pub(super) fn observe(&mut self, sound: &[f32]) {
        for piece in sound.chunks_exact(self.piece) {
            let loudness = power(piece);
            // Doubles in about two seconds.
            self.floor *= 1.003_5;
            if self.floor == 0.0 || loudness < self.floor {
                self.floor = loudness.max(1e-12);
            }
            if loudness <= 1.5 * self.floor {
                self.quiet.extend(piece);
            }
        }
    }

    /// Makes ready to make noise.
    pub(super) fn begin(&mut self, predictor: &mut Predictor) {
        let quiet = self.quiet.recent();
        predictor.envelope(quiet, &mut self.filter);
        // Less sharp than it was heard: one frequency alone would be a whistle.
        let mut share = 1.0;
        for tap in self.filter.iter_mut().rev() {
            share *= 0.9;
            *tap *= share;
        }
        let residual: f32 = (ORDER..quiet.len())
            .map(|at| (quiet[at] - dot(&self.filter, &quiet[at - ORDER..at])).powi(2))
            .sum();
        self.level = (residual / (quiet.len() - ORDER) as f32)
            .sqrt()
            .min(LOUDEST);
    }

    /// The next sample, from white noise of power 1.
    pub(super) fn next(&mut self, white: f32) -> f32 {
        let sample = white * self.level + dot(&self.filter, self.made.recent());
        let sample = sample.clamp(-4.0 * LOUDEST, 4.0 * LOUDEST);
        self.made.push(sample);
        sample
    }

    pub(super) fn reset(&mut self) {
        self.floor = 0.0;
        self.quiet.set(&[]);
        self.made.set(&[]);
        self.level = 0.0;
    }
}
