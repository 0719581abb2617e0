//! What a phone costs that does nothing, and one in a call without a window.

use crate::peers::kamailio::{Kamailio, Options};
use crate::peers::ramal::{CommandLine, SOON, is_optimised};
use crate::peers::{folder, needs, ports};
use std::fs;
use std::time::Duration;

/// For how long wake-ups are counted.
const SPAN: Duration = Duration::from_secs(20);

/// Times that a process's threads have gone to sleep by themselves, which is how often they were
/// woken.
fn sleeps(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the program runs");
    tasks
        .flatten()
        .map(|task| {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            number(&status, "voluntary_ctxt_switches:")
        })
        .sum()
}

/// Resident memory, in MB of a million bytes.
fn resident_mb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the program runs");
    number(&status, "VmRSS:") as f64 * 1.024e-3
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1))
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
}

#[test]
fn a_phone_that_is_registered_and_idle_sleeps() {
    needs!("kamailio");
    let folder = folder("idle");
    let kamailio = Kamailio::start(&folder, Options::default());
    let mut ramal = CommandLine::new(&["register", "--bind", "127.0.0.1"])
        .account("1001", &kamailio.address())
        .start(&folder, "ramal");
    ramal.wait_for("registered", SOON);
    std::thread::sleep(Duration::from_secs(2));
    let before = sleeps(ramal.id());
    std::thread::sleep(SPAN);
    let each_second = (sleeps(ramal.id()) - before) as f64 / SPAN.as_secs_f64();
    let memory = resident_mb(ramal.id());
    println!("registered and idle: {memory:.1} MB, {each_second:.2} wake-ups a second");
    assert!(each_second <= 2.0, "{each_second} wake-ups a second");
    let most = if is_optimised() { 12.0 } else { 20.0 };
    assert!(memory <= most, "{memory} MB");
    ramal.interrupt();
    ramal.ends_with(0, SOON);
}

#[test]
fn a_call_without_a_window_is_small() {
    let folder = folder("small");
    let port = ports::free(2);
    let phone = |words: &[&str]| {
        CommandLine::new(words).with(&["--no-register", "--silence", "--codecs", "opus"])
    };
    let mut far = phone(&["answer", "--auto-answer", "--max-calls", "1"])
        .with(&["--aor", "sip:far@127.0.0.1"])
        .with(&["--bind", &format!("127.0.0.1:{port}")])
        .start(&folder, "far");
    ports::wait_until_taken(port);
    let mut near = phone(&["call", &format!("sip:far@127.0.0.1:{port}")])
        .with(&["--aor", "sip:near@127.0.0.1", "--bind", "127.0.0.1"])
        .start(&folder, "near");
    near.wait_for("answered", SOON);
    std::thread::sleep(Duration::from_secs(4));
    let memory = resident_mb(near.id());
    println!("a headless call: {memory:.1} MB");
    let most = if is_optimised() { 20.0 } else { 28.0 };
    assert!(memory <= most, "{memory} MB");
    near.interrupt();
    near.ends_with(0, SOON);
    far.wait_for("ended", SOON);
    far.ends_with(0, SOON);
}
