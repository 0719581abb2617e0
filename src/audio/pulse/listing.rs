//! Which devices the sound server has, and when that changes.

use std::ffi::CString;
use std::io;
use std::time::Duration;

use pulseaudio::protocol::{Command, ServerInfo, SinkInfoList, SourceInfoList, SubscriptionMask};

use super::super::{DeviceError, DeviceInfo, DeviceList};
use super::NAME;
use super::connection::Connection;

/// Changes come in heaps: a card that is plugged in brings a dozen of them within this time.
const HEAP: Duration = Duration::from_millis(200);

/// The server's devices, the default one first, what sinks play last.
pub(in super::super) fn list(connection: &mut Connection) -> Result<DeviceList, DeviceError> {
    let server: ServerInfo = connection.ask(&Command::GetServerInfo)?;
    let sinks: SinkInfoList = connection.ask(&Command::GetSinkInfoList)?;
    let sources: SourceInfoList = connection.ask(&Command::GetSourceInfoList)?;
    let outputs = sinks.into_iter().map(|sink| {
        let is_default = server.default_sink_name.as_ref() == Some(&sink.name);
        info(sink.name, sink.description, is_default, false)
    });
    let inputs = sources.into_iter().map(|source| {
        let is_default = server.default_source_name.as_ref() == Some(&source.name);
        let is_monitor = source.monitor_of_sink_index.is_some();
        info(source.name, source.description, is_default, is_monitor)
    });
    let mut list = DeviceList {
        inputs: inputs.collect(),
        outputs: outputs.collect(),
    };
    for devices in [&mut list.inputs, &mut list.outputs] {
        devices.sort_by_key(|device| (device.is_monitor, !device.is_default));
    }
    Ok(list)
}

fn info(
    name: CString,
    description: Option<CString>,
    is_default: bool,
    is_monitor: bool,
) -> DeviceInfo {
    let id = name.to_string_lossy().into_owned();
    let name = description.map(|text| text.to_string_lossy().into_owned());
    DeviceInfo {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        host: NAME,
        is_default,
        is_monitor,
    }
}

/// Tells the devices, and tells them again whenever they change, until `told` answers false or
/// the server is gone.
pub(in super::super) fn subscribe(
    mut connection: Connection,
    mut told: impl FnMut(DeviceList) -> bool,
) -> Result<(), DeviceError> {
    let wanted = SubscriptionMask::SINK | SubscriptionMask::SOURCE | SubscriptionMask::SERVER;
    connection.order(&Command::Subscribe(wanted))?;
    loop {
        if !told(list(&mut connection)?) {
            return Ok(());
        }
        connection.wait_without_end()?;
        let mut changed = read_one(&mut connection)?;
        connection.wait_at_most(HEAP)?;
        // The heap is over when nothing has come for a while.
        while changed {
            changed = read_one(&mut connection)?;
        }
        connection.wait_at_most(Duration::from_secs(3))?;
    }
}

/// Whether a message came in time.
fn read_one(connection: &mut Connection) -> Result<bool, DeviceError> {
    match connection.read() {
        Ok(_) => Ok(true),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            Ok(false)
        }
        Err(_) => Err(DeviceError::None),
    }
}
