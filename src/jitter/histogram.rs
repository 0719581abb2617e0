//! How late packets come, as shares of all, old ones counting less; and how long it is worth to
//! wait for them.

use super::delay::{MILLI, Nanos};

/// Width of a bin, and how many there are.
const BIN: Nanos = 5 * MILLI;
const BINS: usize = 200;

/// Another delay must be worth so much more than the one there is. Of two that are worth about the
/// same, chance takes now one and now the other, and each change is heard.
const WORTH_A_CHANGE: Nanos = 40 * MILLI;

/// Bins by which packets to come may be later than any that came.
const MORE: usize = 2;

/// A share of packets that is none, of 500 that are remembered: one that came so many ago.
const LONG_AGO: u32 = 2_500;
const NONE: f32 = 1.3e-5;

/// A share so small is as if it had never been: a hundredth of that.
const FORGOTTEN: f32 = 1e-7;

/// Shares of packets by lateness, of a second at most.
#[derive(Debug)]
pub(super) struct Histogram {
    shares: Box<[f32; BINS]>,
    keeps: f32,
    /// The first packets count as if so many had been in time before.
    known: f32,
    added: u32,
    /// Behind the last bin in which there is anything.
    end: usize,
    /// Bin of the delay that was found worth it.
    chosen: usize,
}

impl Histogram {
    /// Keeps the share `keeps` of itself with each packet.
    pub(super) fn new(keeps: f32, known: f32) -> Histogram {
        Histogram {
            shares: Box::new([0.0; BINS]),
            keeps,
            known,
            added: 0,
            end: 0,
            chosen: 0,
        }
    }

    pub(super) fn add(&mut self, late: Nanos) {
        self.added = self.added.saturating_add(1);
        // At the start each packet counts alike, instead of the first for nearly all.
        let count = (self.added as f32).max(self.known);
        let keeps = self.keeps.min(1.0 - 1.0 / count);
        for share in &mut self.shares[..self.end] {
            *share *= keeps;
        }
        let bin = bin_of(late).min(BINS - 1);
        self.shares[bin] += 1.0 - keeps;
        self.end = self.end.max(bin + 1);
        // What is hardly anything any more is nothing, so that all that follows is over soon.
        while self.end > bin + 1 && self.shares[self.end - 1] < FORGOTTEN {
            self.end -= 1;
            self.shares[self.end] = 0.0;
        }
    }

    /// The lateness that `share` of the packets do not exceed.
    pub(super) fn quantile(&self, share: f32) -> Nanos {
        let mut sum = 0.0;
        for (bin, part) in self.shares[..self.end].iter().enumerate() {
            sum += part;
            if sum >= share {
                return (bin as Nanos + 1) * BIN;
            }
        }
        0
    }

    /// The share of packets that were later than this.
    pub(super) fn beyond(&self, late: Nanos) -> f32 {
        self.beyond_bin(bin_of(late))
    }

    fn beyond_bin(&self, bin: usize) -> f32 {
        let later = self.shares.get(bin + 1..self.end);
        later.unwrap_or_default().iter().sum()
    }

    /// Takes this delay for the one that was chosen.
    pub(super) fn begin_at(&mut self, delay: Nanos) {
        self.chosen = bin_of(delay).min(BINS - 1);
    }

    /// Of the delay that was chosen, leaves out what is well beyond the latest packets.
    pub(super) fn end_at_the_latest(&mut self) {
        self.chosen = self.chosen.min(self.end.saturating_sub(1) + MORE);
    }

    /// The delay at which a longer one costs more than it saves, if a hundredth of all is worth
    /// `percent`: that which was chosen before, unless another is worth much more, or a shorter one
    /// saves as much.
    pub(super) fn worthwhile(&mut self, percent: Nanos) -> Nanos {
        let mut later: f32 = self.shares[..self.end].iter().sum();
        let mut best = (f32::INFINITY, 0);
        let mut chosen = f32::INFINITY;
        let mut enough = None;
        let late = self.beyond_bin(self.chosen) + NONE;
        // Beyond the latest nothing is saved.
        let last = self.end.max(self.chosen + 1);
        for (bin, part) in self.shares[..last].iter().enumerate() {
            later = (later - part).max(0.0);
            let cost = delay_of(bin) as f32 + later * 100.0 * percent as f32;
            if cost < best.0 {
                best = (cost, bin);
            }
            if bin == self.chosen {
                chosen = cost;
            }
            if later <= late {
                enough = enough.or(Some(bin));
            }
        }
        if best.0 + (WORTH_A_CHANGE as f32) < chosen {
            self.chosen = best.1;
        } else if self.added > LONG_AGO {
            self.chosen = enough.unwrap_or(BINS).min(self.chosen);
        }
        delay_of(self.chosen)
    }

    /// Counts everything as so much less late; answers what of it is too little to be told apart.
    pub(super) fn lower(&mut self, by: Nanos) -> Nanos {
        let bins = by / BIN;
        let steps = usize::try_from(bins).unwrap_or(0).min(BINS - 1);
        let lowest: f32 = self.shares[..steps].iter().sum();
        self.shares.copy_within(steps.., 0);
        self.shares[BINS - steps..].fill(0.0);
        self.shares[0] += lowest;
        self.end = self.end.saturating_sub(steps).max(1);
        by - bins * BIN
    }
}

fn bin_of(late: Nanos) -> usize {
    usize::try_from(late.max(0) / BIN).unwrap_or(BINS)
}

/// The delay with which all packets of a bin are in time. There is nothing to wait for in the
/// first: what is in it is not late.
fn delay_of(bin: usize) -> Nanos {
    if bin == 0 {
        0
    } else {
        (bin as Nanos + 1) * BIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORTH: Nanos = 100 * MILLI;

    /// A thousand packets, so many of them so many milliseconds late.
    fn of(late: &[(i64, i64)]) -> Histogram {
        let mut histogram = Histogram::new(0.999_9, 1.0);
        more(&mut histogram, late);
        histogram
    }

    fn more(histogram: &mut Histogram, late: &[(i64, i64)]) {
        for index in 0..1_000 {
            let mut below = 0;
            let millis = late.iter().find_map(|(count, millis)| {
                below += count;
                // Strewn over all: 617 has no divisor in common with 1,000.
                (index * 617 % 1_000 < below).then_some(*millis)
            });
            histogram.add(millis.unwrap_or(0) * MILLI);
        }
    }

    #[test]
    fn a_quantile_is_the_upper_edge_of_its_bin() {
        let histogram = of(&[(100, 42), (20, 181)]);
        assert_eq!(histogram.quantile(0.5), 5 * MILLI);
        assert_eq!(histogram.quantile(0.95), 45 * MILLI);
        assert_eq!(histogram.quantile(0.99), 185 * MILLI);
        assert!((histogram.beyond(100 * MILLI) - 0.02).abs() < 0.002);
    }

    #[test]
    fn one_in_a_hundred_is_waited_for_as_long_as_it_is_worth() {
        assert_eq!(of(&[(15, 62)]).worthwhile(WORTH), 65 * MILLI);
        assert_eq!(of(&[(15, 162)]).worthwhile(WORTH), 0);
    }

    /// 95 ms of delay save 1 % of the packets, which are worth 100 ms; then 0.8 %, or 1.2 %.
    #[test]
    fn what_is_worth_about_the_same_is_not_changed_for() {
        let mut low = of(&[(10, 92)]);
        assert_eq!(low.worthwhile(WORTH), 0);
        more(&mut low, &[(14, 92)]);
        assert_eq!(low.worthwhile(WORTH), 0);
        let mut high = of(&[(20, 92)]);
        assert_eq!(high.worthwhile(WORTH), 95 * MILLI);
        for _ in 0..4 {
            more(&mut high, &[(8, 92)]);
        }
        assert_eq!(high.worthwhile(WORTH), 95 * MILLI);
    }

    #[test]
    fn where_nothing_is_late_nothing_is_waited_for_however_it_began() {
        let mut histogram = of(&[]);
        histogram.begin_at(35 * MILLI);
        assert_eq!(histogram.worthwhile(WORTH), 40 * MILLI);
        more(&mut histogram, &[]);
        more(&mut histogram, &[]);
        assert_eq!(histogram.worthwhile(WORTH), 0);
    }

    #[test]
    fn nothing_is_waited_for_that_is_well_beyond_the_latest() {
        let mut histogram = of(&[(2, 42)]);
        histogram.begin_at(75 * MILLI);
        assert_eq!(histogram.worthwhile(10 * MILLI), 0);
        histogram.begin_at(75 * MILLI);
        histogram.end_at_the_latest();
        assert_eq!(histogram.worthwhile(WORTH), 55 * MILLI);
    }

    #[test]
    fn the_first_packets_are_not_the_whole_world() {
        let mut histogram = Histogram::new(0.998, 150.0);
        for index in 0..30 {
            histogram.add(if index == 12 { 150 * MILLI } else { 0 });
        }
        assert_eq!(histogram.worthwhile(WORTH), 0);
        let mut at_once = Histogram::new(0.998, 1.0);
        for index in 0..30 {
            at_once.add(if index == 12 { 150 * MILLI } else { 0 });
        }
        assert_eq!(at_once.worthwhile(WORTH), 155 * MILLI);
    }

    #[test]
    fn a_longer_route_makes_everything_less_late() {
        let mut histogram = of(&[(100, 42)]);
        assert_eq!(histogram.lower(23 * MILLI), 3 * MILLI);
        assert_eq!(histogram.quantile(0.95), 25 * MILLI);
    }
}
