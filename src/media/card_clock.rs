//! How far a sound card's clock is from the system's, learned from when its sound comes.
//!
//! A packet's RTP time counts samples (RFC 3550 section 5.1). Counted by the card alone it leaves
//! the wall clock behind, or runs ahead of it, by up to a second in an hour, and whoever listens
//! must cut or repeat sound to make up for it. Here is decided by how many millionths sound is to be
//! played faster or slower so that it does not.

use std::time::{Duration, Instant};

/// One update each second, from the average of what was seen in it: a card brings its sound in
/// portions, and the loop looks every 10 ms, so that a single look is off by either.
const SECOND: Duration = Duration::from_secs(1);

const MILLI: i64 = 1_000_000;

/// Parts per million for each millisecond of error, at once and for each second that it lasts: a
/// loop of the second order with a damping of 1, which follows 300 ppm with 10 ms of error at most
/// and none in the end, and wavers by 110 ppm over half a minute while a portion of 10 ms passes
/// from one look to the next. Nobody hears that.
const AT_ONCE: f64 = 22.0;
const EACH_SECOND: f64 = 0.12;

/// Nothing is done at first about less, or about less than a portion, so that sound stays as it is
/// to the bit where the clocks agree: there a portion may come just before each look or just behind
/// it.
const LEAST: i64 = 2 * MILLI;

/// More from one look to the next than this, and than a portion and a half, is no clock: sound was
/// lost, or time was let go.
const NOT_THE_CLOCKS: i64 = 15 * MILLI;

/// Nothing is owed beyond this: a card that is farther off than can be followed.
const MOST: i64 = 50 * MILLI;

/// As far as it goes: two poor sound cards are 300 ppm apart.
pub const FARTHEST_PPM: f64 = 1_000.0;

/// Learns by how much a card is faster than the system's clock.
#[derive(Debug, Default)]
pub struct CardClock {
    began_at: Option<Instant>,
    /// Excess that is not the clocks', in nanoseconds.
    passed_over: i64,
    /// The excess at the last look.
    last: Option<i64>,
    /// It is known that the clocks differ.
    differ: bool,
    sum: i64,
    looks: i64,
    update_at: Option<Instant>,
    learned: f64,
    ppm: f64,
}

impl CardClock {
    /// Takes note that `had` of sound has come since the beginning; the card brings `portion` at a
    /// time.
    pub fn observe(&mut self, now: Instant, had: Duration, portion: Duration) {
        let began_at = *self.began_at.get_or_insert(now);
        let update_at = *self.update_at.get_or_insert(now + SECOND);
        let passed = nanos(now.saturating_duration_since(began_at));
        let mut excess = nanos(had) - passed - self.passed_over;
        let step = excess - self.last.unwrap_or(excess);
        if step.abs() > NOT_THE_CLOCKS.max(nanos(portion) * 3 / 2) {
            self.passed_over += step;
            excess -= step;
        }
        self.last = Some(excess);
        self.sum += excess;
        self.looks += 1;
        if now >= update_at {
            let mean = self.sum / self.looks;
            (self.sum, self.looks, self.update_at) = (0, 0, Some(now + SECOND));
            self.update(mean, passed < nanos(SECOND) * 3 / 2, nanos(portion));
        }
    }

    fn update(&mut self, mean: i64, first: bool, portion: i64) {
        // Where it begins is where it is to stay.
        let aim = if first { 0 } else { mean.clamp(-MOST, MOST) };
        self.passed_over += mean - aim;
        self.last = self.last.map(|last| last - (mean - aim));
        self.differ |= aim.abs() > LEAST.max(portion.min(MOST / 2));
        if self.differ {
            let error = aim as f64 / MILLI as f64;
            self.learned = (self.learned + error * EACH_SECOND).clamp(-FARTHEST_PPM, FARTHEST_PPM);
            self.ppm = (self.learned + error * AT_ONCE).clamp(-FARTHEST_PPM, FARTHEST_PPM);
        }
    }

    /// By so many parts per million its sound is to be played faster; below zero, slower.
    #[must_use]
    pub fn ppm(&self) -> f64 {
        self.ppm
    }
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Card {
        clock: CardClock,
        start: Instant,
        /// In ppm of the system's.
        fast: f64,
        portion: f64,
        /// Seconds.
        at: f64,
        /// Played, by the system's clock, in seconds.
        played: f64,
        /// What else has come or was lost.
        extra: f64,
    }

    impl Card {
        #[expect(
            clippy::disallowed_methods,
            reason = "any instant will do as the beginning of time"
        )]
        fn new(fast: f64, portion: f64) -> Card {
            Card {
                clock: CardClock::default(),
                start: Instant::now(),
                fast,
                portion,
                at: 0.0,
                played: 0.0,
                extra: 0.0,
            }
        }

        /// So many seconds pass. Answers by how much what was made of the card's sound is longer
        /// than the time that passed, at the worst to either side, in milliseconds.
        fn pass(&mut self, seconds: f64) -> (f64, f64) {
            let (mut least, mut most) = (f64::MAX, f64::MIN);
            let ticks = (seconds * 100.0) as usize;
            for _ in 0..ticks {
                self.at += 0.01;
                // All that has come is played at once, at the speed of the moment.
                let speed = 1.0 + self.clock.ppm() * 1e-6;
                self.played += 0.01 * (1.0 + self.fast * 1e-6) / speed;
                let exact = self.played + self.extra;
                let had = (exact / self.portion).floor() * self.portion;
                let now = self.start + Duration::from_secs_f64(self.at);
                let portion = Duration::from_secs_f64(self.portion);
                self.clock
                    .observe(now, Duration::from_secs_f64(had.max(0.0)), portion);
                let off = (self.played - self.at) * 1_000.0;
                (least, most) = (least.min(off), most.max(off));
            }
            (least, most)
        }
    }

    #[test]
    fn clocks_that_agree_are_left_alone() {
        let mut card = Card::new(0.0, 0.01);
        card.pass(600.0);
        assert!(card.clock.ppm() == 0.0, "{}", card.clock.ppm());
    }

    #[test]
    fn three_hundred_millionths_are_followed_whatever_the_card_brings_at_a_time() {
        for fast in [300.0, -300.0, 30.0, 900.0] {
            for portion in [0.002, 0.01, 0.021_333, 0.064] {
                let mut card = Card::new(fast, portion);
                let (least, most) = card.pass(300.0);
                let far = 6.0 + fast.abs() / 30.0 + 2_000.0 * portion;
                assert!(
                    -far < least && most < far,
                    "{fast} {portion}: {least} {most}"
                );
                // And from then on it keeps its distance.
                card.pass(900.0);
                let (least, most) = card.pass(3_600.0);
                let wavers = 2.0 + portion * 1_000.0;
                assert!(most - least < wavers, "{fast} {portion}: {least} {most}");
                let mean = (card.clock.learned - fast).abs();
                assert!(mean < 60.0, "{fast} {portion}: {}", card.clock.learned);
            }
        }
    }

    #[test]
    fn sound_that_was_lost_is_not_held_against_the_clock() {
        let mut card = Card::new(0.0, 0.01);
        card.pass(10.0);
        for lost in [-0.3, 0.4, -2.0] {
            card.extra += lost;
            card.pass(60.0);
            assert!(card.clock.ppm() == 0.0, "{lost}: {}", card.clock.ppm());
        }
    }

    #[test]
    fn a_card_that_is_worse_than_any_is_followed_as_far_as_it_goes() {
        for fast in [20_000.0, -20_000.0] {
            let mut card = Card::new(fast, 0.01);
            card.pass(600.0);
            assert!(card.clock.ppm().abs() <= FARTHEST_PPM);
            // Nothing is owed for the time in which it was so.
            card.fast = 0.0;
            card.pass(600.0);
            assert!(card.clock.ppm().abs() < 300.0, "{}", card.clock.ppm());
        }
    }
}
