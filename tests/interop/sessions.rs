//! What happens to a session beside its call, with SIPp on the other side: reliable provisional
//! responses, intervals, changes that meet, UPDATE, keys in INFO, REFER.

use std::path::Path;
use std::time::Duration;

use crate::peers::ramal::{CommandLine, Ramal, SOON};
use crate::peers::sipp::{ANSWER, OFFER, Place, Request, Scenario, Sipp};
use crate::peers::{folder, needs, ports, wait_until};

/// SIPp waits, and Ramal calls it.
fn call(folder: &Path, scenario: &Scenario, more: &[&str]) -> (Sipp, Ramal) {
    let sipp = Sipp::start(folder, scenario, &Place::default());
    let ramal = CommandLine::new(&["call", &format!("sip:1002@127.0.0.1:{}", sipp.port())])
        .with(&["--bind", "127.0.0.1", "--silence", "--codecs", "pcma"])
        .with(more)
        .start(folder, "ramal");
    (sipp, ramal)
}

/// Ramal waits, and SIPp calls it; what Ramal has to say of it.
fn called(folder: &Path, scenario: &Scenario, more: &[&str]) -> Ramal {
    let target = format!("127.0.0.1:{}", ports::free(1));
    let ramal = CommandLine::new(&["answer", "--silence", "--bind", &target])
        .with(&["--max-calls", "1"])
        .with(more)
        .start(folder, "ramal");
    wait_until(
        SOON,
        || format!("ramal does not listen; {}", ramal.said()),
        || std::net::UdpSocket::bind(&target).is_err().then_some(()),
    );
    let place = Place {
        target: Some(&target),
        ..Place::default()
    };
    Sipp::start(folder, scenario, &place).finish();
    ramal
}

fn in_dialog<'a>(method: &'a str, cseq: u32, headers: &'a str, body: &'a str) -> Request<'a> {
    Request {
        method,
        cseq,
        branch: method,
        headers,
        body,
        in_dialog: true,
        ..Request::default()
    }
}

fn invite(headers: &str) -> Request<'_> {
    Request {
        body: OFFER,
        headers,
        ..Request::default()
    }
}

#[test]
fn a_reliable_183_is_acknowledged_and_its_sound_is_heard_early() {
    needs!("sipp");
    let folder = folder("sessions-prack-out");
    let scenario = Scenario::new("reliable-183")
        .await_call_with(&[("Supported", "100rel")])
        .answer_call("183 Session Progress", "Require: 100rel\nRSeq: 7\n", ANSWER)
        .await_request("PRACK")
        .answer("200 OK")
        .pause(300)
        .answer_call("200 OK", "", "")
        .await_request("ACK")
        .await_request("BYE")
        .answer("200 OK");
    let (mut sipp, mut ramal) = call(&folder, &scenario, &["--duration", "1"]);
    ramal.wait_for("early_media", SOON);
    ramal.wait_for("answered", SOON);
    sipp.finish();
    let rack = sipp.messages().lines().find_map(|line| {
        let value = line.strip_prefix("RAck:")?;
        Some(value.trim().to_owned())
    });
    assert_eq!(rack.as_deref(), Some("7 1 INVITE"));
}

#[test]
fn who_requires_it_is_told_reliably_that_it_rings() {
    needs!("sipp");
    let folder = folder("sessions-prack-in");
    // Two seconds of ringing, so that the 180 is acknowledged before the answer.
    let prack = Request {
        headers: "RAck: [$rseq] 1 INVITE\n",
        ..in_dialog("PRACK", 2, "", "")
    };
    let scenario = Scenario::new("wants-prack")
        .send(&invite("Require: 100rel\n"))
        .may_see(100)
        .expect_kept(180, &[("rseq", "RSeq")])
        .send(&prack)
        .expect(200)
        .expect_answer(&[])
        .ack(1, "")
        .pause(300)
        .bye(3);
    let mut ramal = called(&folder, &scenario, &["--auto-answer", "2"]);
    ramal.wait_for("ended", SOON);
}

#[test]
fn an_interval_that_is_too_short_is_asked_for_again_as_long_as_the_far_side_wants() {
    needs!("sipp");
    let folder = folder("sessions-422");
    let scenario = Scenario::new("wants-longer")
        .await_call_with(&[("Session-Expires", "1800")])
        .answer_call("422 Session Interval Too Small", "Min-SE: 2400\n", "")
        .await_request("ACK")
        .await_call_with(&[("Session-Expires", "2400"), ("Min-SE", "2400")])
        .answer_call(
            "200 OK",
            "Require: timer\nSession-Expires: 2400;refresher=uac\n",
            ANSWER,
        )
        .await_request("ACK")
        .await_request("BYE")
        .answer("200 OK");
    let (mut sipp, mut ramal) = call(&folder, &scenario, &["--duration", "1"]);
    ramal.wait_for("answered", SOON);
    sipp.finish();
}

#[test]
fn who_asks_for_too_short_an_interval_is_told_the_least() {
    needs!("sipp");
    let folder = folder("sessions-too-short");
    let scenario = Scenario::new("too-short")
        .send(&invite("Supported: timer\nSession-Expires: 30\n"))
        .may_see(100)
        .expect_with(422, &[("Min-SE", "90")])
        .ack_refusal(1, "first")
        .send(&Request {
            cseq: 2,
            branch: "second",
            ..invite("Supported: timer\nSession-Expires: 90;refresher=uac\nMin-SE: 90\n")
        })
        .may_see(100)
        .may_see(180)
        .expect_answer(&[("Session-Expires", "90;refresher=uac")])
        .ack(2, "")
        .pause(300)
        .bye(3);
    let mut ramal = called(&folder, &scenario, &[]);
    ramal.wait_for("ended", SOON);
}

#[test]
fn a_hold_that_meets_the_far_sides_change_is_asked_for_again_later() {
    needs!("sipp");
    let folder = folder("sessions-491");
    let held = [("body", "a=sendonly")];
    let scenario = Scenario::new("glare")
        .await_call()
        .answer_call("200 OK", "", ANSWER)
        .await_request("ACK")
        .await_call_with(&held)
        .answer("491 Request Pending")
        .await_request("ACK")
        .await_call_with(&held)
        .answer_with("200 OK", ANSWER)
        .await_request("ACK")
        .await_request("BYE")
        .answer("200 OK");
    let (mut sipp, mut ramal) = call(&folder, &scenario, &["--hold-at", "0.5", "--duration", "7"]);
    let held = ramal.wait_for("held", SOON);
    sipp.finish();
    // RFC 3261 section 14.1: 2.1 to 4 s for the one that made the call.
    let at = |event: &serde_json::Value| event["t"].as_f64().expect("a time");
    let answered = at(&ramal.all("answered")[0]);
    let waited = at(&held) - answered - 0.5;
    assert!((2.0..5.0).contains(&waited), "{waited} s");
}

#[test]
fn the_far_side_holds_and_resumes_by_update() {
    needs!("sipp");
    let folder = folder("sessions-update");
    let held = OFFER.replace("o=sipp 1 1", "o=sipp 1 2") + "a=sendonly\n";
    let back = OFFER.replace("o=sipp 1 1", "o=sipp 1 3");
    let update = |cseq, body| Request {
        branch: if cseq == 2 { "hold" } else { "resume" },
        ..in_dialog("UPDATE", cseq, "", body)
    };
    let scenario = Scenario::new("updates")
        .send(&invite(""))
        .may_see(100)
        .may_see(180)
        .expect_answer(&[("Allow", "UPDATE")])
        .ack(1, "")
        .pause(300)
        .send(&update(2, &held))
        .expect_with(200, &[("body", "a=recvonly")])
        .pause(300)
        .send(&update(3, &back))
        .expect_with(200, &[("body", "a=sendrecv")])
        .pause(300)
        .bye(4);
    let mut ramal = called(&folder, &scenario, &[]);
    let held = ramal.wait_for("held", SOON);
    assert_eq!(held["by"], "remote", "{held}");
    ramal.wait_for("resumed", SOON);
    ramal.wait_for("ended", SOON);
}

#[test]
fn keys_go_and_come_in_info() {
    needs!("sipp");
    let folder = folder("sessions-info");
    let body = "Signal=7\nDuration=200\n";
    let kind = "Content-Type: application/dtmf-relay\n";
    let scenario = Scenario::new("keys")
        .send(&invite(""))
        .may_see(100)
        .may_see(180)
        .expect_answer(&[("Allow", "INFO")])
        .ack(1, "")
        .await_request_with("INFO", &[("Content-Type", "dtmf-relay"), ("body", "=4")])
        .answer("200 OK")
        .await_request_with("INFO", &[("body", "=#")])
        .answer("200 OK")
        .send(&in_dialog("INFO", 2, kind, body))
        .expect(200)
        .pause(200)
        .bye(3);
    let more = ["--digits-by", "info", "--dtmf", "4#"];
    let mut ramal = called(&folder, &scenario, &more);
    let key = ramal.wait_for("dtmf", SOON);
    let told = (key["digit"].as_str(), key["duration_ms"].as_u64());
    assert_eq!(told, (Some("7"), Some(200)));
    ramal.wait_for("ended", SOON);
}

#[test]
fn who_hands_us_over_is_told_how_it_goes_until_the_end() {
    needs!("sipp");
    let folder = folder("sessions-refer");
    let busy = Scenario::new("is-busy")
        .await_call()
        .answer_call("486 Busy Here", "", "")
        .await_request("ACK");
    let other = Sipp::start(&folder, &busy, &Place::default());
    let refer_to = format!("Refer-To: <sip:1004@127.0.0.1:{}>\n", other.port());
    let told = |line| [("Event", "refer"), ("body", line)];
    let scenario = Scenario::new("refers")
        .send(&invite(""))
        .may_see(100)
        .may_see(180)
        .expect_answer(&[("Allow", "REFER")])
        .ack(1, "")
        .pause(200)
        .send(&in_dialog("REFER", 2, &refer_to, ""))
        .expect(202)
        .await_request_with("NOTIFY", &told("SIP/2.0 100"))
        .answer("200 OK")
        .await_request_with("NOTIFY", &told("SIP/2.0 486"))
        .answer("200 OK")
        .pause(200)
        .bye(3);
    let mut ramal = called(&folder, &scenario, &["--accept-transfers"]);
    ramal.wait_for("ended", Duration::from_secs(10));
}
