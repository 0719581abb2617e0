//! Protected calls with baresip: who talks hears the other, and whoever listens on the way hears
//! nothing. The same ear hears both where the call is in clear.

use crate::peers::baresip::{Baresip, Phone};
use crate::peers::kamailio::{Kamailio, Options};
use crate::peers::ramal::{CommandLine, SOON};
use crate::peers::sound::{self, Codec};
use crate::peers::wire::{Way, Wire, overheard};
use crate::peers::{DOMAIN, folder, needs, package_file};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is in a recording has at least this correlation with the voice; what is not stays below
/// [`ABSENT`].
const PRESENT: f64 = 0.5;
const ABSENT: f64 = 0.4;

/// Long enough for each voice to be told.
const TALK: &str = "7";

fn voice(name: &str) -> PathBuf {
    package_file(&format!("tests/data/speech/{name}.wav"))
}

/// Who is heard in a recording: Ramal's voice, baresip's.
fn heard(recording: &Path) -> [bool; 2] {
    let files = [voice("austen"), voice("cards")];
    let shares = sound::voices(recording, &files.each_ref().map(PathBuf::as_path));
    println!("{}: {shares:?}", recording.display());
    let known = |share: &f64| *share > PRESENT || *share < ABSENT;
    assert!(shares.iter().all(known), "{shares:?}");
    [shares[0] > PRESENT, shares[1] > PRESENT]
}

#[derive(Clone, Copy)]
struct Call {
    name: &'static str,
    /// How Ramal wants it.
    srtp: &'static str,
    /// How baresip does: its account's `mediaenc`.
    mediaenc: Option<&'static str>,
    through_kamailio: bool,
    /// Who calls.
    ramal_calls: bool,
}

const DIRECT: Call = Call {
    name: "",
    srtp: "optional",
    mediaenc: Some("srtp"),
    through_kamailio: false,
    ramal_calls: true,
};

/// They talk; what comes of it is judged at both ends and between them.
fn talk(call: Call, secure: &Value) {
    let Some(wire) = Wire::listen() else { return };
    let folder = folder(&format!("protection-{}", call.name));
    let kamailio = call
        .through_kamailio
        .then(|| Kamailio::start(&folder, Options::default()));
    let phone = Phone {
        codec: Codec::Pcma,
        proxy: kamailio.as_ref().map(Kamailio::address),
        plays: Some(sound::said_over(&voice("cards"), 8_000)),
        mediaenc: call.mediaenc,
        ..Phone::default()
    };
    let mut baresip = Baresip::start(&folder, &phone);
    if let Some(kamailio) = &kamailio {
        kamailio.wait_for_contact("1002");
    }
    let target = match &kamailio {
        Some(_) => format!("sip:1002@{DOMAIN}"),
        None => baresip.uri("1002"),
    };
    let ramal_heard = folder.join("ramal-heard.wav");
    let words: &[&str] = if call.ramal_calls {
        &["call", &target]
    } else {
        &["answer", "--auto-answer"]
    };
    let mut line = CommandLine::new(words)
        .with(&["--bind", "127.0.0.1", "--codecs", "pcma", "--loop"])
        .with(&["--play", &voice("austen").to_string_lossy()])
        .with(&["--record", &ramal_heard.to_string_lossy()])
        .with(&["--duration", TALK, "--srtp", call.srtp]);
    if let Some(kamailio) = &kamailio {
        line = line.account("1001", &kamailio.address());
    }
    let mut ramal = line.start(&folder, "ramal");
    if !call.ramal_calls {
        ramal.wait_for("registered", SOON);
        baresip.command("dial", &format!("sip:1001@{DOMAIN}"));
    }
    let answered = ramal.wait_for("answered", SOON);
    assert_eq!(answered["secure"], *secure, "{answered}");
    ramal.wait_for("ended", SOON + Duration::from_secs(7));
    baresip.wait_for("CALL_CLOSED", SOON);
    if !call.ramal_calls {
        ramal.interrupt();
    }
    ramal.exit_code(SOON);
    let seen = wire.end();
    let ports = baresip.rtp_ports();
    let baresip_heard = baresip.end_and_take_recording();
    assert_eq!(heard(&ramal_heard), [false, true], "Ramal hears baresip");
    assert_eq!(heard(&baresip_heard), [true, false], "baresip hears Ramal");
    let in_clear = *secure == Value::Null;
    for (way, clear) in [(Way::To, [in_clear, false]), (Way::From, [false, in_clear])] {
        let file = folder.join(format!("wire-{way:?}.wav"));
        let (file, packets) = overheard(&seen, &ports, way, &file);
        assert!(packets > 250, "{way:?}: {packets} packets");
        assert_eq!(heard(&file), clear, "{way:?}, on the wire");
    }
}

#[test]
fn a_call_with_keys_is_heard_by_the_two_and_nobody_else() {
    needs!("baresip");
    talk(
        Call {
            name: "sdes",
            ..DIRECT
        },
        &json!("sdes"),
    );
}

#[test]
fn the_same_ear_hears_both_where_nothing_is_protected() {
    needs!("baresip");
    talk(
        Call {
            name: "off",
            srtp: "off",
            ..DIRECT
        },
        &Value::Null,
    );
}

#[test]
fn who_knows_no_protection_is_spoken_with_in_clear_where_that_may_be() {
    needs!("baresip");
    talk(
        Call {
            name: "unprotected-peer",
            mediaenc: None,
            ..DIRECT
        },
        &Value::Null,
    );
}

#[test]
fn a_call_with_keys_through_a_proxy_is_protected_whoever_calls() {
    needs!("kamailio", "baresip");
    for (name, srtp, mediaenc, ramal_calls) in [
        ("to-mandatory", "optional", "srtp-mand", true),
        ("to-mandatory-f", "required", "srtp-mandf", true),
        ("from-optional", "required", "srtp", false),
        ("from-mandatory-f", "optional", "srtp-mandf", false),
    ] {
        talk(
            Call {
                name,
                srtp,
                mediaenc: Some(mediaenc),
                through_kamailio: true,
                ramal_calls,
            },
            &json!("sdes"),
        );
    }
}

#[test]
fn who_requires_protection_does_not_speak_without() {
    needs!("baresip");
    let folder = folder("protection-refused");
    let baresip = Baresip::start(
        &folder,
        &Phone {
            codec: Codec::Pcma,
            ..Phone::default()
        },
    );
    let mut ramal = CommandLine::new(&["call", &baresip.uri("1002")])
        .with(&["--bind", "127.0.0.1", "--silence", "--srtp", "required"])
        .start(&folder, "ramal");
    let ended = ramal.wait_for("ended", SOON);
    assert_eq!(ended["cause"], "not_encrypted", "{ended}");
    assert!(ramal.all("answered").is_empty());
    ramal.ends_with(8, SOON);
}
