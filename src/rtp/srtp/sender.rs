//! Protecting what goes to the far side.

use super::cipher::{Cipher, Which};
use super::keys::{Kind, MasterKey};
use super::{MAX_RTCP_INDEX, MAX_RTP_INDEX, of_rtcp, of_rtp, payload_offset};

/// Sources of ours under one key: one, and what a collision makes of it (RFC 3550 section 8.2).
const MAX_OWN: usize = 4;

/// Why a packet is not to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtectError {
    /// No RTP packet, or no report.
    #[error("not a packet")]
    Malformed,
    /// Its number was used already, or one after it: the same keystream twice would show both.
    #[error("the index was used already")]
    Repeated,
    /// All that may be sent under one key was sent: another key is to be agreed on.
    #[error("the key is used up")]
    Exhausted,
    /// Too many sources for one key.
    #[error("too many sources")]
    TooManySources,
}

/// Protects the packets and reports of one side of a call.
#[derive(Debug)]
pub struct Sender {
    rtp: Cipher,
    rtcp: Cipher,
    /// The last index of each source.
    sources: Vec<(u32, u64)>,
    next_report: u32,
}

impl Sender {
    /// Begins with a rollover counter of zero.
    #[must_use]
    pub fn new(master: &MasterKey) -> Sender {
        Sender {
            rtp: Cipher::new(master, Kind::Rtp),
            rtcp: Cipher::new(master, Kind::Rtcp),
            sources: Vec::with_capacity(MAX_OWN),
            next_report: 0,
        }
    }

    /// Protects one RTP packet in place; it grows by the tag.
    ///
    /// # Errors
    ///
    /// [`ProtectError`]; then the packet is as it was and must not be sent.
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), ProtectError> {
        let clear = payload_offset(packet).ok_or(ProtectError::Malformed)?;
        let (sequence, source) = of_rtp(packet).ok_or(ProtectError::Malformed)?;
        let full = self.sources.len() >= MAX_OWN;
        let index = match self.sources.iter_mut().find(|(known, _)| *known == source) {
            Some((_, last)) => {
                let ahead = sequence.wrapping_sub(*last as u16);
                // Half the numbers are behind.
                if ahead == 0 || ahead >= 0x8000 {
                    return Err(ProtectError::Repeated);
                }
                let index = *last + u64::from(ahead);
                if index > MAX_RTP_INDEX {
                    return Err(ProtectError::Exhausted);
                }
                *last = index;
                index
            }
            None if full => return Err(ProtectError::TooManySources),
            None => {
                self.sources.push((source, sequence.into()));
                sequence.into()
            }
        };
        let which = Which {
            clear,
            source,
            index,
        };
        let rollover = ((index >> 16) as u32).to_be_bytes();
        let tag = self.rtp.seal(which, packet, &rollover);
        packet.extend_from_slice(&tag[..self.rtp.tag_len()]);
        Ok(())
    }

    /// Counts an RTP packet of a source that is known here, and that goes out without this key: the
    /// index goes on with its number, as it does at the far side.
    pub fn pass(&mut self, packet: &[u8]) {
        let Some((sequence, source)) = of_rtp(packet) else {
            return;
        };
        if let Some((_, last)) = self.sources.iter_mut().find(|(known, _)| *known == source) {
            let ahead = sequence.wrapping_sub(*last as u16);
            *last = last.saturating_add(u64::from(ahead));
        }
    }

    /// Protects one report in place; it grows by its index and the tag.
    ///
    /// # Errors
    ///
    /// [`ProtectError`]; then the report is as it was and must not be sent.
    pub fn protect_rtcp(&mut self, report: &mut Vec<u8>) -> Result<(), ProtectError> {
        let source = of_rtcp(report).ok_or(ProtectError::Malformed)?;
        let index = self.next_report;
        if index > MAX_RTCP_INDEX {
            return Err(ProtectError::Exhausted);
        }
        self.next_report += 1;
        let which = Which {
            clear: 8,
            source,
            index: index.into(),
        };
        let trailer = (1 << 31 | index).to_be_bytes();
        let tag = self.rtcp.seal(which, report, &trailer);
        let tag = &tag[..self.rtcp.tag_len()];
        if self.rtcp.is_aead() {
            report.extend_from_slice(tag);
            report.extend_from_slice(&trailer);
        } else {
            report.extend_from_slice(&trailer);
            report.extend_from_slice(tag);
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn skip_to(&mut self, source: u32, last: u64, next_report: u32) {
        self.sources.retain(|(known, _)| *known != source);
        self.sources.push((source, last));
        self.next_report = next_report;
    }
}
