//! The one clock: whoever else needs the time is told it.

#![expect(clippy::disallowed_methods, reason = "the one clock")]

use std::time::{Instant, SystemTime};

/// The time, never going back.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day, for what people and RTCP reports are told.
#[must_use]
pub fn wall_clock() -> SystemTime {
    SystemTime::now()
}
