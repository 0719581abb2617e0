//! Bursts and gaps: where in a stream packets are lost or discarded (RFC 3611 section 4.7.2).
//!
//! A burst begins and ends with a packet that was lost or discarded and holds no run of Gmin or
//! more that were heard; all else is gap, packets lost alone included. Counted packet by packet
//! rather than by the transitions of appendix A.2, which come to the same densities and leave out
//! what follows the last loss.

use std::time::Duration;

use super::xr::{GMIN, Share};

/// What became of a packet in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was heard.
    Heard,
    /// It never came.
    Lost,
    /// It came too late or too early to be heard.
    Discarded,
}

/// Packets and, of these, those lost or discarded; in so many stretches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretches {
    /// How many stretches.
    pub count: u64,
    /// Packets in all of them.
    pub packets: u64,
    /// Packets lost or discarded in all of them.
    pub missing: u64,
}

impl Stretches {
    /// Missing packets of all.
    #[must_use]
    pub fn density(&self) -> Share {
        Share::of(self.missing, self.packets)
    }

    /// Mean length, `ptime` being that of a packet; zero without any.
    #[must_use]
    pub fn mean(&self, ptime: Duration) -> Duration {
        if self.count == 0 {
            return Duration::ZERO;
        }
        let mean = ptime.as_secs_f64() * self.packets as f64 / self.count as f64;
        Duration::try_from_secs_f64(mean).unwrap_or(Duration::MAX)
    }
}

/// Bursts and gaps up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BurstGap {
    /// Stretches of high loss.
    pub bursts: Stretches,
    /// Stretches of little or none.
    pub gaps: Stretches,
    /// Packets lost.
    pub lost: u64,
    /// Packets discarded.
    pub discarded: u64,
    /// Since the first of the missing packets that are not Gmin apart.
    run: Option<Run>,
    in_gap: bool,
}

/// What will prove to be a burst or a packet lost alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// From the first missing packet to the last.
    packets: u64,
    missing: u64,
    /// Packets heard since the last.
    heard_since: u64,
}

impl BurstGap {
    /// Takes the next packet, in the order of sending.
    pub fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Heard => return self.count_heard(),
            Fate::Lost => self.lost += 1,
            Fate::Discarded => self.discarded += 1,
        }
        self.count_missing(1);
    }

    /// Takes packets lost in a row.
    pub fn count_lost(&mut self, packets: u64) {
        if packets > 0 {
            self.lost += packets;
            self.count_missing(packets);
        }
    }

    /// The same as if nothing more were lost: the stream is taken to be followed by Gmin packets
    /// that are heard.
    #[must_use]
    pub fn settled(mut self) -> BurstGap {
        self.close();
        self
    }

    fn count_heard(&mut self) {
        match &mut self.run {
            None => self.count_in_gap(1, 0),
            Some(run) => {
                run.heard_since += 1;
                if run.heard_since >= u64::from(GMIN) {
                    self.close();
                }
            }
        }
    }

    fn count_missing(&mut self, packets: u64) {
        let run = self.run.get_or_insert(Run {
            packets: 0,
            missing: 0,
            heard_since: 0,
        });
        run.packets += std::mem::take(&mut run.heard_since) + packets;
        run.missing += packets;
    }

    fn count_in_gap(&mut self, packets: u64, missing: u64) {
        if packets > 0 && !std::mem::replace(&mut self.in_gap, true) {
            self.gaps.count += 1;
        }
        self.gaps.packets += packets;
        self.gaps.missing += missing;
    }

    /// No more missing packets belong to the run.
    fn close(&mut self) {
        let Some(run) = self.run.take() else { return };
        if run.missing == 1 {
            self.count_in_gap(1, 1);
        } else {
            self.bursts.count += 1;
            self.bursts.packets += run.packets;
            self.bursts.missing += run.missing;
            self.in_gap = false;
        }
        self.count_in_gap(run.heard_since, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTIME: Duration = Duration::from_millis(20);

    /// A stream as it is written: `.` heard, `L` lost, `D` discarded; blanks only part it.
    fn stream(written: &str) -> BurstGap {
        let mut counted = BurstGap::default();
        for letter in written.chars() {
            match letter {
                '.' => counted.count(Fate::Heard),
                'L' => counted.count(Fate::Lost),
                'D' => counted.count(Fate::Discarded),
                ' ' => {}
                other => panic!("{other:?}"),
            }
        }
        counted.settled()
    }

    /// Twenty packets heard: more than Gmin.
    const CALM: &str = "....................";

    fn stretches(count: u64, packets: u64, missing: u64) -> Stretches {
        Stretches {
            count,
            packets,
            missing,
        }
    }

    #[test]
    fn a_stream_without_loss_is_one_gap() {
        let counted = stream(CALM);
        assert_eq!(counted.gaps, stretches(1, 20, 0));
        assert_eq!(counted.bursts, stretches(0, 0, 0));
        assert_eq!(counted.gaps.mean(PTIME), Duration::from_millis(400));
        assert_eq!(counted.bursts.mean(PTIME), Duration::ZERO);
    }

    /// The counters of RFC 3611 appendix A.2, worked by hand for 20 heard, one lost, 20 heard, one
    /// lost, 3 heard, two lost, 20 heard, one lost:
    ///
    /// | missing | heard before | counters |
    /// | --- | --- | --- |
    /// | first | 20 | c13 = 1, c11 = 20 |
    /// | second | 20, and the last stood alone | c14 = 1, c11 = 40 |
    /// | third | 3 | c23 = 1, c22 = 2 |
    /// | fourth | 0 | c33 = 1 |
    /// | fifth | 20, and the last did not stand alone | c13 = 2, c11 = 60 |
    ///
    /// The first c13 is the beginning, which the algorithm takes for the end of a burst: one burst
    /// was there, so c31 is 1. p32 = c32 / (c31 + c32 + c33) = 1/3, p23 = 1 − c22 / (c22 + c23) =
    /// 1/3; burst density 256 · (1/3) / (2/3) = 128; the burst is c22 + c23 + c31 + c32 + c33 = 6
    /// packets long. Gap density before the last loss 256 · c14 / (c11 + c14) = 256 / 61 = 4.
    #[test]
    fn the_densities_are_those_of_the_algorithm_of_the_rfc() {
        let counted = stream(&format!("{CALM}L{CALM}L...LL{CALM}"));
        assert_eq!(counted.bursts, stretches(1, 6, 3));
        assert_eq!(counted.gaps, stretches(2, 61, 1));
        assert_eq!(counted.bursts.density(), Share(128));
        assert_eq!(counted.gaps.density(), Share(4));
        assert_eq!(counted.bursts.mean(PTIME), Duration::from_millis(120));
        // 41 packets before, 20 behind.
        assert_eq!(counted.gaps.mean(PTIME), Duration::from_millis(610));
    }

    #[test]
    fn fifteen_heard_hold_a_burst_together_and_sixteen_part_it() {
        let together = stream(&format!("{CALM}L...............L{CALM}"));
        assert_eq!(together.bursts, stretches(1, 17, 2));
        assert_eq!(together.gaps, stretches(2, 40, 0));
        let apart = stream(&format!("{CALM}L................L{CALM}"));
        assert_eq!(apart.bursts, stretches(0, 0, 0));
        assert_eq!(apart.gaps, stretches(1, 58, 2));
    }

    #[test]
    fn what_is_discarded_counts_as_what_is_lost() {
        let counted = stream(&format!("{CALM}LDD{CALM}D{CALM}"));
        assert_eq!(counted.bursts, stretches(1, 3, 3));
        assert_eq!(counted.bursts.density(), Share(255));
        assert_eq!(counted.gaps, stretches(2, 61, 1));
        assert_eq!((counted.lost, counted.discarded), (1, 3));
    }

    #[test]
    fn a_stream_may_begin_and_end_in_a_burst() {
        // Before the beginning and behind the end all is taken for heard.
        let counted = stream(&format!("LL{CALM}L.L"));
        assert_eq!(counted.bursts, stretches(2, 5, 4));
        assert_eq!(counted.gaps, stretches(1, 20, 0));
        let alone = stream("L....");
        assert_eq!(alone.bursts.count, 0);
        assert_eq!(alone.gaps, stretches(1, 5, 1));
    }

    #[test]
    fn a_glance_in_the_middle_of_a_burst_does_not_end_it() {
        let mut counted = BurstGap::default();
        counted.count_lost(2);
        for _ in 0..5 {
            counted.count(Fate::Heard);
        }
        assert_eq!(counted.settled().bursts, stretches(1, 2, 2));
        assert_eq!(counted.settled().gaps, stretches(1, 5, 0));
        counted.count_lost(1);
        assert_eq!(counted.settled().bursts, stretches(1, 8, 3));
        assert_eq!(counted.settled().gaps, stretches(0, 0, 0));
    }

    #[test]
    fn every_packet_is_in_a_burst_or_in_a_gap() {
        let mut counted = BurstGap::default();
        let mut state = 3_611_u32;
        let mut missing = 0;
        for _ in 0..10_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let fate = match state >> 24 {
                0..20 => Fate::Lost,
                20..25 => Fate::Discarded,
                _ => Fate::Heard,
            };
            missing += u64::from(fate != Fate::Heard);
            counted.count(fate);
        }
        let counted = counted.settled();
        assert_eq!(counted.bursts.packets + counted.gaps.packets, 10_000);
        assert_eq!(counted.bursts.missing + counted.gaps.missing, missing);
        assert_eq!(counted.lost + counted.discarded, missing);
    }
}
