//! What a talker says: one clip several times, so that a call lasts longer than what is scored at
//! once.

use std::time::Duration;

use crate::units::SampleRate;

/// Pause between two repetitions.
const PAUSE: Duration = Duration::from_millis(300);

/// What is cut out behind each repetition beyond its length: the longest delay.
const BEHIND: Duration = Duration::from_millis(1_000);

/// A clip, repeated.
#[derive(Clone, Debug)]
pub struct Passage {
    /// All of it.
    pub said: Vec<f32>,
    rate: SampleRate,
    /// Samples of the clip, and from one beginning to the next.
    clip: usize,
    stride: usize,
}

impl Passage {
    /// `clip` at `rate`, as often as begins within `least`.
    #[must_use]
    pub fn new(clip: &[f32], rate: SampleRate, least: Duration) -> Passage {
        let stride = clip.len() + rate.samples_in(PAUSE);
        let times = rate.samples_in(least).div_ceil(stride.max(1)).max(1);
        let mut said = Vec::with_capacity(times * stride);
        for _ in 0..times {
            said.extend_from_slice(clip);
            said.resize(said.len() + stride - clip.len(), 0.0);
        }
        Passage {
            said,
            rate,
            clip: clip.len(),
            stride,
        }
    }

    /// The parts of `heard` in which the repetitions are, each from the moment on when it was
    /// said, to somewhat after its end.
    pub fn parts<'a>(&self, heard: &'a [f32]) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let (clip, stride) = (self.clip, self.stride);
        let behind = self.rate.samples_in(BEHIND);
        (0..self.said.len() / stride.max(1)).map(move |n| {
            let begin = (n * stride).min(heard.len());
            &heard[begin..(begin + clip + behind).min(heard.len())]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_begins_where_its_repetition_was_said() {
        let clip: Vec<f32> = (1..=800).map(|n| n as f32 / 1_000.0).collect();
        let passage = Passage::new(&clip, SampleRate::NARROW, Duration::from_millis(900));
        // 100 ms and a pause of 300: three of them reach beyond 900 ms.
        assert_eq!(passage.said.len(), 3 * 3_200);
        let parts: Vec<&[f32]> = passage.parts(&passage.said).collect();
        assert_eq!(parts.len(), 3);
        for part in parts {
            assert_eq!(part[..800], clip[..]);
        }
        assert!(passage.parts(&[]).all(<[f32]>::is_empty));
    }
}
