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
    let (ramal, target) = waiting(folder, more);
    let place = Place {
        target: Some(&target),
        ..Place::default()
    };
    Sipp::start(folder, scenario, &place).finish();
    ramal
}

/// Ramal, and where it waits for one call.
fn waiting(folder: &Path, more: &[&str]) -> (Ramal, String) {
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
    (ramal, target)
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

#[test]
fn a_session_is_refreshed_in_time() {
    needs!("sipp");
    let folder = folder("sessions-refresh");
    let answer =
        "Require: timer\nSession-Expires: 90;refresher=uac\nAllow: INVITE,ACK,BYE,UPDATE\n";
    let scenario = Scenario::new("is-refreshed")
        .await_call()
        .answer_call("200 OK", answer, ANSWER)
        .await_request("ACK")
        .await_request_with("UPDATE", &[("Session-Expires", "90;refresher=uac")])
        .answer("200 OK")
        .await_request("BYE")
        .answer("200 OK");
    let (mut sipp, mut ramal) = call(&folder, &scenario, &["--duration", "47"]);
    ramal.wait_for("answered", SOON);
    // RFC 4028 section 7.2: at half of the interval.
    sipp.finish();
    ramal.wait_for("ended", SOON);
}

/// What stands behind `name` in the last message that begins with `line`.
fn last_said(messages: &str, line: &str, name: &str) -> Option<String> {
    let message = &messages[messages.rfind(line)?..];
    let mut lines = message.lines();
    let value = lines.find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().to_owned())
}

#[test]
fn a_call_takes_the_place_of_the_one_that_it_names() {
    needs!("sipp");
    let folder = folder("sessions-replaces");
    let (mut ramal, target) = waiting(&folder, &[]);
    let place = |from| Place {
        target: Some(&target),
        from,
        ..Place::default()
    };
    let replaced = Scenario::new("is-replaced")
        .send(&invite("Supported: replaces\n"))
        .may_see(100)
        .may_see(180)
        .expect_answer(&[("Supported", "replaces")])
        .ack(1, "")
        .await_request("BYE")
        .answer("200 OK");
    let mut first = Sipp::start(&folder, &replaced, &place("1003"));
    ramal.wait_for("answered", SOON);
    let (call_id, ours, theirs) = wait_until(
        SOON,
        || "SIPp has sent no ACK".to_owned(),
        || {
            let said = first.messages();
            let call_id = last_said(&said, "ACK sip:", "Call-ID:")?;
            let tag = |header| {
                let value = last_said(&said, "ACK sip:", header)?;
                Some(value.split_once(";tag=")?.1.to_owned())
            };
            Some((call_id, tag("To:")?, tag("From:")?))
        },
    );
    let header =
        format!("Require: replaces\nReplaces: {call_id};to-tag={ours};from-tag={theirs}\n");
    let replaces = Scenario::new("replaces")
        .send(&invite(&header))
        .may_see(100)
        .may_see(180)
        .expect_answer(&[])
        .ack(1, "")
        .pause(500)
        .bye(2);
    Sipp::start(&folder, &replaces, &place("1004")).finish();
    first.finish();
    assert_eq!(ramal.wait_for("transfer", SOON)["stage"], "replaced");
    ramal.wait_for("ended", SOON);
    // Nobody sent it sound, and it says so.
    ramal.exit_code(SOON);
}

#[test]
fn messages_that_wait_are_told_until_nobody_asks_any_more() {
    needs!("sipp");
    let folder = folder("sessions-mailbox");
    let notify = |cseq, headers, body| {
        Request {
            branch: if cseq == 1 { "first" } else { "second" },
            ..in_dialog("NOTIFY", cseq, headers, body)
        }
        .as_callee()
    };
    let active = "Event: message-summary\nSubscription-State: active;expires=600\n\
                  Content-Type: application/simple-message-summary\n";
    let over = "Event: message-summary\nSubscription-State: terminated;reason=timeout\n";
    let scenario = Scenario::new("has-a-mailbox")
        .await_first("SUBSCRIBE")
        .answer_call("200 OK", "Expires: 600\n", "")
        .send(&notify(
            1,
            active,
            "Messages-Waiting: yes\nVoice-Message: 2/8 (0/2)\n",
        ))
        .expect(200)
        .await_request_with("SUBSCRIBE", &[("Expires", "^ *0")])
        .answer("200 OK")
        .send(&notify(2, over, ""))
        .expect(200);
    let mut sipp = Sipp::start(&folder, &scenario, &Place::default());
    let mailbox = format!("sip:1001@127.0.0.1:{}", sipp.port());
    let words = ["watch", &mailbox, "--event", "message-summary"];
    let mut ramal = CommandLine::new(&words)
        .with(&["--bind", "127.0.0.1"])
        .start(&folder, "ramal");
    let told = ramal.wait_for("notify", SOON);
    let figures = (told["waiting"].as_bool(), told["new"].as_u64());
    assert_eq!(figures, (Some(true), Some(2)), "{told}");
    ramal.interrupt();
    ramal.ends_with(0, SOON);
    sipp.finish();
}
