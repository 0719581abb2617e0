//! The lab's front door: registrar with digest, and a stateless proxy between its extensions.
//!
//! A registrar answers each REGISTER from what it holds, and a stateless proxy forwards each
//! request the same way when it comes again (RFC 3261 section 16.11), so neither needs
//! transactions. Everything else is for the services behind it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::service::{Manner, Service};
use super::{EXTENSIONS, PASSWORD};
use crate::redact::Secret;
use crate::sip::transaction::Peer;
use crate::sip::{
    Algorithm, Contacts, DigestServer, HeaderName, HostPort, Message, Method, NameAddr, Parsed,
    Request, Response, StatusCode, Uri, VerifyError, Via,
};

/// Bindings of one extension; the oldest gives way.
const MAX_BINDINGS: usize = 4;
/// Answers kept for requests that come again.
const MAX_ANSWERS: usize = 256;
/// How long a request may come again: 64·T1.
const PATIENCE: Duration = Duration::from_secs(32);
/// Lifetimes of a binding, in seconds: the shortest accepted, what is given without a wish, the
/// longest.
const EXPIRES: (u32, u32, u32) = (5, 300, 3600);
/// Marks the branches that this proxy made.
const BRANCH: &str = "z9hG4bKlab";

/// What becomes of a message.
#[derive(Debug)]
pub enum FrontOutput {
    /// Send this.
    Transmit {
        /// Where to.
        to: Peer,
        /// One whole message.
        bytes: Vec<u8>,
    },
    /// It is for the services.
    Pass(Box<Parsed>),
    /// It is for nobody.
    Drop,
}

/// Registrar and proxy.
#[derive(Debug)]
pub struct Front {
    digest: DigestServer,
    bindings: BTreeMap<String, Vec<Binding>>,
    answers: VecDeque<Answered>,
}

#[derive(Debug)]
struct Binding {
    contact: Uri,
    /// Where the REGISTER came from: the way back to the phone, whatever its Contact says.
    way: Peer,
    expires_at: Instant,
}

/// An answer that was given, in case its request comes again.
#[derive(Debug)]
struct Answered {
    branch: String,
    method: Method,
    to: Peer,
    bytes: Vec<u8>,
    forget_at: Instant,
}

impl Front {
    /// A registrar without bindings. `key` is fresh randomness.
    #[must_use]
    pub fn new(key: [u64; 2], now: Instant) -> Front {
        let algorithms = vec![Algorithm::Sha256, Algorithm::Md5];
        Front {
            digest: DigestServer::new("ramal", algorithms, key, now),
            bindings: BTreeMap::new(),
            answers: VecDeque::new(),
        }
    }

    /// Where an extension is registered; the newest binding first.
    #[must_use]
    pub fn registered(&self, now: Instant, extension: &str) -> Vec<(Uri, Peer)> {
        let bindings = self
            .bindings
            .get(extension)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let live = bindings.iter().filter(|binding| binding.expires_at > now);
        live.rev()
            .map(|binding| (binding.contact.clone(), binding.way))
            .collect()
    }

    /// Takes a message that was read.
    pub fn take(&mut self, now: Instant, parsed: Parsed, from: Peer) -> FrontOutput {
        match &parsed.message {
            Message::Request(request) => {
                if let Some(known) = self.answered_before(now, request) {
                    return known;
                }
                let mut request = request.clone();
                if stamp(&mut request, from).is_err() {
                    return FrontOutput::Pass(Box::new(parsed));
                }
                match self.judge(now, request, from) {
                    Some(output) => output,
                    None => FrontOutput::Pass(Box::new(parsed)),
                }
            }
            Message::Response(response) => match self.return_response(response.clone(), from) {
                Some(output) => output,
                None => FrontOutput::Pass(Box::new(parsed)),
            },
        }
    }

    /// `None`: for the services.
    fn judge(&mut self, now: Instant, request: Request, from: Peer) -> Option<FrontOutput> {
        if request.method == Method::Register {
            let response = self.register(now, &request, from);
            return Some(self.answer(now, &request, &response, from));
        }
        let in_dialog = request.headers.to().is_ok_and(|to| to.tag().is_some());
        let user = request.uri.user_unescaped().unwrap_or_default();
        let of_state = matches!(request.method, Method::Subscribe | Method::Publish);
        if (matches!(request.method, Method::Invite | Method::Message) || of_state)
            && !in_dialog
            && let Some(response) = self.challenge_caller(now, &request)
        {
            return Some(self.answer(now, &request, &response, from));
        }
        if of_state {
            return None;
        }
        if !EXTENSIONS.contains(&user.as_str()) {
            let status = refusal(&request, &user).filter(|_| !in_dialog)?;
            let response = request.response(status, Some(&tag_of(&request)));
            return Some(self.answer(now, &request, &response, from));
        }
        let way = self.registered(now, &user).into_iter().next();
        let Some((contact, way)) = way else {
            if request.method == Method::Ack {
                return Some(FrontOutput::Drop);
            }
            let tag = tag_of(&request);
            let status = StatusCode::TEMPORARILY_UNAVAILABLE;
            let response = request.response(status, Some(&tag));
            return Some(self.answer(now, &request, &response, from));
        };
        Some(self.forward(now, request, contact, way, from))
    }

    fn register(&mut self, now: Instant, request: &Request, from: Peer) -> Response {
        let tag = tag_of(request);
        let reply = |status| request.response(status, Some(&tag));
        let user = match self.verify(now, request, &HeaderName::AUTHORIZATION) {
            Ok(user) => user,
            Err(refusal) => {
                let mut response = reply(StatusCode::UNAUTHORIZED);
                let stale = matches!(refusal, VerifyError::Stale);
                for challenge in self.digest.challenges(now, stale) {
                    response
                        .headers
                        .push(HeaderName::WWW_AUTHENTICATE, challenge);
                }
                return response;
            }
        };
        let extension = request
            .headers
            .to()
            .ok()
            .and_then(|to| to.uri.user_unescaped());
        if extension.as_deref() != Some(user.as_str()) {
            return reply(StatusCode::FORBIDDEN);
        }
        let contacts = if request.headers.has(&HeaderName::CONTACT) {
            match request.headers.contacts() {
                Ok(contacts) => contacts,
                Err(_) => return reply(StatusCode::BAD_REQUEST),
            }
        } else {
            Contacts::List(Vec::new())
        };
        let (shortest, usual, longest) = EXPIRES;
        let wished = request.headers.expires();
        let bindings = self.bindings.entry(user).or_default();
        bindings.retain(|binding| binding.expires_at > now);
        match contacts {
            Contacts::Star if wished == Some(0) => bindings.clear(),
            Contacts::Star => return reply(StatusCode::BAD_REQUEST),
            Contacts::List(list) => {
                for contact in list {
                    let expires = contact.expires().or(wished).unwrap_or(usual).min(longest);
                    if expires > 0 && expires < shortest {
                        let mut response = reply(StatusCode::INTERVAL_TOO_BRIEF);
                        response
                            .headers
                            .push(HeaderName::MIN_EXPIRES, shortest.to_string());
                        return response;
                    }
                    bindings.retain(|binding| !binding.contact.equivalent(&contact.uri));
                    if expires > 0 {
                        let expires_at = now + Duration::from_secs(u64::from(expires));
                        bindings.push(Binding {
                            contact: contact.uri,
                            way: from,
                            expires_at,
                        });
                    }
                }
                let surplus = bindings.len().saturating_sub(MAX_BINDINGS);
                bindings.drain(..surplus);
            }
        }
        let mut response = reply(StatusCode::OK);
        for binding in bindings.iter() {
            let left = binding.expires_at.saturating_duration_since(now).as_secs();
            let mut contact = NameAddr::new(binding.contact.clone());
            contact.params.set("expires", Some(&left.to_string()));
            response
                .headers
                .push(HeaderName::CONTACT, contact.to_string());
        }
        response
    }

    /// Callers who say they are of the lab prove it; strangers may call the services.
    fn challenge_caller(&mut self, now: Instant, request: &Request) -> Option<Response> {
        let caller = request.headers.from().ok()?.uri.user_unescaped()?;
        if !EXTENSIONS.contains(&caller.as_str()) {
            return None;
        }
        let verified = self.verify(now, request, &HeaderName::PROXY_AUTHORIZATION);
        let stale = match verified {
            Ok(user) if user == caller => return None,
            Ok(_) => false,
            Err(refusal) => matches!(refusal, VerifyError::Stale),
        };
        let tag = tag_of(request);
        let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let mut response = request.response(status, Some(&tag));
        for challenge in self.digest.challenges(now, stale) {
            response
                .headers
                .push(HeaderName::PROXY_AUTHENTICATE, challenge);
        }
        Some(response)
    }

    fn verify(
        &mut self,
        now: Instant,
        request: &Request,
        header: &HeaderName,
    ) -> Result<String, VerifyError> {
        self.digest.verify(now, request, header, |user| {
            EXTENSIONS.contains(&user).then(|| Secret::from(PASSWORD))
        })
    }

    fn forward(
        &mut self,
        now: Instant,
        mut request: Request,
        contact: Uri,
        way: Peer,
        from: Peer,
    ) -> FrontOutput {
        let hops = request.headers.max_forwards().ok().flatten().unwrap_or(70);
        if hops == 0 {
            let tag = tag_of(&request);
            let response = request.response(StatusCode::TOO_MANY_HOPS, Some(&tag));
            return self.answer(now, &request, &response, from);
        }
        // The same for each repetition, and for the CANCEL and ACK of an INVITE.
        let branch = match request
            .headers
            .top_via()
            .ok()
            .and_then(|via| via.branch().map(|branch| format!("{BRANCH}{branch}")))
        {
            Some(branch) => branch,
            None => return FrontOutput::Drop,
        };
        request
            .headers
            .set(HeaderName::MAX_FORWARDS, (hops - 1).to_string());
        request.headers.remove(&HeaderName::PROXY_AUTHORIZATION);
        request.uri = contact;
        let via = Via::new(way.transport, HostPort::from(way.local), &branch);
        request.headers.push_top_via(&via);
        match request.to_bytes() {
            Ok(bytes) => FrontOutput::Transmit { to: way, bytes },
            Err(_) => FrontOutput::Drop,
        }
    }

    /// A response to what this proxy forwarded goes back the way its request came. `None`: it is
    /// for the services.
    fn return_response(&self, mut response: Response, from: Peer) -> Option<FrontOutput> {
        let ours = response.headers.top_via().ok()?;
        if !ours
            .branch()
            .is_some_and(|branch| branch.starts_with(BRANCH))
        {
            return None;
        }
        response.headers.pop_top_via().ok()?;
        let back = response.headers.top_via().ok()?;
        let transport = back.transport.known()?;
        let (host, port) = back.response_target();
        let remote = std::net::SocketAddr::new(host.ip()?, port);
        let to = Peer {
            transport,
            remote,
            local: from.local,
            connection: None,
        };
        let bytes = response.to_bytes().ok()?;
        Some(FrontOutput::Transmit { to, bytes })
    }

    fn answer(
        &mut self,
        now: Instant,
        request: &Request,
        response: &Response,
        from: Peer,
    ) -> FrontOutput {
        let Ok(bytes) = response.to_bytes() else {
            return FrontOutput::Drop;
        };
        if let Some(branch) = branch_of(request) {
            if self.answers.len() >= MAX_ANSWERS {
                self.answers.pop_front();
            }
            self.answers.push_back(Answered {
                branch,
                method: request.method.clone(),
                to: from,
                bytes: bytes.clone(),
                forget_at: now + PATIENCE,
            });
        }
        FrontOutput::Transmit { to: from, bytes }
    }

    fn answered_before(&mut self, now: Instant, request: &Request) -> Option<FrontOutput> {
        self.answers.retain(|answered| answered.forget_at > now);
        let branch = branch_of(request)?;
        let known = self
            .answers
            .iter()
            .find(|answered| answered.branch == branch)?;
        // The ACK to a final answer of ours ends there.
        if request.method == Method::Ack && known.method == Method::Invite {
            return Some(FrontOutput::Drop);
        }
        (known.method == request.method).then(|| FrontOutput::Transmit {
            to: known.to,
            bytes: known.bytes.clone(),
        })
    }
}

/// What a new call to this extension is refused with before anything rings.
fn refusal(request: &Request, user: &str) -> Option<StatusCode> {
    let service = Service::at(user);
    if request.method == Method::Message && service.is_none() {
        return Some(StatusCode::NOT_FOUND);
    }
    if request.method != Method::Invite {
        return None;
    }
    match service.map(Service::manner) {
        Some(Manner::Answers | Manner::Rings) => None,
        Some(Manner::Refuses(status)) => StatusCode::new(status),
        None => Some(StatusCode::NOT_FOUND),
    }
}

fn branch_of(request: &Request) -> Option<String> {
    request.headers.top_via().ok()?.branch().map(str::to_owned)
}

/// A To tag that is the same when the request comes again.
fn tag_of(request: &Request) -> String {
    let call = request.headers.call_id().unwrap_or_default();
    let sum = call.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("lab{sum:016x}")
}

/// Notes in the top Via where the request came from (RFC 3581 section 4).
fn stamp(request: &mut Request, from: Peer) -> Result<(), crate::sip::HeaderError> {
    let mut via = request.headers.top_via()?;
    via.note_source(from.remote.ip(), from.remote.port());
    request.headers.replace_top_via(&via);
    Ok(())
}

#[cfg(test)]
mod tests;
