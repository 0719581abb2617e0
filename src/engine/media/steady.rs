//! The microphone's sound by the system's clock: no card's is quite right, and packets count time by
//! its samples.
//!
//! Behind the voice chain and not before it: what the echo canceller compares, loudspeaker and
//! microphone, are on most computers one card with one clock, and are left so.

use std::time::{Duration, Instant};

use crate::jitter::Interpolator;
use crate::media::card_clock::CardClock;
use crate::units::SampleRate;

const TICK: Duration = Duration::from_millis(10);

/// Frames of 10 ms there is room for.
const ROOM: usize = 4;

/// Takes 10 ms of the card's at a time and gives 10 ms of the system's, now and then none or two.
/// To the bit and at once while the clocks agree. Allocates only when the rate is another.
pub(super) struct Steady {
    clock: CardClock,
    /// Frames that were given, or stood in for.
    given: u64,
    stream: Option<Stream>,
}

struct Stream {
    rate: SampleRate,
    interpolator: Interpolator,
    /// Sound that waits, and how much of it there is.
    waiting: Box<[f32]>,
    length: usize,
    frame: Box<[f32]>,
}

impl Steady {
    pub(super) fn new() -> Steady {
        Steady {
            clock: CardClock::default(),
            given: 0,
            stream: None,
        }
    }

    /// There is no microphone, or nobody it is for: another card, or another call, begins anew.
    pub(super) fn rest(&mut self) {
        self.clock = CardClock::default();
        self.given = 0;
        if let Some(stream) = &mut self.stream {
            stream.length = 0;
            stream.interpolator.reset();
            stream.interpolator.set_speed(0.0);
        }
    }

    /// So many frames of silence went out in the microphone's place.
    pub(super) fn stand_in(&mut self, frames: usize) {
        self.given += frames as u64;
    }

    /// All that came up to now has been taken, but for `waiting`. The card brings `portion` at a
    /// time.
    pub(super) fn observe(&mut self, now: Instant, waiting: Duration, portion: Duration) {
        let had = Duration::from_millis(self.given * 10) + waiting + self.held();
        self.clock.observe(now, had, portion);
        if let Some(stream) = &mut self.stream {
            stream.interpolator.set_speed(self.clock.ppm());
        }
    }

    /// Takes 10 ms; [`Steady::next`] gives what became of them.
    pub(super) fn push(&mut self, rate: SampleRate, sound: &[f32]) {
        if self
            .stream
            .as_ref()
            .is_none_or(|stream| stream.rate != rate)
        {
            self.stream = Some(Stream::new(rate, self.clock.ppm()));
        }
        if let Some(stream) = &mut self.stream {
            let room = stream.waiting.len() - stream.length;
            let taken = sound.len().min(room);
            stream.waiting[stream.length..][..taken].copy_from_slice(&sound[..taken]);
            stream.length += taken;
        }
    }

    /// The next 10 ms and their rate.
    pub(super) fn next(&mut self) -> Option<(SampleRate, &[f32])> {
        let stream = self.stream.as_mut()?;
        let wanted = stream.interpolator.wants(stream.frame.len());
        if wanted > stream.length {
            return None;
        }
        let taken = stream
            .interpolator
            .fill(&stream.waiting[..wanted], &mut stream.frame);
        stream.waiting.copy_within(taken..stream.length, 0);
        stream.length -= taken;
        self.given += 1;
        Some((stream.rate, &stream.frame))
    }

    /// How much sound waits here.
    pub(super) fn held(&self) -> Duration {
        let held = |stream: &Stream| {
            let samples = stream.length + stream.interpolator.held();
            stream.rate.duration_of(samples as u64)
        };
        self.stream.as_ref().map_or(Duration::ZERO, held)
    }
}

impl Stream {
    fn new(rate: SampleRate, ppm: f64) -> Stream {
        let frame = rate.samples_in(TICK).max(1);
        let mut interpolator = Interpolator::new(rate);
        interpolator.set_speed(ppm);
        Stream {
            rate,
            interpolator,
            waiting: vec![0.0; ROOM * frame].into(),
            length: 0,
            frame: vec![0.0; frame].into(),
        }
    }
}

#[cfg(test)]
#[path = "steady_tests.rs"]
mod tests;
