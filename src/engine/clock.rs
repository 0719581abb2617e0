//! The one clock: whoever else needs the time is told it.

#![expect(clippy::disallowed_methods, reason = "the one clock")]

use std::time::{Duration, Instant, SystemTime};

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

/// How long the calling thread has computed; `None` where the system does not tell.
#[must_use]
pub fn thread_cpu() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let spent = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
        Some(Duration::from(spent))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// The time of day in seconds since 1970, UTC.
#[must_use]
pub fn unix() -> u64 {
    wall_clock()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
