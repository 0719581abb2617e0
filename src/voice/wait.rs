//! Sound that waits until the network has heard what comes after it.

use super::suppress::HOP;

/// Hops that it waits: 20 ms. What the network says is of the middle of 32 ms, and 8 ms old on
/// average. By PESQ over five talkers: half of that costs 0.1 in noise.
const HOPS: usize = 4;

/// Two sounds that belong together, held back or not.
#[derive(Debug)]
pub(super) struct Wait {
    held: [Box<[f32; HOPS * HOP]>; 2],
    at: usize,
    waits: bool,
}

impl Wait {
    pub(super) fn new() -> Wait {
        Wait {
            held: std::array::from_fn(|_| Box::new([0.0; HOPS * HOP])),
            at: 0,
            waits: false,
        }
    }

    /// How long what left last had waited, in samples.
    pub(super) fn samples(&self) -> usize {
        if self.waits { HOPS * HOP } else { 0 }
    }

    /// Takes a hop of each sound and puts the one in its place whose time has come. From one
    /// way to the other it goes over within the hop.
    pub(super) fn pass(&mut self, sounds: [&mut [f32; HOP]; 2], wait: bool) {
        let before = std::mem::replace(&mut self.waits, wait);
        for (held, sound) in self.held.iter_mut().zip(sounds) {
            let place = &mut held[self.at * HOP..][..HOP];
            for (n, (old, sample)) in place.iter_mut().zip(sound.iter_mut()).enumerate() {
                let (new, late) = (*sample, *old);
                *old = new;
                let gone = n as f32 / HOP as f32;
                *sample = match (before, wait) {
                    (false, false) => new,
                    (true, true) => late,
                    (false, true) => new + gone * (late - new),
                    (true, false) => late + gone * (new - late),
                };
            }
        }
        self.at = (self.at + 1) % HOPS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(wait: &mut Wait, level: f32, waits: bool) -> [f32; HOP] {
        let (mut sound, mut echo) = ([level; HOP], [0.0; HOP]);
        wait.pass([&mut sound, &mut echo], waits);
        sound
    }

    #[test]
    fn sound_waits_for_four_hops_only_while_it_has_to() {
        let mut wait = Wait::new();
        for level in 1..=10 {
            assert_eq!(passed(&mut wait, level as f32, false), [level as f32; HOP]);
        }
        assert_eq!(wait.samples(), 0);
        passed(&mut wait, 11.0, true);
        for level in 12..=20 {
            let level = level as f32;
            assert_eq!(passed(&mut wait, level, true), [level - 4.0; HOP]);
        }
        assert_eq!(wait.samples(), 960);
    }

    #[test]
    fn going_over_makes_no_step() {
        let mut wait = Wait::new();
        for _ in 0..4 {
            passed(&mut wait, 0.0, false);
        }
        for waits in [true, false] {
            let mut last = if waits { 1.0 } else { 0.0 };
            for sample in passed(&mut wait, 1.0, waits) {
                assert!((sample - last).abs() < 0.01, "{sample} after {last}");
                last = sample;
            }
        }
    }
}
