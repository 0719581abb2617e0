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
    let here = here(sent);
    for (number, payload) in here.iter().enumerate() {
        let next = here.get(number + 1).copied().flatten();
        let samples = match payload {
            Some(payload) => decoder.decode(payload, &mut out)?,
            None => {
                let gap = &mut out[..frame];
                let later = (number + 1..here.len().min(number + FAR))
                    .find_map(|at| Some((here[at]?, ptime * u32::try_from(at - number).ok()?)));
                match (next, later) {
                    (Some(next), _) if decoder.has_fec(next) => decoder.decode_fec(next, gap)?,
                    (_, Some((later, back))) if !decoder.dred_reach(later).is_zero() => {
                        decoder.decode_dred(later, back, gap)?;
                    }
                    (Some(next), _) => decoder.conceal_towards(gap, next),
                    (None, _) => decoder.conceal(gap),
                }
                frame
            }
        };
        sound.extend_from_slice(&out[..samples]);
    }
    Ok(sound)
}

/// Deep redundancy reaches back a second at most: so many packets of 10 ms.
const FAR: usize = 100;

/// What there is of each packet: itself, or what a later one carries of it.
fn here(sent: &[Sent]) -> Vec<Option<&[u8]>> {
    let mut here: Vec<Option<&[u8]>> = sent
        .iter()
        .map(|packet| (!packet.lost).then_some(&packet.payload[..]))
        .collect();
    for (number, packet) in sent.iter().enumerate().filter(|(_, packet)| !packet.lost) {
        for (earlier, payload) in &packet.again {
            if let Some(slot) = number.checked_sub(*earlier).and_then(|at| here.get_mut(at)) {
                slot.get_or_insert(payload);
            }
        }
    }
    here
}
