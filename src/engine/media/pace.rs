//! Keeps the stream going when a running microphone stops giving: RTP time goes on whether there
//! is sound or not (RFC 3550 section 5.1).

/// Ticks without a frame after which silence stands in.
const PATIENCE: usize = 6;

/// Ticks after a standstill in which what comes beyond the usual is taken for what was held up.
const WAKING: usize = 50;

/// Counts frames of 10 ms: those of the microphone, and those that stood in for them.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Ticks since the last frame.
    idle: usize,
    /// Of these, filled with silence.
    filled: usize,
    /// Frames filled that the microphone may still bring.
    owed: usize,
    /// Ticks until nothing is owed any more.
    waking: usize,
}

/// What to do in this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Say so many frames of silence.
    Silence(usize),
    /// Drop the oldest frames that wait, then say the others.
    Speak { dropped: usize },
}

impl Pace {
    /// `ticks` have passed and `waiting` frames are there; the device brings `usual` of them with
    /// each of its callbacks.
    pub(super) fn step(&mut self, ticks: usize, waiting: usize, usual: usize) -> Step {
        if waiting == 0 {
            self.idle += ticks;
            if self.idle < PATIENCE.max(2 * usual) {
                return Step::Silence(0);
            }
            let missing = self.idle - self.filled;
            self.filled = self.idle;
            self.owed += missing;
            self.waking = WAKING;
            return Step::Silence(missing);
        }
        (self.idle, self.filled) = (0, 0);
        let late = waiting.saturating_sub(usual.max(ticks) + 1);
        let dropped = late.min(self.owed);
        self.owed -= dropped;
        self.waking = self.waking.saturating_sub(ticks);
        if self.waking == 0 {
            // What has not come by now is lost, and the clocks are together again.
            self.owed = 0;
        }
        Step::Speak { dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hiccup_is_waited_for() {
        let mut pace = Pace::default();
        for _ in 0..5 {
            assert_eq!(pace.step(1, 0, 1), Step::Silence(0));
        }
        assert_eq!(pace.step(1, 6, 1), Step::Speak { dropped: 0 });
    }

    #[test]
    fn a_standstill_is_filled_from_its_beginning() {
        let mut pace = Pace::default();
        for _ in 0..5 {
            assert_eq!(pace.step(1, 0, 1), Step::Silence(0));
        }
        assert_eq!(pace.step(1, 0, 1), Step::Silence(6));
        assert_eq!(pace.step(1, 0, 1), Step::Silence(1));
        assert_eq!(pace.step(3, 0, 1), Step::Silence(3));
    }

    #[test]
    fn as_many_late_frames_are_dropped_as_were_filled_and_no_more() {
        let mut pace = Pace::default();
        pace.step(20, 0, 1);
        assert_eq!(pace.step(1, 12, 1), Step::Speak { dropped: 10 });
        assert_eq!(pace.step(1, 1, 1), Step::Speak { dropped: 0 });
        assert_eq!(pace.step(1, 22, 1), Step::Speak { dropped: 10 });
        assert_eq!(pace.step(1, 22, 1), Step::Speak { dropped: 0 });
    }

    #[test]
    fn what_was_lost_is_not_held_against_what_comes_later() {
        let mut pace = Pace::default();
        pace.step(200, 0, 1);
        for _ in 0..50 {
            assert_eq!(pace.step(1, 1, 1), Step::Speak { dropped: 0 });
        }
        assert_eq!(pace.step(1, 20, 1), Step::Speak { dropped: 0 });
    }

    #[test]
    fn a_device_of_large_callbacks_is_given_the_time_of_two() {
        let mut pace = Pace::default();
        for _ in 0..19 {
            assert_eq!(pace.step(1, 0, 10), Step::Silence(0));
        }
        assert_eq!(pace.step(1, 0, 10), Step::Silence(20));
        assert_eq!(pace.step(1, 10, 10), Step::Speak { dropped: 0 });
    }
}
