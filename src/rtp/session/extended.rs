//! What a session exchanges by extended reports (RFC 3611).

use std::time::{Duration, Instant};

use super::super::burst_gap::BurstGap;
use super::super::ntp::{NtpShort, NtpTime};
use super::super::stats::Counts;
use super::super::xr::{
    BufferKind, Concealment, Dlrr, ExtendedReport, GMIN, Share, VoipMetrics, XrBlock, XrBlocks,
};
use crate::units::Ssrc;

/// Which extended reports are sent, as signalling agreed (RFC 3611 section 5). None of them is
/// sent to whom did not ask for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XrTerms {
    /// The far side asked for VoIP Metrics.
    pub voip_metrics: bool,
    /// Both sides take part in the exchange of reference times.
    pub reference_times: Option<Answerers>,
}

/// Who answers reference times (`rcvr-rtt` of RFC 3611 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerers {
    /// Everybody.
    All,
    /// Who sends sound.
    Senders,
}

/// What the listener adds to the VoIP Metrics: all that the packets alone do not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Listening {
    /// Length of the far side's packets.
    pub ptime: Duration,
    /// Of the packets lost, those that redundancy brought back.
    pub repaired: u64,
    /// Packets left out to catch up, which no packet's own arrival shows.
    pub skipped: u64,
    /// What this computer adds, sending and receiving together.
    pub end_system: Duration,
    /// Level of speech, in dBm0.
    pub signal_dbm0: Option<i8>,
    /// Level of the pauses, in dBm0.
    pub noise_dbm0: Option<i8>,
    /// Rating of the call so far, 0 to 100.
    pub r_factor: f32,
    /// Score of listening, 1 to 5.
    pub mos_lq: f32,
    /// Score of conversation, 1 to 5.
    pub mos_cq: f32,
    /// How lost sound is replaced.
    pub concealment: Concealment,
    /// How quickly the jitter buffer follows, as [`BufferKind::Adaptive`] has it.
    pub buffer_rate: u8,
    /// The jitter buffer's delay for a packet that comes on time.
    pub buffer_nominal: Duration,
    /// The longest it can come to.
    pub buffer_longest: Duration,
}

/// What the far side's last extended report says of our stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteMetrics {
    /// As it came.
    pub metrics: VoipMetrics,
    /// When.
    pub at: Instant,
}

/// One session's part in the exchange.
#[derive(Debug, Default)]
pub(super) struct Extended {
    pub(super) terms: XrTerms,
    pub(super) listening: Option<Listening>,
    pub(super) remote: Option<RemoteMetrics>,
    /// The far side's last reference time, and when it came.
    reference: Option<(Ssrc, NtpShort, Instant)>,
}

/// What the packets tell for the VoIP Metrics.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) ssrc: Ssrc,
    pub(super) counts: Counts,
    pub(super) burst_gap: BurstGap,
    pub(super) round_trip: Option<Duration>,
}

impl Extended {
    /// Takes the blocks of one report by `reporter`; answers what it heard of our reference time,
    /// if it says.
    pub(super) fn take(
        &mut self,
        now: Instant,
        ours: Ssrc,
        reporter: Ssrc,
        blocks: XrBlocks<'_>,
    ) -> Option<Dlrr> {
        let mut answer = None;
        for block in blocks {
            match block {
                XrBlock::ReferenceTime(time) => {
                    self.reference = Some((reporter, time.middle(), now));
                }
                XrBlock::Dlrr(mut answers) => {
                    answer = answer.or(answers.find(|answer| answer.ssrc == ours));
                }
                XrBlock::VoipMetrics(metrics) if metrics.ssrc == ours => {
                    self.remote = Some(RemoteMetrics { metrics, at: now });
                }
                XrBlock::VoipMetrics(_) | XrBlock::Other { .. } => {}
            }
        }
        answer
    }

    /// What goes into the report of `now`. `sending`: it is a sender report, which tells our time
    /// already.
    pub(super) fn report(
        &self,
        now: Instant,
        wall_clock: NtpTime,
        sending: bool,
        heard: Option<Heard>,
    ) -> ExtendedReport {
        let answers = match self.terms.reference_times {
            None => false,
            Some(Answerers::All) => true,
            Some(Answerers::Senders) => sending,
        };
        let dlrr = self.reference.filter(|_| answers);
        ExtendedReport {
            reference_time: (self.terms.reference_times.is_some() && !sending)
                .then_some(wall_clock),
            dlrr: dlrr.map(|(ssrc, last_rr, at)| Dlrr {
                ssrc,
                last_rr,
                delay: NtpShort::from_span(now.saturating_duration_since(at)),
            }),
            metrics: heard
                .filter(|_| self.terms.voip_metrics)
                .map(|heard| self.metrics(heard)),
        }
    }

    fn metrics(&self, heard: Heard) -> VoipMetrics {
        let Heard {
            ssrc,
            counts,
            burst_gap,
            round_trip,
        } = heard;
        let of_packets = VoipMetrics {
            ssrc,
            loss: Share::of(counts.lost(), counts.expected),
            discard: Share::of(burst_gap.discarded, counts.expected),
            burst_density: burst_gap.bursts.density(),
            gap_density: burst_gap.gaps.density(),
            round_trip_ms: round_trip.map_or(0, millis),
            gmin: GMIN,
            ..VoipMetrics::default()
        };
        let Some(listening) = &self.listening else {
            return of_packets;
        };
        let lost = counts.lost().saturating_sub(listening.repaired);
        let discarded = burst_gap.discarded.saturating_add(listening.skipped);
        VoipMetrics {
            loss: Share::of(lost, counts.expected),
            discard: Share::of(discarded, counts.expected),
            burst_ms: millis(burst_gap.bursts.mean(listening.ptime)),
            gap_ms: millis(burst_gap.gaps.mean(listening.ptime)),
            end_system_ms: millis(listening.end_system),
            signal_dbm0: listening.signal_dbm0,
            noise_dbm0: listening.noise_dbm0,
            r_factor: Some(listening.r_factor.round().clamp(0.0, 100.0) as u8),
            mos_lq: Some(tenths(listening.mos_lq)),
            mos_cq: Some(tenths(listening.mos_cq)),
            concealment: listening.concealment,
            buffer: BufferKind::Adaptive(listening.buffer_rate),
            buffer_nominal_ms: millis(listening.buffer_nominal),
            buffer_max_ms: millis(listening.buffer_longest),
            buffer_abs_max_ms: millis(listening.buffer_longest),
            ..of_packets
        }
    }
}

fn millis(span: Duration) -> u16 {
    u16::try_from(span.as_millis()).unwrap_or(u16::MAX)
}

/// A score as the block writes it, 10 to 50.
fn tenths(score: f32) -> u8 {
    (score * 10.0).round().clamp(10.0, 50.0) as u8
}
