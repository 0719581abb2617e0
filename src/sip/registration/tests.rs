//! Registrations against a registrar that says what the test wants, on a turned clock.

use std::time::{Duration, Instant};

use super::*;
use crate::redact::Secret;
use crate::sip::{Algorithm, Credentials, DigestMemory, DigestServer, VerifyError};

const CONTACT: &str = "<sip:1001@192.0.2.7:5062>";

/// A phone, and the clock.
struct World {
    registration: Registration,
    now: Instant,
    server: DigestServer,
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn config() -> RegistrationConfig {
    let contact = CONTACT.parse().unwrap();
    let mut config =
        RegistrationConfig::new(uri("sip:1001@example.com"), uri("sip:example.com"), contact);
    config.credentials = Some(Credentials {
        user: "1001".to_owned(),
        password: Secret::from("ramal"),
        memory: DigestMemory::default(),
    });
    config
}

fn world_with(change: impl FnOnce(&mut RegistrationConfig)) -> World {
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant to start from cannot be made otherwise"
    )]
    let now = Instant::now();
    let mut config = config();
    change(&mut config);
    World {
        registration: Registration::new(config, 7),
        now,
        server: DigestServer::new("example.com", vec![Algorithm::Sha256], [3, 4], now),
    }
}

fn world() -> World {
    world_with(|_| {})
}

impl World {
    /// The request that is to be sent; nothing else may have happened.
    #[track_caller]
    fn sent(&mut self) -> Request {
        match self.registration.poll_output() {
            RegistrationOutput::Send(request) => request,
            other => panic!("no request but {other:?}"),
        }
    }

    #[track_caller]
    fn event(&mut self) -> RegistrationEvent {
        match self.registration.poll_output() {
            RegistrationOutput::Event(event) => event,
            other => panic!("no event but {other:?}"),
        }
    }

    /// How long there is nothing to do.
    #[track_caller]
    fn wait(&mut self) -> Option<Duration> {
        match self.registration.poll_output() {
            RegistrationOutput::Wait(until) => until.map(|until| until - self.now),
            other => panic!("not at rest: {other:?}"),
        }
    }

    #[track_caller]
    fn register(&mut self) -> Request {
        self.registration.register(self.now);
        self.sent()
    }

    fn answer(&mut self, request: &Request, status: u16, headers: &[(&str, &str)]) {
        let status = StatusCode::new(status).unwrap();
        let mut response = request.response(status, Some("r"));
        for (name, value) in headers {
            response.headers.push(*name, *value);
        }
        self.registration.handle_response(self.now, &response);
    }

    /// Bound for this long, without a password asked.
    #[track_caller]
    fn bound_for(&mut self, secs: u32) {
        let request = self.register();
        self.answer(&request, 200, &[("Expires", &secs.to_string())]);
        assert!(matches!(self.event(), RegistrationEvent::Registered { .. }));
    }

    /// Jumps to the deadline that was asked for.
    #[track_caller]
    fn jump(&mut self) {
        let wait = self.wait().expect("nothing is waited for");
        self.now += wait;
        self.registration.handle_timeout(self.now);
    }

    /// Answers as a registrar with passwords does.
    fn serve(&mut self, request: &Request, password: &str, expires: &str) {
        let look_up = |user: &str| (user == "1001").then(|| Secret::from(password));
        match self
            .server
            .verify(self.now, request, &HeaderName::AUTHORIZATION, look_up)
        {
            Ok(_) => self.answer(request, 200, &[("Expires", expires)]),
            Err(error) => {
                let stale = error == VerifyError::Stale;
                let challenge = self.server.challenge(self.now, stale);
                self.answer(request, 401, &[("WWW-Authenticate", &challenge)]);
            }
        }
    }
}

fn failed(
    cause: RegistrationFault,
    status: Option<u16>,
    retry_in: Option<Duration>,
) -> RegistrationEvent {
    let status = status.and_then(StatusCode::new);
    let reason = status.map(|status| status.default_reason().to_owned());
    RegistrationEvent::Failed {
        cause,
        status,
        reason,
        retry_in,
    }
}

fn registered(secs: u64) -> RegistrationEvent {
    RegistrationEvent::Registered {
        expires: Duration::from_secs(secs),
        service_route: Vec::new(),
    }
}

fn seq(request: &Request) -> u32 {
    request.headers.cseq().unwrap().seq
}

#[test]
fn a_register_says_who_where_and_for_how_long() {
    let mut world = world_with(|config| {
        config.registrar = uri("sip:nobody:secret@example.com;transport=tcp?Subject=x");
        config.display_name = Some("Ana".to_owned());
        config.user_agent = "Ramal/0".to_owned();
        config.route = vec!["<sip:proxy.example.com;lr>".parse().unwrap()];
        config.instance_id = Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".to_owned());
        config.reg_id = Some(1);
    });
    let request = world.register();
    let headers = &request.headers;
    assert_eq!(request.method.as_str(), "REGISTER");
    assert_eq!(request.uri.to_string(), "sip:example.com;transport=tcp");
    assert_eq!(
        headers.get(&HeaderName::TO),
        Some("\"Ana\" <sip:1001@example.com>")
    );
    assert_eq!(headers.from().unwrap().uri, uri("sip:1001@example.com"));
    assert!(headers.from().unwrap().tag().is_some());
    assert_eq!(
        headers.get(&HeaderName::ROUTE),
        Some("<sip:proxy.example.com;lr>")
    );
    assert_eq!(headers.expires(), Some(300));
    assert_eq!(
        headers.get(&HeaderName::CONTACT),
        Some(
            "<sip:1001@192.0.2.7:5062>;\
             +sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";reg-id=1;expires=300"
        )
    );
    assert_eq!(
        headers.get(&HeaderName::SUPPORTED),
        Some("path, outbound, gruu")
    );
    assert_eq!(headers.get(&HeaderName::USER_AGENT), Some("Ramal/0"));
    assert_eq!(headers.max_forwards(), Ok(Some(70)));
    assert!(!headers.has(&HeaderName::AUTHORIZATION));
    assert_eq!(world.wait(), None);
}

#[test]
fn a_challenge_is_answered_and_the_next_request_needs_none() {
    let mut world = world();
    let first = world.register();
    world.serve(&first, "ramal", "300");
    let second = world.sent();
    assert_eq!(seq(&second), seq(&first) + 1);
    assert_eq!(second.headers.call_id(), first.headers.call_id());
    assert_eq!(second.headers.from(), first.headers.from());
    world.serve(&second, "ramal", "300");
    assert_eq!(world.event(), registered(300));
    world.jump();
    let refresh = world.sent();
    assert!(refresh.headers.has(&HeaderName::AUTHORIZATION));
    world.serve(&refresh, "ramal", "300");
    assert_eq!(world.event(), registered(300));
}

#[test]
fn another_server_is_asked_as_if_it_knew_nothing_and_not_for_ever() {
    let mut world = world();
    assert!(
        !world.registration.send_elsewhere(),
        "nothing is on its way"
    );
    let first = world.register();
    world.serve(&first, "ramal", "300");
    let second = world.sent();
    world.serve(&second, "ramal", "300");
    assert_eq!(world.event(), registered(300));
    assert!(!world.registration.send_elsewhere(), "it was answered");
    world.jump();
    let mut last = world.sent();
    assert!(last.headers.has(&HeaderName::AUTHORIZATION));
    let mut sent = 1;
    while world.registration.send_elsewhere() {
        let next = world.sent();
        assert_eq!(seq(&next), seq(&last) + 1);
        assert!(!next.headers.has(&HeaderName::AUTHORIZATION));
        assert_eq!(next.headers.expires(), Some(300));
        last = next;
        sent += 1;
    }
    assert_eq!(sent, MAX_TRIES);
    world.answer(&last, 200, &[("Expires", "300")]);
    assert_eq!(world.event(), registered(300));
}

#[test]
fn a_farewell_is_sent_elsewhere_too() {
    let mut world = world();
    world.bound_for(300);
    world.registration.unregister(world.now);
    assert_eq!(world.sent().headers.expires(), Some(0));
    assert!(world.registration.send_elsewhere());
    let again = world.sent();
    assert_eq!(again.headers.expires(), Some(0));
    world.answer(&again, 200, &[]);
    assert_eq!(world.event(), RegistrationEvent::Unregistered);
}

#[test]
fn a_proxy_is_answered_like_a_registrar() {
    let mut world = world();
    let first = world.register();
    world.answer(
        &first,
        407,
        &[(
            "Proxy-Authenticate",
            "Digest realm=\"p\", nonce=\"n\", qop=\"auth\"",
        )],
    );
    let second = world.sent();
    assert!(second.headers.has(&HeaderName::PROXY_AUTHORIZATION));
    world.answer(&second, 200, &[("Expires", "60")]);
    assert_eq!(world.event(), registered(60));
}

#[test]
fn a_wrong_password_is_tried_once_and_ends_it() {
    let mut world = world();
    let first = world.register();
    world.serve(&first, "other", "300");
    let second = world.sent();
    world.serve(&second, "other", "300");
    assert_eq!(
        world.event(),
        failed(RegistrationFault::WrongPassword, Some(401), None)
    );
    assert_eq!(world.wait(), None);
    world
        .registration
        .handle_timeout(world.now + Duration::from_secs(100_000));
    assert_eq!(world.wait(), None);
    // The person asks again, and the password is right by then.
    let third = world.register();
    world.serve(&third, "ramal", "300");
    let fourth = world.sent();
    world.serve(&fourth, "ramal", "300");
    assert_eq!(world.event(), registered(300));
}

#[test]
fn without_a_password_a_challenge_is_the_end() {
    let mut world = world_with(|config| config.credentials = None);
    let request = world.register();
    world.serve(&request, "ramal", "300");
    assert_eq!(
        world.event(),
        failed(RegistrationFault::PasswordNeeded, Some(401), None)
    );
}

#[test]
fn unknown_ways_of_authentication_are_told() {
    let mut world = world();
    for challenge in [
        "Basic realm=\"x\"",
        "Digest realm=\"x\", nonce=\"n\", algorithm=AKAv1-MD5",
    ] {
        let request = world.register();
        world.answer(&request, 401, &[("WWW-Authenticate", challenge)]);
        assert_eq!(
            world.event(),
            failed(RegistrationFault::AuthUnsupported, Some(401), None)
        );
    }
}

#[test]
fn a_stale_nonce_costs_one_more_request() {
    let mut world = world_with(|config| config.expires = Duration::from_secs(86_400));
    let first = world.register();
    world.serve(&first, "ramal", "86400");
    let second = world.sent();
    world.serve(&second, "ramal", "86400");
    let _registered = world.event();
    world.jump();
    let refresh = world.sent();
    world.serve(&refresh, "ramal", "86400");
    let again = world.sent();
    world.serve(&again, "ramal", "86400");
    assert_eq!(world.event(), registered(86_400));
}

#[test]
fn a_server_that_forgets_nonces_without_a_word_is_believed_once() {
    let mut world = world();
    let plain = |nonce: &str| format!("Digest realm=\"old\", nonce=\"{nonce}\"");
    let first = world.register();
    world.answer(&first, 401, &[("WWW-Authenticate", &plain("a"))]);
    let second = world.sent();
    world.answer(&second, 200, &[("Expires", "300")]);
    let _registered = world.event();
    world.jump();
    // RFC 2069: every answer is the first with its nonce, and nothing is called stale.
    let refresh = world.sent();
    assert!(refresh.headers.has(&HeaderName::AUTHORIZATION));
    world.answer(&refresh, 401, &[("WWW-Authenticate", &plain("b"))]);
    let again = world.sent();
    assert!(
        again
            .headers
            .get(&HeaderName::AUTHORIZATION)
            .unwrap()
            .contains("nonce=\"b\"")
    );
    world.answer(&again, 401, &[("WWW-Authenticate", &plain("c"))]);
    assert_eq!(
        world.event(),
        failed(RegistrationFault::WrongPassword, Some(401), None)
    );
}

#[test]
fn the_nonce_that_a_success_announces_is_used_next() {
    let mut world = world();
    let first = world.register();
    world.answer(
        &first,
        401,
        &[(
            "WWW-Authenticate",
            "Digest realm=\"r\", nonce=\"a\", qop=\"auth\"",
        )],
    );
    let second = world.sent();
    world.answer(&second, 200, &[("Authentication-Info", "nextnonce=\"b\"")]);
    let _registered = world.event();
    world.jump();
    let refresh = world.sent();
    let credentials = refresh.headers.get(&HeaderName::AUTHORIZATION).unwrap();
    assert!(credentials.contains("nonce=\"b\""), "{credentials}");
}

#[test]
fn a_server_that_never_has_enough_is_left_alone_for_a_while() {
    let mut world = world();
    let mut request = world.register();
    let mut sent = 1;
    loop {
        let challenge =
            format!("Digest realm=\"r{sent}\", nonce=\"n{sent}\", stale=true, qop=\"auth\"");
        world.answer(&request, 401, &[("WWW-Authenticate", &challenge)]);
        match world.registration.poll_output() {
            RegistrationOutput::Send(next) => request = next,
            RegistrationOutput::Event(RegistrationEvent::Failed {
                cause, retry_in, ..
            }) => {
                assert_eq!(cause, RegistrationFault::ServerError);
                assert!(retry_in.is_some());
                break;
            }
            other => panic!("{other:?}"),
        }
        sent += 1;
        assert!(sent < 20, "it goes on for ever");
    }
    assert_eq!(sent, MAX_TRIES);
}

#[test]
fn the_lifetime_is_that_of_our_contact() {
    let check = |headers: &[(&str, &str)], expected: u64| {
        let mut world = world_with(|config| {
            config.instance_id = Some("urn:uuid:1".to_owned());
        });
        let request = world.register();
        world.answer(&request, 200, headers);
        assert_eq!(world.event(), registered(expected), "{headers:?}");
    };
    check(&[], 300);
    check(&[("Expires", "120")], 120);
    check(
        &[
            ("Contact", "<sip:1001@192.0.2.7:5062>;expires=90"),
            ("Expires", "120"),
        ],
        90,
    );
    check(
        &[("Contact", "<sip:1001@192.0.2.7:5062>"), ("Expires", "120")],
        120,
    );
    // Two phones of one person: ours is not the first.
    check(
        &[(
            "Contact",
            "<sip:1001@192.0.2.9>;expires=10, <sip:1001@192.0.2.7:5062>;expires=70",
        )],
        70,
    );
    // Host names and parameters compare as URIs do, not as text.
    check(
        &[(
            "m",
            "<sip:%31001@192.0.2.7:5062;ob>;expires=71, <sip:1001@192.0.2.8>;expires=5",
        )],
        71,
    );
    // Behind a NAT the registrar writes what it sees; the instance tells us apart.
    check(
        &[(
            "Contact",
            "<sip:1001@203.0.113.5:41000>;expires=72;+sip.instance=\"<URN:UUID:1>\", \
             <sip:1001@203.0.113.5:41001>;expires=11;+sip.instance=\"<urn:uuid:2>\"",
        )],
        72,
    );
    // Without instance, it is ours if nobody else has our user.
    check(
        &[("Contact", "<sip:1001@203.0.113.5:41000>;expires=73")],
        73,
    );
    check(
        &[(
            "Contact",
            "<sip:1001@203.0.113.5:1>;expires=7, <sip:1001@203.0.113.5:2>;expires=8",
        )],
        300,
    );
    check(&[("Contact", "garbage <<>"), ("Expires", "74")], 74);
    check(&[("Expires", "4294967295")], 604_800);
}

#[test]
fn a_lifetime_of_zero_is_no_binding() {
    let mut world = world();
    let request = world.register();
    world.answer(
        &request,
        200,
        &[("Contact", "<sip:1001@192.0.2.7:5062>;expires=0")],
    );
    let RegistrationEvent::Failed {
        cause,
        retry_in: Some(_),
        ..
    } = world.event()
    else {
        panic!("not failed");
    };
    assert_eq!(cause, RegistrationFault::IntervalRejected);
    assert!(!world.registration.is_bound());
}

#[test]
fn refreshes_come_early_enough() {
    let check = |granted: u32, expected_millis: u64| {
        let mut world = world();
        world.bound_for(granted);
        assert_eq!(
            world.wait(),
            Some(Duration::from_millis(expected_millis)),
            "{granted}"
        );
        // Too early: nothing happens.
        world
            .registration
            .handle_timeout(world.now + Duration::from_millis(expected_millis - 1));
        assert!(world.wait().is_some());
    };
    check(3_600, 3_240_000);
    check(320, 288_000);
    // 32 s are left for a request without an answer…
    check(300, 268_000);
    check(120, 88_000);
    // …as far as they do not take half of the lifetime.
    check(60, 30_000);
    check(30, 15_000);
    check(1, 1_000);
}

#[test]
fn a_shorter_lifetime_than_the_registrar_takes_is_asked_longer() {
    let mut world = world_with(|config| config.expires = Duration::from_secs(60));
    let request = world.register();
    assert_eq!(request.headers.expires(), Some(60));
    world.answer(&request, 423, &[("Min-Expires", "1800")]);
    let longer = world.sent();
    assert_eq!(longer.headers.expires(), Some(1_800));
    assert_eq!(longer.headers.contacts().unwrap().clone(), {
        let contact = format!("{CONTACT};expires=1800");
        Contacts::List(vec![contact.parse().unwrap()])
    });
    world.answer(&longer, 200, &[]);
    assert_eq!(world.event(), registered(1_800));
    // It is remembered.
    world.jump();
    assert_eq!(world.sent().headers.expires(), Some(1_800));
}

#[test]
fn an_absurd_or_missing_shortest_lifetime_is_refused() {
    for min_expires in [Some("604801"), Some("300"), Some("0"), Some("x"), None] {
        let mut world = world();
        let request = world.register();
        let headers: Vec<_> = min_expires
            .iter()
            .map(|secs| ("Min-Expires", *secs))
            .collect();
        world.answer(&request, 423, &headers);
        let expected = failed(RegistrationFault::IntervalRejected, Some(423), None);
        assert_eq!(world.event(), expected, "{min_expires:?}");
    }
}

#[test]
fn answers_that_will_not_change_wait_for_the_person() {
    let check = |status: u16, cause: RegistrationFault| {
        let mut world = world();
        let request = world.register();
        world.answer(&request, status, &[]);
        assert_eq!(world.event(), failed(cause, Some(status), None));
        assert_eq!(world.wait(), None);
        let again = world.register();
        assert!(seq(&again) > seq(&request));
    };
    check(403, RegistrationFault::Forbidden);
    check(603, RegistrationFault::Forbidden);
    check(404, RegistrationFault::NotFound);
    check(410, RegistrationFault::NotFound);
    check(604, RegistrationFault::NotFound);
    check(400, RegistrationFault::Rejected);
    check(405, RegistrationFault::Rejected);
    check(420, RegistrationFault::Rejected);
    check(501, RegistrationFault::Rejected);
    check(699, RegistrationFault::Rejected);
}

#[test]
fn a_registrar_that_has_forgotten_us_is_asked_again() {
    let mut world = world();
    world.bound_for(300);
    world.jump();
    let refresh = world.sent();
    world.answer(&refresh, 404, &[]);
    let RegistrationEvent::Failed {
        cause,
        retry_in: Some(_),
        ..
    } = world.event()
    else {
        panic!("given up");
    };
    assert_eq!(cause, RegistrationFault::NotFound);
    assert!(world.registration.is_bound());
    world.jump();
    let again = world.sent();
    world.answer(&again, 200, &[]);
    assert_eq!(world.event(), registered(300));
}

#[test]
fn failures_that_may_pass_are_tried_again_ever_later() {
    let mut world = world();
    let mut request = world.register();
    // Half to whole of 60 s, doubled with each failure, at most 30 minutes.
    for ceiling in [60, 120, 240, 480, 960, 1_800, 1_800] {
        world.answer(&request, 500, &[]);
        let RegistrationEvent::Failed {
            cause, retry_in, ..
        } = world.event()
        else {
            panic!("not failed");
        };
        assert_eq!(cause, RegistrationFault::ServerError);
        let ceiling = Duration::from_secs(ceiling);
        let delay = retry_in.unwrap();
        assert!(
            delay >= ceiling / 2 && delay <= ceiling,
            "{delay:?} of {ceiling:?}"
        );
        assert_eq!(world.wait(), Some(delay));
        world.jump();
        request = world.sent();
    }
    // A success wipes the slate.
    world.answer(&request, 200, &[("Expires", "300")]);
    let _registered = world.event();
    world.jump();
    let request = world.sent();
    world.answer(&request, 500, &[]);
    let _failed = world.event();
    assert!(world.wait().unwrap() <= Duration::from_secs(60));
}

#[test]
fn silence_and_broken_transports_are_told_apart() {
    for (failure, cause) in [
        (RegistrationFailure::Timeout, RegistrationFault::Timeout),
        (
            RegistrationFailure::Transport,
            RegistrationFault::Unreachable,
        ),
    ] {
        let mut world = world();
        let _request = world.register();
        world.registration.handle_failure(world.now, failure);
        let RegistrationEvent::Failed {
            cause: told,
            status,
            reason,
            retry_in,
        } = world.event()
        else {
            panic!("not failed");
        };
        assert_eq!((told, status, reason), (cause, None, None));
        assert!(retry_in.is_some());
    }
}

#[test]
fn retry_after_is_obeyed() {
    let mut world = world();
    let request = world.register();
    world.answer(&request, 503, &[("Retry-After", "600 (maintenance)")]);
    let _failed = world.event();
    let wait = world.wait().unwrap();
    assert!(
        wait >= Duration::from_secs(600) && wait <= Duration::from_secs(660),
        "{wait:?}"
    );
}

#[test]
fn redirections_are_followed_the_permanent_ones_for_good() {
    let check = |status: u16, later: &str| {
        let mut world = world();
        let first = world.register();
        world.answer(
            &first,
            status,
            &[(
                "Contact",
                "<sip:b.example.net>;q=0.1, <sip:1001@a.example.net:5070>;q=0.9",
            )],
        );
        let second = world.sent();
        assert_eq!(second.uri.to_string(), "sip:a.example.net:5070");
        world.answer(&second, 200, &[("Expires", "300")]);
        let _registered = world.event();
        world.jump();
        assert_eq!(world.sent().uri.to_string(), later);
    };
    check(301, "sip:a.example.net:5070");
    check(302, "sip:example.com");
}

#[test]
fn of_several_redirections_the_first_of_the_best_is_followed() {
    let check = |contacts: &str, expected: &str| {
        let mut world = world();
        let request = world.register();
        world.answer(&request, 302, &[("Contact", contacts)]);
        assert_eq!(world.sent().uri.to_string(), expected, "{contacts}");
    };
    check(
        "<sip:a.example>;q=0.9, <sip:b.example>;q=0.1",
        "sip:a.example",
    );
    check(
        "<sip:a.example>;q=0.5, <sip:b.example>;q=0.5",
        "sip:a.example",
    );
    check("<sip:a.example>;q=0.5, <sip:b.example>", "sip:b.example");
}

#[test]
fn circles_and_insecure_redirections_are_not_followed() {
    let mut world = world();
    let first = world.register();
    world.answer(&first, 302, &[("Contact", "<sip:a.example.net>")]);
    let second = world.sent();
    world.answer(
        &second,
        302,
        &[("Contact", "<sip:EXAMPLE.com>, <sip:a.example.net>")],
    );
    assert!(matches!(
        world.event(),
        RegistrationEvent::Failed {
            cause: RegistrationFault::ServerError,
            retry_in: Some(_),
            ..
        }
    ));
    // A chain without a circle ends too.
    world.jump();
    for hop in 0.. {
        assert!(hop <= MAX_REDIRECTS + 1, "it goes on for ever");
        let RegistrationOutput::Send(request) = world.registration.poll_output() else {
            break;
        };
        world.answer(
            &request,
            301,
            &[("Contact", &format!("<sip:{hop}.example.net>"))],
        );
    }
    // Where the chain led is forgotten.
    world.jump();
    assert_eq!(world.sent().uri.to_string(), "sip:example.com");

    let mut secure = world_with(|config| config.registrar = uri("sips:example.com"));
    let first = secure.register();
    secure.answer(
        &first,
        302,
        &[("Contact", "<sip:a.example.net>, <tel:+15550100>")],
    );
    assert!(matches!(secure.event(), RegistrationEvent::Failed { .. }));
}

#[test]
fn a_first_proxy_without_outbound_is_registered_through_as_before() {
    let mut world = world_with(|config| {
        config.instance_id = Some("urn:uuid:1".to_owned());
        config.reg_id = Some(1);
    });
    let first = world.register();
    assert!(first.headers.has_token(&HeaderName::SUPPORTED, "outbound"));
    world.answer(&first, 439, &[]);
    let second = world.sent();
    assert!(!second.headers.has_token(&HeaderName::SUPPORTED, "outbound"));
    assert!(
        !second
            .headers
            .get(&HeaderName::CONTACT)
            .unwrap()
            .contains("reg-id")
    );
    world.answer(&second, 200, &[]);
    assert_eq!(world.event(), registered(300));
}

#[test]
fn service_route_and_path_are_those_of_the_latest_answer() {
    let mut world = world();
    let request = world.register();
    world.answer(
        &request,
        200,
        &[
            (
                "Service-Route",
                "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>",
            ),
            ("Path", "<sip:edge.example.com;lr;ob>"),
        ],
    );
    let RegistrationEvent::Registered { service_route, .. } = world.event() else {
        panic!("not registered");
    };
    let routes: Vec<String> = service_route.iter().map(ToString::to_string).collect();
    assert_eq!(
        routes,
        ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    );
    assert_eq!(world.registration.service_route(), service_route);
    assert_eq!(world.registration.path().len(), 1);
    world.jump();
    let refresh = world.sent();
    world.answer(&refresh, 200, &[]);
    assert!(world.registration.service_route().is_empty());
    assert!(world.registration.path().is_empty());
}

#[test]
fn unregistering_takes_the_binding_away() {
    let mut world = world();
    let first = world.register();
    world.serve(&first, "ramal", "300");
    let second = world.sent();
    world.serve(&second, "ramal", "300");
    let _registered = world.event();
    world.registration.unregister(world.now);
    let removal = world.sent();
    assert_eq!(removal.headers.expires(), Some(0));
    assert_eq!(
        removal.headers.get(&HeaderName::CONTACT),
        Some("<sip:1001@192.0.2.7:5062>;expires=0")
    );
    assert_eq!(removal.headers.call_id(), first.headers.call_id());
    assert!(world.registration.is_bound());
    world.serve(&removal, "ramal", "0");
    assert_eq!(world.event(), RegistrationEvent::Unregistered);
    assert!(!world.registration.is_bound());
    assert_eq!(world.wait(), None);
    // Nothing is left to take away.
    world.registration.unregister(world.now);
    assert_eq!(world.wait(), None);
}

#[test]
fn unregistering_that_fails_is_told_and_not_tried_again() {
    let mut world = world();
    world.bound_for(300);
    world.registration.unregister(world.now);
    let _removal = world.sent();
    world
        .registration
        .handle_failure(world.now, RegistrationFailure::Timeout);
    assert_eq!(
        world.event(),
        failed(RegistrationFault::Timeout, None, None)
    );
    assert!(!world.registration.is_bound());
    assert_eq!(world.wait(), None);
}

#[test]
fn unregistering_without_a_binding_needs_no_request() {
    let mut world = world();
    let request = world.register();
    world.answer(&request, 503, &[]);
    let _failed = world.event();
    world.registration.unregister(world.now);
    assert_eq!(world.event(), RegistrationEvent::Unregistered);
    assert_eq!(world.wait(), None);
}

#[test]
fn a_change_of_mind_waits_for_the_answer() {
    // Register, then not: the binding is made, then removed.
    let mut world = world();
    let request = world.register();
    world.registration.unregister(world.now);
    assert_eq!(world.wait(), None);
    world.answer(&request, 200, &[]);
    let removal = world.sent();
    assert_eq!(removal.headers.expires(), Some(0));
    // And back again, twice.
    world.registration.register(world.now);
    world.registration.unregister(world.now);
    world.registration.register(world.now);
    assert_eq!(world.wait(), None);
    world.answer(&removal, 200, &[]);
    assert_eq!(world.event(), RegistrationEvent::Unregistered);
    let request = world.sent();
    assert_eq!(request.headers.expires(), Some(300));
    // Not any more, when the password is asked for: nothing was bound, nothing is sent.
    world.registration.unregister(world.now);
    world.serve(&request, "ramal", "300");
    assert_eq!(world.event(), RegistrationEvent::Unregistered);
    assert_eq!(world.wait(), None);
    // The removal fails, and the binding is wished back.
    world.bound_for(300);
    world.registration.unregister(world.now);
    let removal = world.sent();
    world.registration.register(world.now);
    world.answer(&removal, 500, &[]);
    assert_eq!(world.sent().headers.expires(), Some(300));
}

#[test]
fn a_failed_refresh_keeps_the_binding_until_it_runs_out() {
    let mut world = world();
    world.bound_for(300);
    world.jump();
    let _refresh = world.sent();
    world.now += Duration::from_secs(32);
    world
        .registration
        .handle_failure(world.now, RegistrationFailure::Timeout);
    let _failed = world.event();
    // 268 + 32 seconds are all of it.
    assert!(!world.registration.is_bound());

    world.bound_for(300);
    world.jump();
    let _refresh = world.sent();
    world
        .registration
        .handle_failure(world.now, RegistrationFailure::Transport);
    let _failed = world.event();
    assert!(world.registration.is_bound());
    // Shutting down in this state still tells the registrar.
    world.registration.unregister(world.now);
    assert_eq!(world.sent().headers.expires(), Some(0));
}

#[test]
fn what_belongs_to_no_request_is_ignored() {
    let mut world = world();
    let first = world.register();
    world.answer(&first, 100, &[]);
    assert_eq!(world.wait(), None);
    world.serve(&first, "ramal", "300");
    let second = world.sent();
    // The answer to the first once more.
    world.answer(&first, 403, &[]);
    assert_eq!(world.wait(), None);
    world.serve(&second, "ramal", "300");
    let _registered = world.event();
    let before = world.wait();
    world.answer(&second, 403, &[]);
    world
        .registration
        .handle_failure(world.now, RegistrationFailure::Timeout);
    assert_eq!(world.wait(), before);
}

#[test]
fn the_words_of_the_registrar_are_cut_and_cleaned() {
    let mut world = world();
    let request = world.register();
    let mut response = request.response(StatusCode::FORBIDDEN, None);
    response.reason = format!("no\u{1b}[31m {}", "x".repeat(10_000));
    world.registration.handle_response(world.now, &response);
    let RegistrationEvent::Failed {
        reason: Some(reason),
        ..
    } = world.event()
    else {
        panic!("no reason");
    };
    assert_eq!(reason.chars().count(), 128);
    assert!(reason.starts_with("no[31m x"));
}

#[test]
fn two_registrations_do_not_share_a_call_id() {
    let call_id = |seed| {
        let mut registration = Registration::new(config(), seed);
        #[expect(
            clippy::disallowed_methods,
            reason = "an instant to start from cannot be made otherwise"
        )]
        registration.register(Instant::now());
        let RegistrationOutput::Send(request) = registration.poll_output() else {
            panic!("nothing sent");
        };
        request.headers.call_id().unwrap().to_owned()
    };
    assert_ne!(call_id(1), call_id(2));
}

/// Seven days with a registrar that challenges, forgets nonces, grants what it likes, loses one
/// request in ten and is down for two hours each night.
#[test]
fn a_week_passes() {
    const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);
    const DAY: u64 = 24 * 3_600;
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut world = world();
    let start = world.now;
    world.registration.register(world.now);
    let mut bound_until = start;
    let mut gap = Duration::ZERO;
    let mut last_seq = 0;
    let mut call_id = None;
    let mut sent = 0;
    let mut refreshes = 0;
    let mut nights = 0;
    while world.now < start + WEEK {
        match world.registration.poll_output() {
            RegistrationOutput::Send(request) => {
                sent += 1;
                let known = call_id.get_or_insert(request.headers.call_id().unwrap().to_owned());
                assert_eq!(request.headers.call_id(), Ok(known.as_str()));
                assert!(seq(&request) > last_seq);
                last_seq = seq(&request);
                let of_day = (world.now - start).as_secs() % DAY;
                let is_down = (2 * 3_600..4 * 3_600).contains(&of_day);
                if is_down || rng.random_ratio(1, 10) {
                    nights += u32::from(is_down);
                    world.now += Duration::from_secs(32);
                    world
                        .registration
                        .handle_failure(world.now, RegistrationFailure::Timeout);
                } else {
                    world.now += Duration::from_millis(40);
                    let granted = [60_u32, 120, 300][rng.random_range(0..3)];
                    world.serve(&request, "ramal", &granted.to_string());
                }
            }
            RegistrationOutput::Event(RegistrationEvent::Registered { expires, .. }) => {
                refreshes += 1;
                gap += world.now.saturating_duration_since(bound_until);
                bound_until = world.now + expires;
            }
            RegistrationOutput::Event(RegistrationEvent::Failed { cause, .. }) => {
                assert_eq!(cause, RegistrationFault::Timeout);
            }
            RegistrationOutput::Event(event) => panic!("{event:?}"),
            RegistrationOutput::Wait(until) => {
                let until = until.expect("it waits for nobody");
                assert!(until > world.now, "it would spin");
                world.now = until;
                world.registration.handle_timeout(world.now);
            }
        }
    }
    // A binding lasts 60 to 300 s: between 604,800 / 268 and 604,800 / 30 refreshes.
    assert!((2_200..20_000).contains(&refreshes), "{refreshes}");
    assert!(
        sent < refreshes * 2,
        "{sent} requests for {refreshes} refreshes"
    );
    // Seven nights of two hours, and up to half an hour until it is noticed that they are over;
    // the rest is what single lost requests cost.
    assert!(
        (7 * 4..=7 * 12).contains(&nights),
        "{nights} requests at night"
    );
    let reachable = WEEK - gap;
    assert!(reachable > WEEK * 80 / 100, "reachable for {reachable:?}");
}
