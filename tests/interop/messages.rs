//! Messages between Ramal, baresip and SIPp: through Kamailio and directly, delivered, refused, and
//! lost on the way.

use crate::peers::baresip::{Baresip, Phone};
use crate::peers::kamailio::{Kamailio, Options};
use crate::peers::ramal::{CommandLine, Ramal, SOON};
use crate::peers::sipp::{Place, Request, Scenario, Sipp};
use crate::peers::tones::{self, Tone};
use crate::peers::{DOMAIN, folder, needs};
use std::path::Path;

const TEXT: &str = "Olá, às três? Über uns 👩\u{200d}💻 👋";

fn uri(user: &str) -> String {
    format!("sip:{user}@{DOMAIN}")
}

fn writing(to: &str, text: &str) -> CommandLine {
    CommandLine::new(&["message", to, text]).with(&["--bind", "127.0.0.1"])
}

/// A Ramal without an account, to whom anybody may write; and where it is.
fn reading(folder: &Path) -> (Ramal, String) {
    let line = CommandLine::new(&["answer", "--silence", "--bind", "127.0.0.1"]);
    let mut ramal = line.start(folder, "reading");
    let listening = ramal.wait_for("listening", SOON);
    let address = listening["addresses"][0].as_str().expect("an address");
    (ramal, address.to_owned())
}

/// How the message of a `ramal message` went, step by step.
fn steps(ramal: &mut Ramal) -> Vec<String> {
    let told = ramal.all("message");
    let told = told.iter().filter_map(|event| event["state"].as_str());
    told.map(str::to_owned).collect()
}

#[test]
fn umlauts_and_emoji_go_both_ways_between_baresip_and_ramal_through_kamailio() {
    needs!("kamailio", "baresip");
    let folder = folder("messages");
    let kamailio = Kamailio::start(&folder, Options::default());
    let correspondent = uri("1001");
    let phone = Phone {
        proxy: Some(kamailio.address()),
        writes_to: Some(&correspondent),
        plays: Some(tones::file(Tone(700), 8_000)),
        ..Phone::default()
    };
    let baresip = Baresip::start(&folder, &phone);
    kamailio.wait_for_contact("1002");
    let line = CommandLine::new(&["register", "--bind", "127.0.0.1"]);
    let mut ramal = line
        .account("1001", &kamailio.address())
        .start(&folder, "reading");
    ramal.wait_for("registered", SOON);

    baresip.write(TEXT);
    let message = ramal.wait_for("message", SOON);
    assert_eq!(message["text"], TEXT, "{message}");
    assert_eq!(message["from"], uri("1002"), "{message}");
    assert_eq!(message["direction"], "in", "{message}");

    let line = writing(&uri("1002"), TEXT).account("1001", &kamailio.address());
    let mut writes = line.start(&folder, "writing");
    writes.ends_with(0, SOON);
    assert_eq!(steps(&mut writes), ["sending", "delivered"]);
    baresip.wait_for_text(TEXT, SOON);
    // Challenged once, and let through with the password.
    assert_eq!(kamailio.requests_seen("MESSAGE", "1001"), 2);
}

#[test]
fn who_is_not_there_and_who_does_not_exist_are_told_apart() {
    needs!("kamailio", "baresip");
    let folder = folder("messages-refused");
    let kamailio = Kamailio::start(&folder, Options::default());
    let line = writing(&uri("1003"), TEXT).account("1001", &kamailio.address());
    let mut ramal = line.start(&folder, "nobody-there");
    ramal.ends_with(4, SOON);
    let failed = ramal.all("message").pop().expect("an event");
    assert_eq!(failed["state"], "failed", "{failed}");
    assert_eq!(failed["cause"], "unavailable", "{failed}");
    assert_eq!(failed["status"], 480, "{failed}");

    let phone = Phone {
        plays: Some(tones::file(Tone(700), 8_000)),
        ..Phone::default()
    };
    let baresip = Baresip::start(&folder, &phone);
    let mut ramal = writing(&baresip.uri("nobody"), TEXT).start(&folder, "no-such-user");
    ramal.ends_with(3, SOON);
    let failed = ramal.all("message").pop().expect("an event");
    assert_eq!(failed["cause"], "not_found", "{failed}");
    assert_eq!(failed["status"], 404, "{failed}");
    assert!(ramal.said().contains("does not exist"), "{}", ramal.said());
}

#[test]
fn a_server_that_stores_the_message_has_taken_it() {
    needs!("sipp");
    let folder = folder("messages-202");
    let scenario = Scenario::new("stores")
        .await_request("MESSAGE")
        .answer("202 Accepted");
    let mut sipp = Sipp::start(&folder, &scenario, &Place::default());
    let to = format!("sip:1003@127.0.0.1:{}", sipp.port());
    let mut ramal = writing(&to, TEXT).start(&folder, "writing");
    ramal.ends_with(0, SOON);
    assert_eq!(steps(&mut ramal), ["sending", "delivered"]);
    sipp.finish();
    let sent = sipp.messages();
    assert!(sent.contains(TEXT), "{sent}");
    assert!(sent.contains("Content-Type: text/plain;charset=UTF-8"));
}

#[test]
fn a_message_that_is_lost_is_sent_again() {
    needs!("sipp");
    let folder = folder("messages-lost");
    let scenario = Scenario::new("deaf-at-first")
        .await_request("MESSAGE")
        .await_request("MESSAGE")
        .await_request("MESSAGE")
        .answer("200 OK");
    let mut sipp = Sipp::start(&folder, &scenario, &Place::default());
    let to = format!("sip:1003@127.0.0.1:{}", sipp.port());
    let mut ramal = writing(&to, TEXT).start(&folder, "writing");
    ramal.ends_with(0, SOON);
    sipp.finish();
}

#[test]
fn a_message_whose_answer_was_lost_is_answered_again_and_shown_once() {
    needs!("sipp");
    let folder = folder("messages-lost-200");
    let (mut ramal, address) = reading(&folder);
    let message = Request {
        method: "MESSAGE",
        headers: "Content-Type: text/plain;charset=UTF-8\n",
        body: TEXT,
        ..Request::default()
    };
    let next = Request {
        cseq: 2,
        branch: "second",
        body: "fim",
        ..message.clone()
    };
    let scenario = Scenario::new("hears-late")
        .send(&message)
        .expect(200)
        .send(&message)
        .expect(200)
        .send(&next)
        .expect(200);
    let place = Place {
        target: Some(&address),
        ..Place::default()
    };
    Sipp::start(&folder, &scenario, &place).finish();
    let first = ramal.wait_for("message", SOON);
    let second = ramal.wait_for("message", SOON);
    assert_eq!(first["text"], TEXT, "{first}");
    assert_eq!(second["text"], "fim", "{second}");
    ramal.interrupt();
    ramal.exit_code(SOON);
    assert_eq!(ramal.all("message").len(), 2);
}
