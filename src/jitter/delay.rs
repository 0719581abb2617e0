//! How long to hold packets: long enough for nearly all of them, no longer than that is worth.
//!
//! Lateness is counted from the fastest packet of the last seconds, so that neither the network's
//! fixed delay nor the two clocks' offset matters, and drift only slowly.
//!
//! Each millisecond of delay is weighed against the packets that it saves. Packets that come in
//! order are one matter: a late one holds up the sound, which then goes on where it stopped, so
//! that nothing is lost but time. Of packets that come all at once, held up by the same thing,
//! the first counts for all. Packets overtaken by others are the other matter: their place is
//! passed by when they come too late, and what they held is lost.
//!
//! That needs some hundred packets to be known; a quantile of the last sixty rises sooner.

use std::time::Duration;

/// Nanoseconds on the receiver's clock or the sender's media clock; only differences matter.
pub(super) type Nanos = i64;

pub(super) const MILLI: Nanos = 1_000_000;

/// Bounds of the delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayBounds {
    /// Until the network is known.
    pub start: Duration,
    /// Never more.
    pub cap: Duration,
}

impl Default for DelayBounds {
    fn default() -> Self {
        DelayBounds {
            start: Duration::from_millis(40),
            cap: Duration::from_millis(400),
        }
    }
}

impl DelayBounds {
    /// What a person may ask for: a cap of 40 to 2,000 ms and a start of 10 ms up to the cap; what
    /// is not asked for is as usual. Lateness is told apart up to one second: a higher cap only
    /// lets sound that waits already wait longer before some of it is left out.
    #[must_use]
    pub fn within(start: Option<Duration>, cap: Option<Duration>) -> DelayBounds {
        let usual = DelayBounds::default();
        let ms = Duration::from_millis;
        let cap = cap.unwrap_or(usual.cap).clamp(ms(40), ms(2_000));
        let start = start.unwrap_or(usual.start).clamp(ms(10), cap);
        DelayBounds { start, cap }
    }
}

/// Width of a histogram bin, and how many there are.
const BIN: Nanos = 5 * MILLI;
const BINS: usize = 200;

/// Share of packets that must be in time, of the last sixty. NetEQ uses the same.
const QUICK_QUANTILE: f32 = 0.95;

/// Delay that it is worth to have one packet more in a hundred in time: of those that hold up the
/// sound when they are late, and of those that are lost then.
const WORTH_OF_STALLS: Nanos = 80 * MILLI;
const WORTH_OF_LOSSES: Nanos = 200 * MILLI;

/// What a histogram keeps of itself with each packet: a memory of 60 and of 500 packets.
const QUICK_KEEPS: f32 = 0.983;
const SLOW_KEEPS: f32 = 0.998;

/// The same of overtaken packets: they are rare, and it remembers 1,500.
const OVERTAKEN_KEEPS: f32 = 0.999_3;

/// Of a packet that has not come it is believed that it is lost rather than late if that was so many
/// times as frequent.
const LOST_RATHER: f32 = 3.0;

/// Below this share, losses are too few to say anything.
const HARDLY_EVER: f32 = 0.005;

/// Packets until the histograms are believed over [`DelayBounds::start`].
const LEARNING: u32 = 50;

/// Learns how late packets come, and says how long to hold them.
#[derive(Debug)]
pub(super) struct DelayEstimator {
    bounds: DelayBounds,
    fastest: SlidingMinimum,
    quick: Histogram,
    slow: Histogram,
    /// Of all packets; those that were not overtaken have no lateness in it.
    overtaken: Histogram,
    /// When the last packet came, and its moment.
    last: Option<(Nanos, Nanos)>,
    observed: u32,
    floor: Nanos,
    /// Share of packets that did not come at all.
    lost: f32,
    /// What the base has moved that is less than a bin.
    base_rest: Nanos,
    target: Nanos,
}

impl DelayEstimator {
    pub(super) fn new(bounds: DelayBounds) -> DelayEstimator {
        DelayEstimator {
            bounds,
            fastest: SlidingMinimum::default(),
            quick: Histogram::new(QUICK_KEEPS),
            slow: Histogram::new(SLOW_KEEPS),
            overtaken: Histogram::new(OVERTAKEN_KEEPS),
            last: None,
            observed: 0,
            floor: 0,
            lost: 0.0,
            base_rest: 0,
            target: nanos(bounds.start).min(nanos(bounds.cap)),
        }
    }

    /// Takes note of a packet; `overtaken`: a later one came before it.
    pub(super) fn observe(&mut self, arrival: Nanos, media: Nanos, overtaken: bool) {
        let transit = arrival.saturating_sub(media);
        let before = self.fastest.get();
        self.fastest.observe(arrival, transit);
        let Some(base) = self.fastest.get() else {
            return;
        };
        if let Some(risen) = before
            .map(|before| base - before)
            .filter(|risen| *risen > 0)
        {
            // The route became longer some seconds ago, and what came over it since was counted
            // as late. (When it becomes shorter, the first packet shows it.)
            self.base_rest += risen;
            let bins = self.base_rest / BIN;
            self.base_rest -= bins * BIN;
            self.quick.lower(bins);
            self.slow.lower(bins);
            self.overtaken.lower(bins);
        }
        let late = transit - base;
        if overtaken {
            self.overtaken.add(late);
        } else {
            self.overtaken.add(0);
            let in_the_wake = self
                .last
                .is_some_and(|(before, moment)| arrival - before < (media - moment) / 4);
            self.last = Some((arrival, media));
            if !in_the_wake {
                self.quick.add(late);
                self.slow.add(late);
            }
        }
        self.observed = self.observed.saturating_add(1);
        self.settle();
    }

    /// Takes note of a packet that came or, if `lost`, was given up.
    pub(super) fn note(&mut self, lost: bool) {
        self.lost = self.lost * SLOW_KEEPS + if lost { 1.0 - SLOW_KEEPS } else { 0.0 };
    }

    /// Whether a packet that is late by so much, and no later one here, is lost more likely than on
    /// its way.
    pub(super) fn is_rather_lost(&self, late: Nanos) -> bool {
        self.lost > (LOST_RATHER * self.slow.beyond(late)).max(HARDLY_EVER)
    }

    /// The least delay: a packet length, and more where the next packet repairs the last.
    pub(super) fn set_floor(&mut self, floor: Nanos) {
        self.floor = floor;
        self.settle();
    }

    /// Transit of the fastest packet lately; `None` before the first packet.
    pub(super) fn base(&self) -> Option<Nanos> {
        self.fastest.get()
    }

    /// How much longer than the fastest packet each one should take until it is heard.
    pub(super) fn target(&self) -> Nanos {
        self.target
    }

    /// The sender's clock jumped or another sender took over: what was learned of the network
    /// stays, the base does not.
    pub(super) fn rebase(&mut self) {
        self.fastest = SlidingMinimum::default();
        self.base_rest = 0;
        self.last = None;
    }

    fn settle(&mut self) {
        let wanted = self
            .quick
            .quantile(QUICK_QUANTILE)
            .max(self.slow.worthwhile(WORTH_OF_STALLS))
            .max(self.overtaken.worthwhile(WORTH_OF_LOSSES));
        let wanted = if self.observed < LEARNING {
            wanted.max(nanos(self.bounds.start))
        } else {
            wanted
        };
        self.target = wanted.max(self.floor).min(nanos(self.bounds.cap));
    }
}

pub(super) fn nanos(span: Duration) -> Nanos {
    Nanos::try_from(span.as_nanos()).unwrap_or(Nanos::MAX / 4)
}

/// The least transit of the last three to four seconds in which packets came.
#[derive(Debug, Default)]
struct SlidingMinimum {
    buckets: [Option<Nanos>; 4],
    opened: Nanos,
}

impl SlidingMinimum {
    fn observe(&mut self, arrival: Nanos, transit: Nanos) {
        if self.buckets[0].is_none() {
            self.opened = arrival;
        } else if arrival - self.opened >= 1_000 * MILLI {
            // One step however long the pause: the last that is known beats nothing.
            self.buckets.rotate_right(1);
            self.buckets[0] = None;
            self.opened = arrival;
        }
        let least = self.buckets[0].map_or(transit, |least| least.min(transit));
        self.buckets[0] = Some(least);
    }

    fn get(&self) -> Option<Nanos> {
        self.buckets.iter().copied().flatten().min()
    }
}

/// Shares of packets by lateness, old ones counting less.
#[derive(Debug)]
struct Histogram {
    shares: Box<[f32; BINS]>,
    keeps: f32,
    added: u32,
}

impl Histogram {
    fn new(keeps: f32) -> Histogram {
        Histogram {
            shares: Box::new([0.0; BINS]),
            keeps,
            added: 0,
        }
    }

    fn add(&mut self, late: Nanos) {
        self.added = self.added.saturating_add(1);
        // At the start each packet counts alike, instead of the first for nearly all.
        let keeps = self.keeps.min(1.0 - 1.0 / self.added as f32);
        for share in self.shares.iter_mut() {
            *share *= keeps;
        }
        let bin = usize::try_from(late.max(0) / BIN)
            .unwrap_or(BINS)
            .min(BINS - 1);
        self.shares[bin] += 1.0 - keeps;
    }

    /// The lateness that `share` of the packets do not exceed.
    fn quantile(&self, share: f32) -> Nanos {
        let mut sum = 0.0;
        for (bin, part) in self.shares.iter().enumerate() {
            sum += part;
            if sum >= share {
                return (bin as Nanos + 1) * BIN;
            }
        }
        0
    }

    /// The share of packets that were later than this.
    fn beyond(&self, late: Nanos) -> f32 {
        let bin = usize::try_from(late.max(0) / BIN).unwrap_or(BINS);
        self.shares.get(bin + 1..).unwrap_or_default().iter().sum()
    }

    /// The delay at which a longer one costs more than it saves, if a hundredth of all is worth
    /// `percent`.
    fn worthwhile(&self, percent: Nanos) -> Nanos {
        let mut later: f32 = self.shares.iter().sum();
        let mut best = (f32::INFINITY, 0);
        for (bin, part) in self.shares.iter().enumerate() {
            later -= part;
            // Nothing to wait for in the first bin: what is in it is not late.
            let delay = if bin == 0 {
                0
            } else {
                (bin as Nanos + 1) * BIN
            };
            let cost = delay as f32 + later.max(0.0) * 100.0 * percent as f32;
            if cost < best.0 {
                best = (cost, delay);
            }
        }
        best.1
    }

    /// Counts everything as so many bins less late.
    fn lower(&mut self, bins: Nanos) {
        let steps = usize::try_from(bins).unwrap_or(0).min(BINS - 1);
        let lowest: f32 = self.shares[..steps].iter().sum();
        self.shares.copy_within(steps.., 0);
        self.shares[BINS - steps..].fill(0.0);
        self.shares[0] += lowest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Nanos = 20 * MILLI;

    struct Stream {
        estimator: DelayEstimator,
        sent: Nanos,
    }

    impl Stream {
        fn new() -> Stream {
            let mut estimator = DelayEstimator::new(DelayBounds::default());
            estimator.set_floor(FRAME);
            Stream { estimator, sent: 0 }
        }

        /// `packets` of 20 ms, each as many milliseconds late as `late` says.
        fn feed(&mut self, packets: i64, late: impl Fn(i64) -> i64) -> i64 {
            for index in 0..packets {
                self.sent += FRAME;
                let arrival = 70 * MILLI + self.sent + late(index) * MILLI;
                self.estimator.observe(arrival, self.sent, false);
            }
            self.estimator.target() / MILLI
        }
    }

    #[test]
    fn it_starts_careful_and_comes_down_to_one_packet_on_a_clean_path() {
        let mut stream = Stream::new();
        assert_eq!(stream.estimator.target(), 40 * MILLI);
        assert_eq!(stream.feed(10, |_| 0), 40);
        assert_eq!(stream.feed(60, |_| 0), 20);
    }

    #[test]
    fn it_follows_jitter_up_within_a_second_and_down_within_a_minute() {
        let mut stream = Stream::new();
        stream.feed(500, |_| 0);
        let jittery = |index: i64| index * 7_919 % 61;
        let after_a_second = stream.feed(50, jittery);
        assert!((55..=65).contains(&after_a_second), "{after_a_second}");
        let settled = stream.feed(1_000, jittery);
        assert!((60..=65).contains(&settled), "{settled}");
        let soon = stream.feed(100, |_| 0);
        assert!(soon >= 55, "{soon}: forgotten after two seconds");
        assert_eq!(stream.feed(3_000, |_| 0), 20);
    }

    #[test]
    fn a_single_late_packet_is_no_reason_to_wait_longer() {
        let mut stream = Stream::new();
        stream.feed(600, |_| 0);
        assert_eq!(
            stream.feed(100, |index| if index == 50 { 200 } else { 0 }),
            20
        );
    }

    /// Packets in a row, held up by the same thing, come together; and as many, each late by
    /// itself.
    #[test]
    fn packets_held_up_together_count_as_one() {
        let target = |spread: i64| {
            let mut stream = Stream::new();
            stream.feed(1_500, |index| {
                let within = index % 500 / spread;
                let first = index % spread == 0;
                match within {
                    0..10 if first => (60 - if spread == 1 { 20 * within } else { 0 }).max(0),
                    _ => 0,
                }
            })
        };
        assert_eq!(target(1), 20);
        let each = target(50);
        assert!((60..=70).contains(&each), "{each}");
    }

    #[test]
    fn what_has_not_come_is_rather_lost_where_more_is_lost_than_late() {
        let rather_lost = |lost_one_in: i64, late_one_in: i64| {
            let mut stream = Stream::new();
            for index in 0..1_500 {
                let lost = index % lost_one_in == 0;
                stream.estimator.note(lost);
                if lost {
                    stream.sent += FRAME;
                } else {
                    stream.feed(1, |_| if index % late_one_in == 1 { 70 } else { 0 });
                }
            }
            [0, 40, 100].map(|late| stream.estimator.is_rather_lost(late * MILLI))
        };
        // Five in a hundred are lost, none or one is late; then it is the other way round.
        assert_eq!(rather_lost(20, 10_000), [true; 3]);
        assert_eq!(rather_lost(20, 100), [true; 3]);
        assert_eq!(rather_lost(100, 20), [false, false, true]);
        // One loss is none.
        assert_eq!(rather_lost(10_000, 10_000), [false; 3]);
        assert!(!DelayEstimator::new(DelayBounds::default()).is_rather_lost(0));
    }

    /// One in 150 comes 120 ms late; where others have overtaken it, it is lost by that.
    #[test]
    fn what_is_lost_by_coming_late_is_waited_for_longer() {
        let target = |overtaken: bool| {
            let mut estimator = DelayEstimator::new(DelayBounds::default());
            estimator.set_floor(FRAME);
            for index in 0..3_000 {
                let late = if index % 150 == 7 { 120 * MILLI } else { 0 };
                let sent = index * FRAME;
                estimator.observe(sent + late, sent, overtaken && late > 0);
            }
            estimator.target() / MILLI
        };
        assert_eq!(target(false), 20);
        assert_eq!(target(true), 125);
    }

    #[test]
    fn a_longer_route_is_not_taken_for_jitter() {
        let mut stream = Stream::new();
        stream.feed(600, |index| index % 3);
        // Counted as late until the fast packets are out of the window, then no longer.
        stream.feed(210, |index| 80 + index % 3);
        assert_eq!(stream.feed(20, |index| 80 + index % 3), 20);
        assert_eq!(stream.estimator.base(), Some(150 * MILLI));
        // And a shorter one shows its first packet 80 ms early.
        assert_eq!(stream.feed(600, |index| index % 3), 20);
    }

    #[test]
    fn drift_between_the_clocks_is_not_taken_for_jitter() {
        let mut stream = Stream::new();
        let mut worst = 0;
        for _ in 0..60 {
            stream.feed(50, |_| 0);
            // 200 ppm over a second.
            stream.sent += MILLI / 5;
            worst = worst.max(stream.estimator.target());
        }
        assert!(worst <= 40 * MILLI);
        assert_eq!(stream.estimator.target(), FRAME);
    }

    #[test]
    fn the_cap_holds() {
        let mut stream = Stream::new();
        assert_eq!(stream.feed(300, |index| index * 7_919 % 900), 400);
    }
}
