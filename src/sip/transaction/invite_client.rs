//! The INVITE client transaction (RFC 3261 section 17.1.1, RFC 6026 section 7.2).
//!
//! ```text
//!                 INVITE from the user: send it
//!                              │
//!                  ┌───────────▼──────────┐  timer A: send again, pause doubles
//!        ┌─────────┤       Calling        ├──┐
//!        │         └─┬─────────┬────────┬─┘◄─┘
//!        │ 2xx: pass │         │ 1xx    │ timer B, transport error: fail ──► End
//!        │           │ 3xx-6xx ▼ pass   │
//!        │           │    ┌────────────┐│  1xx: pass
//!        │◄───────────────┤ Proceeding ├┘──┐
//!        │  2xx: pass│    └─┬──────┬───┘◄──┘
//!        │           │      │      │ 64·T1 after a CANCEL: fail ──► End
//!        │           │      │ 3xx-6xx: pass, ACK
//!  ┌─────▼────┐    ┌─▼──────▼──┐
//!  │ Accepted │    │ Completed │◄─┐ 3xx-6xx: ACK again
//!  └─┬───▲──┬─┘    └──┬─────┬──┘──┘
//!    └───┘  │ timer M │     │ timer D, transport error
//!  2xx: pass└────►End └────►End
//! ```
//!
//! The ACK of a 2xx is the user's (section 13.2.2.4): from another leg of a fork may come one
//! more 2xx, each of which needs its own.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::step::{ClientStep, Failure};
use super::timers::Timers;
use crate::sip::StatusCode;

#[derive(Debug)]
enum State {
    Calling {
        /// Timer A; `None` on reliable transports.
        resend_at: Option<Instant>,
        interval: Duration,
        /// Timer B.
        give_up_at: Instant,
    },
    Proceeding {
        /// Armed by a CANCEL (section 9.1). Until then the far phone may ring for as long as
        /// the person who called is ready to wait.
        give_up_at: Option<Instant>,
    },
    Completed {
        /// Timer D.
        end_at: Instant,
    },
    Accepted {
        /// Timer M.
        end_at: Instant,
    },
    Ended,
}

/// One INVITE on its way, without the messages themselves.
#[derive(Debug)]
pub(super) struct InviteClient {
    timers: Timers,
    reliable: bool,
    state: State,
    steps: VecDeque<ClientStep>,
}

impl InviteClient {
    /// Starts in Calling; the first step sends the INVITE.
    pub(super) fn new(now: Instant, timers: Timers, reliable: bool) -> Self {
        InviteClient {
            timers,
            reliable,
            state: State::Calling {
                resend_at: (!reliable).then(|| now + timers.t1),
                interval: timers.t1,
                give_up_at: now + timers.patience(),
            },
            steps: VecDeque::from([ClientStep::SendRequest]),
        }
    }

    /// Takes a response whose branch and method matched.
    pub(super) fn handle_response(&mut self, now: Instant, status: StatusCode) {
        match self.state {
            State::Calling { .. } | State::Proceeding { .. } => {
                self.steps.push_back(ClientStep::Pass);
                if status.is_provisional() {
                    if let State::Calling { .. } = self.state {
                        self.state = State::Proceeding { give_up_at: None };
                    }
                } else if status.is_success() {
                    self.state = State::Accepted {
                        end_at: now + self.timers.patience(),
                    };
                } else {
                    self.steps.push_back(ClientStep::SendAck);
                    let lingering = self.timers.d(self.reliable);
                    if lingering.is_zero() {
                        self.end();
                    } else {
                        self.state = State::Completed {
                            end_at: now + lingering,
                        };
                    }
                }
            }
            State::Completed { .. } => {
                if !status.is_provisional() && !status.is_success() {
                    self.steps.push_back(ClientStep::SendAck);
                }
            }
            State::Accepted { .. } => {
                if status.is_success() {
                    self.steps.push_back(ClientStep::Pass);
                }
            }
            State::Ended => {}
        }
    }

    /// A CANCEL for this INVITE goes out: the final response must come within 64·T1.
    pub(super) fn handle_cancel(&mut self, now: Instant) {
        if let State::Proceeding {
            give_up_at: give_up_at @ None,
        } = &mut self.state
        {
            *give_up_at = Some(now + self.timers.patience());
        }
    }

    /// Acts on the deadlines that have passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Calling { give_up_at, .. }
            | State::Proceeding {
                give_up_at: Some(give_up_at),
            } if now >= *give_up_at => {
                self.steps.push_back(ClientStep::Fail(Failure::Timeout));
                self.end();
            }
            State::Calling {
                resend_at: Some(resend_at),
                interval,
                ..
            } if now >= *resend_at => {
                *interval = interval.saturating_mul(2);
                *resend_at = now + *interval;
                self.steps.push_back(ClientStep::SendRequest);
            }
            State::Completed { end_at } | State::Accepted { end_at } if now >= *end_at => {
                self.end();
            }
            State::Calling { .. }
            | State::Proceeding { .. }
            | State::Completed { .. }
            | State::Accepted { .. }
            | State::Ended => {}
        }
    }

    /// The transport could not send, or lost the connection.
    ///
    /// In Proceeding nothing of this transaction is under way and the answer may come over
    /// another connection; in Completed the user has had the final response, so nobody is told.
    pub(super) fn handle_transport_error(&mut self) {
        match self.state {
            State::Calling { .. } => {
                self.steps.push_back(ClientStep::Fail(Failure::Transport));
                self.end();
            }
            State::Completed { .. } => self.end(),
            State::Proceeding { .. } | State::Accepted { .. } | State::Ended => {}
        }
    }

    /// Whether no response has come yet: a CANCEL has to wait (section 9.1).
    pub(super) fn is_calling(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// Whether a provisional response came and no final one: a CANCEL makes sense.
    pub(super) fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// The next thing to do; to be called until it answers `Wait` or `End`.
    pub(super) fn poll_output(&mut self) -> ClientStep {
        if let Some(step) = self.steps.pop_front() {
            return step;
        }
        match self.state {
            State::Calling {
                resend_at,
                give_up_at,
                ..
            } => ClientStep::Wait(Some(resend_at.map_or(give_up_at, |at| at.min(give_up_at)))),
            State::Proceeding { give_up_at } => ClientStep::Wait(give_up_at),
            State::Completed { end_at } | State::Accepted { end_at } => {
                ClientStep::Wait(Some(end_at))
            }
            State::Ended => ClientStep::End,
        }
    }

    fn end(&mut self) {
        self.state = State::Ended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::testing::{millis, secs, start};

    fn calling(reliable: bool) -> (Instant, InviteClient) {
        let t0 = start();
        let mut invite = InviteClient::new(t0, Timers::default(), reliable);
        assert_eq!(invite.poll_output(), ClientStep::SendRequest);
        (t0, invite)
    }

    fn steps(invite: &mut InviteClient) -> Vec<ClientStep> {
        let mut steps = Vec::new();
        loop {
            match invite.poll_output() {
                step @ (ClientStep::Wait(_) | ClientStep::End) => {
                    steps.push(step);
                    return steps;
                }
                step => steps.push(step),
            }
        }
    }

    /// Jumps from deadline to deadline until the machine ends or waits for input.
    fn run(invite: &mut InviteClient, t0: Instant) -> Vec<(Duration, ClientStep)> {
        let mut seen = Vec::new();
        let mut now = t0;
        loop {
            match invite.poll_output() {
                ClientStep::Wait(Some(due)) => {
                    now = due;
                    invite.handle_timeout(now);
                }
                step @ (ClientStep::Wait(None) | ClientStep::End) => {
                    seen.push((now - t0, step));
                    return seen;
                }
                step => seen.push((now - t0, step)),
            }
        }
    }

    #[test]
    fn an_unanswered_invite_is_sent_seven_times_and_given_up_after_32_seconds() {
        let (t0, mut invite) = calling(false);
        let again = |ms| (millis(ms), ClientStep::SendRequest);
        assert_eq!(
            run(&mut invite, t0),
            [
                again(500),
                again(1_500),
                again(3_500),
                again(7_500),
                again(15_500),
                again(31_500),
                (secs(32), ClientStep::Fail(Failure::Timeout)),
                (secs(32), ClientStep::End),
            ]
        );
    }

    #[test]
    fn over_a_reliable_transport_an_invite_is_sent_once() {
        let (t0, mut invite) = calling(true);
        assert_eq!(
            run(&mut invite, t0),
            [
                (secs(32), ClientStep::Fail(Failure::Timeout)),
                (secs(32), ClientStep::End)
            ]
        );
    }

    #[test]
    fn a_provisional_response_stops_retransmission_for_as_long_as_it_rings() {
        let (t0, mut invite) = calling(false);
        invite.handle_response(t0 + millis(100), StatusCode::RINGING);
        assert_eq!(
            steps(&mut invite),
            [ClientStep::Pass, ClientStep::Wait(None)]
        );
        invite.handle_timeout(t0 + secs(600));
        assert_eq!(steps(&mut invite), [ClientStep::Wait(None)]);
    }

    #[test]
    fn a_refusal_is_acknowledged_each_time_it_comes_but_passed_once() {
        let (t0, mut invite) = calling(false);
        invite.handle_response(t0, StatusCode::BUSY_HERE);
        assert_eq!(
            steps(&mut invite),
            [
                ClientStep::Pass,
                ClientStep::SendAck,
                ClientStep::Wait(Some(t0 + secs(32)))
            ]
        );
        invite.handle_response(t0 + millis(500), StatusCode::BUSY_HERE);
        assert_eq!(
            steps(&mut invite),
            [ClientStep::SendAck, ClientStep::Wait(Some(t0 + secs(32)))]
        );
        invite.handle_timeout(t0 + secs(32));
        assert_eq!(steps(&mut invite), [ClientStep::End]);
    }

    #[test]
    fn a_refusal_over_a_reliable_transport_ends_the_transaction_at_once() {
        let (t0, mut invite) = calling(true);
        invite.handle_response(t0, StatusCode::DECLINE);
        assert_eq!(
            steps(&mut invite),
            [ClientStep::Pass, ClientStep::SendAck, ClientStep::End]
        );
    }

    #[test]
    fn every_2xx_is_passed_until_timer_m_on_every_transport() {
        for reliable in [false, true] {
            let (t0, mut invite) = calling(reliable);
            let until = ClientStep::Wait(Some(t0 + secs(32)));
            invite.handle_response(t0, StatusCode::OK);
            assert_eq!(steps(&mut invite), [ClientStep::Pass, until]);
            invite.handle_response(t0 + millis(500), StatusCode::OK);
            assert_eq!(steps(&mut invite), [ClientStep::Pass, until]);
            invite.handle_timeout(t0 + secs(32));
            assert_eq!(steps(&mut invite), [ClientStep::End]);
        }
    }

    #[test]
    fn a_refusal_after_a_2xx_is_neither_passed_nor_acknowledged() {
        let (t0, mut invite) = calling(false);
        invite.handle_response(t0, StatusCode::OK);
        let _ = steps(&mut invite);
        invite.handle_response(t0, StatusCode::BUSY_HERE);
        invite.handle_response(t0, StatusCode::RINGING);
        assert_eq!(steps(&mut invite), [ClientStep::Wait(Some(t0 + secs(32)))]);
    }

    #[test]
    fn a_2xx_after_a_refusal_is_dropped() {
        let (t0, mut invite) = calling(false);
        invite.handle_response(t0, StatusCode::BUSY_HERE);
        let _ = steps(&mut invite);
        invite.handle_response(t0, StatusCode::OK);
        assert_eq!(steps(&mut invite), [ClientStep::Wait(Some(t0 + secs(32)))]);
    }

    #[test]
    fn a_cancelled_invite_without_a_final_response_fails_after_64_t1() {
        let (t0, mut invite) = calling(false);
        invite.handle_response(t0, StatusCode::RINGING);
        let _ = steps(&mut invite);
        let cancelled = t0 + secs(90);
        invite.handle_cancel(cancelled);
        invite.handle_cancel(cancelled + secs(10));
        assert_eq!(
            steps(&mut invite),
            [ClientStep::Wait(Some(cancelled + secs(32)))]
        );
        invite.handle_response(cancelled + secs(1), StatusCode::RINGING);
        assert_eq!(
            steps(&mut invite),
            [
                ClientStep::Pass,
                ClientStep::Wait(Some(cancelled + secs(32)))
            ]
        );
        invite.handle_timeout(cancelled + secs(32));
        assert_eq!(
            steps(&mut invite),
            [ClientStep::Fail(Failure::Timeout), ClientStep::End]
        );
    }

    #[test]
    fn a_transport_error_fails_an_invite_that_nobody_answered() {
        let (_, mut invite) = calling(false);
        invite.handle_transport_error();
        assert_eq!(
            steps(&mut invite),
            [ClientStep::Fail(Failure::Transport), ClientStep::End]
        );
    }

    #[test]
    fn a_transport_error_does_not_end_a_call_that_is_ringing_or_answered() {
        for status in [StatusCode::RINGING, StatusCode::OK] {
            let (t0, mut invite) = calling(true);
            invite.handle_response(t0, status);
            let _ = steps(&mut invite);
            invite.handle_transport_error();
            assert!(matches!(steps(&mut invite)[..], [ClientStep::Wait(_)]));
        }
    }

    #[test]
    fn a_clock_that_leapt_causes_one_retransmission_not_a_burst() {
        let (t0, mut invite) = calling(false);
        invite.handle_timeout(t0 + secs(10));
        assert_eq!(
            steps(&mut invite),
            [
                ClientStep::SendRequest,
                ClientStep::Wait(Some(t0 + secs(11)))
            ]
        );
    }
}
