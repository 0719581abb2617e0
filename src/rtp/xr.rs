//! Extended reports: RTCP XR (RFC 3611), as far as a telephone has a use for them.
//!
//! Read and written: Receiver Reference Time (block 4) and DLRR (block 5), by which somebody who
//! only listens learns the round trip too, and VoIP Metrics (block 7). Other blocks are passed
//! over. All of it is done here: `rtcp-types` has no block 7, refuses a whole packet for one bad
//! block, and allocates for each block it writes.

use super::ntp::{NtpShort, NtpTime};
use crate::units::Ssrc;

/// The packet type of an extended report (RFC 3611 section 2).
pub(super) const EXTENDED_REPORT: u8 = 207;

/// Block types (RFC 3611 section 4).
const REFERENCE_TIME: u8 = 4;
const DLRR: u8 = 5;
const VOIP_METRICS: u8 = 7;

/// Octets of one sub-block of a DLRR block.
const DLRR_LEN: usize = 12;
/// Octets of a VoIP Metrics block behind its header.
const METRICS_LEN: usize = 32;

/// In the fields that say so: not known.
const UNAVAILABLE: u8 = 127;

/// Gmin, as RFC 3611 section 4.7.2 recommends it: so many packets received in a row end a burst.
pub const GMIN: u8 = 16;

/// One block of an extended report.
#[derive(Clone, Debug)]
pub enum XrBlock<'a> {
    /// Receiver Reference Time: when it was sent, by the reporter's wall clock (section 4.4).
    ReferenceTime(NtpTime),
    /// DLRR: what the reporter heard of others' reference times (section 4.5).
    Dlrr(DlrrBlocks<'a>),
    /// How a call sounds to the reporter (section 4.7).
    VoipMetrics(VoipMetrics),
    /// Another: passed over.
    Other {
        /// The block type field.
        block_type: u8,
    },
}

/// One sub-block of a DLRR block: when somebody's reference time was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dlrr {
    /// Whose reference time.
    pub ssrc: Ssrc,
    /// Its middle 32 bits; zero if none was heard.
    pub last_rr: NtpShort,
    /// How long ago that was.
    pub delay: NtpShort,
}

/// The sub-blocks of one DLRR block.
#[derive(Clone, Debug)]
pub struct DlrrBlocks<'a>(&'a [u8]);

impl Iterator for DlrrBlocks<'_> {
    type Item = Dlrr;

    fn next(&mut self) -> Option<Dlrr> {
        let (block, rest) = self.0.split_at_checked(DLRR_LEN)?;
        self.0 = rest;
        let word = |at: usize| block.get(at..at + 4).map_or(0, be32);
        Some(Dlrr {
            ssrc: Ssrc(word(0)),
            last_rr: NtpShort(word(4)),
            delay: NtpShort(word(8)),
        })
    }
}

/// A share in 256ths, as RFC 3611 writes loss, discard and density.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share(pub u8);

impl Share {
    /// `part` of `whole`, cut to whole 256ths; all of it is 255, and nothing of nothing is 0.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Share {
        let share = (u128::from(part) << 8)
            .checked_div(u128::from(whole))
            .unwrap_or(0);
        Share(u8::try_from(share).unwrap_or(u8::MAX))
    }

    /// In percent.
    #[must_use]
    pub fn percent(self) -> f32 {
        f32::from(self.0) / 256.0 * 100.0
    }
}

/// How lost sound is replaced (RFC 3611 section 4.7.6, PLC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concealment {
    /// Nothing is said.
    #[default]
    Unspecified,
    /// By silence.
    Disabled,
    /// In a way that bears much loss.
    Enhanced,
    /// By repetition or interpolation.
    Standard,
}

/// What kind of jitter buffer there is (RFC 3611 section 4.7.6, JBA).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BufferKind {
    /// Nothing is said.
    #[default]
    Unknown,
    /// Its delay stays as it is.
    Fixed,
    /// It follows the network; with the time it takes for a step of jitter from 30 to 100 ms, in
    /// double frames, 0 to 15.
    Adaptive(u8),
}

/// A VoIP Metrics block (RFC 3611 section 4.7). What is `None` is not known to the reporter;
/// everything is counted since the beginning of reception.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoipMetrics {
    /// The source spoken of.
    pub ssrc: Ssrc,
    /// Packets lost, those that redundancy brought back not counted.
    pub loss: Share,
    /// Packets that came too late or too early to be heard.
    pub discard: Share,
    /// Lost or discarded packets of those in bursts.
    pub burst_density: Share,
    /// Lost or discarded packets of those in gaps.
    pub gap_density: Share,
    /// Mean length of a burst, in ms; 0 without any.
    pub burst_ms: u16,
    /// Mean length of a gap, in ms.
    pub gap_ms: u16,
    /// Round trip between the two RTP interfaces, in ms; 0 when not known.
    pub round_trip_ms: u16,
    /// What the reporter's own computer adds, sending and receiving together, in ms; 0 when not
    /// known.
    pub end_system_ms: u16,
    /// Level of speech, in dBm0.
    pub signal_dbm0: Option<i8>,
    /// Level of the pauses, in dBm0.
    pub noise_dbm0: Option<i8>,
    /// Residual echo return loss, in dB.
    pub echo_loss_db: Option<u8>,
    /// So many packets received in a row end a burst.
    pub gmin: u8,
    /// E-model rating of the part of the call carried by this session, 0 to 100.
    pub r_factor: Option<u8>,
    /// The same of what lies beyond it, 0 to 100.
    pub external_r_factor: Option<u8>,
    /// Mean opinion score of listening, in tenths, 10 to 50.
    pub mos_lq: Option<u8>,
    /// Mean opinion score of conversation, in tenths, 10 to 50.
    pub mos_cq: Option<u8>,
    /// How lost sound is replaced.
    pub concealment: Concealment,
    /// What kind of jitter buffer there is.
    pub buffer: BufferKind,
    /// Delay of a packet that comes on time, in ms.
    pub buffer_nominal_ms: u16,
    /// Delay of the earliest packet that is not discarded at present, in ms.
    pub buffer_max_ms: u16,
    /// The longest delay the buffer can come to, in ms.
    pub buffer_abs_max_ms: u16,
}

impl VoipMetrics {
    /// Reads the 32 octets behind the header of the block.
    fn read(body: &[u8; METRICS_LEN]) -> VoipMetrics {
        let half = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
        let known = |at: usize| Some(body[at]).filter(|value| *value != UNAVAILABLE);
        let level = |at: usize| known(at).map(|value| value as i8);
        // What is out of range "MUST be ignored by the receiving system".
        let rating = |at: usize| known(at).filter(|value| *value <= 100);
        let score = |at: usize| known(at).filter(|value| (10..=50).contains(value));
        let config = body[24];
        VoipMetrics {
            ssrc: Ssrc(be32(body)),
            loss: Share(body[4]),
            discard: Share(body[5]),
            burst_density: Share(body[6]),
            gap_density: Share(body[7]),
            burst_ms: half(8),
            gap_ms: half(10),
            round_trip_ms: half(12),
            end_system_ms: half(14),
            signal_dbm0: level(16),
            noise_dbm0: level(17),
            echo_loss_db: known(18),
            gmin: body[19],
            r_factor: rating(20),
            external_r_factor: rating(21),
            mos_lq: score(22),
            mos_cq: score(23),
            concealment: match config >> 6 {
                0b11 => Concealment::Standard,
                0b10 => Concealment::Enhanced,
                0b01 => Concealment::Disabled,
                _ => Concealment::Unspecified,
            },
            buffer: match config >> 4 & 0b11 {
                0b11 => BufferKind::Adaptive(config & 0x0f),
                0b10 => BufferKind::Fixed,
                _ => BufferKind::Unknown,
            },
            buffer_nominal_ms: half(26),
            buffer_max_ms: half(28),
            buffer_abs_max_ms: half(30),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let config = match self.concealment {
            Concealment::Unspecified => 0,
            Concealment::Disabled => 0b01 << 6,
            Concealment::Enhanced => 0b10 << 6,
            Concealment::Standard => 0b11 << 6,
        } | match self.buffer {
            BufferKind::Unknown => 0,
            BufferKind::Fixed => 0b10 << 4,
            BufferKind::Adaptive(rate) => 0b11 << 4 | rate.min(15),
        };
        let level = |level: Option<i8>| level.map_or(UNAVAILABLE, i8::cast_unsigned);
        let known = |value: Option<u8>| value.unwrap_or(UNAVAILABLE);
        out.extend_from_slice(&self.ssrc.0.to_be_bytes());
        out.extend_from_slice(&[
            self.loss.0,
            self.discard.0,
            self.burst_density.0,
            self.gap_density.0,
        ]);
        for millis in [
            self.burst_ms,
            self.gap_ms,
            self.round_trip_ms,
            self.end_system_ms,
        ] {
            out.extend_from_slice(&millis.to_be_bytes());
        }
        out.extend_from_slice(&[
            level(self.signal_dbm0),
            level(self.noise_dbm0),
            known(self.echo_loss_db),
            self.gmin,
            known(self.r_factor),
            known(self.external_r_factor),
            known(self.mos_lq),
            known(self.mos_cq),
            config,
            0,
        ]);
        for millis in [
            self.buffer_nominal_ms,
            self.buffer_max_ms,
            self.buffer_abs_max_ms,
        ] {
            out.extend_from_slice(&millis.to_be_bytes());
        }
    }
}

/// The blocks of an extended report. One whose length contradicts its type counts as
/// [`XrBlock::Other`]; one that is longer than what is left ends the iteration.
#[derive(Clone, Debug)]
pub struct XrBlocks<'a>(&'a [u8]);

impl<'a> XrBlocks<'a> {
    /// What follows the SSRC of the reporter, without padding.
    pub(super) fn new(blocks: &'a [u8]) -> XrBlocks<'a> {
        XrBlocks(blocks)
    }
}

impl<'a> Iterator for XrBlocks<'a> {
    type Item = XrBlock<'a>;

    fn next(&mut self) -> Option<XrBlock<'a>> {
        let ([block_type, _, high, low], rest) = self.0.split_first_chunk()?;
        let length = 4 * usize::from(u16::from_be_bytes([*high, *low]));
        let (body, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        let block_type = *block_type;
        let block = match block_type {
            REFERENCE_TIME => <[u8; 8]>::try_from(body)
                .ok()
                .map(|ntp| XrBlock::ReferenceTime(NtpTime(u64::from_be_bytes(ntp)))),
            DLRR if length.is_multiple_of(DLRR_LEN) => Some(XrBlock::Dlrr(DlrrBlocks(body))),
            VOIP_METRICS => body
                .try_into()
                .ok()
                .map(|body| XrBlock::VoipMetrics(VoipMetrics::read(body))),
            _ => None,
        };
        Some(block.unwrap_or(XrBlock::Other { block_type }))
    }
}

/// What an extended report of ours says. Without anything, none is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExtendedReport {
    /// Our wall clock, for others to answer by DLRR.
    pub reference_time: Option<NtpTime>,
    /// The answer to the other side's reference time.
    pub dlrr: Option<Dlrr>,
    /// How the other side's stream sounds here.
    pub metrics: Option<VoipMetrics>,
}

impl ExtendedReport {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == ExtendedReport::default()
    }

    /// Appends the blocks, whole 32-bit words each: at most 64 octets.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if let Some(time) = self.reference_time {
            out.extend_from_slice(&[REFERENCE_TIME, 0, 0, 2]);
            out.extend_from_slice(&time.0.to_be_bytes());
        }
        if let Some(dlrr) = self.dlrr {
            out.extend_from_slice(&[DLRR, 0, 0, 3]);
            for word in [dlrr.ssrc.0, dlrr.last_rr.0, dlrr.delay.0] {
                out.extend_from_slice(&word.to_be_bytes());
            }
        }
        if let Some(metrics) = &self.metrics {
            out.extend_from_slice(&[VOIP_METRICS, 0, 0, 8]);
            metrics.write(out);
        }
    }
}

/// The first four octets as a number; zero of less.
fn be32(octets: &[u8]) -> u32 {
    octets
        .first_chunk()
        .map_or(0, |word| u32::from_be_bytes(*word))
}

#[cfg(test)]
mod tests;
