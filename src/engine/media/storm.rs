//! Errors of a device come in storms, hundreds within a second; a storm is one line in the log.

use std::time::{Duration, Instant};

/// A storm is over when no error has come for so long.
const CALM: Duration = Duration::from_secs(1);

/// One that does not end is told of so often.
const LONGEST: Duration = Duration::from_secs(60);

/// Counts the errors of one device.
#[derive(Debug, Default)]
pub(super) struct Storm {
    errors: u64,
    began_at: Option<Instant>,
    last_at: Option<Instant>,
}

impl Storm {
    /// Takes the errors that have come since the last look. Answers how many a storm had, once
    /// it is over.
    pub(super) fn count(&mut self, now: Instant, errors: u32) -> Option<u64> {
        if errors > 0 {
            self.errors += u64::from(errors);
            self.began_at.get_or_insert(now);
            self.last_at = Some(now);
        }
        let (began_at, last_at) = self.began_at.zip(self.last_at)?;
        let over = now.saturating_duration_since(last_at) >= CALM
            || now.saturating_duration_since(began_at) >= LONGEST;
        over.then(|| std::mem::take(self).errors)
    }

    /// The device is gone, and the storm with it. Answers how many errors it had, if any.
    pub(super) fn end(&mut self) -> Option<u64> {
        let errors = std::mem::take(self).errors;
        (errors > 0).then_some(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts `errors` of each tick of 10 ms; the lines that are written.
    fn lines(errors: impl IntoIterator<Item = u32>) -> Vec<u64> {
        let mut storm = Storm::default();
        let mut now = crate::engine::clock::now();
        let mut lines = Vec::new();
        for errors in errors {
            now += Duration::from_millis(10);
            lines.extend(storm.count(now, errors));
        }
        lines.extend(storm.end());
        lines
    }

    #[test]
    fn a_burst_of_581_errors_is_one_line() {
        assert_eq!(lines([580, 1].into_iter().chain([0; 200])), [581]);
        assert_eq!(
            lines([7; 83]),
            [581],
            "also when the device is gone with it"
        );
    }

    #[test]
    fn errors_half_a_second_apart_are_one_storm_and_two_seconds_apart_are_two() {
        let apart = |ticks: usize| {
            let one = || [1].into_iter().chain(std::iter::repeat_n(0, ticks));
            lines(one().chain(one()))
        };
        assert_eq!(apart(50), [2]);
        assert_eq!(apart(200), [1, 1]);
    }

    #[test]
    fn a_storm_without_end_is_told_once_a_minute() {
        assert_eq!(lines([1; 12_100]).len(), 3);
    }

    #[test]
    fn calm_is_not_told() {
        assert!(lines([0; 500]).is_empty());
    }
}
