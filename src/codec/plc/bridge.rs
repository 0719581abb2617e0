//! Joining the guess from before a gap with the one from behind it.

use super::extension::at_place;
use super::period::{Period, best_shift};

/// Likeness of either side's periods, and of the two sides, from which on they are put in phase:
/// of what is not voiced there is no phase to keep.
const IN_PHASE_ABOVE: f32 = 0.6;

/// By how much of the gap's length a guess may be drawn out or pressed together.
const MOST_WARP: f32 = 0.2;

/// Farthest, in samples, that a guess may have to move for its phase.
pub(super) fn reach(period: Period, gap: usize) -> usize {
    (0.5 * period.lag).min(MOST_WARP * gap as f32) as usize
}

/// How much longer (or shorter, below 0) `guess` must become for it to meet `beyond` in phase
/// where the gap of `gap` samples ends.
pub(super) fn phase_shift(guess: &[f32], gap: usize, beyond: &[f32], reach: usize) -> isize {
    let (shift, likeness) = best_shift(guess, gap, beyond, reach);
    if likeness > IN_PHASE_ABOVE { shift } else { 0 }
}

/// Whether both sides are voiced.
pub(super) fn voiced(before: Period, behind: Period) -> bool {
    before.likeness.min(behind.likeness) > IN_PHASE_ABOVE
}

/// A guess for a gap, made to end `shift` samples later in its own time than the gap does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'a> {
    pub(super) guess: &'a [f32],
    pub(super) shift: isize,
}

impl Side<'_> {
    fn at(&self, index: usize, gap: usize) -> f32 {
        if self.shift == 0 {
            return self.guess[index];
        }
        let pace = (gap as f32 + self.shift as f32) / gap as f32;
        at_place(self.guess, index as f32 * pace)
    }
}

/// Fills `gap` with the one side fading into the other, which is done after `fade` of its length.
/// `behind` is the guess backwards in time, from the end of the gap.
pub(super) fn join(before: Side<'_>, behind: Side<'_>, fade: f32, gap: &mut [f32]) {
    let length = gap.len();
    for (index, sample) in gap.iter_mut().enumerate() {
        let share = ((index as f32 + 0.5) / (length as f32 * fade)).min(1.0);
        let (first, second) = (
            before.at(index, length),
            behind.at(length - 1 - index, length),
        );
        *sample = (first * (1.0 - share) + second * share).clamp(-1.0, 1.0);
    }
}
