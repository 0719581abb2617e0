//! Wall clock time as RTCP carries it (RFC 3550 section 4).

use std::time::{Duration, Instant};

/// Seconds between 1 January 1900, where NTP counts from, and 1970, where Unix does.
const UNIX_EPOCH_SECS: u64 = 2_208_988_800;

/// An NTP timestamp: 32 bits of seconds since 1900, 32 bits of fraction.
///
/// Wraps in 2036; only differences of at most 68 years are meant to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// From the time since the Unix epoch, as `SystemTime::duration_since(UNIX_EPOCH)` gives it.
    #[must_use]
    pub fn from_unix(since_1970: Duration) -> NtpTime {
        let secs = since_1970.as_secs().wrapping_add(UNIX_EPOCH_SECS);
        let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
        NtpTime((secs << 32) | fraction)
    }

    /// The moment `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> NtpTime {
        let fraction = (u64::from(span.subsec_nanos()) << 32) / 1_000_000_000;
        NtpTime(
            self.0
                .wrapping_add(span.as_secs() << 32)
                .wrapping_add(fraction),
        )
    }

    /// The middle 32 bits, which reports refer to (RFC 3550 section 6.4.1, LSR).
    #[must_use]
    pub fn middle(self) -> NtpShort {
        NtpShort((self.0 >> 16) as u32)
    }
}

/// The middle 32 bits of an NTP timestamp, or a span in the same unit: 1/65536 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NtpShort(pub u32);

impl NtpShort {
    /// A span, saturating at 18 hours.
    #[must_use]
    pub fn from_span(span: Duration) -> NtpShort {
        let units = (span.as_nanos() << 16) / 1_000_000_000;
        NtpShort(u32::try_from(units).unwrap_or(u32::MAX))
    }

    /// The span as a duration.
    #[must_use]
    pub fn to_span(self) -> Duration {
        Duration::from_nanos((u64::from(self.0) * 1_000_000_000) >> 16)
    }
}

/// Translates between the monotonic clock, which everything here runs on, and NTP time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock {
    pub(crate) anchor: Instant,
    pub(crate) ntp_at_anchor: NtpTime,
}

impl WallClock {
    pub(crate) fn at(&self, now: Instant) -> NtpTime {
        self.ntp_at_anchor
            .plus(now.saturating_duration_since(self.anchor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unix_epoch_is_seventy_years_and_seventeen_leap_days_after_1900() {
        let days = 70 * 365 + 17;
        assert_eq!(
            NtpTime::from_unix(Duration::ZERO),
            NtpTime((days * 86_400) << 32)
        );
    }

    #[test]
    fn half_a_second_is_the_top_bit_of_the_fraction() {
        let start = NtpTime::from_unix(Duration::from_millis(500));
        assert_eq!(start.0 & 0xffff_ffff, 0x8000_0000);
        assert_eq!(
            start.plus(Duration::from_millis(750)).0 & 0xffff_ffff,
            0x4000_0000
        );
        assert_eq!(
            start.plus(Duration::from_millis(750)).0 >> 32,
            (start.0 >> 32) + 1
        );
    }

    #[test]
    fn the_middle_of_the_rfc_figure_2_time_is_read() {
        // RFC 3550 figure 2: 10 Nov 1995, NTP 0xb44db705:20000000, LSR 0xb705:2000.
        assert_eq!(
            NtpTime(0xb44d_b705_2000_0000).middle(),
            NtpShort(0xb705_2000)
        );
    }

    #[test]
    fn spans_survive_the_unit_of_one_65536th() {
        assert_eq!(
            NtpShort::from_span(Duration::from_millis(5_250)),
            NtpShort(0x0005_4000)
        );
        assert_eq!(
            NtpShort(0x0005_4000).to_span(),
            Duration::from_millis(5_250)
        );
        assert_eq!(
            NtpShort::from_span(Duration::from_secs(1 << 20)),
            NtpShort(u32::MAX)
        );
    }
}
