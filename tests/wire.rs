//! The torture messages of RFC 4475 and RFC 5118: what Ramal must make of each, and why. And what
//! it makes of them after they were damaged at random.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot go on without fails it"
)]

#[path = "wire/damage.rs"]
mod damage;

use std::path::{Path, PathBuf};

use ramal::sip::inspect::{self, Outcome};
use ramal::sip::{
    Contacts, DefectKind, HeaderName, Message, ParseError, Parsed, Request, Response, StatusCode,
    Transport, Uri, parse_datagram,
};

/// What must become of a message.
#[derive(Debug, PartialEq)]
enum Outcomes {
    /// It is acted upon. What the user agent then answers is its affair.
    Accepted,
    /// It was read, must not be acted upon, and this is answered at once.
    Answered(u16),
    /// A response that must not be acted upon.
    Dropped,
    /// It cannot be used; answered with this status if at all.
    Unusable(&'static str, Option<u16>),
}

use Outcomes::{Accepted, Answered, Dropped, Unusable};

/// A message, what must become of it, its defects in the order of reading, and the reason.
struct Case {
    file: &'static str,
    outcome: Outcomes,
    defects: &'static [DefectKind],
    why: &'static str,
}

const fn case(
    file: &'static str,
    outcome: Outcomes,
    defects: &'static [DefectKind],
    why: &'static str,
) -> Case {
    Case {
        file,
        outcome,
        defects,
        why,
    }
}

const RFC_4475: [Case; 49] = [
    // 3.1.1: valid
    case(
        "wsinv",
        Accepted,
        &[DefectKind::OldBranch],
        "valid; its top Via has a branch of RFC 2543",
    ),
    case(
        "intmeth",
        Accepted,
        &[],
        "valid; the user agent answers 405 or 501",
    ),
    case("esc01", Accepted, &[], "valid; escapes stay as they came"),
    case(
        "escnull",
        Accepted,
        &[],
        "valid; %00 is an escape like any other",
    ),
    case(
        "esc02",
        Accepted,
        &[],
        "valid; % is a token character: an unknown method, an unknown header",
    ),
    case(
        "lwsdisp",
        Accepted,
        &[],
        "valid; a display name needs no space before <",
    ),
    case(
        "longreq",
        Accepted,
        &[DefectKind::OldBranch],
        "valid; its Vias are of RFC 2543",
    ),
    case(
        "dblreq",
        Accepted,
        &[DefectKind::BytesAfterBody],
        "the second message in the datagram is left out",
    ),
    case(
        "semiuri",
        Accepted,
        &[],
        "valid; the user part holds a semicolon",
    ),
    case(
        "transports",
        Accepted,
        &[],
        "valid; unknown transports below the top are none of our affair",
    ),
    case("mpart01", Accepted, &[], "valid; the body is bytes"),
    case(
        "unreason",
        Accepted,
        &[],
        "valid; any UTF-8 may be a reason",
    ),
    case("noreason", Accepted, &[], "valid; a reason may be empty"),
    // 3.1.2: invalid
    case(
        "badinv01",
        Answered(400),
        &[
            DefectKind::OldBranch,
            DefectKind::EmptyParameter,
            DefectKind::MalformedValue,
            DefectKind::EmptyListElement,
            DefectKind::EmptyListElement,
            DefectKind::EmptyParameter,
        ],
        "a Via of nothing but separators is none",
    ),
    case(
        "clerr",
        Answered(400),
        &[DefectKind::BodyTooShort],
        "a part of the body is lost (RFC 3261 18.3)",
    ),
    case(
        "ncl",
        Answered(400),
        &[DefectKind::MalformedValue],
        "a negative length tells nothing about the body",
    ),
    case(
        "scalar02",
        Unusable("number-out-of-range", Some(400)),
        &[],
        "CSeq beyond 32 bits cannot be matched with a response",
    ),
    case(
        "scalarlg",
        Unusable("number-out-of-range", None),
        &[],
        "the CSeq is no request's of ours: discarded",
    ),
    case(
        "quotbal",
        Answered(400),
        &[DefectKind::UnbalancedQuote],
        "the name can be guessed here, but a guess must not decide whom a call is for",
    ),
    case(
        "ltgtruri",
        Answered(400),
        &[DefectKind::BracketsInRequestUri, DefectKind::OldBranch],
        "always reasonable to reject, says the RFC; no phone does this",
    ),
    case(
        "lwsruri",
        Answered(400),
        &[DefectKind::SpaceInRequestUri],
        "two readers may disagree about where the URI ends",
    ),
    case(
        "lwsstart",
        Accepted,
        &[DefectKind::StartLineSpacing],
        "the meaning is clear; spaces are not sent on",
    ),
    case(
        "trws",
        Accepted,
        &[DefectKind::StartLineSpacing],
        "the meaning is clear; spaces are not sent on",
    ),
    case(
        "escruri",
        Answered(400),
        &[DefectKind::HeadersInRequestUri],
        "a Route in the URI is an attempt to have it followed",
    ),
    case(
        "baddate",
        Accepted,
        &[DefectKind::MalformedDate],
        "nothing depends upon Date",
    ),
    case(
        "regbadct",
        Answered(400),
        &[DefectKind::BracketsNeeded],
        "brackets can be guessed here, and in general not",
    ),
    case(
        "badaspec",
        Accepted,
        &[DefectKind::SpaceInBrackets],
        "the meaning is clear: spaces are ignored",
    ),
    case(
        "baddn",
        Accepted,
        &[
            DefectKind::NoEmptyLine,
            DefectKind::QuotesNeeded,
            DefectKind::QuotesNeeded,
        ],
        "From and To hold one address, so the comma separates nothing",
    ),
    case(
        "badvers",
        Unusable("version", Some(505)),
        &[],
        "version 7.0 may mean anything",
    ),
    case(
        "mismatch01",
        Answered(400),
        &[DefectKind::MethodMismatch],
        "which method is meant?",
    ),
    case(
        "mismatch02",
        Answered(400),
        &[DefectKind::MethodMismatch],
        "400 before 501: the mismatch is the graver fault",
    ),
    case(
        "bigcode",
        Unusable("status", None),
        &[],
        "no status code: dropped",
    ),
    // 3.2: transaction layer
    case(
        "badbranch",
        Accepted,
        &[DefectKind::OldBranch],
        "the cookie alone names no transaction: it is matched as RFC 2543 does",
    ),
    // 3.3: application layer
    case(
        "insuf",
        Unusable("missing-header", Some(400)),
        &[],
        "From, To and Call-ID are missing; the Via says where the answer goes",
    ),
    case(
        "unkscm",
        Accepted,
        &[],
        "well-formed; the user agent answers 416",
    ),
    case(
        "novelsc",
        Accepted,
        &[],
        "well-formed; the user agent answers 416",
    ),
    case(
        "unksm2",
        Accepted,
        &[],
        "well-formed; any URI may be in To and Contact",
    ),
    case(
        "bext01",
        Accepted,
        &[],
        "well-formed; the user agent answers 420",
    ),
    case(
        "invut",
        Accepted,
        &[],
        "well-formed; the user agent answers 415",
    ),
    case(
        "regaut01",
        Accepted,
        &[],
        "well-formed; the registrar challenges again",
    ),
    case(
        "multi01",
        Answered(400),
        &[
            DefectKind::ConflictingHeaders,
            DefectKind::ConflictingHeaders,
            DefectKind::ConflictingHeaders,
            DefectKind::ConflictingHeaders,
            DefectKind::ConflictingHeaders,
        ],
        "whose call it is cannot be told",
    ),
    case(
        "mcl01",
        Answered(400),
        &[DefectKind::ConflictingHeaders],
        "where the body ends cannot be told",
    ),
    case(
        "bcast",
        Dropped,
        &[DefectKind::SeveralVias],
        "a user agent's responses have one Via; this one would be sent on to everybody",
    ),
    case(
        "zeromf",
        Accepted,
        &[],
        "well-formed; a user agent answers it, a proxy says 483",
    ),
    case(
        "cparam01",
        Accepted,
        &[],
        "without brackets the parameter is the header's",
    ),
    case(
        "cparam02",
        Accepted,
        &[],
        "within brackets the parameter is the URI's",
    ),
    case(
        "regescrt",
        Accepted,
        &[],
        "within brackets, a URI in Contact may have headers",
    ),
    case(
        "sdp01",
        Accepted,
        &[],
        "well-formed; without SDP in Accept the user agent answers 406 or 488",
    ),
    // 3.4: backward compatibility
    case(
        "inv2543",
        Accepted,
        &[
            DefectKind::OldBranch,
            DefectKind::MissingTag,
            DefectKind::MissingHeader,
        ],
        "a phone of RFC 2543 can still call",
    ),
];

const RFC_5118: [Case; 12] = [
    case("4.1_ipv6-good", Accepted, &[], "IPv6 in every place"),
    case(
        "4.2_ipv6-bad",
        Unusable("request-uri", Some(400)),
        &[],
        "without brackets, address and port cannot be told apart",
    ),
    case(
        "4.3_port-ambiguous",
        Accepted,
        &[],
        "5070 is a part of the address: there is no port",
    ),
    case("4.4_port-unambiguous", Accepted, &[], "5070 is the port"),
    case(
        "4.5_via-received-param-no-delim",
        Accepted,
        &[],
        "received as the grammar has it",
    ),
    case(
        "4.5_via-received-param-with-delim",
        Accepted,
        &[],
        "received as many send it",
    ),
    case(
        "4.6_ipv6-in-sdp",
        Answered(400),
        &[DefectKind::BodyTooShort],
        "the printed Content-Length is 268 and the body 251 bytes: a part may be lost (RFC 3261 18.3)",
    ),
    case(
        "4.7_mult-ip-in-header",
        Accepted,
        &[],
        "IPv4 and IPv6 in one message",
    ),
    case(
        "4.8_mult-ip-in-sdp",
        Accepted,
        &[DefectKind::BytesAfterBody],
        "the printed Content-Length cuts the last attribute short",
    ),
    case(
        "4.9_ipv4-mapped-ipv6",
        Accepted,
        &[DefectKind::BytesAfterBody],
        "the printed Content-Length cuts the last attribute short",
    ),
    case(
        "4.10_ipv6-bug-abnf-3-colons",
        Accepted,
        &[],
        "both forms must be tolerated",
    ),
    case(
        "4.10_ipv6-correct-abnf-2-colons",
        Accepted,
        &[],
        "both forms must be tolerated",
    ),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn bytes(file: &str) -> Vec<u8> {
    let path = if file.starts_with("4.") {
        folder("rfc5118").join(format!("{file}.sip"))
    } else {
        folder("rfc4475").join(format!("{file}.dat"))
    };
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(file: &str) -> Message {
    parse_datagram(&bytes(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
        .message
}

fn request(file: &str) -> Request {
    match read(file) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("{file} is a response"),
    }
}

fn response(file: &str) -> Response {
    match read(file) {
        Message::Response(response) => response,
        Message::Request(_) => panic!("{file} is a request"),
    }
}

fn outcome(read: &Result<Parsed, ParseError>) -> (Outcomes, Vec<DefectKind>) {
    match read {
        Ok(parsed) => {
            let outcome = match (parsed.fault(), parsed.refusal()) {
                (None, _) => Accepted,
                (Some(_), Some(refusal)) => Answered(refusal.status.code()),
                (Some(_), None) => Dropped,
            };
            (
                outcome,
                parsed.defects.iter().map(|defect| defect.kind).collect(),
            )
        }
        Err(error) => {
            let reply = error.reply.as_ref().map(|reply| reply.status.code());
            (Unusable(error.kind.as_str(), reply), Vec::new())
        }
    }
}

fn check(cases: &[Case], name: &str) {
    for case in cases {
        let read = parse_datagram(&bytes(case.file));
        let (outcome, defects) = outcome(&read);
        assert_eq!(
            (&outcome, &defects[..]),
            (&case.outcome, case.defects),
            "{}: {}",
            case.file,
            case.why
        );
        let reply = match read {
            Ok(parsed) => parsed.refusal(),
            Err(error) => error.reply,
        };
        // Whatever is answered can be written, and is understood.
        if let Some(reply) = reply {
            let written = reply
                .to_bytes()
                .unwrap_or_else(|e| panic!("{}: {e}", case.file));
            assert!(written.starts_with(b"SIP/2.0 "), "{}", case.file);
        }
    }
    let stored = std::fs::read_dir(folder(name)).unwrap();
    let stored = stored.filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension()
            .is_some_and(|extension| extension == "dat" || extension == "sip")
    });
    assert_eq!(
        stored.count(),
        cases.len(),
        "every stored message has its case"
    );
}

#[test]
fn every_message_of_rfc_4475_has_its_argued_outcome() {
    check(&RFC_4475, "rfc4475");
}

#[test]
fn every_message_of_rfc_5118_has_its_argued_outcome() {
    check(&RFC_5118, "rfc5118");
}

#[test]
fn every_message_that_is_read_is_the_same_when_written_and_read_again() {
    for case in RFC_4475.iter().chain(&RFC_5118) {
        if let Ok(parsed) = parse_datagram(&bytes(case.file)) {
            assert_survives(&parsed.message, case.file);
        }
    }
}

#[test]
fn every_request_that_is_read_can_be_answered() {
    for case in RFC_4475.iter().chain(&RFC_5118) {
        if let Ok(Parsed {
            message: Message::Request(request),
            ..
        }) = parse_datagram(&bytes(case.file))
        {
            let response = request.response(StatusCode::METHOD_NOT_ALLOWED, Some("t"));
            let written = response
                .to_bytes()
                .unwrap_or_else(|e| panic!("{}: {e}", case.file));
            let Ok(Parsed {
                message: Message::Response(again),
                ..
            }) = parse_datagram(&written)
            else {
                panic!("{}: the answer cannot be read", case.file);
            };
            assert_eq!(
                again.headers.cseq(),
                request.headers.cseq(),
                "{}",
                case.file
            );
            // With a To that leaves a quote open a tag would be swallowed.
            assert!(again.headers.to().unwrap().tag().is_some() || case.file == "quotbal");
        }
    }
}

#[test]
fn inspect_ends_as_the_outcome_says() {
    for case in RFC_4475.iter().chain(&RFC_5118) {
        let (report, outcome) = inspect::report(&bytes(case.file));
        let expected = match (&case.outcome, case.defects.is_empty()) {
            (Unusable(..), _) => Outcome::Unreadable,
            (_, true) => Outcome::Read,
            (_, false) => Outcome::Defects,
        };
        assert_eq!(outcome, expected, "{}", case.file);
        assert!(
            report["headers"]
                .as_array()
                .is_some_and(|headers| !headers.is_empty())
        );
    }
}

#[test]
fn a_short_tortuous_invite_is_understood() {
    let request = request("wsinv");
    let headers = &request.headers;
    assert_eq!(
        request.uri.to_string(),
        "sip:vivekg@chair-dnrc.example.com;unknownparam"
    );
    assert_eq!(headers.to().unwrap().tag(), Some("1918181833n"));
    let from = headers.from().unwrap();
    assert_eq!(from.display_name.as_deref(), Some(r#"J Rosenberg \""#));
    assert_eq!(from.tag(), Some("98asjd8"));
    assert_eq!(headers.max_forwards(), Ok(Some(68)));
    assert_eq!(headers.cseq().unwrap().seq, 9);
    let vias = headers.vias().unwrap();
    let told: Vec<_> = vias
        .iter()
        .map(|via| (via.transport.known(), via.sent_by.to_string(), via.branch()))
        .collect();
    assert_eq!(
        told,
        [
            (
                Some(Transport::Udp),
                "192.0.2.2".to_owned(),
                Some("390skdjuw")
            ),
            (
                Some(Transport::Tcp),
                "spindle.example.com".to_owned(),
                Some("z9hG4bK9ikj8")
            ),
            (
                Some(Transport::Udp),
                "192.168.255.111".to_owned(),
                Some("z9hG4bK30239")
            ),
        ]
    );
    assert_eq!(headers.get(&HeaderName::SUBJECT), Some(""));
    assert_eq!(
        headers.get(&"NewFangledHeader".into()),
        Some("newfangled value continued newfangled value")
    );
    let routes = headers.routes().unwrap();
    assert!(routes[0].uri.as_sip().unwrap().is_loose_router());
    let Contacts::List(contacts) = headers.contacts().unwrap() else {
        panic!("a star")
    };
    assert_eq!(
        contacts[0].display_name.as_deref(),
        Some(r#"Quoted string """#)
    );
    assert_eq!(contacts[0].params.get("newparam"), Some("newvalue"));
    assert_eq!(contacts[0].q(), Some(0.33));
    assert_eq!(request.body.len(), 150);
}

#[test]
fn a_wide_range_of_characters_is_understood() {
    let request = request("intmeth");
    assert_eq!(
        request.method.as_str(),
        "!interesting-Method0123456789_*+`.%indeed'~"
    );
    let uri = request.uri.as_sip().unwrap();
    assert_eq!(
        uri.user.as_deref(),
        Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    );
    assert_eq!(
        uri.password.as_deref(),
        Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
    );
    let to = request.headers.to().unwrap();
    assert_eq!(
        to.display_name.as_deref(),
        Some("BEL:\u{7} NUL:\0 DEL:\u{7f}")
    );
    let from = request.headers.from().unwrap();
    assert_eq!(
        from.display_name.as_deref(),
        Some("token1~` token2'+_ token3*%!.-")
    );
    assert_eq!(from.params.get("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(
        request.headers.call_id(),
        Ok("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{")
    );
    let name = "extensionHeader-!.%*+_`'~";
    assert_eq!(request.headers.get(&name.into()), Some("\u{feff}大停電"));
}

#[test]
fn escapes_stay_and_are_understood_when_asked_for() {
    let escaped = request("esc01");
    let uri = escaped.uri.as_sip().unwrap();
    assert_eq!(uri.user.as_deref(), Some("sips%3Auser%40example.com"));
    assert_eq!(
        uri.user_unescaped().as_deref(),
        Some("sips:user@example.com")
    );
    assert_eq!(uri.host_port.to_string(), "example.net");
    let plain: Uri = "sip:user@example.com".parse().unwrap();
    assert!(escaped.headers.to().unwrap().uri.equivalent(&plain));
    let nul = request("escnull");
    let to = nul.headers.to().unwrap();
    assert_eq!(to.uri.user_unescaped().as_deref(), Some("null-\0-null"));
    let Contacts::List(contacts) = nul.headers.contacts().unwrap() else {
        panic!("a star")
    };
    assert!(!contacts[0].uri.equivalent(&contacts[1].uri));
    let no_escapes = request("esc02");
    assert_eq!(no_escapes.method.as_str(), "RE%47IST%45R");
    assert_eq!(
        no_escapes.headers.to().unwrap().display_name.as_deref(),
        Some("%Z%45")
    );
    let Contacts::List(contacts) = no_escapes.headers.contacts().unwrap() else {
        panic!("a star")
    };
    assert_eq!(contacts.len(), 2, "C%6Fntact is another header");
}

#[test]
fn thirty_four_vias_are_read() {
    let vias = request("longreq").headers.vias().unwrap();
    assert_eq!(vias.len(), 34);
    assert_eq!(vias[33].received(), "192.0.2.5".parse().ok());
    assert_eq!(
        vias[33].branch().map(str::len),
        Some("verybranchvalue".len() + 50 * "long".len())
    );
}

#[test]
fn odd_reasons_transports_and_bodies_survive() {
    assert!(
        response("unreason")
            .reason
            .starts_with("= 2**3 * 5**2 но сто девяносто")
    );
    assert_eq!(response("noreason").reason, "");
    let vias = request("transports").headers.vias().unwrap();
    let told: Vec<_> = vias.iter().map(|via| via.transport.as_str()).collect();
    assert_eq!(told, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    let parts = request("mpart01");
    assert_eq!(parts.body.len(), 553);
    let media = parts.headers.content_type().unwrap();
    assert_eq!(media.params.get("boundary"), Some("7a9cbec02ceef655"));
    let double = request("dblreq");
    assert_eq!((double.method.as_str(), double.body.len()), ("REGISTER", 0));
}

#[test]
fn ipv6_addresses_are_understood() {
    let good = request("4.1_ipv6-good");
    assert_eq!(good.uri.to_string(), "sip:[2001:db8::10]");
    assert_eq!(
        good.headers.top_via().unwrap().sent_by.to_string(),
        "[2001:db8::9:1]"
    );
    let port = |file: &str| request(file).uri.as_sip().unwrap().host_port.port;
    assert_eq!(
        (port("4.3_port-ambiguous"), port("4.4_port-unambiguous")),
        (None, Some(5070))
    );
    for file in [
        "4.5_via-received-param-no-delim",
        "4.5_via-received-param-with-delim",
    ] {
        let via = request(file).headers.top_via().unwrap();
        assert_eq!(via.received(), "2001:db8::9:255".parse().ok(), "{file}");
    }
    let mixed = request("4.7_mult-ip-in-header").headers.vias().unwrap();
    assert_eq!(mixed[2].received(), "192.0.2.200".parse().ok());
    assert_eq!(mixed[0].sent_by.port, Some(6050));
    let three = request("4.10_ipv6-bug-abnf-3-colons");
    let two = request("4.10_ipv6-correct-abnf-2-colons");
    assert!(three.uri.equivalent(&two.uri));
    assert_eq!(three.uri.to_string(), "sip:user@[2001:db8::c000:201]");
}

#[test]
fn sdp_with_ipv6_is_accepted_when_its_length_is_right() {
    let text = String::from_utf8(bytes("4.6_ipv6-in-sdp")).unwrap();
    let parsed = parse_datagram(text.replace("Length: 268", "Length: 251").as_bytes()).unwrap();
    assert_eq!(parsed.defects, []);
    assert!(parsed.message.body().starts_with(b"v=0\r\no=assistant"));
}

/// Written and read again, the message is the same, except that its Content-Length is right.
fn assert_survives(message: &Message, what: &str) {
    let bytes = message
        .to_bytes()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let again = match parse_datagram(&bytes) {
        Ok(again) => again,
        Err(error) => panic!("{what}: {error}\n{}", String::from_utf8_lossy(&bytes)),
    };
    let without_length = |message: &Message| {
        let mut message = message.clone();
        message.headers_mut().remove(&HeaderName::CONTENT_LENGTH);
        message
    };
    assert_eq!(
        without_length(&again.message),
        without_length(message),
        "{what}"
    );
}
