//! How long to wait after a failure of what is kept up at a server: bindings, subscriptions,
//! publications, messages.

use std::time::Duration;

use rand::{Rng, RngExt};

/// The first ceiling, when no other way to the server works either (RFC 5626 section 4.5).
const BASE: Duration = Duration::from_secs(30);
/// The same, when another one works.
const BASE_BESIDE: Duration = Duration::from_secs(90);
/// The last ceiling (RFC 5626 section 4.5).
const CEILING: Duration = Duration::from_secs(1_800);
/// The bounds of what a server may tell: it neither makes us hammer it nor silences us for a day.
const TOLD: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(5)..=Duration::from_secs(3_600);

/// Our own delay after this many failures in a row: the base doubled for each, up to the ceiling,
/// and of that 50% to 100% at random, so that the phones of a house do not come back as one.
pub(crate) fn own(rng: &mut impl Rng, failures: u32) -> Duration {
    own_beside(rng, failures, false)
}

/// The same; `others_stand`: another way to the server works meanwhile.
pub(crate) fn own_beside(rng: &mut impl Rng, failures: u32, others_stand: bool) -> Duration {
    let base = if others_stand { BASE_BESIDE } else { BASE };
    let doubled = base.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
    let ceiling = doubled.min(CEILING);
    ceiling.mul_f64(rng.random_range(0.5..=1.0))
}

/// What Retry-After says (RFC 3261 section 20.33), within bounds, and up to a tenth more at random.
pub(crate) fn told(rng: &mut impl Rng, after: Duration) -> Duration {
    after
        .clamp(*TOLD.start(), *TOLD.end())
        .mul_f64(rng.random_range(1.0..=1.1))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn delays_double_up_to_half_an_hour_and_differ() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let ceilings = [60, 120, 240, 480, 960, 1_800, 1_800];
        for (failures, ceiling) in (1..).zip(ceilings).chain([(40, 1_800), (u32::MAX, 1_800)]) {
            let delays: Vec<Duration> = (0..200).map(|_| own(&mut rng, failures)).collect();
            let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
            let secs = |delay: &Duration| delay.as_secs_f64() / f64::from(ceiling);
            assert!((0.5..0.55).contains(&secs(least)), "{failures}: {least:?}");
            assert!(
                secs(most) > 0.95 && secs(most) <= 1.0,
                "{failures}: {most:?}"
            );
        }
    }

    #[test]
    fn who_has_another_way_takes_more_time() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (failures, ceiling) in [(1, 180), (2, 360), (4, 1_440), (5, 1_800)] {
            for _ in 0..50 {
                let delay = own_beside(&mut rng, failures, true).as_secs_f64();
                let ceiling = f64::from(ceiling);
                assert!(
                    (ceiling / 2.0..=ceiling).contains(&delay),
                    "{failures}: {delay}"
                );
            }
        }
    }

    #[test]
    fn what_a_server_tells_is_obeyed_within_bounds() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut check = |told_secs: u64, least: f64, most: f64| {
            let delay = told(&mut rng, Duration::from_secs(told_secs)).as_secs_f64();
            assert!((least..=most).contains(&delay), "{told_secs}: {delay}");
        };
        check(120, 120.0, 132.0);
        check(0, 5.0, 5.5);
        check(4_294_967_295, 3_600.0, 3_960.0);
    }
}
