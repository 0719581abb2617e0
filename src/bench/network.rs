//! Bad networks, the same for the same seed: fate is decided by a packet's number, so that every
//! build and every codec meets the same.

use std::f64::consts::TAU;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What the network is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// Nothing happens.
    Clean,
    /// One packet in twenty is lost, each by itself.
    Loss5,
    /// One in ten.
    Loss10,
    /// One in five, in bursts of three on average (Gilbert's model).
    Loss20Burst,
    /// A busy radio cell: gamma-distributed jitter of 20 ms, in order; one packet in 250 comes
    /// 150 ms later, behind those that have overtaken it; little loss.
    Wifi,
    /// Normal jitter of 60 ms around 120 ms, so that every third packet overtakes another.
    Jitter60,
    /// A queue that fills and drains: another delay every 6 s.
    Bufferbloat,
    /// Three in a hundred come 25 ms later than the others, three twice.
    ReorderDup,
    /// As [`Profile::Wifi`], but what holds one packet up holds up all behind it: they come at
    /// once, and nothing overtakes.
    WifiStall,
}

/// The delay of those profiles that are not about delay.
const NEAR: f64 = 5.0;

/// How often a packet of a radio cell is held up, and for how many ms.
const SPIKES: f64 = 0.004;
const SPIKE: f64 = 150.0;

/// How long each delay of [`Profile::Bufferbloat`] lasts, and what they are in ms.
const STEP: Duration = Duration::from_secs(6);
const STEPS: [f64; 5] = [20.0, 120.0, 250.0, 60.0, 20.0];

impl Profile {
    /// All of them, from the mildest on.
    pub const ALL: [Profile; 9] = [
        Profile::Clean,
        Profile::Loss5,
        Profile::Loss10,
        Profile::Loss20Burst,
        Profile::Wifi,
        Profile::Jitter60,
        Profile::Bufferbloat,
        Profile::ReorderDup,
        Profile::WifiStall,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Clean => "clean",
            Profile::Loss5 => "loss5",
            Profile::Loss10 => "loss10",
            Profile::Loss20Burst => "loss20burst",
            Profile::Wifi => "wifi",
            Profile::Jitter60 => "jitter60",
            Profile::Bufferbloat => "bufferbloat",
            Profile::ReorderDup => "reorderdup",
            Profile::WifiStall => "wifistall",
        }
    }

    /// The profile of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Profile> {
        Profile::ALL
            .into_iter()
            .find(|profile| profile.name() == name)
    }

    /// Whether packets stay in order whatever their delays.
    fn keeps_order(self) -> bool {
        matches!(
            self,
            Profile::Wifi | Profile::WifiStall | Profile::Bufferbloat
        )
    }
}

/// What becomes of a packet: when its copies arrive, counted from the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// `None`: it is lost.
    pub arrives: Option<Duration>,
    /// And once more.
    pub again: Option<Duration>,
}

/// A network of one direction.
#[derive(Clone, Debug)]
pub struct Network {
    profile: Profile,
    rng: ChaCha8Rng,
    bad: bool,
    last: Duration,
}

impl Network {
    /// The network of this profile and seed, before its first packet.
    #[must_use]
    pub fn new(profile: Profile, seed: u64) -> Network {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(profile as u64);
        Network {
            profile,
            rng,
            bad: false,
            last: Duration::ZERO,
        }
    }

    /// Decides over the next packet, sent at `sent` from the beginning.
    pub fn carry(&mut self, sent: Duration) -> Fate {
        // As many draws for each packet, whatever they are used for.
        let draws: [f64; 5] = std::array::from_fn(|_| self.uniform());
        if self.loses(draws[0]) {
            return Fate::default();
        }
        let delay = self.delay(sent, &draws);
        let mut arrives = sent + Duration::from_secs_f64(delay.max(0.0) / 1e3);
        let overtaken = self.profile == Profile::Wifi && draws[4] < SPIKES;
        if self.profile.keeps_order() && !overtaken {
            arrives = arrives.max(self.last);
            self.last = arrives;
        }
        let twice = self.profile == Profile::ReorderDup && draws[3] < 0.03;
        Fate {
            arrives: Some(arrives),
            again: twice.then(|| arrives + Duration::from_millis(1)),
        }
    }

    fn loses(&mut self, draw: f64) -> bool {
        match self.profile {
            Profile::Loss5 => draw < 0.05,
            Profile::Loss10 => draw < 0.10,
            Profile::Wifi | Profile::WifiStall => draw < 0.005,
            Profile::Loss20Burst => {
                // A burst ends with a third of its packets: three on average. It begins often
                // enough that a fifth of all are in one: 0.2 / 0.8 / 3.
                self.bad = if self.bad {
                    draw >= 1.0 / 3.0
                } else {
                    draw < 1.0 / 12.0
                };
                self.bad
            }
            Profile::Clean | Profile::Jitter60 | Profile::Bufferbloat | Profile::ReorderDup => {
                false
            }
        }
    }

    /// In milliseconds.
    fn delay(&self, sent: Duration, draws: &[f64; 5]) -> f64 {
        match self.profile {
            Profile::Clean | Profile::Loss5 | Profile::Loss10 | Profile::Loss20Burst => NEAR,
            Profile::ReorderDup => NEAR + if draws[1] < 0.03 { 25.0 } else { 0.0 },
            Profile::Wifi | Profile::WifiStall => {
                // Two exponentials of 10 ms each: a gamma of shape 2 and mean 20 ms.
                let gamma = -10.0 * (draws[1].ln() + draws[2].ln());
                20.0 + gamma + if draws[4] < SPIKES { SPIKE } else { 0.0 }
            }
            Profile::Jitter60 => {
                // Box and Muller.
                let normal = (-2.0 * draws[1].ln()).sqrt() * (TAU * draws[2]).cos();
                120.0 + 60.0 * normal
            }
            Profile::Bufferbloat => {
                STEPS[(sent.as_millis() / STEP.as_millis()) as usize % STEPS.len()]
            }
        }
    }

    /// Above 0, at most 1.
    fn uniform(&mut self) -> f64 {
        (f64::from(self.rng.next_u32()) + 1.0) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTIME: Duration = Duration::from_millis(20);

    fn fates(profile: Profile, seed: u64, packets: u32) -> Vec<(Duration, Fate)> {
        let mut network = Network::new(profile, seed);
        (0..packets)
            .map(|n| (PTIME * n, network.carry(PTIME * n)))
            .collect()
    }

    fn lost(fates: &[(Duration, Fate)]) -> Vec<bool> {
        fates
            .iter()
            .map(|(_, fate)| fate.arrives.is_none())
            .collect()
    }

    #[test]
    fn the_same_seed_is_the_same_network() {
        for profile in Profile::ALL {
            assert_eq!(fates(profile, 7, 500), fates(profile, 7, 500));
            assert_eq!(Profile::named(profile.name()), Some(profile));
        }
        assert_ne!(
            fates(Profile::Loss10, 7, 500),
            fates(Profile::Loss10, 8, 500)
        );
    }

    /// The n-th packet is lost or not, however fast they are sent.
    #[test]
    fn loss_goes_by_number_and_not_by_time() {
        for profile in [Profile::Loss10, Profile::Loss20Burst, Profile::Wifi] {
            let (mut slow, mut fast) = (Network::new(profile, 3), Network::new(profile, 3));
            for n in 0..2_000 {
                let slow = slow.carry(PTIME * n).arrives.is_none();
                assert_eq!(slow, fast.carry(PTIME / 2 * n).arrives.is_none());
            }
        }
    }

    #[test]
    fn as_many_are_lost_as_the_profile_says() {
        for (profile, share, burst) in [
            (Profile::Clean, 0.0, 0.0),
            (Profile::Loss5, 0.05, 1.05),
            (Profile::Loss10, 0.1, 1.11),
            (Profile::Loss20Burst, 0.2, 3.0),
            (Profile::Wifi, 0.005, 1.0),
        ] {
            let lost = lost(&fates(profile, 1, 100_000));
            let count = lost.iter().filter(|lost| **lost).count() as f64;
            assert!(
                (count / 1e5 - share).abs() <= share * 0.1,
                "{profile:?}: {count}"
            );
            let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
            let mean = count / bursts.max(1.0);
            assert!((mean - burst).abs() <= 0.1, "{profile:?}: bursts of {mean}");
        }
    }

    #[test]
    fn delays_are_those_of_the_profile() {
        let delays = |profile| -> Vec<f64> {
            fates(profile, 5, 50_000)
                .iter()
                .filter_map(|(sent, fate)| Some((fate.arrives? - *sent).as_secs_f64() * 1e3))
                .collect()
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let spread = |values: &[f64]| {
            let mean = mean(values);
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            (squares / values.len() as f64).sqrt()
        };
        let jitter = delays(Profile::Jitter60);
        // What would be below zero is zero: 2.3 in a hundred.
        assert!((mean(&jitter) - 120.5).abs() < 1.0, "{}", mean(&jitter));
        assert!((spread(&jitter) - 58.8).abs() < 1.0, "{}", spread(&jitter));
        assert!(
            delays(Profile::Clean)
                .iter()
                .all(|delay| (delay - 5.0).abs() < 1e-6)
        );
        let held = |delays: &[f64]| {
            delays.iter().filter(|delay| **delay > 150.0).count() as f64 / delays.len() as f64
        };
        let (alone, all) = (delays(Profile::Wifi), delays(Profile::WifiStall));
        assert!((0.003..0.005).contains(&held(&alone)), "{}", held(&alone));
        assert!((40.0..50.0).contains(&mean(&alone)), "{}", mean(&alone));
        // What holds one up holds up those behind it.
        assert!((0.01..0.02).contains(&held(&all)), "{}", held(&all));
        assert!((40.0..55.0).contains(&mean(&all)), "{}", mean(&all));
        let late = delays(Profile::ReorderDup);
        let late = late.iter().filter(|delay| **delay > 20.0).count() as f64 / late.len() as f64;
        assert!((0.027..0.033).contains(&late), "{late}");
    }

    #[test]
    fn a_queue_delays_in_steps_and_lets_nobody_pass() {
        let fates = fates(Profile::Bufferbloat, 1, 1_500);
        let delay = |second: f64| {
            let (sent, fate) = fates[(second * 50.0) as usize];
            (fate.arrives.unwrap() - sent).as_millis()
        };
        assert_eq!(
            [3.0, 9.0, 15.0, 21.0, 27.0].map(delay),
            [20, 120, 250, 60, 20]
        );
        let arrivals: Vec<_> = fates.iter().map(|(_, fate)| fate.arrives).collect();
        assert!(arrivals.is_sorted());
    }
}
