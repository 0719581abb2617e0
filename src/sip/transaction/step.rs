//! What the machines ask of the layer that owns them.
//!
//! A machine holds a state and its deadlines, and no message: the layer keeps the bytes. That is
//! why every step is a word and not a value.

use std::time::Instant;

/// Why a request got no final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 64·T1 passed; to be treated as a 408 (RFC 3261 section 8.1.3.1).
    Timeout,
    /// The transport could not deliver; to be treated as a 503.
    Transport,
    /// It is too long for a datagram, and there is no connection to be had. Only of a MESSAGE, which
    /// nothing would slow down on a crowded network (RFC 3428 section 8).
    TooLong,
}

/// A step of a client transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientStep {
    /// Send the request, for the first time or again.
    SendRequest,
    /// Acknowledge the non-2xx final response that was just handled.
    SendAck,
    /// Give the response that was just handled to the user.
    Pass,
    /// Tell the user that there will be no response.
    Fail(Failure),
    /// Nothing before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
    /// The transaction is over and can be forgotten.
    End,
}

/// A step of a server transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerStep {
    /// Send the latest response, for the first time or again.
    SendResponse,
    /// Answer 100: the user is silent.
    SendTrying,
    /// Give the ACK that was just handled to the user: it acknowledges a 2xx.
    PassAck,
    /// No ACK came for a non-2xx final response.
    AckMissing,
    /// Nothing before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
    /// The transaction is over and can be forgotten.
    End,
}
