//! Calls that are handed over to somebody else by their far side: REFER as it comes (RFC 3515, RFC
//! 5589), the call that follows from it, and what is told of it.
//!
//! ```text
//!  REFER ─▶ Asking the person ─yes─▶ Calling ──answer──▶ Through ──BYE of the far side──▶ gone
//!                │ no, or nothing       │ refused
//!                ▼                      ▼
//!            NOTIFY 603              NOTIFY with its status; the call goes on
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::asking::Outcome;
use super::call::{Phase, Setup};
use super::{Agent, CallEnd, CallId, EndCause, Event, Refusal, Refused, TransferPolicy, requests};
use crate::events::sipfrag::{self, StatusFragment};
use crate::sip::transaction::ServerKey;
use crate::sip::{HeaderName, Method, NameAddr, Replaces, Request, StatusCode, Uri};

/// How long the person is asked.
const ASKED_FOR: Duration = Duration::from_secs(60);
/// How long who handed us over may take to hang up after the new call stands.
const FAREWELL: Duration = Duration::from_secs(32);
/// The longest that a transfer is reported on, as it is told to the other side.
const REPORTED_FOR: u64 = 300;
/// A user part of so many characters at our own domain is an extension; what is longer can lead
/// outside, at somebody's cost.
const EXTENSION: usize = 6;

/// A call that its far side hands over.
#[derive(Debug)]
pub(super) struct Referred {
    /// The number of its REFER, by which its reports are told apart from others'.
    number: u32,
    /// Whether it wants to know how it goes.
    tells: bool,
    target: Uri,
    replaces: Option<Replaces>,
    referred_by: Option<String>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The person is asked.
    Asking { until: Instant },
    /// We call.
    Calling,
    /// The new call stands; the old one is the far side's to end.
    Through { until: Instant },
}

impl Referred {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Asking { until } | Stage::Through { until } => Some(until),
            Stage::Calling => None,
        }
    }
}

impl Agent {
    /// REFER came (RFC 3515 section 2.4.2).
    pub(super) fn refer_came(&mut self, now: Instant, key: &ServerKey, refer: &Request) {
        let in_dialog = refer.headers.to().is_ok_and(|to| to.tag().is_some());
        let Some(call) = self.call_of_dialog(refer) else {
            // Whoever is no party to a call has nobody to hand over.
            let status = if in_dialog {
                StatusCode::CALL_DOES_NOT_EXIST
            } else {
                StatusCode::FORBIDDEN
            };
            self.answer_request(now, key, refer, status);
            return;
        };
        let Some(e) = self.established(call) else {
            return;
        };
        if let Err(status) = e.dialog.check_incoming(refer) {
            self.answer_request(now, key, refer, status);
            return;
        }
        let busy = e.referred.is_some() || e.transfer.is_some();
        let contact = e.contact.clone();
        let ended = self.calls.get(&call).is_none_or(|found| found.ended);
        let read = match read_refer(refer) {
            _ if ended => Err(StatusCode::CALL_DOES_NOT_EXIST),
            Ok(_) if busy => Err(StatusCode::REQUEST_PENDING),
            read => read,
        };
        let (target, replaces) = match read {
            Ok(read) => read,
            Err(status) => {
                let response = self.reply(refer, status, None);
                self.respond(now, key, response);
                return;
            }
        };
        let wants_none = refer
            .headers
            .get(&HeaderName::REFER_SUB)
            .is_some_and(|said| said.trim().eq_ignore_ascii_case("false"));
        let mut response = self.reply(refer, StatusCode::ACCEPTED, None);
        response
            .headers
            .push(HeaderName::CONTACT, contact.to_string());
        if wants_none {
            response.headers.push(HeaderName::REFER_SUB, "false");
        }
        self.respond(now, key, response);
        let by = refer.headers.name_addr(&HeaderName::REFERRED_BY).ok();
        let referred_by = refer
            .headers
            .get(&HeaderName::REFERRED_BY)
            .map(str::to_owned);
        let to = requests::party(&NameAddr::new(target.clone()));
        let silently = self.goes_silently(call, &target);
        if let Some(e) = self.established(call) {
            e.referred = Some(Box::new(Referred {
                number: refer.headers.cseq().map_or(0, |cseq| cseq.seq),
                tells: !wants_none,
                target,
                replaces,
                referred_by,
                stage: Stage::Asking {
                    until: now + ASKED_FOR,
                },
            }));
        }
        // Who asked is owed a first word at once (RFC 3515 section 2.4.4).
        self.report_refer(now, call, 100, "Trying");
        if silently {
            self.follow_refer(now, call);
        } else {
            self.event(Event::TransferAsked {
                call,
                to,
                by: by.as_ref().map(requests::party),
            });
        }
    }

    /// Whether the account lets itself be handed to this target without asking.
    fn goes_silently(&self, call: CallId, target: &Uri) -> bool {
        let Some(account) = self
            .calls
            .get(&call)
            .and_then(|found| self.accounts.get(&found.account))
        else {
            return false;
        };
        let inside = target.as_sip().is_some_and(|sip| {
            let user = sip.user_unescaped().unwrap_or_default();
            Some(&sip.host_port) == account.home()
                && !user.is_empty()
                && user.chars().count() <= EXTENSION
                && user.chars().all(char::is_alphanumeric)
        });
        match account.config.transfers {
            TransferPolicy::Ask => false,
            TransferPolicy::Inside => inside,
        }
    }

    /// The person lets the call be handed over.
    pub(super) fn accept_transfer(&mut self, now: Instant, call: CallId) -> Result<(), Refused> {
        self.asked_about(call)?;
        self.follow_refer(now, call);
        Ok(())
    }

    /// The person does not.
    pub(super) fn refuse_transfer(&mut self, now: Instant, call: CallId) -> Result<(), Refused> {
        self.asked_about(call)?;
        self.report_refer(now, call, 603, "Declined");
        self.forget_refer(call);
        Ok(())
    }

    fn asked_about(&mut self, call: CallId) -> Result<(), Refused> {
        if !self.calls.contains_key(&call) {
            return Err((Some(call), Refusal::UnknownCall));
        }
        let asked = self
            .established(call)
            .and_then(|e| e.referred.as_ref())
            .is_some_and(|referred| matches!(referred.stage, Stage::Asking { .. }));
        if asked {
            Ok(())
        } else {
            Err((Some(call), Refusal::WrongState))
        }
    }

    /// Calls whom we are handed to.
    fn follow_refer(&mut self, now: Instant, call: CallId) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let account = found.account;
        let Phase::Established(e) = &found.phase else {
            return;
        };
        let Some(referred) = e.referred.as_ref() else {
            return;
        };
        let mut wanted = Vec::new();
        if let Some(replaces) = &referred.replaces {
            wanted.push((HeaderName::REPLACES, replaces.to_string()));
            // Who cannot replace shall not ring beside the call that there is (RFC 3891 section 4).
            wanted.push((HeaderName::REQUIRE, requests::REPLACES.to_owned()));
        }
        if let Some(by) = &referred.referred_by {
            wanted.push((HeaderName::REFERRED_BY, by.clone()));
        }
        let anonymous = self
            .accounts
            .get(&account)
            .is_some_and(|account| account.config.anonymous);
        let setup = Setup {
            target: referred.target.clone(),
            call_id: self.random_token(),
            local_tag: self.random_token(),
            sequence: 1,
            further_targets: VecDeque::new(),
            tried: Vec::new(),
            give_up_at: now + self.config.no_answer_after,
            wanted,
            interval: self.config.session_interval,
            least_interval: None,
            anonymous,
        };
        let to = CallId(self.next_call);
        self.next_call += 1;
        if let Some(referred) = self.established(call).and_then(|e| e.referred.as_mut()) {
            referred.stage = Stage::Calling;
        }
        self.event(Event::Referred { call, to });
        self.set_out(now, account, to, setup, Some(call));
    }

    /// It rings where we were handed to.
    pub(super) fn refer_rings(&mut self, now: Instant, from: CallId) {
        self.report_refer(now, from, 180, "Ringing");
    }

    /// The call that we were handed to stands: who handed us over hangs up.
    pub(super) fn refer_through(&mut self, now: Instant, from: CallId) {
        self.report_refer(now, from, 200, "OK");
        if let Some(referred) = self.established(from).and_then(|e| e.referred.as_mut()) {
            referred.stage = Stage::Through {
                until: now + FAREWELL,
            };
        }
    }

    /// The call that we were handed to never came to be.
    pub(super) fn refer_came_to_nothing(&mut self, now: Instant, from: CallId, end: &CallEnd) {
        let (status, reason) = match (end.status, end.cause) {
            (Some(status), _) if status >= 300 => (status, end.reason.clone().unwrap_or_default()),
            (_, EndCause::Cancelled) => (487, "Request Terminated".to_owned()),
            (_, EndCause::NoAnswer | EndCause::TimedOut) => (408, "Request Timeout".to_owned()),
            (_, EndCause::HostNotFound) => (404, "Not Found".to_owned()),
            _ => (503, "Service Unavailable".to_owned()),
        };
        self.report_refer(now, from, status, &reason);
        self.forget_refer(from);
    }

    /// Does what is due of a REFER of the far side's.
    pub(super) fn referred_due(&mut self, now: Instant, call: CallId) {
        let stage = self
            .established(call)
            .and_then(|e| e.referred.as_ref())
            .map(|referred| referred.stage);
        match stage {
            Some(Stage::Asking { until }) if until <= now => {
                self.report_refer(now, call, 603, "Declined");
                self.forget_refer(call);
                self.event(Event::TransferAskedNoMore { call });
            }
            Some(Stage::Through { until }) if until <= now => {
                self.part(now, call, EndCause::Transferred);
            }
            _ => {}
        }
    }

    /// What a call ends with that its far side hangs up.
    pub(super) fn left_by_referrer(&mut self, call: CallId) -> Option<EndCause> {
        let referred = self.established(call)?.referred.take()?;
        (!matches!(referred.stage, Stage::Asking { .. })).then_some(EndCause::Transferred)
    }

    fn forget_refer(&mut self, call: CallId) {
        if let Some(e) = self.established(call) {
            e.referred = None;
        }
    }

    /// Tells who handed us over how it goes (RFC 3515 section 2.4.4): a status line, and with the
    /// last one that it is the last.
    fn report_refer(&mut self, now: Instant, call: CallId, status: u16, reason: &str) {
        let referred = self.established(call).and_then(|e| e.referred.as_ref());
        let Some(referred) = referred.filter(|referred| referred.tells) else {
            return;
        };
        let number = referred.number;
        let fragment = StatusFragment {
            status,
            reason: reason.to_owned(),
        };
        let state = if fragment.is_final() {
            "terminated;reason=noresource".to_owned()
        } else {
            format!("active;expires={REPORTED_FOR}")
        };
        self.ask(now, call, Method::Notify, |notify| {
            let headers = &mut notify.headers;
            headers.push(HeaderName::EVENT, format!("refer;id={number}"));
            headers.push(HeaderName::SUBSCRIPTION_STATE, state);
            notify.set_body(sipfrag::MEDIA_TYPE, fragment.to_bytes());
        });
    }

    /// The answer to a NOTIFY of ours.
    pub(super) fn notify_ended(&mut self, call: CallId, outcome: Outcome<'_>) {
        // RFC 6665 section 4.2.2: who does not know of the subscription, or is not there, is told
        // nothing more.
        let gone = match outcome {
            Outcome::Answered(response) => matches!(response.status.code(), 481 | 489),
            Outcome::Undelivered => true,
        };
        if let Some(referred) = self.established(call).and_then(|e| e.referred.as_mut()) {
            referred.tells &= !gone;
        }
    }
}

/// Whom a REFER hands over to, and in whose place; the status that refuses it otherwise.
fn read_refer(refer: &Request) -> Result<(Uri, Option<Replaces>), StatusCode> {
    let mut values = refer.headers.get_all(&HeaderName::REFER_TO);
    let (Some(_), None) = (values.next(), values.next()) else {
        return Err(StatusCode::BAD_REQUEST);
    };
    let refer_to = refer
        .headers
        .name_addr(&HeaderName::REFER_TO)
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    match refer_to.uri {
        Uri::Sip(sip) => {
            let method = sip.params.get("method").unwrap_or("INVITE");
            if !method.eq_ignore_ascii_case("INVITE") {
                return Err(StatusCode::FORBIDDEN);
            }
            let replaces = match sip.header("Replaces") {
                Some(value) => Some(Replaces::read(&value).ok_or(StatusCode::BAD_REQUEST)?),
                None => None,
            };
            Ok((Uri::Sip(sip.for_request_uri()), replaces))
        }
        Uri::Tel(_) => Ok((refer_to.uri, None)),
        Uri::Other(_) => Err(StatusCode::UNSUPPORTED_URI_SCHEME),
    }
}
