//! Registrars that are away, start anew, move, or are half dead.

use std::time::Duration;

use ramal::agent::{AccountState, AgentConfig, Command, Event, RegistrationCause};
use ramal::sip::Transport;

use super::registrations::{BAD, HOUR, gaps, one_phone, registrar, states};
use super::sim::story::{
    ANA, DOMAIN, PBX, add, assert_forgotten, extension, house, is_registered, secs,
};
use super::sim::{Weather, World};

/// When each attempt of a phone began: REGISTERs of one Call-ID, CSeq and branch are one attempt.
fn attempts(world: &World, from: &str) -> Vec<Duration> {
    let from = from.parse().expect("an address");
    let mut seen: Vec<Vec<u8>> = Vec::new();
    let mut attempts = Vec::new();
    for (at, datagram) in &world.log {
        let is_register = datagram.from == from && datagram.bytes.starts_with(b"REGISTER");
        if is_register && !seen.contains(&datagram.bytes) {
            seen.push(datagram.bytes.clone());
            attempts.push(*at);
        }
    }
    attempts
}

#[test]
fn a_storm_costs_minutes_and_ends_with_the_storm() {
    let (mut world, ana) = one_phone(104);
    world.run(secs(HOUR));
    world.weather = Weather { loss: 70, ..BAD };
    world.run(secs(24 * HOUR));
    world.weather = Weather::FINE;
    world.run(secs(HOUR));
    assert!(is_registered(&world, ana));
    let longest = gaps(&world).into_iter().map(|(_, span)| span).max();
    // 9 of 100 questions get their answer; of eleven repetitions one mostly does.
    assert!(longest < Some(secs(20 * 60)), "{longest:?}");
}

#[test]
fn a_registrar_that_starts_anew_knows_the_phone_again_after_one_refresh() {
    for says_stale in [true, false] {
        let (mut world, ana) = one_phone(105);
        registrar(&mut world).gate.says_stale = says_stale;
        world.run(secs(HOUR));
        let now = world.now;
        registrar(&mut world).restart(now);
        assert_eq!(registrar(&mut world).bound(now, "1001").len(), 0);
        world.run(secs(268));
        let now = world.now;
        assert_eq!(registrar(&mut world).bound(now, "1001").len(), 1);
        let gaps = gaps(&world);
        assert!(
            matches!(gaps.as_slice(), [(_, span)] if *span <= secs(268)),
            "{gaps:?}"
        );
        // The person did not have to know.
        assert_eq!(states(&world, ana).len(), 2, "{:?}", states(&world, ana));
    }
}

#[test]
fn a_registrar_away_for_hours_is_asked_ever_later_and_found_when_it_is_back() {
    let (mut world, ana) = one_phone(108);
    registrar(&mut world).away = true;
    world.run(secs(6 * HOUR));
    let starts = attempts(&world, ANA);
    let mut ceiling = 30_u64;
    let mut least = Vec::new();
    for pair in starts.windows(2) {
        // RFC 5626 section 4.5: 30 s doubled for each failure, at most 1,800 s, of which 50% to
        // 100% are waited; before that 64·T1 without an answer.
        ceiling = (ceiling * 2).min(1_800);
        let waited = (pair[1] - pair[0]).saturating_sub(secs(32));
        assert!(
            waited >= secs(ceiling) / 2 && waited <= secs(ceiling) + secs(1),
            "{waited:?} of {ceiling} s"
        );
        least.push(waited);
    }
    // 45 to 900 s at first, then about 1,380 s each.
    assert!((15..=27).contains(&starts.len()), "{starts:?}");
    least.dedup();
    assert!(least.len() > 10, "not always the same: {least:?}");
    assert!(matches!(
        states(&world, ana).last(),
        Some(AccountState::Failed {
            cause: RegistrationCause::TimedOut,
            retry_at: Some(_),
            ..
        })
    ));
    registrar(&mut world).away = false;
    world.run(secs(1_833));
    assert!(is_registered(&world, ana), "{:?}", states(&world, ana));
    world.run(secs(HOUR));
    assert_eq!(gaps(&world), []);
    assert_forgotten(&mut world);
}

#[test]
fn a_registrar_lost_in_the_middle_of_the_day_is_told_and_found_again() {
    let (mut world, ana) = one_phone(109);
    world.run(secs(HOUR));
    registrar(&mut world).away = true;
    world.run(secs(2 * HOUR));
    assert!(!is_registered(&world, ana));
    registrar(&mut world).away = false;
    world.run(secs(1_833));
    assert!(is_registered(&world, ana), "{:?}", states(&world, ana));
    let gaps = gaps(&world);
    assert!(
        matches!(gaps.as_slice(), [(_, span)] if *span < secs(2 * HOUR + 1_833)),
        "{gaps:?}"
    );
}

#[test]
fn a_phone_that_is_switched_off_does_not_wait_for_a_registrar_that_is_away() {
    let (mut world, ana) = one_phone(112);
    world.run(secs(100));
    registrar(&mut world).away = true;
    world.ask(ana, Command::Shutdown);
    world.run(secs(31));
    assert!(!world.phones[ana].events.contains(&Event::Finished));
    world.run(secs(2));
    assert!(world.phones[ana].events.contains(&Event::Finished));
}

#[test]
fn a_phone_that_is_switched_off_waits_for_nothing_longer_than_half_a_minute() {
    let (mut world, ana) = one_phone(118);
    world.run(secs(100));
    // Whoever looks names up for the phone does not come back.
    world.finding_takes = secs(HOUR);
    super::sim::story::dial(&mut world, ana, "sip:bia@far.example");
    world.ask(ana, Command::Shutdown);
    world.run(secs(34));
    assert!(!world.phones[ana].events.contains(&Event::Finished));
    world.run(secs(2));
    assert!(world.phones[ana].events.contains(&Event::Finished));
}

#[test]
fn the_next_address_of_a_registrar_is_tried_when_the_first_is_dead() {
    let mut world = house(116);
    let pbx = PBX.parse().expect("an address");
    let dead = "10.0.0.99:5060".parse().expect("an address");
    world.names.insert(DOMAIN.to_owned(), vec![dead, pbx]);
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    world.run(secs(31));
    assert!(!is_registered(&world, ana));
    world.run(secs(3));
    assert!(is_registered(&world, ana), "{:?}", states(&world, ana));
    world.run(secs(HOUR));
    assert_eq!(gaps(&world), []);
    assert_forgotten(&mut world);
}

#[test]
fn a_registrar_that_moved_is_found_by_its_name() {
    let (mut world, ana) = one_phone(117);
    world.run(secs(HOUR));
    let moved = "10.0.0.102:5060".parse().expect("an address");
    registrar(&mut world).addr = moved;
    world.names.insert(DOMAIN.to_owned(), vec![moved]);
    world.run(secs(HOUR));
    assert!(is_registered(&world, ana), "{:?}", states(&world, ana));
    let gaps = gaps(&world);
    assert!(
        matches!(gaps.as_slice(), [(_, span)] if *span < secs(120)),
        "{gaps:?}"
    );
    assert_forgotten(&mut world);
}

/// When 1001 registered after `since`, counted from there.
fn registered_after(world: &World, since: std::time::Instant) -> Vec<Duration> {
    let asked = world.registrars[0].registers.iter();
    let asked = asked.filter(|(at, _)| *at > since);
    asked.map(|(at, _)| *at - since).collect()
}

#[test]
fn a_connection_to_the_registrar_that_is_lost_is_made_again_soon() {
    let mut whens = Vec::new();
    for seed in 120..126 {
        let mut world = house(seed);
        world.transport = Transport::Tcp;
        let ana = world.phone(ANA, AgentConfig::default());
        add(&mut world, ana, extension("1001"));
        world.run(secs(100));
        // Connections to others are none of its business.
        world.break_connection(ana, "10.0.0.9:5060".parse().expect("an address"));
        let start = world.now;
        world.run(secs(10));
        assert!(registered_after(&world, start).is_empty());
        let lost = world.now;
        world.break_connection(ana, PBX.parse().expect("an address"));
        world.run(secs(20));
        let again = registered_after(&world, lost);
        // All phones of a house lose it at once: they do not come back at once.
        let [when] = again[..] else {
            panic!("once: {again:?}")
        };
        assert!(when >= secs(1) && when <= Duration::from_millis(5_010));
        whens.push(when);
        assert_eq!(states(&world, ana).len(), 2, "{:?}", states(&world, ana));
        assert_forgotten(&mut world);
    }
    whens.dedup();
    assert!(whens.len() > 3, "{whens:?}");
}

#[test]
fn a_registrar_that_drops_each_connection_is_not_pestered() {
    let mut world = house(127);
    world.transport = Transport::Tcp;
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    let start = world.now;
    for _ in 0..300 {
        world.run(secs(1));
        world.break_connection(ana, PBX.parse().expect("an address"));
    }
    // Once in half a minute, and the first that was challenged.
    let asked = registered_after(&world, start).len();
    assert!((9..=12).contains(&asked), "{asked}");
    assert_forgotten(&mut world);
}
