//! Calls in bad weather, over many seeds: whatever is lost, doubled or late, nothing stays behind.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use ramal::agent::{CallId, Command, EndCause, Event};
use ramal::sip::StatusCode;

use super::sim::story::{
    ACCOUNT, BIA, CALL, answered, assert_forgotten, dial, end_of, extension, registered_phones,
    secs, two_phones,
};
use super::sim::{Weather, World};

const BAD: Weather = Weather {
    loss: 20,
    duplicates: 10,
    delay: Duration::from_millis(20),
    jitter: Duration::from_millis(300),
};

/// Ana calls, Bia answers if it rings, Ana holds and hangs up. What each of the seeds made of it.
fn lives(world: &mut World, ana: usize, bia: usize, target: &str, seed: u64) {
    world.weather = BAD;
    dial(world, ana, target);
    world.run(secs(20));
    if let Some(ringing) = world.incoming(bia).first() {
        world.ask(bia, Command::Answer(*ringing));
    }
    world.run(secs(5));
    // Some hold, some are held, some both at once.
    let who = seed % 3;
    if who != 0 {
        world.ask(ana, Command::Hold(CALL));
    }
    if who != 1
        && let Some(ringing) = world.incoming(bia).first()
    {
        world.ask(bia, Command::Hold(*ringing));
    }
    world.run(secs(15));
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(80));
    world.weather = Weather::FINE;
}

#[test]
fn bad_weather_of_two_hundred_seeds_leaks_nothing() {
    for seed in 0..200 {
        let (mut world, ana, bia) = two_phones(1_000 + seed);
        lives(&mut world, ana, bia, &format!("sip:bia@{BIA}"), seed);
        assert_forgotten(&mut world);
    }
}

#[test]
fn bad_weather_of_a_hundred_seeds_through_the_registrar_leaks_nothing() {
    let mut talked = 0;
    for seed in 0..100 {
        let (mut world, ana, bia) = registered_phones(2_000 + seed);
        world.registrars[0].calls_ask = Some(407);
        world.registrars[0].gate.nonce_lifetime = secs(60);
        lives(&mut world, ana, bia, "1002", seed);
        assert!(world.incoming(bia).len() <= 1, "seed {seed}: it rang twice");
        let hung_up = matches!(end_of(&world, ana), Some((EndCause::HungUp, _)));
        talked += u32::from(hung_up);
        assert_forgotten(&mut world);
    }
    // Of four messages in a row one or two are lost, and sent again.
    assert!(talked >= 95, "only {talked} of 100 calls came through");
}

/// Something that a person may wish for at any moment, sensible or not.
fn wish(rng: &mut ChaCha8Rng, phone: usize, calls: &[CallId]) -> Command {
    let mut roll = |sides: u32| rng.next_u32() % sides;
    let call = match calls {
        [] => CallId(1),
        calls => calls[roll(calls.len() as u32) as usize],
    };
    let number = ["1002", "1001"][phone];
    match roll(12) {
        0..=2 => Command::Dial {
            account: ACCOUNT,
            call: CallId(u64::from(roll(4)) + 1),
            target: [number, "1003", number][roll(3) as usize].to_owned(),
        },
        3 | 4 => Command::Answer(call),
        5 => Command::Hold(call),
        6 => Command::Resume(call),
        7 | 8 => Command::HangUp(call),
        9 => Command::Reject {
            call,
            status: StatusCode::BUSY_HERE,
        },
        10 => Command::Register(ACCOUNT),
        _ => [
            Command::Unregister(ACCOUNT),
            Command::AddAccount(Box::new(extension(["1001", "1002"][phone]))),
        ][roll(2) as usize]
            .clone(),
    }
}

#[test]
fn whatever_two_people_do_in_bad_weather_is_over_when_they_are_through() {
    let mut talked = 0;
    for seed in 0..150 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut world, ana, bia) = registered_phones(3_000 + seed);
        world.registrars[0].calls_ask = [None, Some(401), Some(407)][seed as usize % 3];
        world.registrars[0].gate.nonce_lifetime = secs(20);
        world.weather = BAD;
        for _ in 0..40 {
            let phone = [ana, bia][rng.next_u32() as usize % 2];
            let mut calls = world.incoming(phone);
            calls.extend((1..=4).map(CallId));
            let wish = wish(&mut rng, phone, &calls);
            world.ask(phone, wish);
            world.run(Duration::from_millis(u64::from(rng.next_u32() % 3_000)));
        }
        for phone in [ana, bia] {
            for call in world.incoming(phone).into_iter().chain((1..=4).map(CallId)) {
                world.ask(phone, Command::HangUp(call));
            }
        }
        // What rang after that, its CANCEL lost, rings for two minutes.
        world.run(secs(150));
        world.weather = Weather::FINE;
        talked += u32::from(answered(&world, ana) || answered(&world, bia));
        for phone in [ana, bia] {
            let said = |wanted: fn(&Event) -> Option<CallId>| {
                let mut calls: Vec<CallId> = world.phones[phone]
                    .events
                    .iter()
                    .filter_map(wanted)
                    .collect();
                calls.sort();
                calls
            };
            let begun = said(|event| match event {
                Event::Calling { call, .. } | Event::Incoming { call, .. } => Some(*call),
                _ => None,
            });
            let ended = said(|event| match event {
                Event::Ended { call, .. } => Some(*call),
                _ => None,
            });
            assert_eq!(begun, ended, "seed {seed}: each call ends once");
        }
        assert_forgotten(&mut world);
    }
    assert!(talked > 75, "only {talked} of 150 came to talk");
}

#[test]
fn the_same_seed_is_the_same_story() {
    let story = || {
        let (mut world, ana, bia) = registered_phones(2_500);
        lives(&mut world, ana, bia, "1002", 1);
        let log = world.log.into_iter();
        log.map(|(at, datagram)| (at, datagram.from, datagram.bytes))
            .collect::<Vec<_>>()
    };
    assert!(story() == story());
}
