//! The words everything else is said in: rates, RTP numbers, levels.
//!
//! RTP sequence numbers and timestamps are extended to 64 bits where they enter (see
//! [`crate::rtp`]); inside, nothing wraps.

use std::fmt;
use std::time::Duration;

/// Samples a second of one channel of sound, or ticks a second of an RTP clock.
///
/// The two differ for G.722: 16 kHz sound on an 8 kHz RTP clock (RFC 3551 section 4.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleRate(u32);

impl SampleRate {
    /// Narrow band: G.711.
    pub const NARROW: SampleRate = SampleRate(8_000);
    /// Wide band: G.722.
    pub const WIDE: SampleRate = SampleRate(16_000);
    /// Full band: Opus, and the rate at which sound is mixed and handed to devices.
    pub const FULL: SampleRate = SampleRate(48_000);

    /// A rate in hertz; `None` outside 1 Hz to 384 kHz.
    #[must_use]
    pub const fn new(hz: u32) -> Option<SampleRate> {
        if hz == 0 || hz > 384_000 {
            None
        } else {
            Some(SampleRate(hz))
        }
    }

    /// The rate in hertz.
    #[must_use]
    pub const fn hz(self) -> u32 {
        self.0
    }

    /// How many samples `span` lasts, rounded down: 960 for 20 ms at 48 kHz.
    #[must_use]
    pub const fn samples_in(self, span: Duration) -> usize {
        (span.as_nanos() * self.0 as u128 / 1_000_000_000) as usize
    }

    /// How long `samples` last.
    #[must_use]
    pub fn duration_of(self, samples: u64) -> Duration {
        let nanos = u128::from(samples) * 1_000_000_000 / u128::from(self.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

/// An RTP sequence number, extended past its 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeqNo(pub u64);

/// A moment on an RTP stream's media clock, extended past its 32 bits, in ticks of that clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RtpTime(pub u64);

/// The synchronisation source of an RTP stream (RFC 3550 section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ssrc(pub u32);

/// An RTP payload type, 0 to 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadType(u8);

impl PayloadType {
    /// `None` above 127: the eighth bit is RTP's marker.
    #[must_use]
    pub const fn new(number: u8) -> Option<PayloadType> {
        if number < 128 {
            Some(PayloadType(number))
        } else {
            None
        }
    }

    /// The number on the wire, 0 to 127.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A speech level in dB relative to the overload point: 0 is the loudest sine that fits, silence
/// is [`Dbov::SILENCE`].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Dbov(pub f32);

impl Dbov {
    /// The floor: what digital silence is reported as (RFC 6464 uses the same −127).
    pub const SILENCE: Dbov = Dbov(-127.0);
}

impl Default for Dbov {
    fn default() -> Self {
        Dbov::SILENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_milliseconds_are_counted_at_each_rate() {
        let span = Duration::from_millis(20);
        assert_eq!(SampleRate::NARROW.samples_in(span), 160);
        assert_eq!(SampleRate::WIDE.samples_in(span), 320);
        assert_eq!(SampleRate::FULL.samples_in(span), 960);
        assert_eq!(SampleRate::FULL.duration_of(960), span);
    }

    #[test]
    fn the_marker_bit_is_no_payload_type() {
        assert_eq!(PayloadType::new(128), None);
        assert_eq!(PayloadType::new(127).map(PayloadType::number), Some(127));
    }
}
