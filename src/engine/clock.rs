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

/// The time of day in seconds since 1970, UTC.
#[must_use]
pub fn unix() -> u64 {
    wall_clock()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
