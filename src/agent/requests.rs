//! What our requests and answers have in common.

use super::{Agent, AgentConfig, Party};
use crate::sip::transaction::Peer;
use crate::sip::{
    HeaderName, Headers, HostPort, Method, NameAddr, Request, Response, SipUri, StatusCode,
    Transport, Uri,
};

/// Methods we answer, in the order of `Allow`.
pub(super) const ALLOWED: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS";
/// Methods that exist and are not ours: 405, where an unknown one is 501.
pub(super) const KNOWN_NOT_ALLOWED: [Method; 7] = [
    Method::Register,
    Method::Info,
    Method::Prack,
    Method::Update,
    Method::Message,
    Method::Refer,
    Method::Publish,
];
/// Body types we read.
pub(super) const ACCEPTED: &str = "application/sdp";
/// Option tags we support: an edge proxy may put itself on the way to us (RFC 3327).
pub(super) const SUPPORTED: [&str; 1] = ["path"];

/// `Max-Forwards` of a request of ours (RFC 3261 section 8.1.1.6).
const MAX_FORWARDS: &str = "70";

/// A request outside any dialog, without Via and Contact.
pub(super) struct Opening<'a> {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) from: NameAddr,
    pub(super) to: NameAddr,
    pub(super) call_id: &'a str,
    pub(super) sequence: u32,
}

impl Opening<'_> {
    pub(super) fn request(self, config: &AgentConfig) -> Request {
        let mut request = Request::new(self.method.clone(), self.uri);
        let headers = &mut request.headers;
        headers.push(HeaderName::MAX_FORWARDS, MAX_FORWARDS);
        headers.push(HeaderName::FROM, self.from.to_string());
        headers.push(HeaderName::TO, self.to.to_string());
        headers.push(HeaderName::CALL_ID, self.call_id);
        headers.push(
            HeaderName::CSEQ,
            format!("{} {}", self.sequence, self.method.as_str()),
        );
        headers.push(HeaderName::USER_AGENT, config.user_agent.as_str());
        request
    }
}

/// Adds what says who we are and what we can, to an INVITE or the answer to one.
pub(super) fn present(headers: &mut Headers, contact: &NameAddr) {
    headers.set(HeaderName::CONTACT, contact.to_string());
    headers.set(HeaderName::ALLOW, ALLOWED);
    headers.set(HeaderName::SUPPORTED, SUPPORTED.join(", "));
}

/// The address under which we are reached over this way.
pub(super) fn contact(user: &str, way: &Peer) -> NameAddr {
    let host_port = HostPort::from(way.local);
    let mut uri = SipUri::new(Some(user), host_port);
    match way.transport {
        Transport::Udp => {}
        Transport::Tcp | Transport::Ws => {
            uri.params.set("transport", Some(way.transport.as_param()));
        }
        Transport::Tls | Transport::Wss => {
            uri.secure = true;
            uri.params.set("transport", Some(way.transport.as_param()));
        }
    }
    NameAddr::new(Uri::Sip(uri))
}

/// The other end as it presents itself, cut to what a face can show safely.
pub(super) fn party(name_addr: &NameAddr) -> Party {
    let clean = |text: &str| -> Option<String> {
        let text: String = text.chars().filter(|c| !is_hidden(*c)).take(128).collect();
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    Party {
        display_name: name_addr.display_name.as_deref().and_then(clean),
        user: name_addr.uri.user_unescaped().as_deref().and_then(clean),
        uri: name_addr.uri.to_string().chars().take(512).collect(),
    }
}

/// Control characters, and those that turn the direction of text and so disguise a name.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Puts these credentials in the place of those that were there.
pub(super) fn set_credentials(headers: &mut Headers, credentials: Vec<(HeaderName, String)>) {
    for name in [HeaderName::AUTHORIZATION, HeaderName::PROXY_AUTHORIZATION] {
        if credentials.iter().any(|(theirs, _)| *theirs == name) {
            headers.remove(&name);
        }
    }
    for (name, value) in credentials {
        headers.push(name, value);
    }
}

impl Agent {
    /// An answer with the headers that all of ours have.
    pub(super) fn reply(
        &self,
        request: &Request,
        status: StatusCode,
        tag: Option<&str>,
    ) -> Response {
        let mut response = request.response(status, tag);
        response
            .headers
            .push(HeaderName::SERVER, self.config.user_agent.as_str());
        if status == StatusCode::METHOD_NOT_ALLOWED || status == StatusCode::NOT_IMPLEMENTED {
            response.headers.push(HeaderName::ALLOW, ALLOWED);
        }
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            response.headers.push(HeaderName::ACCEPT, ACCEPTED);
        }
        response
    }
}
