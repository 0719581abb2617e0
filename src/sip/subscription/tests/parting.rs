//! Unsubscribing, and changes of mind; a long time with a poor notifier.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::sip::SoftStateFailure;

#[test]
fn unsubscribing_ends_with_the_last_notify() {
    let mut world = world();
    let request = world.held_for(600);
    world.subscription.unsubscribe(world.now);
    let farewell = world.sent();
    assert_eq!(farewell.headers.expires(), Some(0));
    assert_eq!(farewell.headers.call_id(), request.headers.call_id());
    assert_eq!(seq(&farewell), seq(&request) + 1);
    world.answer(&farewell, 200, &[("Expires", "0")]);
    assert_eq!(world.wait(), Some(secs(32)));
    let mut last = world.notify(&request, "terminated;reason=timeout");
    last.set_body("text/plain", b"nobody asked".to_vec());
    assert_eq!(world.give(&last), 200);
    assert_eq!(world.event(), SubscriptionEvent::Unsubscribed);
    assert_eq!(world.wait(), None);
    assert!(!world.subscription.is_held());
    let more = world.notify(&request, "active");
    assert_eq!(world.give(&more), 481);
}

#[test]
fn a_last_notify_that_overtakes_the_200_is_enough() {
    let mut world = world();
    let request = world.held_for(600);
    world.subscription.unsubscribe(world.now);
    let farewell = world.sent();
    let last = world.notify(&request, "terminated");
    assert_eq!(world.give(&last), 200);
    assert_eq!(world.wait(), None, "the answer is still to come");
    world.answer(&farewell, 200, &[]);
    assert_eq!(world.event(), SubscriptionEvent::Unsubscribed);
    assert_eq!(world.wait(), None);
}

#[test]
fn a_last_notify_that_never_comes_is_not_waited_for_long() {
    let mut world = world();
    world.held_for(600);
    world.subscription.unsubscribe(world.now);
    let farewell = world.sent();
    world.answer(&farewell, 200, &[]);
    world.jump();
    assert_eq!(world.event(), SubscriptionEvent::Unsubscribed);
    assert_eq!(world.wait(), None);
}

#[test]
fn a_farewell_to_one_who_forgot_is_a_farewell_and_a_failed_one_is_told() {
    let mut world = world();
    world.held_for(600);
    world.subscription.unsubscribe(world.now);
    let farewell = world.sent();
    world.answer(&farewell, 481, &[]);
    assert_eq!(world.event(), SubscriptionEvent::Unsubscribed);
    assert_eq!(world.wait(), None);

    world.held_for(600);
    world.subscription.unsubscribe(world.now);
    let _farewell = world.sent();
    world
        .subscription
        .handle_failure(world.now, SoftStateFailure::Timeout);
    assert_eq!(world.failure(), (SoftStateFault::Timeout, None, None));
    assert_eq!(world.wait(), None);
    assert!(!world.subscription.is_held());
}

#[test]
fn a_farewell_is_proved_like_everything_else() {
    let mut world = world();
    world.held_for(600);
    world.subscription.unsubscribe(world.now);
    let farewell = world.sent();
    world.serve(&farewell, "ramal");
    let again = world.sent();
    assert_eq!(again.headers.expires(), Some(0));
    assert!(again.headers.has(&HeaderName::AUTHORIZATION));
    assert_eq!(seq(&again), seq(&farewell) + 1);
}

#[test]
fn unsubscribing_before_the_answer_waits_for_it() {
    let mut world = world();
    let request = world.subscribe();
    world.subscription.unsubscribe(world.now);
    assert_eq!(world.wait(), None);
    world.answer(&request, 200, &[]);
    let farewell = world.sent();
    assert_eq!(farewell.headers.expires(), Some(0));
    assert_eq!(farewell.headers.to().unwrap().tag(), Some("n"));
    // The first notification comes all the same, and is not handed on.
    let mut notify = world.notify(&request, "active");
    notify.set_body("text/plain", b"x".to_vec());
    assert_eq!(world.give(&notify), 200);
    world.answer(&farewell, 200, &[]);
    let last = world.notify(&request, "terminated");
    assert_eq!(world.give(&last), 200);
    assert_eq!(world.event(), SubscriptionEvent::Unsubscribed);

    // Refused meanwhile: there is nothing to end.
    let request = world.subscribe();
    world.subscription.unsubscribe(world.now);
    world.answer(&request, 503, &[]);
    assert_eq!(world.event(), SubscriptionEvent::Unsubscribed);
    assert_eq!(world.wait(), None);
    // Nor where the password is asked for.
    let request = world.subscribe();
    world.subscription.unsubscribe(world.now);
    world.serve(&request, "ramal");
    assert_eq!(world.event(), SubscriptionEvent::Unsubscribed);
    assert_eq!(world.wait(), None);
}

#[test]
fn unsubscribing_while_it_waits_to_try_again_needs_no_request() {
    let mut world = world();
    world.subscription.unsubscribe(world.now);
    assert_eq!(world.wait(), None);
    let request = world.subscribe();
    world.answer(&request, 500, &[]);
    let _failed = world.event();
    world.subscription.unsubscribe(world.now);
    assert_eq!(world.event(), SubscriptionEvent::Unsubscribed);
    assert_eq!(world.wait(), None);
}

#[test]
fn who_wants_it_back_gets_another_one() {
    let mut world = world();
    let request = world.held_for(600);
    world.subscription.unsubscribe(world.now);
    let farewell = world.sent();
    world.subscription.subscribe(world.now);
    assert_eq!(world.wait(), None);
    world.answer(&farewell, 200, &[]);
    let last = world.notify(&request, "terminated;reason=timeout");
    assert_eq!(world.give(&last), 200);
    assert_eq!(world.event(), SubscriptionEvent::Unsubscribed);
    let anew = world.sent();
    assert_ne!(anew.headers.call_id(), request.headers.call_id());
    assert_eq!(anew.headers.expires(), Some(3_600));
}

/// A week with a notifier that challenges, loses one message in ten, forgets subscriptions, ends
/// them for all reasons that pass, and answers as it likes.
#[test]
fn a_week_passes_and_it_is_nearly_always_held() {
    let week = secs(7 * 24 * 3_600);
    for seed in 0..4 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut world = world();
        let start = world.now;
        let mut held = Duration::ZERO;
        let (mut sent, mut documents) = (0, 0);
        world.subscription.subscribe(world.now);
        while world.now < start + week {
            match world.subscription.poll_output() {
                SubscriptionOutput::Send(request) => {
                    sent += 1;
                    if rng.random_ratio(1, 10) {
                        world.now += secs(32);
                        world
                            .subscription
                            .handle_failure(world.now, SoftStateFailure::Timeout);
                        continue;
                    }
                    match rng.random_range(0..20) {
                        0 => world.answer(&request, 500, &[]),
                        1 => world.answer(&request, 481, &[]),
                        2 if request.headers.expires() == Some(3_600) => {
                            world.answer(&request, 423, &[("Min-Expires", "3601")]);
                        }
                        _ => {
                            world.serve(&request, "ramal");
                            if !request.headers.has(&HeaderName::AUTHORIZATION) {
                                continue;
                            }
                            let state = match rng.random_range(0..20) {
                                0 => "terminated;reason=deactivated",
                                1 => "terminated;reason=probation;retry-after=20",
                                2 => "terminated;reason=timeout",
                                3 => continue,
                                _ => "active;expires=3600",
                            };
                            let mut notify = world.notify(&request, state);
                            notify.set_body("text/plain", b"x".to_vec());
                            world.give(&notify);
                        }
                    }
                }
                SubscriptionOutput::Event(SubscriptionEvent::Notified(_)) => documents += 1,
                SubscriptionOutput::Event(
                    SubscriptionEvent::Ended { retry_in, .. }
                    | SubscriptionEvent::Failed { retry_in, .. },
                ) => assert!(retry_in.is_some(), "it gave up"),
                SubscriptionOutput::Event(_) => {}
                SubscriptionOutput::Wait(until) => {
                    let until = until.expect("it waits for nobody");
                    assert!(until > world.now, "it would spin");
                    if world.subscription.is_held() {
                        held += until - world.now;
                    }
                    world.now = until;
                    world.subscription.handle_timeout(world.now);
                }
            }
        }
        // 168 hours, refreshed about hourly; each loss costs a few requests more.
        assert!((150..1_000).contains(&sent), "seed {seed}: {sent} requests");
        assert!(documents > 100, "seed {seed}: {documents} documents");
        assert!(held > week * 9 / 10, "seed {seed}: held for {held:?}");
    }
}
