//! Requests and their answers; who one is (RFC 8489 section 9.2, RFC 8656 section 5).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::MAX_ALTERNATES;
use super::client::{Client, Event, Failure, Output, State, Transport};
use crate::nat::stun::binding::{Due, MAX_SENDS, RTO, Retransmission};
use crate::nat::stun::{Builder, Class, Key, Message, Method, TransactionId, attribute};

/// How often one request is repeated because the server wants credentials or another nonce.
const MAX_REPEATS: u32 = 4;
/// RFC 8489 section 6.2.2, Ti: how long an answer over a stream is waited for.
const STREAM_PATIENCE: Duration = Duration::from_millis(39_500);
/// REQUESTED-TRANSPORT: UDP between server and peer.
const UDP: u32 = 17 << 24;
/// REQUESTED-ADDRESS-FAMILY.
const IPV6: u32 = 2 << 24;
/// SHA-256 among PASSWORD-ALGORITHMS.
const SHA256: [u8; 4] = [0, 2, 0, 0];
/// What a nonce begins with that announces more than RFC 5389 knew.
const NONCE_COOKIE: &str = "obMatJos2";

/// What the server wants to be told with each request.
#[derive(Clone, Debug)]
pub(super) struct Authority {
    realm: String,
    nonce: Vec<u8>,
    key: Key,
    /// As the server listed them, to be told back.
    algorithms: Option<Vec<u8>>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Allocate,
    Refresh { close: bool },
    Permission(IpAddr),
    Channel(SocketAddr, u16),
}

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) purpose: Purpose,
    bytes: Vec<u8>,
    retransmission: Retransmission,
    /// Whether it says who one is.
    signed: bool,
    repeats: u32,
}

impl Client {
    pub(super) fn ask(&mut self, now: Instant, purpose: Purpose, repeats: u32) {
        let id = TransactionId::draw(&mut self.rng);
        let begin = |method| Builder::new(Class::Request, method, id);
        let builder = match purpose {
            Purpose::Allocate => {
                let builder = begin(Method::ALLOCATE).number(attribute::REQUESTED_TRANSPORT, UDP);
                if self.ipv6 {
                    builder.number(attribute::REQUESTED_ADDRESS_FAMILY, IPV6)
                } else {
                    builder
                }
            }
            Purpose::Refresh { close: true } => {
                begin(Method::REFRESH).number(attribute::LIFETIME, 0)
            }
            Purpose::Refresh { close: false } => begin(Method::REFRESH),
            Purpose::Permission(ip) => begin(Method::CREATE_PERMISSION)
                .xor_address(attribute::XOR_PEER_ADDRESS, SocketAddr::new(ip, 0)),
            Purpose::Channel(peer, number) => begin(Method::CHANNEL_BIND)
                .number(attribute::CHANNEL_NUMBER, u32::from(number) << 16)
                .xor_address(attribute::XOR_PEER_ADDRESS, peer),
        };
        let bytes = match &self.authority {
            Some(authority) => {
                let builder = builder
                    .text(attribute::USERNAME, &self.user)
                    .text(attribute::REALM, &authority.realm)
                    .attribute(attribute::NONCE, &authority.nonce);
                match &authority.algorithms {
                    Some(listed) => builder
                        .attribute(attribute::PASSWORD_ALGORITHMS, listed)
                        .attribute(attribute::PASSWORD_ALGORITHM, &SHA256)
                        .integrity_sha256(&authority.key),
                    None => builder.integrity(&authority.key),
                }
            }
            None => builder,
        }
        .fingerprint()
        .finish();
        let retransmission = match self.transport {
            Transport::Udp => Retransmission::new(now, RTO, MAX_SENDS),
            Transport::Stream => Retransmission::new(now, STREAM_PATIENCE / 16, 1),
        };
        self.requests.insert(
            id,
            Request {
                purpose,
                bytes: bytes.clone(),
                retransmission,
                signed: self.authority.is_some(),
                repeats,
            },
        );
        self.transmit(bytes);
    }

    pub(super) fn requests_due(&self) -> Option<Instant> {
        self.requests.values().map(|r| r.retransmission.due()).min()
    }

    pub(super) fn run_requests(&mut self, now: Instant) {
        let due: Vec<TransactionId> = self
            .requests
            .iter()
            .filter(|(_, request)| now >= request.retransmission.due())
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(request) = self.requests.get_mut(&id) else {
                continue;
            };
            match request.retransmission.handle_timeout(now) {
                Due::NotYet => {}
                Due::Send => {
                    let bytes = request.bytes.clone();
                    self.transmit(bytes);
                }
                Due::GiveUp => {
                    let purpose = request.purpose;
                    self.requests.remove(&id);
                    match purpose {
                        Purpose::Refresh { close: true } => self.end(Event::Closed),
                        Purpose::Allocate | Purpose::Refresh { .. } => {
                            self.end(Event::Failed(Failure::Silent));
                        }
                        Purpose::Permission(ip) => self.not_permitted(ip),
                        Purpose::Channel(peer, _) => self.unbound(peer),
                    }
                }
            }
        }
    }

    pub(super) fn answered(&mut self, now: Instant, message: &Message<'_>) {
        let id = message.transaction();
        let Some(request) = self.requests.get(&id).cloned() else {
            return;
        };
        let challenges = message
            .error()
            .is_some_and(|error| matches!(error.code, 401 | 438));
        let by_server = self
            .authority
            .as_ref()
            .is_some_and(|authority| message.is_by(&authority.key));
        // Once a request says who one is, the answer has to say who it is of; but for one that
        // refuses just that. Before that nobody can.
        if request.signed && !by_server && !challenges {
            // An error that is not signed (RFC 8489 section 9.2.5 leaves it to the server) would
            // let anybody end the allocation: only when there is none yet it is believed.
            let early = message.class() == Class::Error && self.state == State::Allocating;
            if !early || message.has_integrity() {
                return;
            }
        }
        self.requests.remove(&id);
        match message.error() {
            _ if message.class() == Class::Success => self.granted(now, request.purpose, message),
            Some(error) => self.refused(now, &request, error.code, message),
            None => self.failed(request.purpose, 0),
        }
    }

    fn granted(&mut self, now: Instant, purpose: Purpose, message: &Message<'_>) {
        let lifetime = message.number(attribute::LIFETIME).unwrap_or(600);
        let lifetime = Duration::from_secs(u64::from(lifetime.clamp(10, 3600)));
        // A minute before the end, or at half time of a short one.
        let refresh_at = now + lifetime - (lifetime / 2).min(Duration::from_secs(60));
        match purpose {
            Purpose::Allocate => {
                let relayed = message.xor_address(attribute::XOR_RELAYED_ADDRESS);
                let Some((relayed, mapped)) = relayed.zip(message.mapped_address()) else {
                    return self.end(Event::Failed(Failure::Broken));
                };
                self.state = State::Allocated { refresh_at };
                let event = Event::Allocated { relayed, mapped };
                self.outputs.push_back(Output::Event(event));
            }
            Purpose::Refresh { close: true } => self.end(Event::Closed),
            Purpose::Refresh { close: false } => self.state = State::Allocated { refresh_at },
            Purpose::Permission(ip) => self.permitted(now, ip),
            Purpose::Channel(peer, _) => self.bound(now, peer),
        }
    }

    fn refused(&mut self, now: Instant, request: &Request, code: u16, message: &Message<'_>) {
        let repeats = request.repeats + 1;
        match code {
            401 | 438 if repeats <= MAX_REPEATS => {
                // 401 to what was signed with the nonce given: the password is wrong.
                let wrong = code == 401 && request.signed;
                if wrong || !self.learn_authority(message) {
                    return self.failed(request.purpose, 401);
                }
                self.ask(now, request.purpose, repeats);
            }
            300 if request.purpose == Purpose::Allocate => {
                let server = message.address(attribute::ALTERNATE_SERVER);
                self.alternates += 1;
                match server {
                    Some(server)
                        if self.alternates <= MAX_ALTERNATES
                            && server.is_ipv4() == self.server.is_ipv4()
                            && server != self.server =>
                    {
                        self.server = server;
                        self.outputs
                            .push_back(Output::Event(Event::Alternate(server)));
                        self.authority = None;
                        self.ask(now, Purpose::Allocate, 0);
                    }
                    _ => self.end(Event::Failed(Failure::Broken)),
                }
            }
            code => self.failed(request.purpose, code),
        }
    }

    fn failed(&mut self, purpose: Purpose, code: u16) {
        match (purpose, code) {
            (Purpose::Refresh { close: true }, _) => self.end(Event::Closed),
            // Who one is and whether there is an allocation concerns all; the rest this peer.
            (Purpose::Permission(ip), code) if !matches!(code, 401 | 437 | 441) => {
                self.not_permitted(ip);
                self.outputs.push_back(Output::Event(Event::Forbidden(ip)));
            }
            (Purpose::Channel(peer, _), code) if !matches!(code, 401 | 437 | 441) => {
                self.unbound(peer);
            }
            (_, code) => self.end(Event::Failed(match code {
                401 | 441 => Failure::Credentials,
                403 => Failure::Forbidden,
                437 => Failure::Mismatch,
                440 | 442 => Failure::Unsupported,
                486 => Failure::Quota,
                508 => Failure::Capacity,
                0 => Failure::Broken,
                other => Failure::Refused(other),
            })),
        }
    }

    /// Takes realm and nonce of a 401 or 438, and makes the key. Whether there was anything new.
    fn learn_authority(&mut self, message: &Message<'_>) -> bool {
        let Some(nonce) = message.get(attribute::NONCE).filter(|n| n.len() <= 763) else {
            return false;
        };
        let realm = message.text(attribute::REALM).filter(|r| r.len() <= 763);
        if let Some(authority) = &mut self.authority
            && realm.is_none_or(|realm| realm == authority.realm)
        {
            let news = authority.nonce != nonce;
            authority.nonce = nonce.to_vec();
            return news;
        }
        let Some(realm) = realm else {
            return false;
        };
        // The nonce says whether the list of algorithms is the server's own (RFC 8489 section
        // 9.2.1): somebody on the way can neither add nor take away.
        let announced = nonce.starts_with(NONCE_COOKIE.as_bytes());
        let algorithms = message
            .get(attribute::PASSWORD_ALGORITHMS)
            .filter(|listed| announced && listed.chunks(4).any(|entry| *entry == SHA256));
        let password = self.password.reveal();
        self.authority = Some(Authority {
            key: match algorithms {
                Some(_) => Key::long_term_sha256(&self.user, realm, password),
                None => Key::long_term(&self.user, realm, password),
            },
            realm: realm.to_owned(),
            nonce: nonce.to_vec(),
            algorithms: algorithms.map(<[u8]>::to_vec),
        });
        true
    }
}
