//! One allocation: how it is got, kept and given back (RFC 8656 sections 7 and 8).

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::channel;
use super::permissions::{Bound, Permission};
use super::requests::{Authority, Purpose, Request};
use crate::nat::demux::{Carried, carried};
use crate::nat::stun::{Class, Message, Method, TransactionId, attribute};
use crate::redact::Secret;

/// What lies between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Requests are sent again until they are answered.
    Udp,
    /// TCP or TLS: nothing is lost, channel data is padded.
    Stream,
}

/// How a client begins.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server's address.
    pub server: SocketAddr,
    /// How it is reached.
    pub transport: Transport,
    /// Whose allocation it is.
    pub user: String,
    /// The user's password.
    pub password: Secret<String>,
    /// Whether the relayed address is to be an IPv6 one.
    pub ipv6: bool,
}

/// What the client wants, or has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Output {
    /// Bytes for the server, a frame of the stream or a datagram.
    Transmit {
        /// Whom to; over a stream, whose connection.
        server: SocketAddr,
        /// One frame.
        bytes: Vec<u8>,
    },
    /// Something changed.
    Event(Event),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is a relayed address.
    Allocated {
        /// What comes there is passed on to here.
        relayed: SocketAddr,
        /// Where the server saw the request come from.
        mapped: SocketAddr,
    },
    /// The server sends on to another one (300). Over a stream: connect there, a request is
    /// coming.
    Alternate(SocketAddr),
    /// The server lets nothing pass from and to this address.
    Forbidden(IpAddr),
    /// There is no relayed address, or no longer.
    Failed(Failure),
    /// The allocation was given back.
    Closed,
}

/// Why there is no relayed address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server does not answer.
    Silent,
    /// User or password are wrong (401 again, 441).
    Credentials,
    /// This user may not (403).
    Forbidden,
    /// The user has as many allocations as allowed (486).
    Quota,
    /// The server has no more room (508).
    Capacity,
    /// The server knows nothing of the allocation, or of another one from this port (437).
    Mismatch,
    /// Addresses of this family, or UDP, cannot be had there (440, 442).
    Unsupported,
    /// Another refusal.
    Refused(u16),
    /// An answer that lacks what it must hold, or servers that send on in circles.
    Broken,
}

/// What a datagram or frame of the server was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// Data from a peer.
    Data {
        /// Who sent it to the relayed address.
        peer: SocketAddr,
        /// What it sent.
        bytes: &'a [u8],
    },
    /// For the client itself, or nothing of use.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Allocating,
    Allocated { refresh_at: Instant },
    Closing,
    Ended,
}

/// The client's side of one allocation.
#[derive(Debug)]
pub struct Client {
    pub(super) server: SocketAddr,
    pub(super) transport: Transport,
    pub(super) user: String,
    pub(super) password: Secret<String>,
    pub(super) ipv6: bool,
    pub(super) authority: Option<Authority>,
    pub(super) state: State,
    pub(super) alternates: u32,
    pub(super) requests: BTreeMap<TransactionId, Request>,
    pub(super) permissions: BTreeMap<IpAddr, Permission>,
    pub(super) channels: BTreeMap<SocketAddr, Bound>,
    pub(super) waiting: VecDeque<(SocketAddr, Vec<u8>)>,
    pub(super) rng: ChaCha8Rng,
    pub(super) outputs: VecDeque<Output>,
}

impl Client {
    /// Begins to allocate. Over a stream the first bytes wait for the connection.
    #[must_use]
    pub fn new(now: Instant, config: Config, seed: [u8; 32]) -> Client {
        let mut client = Client {
            server: config.server,
            transport: config.transport,
            user: config.user,
            password: config.password,
            ipv6: config.ipv6,
            authority: None,
            state: State::Allocating,
            alternates: 0,
            requests: BTreeMap::new(),
            permissions: BTreeMap::new(),
            channels: BTreeMap::new(),
            waiting: VecDeque::new(),
            rng: ChaCha8Rng::from_seed(seed),
            outputs: VecDeque::new(),
        };
        client.ask(now, Purpose::Allocate, 0);
        client
    }

    /// The server in use; another than the configured one after [`Event::Alternate`].
    #[must_use]
    pub const fn server(&self) -> SocketAddr {
        self.server
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Output {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| Output::Wait(self.deadline()))
    }

    /// Time went on.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.run_requests(now);
        if let State::Allocated { refresh_at } = self.state {
            if now >= refresh_at {
                // Asked once; the answer sets the next time, and silence ends the allocation.
                self.state = State::Allocated {
                    refresh_at: now + Duration::from_secs(3600),
                };
                self.ask(now, Purpose::Refresh { close: false }, 0);
            }
            self.renew(now);
        }
    }

    /// A datagram or frame came from `source`.
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        source: SocketAddr,
        bytes: &'a [u8],
    ) -> Received<'a> {
        if source != self.server {
            return Received::Nothing;
        }
        match carried(bytes) {
            Carried::Channel => match channel::read(bytes) {
                Some((number, bytes)) => match self.peer_of(number) {
                    Some(peer) => Received::Data { peer, bytes },
                    None => Received::Nothing,
                },
                None => Received::Nothing,
            },
            Carried::Stun => match Message::parse(bytes) {
                Ok(message) => self.receive(now, &message),
                Err(_) => Received::Nothing,
            },
            _ => Received::Nothing,
        }
    }

    fn receive<'a>(&mut self, now: Instant, message: &Message<'a>) -> Received<'a> {
        match (message.class(), message.method()) {
            (Class::Indication, Method::DATA) => {
                let peer = message.xor_address(attribute::XOR_PEER_ADDRESS);
                match peer.zip(message.get(attribute::DATA)) {
                    // What somebody without a permission sends does not pass the server; that it
                    // was this server that sent it is no more than its address says.
                    Some((peer, bytes)) if self.permissions.contains_key(&peer.ip()) => {
                        return Received::Data { peer, bytes };
                    }
                    _ => {}
                }
            }
            (Class::Success | Class::Error, _) => self.answered(now, message),
            _ => {}
        }
        Received::Nothing
    }

    /// Gives the allocation back; [`Event::Closed`] follows. Without one it ends at once.
    pub fn close(&mut self, now: Instant) {
        match self.state {
            State::Allocated { .. } => {
                self.requests.clear();
                self.state = State::Closing;
                self.ask(now, Purpose::Refresh { close: true }, 0);
            }
            State::Allocating => {
                self.requests.clear();
                self.end(Event::Closed);
            }
            State::Closing | State::Ended => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let State::Allocated { refresh_at } = self.state else {
            return self.requests_due();
        };
        self.requests_due()
            .into_iter()
            .chain([refresh_at])
            .chain(self.renewal_due())
            .min()
    }

    pub(super) fn end(&mut self, event: Event) {
        self.state = State::Ended;
        self.requests.clear();
        self.permissions.clear();
        self.channels.clear();
        self.waiting.clear();
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn transmit(&mut self, bytes: Vec<u8>) {
        let server = self.server;
        self.outputs.push_back(Output::Transmit { server, bytes });
    }
}
