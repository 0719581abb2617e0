//! Sound of one rate to sound of another, in frames of exactly 10 ms on both sides.

use crate::dsp::resample::Resampler;
use crate::units::SampleRate;

/// What waits, in samples: 200 ms at 192 kHz.
const ROOM: usize = 38_400;

/// Takes 10 ms at one rate and gives it at another. The resampler gives a sample more or less
/// now and then; here that evens out. Equal rates pass to the bit and without delay. Allocates
/// only when made.
pub(super) struct Converter {
    from: SampleRate,
    to: SampleRate,
    /// `None` for rates that no device has: then nothing comes out.
    resampler: Option<Resampler>,
    output: Box<[f32]>,
    made: Queue,
}

/// A first-in, first-out of samples in one piece of memory.
struct Queue {
    samples: Box<[f32]>,
    length: usize,
}

impl Converter {
    /// From one rate to another, beginning in silence.
    pub(super) fn new(from: SampleRate, to: SampleRate) -> Converter {
        let resampler = Resampler::new(from, to).ok();
        let most = resampler.as_ref().map_or(0, Resampler::output_max);
        Converter {
            from,
            to,
            resampler,
            output: vec![0.0; most].into(),
            made: Queue {
                samples: vec![0.0; ROOM].into(),
                length: 0,
            },
        }
    }

    /// Whether it is for these rates.
    pub(super) fn is_for(&self, from: SampleRate, to: SampleRate) -> bool {
        self.from == from && self.to == to
    }

    /// Takes 10 ms; what nobody has fetched for long is lost.
    pub(super) fn push(&mut self, sound: &[f32]) {
        if let Some(resampler) = &mut self.resampler {
            let made = resampler.process(sound, &mut self.output);
            self.made.push(&self.output[..made]);
        }
    }

    /// Drops the oldest of what can be fetched, down to so many samples.
    pub(super) fn keep_newest(&mut self, samples: usize) {
        let surplus = self.made.length.saturating_sub(samples);
        self.made.drop_oldest(surplus);
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
        let mut converter = Converter::new(SampleRate::NARROW, SampleRate::NARROW);
        let sound: Vec<f32> = (0..80_u8).map(|n| f32::from(n) / 100.0).collect();
        converter.push(&sound);
        let mut out = [0.0; 60];
        assert!(converter.fetch(&mut out));
        assert_eq!(out, sound[..60]);
        assert!(!converter.fetch(&mut out));
        converter.fetch_padded(&mut out);
        assert_eq!(out[..20], sound[60..]);
        assert_eq!(out[20..], [0.0; 40]);
    }

    #[test]
    fn ten_milliseconds_in_are_ten_milliseconds_out_and_the_tone_is_the_same() {
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
            let mut short = 0;
            for frame in tone.chunks(from as usize / 100) {
                converter.push(frame);
                let mut ready = vec![0.0; to as usize / 100];
                if converter.fetch(&mut ready) {
                    out.extend(ready);
                } else {
                    short += 1;
                }
            }
            // The first frame may be a few samples short of 10 ms, and then none is.
            assert!(short <= 1, "{from} to {to}: {short} frames short");
            let settled = &out[to as usize / 10..];
            let power = settled.iter().map(|s| s * s).sum::<f32>() / settled.len() as f32;
            assert!((power - 0.5).abs() < 0.01, "{from} to {to}: {power}");
            let rises = settled
                .windows(2)
                .filter(|p| p[0] < 0.0 && p[1] >= 0.0)
                .count();
            assert!((440..=452).contains(&rises), "{from} to {to}: {rises}");
        }
    }

    #[test]
    fn what_nobody_fetches_makes_room() {
        let mut converter = Converter::new(SampleRate::FULL, SampleRate::FULL);
        for _ in 0..ROOM / 480 + 3 {
            converter.push(&[0.1; 480]);
        }
        converter.push(&[0.9; 480]);
        assert!(converter.available() <= ROOM);
        let mut out = vec![0.0; converter.available()];
        assert!(converter.fetch(&mut out));
        assert_eq!(out[out.len() - 480..], [0.9; 480]);
    }
}
