//! A call that rings at one phone, taken at another that watches it: by replacing it at its caller,
//! or by the number that the PBX has for it.

use ramal::agent::{AgentConfig, CallId, Command, EndCause, Event, Package, Refusal, WatchId};
use ramal::events::dialog_info::Lamp;
use ramal::sip::{Message, parse_datagram};

use super::sim::World;
use super::sim::notifier::Notifier;
use super::sim::story::{
    ACCOUNT, ANA, BIA, PBX, add, assert_forgotten, extension, house, ring_at, secs,
};

const CEU: &str = "10.0.0.3:5060";
const LAMP: WatchId = WatchId(3);
const PICKED: CallId = CallId(9);

/// Ana calls Bia, where it rings; Ceu watches, with this code of pickups. The phones, and Bia's
/// name for the call.
fn it_rings_at_bia(seed: u64, code: Option<&str>) -> (World, [usize; 3], CallId) {
    let mut world = house(seed);
    world.notifier = Some(Notifier::new(PBX));
    let phones = [ANA, BIA, CEU].map(|at| world.phone(at, AgentConfig::default()));
    add(&mut world, phones[0], extension("1001"));
    add(&mut world, phones[1], extension("1002"));
    let mut ceu = extension("1003");
    ceu.pickup_code = code.map(str::to_owned);
    add(&mut world, phones[2], ceu);
    world.run(secs(1));
    let watch = Command::Watch {
        watch: LAMP,
        account: ACCOUNT,
        target: "1002".to_owned(),
        package: Package::Dialog,
    };
    world.ask(phones[2], watch);
    world.run(secs(1));
    let at_bia = ring_at(&mut world, phones[0], "1002", phones[1]);
    tell_of_it(&mut world, "early");
    world.run(secs(1));
    (world, phones, at_bia)
}

/// Bia's 180, from which the PBX knows the dialog.
fn tell_of_it(world: &mut World, state: &str) {
    let ringing = world.log.iter().find_map(|(_, datagram)| {
        let from_bia = datagram.from == BIA.parse().expect("an address");
        match parse_datagram(&datagram.bytes).ok()?.message {
            Message::Response(response) if from_bia && response.status.code() == 180 => {
                Some(response)
            }
            _ => None,
        }
    });
    let headers = ringing.expect("it rings").headers;
    let tag = |name: &str| {
        let value = headers.get(&name.into()).expect("it is there");
        value.rsplit("tag=").next().expect("a tag").to_owned()
    };
    let body = format!(
        "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"VERSION\" \
         state=\"full\" entity=\"sip:1002@pbx.example\"><dialog id=\"d\" call-id=\"{}\" \
         local-tag=\"{}\" remote-tag=\"{}\" direction=\"recipient\"><state>{state}</state>\
         <remote><identity>sip:1001@pbx.example</identity></remote></dialog></dialog-info>",
        headers.call_id().expect("a Call-ID"),
        tag("To"),
        tag("From"),
    );
    world.with_notifier(|notifier, now| notifier.set(now, "1002", "dialog", &body));
}

fn pick_up(world: &mut World, phone: usize) {
    let pick_up = Command::PickUp {
        watch: LAMP,
        call: PICKED,
    };
    world.ask(phone, pick_up);
    world.run(secs(2));
}

fn ends(world: &World, phone: usize) -> Vec<(CallId, EndCause)> {
    let events = world.phones[phone].events.iter();
    let ended = events.filter_map(|event| match event {
        Event::Ended { call, end } => Some((*call, end.cause)),
        _ => None,
    });
    ended.collect()
}

fn answered(world: &World, phone: usize) -> Vec<CallId> {
    let events = world.phones[phone].events.iter();
    let answered = events.filter_map(|event| match event {
        Event::Answered { call, .. } => Some(*call),
        _ => None,
    });
    answered.collect()
}

#[test]
fn a_ringing_call_is_taken_from_another_phone() {
    let (mut world, [ana, bia, ceu], at_bia) = it_rings_at_bia(901, None);
    pick_up(&mut world, ceu);
    assert_eq!(answered(&world, ceu), [PICKED]);
    // Ana goes on in another call, asked nothing; at Bia's it stops to ring.
    let at_ana = answered(&world, ana);
    assert_eq!(at_ana.len(), 1);
    assert_eq!(ends(&world, ana), [(CallId(1), EndCause::Replaced)]);
    assert_eq!(ends(&world, bia).len(), 1);
    assert_eq!(ends(&world, bia)[0].0, at_bia);
    world.ask(ceu, Command::HangUp(PICKED));
    world.run(secs(1));
    assert_eq!(ends(&world, ana)[1], (at_ana[0], EndCause::HungUp));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_that_was_answered_a_moment_ago_stays_where_it_is() {
    let (mut world, [ana, bia, ceu], at_bia) = it_rings_at_bia(902, None);
    world.ask(bia, Command::Answer(at_bia));
    world.run(secs(1));
    // The lamp does not know of it yet.
    pick_up(&mut world, ceu);
    assert_eq!(ends(&world, ceu), [(PICKED, EndCause::Busy)]);
    assert_eq!((ends(&world, ana), ends(&world, bia)), (vec![], vec![]));
    tell_of_it(&mut world, "confirmed");
    world.run(secs(1));
    let shown = world.phones[ceu].events.iter().rev();
    let mut shown = shown.filter_map(|event| match event {
        Event::Lamp { lamp, .. } => Some(lamp.lamp),
        _ => None,
    });
    assert_eq!(shown.next(), Some(Lamp::Busy));
    drop(shown);
    let again = Command::PickUp {
        watch: LAMP,
        call: CallId(10),
    };
    world.ask(ceu, again);
    let refused = Event::Refused {
        call: Some(CallId(10)),
        refusal: Refusal::NothingRings,
    };
    assert_eq!(world.phones[ceu].events.last(), Some(&refused));
    world.ask(ana, Command::HangUp(CallId(1)));
    assert_forgotten(&mut world);
}

#[test]
fn a_pbx_with_a_number_for_it_is_called_there() {
    let (mut world, [ana, _, ceu], _) = it_rings_at_bia(903, Some("*8"));
    pick_up(&mut world, ceu);
    let invites = world.sent_by(CEU);
    let called = invites.iter().find(|line| line.starts_with("INVITE"));
    assert_eq!(
        called.map(String::as_str),
        Some("INVITE sip:*81002@pbx.example SIP/2.0")
    );
    world.ask(ana, Command::HangUp(CallId(1)));
    assert_forgotten(&mut world);
}
