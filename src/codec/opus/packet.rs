//! What an Opus packet says of itself, read without decoding it (RFC 6716 section 3).

use crate::codec::MAX_PACKET_SAMPLES;

/// Samples at 48 kHz in a packet (RFC 6716 section 3.1), at most 120 ms; `None` when its table of
/// contents makes no sense.
#[must_use]
pub fn samples_of(payload: &[u8]) -> Option<usize> {
    let toc = *payload.first()?;
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(payload.get(1)? & 0x3f),
    };
    let samples = frames * frame_samples(toc);
    (1..=MAX_PACKET_SAMPLES)
        .contains(&samples)
        .then_some(samples)
}

/// Samples at 48 kHz in one frame (RFC 6716 table 2).
pub(in crate::codec) fn frame_samples(toc: u8) -> usize {
    let config = usize::from(toc >> 3);
    match config {
        0..12 => [480, 960, 1_920, 2_880][config & 3],
        12..16 => [480, 960][config & 1],
        _ => [120, 240, 480, 960][config & 3],
    }
}

/// Whether the packet is too short to hold sound: what a sender with DTX writes instead of a
/// pause.
#[must_use]
pub fn is_dtx(payload: &[u8]) -> bool {
    matches!(payload.len(), 1 | 2)
}

/// Whether a packet carries LBRR frames, a copy of the sound before it (RFC 6716 section 4.2.3).
#[must_use]
pub fn has_lbrr(payload: &[u8]) -> bool {
    let Some((&toc, _)) = payload.split_first() else {
        return false;
    };
    if is_celt(toc) {
        return false;
    }
    let Some(&header) = first_frame(payload).and_then(<[u8]>::first) else {
        return false;
    };
    // One bit of voice activity for each 20 ms of SILK, then the LBRR flag; then the same again
    // for the side channel.
    let silk_frames = (frame_samples(toc) / 960).max(1);
    let flag = |skipped: usize| header >> (7 - skipped) & 1 == 1;
    let stereo = toc & 4 != 0;
    flag(silk_frames) || (stereo && flag(2 * silk_frames + 1))
}

/// Whether a packet carries deep redundancy (DRED) as libopus 1.5 and 1.6 write it: extension 126
/// of draft-ietf-mlcodec-opus-extension in the padding, marked as the version that we read.
#[must_use]
pub fn has_dred(payload: &[u8]) -> bool {
    const EXTENSION: u8 = 126;
    const MARK: [u8; 2] = [b'D', 12];
    let mut rest = padding(payload).unwrap_or_default();
    while let Some((&head, after)) = rest.split_first() {
        let (id, long) = (head >> 1, head & 1 == 1);
        let content = match id {
            // Nothing but padding from here on, or one byte of it.
            0 if !long => return false,
            0 | 2 => Some(0),
            1..32 => Some(usize::from(long)),
            _ if !long => Some(after.len()),
            _ => None,
        };
        let (content, after) = match content {
            Some(bytes) => (bytes, after),
            None => match laced_length(after) {
                Some(laced) => laced,
                None => return false,
            },
        };
        let Some((content, after)) = after.split_at_checked(content) else {
            return false;
        };
        if id == EXTENSION && content.starts_with(&MARK) {
            return true;
        }
        rest = after;
    }
    false
}

/// A length in bytes of 255 that go on and one that ends it, and what follows.
fn laced_length(mut bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0;
    loop {
        let (&byte, after) = bytes.split_first()?;
        (bytes, length) = (after, length + usize::from(byte));
        if byte != 255 {
            return Some((length, bytes));
        }
    }
}

/// The padding at the end of a packet (RFC 6716 section 3.2.5).
fn padding(payload: &[u8]) -> Option<&[u8]> {
    let [toc, count, rest @ ..] = payload else {
        return None;
    };
    if toc & 3 != 3 || count & 0x40 == 0 {
        return None;
    }
    let (padding, rest) = padding_length(rest)?;
    rest.get(rest.len().checked_sub(padding)?..)
}

/// How much padding there is at the end, and what follows its length.
fn padding_length(mut bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut padding = 0;
    loop {
        let (&byte, after) = bytes.split_first()?;
        (bytes, padding) = (after, padding + usize::from(byte.min(254)));
        if byte != 255 {
            return Some((padding, bytes));
        }
    }
}

/// CELT alone, which has no copies (RFC 6716 table 2).
pub(super) fn is_celt(toc: u8) -> bool {
    toc >> 3 >= 16
}

/// The first frame of a packet, by the four ways of packing (RFC 6716 section 3.2).
fn first_frame(payload: &[u8]) -> Option<&[u8]> {
    let (&toc, rest) = payload.split_first()?;
    match toc & 3 {
        0 => Some(rest),
        1 => Some(&rest[..rest.len() / 2]),
        2 => {
            let (length, rest) = frame_length(rest)?;
            rest.get(..length)
        }
        _ => {
            let (&count, mut rest) = rest.split_first()?;
            let frames = usize::from(count & 0x3f);
            if count & 0x40 != 0 {
                let (padding, after) = padding_length(rest)?;
                rest = after.get(..after.len().checked_sub(padding)?)?;
            }
            if count & 0x80 == 0 {
                return rest.get(..rest.len().checked_div(frames)?);
            }
            if frames == 1 {
                return Some(rest);
            }
            let (length, mut rest) = frame_length(rest)?;
            for _ in 2..frames {
                rest = frame_length(rest)?.1;
            }
            rest.get(..length)
        }
    }
}

/// One or two bytes of frame length (RFC 6716 section 3.2.1), and what follows them.
fn frame_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 252 {
        return Some((usize::from(first), rest));
    }
    let (&second, rest) = rest.split_first()?;
    Some((usize::from(second) * 4 + usize::from(first), rest))
}
