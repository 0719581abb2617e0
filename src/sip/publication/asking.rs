//! PUBLISHes: sent, answered, refused.

use std::time::{Duration, Instant};

use rand::RngExt;

use super::{
    Ask, Document, Held, Kind, PAUSE, Publication, PublicationEvent, PublicationOutput, State,
    request,
};
use crate::sip::soft_state::{self, Answered, Failing, Healing, MAX_TRIES};
use crate::sip::{HeaderName, Request, Response, SoftStateFailure, SoftStateFault};

/// What a final answer means.
enum Verdict {
    /// Ask again at once, with this.
    Again(Box<Ask>),
    /// The server does not know what the request was about (412).
    Forgotten(Box<Ask>),
    Granted(Box<Ask>),
    Failed(Box<Ask>, Failing),
}

impl Publication {
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

    /// Sends the document that is wanted: instead of the one that is there, or anew.
    pub(super) fn put(&mut self, now: Instant) {
        let Some(document) = self.wish.clone() else {
            return self.take_back(now);
        };
        self.published_at = Some(now);
        self.ask(now, Kind::Put(document), self.expires);
    }

    /// Sends another document, unless the latest has just been sent.
    pub(super) fn replace(&mut self, now: Instant) {
        match self.published_at.map(|at| at + PAUSE) {
            Some(due) if due > now => self.state = State::Held { due },
            Some(_) | None => self.put(now),
        }
    }

    pub(super) fn refresh(&mut self, now: Instant) {
        // What has no name can only be published again.
        match self.live_tag(now) {
            Some(_) => self.ask(now, Kind::Refresh, self.expires),
            None => self.put(now),
        }
    }

    /// Takes away what is there.
    pub(super) fn take_back(&mut self, now: Instant) {
        match self.live_tag(now) {
            Some(_) => self.ask(now, Kind::Remove, Duration::ZERO),
            None => self.end(),
        }
    }

    /// The name of what the server still holds.
    fn live_tag(&self, now: Instant) -> Option<String> {
        let held = self.held.as_ref().filter(|held| held.until > now)?;
        held.tag.clone()
    }

    fn ask(&mut self, now: Instant, kind: Kind, expires: Duration) {
        let request = self.build(now, &kind, expires);
        let ask = Ask {
            request,
            kind,
            tries: 1,
            expires,
        };
        self.send(Box::new(ask));
    }

    fn send(&mut self, ask: Box<Ask>) {
        self.outputs
            .push_back(PublicationOutput::Send(ask.request.clone()));
        self.state = State::Asking(ask);
    }

    /// The next request, with credentials for the challenges that are remembered.
    fn build(&mut self, now: Instant, kind: &Kind, expires: Duration) -> Request {
        self.cseq = soft_state::next_cseq(self.cseq);
        let tag = self.live_tag(now);
        let document = match kind {
            Kind::Put(document) => Some(document),
            Kind::Refresh | Kind::Remove => None,
        };
        let mut request = request::publish(&request::Parts {
            config: &self.config,
            call_id: &self.call_id,
            from_tag: &self.from_tag,
            cseq: self.cseq,
            expires,
            if_match: tag.as_deref(),
            document,
        });
        self.signer.sign(&mut request);
        request
    }

    /// The PUBLISH that was on its way has its final answer.
    pub(super) fn answered(&mut self, now: Instant, ask: Box<Ask>, response: &Response) {
        match self.judge(now, ask, response) {
            Verdict::Again(ask) if self.wish.is_none() && ask.kind != Kind::Remove => {
                self.take_back(now);
            }
            Verdict::Again(ask) => self.send(ask),
            Verdict::Forgotten(ask) => self.forgotten(now, ask),
            Verdict::Granted(ask) => self.granted(now, *ask, response),
            Verdict::Failed(ask, failing) => {
                self.failed(now, &ask.kind, failing, Answered::from(response));
            }
        }
    }

    fn judge(&mut self, now: Instant, mut ask: Box<Ask>, response: &Response) -> Verdict {
        let again = ask.tries < MAX_TRIES;
        let failing = match response.status.code() {
            200..=299 => return Verdict::Granted(ask),
            401 | 407 if again => {
                let (first, seed) = (ask.tries == 1, self.rng.random());
                match self.signer.answer(&mut ask.request, response, first, seed) {
                    Ok(()) => {
                        self.cseq = soft_state::next_cseq(self.cseq);
                        let cseq = format!("{} PUBLISH", self.cseq);
                        ask.request.headers.set(HeaderName::CSEQ, cseq);
                        ask.tries += 1;
                        return Verdict::Again(ask);
                    }
                    Err(failing) => failing,
                }
            }
            412 if again => return Verdict::Forgotten(ask),
            423 if again => match soft_state::longer(response, ask.expires) {
                Some(least) => {
                    self.expires = least;
                    ask.expires = least;
                    ask.request = self.build(now, &ask.kind, least);
                    ask.tries += 1;
                    return Verdict::Again(ask);
                }
                None => Failing::judge(response, self.was_held),
            },
            412 => Failing::new(SoftStateFault::ServerError, Healing::InTime),
            _ => Failing::judge(response, self.was_held),
        };
        Verdict::Failed(ask, failing)
    }

    /// The server holds nothing of that name: everything is published anew (section 4.1).
    fn forgotten(&mut self, now: Instant, mut ask: Box<Ask>) {
        self.held = None;
        match self.wish.clone() {
            Some(document) => {
                ask.kind = Kind::Put(document);
                ask.expires = self.expires;
                ask.request = self.build(now, &ask.kind, self.expires);
                ask.tries += 1;
                self.published_at = Some(now);
                self.send(ask);
            }
            None => self.end(),
        }
    }

    fn granted(&mut self, now: Instant, ask: Ask, response: &Response) {
        self.signer.learn(response);
        if ask.kind == Kind::Remove {
            self.end();
            if self.wish.is_some() {
                self.put(now);
            }
            return;
        }
        let lifetime = soft_state::granted(response, ask.expires);
        if lifetime.is_zero() {
            self.held = None;
            let failing = Failing::new(SoftStateFault::IntervalRejected, Healing::InTime);
            return self.failed(now, &ask.kind, failing, Answered::from(response));
        }
        self.failures = 0;
        self.was_held = true;
        let until = now + lifetime;
        let tag = response.headers.entity_tag().map(str::to_owned);
        match (ask.kind, &mut self.held) {
            (Kind::Put(document), _) => {
                self.held = Some(Held {
                    tag,
                    document,
                    until,
                });
                self.tell(PublicationEvent::Published { expires: lifetime });
            }
            (Kind::Refresh | Kind::Remove, Some(held)) => {
                // Some servers do not repeat a name that stays.
                held.tag = tag.or(held.tag.take());
                held.until = until;
            }
            (Kind::Refresh | Kind::Remove, None) => {}
        }
        self.state = State::Held {
            due: now + soft_state::refresh_after(&mut self.rng, lifetime),
        };
        if self.wish.is_none() {
            self.take_back(now);
        } else if !self.is_document(self.wish.as_ref()) {
            self.replace(now);
        }
    }

    /// Whether the server holds exactly this.
    fn is_document(&self, document: Option<&Document>) -> bool {
        self.held.as_ref().map(|held| &held.document) == document
    }

    /// The PUBLISH that was on its way got no answer.
    pub(super) fn unanswered(&mut self, now: Instant, ask: &Ask, failure: SoftStateFailure) {
        let failing = Failing::new(failure.into(), Healing::InTime);
        self.failed(now, &ask.kind, failing, Answered::default());
    }

    fn failed(&mut self, now: Instant, kind: &Kind, failing: Failing, answered: Answered) {
        let removing = *kind == Kind::Remove;
        let over = self.held.as_ref().is_some_and(|held| held.until <= now);
        if removing || over || failing.healing == Healing::Never {
            self.held = None;
        }
        let retry_in = match (&self.wish, removing) {
            // Another document was wished while the last one was being taken back.
            (Some(_), true) => return self.put(now),
            (None, false) => return self.take_back(now),
            (None, true) => {
                self.state = State::Idle;
                self.failures = 0;
                None
            }
            (Some(_), false) => {
                let retry_in = self.back_off(now, failing.healing);
                if retry_in == Some(Duration::ZERO) {
                    self.held = None;
                }
                retry_in
            }
        };
        self.tell(PublicationEvent::Failed {
            cause: failing.fault,
            status: answered.status,
            reason: answered.reason,
            retry_in,
        });
    }
}
