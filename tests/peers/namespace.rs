//! Networks of a test's own, as the kernel has them: two machines and a cable between.

use super::process::{command, find};
use std::sync::atomic::{AtomicU32, Ordering};

/// Two networks joined by one cable, taken down with this.
pub(crate) struct Cable {
    /// The network of each end.
    pub(crate) ends: [String; 2],
}

impl Cable {
    /// Lays one; its ends have these addresses, each with its prefix. `None`: only who administers
    /// the machine may.
    pub(crate) fn lay(addresses: [&str; 2]) -> Option<Cable> {
        static LAID: AtomicU32 = AtomicU32::new(0);
        let number = LAID.fetch_add(1, Ordering::Relaxed);
        let name = |end| format!("ramal-{}-{number}-{end}", std::process::id());
        let cable = Cable {
            ends: [name("a"), name("b")],
        };
        let [a, b] = cable.ends.clone();
        if !ip(&["netns", "add", &a]) || !ip(&["netns", "add", &b]) {
            println!("PASSED OVER: no network of one's own may be made here");
            return None;
        }
        assert!(ip(&[
            "link", "add", "cable", "netns", &a, "type", "veth", "peer", "name", "cable", "netns",
            &b,
        ]));
        for (end, address) in cable.ends.iter().zip(addresses) {
            cable.at(end, &["link", "set", "lo", "up"]);
            cable.at(end, &["address", "add", address, "dev", "cable"]);
            cable.at(end, &["link", "set", "cable", "up"]);
        }
        Some(cable)
    }

    /// `ip` with these words, at one end.
    pub(crate) fn at(&self, end: &str, words: &[&str]) {
        let mut all = vec!["-n", end];
        all.extend(words);
        assert!(ip(&all), "ip {all:?}");
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for end in &self.ends {
            ip(&["netns", "delete", end]);
        }
    }
}

fn ip(words: &[&str]) -> bool {
    let mut ip = command(&find("ip").expect("asked for with needs!"));
    let done = ip.args(words).output().expect("ip can be started");
    if !done.status.success() {
        println!("ip {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    done.status.success()
}
