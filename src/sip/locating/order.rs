//! In which order servers and addresses are tried.

use std::net::IpAddr;

use rand::{Rng, RngExt};

use super::Srv;

/// SRV records by priority, and by lot within one, as often as their weight says (RFC 2782,
/// "Weight").
pub(super) fn by_weight(mut records: Vec<Srv>, rng: &mut impl Rng) -> Vec<Srv> {
    // Those of weight 0 first within a priority: they shall have a small chance beside others.
    records.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|record| record.priority) {
        let same = records.iter().filter(|record| record.priority == priority);
        let sum: u32 = same.map(|record| u32::from(record.weight)).sum();
        let lot = rng.random_range(0..=sum);
        let mut running = 0;
        let at = records.iter().position(|record| {
            running += u32::from(record.weight);
            running >= lot
        });
        // The running sum reaches the whole sum within the priority.
        ordered.push(records.remove(at.unwrap_or(0)));
    }
    ordered
}

/// The addresses of both families, one of each in turn, IPv6 first.
pub(super) fn taking_turns(v6: Vec<IpAddr>, v4: Vec<IpAddr>) -> Vec<IpAddr> {
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(v6.next());
        all.extend(v4.next());
        if all.len() == before {
            return all;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv {
            priority,
            weight,
            port: 5_060,
            target: target.to_owned(),
        }
    }

    /// How often each target comes first, of a thousand seeds.
    fn firsts(records: &[Srv], target: &str) -> usize {
        let first = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            by_weight(records.to_vec(), &mut rng)[0].target.clone()
        };
        (0..1_000).filter(|seed| first(*seed) == target).count()
    }

    #[test]
    fn lower_priorities_come_first_whatever_their_weight() {
        let records = [srv(20, 65_535, "c"), srv(10, 0, "a"), srv(15, 1, "b")];
        for seed in 0..50 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let ordered = by_weight(records.to_vec(), &mut rng);
            let targets: Vec<&str> = ordered.iter().map(|it| it.target.as_str()).collect();
            assert_eq!(targets, ["a", "b", "c"]);
        }
    }

    #[test]
    fn weights_are_how_often_one_comes_first() {
        let records = [srv(10, 60, "a"), srv(10, 20, "b"), srv(10, 20, "c")];
        let share = firsts(&records, "a");
        assert!((550..650).contains(&share), "{share} of 1000");
        let share = firsts(&records, "b");
        assert!((150..250).contains(&share), "{share} of 1000");
    }

    #[test]
    fn a_weight_of_zero_comes_first_seldom_but_does() {
        let records = [srv(10, 99, "a"), srv(10, 0, "b")];
        let share = firsts(&records, "b");
        assert!((1..40).contains(&share), "{share} of 1000");
        // Among themselves the first of them always wins, as good as any.
        assert_eq!(firsts(&[srv(1, 0, "a"), srv(1, 0, "b")], "a"), 1_000);
    }

    #[test]
    fn families_take_turns() {
        let ip = |text: &str| -> IpAddr { text.parse().expect("an address") };
        let v6 = vec![ip("2001:db8::1")];
        let v4 = vec![ip("192.0.2.1"), ip("192.0.2.2")];
        let expected = [ip("2001:db8::1"), ip("192.0.2.1"), ip("192.0.2.2")];
        assert_eq!(taking_turns(v6, v4.clone()), expected);
        assert_eq!(taking_turns(Vec::new(), v4.clone()), v4);
    }
}
