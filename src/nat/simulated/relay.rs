//! A TURN server (RFC 8656), small: one user, UDP.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::nat::demux::{Carried, carried};
use crate::nat::stun::{Builder, Class, Key, Message, Method, TransactionId, attribute};
use crate::nat::turn::channel;

pub(crate) const USER: &str = "ana";
pub(crate) const PASSWORD: &str = "a long term";
const REALM: &str = "example.org";

#[derive(Debug)]
struct Allocation {
    port: u16,
    ends: Instant,
    permissions: BTreeMap<IpAddr, Instant>,
    channels: BTreeMap<u16, (SocketAddr, Instant)>,
}

/// A datagram that the server sends: from, to, bytes.
pub(crate) type Sent = (SocketAddr, SocketAddr, Vec<u8>);

#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    allocations: BTreeMap<SocketAddr, Allocation>,
    next_port: u16,
    nonce: u32,
    /// Signed requests since the nonce was new; a nonce serves so many.
    served: u32,
    pub(crate) nonce_serves: u32,
    pub(crate) lifetime: Duration,
    /// Refuses every Allocate that is signed, by this code.
    pub(crate) refuses: Option<u16>,
    /// Sends every Allocate on to this server.
    pub(crate) alternate: Option<SocketAddr>,
    /// Lets nothing pass to and from here.
    pub(crate) forbidden: Option<IpAddr>,
    /// Methods that were granted, in their order.
    pub(crate) granted: Vec<Method>,
    /// Data passed on as an indication, and on a channel.
    pub(crate) passed: [usize; 2],
}

impl Relay {
    pub(crate) fn new(address: SocketAddr) -> Relay {
        Relay {
            address,
            allocations: BTreeMap::new(),
            next_port: 50_000,
            nonce: 1,
            served: 0,
            nonce_serves: u32::MAX,
            lifetime: Duration::from_secs(600),
            refuses: None,
            alternate: None,
            forbidden: None,
            granted: Vec::new(),
            passed: [0; 2],
        }
    }

    pub(crate) fn key() -> Key {
        Key::long_term(USER, REALM, PASSWORD)
    }

    pub(crate) fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// As after it was started anew.
    pub(crate) fn forget(&mut self) {
        self.allocations.clear();
    }

    fn relayed(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address.ip(), port)
    }

    /// A datagram came to the server's port or to a relayed one.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Vec<Sent> {
        self.allocations.retain(|_, a| now < a.ends);
        if to != self.address {
            return self.pass_back(now, from, to, bytes).into_iter().collect();
        }
        if carried(bytes) == Carried::Channel {
            return self
                .pass_channel_data(now, from, bytes)
                .into_iter()
                .collect();
        }
        let Ok(message) = Message::parse(bytes) else {
            return Vec::new();
        };
        match (message.class(), message.method()) {
            (Class::Indication, Method::SEND) => self
                .pass_indication(now, from, &message)
                .into_iter()
                .collect(),
            (Class::Request, _) => vec![(self.address, from, self.answer(now, from, &message))],
            _ => Vec::new(),
        }
    }

    fn pass_back(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Option<Sent> {
        let (client, allocation) = self
            .allocations
            .iter()
            .find(|(_, allocation)| allocation.port == to.port())?;
        if now >= *allocation.permissions.get(&from.ip())? {
            return None;
        }
        let bound = allocation
            .channels
            .iter()
            .find(|(_, (peer, ends))| *peer == from && now < *ends);
        let mut wire = Vec::new();
        match bound {
            Some((number, _)) => {
                channel::write(&mut wire, *number, bytes, false);
                self.passed[1] += 1;
            }
            None => {
                let id = TransactionId([0x55; 12]);
                wire = Builder::new(Class::Indication, Method::DATA, id)
                    .xor_address(attribute::XOR_PEER_ADDRESS, from)
                    .attribute(attribute::DATA, bytes)
                    .finish();
                self.passed[0] += 1;
            }
        }
        Some((self.address, *client, wire))
    }

    fn pass_channel_data(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Option<Sent> {
        let (number, data) = channel::read(bytes)?;
        let allocation = self.allocations.get(&from)?;
        let (peer, ends) = *allocation.channels.get(&number)?;
        let relayed = self.relayed(allocation.port);
        (now < ends).then(|| {
            self.passed[1] += 1;
            (relayed, peer, data.to_vec())
        })
    }

    fn pass_indication(
        &mut self,
        now: Instant,
        from: SocketAddr,
        message: &Message<'_>,
    ) -> Option<Sent> {
        let peer = message.xor_address(attribute::XOR_PEER_ADDRESS)?;
        let data = message.get(attribute::DATA)?;
        let allocation = self.allocations.get(&from)?;
        if now >= *allocation.permissions.get(&peer.ip())? {
            return None;
        }
        self.passed[0] += 1;
        Some((self.relayed(allocation.port), peer, data.to_vec()))
    }

    fn answer(&mut self, now: Instant, from: SocketAddr, request: &Message<'_>) -> Vec<u8> {
        let refuse = |code: u16| Builder::answer(Class::Error, request).error(code, "no");
        let challenge = |code: u16, nonce: u32| {
            refuse(code)
                .text(attribute::REALM, REALM)
                .text(attribute::NONCE, &format!("nonce{nonce}"))
                .fingerprint()
                .finish()
        };
        if let Some(elsewhere) = self.alternate {
            let refusal = refuse(300).address(attribute::ALTERNATE_SERVER, elsewhere);
            return refusal.finish();
        }
        if !request.has_integrity() {
            return challenge(401, self.nonce);
        }
        let nonce = format!("nonce{}", self.nonce);
        self.served += 1;
        if request.text(attribute::NONCE) != Some(&nonce) || self.served > self.nonce_serves {
            self.nonce += 1;
            self.served = 0;
            return challenge(438, self.nonce);
        }
        let key = Relay::key();
        if !request.is_by(&key) || request.text(attribute::USERNAME) != Some(USER) {
            return challenge(401, self.nonce);
        }
        match self.grant(now, from, request) {
            Ok(answer) => {
                self.granted.push(request.method());
                answer.integrity(&key).fingerprint().finish()
            }
            Err(code) => refuse(code).integrity(&key).fingerprint().finish(),
        }
    }

    fn grant(
        &mut self,
        now: Instant,
        from: SocketAddr,
        request: &Message<'_>,
    ) -> Result<Builder, u16> {
        let answer = Builder::answer(Class::Success, request);
        let seconds = self.lifetime.as_secs() as u32;
        if request.method() == Method::ALLOCATE {
            if let Some(code) = self.refuses {
                return Err(code);
            }
            // A request that was sent again gets the same answer.
            let port = match self.allocations.get(&from) {
                Some(known) => known.port,
                None => {
                    self.next_port += 1;
                    self.next_port
                }
            };
            self.allocations.entry(from).or_insert(Allocation {
                port,
                ends: now + self.lifetime,
                permissions: BTreeMap::new(),
                channels: BTreeMap::new(),
            });
            return Ok(answer
                .xor_address(attribute::XOR_RELAYED_ADDRESS, self.relayed(port))
                .xor_address(attribute::XOR_MAPPED_ADDRESS, from)
                .number(attribute::LIFETIME, seconds));
        }
        let lifetime = self.lifetime;
        let forbidden = self.forbidden;
        let allocation = self.allocations.get_mut(&from).ok_or(437u16)?;
        let peer = request.xor_address(attribute::XOR_PEER_ADDRESS);
        let permission = now + Duration::from_secs(300);
        match request.method() {
            Method::REFRESH if request.number(attribute::LIFETIME) == Some(0) => {
                self.allocations.remove(&from);
                Ok(answer.number(attribute::LIFETIME, 0))
            }
            Method::REFRESH => {
                allocation.ends = now + lifetime;
                Ok(answer.number(attribute::LIFETIME, seconds))
            }
            Method::CREATE_PERMISSION => {
                let ip = peer.ok_or(400u16)?.ip();
                if forbidden == Some(ip) {
                    return Err(403);
                }
                allocation.permissions.insert(ip, permission);
                Ok(answer)
            }
            Method::CHANNEL_BIND => {
                let peer = peer.ok_or(400u16)?;
                let number = request.number(attribute::CHANNEL_NUMBER).ok_or(400u16)?;
                let number = (number >> 16) as u16;
                if !channel::NUMBERS.contains(&number) {
                    return Err(400);
                }
                allocation.permissions.insert(peer.ip(), permission);
                let ends = now + Duration::from_secs(600);
                allocation.channels.insert(number, (peer, ends));
                Ok(answer)
            }
            _ => Err(400),
        }
    }
}
