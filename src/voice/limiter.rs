//! Nothing leaves louder than it may.

use super::FRAME;

/// The loudest sample: 1 dB below full scale, for what a resampler adds.
const CEILING: f32 = 0.89;

/// Samples that share a peak: half a millisecond.
const PART: usize = 24;

/// How much of what was taken away is still taken half a millisecond later: gone in about 60 ms.
const HOLDS: f32 = 0.975;

/// A gain that falls within half a millisecond before a peak within the frame, and comes back
/// slowly.
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    gain: f32,
}

impl Limiter {
    pub(super) fn new() -> Limiter {
        Limiter { gain: 1.0 }
    }

    pub(super) fn apply(&mut self, frame: &mut [f32; FRAME]) {
        let mut allowed = [1.0_f32; FRAME / PART + 1];
        for (allowed, part) in allowed.iter_mut().zip(frame.chunks_exact(PART)) {
            let peak = part.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
            *allowed = (CEILING / peak.max(1e-9)).min(1.0);
        }
        if self.gain == 1.0 && allowed.iter().all(|allowed| *allowed == 1.0) {
            return;
        }
        for (n, part) in frame.chunks_exact_mut(PART).enumerate() {
            let back = 1.0 - (1.0 - self.gain) * HOLDS;
            let back = if back > 0.9999 { 1.0 } else { back };
            let next = back.min(allowed[n]).min(allowed[n + 1]);
            let step = (next - self.gain) / PART as f32;
            for (k, sample) in part.iter_mut().enumerate() {
                let gain = self.gain + step * (k + 1) as f32;
                // Only a peak at a frame's very beginning is still too loud here.
                *sample = (*sample * gain).clamp(-CEILING, CEILING);
            }
            self.gain = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::sine;
    use crate::voice::RATE;

    fn limited(sound: &[f32]) -> Vec<f32> {
        let mut limiter = Limiter::new();
        sound
            .chunks_exact(FRAME)
            .flat_map(|chunk| {
                let mut frame: [f32; FRAME] = chunk.try_into().unwrap();
                limiter.apply(&mut frame);
                frame
            })
            .collect()
    }

    #[test]
    fn no_sample_is_louder_than_the_ceiling() {
        for peak in [0.95, 2.0, 8.0] {
            let sound = limited(&sine(RATE, 997.0, peak, 9_600));
            assert!(sound.iter().all(|s| s.abs() <= CEILING), "{peak}");
            // It is a sine still, and not one that is cut: a cut one of 8 keeps 1.27 of its height.
            let height = crate::dsp::testing::amplitude(RATE, 997.0, &sound[4_800..]);
            assert!(height < 0.9, "{peak}: {height}");
            assert!(height > 0.8, "{peak}: {height}");
        }
    }

    #[test]
    fn what_is_quiet_enough_passes_to_the_bit_and_so_it_is_again_after_a_peak() {
        let quiet = sine(RATE, 300.0, 0.5, 48_000);
        assert_eq!(limited(&quiet), quiet);
        let mut sound = quiet.clone();
        sound[2_000] = 1.5;
        let out = limited(&sound);
        assert!(out[2_000] <= CEILING);
        assert_ne!(out[2_100], sound[2_100]);
        assert_eq!(out[40_000..], sound[40_000..]);
    }
}
