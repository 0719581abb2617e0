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

/// The time of day that it was at this moment of [`now`]'s clock.
#[must_use]
pub fn wall_clock_at(at: Instant) -> SystemTime {
    let (now, wall) = (now(), wall_clock());
    let then = match now.checked_duration_since(at) {
        Some(ago) => wall.checked_sub(ago),
        None => wall.checked_add(at.saturating_duration_since(now)),
    };
    then.unwrap_or(wall)
}

/// How long all threads of this program have computed; `None` where the system does not tell.
#[must_use]
pub fn process_cpu() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let spent = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).ok()?;
        Some(Duration::from(spent))
    }
    #[cfg(not(target_os = "linux"))]
    None
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

/// The time of day in milliseconds since 1970, UTC.
#[must_use]
pub fn unix_ms() -> u64 {
    let since = wall_clock().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// The time of day in seconds since 1970, UTC.
#[must_use]
pub fn unix() -> u64 {
    wall_clock()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
