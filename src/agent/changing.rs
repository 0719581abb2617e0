//! Changes of an answered call from our side: hold and resume, by re-INVITE (RFC 3261 section 14.1).

use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::call::{Call, Change, Phase};
use super::established::{read_answer, single};
use super::routing::Purpose;
use super::{Agent, CallId, EndCause, Event, Refusal, Refused, Side, requests};
use crate::sdp::Direction;
use crate::sip::transaction::ClientKey;
use crate::sip::{HeaderName, Method, Response};

impl Agent {
    /// Puts the far side on hold, or takes it back.
    pub(super) fn set_hold(
        &mut self,
        now: Instant,
        call: CallId,
        hold: bool,
    ) -> Result<(), Refused> {
        if !self.calls.contains_key(&call) {
            return Err((Some(call), Refusal::UnknownCall));
        }
        let Some(e) = self.established(call) else {
            return Err((Some(call), Refusal::WrongState));
        };
        e.hold_next = None;
        match &mut e.change {
            Change::None if e.local_hold == hold => return Ok(()),
            Change::None | Change::Wanted { .. } => e.change = Change::Wanted { hold },
            Change::Asked { hold: asked, .. } if *asked == hold => return Ok(()),
            // One at a time: this one comes when the first is through.
            Change::Asked { .. } => {
                e.hold_next = Some(hold);
                return Ok(());
            }
            Change::Glare { hold: wanted, .. } => *wanted = hold,
        }
        self.try_change(now, call);
        Ok(())
    }

    /// Sends the re-INVITE that is wanted, if the dialog is free for it.
    pub(super) fn try_change(&mut self, now: Instant, call: CallId) {
        let Some(Call {
            account,
            phase: Phase::Established(e),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return;
        };
        let Change::Wanted { hold } = e.change else {
            return;
        };
        if e.unacknowledged.is_some() {
            return;
        }
        let account = *account;
        let before = Box::new(e.negotiation.clone());
        e.negotiation.set_direction(if hold {
            Direction::SendOnly
        } else {
            Direction::SendRecv
        });
        let mut request = e.dialog.request(Method::Invite);
        requests::present(&mut request.headers, &e.contact);
        request
            .headers
            .set(HeaderName::USER_AGENT, self.config.user_agent.as_str());
        if let Some(timer) = &e.timer {
            let expires = timer.header().to_string();
            request.headers.set(HeaderName::SESSION_EXPIRES, expires);
        }
        request.set_body(
            "application/sdp",
            e.negotiation.offer().to_string().into_bytes(),
        );
        e.change = Change::asked(hold, &request, before, false);
        let hop = e.dialog.next_hop();
        self.send_in_dialog(now, account, &hop, request, Purpose::Reinvite(call));
    }

    /// Whether a re-INVITE whose way has been found is still wanted.
    pub(super) fn awaits_reinvite(&mut self, call: CallId) -> bool {
        let change = self.established(call).map(|e| &e.change);
        matches!(change, Some(Change::Asked { key: None, .. }))
    }

    /// The re-INVITE under way has left one server and is about to be sent to another.
    pub(super) fn reinvite_goes_elsewhere(&mut self, call: CallId) {
        if let Some(e) = self.established(call)
            && let Change::Asked {
                key, give_up_at, ..
            } = &mut e.change
        {
            (*key, *give_up_at) = (None, None);
        }
    }

    pub(super) fn reinvite_sent(&mut self, now: Instant, call: CallId, sent: ClientKey) {
        let until = now + self.config.timers.patience();
        if let Some(e) = self.established(call)
            && let Change::Asked {
                key, give_up_at, ..
            } = &mut e.change
        {
            *key = Some(sent);
            // A provisional answer stops the transaction's own clock, and no person is waited for.
            *give_up_at = Some(until);
        }
    }

    /// A final answer to our re-INVITE.
    pub(super) fn reinvite_answered(&mut self, now: Instant, call: CallId, response: &Response) {
        self.reinvite_settled(now, call, response);
        self.wish_next(now, call);
    }

    /// What was wished for during a change comes once there is none under way.
    fn wish_next(&mut self, now: Instant, call: CallId) {
        if let Some(e) = self.established(call)
            && matches!(e.change, Change::None)
            && let Some(hold) = e.hold_next.take()
        {
            // Only a call that is gone refuses, and it was found.
            let _ = self.set_hold(now, call, hold);
        }
    }

    fn reinvite_settled(&mut self, now: Instant, call: CallId, response: &Response) {
        let Some(Call {
            account,
            phase: Phase::Established(e),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return;
        };
        let account = *account;
        let Change::Asked {
            hold,
            request,
            before,
            challenged,
            ..
        } = std::mem::replace(&mut e.change, Change::None)
        else {
            return;
        };
        if response.status.is_success() {
            if let Some(target) = response.headers.contacts().ok().and_then(single) {
                e.dialog.refresh_target(&target);
            }
            let negotiated = read_answer(&mut e.negotiation, &response.body);
            let was = std::mem::replace(&mut e.local_hold, hold);
            let dialog = e.dialog.clone();
            let sequence = request.headers.cseq().map_or(0, |cseq| cseq.seq);
            self.acknowledge(now, account, &dialog, sequence);
            self.session_granted(now, call, response);
            self.note_focus(call);
            let negotiated = match negotiated {
                Ok(negotiated) => negotiated,
                Err(cause) => {
                    self.part(now, call, cause);
                    return;
                }
            };
            self.renegotiated(call, &negotiated);
            if was != hold {
                let by = Side::Local;
                self.event(if hold {
                    Event::Held { call, by }
                } else {
                    Event::Resumed { call, by }
                });
            }
            return;
        }
        match response.status.code() {
            401 | 407 if !challenged => {
                let credentials = e
                    .digest
                    .as_mut()
                    .and_then(|digest| digest.answer(response, &request, self.rng.next_u64()).ok());
                if let Some(credentials) = credentials {
                    let mut again = *request;
                    e.dialog.renumber(&mut again);
                    requests::set_credentials(&mut again.headers, credentials);
                    e.dialog.note_invite(&again);
                    e.change = Change::asked(hold, &again, before, true);
                    let hop = e.dialog.next_hop();
                    self.send_in_dialog(now, account, &hop, again, Purpose::Reinvite(call));
                    return;
                }
                e.negotiation = *before;
                self.event(Event::Refused {
                    call: Some(call),
                    refusal: Refusal::NotAccepted,
                });
            }
            491 => {
                // RFC 3261 section 14.1, in units of 10 ms.
                let (least, most) = if e.caller { (210, 400) } else { (0, 200) };
                let steps = least + self.rng.next_u32() % (most - least + 1);
                e.negotiation = *before;
                let retry_at = now + Duration::from_millis(u64::from(steps) * 10);
                // What was wished for since replaces what met the far side's change.
                let hold = e.hold_next.take().unwrap_or(hold);
                e.change = Change::Glare { hold, retry_at };
            }
            // The far side still waits for the ACK to an answer of its own (RFC 3261 section 14.2),
            // and says when it will be through.
            500 if response
                .headers
                .retry_after()
                .is_some_and(|secs| secs <= 10) =>
            {
                let secs = response.headers.retry_after().unwrap_or_default();
                e.negotiation = *before;
                let retry_at = now + Duration::from_secs(secs.max(1).into());
                let hold = e.hold_next.take().unwrap_or(hold);
                e.change = Change::Glare { hold, retry_at };
                // It may be one that went to where we were: it shall not end the call for it.
                if let Some(sequence) = e.superseded.take() {
                    let dialog = e.dialog.clone();
                    self.acknowledge(now, account, &dialog, sequence);
                }
            }
            422 => {
                e.negotiation = *before;
                if self.lengthen_session(call, response) {
                    if let Some(e) = self.established(call) {
                        e.change = Change::Wanted { hold };
                    }
                    self.try_change(now, call);
                } else {
                    self.event(Event::Refused {
                        call: Some(call),
                        refusal: Refusal::NotAccepted,
                    });
                }
            }
            // RFC 3261 section 12.2.1.2: the dialog is gone over there.
            408 | 481 => self.part(now, call, EndCause::HungUp),
            _ => {
                e.negotiation = *before;
                self.event(Event::Refused {
                    call: Some(call),
                    refusal: Refusal::NotAccepted,
                });
            }
        }
    }

    /// Our re-INVITE got no answer, or never left.
    pub(super) fn reinvite_undelivered(&mut self, now: Instant, call: CallId, cause: EndCause) {
        // RFC 3261 section 12.2.1.2: silence ends the dialog. What could not be sent is like an
        // answer 503 (section 8.1.3.1), and the session goes on as it was (section 14.1).
        if cause == EndCause::TimedOut {
            self.part(now, call, cause);
            return;
        }
        let Some(e) = self.established(call) else {
            return;
        };
        if let Change::Asked { before, .. } = std::mem::replace(&mut e.change, Change::None) {
            e.negotiation = *before;
            self.event(Event::Refused {
                call: Some(call),
                refusal: Refusal::NotAccepted,
            });
        }
        self.wish_next(now, call);
    }
}
