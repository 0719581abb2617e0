//! Channel data: four bytes before each datagram (RFC 8656 section 12.4).

/// The first channel number, and the last (RFC 8656 section 12).
pub const NUMBERS: std::ops::RangeInclusive<u16> = 0x4000..=0x4FFF;

/// The channel, and what came on it; over UDP padding may follow. `None` when it is no channel
/// data or cut off.
#[must_use]
pub fn read(datagram: &[u8]) -> Option<(u16, &[u8])> {
    let (head, rest) = datagram.split_at_checked(4)?;
    let number = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let data = rest.get(..length)?;
    NUMBERS.contains(&number).then_some((number, data))
}

/// Writes data on a channel to the end of `to`, padded where `stream` says that it goes over TCP
/// or TLS. Nothing is written of more than 65,535 bytes.
pub fn write(to: &mut Vec<u8>, number: u16, data: &[u8], stream: bool) {
    let Ok(length) = u16::try_from(data.len()) else {
        return;
    };
    to.extend(number.to_be_bytes());
    to.extend(length.to_be_bytes());
    to.extend_from_slice(data);
    if stream {
        let padding = data.len().next_multiple_of(4) - data.len();
        to.extend_from_slice(&[0; 3][..padding]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_read_as_it_was_written() {
        let mut wire = Vec::new();
        write(&mut wire, 0x4001, b"hello", false);
        assert_eq!(wire, b"\x40\x01\x00\x05hello");
        assert_eq!(read(&wire), Some((0x4001, &b"hello"[..])));
        wire.clear();
        write(&mut wire, 0x4001, b"hello", true);
        assert_eq!(wire, b"\x40\x01\x00\x05hello\0\0\0");
        assert_eq!(read(&wire), Some((0x4001, &b"hello"[..])));
    }

    #[test]
    fn what_is_cut_off_or_no_channel_is_none() {
        assert_eq!(read(b"\x40\x01\x00\x06hello"), None);
        assert_eq!(read(b"\x40\x01\x00"), None);
        assert_eq!(read(b"\x50\x01\x00\x00"), None);
        assert_eq!(read(b"\x00\x01\x00\x00"), None);
    }
}
