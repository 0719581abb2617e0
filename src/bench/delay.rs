//! How late sound is heard, found by comparing it with what was said.

use std::time::Duration;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use crate::units::SampleRate;

/// Sound compared at once, and how far the next piece is from it.
const PIECE: Duration = Duration::from_millis(240);
const HOP: Duration = Duration::from_millis(60);

/// The longest delay looked for.
const LONGEST: Duration = Duration::from_millis(1_200);

/// A piece must resemble what was said so much to say when it was said.
const SURE: f32 = 0.6;

/// Pieces more than 30 dB below the loudest are pauses.
const PAUSE: f32 = 1e-3;

/// How late each piece was heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delays {
    /// When the piece was said, and how much later it was heard.
    pub pieces: Vec<(Duration, Duration)>,
}

impl Delays {
    /// Finds the delays of `heard` behind `said`, both at `rate` and from the same moment on.
    #[must_use]
    pub fn find(said: &[f32], heard: &[f32], rate: SampleRate) -> Delays {
        let (piece, hop) = (rate.samples_in(PIECE), rate.samples_in(HOP));
        let longest = rate.samples_in(LONGEST);
        let size = (piece + longest).next_power_of_two();
        let mut planner = RealFftPlanner::<f32>::new();
        let (forward, back) = (
            planner.plan_fft_forward(size),
            planner.plan_fft_inverse(size),
        );
        let spectrum = |sound: &[f32]| {
            let mut padded = vec![0.0; size];
            padded[..sound.len()].copy_from_slice(sound);
            let mut out = forward.make_output_vec();
            // Lengths agree by construction.
            let _ = forward.process(&mut padded, &mut out);
            out
        };
        let power = |sound: &[f32]| sound.iter().map(|s| s * s).sum::<f32>();
        let loudest = said.chunks(piece).map(power).fold(0.0, f32::max);
        let mut pieces = Vec::new();
        let mut at = 0;
        while at + piece <= said.len() && at < heard.len() {
            let (from, said) = (at, &said[at..at + piece]);
            at += hop;
            let own = power(said);
            if own <= loudest * PAUSE {
                continue;
            }
            let there = &heard[from..heard.len().min(from + piece + longest)];
            let (a, b) = (spectrum(said), spectrum(there));
            let mut cross: Vec<Complex<f32>> =
                a.iter().zip(&b).map(|(a, b)| a.conj() * b).collect();
            // The ends of a real spectrum are real.
            if let Some(last) = cross.last_mut() {
                last.im = 0.0;
            }
            cross[0].im = 0.0;
            let mut lags = back.make_output_vec();
            if back.process(&mut cross, &mut lags).is_err() {
                continue;
            }
            let mut energy = vec![0.0; there.len() + 1];
            for (index, sample) in there.iter().enumerate() {
                energy[index + 1] = energy[index] + f64::from(sample * sample);
            }
            let best = (0..longest)
                .filter(|lag| lag + piece <= there.len())
                .map(|lag| {
                    let here = (energy[lag + piece] - energy[lag]).max(1e-9) as f32;
                    (lag, lags[lag] / size as f32 / (own * here).sqrt())
                })
                .max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((lag, likeness)) = best
                && likeness >= SURE
            {
                let when = rate.duration_of(from as u64);
                pieces.push((when, rate.duration_of(lag as u64)));
            }
        }
        Delays { pieces }
    }

    /// Mean of all pieces; zero where there is none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let sum: Duration = self.pieces.iter().map(|(_, delay)| *delay).sum();
        sum / u32::try_from(self.pieces.len().max(1)).unwrap_or(u32::MAX)
    }

    /// What `share` of the pieces do not exceed.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let mut delays: Vec<Duration> = self.pieces.iter().map(|(_, delay)| *delay).collect();
        delays.sort_unstable();
        let at = (share.clamp(0.0, 1.0) * delays.len() as f64) as usize;
        delays
            .get(at.min(delays.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::speech;

    const RATE: SampleRate = SampleRate::NARROW;

    fn behind(sound: &[f32], millis: usize) -> Vec<f32> {
        let mut late = vec![0.0; millis * 8];
        late.extend_from_slice(sound);
        late
    }

    #[test]
    fn a_shift_is_found_to_the_sample() {
        let said = speech(RATE);
        for millis in [0, 35, 530] {
            let found = Delays::find(&said, &behind(&said, millis), RATE);
            assert!(found.pieces.len() > 80, "{}", found.pieces.len());
            for (when, delay) in &found.pieces {
                assert_eq!(delay.as_millis(), millis as u128, "{when:?}");
            }
        }
    }

    #[test]
    fn a_step_is_seen_where_it_happens() {
        let said = speech(RATE);
        let mut heard = behind(&said, 40);
        heard.splice(40_000..40_000, vec![0.0; 800]);
        let found = Delays::find(&said, &heard, RATE);
        let (before, after): (Vec<_>, Vec<_>) = found
            .pieces
            .iter()
            .partition(|(when, _)| *when < Duration::from_millis(4_960));
        let of = |pieces: &[&(Duration, Duration)]| {
            let millis: Vec<u128> = pieces.iter().map(|(_, d)| d.as_millis()).collect();
            (millis[millis.len() / 4], millis[millis.len() / 2])
        };
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        assert_eq!((of(&before), of(&after)), ((40, 40), (140, 140)));
        assert_eq!(found.quantile(0.1).as_millis(), 40);
        assert_eq!(found.quantile(0.95).as_millis(), 140);
        assert!((60..120).contains(&found.mean().as_millis()));
    }

    #[test]
    fn another_sound_has_no_delay() {
        let said = speech(RATE);
        let other: Vec<f32> = said.iter().rev().copied().collect();
        let found = Delays::find(&said, &other, RATE);
        assert!(found.pieces.len() < 10, "{found:?}");
        assert_eq!(Delays::default().mean(), Duration::ZERO);
    }
}
