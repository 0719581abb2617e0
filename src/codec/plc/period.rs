//! The pitch period of a voice.

use super::predict::{dot, likeness};

/// How a sound repeats itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Period {
    /// In samples, and parts of one.
    pub(super) lag: f32,
    /// Correlation of the last period with the one before: 1 for a tone, about 0 for noise.
    pub(super) likeness: f32,
}

/// Where to look for it, in samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    pub(super) shortest: usize,
    pub(super) longest: usize,
    /// What is compared.
    pub(super) window: usize,
}

/// Room for the likeness of every lag looked at.
pub(super) type Scores = Vec<f32>;

impl Search {
    /// The period at the end of `sound`, which may be short: then the longest ones are not seen.
    pub(super) fn period(&self, sound: &[f32], scores: &mut Scores) -> Period {
        let end = sound.len();
        let longest = self.longest.min(end * 7 / 8);
        scores.clear();
        let mut best = 0;
        for lag in self.shortest..=longest {
            let window = self.window.min(end - lag);
            let recent = &sound[end - window..];
            scores.push(likeness(recent, &sound[end - window - lag..end - lag]));
            if scores[scores.len() - 1] > scores[best] {
                best = scores.len() - 1;
            }
        }
        let Some(top) = scores.get(best).copied() else {
            return Period {
                lag: self.shortest as f32,
                likeness: 0.0,
            };
        };
        // Every multiple of the period is about as alike: the shortest is meant.
        for index in 1..best {
            let peak = scores[index] >= scores[index - 1] && scores[index] >= scores[index + 1];
            let times = (best + self.shortest) as f32 / (index + self.shortest) as f32;
            if peak && scores[index] > 0.9 * top.max(0.0) && (times - times.round()).abs() < 0.12 {
                best = index;
                break;
            }
        }
        Period {
            lag: (best + self.shortest) as f32 + summit(scores, best),
            likeness: scores[best],
        }
    }

    /// The same where a period of about `expected` is believed in, as on the other side of a gap.
    pub(super) fn period_near(
        &self,
        sound: &[f32],
        expected: Period,
        scores: &mut Scores,
    ) -> Period {
        let free = self.period(sound, scores);
        let near = Search {
            shortest: self.shortest.max((expected.lag * 0.85) as usize),
            longest: (expected.lag * 1.18) as usize + 1,
            window: self.window,
        };
        if expected.likeness < 0.6 || near.shortest >= near.longest.min(sound.len() * 7 / 8) {
            return free;
        }
        let guided = near.period(sound, scores);
        if guided.likeness > free.likeness - 0.1 {
            guided
        } else {
            free
        }
    }
}

/// Where between its neighbours the peak at `index` really is, −0.5 to 0.5.
fn summit(scores: &[f32], index: usize) -> f32 {
    let Some([before, at, after]) = index
        .checked_sub(1)
        .and_then(|start| scores.get(start..start + 3))
    else {
        return 0.0;
    };
    let curve = before - 2.0 * at + after;
    if curve < -1e-9 {
        (0.5 * (before - after) / curve).clamp(-0.5, 0.5)
    } else {
        0.0
    }
}

/// The shift, at most `reach` either way, by which `sound` from `at` on is most like `other`, and
/// how like it is there. Of equals the least shift.
pub(super) fn best_shift(sound: &[f32], at: usize, other: &[f32], reach: usize) -> (isize, f32) {
    let energy = dot(other, other);
    let mut best = (0, f32::MIN, 0.0);
    for shift in -(reach as isize)..=reach as isize {
        let Some(there) = at
            .checked_add_signed(shift)
            .and_then(|start| sound.get(start..start + other.len()))
        else {
            continue;
        };
        let like = dot(there, other) / (dot(there, there) * energy + 1e-9).sqrt();
        let score = like - 0.15 * shift.unsigned_abs() as f32 / reach.max(1) as f32;
        if score > best.1 {
            best = (shift, score, like);
        }
    }
    (best.0, best.2)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::sine;
    use super::*;
    use crate::units::SampleRate;

    const SEARCH: Search = Search {
        shortest: 20,
        longest: 135,
        window: 110,
    };

    fn vowel(hz: f64, samples: usize) -> Vec<f32> {
        let mut sound = vec![0.0; samples];
        for harmonic in 1..=6 {
            let part = sine(SampleRate::NARROW, hz * f64::from(harmonic), 0.1, samples);
            sound.iter_mut().zip(part).for_each(|(a, b)| *a += b);
        }
        sound
    }

    #[test]
    fn the_period_is_found_to_a_part_of_a_sample() {
        let check = |hz: f64, samples: usize| {
            let found = SEARCH.period(&vowel(hz, samples), &mut Vec::new());
            let expected = (8_000.0 / hz) as f32;
            assert!(
                (found.lag - expected).abs() < 0.3 && found.likeness > 0.95,
                "{hz} Hz: {found:?}, expected {expected}"
            );
        };
        check(72.0, 320);
        check(110.0, 320);
        check(203.0, 320);
        check(310.0, 320);
        check(203.0, 160);
    }

    #[test]
    fn a_believed_period_helps_where_little_is_heard() {
        // 90 Hz in 20 ms: not two periods. Half of it looks better than nothing.
        let sound = vowel(90.0, 160);
        let expected = Period {
            lag: 87.0,
            likeness: 0.9,
        };
        let found = SEARCH.period_near(&sound, expected, &mut Vec::new());
        assert!((found.lag - 88.9).abs() < 1.5, "{found:?}");
    }

    #[test]
    fn a_shift_is_found() {
        let sound = vowel(120.0, 400);
        let (shift, like) = best_shift(&sound, 100, &sound[107..180], 12);
        assert_eq!(shift, 7);
        assert!(like > 0.99);
        assert_eq!(best_shift(&sound, 100, &[0.0; 50], 5).0, 0);
        // Nothing to compare with.
        assert_eq!(best_shift(&sound[..10], 100, &sound, 5), (0, 0.0));
    }
}
