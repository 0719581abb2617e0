//! The client transaction of every request but INVITE and ACK (RFC 3261 section 17.1.2).
//!
//! ```text
//!                request from the user: send it
//!                             │
//!                      ┌──────▼──────┐  timer E: send again, pause doubles to T2
//!         ┌────────────┤   Trying    ├──┐
//!         │            └──┬───────┬──┘◄─┘
//!         │ 2xx-6xx: pass │ 1xx   │ timer F, transport error: fail ──► End
//!         │               ▼ pass  │
//!         │        ┌────────────┐ │  1xx: pass; timer E: send again after T2
//!         │◄───────┤ Proceeding ├─┘──┐
//!         │        └────────────┘◄────┘
//!  ┌──────▼──────┐
//!  │  Completed  │  every response: absorbed
//!  └──────┬──────┘
//!         │ timer K
//!         └──► End
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::step::{ClientStep, Failure};
use super::timers::Timers;
use crate::sip::StatusCode;

/// Timers E and F, which run on from Trying into Proceeding.
#[derive(Clone, Copy, Debug)]
struct Deadlines {
    /// Timer E; `None` on reliable transports.
    resend_at: Option<Instant>,
    /// Timer F.
    give_up_at: Instant,
}

#[derive(Debug)]
enum State {
    Trying {
        deadlines: Deadlines,
        interval: Duration,
    },
    Proceeding {
        deadlines: Deadlines,
    },
    Completed {
        /// Timer K.
        end_at: Instant,
    },
    Ended,
}

/// One request on its way, without the messages themselves.
#[derive(Debug)]
pub(super) struct NonInviteClient {
    timers: Timers,
    reliable: bool,
    state: State,
    steps: VecDeque<ClientStep>,
}

impl NonInviteClient {
    /// Starts in Trying; the first step sends the request.
    pub(super) fn new(now: Instant, timers: Timers, reliable: bool) -> Self {
        let interval = timers.t1.min(timers.t2);
        NonInviteClient {
            timers,
            reliable,
            state: State::Trying {
                deadlines: Deadlines {
                    resend_at: (!reliable).then(|| now + interval),
                    give_up_at: now + timers.patience(),
                },
                interval,
            },
            steps: VecDeque::from([ClientStep::SendRequest]),
        }
    }

    /// Takes a response whose branch and method matched.
    pub(super) fn handle_response(&mut self, now: Instant, status: StatusCode) {
        let (State::Trying { deadlines, .. } | State::Proceeding { deadlines }) = self.state else {
            return; // a repetition of the final response
        };
        self.steps.push_back(ClientStep::Pass);
        if status.is_provisional() {
            // Timer E runs on as it was set; when it fires, the next pause is T2.
            self.state = State::Proceeding { deadlines };
            return;
        }
        let lingering = self.timers.linger(self.reliable);
        self.state = if lingering.is_zero() {
            State::Ended
        } else {
            State::Completed {
                end_at: now + lingering,
            }
        };
    }

    /// Acts on the deadlines that have passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Trying { deadlines, .. } | State::Proceeding { deadlines }
                if now >= deadlines.give_up_at =>
            {
                self.steps.push_back(ClientStep::Fail(Failure::Timeout));
                self.state = State::Ended;
            }
            State::Trying {
                deadlines,
                interval,
            } => {
                if deadlines.resend_at.is_some_and(|at| now >= at) {
                    *interval = self.timers.doubled(*interval);
                    deadlines.resend_at = Some(now + *interval);
                    self.steps.push_back(ClientStep::SendRequest);
                }
            }
            State::Proceeding { deadlines } => {
                if deadlines.resend_at.is_some_and(|at| now >= at) {
                    deadlines.resend_at = Some(now + self.timers.t2);
                    self.steps.push_back(ClientStep::SendRequest);
                }
            }
            State::Completed { end_at } => {
                if now >= *end_at {
                    self.state = State::Ended;
                }
            }
            State::Ended => {}
        }
    }

    /// The transport could not send, or lost the connection.
    pub(super) fn handle_transport_error(&mut self) {
        match self.state {
            State::Trying { .. } | State::Proceeding { .. } => {
                self.steps.push_back(ClientStep::Fail(Failure::Transport));
                self.state = State::Ended;
            }
            State::Completed { .. } | State::Ended => {}
        }
    }

    /// Whether no response has come yet.
    pub(super) fn is_trying(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    /// The next thing to do; to be called until it answers `Wait` or `End`.
    pub(super) fn poll_output(&mut self) -> ClientStep {
        if let Some(step) = self.steps.pop_front() {
            return step;
        }
        match self.state {
            State::Trying { deadlines, .. } | State::Proceeding { deadlines } => {
                let Deadlines {
                    resend_at,
                    give_up_at,
                } = deadlines;
                ClientStep::Wait(Some(resend_at.map_or(give_up_at, |at| at.min(give_up_at))))
            }
            State::Completed { end_at } => ClientStep::Wait(Some(end_at)),
            State::Ended => ClientStep::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::testing::{millis, secs, start};

    fn trying(reliable: bool) -> (Instant, NonInviteClient) {
        let t0 = start();
        let mut client = NonInviteClient::new(t0, Timers::default(), reliable);
        assert_eq!(client.poll_output(), ClientStep::SendRequest);
        (t0, client)
    }

    /// Jumps from deadline to deadline; answers when what happened.
    fn run(client: &mut NonInviteClient, t0: Instant) -> Vec<(Duration, ClientStep)> {
        let mut seen = Vec::new();
        let mut now = t0;
        loop {
            match client.poll_output() {
                ClientStep::Wait(Some(due)) => {
                    now = due;
                    client.handle_timeout(now);
                }
                step @ (ClientStep::Wait(None) | ClientStep::End) => {
                    seen.push((now - t0, step));
                    return seen;
                }
                step => seen.push((now - t0, step)),
            }
        }
    }

    fn again(ms: u64) -> (Duration, ClientStep) {
        (millis(ms), ClientStep::SendRequest)
    }

    #[test]
    fn an_unanswered_request_is_sent_eleven_times_in_32_seconds() {
        let (t0, mut client) = trying(false);
        // RFC 3261 section 17.1.2.1: 500 ms, 1 s, 2 s, 4 s, 4 s, …
        assert_eq!(
            run(&mut client, t0),
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
                (secs(32), ClientStep::Fail(Failure::Timeout)),
                (secs(32), ClientStep::End),
            ]
        );
    }

    #[test]
    fn over_a_reliable_transport_a_request_is_sent_once() {
        let (t0, mut client) = trying(true);
        assert_eq!(
            run(&mut client, t0),
            [
                (secs(32), ClientStep::Fail(Failure::Timeout)),
                (secs(32), ClientStep::End)
            ]
        );
    }

    #[test]
    fn after_a_provisional_response_the_pause_is_t2() {
        let (t0, mut client) = trying(false);
        client.handle_response(t0 + millis(100), StatusCode::TRYING);
        assert_eq!(client.poll_output(), ClientStep::Pass);
        assert_eq!(
            run(&mut client, t0)[..3],
            [again(500), again(4_500), again(8_500)]
        );
    }

    #[test]
    fn a_final_response_is_passed_once_and_its_repetitions_absorbed_for_t4() {
        let (t0, mut client) = trying(false);
        client.handle_response(t0, StatusCode::OK);
        client.handle_response(t0 + secs(1), StatusCode::OK);
        assert_eq!(client.poll_output(), ClientStep::Pass);
        assert_eq!(run(&mut client, t0), [(secs(5), ClientStep::End)]);
    }

    #[test]
    fn a_final_response_over_a_reliable_transport_ends_the_transaction() {
        let (t0, mut client) = trying(true);
        client.handle_response(t0, StatusCode::NOT_FOUND);
        assert_eq!(client.poll_output(), ClientStep::Pass);
        assert_eq!(client.poll_output(), ClientStep::End);
    }

    #[test]
    fn a_transport_error_fails_the_request_before_its_final_response_only() {
        let (t0, mut client) = trying(false);
        client.handle_response(t0, StatusCode::TRYING);
        assert_eq!(client.poll_output(), ClientStep::Pass);
        client.handle_transport_error();
        assert_eq!(client.poll_output(), ClientStep::Fail(Failure::Transport));
        assert_eq!(client.poll_output(), ClientStep::End);

        let (t0, mut client) = trying(false);
        client.handle_response(t0, StatusCode::OK);
        assert_eq!(client.poll_output(), ClientStep::Pass);
        client.handle_transport_error();
        assert_eq!(client.poll_output(), ClientStep::Wait(Some(t0 + secs(5))));
    }
}
