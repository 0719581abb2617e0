//! Sound in the place of what was lost, for codecs that have no way of their own.
//!
//! A gap is bridged from both of its sides where the packet behind it is at hand: a guess from
//! before it and one backwards from behind it are put in phase and fade into each other. Where it
//! is not, the sound goes on by itself, and what comes next is merged with it. From 60 ms on a
//! guess fades into noise like that of the talker's room, and is nothing else after 140 ms.
//!
//! Against G.711 appendix I (a repeated pitch period, silent after 60 ms), which this is to
//! improve upon, nothing is delayed either.

mod background;
mod bridge;
mod extension;
mod line;
mod period;
mod predict;

use std::time::Duration;

use crate::units::SampleRate;
use background::Background;
use bridge::Side;
use extension::{CONTEXT, Extension};
use line::Line;
use predict::{Predictor, likeness};

/// The longest gap that is bridged from both sides; of a longer one the end.
const LONGEST_BRIDGE: Duration = Duration::from_millis(40);

/// The shortest: a shorter one is drawn out into the sound behind it.
const SHORTEST_BRIDGE: Duration = Duration::from_millis(5);

/// Sound behind a gap that is too short to tell anything.
const SHORTEST_BEHIND: Duration = Duration::from_millis(5);

/// How much beyond its end two sides are compared, besides one period.
const OVERLAP: Duration = Duration::from_millis(5);

/// A guess grown old has less to say about the end of its gap: done after this share of it.
const FADE_WHEN_OLD: f32 = 0.6;

/// Crossfade from an open end to real sound: more the more alike they are.
const SHORTEST_MERGE: Duration = Duration::from_micros(2_500);
const LONGEST_MERGE: Duration = Duration::from_micros(8_500);

/// What a guess and real sound are compared over, to that end.
const COMPARED: Duration = Duration::from_millis(5);

/// Listens to what is played, and continues it when asked. Allocates only when made.
#[derive(Debug)]
pub struct Concealer {
    rate: SampleRate,
    /// What was played last, guesses included.
    heard: Line,
    forward: Extension,
    backward: Extension,
    background: Background,
    predictor: Predictor,
    /// The sound behind a gap, turned round.
    behind: Vec<f32>,
    /// The gap being filled, and what it goes on with behind its end.
    bridge: Vec<f32>,
    gap: Option<Gap>,
}

/// A gap being filled.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// Samples made up so far.
    made: usize,
    end: End,
}

/// How a gap stands at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// The guess goes on.
    Open,
    /// It led to the sound behind it, and into so many samples of that, the last of the bridge.
    Bridged(usize),
}

impl Concealer {
    /// A concealer with silence behind it.
    #[must_use]
    pub fn new(rate: SampleRate) -> Concealer {
        let context = rate.samples_in(CONTEXT);
        let longest = 2 * rate.samples_in(LONGEST_BRIDGE);
        Concealer {
            rate,
            heard: Line::new(context),
            forward: Extension::new(rate, 2 * longest),
            backward: Extension::new(rate, 2 * longest),
            background: Background::new(rate),
            predictor: Predictor::new(context, context / 2),
            behind: Vec::with_capacity(context),
            bridge: Vec::with_capacity(longest),
            gap: None,
        }
    }

    /// Takes note of decoded sound; behind a gap, fades it in over what the gap was filled with.
    pub fn accept(&mut self, sound: &mut [f32]) {
        if sound.is_empty() {
            return;
        }
        self.background.observe(sound);
        match self.gap.take().map(|gap| gap.end) {
            None => {}
            Some(End::Open) => self.merge(sound),
            Some(End::Bridged(into)) => {
                let start = self.bridge.len().saturating_sub(into);
                fade_in(sound, &self.bridge[start..]);
            }
        }
        self.heard.extend(sound);
    }

    /// Fills `sound`, of any length, with the continuation of what was played.
    pub fn conceal(&mut self, sound: &mut [f32]) {
        if sound.is_empty() {
            return;
        }
        let made = self.open();
        self.forward.take(sound, &mut self.background);
        self.heard.extend(sound);
        self.gap = Some(Gap {
            made: made.saturating_add(sound.len()),
            end: End::Open,
        });
    }

    /// Fills `sound`, of any length, with a way from what was played to `next`, the sound right
    /// behind it. Give [`Concealer::accept`] the same sound, in full, afterwards.
    ///
    /// `unsure` is how much of the beginning of `next` is to be doubted and blended over.
    pub fn conceal_towards(&mut self, sound: &mut [f32], next: &[f32], unsure: Duration) {
        let least = self.rate.samples_in(SHORTEST_BRIDGE);
        let into = self.rate.samples_in(unsure.min(SHORTEST_BRIDGE));
        let into = into.max(least.saturating_sub(sound.len()));
        let known = next.get(into..).unwrap_or_default();
        if known.len() < self.rate.samples_in(SHORTEST_BEHIND) || sound.is_empty() {
            return self.conceal(sound);
        }
        let longest = self.rate.samples_in(LONGEST_BRIDGE);
        let (early, sound) = sound.split_at_mut(sound.len().saturating_sub(longest));
        self.conceal(early);
        let made = self.open();
        self.span(sound.len() + into, known, made);
        sound.copy_from_slice(&self.bridge[..sound.len()]);
        self.heard.extend(sound);
        self.gap = Some(Gap {
            made: made.saturating_add(sound.len()),
            end: End::Bridged(into),
        });
    }

    /// How the guess goes on behind what was made of it: `count` samples, 80 ms at most, and where
    /// it led to the sound behind the gap no more than it led into that.
    pub(super) fn guess(&mut self, count: usize) -> &[f32] {
        if let Some(Gap {
            end: End::Bridged(into),
            ..
        }) = self.gap
        {
            let start = self.bridge.len().saturating_sub(into);
            return &self.bridge[start..start + into.min(count)];
        }
        let made = self.open();
        self.gap = Some(Gap {
            made,
            end: End::Open,
        });
        self.forward.peek(count, &mut self.background)
    }

    /// The last `count` samples played, 40 ms at most.
    pub(super) fn heard(&self, count: usize) -> &[f32] {
        self.heard.last(count)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.heard.set(&[]);
        self.background.reset();
        self.gap = None;
    }

    /// Makes sure that there is a guess that goes on from what was heard last; answers how many
    /// samples of the gap there are.
    fn open(&mut self) -> usize {
        let made = match self.gap {
            Some(gap) if gap.end == End::Open => return gap.made,
            Some(gap) => gap.made,
            None => 0,
        };
        let (heard, predictor) = (self.heard.recent(), &mut self.predictor);
        self.background.begin(predictor);
        self.forward.begin(heard, made, None, predictor);
        made
    }

    /// Fills the bridge, `length` long, from both sides.
    fn span(&mut self, length: usize, known: &[f32], made: usize) {
        let known = &known[..known.len().min(self.rate.samples_in(CONTEXT))];
        self.behind.clear();
        self.behind.extend(known.iter().rev());
        let before = self.forward.period();
        self.backward
            .begin(&self.behind, 0, Some(before), &mut self.predictor);
        let voiced = bridge::voiced(before, self.backward.period());
        let reach = bridge::reach(before, length);
        let compared = before.lag as usize + self.rate.samples_in(OVERLAP);
        let farthest = length + reach + compared;
        let forward = self.forward.peek(farthest, &mut self.background);
        let backward = self.backward.peek(farthest, &mut self.background);
        let (mut on, mut back) = (0, 0);
        if voiced {
            let beyond = &known[..compared.min(known.len())];
            on = bridge::phase_shift(forward, length, beyond, reach);
            self.behind.clear();
            self.behind.extend(self.heard.last(compared).iter().rev());
            back = bridge::phase_shift(backward, length, &self.behind, reach);
        }
        self.bridge.clear();
        self.bridge.resize(length, 0.0);
        let fade = if made > 0 { FADE_WHEN_OLD } else { 1.0 };
        bridge::join(
            Side {
                guess: forward,
                shift: on,
            },
            Side {
                guess: backward,
                shift: back,
            },
            fade,
            &mut self.bridge,
        );
    }

    /// Fades `sound` in over the guess that led to it by chance.
    fn merge(&mut self, sound: &mut [f32]) {
        let shortest = self.rate.samples_in(SHORTEST_MERGE);
        let longest = self.rate.samples_in(LONGEST_MERGE);
        let guess = self.forward.peek(longest, &mut self.background);
        let compared = self.rate.samples_in(COMPARED).min(sound.len());
        let alike = likeness(&guess[..compared], &sound[..compared]);
        let share = ((alike - 0.5) / 0.4).clamp(0.0, 1.0);
        let length = shortest + ((longest - shortest) as f32 * share) as usize;
        fade_in(sound, &guess[..length]);
    }
}

/// Fades `sound` in over `guess`, as far as both reach.
fn fade_in(sound: &mut [f32], guess: &[f32]) {
    let length = sound.len().min(guess.len());
    for (index, (sample, guess)) in sound.iter_mut().zip(guess).enumerate() {
        let share = (index + 1) as f32 / (length + 1) as f32;
        *sample = *sample * share + guess * (1.0 - share);
    }
}

#[cfg(test)]
mod tests;
