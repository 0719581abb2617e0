//! How much sound is kept ready for a speaker beyond what it takes at once.
//!
//! The media thread comes by every 10 ms and is late now and then, by how much depends on the
//! machine. Every millisecond kept is a millisecond later heard, so it begins with little, keeps
//! more once that was too little, and less again when it has been enough for long.

use std::time::{Duration, Instant};

/// One tick of the media thread.
const LEAST: Duration = Duration::from_millis(10);

/// What even a machine under heavy load is not late by.
const MOST: Duration = Duration::from_millis(60);

/// Added each time that it was too little.
const MORE: Duration = Duration::from_millis(5);

/// Taken away after each [`CALM`] in which it was enough.
const LESS: Duration = Duration::from_millis(1);
const CALM: Duration = Duration::from_secs(10);

/// A stream that has just begun asks for sound before there is any.
const BEGINNING: Duration = Duration::from_millis(500);

/// The margin of one speaker.
#[derive(Debug)]
pub(super) struct Margin {
    span: Duration,
    began_at: Option<Instant>,
    calm_since: Option<Instant>,
}

impl Default for Margin {
    fn default() -> Margin {
        Margin {
            span: LEAST,
            began_at: None,
            calm_since: None,
        }
    }
}

impl Margin {
    /// What is kept.
    pub(super) fn span(&self) -> Duration {
        self.span
    }

    /// A stream begins. What the machine needs is known from the one before.
    pub(super) fn begin(&mut self) {
        (self.began_at, self.calm_since) = (None, None);
    }

    /// Takes the samples that were missing since the last look, usually none.
    pub(super) fn take_missed(&mut self, now: Instant, missed: u32) {
        let began_at = *self.began_at.get_or_insert(now);
        if now.saturating_duration_since(began_at) < BEGINNING {
            return;
        }
        let calm_since = *self.calm_since.get_or_insert(now);
        if missed > 0 {
            self.span = (self.span + MORE).min(MOST);
            self.calm_since = Some(now);
        } else if now.saturating_duration_since(calm_since) >= CALM {
            self.span = self.span.saturating_sub(LESS).max(LEAST);
            self.calm_since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        margin: Margin,
        now: Instant,
    }

    impl Bench {
        fn new() -> Bench {
            Bench {
                margin: Margin::default(),
                now: crate::engine::clock::now(),
            }
        }

        fn pass(&mut self, span: Duration, missed: u32) -> u128 {
            let end = self.now + span;
            while self.now < end {
                self.now += Duration::from_millis(10);
                self.margin.take_missed(self.now, missed);
            }
            self.margin.span().as_millis()
        }
    }

    #[test]
    fn sound_that_was_missing_is_missing_less_often() {
        let mut bench = Bench::new();
        assert_eq!(bench.pass(Duration::from_secs(5), 0), 10);
        assert_eq!(bench.pass(Duration::from_millis(10), 120), 15);
        assert_eq!(bench.pass(Duration::from_millis(20), 1), 25);
        assert_eq!(bench.pass(Duration::from_secs(5), 480), 60, "at most");
    }

    #[test]
    fn what_was_enough_for_long_becomes_less_down_to_one_tick() {
        let mut bench = Bench::new();
        bench.pass(Duration::from_secs(1), 0);
        assert_eq!(bench.pass(Duration::from_millis(10), 120), 15);
        assert_eq!(bench.pass(Duration::from_secs(9), 0), 15);
        assert_eq!(bench.pass(Duration::from_secs(2), 0), 14);
        assert_eq!(bench.pass(Duration::from_secs(600), 0), 10);
    }

    #[test]
    fn what_is_missing_while_a_stream_begins_says_nothing() {
        let mut bench = Bench::new();
        assert_eq!(bench.pass(Duration::from_millis(490), 480), 10);
        bench.pass(Duration::from_secs(1), 480);
        let before = bench.margin.span().as_millis();
        bench.margin.begin();
        assert_eq!(bench.pass(Duration::from_millis(490), 480), before);
    }
}
