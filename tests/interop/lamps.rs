//! Busy lamps, presence and mailboxes at Kamailio's presence server.

use crate::peers::kamailio::{self, Kamailio, Options};
use crate::peers::publisher::Publisher;
use crate::peers::ramal::{CommandLine, Ramal, SOON};
use crate::peers::{folder, needs};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// As many lamps as a receptionist's desk has.
const LAMPS: u32 = 500;
/// How long after its change a lamp may be wrong.
const LATE: Duration = Duration::from_secs(2);
/// For how long the idle phone's cost is counted.
const SPAN: Duration = Duration::from_secs(20);
/// The kernel's clock tick in `/proc`, in seconds.
const TICK: f64 = 0.01;

/// Seconds that all threads of a process have computed (proc(5), fields 14 and 15).
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the program runs");
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        * TICK
}

fn with_presence(name: &str) -> Option<(std::path::PathBuf, Kamailio)> {
    if !kamailio::presence_at_hand() {
        return None;
    }
    let folder = folder(name);
    let options = Options {
        presence: true,
        ..Options::default()
    };
    let kamailio = Kamailio::start(&folder, options);
    Some((folder, kamailio))
}

fn extensions() -> Vec<String> {
    (2000..2000 + LAMPS)
        .map(|number| number.to_string())
        .collect()
}

/// Takes what the phone tells of lamps until each shows `lamp`, or the time is over. When each of
/// them did.
fn until_all_show(ramal: &mut Ramal, lamp: &str, patience: Duration) -> BTreeMap<String, Instant> {
    let give_up = Instant::now() + patience;
    let mut shown = BTreeMap::new();
    while shown.len() < LAMPS as usize {
        let left = give_up.saturating_duration_since(Instant::now());
        let Some(told) = ramal.next("notify", left) else {
            break;
        };
        if told["lamp"] == lamp {
            let uri = told["uri"].as_str().expect("whose it is").to_owned();
            shown.insert(uri, Instant::now());
        }
    }
    shown
}

#[test]
fn five_hundred_lamps_are_right_and_cost_next_to_nothing() {
    needs!("kamailio");
    let Some((folder, kamailio)) = with_presence("lamps") else {
        return;
    };
    let extensions = extensions();
    let mut words = vec!["watch", "--bind", "127.0.0.1"];
    words.extend(extensions.iter().map(String::as_str));
    let mut ramal = CommandLine::new(&words)
        .account("1001", &kamailio.address())
        .start(&folder, "ramal");
    ramal.wait_for("registered", SOON);
    let begun = Instant::now();
    let lit = until_all_show(&mut ramal, "idle", Duration::from_secs(60));
    assert_eq!(lit.len(), LAMPS as usize);
    println!(
        "{LAMPS} lamps are watched {:.1} s after the registration",
        begun.elapsed().as_secs_f64()
    );

    std::thread::sleep(Duration::from_secs(2));
    let before = cpu(ramal.id());
    std::thread::sleep(SPAN);
    let idle = (cpu(ramal.id()) - before) / SPAN.as_secs_f64();
    println!("idle with {LAMPS} lamps: {:.2} % of a core", idle * 100.0);
    assert!(idle < 0.01, "{idle} of a core");

    let mut publisher = Publisher::new(&kamailio.address());
    let mut latest = Duration::ZERO;
    for (state, lamp) in [
        ("early", "ringing"),
        ("confirmed", "busy"),
        ("terminated", "idle"),
    ] {
        let mut changed = BTreeMap::new();
        for user in &extensions {
            changed.insert(user.clone(), Instant::now());
            publisher.call(user, state);
        }
        let shown = until_all_show(&mut ramal, lamp, LATE * 5);
        let missing = extensions.iter().filter(|user| !shown.contains_key(*user));
        assert_eq!(missing.count(), 0, "some lamps never show {lamp}");
        for (user, at) in shown {
            latest = latest.max(at.saturating_duration_since(changed[&user]));
        }
    }
    println!("the latest lamp was right after {} ms", latest.as_millis());
    assert!(latest < LATE, "{latest:?}");

    ramal.interrupt();
    ramal.ends_with(0, SOON);
    // Everybody is told that nobody watches any more.
    let ended = kamailio.requests_seen("SUBSCRIBE", "1001");
    assert!(ended >= 2 * LAMPS as usize, "{ended}");
}

#[test]
fn presence_goes_from_one_phone_to_another() {
    needs!("kamailio");
    let Some((folder, kamailio)) = with_presence("presence") else {
        return;
    };
    let mut watcher = CommandLine::new(&["watch", "1002", "--event", "presence"])
        .with(&["--bind", "127.0.0.1"])
        .account("1001", &kamailio.address())
        .start(&folder, "watcher");
    watcher.wait_for("watch", SOON);
    let mut other = CommandLine::new(&["register", "--presence", "away"])
        .with(&["--bind", "127.0.0.1"])
        .account("1002", &kamailio.address())
        .start(&folder, "other");
    assert_eq!(other.wait_for("publication", SOON)["state"], "published");
    let told = watcher.wait_for("notify", SOON);
    assert_eq!(told["basic"], "open");
    assert_eq!(told["activities"], Value::from(vec!["away"]));
    // Who leaves is gone at once, and not when their publication runs out.
    other.interrupt();
    other.ends_with(0, SOON);
    let told = watcher.wait_for("notify", SOON);
    assert_ne!(told["basic"], "open", "{told}");
    watcher.interrupt();
    watcher.ends_with(0, SOON);
}

#[test]
fn a_package_that_the_server_does_not_have_is_said() {
    needs!("kamailio");
    let folder = folder("no-presence");
    let kamailio = Kamailio::start(&folder, Options::default());
    let mut ramal = CommandLine::new(&["watch", "2000", "--bind", "127.0.0.1"])
        .account("1001", &kamailio.address())
        .start(&folder, "ramal");
    // Without its module Kamailio passes the question on, and there is nobody.
    assert_eq!(ramal.wait_for("watch", SOON)["status"], 480);
    ramal.interrupt();
    ramal.ends_with(5, SOON);
}
