//! What a registration asks for and tells.

use std::time::{Duration, Instant};

use crate::sip::{NameAddr, Request, StatusCode};

/// What is to be done; to be polled until it answers `Wait`.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub enum RegistrationOutput {
    /// Send this request, which has no Via yet, in a transaction of its own.
    Send(Request),
    /// The person would notice.
    Event(RegistrationEvent),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// How the binding stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationEvent {
    /// Made or refreshed.
    Registered {
        /// The lifetime that the registrar granted; it is refreshed before.
        expires: Duration,
        /// The way that requests of this account are to go (RFC 3608).
        service_route: Vec<NameAddr>,
    },
    /// An attempt failed. While a refresh fails, the binding may still be there: see
    /// [`Registration::is_bound`](super::Registration::is_bound).
    Failed {
        /// Why, as something to act upon.
        cause: RegistrationFault,
        /// The final status, if an answer came.
        status: Option<StatusCode>,
        /// The registrar's own words, untrusted; at most 128 characters.
        reason: Option<String>,
        /// After how long it is tried again; `None`: only the person can change this.
        retry_in: Option<Duration>,
    },
    /// Removed, as wished.
    Unregistered,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistrationFault {
    /// The credentials were refused.
    WrongPassword,
    /// The registrar asks for credentials, and there are none.
    PasswordNeeded,
    /// No way of authentication in common.
    AuthUnsupported,
    /// MD5 was asked for where SHA-2 was before.
    WeakDigest,
    /// It may only go encrypted, and there is only a way in the clear.
    Unencrypted,
    /// 403, 603: known, and not allowed.
    Forbidden,
    /// 404, 410, 604: no such address of record there.
    NotFound,
    /// The registrar and this phone do not agree on a lifetime.
    IntervalRejected,
    /// 5xx, a circle of redirections, or a server that asks without end.
    ServerError,
    /// No answer in time, or 408 and 504 from a server further on.
    Timeout,
    /// The request could not be delivered.
    Unreachable,
    /// Any other final answer.
    Rejected,
}

/// How a REGISTER ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegistrationFailure {
    /// The transaction ran out of time.
    Timeout,
    /// The transport could not deliver it, or the connection broke.
    Transport,
    /// It may only go encrypted, and there is only a way in the clear.
    Unencrypted,
}
