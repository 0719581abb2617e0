//! One's own voice, softly, in one's own ear: whoever wears a headset that closes the ears speaks
//! more freely so.
//!
//! It is as old as the two devices' rings make it, and no older: what the microphone has given
//! goes into the very next frame for the speaker.

use std::time::Duration;

use super::convert::Converter;
use super::output::MIX;
use crate::dsp::gain::{Gain, from_db};
use crate::units::SampleRate;

/// The way from the microphone to the mix.
pub(super) struct Sidetone {
    gain: Gain,
    to_mix: Option<Converter>,
    frame: Box<[f32; MIX]>,
}

impl Sidetone {
    /// Off.
    pub(super) fn new() -> Sidetone {
        Sidetone {
            gain: Gain::new(SampleRate::FULL, 0.0),
            to_mix: None,
            frame: Box::new([0.0; MIX]),
        }
    }

    /// As loud as this, in dB; `None`: off.
    pub(super) fn set(&mut self, db: Option<i32>) {
        self.gain.set(db.map_or(0.0, |db| from_db(db as f32)));
    }

    /// Takes 10 ms of a microphone that brings `quantum` samples at a time.
    pub(super) fn push(&mut self, rate: SampleRate, sound: &[f32], quantum: usize) {
        if self.gain.is_closed() {
            self.to_mix = None;
            return;
        }
        let fits = |converter: &Converter| converter.is_for(rate, SampleRate::FULL);
        if !self.to_mix.as_ref().is_some_and(fits) {
            self.to_mix = Some(Converter::new(rate, SampleRate::FULL));
        }
        if let Some(to_mix) = &mut self.to_mix {
            to_mix.push(sound);
            // What one of its callbacks brought waits for the speaker; more than that is age.
            let brought = SampleRate::FULL.samples_in(rate.duration_of(quantum as u64));
            let frame = SampleRate::FULL.samples_in(Duration::from_millis(10));
            to_mix.keep_newest(brought.max(frame) + frame);
        }
    }

    /// Adds the next 10 ms, if they are there.
    pub(super) fn mix_into(&mut self, mix: &mut [f32; MIX]) {
        let Some(to_mix) = &mut self.to_mix else {
            return;
        };
        if to_mix.fetch(self.frame.as_mut_slice()) {
            self.gain.apply(self.frame.as_mut_slice());
            for (mixed, sample) in mix.iter_mut().zip(self.frame.iter()) {
                *mixed += sample;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(sidetone: &mut Sidetone) -> [f32; MIX] {
        let mut mix = [0.0; MIX];
        sidetone.mix_into(&mut mix);
        mix
    }

    #[test]
    fn what_the_microphone_gave_is_in_the_next_frame_as_soft_as_was_chosen() {
        let mut sidetone = Sidetone::new();
        sidetone.push(SampleRate::FULL, &[0.5; 480], 480);
        assert_eq!(mixed(&mut sidetone), [0.0; MIX], "off");
        sidetone.set(Some(-20));
        for _ in 0..2 {
            sidetone.push(SampleRate::FULL, &[0.5; 480], 480);
            let last = mixed(&mut sidetone)[MIX - 1];
            assert!((last - 0.05).abs() < 1e-4, "{last}");
        }
        sidetone.set(None);
        for _ in 0..2 {
            sidetone.push(SampleRate::FULL, &[0.5; 480], 480);
            assert!(mixed(&mut sidetone)[MIX - 1].abs() < 1e-6);
        }
    }

    #[test]
    fn it_never_grows_older_than_what_one_callback_brings_and_a_frame() {
        let mut sidetone = Sidetone::new();
        sidetone.set(Some(-10));
        // A speaker that stands still while the microphone counts its frames.
        for frame in 1..=50_u8 {
            sidetone.push(SampleRate::FULL, &[f32::from(frame) / 100.0; 480], 960);
        }
        mixed(&mut sidetone);
        let newest = [49.0, 50.0].map(|frame| frame / 100.0 * from_db(-10.0));
        for expected in newest {
            let last = mixed(&mut sidetone)[MIX - 1];
            assert!((last - expected).abs() < 1e-4, "{last}, not {expected}");
        }
        assert_eq!(
            mixed(&mut sidetone),
            [0.0; MIX],
            "and then there is no more"
        );
    }

    #[test]
    fn a_microphone_of_another_rate_is_heard_too() {
        let mut sidetone = Sidetone::new();
        sidetone.set(Some(-20));
        let mut last = 0.0;
        for _ in 0..20 {
            sidetone.push(SampleRate::WIDE, &[0.5; 160], 160);
            last = mixed(&mut sidetone)[MIX / 2];
        }
        assert!((last - 0.05).abs() < 2e-3, "{last}");
    }
}
