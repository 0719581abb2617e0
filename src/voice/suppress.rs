//! What no filter can take away is made quieter, frequency by frequency: echo that is left, and
//! noise.
//!
//! The window is 20 ms long but lies close to the newest sample (Mauler and Martin, "A low delay,
//! variable resolution, perfect reconstruction spectral analysis-synthesis system for speech
//! enhancement", 2007), so that sound waits 5 ms here and not 10.

use std::f32::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::FRAME;
use super::isolation::Isolation;
use super::noise::{Choice, Noise};
use super::residual::Residual;
use super::wait::Wait;

/// Samples of the window.
const WINDOW: usize = 960;

/// Samples from one window to the next.
pub(super) const HOP: usize = 240;

/// Frequencies, 50 Hz apart.
pub(super) const BINS: usize = WINDOW / 2 + 1;

/// Sound in spectra, and back.
pub(super) struct Suppressor {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    analysis: Box<[f32; WINDOW]>,
    synthesis: Box<[f32; 2 * HOP]>,
    sound: Box<[f32; WINDOW]>,
    echo: Box<[f32; WINDOW]>,
    tail: Box<[f32; HOP]>,
    time: Box<[f32; WINDOW]>,
    spectrum: Box<[Complex32; BINS]>,
    echo_spectrum: Box<[Complex32; BINS]>,
    scratch: Vec<Complex32>,
    bins: Box<Bins>,
    residual: Residual,
    noise: Noise,
    isolation: Isolation,
    isolates: bool,
    wait: Wait,
}

/// Powers and gains of one window.
#[derive(Debug)]
pub(super) struct Bins {
    /// Power of the sound, echo taken out.
    pub(super) sound: [f32; BINS],
    /// Power of the echo that was taken out.
    pub(super) echo: [f32; BINS],
    /// Gain against echo that is left.
    pub(super) against_echo: [f32; BINS],
    /// Gain against noise.
    pub(super) against_noise: [f32; BINS],
}

impl std::fmt::Debug for Suppressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suppressor").finish_non_exhaustive()
    }
}

impl Suppressor {
    pub(super) fn new() -> Suppressor {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(WINDOW);
        let inverse = planner.plan_fft_inverse(WINDOW);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let zero = Complex32::default();
        let (analysis, synthesis) = windows();
        Suppressor {
            forward,
            inverse,
            analysis,
            synthesis,
            sound: Box::new([0.0; WINDOW]),
            echo: Box::new([0.0; WINDOW]),
            tail: Box::new([0.0; HOP]),
            time: Box::new([0.0; WINDOW]),
            spectrum: Box::new([zero; BINS]),
            echo_spectrum: Box::new([zero; BINS]),
            scratch: vec![zero; scratch],
            bins: Box::new(Bins {
                sound: [0.0; BINS],
                echo: [0.0; BINS],
                against_echo: [1.0; BINS],
                against_noise: [1.0; BINS],
            }),
            residual: Residual::new(),
            noise: Noise::new(),
            isolation: Isolation::new(),
            isolates: false,
            wait: Wait::new(),
        }
    }

    /// How much later sound leaves than it came, in samples.
    pub(super) fn delay(&self) -> usize {
        HOP + self.wait.samples()
    }

    pub(super) fn noise(&self) -> &Noise {
        &self.noise
    }

    pub(super) fn residual(&self) -> &Residual {
        &self.residual
    }

    /// The echo path is another one: what was known of it is forgotten.
    pub(super) fn forget_echo(&mut self) {
        self.residual.forget();
    }

    /// Works on a frame; `echo` is what was taken out of it already, if anything was looked for.
    pub(super) fn apply(
        &mut self,
        frame: &mut [f32; FRAME],
        echo: Option<&[f32; FRAME]>,
        choice: Choice,
    ) {
        let isolates = choice == Choice::Isolation;
        if isolates && !self.isolates {
            self.isolation.forget();
        }
        self.isolates = isolates;
        for part in 0..FRAME / HOP {
            let place = part * HOP..(part + 1) * HOP;
            let (mut sound, mut taken) = ([0.0; HOP], [0.0; HOP]);
            sound.copy_from_slice(&frame[place.clone()]);
            if let Some(echo) = echo {
                taken.copy_from_slice(&echo[place.clone()]);
            }
            if isolates {
                self.isolation.hear(&sound);
            }
            self.wait.pass([&mut sound, &mut taken], isolates);
            shift_in(self.sound.as_mut_slice(), &sound);
            shift_in(self.echo.as_mut_slice(), &taken);
            self.spectra(echo.is_some());
            self.weigh(echo.is_some(), choice);
            self.make(&mut frame[place]);
        }
    }

    fn spectra(&mut self, with_echo: bool) {
        let sides = [
            (&self.sound, &mut self.spectrum, &mut self.bins.sound),
            (&self.echo, &mut self.echo_spectrum, &mut self.bins.echo),
        ];
        for (sound, spectrum, powers) in sides.into_iter().take(1 + usize::from(with_echo)) {
            for (out, (sample, window)) in self
                .time
                .iter_mut()
                .zip(sound.iter().zip(self.analysis.iter()))
            {
                *out = sample * window;
            }
            self.forward
                .process_with_scratch(
                    self.time.as_mut_slice(),
                    spectrum.as_mut_slice(),
                    &mut self.scratch[..self.forward.get_scratch_len()],
                )
                .expect("lengths were taken from the plan");
            for (power, bin) in powers.iter_mut().zip(spectrum.iter()) {
                *power = bin.norm_sqr();
            }
        }
    }

    fn weigh(&mut self, with_echo: bool, choice: Choice) {
        if with_echo {
            self.residual.weigh(&mut self.bins, self.noise.floor());
        } else {
            self.bins.against_echo.fill(1.0);
        }
        self.noise.weigh(&mut self.bins, choice);
        if self.isolates {
            self.isolation.weigh(&mut self.bins);
        }
        for k in 0..BINS {
            let gain = self.bins.against_echo[k] * self.bins.against_noise[k];
            self.spectrum[k] *= gain;
        }
        if with_echo {
            self.noise.fill_in(&self.bins, &mut self.spectrum);
        }
    }

    fn make(&mut self, out: &mut [f32]) {
        self.spectrum[0].im = 0.0;
        self.spectrum[BINS - 1].im = 0.0;
        self.inverse
            .process_with_scratch(
                self.spectrum.as_mut_slice(),
                self.time.as_mut_slice(),
                &mut self.scratch[..self.inverse.get_scratch_len()],
            )
            .expect("lengths were taken from the plan");
        let scale = 1.0 / WINDOW as f32;
        let newest = &self.time[WINDOW - 2 * HOP..];
        for n in 0..HOP {
            out[n] = self.tail[n] + newest[n] * self.synthesis[n] * scale;
            self.tail[n] = newest[HOP + n] * self.synthesis[HOP + n] * scale;
        }
    }
}

/// For analysis a slow rise and a quick fall; for synthesis what makes the product a Hann window
/// of two hops at the end.
fn windows() -> (Box<[f32; WINDOW]>, Box<[f32; 2 * HOP]>) {
    let mut analysis = Box::new([0.0; WINDOW]);
    let rise = WINDOW - HOP;
    for (n, value) in analysis.iter_mut().enumerate() {
        let phase = if n < rise {
            (n as f32 + 0.5) / rise as f32
        } else {
            (WINDOW as f32 - n as f32 - 0.5) / HOP as f32
        };
        *value = (0.5 * PI * phase).sin();
    }
    let mut synthesis = Box::new([0.0; 2 * HOP]);
    for (n, value) in synthesis.iter_mut().enumerate() {
        let phase = (n as f32 + 0.5) / (2 * HOP) as f32;
        let wanted = (PI * phase).sin().powi(2);
        *value = wanted / analysis[WINDOW - 2 * HOP + n];
    }
    (analysis, synthesis)
}

fn shift_in(line: &mut [f32], new: &[f32]) {
    line.copy_within(new.len().., 0);
    let old = line.len() - new.len();
    line[old..].copy_from_slice(new);
}
