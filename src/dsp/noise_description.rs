//! The noise of a room, described for whoever renders it again: level and spectrum as a comfort
//! noise payload has them (RFC 3389 section 3).

/// Reflection coefficients: the model order that G.711 appendix II recommends.
const ORDER: usize = 10;

/// The longest description in bytes.
pub const MAX_DESCRIPTION: usize = 1 + ORDER;

/// What the last block of 10 ms weighs in the mean: a memory of about a tenth of a second.
const WEIGHT: f64 = 0.12;

/// Of a block that is so much louder than the mean, as a power, no more is believed: it is the
/// beginning of a word or a key that was hit.
const LOUDER: f64 = 4.0;

/// Added to the power before the spectrum is modelled, so that no filter rings.
const WHITENING: f64 = 1e-3;

/// The quietest level that is not silence, in −dBov, and silence.
const QUIETEST: f64 = 126.0;
const SILENCE: u8 = 127;

/// Learns the noise of a room. Allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct NoiseDescription {
    /// Autocorrelation of a sample with itself and those after it, on average.
    correlation: [f64; ORDER + 1],
    known: bool,
}

impl NoiseDescription {
    /// Takes a block of about 10 ms in which nobody speaks.
    pub fn observe(&mut self, sound: &[f32]) {
        if sound.len() <= ORDER || !sound.iter().all(|sample| sample.is_finite()) {
            return;
        }
        let mut correlation = [0.0; ORDER + 1];
        for (lag, sum) in correlation.iter_mut().enumerate() {
            let pairs = sound.iter().zip(&sound[lag..]);
            let products: f64 = pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            // Unbiased: the block is short.
            *sum = products / (sound.len() - lag) as f64;
        }
        let weight = match self.correlation[0] {
            _ if !self.known => 1.0,
            mean if correlation[0] > LOUDER * mean && mean > 0.0 => {
                WEIGHT * LOUDER * mean / correlation[0]
            }
            _ => WEIGHT,
        };
        self.known = true;
        for (mean, sum) in self.correlation.iter_mut().zip(correlation) {
            *mean += weight * (sum - *mean);
        }
    }

    /// The level in −dBov, where 0 is a square wave of full scale (RFC 3389 section 3.1).
    #[must_use]
    pub fn level(&self) -> u8 {
        let level = -10.0 * self.correlation[0].log10();
        if level.is_nan() || level > QUIETEST {
            SILENCE
        } else {
            level.round().max(0.0) as u8
        }
    }

    /// Writes the payload and answers its length.
    pub fn write(&self, out: &mut [u8; MAX_DESCRIPTION]) -> usize {
        out[0] = self.level();
        if out[0] == SILENCE {
            return 1;
        }
        let reflections = reflections(&self.correlation);
        for (byte, reflection) in out[1..].iter_mut().zip(reflections) {
            // RFC 3389 section 3.2.
            *byte = (reflection * 32_768.0 / 258.0 + 127.0)
                .round()
                .clamp(0.0, 254.0) as u8;
        }
        MAX_DESCRIPTION
    }
}

/// Reflection coefficients by the recursion of Levinson and Durbin, in the sense of RFC 3389: the
/// first is the correlation of neighbours with its sign turned.
fn reflections(correlation: &[f64; ORDER + 1]) -> [f64; ORDER] {
    let mut reflections = [0.0; ORDER];
    let mut predictor = [0.0; ORDER + 1];
    let mut error = correlation[0] * (1.0 + WHITENING);
    for order in 1..=ORDER {
        let known: f64 = (1..order)
            .map(|i| predictor[i] * correlation[order - i])
            .sum();
        let reflection = -(correlation[order] + known) / error;
        if !reflection.is_finite() || reflection.abs() >= 1.0 {
            break;
        }
        reflections[order - 1] = reflection;
        let before = predictor;
        for i in 1..order {
            predictor[i] = before[i] + reflection * before[order - i];
        }
        predictor[order] = reflection;
        error *= 1.0 - reflection * reflection;
    }
    reflections
}

#[cfg(test)]
mod tests {
    use super::super::comfort_noise::ComfortNoise;
    use super::*;

    fn white(samples: usize, rms: f32) -> Vec<f32> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
        };
        (0..samples)
            .map(|_| rms * 12.0_f32.sqrt() * uniform())
            .collect()
    }

    fn described(sound: &[f32]) -> Vec<u8> {
        let mut noise = NoiseDescription::default();
        for block in sound.chunks(80) {
            noise.observe(block);
        }
        let mut out = [0; MAX_DESCRIPTION];
        let length = noise.write(&mut out);
        out[..length].to_vec()
    }

    /// Correlation of samples so far apart, of 1 at most.
    fn correlation(sound: &[f32], lag: usize) -> f32 {
        let products: f32 = sound.iter().zip(&sound[lag..]).map(|(a, b)| a * b).sum();
        products / sound.iter().map(|s| s * s).sum::<f32>()
    }

    #[test]
    fn the_level_is_that_of_rfc_3389_below_a_square_wave() {
        let square: Vec<f32> = (0..800)
            .map(|n| if n / 8 % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        assert_eq!(described(&square)[0], 0);
        assert_eq!(described(&white(8_000, 0.01))[0], 40);
        assert_eq!(described(&white(8_000, 0.001))[0], 60);
        assert_eq!(described(&[0.0; 800]), [127]);
        assert_eq!(described(&[1e-9; 800]), [127]);
    }

    #[test]
    fn coefficients_are_those_of_rfc_3389() {
        // Neighbours correlate by 0.8: the first coefficient is −0.8, the others nothing.
        let mut last = 0.0;
        let sound: Vec<f32> = white(80_000, 0.01)
            .into_iter()
            .map(|sample| {
                last = 0.8 * last + sample;
                last
            })
            .collect();
        let payload = described(&sound);
        let expected = 127 - (0.8 * 32_768.0 / 258.0) as u8;
        assert!(payload[1].abs_diff(expected) <= 10, "{payload:?}");
        for byte in &payload[2..] {
            assert!(byte.abs_diff(127) <= 25, "{payload:?}");
        }
    }

    #[test]
    fn what_is_rendered_is_like_what_was_described() {
        let (mut one, mut two) = (0.0, 0.0);
        let room: Vec<f32> = white(40_000, 0.003)
            .into_iter()
            .map(|sample| {
                let sound = sample + 1.2 * one - 0.6 * two;
                (one, two) = (sound, one);
                sound
            })
            .collect();
        let mut noise = ComfortNoise::new(3);
        noise.update(&described(&room));
        let mut rendered = vec![0.0; 40_000];
        noise.fill(&mut rendered);
        let rendered = &rendered[4_000..];
        for lag in 1..4 {
            let (is, was) = (correlation(rendered, lag), correlation(&room, lag));
            assert!((is - was).abs() < 0.12, "{lag}: {is} {was}");
        }
        let rms = |sound: &[f32]| {
            10.0 * (sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32).log10()
        };
        assert!((rms(rendered) - rms(&room)).abs() < 1.5);
    }

    #[test]
    fn a_key_that_is_hit_changes_little_and_nonsense_nothing() {
        let room = white(8_000, 0.001);
        let mut hit = room.clone();
        hit.extend(white(80, 0.1));
        assert!(described(&room)[0] - described(&hit)[0] <= 2);
        let mut nonsense = room.clone();
        nonsense.extend([f32::NAN; 80]);
        assert_eq!(described(&nonsense), described(&room));
    }
}
