//! Where the microphone's frames come from: a device, a file for each call, or nowhere.

use std::time::{Duration, Instant};

use super::convert::Converter;
use super::device::{Change, Device};
use crate::audio::{Capture, Clip, ClipReader, DeviceList, open_capture};
use crate::units::SampleRate;

/// Sound kept when a call begins: what the microphone heard before is nobody's business.
const FRESH: Duration = Duration::from_millis(10);

/// A running microphone that gives nothing for so long is taken to be gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// The same before its first sound: a headset that wakes over Bluetooth takes its time.
const FIRST_PATIENCE: Duration = Duration::from_secs(6);

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

    /// Another microphone, if there is one at all and it is another.
    pub(super) fn select(&mut self, name: Option<String>) {
        if let Input::Device(device) = self {
            device.select(name);
        }
    }

    /// The devices of this computer have changed.
    pub(super) fn handle_devices(&mut self, now: Instant, list: &DeviceList) {
        if let Input::Device(device) = self {
            device.handle_devices(now, list);
        }
    }

    /// The microphone's name; `None`: whichever the system takes, or there is none.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Input::Device(device) => device.name(),
            Input::File { .. } | Input::Silence => None,
        }
    }

    /// What one call gets of it.
    pub(super) fn voice(&self) -> Voice {
        match self {
            Input::File { clip, looped } => Voice::File {
                reader: ClipReader::new(clip.clone(), *looped),
                frames: 0,
                told_start: false,
                told_end: false,
            },
            Input::Device(_) | Input::Silence => Voice::Shared { converter: None },
        }
    }

    /// Opens, watches and reopens the device; `wanted` while anything needs it.
    pub(super) fn tend(&mut self, now: Instant, wanted: bool) -> Option<Change> {
        let Input::Device(device) = self else {
            return None;
        };
        let silent_yet = |capture: &mut Capture| capture.reader.health().frames() == 0;
        let patience = if device.running().is_some_and(silent_yet) {
            FIRST_PATIENCE
        } else {
            PATIENCE
        };
        let change = device.tend(now, wanted, patience);
        if let (Some(Change::Opened | Change::StandsIn), Some(capture)) =
            (&change, device.running())
        {
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
    File {
        reader: ClipReader,
        /// Frames read so far.
        frames: u32,
        told_start: bool,
        told_end: bool,
    },
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
            Voice::File {
                reader,
                frames,
                told_end,
                ..
            } => {
                reader.set_rate(rate);
                reader.read(frame);
                *frames = frames.saturating_add(1);
                let ended = reader.is_finished() && !*told_end;
                *told_end |= ended;
                ended
            }
        }
    }

    /// Frames of the file read so far, once: when there are any.
    pub(super) fn take_start(&mut self) -> Option<u32> {
        match self {
            Voice::File {
                frames: frames @ 1..,
                told_start: told @ false,
                ..
            } => {
                *told = true;
                Some(*frames)
            }
            Voice::File { .. } | Voice::Shared { .. } => None,
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::audio::{CaptureCallback, DeviceError, Opening, Wish, capture_ring, testing};

    thread_local! {
        static MICROPHONE: RefCell<Option<CaptureCallback>> = const { RefCell::new(None) };
    }

    fn open(_: Wish) -> Opening<Capture> {
        let (callback, reader) = capture_ring(SampleRate::FULL, 1);
        MICROPHONE.set(Some(callback));
        let (attempt, opening) = testing::attempt();
        attempt.answer(Ok(testing::capture(reader, SampleRate::FULL)));
        opening
    }

    /// After how long a microphone is told to be gone that gives its first sound after
    /// `silent_for`, and never again.
    fn gone_after(silent_for: Duration) -> Duration {
        let mut input = Input::Device(Device::new(None, open));
        let start = crate::engine::clock::now();
        for tick in 0..2_000 {
            let passed = Duration::from_millis(10) * tick;
            if passed == silent_for {
                MICROPHONE
                    .with_borrow_mut(|callback| callback.as_mut().unwrap().take(&[0.1_f32; 480]));
            }
            if let Some(Change::Gone(error)) = input.tend(start + passed, true) {
                assert!(matches!(error, DeviceError::None));
                return passed;
            }
        }
        panic!("never")
    }

    #[test]
    fn a_microphone_may_take_its_time_for_the_first_sound_and_not_for_the_next() {
        let ms = Duration::from_millis;
        assert_eq!(gone_after(ms(5_000)), ms(7_010));
        assert_eq!(gone_after(ms(60_000)), ms(6_020));
    }
}
