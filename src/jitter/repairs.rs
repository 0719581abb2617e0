//! Whether the packet behind the next one is wanted at hand, to repair from it.

use std::time::{Duration, Instant};

/// How long losses are remembered.
const MEMORY: Duration = Duration::from_secs(10);

/// Losses of a stream, and whether anything can be done about them.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    lost_at: Option<Instant>,
    until: Option<Instant>,
    /// A packet behind a loss was of use.
    useful: bool,
}

impl Repairs {
    /// A packet was lost; `useful` says that the one behind it helps.
    ///
    /// From the second within ten seconds on the next packet is wanted: one loss by itself is not
    /// worth a longer delay.
    pub(super) fn note_loss(&mut self, now: Instant, useful: bool) {
        self.useful |= useful;
        let before = self.lost_at.replace(now);
        if before.is_some_and(|before| now < before + MEMORY) {
            self.until = Some(now + MEMORY);
        }
    }

    /// Whether the next packet is wanted at hand.
    pub(super) fn are_wanted(&self, now: Instant) -> bool {
        self.useful && self.until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do as the beginning of time"
    )]
    fn beginning() -> Instant {
        Instant::now()
    }

    #[test]
    fn the_second_loss_in_ten_seconds_is_worth_a_longer_delay_for_ten_more() {
        let start = beginning();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut repairs = Repairs::default();
        repairs.note_loss(at(0), true);
        assert!(!repairs.are_wanted(at(0)));
        repairs.note_loss(at(10), true);
        assert!(!repairs.are_wanted(at(10)));
        repairs.note_loss(at(19), true);
        assert!(repairs.are_wanted(at(19)));
        assert!(repairs.are_wanted(at(28)));
        assert!(!repairs.are_wanted(at(29)));
    }

    #[test]
    fn losses_that_nothing_helps_against_are_not_waited_for() {
        let start = beginning();
        let mut repairs = Repairs::default();
        for second in 0..5 {
            repairs.note_loss(start + Duration::from_secs(second), false);
        }
        let now = start + Duration::from_secs(5);
        assert!(!repairs.are_wanted(now));
        repairs.note_loss(now, true);
        assert!(repairs.are_wanted(now));
    }
}
