//! Whether echo is cancelled, and where it is looked for.

use super::path::PathMeter;
use super::queue::RenderQueue;
use crate::voice::FRAME;
use crate::voice::report::{EchoPath, EchoState};
use crate::voice::settings::EchoChoice;

/// An echo stronger than this is cancelled, in dB against what was played.
const STRONG_DB: f32 = -25.0;

/// A weaker one is not: cancelling would take more from the voice than from the echo.
const WEAK_DB: f32 = -29.0;

/// Frames of the loudspeaker that a weak echo may come from: what was played waits in queues, and
/// the room rings on.
const RINGS: usize = 40;

/// An echo may be so much stronger for a moment than its path is over all: 6 dB.
const FOR_A_MOMENT: f32 = 4.0;

/// Frames in a row in which the canceller does harm, after which the path is another one.
const HARM: u32 = 15;

/// What takes echo out of a frame. Frames of the loudspeaker and of the microphone come in pairs.
pub(crate) trait Canceller: std::fmt::Debug + Send {
    /// Takes a frame of what is played.
    fn render(&mut self, frame: &[f32; FRAME]);
    /// Estimates the echo in the frame of the microphone that belongs to it.
    fn cancel(&mut self, microphone: &[f32; FRAME], echo: &mut [f32; FRAME]);
    /// The first sound comes back so many samples late.
    fn place(&mut self, first: usize);
    /// What is played is told so many frames later than before.
    fn shift(&mut self, frames: isize);
    /// The path is another one.
    fn forget(&mut self);
}

/// The echo's side of the chain.
#[derive(Debug)]
pub(crate) struct Echo {
    canceller: Box<dyn Canceller>,
    meter: PathMeter,
    queue: RenderQueue,
    state: EchoState,
    choice: EchoChoice,
    headset: bool,
    played: Box<[f32; FRAME]>,
    /// Mean powers of the last frames played, round and round.
    loud: [f32; RINGS],
    at: usize,
    /// Power of the microphone and of what is left of it, smoothed.
    powers: [f32; 2],
    harm: u32,
    /// The path was forgotten; the next in the chain is to forget too.
    forgot: bool,
}

impl Echo {
    pub(crate) fn new(canceller: Box<dyn Canceller>, choice: EchoChoice, headset: bool) -> Echo {
        let mut echo = Echo {
            canceller,
            meter: PathMeter::new(),
            queue: RenderQueue::new(),
            state: EchoState::Off,
            choice,
            headset,
            played: Box::new([0.0; FRAME]),
            loud: [0.0; RINGS],
            at: 0,
            powers: [0.0; 2],
            harm: 0,
            forgot: false,
        };
        echo.decide();
        echo
    }

    pub(crate) fn set(&mut self, choice: EchoChoice) {
        self.choice = choice;
        self.decide();
    }

    pub(crate) fn state(&self) -> EchoState {
        self.state
    }

    pub(crate) fn path(&self) -> Option<EchoPath> {
        self.meter.found().path
    }

    /// Whether the path was forgotten since this was asked last.
    pub(crate) fn take_forgot(&mut self) -> bool {
        std::mem::take(&mut self.forgot)
    }

    pub(crate) fn render(&mut self, frame: &[f32; FRAME]) {
        if self.choice != EchoChoice::Off {
            self.queue.push(frame);
        }
    }

    /// Estimates the echo in a frame of the microphone. Answers whether it is to be taken out.
    pub(crate) fn estimate(&mut self, microphone: &[f32; FRAME], echo: &mut [f32; FRAME]) -> bool {
        if self.choice == EchoChoice::Off {
            return false;
        }
        self.queue.pop(&mut self.played);
        let shift = self.queue.take_shift();
        if shift != 0 {
            self.canceller.shift(shift);
            self.meter.shift(shift);
        }
        self.meter.observe(&self.played, microphone);
        self.loud[self.at] = self.played.iter().map(|s| s * s).sum::<f32>() / FRAME as f32;
        self.at = (self.at + 1) % RINGS;
        self.decide();
        self.canceller.render(&self.played);
        if !self.state.is_cancelling() {
            return false;
        }
        if let Some(path) = self.path()
            && path.strength_db > WEAK_DB
        {
            let first = path.delay.as_secs_f32() * 100.0 * FRAME as f32;
            self.canceller.place(first as usize);
        }
        self.canceller.cancel(microphone, echo);
        self.watch(microphone, echo);
        true
    }

    /// Whether a frame of the microphone of this mean power may be nothing but echo that is let
    /// through.
    pub(crate) fn may_be(&self, power: f32) -> bool {
        if self.choice == EchoChoice::Off {
            return false;
        }
        let loudest = self.loud.iter().copied().fold(0.0, f32::max);
        self.path().is_some_and(|path| {
            power < FOR_A_MOMENT * loudest * 10.0_f32.powf(path.strength_db / 10.0)
        })
    }

    /// A canceller that adds sound instead of taking some away holds a path that is no more.
    fn watch(&mut self, microphone: &[f32; FRAME], echo: &[f32; FRAME]) {
        let (mut whole, mut left) = (0.0, 0.0);
        for (sample, echo) in microphone.iter().zip(echo) {
            whole += sample * sample;
            left += (sample - echo) * (sample - echo);
        }
        for (power, new) in self.powers.iter_mut().zip([whole, left]) {
            *power = 0.85 * *power + 0.15 * new;
        }
        let harmful = self.powers[1] > 1.3 * self.powers[0] + 1e-4;
        self.harm = if harmful { self.harm + 1 } else { 0 };
        if self.harm > HARM {
            self.harm = 0;
            self.canceller.forget();
            self.forgot = true;
        }
    }

    fn decide(&mut self) {
        let found = self.meter.found();
        self.state = match self.choice {
            EchoChoice::Off => EchoState::Off,
            EchoChoice::On => EchoState::Always,
            EchoChoice::Auto if !found.certain && self.headset => EchoState::AssumedNone,
            EchoChoice::Auto if !found.certain => EchoState::AssumedSome,
            EchoChoice::Auto => match (found.path, self.state) {
                // Once it was found weak, it takes more to be believed again.
                (Some(path), state)
                    if path.strength_db > STRONG_DB
                        && (found.steady || state != EchoState::Weak) =>
                {
                    EchoState::Cancelling
                }
                (Some(path), EchoState::Cancelling) if path.strength_db > WEAK_DB => {
                    EchoState::Cancelling
                }
                _ => EchoState::Weak,
            },
        };
    }
}
