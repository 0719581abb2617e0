//! The transaction layer: owns the machines and finds the one that a message belongs to.
//!
//! ```text
//!            transaction user (agent, lab)
//!     request ▲ │ respond           Response ▲ │ request, cancel
//!      Cancel │ ▼                     Failed │ ▼
//!   ┌──────────────────┐          ┌──────────────────┐
//!   │ Servers          │          │ Clients          │
//!   │  InviteServer    │          │  InviteClient    │
//!   │  NonInviteServer │          │  NonInviteClient │
//!   │  AwaitedAck      │          │                  │
//!   └──────────────────┘          └──────────────────┘
//!    requests ▲ │ Transmit        responses ▲ │ Transmit
//!             │ ▼                           │ ▼
//!                      transport
//! ```
//!
//! What belongs to nothing is dropped: a response whose top Via is not of a request on its way
//! (RFC 6026 section 7.2 forbids to act on strays), an ACK without an INVITE, a message that
//! cannot be read and has no sender to tell. What is sent over UDP and lost is sent again by the
//! machines; what comes again is answered by them.

use std::net::SocketAddr;
use std::time::Instant;

use super::clients::Clients;
use super::event::{ClientKey, Limits, Output, Peer, RespondError, SendError, ServerKey};
use super::outbox::Outbox;
use super::routing::response_route;
use super::servers::Servers;
use super::timers::Timers;
use super::token::Tokens;
use crate::sip::{Message, ParseError, Parsed, Request, Response, StatusCode, parse_datagram};

/// Every transaction of one user agent.
#[derive(Debug)]
pub struct TransactionLayer {
    clients: Clients,
    servers: Servers,
    tokens: Tokens,
    outbox: Outbox,
}

impl TransactionLayer {
    /// A layer without transactions. `seed` is what its branches and tags are made of; a
    /// stranger must not know it.
    #[must_use]
    pub fn new(timers: Timers, seed: u64) -> Self {
        TransactionLayer::with_limits(timers, Limits::default(), seed)
    }

    /// Like [`new`](Self::new), with bounds of the caller's choice.
    #[must_use]
    pub fn with_limits(timers: Timers, limits: Limits, seed: u64) -> Self {
        TransactionLayer {
            clients: Clients::new(timers, limits),
            servers: Servers::new(timers, limits),
            tokens: Tokens::new(seed),
            outbox: Outbox::default(),
        }
    }

    /// Sends a request, which has no Via of ours yet, and waits for its responses.
    ///
    /// A request too long for a datagram goes over TCP, and over UDP after all when
    /// [`handle_transport_error`](Self::handle_transport_error) says that TCP is refused (RFC
    /// 3261 section 18.1.1). The key stays the same.
    ///
    /// # Errors
    ///
    /// [`SendError`]: nothing was sent and there is no transaction.
    pub fn request(
        &mut self,
        now: Instant,
        request: Request,
        to: Peer,
    ) -> Result<ClientKey, SendError> {
        self.clients
            .request(now, request, to, &mut self.tokens, &mut self.outbox)
    }

    /// Sends the ACK of a 2xx, which has no Via yet. Makes no transaction: each
    /// [`Event::Response`](super::Event::Response) that repeats the 2xx asks for it again.
    ///
    /// # Errors
    ///
    /// [`SendError::Write`]: the ACK cannot be put on the wire.
    pub fn send_ack(&mut self, ack: Request, to: Peer) -> Result<(), SendError> {
        self.clients
            .send_ack(ack, to, &mut self.tokens, &mut self.outbox)
    }

    /// Whether, from here on, nothing is sent to `remote` over TCP for its length alone, because
    /// the person has chosen UDP. The last 64 such addresses are remembered.
    pub fn set_datagrams_only(&mut self, remote: SocketAddr, only: bool) {
        self.clients.set_datagrams_only(remote, only);
    }

    /// Whether a response had to be dropped since this was asked last because its Via, ours by the
    /// branch, has another sent-by (RFC 3261 section 18.1.2): somebody on the way rewrote it.
    pub const fn take_altered(&mut self) -> bool {
        self.clients.take_altered()
    }

    /// Takes back the INVITE of `invite` (RFC 3261 section 9.1).
    ///
    /// The CANCEL waits for a provisional response; should a final one come first, it is never
    /// sent and its key never heard of again. The INVITE ends by its own final response, as a
    /// rule 487, or fails 64·T1 after the CANCEL. A 2xx may have crossed the CANCEL: it must be
    /// acknowledged, and its dialog ended with BYE.
    ///
    /// The CANCEL's key; the same one when asked twice; `None` when there is nothing left to
    /// take back.
    pub fn cancel(&mut self, now: Instant, invite: &ClientKey) -> Option<ClientKey> {
        self.clients.cancel(now, *invite, &mut self.outbox)
    }

    /// Answers a request.
    ///
    /// A To without tag gets one. A 2xx to an INVITE is repeated until its ACK comes or
    /// [`Event::AckMissing`](super::Event::AckMissing) says that none did. A 408 to another request than INVITE ends the
    /// transaction in silence (RFC 4320 section 4.2).
    ///
    /// # Errors
    ///
    /// [`RespondError`]: nothing was sent and nothing has changed.
    pub fn respond(
        &mut self,
        now: Instant,
        key: &ServerKey,
        response: Response,
    ) -> Result<(), RespondError> {
        self.servers.respond(now, *key, response, &mut self.outbox)
    }

    /// Stops repeating the 2xx of an INVITE: its dialog has ended another way.
    pub fn stop_awaiting_ack(&mut self, key: &ServerKey) {
        self.servers.stop_awaiting_ack(*key, &mut self.outbox);
    }

    /// Takes a datagram.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &[u8], from: Peer) {
        self.handle_message(now, parse_datagram(bytes), from);
    }

    /// Takes a message that was read from a datagram or a stream.
    pub fn handle_message(
        &mut self,
        now: Instant,
        message: Result<Parsed, ParseError>,
        from: Peer,
    ) {
        let parsed = match message {
            Ok(parsed) => parsed,
            Err(error) => {
                if let Some(reply) = error.reply {
                    self.refuse_unreadable(reply, from);
                }
                return;
            }
        };
        let refused = parsed.fault();
        match parsed.message {
            Message::Request(request) => {
                self.servers.handle_request(
                    now,
                    request,
                    refused,
                    from,
                    &mut self.tokens,
                    &mut self.outbox,
                );
            }
            Message::Response(response) => {
                if let Some(status) = refused {
                    tracing::debug!(status = status.code(), "dropped a faulty response");
                    return;
                }
                self.clients
                    .handle_response(now, &response, from, &mut self.outbox);
            }
        }
    }

    /// Answers a request from no transaction, and remembers nothing of it (RFC 3261 section 8.2.7);
    /// not at all where the answer would be longer than `at_most`, since the sender of a datagram
    /// may be somebody else than it says.
    pub fn refuse_unseen(
        &mut self,
        request: &Request,
        status: StatusCode,
        from: Peer,
        at_most: usize,
    ) {
        self.servers.refuse_stranger(
            request,
            status,
            from,
            at_most,
            &self.tokens,
            &mut self.outbox,
        );
    }

    /// Bytes could not be delivered to `to`, or its connection is lost.
    ///
    /// Requests to it that have no answer fail, or begin anew over UDP; responses find another
    /// way or wait for the request to come again.
    pub fn handle_transport_error(&mut self, now: Instant, to: Peer) {
        self.clients
            .handle_transport_error(now, to, &mut self.outbox);
        self.servers.handle_transport_error(to, &mut self.outbox);
    }

    /// Acts on the deadlines that have passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.clients.handle_timeout(now, &mut self.outbox);
        self.servers.handle_timeout(now, &mut self.outbox);
    }

    /// The next thing to do; to be called until it answers `Wait`.
    pub fn poll_output(&mut self) -> Output {
        match self.outbox.pop() {
            Some(output) => output,
            None => {
                let deadlines = [self.clients.deadline(), self.servers.deadline()];
                Output::Wait(deadlines.into_iter().flatten().min())
            }
        }
    }

    /// Transactions alive, of both sides.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Whether no transaction is alive: nothing would be cut short by stopping.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends what the parser answers to a request that it could not read, from no transaction:
    /// the same request gets the same answer.
    fn refuse_unreadable(&mut self, mut reply: Response, from: Peer) {
        let Ok(mut via) = reply.headers.top_via() else {
            return;
        };
        via.note_source(from.remote.ip().to_canonical(), from.remote.port());
        let to = response_route(&via, &from).to;
        reply.headers.replace_top_via(&via);
        if let Ok(bytes) = reply.to_bytes() {
            self.outbox.transmit(to, bytes);
        }
    }
}
