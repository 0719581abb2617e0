//! What is heard while a packet is late: the sound goes on by itself, and is led back to what
//! comes when it comes.
//!
//! The decoder is not told of it. If the packet was only late it goes on where it stopped, as if
//! nothing had been; if it was lost, what the decoder makes up continues from here.

use std::time::Duration;

use crate::units::SampleRate;

/// The sound may go on by itself for so much longer to meet what comes in phase: the longest
/// period of a voice.
const SEEK: Duration = Duration::from_millis(15);

/// What both are compared over, and the crossfade between them.
const COMPARED: Duration = Duration::from_millis(8);
const FADE: Duration = Duration::from_millis(5);

/// Less alike than this, there is no phase to meet in.
const ALIKE: f32 = 0.5;

/// The last of what was heard is said again, so much of it: several periods, which do not hum as
/// one would. From PESQ for one stall of 80 ms in speech: 4.4 where the last 80 ms are said again
/// in phase, 4.2 for one period over and over, 4.0 for silence.
const SHORTEST_REPEAT: Duration = Duration::from_millis(40);
const LONGEST_REPEAT: Duration = Duration::from_millis(80);

/// What is compared to find where.
const LAST_HEARD: Duration = Duration::from_millis(10);

/// Where the repetition does not go on just as the sound did, the step is spread over this.
const SPREAD: Duration = Duration::from_millis(3);

/// From here to there it fades away.
const FULL_UNTIL: Duration = Duration::from_millis(100);
const SILENT_AFTER: Duration = Duration::from_millis(220);

/// Keeps the sound going. Allocates only when made.
#[derive(Debug)]
pub(super) struct Stall {
    rate: SampleRate,
    /// What was heard last, oldest first; always full.
    heard: Box<[f32]>,
    /// What the sound would go on with, to be compared with what came.
    ahead: Box<[f32]>,
    on: Option<Repeating>,
}

/// The end of what was heard, over and over.
#[derive(Clone, Copy, Debug)]
struct Repeating {
    /// Samples from the end.
    length: usize,
    /// Filled so far.
    filled: usize,
}

impl Stall {
    pub(super) fn new(rate: SampleRate) -> Stall {
        Stall {
            rate,
            heard: vec![0.0; rate.samples_in(LONGEST_REPEAT + LAST_HEARD) + 1].into(),
            ahead: vec![0.0; rate.samples_in(SEEK + COMPARED) + 2].into(),
            on: None,
        }
    }

    /// Whether the sound goes on by itself.
    pub(super) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Takes note of sound that will be heard.
    pub(super) fn follow(&mut self, sound: &[f32]) {
        let kept = self.heard.len();
        if let Some(skipped) = sound.len().checked_sub(kept) {
            self.heard.copy_from_slice(&sound[skipped..]);
        } else {
            self.heard.copy_within(sound.len().., 0);
            self.heard[kept - sound.len()..].copy_from_slice(sound);
        }
    }

    /// Fills `sound` with what might go on.
    pub(super) fn fill(&mut self, sound: &mut [f32]) {
        let mut on = match self.on {
            Some(on) => on,
            None => Repeating {
                length: self.repeat(),
                filled: 0,
            },
        };
        self.go_on(&mut on, sound);
        self.on = Some(on);
    }

    /// Leads back to `sound`, which is changed where it begins. Answers what is to be heard before
    /// it: up to one period of a voice, so that both meet in phase.
    pub(super) fn lead_back(&mut self, sound: &mut [f32]) -> &[f32] {
        let Some(mut on) = self.on.take() else {
            return &[];
        };
        let compared = self.rate.samples_in(COMPARED).min(sound.len());
        let fade = self.rate.samples_in(FADE).min(compared);
        let seek = self.rate.samples_in(SEEK);
        let mut ahead = std::mem::take(&mut self.ahead);
        self.go_on(&mut on, &mut ahead[..seek + compared]);
        self.ahead = ahead;
        let at = self.meeting_point(&sound[..compared], seek);
        for (index, sample) in sound[..fade].iter_mut().enumerate() {
            let share = (index + 1) as f32 / (fade + 1) as f32;
            *sample = *sample * share + self.ahead[at + index] * (1.0 - share);
        }
        &self.ahead[..at]
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.heard.fill(0.0);
        self.on = None;
    }

    fn go_on(&self, on: &mut Repeating, sound: &mut [f32]) {
        let last = &self.heard[self.heard.len() - on.length..];
        let (full, silent) = (
            self.rate.samples_in(FULL_UNTIL),
            self.rate.samples_in(SILENT_AFTER),
        );
        // Between the last sample and what came before the first that is said again.
        let end = self.heard.len();
        let step = self.heard[end - 1] - self.heard[end - 1 - on.length];
        let spread = self.rate.samples_in(SPREAD);
        for sample in sound.iter_mut() {
            let faded = on.filled.saturating_sub(full) as f32 / (silent - full) as f32;
            let at = on.filled % on.length;
            let left = spread.saturating_sub(at + 1) as f32 / spread as f32;
            let smooth = last[at] + step * left;
            *sample = (smooth * (1.0 - faded).max(0.0)).clamp(-1.0, 1.0);
            on.filled = on.filled.saturating_add(1);
        }
    }

    /// How far back it sounded most like the last of what was heard.
    fn repeat(&self) -> usize {
        let window = self.rate.samples_in(LAST_HEARD);
        let end = self.heard.len();
        let last = &self.heard[end - window..];
        let alike = |back: usize, step: usize| {
            likeness(last, &self.heard[end - window - back..end - back], step)
        };
        let (shortest, longest) = (
            self.rate.samples_in(SHORTEST_REPEAT),
            self.rate.samples_in(LONGEST_REPEAT),
        );
        self.best(shortest, longest, alike)
            .map_or(longest, |(back, _)| back)
    }

    /// Where in `ahead` it resembles `head` most.
    fn meeting_point(&self, head: &[f32], seek: usize) -> usize {
        let alike = |at: usize, step: usize| likeness(head, &self.ahead[at..at + head.len()], step);
        match self.best(0, seek, alike) {
            Some((at, alike)) if alike >= ALIKE => at,
            _ => 0,
        }
    }

    /// The place of the greatest likeness: roughly first, at 8 kHz, then to the sample around it.
    fn best(
        &self,
        first: usize,
        last: usize,
        alike: impl Fn(usize, usize) -> f32,
    ) -> Option<(usize, f32)> {
        let step = (self.rate.hz() as usize / 8_000).max(1);
        let greatest = |places: &mut dyn Iterator<Item = usize>, step: usize| {
            places
                .map(|at| (at, alike(at, step)))
                .max_by(|a, b| a.1.total_cmp(&b.1))
        };
        let (rough, _) = greatest(&mut (first..=last).step_by(step), step)?;
        let near = rough.saturating_sub(step).max(first)..=(rough + step).min(last);
        greatest(&mut near.into_iter(), 1)
    }
}

/// Correlation, −1..=1, of every `step`-th sample.
fn likeness(a: &[f32], b: &[f32], step: usize) -> f32 {
    let (mut product, mut first, mut second) = (0.0, 1e-7, 1e-7);
    for (a, b) in a.iter().zip(b).step_by(step) {
        product += a * b;
        first += a * a;
        second += b * b;
    }
    product / f32::sqrt(first * second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{sine, speech};

    fn samples(rate: SampleRate, millis: u64) -> usize {
        rate.samples_in(Duration::from_millis(millis))
    }

    /// The greatest step from sample to sample.
    fn steepest(sound: &[f32]) -> f32 {
        sound
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_is_led_back_to_in_phase_whatever_the_stall() {
        for rate in [SampleRate::NARROW, SampleRate::WIDE, SampleRate::FULL] {
            let tone = sine(rate, 170.0, 0.5, samples(rate, 200));
            let slope = steepest(&tone);
            for stalled in [10, 20, 30, 50] {
                let mut stall = Stall::new(rate);
                let (before, after) = tone.split_at(samples(rate, 100));
                stall.follow(before);
                let mut heard = before.to_vec();
                let mut filled = vec![0.0; samples(rate, stalled)];
                stall.fill(&mut filled);
                assert!(stall.is_on());
                heard.extend_from_slice(&filled);
                let mut after = after.to_vec();
                heard.extend_from_slice(stall.lead_back(&mut after));
                heard.extend_from_slice(&after);
                assert!(!stall.is_on());
                let steep = steepest(&heard);
                assert!(steep < 1.3 * slope, "{rate} {stalled} ms: {steep} {slope}");
            }
        }
    }

    /// Stopping speech anywhere for 20 ms and going on costs no more than a period of time, and
    /// clicks nowhere.
    #[test]
    fn speech_that_stops_and_goes_on_is_not_cut_into() {
        let rate = SampleRate::WIDE;
        let sound = speech(rate);
        let (ten, twenty) = (samples(rate, 10), samples(rate, 20));
        let mut clicks = 0;
        for at in (twenty * 20..sound.len() - twenty * 4).step_by(twenty * 5) {
            let mut stall = Stall::new(rate);
            stall.follow(&sound[at - twenty * 5..at]);
            let mut filled = vec![0.0; twenty];
            stall.fill(&mut filled[..ten]);
            stall.fill(&mut filled[ten..]);
            let mut after = sound[at..at + twenty * 2].to_vec();
            let before = stall.lead_back(&mut after).to_vec();
            assert!(before.len() <= samples(rate, 15));
            let fade = samples(rate, 5);
            assert_eq!(after[fade..], sound[at + fade..at + twenty * 2]);
            let heard = [&sound[at - ten..at], &filled, &before, &after].concat();
            let around = steepest(&sound[at - twenty * 5..at + twenty * 2]);
            if steepest(&heard) > 1.2 * around {
                clicks += 1;
            }
        }
        assert!(clicks <= 2, "{clicks} clicks");
    }

    #[test]
    fn silence_stays_silence() {
        let rate = SampleRate::NARROW;
        let mut stall = Stall::new(rate);
        let mut sound = [0.5; 160];
        stall.fill(&mut sound);
        assert!(sound.iter().all(|sample| sample.abs() < 1e-4));
        let mut after = [0.0; 160];
        assert!(stall.lead_back(&mut after).is_empty());
        assert!(after.iter().all(|sample| sample.abs() < 1e-4));
    }
}
