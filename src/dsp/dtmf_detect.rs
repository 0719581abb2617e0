//! Hearing keys in sound, for a far side that sends no telephone events (RFC 4733).
//!
//! Eight Goertzel filters over blocks of 20 ms. A key counts when two blocks in a row hold it and
//! little else: speech has sound beside any two frequencies.

use std::f32::consts::TAU;
use std::time::Duration;

use super::tone::{COLUMNS, KEYS, ROWS};
use crate::units::SampleRate;

const BLOCK: Duration = Duration::from_millis(20);

/// Mean square below which nothing is a key: −40 dB.
const QUIET: f32 = 1e-4;

/// Share of a block's power that the two sines must have.
const PURE: f32 = 0.80;

/// One row and one column must be so much stronger, in power, than the next: 6 dB.
const DISTINCT: f32 = 4.0;

/// And the two not further apart than that, in power: 10 dB, more than Q.24 allows a sender.
const TWIST: f32 = 10.0;

/// Finds keys in a stream of sound. Allocates only when made.
#[derive(Debug)]
pub struct DtmfDetector {
    rate: SampleRate,
    block: Vec<f32>,
    filled: usize,
    /// The key that the last block held, and for how many blocks in a row.
    held: Option<(char, u32)>,
}

impl DtmfDetector {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new(rate: SampleRate) -> DtmfDetector {
        let block = vec![0.0; rate.samples_in(BLOCK)];
        DtmfDetector {
            rate,
            block,
            filled: 0,
            held: None,
        }
    }

    /// Listens to `sound` and calls `pressed` once for each key that was held for two blocks or
    /// more, when it is let go, with how long that was: to a block, 20 ms.
    pub fn listen(&mut self, mut sound: &[f32], mut pressed: impl FnMut(char, Duration)) {
        while !sound.is_empty() {
            let taken = sound.len().min(self.block.len() - self.filled);
            self.block[self.filled..self.filled + taken].copy_from_slice(&sound[..taken]);
            self.filled += taken;
            sound = &sound[taken..];
            if self.filled == self.block.len() {
                self.filled = 0;
                let key = self.key_of_block();
                match (&mut self.held, key) {
                    (Some((held, blocks)), Some(key)) if *held == key => *blocks += 1,
                    _ => {
                        if let Some((key, blocks @ 2..)) = self.held {
                            pressed(key, BLOCK * blocks);
                        }
                        self.held = key.map(|key| (key, 1));
                    }
                }
            }
        }
    }

    fn key_of_block(&self) -> Option<char> {
        let total = self.block.iter().map(|s| s * s).sum::<f32>() / self.block.len() as f32;
        if total < QUIET {
            return None;
        }
        let (row, low) = strongest(ROWS.map(|hz| self.power(hz)))?;
        let (column, high) = strongest(COLUMNS.map(|hz| self.power(hz)))?;
        let pure = low + high > PURE * total;
        let balanced = low < high * TWIST && high < low * TWIST;
        (pure && balanced).then_some(KEYS[row][column])
    }

    /// Power of a sine of `hz` in the block: the mean square it would have alone.
    fn power(&self, hz: f32) -> f32 {
        let coefficient = 2.0 * (TAU * hz / self.rate.hz() as f32).cos();
        let (mut one, mut two) = (0.0_f32, 0.0_f32);
        for sample in &self.block {
            (one, two) = (sample + coefficient * one - two, one);
        }
        let power = one * one + two * two - coefficient * one * two;
        2.0 * power / (self.block.len() as f32).powi(2)
    }
}

/// The strongest of four, if it stands out.
fn strongest(powers: [f32; 4]) -> Option<(usize, f32)> {
    let (best, power) = powers
        .into_iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let others = powers
        .into_iter()
        .enumerate()
        .filter(|(index, _)| *index != best);
    let next = others.map(|(_, power)| power).fold(0.0, f32::max);
    (power > next * DISTINCT).then_some((best, power))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{sine, speech};
    use super::super::tone::Tone;
    use super::*;

    const ALL: &str = "1234567890*#ABCD";

    fn heard(rate: SampleRate, sound: &[f32]) -> String {
        let mut keys = String::new();
        let mut detector = DtmfDetector::new(rate);
        sound
            .chunks(117)
            .for_each(|piece| detector.listen(piece, |key, _| keys.push(key)));
        keys
    }

    fn dialled(rate: SampleRate, keys: &str, on_ms: u64, off_ms: u64, gain: f32) -> Vec<f32> {
        let mut sound = vec![0.0; 700];
        for key in keys.chars() {
            let mut tone = Tone::dtmf(rate, key).unwrap();
            let mut part = vec![0.0; rate.samples_in(Duration::from_millis(on_ms))];
            tone.fill(&mut part);
            sound.extend(part.iter().map(|sample| sample * gain));
            sound.extend(vec![0.0; rate.samples_in(Duration::from_millis(off_ms))]);
        }
        sound
    }

    #[test]
    fn every_key_is_heard_once_loud_or_faint() {
        for rate in [SampleRate::NARROW, SampleRate::WIDE, SampleRate::FULL] {
            for gain in [1.0, 0.3, 0.06] {
                assert_eq!(heard(rate, &dialled(rate, ALL, 100, 60, gain)), ALL);
                assert_eq!(heard(rate, &dialled(rate, "5577", 70, 70, gain)), "5577");
            }
        }
    }

    #[test]
    fn how_long_a_key_was_held_is_told_to_a_block() {
        let rate = SampleRate::NARROW;
        let mut told = Vec::new();
        let sound = dialled(rate, "3", 400, 60, 1.0);
        DtmfDetector::new(rate).listen(&sound, |key, held| told.push((key, held.as_millis())));
        assert!(matches!(told[..], [('3', 360..=420)]), "{told:?}");
    }

    #[test]
    fn keys_are_heard_through_noise() {
        let rate = SampleRate::NARROW;
        let mut sound = dialled(rate, ALL, 100, 60, 1.0);
        let mut state = 9_u32;
        for sample in &mut sound {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample += 0.1 * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0);
        }
        assert_eq!(heard(rate, &sound), ALL);
    }

    #[test]
    fn speech_is_not_taken_for_keys() {
        let rate = SampleRate::WIDE;
        let speech = speech();
        assert_eq!(heard(rate, &speech), "");
        for gain in [0.5, 2.0] {
            let louder: Vec<f32> = speech.iter().map(|s| (s * gain).clamp(-1.0, 1.0)).collect();
            assert_eq!(heard(rate, &louder), "");
        }
    }

    #[test]
    fn a_single_sine_is_no_key() {
        let rate = SampleRate::NARROW;
        for hz in [425.0, 697.0, 770.0, 1_209.0, 1_633.0, 2_000.0] {
            assert_eq!(heard(rate, &sine(rate, hz, 0.5, 8_000)), "", "{hz} Hz");
        }
    }
}
