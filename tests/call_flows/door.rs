//! Strangers at the door: who rings, who is answered, and who may speak into a call.

use std::net::SocketAddr;
use std::time::Duration;

use ramal::agent::{Command, Event};

use super::sim::World;
use super::sim::story::{
    ANA, BIA, CALL, add, answered, dial, end_of, extension, house, is_registered, open_to_all,
    registered_phones, ring, secs, two_phones,
};
use super::sim::stranger::{Line, STRANGER, sound};
use super::strangers::{acknowledge, call_in, say_goodbye};

/// Neither a server nor anybody who has to do with a call.
const ELSEWHERE: &str = "10.0.0.66:5060";

fn elsewhere() -> SocketAddr {
    ELSEWHERE.parse().expect("an address")
}

/// An INVITE to Bia's extension.
fn invite(body: &str) -> Line<'_> {
    Line {
        uri: "sip:1002@10.0.0.2",
        body,
        ..Line::default()
    }
}

/// What came back to an address, and how many bytes it was.
fn answers(world: &World, to: &str) -> Vec<(String, usize)> {
    let to: SocketAddr = to.parse().expect("an address");
    let sent = world.log.iter().filter(|(_, datagram)| datagram.to == to);
    sent.map(|(_, datagram)| (datagram.first_line(), datagram.bytes.len()))
        .collect()
}

#[test]
fn a_call_from_elsewhere_than_the_server_does_not_ring() {
    let (mut world, _, bia) = registered_phones(1_101);
    let before = world.phones[bia].events.len();
    let state = world.phones[bia].state_len();
    let body = sound(6_000);
    world.stranger_asks(BIA, &invite(&body));
    // Nobody acknowledges: whoever it was, is not answered again and again.
    world.run(secs(60));
    assert_eq!(world.incoming(bia), []);
    assert_eq!(world.phones[bia].events.len(), before, "no word of it");
    let told = answers(&world, STRANGER);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "SIP/2.0 403 Forbidden");
    let asked = world.log.iter().map(|(_, datagram)| datagram);
    let asked = asked.filter(|datagram| datagram.first_line().starts_with("INVITE"));
    let least = asked.map(|datagram| datagram.bytes.len()).min();
    assert!(Some(told[0].1) <= least, "{told:?} for {least:?}");
    // Only that an address was counted is left.
    let grown = world.phones[bia].state_len().saturating_sub(state);
    assert!(grown < 200, "{grown}");
}

#[test]
fn scanners_hear_nothing() {
    let (mut world, _, bia) = registered_phones(1_102);
    for (number, method) in [
        "OPTIONS",
        "REGISTER",
        "SUBSCRIBE",
        "NOTIFY",
        "REFER",
        "INFO",
    ]
    .iter()
    .enumerate()
    {
        let line = Line {
            method,
            branch: &format!("z9hG4bK{number}"),
            ..invite("")
        };
        world.stranger_asks(BIA, &line);
    }
    let to = BIA.parse().expect("an address");
    let stranger = STRANGER.parse().expect("an address");
    world.inject(
        stranger,
        to,
        b"INVITE sip:1002@10.0.0.2 SIP/2.0\r\nVia: ?\r\n\r\n",
    );
    world.run(secs(40));
    assert_eq!(answers(&world, STRANGER), []);
    assert_eq!(world.incoming(bia), []);
}

#[test]
fn a_tiny_question_gets_no_larger_answer() {
    let (mut world, _, _) = registered_phones(1_103);
    let to = BIA.parse().expect("an address");
    let stranger = STRANGER.parse().expect("an address");
    let tiny = "INVITE sip:1002@x SIP/2.0\r\nv:SIP/2.0/UDP x;branch=z9hG4bKx\r\nf:<sip:a@b>;tag=1\r\n\
                t:<sip:1002@x>\r\ni:1\r\nCSeq:1 INVITE\r\n\r\n";
    world.inject(stranger, to, tiny.as_bytes());
    world.run(secs(40));
    assert_eq!(answers(&world, STRANGER), []);
}

#[test]
fn who_takes_direct_calls_or_stands_alone_rings() {
    let mut world = house(1_104);
    let bia = world.phone(BIA, Default::default());
    add(&mut world, bia, open_to_all(extension("1002")));
    world.run(secs(1));
    assert!(is_registered(&world, bia));
    let body = sound(6_000);
    world.stranger_asks(BIA, &invite(&body));
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1);

    let (mut world, _, bia) = two_phones(1_105);
    world.stranger_asks(BIA, &invite(&body));
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1);
}

#[test]
fn a_goodbye_from_elsewhere_ends_no_call() {
    let body = sound(6_000);
    let (mut world, bia, tag) = call_in(1_106, &body);
    acknowledge(&mut world, &tag, 1, "");
    assert!(answered(&world, bia));
    // Its tags were overheard. Where the far side is, it may say from elsewhere, since there is no
    // server between: see tests/call_flows/moving.rs.
    for (number, method) in (2..).zip(["BYE", "REFER", "INFO", "NOTIFY"]) {
        let spoofed = Line {
            method,
            branch: &format!("z9hG4bKspoof{number}"),
            cseq: number,
            to_tag: &tag,
            headers: "Refer-To: <sip:evil@10.0.0.66>\r\nEvent: refer\r\n",
            ..Line::default()
        };
        world.asks_from(elsewhere(), BIA, &spoofed);
        world.run(secs(1));
    }
    assert_eq!(end_of(&world, bia), None, "the call goes on");
    let handed = |event: &Event| matches!(event, Event::TransferAsked { .. });
    assert!(!world.phones[bia].events.iter().any(handed));
    // The true one, whose numbers go on from where they were.
    say_goodbye(&mut world, &tag, 2);
    assert!(end_of(&world, bia).is_some());
}

#[test]
fn a_call_is_taken_back_by_who_made_it_only() {
    let (mut world, _, bia) = two_phones(1_107);
    let body = sound(6_000);
    let line = invite(&body);
    world.stranger_asks(BIA, &line);
    world.run(secs(1));
    let ringing = world.incoming(bia)[0];
    let cancel = Line {
        method: "CANCEL",
        body: "",
        ..invite("")
    };
    world.asks_from(elsewhere(), BIA, &cancel);
    world.run(secs(1));
    assert_eq!(end_of(&world, bia), None);
    world.ask(bia, Command::Answer(ringing));
    world.run(Duration::from_millis(100));
    assert!(answered(&world, bia));
}

#[test]
fn a_flood_from_everywhere_rings_nowhere_and_a_call_comes_through() {
    let (mut world, ana, bia) = registered_phones(1_108);
    let quiet = world.phones[bia].state_len();
    let body = sound(6_000);
    let flood = |world: &mut World, second: u32| {
        for n in 0..1_000_u32 {
            let from = SocketAddr::from((
                std::net::Ipv4Addr::from(0x0b00_0000 + (second * 1_000 + n) * 7),
                5060,
            ));
            let branch = format!("z9hG4bK{second}x{n}");
            world.asks_from(
                from,
                BIA,
                &Line {
                    branch: &branch,
                    ..invite(&body)
                },
            );
        }
    };
    for second in 0..3 {
        flood(&mut world, second);
        world.run(Duration::from_millis(100));
    }
    dial(&mut world, ana, "1002");
    flood(&mut world, 3);
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1, "Ana's call and no other");
    let ringing = world.incoming(bia)[0];
    world.ask(bia, Command::Answer(ringing));
    flood(&mut world, 4);
    world.run(secs(1));
    assert!(answered(&world, bia) && answered(&world, ana));
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(40));
    assert_eq!(world.incoming(bia).len(), 1);
    let grown = world.phones[bia].state_len().saturating_sub(quiet);
    assert!(grown < 500, "{grown}");
}

#[test]
fn strangers_who_flood_do_not_keep_two_phones_from_each_other() {
    let (mut world, ana, bia) = two_phones(1_109);
    let ringing = ring(&mut world, ana, bia);
    // Each phone has sent the other something: they know each other.
    let body = sound(6_000);
    for n in 0..500_u32 {
        let branch = format!("z9hG4bKx{n}");
        let line = Line {
            branch: &branch,
            ..invite(&body)
        };
        world.asks_from(elsewhere(), ANA, &line);
    }
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(1));
    assert!(answered(&world, ana) && answered(&world, bia));
}
