//! What a publication asks for and tells.

use std::time::{Duration, Instant};

use crate::sip::{Request, SoftStateFault, StatusCode};

/// What is to be done; to be polled until it answers `Wait`.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub enum PublicationOutput {
    /// Send this request, which has no Via yet, in a transaction of its own.
    Send(Request),
    /// How it stands has changed.
    Event(PublicationEvent),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// How the publication stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicationEvent {
    /// The server has the latest document. Told for each document, and not for refreshes.
    Published {
        /// The lifetime that it granted; it is refreshed before.
        expires: Duration,
    },
    /// An attempt failed. While a refresh fails, the document may still be there: see
    /// [`Publication::is_held`](super::Publication::is_held).
    Failed {
        /// Why, as something to act upon.
        cause: SoftStateFault,
        /// The final status, if an answer came.
        status: Option<StatusCode>,
        /// The server's own words, untrusted; at most 128 characters.
        reason: Option<String>,
        /// After how long it is tried again; `None`: only the person can change this.
        retry_in: Option<Duration>,
    },
    /// Taken back, as wished.
    Removed,
}
