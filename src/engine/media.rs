//! The media thread: one for all calls, where sound meets sockets and the clock.
//!
//! It owns the UDP ports of RTP and RTCP, the sessions, the devices and the files. Orders come
//! in over a bounded queue, reports go out through a callback. It wakes for packets, and every
//! 10 ms while there is a call or a tone; else it sleeps.
//!
//! Who paces what: the microphone its frames and the speaker its own, so that each follows the
//! clock of its sound card; files and silence go by the system's clock, by deadlines that never
//! shift.

mod bell;
mod convert;
mod device;
mod ear;
mod input;
mod load;
mod margin;
mod microphone;
mod output;
mod pace;
mod ports;
mod recorder;
mod recording;
mod ring;
mod seat;
mod sidetone;
mod steady;
mod storm;
mod trial;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::{Poll, Token, Waker};
use rand::TryRng as _;
use rand::rngs::SysRng;

use self::input::Input;
use self::load::{Load, Loaded, load};
use self::output::Output;
use self::recorder::{Layout, Recorder};
use self::recording::Recording;
use self::worker::Worker;
use crate::audio::raise_current_thread;
use crate::audio::{Clip, ClipError, DeviceError, DeviceList, SinkChoice, SourceChoice};
use crate::codec::CodecError;
use crate::dsp::progress::Country;
use crate::engine::clock;
use crate::jitter::DelayBounds;
use crate::media::loudness::Loudness;
use crate::media::music::HoldMusic;
use crate::media::plan::{ConferenceId, Feed, MediaCommand, MediaId, Opened};
use crate::media::recording::{Format, Sides};
use crate::media::tones::Tone;
use crate::media::{Levels, MicrophoneState, Port, Quality};
use crate::rtp::dtmf::Digit;
use crate::voice::{VoiceReport, VoiceSettings};

pub use self::load::{RingSound, Unusable};
pub use self::ports::PortError;
pub use self::recorder::{RecordError, RecordFailure};
pub use self::trial::SoundTest;

/// Orders that may wait. The thread takes them within 10 ms, and a person gives few.
const MAX_ORDERS: usize = 256;

const WAKE: Token = Token(usize::MAX);

/// What the thread starts from.
#[derive(Clone, Debug, Default)]
pub struct MediaConfig {
    /// Where ports are taken from, the first free even one first; `None`: any.
    pub rtp_ports: Option<RangeInclusive<u16>>,
    /// Whose tones are heard, where the settings name no country.
    pub country: &'static Country,
    /// What the far side hears.
    pub source: SourceChoice,
    /// What becomes of what it says.
    pub sink: SinkChoice,
    /// How long sound waits for late packets.
    pub delay: DelayBounds,
    /// How loud.
    pub loudness: Loudness,
    /// Who is in the file of `sink`, if it names one: the far sides of all calls together, or
    /// both sides of one call at a time.
    pub record_sides: Sides,
    /// Its kind; `None`: by its name.
    pub record_format: Option<Format>,
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
    /// Something came that is neither RTP nor RTCP: STUN, DTLS, or of a TURN server. What comes
    /// faster than [`crate::media::route`] allows is dropped.
    Carried {
        /// Which session.
        media: MediaId,
        /// When.
        at: Instant,
        /// To which socket.
        port: Port,
        /// The address of that socket.
        local: SocketAddr,
        /// From whom.
        from: SocketAddr,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// A file is played from here on.
    PlayStarted {
        /// Which session.
        media: MediaId,
        /// When its first sample was said, if it had been said by somebody: 10 ms before the frame
        /// was whole.
        at: Instant,
    },
    /// The file was played to its end.
    PlayFinished {
        /// Which session.
        media: MediaId,
    },
    /// The file of [`MediaConfig::sink`] grows from here on.
    RecordStarted {
        /// When its first sample was heard, if somebody had heard it.
        at: Instant,
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
    /// The chosen device is not there; the system's default is used in its place until it is.
    DeviceStandsIn {
        /// Which.
        side: DeviceSide,
    },
    /// It is there again.
    DeviceBack {
        /// Which.
        side: DeviceSide,
    },
    /// Something is wrong with the microphone, or no longer is.
    Microphone(MicrophoneState),
    /// A test is over: its time is up, or its notes were played.
    TestEnded,
    /// A sound file cannot be played; in its place stands what is usual.
    SoundUnusable {
        /// What it was for.
        what: Unusable,
        /// Which file.
        path: PathBuf,
    },
    /// All seats of the conferences are taken.
    ConferenceFull {
        /// Which session found none.
        media: MediaId,
    },
    /// Of the far sides in a conference, another one speaks.
    Speaking {
        /// Where.
        conference: ConferenceId,
        /// Which session.
        media: MediaId,
    },
    /// What became of the microphone's sound in the last second.
    Voice(VoiceReport),
    /// The recording stopped growing, or was never begun.
    RecordFailed {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: RecordFailure,
    },
    /// The disk is slower than the sound: the recording has holes. Told once.
    RecordGaps {
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
    Delay(DelayBounds),
    Devices(DeviceList),
    Loudness(Loudness),
    Test(Option<(SoundTest, Arc<Levels>)>),
    Country(&'static Country),
    Key(char),
    RingVolume(u8),
    RingDevice(Option<String>),
    Loaded(Loaded),
    Close,
}

/// The media thread. Dropping it ends all sound and waits for the thread.
#[derive(Debug)]
pub struct MediaThread {
    orders: SyncSender<Order>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
    /// Sounds asked for, and how many of them have come: they come in that order.
    loads: AtomicU64,
    loaded: Arc<(Mutex<u64>, Condvar)>,
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
        let sides = config.record_sides;
        let record_path = config.sink.path().cloned();
        let recorder = record_path.as_deref().map(|path| {
            let format = config.record_format.unwrap_or_else(|| Format::of(path));
            Recorder::create(path, layout(format, sides))
        });
        let recorder = recorder.transpose()?;
        let device = config.sink.device().map(|name| name.map(str::to_owned));
        let (far, both) = match sides {
            Sides::Far => (recorder, None),
            Sides::Mixed | Sides::Stereo => (None, recorder),
        };
        let both = both.map(|recorder| Recording::new(clock::now(), recorder, sides));
        let output = Output::new(device, far);

        let poll = Poll::new().map_err(MediaError::Thread)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE).map_err(MediaError::Thread)?);
        let (orders, inbox) = sync_channel(MAX_ORDERS);
        let (rtp_ports, delay) = (config.rtp_ports, config.delay);
        let voice = config.voice;
        let loudness = config.loudness;
        let thread = thread::Builder::new()
            .name("media".into())
            .spawn(move || {
                raise_current_thread("media");
                let mut worker =
                    Worker::new(poll, inbox, input, output, record_path, rtp_ports, report)
                        .with_voice(voice);
                worker.bound_delay(delay);
                worker.set_loudness(loudness);
                worker.record_calls(both);
                worker.run();
            })
            .map_err(MediaError::Thread)?;
        Ok(MediaThread {
            orders,
            waker,
            thread: Some(thread),
            loads: AtomicU64::new(0),
            loaded: Arc::default(),
        })
    }

    /// Gives an order; never waits.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the order is lost then.
    pub fn send(&self, command: MediaCommand) -> Result<(), SendError> {
        if let MediaCommand::Feed {
            media,
            feed: Feed::File(path),
        } = &command
        {
            let (media, path) = (*media, path.clone());
            self.order(Order::Media(command))?;
            self.load(Load::Player { media, path });
            return Ok(());
        }
        self.order(Order::Media(command))
    }

    /// Whose tones are heard from the next one on.
    pub fn set_country(&self, country: &'static Country) {
        self.tell(Order::Country(country));
    }

    /// Lets the person hear a key, `0`–`9 * # A`–`D`.
    pub fn press_key(&self, key: char) {
        self.tell(Order::Key(key));
    }

    /// How loud it rings, 0 to 100 %.
    pub fn set_ring_volume(&self, percent: u8) {
        self.tell(Order::RingVolume(percent));
    }

    /// Which speaker rings, by name, from the next call on; `None`: the one that calls are heard on.
    pub fn select_ring_device(&self, name: Option<String>) {
        self.tell(Order::RingDevice(name));
    }

    /// What rings from the next call on; as a `sample`, what is heard once. Loaded on a thread of
    /// its own; a file that cannot be played is reported, and the usual tone rings.
    pub fn load_ring(&self, sound: RingSound, sample: bool) {
        self.load(Load::Ring { sound, sample });
    }

    /// What is heard on hold, loaded likewise; a file that cannot be played changes nothing.
    pub fn load_hold_music(&self, music: HoldMusic) {
        self.load(Load::HoldMusic(music));
    }

    fn load(&self, wanted: Load) {
        let (orders, waker) = (self.orders.clone(), Arc::clone(&self.waker));
        let (turn, turns) = (self.loads.fetch_add(1, Relaxed), Arc::clone(&self.loaded));
        let loading = thread::Builder::new().name("load".into()).spawn(move || {
            let loaded = load(wanted);
            // In the order of the wishes, however long each took.
            let (lock, next) = &*turns;
            let done = lock.lock().unwrap_or_else(PoisonError::into_inner);
            let mut done = next
                .wait_while(done, |done| *done < turn)
                .unwrap_or_else(PoisonError::into_inner);
            // Where nobody takes it any more, nobody wants it.
            let _ = orders.try_send(Order::Loaded(loaded));
            let _ = waker.wake();
            *done += 1;
            next.notify_all();
        });
        if let Err(error) = loading {
            tracing::warn!("sound not loaded: {error}");
            *self.loaded.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
    }

    fn tell(&self, order: Order) {
        if let Err(error) = self.order(order) {
            tracing::warn!("an order to the media thread is lost: {error}");
        }
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

    /// How long sound waits for late packets, in calls that begin from now on.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the order is lost then.
    pub fn bound_delay(&self, delay: DelayBounds) -> Result<(), SendError> {
        self.order(Order::Delay(delay))
    }

    /// Tells that devices have come or gone, or that another one is the default.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the order is lost then.
    pub fn devices_changed(&self, list: DeviceList) -> Result<(), SendError> {
        self.order(Order::Devices(list))
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

    /// Makes things as loud as the person wants, at once.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the order is lost then.
    pub fn set_loudness(&self, loudness: Loudness) -> Result<(), SendError> {
        self.order(Order::Loudness(loudness))
    }

    /// Begins a test of microphone or speaker in place of any other, or ends it. How loud the
    /// microphone is stands in `levels`. [`MediaReport::TestEnded`] tells when it ends by itself.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the order is lost then.
    pub fn test(&self, test: Option<(SoundTest, Arc<Levels>)>) -> Result<(), SendError> {
        self.order(Order::Test(test))
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

/// What a file of these sides is to be.
fn layout(format: Format, sides: Sides) -> Layout {
    Layout {
        format,
        channels: sides.channels(),
        serial: SysRng.try_next_u32().unwrap_or_default(),
    }
}
#[cfg(test)]
mod tests;
