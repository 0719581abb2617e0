//! What requests tell of the servers they went to, and going on with the next one
//! (RFC 3263 section 4.3).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::flow::FlowId;
use super::routing::Purpose;
use super::{Agent, Event, requests};
use crate::sip::transaction::{ClientKey, Failure, Peer};
use crate::sip::{Alteration, Fingerprint, HeaderName, Request, Response, StatusCode};

/// Over which way a request of ours went.
#[derive(Debug)]
pub(super) struct Sent {
    way: Peer,
    /// What its answers have to bring back.
    fingerprint: Option<Fingerprint>,
    /// What may be sent over other ways, and those, best first. REGISTER and the first INVITE of a
    /// call go on by themselves, since their Contact and their sound go with them.
    again: Option<(Box<Request>, VecDeque<Peer>)>,
}

impl Agent {
    /// Hands a request to the transaction layer, to go over the first of these ways that takes it.
    pub(super) fn send_over(
        &mut self,
        now: Instant,
        request: Request,
        ways: &[Peer],
        purpose: Purpose,
    ) {
        let Some((first, further)) = ways.split_first() else {
            return;
        };
        // What says where we are must go on saying the truth.
        let names_us = request.headers.get(&HeaderName::CONTACT).is_some();
        let fits = |way: &&Peer| !names_us || way.local.ip() == first.local.ip();
        let further: VecDeque<Peer> = further.iter().filter(fits).copied().collect();
        let again = (!further.is_empty()).then(|| (Box::new(request.clone()), further));
        if let Some(key) = self.send(now, request, *first, purpose)
            && let Some(sent) = self.sent.get_mut(&key)
        {
            sent.again = again;
        }
    }

    pub(super) fn note_sent(
        &mut self,
        key: ClientKey,
        way: Peer,
        fingerprint: Option<Fingerprint>,
    ) {
        let sent = Sent {
            way,
            fingerprint,
            again: None,
        };
        self.sent.insert(key, sent);
    }

    /// The way that a request without a final answer went.
    pub(super) fn way_of(&self, key: &ClientKey) -> Option<&Peer> {
        self.sent.get(key).map(|sent| &sent.way)
    }

    /// A final answer says something of the server that it came from. Says whether the request has
    /// gone to another one in its place.
    pub(super) fn server_answered(
        &mut self,
        now: Instant,
        key: &ClientKey,
        response: &Response,
    ) -> bool {
        let Some(sent) = self.sent.remove(key) else {
            return false;
        };
        let fingerprint = sent.fingerprint.as_ref();
        let altered = fingerprint.and_then(|it| it.altered_in(response));
        if let Some(alteration) = altered {
            self.tell_alteration(alteration);
        }
        if response.status != StatusCode::SERVICE_UNAVAILABLE {
            self.outages.works(&sent.way);
            return false;
        }
        // One that does not say for how long is as good as any other the next time (RFC 3261
        // section 21.5.4): it may mean a line of its own that is full.
        if let Some(secs) = response.headers.retry_after() {
            let span = Duration::from_secs(secs.into());
            self.outages.out_of_service(now, &sent.way, span);
        }
        self.go_elsewhere(now, key, sent)
    }

    /// Somebody on the way rewrites what we say: once is enough to know.
    pub(super) fn tell_alteration(&mut self, alteration: Alteration) {
        if !std::mem::replace(&mut self.alteration_told, true) {
            self.event(Event::Altered { alteration });
        }
    }

    /// No answer came from a server. Says whether the request has gone to another one.
    pub(super) fn server_silent(
        &mut self,
        now: Instant,
        key: &ClientKey,
        failure: Failure,
    ) -> bool {
        let Some(sent) = self.sent.remove(key) else {
            return false;
        };
        if failure == Failure::TooLong {
            return false;
        }
        self.outages.silent(now, &sent.way);
        if !matches!(self.clients.get(key), Some(Purpose::Register(_))) {
            self.doubt_registrar(now, &sent.way);
        }
        self.go_elsewhere(now, key, sent)
    }

    fn go_elsewhere(&mut self, now: Instant, key: &ClientKey, sent: Sent) -> bool {
        let Some((mut request, further)) = sent.again else {
            return false;
        };
        let Some(mut purpose) = self.clients.remove(key) else {
            return false;
        };
        match &mut purpose {
            Purpose::Bye(goodbye) => goodbye.challenged = false,
            Purpose::Reinvite(call) => self.reinvite_goes_elsewhere(*call),
            _ => {}
        }
        // What one server asked for is nothing to the next.
        requests::forget_credentials(&mut request.headers);
        let ways: Vec<Peer> = further.into();
        self.send_over(now, *request, &ways, purpose);
        true
    }

    /// A way over which accounts are registered gave no answer: they look for another one now, not
    /// when the binding is due.
    fn doubt_registrar(&mut self, now: Instant, way: &Peer) {
        let mut concerned = Vec::new();
        for (account, found) in &mut self.accounts {
            let account = *account;
            for line in found
                .lines()
                .filter(|line| line.stands && line.due.is_some())
            {
                if (line.way.remote, line.way.transport) == (way.remote, way.transport) {
                    let number = line.registration.number();
                    concerned.push(FlowId { account, number });
                }
            }
        }
        for flow in concerned {
            self.renew_flow(now, flow);
        }
    }
}
