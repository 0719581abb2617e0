//! Both sides of a call on one line of time.
//!
//! The two sides come by two clocks, the microphone's and the speaker's, in bursts, and at times
//! not at all. Each frame says when it was spoken or heard at this computer; here it is laid down
//! where it belongs, and half a second later the line is read off, silence where nothing came.

use std::time::{Duration, Instant};

use super::Sides;
use crate::dsp::elastic;
use crate::dsp::limiter::Limiter;
use crate::units::SampleRate;

/// The rate of what goes in and comes out.
const RATE: SampleRate = SampleRate::FULL;

/// A frame: 10 ms.
const FRAME: usize = 480;

/// How far behind the present the line is read off: whatever comes later than this, as after a
/// stall of the machine, is not in the recording.
const HOLD: Duration = Duration::from_millis(600);

/// Room on the line: what lies beyond it is not taken.
const ROOM: usize = 2 * 48_000;

/// A side that is so far from where it should be is moved at once: sound was missing.
const JUMP: i64 = 60 * 48;

/// A side that is so far from where it should be, on average, is brought there by and by: the
/// cards' clocks differ.
const SLACK: i64 = 5 * 48;

/// Frames the average is taken over: half a second.
const WINDOW: i64 = 50;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The person at this phone.
    Near,
    /// The other end.
    Far,
}

/// What paces a side's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paced {
    /// A sound card, whose clock drifts.
    Card,
    /// The system's clock, which the line goes by too.
    Clock,
}

/// Lays two sides down and reads them off together. Allocates only when made.
#[derive(Debug)]
pub struct Tap {
    sides: Sides,
    lanes: [Lane; 2],
    limiter: Limiter,
    began: Instant,
    /// Samples read off.
    read: u64,
}

#[derive(Debug)]
struct Lane {
    line: Box<[f32]>,
    /// Behind its last sample, in samples since the beginning.
    end: u64,
    started: bool,
    /// Of how many frames, how far they were off in sum.
    watched: i64,
    off: i64,
    /// Samples still to be gained (above zero) or lost.
    owed: i64,
}

impl Tap {
    /// The line begins at this moment.
    #[must_use]
    pub fn new(now: Instant, sides: Sides) -> Tap {
        Tap {
            sides,
            lanes: [Lane::new(), Lane::new()],
            limiter: Limiter::new(RATE),
            began: now,
            read: 0,
        }
    }

    /// Who is in it.
    #[must_use]
    pub fn sides(&self) -> Sides {
        self.sides
    }

    /// Takes 10 ms at 48 kHz whose first sample was spoken, or is heard, at `at`.
    pub fn push(&mut self, side: Side, at: Instant, paced: Paced, frame: &[f32]) {
        let lane = &mut self.lanes[usize::from(side == Side::Far)];
        let at = RATE.samples_in(at.saturating_duration_since(self.began)) as u64;
        lane.push(self.read, at, paced, frame);
    }

    /// Writes the next 10 ms into the first samples of `out`, for two channels interleaved, and
    /// answers how many samples they are; `None` until it is their time.
    pub fn poll(&mut self, now: Instant, out: &mut [f32; 2 * FRAME]) -> Option<usize> {
        self.read_off(now.checked_sub(HOLD)?, out)
    }

    /// As [`Tap::poll`], up to the present: the recording ends.
    pub fn poll_last(&mut self, now: Instant, out: &mut [f32; 2 * FRAME]) -> Option<usize> {
        self.read_off(now, out)
    }

    fn read_off(&mut self, until: Instant, out: &mut [f32; 2 * FRAME]) -> Option<usize> {
        let until = RATE.samples_in(until.saturating_duration_since(self.began)) as u64;
        if self.read + FRAME as u64 > until {
            return None;
        }
        let mut sides = [[0.0; FRAME]; 2];
        for (lane, sound) in self.lanes.iter_mut().zip(&mut sides) {
            lane.take(self.read, sound);
        }
        self.read += FRAME as u64;
        let [near, far] = &sides;
        Some(match self.sides {
            Sides::Far => {
                out[..FRAME].copy_from_slice(far);
                FRAME
            }
            Sides::Mixed => {
                for (out, (near, far)) in out.iter_mut().zip(near.iter().zip(far)) {
                    *out = near + far;
                }
                self.limiter.apply(&mut out[..FRAME]);
                FRAME
            }
            Sides::Stereo => {
                for (out, (near, far)) in out.chunks_exact_mut(2).zip(near.iter().zip(far)) {
                    out.copy_from_slice(&[*near, *far]);
                }
                2 * FRAME
            }
        })
    }
}

impl Lane {
    fn new() -> Lane {
        Lane {
            line: vec![0.0; ROOM].into(),
            end: 0,
            started: false,
            watched: 0,
            off: 0,
            owed: 0,
        }
    }

    fn push(&mut self, read: u64, at: u64, paced: Paced, frame: &[f32]) {
        let off = at.cast_signed() - self.end.cast_signed();
        if !self.started || off.abs() > JUMP {
            (self.watched, self.off, self.owed) = (0, 0, 0);
            // Ahead of the line's end: silence between. Behind it: what is there already stays,
            // and frames are passed over until time has caught up.
            if off < 0 || at >= read + ROOM as u64 {
                return;
            }
            self.started = true;
            self.end = at;
        } else if paced == Paced::Card {
            self.watched += 1;
            self.off += off;
            if self.watched == WINDOW {
                let mean = self.off / WINDOW;
                self.owed = if mean.abs() > SLACK { mean } else { 0 };
                (self.watched, self.off) = (0, 0);
            }
        }
        let change = self
            .owed
            .clamp(-(elastic::MOST as i64), elastic::MOST as i64);
        self.owed -= change;
        let mut fitted = [0.0; FRAME + elastic::MOST];
        let frame = &frame[..frame.len().min(FRAME)];
        let length = elastic::stretch(frame, change as i32, &mut fitted);
        for sample in &fitted[..length] {
            // What was read off already, or is out of all bounds, has no place.
            if (read..read + ROOM as u64).contains(&self.end) {
                self.line[(self.end % ROOM as u64) as usize] = *sample;
            }
            self.end += 1;
        }
    }

    /// Takes what lies at `from` off the line.
    fn take(&mut self, from: u64, out: &mut [f32]) {
        for (n, sample) in (from..).zip(out) {
            *sample = std::mem::take(&mut self.line[(n % ROOM as u64) as usize]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        tap: Tap,
        began: Instant,
        sound: Vec<f32>,
    }

    const MS: Duration = Duration::from_millis(1);

    impl Bench {
        #[expect(
            clippy::disallowed_methods,
            reason = "any instant will do as the beginning of time"
        )]
        fn new(sides: Sides) -> Bench {
            let began = Instant::now();
            Bench {
                tap: Tap::new(began, sides),
                began,
                sound: Vec::new(),
            }
        }

        fn push(&mut self, side: Side, at_ms: u32, paced: Paced, level: f32) {
            let at = self.began + MS * at_ms;
            self.tap.push(side, at, paced, &[level; FRAME]);
        }

        fn read(&mut self, now_ms: u32) {
            let mut out = [9.0; 2 * FRAME];
            while let Some(samples) = self.tap.poll(self.began + MS * now_ms, &mut out) {
                self.sound.extend_from_slice(&out[..samples]);
            }
        }

        fn end(mut self, now_ms: u32) -> Vec<f32> {
            let mut out = [9.0; 2 * FRAME];
            while let Some(samples) = self.tap.poll_last(self.began + MS * now_ms, &mut out) {
                self.sound.extend_from_slice(&out[..samples]);
            }
            self.sound
        }
    }

    /// The 10 ms at this moment, of one channel of two.
    fn at(sound: &[f32], channel: usize, ms: usize) -> &f32 {
        &sound[2 * (ms * 48 + 24) + channel]
    }

    #[test]
    fn this_person_is_left_and_the_far_side_right_each_at_its_moment() {
        let mut bench = Bench::new(Sides::Stereo);
        for tick in 0..100_u32 {
            bench.push(Side::Near, tick * 10, Paced::Clock, 0.25);
            // It is heard 80 ms after it was pulled.
            bench.push(Side::Far, tick * 10 + 80, Paced::Clock, -0.5);
            bench.read(tick * 10 + 10);
        }
        assert_eq!(bench.sound.len(), 2 * 400 * 48, "600 ms are held back");
        let sound = bench.end(1_000);
        assert_eq!(sound.len(), 2 * 48_000);
        for (ms, near, far) in [
            (0, 0.25, 0.0),
            (79, 0.25, 0.0),
            (80, 0.25, -0.5),
            (999, 0.25, -0.5),
        ] {
            assert_eq!(
                (*at(&sound, 0, ms), *at(&sound, 1, ms)),
                (near, far),
                "{ms}"
            );
        }
    }

    #[test]
    fn a_mixed_recording_is_the_sum_and_a_far_one_has_nobody_else() {
        for (sides, expected) in [(Sides::Mixed, -0.25), (Sides::Far, -0.5)] {
            let mut bench = Bench::new(sides);
            for tick in 0..10 {
                bench.push(Side::Near, tick * 10, Paced::Clock, 0.25);
                bench.push(Side::Far, tick * 10, Paced::Clock, -0.5);
            }
            assert_eq!(bench.end(100), vec![expected; 4_800], "{sides:?}");
        }
    }

    #[test]
    fn a_stall_leaves_a_hole_of_its_own_length() {
        let mut bench = Bench::new(Sides::Stereo);
        for tick in (0..20).chain(50..70_u32) {
            bench.push(Side::Near, tick * 10, Paced::Card, 0.25);
            bench.push(Side::Far, tick * 10, Paced::Clock, 0.5);
        }
        let sound = bench.end(700);
        for (ms, level) in [
            (199, 0.25),
            (200, 0.0),
            (499, 0.0),
            (500, 0.25),
            (699, 0.25),
        ] {
            assert_eq!(*at(&sound, 0, ms), level, "{ms}");
        }
    }

    #[test]
    fn frames_that_come_in_bursts_are_laid_without_a_seam() {
        let mut bench = Bench::new(Sides::Stereo);
        for tick in 0..100_u32 {
            // Four at a time, each told as of the moment at which it came.
            bench.push(Side::Near, tick / 4 * 40, Paced::Card, 0.25);
        }
        let sound = bench.end(900);
        let left: Vec<f32> = sound.iter().step_by(2).copied().collect();
        assert!(left.iter().all(|s| *s == 0.25));
    }

    /// Where each side is after so long, in ms, when a card's clock is wrong by so much: a step in
    /// level told to both at the same moment.
    fn apart(ppm: f64) -> f64 {
        let mut bench = Bench::new(Sides::Stereo);
        let frames = 60_000;
        let change = 59_000;
        let real = |frame: u32| f64::from(frame) * 10.0;
        let level = |bench: &mut Bench, frame: u32| {
            let told = real(frame) / (1.0 + ppm * 1e-6);
            let level = if told >= real(change) { 0.5 } else { 0.25 };
            let at = bench.began + Duration::from_secs_f64(told / 1_000.0);
            bench.tap.push(Side::Near, at, Paced::Card, &[level; FRAME]);
        };
        let mut loud = [None; 2];
        let mut read = 0;
        for frame in 0..frames {
            level(&mut bench, frame);
            let far = if frame >= change { 0.5 } else { 0.25 };
            bench.push(Side::Far, frame * 10, Paced::Clock, far);
            bench.read(frame * 10);
            for (n, pair) in bench.sound.chunks_exact(2).enumerate() {
                for (loud, sample) in loud.iter_mut().zip(pair) {
                    if *sample > 0.4 {
                        loud.get_or_insert(read + n);
                    }
                }
            }
            read += bench.sound.len() / 2;
            bench.sound.clear();
        }
        let [Some(near), Some(far)] = loud else {
            panic!("the step was not heard: {loud:?}")
        };
        (near as f64 - far as f64) / 48.0
    }

    #[test]
    fn after_ten_minutes_of_drifting_clocks_both_sides_are_within_ten_milliseconds() {
        for ppm in [-200.0, 0.0, 200.0] {
            // Left alone, 200 ppm make 118 ms of them.
            let apart = apart(ppm);
            assert!(apart.abs() < 10.0, "{ppm}: {apart} ms");
        }
    }

    #[test]
    fn a_frame_from_nowhere_takes_no_room() {
        let mut bench = Bench::new(Sides::Stereo);
        bench.push(Side::Near, 3_600_000, Paced::Card, 0.25);
        bench.push(Side::Near, 10, Paced::Card, 0.25);
        bench.push(Side::Near, 3_600_000, Paced::Card, 0.25);
        bench.push(Side::Near, 20, Paced::Card, 0.25);
        let sound = bench.end(100);
        assert_eq!(sound.len(), 2 * 4_800);
        for (ms, level) in [(9, 0.0), (10, 0.25), (29, 0.25), (30, 0.0)] {
            assert_eq!(*at(&sound, 0, ms), level, "{ms}");
        }
    }
}
