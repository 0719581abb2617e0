//! To and from `rsip`'s messages, where nothing is lost.
//!
//! A message is built field by field, without `rsip`'s parser or writer, and built back; only when
//! that gives the same message is it handed out.

use rsip::headers::UntypedHeader;

use super::{Method, StatusCode, Transport};
use crate::sip::header::{Header, Headers};
use crate::sip::header_name::HeaderName;
use crate::sip::host::{Host, HostPort};
use crate::sip::message::{Message, Request, Response};
use crate::sip::params::Params;
use crate::sip::uri::{SipUri, Uri};

/// The message cannot be said in the other form without losing something: an unknown method, a
/// URI that is not `sip:`, a reason phrase, a header that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message would lose something in conversion")]
pub struct Lossy;

impl TryFrom<&Message> for rsip::SipMessage {
    type Error = Lossy;

    fn try_from(message: &Message) -> Result<rsip::SipMessage, Lossy> {
        let theirs = to_theirs(message).ok_or(Lossy)?;
        if to_ours(&theirs).as_ref() == Some(message) {
            Ok(theirs)
        } else {
            Err(Lossy)
        }
    }
}

impl TryFrom<&rsip::SipMessage> for Message {
    type Error = Lossy;

    fn try_from(theirs: &rsip::SipMessage) -> Result<Message, Lossy> {
        let message = to_ours(theirs).ok_or(Lossy)?;
        if to_theirs(&message).as_ref() == Some(theirs) {
            Ok(message)
        } else {
            Err(Lossy)
        }
    }
}

fn to_theirs(message: &Message) -> Option<rsip::SipMessage> {
    Some(match message {
        Message::Request(request) => rsip::SipMessage::Request(rsip::Request {
            method: method_to_theirs(&request.method)?,
            uri: uri_to_theirs(&request.uri)?,
            version: rsip::Version::V2,
            headers: headers_to_theirs(&request.headers)?,
            body: request.body.clone(),
        }),
        Message::Response(response) => rsip::SipMessage::Response(rsip::Response {
            status_code: status_to_theirs(response),
            version: rsip::Version::V2,
            headers: headers_to_theirs(&response.headers)?,
            body: response.body.clone(),
        }),
    })
}

fn to_ours(theirs: &rsip::SipMessage) -> Option<Message> {
    match theirs {
        rsip::SipMessage::Request(request) => {
            if request.version != rsip::Version::V2 {
                return None;
            }
            Some(Message::Request(Request {
                method: request.method.into(),
                uri: Uri::Sip(uri_to_ours(&request.uri)?),
                headers: headers_to_ours(&request.headers)?,
                body: request.body.clone(),
            }))
        }
        rsip::SipMessage::Response(response) => {
            if response.version != rsip::Version::V2 {
                return None;
            }
            let status = StatusCode::new(response.status_code.code())?;
            Some(Message::Response(Response {
                status,
                reason: match &response.status_code {
                    rsip::StatusCode::Other(_, reason) => reason.clone(),
                    _ => status.default_reason().to_owned(),
                },
                headers: headers_to_ours(&response.headers)?,
                body: response.body.clone(),
            }))
        }
    }
}

fn method_to_theirs(method: &Method) -> Option<rsip::Method> {
    rsip::Method::all()
        .into_iter()
        .find(|theirs| Method::from(*theirs) == *method)
}

/// A code that they know has no reason phrase but its own.
fn status_to_theirs(response: &Response) -> rsip::StatusCode {
    match rsip::StatusCode::from(response.status.code()) {
        rsip::StatusCode::Other(code, _) => rsip::StatusCode::Other(code, response.reason.clone()),
        known => known,
    }
}

fn uri_to_theirs(uri: &Uri) -> Option<rsip::Uri> {
    let uri = uri.as_sip().filter(|uri| uri.headers.is_empty())?;
    let host = match &uri.host_port.host {
        Host::Name(name) => rsip::Host::Domain(name.as_str().into()),
        Host::Ip(ip) => rsip::Host::IpAddr(*ip),
    };
    let auth = uri.user.as_ref().map(|user| rsip::Auth {
        user: user.clone(),
        password: uri.password.clone(),
    });
    Some(rsip::Uri {
        scheme: Some(if uri.secure {
            rsip::Scheme::Sips
        } else {
            rsip::Scheme::Sip
        }),
        auth,
        host_with_port: rsip::HostWithPort {
            host,
            port: uri.host_port.port.map(Into::into),
        },
        params: uri
            .params
            .iter()
            .map(|(name, value)| param_to_theirs(name, value))
            .collect(),
        headers: Vec::new(),
    })
}

fn param_to_theirs(name: &str, value: Option<&str>) -> rsip::Param {
    let transport = value.and_then(|value| value.parse().ok());
    match (name, value, transport) {
        ("lr", None, _) => rsip::Param::Lr,
        ("transport", Some(_), Some(Transport::Udp)) => {
            rsip::Param::Transport(rsip::Transport::Udp)
        }
        ("transport", Some(_), Some(Transport::Tcp)) => {
            rsip::Param::Transport(rsip::Transport::Tcp)
        }
        ("transport", Some(_), Some(Transport::Tls)) => {
            rsip::Param::Transport(rsip::Transport::Tls)
        }
        ("transport", Some(_), Some(Transport::Ws)) => rsip::Param::Transport(rsip::Transport::Ws),
        ("transport", Some(_), Some(Transport::Wss)) => {
            rsip::Param::Transport(rsip::Transport::Wss)
        }
        _ => rsip::Param::Other(name.into(), value.map(Into::into)),
    }
}

fn uri_to_ours(theirs: &rsip::Uri) -> Option<SipUri> {
    let secure = match theirs.scheme {
        Some(rsip::Scheme::Sip) => false,
        Some(rsip::Scheme::Sips) => true,
        Some(rsip::Scheme::Other(_)) | None => return None,
    };
    let host = match &theirs.host_with_port.host {
        rsip::Host::Domain(name) => name.to_string().parse().ok()?,
        rsip::Host::IpAddr(ip) => Host::Ip(*ip),
    };
    let port = match &theirs.host_with_port.port {
        Some(port) => Some(port.to_string().parse().ok()?),
        None => None,
    };
    let params: String = theirs.params.iter().map(param_to_ours).collect();
    Some(SipUri {
        secure,
        user: theirs.auth.as_ref().map(|auth| auth.user.clone()),
        password: theirs.auth.as_ref().and_then(|auth| auth.password.clone()),
        host_port: HostPort { host, port },
        params: Params::read_uri(&params),
        headers: Vec::new(),
    })
}

/// As it stands in a URI; their transports know upper case only.
fn param_to_ours(theirs: &rsip::Param) -> String {
    match theirs {
        rsip::Param::Transport(transport) => {
            format!(";transport={}", transport.to_string().to_ascii_lowercase())
        }
        other => other.to_string(),
    }
}

fn headers_to_ours(theirs: &rsip::Headers) -> Option<Headers> {
    let mut headers = Headers::new();
    for header in theirs.iter() {
        let line = header.to_string();
        let (name, value) = line.split_once(": ")?;
        headers.push(name, value);
    }
    Some(headers)
}

fn headers_to_theirs(headers: &Headers) -> Option<rsip::Headers> {
    let theirs: Option<Vec<rsip::Header>> = headers.iter().map(header_to_theirs).collect();
    theirs.map(Into::into)
}

/// Pairs our names with their variants.
macro_rules! known_headers {
    ($header:expr, $value:expr; $($name:ident => $variant:ident,)+) => {
        $(
            if $header.name == HeaderName::$name {
                return Some(rsip::Header::$variant(rsip::headers::$variant::new($value)));
            }
        )+
    };
}

fn header_to_theirs(header: &Header) -> Option<rsip::Header> {
    let value = std::str::from_utf8(header.bytes()).ok()?;
    known_headers! { header, value;
        ACCEPT => Accept,
        ACCEPT_ENCODING => AcceptEncoding,
        ACCEPT_LANGUAGE => AcceptLanguage,
        ALERT_INFO => AlertInfo,
        ALLOW => Allow,
        AUTHENTICATION_INFO => AuthenticationInfo,
        AUTHORIZATION => Authorization,
        CSEQ => CSeq,
        CALL_ID => CallId,
        CALL_INFO => CallInfo,
        CONTACT => Contact,
        CONTENT_DISPOSITION => ContentDisposition,
        CONTENT_ENCODING => ContentEncoding,
        CONTENT_LANGUAGE => ContentLanguage,
        CONTENT_LENGTH => ContentLength,
        CONTENT_TYPE => ContentType,
        DATE => Date,
        ERROR_INFO => ErrorInfo,
        EVENT => Event,
        EXPIRES => Expires,
        FROM => From,
        IN_REPLY_TO => InReplyTo,
        MAX_FORWARDS => MaxForwards,
        MIME_VERSION => MimeVersion,
        MIN_EXPIRES => MinExpires,
        ORGANIZATION => Organization,
        PRIORITY => Priority,
        PROXY_AUTHENTICATE => ProxyAuthenticate,
        PROXY_AUTHORIZATION => ProxyAuthorization,
        PROXY_REQUIRE => ProxyRequire,
        RECORD_ROUTE => RecordRoute,
        REPLY_TO => ReplyTo,
        REQUIRE => Require,
        RETRY_AFTER => RetryAfter,
        ROUTE => Route,
        SERVER => Server,
        SUBJECT => Subject,
        SUBSCRIPTION_STATE => SubscriptionState,
        SUPPORTED => Supported,
        TIMESTAMP => Timestamp,
        TO => To,
        UNSUPPORTED => Unsupported,
        USER_AGENT => UserAgent,
        VIA => Via,
        WARNING => Warning,
        WWW_AUTHENTICATE => WwwAuthenticate,
    }
    Some(rsip::Header::Other(
        header.name.to_string(),
        value.to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::parse_datagram;

    fn read(text: &str) -> Message {
        parse_datagram(text.replace('\n', "\r\n").as_bytes())
            .unwrap()
            .message
    }

    const REQUEST: &str = "INVITE sip:b%20c:pw@[2001:db8::1]:5070;transport=tcp;lr;x=1 SIP/2.0\n\
        Via: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: \"A\" <sip:a@h>;tag=1\nTo: <sip:b@h>\n\
        Call-ID: c\nCSeq: 1 INVITE\nMax-Forwards: 70\nX-Odd: yes\nSession-Expires: 90\n\
        Content-Type: text/plain\nContent-Length: 3\n\nabc";

    #[test]
    fn an_ordinary_request_goes_there_and_back() {
        let ours = read(REQUEST);
        let theirs = rsip::SipMessage::try_from(&ours).unwrap();
        let rsip::SipMessage::Request(request) = &theirs else {
            panic!("a response")
        };
        assert_eq!(request.method, rsip::Method::Invite);
        assert_eq!(request.uri.user(), Some("b%20c"));
        assert!(request.uri.params.contains(&rsip::Param::Lr));
        assert!(matches!(
            request.headers.iter().next(),
            Some(rsip::Header::Via(_))
        ));
        assert_eq!(Message::try_from(&theirs), Ok(ours));
    }

    #[test]
    fn a_response_goes_where_its_reason_is_the_usual_one() {
        let busy = "SIP/2.0 486 Busy Here\nVia: SIP/2.0/UDP h\nFrom: <sip:a@h>;tag=1\n\
            To: <sip:b@h>;tag=2\nCall-ID: c\nCSeq: 1 INVITE\n\n";
        let ours = read(busy);
        let theirs = rsip::SipMessage::try_from(&ours).unwrap();
        assert_eq!(Message::try_from(&theirs), Ok(ours));
        let own_words = read(&busy.replace("Busy Here", "Gone fishing"));
        assert_eq!(rsip::SipMessage::try_from(&own_words), Err(Lossy));
        let unknown = read(&busy.replace("486 Busy Here", "499 Whatever"));
        assert!(rsip::SipMessage::try_from(&unknown).is_ok());
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        for (from, to) in [
            ("INVITE", "FOO"),
            (
                "sip:b%20c:pw@[2001:db8::1]:5070;transport=tcp;lr;x=1",
                "tel:+1555",
            ),
            ("x=1", "x=1?Subject=x"),
            ("transport=tcp", "transport=TcP"),
        ] {
            let ours = read(&REQUEST.replace(from, to));
            assert_eq!(rsip::SipMessage::try_from(&ours), Err(Lossy), "{to}");
        }
        let mut latin1 = read(REQUEST);
        latin1
            .headers_mut()
            .push_header(Header::from_bytes("Subject", b"caf\xe9".to_vec()));
        assert_eq!(rsip::SipMessage::try_from(&latin1), Err(Lossy));
    }
}
