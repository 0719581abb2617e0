//! Ramal and Kamailio's registrar.

use crate::peers::kamailio::{Digest, Kamailio, Options};
use crate::peers::ramal::{CommandLine, SOON};
use crate::peers::{folder, needs, ports, wait_until};
use std::time::Duration;

#[test]
fn a_registration_is_refreshed_and_taken_back_at_the_end() {
    needs!("kamailio");
    let folder = folder("register");
    let kamailio = Kamailio::start(
        &folder,
        Options {
            expires: (2, 6),
            ..Options::default()
        },
    );
    let mut ramal = CommandLine::new(&["register", "--bind", "127.0.0.1"])
        .account("1001", &kamailio.address())
        .start(&folder, "ramal");
    ramal.wait_for("registered", SOON);
    let contact = kamailio.wait_for_contact("1001");
    assert!(contact.starts_with("sip:"), "{contact}");
    // Challenge and answer, then at least one refresh within the six seconds it was granted.
    wait_until(
        Duration::from_secs(8),
        || format!("no refresh\n{}", kamailio.log_tail()),
        || (kamailio.requests_seen("REGISTER", "1001") >= 3).then_some(()),
    );
    assert_eq!(
        kamailio.contacts("1001").len(),
        1,
        "one binding, not one for each refresh"
    );
    ramal.interrupt();
    ramal.ends_with(0, SOON);
    assert!(
        kamailio.contacts("1001").is_empty(),
        "{:?}",
        kamailio.contacts("1001")
    );
}

#[test]
fn a_registration_outlives_what_was_granted_at_first() {
    needs!("kamailio");
    let folder = folder("register-twice");
    let kamailio = Kamailio::start(
        &folder,
        Options {
            expires: (2, 5),
            ..Options::default()
        },
    );
    let mut ramal = CommandLine::new(&["register", "--bind", "127.0.0.1"])
        .account("1001", &kamailio.address())
        .start(&folder, "ramal");
    ramal.wait_for("registered", SOON);
    let mut asked = 0;
    // Twice the lifetime, asked ten times a second: never without a binding.
    wait_until(
        Duration::from_secs(30),
        || "time stands still".to_owned(),
        || {
            assert_eq!(
                kamailio.contacts("1001").len(),
                1,
                "{}",
                kamailio.log_tail()
            );
            asked += 1;
            std::thread::sleep(Duration::from_millis(80));
            (asked >= 100).then_some(())
        },
    );
    ramal.interrupt();
    ramal.ends_with(0, SOON);
}

#[test]
fn a_challenge_with_sha_256_is_answered() {
    needs!("kamailio");
    let folder = folder("register-sha256");
    let kamailio = Kamailio::start(
        &folder,
        Options {
            digest: Digest::Sha256,
            ..Options::default()
        },
    );
    let mut ramal = CommandLine::new(&["register", "--once", "--bind", "127.0.0.1"])
        .account("1001", &kamailio.address())
        .start(&folder, "ramal");
    ramal.wait_for("registered", SOON);
    ramal.ends_with(0, SOON);
}

#[test]
fn a_wrong_password_ends_with_6_and_a_sentence_about_it() {
    needs!("kamailio");
    let folder = folder("register-wrong");
    let kamailio = Kamailio::start(&folder, Options::default());
    let mut ramal = CommandLine::new(&["register", "--bind", "127.0.0.1"])
        .account("1001", &kamailio.address())
        .password("a guess")
        .start(&folder, "ramal");
    ramal.wait_for("registration_failed", SOON);
    ramal.ends_with(6, SOON);
    let said = ramal.said();
    assert!(said.to_lowercase().contains("password"), "{said}");
    assert!(!said.contains("a guess"), "the password is shown: {said}");
    assert!(kamailio.contacts("1001").is_empty());
    // A refused password is not tried again: registrars lock accounts over that.
    assert_eq!(
        kamailio.requests_seen("REGISTER", "1001"),
        2,
        "{}",
        kamailio.log_tail()
    );
}

#[test]
fn a_lifetime_that_is_too_short_is_asked_for_again_as_long_as_the_registrar_wants() {
    needs!("kamailio");
    let folder = folder("register-423");
    let kamailio = Kamailio::start(
        &folder,
        Options {
            expires: (7200, 7200),
            ..Options::default()
        },
    );
    let mut ramal = CommandLine::new(&["register", "--once", "--bind", "127.0.0.1"])
        .account("1001", &kamailio.address())
        .start(&folder, "ramal");
    ramal.wait_for("registered", SOON);
    ramal.ends_with(0, SOON);
}

#[test]
fn a_registrar_that_is_not_there_ends_with_5() {
    let folder = folder("register-nobody");
    let nobody = format!("127.0.0.1:{}", ports::free(1));
    for transport in ["tcp", "udp"] {
        let mut ramal = CommandLine::new(&["register", "--once", "--bind", "127.0.0.1"])
            .with(&["--transport", transport])
            .account("1001", &nobody)
            .start(&folder, transport);
        // Over UDP it may take as long as timer F (RFC 3261 section 17.1.2.2).
        ramal.ends_with(5, Duration::from_secs(40));
        assert!(!ramal.said().trim().is_empty(), "it ends without a word");
    }
}
