//! What a person watches of others, as plain data: busy lamps, presence, messages waiting.

use std::time::Instant;

use super::Party;
use crate::events::dialog_info::{self, Dialog, DialogInfo, DialogState, Lamp, Pickup};
use crate::events::{message_summary, pidf};
use crate::sip::{NameAddr, SoftStateFault, SubscriptionReason, Uri};

/// Names one watch for as long as the phone runs; chosen by whoever asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub u64);

/// What is watched of somebody: the event package (RFC 6665 section 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Package {
    /// Their calls (RFC 4235): a busy lamp.
    Dialog,
    /// Whether they can be reached, and what they are doing (RFC 3856).
    Presence,
    /// The messages in a mailbox (RFC 3842).
    MessageSummary,
}

impl Package {
    /// Every package, in order.
    pub const ALL: [Package; 3] = [Package::Dialog, Package::Presence, Package::MessageSummary];

    /// Its name in `Event`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Package::Dialog => dialog_info::PACKAGE,
            Package::Presence => pidf::PACKAGE,
            Package::MessageSummary => message_summary::PACKAGE,
        }
    }

    /// The bodies that are read of it.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Package::Dialog => dialog_info::MEDIA_TYPE,
            Package::Presence => pidf::MEDIA_TYPE,
            Package::MessageSummary => message_summary::MEDIA_TYPE,
        }
    }
}

/// How a watch stands.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchState {
    /// Who is watched has not yet to allow it: what is told until then may say nothing.
    Pending,
    /// It is told of every change.
    Active,
    /// Nothing is told, or soon will not be.
    Failed {
        /// Why, as something to act upon.
        cause: WatchCause,
        /// The final status, if an answer came.
        status: Option<u16>,
        /// The server's own words, untrusted; at most 128 characters.
        reason: Option<String>,
        /// When it is asked for again; `None`: only the person can change this.
        retry_at: Option<Instant>,
        /// What was told before still holds: only the refresh failed.
        kept: bool,
    },
    /// Ended as wished.
    Over,
}

/// Why a watch, or the publication of one's own presence, fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WatchCause {
    /// Credentials were given and refused, or none of ours fit.
    WrongPassword,
    /// The server asks for credentials and the account has none.
    PasswordNeeded,
    /// MD5 was asked for where SHA-2 was before: not given.
    WeakDigest,
    /// A server that is none of the account's own asks for a password: not given.
    ForeignServer,
    /// The account wants everything encrypted, and there is only a way in the clear.
    Unencrypted,
    /// 403, 603, or whoever is watched said no.
    NotAllowed,
    /// 404, 410, 604: there is nobody of that name.
    NotFound,
    /// 489, 405, 501: the server has nothing of this kind to tell.
    NotOffered,
    /// The host name does not resolve, nothing listens there, or there is no way to it.
    Unreachable,
    /// No answer in time, or an answer and then not a word.
    TimedOut,
    /// The server is in trouble, or has forgotten or ended it: it is asked again.
    ServerTrouble,
    /// Any other final answer.
    Refused,
}

impl WatchCause {
    pub(super) fn of_fault(fault: SoftStateFault, status: Option<u16>) -> WatchCause {
        match fault {
            SoftStateFault::WrongPassword | SoftStateFault::AuthUnsupported => {
                WatchCause::WrongPassword
            }
            SoftStateFault::PasswordNeeded => WatchCause::PasswordNeeded,
            SoftStateFault::WeakDigest => WatchCause::WeakDigest,
            SoftStateFault::ForeignServer => WatchCause::ForeignServer,
            SoftStateFault::Unencrypted => WatchCause::Unencrypted,
            SoftStateFault::Forbidden => WatchCause::NotAllowed,
            SoftStateFault::NotFound => WatchCause::NotFound,
            SoftStateFault::BadEvent => WatchCause::NotOffered,
            SoftStateFault::Unreachable => WatchCause::Unreachable,
            SoftStateFault::Timeout | SoftStateFault::Silent => WatchCause::TimedOut,
            SoftStateFault::ServerError | SoftStateFault::Forgotten => WatchCause::ServerTrouble,
            SoftStateFault::Rejected if matches!(status, Some(405 | 501)) => WatchCause::NotOffered,
            SoftStateFault::IntervalRejected
            | SoftStateFault::Redirected
            | SoftStateFault::Rejected => WatchCause::Refused,
        }
    }

    pub(super) fn of_reason(reason: Option<&SubscriptionReason>) -> WatchCause {
        match reason {
            Some(SubscriptionReason::Rejected) => WatchCause::NotAllowed,
            Some(SubscriptionReason::NoResource) => WatchCause::NotFound,
            _ => WatchCause::ServerTrouble,
        }
    }
}

/// What a busy lamp shows, and with whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LampState {
    /// Its colour.
    pub lamp: Lamp,
    /// The other side of the call that it shows, if it is told. Untrusted.
    pub with: Option<Party>,
    /// What a call that rings there is picked up with, if enough is told.
    pub pickup: Option<Pickup>,
}

impl LampState {
    pub(super) fn of(calls: &DialogInfo) -> LampState {
        let lamp = calls.lamp();
        let shown = calls.dialogs().iter().find(|dialog| match lamp {
            Lamp::Ringing => dialog.state == DialogState::Early,
            Lamp::Busy => dialog.state == DialogState::Confirmed,
            Lamp::Unknown | Lamp::Idle => false,
        });
        LampState {
            lamp,
            with: shown.and_then(other_side),
            pickup: calls.pickup(),
        }
    }
}

fn other_side(dialog: &Dialog) -> Option<Party> {
    let uri = dialog.remote.identity.as_ref()?.parse::<Uri>().ok()?;
    let mut other = NameAddr::new(uri);
    other.display_name.clone_from(&dialog.remote.display_name);
    Some(super::requests::party(&other))
}
