//! `ramal bench live` makes sense: two processes, a relay between them, figures of both. How good
//! they are is for whoever has a quiet machine.
#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(
    clippy::disallowed_methods,
    reason = "other programs live in real time, and can only be asked again"
)]
#![cfg(unix)]

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The bench, killed if its test ends before it.
struct Bench(Child);

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Seconds of one talker with PCMA, not scored: no PESQ lies in `folder`.
fn start(folder: &Path, profiles: &str, seconds: &str) -> Bench {
    let speech = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/speech/digits.wav");
    let child = Command::new(env!("CARGO_BIN_EXE_ramal"))
        .args([
            "bench", "live", "--json", "--codecs", "pcma", "--seeds", "1",
        ])
        .args([
            "--profiles",
            profiles,
            "--seconds",
            seconds,
            "--keep",
            "kept",
        ])
        .arg("--speech")
        .arg(speech)
        .current_dir(folder)
        .env("RAMAL_CONFIG_DIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Bench(child)
}

fn number(row: &Value, name: &str) -> f64 {
    row[name]
        .as_f64()
        .unwrap_or_else(|| panic!("{name}: {row}"))
}

#[test]
fn what_the_network_loses_is_missed_and_a_clean_one_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = start(folder.path(), "clean,loss20burst", "1");
    let mut told = String::new();
    let mut stdout = bench.0.stdout.take().unwrap();
    std::io::Read::read_to_string(&mut stdout, &mut told).unwrap();
    assert_eq!(bench.0.wait().unwrap().code(), Some(0), "{told}");
    let rows: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 2, "{told}");
    for row in &rows {
        assert_eq!(number(row, "calls") + number(row, "void"), 1.0, "{row}");
        if row["void"] == 1 {
            // This machine was too busy to tell anything.
            return;
        }
        // 5 ms of network at the least; a second of waiting would be a fault.
        let delay = number(row, "delay_ms");
        assert!((5.0..500.0).contains(&delay), "{row}");
        // A packet of 20 ms is whole before it leaves.
        assert!(
            (number(row, "mouth_to_ear_ms") - delay - 20.0).abs() < 1e-6,
            "{row}"
        );
        // 80 kbit/s, and at most as much again where packets are sent again.
        assert!((70.0..160.0).contains(&number(row, "wire_kbit")), "{row}");
        assert!(number(row, "first_rtp_ms") < 5_000.0, "{row}");
        assert_eq!(row["pesq_wb"], Value::Null, "{row}");
    }
    // One packet in five, a burst at a time: of a few hundred.
    let (clean, lossy) = (&rows[0], &rows[1]);
    assert!(number(clean, "wire_kbit") < 90.0, "{clean}");
    let concealed = number(lossy, "concealed_pct");
    assert!((5.0..45.0).contains(&concealed), "{lossy}");
    assert!(number(clean, "concealed_pct") < concealed / 2.0, "{clean}");
}

#[test]
fn the_phones_end_with_the_bench() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path(), "clean", "600");
    let event = |file: &str, kind: &str| {
        let text = std::fs::read_to_string(folder.path().join("kept").join(file)).ok()?;
        text.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|event| event["event"] == kind)
    };
    let wait = |what: &dyn Fn() -> bool| {
        let give_up = Instant::now() + Duration::from_secs(20);
        while !what() {
            assert!(Instant::now() < give_up, "not in time");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let files: [PathBuf; 2] =
        ["listener", "talker"].map(|who| format!("live-pcma-clean-digits-1-{who}.jsonl").into());
    let [listener, talker] = files.each_ref().map(|file| file.to_str().unwrap());
    wait(&|| event(talker, "answered").is_some());
    let addresses = [listener, talker].map(|file| {
        let listening = event(file, "listening").unwrap();
        let address = listening["addresses"][0].as_str().unwrap();
        address.parse::<SocketAddr>().unwrap()
    });
    // Both hold their ports while they live.
    assert!(
        addresses
            .iter()
            .all(|address| UdpSocket::bind(address).is_err())
    );
    let interrupted = Command::new("kill")
        .args(["-INT", &bench.0.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    wait(&|| {
        addresses
            .iter()
            .all(|address| UdpSocket::bind(address).is_ok())
    });
}
