//! G.722 at 64 kbit/s: two bands of adaptive differential PCM behind a quadrature mirror filter.
//!
//! Written after ITU-T Recommendation G.722 (09/2012), whose block names (QMF, QUANTL, INVQAL,
//! LOGSCL, SCALEL, UPPOL1, …) stand beside the code. All arithmetic is on whole numbers, so two
//! implementations that follow the Recommendation agree in every bit.

use super::CodecError;
use super::g711::{from_i16, to_i16};

mod concealing;

pub use concealing::ConcealingDecoder;

/// How much later than it went in sound comes out of encoder and decoder together, in samples at
/// 16 kHz: the two mirror filters of 24 taps each.
pub const DELAY_SAMPLES: usize = 22;

/// 16 kHz sound to bytes, two samples to the byte.
#[derive(Debug, Default)]
pub struct Encoder {
    analysis: Analysis,
    low: LowBand,
    high: HighBand,
}

impl Encoder {
    /// Encodes any even number of samples; answers the number of bytes, half of it.
    ///
    /// # Errors
    /// An odd or empty frame, a payload buffer that is too short.
    pub fn encode(&mut self, sound: &[f32], payload: &mut [u8]) -> Result<usize, CodecError> {
        let (pairs, rest) = sound.as_chunks::<2>();
        if pairs.is_empty() || !rest.is_empty() {
            return Err(CodecError::FrameLength {
                samples: sound.len(),
            });
        }
        if payload.len() < pairs.len() {
            return Err(CodecError::BufferTooShort {
                given: payload.len(),
                needed: pairs.len(),
            });
        }
        for (byte, pair) in payload.iter_mut().zip(pairs) {
            *byte = self.encode_pair(pair.map(to_i16));
        }
        Ok(pairs.len())
    }

    fn encode_pair(&mut self, pair: [i16; 2]) -> u8 {
        let (low, high) = self.analysis.split(pair);
        let code = quantise(&self.low, &self.high, low, high);
        self.low.adapt(code);
        self.high.adapt(code);
        code
    }
}

/// Bytes to 16 kHz sound, two samples to the byte.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    low: LowBand,
    high: HighBand,
    synthesis: Synthesis,
}

impl Decoder {
    /// Decodes `payload` into twice as many samples; what does not fit in `sound` is left out.
    pub fn decode(&mut self, payload: &[u8], sound: &mut [f32]) {
        for (pair, byte) in sound.as_chunks_mut::<2>().0.iter_mut().zip(payload) {
            *pair = self.decode_pair(*byte).map(from_i16);
        }
    }

    fn decode_pair(&mut self, code: u8) -> [i16; 2] {
        let low = self.low.reconstruct(code);
        let high = self.high.reconstruct(code);
        self.low.adapt(code);
        self.high.adapt(code);
        self.synthesis.join(low, high)
    }
}

/// Taps of each polyphase branch of the mirror filters.
const TAPS: usize = 12;

/// Every second coefficient of the 24-tap mirror filter (G.722 table 4); the filter is symmetric,
/// so the others are these from the end.
const QMF: [i32; TAPS] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// The transmit filter: splits 16 kHz into two bands of 8 kHz.
#[derive(Debug, Default)]
struct Analysis {
    history: [[i32; 2]; TAPS],
}

impl Analysis {
    fn push(&mut self, pair: [i16; 2]) {
        self.history.copy_within(1.., 0);
        self.history[TAPS - 1] = pair.map(i32::from);
    }

    /// The next sample of the lower and of the higher band.
    fn split(&mut self, pair: [i16; 2]) -> (i32, i32) {
        self.push(pair);
        let (mut first, mut second) = (0, 0);
        for (tap, pair) in self.history.iter().enumerate() {
            first += pair[0] * QMF[tap];
            second += pair[1] * QMF[TAPS - 1 - tap];
        }
        ((second + first) >> 14, (second - first) >> 14)
    }
}

/// The receive filter: joins the bands again.
#[derive(Clone, Debug, Default)]
struct Synthesis {
    history: [[i32; 2]; TAPS],
}

impl Synthesis {
    fn join(&mut self, low: i32, high: i32) -> [i16; 2] {
        self.history.copy_within(1.., 0);
        self.history[TAPS - 1] = [low + high, low - high];
        let (mut first, mut second) = (0, 0);
        for (tap, pair) in self.history.iter().enumerate() {
            second += pair[0] * QMF[tap];
            first += pair[1] * QMF[TAPS - 1 - tap];
        }
        [saturate(first >> 11) as i16, saturate(second >> 11) as i16]
    }
}

/// Six bits of the lower band and, above them, two of the higher.
fn quantise(low: &LowBand, high: &HighBand, low_in: i32, high_in: i32) -> u8 {
    // SUBTRA, QUANTL: the first decision level above the magnitude.
    let error = saturate(low_in - low.0.estimate);
    let magnitude = if error >= 0 { error } else { -(error + 1) };
    let interval = Q6
        .iter()
        .take_while(|level| magnitude >= (**level * low.0.step) >> 12)
        .count();
    let low_code = match (error < 0, interval) {
        (true, 0) => 63,
        (true, 1) => 62,
        (true, n) => 33 - n as u8,
        (false, n) => 61 - n as u8,
    };
    // SUBTRA, QUANTH.
    let error = saturate(high_in - high.0.estimate);
    let magnitude = if error >= 0 { error } else { -(error + 1) };
    let outer = magnitude >= (564 * high.0.step) >> 12;
    let high_code = match (error < 0, outer) {
        (true, false) => 1,
        (true, true) => 0,
        (false, false) => 3,
        (false, true) => 2,
    };
    high_code << 6 | low_code
}

/// Decision levels of the 6-bit quantiser (G.722 table 14), the first interval left out.
const Q6: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023,
    1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// Output levels of the 4-bit inverse quantiser, which both sides adapt by (table 15).
const QM4: [i32; 16] = [
    0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584,
    1200, 0,
];

/// Output levels of the 6-bit inverse quantiser (table 15); the first four codes are not sent.
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776,
    -2400, -2032, -1688, -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280,
    11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776,
    2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];

/// Output levels of the 2-bit inverse quantiser of the higher band (table 18).
const QM2: [i32; 4] = [-7408, -1616, 7408, 1616];

/// How the step size of the lower band follows the 4-bit code: WL of RL42 (tables 16 and 17).
const STEP_LOW: [i32; 16] = [
    -60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60,
];

/// The same for the 2-bit code of the higher band: WH of RH2.
const STEP_HIGH: [i32; 4] = [798, -214, 798, -214];

/// The lower band's predictor.
#[derive(Clone, Debug)]
struct LowBand(Predictor);

impl Default for LowBand {
    fn default() -> Self {
        LowBand(Predictor {
            step: 32,
            ..Predictor::default()
        })
    }
}

impl LowBand {
    /// INVQBL, RECONS, LIMIT: what the decoder hears.
    fn reconstruct(&self, code: u8) -> i32 {
        let difference = (self.0.step * QM6[usize::from(code & 0x3f)]) >> 15;
        (self.0.estimate + difference).clamp(-16_384, 16_383)
    }

    /// INVQAL, LOGSCL, SCALEL and the predictor, by the upper four of the six bits.
    fn adapt(&mut self, code: u8) {
        let index = usize::from((code & 0x3f) >> 2);
        let difference = (self.0.step * QM4[index]) >> 15;
        self.0.log_step = (((self.0.log_step * 127) >> 7) + STEP_LOW[index]).clamp(0, 18_432);
        self.0.step = linear_step(self.0.log_step, LOW_EXPONENT);
        self.0.update(difference);
    }
}

/// The higher band's predictor.
#[derive(Clone, Debug)]
struct HighBand(Predictor);

impl Default for HighBand {
    fn default() -> Self {
        HighBand(Predictor {
            step: 8,
            ..Predictor::default()
        })
    }
}

impl HighBand {
    /// INVQAH, RECONS, LIMIT: what the decoder hears.
    fn reconstruct(&self, code: u8) -> i32 {
        let difference = (self.0.step * QM2[usize::from(code >> 6)]) >> 15;
        (self.0.estimate + difference).clamp(-16_384, 16_383)
    }

    /// INVQAH, LOGSCH, SCALEH and the predictor.
    fn adapt(&mut self, code: u8) {
        let index = usize::from(code >> 6);
        let difference = (self.0.step * QM2[index]) >> 15;
        self.0.log_step = (((self.0.log_step * 127) >> 7) + STEP_HIGH[index]).clamp(0, 22_528);
        self.0.step = linear_step(self.0.log_step, HIGH_EXPONENT);
        self.0.update(difference);
    }
}

/// Where the bands differ in [`linear_step`].
const LOW_EXPONENT: i32 = 8;
const HIGH_EXPONENT: i32 = 10;

/// SCALEL, SCALEH: the step size from its logarithm; the bands differ in `exponent`.
fn linear_step(log_step: i32, exponent: i32) -> i32 {
    let mantissa = ILB[((log_step >> 6) & 31) as usize];
    let shift = exponent - (log_step >> 11);
    let step = if shift < 0 {
        mantissa << -shift
    } else {
        mantissa >> shift
    };
    step << 2
}

/// 2048 · 2^(n/32) (table 19).
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
    2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

/// Two poles and six zeros, adapted sample by sample alike on both sides (block 4).
#[derive(Clone, Debug, Default)]
struct Predictor {
    /// `s`: the next sample as predicted.
    estimate: i32,
    /// `sz`: what the zeros contribute to it.
    from_zeros: i32,
    /// `nb`: logarithm of the step size.
    log_step: i32,
    /// `det`: the step size.
    step: i32,
    /// `r1`, `r2`: reconstructed signal.
    reconstructed: [i32; 2],
    /// `p1`, `p2`: partially reconstructed signal.
    partial: [i32; 2],
    /// `a1`, `a2`.
    poles: [i32; 2],
    /// `d1` … `d6`: quantised differences.
    differences: [i32; 6],
    /// `b1` … `b6`.
    zeros: [i32; 6],
}

impl Predictor {
    fn update(&mut self, difference: i32) {
        // RECONS, PARREC.
        let reconstructed = saturate(self.estimate + difference);
        let partial = saturate(self.from_zeros + difference);
        let same_sign = |other: i32| (partial < 0) == (other < 0);

        // UPPOL2, UPPOL1.
        let slope = saturate(self.poles[0] << 2);
        let slope = if same_sign(self.partial[0]) {
            saturate(-slope)
        } else {
            slope
        };
        let push = if same_sign(self.partial[1]) {
            128
        } else {
            -128
        };
        let second = (slope >> 7) + push + ((self.poles[1] * 32_512) >> 15);
        let second = second.clamp(-12_288, 12_288);
        let push = if same_sign(self.partial[0]) {
            192
        } else {
            -192
        };
        let limit = 15_360 - second;
        let first = (push + ((self.poles[0] * 32_640) >> 15)).clamp(-limit, limit);
        self.poles = [first, second];

        // UPZERO.
        let push = if difference == 0 { 0 } else { 128 };
        for (zero, past) in self.zeros.iter_mut().zip(self.differences) {
            let push = if (past < 0) == (difference < 0) {
                push
            } else {
                -push
            };
            *zero = saturate(push + ((*zero * 32_640) >> 15));
        }

        // DELAYA.
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];

        self.predict();
    }

    /// FILTEP, FILTEZ, PREDIC.
    fn predict(&mut self) {
        let mut from_poles = 0;
        for (pole, past) in self.poles.iter().zip(self.reconstructed) {
            from_poles += (pole * saturate(past * 2)) >> 15;
        }
        let mut from_zeros = 0;
        for (zero, past) in self.zeros.iter().zip(self.differences) {
            from_zeros += (zero * saturate(past * 2)) >> 15;
        }
        self.from_zeros = saturate(from_zeros);
        self.estimate = saturate(saturate(from_poles) + self.from_zeros);
    }
}

fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fnv, sine, snr_db, speech};
    use super::*;
    use crate::units::SampleRate;

    /// Silence, faint, middling and full-scale noise, full-scale square wave, 100 ms each in
    /// turn: a second of it, by a linear congruential generator.
    fn hard_sound() -> Vec<i16> {
        let mut state = 0x1234_5678_u32;
        (0..16_000)
            .map(|index| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = ((state >> 16).cast_signed() - 32_768) as i16;
                match index / 1_600 % 5 {
                    0 => 0,
                    1 => noise >> 6,
                    2 => noise >> 3,
                    3 => noise,
                    _ if index / 20 % 2 == 1 => i16::MAX,
                    _ => i16::MIN,
                }
            })
            .collect()
    }

    fn encode(sound: &[i16]) -> Vec<u8> {
        let mut encoder = Encoder::default();
        sound
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| encoder.encode_pair(*pair))
            .collect()
    }

    fn decode(payload: &[u8]) -> Vec<i16> {
        let mut decoder = Decoder::default();
        payload
            .iter()
            .flat_map(|byte| decoder.decode_pair(*byte))
            .collect()
    }

    fn bytes(sound: &[i16]) -> impl Iterator<Item = u8> {
        sound.iter().flat_map(|sample| sample.to_le_bytes())
    }

    /// The numbers are those of libg722 (the implementation derived from Carnegie Mellon's and
    /// SpanDSP's that most phones run; here as PyPI `G722` 1.2.8) for the same input.
    #[test]
    fn every_bit_agrees_with_libg722() {
        let payload = encode(&hard_sound());
        assert_eq!(fnv(payload.iter().copied()), 0x079b_0dc4_7164_9300);
        assert_eq!(fnv(bytes(&decode(&payload))), 0x4320_8015_d751_fb06);
        // Bytes no encoder would write, too.
        let mut state = 99_u32;
        let noise: Vec<u8> = (0..8_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        assert_eq!(fnv(bytes(&decode(&noise))), 0xed83_ad3d_3d9c_8689);
    }

    #[test]
    fn silence_encodes_to_its_known_byte_and_back() {
        assert_eq!(encode(&[0; 64]), [0xfa; 32]);
        assert!(decode(&[0xfa; 160]).iter().all(|sample| sample.abs() <= 2));
    }

    fn round_trip(sound: &[f32]) -> Vec<f32> {
        let mut payload = vec![0; sound.len() / 2];
        Encoder::default().encode(sound, &mut payload).unwrap();
        let mut heard = vec![0.0; sound.len()];
        Decoder::default().decode(&payload, &mut heard);
        heard
    }

    #[test]
    fn the_mirror_filters_delay_by_22_samples() {
        let sound = &speech(SampleRate::WIDE)[..48_000];
        let heard = round_trip(sound);
        let at = |delay: usize| snr_db(&sound[..47_000], &heard[delay..47_000 + delay]);
        let best = (0..60).max_by(|a, b| at(*a).total_cmp(&at(*b))).unwrap();
        assert_eq!(best, DELAY_SAMPLES);
        assert!(at(best) > 17.0, "{}", at(best));
    }

    #[test]
    fn tones_in_both_bands_come_through() {
        let check = |hz: f64, least_db: f64| {
            let sound = sine(SampleRate::WIDE, hz, 0.3, 16_000);
            let heard = round_trip(&sound);
            let snr = snr_db(&sound[8_000..15_000], &heard[8_022..15_022]);
            assert!(snr > least_db, "{hz} Hz: {snr:.1} dB");
        };
        // ITU-T G.722 asks for little in noise terms; these are 3 dB below what was measured.
        check(300.0, 35.0);
        check(1_000.0, 33.0);
        check(3_000.0, 32.0);
        check(5_000.0, 17.0);
        check(6_500.0, 17.0);
    }

    #[test]
    fn an_odd_frame_is_refused() {
        let mut payload = [0; 200];
        let refused = Encoder::default().encode(&[0.0; 321], &mut payload);
        assert!(matches!(
            refused,
            Err(CodecError::FrameLength { samples: 321 })
        ));
    }
}
