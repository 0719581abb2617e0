//! What our requests and answers have in common.

use super::call::Setup;
use super::{Agent, AgentConfig, Party, messaging};
use crate::sip::transaction::Peer;
use crate::sip::{
    HeaderName, Headers, Host, HostPort, Method, NameAddr, RELIABLE, Request, Response, SipUri,
    StatusCode, TIMER, Transport, Uri,
};

/// Methods we answer, in the order of `Allow`. Without blanks: an INVITE has to fit a datagram.
pub(super) const ALLOWED: &str =
    "INVITE,ACK,BYE,CANCEL,OPTIONS,PRACK,UPDATE,REFER,NOTIFY,INFO,MESSAGE";
/// Event packages we understand. In an INVITE they would cost a datagram's room and help nobody.
pub(super) const ALLOWED_EVENTS: &str = "refer, dialog, message-summary, presence";
/// Methods that exist and are not ours: 405, where an unknown one is 501.
pub(super) const KNOWN_NOT_ALLOWED: [Method; 2] = [Method::Register, Method::Publish];
/// Body types we read in calls.
pub(super) const ACCEPTED: &str = "application/sdp";
/// Option tags we support: an edge proxy may put itself on the way to us (RFC 3327), a call may take
/// another's place (RFC 3891), who hands a call over may not care how it goes (RFC 4488),
/// provisional responses may be reliable (RFC 3262), and sessions may expire (RFC 4028).
pub(super) const SUPPORTED: [&str; 5] = ["path", REPLACES, "norefersub", RELIABLE, TIMER];
/// That of RFC 3891.
pub(super) const REPLACES: &str = "replaces";

/// Those that concern a call, as its INVITE and the answer to it say them.
const SUPPORTED_IN_CALLS: &str = "replaces,100rel,timer";

/// The host of addresses that are nobody's (RFC 3323 section 4.1.1.3).
const NOBODYS_HOST: &str = "anonymous.invalid";

/// The user part of our Contact where the far side is not to know who we are.
pub(super) const NOBODY: &str = "anonymous";

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
    headers.set(HeaderName::SUPPORTED, SUPPORTED_IN_CALLS);
}

/// Asks in a first INVITE for the session to end if nobody refreshes it (RFC 4028 section 7.1).
pub(super) fn ask_for_session(headers: &mut Headers, setup: &Setup) {
    let Some(interval) = setup.interval else {
        return;
    };
    headers.set(HeaderName::SESSION_EXPIRES, interval.as_secs().to_string());
    if let Some(least) = setup.least_interval {
        headers.set(HeaderName::MIN_SE, least.as_secs().to_string());
    }
}

/// Whether the sender of these takes requests with this method; `None` where it does not say.
pub(super) fn allows(headers: &Headers, method: &Method) -> Option<bool> {
    headers.get(&HeaderName::ALLOW)?;
    let allowed = headers.tokens(&HeaderName::ALLOW);
    Some(allowed.iter().any(|name| name == method.as_str()))
}

/// Whether the sender of these supports this extension.
pub(super) fn supports(headers: &Headers, option: &str) -> bool {
    let supported = headers.tokens(&HeaderName::SUPPORTED);
    supported.iter().any(|tag| tag.eq_ignore_ascii_case(option))
}

/// The address under which we are reached over this way. It is a `sip:` one over TLS too: what was
/// not asked for by `sips:` is none (RFC 5630 section 4).
pub(super) fn contact(user: &str, way: &Peer) -> NameAddr {
    let host_port = HostPort::from(way.local);
    let mut uri = SipUri::new(Some(user), host_port);
    match way.transport {
        Transport::Udp => {}
        Transport::Tcp | Transport::Tls => {
            uri.params.set("transport", Some(way.transport.as_param()));
        }
        // RFC 7118 section 5.2: one name for both.
        Transport::Ws | Transport::Wss => {
            uri.params.set("transport", Some(Transport::Ws.as_param()));
        }
    }
    NameAddr::new(Uri::Sip(uri))
}

/// The address under which an account is reached over this way, by `sips:` where that is how it is
/// called.
pub(super) fn binding_contact(user: &str, sips: bool, way: &Peer) -> NameAddr {
    let contact = contact(user, way);
    if sips { secured(contact, way) } else { contact }
}

/// The same as a `sips:` address, for whoever was asked for by one (RFC 3261 section 8.1.1.8). Over
/// a way that is not secure it stays what it is: the promise would not hold.
pub(super) fn secured(mut contact: NameAddr, way: &Peer) -> NameAddr {
    if way.transport.is_secure()
        && let Uri::Sip(uri) = &mut contact.uri
    {
        uri.secure = true;
        if way.transport == Transport::Tls {
            // RFC 5630 section 3.1.4: it says nothing that the scheme does not.
            uri.params.remove("transport");
        }
    }
    contact
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

/// Whoever does not say who they are (RFC 3323 section 4.1.1.3).
pub(super) fn anonymous_party() -> Party {
    Party {
        uri: format!("sip:anonymous@{NOBODYS_HOST}"),
        ..Party::default()
    }
}

/// Whether this address says that its owner does not want to be known.
pub(super) fn is_anonymous(uri: &Uri) -> bool {
    let user = uri.user_unescaped();
    let named = user.is_some_and(|user| user.eq_ignore_ascii_case("anonymous"));
    let host = uri.as_sip().map(|sip| sip.host_port.host.to_string());
    named || host.is_some_and(|host| host.eq_ignore_ascii_case(NOBODYS_HOST))
}

/// What stands in From where the caller is not to be known.
pub(super) fn anonymous_identity() -> NameAddr {
    let host = HostPort {
        host: Host::Name(NOBODYS_HOST.to_owned()),
        port: None,
    };
    let uri = SipUri::new(Some("anonymous"), host);
    NameAddr {
        display_name: Some("Anonymous".to_owned()),
        ..NameAddr::new(Uri::Sip(uri))
    }
}

/// Control characters, and those that turn the direction of text and so disguise a name.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Takes away what was said to a server that asked for credentials.
pub(super) fn forget_credentials(headers: &mut Headers) {
    for name in [HeaderName::AUTHORIZATION, HeaderName::PROXY_AUTHORIZATION] {
        headers.remove(&name);
    }
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
            let accepted = match request.method {
                Method::Message => messaging::ACCEPTED,
                _ => ACCEPTED,
            };
            response.headers.push(HeaderName::ACCEPT, accepted);
        }
        if status == StatusCode::BAD_EVENT {
            let known = ALLOWED_EVENTS;
            response.headers.push(HeaderName::ALLOW_EVENTS, known);
        }
        response
    }
}
