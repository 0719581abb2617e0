//! The microphone's frames, from its own rate through the voice chain, once for all calls.

use std::time::Duration;

use super::convert::Converter;
use crate::units::SampleRate;
use crate::voice::{FRAME, NearEnd, RATE, VoiceReport, VoiceSettings, says_headset};

/// The chain and the way into it.
pub(super) struct Microphone {
    chain: NearEnd,
    to_chain: Option<Converter>,
    frame: Box<[f32; FRAME]>,
}

impl Microphone {
    pub(super) fn new(settings: VoiceSettings) -> Microphone {
        Microphone {
            chain: NearEnd::new(settings),
            to_chain: None,
            frame: Box::new([0.0; FRAME]),
        }
    }

    /// Other choices.
    pub(super) fn set(&mut self, settings: VoiceSettings) {
        self.chain.set(settings);
    }

    /// A device was opened on either side: what was learnt of the old ones is worth nothing.
    pub(super) fn begin(&mut self, input: Option<&str>, output: Option<&str>) {
        let headset = [input, output].into_iter().flatten().any(says_headset);
        self.chain.begin(headset);
        self.to_chain = None;
    }

    /// Takes note of what the speaker gets.
    pub(super) fn render(&mut self, frame: &[f32; FRAME]) {
        self.chain.render(frame);
    }

    /// Takes 10 ms at the microphone's rate; [`Microphone::next`] gives what became of it.
    pub(super) fn push(&mut self, rate: SampleRate, sound: &[f32]) {
        let fits = |converter: &Converter| converter.is_for(rate, RATE);
        if !self.to_chain.as_ref().is_some_and(fits) {
            self.to_chain = Some(Converter::new(rate, RATE));
        }
        if let Some(converter) = &mut self.to_chain {
            converter.push(sound);
        }
    }

    /// The next 10 ms at [`RATE`], worked on.
    pub(super) fn next(&mut self) -> Option<&[f32; FRAME]> {
        let converter = self.to_chain.as_mut()?;
        if !converter.fetch(self.frame.as_mut_slice()) {
            return None;
        }
        self.chain.capture(&mut self.frame);
        Some(&self.frame)
    }

    /// How long sound waits in the chain.
    pub(super) fn delay(&self) -> Duration {
        self.chain.report().delay
    }

    /// What the chain saw and did.
    pub(super) fn report(&self) -> VoiceReport {
        self.chain.report()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::EchoState;

    #[test]
    fn frames_of_a_microphone_at_16_khz_come_out_at_48() {
        let mut microphone = Microphone::new(VoiceSettings::UNTOUCHED);
        let mut frames = 0;
        for _ in 0..100 {
            microphone.push(SampleRate::WIDE, &[0.25; 160]);
            while let Some(frame) = microphone.next() {
                frames += 1;
                if frames == 50 {
                    assert!(frame.iter().all(|s| (s - 0.25).abs() < 1e-3));
                }
            }
        }
        assert!((97..=100).contains(&frames), "{frames}");
    }

    #[test]
    fn either_name_may_say_that_it_is_worn() {
        let state = |input, output| {
            let mut microphone = Microphone::new(VoiceSettings::default());
            microphone.begin(input, output);
            microphone.push(RATE, &[0.0; FRAME]);
            microphone.next();
            microphone.report().echo
        };
        assert_eq!(state(None, None), EchoState::AssumedSome);
        assert_eq!(
            state(None, Some("Fones de ouvido (USB)")),
            EchoState::AssumedNone
        );
        assert_eq!(state(Some("USB Headset"), None), EchoState::AssumedNone);
    }
}
