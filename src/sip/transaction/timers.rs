//! The timers of RFC 3261 section 17 and RFC 6026, all derived from T1, T2 and T4.
//!
//! | timer | value | meaning |
//! | --- | --- | --- |
//! | A | T1, doubling | INVITE sent again, unreliable transports only |
//! | B | 64·T1 | INVITE unanswered |
//! | D | ≥ 32 s, 0 if reliable | repeated non-2xx finals are acknowledged again |
//! | E | T1, doubling to T2 | other request sent again, unreliable transports only |
//! | F | 64·T1 | other request unanswered |
//! | G | T1, doubling to T2 | non-2xx final sent again, unreliable transports only |
//! | H | 64·T1 | the ACK did not come |
//! | I | T4, 0 if reliable | repeated ACKs are absorbed |
//! | J | 64·T1, 0 if reliable | repeated requests are answered from the transaction |
//! | K | T4, 0 if reliable | repeated responses are absorbed |
//! | L | 64·T1 | repeated INVITEs are absorbed after a 2xx (RFC 6026) |
//! | M | 64·T1 | further 2xx are passed up (RFC 6026) |
//!
//! Timer C belongs to proxies.

use std::time::Duration;

/// The values all timers are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Estimate of the round trip (RFC 3261 table 4: 500 ms).
    pub t1: Duration,
    /// Longest pause between two transmissions, except of an INVITE (4 s).
    pub t2: Duration,
    /// Longest time that a message stays in the network (5 s).
    pub t4: Duration,
    /// Silence of the user after which an INVITE is answered with 100 (section 17.2.1: 200 ms).
    pub trying_after: Duration,
    /// How often a provisional response is repeated while a person makes up their mind, so that
    /// proxies keep waiting (section 13.3.1.1: every minute).
    pub provisional_refresh: Duration,
    /// What went over TCP for its length alone and has no answer after this goes over UDP: many a
    /// server has its TCP port closed by a firewall that says nothing. A server that takes the
    /// INVITE answers 100 within 200 ms.
    pub tcp_only_for_length: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Timers {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            trying_after: Duration::from_millis(200),
            provisional_refresh: Duration::from_secs(60),
            tcp_only_for_length: Duration::from_secs(2),
        }
    }
}

impl Timers {
    /// 64·T1: timers B, F, H, L and M, and J on unreliable transports.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// Timer D: the far side may repeat its final response for 64 of *its* T1, which a smaller T1
    /// of ours must not shorten.
    #[must_use]
    pub fn d(&self, reliable: bool) -> Duration {
        if reliable {
            Duration::ZERO
        } else {
            self.patience().max(Duration::from_secs(32))
        }
    }

    /// Timer J.
    #[must_use]
    pub fn j(&self, reliable: bool) -> Duration {
        if reliable {
            Duration::ZERO
        } else {
            self.patience()
        }
    }

    /// Timers I and K.
    #[must_use]
    pub fn linger(&self, reliable: bool) -> Duration {
        if reliable { Duration::ZERO } else { self.t4 }
    }

    /// Time after which timer E of a client has grown to T2: 3.5 s. Only then may, and must, a
    /// request other than INVITE be answered with 100 (RFC 4320 section 4.1).
    #[must_use]
    pub fn non_invite_trying_after(&self) -> Duration {
        let mut interval = self.t1.max(Duration::from_millis(1));
        let mut after = Duration::ZERO;
        while interval < self.t2 {
            after = after.saturating_add(interval);
            interval = interval.saturating_mul(2);
        }
        after
    }

    /// The pause that follows `interval` when it doubles up to T2 (timers E and G).
    #[must_use]
    pub(super) fn doubled(&self, interval: Duration) -> Duration {
        interval.saturating_mul(2).min(self.t2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_table_4() {
        let timers = Timers::default();
        assert_eq!(timers.patience(), Duration::from_secs(32));
        assert_eq!(timers.d(false), Duration::from_secs(32));
        assert_eq!(timers.j(false), Duration::from_secs(32));
        assert_eq!(timers.linger(false), Duration::from_secs(5));
    }

    #[test]
    fn reliable_transports_need_no_time_to_absorb_repetitions() {
        let timers = Timers::default();
        for timer in [timers.d(true), timers.j(true), timers.linger(true)] {
            assert_eq!(timer, Duration::ZERO);
        }
    }

    #[test]
    fn a_small_t1_of_ours_does_not_shorten_timer_d() {
        let timers = Timers {
            t1: Duration::from_millis(10),
            ..Timers::default()
        };
        assert_eq!(timers.d(false), Duration::from_secs(32));
    }

    #[test]
    fn a_slow_request_gets_its_100_after_three_and_a_half_seconds() {
        assert_eq!(
            Timers::default().non_invite_trying_after(),
            Duration::from_millis(3_500)
        );
    }
}
