//! A bad network between two programs: what one side sends goes on to the other later, twice or
//! not at all, and all that was sent is kept for the ceiling.
//!
//! Only the talker's sound meets the network. Reports, and everything that the listener sends, take
//! as long as on a good one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, Instant};

use super::call::{AROUND, Sent, unpacked};
use super::network::{Network, Profile};
use crate::codec::CodecKind;
use crate::units::PayloadType;

/// How long everything takes that is not the talker's sound.
const NEAR: Duration = Duration::from_millis(5);

/// Later than this the relay itself was late.
const LATE: Duration = Duration::from_millis(5);

/// Datagrams under way at once: seconds of sound.
const MAX_UNDER_WAY: usize = 1_024;

/// Packets kept for the ceiling: an hour of 10 ms each.
const MAX_SENT: usize = 360_000;

/// Who sends or receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Whose sound meets the network.
    Talker,
    /// Who hears it.
    Listener,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Talker => Side::Listener,
            Side::Listener => Side::Talker,
        }
    }
}

/// A datagram on its way.
#[derive(Debug)]
struct UnderWay {
    to: Side,
    datagram: Vec<u8>,
}

/// The network of one call.
#[derive(Debug)]
pub struct Relay {
    codec: CodecKind,
    ptime: Duration,
    network: Network,
    begun: Option<Instant>,
    last: Option<Instant>,
    /// When each is due, in order; the number finds it.
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    under_way: BTreeMap<u64, UnderWay>,
    next: u64,
    sent: Vec<Sent>,
    forwarded: u64,
    late: u64,
    latest: Duration,
    lateness: Duration,
}

/// What went through.
#[derive(Clone, Debug)]
pub struct Passed {
    /// All packets of the talker's sound.
    pub sent: Vec<Sent>,
    /// Bits a second on the wire, headers of IPv4, UDP and RTP included.
    pub wire_rate: f64,
    /// Of all packets that went on, those that did so more than 5 ms late; 0 to 1.
    pub late_share: f64,
    /// The mean of how late they went on, and the worst.
    pub lateness: (Duration, Duration),
}

impl Relay {
    /// A relay through which nothing has come. `ptime`: what a packet without redundancy carries.
    #[must_use]
    pub fn new(profile: Profile, seed: u64, codec: CodecKind, ptime: Duration) -> Relay {
        Relay {
            codec,
            ptime,
            network: Network::new(profile, seed),
            begun: None,
            last: None,
            due: BinaryHeap::new(),
            under_way: BTreeMap::new(),
            next: 0,
            sent: Vec::new(),
            forwarded: 0,
            late: 0,
            latest: Duration::ZERO,
            lateness: Duration::ZERO,
        }
    }

    /// Takes what `from` has sent. `redundant`: the payload type under which packets carry earlier
    /// ones again (RFC 2198), if there is one.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        from: Side,
        datagram: &[u8],
        redundant: Option<PayloadType>,
    ) {
        if from == Side::Listener || !is_sound(datagram) {
            self.forward(now + NEAR, from.other(), datagram);
            return;
        }
        let begun = *self.begun.get_or_insert(now);
        self.last = Some(now);
        let fate = self.network.carry(now.saturating_duration_since(begun));
        for arrives in [fate.arrives, fate.again].into_iter().flatten() {
            self.forward(begun + arrives, from.other(), datagram);
        }
        if self.sent.len() < MAX_SENT {
            let lost = fate.arrives.is_none();
            self.sent
                .push(unpacked(self.codec, self.ptime, redundant, datagram, lost));
        }
    }

    fn forward(&mut self, at: Instant, to: Side, datagram: &[u8]) {
        if self.under_way.len() >= MAX_UNDER_WAY {
            return;
        }
        let datagram = datagram.to_vec();
        self.under_way.insert(self.next, UnderWay { to, datagram });
        self.due.push(Reverse((at, self.next)));
        self.next += 1;
    }

    /// What is due, and who gets it.
    pub fn poll_output(&mut self, now: Instant) -> Option<(Side, Vec<u8>)> {
        let Reverse((at, number)) = *self.due.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.due.pop();
        let late = now.saturating_duration_since(at);
        self.forwarded += 1;
        self.late += u64::from(late > LATE);
        self.lateness += late;
        self.latest = self.latest.max(late);
        let UnderWay { to, datagram } = self.under_way.remove(&number)?;
        Some((to, datagram))
    }

    /// When something is due next.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// The call is over.
    #[must_use]
    pub fn finish(self) -> Passed {
        let span = self
            .begun
            .zip(self.last)
            .map_or(Duration::ZERO, |(a, b)| b - a)
            + self.ptime;
        let bytes: usize = self.sent.iter().map(|sent| sent.bytes + AROUND).sum();
        let count = self.forwarded.max(1);
        Passed {
            wire_rate: bytes as f64 * 8.0 / span.as_secs_f64().max(1e-3),
            late_share: self.late as f64 / count as f64,
            lateness: (
                self.lateness / u32::try_from(count).unwrap_or(u32::MAX),
                self.latest,
            ),
            sent: self.sent,
        }
    }
}

/// RTP, and neither RTCP on the same port (RFC 5761 section 4) nor anything else.
fn is_sound(datagram: &[u8]) -> bool {
    let rtcp = 192..=223;
    matches!(datagram, [first, second, ..] if first >> 6 == 2 && !rtcp.contains(second))
        && datagram.len() > 12
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTIME: Duration = Duration::from_millis(20);
    const MS: Duration = Duration::from_millis(1);

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do as the beginning of time"
    )]
    fn beginning() -> Instant {
        Instant::now()
    }

    /// RTP of payload type 8 with one byte, which is its number.
    fn packet(number: u8) -> [u8; 13] {
        [0x80, 8, 0, number, 0, 0, 0, 0, 0, 0, 0, 1, number]
    }

    fn drain(relay: &mut Relay, now: Instant) -> Vec<(Side, u8)> {
        std::iter::from_fn(|| relay.poll_output(now))
            .map(|(to, datagram)| (to, datagram[12]))
            .collect()
    }

    #[test]
    fn a_packet_meets_the_fate_of_its_number() {
        let start = beginning();
        let mut relay = Relay::new(Profile::Loss10, 3, CodecKind::Pcma, PTIME);
        let mut network = Network::new(Profile::Loss10, 3);
        let (mut came, mut expected) = (Vec::new(), Vec::new());
        for number in 0..200_u8 {
            let now = start + PTIME * u32::from(number);
            relay.handle_datagram(now, Side::Talker, &packet(number), None);
            // One of ten packets that the listener sends would be lost; none is.
            relay.handle_datagram(now, Side::Listener, &packet(number), None);
            came.extend(drain(&mut relay, now + 5 * MS));
            if network.carry(now - start).arrives.is_some() {
                expected.push((Side::Listener, number));
            }
            expected.push((Side::Talker, number));
        }
        assert_eq!(came, expected);
        let passed = relay.finish();
        let lost = passed.sent.iter().filter(|sent| sent.lost).count();
        assert_eq!(lost, 400 - expected.len());
        assert!((10..=30).contains(&lost), "{lost}");
        assert_eq!(
            (passed.late_share, passed.lateness.1),
            (0.0, Duration::ZERO)
        );
    }

    #[test]
    fn reports_are_no_sound_and_are_never_lost() {
        let start = beginning();
        let mut relay = Relay::new(Profile::Loss20Burst, 1, CodecKind::Pcma, PTIME);
        let mut report = packet(7);
        report[1] = 200;
        for _ in 0..100 {
            relay.handle_datagram(start, Side::Talker, &report, None);
        }
        assert!(drain(&mut relay, start + 4 * MS).is_empty());
        assert_eq!(relay.next_at(), Some(start + 5 * MS));
        assert_eq!(drain(&mut relay, start + 5 * MS).len(), 100);
        assert!(relay.finish().sent.is_empty());
    }

    #[test]
    fn who_asks_late_is_told_so() {
        let start = beginning();
        let mut relay = Relay::new(Profile::Clean, 1, CodecKind::Pcma, PTIME);
        for number in 0..4 {
            let now = start + PTIME * number;
            relay.handle_datagram(now, Side::Talker, &packet(0), None);
            let late = if number == 3 { 20 * MS } else { 4 * MS };
            assert_eq!(drain(&mut relay, now + 5 * MS + late).len(), 1);
        }
        let passed = relay.finish();
        assert_eq!(passed.late_share, 0.25);
        assert_eq!(passed.lateness, (8 * MS, 20 * MS));
    }

    #[test]
    fn a_flood_does_not_fill_the_memory() {
        let start = beginning();
        let mut relay = Relay::new(Profile::Clean, 1, CodecKind::Pcma, PTIME);
        for _ in 0..10_000 {
            relay.handle_datagram(start, Side::Listener, &packet(0), None);
        }
        assert_eq!(drain(&mut relay, start + 5 * MS).len(), MAX_UNDER_WAY);
    }

    #[test]
    fn the_wire_carries_headers_too() {
        let start = beginning();
        let mut relay = Relay::new(Profile::Clean, 1, CodecKind::Pcma, PTIME);
        let mut full = vec![0; 172];
        full[..12].copy_from_slice(&packet(0)[..12]);
        for number in 0..50 {
            relay.handle_datagram(start + PTIME * number, Side::Talker, &full, None);
        }
        // 160 bytes of sound, 12 of RTP, 28 of UDP and IPv4, fifty times a second.
        let rate = relay.finish().wire_rate;
        assert!((rate - 80_000.0).abs() < 1.0, "{rate}");
    }
}
