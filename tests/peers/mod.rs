//! Other people's SIP programs, started for one test each and ended with it.
//!
//! Every test has its own registrar, phones and ports, so tests run side by side. Nothing here uses
//! Ramal's own code: what judges it must not share its mistakes.

pub(crate) mod baresip;
pub(crate) mod kamailio;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod ramal;
pub(crate) mod sipp;
pub(crate) mod sound;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The domain served by the registrar; never looked up, every peer is given an address.
pub(crate) const DOMAIN: &str = "ramal.test";

/// The password of a user, at every peer.
pub(crate) fn password(user: &str) -> String {
    format!("pw-{user}")
}

/// Whether the programs of other people are here.
///
/// In continuous integration a missing one is a failure. At a desk the test says what it lacks and
/// is passed over.
pub(crate) fn at_hand(programs: &[&str]) -> bool {
    let missing: Vec<&&str> = programs
        .iter()
        .filter(|p| process::find(p).is_none())
        .collect();
    if missing.is_empty() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "missing: {missing:?}; scripts/setup.sh test installs them"
    );
    println!("PASSED OVER, missing: {missing:?}; `make setup` installs them");
    false
}

/// Ends the test early where a peer is missing; see [`at_hand`].
macro_rules! needs {
    ($($program:expr),+ $(,)?) => {
        if !$crate::peers::at_hand(&[$($program),+]) {
            return;
        }
    };
}
pub(crate) use needs;

/// A fresh folder for one test's files, kept after it so that a failure can be looked into.
pub(crate) fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("peers")
        .join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the build's folder can be written");
    folder
}

/// A file of the package.
pub(crate) fn package_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Asks until `what` answers, and fails with `saying` when `patience` is over.
///
/// Other programs tell nobody when they are ready; asking again is all that can be done.
pub(crate) fn wait_until<T>(
    patience: Duration,
    saying: impl Fn() -> String,
    mut what: impl FnMut() -> Option<T>,
) -> T {
    let give_up = Instant::now() + patience;
    loop {
        if let Some(answer) = what() {
            return answer;
        }
        assert!(Instant::now() < give_up, "{}", saying());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The last lines of a log, for a failure's message.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    format!("--- {}\n{}\n", path.display(), all[from..].join("\n"))
}
