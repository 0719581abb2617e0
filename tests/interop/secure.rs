//! Ramal and Kamailio over TLS and WebSocket, with certificates of the test's own making.

use crate::peers::certificates::{Authority, Kind};
use crate::peers::kamailio::{Kamailio, Options, secure_at_hand};
use crate::peers::ramal::{CommandLine, SOON};
use crate::peers::{DOMAIN, folder, needs, wait_until};
use std::path::Path;
use std::time::Duration;

const SECURE: Options = Options {
    digest: crate::peers::kamailio::Digest::Md5,
    presence: false,
    secure: true,
    expires: (5, 3600),
};

fn line(
    words: &[&str],
    transport: &str,
    user: &str,
    kamailio: &Kamailio,
    ca: &Path,
) -> CommandLine {
    CommandLine::new(words)
        .with(&["--bind", "127.0.0.1", "--transport", transport])
        .with(&["--ca", &ca.display().to_string()])
        .account(user, &kamailio.address_of(transport))
}

#[test]
fn two_ramals_call_each_other_over_tls_and_websocket() {
    needs!("kamailio");
    if !secure_at_hand() {
        return;
    }
    let folder = folder("secure-calls");
    let authority = Authority::new("Authority of the test");
    let ca = authority.write(&folder);
    authority.serve(&folder, DOMAIN, Kind::Good);
    let kamailio = Kamailio::start(&folder, SECURE);
    for transport in ["tls", "ws", "wss"] {
        let mut called = line(
            &["answer", "--auto-answer", "--max-calls", "1", "--silence"],
            transport,
            "1001",
            &kamailio,
            &ca,
        )
        .start(&folder, &format!("{transport}-called"));
        called.wait_for("registered", SOON);
        let callee = format!("sip:1001@{DOMAIN}");
        let mut calling = line(
            &["call", &callee, "--silence", "--duration", "2"],
            transport,
            "1002",
            &kamailio,
            &ca,
        )
        .start(&folder, &format!("{transport}-calling"));
        if transport != "ws" {
            let told = calling.wait_for("secured", SOON);
            assert_eq!(told["verified"], "own_authority");
        }
        calling.wait_for("answered", SOON);
        called.wait_for("answered", SOON);
        calling.ends_with(0, SOON);
        called.wait_for("ended", SOON);
        called.ends_with(0, SOON);
        for (method, user) in [
            ("REGISTER", "1001"),
            ("REGISTER", "1002"),
            ("INVITE", "1002"),
            ("ACK", "1002"),
            ("BYE", "1002"),
        ] {
            assert!(
                kamailio.came_over(transport, method, user),
                "{method} of {user} not over {transport}\n{}",
                kamailio.log_tail()
            );
        }
    }
    for transport in ["udp", "tcp"] {
        assert!(!kamailio.came_over(transport, "REGISTER", "1001"));
    }
}

#[test]
fn a_wrong_certificate_is_refused_with_its_own_sentence_and_a_pin_lets_it_through() {
    needs!("kamailio");
    if !secure_at_hand() {
        return;
    }
    let (ours, others) = (Authority::new("Ours"), Authority::new("Others"));
    let mut sentences = Vec::new();
    for (kind, by, cause) in [
        (Kind::Expired, &ours, "certificate_expired"),
        (Kind::WrongHost, &ours, "certificate_wrong_host"),
        (Kind::SelfSigned, &ours, "certificate_self_signed"),
        (Kind::Good, &others, "certificate_unknown_issuer"),
    ] {
        let folder = folder(cause);
        let ca = ours.write(&folder);
        let fingerprint = by.serve(&folder, DOMAIN, kind);
        let kamailio = Kamailio::start(&folder, SECURE);
        let register = ["register", "--once"];
        let mut refused = line(&register, "tls", "1001", &kamailio, &ca).start(&folder, "refused");
        let told = refused.wait_for("registration_failed", SOON);
        assert_eq!(told["cause"], cause);
        let shown = told["certificate"]["fingerprint"]
            .as_str()
            .unwrap_or_default();
        assert_eq!(shown.replace(':', "").to_lowercase(), fingerprint);
        assert_eq!(told["expected"][0], DOMAIN);
        refused.ends_with(5, SOON);
        let said = refused.said();
        let sentence = said.lines().next().unwrap_or_default().to_owned();
        assert!(!sentences.contains(&sentence), "said twice: {said}");
        sentences.push(sentence);
        // Nothing was sent to whom nobody vouches for.
        assert_eq!(kamailio.requests_seen("REGISTER", "1001"), 0);

        let mut pinned = line(&register, "tls", "1001", &kamailio, &ca)
            .with(&["--pin", &fingerprint])
            .start(&folder, "pinned");
        pinned.wait_for("registered", SOON);
        assert_eq!(pinned.wait_for("secured", SOON)["verified"], "pin");
        pinned.ends_with(0, SOON);
    }
}

#[test]
fn a_registrar_that_starts_anew_is_registered_with_anew() {
    needs!("kamailio");
    if !secure_at_hand() {
        return;
    }
    let folder = folder("secure-restart");
    let authority = Authority::new("Authority of the test");
    let ca = authority.write(&folder);
    authority.serve(&folder, DOMAIN, Kind::Good);
    let mut kamailio = Kamailio::start(&folder, SECURE);
    let mut ramals = ["tls", "wss"].map(|transport| {
        let user = if transport == "tls" { "1001" } else { "1002" };
        let mut ramal =
            line(&["register"], transport, user, &kamailio, &ca).start(&folder, transport);
        ramal.wait_for("registered", SOON);
        ramal
    });
    kamailio.restart();
    // A lost connection is left alone for some seconds, and for half a minute after a binding.
    for user in ["1001", "1002"] {
        wait_until(
            Duration::from_secs(60),
            || format!("{user} does not come back\n{}", kamailio.log_tail()),
            || kamailio.contacts(user).into_iter().next(),
        );
    }
    for ramal in &mut ramals {
        ramal.interrupt();
        ramal.ends_with(0, SOON);
    }
}
