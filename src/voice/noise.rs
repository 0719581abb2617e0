//! How loud the room is at each frequency, and the gain against it.
//!
//! The noise is followed by the probability that a voice is there (Gerkmann and Hendriks,
//! "Unbiased MMSE-based noise power estimation with low complexity and low tracking delay",
//! 2012); the gain is Wiener's, its ratio led by decisions (Ephraim and Malah, 1984).

use realfft::num_complex::Complex32;

use super::suppress::{BINS, Bins};
use crate::units::Dbov;

/// A voice is taken to be so much louder than noise: 15 dB.
const VOICE: f32 = 31.6;

/// How slowly noise is followed, by window of 5 ms.
const NOISE_KEEPS: f32 = 0.93;

/// How slowly certainty is.
const SURE_KEEPS: f32 = 0.97;

/// Windows from which the first estimate is made.
const FIRST: u32 = 10;

/// Power of what 16 bits cannot tell from silence, in a window.
const NOTHING: f32 = 1e-7;

/// How much is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Nothing; noise is measured only.
    Off,
    /// Up to 8 dB.
    Low,
    /// Up to 20 dB.
    High,
    /// As much as [`Choice::Low`]; the network takes the rest.
    Isolation,
}

impl Choice {
    /// The lowest gain; how strictly what is little above the noise is judged; and how much of
    /// the last window's outcome is believed. By PESQ on five talkers, clean and in noise: clean
    /// speech keeps 4.3 at `Low`, and gains 0.6 in noise 20 dB below it.
    fn manner(self) -> (f32, f32, f32) {
        match self {
            Choice::Off => (1.0, 0.5, 0.92),
            Choice::Low | Choice::Isolation => (0.4, 0.5, 0.92),
            Choice::High => (0.1, 1.0, 0.97),
        }
    }
}

/// Power of a spectrum's bins, summed, as the mean square of sound: two halves of a spectrum, over
/// 960 samples, of which the window lets half the power pass.
const WINDOW_POWER: f32 = 2.0 / (960.0 * 960.0 * 0.5);

#[derive(Debug)]
pub(super) struct Noise {
    floor: Box<[f32; BINS]>,
    sure: Box<[f32; BINS]>,
    kept: Box<[f32; BINS]>,
    windows: u32,
    voice: f32,
    seed: u32,
}

impl Noise {
    pub(super) fn new() -> Noise {
        Noise {
            floor: Box::new([NOTHING; BINS]),
            sure: Box::new([0.5; BINS]),
            kept: Box::new([0.0; BINS]),
            windows: 0,
            voice: 0.0,
            seed: 1,
        }
    }

    /// Power of the noise at each frequency.
    pub(super) fn floor(&self) -> &[f32; BINS] {
        &self.floor
    }

    /// How likely somebody speaks, 0 to 1: a voice takes up a good part of the frequencies.
    pub(super) fn speech(&self) -> f32 {
        ((self.voice - 0.15) / 0.2).clamp(0.0, 1.0)
    }

    /// Level of the noise, all frequencies together.
    pub(super) fn level(&self) -> Dbov {
        let power: f32 = self.floor.iter().sum::<f32>() * WINDOW_POWER;
        Dbov((10.0 * (2.0 * power).log10()).max(Dbov::SILENCE.0))
    }

    /// Gains against noise, from what echo left of this window.
    pub(super) fn weigh(&mut self, bins: &mut Bins, choice: Choice) {
        let (least, strict, memory) = choice.manner();
        self.windows = self.windows.saturating_add(1);
        let (mut voiced, mut counted) = (0.0, 0.0);
        for k in 0..BINS {
            let echo = bins.against_echo[k];
            let sound = bins.sound[k] * echo * echo;
            let floor = self.floor[k];
            if self.windows <= FIRST {
                let share = 1.0 / self.windows as f32;
                self.floor[k] += (sound - floor) * share;
                self.floor[k] = self.floor[k].max(NOTHING);
                bins.against_noise[k] = 1.0;
                continue;
            }
            let over = sound / floor;
            let likely = 1.0 / (1.0 + (1.0 + VOICE) * (-over * VOICE / (1.0 + VOICE)).exp());
            if (5..80).contains(&k) {
                voiced += likely * echo;
                counted += 1.0;
            }
            // Where echo was pressed down, nothing is learnt about the room.
            if echo > 0.7 {
                let sure = &mut self.sure[k];
                *sure = SURE_KEEPS * *sure + (1.0 - SURE_KEEPS) * likely;
                let likely = if *sure > 0.99 {
                    likely.min(0.99)
                } else {
                    likely
                };
                let seen = likely * floor + (1.0 - likely) * sound;
                self.floor[k] = (NOISE_KEEPS * floor + (1.0 - NOISE_KEEPS) * seen).max(NOTHING);
            }
            let ratio = memory * self.kept[k] / floor + (1.0 - memory) * (over - 1.0).max(0.0);
            let gain = ratio / (strict + ratio);
            self.kept[k] = gain * gain * sound;
            bins.against_noise[k] = gain.max(least);
        }
        if counted > 0.0 {
            self.voice = voiced / counted;
        }
    }

    /// Puts the room's noise where echo was pressed down below it: a hole in it would be heard.
    pub(super) fn fill_in(&mut self, bins: &Bins, spectrum: &mut [Complex32; BINS]) {
        for (k, bin) in spectrum.iter_mut().enumerate().take(BINS - 1).skip(1) {
            let gain = bins.against_echo[k];
            if gain > 0.9 {
                continue;
            }
            let wanted = self.floor[k] * bins.against_noise[k].powi(2);
            let missing = wanted - bin.norm_sqr();
            if missing > 0.0 {
                self.seed = self
                    .seed
                    .wrapping_mul(1_664_525)
                    .wrapping_add(1_013_904_223);
                let turn = self.seed as f32 / u32::MAX as f32 * std::f32::consts::TAU;
                let (sine, cosine) = turn.sin_cos();
                *bin += Complex32::new(cosine, sine) * missing.sqrt();
            }
        }
    }
}
