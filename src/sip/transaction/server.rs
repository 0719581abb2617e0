//! The server transaction of every request but INVITE and ACK (RFC 3261 section 17.2.2, with
//! RFC 4320).
//!
//! ```text
//!            request from the network: pass it
//!                         │
//!                  ┌──────▼──────┐  request again: absorbed
//!          ┌───────┤   Trying    ├─────────────┐
//!          │       └──────┬──────┘             │ 64·T1 without a final response ──► End
//!          │              │ silence for 3.5 s: send 100
//!          │              │ 1xx from the user: send it
//!          │       ┌──────▼──────┐             │
//!          │       │ Proceeding  ├─────────────┘
//!          │       └──────┬──────┘  request again, 1xx from the user: send the latest 1xx
//!          │ 2xx-6xx from │ the user: send it
//!          │       ┌──────▼──────┐
//!          └──────►│  Completed  │  request again: send again
//!                  └──────┬──────┘
//!                         │ timer J
//!                         └──► End
//! ```
//!
//! A final response later than 64·T1 has no reader: the client has given up. Sending it, or a 408,
//! would only be a stray in the network (RFC 4320 section 4.2).

use std::collections::VecDeque;
use std::time::Instant;

use super::step::ServerStep;
use super::timers::Timers;
use crate::sip::StatusCode;

#[derive(Debug)]
enum State {
    Trying {
        /// When 100 is due (RFC 4320 section 4.1).
        trying_at: Instant,
        give_up_at: Instant,
    },
    Proceeding {
        give_up_at: Instant,
    },
    Completed {
        /// Timer J.
        end_at: Instant,
    },
    Ended,
}

/// One request that came in, without the messages themselves.
#[derive(Debug)]
pub(super) struct NonInviteServer {
    timers: Timers,
    reliable: bool,
    state: State,
    steps: VecDeque<ServerStep>,
}

impl NonInviteServer {
    /// Starts in Trying, with the request already passed to the user.
    pub(super) fn new(now: Instant, timers: Timers, reliable: bool) -> Self {
        NonInviteServer {
            timers,
            reliable,
            state: State::Trying {
                trying_at: now + timers.non_invite_trying_after(),
                give_up_at: now + timers.patience(),
            },
            steps: VecDeque::new(),
        }
    }

    /// The user answers; `false` when the transaction has its final response already, or the
    /// client has stopped waiting for one.
    pub(super) fn respond(&mut self, now: Instant, status: StatusCode) -> bool {
        let (State::Trying { give_up_at, .. } | State::Proceeding { give_up_at }) = self.state
        else {
            return false;
        };
        if status == StatusCode::REQUEST_TIMEOUT {
            self.state = State::Ended;
            return true;
        }
        self.steps.push_back(ServerStep::SendResponse);
        self.state = if status.is_provisional() {
            State::Proceeding { give_up_at }
        } else {
            let lingering = self.timers.j(self.reliable);
            if lingering.is_zero() {
                State::Ended
            } else {
                State::Completed {
                    end_at: now + lingering,
                }
            }
        };
        true
    }

    /// The request came again.
    pub(super) fn handle_retransmission(&mut self) {
        match self.state {
            State::Proceeding { .. } | State::Completed { .. } => {
                self.steps.push_back(ServerStep::SendResponse);
            }
            State::Trying { .. } | State::Ended => {}
        }
    }

    /// Acts on the deadlines that have passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Trying { give_up_at, .. } | State::Proceeding { give_up_at }
                if now >= give_up_at =>
            {
                self.state = State::Ended;
            }
            State::Trying {
                trying_at,
                give_up_at,
            } if now >= trying_at => {
                self.steps.push_back(ServerStep::SendTrying);
                self.state = State::Proceeding { give_up_at };
            }
            State::Completed { end_at } if now >= end_at => self.state = State::Ended,
            State::Trying { .. }
            | State::Proceeding { .. }
            | State::Completed { .. }
            | State::Ended => {}
        }
    }

    /// Whether only repetitions of the request are to be expected.
    pub(super) fn is_completed(&self) -> bool {
        matches!(self.state, State::Completed { .. })
    }

    /// The next thing to do; to be called until it answers `Wait` or `End`.
    pub(super) fn poll_output(&mut self) -> ServerStep {
        if let Some(step) = self.steps.pop_front() {
            return step;
        }
        match self.state {
            State::Trying {
                trying_at,
                give_up_at,
            } => ServerStep::Wait(Some(trying_at.min(give_up_at))),
            State::Proceeding { give_up_at } => ServerStep::Wait(Some(give_up_at)),
            State::Completed { end_at } => ServerStep::Wait(Some(end_at)),
            State::Ended => ServerStep::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::testing::{millis, secs, start};

    fn trying(reliable: bool) -> (Instant, NonInviteServer) {
        let t0 = start();
        (t0, NonInviteServer::new(t0, Timers::default(), reliable))
    }

    fn steps(server: &mut NonInviteServer) -> Vec<ServerStep> {
        let mut steps = Vec::new();
        loop {
            let step = server.poll_output();
            steps.push(step);
            if matches!(step, ServerStep::Wait(_) | ServerStep::End) {
                return steps;
            }
        }
    }

    #[test]
    fn a_repeated_request_is_absorbed_until_there_is_a_response_to_repeat() {
        let (t0, mut server) = trying(false);
        server.handle_retransmission();
        assert_eq!(
            steps(&mut server),
            [ServerStep::Wait(Some(t0 + millis(3_500)))]
        );
        assert!(server.respond(t0 + secs(1), StatusCode::OK));
        let until = ServerStep::Wait(Some(t0 + secs(33)));
        assert_eq!(steps(&mut server), [ServerStep::SendResponse, until]);
        server.handle_retransmission();
        assert_eq!(steps(&mut server), [ServerStep::SendResponse, until]);
    }

    #[test]
    fn timer_j_ends_the_transaction_after_32_seconds() {
        let (t0, mut server) = trying(false);
        assert!(server.respond(t0, StatusCode::OK));
        let _ = steps(&mut server);
        server.handle_timeout(t0 + millis(31_999));
        assert_eq!(steps(&mut server), [ServerStep::Wait(Some(t0 + secs(32)))]);
        server.handle_timeout(t0 + secs(32));
        assert_eq!(steps(&mut server), [ServerStep::End]);
    }

    #[test]
    fn over_a_reliable_transport_the_response_ends_the_transaction() {
        let (t0, mut server) = trying(true);
        assert!(server.respond(t0, StatusCode::OK));
        assert_eq!(
            steps(&mut server),
            [ServerStep::SendResponse, ServerStep::End]
        );
    }

    #[test]
    fn a_silent_user_is_covered_by_one_100_and_forgotten_after_64_t1() {
        let (t0, mut server) = trying(false);
        server.handle_timeout(t0 + millis(3_500));
        assert_eq!(
            steps(&mut server),
            [
                ServerStep::SendTrying,
                ServerStep::Wait(Some(t0 + secs(32)))
            ]
        );
        server.handle_timeout(t0 + secs(32));
        assert_eq!(steps(&mut server), [ServerStep::End]);
        assert!(!server.respond(t0 + secs(33), StatusCode::OK));
    }

    #[test]
    fn a_408_is_never_sent() {
        let (t0, mut server) = trying(false);
        assert!(server.respond(t0, StatusCode::REQUEST_TIMEOUT));
        assert_eq!(steps(&mut server), [ServerStep::End]);
    }

    #[test]
    fn a_second_final_response_is_refused() {
        let (t0, mut server) = trying(false);
        assert!(server.respond(t0, StatusCode::OK));
        let _ = steps(&mut server);
        assert!(!server.respond(t0, StatusCode::NOT_FOUND));
        assert_eq!(steps(&mut server), [ServerStep::Wait(Some(t0 + secs(32)))]);
    }
}
