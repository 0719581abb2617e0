//! Calls without any registrar, over TCP and over IPv6.

use crate::peers::baresip::{Baresip, Phone, pause};
use crate::peers::kamailio::{Kamailio, Options};
use crate::peers::ramal::{CommandLine, SOON};
use crate::peers::sipp::{ANSWER, OFFER, Place, Request, Scenario, Sipp};
use crate::peers::sound::{self, Codec, Heard};
use crate::peers::{DOMAIN, folder, needs, ports};
use std::time::Duration;

#[test]
fn an_address_is_called_without_any_registrar() {
    needs!("baresip");
    sound::assert_clean_call(Codec::Pcma, || {
        let folder = folder("direct-to");
        let mut baresip = Baresip::start(&folder, &Phone::default());
        let heard = folder.join("heard.wav");
        let mut ramal = CommandLine::new(&["call", &baresip.uri("1002")])
            .with(&[
                "--bind",
                "127.0.0.1",
                "--duration",
                "11.5",
                "--codecs",
                "pcma",
            ])
            .with(&["--play", &sound::original().to_string_lossy()])
            .with(&["--record", &heard.to_string_lossy()])
            .start(&folder, "ramal");
        ramal.wait_for("answered", SOON);
        ramal.ends_with(0, SOON + Duration::from_secs(12));
        baresip.wait_for("CALL_CLOSED", SOON);
        let by = |who, recording| Heard {
            who,
            recording,
            ceiling: sound::ceiling(Codec::Pcma),
        };
        let by_baresip = by("baresip heard", baresip.end_and_take_recording());
        vec![by("Ramal heard", heard), by_baresip]
    });
}

#[test]
fn a_call_to_the_address_is_answered_without_any_registrar() {
    needs!("baresip");
    let folder = folder("direct-from");
    let port = ports::free(1);
    let mut ramal = CommandLine::new(&["answer", "--auto-answer", "--max-calls", "1"])
        .with(&["--bind", &format!("127.0.0.1:{port}"), "--silence"])
        .start(&folder, "ramal");
    let baresip = Baresip::start(&folder, &Phone::default());
    baresip.command("dial", &format!("sip:anyone@127.0.0.1:{port}"));
    ramal.wait_for("answered", SOON);
    baresip.wait_for("CALL_ESTABLISHED", SOON);
    pause(Duration::from_secs(2));
    baresip.command("hangup", "");
    ramal.wait_for("ended", SOON);
    ramal.ends_with(0, SOON);
}

#[test]
fn everything_of_a_call_goes_over_tcp_where_that_is_wanted() {
    needs!("kamailio", "baresip");
    let folder = folder("tcp");
    let kamailio = Kamailio::start(&folder, Options::default());
    let baresip = Baresip::start(
        &folder,
        &Phone {
            proxy: Some(kamailio.address()),
            transport: "tcp",
            ..Phone::default()
        },
    );
    kamailio.wait_for_contact("1002");
    let mut answering = CommandLine::new(&["answer", "--auto-answer", "--max-calls", "1"])
        .with(&["--bind", "127.0.0.1", "--transport", "tcp", "--silence"])
        .account("1001", &kamailio.address())
        .start(&folder, "answering");
    answering.wait_for("registered", SOON);
    let contact = kamailio.wait_for_contact("1001");
    assert!(
        contact.to_lowercase().contains("transport=tcp"),
        "{contact}"
    );
    baresip.command("dial", &format!("sip:1001@{DOMAIN}"));
    answering.wait_for("answered", SOON);
    baresip.wait_for("CALL_ESTABLISHED", SOON);
    pause(Duration::from_secs(2));
    baresip.command("hangup", "");
    answering.ends_with(0, SOON);
    baresip.wait_for("CALL_CLOSED", SOON);

    let mut calling = CommandLine::new(&["call", &format!("sip:1002@{DOMAIN}")])
        .with(&[
            "--bind",
            "127.0.0.1",
            "--transport",
            "tcp",
            "--silence",
            "--duration",
            "2",
        ])
        .account("1003", &kamailio.address())
        .start(&folder, "calling");
    calling.wait_for("answered", SOON);
    calling.ends_with(0, SOON);
    for (user, method) in [("1001", "REGISTER"), ("1003", "INVITE"), ("1003", "BYE")] {
        assert!(
            kamailio.came_over("tcp", method, user),
            "{method} of {user}: {}",
            kamailio.log_tail()
        );
        assert!(
            !kamailio.came_over("udp", method, user),
            "{method} of {user} over UDP"
        );
    }
}

#[test]
fn a_registration_and_a_call_go_over_ipv6() {
    needs!("kamailio", "sipp");
    if !ports::has_ipv6() {
        println!("PASSED OVER: this machine has no IPv6 loopback");
        return;
    }
    let folder = folder("ipv6");
    let kamailio = Kamailio::start(&folder, Options::default());
    let registrar = format!("[::1]:{}", kamailio.port());
    let mut ramal = CommandLine::new(&["answer", "--auto-answer", "--max-calls", "1", "--silence"])
        .with(&["--bind", "[::1]"])
        .account("1001", &registrar)
        .start(&folder, "answering");
    ramal.wait_for("registered", SOON);
    let contact = kamailio.wait_for_contact("1001");
    assert!(contact.contains("[::1]"), "{contact}");
    let scenario = Scenario::new("calls-over-ipv6")
        .send(&Request {
            body: OFFER,
            ..Request::default()
        })
        .expect_challenge(407)
        .ack_refusal(1, "first")
        .send(&Request {
            cseq: 2,
            branch: "second",
            headers: "[authentication]\n",
            body: OFFER,
            ..Request::default()
        })
        .may_see(100)
        .may_see(180)
        .expect_answer(&[("body", "c=IN IP6 ::1")])
        .ack(2, "")
        .pause(1000)
        .bye(3);
    let place = Place {
        target: Some(&registrar),
        address: "[::1]",
        ..Place::default()
    };
    Sipp::start(&folder, &scenario, &place).finish();
    ramal.wait_for("ended", SOON);
    ramal.ends_with(0, SOON);

    let answers = Scenario::new("answers-over-ipv6")
        .await_call_with(&[("body", "c=IN IP6 ::1")])
        .answer_call("180 Ringing", "", "")
        .answer_call("200 OK", "", ANSWER)
        .await_request("ACK")
        .await_request("BYE")
        .answer("200 OK");
    let place = Place {
        address: "[::1]",
        ..Place::default()
    };
    let mut sipp = Sipp::start(&folder, &answers, &place);
    let mut ramal = CommandLine::new(&["call", &format!("sip:1002@[::1]:{}", sipp.port())])
        .with(&["--bind", "[::1]", "--silence", "--duration", "1"])
        .start(&folder, "calling");
    ramal.wait_for("answered", SOON);
    sipp.finish();
}
