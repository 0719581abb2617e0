//! Calls that come from a server: for which of the phone's accounts they are.

use ramal::agent::{AccountConfig, AccountId, AgentConfig, Event};

use super::sim::World;
use super::sim::registrar::Registrar;
use super::sim::story::{
    ACCOUNT, ANA, DOMAIN, PBX, add, count, extension, extension_of, house, open_to_all, secs,
};
use super::sim::stranger::{STRANGER, sound};

/// A second server, and Ana's account there.
const OTHER: &str = "10.0.0.101:5060";
const OTHER_DOMAIN: &str = "other.example";
const SECOND: AccountId = AccountId(2);

/// Ana is 1001 at both servers, as it happens with two companies.
fn one_number_at_two_servers(seed: u64) -> (World, usize) {
    let mut world = house(seed);
    world.registrars.push(Registrar::new(OTHER, OTHER_DOMAIN));
    let other = OTHER.parse().expect("an address");
    world.names.insert(OTHER_DOMAIN.to_owned(), vec![other]);
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, open_to_all(extension("1001")));
    let second = extension_of(SECOND, "1001", OTHER_DOMAIN);
    add(&mut world, ana, open_to_all(second));
    world.run(secs(1));
    (world, ana)
}

/// A call from that address, to a number at Ana's own address, for whom `to` says.
fn call_from(world: &mut World, from: &str, number: &str, to: &str) {
    let body = sound(6_000);
    let text = format!(
        "INVITE sip:{number}@{ANA} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{from}\r\n\
         From: <sip:0123@{from}>;tag=theirs\r\nTo: <sip:{to}>\r\nCall-ID: from-{from}\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:pbx@{from}>\r\nMax-Forwards: 70\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (from, to) = (from.parse().expect("one"), ANA.parse().expect("one"));
    world.inject(from, to, text.as_bytes());
    world.run(secs(1));
}

/// The accounts at which it rang, oldest first.
fn rang_at(world: &World, phone: usize) -> Vec<AccountId> {
    let events = world.phones[phone].events.iter();
    let accounts = events.filter_map(|event| match event {
        Event::Incoming { account, .. } => Some(*account),
        _ => None,
    });
    accounts.collect()
}

#[test]
fn a_call_is_for_the_account_at_the_server_that_sends_it() {
    let (mut world, ana) = one_number_at_two_servers(501);
    for server in [OTHER, PBX] {
        call_from(&mut world, server, "1001", &format!("1001@{ANA}"));
    }
    assert_eq!(rang_at(&world, ana), [SECOND, ACCOUNT]);
}

#[test]
fn what_comes_by_another_server_is_for_whom_its_to_says() {
    let (mut world, ana) = one_number_at_two_servers(502);
    call_from(
        &mut world,
        STRANGER,
        "1001",
        &format!("1001@{OTHER_DOMAIN}"),
    );
    assert_eq!(rang_at(&world, ana), [SECOND]);
    // Somebody called a queue there, which went on to her.
    let queue = format!("queue@{OTHER_DOMAIN}");
    call_from(&mut world, "10.0.0.9:5060", "1001", &queue);
    assert_eq!(rang_at(&world, ana), [SECOND, SECOND]);
    let unsaid = format!("1001@{ANA}");
    call_from(&mut world, "10.0.0.8:5060", "1001", &unsaid);
    assert_eq!(rang_at(&world, ana), [SECOND, SECOND]);
    assert!(count(&world.sent_by(ANA), "SIP/2.0 485") > 0);
}

#[test]
fn a_trunk_is_called_by_any_of_its_numbers() {
    let (mut world, ana) = one_number_at_two_servers(503);
    let number = "551135550142";
    call_from(&mut world, OTHER, number, &format!("{number}@{ANA}"));
    assert_eq!(rang_at(&world, ana), [SECOND]);
    // But not by everybody.
    call_from(&mut world, STRANGER, number, &format!("{number}@{ANA}"));
    assert_eq!(rang_at(&world, ana), [SECOND]);
    assert!(count(&world.sent_by(ANA), "SIP/2.0 404") > 0);
}

#[test]
fn a_trunk_rings_beside_an_account_that_takes_everything() {
    let (mut world, ana) = one_number_at_two_servers(504);
    let direct = AccountId(3);
    add(&mut world, ana, AccountConfig::direct(direct));
    let number = "551135550142";
    for from in [PBX, STRANGER] {
        call_from(&mut world, from, number, &format!("{number}@{ANA}"));
    }
    assert_eq!(rang_at(&world, ana), [ACCOUNT, direct]);
}

#[test]
fn of_two_accounts_at_one_server_the_to_says_which() {
    let mut world = house(505);
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    add(&mut world, ana, extension_of(SECOND, "1002", DOMAIN));
    world.run(secs(1));
    call_from(&mut world, PBX, "1002", &format!("5550142@{DOMAIN}"));
    assert_eq!(rang_at(&world, ana), [SECOND]);
    world.phones[ana].events.clear();
    let number = "551135550142";
    call_from(
        &mut world,
        "10.0.0.100:5062",
        number,
        &format!("1001@{DOMAIN}"),
    );
    assert_eq!(rang_at(&world, ana), [ACCOUNT]);
    call_from(
        &mut world,
        "10.0.0.100:5064",
        number,
        &format!("{number}@{DOMAIN}"),
    );
    assert_eq!(rang_at(&world, ana), [ACCOUNT]);
    assert!(count(&world.sent_by(ANA), "SIP/2.0 485") > 0);
}
