//! Who may send through the allocation, and channels to them (RFC 8656 sections 9 to 12).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::client::{Client, State, Transport};
use super::requests::Purpose;
use super::{MAX_CHANNELS, MAX_PERMISSIONS, MAX_WAITING, RENEW_AFTER, channel};
use crate::nat::stun::{Builder, Class, Method, TransactionId, attribute};

/// A permission that nobody sends through is let go after this.
const UNUSED: Duration = Duration::from_secs(300);

/// A peer's address that may send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permission {
    granted: bool,
    /// `None` while a request is under way.
    renew_at: Option<Instant>,
    used: Instant,
}

/// A channel to a peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    number: u16,
    granted: bool,
    renew_at: Option<Instant>,
}

impl Client {
    /// Sends a datagram to a peer: on its channel if there is one. The first to an address waits
    /// until the server permits it. Without an allocation it is dropped.
    pub fn send(&mut self, now: Instant, peer: SocketAddr, bytes: &[u8]) {
        if !matches!(self.state, State::Allocated { .. }) {
            return;
        }
        self.permit(now, peer.ip());
        let Some(permission) = self.permissions.get_mut(&peer.ip()) else {
            return;
        };
        permission.used = now;
        if permission.granted {
            self.forward(peer, bytes);
        } else if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back((peer, bytes.to_vec()));
        }
    }

    /// Lets an address send, before anything is sent there: for each of the other side's
    /// candidates once they are known, so that its checks pass from the first one on.
    pub fn permit(&mut self, now: Instant, ip: IpAddr) {
        let known = self.permissions.contains_key(&ip);
        let ready = matches!(self.state, State::Allocated { .. });
        if known || !ready || self.permissions.len() >= MAX_PERMISSIONS {
            return;
        }
        self.permissions.insert(
            ip,
            Permission {
                granted: false,
                renew_at: None,
                used: now,
            },
        );
        self.ask(now, Purpose::Permission(ip), 0);
    }

    /// Asks for a channel to a peer: four bytes before each datagram in place of 36.
    pub fn bind_channel(&mut self, now: Instant, peer: SocketAddr) {
        let known = self.channels.contains_key(&peer);
        let ready = matches!(self.state, State::Allocated { .. });
        if known || !ready || self.channels.len() >= MAX_CHANNELS {
            return;
        }
        let mut numbers = channel::NUMBERS;
        let taken = |number: &u16| self.channels.values().any(|bound| bound.number == *number);
        let Some(number) = numbers.find(|number| !taken(number)) else {
            return;
        };
        self.channels.insert(
            peer,
            Bound {
                number,
                granted: false,
                renew_at: None,
            },
        );
        self.ask(now, Purpose::Channel(peer, number), 0);
    }

    /// The channel to a peer, once the server has bound it: for who writes channel data by
    /// themselves.
    #[must_use]
    pub fn channel_to(&self, peer: SocketAddr) -> Option<u16> {
        let bound = self.channels.get(&peer).filter(|bound| bound.granted)?;
        Some(bound.number)
    }

    /// The peer of a channel, asked for or bound.
    #[must_use]
    pub fn peer_of(&self, number: u16) -> Option<SocketAddr> {
        self.channels
            .iter()
            .find(|(_, bound)| bound.number == number)
            .map(|(peer, _)| *peer)
    }

    fn forward(&mut self, peer: SocketAddr, bytes: &[u8]) {
        let stream = self.transport == Transport::Stream;
        let mut wire = Vec::with_capacity(bytes.len() + 48);
        if let Some(number) = self.channel_to(peer) {
            channel::write(&mut wire, number, bytes, stream);
        } else {
            let id = TransactionId::draw(&mut self.rng);
            wire = Builder::new(Class::Indication, Method::SEND, id)
                .xor_address(attribute::XOR_PEER_ADDRESS, peer)
                .attribute(attribute::DATA, bytes)
                .finish();
        }
        self.transmit(wire);
    }

    pub(super) fn permitted(&mut self, now: Instant, ip: IpAddr) {
        if let Some(permission) = self.permissions.get_mut(&ip) {
            permission.granted = true;
            permission.renew_at = Some(now + RENEW_AFTER);
        }
        let waiting = std::mem::take(&mut self.waiting);
        for (peer, bytes) in waiting {
            if peer.ip() == ip {
                self.forward(peer, &bytes);
            } else {
                self.waiting.push_back((peer, bytes));
            }
        }
    }

    pub(super) fn not_permitted(&mut self, ip: IpAddr) {
        self.waiting.retain(|(peer, _)| peer.ip() != ip);
        // Remembered as refused, so that each datagram does not ask again; let go when unused.
        if let Some(permission) = self.permissions.get_mut(&ip) {
            permission.granted = false;
        }
    }

    pub(super) fn bound(&mut self, now: Instant, peer: SocketAddr) {
        if let Some(bound) = self.channels.get_mut(&peer) {
            bound.granted = true;
            bound.renew_at = Some(now + RENEW_AFTER);
        }
        // A channel is a permission too (RFC 8656 section 12).
        let permission = self.permissions.entry(peer.ip()).or_insert(Permission {
            granted: true,
            renew_at: None,
            used: now,
        });
        permission.granted = true;
        permission.renew_at = Some(now + RENEW_AFTER);
    }

    /// The channel cannot be had; data goes without.
    pub(super) fn unbound(&mut self, peer: SocketAddr) {
        self.channels.remove(&peer);
    }

    pub(super) fn renewal_due(&self) -> Option<Instant> {
        let permissions = self.permissions.values().filter_map(|p| p.renew_at);
        let channels = self.channels.values().filter_map(|b| b.renew_at);
        permissions.chain(channels).min()
    }

    pub(super) fn renew(&mut self, now: Instant) {
        let mut asks = Vec::new();
        for (peer, bound) in &mut self.channels {
            if bound.renew_at.is_some_and(|at| now >= at) {
                bound.renew_at = None;
                asks.push(Purpose::Channel(*peer, bound.number));
            }
        }
        let channels: Vec<IpAddr> = self.channels.keys().map(SocketAddr::ip).collect();
        self.permissions.retain(|ip, permission| {
            let used = now < permission.used + UNUSED || channels.contains(ip);
            let due = permission.renew_at.is_some_and(|at| now >= at);
            if due && used {
                permission.renew_at = None;
                asks.push(Purpose::Permission(*ip));
            }
            !due || used
        });
        for purpose in asks {
            self.ask(now, purpose, 0);
        }
    }
}
