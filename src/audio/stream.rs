//! Streams of devices, opened and dropped where a hang hurts nobody.
//!
//! Opening may take seconds and dropping may never return (ALSA, when the server below it dies),
//! so both happen on threads that are left to their fate; the media thread only asks whether
//! the answer is there.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{Device, ErrorKind, FromSample, SampleFormat, SizedSample, Stream, StreamConfig};

use super::capture::{CaptureReader, capture_ring};
use super::devices::{self, DeviceError, System};
use super::format::Format;
use super::health::{Fault, Health};
use super::list::{Direction, Place};
use super::playout::{PlayoutWriter, playout_ring};
#[cfg(target_os = "linux")]
use super::pulse;
use crate::units::SampleRate;

/// How long a sound system may take to open one stream.
const PATIENCE: Duration = Duration::from_secs(3);

/// A microphone that runs.
#[derive(Debug)]
pub struct Capture {
    /// Its sound, one channel at [`Capture::rate`].
    pub reader: CaptureReader,
    /// Its rate.
    pub rate: SampleRate,
    /// Where it is.
    pub place: Place,
    _stream: Running,
}

/// A speaker that runs.
#[derive(Debug)]
pub struct Playout {
    /// Takes sound, one channel at [`Playout::rate`].
    pub writer: PlayoutWriter,
    /// Its rate.
    pub rate: SampleRate,
    /// Where it is.
    pub place: Place,
    _stream: Running,
}

/// A device that is being opened. Dropping it gives the attempt up.
#[derive(Debug)]
pub struct Opening<T> {
    answer: Receiver<Result<T, DeviceError>>,
    at_work: Weak<()>,
}

/// An attempt that was given up, whose thread may hang in the sound system for ever.
#[derive(Debug)]
pub struct Abandoned {
    at_work: Weak<()>,
}

impl Abandoned {
    /// Whether its thread has come back.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.at_work.strong_count() == 0
    }
}

impl<T> Opening<T> {
    /// Gives the attempt up: a device that opens after all is dropped at once.
    #[must_use]
    pub fn abandon(self) -> Abandoned {
        Abandoned {
            at_work: self.at_work,
        }
    }

    /// The outcome, once there is one; `None` until then. Never waits.
    ///
    /// # Errors
    ///
    /// What the sound system said; [`DeviceError::None`] once the outcome has been taken.
    pub fn poll(&self) -> Option<Result<T, DeviceError>> {
        match self.answer.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(DeviceError::None)),
        }
    }
}

/// Which device is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// By name or id; `None`: the system's default. The default stands in for one that is not
    /// there.
    pub name: Option<String>,
    /// A bare card is not taken: its server was there a moment ago and will want it back.
    pub servers_only: bool,
}

/// Begins to open a microphone.
#[must_use]
pub fn open_capture(wish: Wish) -> Opening<Capture> {
    open("audio-in", move || {
        let begin = |spot: Spot| match spot {
            #[cfg(target_os = "linux")]
            Spot::Server(server, id) => {
                let (granted, reader, handle) = pulse::open_capture(server, id.as_deref())?;
                let carrier: Carrier = Box::new(move || granted.carry());
                let stream = Running::Server(handle);
                Ok((reader, SampleRate::FULL, stream, Some(carrier)))
            }
            Spot::Host(device) => {
                let device = &device;
                let format = Format::choose(device, Direction::Input)?;
                let (callback, reader) = capture_ring(format.rate, format.config.channels);
                let stream = match format.sample {
                    SampleFormat::F32 => capture_stream::<f32>(device, format.config, callback),
                    SampleFormat::I16 => capture_stream::<i16>(device, format.config, callback),
                    SampleFormat::I32 => capture_stream::<i32>(device, format.config, callback),
                    SampleFormat::U8 => capture_stream::<u8>(device, format.config, callback),
                    _ => Err(DeviceError::Unsupported),
                }?;
                Ok((reader, format.rate, Running::Host(stream), None))
            }
        };
        let (place, (reader, rate, stream, carrier)) = first_of(&wish, Direction::Input, begin)?;
        let capture = Capture {
            reader,
            rate,
            place,
            _stream: stream,
        };
        Ok((capture, carrier))
    })
}

/// Begins to open a speaker.
#[must_use]
pub fn open_playout(wish: Wish) -> Opening<Playout> {
    open("audio-out", move || {
        let begin = |spot: Spot| match spot {
            #[cfg(target_os = "linux")]
            Spot::Server(server, id) => {
                let (granted, writer, handle) = pulse::open_playout(server, id.as_deref())?;
                let carrier: Carrier = Box::new(move || granted.carry());
                let stream = Running::Server(handle);
                Ok((writer, SampleRate::FULL, stream, Some(carrier)))
            }
            Spot::Host(device) => {
                let device = &device;
                let format = Format::choose(device, Direction::Output)?;
                let (callback, writer) = playout_ring(format.rate, format.config.channels);
                let stream = match format.sample {
                    SampleFormat::F32 => playout_stream::<f32>(device, format.config, callback),
                    SampleFormat::I16 => playout_stream::<i16>(device, format.config, callback),
                    SampleFormat::I32 => playout_stream::<i32>(device, format.config, callback),
                    SampleFormat::U8 => playout_stream::<u8>(device, format.config, callback),
                    _ => Err(DeviceError::Unsupported),
                }?;
                Ok((writer, format.rate, Running::Host(stream), None))
            }
        };
        let (place, (writer, rate, stream, carrier)) = first_of(&wish, Direction::Output, begin)?;
        let playout = Playout {
            writer,
            rate,
            place,
            _stream: stream,
        };
        Ok((playout, carrier))
    })
}

/// Where a stream is begun.
enum Spot {
    /// At the server, on this device or on its default.
    #[cfg(target_os = "linux")]
    Server(pulse::Connection, Option<String>),
    /// At a device of any other sound system.
    Host(Device),
}

/// What an opening thread does once the stream runs, where the stream needs one.
type Carrier = Box<dyn FnOnce() + Send>;

/// Opens what is wished for in the first sound system that has it, or else the default one of
/// the first that has any.
fn first_of<T>(
    wish: &Wish,
    direction: Direction,
    begin: impl Fn(Spot) -> Result<T, DeviceError>,
) -> Result<(Place, T), DeviceError> {
    let systems = devices::systems();
    let open_in = |system: System, name: Option<&str>| match system {
        #[cfg(target_os = "linux")]
        System::Pulse => {
            let mut server = pulse::Connection::open()?;
            let place = pulse::list(&mut server)?.place(name, direction);
            let place = place
                .filter(|place| !place.stands_in)
                .ok_or(DeviceError::None)?;
            let stream = begin(Spot::Server(server, place.id.clone()))?;
            Ok((place, stream))
        }
        System::Host(id) => {
            let host = cpal::host_from_id(id)?;
            let device = devices::find(&host, name, direction).ok_or(DeviceError::None)?;
            let place = Place {
                host: id.name(),
                id: device.id().ok().map(|id| id.id().to_owned()),
                stands_in: false,
            };
            Ok((place, begin(Spot::Host(device))?))
        }
    };
    let mut last = DeviceError::None;
    let names = [wish.name.as_deref(), None];
    // The second round is for what stands in, and there is none where nothing was chosen.
    let rounds = if wish.name.is_some() { 2 } else { 1 };
    for name in &names[..rounds] {
        for &system in &systems {
            if wish.servers_only && !system.is_server() {
                continue;
            }
            match open_in(system, *name) {
                Ok((mut place, stream)) => {
                    place.stands_in = name.is_none() && wish.name.is_some();
                    return Ok((place, stream));
                }
                Err(DeviceError::None) => {}
                Err(error) => last = error,
            }
        }
    }
    Err(last)
}

fn open<T, F>(thread_name: &str, opener: F) -> Opening<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<(T, Option<Carrier>), DeviceError> + Send + 'static,
{
    let (attempt, opening) = attempt();
    // Without a thread the attempt is dropped with the closure, and the first poll says so.
    let _ = thread::Builder::new()
        .name(thread_name.into())
        .spawn(move || {
            let quiet = devices::quieted();
            match opener() {
                Ok((device, carrier)) => {
                    attempt.answer(Ok(device));
                    drop(quiet);
                    if let Some(carry) = carrier {
                        carry();
                    }
                }
                Err(error) => attempt.answer(Err(error)),
            }
        });
    opening
}

/// The side of an [`Opening`] that does the work.
#[derive(Debug)]
pub(crate) struct Attempt<T> {
    outcome: SyncSender<Result<T, DeviceError>>,
    _at_work: Arc<()>,
}

impl<T> Attempt<T> {
    pub(crate) fn answer(self, outcome: Result<T, DeviceError>) {
        // Nobody may wait any more: the device is dropped here then.
        let _ = self.outcome.send(outcome);
    }
}

fn attempt<T>() -> (Attempt<T>, Opening<T>) {
    let (outcome, answer) = sync_channel(1);
    let at_work = Arc::new(());
    let opening = Opening {
        answer,
        at_work: Arc::downgrade(&at_work),
    };
    let attempt = Attempt {
        outcome,
        _at_work: at_work,
    };
    (attempt, opening)
}

fn capture_stream<T>(
    device: &Device,
    config: StreamConfig,
    mut callback: super::CaptureCallback,
) -> Result<Expendable, DeviceError>
where
    T: SizedSample + Send + 'static,
    f32: FromSample<T>,
{
    let health = callback.health();
    let stream = device.build_input_stream(
        config,
        move |input: &[T], _| callback.take(input),
        move |error| health.report(fault(&error)),
        Some(PATIENCE),
    )?;
    started(stream)
}

fn playout_stream<T>(
    device: &Device,
    config: StreamConfig,
    mut callback: super::PlayoutCallback,
) -> Result<Expendable, DeviceError>
where
    T: SizedSample + FromSample<f32> + Send + 'static,
{
    let health: Arc<Health> = callback.health();
    let stream = device.build_output_stream(
        config,
        move |out: &mut [T], _| callback.fill(out),
        move |error| health.report(fault(&error)),
        Some(PATIENCE),
    )?;
    started(stream)
}

fn started(stream: Stream) -> Result<Expendable, DeviceError> {
    // Wrapped first: a stream that will not play must not be dropped here either.
    let stream = Expendable(Some(stream));
    if let Some(stream) = &stream.0 {
        stream.play()?;
    }
    Ok(stream)
}

fn fault(error: &cpal::Error) -> Fault {
    match error.kind() {
        ErrorKind::Xrun => Fault::Xrun,
        ErrorKind::DeviceNotAvailable
        | ErrorKind::HostUnavailable
        | ErrorKind::StreamInvalidated => Fault::Gone,
        _ => Fault::Other,
    }
}

/// A stream, for as long as it is held.
#[derive(Debug)]
#[expect(dead_code, reason = "held for what its drop does")]
enum Running {
    #[cfg(target_os = "linux")]
    Server(pulse::Handle),
    Host(Expendable),
    #[cfg(test)]
    Nowhere,
}

/// A stream whose drop may hang: it is dropped on a thread that nobody waits for.
struct Expendable(Option<Stream>);

impl fmt::Debug for Expendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expendable")
    }
}

impl Drop for Expendable {
    fn drop(&mut self) {
        let Some(stream) = self.0.take() else {
            return;
        };
        // Without a thread the closure, and the stream in it, is dropped here after all.
        let _ = thread::Builder::new()
            .name("audio-drop".into())
            .spawn(move || drop(stream));
    }
}

/// Devices without hardware, for those who test what is done with them.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    pub(crate) fn capture(reader: CaptureReader, rate: SampleRate) -> Capture {
        Capture {
            reader,
            rate,
            place: place(),
            _stream: Running::Nowhere,
        }
    }

    pub(crate) fn playout(writer: PlayoutWriter, rate: SampleRate) -> Playout {
        Playout {
            writer,
            rate,
            place: place(),
            _stream: Running::Nowhere,
        }
    }

    fn place() -> Place {
        Place {
            host: "test",
            id: None,
            stands_in: false,
        }
    }

    pub(crate) use super::Attempt;

    /// An attempt, and who answers it.
    pub(crate) fn attempt<T>() -> (Attempt<T>, Opening<T>) {
        super::attempt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_is_never_opened_under_its_name() {
        let opening = open_playout(Wish {
            name: Some("no device is called this".into()),
            servers_only: false,
        });
        match opening.answer.recv().unwrap() {
            Ok(playout) => assert!(playout.place.stands_in, "{:?}", playout.place),
            Err(error) => assert!(!matches!(error, DeviceError::TimedOut), "{error}"),
        }
    }
}
