//! A service of two servers, of which one fails: in the middle of a call, of a registration, or by
//! its own word (RFC 3263 section 4.3).

use std::time::Duration;

use ramal::agent::{AgentConfig, Command, EndCause, Side};
use ramal::sip::{Message, Request, StatusCode, parse_datagram};

use super::sim::World;
use super::sim::registrar::Registrar;
use super::sim::story::{
    ANA, CALL, DOMAIN, PBX, add, answered, assert_forgotten, dial, end_of, extension,
    is_registered, secs, two_phones,
};
use super::sim::stranger::sound;

const LEFT: &str = "10.0.0.51:5060";
const RIGHT: &str = "10.0.0.52:5060";
const SECOND_PBX: &str = "10.0.0.101:5060";

/// Ana, and a domain that has two servers, played by the story.
fn pair(seed: u64) -> (World, usize) {
    let (mut world, ana, _) = two_phones(seed);
    let both = [LEFT, RIGHT].map(|addr| addr.parse().expect("an address"));
    world.names.insert("pair.example".to_owned(), both.to_vec());
    (world, ana)
}

/// What was asked at an address, each branch once, oldest first.
fn asked_at(world: &World, addr: &str, method: &str) -> Vec<Request> {
    let addr = addr.parse().expect("an address");
    let mut asked: Vec<Request> = Vec::new();
    for (_, datagram) in world.log.iter().filter(|(_, it)| it.to == addr) {
        let parsed = parse_datagram(&datagram.bytes).expect("phones write what can be read");
        if let Message::Request(request) = parsed.message
            && request.method.as_str() == method
            && !asked.iter().any(|it| branch(it) == branch(&request))
        {
            asked.push(request);
        }
    }
    asked
}

fn branch(request: &Request) -> String {
    let via = request.headers.vias().expect("a Via").remove(0);
    via.branch().expect("a branch").to_owned()
}

/// A server answers a request of Ana's.
fn say(
    world: &mut World,
    from: &str,
    request: &Request,
    status: u16,
    headers: &[(&'static str, &str)],
) {
    let status = StatusCode::new(status).expect("a status");
    let mut response = request.response(status, Some("theirs"));
    for (name, value) in headers {
        response.headers.push(*name, *value);
    }
    if status.is_success() && request.method.as_str() == "INVITE" {
        response.set_body("application/sdp", sound(6_000).into_bytes());
    }
    let bytes = response.to_bytes().expect("a message");
    let (from, to) = (from.parse().expect("one"), ANA.parse().expect("one"));
    world.inject(from, to, &bytes);
    world.run(Duration::from_millis(100));
}

/// Ana talks over the left server, which stays on the way by the name of the pair.
fn talk_over_left(seed: u64) -> (World, usize) {
    let (mut world, ana) = pair(seed);
    dial(&mut world, ana, "sip:bia@pair.example");
    world.run(Duration::from_millis(100));
    let invite = asked_at(&world, LEFT, "INVITE").remove(0);
    let contact = ("Contact", "<sip:bia@10.0.0.7>");
    let route = ("Record-Route", "<sip:pair.example;lr>");
    say(&mut world, LEFT, &invite, 200, &[contact, route]);
    assert!(answered(&world, ana));
    assert_eq!(asked_at(&world, LEFT, "ACK").len(), 1);
    (world, ana)
}

#[test]
fn a_call_is_ended_over_the_next_server_when_the_first_is_dead() {
    let (mut world, ana) = talk_over_left(1_201);
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(31));
    assert!(asked_at(&world, RIGHT, "BYE").is_empty());
    world.run(secs(3));
    let (left, right) = (
        asked_at(&world, LEFT, "BYE").remove(0),
        asked_at(&world, RIGHT, "BYE").remove(0),
    );
    // The same request, and a transaction of its own.
    assert_eq!(left.headers.cseq(), right.headers.cseq());
    assert_eq!(left.headers.call_id(), right.headers.call_id());
    assert_ne!(branch(&left), branch(&right));
    say(&mut world, RIGHT, &right, 200, &[]);
    assert_forgotten(&mut world);
}

#[test]
fn a_change_of_a_call_goes_over_the_next_server_and_later_ones_do_at_once() {
    let (mut world, ana) = talk_over_left(1_202);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(34));
    let invite = asked_at(&world, RIGHT, "INVITE").remove(0);
    let contact = ("Contact", "<sip:bia@10.0.0.7>");
    say(&mut world, RIGHT, &invite, 200, &[contact]);
    assert_eq!(asked_at(&world, RIGHT, "ACK").len(), 1, "so does the ACK");
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(1));
    assert!(asked_at(&world, LEFT, "BYE").is_empty());
    let bye = asked_at(&world, RIGHT, "BYE").remove(0);
    say(&mut world, RIGHT, &bye, 200, &[]);
    assert_forgotten(&mut world);
}

#[test]
fn a_server_that_says_for_how_long_is_left_alone_for_so_long() {
    let (mut world, ana) = pair(1_203);
    let busy_at_right = |world: &mut World, asked: usize| {
        let invite = asked_at(world, RIGHT, "INVITE").remove(asked);
        say(world, RIGHT, &invite, 486, &[]);
    };
    dial(&mut world, ana, "sip:bia@pair.example");
    world.run(Duration::from_millis(100));
    let invite = asked_at(&world, LEFT, "INVITE").remove(0);
    say(&mut world, LEFT, &invite, 503, &[("Retry-After", "600")]);
    busy_at_right(&mut world, 0);
    assert_eq!(end_of(&world, ana), Some((EndCause::Busy, Side::Remote)));

    for (wait, at_left) in [(500, 1), (110, 2)] {
        world.run(secs(wait));
        dial(&mut world, ana, "sip:bia@pair.example");
        world.run(Duration::from_millis(100));
        let asked = asked_at(&world, LEFT, "INVITE");
        assert_eq!(asked.len(), at_left, "after {wait} s more");
        match asked.get(1) {
            Some(invite) => say(&mut world, LEFT, &invite.clone(), 486, &[]),
            None => busy_at_right(&mut world, 1),
        }
    }
    assert_forgotten(&mut world);
}

/// Ana at the first of two registrars.
fn two_registrars(seed: u64) -> (World, usize) {
    let mut world = World::new(seed);
    let both = [PBX, SECOND_PBX];
    for addr in both {
        world.registrars.push(Registrar::new(addr, DOMAIN));
    }
    let both = both.map(|addr| addr.parse().expect("an address"));
    world.names.insert(DOMAIN.to_owned(), both.to_vec());
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    world.run(secs(1));
    assert!(is_registered(&world, ana));
    (world, ana)
}

#[test]
fn a_binding_moves_to_the_next_registrar_and_stays_there() {
    let (mut world, ana) = two_registrars(1_204);
    world.registrars[0].away = true;
    // The refresh comes before the binding ends, and early enough for a second server.
    world.run(secs(310));
    assert!(is_registered(&world, ana));
    assert_eq!(world.registrars[1].bound(world.now, "1001").len(), 1);
    world.registrars[0].away = false;
    let asked = world.registrars[0].registers.len();
    world.run(secs(3_600));
    assert_eq!(world.registrars[0].registers.len(), asked, "it is not left");
    assert!(!world.registrars[1].bound(world.now, "1001").is_empty());
    assert_forgotten(&mut world);
}

#[test]
fn a_call_that_finds_the_registrar_dead_takes_the_binding_along() {
    let (mut world, ana) = two_registrars(1_205);
    world.registrars[0].away = true;
    dial(&mut world, ana, "1003");
    world.run(secs(34));
    assert_eq!(
        end_of(&world, ana).map(|(cause, _)| cause),
        Some(EndCause::Unavailable),
        "the second one answers that nobody is registered"
    );
    assert_eq!(world.registrars[1].bound(world.now, "1001").len(), 1);
    assert!(is_registered(&world, ana));
    // The dead one keeps what it was told to the end.
    world.run(secs(300));
    assert_forgotten(&mut world);
}
