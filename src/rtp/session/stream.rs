//! The two streams of a session: the one we send and the one we hear.

use std::time::Instant;

use super::super::header::RtpPacket;
use super::super::ntp::NtpShort;
use super::super::rtcp::ReportBlock;
use super::super::sequence::{MAX_DROPOUT, MAX_MISORDER, Order, Sequence, Timeline};
use super::super::stats::{Arrival, Jitter, Reception};
use super::config::{PayloadFormat, PayloadKind};
use super::output::Received;
use crate::units::{RtpTime, SampleRate, Ssrc};

/// The stream we send.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) ssrc: Ssrc,
    pub(super) sequence: u16,
    /// Added to the caller's media time to make the timestamp on the wire.
    pub(super) offset: u32,
    pub(super) last: Option<Sent>,
    pub(super) packets: u64,
    pub(super) octets: u64,
    /// Reports since the last packet: after two, we are a sender no longer (section 6.4).
    pub(super) quiet_reports: u8,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) at: Instant,
    /// On the wire, of the frame last begun.
    pub(super) timestamp: u32,
    pub(super) clock: SampleRate,
}

impl Outgoing {
    /// The timestamp a packet would carry at `now`.
    pub(super) fn timestamp_at(&self, now: Instant) -> u32 {
        self.last.map_or(self.offset, |sent| {
            let since = sent
                .clock
                .samples_in(now.saturating_duration_since(sent.at));
            sent.timestamp.wrapping_add(since as u32)
        })
    }
}

/// The stream we hear.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) ssrc: Ssrc,
    pub(super) sequence: Sequence,
    pub(super) sound: Timeline,
    pub(super) events: Option<Timeline>,
    pub(super) reception: Reception,
    pub(super) jitter: Jitter,
    pub(super) heard_since_report: bool,
    /// Its last sender report, and when it came.
    pub(super) sender_report: Option<(NtpShort, Instant)>,
}

impl Source {
    pub(super) fn starting_with(
        now: Instant,
        packet: &RtpPacket<'_>,
        format: PayloadFormat,
    ) -> Source {
        let sequence = Sequence::starting_at(packet.sequence);
        let timeline = Timeline::starting_at(packet.timestamp);
        let mut jitter = Jitter::new(format.clock, now);
        if format.kind == PayloadKind::Sound {
            jitter.update(now, RtpTime((1 << 32) | u64::from(packet.timestamp)));
        }
        Source {
            ssrc: packet.ssrc,
            sequence,
            sound: timeline,
            events: (format.kind == PayloadKind::Event).then_some(timeline),
            reception: Reception::starting_at(sequence.highest(), packet.payload.len()),
            jitter,
            heard_since_report: true,
            sender_report: None,
        }
    }

    /// Whether a packet would fit this stream, wherever it comes from.
    pub(super) fn continued_by(&self, packet: &RtpPacket<'_>) -> bool {
        let ahead = packet.sequence.wrapping_sub(self.sequence.highest().wire());
        self.ssrc == packet.ssrc && (ahead < MAX_DROPOUT || ahead.wrapping_neg() < MAX_MISORDER)
    }

    /// Counts a packet; `None` when its number is a jump that the next one has to confirm.
    pub(super) fn receive<'a>(
        &mut self,
        now: Instant,
        packet: RtpPacket<'a>,
        format: PayloadFormat,
    ) -> Option<Received<'a>> {
        let order = self.sequence.update(packet.sequence);
        let arrival = self.reception.count(order, packet.payload.len())?;
        let seq = match order {
            Order::Ahead(seq) | Order::Behind(seq) | Order::Restarted(seq) => seq,
            Order::Suspect => return None,
        };
        self.heard_since_report = true;
        if arrival == Arrival::Restart {
            self.jitter.rebase();
        }
        let time = if format.kind == PayloadKind::Event {
            let fresh = || Timeline::starting_at(packet.timestamp);
            self.events
                .get_or_insert_with(fresh)
                .extend(packet.timestamp)
        } else {
            self.sound.extend(packet.timestamp)
        };
        if format.kind == PayloadKind::Sound && arrival != Arrival::Duplicate {
            if self.jitter.clock() != format.clock {
                self.jitter = Jitter::new(format.clock, now);
            }
            self.jitter.update(now, time);
        }
        Some(Received {
            packet,
            kind: format.kind,
            clock: format.clock,
            seq,
            time,
            arrival,
            new_source: false,
        })
    }

    /// The block about this source, if it was heard since the report before.
    pub(super) fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        if !std::mem::take(&mut self.heard_since_report) {
            return None;
        }
        let loss = self.reception.report();
        let (lsr, dlsr) = self
            .sender_report
            .map_or_else(Default::default, |(lsr, at)| {
                (lsr, NtpShort::from_span(now.saturating_duration_since(at)))
            });
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: loss.fraction,
            cumulative_lost: loss.cumulative,
            highest: loss.highest,
            jitter: self.jitter.ticks(),
            lsr,
            dlsr,
        })
    }
}
