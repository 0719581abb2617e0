//! The quiet hiss of a far room, so that a sender's pauses do not sound like a dead line
//! (RFC 3389).

use crate::units::Dbov;

/// Reflection coefficients used; RFC 3389 section 3.3 lets a receiver reduce the order.
const MAX_ORDER: usize = 16;

/// What each sample brings level and spectrum nearer to where they move: at first, behind sound,
/// they are there within 10 ms at 8 kHz; a room that changes is followed in a tenth of a second.
const AT_FIRST: f32 = 0.03;
const LATER: f32 = 0.002;

/// Samples between two steps of the spectrum.
const STEP: u32 = 16;

/// Makes noise of a level and, roughly, a spectrum. Allocates nothing.
#[derive(Debug)]
pub struct ComfortNoise {
    state: u64,
    /// RMS where the level is now, and where it moves to.
    level: f32,
    target: f32,
    /// Reflection coefficients likewise.
    reflections: [f32; MAX_ORDER],
    reflection_targets: [f32; MAX_ORDER],
    order: usize,
    /// What the prediction filter takes off the excitation's power.
    gain: f32,
    backward: [f32; MAX_ORDER + 1],
    pace: f32,
    until_step: u32,
}

impl ComfortNoise {
    /// White and silent; `seed` makes it repeatable.
    #[must_use]
    pub fn new(seed: u64) -> ComfortNoise {
        ComfortNoise {
            state: seed | 1,
            level: 0.0,
            target: 0.0,
            reflections: [0.0; MAX_ORDER],
            reflection_targets: [0.0; MAX_ORDER],
            order: 0,
            gain: 1.0,
            backward: [0.0; MAX_ORDER + 1],
            pace: AT_FIRST,
            until_step: 0,
        }
    }

    /// Sound has been heard since the last noise: what is described next is taken on at once.
    pub fn interrupt(&mut self) {
        self.pace = AT_FIRST;
    }

    /// Follows a comfort noise payload: a level, then reflection coefficients. An empty one
    /// changes nothing.
    pub fn update(&mut self, payload: &[u8]) {
        let Some((level, coefficients)) = payload.split_first() else {
            return;
        };
        self.reflection_targets = [0.0; MAX_ORDER];
        for (reflection, byte) in self.reflection_targets.iter_mut().zip(coefficients) {
            // RFC 3389 section 3.2; kept away from ±1, where the filter would ring for ever.
            *reflection = (258.0 * (f32::from(*byte) - 127.0) / 32_768.0).clamp(-0.98, 0.98);
        }
        let order = coefficients.len().min(MAX_ORDER);
        if self.pace == AT_FIRST {
            self.reflections = self.reflection_targets;
            self.order = order;
        } else {
            self.order = self.order.max(order);
        }
        self.until_step = 0;
        // Levels end at −127, which is silence. The overload point of RFC 3389 section 3.1 is that
        // of a square wave, whose RMS is its peak.
        self.target = match level & 0x7f {
            127 => 0.0,
            level => 10.0_f32.powf(-f32::from(level) / 20.0),
        };
    }

    /// Moves to a level.
    pub fn set_level(&mut self, level: Dbov) {
        self.target = if level <= Dbov::SILENCE {
            0.0
        } else {
            // 0 dBov is a full-scale sine (RMS 0.707) in this crate; noise has its RMS measured
            // the same way.
            std::f32::consts::FRAC_1_SQRT_2 * 10.0_f32.powf(level.0.min(0.0) / 20.0)
        };
    }

    /// White from here on, as loud as it was.
    pub fn whiten(&mut self) {
        (self.order, self.gain) = (0, 1.0);
        self.reflections = [0.0; MAX_ORDER];
        self.reflection_targets = [0.0; MAX_ORDER];
    }

    /// Fills `sound`.
    pub fn fill(&mut self, sound: &mut [f32]) {
        let pace = self.pace;
        for sample in sound {
            if self.until_step == 0 {
                self.step(pace);
            }
            self.until_step -= 1;
            self.level += (self.target - self.level) * pace;
            *sample = (self.shaped() * self.level).clamp(-1.0, 1.0);
        }
        self.pace = LATER;
    }

    /// Brings the spectrum nearer to the one described. Between two stable filters every step of
    /// the reflection coefficients is a stable one.
    fn step(&mut self, pace: f32) {
        self.until_step = STEP;
        let share = (pace * STEP as f32).min(1.0);
        let mut gain = 1.0;
        let coefficients = self.reflections.iter_mut().zip(&self.reflection_targets);
        for (reflection, target) in coefficients.take(self.order) {
            *reflection += (target - *reflection) * share;
            gain *= 1.0 - *reflection * *reflection;
        }
        self.gain = f32::sqrt(gain);
    }

    /// One sample of unit power through the all-pole lattice.
    fn shaped(&mut self) -> f32 {
        let mut forward = self.white() * self.gain;
        for stage in (0..self.order).rev() {
            let k = self.reflections[stage];
            forward -= k * self.backward[stage];
            self.backward[stage + 1] = self.backward[stage] + k * forward;
        }
        self.backward[0] = forward;
        forward
    }

    /// Uniform noise of unit power (xorshift64).
    fn white(&mut self) -> f32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let uniform = (self.state >> 40) as f32 / (1 << 24) as f32; // 0..1
        (uniform - 0.5) * 12.0_f32.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(payload: &[u8]) -> Vec<f32> {
        let mut noise = ComfortNoise::new(7);
        noise.update(payload);
        let mut sound = vec![0.0; 40_000];
        noise.fill(&mut sound);
        sound.split_off(8_000)
    }

    fn rms_db(sound: &[f32]) -> f32 {
        let power = sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32;
        10.0 * power.log10()
    }

    #[test]
    fn the_level_is_the_one_asked_for_whatever_the_spectrum() {
        for level in [30_u8, 50, 70] {
            for shape in [
                &[][..],
                &[60, 160, 120],
                &[30],
                &[220, 90, 140, 110, 127, 130],
            ] {
                let mut payload = vec![level];
                payload.extend_from_slice(shape);
                let error = rms_db(&made(&payload)) + f32::from(level);
                assert!(error.abs() < 1.0, "{payload:?}: {error} dB off");
            }
        }
    }

    #[test]
    fn a_reflection_coefficient_tilts_the_spectrum() {
        let likeness = |payload: &[u8]| {
            let sound = made(payload);
            let both: f32 = sound.windows(2).map(|pair| pair[0] * pair[1]).sum();
            both / sound.iter().map(|s| s * s).sum::<f32>()
        };
        // For one coefficient the correlation of neighbours is −k: RFC 3389's predictor.
        assert!((likeness(&[40, 27]) - 0.787).abs() < 0.05);
        assert!((likeness(&[40, 227]) + 0.787).abs() < 0.05);
        assert!(likeness(&[40]).abs() < 0.05);
    }

    #[test]
    fn a_room_that_changes_is_followed_without_a_step() {
        let mut noise = ComfortNoise::new(7);
        let mut sound = vec![0.0; 8_000];
        let mut fill = |noise: &mut ComfortNoise| {
            noise.fill(&mut sound);
            [&sound[..80], &sound[1_600..]].map(rms_db)
        };
        noise.update(&[40, 60]);
        let [begins, goes_on] = fill(&mut noise);
        assert!((begins - goes_on).abs() < 3.0, "{begins} {goes_on}");
        noise.update(&[60, 200]);
        let [begins, goes_on] = fill(&mut noise);
        assert!((goes_on + 60.0).abs() < 1.0, "{goes_on}");
        assert!((begins + 41.0).abs() < 3.0, "{begins}");
        noise.interrupt();
        noise.update(&[40, 60]);
        assert!(fill(&mut noise)[0] > -44.0);
    }

    #[test]
    fn level_127_is_silence_and_hostile_payloads_stay_finite() {
        assert!(made(&[127]).iter().all(|s| *s == 0.0));
        for payload in [
            &[0_u8, 255, 0, 255, 0, 255, 0, 255][..],
            &[255; 200],
            &[0; 60],
        ] {
            assert!(
                made(payload)
                    .iter()
                    .all(|s| s.is_finite() && s.abs() <= 1.0)
            );
        }
    }
}
