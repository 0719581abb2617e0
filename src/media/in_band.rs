//! Digits as tones in the sound, for a far side that takes no telephone events.

use std::collections::VecDeque;

use crate::dsp::tone::Tone;
use crate::rtp::dtmf::{Digit, QueueFull};
use crate::units::SampleRate;

/// Frames of 10 ms that a tone lasts, which has to survive a codec, and the pause behind it.
const IN_BAND_TONE: u32 = 12;
const IN_BAND_PAUSE: u32 = 8;

/// Digits that may wait, as many as for events.
const MAX_IN_BAND: usize = 64;

/// Digits as tones in the sound, for a far side that takes no events.
#[derive(Debug, Default)]
pub(super) struct InBand {
    waiting: VecDeque<Digit>,
    sounding: Option<Tone>,
    /// Frames that this digit, or the pause behind it, lasts from here on.
    left: u32,
}

impl InBand {
    /// Queues a digit.
    pub(super) fn press(&mut self, digit: Digit) -> Result<(), QueueFull> {
        if self.waiting.len() >= MAX_IN_BAND {
            return Err(QueueFull);
        }
        self.waiting.push_back(digit);
        Ok(())
    }

    /// Replaces a frame of sound by a digit's, or by the silence behind it.
    pub(super) fn replace(&mut self, rate: SampleRate, sound: &mut [f32]) {
        if self.left == 0 {
            if self.sounding.take().is_some() {
                self.left = IN_BAND_PAUSE;
            } else if let Some(digit) = self.waiting.pop_front() {
                self.sounding = Tone::dtmf(rate, digit.to_char());
                self.left = IN_BAND_TONE;
            } else {
                return;
            }
        }
        self.left -= 1;
        match &mut self.sounding {
            Some(tone) => tone.fill(sound),
            None => sound.fill(0.0),
        }
    }
}
