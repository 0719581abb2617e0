//! Where the microphone's frames come from: a device, a file for each call, or nowhere.

use std::time::{Duration, Instant};

use super::convert::Converter;
use super::device::{Change, Device};
use crate::audio::{Capture, Clip, ClipReader, open_capture};
use crate::units::SampleRate;

/// Sound kept when a call begins: what the microphone heard before is nobody's business.
const FRESH: Duration = Duration::from_millis(10);

/// A running microphone that gives nothing for so long is taken to be gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was chosen, and how far it is.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, and it does not move"
)]
pub(super) enum Input {
    Device(Device<Capture>),
    File { clip: Clip, looped: bool },
    Silence,
}

impl Input {
    pub(super) fn device(name: Option<String>) -> Input {
        Input::Device(Device::new(name, open_capture))
    }

    /// What one call gets of it.
    pub(super) fn voice(&self) -> Voice {
        match self {
            Input::File { clip, looped } => Voice::File {
                reader: ClipReader::new(clip.clone(), *looped),
                told: false,
            },
            Input::Device(_) | Input::Silence => Voice::Shared { converter: None },
        }
    }

    /// Opens, watches and reopens the device; `wanted` while anything needs it.
    pub(super) fn tend(&mut self, now: Instant, wanted: bool) -> Option<Change> {
        let Input::Device(device) = self else {
            return None;
        };
        let change = device.tend(now, wanted, PATIENCE, |capture| {
            (
                capture.reader.health().frames(),
                capture.reader.health().is_gone(),
            )
        });
        if let (Some(Change::Opened), Some(capture)) = (&change, device.running()) {
            capture.reader.keep_newest(capture.rate.samples_in(FRESH));
        }
        change
    }

    /// The running microphone, if that is where sound comes from.
    pub(super) fn running(&mut self) -> Option<&mut Capture> {
        match self {
            Input::Device(device) => device.running(),
            Input::File { .. } | Input::Silence => None,
        }
    }

    /// Drops what the microphone has gathered: a call begins.
    pub(super) fn freshen(&mut self) {
        if let Some(capture) = self.running() {
            let keep = capture.rate.samples_in(FRESH);
            capture.reader.keep_newest(keep);
        }
    }
}

/// One call's share of the input.
#[expect(
    clippy::large_enum_variant,
    reason = "one lies in each call and never moves: an indirection saves nothing"
)]
pub(super) enum Voice {
    /// Its own reading of the file.
    File { reader: ClipReader, told: bool },
    /// The microphone, or silence, like everybody else.
    Shared { converter: Option<Converter> },
}

impl Voice {
    /// Fills one frame by the clock. Answers whether the file came to its end with it.
    pub(super) fn by_clock(&mut self, rate: SampleRate, frame: &mut [f32]) -> bool {
        match self {
            Voice::Shared { .. } => {
                frame.fill(0.0);
                false
            }
            Voice::File { reader, told } => {
                reader.set_rate(rate);
                reader.read(frame);
                let ended = reader.is_finished() && !*told;
                *told |= ended;
                ended
            }
        }
    }

    /// Takes a frame of the microphone; [`Voice::next`] gives it at the codec's rate.
    pub(super) fn push(&mut self, from: SampleRate, to: SampleRate, frame: &[f32]) {
        if let Voice::Shared { converter } = self {
            if !converter
                .as_ref()
                .is_some_and(|converter| converter.is_for(from, to))
            {
                *converter = Some(Converter::new(from, to));
            }
            if let Some(converter) = converter {
                converter.push(frame);
            }
        }
    }

    /// The next frame that [`Voice::push`] made.
    pub(super) fn next(&mut self, frame: &mut [f32]) -> bool {
        match self {
            Voice::Shared {
                converter: Some(converter),
            } => converter.fetch(frame),
            Voice::Shared { converter: None } | Voice::File { .. } => false,
        }
    }
}
