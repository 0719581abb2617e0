//! Publications to a server that says what the test wants, on a turned clock.

use super::*;
use crate::redact::Secret;
use crate::sip::{
    Algorithm, Credentials, DigestMemory, DigestServer, Event, HeaderName, Method, SoftStateFault,
    StatusCode, Uri,
};

const PIDF: &str = "application/pidf+xml";

/// A phone, a server's passwords, and the clock.
struct World {
    publication: Publication,
    now: Instant,
    server: DigestServer,
}

fn world() -> World {
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant to start from cannot be made otherwise"
    )]
    let now = Instant::now();
    let aor: Uri = "sip:1001@example.com".parse().unwrap();
    let mut config = PublicationConfig::new(aor, Event::new("presence"));
    config.credentials = Some(Credentials {
        user: "1001".to_owned(),
        password: Secret::from("ramal"),
        memory: DigestMemory::default(),
    });
    World {
        publication: Publication::new(config, 7),
        now,
        server: DigestServer::new("example.com", vec![Algorithm::Sha256], [3, 4], now),
    }
}

impl World {
    #[track_caller]
    fn sent(&mut self) -> Request {
        match self.publication.poll_output() {
            PublicationOutput::Send(request) => request,
            other => panic!("no request but {other:?}"),
        }
    }

    #[track_caller]
    fn event(&mut self) -> PublicationEvent {
        match self.publication.poll_output() {
            PublicationOutput::Event(event) => event,
            other => panic!("no event but {other:?}"),
        }
    }

    #[track_caller]
    fn wait(&mut self) -> Option<Duration> {
        match self.publication.poll_output() {
            PublicationOutput::Wait(until) => until.map(|until| until - self.now),
            other => panic!("not at rest: {other:?}"),
        }
    }

    #[track_caller]
    fn jump(&mut self) {
        let wait = self.wait().expect("nothing is waited for");
        self.now += wait;
        self.publication.handle_timeout(self.now);
    }

    fn say(&mut self, body: &str) {
        let body = body.as_bytes().to_vec();
        self.publication.publish(self.now, PIDF, body);
    }

    fn answer(&mut self, request: &Request, status: u16, headers: &[(&str, &str)]) {
        let status = StatusCode::new(status).unwrap();
        let mut response = request.response(status, Some("r"));
        for (name, value) in headers {
            response.headers.push(*name, *value);
        }
        self.publication.handle_response(self.now, &response);
    }

    /// This is published, under this name.
    #[track_caller]
    fn published(&mut self, body: &str, tag: &str) -> Request {
        self.say(body);
        let request = self.sent();
        self.answer(&request, 200, &[("SIP-ETag", tag), ("Expires", "3600")]);
        assert_eq!(
            self.event(),
            PublicationEvent::Published {
                expires: Duration::from_secs(3_600)
            }
        );
        request
    }

    #[track_caller]
    fn failure(&mut self) -> (SoftStateFault, Option<Duration>) {
        match self.event() {
            PublicationEvent::Failed {
                cause, retry_in, ..
            } => (cause, retry_in),
            other => panic!("not failed: {other:?}"),
        }
    }
}

/// Body, name and lifetime of a PUBLISH, which say what it does.
fn deed(request: &Request) -> (&str, Option<&str>, Option<u32>) {
    (
        std::str::from_utf8(&request.body).unwrap(),
        request.headers.if_match(),
        request.headers.expires(),
    )
}

fn seq(request: &Request) -> u32 {
    request.headers.cseq().unwrap().seq
}

#[test]
fn a_publish_says_whose_state_it_is_and_what() {
    let mut world = world();
    world
        .publication
        .set_route(vec!["<sip:proxy.example.com;lr>".parse().unwrap()]);
    world.say("here");
    let request = world.sent();
    let headers = &request.headers;
    assert_eq!(request.method, Method::Publish);
    assert_eq!(request.uri.to_string(), "sip:1001@example.com");
    assert_eq!(headers.get(&HeaderName::TO), Some("<sip:1001@example.com>"));
    assert!(headers.from().unwrap().tag().is_some());
    assert_eq!(headers.get(&HeaderName::EVENT), Some("presence"));
    assert_eq!(headers.get(&HeaderName::CONTENT_TYPE), Some(PIDF));
    assert_eq!(
        headers.get(&HeaderName::ROUTE),
        Some("<sip:proxy.example.com;lr>")
    );
    assert_eq!(headers.max_forwards(), Ok(Some(70)));
    assert_eq!(deed(&request), ("here", None, Some(3_600)));
}

#[test]
fn it_is_refreshed_by_its_name_replaced_and_taken_back() {
    let mut world = world();
    let first = world.published("here", "t1");
    assert!(world.publication.is_held());
    let due = world.wait().unwrap();
    assert!(due > Duration::from_secs(2_700) && due < Duration::from_secs(3_300));
    world.jump();
    let refresh = world.sent();
    assert_eq!(deed(&refresh), ("", Some("t1"), Some(3_600)));
    assert!(!refresh.headers.has(&HeaderName::CONTENT_TYPE));
    assert_eq!(seq(&refresh), seq(&first) + 1);
    assert_eq!(refresh.headers.call_id(), first.headers.call_id());
    world.answer(&refresh, 200, &[("SIP-ETag", "t2"), ("Expires", "3600")]);
    world.say("away");
    let modify = world.sent();
    assert_eq!(deed(&modify), ("away", Some("t2"), Some(3_600)));
    world.answer(&modify, 200, &[("SIP-ETag", "t3"), ("Expires", "3600")]);
    assert!(matches!(world.event(), PublicationEvent::Published { .. }));
    world.publication.remove(world.now);
    let remove = world.sent();
    assert_eq!(deed(&remove), ("", Some("t3"), Some(0)));
    world.answer(&remove, 200, &[]);
    assert_eq!(world.event(), PublicationEvent::Removed);
    assert!(!world.publication.is_held());
    assert_eq!(world.wait(), None);
}

#[test]
fn a_server_that_forgot_it_gets_all_of_it_anew() {
    let mut world = world();
    world.published("here", "t1");
    world.jump();
    let refresh = world.sent();
    world.answer(&refresh, 412, &[]);
    let anew = world.sent();
    assert_eq!(deed(&anew), ("here", None, Some(3_600)));
    world.answer(&anew, 200, &[("SIP-ETag", "t9")]);
    assert!(matches!(world.event(), PublicationEvent::Published { .. }));
    world.jump();
    assert_eq!(world.sent().headers.if_match(), Some("t9"));

    // What is gone needs not be taken back.
    let mut world = self::world();
    world.published("here", "t1");
    world.publication.remove(world.now);
    let remove = world.sent();
    world.answer(&remove, 412, &[]);
    assert_eq!(world.event(), PublicationEvent::Removed);
    assert_eq!(world.wait(), None);
}

#[test]
fn a_server_that_always_forgets_is_not_asked_in_a_circle() {
    let mut world = world();
    world.say("here");
    for asked in 0.. {
        assert!(asked < 20, "it goes on for ever");
        match world.publication.poll_output() {
            PublicationOutput::Send(request) => world.answer(&request, 412, &[]),
            PublicationOutput::Event(event) => {
                assert!(matches!(
                    event,
                    PublicationEvent::Failed {
                        retry_in: Some(_),
                        ..
                    }
                ));
                break;
            }
            PublicationOutput::Wait(_) => panic!("nothing was told"),
        }
    }
}

#[test]
fn of_what_changes_fast_only_the_latest_is_published() {
    let mut world = world();
    world.say("one");
    let first = world.sent();
    world.say("two");
    world.say("three");
    assert_eq!(world.wait(), None, "one is on its way");
    world.now += Duration::from_millis(50);
    world.answer(&first, 200, &[("SIP-ETag", "t1")]);
    let _published = world.event();
    assert_eq!(world.wait(), Some(Duration::from_millis(950)));
    world.say("four");
    world.jump();
    let second = world.sent();
    assert_eq!(deed(&second), ("four", Some("t1"), Some(3_600)));
    world.answer(&second, 200, &[("SIP-ETag", "t2")]);
    let _published = world.event();
    world.say("four");
    assert!(
        world.wait().unwrap() > Duration::from_secs(60),
        "the same is not sent again"
    );
}

#[test]
fn a_challenge_is_answered_with_the_document_in_it() {
    let mut world = world();
    world.say("here");
    let first = world.sent();
    let challenge = world.server.challenge(world.now, false);
    world.answer(&first, 401, &[("WWW-Authenticate", &challenge)]);
    let second = world.sent();
    assert_eq!(seq(&second), seq(&first) + 1);
    assert_eq!(deed(&second), ("here", None, Some(3_600)));
    let look_up = |user: &str| (user == "1001").then(|| Secret::from("ramal"));
    let name = &HeaderName::AUTHORIZATION;
    assert!(
        world
            .server
            .verify(world.now, &second, name, look_up)
            .is_ok()
    );
    // Refused all the same: the password is wrong.
    let challenge = world.server.challenge(world.now, false);
    world.answer(&second, 401, &[("WWW-Authenticate", &challenge)]);
    assert_eq!(world.failure(), (SoftStateFault::WrongPassword, None));
    assert_eq!(world.wait(), None);
    world.say("here");
    assert!(!world.sent().headers.has(&HeaderName::AUTHORIZATION));
}

#[test]
fn a_server_that_wants_longer_gets_longer() {
    let mut world = world();
    world.say("here");
    let first = world.sent();
    world.answer(&first, 423, &[("Min-Expires", "7200")]);
    let second = world.sent();
    assert_eq!(deed(&second), ("here", None, Some(7_200)));
    world.answer(&second, 423, &[("Min-Expires", "60")]);
    assert_eq!(world.failure(), (SoftStateFault::IntervalRejected, None));
}

#[test]
fn some_failures_heal_in_time_and_others_do_not() {
    let check = |status: u16, cause: SoftStateFault, heals: bool| {
        let mut world = world();
        world.say("here");
        let request = world.sent();
        world.answer(&request, status, &[]);
        let (told, retry_in) = world.failure();
        assert_eq!((told, retry_in.is_some()), (cause, heals), "{status}");
        assert_eq!(world.wait(), retry_in, "{status}");
        if heals {
            world.jump();
            assert_eq!(deed(&world.sent()).0, "here");
        }
    };
    check(489, SoftStateFault::BadEvent, false);
    check(403, SoftStateFault::Forbidden, false);
    check(404, SoftStateFault::NotFound, false);
    check(405, SoftStateFault::Rejected, false);
    check(415, SoftStateFault::Rejected, false);
    check(302, SoftStateFault::Redirected, true);
    check(500, SoftStateFault::ServerError, true);
    check(503, SoftStateFault::ServerError, true);
    check(408, SoftStateFault::Timeout, true);
}

#[test]
fn what_was_said_while_the_server_was_away_is_published_when_it_is_back() {
    let mut world = world();
    world.published("here", "t1");
    world.jump();
    let _refresh = world.sent();
    world
        .publication
        .handle_failure(world.now, SoftStateFailure::Timeout);
    let (cause, retry_in) = world.failure();
    assert_eq!(cause, SoftStateFault::Timeout);
    assert!(world.publication.is_held());
    world.say("away");
    assert_eq!(world.wait(), retry_in, "not sooner");
    world.jump();
    assert_eq!(deed(&world.sent()), ("away", Some("t1"), Some(3_600)));
    // When its time is over, the name is worth nothing.
    world.now += Duration::from_secs(3_600);
    world
        .publication
        .handle_failure(world.now, SoftStateFailure::Transport);
    assert!(!world.publication.is_held());
    let _failed = world.failure();
    world.jump();
    assert_eq!(deed(&world.sent()), ("away", None, Some(3_600)));
}

#[test]
fn a_name_that_ran_out_while_the_server_was_away_is_not_used() {
    let mut world = world();
    world.say("here");
    let request = world.sent();
    world.answer(&request, 200, &[("SIP-ETag", "t1"), ("Expires", "60")]);
    let _published = world.event();
    world.jump();
    let refresh = world.sent();
    assert_eq!(refresh.headers.if_match(), Some("t1"));
    world.answer(&refresh, 503, &[("Retry-After", "300")]);
    let _failed = world.failure();
    assert!(world.publication.is_held());
    world.jump();
    assert_eq!(deed(&world.sent()), ("here", None, Some(3_600)));
}

#[test]
fn a_server_without_names_gets_the_document_each_time() {
    let mut world = world();
    world.say("here");
    let request = world.sent();
    world.answer(&request, 200, &[("Expires", "60")]);
    let _published = world.event();
    world.jump();
    assert_eq!(deed(&world.sent()), ("here", None, Some(3_600)));
}

#[test]
fn a_change_of_mind_waits_for_the_answer() {
    let mut world = world();
    world.say("here");
    let request = world.sent();
    world.publication.remove(world.now);
    assert_eq!(world.wait(), None);
    world.answer(&request, 200, &[("SIP-ETag", "t1")]);
    let _published = world.event();
    let remove = world.sent();
    assert_eq!(deed(&remove), ("", Some("t1"), Some(0)));
    world.say("back");
    assert_eq!(world.wait(), None);
    world.answer(&remove, 200, &[]);
    assert_eq!(world.event(), PublicationEvent::Removed);
    assert_eq!(deed(&world.sent()), ("back", None, Some(3_600)));

    // A farewell that fails is told, and not tried again.
    let mut world = self::world();
    world.published("here", "t1");
    world.publication.remove(world.now);
    let _remove = world.sent();
    world
        .publication
        .handle_failure(world.now, SoftStateFailure::Timeout);
    assert_eq!(world.failure(), (SoftStateFault::Timeout, None));
    assert_eq!(world.wait(), None);
    assert!(!world.publication.is_held());
    // Nothing was published: nothing is sent.
    world.publication.remove(world.now);
    assert_eq!(world.wait(), None);
}

#[test]
fn what_belongs_to_no_request_is_ignored() {
    let mut world = world();
    let first = world.published("here", "t1");
    let before = world.wait();
    world.answer(&first, 403, &[]);
    assert_eq!(world.wait(), before);
    world
        .publication
        .handle_failure(world.now, SoftStateFailure::Timeout);
    assert_eq!(world.wait(), before);
}
