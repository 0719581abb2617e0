//! How many notifications one subscription may bring.

use std::time::{Duration, Instant};

/// Notifications that may come at one moment: the last hour of a busy extension, told at once.
const BURST: u32 = 64;
/// The pause that each of them needs in the long run. Packages allow one a second at most (RFC
/// 4235 section 3.10, RFC 3842 section 3.10).
const PAUSE: Duration = Duration::from_millis(100);

/// A bucket that loses one token a notification and gains one a pause.
#[derive(Debug)]
pub(super) struct Throttle {
    tokens: u32,
    /// When the latest token was gained; `None` while the bucket has always been full.
    gained_at: Option<Instant>,
}

impl Throttle {
    pub(super) const fn new() -> Throttle {
        Throttle {
            tokens: BURST,
            gained_at: None,
        }
    }

    /// Whether one more may be taken.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let gained_at = *self.gained_at.get_or_insert(now);
        let pauses = now.saturating_duration_since(gained_at).as_millis() / PAUSE.as_millis();
        let pauses = u32::try_from(pauses).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(pauses).min(BURST);
        self.gained_at = if self.tokens == BURST {
            Some(now)
        } else {
            Some(gained_at + PAUSE * pauses)
        };
        if self.tokens == 0 {
            return false;
        }
        self.tokens -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_ten_a_second() {
        #[expect(
            clippy::disallowed_methods,
            reason = "an instant to start from cannot be made otherwise"
        )]
        let start = Instant::now();
        let mut throttle = Throttle::new();
        let taken = |throttle: &mut Throttle, after: Duration| {
            (0..1_000)
                .filter(|_| throttle.allows(start + after))
                .count()
        };
        assert_eq!(taken(&mut throttle, Duration::ZERO), 64);
        assert_eq!(taken(&mut throttle, Duration::from_millis(99)), 0);
        assert_eq!(taken(&mut throttle, Duration::from_millis(250)), 2);
        // The half pause was not lost.
        assert_eq!(taken(&mut throttle, Duration::from_millis(300)), 1);
        assert_eq!(taken(&mut throttle, Duration::from_secs(1_000_000)), 64);
    }
}
