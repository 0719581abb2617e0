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

/// Forty changes of one call, and the sound is right behind them. A hundred swaps of two calls are
/// in the simulated world.
#[test]
fn a_call_held_and_taken_back_twenty_times_sounds_as_before() {
    needs!("kamailio", "baresip");
    for of_ours in [false, true] {
        let house = House::new(if of_ours {
            "holds-ramal"
        } else {
            "holds-baresip"
        });
        let baresip = (!of_ours).then(|| house.baresip("1002", 1));
        let other = of_ours.then(|| house.answering_ramal("1002", 1));
        let moments = (0..20).map(|round| f64::from(round) * 0.4);
        let moments = moments.map(|at| [at + 0.5, at + 0.7].map(|at| at.to_string()));
        let moments: Vec<[String; 2]> = moments.collect();
        let uri = uri("1002");
        let mut words = vec!["call", uri.as_str(), "--duration", "16"];
        for [hold, resume] in &moments {
            words.extend(["--hold-at", hold, "--resume-at", resume]);
        }
        let (mut ramal, here) = house.ramal("1001", 0, &words);
        ramal.wait_for("answered", SOON);
        ramal.wait_for("ended", Duration::from_secs(40));
        ramal.exit_code(SOON);
        assert_eq!(ramal.all("held").len(), 20);
        assert_eq!(ramal.all("resumed").len(), 20);
        drop(baresip);
        assert_eq!(heard(&here), [1002]);
        if let Some((other, there)) = other {
            end(other);
            assert_eq!(heard(&there), [1001]);
        }
    }
}
