//! What a person hears who tries the speaker: three notes upwards, once.

use std::f32::consts::TAU;
use std::time::Duration;

use crate::units::SampleRate;

/// C, E and G of the fifth octave, in Hz.
const NOTES: [f32; 3] = [523.3, 659.3, 784.0];
/// As loud as speech is: a peak of −18 dB.
const PEAK: f32 = 0.125;
const NOTE: Duration = Duration::from_millis(350);
const RISE: Duration = Duration::from_millis(10);

/// The notes, from their first to their last sample.
#[derive(Clone, Debug)]
pub struct TestSound {
    rate: SampleRate,
    at: usize,
}

impl TestSound {
    /// At the beginning.
    #[must_use]
    pub fn new(rate: SampleRate) -> TestSound {
        TestSound { rate, at: 0 }
    }

    /// Whether all of it was heard.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.at >= NOTES.len() * self.note()
    }

    /// Adds the next samples to `sound`.
    pub fn mix_into(&mut self, sound: &mut [f32]) {
        let (note, rise) = (self.note(), self.rate.samples_in(RISE).max(1));
        for sample in sound {
            let Some(hz) = NOTES.get(self.at / note) else {
                return;
            };
            let within = self.at % note;
            let left = (note - within) as f32 / note as f32;
            let swell = (within as f32 / rise as f32).min(1.0) * left;
            let turn = TAU * hz * within as f32 / self.rate.hz() as f32;
            *sample += PEAK * swell * turn.sin();
            self.at += 1;
        }
    }

    fn note(&self) -> usize {
        self.rate.samples_in(NOTE).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_notes_are_heard_one_after_the_other_and_then_nothing() {
        let rate = SampleRate::FULL;
        let mut test = TestSound::new(rate);
        let mut sound = Vec::new();
        while !test.is_over() {
            let mut frame = [0.0; 480];
            test.mix_into(&mut frame);
            sound.extend(frame);
        }
        assert_eq!(sound.len(), 105 * 480, "1.05 s");
        for (note, expected) in sound.chunks(35 * 480).zip([523, 659, 784]) {
            // A tenth of a second, far from both ends.
            let middle = &note[4_800..9_600];
            let rises = middle.windows(2).filter(|p| p[0] < 0.0 && p[1] >= 0.0);
            let hz = 10 * rises.count();
            assert!(hz.abs_diff(expected) <= 10, "{hz}, not {expected}");
        }
        for pair in sound.windows(2) {
            assert!((pair[1] - pair[0]).abs() < 0.015, "no click");
        }
        let mut after = [0.25; 480];
        test.mix_into(&mut after);
        assert_eq!(after, [0.25; 480]);
    }
}
