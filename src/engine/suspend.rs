//! Whether the machine has slept.
//!
//! The clock that timers run on stands still meanwhile, on Linux and macOS; the time of day does
//! not. Where both run on, what was due is done on waking up, and nothing is missed.

use std::time::{Duration, Instant, SystemTime};

/// What the time of day may gain on the other clock without it meaning anything: it is corrected
/// now and then, mostly by less.
const TOLERANCE: Duration = Duration::from_secs(10);

/// Compares both clocks from one look to the next.
#[derive(Debug)]
pub(super) struct SleepWatch {
    seen: (Instant, SystemTime),
}

impl SleepWatch {
    pub(super) const fn new(now: Instant, time_of_day: SystemTime) -> SleepWatch {
        SleepWatch {
            seen: (now, time_of_day),
        }
    }

    /// Looks at the clocks; says whether the machine has slept since the last look. A time of day
    /// that was set forward looks the same, and one that was set back like nothing.
    pub(super) fn has_slept(&mut self, now: Instant, time_of_day: SystemTime) -> bool {
        let (then, day_then) = std::mem::replace(&mut self.seen, (now, time_of_day));
        let passed = now.saturating_duration_since(then);
        let by_day = time_of_day.duration_since(day_then).unwrap_or_default();
        by_day > passed.saturating_add(TOLERANCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::clock;

    /// Whether each step, of so many seconds by one clock and by the other, looks like sleep.
    fn watch(steps: &[(u64, i64)]) -> Vec<bool> {
        let (mut now, mut day) = (clock::now(), SystemTime::UNIX_EPOCH);
        day += Duration::from_secs(1_000_000);
        let mut watch = SleepWatch::new(now, day);
        let looks = steps.iter().map(|(passed, by_day)| {
            now += Duration::from_secs(*passed);
            let span = Duration::from_secs(by_day.unsigned_abs());
            day = if *by_day < 0 { day - span } else { day + span };
            watch.has_slept(now, day)
        });
        looks.collect()
    }

    #[test]
    fn a_time_of_day_that_ran_ahead_is_sleep_and_is_told_once() {
        assert_eq!(watch(&[(5, 5), (5, 3_605), (5, 5)]), [false, true, false]);
    }

    #[test]
    fn a_busy_hour_and_a_corrected_clock_are_no_sleep() {
        assert_eq!(
            watch(&[(3_600, 3_600), (5, 12), (5, -7_000), (5, 5)]),
            [false; 4]
        );
    }
}
