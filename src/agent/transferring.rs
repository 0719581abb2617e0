//! Calls that we hand over: blind to an address (RFC 5589 section 6), or to somebody we have
//! talked with before (section 7).
//!
//! ```text
//!  Holding ──held──▶ Asking ──2xx──▶ Watching ──NOTIFY 2xx──▶ gone (BYE)
//!     │                 │ refused        │ NOTIFY 300 to 699, or silence
//!     └──────▶          ▼                ▼
//!                 the call is taken back, as it was before
//! ```

use std::time::{Duration, Instant};

use super::asking::Outcome;
use super::call::{Change, Phase};
use super::event::TransferProgress;
use super::{Agent, CallId, EndCause, Event, Party, Refusal, Refused, dial, requests};
use crate::events::sipfrag::StatusFragment;
use crate::sip::transaction::ServerKey;
use crate::sip::{
    HeaderName, Method, NameAddr, Replaces, Request, Response, SipUri, StatusCode, Uri,
};

/// How long a transfer may take without a word of how it goes: as long as a phone rings before
/// everybody gives up, and the far side's own timers on top.
const SILENCE: Duration = Duration::from_secs(240);

/// How long a PBX may take to take over a call whose keys it was given.
const BY_KEYS: Duration = Duration::from_secs(60);

/// A transfer of ours under way.
#[derive(Debug)]
pub(super) struct Transfer {
    /// Whom the far side shall call, as it goes into Refer-To.
    refer_to: Uri,
    /// The call of ours with whom it is handed to.
    consulted: Option<CallId>,
    stage: Stage,
    /// The far side was put on hold for it, and is taken back if it fails.
    held_for_it: bool,
}

#[derive(Debug)]
enum Stage {
    /// The far side is being put on hold.
    Holding,
    /// REFER is under way.
    Asking,
    /// The far side calls, and tells how it goes.
    Watching { until: Instant },
}

impl Transfer {
    /// When it is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Watching { until } => Some(until),
            Stage::Holding | Stage::Asking => None,
        }
    }
}

impl Agent {
    /// Hands a call over to whom the person typed.
    pub(super) fn transfer(
        &mut self,
        now: Instant,
        call: CallId,
        typed: &str,
    ) -> Result<(), Refused> {
        let refuse = |refusal| (Some(call), refusal);
        let account = self.transferable(call)?;
        let account = self.accounts.get(&account);
        let home = account.and_then(super::account::Account::home);
        let target = dial::target(typed, home).map_err(refuse)?;
        let code = account.and_then(|account| account.config.transfer_code.clone());
        if let Some(code) = code {
            return self.transfer_by_keys(now, call, &code, &target);
        }
        let to = requests::party(&NameAddr::new(target.clone()));
        self.begin_transfer(now, call, target, to, None);
        Ok(())
    }

    /// Hands a call over by the keys that the PBX listens for. It says nothing of how it goes: it
    /// hangs up on us when it has taken the call.
    fn transfer_by_keys(
        &mut self,
        now: Instant,
        call: CallId,
        code: &str,
        target: &Uri,
    ) -> Result<(), Refused> {
        let number = target.user_unescaped().unwrap_or_default();
        if number.is_empty() || !number.chars().all(super::is_dtmf) {
            return Err((Some(call), Refusal::NotDialable));
        }
        self.send_digits(now, call, &format!("{code}{number}"))?;
        let to = requests::party(&NameAddr::new(target.clone()));
        let Some(e) = self.established(call) else {
            return Err((Some(call), Refusal::WrongState));
        };
        e.transfer = Some(Box::new(Transfer {
            refer_to: target.clone(),
            consulted: None,
            stage: Stage::Watching {
                until: now + BY_KEYS,
            },
            held_for_it: false,
        }));
        self.event(Event::Transfer {
            call,
            progress: TransferProgress::Begun { to },
        });
        Ok(())
    }

    /// Hands a call over to the far side of another one.
    pub(super) fn transfer_to(
        &mut self,
        now: Instant,
        call: CallId,
        other: CallId,
    ) -> Result<(), Refused> {
        self.transferable(call)?;
        let refuse = |refusal| Err((Some(other), refusal));
        let Some(found) = self.calls.get(&other) else {
            return refuse(Refusal::UnknownCall);
        };
        if other == call || found.ended {
            return refuse(Refusal::WrongState);
        }
        let to = found.remote.clone();
        match &found.phase {
            Phase::Established(e) if e.transfer.is_none() => {
                let target = self.target_of(other);
                let Some(target) = target else {
                    return refuse(Refusal::WrongState);
                };
                self.begin_transfer(now, call, target, to, Some(other));
            }
            // It still rings there: whoever takes it will talk with the one that is handed over.
            // Only who called may be replaced before the answer (RFC 3891 section 3), so the call
            // of ours makes room.
            Phase::Locating(setup) | Phase::Opening(setup, _) => {
                let target = setup.target.clone();
                self.begin_transfer(now, call, target, to, Some(other));
            }
            Phase::Inviting(inviting) => {
                let target = inviting.setup.target.clone();
                self.begin_transfer(now, call, target, to, Some(other));
            }
            _ => return refuse(Refusal::WrongState),
        }
        Ok(())
    }

    /// The account of a call that can be handed over now.
    pub(super) fn transferable(&mut self, call: CallId) -> Result<super::AccountId, Refused> {
        let Some(found) = self.calls.get(&call) else {
            return Err((Some(call), Refusal::UnknownCall));
        };
        match &found.phase {
            Phase::Established(e) if !found.ended && e.transfer.is_none() && e.codec.is_some() => {
                Ok(found.account)
            }
            _ => Err((Some(call), Refusal::WrongState)),
        }
    }

    /// Where the far side of an answered call is found by others, with the dialog to replace (RFC
    /// 5589 section 7.3): its Contact where that is good everywhere (RFC 5627), or where there is
    /// no server to find it by its address of record.
    fn target_of(&self, other: CallId) -> Option<Uri> {
        let found = self.calls.get(&other)?;
        let Phase::Established(e) = &found.phase else {
            return None;
        };
        let contact = e.dialog.remote_target().as_sip();
        let address = e.dialog.remote().uri.as_sip();
        let home = self
            .accounts
            .get(&found.account)
            .and_then(super::account::Account::home);
        let at_home = address.is_some_and(|address| Some(&address.host_port) == home);
        let global = contact.is_some_and(|contact| contact.params.has("gr"));
        let chosen = if global || !at_home { contact } else { address };
        let mut target: SipUri = chosen.or(address)?.for_request_uri();
        // A phone that cannot replace its call gets a second one, and the first ends.
        if e.replaceable {
            let replaces = Replaces::of_far_side(e.dialog.id());
            target.push_header("Replaces", &replaces.to_string());
        }
        Some(Uri::Sip(target))
    }

    pub(super) fn begin_transfer(
        &mut self,
        now: Instant,
        call: CallId,
        refer_to: Uri,
        to: Party,
        consulted: Option<CallId>,
    ) {
        let Some(e) = self.established(call) else {
            return;
        };
        let holds = !e.local_hold && matches!(e.change, Change::None);
        e.transfer = Some(Box::new(Transfer {
            refer_to,
            consulted,
            stage: Stage::Holding,
            held_for_it: holds,
        }));
        self.event(Event::Transfer {
            call,
            progress: TransferProgress::Begun { to },
        });
        if holds {
            // Refused is only what is no call, or under way already.
            let _ = self.set_hold(now, call, true);
        } else {
            self.transfer_may_ask(now, call);
        }
    }

    /// The dialog is free, and the far side on hold if it lets itself be: REFER goes out.
    pub(super) fn transfer_may_ask(&mut self, now: Instant, call: CallId) {
        let Some(e) = self.established(call) else {
            return;
        };
        let free = matches!(e.change, Change::None);
        let Some(transfer) = e.transfer.as_mut() else {
            return;
        };
        if !free || !matches!(transfer.stage, Stage::Holding) {
            return;
        }
        transfer.stage = Stage::Asking;
        let refer_to = transfer.refer_to.clone();
        let consulted = transfer.consulted;
        if let Some(other) = consulted
            && !matches!(
                self.calls.get(&other).map(|other| &other.phase),
                Some(Phase::Established(_))
            )
        {
            // It rings there for us; from here on it shall ring for the other.
            let _ = self.hang_up(now, other);
        }
        let us = self.established(call).map(|e| e.dialog.local().clone());
        let referred_by = us.map(|us| NameAddr::new(us.uri));
        let sent = self.ask(now, call, Method::Refer, |request| {
            let headers = &mut request.headers;
            headers.push(HeaderName::REFER_TO, NameAddr::new(refer_to).to_string());
            if let Some(us) = referred_by {
                headers.push(HeaderName::REFERRED_BY, us.to_string());
            }
        });
        if sent.is_none() {
            self.transfer_failed(now, call, None, None);
        }
    }

    /// The answer to our REFER.
    pub(super) fn refer_ended(&mut self, now: Instant, call: CallId, outcome: Outcome<'_>) {
        let Some(e) = self.established(call) else {
            return;
        };
        let Some(transfer) = e.transfer.as_mut() else {
            return;
        };
        match outcome {
            Outcome::Answered(response) if response.status.is_success() => {
                if !matches!(transfer.stage, Stage::Asking) {
                    return;
                }
                transfer.stage = Stage::Watching {
                    until: now + SILENCE,
                };
                self.event(Event::Transfer {
                    call,
                    progress: TransferProgress::Accepted,
                });
                if tells_nothing(response) {
                    // RFC 4488 section 4: nothing more will be heard of it.
                    self.handed_over(now, call, TransferProgress::Untold);
                }
            }
            Outcome::Answered(response) => {
                let answer = (response.status.code(), response.reason.clone());
                self.transfer_failed(now, call, Some(answer.0), Some(answer.1));
            }
            Outcome::Undelivered => self.transfer_failed(now, call, None, None),
        }
    }

    /// How the transfer goes, in the far side's words (RFC 3515 section 2.4.4). It may come before
    /// the answer to the REFER.
    pub(super) fn transfer_notified(
        &mut self,
        now: Instant,
        call: CallId,
        key: &ServerKey,
        notify: &Request,
    ) {
        let watches = self
            .established(call)
            .and_then(|e| e.transfer.as_ref())
            .is_some_and(|transfer| !matches!(transfer.stage, Stage::Holding));
        if !watches {
            // Nothing of that kind was asked for (RFC 6665 section 4.1.3).
            self.answer_request(now, key, notify, StatusCode::CALL_DOES_NOT_EXIST);
            return;
        }
        let response = self.reply(notify, StatusCode::OK, None);
        self.respond(now, key, response);
        let fragment = StatusFragment::parse(&notify.body);
        let over = notify
            .headers
            .get(&HeaderName::SUBSCRIPTION_STATE)
            .is_some_and(|state| {
                let state = state.split(';').next().unwrap_or_default();
                state.trim().eq_ignore_ascii_case("terminated")
            });
        match fragment {
            Some(StatusFragment { status, .. }) if (200..300).contains(&status) => {
                self.handed_over(now, call, TransferProgress::Succeeded);
            }
            Some(StatusFragment { status, reason }) if status >= 300 => {
                self.transfer_failed(now, call, Some(status), Some(reason));
            }
            _ if over => self.transfer_failed(now, call, None, None),
            Some(StatusFragment { status, .. }) => {
                if let Some(e) = self.established(call)
                    && let Some(transfer) = e.transfer.as_mut()
                {
                    transfer.stage = Stage::Watching {
                        until: now + SILENCE,
                    };
                }
                if status > 100 {
                    self.event(Event::Transfer {
                        call,
                        progress: TransferProgress::Ringing,
                    });
                }
            }
            None => {}
        }
    }

    /// The transfer is through, as far as is known: our part in it ends, and with it the call with
    /// whom it was handed to.
    fn handed_over(&mut self, now: Instant, call: CallId, progress: TransferProgress) {
        let Some(transfer) = self.established(call).and_then(|e| e.transfer.take()) else {
            return;
        };
        self.event(Event::Transfer { call, progress });
        self.part(now, call, EndCause::Transferred);
        if let Some(other) = transfer.consulted
            && self.established(other).is_some()
        {
            self.part(now, other, EndCause::Transferred);
        }
    }

    /// The transfer came to nothing: the call is taken back.
    fn transfer_failed(
        &mut self,
        now: Instant,
        call: CallId,
        status: Option<u16>,
        reason: Option<String>,
    ) {
        let Some(transfer) = self.established(call).and_then(|e| e.transfer.take()) else {
            return;
        };
        let reason = reason
            .map(|reason| plain(&reason))
            .filter(|it| !it.is_empty());
        self.event(Event::Transfer {
            call,
            progress: TransferProgress::Failed { status, reason },
        });
        if transfer.held_for_it {
            let _ = self.set_hold(now, call, false);
        }
    }

    /// Nothing was heard of it for too long.
    pub(super) fn transfer_due(&mut self, now: Instant, call: CallId) {
        let due = self
            .established(call)
            .and_then(|e| e.transfer.as_ref())
            .and_then(|transfer| transfer.deadline());
        if due.is_some_and(|at| at <= now) {
            self.transfer_failed(now, call, None, None);
        }
    }

    /// The far side hangs up while it is handed over: it has gone, or calls already. Says what
    /// the call ended with.
    pub(super) fn left_in_transfer(&mut self, now: Instant, call: CallId) -> EndCause {
        let transfer = self.established(call).and_then(|e| e.transfer.take());
        let Some(transfer) = transfer else {
            return EndCause::HungUp;
        };
        if !matches!(transfer.stage, Stage::Watching { .. }) {
            return EndCause::HungUp;
        }
        self.event(Event::Transfer {
            call,
            progress: TransferProgress::Untold,
        });
        // Whom it was handed to ends the dialog that is replaced; if not, we do.
        if let Some(other) = transfer.consulted
            && self.established(other).is_some()
        {
            self.part(now, other, EndCause::Transferred);
        }
        EndCause::Transferred
    }
}

/// Whether the far side will not tell how it goes (RFC 4488 section 4).
fn tells_nothing(response: &Response) -> bool {
    let said = response.headers.get(&HeaderName::REFER_SUB);
    said.is_some_and(|said| said.trim().eq_ignore_ascii_case("false"))
}

/// Words of the far side, fit to be shown.
fn plain(words: &str) -> String {
    words
        .chars()
        .filter(|c| !c.is_control())
        .take(128)
        .collect()
}
