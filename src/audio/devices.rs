//! Which devices there are.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, ErrorKind, Host};

/// Why a device cannot be listed or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// This computer has no such device at all: no card, no sound server.
    #[error("no sound device")]
    None,
    /// There are devices, but none of that name.
    #[error("no such sound device: {name}")]
    NotFound {
        /// The name that was asked for.
        name: String,
    },
    /// Another program holds it.
    #[error("sound device is busy")]
    Busy,
    /// The system refuses: microphone permission, group `audio`.
    #[error("sound device may not be used")]
    PermissionDenied,
    /// It speaks no format that is known.
    #[error("sound device has no usable format")]
    Unsupported,
    /// The sound system did not answer in time.
    #[error("sound system does not answer")]
    TimedOut,
    /// Anything else the driver said.
    #[error("sound system failed")]
    Backend {
        /// What it said.
        source: cpal::Error,
    },
}

impl From<cpal::Error> for DeviceError {
    fn from(source: cpal::Error) -> DeviceError {
        match source.kind() {
            ErrorKind::DeviceBusy => DeviceError::Busy,
            ErrorKind::PermissionDenied => DeviceError::PermissionDenied,
            ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation => {
                DeviceError::Unsupported
            }
            ErrorKind::HostUnavailable | ErrorKind::DeviceNotAvailable => DeviceError::None,
            _ => DeviceError::Backend { source },
        }
    }
}

/// One microphone or speaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What a person calls it; also what they choose it by.
    pub name: String,
    /// What the sound system calls it; also accepted when choosing.
    pub id: String,
    /// Which sound system it was found through: `PulseAudio`, `ALSA`, `WASAPI`, `CoreAudio`.
    pub host: &'static str,
    /// The system's default.
    pub is_default: bool,
}

/// The devices of this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceList {
    /// Microphones.
    pub inputs: Vec<DeviceInfo>,
    /// Speakers.
    pub outputs: Vec<DeviceInfo>,
}

/// Lists devices, the default one first. Without a sound server or card the list is empty.
///
/// Runs on a thread that is given up when the sound system has not answered within `patience`.
///
/// # Errors
///
/// [`DeviceError::TimedOut`].
pub fn list(patience: Duration) -> Result<DeviceList, DeviceError> {
    let (answer, answered) = sync_channel(1);
    let asked = thread::Builder::new()
        .name("audio-list".into())
        .spawn(move || {
            let _quiet = quieted();
            let list = DeviceList {
                inputs: list_direction(Direction::Input),
                outputs: list_direction(Direction::Output),
            };
            let _ = answer.send(list);
        });
    if asked.is_err() {
        return Err(DeviceError::TimedOut);
    }
    match answered.recv_timeout(patience) {
        Ok(list) => Ok(list),
        Err(RecvTimeoutError::Timeout) => Err(DeviceError::TimedOut),
        // The thread died in a driver's bug: nothing usable is there.
        Err(RecvTimeoutError::Disconnected) => Ok(DeviceList::default()),
    }
}

/// Which way sound goes through a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Input,
    Output,
}

/// Keeps libasound from writing to stderr on this thread for as long as the answer lives.
#[cfg(target_os = "linux")]
pub(super) fn quieted() -> Option<impl Sized> {
    alsa::Output::local_error_handler().ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn quieted() -> Option<()> {
    None
}

/// Sound systems in the order in which they are asked. Servers come before the bare cards, which
/// they hold and share; the null and JACK hosts are not for calls.
fn hosts() -> Vec<Host> {
    let mut ids: Vec<(u8, cpal::HostId)> = cpal::available_hosts()
        .into_iter()
        .filter_map(|id| {
            let rank = match id.name().to_ascii_lowercase().as_str() {
                "pulseaudio" => 0,
                "pipewire" => 1,
                "alsa" => 3,
                "jack" | "null" | "custom" => return None,
                _ => 2,
            };
            Some((rank, id))
        })
        .collect();
    ids.sort_by_key(|(rank, _)| *rank);
    ids.into_iter()
        .filter_map(|(_, id)| cpal::host_from_id(id).ok())
        .collect()
}

fn default_of(host: &Host, direction: Direction) -> Option<Device> {
    match direction {
        Direction::Input => host.default_input_device(),
        Direction::Output => host.default_output_device(),
    }
}

/// Whether it can be opened that way. The ALSA host's default stands for whatever its
/// configuration says, card or no card, so that only asking for its formats tells.
fn is_usable(device: &Device, direction: Direction) -> bool {
    match direction {
        Direction::Input => device.supports_input(),
        Direction::Output => device.supports_output(),
    }
}

/// Whether a person would look for it in a list. ALSA has a dozen names for each card: the one
/// that converts formats and the system's default are enough.
fn is_listed(host: &Host, id: &str) -> bool {
    if !host.id().name().eq_ignore_ascii_case("alsa") {
        return true;
    }
    id == "default" || id.starts_with("plughw:")
}

fn list_direction(direction: Direction) -> Vec<DeviceInfo> {
    // The first system that has any: the next ones know the same cards under other names.
    hosts()
        .iter()
        .map(|host| list_host(host, direction))
        .find(|list| !list.is_empty())
        .unwrap_or_default()
}

fn list_host(host: &Host, direction: Direction) -> Vec<DeviceInfo> {
    let default = default_of(host, direction).and_then(|device| device.id().ok());
    let Ok(devices) = host.devices() else {
        return Vec::new();
    };
    let mut list: Vec<DeviceInfo> = devices
        .filter_map(|device| {
            let id = device.id().ok()?;
            if !is_listed(host, id.id()) || !is_usable(&device, direction) {
                return None;
            }
            Some(DeviceInfo {
                name: name_of(&device),
                is_default: default.as_ref() == Some(&id),
                id: id.id().to_owned(),
                host: host.id().name(),
            })
        })
        .collect();
    list.sort_by_key(|device| !device.is_default);
    list
}

pub(super) fn name_of(device: &Device) -> String {
    device
        .description()
        .map(|description| description.name().to_owned())
        .unwrap_or_default()
}

/// Finds a device by name or id; `None` asks for the default one.
pub(super) fn find(name: Option<&str>, direction: Direction) -> Result<Device, DeviceError> {
    let hosts = hosts();
    let Some(name) = name else {
        return hosts
            .iter()
            .filter_map(|host| default_of(host, direction))
            .find(|device| is_usable(device, direction))
            .ok_or(DeviceError::None);
    };
    let mut any = false;
    for host in &hosts {
        for device in host.devices().into_iter().flatten() {
            let named = name_of(&device) == name || device.id().is_ok_and(|id| id.id() == name);
            if named && is_usable(&device, direction) {
                return Ok(device);
            }
            any |= named || is_usable(&device, direction);
        }
    }
    if any {
        Err(DeviceError::NotFound {
            name: name.to_owned(),
        })
    } else {
        Err(DeviceError::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_listed_without_error_whatever_it_has() {
        let list = list(Duration::from_secs(10)).unwrap();
        for devices in [&list.inputs, &list.outputs] {
            assert!(devices.iter().filter(|device| device.is_default).count() <= 1);
            assert!(devices.iter().skip(1).all(|device| !device.is_default));
        }
    }

    #[test]
    fn a_name_that_no_device_has_is_never_answered_with_another_device() {
        let found = find(Some("no device is called this"), Direction::Output);
        assert!(
            matches!(found, Err(DeviceError::NotFound { .. } | DeviceError::None)),
            "{:?}",
            found.map(|device| name_of(&device))
        );
    }
}
