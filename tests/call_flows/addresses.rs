//! Machines with addresses of both IPs, and addresses that change.

use std::net::SocketAddr;

use ramal::agent::{AccountConfig, AgentConfig, Command};

use super::registrations::{HOUR, gaps};
use super::sim::World;
use super::sim::story::{
    ACCOUNT, ANA, BIA, CALL, DOMAIN, PBX, add, answered, assert_forgotten, dial, extension, house,
    is_registered, secs,
};

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// Where Ana is in IPv6, and where nobody listens though a name says so.
const ANA_6: &str = "[2001:db8::1]:5060";
const DEAF_6: &str = "[2001:db8::100]:5060";

#[test]
fn a_registrar_that_is_deaf_in_one_ip_is_registered_with_in_the_other() {
    for refuses in [false, true] {
        let mut world = house(601);
        let ways = vec![address(DEAF_6), address(PBX)];
        world.names.insert(DOMAIN.to_owned(), ways);
        if refuses {
            world.refusing.insert(address(DEAF_6));
        }
        let ana = world.phone(ANA, AgentConfig::default());
        world.phones[ana].other_addr = Some(address(ANA_6));
        add(&mut world, ana, extension("1001"));
        world.run(if refuses { secs(1) } else { secs(33) });
        assert!(is_registered(&world, ana), "{:?}", world.phones[ana].events);
        let now = world.now;
        let bound = world.registrars[0].bound(now, "1001");
        assert_eq!(bound, [format!("sip:1001@{ANA}")]);
        world.run(secs(HOUR));
        assert_eq!(gaps(&world), []);
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_registrar_that_is_away_in_both_ips_is_asked_ever_later() {
    let mut world = house(602);
    let ways = vec![address(DEAF_6), address(PBX)];
    world.names.insert(DOMAIN.to_owned(), ways);
    world.refusing.extend([address(DEAF_6), address(PBX)]);
    let ana = world.phone(ANA, AgentConfig::default());
    world.phones[ana].other_addr = Some(address(ANA_6));
    add(&mut world, ana, extension("1001"));
    world.run(secs(6 * HOUR));
    // Of 30 s, doubled up to half an hour, 50% to 100% are waited: fewer than 30 attempts.
    let asked = world.sent_by(ANA).len();
    assert!((15..30).contains(&asked), "{asked}");
    world.refusing.clear();
    world.run(secs(HOUR));
    assert!(is_registered(&world, ana));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_to_a_name_that_is_deaf_in_one_ip_gets_through_in_the_other() {
    for refuses in [false, true] {
        let mut world = World::new(603);
        let ways = vec![address(DEAF_6), address(BIA)];
        world.names.insert("both.example".to_owned(), ways);
        if refuses {
            world.refusing.insert(address(DEAF_6));
        }
        let ana = world.phone(ANA, AgentConfig::default());
        let bia = world.phone(BIA, AgentConfig::default());
        world.phones[ana].other_addr = Some(address(ANA_6));
        for phone in [ana, bia] {
            add(&mut world, phone, AccountConfig::direct(ACCOUNT));
        }
        dial(&mut world, ana, "sip:bia@both.example");
        world.run(if refuses { secs(1) } else { secs(33) });
        let ringing = world.incoming(bia)[0];
        world.ask(bia, Command::Answer(ringing));
        world.run(secs(1));
        assert!(answered(&world, ana));
        // Sound comes to where she is for Bia.
        let plan = world.phones[bia].plans.values().next().expect("a plan");
        assert_eq!(plan.remote_rtp.ip(), address(ANA).ip());
        world.ask(bia, Command::HangUp(ringing));
        world.run(secs(1));
        world.ask(ana, Command::HangUp(CALL));
        assert_forgotten(&mut world);
    }
}
