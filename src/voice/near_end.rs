//! The chain, put together.

use std::time::Duration;

use super::FRAME;
use super::high_pass::HighPass;
use super::report::{EchoState, VoiceReport};
use super::settings::{EchoChoice, VoiceSettings};
use crate::dsp::level::level;
use crate::units::Dbov;

/// What the microphone hears, on its way to be sent.
///
/// [`NearEnd::render`] is shown each frame on its way to the loudspeaker, [`NearEnd::capture`]
/// works on each frame of the microphone. The two come in the order in which they happen, as
/// many of one as of the other but for jitter and for the drift of two clocks.
#[derive(Debug)]
pub struct NearEnd {
    settings: VoiceSettings,
    high_pass: HighPass,
    report: VoiceReport,
}

impl NearEnd {
    /// A chain at rest.
    #[must_use]
    pub fn new(settings: VoiceSettings) -> NearEnd {
        NearEnd {
            settings,
            high_pass: HighPass::default(),
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
    }

    /// The choices it follows.
    #[must_use]
    pub fn settings(&self) -> VoiceSettings {
        self.settings
    }

    /// Forgets what it has learnt: other devices begin. `headset`: their names say that the
    /// microphone does not hear the loudspeaker, which is believed until it is measured.
    pub fn begin(&mut self, headset: bool) {
        *self = NearEnd::new(self.settings);
        self.report.echo = match (self.settings.echo, headset) {
            (EchoChoice::Off, _) => EchoState::Off,
            (EchoChoice::On, _) => EchoState::Always,
            (EchoChoice::Auto, true) => EchoState::AssumedNone,
            (EchoChoice::Auto, false) => EchoState::AssumedSome,
        };
    }

    /// Takes note of what goes to the loudspeaker.
    pub fn render(&mut self, _frame: &[f32; FRAME]) {}

    /// Works on a frame of the microphone.
    pub fn capture(&mut self, frame: &mut [f32; FRAME]) {
        self.report.heard = level(frame);
        if self.settings.high_pass {
            self.high_pass.apply(frame);
        }
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
    use crate::voice::RATE;

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
