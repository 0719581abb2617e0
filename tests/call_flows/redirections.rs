//! Calls that are sent elsewhere, or have to find another way.

use ramal::agent::{AccountConfig, AgentConfig, Command, EndCause, Side};
use ramal::sip::{HeaderName, Method};

use super::sim::World;
use super::sim::registrar::{Registrar, contact};
use super::sim::story::{
    ANA, BIA, CALL, DOMAIN, PBX, add, answered, assert_forgotten, count, dial, end_of, extension,
    house, is_registered, registered_phones, secs,
};

/// Calls to a number are sent to these, all with one status.
fn redirect(world: &mut World, routes: &'static [(&str, u16, &[&str])]) {
    world.registrars[0].instead = Some(Box::new(move |request| {
        let user = request.uri.user_unescaped()?;
        let (_, status, targets) = routes
            .iter()
            .find(|(number, ..)| request.method == Method::Invite && *number == user)?;
        let contacts = targets.iter().map(|target| contact_of(target));
        Some((*status, contacts.collect()))
    }));
}

/// `number`, or `number q` with its weight.
fn contact_of(target: &str) -> (&'static str, String) {
    let (number, q) = target.split_once(' ').unwrap_or((target, ""));
    let (name, mut value) = contact(&format!("sip:{number}@{DOMAIN}"));
    if !q.is_empty() {
        value.push_str(&format!(";q={q}"));
    }
    (name, value)
}

/// The numbers that Ana called, in order.
fn called(world: &World) -> Vec<String> {
    let lines = world.sent_by(ANA).into_iter();
    let numbers = lines.filter_map(|line| {
        let target = line.strip_prefix("INVITE sip:")?.to_owned();
        target.split('@').next().map(str::to_owned)
    });
    numbers.collect()
}

#[test]
fn a_redirection_is_followed_when_the_settings_say_so() {
    let (mut world, ana, bia) = registered_phones(301);
    redirect(&mut world, &[("1005", 302, &["1002"])]);
    dial(&mut world, ana, "1005");
    world.run(secs(1));
    assert_eq!(called(&world), ["1005", "1002"]);
    let ringing = world.incoming(bia)[0];
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(1));
    assert!(answered(&world, ana));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_redirection_is_told_and_not_followed_when_the_settings_say_so() {
    let mut world = house(302);
    let ana = world.phone(ANA, AgentConfig::default());
    let account = AccountConfig {
        follow_redirects: false,
        ..extension("1001")
    };
    add(&mut world, ana, account);
    world.run(secs(1));
    redirect(&mut world, &[("1005", 302, &["1002"])]);
    dial(&mut world, ana, "1005");
    world.run(secs(10));
    assert_eq!(called(&world), ["1005"]);
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::Redirected, Side::Remote))
    );
    assert_forgotten(&mut world);
}

#[test]
fn a_circle_of_redirections_is_gone_round_once() {
    let (mut world, ana, _) = registered_phones(303);
    redirect(
        &mut world,
        &[
            ("1005", 302, &["1006"]),
            ("1006", 302, &["1007"]),
            ("1007", 302, &["1005", "1007"]),
        ],
    );
    dial(&mut world, ana, "1005");
    world.run(secs(10));
    assert_eq!(called(&world), ["1005", "1006", "1007"]);
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::Redirected, Side::Remote))
    );
    assert_forgotten(&mut world);
}

#[test]
fn a_chain_of_redirections_ends_somewhere() {
    let (mut world, ana, _) = registered_phones(304);
    let mut next = 2_000;
    world.registrars[0].instead = Some(Box::new(move |request| {
        next += 1;
        let elsewhere = format!("sip:{next}@{DOMAIN}");
        (request.method == Method::Invite).then(|| (302, vec![contact(&elsewhere)]))
    }));
    dial(&mut world, ana, "1005");
    world.run(secs(60));
    assert_eq!(called(&world).len(), 8, "{:?}", called(&world));
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::Redirected, Side::Remote))
    );
    assert_forgotten(&mut world);
}

#[test]
fn of_several_targets_the_best_comes_first_and_the_others_when_it_fails() {
    let (mut world, ana, bia) = registered_phones(305);
    redirect(
        &mut world,
        &[
            ("1005", 300, &["1002 0.2", "1006 0.9", "1007 0.5"]),
            ("1006", 404, &[]),
            ("1007", 480, &[]),
        ],
    );
    dial(&mut world, ana, "1005");
    world.run(secs(2));
    assert_eq!(called(&world), ["1005", "1006", "1007", "1002"]);
    assert_eq!(world.incoming(bia).len(), 1);
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

/// Ana's registrar has two addresses; Bia is registered at the second alone.
fn two_addresses(seed: u64) -> (World, usize, usize) {
    let first = "10.0.0.99:5060";
    let mut world = house(seed);
    world.registrars.push(Registrar::new(first, DOMAIN));
    let both = [first, PBX].map(|addr| addr.parse().expect("an address"));
    world.names.insert(DOMAIN.to_owned(), both.to_vec());
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    let second = AccountConfig {
        registrar: Some(format!("sip:{PBX}").parse().expect("a URI")),
        ..extension("1002")
    };
    add(&mut world, bia, second);
    world.run(secs(1));
    assert!(is_registered(&world, ana) && is_registered(&world, bia));
    (world, ana, bia)
}

#[test]
fn a_server_out_of_service_makes_way_for_the_next_address() {
    let (mut world, ana, bia) = two_addresses(306);
    world.registrars[1].instead = Some(Box::new(|request| {
        (request.method == Method::Invite).then(|| (503, Vec::new()))
    }));
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1);
    assert_eq!(count(&world.sent_by(ANA), "INVITE"), 2);
    let ringing = world.incoming(bia)[0];
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(1));
    assert!(answered(&world, ana));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_server_that_is_silent_makes_way_for_the_next_address_after_64_t1() {
    let (mut world, ana, bia) = two_addresses(307);
    world.registrars[1].away = true;
    dial(&mut world, ana, "1002");
    world.run(secs(31));
    assert_eq!(world.incoming(bia).len(), 0);
    world.run(secs(2));
    assert_eq!(world.incoming(bia).len(), 1);
    world.registrars[1].away = false;
    world.ask(ana, Command::HangUp(CALL));
    // Ana's binding went to the other address too; the silent one keeps its own to the end.
    world.run(secs(300));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_goes_first_to_the_address_that_the_registrar_last_answered_from() {
    let mut world = house(309);
    let dead = "10.0.0.99:5060".parse().expect("an address");
    let pbx = PBX.parse().expect("an address");
    world.names.insert(DOMAIN.to_owned(), vec![dead, pbx]);
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    add(&mut world, bia, extension("1002"));
    world.run(secs(40));
    assert!(is_registered(&world, ana) && is_registered(&world, bia));
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1);
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn the_next_address_is_not_shown_what_the_first_one_asked_for() {
    let (mut world, ana, bia) = two_addresses(310);
    for registrar in &mut world.registrars {
        registrar.calls_ask = Some(407);
        // Like many it does not say that a nonce is none of its own.
        registrar.gate.says_stale = false;
    }
    // The first asks for the password, and goes out of service over the answer.
    world.registrars[1].instead = Some(Box::new(|request| {
        let authorized = request.headers.get(&HeaderName::PROXY_AUTHORIZATION);
        (request.method == Method::Invite && authorized.is_some()).then(|| (503, Vec::new()))
    }));
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    assert_eq!(end_of(&world, ana), None);
    assert_eq!(world.incoming(bia).len(), 1);
    assert_eq!(count(&world.sent_by(ANA), "INVITE"), 4);
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn when_every_address_is_out_of_service_the_call_says_so() {
    let (mut world, ana, _) = two_addresses(308);
    for registrar in &mut world.registrars {
        registrar.instead = Some(Box::new(|request| {
            (request.method == Method::Invite).then(|| (503, Vec::new()))
        }));
    }
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::ServerTrouble, Side::Remote))
    );
    assert_eq!(count(&world.sent_by(ANA), "INVITE"), 2);
    assert_forgotten(&mut world);
}
