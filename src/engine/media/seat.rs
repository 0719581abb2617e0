//! What a call is given of this side: the microphone, others of its conference, or neither.

use super::convert::Converter;
use crate::audio::{Clip, ClipReader};
use crate::dsp::limiter::Limiter;
use crate::media::bridge::{Bridge, FRAME};
use crate::media::plan::Feed;
use crate::units::SampleRate;

/// One call's place at this phone.
#[derive(Default)]
pub(super) struct Seat {
    pub(super) feed: Feed,
    pub(super) muted: bool,
    pub(super) held: bool,
    /// What stands for the microphone.
    player: Option<ClipReader>,
    /// What the others of its conference say.
    others: Option<Others>,
}

struct Others {
    bridge: Bridge,
    /// To the rate at which the call speaks.
    converter: Converter,
    limiter: Limiter,
    frame: Box<[f32; FRAME]>,
    /// It has left, and the last of it fades.
    leaving: bool,
}

impl Seat {
    /// What is heard instead of the microphone, over and over; `rate`: at which the call speaks.
    pub(super) fn play(&mut self, clip: Option<Clip>, rate: Option<SampleRate>) {
        self.player = clip.map(|clip| {
            let mut player = ClipReader::new(clip, true);
            rate.into_iter().for_each(|rate| player.set_rate(rate));
            player
        });
    }

    /// It sits in a conference from here on. `rate`: at which it speaks, if that is known.
    pub(super) fn join(&mut self, rate: Option<SampleRate>) {
        if let Some(others) = &mut self.others {
            others.leaving = false;
            return;
        }
        let rate = rate.unwrap_or(SampleRate::FULL);
        self.others = Some(Others {
            bridge: Bridge::default(),
            converter: Converter::new(SampleRate::FULL, rate),
            limiter: Limiter::new(rate),
            frame: Box::new([0.0; FRAME]),
            leaving: false,
        });
    }

    /// It sits in none.
    pub(super) fn leave(&mut self) {
        if let Some(others) = &mut self.others {
            others.leaving = true;
        }
    }

    /// Takes 10 ms of what the others say.
    pub(super) fn hear(&mut self, frame: &[f32; FRAME]) {
        if let Some(others) = &mut self.others
            && !others.leaving
        {
            others.bridge.push(frame);
        }
    }

    /// Whether what [`Seat::compose`] makes is more or less than the microphone.
    pub(super) fn is_substitute(&self) -> bool {
        self.others.is_some() || self.feed != Feed::Microphone
    }

    /// Makes of 10 ms of the microphone what the call is given.
    pub(super) fn compose(&mut self, rate: SampleRate, frame: &mut [f32]) {
        if !self.is_substitute() {
            // The session itself mutes and holds.
            return;
        }
        match (&self.feed, &mut self.player) {
            (Feed::Microphone, _) if !(self.muted || self.held) => {}
            (Feed::HoldMusic | Feed::File(_), Some(player)) => {
                player.set_rate(rate);
                player.read(frame);
            }
            _ => frame.fill(0.0),
        }
        let Some(others) = &mut self.others else {
            return;
        };
        if !others.converter.is_for(SampleRate::FULL, rate) {
            others.converter = Converter::new(SampleRate::FULL, rate);
            others.limiter = Limiter::new(rate);
        }
        others.bridge.pull(&mut others.frame);
        others.converter.push(others.frame.as_slice());
        let here = &mut others.frame[..frame.len().min(FRAME)];
        others.converter.fetch_padded(here);
        if !self.held {
            for (sum, sample) in frame.iter_mut().zip(here) {
                *sum += *sample;
            }
            others.limiter.apply(frame);
        }
        if others.leaving && !others.bridge.is_flowing() {
            self.others = None;
        }
    }
}
