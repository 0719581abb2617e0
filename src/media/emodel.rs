//! What a person would say of a call: the E-model (ITU-T G.107), simplified.
//!
//! Of the full model stay what a packet network changes: delay and loss. Noise, echo and
//! sidetone are at the model's defaults, which leaves R = 93.2 for a perfect narrow-band call.
//! Codecs with more bandwidth stand on the same scale: it ends at 4.4, and what they sound
//! better than a telephone it cannot say.

use std::time::Duration;

use crate::codec::CodecKind;

/// R without delay, loss or codec (G.107 with all default values).
const R_PERFECT: f32 = 93.2;

/// How a codec bears loss.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Impairment {
    /// Impairment without loss, `Ie`.
    ie: f32,
    /// Robustness against random loss, `Bpl`: the greater the better.
    bpl: f32,
}

fn impairment(codec: CodecKind) -> Impairment {
    match codec {
        // G.113 appendix I: G.711 with packet loss concealment.
        CodecKind::Pcma | CodecKind::Pcmu => Impairment { ie: 0.0, bpl: 25.1 },
        // No value on the narrow-band scale is published: as G.711, since its concealment here
        // is the same pitch repetition, over twice the bandwidth.
        CodecKind::G722 => Impairment { ie: 0.0, bpl: 25.1 },
        // None is published. PESQ of speech without FEC at 10% random loss was 2.59 here, which
        // is R = 50: (93.2 - 50) = 95 * 10 / (10 + Bpl) gives 12.
        CodecKind::Opus => Impairment { ie: 0.0, bpl: 12.0 },
    }
}

/// The mean opinion score, 1 to 4.41, of a call with this `delay` from mouth to ear, of whose
/// sound `concealed_pct` percent (0 to 100) were made up.
///
/// What FEC brought back was not lost, so that sound made up counts and not packets missing.
#[must_use]
pub fn mos(codec: CodecKind, delay: Duration, concealed_pct: f32) -> f32 {
    let millis = delay.as_secs_f32() * 1e3;
    // Cole and Rosenbluth's straight lines for G.107's Idd, good to within one point below
    // 400 ms: the bend is where people begin to talk over each other.
    let delay_impairment = 0.024 * millis + 0.11 * (millis - 177.3).max(0.0);
    let Impairment { ie, bpl } = impairment(codec);
    let loss = concealed_pct.clamp(0.0, 100.0);
    let equipment = ie + (95.0 - ie) * loss / (loss + bpl);
    from_rating(R_PERFECT - delay_impairment - equipment)
}

/// G.107 annex B.
fn from_rating(r: f32) -> f32 {
    if r <= 0.0 {
        return 1.0;
    }
    let r = r.min(100.0);
    // The cubic dips below 1 for R under 6.5.
    (1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table B.1 of G.107 relates R to the mean opinion score.
    #[test]
    fn ratings_become_the_scores_of_the_recommendation() {
        for (r, score) in [
            (93.2, 4.41),
            (90.0, 4.34),
            (80.0, 4.03),
            (70.0, 3.60),
            (60.0, 3.10),
            (50.0, 2.58),
        ] {
            let got = from_rating(r);
            assert!((got - score).abs() < 0.01, "R {r}: {got}, not {score}");
        }
        assert_eq!(from_rating(-5.0), 1.0);
    }

    #[test]
    fn delay_hurts_little_up_to_the_bend_and_much_behind_it() {
        let at = |ms| mos(CodecKind::Pcmu, Duration::from_millis(ms), 0.0);
        assert!(at(0) - at(150) < 0.15);
        assert!(at(150) - at(400) > 0.8);
        assert!(at(10_000) >= 1.0);
    }

    #[test]
    fn more_sound_made_up_is_never_better() {
        for codec in CodecKind::ALL {
            let scores: Vec<f32> = (0..=100_u8)
                .map(|loss| mos(codec, Duration::from_millis(60), f32::from(loss)))
                .collect();
            assert!(
                scores.windows(2).all(|pair| pair[1] <= pair[0]),
                "{codec:?}"
            );
            assert!(
                scores[0] > 4.3 && scores[100] < 1.6,
                "{codec:?}: {scores:?}"
            );
        }
    }

    #[test]
    fn a_tenth_of_opus_made_up_scores_as_measured() {
        let score = mos(CodecKind::Opus, Duration::ZERO, 10.0);
        assert!((score - 2.59).abs() < 0.1, "{score}");
    }
}
