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

    /// Takes up to `most` samples of a pause out of the front, of which the first `pause` are one;
    /// answers how many.
    pub(super) fn trim_pause(&mut self, rate: SampleRate, pause: usize, most: usize) -> usize {
        let fade = rate.samples_in(PAUSE_FADE).min(pause / 2);
        let cut = pause.min(self.len()).saturating_sub(fade).min(most);
        if cut == 0 {
            return 0;
        }
        let sound = &mut self.sound[self.start..];
        for index in 0..fade {
            let share = (index + 1) as f32 / (fade + 1) as f32;
            sound[index + cut] = sound[index] * (1.0 - share) + sound[index + cut] * share;
        }
        self.start += cut;
        cut
    }

    /// Makes a pause at the front, of `pause` samples, longer by up to `most`, at most doubling it;
    /// answers by how much.
    pub(super) fn pad_pause(&mut self, rate: SampleRate, pause: usize, most: usize) -> usize {
        let pause = pause.min(self.len());
        let fade = rate.samples_in(PAUSE_FADE).min(pause / 2);
        let room = self.limit - self.len();
        let more = (pause - fade).min(most).min(room);
        if more == 0 || fade == 0 {
            return 0;
        }
        self.sound.copy_within(self.start.., 0);
        let length = self.len();
        self.start = 0;
        self.sound.truncate(length);
        self.sound.resize(length + more, 0.0);
        // p rest → p[..more] (p goes on → p) rest: as a whole `more` longer.
        self.sound.copy_within(..length, more);
        for index in 0..fade {
            let share = (index + 1) as f32 / (fade + 1) as f32;
            // Where the first copy ends, it goes on for the length of the fade: the pause is at
            // least as long as both.
            let goes_on = self.sound[(2 * more + index).min(more + pause - 1)];
            let at = more + index;
            self.sound[at] = goes_on * (1.0 - share) + self.sound[at] * share;
        }
        more
    }

    /// Takes one period out of the front, where that is not heard; answers its length.
    pub(super) fn shrink(&mut self, rate: SampleRate) -> Option<usize> {
        let period = splice_period(self.as_slice(), rate)?;
        let sound = &mut self.sound[self.start..];
        for index in 0..period {
            let share = index as f32 / period as f32;
            sound[index + period] = sound[index] * (1.0 - share) + sound[index + period] * share;
        }
        self.start += period;
        Some(period)
    }

    /// Plays one period at the front twice, where that is not heard; answers its length.
    pub(super) fn grow(&mut self, rate: SampleRate) -> Option<usize> {
        let period = splice_period(self.as_slice(), rate)?;
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

/// Crossfade where a pause was changed.
const PAUSE_FADE: Duration = Duration::from_millis(5);

/// Two neighbouring periods must be so alike for one to be faded into the other.
const ALIKE: f32 = 0.85;

/// The length of a period at the start of `sound` that resembles the next one.
fn splice_period(sound: &[f32], rate: SampleRate) -> Option<usize> {
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
                let length = change(&mut queue, rate).unwrap();
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
                    if change(&mut queue, rate).is_some() {
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

    fn noise(samples: usize, peak: f32) -> Vec<f32> {
        let mut state = 1_u32;
        (0..samples)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * peak
            })
            .collect()
    }

    #[test]
    fn noise_has_no_period_to_be_spliced_at() {
        let mut queue = queue_of(&noise(640, 0.5));
        assert_eq!(queue.shrink(SampleRate::WIDE), None);
        assert_eq!(queue.grow(SampleRate::WIDE), None);
        assert_eq!(queue.as_slice(), noise(640, 0.5));
    }

    #[test]
    fn a_pause_loses_as_much_as_is_asked_and_what_follows_stays() {
        let rate = SampleRate::WIDE;
        let mut sound = noise(480, 0.001);
        sound.extend(sine(rate, 300.0, 0.5, 160));
        let mut queue = queue_of(&sound);
        assert_eq!(queue.trim_pause(rate, 480, 300), 300);
        assert_eq!(queue.len(), 340);
        assert_eq!(queue.as_slice()[80..], sound[380..]);
        assert!(queue.as_slice()[..180].iter().all(|s| s.abs() <= 0.001));
        // No more than there is, less the crossfade.
        let mut queue = queue_of(&sound);
        assert_eq!(queue.trim_pause(rate, 480, 9_999), 400);
        assert_eq!(queue_of(&sound).trim_pause(rate, 0, 100), 0);
    }

    #[test]
    fn a_pause_becomes_longer_without_a_gap_and_what_follows_stays() {
        let rate = SampleRate::WIDE;
        let mut sound = noise(480, 0.001);
        sound.extend(sine(rate, 300.0, 0.5, 160));
        for (asked, given) in [(100, 100), (300, 300), (9_999, 400)] {
            let mut queue = queue_of(&sound);
            assert_eq!(queue.pad_pause(rate, 480, asked), given);
            assert_eq!(queue.len(), 640 + given);
            assert_eq!(queue.as_slice()[480 + given..], sound[480..]);
            let pause = &queue.as_slice()[..480 + given];
            assert!(pause.iter().all(|s| s.abs() <= 0.001));
            // Noise all through: no piece of 5 ms is silent.
            for piece in pause.chunks_exact(80) {
                let power: f32 = piece.iter().map(|s| s * s).sum::<f32>() / 80.0;
                assert!(power > 1e-7, "{power}");
            }
        }
        let mut full = Queue::new(640);
        full.push(&sound);
        assert_eq!(full.pad_pause(rate, 480, 100), 0);
    }

    #[test]
    fn too_little_sound_is_left_alone() {
        let mut queue = queue_of(&[0.1; 30]);
        assert_eq!(queue.shrink(SampleRate::NARROW), None);
        assert_eq!(queue.grow(SampleRate::NARROW), None);
        assert_eq!(queue.pad_pause(SampleRate::NARROW, 1, 9), 0);
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
