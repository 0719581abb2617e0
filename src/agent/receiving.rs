//! A call that comes in meets the rules of its account ([`super::Reception`]): who calls, who sent
//! it on, and what becomes of it.

use std::time::Instant;

use super::call::{Call, Phase};
use super::incoming::Unusable;
use super::reception::{Arriving, LocalTime, Ringing, Verdict, WhyDeclined};
use super::{
    AccountId, Agent, CallId, Diverted, EndCause, Event, Origin, Party, Reception, Refusal,
    Refused, Side, TurnedAway, requests,
};
use crate::sip::transaction::{Peer, ServerKey};
use crate::sip::{
    Diversion, DiversionReason, HeaderName, NameAddr, PartySide, Request, Response, StatusCode, Uri,
};

/// Who calls, and how the call came here.
#[derive(Clone, Debug)]
pub(super) struct Introduction {
    pub(super) remote: Party,
    pub(super) origin: Origin,
    /// `None`: they do not say.
    caller: Option<Uri>,
    diversions: Vec<Diversion>,
    from_server: bool,
}

impl Agent {
    /// Tells the time of day where the person is: rules may hold at some hours only. It is reckoned
    /// on from there.
    pub fn set_local_time(&mut self, now: Instant, time: LocalTime) {
        self.local_time = Some((now, time));
    }

    fn local_time(&self, now: Instant) -> LocalTime {
        let Some((then, time)) = self.local_time else {
            return LocalTime::default();
        };
        time.after_minutes(now.saturating_duration_since(then).as_secs() / 60)
    }

    /// Changes what an account does about calls that come in, from the next one on.
    pub(super) fn set_reception(
        &mut self,
        account: AccountId,
        reception: Reception,
    ) -> Result<(), Refused> {
        let Some(account) = self.accounts.get_mut(&account) else {
            return Err((None, Refusal::UnknownAccount));
        };
        account.config.reception = reception;
        Ok(())
    }

    /// Who calls, as far as it is to be believed: what a server says counts only from the account's
    /// own (RFC 3325 section 5).
    pub(super) fn introduce(
        &self,
        account: AccountId,
        invite: &Request,
        from: &Peer,
        caller: &NameAddr,
    ) -> Introduction {
        let headers = &invite.headers;
        let from_server = self.is_server(account, from);
        let asserted = headers
            .asserted_identity(PartySide::Calling)
            .filter(|_| from_server);
        let is_asserted = asserted.is_some();
        let who = asserted.map_or_else(|| caller.clone(), |it| named(it, caller));
        let hidden = headers.wants_privacy() || requests::is_anonymous(&who.uri);
        let diversions = headers.diversions();
        let diverted = diversions.iter().map(|it| Diverted {
            by: if it.private {
                requests::anonymous_party()
            } else {
                requests::party(&it.by)
            },
            reason: it.reason,
        });
        Introduction {
            remote: if hidden {
                requests::anonymous_party()
            } else {
                requests::party(&who)
            },
            origin: Origin {
                diverted: diverted.collect(),
                asserted: is_asserted && !hidden,
                source: headers.alert_source(),
            },
            caller: (!hidden).then_some(who.uri),
            diversions,
            from_server,
        }
    }

    /// What becomes of a call by the rules of its account. `full`: no line is left.
    pub(super) fn judge_call(
        &self,
        now: Instant,
        account: AccountId,
        invite: &Request,
        who: &Introduction,
        full: bool,
    ) -> Verdict {
        let Some(found) = self.accounts.get(&account) else {
            return Verdict::Ring(Ringing::default());
        };
        found.config.reception.judge(&Arriving {
            time: self.local_time(now),
            busy: self.live_calls(None) > 0,
            full,
            caller: who.caller.as_ref(),
            from_server: who.from_server,
            asks_for_answer: invite.headers.answer_after(),
            diversions: &who.diversions,
            own: found.config.aor.as_ref(),
            hops_left: invite.headers.max_forwards().ok().flatten(),
        })
    }

    /// Turns a call away that has not rung, and says so.
    pub(super) fn turn_away_unheard(
        &mut self,
        now: Instant,
        (account, key): (AccountId, ServerKey),
        invite: &Request,
        who: Introduction,
        verdict: Verdict,
    ) {
        let how = match verdict {
            Verdict::Ring(_) => return,
            Verdict::Decline { status, why } => {
                self.answer_request(now, &key, invite, status);
                if why == WhyDeclined::NoLine {
                    // The person is in calls enough to know.
                    return;
                }
                TurnedAway::Declined { status, why }
            }
            Verdict::Forward { to, reason } => {
                let tag = self.random_token();
                let response = self.redirection(account, invite, &tag, &to, reason);
                self.respond(now, &key, response);
                let to = requests::party(&NameAddr::new(to));
                TurnedAway::Forwarded { to, reason }
            }
        };
        let call = CallId(self.next_call);
        self.next_call += 1;
        self.event(Event::TurnedAway {
            call,
            account,
            remote: who.remote,
            origin: who.origin,
            how,
        });
    }

    /// Turns a call away whose offer cannot be taken; who calls in clear, where nothing is to be, is
    /// told to the person.
    pub(super) fn turn_away_unusable(
        &mut self,
        now: Instant,
        (account, key): (AccountId, ServerKey),
        invite: &Request,
        who: Introduction,
        unusable: Unusable,
    ) {
        let Unusable { status, cause } = unusable;
        if cause == EndCause::NotEncrypted {
            let why = WhyDeclined::NotEncrypted;
            let verdict = Verdict::Decline { status, why };
            self.turn_away_unheard(now, (account, key), invite, who, verdict);
        } else {
            self.answer_request(now, &key, invite, status);
        }
    }

    /// The answer that sends a call on: 302, by whom and why (RFC 5806), and where its history is
    /// spoken, that (RFC 7044 section 9.4).
    fn redirection(
        &self,
        account: AccountId,
        invite: &Request,
        tag: &str,
        to: &Uri,
        reason: DiversionReason,
    ) -> Response {
        let own = self
            .accounts
            .get(&account)
            .and_then(|account| account.config.aor.clone())
            .unwrap_or_else(|| invite.uri.clone());
        let mut response = self.reply(invite, StatusCode::MOVED_TEMPORARILY, Some(tag));
        let mut contact = NameAddr::new(to.clone());
        if requests::supports(&invite.headers, "histinfo") {
            let (values, index) = invite.headers.history_with(&own);
            for value in values {
                response.headers.push(HeaderName::HISTORY_INFO, value);
            }
            contact.params.set("mp", Some(&index));
        }
        let diversion = Diversion {
            by: NameAddr::new(own),
            reason,
            count: 1,
            private: false,
        };
        let headers = &mut response.headers;
        headers.push(HeaderName::CONTACT, contact.to_string());
        headers.push(HeaderName::DIVERSION, diversion.to_string());
        response
    }

    /// It has rung long enough: the call goes where the rules send it.
    pub(super) fn forward_unanswered(&mut self, now: Instant, call: CallId) {
        let Some(Call {
            account,
            phase: Phase::Alerting(alerting),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return;
        };
        let Some((_, to)) = alerting.forward.take() else {
            return;
        };
        let (account, alerting) = (*account, alerting.clone());
        let reason = DiversionReason::NoAnswer;
        let (invite, tag) = (&alerting.invite, &alerting.local_tag);
        let response = self.redirection(account, invite, tag, &to, reason);
        self.respond(now, &alerting.key, response);
        let to = requests::party(&NameAddr::new(to));
        self.event(Event::Forwarded { call, to, reason });
        self.end(now, call, EndCause::Forwarded, Side::Local, None);
    }

    /// It has rung long enough to be answered by itself, unless another call has begun since.
    pub(super) fn answer_unasked(&mut self, now: Instant, call: CallId) {
        let alone = self.live_calls(None) == 1;
        let Some(Call {
            phase: Phase::Alerting(alerting),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return;
        };
        let Some((_, beep)) = alerting.answer_at.take() else {
            return;
        };
        if alone && self.answer(now, call).is_ok() {
            self.event(Event::AnsweredByItself { call, beep });
        }
    }

    /// Who the other side of a call is, by a request inside of it from the account's own server.
    pub(super) fn told_identity(&self, request: &Request, from: &Peer) -> Option<(CallId, Party)> {
        let call = self.call_of_dialog(request)?;
        let found = self.calls.get(&call)?;
        if !self.is_server(found.account, from) {
            return None;
        }
        let headers = &request.headers;
        // It speaks of who sends it; some keep to the sides that the call began with.
        let sides = [PartySide::Calling, PartySide::Called];
        let mut told = sides.into_iter();
        let who = told.find_map(|side| headers.asserted_identity(side))?;
        let hidden = headers.wants_privacy() || requests::is_anonymous(&who.uri);
        let remote = if hidden {
            requests::anonymous_party()
        } else {
            requests::party(&who)
        };
        (remote != found.remote).then_some((call, remote))
    }

    /// The other side is somebody else by now, or was named better.
    pub(super) fn identified(&mut self, told: Option<(CallId, Party)>) {
        let Some((call, remote)) = told else { return };
        if let Some(found) = self.calls.get_mut(&call)
            && !found.ended
        {
            found.remote = remote.clone();
            self.event(Event::Identified { call, remote });
        }
    }
}

/// What a server says of the caller often has no name: the caller's own is then as good as before.
fn named(mut asserted: NameAddr, caller: &NameAddr) -> NameAddr {
    let same = asserted.uri.user_unescaped() == caller.uri.user_unescaped();
    if asserted.display_name.is_none() && same {
        asserted.display_name.clone_from(&caller.display_name);
    }
    asserted
}
