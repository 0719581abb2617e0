//! G.711: eight-bit logarithmic samples, A-law and µ-law.
//!
//! Both laws cut the range into eight segments each way, of which each is twice as wide as the
//! one nearer to zero, and each segment into sixteen equal steps. The decoders are tables made
//! when compiling; the encoders find the segment by counting leading zeros.

use super::CodecError;

/// One 16-bit sample to A-law (G.711 table 1), even bits inverted as on the wire.
#[must_use]
pub const fn encode_alaw(sample: i16) -> u8 {
    // Ones' complement folds −1 onto 0, so that both signs have equally many codes.
    let (magnitude, sign) = if sample < 0 {
        (!sample, 0)
    } else {
        (sample, 0x80)
    };
    // A-law resolves 12 bits of magnitude and sign: 16 steps of 16 in the lowest two segments.
    let steps = (magnitude as u16) >> 4;
    let code = if steps < 32 {
        steps
    } else {
        let segment = 12 - steps.leading_zeros() as u16;
        (segment << 4) | ((steps >> (segment - 1)) & 0x0f)
    };
    (code as u8 | sign) ^ 0x55
}

/// One 16-bit sample to µ-law (G.711 table 2), all bits inverted as on the wire.
#[must_use]
pub const fn encode_ulaw(sample: i16) -> u8 {
    let (magnitude, sign) = if sample < 0 {
        (!sample, 0x80)
    } else {
        (sample, 0)
    };
    // µ-law resolves 13 bits of magnitude, offset by 33 so that segments begin at powers of two.
    let mut biased = ((magnitude as u16) >> 2) + 33;
    if biased > 0x1fff {
        biased = 0x1fff;
    }
    let segment = 10 - biased.leading_zeros() as u16;
    let code = (segment << 4) | ((biased >> (segment + 1)) & 0x0f);
    !(code as u8 | sign)
}

/// One A-law byte to a 16-bit sample.
#[must_use]
pub const fn decode_alaw(code: u8) -> i16 {
    ALAW[code as usize]
}

/// One µ-law byte to a 16-bit sample.
#[must_use]
pub const fn decode_ulaw(code: u8) -> i16 {
    ULAW[code as usize]
}

static ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let code = index as u8 ^ 0x55;
        let segment = (code >> 4) & 7;
        let step = (code & 0x0f) as i16;
        let magnitude = match segment {
            0 => step * 16 + 8,
            _ => (step * 16 + 264) << (segment - 1),
        };
        table[index] = if code & 0x80 == 0 {
            -magnitude
        } else {
            magnitude
        };
        index += 1;
    }
    table
};

static ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let code = !(index as u8);
        let segment = (code >> 4) & 7;
        let step = (code & 0x0f) as i16;
        let magnitude = ((step * 8 + 132) << segment) - 132;
        table[index] = if code & 0x80 == 0 {
            magnitude
        } else {
            -magnitude
        };
        index += 1;
    }
    table
};

/// Encodes a whole frame with one of the two laws; answers the number of bytes.
pub(super) fn encode_all(
    sound: &[f32],
    payload: &mut [u8],
    law: impl Fn(i16) -> u8,
) -> Result<usize, CodecError> {
    if sound.is_empty() {
        return Err(CodecError::FrameLength { samples: 0 });
    }
    if payload.len() < sound.len() {
        return Err(CodecError::BufferTooShort {
            given: payload.len(),
            needed: sound.len(),
        });
    }
    for (byte, sample) in payload.iter_mut().zip(sound) {
        *byte = law(to_i16(*sample));
    }
    Ok(sound.len())
}

/// Decodes a whole frame with one of the two laws; both slices are equally long.
pub(super) fn decode_all(payload: &[u8], sound: &mut [f32], law: impl Fn(u8) -> i16) {
    for (sample, byte) in sound.iter_mut().zip(payload) {
        *sample = from_i16(law(*byte));
    }
}

/// −1..=1 to 16 bits, rounded; what is louder is clipped, NaN is silence.
#[must_use]
pub fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

/// 16 bits to −1..1.
#[must_use]
pub fn from_i16(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A law as G.711 defines it: decision values and the quantised value between each pair, for
    /// one sign, in units of one 2048th (A) or 8159th (µ) part of the range, doubled to stay
    /// whole.
    struct Law {
        decisions: Vec<i32>,
        values: Vec<i32>,
        /// 16-bit steps in a unit.
        unit: i32,
    }

    /// Tables 1a and 1b: segments of 32, 16, 16, … intervals of width 2, 4, 8, … up to 4096.
    fn a_law() -> Law {
        let mut decisions = vec![0];
        for (intervals, width) in [
            (32, 2),
            (16, 4),
            (16, 8),
            (16, 16),
            (16, 32),
            (16, 64),
            (16, 128),
        ] {
            for _ in 0..intervals {
                decisions.push(decisions.last().unwrap() + width);
            }
        }
        let values = decisions
            .windows(2)
            .map(|pair| (pair[0] + pair[1]) / 2)
            .collect();
        Law {
            decisions,
            values,
            unit: 8,
        }
    }

    /// Tables 2a and 2b: one interval of width 1, then 15 of width 2, then eights of sixteen of
    /// width 4, 8, … up to 8159; the value of the first is 0.
    fn mu_law() -> Law {
        let mut decisions = vec![0, 1];
        for _ in 0..15 {
            decisions.push(decisions.last().unwrap() + 2);
        }
        for width in [4, 8, 16, 32, 64, 128, 256] {
            for _ in 0..16 {
                decisions.push(decisions.last().unwrap() + width);
            }
        }
        let mut values = vec![0];
        values.extend(
            decisions
                .windows(2)
                .skip(1)
                .map(|pair| (pair[0] + pair[1]) / 2),
        );
        Law {
            decisions,
            values,
            unit: 4,
        }
    }

    impl Law {
        /// The interval of a magnitude, by looking along the decision values.
        fn interval(&self, magnitude: i32) -> usize {
            let above = self
                .decisions
                .iter()
                .filter(|d| **d * self.unit <= magnitude)
                .count();
            (above - 1).min(self.values.len() - 1)
        }
    }

    #[test]
    fn the_laws_end_where_the_recommendation_says() {
        assert_eq!(a_law().decisions.last(), Some(&4096));
        assert_eq!(a_law().values.len(), 128);
        assert_eq!(a_law().values.last(), Some(&4032));
        assert_eq!(mu_law().decisions.last(), Some(&8159));
        assert_eq!(mu_law().values.len(), 128);
        assert_eq!(mu_law().values.last(), Some(&8031));
    }

    #[test]
    fn every_a_law_code_decodes_to_its_value() {
        let law = a_law();
        for interval in 0..128_u8 {
            let value = law.values[usize::from(interval)] * law.unit;
            // Table 1a numbers the positive codes from 1000 0000; every second bit is inverted.
            assert_eq!(i32::from(decode_alaw((0x80 | interval) ^ 0x55)), value);
            assert_eq!(i32::from(decode_alaw(interval ^ 0x55)), -value);
        }
    }

    #[test]
    fn every_mu_law_code_decodes_to_its_value() {
        let law = mu_law();
        for interval in 0..128_u8 {
            let value = law.values[usize::from(interval)] * law.unit;
            // Table 2a: 1111 1111 is the smallest positive, 1000 0000 the largest.
            assert_eq!(i32::from(decode_ulaw(0xff - interval)), value);
            assert_eq!(i32::from(decode_ulaw(0x7f - interval)), -value);
        }
    }

    #[test]
    fn every_sample_is_encoded_into_its_interval() {
        let (a, mu) = (a_law(), mu_law());
        for sample in i16::MIN..=i16::MAX {
            let positive = sample >= 0;
            let magnitude = if positive {
                i32::from(sample)
            } else {
                -i32::from(sample) - 1
            };
            let interval = a.interval(magnitude) as u8;
            let expected = if positive { 0x80 | interval } else { interval } ^ 0x55;
            assert_eq!(encode_alaw(sample), expected, "A-law of {sample}");
            // µ-law's range ends at 8159 × 4; with 16 bits the last interval takes the rest.
            let interval = mu.interval(magnitude) as u8;
            let expected = if positive {
                0xff - interval
            } else {
                0x7f - interval
            };
            assert_eq!(encode_ulaw(sample), expected, "µ-law of {sample}");
        }
    }

    #[test]
    fn silence_has_its_known_codes() {
        assert_eq!(encode_alaw(0), 0xd5);
        assert_eq!(encode_ulaw(0), 0xff);
        assert_eq!(encode_ulaw(-1), 0x7f);
        assert_eq!(decode_ulaw(0xff), 0);
    }

    #[test]
    fn too_loud_sound_is_clipped_and_never_wraps() {
        assert_eq!(to_i16(1.5), i16::MAX);
        assert_eq!(to_i16(-3.0), i16::MIN);
        assert_eq!(to_i16(1.0), i16::MAX);
        assert_eq!(to_i16(f32::NAN), 0);
        assert_eq!(to_i16(f32::INFINITY), i16::MAX);
    }
}
