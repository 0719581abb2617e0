//! The audio codecs that Ramal speaks, by their SDP names and numbers.

use std::fmt;
use std::str::FromStr;

use crate::units::{PayloadType, SampleRate};

/// A codec that can be offered, sent and received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AudioCodec {
    /// RFC 6716, carried by RFC 7587.
    Opus,
    /// ITU-T G.722 at 64 kbit/s, RFC 3551 section 4.5.2.
    G722,
    /// ITU-T G.711 A-law, RFC 3551 section 4.5.14.
    Pcma,
    /// ITU-T G.711 µ-law, RFC 3551 section 4.5.14.
    Pcmu,
}

impl AudioCodec {
    /// All of them, best sound first: the order in which they are offered unless told otherwise.
    pub const ALL: [AudioCodec; 4] = [
        AudioCodec::Opus,
        AudioCodec::G722,
        AudioCodec::Pcma,
        AudioCodec::Pcmu,
    ];

    /// The encoding name as it is registered and written into `a=rtpmap`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AudioCodec::Opus => "opus",
            AudioCodec::G722 => "G722",
            AudioCodec::Pcma => "PCMA",
            AudioCodec::Pcmu => "PCMU",
        }
    }

    /// Ticks a second of the RTP clock. G.722 says 8000 though its sound runs at twice that, an
    /// error of an old RFC that RFC 3551 section 4.5.2 keeps.
    #[must_use]
    pub const fn clock_rate(self) -> SampleRate {
        match self {
            AudioCodec::Opus => SampleRate::FULL,
            AudioCodec::G722 | AudioCodec::Pcma | AudioCodec::Pcmu => SampleRate::NARROW,
        }
    }

    /// Samples a second of the sound that goes into the encoder and comes out of the decoder.
    #[must_use]
    pub const fn sound_rate(self) -> SampleRate {
        match self {
            AudioCodec::Opus => SampleRate::FULL,
            AudioCodec::G722 => SampleRate::WIDE,
            AudioCodec::Pcma | AudioCodec::Pcmu => SampleRate::NARROW,
        }
    }

    /// What follows the clock rate in `a=rtpmap`: always 2 for Opus, also for mono (RFC 7587
    /// section 7), absent for the others.
    #[must_use]
    pub const fn rtpmap_channels(self) -> Option<u8> {
        match self {
            AudioCodec::Opus => Some(2),
            AudioCodec::G722 | AudioCodec::Pcma | AudioCodec::Pcmu => None,
        }
    }

    /// The number that needs no `a=rtpmap` (RFC 3551 table 4); `None` for Opus.
    #[must_use]
    pub const fn static_payload_type(self) -> Option<PayloadType> {
        match self {
            AudioCodec::Opus => None,
            AudioCodec::G722 => PayloadType::new(9),
            AudioCodec::Pcma => PayloadType::new(8),
            AudioCodec::Pcmu => PayloadType::new(0),
        }
    }
}

impl fmt::Display for AudioCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names none of the codecs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no codec is called {0:?}")]
pub struct UnknownCodec(pub String);

impl FromStr for AudioCodec {
    type Err = UnknownCodec;

    /// The name in any case, or one of the everyday names `alaw` and `ulaw`.
    fn from_str(word: &str) -> Result<AudioCodec, UnknownCodec> {
        let word = word.trim();
        if word.eq_ignore_ascii_case("alaw") {
            return Ok(AudioCodec::Pcma);
        }
        if word.eq_ignore_ascii_case("ulaw") {
            return Ok(AudioCodec::Pcmu);
        }
        AudioCodec::ALL
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
        assert_eq!(AudioCodec::G722.clock_rate().hz(), 8_000);
        assert_eq!(AudioCodec::G722.sound_rate().hz(), 16_000);
    }

    #[test]
    fn codecs_are_found_by_any_spelling() {
        assert_eq!("OPUS".parse(), Ok(AudioCodec::Opus));
        assert_eq!(" g722 ".parse(), Ok(AudioCodec::G722));
        assert_eq!("alaw".parse(), Ok(AudioCodec::Pcma));
        assert_eq!("PCMU".parse(), Ok(AudioCodec::Pcmu));
        assert_eq!(
            "g729".parse::<AudioCodec>(),
            Err(UnknownCodec("g729".to_owned()))
        );
    }

    #[test]
    fn static_numbers_are_those_of_rfc_3551() {
        let number = |codec: AudioCodec| codec.static_payload_type().map(PayloadType::number);
        assert_eq!(number(AudioCodec::Pcmu), Some(0));
        assert_eq!(number(AudioCodec::Pcma), Some(8));
        assert_eq!(number(AudioCodec::G722), Some(9));
        assert_eq!(number(AudioCodec::Opus), None);
    }
}
