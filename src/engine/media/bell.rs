//! What rings, and on which speaker: that of calls, or one of its own that everybody in the room
//! hears while the person wears a headset.
//!
//! A speaker of its own is open while it rings and no longer. Where it is not there, calls' speaker
//! rings.

use std::time::{Duration, Instant};

use super::convert::Converter;
use super::device::{Change, Device};
use super::margin::Margin;
use super::output::{MIX, PATIENCE};
use super::ring::Ringer;
use crate::audio::{DeviceList, Opening, Playout, Wish, open_playout};
use crate::units::SampleRate;

/// A speaker that takes longer to open is not waited for: it rings on the other one.
const OPENING: Duration = Duration::from_millis(800);

/// Frames made in one go at most.
const BURST: usize = 20;

/// The ring tone and where it sounds.
pub(super) struct Bell {
    ringer: Ringer,
    own: Option<Own>,
    open: fn(Wish) -> Opening<Playout>,
}

/// A speaker of its own.
struct Own {
    device: Device<Playout>,
    margin: Margin,
    to_device: Option<Converter>,
    /// Since when it is wanted.
    since: Option<Instant>,
    /// It was not there, or not in time: this ring is on the other one.
    given_up: bool,
    mix: Box<[f32; MIX]>,
    frame: Vec<f32>,
}

impl Bell {
    pub(super) fn new(percent: u8) -> Bell {
        Bell {
            ringer: Ringer::new(percent),
            own: None,
            open: open_playout,
        }
    }

    #[cfg(test)]
    pub(super) fn with_speakers(open: fn(Wish) -> Opening<Playout>) -> Bell {
        Bell {
            open,
            ..Bell::new(100)
        }
    }

    /// The tone and its volume.
    pub(super) fn ringer(&mut self) -> &mut Ringer {
        &mut self.ringer
    }

    /// Rings on this speaker from here on; `None`: on that of calls.
    pub(super) fn select(&mut self, name: Option<String>) {
        let known = self.own.as_ref().and_then(|own| own.device.name());
        if known != name.as_deref() {
            self.own = name.map(|name| Own::new(name, self.open));
        }
    }

    /// The devices of this computer have changed.
    pub(super) fn handle_devices(&mut self, now: Instant, list: &DeviceList) {
        if let Some(own) = &mut self.own {
            own.device.handle_devices(now, list);
        }
    }

    /// Whether it sounds on the speaker of calls.
    pub(super) fn is_with_calls(&self) -> bool {
        !self.ringer.is_silent() && self.own.as_ref().is_none_or(|own| own.given_up)
    }

    /// Whether it sounds, or is about to, on a speaker of its own.
    pub(super) fn is_apart(&self) -> bool {
        !self.ringer.is_silent() && self.own.as_ref().is_some_and(|own| !own.given_up)
    }

    /// Adds to the 10 ms for the speaker of calls what belongs there.
    pub(super) fn mix_into(&mut self, mix: &mut [f32]) {
        if self.is_with_calls() {
            self.ringer.mix_into(mix);
        }
    }

    /// Opens and feeds the speaker of its own while it rings, and closes it afterwards.
    pub(super) fn tend(&mut self, now: Instant) {
        let Bell { ringer, own, .. } = self;
        if let Some(own) = own {
            own.tend(now, ringer);
        }
    }
}

impl Own {
    fn new(name: String, open: fn(Wish) -> Opening<Playout>) -> Own {
        Own {
            device: Device::new(Some(name), open),
            margin: Margin::default(),
            to_device: None,
            since: None,
            given_up: false,
            mix: Box::new([0.0; MIX]),
            frame: Vec::with_capacity(4 * MIX),
        }
    }

    fn tend(&mut self, now: Instant, ringer: &mut Ringer) {
        if ringer.is_silent() {
            (self.since, self.given_up) = (None, false);
        }
        let since = *self.since.get_or_insert(now);
        let wanted = !ringer.is_silent() && !self.given_up;
        match self.device.tend(now, wanted, PATIENCE) {
            Some(Change::Opened) => {
                self.to_device = None;
                self.margin.begin();
            }
            Some(Change::StandsIn | Change::Gone(_)) => self.give_up(now),
            None => {}
        }
        let waited = now.saturating_duration_since(since) > OPENING;
        if wanted && waited && self.device.running().is_none() {
            self.give_up(now);
        }
        if self.given_up {
            return;
        }
        if ringer.is_stopping() && self.device.running().is_none() {
            ringer.cut();
        }
        self.feed(now, ringer);
    }

    fn give_up(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.given_up, true) {
            tracing::info!("the speaker that rings is not there: it rings where calls are heard");
        }
        self.device.tend(now, false, PATIENCE);
    }

    fn feed(&mut self, now: Instant, ringer: &mut Ringer) {
        let Some(playout) = self.device.running() else {
            return;
        };
        self.margin
            .take_missed(now, playout.writer.health().take_missed());
        let rate = playout.rate;
        let slot = &mut self.to_device;
        if !slot
            .as_ref()
            .is_some_and(|converter| converter.is_for(SampleRate::FULL, rate))
        {
            *slot = None;
        }
        let to_device = slot.get_or_insert_with(|| Converter::new(SampleRate::FULL, rate));
        let frame = rate.samples_in(Duration::from_millis(10)).max(1);
        let quantum = playout.writer.health().quantum().max(frame);
        let room = playout.writer.capacity().saturating_sub(frame);
        let target = (quantum + rate.samples_in(self.margin.span())).min(room);
        let missing = target.saturating_sub(playout.writer.queued());
        for _ in 0..missing.div_ceil(frame).min(BURST) {
            self.mix.fill(0.0);
            ringer.mix_into(self.mix.as_mut_slice());
            to_device.push(self.mix.as_slice());
            self.frame.clear();
            self.frame.resize(to_device.available(), 0.0);
            if to_device.fetch(&mut self.frame) {
                playout.writer.write(&self.frame);
            }
        }
    }
}

#[cfg(test)]
#[path = "bell_tests.rs"]
mod tests;
