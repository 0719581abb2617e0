//! Flows (RFC 5626): two of them to a registrar of two servers, kept open, missed when they are dead.

use std::time::Duration;

use ramal::agent::{AgentConfig, Command};
use ramal::sip::Transport;

use super::sim::nat::Nat;
use super::sim::registrar::Registrar;
use super::sim::story::{
    ACCOUNT, ANA, DOMAIN, PBX, add, assert_forgotten, extension, house, is_registered, secs,
};
use super::sim::{Datagram, World};

const SECOND_PBX: &str = "10.0.0.101:5060";
const OUTSIDE: &str = "203.0.113.9";

fn named() -> AgentConfig {
    AgentConfig {
        instance: Some("urn:uuid:00000000-0000-4000-8000-000000000001".to_owned()),
        ..AgentConfig::default()
    }
}

/// Ana at a registrar that keeps to RFC 5626.
fn kept(seed: u64, transport: Transport, at: &str) -> (World, usize) {
    let mut world = house(seed);
    world.transport = transport;
    world.registrars[0].outbound = true;
    let ana = world.phone(at, named());
    add(&mut world, ana, extension("1001"));
    world.run(secs(1));
    assert!(is_registered(&world, ana));
    (world, ana)
}

/// The same, at one of two servers.
fn at_two(seed: u64) -> (World, usize) {
    let mut world = house(seed);
    world.registrars.push(Registrar::new(SECOND_PBX, DOMAIN));
    for registrar in &mut world.registrars {
        registrar.outbound = true;
    }
    let both = [PBX, SECOND_PBX].map(|addr| addr.parse().expect("an address"));
    world.names.insert(DOMAIN.to_owned(), both.to_vec());
    let ana = world.phone(ANA, named());
    add(&mut world, ana, extension("1001"));
    world.run(secs(1));
    (world, ana)
}

fn bound(world: &World, registrar: usize) -> usize {
    world.registrars[registrar].bound(world.now, "1001").len()
}

/// Of what went to an address, how much begins so.
fn asked(world: &World, to: &str, begins: &[u8]) -> usize {
    let to = to.parse().expect("an address");
    let sent = world.log.iter().filter(|(_, it)| it.to == to);
    sent.filter(|(_, it)| it.bytes.starts_with(begins)).count()
}

const STUN: &[u8] = &[0, 1];
const LINES: &[u8] = b"\r\n\r\n";

#[test]
fn a_registrar_of_two_servers_that_agrees_to_flows_gets_two() {
    let (mut world, _) = at_two(2_001);
    assert_eq!((bound(&world, 0), bound(&world, 1)), (1, 1));
    let numbers = |to: &str, number: &str| {
        let to = to.parse().expect("an address");
        let texts = world.log.iter().filter(|(_, it)| it.to == to);
        let mut texts = texts.map(|(_, it)| String::from_utf8_lossy(&it.bytes).into_owned());
        texts.all(|it| it.contains(number))
    };
    assert!(numbers(PBX, ";reg-id=1"));
    assert!(numbers(SECOND_PBX, ";reg-id=2"));
    assert_forgotten(&mut world);
}

#[test]
fn a_registrar_that_does_not_agree_gets_one() {
    let (mut world, ana) = at_two(2_002);
    world.ask(ana, Command::RemoveAccount(ACCOUNT));
    world.run(secs(1));
    for registrar in &mut world.registrars {
        registrar.outbound = false;
    }
    add(&mut world, ana, extension("1001"));
    world.run(secs(400));
    assert_eq!((bound(&world, 0), bound(&world, 1)), (1, 0));
    assert_forgotten(&mut world);
}

#[test]
fn whichever_server_dies_the_phone_stays_registered_and_comes_back_to_it() {
    for dies in [0, 1] {
        let (mut world, ana) = at_two(2_003);
        let events = world.phones[ana].events.len();
        world.registrars[dies].away = true;
        let lives = 1 - dies;
        for _ in 0..1_200 {
            world.run(secs(1));
            assert!(is_registered(&world, ana), "{dies} died");
            assert_eq!(bound(&world, lives), 1, "{dies} died");
        }
        assert_eq!(
            world.phones[ana].events[events..],
            [],
            "nothing to be told of"
        );
        // Nobody hammers what is dead: 90 s, doubled each time (RFC 5626 section 4.5).
        let to = [PBX, SECOND_PBX][dies];
        let tries = world.log.iter().filter(|(at, it)| {
            *at > secs(300) && it.to == to.parse().expect("an address") && it.bytes[0] == b'R'
        });
        // Eleven datagrams each, over UDP.
        assert!(tries.count() <= 5 * 11);
        world.registrars[dies].away = false;
        world.run(secs(1_900));
        assert_eq!((bound(&world, 0), bound(&world, 1)), (1, 1), "{dies} died");
        assert_forgotten(&mut world);
    }
}

#[test]
fn who_moves_takes_both_flows_along() {
    let (mut world, ana) = at_two(2_004);
    world.run(secs(60));
    world.move_to(ana, "10.0.1.1:5060");
    world.run(secs(1));
    for registrar in &world.registrars {
        let bound = registrar.bound(world.now, "1001");
        assert!(
            bound.len() == 1 && bound[0].contains("10.0.1.1"),
            "{bound:?}"
        );
    }
    assert_forgotten(&mut world);
}

#[test]
fn over_udp_flows_are_kept_by_stun() {
    let (mut world, _) = kept(2_005, Transport::Udp, ANA);
    world.run(secs(200));
    // Each after 80 to 100 % of 29 s.
    let asked_for = asked(&world, PBX, STUN);
    assert!((6..=9).contains(&asked_for), "{asked_for}");
    assert_eq!(asked(&world, PBX, LINES), 0);
    assert_forgotten(&mut world);
}

#[test]
fn a_registrar_that_answers_no_stun_is_not_taken_for_dead() {
    let (mut world, ana) = kept(2_006, Transport::Udp, ANA);
    world.censor = Some(Box::new(|datagram: &Datagram| {
        !datagram.bytes.starts_with(STUN)
    }));
    world.run(secs(250));
    assert!(is_registered(&world, ana));
    // One question, seven times; then what nobody has to answer.
    assert_eq!(asked(&world, PBX, STUN), 7);
    assert!(asked(&world, PBX, LINES) >= 3);
    assert_eq!(world.registrars[0].registers.len(), 2);
    world.censor = None;
    assert_forgotten(&mut world);
}

#[test]
fn a_translator_that_forgets_is_found_out_by_the_next_question() {
    let (mut world, ana) = {
        let mut world = house(2_007);
        world.nat = Some(Nat::at(OUTSIDE));
        world.registrars[0].outbound = true;
        let ana = world.phone("192.168.1.7:5060", named());
        add(&mut world, ana, extension("1001"));
        world.run(secs(61));
        (world, ana)
    };
    let before = world.registrars[0].bound(world.now, "1001")[0].to_owned();
    if let Some(nat) = &mut world.nat {
        nat.restart();
    }
    world.run(secs(30));
    let after = world.registrars[0].bound(world.now, "1001");
    assert!(after.len() == 1 && after[0] != before, "{after:?}");
    assert!(is_registered(&world, ana));
}

#[test]
fn a_server_that_answered_and_is_silent_is_missed_before_the_binding_ends() {
    let (mut world, ana) = at_two(2_008);
    world.run(secs(60));
    world.registrars[0].away = true;
    // A question within half a minute, 39.5 s until it is given up, and as long for a REGISTER.
    world.run(secs(30 + 40 + 33));
    let way = world.phones[ana].agent.registered_way(ACCOUNT);
    let second = SECOND_PBX.parse().expect("an address");
    assert_eq!(way.map(|way| way.remote), Some(second));
}

#[test]
fn a_connection_that_leads_nowhere_is_given_up_after_ten_seconds() {
    let (mut world, ana) = kept(2_009, Transport::Tcp, ANA);
    // What answers a ping is there.
    world.run(secs(125));
    assert!(world.phones[ana].abandoned.is_empty());
    assert_eq!(asked(&world, PBX, LINES), 1);
    let (pings, registers) = (
        asked(&world, PBX, LINES),
        world.registrars[0].registers.len(),
    );
    world.registrars[0].away = true;
    for _ in 0..1_300 {
        if asked(&world, PBX, LINES) == pings {
            world.run(Duration::from_millis(100));
        }
    }
    world.run(secs(9));
    assert!(world.phones[ana].abandoned.is_empty());
    world.run(secs(2));
    assert_eq!(world.phones[ana].abandoned.len(), 1);
    world.registrars[0].away = false;
    // A binding made half a minute ago is not made anew at once.
    world.run(secs(30));
    assert!(world.registrars[0].registers.len() > registers);
    assert!(is_registered(&world, ana));
    assert_forgotten(&mut world);
}

#[test]
fn stun_that_nobody_asked_for_changes_nothing() {
    let (mut world, ana) = kept(2_010, Transport::Udp, ANA);
    let (from, to) = (
        PBX.parse().expect("an address"),
        ANA.parse().expect("an address"),
    );
    let said = world.log.len();
    for bytes in [
        &[
            0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
        ][..],
        &[
            1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
        ],
        &[0],
        &[3; 700],
    ] {
        world.inject(from, to, bytes);
    }
    world.run(secs(1));
    assert_eq!(world.log.len(), said + 4, "nothing is answered");
    assert!(is_registered(&world, ana));
}
