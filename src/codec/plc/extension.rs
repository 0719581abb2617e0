//! Going on with a sound from what was heard of it.
//!
//! Two guesses are averaged, since their errors have little in common: a prediction filter of high
//! order, which carries every harmonic on by itself, and the last pitch period of the excitation,
//! repeated through the envelope of the spectrum, with noise in the place of what is not voiced.

use std::time::Duration;

use super::background::Background;
use super::line::Line;
use super::period::{Period, Scores, Search};
use super::predict::{Predictor, dot, power};
use crate::units::SampleRate;

/// Share of the high-order prediction in the average. Between 0.4 and 0.6 PESQ hardly changes;
/// either alone is 0.03 to 0.07 worse at 10% loss.
const LONG_SHARE: f32 = 0.45;

/// Likeness of the last two periods from which on, and over how much more, a sound is voiced.
const VOICED_ABOVE: f32 = 0.35;
const VOICED_OVER: f32 = 0.35;

/// How loud the noise of what is unvoiced is: a wrong noise is heard more than one too faint.
const NOISE_SHARE: f32 = 0.5;

/// From here to [`SILENT_AFTER`] a guess fades into the background.
const FULL_UNTIL: Duration = Duration::from_millis(60);
const SILENT_AFTER: Duration = Duration::from_millis(140);

/// What is heard of the sound before: this long at most.
pub(super) const CONTEXT: Duration = Duration::from_millis(40);

/// Makes the continuation of a sound, as far as it is asked for. Allocates only when made.
#[derive(Debug)]
pub(super) struct Extension {
    search: Search,
    full_until: usize,
    silent_after: usize,
    envelope_window: usize,
    noise_window: usize,
    scores: Scores,
    period: Period,
    /// Share of the periodic excitation, and level of the noise beside it.
    voiced: f32,
    noise: f32,
    long: Vec<f32>,
    long_made: Line,
    short: Vec<f32>,
    short_made: Line,
    excitation: Line,
    /// No louder than this.
    ceiling: f32,
    random: u32,
    /// Age of the guess at the next sample.
    age: usize,
    /// Made, and not yet taken.
    ahead: Vec<f32>,
}

impl Extension {
    /// One that can look ahead by `farthest` samples.
    pub(super) fn new(rate: SampleRate, farthest: usize) -> Extension {
        let samples = |micros: u64| rate.samples_in(Duration::from_micros(micros));
        let wide = rate > SampleRate::NARROW;
        let short = if wide { 24 } else { 16 };
        let search = Search {
            // 400 Hz to 59 Hz.
            shortest: samples(2_500),
            longest: samples(16_875),
            window: samples(13_750),
        };
        Extension {
            search,
            full_until: rate.samples_in(FULL_UNTIL),
            silent_after: rate.samples_in(SILENT_AFTER),
            envelope_window: samples(30_000),
            noise_window: samples(20_000),
            scores: Vec::with_capacity(search.longest),
            period: Period {
                lag: search.shortest as f32,
                likeness: 0.0,
            },
            voiced: 0.0,
            noise: 0.0,
            long: vec![0.0; samples(12_500)],
            long_made: Line::new(samples(12_500)),
            short: vec![0.0; short],
            short_made: Line::new(short),
            excitation: Line::new(rate.samples_in(CONTEXT)),
            ceiling: 0.0,
            random: 0x2545_f491,
            age: 0,
            ahead: Vec::with_capacity(farthest),
        }
    }

    /// Goes on from the end of `heard`, which is [`CONTEXT`] long at most, with a guess that is
    /// `age` samples old already. `expected` is a period believed in for other reasons.
    pub(super) fn begin(
        &mut self,
        heard: &[f32],
        age: usize,
        expected: Option<Period>,
        predictor: &mut Predictor,
    ) {
        self.age = age;
        self.ahead.clear();
        self.period = match expected {
            Some(expected) => self.search.period_near(heard, expected, &mut self.scores),
            None => self.search.period(heard, &mut self.scores),
        };
        self.ceiling = heard.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        predictor.harmonics(heard, &mut self.long);
        self.long_made.set(heard);
        let end = heard.len();
        predictor.envelope(
            &heard[end.saturating_sub(self.envelope_window)..],
            &mut self.short,
        );
        self.short_made.set(heard);
        self.excitation.set(&[]);
        let order = self.short.len();
        for (next, before) in heard.iter().skip(order).zip(heard.windows(order)) {
            self.excitation.push(next - dot(&self.short, before));
        }
        let known = end.saturating_sub(order).min(self.noise_window);
        self.noise = power(self.excitation.last(known)).sqrt();
        self.voiced = ((self.period.likeness - VOICED_ABOVE) / VOICED_OVER).clamp(0.0, 1.0);
    }

    pub(super) fn period(&self) -> Period {
        self.period
    }

    /// The next `count` samples, which stay to be taken.
    pub(super) fn peek(&mut self, count: usize, background: &mut Background) -> &[f32] {
        while self.ahead.len() < count {
            let sample = self.next(background);
            self.ahead.push(sample);
        }
        &self.ahead[..count]
    }

    /// Fills `sound` with the next samples.
    pub(super) fn take(&mut self, sound: &mut [f32], background: &mut Background) {
        let ready = self.ahead.len().min(sound.len());
        let (first, rest) = sound.split_at_mut(ready);
        first.copy_from_slice(&self.ahead[..ready]);
        self.ahead.drain(..ready);
        for sample in rest {
            *sample = self.next(background);
        }
    }

    fn next(&mut self, background: &mut Background) -> f32 {
        let gone = self.age.saturating_sub(self.full_until) as f32;
        let fade = 1.0 - gone / (self.silent_after - self.full_until) as f32;
        self.age = self.age.saturating_add(1);
        if fade <= 0.0 {
            return background.next(self.white());
        }
        let long = dot(&self.long, self.long_made.recent());
        let long = long.clamp(-self.ceiling, self.ceiling);
        self.long_made.push(long);
        let share = (1.0 - self.voiced * self.voiced).sqrt() * NOISE_SHARE;
        let excitation = self.voiced * between(self.excitation.recent(), self.period.lag)
            + share * self.noise * self.white();
        self.excitation.push(excitation);
        let short = excitation + dot(&self.short, self.short_made.recent());
        let short = short.clamp(-self.ceiling, self.ceiling);
        self.short_made.push(short);
        let sample = LONG_SHARE * long + (1.0 - LONG_SHARE) * short;
        if fade >= 1.0 {
            sample
        } else {
            let room = background.next(self.white()) * (1.0 - fade * fade).sqrt();
            (sample * fade + room).clamp(-1.0, 1.0)
        }
    }

    /// Evenly distributed noise of power 1.
    fn white(&mut self) -> f32 {
        self.random = self
            .random
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        ((self.random >> 8) as f32 / 8_388_608.0 - 1.0) * 1.732
    }
}

/// The sample `lag` before the one behind the end of `line`, between two if need be.
fn between(line: &[f32], lag: f32) -> f32 {
    at_place(line, line.len() as f32 - lag)
}

/// The value of `line` at `place`, by a cubic through the four samples around it.
pub(super) fn at_place(line: &[f32], place: f32) -> f32 {
    let whole = place.max(0.0).floor();
    let part = place - whole;
    let index = whole as usize;
    let at = |index: usize| line.get(index).or(line.last()).copied().unwrap_or(0.0);
    let (a, b) = (at(index.saturating_sub(1)), at(index));
    let (c, d) = (at(index + 1), at(index + 2));
    let curve = 2.0 * a - 5.0 * b + 4.0 * c - d + part * (3.0 * (b - c) + d - a);
    b + 0.5 * part * (c - a + part * curve)
}
