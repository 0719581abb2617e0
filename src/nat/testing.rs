//! What the tests of this folder start from.

use std::time::Instant;

/// Some instant; tests count from it.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant has no other constructor"
)]
pub(crate) fn start() -> Instant {
    Instant::now()
}
