//! From one rate to another, as a stream of 10 ms blocks or a file at once.

use std::time::Duration;

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler as _, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};

use crate::units::SampleRate;

/// What goes in at once.
pub const BLOCK: Duration = Duration::from_millis(10);

/// The farthest [`Resampler::set_drift`] goes, in parts per million.
pub const MAX_DRIFT_PPM: f64 = 1_000.0;

/// Filter taps at the lower of the two rates: 4 ms of delay from or to 8 kHz, less than one at
/// 48 kHz. Flat to 0.85 of the band and closed at 1.05 of it.
const TAPS: usize = 64;
const CUTOFF: f32 = 0.95;

/// The same for files, where delay does not count.
const FILE_TAPS: usize = 256;

/// Why there is no resampler.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResampleError {
    /// A rate that no sound device and no codec has.
    #[error("cannot resample {from} to {to}")]
    Rate {
        /// From this.
        from: SampleRate,
        /// To that.
        to: SampleRate,
    },
}

/// Resamples a stream, 10 ms in, about 10 ms out. Allocates only when made.
pub struct Resampler {
    from: SampleRate,
    to: SampleRate,
    /// `None`: the rates are the same and stay the same.
    inner: Option<Async<f32>>,
    block: usize,
    most: usize,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("passes_through", &self.inner.is_none())
            .finish_non_exhaustive()
    }
}

impl Resampler {
    /// Between two rates for good; passes sound through untouched if they are the same.
    ///
    /// # Errors
    /// Rates below 8 kHz or above 192 kHz.
    pub fn new(from: SampleRate, to: SampleRate) -> Result<Resampler, ResampleError> {
        if from == to {
            check(from, to)?;
            let block = from.samples_in(BLOCK);
            return Ok(Resampler {
                from,
                to,
                inner: None,
                block,
                most: block,
            });
        }
        Resampler::adjustable(from, to)
    }

    /// Between two rates of two clocks, to follow which [`Resampler::set_drift`] is there.
    ///
    /// # Errors
    /// Rates below 8 kHz or above 192 kHz.
    pub fn adjustable(from: SampleRate, to: SampleRate) -> Result<Resampler, ResampleError> {
        check(from, to)?;
        let block = from.samples_in(BLOCK);
        let parameters = parameters(from, to, TAPS, Some(CUTOFF), WindowFunction::Blackman);
        let inner = Async::new_sinc(
            f64::from(to.hz()) / f64::from(from.hz()),
            1.0 + MAX_DRIFT_PPM * 1.1e-6,
            &parameters,
            block,
            1,
            FixedAsync::Input,
        )
        .map_err(|_| ResampleError::Rate { from, to })?;
        let most = inner.output_frames_max();
        Ok(Resampler {
            from,
            to,
            inner: Some(inner),
            block,
            most,
        })
    }

    /// Samples that [`Resampler::process`] takes: 10 ms.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.block
    }

    /// Samples that [`Resampler::process`] gives at most: a few more than 10 ms.
    #[must_use]
    pub fn output_max(&self) -> usize {
        self.most
    }

    /// Resamples exactly [`Resampler::input_len`] samples into `out`, which holds
    /// [`Resampler::output_max`], and says how many came out: 10 ms give or take one, since the
    /// rates need not divide. With slices of other lengths nothing comes out.
    pub fn process(&mut self, sound: &[f32], out: &mut [f32]) -> usize {
        if sound.len() != self.block || out.len() < self.most {
            return 0;
        }
        let Some(inner) = &mut self.inner else {
            out[..sound.len()].copy_from_slice(sound);
            return sound.len();
        };
        let room = out.len();
        let (Ok(input), Ok(mut output)) = (
            SequentialSlice::new(sound, 1, sound.len()),
            SequentialSlice::new_mut(out, 1, room),
        ) else {
            return 0;
        };
        inner
            .process_into_buffer(&input, &mut output, None)
            .map_or(0, |(_, written)| written)
    }

    /// Makes so many parts per million more samples (or fewer, below zero) than the rates say,
    /// from the next block on; at most [`MAX_DRIFT_PPM`] either way. Only for one made by
    /// [`Resampler::adjustable`].
    pub fn set_drift(&mut self, ppm: f64) {
        let Some(inner) = &mut self.inner else { return };
        let ppm = if ppm.is_finite() {
            ppm.clamp(-MAX_DRIFT_PPM, MAX_DRIFT_PPM)
        } else {
            0.0
        };
        // It is within the bounds given when made, so this cannot fail.
        let _ = inner.set_resample_ratio_relative(1.0 + ppm * 1e-6, true);
    }

    /// How much later sound comes out than it went in.
    #[must_use]
    pub fn delay(&self) -> Duration {
        let samples = self
            .inner
            .as_ref()
            .map_or(0, rubato::Resampler::output_delay);
        self.to.duration_of(samples as u64)
    }

    /// Forgets the sound so far.
    pub fn reset(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.reset();
        }
    }
}

/// Resamples a whole sound, without delay and with a longer filter than a call could afford.
///
/// # Errors
/// Rates below 8 kHz or above 192 kHz.
pub fn resample(
    sound: &[f32],
    from: SampleRate,
    to: SampleRate,
) -> Result<Vec<f32>, ResampleError> {
    check(from, to)?;
    if from == to || sound.is_empty() {
        return Ok(sound.to_vec());
    }
    let failed = || ResampleError::Rate { from, to };
    let parameters = parameters(from, to, FILE_TAPS, None, WindowFunction::BlackmanHarris2);
    let ratio = f64::from(to.hz()) / f64::from(from.hz());
    let mut inner = Async::new_sinc(ratio, 1.01, &parameters, 1_024, 1, FixedAsync::Input)
        .map_err(|_| failed())?;
    let input = SequentialSlice::new(sound, 1, sound.len()).map_err(|_| failed())?;
    let output = inner
        .process_all(&input, sound.len(), None)
        .map_err(|_| failed())?;
    Ok(output.take_data())
}

fn check(from: SampleRate, to: SampleRate) -> Result<(), ResampleError> {
    let possible = 8_000..=192_000;
    if possible.contains(&from.hz()) && possible.contains(&to.hz()) {
        Ok(())
    } else {
        Err(ResampleError::Rate { from, to })
    }
}

fn parameters(
    from: SampleRate,
    to: SampleRate,
    taps: usize,
    cutoff: Option<f32>,
    window: WindowFunction,
) -> SincInterpolationParameters {
    // The filter runs at the input's rate; going down, it must be as long in time as going up.
    let steps = from.hz().div_ceil(to.hz()).max(1) as usize;
    SincInterpolationParameters {
        sinc_len: taps * steps,
        f_cutoff: cutoff,
        oversampling_factor: 128,
        interpolation: SincInterpolationType::Cubic,
        window,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{amplitude, besides, rms, sine};
    use super::*;

    const CD: SampleRate = SampleRate::new(44_100).unwrap();

    /// The pairs that calls use: codecs and mixer, mixer and devices.
    const PAIRS: [(SampleRate, SampleRate); 8] = [
        (SampleRate::NARROW, SampleRate::FULL),
        (SampleRate::FULL, SampleRate::NARROW),
        (SampleRate::WIDE, SampleRate::FULL),
        (SampleRate::FULL, SampleRate::WIDE),
        (CD, SampleRate::FULL),
        (SampleRate::FULL, CD),
        (SampleRate::NARROW, SampleRate::WIDE),
        (CD, SampleRate::NARROW),
    ];

    fn stream(resampler: &mut Resampler, sound: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; resampler.output_max()];
        let mut heard = Vec::new();
        for block in sound.chunks_exact(resampler.input_len()) {
            let written = resampler.process(block, &mut out);
            heard.extend_from_slice(&out[..written]);
        }
        heard
    }

    fn second(rate: SampleRate, hz: f64) -> Vec<f32> {
        sine(rate, hz, 0.5, rate.hz() as usize)
    }

    #[test]
    fn the_passband_is_flat_and_the_pitch_kept() {
        for (from, to) in PAIRS {
            let band = f64::from(from.hz().min(to.hz())) / 2.0;
            for share in [0.02, 0.1, 0.3, 0.5, 0.7, 0.8, 0.85] {
                let hz = band * share;
                let heard = stream(&mut Resampler::new(from, to).unwrap(), &second(from, hz));
                let steady = &heard[heard.len() / 10..];
                let gain = 20.0 * (amplitude(to, hz, steady) / 0.5).log10();
                assert!(gain.abs() < 0.1, "{from} to {to}, {hz} Hz: {gain:.3} dB");
                // And nothing else.
                let rest = 20.0 * (besides(to, hz, steady) / 0.3536).log10();
                assert!(
                    rest < -60.0,
                    "{from} to {to}, {hz} Hz: {rest:.1} dB besides"
                );
            }
        }
    }

    #[test]
    fn what_does_not_fit_the_lower_rate_is_not_folded_into_it() {
        for (from, to) in PAIRS.into_iter().filter(|(from, to)| from > to) {
            let (old, new) = (f64::from(from.hz()) / 2.0, f64::from(to.hz()) / 2.0);
            for share in [1.06, 1.2, 1.5, 2.0, 2.9, 4.1, 5.5] {
                let hz = new * share;
                if hz > old * 0.99 {
                    continue;
                }
                let heard = stream(&mut Resampler::new(from, to).unwrap(), &second(from, hz));
                let left = 20.0 * (rms(&heard[heard.len() / 10..]) / 0.3536).log10();
                assert!(left < -60.0, "{from} to {to}: {left:.1} dB of {hz} Hz");
            }
        }
    }

    #[test]
    fn going_up_makes_no_mirror_images() {
        for (from, to) in PAIRS.into_iter().filter(|(from, to)| from < to) {
            for share in [0.1, 0.5, 0.8] {
                let hz = f64::from(from.hz()) / 2.0 * share;
                let image = f64::from(from.hz()) - hz;
                if image > f64::from(to.hz()) / 2.0 {
                    continue;
                }
                let heard = stream(&mut Resampler::new(from, to).unwrap(), &second(from, hz));
                let level = 20.0 * (amplitude(to, image, &heard[heard.len() / 10..]) / 0.5).log10();
                assert!(level < -60.0, "{from} to {to}: {image} Hz at {level:.1} dB");
            }
        }
    }

    #[test]
    fn ten_milliseconds_in_are_ten_out_on_the_whole() {
        for (from, to) in PAIRS {
            let mut resampler = Resampler::new(from, to).unwrap();
            let sound = second(from, 440.0);
            // The first block gives less: the filter has nothing before it.
            let first = stream(&mut resampler, &sound).len();
            assert!(
                to.hz() as usize - first <= to.hz() as usize / 2_000,
                "{from} to {to}: {first}"
            );
            let further = stream(&mut resampler, &sound).len();
            assert!(
                further.abs_diff(to.hz() as usize) <= 1,
                "{from} to {to}: {further}"
            );
        }
    }

    #[test]
    fn the_delay_is_what_it_says_and_short() {
        for (from, to) in PAIRS {
            let mut resampler = Resampler::new(from, to).unwrap();
            let mut click = vec![0.0; from.samples_in(Duration::from_millis(100))];
            let at = from.samples_in(Duration::from_millis(30));
            click[at] = 1.0;
            let heard = stream(&mut resampler, &click);
            let peak = (0..heard.len())
                .max_by(|a, b| heard[*a].total_cmp(&heard[*b]))
                .unwrap();
            let measured = to.duration_of(peak as u64).as_secs_f64() - 0.03;
            let stated = resampler.delay().as_secs_f64();
            assert!(
                (measured - stated).abs() < 2.5e-4,
                "{from} to {to}: {measured} {stated}"
            );
            assert!(stated <= 0.0045, "{from} to {to}: {stated}");
        }
    }

    #[test]
    fn drift_makes_a_thousandth_more_or_less_without_a_step() {
        for ppm in [-1_000.0, 300.0, 1_000.0] {
            let mut resampler = Resampler::adjustable(SampleRate::FULL, SampleRate::FULL).unwrap();
            let sound = second(SampleRate::FULL, 1_000.0);
            stream(&mut resampler, &sound);
            resampler.set_drift(ppm);
            let mut heard = stream(&mut resampler, &sound);
            heard.extend(stream(&mut resampler, &sound));
            let more = heard.len() as f64 / 96_000.0 - 1.0;
            assert!((more * 1e6 - ppm).abs() < 25.0, "{ppm}: {}", more * 1e6);
            let steepest = heard
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).abs())
                .fold(0.0, f32::max);
            assert!(steepest < 0.0659, "{steepest}"); // 0.5 · 2π/48 = 0.0654
        }
    }

    #[test]
    fn equal_rates_pass_through_untouched() {
        let mut resampler = Resampler::new(SampleRate::FULL, SampleRate::FULL).unwrap();
        let sound = second(SampleRate::FULL, 997.0);
        assert_eq!(stream(&mut resampler, &sound), sound);
        assert_eq!(resampler.delay(), Duration::ZERO);
    }

    #[test]
    fn slices_of_another_length_give_nothing() {
        let mut resampler = Resampler::new(SampleRate::FULL, SampleRate::NARROW).unwrap();
        assert_eq!(resampler.process(&[0.0; 479], &mut [0.0; 960]), 0);
        assert_eq!(resampler.process(&[0.0; 480], &mut [0.0; 10]), 0);
    }

    #[test]
    fn a_file_keeps_its_length_place_and_tones() {
        for (from, to) in PAIRS {
            let band = f64::from(from.hz().min(to.hz())) / 2.0;
            let hz = band * 0.9;
            let sound = second(from, hz);
            let heard = resample(&sound, from, to).unwrap();
            assert!(
                heard.len().abs_diff(to.hz() as usize) <= 1,
                "{}",
                heard.len()
            );
            let steady = &heard[to.hz() as usize / 4..to.hz() as usize * 3 / 4];
            let gain = 20.0 * (amplitude(to, hz, steady) / 0.5).log10();
            assert!(gain.abs() < 0.1, "{from} to {to}: {gain:.2} dB");
            let rest = 20.0 * (besides(to, hz, steady) / 0.3536).log10();
            assert!(rest < -80.0, "{from} to {to}: {rest:.1} dB besides");
            let mut click = vec![0.0; from.hz() as usize / 10];
            click[from.hz() as usize / 20] = 1.0;
            let heard = resample(&click, from, to).unwrap();
            let peak = (0..heard.len())
                .max_by(|a, b| heard[*a].total_cmp(&heard[*b]))
                .unwrap();
            assert!(
                peak.abs_diff(to.hz() as usize / 20) <= 1,
                "{from} to {to}: {peak}"
            );
        }
    }

    #[test]
    fn rates_no_device_has_are_refused() {
        let slow = SampleRate::new(100).unwrap();
        assert!(Resampler::new(slow, slow).is_err());
        assert!(Resampler::new(slow, SampleRate::FULL).is_err());
        assert!(resample(&[0.0], SampleRate::FULL, slow).is_err());
    }
}
