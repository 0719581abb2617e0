//! How loud it is, for a needle that a person looks at.

use crate::units::Dbov;

/// Share of the old power that is left after 10 ms of something quieter: falls by 20 dB in
/// 230 ms, as needles do. By eye.
const RELEASE: f32 = 0.82;

/// A level that rises at once and falls slowly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    /// Mean square.
    power: f32,
}

impl Meter {
    /// Takes 10 ms of sound.
    pub(super) fn observe(&mut self, sound: &[f32]) {
        let power = sound.iter().map(|s| s * s).sum::<f32>() / sound.len().max(1) as f32;
        let power = if power.is_finite() { power } else { 0.0 };
        self.power = power.max(self.power * RELEASE);
    }

    /// Takes 10 ms of nothing.
    pub(super) fn observe_silence(&mut self) {
        self.power *= RELEASE;
    }

    /// The level: 0 for a sine that fills the scale, whose mean square is a half.
    pub(super) fn level(&self) -> Dbov {
        let level = 10.0 * (self.power * 2.0).max(1e-13).log10();
        Dbov(level.clamp(Dbov::SILENCE.0, 6.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_sine_is_zero_and_half_of_it_six_less() {
        let sine = |amplitude: f32| {
            let mut meter = Meter::default();
            let sound: Vec<f32> = (0..480)
                .map(|n| amplitude * (std::f32::consts::TAU * n as f32 / 48.0).sin())
                .collect();
            meter.observe(&sound);
            meter.level().0
        };
        assert!(sine(1.0).abs() < 0.1, "{}", sine(1.0));
        assert!((sine(0.5) + 6.02).abs() < 0.1, "{}", sine(0.5));
    }

    #[test]
    fn it_rises_at_once_and_falls_slowly_to_silence() {
        let mut meter = Meter::default();
        assert_eq!(meter.level(), Dbov::SILENCE);
        meter.observe(&[0.5; 80]);
        let top = meter.level();
        meter.observe_silence();
        let fallen = top.0 - meter.level().0;
        assert!(fallen > 0.5 && fallen < 2.0, "{fallen}");
        for _ in 0..300 {
            meter.observe(&[0.0; 80]);
        }
        assert_eq!(meter.level(), Dbov::SILENCE);
    }
}
