//! Calls in bad weather, over many seeds: whatever is lost, doubled or late, nothing stays behind.

use std::time::Duration;

use ramal::agent::{Command, EndCause};

use super::sim::story::{
    BIA, CALL, assert_forgotten, dial, end_of, registered_phones, secs, two_phones,
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
