//! Refreshes, and what notifications say meanwhile.

use super::*;

#[test]
fn it_is_refreshed_before_its_time_is_over() {
    for (granted, least, most) in [
        (3_600, 2_754, 3_240),
        (600, 459, 540),
        (40, 17, 20),
        (2, 1, 1),
    ] {
        let mut world = world();
        let first = world.held_for(granted);
        let due = world.wait().unwrap();
        assert!(
            due >= secs(least) && due <= secs(most),
            "{granted}: {due:?}"
        );
        world.jump();
        let refresh = world.sent();
        assert_eq!(refresh.headers.call_id(), first.headers.call_id());
        assert_eq!(refresh.headers.expires(), Some(3_600));
        assert_eq!(refresh.uri.to_string(), "sip:700@198.51.100.7");
        assert_eq!(refresh.headers.get(&HeaderName::EVENT), Some("dialog"));
        assert!(refresh.headers.has(&HeaderName::CONTACT));
    }
}

#[test]
fn subscriptions_begun_together_are_not_refreshed_together() {
    let due = |seed| {
        let mut world = world();
        world.subscription = Subscription::new(config(), seed);
        world.held_for(3_600);
        world.wait().unwrap()
    };
    let all: std::collections::BTreeSet<Duration> = (0..100).map(due).collect();
    let spread = *all.last().unwrap() - *all.first().unwrap();
    assert!(spread > secs(300), "{spread:?}");
}

#[test]
fn the_notifier_may_make_it_shorter_and_repeating_itself_changes_nothing() {
    let mut world = world();
    let request = world.held_for(3_600);
    let due = world.wait();
    let same = world.notify(&request, "active;expires=3600");
    world.give(&same);
    assert_eq!(world.wait(), due);
    let shorter = world.notify(&request, "active;expires=60");
    world.give(&shorter);
    assert!(world.wait().unwrap() <= secs(30));
}

#[test]
fn pending_becomes_active() {
    let mut world = world();
    let request = world.subscribe();
    world.answer(&request, 202, &[]);
    let pending = world.notify(&request, "pending;expires=3600");
    assert_eq!(world.give(&pending), 200);
    assert_eq!(
        world.event(),
        SubscriptionEvent::Subscribed(Substate::Pending)
    );
    let active = world.notify(&request, "active;expires=3590");
    assert_eq!(world.give(&active), 200);
    assert_eq!(world.event(), SubscriptionEvent::Changed(Substate::Active));
    let again = world.notify(&request, "active;expires=3580");
    assert_eq!(world.give(&again), 200);
    assert!(world.wait().is_some(), "nothing new");
}

#[test]
fn notifications_out_of_order_are_refused_and_not_handed_on() {
    let mut world = world();
    let request = world.held_for(600);
    let mut late = world.notify(&request, "active");
    late.set_body("text/plain", b"old".to_vec());
    let mut newer = world.notify(&request, "active");
    newer.set_body("text/plain", b"new".to_vec());
    assert_eq!(world.give(&newer), 200);
    assert!(matches!(world.event(), SubscriptionEvent::Notified(told) if told.body == b"new"));
    assert_eq!(world.give(&late), 500);
    assert!(world.wait().is_some());
}

#[test]
fn what_was_not_asked_for_is_refused() {
    let mut world = world();
    let request = world.held_for(600);
    let check = |world: &mut World, status: u16, change: &dyn Fn(&mut Request)| {
        let mut notify = world.notify(&request, "active");
        change(&mut notify);
        let response = world.subscription.handle_notify(world.now, &notify);
        assert_eq!(response.status.code(), status);
        assert!(world.wait().is_some(), "nothing is told");
        response
    };
    let to = |to: &'static str| move |notify: &mut Request| notify.headers.set("To", to);
    check(&mut world, 481, &to("<sip:1001@example.com>;tag=x"));
    check(&mut world, 481, &to("<sip:1001@example.com>"));
    check(&mut world, 481, &|n| n.headers.set("Call-ID", "other"));
    check(&mut world, 481, &|n| n.headers.set("Event", "presence"));
    check(&mut world, 481, &|n| n.headers.set("Event", "dialog;id=1"));
    check(&mut world, 400, &|n| {
        n.headers.set("From", "<sip:700@example.com>");
    });
    let bad = check(&mut world, 489, &|n| {
        n.headers.remove(&HeaderName::EVENT);
    });
    assert_eq!(bad.headers.get(&HeaderName::ALLOW_EVENTS), Some("dialog"));
    let zipped = check(&mut world, 415, &|n| {
        n.headers.push("Content-Encoding", "gzip");
        n.set_body("text/plain", vec![1; 10]);
    });
    assert_eq!(
        zipped.headers.get(&HeaderName::ACCEPT_ENCODING),
        Some("identity")
    );
    check(&mut world, 413, &|n| {
        n.set_body("text/plain", vec![1; 256 * 1024 + 1]);
    });
    let fine = world.notify(&request, "active");
    assert_eq!(world.give(&fine), 200, "none of it did harm");
}

#[test]
fn a_flood_of_notifications_is_held_back() {
    let mut world = world();
    let request = world.held_for(600);
    let mut taken = 0;
    for _ in 0..1_000 {
        let notify = world.notify(&request, "active");
        let response = world.subscription.handle_notify(world.now, &notify);
        if response.status == StatusCode::OK {
            taken += 1;
        } else {
            assert_eq!(response.status.code(), 500);
            assert_eq!(response.headers.retry_after(), Some(1));
        }
    }
    assert!((60..=64).contains(&taken), "{taken}");
    world.now += secs(1);
    let notify = world.notify(&request, "active");
    assert_eq!(world.give(&notify), 200);
}

#[test]
fn a_notifier_of_old_that_says_no_state_is_understood() {
    let mut world = world();
    let request = world.subscribe();
    world.answer(&request, 200, &[]);
    let mut notify = world.notify(&request, "active");
    notify.headers.remove(&HeaderName::SUBSCRIPTION_STATE);
    assert_eq!(world.give(&notify), 200);
    assert_eq!(
        world.event(),
        SubscriptionEvent::Subscribed(Substate::Active)
    );
}

#[test]
fn a_missed_document_is_asked_for_but_not_all_the_time() {
    let mut world = world();
    world.held_for(3_600);
    world.subscription.resync(world.now);
    let refresh = world.sent();
    world.subscription.resync(world.now);
    assert_eq!(world.wait(), None, "one is on its way");
    world.answer(&refresh, 200, &[("Expires", "3600")]);
    world.now += secs(2);
    world.subscription.resync(world.now);
    assert_eq!(world.wait(), Some(secs(3)));
    world.jump();
    let _refresh = world.sent();
}

#[test]
fn a_phone_that_moved_says_so_at_once() {
    let mut world = world();
    world.held_for(3_600);
    let there = "<sip:1001@203.0.113.9:5062>";
    world
        .subscription
        .relocate(world.now, there.parse().unwrap());
    let refresh = world.sent();
    assert_eq!(refresh.headers.get(&HeaderName::CONTACT), Some(there));
    // And again while that is on its way.
    let elsewhere = "<sip:1001@203.0.113.10:5062>";
    world
        .subscription
        .relocate(world.now, elsewhere.parse().unwrap());
    assert_eq!(world.wait(), None);
    world.answer(&refresh, 200, &[]);
    let refresh = world.sent();
    assert_eq!(refresh.headers.get(&HeaderName::CONTACT), Some(elsewhere));
    world.answer(&refresh, 200, &[]);
    assert!(world.wait().is_some());
}

#[test]
fn a_phone_that_moved_before_the_first_notify_says_so_after_it() {
    for early in [true, false] {
        let mut world = world();
        let request = world.subscribe();
        let notify = world.notify(&request, "active;expires=600");
        if early {
            world.give(&notify);
        }
        let there = "<sip:1001@203.0.113.9:5062>";
        world
            .subscription
            .relocate(world.now, there.parse().unwrap());
        world.answer(&request, 200, &[]);
        if !early {
            world.give(&notify);
        }
        let _subscribed = world.event();
        let refresh = world.sent();
        assert_eq!(refresh.headers.get(&HeaderName::CONTACT), Some(there));
        world.answer(&refresh, 200, &[]);
        assert!(world.wait().is_some());
    }
}

#[test]
fn the_way_of_the_next_first_subscribe_can_change() {
    let mut world = world();
    world.held_for(3_600);
    world
        .subscription
        .set_route(vec!["<sip:edge.example.com;lr>".parse().unwrap()]);
    world.subscription.subscribe(world.now);
    let refresh = world.sent();
    assert!(!refresh.headers.has(&HeaderName::ROUTE));
    world.answer(&refresh, 481, &[]);
    let _failed = world.event();
    assert_eq!(
        world.sent().headers.get(&HeaderName::ROUTE),
        Some("<sip:edge.example.com;lr>")
    );
}
