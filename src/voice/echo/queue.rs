//! What is played, on its way to where it is compared: as many frames as the microphone gives.

use crate::voice::FRAME;

/// Frames that may wait: a stall of 200 ms of the one or the other side.
const ROOM: usize = 24;

/// Captured frames after which what was never needed of the queue is let go.
const OBSERVED: u32 = 200;

/// Frames left waiting: the two sides come in turns of their own.
const SPARE: usize = 1;

/// A queue that evens out jitter, and by whole frames the drift of the two clocks.
#[derive(Debug)]
pub(super) struct RenderQueue {
    frames: Box<[[f32; FRAME]; ROOM]>,
    first: usize,
    length: usize,
    /// The fewest that waited lately.
    fewest: usize,
    observed: u32,
    /// By how many frames what is played is told later than before; the taker is to know.
    shifted: isize,
    started: bool,
}

impl RenderQueue {
    pub(super) fn new() -> RenderQueue {
        RenderQueue {
            frames: Box::new([[0.0; FRAME]; ROOM]),
            first: 0,
            length: 0,
            fewest: ROOM,
            observed: 0,
            shifted: 0,
            started: false,
        }
    }

    pub(super) fn push(&mut self, frame: &[f32; FRAME]) {
        self.started = true;
        if self.length == ROOM {
            self.drop_oldest();
        }
        self.frames[(self.first + self.length) % ROOM] = *frame;
        self.length += 1;
    }

    /// The frame that belongs to the next one of the microphone. Silence where there is none.
    pub(super) fn pop(&mut self, out: &mut [f32; FRAME]) {
        self.fewest = self.fewest.min(self.length);
        self.observed += 1;
        if self.observed >= OBSERVED {
            for _ in SPARE + 1..self.fewest {
                self.drop_oldest();
            }
            (self.observed, self.fewest) = (0, ROOM);
        }
        if self.length == 0 {
            out.fill(0.0);
            self.shifted += isize::from(self.started);
            return;
        }
        *out = self.frames[self.first];
        self.first = (self.first + 1) % ROOM;
        self.length -= 1;
    }

    /// By how many frames what is played is told later than it was when this was asked last.
    pub(super) fn take_shift(&mut self) -> isize {
        std::mem::take(&mut self.shifted)
    }

    fn drop_oldest(&mut self) {
        self.first = (self.first + 1) % ROOM;
        self.length -= 1;
        self.shifted -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: usize) -> [f32; FRAME] {
        [number as f32; FRAME]
    }

    fn popped(queue: &mut RenderQueue) -> f32 {
        let mut out = [-1.0; FRAME];
        queue.pop(&mut out);
        out[0]
    }

    #[test]
    fn sides_that_come_by_turns_of_forty_milliseconds_are_told_in_step() {
        let mut queue = RenderQueue::new();
        let mut lags = Vec::new();
        for turn in 0..100 {
            for n in 0..4 {
                queue.push(&numbered(4 * turn + n));
            }
            lags.extend((0..4).map(|n| (4 * turn + n) as f32 - popped(&mut queue)));
        }
        assert!(lags.iter().all(|lag| *lag == lags[0]), "{lags:?}");
        assert_eq!(queue.take_shift(), 0);
    }

    #[test]
    fn a_faster_speaker_is_followed_by_whole_frames_and_each_is_told() {
        let mut queue = RenderQueue::new();
        let (mut pushed, mut shifted) = (0, 0);
        let mut lag = 0.0;
        for frame in 0..20_000 {
            queue.push(&numbered(pushed));
            pushed += 1;
            // 300 ppm is a frame in 33 s.
            if frame % 3_333 == 0 {
                queue.push(&numbered(pushed));
                pushed += 1;
            }
            lag = pushed as f32 - 1.0 - popped(&mut queue);
            shifted += queue.take_shift();
        }
        assert!(lag <= 3.0, "{lag}");
        assert!((-7..=-3).contains(&shifted), "{shifted}");
    }

    #[test]
    fn a_slower_speaker_leaves_silence_and_that_is_told_too() {
        let mut queue = RenderQueue::new();
        queue.push(&numbered(1));
        assert_eq!(popped(&mut queue), 1.0);
        assert_eq!(popped(&mut queue), 0.0);
        assert_eq!(queue.take_shift(), 1);
        assert_eq!(queue.take_shift(), 0);
    }

    #[test]
    fn before_anything_is_played_nothing_is_late() {
        let mut queue = RenderQueue::new();
        assert_eq!(popped(&mut queue), 0.0);
        assert_eq!(queue.take_shift(), 0);
    }
}
