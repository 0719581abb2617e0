//! Every extension of the lab, called by the program as a person would call it.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ramal::dsp::compare::compare;
use ramal::lab::{Lab, LabConfig};
use ramal::units::SampleRate;
use serde_json::Value;

fn lab() -> Lab {
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Lab::start(LabConfig {
        ip,
        port: 0,
        seed: 1,
    })
    .unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn speech() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/speech_16k.wav")
}

/// The program, killed if its test ends before it.
struct Program(Option<Child>);

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Program {
    /// `ramal WORDS… --json` as extension 1001 of the lab.
    fn start(home: &Path, words: &[&str]) -> Program {
        let child = Command::new(env!("CARGO_BIN_EXE_ramal"))
            .args(words)
            .arg("--json")
            .env("RAMAL_CONFIG_DIR", home)
            .env("RAMAL_PASSWORD", "ramal")
            .env("LANG", "C.UTF-8")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Program(Some(child))
    }

    /// Its exit code and what it told, when it has ended by itself.
    fn finish(self) -> (i32, Vec<Value>) {
        self.watch(|_, _| ())
    }

    /// The same; `seen` is told of each line when it comes, with the program's process id.
    fn watch(mut self, mut seen: impl FnMut(u32, &Value)) -> (i32, Vec<Value>) {
        let child = self.0.as_mut().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        for line in lines {
            let line = serde_json::from_str(&line.unwrap()).unwrap();
            seen(child.id(), &line);
            told.push(line);
        }
        (child.wait().unwrap().code().unwrap(), told)
    }
}

fn call(lab: &Lab, home: &Path, extension: &str, more: &[&str]) -> (i32, Vec<Value>) {
    let target = format!("sip:{extension}@{}", lab.address());
    let aor = format!("sip:1001@{}", lab.address());
    let mut words = vec!["call", &target, "--aor", &aor];
    words.extend(more);
    Program::start(home, &words).finish()
}

fn event<'a>(told: &'a [Value], kind: &str) -> Option<&'a Value> {
    told.iter().find(|line| line["event"] == kind)
}

fn samples(path: &Path) -> (Vec<f32>, SampleRate) {
    let mut file = hound::WavReader::open(path).unwrap();
    let rate = SampleRate::new(file.spec().sample_rate).unwrap();
    let samples = file
        .samples::<i16>()
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect();
    (samples, rate)
}

#[test]
fn refusals_say_why_and_ring_nowhere() {
    let (lab, home) = (lab(), folder());
    for (extension, cause, status) in [
        ("603", "busy", 486),
        ("605", "no_common_codec", 488),
        ("999", "not_found", 404),
        ("1002", "unavailable", 480),
    ] {
        let (code, told) = call(&lab, home.path(), extension, &["--silence"]);
        let ended = event(&told, "ended").unwrap();
        assert_eq!(ended["cause"], cause, "{extension}");
        assert_eq!(ended["status"], status, "{extension}");
        assert_eq!(code, if status == 480 { 4 } else { 3 }, "{extension}");
        assert!(event(&told, "ringing").is_none(), "{extension}");
    }
}

#[test]
fn who_never_answers_rings_until_the_caller_gives_up() {
    let (lab, home) = (lab(), folder());
    let (code, told) = call(&lab, home.path(), "604", &["--silence", "--no-answer", "2"]);
    assert!(event(&told, "ringing").is_some() && event(&told, "answered").is_none());
    assert_eq!(event(&told, "ended").unwrap()["cause"], "no_answer");
    assert_eq!(code, 4);
}

#[test]
fn who_hangs_up_does_so_after_three_seconds() {
    let (lab, home) = (lab(), folder());
    let (code, told) = call(&lab, home.path(), "608", &["--silence"]);
    let ended = event(&told, "ended").unwrap();
    assert_eq!(
        (&ended["cause"], &ended["by"]),
        (&"hung_up".into(), &"remote".into())
    );
    let talked = ended["duration_s"].as_f64().unwrap();
    assert!((2.5..5.0).contains(&talked), "{talked}");
    assert_eq!(code, 0);
    let summary = event(&told, "summary").unwrap();
    for time in [
        "click_to_invite_ms",
        "answer_to_first_rtp_ms",
        "answer_to_first_heard_ms",
    ] {
        assert!(
            summary[time].as_f64().is_some_and(|ms| ms >= 0.0),
            "{time}: {summary}"
        );
    }
}

#[test]
fn the_menu_hears_digits_in_the_call() {
    let (lab, home) = (lab(), folder());
    let heard = |digit: &str| {
        let file = home.path().join(format!("{digit}.wav"));
        let wish = format!("{digit}@2");
        let path = file.to_str().unwrap();
        let more = [
            "--silence",
            "--dtmf",
            &wish,
            "--duration",
            "6",
            "--record",
            path,
        ];
        assert_eq!(call(&lab, home.path(), "602", &more).0, 0);
        samples(&file)
    };
    let ((sales, rate), (support, _)) = (heard("1"), heard("2"));
    let after = rate.samples_in(Duration::from_millis(2_500));
    let loud = |sound: &[f32]| sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32;
    assert!(loud(&sales[after..]) > 1e-4 && loud(&support[after..]) > 1e-4);
    let alike = compare(&sales[after..], &support[after..], rate);
    assert!(alike.is_none_or(|alike| !alike.is_good()), "{alike:?}");
}

#[test]
fn the_line_calls_back_the_phone_that_called() {
    let (lab, home) = (lab(), folder());
    let aor = format!("sip:1001@{}", lab.address());
    let registrar = format!("sip:{}", lab.address());
    let words = [
        "answer",
        "--aor",
        &aor,
        "--registrar",
        &registrar,
        "--silence",
    ];
    let script = ["--max-calls", "1", "--duration", "1"];
    let phone = Program::start(home.path(), &[&words[..], &script[..]].concat());
    // 607 speaks for four seconds and hangs up; by then the phone has long registered.
    let other = folder();
    let (code, _) = call(&lab, other.path(), "607", &["--silence"]);
    assert_eq!(code, 0);
    let (code, told) = phone.finish();
    assert_eq!(code, 0);
    let incoming = event(&told, "incoming").unwrap();
    assert!(
        incoming["remote"].as_str().unwrap().starts_with("sip:607@"),
        "{incoming}"
    );
    assert!(event(&told, "answered").is_some() && event(&told, "unregistered").is_some());
}

#[test]
fn what_one_says_comes_back_five_seconds_later() {
    let (lab, home) = (lab(), folder());
    let file = home.path().join("back.wav");
    let (play, record) = (speech(), file.to_str().unwrap().to_owned());
    let more = [
        "--play",
        play.to_str().unwrap(),
        "--record",
        &record,
        "--duration",
        "16",
    ];
    let (code, told) = call(&lab, home.path(), "609", &more);
    assert_eq!(code, 0);
    assert!(
        event(&told, "warning").is_none(),
        "a silent line is not a dead one"
    );
    let (heard, rate) = samples(&file);
    let (said, said_rate) = samples(&play);
    let said = ramal::dsp::resample::resample(&said, said_rate, rate).unwrap();
    let skipped = rate.samples_in(Duration::from_secs(5));
    let found = compare(&said, &heard[skipped..], rate).unwrap();
    assert!(found.correlation > 0.8, "{found:?}");
    assert!(found.delay < Duration::from_millis(700), "{found:?}");
}

#[test]
fn the_bad_network_is_heard_as_one() {
    let (lab, home) = (lab(), folder());
    let (code, told) = call(&lab, home.path(), "606", &["--silence", "--duration", "8"]);
    assert_eq!(code, 0);
    let summary = event(&told, "summary").unwrap();
    assert!(summary["loss_pct"].as_f64().unwrap() > 0.5, "{summary}");
    assert!(summary["jitter_ms"].as_f64().unwrap() > 5.0, "{summary}");
    // Both were asked for extended reports, and the lab sends them too.
    let figures = [
        "r_factor",
        "mos_lq",
        "mos",
        "end_system_ms",
        "buffer_max_ms",
    ];
    for name in figures {
        assert!(summary[name].as_f64().unwrap() > 1.0, "{name}: {summary}");
    }
    assert!(summary["far_side"]["loss_pct"].is_number(), "{summary}");
}

/// Loss on the wire, not only in a recording, is what the judge sees: what stands for a lost packet
/// is no gap, but it is not what was said. Nothing is sent again here.
#[test]
fn packets_lost_on_the_wire_are_seen_in_what_was_heard() {
    let (lab, home) = (lab(), folder());
    let judged = |extension: &str| {
        let file = home.path().join(format!("{extension}.wav"));
        let (play, record) = (speech(), file.to_str().unwrap().to_owned());
        let sound = ["--play", play.to_str().unwrap(), "--record", &record];
        let script = ["--codecs", "pcma", "--resend", "never", "--duration", "11"];
        let more = [&sound[..], &script[..]].concat();
        assert_eq!(call(&lab, home.path(), extension, &more).0, 0);
        let (heard, rate) = samples(&file);
        let (said, said_rate) = samples(&play);
        let said = ramal::dsp::resample::resample(&said, said_rate, rate).unwrap();
        compare(&said, &heard, rate).unwrap()
    };
    // Real time: a machine that sleeps for a moment makes each path another one, and both are walked
    // again.
    let seen = (0..3).any(|_| {
        let (clean, lossy) = (judged("600"), judged("606"));
        println!("{clean:?}\n{lossy:?}");
        let clean_is_clean = clean.segmental_snr_db > 25.0 && clean.correlation > 0.999;
        // What was not lost is as it was said, whatever the network did to it.
        clean_is_clean
            && lossy.correlation > 0.999
            && lossy.segmental_snr_db < clean.segmental_snr_db - 3.0
            && lossy.spectral < clean.spectral - 0.02
    });
    assert!(seen, "three times otherwise");
}

#[test]
fn speech_and_tone_are_heard_at_601() {
    let (lab, home) = (lab(), folder());
    let file = home.path().join("601.wav");
    let more = [
        "--silence",
        "--record",
        file.to_str().unwrap(),
        "--duration",
        "4",
    ];
    assert_eq!(call(&lab, home.path(), "601", &more).0, 0);
    let (heard, rate) = samples(&file);
    let second = &heard[rate.samples_in(Duration::from_secs(1))..];
    let power = second.iter().map(|s| s * s).sum::<f32>() / second.len() as f32;
    assert!(power > 1e-4, "{power}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_a_call_hangs_up_and_unregisters() {
    let (lab, home) = (lab(), folder());
    let target = format!("sip:600@{}", lab.address());
    let aor = format!("sip:1001@{}", lab.address());
    let registrar = format!("sip:{}", lab.address());
    let words = [
        "call",
        &target,
        "--aor",
        &aor,
        "--registrar",
        &registrar,
        "--silence",
    ];
    let (code, told) = Program::start(home.path(), &words).watch(|id, line| {
        if line["event"] == "answered" {
            let kill = Command::new("kill")
                .args(["-INT", &id.to_string()])
                .status();
            assert!(kill.unwrap().success());
        }
    });
    assert_eq!(code, 0);
    let kinds: Vec<&str> = told
        .iter()
        .filter_map(|line| line["event"].as_str())
        .collect();
    let place = |kind| kinds.iter().position(|other| *other == kind).unwrap();
    assert!(place("answered") < place("ended") && place("ended") <= place("unregistered"));
    let ended = event(&told, "ended").unwrap();
    assert_eq!(
        (&ended["cause"], &ended["by"]),
        (&"hung_up".into(), &"local".into())
    );
    // Both goodbyes were answered: nothing was waited for in vain.
    let (answered, last) = (event(&told, "answered").unwrap(), told.last().unwrap());
    let lasted = last["t"].as_f64().unwrap() - answered["t"].as_f64().unwrap();
    assert!(lasted < 5.0, "{told:?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_before_the_answer_is_a_call_that_nobody_answered() {
    let (lab, home) = (lab(), folder());
    let target = format!("sip:604@{}", lab.address());
    let (code, told) =
        Program::start(home.path(), &["call", &target, "--silence"]).watch(|id, line| {
            if line["event"] == "ringing" {
                let kill = Command::new("kill")
                    .args(["-INT", &id.to_string()])
                    .status();
                assert!(kill.unwrap().success());
            }
        });
    assert_eq!(event(&told, "ended").unwrap()["cause"], "cancelled");
    assert_eq!(code, 4);
}

#[test]
fn what_is_heard_can_be_read_while_it_is_recorded_and_begins_at_the_answer() {
    let (lab, home) = (lab(), folder());
    let target = format!("sip:600@{}", lab.address());
    let file = home.path().join("echo.wav");
    let (play, record) = (speech(), file.to_str().unwrap().to_owned());
    let words = [
        "call",
        &target,
        "--play",
        play.to_str().unwrap(),
        "--record",
        &record,
    ];
    let script = ["--codecs", "pcma", "--duration", "11"];
    let mut lengths = Vec::new();
    let program = Program::start(home.path(), &[&words[..], &script[..]].concat());
    let (code, told) = program.watch(|_, line| {
        if line["event"] == "stats" {
            let (heard, rate) = samples(&file);
            lengths.push(heard.len() as f64 / f64::from(rate.hz()));
        }
    });
    assert_eq!(code, 0);
    // One figure each second; what was recorded by then may wait half a second for the disk.
    assert!(lengths.len() >= 10, "{lengths:?}");
    for (length, second) in lengths.iter().zip(1_u32..) {
        let behind = f64::from(second) - length;
        assert!(
            (-0.5..1.0).contains(&behind),
            "second {second}: {lengths:?}"
        );
    }
    let summary = event(&told, "summary").unwrap();
    assert!(
        summary["answer_to_first_rtp_ms"].as_f64().unwrap() < 500.0,
        "{summary}"
    );
    // The first word is there and is not late: packet, echo, jitter buffer.
    let (heard, rate) = samples(&file);
    let (said, said_rate) = samples(&play);
    let said = ramal::dsp::resample::resample(&said, said_rate, rate).unwrap();
    let found = compare(&said, &heard, rate).unwrap();
    assert!(found.correlation > 0.8, "{found:?}");
    assert!(found.delay < Duration::from_millis(500), "{found:?}");
}

fn watch(lab: &Lab, home: &Path, uris: &[&str], more: &[&str]) -> (i32, Vec<Value>) {
    let aor = format!("sip:1001@{}", lab.address());
    let mut words = vec!["watch"];
    words.extend(uris);
    words.extend(["--aor", &aor]);
    words.extend(more);
    Program::start(home, &words).finish()
}

#[test]
fn a_lamp_of_the_lab_goes_through_its_colours() {
    let (lab, home) = (lab(), folder());
    let (code, told) = watch(&lab, home.path(), &["700"], &["--duration", "14"]);
    let lamps = told.iter().filter(|line| line["event"] == "notify");
    let lamps: Vec<&str> = lamps.map(|line| line["lamp"].as_str().unwrap()).collect();
    // It is seen from somewhere in its round of twelve seconds.
    let round = ["idle", "ringing", "busy", "idle", "ringing", "busy"];
    assert!(
        round.windows(lamps.len()).any(|window| window == lamps) && lamps.len() >= 3,
        "{lamps:?}"
    );
    let rings = told.iter().find(|line| line["lamp"] == "ringing").unwrap();
    assert_eq!(rings["display_name"], "Cliente");
    assert_eq!(rings["pickup"], true);
    assert_eq!(code, 0);
}

#[test]
fn a_watch_that_nobody_serves_says_why() {
    let (lab, home) = (lab(), folder());
    let (code, told) = watch(&lab, home.path(), &["999"], &[]);
    let failed = event(&told, "watch").unwrap();
    assert_eq!(failed["cause"], "not_found");
    assert_eq!(failed["status"], 404);
    assert_eq!(code, 3);
    let mut words = vec!["watch", "700", "--once"];
    let nobody = "sip:1001@127.0.0.1:9";
    words.extend(["--aor", nobody]);
    let (code, told) = Program::start(home.path(), &words).finish();
    assert_eq!(event(&told, "watch").unwrap()["cause"], "unreachable");
    assert_eq!(code, 5);
}

#[test]
fn messages_wait_in_the_mailbox_of_the_person() {
    let (lab, home) = (lab(), folder());
    let more = ["--event", "message-summary", "--once"];
    let (code, told) = watch(&lab, home.path(), &["1001", "1002"], &more);
    let of = |uri: &str| {
        told.iter()
            .find(|it| it["event"] == "notify" && it["uri"] == uri)
    };
    let (mine, hers) = (of("1001").unwrap(), of("1002").unwrap());
    assert_eq!(
        (&mine["waiting"], &mine["new"], &mine["old"]),
        (&true.into(), &2.into(), &5.into())
    );
    assert_eq!((&hers["waiting"], &hers["new"]), (&false.into(), &0.into()));
    assert_eq!(code, 0);
}

#[test]
fn presence_that_one_publishes_another_sees_until_it_ends() {
    let (lab, home, other) = (lab(), folder(), folder());
    let aor = format!("sip:1002@{}", lab.address());
    let words = [
        "register",
        "--aor",
        &aor,
        "--presence",
        "busy",
        "--duration",
        "4",
    ];
    let bia = Program::start(other.path(), &words);
    let more = ["--event", "presence", "--duration", "8"];
    let (code, told) = watch(&lab, home.path(), &["1002"], &more);
    let (published, says) = bia.finish();
    assert_eq!(event(&says, "publication").unwrap()["state"], "published");
    let seen = told.iter().filter(|line| line["event"] == "notify");
    let seen: Vec<_> = seen
        .map(|line| {
            (
                line["basic"].as_str().unwrap(),
                line["activities"].to_string(),
            )
        })
        .collect();
    let busy = ("open", r#"["busy"]"#.to_owned());
    assert!(seen.contains(&busy), "{seen:?}");
    assert_eq!(seen.last().map(|last| last.0), Some("closed"), "{seen:?}");
    assert_eq!((code, published), (0, 0));
}
