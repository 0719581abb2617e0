//! What the parser makes of the messages that real phones, old phones and attackers send.

use super::*;
use crate::sip::{Contacts, WriteError};

const OPTIONS: &str = "OPTIONS sip:b@h SIP/2.0\r\n\
    Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
    From: <sip:a@h>;tag=1\r\n\
    To: <sip:b@h>\r\n\
    Call-ID: c\r\n\
    CSeq: 1 OPTIONS\r\n\
    Max-Forwards: 70\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 4\r\n\r\nbody";

fn read(bytes: &[u8]) -> Parsed {
    parse_datagram(bytes).unwrap()
}

/// The message and the kinds of its defects.
fn with_defects(text: &str) -> (Message, Vec<DefectKind>) {
    let parsed = read(text.as_bytes());
    (
        parsed.message,
        parsed
            .defects
            .into_iter()
            .map(|defect| defect.kind)
            .collect(),
    )
}

fn refused(text: &str) -> (ParseErrorKind, Option<u16>) {
    let error = parse_datagram(text.as_bytes()).unwrap_err();
    (error.kind, error.reply.map(|reply| reply.status.code()))
}

#[test]
fn a_message_without_fault_has_no_defects() {
    let (message, defects) = with_defects(OPTIONS);
    assert_eq!(defects, []);
    assert_eq!(message.body(), b"body");
    assert_eq!(message.headers().len(), 8);
}

#[test]
fn compact_names_are_read() {
    let text = "MESSAGE sip:b@h SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\n\
        t: <sip:b@h>\r\ni: c\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nm: <sip:a@h>\r\n\
        c: text/plain\r\ns: hello\r\nk: path, 100rel\r\nl: 2\r\n\r\nhi";
    let (message, defects) = with_defects(text);
    assert_eq!(defects, []);
    let headers = message.headers();
    assert_eq!(headers.top_via().unwrap().branch(), Some("z9hG4bK1"));
    assert_eq!(headers.from().unwrap().tag(), Some("1"));
    assert_eq!(headers.call_id(), Ok("c"));
    assert!(matches!(headers.contacts(), Ok(Contacts::List(list)) if list.len() == 1));
    assert!(headers.content_type().unwrap().is("text", "plain"));
    assert_eq!(headers.get(&HeaderName::SUBJECT), Some("hello"));
    assert_eq!(headers.tokens(&HeaderName::SUPPORTED), ["path", "100rel"]);
    assert_eq!(headers.content_length(), Ok(Some(2)));
    assert_eq!(message.body(), b"hi");
}

#[test]
fn folded_lines_are_one_header() {
    let text = OPTIONS
        .replace("To: <sip:b@h>", "To:\r\n <sip:b@h>\r\n\t;x\r\n  = \"y\"")
        .replace("CSeq: 1 OPTIONS", "CSeq: 1\r\n   OPTIONS");
    let (message, defects) = with_defects(&text);
    assert_eq!(defects, []);
    let to = message.headers().to().unwrap();
    assert_eq!(
        (to.uri.to_string().as_str(), to.params.get("x")),
        ("sip:b@h", Some("y"))
    );
    assert_eq!(message.headers().cseq().unwrap().seq, 1);
}

#[test]
fn spaces_before_the_colon_are_no_part_of_the_name() {
    let (message, defects) = with_defects(&OPTIONS.replace("Via:", "Via  \t:"));
    assert_eq!(defects, []);
    assert_eq!(
        message.headers().top_via().unwrap().branch(),
        Some("z9hG4bK1")
    );
}

#[test]
fn lines_that_end_with_lf_alone_are_read() {
    let (message, defects) = with_defects(&OPTIONS.replace("\r\n", "\n"));
    assert_eq!(
        defects,
        [DefectKind::BareLineFeed, DefectKind::BareLineFeed]
    );
    assert_eq!(message.body(), b"body");
    assert_eq!(message.headers().len(), 8);
}

#[test]
fn empty_lines_before_the_message_are_skipped() {
    let (message, defects) = with_defects(&format!("\r\n\r\n{OPTIONS}"));
    assert_eq!(defects, [DefectKind::LeadingLineBreaks]);
    assert_eq!(message.headers().len(), 8);
}

#[test]
fn nothing_but_line_breaks_is_a_keep_alive() {
    assert_eq!(refused(""), (ParseErrorKind::Empty, None));
    assert_eq!(refused("\r\n\r\n"), (ParseErrorKind::Empty, None));
}

#[test]
fn unknown_methods_are_read_so_that_they_can_be_answered() {
    let (message, defects) = with_defects(&OPTIONS.replace("OPTIONS", "NEWMETHOD"));
    assert_eq!(defects, []);
    let Message::Request(request) = message else {
        panic!("a response")
    };
    assert_eq!(request.method, Method::Other("NEWMETHOD".to_owned()));
    assert_eq!(request.headers.cseq().unwrap().method, request.method);
}

#[test]
fn reason_phrases_survive() {
    let text = OPTIONS.replace("OPTIONS sip:b@h SIP/2.0", "SIP/2.0 480 Gone fishing");
    let (message, _) = with_defects(&text);
    let Message::Response(response) = message else {
        panic!("a request")
    };
    assert_eq!(
        (response.status.code(), response.reason.as_str()),
        (480, "Gone fishing")
    );
    assert!(
        response
            .to_bytes()
            .unwrap()
            .starts_with(b"SIP/2.0 480 Gone fishing\r\n")
    );
}

#[test]
fn content_length_ends_the_body() {
    let (message, defects) = with_defects(&OPTIONS.replace("Length: 4", "Length: 2"));
    assert_eq!(
        (message.body(), defects),
        (&b"bo"[..], vec![DefectKind::BytesAfterBody])
    );
    let (message, defects) = with_defects(&OPTIONS.replace("Content-Length: 4\r\n", ""));
    assert_eq!((message.body(), defects), (&b"body"[..], vec![]));
}

#[test]
fn a_body_shorter_than_its_length_is_refused() {
    let parsed = read(OPTIONS.replace("Length: 4", "Length: 5").as_bytes());
    assert_eq!(parsed.defects[0].kind, DefectKind::BodyTooShort);
    assert_eq!(parsed.fault(), Some(StatusCode::BAD_REQUEST));
    let refusal = parsed.refusal().unwrap();
    assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
    assert!(refusal.headers.to().unwrap().tag().is_some());
    let huge = format!("Length: {}", u128::MAX);
    assert!(
        read(OPTIONS.replace("Length: 4", &huge).as_bytes())
            .fault()
            .is_some()
    );
}

#[test]
fn lengths_that_disagree_are_refused_and_the_same_twice_is_not() {
    let twice = |other: &str| OPTIONS.replace("Length: 4", &format!("Length: 4\r\nl: {other}"));
    assert_eq!(with_defects(&twice("4")).1, [DefectKind::RepeatedHeader]);
    assert_eq!(
        with_defects(&twice("3")).1,
        [DefectKind::ConflictingHeaders]
    );
    assert!(read(twice("3").as_bytes()).fault().is_some());
    assert!(read(twice("x").as_bytes()).fault().is_some());
}

#[test]
fn headers_and_bodies_that_are_not_utf8_survive() {
    let text = OPTIONS.replace("Max-Forwards: 70", "Max-Forwards: 70\r\nSubject: caf#");
    let mut bytes = text.into_bytes();
    for byte in &mut bytes {
        if *byte == b'#' {
            *byte = 0xe9;
        }
    }
    let end = bytes.len() - 4;
    bytes[end..].copy_from_slice(&[0xff, 0, 0xfe, b'\n']);
    let parsed = read(&bytes);
    assert_eq!(parsed.defects, []);
    assert_eq!(
        parsed
            .message
            .headers()
            .header(&HeaderName::SUBJECT)
            .unwrap()
            .bytes(),
        b"caf\xe9"
    );
    assert_eq!(parsed.message.body(), [0xff, 0, 0xfe, b'\n']);
    assert_eq!(parsed.message.to_bytes().unwrap(), bytes);
}

#[test]
fn a_carriage_return_in_a_line_does_not_begin_another_header() {
    let (message, defects) = with_defects(&OPTIONS.replace("To: <", "To: \rEvil: 1 <"));
    assert_eq!(
        defects,
        [DefectKind::BareCarriageReturn, DefectKind::QuotesNeeded]
    );
    assert!(!message.headers().has(&HeaderName::new("Evil")));
    assert!(message.to_bytes().is_ok());
}

#[test]
fn a_nul_in_a_header_is_refused_and_never_written() {
    let parsed = read(OPTIONS.replace("plain", "pl\0ain").as_bytes());
    assert_eq!(parsed.fault(), Some(StatusCode::BAD_REQUEST));
    let name = HeaderName::CONTENT_TYPE;
    assert_eq!(
        parsed.message.to_bytes(),
        Err(WriteError::HeaderValue { name })
    );
    assert!(parsed.refusal().unwrap().to_bytes().is_ok());
}

#[test]
fn a_line_without_colon_is_left_out() {
    let (message, defects) = with_defects(&OPTIONS.replace("Call-ID", "Foobar roobar\r\nCall-ID"));
    assert_eq!(defects, [DefectKind::UnreadableLine]);
    assert_eq!(message.headers().len(), 8);
}

#[test]
fn a_message_cut_off_after_its_headers_is_read() {
    let text = OPTIONS.split("Content-Type").next().unwrap();
    assert_eq!(with_defects(text).1, [DefectKind::NoEmptyLine]);
    assert_eq!(with_defects(text.trim_end()).1, [DefectKind::NoEmptyLine]);
}

#[test]
fn each_header_that_is_needed_is_missed() {
    for (line, name) in [
        ("From: <sip:a@h>;tag=1\r\n", HeaderName::FROM),
        ("To: <sip:b@h>\r\n", HeaderName::TO),
        ("Call-ID: c\r\n", HeaderName::CALL_ID),
        ("CSeq: 1 OPTIONS\r\n", HeaderName::CSEQ),
    ] {
        let (kind, reply) = refused(&OPTIONS.replace(line, ""));
        assert_eq!(kind, ParseErrorKind::Header(HeaderError::Missing { name }));
        assert_eq!(reply, Some(400));
    }
    // Without a Via nobody knows where an answer would go.
    let (kind, reply) = refused(&OPTIONS.replace("Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n", ""));
    let name = HeaderName::VIA;
    assert_eq!(kind, ParseErrorKind::Header(HeaderError::Missing { name }));
    assert_eq!(reply, None);
}

#[test]
fn an_ack_is_never_answered() {
    let ack = OPTIONS.replace("OPTIONS", "ACK");
    assert_eq!(refused(&ack.replace("Call-ID: c\r\n", "")).1, None);
    let faulty = read(ack.replace("1 ACK", "1 BYE").as_bytes());
    assert_eq!(faulty.fault(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(faulty.refusal(), None);
}

#[test]
fn the_same_refusal_goes_to_each_retransmission() {
    let faulty = OPTIONS.replace("1 OPTIONS", "1 BYE");
    let tag = |text: &str| {
        let refusal = read(text.as_bytes()).refusal().unwrap();
        refusal
            .headers
            .to()
            .unwrap()
            .tag()
            .map(str::to_owned)
            .unwrap()
    };
    assert_eq!(tag(&faulty), tag(&faulty));
    assert_ne!(tag(&faulty), tag(&faulty.replace("z9hG4bK1", "z9hG4bK2")));
}

#[test]
fn headers_that_contradict_each_other_are_refused() {
    for line in [
        "CSeq: 2 OPTIONS",
        "Call-ID: d",
        "From: <sip:x@h>;tag=9",
        "To: <sip:y@h>",
    ] {
        let text = OPTIONS.replace("Max-Forwards", &format!("{line}\r\nMax-Forwards"));
        let parsed = read(text.as_bytes());
        assert_eq!(
            parsed.defects[0].kind,
            DefectKind::ConflictingHeaders,
            "{line}"
        );
        assert_eq!(parsed.fault(), Some(StatusCode::BAD_REQUEST));
    }
}

#[test]
fn a_star_contact_removes_all_bindings_or_is_refused() {
    let register = OPTIONS.replace("OPTIONS", "REGISTER");
    let with = |text: &str, line: &str| {
        with_defects(&text.replace("Max-Forwards", &format!("{line}\r\nMax-Forwards"))).1
    };
    assert_eq!(with(&register, "Contact: *"), []);
    assert_eq!(
        with(&register, "Contact: *, <sip:a@h>"),
        [DefectKind::StarContact]
    );
    assert_eq!(with(OPTIONS, "Contact: *"), [DefectKind::StarContact]);
}

#[test]
fn a_response_is_used_in_spite_of_a_header_that_only_a_request_needs() {
    let ok = OPTIONS.replace("OPTIONS sip:b@h SIP/2.0", "SIP/2.0 200 OK");
    let text = ok.replace("Max-Forwards: 70", "Max-Forwards: 700\r\nContact: nonsense");
    let parsed = read(text.as_bytes());
    assert_eq!(parsed.fault(), None);
    assert_eq!(parsed.defects.len(), 2);
    let doubled = ok.replace("UDP h;", "UDP g;branch=z9hG4bK0, SIP/2.0/UDP h;");
    assert_eq!(
        read(doubled.as_bytes()).defects[0].kind,
        DefectKind::SeveralVias
    );
    assert!(read(doubled.as_bytes()).fault().is_some());
}

#[test]
fn more_headers_than_any_message_has_are_refused() {
    let fits = "X: y\r\n".repeat(MAX_HEADERS - 8);
    assert!(parse_datagram(OPTIONS.replace("Via", &format!("{fits}Via")).as_bytes()).is_ok());
    // At the end, so that the sender is known.
    let many = "X: y\r\n".repeat(20_000);
    let text = OPTIONS.replace("Content-Type", &format!("{many}Content-Type"));
    assert_eq!(refused(&text), (ParseErrorKind::TooManyHeaders, Some(513)));
}
