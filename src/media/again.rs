//! Packets carried again (RFC 2198): what was sent is kept for it, and what came that way is put in
//! its place.

use std::time::{Duration, Instant};

use crate::codec::CodecKind;
use crate::jitter::{Inserted, Receiver, RtpMeta};
use crate::rtp::redundancy::{self, Block, Blocks, MAX_BLOCK};
use crate::units::{PayloadType, RtpTime, SeqNo};

/// Packets kept: the furthest back that one is carried again, in packets.
const KEPT: usize = 3;

/// The last payloads sent.
#[derive(Debug)]
pub(super) struct Sent {
    slots: Box<[Slot; KEPT]>,
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    time: Option<RtpTime>,
    bytes: usize,
    payload: [u8; MAX_BLOCK],
}

impl Default for Sent {
    fn default() -> Self {
        let empty = Slot {
            time: None,
            bytes: 0,
            payload: [0; MAX_BLOCK],
        };
        Sent {
            slots: Box::new([empty; KEPT]),
            next: 0,
        }
    }
}

impl Sent {
    /// Keeps what was sent for this time; what is too long to be carried again is not kept.
    pub(super) fn keep(&mut self, time: RtpTime, payload: &[u8]) {
        let slot = &mut self.slots[self.next];
        self.next = (self.next + 1) % KEPT;
        slot.time = None;
        if let Some(room) = slot.payload.get_mut(..payload.len()) {
            room.copy_from_slice(payload);
            (slot.time, slot.bytes) = (Some(time), payload.len());
        }
    }

    /// What was sent `distance` packets of `ticks` before `time`, if every packet since went out as
    /// sound: by its time alone the far side can tell its number.
    fn behind(&self, time: RtpTime, ticks: u64, distance: u64) -> Option<&[u8]> {
        let at = |distance: u64| {
            let wanted = time.0.checked_sub(ticks * distance).map(RtpTime)?;
            self.slots.iter().find(|slot| slot.time == Some(wanted))
        };
        let slot = at(distance)?;
        (1..distance)
            .all(|nearer| at(nearer).is_some())
            .then(|| &slot.payload[..slot.bytes])
    }

    /// Writes a packet whose payload begins at `time` and lasts `ticks`, with the one `distance`
    /// packets before it; answers its length.
    pub(super) fn write(
        &self,
        number: PayloadType,
        payload: &[u8],
        (time, ticks): (RtpTime, u64),
        distance: u8,
        out: &mut [u8],
    ) -> Option<usize> {
        let distance = u64::from(distance);
        let earlier = self.behind(time, ticks, distance).and_then(|payload| {
            Some(Block {
                payload_type: number,
                offset: u16::try_from(ticks * distance).ok()?,
                payload,
            })
        });
        redundancy::write(earlier, number, payload, out)
    }
}

/// Which of the last numbers came, in whatever packet.
#[derive(Debug, Default)]
pub(super) struct Came {
    latest: Option<SeqNo>,
    /// The latest in the lowest bit.
    seen: u64,
}

impl Came {
    /// Begins again, as with another sender.
    pub(super) fn restart(&mut self) {
        *self = Came::default();
    }

    /// Notes a number; answers whether it is new. What is too old to be told is not.
    pub(super) fn note(&mut self, seq: SeqNo) -> bool {
        let latest = self.latest.unwrap_or(seq);
        if seq.0 > latest.0 || self.latest.is_none() {
            let ahead = u32::try_from(seq.0 - latest.0).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.latest = Some(seq);
            return true;
        }
        let bit = u32::try_from(latest.0 - seq.0)
            .ok()
            .and_then(|behind| 1_u64.checked_shl(behind))
            .unwrap_or(0);
        let new = bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        new
    }

    /// Gives the receiver a packet, and first what it carries again of packets that have not come.
    /// Answers what became of the packet itself.
    pub(super) fn insert(
        &mut self,
        receiver: &mut Receiver,
        meta: &RtpMeta,
        payload: &[u8],
        accepted: &[(PayloadType, CodecKind)],
        now: Instant,
    ) -> Inserted {
        let Some(blocks) = Blocks::parse(payload) else {
            // Not what it says it is: a loss, and counted as one that came as nothing.
            return receiver.insert(meta, &[], now);
        };
        let mut became = Inserted::Refused;
        for block in blocks {
            let placed = match block.offset {
                0 => Some(*meta),
                offset => place(meta, offset, &block, accepted)
                    .inspect(|(_, behind)| receiver.comes_again(*behind))
                    .map(|(earlier, _)| earlier)
                    .filter(|earlier| self.latest.is_some() && self.note(earlier.seq)),
            };
            if let Some(placed) = placed {
                self.note(placed.seq);
                let placed = RtpMeta {
                    payload_type: block.payload_type,
                    ..placed
                };
                if block.offset == 0 {
                    became = receiver.insert(&placed, block.payload, now);
                } else {
                    receiver.insert_again(&placed, block.payload, now);
                }
            }
        }
        became
    }
}

/// The packet that a payload so many ticks back was sent in first, and how long before: by its own
/// length it tells how many packets lie between.
fn place(
    meta: &RtpMeta,
    offset: u16,
    block: &Block<'_>,
    accepted: &[(PayloadType, CodecKind)],
) -> Option<(RtpMeta, Duration)> {
    let (_, kind) = accepted
        .iter()
        .find(|(number, _)| *number == block.payload_type)?;
    let ticks = kind
        .rtp_clock()
        .samples_in(kind.duration_of(block.payload)?) as u64;
    let offset = u64::from(offset);
    if ticks == 0 || !offset.is_multiple_of(ticks) {
        return None;
    }
    let earlier = RtpMeta {
        seq: SeqNo(meta.seq.0.checked_sub(offset / ticks)?),
        time: RtpTime(meta.time.0.checked_sub(offset)?),
        marker: false,
        ..*meta
    };
    Some((earlier, kind.rtp_clock().duration_of(offset)))
}

#[cfg(test)]
mod tests;
