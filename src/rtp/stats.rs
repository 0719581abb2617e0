//! What the packets of one source say about the path: loss, order, jitter, round trip.

use std::time::{Duration, Instant};

use super::burst_gap::{BurstGap, Fate};
use super::ntp::NtpShort;
use super::sequence::Order;
use crate::units::{RtpTime, SampleRate, SeqNo};

/// Sequence numbers below the newest whose arrival is remembered, to tell late packets from
/// duplicates. More than [`super::sequence::MAX_MISORDER`], beyond which a packet is no longer
/// taken for a late one.
const WINDOW: u64 = 128;

/// A change of transit time above this is a sender that set its clock anew, not jitter. Longer
/// than any queue in a path that still carries a conversation.
const CLOCK_STEP: Duration = Duration::from_secs(4);

/// Longest round trip believed; beyond it a report is confused or lying.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(60);

/// Where a packet stands in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The newest so far.
    InOrder,
    /// Overtaken by a newer one: reordered or late.
    Late,
    /// Heard before.
    Duplicate,
    /// First usable packet after the sender started again: what is buffered ends here.
    Restart,
}

/// Counters of one or more streams. Two snapshots give an interval: [`Counts::since`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets sent as far as their numbers tell (RFC 3550 A.3).
    pub expected: u64,
    /// Packets heard, late ones included, duplicates not.
    pub received: u64,
    /// Octets of payload heard, duplicates not included.
    pub octets: u64,
    /// Packets that came after a newer one.
    pub late: u64,
    /// Packets that came more than once.
    pub duplicates: u64,
}

impl Counts {
    /// Packets that never came, or not yet.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }

    /// Lost packets of those expected, 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        if self.expected == 0 {
            0.0
        } else {
            self.lost() as f64 / self.expected as f64
        }
    }

    /// What was counted after `earlier`, a snapshot of the same counters.
    #[must_use]
    pub fn since(&self, earlier: &Counts) -> Counts {
        Counts {
            expected: self.expected.saturating_sub(earlier.expected),
            received: self.received.saturating_sub(earlier.received),
            octets: self.octets.saturating_sub(earlier.octets),
            late: self.late.saturating_sub(earlier.late),
            duplicates: self.duplicates.saturating_sub(earlier.duplicates),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Counts) -> Counts {
        Counts {
            expected: self.expected.saturating_add(other.expected),
            received: self.received.saturating_add(other.received),
            octets: self.octets.saturating_add(other.octets),
            late: self.late.saturating_add(other.late),
            duplicates: self.duplicates.saturating_add(other.duplicates),
        }
    }
}

/// Loss by runs: ten packets lost one by one sound unlike ten lost together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bursts {
    /// Runs of consecutive packets that never came.
    pub count: u64,
    /// Packets in the longest run.
    pub longest: u64,
    /// Packets in all runs.
    pub packets: u64,
    open: u64,
}

impl Bursts {
    /// Mean length of a run; 0 without any. About 1 is random loss.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            self.packets as f64 / self.count as f64
        }
    }

    fn lost(&mut self, packets: u64) {
        self.open += packets;
    }

    fn close(&mut self) {
        if self.open > 0 {
            self.count += 1;
            self.longest = self.longest.max(self.open);
            self.packets += self.open;
            self.open = 0;
        }
    }
}

/// Counts the packets of one source (RFC 3550 A.3).
#[derive(Clone, Debug)]
pub struct Reception {
    /// The number that expectation counts from.
    base: u64,
    highest: u64,
    /// Bit i: the packet numbered `highest - i` was heard.
    heard: u128,
    /// The same: it was heard too late or too early to be of use.
    discarded: u128,
    /// Everything before `base` was set, that is before the last restart.
    before: Counts,
    received: u64,
    octets: u64,
    late: u64,
    duplicates: u64,
    bursts: Bursts,
    burst_gap: BurstGap,
    /// RFC 3550's own counters as of the last report block.
    reported: (u64, u64),
}

/// The loss fields of a report block (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedLoss {
    /// Lost since the report before, in 1/256 of those expected.
    pub fraction: u8,
    /// Lost since the beginning, duplicates counted as received; within 24 bits with sign.
    pub cumulative: i32,
    /// Highest sequence number, cycles in the upper half.
    pub highest: u32,
}

impl Reception {
    /// Starts with the first packet heard, of `octets` of payload.
    #[must_use]
    pub fn starting_at(first: SeqNo, octets: usize) -> Reception {
        Reception {
            base: first.0,
            highest: first.0,
            heard: 1,
            discarded: 0,
            before: Counts::default(),
            received: 1,
            octets: octets as u64,
            late: 0,
            duplicates: 0,
            bursts: Bursts::default(),
            burst_gap: BurstGap::default(),
            reported: (0, 0),
        }
    }

    /// Counts the next packet. `None` for [`Order::Suspect`], which counts for nothing.
    pub fn count(&mut self, order: Order, octets: usize) -> Option<Arrival> {
        let arrival = match order {
            Order::Suspect => return None,
            Order::Ahead(seq) => {
                self.advance_to(seq.0);
                Arrival::InOrder
            }
            Order::Behind(seq) => {
                let bit = 1_u128 << self.highest.saturating_sub(seq.0).min(WINDOW - 1);
                if self.heard & bit != 0 {
                    self.duplicates += 1;
                    return Some(Arrival::Duplicate);
                }
                self.heard |= bit;
                self.base = self.base.min(seq.0);
                self.late += 1;
                Arrival::Late
            }
            Order::Restarted(seq) => {
                self.settle_window();
                self.bursts.close();
                self.before.expected += self.highest - self.base + 1;
                self.base = seq.0;
                self.highest = seq.0;
                self.heard = 1;
                self.discarded = 0;
                Arrival::Restart
            }
        };
        self.received += 1;
        self.octets += octets as u64;
        Some(arrival)
    }

    /// A packet that was counted came too late or too early to be heard.
    pub fn discard(&mut self, seq: SeqNo) {
        let age = self.highest.checked_sub(seq.0);
        if let Some(age) = age.filter(|age| *age < WINDOW) {
            self.discarded |= 1 << age & self.heard;
        }
    }

    /// The counters at this moment.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            expected: self.before.expected + (self.highest - self.base + 1),
            received: self.received,
            octets: self.octets,
            late: self.late,
            duplicates: self.duplicates,
        }
    }

    /// Runs of loss so far, what may still arrive late included.
    #[must_use]
    pub fn bursts(&self) -> Bursts {
        let mut end = self.clone();
        end.settle_window();
        end.bursts.close();
        end.bursts
    }

    /// Bursts and gaps so far; what may still arrive late counts as lost.
    #[must_use]
    pub fn burst_gap(&self) -> BurstGap {
        let mut end = self.clone();
        end.settle_window();
        end.burst_gap.settled()
    }

    /// The loss fields for a report block; the fraction's interval begins anew.
    pub fn report(&mut self) -> ReportedLoss {
        let expected = self.counts().expected;
        let received = self.received + self.duplicates;
        let (expected_before, received_before) = self.reported;
        self.reported = (expected, received);
        let in_interval = expected.saturating_sub(expected_before);
        let lost = in_interval.saturating_sub(received - received_before);
        let fraction = (lost << 8).checked_div(in_interval).unwrap_or(0);
        let cumulative = expected as i64 - received as i64;
        ReportedLoss {
            fraction: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative: cumulative.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest: SeqNo(self.highest).reported(),
        }
    }

    fn advance_to(&mut self, seq: u64) {
        let step = seq.saturating_sub(self.highest);
        for age in (0..WINDOW).rev().take(step.min(WINDOW) as usize) {
            self.settle(age);
        }
        if step > WINDOW {
            self.bursts.lost(step - WINDOW);
            self.burst_gap.count_lost(step - WINDOW);
        }
        let shifted = |bits: u128| {
            let step = u32::try_from(step).ok();
            step.and_then(|step| bits.checked_shl(step)).unwrap_or(0)
        };
        self.discarded = shifted(self.discarded);
        self.heard = shifted(self.heard) | 1;
        self.highest = seq;
    }

    fn settle_window(&mut self) {
        for age in (0..WINDOW).rev() {
            self.settle(age);
        }
    }

    /// Counts the packet `age` below the newest as heard or lost for good.
    fn settle(&mut self, age: u64) {
        if self.highest.saturating_sub(age) < self.base || self.highest < age {
            return; // sent before we listened
        }
        let bit = 1 << age;
        if self.heard & bit == 0 {
            self.bursts.lost(1);
            self.burst_gap.count(Fate::Lost);
            return;
        }
        self.bursts.close();
        let discarded = self.discarded & bit != 0;
        self.burst_gap.count(if discarded {
            Fate::Discarded
        } else {
            Fate::Heard
        });
    }
}

/// Interarrival jitter (RFC 3550 A.8), in ticks of the RTP clock.
#[derive(Clone, Copy, Debug)]
pub struct Jitter {
    clock: SampleRate,
    epoch: Instant,
    transit: Option<i64>,
    /// Sixteen times the estimate, as A.8 keeps it.
    scaled: u64,
}

impl Jitter {
    /// `epoch` is any moment not after the first arrival.
    #[must_use]
    pub fn new(clock: SampleRate, epoch: Instant) -> Jitter {
        Jitter {
            clock,
            epoch,
            transit: None,
            scaled: 0,
        }
    }

    /// Takes the next packet: when it came, and its media time.
    pub fn update(&mut self, arrival: Instant, time: RtpTime) {
        let elapsed = arrival.saturating_duration_since(self.epoch).as_nanos();
        let ticks = elapsed * u128::from(self.clock.hz()) / 1_000_000_000;
        let transit = (ticks as i64).wrapping_sub(time.0 as i64);
        if let Some(before) = self.transit.replace(transit) {
            let difference = transit.abs_diff(before);
            if difference <= self.clock.samples_in(CLOCK_STEP) as u64 {
                self.scaled = self.scaled + difference - ((self.scaled + 8) >> 4);
            }
        }
    }

    /// Forgets the last packet but not the estimate: the next one starts a new timeline.
    pub fn rebase(&mut self) {
        self.transit = None;
    }

    /// The clock in whose ticks the estimate is.
    #[must_use]
    pub fn clock(&self) -> SampleRate {
        self.clock
    }

    /// The estimate in ticks, as a report block carries it.
    #[must_use]
    pub fn ticks(&self) -> u32 {
        u32::try_from(self.scaled >> 4).unwrap_or(u32::MAX)
    }

    /// The estimate as time.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.clock.duration_of(self.scaled) / 16
    }
}

/// Round trip from a report block about us: arrival − LSR − DLSR (RFC 3550 section 6.4.1).
///
/// `None` when the other side has heard no report of ours yet (LSR 0) or the numbers make no
/// sense: negative by more than its clock's grain, or above a minute.
#[must_use]
pub fn round_trip(arrival: NtpShort, lsr: NtpShort, dlsr: NtpShort) -> Option<Duration> {
    /// A peer that measures DLSR in milliseconds may round it up by one.
    const GRAIN: i32 = 65;
    if lsr.0 == 0 {
        return None;
    }
    let units = arrival.0.wrapping_sub(lsr.0).wrapping_sub(dlsr.0) as i32;
    if units < -GRAIN {
        return None;
    }
    let trip = NtpShort(units.max(0).unsigned_abs()).to_span();
    (trip <= MAX_ROUND_TRIP).then_some(trip)
}

#[cfg(test)]
mod tests {
    use super::super::sequence::Sequence;
    use super::super::testing::start;
    use super::*;

    /// Feeds wire sequence numbers, 10 octets each, and answers the arrivals after the first.
    fn feed(numbers: &[u16]) -> (Reception, Vec<Arrival>) {
        let (first, rest) = numbers.split_first().expect("a first packet");
        let mut sequence = Sequence::starting_at(*first);
        let mut reception = Reception::starting_at(sequence.highest(), 10);
        let arrivals = rest
            .iter()
            .filter_map(|number| reception.count(sequence.update(*number), 10));
        let arrivals = arrivals.collect();
        (reception, arrivals)
    }

    #[test]
    fn loss_is_counted_across_the_wrap() {
        let (mut reception, _) = feed(&[65_533, 65_534, 1, 2, 4]);
        // Expected 65533, 65534, 65535, 0, 1, 2, 3, 4; missing 65535, 0, 3.
        let counts = reception.counts();
        assert_eq!((counts.expected, counts.received, counts.lost()), (8, 5, 3));
        assert!((counts.loss() - 0.375).abs() < 1e-12);
        assert_eq!(
            reception.report(),
            ReportedLoss {
                fraction: 96,
                cumulative: 3,
                highest: 0x1_0004
            }
        );
    }

    #[test]
    fn the_fraction_is_of_the_interval_and_the_sum_of_all() {
        let mut sequence = Sequence::starting_at(0);
        let mut reception = Reception::starting_at(sequence.highest(), 0);
        for number in [2, 3] {
            reception.count(sequence.update(number), 0);
        }
        assert_eq!(reception.report().fraction, 64); // 1 of 4
        for number in 4..8 {
            reception.count(sequence.update(number), 0);
        }
        let second = reception.report();
        assert_eq!(
            (second.fraction, second.cumulative, second.highest),
            (0, 1, 7)
        );
        assert_eq!(reception.report().fraction, 0); // nothing expected in between
    }

    #[test]
    fn a_duplicate_is_told_from_a_late_packet() {
        let (mut reception, arrivals) = feed(&[10, 12, 11, 11, 12, 13]);
        use Arrival::{Duplicate, InOrder, Late};
        assert_eq!(arrivals, [InOrder, Late, Duplicate, Duplicate, InOrder]);
        let counts = reception.counts();
        assert_eq!((counts.expected, counts.received, counts.lost()), (4, 4, 0));
        assert_eq!((counts.late, counts.duplicates, counts.octets), (1, 2, 40));
        // RFC 3550 A.3 counts duplicates as received: two more than expected.
        let report = reception.report();
        assert_eq!((report.fraction, report.cumulative), (0, -2));
    }

    #[test]
    fn a_packet_sent_before_the_first_heard_is_late_not_lost() {
        let (reception, arrivals) = feed(&[5, 3, 6, 4]);
        assert_eq!(arrivals, [Arrival::Late, Arrival::InOrder, Arrival::Late]);
        let counts = reception.counts();
        assert_eq!((counts.expected, counts.received), (4, 4));
        assert_eq!(reception.bursts().count, 0);
    }

    #[test]
    fn runs_of_loss_are_measured_when_they_can_no_longer_fill() {
        // 2, 3 and 4 missing, 7 missing, 9 late.
        let (reception, _) = feed(&[0, 1, 5, 6, 8, 10, 9]);
        let bursts = reception.bursts();
        assert_eq!((bursts.count, bursts.longest, bursts.packets), (2, 3, 4));
        assert!((bursts.mean() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_run_longer_than_the_window_is_measured_whole() {
        let (reception, _) = feed(&[0, 500, 501]);
        let bursts = reception.bursts();
        assert_eq!(
            (bursts.count, bursts.longest, bursts.packets),
            (1, 499, 499)
        );
        let mut numbers: Vec<u16> = vec![0, 500];
        numbers.extend(501..1_000);
        assert_eq!(feed(&numbers).0.bursts().longest, 499);
    }

    #[test]
    fn bursts_add_up_to_the_loss_whatever_the_pattern() {
        let numbers: Vec<u16> = (0..4_000).filter(|n| n % 7 != 3 && n % 50 > 4).collect();
        let (reception, _) = feed(&numbers);
        assert_eq!(reception.bursts().packets, reception.counts().lost());
        assert_eq!(reception.counts().received, numbers.len() as u64);
    }

    #[test]
    fn packets_discarded_take_their_place_among_those_lost() {
        let mut sequence = Sequence::starting_at(0);
        let mut reception = Reception::starting_at(sequence.highest(), 0);
        // 100 and 101 lost, 102 discarded, 300 discarded alone; the rest heard.
        for number in (1..100).chain(102..600) {
            let order = sequence.update(number);
            reception.count(order, 0);
            if let (Order::Ahead(seq), 102 | 300) = (order, number) {
                reception.discard(seq);
            }
        }
        let found = reception.burst_gap();
        assert_eq!((found.lost, found.discarded), (2, 2));
        let burst = (found.bursts.count, found.bursts.packets);
        assert_eq!((burst, found.bursts.missing), ((1, 3), 3));
        let gaps = (found.gaps.count, found.gaps.packets);
        assert_eq!((gaps, found.gaps.missing), ((2, 597), 1));
        // Still within reach of the window, and beyond it: nothing else changes.
        reception.discard(SeqNo(sequence.highest().0 + 7));
        reception.discard(SeqNo(0));
        assert_eq!(reception.burst_gap(), found);
    }

    #[test]
    fn a_hole_longer_than_the_window_is_one_burst() {
        let (reception, _) = feed(&[0, 500, 501]);
        let found = reception.burst_gap();
        assert_eq!((found.bursts.count, found.bursts.missing), (1, 499));
        assert_eq!(found.bursts.packets + found.gaps.packets, 502);
    }

    #[test]
    fn a_restart_is_not_loss() {
        let (mut reception, arrivals) = feed(&[100, 101, 30_000, 30_001, 30_002]);
        assert_eq!(
            arrivals,
            [Arrival::InOrder, Arrival::Restart, Arrival::InOrder]
        );
        let counts = reception.counts();
        assert_eq!((counts.expected, counts.received), (4, 4));
        assert_eq!(reception.report().cumulative, 0);
    }

    #[test]
    fn cumulative_loss_stays_within_24_bits() {
        let mut reception = Reception::starting_at(SeqNo(0x1_0000), 0);
        let mut newest = 0x1_0000;
        for _ in 0..3_000 {
            newest += 2_999;
            reception.count(Order::Ahead(SeqNo(newest)), 0);
        }
        assert_eq!(reception.report().cumulative, 0x7f_ffff);
    }

    #[test]
    fn jitter_follows_the_rfc_worked_by_hand() {
        // 8 kHz, a packet of 160 ticks each 20 ms. Arrivals in ms: 0, 20, 45, 60, 85.
        // Transit in ticks: 0, 0, 40, 0, 40; differences: 0, 40, 40, 40.
        // A.8, scaled by 16: 0; 0+40-0 = 40; 40+40-((40+8)>>4 = 3) = 77;
        // 77+40-((77+8)>>4 = 5) = 112. Reported: 0, 2, 4, 7.
        let epoch = start();
        let mut jitter = Jitter::new(SampleRate::NARROW, epoch);
        let mut reported = Vec::new();
        for (index, millis) in [0, 20, 45, 60, 85].into_iter().enumerate() {
            let arrival = epoch + Duration::from_millis(millis);
            jitter.update(arrival, RtpTime((1 << 32) - 320 + 160 * index as u64));
            reported.push(jitter.ticks());
        }
        assert_eq!(reported, [0, 0, 2, 4, 7]);
        assert_eq!(jitter.span(), Duration::from_micros(875)); // 112 / 16 / 8 kHz
    }

    #[test]
    fn a_sender_that_sets_its_clock_anew_makes_no_jitter() {
        let epoch = start();
        let mut jitter = Jitter::new(SampleRate::FULL, epoch);
        jitter.update(epoch, RtpTime(1 << 32));
        jitter.update(
            epoch + Duration::from_millis(20),
            RtpTime((1 << 32) + 1_000_000_000),
        );
        assert_eq!(jitter.ticks(), 0);
        jitter.update(
            epoch + Duration::from_millis(40),
            RtpTime((1 << 32) + 1_000_000_960),
        );
        assert_eq!(jitter.ticks(), 0);
    }

    #[test]
    fn the_round_trip_of_rfc_figure_2_is_6_125_seconds() {
        let trip = round_trip(
            NtpShort(0xb710_8000),
            NtpShort(0xb705_2000),
            NtpShort(0x0005_4000),
        );
        assert_eq!(trip, Some(Duration::from_millis(6_125)));
    }

    #[test]
    fn the_round_trip_survives_the_wrap_and_refuses_nonsense() {
        let trip = round_trip(
            NtpShort(0x0000_8000),
            NtpShort(0xffff_8000),
            NtpShort(0x8000),
        );
        assert_eq!(trip, Some(Duration::from_millis(500)));
        assert_eq!(round_trip(NtpShort(0x8000), NtpShort(0), NtpShort(0)), None);
        // One unit too long a delay is rounding; a second too long is nonsense.
        let with_delay =
            |units| round_trip(NtpShort(0x2_0000), NtpShort(0x1_0000), NtpShort(units));
        assert_eq!(with_delay(0x1_0001), Some(Duration::ZERO));
        assert_eq!(with_delay(0x2_0000), None);
        assert_eq!(
            round_trip(NtpShort(0x100_0000), NtpShort(1), NtpShort(0)),
            None
        );
    }
}
