//! Which devices there are, in the sound systems of this computer.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, ErrorKind, Host, HostId};

use super::list::{DeviceInfo, DeviceList, Direction};
#[cfg(target_os = "linux")]
use super::pulse;

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
    /// The sound server said what it should not, or something that is not known.
    #[error("sound server failed")]
    Server {
        /// What it said.
        source: io::Error,
    },
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
            let _ = answer.send(list_now());
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

/// Keeps libasound from writing to stderr on this thread for as long as the answer lives.
#[cfg(target_os = "linux")]
pub(super) fn quieted() -> Option<impl Sized> {
    alsa::Output::local_error_handler().ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn quieted() -> Option<()> {
    None
}

/// A sound system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// The sound server, in its own words.
    #[cfg(target_os = "linux")]
    Pulse,
    /// Anything else.
    Host(HostId),
}

impl System {
    /// Whether it shares the cards, so that a bare one must not be taken away from it.
    pub(super) fn is_server(self) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            System::Pulse => true,
            System::Host(id) => !id.name().eq_ignore_ascii_case("alsa"),
        }
    }
}

/// Sound systems in the order in which they are asked. Servers come before the bare cards, which
/// they hold and share; the null and JACK hosts are not for calls.
pub(super) fn systems() -> Vec<System> {
    let mut systems: Vec<(u8, System)> = cpal::available_hosts()
        .into_iter()
        .filter_map(|id| {
            let rank = match id.name().to_ascii_lowercase().as_str() {
                "pipewire" => 0,
                "alsa" => 3,
                "jack" | "null" | "custom" | "pulseaudio" => return None,
                _ => 2,
            };
            Some((rank, System::Host(id)))
        })
        .collect();
    #[cfg(target_os = "linux")]
    systems.push((1, System::Pulse));
    systems.sort_by_key(|(rank, _)| *rank);
    systems.into_iter().map(|(_, system)| system).collect()
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

/// The first system that has any: the next ones know the same cards under other names. May take
/// its time, or hang.
pub(super) fn list_now() -> DeviceList {
    let mut list = DeviceList::default();
    for system in systems() {
        let here = list_system(system);
        for (all, here) in [
            (&mut list.inputs, here.inputs),
            (&mut list.outputs, here.outputs),
        ] {
            if all.is_empty() {
                *all = here;
            }
        }
        if !list.inputs.is_empty() && !list.outputs.is_empty() {
            break;
        }
    }
    list
}

fn list_system(system: System) -> DeviceList {
    match system {
        #[cfg(target_os = "linux")]
        System::Pulse => pulse::Connection::open()
            .and_then(|mut server| pulse::list(&mut server))
            .inspect_err(|error| tracing::debug!("sound server lists nothing: {error}"))
            .unwrap_or_default(),
        System::Host(id) => {
            let Ok(host) = cpal::host_from_id(id) else {
                return DeviceList::default();
            };
            DeviceList {
                inputs: list_host(&host, Direction::Input),
                outputs: list_host(&host, Direction::Output),
            }
        }
    }
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
                is_monitor: false,
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

/// Finds a device of one host by name or id; `None` asks for the default one.
pub(super) fn find(host: &Host, name: Option<&str>, direction: Direction) -> Option<Device> {
    let Some(name) = name else {
        return default_of(host, direction).filter(|device| is_usable(device, direction));
    };
    let named =
        |device: &Device| name_of(device) == name || device.id().is_ok_and(|id| id.id() == name);
    let mut devices = host.devices().into_iter().flatten();
    devices.find(|device| named(device) && is_usable(device, direction))
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
        for system in systems() {
            let System::Host(id) = system else { continue };
            let Ok(host) = cpal::host_from_id(id) else {
                continue;
            };
            let found = find(&host, Some("no device is called this"), Direction::Output);
            assert_eq!(found.map(|device| name_of(&device)), None);
        }
    }
}
