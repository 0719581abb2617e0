//! More requests than there is room for.

use super::*;

fn options_from(number: usize, address: &str) -> (String, Peer) {
    let via = format!("UDP {address}:5060;branch=z9hG4bK{number}");
    let text = incoming("OPTIONS", &via, "1 OPTIONS", "")
        .replace("call@bob", &format!("call{number}@bob"));
    let remote = format!("{address}:5060").parse().unwrap();
    (text, Peer { remote, ..udp() })
}

fn narrow() -> Desk {
    let limits = Limits {
        servers: 3,
        servers_per_address: 2,
        ..Limits::default()
    };
    Desk::with_limits(limits)
}

fn receive(desk: &mut Desk, number: usize, address: &str) -> Asked {
    let (text, from) = options_from(number, address);
    desk.receive(&text, from)
}

#[test]
fn an_address_with_its_share_of_unfinished_requests_is_told_to_come_back_later() {
    let mut desk = narrow();
    passed(&receive(&mut desk, 1, "198.51.100.1"));
    passed(&receive(&mut desk, 2, "198.51.100.1"));
    let asked = receive(&mut desk, 3, "198.51.100.1");
    assert_eq!(
        (asked.said(), asked.events.len()),
        (vec!["503".to_owned()], 0)
    );
    assert_eq!(asked.response(0).headers.retry_after(), Some(10));
    assert!(asked.response(0).headers.to().unwrap().tag().is_some());
    assert_eq!(receive(&mut desk, 3, "198.51.100.1").bytes, asked.bytes);
    passed(&receive(&mut desk, 4, "198.51.100.2"));
    assert_eq!(desk.layer.len(), 3);
}

#[test]
fn when_all_room_is_taken_by_unfinished_requests_others_are_dropped() {
    let mut desk = narrow();
    for (number, address) in [
        (1, "198.51.100.1"),
        (2, "198.51.100.2"),
        (3, "198.51.100.3"),
    ] {
        passed(&receive(&mut desk, number, address));
    }
    assert!(receive(&mut desk, 4, "198.51.100.4").is_nothing());
}

#[test]
fn an_answered_request_makes_way_for_one_that_is_not() {
    let mut desk = narrow();
    let (first, request) = passed(&receive(&mut desk, 1, "198.51.100.1"));
    desk.respond(first, request.response(StatusCode::OK, Some("me")));
    passed(&receive(&mut desk, 2, "198.51.100.1"));
    passed(&receive(&mut desk, 3, "198.51.100.1"));
    assert_eq!(desk.layer.len(), 2);
    // The one that was forgotten is new again, and its sender has its share.
    assert_eq!(receive(&mut desk, 1, "198.51.100.1").said(), ["503"]);
}

#[test]
fn a_flood_leaves_no_more_behind_than_the_limits_allow() {
    let limits = Limits {
        servers: 64,
        servers_per_address: 32,
        ..Limits::default()
    };
    let mut desk = Desk::with_limits(limits);
    for number in 0..5_000 {
        let address = format!("198.51.100.{}", number % 200);
        let asked = receive(&mut desk, number, &address);
        // Every second one is answered at once, as a user agent does.
        if let ([Event::Request { key, request, .. }], 0) = (&asked.events[..], number % 2) {
            let (key, response) = (*key, request.response(StatusCode::OK, Some("me")));
            desk.respond(key, response);
        }
        assert!(desk.layer.len() <= 64);
    }
    while desk.jump().is_some() {}
    assert!(desk.layer.is_empty());
}

#[test]
fn damaged_messages_neither_break_the_layer_nor_stay_in_it() {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let limits = Limits {
        servers: 64,
        servers_per_address: 64,
        ..Limits::default()
    };
    let mut desk = Desk::with_limits(limits);
    let (_, sent) = desk.request(invite(), udp());
    let sent = sent.request(0).clone();
    let whole = [
        incoming_invite().into_bytes(),
        incoming(
            "ACK",
            "UDP 198.51.100.7:5070;branch=z9hG4bKinv",
            "1 ACK",
            ";tag=me",
        )
        .into_bytes(),
        incoming(
            "CANCEL",
            "UDP 198.51.100.7:5070;branch=z9hG4bKinv",
            "1 CANCEL",
            "",
        )
        .into_bytes(),
        incoming(
            "BYE",
            "UDP 198.51.100.7:5070;branch=old",
            "2 BYE",
            ";tag=me",
        )
        .into_bytes(),
        sent.response(StatusCode::RINGING, Some("t"))
            .to_bytes()
            .unwrap(),
        sent.response(StatusCode::BUSY_HERE, Some("t"))
            .to_bytes()
            .unwrap(),
    ];
    let mut requests = 0;
    for round in 0..20_000_u32 {
        let mut below = |end: usize| rng.next_u32() as usize % end;
        let mut bytes = whole[below(whole.len())].clone();
        for _ in 0..below(4) {
            if bytes.is_empty() {
                break;
            }
            let at = below(bytes.len());
            match below(4) {
                0 => bytes[at] = u8::try_from(below(256)).unwrap(),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"\r\n;,<>\"\0:="[below(10)]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        desk.layer.handle_datagram(desk.now, &bytes, udp());
        // Not read back: some answers repeat what came in damaged.
        loop {
            match desk.layer.poll_output() {
                Output::Event(Event::Request { key, request, .. }) => {
                    requests += 1;
                    let status = [StatusCode::RINGING, StatusCode::OK, StatusCode::BUSY_HERE];
                    let response = request.response(status[below(3)], Some("me"));
                    // The answer may be unfit for the wire, if what it repeats is.
                    let _ = desk.layer.respond(desk.now, &key, response);
                }
                Output::Event(_) | Output::Transmit { .. } => {}
                Output::Wait(_) => break,
            }
        }
        assert!(desk.layer.len() <= 64 + 2);
        if round % 50 == 0 {
            desk.now += Duration::from_secs(7);
            desk.layer.handle_timeout(desk.now);
            while !matches!(desk.layer.poll_output(), Output::Wait(_)) {}
        }
    }
    // Most of what can be read repeats or merges with what came before, and is absorbed.
    assert!(requests > 100, "damaged beyond reading, all but {requests}");
}
