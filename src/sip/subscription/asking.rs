//! SUBSCRIBEs: sent, answered, refused.

use std::time::{Duration, Instant};

use rand::RngExt;

use super::usage::Usage;
use super::{Ask, Kind, State, Subscription, SubscriptionEvent, SubscriptionOutput, Wish, request};
use crate::sip::soft_state::{self, Answered, Failing, Healing, MAX_EXPIRES, MAX_TRIES};
use crate::sip::{
    Contacts, Dialog, HeaderName, Request, Response, SoftStateFailure, SoftStateFault, StatusCode,
};

/// What a final answer means.
enum Verdict {
    /// Ask again at once, with this.
    Again(Box<Ask>),
    Granted(Box<Ask>),
    Failed(Box<Ask>, Failing),
}

impl Subscription {
    /// Takes what is on its way, if it is meant. Leaves `Idle` behind.
    pub(super) fn take_ask(&mut self, is_meant: impl Fn(&Ask) -> bool) -> Option<Box<Ask>> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Asking(ask) if is_meant(&ask) => Some(ask),
            state => {
                self.state = state;
                None
            }
        }
    }

    /// The first SUBSCRIBE of another attempt.
    pub(super) fn ask_anew(&mut self) {
        self.usage = None;
        self.moved = false;
        self.call_id = format!("{:032x}", self.rng.random::<u128>());
        self.from_tag = format!("{:016x}", self.rng.random::<u64>());
        let cseq = self.rng.random_range(1..0x7fff);
        let request = request::first(
            &self.config,
            &self.call_id,
            &self.from_tag,
            cseq,
            self.expires,
        );
        self.ask(request, Kind::First, self.expires);
    }

    /// A refresh where there is a subscription that may be alive, else one anew.
    pub(super) fn ask_again(&mut self, now: Instant) {
        match &mut self.usage {
            Some(usage) if usage.notified && usage.expires_at > now => {
                self.moved = false;
                self.refreshed_at = Some(now);
                let request = request::further(&self.config, &mut usage.dialog, self.expires);
                self.ask(request, Kind::Refresh, self.expires);
            }
            Some(_) | None => self.ask_anew(),
        }
    }

    /// Ends what subscription there is.
    pub(super) fn leave(&mut self) {
        match &mut self.usage {
            Some(usage) => {
                let zero = Duration::ZERO;
                let request = request::further(&self.config, &mut usage.dialog, zero);
                self.ask(request, Kind::Leave, zero);
            }
            None => self.end(),
        }
    }

    fn ask(&mut self, mut request: Request, kind: Kind, expires: Duration) {
        self.signer.sign(&mut request);
        self.outputs
            .push_back(SubscriptionOutput::Send(request.clone()));
        self.state = State::Asking(Box::new(Ask {
            request,
            kind,
            tries: 1,
            expires,
        }));
    }

    /// The same once more, under the next number.
    pub(super) fn send_again(&mut self, mut ask: Box<Ask>) {
        match &mut self.usage {
            Some(usage) if ask.kind != Kind::First => usage.dialog.renumber(&mut ask.request),
            Some(_) | None => {
                // A notification of an attempt that was refused belongs to nothing.
                self.usage = None;
                let seq = ask.request.headers.cseq().map_or(0, |cseq| cseq.seq);
                let next = format!("{} SUBSCRIBE", soft_state::next_cseq(seq));
                ask.request.headers.set(HeaderName::CSEQ, next);
            }
        }
        ask.tries += 1;
        self.outputs
            .push_back(SubscriptionOutput::Send(ask.request.clone()));
        self.state = State::Asking(ask);
    }

    /// The SUBSCRIBE that was on its way has its final answer.
    pub(super) fn answered(&mut self, now: Instant, ask: Box<Ask>, response: &Response) {
        if let Kind::Void { again_at } = ask.kind {
            return self.voided(now, again_at);
        }
        match self.judge(ask, response) {
            Verdict::Again(ask) if ask.kind != Kind::Leave && self.wish == Wish::Gone => {
                if ask.kind == Kind::First {
                    self.usage = None;
                }
                self.leave();
            }
            Verdict::Again(ask) => self.send_again(ask),
            Verdict::Granted(ask) => self.granted(now, ask, response),
            Verdict::Failed(ask, failing) => {
                self.failed(now, &ask, failing, Answered::from(response));
            }
        }
    }

    fn judge(&mut self, mut ask: Box<Ask>, response: &Response) -> Verdict {
        let again = ask.tries < MAX_TRIES;
        let failing = match response.status.code() {
            200..=299 => return Verdict::Granted(ask),
            401 | 407 if again => {
                let (first, seed) = (ask.tries == 1, self.rng.random());
                match self.signer.answer(&mut ask.request, response, first, seed) {
                    Ok(()) => return Verdict::Again(ask),
                    Err(failing) => failing,
                }
            }
            423 if again => match soft_state::longer(response, ask.expires) {
                Some(least) => {
                    self.expires = least;
                    ask.expires = least;
                    let secs = least.as_secs().to_string();
                    ask.request.headers.set(HeaderName::EXPIRES, secs);
                    self.signer.sign(&mut ask.request);
                    return Verdict::Again(ask);
                }
                None => Failing::judge(response, self.was_held),
            },
            // The notifier is told of inside the dialog that it is gone (RFC 3261 section
            // 12.2.1.2).
            408 if ask.kind == Kind::Refresh => {
                Failing::new(SoftStateFault::Timeout, Healing::AtOnce)
            }
            _ => Failing::judge(response, self.was_held),
        };
        Verdict::Failed(ask, failing)
    }

    fn granted(&mut self, now: Instant, ask: Box<Ask>, response: &Response) {
        self.signer.learn(response);
        if ask.kind == Kind::Leave {
            self.state = State::Parting {
                until: now + self.config.notified_within,
            };
            return;
        }
        let lifetime = soft_state::granted(response, ask.expires);
        if lifetime.is_zero() {
            self.settle(now);
            self.usage = None;
            let failing = Failing::new(SoftStateFault::IntervalRejected, Healing::InTime);
            return self.fail(now, failing, Answered::from(response));
        }
        if ask.kind == Kind::Refresh {
            self.settle(now);
        }
        match &mut self.usage {
            Some(usage) if ask.kind == Kind::Refresh => {
                usage.expires_at = now + lifetime;
                usage.told = true;
                if let Ok(Contacts::List(contacts)) = response.headers.contacts()
                    && let Some(contact) = contacts.first()
                {
                    usage.dialog.refresh_target(contact);
                }
                self.rest(now);
            }
            // The notification came first.
            Some(usage) => {
                if !usage.told {
                    usage.expires_at = now + lifetime;
                }
                self.rest(now);
            }
            None => {
                let dialog = Dialog::from_uac(&ask.request, response);
                self.usage = dialog.ok().map(|dialog| Usage::new(dialog, now, lifetime));
                self.state = State::Awaiting {
                    subscribe: Box::new(ask.request),
                    notify_by: now + self.config.notified_within,
                };
                if self.wish == Wish::Gone {
                    self.leave();
                }
            }
        }
    }

    /// There is a subscription, and nothing to do for a while.
    pub(super) fn rest(&mut self, now: Instant) {
        let Some(usage) = &self.usage else {
            return self.ask_again(now);
        };
        let left = usage.expires_at.saturating_duration_since(now);
        self.state = State::Held {
            refresh_at: now + soft_state::refresh_after(&mut self.rng, left.min(MAX_EXPIRES)),
        };
        if self.wish == Wish::Gone {
            self.leave();
        } else if self.moved {
            self.ask_again(now);
        }
    }

    /// The SUBSCRIBE that was on its way got no answer.
    pub(super) fn unanswered(&mut self, now: Instant, ask: &Ask, failure: SoftStateFailure) {
        if let Kind::Void { again_at } = ask.kind {
            return self.voided(now, again_at);
        }
        if ask.kind == Kind::First && self.is_held() {
            // The notifier has it all the same: it has notified.
            return self.rest(now);
        }
        let healing = match (ask.kind, failure) {
            // The dialog is over (RFC 3261 section 12.2.1.2).
            (Kind::Refresh, SoftStateFailure::Timeout) => Healing::AtOnce,
            (_, SoftStateFailure::ForeignServer | SoftStateFailure::Unencrypted) => Healing::Never,
            _ => Healing::InTime,
        };
        self.failed(
            now,
            ask,
            Failing::new(failure.into(), healing),
            Answered::default(),
        );
    }

    /// What is on its way is of no matter any more.
    pub(super) fn void(&mut self, mut ask: Box<Ask>, again_at: Option<Instant>) {
        ask.kind = Kind::Void { again_at };
        self.state = State::Asking(ask);
    }

    /// What was of no matter is over.
    fn voided(&mut self, now: Instant, again_at: Option<Instant>) {
        match again_at {
            _ if self.wish == Wish::Gone => self.end(),
            None => self.state = State::Refused,
            Some(at) if at <= now => self.ask_anew(),
            Some(retry_at) => self.state = State::BackingOff { retry_at },
        }
    }

    /// Accepted, and not a word since.
    pub(super) fn never_notified(&mut self, now: Instant) {
        self.usage = None;
        let failing = Failing::new(SoftStateFault::Silent, Healing::InTime);
        self.fail(now, failing, Answered::default());
    }

    fn failed(&mut self, now: Instant, ask: &Ask, failing: Failing, answered: Answered) {
        self.settle(now);
        let over = match ask.kind {
            Kind::First | Kind::Leave | Kind::Void { .. } => true,
            Kind::Refresh => match answered.status {
                Some(status) => ends_usage(status),
                None => failing.fault == SoftStateFault::Timeout,
            },
        };
        if over {
            self.usage = None;
        }
        match (self.wish, ask.kind) {
            (Wish::Held, Kind::Leave) => self.ask_anew(),
            (Wish::Gone, Kind::First | Kind::Refresh | Kind::Void { .. }) => self.leave(),
            (Wish::Gone, Kind::Leave) if failing.fault == SoftStateFault::Forgotten => self.end(),
            (Wish::Gone, Kind::Leave) => {
                self.state = State::Idle;
                self.failures = 0;
                self.tell_failed(failing.fault, answered, None);
            }
            (Wish::Held, Kind::First | Kind::Refresh | Kind::Void { .. }) => {
                self.fail(now, failing, answered);
            }
        }
    }

    /// An attempt came to nothing, and another one is wanted.
    fn fail(&mut self, now: Instant, failing: Failing, answered: Answered) {
        if self.wish == Wish::Gone {
            return self.leave();
        }
        let retry_in = self.back_off(now, failing.healing);
        self.tell_failed(failing.fault, answered, retry_in);
        if retry_in == Some(Duration::ZERO) {
            self.ask_again(now);
        }
    }

    fn tell_failed(
        &mut self,
        cause: SoftStateFault,
        answered: Answered,
        retry_in: Option<Duration>,
    ) {
        self.tell(SubscriptionEvent::Failed {
            cause,
            status: answered.status,
            reason: answered.reason,
            retry_in,
        });
    }
}

/// Whether a refresh that is refused like this ends the subscription at once, and not only when
/// its time is over (RFC 6665 section 4.1.2.2; 408 by RFC 3261 section 12.2.1.2).
fn ends_usage(status: StatusCode) -> bool {
    matches!(
        status.code(),
        404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 604
    )
}
