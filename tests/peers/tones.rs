//! Who is heard: everybody says a tone of their own.

use std::path::{Path, PathBuf};

use super::sound::made_once;

/// A tone, by its frequency in Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tone(pub(crate) u32);

/// A minute of a tone, mono, made once for all tests.
pub(crate) fn file(tone: Tone, rate: u32) -> PathBuf {
    made_once(&format!("tone-{}-{rate}.wav", tone.0), |target| {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let target = Path::new(target);
        let mut file = hound::WavWriter::create(target, spec).expect("a file can be made");
        for at in 0..60 * rate {
            let angle = std::f64::consts::TAU * f64::from(tone.0) * f64::from(at) / f64::from(rate);
            let sample = (angle.sin() * 6_000.0) as i16;
            file.write_sample(sample).expect("there is room");
        }
        file.finalize().expect("there is room");
    })
}

/// Which of these tones a recording ends with: the last two seconds, but for what the end of the
/// call may have cut. `None` unless nine tenths of the sound are one of them.
pub(crate) fn loudest(recording: &Path, tones: &[Tone]) -> Option<Tone> {
    let shares = shares(recording, tones);
    let (tone, share) = shares.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (share > 0.9).then_some(tone)
}

/// Of the sound that a recording ends with, the share of each of these tones, 0 to 1.
pub(crate) fn shares(recording: &Path, tones: &[Tone]) -> Vec<(Tone, f64)> {
    let mut reader = hound::WavReader::open(recording).expect("a recording");
    let spec = reader.spec();
    let samples: Vec<f64> = reader
        .samples::<i16>()
        .map(|sample| f64::from(sample.unwrap_or_default()))
        .step_by(usize::from(spec.channels))
        .collect();
    let second = spec.sample_rate as usize;
    let end = samples.len().saturating_sub(second / 2);
    let part = &samples[end.saturating_sub(2 * second)..end];
    let power: f64 = part.iter().map(|sample| sample * sample).sum();
    let share = |tone: &Tone| {
        // In pieces of 50 ms: the clocks of two programs are not the same.
        let found: f64 = part
            .chunks_exact(second / 20)
            .map(|chunk| {
                let (mut cos, mut sin) = (0.0, 0.0);
                for (at, sample) in chunk.iter().enumerate() {
                    let step = std::f64::consts::TAU * f64::from(tone.0) / second as f64;
                    let angle = step * at as f64;
                    cos += sample * angle.cos();
                    sin += sample * angle.sin();
                }
                2.0 * (cos * cos + sin * sin) / chunk.len() as f64
            })
            .sum();
        (*tone, if power > 0.0 { found / power } else { 0.0 })
    };
    tones.iter().map(share).collect()
}
