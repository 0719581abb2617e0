//! Calls handed over between Ramal and two baresips through Kamailio, each in each role; and who
//! hears whom in the end, told by a tone for each.

use crate::peers::baresip::{Baresip, Phone, pause};
use crate::peers::kamailio::{Kamailio, Options};
use crate::peers::ramal::{CommandLine, Ramal, SOON};
use crate::peers::sound::Codec;
use crate::peers::tones::{self, Tone};
use crate::peers::{DOMAIN, folder, needs};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What each extension says.
const RAMAL: Tone = Tone(440);
const FIRST: Tone = Tone(700);
const SECOND: Tone = Tone(1_100);

/// For how long the last two talk: long enough to be judged.
const TALK: Duration = Duration::from_secs(4);

/// Kamailio, and baresips as 1002 and 1003 at it.
struct House {
    kamailio: Kamailio,
    first: Baresip,
    second: Baresip,
    folder: PathBuf,
}

fn house(name: &str) -> House {
    let folder = folder(name);
    let kamailio = Kamailio::start(&folder, Options::default());
    let phone = |user, tone| {
        let phone = Phone {
            user,
            codec: Codec::Pcma,
            proxy: Some(kamailio.address()),
            plays: Some(tones::file(tone, 8_000)),
            ..Phone::default()
        };
        let baresip = Baresip::start(&folder, &phone);
        kamailio.wait_for_contact(user);
        baresip
    };
    House {
        first: phone("1002", FIRST),
        second: phone("1003", SECOND),
        kamailio,
        folder,
    }
}

fn uri(user: &str) -> String {
    format!("sip:{user}@{DOMAIN}")
}

impl House {
    fn ramal(&self, words: &[&str]) -> (Ramal, PathBuf) {
        let heard = self.folder.join("ramal-heard.wav");
        let line = CommandLine::new(words)
            .with(&["--bind", "127.0.0.1", "--codecs", "pcma", "--loop"])
            .with(&["--play", &tones::file(RAMAL, 8_000).to_string_lossy()])
            .with(&["--record", &heard.to_string_lossy()])
            .account("1001", &self.kamailio.address());
        (line.start(&self.folder, "ramal"), heard)
    }

    /// Both baresips end; what each heard last.
    fn heard_by_both(&mut self) -> [PathBuf; 2] {
        let ends = |baresip: &mut Baresip| baresip.end_and_take_recording();
        [ends(&mut self.first), ends(&mut self.second)]
    }
}

/// What somebody heard last was this tone, and none of the others.
fn assert_heard(who: &str, recording: &Path, tone: Tone) {
    let heard = tones::loudest(recording, &[RAMAL, FIRST, SECOND]);
    assert_eq!(heard, Some(tone), "{who}: {}", recording.display());
}

fn progress(ramal: &mut Ramal) -> Vec<String> {
    let told = ramal.all("transfer");
    let told = told.iter().filter_map(|event| event["stage"].as_str());
    told.map(str::to_owned).collect()
}

#[test]
fn ramal_hands_a_call_over_blind() {
    needs!("kamailio", "baresip");
    let mut house = house("transfer-blind");
    let (mut ramal, _) = house.ramal(&[
        "call",
        &uri("1002"),
        "--transfer",
        &format!("{}@2", uri("1003")),
    ]);
    ramal.wait_for("answered", SOON);
    let ended = ramal.wait_for("ended", SOON);
    assert_eq!(ended["cause"], "transferred", "{ended}");
    ramal.ends_with(0, SOON);
    assert_eq!(
        progress(&mut ramal).last().map(String::as_str),
        Some("succeeded")
    );
    pause(TALK);
    let [by_first, by_second] = house.heard_by_both();
    assert_heard("1002", &by_first, SECOND);
    assert_heard("1003", &by_second, FIRST);
}

#[test]
fn ramal_hands_a_call_over_after_a_talk() {
    needs!("kamailio", "baresip");
    let mut house = house("transfer-attended");
    let (mut ramal, _) = house.ramal(&[
        "call",
        &uri("1002"),
        "--attended",
        &format!("{}@1", uri("1003")),
    ]);
    ramal.wait_for("answered", SOON);
    let ended = ramal.wait_for("ended", SOON);
    assert_eq!(ended["cause"], "transferred", "{ended}");
    ramal.ends_with(0, SOON);
    assert_eq!(
        progress(&mut ramal).last().map(String::as_str),
        Some("succeeded")
    );
    pause(TALK);
    let [by_first, by_second] = house.heard_by_both();
    assert_heard("1002", &by_first, SECOND);
    assert_heard("1003", &by_second, FIRST);
}

#[test]
fn a_transfer_to_a_number_that_is_none_brings_the_call_back() {
    needs!("kamailio", "baresip");
    let mut house = house("transfer-failed");
    let (mut ramal, heard) = house.ramal(&[
        "call",
        &uri("1002"),
        "--transfer",
        &format!("{}@1", uri("1999")),
        "--duration",
        "8",
    ]);
    ramal.wait_for("answered", SOON);
    ramal.wait_for("ended", SOON);
    ramal.ends_with(0, SOON);
    assert_eq!(
        progress(&mut ramal).last().map(String::as_str),
        Some("failed")
    );
    assert_heard("1001", &heard, FIRST);
    let by_first = house.first.end_and_take_recording();
    assert_heard("1002", &by_first, RAMAL);
}

#[test]
fn ramal_is_handed_over_by_baresip() {
    needs!("kamailio", "baresip");
    let mut house = house("transferee");
    let (mut ramal, heard) = house.ramal(&["call", &uri("1002"), "--duration", "8"]);
    ramal.wait_for("answered", SOON);
    house.first.wait_for("CALL_ESTABLISHED", SOON);
    house.first.command("transfer", &uri("1003"));
    // An extension at home: nobody is asked.
    ramal.wait_for("answered", SOON);
    house.second.wait_for("CALL_ESTABLISHED", SOON);
    house.first.wait_for("CALL_CLOSED", SOON);
    ramal.ends_with(0, TALK + SOON);
    assert_heard("1001", &heard, SECOND);
    let by_second = house.second.end_and_take_recording();
    assert_heard("1003", &by_second, RAMAL);
}

#[test]
fn ramal_gets_the_call_that_one_baresip_hands_to_it_from_the_other() {
    needs!("kamailio", "baresip");
    let mut house = house("transfer-target");
    let (mut ramal, heard) = house.ramal(&["answer", "--auto-answer"]);
    ramal.wait_for("registered", SOON);
    house.first.command("dial", &uri("1003"));
    house.first.wait_for("CALL_ESTABLISHED", SOON);
    house.second.wait_for("CALL_ESTABLISHED", SOON);
    house.first.command("transfer", &uri("1001"));
    ramal.wait_for("answered", SOON);
    house.first.wait_for("CALL_CLOSED", SOON);
    pause(TALK);
    ramal.interrupt();
    ramal.wait_for("ended", SOON);
    ramal.exit_code(SOON);
    assert_heard("1001", &heard, SECOND);
    let by_second = house.second.end_and_take_recording();
    assert_heard("1003", &by_second, RAMAL);
}

#[test]
fn between_ramals_the_new_call_takes_the_place_of_the_one_that_was_talked_in() {
    needs!("kamailio");
    let folder = folder("transfer-replaces");
    let kamailio = Kamailio::start(&folder, Options::default());
    let ramal = |user: &str, tone: Tone, words: &[&str]| {
        let heard = folder.join(format!("{user}-heard.wav"));
        let line = CommandLine::new(words)
            .with(&["--bind", "127.0.0.1", "--codecs", "pcma", "--loop"])
            .with(&["--play", &tones::file(tone, 8_000).to_string_lossy()])
            .with(&["--record", &heard.to_string_lossy()])
            .account(user, &kamailio.address());
        (line.start(&folder, user), heard)
    };
    let waits: [&str; 4] = ["answer", "--auto-answer", "--max-calls", "1"];
    let (mut first, by_first) = ramal("1002", FIRST, &waits);
    let (mut second, by_second) = ramal("1003", SECOND, &waits);
    first.wait_for("registered", SOON);
    second.wait_for("registered", SOON);
    let attended = format!("{}@1", uri("1003"));
    let (mut asks, _) = ramal(
        "1001",
        RAMAL,
        &["call", &uri("1002"), "--attended", &attended],
    );
    asks.ends_with(0, SOON + SOON);
    assert_eq!(
        progress(&mut asks).last().map(String::as_str),
        Some("succeeded")
    );
    let replaced = second.wait_for("transfer", SOON);
    assert_eq!(replaced["stage"], "replaced", "{replaced}");
    pause(TALK);
    first.interrupt();
    first.ends_with(0, SOON);
    second.ends_with(0, SOON);
    assert_heard("1002", &by_first, SECOND);
    assert_heard("1003", &by_second, FIRST);
}
