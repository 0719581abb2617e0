//! Ogg pages (RFC 3533 section 6), written one at a time.

/// Lacing values in a page at most.
const MAX_SEGMENTS: usize = 255;

/// Where the checksum stands in a page.
const CHECKSUM: std::ops::Range<usize> = 22..26;

/// The first page of a stream.
const FIRST: u8 = 0x02;
/// The last one.
const LAST: u8 = 0x04;

/// One logical stream: packets in, pages out. A packet never runs over the end of a page here,
/// so that each page can be read without the next.
#[derive(Debug)]
pub(super) struct Stream {
    serial: u32,
    /// Pages given so far.
    pages: u32,
    lacing: Vec<u8>,
    body: Vec<u8>,
}

impl Stream {
    pub(super) fn new(serial: u32) -> Stream {
        Stream {
            serial,
            pages: 0,
            lacing: Vec::with_capacity(MAX_SEGMENTS),
            body: Vec::with_capacity(MAX_SEGMENTS * 255),
        }
    }

    /// Whether this packet still fits on the page in the making.
    pub(super) fn has_room(&self, packet: usize) -> bool {
        self.lacing.len() + packet / 255 < MAX_SEGMENTS
    }

    /// Puts a packet on the page in the making, for which [`Stream::has_room`]; one longer than
    /// a page (65 kB, no Opus packet) is left out.
    pub(super) fn packet(&mut self, packet: &[u8]) {
        if !self.has_room(packet.len()) {
            return;
        }
        self.lacing
            .resize(self.lacing.len() + packet.len() / 255, 255);
        self.lacing.push((packet.len() % 255) as u8);
        self.body.extend_from_slice(packet);
    }

    /// Ends the page. `granule`: the stream's position behind its last packet.
    pub(super) fn page(&mut self, granule: u64, last: bool, out: &mut Vec<u8>) {
        let begin = out.len();
        let first = if self.pages == 0 { FIRST } else { 0 };
        out.extend_from_slice(b"OggS");
        out.push(0);
        out.push(first | if last { LAST } else { 0 });
        out.extend_from_slice(&granule.to_le_bytes());
        out.extend_from_slice(&self.serial.to_le_bytes());
        out.extend_from_slice(&self.pages.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.push(self.lacing.len() as u8);
        out.extend_from_slice(&self.lacing);
        out.extend_from_slice(&self.body);
        let page = &mut out[begin..];
        let sum = checksum(page);
        page[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
        self.pages = self.pages.wrapping_add(1);
        self.lacing.clear();
        self.body.clear();
    }
}

/// The remainder of a byte by the generator 0x04c11db7.
const fn remainder(byte: u8) -> u32 {
    let mut rest = (byte as u32) << 24;
    let mut bit = 0;
    while bit < 8 {
        rest = if rest & 0x8000_0000 == 0 {
            rest << 1
        } else {
            rest << 1 ^ 0x04c1_1db7
        };
        bit += 1;
    }
    rest
}

const REMAINDERS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = remainder(byte as u8);
        byte += 1;
    }
    table
};

/// A page's checksum, over all of it with the checksum's own place at zero: begins at zero, is
/// neither reflected nor inverted, as zlib's is (RFC 3533 section 6).
pub(super) fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |rest, byte| {
        rest << 8 ^ REMAINDERS[usize::from((rest >> 24) as u8 ^ byte)]
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A page as a reader takes it apart.
    pub(in super::super) struct Page {
        pub(in super::super) flags: u8,
        pub(in super::super) granule: u64,
        pub(in super::super) number: u32,
        pub(in super::super) packets: Vec<Vec<u8>>,
    }

    /// The pages of a file up to where it is cut; a wrong checksum fails the test.
    pub(in super::super) fn pages(mut file: &[u8]) -> Vec<Page> {
        let mut pages = Vec::new();
        while file.len() >= 27 {
            assert_eq!(&file[..5], b"OggS\0");
            let segments = usize::from(file[26]);
            let lacing = &file[27..27 + segments];
            let body: usize = lacing.iter().map(|n| usize::from(*n)).sum();
            let length = 27 + segments + body;
            if length > file.len() {
                break;
            }
            let mut page = file[..length].to_vec();
            page[22..26].fill(0);
            let told = u32::from_le_bytes(file[22..26].try_into().unwrap());
            assert_eq!(bitwise(&page), told, "page {}", pages.len());
            let (mut packets, mut packet, mut at) = (Vec::new(), Vec::new(), 27 + segments);
            for n in lacing {
                packet.extend_from_slice(&file[at..at + usize::from(*n)]);
                at += usize::from(*n);
                if *n < 255 {
                    packets.push(std::mem::take(&mut packet));
                }
            }
            assert!(packet.is_empty(), "a packet runs over the page's end");
            pages.push(Page {
                flags: file[5],
                granule: u64::from_le_bytes(file[6..14].try_into().unwrap()),
                number: u32::from_le_bytes(file[18..22].try_into().unwrap()),
                packets,
            });
            file = &file[length..];
        }
        pages
    }

    /// The checksum bit by bit, as the polynomial says, apart from the table.
    fn bitwise(bytes: &[u8]) -> u32 {
        let mut rest = 0_u32;
        for byte in bytes {
            for bit in (0..8).rev() {
                let carry = rest >> 31 ^ u32::from(byte >> bit & 1);
                rest <<= 1;
                if carry == 1 {
                    rest ^= 0x04c1_1db7;
                }
            }
        }
        rest
    }

    #[test]
    fn the_checksum_is_the_one_of_known_vectors() {
        // The polynomial 0x04c11db7 from zero, neither reflected nor inverted: CRC-32/CKSUM before
        // its last inversion has the check value 0x765e7680 for these digits, so this one its
        // complement.
        assert_eq!(checksum(b"123456789"), !0x765e_7680);
        assert_eq!(checksum(&[0; 30]), 0);
        assert_eq!(checksum(&[1]), 0x04c1_1db7);
    }

    #[test]
    fn packets_of_every_length_come_back_whole() {
        let packets: Vec<Vec<u8>> = [0, 1, 254, 255, 256, 509, 510, 511, 1_275]
            .iter()
            .map(|length| (0..*length).map(|n| (n % 251) as u8).collect())
            .collect();
        let (mut stream, mut file) = (Stream::new(7), Vec::new());
        for packet in &packets {
            assert!(stream.has_room(packet.len()));
            stream.packet(packet);
        }
        stream.page(960, true, &mut file);
        let read = pages(&file);
        assert_eq!(read.len(), 1);
        assert_eq!(
            (read[0].flags, read[0].granule, read[0].number),
            (6, 960, 0)
        );
        assert_eq!(read[0].packets, packets);
    }

    #[test]
    fn a_full_page_says_so_before_it_overflows() {
        let mut stream = Stream::new(7);
        let mut taken = 0;
        while stream.has_room(300) {
            stream.packet(&[1; 300]);
            taken += 1;
        }
        assert_eq!(taken, 127, "two lacing values each, of 255");
        stream.packet(&[2; 300]);
        let mut file = Vec::new();
        stream.page(0, false, &mut file);
        assert_eq!(pages(&file)[0].packets.len(), 127);
    }
}
