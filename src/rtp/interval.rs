//! When RTCP is sent (RFC 3550 sections 6.2, 6.3 and A.7).

use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

/// The least time between reports, before randomisation (RFC 3550 section 6.2).
pub const MINIMUM_INTERVAL: Duration = Duration::from_secs(5);
/// RTCP's part of the session bandwidth (RFC 3550 section 6.2).
const RTCP_FRACTION: f64 = 0.05;
/// The senders' part of that, when they are few (RFC 3550 section 6.2).
const SENDER_FRACTION: f64 = 0.25;
/// e − 3/2: makes up for timer reconsideration, which converges below the average (A.7).
const COMPENSATION: f64 = 1.218_28;
/// IPv4 and UDP headers, which the average packet size includes (RFC 3550 section 6.3).
const LOWER_LAYERS: f64 = 28.0;

/// Who is in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Participants, ourselves included.
    pub members: u32,
    /// Those who sent sound lately, ourselves included.
    pub senders: u32,
    /// Whether we are one of them.
    pub we_sent: bool,
}

/// The interval before randomisation (RFC 3550 section 6.3.1).
///
/// `average_size` is in octets, lower layers included; `bandwidth` is the whole session's, in
/// bits a second; `minimum` is halved by the caller before the first report.
#[must_use]
pub fn interval(
    membership: Membership,
    average_size: f64,
    bandwidth: u32,
    minimum: Duration,
) -> Duration {
    let mut octets_a_second = f64::from(bandwidth.max(1)) * RTCP_FRACTION / 8.0;
    let mut sharing = membership.members;
    if f64::from(membership.senders) <= f64::from(membership.members) * SENDER_FRACTION {
        if membership.we_sent {
            octets_a_second *= SENDER_FRACTION;
            sharing = membership.senders;
        } else {
            octets_a_second *= 1.0 - SENDER_FRACTION;
            sharing = membership.members - membership.senders;
        }
    }
    let secs = average_size * f64::from(sharing) / octets_a_second;
    // A day is longer than any sensible interval and keeps the conversion from failing.
    Duration::from_secs_f64(secs.clamp(0.0, 86_400.0)).max(minimum)
}

/// The interval spread over 0.5 to 1.5 of itself, so that parties do not fall into step.
/// `uniform` is in 0..1.
#[must_use]
pub fn randomised(interval: Duration, uniform: f64) -> Duration {
    interval.mul_f64((uniform.clamp(0.0, 1.0) + 0.5) / COMPENSATION)
}

/// Decides when the next report goes out, with timer reconsideration (RFC 3550 section 6.3).
#[derive(Clone, Debug)]
pub struct ReportTimer {
    bandwidth: u32,
    minimum: Duration,
    average_size: f64,
    last_sent: Instant,
    due: Instant,
    members_when_set: u32,
    nothing_sent_yet: bool,
}

impl ReportTimer {
    /// Joins the session. `bandwidth` in bits a second; `own_size`: octets of a report of ours.
    pub fn new(
        now: Instant,
        bandwidth: u32,
        minimum: Duration,
        own_size: usize,
        random: &mut impl Rng,
    ) -> ReportTimer {
        let mut timer = ReportTimer {
            bandwidth,
            minimum,
            average_size: own_size as f64 + LOWER_LAYERS,
            last_sent: now,
            due: now,
            members_when_set: 1,
            nothing_sent_yet: true,
        };
        let alone = Membership {
            members: 1,
            senders: 0,
            we_sent: false,
        };
        timer.due = now + timer.next_interval(alone, random);
        timer
    }

    /// When to call [`ReportTimer::expire`].
    #[must_use]
    pub fn due(&self) -> Instant {
        self.due
    }

    /// The timer ran out (section 6.3.6): whether a report is to be sent at `now`. If not, the
    /// session has grown since the timer was set, and the timer is set anew.
    pub fn expire(&mut self, now: Instant, membership: Membership, random: &mut impl Rng) -> bool {
        if now < self.due {
            return false;
        }
        self.members_when_set = membership.members;
        let earliest = self.last_sent + self.next_interval(membership, random);
        if earliest > now {
            self.due = earliest;
            return false;
        }
        self.last_sent = now;
        self.nothing_sent_yet = false;
        self.due = now + self.next_interval(membership, random);
        true
    }

    /// A report of `octets` was sent or heard (section 6.3.3).
    pub fn count(&mut self, octets: usize) {
        self.average_size += (octets as f64 + LOWER_LAYERS - self.average_size) / 16.0;
    }

    /// Someone left (section 6.3.4): what is left of the interval shrinks with the session.
    pub fn members_fell_to(&mut self, members: u32, now: Instant) {
        if members >= self.members_when_set {
            return;
        }
        let share = f64::from(members) / f64::from(self.members_when_set);
        self.due = now + self.due.saturating_duration_since(now).mul_f64(share);
        let since_last = now.saturating_duration_since(self.last_sent).mul_f64(share);
        self.last_sent = now.checked_sub(since_last).unwrap_or(self.last_sent);
        self.members_when_set = members;
    }

    fn next_interval(&self, membership: Membership, random: &mut impl Rng) -> Duration {
        let minimum = if self.nothing_sent_yet {
            self.minimum / 2
        } else {
            self.minimum
        };
        let uniform = f64::from(random.next_u32()) / f64::from(u32::MAX);
        let interval = interval(membership, self.average_size, self.bandwidth, minimum);
        randomised(interval, uniform)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::super::testing::start;
    use super::*;

    const CALL: Membership = Membership {
        members: 2,
        senders: 2,
        we_sent: true,
    };

    #[test]
    fn a_call_of_two_reports_at_the_minimum() {
        // 2 × 128 octets in 5% of 64 kbit/s, 400 octets a second: 0.64 s, below 5 s.
        assert_eq!(
            interval(CALL, 128.0, 64_000, MINIMUM_INTERVAL),
            MINIMUM_INTERVAL
        );
        let short = Duration::from_millis(500);
        assert_eq!(
            interval(CALL, 128.0, 64_000, short),
            Duration::from_millis(640)
        );
    }

    #[test]
    fn few_senders_share_a_quarter_and_listeners_the_rest() {
        // 100 members, 4 senders, 100 octets, 5% of 64 kbit/s = 400 octets a second.
        let sender = Membership {
            members: 100,
            senders: 4,
            we_sent: true,
        };
        let listener = Membership {
            we_sent: false,
            ..sender
        };
        let none = Duration::ZERO;
        // 100 × 4 / 100 octets a second; 100 × 96 / 300 octets a second.
        assert_eq!(
            interval(sender, 100.0, 64_000, none),
            Duration::from_secs(4)
        );
        assert_eq!(
            interval(listener, 100.0, 64_000, none),
            Duration::from_secs(32)
        );
    }

    #[test]
    fn no_numbers_break_the_interval() {
        let crowd = Membership {
            members: u32::MAX,
            senders: 0,
            we_sent: false,
        };
        let longest = interval(crowd, 1e9, 0, MINIMUM_INTERVAL);
        assert_eq!(longest, Duration::from_secs(86_400));
    }

    #[test]
    fn the_spread_is_half_to_one_and_a_half_over_the_compensation() {
        let check = |uniform, millis: u128| {
            assert_eq!(randomised(MINIMUM_INTERVAL, uniform).as_millis(), millis);
        };
        check(0.0, 2_052); // 5 × 0.5 / 1.21828
        check(0.5, 4_104);
        check(1.0, 6_156);
    }

    #[test]
    fn the_first_report_comes_in_half_the_time_and_the_others_keep_the_average() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let begin = start();
        let mut timer = ReportTimer::new(begin, 64_000, MINIMUM_INTERVAL, 100, &mut random);
        let mut sent = Vec::new();
        while sent.len() < 201 {
            let now = timer.due();
            assert!(!timer.expire(now - Duration::from_nanos(1), CALL, &mut random));
            if timer.expire(now, CALL, &mut random) {
                timer.count(100);
                sent.push(now);
            }
        }
        let first = sent[0] - begin;
        assert!(first >= Duration::from_millis(1_026), "{first:?}");
        assert!(first <= Duration::from_millis(3_079), "{first:?}");
        for pair in sent.windows(2) {
            let gap = pair[1] - pair[0];
            assert!(gap >= Duration::from_millis(2_052), "{gap:?}");
            assert!(gap <= Duration::from_millis(6_157), "{gap:?}");
        }
        // Reconsideration and compensation together bring the mean back to about five seconds.
        let mean = (sent[200] - sent[0]) / 200;
        assert!(mean > Duration::from_millis(4_600), "{mean:?}");
        assert!(mean < Duration::from_millis(5_400), "{mean:?}");
    }

    #[test]
    fn a_departure_shortens_the_wait() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let begin = start();
        let mut timer = ReportTimer::new(begin, 64_000, MINIMUM_INTERVAL, 100, &mut random);
        let mut now = timer.due();
        while !timer.expire(now, CALL, &mut random) {
            now = timer.due();
        }
        let before = timer.due() - now;
        timer.members_fell_to(1, now);
        let after = timer.due() - now;
        assert!(
            (after * 2).abs_diff(before) < Duration::from_micros(1),
            "{before:?} {after:?}"
        );
        timer.members_fell_to(1, now);
        assert_eq!(timer.due() - now, after);
    }
}
