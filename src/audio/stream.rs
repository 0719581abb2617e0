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
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedStreamConfigRange,
};

use super::capture::{CaptureReader, capture_ring};
use super::devices::{self, DeviceError, Direction};
use super::health::{Fault, Health};
use super::playout::{PlayoutWriter, playout_ring};
use crate::units::SampleRate;

/// How long a sound system may take to open one stream.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is asked of a device for each callback. It grants what it likes.
const QUANTUM: Duration = Duration::from_millis(10);

/// A microphone that runs.
#[derive(Debug)]
pub struct Capture {
    /// Its sound, one channel at [`Capture::rate`].
    pub reader: CaptureReader,
    /// Its rate.
    pub rate: SampleRate,
    /// Its name.
    pub name: String,
    _stream: Expendable,
}

/// A speaker that runs.
#[derive(Debug)]
pub struct Playout {
    /// Takes sound, one channel at [`Playout::rate`].
    pub writer: PlayoutWriter,
    /// Its rate.
    pub rate: SampleRate,
    /// Its name.
    pub name: String,
    _stream: Expendable,
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

/// Begins to open a microphone by name or id; `None`: the default one.
#[must_use]
pub fn open_capture(name: Option<String>) -> Opening<Capture> {
    open("audio-in", move || {
        let device = devices::find(name.as_deref(), Direction::Input)?;
        let format = Format::choose(&device, Direction::Input)?;
        let (callback, reader) = capture_ring(format.rate, format.config.channels);
        let stream = match format.sample {
            SampleFormat::F32 => capture_stream::<f32>(&device, format.config, callback),
            SampleFormat::I16 => capture_stream::<i16>(&device, format.config, callback),
            SampleFormat::I32 => capture_stream::<i32>(&device, format.config, callback),
            SampleFormat::U8 => capture_stream::<u8>(&device, format.config, callback),
            _ => Err(DeviceError::Unsupported),
        }?;
        let name = devices::name_of(&device);
        Ok(Capture {
            reader,
            rate: format.rate,
            name,
            _stream: stream,
        })
    })
}

/// Begins to open a speaker by name or id; `None`: the default one.
#[must_use]
pub fn open_playout(name: Option<String>) -> Opening<Playout> {
    open("audio-out", move || {
        let device = devices::find(name.as_deref(), Direction::Output)?;
        let format = Format::choose(&device, Direction::Output)?;
        let (callback, writer) = playout_ring(format.rate, format.config.channels);
        let stream = match format.sample {
            SampleFormat::F32 => playout_stream::<f32>(&device, format.config, callback),
            SampleFormat::I16 => playout_stream::<i16>(&device, format.config, callback),
            SampleFormat::I32 => playout_stream::<i32>(&device, format.config, callback),
            SampleFormat::U8 => playout_stream::<u8>(&device, format.config, callback),
            _ => Err(DeviceError::Unsupported),
        }?;
        let name = devices::name_of(&device);
        Ok(Playout {
            writer,
            rate: format.rate,
            name,
            _stream: stream,
        })
    })
}

fn open<T, F>(thread_name: &str, opener: F) -> Opening<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, DeviceError> + Send + 'static,
{
    let (attempt, opening) = attempt();
    // Without a thread the attempt is dropped with the closure, and the first poll says so.
    let _ = thread::Builder::new()
        .name(thread_name.into())
        .spawn(move || {
            let _quiet = devices::quieted();
            attempt.answer(opener());
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

/// A format that a device offers and that is asked of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Format {
    config: StreamConfig,
    sample: SampleFormat,
    rate: SampleRate,
}

impl Format {
    fn choose(device: &Device, direction: Direction) -> Result<Format, DeviceError> {
        let ranges: Vec<SupportedStreamConfigRange> = match direction {
            Direction::Input => device.supported_input_configs()?.collect(),
            Direction::Output => device.supported_output_configs()?.collect(),
        };
        let preferred = match direction {
            Direction::Input => device.default_input_config(),
            Direction::Output => device.default_output_config(),
        };
        let rate = preferred.map_or(48_000, |config| config.sample_rate());
        best(&ranges, rate).ok_or(DeviceError::Unsupported)
    }
}

/// 48 kHz before the device's own rate before any other; floats before whole numbers; fewest
/// channels, since speech has one.
fn best(ranges: &[SupportedStreamConfigRange], own_rate: u32) -> Option<Format> {
    ranges
        .iter()
        .filter_map(|range| {
            let sample = match range.sample_format() {
                SampleFormat::F32 => 0,
                SampleFormat::I16 => 1,
                SampleFormat::I32 => 2,
                SampleFormat::U8 => 3,
                _ => return None,
            };
            let (full, own) = (SampleRate::FULL.hz(), own_rate);
            let (order, hz) = if range.contains_rate(full) {
                (0, full)
            } else if range.contains_rate(own) {
                (1, own)
            } else {
                (
                    2,
                    range
                        .max_sample_rate()
                        .min(192_000)
                        .max(range.min_sample_rate()),
                )
            };
            let rate = SampleRate::new(hz)?;
            let frames = u32::try_from(rate.samples_in(QUANTUM)).ok()?;
            let config = StreamConfig {
                channels: range.channels(),
                sample_rate: hz,
                buffer_size: BufferSize::Fixed(granted(range, frames)),
            };
            let format = Format {
                config,
                sample: range.sample_format(),
                rate,
            };
            (range.channels() > 0).then_some(((order, sample, range.channels()), format))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, format)| format)
}

/// Never the default size: that gave between 43 ms and 3.2 s of delay.
fn granted(range: &SupportedStreamConfigRange, frames: u32) -> u32 {
    match range.buffer_size() {
        cpal::SupportedBufferSize::Range { min, max } if min <= max => frames.clamp(*min, *max),
        _ => frames,
    }
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
            name: String::new(),
            _stream: Expendable(None),
        }
    }

    pub(crate) fn playout(writer: PlayoutWriter, rate: SampleRate) -> Playout {
        Playout {
            writer,
            rate,
            name: String::new(),
            _stream: Expendable(None),
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

    fn range(channels: u16, rates: (u32, u32), sample: SampleFormat) -> SupportedStreamConfigRange {
        let buffer = cpal::SupportedBufferSize::Range {
            min: 64,
            max: 8_192,
        };
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, buffer, sample)
    }

    fn check(ranges: &[SupportedStreamConfigRange], expected: (u16, u32, SampleFormat, u32)) {
        let format = best(ranges, 44_100).unwrap();
        let BufferSize::Fixed(frames) = format.config.buffer_size else {
            panic!("default buffer size");
        };
        let got = (
            format.config.channels,
            format.rate.hz(),
            format.sample,
            frames,
        );
        assert_eq!(got, expected);
    }

    #[test]
    fn one_channel_of_floats_at_48_khz_is_taken_where_offered() {
        let all = [
            range(2, (8_000, 96_000), SampleFormat::F32),
            range(1, (8_000, 96_000), SampleFormat::I16),
            range(1, (8_000, 96_000), SampleFormat::F32),
        ];
        check(&all, (1, 48_000, SampleFormat::F32, 480));
    }

    #[test]
    fn a_card_of_44100_hz_is_taken_as_it_is() {
        let card = [
            range(2, (44_100, 44_100), SampleFormat::I16),
            range(2, (22_050, 22_050), SampleFormat::F32),
        ];
        check(&card, (2, 44_100, SampleFormat::I16, 441));
    }

    #[test]
    fn a_format_nobody_reads_is_passed_over() {
        assert_eq!(
            best(&[range(2, (48_000, 48_000), SampleFormat::DsdU8)], 48_000),
            None
        );
        assert_eq!(best(&[], 48_000), None);
    }

    #[test]
    fn opening_what_does_not_exist_ends_with_an_error() {
        let opening = open_playout(Some("no device is called this".into()));
        let outcome = opening.answer.recv().unwrap();
        assert!(matches!(
            outcome,
            Err(DeviceError::NotFound { .. } | DeviceError::None)
        ));
    }
}
