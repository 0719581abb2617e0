//! What the faces see: one immutable picture of the phone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ChatsView;
pub use super::media::{RecordFailure, SoundTest};
use crate::agent::{
    AccountId, AccountState, Availability, CallEnd, CallId, LampState, Origin, Party, Reception,
    Security, Side, TransferProgress, WatchCause, WatchId,
};
use crate::dsp::progress::Country;
use crate::events::pidf::{Activity, Basic};
use crate::media::plan::{CodecChoice, ConferenceId};
pub use crate::media::{Grade, Levels, Loudness, MicrophoneState, Quality, RemoteQuality};
use crate::store::{AccountSettings, LineSettings, RecordingSettings, SecretPlace, SoundSettings};
use crate::trust::{Refused, Secured};
use crate::voice::{VoiceReport, VoiceSettings};

/// The phone at one moment. Replaced as a whole, never changed: faces hold it by `Arc`.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// In the order they were added.
    pub accounts: Vec<AccountView>,
    /// Oldest first. An ended call stays until dismissed, so that its end can be read.
    pub calls: Vec<CallView>,
    /// Ended calls, newest first, at most 50.
    pub recents: Vec<RecentCall>,
    /// Whom the accounts watch, account by account, in the order of each one's list.
    pub team: Arc<Vec<TeamView>>,
    /// How the person can be reached, as they chose.
    pub availability: Availability,
    /// Sound devices.
    pub audio: AudioView,
    /// How sound goes over the network.
    pub line: LineSettings,
    /// How loud things are to be, and how the microphone fares.
    pub loudness: LoudnessView,
    /// What the phone sounds like.
    pub sounds: SoundView,
    /// How calls are recorded.
    pub recording: RecordingOptions,
    /// Conversations.
    pub chats: Arc<ChatsView>,
    /// Where passwords are kept.
    pub secrets: SecretsView,
    /// What the person should know, newest last, at most 8.
    pub notices: Vec<Notice>,
}

/// Where passwords are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecretsView {
    /// By the person's choice.
    pub place: SecretPlace,
    /// The file waits for its passphrase.
    pub locked: bool,
    /// Why the last choice was not carried out.
    pub fault: Option<SecretFault>,
}

/// Why passwords are not kept where they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretFault {
    /// No keyring answers, or it keeps nothing.
    NoKeyring,
    /// The file is under another passphrase.
    WrongPassphrase,
    /// It is no file of passwords.
    Damaged,
    /// It cannot be read or written.
    NotWritten,
}

/// One account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountView {
    /// Its name to commands.
    pub id: AccountId,
    /// The extension: the user of the address of record.
    pub user: String,
    /// The host of the address of record.
    pub domain: String,
    /// The name shown to whom we call.
    pub display_name: Option<String>,
    /// How it stands with its registrar.
    pub state: AccountState,
    /// As it is stored: what an edit starts from.
    pub settings: AccountSettings,
    /// What becomes of calls that come in.
    pub reception: Reception,
    /// What waits in the mailbox; `None` before anything was told.
    pub mailbox: Option<MailboxView>,
    /// The server knows how the person can be reached.
    pub published: bool,
    /// How signalling travels to its registrar.
    pub signalling: Signalling,
    /// Why the last secure connection was refused, and what differed; `None` once one stands.
    pub refused: Option<Box<Refused>>,
}

/// How signalling travels to a registrar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Signalling {
    /// There is no registration whose way could be told of.
    #[default]
    Unknown,
    /// Whoever is on the way can read it.
    Clear,
    /// Encrypted, to somebody whose identity was verified.
    Encrypted(Box<Secured>),
}

/// What waits in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxView {
    /// Something new does.
    pub waiting: bool,
    /// Spoken messages not heard yet; `None` when it is not said.
    pub new: Option<u32>,
    /// Spoken messages heard; `None` when it is not said.
    pub old: Option<u32>,
    /// The mailbox, as a URI, if it is named. Untrusted.
    pub account: Option<String>,
}

/// One extension that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamView {
    /// Who watches.
    pub account: AccountId,
    /// The watch of its calls.
    pub lamp_watch: WatchId,
    /// The watch of its presence, if that is watched too.
    pub presence_watch: Option<WatchId>,
    /// Its number, as written.
    pub number: String,
    /// Whose it is.
    pub name: Option<String>,
    /// It is a place where calls are parked.
    pub park: bool,
    /// What its lamp shows.
    pub lamp: LampState,
    /// What is known of the person's presence.
    pub presence: Option<PresenceView>,
    /// Why nothing is told of its calls; `None` while it is, or has not yet been asked.
    pub trouble: Option<WatchCause>,
}

/// Somebody's presence. Untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceView {
    /// Whether they can be reached; `None` when it is not said.
    pub basic: Option<Basic>,
    /// What they are doing.
    pub activities: Vec<Activity>,
    /// What they say of themselves.
    pub note: Option<String>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct CallView {
    /// Its name to commands.
    pub id: CallId,
    /// Whose it is.
    pub account: AccountId,
    /// Who called whom.
    pub direction: Direction,
    /// How far it is.
    pub phase: CallPhase,
    /// The other end.
    pub remote: Party,
    /// When it began.
    pub started_at: Instant,
    /// When it was answered.
    pub answered_at: Option<Instant>,
    /// We hold the far side.
    pub held_here: bool,
    /// The far side holds us.
    pub held_there: bool,
    /// The microphone is off.
    pub muted: bool,
    /// What is spoken.
    pub codec: Option<CodecChoice>,
    /// The digits sent, as typed; at most the last 32.
    pub digits_sent: String,
    /// The last second's measurements.
    pub quality: Option<Quality>,
    /// Live levels, written by the media thread.
    pub levels: Arc<Levels>,
    /// The recording under way that the person began.
    pub recording: Option<RecordingView>,
    /// What became of the last one that is over.
    pub recorded: Option<Recorded>,
    /// It is being handed over to somebody else.
    pub transfer: Option<TransferView>,
    /// Its far side asks to hand it over; to be answered with [`Command::AcceptTransfer`] or
    /// [`Command::RefuseTransfer`].
    ///
    /// [`Command::AcceptTransfer`]: crate::agent::Command::AcceptTransfer
    /// [`Command::RefuseTransfer`]: crate::agent::Command::RefuseTransfer
    pub handed_to: Option<HandedTo>,
    /// The call that this one follows from: handed over to it, or replaced by it.
    pub follows: Option<CallId>,
    /// It rings here without a sound.
    pub silenced: bool,
    /// The call that waits while this one is asked whether it takes it.
    pub consults_for: Option<CallId>,
    /// The far side is a conference that a server holds.
    pub focus: bool,
    /// How it is protected.
    pub security: Security,
    /// The conference that it sits in.
    pub conference: Option<ConferenceId>,
    /// How it came here.
    pub origin: Origin,
}

impl CallView {
    /// Time since the answer, or since the beginning while there is none.
    #[must_use]
    pub fn talk_time(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.answered_at.unwrap_or(self.started_at))
    }
}

/// A transfer of ours under way, or how the last one failed.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferView {
    /// To whom.
    pub to: Party,
    /// How far it is.
    pub progress: TransferProgress,
}

/// To whom the far side wants to hand us over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedTo {
    /// To whom.
    pub to: Party,
    /// Who says so. Untrusted.
    pub by: Option<Party>,
}

/// A recording under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingView {
    /// The file.
    pub path: PathBuf,
    /// Since when.
    pub begun_at: Instant,
}

/// What became of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is whole.
    Kept,
    /// It stopped growing, or was never begun.
    Failed(RecordFailure),
}

/// How calls are recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingOptions {
    /// As it is stored.
    pub settings: RecordingSettings,
    /// Where the files go.
    pub folder: PathBuf,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// We called.
    Outgoing,
    /// We were called.
    Incoming,
}

/// How far a call is.
#[derive(Clone, Debug, PartialEq)]
pub enum CallPhase {
    /// The INVITE is under way.
    Dialing,
    /// It rings over there.
    RingingThere,
    /// Sound before the answer.
    EarlyMedia,
    /// It rings here.
    RingingHere,
    /// Both talk.
    Connected,
    /// Connected and on hold.
    OnHold(Side),
    /// Over.
    Ended(CallEnd),
}

/// A call that is over, for the list of recents.
#[derive(Clone, Debug, PartialEq)]
pub struct RecentCall {
    /// Whose it was.
    pub account: AccountId,
    /// Who called whom.
    pub direction: Direction,
    /// The other end.
    pub remote: Party,
    /// Seconds since 1970, UTC, when it began.
    pub began_unix: u64,
    /// How it ended.
    pub end: CallEnd,
    /// What became of its recording, if there was one.
    pub recorded: Option<Recorded>,
}

/// Sound devices as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioView {
    /// Names of the microphones.
    pub inputs: Vec<String>,
    /// Names of the speakers.
    pub outputs: Vec<String>,
    /// The chosen microphone; `None`: the system's default.
    pub input: Option<String>,
    /// The chosen speaker; `None`: the system's default.
    pub output: Option<String>,
    /// The speaker that rings; `None`: the chosen one.
    pub ring: Option<String>,
    /// What is done to the microphone's sound.
    pub voice: VoiceSettings,
    /// What became of it in the last second; `None` before there was any.
    pub voice_report: Option<VoiceReport>,
    /// No device could be opened: the call runs on silence.
    pub unavailable: bool,
}

/// How loud things are to be, and how the microphone fares.
#[derive(Clone, Debug, Default)]
pub struct LoudnessView {
    /// What the person chose.
    pub chosen: Loudness,
    /// What is wrong with the microphone.
    pub microphone: MicrophoneState,
    /// What is on trial.
    pub test: Option<SoundTest>,
    /// How loud the microphone on trial is, written by the media thread.
    pub test_levels: Arc<Levels>,
}

/// What the phone sounds like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundView {
    /// As it is stored.
    pub settings: SoundSettings,
    /// The country whose tones are heard where the settings name none.
    pub home: &'static Country,
}

/// Something a person should know, as data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// A wish was refused.
    Refused(crate::agent::Refusal),
    /// No secret service answers: the password is kept for this session only.
    PasswordNotKept,
    /// The file of passwords waits for its passphrase.
    PasswordsLocked,
    /// An account of the settings cannot be read: a host or an address that is none.
    AccountUnusable,
    /// A rule for incoming calls cannot be kept as it is written.
    ReceptionUnusable,
    /// Settings could not be written.
    SettingsNotSaved,
    /// Something between us and the server rewrites what the phone says: mostly the router's "SIP
    /// ALG".
    MessagesAltered,
    /// The microphone or the speaker is gone.
    DeviceGone,
    /// The ring tone's file cannot be played: the usual one rings.
    RingtoneUnusable,
    /// The file of the music on hold cannot be played.
    HoldMusicUnusable,
    /// No seat is left in the conference.
    ConferenceFull,
    /// A recording is whole.
    Recorded {
        /// The file.
        path: PathBuf,
    },
    /// A recording stopped growing, or was never begun.
    RecordFailed(RecordFailure),
    /// The disk is too slow for a recording: it has holes.
    RecordGaps,
    /// The file of the conversations was damaged: a new one is begun.
    MessagesSetAside {
        /// Where the old one is.
        path: PathBuf,
    },
    /// Conversations cannot be kept: they are forgotten when the phone ends.
    MessagesNotKept,
    /// So many messages came at once that one could not be shown, or was not sent.
    MessageLost,
}
