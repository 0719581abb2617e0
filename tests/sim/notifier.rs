//! A PBX's presence server, of the world's own: it is asked by SUBSCRIBE and PUBLISH at the
//! registrar's address, and notifies.
//!
//! What it sends it sends again until it is answered; what it answered it answers again in the same
//! way. Bodies are given by the story, word by word.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ramal::sip::{
    Contacts, HeaderName, HostPort, Message, Method, Request, Response, StatusCode, Uri,
    parse_datagram,
};

use super::Datagram;
use super::digest::{Gate, Verdict};

const PATIENCE: Duration = Duration::from_secs(32);
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const BRANCH: &str = "z9hG4bKtell";

/// An answer in place of what it would do: status, and headers on top.
pub(crate) type Instead = Box<dyn FnMut(&Request) -> Option<(u16, Vec<(&'static str, String)>)>>;

/// One subscription.
pub(crate) struct Watcher {
    pub(crate) user: String,
    pub(crate) package: String,
    pub(crate) contact: String,
    pub(crate) until: Instant,
    call_id: String,
    theirs: String,
    ours: String,
    from: String,
    to: String,
    sequence: u32,
    version: u32,
}

/// One NOTIFY that nobody has answered.
struct Told {
    branch: String,
    datagram: Datagram,
    again_at: Instant,
    pause: Duration,
    give_up_at: Instant,
}

/// What somebody published.
pub(crate) struct Document {
    pub(crate) user: String,
    pub(crate) tag: String,
    pub(crate) body: String,
    pub(crate) until: Instant,
}

pub(crate) struct Notifier {
    pub(crate) addr: SocketAddr,
    pub(crate) gate: Option<Gate>,
    pub(crate) longest: u32,
    /// The NOTIFY goes before the answer.
    pub(crate) tells_first: bool,
    /// It accepts, and tells nothing.
    pub(crate) mute: bool,
    pub(crate) instead: Option<Instead>,
    pub(crate) watchers: Vec<Watcher>,
    pub(crate) documents: Vec<Document>,
    /// What is told of a user, by package; `VERSION` stands for the version.
    pub(crate) states: BTreeMap<(String, String), String>,
    /// What came, repetitions left out: when, the method and user, and whether with SIP-If-Match.
    pub(crate) asked: Vec<(Instant, Request)>,
    /// What each NOTIFY was answered with.
    pub(crate) answers: Vec<u16>,
    answered: BTreeMap<(String, String), (Instant, Vec<u8>)>,
    told: Vec<Told>,
    made: u32,
}

impl Notifier {
    pub(crate) fn new(addr: &str) -> Notifier {
        Notifier {
            addr: addr.parse().expect("an address"),
            gate: None,
            longest: 3600,
            tells_first: false,
            mute: false,
            instead: None,
            watchers: Vec::new(),
            documents: Vec::new(),
            states: BTreeMap::new(),
            asked: Vec::new(),
            answers: Vec::new(),
            answered: BTreeMap::new(),
            told: Vec::new(),
            made: 0,
        }
    }

    /// Whether a datagram at its address is for it; the registrar has the rest.
    pub(crate) fn is_for(&self, datagram: &Datagram) -> bool {
        let Ok(parsed) = parse_datagram(&datagram.bytes) else {
            return false;
        };
        datagram.to == self.addr
            && match parsed.message {
                Message::Request(request) => {
                    matches!(request.method, Method::Subscribe | Method::Publish)
                }
                Message::Response(response) => response
                    .headers
                    .top_via()
                    .is_ok_and(|via| via.branch().is_some_and(|it| it.starts_with(BRANCH))),
            }
    }

    /// When it has something to say again.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.told.iter().map(|told| told.again_at).min()
    }

    pub(crate) fn wake(&mut self, now: Instant) -> Vec<Datagram> {
        self.told.retain(|told| told.give_up_at > now);
        let mut out = Vec::new();
        for told in self.told.iter_mut().filter(|told| told.again_at <= now) {
            told.pause = (told.pause * 2).min(T2);
            told.again_at = now + told.pause;
            out.push(told.datagram.clone());
        }
        out
    }

    /// From now on this is told of a user.
    pub(crate) fn set(
        &mut self,
        now: Instant,
        user: &str,
        package: &str,
        body: &str,
    ) -> Vec<Datagram> {
        self.states
            .insert((user.to_owned(), package.to_owned()), body.to_owned());
        let concerned: Vec<usize> = (0..self.watchers.len())
            .filter(|at| {
                let watcher = &self.watchers[*at];
                watcher.user == user && watcher.package == package && watcher.until > now
            })
            .collect();
        let told = concerned.into_iter();
        told.map(|at| self.tell(now, at, "active")).collect()
    }

    /// Ends every subscription to a user, with these words.
    pub(crate) fn end(&mut self, now: Instant, user: &str, state: &str) -> Vec<Datagram> {
        let mut out = Vec::new();
        for at in 0..self.watchers.len() {
            if self.watchers[at].user == user && self.watchers[at].until > now {
                out.push(self.tell(now, at, state));
                self.watchers[at].until = now;
            }
        }
        out
    }

    /// Forgets all it knew.
    pub(crate) fn restart(&mut self) {
        self.watchers.clear();
        self.documents.clear();
        self.answered.clear();
        self.told.clear();
    }

    /// Whom somebody watches now, in order.
    pub(crate) fn watched(&self, now: Instant) -> Vec<&str> {
        let alive = self.watchers.iter().filter(|watcher| watcher.until > now);
        alive.map(|watcher| &*watcher.user).collect()
    }

    pub(crate) fn take(&mut self, now: Instant, datagram: &Datagram) -> Vec<Datagram> {
        self.answered.retain(|_, (at, _)| now - *at < PATIENCE);
        match parse_datagram(&datagram.bytes)
            .expect("it was read")
            .message
        {
            Message::Response(response) => {
                let via = response.headers.top_via().expect("our own");
                let branch = via.branch().expect("our own").to_owned();
                let before = self.told.len();
                self.told.retain(|told| told.branch != branch);
                if self.told.len() < before {
                    self.answers.push(response.status.code());
                    self.heed(now, &response);
                }
                Vec::new()
            }
            Message::Request(mut request) => {
                let mut via = request.headers.top_via().expect("a Via");
                via.note_source(datagram.from.ip(), datagram.from.port());
                request.headers.replace_top_via(&via);
                let branch = via.branch().expect("a branch").to_owned();
                let known = (branch, request.method.to_string());
                if let Some((_, bytes)) = self.answered.get(&known) {
                    return vec![self.datagram(datagram.from, bytes.clone())];
                }
                self.asked.push((now, request.clone()));
                let (response, told) = self.answer(now, &request);
                let bytes = response.to_bytes().expect("a message");
                self.answered.insert(known, (now, bytes.clone()));
                let answer = self.datagram(datagram.from, bytes);
                let told = told.map(|(at, state)| self.tell(now, at, &state));
                let mut out: Vec<Datagram> = std::iter::once(answer).chain(told).collect();
                if self.tells_first {
                    out.reverse();
                }
                out
            }
        }
    }

    /// Who answers that there is no subscription is told nothing more.
    fn heed(&mut self, now: Instant, response: &Response) {
        if matches!(response.status.code(), 481 | 489) {
            let call_id = response.headers.call_id().unwrap_or_default();
            for watcher in &mut self.watchers {
                if watcher.call_id == call_id {
                    watcher.until = watcher.until.min(now);
                }
            }
        }
    }

    fn answer(&mut self, now: Instant, request: &Request) -> (Response, Option<(usize, String)>) {
        if let Some(instead) = &mut self.instead
            && let Some((status, headers)) = instead(request)
        {
            let mut response = reply(request, status, "pbx");
            for (name, value) in headers {
                response.headers.push(name, value);
            }
            return (response, None);
        }
        if let Some(gate) = &mut self.gate {
            let user = request.headers.from().expect("a From");
            let user = user.uri.user_unescaped().unwrap_or_default();
            let values = request.headers.get_all(&HeaderName::AUTHORIZATION);
            let asked = (request.method.as_str(), &*request.uri.to_string());
            let verdict = gate.judge(now, values, asked, (&user, "ramal"));
            if verdict != Verdict::Right {
                let mut response = reply(request, 401, "pbx");
                let challenge = gate.challenge(now, verdict == Verdict::Stale);
                response.headers.push("WWW-Authenticate", challenge);
                return (response, None);
            }
        }
        if request.method == Method::Publish {
            return (self.publish(now, request), None);
        }
        self.subscribe(now, request)
    }

    fn subscribe(
        &mut self,
        now: Instant,
        request: &Request,
    ) -> (Response, Option<(usize, String)>) {
        let wished = request.headers.expires().unwrap_or(self.longest);
        let expires = wished.min(self.longest);
        let until = now + Duration::from_secs(expires.into());
        let to = request.headers.to().expect("a To");
        let from = request.headers.from().expect("a From");
        let call_id = request.headers.call_id().expect("a Call-ID").to_owned();
        let Ok(Contacts::List(contacts)) = request.headers.contacts() else {
            return (reply(request, 400, "pbx"), None);
        };
        let contact = contacts[0].uri.to_string();
        let at = match to.tag() {
            Some(tag) => {
                let known = self.watchers.iter().position(|watcher| {
                    watcher.call_id == call_id && watcher.ours == tag && watcher.until > now
                });
                match known {
                    Some(at) => at,
                    None => return (reply(request, 481, "pbx"), None),
                }
            }
            None => {
                self.made += 1;
                self.watchers.push(Watcher {
                    user: request.uri.user_unescaped().unwrap_or_default(),
                    package: request.headers.event().expect("an Event").package,
                    contact: contact.clone(),
                    until,
                    call_id,
                    theirs: from.tag().expect("a tag").to_owned(),
                    ours: format!("tell{}", self.made),
                    from: to.uri.to_string(),
                    to: from.uri.to_string(),
                    sequence: 0,
                    version: 0,
                });
                self.watchers.len() - 1
            }
        };
        let watcher = &mut self.watchers[at];
        watcher.until = until;
        watcher.contact = contact;
        let mut response = reply(request, 200, &watcher.ours);
        response.headers.push("Expires", expires.to_string());
        response
            .headers
            .push("Contact", format!("<sip:{}>", self.addr));
        let state = if expires == 0 {
            "terminated;reason=timeout".to_owned()
        } else {
            format!("active;expires={expires}")
        };
        (response, (!self.mute).then_some((at, state)))
    }

    fn publish(&mut self, now: Instant, request: &Request) -> Response {
        let expires = request.headers.expires().unwrap_or(self.longest);
        let until = now + Duration::from_secs(expires.into());
        let user = request.uri.user_unescaped().unwrap_or_default();
        self.documents.retain(|document| document.until > now);
        let body = String::from_utf8(request.body.clone()).expect("text");
        self.made += 1;
        let tag = format!("doc{}", self.made);
        match request.headers.get(&HeaderName::SIP_IF_MATCH) {
            Some(named) => {
                let known = self.documents.iter_mut().find(|it| it.tag == named);
                let Some(document) = known else {
                    return reply(request, 412, "pbx");
                };
                document.tag.clone_from(&tag);
                document.until = until;
                if !body.is_empty() {
                    document.body = body;
                }
            }
            None => self.documents.push(Document {
                user,
                tag: tag.clone(),
                body,
                until,
            }),
        }
        let mut response = reply(request, 200, "pbx");
        response.headers.push("Expires", expires.to_string());
        response.headers.push("SIP-ETag", tag);
        response
    }

    /// A NOTIFY to one of the watchers.
    fn tell(&mut self, now: Instant, at: usize, state: &str) -> Datagram {
        self.made += 1;
        let watcher = &mut self.watchers[at];
        watcher.sequence += 1;
        let key = (watcher.user.clone(), watcher.package.clone());
        let body = match self.states.get(&key) {
            Some(body) if !state.starts_with("terminated") => {
                let body = body.replace("VERSION", &watcher.version.to_string());
                watcher.version += 1;
                body
            }
            _ => String::new(),
        };
        let kind = match &*watcher.package {
            "dialog" => "application/dialog-info+xml",
            "presence" => "application/pidf+xml",
            _ => "application/simple-message-summary",
        };
        let kind = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Type: {kind}\r\n")
        };
        let Watcher {
            contact,
            theirs,
            ours,
            from,
            to,
            call_id,
            sequence,
            package,
            ..
        } = watcher;
        let branch = format!("{BRANCH}{}", self.made);
        let text = format!(
            "NOTIFY {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch}\r\n\
             Max-Forwards: 70\r\nFrom: <{from}>;tag={ours}\r\nTo: <{to}>;tag={theirs}\r\n\
             Call-ID: {call_id}\r\nCSeq: {sequence} NOTIFY\r\nContact: <sip:{}>\r\n\
             Event: {package}\r\nSubscription-State: {state}\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            self.addr,
            self.addr,
            body.len()
        );
        let target: Uri = contact.parse().expect("a URI");
        let host: &HostPort = &target.as_sip().expect("a SIP URI").host_port;
        let remote = SocketAddr::new(host.host.ip().expect("an address"), host.port_or(5060));
        let datagram = self.datagram(remote, text.into_bytes());
        self.told.push(Told {
            branch,
            datagram: datagram.clone(),
            again_at: now + T1,
            pause: T1,
            give_up_at: now + PATIENCE,
        });
        datagram
    }

    fn datagram(&self, to: SocketAddr, bytes: Vec<u8>) -> Datagram {
        Datagram {
            from: self.addr,
            to,
            bytes,
        }
    }
}

fn reply(request: &Request, status: u16, tag: &str) -> Response {
    let status = StatusCode::new(status).expect("a status");
    request.response(status, Some(tag))
}
