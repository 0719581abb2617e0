//! Who is where, and packets on their way.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::translator::{Behaviour, Translator};
use crate::nat::testing::start;

/// A network in which addresses mean something: the internet, or the inside of a translator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Realm(usize);

impl Realm {
    pub(crate) const INTERNET: Realm = Realm(0);
}

/// A datagram that has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) realm: Realm,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) rng: ChaCha8Rng,
    /// The inside of translator `n` is realm `n + 1`.
    translators: Vec<(Translator, Realm)>,
    hosts: Vec<(Realm, IpAddr)>,
    on_the_way: BTreeMap<(Instant, u64), Arrival>,
    sent: u64,
    /// Packets lost of a thousand.
    pub(crate) loss: u32,
    /// The shortest way takes this long, the longest three times as long.
    pub(crate) delay: Duration,
    /// Nothing goes to or from these.
    pub(crate) dead: Vec<IpAddr>,
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        World {
            now: start(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            translators: Vec::new(),
            hosts: Vec::new(),
            on_the_way: BTreeMap::new(),
            sent: 0,
            loss: 0,
            delay: Duration::from_millis(10),
            dead: Vec::new(),
        }
    }

    /// A translator in `outer`, with that address there; the network behind it.
    pub(crate) fn network(&mut self, outer: Realm, outside: &str, kind: Behaviour) -> Realm {
        let first_port = 20_000 + (self.rng.next_u32() % 20_000) as u16;
        let outside = outside.parse().unwrap();
        self.translators
            .push((Translator::new(kind, outside, first_port), outer));
        Realm(self.translators.len())
    }

    pub(crate) fn translator(&mut self, inside: Realm) -> &mut Translator {
        &mut self.translators[inside.0 - 1].0
    }

    pub(crate) fn host(&mut self, realm: Realm, ip: &str) -> IpAddr {
        let ip = ip.parse().unwrap();
        self.hosts.push((realm, ip));
        ip
    }

    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        seed
    }

    pub(crate) fn send(&mut self, realm: Realm, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        let lost = self.rng.next_u32() % 1000 < self.loss;
        let spread = self.rng.next_u32() % 2000;
        let arrival = Arrival {
            realm,
            from,
            to,
            bytes,
        };
        let dead = |ip: IpAddr| self.dead.contains(&ip);
        if lost || dead(from.ip()) || dead(to.ip()) {
            return;
        }
        // Translators rewrite as the packet passes; that it happens at once does not matter.
        if let Some(arrival) = self.route(arrival) {
            self.sent += 1;
            let at = self.now + self.delay + self.delay * spread / 1000;
            self.on_the_way.insert((at, self.sent), arrival);
        }
    }

    /// Where the packet comes out, after all the translators between.
    fn route(&mut self, mut packet: Arrival) -> Option<Arrival> {
        for _ in 0..8 {
            let (realm, to) = (packet.realm, packet.to);
            if self.hosts.contains(&(realm, to.ip())) {
                return Some(packet);
            }
            let inward = self
                .translators
                .iter()
                .position(|(t, outer)| *outer == realm && t.outside == to.ip());
            if let Some(at) = inward {
                packet.to = self.translators[at].0.inward(self.now, packet.from, to)?;
                packet.realm = Realm(at + 1);
                continue;
            }
            if realm == Realm::INTERNET {
                return None;
            }
            let (translator, outer) = &mut self.translators[realm.0 - 1];
            if translator.outside == to.ip() && !translator.behaviour.hairpin {
                return None;
            }
            packet.from = translator.out(self.now, packet.from, to);
            packet.realm = *outer;
        }
        None
    }

    /// When the next packet arrives.
    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.on_the_way.keys().next().map(|(at, _)| *at)
    }

    /// A packet that has arrived by now.
    pub(crate) fn arrived(&mut self) -> Option<Arrival> {
        let entry = self.on_the_way.first_entry()?;
        (entry.key().0 <= self.now).then(|| entry.remove())
    }
}
