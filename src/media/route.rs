//! Which way a call's packets go and come, where it is not simply the one that the plan says: what
//! arrives is sorted, what leaves is wrapped for a relay.
//!
//! A media port is open to the world. Until something says otherwise, RTP and RTCP go by what was
//! signalled and by where they come from; once a way was found that the far side has proved to be
//! its own (RFC 8445), nobody else is listened to.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::session::Port;
use crate::nat::demux::{self, Carried};
use crate::nat::turn::channel;

/// Datagrams beside RTP and RTCP that are handed on at once…
const BURST: u32 = 64;
/// …and one more each time that so much has passed: 200 a second.
const REFILL: Duration = Duration::from_millis(5);

/// Both ways of a call, as far as they are not what was signalled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The way of RTP; `None`: as signalled.
    pub rtp: Option<Way>,
    /// The way of RTCP, where it has a port of its own; `None`: as signalled.
    pub rtcp: Option<Way>,
    /// Servers and peers whose STUN is not to be crowded out by that of strangers. A few.
    pub known: Vec<SocketAddr>,
}

/// The way of one port's packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Where they go, and over which relay of ours; `None`: nowhere yet, or no longer.
    pub to: Option<(SocketAddr, Option<Relay>)>,
    /// Whose are taken. A few.
    pub from: Vec<SocketAddr>,
}

/// A channel to the far side over a TURN server (RFC 8656 section 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The server.
    pub server: SocketAddr,
    /// The channel's number.
    pub channel: u16,
}

/// What a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived<'a> {
    /// For the session.
    Sound {
        /// The packet, out of what a relay put around it.
        packet: &'a [u8],
        /// From whom it counts as coming.
        from: SocketAddr,
    },
    /// For whoever speaks STUN, TURN or DTLS, as it came.
    Carried,
    /// Of somebody who has no business here.
    Stranger,
}

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// It, to there.
    Straight(SocketAddr),
    /// What was made of it, to the server.
    Wrapped(SocketAddr),
    /// Nowhere: there is no way.
    Nowhere,
}

impl Route {
    const fn way(&self, port: Port) -> Option<&Way> {
        match port {
            Port::Rtp => self.rtp.as_ref(),
            Port::Rtcp => self.rtcp.as_ref(),
        }
    }

    /// Sorts what came to `port` from `from`.
    #[must_use]
    pub fn arrived<'a>(&self, port: Port, datagram: &'a [u8], from: SocketAddr) -> Arrived<'a> {
        match demux::carried(datagram) {
            Carried::Stun | Carried::Dtls => Arrived::Carried,
            Carried::Channel => self.unwrap(port, datagram, from),
            Carried::Rtp | Carried::Zrtp | Carried::Unknown => match self.way(port) {
                None => Arrived::Sound {
                    packet: datagram,
                    from,
                },
                Some(way) => way.take(datagram, from),
            },
        }
    }

    fn unwrap<'a>(&self, port: Port, datagram: &'a [u8], from: SocketAddr) -> Arrived<'a> {
        let relayed = self.way(port).and_then(|way| way.to);
        let Some((peer, Some(relay))) =
            relayed.filter(|(_, r)| r.is_some_and(|r| r.server == from))
        else {
            return Arrived::Carried;
        };
        match channel::read(datagram) {
            Some((number, packet))
                if number == relay.channel && demux::carried(packet) == Carried::Rtp =>
            {
                Arrived::Sound { packet, from: peer }
            }
            _ => Arrived::Carried,
        }
    }

    /// Where a packet of `port` goes that by what was signalled goes to `signalled`; `wire` holds it
    /// as a relay wants it. Allocates nothing where `wire` has room for it.
    #[must_use]
    pub fn onward(
        &self,
        port: Port,
        signalled: SocketAddr,
        packet: &[u8],
        wire: &mut Vec<u8>,
    ) -> Onward {
        let Some(way) = self.way(port) else {
            return Onward::Straight(signalled);
        };
        match way.to {
            None => Onward::Nowhere,
            Some((to, None)) => Onward::Straight(to),
            Some((_, Some(relay))) => {
                wire.clear();
                channel::write(wire, relay.channel, packet, false);
                Onward::Wrapped(relay.server)
            }
        }
    }

    /// Whether this is a server or a peer of ours.
    #[must_use]
    pub fn knows(&self, from: SocketAddr) -> bool {
        self.known.contains(&from)
    }
}

impl Way {
    fn take<'a>(&self, packet: &'a [u8], from: SocketAddr) -> Arrived<'a> {
        if !self.from.contains(&from) {
            return Arrived::Stranger;
        }
        // All that the far side proved to be its own counts as one address.
        let from = self.to.map_or(from, |(to, _)| to);
        Arrived::Sound { packet, from }
    }
}

/// How many datagrams beside RTP and RTCP may be handed on: so many a second from those that are
/// known, and as many from all the others together, so that a flood costs neither memory nor the
/// call.
#[derive(Clone, Copy, Debug)]
pub struct Allowances {
    known: Allowance,
    others: Allowance,
}

#[derive(Clone, Copy, Debug)]
struct Allowance {
    left: u32,
    since: Instant,
}

impl Allowances {
    /// Full ones.
    #[must_use]
    pub const fn new(now: Instant) -> Allowances {
        let full = Allowance {
            left: BURST,
            since: now,
        };
        Allowances {
            known: full,
            others: full,
        }
    }

    /// Takes one; `false`: there is none left.
    #[must_use]
    pub fn take(&mut self, now: Instant, known: bool) -> bool {
        let allowance = if known {
            &mut self.known
        } else {
            &mut self.others
        };
        allowance.take(now)
    }
}

impl Allowance {
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since).as_nanos() / REFILL.as_nanos();
        if passed >= u128::from(BURST) {
            (self.left, self.since) = (BURST, now);
        } else if let Ok(more) = u32::try_from(passed) {
            self.left = (self.left + more).min(BURST);
            self.since += REFILL * more;
        }
        let some = self.left > 0;
        self.left -= u32::from(some);
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTP: &[u8] = b"\x80\x00 sound";

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn relayed() -> Route {
        Route {
            rtp: Some(Way {
                to: Some((
                    at("192.0.2.9:4000"),
                    Some(Relay {
                        server: at("192.0.2.1:3478"),
                        channel: 0x4001,
                    }),
                )),
                from: vec![at("192.0.2.9:4000")],
            }),
            ..Route::default()
        }
    }

    #[test]
    fn without_a_way_of_its_own_everything_goes_as_signalled() {
        let (route, far) = (Route::default(), at("192.0.2.9:4000"));
        let sound = Arrived::Sound {
            packet: RTP,
            from: far,
        };
        assert_eq!(route.arrived(Port::Rtp, RTP, far), sound);
        let mut wire = Vec::new();
        assert_eq!(
            route.onward(Port::Rtp, far, RTP, &mut wire),
            Onward::Straight(far)
        );
        for other in [&b"\x00\x01 stun"[..], b"\x16 dtls", b"\x40\x00\x00\x00"] {
            assert_eq!(route.arrived(Port::Rtp, other, far), Arrived::Carried);
        }
    }

    #[test]
    fn on_a_way_that_was_found_only_its_peer_is_listened_to() {
        let way = Way {
            to: Some((at("192.0.2.9:4000"), None)),
            from: vec![at("192.0.2.9:4000"), at("10.0.0.9:4000")],
        };
        let route = Route {
            rtp: Some(way),
            ..Route::default()
        };
        let stranger = at("192.0.2.66:4000");
        assert_eq!(route.arrived(Port::Rtp, RTP, stranger), Arrived::Stranger);
        // From wherever it comes of the far side, it is one far side.
        let sound = Arrived::Sound {
            packet: RTP,
            from: at("192.0.2.9:4000"),
        };
        assert_eq!(route.arrived(Port::Rtp, RTP, at("10.0.0.9:4000")), sound);
        let to = route.onward(Port::Rtp, at("10.0.0.9:4000"), RTP, &mut Vec::new());
        assert_eq!(to, Onward::Straight(at("192.0.2.9:4000")));
        // RTCP has not been told otherwise.
        let from = stranger;
        let sound = Arrived::Sound { packet: RTP, from };
        assert_eq!(route.arrived(Port::Rtcp, RTP, from), sound);
    }

    #[test]
    fn while_there_is_no_way_nothing_is_sent_and_nobody_heard() {
        let route = Route {
            rtp: Some(Way::default()),
            ..Route::default()
        };
        let far = at("192.0.2.9:4000");
        assert_eq!(route.arrived(Port::Rtp, RTP, far), Arrived::Stranger);
        let onward = route.onward(Port::Rtp, far, RTP, &mut Vec::new());
        assert_eq!(onward, Onward::Nowhere);
    }

    #[test]
    fn over_a_relay_sound_is_wrapped_and_unwrapped() {
        let (route, server) = (relayed(), at("192.0.2.1:3478"));
        let mut wire = Vec::new();
        let onward = route.onward(Port::Rtp, at("10.0.0.9:4000"), RTP, &mut wire);
        assert_eq!(onward, Onward::Wrapped(server));
        assert_eq!(wire, b"\x40\x01\x00\x08\x80\x00 sound");
        let from = at("192.0.2.9:4000");
        let sound = Arrived::Sound { packet: RTP, from };
        assert_eq!(route.arrived(Port::Rtp, &wire, server), sound);
        // Of another channel, of another server, or with something else in it: not for the session.
        assert_eq!(
            route.arrived(Port::Rtp, b"\x40\x02\x00\x08\x80\x00 sound", server),
            Arrived::Carried
        );
        let stranger = at("192.0.2.66:3478");
        assert_eq!(route.arrived(Port::Rtp, &wire, stranger), Arrived::Carried);
        assert_eq!(
            route.arrived(Port::Rtp, b"\x40\x01\x00\x04\x00\x01..", server),
            Arrived::Carried
        );
    }

    #[test]
    fn a_flood_of_strangers_takes_nothing_from_those_that_are_known() {
        let start = crate::nat::testing::start();
        let mut allowances = Allowances::new(start);
        let flood = |allowances: &mut Allowances, now| {
            (0..10_000).filter(|_| allowances.take(now, false)).count()
        };
        assert_eq!(flood(&mut allowances, start), 64);
        assert!(allowances.take(start, true));
        let later = start + Duration::from_millis(51);
        assert_eq!(flood(&mut allowances, later), 10);
        assert_eq!(flood(&mut allowances, later + Duration::from_mins(1)), 64);
    }
}
