//! The tools of these tests, tried without Ramal: peers among themselves, and planted faults.

use crate::peers::baresip::{Baresip, Phone, pause};
use crate::peers::kamailio::{Digest, Kamailio, Options};
use crate::peers::sipp::{ANSWER, OFFER, Place, Request, Scenario, Sipp};
use crate::peers::sound::{self, Codec, Heard};
use crate::peers::{folder, needs};
use std::path::PathBuf;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// Two foreign phones talk through the foreign registrar; gives what the called one heard.
fn two_foreign_phones(test: &str, codec: Codec) -> PathBuf {
    let folder = folder(test);
    let kamailio = Kamailio::start(&folder, Options::default());
    let phone = |user| Phone {
        user,
        codec,
        proxy: Some(kamailio.address()),
        ..Phone::default()
    };
    let mut called = Baresip::start(&folder, &phone("1002"));
    let caller = Baresip::start(&folder, &phone("1003"));
    kamailio.wait_for_contact("1002");
    kamailio.wait_for_contact("1003");
    caller.command("dial", &format!("sip:1002@{}", crate::peers::DOMAIN));
    caller.wait_for("CALL_ESTABLISHED", SOON);
    called.wait_for("CALL_ESTABLISHED", SOON);
    caller.press("1#");
    pause(Duration::from_millis(11_500));
    assert_eq!(called.keys_heard(), "1#");
    caller.command("hangup", "");
    called.wait_for("CALL_CLOSED", SOON);
    called.end_and_take_recording()
}

fn heard_by_foreign_phone(test: &str, codec: Codec) -> Vec<Heard> {
    vec![Heard {
        who: "baresip heard",
        recording: two_foreign_phones(test, codec),
        ceiling: sound::ceiling(codec),
    }]
}

#[test]
fn two_foreign_phones_with_opus_leave_the_speech_as_the_codec_does() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::Opus, || {
        heard_by_foreign_phone("foreign-opus", Codec::Opus)
    });
}

#[test]
fn two_foreign_phones_with_g722_leave_the_speech_as_the_codec_does() {
    needs!("kamailio", "baresip");
    sound::assert_clean_call(Codec::G722, || {
        heard_by_foreign_phone("foreign-g722", Codec::G722)
    });
}

#[test]
fn the_verdict_sees_each_planted_fault_in_a_real_recording() {
    needs!("kamailio", "baresip");
    let mut heard = PathBuf::new();
    sound::assert_clean_call(Codec::Pcma, || {
        let call = heard_by_foreign_phone("foreign-pcma", Codec::Pcma);
        heard.clone_from(&call[0].recording);
        call
    });
    let ceiling = sound::ceiling(Codec::Pcma);
    for fault in ["loss1", "gap", "splice", "noise", "clip", "silence"] {
        let verdict = sound::judge(Codec::Pcma, &sound::damaged(&heard, fault), &ceiling);
        assert!(!verdict.is_clean(), "{fault} passes for clean: {verdict:?}");
    }
    // The wrong codec is a fault as well.
    let verdict = sound::judge(Codec::G722, &heard, &sound::ceiling(Codec::G722));
    assert!(!verdict.is_clean(), "PCMA passes for G.722: {verdict:?}");
}

#[test]
fn a_scenario_passes_only_if_the_other_side_keeps_to_it() {
    needs!("sipp");
    let folder = folder("sipp-alone");
    let callee = Scenario::new("callee")
        .await_call_with(&[("body", "m=audio")])
        .answer_call("180 Ringing", "", "")
        .pause(200)
        .answer_call("200 OK", "", ANSWER)
        .await_request("ACK")
        .await_request("BYE")
        .answer("200 OK");
    let caller = |media: &str| {
        Scenario::new("caller")
            .send(&Request {
                body: OFFER,
                ..Request::default()
            })
            .may_see(100)
            .may_see(180)
            .expect_answer(&[("body", media)])
            .ack(1, "")
            .pause(100)
            .bye(2)
    };
    for (media, fits) in [("m=audio", true), ("m=video", false)] {
        let folder = folder.join(&media[2..]);
        std::fs::create_dir_all(&folder).expect("folders can be made");
        let called = Sipp::start(&folder, &callee, &Place::default());
        let target = format!("127.0.0.1:{}", called.port());
        let place = Place {
            target: Some(&target),
            ..Place::default()
        };
        let mut calling = Sipp::start(&folder, &caller(media), &place);
        assert_eq!(calling.succeeds(), fits, "{}", calling.messages());
    }
}

#[test]
fn the_registrar_lets_in_only_who_knows_the_password() {
    needs!("kamailio", "sipp");
    let folder = folder("registrar-md5");
    let kamailio = Kamailio::start(&folder, Options::default());
    let address = kamailio.address();
    let register = |scenario: &str, authentication: &str, last: u16| {
        let first = Request {
            method: "REGISTER",
            ..Request::default()
        };
        let again = Request {
            cseq: 2,
            branch: "second",
            headers: authentication,
            ..first.clone()
        };
        Scenario::new(scenario)
            .send(&first)
            .expect_challenge(401)
            .send(&again)
            .expect(last)
    };
    let place = Place {
        target: Some(&address),
        to: "1003",
        ..Place::default()
    };
    let wrong = "[authentication username=1003 password=guess]\n";
    Sipp::start(&folder, &register("wrong", wrong, 401), &place).finish();
    assert!(kamailio.contacts("1003").is_empty());
    let right = "[authentication]\n";
    Sipp::start(&folder, &register("right", right, 200), &place).finish();
    assert_eq!(kamailio.contacts("1003").len(), 1);
    assert_eq!(kamailio.requests_seen("REGISTER", "1003"), 4);
}

#[test]
fn the_registrar_challenges_with_the_digest_it_is_told_to() {
    needs!("kamailio", "sipp");
    let folder = folder("registrar-sha256");
    let digest = Digest::Sha256;
    let kamailio = Kamailio::start(
        &folder,
        Options {
            digest,
            ..Options::default()
        },
    );
    let address = kamailio.address();
    let scenario = Scenario::new("challenged")
        .send(&Request {
            method: "REGISTER",
            ..Request::default()
        })
        .expect_with(401, &[("WWW-Authenticate", "SHA-256")]);
    let place = Place {
        target: Some(&address),
        to: "1003",
        ..Place::default()
    };
    Sipp::start(&folder, &scenario, &place).finish();
}
