//! Ramal calls, SIPp answers: what a caller has to do when the other side is slow, doubles itself,
//! refuses, or never says a word.

use crate::peers::ramal::{CommandLine, Ramal, SOON};
use crate::peers::sipp::{ANSWER, Place, Request, Scenario, Sipp};
use crate::peers::{DOMAIN, folder, needs, password};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Starts SIPp with a scenario and Ramal calling it as 1001.
fn call(folder: &Path, scenario: &Scenario, more: &[&str]) -> (Sipp, Ramal) {
    let sipp = Sipp::start(folder, scenario, &Place::default());
    let ramal = CommandLine::new(&["call", &format!("sip:1002@127.0.0.1:{}", sipp.port())])
        .with(&["--bind", "127.0.0.1", "--silence", "--codecs", "pcma,pcmu"])
        .with(&["--aor", &format!("sip:1001@{DOMAIN}")])
        .with(more)
        .password(&password("1001"))
        .start(folder, "ramal");
    (sipp, ramal)
}

/// The caller hangs up, and the other side agrees.
fn hung_up(scenario: Scenario) -> Scenario {
    scenario.await_request("BYE").answer("200 OK")
}

#[test]
fn each_repeated_200_is_acknowledged_again() {
    needs!("sipp");
    let folder = folder("calling-repeated-200");
    let scenario = hung_up(
        Scenario::new("repeats-200")
            .await_call()
            .answer_call("180 Ringing", "", "")
            .pause(300)
            .answer_call("200 OK", "", ANSWER)
            .await_request("ACK")
            .pause(300)
            .answer_call("200 OK", "", ANSWER)
            .await_request("ACK")
            .pause(300)
            .answer_call("200 OK", "", ANSWER)
            .await_request("ACK"),
    );
    let (mut sipp, mut ramal) = call(&folder, &scenario, &["--duration", "2"]);
    ramal.wait_for("ringing", SOON);
    ramal.wait_for("answered", SOON);
    sipp.finish();
    assert_eq!(ramal.all("answered").len(), 1);
}

#[test]
fn an_unanswered_invite_is_sent_again_and_the_late_answer_taken() {
    needs!("sipp");
    let folder = folder("calling-slow");
    // Timer A: the INVITE comes again after 500 ms, and once more after another second.
    let scenario = hung_up(
        Scenario::new("slow")
            .await_call()
            .await_call()
            .await_call()
            .answer_call("200 OK", "", ANSWER)
            .await_request("ACK"),
    );
    let (mut sipp, mut ramal) = call(&folder, &scenario, &["--duration", "1"]);
    ramal.wait_for("answered", SOON);
    sipp.finish();
    let invites: Vec<String> = sipp
        .messages()
        .lines()
        .filter(|l| l.starts_with("Via:"))
        .map(str::to_owned)
        .collect();
    assert_eq!(invites[0], invites[1], "a retransmission keeps its branch");
}

/// Of the far end, which has a realm of its own.
const CHALLENGE: &str =
    "WWW-Authenticate: Digest realm=\"far end\", nonce=\"b6a2f\", qop=\"auth\", algorithm=MD5\n";

#[test]
fn a_challenge_from_the_own_proxy_is_answered_with_the_password() {
    needs!("sipp");
    let folder = folder("calling-challenged");
    let scenario = hung_up(
        Scenario::new("challenges")
            .await_call()
            .answer_call("401 Unauthorized", CHALLENGE, "")
            .await_request("ACK")
            .await_call_with_proof("1001")
            .answer_call("200 OK", "", ANSWER)
            .await_request("ACK"),
    );
    let mut sipp = Sipp::start(&folder, &scenario, &Place::default());
    let proxy = format!("sip:127.0.0.1:{}", sipp.port());
    let mut ramal = CommandLine::new(&["call", &format!("sip:1002@{DOMAIN}")])
        .with(&["--bind", "127.0.0.1", "--silence", "--duration", "1"])
        .with(&["--aor", &format!("sip:1001@{DOMAIN}"), "--proxy", &proxy])
        .password(&password("1001"))
        .start(&folder, "ramal");
    ramal.wait_for("answered", SOON);
    sipp.finish();
}

#[test]
fn a_challenge_from_a_stranger_is_not_answered() {
    needs!("sipp");
    let folder = folder("calling-challenged-by-a-stranger");
    let scenario = Scenario::new("challenges")
        .await_call()
        .answer_call("401 Unauthorized", CHALLENGE, "")
        .await_request("ACK");
    let (mut sipp, mut ramal) = call(&folder, &scenario, &[]);
    ramal.ends_with(8, SOON);
    sipp.finish();
}

#[test]
fn a_refusal_is_acknowledged_and_told() {
    needs!("sipp");
    for (status, code) in [
        ("486 Busy Here", 3),
        ("603 Decline", 3),
        ("404 Not Found", 3),
        ("480 Temporarily Unavailable", 4),
        ("488 Not Acceptable Here", 3),
    ] {
        let number: u16 = status[..3].parse().expect("a status has three digits");
        let folder = folder(&format!("calling-{number}"));
        let mut scenario = Scenario::new(&format!("says-{number}"))
            .await_call()
            .answer_call("100 Trying", "", "")
            .answer_call(status, "", "")
            .await_request("ACK");
        if number == 488 {
            // Keys are offered again under each profile that some want them under.
            for _ in 0..2 {
                scenario = scenario
                    .await_call()
                    .answer_call(status, "", "")
                    .await_request("ACK");
            }
        }
        let (mut sipp, mut ramal) = call(&folder, &scenario, &[]);
        let ended = ramal.wait_for("ended", SOON);
        assert_eq!(ended["status"], json!(number), "{ended}");
        ramal.ends_with(code, SOON);
        sipp.finish();
    }
}

#[test]
fn giving_up_while_it_rings_cancels_the_call() {
    needs!("sipp");
    let folder = folder("calling-cancelled");
    let scenario = Scenario::new("is-cancelled")
        .await_call()
        .answer_call("180 Ringing", "", "")
        .await_request("CANCEL")
        .answer("200 OK")
        .answer_call("487 Request Terminated", "", "")
        .await_request("ACK");
    let (mut sipp, mut ramal) = call(&folder, &scenario, &[]);
    ramal.wait_for("ringing", SOON);
    ramal.interrupt();
    ramal.wait_for("ended", SOON);
    sipp.finish();
    ramal.exit_code(SOON);
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    needs!("sipp");
    let folder = folder("calling-crossed");
    let scenario = hung_up(
        Scenario::new("crosses-cancel")
            .await_call()
            .answer_call("180 Ringing", "", "")
            .await_request("CANCEL")
            .answer_call("200 OK", "", ANSWER)
            .await_request("ACK"),
    );
    let (mut sipp, mut ramal) = call(&folder, &scenario, &[]);
    ramal.wait_for("ringing", SOON);
    ramal.interrupt();
    sipp.finish();
    ramal.exit_code(SOON);
}

#[test]
fn a_hang_up_from_the_far_end_is_answered_and_ends_the_call() {
    needs!("sipp");
    let folder = folder("calling-hung-up");
    let bye = Request {
        method: "BYE",
        cseq: 1,
        branch: "bye",
        in_dialog: true,
        ..Request::default()
    };
    let scenario = Scenario::new("hangs-up")
        .await_call()
        .answer_call("200 OK", "", ANSWER)
        .await_request("ACK")
        .pause(500)
        .send(&bye.as_callee())
        .expect(200);
    let (mut sipp, mut ramal) = call(&folder, &scenario, &[]);
    ramal.wait_for("answered", SOON);
    ramal.wait_for("ended", SOON);
    sipp.finish();
}

#[test]
fn a_far_end_that_never_says_a_word_ends_with_5() {
    needs!("sipp");
    let folder = folder("calling-silence");
    // Timer B: 64 times T1, 32 seconds.
    let scenario = Scenario::new("is-silent")
        .await_call()
        .await_call()
        .await_call()
        .await_call();
    let (mut sipp, mut ramal) = call(&folder, &scenario, &[]);
    sipp.finish();
    ramal.wait_for("ended", Duration::from_secs(40));
    ramal.ends_with(5, SOON);
}
