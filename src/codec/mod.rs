//! Speech codecs behind two enums, an encoder and a decoder.
//!
//! Sound is mono `f32` in −1..=1 at the codec's own rate ([`CodecKind::sound_rate`]). Neither
//! side allocates after construction: the caller brings the buffers.

pub mod g711;
pub mod g722;
mod kind;
pub mod opus;
pub mod plc;
#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

pub use kind::{CodecKind, UnknownCodec};

use crate::units::SampleRate;

/// The longest sound one packet carries: Opus goes to 120 ms (RFC 6716 section 2.1.4).
pub const MAX_PACKET_DURATION: Duration = Duration::from_millis(120);

/// Samples a [`Decoder`] may write for one packet: 120 ms at 48 kHz, which is also more than a
/// full Ethernet frame of G.711 or G.722 holds.
pub const MAX_PACKET_SAMPLES: usize = 5_760;

/// What is looked at of the packet behind a gap: 40 ms of G.711, or of G.722.
const AHEAD_SAMPLES: usize = 320;

/// The largest payload an [`Encoder`] writes, in bytes: what fits a 1,500 byte IPv6 datagram
/// beside RTP and SRTP.
pub const MAX_PAYLOAD: usize = 1_400;

/// Why a frame was not coded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The encoder does not take this many samples at once.
    #[error("{samples} samples are no frame of this codec")]
    FrameLength {
        /// What was given.
        samples: usize,
    },
    /// The caller's buffer is too short for the result.
    #[error("the buffer of {given} is shorter than the {needed} needed")]
    BufferTooShort {
        /// What was given, in samples or bytes.
        given: usize,
        /// What is needed.
        needed: usize,
    },
    /// The payload is not of this codec.
    #[error("not a payload of this codec")]
    Malformed,
    /// libopus refused.
    #[error("Opus failed")]
    Opus(#[from] audiopus::Error),
}

/// Sound to payloads.
#[derive(Debug)]
pub enum Encoder {
    /// Opus.
    Opus(opus::Encoder),
    /// G.722.
    G722(Box<g722::Encoder>),
    /// A-law has no state.
    Pcma,
    /// µ-law has no state.
    Pcmu,
}

impl Encoder {
    /// An encoder at rest; Opus starts with [`opus::Settings::default`].
    ///
    /// # Errors
    /// When libopus cannot be set up.
    pub fn new(kind: CodecKind) -> Result<Encoder, CodecError> {
        Ok(match kind {
            CodecKind::Opus => Encoder::Opus(opus::Encoder::new(opus::Settings::default())?),
            CodecKind::G722 => Encoder::G722(Box::default()),
            CodecKind::Pcma => Encoder::Pcma,
            CodecKind::Pcmu => Encoder::Pcmu,
        })
    }

    /// Which codec it speaks.
    #[must_use]
    pub fn kind(&self) -> CodecKind {
        match self {
            Encoder::Opus(_) => CodecKind::Opus,
            Encoder::G722(_) => CodecKind::G722,
            Encoder::Pcma => CodecKind::Pcma,
            Encoder::Pcmu => CodecKind::Pcmu,
        }
    }

    /// Encodes one packet of sound (a length of [`CodecKind::nearest_ptime`]) into `payload`,
    /// which should hold [`MAX_PAYLOAD`] bytes, and says how many bytes it became.
    ///
    /// # Errors
    /// A length that is no frame of this codec, a payload buffer that is too short.
    pub fn encode(&mut self, sound: &[f32], payload: &mut [u8]) -> Result<usize, CodecError> {
        match self {
            Encoder::Opus(encoder) => encoder.encode(sound, payload),
            Encoder::G722(encoder) => encoder.encode(sound, payload),
            Encoder::Pcma => g711::encode_all(sound, payload, g711::encode_alaw),
            Encoder::Pcmu => g711::encode_all(sound, payload, g711::encode_ulaw),
        }
    }

    /// The Opus encoder, for what only Opus can be told; `None` for the others.
    pub fn as_opus(&mut self) -> Option<&mut opus::Encoder> {
        match self {
            Encoder::Opus(encoder) => Some(encoder),
            Encoder::G722(_) | Encoder::Pcma | Encoder::Pcmu => None,
        }
    }
}

/// Payloads to sound, and sound where payloads are missing.
#[derive(Debug)]
pub enum Decoder {
    /// Opus conceals by itself.
    Opus(opus::Decoder),
    /// G.722, with what is missing concealed.
    G722(Box<g722::ConcealingDecoder>),
    /// A-law, likewise.
    Pcma(Box<plc::Concealer>),
    /// µ-law, likewise.
    Pcmu(Box<plc::Concealer>),
}

impl Decoder {
    /// A decoder at rest.
    ///
    /// # Errors
    /// When libopus cannot be set up.
    pub fn new(kind: CodecKind) -> Result<Decoder, CodecError> {
        let concealer = || Box::new(plc::Concealer::new(SampleRate::NARROW));
        Ok(match kind {
            CodecKind::Opus => Decoder::Opus(opus::Decoder::new()?),
            CodecKind::G722 => Decoder::G722(Box::default()),
            CodecKind::Pcma => Decoder::Pcma(concealer()),
            CodecKind::Pcmu => Decoder::Pcmu(concealer()),
        })
    }

    /// Which codec it understands.
    #[must_use]
    pub fn kind(&self) -> CodecKind {
        match self {
            Decoder::Opus(_) => CodecKind::Opus,
            Decoder::G722(_) => CodecKind::G722,
            Decoder::Pcma(_) => CodecKind::Pcma,
            Decoder::Pcmu(_) => CodecKind::Pcmu,
        }
    }

    /// Decodes one payload into `sound`, which should hold [`MAX_PACKET_SAMPLES`], and says how
    /// many samples it became.
    ///
    /// # Errors
    /// A payload that is not of this codec (the caller conceals instead), a buffer too short.
    pub fn decode(&mut self, payload: &[u8], sound: &mut [f32]) -> Result<usize, CodecError> {
        let needed = self
            .kind()
            .samples_of(payload)
            .ok_or(CodecError::Malformed)?;
        let given = sound.len();
        let Some(sound) = sound.get_mut(..needed) else {
            return Err(CodecError::BufferTooShort { given, needed });
        };
        match self {
            Decoder::Opus(decoder) => return decoder.decode(payload, sound),
            Decoder::G722(decoder) => decoder.decode(payload, sound),
            Decoder::Pcma(concealer) => {
                g711::decode_all(payload, sound, g711::decode_alaw);
                concealer.accept(sound);
            }
            Decoder::Pcmu(concealer) => {
                g711::decode_all(payload, sound, g711::decode_ulaw);
                concealer.accept(sound);
            }
        }
        Ok(needed)
    }

    /// Whether `payload` carries a copy of the sound before it (Opus LBRR, RFC 6716 section
    /// 2.1.7) that can be made use of.
    #[must_use]
    pub fn has_fec(&self, payload: &[u8]) -> bool {
        match self {
            Decoder::Opus(decoder) => decoder.has_fec(payload),
            Decoder::G722(_) | Decoder::Pcma(_) | Decoder::Pcmu(_) => false,
        }
    }

    /// Samples that the copy in `next` stands for: [`Decoder::decode_fec`] makes no use of it for
    /// less.
    #[must_use]
    pub fn fec_samples(&self, next: &[u8]) -> usize {
        match self {
            Decoder::Opus(_) => next.first().map_or(0, |toc| opus::frame_samples(*toc)),
            Decoder::G722(_) | Decoder::Pcma(_) | Decoder::Pcmu(_) => 0,
        }
    }

    /// Fills `sound`, as long as what was lost, from the copy that the packet after it carries;
    /// where there is none, by concealment. `next` is decoded afterwards as usual.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn decode_fec(&mut self, next: &[u8], sound: &mut [f32]) -> Result<(), CodecError> {
        match self {
            Decoder::Opus(decoder) => decoder.decode_fec(next, sound),
            Decoder::G722(_) | Decoder::Pcma(_) | Decoder::Pcmu(_) => {
                self.conceal_towards(sound, next);
                Ok(())
            }
        }
    }

    /// Fills `sound`, of any length, with a way from what was heard to `next`, the payload right
    /// behind it, which is decoded afterwards as usual. Much nearer to what was lost than
    /// [`Decoder::conceal`], wherever that payload has come already.
    pub fn conceal_towards(&mut self, sound: &mut [f32], next: &[u8]) {
        let mut ahead = [0.0; AHEAD_SAMPLES];
        let samples = next.len().min(AHEAD_SAMPLES);
        let (next, ahead) = (&next[..samples], &mut ahead[..samples]);
        match self {
            Decoder::Opus(decoder) => decoder.conceal(sound),
            Decoder::G722(decoder) => decoder.conceal_towards(sound, next),
            Decoder::Pcma(concealer) => {
                g711::decode_all(next, ahead, g711::decode_alaw);
                concealer.conceal_towards(sound, ahead, Duration::ZERO);
            }
            Decoder::Pcmu(concealer) => {
                g711::decode_all(next, ahead, g711::decode_ulaw);
                concealer.conceal_towards(sound, ahead, Duration::ZERO);
            }
        }
    }

    /// How much of the sound just before `later`, any packet behind a loss, can be had from it with
    /// [`Decoder::decode_dred`]; zero for codecs and packets without such.
    #[must_use]
    pub fn dred_reach(&mut self, later: &[u8]) -> Duration {
        match self {
            Decoder::Opus(decoder) => decoder.dred_reach(later),
            Decoder::G722(_) | Decoder::Pcma(_) | Decoder::Pcmu(_) => Duration::ZERO,
        }
    }

    /// Fills `sound` with what began `back` before the sound of `later`, from the deep redundancy
    /// of `later`; answers whether it held any of it. Where it did not, `sound` is concealment.
    ///
    /// # Errors
    /// When libopus fails.
    pub fn decode_dred(
        &mut self,
        later: &[u8],
        back: Duration,
        sound: &mut [f32],
    ) -> Result<bool, CodecError> {
        match self {
            Decoder::Opus(decoder) => decoder.decode_dred(later, back, sound),
            Decoder::G722(_) | Decoder::Pcma(_) | Decoder::Pcmu(_) => {
                self.conceal(sound);
                Ok(false)
            }
        }
    }

    /// Fills `sound`, of any length, with what might have been there.
    pub fn conceal(&mut self, sound: &mut [f32]) {
        match self {
            Decoder::Opus(decoder) => decoder.conceal(sound),
            Decoder::G722(decoder) => decoder.conceal(sound),
            Decoder::Pcma(concealer) | Decoder::Pcmu(concealer) => concealer.conceal(sound),
        }
    }

    /// Forgets the stream heard so far, as for a new sender.
    pub fn reset(&mut self) {
        match self {
            Decoder::Opus(decoder) => decoder.reset(),
            Decoder::G722(decoder) => decoder.reset(),
            Decoder::Pcma(concealer) | Decoder::Pcmu(concealer) => concealer.reset(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g722_counts_two_samples_for_each_rtp_tick() {
        let ptime = Duration::from_millis(20);
        assert_eq!(CodecKind::G722.frame_samples(ptime), 320);
        assert_eq!(CodecKind::G722.frame_ticks(ptime), 160);
        assert_eq!(CodecKind::Opus.frame_samples(ptime), 960);
        assert_eq!(CodecKind::Opus.frame_ticks(ptime), 960);
        assert_eq!(CodecKind::G722.samples_of(&[0; 160]), Some(320));
        assert_eq!(CodecKind::Pcmu.duration_of(&[0xff; 160]), Some(ptime));
    }

    #[test]
    fn static_payload_types_are_those_of_rfc_3551() {
        let numbers = CodecKind::ALL.map(|kind| {
            kind.static_payload_type()
                .map(crate::units::PayloadType::number)
        });
        assert_eq!(numbers, [None, Some(9), Some(8), Some(0)]);
    }

    #[test]
    fn a_packet_length_is_one_the_encoder_takes() {
        let check = |kind: CodecKind, wanted: u64, expected: u64| {
            let got = kind.nearest_ptime(Duration::from_millis(wanted));
            assert_eq!(got, Duration::from_millis(expected), "{kind:?} {wanted}");
        };
        check(CodecKind::Opus, 20, 20);
        check(CodecKind::Opus, 30, 20);
        check(CodecKind::Opus, 10, 10);
        check(CodecKind::Opus, 500, 120);
        check(CodecKind::Pcma, 30, 30);
        check(CodecKind::Pcma, 0, 10);
        for kind in CodecKind::ALL {
            for wanted in 0..=130 {
                let ptime = kind.nearest_ptime(Duration::from_millis(wanted));
                let sound = vec![0.0; kind.frame_samples(ptime)];
                let mut payload = [0; 2 * MAX_PAYLOAD];
                let bytes = Encoder::new(kind)
                    .unwrap()
                    .encode(&sound, &mut payload)
                    .unwrap();
                assert_eq!(kind.duration_of(&payload[..bytes]), Some(ptime), "{kind:?}");
            }
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused_and_never_panic() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut sound = vec![0.0; MAX_PACKET_SAMPLES];
        for kind in CodecKind::ALL {
            let mut decoder = Decoder::new(kind).unwrap();
            for round in 0..3_000 {
                let mut payload = [0_u8; 96];
                for byte in &mut payload {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    *byte = (state >> 32) as u8;
                }
                let payload = &payload[..round % 96];
                if let Ok(samples) = decoder.decode(payload, &mut sound) {
                    assert_eq!(Some(samples), kind.samples_of(payload));
                    assert!(sound[..samples].iter().all(|s| s.is_finite()));
                }
                let _ = decoder.has_fec(payload);
                let _ =
                    decoder.decode_fec(payload, &mut sound[..kind.sound_rate().hz() as usize / 50]);
            }
        }
    }

    #[test]
    fn the_payload_behind_a_gap_leads_over_it() {
        for kind in [CodecKind::Pcma, CodecKind::Pcmu, CodecKind::G722] {
            let rate = kind.sound_rate();
            let sound = testing::speech(rate);
            let frame = kind.frame_samples(Duration::from_millis(20));
            let mut encoder = Encoder::new(kind).unwrap();
            let packets: Vec<[u8; 160]> = sound
                .chunks_exact(frame)
                .map(|frame| {
                    let mut payload = [0; 160];
                    encoder.encode(frame, &mut payload).unwrap();
                    payload
                })
                .collect();
            let snr_db = |led: bool| {
                let mut whole = Decoder::new(kind).unwrap();
                let mut gappy = Decoder::new(kind).unwrap();
                let (mut meant, mut heard) = (Vec::new(), Vec::new());
                for (index, packet) in packets.iter().enumerate() {
                    let mut made = vec![0.0; frame];
                    whole.decode(packet, &mut made).unwrap();
                    let next = packets.get(index + 1).filter(|_| index % 7 == 3);
                    let Some(next) = next else {
                        gappy.decode(packet, &mut made).unwrap();
                        continue;
                    };
                    meant.extend_from_slice(&made);
                    if led {
                        gappy.conceal_towards(&mut made, next);
                    } else {
                        gappy.conceal(&mut made);
                    }
                    heard.extend_from_slice(&made);
                }
                testing::snr_db(&meant, &heard)
            };
            let (led, alone) = (snr_db(true), snr_db(false));
            assert!(led > alone + 1.0, "{kind:?}: {led:.1} and {alone:.1} dB");
        }
    }

    #[test]
    fn a_buffer_that_is_too_short_is_refused() {
        let mut decoder = Decoder::new(CodecKind::Pcma).unwrap();
        let refused = decoder.decode(&[0xd5; 160], &mut [0.0; 159]);
        assert!(matches!(
            refused,
            Err(CodecError::BufferTooShort {
                given: 159,
                needed: 160
            })
        ));
        assert!(matches!(
            decoder.decode(&[], &mut [0.0; 160]),
            Err(CodecError::Malformed)
        ));
    }
}
