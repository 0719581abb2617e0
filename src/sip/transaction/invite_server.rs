//! The INVITE server transaction (RFC 3261 section 17.2.1, RFC 6026 section 7.1).
//!
//! ```text
//!                  INVITE from the network: pass it
//!                               │
//!                        ┌──────▼──────┐  silence for 200 ms: send 100
//!          2xx from      │             │  1xx from the user: send it, and again each minute
//!     ┌──────────────────┤ Proceeding  │  INVITE again: send the latest 1xx
//!     │    the user      └──────┬──────┘
//!     │                         │ 3xx-6xx from the user: send it
//!     │                  ┌──────▼──────┐  timer G: send again, pause doubles to T2
//!     │                  │  Completed  │  INVITE again: send again
//!     │                  └──┬───────┬──┘
//!     │                 ACK │       │ timer H ──► End
//!  ┌──▼─────────┐     ┌─────▼──────┐
//!  │  Accepted  │     │ Confirmed  │  ACK again: absorbed
//!  └──┬─────────┘     └─────┬──────┘
//!     │ timer L             │ timer I
//!     └──► End              └──► End
//! ```
//!
//! In Accepted a repeated INVITE is absorbed and an ACK passed up; the 2xx itself is repeated by
//! [`AwaitedAck`](super::accepted::AwaitedAck). A transport error changes nothing here (RFC 6026
//! section 7.1): the client's next retransmission gives the response another chance.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::step::ServerStep;
use super::timers::Timers;
use crate::sip::StatusCode;

#[derive(Debug)]
enum State {
    Proceeding {
        /// When 100 is due, or the latest provisional response again.
        send_at: Instant,
        /// Whether any response has been sent.
        answered: bool,
    },
    Completed {
        /// Timer G; `None` on reliable transports.
        resend_at: Option<Instant>,
        interval: Duration,
        /// Timer H.
        give_up_at: Instant,
    },
    Confirmed {
        /// Timer I.
        end_at: Instant,
    },
    Accepted {
        /// Timer L.
        end_at: Instant,
    },
    Ended,
}

/// One INVITE that came in, without the messages themselves.
#[derive(Debug)]
pub(super) struct InviteServer {
    timers: Timers,
    reliable: bool,
    state: State,
    steps: VecDeque<ServerStep>,
}

impl InviteServer {
    /// Starts in Proceeding, with the INVITE already passed to the user.
    pub(super) fn new(now: Instant, timers: Timers, reliable: bool) -> Self {
        InviteServer {
            timers,
            reliable,
            state: State::Proceeding {
                send_at: now + timers.trying_after,
                answered: false,
            },
            steps: VecDeque::new(),
        }
    }

    /// The user answers; `false` when the transaction has its final response already.
    pub(super) fn respond(&mut self, now: Instant, status: StatusCode) -> bool {
        let State::Proceeding { .. } = self.state else {
            return false;
        };
        self.steps.push_back(ServerStep::SendResponse);
        self.state = if status.is_provisional() {
            State::Proceeding {
                send_at: now + self.timers.provisional_refresh,
                answered: true,
            }
        } else if status.is_success() {
            State::Accepted {
                end_at: now + self.timers.patience(),
            }
        } else {
            let interval = self.timers.t1.min(self.timers.t2);
            State::Completed {
                resend_at: (!self.reliable).then(|| now + interval),
                interval,
                give_up_at: now + self.timers.patience(),
            }
        };
        true
    }

    /// The INVITE came again.
    pub(super) fn handle_retransmission(&mut self) {
        match self.state {
            State::Proceeding { answered: true, .. } | State::Completed { .. } => {
                self.steps.push_back(ServerStep::SendResponse);
            }
            State::Proceeding {
                answered: false, ..
            }
            | State::Confirmed { .. }
            | State::Accepted { .. }
            | State::Ended => {}
        }
    }

    /// An ACK came with the branch of this INVITE, or for the dialog that its 2xx made.
    pub(super) fn handle_ack(&mut self, now: Instant) {
        match self.state {
            State::Completed { .. } => {
                let lingering = self.timers.linger(self.reliable);
                self.state = if lingering.is_zero() {
                    State::Ended
                } else {
                    State::Confirmed {
                        end_at: now + lingering,
                    }
                };
            }
            State::Accepted { .. } => self.steps.push_back(ServerStep::PassAck),
            State::Proceeding { .. } | State::Confirmed { .. } | State::Ended => {}
        }
    }

    /// Acts on the deadlines that have passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Proceeding { send_at, answered } if now >= *send_at => {
                *send_at = now + self.timers.provisional_refresh;
                self.steps.push_back(if *answered {
                    ServerStep::SendResponse
                } else {
                    *answered = true;
                    ServerStep::SendTrying
                });
            }
            State::Completed { give_up_at, .. } if now >= *give_up_at => {
                self.steps.push_back(ServerStep::AckMissing);
                self.state = State::Ended;
            }
            State::Completed {
                resend_at: Some(resend_at),
                interval,
                ..
            } if now >= *resend_at => {
                *interval = self.timers.doubled(*interval);
                *resend_at = now + *interval;
                self.steps.push_back(ServerStep::SendResponse);
            }
            State::Confirmed { end_at } | State::Accepted { end_at } if now >= *end_at => {
                self.state = State::Ended;
            }
            State::Proceeding { .. }
            | State::Completed { .. }
            | State::Confirmed { .. }
            | State::Accepted { .. }
            | State::Ended => {}
        }
    }

    /// Whether the user has still to give a final response.
    pub(super) fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// Whether a non-2xx final response waits for its ACK or absorbs repetitions of it.
    pub(super) fn is_refused(&self) -> bool {
        matches!(
            self.state,
            State::Completed { .. } | State::Confirmed { .. }
        )
    }

    /// Whether a non-2xx final response waits for its ACK.
    pub(super) fn is_awaiting_ack(&self) -> bool {
        matches!(self.state, State::Completed { .. })
    }

    /// The next thing to do; to be called until it answers `Wait` or `End`.
    pub(super) fn poll_output(&mut self) -> ServerStep {
        if let Some(step) = self.steps.pop_front() {
            return step;
        }
        match self.state {
            State::Proceeding { send_at, .. } => ServerStep::Wait(Some(send_at)),
            State::Completed {
                resend_at,
                give_up_at,
                ..
            } => ServerStep::Wait(Some(resend_at.map_or(give_up_at, |at| at.min(give_up_at)))),
            State::Confirmed { end_at } | State::Accepted { end_at } => {
                ServerStep::Wait(Some(end_at))
            }
            State::Ended => ServerStep::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::testing::{millis, secs, start};

    fn proceeding(reliable: bool) -> (Instant, InviteServer) {
        let t0 = start();
        (t0, InviteServer::new(t0, Timers::default(), reliable))
    }

    fn steps(invite: &mut InviteServer) -> Vec<ServerStep> {
        let mut steps = Vec::new();
        loop {
            let step = invite.poll_output();
            steps.push(step);
            if matches!(step, ServerStep::Wait(_) | ServerStep::End) {
                return steps;
            }
        }
    }

    /// Jumps from deadline to deadline until the machine ends; answers when what happened.
    fn run(invite: &mut InviteServer, t0: Instant) -> Vec<(Duration, ServerStep)> {
        let mut seen = Vec::new();
        let mut now = t0;
        loop {
            match invite.poll_output() {
                ServerStep::Wait(Some(due)) => {
                    now = due;
                    invite.handle_timeout(now);
                }
                step @ (ServerStep::Wait(None) | ServerStep::End) => {
                    seen.push((now - t0, step));
                    return seen;
                }
                step => seen.push((now - t0, step)),
            }
        }
    }

    #[test]
    fn a_silent_user_is_covered_by_100_after_200_ms() {
        let (t0, mut invite) = proceeding(false);
        assert_eq!(
            steps(&mut invite),
            [ServerStep::Wait(Some(t0 + millis(200)))]
        );
        invite.handle_timeout(t0 + millis(200));
        assert_eq!(steps(&mut invite)[0], ServerStep::SendTrying);
    }

    #[test]
    fn a_user_who_rings_in_time_causes_no_100() {
        let (t0, mut invite) = proceeding(false);
        assert!(invite.respond(t0 + millis(50), StatusCode::RINGING));
        invite.handle_timeout(t0 + millis(200));
        assert_eq!(
            steps(&mut invite),
            [
                ServerStep::SendResponse,
                ServerStep::Wait(Some(t0 + millis(60_050)))
            ]
        );
    }

    #[test]
    fn ringing_is_repeated_each_minute() {
        let (t0, mut invite) = proceeding(true);
        assert!(invite.respond(t0, StatusCode::RINGING));
        let _ = steps(&mut invite);
        for minute in 1..4 {
            invite.handle_timeout(t0 + secs(60 * minute));
            assert_eq!(
                steps(&mut invite),
                [
                    ServerStep::SendResponse,
                    ServerStep::Wait(Some(t0 + secs(60 * (minute + 1))))
                ]
            );
        }
    }

    #[test]
    fn a_repeated_invite_gets_the_latest_provisional_response_if_there_is_one() {
        let (t0, mut invite) = proceeding(false);
        invite.handle_retransmission();
        assert_eq!(
            steps(&mut invite),
            [ServerStep::Wait(Some(t0 + millis(200)))]
        );
        assert!(invite.respond(t0, StatusCode::RINGING));
        let _ = steps(&mut invite);
        invite.handle_retransmission();
        assert_eq!(steps(&mut invite)[0], ServerStep::SendResponse);
    }

    #[test]
    fn a_refusal_is_repeated_with_doubling_pauses_until_timer_h() {
        let (t0, mut invite) = proceeding(false);
        assert!(invite.respond(t0, StatusCode::BUSY_HERE));
        assert_eq!(invite.poll_output(), ServerStep::SendResponse);
        let again = |ms| (millis(ms), ServerStep::SendResponse);
        assert_eq!(
            run(&mut invite, t0),
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
                (secs(32), ServerStep::AckMissing),
                (secs(32), ServerStep::End),
            ]
        );
    }

    #[test]
    fn over_a_reliable_transport_a_refusal_is_sent_once() {
        let (t0, mut invite) = proceeding(true);
        assert!(invite.respond(t0, StatusCode::BUSY_HERE));
        assert_eq!(invite.poll_output(), ServerStep::SendResponse);
        assert_eq!(
            run(&mut invite, t0),
            [
                (secs(32), ServerStep::AckMissing),
                (secs(32), ServerStep::End)
            ]
        );
    }

    #[test]
    fn an_acknowledged_refusal_is_sent_no_more_and_ends_after_t4() {
        let (t0, mut invite) = proceeding(false);
        assert!(invite.respond(t0, StatusCode::BUSY_HERE));
        let _ = steps(&mut invite);
        invite.handle_ack(t0 + millis(50));
        invite.handle_ack(t0 + millis(60));
        invite.handle_retransmission();
        assert_eq!(
            steps(&mut invite),
            [ServerStep::Wait(Some(t0 + millis(5_050)))]
        );
        invite.handle_timeout(t0 + millis(5_050));
        assert_eq!(steps(&mut invite), [ServerStep::End]);
    }

    #[test]
    fn an_acknowledged_refusal_over_a_reliable_transport_ends_at_once() {
        let (t0, mut invite) = proceeding(true);
        assert!(invite.respond(t0, StatusCode::BUSY_HERE));
        let _ = steps(&mut invite);
        invite.handle_ack(t0);
        assert_eq!(steps(&mut invite), [ServerStep::End]);
    }

    #[test]
    fn after_a_2xx_repeated_invites_are_absorbed_and_acks_passed_until_timer_l() {
        for reliable in [false, true] {
            let (t0, mut invite) = proceeding(reliable);
            let until = ServerStep::Wait(Some(t0 + secs(32)));
            assert!(invite.respond(t0, StatusCode::OK));
            assert_eq!(steps(&mut invite), [ServerStep::SendResponse, until]);
            invite.handle_retransmission();
            assert_eq!(steps(&mut invite), [until]);
            invite.handle_ack(t0 + secs(1));
            assert_eq!(steps(&mut invite), [ServerStep::PassAck, until]);
            invite.handle_timeout(t0 + secs(32));
            assert_eq!(steps(&mut invite), [ServerStep::End]);
        }
    }

    #[test]
    fn a_second_final_response_is_refused() {
        for first in [StatusCode::OK, StatusCode::BUSY_HERE] {
            let (t0, mut invite) = proceeding(false);
            assert!(invite.respond(t0, first));
            let _ = steps(&mut invite);
            assert!(!invite.respond(t0, StatusCode::OK));
            assert!(!invite.respond(t0, StatusCode::RINGING));
            assert!(matches!(steps(&mut invite)[..], [ServerStep::Wait(_)]));
        }
    }

    #[test]
    fn an_ack_before_any_final_response_changes_nothing() {
        let (t0, mut invite) = proceeding(false);
        invite.handle_ack(t0);
        assert!(invite.is_proceeding());
        assert_eq!(
            steps(&mut invite),
            [ServerStep::Wait(Some(t0 + millis(200)))]
        );
    }
}
