//! The canceller that is used: a Kalman filter of blocks of 10 ms at the full rate.

use super::canceller::Canceller;
use super::kalman::Kalman;
use crate::voice::FRAME;

/// Parts of 10 ms. What a room gives back after 200 ms is left to be made quieter.
const PARTS: usize = 20;

/// How late, in parts, the first may lie.
const LATEST: usize = 60;

/// Parts held to their length in each block: in three blocks all.
const TURNS: usize = 7;

/// Expected before the delay is known: somewhere, weak.
const ANYWHERE: (f32, f32) = (0.1, 0.95);

/// And as soon as it is: most of it in the first parts. The last ones hold the room's echo.
const PLACED: (f32, f32) = (0.2, 0.8);

/// Frames before the first sound that are left room, for what comes earlier.
const EARLIER: usize = 1;

#[derive(Debug)]
pub(crate) struct BlockCanceller {
    filter: Kalman,
    error: Box<[f32; FRAME]>,
    placed: bool,
}

impl BlockCanceller {
    pub(crate) fn new() -> BlockCanceller {
        BlockCanceller {
            filter: Kalman::new(FRAME, PARTS, LATEST, TURNS, ANYWHERE.0, ANYWHERE.1),
            error: Box::new([0.0; FRAME]),
            placed: false,
        }
    }
}

impl Canceller for BlockCanceller {
    fn render(&mut self, frame: &[f32; FRAME]) {
        self.filter.render(frame);
    }

    fn cancel(&mut self, microphone: &[f32; FRAME], echo: &mut [f32; FRAME]) {
        self.filter
            .cancel(microphone, self.error.as_mut_slice(), echo);
    }

    fn place(&mut self, first: usize) {
        let wanted = (first / FRAME).saturating_sub(EARLIER).min(LATEST);
        let held = self.filter.offset();
        // Drift moves the path by a frame now and then; the filter has room for it.
        if self.placed && wanted.abs_diff(held) <= 1 {
            return;
        }
        self.filter.set_offset(wanted);
        self.filter.expect(PLACED.0, PLACED.1);
        self.placed = true;
    }

    fn shift(&mut self, frames: isize) {
        self.filter.shift(frames);
    }

    fn forget(&mut self) {
        self.filter.forget();
    }
}
