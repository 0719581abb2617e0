//! What was read of one message, as JSON: for `ramal inspect` and for whoever wonders why a phone
//! was not understood.

use serde_json::{Map, Value, json};

use super::defect::{Defect, Severity};
use super::digest::{Authorization, Challenge};
use super::header::{Contacts, Header, Headers, MediaType};
use super::header_name::HeaderName;
use super::host::HostPort;
use super::lexer;
use super::message::{Message, Response};
use super::name_addr::NameAddr;
use super::params::Params;
use super::parser::{ParseError, Parsed, parse_datagram, read_unusable};
use super::uri::Uri;
use super::via::Via;

/// How well a message could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Without a defect.
    Read,
    /// It could be read, and something in it is wrong.
    Defects,
    /// It cannot be used.
    Unreadable,
}

impl Outcome {
    /// 0, 1 or 2.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Outcome::Read => 0,
            Outcome::Defects => 1,
            Outcome::Unreadable => 2,
        }
    }
}

/// Reads one message as a datagram. The report has
///
/// - `kind`: `request`, `response` or `unreadable`;
/// - `start_line`: method and taken-apart URI, or status and reason; of an unreadable message its
///   text;
/// - `headers`: name, value, and `parsed`, where the header has fields; `null` when they cannot
///   be read;
/// - `body`: `length` in bytes and `type`;
/// - `defects`: `kind`, `header`, `section` and `severity`, with the status that a faulty request
///   is answered with;
/// - `error` of an unreadable message: `kind`, `header`, `section`;
/// - `answer`: what would be sent back at once, if anything.
#[must_use]
pub fn report(bytes: &[u8]) -> (Value, Outcome) {
    match parse_datagram(bytes) {
        Ok(parsed) => {
            let outcome = if parsed.defects.is_empty() {
                Outcome::Read
            } else {
                Outcome::Defects
            };
            (readable(&parsed), outcome)
        }
        Err(error) => (unreadable(bytes, &error), Outcome::Unreadable),
    }
}

fn readable(parsed: &Parsed) -> Value {
    let (kind, start_line) = match &parsed.message {
        Message::Request(request) => (
            "request",
            json!({ "method": request.method.as_str(), "uri": uri(&request.uri) }),
        ),
        Message::Response(response) => (
            "response",
            json!({ "status": response.status.code(), "reason": response.reason }),
        ),
    };
    json!({
        "kind": kind,
        "start_line": start_line,
        "headers": headers(parsed.message.headers()),
        "body": body(parsed.message.headers(), parsed.message.body().len()),
        "defects": parsed.defects.iter().map(defect).collect::<Vec<_>>(),
        "answer": parsed.refusal().as_ref().map(answer),
    })
}

fn unreadable(bytes: &[u8], error: &ParseError) -> Value {
    let (first_line, read, body_length) = read_unusable(bytes);
    let header = match &error.kind {
        super::ParseErrorKind::Header(error) => Some(error.name().as_str()),
        _ => None,
    };
    json!({
        "kind": "unreadable",
        "start_line": first_line,
        "error": {
            "kind": error.kind.as_str(),
            "header": header,
            "section": error.kind.section(),
        },
        "headers": headers(&read),
        "body": body(&read, body_length),
        "answer": error.reply.as_ref().map(answer),
    })
}

fn answer(response: &Response) -> Value {
    json!({ "status": response.status.code(), "reason": response.reason })
}

fn defect(defect: &Defect) -> Value {
    let (severity, status) = match defect.severity {
        Severity::Note => ("note", None),
        Severity::Faulty(status) => ("faulty", Some(status.code())),
    };
    json!({
        "kind": defect.kind.as_str(),
        "header": defect.header,
        "section": defect.section,
        "severity": severity,
        "status": status,
    })
}

fn body(headers: &Headers, length: usize) -> Value {
    json!({ "length": length, "type": headers.get(&HeaderName::CONTENT_TYPE) })
}

fn headers(headers: &Headers) -> Vec<Value> {
    headers.iter().map(header).collect()
}

fn header(header: &Header) -> Value {
    let mut told = Map::new();
    told.insert("name".to_owned(), json!(header.name.as_str()));
    told.insert("value".to_owned(), json!(header.text()));
    if std::str::from_utf8(header.bytes()).is_err() {
        let hex: String = header
            .bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        told.insert("bytes".to_owned(), json!(hex));
    }
    if let Some(parsed) = fields(header) {
        told.insert("parsed".to_owned(), parsed);
    }
    Value::Object(told)
}

/// The fields of a header that has some; `Some(null)` when they cannot be read, `None` for a
/// header that is free text or not known.
fn fields(header: &Header) -> Option<Value> {
    // The readers work on the headers of a message: here, of one with this header alone.
    let alone: Headers = vec![header.clone()].into();
    let name = &header.name;
    let is = |names: &[HeaderName]| names.contains(name);
    let value = if *name == HeaderName::VIA {
        alone.vias().ok().map(|vias| vias.iter().map(via).collect())
    } else if is(&[
        HeaderName::FROM,
        HeaderName::TO,
        HeaderName::REFER_TO,
        HeaderName::REFERRED_BY,
    ]) {
        alone
            .name_addr(name)
            .ok()
            .map(|address| name_addr(&address))
    } else if *name == HeaderName::CONTACT {
        alone.contacts().ok().map(|contacts| match contacts {
            Contacts::Star => json!("*"),
            Contacts::List(list) => list.iter().map(name_addr).collect(),
        })
    } else if is(&ADDRESS_LISTS) {
        alone
            .name_addrs(name)
            .ok()
            .map(|list| list.iter().map(name_addr).collect())
    } else if *name == HeaderName::CSEQ {
        let cseq = alone.cseq().ok();
        cseq.map(|cseq| json!({ "seq": cseq.seq, "method": cseq.method.as_str() }))
    } else if *name == HeaderName::MAX_FORWARDS {
        alone.max_forwards().ok().flatten().map(Value::from)
    } else if *name == HeaderName::CONTENT_LENGTH {
        alone.content_length().ok().flatten().map(Value::from)
    } else if is(&SECONDS) {
        alone.seconds(name).map(Value::from)
    } else if *name == HeaderName::CONTENT_TYPE {
        alone.content_type().map(|media| media_type(&media))
    } else if is(&TOKEN_LISTS) {
        Some(json!(alone.tokens(name)))
    } else if is(&[HeaderName::WWW_AUTHENTICATE, HeaderName::PROXY_AUTHENTICATE]) {
        let challenges = alone.challenges();
        (!challenges.is_empty()).then(|| challenges.iter().map(challenge).collect())
    } else if is(&[HeaderName::AUTHORIZATION, HeaderName::PROXY_AUTHORIZATION]) {
        Authorization::parse(header.text()).map(|value| authorization(&value))
    } else if is(&[
        HeaderName::EVENT,
        HeaderName::SUBSCRIPTION_STATE,
        HeaderName::REPLACES,
    ]) {
        value_with_params(header.text())
    } else {
        return None;
    };
    Some(value.unwrap_or(Value::Null))
}

const ADDRESS_LISTS: [HeaderName; 8] = [
    HeaderName::ROUTE,
    HeaderName::RECORD_ROUTE,
    HeaderName::PATH,
    HeaderName::SERVICE_ROUTE,
    HeaderName::P_ASSERTED_IDENTITY,
    HeaderName::P_PREFERRED_IDENTITY,
    HeaderName::DIVERSION,
    HeaderName::REPLY_TO,
];

const SECONDS: [HeaderName; 5] = [
    HeaderName::EXPIRES,
    HeaderName::MIN_EXPIRES,
    HeaderName::RETRY_AFTER,
    HeaderName::SESSION_EXPIRES,
    HeaderName::MIN_SE,
];

const TOKEN_LISTS: [HeaderName; 9] = [
    HeaderName::ALLOW,
    HeaderName::SUPPORTED,
    HeaderName::REQUIRE,
    HeaderName::PROXY_REQUIRE,
    HeaderName::UNSUPPORTED,
    HeaderName::ACCEPT,
    HeaderName::ACCEPT_ENCODING,
    HeaderName::ACCEPT_LANGUAGE,
    HeaderName::ALLOW_EVENTS,
];

fn via(via: &Via) -> Value {
    json!({
        "transport": via.transport.as_str(),
        "sent_by": host_port(&via.sent_by),
        "branch": via.branch(),
        "received": via.received().map(|ip| ip.to_string()),
        "rport": via.rport().flatten(),
        "params": params(&via.params),
    })
}

fn name_addr(address: &NameAddr) -> Value {
    json!({
        "display_name": address.display_name,
        "uri": uri(&address.uri),
        "tag": address.tag(),
        "params": params(&address.params),
    })
}

fn uri(value: &Uri) -> Value {
    match value {
        Uri::Sip(sip) => {
            let headers = sip.headers.iter();
            json!({
                "text": value.to_string(),
                "scheme": value.scheme(),
                "user": sip.user_unescaped(),
                "host": sip.host_port.host.to_string(),
                "port": sip.host_port.port,
                "params": params(&sip.params),
                "headers": headers.map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
            })
        }
        Uri::Tel(tel) => json!({
            "text": value.to_string(),
            "scheme": "tel",
            "number": tel.number,
            "params": params(&tel.params),
        }),
        Uri::Other(other) => json!({
            "text": value.to_string(),
            "scheme": other.scheme,
            "rest": other.rest,
        }),
    }
}

fn host_port(value: &HostPort) -> Value {
    json!({ "host": value.host.to_string(), "port": value.port })
}

/// Pairs, since a name may come twice; a parameter without a value has `null`.
fn params(params: &Params) -> Vec<Value> {
    params
        .iter()
        .map(|(name, value)| json!([name, value]))
        .collect()
}

fn media_type(media: &MediaType) -> Value {
    json!({
        "type": media.kind,
        "subtype": media.subtype,
        "params": params(&media.params),
    })
}

fn challenge(challenge: &Challenge) -> Value {
    json!({
        "scheme": challenge.scheme,
        "realm": challenge.realm,
        "nonce": challenge.nonce,
        "algorithm": challenge.algorithm_token,
        "qop": challenge.qop.iter().map(|qop| qop.as_str()).collect::<Vec<_>>(),
        "stale": challenge.stale,
        "opaque": challenge.opaque,
        "answerable": challenge.is_answerable(),
    })
}

fn authorization(value: &Authorization) -> Value {
    json!({
        "username": value.username,
        "realm": value.realm,
        "nonce": value.nonce,
        "uri": value.uri,
        "algorithm": value.algorithm,
        "qop": value.protection.map(|(qop, _)| qop.as_str()),
        "nonce_count": value.protection.map(|(_, count)| count),
    })
}

fn value_with_params(text: &str) -> Option<Value> {
    let (value, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    let (read, _) = Params::read_header(rest)?;
    Some(json!({ "value": lexer::trim(value), "params": params(&read) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:*72%23@[2001:db8::1]:5070;transport=tcp SIP/2.0\r\n\
        v: SIP/2.0/UDP 192.0.2.1:5060 ;rport=4040;received=198.51.100.7;branch=z9hG4bK1\r\n\
        f: \"A <b>\" <sip:a@h>;tag=1\r\nt: <tel:+1555>\r\ni: c@h\r\nCSeq: 7 INVITE\r\n\
        Max-Forwards: 70\r\nContact: <sip:a@h;ob>;expires=60, <sip:b@h>\r\n\
        Allow: INVITE, ACK\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";

    fn header_fields(report: &Value, name: &str) -> Value {
        let headers = report["headers"].as_array().unwrap();
        headers
            .iter()
            .find(|header| header["name"] == name)
            .unwrap()["parsed"]
            .clone()
    }

    #[test]
    fn a_good_request_is_taken_apart() {
        let (report, outcome) = report(INVITE.as_bytes());
        assert_eq!(outcome, Outcome::Read);
        assert_eq!(report["kind"], "request");
        assert_eq!(report["start_line"]["method"], "INVITE");
        let uri = &report["start_line"]["uri"];
        assert_eq!(
            (&uri["user"], &uri["host"]),
            (&json!("*72#"), &json!("[2001:db8::1]"))
        );
        assert_eq!(
            (&uri["port"], &uri["params"]),
            (&json!(5070), &json!([["transport", "tcp"]]))
        );
        let via = &header_fields(&report, "Via")[0];
        assert_eq!(via["sent_by"], json!({ "host": "192.0.2.1", "port": 5060 }));
        assert_eq!(
            (&via["rport"], &via["received"]),
            (&json!(4040), &json!("198.51.100.7"))
        );
        let from = header_fields(&report, "From");
        assert_eq!(
            (&from["display_name"], &from["tag"]),
            (&json!("A <b>"), &json!("1"))
        );
        assert_eq!(header_fields(&report, "To")["uri"]["number"], "+1555");
        assert_eq!(
            header_fields(&report, "CSeq"),
            json!({ "seq": 7, "method": "INVITE" })
        );
        assert_eq!(
            header_fields(&report, "Contact").as_array().map(Vec::len),
            Some(2)
        );
        assert_eq!(header_fields(&report, "Allow"), json!(["INVITE", "ACK"]));
        assert_eq!(
            report["body"],
            json!({ "length": 5, "type": "application/sdp" })
        );
        assert_eq!(report["defects"], json!([]));
        assert_eq!(report["answer"], Value::Null);
    }

    #[test]
    fn defects_are_told_with_their_section_and_the_answer() {
        let faulty = INVITE.replace("CSeq: 7 INVITE", "CSeq: 7 BYE");
        let (report, outcome) = report(faulty.as_bytes());
        assert_eq!(outcome, Outcome::Defects);
        assert_eq!(
            report["defects"],
            json!([{
                "kind": "method-mismatch",
                "header": "CSeq",
                "section": "RFC 3261 8.1.1.5",
                "severity": "faulty",
                "status": 400,
            }])
        );
        assert_eq!(
            report["answer"],
            json!({ "status": 400, "reason": "Bad Request" })
        );
    }

    #[test]
    fn an_unreadable_message_is_told_as_far_as_it_goes() {
        let unreadable = INVITE.replace("i: c@h\r\n", "");
        let (report, outcome) = report(unreadable.as_bytes());
        assert_eq!(outcome, Outcome::Unreadable);
        assert_eq!(report["kind"], "unreadable");
        assert_eq!(
            report["error"],
            json!({ "kind": "missing-header", "header": "Call-ID", "section": "RFC 3261 8.1.1" })
        );
        assert_eq!(report["answer"]["status"], 400);
        assert_eq!(header_fields(&report, "From")["tag"], "1");
        let (nothing, outcome) = super::report(b"");
        assert_eq!(
            (outcome, &nothing["error"]["kind"]),
            (Outcome::Unreadable, &json!("empty"))
        );
    }

    #[test]
    fn challenges_and_answers_are_taken_apart() {
        let text = "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
            From: <sip:a@h>;tag=1\r\nTo: <sip:a@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\
            WWW-Authenticate: Digest realm=\"a \\\"b\\\"\", nonce=\"n\", qop=\"auth,auth-int\"\r\n\
            X-Odd: caf\u{e9}\r\nContent-Length: 0\r\n\r\n";
        let latin1: Vec<u8> = text.chars().map(|c| c as u8).collect();
        let (report, outcome) = report(&latin1);
        assert_eq!(outcome, Outcome::Read);
        let challenge = &header_fields(&report, "WWW-Authenticate")[0];
        assert_eq!(challenge["realm"], "a \"b\"");
        assert_eq!(challenge["qop"], json!(["auth", "auth-int"]));
        let odd = report["headers"]
            .as_array()
            .unwrap()
            .iter()
            .find(|h| h["name"] == "X-Odd");
        assert_eq!(odd.unwrap()["bytes"], "636166e9");
    }
}
