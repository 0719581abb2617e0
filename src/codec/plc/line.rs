//! The last samples of a sound, at hand as one slice.

/// Keeps a fixed number of samples; begins with silence. Allocates only when made.
#[derive(Debug)]
pub(super) struct Line {
    samples: Vec<f32>,
    kept: usize,
    room: usize,
}

impl Line {
    pub(super) fn new(kept: usize) -> Line {
        // So long that moving the kept ones to the front is rare.
        let room = 4 * kept.max(1);
        let mut samples = Vec::with_capacity(room);
        samples.resize(kept, 0.0);
        Line {
            samples,
            kept,
            room,
        }
    }

    pub(super) fn push(&mut self, sample: f32) {
        if self.samples.len() >= self.room {
            let start = self.samples.len() - self.kept;
            self.samples.copy_within(start.., 0);
            self.samples.truncate(self.kept);
        }
        self.samples.push(sample);
    }

    pub(super) fn extend(&mut self, sound: &[f32]) {
        let skipped = sound.len().saturating_sub(self.kept);
        for sample in &sound[skipped..] {
            self.push(*sample);
        }
    }

    /// Forgets all and takes the end of `sound`, with silence before it where that is short.
    pub(super) fn set(&mut self, sound: &[f32]) {
        self.samples.clear();
        self.samples.resize(self.kept, 0.0);
        self.extend(sound);
    }

    /// The samples kept, oldest first.
    pub(super) fn recent(&self) -> &[f32] {
        &self.samples[self.samples.len() - self.kept..]
    }

    /// The newest `count` of them.
    pub(super) fn last(&self, count: usize) -> &[f32] {
        &self.samples[self.samples.len() - count.min(self.kept)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_the_newest_samples_in_order() {
        let mut line = Line::new(3);
        assert_eq!(line.recent(), [0.0; 3]);
        for sample in 1..100 {
            line.push(sample as f32);
            assert!(line.samples.len() <= line.room);
        }
        assert_eq!(line.recent(), [97.0, 98.0, 99.0]);
        line.extend(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(line.recent(), [3.0, 4.0, 5.0]);
        line.set(&[7.0]);
        assert_eq!(line.recent(), [0.0, 0.0, 7.0]);
        assert_eq!(line.last(1), [7.0]);
        assert_eq!(line.last(9), [0.0, 0.0, 7.0]);
    }
}
