//! UPDATE as it comes (RFC 3311): changes of a session, also before the answer, without a third
//! message.

use std::time::Instant;

use rand_chacha::rand_core::Rng;

use super::call::{Call, Change, Phase};
use super::established::single;
use super::incoming::{Unusable, weigh_offer};
use super::{Agent, CallId, requests};
use crate::media::plan::Plan;
use crate::sdp::Negotiated;
use crate::sip::transaction::ServerKey;
use crate::sip::{DialogId, HeaderName, Request, StatusCode};

/// What an UPDATE comes to.
enum Verdict {
    /// 200, with an answer if there was an offer.
    Taken(Option<Box<(String, Negotiated)>>),
    /// This status.
    Refused(StatusCode),
    /// 500: an offer is open already (section 5.2).
    Later,
}

impl Agent {
    /// UPDATE came.
    pub(super) fn update_came(&mut self, now: Instant, key: &ServerKey, update: &Request) {
        if let Some(call) = self.call_of_dialog(update) {
            self.update_established(now, key, call, update);
        } else if let Some((call, tag)) = self.inviting_in(update) {
            self.update_early(now, key, call, &tag, update);
        } else if let Some(call) = self.alerting_in(update) {
            // The offer of the INVITE is open until the call is answered.
            let verdict = if update.body.is_empty() {
                Verdict::Taken(None)
            } else {
                Verdict::Later
            };
            let contact = match self.calls.get(&call).map(|call| &call.phase) {
                Some(Phase::Alerting(alerting)) => alerting.contact.clone(),
                _ => return,
            };
            self.answer_update(now, key, update, &verdict, &contact, None);
        } else {
            self.answer_request(now, key, update, StatusCode::CALL_DOES_NOT_EXIST);
        }
    }

    fn update_established(
        &mut self,
        now: Instant,
        key: &ServerKey,
        call: CallId,
        update: &Request,
    ) {
        let Some(e) = self.established(call) else {
            return;
        };
        if let Err(status) = e.dialog.check_incoming(update) {
            self.answer_request(now, key, update, status);
            return;
        }
        let granted = match self.grant_session(now, call, key, update) {
            Ok(granted) => granted,
            Err(()) => return,
        };
        let Some(e) = self.established(call) else {
            return;
        };
        let asked = matches!(e.change, Change::Asked { .. });
        let open = e
            .unacknowledged
            .as_ref()
            .is_some_and(|open| open.answer_in_ack);
        let verdict = if update.body.is_empty() {
            Verdict::Taken(None)
        } else if asked {
            Verdict::Refused(StatusCode::REQUEST_PENDING)
        } else if open {
            Verdict::Later
        } else {
            let mut negotiation = e.negotiation.clone();
            match weigh_offer(&mut negotiation, &update.body) {
                Ok((body, negotiated)) => {
                    e.negotiation = negotiation;
                    Verdict::Taken(Some(Box::new((body, negotiated))))
                }
                Err(Unusable { status, .. }) => Verdict::Refused(status),
            }
        };
        if matches!(verdict, Verdict::Taken(_)) {
            if let Some(target) = update.headers.contacts().ok().and_then(single) {
                e.dialog.refresh_target(&target);
            }
            if let Some((timer, _)) = granted {
                e.timer = Some(timer);
            }
        }
        let contact = e.contact.clone();
        let header = granted.map(|(_, header)| header);
        self.answer_update(now, key, update, &verdict, &contact, header);
        if let Verdict::Taken(Some(taken)) = verdict {
            self.renegotiated(call, &taken.1);
        }
        self.note_focus(call);
    }

    /// The one that is called changes its early sound.
    fn update_early(
        &mut self,
        now: Instant,
        key: &ServerKey,
        call: CallId,
        tag: &str,
        update: &Request,
    ) {
        let Some(Call {
            account,
            phase: Phase::Inviting(inviting),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return;
        };
        let (account, way) = (*account, inviting.way);
        let anonymous = inviting.setup.anonymous;
        let heard = inviting.early.as_deref() == Some(tag);
        let Some(fork) = inviting.forks.get_mut(tag) else {
            return;
        };
        let judged = match &mut fork.dialog {
            Some(dialog) => dialog.check_incoming(update),
            None => Err(StatusCode::CALL_DOES_NOT_EXIST),
        };
        let verdict = match (judged, &fork.answered) {
            (Err(status), _) => Verdict::Refused(status),
            (Ok(()), _) if update.body.is_empty() => Verdict::Taken(None),
            // Our own offer has no answer yet.
            (Ok(()), None) => Verdict::Refused(StatusCode::REQUEST_PENDING),
            (Ok(()), Some((negotiation, _))) => {
                let mut negotiation = negotiation.clone();
                match weigh_offer(&mut negotiation, &update.body) {
                    Ok((body, negotiated)) => {
                        fork.answered = Some((negotiation, negotiated.clone()));
                        fork.updated = true;
                        Verdict::Taken(Some(Box::new((body, negotiated))))
                    }
                    Err(Unusable { status, .. }) => Verdict::Refused(status),
                }
            }
        };
        if let (Verdict::Taken(_), Some(dialog)) = (&verdict, &mut fork.dialog)
            && let Some(target) = update.headers.contacts().ok().and_then(single)
        {
            dialog.refresh_target(&target);
        }
        let contact = self.contact_of_call(account, anonymous, &way);
        self.answer_update(now, key, update, &verdict, &contact, None);
        if let Verdict::Taken(Some(taken)) = verdict
            && heard
        {
            let plan = super::call::plan_of(&taken.1, false);
            self.apply(
                call,
                Plan {
                    early: true,
                    ..plan
                },
            );
        }
    }

    fn answer_update(
        &mut self,
        now: Instant,
        key: &ServerKey,
        update: &Request,
        verdict: &Verdict,
        contact: &crate::sip::NameAddr,
        session: Option<crate::sip::SessionExpires>,
    ) {
        let status = match verdict {
            Verdict::Taken(_) => StatusCode::OK,
            Verdict::Refused(status) => *status,
            Verdict::Later => StatusCode::SERVER_INTERNAL_ERROR,
        };
        let mut response = self.reply(update, status, None);
        match verdict {
            Verdict::Taken(answer) => {
                requests::present(&mut response.headers, contact);
                super::refreshing::show(&mut response.headers, session);
                if let Some(answer) = answer {
                    response.set_body("application/sdp", answer.0.clone().into_bytes());
                }
            }
            Verdict::Later => {
                let seconds = 1 + self.rng.next_u32() % 10;
                let headers = &mut response.headers;
                headers.push(HeaderName::RETRY_AFTER, seconds.to_string());
            }
            Verdict::Refused(_) => {}
        }
        self.respond(now, key, response);
    }

    /// The call of ours, and the fork of it, in whose early dialog this request came.
    fn inviting_in(&self, request: &Request) -> Option<(CallId, String)> {
        let id = DialogId::of_incoming(request)?;
        self.calls.iter().find_map(|(call, found)| {
            let Phase::Inviting(inviting) = &found.phase else {
                return None;
            };
            let fork = inviting.forks.get(&id.remote_tag)?;
            let same = fork
                .dialog
                .as_ref()
                .is_some_and(|dialog| *dialog.id() == id);
            same.then(|| (*call, id.remote_tag.clone()))
        })
    }
}
