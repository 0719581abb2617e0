//! What a person would say of a call: the E-model (ITU-T G.107, G.107.1, G.107.2).
//!
//! Each codec is rated on the scale of its band: G.711 by the narrow-band model, whose perfect
//! call has R = 93.2; G.722 by the wide-band model, which ends at 129; Opus by the full-band
//! model, which ends at 148. R is told divided by 1, 1.29 or 1.48, as the recommendations do
//! before they make a score of it, so that it is 0 to 100 throughout. A score therefore says how
//! good a call is among those of its band, not how much better than a telephone.
//!
//! Of the parameters, what a packet network changes is taken from the call: delay, loss and how
//! it comes, the codec and its rate, and the echo of the far side where it says what is left of
//! it. Noise, loudness and sidetone are at the defaults.

use std::time::Duration;

use crate::codec::CodecKind;

/// Ro − Is of the narrow-band model at the defaults of G.107 table 3: 94.7688 − 1.4136. With
/// the listener's echo of no delay, 0.149, that is the 93.2 of the recommendation.
const NARROW_BAND: f32 = 93.355_3;
/// Ro at those defaults, and the noise sum No it comes from, in dBm0p.
const RO: f32 = 94.768_8;
const NO: f32 = -61.179_2;
/// Send and receive loudness rating, and weighted echo path loss, in dB (G.107 table 3).
const SLR: f32 = 8.0;
const RLR: f32 = 2.0;
const WEPL: f32 = 110.0;
/// Talker echo loudness rating where nothing is known of it, in dB (G.107 table 3).
const TELR: f32 = 65.0;

/// What the model is asked about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// What is heard.
    pub codec: CodecKind,
    /// Its mean rate in bit/s, payload only; only Opus is judged by it.
    pub bitrate: f32,
    /// From mouth to ear, one way.
    pub delay: Duration,
    /// Sound made up in the place of what was lost or late, in percent: what redundancy brought
    /// back was not lost.
    pub loss_pct: f32,
    /// Mean length of a run of lost packets to that of as much random loss: 1 and more.
    pub burst_ratio: f32,
    /// Echo return loss left on the far side, in dB, if it says.
    pub echo_loss_db: Option<u8>,
}

/// What the model answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rating {
    /// R, 0 to 100.
    pub r: f32,
    /// Score of listening, without what delay and echo do: 1 to 4.5.
    pub mos_lq: f32,
    /// Score of conversation: 1 to 4.5.
    pub mos_cq: f32,
}

/// How a codec sounds and bears loss, on the scale of its band.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Equipment {
    /// The longest scale the codec could reach, to that of the narrow band.
    scale: f32,
    /// R without codec, loss and delay.
    best: f32,
    /// What all loss takes: 95, of the full band 132 (G.107.2 section 7.5).
    worst: f32,
    /// Impairment without loss, `Ie`.
    ie: f32,
    /// Robustness against loss, `Bpl`: the greater the better.
    bpl: f32,
}

/// Opus at variable rate, super-wide band, in steps of kbit/s: `Ie` on the full-band scale, and
/// `Bpl` for random loss with libopus's plain concealment. M. Alahmadi, P. Pocta, H. Melvin, "An
/// Adaptive Bitrate Switching Algorithm for Speech Applications in Context of WebRTC", ACM
/// TOMM 17(4), 2021. At 10% random loss and 40 kbit/s they come to a score of 2.6; PESQ measured
/// 2.59 here.
const OPUS: [(f32, f32, f32); 11] = [
    (14.0, 38.06, 16.51),
    (15.0, 34.12, 15.0),
    (16.0, 30.16, 11.83),
    (19.0, 23.81, 10.67),
    (22.0, 20.22, 10.47),
    (25.0, 20.21, 11.28),
    (28.0, 18.48, 10.63),
    (31.0, 16.83, 10.44),
    (34.0, 14.76, 10.12),
    (37.0, 12.08, 10.38),
    (40.0, 10.67, 9.79),
];

impl Equipment {
    fn of(codec: CodecKind, bitrate: f32) -> Equipment {
        match codec {
            // G.113 appendix I: G.711 with packet loss concealment.
            CodecKind::Pcma | CodecKind::Pcmu => Equipment {
                scale: 1.0,
                best: NARROW_BAND,
                worst: 95.0,
                ie: 0.0,
                bpl: 25.1,
            },
            // G.113 appendix IV: Ie of G.722 at 64 kbit/s. Of Bpl it has 4.3 to 4.9 for AMR-WB,
            // and none for G.722: this one makes of 5% random loss a score of 2.93, and PESQ of
            // five talkers, thrice each, measured 2.88 here (clean 4.32, the model 4.33).
            CodecKind::G722 => Equipment {
                scale: 1.29,
                best: 129.0,
                worst: 95.0,
                ie: 13.0,
                bpl: 4.6,
            },
            CodecKind::Opus => {
                let (ie, bpl) = opus_at(bitrate / 1e3);
                Equipment {
                    scale: 1.48,
                    best: 148.0,
                    worst: 132.0,
                    ie,
                    bpl,
                }
            }
        }
    }

    /// `Ie,eff` (G.107 equation 7-29; that of the wider bands differs in `worst`). The burst ratio
    /// is kept to what table 3 allows.
    fn effective(&self, loss_pct: f32, burst_ratio: f32) -> f32 {
        let loss = loss_pct.clamp(0.0, 100.0);
        let burst_ratio = burst_ratio.clamp(1.0, 8.0);
        self.ie + (self.worst - self.ie) * loss / (loss / burst_ratio + self.bpl)
    }
}

/// `Ie` and `Bpl` of Opus at so many kbit/s: between the steps on a straight line, beyond them as
/// at the last.
fn opus_at(kbits: f32) -> (f32, f32) {
    let above = OPUS.iter().position(|(rate, ..)| *rate >= kbits);
    match above {
        Some(0) => (OPUS[0].1, OPUS[0].2),
        Some(at) => {
            let (low, high) = (OPUS[at - 1], OPUS[at]);
            let along = (kbits - low.0) / (high.0 - low.0);
            let between = |from: f32, to: f32| from + (to - from) * along;
            (between(low.1, high.1), between(low.2, high.2))
        }
        None => {
            let (_, ie, bpl) = OPUS[OPUS.len() - 1];
            (ie, bpl)
        }
    }
}

/// Rates a call.
#[must_use]
pub fn rate(conditions: &Conditions) -> Rating {
    let equipment = Equipment::of(conditions.codec, conditions.bitrate);
    let delay_ms = conditions.delay.as_secs_f32() * 1e3;
    // TELR is what the echo path loses beside the two telephones (G.107 section 7.4).
    let telr = conditions
        .echo_loss_db
        .map_or(TELR, |loss| SLR + RLR + f32::from(loss));
    // The wider bands' Idd is the narrow band's on their scale (G.107.1 equation 7-13); their
    // echo is not settled, and is taken in the same way.
    let talk = pure_delay(delay_ms) + talker_echo(delay_ms, telr) + listener_echo(2.0 * delay_ms);
    let sound = (equipment.best - equipment.effective(conditions.loss_pct, conditions.burst_ratio))
        / equipment.scale;
    let r = (sound - talk).clamp(0.0, 100.0);
    Rating {
        r,
        mos_lq: score(sound - listener_echo(0.0)),
        mos_cq: score(r),
    }
}

/// Idd (G.107 equations 7-27 and 7-28) at the default sensitivity: nothing up to 100 ms.
fn pure_delay(delay_ms: f32) -> f32 {
    const NOTICED: f32 = 100.0;
    if delay_ms <= NOTICED {
        return 0.0;
    }
    let x = (delay_ms / NOTICED).log2();
    let sixth = |x: f32| (1.0 + x.powi(6)).powf(1.0 / 6.0);
    25.0 * (sixth(x) - 3.0 * sixth(x / 3.0) + 2.0)
}

/// Idte (G.107 equations 7-19 to 7-23): one's own voice coming back after twice `delay_ms`.
fn talker_echo(delay_ms: f32, telr: f32) -> f32 {
    if delay_ms < 1.0 {
        return 0.0;
    }
    let slope = 40.0 * ((1.0 + delay_ms / 10.0) / (1.0 + delay_ms / 150.0)).log10();
    let terv = telr - slope + 6.0 * (-0.3 * delay_ms * delay_ms).exp();
    let half = (-1.5 * (NO - RLR) - (80.0 + 2.5 * (terv - 14.0))) / 2.0;
    (half + half.hypot(10.0) - 1.0) * (1.0 - (-delay_ms).exp())
}

/// Idle (G.107 equations 7-25 and 7-26): the other's voice coming a second time after
/// `round_ms`.
fn listener_echo(round_ms: f32) -> f32 {
    let rle = 10.5 * (WEPL + 7.0) * (round_ms + 1.0).powf(-0.25);
    let half = (RO - rle) / 2.0;
    // The difference of two nearly equal numbers, without losing it.
    169.0 / (half.hypot(13.0) - half)
}

/// G.107 annex B: what R, 0 to 100, is as a score.
fn score(r: f32) -> f32 {
    let r = r.clamp(0.0, 100.0);
    // The cubic dips below 1 for R under 6.5.
    (1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)).max(1.0)
}

#[cfg(test)]
#[path = "emodel_tests.rs"]
mod tests;
