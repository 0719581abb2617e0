//! How far the first packets of a stream are spread in time, and what that says of those to come.
//!
//! A rare lateness is known after hundreds of packets; mean, deviation and skewness say after some
//! tens about where it will be. Whoever waits for it to be seen stops once for each record.

use super::delay::{MILLI, Nanos};

/// Deviations above the mean at which one packet in a thousand is late, were they spread evenly to
/// both sides; so many more for each unit of skewness (Cornish and Fisher's expansion for that
/// share: (3² − 1) / 6).
const DEVIATIONS: f64 = 3.0;
const FOR_SKEWNESS: f64 = 4.0 / 3.0;

/// The skewness of two exponential delays in a row is 1.4; beyond this it is a single packet's.
const MOST_SKEWED: f64 = 2.0;

/// What came in order counts up to so many deviations from the mean, and so many milliseconds.
const FARTHEST: f64 = 5.0;
const STILL_NEAR: f64 = 20.0;

/// How many deviations more for so few packets: they tell a deviation to about a share of
/// `1 / √(2 n)`, and what is slow to come has not come yet. Too long a delay is taken back in the
/// next pause; a word that stops is heard.
const DOUBT: f64 = 3.0;
const CERTAIN: f64 = 200.0;

/// Packets until it is any spread.
const FEW: u32 = 4;

/// Packets until one that is far behind can be told from the others.
const SOME: u32 = 10;

/// Mean, deviation and skewness, in milliseconds, of lateness.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread {
    count: u32,
    powers: [f64; 3],
}

impl Spread {
    /// Takes note of a packet so late.
    pub(super) fn add(&mut self, late: Nanos, overtaken: bool) {
        let mut millis = late as f64 / MILLI as f64;
        if self.count > SOME {
            // A single one far behind says nothing about the rest.
            let (mean, deviation, _) = self.moments();
            let farthest = if overtaken {
                DEVIATIONS * deviation
            } else {
                FARTHEST * deviation + STILL_NEAR
            };
            millis = millis.min(mean + farthest);
        }
        self.count += 1;
        let mut power = 1.0;
        for sum in &mut self.powers {
            power *= millis;
            *sum += power;
        }
    }

    /// The delay with which about all will be in time.
    pub(super) fn reach(&self) -> Nanos {
        if self.count < FEW {
            return 0;
        }
        let (mean, deviation, skewness) = self.moments();
        let deviations = DEVIATIONS + FOR_SKEWNESS * skewness.clamp(0.0, MOST_SKEWED);
        let doubt = f64::from(self.count).sqrt().recip() - CERTAIN.sqrt().recip();
        let deviations = deviations * (1.0 + DOUBT * doubt.max(0.0));
        ((mean + deviations * deviation) * MILLI as f64) as Nanos
    }

    fn moments(&self) -> (f64, f64, f64) {
        let [first, second, third] = self.powers.map(|sum| sum / f64::from(self.count.max(1)));
        let variance = (second - first * first).max(0.0);
        let skewed = third - 3.0 * first * variance - first.powi(3);
        // A spread of less than a tenth of a millisecond is none.
        (
            first,
            variance.sqrt(),
            skewed / variance.powf(1.5).max(1e-3),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    fn reach(packets: u32, late: impl Fn(&mut dyn FnMut() -> f64) -> f64) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut uniform = move || (f64::from(rng.next_u32()) + 1.0) / (f64::from(u32::MAX) + 2.0);
        let mut spread = Spread::default();
        for _ in 0..packets {
            spread.add((late(&mut uniform) * MILLI as f64) as Nanos, false);
        }
        spread.reach() as f64 / MILLI as f64
    }

    #[test]
    fn packets_all_in_time_are_not_spread() {
        assert_eq!(Spread::default().reach(), 0);
        assert_eq!(reach(50, |_| 0.0), 0.0);
        assert!((reach(50, |_| 7.0) - 7.0).abs() < 0.1);
    }

    /// The quantile of 0.999 of a gamma distribution of shape 2 and scale 10 is 92.3; that of a
    /// normal one of 60 around 200 is 385.
    #[test]
    fn fifty_packets_say_about_where_the_latest_of_a_thousand_will_be() {
        let gamma = reach(50, |draw| -10.0 * (draw().ln() + draw().ln()));
        assert!((70.0..=110.0).contains(&gamma), "{gamma}");
        let normal = reach(50, |draw| {
            let radius = (-2.0 * draw().ln()).sqrt();
            200.0 + 60.0 * radius * (std::f64::consts::TAU * draw()).cos()
        });
        assert!((330.0..=440.0).contains(&normal), "{normal}");
    }

    #[test]
    fn a_single_straggler_says_little() {
        let with = |straggler: i64, overtaken: bool| {
            let mut spread = Spread::default();
            for index in 0..40 {
                let late = if index == 30 {
                    straggler
                } else {
                    index % 4 * 5
                };
                spread.add(late * MILLI, overtaken && index == 30);
            }
            spread.reach() / MILLI
        };
        let without = with(0, false);
        assert!((without..without + 10).contains(&with(150, true)));
        assert!((without..without + 60).contains(&with(900, false)));
    }
}
