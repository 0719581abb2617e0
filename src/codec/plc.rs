//! Bridging lost sound by repeating the last pitch periods, in the manner of G.711 appendix I.
//!
//! The first 10 ms repeat one period, the next two, then three, so that longer gaps do not hum;
//! from 10 ms on the sound fades and is silent at 60 ms. Unlike the appendix nothing is delayed:
//! where it would overlap with the sound before the gap, the step between the two is spread over
//! a quarter of a period instead.

use std::time::Duration;

use crate::units::SampleRate;

/// Highest and lowest voice it follows: 400 Hz and 66 Hz.
const SHORTEST_PERIOD: Duration = Duration::from_micros(2_500);
const LONGEST_PERIOD: Duration = Duration::from_micros(15_000);

/// What two candidate periods are compared over.
const WINDOW: Duration = Duration::from_millis(12);

/// From here to [`SILENT_AFTER`] a concealed gap fades (G.711 appendix I, section I.2.6).
const FULL_UNTIL: Duration = Duration::from_millis(10);
const SILENT_AFTER: Duration = Duration::from_millis(60);

/// The longest crossfade back to real sound.
const LONGEST_MERGE: Duration = Duration::from_millis(10);

/// Three periods and the quarter before them.
const HISTORY: Duration = Duration::from_micros(3 * 15_000 + 3_750);

/// Listens to what is played, and continues it when asked. Allocates only when made.
#[derive(Debug)]
pub struct Concealer {
    rate: SampleRate,
    /// The real sound played last, oldest first; always full. Stands still during a gap.
    history: Vec<f32>,
    /// The same with what was made up; differs from the history only during a gap.
    played: Vec<f32>,
    /// What is repeated: `periods * period` samples, the end made to flow into the start.
    cycle: Vec<f32>,
    /// The cycle before, while one flows into the other.
    previous: Vec<f32>,
    gap: Option<Gap>,
}

/// A gap being bridged.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// Pitch period in samples.
    period: usize,
    /// Periods in the cycle: 1, 2, 3.
    periods: usize,
    /// Samples made up so far.
    made: usize,
    /// Where in the cycle the next sample is.
    position: usize,
    /// Where in the previous cycle, and how many samples it still has a share in.
    leaving: (usize, usize),
    /// The step between the last real sample and what the repetition would have had there.
    step: f32,
}

impl Concealer {
    /// A concealer with silence behind it.
    #[must_use]
    pub fn new(rate: SampleRate) -> Concealer {
        let longest = rate.samples_in(LONGEST_PERIOD);
        Concealer {
            rate,
            history: vec![0.0; rate.samples_in(HISTORY) + 1],
            played: vec![0.0; rate.samples_in(HISTORY) + 1],
            cycle: Vec::with_capacity(3 * longest),
            previous: Vec::with_capacity(3 * longest),
            gap: None,
        }
    }

    /// Takes note of decoded sound; behind a gap, fades it in over what the gap was filled with.
    pub fn accept(&mut self, sound: &mut [f32]) {
        if let Some(mut gap) = self.gap.take() {
            let longest = self.rate.samples_in(LONGEST_MERGE);
            // The longer the guess, the further it may be off: 4 ms more for each 10 ms.
            let merge = (gap.period / 4 + gap.made * 4 / 10)
                .min(longest)
                .min(sound.len());
            for (index, sample) in sound.iter_mut().take(merge).enumerate() {
                let share = (index + 1) as f32 / (merge + 1) as f32;
                *sample = *sample * share + self.next(&mut gap) * (1.0 - share);
            }
            self.history.copy_from_slice(&self.played);
        }
        shift_in(&mut self.history, sound);
    }

    /// Takes note of sound that somebody else has led back to.
    pub fn follow(&mut self, sound: &[f32]) {
        if self.gap.take().is_some() {
            self.history.copy_from_slice(&self.played);
        }
        shift_in(&mut self.history, sound);
    }

    /// Fills `sound` with the continuation of what was played.
    pub fn conceal(&mut self, sound: &mut [f32]) {
        let mut gap = match self.gap {
            Some(gap) => gap,
            None => self.begin(),
        };
        for sample in sound.iter_mut() {
            *sample = self.next(&mut gap);
        }
        self.gap = Some(gap);
        shift_in(&mut self.played, sound);
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.history.fill(0.0);
        self.gap = None;
    }

    fn begin(&mut self) -> Gap {
        let period = self.period();
        let end = self.history.len();
        let step = self.history[end - 1] - self.history[end - 1 - period];
        self.played.copy_from_slice(&self.history);
        self.fill_cycle(period, 1);
        Gap {
            period,
            periods: 1,
            made: 0,
            position: 0,
            leaving: (0, 0),
            step,
        }
    }

    /// The lag at which the last 20 ms are most like what came before.
    fn period(&self) -> usize {
        let window = self.rate.samples_in(WINDOW);
        let end = self.history.len();
        let recent = &self.history[end - window..];
        let mut best = (self.rate.samples_in(LONGEST_PERIOD), 0.0);
        for lag in self.rate.samples_in(SHORTEST_PERIOD)..=self.rate.samples_in(LONGEST_PERIOD) {
            let lagged = &self.history[end - window - lag..end - lag];
            let (mut product, mut energy) = (0.0, 1e-6);
            for (a, b) in recent.iter().zip(lagged) {
                product += a * b;
                energy += b * b;
            }
            let likeness = product / f32::sqrt(energy);
            // A multiple of the period is as alike: it must be better, not just as good.
            if likeness > best.1 * 1.02 {
                best = (lag, likeness);
            }
        }
        best.0
    }

    /// Makes the last `periods` periods of real sound the cycle, its last quarter period fading
    /// into what came before its start.
    fn fill_cycle(&mut self, period: usize, periods: usize) {
        let end = self.history.len();
        let start = end - period * periods;
        self.cycle.clear();
        self.cycle.extend_from_slice(&self.history[start..]);
        let quarter = period / 4;
        for index in 0..quarter {
            let share = (index + 1) as f32 / (quarter + 1) as f32;
            let at = self.cycle.len() - quarter + index;
            let before_start = self.history[start - quarter + index];
            self.cycle[at] = self.cycle[at] * (1.0 - share) + before_start * share;
        }
    }

    fn next(&mut self, gap: &mut Gap) -> f32 {
        let ten = self.rate.samples_in(Duration::from_millis(10));
        let periods = (gap.made / ten + 1).min(3);
        if periods > gap.periods {
            self.lengthen(gap, periods);
        }
        let mut sample = self.cycle[gap.position];
        gap.position = (gap.position + 1) % self.cycle.len();
        let quarter = gap.period / 4;
        if gap.leaving.1 > 0 {
            let share = gap.leaving.1 as f32 / (quarter + 1) as f32;
            let leaving = self.previous[gap.leaving.0];
            sample = sample * (1.0 - share) + leaving * share;
            gap.leaving = ((gap.leaving.0 + 1) % self.previous.len(), gap.leaving.1 - 1);
        }
        if gap.made < quarter {
            sample += gap.step * (1.0 - (gap.made + 1) as f32 / (quarter + 1) as f32);
        }
        let full = self.rate.samples_in(FULL_UNTIL);
        let silent = self.rate.samples_in(SILENT_AFTER);
        let faded = gap.made.saturating_sub(full) as f32 / (silent - full) as f32;
        gap.made += 1;
        (sample * (1.0 - faded).max(0.0)).clamp(-1.0, 1.0)
    }

    /// Goes on with a longer cycle, at the same place in the period.
    fn lengthen(&mut self, gap: &mut Gap, periods: usize) {
        gap.leaving = (gap.position, gap.period / 4);
        gap.position %= gap.period;
        gap.periods = periods;
        std::mem::swap(&mut self.cycle, &mut self.previous);
        self.fill_cycle(gap.period, periods);
    }
}

/// Drops the oldest of `line` for `sound` at its end; the length stays.
fn shift_in(line: &mut [f32], sound: &[f32]) {
    let kept = line.len();
    if let Some(tail) = sound
        .len()
        .checked_sub(kept)
        .and_then(|skip| sound.get(skip..))
    {
        line.copy_from_slice(tail);
    } else {
        line.copy_within(sound.len().., 0);
        line[kept - sound.len()..].copy_from_slice(sound);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{sine, snr_db, speech};
    use super::*;

    const RATES: [SampleRate; 2] = [SampleRate::NARROW, SampleRate::WIDE];

    /// Every tenth 20 ms frame goes missing, each frame in one of ten runs; answers what was meant
    /// there, gap by gap, and what is heard instead.
    fn bridge(
        rate: SampleRate,
        sound: &[f32],
        mut fill: impl FnMut(&mut Concealer, &[f32], &mut [f32]),
    ) -> (Vec<f32>, Vec<f32>) {
        let frame = rate.samples_in(Duration::from_millis(20));
        let (mut meant, mut heard) = (Vec::new(), Vec::new());
        for phase in 0..10 {
            let mut concealer = Concealer::new(rate);
            let mut last = vec![0.0; frame];
            for (index, original) in sound.chunks_exact(frame).enumerate() {
                let mut made = original.to_vec();
                if index % 10 == phase {
                    fill(&mut concealer, &last, &mut made);
                    meant.extend_from_slice(original);
                    heard.extend_from_slice(&made);
                } else {
                    concealer.accept(&mut made);
                }
                last = original.to_vec();
            }
        }
        (meant, heard)
    }

    /// How far, in dB on average, the level of what is heard is from what was meant, over the
    /// gaps in audible sound.
    fn level_error_db((meant, heard): &(Vec<f32>, Vec<f32>), gap: usize) -> f64 {
        let level = |sound: &[f32]| {
            let energy: f32 = sound.iter().map(|sample| sample * sample).sum();
            10.0 * f64::from(energy / sound.len() as f32 + 1e-9).log10()
        };
        let errors: Vec<f64> = meant
            .chunks(gap)
            .zip(heard.chunks(gap))
            .filter(|(meant, _)| level(meant) > -40.0)
            .map(|(meant, heard)| (level(meant) - level(heard)).abs())
            .collect();
        errors.iter().sum::<f64>() / errors.len() as f64
    }

    fn silent(concealer: &mut Concealer, _last: &[f32], made: &mut [f32]) {
        concealer.conceal(made);
        made.fill(0.0);
    }

    fn repeated(concealer: &mut Concealer, last: &[f32], made: &mut [f32]) {
        concealer.conceal(made);
        made.copy_from_slice(last);
    }

    fn concealed(concealer: &mut Concealer, _last: &[f32], made: &mut [f32]) {
        concealer.conceal(made);
    }

    #[test]
    fn lost_speech_is_guessed_better_than_by_silence_or_by_repeating() {
        for rate in RATES {
            let sound = speech(rate);
            // Over the first 10 ms, before fading and several periods blur the comparison. The
            // guess of noise is noise: in fricatives nothing beats silence in SNR.
            let ten = rate.samples_in(Duration::from_millis(10));
            let snr = |(meant, heard): &(Vec<f32>, Vec<f32>)| {
                let first = |sound: &[f32]| -> Vec<f32> {
                    sound
                        .chunks(2 * ten)
                        .flat_map(|gap| &gap[..ten])
                        .copied()
                        .collect()
                };
                snr_db(&first(meant), &first(heard))
            };
            let ours = bridge(rate, &sound, concealed);
            let silence = snr(&bridge(rate, &sound, silent));
            let repeat = bridge(rate, &sound, repeated);
            let level = level_error_db(&ours, 2 * ten);
            println!(
                "{rate}: {:.2} dB, silence {silence:.2}, repeated {:.2}; level off by {level:.2} dB, \
                 repeated {:.2} dB; whole {:.2}",
                snr(&ours),
                snr(&repeat),
                level_error_db(&repeat, 2 * ten),
                snr_db(&ours.0, &ours.1)
            );
            assert!(
                snr(&ours) > silence + 2.0,
                "{rate}: {:.2} against {silence:.2}",
                snr(&ours)
            );
            assert!(snr(&ours) > snr(&repeat) + 5.0, "{rate}: {:.2}", snr(&ours));
            assert!(level < 4.0, "{rate}: level off by {level:.2} dB");
        }
    }

    #[test]
    fn a_vowel_is_carried_over_a_gap_almost_unheard() {
        for rate in RATES {
            // Five harmonics of 140 Hz: periodic, as a vowel is over 20 ms.
            let mut sound = vec![0.0; rate.samples_in(Duration::from_secs(1))];
            for harmonic in 1..=5 {
                let part = sine(rate, 140.0 * f64::from(harmonic), 0.1, sound.len());
                sound
                    .iter_mut()
                    .zip(part)
                    .for_each(|(sum, sample)| *sum += sample);
            }
            let (meant, mut heard) = bridge(rate, &sound, concealed);
            // Undo the fade of the second 10 ms, which is deliberate.
            let ten = rate.samples_in(Duration::from_millis(10));
            for (index, sample) in heard.iter_mut().enumerate() {
                *sample /= 1.0 - (index % (2 * ten)).saturating_sub(ten) as f32 / (5 * ten) as f32;
            }
            let snr = snr_db(&meant, &heard);
            assert!(snr > 12.0, "{rate}: {snr:.1} dB");
        }
    }

    #[test]
    fn neither_end_of_a_gap_clicks() {
        for rate in RATES {
            let sound = speech(rate);
            let frame = rate.samples_in(Duration::from_millis(20));
            let steepest = |sound: &[f32]| {
                sound
                    .windows(2)
                    .map(|p| (p[1] - p[0]).abs())
                    .fold(0.0, f32::max)
            };
            let mut concealer = Concealer::new(rate);
            let mut heard = sound.clone();
            for (index, piece) in heard.chunks_exact_mut(frame).enumerate() {
                if index % 5 == 4 {
                    concealer.conceal(piece);
                } else {
                    concealer.accept(piece);
                }
            }
            for (index, gap) in sound
                .chunks_exact(frame)
                .enumerate()
                .filter(|(i, _)| i % 5 == 4)
            {
                let around = index * frame - frame..(index * frame + 2 * frame).min(sound.len());
                let natural = steepest(&sound[around.clone()]);
                let there = steepest(&heard[around]);
                let _ = gap;
                assert!(
                    there <= 1.3 * natural + 0.02,
                    "{rate}, frame {index}: a step of {there} where speech has {natural}"
                );
            }
        }
    }

    #[test]
    fn a_long_gap_fades_and_is_silent_after_60_ms() {
        for rate in RATES {
            let mut sound = sine(
                rate,
                200.0,
                0.5,
                rate.samples_in(Duration::from_millis(200)),
            );
            let mut concealer = Concealer::new(rate);
            concealer.accept(&mut sound);
            let ten = rate.samples_in(Duration::from_millis(10));
            let mut gap = vec![0.0; 10 * ten];
            for piece in gap.chunks_mut(ten) {
                concealer.conceal(piece);
            }
            let peaks: Vec<f32> = gap
                .chunks(ten)
                .map(|piece| piece.iter().fold(0.0_f32, |peak, s| peak.max(s.abs())))
                .collect();
            assert!((0.48..0.52).contains(&peaks[0]), "{peaks:?}");
            for pair in peaks[..6].windows(2).skip(1) {
                assert!(pair[1] < pair[0] - 0.05, "{peaks:?}");
            }
            assert!(peaks[6..].iter().all(|peak| *peak == 0.0), "{peaks:?}");
        }
    }

    #[test]
    fn the_pieces_a_gap_is_asked_for_in_make_no_difference() {
        for rate in RATES {
            let sound = speech(rate);
            let start = sound.len() / 3;
            let made = |piece: usize| {
                let mut concealer = Concealer::new(rate);
                concealer.accept(&mut sound[..start].to_vec());
                let mut gap = vec![0.0; rate.samples_in(Duration::from_millis(50))];
                gap.chunks_mut(piece)
                    .for_each(|part| concealer.conceal(part));
                gap
            };
            assert_eq!(made(37), made(4_000));
        }
    }

    #[test]
    fn silence_is_continued_as_silence() {
        let mut concealer = Concealer::new(SampleRate::NARROW);
        let mut gap = [1.0; 400];
        concealer.conceal(&mut gap);
        assert_eq!(gap, [0.0; 400]);
    }
}
