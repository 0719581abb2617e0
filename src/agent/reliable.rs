//! Reliable provisional responses (RFC 3262), from both sides: PRACK for those that come, and a
//! ringing that is told again until it is acknowledged.

use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::call::{Alerting, Call, Fork, Phase};
use super::routing::Purpose;
use super::{Agent, CallId, EndCause, Side, requests};
use crate::sip::transaction::ServerKey;
use crate::sip::{
    Dialog, DialogId, HeaderName, Method, RAck, RELIABLE, Request, Response, StatusCode,
};

/// A PRACK under way, with what is needed to send it again with credentials.
#[derive(Debug)]
pub(super) struct Pracking {
    pub(super) call: CallId,
    /// The fork that it goes to.
    tag: String,
    request: Request,
    challenged: bool,
}

/// A provisional response of ours that is repeated until PRACK comes (section 3).
#[derive(Clone, Debug)]
pub(super) struct Unconfirmed {
    response: Response,
    rseq: u32,
    again_at: Instant,
    wait: Duration,
    give_up_at: Instant,
}

impl Unconfirmed {
    /// When it is repeated, or given up.
    pub(super) fn deadline(&self) -> Instant {
        self.again_at.min(self.give_up_at)
    }
}

impl Agent {
    /// A provisional response to our INVITE, from this fork. Says whether it is to be looked at:
    /// one that came before, or out of turn, is not (section 4).
    pub(super) fn confirm_provisional(
        &mut self,
        now: Instant,
        call: CallId,
        tag: &str,
        response: &Response,
    ) -> bool {
        let Some(rseq) = response.rseq() else {
            return true;
        };
        let Some(Call {
            account,
            phase: Phase::Inviting(inviting),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return false;
        };
        let account = *account;
        let Some(fork) = inviting.forks.get_mut(tag) else {
            return false;
        };
        if fork
            .rseq
            .is_some_and(|last| last.checked_add(1) != Some(rseq))
        {
            return false;
        }
        let Some(dialog) = &mut fork.dialog else {
            return false;
        };
        fork.rseq = Some(rseq);
        let rack = RAck {
            rseq,
            cseq: inviting.invite.headers.cseq().map_or(0, |cseq| cseq.seq),
            method: Method::Invite,
        };
        let mut request = dialog.request(Method::Prack);
        let headers = &mut request.headers;
        headers.push(HeaderName::RACK, rack.to_string());
        headers.set(HeaderName::USER_AGENT, self.config.user_agent.as_str());
        let hop = dialog.next_hop();
        let pracking = Pracking {
            call,
            tag: tag.to_owned(),
            request: request.clone(),
            challenged: false,
        };
        let purpose = Purpose::Prack(Box::new(pracking));
        self.send_in_dialog(now, account, &hop, request, purpose);
        true
    }

    /// The answer to a PRACK of ours. What refuses it says the same of the INVITE in the end, so
    /// only credentials are worth another try.
    pub(super) fn prack_answered(
        &mut self,
        now: Instant,
        mut pracking: Pracking,
        response: &Response,
    ) {
        if !matches!(response.status.code(), 401 | 407) || pracking.challenged {
            return;
        }
        let Some(Call {
            account,
            phase: Phase::Inviting(inviting),
            ..
        }) = self.calls.get_mut(&pracking.call)
        else {
            return;
        };
        let account = *account;
        let fork = inviting.forks.get_mut(&pracking.tag);
        let Some(dialog) = fork.and_then(|fork| fork.dialog.as_mut()) else {
            return;
        };
        let Some(digest) = &mut inviting.digest else {
            return;
        };
        let nonce = self.rng.next_u64();
        let Ok(credentials) = digest.answer(response, &pracking.request, nonce) else {
            return;
        };
        dialog.renumber(&mut pracking.request);
        requests::set_credentials(&mut pracking.request.headers, credentials);
        pracking.challenged = true;
        let hop = dialog.next_hop();
        let request = pracking.request.clone();
        let purpose = Purpose::Prack(Box::new(pracking));
        self.send_in_dialog(now, account, &hop, request, purpose);
    }

    /// Makes a provisional response of ours reliable, where the caller demands it.
    pub(super) fn make_reliable(
        &mut self,
        now: Instant,
        invite: &Request,
        response: &mut Response,
    ) -> Option<Unconfirmed> {
        let required = invite.headers.tokens(&HeaderName::REQUIRE);
        if !required
            .iter()
            .any(|tag| tag.eq_ignore_ascii_case(RELIABLE))
        {
            return None;
        }
        // Section 7.1: from 1 to 2^31 - 1, so that there is room to count on.
        let rseq = 1 + self.rng.next_u32() % 0x7fff_fff0;
        response.headers.push(HeaderName::REQUIRE, RELIABLE);
        response.headers.push(HeaderName::RSEQ, rseq.to_string());
        let wait = self.config.timers.t1;
        Some(Unconfirmed {
            response: response.clone(),
            rseq,
            again_at: now + wait,
            wait,
            give_up_at: now + wait * 64,
        })
    }

    /// PRACK came for what rings here (section 3).
    pub(super) fn prack_came(&mut self, now: Instant, key: &ServerKey, prack: &Request) {
        let alerting = self.alerting_in(prack).and_then(|call| {
            let found = self.calls.get_mut(&call)?;
            match &mut found.phase {
                Phase::Alerting(alerting) => Some(alerting),
                _ => None,
            }
        });
        let meant = |alerting: &mut Alerting| {
            let unconfirmed = alerting.unconfirmed.as_ref()?;
            let invite = alerting.invite.headers.cseq().ok()?;
            let about = prack.headers.rack()?;
            let same = about.rseq == unconfirmed.rseq
                && about.cseq == invite.seq
                && about.method == Method::Invite;
            same.then(|| alerting.unconfirmed = None)
        };
        let status = match alerting.map(|alerting| meant(alerting)) {
            Some(Some(())) => StatusCode::OK,
            _ if self.call_of_dialog(prack).is_some() => {
                // The call was answered before the PRACK came; it is still told that it did.
                StatusCode::OK
            }
            _ => StatusCode::CALL_DOES_NOT_EXIST,
        };
        let response = self.reply(prack, status, None);
        self.respond(now, key, response);
    }

    /// The call that rings here in the early dialog of this request.
    pub(super) fn alerting_in(&self, request: &Request) -> Option<CallId> {
        let id = DialogId::of_incoming(request)?;
        self.calls.iter().find_map(|(call, found)| {
            let Phase::Alerting(alerting) = &found.phase else {
                return None;
            };
            let headers = &alerting.invite.headers;
            let from = headers.from().ok();
            let theirs = from.as_ref().and_then(|from| from.tag());
            let same = headers.call_id() == Ok(id.call_id.as_str())
                && alerting.local_tag == id.local_tag
                && theirs.unwrap_or_default() == id.remote_tag;
            same.then_some(*call)
        })
    }

    /// Says again that it rings, until somebody acknowledges it; in the end the caller is told that
    /// nobody did (section 3).
    pub(super) fn provisional_due(&mut self, now: Instant, call: CallId) {
        let Some(Call {
            phase: Phase::Alerting(alerting),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return;
        };
        let Some(unconfirmed) = &mut alerting.unconfirmed else {
            return;
        };
        if unconfirmed.give_up_at <= now {
            let status = StatusCode::SERVER_TIMEOUT;
            let cause = EndCause::NotAcknowledged;
            self.turn_away(now, call, status, cause, Side::Local);
            return;
        }
        if unconfirmed.again_at <= now {
            unconfirmed.wait *= 2;
            unconfirmed.again_at = now + unconfirmed.wait;
            let (key, response) = (alerting.key, unconfirmed.response.clone());
            self.respond(now, &key, response);
        }
    }
}

impl Fork {
    /// One that is heard of for the first time.
    pub(super) fn new(invite: &Request, response: &Response) -> Fork {
        Fork {
            dialog: Dialog::from_uac(invite, response).ok(),
            ..Fork::default()
        }
    }
}
