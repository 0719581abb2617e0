//! The best that can be made of the packets that arrived: decoded in order, at leisure, with
//! everything that arrives at all at hand.

use std::time::Duration;

use super::call::Sent;
use crate::codec::{CodecError, CodecKind, Decoder, MAX_PACKET_SAMPLES};

/// Decodes `sent`; what was lost is repaired from what follows it, or concealed.
///
/// # Errors
/// When a codec cannot be set up.
pub fn ceiling(codec: CodecKind, sent: &[Sent], ptime: Duration) -> Result<Vec<f32>, CodecError> {
    let mut decoder = Decoder::new(codec)?;
    let frame = codec.frame_samples(ptime);
    let mut sound = Vec::with_capacity(sent.len() * frame);
    let mut out = [0.0; MAX_PACKET_SAMPLES];
    for (number, packet) in sent.iter().enumerate() {
        let next = sent.get(number + 1).filter(|next| !next.lost);
        let samples = if packet.lost {
            match next.filter(|next| decoder.has_fec(&next.payload)) {
                Some(next) => decoder.decode_fec(&next.payload, &mut out[..frame])?,
                None => decoder.conceal(&mut out[..frame]),
            }
            frame
        } else {
            decoder.decode(&packet.payload, &mut out)?
        };
        sound.extend_from_slice(&out[..samples]);
    }
    Ok(sound)
}
