//! What a subscription asks for and tells.

use std::time::{Duration, Instant};

use crate::sip::{
    MediaType, Request, SoftStateFault, StatusCode, SubscriptionReason, SubscriptionState, Substate,
};

/// What is to be done; to be polled until it answers `Wait`.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptionOutput {
    /// Send this request, which has no Via yet, in a transaction of its own.
    Send(Request),
    /// Something was told, or came to nothing.
    Event(SubscriptionEvent),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// How the subscription stands, and what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionEvent {
    /// The first notification of a new dialog. Documents that count their versions begin anew.
    Subscribed(Substate),
    /// Allowed now, or waiting to be allowed again.
    Changed(Substate),
    /// A document came.
    Notified(Notification),
    /// The notifier ended it.
    Ended {
        /// Why, as far as it says.
        reason: Option<SubscriptionReason>,
        /// After how long it is asked for again; zero: at once; `None`: only the person can
        /// change this.
        retry_in: Option<Duration>,
    },
    /// An attempt failed. While a refresh fails, the subscription may still be there: see
    /// [`Subscription::is_held`](super::Subscription::is_held).
    Failed {
        /// Why, as something to act upon.
        cause: SoftStateFault,
        /// The final status, if an answer came.
        status: Option<StatusCode>,
        /// The server's own words, untrusted; at most 128 characters.
        reason: Option<String>,
        /// As in `Ended`.
        retry_in: Option<Duration>,
    },
    /// Over, as wished.
    Unsubscribed,
}

/// A document about what is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// What it is; `None` when the notifier does not say.
    pub content_type: Option<MediaType>,
    /// The document, untrusted; at most 256 KiB, never empty.
    pub body: Vec<u8>,
    /// How the subscription stands with it.
    pub state: SubscriptionState,
}
