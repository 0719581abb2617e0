//! A registrar and proxy as PBXs have them, of the world's own.
//!
//! It challenges, binds, forwards along its bindings and stays on the way of each dialog. It is
//! stateless as a proxy (RFC 3261 section 16.11); what it answers itself it answers again in the
//! same way for 64·T1. It notes every binding with its beginning and end, so that a story can ask
//! when a phone could not have been reached.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ramal::nat::stun::binding;
use ramal::sip::{
    Contacts, HeaderName, HostPort, Message, Method, NameAddr, Request, Response, StatusCode,
    Transport, Uri, Via, parse_datagram,
};

use super::Datagram;
use super::digest::{Gate, Verdict};

/// How long a request may come again.
const PATIENCE: Duration = Duration::from_secs(32);

/// An answer in place of what the registrar would do: status, and headers on top.
pub(crate) type Instead = Box<dyn FnMut(&Request) -> Option<(u16, Vec<(&'static str, String)>)>>;

/// A time during which a phone could be reached.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) user: String,
    pub(crate) contact: String,
    pub(crate) from: Instant,
    pub(crate) until: Instant,
}

pub(crate) struct Registrar {
    pub(crate) addr: SocketAddr,
    /// The domain that it answers for, beside its own address.
    pub(crate) domain: &'static str,
    pub(crate) passwords: BTreeMap<String, String>,
    pub(crate) gate: Gate,
    /// The shortest lifetime that it takes, and the longest that it grants.
    pub(crate) expires: (u32, u32),
    /// The challenge for new calls: 401, 407 or none.
    pub(crate) calls_ask: Option<u16>,
    /// The same for messages.
    pub(crate) messages_ask: Option<u16>,
    /// It keeps to RFC 5626: agrees to flows, and answers what keeps them open.
    pub(crate) outbound: bool,
    /// Hears nothing and says nothing.
    pub(crate) away: bool,
    pub(crate) instead: Option<Instead>,
    /// Every time of being bound, oldest first; those of today may end later than now.
    pub(crate) held: Vec<Held>,
    /// When each REGISTER came that was no repetition, and its lifetime.
    pub(crate) registers: Vec<(Instant, Option<u32>)>,
    /// What was answered to whom, by branch and method.
    answered: BTreeMap<(String, String), (Instant, Vec<u8>)>,
    /// INVITEs let through: their credentials are not looked at twice.
    let_through: BTreeMap<String, Instant>,
}

impl Registrar {
    pub(crate) fn new(addr: &str, domain: &'static str) -> Registrar {
        let users = ["1001", "1002", "1003"].map(|user| (user.to_owned(), "ramal".to_owned()));
        Registrar {
            addr: addr.parse().expect("an address"),
            domain,
            passwords: BTreeMap::from(users),
            gate: Gate::new(domain),
            expires: (60, 300),
            calls_ask: None,
            messages_ask: None,
            outbound: false,
            away: false,
            instead: None,
            held: Vec::new(),
            registers: Vec::new(),
            answered: BTreeMap::new(),
            let_through: BTreeMap::new(),
        }
    }

    /// Starts anew: no binding, no nonce, no memory of what was said.
    pub(crate) fn restart(&mut self, now: Instant) {
        for held in &mut self.held {
            held.until = held.until.min(now);
        }
        self.gate.forget();
        self.answered.clear();
        self.let_through.clear();
    }

    /// Where a user is bound now, newest first.
    pub(crate) fn bound(&self, now: Instant, user: &str) -> Vec<&str> {
        let held = self.held.iter().rev();
        held.filter(|held| held.user == user && held.from <= now && held.until > now)
            .map(|held| held.contact.as_str())
            .collect()
    }

    /// The times between `from` and `to` at which a user was bound nowhere.
    pub(crate) fn gaps(&self, user: &str, from: Instant, to: Instant) -> Vec<(Instant, Duration)> {
        let mut gaps = Vec::new();
        let mut covered = from;
        // Bindings are noted as they come, so their beginnings are in order.
        for held in self.held.iter().filter(|held| held.user == user) {
            if held.from > covered {
                gaps.push((covered, held.from.min(to) - covered));
            }
            covered = covered.max(held.until);
        }
        if covered < to {
            gaps.push((covered, to - covered));
        }
        gaps.retain(|(at, span)| *at < to && !span.is_zero());
        gaps
    }

    /// Takes a datagram; what it sends for it.
    pub(crate) fn take(&mut self, now: Instant, datagram: &Datagram) -> Option<Datagram> {
        if self.away {
            return None;
        }
        match datagram.bytes.first() {
            Some(0..=3) if self.outbound => {
                let answer = binding::answer(&datagram.bytes, datagram.from).ok()??;
                return Some(self.datagram(datagram.from, answer));
            }
            Some(b'\r') if self.outbound && datagram.bytes == b"\r\n\r\n" => {
                return Some(self.datagram(datagram.from, b"\r\n".to_vec()));
            }
            _ => {}
        }
        let forget = |at: &Instant| now - *at < PATIENCE;
        self.answered.retain(|_, (at, _)| forget(at));
        self.let_through.retain(|_, at| forget(at));
        match parse_datagram(&datagram.bytes).ok()?.message {
            Message::Request(request) => self.take_request(now, request, datagram.from),
            Message::Response(response) => self.hand_back(response),
        }
    }

    fn take_request(
        &mut self,
        now: Instant,
        mut request: Request,
        from: SocketAddr,
    ) -> Option<Datagram> {
        let mut via = request.headers.top_via().ok()?;
        let branch = via.branch()?.to_owned();
        via.note_source(from.ip(), from.port());
        request.headers.replace_top_via(&via);
        let known = (branch.clone(), request.method.to_string());
        if let Some((_, bytes)) = self.answered.get(&known) {
            return Some(self.datagram(from, bytes.clone()));
        }
        let to_invite = (branch.clone(), Method::Invite.to_string());
        if request.method == Method::Ack && self.answered.contains_key(&to_invite) {
            return None; // it acknowledges our own refusal
        }
        match self.answer(now, &request, &branch) {
            Some(response) => {
                let bytes = response.to_bytes().expect("a message");
                self.answered.insert(known, (now, bytes.clone()));
                Some(self.datagram(from, bytes))
            }
            None => self.forward(now, request, &branch),
        }
    }

    /// What it answers itself; `None`: the request goes on.
    fn answer(&mut self, now: Instant, request: &Request, branch: &str) -> Option<Response> {
        if let Some(instead) = &mut self.instead
            && let Some((status, headers)) = instead(request)
        {
            let mut response = reply(request, status);
            for (name, value) in headers {
                response.headers.push(name, value);
            }
            return Some(response);
        }
        if request.method == Method::Register {
            return Some(self.register(now, request));
        }
        if request.method == Method::Ack {
            return None;
        }
        if request.headers.max_forwards() == Ok(Some(0)) {
            return Some(reply(request, 483));
        }
        let in_dialog = request.headers.to().is_ok_and(|to| to.tag().is_some());
        if request.method == Method::Invite && !in_dialog {
            if let Some(status) = self.calls_ask
                && !self.let_through.contains_key(branch)
                && let Some(refused) = self.challenge(now, request, status)
            {
                return Some(refused);
            }
            self.let_through.insert(branch.to_owned(), now);
        }
        if request.method == Method::Message
            && !in_dialog
            && let Some(status) = self.messages_ask
            && !self.let_through.contains_key(branch)
        {
            if let Some(refused) = self.challenge(now, request, status) {
                return Some(refused);
            }
            self.let_through.insert(branch.to_owned(), now);
        }
        let user = self.user_here(&request.uri)?;
        self.bound(now, &user)
            .is_empty()
            .then(|| reply(request, 480))
    }

    /// The user that a URI names at this registrar.
    fn user_here(&self, uri: &Uri) -> Option<String> {
        let sip = uri.as_sip()?;
        let host = sip.host_port.host.to_string();
        let here = host == self.domain || host == self.addr.ip().to_string();
        here.then(|| sip.user_unescaped()).flatten()
    }

    /// `None` when the credentials are right.
    fn challenge(&mut self, now: Instant, request: &Request, status: u16) -> Option<Response> {
        let (theirs, ours) = match status {
            407 => ("Proxy-Authorization", "Proxy-Authenticate"),
            _ => ("Authorization", "WWW-Authenticate"),
        };
        let user = request.headers.from().ok()?.uri.user_unescaped()?;
        let password = self.passwords.get(&user).cloned().unwrap_or_default();
        let name = HeaderName::from(theirs);
        let values = request.headers.get_all(&name);
        let asked = (request.method.as_str(), &*request.uri.to_string());
        let verdict = self.gate.judge(now, values, asked, (&user, &password));
        if verdict == Verdict::Right {
            return None;
        }
        let mut response = reply(request, status);
        let stale = verdict == Verdict::Stale;
        response.headers.push(ours, self.gate.challenge(now, stale));
        Some(response)
    }

    fn register(&mut self, now: Instant, request: &Request) -> Response {
        let wished = request.headers.expires();
        self.registers.push((now, wished));
        if let Some(refused) = self.challenge(now, request, 401) {
            return refused;
        }
        let user = request
            .headers
            .to()
            .ok()
            .and_then(|to| to.uri.user_unescaped());
        let (Some(user), Ok(Contacts::List(contacts))) = (user, request.headers.contacts()) else {
            return reply(request, 400);
        };
        let (shortest, longest) = self.expires;
        let mut response = reply(request, 200);
        if self.outbound {
            response.headers.push("Require", "outbound");
        }
        for contact in contacts {
            let expires = contact.expires().or(wished).unwrap_or(longest).min(longest);
            if expires > 0 && expires < shortest {
                let mut response = reply(request, 423);
                response.headers.push("Min-Expires", shortest.to_string());
                return response;
            }
            let uri = contact.uri.to_string();
            let same = |held: &&mut Held| held.user == user && held.contact == uri;
            for held in self.held.iter_mut().filter(same) {
                held.until = held.until.min(now);
            }
            if expires > 0 {
                let until = now + Duration::from_secs(expires.into());
                response
                    .headers
                    .push("Contact", format!("<{uri}>;expires={expires}"));
                self.held.push(Held {
                    user: user.clone(),
                    contact: uri,
                    from: now,
                    until,
                });
            }
        }
        response
    }

    /// Sends a request on: along its Route, else to where its user is bound, else to its URI.
    fn forward(&mut self, now: Instant, mut request: Request, branch: &str) -> Option<Datagram> {
        let hops = request.headers.max_forwards().ok().flatten().unwrap_or(70);
        let hops = hops.checked_sub(1)?;
        request
            .headers
            .set(HeaderName::MAX_FORWARDS, hops.to_string());
        let mut routes = request.headers.routes().ok()?;
        if routes.first().is_some_and(|route| self.is_me(&route.uri)) {
            routes.remove(0);
            request.headers.remove(&HeaderName::ROUTE);
            for route in &routes {
                request.headers.push(HeaderName::ROUTE, route.to_string());
            }
        }
        if let Some(user) = self.user_here(&request.uri) {
            let contact = self.bound(now, &user).first()?.parse().expect("a URI");
            request.uri = contact;
        }
        let hop = routes
            .first()
            .map_or(&request.uri, |route| &route.uri)
            .as_sip()?
            .host_port
            .clone();
        let to = SocketAddr::new(hop.host.ip()?, hop.port_or(5060));
        if request.method == Method::Invite {
            request
                .headers
                .push_front("Record-Route", format!("<sip:{};lr>", self.addr));
        }
        // The same for each repetition, and for the CANCEL and ACK of an INVITE.
        let branch = format!("{branch}-pbx");
        let via = Via::new(Transport::Udp, HostPort::from(self.addr), &branch);
        request.headers.push_top_via(&via);
        Some(self.datagram(to, request.to_bytes().expect("a message")))
    }

    fn is_me(&self, uri: &Uri) -> bool {
        uri.as_sip().is_some_and(|sip| {
            sip.host_port.host.ip() == Some(self.addr.ip())
                && sip.host_port.port_or(5060) == self.addr.port()
        })
    }

    /// A response goes back the way its request came.
    fn hand_back(&self, mut response: Response) -> Option<Datagram> {
        let ours = response.headers.pop_top_via().ok()?;
        if !ours.branch()?.ends_with("-pbx") {
            return None;
        }
        let (host, port) = response.headers.top_via().ok()?.response_target();
        let to = SocketAddr::new(host.ip()?, port);
        Some(self.datagram(to, response.to_bytes().expect("a message")))
    }

    fn datagram(&self, to: SocketAddr, bytes: Vec<u8>) -> Datagram {
        Datagram {
            from: self.addr,
            to,
            bytes,
        }
    }
}

fn reply(request: &Request, status: u16) -> Response {
    let status = StatusCode::new(status).expect("a status");
    request.response(status, Some("pbx"))
}

/// A Contact header of a redirection.
pub(crate) fn contact(uri: &str) -> (&'static str, String) {
    let uri: Uri = uri.parse().expect("a URI");
    ("Contact", NameAddr::new(uri).to_string())
}
