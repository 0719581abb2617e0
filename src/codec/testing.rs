//! What the tests of the codecs, and of those who use them, listen to.

use std::f64::consts::PI;
use std::path::Path;

use crate::units::SampleRate;

/// Ten seconds of two talkers (see `tests/data/README.md`) at 8, 16 or 48 kHz.
pub(crate) fn speech(rate: SampleRate) -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/speech_16k.wav");
    let mut file = hound::WavReader::open(path).unwrap();
    let sound: Vec<f32> = file
        .samples::<i16>()
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect();
    match rate.hz() {
        8_000 => filter(&sound, 3_600.0 / 16_000.0, 1.0)
            .into_iter()
            .step_by(2)
            .collect(),
        16_000 => sound,
        48_000 => {
            let mut spread = vec![0.0; sound.len() * 3];
            for (index, sample) in sound.iter().enumerate() {
                spread[index * 3] = *sample;
            }
            filter(&spread, 7_600.0 / 48_000.0, 3.0)
        }
        other => panic!("no speech at {other} Hz"),
    }
}

/// A low-pass of 241 Hann-windowed taps without delay; `cutoff` in cycles a sample.
fn filter(sound: &[f32], cutoff: f64, gain: f64) -> Vec<f32> {
    const HALF: i32 = 120;
    let taps: Vec<f64> = (-HALF..=HALF)
        .map(|n| {
            let x = 2.0 * cutoff * f64::from(n);
            let sinc = if n == 0 {
                1.0
            } else {
                (PI * x).sin() / (PI * x)
            };
            let window = 0.5 + 0.5 * (PI * f64::from(n) / f64::from(HALF + 1)).cos();
            gain * 2.0 * cutoff * sinc * window
        })
        .collect();
    (0..sound.len())
        .map(|at| {
            let first = at as i64 - i64::from(HALF);
            taps.iter()
                .enumerate()
                .filter_map(|(k, tap)| {
                    let sample = sound.get(usize::try_from(first + k as i64).ok()?)?;
                    Some(tap * f64::from(*sample))
                })
                .sum::<f64>() as f32
        })
        .collect()
}

/// A sine of amplitude `peak`.
pub(crate) fn sine(rate: SampleRate, hz: f64, peak: f64, samples: usize) -> Vec<f32> {
    let step = 2.0 * PI * hz / f64::from(rate.hz());
    (0..samples)
        .map(|n| (peak * (step * n as f64).sin()) as f32)
        .collect()
}

/// Signal to noise in dB of `heard` against `meant`, equally long and aligned.
pub(crate) fn snr_db(meant: &[f32], heard: &[f32]) -> f64 {
    assert_eq!(meant.len(), heard.len());
    let (mut signal, mut noise) = (1e-12, 1e-12);
    for (m, h) in meant.iter().zip(heard) {
        signal += f64::from(*m).powi(2);
        noise += f64::from(m - h).powi(2);
    }
    10.0 * (signal / noise).log10()
}

/// FNV-1a, to compare long results with a stored number.
pub(crate) fn fnv(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
