//! From the first SUBSCRIBE to the first NOTIFY.

use super::*;
use crate::sip::SoftStateFailure;

#[test]
fn a_subscribe_says_what_is_watched_and_by_whom() {
    let mut world = world_with(|config| {
        config.resource = uri("sip:700@example.com;method=INVITE?Subject=x");
        config.event = Event::new("dialog").with_id("7");
        config.display_name = Some("Ana".to_owned());
        config.user_agent = "Ramal/0".to_owned();
        config.route = vec!["<sip:proxy.example.com;lr>".parse().unwrap()];
    });
    let request = world.subscribe();
    let headers = &request.headers;
    assert_eq!(request.method, Method::Subscribe);
    assert_eq!(request.uri.to_string(), "sip:700@example.com");
    assert_eq!(headers.get(&HeaderName::TO), Some("<sip:700@example.com>"));
    let from = headers.from().unwrap();
    assert_eq!(from.uri, uri("sip:1001@example.com"));
    assert_eq!(from.display_name.as_deref(), Some("Ana"));
    assert!(from.tag().is_some());
    assert_eq!(
        headers.get(&HeaderName::ROUTE),
        Some("<sip:proxy.example.com;lr>")
    );
    assert_eq!(headers.get(&HeaderName::EVENT), Some("dialog;id=7"));
    assert_eq!(
        headers.get(&HeaderName::ACCEPT),
        Some("application/dialog-info+xml")
    );
    assert_eq!(
        headers.get(&HeaderName::CONTACT),
        Some("<sip:1001@192.0.2.7:5062>")
    );
    assert_eq!(headers.expires(), Some(3600));
    assert_eq!(headers.get(&HeaderName::USER_AGENT), Some("Ramal/0"));
    assert_eq!(headers.max_forwards(), Ok(Some(70)));
    assert_eq!(world.wait(), None);
    assert!(world.subscription.is_asking());
}

#[test]
fn the_first_notify_makes_the_subscription() {
    let mut world = world();
    let request = world.subscribe();
    world.answer(&request, 200, &[("Expires", "600")]);
    assert!(!world.subscription.is_held());
    assert_eq!(world.subscription.dialog_id(), None);
    assert_eq!(world.wait(), Some(secs(32)));
    let mut notify = world.notify(&request, "active;expires=600");
    notify.set_body("application/dialog-info+xml", b"<dialog-info/>".to_vec());
    assert!(world.subscription.is_for(&notify));
    assert_eq!(world.give(&notify), 200);
    assert_eq!(
        world.event(),
        SubscriptionEvent::Subscribed(Substate::Active)
    );
    let SubscriptionEvent::Notified(told) = world.event() else {
        panic!("nothing told");
    };
    assert_eq!(told.body, b"<dialog-info/>");
    assert!(
        told.content_type
            .unwrap()
            .is("application", "dialog-info+xml")
    );
    assert!(world.subscription.is_held());
    assert_eq!(
        world
            .subscription
            .dialog_id()
            .map(|id| id.remote_tag.as_str()),
        Some("n")
    );
}

#[test]
fn a_notify_that_overtakes_the_200_is_taken() {
    let mut world = world();
    let request = world.subscribe();
    let notify = world.notify(&request, "active");
    assert_eq!(world.give(&notify), 200);
    assert_eq!(
        world.event(),
        SubscriptionEvent::Subscribed(Substate::Active)
    );
    assert!(world.subscription.is_held());
    assert_eq!(world.wait(), None, "the answer is still to come");
    world.answer(&request, 202, &[("Expires", "100")]);
    let refresh_in = world.wait().unwrap();
    assert!(
        refresh_in >= secs(57) && refresh_in <= secs(68),
        "{refresh_in:?}"
    );
    world.jump();
    let refresh = world.sent();
    assert_eq!(seq(&refresh), seq(&request) + 1);
    assert_eq!(refresh.headers.to().unwrap().tag(), Some("n"));
}

#[test]
fn a_notify_is_worth_more_than_the_200_that_was_lost() {
    let mut world = world();
    let request = world.subscribe();
    let notify = world.notify(&request, "active;expires=100");
    assert_eq!(world.give(&notify), 200);
    let _subscribed = world.event();
    world
        .subscription
        .handle_failure(world.now, SoftStateFailure::Timeout);
    let refresh_in = world.wait().unwrap();
    assert!(
        refresh_in >= secs(57) && refresh_in <= secs(68),
        "{refresh_in:?}"
    );
    assert!(world.subscription.is_held());
}

#[test]
fn of_a_forked_subscribe_the_first_to_notify_is_kept() {
    let mut world = world();
    let request = world.subscribe();
    // The answer is of one fork, the first notification of another.
    world.answer(&request, 200, &[("Expires", "600")]);
    let first = world.notify_from(&request, "other", "active;expires=600");
    assert_eq!(world.give(&first), 200);
    let _subscribed = world.event();
    let second = world.notify_from(&request, "n", "active;expires=600");
    assert!(world.subscription.is_for(&second));
    assert_eq!(world.give(&second), 481);
    let more = world.notify_from(&request, "other", "active;expires=600");
    assert_eq!(world.give(&more), 200);
    world.jump();
    let refresh = world.sent();
    assert_eq!(refresh.headers.to().unwrap().tag(), Some("other"));
    assert_eq!(seq(&refresh), seq(&request) + 1);
}

#[test]
fn who_never_notifies_is_given_up_and_asked_again_later() {
    let mut world = world();
    let request = world.subscribe();
    world.answer(&request, 200, &[]);
    assert_eq!(world.wait(), Some(secs(32)));
    world.jump();
    let (cause, status, retry_in) = world.failure();
    assert_eq!((cause, status), (SoftStateFault::Silent, None));
    assert!(retry_in.unwrap() >= secs(30) && retry_in.unwrap() <= secs(60));
    assert_eq!(world.wait(), retry_in);
    let late = world.notify(&request, "active");
    assert!(!world.subscription.is_for(&late));
    assert_eq!(world.give(&late), 481);
    world.jump();
    let again = world.sent();
    assert_ne!(again.headers.call_id(), request.headers.call_id());
    assert_ne!(tag(&again), tag(&request));
    assert_eq!(again.headers.to().unwrap().tag(), None);
}

#[test]
fn a_challenge_is_answered_and_the_refresh_needs_none() {
    let mut world = world();
    let first = world.subscribe();
    world.serve(&first, "ramal");
    let second = world.sent();
    assert_eq!(seq(&second), seq(&first) + 1);
    assert_eq!(second.headers.call_id(), first.headers.call_id());
    assert_eq!(tag(&second), tag(&first));
    world.serve(&second, "ramal");
    let notify = world.notify(&second, "active;expires=3600");
    assert_eq!(world.give(&notify), 200);
    let _subscribed = world.event();
    let refresh = world.subscribe();
    assert_eq!(seq(&refresh), seq(&second) + 1);
    assert!(refresh.headers.has(&HeaderName::AUTHORIZATION));
    world.serve(&refresh, "ramal");
    assert!(world.wait().unwrap() > secs(2_000));
}

#[test]
fn a_refresh_that_is_challenged_anew_goes_out_once_more_in_the_dialog() {
    let mut world = world();
    let first = world.held_for(600);
    world.jump();
    let refresh = world.sent();
    world.serve(&refresh, "ramal");
    let again = world.sent();
    assert_eq!(seq(&again), seq(&first) + 2);
    assert_eq!(again.headers.to().unwrap().tag(), Some("n"));
    assert_eq!(again.headers.get_all(&HeaderName::AUTHORIZATION).count(), 1);
    world.serve(&again, "ramal");
    assert!(world.wait().unwrap() > secs(2_000));
}

#[test]
fn a_notifier_that_wants_longer_gets_longer() {
    let mut world = world_with(|config| config.expires = secs(60));
    let first = world.subscribe();
    world.answer(&first, 423, &[("Min-Expires", "900")]);
    let second = world.sent();
    assert_eq!(seq(&second), seq(&first) + 1);
    assert_eq!(second.headers.get_all(&HeaderName::EXPIRES).count(), 1);
    assert_eq!(second.headers.expires(), Some(900));
    world.answer(&second, 200, &[("Expires", "900")]);
    let notify = world.notify(&second, "active");
    assert_eq!(world.give(&notify), 200);
    let _subscribed = world.event();
    world.jump();
    assert_eq!(world.sent().headers.expires(), Some(900), "from then on");
}

#[test]
fn a_lifetime_that_cannot_be_agreed_on_is_the_end() {
    for min_expires in ["60", "30000000", "soon"] {
        let mut world = world_with(|config| config.expires = secs(60));
        let request = world.subscribe();
        world.answer(&request, 423, &[("Min-Expires", min_expires)]);
        assert_eq!(
            world.failure(),
            (SoftStateFault::IntervalRejected, Some(423), None),
            "{min_expires}"
        );
    }
}

#[test]
fn another_server_is_asked_as_if_it_knew_nothing_and_not_for_ever() {
    let mut world = world();
    assert!(
        !world.subscription.send_elsewhere(),
        "nothing is on its way"
    );
    let mut last = world.subscribe();
    let mut sent = 1;
    while world.subscription.send_elsewhere() {
        let next = world.sent();
        assert_eq!(seq(&next), seq(&last) + 1);
        assert_eq!(next.headers.call_id(), last.headers.call_id());
        last = next;
        sent += 1;
    }
    assert_eq!(sent, soft_state::MAX_TRIES);
    world.answer(&last, 200, &[]);
    assert_eq!(world.wait(), Some(secs(32)));
}

#[test]
fn what_belongs_to_no_request_is_ignored() {
    let mut world = world();
    let first = world.subscribe();
    world.answer(&first, 100, &[]);
    world.serve(&first, "ramal");
    let second = world.sent();
    world.answer(&first, 403, &[]);
    assert_eq!(world.wait(), None);
    let mut stranger = second.clone();
    stranger.headers.set("Call-ID", "another");
    world.answer(&stranger, 403, &[]);
    assert_eq!(world.wait(), None);
    world.answer(&second, 200, &[]);
    world.answer(&second, 403, &[]);
    assert_eq!(world.wait(), Some(secs(32)));
}
