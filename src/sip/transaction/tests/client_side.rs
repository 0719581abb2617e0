//! Requests of ours.

use super::*;
use crate::sip::transaction::testing::{millis, secs};
use crate::sip::transaction::{Failure, SendError};

#[test]
fn a_request_gets_a_via_with_our_address_a_cookie_and_rport() {
    let mut desk = Desk::new();
    let (_, asked) = desk.request(options(), udp());
    let via = asked.request(0).headers.top_via().unwrap();
    assert_eq!(via.sent_by.to_string(), OURS);
    assert_eq!(via.transport.known(), Some(Transport::Udp));
    assert_eq!(via.rport(), Some(None));
    assert!(via.has_magic_cookie());
    assert_eq!(asked.sent[0].0, udp());
}

#[test]
fn an_unanswered_invite_is_the_same_bytes_seven_times_and_then_a_timeout() {
    let mut desk = Desk::new();
    let (key, first) = desk.request(invite(), udp());
    let mut times = Vec::new();
    let failure = loop {
        let asked = desk.jump().unwrap();
        if let [event] = &asked.events[..] {
            break event.clone();
        }
        assert_eq!(asked.bytes, first.bytes);
        times.push(desk.elapsed());
    };
    assert_eq!(
        times,
        [500, 1_500, 3_500, 7_500, 15_500, 31_500].map(millis)
    );
    assert_eq!(desk.elapsed(), secs(32));
    assert_eq!(
        failure,
        Event::Failed {
            key,
            failure: Failure::Timeout
        }
    );
    assert!(desk.layer.is_empty());
    assert!(desk.jump().is_none());
}

#[test]
fn an_ack_makes_no_transaction() {
    let mut desk = Desk::new();
    let mut ack = invite();
    ack.method = Method::Ack;
    assert_eq!(
        desk.layer.request(desk.now, ack.clone(), udp()),
        Err(SendError::Ack)
    );
    assert!(desk.poll().is_nothing());

    desk.layer.send_ack(ack, udp()).unwrap();
    let asked = desk.poll();
    assert_eq!(asked.said(), ["ACK"]);
    assert!(
        asked
            .request(0)
            .headers
            .top_via()
            .unwrap()
            .has_magic_cookie()
    );
    assert!(desk.layer.is_empty());
}

#[test]
fn a_request_that_cannot_be_written_leaves_nothing_behind() {
    let mut desk = Desk::new();
    let mut broken = options();
    broken.headers.push(HeaderName::SUBJECT, "a\r\nVia: b");
    assert!(matches!(
        desk.layer.request(desk.now, broken, udp()),
        Err(SendError::Write(_))
    ));
    assert!(desk.layer.is_empty());
    assert!(desk.poll().is_nothing());
}

#[test]
fn every_response_goes_to_the_request_that_asked() {
    let mut desk = Desk::new();
    let (first, sent_first) = desk.request(options(), udp());
    let (second, sent_second) = desk.request(options(), udp());
    assert_ne!(first, second);
    for (key, sent) in [(second, sent_second), (first, sent_first)] {
        let asked = desk.answered(sent.request(0), StatusCode::OK, "t");
        assert!(
            matches!(&asked.events[..], [Event::Response { key: k, response, from }]
                if *k == key && response.status == StatusCode::OK && *from == udp())
        );
    }
}

#[test]
fn a_response_is_dropped_unless_branch_sent_by_method_and_number_of_vias_are_right() {
    let mut desk = Desk::new();
    let (_, sent) = desk.request(options(), udp());
    let right = sent.request(0).response(StatusCode::OK, Some("t"));
    let via = right.headers.top_via().unwrap();

    let mut other_branch = right.clone();
    let mut strange = via.clone();
    strange.params.set("branch", Some("z9hG4bKother"));
    other_branch.headers.replace_top_via(&strange);

    let mut other_sent_by = right.clone();
    let mut strange = via.clone();
    strange.sent_by = "192.0.2.99:5060".parse().unwrap();
    other_sent_by.headers.replace_top_via(&strange);

    let mut other_method = right.clone();
    other_method.headers.set(HeaderName::CSEQ, "7 INVITE");

    let mut two_vias = right.clone();
    two_vias.headers.push_top_via(&via);

    for wrong in [other_branch, other_sent_by, other_method, two_vias] {
        desk.layer
            .handle_datagram(desk.now, &wrong.to_bytes().unwrap(), udp());
        assert!(desk.poll().is_nothing(), "{wrong:?}");
    }
    assert_eq!(
        desk.answered(sent.request(0), StatusCode::OK, "t")
            .events
            .len(),
        1
    );
}

#[test]
fn a_refusal_is_acknowledged_with_branch_route_and_number_of_the_invite() {
    let mut desk = Desk::new();
    let (_, sent) = desk.request(invite(), udp());
    let sent = sent.request(0).clone();
    let asked = desk.answered(&sent, StatusCode::BUSY_HERE, "busy");
    assert_eq!(
        (asked.said(), asked.events.len()),
        (vec!["ACK".to_owned()], 1)
    );
    let ack = asked.request(0);
    assert_eq!(ack.uri, sent.uri);
    assert_eq!(
        ack.headers.vias().unwrap(),
        [sent.headers.top_via().unwrap()]
    );
    assert_eq!(
        ack.headers.get_all(&HeaderName::ROUTE).collect::<Vec<_>>(),
        ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    );
    assert_eq!(
        ack.headers.get(&HeaderName::FROM),
        sent.headers.get(&HeaderName::FROM)
    );
    assert_eq!(ack.headers.to().unwrap().tag(), Some("busy"));
    assert_eq!(ack.headers.call_id().unwrap(), "call@alice");
    assert_eq!(ack.headers.get(&HeaderName::CSEQ), Some("7 ACK"));

    let again = desk.answered(&sent, StatusCode::BUSY_HERE, "busy");
    assert_eq!((again.bytes, again.events.len()), (asked.bytes, 0));
}

#[test]
fn each_2xx_of_a_fork_and_each_repetition_is_passed_and_left_to_the_user_to_acknowledge() {
    let mut desk = Desk::new();
    let (_, sent) = desk.request(invite(), udp());
    for tag in ["one", "two", "one"] {
        let asked = desk.answered(sent.request(0), StatusCode::OK, tag);
        assert!(asked.sent.is_empty());
        let [Event::Response { response, .. }] = &asked.events[..] else {
            panic!("{asked:?}")
        };
        assert_eq!(response.headers.to().unwrap().tag(), Some(tag));
    }
    assert_eq!(desk.pass(secs(32)).events, []);
    assert!(desk.layer.is_empty());
}

#[test]
fn a_cancel_waits_for_a_provisional_response_and_looks_like_its_invite() {
    let mut desk = Desk::new();
    let (key, sent) = desk.request(invite(), udp());
    let sent = sent.request(0).clone();
    let cancel_key = desk.layer.cancel(desk.now, &key).unwrap();
    assert!(desk.poll().is_nothing());
    assert_eq!(desk.layer.cancel(desk.now, &key), Some(cancel_key));

    let asked = desk.answered(&sent, StatusCode::RINGING, "t");
    assert_eq!(asked.said(), ["CANCEL"]);
    let cancel = asked.request(0);
    assert_eq!(cancel.uri, sent.uri);
    assert_eq!(
        cancel.headers.vias().unwrap(),
        [sent.headers.top_via().unwrap()]
    );
    for name in [
        HeaderName::FROM,
        HeaderName::TO,
        HeaderName::CALL_ID,
        HeaderName::ROUTE,
    ] {
        assert_eq!(
            cancel.headers.get_all(&name).collect::<Vec<_>>(),
            sent.headers.get_all(&name).collect::<Vec<_>>()
        );
    }
    assert_eq!(cancel.headers.get(&HeaderName::CSEQ), Some("7 CANCEL"));
    assert_eq!(desk.layer.cancel(desk.now, &key), Some(cancel_key));
    assert!(desk.poll().is_nothing(), "one CANCEL is enough");

    let answer = desk.answered(cancel, StatusCode::OK, "t");
    assert!(matches!(answer.events[..], [Event::Response { key, .. }] if key == cancel_key));
    let ended = desk.answered(&sent, StatusCode::REQUEST_TERMINATED, "t");
    assert_eq!(ended.said(), ["ACK"]);
    assert!(matches!(ended.events[..], [Event::Response { key: k, .. }] if k == key));
}

#[test]
fn a_cancel_goes_at_once_when_it_rings_and_is_sent_again_when_lost() {
    let mut desk = Desk::new();
    let (key, sent) = desk.request(invite(), udp());
    desk.answered(sent.request(0), StatusCode::RINGING, "t");
    desk.layer.cancel(desk.now, &key).unwrap();
    let first = desk.poll();
    assert_eq!(first.said(), ["CANCEL"]);
    assert_eq!(desk.pass(millis(500)).bytes, first.bytes);
}

#[test]
fn a_held_cancel_is_dropped_when_a_final_response_comes_first() {
    for (status, said) in [
        (StatusCode::OK, vec![]),
        (StatusCode::BUSY_HERE, vec!["ACK"]),
    ] {
        let mut desk = Desk::new();
        let (key, sent) = desk.request(invite(), udp());
        desk.layer.cancel(desk.now, &key).unwrap();
        assert_eq!(desk.answered(sent.request(0), status, "t").said(), said);
        while let Some(asked) = desk.jump() {
            assert!(asked.is_nothing());
        }
    }
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_passed() {
    let mut desk = Desk::new();
    let (key, sent) = desk.request(invite(), udp());
    let sent = sent.request(0).clone();
    desk.answered(&sent, StatusCode::RINGING, "t");
    desk.layer.cancel(desk.now, &key).unwrap();
    assert_eq!(desk.poll().said(), ["CANCEL"]);
    let asked = desk.answered(&sent, StatusCode::OK, "t");
    assert!(
        matches!(&asked.events[..], [Event::Response { key: k, response, .. }]
        if *k == key && response.status == StatusCode::OK)
    );
}

#[test]
fn there_is_nothing_to_cancel_after_a_final_response() {
    let mut desk = Desk::new();
    for status in [StatusCode::OK, StatusCode::BUSY_HERE] {
        let (key, sent) = desk.request(invite(), udp());
        desk.answered(sent.request(0), status, "t");
        assert_eq!(desk.layer.cancel(desk.now, &key), None);
        desk.pass(secs(32));
        assert_eq!(desk.layer.cancel(desk.now, &key), None);
    }
    let (key, _) = desk.request(options(), udp());
    assert_eq!(desk.layer.cancel(desk.now, &key), None);
}

#[test]
fn an_invite_fails_64_t1_after_a_cancel_that_nobody_heeds() {
    let mut desk = Desk::new();
    let (key, sent) = desk.request(invite(), udp());
    desk.answered(sent.request(0), StatusCode::RINGING, "t");
    desk.pass(secs(100));
    let cancel = desk.layer.cancel(desk.now, &key).unwrap();
    let mut failed = Vec::new();
    while let Some(asked) = desk.jump() {
        failed.extend(asked.events);
    }
    assert_eq!(desk.elapsed(), secs(132));
    let timeout = |key| Event::Failed {
        key,
        failure: Failure::Timeout,
    };
    failed.sort_by_key(|event| *event != timeout(key));
    assert_eq!(failed, [timeout(key), timeout(cancel)]);
}

fn long_options() -> Request {
    let mut request = options();
    request.set_body("text/plain", vec![b'x'; 1_400]);
    request
}

#[test]
fn a_long_request_goes_over_tcp_and_says_so() {
    let mut desk = Desk::new();
    let (_, asked) = desk.request(long_options(), udp());
    assert_eq!(asked.sent[0].0, tcp());
    let via = asked.request(0).headers.top_via().unwrap();
    assert_eq!(via.transport.known(), Some(Transport::Tcp));
    assert_eq!(asked.wait, Some(desk.t0 + secs(2)), "no retransmission");
}

#[test]
fn a_request_of_1300_bytes_fits_a_datagram_and_one_of_1301_does_not() {
    let mut desk = Desk::new();
    let (_, asked) = desk.request(options(), udp());
    let room = 1_300 - asked.bytes[0].len();
    // "Content-Length: 0" grows by two digits, and the body brings "Content-Type: a/b".
    let body = room - 2 - "Content-Type: a/b\r\n".len();
    for (length, transport) in [(body, Transport::Udp), (body + 1, Transport::Tcp)] {
        let mut request = options();
        request.set_body("a/b", vec![b'x'; length]);
        let (_, asked) = desk.request(request, udp());
        assert_eq!(
            asked.sent[0].0.transport,
            transport,
            "{}",
            asked.bytes[0].len()
        );
    }
}

#[test]
fn a_long_request_falls_back_to_udp_when_tcp_is_refused() {
    let mut desk = Desk::new();
    let (key, over_tcp) = desk.request(long_options(), udp());
    desk.now += millis(40);
    desk.layer.handle_transport_error(desk.now, tcp());
    let asked = desk.poll();
    assert_eq!(asked.events, []);
    assert_eq!(asked.sent[0].0, udp());
    let via = asked.request(0).headers.top_via().unwrap();
    assert_eq!(via.transport.known(), Some(Transport::Udp));
    assert_eq!(
        via.branch(),
        over_tcp.request(0).headers.top_via().unwrap().branch()
    );
    assert_eq!(asked.request(0).headers.vias().unwrap().len(), 1);
    assert_eq!(asked.wait, Some(desk.now + millis(500)), "UDP repeats");

    let answer = desk.answered(asked.request(0), StatusCode::OK, "t");
    assert!(matches!(answer.events[..], [Event::Response { key: k, .. }] if k == key));

    // The address is believed to refuse TCP for four hours.
    desk.now += secs(4 * 3_600 - 1);
    assert_eq!(desk.request(long_options(), udp()).1.sent[0].0, udp());
    desk.now += secs(1);
    assert_eq!(desk.request(long_options(), udp()).1.sent[0].0, tcp());
}

#[test]
fn a_long_message_never_goes_by_datagram() {
    let long_message = || {
        let mut message = long_options();
        message.method = Method::Message;
        message.headers.set(HeaderName::CSEQ, "1 MESSAGE");
        message
    };
    let mut desk = Desk::new();
    let (key, over_tcp) = desk.request(long_message(), udp());
    assert_eq!(over_tcp.sent[0].0, tcp());
    assert_eq!(
        over_tcp.wait,
        Some(desk.t0 + secs(32)),
        "there is no other way to fall back to"
    );
    desk.layer.handle_transport_error(desk.now, tcp());
    let asked = desk.poll();
    assert!(asked.sent.is_empty());
    assert_eq!(
        asked.events,
        [Event::Failed {
            key,
            failure: Failure::TooLong
        }]
    );
    // The address is known to refuse TCP: it is not even tried.
    assert_eq!(
        desk.layer.request(desk.now, long_message(), udp()),
        Err(SendError::TooLong)
    );
    assert!(desk.poll().is_nothing());
    let mut chosen = Desk::new();
    chosen.layer.set_datagrams_only(udp().remote, true);
    assert_eq!(
        chosen.layer.request(chosen.now, long_message(), udp()),
        Err(SendError::TooLong)
    );
}

#[test]
fn a_long_request_that_tcp_swallows_goes_over_udp_after_two_seconds() {
    let mut desk = Desk::new();
    let (key, over_tcp) = desk.request(long_options(), udp());
    desk.now += millis(1_999);
    desk.layer.handle_timeout(desk.now);
    assert_eq!(desk.poll().sent, []);
    desk.now += millis(1);
    desk.layer.handle_timeout(desk.now);
    let asked = desk.poll();
    assert_eq!((asked.sent[0].0, asked.events.len()), (udp(), 0));
    let branch = |of: &Asked| {
        of.request(0)
            .headers
            .top_via()
            .unwrap()
            .branch()
            .map(str::to_owned)
    };
    assert_eq!(branch(&asked), branch(&over_tcp));
    let answer = desk.answered(asked.request(0), StatusCode::OK, "t");
    assert!(matches!(answer.events[..], [Event::Response { key: k, .. }] if k == key));
    assert_eq!(
        desk.request(long_options(), udp()).1.sent[0].0,
        udp(),
        "remembered"
    );
}

#[test]
fn a_long_request_stays_on_udp_where_the_person_wants_that() {
    let mut desk = Desk::new();
    desk.layer.set_datagrams_only(udp().remote, true);
    assert_eq!(desk.request(long_options(), udp()).1.sent[0].0, udp());
    let elsewhere = Peer {
        remote: "203.0.113.9:5060".parse().unwrap(),
        ..udp()
    };
    let (_, asked) = desk.request(long_options(), elsewhere);
    assert_eq!(asked.sent[0].0.transport, Transport::Tcp);
    desk.layer.set_datagrams_only(udp().remote, false);
    assert_eq!(desk.request(long_options(), udp()).1.sent[0].0, tcp());
}

#[test]
fn a_long_invite_that_tcp_brought_rings_on_over_tcp() {
    let mut desk = Desk::new();
    let mut long = invite();
    long.set_body("application/sdp", vec![b'x'; 1_400]);
    let (_, asked) = desk.request(long, udp());
    assert_eq!(asked.sent[0].0, tcp());
    desk.answered(asked.request(0), StatusCode::RINGING, "t");
    desk.now += secs(60);
    desk.layer.handle_timeout(desk.now);
    assert_eq!(desk.poll().sent, []);
}

#[test]
fn a_transport_error_fails_the_requests_to_that_address_alone() {
    let mut desk = Desk::new();
    let elsewhere = Peer {
        remote: "203.0.113.9:5060".parse().unwrap(),
        ..udp()
    };
    let (here, _) = desk.request(options(), udp());
    let (ringing, sent) = desk.request(invite(), udp());
    desk.request(options(), elsewhere);
    desk.answered(sent.request(0), StatusCode::RINGING, "t");
    desk.layer.handle_transport_error(desk.now, udp());
    let asked = desk.poll();
    assert_eq!(
        asked.events,
        [Event::Failed {
            key: here,
            failure: Failure::Transport
        }]
    );
    assert_eq!(desk.layer.len(), 2);
    assert!(desk.layer.cancel(desk.now, &ringing).is_some());
}

#[test]
fn no_more_requests_are_on_their_way_than_the_limit_allows() {
    let mut desk = Desk::with_limits(Limits {
        clients: 2,
        ..Limits::default()
    });
    let (key, sent) = desk.request(invite(), udp());
    desk.request(options(), udp());
    assert_eq!(
        desk.layer.request(desk.now, options(), udp()),
        Err(SendError::TooMany)
    );
    desk.answered(sent.request(0), StatusCode::RINGING, "t");
    desk.layer.cancel(desk.now, &key).unwrap();
    assert_eq!(
        desk.poll().said(),
        ["CANCEL"],
        "a call can always be taken back"
    );
}
