//! Requests of the far side.

use super::*;
use crate::sip::transaction::testing::{millis, secs};
use crate::sip::transaction::{ConnectionId, RespondError};

#[test]
fn a_request_is_passed_once_with_its_source_written_into_the_via() {
    let mut desk = Desk::new();
    let text = incoming(
        "OPTIONS",
        "UDP 10.0.0.1:5062;branch=z9hG4bKo;rport",
        "1 OPTIONS",
        "",
    );
    let asked = desk.receive(&text, udp());
    let (_, request) = passed(&asked);
    assert_eq!(
        request.headers.top_via().unwrap().to_string(),
        "SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKo;rport=5070;received=198.51.100.7"
    );
    assert!(desk.receive(&text, udp()).is_nothing());
}

#[test]
fn responses_go_where_the_via_and_the_source_say() {
    for (params, to) in [
        (";rport", "198.51.100.7:5070"),
        ("", "198.51.100.7:5062"),
        (";maddr=203.0.113.5;rport", "198.51.100.7:5070"),
        (";maddr=198.51.100.7;rport", "198.51.100.7:5062"),
        (";maddr=224.2.0.1;rport", "198.51.100.7:5070"),
        (";maddr=example.com;rport", "198.51.100.7:5070"),
        (";received=203.0.113.66", "198.51.100.7:5062"),
    ] {
        let mut desk = Desk::new();
        let via = format!("UDP 10.0.0.1:5062;branch=z9hG4bKo{params}");
        let asked = desk.receive(&incoming("OPTIONS", &via, "1 OPTIONS", ""), udp());
        let (key, request) = passed(&asked);
        let asked = desk.respond(key, request.response(StatusCode::OK, Some("me")));
        assert_eq!(asked.sent[0].0.remote, to.parse().unwrap(), "{params}");
        assert_eq!(asked.sent[0].0.local, udp().local);
    }
}

#[test]
fn without_a_port_in_the_via_responses_go_to_5060() {
    let mut desk = Desk::new();
    let via = "UDP host.example.com;branch=z9hG4bKo";
    let (key, request) = passed(&desk.receive(&incoming("OPTIONS", via, "1 OPTIONS", ""), udp()));
    let asked = desk.respond(key, request.response(StatusCode::OK, Some("me")));
    assert_eq!(asked.sent[0].0.remote, "198.51.100.7:5060".parse().unwrap());
}

#[test]
fn a_repeated_request_is_answered_from_the_transaction_for_32_seconds() {
    let mut desk = Desk::new();
    let text = incoming(
        "OPTIONS",
        "UDP 198.51.100.7:5070;branch=z9hG4bKo",
        "1 OPTIONS",
        "",
    );
    let (key, request) = passed(&desk.receive(&text, udp()));
    let first = desk.respond(key, request.response(StatusCode::OK, Some("me")));
    assert_eq!(desk.pass(millis(31_999)).events, []);
    let again = desk.receive(&text, udp());
    assert_eq!((again.bytes, again.events), (first.bytes, vec![]));
    desk.pass(millis(1));
    assert!(desk.layer.is_empty());
    passed(&desk.receive(&text, udp()));
}

#[test]
fn a_silent_user_is_covered_by_100_without_a_tag() {
    let mut desk = Desk::new();
    let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
    let asked = desk.jump().unwrap();
    assert_eq!(
        (asked.said(), desk.elapsed()),
        (vec!["100".to_owned()], millis(200))
    );
    assert_eq!(asked.response(0).headers.to().unwrap().tag(), None);
    assert_eq!(desk.receive(&incoming_invite(), udp()).said(), ["100"]);
    let asked = desk.respond(key, request.response(StatusCode::RINGING, Some("me")));
    assert_eq!(asked.said(), ["180"]);
    assert_eq!(desk.receive(&incoming_invite(), udp()).said(), ["180"]);
}

#[test]
fn a_response_without_to_tag_gets_one_and_keeps_it() {
    let mut desk = Desk::new();
    let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
    let tag = |asked: &Asked| {
        asked
            .response(0)
            .headers
            .to()
            .unwrap()
            .tag()
            .map(str::to_owned)
            .unwrap()
    };
    let ringing = tag(&desk.respond(key, request.response(StatusCode::RINGING, None)));
    let busy = tag(&desk.respond(key, request.response(StatusCode::BUSY_HERE, None)));
    assert_eq!(ringing, busy);
}

fn ack(branch: &str, tag: &str) -> String {
    let via = format!("UDP 198.51.100.7:5070;branch={branch};rport");
    incoming("ACK", &via, "1 ACK", &format!(";tag={tag}"))
}

#[test]
fn a_refusal_is_repeated_until_its_ack_which_the_user_never_sees() {
    let mut desk = Desk::new();
    let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
    let first = desk.respond(key, request.response(StatusCode::BUSY_HERE, Some("me")));
    for at in [500, 1_500, 3_500, 7_500] {
        assert_eq!(desk.jump().unwrap().bytes, first.bytes);
        assert_eq!(desk.elapsed(), millis(at));
    }
    assert!(desk.receive(&ack("z9hG4bKinv", "me"), udp()).is_nothing());
    let end = desk.jump().unwrap();
    assert!(end.is_nothing());
    assert_eq!(desk.elapsed(), millis(7_500) + secs(5));
    assert!(desk.layer.is_empty());
}

#[test]
fn a_2xx_is_repeated_until_the_ack_of_its_dialog_which_is_passed_once() {
    let mut desk = Desk::new();
    let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
    let first = desk.respond(key, request.response(StatusCode::OK, Some("me")));
    assert_eq!(desk.jump().unwrap().bytes, first.bytes);
    assert!(
        desk.receive(&incoming_invite(), udp()).is_nothing(),
        "absorbed (RFC 6026)"
    );

    assert!(
        desk.receive(&ack("z9hG4bKack", "somebody-else"), udp())
            .is_nothing()
    );
    let asked = desk.receive(&ack("z9hG4bKack", "me"), udp());
    assert!(asked.sent.is_empty());
    assert!(
        matches!(&asked.events[..], [Event::Ack { key: k, request, .. }]
            if *k == key && request.method == Method::Ack)
    );
    assert!(
        desk.receive(&ack("z9hG4bKack", "me"), udp()).is_nothing(),
        "once"
    );
    assert!(desk.jump().unwrap().is_nothing());
    assert_eq!(desk.elapsed(), secs(32), "timer L");
    assert!(desk.layer.is_empty());
}

#[test]
fn an_ack_that_wrongly_uses_the_branch_of_the_invite_acknowledges_a_2xx() {
    let mut desk = Desk::new();
    let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
    desk.respond(key, request.response(StatusCode::OK, Some("me")));
    let asked = desk.receive(&ack("z9hG4bKinv", "me"), udp());
    assert!(matches!(asked.events[..], [Event::Ack { .. }]));
}

#[test]
fn a_2xx_that_nobody_acknowledges_is_reported_after_64_t1() {
    let mut desk = Desk::new();
    let from = Peer {
        connection: Some(ConnectionId(3)),
        ..tcp()
    };
    let text = incoming(
        "INVITE",
        "TCP 198.51.100.7:5070;branch=z9hG4bKi",
        "1 INVITE",
        "",
    );
    let (key, request) = passed(&desk.receive(&text, from));
    desk.respond(key, request.response(StatusCode::OK, Some("me")));
    let mut repeated = 0;
    let mut events = Vec::new();
    while let Some(asked) = desk.jump() {
        repeated += asked.sent.len();
        events.extend(asked.events);
    }
    // RFC 3261 section 13.3.1.4: on every transport.
    assert_eq!((repeated, desk.elapsed()), (10, secs(32)));
    assert_eq!(events, [Event::AckMissing { key }]);
}

#[test]
fn a_2xx_is_no_longer_repeated_when_its_dialog_has_ended() {
    let mut desk = Desk::new();
    let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
    desk.respond(key, request.response(StatusCode::OK, Some("me")));
    desk.layer.stop_awaiting_ack(&key);
    assert!(desk.jump().unwrap().is_nothing());
    assert_eq!(desk.elapsed(), secs(32));
}

fn cancel() -> String {
    incoming(
        "CANCEL",
        "UDP 198.51.100.7:5070;branch=z9hG4bKinv;rport",
        "1 CANCEL",
        "",
    )
}

/// The one event of a CANCEL: whose INVITE it takes back, and the words it brings for it.
fn cancelled(asked: &Asked) -> (ServerKey, Option<String>) {
    match asked.events.as_slice() {
        [Event::Cancelled { key, cancel }] => {
            assert_eq!(cancel.method, Method::Cancel);
            let mut reasons = cancel.headers.reasons().into_iter();
            (*key, reasons.next().and_then(|reason| reason.text))
        }
        other => panic!("no CANCEL: {other:?}"),
    }
}

#[test]
fn a_cancel_is_answered_200_with_the_tag_of_the_invite_and_told_once() {
    let mut desk = Desk::new();
    let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
    desk.respond(key, request.response(StatusCode::RINGING, Some("me")));
    let asked = desk.receive(&cancel(), udp());
    assert_eq!(asked.said(), ["200"]);
    assert_eq!(asked.response(0).headers.to().unwrap().tag(), Some("me"));
    assert_eq!(
        asked.response(0).headers.cseq().unwrap().method,
        Method::Cancel
    );
    assert_eq!(cancelled(&asked), (key, None));

    let again = desk.receive(&cancel(), udp());
    assert_eq!(
        (again.said(), again.events.len()),
        (vec!["200".to_owned()], 0)
    );
    let ended = desk.respond(
        key,
        request.response(StatusCode::REQUEST_TERMINATED, Some("me")),
    );
    assert_eq!(ended.said(), ["487"]);
}

#[test]
fn a_cancel_that_crosses_the_final_response_is_answered_and_changes_nothing() {
    for status in [StatusCode::OK, StatusCode::BUSY_HERE] {
        let mut desk = Desk::new();
        let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
        desk.respond(key, request.response(status, Some("me")));
        let asked = desk.receive(&cancel(), udp());
        assert_eq!(
            (asked.said(), asked.events.len()),
            (vec!["200".to_owned()], 0)
        );
    }
}

#[test]
fn a_cancel_without_its_invite_is_answered_481() {
    let mut desk = Desk::new();
    let asked = desk.receive(&cancel(), udp());
    assert_eq!(
        (asked.said(), asked.events.len()),
        (vec!["481".to_owned()], 0)
    );
    let mut desk = Desk::new();
    passed(&desk.receive(&incoming_invite(), udp()));
    let elsewhere = cancel().replace("198.51.100.7:5070;branch", "198.51.100.7:5071;branch");
    assert_eq!(desk.receive(&elsewhere, udp()).said(), ["481"]);
}

#[test]
fn a_request_that_comes_by_two_ways_is_refused_the_second_time() {
    let mut desk = Desk::new();
    passed(&desk.receive(&incoming_invite(), udp()));
    let other_way = incoming_invite().replace("z9hG4bKinv", "z9hG4bKfork");
    let asked = desk.receive(&other_way, udp());
    assert_eq!(
        (asked.said(), asked.events.len()),
        (vec!["482".to_owned()], 0)
    );
    assert!(desk.receive(&ack("z9hG4bKfork", "x"), udp()).is_nothing());

    let mut desk = Desk::new();
    let within = |branch| {
        let via = format!("UDP 198.51.100.7:5070;branch={branch}");
        incoming("INFO", &via, "5 INFO", ";tag=me")
    };
    passed(&desk.receive(&within("z9hG4bK1"), udp()));
    passed(&desk.receive(&within("z9hG4bK2"), udp()));
}

#[test]
fn an_invite_that_a_proxy_tries_again_after_its_end_rings_again() {
    let mut desk = Desk::new();
    let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
    let refused = request.response(StatusCode::TEMPORARILY_UNAVAILABLE, None);
    desk.layer.respond(desk.now, &key, refused).unwrap();
    desk.poll();
    let again = incoming_invite().replace("z9hG4bKinv", "z9hG4bKagain");
    passed(&desk.receive(&again, udp()));
    let third = incoming_invite().replace("z9hG4bKinv", "z9hG4bKthird");
    // The first transaction ends; the second is still what a third is merged with.
    desk.now += secs(40);
    desk.layer.handle_timeout(desk.now);
    desk.poll();
    assert_eq!(desk.receive(&third, udp()).said(), ["482"]);
}

#[test]
fn the_first_of_two_merged_requests_is_remembered_when_the_second_is_forgotten() {
    let mut desk = Desk::new();
    passed(&desk.receive(&incoming_invite(), udp()));
    for branch in ["z9hG4bKfork", "z9hG4bKfork2"] {
        let other_way = incoming_invite().replace("z9hG4bKinv", branch);
        assert_eq!(desk.receive(&other_way, udp()).said(), ["482"]);
        desk.receive(&ack(branch, "x"), udp());
        desk.pass(secs(5));
    }
}

#[test]
fn the_same_branch_from_another_sender_is_another_transaction() {
    let mut desk = Desk::new();
    let of = |sent_by: &str, call: &str| {
        let via = format!("UDP {sent_by};branch=z9hG4bKsame");
        incoming("OPTIONS", &via, "1 OPTIONS", "").replace("call@bob", call)
    };
    let (first, _) = passed(&desk.receive(&of("a.example.com", "a"), udp()));
    let (second, _) = passed(&desk.receive(&of("b.example.com", "b"), udp()));
    assert_ne!(first, second);
    assert!(
        desk.receive(&of("A.example.com:5060", "a"), udp())
            .is_nothing()
    );
}

#[test]
fn a_sender_of_rfc_2543_is_matched_by_the_request_itself() {
    let mut desk = Desk::new();
    let old = |method, cseq, tag| incoming(method, "UDP 198.51.100.7:5070;branch=1", cseq, tag);
    let (key, request) = passed(&desk.receive(&old("INVITE", "1 INVITE", ""), udp()));
    assert!(
        desk.receive(&old("INVITE", "1 INVITE", ""), udp())
            .is_nothing()
    );
    let (next, _) = passed(&desk.receive(&old("INVITE", "2 INVITE", ""), udp()));
    assert_ne!(key, next);

    desk.respond(key, request.response(StatusCode::BUSY_HERE, Some("me")));
    assert_eq!(
        desk.receive(&old("INVITE", "1 INVITE", ""), udp()).said(),
        ["486"]
    );
    desk.receive(&old("ACK", "1 ACK", ";tag=other"), udp());
    assert_eq!(
        desk.receive(&old("INVITE", "1 INVITE", ""), udp()).said(),
        ["486"]
    );
    desk.receive(&old("ACK", "1 ACK", ";tag=me"), udp());
    assert!(
        desk.receive(&old("INVITE", "1 INVITE", ""), udp())
            .is_nothing()
    );

    let asked = desk.receive(&old("CANCEL", "2 CANCEL", ""), udp());
    assert_eq!(cancelled(&asked).0, next);
}

#[test]
fn a_response_goes_back_on_its_connection_and_when_that_is_lost_to_where_the_sender_listens() {
    let mut desk = Desk::new();
    let from = Peer {
        remote: "198.51.100.7:40001".parse().unwrap(),
        connection: Some(ConnectionId(3)),
        ..tcp()
    };
    let text = incoming(
        "INVITE",
        "TCP 198.51.100.7:5070;branch=z9hG4bKi;rport",
        "1 INVITE",
        "",
    );
    let (key, request) = passed(&desk.receive(&text, from));
    assert_eq!(
        desk.respond(key, request.response(StatusCode::BUSY_HERE, Some("me")))
            .sent[0]
            .0,
        from
    );
    desk.layer.handle_transport_error(desk.now, from);
    let asked = desk.poll();
    assert_eq!(
        (asked.said(), asked.sent[0].0),
        (vec!["486".to_owned()], tcp())
    );
    assert_eq!(desk.receive(&text, from).sent[0].0, tcp(), "from now on");
    desk.layer.handle_transport_error(desk.now, tcp());
    assert!(desk.poll().is_nothing(), "no third way");
    assert_eq!(
        desk.layer.len(),
        1,
        "the state stays (RFC 6026 section 7.1)"
    );
}

#[test]
fn answering_twice_or_too_late_is_an_error_that_changes_nothing() {
    let mut desk = Desk::new();
    let (key, request) = passed(&desk.receive(&incoming_invite(), udp()));
    let ok = request.response(StatusCode::OK, Some("me"));
    desk.respond(key, ok.clone());
    assert_eq!(
        desk.layer.respond(
            desk.now,
            &key,
            request.response(StatusCode::BUSY_HERE, Some("x"))
        ),
        Err(RespondError::Answered)
    );
    assert!(desk.poll().is_nothing());
    while desk.jump().is_some() {}
    assert_eq!(
        desk.layer.respond(desk.now, &key, ok),
        Err(RespondError::Gone)
    );
}

#[test]
fn a_request_of_another_version_or_without_sense_is_answered_from_no_transaction() {
    for (text, status) in [
        (
            incoming_invite().replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"),
            "SIP/2.0 505 ",
        ),
        (
            incoming_invite().replace("CSeq: 1 INVITE", "CSeq: one INVITE"),
            "SIP/2.0 400 ",
        ),
    ] {
        let mut desk = Desk::new();
        // Not read back: the answer repeats the header that cannot be read.
        let mut answer = || {
            desk.layer.handle_datagram(desk.now, text.as_bytes(), udp());
            let Output::Transmit { to, bytes } = desk.layer.poll_output() else {
                panic!("no answer to {text}");
            };
            assert_eq!(to, udp());
            assert_eq!(
                desk.layer.poll_output(),
                Output::Wait(None),
                "no transaction"
            );
            String::from_utf8(bytes).unwrap()
        };
        let first = answer();
        assert!(first.starts_with(status), "{first}");
        assert!(first.contains(";received=198.51.100.7"), "{first}");
        assert_eq!(answer(), first, "the same each time");
    }
}

#[test]
fn a_readable_request_with_a_fault_is_refused_and_not_passed() {
    let mut desk = Desk::new();
    let mismatch = incoming_invite().replace("CSeq: 1 INVITE", "CSeq: 1 OPTIONS");
    let asked = desk.receive(&mismatch, udp());
    assert_eq!(
        (asked.said(), asked.events.len()),
        (vec!["400".to_owned()], 0)
    );
}

#[test]
fn what_belongs_to_nothing_is_dropped() {
    let mut desk = Desk::new();
    for stray in [
        "",
        "\r\n\r\n",
        "\0\0\0\0",
        "hello",
        &ack("z9hG4bKinv", "me"),
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n\
         CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert!(desk.receive(stray, udp()).is_nothing(), "{stray:?}");
    }
    assert!(desk.layer.is_empty());
}
