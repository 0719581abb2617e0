//! The sender's clock and the speaker's are not the same. What one is ahead of the other is taken up
//! by playing a few millionths faster or slower, which nobody hears, instead of by leaving out and
//! repeating sound, which somebody may.

use super::delay::MILLI;

/// Nothing is done while the delay is off by no more than this, so that sound stays as it is to the
/// bit where the clocks agree.
const LEAST: i64 = -MILLI;
const MOST: i64 = 2 * MILLI;

/// An error beyond this is not the clocks': something was late, or the delay aimed at is another.
const NOT_THE_CLOCKS: i64 = 15 * MILLI;

/// Parts per million for each millisecond of error, at once and for each second that it lasts. Both
/// clocks together 300 ppm apart, the error stays below 2 ms beyond the bounds, and does not swing:
/// with the delay as an integrator of 1 ms in 1,000 s for each ppm, the damping is 1.
const AT_ONCE: f64 = 120.0;
const EACH_SECOND: f64 = 3.6;

/// Pulls in a second.
const PULLS: f64 = 100.0;

/// As far as it goes: two poor sound cards are 300 ppm apart.
const FARTHEST_PPM: f64 = 1_000.0;

/// How much of that an error may ask for at once: what came late is not to be heard as pitch.
const FARTHEST_AT_ONCE_PPM: f64 = 400.0;

/// Learns from the delay how far the clocks are apart.
#[derive(Debug, Default)]
pub(super) struct Drift {
    /// What has been learned, in ppm of playing faster.
    learned: f64,
    /// And what is done about the error of the moment.
    at_once: f64,
}

impl Drift {
    /// Takes note of 10 ms played with so much more delay, in nanoseconds, than there should be, or
    /// less.
    pub(super) fn observe(&mut self, excess: i64) {
        let error = excess - excess.clamp(LEAST, MOST);
        if excess.abs() > NOT_THE_CLOCKS {
            self.at_once = 0.0;
            return;
        }
        let millis = error as f64 / MILLI as f64;
        self.learned =
            (self.learned + millis * EACH_SECOND / PULLS).clamp(-FARTHEST_PPM, FARTHEST_PPM);
        self.at_once = (millis * AT_ONCE).clamp(-FARTHEST_AT_ONCE_PPM, FARTHEST_AT_ONCE_PPM);
    }

    /// Nothing is known of the delay just now: what was learned goes on.
    pub(super) fn hold(&mut self) {
        self.at_once = 0.0;
    }

    /// So much faster, in parts per million, is to be played; below zero, slower.
    pub(super) fn ppm(&self) -> f64 {
        (self.learned + self.at_once).clamp(-FARTHEST_PPM, FARTHEST_PPM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The excess of each second, in milliseconds, while the sender is so many ppm faster.
    fn course(sender_ppm: f64, seconds: usize, begins_at: f64) -> Vec<f64> {
        let mut drift = Drift::default();
        let mut excess = begins_at;
        (0..seconds * 100)
            .filter_map(|pull| {
                // In 10 ms the delay grows by 10 ms × ppm.
                excess += 10.0 * (sender_ppm - drift.ppm()) * 1e-6;
                drift.observe((excess * MILLI as f64) as i64);
                (pull % 100 == 99).then_some(excess)
            })
            .collect()
    }

    #[test]
    fn clocks_that_agree_are_left_alone() {
        let mut drift = Drift::default();
        for excess in [0, MOST, LEAST, MILLI] {
            drift.observe(excess);
            assert!(drift.ppm() == 0.0);
        }
    }

    #[test]
    fn three_hundred_millionths_are_followed_within_five_milliseconds() {
        for ppm in [300.0, -300.0, 40.0, -40.0] {
            let course = course(ppm, 600, 1.0);
            for excess in &course {
                assert!((-5.0..=5.0).contains(excess), "{ppm}: {excess}");
            }
            // And then it stands still, inside or at the edge of what is let be.
            let swing = course[500..]
                .iter()
                .map(|excess| (excess - course[500]).abs());
            assert!(swing.fold(0.0, f64::max) < 0.1, "{ppm}");
        }
    }

    #[test]
    fn what_is_not_the_clocks_teaches_nothing() {
        let mut drift = Drift::default();
        for excess in [16, 40, 250, -16, -90] {
            for _ in 0..1_000 {
                drift.observe(excess * MILLI);
            }
            assert!(drift.ppm() == 0.0, "{excess}");
        }
    }

    #[test]
    fn there_is_an_end_to_it() {
        for sign in [1, -1] {
            let mut drift = Drift::default();
            for _ in 0..1_000_000 {
                drift.observe(sign * NOT_THE_CLOCKS);
            }
            assert!(drift.ppm().abs() <= FARTHEST_PPM);
        }
    }
}
