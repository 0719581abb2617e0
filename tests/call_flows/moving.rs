//! Machines that change networks while people talk.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use ramal::agent::{Command, EndCause, Side};

use super::sim::story::{
    ANA, CALL, answered, assert_forgotten, end_of, is_registered, registered_phones, secs, talk,
    talk_at, two_phones,
};
use super::sim::{Weather, World};

/// Where a phone sends its sound, and where the other one awaits it.
fn sound(world: &World, from: usize, to: usize) -> (Option<String>, Option<String>) {
    let sent = world.phones[from].plans.values().next();
    let awaited = world.phones[to].rtp.values().next();
    (
        sent.map(|plan| plan.remote_rtp.to_string()),
        awaited.map(ToString::to_string),
    )
}

fn assert_heard(world: &World, phones: [usize; 2], when: &str) {
    let [ana, bia] = phones;
    for (from, to) in [(ana, bia), (bia, ana)] {
        let (sent, awaited) = sound(world, from, to);
        assert_eq!(sent, awaited, "{when}: from {from} to {to}");
    }
}

#[test]
fn a_call_goes_on_from_another_address_within_a_second() {
    let (mut world, ana, bia) = registered_phones(1_301);
    talk_at(&mut world, ana, "1002", bia);
    world.move_to(ana, "10.0.1.1:5060");
    world.run(secs(1));
    let (sent, _) = sound(&world, bia, ana);
    assert!(sent.is_some_and(|to| to.starts_with("10.0.1.1:")));
    assert_heard(&world, [ana, bia], "after the move");
    assert!(is_registered(&world, ana));
    let bound = world.registrars[0].bound(world.now, "1001");
    assert!(
        bound.len() == 1 && bound[0].contains("10.0.1.1"),
        "{bound:?}"
    );
    // What is said within the call finds it there.
    let ringing = world.incoming(bia)[0];
    world.ask(bia, Command::HangUp(ringing));
    world.run(secs(1));
    assert_eq!(end_of(&world, ana), Some((EndCause::HungUp, Side::Remote)));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_without_a_registrar_goes_on_too_and_stays_on_hold() {
    let (mut world, ana, bia) = two_phones(1_302);
    talk(&mut world, ana, bia);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(1));
    world.move_to(ana, "10.0.1.1:5060");
    world.run(secs(1));
    assert_heard(&world, [ana, bia], "on hold");
    let plan = |world: &World| world.phones[ana].plans.values().next().cloned();
    assert!(plan(&world).is_some_and(|plan| plan.held));
    world.ask(ana, Command::Resume(CALL));
    world.run(secs(1));
    assert!(plan(&world).is_some_and(|plan| plan.send && plan.receive && !plan.held));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn waking_up_where_one_fell_asleep_changes_nothing() {
    let (mut world, ana, bia) = registered_phones(1_303);
    talk_at(&mut world, ana, "1002", bia);
    let invites = |world: &World| {
        let sent = world.sent_by(ANA);
        sent.iter().filter(|it| it.starts_with("INVITE")).count()
    };
    let before = invites(&world);
    world.wake_up(ana);
    world.run(secs(5));
    assert_eq!(invites(&world), before);
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn whoever_moves_whenever_is_heard_again() {
    for seed in 0..60 {
        let (mut world, ana, bia) = two_phones(seed);
        talk(&mut world, ana, bia);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        world.weather = Weather {
            loss: 5,
            jitter: Duration::from_millis(20),
            ..Weather::FINE
        };
        let mut at = 1;
        for _ in 0..4 {
            at += 1;
            match rng.next_u32() % 4 {
                0 | 1 => world.move_to(ana, &format!("10.0.1.{at}:5060")),
                2 => world.ask(ana, Command::Hold(CALL)),
                _ => world.ask(ana, Command::Resume(CALL)),
            }
            let pause = Duration::from_millis(u64::from(rng.next_u32() % 3_000));
            world.run(pause);
        }
        world.weather = Weather::FINE;
        world.run(secs(40));
        assert!(answered(&world, ana));
        assert_eq!(end_of(&world, ana), None, "seed {seed}");
        assert_heard(&world, [ana, bia], &format!("seed {seed}"));
        world.ask(ana, Command::HangUp(CALL));
        assert_forgotten(&mut world);
    }
}
