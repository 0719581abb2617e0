//! A voice told from all else by a network: how much of each frequency is let pass.
//!
//! The network hears what the suppressor hears, at 16 kHz and in steps of 16 ms, and what it says
//! becomes gains of the suppressor's own windows.

mod layers;
mod network;
mod paths;
mod weights;

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use self::network::Network;
use super::suppress::{BINS, Bins, HOP};

/// Samples of a window of the network, at 16 kHz.
const WINDOW: usize = 2 * STEP;

/// Samples from one to the next.
const STEP: usize = 256;

/// 48 kHz to 16.
const FACTOR: usize = 3;

/// Samples of sound behind the filter before it.
const TAPS: usize = 72;

/// Where it begins to take sound away, in hertz.
const CORNER_HZ: f64 = 7_600.0;

/// What lies below this share of its amplitude is let pass so much all the same: what is taken out
/// whole is missed, and where the network errs, on voices behind the voice, less is lost.
const LEAST: f32 = 0.08;

/// What the network says, taken less strictly: its gains to this power.
const SOFT: f32 = 0.7;

/// Frequencies by which it is judged how much of the sound is a voice: 300 Hz to 4 kHz.
const JUDGED: std::ops::Range<usize> = 6..80;

/// More than this share of the power is a voice: somebody speaks. Less than the other: nobody.
const SPOKEN: f32 = 0.5;
const UNSPOKEN: f32 = 0.2;

/// Where a voice stands so far above all else, in dB, the network is not asked: it would take more
/// from the voice than from the rest. Where it stands so much less far, it is asked alone. By
/// PESQ of five talkers: clean ones keep 4.0 of 4.3.
const APART_DB: f32 = 40.0;
const ASKED_DB: f32 = 15.0;

/// What the network says of each frequency, and what it needs to say it.
pub(super) struct Isolation {
    network: Network,
    forward: Arc<dyn RealToComplex<f32>>,
    scratch: Vec<Complex32>,
    taps: [f32; TAPS],
    line: Box<[f32; TAPS + HOP]>,
    sound: Box<[f32; WINDOW + HOP / FACTOR]>,
    /// Samples of it that are new.
    new: usize,
    time: Box<[f32; WINDOW]>,
    spectrum: Box<[Complex32; network::BINS]>,
    mask: Box<[Complex32; network::BINS]>,
    gains: Box<[f32; BINS]>,
    /// Power while somebody speaks, and while nobody does.
    spoken: f32,
    unspoken: f32,
}

impl Isolation {
    pub(super) fn new() -> Isolation {
        let forward = RealFftPlanner::new().plan_fft_forward(WINDOW);
        let zero = Complex32::default();
        Isolation {
            network: Network::new(),
            scratch: vec![zero; forward.get_scratch_len()],
            forward,
            taps: taps(),
            line: Box::new([0.0; TAPS + HOP]),
            sound: Box::new([0.0; WINDOW + HOP / FACTOR]),
            new: 0,
            time: Box::new([0.0; WINDOW]),
            spectrum: Box::new([zero; network::BINS]),
            mask: Box::new([zero; network::BINS]),
            gains: Box::new([1.0; BINS]),
            spoken: 1.0,
            unspoken: 1.0,
        }
    }

    /// Forgets what it has heard.
    pub(super) fn forget(&mut self) {
        self.network.forget();
        self.line.fill(0.0);
        self.sound.fill(0.0);
        self.new = 0;
        self.gains.fill(1.0);
        (self.spoken, self.unspoken) = (1.0, 1.0);
    }

    /// Gains against all that is no voice, beside those against steady noise, the more so the
    /// louder it is.
    pub(super) fn weigh(&mut self, bins: &mut Bins) {
        let strict = self.strict(bins);
        for (gain, voice) in bins.against_noise.iter_mut().zip(self.gains.iter()) {
            let wanted = (voice.powf(SOFT) * gain.sqrt()).max(LEAST);
            *gain += strict * (wanted - *gain);
        }
    }

    /// How much the network is asked, 0 to 1.
    fn strict(&mut self, bins: &Bins) -> f32 {
        let (mut all, mut voice) = (1e-9, 0.0);
        for k in JUDGED {
            let sound = bins.sound[k] * bins.against_echo[k].powi(2);
            all += sound;
            voice += self.gains[k].powi(2) * sound;
        }
        let share = voice / all;
        if share > SPOKEN {
            self.spoken += 0.01 * (all - self.spoken);
        } else if share < UNSPOKEN {
            self.unspoken += 0.02 * (all - self.unspoken);
        }
        let apart_db = 10.0 * (self.spoken / self.unspoken.max(1e-9)).log10();
        ((APART_DB - apart_db) / ASKED_DB).clamp(0.0, 1.0)
    }

    /// Hears what comes next.
    pub(super) fn hear(&mut self, sound: &[f32]) {
        self.line.copy_within(HOP.., 0);
        self.line[TAPS..].copy_from_slice(sound);
        self.sound.copy_within(HOP / FACTOR.., 0);
        for n in 0..HOP / FACTOR {
            let from = &self.line[(n + 1) * FACTOR..][..TAPS];
            self.sound[WINDOW + n] = from.iter().zip(&self.taps).map(|(a, b)| a * b).sum();
        }
        self.new += HOP / FACTOR;
        if self.new >= STEP {
            self.new -= STEP;
            let end = self.sound.len() - self.new;
            self.step(end);
        }
    }

    fn step(&mut self, end: usize) {
        let heard = &self.sound[end - WINDOW..end];
        for (n, (out, sample)) in self.time.iter_mut().zip(heard).enumerate() {
            let turn = n as f32 / WINDOW as f32;
            *out = sample * (std::f32::consts::PI * turn).sin();
        }
        self.forward
            .process_with_scratch(
                self.time.as_mut_slice(),
                self.spectrum.as_mut_slice(),
                &mut self.scratch,
            )
            .expect("lengths were taken from the plan");
        self.network.step(&self.spectrum, &mut self.mask);
        // Frequencies 31.25 Hz apart, to some 50 Hz apart.
        for (k, gain) in self.gains.iter_mut().enumerate().take(161) {
            let at = k as f32 * 1.6;
            let (below, share) = (at as usize, at.fract());
            let next = (below + 1).min(network::BINS - 1);
            let value = (1.0 - share) * self.mask[below].norm() + share * self.mask[next].norm();
            *gain = value.min(1.0);
        }
        // What lies above is as much a voice as what lies just below.
        let top = self.gains[100..160].iter().sum::<f32>() / 60.0;
        self.gains[160..].fill(top);
    }
}

/// A low-pass filter for the way down.
fn taps() -> [f32; TAPS] {
    let mut taps = [0.0_f32; TAPS];
    let mut sum = 0.0;
    for (n, tap) in taps.iter_mut().enumerate() {
        let x = n as f64 + 0.5 - TAPS as f64 / 2.0;
        let arc = std::f64::consts::PI * x;
        let window = 0.5 + 0.5 * (2.0 * arc / TAPS as f64).cos();
        *tap = ((2.0 * arc * CORNER_HZ / 48_000.0).sin() / x * window) as f32;
        sum += *tap;
    }
    for tap in &mut taps {
        *tap /= sum;
    }
    taps
}
