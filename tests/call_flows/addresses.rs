//! Machines with addresses of both IPs, and addresses that change.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use ramal::agent::{AccountConfig, AgentConfig, Command};
use ramal::sip::Transport;

use super::registrations::{HOUR, gaps, one_phone, states};
use super::sim::World;
use super::sim::story::{
    ACCOUNT, ANA, BIA, CALL, DOMAIN, PBX, add, answered, assert_forgotten, count, dial, extension,
    house, is_registered, secs,
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

/// The same, elsewhere: from cable to the radio.
const ANA_MOVED: &str = "10.0.1.1:5060";

#[test]
fn a_phone_whose_address_changed_is_bound_at_the_new_one_with_the_next_refresh() {
    for taken_over in [false, true] {
        let (mut world, ana) = one_phone(604);
        world.run(secs(100));
        world.phones[ana].addr = address(ANA_MOVED);
        if taken_over {
            world.ask(ana, Command::Register(ACCOUNT));
            world.run(secs(1));
        } else {
            world.run(secs(268));
        }
        let now = world.now;
        // The old binding is not left behind, where every call would ring into the void.
        let bound = world.registrars[0].bound(now, "1001");
        assert_eq!(bound, [format!("sip:1001@{ANA_MOVED}")]);
        assert_eq!(gaps(&world), []);
        assert_eq!(states(&world, ana).len(), 2, "{:?}", states(&world, ana));
        world.run(secs(HOUR));
        assert_eq!(gaps(&world), []);
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_registrar_that_answers_is_not_left_for_another_of_its_addresses() {
    let (mut world, ana) = one_phone(605);
    world.run(secs(10));
    // Names that take turns, or that name a server which was out of service when it was asked.
    let other = address("10.0.0.99:5060");
    for ways in [vec![other, address(PBX)], vec![other], vec![]] {
        world.names.insert(DOMAIN.to_owned(), ways);
        world.run(secs(HOUR));
    }
    world.names.clear();
    world.run(secs(HOUR));
    assert_eq!(gaps(&world), []);
    assert_eq!(states(&world, ana).len(), 2, "{:?}", states(&world, ana));
    let to_other = world.log.iter().filter(|(_, d)| d.to == other).count();
    assert_eq!(to_other, 0);
    assert_forgotten(&mut world);
}

#[test]
fn a_machine_that_wakes_up_elsewhere_is_bound_there_at_once() {
    let (mut world, ana) = one_phone(606);
    world.run(secs(100));
    world.phones[ana].addr = address(ANA_MOVED);
    world.wake_up(ana);
    world.wake_up(ana);
    world.run(secs(1));
    let now = world.now;
    let bound = world.registrars[0].bound(now, "1001");
    assert_eq!(bound, [format!("sip:1001@{ANA_MOVED}")]);
    assert_eq!(count(&world.sent_by(ANA_MOVED), "REGISTER"), 1);
    assert_forgotten(&mut world);
}

#[test]
fn a_machine_that_wakes_up_looks_again_for_what_was_not_there() {
    let mut world = house(607);
    let names = std::mem::take(&mut world.names);
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    world.run(secs(1));
    assert!(!is_registered(&world, ana));
    world.names = names;
    world.wake_up(ana);
    world.run(secs(1));
    assert!(is_registered(&world, ana));
    // What only the person can mend is not tried again, and what was left stays so.
    world.ask(ana, Command::Unregister(ACCOUNT));
    world.run(secs(1));
    let asked = world.sent_by(ANA).len();
    world.wake_up(ana);
    world.run(secs(1));
    assert_eq!(world.sent_by(ANA).len(), asked);
    assert_forgotten(&mut world);
}

#[test]
fn an_account_set_to_udp_stays_with_it_however_long_an_invite_is() {
    for (transport, wanted) in [(None, "TCP"), (Some(Transport::Udp), "UDP")] {
        let mut world = World::new(605);
        let ana = world.phone(ANA, AgentConfig::default());
        let bia = world.phone(BIA, AgentConfig::default());
        let account = AccountConfig {
            transport,
            display_name: Some("Ana ".repeat(300)),
            ..AccountConfig::direct(ACCOUNT)
        };
        add(&mut world, ana, account);
        add(&mut world, bia, AccountConfig::direct(ACCOUNT));
        let vias = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&vias);
        world.censor = Some(Box::new(move |datagram| {
            let text = String::from_utf8_lossy(&datagram.bytes);
            if text.starts_with("INVITE") {
                let via = text
                    .lines()
                    .find_map(|line| line.strip_prefix("Via: SIP/2.0/"));
                seen.borrow_mut().push(via.map(|via| via[..3].to_owned()));
            }
            true
        }));
        dial(&mut world, ana, &format!("sip:bia@{BIA}"));
        world.run(secs(1));
        assert_eq!(*vias.borrow(), [Some(wanted.to_owned())]);
    }
}
