//! How hard the encoder may work, from how long it takes.

use std::time::Duration;

/// The efforts gone through, best first. At 24 kbit/s they give PESQ-WB 4.34, 4.26, 4.14 and 4.00
/// for 0.71, 0.48, 0.37 and 0.23 s of a processor for a minute; 10 gives what 9 does.
const STEPS: [u8; 4] = [9, 5, 2, 0];

/// More of one processor than this for one call's encoder is too much.
const TOO_MUCH: f32 = 0.2;
/// So little leaves room for a step up, which costs less than three times as much.
const LITTLE: f32 = 0.05;
/// What one packet weighs in the mean.
const WEIGHT: f32 = 1.0 / 64.0;
/// Sound encoded before the mean is believed after a change, and before a step up.
const SETTLE: Duration = Duration::from_secs(2);
const WAIT: Duration = Duration::from_secs(15);
/// What is taken for a moment in which the encoder was not let run.
const OUTLIER: f32 = 4.0;

/// How hard the encoder works.
#[derive(Clone, Debug, Default)]
pub(super) struct Effort {
    step: usize,
    /// Time spent for each second of sound, on average; `None` before the first packet.
    share: Option<f32>,
    /// Sound encoded since the last change, and since it was last not little work.
    settled: Duration,
    idle: Duration,
}

impl Effort {
    /// 0 to 10.
    pub(super) fn complexity(&self) -> u8 {
        STEPS[self.step]
    }

    /// Takes how long a packet of `sound` took; answers whether that changed the effort.
    pub(super) fn handle_work(&mut self, spent: Duration, sound: Duration) -> bool {
        if sound.is_zero() {
            return false;
        }
        let share = spent.as_secs_f32() / sound.as_secs_f32();
        let mean = self.share.unwrap_or(share.min(TOO_MUCH));
        // One packet in which the processor was elsewhere says little.
        let share = share.min(OUTLIER * mean.max(TOO_MUCH));
        let mean = mean + WEIGHT * (share - mean);
        self.share = Some(mean);
        self.settled = self.settled.saturating_add(sound);
        self.idle = if mean < LITTLE {
            self.idle.saturating_add(sound)
        } else {
            Duration::ZERO
        };
        let step = if mean > TOO_MUCH && self.settled > SETTLE {
            (self.step + 1).min(STEPS.len() - 1)
        } else if self.idle > WAIT {
            self.step.saturating_sub(1)
        } else {
            self.step
        };
        if step == self.step {
            return false;
        }
        (self.settled, self.idle) = (Duration::ZERO, Duration::ZERO);
        self.step = step;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTIME: Duration = Duration::from_millis(20);

    fn work(effort: &mut Effort, percent: u32, packets: u32) {
        for _ in 0..packets {
            effort.handle_work(PTIME / 100 * percent, PTIME);
        }
    }

    #[test]
    fn a_slow_processor_is_spared_and_a_fast_one_is_not() {
        let mut effort = Effort::default();
        work(&mut effort, 3, 5_000);
        assert_eq!(effort.complexity(), 9);
        work(&mut effort, 30, 400);
        assert!(effort.complexity() < 9);
        work(&mut effort, 60, 5_000);
        assert_eq!(effort.complexity(), 0);
    }

    #[test]
    fn the_way_back_is_taken_one_step_in_fifteen_seconds() {
        let mut effort = Effort::default();
        work(&mut effort, 60, 5_000);
        work(&mut effort, 3, 700);
        assert_eq!(effort.complexity(), 0);
        work(&mut effort, 3, 500);
        assert_eq!(effort.complexity(), 2);
        work(&mut effort, 3, 2_000);
        assert_eq!(effort.complexity(), 9);
    }

    #[test]
    fn between_much_and_little_nothing_changes() {
        let mut effort = Effort::default();
        work(&mut effort, 25, 500);
        let complexity = effort.complexity();
        work(&mut effort, 12, 10_000);
        assert_eq!(effort.complexity(), complexity);
    }

    #[test]
    fn a_moment_without_the_processor_is_no_reason() {
        let mut effort = Effort::default();
        work(&mut effort, 3, 500);
        assert!(!effort.handle_work(Duration::from_secs(5), PTIME));
        work(&mut effort, 3, 500);
        assert_eq!(effort.complexity(), 9);
        assert!(!effort.handle_work(Duration::MAX, Duration::ZERO));
    }
}
