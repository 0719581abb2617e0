//! Keeps sound within full scale without cutting it.
//!
//! Where sound would be too loud, all of it becomes quieter for a while, so that its shape stays.
//! The limiter sees the sound it is handed before it changes it: a peak is met by a fall that is
//! over when the peak comes. Nothing is delayed for that; a peak at the very beginning is met at
//! once.

use std::time::Duration;

use crate::units::SampleRate;

/// No sample leaves louder than this, 0.2 dB below full scale: resampling behind the limiter bends
/// peaks by as much.
pub const CEILING: f32 = 0.98;

/// How long before a peak the fall begins.
const ATTACK: Duration = Duration::from_micros(1_500);
/// How long it stays quiet after a peak: longer than half a period of the deepest voice.
const HOLD: Duration = Duration::from_millis(15);
/// How fast it comes back, in dB a second.
const RELEASE_DB: f32 = 60.0;
/// Samples looked at together.
const PIECE: usize = 480;

/// A limiter for one stream of sound. Allocates nothing.
#[derive(Clone, Debug)]
pub struct Limiter {
    /// What sound is multiplied by.
    factor: f32,
    held: usize,
    hold: usize,
    fall: f32,
    rise: f32,
}

impl Limiter {
    /// For sound of this rate.
    #[must_use]
    pub fn new(rate: SampleRate) -> Limiter {
        Limiter {
            factor: 1.0,
            held: 0,
            hold: rate.samples_in(HOLD),
            fall: 1.0 / rate.samples_in(ATTACK).max(1) as f32,
            rise: 10.0_f32.powf(RELEASE_DB / 20.0 / rate.hz() as f32),
        }
    }

    /// Whether sound is being made quieter.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.factor < 1.0
    }

    /// Limits `sound`, of any length. What is below [`CEILING`] passes to the bit, but for a
    /// moment after something louder; what is no number becomes silence.
    pub fn apply(&mut self, sound: &mut [f32]) {
        for piece in sound.chunks_mut(PIECE) {
            let fits = piece.iter().all(|sample| sample.abs() <= CEILING);
            if !fits || self.is_holding() {
                self.limit(piece);
            }
        }
    }

    fn limit(&mut self, piece: &mut [f32]) {
        let mut wanted = [1.0_f32; PIECE];
        let mut next = 1.0_f32;
        for (wanted, sample) in wanted.iter_mut().zip(piece.iter_mut()).rev() {
            if !sample.is_finite() {
                *sample = 0.0;
            }
            let loud = sample.abs();
            let own = if loud > CEILING { CEILING / loud } else { 1.0 };
            next = own.min(next + self.fall);
            *wanted = next;
        }
        for (sample, wanted) in piece.iter_mut().zip(wanted) {
            if wanted <= self.factor {
                // At full strength there is nothing to hold.
                self.held = if wanted < 1.0 { self.hold } else { 0 };
                self.factor = wanted;
            } else if self.held > 0 {
                self.held -= 1;
            } else {
                self.factor = (self.factor * self.rise).min(wanted);
            }
            *sample = (*sample * self.factor).clamp(-1.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::sine;
    use super::*;

    const RATES: [SampleRate; 3] = [SampleRate::NARROW, SampleRate::WIDE, SampleRate::FULL];

    fn limited(rate: SampleRate, sound: &[f32]) -> Vec<f32> {
        let mut limiter = Limiter::new(rate);
        let mut out = sound.to_vec();
        for frame in out.chunks_mut(rate.hz() as usize / 100) {
            limiter.apply(frame);
        }
        out
    }

    /// A part in the sound that is no sine of this frequency, as a ratio of powers.
    fn distortion(rate: SampleRate, hz: f64, sound: &[f32]) -> f32 {
        let step = std::f64::consts::TAU * hz / f64::from(rate.hz());
        let (mut sin, mut cos, mut all) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (n, sample) in sound.iter().enumerate() {
            let (s, c) = (step * n as f64).sin_cos();
            let x = f64::from(*sample);
            (sin, cos, all) = (sin + x * s, cos + x * c, all + x * x);
        }
        let tone = 2.0 * (sin * sin + cos * cos) / sound.len() as f64;
        ((all - tone) / all) as f32
    }

    #[test]
    fn what_fits_passes_to_the_bit() {
        for rate in RATES {
            let sound = sine(rate, 440.0, 0.979, 4_000);
            assert_eq!(limited(rate, &sound), sound);
        }
    }

    #[test]
    fn nothing_leaves_above_the_ceiling_however_loud_and_sudden() {
        for rate in RATES {
            let mut seed = 9_u32;
            let mut sound = vec![0.0; 2_000];
            sound.extend((0..40_000).map(|n| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (seed >> 8) as f32 / (1 << 23) as f32 - 1.0;
                noise * if n / 1_700 % 2 == 0 { 12.0 } else { 0.3 }
            }));
            let out = limited(rate, &sound);
            let loudest = out.iter().fold(0.0_f32, |loudest, s| loudest.max(s.abs()));
            assert!(loudest <= CEILING * 1.000_001, "{rate}: {loudest}");
            assert!(loudest > 0.97, "{rate}: {loudest}");
        }
    }

    #[test]
    fn a_tone_twice_too_loud_keeps_its_shape() {
        for rate in RATES {
            for hz in [100.0_f64, 400.0, 1_500.0] {
                let sound = sine(rate, hz, 2.0, rate.hz() as usize);
                let settled = rate.hz() as usize / 10;
                let out = limited(rate, &sound);
                let bent = distortion(rate, hz, &out[settled..]);
                assert!(bent < 1e-5, "{rate}, {hz} Hz: {bent}");
                // What is cut at full scale instead is bent by 5 % and more.
                let cut: Vec<f32> = sound.iter().map(|s| s.clamp(-1.0, 1.0)).collect();
                assert!(distortion(rate, hz, &cut[settled..]) > 0.04);
            }
        }
    }

    #[test]
    fn a_peak_inside_a_frame_is_met_by_a_slope_and_not_by_a_step() {
        let rate = SampleRate::FULL;
        let mut sound = vec![0.5; 960];
        sound[700] = 2.0;
        let out = limited(rate, &sound);
        assert_eq!(out[..480], sound[..480], "the frame before is as it was");
        let factors = out.iter().zip(&sound).map(|(out, sample)| out / sample);
        let factors: Vec<f32> = factors.collect();
        assert!((factors[700] - 0.49).abs() < 1e-4, "{}", factors[700]);
        for (n, pair) in factors.windows(2).enumerate() {
            assert!((pair[1] - pair[0]).abs() < 0.02, "{n}: {pair:?}");
        }
    }

    #[test]
    fn half_a_second_after_a_shout_quiet_sound_is_as_it_was() {
        let rate = SampleRate::WIDE;
        let mut sound = sine(rate, 300.0, 3.0, 1_600);
        sound.extend(sine(rate, 300.0, 0.2, 16_000));
        let out = limited(rate, &sound);
        assert!(out[1_700].abs() <= sound[1_700].abs());
        assert_eq!(out[9_600..], sound[9_600..]);
    }

    #[test]
    fn what_is_no_number_becomes_silence_and_does_no_harm() {
        let rate = SampleRate::NARROW;
        let mut limiter = Limiter::new(rate);
        let mut sound = [f32::NAN, f32::INFINITY, -f32::INFINITY, 0.25];
        limiter.apply(&mut sound);
        assert_eq!(sound, [0.0, 0.0, 0.0, 0.25]);
        assert!(!limiter.is_holding());
    }
}
