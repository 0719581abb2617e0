//! What the engine tells faces that follow every step, such as the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::agent::{self, AccountId, CallId};
use crate::media::{MicrophoneState, Quality};
use crate::trust::{Refused, Secured};
use crate::units::Dbov;

/// An event and its moment.
#[derive(Clone, Debug)]
pub struct Stamped {
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub event: Event,
}

/// Something happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// To the phone.
    Phone(agent::Event),
    /// A connection was not secure, and was not used. What that means for the account follows.
    NotSecured {
        /// Under whose terms.
        account: AccountId,
        /// Why, and what differs.
        refused: Box<Refused>,
    },
    /// An account's signalling is encrypted, to somebody whose identity was verified.
    Secured {
        /// Whose.
        account: AccountId,
        /// How.
        secured: Box<Secured>,
    },
    /// A second of a call was measured.
    Stats {
        /// Which call.
        call: CallId,
        /// The measurements.
        quality: Quality,
        /// Level of what we send.
        level_in: Dbov,
        /// Level of what the far side says.
        level_out: Dbov,
    },
    /// The far side pressed a key (RFC 4733).
    Digit {
        /// Which call.
        call: CallId,
        /// `0`–`9 * # A`–`D`.
        digit: char,
        /// How long it was held down.
        held: Duration,
    },
    /// The first packet of a call's sound left.
    FirstPacketSent {
        /// Which call.
        call: CallId,
    },
    /// The first packet of a call's sound came.
    FirstPacketReceived {
        /// Which call.
        call: CallId,
    },
    /// A fault of ours ended the sound of a call; the call is hung up.
    SoundFailed {
        /// Which call.
        call: CallId,
    },
    /// Nothing is heard of the far side though the call is up.
    NoSound {
        /// Which call.
        call: CallId,
    },
    /// It is heard again after that.
    SoundBack {
        /// Which call.
        call: CallId,
    },
    /// All seats of the conferences are taken.
    ConferenceFull {
        /// Which call found none.
        call: CallId,
    },
    /// Of the far sides in a conference, another one speaks.
    Speaking {
        /// Which call.
        call: CallId,
    },
    /// The recording stopped growing: the disk is full, or the file as long as it may be.
    RecordFailed {
        /// Which file.
        path: PathBuf,
    },
    /// The disk is slower than the sound: the recording has holes.
    RecordGaps {
        /// Which file.
        path: PathBuf,
    },
    /// A file is played for a microphone: its first sample was said at this moment, and each that
    /// follows as much later as it is in the file.
    PlayStarted {
        /// Which call.
        call: CallId,
    },
    /// What is heard is written to a file: its first sample was heard at this moment.
    RecordStarted,
    /// The file that is played for a microphone is at its end.
    PlayFinished {
        /// Which call.
        call: CallId,
    },
    /// The microphone or the speaker is gone, or came back.
    Device {
        /// Whether there is one again.
        back: bool,
    },
    /// The chosen microphone or speaker is not there; the system's default is used until it is.
    DeviceStandsIn,
    /// Something is wrong with the microphone, or no longer is.
    Microphone(MicrophoneState),
    /// The phone can be reached; the first event of all.
    Listening {
        /// SIP's addresses, UDP and TCP.
        addresses: Vec<SocketAddr>,
    },
    /// The person pressed Ctrl-C, or the system asks to end.
    Interrupted,
    /// The engine has stopped; nothing follows.
    Stopped,
}
