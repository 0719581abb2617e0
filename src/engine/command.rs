//! What a face may ask of the engine: the phone's own commands, and those about this computer.

use std::path::PathBuf;

use super::media::SoundTest;
use super::reception::ReceptionWish;
use super::{ChatWish, SoundWish};
use crate::agent::{self, AccountId, Availability, CallId, WatchId};
use crate::media::Loudness;
use crate::media::plan::{ConferenceId, Feed};
use crate::media::recording::Sides;
use crate::redact::Secret;
use crate::store::{
    AccountSettings, LineSettings, RecordingSettings, SecretPlace, Theme, WatchedSettings,
};
use crate::voice::VoiceSettings;

/// A person's wish. Sent over a bounded queue; a face never waits for its outcome but reads it
/// in a later [`super::Snapshot`].
#[derive(Clone, Debug)]
pub enum Command {
    /// For the agent as it is.
    Phone(agent::Command),
    /// Several for the agent, in their order: more than the queue would take one by one.
    PhoneAll(Vec<agent::Command>),
    /// Dials under a call id of the engine's choosing.
    Dial {
        /// Whose call.
        account: AccountId,
        /// As typed.
        target: String,
    },
    /// Dials without saying who calls, under a call id of the engine's choosing.
    DialAnonymously {
        /// Whose call.
        account: AccountId,
        /// As typed.
        target: String,
    },
    /// Changes what becomes of calls that come in, at once and from now on.
    Reception {
        /// Of which account; `None`: of all.
        account: Option<AccountId>,
        /// What is to change.
        wish: ReceptionWish,
    },
    /// Lets the person hear that the microphone is open though nobody opened it.
    Beep,
    /// Saves an account, its password to the keyring, and registers it.
    SaveAccount {
        /// All but the password.
        settings: Box<AccountSettings>,
        /// `None` keeps the one that is stored.
        password: Option<Secret<String>>,
    },
    /// Registers an account that is forgotten when the engine stops: nothing of it is saved.
    UseAccount {
        /// All but the password; its number is of no meaning.
        settings: Box<AccountSettings>,
        /// Kept in memory alone.
        password: Secret<String>,
    },
    /// Keeps passwords there from here on, or opens the file that they are in.
    KeepPasswords {
        /// Where.
        place: SecretPlace,
        /// What the file is, or will be, opened by.
        passphrase: Option<Secret<String>>,
    },
    /// Removes an account, its settings and its password.
    ForgetAccount(AccountId),
    /// Takes the call that rings at an extension that is watched.
    PickUp(WatchId),
    /// Says whose lamps an account watches, in the order in which they are shown; at most 512.
    SetTeam {
        /// Which account.
        account: AccountId,
        /// Whom.
        watched: Vec<WatchedSettings>,
    },
    /// Says how the person can be reached, at every account that publishes it. Forgotten when the
    /// phone ends.
    SetAvailability(Availability),
    /// Takes an ended call out of the snapshot.
    Dismiss(CallId),
    /// Takes the oldest notice out of the snapshot.
    DismissNotice,
    /// Chooses devices; `None` follows the system's default.
    SelectDevices {
        /// Microphone.
        input: Option<String>,
        /// Speaker.
        output: Option<String>,
    },
    /// Chooses the speaker that rings; `None`: the one that calls are heard on.
    SelectRingDevice(Option<String>),
    /// The list of devices is looked at (true) or not any more: only then, and during calls, is
    /// it kept up to date.
    WatchDevices(bool),
    /// Makes microphone, calls and sidetone as loud as this, at once and from now on. That calls
    /// are not heard at all is forgotten when the phone ends.
    SetLoudness(Loudness),
    /// Tries microphone or speaker, in place of any other test; `None` ends it.
    TestSound(Option<SoundTest>),
    /// Has a call wait and dials another, to whom it may be handed over.
    Consult {
        /// The call that waits.
        call: CallId,
        /// As typed.
        target: String,
    },
    /// Stops the ringing of a call here; for the caller it goes on.
    Silence(CallId),
    /// Has two calls hear each other and this side, in one conference; those that wait are resumed.
    Join {
        /// One.
        call: CallId,
        /// The other, and whoever hears it already.
        other: CallId,
    },
    /// Takes a call out of its conference and puts it on hold.
    Split(CallId),
    /// Seats a call in a conference, out of another one, or in none.
    Confer {
        /// Which call.
        call: CallId,
        /// Where it sits.
        conference: Option<ConferenceId>,
    },
    /// Says what a call is given of this side: with several calls, who is talked to.
    Feed {
        /// Which call.
        call: CallId,
        /// What it is given.
        feed: Feed,
    },
    /// Records a call from here on.
    Record {
        /// Which call.
        call: CallId,
        /// The file: Ogg Opus if its name ends in `.opus` or `.ogg`, else WAV.
        path: PathBuf,
        /// Who is in it.
        sides: Sides,
    },
    /// Records both sides of a call from here on, where and how the settings say.
    RecordCall(CallId),
    /// Chooses how calls are recorded, from the next recording on.
    SetRecording(RecordingSettings),
    /// Ends the recording of a call; the call goes on.
    StopRecording(CallId),
    /// About messages.
    Chat(ChatWish),
    /// Changes what the phone sounds like.
    Sound(SoundWish),
    /// Chooses what is done to the microphone's sound.
    SetVoice(VoiceSettings),
    /// Chooses the language by its tag; `None`: the system's.
    SetLanguage(Option<String>),
    /// Chooses the colours.
    SetTheme(Theme),
    /// Changes how sound goes over the network, from the next call on.
    SetLine(LineSettings),
    /// Ends everything well and stops the engine.
    Quit,
}
