//! Sound of one rate to sound of another, in a stream.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use crate::units::SampleRate;

/// What the queue holds, in samples: 200 ms at 192 kHz.
const ROOM: usize = 38_400;

/// Takes sound at one rate and gives it at another. Equal rates pass to the bit and without
/// delay. Allocates only when made.
pub(super) struct Converter {
    from: SampleRate,
    to: SampleRate,
    fft: Option<Stage>,
    made: Queue,
}

struct Stage {
    fft: Fft<f32>,
    input: Vec<f32>,
    filled: usize,
    output: Vec<f32>,
}

/// A first-in, first-out of samples in one piece of memory.
struct Queue {
    samples: Box<[f32]>,
    length: usize,
}

impl Converter {
    /// From one rate to another, beginning in silence.
    pub(super) fn new(from: SampleRate, to: SampleRate) -> Converter {
        let stage = (from != to).then(|| Stage::new(from, to)).flatten();
        let made = Queue {
            samples: vec![0.0; ROOM].into(),
            length: 0,
        };
        Converter {
            from,
            to,
            fft: stage,
            made,
        }
    }

    /// Whether it is for these rates.
    pub(super) fn is_for(&self, from: SampleRate, to: SampleRate) -> bool {
        self.from == from && self.to == to
    }

    /// Takes sound; what nobody has fetched for 200 ms is lost.
    pub(super) fn push(&mut self, mut sound: &[f32]) {
        let Some(stage) = &mut self.fft else {
            self.made.push(sound);
            return;
        };
        while !sound.is_empty() {
            let wanted = stage.fft.input_frames_next().min(stage.input.len());
            let (take, rest) = sound.split_at(sound.len().min(wanted - stage.filled));
            stage.input[stage.filled..][..take.len()].copy_from_slice(take);
            stage.filled += take.len();
            sound = rest;
            if stage.filled == wanted {
                stage.filled = 0;
                let made = stage.run(wanted);
                self.made.push(&stage.output[..made]);
            }
        }
    }

    /// Samples that can be fetched.
    pub(super) fn available(&self) -> usize {
        self.made.length
    }

    /// Fills `out`, if that much is there; else answers false and leaves it.
    pub(super) fn fetch(&mut self, out: &mut [f32]) -> bool {
        self.made.pop(out)
    }

    /// Fills `out` with what is there, the end of it with silence.
    pub(super) fn fetch_padded(&mut self, out: &mut [f32]) {
        let ready = self.made.length.min(out.len());
        let (sound, rest) = out.split_at_mut(ready);
        self.made.pop(sound);
        rest.fill(0.0);
    }
}

impl Stage {
    /// Blocks of 10 ms: the filter then spans 20, and holds half of that back.
    fn new(from: SampleRate, to: SampleRate) -> Option<Stage> {
        let (rate_in, rate_out) = (from.hz() as usize, to.hz() as usize);
        let fft = Fft::new_custom(
            rate_in,
            rate_out,
            (rate_in / 100).max(1),
            1,
            1,
            rubato::WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .ok()?;
        let input = vec![0.0; fft.input_frames_max()];
        let output = vec![0.0; fft.output_frames_max()];
        Some(Stage {
            fft,
            input,
            filled: 0,
            output,
        })
    }

    fn run(&mut self, wanted: usize) -> usize {
        let room = self.output.len();
        let (Ok(input), Ok(mut output)) = (
            InterleavedSlice::new(&self.input[..wanted], 1, wanted),
            InterleavedSlice::new_mut(&mut self.output, 1, room),
        ) else {
            return 0;
        };
        self.fft
            .process_into_buffer(&input, &mut output, None)
            .map_or(0, |(_, made)| made)
    }
}

impl Queue {
    fn push(&mut self, sound: &[f32]) {
        let sound = &sound[sound.len().saturating_sub(self.samples.len())..];
        let surplus = (self.length + sound.len()).saturating_sub(self.samples.len());
        self.drop_oldest(surplus);
        self.samples[self.length..][..sound.len()].copy_from_slice(sound);
        self.length += sound.len();
    }

    fn pop(&mut self, out: &mut [f32]) -> bool {
        if out.len() > self.length {
            return false;
        }
        out.copy_from_slice(&self.samples[..out.len()]);
        self.drop_oldest(out.len());
        true
    }

    fn drop_oldest(&mut self, count: usize) {
        let count = count.min(self.length);
        self.samples.copy_within(count..self.length, 0);
        self.length -= count;
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    #[test]
    fn equal_rates_pass_to_the_bit() {
        let mut converter = Converter::new(SampleRate::FULL, SampleRate::FULL);
        converter.push(&[0.1, 0.2, 0.3]);
        let mut out = [0.0; 2];
        assert!(converter.fetch(&mut out));
        assert_eq!(out, [0.1, 0.2]);
        assert!(!converter.fetch(&mut out));
        converter.fetch_padded(&mut out);
        assert_eq!(out, [0.3, 0.0]);
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_loudness_and_comes_within_ten_milliseconds() {
        for (from, to) in [
            (48_000, 8_000),
            (8_000, 48_000),
            (44_100, 16_000),
            (16_000, 44_100),
        ] {
            let mut converter = Converter::new(rate(from), rate(to));
            let tone: Vec<f32> = (0..from)
                .map(|n| (TAU * 500.0 * n as f32 / from as f32).sin())
                .collect();
            let mut out = Vec::new();
            for frame in tone.chunks(from as usize / 100) {
                converter.push(frame);
                let mut ready = vec![0.0; converter.available()];
                assert!(converter.fetch(&mut ready));
                out.extend(ready);
            }
            assert_eq!(out.len(), to as usize, "{from} to {to}");
            let settled = &out[to as usize / 10..];
            let power = settled.iter().map(|s| s * s).sum::<f32>() / settled.len() as f32;
            assert!((power - 0.5).abs() < 0.01, "{from} to {to}: {power}");
            let rises = settled
                .windows(2)
                .filter(|p| p[0] < 0.0 && p[1] >= 0.0)
                .count();
            assert!((448..=452).contains(&rises), "{from} to {to}: {rises}");
            let begins = out.iter().position(|s| s.abs() > 0.5).unwrap();
            assert!(
                begins <= to as usize / 100,
                "{from} to {to}: {begins} samples late"
            );
        }
    }

    #[test]
    fn what_nobody_fetches_makes_room() {
        let mut converter = Converter::new(SampleRate::FULL, SampleRate::FULL);
        converter.push(&vec![0.1; ROOM]);
        converter.push(&[0.9; 3]);
        assert_eq!(converter.available(), ROOM);
        let mut out = vec![0.0; ROOM];
        assert!(converter.fetch(&mut out));
        assert_eq!(out[ROOM - 3..], [0.9; 3]);
    }
}
