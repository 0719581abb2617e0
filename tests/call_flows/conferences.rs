//! Conferences that a server holds: told as such, and somebody else is brought in.

use std::time::Duration;

use ramal::agent::{CallId, Command, EndCause, Event, Refusal, Side};
use ramal::sip::{HeaderName, Request, StatusCode};

use super::sim::World;
use super::sim::story::{ACCOUNT, ANA, BIA, CALL, assert_forgotten, secs, talk, two_phones};
use super::sim::stranger::{self, STRANGER, sound};

/// Ana's name for her call to the conference.
const FOCUS: CallId = CallId(2);
const CONFERENCE: &str = "sip:conf42@10.0.0.7";

/// The stranger takes a call or a change of one, and says that it is a conference, or not.
fn accept(world: &mut World, invite: &Request, to: &str, is: bool) {
    let mut response = invite.response(StatusCode::OK, Some("far"));
    let feature = if is { ";isfocus" } else { "" };
    response
        .headers
        .push("Contact", format!("<{CONFERENCE}>{feature}"));
    response.set_body("application/sdp", sound(5_081).into_bytes());
    let bytes = response.to_bytes().expect("a message");
    world.inject(stranger::address(), to.parse().expect("an address"), &bytes);
    world.run(Duration::from_millis(100));
}

/// Ana talks with Bia, and then, Bia waiting, with what may be a conference. Bia's name for the
/// call.
fn two_calls(seed: u64, is: bool) -> (World, usize, usize, CallId) {
    let (mut world, ana, bia) = two_phones(seed);
    let at_bia = talk(&mut world, ana, bia);
    world.ask(ana, Command::Hold(CALL));
    let dial = Command::Dial {
        account: ACCOUNT,
        call: FOCUS,
        target: format!("sip:3000@{STRANGER}"),
    };
    world.ask(ana, dial);
    world.run(Duration::from_millis(100));
    let invite = world.asked_outside("INVITE").remove(0);
    accept(&mut world, &invite, ANA, is);
    (world, ana, bia, at_bia)
}

fn bring_in(world: &mut World, ana: usize) {
    let (call, focus) = (CALL, FOCUS);
    world.ask(ana, Command::BringIn { call, focus });
    world.run(secs(1));
}

fn told(world: &World, phone: usize) -> Vec<bool> {
    let events = world.phones[phone].events.iter();
    events
        .filter_map(|event| match event {
            Event::Focus { is, .. } => Some(*is),
            _ => None,
        })
        .collect()
}

#[test]
fn who_is_brought_in_calls_the_conference_and_its_call_here_ends() {
    let (mut world, ana, bia, at_bia) = two_calls(901, true);
    assert_eq!(told(&world, ana), [true]);
    bring_in(&mut world, ana);
    // To outside nobody is handed over unasked.
    world.ask(bia, Command::AcceptTransfer(at_bia));
    world.run(Duration::from_millis(100));
    let invite = world.asked_outside("INVITE").pop().expect("a call");
    assert_eq!(invite.uri.to_string(), CONFERENCE);
    let caller = invite.headers.get(&HeaderName::CONTACT).unwrap_or_default();
    assert!(caller.contains("10.0.0.2"), "{caller}");
    accept(&mut world, &invite, BIA, true);
    world.run(secs(1));
    let ends: Vec<_> = world.phones[ana]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Ended { call, end } => Some((*call, end.cause, end.by)),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [(CALL, EndCause::Transferred, Side::Local)]);
    assert_eq!(told(&world, bia), [true]);
    assert_eq!(world.phones[ana].agent.calls_under_way(), 1, "it goes on");
    // The stranger never says goodbye by itself.
    for phone in [ana, bia] {
        world.ask(phone, Command::Shutdown);
    }
    world.run(secs(40));
}

#[test]
fn nobody_is_brought_into_what_is_no_conference() {
    let (mut world, ana, ..) = two_calls(902, false);
    assert!(told(&world, ana).is_empty());
    bring_in(&mut world, ana);
    let refused = Event::Refused {
        call: Some(FOCUS),
        refusal: Refusal::WrongState,
    };
    assert!(world.phones[ana].events.contains(&refused));
    assert_eq!(world.phones[ana].agent.calls_under_way(), 2);
    world.ask(ana, Command::HangUp(CALL));
    world.ask(ana, Command::HangUp(FOCUS));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_becomes_a_conference_and_ceases_to_be_one_while_it_lasts() {
    let (mut world, ana, ..) = two_calls(903, false);
    for (wish, is) in [
        (Command::Hold(FOCUS), true),
        (Command::Resume(FOCUS), false),
    ] {
        world.ask(ana, wish);
        world.run(Duration::from_millis(100));
        let change = world.asked_outside("INVITE").pop().expect("a re-INVITE");
        accept(&mut world, &change, ANA, is);
        assert_eq!(told(&world, ana).last(), Some(&is));
    }
}
