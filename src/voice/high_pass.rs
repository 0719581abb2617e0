//! Takes away what lies below every voice: steps, wind, the hum of mains and of bad contacts.

use super::{FRAME, RATE};

/// Where it has taken half the power away. The lowest men's voices begin at about 85 Hz.
const CORNER_HZ: f64 = 80.0;

/// A Butterworth high-pass of second order.
#[derive(Clone, Debug)]
pub(super) struct HighPass {
    forward: [f64; 3],
    back: [f64; 2],
    state: [f64; 2],
}

impl Default for HighPass {
    fn default() -> HighPass {
        // The bilinear transform of s²/(s² + √2 s + 1), bent to meet its corner.
        let corner = (std::f64::consts::PI * CORNER_HZ / f64::from(RATE.hz())).tan();
        let scale = 1.0 / (1.0 + std::f64::consts::SQRT_2 * corner + corner * corner);
        HighPass {
            forward: [scale, -2.0 * scale, scale],
            back: [
                2.0 * scale * (corner * corner - 1.0),
                scale * (1.0 - std::f64::consts::SQRT_2 * corner + corner * corner),
            ],
            state: [0.0; 2],
        }
    }
}

impl HighPass {
    /// Filters a frame. What is no number is taken for silence.
    pub(super) fn apply(&mut self, frame: &mut [f32; FRAME]) {
        let [b0, b1, b2] = self.forward;
        let [a1, a2] = self.back;
        let [mut one, mut two] = self.state;
        for sample in frame {
            let x = if sample.is_finite() {
                f64::from(*sample)
            } else {
                0.0
            };
            let y = b0 * x + one;
            one = b1 * x - a1 * y + two;
            two = b2 * x - a2 * y;
            *sample = y as f32;
        }
        self.state = [one, two];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{amplitude, sine};

    fn passed(hz: f64) -> f64 {
        let mut filter = HighPass::default();
        let sound: Vec<f32> = sine(RATE, hz, 0.5, 48_000)
            .chunks_exact(FRAME)
            .flat_map(|chunk| {
                let mut frame: [f32; FRAME] = chunk.try_into().unwrap();
                filter.apply(&mut frame);
                frame
            })
            .collect();
        20.0 * (amplitude(RATE, hz, &sound[24_000..]) / 0.5).log10()
    }

    #[test]
    fn hum_goes_and_a_deep_voice_stays() {
        let table = [(20.0, -24.1), (50.0, -8.8), (80.0, -3.0), (200.0, -0.11)];
        for (hz, wanted) in table {
            let got = passed(hz);
            assert!((got - wanted).abs() < 0.1, "{hz} Hz: {got:.2} dB");
        }
        assert!(passed(3_000.0).abs() < 0.01);
    }

    #[test]
    fn nonsense_is_silence_and_does_not_stay() {
        let mut filter = HighPass::default();
        let mut frame = [f32::NAN; FRAME];
        filter.apply(&mut frame);
        assert_eq!(frame, [0.0; FRAME]);
    }
}
