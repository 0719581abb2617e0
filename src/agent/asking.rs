//! Requests of ours inside the dialog of an answered call that change nothing of its sound (RFC
//! 3261 section 12.2.1): REFER, NOTIFY, INFO, and UPDATE without an offer.

use std::time::Instant;

use rand_chacha::rand_core::Rng;

use super::call::{Call, Phase};
use super::routing::Purpose;
use super::{Agent, CallId, requests};
use crate::sip::{HeaderName, Method, Request, Response};

/// One that is under way, with what is needed to send it again with credentials.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) call: CallId,
    pub(super) request: Request,
    challenged: bool,
}

/// What came of one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome<'a> {
    Answered(&'a Response),
    /// No answer, or it never left.
    Undelivered,
}

impl Agent {
    /// Sends a request inside the dialog of an answered call, filled in by `fill`; answers its CSeq
    /// number. Does nothing for a call that is not answered.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        call: CallId,
        method: Method,
        fill: impl FnOnce(&mut Request),
    ) -> Option<u32> {
        let Some(Call {
            account,
            phase: Phase::Established(e),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return None;
        };
        let account = *account;
        let mut request = e.dialog.request(method);
        requests::present(&mut request.headers, &e.contact);
        request
            .headers
            .set(HeaderName::USER_AGENT, self.config.user_agent.as_str());
        fill(&mut request);
        let hop = e.dialog.next_hop();
        let number = request.headers.cseq().ok()?.seq;
        let asking = Asking {
            call,
            request: request.clone(),
            challenged: false,
        };
        self.send_in_dialog(now, account, &hop, request, Purpose::Ask(Box::new(asking)));
        Some(number)
    }

    pub(super) fn ask_answered(&mut self, now: Instant, asking: Asking, response: &Response) {
        if matches!(response.status.code(), 401 | 407)
            && !asking.challenged
            && let Some((again, account, hop)) = self.with_credentials(&asking, response)
        {
            let request = again.request.clone();
            self.send_in_dialog(now, account, &hop, request, Purpose::Ask(Box::new(again)));
            return;
        }
        self.ask_ended(now, &asking, Outcome::Answered(response));
    }

    pub(super) fn ask_undelivered(&mut self, now: Instant, asking: &Asking) {
        self.ask_ended(now, asking, Outcome::Undelivered);
    }

    fn ask_ended(&mut self, now: Instant, asking: &Asking, outcome: Outcome<'_>) {
        match asking.request.method {
            Method::Refer => self.refer_ended(now, asking.call, outcome),
            // Who does not want to know how the transfer goes need not: RFC 6665 section 4.2.2.
            Method::Notify => self.notify_ended(asking.call, outcome),
            Method::Info => self.key_ended(now, asking.call, outcome),
            Method::Update => self.refreshed(now, asking.call, outcome),
            _ => {}
        }
    }

    fn with_credentials(
        &mut self,
        asking: &Asking,
        response: &Response,
    ) -> Option<(Asking, super::AccountId, crate::sip::Uri)> {
        let Some(Call {
            account,
            phase: Phase::Established(e),
            ..
        }) = self.calls.get_mut(&asking.call)
        else {
            return None;
        };
        let mut request = asking.request.clone();
        let digest = e.digest.as_mut()?;
        let credentials = digest
            .answer(response, &request, self.rng.next_u64())
            .ok()?;
        e.dialog.renumber(&mut request);
        requests::set_credentials(&mut request.headers, credentials);
        let again = Asking {
            call: asking.call,
            request,
            challenged: true,
        };
        Some((again, *account, e.dialog.next_hop()))
    }
}
