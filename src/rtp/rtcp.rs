//! RTCP compound packets: SR, RR, SDES and BYE (RFC 3550 section 6), and the frame of XR, whose
//! blocks are in [`super::xr`].
//!
//! Reading is by `rtcp-types`, a packet at a time, so that one odd packet does not hide those
//! behind it; source descriptions are read here, because that crate takes a following chunk
//! whose SSRC begins with a zero octet for padding. Writing is done here: it cannot fail and
//! allocates nothing beyond the buffer.

use rtcp_types::prelude::*;

use super::ntp::{NtpShort, NtpTime};
use super::xr::{EXTENDED_REPORT, ExtendedReport, XrBlocks};
use crate::units::Ssrc;

/// Most report blocks, chunks or sources of one packet: the count has five bits.
const MAX_COUNT: usize = 31;
/// Octets of one report block.
const BLOCK_LEN: usize = 24;
/// The longest text of a source description item.
const MAX_TEXT: usize = 255;
/// The type of the CNAME item (RFC 3550 section 6.5.1).
const CNAME: u8 = 1;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;

/// Why bytes are no RTCP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpError {
    /// Shorter than one header.
    #[error("{0} octets are no RTCP packet")]
    TooShort(usize),
    /// The version field of a packet is not 2.
    #[error("RTCP version {0}")]
    Version(u8),
    /// The first packet is no report (RFC 3550 A.2).
    #[error("the first packet is of type {0}, not a report")]
    NoReport(u8),
    /// Padding before the last packet (RFC 3550 A.2).
    #[error("padding before the last packet")]
    Padding,
    /// The lengths do not add up to the datagram (RFC 3550 A.2).
    #[error("packet lengths exceed the datagram by {0} octets")]
    Length(usize),
    /// One packet's fields contradict its length; the others may be sound.
    #[error("malformed packet of type {0}")]
    Malformed(u8),
}

/// The part of a sender report that speaks of the sender itself (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// When the report was sent, by the sender's wall clock.
    pub ntp: NtpTime,
    /// The same moment on the media clock, with the offset of its RTP packets.
    pub rtp_timestamp: u32,
    /// Packets sent, modulo 2³².
    pub packets: u32,
    /// Octets of payload sent, modulo 2³².
    pub octets: u32,
}

/// What a receiver says about one source (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source reported on.
    pub ssrc: Ssrc,
    /// Lost since the report before, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning; negative when duplicates outweigh. 24 bits with sign.
    pub cumulative_lost: i32,
    /// Highest sequence number heard, cycles in the upper half.
    pub highest: u32,
    /// Interarrival jitter in ticks of the source's clock.
    pub jitter: u32,
    /// The last sender report heard from the source; zero if none.
    pub lsr: NtpShort,
    /// How long ago that was.
    pub dlsr: NtpShort,
}

/// One packet of a compound.
#[derive(Clone, Debug)]
pub enum RtcpPacket<'a> {
    /// SR.
    SenderReport {
        /// Who reports.
        ssrc: Ssrc,
        /// On itself.
        sender: SenderInfo,
        /// On others.
        blocks: ReportBlocks<'a>,
    },
    /// RR.
    ReceiverReport {
        /// Who reports.
        ssrc: Ssrc,
        /// On others.
        blocks: ReportBlocks<'a>,
    },
    /// SDES: the canonical names in it.
    SourceDescription(Names<'a>),
    /// BYE.
    Goodbye {
        /// Who leaves.
        sources: Sources<'a>,
        /// Why, in the sender's words.
        reason: Option<&'a [u8]>,
    },
    /// XR.
    ExtendedReport {
        /// Who reports.
        ssrc: Ssrc,
        /// On what.
        blocks: XrBlocks<'a>,
    },
    /// APP, feedback or unknown: skipped.
    Other {
        /// The packet type field.
        packet_type: u8,
    },
}

/// The report blocks of one report.
#[derive(Clone, Debug)]
pub struct ReportBlocks<'a>(&'a [u8]);

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_at_checked(BLOCK_LEN)?;
        self.0 = rest;
        let block = rtcp_types::ReportBlock::parse(block).ok()?;
        Some(ReportBlock {
            ssrc: Ssrc(block.ssrc()),
            fraction_lost: block.fraction_lost(),
            // Carries the sign of 24 bits into 32.
            cumulative_lost: (block.cumulative_lost() << 8) as i32 >> 8,
            highest: block.extended_sequence_number(),
            jitter: block.interarrival_jitter(),
            lsr: NtpShort(block.last_sender_report_timestamp()),
            dlsr: NtpShort(block.delay_since_last_sender_report_timestamp()),
        })
    }
}

/// The sources a BYE names.
#[derive(Clone, Debug)]
pub struct Sources<'a>(&'a [u8]);

impl Iterator for Sources<'_> {
    type Item = Ssrc;

    fn next(&mut self) -> Option<Ssrc> {
        let (ssrc, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(Ssrc(u32::from_be_bytes(*ssrc)))
    }
}

/// The canonical names of a source description, each with its source.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    rest: &'a [u8],
    chunks: u8,
}

impl<'a> Names<'a> {
    /// Reads one chunk: its source and its CNAME; leaves `rest` at the next one.
    fn chunk(&mut self) -> Option<(Ssrc, Option<&'a [u8]>)> {
        let (ssrc, mut items) = self.rest.split_first_chunk()?;
        let mut cname = None;
        let mut used = 4;
        loop {
            match items {
                // The list ends with a zero octet and goes on to the next 32-bit border.
                [] | [0, ..] => {
                    used = (used + 4) & !3;
                    self.rest = self.rest.get(used..).unwrap_or_default();
                    return Some((Ssrc(u32::from_be_bytes(*ssrc)), cname));
                }
                [kind, len, text @ ..] => {
                    let (text, after) = text.split_at_checked(usize::from(*len))?;
                    if *kind == CNAME {
                        cname = cname.or(Some(text));
                    }
                    used += 2 + text.len();
                    items = after;
                }
                [_] => return None,
            }
        }
    }
}

impl<'a> Iterator for Names<'a> {
    type Item = (Ssrc, &'a [u8]);

    fn next(&mut self) -> Option<(Ssrc, &'a [u8])> {
        while self.chunks > 0 {
            self.chunks -= 1;
            if let (ssrc, Some(cname)) = self.chunk()? {
                return Some((ssrc, cname));
            }
        }
        None
    }
}

/// A datagram of RTCP whose outer form is sound (RFC 3550 A.2). Iterates over its packets; one
/// that contradicts itself is an error of its own and does not end the iteration.
#[derive(Clone, Debug)]
pub struct Compound<'a>(&'a [u8]);

impl<'a> Compound<'a> {
    /// Checks the outer form: version 2 throughout, a report first, padding only at the end,
    /// lengths that add up.
    ///
    /// # Errors
    ///
    /// [`RtcpError`] names the check that failed; then nothing of the datagram is to be used.
    pub fn parse(datagram: &'a [u8]) -> Result<Compound<'a>, RtcpError> {
        let [_, first_type, _, _, ..] = datagram else {
            return Err(RtcpError::TooShort(datagram.len()));
        };
        let mut rest = datagram;
        while let Some((packet, after)) = split_packet(rest)? {
            let (version, padded) = (packet[0] >> 6, packet[0] & 0x20 != 0);
            if version != 2 {
                return Err(RtcpError::Version(version));
            }
            if padded && !after.is_empty() {
                return Err(RtcpError::Padding);
            }
            rest = after;
        }
        if !matches!(*first_type, SENDER_REPORT | RECEIVER_REPORT) {
            return Err(RtcpError::NoReport(*first_type));
        }
        Ok(Compound(datagram))
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Result<RtcpPacket<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (packet, rest) = split_packet(self.0).ok()??;
        self.0 = rest;
        let packet_type = packet[1];
        Some(read_packet(packet, packet_type).ok_or(RtcpError::Malformed(packet_type)))
    }
}

/// One packet and what follows it.
type Split<'a> = (&'a [u8], &'a [u8]);

/// The next packet, at least four octets long, and what follows it. `None` at the end.
fn split_packet(rest: &[u8]) -> Result<Option<Split<'_>>, RtcpError> {
    match rest {
        [] => Ok(None),
        [_, _, high, low, ..] => {
            let len = 4 * (usize::from(u16::from_be_bytes([*high, *low])) + 1);
            let split = rest.split_at_checked(len);
            split
                .map(Some)
                .ok_or_else(|| RtcpError::Length(len - rest.len()))
        }
        short => Err(RtcpError::Length(4 - short.len())),
    }
}

fn read_packet(packet: &[u8], packet_type: u8) -> Option<RtcpPacket<'_>> {
    let count = usize::from(packet[0] & 0x1f);
    match packet_type {
        SENDER_REPORT => {
            let report = rtcp_types::SenderReport::parse(packet).ok()?;
            let sender = SenderInfo {
                ntp: NtpTime(report.ntp_timestamp()),
                rtp_timestamp: report.rtp_timestamp(),
                packets: report.packet_count(),
                octets: report.octet_count(),
            };
            let blocks = packet.get(28..28 + BLOCK_LEN * count)?;
            let blocks = ReportBlocks(blocks);
            Some(RtcpPacket::SenderReport {
                ssrc: Ssrc(report.ssrc()),
                sender,
                blocks,
            })
        }
        RECEIVER_REPORT => {
            let report = rtcp_types::ReceiverReport::parse(packet).ok()?;
            let blocks = ReportBlocks(packet.get(8..8 + BLOCK_LEN * count)?);
            Some(RtcpPacket::ReceiverReport {
                ssrc: Ssrc(report.ssrc()),
                blocks,
            })
        }
        SOURCE_DESCRIPTION => Some(RtcpPacket::SourceDescription(Names {
            rest: &packet[4..],
            chunks: count as u8,
        })),
        GOODBYE => {
            rtcp_types::Bye::parse(packet).ok()?;
            let (sources, after) = packet.get(4..)?.split_at_checked(4 * count)?;
            let reason = match after {
                [len, text @ ..] if *len > 0 => text.get(..usize::from(*len)),
                _ => None,
            };
            Some(RtcpPacket::Goodbye {
                sources: Sources(sources),
                reason,
            })
        }
        EXTENDED_REPORT => {
            let (_, rest) = unpadded(packet)?.split_at_checked(4)?;
            let (ssrc, blocks) = rest.split_first_chunk()?;
            Some(RtcpPacket::ExtendedReport {
                ssrc: Ssrc(u32::from_be_bytes(*ssrc)),
                blocks: XrBlocks::new(blocks),
            })
        }
        _ => Some(RtcpPacket::Other { packet_type }),
    }
}

/// A packet without its padding, whose last octet says how long it is (RFC 3550 section 6.4.1).
fn unpadded(packet: &[u8]) -> Option<&[u8]> {
    match packet {
        [first, .., padding] if first & 0x20 != 0 => {
            packet.get(..packet.len().checked_sub(usize::from(*padding))?)
        }
        _ => Some(packet),
    }
}

/// A compound packet to be sent: a report, our name, extended reports, and a goodbye when we
/// leave.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Who we are.
    pub ssrc: Ssrc,
    /// On what we sent; `None` makes a receiver report.
    pub sender: Option<SenderInfo>,
    /// On what we heard; the first 31 are sent.
    pub blocks: &'a [ReportBlock],
    /// Our canonical name; the first 255 octets are sent.
    pub cname: &'a str,
    /// What there is to say beyond that; sent only if it is anything.
    pub extended: ExtendedReport,
    /// Whether a BYE closes the compound.
    pub goodbye: bool,
}

/// Replaces the content of `out` by a compound packet.
///
/// Allocates only when `out` has less capacity than the packet needs: below 480 octets for one
/// block, the longest name and all extended reports.
pub fn write_report(report: &Report<'_>, out: &mut Vec<u8>) {
    out.clear();
    let blocks = &report.blocks[..report.blocks.len().min(MAX_COUNT)];
    let ssrc = report.ssrc.0.to_be_bytes();
    let report_type = if report.sender.is_some() {
        SENDER_REPORT
    } else {
        RECEIVER_REPORT
    };
    write_packet(out, report_type, blocks.len(), |out| {
        out.extend_from_slice(&ssrc);
        if let Some(sender) = &report.sender {
            out.extend_from_slice(&sender.ntp.0.to_be_bytes());
            out.extend_from_slice(&sender.rtp_timestamp.to_be_bytes());
            out.extend_from_slice(&sender.packets.to_be_bytes());
            out.extend_from_slice(&sender.octets.to_be_bytes());
        }
        for block in blocks {
            out.extend_from_slice(&block.ssrc.0.to_be_bytes());
            let lost = block
                .cumulative_lost
                .clamp(-0x80_0000, 0x7f_ffff)
                .to_be_bytes();
            out.extend_from_slice(&[block.fraction_lost, lost[1], lost[2], lost[3]]);
            out.extend_from_slice(&block.highest.to_be_bytes());
            out.extend_from_slice(&block.jitter.to_be_bytes());
            out.extend_from_slice(&block.lsr.0.to_be_bytes());
            out.extend_from_slice(&block.dlsr.0.to_be_bytes());
        }
    });
    write_packet(out, SOURCE_DESCRIPTION, 1, |out| {
        let name = &report.cname.as_bytes()[..report.cname.len().min(MAX_TEXT)];
        out.extend_from_slice(&ssrc);
        out.extend_from_slice(&[CNAME, name.len() as u8]);
        out.extend_from_slice(name);
        // One to four zeros: the end of the list, and up to the border.
        let zeros = 4 - (2 + name.len()) % 4;
        out.extend_from_slice(&[0; 4][..zeros]);
    });
    if !report.extended.is_empty() {
        write_packet(out, EXTENDED_REPORT, 0, |out| {
            out.extend_from_slice(&ssrc);
            report.extended.write(out);
        });
    }
    if report.goodbye {
        write_packet(out, GOODBYE, 1, |out| out.extend_from_slice(&ssrc));
    }
}

/// Appends one packet; `body` writes whole 32-bit words.
fn write_packet(out: &mut Vec<u8>, packet_type: u8, count: usize, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0x80 | count as u8, packet_type, 0, 0]);
    body(out);
    let words = ((out.len() - start) / 4 - 1) as u16;
    if let Some(length) = out.get_mut(start + 2..start + 4) {
        length.copy_from_slice(&words.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// A receiver report of 0x01020304 without blocks.
    const EMPTY_RR: [u8; 8] = [0x80, 201, 0, 1, 1, 2, 3, 4];

    fn after_report(rest: &[u8]) -> Vec<u8> {
        [&EMPTY_RR[..], rest].concat()
    }

    fn names(sdes: &[u8]) -> Vec<(Ssrc, Vec<u8>)> {
        let datagram = after_report(sdes);
        let mut found = Vec::new();
        for packet in Compound::parse(&datagram).expect("sound") {
            if let Ok(RtcpPacket::SourceDescription(names)) = packet {
                found.extend(names.map(|(ssrc, name)| (ssrc, name.to_vec())));
            }
        }
        found
    }

    #[test]
    fn a_sender_report_is_read_field_by_field() {
        let mut datagram = vec![0x81, 200, 0, 12, 0xde, 0xad, 0xbe, 0xef];
        datagram.extend([0xb4, 0x4d, 0xb7, 0x05, 0x20, 0, 0, 0]); // NTP
        datagram.extend([0, 0, 0x12, 0x34, 0, 0, 0, 100, 0, 0, 0x3e, 0x80]);
        datagram.extend([0xca, 0xfe, 0, 1, 64, 0xff, 0xff, 0xfe]); // 64/256, −2
        datagram.extend([0, 1, 0, 9, 0, 0, 0, 80, 0xb7, 5, 0x20, 0, 0, 5, 0x40, 0]);
        let mut packets = Compound::parse(&datagram).expect("sound");
        let Some(Ok(RtcpPacket::SenderReport {
            ssrc,
            sender,
            mut blocks,
        })) = packets.next()
        else {
            panic!("no sender report")
        };
        assert_eq!(ssrc, Ssrc(0xdead_beef));
        assert_eq!(sender.ntp, NtpTime(0xb44d_b705_2000_0000));
        assert_eq!(
            (sender.rtp_timestamp, sender.packets, sender.octets),
            (0x1234, 100, 16_000)
        );
        let block = ReportBlock {
            ssrc: Ssrc(0xcafe_0001),
            fraction_lost: 64,
            cumulative_lost: -2,
            highest: 0x1_0009,
            jitter: 80,
            lsr: NtpShort(0xb705_2000),
            dlsr: NtpShort(0x0005_4000),
        };
        assert_eq!(blocks.next(), Some(block));
        assert_eq!(blocks.next(), None);
        assert!(packets.next().is_none());
    }

    #[test]
    fn what_is_written_is_read_alike_by_another_reader() {
        let sender = SenderInfo {
            ntp: NtpTime(0x0102_0304_0506_0708),
            rtp_timestamp: 0x1122_3344,
            packets: 7,
            octets: 1_120,
        };
        let block = ReportBlock {
            ssrc: Ssrc(9),
            fraction_lost: 12,
            cumulative_lost: -1,
            highest: 0x0003_0004,
            jitter: 55,
            lsr: NtpShort(0xaaaa_bbbb),
            dlsr: NtpShort(0xcccc),
        };
        for cname in ["", "a", "ab", "abc", "abcd", "ramal@host"] {
            let mut out = Vec::new();
            let report = Report {
                ssrc: Ssrc(0x0bad_cafe),
                sender: Some(sender),
                blocks: &[block],
                cname,
                extended: ExtendedReport::default(),
                goodbye: true,
            };
            write_report(&report, &mut out);
            let packets: Vec<_> = rtcp_types::Compound::parse(&out)
                .expect("sound")
                .collect::<Result<_, _>>()
                .expect("each packet is sound");
            let [
                rtcp_types::Packet::Sr(sr),
                rtcp_types::Packet::Sdes(sdes),
                rtcp_types::Packet::Bye(bye),
            ] = &packets[..]
            else {
                panic!("{packets:?}")
            };
            assert_eq!(
                (sr.ssrc(), sr.ntp_timestamp()),
                (0x0bad_cafe, 0x0102_0304_0506_0708)
            );
            assert_eq!((sr.rtp_timestamp(), sr.packet_count()), (0x1122_3344, 7));
            assert_eq!(sr.octet_count(), 1_120);
            let read = sr.report_blocks().next().expect("a block");
            assert_eq!((read.ssrc(), read.fraction_lost()), (9, 12));
            assert_eq!(read.cumulative_lost(), 0xff_ffff);
            assert_eq!(read.extended_sequence_number(), 0x0003_0004);
            assert_eq!(read.interarrival_jitter(), 55);
            assert_eq!(read.last_sender_report_timestamp(), 0xaaaa_bbbb);
            assert_eq!(read.delay_since_last_sender_report_timestamp(), 0xcccc);
            let chunk = sdes.chunks().next().expect("a chunk");
            assert_eq!(chunk.ssrc(), 0x0bad_cafe);
            let item = chunk.items().next().expect("an item");
            assert_eq!((item.type_(), item.value()), (1, cname.as_bytes()));
            assert_eq!(bye.ssrcs().collect::<Vec<_>>(), [0x0bad_cafe]);
        }
    }

    #[test]
    fn a_receiver_report_without_blocks_is_these_octets() {
        let mut out = b"left over".to_vec();
        let report = Report {
            ssrc: Ssrc(0x0102_0304),
            sender: None,
            blocks: &[],
            cname: "ab",
            extended: ExtendedReport::default(),
            goodbye: false,
        };
        write_report(&report, &mut out);
        let sdes = [0x81, 202, 0, 3, 1, 2, 3, 4, 1, 2, b'a', b'b', 0, 0, 0, 0];
        assert_eq!(out, after_report(&sdes));
    }

    #[test]
    fn a_chunk_whose_source_begins_with_zero_is_not_padding() {
        let first = [0x82, 202, 0, 5, 0, 0, 0, 7, 1, 2, b'a', b'b', 0, 0, 0, 0];
        let second = [0, 0, 0, 8, 1, 1, b'c', 0];
        let found = names(&[&first[..], &second[..]].concat());
        // 2 + 2 octets of item leave a whole word of zeros, then comes source 8.
        assert_eq!(found[0], (Ssrc(7), b"ab".to_vec()));
        assert_eq!(found[1], (Ssrc(8), b"c".to_vec()));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn other_items_are_passed_over_and_overlong_ones_end_the_reading() {
        let tool = [
            0x81, 202, 0, 4, 0, 0, 0, 7, 6, 3, b't', b'o', b'l', 1, 1, b'x', 0, 0, 0, 0,
        ];
        assert_eq!(names(&tool), [(Ssrc(7), b"x".to_vec())]);
        let overlong = [0x81, 202, 0, 2, 0, 0, 0, 7, 1, 200, b'x', b'y'];
        assert_eq!(names(&overlong), []);
    }

    #[test]
    fn a_goodbye_names_its_sources_and_its_reason() {
        let bye = [0x82, 203, 0, 3, 0, 0, 0, 5, 0, 0, 0, 6, 3, b'e', b'n', b'd'];
        let datagram = after_report(&bye);
        let last = Compound::parse(&datagram).expect("sound").last();
        let Some(Ok(RtcpPacket::Goodbye { sources, reason })) = last else {
            panic!("no goodbye")
        };
        assert_eq!(sources.collect::<Vec<_>>(), [Ssrc(5), Ssrc(6)]);
        assert_eq!(reason, Some(&b"end"[..]));
    }

    #[test]
    fn unknown_and_broken_packets_do_not_hide_what_follows() {
        let unknown = [0x80, 208, 0, 2, 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff];
        let broken_bye = [0x9f, 203, 0, 0]; // 31 sources announced, none there
        let bye = [0x81, 203, 0, 1, 0, 0, 0, 5];
        let datagram = after_report(&[&unknown[..], &broken_bye, &bye].concat());
        let packets: Vec<_> = Compound::parse(&datagram).expect("sound").collect();
        assert_eq!(packets.len(), 4);
        assert!(matches!(
            packets[1],
            Ok(RtcpPacket::Other { packet_type: 208 })
        ));
        assert!(matches!(packets[2], Err(RtcpError::Malformed(203))));
        assert!(matches!(packets[3], Ok(RtcpPacket::Goodbye { .. })));
    }

    #[test]
    fn the_validity_checks_of_the_rfc_hold() {
        let check = |datagram: &[u8], error| {
            assert_eq!(Compound::parse(datagram).err(), Some(error), "{datagram:?}");
        };
        check(&[], RtcpError::TooShort(0));
        check(&EMPTY_RR[..3], RtcpError::TooShort(3));
        check(&EMPTY_RR[..7], RtcpError::Length(1));
        check(&[0x81, 203, 0, 1, 0, 0, 0, 5], RtcpError::NoReport(203));
        check(&after_report(&[0x40, 203, 0, 0]), RtcpError::Version(1));
        check(&after_report(&[0x80, 203]), RtcpError::Length(2));
        let padded_first = [0xa0, 201, 0, 2, 1, 2, 3, 4, 0, 0, 0, 4, 0x80, 203, 0, 0];
        check(&padded_first, RtcpError::Padding);
        assert!(Compound::parse(&padded_first[..12]).is_ok());
    }

    #[test]
    fn no_garbage_panics_the_reader() {
        let mut random = ChaCha8Rng::seed_from_u64(0x5eed);
        let (mut sound, mut malformed) = (0, 0);
        for _ in 0..200_000 {
            let mut datagram = [0; 64];
            random.fill_bytes(&mut datagram);
            // Lay out headers that add up, with random types, counts and bodies.
            let mut at = 0;
            while at < datagram.len() {
                let words = (random.next_u32() as usize % 8).min((datagram.len() - at) / 4 - 1);
                datagram[at] = 0x80 | (datagram[at] & 0x1f);
                let kind = random.next_u32() as u8 % if at == 0 { 2 } else { 9 };
                datagram[at + 1] = SENDER_REPORT + kind;
                datagram[at + 2..at + 4].copy_from_slice(&(words as u16).to_be_bytes());
                at += 4 * (words + 1);
            }
            let len = if random.next_u32() % 8 == 0 {
                random.next_u32() as usize % 64
            } else {
                64
            };
            let Ok(compound) = Compound::parse(&datagram[..len]) else {
                continue;
            };
            sound += 1;
            for packet in compound {
                match packet {
                    Ok(
                        RtcpPacket::SenderReport { blocks, .. }
                        | RtcpPacket::ReceiverReport { blocks, .. },
                    ) => assert!(blocks.count() <= 2),
                    Ok(RtcpPacket::SourceDescription(names)) => assert!(names.count() <= 7),
                    Ok(RtcpPacket::Goodbye { sources, .. }) => assert!(sources.count() <= 7),
                    Ok(RtcpPacket::ExtendedReport { blocks, .. }) => assert!(blocks.count() <= 14),
                    Ok(RtcpPacket::Other { .. }) => {}
                    Err(_) => malformed += 1,
                }
            }
        }
        assert!(
            sound > 100_000 && malformed > 1_000,
            "{sound} sound, {malformed} malformed"
        );
    }
}
