//! Instant messages (RFC 3428), and who is writing (RFC 3994).
//!
//! Messages to one correspondent leave one at a time, in the order they were written:
//!
//! ```text
//!            written                 2xx, or refused for good
//!  Idle ───────────────▶ Sending ───────────────────────────▶ the next one, or Idle
//!   ▲                     │   ▲
//!   │      not there now  │   │ its time has come, or registered again
//!   │                     ▼   │
//!   └── given up ──────  Waiting
//! ```
//!
//! Those who write to us are answered at once; who may, and how fast, is bounded by account.

mod receiving;
mod sending;
mod text;
mod typing;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::{AccountId, CallId, Party};
use crate::events::is_composing::{Composer, ComposingWatcher, IsComposing};
use crate::sip::{DigestClient, HostPort, NameAddr, Request, SipUri, Uri};

pub(super) use text::ACCEPTED;
pub use text::MAX_TEXT;

use receiving::Inbox;

/// Messages of ours that may wait for their turn, of all conversations together.
const MAX_WAITING: usize = 256;
/// Conversations in which something is under way.
const MAX_TALKS: usize = 256;
/// The longest that a message is tried.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Names a message of ours; chosen by whoever sends it, and never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub message: MessageId,
    /// To whom, as typed.
    pub to: String,
    /// At most [`MAX_TEXT`] bytes.
    pub text: String,
    /// For how long it is tried again when nobody is there; zero: it is tried once. At most a day.
    pub retry_for: Duration,
}

/// A message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// To whom of us.
    pub account: AccountId,
    /// Who wrote it. Its URI is as [`correspondent`] has it.
    pub from: Party,
    /// Untrusted: at most [`MAX_TEXT`] bytes, and no control character but tabs and line feeds.
    pub text: String,
    /// The user part of what it was sent to: which extension, where several lead here.
    pub called: Option<String>,
    /// The call in which it was written.
    pub call: Option<CallId>,
}

/// How a message of ours goes.
#[derive(Clone, Debug, PartialEq)]
pub enum MessageProgress {
    /// It is on its way.
    Sending,
    /// It could not be brought there and is tried again; or waits for one before it.
    Waiting {
        /// What kept it.
        cause: MessageFailure,
        /// When; `None`: when the account is registered.
        retry_at: Option<Instant>,
    },
    /// The far side, or a server that stores it, has taken it (200, 202).
    Delivered,
    /// It was not brought there, and will not be.
    Failed {
        /// Why.
        cause: MessageFailure,
        /// With which status, if an answer came.
        status: Option<u16>,
        /// The far side's own words for it, untrusted.
        reason: Option<String>,
    },
}

/// Why a message was not brought there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageFailure {
    /// What was typed is neither URI nor number.
    NotAnAddress,
    /// Nothing is written in it, or more than [`MAX_TEXT`] bytes.
    Length,
    /// Too long for a datagram, and nothing takes a connection there (RFC 3428 section 8).
    TooLong,
    /// As many wait as may.
    TooMany,
    /// No such account, or it was removed.
    NoAccount,
    /// The account is not registered.
    NotRegistered,
    /// 404, 410, 416, 484, 485, 604: no such number.
    NotFound,
    /// 403.
    Forbidden,
    /// 408, 430, 480: not there now.
    Unavailable,
    /// 486, 600, 603, 607: not wanted.
    Declined,
    /// 405, 415, 488, 501, 606: messages, or this kind of them, are not read there.
    NotUnderstood,
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
    /// The host name does not resolve.
    HostNotFound,
    /// Nothing listens there, or there is no way to it.
    Unreachable,
    /// No answer in time: it may have come there or not.
    TimedOut,
    /// 5xx.
    ServerTrouble,
    /// Taken back by the person, or the phone ends.
    Withdrawn,
    /// Any other final answer.
    Refused,
}

impl MessageFailure {
    /// All of them.
    pub const ALL: [MessageFailure; 22] = [
        MessageFailure::NotAnAddress,
        MessageFailure::Length,
        MessageFailure::TooLong,
        MessageFailure::TooMany,
        MessageFailure::NoAccount,
        MessageFailure::NotRegistered,
        MessageFailure::NotFound,
        MessageFailure::Forbidden,
        MessageFailure::Unavailable,
        MessageFailure::Declined,
        MessageFailure::NotUnderstood,
        MessageFailure::WrongPassword,
        MessageFailure::PasswordNeeded,
        MessageFailure::WeakDigest,
        MessageFailure::ForeignServer,
        MessageFailure::Unencrypted,
        MessageFailure::HostNotFound,
        MessageFailure::Unreachable,
        MessageFailure::TimedOut,
        MessageFailure::ServerTrouble,
        MessageFailure::Withdrawn,
        MessageFailure::Refused,
    ];

    /// Its name to programs, and where conversations are kept.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            MessageFailure::NotAnAddress => "not_an_address",
            MessageFailure::Length => "length",
            MessageFailure::TooLong => "too_long",
            MessageFailure::TooMany => "too_many",
            MessageFailure::NoAccount => "no_account",
            MessageFailure::NotRegistered => "not_registered",
            MessageFailure::NotFound => "not_found",
            MessageFailure::Forbidden => "forbidden",
            MessageFailure::Unavailable => "unavailable",
            MessageFailure::Declined => "declined",
            MessageFailure::NotUnderstood => "not_understood",
            MessageFailure::WrongPassword => "wrong_password",
            MessageFailure::PasswordNeeded => "password_needed",
            MessageFailure::WeakDigest => "weak_digest",
            MessageFailure::ForeignServer => "foreign_server",
            MessageFailure::Unencrypted => "unencrypted",
            MessageFailure::HostNotFound => "host_not_found",
            MessageFailure::Unreachable => "unreachable",
            MessageFailure::TimedOut => "timed_out",
            MessageFailure::ServerTrouble => "server_trouble",
            MessageFailure::Withdrawn => "withdrawn",
            MessageFailure::Refused => "refused",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<MessageFailure> {
        MessageFailure::ALL
            .into_iter()
            .find(|failure| failure.code() == code)
    }
}

/// Who may write to an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessagePolicy {
    /// Whom its registrar lets through; for an account without one, everybody.
    #[default]
    Registrar,
    /// Everybody who finds the way here.
    Anyone,
    /// Nobody, but in a call.
    Nobody,
}

/// The one written form of an address by which messages to it and from it meet in one
/// conversation: scheme, user and host, without parameters; the host in lower case, and a port only
/// where it is not the usual one. At most 512 characters.
#[must_use]
pub fn correspondent(uri: &Uri) -> String {
    let written = match uri {
        Uri::Sip(sip) => {
            let host = sip.host_port.host.to_string().to_ascii_lowercase();
            let usual = if sip.secure { 5061 } else { 5060 };
            let host_port = HostPort {
                port: sip.host_port.port.filter(|port| *port != usual),
                host: host.parse().unwrap_or(sip.host_port.host.clone()),
            };
            let mut plain = SipUri::new(sip.user_unescaped().as_deref(), host_port);
            plain.secure = sip.secure;
            plain.to_string()
        }
        Uri::Tel(_) | Uri::Other(_) => uri.to_string(),
    };
    written.chars().take(512).collect()
}

/// The other side as faces see it: named so that its messages meet in one conversation.
pub(super) fn party(name_addr: &NameAddr) -> Party {
    Party {
        uri: correspondent(&name_addr.uri),
        ..super::requests::party(name_addr)
    }
}

/// One conversation: an account of ours, and an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) account: AccountId,
    /// As [`correspondent`] has it.
    pub(super) peer: String,
}

/// A request of ours in a conversation.
#[derive(Clone, Debug)]
pub(super) struct Posting {
    pair: Pair,
    target: Uri,
    what: What,
    /// As it was sent, and how often it was sent again with credentials.
    request: Option<Request>,
    challenges: u8,
}

impl Posting {
    /// Whom it is for.
    pub(super) fn target(&self) -> &Uri {
        &self.target
    }
}

/// What a request of ours is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Text(MessageId),
    /// Whether the person is writing; if that arrives is of no matter.
    Typing(IsComposing),
}

impl Pair {
    fn new(account: AccountId, target: &Uri) -> Pair {
        Pair {
            account,
            peer: correspondent(target),
        }
    }
}

impl Posting {
    fn new(pair: Pair, target: Uri, what: What) -> Posting {
        Posting {
            pair,
            target,
            what,
            request: None,
            challenges: 0,
        }
    }

    pub(super) fn account(&self) -> AccountId {
        self.pair.account
    }
}

/// What is under way in one conversation.
#[derive(Debug, Default)]
struct Talk {
    /// Oldest first; the first one is on its way or waits.
    queue: VecDeque<Outgoing>,
    stage: Stage,
    /// Where the person wrote to last.
    target: Option<Uri>,
    composer: Composer,
    /// The other side is being told who writes, or did not want to know.
    telling: Telling,
    watcher: ComposingWatcher,
}

/// A message of ours on its way or before it.
#[derive(Debug)]
struct Outgoing {
    id: MessageId,
    target: Uri,
    text: String,
    /// Until when it is tried; `None`: once.
    give_up_at: Option<Instant>,
    /// The same each time it is tried, so that who got it and was not heard shows it once. The number
    /// grows for credentials alone: outside a dialog it orders nothing.
    call_id: String,
    tag: String,
    sequence: u32,
    failures: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Idle,
    Sending,
    /// `None`: until the account is registered.
    Waiting(Option<Instant>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Telling {
    #[default]
    Free,
    UnderWay,
    Unwanted,
}

impl Talk {
    fn is_over(&self) -> bool {
        self.queue.is_empty()
            && self.stage == Stage::Idle
            && self.telling == Telling::Free
            && self.composer.deadline().is_none()
            && !self.watcher.is_composing()
    }

    fn deadline(&self) -> Option<Instant> {
        let first = self.queue.front();
        let waits = match self.stage {
            Stage::Waiting(retry_at) => {
                let give_up_at = first.and_then(|first| first.give_up_at);
                [retry_at, give_up_at].into_iter().flatten().min()
            }
            Stage::Idle | Stage::Sending => None,
        };
        let typing = [self.composer.deadline(), self.watcher.deadline()];
        typing.into_iter().chain([waits]).flatten().min()
    }
}

/// All conversations.
#[derive(Debug, Default)]
pub(super) struct Messaging {
    talks: BTreeMap<Pair, Talk>,
    inboxes: BTreeMap<AccountId, Inbox>,
    /// What each account's servers asked for last.
    digests: BTreeMap<AccountId, DigestClient>,
}

impl Messaging {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.talks.values().filter_map(Talk::deadline).min()
    }

    /// The account has another password, perhaps, or another server.
    pub(super) fn account_changed(&mut self, account: AccountId) {
        self.digests.remove(&account);
    }

    fn waiting(&self) -> usize {
        self.talks.values().map(|talk| talk.queue.len()).sum()
    }

    /// The conversation, if there is one or room for it.
    fn talk(&mut self, pair: &Pair) -> Option<&mut Talk> {
        if !self.talks.contains_key(pair) && self.talks.len() >= MAX_TALKS {
            let unwanted = |talk: &Talk| talk.queue.is_empty() && talk.telling == Telling::Unwanted;
            let old = self.talks.iter().find(|(_, talk)| unwanted(talk));
            let old = old.map(|(pair, _)| pair.clone())?;
            self.talks.remove(&old);
        }
        Some(self.talks.entry(pair.clone()).or_default())
    }

    /// The conversation, for what the other side begins: half of the room stays ours.
    fn talk_of_theirs(&mut self, pair: &Pair) -> Option<&mut Talk> {
        if !self.talks.contains_key(pair) && self.talks.len() >= MAX_TALKS / 2 {
            return None;
        }
        self.talk(pair)
    }

    /// Nothing more is under way there: nothing is kept of it.
    fn tidy(&mut self, pair: &Pair) {
        if self.talks.get(pair).is_some_and(Talk::is_over) {
            self.talks.remove(pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_known_by_its_name() {
        for failure in MessageFailure::ALL {
            assert_eq!(MessageFailure::from_code(failure.code()), Some(failure));
        }
        assert_eq!(MessageFailure::from_code("interrupted"), None);
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let written = |uri: &str| correspondent(&uri.parse().expect("a URI"));
        assert_eq!(
            written("sip:Ana@PBX.example:5060;transport=tcp"),
            "sip:Ana@pbx.example"
        );
        assert_eq!(written("sip:%61na@pbx.example"), "sip:ana@pbx.example");
        assert_eq!(
            written("sip:*72%23@10.0.0.1:5070"),
            "sip:*72%23@10.0.0.1:5070"
        );
        assert_eq!(written("sip:ana@[::1]:5060"), "sip:ana@[::1]");
        assert_eq!(written("sips:ana@h:5061"), "sips:ana@h");
        assert_eq!(written("tel:+551140028922"), "tel:+551140028922");
    }
}
