//! How much of speech is understood: STOI (Taal, Hendriks, Heusdens and Jensen, "An algorithm for
//! intelligibility prediction of time-frequency weighted noisy speech", 2011).

use realfft::RealFftPlanner;

use crate::dsp::resample::resample;
use crate::units::SampleRate;

/// The rate at which it is measured.
const RATE: u32 = 10_000;

const FRAME: usize = 256;
const HOP: usize = 128;
const TRANSFORM: usize = 512;

/// Third octaves, the lowest around 150 Hz.
const BANDS: usize = 15;
const LOWEST_HZ: f64 = 150.0;

/// Frames that are compared at once: 384 ms.
const SEGMENT: usize = 30;

/// Frames so far below the loudest are not speech, in dB.
const RANGE_DB: f64 = 40.0;

/// A degraded band counts at most as much as noise of this ratio would make it, in dB.
const CLIP_DB: f64 = -15.0;

/// From 0, nothing, to 1, all. Both signals at `rate`, aligned; 0 for what cannot be measured.
#[must_use]
pub fn stoi(clean: &[f32], heard: &[f32], rate: SampleRate) -> f64 {
    let Some(to) = SampleRate::new(RATE) else {
        return 0.0;
    };
    let (Ok(clean), Ok(heard)) = (resample(clean, rate, to), resample(heard, rate, to)) else {
        return 0.0;
    };
    let (clean, heard) = spoken(&clean, &heard);
    let (clean, heard) = (bands(&clean), bands(&heard));
    if clean.len() < SEGMENT {
        return 0.0;
    }
    let (mut sum, mut count) = (0.0, 0);
    for end in SEGMENT..=clean.len() {
        for band in 0..BANDS {
            let of = |side: &[[f64; BANDS]]| -> Vec<f64> {
                side[end - SEGMENT..end].iter().map(|f| f[band]).collect()
            };
            sum += likeness(&of(&clean), of(&heard));
            count += 1;
        }
    }
    sum / f64::from(count)
}

/// Correlation of the two envelopes, the second brought to the level of the first and clipped.
fn likeness(clean: &[f64], mut heard: Vec<f64>) -> f64 {
    let energy = |side: &[f64]| side.iter().map(|x| x * x).sum::<f64>();
    let scale = (energy(clean) / (energy(&heard) + 1e-20)).sqrt();
    let clip = 1.0 + 10.0_f64.powf(-CLIP_DB / 20.0);
    for (heard, clean) in heard.iter_mut().zip(clean) {
        *heard = (*heard * scale).min(clean * clip);
    }
    let mean = |side: &[f64]| side.iter().sum::<f64>() / side.len() as f64;
    let (of_clean, of_heard) = (mean(clean), mean(&heard));
    let (mut both, mut first, mut second) = (0.0, 1e-20, 1e-20);
    for (clean, heard) in clean.iter().zip(&heard) {
        both += (clean - of_clean) * (heard - of_heard);
        first += (clean - of_clean).powi(2);
        second += (heard - of_heard).powi(2);
    }
    both / (first * second).sqrt()
}

fn window() -> [f64; FRAME] {
    std::array::from_fn(|n| {
        let turn = (n + 1) as f64 / (FRAME + 1) as f64;
        0.5 - 0.5 * (std::f64::consts::TAU * turn).cos()
    })
}

/// Both signals without the frames in which the first one is silent.
fn spoken(clean: &[f32], heard: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let window = window();
    let length = clean.len().min(heard.len());
    let starts: Vec<usize> = (0..length.saturating_sub(FRAME)).step_by(HOP).collect();
    let level = |start: usize| {
        let frame = clean[start..start + FRAME].iter().zip(&window);
        let power: f64 = frame.map(|(x, w)| (f64::from(*x) * w).powi(2)).sum();
        10.0 * (power + 1e-20).log10()
    };
    let levels: Vec<f64> = starts.iter().map(|start| level(*start)).collect();
    let top = levels.iter().copied().fold(f64::MIN, f64::max);
    let kept: Vec<usize> = (0..starts.len())
        .filter(|n| levels[*n] > top - RANGE_DB)
        .map(|n| starts[n])
        .collect();
    let join = |side: &[f32]| {
        let mut out = vec![0.0; kept.len() * HOP + FRAME];
        for (n, start) in kept.iter().enumerate() {
            for (k, w) in window.iter().enumerate() {
                out[n * HOP + k] += f64::from(side[start + k]) * w;
            }
        }
        out
    };
    (join(clean), join(heard))
}

/// Amplitudes in third octaves, frame by frame.
fn bands(sound: &[f64]) -> Vec<[f64; BANDS]> {
    let plan = RealFftPlanner::<f64>::new().plan_fft_forward(TRANSFORM);
    let window = window();
    let bin = |hz: f64| (hz * TRANSFORM as f64 / f64::from(RATE)).round() as usize;
    let edges: [(usize, usize); BANDS] = std::array::from_fn(|band| {
        let middle = LOWEST_HZ * 2.0_f64.powf(band as f64 / 3.0);
        let half = 2.0_f64.powf(1.0 / 6.0);
        (bin(middle / half), bin(middle * half))
    });
    let mut spectrum = plan.make_output_vec();
    let mut out = Vec::new();
    for start in (0..sound.len().saturating_sub(FRAME)).step_by(HOP) {
        let mut time = plan.make_input_vec();
        for (k, w) in window.iter().enumerate() {
            time[k] = sound[start + k] * w;
        }
        if plan.process(&mut time, &mut spectrum).is_err() {
            continue;
        }
        out.push(edges.map(|(low, high)| {
            let power: f64 = spectrum[low..high].iter().map(|x| x.norm_sqr()).sum();
            power.sqrt()
        }));
    }
    out
}
