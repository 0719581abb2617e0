//! Counters of 16 and 32 bits extended to 64, and what to make of a jump (RFC 3550 A.1).

use crate::units::{RtpTime, SeqNo};

/// Packets in a row that prove a source (RFC 3550 A.1, MIN_SEQUENTIAL).
pub const MIN_SEQUENTIAL: u8 = 2;
/// A step forward of fewer is loss; of this many or more, a restart (RFC 3550 A.1).
pub const MAX_DROPOUT: u16 = 3_000;
/// A step back of fewer is reordering; of this many or more, a restart (RFC 3550 A.1).
pub const MAX_MISORDER: u16 = 100;

/// Where extended sequence numbers begin: one wrap above zero, so that what was sent before the
/// first packet heard still has a number of its own.
const FIRST_CYCLE: u64 = 1 << 16;
/// The same for timestamps.
const FIRST_TURN: u64 = 1 << 32;

/// What the sequence number of one packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Newer than all before; numbers skipped over are lost or late.
    Ahead(SeqNo),
    /// As old as the newest or older: reordered, late or a duplicate.
    Behind(SeqNo),
    /// Second packet in a row after a jump: the sender started again. Extended numbers go on
    /// ahead of all before, but nothing in between is lost.
    Restarted(SeqNo),
    /// A jump that nothing confirms yet; the packet is not to be used.
    Suspect,
}

impl SeqNo {
    /// As on the wire: the low 16 bits.
    #[must_use]
    pub const fn wire(self) -> u16 {
        self.0 as u16
    }

    /// As a report block carries it: 16 bits of cycles since the first packet, 16 of number.
    #[must_use]
    pub const fn reported(self) -> u32 {
        self.0.wrapping_sub(FIRST_CYCLE) as u32
    }
}

/// Extends the sequence numbers of one source and tells loss from restart.
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    highest: u64,
    /// The number that would confirm a restart.
    suspect_next: Option<u16>,
}

impl Sequence {
    /// Starts at the first packet, which becomes the newest.
    #[must_use]
    pub const fn starting_at(first: u16) -> Sequence {
        Sequence {
            highest: FIRST_CYCLE + first as u64,
            suspect_next: None,
        }
    }

    /// The newest number.
    #[must_use]
    pub const fn highest(&self) -> SeqNo {
        SeqNo(self.highest)
    }

    /// Judges the next packet.
    pub fn update(&mut self, sequence: u16) -> Order {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead.wrapping_neg() < MAX_MISORDER {
            self.suspect_next = None;
            // `highest` is at least FIRST_CYCLE, so MAX_MISORDER below it is above zero.
            return Order::Behind(SeqNo(self.highest - u64::from(ahead.wrapping_neg())));
        }
        if ahead < MAX_DROPOUT {
            self.suspect_next = None;
            self.highest += u64::from(ahead);
            return Order::Ahead(SeqNo(self.highest));
        }
        if self.suspect_next == Some(sequence) {
            self.suspect_next = None;
            self.highest += u64::from(ahead);
            return Order::Restarted(SeqNo(self.highest));
        }
        self.suspect_next = Some(sequence.wrapping_add(1));
        Order::Suspect
    }
}

/// Extends the 32-bit timestamps of one source to the nearest 64-bit time.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    last: u64,
}

impl Timeline {
    /// Starts at the first packet's timestamp.
    #[must_use]
    pub const fn starting_at(first: u32) -> Timeline {
        Timeline {
            last: FIRST_TURN + first as u64,
        }
    }

    /// The extended time nearest to the one before: up to half a turn (12 hours at 48 kHz)
    /// ahead or behind. Never goes below zero, whatever is thrown at it.
    pub fn extend(&mut self, timestamp: u32) -> RtpTime {
        let step = timestamp.wrapping_sub(self.last as u32) as i32;
        if let Some(time) = self.last.checked_add_signed(i64::from(step)) {
            self.last = time;
        } else {
            // Only a sender that runs backwards for hours comes here: give it another turn.
            self.last = FIRST_TURN + u64::from(timestamp);
        }
        RtpTime(self.last)
    }
}

/// Probation of a source that is not yet believed (RFC 3550 A.1): counts packets in a row.
#[derive(Clone, Copy, Debug)]
pub struct Probation {
    next: u16,
    in_a_row: u8,
}

impl Probation {
    /// After the first packet.
    #[must_use]
    pub const fn starting_at(first: u16) -> Probation {
        Probation {
            next: first.wrapping_add(1),
            in_a_row: 1,
        }
    }

    /// Counts the next packet and answers how many came in a row; a gap starts again at 1.
    pub fn update(&mut self, sequence: u16) -> u8 {
        self.in_a_row = if sequence == self.next {
            self.in_a_row.saturating_add(1)
        } else {
            1
        };
        self.next = sequence.wrapping_add(1);
        self.in_a_row
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn numbers_grow_through_the_wrap() {
        let mut sequence = Sequence::starting_at(65_534);
        assert_eq!(sequence.highest(), SeqNo(0x1_fffe));
        assert_eq!(sequence.update(65_535), Order::Ahead(SeqNo(0x1_ffff)));
        assert_eq!(sequence.update(0), Order::Ahead(SeqNo(0x2_0000)));
        assert_eq!(sequence.update(2), Order::Ahead(SeqNo(0x2_0002)));
        assert_eq!(sequence.update(65_535), Order::Behind(SeqNo(0x1_ffff)));
        assert_eq!(sequence.update(2), Order::Behind(SeqNo(0x2_0002)));
        assert_eq!(sequence.highest().wire(), 2);
    }

    #[test]
    fn what_was_sent_before_the_first_packet_has_a_number() {
        let mut sequence = Sequence::starting_at(0);
        assert_eq!(sequence.update(65_535), Order::Behind(SeqNo(0xffff)));
    }

    #[test]
    fn a_jump_is_believed_at_its_second_packet() {
        let mut sequence = Sequence::starting_at(100);
        assert_eq!(
            sequence.update(3_099),
            Order::Ahead(SeqNo(0x1_0000 + 3_099))
        );
        assert_eq!(sequence.update(20_000), Order::Suspect);
        assert_eq!(sequence.update(30_000), Order::Suspect);
        assert_eq!(
            sequence.update(30_001),
            Order::Restarted(SeqNo(0x1_0000 + 30_001))
        );
        assert_eq!(
            sequence.update(30_002),
            Order::Ahead(SeqNo(0x1_0000 + 30_002))
        );
    }

    #[test]
    fn a_stray_packet_does_not_disturb_the_stream() {
        let mut sequence = Sequence::starting_at(10);
        assert_eq!(sequence.update(40_000), Order::Suspect);
        assert_eq!(sequence.update(11), Order::Ahead(SeqNo(0x1_000b)));
        // The jump's successor comes too late to confirm it.
        assert_eq!(sequence.update(40_001), Order::Suspect);
    }

    #[test]
    fn a_restart_backwards_goes_on_ahead() {
        let mut sequence = Sequence::starting_at(5_000);
        assert_eq!(sequence.update(1_000), Order::Suspect);
        assert_eq!(
            sequence.update(1_001),
            Order::Restarted(SeqNo(0x2_0000 + 1_001))
        );
    }

    #[test]
    fn the_edges_of_dropout_and_misorder_are_those_of_the_rfc() {
        let at = |sequence: u16| Sequence::starting_at(10_000).update(sequence);
        assert_eq!(at(12_999), Order::Ahead(SeqNo(0x1_0000 + 12_999)));
        assert_eq!(at(13_000), Order::Suspect);
        assert_eq!(at(9_901), Order::Behind(SeqNo(0x1_0000 + 9_901)));
        assert_eq!(at(9_900), Order::Suspect);
    }

    #[test]
    fn timestamps_grow_through_the_wrap_and_step_back() {
        let mut timeline = Timeline::starting_at(u32::MAX - 159);
        assert_eq!(timeline.extend(0), RtpTime(2 << 32));
        assert_eq!(timeline.extend(u32::MAX - 159), RtpTime((2 << 32) - 160));
        assert_eq!(timeline.extend(160), RtpTime((2 << 32) + 160));
    }

    #[test]
    fn time_running_backwards_for_days_never_underflows() {
        let mut timeline = Timeline::starting_at(5);
        let mut timestamp = 5_u32;
        for _ in 0..100 {
            timestamp = timestamp.wrapping_sub(0x7fff_ffff);
            assert_eq!(timeline.extend(timestamp).0 as u32, timestamp);
        }
    }

    #[test]
    fn probation_counts_only_packets_in_a_row() {
        let mut probation = Probation::starting_at(65_534);
        assert_eq!(probation.update(65_535), 2);
        assert_eq!(probation.update(0), 3);
        assert_eq!(probation.update(0), 1);
        assert_eq!(probation.update(1), 2);
        assert_eq!(probation.update(9), 1);
    }

    #[test]
    fn any_sequence_of_numbers_keeps_the_low_bits_and_never_falls() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut sequence = Sequence::starting_at(0);
        for _ in 0..100_000 {
            let number = random.next_u32() as u16;
            let before = sequence.highest();
            match sequence.update(number) {
                Order::Ahead(seq) | Order::Restarted(seq) => {
                    assert_eq!(seq.wire(), number);
                    assert!(seq > before);
                }
                Order::Behind(seq) => {
                    assert_eq!(seq.wire(), number);
                    assert!(seq <= before);
                }
                Order::Suspect => assert_eq!(sequence.highest(), before),
            }
        }
    }
}
