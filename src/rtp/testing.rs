//! What the tests of this folder share.

use std::time::Instant;

/// Where a test's time begins; it moves by addition only.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant has no other constructor"
)]
pub(crate) fn start() -> Instant {
    Instant::now()
}
