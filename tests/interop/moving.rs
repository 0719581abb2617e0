//! A machine changes its address in the middle of a call, in a network of the test's own.

use crate::peers::namespace::Cable;
use crate::peers::ramal::{CommandLine, SOON};
use crate::peers::tones::{self, Tone};
use crate::peers::{folder, needs};
use std::path::Path;
use std::time::Duration;

/// The longest silence in a recording between its first and its last sound.
fn longest_silence(recording: &Path) -> Duration {
    let mut reader = hound::WavReader::open(recording).expect("it was recorded");
    let rate = reader.spec().sample_rate as usize;
    let samples: Vec<i16> = reader.samples().map(|it| it.expect("samples")).collect();
    let loud: Vec<usize> = samples
        .chunks(rate / 50)
        .enumerate()
        .filter(|(_, frame)| frame.iter().any(|it| it.unsigned_abs() > 500))
        .map(|(at, _)| at)
        .collect();
    let gaps = loud.windows(2).map(|two| two[1] - two[0] - 1);
    let longest = gaps.max().expect("there is sound");
    Duration::from_millis(20 * u64::try_from(longest).expect("a short call"))
}

/// One call, in whose middle the caller's machine is given another address and loses its own; the
/// longest silence that each side heard.
fn call_that_moves(folder: &Path, cable: &Cable) -> [Duration; 2] {
    let [ana, bia] = &cable.ends;
    let (hears_ana, hears_bia) = (folder.join("bia.wav"), folder.join("ana.wav"));
    let tone = tones::file(Tone(440), 8_000).display().to_string();
    let sound = |line: CommandLine, record: &Path| {
        let record = record.display().to_string();
        line.with(&["--play", &tone, "--loop", "--record", &record])
            .with(&["--codecs", "pcma"])
    };
    let line = CommandLine::new(&["answer", "--bind", "10.98.0.2:5060"]);
    let mut called = sound(line, &hears_ana).within(bia).start(folder, "bia");
    called.wait_for("listening", SOON);
    let line = CommandLine::new(&["call", "sip:bia@10.98.0.2:5060", "--duration", "9"]);
    let mut caller = sound(line, &hears_bia).within(ana).start(folder, "ana");
    caller.wait_for("answered", SOON);
    // Two seconds of sound, as the phones themselves count.
    for _ in 0..2 {
        caller.wait_for("stats", SOON);
    }
    // In this order: with the first address of a network the kernel takes the others of it away.
    cable.at(ana, &["address", "delete", "10.98.0.1/24", "dev", "cable"]);
    cable.at(ana, &["address", "add", "10.98.0.3/24", "dev", "cable"]);
    caller.ends_with(0, SOON);
    called.wait_for("ended", SOON);
    called.interrupt();
    let _ = called.exit_code(SOON);
    [longest_silence(&hears_ana), longest_silence(&hears_bia)]
}

#[test]
fn a_call_whose_machine_changes_its_address_is_heard_again_within_two_seconds() {
    needs!("ip");
    let mut heard = Vec::new();
    // Other tests run beside this one, and take the machine's time.
    for attempt in 0..3 {
        let Some(cable) = Cable::lay(["10.98.0.1/24", "10.98.0.2/24"]) else {
            return;
        };
        let folder = folder(&format!("moving-{attempt}"));
        let silences = call_that_moves(&folder, &cable);
        println!("silent for {silences:?}");
        if silences.iter().all(|it| *it < Duration::from_secs(2)) {
            return;
        }
        heard.push(silences);
    }
    panic!("silent for {heard:?}");
}
