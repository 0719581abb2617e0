//! Redundant audio (RFC 2198): packets that carry earlier payloads again.

use crate::units::PayloadType;

/// The longest payload that can be carried again: its length has 10 bits.
pub const MAX_BLOCK: usize = 1_023;

/// The furthest back that one may lie, in ticks: 14 bits.
pub const MAX_OFFSET: u16 = 0x3fff;

/// Bytes that a payload carried again costs beside itself, and the last header.
pub const BLOCK_HEADER: usize = 4;
/// The header of the packet's own payload.
pub const LAST_HEADER: usize = 1;

/// Blocks of one packet that are looked at: nobody sends more.
const MAX_BLOCKS: usize = 8;

/// The bit that says that another header follows.
const MORE: u8 = 0x80;

/// One payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Its format.
    pub payload_type: PayloadType,
    /// How much earlier than the packet it is, in ticks of the RTP clock; zero for its own.
    pub offset: u16,
    /// What it carries.
    pub payload: &'a [u8],
}

/// The payloads of one packet, the earliest as a rule first, the packet's own last.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    headers: &'a [u8],
    payloads: &'a [u8],
}

impl<'a> Blocks<'a> {
    /// Reads a payload of this format; `None` when its headers and lengths do not fit it.
    #[must_use]
    pub fn parse(payload: &'a [u8]) -> Option<Blocks<'a>> {
        let (mut at, mut bytes) = (0, 0);
        for _ in 0..MAX_BLOCKS {
            let first = *payload.get(at)?;
            if first & MORE == 0 {
                let (headers, payloads) = payload.split_at_checked(at + LAST_HEADER)?;
                return (bytes <= payloads.len()).then_some(Blocks { headers, payloads });
            }
            let header = payload.get(at..at + BLOCK_HEADER)?;
            bytes += usize::from(header[2] & 3) << 8 | usize::from(header[3]);
            at += BLOCK_HEADER;
        }
        None
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let first = *self.headers.first()?;
        let payload_type = PayloadType::new(first & !MORE)?;
        if first & MORE == 0 {
            self.headers = &[];
            let payload = std::mem::take(&mut self.payloads);
            return Some(Block {
                payload_type,
                offset: 0,
                payload,
            });
        }
        let (header, headers) = self.headers.split_at_checked(BLOCK_HEADER)?;
        let offset = u16::from(header[1]) << 6 | u16::from(header[2] >> 2);
        let bytes = usize::from(header[2] & 3) << 8 | usize::from(header[3]);
        let (payload, payloads) = self.payloads.split_at_checked(bytes)?;
        (self.headers, self.payloads) = (headers, payloads);
        Some(Block {
            payload_type,
            offset,
            payload,
        })
    }
}

/// Writes a packet that carries `earlier` again before `own`; answers its length, or `None` when it
/// does not fit `out` or the headers.
#[must_use]
pub fn write(
    earlier: Option<Block<'_>>,
    own: PayloadType,
    payload: &[u8],
    out: &mut [u8],
) -> Option<usize> {
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        out.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
        at += bytes.len();
        Some(at)
    };
    if let Some(block) = earlier {
        if block.payload.len() > MAX_BLOCK || block.offset > MAX_OFFSET {
            return None;
        }
        let length = u16::try_from(block.payload.len()).ok()?.to_be_bytes();
        put(&[
            MORE | block.payload_type.number(),
            (block.offset >> 6) as u8,
            (block.offset << 2) as u8 | length[0],
            length[1],
        ])?;
    }
    put(&[own.number()])?;
    if let Some(block) = earlier {
        put(block.payload)?;
    }
    put(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: u8) -> PayloadType {
        PayloadType::new(n).unwrap()
    }

    /// The layout of RFC 2198 section 3, laid out by hand.
    #[test]
    fn a_packet_is_written_bit_by_bit_as_the_rfc_draws_it() {
        let earlier = Block {
            payload_type: number(5),
            offset: 0x2abc,
            payload: &[7; 0x103],
        };
        let mut out = [0; 400];
        let length = write(Some(earlier), number(96), &[9, 8], &mut out).unwrap();
        assert_eq!(length, 5 + 0x103 + 2);
        assert_eq!(out[..6], [0x85, 0xaa, 0xf1, 0x03, 96, 7]);
        assert_eq!(out[5 + 0x103..length], [9, 8]);
        assert_eq!(write(None, number(96), &[9, 8], &mut out), Some(3));
        assert_eq!(out[..3], [96, 9, 8]);
    }

    #[test]
    fn what_was_written_is_read_again() {
        let earlier = Block {
            payload_type: number(96),
            offset: 1_920,
            payload: &[1, 2, 3],
        };
        let mut out = [0; 40];
        let length = write(Some(earlier), number(96), &[4, 5], &mut out).unwrap();
        let own = Block {
            offset: 0,
            payload: &[4, 5],
            ..earlier
        };
        assert!(Blocks::parse(&out[..length]).unwrap().eq([earlier, own]));
    }

    #[test]
    fn several_payloads_may_be_carried_again() {
        let packet = [0x80 | 8, 0, 4, 2, 0x80 | 8, 0, 0, 1, 8, 1, 2, 3, 4];
        let read: Vec<_> = Blocks::parse(&packet)
            .unwrap()
            .map(|block| (block.offset, block.payload.to_vec()))
            .collect();
        assert_eq!(read, [(1, vec![1, 2]), (0, vec![3]), (0, vec![4])]);
    }

    #[test]
    fn what_does_not_fit_is_neither_read_nor_written() {
        for packet in [
            &[][..],
            &[0x80],
            &[0x88, 0, 0, 1],
            &[0x88, 0, 0, 2, 8, 1],
            &[0x88; 64],
        ] {
            assert!(Blocks::parse(packet).is_none(), "{packet:?}");
        }
        let block = |offset, payload| Block {
            payload_type: number(8),
            offset,
            payload,
        };
        let mut out = [0; 2_000];
        let long = [0; MAX_BLOCK + 1];
        let mut attempt = |earlier| write(Some(earlier), number(8), &[], &mut out);
        assert_eq!(attempt(block(0, &long[..])), None);
        assert!(attempt(block(0, &long[1..])).is_some());
        assert_eq!(attempt(block(MAX_OFFSET + 1, &[])), None);
        assert_eq!(write(None, number(8), &[1, 2], &mut [0; 2]), None);
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        let mut state = 0x2545_f491_u32;
        for round in 0..20_000 {
            let mut packet = [0; 48];
            for byte in &mut packet {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8;
            }
            let packet = &packet[..round % 48];
            if let Some(blocks) = Blocks::parse(packet) {
                let carried: usize = blocks.clone().map(|block| block.payload.len()).sum();
                assert!(carried < packet.len());
                assert_eq!(blocks.clone().last().unwrap().offset, 0);
            }
        }
    }
}
