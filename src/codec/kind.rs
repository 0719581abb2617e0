//! Which codecs there are, and their names, numbers and rates.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{MAX_PACKET_SAMPLES, opus};
use crate::units::{PayloadType, SampleRate};

/// The codecs that Ramal speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodecKind {
    /// Opus (RFC 6716, RFC 7587).
    Opus,
    /// G.722 at 64 kbit/s.
    G722,
    /// G.711 A-law.
    Pcma,
    /// G.711 µ-law.
    Pcmu,
}

impl CodecKind {
    /// All of them, best sound first.
    pub const ALL: [CodecKind; 4] = [
        CodecKind::Opus,
        CodecKind::G722,
        CodecKind::Pcma,
        CodecKind::Pcmu,
    ];

    /// The rate of the sound it carries.
    #[must_use]
    pub const fn sound_rate(self) -> SampleRate {
        match self {
            CodecKind::Opus => SampleRate::FULL,
            CodecKind::G722 => SampleRate::WIDE,
            CodecKind::Pcma | CodecKind::Pcmu => SampleRate::NARROW,
        }
    }

    /// The rate of its RTP clock: for G.722 half its sound rate (RFC 3551 section 4.5.2).
    #[must_use]
    pub const fn rtp_clock(self) -> SampleRate {
        match self {
            CodecKind::Opus => SampleRate::FULL,
            CodecKind::G722 | CodecKind::Pcma | CodecKind::Pcmu => SampleRate::NARROW,
        }
    }

    /// Its static payload type (RFC 3551 section 6); Opus has none.
    #[must_use]
    pub const fn static_payload_type(self) -> Option<PayloadType> {
        match self {
            CodecKind::Opus => None,
            CodecKind::G722 => PayloadType::new(9),
            CodecKind::Pcma => PayloadType::new(8),
            CodecKind::Pcmu => PayloadType::new(0),
        }
    }

    /// Samples of sound in a packet of `ptime`, at [`CodecKind::sound_rate`].
    #[must_use]
    pub const fn frame_samples(self, ptime: Duration) -> usize {
        self.sound_rate().samples_in(ptime)
    }

    /// RTP clock ticks in a packet of `ptime`: for G.722 half its samples.
    #[must_use]
    pub const fn frame_ticks(self, ptime: Duration) -> usize {
        self.rtp_clock().samples_in(ptime)
    }

    /// The nearest packet length not above `wanted` that an [`Encoder`](super::Encoder) of this
    /// kind takes: 10, 20, 40, 60, 80, 100 or 120 ms for Opus, multiples of 10 ms for the others;
    /// 10 ms at least.
    #[must_use]
    pub fn nearest_ptime(self, wanted: Duration) -> Duration {
        let tens = u64::try_from(wanted.as_millis() / 10)
            .unwrap_or(u64::MAX)
            .clamp(1, 12);
        let tens = match self {
            CodecKind::Opus if tens > 1 => tens / 2 * 2,
            CodecKind::Opus | CodecKind::G722 | CodecKind::Pcma | CodecKind::Pcmu => tens,
        };
        Duration::from_millis(tens * 10)
    }

    /// How long the sound in `payload` lasts, without decoding it; `None` when it is no payload
    /// of this codec.
    #[must_use]
    pub fn duration_of(self, payload: &[u8]) -> Option<Duration> {
        let samples = self.samples_of(payload)?;
        Some(self.sound_rate().duration_of(samples as u64))
    }

    /// Samples at [`CodecKind::sound_rate`] in `payload`, 1 to [`MAX_PACKET_SAMPLES`].
    #[must_use]
    pub fn samples_of(self, payload: &[u8]) -> Option<usize> {
        let samples = match self {
            CodecKind::Opus => opus::samples_of(payload)?,
            CodecKind::G722 => payload.len() * 2,
            CodecKind::Pcma | CodecKind::Pcmu => payload.len(),
        };
        (1..=MAX_PACKET_SAMPLES)
            .contains(&samples)
            .then_some(samples)
    }
}

impl CodecKind {
    /// The encoding name as it is registered and written into `a=rtpmap`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CodecKind::Opus => "opus",
            CodecKind::G722 => "G722",
            CodecKind::Pcma => "PCMA",
            CodecKind::Pcmu => "PCMU",
        }
    }
}

impl fmt::Display for CodecKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names none of the codecs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no codec is called {0:?}")]
pub struct UnknownCodec(pub String);

impl FromStr for CodecKind {
    type Err = UnknownCodec;

    /// The name in any case, or one of the everyday names `alaw` and `ulaw`.
    fn from_str(word: &str) -> Result<CodecKind, UnknownCodec> {
        let word = word.trim();
        if word.eq_ignore_ascii_case("alaw") {
            return Ok(CodecKind::Pcma);
        }
        if word.eq_ignore_ascii_case("ulaw") {
            return Ok(CodecKind::Pcmu);
        }
        CodecKind::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownCodec(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g722_sounds_at_twice_its_clock() {
        assert_eq!(CodecKind::G722.rtp_clock().hz(), 8_000);
        assert_eq!(CodecKind::G722.sound_rate().hz(), 16_000);
    }

    #[test]
    fn codecs_are_found_by_any_spelling() {
        assert_eq!("OPUS".parse(), Ok(CodecKind::Opus));
        assert_eq!(" g722 ".parse(), Ok(CodecKind::G722));
        assert_eq!("alaw".parse(), Ok(CodecKind::Pcma));
        assert_eq!("PCMU".parse(), Ok(CodecKind::Pcmu));
        assert_eq!(
            "g729".parse::<CodecKind>(),
            Err(UnknownCodec("g729".to_owned()))
        );
    }

    #[test]
    fn static_numbers_are_those_of_rfc_3551() {
        let number = |codec: CodecKind| codec.static_payload_type().map(PayloadType::number);
        assert_eq!(number(CodecKind::Pcmu), Some(0));
        assert_eq!(number(CodecKind::Pcma), Some(8));
        assert_eq!(number(CodecKind::G722), Some(9));
        assert_eq!(number(CodecKind::Opus), None);
    }
}
