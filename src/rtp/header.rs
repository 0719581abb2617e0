//! One RTP packet on the wire (RFC 3550 section 5.1), and what else may share its port.

use rtp_types::{RtpPacketBuilder, RtpParseError};

use crate::units::{PayloadType, Ssrc};

/// Octets of an RTP header without contributing sources or extension, as [`write_rtp`] makes it.
pub const HEADER_LEN: usize = 12;

/// What a datagram on a media port is, told from its first two octets (RFC 7983 section 7,
/// RFC 5761 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muxed {
    /// Voice, or events in its place.
    Rtp,
    /// Reports about voice.
    Rtcp,
    /// A STUN message (RFC 8489).
    Stun,
    /// A DTLS record (RFC 9147).
    Dtls,
    /// Nothing that belongs on a media port: empty, too short, or noise.
    Unknown,
}

impl Muxed {
    /// Classifies a datagram without reading further than its second octet.
    #[must_use]
    pub fn of(datagram: &[u8]) -> Muxed {
        match datagram {
            [0..=3, ..] => Muxed::Stun,
            [20..=63, ..] => Muxed::Dtls,
            // RTCP packet types 192 to 223 are RTP payload types 64 to 95 with the marker set,
            // which RFC 5761 section 4 forbids on a shared port.
            [128..=191, 192..=223, ..] => Muxed::Rtcp,
            [128..=191, _, ..] => Muxed::Rtp,
            _ => Muxed::Unknown,
        }
    }
}

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// The version field is not 2.
    #[error("RTP version {0}")]
    Version(u8),
    /// Header, contributing sources, extension or padding reach beyond the end.
    #[error("{actual} octets where at least {expected} are announced")]
    Truncated {
        /// Octets that the fields announce.
        expected: usize,
        /// Octets there are.
        actual: usize,
    },
    /// The padding bit is set and the last octet says 0.
    #[error("padding of {0} octets")]
    Padding(u8),
}

impl From<RtpParseError> for RtpError {
    fn from(error: RtpParseError) -> RtpError {
        match error {
            RtpParseError::UnsupportedVersion(version) => RtpError::Version(version),
            RtpParseError::Truncated { expected, actual } => {
                RtpError::Truncated { expected, actual }
            }
            RtpParseError::PaddingInvalid(octets) => RtpError::Padding(octets),
        }
    }
}

/// One received RTP packet, borrowed from its datagram.
///
/// Contributing sources and header extension are skipped over, padding is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// How `payload` is encoded.
    pub payload_type: PayloadType,
    /// For sound: the first packet after silence (RFC 3551 section 4.1). For events: the first
    /// packet of one.
    pub marker: bool,
    /// As on the wire; see [`crate::rtp::sequence`] for its extension.
    pub sequence: u16,
    /// As on the wire, in ticks of the payload type's clock.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: Ssrc,
    /// What is sent, without padding; may be empty.
    pub payload: &'a [u8],
}

impl<'a> RtpPacket<'a> {
    /// Reads one datagram.
    ///
    /// # Errors
    ///
    /// [`RtpError`] when the fields contradict the length or the version is not 2.
    pub fn parse(datagram: &'a [u8]) -> Result<RtpPacket<'a>, RtpError> {
        let packet = rtp_types::RtpPacket::parse(datagram)?;
        let start = packet.payload_offset();
        let truncated = RtpError::Truncated {
            expected: start,
            actual: datagram.len(),
        };
        let payload = datagram
            .get(start..start + packet.payload_len())
            .ok_or(truncated)?;
        Ok(RtpPacket {
            payload_type: PayloadType::new(packet.payload_type()).ok_or(truncated)?,
            marker: packet.marker_bit(),
            sequence: packet.sequence_number(),
            timestamp: packet.timestamp(),
            ssrc: Ssrc(packet.ssrc()),
            payload,
        })
    }
}

/// The fields of an RTP packet to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// How the payload is encoded.
    pub payload_type: PayloadType,
    /// Start of a talk spurt or of an event.
    pub marker: bool,
    /// Sequence number on the wire.
    pub sequence: u16,
    /// Timestamp on the wire, in ticks of the payload type's clock.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: Ssrc,
}

/// Replaces the content of `out` by one RTP packet of [`HEADER_LEN`] octets and `payload`.
///
/// Allocates only when `out` has less capacity than that: keep one buffer for all packets.
pub fn write_rtp(header: &RtpHeader, payload: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.reserve(HEADER_LEN + payload.len());
    RtpPacketBuilder::<&[u8], &[u8]>::new()
        .payload_type(header.payload_type.number())
        .marker_bit(header.marker)
        .sequence_number(header.sequence)
        .timestamp(header.timestamp)
        .ssrc(header.ssrc.0)
        .payload(payload)
        .write_into_vec_unchecked(out);
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// Version 2, payload type 96 with marker, sequence 0x0102, timestamp 0x03040506, SSRC
    /// 0x0708090a, payload "hi".
    const PLAIN: [u8; 14] = [
        0x80, 0xe0, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, b'h', b'i',
    ];

    fn check(datagram: &[u8], payload: &[u8]) {
        let packet = RtpPacket::parse(datagram).expect("readable");
        assert_eq!(packet.payload_type.number(), 96);
        assert!(packet.marker);
        assert_eq!(packet.sequence, 0x0102);
        assert_eq!(packet.timestamp, 0x0304_0506);
        assert_eq!(packet.ssrc, Ssrc(0x0708_090a));
        assert_eq!(packet.payload, payload);
    }

    fn with(first: u8, after_header: &[u8]) -> Vec<u8> {
        let mut datagram = PLAIN[..HEADER_LEN].to_vec();
        datagram[0] = first;
        datagram.extend_from_slice(after_header);
        datagram
    }

    #[test]
    fn a_plain_packet_is_read_field_by_field() {
        check(&PLAIN, b"hi");
    }

    #[test]
    fn an_empty_payload_is_a_packet() {
        check(&PLAIN[..HEADER_LEN], b"");
    }

    #[test]
    fn padding_is_removed() {
        check(&with(0xa0, &[b'h', b'i', 0, 0, 0, 4]), b"hi");
        check(&with(0xa0, &[0, 0, 0, 4]), b"");
    }

    #[test]
    fn contributing_sources_and_extension_are_skipped() {
        let after = [
            1, 1, 1, 1, 2, 2, 2, 2, 0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0, b'h', b'i', 0, 2,
        ];
        check(&with(0xb2, &after), b"hi");
    }

    #[test]
    fn announced_lengths_beyond_the_end_are_errors() {
        assert_eq!(
            RtpPacket::parse(&PLAIN[..11]),
            Err(RtpError::Truncated {
                expected: 12,
                actual: 11
            })
        );
        assert!(matches!(
            RtpPacket::parse(&with(0x8f, b"hi")),
            Err(RtpError::Truncated { .. })
        ));
        assert!(matches!(
            RtpPacket::parse(&with(0x90, &[0, 0, 0xff, 0xff])),
            Err(RtpError::Truncated { .. })
        ));
        assert!(matches!(
            RtpPacket::parse(&with(0xa0, &[0, 9])),
            Err(RtpError::Truncated { .. })
        ));
        assert_eq!(
            RtpPacket::parse(&with(0xa0, &[1, 0])),
            Err(RtpError::Padding(0))
        );
        assert_eq!(
            RtpPacket::parse(&with(0x40, b"hi")),
            Err(RtpError::Version(1))
        );
    }

    #[test]
    fn what_is_written_is_the_packet_octet_by_octet() {
        let header = RtpHeader {
            payload_type: PayloadType::new(96).expect("seven bits"),
            marker: true,
            sequence: 0x0102,
            timestamp: 0x0304_0506,
            ssrc: Ssrc(0x0708_090a),
        };
        let mut out = b"left over from the packet before".to_vec();
        write_rtp(&header, b"hi", &mut out);
        assert_eq!(out, PLAIN);
    }

    #[test]
    fn a_shared_port_is_sorted_by_two_octets() {
        let check = |datagram: &[u8], kind| assert_eq!(Muxed::of(datagram), kind, "{datagram:?}");
        check(&[0x80, 0], Muxed::Rtp);
        check(&[0x80, 0xe0], Muxed::Rtp); // payload type 96, marker
        check(&[0x80, 191], Muxed::Rtp); // payload type 63, marker
        check(&[0x80, 200], Muxed::Rtcp);
        check(&[0x81, 192], Muxed::Rtcp);
        check(&[0xbf, 223], Muxed::Rtcp);
        check(&[0x80, 224], Muxed::Rtp);
        check(&[0, 1], Muxed::Stun);
        check(&[22, 254], Muxed::Dtls);
        check(&[0x80], Muxed::Unknown);
        check(&[], Muxed::Unknown);
        check(b"INVITE sip:", Muxed::Unknown);
        check(b"\r\n\r\n", Muxed::Unknown);
    }

    #[test]
    fn no_garbage_panics_the_reader() {
        let mut random = ChaCha8Rng::seed_from_u64(0x5eed);
        let mut read = 0;
        for _ in 0..200_000 {
            let mut datagram = [0; 64];
            random.fill_bytes(&mut datagram);
            let len = (random.next_u32() % 65) as usize;
            if random.next_u32() % 2 == 0 {
                datagram[0] = 0x80 | (datagram[0] & 0x3f);
                datagram[14] = 0; // sometimes a short extension
            }
            if let Ok(packet) = RtpPacket::parse(&datagram[..len]) {
                assert!(packet.payload.len() <= len - HEADER_LEN);
                read += 1;
            }
        }
        assert!(
            read > 1_000,
            "the garbage is too poor to reach the reader: {read}"
        );
    }
}
