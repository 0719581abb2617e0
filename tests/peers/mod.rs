//! Other people's SIP programs, started for one test each and ended with it.
//!
//! Every test has its own registrar, phones and ports, so tests run side by side. Nothing here uses
//! Ramal's own code: what judges it must not share its mistakes.

pub(crate) mod baresip;
pub(crate) mod certificates;
pub(crate) mod kamailio;
#[cfg(target_os = "linux")]
pub(crate) mod namespace;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod publisher;
pub(crate) mod pulse;
pub(crate) mod ramal;
pub(crate) mod sipp;
pub(crate) mod sound;
pub(crate) mod tones;
#[cfg(target_os = "linux")]
pub(crate) mod wire;

use std::path::{Path, PathBuf};

pub(crate) use process::{at_hand, tail, wait_until};

/// The domain served by the registrar; never looked up, every peer is given an address.
pub(crate) const DOMAIN: &str = "ramal.test";

/// The password of a user, at every peer.
pub(crate) fn password(user: &str) -> String {
    format!("pw-{user}")
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
