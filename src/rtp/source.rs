//! Whose packets are believed, and where ours go: symmetric RTP (RFC 4961), with a lock so that
//! a stranger who guesses the port can neither speak into a call nor draw its sound to himself.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::sequence::Probation;
use crate::units::Ssrc;

/// Unproven addresses watched at a time; the longest silent one gives way.
const MAX_CANDIDATES: usize = 4;
/// Packets in a row that prove a first address (RFC 3550 A.1).
const PROOF: u8 = super::sequence::MIN_SEQUENTIAL;
/// Packets in a row that prove a change of address.
const MOVE_PROOF: u8 = 5;
/// Silence of the old address before a stream that goes on elsewhere is followed: a NAT that
/// forgot the binding, or a change of network. Longer than jitter, short in a conversation.
const SILENCE_SAME_STREAM: Duration = Duration::from_millis(500);
/// Silence of the old address before a stranger may take over.
const SILENCE_NEW_STREAM: Duration = Duration::from_secs(2);
/// How long the address of before stays a mere suspicion after signalling named another.
const SETTLE: Duration = Duration::from_secs(1);

/// What is to be done with a packet, by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes from the address we are locked to.
    Accept,
    /// It proves an address; the lock is on it from here on.
    Moved {
        /// The address locked to before.
        from: Option<SocketAddr>,
    },
    /// It may become believable.
    Unproven,
}

#[derive(Clone, Copy, Debug)]
struct Lock {
    addr: SocketAddr,
    heard_at: Instant,
    /// Since when signalling names another address.
    doubted_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    addr: SocketAddr,
    ssrc: Ssrc,
    probation: Probation,
    heard_at: Instant,
}

/// The remote address of one media stream.
///
/// ```text
///              signalled address, or 2 packets in a row from elsewhere
/// (unlocked) ─────────────────────────────────────────────────────────▶ Locked
/// Locked ── 2 in a row from the signalled address ──▶ Locked there
/// Locked ── 5 in a row from elsewhere, and the old address silent ──▶ Locked there
/// Locked ── signalling names another address ──▶ doubted: anything proven takes over
/// ```
#[derive(Clone, Debug)]
pub struct RemoteAddress {
    signalled: Option<SocketAddr>,
    lock: Option<Lock>,
    candidates: [Option<Candidate>; MAX_CANDIDATES],
}

impl RemoteAddress {
    /// `signalled` is what SDP said; `None` or an unspecified address or port 0: nobody yet.
    #[must_use]
    pub fn new(signalled: Option<SocketAddr>) -> RemoteAddress {
        RemoteAddress {
            signalled: signalled.filter(usable),
            lock: None,
            candidates: [None; MAX_CANDIDATES],
        }
    }

    /// Signalling names an address, perhaps the same again.
    pub fn signal(&mut self, now: Instant, signalled: Option<SocketAddr>) {
        let signalled = signalled.filter(usable);
        if signalled == self.signalled {
            return;
        }
        self.signalled = signalled;
        if let Some(lock) = &mut self.lock {
            lock.doubted_since =
                (Some(lock.addr) != signalled && signalled.is_some()).then_some(now);
        }
    }

    /// Where to send.
    #[must_use]
    pub fn destination(&self) -> Option<SocketAddr> {
        match self.lock {
            Some(Lock {
                doubted_since: Some(_),
                ..
            }) => self.signalled,
            Some(lock) => Some(lock.addr),
            None => self.signalled,
        }
    }

    /// Whether we send where signalling says, rather than to an address that proved itself.
    #[must_use]
    pub fn as_signalled(&self) -> bool {
        self.destination() == self.signalled
    }

    /// Whether a report from this address is believed: the port is not looked at, since RTCP
    /// may come from another.
    #[must_use]
    pub fn trusts_host(&self, from: SocketAddr) -> bool {
        let same_host = |addr: SocketAddr| addr.ip().to_canonical() == from.ip().to_canonical();
        self.destination().is_some_and(same_host)
            || self.lock.is_some_and(|lock| same_host(lock.addr))
    }

    /// Judges one sound packet. `continues`: it would fit the stream heard so far.
    pub fn judge(
        &mut self,
        now: Instant,
        from: SocketAddr,
        ssrc: Ssrc,
        sequence: u16,
        continues: bool,
    ) -> Verdict {
        let signalled = self.signalled == Some(from);
        if let Some(lock) = self.lock.as_mut().filter(|lock| lock.addr == from) {
            lock.heard_at = now;
            let settled = |since| now.saturating_duration_since(since) >= SETTLE;
            if lock.doubted_since.is_some_and(settled) {
                lock.doubted_since = None;
            }
            return Verdict::Accept;
        }
        let in_a_row = self.watch(now, from, ssrc, sequence);
        let believed = match &self.lock {
            None => signalled || in_a_row >= PROOF,
            Some(lock) if lock.doubted_since.is_some() => signalled || in_a_row >= PROOF,
            Some(_) if signalled => in_a_row >= PROOF,
            Some(lock) => {
                let silence = now.saturating_duration_since(lock.heard_at);
                let needed = if continues {
                    SILENCE_SAME_STREAM
                } else {
                    SILENCE_NEW_STREAM
                };
                in_a_row >= MOVE_PROOF && silence >= needed
            }
        };
        if !believed {
            return Verdict::Unproven;
        }
        let lock = Lock {
            addr: from,
            heard_at: now,
            doubted_since: None,
        };
        let before = self.lock.replace(lock);
        self.candidates = [None; MAX_CANDIDATES];
        Verdict::Moved {
            from: before.map(|lock| lock.addr),
        }
    }

    /// Counts the packets in a row of an address and source not locked to.
    fn watch(&mut self, now: Instant, addr: SocketAddr, ssrc: Ssrc, sequence: u16) -> u8 {
        let known = self
            .candidates
            .iter_mut()
            .flatten()
            .find(|candidate| candidate.addr == addr && candidate.ssrc == ssrc);
        if let Some(candidate) = known {
            candidate.heard_at = now;
            return candidate.probation.update(sequence);
        }
        let probation = Probation::starting_at(sequence);
        // `None` orders before any moment: free places are taken first.
        let place = self
            .candidates
            .iter_mut()
            .min_by_key(|place| place.map(|known| known.heard_at));
        if let Some(place) = place {
            *place = Some(Candidate {
                addr,
                ssrc,
                probation,
                heard_at: now,
            });
        }
        1
    }
}

fn usable(addr: &SocketAddr) -> bool {
    addr.port() != 0 && !addr.ip().is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::super::testing::start;
    use super::*;

    const STREAM: Ssrc = Ssrc(1);

    fn addr(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 4_000))
    }

    struct World {
        remote: RemoteAddress,
        now: Instant,
        sequence: u16,
    }

    impl World {
        fn new(signalled: Option<SocketAddr>) -> World {
            World {
                remote: RemoteAddress::new(signalled),
                now: start(),
                sequence: 65_530,
            }
        }

        /// One packet, 20 ms after the one before.
        fn packet(&mut self, from: SocketAddr, continues: bool) -> Verdict {
            self.now += Duration::from_millis(20);
            self.sequence = self.sequence.wrapping_add(1);
            self.remote
                .judge(self.now, from, STREAM, self.sequence, continues)
        }

        /// How many packets until one is believed.
        fn packets_until_believed(&mut self, from: SocketAddr, continues: bool) -> usize {
            let limit = 1_000;
            let refused = (0..limit)
                .take_while(|_| self.packet(from, continues) == Verdict::Unproven)
                .count();
            assert!(refused < limit, "never believed");
            refused + 1
        }
    }

    #[test]
    fn the_signalled_address_is_believed_at_once() {
        let mut world = World::new(Some(addr(1)));
        assert_eq!(world.remote.destination(), Some(addr(1)));
        assert_eq!(world.packet(addr(1), false), Verdict::Moved { from: None });
        assert_eq!(world.packet(addr(1), true), Verdict::Accept);
    }

    #[test]
    fn another_address_is_believed_at_its_second_packet_in_a_row() {
        let mut world = World::new(Some(addr(1)));
        assert_eq!(world.packet(addr(2), false), Verdict::Unproven);
        assert_eq!(world.remote.destination(), Some(addr(1)));
        assert_eq!(world.packet(addr(2), false), Verdict::Moved { from: None });
        assert_eq!(world.remote.destination(), Some(addr(2)));
    }

    #[test]
    fn packets_not_in_a_row_prove_nothing() {
        let mut world = World::new(Some(addr(1)));
        for _ in 0..50 {
            world.sequence = world.sequence.wrapping_add(7);
            assert_eq!(world.packet(addr(2), false), Verdict::Unproven);
        }
        assert_eq!(world.remote.destination(), Some(addr(1)));
    }

    #[test]
    fn a_stranger_does_not_take_over_a_stream_that_flows() {
        let mut world = World::new(Some(addr(1)));
        world.packet(addr(1), false);
        for _ in 0..500 {
            assert_eq!(world.packet(addr(9), false), Verdict::Unproven);
            world.sequence = world.sequence.wrapping_sub(1);
            assert_eq!(world.packet(addr(1), true), Verdict::Accept);
        }
        assert_eq!(world.remote.destination(), Some(addr(1)));
    }

    #[test]
    fn a_stream_that_goes_on_elsewhere_is_followed_after_half_a_second() {
        let mut world = World::new(Some(addr(1)));
        world.packet(addr(1), false);
        assert_eq!(world.packets_until_believed(addr(2), true), 25);
        assert_eq!(world.remote.destination(), Some(addr(2)));
    }

    #[test]
    fn another_stream_from_elsewhere_has_to_wait_two_seconds() {
        let mut world = World::new(Some(addr(1)));
        world.packet(addr(1), false);
        assert_eq!(world.packets_until_believed(addr(2), false), 100);
    }

    #[test]
    fn even_after_long_silence_five_packets_in_a_row_are_asked_for() {
        let mut world = World::new(Some(addr(1)));
        world.packet(addr(1), false);
        world.now += Duration::from_secs(60);
        assert_eq!(world.packets_until_believed(addr(2), false), 5);
    }

    #[test]
    fn the_signalled_address_takes_over_from_a_first_comer() {
        let mut world = World::new(Some(addr(1)));
        world.packet(addr(9), false);
        world.packet(addr(9), false);
        assert_eq!(world.remote.destination(), Some(addr(9)));
        assert_eq!(world.packet(addr(1), false), Verdict::Unproven);
        assert_eq!(
            world.packet(addr(1), false),
            Verdict::Moved {
                from: Some(addr(9))
            }
        );
    }

    #[test]
    fn a_new_signalled_address_is_sent_to_at_once() {
        let mut world = World::new(Some(addr(1)));
        world.packet(addr(1), false);
        world.remote.signal(world.now, Some(addr(3)));
        assert_eq!(world.remote.destination(), Some(addr(3)));
        // What is still in flight from the old address is heard, and does not turn us back.
        assert_eq!(world.packet(addr(1), true), Verdict::Accept);
        assert_eq!(world.remote.destination(), Some(addr(3)));
        assert_eq!(
            world.packet(addr(3), false),
            Verdict::Moved {
                from: Some(addr(1))
            }
        );
    }

    #[test]
    fn an_old_address_that_goes_on_speaking_is_the_right_one() {
        let mut world = World::new(Some(addr(1)));
        world.packet(addr(2), false);
        world.packet(addr(2), false);
        world.remote.signal(world.now, Some(addr(3)));
        for _ in 0..50 {
            assert_eq!(world.packet(addr(2), true), Verdict::Accept);
        }
        assert_eq!(world.remote.destination(), Some(addr(2)));
    }

    #[test]
    fn hold_with_an_unspecified_address_is_nobody() {
        let world = World::new(Some(SocketAddr::from(([0, 0, 0, 0], 4_000))));
        assert_eq!(world.remote.destination(), None);
        let world = World::new(Some(SocketAddr::from(([192, 0, 2, 1], 0))));
        assert_eq!(world.remote.destination(), None);
    }

    #[test]
    fn a_spray_of_strangers_does_not_grow_nor_prove_any() {
        let mut world = World::new(None);
        for round in 0..200_u16 {
            for last in 0..50 {
                let from = addr(last);
                world.now += Duration::from_millis(1);
                let verdict = world.remote.judge(world.now, from, STREAM, round, false);
                assert_eq!(verdict, Verdict::Unproven);
            }
        }
        assert_eq!(world.remote.destination(), None);
    }

    #[test]
    fn reports_are_believed_by_host() {
        let mut world = World::new(Some(addr(1)));
        world.packet(addr(1), false);
        assert!(
            world
                .remote
                .trusts_host(SocketAddr::from(([192, 0, 2, 1], 4_001)))
        );
        assert!(!world.remote.trusts_host(addr(2)));
    }
}
