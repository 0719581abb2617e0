//! The lab's presence server: it takes SUBSCRIBE and PUBLISH, and notifies (RFC 6665, RFC 3903).
//!
//! `700` to `749` have calls by the clock (`lab/lamps.rs`), and presence that follows them; the
//! presence of `1001` to `1005` is what they publish; `1001` has two new messages in its mailbox,
//! the others none.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::EXTENSIONS;
use super::lamps::{self, Blink};
use crate::events::dialog_info::{self, Document};
use crate::events::message_summary::{self, Counts, MessageClass, MessageSummary};
use crate::events::pidf::{self, Activity, Basic, Presence, Tuple};
use crate::sip::transaction::{
    ClientKey, Event, Output, Peer, ServerKey, Timers, TransactionLayer,
};
use crate::sip::{
    self, Dialog, DialogId, HeaderName, HostPort, Message, Method, NameAddr, Parsed, Request,
    Response, SipUri, StatusCode, SubscriptionReason, SubscriptionState, Uri,
};

/// Subscriptions at once.
const MAX_WATCHERS: usize = 2_048;
/// Lifetimes in seconds: the shortest accepted, and the longest granted.
const EXPIRES: (u32, u32) = (5, 3_600);
/// Longest document taken.
const MAX_DOCUMENT: usize = 16 * 1024;
/// The extension that plays the mailbox's messages.
const MAILBOX: &str = "602";

/// What the notifier wants done.
#[derive(Debug)]
pub(super) enum NotifierOutput {
    Transmit { to: Peer, bytes: Vec<u8> },
    Wait(Option<Instant>),
}

/// One subscription.
#[derive(Debug)]
struct Watcher {
    dialog: Dialog,
    event: sip::Event,
    user: String,
    way: Peer,
    expires_at: Instant,
    version: u64,
    /// The body that was told last, as the first document would have it.
    told: Vec<u8>,
    /// When what it watches changes by the clock.
    changes_at: Option<Instant>,
}

/// What an extension published.
#[derive(Debug)]
struct Published {
    tag: String,
    body: Vec<u8>,
    expires_at: Instant,
}

/// Who tells whom of what.
#[derive(Debug)]
pub(super) struct Notifier {
    layer: TransactionLayer,
    rng: ChaCha8Rng,
    address: SocketAddr,
    begun: Instant,
    watchers: Vec<Watcher>,
    published: BTreeMap<String, Published>,
    /// Whose NOTIFY each transaction carries.
    told: BTreeMap<ClientKey, DialogId>,
    outputs: VecDeque<NotifierOutput>,
    layer_deadline: Option<Instant>,
}

impl Notifier {
    pub(super) fn new(address: SocketAddr, seed: u64, now: Instant) -> Notifier {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Notifier {
            layer: TransactionLayer::new(Timers::default(), rng.next_u64()),
            rng,
            address,
            begun: now,
            watchers: Vec::new(),
            published: BTreeMap::new(),
            told: BTreeMap::new(),
            outputs: VecDeque::new(),
            layer_deadline: None,
        }
    }

    /// Whether a message is for it.
    pub(super) fn is_for(&self, message: &Message) -> bool {
        match message {
            Message::Request(request) => {
                matches!(request.method, Method::Subscribe | Method::Publish)
            }
            Message::Response(response) => {
                let call_id = response.headers.call_id().unwrap_or_default();
                self.told.values().any(|dialog| dialog.call_id == call_id)
            }
        }
    }

    pub(super) fn take(&mut self, now: Instant, parsed: Parsed, from: Peer) {
        self.layer.handle_message(now, Ok(parsed), from);
        self.drain(now);
    }

    pub(super) fn handle_transport_error(&mut self, now: Instant, to: Peer) {
        self.layer.handle_transport_error(now, to);
        self.drain(now);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.layer.handle_timeout(now);
        self.published.retain(|_, it| it.expires_at > now);
        for at in (0..self.watchers.len()).rev() {
            if self.watchers[at].expires_at <= now {
                self.end(now, at);
            } else {
                self.tell_news(now, at);
            }
        }
        self.drain(now);
    }

    pub(super) fn poll_output(&mut self) -> NotifierOutput {
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        let watchers = self.watchers.iter();
        let watchers = watchers.flat_map(|it| [Some(it.expires_at), it.changes_at]);
        let published = self.published.values().map(|it| Some(it.expires_at));
        let all = watchers.chain(published).chain([self.layer_deadline]);
        NotifierOutput::Wait(all.flatten().min())
    }

    fn drain(&mut self, now: Instant) {
        loop {
            match self.layer.poll_output() {
                Output::Transmit { to, bytes } => {
                    self.outputs
                        .push_back(NotifierOutput::Transmit { to, bytes });
                }
                Output::Event(Event::Request { key, request, from }) => {
                    let method = request.method.clone();
                    let (response, watcher) = if method == Method::Publish {
                        (self.publish(now, &request), None)
                    } else {
                        self.subscribe(now, &request, from)
                    };
                    self.respond(now, &key, response);
                    if let Some(at) = watcher {
                        self.tell(now, at);
                    }
                    if method == Method::Publish {
                        for at in 0..self.watchers.len() {
                            self.tell_news(now, at);
                        }
                    }
                }
                Output::Event(Event::Response { key, response, .. }) => {
                    let gone = !response.status.is_success() && response.status.is_final();
                    self.answered(&key, gone);
                }
                Output::Event(Event::Failed { key, .. }) => self.answered(&key, true),
                Output::Event(_) => {}
                Output::Wait(at) => {
                    self.layer_deadline = at;
                    return;
                }
            }
        }
    }

    fn respond(&mut self, now: Instant, key: &ServerKey, response: Response) {
        // The transaction can be over already: then nobody waits for the answer.
        let _ = self.layer.respond(now, key, response);
    }

    /// A NOTIFY has its answer, or will have none: who does not want it is told nothing more.
    fn answered(&mut self, key: &ClientKey, gone: bool) {
        if let Some(dialog) = self.told.remove(key)
            && gone
        {
            self.watchers
                .retain(|watcher| *watcher.dialog.id() != dialog);
        }
    }

    /// The answer to a SUBSCRIBE, and which watcher is to be told.
    fn subscribe(
        &mut self,
        now: Instant,
        request: &Request,
        from: Peer,
    ) -> (Response, Option<usize>) {
        let tag = format!("{:016x}", self.rng.next_u64());
        let refuse = |status| (request.response(status, Some(&tag)), None);
        let Ok(event) = request.headers.event() else {
            return refuse(StatusCode::BAD_REQUEST);
        };
        let (shortest, longest) = EXPIRES;
        let expires = request.headers.expires().unwrap_or(longest).min(longest);
        if expires > 0 && expires < shortest {
            let (mut response, _) = refuse(StatusCode::INTERVAL_TOO_BRIEF);
            let least = shortest.to_string();
            response.headers.push(HeaderName::MIN_EXPIRES, least);
            return (response, None);
        }
        let in_dialog = request.headers.to().is_ok_and(|to| to.tag().is_some());
        let at = if in_dialog {
            let id = DialogId::of_incoming(request);
            let known = self.watchers.iter().position(|watcher| {
                Some(watcher.dialog.id()) == id.as_ref() && watcher.event.matches(&event)
            });
            let Some(at) = known else {
                return refuse(StatusCode::CALL_DOES_NOT_EXIST);
            };
            if let Err(status) = self.watchers[at].dialog.check_incoming(request) {
                return refuse(status);
            }
            at
        } else {
            let user = request.uri.user_unescaped().unwrap_or_default();
            if !is_known(&user) {
                return refuse(StatusCode::NOT_FOUND);
            }
            let packages = [
                dialog_info::PACKAGE,
                pidf::PACKAGE,
                message_summary::PACKAGE,
            ];
            if !packages.contains(&event.package.as_str()) {
                let (mut response, _) = refuse(StatusCode::BAD_EVENT);
                let known = packages.join(", ");
                response.headers.push(HeaderName::ALLOW_EVENTS, known);
                return (response, None);
            }
            if self.watchers.len() >= MAX_WATCHERS {
                return refuse(StatusCode::SERVICE_UNAVAILABLE);
            }
            let Ok(dialog) = Dialog::from_uas(request, &tag, self.contact()) else {
                return refuse(StatusCode::BAD_REQUEST);
            };
            self.watchers.push(Watcher {
                dialog,
                event,
                user,
                way: from,
                expires_at: now,
                version: 0,
                told: Vec::new(),
                changes_at: None,
            });
            self.watchers.len() - 1
        };
        let watcher = &mut self.watchers[at];
        watcher.way = from;
        watcher.expires_at = now + Duration::from_secs(expires.into());
        let tag = watcher.dialog.id().local_tag.clone();
        let mut response = request.response(StatusCode::OK, Some(&tag));
        response
            .headers
            .push(HeaderName::EXPIRES, expires.to_string());
        response
            .headers
            .push(HeaderName::CONTACT, self.contact().to_string());
        (response, Some(at))
    }

    /// The answer to a PUBLISH: of one's own presence, as the front door has seen to.
    fn publish(&mut self, now: Instant, request: &Request) -> Response {
        let tag = format!("{:016x}", self.rng.next_u64());
        let refuse = |status| request.response(status, Some(&tag));
        let user = request.uri.user_unescaped().unwrap_or_default();
        let from = request.headers.from();
        if from.ok().and_then(|from| from.uri.user_unescaped()) != Some(user.clone()) {
            return refuse(StatusCode::FORBIDDEN);
        }
        if !EXTENSIONS.contains(&user.as_str()) {
            return refuse(StatusCode::NOT_FOUND);
        }
        let of_presence = request
            .headers
            .event()
            .is_ok_and(|event| event.package == pidf::PACKAGE);
        if !of_presence {
            return refuse(StatusCode::BAD_EVENT);
        }
        let named = request.headers.if_match().map(str::to_owned);
        let held = self
            .published
            .get(&user)
            .filter(|held| held.expires_at > now);
        if let Some(named) = named
            && held.is_none_or(|held| held.tag != named)
        {
            return refuse(StatusCode::CONDITIONAL_REQUEST_FAILED);
        }
        let body = match (request.body.is_empty(), held) {
            (true, Some(held)) => held.body.clone(),
            (false, _)
                if request.body.len() <= MAX_DOCUMENT && Presence::parse(&request.body).is_ok() =>
            {
                request.body.clone()
            }
            _ => return refuse(StatusCode::BAD_REQUEST),
        };
        let (_, longest) = EXPIRES;
        let expires = request.headers.expires().unwrap_or(longest).min(longest);
        let etag = format!("{:016x}", self.rng.next_u64());
        if expires == 0 {
            self.published.remove(&user);
        } else {
            let expires_at = now + Duration::from_secs(expires.into());
            self.published.insert(
                user,
                Published {
                    tag: etag.clone(),
                    body,
                    expires_at,
                },
            );
        }
        let mut response = refuse(StatusCode::OK);
        response
            .headers
            .push(HeaderName::EXPIRES, expires.to_string());
        response.headers.push(HeaderName::SIP_ETAG, etag);
        response
    }

    /// Tells a watcher that something changed, if it did.
    fn tell_news(&mut self, now: Instant, at: usize) {
        self.look_ahead(now, at);
        let body = self.body(now, &self.watchers[at], 0);
        if body != self.watchers[at].told {
            self.tell(now, at);
        }
    }

    /// Tells a watcher how it stands; one whose time is over for the last time.
    fn tell(&mut self, now: Instant, at: usize) {
        if self.watchers[at].expires_at <= now {
            return self.end(now, at);
        }
        self.look_ahead(now, at);
        let left = self.watchers[at].expires_at - now;
        let secs = u32::try_from(left.as_secs()).unwrap_or(u32::MAX);
        self.notify(now, at, &SubscriptionState::active(secs));
    }

    fn look_ahead(&mut self, now: Instant, at: usize) {
        let elapsed = now.saturating_duration_since(self.begun);
        let watcher = &mut self.watchers[at];
        let until = lamps::blink(&watcher.user, elapsed).map(|(.., until)| until);
        watcher.changes_at = until.map(|until| self.begun + until);
    }

    fn end(&mut self, now: Instant, at: usize) {
        let over = SubscriptionState::terminated(SubscriptionReason::Timeout);
        self.notify(now, at, &over);
        self.watchers.remove(at);
    }

    fn notify(&mut self, now: Instant, at: usize, state: &SubscriptionState) {
        let told = self.body(now, &self.watchers[at], 0);
        let body = self.body(now, &self.watchers[at], self.watchers[at].version);
        let watcher = &mut self.watchers[at];
        watcher.told = told;
        watcher.version += 1;
        let mut notify = watcher.dialog.request(Method::Notify);
        let event = watcher.event.to_string();
        notify.headers.push(HeaderName::EVENT, event);
        notify
            .headers
            .push(HeaderName::SUBSCRIPTION_STATE, state.to_string());
        let kind = match watcher.event.package.as_str() {
            dialog_info::PACKAGE => dialog_info::MEDIA_TYPE,
            pidf::PACKAGE => pidf::MEDIA_TYPE,
            _ => message_summary::MEDIA_TYPE,
        };
        notify.set_body(kind, body);
        let (way, id) = (watcher.way, watcher.dialog.id().clone());
        // One that cannot be sent is as one that gets lost.
        if let Ok(key) = self.layer.request(now, notify, way) {
            self.told.insert(key, id);
        }
    }

    /// What a watcher is to know, as its document number `version`.
    fn body(&self, now: Instant, watcher: &Watcher, version: u64) -> Vec<u8> {
        let user = watcher.user.as_str();
        let entity = format!("sip:{user}@{}", self.address);
        let elapsed = now.saturating_duration_since(self.begun);
        let blink = lamps::blink(user, elapsed);
        match watcher.event.package.as_str() {
            dialog_info::PACKAGE => {
                let domain = self.address.to_string();
                let dialogs =
                    blink.map(|(blink, turn, _)| lamps::dialogs(user, &domain, blink, turn));
                let document = Document {
                    entity: Some(entity),
                    version,
                    full: true,
                    dialogs: dialogs.unwrap_or_default(),
                };
                document.to_bytes()
            }
            pidf::PACKAGE => match (blink, self.published.get(user)) {
                (Some((blink, ..)), _) => {
                    let talks = (blink == Blink::Talks).then_some(Activity::OnThePhone);
                    presence(&entity, Basic::Open, talks)
                }
                (None, Some(published)) => published.body.clone(),
                (None, None) => presence(&entity, Basic::Closed, None),
            },
            _ => self.mailbox(user),
        }
    }

    fn mailbox(&self, user: &str) -> Vec<u8> {
        let (new, old) = if user == EXTENSIONS[0] {
            (2, 5)
        } else {
            (0, 0)
        };
        let counts = Counts {
            new,
            old,
            ..Counts::default()
        };
        let summary = MessageSummary {
            waiting: new > 0,
            account: Some(format!("sip:{MAILBOX}@{}", self.address)),
            counts: vec![(MessageClass::Voice, counts)],
        };
        summary.to_bytes()
    }

    fn contact(&self) -> NameAddr {
        let host = HostPort::from(self.address);
        NameAddr::new(Uri::Sip(SipUri::new(Some("notifier"), host)))
    }
}

fn is_known(user: &str) -> bool {
    EXTENSIONS.contains(&user) || lamps::blink(user, Duration::ZERO).is_some()
}

fn presence(entity: &str, basic: Basic, activity: Option<Activity>) -> Vec<u8> {
    let presence = Presence {
        entity: Some(entity.to_owned()),
        tuples: vec![Tuple {
            id: "lab".to_owned(),
            basic: Some(basic),
            contact: Some(entity.to_owned()),
            notes: Vec::new(),
        }],
        activities: activity.into_iter().collect(),
        notes: Vec::new(),
    };
    presence.to_bytes()
}
