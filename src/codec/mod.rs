//! Speech codecs behind two enums, an encoder and a decoder.

use crate::units::SampleRate;

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
}
