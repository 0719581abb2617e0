//! What the phone tells its faces, as data: the words are theirs.

use std::time::Duration;

use super::{
    AccountId, AccountState, AlertSource, DiversionReason, LampState, Message, MessageId,
    MessageProgress, PublicationState, Security, WatchId, WatchState, WhyDeclined,
};
use crate::events::message_summary::MessageSummary;
use crate::events::pidf::Presence;
use crate::media::plan::CodecChoice;
use crate::sip::{Alteration, StatusCode};

/// Names a call for as long as the phone runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Which side did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// This phone.
    Local,
    /// The other end, or a server on the way to it.
    Remote,
}

/// The other end of a call, as it presents itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The name it gives itself. Untrusted text, at most 128 characters, no control characters.
    pub display_name: Option<String>,
    /// User part of its URI, unescaped; a number, mostly.
    pub user: Option<String>,
    /// Its whole URI.
    pub uri: String,
}

/// How a call came here, as far as it was told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// Who sent it on, the last one first, at most 8. Untrusted.
    pub diverted: Vec<Diverted>,
    /// Who calls is the word of the account's own server, not only the caller's.
    pub asserted: bool,
    /// Where the caller is, by the word of a server.
    pub source: Option<AlertSource>,
}

/// One who sent a call on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverted {
    /// Who did.
    pub by: Party,
    /// Why.
    pub reason: DiversionReason,
}

/// What became of a call that did not ring.
#[derive(Clone, Debug, PartialEq)]
pub enum TurnedAway {
    /// The caller was told to call somebody else.
    Forwarded {
        /// Whom.
        to: Party,
        /// Why.
        reason: DiversionReason,
    },
    /// The caller was turned away.
    Declined {
        /// With which status.
        status: StatusCode,
        /// Why.
        why: WhyDeclined,
    },
}

impl Party {
    /// Whether it does not say who it is.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.user.is_none() && self.uri.ends_with("@anonymous.invalid")
    }
}

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// An account changed its state.
    Account {
        /// Which one.
        account: AccountId,
        /// Its state from here on.
        state: AccountState,
    },
    /// An outgoing call is on its way; its INVITE leaves as soon as a way is found.
    Calling {
        /// Which call.
        call: CallId,
        /// Whose.
        account: AccountId,
        /// Whom.
        remote: Party,
        /// The call whose far side handed us over to it.
        follows: Option<CallId>,
    },
    /// An INVITE of the call has been handed to the network; again for credentials, a redirection
    /// or a further address.
    InviteSent {
        /// Which call.
        call: CallId,
    },
    /// Somebody calls; it rings here.
    Incoming {
        /// Which call.
        call: CallId,
        /// Whom they called.
        account: AccountId,
        /// Who calls.
        remote: Party,
        /// The user part of what they called: extension, queue or trunk number.
        called: Option<String>,
        /// How it came here.
        origin: Origin,
        /// It is shown and not heard.
        silent: bool,
        /// After so long it is answered by itself.
        answers_in: Option<Duration>,
    },
    /// Somebody called, and by the rules of the account it did not ring.
    TurnedAway {
        /// The call. Nothing follows of it.
        call: CallId,
        /// Whom they called.
        account: AccountId,
        /// Who called.
        remote: Party,
        /// How it came here.
        origin: Origin,
        /// What became of it.
        how: TurnedAway,
    },
    /// Nobody took a call that rang here, and the caller was told to call somebody else; its end
    /// follows.
    Forwarded {
        /// Which call.
        call: CallId,
        /// Whom.
        to: Party,
        /// Why.
        reason: DiversionReason,
    },
    /// A call was answered without the person.
    AnsweredByItself {
        /// Which call.
        call: CallId,
        /// The person is to hear that the microphone is open.
        beep: bool,
    },
    /// The account's own server says who the other side of a call is.
    Identified {
        /// Which call.
        call: CallId,
        /// The other side.
        remote: Party,
    },
    /// It rings over there (180).
    Ringing {
        /// Which call.
        call: CallId,
    },
    /// Sound from the far side before the answer (183 or 180 with SDP).
    EarlyMedia {
        /// Which call.
        call: CallId,
    },
    /// Both sides are connected.
    Answered {
        /// Which call.
        call: CallId,
        /// What is spoken.
        codec: CodecChoice,
        /// Who answered: may differ from who was called.
        remote: Party,
    },
    /// How a call is protected from here on; until the first of these, not at all.
    Security {
        /// Which call.
        call: CallId,
        /// By what.
        security: Security,
    },
    /// The sound of a connected call changed: other codec, address or direction.
    Renegotiated {
        /// Which call.
        call: CallId,
        /// What is spoken from here on.
        codec: CodecChoice,
    },
    /// The far side is a conference that a server holds, or no longer (RFC 4579).
    Focus {
        /// Which call.
        call: CallId,
        /// Whether it is.
        is: bool,
    },
    /// A side put the call on hold.
    Held {
        /// Which call.
        call: CallId,
        /// Who did.
        by: Side,
    },
    /// A side took the call back.
    Resumed {
        /// Which call.
        call: CallId,
        /// Who did.
        by: Side,
    },
    /// The far side pressed a key, and said so in INFO. Those that come with the sound are told by
    /// the media thread.
    Digit {
        /// Which call.
        call: CallId,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        key: char,
        /// For how long, as it says: 40 ms to 5 s.
        held: Duration,
    },
    /// How a transfer of ours goes.
    Transfer {
        /// The call that is handed over.
        call: CallId,
        /// How far it is.
        progress: TransferProgress,
    },
    /// The far side wants to hand us over: to be answered with
    /// [`super::Command::AcceptTransfer`] or [`super::Command::RefuseTransfer`].
    TransferAsked {
        /// The call.
        call: CallId,
        /// To whom.
        to: Party,
        /// Who says so, if it says (RFC 3892). Untrusted.
        by: Option<Party>,
    },
    /// It waited too long for that.
    TransferAskedNoMore {
        /// The call.
        call: CallId,
    },
    /// The far side hands us over; we call.
    Referred {
        /// The call that is handed over, and ends when the other one stands.
        call: CallId,
        /// The call that follows from it.
        to: CallId,
    },
    /// A call was answered in the place of another (RFC 3891), which ends.
    Replaced {
        /// The new one.
        call: CallId,
        /// The one whose place it takes.
        replaced: CallId,
    },
    /// The call is over. Said exactly once for each call.
    Ended {
        /// Which call.
        call: CallId,
        /// How it ended.
        end: CallEnd,
    },
    /// A message came.
    Message(Box<Message>),
    /// A message of ours goes on. [`MessageProgress::Delivered`] and [`MessageProgress::Failed`]
    /// are said once, and nothing after them.
    MessageProgress {
        /// Which one.
        message: MessageId,
        /// How it stands.
        progress: MessageProgress,
    },
    /// The other side of a conversation begins to write, or ceases (RFC 3994).
    Typing {
        /// With which account of ours.
        account: AccountId,
        /// Who, as [`super::correspondent`] has it.
        peer: String,
        /// Whether it writes.
        writes: bool,
    },
    /// A watch changed its state.
    Watch {
        /// Which one.
        watch: WatchId,
        /// Its state from here on.
        state: WatchState,
    },
    /// A busy lamp changed.
    Lamp {
        /// Which watch's.
        watch: WatchId,
        /// What it shows.
        lamp: LampState,
    },
    /// Somebody's presence was told.
    Presence {
        /// By which watch.
        watch: WatchId,
        /// What it is. Untrusted.
        presence: Box<Presence>,
    },
    /// What waits in a mailbox was told.
    Messages {
        /// Whose account it was told to.
        account: AccountId,
        /// By which watch; `None`: the registrar said so unasked.
        watch: Option<WatchId>,
        /// What waits. Untrusted.
        summary: MessageSummary,
    },
    /// How the publication of one's own presence stands.
    Publication {
        /// Whose.
        account: AccountId,
        /// Its state from here on.
        state: PublicationState,
    },
    /// Something between us and a server rewrites what we say, and not what comes back: calls to us
    /// may go astray. Said once.
    Altered {
        /// What it rewrote.
        alteration: Alteration,
    },
    /// A wish could not be fulfilled; nothing changed.
    Refused {
        /// The call it was about, if any.
        call: Option<CallId>,
        /// Why.
        refusal: Refusal,
    },
    /// [`super::Command::Shutdown`] is complete: no call, no binding; or those that could be told
    /// were, and nobody else is waited for.
    Finished,
}

/// How far a transfer of ours is.
#[derive(Clone, Debug, PartialEq)]
pub enum TransferProgress {
    /// It was asked for; the far side is put on hold.
    Begun {
        /// To whom.
        to: Party,
    },
    /// The far side agreed, and calls.
    Accepted,
    /// It rings there.
    Ringing,
    /// The two talk; our part ends.
    Succeeded,
    /// It was taken over, and nobody will tell how it went; our part ends.
    Untold,
    /// It came to nothing; the call is taken back.
    Failed {
        /// With which status, if one was told.
        status: Option<u16>,
        /// The far side's own words for it, untrusted.
        reason: Option<String>,
    },
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub struct CallEnd {
    /// What a face says of it.
    pub cause: EndCause,
    /// Who ended it.
    pub by: Side,
    /// The SIP status that ended it, if one did.
    pub status: Option<u16>,
    /// The far side's own words for it, untrusted.
    pub reason: Option<String>,
    /// From the answer to the end; `None` if never answered.
    pub talked: Option<Duration>,
}

/// Why a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndCause {
    /// Talked, and hung up.
    HungUp,
    /// Handed over to somebody else.
    Transferred,
    /// Another call took its place.
    Replaced,
    /// Given up by the caller before the answer. For an incoming call: missed.
    Cancelled,
    /// Another phone of the same person took it.
    AnsweredElsewhere,
    /// Another phone of the same person turned it away.
    DeclinedElsewhere,
    /// Sent on to somebody else by a rule of ours.
    Forwarded,
    /// Turned away by a rule of ours: the person does not want to be disturbed.
    DoNotDisturb,
    /// Turned away by the person called (603, 403 from the far phone, or our own refusal).
    Declined,
    /// 486, 600.
    Busy,
    /// Nobody took it in time (408, 480 after ringing, our own limit).
    NoAnswer,
    /// 480: not registered, or does not want to be disturbed.
    Unavailable,
    /// 404, 410, 484, 604: no such number.
    NotFound,
    /// 488, 606, 415 or an unusable answer: no codec in common.
    NoCommonCodec,
    /// One side wants nothing in clear, and the other does not encrypt in a way that both know.
    NotEncrypted,
    /// 401 or 407 with the credentials we have.
    WrongPassword,
    /// The server asks for a password and the account has none.
    PasswordNeeded,
    /// MD5 was asked for where SHA-2 was before: not given.
    WeakDigest,
    /// A server that is none of the account's own asks for a password: not given.
    ForeignServer,
    /// The account wants everything encrypted, and there is only a way in the clear.
    Unencrypted,
    /// 403: not allowed to call there.
    Forbidden,
    /// The host name does not resolve.
    HostNotFound,
    /// Nothing listens there, or there is no way to it.
    Unreachable,
    /// There is a way, and no secure connection over it.
    NotSecured,
    /// The signalling got no answer.
    TimedOut,
    /// No port or device for the sound.
    NoMedia,
    /// 5xx.
    ServerTrouble,
    /// 3xx that the settings say not to follow, or a circle of them.
    Redirected,
    /// The answer never was acknowledged.
    NotAcknowledged,
    /// Any other final answer.
    Refused,
}

/// Why a wish was not fulfilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// No such account.
    UnknownAccount,
    /// No such call.
    UnknownCall,
    /// What was typed is neither URI nor number.
    NotDialable,
    /// The call's name is in use.
    CallIdInUse,
    /// The call is in no state for it.
    WrongState,
    /// The phone has as many calls as it takes.
    TooManyCalls,
    /// Only `sip:` and `tel:` can be called.
    UnsupportedScheme,
    /// Nothing rings there that could be picked up.
    NothingRings,
    /// The account watches as many as it may.
    TooManyWatches,
    /// The far side does not agree to the change.
    NotAccepted,
    /// The phone is ending.
    ShuttingDown,
}
