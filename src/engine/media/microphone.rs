//! The microphone's frames, from its own rate through the voice chain, once for all calls; past it,
//! where nothing is to be done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::convert::Converter;
use crate::units::SampleRate;
use crate::voice::{FRAME, NearEnd, RATE, VoiceReport, VoiceSettings, says_headset};

/// The chain and the way into it.
pub(super) struct Microphone {
    chain: NearEnd,
    to_chain: Option<Converter>,
    frame: Box<[f32; FRAME]>,
    /// 10 ms that are left as they are, their rate, and whether they are still to be taken.
    plain: Vec<f32>,
    plain_rate: SampleRate,
    plain_left: bool,
}

impl Microphone {
    pub(super) fn new(settings: VoiceSettings) -> Microphone {
        Microphone {
            chain: NearEnd::new(settings),
            to_chain: None,
            frame: Box::new([0.0; FRAME]),
            plain: Vec::with_capacity(4 * FRAME),
            plain_rate: RATE,
            plain_left: false,
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
        self.guarded(|microphone| microphone.chain.render(frame));
    }

    /// Takes 10 ms at the microphone's rate; [`Microphone::next`] gives what became of it.
    pub(super) fn push(&mut self, rate: SampleRate, sound: &[f32]) {
        if self.chain.settings() == VoiceSettings::UNTOUCHED {
            self.plain.clear();
            self.plain.extend_from_slice(sound);
            (self.plain_rate, self.plain_left) = (rate, true);
            self.to_chain = None;
            return;
        }
        let fits = |converter: &Converter| converter.is_for(rate, RATE);
        if !self.to_chain.as_ref().is_some_and(fits) {
            self.to_chain = Some(Converter::new(rate, RATE));
        }
        if let Some(converter) = &mut self.to_chain {
            converter.push(sound);
        }
    }

    /// The next 10 ms and their rate: [`RATE`], worked on, or the microphone's own.
    pub(super) fn next(&mut self) -> Option<(SampleRate, &[f32])> {
        let Some(converter) = &mut self.to_chain else {
            let taken = std::mem::replace(&mut self.plain_left, false);
            return taken.then_some((self.plain_rate, self.plain.as_slice()));
        };
        if !converter.fetch(self.frame.as_mut_slice()) {
            return None;
        }
        self.guarded(|microphone| microphone.chain.capture(&mut microphone.frame));
        Some((RATE, self.frame.as_slice()))
    }

    /// Should the chain break by a defect of ours, sound goes past it from then on, and the calls go
    /// on.
    fn guarded(&mut self, run: impl FnOnce(&mut Microphone)) {
        if catch_unwind(AssertUnwindSafe(|| run(self))).is_err() {
            tracing::error!("the voice chain broke by a defect: the microphone goes past it");
            self.chain = NearEnd::new(VoiceSettings::UNTOUCHED);
        }
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
    use crate::voice::{EchoChoice, EchoState};

    #[test]
    fn frames_of_a_microphone_at_16_khz_come_out_at_48() {
        // Nothing is played, so that there is no echo to be taken out either.
        let mut microphone = Microphone::new(VoiceSettings {
            echo: EchoChoice::Auto,
            ..VoiceSettings::UNTOUCHED
        });
        let mut frames = 0;
        for _ in 0..100 {
            microphone.push(SampleRate::WIDE, &[0.25; 160]);
            while let Some((rate, frame)) = microphone.next() {
                assert_eq!(rate, RATE);
                frames += 1;
                if frames == 50 {
                    assert!(frame.iter().all(|s| (s - 0.25).abs() < 1e-3));
                }
            }
        }
        assert!((97..=100).contains(&frames), "{frames}");
    }

    #[test]
    fn a_microphone_that_is_to_be_left_alone_passes_to_the_bit_at_its_own_rate() {
        let mut microphone = Microphone::new(VoiceSettings::UNTOUCHED);
        for level in [0.25, -0.125] {
            microphone.push(SampleRate::NARROW, &[level; 80]);
            let (rate, frame) = microphone.next().unwrap();
            assert_eq!((rate, frame), (SampleRate::NARROW, &[level; 80][..]));
            assert!(microphone.next().is_none(), "once");
        }
    }

    #[test]
    fn a_chain_that_breaks_is_gone_past_and_the_sound_goes_on() {
        let mut microphone = Microphone::new(VoiceSettings::default());
        microphone.guarded(|_| panic!("planted"));
        microphone.push(SampleRate::NARROW, &[0.5; 80]);
        assert_eq!(
            microphone.next(),
            Some((SampleRate::NARROW, &[0.5; 80][..]))
        );
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
