//! Who gets what is made of the password: the account's own servers, and nobody else.

use std::time::Duration;

use ramal::agent::{
    AccountConfig, AccountState, Command, EndCause, Event, RegistrationCause, Trust,
};
use ramal::sip::{HeaderName, Request, StatusCode};

use super::sim::World;
use super::sim::story::{
    ACCOUNT, ANA, CALL, DOMAIN, PBX, add, answered, dial, end_of, extension, house,
    registered_phones, secs,
};
use super::sim::stranger::{STRANGER, address};

/// The stranger asks for a password, in the name of that realm.
fn demand(world: &mut World, request: &Request, status: u16, realm: &str) {
    let name = if status == 401 {
        "WWW-Authenticate"
    } else {
        "Proxy-Authenticate"
    };
    let mut response = request.response(StatusCode::new(status).expect("a status"), Some("evil"));
    let challenge = format!(r#"Digest realm="{realm}", nonce="bait", qop="auth""#);
    response.headers.push(name, challenge);
    let bytes = response.to_bytes().expect("a message");
    world.inject(address(), ANA.parse().expect("an address"), &bytes);
    world.run(Duration::from_millis(100));
}

/// Nothing that was sent outside is made of the password.
fn assert_nothing_given(world: &World) {
    for datagram in &world.outside {
        let text = String::from_utf8_lossy(&datagram.bytes).to_lowercase();
        assert!(!text.contains("authorization"), "{text}");
    }
}

#[test]
fn a_stranger_who_is_called_gets_no_answer_to_a_challenge() {
    for (status, realm) in [(401, "elsewhere"), (407, DOMAIN)] {
        let (mut world, ana, _) = registered_phones(1_001);
        dial(&mut world, ana, &format!("sip:bia@{STRANGER}"));
        world.run(Duration::from_millis(100));
        let invite = world.asked_outside("INVITE").remove(0);
        demand(&mut world, &invite, status, realm);
        world.run(secs(1));
        assert_eq!(world.asked_outside("INVITE").len(), 1, "asked once only");
        let cause = end_of(&world, ana).map(|(cause, _)| cause);
        assert_eq!(cause, Some(EndCause::ForeignServer));
        assert_nothing_given(&world);
    }
}

#[test]
fn a_stranger_who_challenges_the_goodbye_gets_nothing() {
    let (mut world, ana, _) = registered_phones(1_002);
    dial(&mut world, ana, &format!("sip:bia@{STRANGER}"));
    world.run(Duration::from_millis(100));
    let invite = world.asked_outside("INVITE").remove(0);
    world.stranger_answers(&invite, ANA, 200, "theirs", Some(6_000));
    world.run(Duration::from_millis(100));
    assert!(answered(&world, ana));
    world.ask(ana, Command::HangUp(CALL));
    world.run(Duration::from_millis(100));
    let bye = world.asked_outside("BYE").remove(0);
    demand(&mut world, &bye, 407, DOMAIN);
    world.run(secs(5));
    assert_eq!(world.asked_outside("BYE").len(), 1);
    assert_nothing_given(&world);
}

#[test]
fn the_way_from_the_own_server_may_lead_to_a_stranger_but_the_credentials_stay() {
    let (mut world, ana, _) = registered_phones(1_003);
    // The server asks for the password, and sends the caller elsewhere once it has it.
    world.registrars[0].calls_ask = Some(407);
    world.registrars[0].instead = Some(Box::new(|request| {
        let moves = request
            .headers
            .get(&HeaderName::PROXY_AUTHORIZATION)
            .is_some();
        let contact = ("Contact", format!("<sip:bia@{STRANGER}>"));
        moves.then(|| (302, vec![contact]))
    }));
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    let invites = world.asked_outside("INVITE");
    assert!(!invites.is_empty(), "the redirection was followed");
    demand(&mut world, &invites[0], 401, DOMAIN);
    assert_nothing_given(&world);
}

#[test]
fn what_was_asked_by_sha_2_is_not_told_by_md5() {
    let (mut world, ana, _) = registered_phones(1_004);
    let challenge = |algorithm: &str| {
        let value = format!(
            r#"Digest realm="{DOMAIN}", nonce="{algorithm}", qop="auth", algorithm={algorithm}"#
        );
        vec![("WWW-Authenticate", value)]
    };
    let mut asks = [challenge("SHA-256"), challenge("MD5")].into_iter();
    world.registrars[0].instead = Some(Box::new(move |request| {
        let new = request.method.as_str() == "INVITE";
        new.then(|| asks.next().map(|ask| (401, ask))).flatten()
    }));
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    let cause = end_of(&world, ana).map(|(cause, _)| cause);
    assert_eq!(cause, Some(EndCause::WeakDigest));
    let md5 = world.log.iter().filter(|(_, sent)| {
        let text = String::from_utf8_lossy(&sent.bytes);
        sent.from == ANA.parse().expect("an address") && text.contains(r#"nonce="MD5""#)
    });
    assert_eq!(md5.count(), 0);
}

#[test]
fn an_account_that_wants_encryption_says_nothing_in_the_clear() {
    let mut world = house(1_005);
    let ana = world.phone(ANA, Default::default());
    let account = AccountConfig {
        trust: Trust {
            require_tls: true,
            ..Trust::default()
        },
        ..extension("1001")
    };
    add(&mut world, ana, account);
    world.run(secs(120));
    assert!(world.registrars[0].registers.is_empty());
    assert!(world.sent_by(ANA).is_empty(), "not even to {PBX}");
    let state = world.phones[ana].agent.account_state(ACCOUNT);
    let Some(AccountState::Failed {
        cause, retry_at, ..
    }) = state
    else {
        panic!("{state:?}");
    };
    assert_eq!(
        (*cause, *retry_at),
        (RegistrationCause::Unencrypted, None),
        "only the person can change this"
    );
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    let ended = world.phones[ana].events.iter().any(
        |event| matches!(event, Event::Ended { end, .. } if end.cause == EndCause::Unencrypted),
    );
    assert!(ended, "{:?}", world.phones[ana].events);
}
