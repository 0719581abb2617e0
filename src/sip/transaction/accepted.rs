//! The UAS core's part of a 2xx to an INVITE: repeat it until the ACK comes (RFC 3261 section
//! 13.3.1.4).
//!
//! ```text
//!   2xx sent by the transaction
//!              │
//!      ┌───────▼───────┐  pause over: send again, pause doubles to T2
//!      │    Waiting    ├──┐
//!      └──┬─────────┬──┘◄─┘
//!     ACK │         │ 64·T1: tell the user, who will end the dialog with BYE
//!      ┌──▼───┐  ┌──▼──────┐
//!      │ Done │  │  Done   │
//!      └──────┘  └─────────┘
//! ```
//!
//! It repeats on reliable transports too: a hop further on may be UDP.

use std::time::{Duration, Instant};

use super::timers::Timers;

/// A 2xx that waits for its ACK.
#[derive(Debug)]
pub(super) struct AwaitedAck {
    timers: Timers,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting {
        resend_at: Instant,
        interval: Duration,
        give_up_at: Instant,
    },
    Done,
}

/// What a passed deadline asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckStep {
    /// Send the 2xx again.
    SendResponse,
    /// Tell the user that no ACK came.
    AckMissing,
    /// Nothing is due.
    Nothing,
}

impl AwaitedAck {
    /// The 2xx went out at `now`.
    pub(super) fn new(now: Instant, timers: Timers) -> Self {
        let interval = timers.t1.min(timers.t2);
        AwaitedAck {
            timers,
            state: State::Waiting {
                resend_at: now + interval,
                interval,
                give_up_at: now + timers.patience(),
            },
        }
    }

    /// The ACK came, or nobody waits for it any more; `true` the first time.
    pub(super) fn stop(&mut self) -> bool {
        let waited = matches!(self.state, State::Waiting { .. });
        self.state = State::Done;
        waited
    }

    /// Acts on the deadline that has passed, if one has.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> AckStep {
        let State::Waiting {
            resend_at,
            interval,
            give_up_at,
        } = &mut self.state
        else {
            return AckStep::Nothing;
        };
        if now >= *give_up_at {
            self.state = State::Done;
            return AckStep::AckMissing;
        }
        if now < *resend_at {
            return AckStep::Nothing;
        }
        *interval = self.timers.doubled(*interval);
        *resend_at = now + *interval;
        AckStep::SendResponse
    }

    /// The next deadline; `None` once the ACK has come or was given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting {
                resend_at,
                give_up_at,
                ..
            } => Some(resend_at.min(give_up_at)),
            State::Done => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::testing::{millis, secs, start};

    #[test]
    fn a_2xx_is_repeated_with_doubling_pauses_and_given_up_after_64_t1() {
        let t0 = start();
        let mut awaited = AwaitedAck::new(t0, Timers::default());
        let mut seen = Vec::new();
        while let Some(due) = awaited.deadline() {
            seen.push((due - t0, awaited.handle_timeout(due)));
        }
        let again = |ms| (millis(ms), AckStep::SendResponse);
        assert_eq!(
            seen,
            [
                again(500),
                again(1_500),
                again(3_500),
                again(7_500),
                again(11_500),
                again(15_500),
                again(19_500),
                again(23_500),
                again(27_500),
                again(31_500),
                (secs(32), AckStep::AckMissing),
            ]
        );
    }

    #[test]
    fn the_ack_stops_it() {
        let t0 = start();
        let mut awaited = AwaitedAck::new(t0, Timers::default());
        assert!(awaited.stop());
        assert!(!awaited.stop());
        assert_eq!(awaited.deadline(), None);
        assert_eq!(awaited.handle_timeout(t0 + secs(40)), AckStep::Nothing);
    }
}
