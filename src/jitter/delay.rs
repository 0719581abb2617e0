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
//! That needs some hundred packets to be known. A quantile of the last sixty rises sooner, and at
//! the beginning the spread of those that have come says where the latest will be.

use std::time::Duration;

use super::histogram::Histogram;
use super::spread::Spread;

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

/// Share of packets that must be in time, of the last sixty. NetEQ uses the same.
const QUICK_QUANTILE: f32 = 0.95;

/// Delay that it is worth to have one packet more in a hundred in time: of those that hold up the
/// sound when they are late, and of those that are lost then.
const WORTH_OF_STALLS: Nanos = 120 * MILLI;
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

/// Packets in time that the histograms begin with: one late packet among the first is no more of a
/// reason than later.
const KNOWN: f32 = 150.0;
const OVERTAKEN_KNOWN: f32 = 300.0;

/// Packets until [`DelayBounds::start`] is forgotten, and until the histograms are believed over the
/// spread.
const STARTING: u32 = 50;
const LEARNING: u32 = 200;

/// Packets sent again are in the packet that comes in time; it is waited for somewhat longer.
const AGAIN_SOONER: Nanos = 5 * MILLI;

/// How many packets are the last.
const RECENT: usize = 8;

/// How a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// Behind all that were sent before it.
    InOrder,
    /// Behind one that was sent later.
    Overtaken,
    /// Sent again with a later one (RFC 2198): without waiting it is lost.
    Again,
}

impl Came {
    pub(super) fn of(again: bool, overtaken: bool) -> Came {
        match (again, overtaken) {
            (true, _) => Came::Again,
            (false, true) => Came::Overtaken,
            (false, false) => Came::InOrder,
        }
    }
}

/// Learns how late packets come, and says how long to hold them.
#[derive(Debug)]
pub(super) struct DelayEstimator {
    bounds: DelayBounds,
    fastest: SlidingMinimum,
    quick: Histogram,
    slow: Histogram,
    /// Of all packets; those that were not overtaken have no lateness in it.
    overtaken: Histogram,
    spread: Spread,
    /// How far behind packets are sent again, if they are.
    again: Option<Nanos>,
    recent: Recent,
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
            quick: Histogram::new(QUICK_KEEPS, 1.0),
            slow: Histogram::new(SLOW_KEEPS, KNOWN),
            overtaken: Histogram::new(OVERTAKEN_KEEPS, OVERTAKEN_KNOWN),
            spread: Spread::default(),
            again: None,
            recent: Recent::default(),
            last: None,
            observed: 0,
            floor: 0,
            lost: 0.0,
            base_rest: 0,
            target: nanos(bounds.start).min(nanos(bounds.cap)),
        }
    }

    /// Takes note of a packet and of how it came.
    pub(super) fn observe(&mut self, arrival: Nanos, media: Nanos, came: Came) {
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
            self.quick.lower(self.base_rest);
            self.slow.lower(self.base_rest);
            self.base_rest = self.overtaken.lower(self.base_rest);
        }
        let late = transit - base;
        self.recent.add(late);
        if came != Came::InOrder {
            self.overtaken.add(late);
            // How much later it is sent again says nothing about the network.
            if came == Came::Overtaken {
                self.spread.add(late, true);
            }
        } else {
            self.overtaken.add(0);
            let in_the_wake = self
                .last
                .is_some_and(|(before, moment)| arrival - before < (media - moment) / 4);
            self.last = Some((arrival, media));
            if !in_the_wake {
                self.quick.add(late);
                self.slow.add(late);
                self.spread.add(late, false);
            }
        }
        self.observed = self.observed.saturating_add(1);
        self.settle();
    }

    /// Packets carry those again that were sent so long before them (RFC 2198).
    pub(super) fn comes_again(&mut self, behind: Nanos) {
        self.again = Some(behind);
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

    /// How late packets come at present, at the least: a route that became longer makes all of them
    /// late, until the fastest of the last seconds is one of them.
    pub(super) fn usual(&self) -> Nanos {
        self.recent.least()
    }

    /// Whether enough packets have come for the delay aimed at to stay where it is.
    pub(super) fn is_settled(&self) -> bool {
        self.observed >= LEARNING
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
        let mut early = 0;
        if !self.is_settled() {
            early = self.spread.reach();
            // Whatever the network is like: with so much delay nothing is lost by it meanwhile.
            early = early.max(self.again.map_or(0, |behind| behind + AGAIN_SOONER));
            self.slow.begin_at(early);
            self.overtaken.begin_at(early);
        } else if self.observed == LEARNING {
            self.slow.end_at_the_latest();
            self.overtaken.end_at_the_latest();
        }
        if self.observed < STARTING {
            early = early.max(nanos(self.bounds.start));
        }
        let wanted = self
            .quick
            .quantile(QUICK_QUANTILE)
            .max(self.slow.worthwhile(WORTH_OF_STALLS))
            .max(self.overtaken.worthwhile(WORTH_OF_LOSSES))
            .max(early);
        self.target = wanted.max(self.floor).min(nanos(self.bounds.cap));
    }
}

pub(super) fn nanos(span: Duration) -> Nanos {
    Nanos::try_from(span.as_nanos()).unwrap_or(Nanos::MAX / 4)
}

/// Lateness of the last packets.
#[derive(Debug, Default)]
struct Recent {
    late: [Nanos; RECENT],
    at: usize,
}

impl Recent {
    fn add(&mut self, late: Nanos) {
        self.late[self.at % RECENT] = late;
        self.at = self.at.wrapping_add(1);
    }

    fn least(&self) -> Nanos {
        self.late.iter().copied().min().unwrap_or(0)
    }
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
                self.estimator.observe(arrival, self.sent, Came::InOrder);
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

    /// One in 150, or in 90, comes 120 ms late; where others have overtaken it, it is lost by that.
    #[test]
    fn what_is_lost_by_coming_late_is_waited_for_longer() {
        let target = |one_in: i64, overtaken: bool| {
            let mut estimator = DelayEstimator::new(DelayBounds::default());
            estimator.set_floor(FRAME);
            for index in 0..3_000 {
                let late = if index % one_in == 7 { 120 * MILLI } else { 0 };
                let sent = index * FRAME;
                let came = Came::of(false, overtaken && late > 0);
                estimator.observe(sent + late, sent, came);
            }
            estimator.target() / MILLI
        };
        assert_eq!(target(150, false), 20);
        assert_eq!(target(90, true), 125);
    }

    /// One packet in ten comes only with the second after it; the others have no jitter.
    #[test]
    fn what_is_sent_again_is_waited_for_and_says_nothing_about_the_network() {
        let mut estimator = DelayEstimator::new(DelayBounds::default());
        estimator.set_floor(FRAME);
        for index in 0..100 {
            let sent = index * FRAME;
            if index % 10 == 2 {
                estimator.observe(sent, sent - 2 * FRAME, Came::Again);
            } else if index % 10 != 0 {
                estimator.observe(sent, sent, Came::InOrder);
            }
        }
        assert_eq!(estimator.target(), 45 * MILLI);
    }

    /// Nothing has been lost yet, and what will be comes again two packets later.
    #[test]
    fn where_packets_are_sent_again_it_begins_with_as_much_delay_as_they_take() {
        let target = |packets: i64| {
            let mut stream = Stream::new();
            stream.estimator.comes_again(2 * FRAME);
            stream.feed(packets, |_| 0)
        };
        assert_eq!(target(100), 45);
        // By then it would be known.
        assert_eq!(target(400), 20);
        let mut stream = Stream::new();
        stream.estimator.comes_again(2_000 * MILLI);
        assert_eq!(stream.feed(100, |_| 0), 400, "the cap");
    }

    /// Packets of 10 ms, each twice, 20 ms apart: once it is known that none comes late, there is
    /// nothing to wait for.
    #[test]
    fn the_delay_that_packets_sent_again_asked_for_is_given_up_on_a_clean_path() {
        let frame = 10 * MILLI;
        let mut estimator = DelayEstimator::new(DelayBounds::default());
        estimator.set_floor(frame);
        estimator.comes_again(20 * MILLI);
        let target = (0..220).map(|index| {
            let sent = index * frame;
            estimator.observe(70 * MILLI + sent, sent, Came::InOrder);
            estimator.target() / MILLI
        });
        let targets: Vec<i64> = target.collect();
        assert!((25..=40).contains(&targets[150]), "{}", targets[150]);
        assert!((10..=15).contains(&targets[219]), "{}", targets[219]);
    }

    #[test]
    fn a_longer_route_makes_all_packets_usually_late() {
        let mut stream = Stream::new();
        stream.feed(100, |index| index % 3);
        assert_eq!(stream.estimator.usual(), 0);
        stream.feed(8, |index| 130 + index);
        assert_eq!(stream.estimator.usual(), 130 * MILLI);
        // After four seconds that is the shortest there is.
        stream.feed(250, |_| 130);
        assert_eq!(stream.estimator.usual(), 0);
    }

    /// Two exponential delays of 10 ms each, one after the other: of a thousand packets the latest
    /// is 92 ms late. After 25 packets, of which none was later than 60, about so long is waited.
    #[test]
    fn the_spread_of_the_first_packets_says_where_the_latest_will_be() {
        let mut stream = Stream::new();
        let late = [
            12, 31, 8, 22, 17, 5, 41, 14, 26, 9, 19, 33, 3, 11, 52, 16, 7, 24, 13, 38, 6, 20, 10,
            28, 1,
        ];
        let early = stream.feed(25, |index| late[index as usize]);
        assert!((65..=110).contains(&early), "{early}");
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
