//! Calls that come in and are sent on, turned away, or answered by themselves; and who is calling,
//! by whose word: with baresips through Kamailio, and SIPp where they cannot say it.

use crate::peers::baresip::{Baresip, Phone, pause};
use crate::peers::kamailio::{Kamailio, Options};
use crate::peers::ramal::{CommandLine, Ramal, SOON};
use crate::peers::sipp::{OFFER, Place, Request, Scenario, Sipp};
use crate::peers::sound::Codec;
use crate::peers::tones::{self, Tone};
use crate::peers::{DOMAIN, folder, needs, ports};
use std::path::Path;
use std::time::Duration;

/// What each extension says.
const RAMAL: Tone = Tone(440);
const CALLER: Tone = Tone(700);
const OTHER: Tone = Tone(1_100);

/// Long enough to be judged.
const TALK: Duration = Duration::from_secs(4);

fn uri(user: &str) -> String {
    format!("sip:{user}@{DOMAIN}")
}

fn baresip(folder: &Path, kamailio: &Kamailio, user: &str, tone: Tone) -> Baresip {
    let phone = Phone {
        user,
        codec: Codec::Pcma,
        proxy: Some(kamailio.address()),
        plays: Some(tones::file(tone, 8_000)),
        ..Phone::default()
    };
    let baresip = Baresip::start(folder, &phone);
    kamailio.wait_for_contact(user);
    baresip
}

/// Ramal as 1001, waiting, with these rules.
fn waiting(folder: &Path, kamailio: &Kamailio, rules: &[&str]) -> Ramal {
    let mut ramal = CommandLine::new(&["answer", "--bind", "127.0.0.1", "--codecs", "pcma"])
        .with(&["--play", &tones::file(RAMAL, 8_000).to_string_lossy()])
        .with(&["--loop"])
        .with(rules)
        .account("1001", &kamailio.address())
        .start(folder, "ramal");
    ramal.wait_for("registered", SOON);
    ramal
}

fn assert_heard(who: &str, recording: &Path, tone: Tone) {
    let heard = tones::loudest(recording, &[RAMAL, CALLER, OTHER]);
    assert_eq!(heard, Some(tone), "{who}: {}", recording.display());
}

/// A baresip calls Ramal, which sends it to another; the two hear each other.
fn is_sent_on(name: &str, rules: &[&str], reason: &str) {
    let folder = folder(name);
    let kamailio = Kamailio::start(&folder, Options::default());
    let mut caller = baresip(&folder, &kamailio, "1002", CALLER);
    let mut other = baresip(&folder, &kamailio, "1003", OTHER);
    let mut ramal = waiting(&folder, &kamailio, rules);
    caller.command("dial", &uri("1001"));
    let forwarded = ramal.wait_for("forwarded", SOON);
    assert_eq!(forwarded["to"], uri("1003"), "{forwarded}");
    assert_eq!(forwarded["reason"], reason, "{forwarded}");
    caller.wait_for("CALL_ESTABLISHED", SOON);
    other.wait_for("CALL_ESTABLISHED", SOON);
    pause(TALK);
    let [by_caller, by_other] =
        [&mut caller, &mut other].map(|baresip| baresip.end_and_take_recording());
    assert_heard("1002", &by_caller, OTHER);
    assert_heard("1003", &by_other, CALLER);
    ramal.interrupt();
    ramal.exit_code(SOON);
    assert_eq!(ramal.all("answered").len(), 0);
}

#[test]
fn every_call_is_sent_on_and_the_others_hear_each_other() {
    needs!("kamailio", "baresip");
    let rules = ["--forward-always", "1003"];
    is_sent_on("forward-always", &rules, "unconditional");
}

#[test]
fn a_call_that_nobody_takes_is_sent_on() {
    needs!("kamailio", "baresip");
    let rules = ["--forward-no-answer", "1003@2"];
    is_sent_on("forward-no-answer", &rules, "no-answer");
}

#[test]
fn a_second_call_is_sent_on_while_the_first_goes_on() {
    needs!("kamailio", "baresip");
    let folder = folder("forward-busy");
    let kamailio = Kamailio::start(&folder, Options::default());
    let first = baresip(&folder, &kamailio, "1004", CALLER);
    let caller = baresip(&folder, &kamailio, "1002", CALLER);
    let mut other = baresip(&folder, &kamailio, "1003", OTHER);
    let mut ramal = waiting(&folder, &kamailio, &["--forward-busy", "1003"]);
    first.command("dial", &uri("1001"));
    ramal.wait_for("answered", SOON);
    caller.command("dial", &uri("1001"));
    let forwarded = ramal.wait_for("forwarded", SOON);
    assert_eq!(forwarded["reason"], "user-busy", "{forwarded}");
    other.wait_for("CALL_ESTABLISHED", SOON);
    pause(TALK);
    let by_other = other.end_and_take_recording();
    assert_heard("1003", &by_other, CALLER);
    assert_eq!(ramal.all("ended").len(), 0, "the first goes on");
    first.command("hangup", "");
    ramal.wait_for("ended", SOON);
}

#[test]
fn who_does_not_want_to_be_disturbed_says_so_with_the_chosen_code() {
    needs!("kamailio", "baresip");
    let folder = folder("do-not-disturb");
    let kamailio = Kamailio::start(&folder, Options::default());
    let caller = baresip(&folder, &kamailio, "1002", CALLER);
    for (code, words) in [("480", vec!["--dnd"]), ("486", vec!["--dnd", "486"])] {
        let folder = folder.join(code);
        std::fs::create_dir_all(&folder).expect("folders can be made");
        let mut ramal = waiting(&folder, &kamailio, &words);
        caller.command("dial", &uri("1001"));
        let declined = ramal.wait_for("declined", SOON);
        assert_eq!(declined["reason"], "do-not-disturb", "{declined}");
        assert_eq!(declined["remote"], uri("1002"), "{declined}");
        let closed = caller.wait_for("CALL_CLOSED", SOON);
        let told = closed["param"].as_str().unwrap_or_default();
        assert!(told.starts_with(code), "{closed}");
        assert_eq!(ramal.all("incoming").len(), 0);
        ramal.interrupt();
        ramal.exit_code(SOON);
    }
}

/// Ramal waiting at an address of its own, for which `server` is the registrar's address.
fn direct(folder: &Path, server: &str, rules: &[&str]) -> (Ramal, String) {
    let target = format!("127.0.0.1:{}", ports::free(1));
    let heard = folder.join("heard.wav");
    let ramal = CommandLine::new(&["answer", "--bind", &target, "--no-register"])
        .with(&["--aor", "sip:1001@pbx.test", "--registrar", server])
        .with(&["--silence", "--record", &heard.to_string_lossy()])
        .with(rules)
        .start(folder, "ramal");
    crate::peers::wait_until(
        SOON,
        || format!("ramal does not listen; {}", ramal.said()),
        || std::net::UdpSocket::bind(&target).is_err().then_some(()),
    );
    (ramal, target)
}

fn play(folder: &Path, scenario: &Scenario, target: &str, address: &str) {
    let place = Place {
        target: Some(target),
        address,
        ..Place::default()
    };
    Sipp::start(folder, scenario, &place).finish();
}

/// A caller who asks for an answer, and gets one or gives up.
fn intercom(is_answered: bool) -> Scenario {
    let headers = "P-Asserted-Identity: \"Padaria Aurora\" <sip:1005@pbx.test>\n\
                   Call-Info: <sip:pbx.test>;answer-after=1\n";
    let invite = Request {
        headers,
        body: OFFER,
        ..Request::default()
    };
    let begun = Scenario::new("asks-for-an-answer")
        .send(&invite)
        .may_see(100)
        .expect(180);
    if is_answered {
        return begun.expect_answer(&[]).ack(1, "").pause(500).bye(2);
    }
    let cancel = Request {
        method: "CANCEL",
        ..Request::default()
    };
    begun
        .pause(2_500)
        .send(&cancel)
        .expect(200)
        .expect(487)
        .ack_refusal(1, "first")
}

#[test]
fn an_intercom_call_is_taken_from_the_own_server_by_who_is_known_alone() {
    needs!("sipp");
    // All of 127.0.0.0/8 is this machine: one address is the server, the other is not.
    for (address, is_answered) in [("127.0.0.1", true), ("127.0.0.2", false)] {
        let folder = folder(&format!("intercom-{address}"));
        let rules = ["--intercom", "known", "--known", "1005"];
        let (mut ramal, target) = direct(&folder, "sip:127.0.0.1", &rules);
        play(&folder, &intercom(is_answered), &target, address);
        let incoming = ramal.wait_for("incoming", SOON);
        assert_eq!(incoming["asserted"], is_answered, "{incoming}");
        let name = is_answered.then_some("Padaria Aurora");
        assert_eq!(incoming["display_name"].as_str(), name, "{incoming}");
        let answers_in = is_answered.then_some(1.0);
        assert_eq!(incoming["answers_in_s"].as_f64(), answers_in, "{incoming}");
        ramal.wait_for("ended", SOON);
        assert_eq!(
            ramal.all("answered_by_itself").len(),
            usize::from(is_answered)
        );
    }
}

#[test]
fn who_sent_a_call_on_is_told_and_who_hides_is_not() {
    needs!("sipp");
    let folder = folder("diverted-and-hidden");
    let (mut ramal, target) = direct(&folder, "sip:127.0.0.1", &["--forward-no-answer", "1003@1"]);
    let headers = "Diversion: \"Ana\" <sip:1005@pbx.test>;reason=no-answer;counter=1\n\
                   P-Asserted-Identity: <sip:1135550142@pbx.test>\nPrivacy: id\n\
                   Supported: histinfo\nHistory-Info: <sip:1005@pbx.test>;index=1\n";
    let invite = Request {
        headers,
        body: OFFER,
        ..Request::default()
    };
    let scenario = Scenario::new("diverted")
        .send(&invite)
        .may_see(100)
        .expect(180)
        .expect_with(
            302,
            &[
                ("Contact", "<sip:1003@pbx.test>;mp=1.1"),
                ("Diversion", "<sip:1001@pbx.test>;reason=no-answer"),
                ("History-Info", "<sip:1005@pbx.test>;index=1"),
            ],
        )
        .ack_refusal(1, "first");
    play(&folder, &scenario, &target, "127.0.0.1");
    let incoming = ramal.wait_for("incoming", SOON);
    assert_eq!(incoming["anonymous"], true, "{incoming}");
    assert!(!incoming["remote"].to_string().contains("1135550142"));
    assert_eq!(incoming["diverted_from"], "sip:1005@pbx.test", "{incoming}");
    let forwarded = ramal.wait_for("forwarded", SOON);
    assert_eq!(forwarded["to"], "sip:1003@pbx.test", "{forwarded}");
    let ended = ramal.wait_for("ended", SOON);
    assert_eq!(ended["cause"], "forwarded", "{ended}");
}

#[test]
fn a_caller_who_hides_is_anonymous_to_who_is_called() {
    needs!("sipp");
    let folder = folder("anonymous-call");
    let called = Scenario::new("is-called")
        .await_call_with(&[
            ("From", "<sip:anonymous@anonymous.invalid>"),
            ("Privacy", "id"),
            ("Contact", "<sip:anonymous@127.0.0.1"),
            ("P-Preferred-Identity", "<sip:1001@pbx.test>"),
        ])
        .answer_call("486 Busy Here", "", "")
        .await_request("ACK");
    let mut called = Sipp::start(&folder, &called, &Place::default());
    let server = format!("127.0.0.1:{}", called.port());
    let mut ramal = CommandLine::new(&["call", "1002", "--anonymous", "--silence"])
        .with(&["--bind", "127.0.0.1", "--aor", "sip:1001@pbx.test"])
        .with(&["--proxy", &format!("sip:{server}"), "--no-register"])
        .start(&folder, "ramal");
    ramal.ends_with(3, SOON);
    called.finish();
}
