//! A phone behind an address translator that forgets each path after half a minute.

use ramal::agent::{AgentConfig, Command, Event};
use ramal::sip::{HeaderName, Method};

use super::sim::nat::Nat;
use super::sim::story::{
    ANA, BIA, CALL, add, assert_forgotten, dial, extension, house, is_registered, ring_at, secs,
    talk_at,
};
use super::sim::{Datagram, World};

const OUTSIDE: &str = "203.0.113.9";

/// Ana, 1001, behind a translator; Bia, 1002, at the registrar's side of it.
fn at_home(seed: u64) -> (World, usize, usize) {
    let mut world = house(seed);
    world.nat = Some(Nat::at(OUTSIDE));
    let ana = world.phone("192.168.1.7:5060", AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    add(&mut world, bia, extension("1002"));
    world.run(secs(1));
    assert!(is_registered(&world, ana) && is_registered(&world, bia));
    (world, ana, bia)
}

#[test]
fn who_is_behind_a_translator_is_bound_where_the_registrar_sees_them() {
    let (world, _, _) = at_home(1_401);
    let bound = world.registrars[0].bound(world.now, "1001");
    assert!(
        bound.len() == 1 && bound[0].contains(&format!("@{OUTSIDE}:")),
        "{bound:?}"
    );
    // With the challenge came where we are seen: nothing was bound at the wrong place before.
    assert_eq!(world.registrars[0].held.len(), 2, "one for each phone");
}

#[test]
fn who_has_not_spoken_for_minutes_is_reached_all_the_same() {
    let (mut world, ana, bia) = at_home(1_402);
    world.run(secs(200));
    talk_at(&mut world, bia, "1001", ana);
    world.run(secs(100));
    world.ask(bia, Command::HangUp(CALL));
    world.run(secs(1));
    assert_eq!(world.phones[ana].agent.calls_under_way(), 0);
    assert_forgotten(&mut world);
}

#[test]
fn a_translator_that_starts_anew_costs_no_more_than_one_refresh() {
    let (mut world, ana, bia) = at_home(1_403);
    if let Some(nat) = &mut world.nat {
        nat.restart();
    }
    world.run(secs(300));
    ring_at(&mut world, bia, "1001", ana);
    assert_eq!(world.incoming(ana).len(), 1);
    world.ask(bia, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn who_is_behind_nothing_keeps_no_path_open() {
    let mut world = house(1_404);
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    world.run(secs(200));
    assert!(!world.sent_by(ANA).contains(&String::new()), "no pings");
    assert_forgotten(&mut world);
}

#[test]
fn a_router_that_rewrites_what_the_phone_says_is_told_once() {
    let mut world = house(1_405);
    world.mangle = Some(Box::new(|datagram: &mut Datagram| {
        let text = String::from_utf8_lossy(&datagram.bytes).into_owned();
        // There, and not back.
        if datagram.from == ANA.parse().expect("an address") {
            let rewritten =
                text.replace("Via: SIP/2.0/UDP 10.0.0.1", "Via: SIP/2.0/UDP 203.0.113.9");
            datagram.bytes = rewritten.into_bytes();
        }
    }));
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    world.run(secs(600));
    let events = world.phones[ana].events.iter();
    let told = events.filter(|event| matches!(event, Event::Altered { .. }));
    assert_eq!(told.count(), 1);
    world.mangle = None;
    assert_forgotten(&mut world);
}

#[test]
fn an_honest_network_is_not_suspected() {
    let (world, ana, bia) = at_home(1_406);
    for phone in [ana, bia] {
        let mut events = world.phones[phone].events.iter();
        assert!(!events.any(|event| matches!(event, Event::Altered { .. })));
    }
}

#[test]
fn a_registrar_that_agrees_to_flows_and_gives_an_address_is_taken_at_its_word() {
    const INSTANCE: &str = "urn:uuid:00000000-0000-4000-8000-000000000001";
    const ALONE: &str = "sip:1001@pbx.example;gr=urn:uuid:00000000-0000-4000-8000-000000000001";
    let mut world = house(1_407);
    world.registrars[0].instead = Some(Box::new(|request| {
        if request.method != Method::Register {
            return None;
        }
        let contact = request
            .headers
            .get(&HeaderName::CONTACT)
            .expect("a Contact");
        let headers = vec![
            ("Contact", format!("{contact};pub-gruu=\"{ALONE}\"")),
            ("Require", "outbound".to_owned()),
            ("Flow-Timer", "60".to_owned()),
        ];
        Some((200, headers))
    }));
    let config = AgentConfig {
        instance: Some(INSTANCE.to_owned()),
        ..AgentConfig::default()
    };
    let ana = world.phone(ANA, config);
    add(&mut world, ana, extension("1001"));
    world.run(secs(200));
    let asked = |world: &World, method: &str| {
        let messages = world.log.iter().map(|(_, it)| it);
        let mut messages = messages
            .map(|it| String::from_utf8_lossy(&it.bytes).into_owned())
            .filter(|it| it.starts_with(method));
        messages.next().unwrap_or_default()
    };
    let register = asked(&world, "REGISTER");
    for said in [
        &format!("+sip.instance=\"<{INSTANCE}>\""),
        "reg-id=1",
        "outbound",
        "gruu",
    ] {
        assert!(register.contains(said), "{said}: {register}");
    }
    // Each after 80 to 100 % of the minute that the server gives; it does not answer STUN, which is
    // asked first.
    let pings = world.sent_by(ANA).iter().filter(|it| it.is_empty()).count();
    assert!((3..=4).contains(&pings), "{pings}");
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    let invite = asked(&world, "INVITE");
    assert!(
        invite.contains(&format!("Contact: <{ALONE}>\r\n")),
        "{invite}"
    );
    assert_forgotten(&mut world);
}
