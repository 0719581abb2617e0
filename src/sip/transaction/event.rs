//! The vocabulary of the transaction layer: peers, keys, events, errors, limits.

use std::net::SocketAddr;
use std::time::Instant;

pub use super::step::Failure;
use crate::sip::{Request, Response, Transport, WriteError};

/// Names one stream connection for as long as the program runs; numbers are not used twice.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Where a message came from or goes to.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer {
    /// How it travels.
    pub transport: Transport,
    /// The other side's address, as the socket sees it.
    pub remote: SocketAddr,
    /// The address of ours that it was, or is to be, sent from. Becomes the sent-by of the Via.
    pub local: SocketAddr,
    /// The stream connection it belongs to, so that answers go back on it. `None` for UDP, or for
    /// "any connection to that address, or a new one".
    pub connection: Option<ConnectionId>,
}

/// Names a client transaction of one [`TransactionLayer`](super::TransactionLayer). Never used
/// twice.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientKey(pub(super) u64);

/// Names a server transaction of one [`TransactionLayer`](super::TransactionLayer). Never used
/// twice.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerKey(pub(super) u64);

/// What the layer asks for; to be polled until it answers `Wait`.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "polled one at a time, and moved at once"
)]
pub enum Output {
    /// Send these bytes.
    Transmit {
        /// To whom, and over what.
        to: Peer,
        /// One whole message.
        bytes: Vec<u8>,
    },
    /// Something the user of the layer has to know.
    Event(Event),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// What the transaction user, the core of a user agent, has to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A request that is no repetition; to be answered with
    /// [`respond`](super::TransactionLayer::respond). Its top Via is stamped with where it came
    /// from. Never ACK or CANCEL.
    Request {
        /// Of the transaction that waits for the answer.
        key: ServerKey,
        /// As it came, but for the top Via.
        request: Request,
        /// The sender.
        from: Peer,
    },
    /// The caller took back an INVITE that has no final response yet; to be answered with 487.
    /// The CANCEL itself has been answered.
    Cancelled {
        /// The INVITE's.
        key: ServerKey,
        /// The CANCEL, which may say why (RFC 3326).
        cancel: Request,
    },
    /// The first ACK to a 2xx. Repetitions are absorbed.
    Ack {
        /// The INVITE's, whose transaction may be gone soon.
        key: ServerKey,
        /// The ACK, which may carry the answer to an offer in the 2xx.
        request: Request,
        /// The sender.
        from: Peer,
    },
    /// A 2xx was repeated for 64·T1 and never acknowledged: end the dialog with BYE (RFC 3261
    /// section 13.3.1.4).
    AckMissing {
        /// The INVITE's.
        key: ServerKey,
    },
    /// A response: each provisional one; each 2xx to an INVITE, those of other legs of a fork
    /// and repetitions included, since each wants an ACK; one final response otherwise.
    Response {
        /// Of the transaction that asked.
        key: ClientKey,
        /// As it came.
        response: Response,
        /// The sender.
        from: Peer,
    },
    /// There will be no final response. The transaction is gone.
    Failed {
        /// Of the transaction that asked.
        key: ClientKey,
        /// Why.
        failure: Failure,
    },
}

/// Why a request was not sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// An ACK makes no transaction; that of a 2xx goes out by
    /// [`send_ack`](super::TransactionLayer::send_ack), the other kind by itself.
    #[error("an ACK makes no transaction")]
    Ack,
    /// As many requests as [`Limits::clients`] are on their way.
    #[error("too many requests are on their way")]
    TooMany,
    /// A MESSAGE too long for a datagram, to where no other way leads (RFC 3428 section 8).
    #[error("too long for a datagram")]
    TooLong,
    /// The request cannot be put on the wire.
    #[error("the request cannot be written")]
    Write(#[from] WriteError),
}

/// Why a response was not sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RespondError {
    /// The transaction is over or never was.
    #[error("the transaction is over")]
    Gone,
    /// The transaction has its final response.
    #[error("the request has been answered")]
    Answered,
    /// The response cannot be put on the wire.
    #[error("the response cannot be written")]
    Write(#[from] WriteError),
}

/// Bounds of what the layer remembers, and of what it sends over UDP.
///
/// A flood meets them in turn: transactions that only absorb repetitions make way for new ones,
/// oldest first; then an address that holds its share is answered 503 with Retry-After, from no
/// transaction; and when the table is full of unfinished transactions, new requests are dropped.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Client transactions alive at once, not counting the CANCEL that each INVITE may have.
    pub clients: usize,
    /// Server transactions alive at once. Each holds at most the response that it last sent.
    pub servers: usize,
    /// Server transactions of one remote IP address. A proxy is one address, so this is ample.
    pub servers_per_address: usize,
    /// Longest request in bytes that goes out over UDP where TCP can be had (RFC 3261 section
    /// 18.1.1, for an unknown path MTU: 1300). `usize::MAX` keeps everything on UDP.
    pub datagram_request: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            clients: 2_048,
            servers: 4_096,
            servers_per_address: 2_048,
            datagram_request: 1_300,
        }
    }
}

/// Seconds after which a sender that was told 503 may come back: the time in which a completed
/// transaction is forgotten, rounded down, so that a well-behaved sender is not kept out long.
pub(super) const RETRY_AFTER_SECS: u32 = 10;
