//! The media thread: one for all calls, where sound meets sockets and the clock.
//!
//! It owns the UDP ports of RTP and RTCP, the sessions, the devices and the files. Orders come
//! in over a bounded queue, reports go out through a callback. It wakes for packets, and every
//! 10 ms while there is a call or a tone; else it sleeps.
//!
//! Who paces what: the microphone its frames and the speaker its own, so that each follows the
//! clock of its sound card; files and silence go by the system's clock, by deadlines that never
//! shift.

mod convert;
mod device;
mod input;
mod microphone;
mod output;
mod pace;
mod ports;
mod worker;

use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::{Poll, Token, Waker};

use self::input::Input;
use self::output::Output;
use self::worker::Worker;
use crate::audio::{Clip, ClipError, DeviceError, RecordError, Recorder, SinkChoice, SourceChoice};
use crate::codec::CodecError;
use crate::media::plan::{MediaCommand, MediaId, Opened};
use crate::media::tones::Tone;
use crate::media::{Levels, Quality};
use crate::rtp::dtmf::Digit;
use crate::voice::{VoiceReport, VoiceSettings};

pub use self::ports::PortError;

/// Orders that may wait. The thread takes them within 10 ms, and a person gives few.
const MAX_ORDERS: usize = 256;

const WAKE: Token = Token(usize::MAX);

/// What the thread starts from.
#[derive(Clone, Debug, Default)]
pub struct MediaConfig {
    /// Where ports are taken from, the first free even one first; `None`: any.
    pub rtp_ports: Option<RangeInclusive<u16>>,
    /// What the far side hears.
    pub source: SourceChoice,
    /// What becomes of what it says.
    pub sink: SinkChoice,
    /// What is done to a microphone's sound; files are left as they are.
    pub voice: VoiceSettings,
}

/// Why the thread did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The file to be played.
    #[error("sound file cannot be played")]
    Source(#[from] ClipError),
    /// The file to be written.
    #[error("recording cannot be written")]
    Sink(#[from] RecordError),
    /// The system gives no thread, or nothing to wait for sockets with.
    #[error("media thread cannot be started")]
    Thread(#[source] io::Error),
}

/// Why an order was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// 256 orders wait already: the machine is overloaded.
    #[error("media thread is too busy")]
    Busy,
    /// It has ended.
    #[error("media thread has ended")]
    Ended,
}

/// Microphone or speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceSide {
    /// The microphone.
    Capture,
    /// The speaker.
    Playout,
}

/// What the thread has to say. `media` names the session.
#[derive(Debug)]
#[non_exhaustive]
pub enum MediaReport {
    /// The answer to [`MediaCommand::Open`].
    Opened {
        /// Which session.
        media: MediaId,
        /// Where it listens.
        opened: Opened,
        /// Its live levels.
        levels: Arc<Levels>,
    },
    /// [`MediaCommand::Open`] failed.
    OpenFailed {
        /// Which session.
        media: MediaId,
        /// Why.
        error: OpenError,
    },
    /// A plan could not be followed in full: a codec cannot be set up.
    PlanFailed {
        /// Which session.
        media: MediaId,
        /// Why.
        error: CodecError,
    },
    /// Figures of the last second.
    Quality {
        /// Which session.
        media: MediaId,
        /// The figures.
        quality: Quality,
    },
    /// The far side pressed a key.
    RemoteDtmf {
        /// Which session.
        media: MediaId,
        /// Which key.
        digit: Digit,
        /// For how long.
        duration: Duration,
    },
    /// The first packet of sound went out.
    FirstPacketSent {
        /// Which session.
        media: MediaId,
        /// When.
        at: Instant,
    },
    /// The first packet of sound came in.
    FirstPacketReceived {
        /// Which session.
        media: MediaId,
        /// When.
        at: Instant,
    },
    /// Sound is expected and none has come for five seconds.
    NoSound {
        /// Which session.
        media: MediaId,
        /// None has ever come.
        ever: bool,
    },
    /// It came again after that.
    SoundBack {
        /// Which session.
        media: MediaId,
    },
    /// The file was played to its end.
    PlayFinished {
        /// Which session.
        media: MediaId,
    },
    /// A defect of ours ended this session; the others go on.
    Crashed {
        /// Which session.
        media: MediaId,
    },
    /// A device cannot be opened or is gone; the call goes on in silence, and the device is tried
    /// again.
    DeviceGone {
        /// Which.
        side: DeviceSide,
        /// Why.
        error: DeviceError,
    },
    /// It is there again.
    DeviceBack {
        /// Which.
        side: DeviceSide,
    },
    /// What became of the microphone's sound in the last second.
    Voice(VoiceReport),
    /// The recording stopped growing: the disk is full, or the file as long as it may be.
    RecordFailed {
        /// Which file.
        path: PathBuf,
    },
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No ports.
    #[error(transparent)]
    Ports(#[from] PortError),
    /// The system gives no randomness, or does not watch the sockets.
    #[error("session cannot be set up")]
    System(#[source] io::Error),
}

/// What the thread is told.
#[derive(Debug)]
enum Order {
    Media(MediaCommand),
    Select {
        input: Option<String>,
        output: Option<String>,
    },
    Voice(VoiceSettings),
    Tone(Option<Tone>),
    Close,
}

/// The media thread. Dropping it ends all sound and waits for the thread.
#[derive(Debug)]
pub struct MediaThread {
    orders: SyncSender<Order>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl MediaThread {
    /// Opens the files and starts the thread. Devices are opened with the first call or tone;
    /// one that is missing is reported then, and the call goes on without it.
    ///
    /// `report` is called on the media thread and must not wait for anything.
    ///
    /// # Errors
    ///
    /// [`MediaError`]: what is wrong with a file is told here, before any call.
    pub fn start(
        config: MediaConfig,
        report: impl Fn(MediaReport) + Send + 'static,
    ) -> Result<MediaThread, MediaError> {
        let input = match config.source {
            SourceChoice::Device(name) => Input::device(name),
            SourceChoice::File { path, looped } => Input::File {
                clip: Clip::open(&path)?,
                looped,
            },
            SourceChoice::Silence => Input::Silence,
        };
        let record_path = config.sink.path().cloned();
        let recorder = record_path.as_deref().map(Recorder::create).transpose()?;
        let device = config.sink.device().map(|name| name.map(str::to_owned));
        let output = Output::new(device, recorder);

        let poll = Poll::new().map_err(MediaError::Thread)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE).map_err(MediaError::Thread)?);
        let (orders, inbox) = sync_channel(MAX_ORDERS);
        let (rtp_ports, voice) = (config.rtp_ports, config.voice);
        let thread = thread::Builder::new()
            .name("media".into())
            .spawn(move || {
                raise_priority();
                Worker::new(poll, inbox, input, output, record_path, rtp_ports, report)
                    .with_voice(voice)
                    .run();
            })
            .map_err(MediaError::Thread)?;
        Ok(MediaThread {
            orders,
            waker,
            thread: Some(thread),
        })
    }

    /// Gives an order; never waits.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the order is lost then.
    pub fn send(&self, command: MediaCommand) -> Result<(), SendError> {
        self.order(Order::Media(command))
    }

    /// Chooses devices by name, `None` for the system's defaults; calls under way change to
    /// them. Without effect on a side that is a file or silence.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the order is lost then.
    pub fn select_devices(
        &self,
        input: Option<String>,
        output: Option<String>,
    ) -> Result<(), SendError> {
        self.order(Order::Select { input, output })
    }

    /// Chooses what is done to the microphone's sound; calls under way follow.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the order is lost then.
    pub fn set_voice(&self, voice: VoiceSettings) -> Result<(), SendError> {
        self.order(Order::Voice(voice))
    }

    /// Begins a tone on the speaker ([`Tone::Ringing`] when called, [`Tone::Ringback`] while it
    /// rings there without a sound of its own), or ends it.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the order is lost then.
    pub fn ring(&self, tone: Option<Tone>) -> Result<(), SendError> {
        self.order(Order::Tone(tone))
    }

    /// Ends all sessions with RTCP BYE, finishes the recording and waits for the thread.
    pub fn close(self) {
        drop(self);
    }

    fn order(&self, order: Order) -> Result<(), SendError> {
        self.orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => SendError::Busy,
            TrySendError::Disconnected(_) => SendError::Ended,
        })?;
        if let Err(error) = self.waker.wake() {
            // The order is taken with the next packet or tick at the latest.
            tracing::debug!("media thread was not woken: {error}");
        }
        Ok(())
    }
}

impl Drop for MediaThread {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        // Waits for room, which the thread makes, or fails, which says that it has ended.
        let _ = self.orders.send(Order::Close);
        let _ = self.waker.wake();
        if thread.join().is_err() {
            tracing::error!("media thread ended by a defect");
        }
    }
}

/// Ahead of what can wait, where the system allows it; most desktops do not, and it works then
/// too as long as the machine is not overloaded.
fn raise_priority() {
    use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
    let Ok(high) = ThreadPriorityValue::try_from(80) else {
        return;
    };
    if let Err(error) = set_current_thread_priority(ThreadPriority::Crossplatform(high)) {
        tracing::debug!("media thread runs at normal priority: {error}");
    }
}

#[cfg(test)]
mod tests;
