//! From the speaker's clock to the microphone's: what others in a conference say waits here until
//! it is sent on.
//!
//! Far sound is made when the speaker wants it, and sent when the microphone gives a frame. The
//! two come in bursts and by clocks of their own, so a little is kept between them, no more than
//! the bursts ask for, and frames are made a hair longer or shorter when the clocks differ.

use crate::dsp::elastic;

/// 10 ms at 48 kHz.
pub const FRAME: usize = 480;

/// Frames kept at first, and at most.
const LEAST: usize = 2;
const MOST: usize = 8;

/// Room: beyond it the oldest goes.
const ROOM: usize = 32 * FRAME;

/// Frames the average is taken over: half a second.
const WINDOW: usize = 50;

/// An average that is so far from the aim, in samples, is brought back to it.
const SLACK: i64 = FRAME as i64 / 2;

/// A short queue of sound between two clocks. Allocates only when made.
#[derive(Debug)]
pub struct Bridge {
    queue: Box<[f32]>,
    first: usize,
    length: usize,
    /// Frames to be waiting, on average, when one is taken.
    aim: usize,
    flowing: bool,
    last: [f32; FRAME],
    watched: usize,
    waiting: usize,
    owed: i64,
}

impl Default for Bridge {
    fn default() -> Self {
        Bridge {
            queue: vec![0.0; ROOM].into(),
            first: 0,
            length: 0,
            aim: LEAST,
            flowing: false,
            last: [0.0; FRAME],
            watched: 0,
            waiting: 0,
            owed: 0,
        }
    }
}

impl Bridge {
    /// Takes 10 ms.
    pub fn push(&mut self, frame: &[f32; FRAME]) {
        let change = self
            .owed
            .clamp(-(elastic::MOST as i64), elastic::MOST as i64);
        self.owed -= change;
        let mut fitted = [0.0; FRAME + elastic::MOST];
        let length = elastic::stretch(frame, change as i32, &mut fitted);
        for sample in &fitted[..length] {
            if self.length == ROOM {
                self.drop_oldest(1);
            }
            let at = (self.first + self.length) % ROOM;
            self.queue[at] = *sample;
            self.length += 1;
        }
    }

    /// Gives 10 ms: silence until enough waits. It begins and ends without a click.
    pub fn pull(&mut self, out: &mut [f32; FRAME]) {
        let begins = !self.flowing && self.length >= self.aim * FRAME;
        if begins {
            // What gathered beyond the aim while nobody took it is old.
            self.drop_oldest(self.length - self.aim * FRAME);
            self.flowing = true;
            (self.watched, self.waiting, self.owed) = (0, 0, 0);
        }
        if !self.flowing {
            out.fill(0.0);
            return;
        }
        if self.length < FRAME {
            // Nothing came in time: the last sound fades, turned around so that it goes on where
            // it stopped. More is kept from here on.
            for (n, (sample, last)) in out.iter_mut().zip(self.last.iter().rev()).enumerate() {
                *sample = last * fading(n);
            }
            self.flowing = false;
            self.aim = (self.aim + 1).min(MOST);
            return;
        }
        self.watch();
        for sample in out.iter_mut() {
            *sample = self.queue[self.first];
            self.first = (self.first + 1) % ROOM;
        }
        self.length -= FRAME;
        if begins {
            for (n, sample) in out.iter_mut().enumerate() {
                *sample *= 1.0 - fading(n);
            }
        }
        self.last = *out;
    }

    /// Whether sound comes out; not before enough has gathered, and not after it ran out.
    #[must_use]
    pub fn is_flowing(&self) -> bool {
        self.flowing
    }

    fn watch(&mut self) {
        self.watched += 1;
        self.waiting += self.length;
        if self.watched == WINDOW {
            let surplus = (self.waiting / WINDOW) as i64 - (self.aim * FRAME) as i64;
            self.owed = if surplus.abs() > SLACK { -surplus } else { 0 };
            (self.watched, self.waiting) = (0, 0);
        }
    }

    fn drop_oldest(&mut self, samples: usize) {
        let samples = samples.min(self.length);
        self.first = (self.first + samples) % ROOM;
        self.length -= samples;
    }
}

/// From one to nothing over a frame.
pub(super) fn fading(n: usize) -> f32 {
    1.0 - (n + 1) as f32 / FRAME as f32
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    struct Voice(u32);

    impl Voice {
        /// The next 10 ms of a tone of 100 Hz, one whole period.
        fn next(&mut self) -> [f32; FRAME] {
            self.0 += 1;
            std::array::from_fn(|n| 0.5 * (TAU * n as f32 / FRAME as f32).sin())
        }
    }

    fn steepest(sound: &[f32]) -> f32 {
        let steps = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        steps.fold(0.0, f32::max)
    }

    #[test]
    fn sound_comes_through_to_the_bit_twenty_milliseconds_later() {
        let (mut bridge, mut voice) = (Bridge::default(), Voice(0));
        let mut out = [9.0; FRAME];
        for tick in 0..100 {
            let frame = voice.next();
            bridge.push(&frame);
            bridge.pull(&mut out);
            match tick {
                0 => assert_eq!(out, [0.0; FRAME]),
                // It begins softly.
                1 => assert!(out[10].abs() < frame[10].abs() / 10.0),
                _ => assert_eq!(out, frame, "{tick}"),
            }
        }
    }

    #[test]
    fn bursts_are_bridged_after_at_most_a_few_holes() {
        let (mut bridge, mut voice) = (Bridge::default(), Voice(0));
        let (mut out, mut silent) = ([0.0; FRAME], Vec::new());
        for tick in 0..1_000 {
            if tick % 5 == 0 {
                (0..5).for_each(|_| bridge.push(&voice.next()));
            }
            bridge.pull(&mut out);
            if out.iter().all(|s| s.abs() < 0.01) {
                silent.push(tick);
            }
        }
        assert!(silent.iter().all(|tick| *tick < 60), "{silent:?}");
    }

    #[test]
    fn a_voice_that_stops_or_begins_does_not_click() {
        let (mut bridge, mut voice) = (Bridge::default(), Voice(0));
        let mut sound = Vec::new();
        let mut out = [0.0; FRAME];
        for tick in 0..60 {
            // Stops a quarter into its period, at its loudest.
            let mut frame = voice.next();
            frame.rotate_left(FRAME / 4);
            if !(20..40).contains(&tick) {
                bridge.push(&frame);
            }
            bridge.pull(&mut out);
            sound.extend_from_slice(&out);
        }
        assert!(
            steepest(&sound) < 0.5 * TAU / 480.0 + 0.5 / 400.0,
            "{}",
            steepest(&sound)
        );
        assert!(sound[30 * FRAME..38 * FRAME].iter().all(|s| *s == 0.0));
    }

    #[test]
    fn an_hour_of_drifting_clocks_makes_one_hole_at_most_and_does_not_fill_it() {
        for ppm in [-200.0, 200.0] {
            let (mut bridge, mut voice) = (Bridge::default(), Voice(0));
            let (mut out, mut due, mut silent, mut most) = ([0.0; FRAME], 0.0_f64, 0, 0);
            for tick in 0..360_000 {
                due += 1.0 + ppm * 1e-6;
                while due >= 1.0 {
                    due -= 1.0;
                    bridge.push(&voice.next());
                }
                bridge.pull(&mut out);
                silent += usize::from(tick > 10 && out.iter().all(|s| s.abs() < 0.01));
                most = most.max(bridge.length);
            }
            // The first time that it runs dry it learns to keep more; alone, 200 ppm would empty it
            // seventy times.
            assert!(silent <= 3, "{ppm}: {silent} silent frames");
            assert!(most < 6 * FRAME, "{ppm}: {most} samples waited");
        }
    }
}
