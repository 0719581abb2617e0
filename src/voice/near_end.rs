//! The chain, put together.

use std::time::Duration;

use super::FRAME;
use super::RATE;
use super::echo::{BlockCanceller, Canceller, Echo};
use super::gain::AutomaticGain;
use super::high_pass::HighPass;
use super::limiter::Limiter;
use super::noise;
use super::report::{EchoState, VoiceReport};
use super::settings::{NoiseChoice, VoiceSettings};
use super::suppress::Suppressor;
use crate::dsp::level::level;
use crate::units::Dbov;

/// How slowly the share of echo that is taken away is followed.
const REMOVED_KEEPS: f32 = 0.98;

/// What the microphone hears, on its way to be sent.
///
/// [`NearEnd::render`] is shown each frame on its way to the loudspeaker, [`NearEnd::capture`]
/// works on each frame of the microphone. The two come in the order in which they happen, as
/// many of one as of the other but for jitter and for the drift of two clocks.
///
/// While neither echo nor noise is taken away, sound passes without delay, and to the bit where
/// nothing else is chosen; else it is 5 ms late, and 25 where the voice is isolated.
#[derive(Debug)]
pub struct NearEnd {
    settings: VoiceSettings,
    high_pass: HighPass,
    echo: Echo,
    suppressor: Suppressor,
    gain: AutomaticGain,
    limiter: Limiter,
    /// How much of the estimated echo is taken out, 0 to 1: changes within a frame.
    cancelled: f32,
    /// How much of the sound is the suppressor's: the same.
    suppressed: f32,
    estimate: Box<[f32; FRAME]>,
    work: Box<[f32; FRAME]>,
    powers: [f32; 2],
    report: VoiceReport,
}

impl NearEnd {
    /// A chain at rest, taken to begin with a loudspeaker.
    #[must_use]
    pub fn new(settings: VoiceSettings) -> NearEnd {
        NearEnd::with_canceller(settings, false, Box::new(BlockCanceller::new()))
    }

    fn with_canceller(
        settings: VoiceSettings,
        headset: bool,
        canceller: Box<dyn Canceller>,
    ) -> NearEnd {
        NearEnd {
            settings,
            high_pass: HighPass::default(),
            echo: Echo::new(canceller, settings.echo, headset),
            suppressor: Suppressor::new(),
            gain: AutomaticGain::new(),
            limiter: Limiter::new(),
            cancelled: 0.0,
            suppressed: 0.0,
            estimate: Box::new([0.0; FRAME]),
            work: Box::new([0.0; FRAME]),
            powers: [0.0; 2],
            report: VoiceReport {
                heard: Dbov::SILENCE,
                speech: 0.0,
                noise_floor: Dbov::SILENCE,
                speech_level: None,
                gain_db: 0.0,
                echo_path: None,
                echo: EchoState::Off,
                echo_removed_db: 0.0,
                delay: Duration::ZERO,
            },
        }
    }

    /// Follows other choices from the next frame on.
    pub fn set(&mut self, settings: VoiceSettings) {
        self.settings = settings;
        self.echo.set(settings.echo);
    }

    /// The choices it follows.
    #[must_use]
    pub fn settings(&self) -> VoiceSettings {
        self.settings
    }

    /// Forgets what it has learnt: other devices begin. `headset`: their names say that the
    /// microphone does not hear the loudspeaker, which is believed until it is measured.
    pub fn begin(&mut self, headset: bool) {
        let canceller = Box::new(BlockCanceller::new());
        *self = NearEnd::with_canceller(self.settings, headset, canceller);
    }

    /// Takes note of what goes to the loudspeaker.
    pub fn render(&mut self, frame: &[f32; FRAME]) {
        self.echo.render(frame);
    }

    /// Works on a frame of the microphone.
    pub fn capture(&mut self, frame: &mut [f32; FRAME]) {
        self.report.heard = level(frame);
        if !frame.iter().all(|sample| sample.is_finite()) {
            frame.fill(0.0);
        }
        if self.settings.high_pass {
            self.high_pass.apply(frame);
        }
        let before: f32 = frame.iter().map(|s| s * s).sum();
        let cancelling = self.echo.estimate(frame, &mut self.estimate);
        if self.echo.take_forgot() {
            self.suppressor.forget_echo();
        }
        if !cancelling {
            self.estimate.fill(0.0);
        }
        let mut share = self.cancelled;
        self.cancelled = f32::from(u8::from(cancelling));
        let step = (self.cancelled - share) / FRAME as f32;
        for (sample, echo) in frame.iter_mut().zip(self.estimate.iter()) {
            share += step;
            *sample -= share * echo;
        }
        self.suppress(frame, cancelling);
        let after: f32 = frame.iter().map(|s| s * s).sum();
        self.level(before, frame);
        self.tell(before, after);
    }

    /// The suppressor listens always, and is heard where it is wanted.
    fn suppress(&mut self, frame: &mut [f32; FRAME], cancelling: bool) {
        let choice = match self.settings.noise {
            NoiseChoice::Off => noise::Choice::Off,
            NoiseChoice::Low => noise::Choice::Low,
            NoiseChoice::High => noise::Choice::High,
            NoiseChoice::Isolation => noise::Choice::Isolation,
        };
        *self.work = *frame;
        let echo = cancelling.then_some(&*self.estimate);
        self.suppressor.apply(&mut self.work, echo, choice);
        let wanted = cancelling || self.settings.noise != NoiseChoice::Off;
        let mut share = self.suppressed;
        self.suppressed = f32::from(u8::from(wanted));
        if share == 0.0 && !wanted {
            return;
        }
        let step = (self.suppressed - share) / FRAME as f32;
        for (sample, suppressed) in frame.iter_mut().zip(self.work.iter()) {
            share += step;
            *sample += share * (suppressed - *sample);
        }
    }

    fn level(&mut self, before: f32, frame: &mut [f32; FRAME]) {
        let near = if self.cancelled > 0.0 {
            self.suppressor.residual().near()
        } else {
            // A weak echo is left alone, and is nobody's speech here all the same.
            f32::from(u8::from(!self.echo.may_be(before / FRAME as f32)))
        };
        self.report.speech = self.suppressor.noise().speech() * near;
        self.report.noise_floor = self.suppressor.noise().level();
        self.gain
            .observe(frame, self.report.speech, self.report.noise_floor);
        if self.settings.gain {
            self.gain.apply(frame);
            self.limiter.apply(frame);
        } else {
            self.gain.leave(frame);
        }
    }

    fn tell(&mut self, before: f32, after: f32) {
        if self.cancelled > 0.0 && self.report.speech < 0.2 && before > 1e-4 {
            for (power, new) in self.powers.iter_mut().zip([before, after]) {
                *power = REMOVED_KEEPS * *power + (1.0 - REMOVED_KEEPS) * new;
            }
            let ratio = self.powers[0] / self.powers[1].max(1e-9);
            self.report.echo_removed_db = (10.0 * ratio.max(1.0).log10()).min(60.0);
        } else if self.cancelled == 0.0 {
            self.report.echo_removed_db = 0.0;
        }
        self.report.gain_db = if self.settings.gain {
            self.gain.db()
        } else {
            0.0
        };
        self.report.speech_level = self.gain.speech_level();
        self.report.echo_path = self.echo.path();
        self.report.echo = self.echo.state();
        self.report.delay = if self.suppressed > 0.0 {
            RATE.duration_of(self.suppressor.delay() as u64)
        } else {
            Duration::ZERO
        };
    }

    /// What it saw and did.
    #[must_use]
    pub fn report(&self) -> VoiceReport {
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::sine;

    #[test]
    fn untouched_means_to_the_bit() {
        let mut chain = NearEnd::new(VoiceSettings::UNTOUCHED);
        for chunk in sine(RATE, 50.0, 0.9, 9_600).chunks_exact(FRAME) {
            let mut frame: [f32; FRAME] = chunk.try_into().unwrap();
            chain.render(&[0.1; FRAME]);
            chain.capture(&mut frame);
            assert_eq!(frame, chunk);
        }
        assert_eq!(chain.report().delay, Duration::ZERO);
    }

    #[test]
    fn the_level_heard_is_that_of_the_microphone() {
        let mut chain = NearEnd::new(VoiceSettings::default());
        let mut frame: [f32; FRAME] = sine(RATE, 1_000.0, 0.1, FRAME).try_into().unwrap();
        chain.capture(&mut frame);
        assert!((chain.report().heard.0 + 20.0).abs() < 0.05);
    }
}
