//! When sound is to be made shorter or longer, to bring the delay to where it should be.
//!
//! In a pause nobody hears it, and all of it can be done at once; so it waits for one, as long as
//! that can be borne: for a long one first, then for any that is longer than a consonant. A word that
//! is said faster or slower is heard, if only a little.

use std::time::Duration;

use super::delay::MILLI;
use crate::units::SampleRate;

/// Excess of delay at which a pause is made shorter.
const TRIM_PAUSE_ABOVE: i64 = 10 * MILLI;

/// Excess at which speech is shortened if no pause comes for [`PATIENCE`], and at which it is not
/// waited for one.
const SHORTEN_ABOVE: i64 = 30 * MILLI;
const SHORTEN_AT_ONCE_ABOVE: i64 = 300 * MILLI;

/// Pulls for which excess waits for a long pause, and for which it is borne in speech: 3 and 8 s, or
/// 1 and 5 s if it is [`MUCH`].
const PATIENCE: Patience = Patience {
    for_long: 300,
    for_any: 800,
};
const LITTLE_PATIENCE: Patience = Patience {
    for_long: 100,
    for_any: 500,
};
const MUCH: i64 = 100 * MILLI;

#[derive(Clone, Copy, Debug)]
struct Patience {
    for_long: u32,
    for_any: u32,
}

/// Lack of delay at which a pause, and at which speech, is made longer.
const PAD_PAUSE_BELOW: i64 = -10 * MILLI;
const LENGTHEN_BELOW: i64 = -40 * MILLI;

/// Lack at which either is made longer while packets are repaired: less than the look-ahead, or
/// the next packet would never be at hand.
const REPAIR_BELOW: i64 = -5 * MILLI;

/// Pulls between two changes of speech, usually and in a hurry.
const REST: u32 = 12;
const SHORT_REST: u32 = 4;

/// So many pulls it must have been quiet for it to be a pause, and not a consonant; and for it to be
/// one between words, where nobody knows how long it was.
const PAUSE_BEGINS: u32 = 3;
const LONG_PAUSE_BEGINS: u32 = 10;

/// What is kept of a pause before speech begins again.
const BEFORE_SPEECH: Duration = Duration::from_millis(10);

/// A packet so late is held up by something that takes longer: so much more, as a rule.
const HELD_UP: i64 = 60 * MILLI;
const LONGER: i64 = 45 * MILLI;

/// The excess to act upon while the next packet is `overdue` and there is `level` of delay: a pause
/// that happens to be here is better drawn out than the word behind it torn apart, and nothing is
/// left out now. Where packets are `usual`ly late, that much of it means nothing. All in nanoseconds.
pub(super) fn foresee(excess: i64, level: i64, overdue: i64, usual: i64) -> i64 {
    if overdue - usual <= HELD_UP {
        return excess;
    }
    let wanted = overdue + LONGER;
    // In speech nothing is to be done about it.
    excess.min((level - wanted).clamp(LENGTHEN_BELOW, 0))
}

/// What is to be done about the delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    Nothing,
    /// Leave out up to so much of the pause, in nanoseconds.
    TrimPause(i64),
    /// Make the pause longer by so much.
    PadPause(i64),
    /// Leave out a period of speech.
    Shorten,
    /// Say a period of speech twice.
    Lengthen,
}

/// Decides when the length of sound is changed.
#[derive(Debug, Default)]
pub(super) struct Pace {
    loudness: Loudness,
    /// Pulls until speech may be changed again.
    rest: u32,
    /// Pulls since the delay was right, if it is not.
    wrong: Option<u32>,
    /// Pulls for which it has been quiet.
    quiet: u32,
}

impl Pace {
    /// Takes note of 10 ms that are heard now.
    pub(super) fn heard(&mut self, sound: &[f32]) {
        self.loudness.observe(sound);
        self.quiet = if power(sound) < self.loudness.limit() {
            self.quiet.saturating_add(1)
        } else {
            0
        };
        self.rest = self.rest.saturating_sub(1);
        self.wrong = self.wrong.map(|pulls| pulls.saturating_add(1));
    }

    /// What to do when there is so much more delay, in nanoseconds, than there should be, or
    /// less; `coming` is what will be heard next, `repairing` says that the next packet is wanted
    /// at hand.
    pub(super) fn decide(
        &mut self,
        excess: i64,
        coming: &[f32],
        rate: SampleRate,
        repairing: bool,
    ) -> Change {
        let (pad_below, lengthen_below) = if repairing {
            (REPAIR_BELOW, REPAIR_BELOW)
        } else {
            (PAD_PAUSE_BELOW, LENGTHEN_BELOW)
        };
        if (pad_below..=TRIM_PAUSE_ABOVE).contains(&excess) {
            self.wrong = None;
            return Change::Nothing;
        }
        let wrong = *self.wrong.get_or_insert(0);
        let patience = if excess > MUCH {
            LITTLE_PATIENCE
        } else {
            PATIENCE
        };
        // What is lacking may stop the sound; what is too much can wait.
        let begins = if excess < 0 || wrong >= patience.for_long {
            PAUSE_BEGINS
        } else {
            LONG_PAUSE_BEGINS
        };
        if self.quiet >= begins && self.pause_in(coming, rate) > 0 {
            return if excess > 0 {
                Change::TrimPause(excess)
            } else {
                Change::PadPause(-excess)
            };
        }
        if self.rest > 0 {
            return Change::Nothing;
        }
        let overdue = excess > SHORTEN_ABOVE && wrong >= patience.for_any;
        if overdue || excess > SHORTEN_AT_ONCE_ABOVE {
            Change::Shorten
        } else if excess < lengthen_below {
            Change::Lengthen
        } else {
            Change::Nothing
        }
    }

    /// Samples at the beginning of `coming` that are a pause and may be changed.
    pub(super) fn pause_in(&self, coming: &[f32], rate: SampleRate) -> usize {
        let piece = rate.samples_in(Duration::from_millis(5)).max(1);
        let limit = self.loudness.limit();
        let quiet = coming
            .chunks_exact(piece)
            .take_while(|piece| power(piece) < limit)
            .count()
            * piece;
        if quiet + piece > coming.len() {
            return quiet;
        }
        quiet.saturating_sub(rate.samples_in(BEFORE_SPEECH))
    }

    /// Speech was changed while there was so much excess.
    pub(super) fn changed(&mut self, excess: i64) {
        self.rest = if excess.abs() > SHORTEN_AT_ONCE_ABOVE {
            SHORT_REST
        } else {
            REST
        };
    }

    /// Another stream begins.
    pub(super) fn reset(&mut self) {
        *self = Pace::default();
    }
}

/// What this stream's silence sounds like: its quietest 10 ms of the last seconds.
#[derive(Clone, Copy, Debug)]
struct Loudness {
    /// Mean square of the quietest, rising slowly.
    floor: f32,
}

impl Default for Loudness {
    fn default() -> Self {
        Loudness { floor: 1.0 }
    }
}

/// Below this all is silence, and above that nothing, whatever the floor: mean squares of
/// −60 and −35 dB.
const SURELY_QUIET: f32 = 1e-6;
const SURELY_LOUD: f32 = 3e-4;

/// Not even a room: nothing was sent, or the sender cut it off. −80 dB.
const NOTHING: f32 = 1e-8;

impl Loudness {
    fn observe(&mut self, sound: &[f32]) {
        let power = power(sound);
        if power < NOTHING {
            return;
        }
        // Doubles in about two seconds.
        self.floor = (self.floor * 1.003_5).min(1.0);
        if power < self.floor {
            self.floor = power;
        }
    }

    /// What is less than this is silence.
    fn limit(&self) -> f32 {
        (self.floor * 3.0).clamp(SURELY_QUIET, SURELY_LOUD)
    }
}

fn power(sound: &[f32]) -> f32 {
    sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: SampleRate = SampleRate::NARROW;
    const LOUD: [f32; 400] = [0.2; 400];
    const QUIET: [f32; 400] = [0.0; 400];

    const FOR_LONG: u32 = LONG_PAUSE_BEGINS;

    /// After so many pulls of silence, and then so many of speech.
    fn after(quiet: u32, loud: u32) -> Pace {
        let mut pace = Pace::default();
        for _ in 0..quiet {
            pace.heard(&QUIET[..80]);
        }
        for _ in 0..loud {
            pace.heard(&LOUD[..80]);
        }
        pace
    }

    #[test]
    fn what_is_too_much_waits_for_a_pause_and_goes_all_at_once() {
        let excess = 90 * MILLI;
        let mut pace = after(20, 20);
        assert_eq!(pace.decide(excess, &LOUD, RATE, false), Change::Nothing);
        assert_eq!(pace.decide(excess, &QUIET, RATE, false), Change::Nothing);
        for _ in 1..FOR_LONG {
            pace.heard(&QUIET[..80]);
        }
        assert_eq!(pace.decide(excess, &QUIET, RATE, false), Change::Nothing);
        pace.heard(&QUIET[..80]);
        let trimmed = Change::TrimPause(excess);
        assert_eq!(pace.decide(excess, &QUIET, RATE, false), trimmed);
    }

    #[test]
    fn a_closure_is_no_pause_until_it_has_been_waited_for_one_for_long() {
        for (excess, waits) in [(90 * MILLI, 300), (110 * MILLI, 100)] {
            let mut pace = after(20, 20);
            let mut trimmed = None;
            // Thirty milliseconds of silence in every tenth of a second.
            for pull in 0..400 {
                let coming = if pull % 10 >= 6 { &QUIET } else { &LOUD };
                if pace.decide(excess, coming, RATE, false) == Change::TrimPause(excess) {
                    trimmed = trimmed.or(Some(pull));
                }
                pace.heard(&coming[..80]);
            }
            let at = trimmed.expect("it is trimmed at last");
            assert!((waits..waits + 10).contains(&at), "{excess}: {at}");
        }
    }

    /// A call that begins with nothing at all, and a sender that is cut off, say nothing about how
    /// quiet the room is.
    #[test]
    fn a_room_is_a_pause_after_digital_silence_too() {
        let mut pace = after(500, 0);
        let room: Vec<f32> = (0..400).map(|n| [2e-3, -2e-3][n % 2]).collect();
        assert_eq!(pace.pause_in(&room, RATE), 400);
        pace.heard(&room[..80]);
        assert_eq!(pace.pause_in(&room, RATE), 400);
        assert_eq!(pace.pause_in(&LOUD, RATE), 0);
    }

    #[test]
    fn without_a_pause_speech_is_shortened_after_eight_seconds_a_little_at_a_time() {
        let mut pace = after(20, 20);
        let mut shortened = Vec::new();
        for pull in 0..900 {
            if pace.decide(50 * MILLI, &LOUD, RATE, false) == Change::Shorten {
                shortened.push(pull);
                pace.changed(50 * MILLI);
            }
            pace.heard(&LOUD[..80]);
        }
        let expected: Vec<u32> = (800..900).step_by(12).collect();
        assert_eq!(shortened, expected);
        assert_eq!(
            after(20, 20).decide(110 * MILLI, &LOUD, RATE, false),
            Change::Nothing
        );
    }

    #[test]
    fn much_too_much_is_not_borne_and_a_little_is() {
        let mut pace = after(20, 20);
        let decide = |pace: &mut Pace, excess| pace.decide(excess * MILLI, &LOUD, RATE, false);
        assert_eq!(decide(&mut pace, 301), Change::Shorten);
        for _ in 0..1_000 {
            assert_eq!(decide(&mut pace, 10), Change::Nothing);
            assert_eq!(decide(&mut pace, -10), Change::Nothing);
            assert_eq!(decide(&mut pace, 29), Change::Nothing);
        }
    }

    #[test]
    fn too_little_is_made_up_in_a_pause_or_if_it_is_much_at_once() {
        let decide =
            |pace: &mut Pace, lack: i64, coming| pace.decide(-lack * MILLI, coming, RATE, false);
        let padded = Change::PadPause(20 * MILLI);
        assert_eq!(decide(&mut after(20, 0), 20, &QUIET), padded);
        assert_eq!(decide(&mut after(20, 5), 20, &LOUD), Change::Nothing);
        assert_eq!(decide(&mut after(20, 5), 41, &LOUD), Change::Lengthen);
        // While packets are repaired, the next one is wanted at hand.
        let repairing = after(20, 5).decide(-6 * MILLI, &LOUD, RATE, true);
        assert_eq!(repairing, Change::Lengthen);
    }

    #[test]
    fn a_pause_is_drawn_out_while_packets_are_held_up() {
        let usually = |excess: i64, level: i64, overdue: i64, usual: i64| {
            let [excess, level, overdue, usual] =
                [excess, level, overdue, usual].map(|ms| ms * MILLI);
            foresee(excess, level, overdue, usual) / MILLI
        };
        let foreseen = |excess, level, overdue| usually(excess, level, overdue, 0);
        // Not late enough to be held up.
        assert_eq!(foreseen(15, 95, 60), 15);
        // 80 late: 125 ms of delay will be wanted, and there are 95.
        assert_eq!(foreseen(15, 95, 80), -30);
        assert_eq!(foreseen(15, 95, 200), -40);
        // There is enough already, but nothing to be left out.
        assert_eq!(foreseen(60, 140, 80), 0);
        // All are late since the route became longer.
        assert_eq!(usually(15, 95, 80, 70), 15);
        assert_eq!(usually(15, 95, 140, 70), -40);
        // More is lacking anyway.
        assert_eq!(foreseen(-70, 10, 80), -70);
    }

    #[test]
    fn the_last_of_a_pause_is_left_to_the_word_behind_it() {
        let mut coming = QUIET;
        coming[240..].fill(0.3);
        let pace = after(20, 0);
        // 30 ms of silence, of which ten stay.
        assert_eq!(pace.pause_in(&coming, RATE), 160);
        assert_eq!(pace.pause_in(&QUIET, RATE), 400);
        assert_eq!(pace.pause_in(&LOUD, RATE), 0);
        assert_eq!(pace.pause_in(&[], RATE), 0);
    }
}
