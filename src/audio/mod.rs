//! Where sound comes from and where it goes: devices, WAV files, silence.
//!
//! The media thread sees the same few verbs whichever it is, so that a machine without a sound
//! card makes calls. What a device is asked to do in its callbacks is in [`capture`] and
//! [`playout`]: rings and atomics, nothing else. Rates are the devices' and files' own; the
//! media thread resamples.

mod capture;
mod clip;
mod devices;
mod format;
mod health;
mod list;
mod playout;
#[cfg(target_os = "linux")]
mod pulse;
mod realtime;
mod stream;
mod watch;

pub use capture::{CaptureCallback, CaptureReader, capture_ring};
pub use clip::{Clip, ClipError, ClipReader};
pub use devices::{DeviceError, list};
pub use health::{Fault, Health};
pub use list::{DeviceInfo, DeviceList, Direction, Place};
pub use playout::{PlayoutCallback, PlayoutWriter, playout_ring};
pub use realtime::{Granted, granted_here, lower_current_thread, raise_current_thread};
#[cfg(test)]
pub(crate) use stream::testing;
pub use stream::{Abandoned, Capture, Opening, Playout, Wish, open_capture, open_playout};
pub use watch::Watch;

use std::path::PathBuf;

/// What the far side hears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceChoice {
    /// A microphone by name; `None` follows the system's default.
    Device(Option<String>),
    /// A WAV file, from its beginning for each call, as soon as that call's sound starts.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Begin anew at its end rather than fall silent.
        looped: bool,
    },
    /// Digital silence.
    #[default]
    Silence,
}

/// What becomes of what the far side says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SinkChoice {
    /// A speaker by name; `None` follows the system's default.
    Device(Option<String>),
    /// A file, WAV or Ogg Opus by its name, written while the call lasts.
    Record(PathBuf),
    /// A speaker and a file.
    Both {
        /// The speaker; `None` follows the system's default.
        device: Option<String>,
        /// The file.
        path: PathBuf,
    },
    /// Nothing is played: decoded, measured and dropped, paced by the clock.
    #[default]
    Discard,
}

impl SinkChoice {
    /// The file that is written, if any.
    #[must_use]
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            SinkChoice::Record(path) | SinkChoice::Both { path, .. } => Some(path),
            SinkChoice::Device(_) | SinkChoice::Discard => None,
        }
    }

    /// The speaker that is wanted, if any: its name, or `None` for the default one.
    #[must_use]
    pub fn device(&self) -> Option<Option<&str>> {
        match self {
            SinkChoice::Device(name) | SinkChoice::Both { device: name, .. } => {
                Some(name.as_deref())
            }
            SinkChoice::Record(_) | SinkChoice::Discard => None,
        }
    }
}
