//! Where clock, sockets, threads and state machines meet.
//!
//! [`start`] gives a thread its own tokio runtime, the agent, the SIP sockets, the media thread
//! and the store, and gives the faces a [`Handle`]: commands in over a bounded queue, a
//! [`Snapshot`] out by `Arc`, and for those that follow every step, [`Stamped`] events.

mod accounts;
mod chats;
pub mod clock;
mod command;
mod config;
mod devices;
mod driver;
mod event;
mod finding;
mod loudness;
pub mod media;
mod paths;
mod picture;
mod reaching;
mod reception;
mod recordings;
mod security;
pub mod seed;
pub mod signals;
pub mod sip_port;
mod snapshot;
mod sounds;
mod suspend;
mod talking;
mod team;
mod wishes;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

pub use accounts::{AccountError, account_config, server};
pub use chats::{
    ChatMessage, ChatState, ChatWish, ChatsView, ConversationView, KeepChats, OpenConversation,
};
pub use command::Command;
pub use config::{EngineConfig, StartError};
pub use event::{Event, Stamped};
pub use media::{MediaConfig, MediaError, RecordError};
pub use reception::{ReceptionError, ReceptionWish, local_time, minutes_of, reception};
pub use snapshot::{
    AccountView, AudioView, CallPhase, CallView, Direction, Grade, HandedTo, Levels, Loudness,
    LoudnessView, MailboxView, MicrophoneState, Notice, PresenceView, Quality, RecentCall,
    RecordFailure, Recorded, RecordingOptions, RecordingView, RemoteQuality, SecretFault,
    SecretsView, Signalling, Snapshot, SoundTest, SoundView, TeamView, TransferView,
};
pub use sounds::SoundWish;

/// Commands that may wait for the engine; a person does not type faster.
const COMMANDS: usize = 256;
/// Events that may wait for a face; beyond it the measurements of each second are dropped first,
/// then everything.
const EVENTS: usize = 4096;

/// Called, on the engine's thread, when there is a new snapshot. Must not wait.
pub type Waker = Box<dyn Fn() + Send + Sync>;

/// What engine and faces share.
struct Shared {
    snapshot: Mutex<Arc<Snapshot>>,
    waker: Mutex<Option<Waker>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    fn publish(&self, snapshot: Arc<Snapshot>) {
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
        if let Some(wake) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }
}

/// A face's hold on the engine. Dropping it asks the engine to end well and waits for it.
#[derive(Debug)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The queue of commands is full, or the engine has stopped: the wish is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine takes no more commands")]
pub struct NotTaken;

impl Handle {
    /// Asks for something, without waiting.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn send(&self, command: Command) -> Result<(), NotTaken> {
        self.commands.try_send(command).map_err(|_| NotTaken)
    }

    /// The phone as it is. The lock is held for as long as an `Arc` takes to clone.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(
            &self
                .shared
                .snapshot
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Sets what is called when there is a new snapshot.
    pub fn set_waker(&self, waker: Waker) {
        *self
            .shared
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    /// Waits until the engine has stopped; ask it to with [`Command::Quit`].
    pub fn join(mut self) {
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.thread.is_some() {
            // When it is not taken the engine has stopped already.
            let _ = self.send(Command::Quit);
            self.wait();
        }
    }
}

/// Starts the phone. Returns when its sockets are bound and its sound is open, so that what is
/// wrong with either is told here.
///
/// # Errors
/// [`StartError`]; nothing is left running.
pub fn start(config: EngineConfig) -> Result<(Handle, Receiver<Stamped>), StartError> {
    let (commands, command_queue) = mpsc::channel(COMMANDS);
    let (events, event_queue) = sync_channel(EVENTS);
    let shared = Arc::new(Shared {
        snapshot: Mutex::default(),
        waker: Mutex::new(None),
    });
    let (ready, is_ready) = sync_channel(1);
    let theirs = Arc::clone(&shared);
    let thread = std::thread::Builder::new()
        .name("engine".into())
        .spawn(move || run(config, command_queue, events, theirs, &ready))
        .map_err(StartError::Thread)?;
    match is_ready.recv() {
        Ok(Ok(())) => Ok((
            Handle {
                commands,
                shared,
                thread: Some(thread),
            },
            event_queue,
        )),
        Ok(Err(error)) => {
            let _ = thread.join();
            Err(error)
        }
        Err(_) => Err(StartError::Panicked),
    }
}

fn run(
    config: EngineConfig,
    commands: mpsc::Receiver<Command>,
    events: SyncSender<Stamped>,
    shared: Arc<Shared>,
    ready: &SyncSender<Result<(), StartError>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(StartError::Thread(error)));
            return;
        }
    };
    runtime.block_on(async {
        match driver::Driver::open(config, commands, events, shared) {
            Ok(driver) => {
                let _ = ready.send(Ok(()));
                driver.run().await;
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        }
    });
}
