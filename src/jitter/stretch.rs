//! Making sound a little shorter or longer without changing its pitch: one period is faded into
//! the next, or played twice (WSOLA with a single splice).

use std::time::Duration;

use crate::units::SampleRate;

/// Sound decoded and not yet heard. Allocates only when made.
#[derive(Debug)]
pub(super) struct Queue {
    sound: Vec<f32>,
    start: usize,
    limit: usize,
}

impl Queue {
    /// Holds at most `limit` samples.
    pub(super) fn new(limit: usize) -> Queue {
        Queue {
            sound: Vec::with_capacity(limit),
            start: 0,
            limit,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sound.len() - self.start
    }

    pub(super) fn clear(&mut self) {
        self.sound.clear();
        self.start = 0;
    }

    /// Adds at the end; what is beyond the limit is left out.
    pub(super) fn push(&mut self, sound: &[f32]) {
        if self.sound.len() + sound.len() > self.limit {
            self.sound.copy_within(self.start.., 0);
            self.sound.truncate(self.len());
            self.start = 0;
        }
        let room = self.limit - self.sound.len();
        self.sound
            .extend_from_slice(&sound[..sound.len().min(room)]);
    }

    /// Takes from the front; answers how many samples there were.
    pub(super) fn pop(&mut self, out: &mut [f32]) -> usize {
        let taken = out.len().min(self.len());
        out[..taken].copy_from_slice(&self.sound[self.start..self.start + taken]);
        self.start += taken;
        taken
    }

    /// What is there, in order.
    pub(super) fn as_slice(&self) -> &[f32] {
        &self.sound[self.start..]
    }

    /// Takes one period out of the front, where that is not heard; answers its length.
    pub(super) fn shrink(&mut self, rate: SampleRate, quiet: bool) -> Option<usize> {
        let period = splice_period(self.as_slice(), rate, quiet)?;
        let sound = &mut self.sound[self.start..];
        for index in 0..period {
            let share = index as f32 / period as f32;
            sound[index + period] = sound[index] * (1.0 - share) + sound[index + period] * share;
        }
        self.start += period;
        Some(period)
    }

    /// Plays one period at the front twice, where that is not heard; answers its length.
    pub(super) fn grow(&mut self, rate: SampleRate, quiet: bool) -> Option<usize> {
        let period = splice_period(self.as_slice(), rate, quiet)?;
        let length = self.len();
        if length + period > self.limit {
            return None;
        }
        self.sound.copy_within(self.start.., 0);
        self.start = 0;
        self.sound.resize(length + period, 0.0);
        // p q rest → p (q→p) q rest: the middle begins as q would and ends as p does.
        self.sound.copy_within(period..length, 2 * period);
        for index in 0..period {
            let share = index as f32 / period as f32;
            let (first, second) = (self.sound[index], self.sound[2 * period + index]);
            self.sound[period + index] = second * (1.0 - share) + first * share;
        }
        Some(period)
    }
}

const SHORTEST: Duration = Duration::from_micros(2_500);
const LONGEST: Duration = Duration::from_micros(15_000);

/// What goes in or out of silence at once.
const QUIET_PIECE: Duration = Duration::from_millis(10);

/// Two neighbouring periods must be so alike for one to be faded into the other.
const ALIKE: f32 = 0.85;

/// The length of a period at the start of `sound` that resembles the next one; in silence, any.
fn splice_period(sound: &[f32], rate: SampleRate, quiet: bool) -> Option<usize> {
    if quiet {
        let piece = rate.samples_in(QUIET_PIECE).min(sound.len() / 2);
        return (piece >= rate.samples_in(SHORTEST)).then_some(piece);
    }
    let longest = rate.samples_in(LONGEST).min(sound.len() / 2);
    let shortest = rate.samples_in(SHORTEST);
    // First roughly, at about 8 kHz, then to the sample around the best.
    let step = (rate.hz() as usize / 8_000).max(1);
    let best_of = |lags: &mut dyn Iterator<Item = usize>, step: usize| {
        lags.map(|lag| (lag, likeness(sound, lag, shortest.max(lag), step)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (rough, _) = best_of(&mut (shortest..=longest).step_by(step), step)?;
    let around = rough.saturating_sub(step).max(shortest)..=(rough + step).min(longest);
    let (lag, alike) = best_of(&mut around.into_iter(), 1)?;
    (alike >= ALIKE).then_some(lag)
}

/// Correlation of the first `window` samples with those `lag` later, −1..=1.
fn likeness(sound: &[f32], lag: usize, window: usize, step: usize) -> f32 {
    let window = window.min(sound.len() - lag);
    let (mut product, mut first, mut second) = (0.0, 1e-9, 1e-9);
    for (a, b) in sound[..window].iter().zip(&sound[lag..]).step_by(step) {
        product += a * b;
        first += a * a;
        second += b * b;
    }
    product / f32::sqrt(first * second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{sine, speech};

    fn steepest(sound: &[f32]) -> f32 {
        sound
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max)
    }

    fn queue_of(sound: &[f32]) -> Queue {
        let mut queue = Queue::new(sound.len() + 2_000);
        queue.push(sound);
        queue
    }

    #[test]
    fn a_tone_loses_or_gains_whole_periods_and_stays_a_tone() {
        for rate in [SampleRate::NARROW, SampleRate::WIDE, SampleRate::FULL] {
            let sound = sine(rate, 200.0, 0.5, rate.samples_in(Duration::from_millis(40)));
            let period = rate.hz() as usize / 200;
            for change in [Queue::shrink, Queue::grow] {
                let mut queue = queue_of(&sound);
                let length = change(&mut queue, rate, false).unwrap();
                assert_eq!(length % period, 0, "{rate}: {length}");
                let heard = queue.as_slice();
                assert_eq!(heard.len().abs_diff(sound.len()), length);
                for (index, sample) in heard.iter().enumerate() {
                    let meant = sound[index % period];
                    assert!(
                        (sample - meant).abs() < 1e-3,
                        "{rate}, {index}: {sample} {meant}"
                    );
                }
            }
        }
    }

    #[test]
    fn speech_is_spliced_without_a_click_where_it_is_spliced_at_all() {
        for rate in [SampleRate::NARROW, SampleRate::FULL] {
            let sound = speech(rate);
            let piece = rate.samples_in(Duration::from_millis(40));
            let mut spliced = 0;
            for original in sound.chunks_exact(piece) {
                for change in [Queue::shrink, Queue::grow] {
                    let mut queue = queue_of(original);
                    if change(&mut queue, rate, false).is_some() {
                        spliced += 1;
                        let limit = 1.2 * steepest(original) + 1e-3;
                        assert!(steepest(queue.as_slice()) <= limit);
                        assert_eq!(queue.as_slice()[0], original[0]);
                        assert_eq!(queue.as_slice().last(), original.last());
                    }
                }
            }
            assert!(spliced > 150, "{rate}: only {spliced}");
        }
    }

    #[test]
    fn noise_is_left_alone_unless_it_is_silence() {
        let mut state = 1_u32;
        let noise: Vec<f32> = (0..640)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32 - 0.5
            })
            .collect();
        let mut queue = queue_of(&noise);
        assert_eq!(queue.shrink(SampleRate::WIDE, false), None);
        assert_eq!(queue.as_slice(), noise);
        assert_eq!(queue.shrink(SampleRate::WIDE, true), Some(160));
        assert_eq!(queue.grow(SampleRate::WIDE, true), Some(160));
    }

    #[test]
    fn too_little_sound_is_left_alone() {
        let mut queue = queue_of(&[0.1; 30]);
        assert_eq!(queue.shrink(SampleRate::NARROW, true), None);
        assert_eq!(queue.grow(SampleRate::NARROW, false), None);
        assert_eq!(queue.len(), 30);
    }

    #[test]
    fn a_full_queue_takes_no_more() {
        let mut queue = Queue::new(10);
        queue.push(&[1.0; 8]);
        assert_eq!(queue.pop(&mut [0.0; 3]), 3);
        queue.push(&[2.0; 9]);
        assert_eq!(
            queue.as_slice(),
            [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]
        );
    }
}
