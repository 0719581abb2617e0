//! Calls that change while they last, and whose other side is played by hand.

use std::time::Duration;

use ramal::agent::{Command, EndCause, Event, Refusal, Side};
use ramal::sip::{Request, StatusCode};

use super::sim::World;
use super::sim::story::{ANA, BIA, CALL, assert_forgotten, end_of, secs};
use super::sim::stranger::{self, Line, STRANGER, sound};
use super::strangers::{acknowledge, call_in, call_out, remote_port, say_goodbye};

#[test]
fn a_change_without_an_offer_gets_ours_and_moves_the_sound_by_its_ack() {
    let (mut world, bia, tag) = call_in(403, &sound(6_000));
    acknowledge(&mut world, &tag, 1, "");
    assert_eq!(remote_port(&world, bia), Some(6_000));
    let again = Line {
        branch: "z9hG4bKtwo",
        cseq: 2,
        to_tag: &tag,
        ..Line::default()
    };
    world.stranger_asks(BIA, &again);
    world.run(Duration::from_millis(100));
    assert_eq!(
        remote_port(&world, bia),
        Some(6_000),
        "until it is answered"
    );
    acknowledge(&mut world, &tag, 2, &sound(6_002));
    assert_eq!(remote_port(&world, bia), Some(6_002));
    world.run(secs(40));
    assert_eq!(end_of(&world, bia), None);
    say_goodbye(&mut world, &tag, 3);
    assert_forgotten(&mut world);
}

#[test]
fn a_change_whose_answer_is_unusable_leaves_the_call_as_it_was() {
    for answer in ["", "v=0\r\nno description\r\n"] {
        let (mut world, bia, tag) = call_in(415, &sound(6_000));
        acknowledge(&mut world, &tag, 1, "");
        let ask = |world: &mut World, cseq, body: &str| {
            let again = Line {
                branch: &format!("z9hG4bKchange{cseq}"),
                cseq,
                to_tag: &tag,
                body,
                ..Line::default()
            };
            world.stranger_asks(BIA, &again);
            world.run(Duration::from_millis(100));
        };
        ask(&mut world, 2, "");
        acknowledge(&mut world, &tag, 2, answer);
        assert_eq!(end_of(&world, bia), None);
        assert_eq!(remote_port(&world, bia), Some(6_000));
        // Its offer is over: the next one may come from either side.
        ask(&mut world, 3, &sound(6_004));
        assert_eq!(world.answered_outside(488).len(), 0);
        assert_eq!(remote_port(&world, bia), Some(6_004));
        acknowledge(&mut world, &tag, 3, "");
        say_goodbye(&mut world, &tag, 4);
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_late_200_of_a_call_that_has_changed_gets_the_ack_it_waits_for() {
    let (mut world, ana, invite) = call_out(413);
    world.stranger_answers(&invite, ANA, 200, "far", Some(5_081));
    world.run(Duration::from_millis(100));
    world.ask(ana, Command::Hold(CALL));
    world.run(Duration::from_millis(100));
    let change = world.asked_outside("INVITE").pop().expect("a re-INVITE");
    world.stranger_answers(&change, ANA, 200, "far", Some(5_081));
    world.run(Duration::from_millis(100));
    let numbers = |world: &World| -> Vec<u32> {
        let acks = world.asked_outside("ACK");
        acks.iter()
            .map(|ack| ack.headers.cseq().expect("a CSeq").seq)
            .collect()
    };
    assert_eq!(numbers(&world), [1, 2]);
    world.stranger_answers(&invite, ANA, 200, "far", Some(5_081));
    world.stranger_answers(&change, ANA, 200, "far", Some(5_081));
    world.run(Duration::from_millis(100));
    assert_eq!(numbers(&world), [1, 2, 1, 2]);
    assert_eq!(end_of(&world, ana), None);
}

/// Ana talks to the stranger, along a route that a server with a name recorded.
fn talk_along_a_route(seed: u64) -> (World, usize) {
    let (mut world, ana, invite) = call_out(seed);
    world
        .names
        .insert("edge.example".to_owned(), vec![stranger::address()]);
    let mut response = invite.response(StatusCode::OK, Some("far"));
    let headers = &mut response.headers;
    headers.push("Contact", format!("<sip:bia@{STRANGER}>"));
    headers.push("Record-Route", "<sip:edge.example;lr>");
    response.set_body("application/sdp", sound(5_081).into_bytes());
    let bytes = response.to_bytes().expect("a message");
    world.inject(
        stranger::address(),
        ANA.parse().expect("an address"),
        &bytes,
    );
    world.run(Duration::from_millis(100));
    (world, ana)
}

#[test]
fn a_change_that_cannot_be_sent_leaves_the_call_as_it_was() {
    for seed in [417, 418] {
        let (mut world, ana) = talk_along_a_route(seed);
        let before = world.phones[ana].plans.clone();
        // The name is not found for a moment, or the port is closed.
        if seed == 417 {
            world.names.clear();
        } else {
            world.refusing.insert(stranger::address());
        }
        world.ask(ana, Command::Hold(CALL));
        world.run(secs(1));
        assert_eq!(end_of(&world, ana), None);
        assert_eq!(world.phones[ana].plans, before);
        let refused = Event::Refused {
            call: Some(CALL),
            refusal: Refusal::NotAccepted,
        };
        assert!(world.phones[ana].events.contains(&refused));
        // It goes on talking, and can be held when the way is there again.
        world
            .names
            .insert("edge.example".to_owned(), vec![stranger::address()]);
        world.refusing.clear();
        world.ask(ana, Command::Hold(CALL));
        world.run(Duration::from_millis(100));
        let change = world.asked_outside("INVITE").pop().expect("a re-INVITE");
        let held = String::from_utf8(change.body.clone()).expect("SDP");
        assert!(held.contains("a=sendonly"), "{held}");
        world.stranger_answers(&change, ANA, 200, "far", Some(5_081));
        world.run(Duration::from_millis(100));
        let plan = world.phones[ana].plans.values().next();
        assert!(plan.is_some_and(|plan| plan.held));
        world.ask(ana, Command::HangUp(CALL));
        world.run(Duration::from_millis(100));
        let bye = world.asked_outside("BYE").remove(0);
        world.stranger_answers(&bye, ANA, 200, "far", None);
        assert_forgotten(&mut world);
    }
}

/// Ana asks the stranger for a change that it answers with 100 and then no more.
fn change_without_end(seed: u64) -> (World, usize, Request) {
    let (mut world, ana, invite) = call_out(seed);
    world.stranger_answers(&invite, ANA, 200, "far", Some(5_081));
    world.run(Duration::from_millis(100));
    world.ask(ana, Command::Hold(CALL));
    world.run(Duration::from_millis(100));
    let change = world.asked_outside("INVITE").pop().expect("a re-INVITE");
    world.stranger_answers(&change, ANA, 100, "far", None);
    world.run(secs(1));
    (world, ana, change)
}

#[test]
fn a_change_that_is_never_answered_is_taken_back_when_the_call_ends() {
    for by in [Side::Local, Side::Remote] {
        let (mut world, ana, change) = change_without_end(419);
        if by == Side::Local {
            world.ask(ana, Command::HangUp(CALL));
            world.run(Duration::from_millis(100));
            let bye = world.asked_outside("BYE").remove(0);
            world.stranger_answers(&bye, ANA, 200, "far", None);
        } else {
            let from = change.headers.from().expect("a From");
            let tag = from.tag().expect("a tag");
            let call_id = change.headers.call_id().expect("a Call-ID");
            let bye = format!(
                "BYE sip:ramal@{ANA} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};branch=z9hG4bKbye\r\n\
                 From: <sip:bia@{STRANGER}>;tag=far\r\nTo: <sip:ramal@10.0.0.1>;tag={tag}\r\n\
                 Call-ID: {call_id}\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\n\r\n"
            );
            let to = ANA.parse().expect("an address");
            world.inject(stranger::address(), to, bye.as_bytes());
        }
        world.run(secs(1));
        assert_eq!(end_of(&world, ana), Some((EndCause::HungUp, by)));
        let cancel = world.asked_outside("CANCEL").pop().expect("a CANCEL");
        assert_eq!(cancel.headers.cseq().unwrap().seq, 2);
        world.stranger_answers(&cancel, ANA, 200, "far", None);
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_change_that_is_not_answered_in_time_is_taken_back_and_the_call_goes_on() {
    let (mut world, ana, change) = change_without_end(420);
    let before = world.phones[ana].plans.clone();
    world.run(secs(30));
    assert_eq!(world.asked_outside("CANCEL").len(), 0);
    world.run(secs(2));
    let cancel = world.asked_outside("CANCEL").remove(0);
    world.stranger_answers(&cancel, ANA, 200, "far", None);
    world.stranger_answers(&change, ANA, 487, "far", None);
    world.run(secs(1));
    assert_eq!(end_of(&world, ana), None);
    assert_eq!(world.phones[ana].plans, before);
    let refused = Event::Refused {
        call: Some(CALL),
        refusal: Refusal::NotAccepted,
    };
    assert!(world.phones[ana].events.contains(&refused));
    world.run(secs(120));
    assert_eq!(end_of(&world, ana), None);
}

#[test]
fn a_change_of_which_nothing_is_heard_any_more_ends_the_call() {
    let (mut world, ana, _) = change_without_end(421);
    world.run(secs(66));
    assert_eq!(end_of(&world, ana), Some((EndCause::TimedOut, Side::Local)));
    assert_forgotten(&mut world);
}

#[test]
fn a_change_whose_way_is_found_after_the_call_is_not_sent() {
    let (mut world, ana, invite) = call_out(422);
    world.stranger_answers(&invite, ANA, 200, "far", Some(5_081));
    world.run(Duration::from_millis(100));
    world.finding_takes = secs(2);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(1));
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(5));
    assert_eq!(world.asked_outside("INVITE").len(), 1);
    let bye = world.asked_outside("BYE").remove(0);
    world.stranger_answers(&bye, ANA, 200, "far", None);
    world.run(secs(1));
    assert_forgotten(&mut world);
}
