//! SIPp calls, Ramal answers: late, doubled, lost, unknown and unacceptable requests.

use crate::peers::ramal::{CommandLine, Ramal, SOON};
use crate::peers::sipp::{ANSWER, OFFER, Place, Request, Scenario, Sipp, UNKNOWN_OFFER};
use crate::peers::{folder, needs, ports};
use std::path::Path;
use std::time::Duration;

/// Ramal waiting at an address of its own.
struct Waiting {
    ramal: Ramal,
    target: String,
}

fn waiting(folder: &Path, more: &[&str]) -> Waiting {
    let target = format!("127.0.0.1:{}", ports::free(1));
    let ramal = CommandLine::new(&["answer", "--silence", "--bind", &target])
        .with(more)
        .start(folder, "ramal");
    // It has nothing to tell before a call comes; what it listens on can be seen.
    crate::peers::wait_until(
        SOON,
        || format!("ramal does not listen; {}", ramal.said()),
        || std::net::UdpSocket::bind(&target).is_err().then_some(()),
    );
    Waiting { ramal, target }
}

impl Waiting {
    /// Plays a scenario to it, to the end.
    fn hears(&self, folder: &Path, scenario: &Scenario) -> Sipp {
        let place = Place {
            target: Some(&self.target),
            ..Place::default()
        };
        let mut sipp = Sipp::start(folder, scenario, &place);
        sipp.finish();
        sipp
    }
}

fn invite() -> Request<'static> {
    Request {
        body: OFFER,
        ..Request::default()
    }
}

#[test]
fn a_call_is_rung_answered_and_ended() {
    needs!("sipp");
    let folder = folder("called-plainly");
    let mut phone = waiting(&folder, &["--auto-answer", "--max-calls", "1"]);
    let scenario = Scenario::new("calls")
        .send(&invite())
        .may_see(100)
        .may_see(180)
        .expect_answer(&[
            ("Contact", "<sip:"),
            ("body", "m=audio [1-9][0-9]* RTP/AVP 8"),
            ("body", "telephone-event/8000"),
        ])
        .ack(1, "")
        .pause(500)
        .bye(2);
    phone.hears(&folder, &scenario);
    phone.ramal.wait_for("incoming", SOON);
    phone.ramal.wait_for("ended", SOON);
    // Nobody sent it sound, and it says so.
    phone.ramal.exit_code(SOON);
}

#[test]
fn an_invite_without_offer_gets_one_in_the_200() {
    needs!("sipp");
    let folder = folder("called-offerless");
    let mut phone = waiting(&folder, &["--auto-answer", "--max-calls", "1"]);
    let scenario = Scenario::new("offers-nothing")
        .send(&Request::default())
        .may_see(100)
        .may_see(180)
        .expect_answer(&[
            ("body", "m=audio"),
            ("body", "opus/48000/2"),
            ("body", "PCMA/8000"),
        ])
        .ack(1, ANSWER)
        .pause(500)
        .bye(2);
    phone.hears(&folder, &scenario);
    let answered = phone.ramal.wait_for("answered", SOON);
    assert_eq!(answered["codec"], "pcma", "{answered}");
}

#[test]
fn a_200_is_repeated_until_its_ack_comes() {
    needs!("sipp");
    let folder = folder("called-lost-ack");
    let mut phone = waiting(&folder, &["--auto-answer", "--max-calls", "1"]);
    let scenario = Scenario::new("loses-ack")
        .send(&invite())
        .may_see(100)
        .may_see(180)
        .expect(200)
        .expect(200)
        .expect_answer(&[])
        .ack(1, "")
        .pause(2500)
        .bye(2);
    let sipp = phone.hears(&folder, &scenario);
    // After the ACK it is quiet: T1, 2 T1 and the first make three.
    let text = sipp.messages();
    let repeats = text.matches("SIP/2.0 200").count();
    assert_eq!(
        repeats, 4,
        "three 200 to the INVITE, one to the BYE\n{text}"
    );
    phone.ramal.wait_for("ended", SOON);
}

#[test]
fn a_repeated_invite_and_bye_are_one_call_and_one_end() {
    needs!("sipp");
    let folder = folder("called-repeated");
    let mut phone = waiting(&folder, &["--auto-answer", "1"]);
    let bye = Request {
        method: "BYE",
        cseq: 2,
        branch: "bye",
        in_dialog: true,
        ..Request::default()
    };
    let scenario = Scenario::new("repeats")
        .send(&invite())
        .may_see(100)
        .expect(180)
        // The same transaction: answered with what was last said, ringing.
        .send(&invite())
        .expect(180)
        .expect_answer(&[])
        .ack(1, "")
        .ack(1, "")
        .pause(300)
        .send(&bye)
        .expect(200)
        .send(&bye)
        .expect(200);
    phone.hears(&folder, &scenario);
    phone.ramal.wait_for("ended", SOON);
    assert_eq!(phone.ramal.all("incoming").len(), 1);
    assert_eq!(phone.ramal.all("ended").len(), 1);
}

#[test]
fn a_cancelled_call_stops_ringing() {
    needs!("sipp");
    let folder = folder("called-cancelled");
    let mut phone = waiting(&folder, &["--auto-answer", "30", "--max-calls", "1"]);
    let scenario = Scenario::new("cancels")
        .send(&invite())
        .may_see(100)
        .expect(180)
        .pause(200)
        .send(&Request {
            method: "CANCEL",
            ..Request::default()
        })
        .expect(200)
        .expect(487)
        .ack_refusal(1, "first");
    phone.hears(&folder, &scenario);
    phone.ramal.wait_for("ended", SOON);
}

#[test]
fn an_invite_that_came_two_ways_is_answered_482_the_second_time() {
    needs!("sipp");
    let folder = folder("called-merged");
    let mut phone = waiting(&folder, &["--auto-answer", "2", "--max-calls", "1"]);
    let by_another_way = Request {
        branch: "other-way",
        ..invite()
    };
    let scenario = Scenario::new("merges")
        .send(&invite())
        .may_see(100)
        .expect(180)
        .send(&by_another_way)
        .may_see(100)
        .expect(482)
        .ack_refusal(1, "other-way")
        .expect_answer(&[])
        .ack(1, "")
        .pause(200)
        .bye(2);
    phone.hears(&folder, &scenario);
    phone.ramal.wait_for("ended", SOON);
    assert_eq!(phone.ramal.all("incoming").len(), 1);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_code_that_says_why() {
    needs!("sipp");
    let folder = folder("called-refusals");
    // It stays for all of these: none is a call.
    let phone = waiting(&folder, &["--auto-answer"]);
    let refused = |name: &str, request: Request<'_>, status: u16, checks: &[(&str, &str)]| {
        let branch = request.branch.to_owned();
        let acknowledged = request.method == "INVITE";
        let mut scenario = Scenario::new(name).send(&request).may_see(100);
        scenario = if checks.is_empty() {
            scenario.expect(status)
        } else {
            scenario.expect_with(status, checks)
        };
        if acknowledged {
            scenario = scenario.ack_refusal(request.cseq, &branch);
        }
        phone.hears(&folder, &scenario);
    };
    let options = Request {
        method: "OPTIONS",
        ..Request::default()
    };
    refused(
        "asks-options",
        options.clone(),
        200,
        &[
            ("Allow", "INVITE.*"),
            ("Accept", "application/sdp"),
            ("Supported", "."),
        ],
    );
    let unacceptable = Request {
        body: UNKNOWN_OFFER,
        ..Request::default()
    };
    refused("offers-unknown-codec", unacceptable, 488, &[]);
    let fancy = Request {
        headers: "Content-Type: text/fancy\n",
        body: "dear phone\n",
        ..Request::default()
    };
    refused(
        "sends-fancy-text",
        fancy,
        415,
        &[("Accept", "application/sdp")],
    );
    let required = Request {
        headers: "Require: teleport\n",
        ..invite()
    };
    refused(
        "requires-teleport",
        required,
        420,
        &[("Unsupported", "teleport")],
    );
    let lost_bye = Request {
        method: "BYE",
        ..Request::default()
    };
    refused("ends-what-never-was", lost_bye, 481, &[]);
    let lost_cancel = Request {
        method: "CANCEL",
        ..Request::default()
    };
    refused("cancels-what-never-was", lost_cancel, 481, &[]);
    let unknown = Request {
        method: "DANCE",
        ..Request::default()
    };
    refused("dances", unknown, 501, &[]);
    let not_for_phones = Request {
        method: "REGISTER",
        ..Request::default()
    };
    refused(
        "registers-at-a-phone",
        not_for_phones,
        405,
        &[("Allow", "INVITE.*")],
    );
    // And it is still there afterwards.
    refused("asks-again", options, 200, &[]);
}

#[test]
fn a_second_call_is_busy_when_one_is_all_it_may_have() {
    needs!("sipp");
    let folder = folder("called-busy");
    let mut phone = waiting(&folder, &["--auto-answer", "--max-calls", "1"]);
    let long = Scenario::new("talks-long")
        .send(&invite())
        .may_see(100)
        .may_see(180)
        .expect_answer(&[])
        .ack(1, "")
        .pause(3000)
        .bye(2);
    let place = Place {
        target: Some(&phone.target),
        ..Place::default()
    };
    let mut first = Sipp::start(&folder, &long, &place);
    phone.ramal.wait_for("answered", SOON);
    let refused = Scenario::new("finds-it-busy")
        .send(&invite())
        .may_see(100)
        .expect(486)
        .ack_refusal(1, "first");
    phone.hears(&folder, &refused);
    first.finish();
    phone.ramal.wait_for("ended", Duration::from_secs(5));
}
