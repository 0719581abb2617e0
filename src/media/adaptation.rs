//! What the Opus encoder does about the loss that the far side reports.
//!
//! Loss is protected against at once and believed gone slowly: each change has to be worth it,
//! and the way back is taken in small steps, so that a network at the edge is not rocked.

/// Average rate without loss, in bit/s, where the far side asks for nothing else: beyond it
/// nobody hears more in speech.
const BITRATE: u32 = 40_000;
/// The lowest rate adapted to, in bit/s. At 16 kbit/s wide-band speech still leaves room for
/// LBRR, the copy that loss makes necessary.
const BITRATE_FLOOR: u32 = 16_000;
/// Loss above this, in percent, looks like a full line rather than a noisy one: send less.
const CONGESTED: f32 = 8.0;
/// Reports in a row without noteworthy loss before the way back is taken: 15 s at the usual
/// interval.
const CALM_REPORTS: u8 = 3;
/// A change of the expected loss below this, in percent, is not worth telling the encoder.
const NOTEWORTHY: f32 = 2.0;
/// The greatest loss protected against, in percent: beyond it LBRR eats the sound itself.
const EXPECTED_CEILING: f32 = 30.0;
/// Effort at the full rate, and where bits are few.
const COMPLEXITY: (u8, u8) = (9, 10);

/// What the encoder should be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Average rate in bit/s.
    pub bitrate: u32,
    /// Effort, 0 to 10.
    pub complexity: u8,
    /// Loss to protect against, in percent.
    pub expected_loss: u8,
}

/// Follows the reports of one stream.
#[derive(Clone, Debug)]
pub struct Adaptation {
    ceiling: u32,
    bitrate: u32,
    expected: f32,
    calm: u8,
}

impl Adaptation {
    /// For a far side that wants no more than `max_average_bitrate` (RFC 7587 section 6.1).
    #[must_use]
    pub fn new(max_average_bitrate: Option<u32>) -> Adaptation {
        let ceiling = BITRATE
            .min(max_average_bitrate.unwrap_or(u32::MAX))
            .max(6_000);
        Adaptation {
            ceiling,
            bitrate: ceiling,
            expected: 0.0,
            calm: 0,
        }
    }

    /// What the encoder should be set to.
    #[must_use]
    pub fn target(&self) -> Target {
        let complexity = if self.bitrate < BITRATE / 5 * 3 {
            COMPLEXITY.1
        } else {
            COMPLEXITY.0
        };
        Target {
            bitrate: self.bitrate,
            complexity,
            expected_loss: self.expected.round() as u8,
        }
    }

    /// Takes the loss of one report, 0 to 1; answers the new target if it changed.
    pub fn handle_report(&mut self, loss: f64) -> Option<Target> {
        let before = self.target();
        // `max` and `min` rather than `clamp`: they take NaN to a number.
        let loss = (loss as f32 * 100.0).clamp(0.0, 100.0);
        let wanted = loss.min(EXPECTED_CEILING);
        if wanted >= self.expected + NOTEWORTHY {
            self.expected = wanted;
            self.calm = 0;
        } else if wanted <= self.expected - NOTEWORTHY || loss < NOTEWORTHY {
            self.calm += 1;
        } else {
            self.calm = 0;
        }
        if loss > CONGESTED {
            self.bitrate = (self.bitrate / 5 * 4).max(BITRATE_FLOOR.min(self.ceiling));
        }
        if self.calm >= CALM_REPORTS {
            self.calm = 0;
            // Half the way to what is reported, and all of it at the end.
            let halfway = f32::midpoint(self.expected, wanted);
            self.expected = if halfway - wanted < 1.0 {
                wanted
            } else {
                halfway
            };
            self.bitrate = (self.bitrate / 10 * 11).min(self.ceiling);
        }
        Some(self.target()).filter(|target| *target != before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_protected_against_at_once() {
        let mut adaptation = Adaptation::new(None);
        assert_eq!(adaptation.target().expected_loss, 0);
        let target = adaptation.handle_report(0.05).unwrap();
        assert_eq!((target.expected_loss, target.bitrate), (5, 40_000));
    }

    #[test]
    fn small_changes_are_not_worth_a_word() {
        let mut adaptation = Adaptation::new(None);
        adaptation.handle_report(0.05);
        for loss in [0.06, 0.04, 0.055, 0.06, 0.045, 0.05] {
            assert_eq!(adaptation.handle_report(loss), None, "{loss}");
        }
    }

    #[test]
    fn one_clean_report_is_not_believed_and_three_are_in_steps() {
        let mut adaptation = Adaptation::new(None);
        adaptation.handle_report(0.08);
        assert_eq!(adaptation.handle_report(0.0), None);
        assert_eq!(adaptation.handle_report(0.0), None);
        assert_eq!(adaptation.handle_report(0.0).unwrap().expected_loss, 4);
        for _ in 0..20 {
            adaptation.handle_report(0.0);
        }
        assert_eq!(adaptation.target().expected_loss, 0);
    }

    #[test]
    fn a_full_line_gets_less_down_to_a_floor_and_more_again_later() {
        let mut adaptation = Adaptation::new(None);
        assert_eq!(adaptation.handle_report(0.2).unwrap().bitrate, 32_000);
        for _ in 0..20 {
            adaptation.handle_report(0.2);
        }
        let worst = adaptation.target();
        assert_eq!((worst.bitrate, worst.complexity), (16_000, 10));
        for _ in 0..100 {
            adaptation.handle_report(0.0);
        }
        let best = adaptation.target();
        assert_eq!(
            (best.bitrate, best.complexity, best.expected_loss),
            (40_000, 9, 0)
        );
    }

    #[test]
    fn the_far_sides_limit_is_kept() {
        let mut adaptation = Adaptation::new(Some(12_000));
        assert_eq!(adaptation.target().bitrate, 12_000);
        for _ in 0..20 {
            adaptation.handle_report(0.5);
        }
        assert_eq!(adaptation.target().bitrate, 12_000);
        assert_eq!(adaptation.target().expected_loss, 30);
    }

    #[test]
    fn nonsense_in_a_report_stays_within_bounds() {
        let mut adaptation = Adaptation::new(None);
        for loss in [f64::NAN, -3.0, 7.0, f64::INFINITY] {
            adaptation.handle_report(loss);
            let target = adaptation.target();
            assert!(target.expected_loss <= 30 && target.bitrate >= 16_000);
        }
    }
}
