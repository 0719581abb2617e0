//! Several calls of one Ramal with two baresips: a call that is held and taken back again and again,
//! and three in one conversation. Who hears whom is told by the voices.

use std::path::{Path, PathBuf};

use crate::peers::baresip::{Baresip, Phone, pause};
use crate::peers::kamailio::{Kamailio, Options};
use crate::peers::ramal::{CommandLine, Ramal, SOON};
use crate::peers::sound::{self, Codec};
use crate::peers::{DOMAIN, folder, needs, package_file};
use std::time::Duration;

/// What is in a recording has at least this correlation with the voice, also where two speak at
/// once; what is not in it stays below [`ABSENT`].
const PRESENT: f64 = 0.5;
const ABSENT: f64 = 0.4;

/// Who speaks at 1001, 1002 and 1003.
const VOICES: [&str; 3] = ["austen", "cards", "digits"];

fn voice(index: usize) -> PathBuf {
    package_file(&format!("tests/data/speech/{}.wav", VOICES[index]))
}

/// The voices that a recording ends with, as extensions.
fn heard(recording: &Path) -> Vec<u32> {
    let files = [voice(0), voice(1), voice(2)];
    let shares = sound::voices(recording, &files.each_ref().map(PathBuf::as_path));
    println!("{}: {shares:?}", recording.display());
    let known = |share: &f64| *share > PRESENT || *share < ABSENT;
    assert!(shares.iter().all(known), "{shares:?}");
    let extensions = 1001..;
    let heard = extensions.zip(shares).filter(|(_, share)| *share > PRESENT);
    heard.map(|(extension, _)| extension).collect()
}

struct House {
    kamailio: Kamailio,
    folder: PathBuf,
}

impl House {
    fn new(name: &str) -> House {
        let folder = folder(name);
        let kamailio = Kamailio::start(&folder, Options::default());
        House { kamailio, folder }
    }

    /// A baresip at this extension. What it records ends with the first hold of its call.
    fn baresip(&self, user: &'static str, says: usize) -> Baresip {
        let phone = Phone {
            user,
            codec: Codec::Pcma,
            proxy: Some(self.kamailio.address()),
            plays: Some(sound::said_over(&voice(says), 8_000)),
            ..Phone::default()
        };
        let baresip = Baresip::start(&self.folder, &phone);
        self.kamailio.wait_for_contact(user);
        baresip
    }

    /// A Ramal at this extension, and what it hears.
    fn ramal(&self, user: &str, says: usize, words: &[&str]) -> (Ramal, PathBuf) {
        let heard = self.folder.join(format!("{user}-heard.wav"));
        let line = CommandLine::new(words)
            .with(&["--bind", "127.0.0.1", "--codecs", "pcma", "--loop"])
            .with(&["--play", &voice(says).to_string_lossy()])
            .with(&["--record", &heard.to_string_lossy()])
            .account(user, &self.kamailio.address());
        (line.start(&self.folder, user), heard)
    }

    fn answering_ramal(&self, user: &str, says: usize) -> (Ramal, PathBuf) {
        let (mut ramal, heard) = self.ramal(user, says, &["answer", "--auto-answer"]);
        ramal.wait_for("registered", SOON);
        (ramal, heard)
    }
}

fn uri(user: &str) -> String {
    format!("sip:{user}@{DOMAIN}")
}

/// Ends it; its recording is whole then.
fn end(mut ramal: Ramal) {
    ramal.interrupt();
    ramal.exit_code(SOON);
}

#[test]
fn three_in_a_conference_hear_each_other_and_not_themselves() {
    needs!("kamailio", "baresip");
    let house = House::new("conference");
    let (first, by_first) = house.answering_ramal("1002", 1);
    let mut second = house.baresip("1003", 2);
    let brings_in = format!("{}@1", uri("1003"));
    let words = ["call", &uri("1002"), "--conference", &brings_in];
    let (mut ramal, here) = house.ramal("1001", 0, &words);
    ramal.wait_for("answered", SOON);
    // The first waits while the second is called.
    ramal.wait_for("held", SOON);
    ramal.wait_for("answered", SOON);
    ramal.wait_for("resumed", SOON);
    second.wait_for("CALL_ESTABLISHED", SOON);
    pause(Duration::from_secs(9));
    let by_second = second.end_and_take_recording();
    end(ramal);
    end(first);
    assert_eq!(heard(&by_first), [1001, 1003]);
    assert_eq!(heard(&by_second), [1001, 1002]);
    assert_eq!(heard(&here), [1002, 1003]);
}

/// Two hundred changes of one call, in eighty seconds, and the sound is right behind them. What the
/// descriptions say of their versions is looked at in the simulated world.
fn held_and_taken_back_a_hundred_times(house: &House) -> PathBuf {
    const TIMES: usize = 100;
    let moments = (0..TIMES).map(|round| round as f64 * 0.8);
    let moments = moments.map(|at| [at + 0.5, at + 0.9].map(|at| format!("{at:.2}")));
    let moments: Vec<[String; 2]> = moments.collect();
    let uri = uri("1002");
    let mut words = vec!["call", uri.as_str(), "--duration", "88"];
    for [hold, resume] in &moments {
        words.extend(["--hold-at", hold, "--resume-at", resume]);
    }
    let (mut ramal, here) = house.ramal("1001", 0, &words);
    ramal.wait_for("answered", SOON);
    let mut memory = Vec::new();
    for round in 1..=TIMES {
        ramal.wait_for("held", SOON);
        ramal.wait_for("resumed", SOON);
        if round % 10 == 0 {
            memory.extend(resident_kb(ramal.id()));
        }
    }
    ramal.wait_for("ended", SOON + SOON);
    ramal.exit_code(SOON);
    assert_eq!(ramal.all("held").len(), TIMES);
    assert_eq!(ramal.all("resumed").len(), TIMES);
    println!("resident after each ten: {memory:?} kB");
    // What is remembered of a change is remembered for 32 s (RFC 3261 table 4, timers D and J): after
    // the sixth ten nothing more comes on top.
    if let (Some(settled), Some(last)) = (memory.get(5), memory.last()) {
        assert!(last.saturating_sub(*settled) < 400, "{memory:?} kB");
    }
    here
}

#[test]
fn a_call_to_baresip_held_and_taken_back_a_hundred_times_sounds_as_before() {
    needs!("kamailio", "baresip");
    let house = House::new("holds-baresip");
    let _baresip = house.baresip("1002", 1);
    let here = held_and_taken_back_a_hundred_times(&house);
    assert_eq!(heard(&here), [1002]);
}

#[test]
fn a_call_to_ramal_held_and_taken_back_a_hundred_times_sounds_as_before_on_both_sides() {
    needs!("kamailio");
    let house = House::new("holds-ramal");
    let (other, there) = house.answering_ramal("1002", 1);
    let here = held_and_taken_back_a_hundred_times(&house);
    end(other);
    assert_eq!(heard(&here), [1002]);
    assert_eq!(heard(&there), [1001]);
}

/// Memory of a process that is in use, in kB; `None` where the system does not say.
fn resident_kb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
