//! Calls with baresip through Kamailio: the same speech both ways at once, judged by its content.

use crate::peers::baresip::{Baresip, Phone, pause};
use crate::peers::kamailio::{Kamailio, Options};
use crate::peers::ramal::{CommandLine, Ramal, SOON};
use crate::peers::sound::{self, Codec, Heard};
use crate::peers::{DOMAIN, folder, needs};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The clip's ten seconds and a moment more at both ends.
const CALL: Duration = Duration::from_millis(11_500);

/// `--codecs`, `--play` and `--record`, and the file that will hold what was heard.
fn talking(line: CommandLine, codec: Codec, folder: &Path) -> (CommandLine, PathBuf) {
    let heard = folder.join("ramal-heard.wav");
    let line = line.with(&[
        "--codecs",
        codec.name(),
        "--play",
        &sound::original().to_string_lossy(),
        "--record",
        &heard.to_string_lossy(),
    ]);
    (line, heard)
}

fn far_phone(folder: &Path, kamailio: &Kamailio, codec: Codec) -> Baresip {
    let phone = Phone {
        codec,
        proxy: Some(kamailio.address()),
        ..Phone::default()
    };
    let baresip = Baresip::start(folder, &phone);
    kamailio.wait_for_contact("1002");
    baresip
}

fn assert_codec(ramal: &mut Ramal, codec: Codec) {
    let answered = ramal.wait_for("answered", SOON);
    assert_eq!(answered["codec"], codec.name(), "{answered}");
}

/// Both recordings of one call, each beside what its sender's encoder can do.
fn both_heard(codec: Codec, by_ramal: PathBuf, by_baresip: PathBuf, folder: &Path) -> Vec<Heard> {
    vec![
        Heard {
            who: "Ramal heard",
            recording: by_ramal,
            ceiling: sound::ceiling(codec),
        },
        Heard {
            who: "baresip heard",
            recording: by_baresip,
            ceiling: sound::ceiling_of_ramal(codec, folder),
        },
    ]
}

fn ramal_calls_baresip(codec: Codec) -> Vec<Heard> {
    let folder = folder(&format!("to-baresip-{}", codec.name()));
    let kamailio = Kamailio::start(&folder, Options::default());
    let mut baresip = far_phone(&folder, &kamailio, codec);
    let line = CommandLine::new(&["call", &format!("sip:1002@{DOMAIN}")])
        .with(&["--bind", "127.0.0.1", "--duration", "11.5"])
        .account("1001", &kamailio.address());
    let (line, heard) = talking(line, codec, &folder);
    let mut ramal = line.start(&folder, "ramal");
    ramal.wait_for("calling", SOON);
    assert_codec(&mut ramal, codec);
    let ended = ramal.wait_for("ended", CALL + SOON);
    assert!(
        ended["duration_s"]
            .as_f64()
            .is_some_and(|s| (11.0..13.0).contains(&s)),
        "{ended}"
    );
    ramal.ends_with(0, SOON);
    baresip.wait_for("CALL_CLOSED", SOON);
    both_heard(codec, heard, baresip.end_and_take_recording(), &folder)
}

fn baresip_calls_ramal(codec: Codec) -> Vec<Heard> {
    let folder = folder(&format!("from-baresip-{}", codec.name()));
    let kamailio = Kamailio::start(&folder, Options::default());
    let mut baresip = far_phone(&folder, &kamailio, codec);
    let line = CommandLine::new(&["answer", "--auto-answer", "--max-calls", "1"])
        .with(&["--bind", "127.0.0.1"])
        .account("1001", &kamailio.address());
    let (line, heard) = talking(line, codec, &folder);
    let mut ramal = line.start(&folder, "ramal");
    ramal.wait_for("registered", SOON);
    baresip.command("dial", &format!("sip:1001@{DOMAIN}"));
    ramal.wait_for("incoming", SOON);
    assert_codec(&mut ramal, codec);
    baresip.wait_for("CALL_ESTABLISHED", SOON);
    pause(CALL);
    baresip.command("hangup", "");
    ramal.wait_for("ended", SOON);
    ramal.ends_with(0, SOON);
    assert!(
        kamailio.contacts("1001").is_empty(),
        "still registered after its end"
    );
    both_heard(codec, heard, baresip.end_and_take_recording(), &folder)
}

#[test]
fn opus_to_baresip_keeps_what_the_codec_keeps() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::Opus, || ramal_calls_baresip(Codec::Opus));
}

#[test]
fn opus_from_baresip_keeps_what_the_codec_keeps() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::Opus, || baresip_calls_ramal(Codec::Opus));
}

#[test]
fn g722_to_baresip_keeps_what_the_codec_keeps() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::G722, || ramal_calls_baresip(Codec::G722));
}

#[test]
fn g722_from_baresip_keeps_what_the_codec_keeps() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::G722, || baresip_calls_ramal(Codec::G722));
}

#[test]
fn pcma_to_baresip_keeps_what_the_codec_keeps() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::Pcma, || ramal_calls_baresip(Codec::Pcma));
}

#[test]
fn pcma_from_baresip_keeps_what_the_codec_keeps() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::Pcma, || baresip_calls_ramal(Codec::Pcma));
}

#[test]
fn pcmu_to_baresip_keeps_what_the_codec_keeps() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::Pcmu, || ramal_calls_baresip(Codec::Pcmu));
}

#[test]
fn pcmu_from_baresip_keeps_what_the_codec_keeps() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::Pcmu, || baresip_calls_ramal(Codec::Pcmu));
}

#[test]
fn keys_arrive_once_each_and_in_order_both_ways() {
    needs!("kamailio", "baresip");
    let folder = folder("keys");
    let kamailio = Kamailio::start(&folder, Options::default());
    let baresip = far_phone(&folder, &kamailio, Codec::Pcma);
    let mut ramal = CommandLine::new(&["call", &format!("sip:1002@{DOMAIN}")])
        .with(&[
            "--bind",
            "127.0.0.1",
            "--duration",
            "7",
            "--codecs",
            "pcma",
            "--silence",
        ])
        .with(&["--dtmf", "0123456789*#@1"])
        .account("1001", &kamailio.address())
        .start(&folder, "ramal");
    ramal.wait_for("answered", SOON);
    baresip.wait_for("CALL_ESTABLISHED", SOON);
    baresip.press("1590#*");
    ramal.wait_for("ended", SOON);
    ramal.ends_with(0, SOON);
    assert_eq!(baresip.keys_heard(), "0123456789*#");
    let keys: String = ramal
        .all("dtmf")
        .iter()
        .filter_map(|e| e["digit"].as_str())
        .collect();
    assert_eq!(keys, "1590#*", "{:?}", ramal.all("dtmf"));
}
