//! Secure RTP: packets and reports protected in place (RFC 3711, RFC 6188, RFC 7714).
//!
//! Keys come in, from whatever agreed on them ([`MasterKey`]); a [`Sender`] protects what goes to
//! the far side, a [`Receiver`] takes the protection off what comes, and refuses what is forged or
//! comes a second time. Neither allocates per packet, as long as the buffer of the caller has
//! [`MAX_GROWTH`] octets to spare.
//!
//! - `suite`: which cipher with which lengths.
//! - `keys`: master keys, and the session keys derived from them.
//! - `cipher`: one packet or report under session keys, its index given.
//! - `window`: which indices were seen.
//! - `sender`, `receiver`: the indices, kept for each source.

mod cipher;
mod keys;
mod receiver;
mod sender;
mod suite;
#[cfg(test)]
mod tests;
mod window;

pub use keys::{MasterKey, MasterKeyError};
pub use receiver::{MAX_SOURCES, Mki, Receiver, UnprotectError};
pub use sender::{ProtectError, Sender};
pub use suite::Suite;

/// Octets by which a packet or report grows at most: a tag of 16, and the index of a report.
pub const MAX_GROWTH: usize = 16 + 4;

/// RTP packets under one master key (RFC 3711 section 9.2).
const MAX_RTP_INDEX: u64 = (1 << 48) - 1;
/// RTCP packets under one master key (RFC 3711 section 9.2).
const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;

/// Where the payload of an RTP packet begins, behind contributing sources and extension; `None`
/// for what is no RTP packet.
fn payload_offset(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    if first >> 6 != 2 || packet.len() < 12 {
        return None;
    }
    let sources = 12 + 4 * usize::from(first & 0x0f);
    let offset = if first & 0x10 == 0 {
        sources
    } else {
        let length = packet.get(sources + 2..sources + 4)?;
        sources + 4 + 4 * usize::from(u16::from_be_bytes([length[0], length[1]]))
    };
    (offset <= packet.len()).then_some(offset)
}

/// The sequence number and the source of an RTP packet.
fn of_rtp(packet: &[u8]) -> Option<(u16, u32)> {
    let sequence = packet.get(2..4)?;
    let source = packet.get(8..12)?;
    Some((
        u16::from_be_bytes([sequence[0], sequence[1]]),
        u32::from_be_bytes([source[0], source[1], source[2], source[3]]),
    ))
}

/// The source of a report: that of the first packet in it.
fn of_rtcp(report: &[u8]) -> Option<u32> {
    if *report.first()? >> 6 != 2 {
        return None;
    }
    let source = report.get(4..8)?;
    Some(u32::from_be_bytes([
        source[0], source[1], source[2], source[3],
    ]))
}
