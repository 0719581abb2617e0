//! Calls that are answered: their ACK, the far side's changes, hanging up.

use std::time::Instant;

use rand_chacha::rand_core::Rng;

use super::call::{Call, Change, Established, Phase, Unacknowledged};
use super::incoming::{Unusable, weigh_offer};
use super::{Agent, CallId, EndCause, Event, Refusal, Refused, Side, protecting, requests};
use crate::media::plan::Plan;
use crate::sdp::{self, Negotiated, Negotiation};
use crate::sip::transaction::ServerKey;
use crate::sip::{Contacts, HeaderName, Method, NameAddr, Request, StatusCode};

impl Agent {
    pub(super) fn established(&mut self, call: CallId) -> Option<&mut Established> {
        match self.calls.get_mut(&call) {
            Some(Call {
                phase: Phase::Established(established),
                ..
            }) => Some(established),
            _ => None,
        }
    }

    /// Ends a call in whatever phase it is.
    pub(super) fn hang_up(&mut self, now: Instant, call: CallId) -> Result<(), Refused> {
        let Some(found) = self.calls.get(&call) else {
            return Err((Some(call), Refusal::UnknownCall));
        };
        // A 6xx would end the call at every other phone of the same number, too (RFC 3261
        // sections 16.7 and 21.6).
        let away = if self.shutting_down() {
            StatusCode::TEMPORARILY_UNAVAILABLE
        } else {
            StatusCode::BUSY_HERE
        };
        match &found.phase {
            Phase::Locating(_) | Phase::Opening(..) => {
                self.end(now, call, EndCause::Cancelled, Side::Local, None);
            }
            Phase::Inviting(_) => self.cancel(now, call, EndCause::Cancelled),
            Phase::Cancelling(_) => {}
            Phase::Preparing(offered) => {
                let (key, invite) = (offered.key, offered.invite.clone());
                self.answer_request(now, &key, &invite, away);
                self.end(now, call, EndCause::Declined, Side::Local, None);
            }
            Phase::Alerting(_) => {
                self.turn_away(now, call, away, EndCause::Declined, Side::Local);
            }
            Phase::Established(_) => self.part(now, call, EndCause::HungUp),
        }
        Ok(())
    }

    /// Ends an answered call from our side.
    pub(super) fn part(&mut self, now: Instant, call: CallId, cause: EndCause) {
        self.say_ended(now, call, cause, Side::Local, None);
        let Some(established) = self.established(call) else {
            return;
        };
        if established.unacknowledged.is_some() {
            established.bye_after_ack = true;
            return;
        }
        self.bye(now, call);
    }

    /// Sends BYE for a call that has been said to be over, and forgets it.
    fn bye(&mut self, now: Instant, call: CallId) {
        if let Some(Call {
            account,
            phase: Phase::Established(established),
            ..
        }) = self.forget(now, call)
        {
            self.say_goodbye(now, account, established.dialog);
        }
    }

    pub(super) fn ack_came(&mut self, now: Instant, ack: &Request) {
        let Some(call) = self.call_of_dialog(ack) else {
            return;
        };
        let sequence = ack.headers.cseq().map_or(0, |cseq| cseq.seq);
        let Some(established) = self.established(call) else {
            return;
        };
        if established
            .unacknowledged
            .as_ref()
            .is_none_or(|open| open.sequence != sequence)
        {
            return;
        }
        let Some(open) = established.unacknowledged.take() else {
            return;
        };
        let waits_to_leave = established.bye_after_ack;
        if open.answer_in_ack {
            self.answer_in_ack(now, call, ack);
        }
        if waits_to_leave {
            self.bye(now, call);
        } else {
            self.try_change(now, call);
        }
    }

    /// The answer to the offer that stood in our 2xx.
    fn answer_in_ack(&mut self, now: Instant, call: CallId, ack: &Request) {
        let Some(Call {
            remote,
            answered_at,
            ended: false,
            phase: Phase::Established(e),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return;
        };
        let negotiated = read_answer(&mut e.negotiation, &ack.body);
        let remote = remote.clone();
        let first = e.codec.is_none();
        let negotiated = match negotiated {
            Ok(negotiated) => negotiated,
            Err(cause) if first => {
                *answered_at = None;
                self.part(now, call, cause);
                return;
            }
            Err(_) => {
                // RFC 3264 section 4: what was agreed before holds, and offers are taken again.
                e.negotiation.withdraw_offer();
                return;
            }
        };
        let plan = super::call::plan_of(&negotiated, e.local_hold);
        e.codec = Some(plan.codec.clone());
        self.apply(call, plan.clone());
        if first {
            self.event(Event::Answered {
                call,
                codec: plan.codec.clone(),
                remote,
            });
        }
        self.note_remote_hold(call, &plan);
    }

    /// No ACK came for our 2xx in 64·T1 (RFC 3261 section 13.3.1.4).
    pub(super) fn ack_missing(&mut self, now: Instant, key: &ServerKey) {
        let call = self.calls.iter().find_map(|(id, call)| match &call.phase {
            Phase::Established(e) => e
                .unacknowledged
                .as_ref()
                .is_some_and(|open| open.key == *key)
                .then_some(*id),
            _ => None,
        });
        let Some(call) = call else { return };
        if let Some(established) = self.established(call) {
            established.unacknowledged = None;
        }
        self.say_ended(now, call, EndCause::NotAcknowledged, Side::Local, None);
        self.bye(now, call);
    }

    /// The far side changes the session (RFC 3261 section 14.2).
    pub(super) fn reinvite_came(&mut self, now: Instant, key: ServerKey, request: Request) {
        let Some(call) = self.call_of_dialog(&request) else {
            self.answer_request(now, &key, &request, StatusCode::CALL_DOES_NOT_EXIST);
            return;
        };
        let Some(e) = self.established(call) else {
            return;
        };
        if let Err(status) = e.dialog.check_incoming(&request) {
            self.answer_request(now, &key, &request, status);
            return;
        }
        if matches!(e.change, Change::Asked { .. }) {
            self.answer_request(now, &key, &request, StatusCode::REQUEST_PENDING);
            return;
        }
        if e.unacknowledged.is_some() {
            let seconds = 1 + self.rng.next_u32() % 10;
            let mut response = self.reply(&request, StatusCode::SERVER_INTERNAL_ERROR, None);
            response
                .headers
                .push(HeaderName::RETRY_AFTER, seconds.to_string());
            self.respond(now, &key, response);
            return;
        }
        let granted = match self.grant_session(now, call, &key, &request) {
            Ok(granted) => granted,
            Err(()) => return,
        };
        let Some(e) = self.established(call) else {
            return;
        };
        let offered = !request.body.is_empty();
        let mut negotiation = e.negotiation.clone();
        let (body, negotiated) = if offered {
            match weigh_offer(&mut negotiation, &request.body) {
                Ok((body, negotiated)) => (body, Some(negotiated)),
                Err(Unusable { status, .. }) => {
                    // The session goes on as it was.
                    let response = self.reply(&request, status, None);
                    self.respond(now, &key, response);
                    return;
                }
            }
        } else {
            (negotiation.offer().to_string(), None)
        };
        e.negotiation = negotiation;
        if let Some(target) = request.headers.contacts().ok().and_then(single) {
            e.dialog.refresh_target(&target);
        }
        if let Some((timer, _)) = granted {
            e.timer = Some(timer);
        }
        if let Some(updates) = requests::allows(&request.headers, &Method::Update) {
            e.updates = updates;
        }
        let sequence = request.headers.cseq().map_or(0, |cseq| cseq.seq);
        e.unacknowledged = Some(Unacknowledged {
            key,
            sequence,
            answer_in_ack: !offered,
        });
        let contact = e.contact.clone();
        let mut response = self.reply(&request, StatusCode::OK, None);
        requests::present(&mut response.headers, &contact);
        super::refreshing::show(&mut response.headers, granted.map(|(_, header)| header));
        response.set_body("application/sdp", body.into_bytes());
        self.respond(now, &key, response);
        if let Some(negotiated) = negotiated {
            self.renegotiated(call, &negotiated);
        }
        self.note_focus(call);
    }

    /// Applies what a re-INVITE came to.
    pub(super) fn renegotiated(&mut self, call: CallId, negotiated: &Negotiated) {
        let Some(e) = self.established(call) else {
            return;
        };
        let plan = super::call::plan_of(negotiated, e.local_hold);
        let codec = plan.codec.clone();
        if e.codec.replace(codec.clone()) != Some(codec.clone()) {
            self.event(Event::Renegotiated { call, codec });
        }
        self.apply(call, plan.clone());
        self.note_remote_hold(call, &plan);
    }

    /// Says so when the far side put us on hold or took us back.
    pub(super) fn note_remote_hold(&mut self, call: CallId, plan: &Plan) {
        let Some(e) = self.established(call) else {
            return;
        };
        // Holding, we still offer to send: not being let is the far side's doing.
        let held = !plan.send;
        if std::mem::replace(&mut e.remote_hold, held) == held {
            return;
        }
        let by = Side::Remote;
        self.event(if held {
            Event::Held { call, by }
        } else {
            Event::Resumed { call, by }
        });
    }

    /// Does what a call's deadline was set for.
    pub(super) fn call_due(&mut self, now: Instant, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        match &mut found.phase {
            Phase::Locating(_) | Phase::Opening(..) => {
                self.end(now, call, EndCause::TimedOut, Side::Local, None);
            }
            Phase::Inviting(_) => self.cancel(now, call, EndCause::NoAnswer),
            Phase::Cancelling(_) | Phase::Preparing(_) => {}
            Phase::Alerting(it) if it.answer_at.is_some_and(|(at, _)| at <= now) => {
                self.answer_unasked(now, call);
            }
            Phase::Alerting(it) if it.forward.as_ref().is_some_and(|(at, _)| *at <= now) => {
                self.forward_unanswered(now, call);
            }
            Phase::Alerting(alerting) if alerting.give_up_at > now => {
                self.provisional_due(now, call);
            }
            Phase::Alerting(_) => {
                let status = StatusCode::TEMPORARILY_UNAVAILABLE;
                self.turn_away(now, call, status, EndCause::NoAnswer, Side::Local);
            }
            Phase::Established(e) => match &mut e.change {
                Change::Glare { hold, retry_at } if *retry_at <= now => {
                    e.change = Change::Wanted { hold: *hold };
                    self.try_change(now, call);
                }
                Change::Asked {
                    key, give_up_at, ..
                } if give_up_at.is_some_and(|at| at <= now) => {
                    // From here on the transaction has 64·T1 to end in one way or another.
                    *give_up_at = None;
                    if let Some(key) = *key {
                        self.layer.cancel(now, &key);
                    }
                }
                _ => {
                    self.transfer_due(now, call);
                    self.referred_due(now, call);
                    self.session_due(now, call);
                }
            },
        }
    }
}

/// Takes the answer to an offer of ours.
pub(super) fn read_answer(
    negotiation: &mut Negotiation,
    body: &[u8],
) -> Result<Negotiated, EndCause> {
    let parsed = sdp::parse(body).map_err(|_| EndCause::NoCommonCodec)?;
    negotiation
        .handle_answer(&parsed.description)
        .map_err(|error| protecting::cause_of(&error))
}

/// The one contact of a target refresh (RFC 3261 section 12.2.1.2).
pub(super) fn single(contacts: Contacts) -> Option<NameAddr> {
    match contacts {
        Contacts::List(list) => list.into_iter().next(),
        Contacts::Star => None,
    }
}
