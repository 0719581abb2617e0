//! What the tests of this module listen to and measure with.

use std::f64::consts::PI;
use std::path::Path;

use crate::units::SampleRate;

/// Ten seconds of two talkers at 16 kHz (see `tests/data/README.md`).
pub(crate) fn speech() -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/speech_16k.wav");
    let mut file = hound::WavReader::open(path).unwrap();
    file.samples::<i16>()
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect()
}

/// A sine of amplitude `peak`.
pub(crate) fn sine(rate: SampleRate, hz: f64, peak: f64, samples: usize) -> Vec<f32> {
    let step = 2.0 * PI * hz / f64::from(rate.hz());
    (0..samples)
        .map(|n| (peak * (step * n as f64).sin()) as f32)
        .collect()
}

/// Amplitude of `hz` in `sound`, by one term of a Hann-windowed Fourier transform.
pub(crate) fn amplitude(rate: SampleRate, hz: f64, sound: &[f32]) -> f64 {
    let step = 2.0 * PI * hz / f64::from(rate.hz());
    let (mut re, mut im, mut total) = (0.0, 0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        let window = 0.5 - 0.5 * (2.0 * PI * (n as f64 + 0.5) / sound.len() as f64).cos();
        re += window * f64::from(*sample) * (step * n as f64).cos();
        im += window * f64::from(*sample) * (step * n as f64).sin();
        total += window;
    }
    2.0 * re.hypot(im) / total
}

/// Root mean square of what is left of `sound` without its sine of `hz`, Hann-weighted.
pub(crate) fn besides(rate: SampleRate, hz: f64, sound: &[f32]) -> f64 {
    let step = 2.0 * PI * hz / f64::from(rate.hz());
    let weight = |n: usize| 0.5 - 0.5 * (2.0 * PI * (n as f64 + 0.5) / sound.len() as f64).cos();
    let (mut cosine, mut sine, mut total) = (0.0, 0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        cosine += 2.0 * weight(n) * f64::from(*sample) * (step * n as f64).cos();
        sine += 2.0 * weight(n) * f64::from(*sample) * (step * n as f64).sin();
        total += weight(n);
    }
    let (cosine, sine) = (cosine / total, sine / total);
    let rest = sound.iter().enumerate().map(|(n, sample)| {
        let fitted = cosine * (step * n as f64).cos() + sine * (step * n as f64).sin();
        weight(n) * (f64::from(*sample) - fitted).powi(2)
    });
    (rest.sum::<f64>() / total).sqrt()
}

/// Root mean square.
pub(crate) fn rms(sound: &[f32]) -> f64 {
    let sum: f64 = sound.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (sum / sound.len() as f64).sqrt()
}
