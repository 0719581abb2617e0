//! A bad network, the same for the same seed.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What becomes of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does not arrive.
    Lost,
    /// It arrives, later by this much.
    Delayed(Duration),
}

/// Loss in bursts (Gilbert's model: a good and a bad state) and a spread of delay.
#[derive(Clone, Debug)]
pub struct Impairment {
    rng: ChaCha8Rng,
    bad: bool,
}

/// From good to bad, per packet, in 1/1000.
const WORSENS: u32 = 25;
/// From bad to good, per packet, in 1/1000: a mean burst of 2.5 packets, 6% lost in all.
const MENDS: u32 = 400;
/// The least delay.
const BASE: Duration = Duration::from_millis(30);
/// What may come on top, evenly spread.
const SPREAD_MICROS: u32 = 40_000;

impl Impairment {
    /// A network that treats the n-th packet the same way each time.
    #[must_use]
    pub fn new(seed: u64) -> Impairment {
        Impairment {
            rng: ChaCha8Rng::seed_from_u64(seed),
            bad: false,
        }
    }

    /// Decides over the next packet.
    pub fn decide(&mut self) -> Fate {
        let roll = self.rng.next_u32() % 1000;
        let spread = self.rng.next_u32() % SPREAD_MICROS;
        self.bad = if self.bad {
            roll >= MENDS
        } else {
            roll < WORSENS
        };
        if self.bad {
            Fate::Lost
        } else {
            Fate::Delayed(BASE + Duration::from_micros(u64::from(spread)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_network() {
        let fates = |seed| {
            let mut network = Impairment::new(seed);
            (0..200).map(|_| network.decide()).collect::<Vec<_>>()
        };
        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
    }

    #[test]
    fn about_six_in_a_hundred_are_lost_in_bursts() {
        let mut network = Impairment::new(1);
        let fates: Vec<_> = (0..20_000)
            .map(|_| network.decide() == Fate::Lost)
            .collect();
        let lost = fates.iter().filter(|lost| **lost).count();
        assert!((900..1500).contains(&lost), "{lost} of 20000");
        let bursts = fates.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        let mean = lost as f64 / bursts as f64;
        assert!((2.0..3.0).contains(&mean), "bursts of {mean}");
    }
}
