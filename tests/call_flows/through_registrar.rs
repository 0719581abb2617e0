//! Calls between registered phones: challenged, forwarded, and along the route they recorded.

use std::time::Duration;

use ramal::agent::{AccountConfig, AgentConfig, CallId, Command, EndCause, Event, Refusal, Side};
use ramal::sip::Method;

use super::sim::story::{
    ANA, BIA, CALL, PBX, add, answered, assert_forgotten, count, dial, end_of, extension, house,
    is_registered, lose, registered_phones, ring_at, secs, talk_at,
};
use super::sim::{Weather, World};

/// The lines of requests and responses that went from one address to another.
fn between(world: &World, from: &str, to: &str) -> Vec<String> {
    let (from, to) = (from.parse().expect("one"), to.parse().expect("one"));
    let log = world.log.iter().map(|(_, datagram)| datagram);
    log.filter(|datagram| (datagram.from, datagram.to) == (from, to))
        .map(super::sim::Datagram::first_line)
        .collect()
}

/// Answers a new INVITE or one within a dialog in place of the registrar.
fn refuse(world: &mut World, status: u16, in_dialog: bool) {
    world.registrars[0].instead = Some(Box::new(move |request| {
        let has_tag = request.headers.to().is_ok_and(|to| to.tag().is_some());
        let hit = request.method == Method::Invite && has_tag == in_dialog;
        hit.then(|| (status, Vec::new()))
    }));
}

#[test]
fn a_call_goes_through_the_registrar_in_both_directions() {
    for swapped in [false, true] {
        let (mut world, ana, bia) = registered_phones(201);
        let (caller, called, number) = if swapped {
            (bia, ana, "1001")
        } else {
            (ana, bia, "1002")
        };
        let ringing = talk_at(&mut world, caller, number, called);
        let plan = |phone: usize| world.phones[phone].plans.values().next().cloned();
        assert!(plan(caller).is_some_and(|plan| plan.send && plan.receive));
        world.ask(called, Command::Hold(ringing));
        world.run(secs(1));
        world.ask(caller, Command::HangUp(CALL));
        world.run(secs(1));
        assert_eq!(
            end_of(&world, caller),
            Some((EndCause::HungUp, Side::Local))
        );
        assert_eq!(
            end_of(&world, called),
            Some((EndCause::HungUp, Side::Remote))
        );
        // The registrar stayed on the way, so nothing went past it.
        for (from, to) in [(ANA, BIA), (BIA, ANA)] {
            assert_eq!(between(&world, from, to), [] as [String; 0]);
        }
        let to_registrar = between(&world, if swapped { BIA } else { ANA }, PBX);
        for method in ["INVITE", "ACK", "BYE"] {
            assert_eq!(
                count(&to_registrar, method),
                1,
                "{method}: {to_registrar:?}"
            );
        }
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_call_that_is_challenged_is_repeated_with_credentials() {
    for status in [401, 407] {
        let (mut world, ana, bia) = registered_phones(202);
        world.registrars[0].calls_ask = Some(status);
        let ringing = talk_at(&mut world, ana, "1002", bia);
        let said = between(&world, ANA, PBX);
        // The refusal is acknowledged, and so is the answer.
        assert_eq!(
            (count(&said, "INVITE"), count(&said, "ACK")),
            (2, 2),
            "{said:?}"
        );
        assert_eq!(world.incoming(bia).len(), 1);
        world.ask(bia, Command::HangUp(ringing));
        assert_forgotten(&mut world);
    }
}

/// What is longer than 1,300 bytes must not go by datagram (RFC 3261 section 18.1.1), and over TCP
/// not every server is reached. The world's domain stands five times in the request; a domain of
/// 13 letters more must fit too: pabx.minhaempresa.com.br has as many.
#[test]
fn an_invite_with_credentials_fits_a_datagram() {
    let (mut world, ana, bia) = registered_phones(202);
    world.registrars[0].calls_ask = Some(407);
    let ringing = talk_at(&mut world, ana, "1002", bia);
    let from = ANA.parse().expect("one");
    let log = world.log.iter().map(|(_, datagram)| datagram);
    let longest = log
        .filter(|datagram| datagram.from == from)
        .filter(|datagram| datagram.first_line().starts_with("INVITE "))
        .map(|datagram| datagram.bytes.len())
        .max();
    assert!(
        longest.is_some_and(|bytes| bytes <= 1_300 - 5 * 13),
        "{longest:?}"
    );
    world.ask(bia, Command::HangUp(ringing));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_whose_nonce_went_stale_on_the_way_is_repeated_once_more() {
    let (mut world, ana, bia) = registered_phones(203);
    world.registrars[0].calls_ask = Some(407);
    // It takes 20 ms from the challenge to its answer.
    world.registrars[0].gate.nonce_lifetime = Duration::from_millis(15);
    dial(&mut world, ana, "1002");
    world.run(Duration::from_millis(35));
    world.registrars[0].gate.nonce_lifetime = secs(60);
    world.run(secs(1));
    assert_eq!(count(&between(&world, ANA, PBX), "INVITE"), 3);
    let ringing = world.incoming(bia)[0];
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(1));
    assert!(answered(&world, ana));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_server_that_calls_every_nonce_stale_is_in_trouble_and_not_asked_for_ever() {
    let (mut world, ana, _) = registered_phones(204);
    world.registrars[0].calls_ask = Some(407);
    world.registrars[0].gate.nonce_lifetime = Duration::from_millis(15);
    dial(&mut world, ana, "1002");
    world.run(secs(10));
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::ServerTrouble, Side::Remote))
    );
    assert_eq!(count(&between(&world, ANA, PBX), "INVITE"), 4);
    world.registrars[0].gate.nonce_lifetime = secs(60);
    assert_forgotten(&mut world);
}

#[test]
fn a_call_with_the_wrong_password_says_so_after_one_try() {
    let (mut world, ana, _) = registered_phones(205);
    world.registrars[0].calls_ask = Some(407);
    let changed = "changed".to_owned();
    world.registrars[0]
        .passwords
        .insert("1001".to_owned(), changed);
    dial(&mut world, ana, "1002");
    world.run(secs(10));
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::WrongPassword, Side::Remote))
    );
    assert_eq!(count(&between(&world, ANA, PBX), "INVITE"), 2);
}

#[test]
fn everything_said_twice_on_every_hop_is_heard_once() {
    let (mut world, ana, bia) = registered_phones(206);
    world.registrars[0].calls_ask = Some(407);
    world.weather = Weather {
        duplicates: 100,
        jitter: Duration::from_millis(30),
        ..Weather::FINE
    };
    let ringing = talk_at(&mut world, ana, "1002", bia);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(2));
    world.ask(ana, Command::Resume(CALL));
    world.run(secs(2));
    world.ask(bia, Command::HangUp(ringing));
    world.run(secs(2));
    assert_eq!(world.incoming(bia).len(), 1);
    for (phone, by) in [(ana, Side::Remote), (bia, Side::Local)] {
        assert_eq!(end_of(&world, phone), Some((EndCause::HungUp, by)));
        let said = |wanted: fn(&Event) -> bool| {
            let events = world.phones[phone].events.iter();
            events.filter(|event| wanted(event)).count()
        };
        assert_eq!(said(|event| matches!(event, Event::Answered { .. })), 1);
        assert_eq!(said(|event| matches!(event, Event::Held { .. })), 1);
        assert_eq!(said(|event| matches!(event, Event::Resumed { .. })), 1);
    }
    world.weather = Weather::FINE;
    assert_forgotten(&mut world);
}

#[test]
fn a_change_that_is_refused_leaves_the_call_as_it_was() {
    let (mut world, ana, bia) = registered_phones(207);
    talk_at(&mut world, ana, "1002", bia);
    let before = world.phones[ana].plans.clone();
    refuse(&mut world, 488, true);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(1));
    let refused = Event::Refused {
        call: Some(CALL),
        refusal: Refusal::NotAccepted,
    };
    assert!(world.phones[ana].events.contains(&refused));
    assert_eq!(world.phones[ana].plans, before);
    assert_eq!(end_of(&world, ana), None);
    // The next one is let through.
    world.registrars[0].instead = None;
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(1));
    let held = |phone: usize| world.phones[phone].plans.values().next().cloned();
    assert!(held(ana).is_some_and(|plan| plan.held && !plan.receive));
    assert!(held(bia).is_some_and(|plan| !plan.send));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_outlives_the_lost_acks_of_a_change() {
    let (mut world, ana, bia) = registered_phones(208);
    let ringing = talk_at(&mut world, ana, "1002", bia);
    lose(&mut world, "ACK", 3);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(60));
    // Each 200 that comes again is acknowledged again; the last ACK gets through both hops.
    assert_eq!(end_of(&world, ana), None);
    assert_eq!(end_of(&world, bia), None);
    world.ask(bia, Command::HangUp(ringing));
    world.run(secs(1));
    assert_eq!(end_of(&world, ana), Some((EndCause::HungUp, Side::Remote)));
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_in_a_call_is_busy_for_the_next_caller() {
    let mut world = house(209);
    let phones: Vec<usize> = [("1001", ANA), ("1002", BIA), ("1003", "10.0.0.3:5060")]
        .into_iter()
        .map(|(user, addr)| {
            let phone = world.phone(addr, AgentConfig::default());
            let account = AccountConfig {
                max_calls: 1,
                ..extension(user)
            };
            add(&mut world, phone, account);
            phone
        })
        .collect();
    world.run(secs(1));
    let [ana, bia, cid] = phones[..] else {
        panic!("three phones")
    };
    assert!(phones.iter().all(|phone| is_registered(&world, *phone)));
    talk_at(&mut world, ana, "1002", bia);
    dial(&mut world, cid, "1002");
    world.run(secs(1));
    assert_eq!(end_of(&world, cid), Some((EndCause::Busy, Side::Remote)));
    assert_eq!(count(&between(&world, BIA, PBX), "SIP/2.0 486"), 1);
    assert_eq!(
        count(&between(&world, PBX, "10.0.0.3:5060"), "SIP/2.0 486"),
        1
    );
    assert_eq!(world.incoming(bia).len(), 1, "it does not ring twice");
    assert_eq!(end_of(&world, ana), None);
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(1));
    // Free again.
    let again = Command::Dial {
        account: super::sim::story::ACCOUNT,
        call: CallId(2),
        target: "1002".to_owned(),
    };
    world.ask(cid, again);
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 2);
    world.ask(cid, Command::HangUp(CallId(2)));
    world.run(secs(1));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_given_up_is_cancelled_on_both_hops() {
    let (mut world, ana, bia) = registered_phones(210);
    ring_at(&mut world, ana, "1002", bia);
    lose(&mut world, "SIP/2.0 487", 3);
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(20));
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::Cancelled, Side::Local))
    );
    assert_eq!(
        end_of(&world, bia),
        Some((EndCause::Cancelled, Side::Remote))
    );
    // Three were lost, the fourth got through both hops and was acknowledged.
    assert_eq!(count(&between(&world, BIA, PBX), "SIP/2.0 487"), 4);
    assert_eq!(count(&between(&world, PBX, BIA), "ACK"), 1);
    world.censor = None;
    assert_forgotten(&mut world);
}

#[test]
fn a_number_that_is_not_registered_is_not_there() {
    let (mut world, ana, _) = registered_phones(211);
    dial(&mut world, ana, "1003");
    world.run(secs(1));
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::Unavailable, Side::Remote))
    );
    assert_forgotten(&mut world);
}

#[test]
fn a_call_that_went_round_in_circles_on_the_way_is_told() {
    let (mut world, ana, _) = registered_phones(212);
    refuse(&mut world, 483, false);
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    assert_eq!(end_of(&world, ana), Some((EndCause::Refused, Side::Remote)));
    assert_forgotten(&mut world);
}

#[test]
fn no_header_that_a_phone_writes_is_empty() {
    let (mut world, ana, bia) = registered_phones(213);
    world.registrars[0].calls_ask = Some(407);
    talk_at(&mut world, ana, "1002", bia);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(1));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
    for (_, datagram) in &world.log {
        let text = String::from_utf8_lossy(&datagram.bytes);
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.lines().skip(1);
        let empty = lines.find(|line| line.trim_end().ends_with(':'));
        assert_eq!(empty, None, "{text}");
    }
}

#[test]
fn a_call_is_not_lost_while_names_are_slow_to_find() {
    let (mut world, ana, bia) = registered_phones(214);
    // Longer than it takes until an unacknowledged 200 is sent again.
    world.finding_takes = secs(2);
    dial(&mut world, ana, "1002");
    world.run(secs(3));
    let ringing = world.incoming(bia)[0];
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(10));
    assert!(answered(&world, ana));
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(20));
    for phone in [ana, bia] {
        assert_eq!(
            end_of(&world, phone),
            None,
            "{:?}",
            world.phones[phone].events
        );
    }
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(10));
    assert_eq!(end_of(&world, bia), Some((EndCause::HungUp, Side::Remote)));
    assert_forgotten(&mut world);
}
