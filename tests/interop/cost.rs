//! What a call costs beside the same call between two baresips, at the same time on the same
//! machine: sound from a file and into one, no echo canceller.

use crate::peers::baresip::{Baresip, Phone, pause};
use crate::peers::ramal::{CommandLine, Ramal, SOON, is_optimised};
use crate::peers::sound::{self, Codec};
use crate::peers::{folder, needs, ports};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// After the answer, until everything is under way.
const WARMING: Duration = Duration::from_secs(2);

/// For how long is counted; the file that is played lasts longer.
const SPAN: Duration = Duration::from_secs(25);

/// The kernel's clock tick in `/proc`, in seconds (`getconf CLK_TCK`, 100 wherever Linux runs).
const TICK: f64 = 0.01;

/// Seconds that all threads of a process have computed (proc(5): utime and stime, fields 14, 15).
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the program runs");
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        * TICK
}

fn two_ramals(codec: Codec, folder: &Path) -> [Ramal; 2] {
    let (rate, channels) = codec.baresip_format();
    let port = ports::free(2);
    let phone = |words: &[&str], name: &str| {
        CommandLine::new(words)
            .with(&["--no-register", "--aor", &format!("sip:{name}@127.0.0.1")])
            .with(&["--codecs", codec.name(), "--play"])
            .with(&[&sound::speech(rate, channels).to_string_lossy()])
            .with(&[
                "--record",
                &folder.join(format!("{name}.wav")).to_string_lossy(),
            ])
    };
    let far = phone(&["answer", "--auto-answer", "--max-calls", "1"], "far")
        .with(&["--bind", &format!("127.0.0.1:{port}")])
        .start(folder, "far");
    ports::wait_until_taken(port);
    let mut near = phone(&["call", &format!("sip:far@127.0.0.1:{port}")], "near")
        .with(&["--bind", "127.0.0.1"])
        .start(folder, "near");
    near.wait_for("answered", SOON);
    [near, far]
}

fn two_baresips(codec: Codec, folder: &Path) -> [Baresip; 2] {
    let phone = |user| Phone {
        user,
        codec,
        ..Phone::default()
    };
    let called = Baresip::start(folder, &phone("1002"));
    let caller = Baresip::start(folder, &phone("1003"));
    caller.command("dial", &called.uri("1002"));
    caller.wait_for("CALL_ESTABLISHED", SOON);
    called.wait_for("CALL_ESTABLISHED", SOON);
    [caller, called]
}

/// CPU seconds for a minute of call, in the mean of both sides: Ramal's and baresip's.
fn side_by_side(codec: Codec) -> (f64, f64) {
    let folder = folder(&format!("cost-{}", codec.name()));
    let mut theirs = two_baresips(codec, &folder);
    let mut ours = two_ramals(codec, &folder);
    pause(WARMING);
    let spent = |ours: &[Ramal; 2], theirs: &[Baresip; 2]| {
        let of = |ids: [u32; 2]| ids.map(cpu).iter().sum::<f64>();
        (
            of(ours.each_ref().map(Ramal::id)),
            of(theirs.each_ref().map(Baresip::id)),
        )
    };
    let before = spent(&ours, &theirs);
    pause(SPAN);
    let after = spent(&ours, &theirs);
    let minutes = 2.0 * SPAN.as_secs_f64() / 60.0;
    let costs = (
        (after.0 - before.0) / minutes,
        (after.1 - before.1) / minutes,
    );
    ours[0].interrupt();
    for phone in &mut ours {
        phone.wait_for("ended", SOON);
        phone.ends_with(0, SOON);
    }
    for phone in &mut theirs {
        phone.end_and_take_recording();
    }
    costs
}

fn assert_no_dearer(codec: Codec) {
    let (ours, theirs) = side_by_side(codec);
    println!(
        "{}: Ramal {ours:.2}, baresip {theirs:.2} CPU seconds a minute",
        codec.name()
    );
    // Nothing was measured if somebody slept through the call.
    assert!(ours > 0.05 && theirs > 0.05, "{ours} {theirs}");
    if is_optimised() {
        assert!(ours <= theirs, "{ours} beside {theirs}");
    }
}

#[test]
fn a_call_in_opus_costs_no_more_than_baresips() {
    needs!("baresip");
    assert_no_dearer(Codec::Opus);
}

#[test]
fn a_call_in_pcma_costs_no_more_than_baresips() {
    needs!("baresip");
    assert_no_dearer(Codec::Pcma);
}
