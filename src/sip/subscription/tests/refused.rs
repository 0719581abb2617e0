//! What comes after a no, by response or by NOTIFY.

use super::*;
use crate::sip::SoftStateFailure;

/// The first SUBSCRIBE is refused like this.
#[track_caller]
fn refused(status: u16, headers: &[(&str, &str)]) -> (SoftStateFault, Option<Duration>) {
    let mut world = world();
    let request = world.subscribe();
    world.answer(&request, status, headers);
    let (cause, told, retry_in) = world.failure();
    assert_eq!(told, Some(status));
    assert_eq!(world.wait(), retry_in);
    assert!(!world.subscription.is_held());
    (cause, retry_in)
}

#[test]
fn some_answers_are_for_good() {
    for (status, cause) in [
        (489, SoftStateFault::BadEvent),
        (403, SoftStateFault::Forbidden),
        (603, SoftStateFault::Forbidden),
        (404, SoftStateFault::NotFound),
        (604, SoftStateFault::NotFound),
        (405, SoftStateFault::Rejected),
        (501, SoftStateFault::Rejected),
    ] {
        assert_eq!(refused(status, &[]), (cause, None), "{status}");
    }
}

#[test]
fn others_heal_in_time() {
    for (status, cause) in [
        (302, SoftStateFault::Redirected),
        (408, SoftStateFault::Timeout),
        (480, SoftStateFault::ServerError),
        (500, SoftStateFault::ServerError),
        (503, SoftStateFault::ServerError),
        (504, SoftStateFault::Timeout),
    ] {
        let headers = [("Contact", "<sip:elsewhere.example.com>")];
        let (told, retry_in) = refused(status, &headers);
        assert_eq!(told, cause, "{status}");
        let retry_in = retry_in.unwrap();
        assert!(retry_in >= secs(30) && retry_in <= secs(60), "{retry_in:?}");
    }
}

#[test]
fn retry_after_is_obeyed() {
    let (_, retry_in) = refused(503, &[("Retry-After", "600")]);
    let retry_in = retry_in.unwrap();
    assert!(
        retry_in >= secs(600) && retry_in <= secs(660),
        "{retry_in:?}"
    );
}

#[test]
fn failures_in_a_row_are_further_and_further_apart() {
    let mut world = world();
    let mut request = world.subscribe();
    for ceiling in [60, 120, 240, 480, 960, 1_800, 1_800] {
        world
            .subscription
            .handle_failure(world.now, SoftStateFailure::Timeout);
        let (cause, status, retry_in) = world.failure();
        assert_eq!((cause, status), (SoftStateFault::Timeout, None));
        let retry_in = retry_in.unwrap();
        assert!(
            retry_in >= secs(ceiling / 2) && retry_in <= secs(ceiling),
            "{ceiling}: {retry_in:?}"
        );
        world.jump();
        let again = world.sent();
        assert_ne!(again.headers.call_id(), request.headers.call_id());
        request = again;
    }
}

#[test]
fn a_wrong_password_is_tried_once_and_the_person_can_ask_again() {
    let mut world = world();
    let first = world.subscribe();
    world.serve(&first, "other");
    let second = world.sent();
    world.serve(&second, "other");
    assert_eq!(
        world.failure(),
        (SoftStateFault::WrongPassword, Some(401), None)
    );
    assert_eq!(world.wait(), None);
    let third = world.subscribe();
    world.serve(&third, "ramal");
    let fourth = world.sent();
    world.serve(&fourth, "ramal");
    assert_eq!(world.wait(), Some(secs(32)));
}

#[test]
fn without_a_password_a_challenge_is_the_end() {
    let mut world = world_with(|config| config.credentials = None);
    let request = world.subscribe();
    world.serve(&request, "ramal");
    assert_eq!(
        world.failure(),
        (SoftStateFault::PasswordNeeded, Some(401), None)
    );
}

#[test]
fn a_server_that_asks_without_end_is_left_alone() {
    let mut world = world();
    let mut request = world.subscribe();
    for asked in 1.. {
        assert!(asked < 20, "it goes on for ever");
        let least = (4_000 + asked).to_string();
        world.answer(&request, 423, &[("Min-Expires", &least)]);
        match world.subscription.poll_output() {
            SubscriptionOutput::Send(next) => request = next,
            SubscriptionOutput::Event(event) => {
                assert!(matches!(event, SubscriptionEvent::Failed { .. }));
                break;
            }
            SubscriptionOutput::Wait(_) => panic!("nothing was told"),
        }
    }
}

#[test]
fn a_notifier_that_forgot_us_is_asked_anew_at_once() {
    for status in [481, 408] {
        let mut world = world();
        let first = world.held_for(600);
        world.jump();
        let refresh = world.sent();
        world.answer(&refresh, status, &[]);
        assert_eq!(world.failure().2, Some(Duration::ZERO), "{status}");
        assert!(!world.subscription.is_held());
        let anew = world.sent();
        assert_ne!(anew.headers.call_id(), first.headers.call_id());
        assert_eq!(anew.headers.to().unwrap().tag(), None);
        // The old dialog is over for the notifier's messages too.
        let old = world.notify(&first, "active");
        assert_eq!(world.give(&old), 481);
    }
}

#[test]
fn a_refresh_without_an_answer_ends_the_dialog() {
    let mut world = world();
    let first = world.held_for(600);
    world.jump();
    let _refresh = world.sent();
    world
        .subscription
        .handle_failure(world.now, SoftStateFailure::Timeout);
    assert_eq!(
        world.failure(),
        (SoftStateFault::Timeout, None, Some(Duration::ZERO))
    );
    assert_ne!(world.sent().headers.call_id(), first.headers.call_id());
}

#[test]
fn another_failure_of_a_refresh_leaves_the_subscription_as_it_was() {
    let mut world = world();
    let first = world.held_for(600);
    world.jump();
    let refresh = world.sent();
    world.answer(&refresh, 503, &[("Retry-After", "5")]);
    let (cause, _, retry_in) = world.failure();
    assert_eq!(cause, SoftStateFault::ServerError);
    assert!(retry_in.unwrap() < secs(6));
    assert!(world.subscription.is_held());
    let mut notify = world.notify(&first, "active");
    notify.set_body("text/plain", b"x".to_vec());
    assert_eq!(world.give(&notify), 200);
    assert!(matches!(world.event(), SubscriptionEvent::Notified(_)));
    world.jump();
    let again = world.sent();
    assert_eq!(again.headers.call_id(), first.headers.call_id());
    assert_eq!(seq(&again), seq(&refresh) + 1);
    // Until its time is over.
    world.answer(&again, 503, &[("Retry-After", "3000")]);
    let _failed = world.event();
    world.jump();
    assert_ne!(world.sent().headers.call_id(), first.headers.call_id());
}

#[test]
fn a_refresh_refused_for_good_ends_it_for_good() {
    let mut world = world();
    let first = world.held_for(600);
    world.jump();
    let refresh = world.sent();
    world.answer(&refresh, 489, &[]);
    assert_eq!(world.failure(), (SoftStateFault::BadEvent, Some(489), None));
    assert!(!world.subscription.is_held());
    assert_eq!(world.wait(), None);
    let late = world.notify(&first, "active");
    assert_eq!(world.give(&late), 481);
}

#[test]
fn what_was_held_before_may_come_back_after_a_no() {
    let mut world = world();
    world.held_for(600);
    world.jump();
    let refresh = world.sent();
    world.answer(&refresh, 404, &[]);
    let (cause, _, retry_in) = world.failure();
    assert_eq!(cause, SoftStateFault::NotFound);
    assert!(retry_in.unwrap() >= secs(30));
    assert!(!world.subscription.is_held());
}

#[test]
fn each_reason_of_an_end_has_its_rule() {
    let check = |params: &str, expected: Option<(u64, u64)>| {
        let mut world = world();
        let request = world.held_for(600);
        let notify = world.notify(&request, &format!("terminated{params}"));
        assert_eq!(world.give(&notify), 200, "{params}");
        let SubscriptionEvent::Ended { retry_in, .. } = world.event() else {
            panic!("{params}: not ended");
        };
        assert!(!world.subscription.is_held());
        match expected {
            None => assert_eq!((retry_in, world.wait()), (None, None), "{params}"),
            Some((0, 0)) => {
                assert_eq!(retry_in, Some(Duration::ZERO), "{params}");
                let anew = world.sent();
                assert_ne!(anew.headers.call_id(), request.headers.call_id());
            }
            Some((least, most)) => {
                let retry_in = retry_in.unwrap();
                assert!(
                    retry_in >= secs(least) && retry_in <= secs(most),
                    "{params}: {retry_in:?}"
                );
                assert_eq!(world.wait(), Some(retry_in));
                world.jump();
                let anew = world.sent();
                assert_ne!(anew.headers.call_id(), request.headers.call_id());
            }
        }
    };
    check(";reason=deactivated", Some((0, 0)));
    check(";reason=deactivated;retry-after=600", Some((0, 0)));
    check(";reason=timeout", Some((0, 0)));
    check("", Some((0, 0)));
    check(";reason=whatever", Some((0, 0)));
    check(";retry-after=600", Some((600, 660)));
    check(";reason=whatever;retry-after=600", Some((600, 660)));
    check(";reason=probation", Some((30, 60)));
    check(";reason=probation;retry-after=600", Some((600, 660)));
    check(";reason=giveup", Some((30, 60)));
    check(";reason=giveup;retry-after=600", Some((600, 660)));
    check(";reason=rejected", None);
    check(";reason=rejected;retry-after=600", None);
    check(";reason=noresource", None);
    check(";reason=invariant", None);
}

#[test]
fn the_last_document_is_handed_on_before_the_end() {
    let mut world = world();
    let request = world.held_for(600);
    let mut notify = world.notify(&request, "terminated;reason=noresource");
    notify.set_body("text/plain", b"last".to_vec());
    assert_eq!(world.give(&notify), 200);
    assert!(matches!(world.event(), SubscriptionEvent::Notified(told) if told.body == b"last"));
    assert_eq!(
        world.event(),
        SubscriptionEvent::Ended {
            reason: Some(SubscriptionReason::NoResource),
            retry_in: None
        }
    );
    let more = world.notify(&request, "active");
    assert_eq!(world.give(&more), 481);
}

#[test]
fn who_ends_it_again_and_again_is_not_asked_in_a_circle() {
    let mut world = world();
    let request = world.held_for(600);
    let notify = world.notify(&request, "terminated;reason=deactivated");
    world.give(&notify);
    let _ended = world.event();
    let again = world.sent();
    world.answer(&again, 200, &[]);
    let notify = world.notify(&again, "active;expires=600");
    world.give(&notify);
    let _subscribed = world.event();
    world.now += secs(59);
    let notify = world.notify(&again, "terminated;reason=deactivated");
    world.give(&notify);
    let SubscriptionEvent::Ended { retry_in, .. } = world.event() else {
        panic!("not ended");
    };
    assert!(retry_in.unwrap() >= secs(60), "{retry_in:?}");
    // Once it has lasted, the next end is met at once again.
    world.jump();
    let later = world.sent();
    world.answer(&later, 200, &[]);
    let notify = world.notify(&later, "active;expires=600");
    world.give(&notify);
    let _subscribed = world.event();
    world.now += secs(60);
    let notify = world.notify(&later, "terminated;reason=deactivated");
    world.give(&notify);
    assert!(matches!(
        world.event(),
        SubscriptionEvent::Ended {
            retry_in: Some(Duration::ZERO),
            ..
        }
    ));
}

#[test]
fn an_end_that_overtakes_the_200_is_an_end() {
    let mut world = world();
    let request = world.subscribe();
    let notify = world.notify(&request, "terminated;reason=rejected");
    assert_eq!(world.give(&notify), 200);
    assert!(matches!(
        world.event(),
        SubscriptionEvent::Ended { retry_in: None, .. }
    ));
    world.answer(&request, 200, &[]);
    assert_eq!(world.wait(), None);
    assert!(!world.subscription.is_held());
}

#[test]
fn what_was_on_its_way_when_it_ended_is_waited_for() {
    for answered in [true, false] {
        let mut world = world();
        let request = world.held_for(600);
        world.jump();
        let refresh = world.sent();
        let notify = world.notify(&request, "terminated;reason=timeout");
        assert_eq!(world.give(&notify), 200);
        assert!(matches!(
            world.event(),
            SubscriptionEvent::Ended {
                retry_in: Some(Duration::ZERO),
                ..
            }
        ));
        assert_eq!(world.wait(), None, "one at a time");
        let late = world.notify(&request, "active");
        assert_eq!(world.give(&late), 481);
        if answered {
            world.answer(&refresh, 481, &[]);
        } else {
            world
                .subscription
                .handle_failure(world.now, SoftStateFailure::Timeout);
        }
        let anew = world.sent();
        assert_ne!(anew.headers.call_id(), request.headers.call_id());
    }
    // Refused for good, unless the person asks again meanwhile.
    let mut world = world();
    let request = world.held_for(600);
    world.jump();
    let refresh = world.sent();
    let notify = world.notify(&request, "terminated;reason=rejected");
    world.give(&notify);
    let _ended = world.event();
    world.subscription.subscribe(world.now);
    assert_eq!(world.wait(), None);
    world.answer(&refresh, 481, &[]);
    assert_ne!(world.sent().headers.call_id(), request.headers.call_id());
}

#[test]
fn a_lifetime_of_zero_is_no_subscription() {
    let mut world = world();
    let request = world.subscribe();
    world.answer(&request, 200, &[("Expires", "0")]);
    let (cause, _, retry_in) = world.failure();
    assert_eq!(cause, SoftStateFault::IntervalRejected);
    assert!(retry_in.is_some());
}
