//! Messages and channel data out of a stream of bytes (RFC 8656 section 12.5, RFC 8489 section
//! 6.2.2).

use super::channel;
use crate::nat::stun::{Damage, frame_length};

/// The longest frame: a header and what 16 bits of length can say.
const MAX_FRAME: usize = 20 + 65_535 + 3;

/// Cuts what arrives over TCP or TLS into frames. Holds no more than one frame and what came
/// with it.
#[derive(Debug, Default)]
pub struct Framer {
    bytes: Vec<u8>,
    read: usize,
}

impl Framer {
    /// Bytes arrived. After an error the connection is of no more use.
    ///
    /// # Errors
    /// When more waits than a frame can be long: call [`Framer::next_frame`] until it has none.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Damage> {
        self.bytes.drain(..self.read);
        self.read = 0;
        if self.bytes.len() + bytes.len() > 2 * MAX_FRAME {
            return Err(Damage::Length);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole frame, without padding.
    ///
    /// # Errors
    /// When the stream holds something else.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, Damage> {
        let rest = &self.bytes[self.read..];
        let (length, padded) = match rest.first() {
            None => return Ok(None),
            Some(0..=3) => match frame_length(rest)? {
                Some(length) => (length, length),
                None => return Ok(None),
            },
            Some(_) => {
                let Some(head) = rest.get(..4) else {
                    return Ok(None);
                };
                if !channel::NUMBERS.contains(&u16::from_be_bytes([head[0], head[1]])) {
                    return Err(Damage::Foreign);
                }
                let length = 4 + usize::from(u16::from_be_bytes([head[2], head[3]]));
                (length, length.next_multiple_of(4))
            }
        };
        if rest.len() < padded {
            return Ok(None);
        }
        let from = self.read;
        self.read += padded;
        Ok(Some(&self.bytes[from..from + length]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat::stun::{Builder, Class, Method, TransactionId};

    fn frames(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, Damage> {
        let (mut framer, mut found) = (Framer::default(), Vec::new());
        for piece in pieces {
            framer.push(piece)?;
            while let Some(frame) = framer.next_frame()? {
                found.push(frame.to_vec());
            }
        }
        Ok(found)
    }

    #[test]
    fn frames_are_the_same_however_the_stream_is_cut() {
        let message = Builder::new(Class::Indication, Method::DATA, TransactionId([1; 12]))
            .text(0x8022, "x")
            .finish();
        let mut stream = message.clone();
        channel::write(&mut stream, 0x4000, b"hello", true);
        channel::write(&mut stream, 0x4FFF, b"", true);
        stream.extend(&message);
        let expected = vec![
            message.clone(),
            b"\x40\x00\x00\x05hello".to_vec(),
            b"\x4F\xFF\x00\x00".to_vec(),
            message,
        ];
        assert_eq!(frames(&[&stream]), Ok(expected.clone()));
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(frames(&bytes), Ok(expected.clone()));
        for cut in 1..stream.len() {
            let (one, other) = stream.split_at(cut);
            assert_eq!(frames(&[one, other]), Ok(expected.clone()), "{cut}");
        }
    }

    #[test]
    fn another_protocol_ends_the_stream() {
        assert_eq!(frames(&[b"SSH-2.0-"]), Err(Damage::Foreign));
        assert_eq!(frames(&[&[0; 20]]), Err(Damage::Foreign));
        let endless = vec![0x40; 3 * 65_600];
        assert_eq!(frames(&[&endless]), Err(Damage::Length));
    }
}
