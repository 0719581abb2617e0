//! Times for the tests of this folder.

use std::time::{Duration, Instant};

/// The moment at which a test begins. Only differences to it matter.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant has no other constructor"
)]
pub(crate) fn start() -> Instant {
    Instant::now()
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
