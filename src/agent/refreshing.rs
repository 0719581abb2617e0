//! Session timers (RFC 4028) in the calls: agreed with each INVITE and UPDATE, kept by refreshing
//! or watched over.

use std::time::Instant;

use super::asking::Outcome;
use super::call::Change;
use super::{Agent, CallId, EndCause, requests};
use crate::sip::transaction::ServerKey;
use crate::sip::{
    HeaderName, Headers, Method, Refresher, Request, Response, SHORTEST, SessionDue,
    SessionExpires, SessionTimer, StatusCode, TIMER,
};

/// Puts what was granted into a 2xx of ours. Who asked must know of timers if the refreshes are to
/// come from there (section 9).
pub(super) fn show(headers: &mut Headers, granted: Option<SessionExpires>) {
    let Some(granted) = granted else { return };
    headers.set(HeaderName::SESSION_EXPIRES, granted.to_string());
    if granted.refresher == Some(Refresher::Uac) {
        headers.push(HeaderName::REQUIRE, TIMER);
    }
}

impl Agent {
    /// What our 2xx to a request in the dialog of this call will say of the session's end; an
    /// interval too short is answered with 422 here.
    pub(super) fn grant_session(
        &mut self,
        now: Instant,
        call: CallId,
        key: &ServerKey,
        request: &Request,
    ) -> Result<Option<(SessionTimer, SessionExpires)>, ()> {
        match SessionTimer::grant(now, request, SHORTEST) {
            Ok(granted) => {
                if let (None, Some(e)) = (&granted, self.established(call)) {
                    // Section 9: who refreshes without asking for more wants no timer any longer.
                    e.timer = None;
                }
                Ok(granted)
            }
            Err(least) => {
                self.session_too_short(now, key, request, least);
                Err(())
            }
        }
    }

    /// Answers 422 (section 6).
    pub(super) fn session_too_short(
        &mut self,
        now: Instant,
        key: &ServerKey,
        request: &Request,
        least: std::time::Duration,
    ) {
        let tag = self.random_token();
        let status = StatusCode::SESSION_INTERVAL_TOO_SMALL;
        let mut response = self.reply(request, status, Some(&tag));
        let least = least.as_secs().to_string();
        response.headers.push(HeaderName::MIN_SE, least);
        self.respond(now, key, response);
    }

    /// Does what is due of a call's timer.
    pub(super) fn session_due(&mut self, now: Instant, call: CallId) {
        if self.calls.get(&call).is_none_or(|found| found.ended) {
            return;
        }
        let Some(e) = self.established(call) else {
            return;
        };
        let updates = e.updates;
        match e.timer.as_mut().and_then(|timer| timer.due(now)) {
            None => {}
            Some(SessionDue::End) => self.part(now, call, EndCause::TimedOut),
            Some(SessionDue::Refresh) if updates => self.refresh_by_update(now, call),
            Some(SessionDue::Refresh) => {
                // A change that is under way, or waits for its turn, refreshes as well.
                if matches!(e.change, Change::None) {
                    e.change = Change::Wanted { hold: e.local_hold };
                    self.try_change(now, call);
                }
            }
        }
    }

    fn refresh_by_update(&mut self, now: Instant, call: CallId) {
        let timer = self.established(call).and_then(|e| e.timer);
        let Some(timer) = timer else { return };
        self.ask(now, call, Method::Update, |update| {
            let headers = &mut update.headers;
            headers.set(HeaderName::SESSION_EXPIRES, timer.header().to_string());
        });
    }

    /// The answer to an UPDATE of ours that refreshes.
    pub(super) fn refreshed(&mut self, now: Instant, call: CallId, outcome: Outcome<'_>) {
        // Silence is tried again, until the session is over.
        let Outcome::Answered(response) = outcome else {
            return;
        };
        let Some(e) = self.established(call) else {
            return;
        };
        match response.status.code() {
            200..=299 => self.session_granted(now, call, response),
            405 | 501 => e.updates = false,
            408 | 481 => self.part(now, call, EndCause::HungUp),
            422 if self.lengthen_session(call, response) => self.refresh_by_update(now, call),
            _ => {}
        }
    }

    /// A 2xx to a request of ours says when the session ends, and by whom.
    pub(super) fn session_granted(&mut self, now: Instant, call: CallId, response: &Response) {
        if let Some(e) = self.established(call) {
            e.timer = SessionTimer::granted(now, response);
            if let Some(updates) = requests::allows(&response.headers, &Method::Update) {
                e.updates = updates;
            }
        }
    }

    /// The far side, or somebody on the way, wants a longer interval (422). Says whether it is
    /// longer.
    pub(super) fn lengthen_session(&mut self, call: CallId, response: &Response) -> bool {
        let least = response.headers.min_se();
        let timer = self.established(call).and_then(|e| e.timer.as_mut());
        timer.is_some_and(|timer| {
            let longer = timer.header().interval < least;
            timer.lengthen(least);
            longer
        })
    }
}
