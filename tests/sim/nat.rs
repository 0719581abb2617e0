//! An address translator as most homes have one: what leaves opens a path for as long as it is
//! used, for the one it leaves to, from a port of its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::Datagram;

/// Everybody at `192.168.…` is behind it.
pub(crate) struct Nat {
    outside: IpAddr,
    /// How long a path that is not used stays open.
    pub(crate) forgets_after: Duration,
    /// Of who is inside and whom they spoke to: the port outside, and when it was used last.
    paths: BTreeMap<(SocketAddr, SocketAddr), (u16, Instant)>,
    next_port: u16,
}

impl Nat {
    pub(crate) fn at(outside: &str) -> Nat {
        Nat {
            outside: outside.parse().expect("an address"),
            forgets_after: Duration::from_secs(30),
            paths: BTreeMap::new(),
            next_port: 30_000,
        }
    }

    /// It starts anew: each path has another port from here on.
    pub(crate) fn restart(&mut self) {
        self.paths.clear();
    }

    /// What becomes of a datagram that leaves its sender.
    pub(crate) fn out(&mut self, now: Instant, mut datagram: Datagram) -> Datagram {
        if !is_inside(datagram.from) || is_inside(datagram.to) {
            return datagram;
        }
        self.forget(now);
        let port = self.next_port;
        let path = self.paths.entry((datagram.from, datagram.to));
        let (port, used) = path.or_insert_with(|| {
            self.next_port += 1;
            (port, now)
        });
        *used = now;
        datagram.from = SocketAddr::new(self.outside, *port);
        datagram
    }

    /// What becomes of one that arrives; `None`: nobody inside asked for it.
    pub(crate) fn arrive(&mut self, now: Instant, mut datagram: Datagram) -> Option<Datagram> {
        if datagram.to.ip() != self.outside {
            // Nothing outside knows the way to an address of the house.
            return (!is_inside(datagram.to) || is_inside(datagram.from)).then_some(datagram);
        }
        self.forget(now);
        let (inside, _) = self.paths.iter().find_map(|((inside, peer), (port, _))| {
            let fits = *port == datagram.to.port() && *peer == datagram.from;
            fits.then_some((*inside, *peer))
        })?;
        datagram.to = inside;
        Some(datagram)
    }

    fn forget(&mut self, now: Instant) {
        let kept = self.forgets_after;
        self.paths.retain(|_, (_, used)| now - *used < kept);
    }
}

fn is_inside(addr: SocketAddr) -> bool {
    matches!(addr.ip(), IpAddr::V4(ip) if ip.octets()[..2] == [192, 168])
}
