//! Tones: what a telephone line says without words, and keys.
//!
//! The call progress tones are those of Brazil (ITU-T E.180, various tones used in national
//! networks): 425 Hz in several rhythms.

use std::f32::consts::TAU;
use std::time::Duration;

use crate::units::SampleRate;

/// A call progress tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallTone {
    /// Dial: without a pause.
    Dial,
    /// The far phone rings: 1 s on, 4 s off.
    Ringback,
    /// The far side is busy: 0.25 s on, 0.25 s off.
    Busy,
    /// No way through: 0.25 s on, 0.25 s off, 0.75 s on, 0.25 s off.
    Congestion,
    /// A second call knocks: 0.05 s on, 1 s off.
    CallWaiting,
}

impl CallTone {
    /// On and off in turn, in milliseconds.
    fn rhythm(self) -> &'static [u64] {
        match self {
            CallTone::Dial => &[1_000],
            CallTone::Ringback => &[1_000, 4_000],
            CallTone::Busy => &[250, 250],
            CallTone::Congestion => &[250, 250, 750, 250],
            CallTone::CallWaiting => &[50, 1_000],
        }
    }
}

/// Time in which a tone begins and ends, so that it does not click.
const EDGE: Duration = Duration::from_millis(4);

/// Amplitude of call progress tones: −15 dBov, comfortable beside speech.
const CALL_TONE_PEAK: f32 = 0.178;

/// One or two sines, without end or in a rhythm. Allocates nothing.
#[derive(Clone, Debug)]
pub struct Tone {
    rate: SampleRate,
    sines: [Sine; 2],
    rhythm: &'static [u64],
    /// Where in the rhythm: which part, and samples left of it.
    part: usize,
    left: usize,
    /// Envelope, 0..=1.
    envelope: f32,
    stopping: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sine {
    phase: f32,
    step: f32,
    peak: f32,
}

impl Sine {
    fn new(rate: SampleRate, hz: f32, peak: f32) -> Sine {
        Sine {
            phase: 0.0,
            step: hz / rate.hz() as f32,
            peak,
        }
    }

    fn next(&mut self) -> f32 {
        let sample = self.peak * (TAU * self.phase).sin();
        self.phase = (self.phase + self.step).fract();
        sample
    }
}

impl Tone {
    /// A call progress tone from its beginning.
    #[must_use]
    pub fn call(rate: SampleRate, tone: CallTone) -> Tone {
        Tone::with(rate, (425.0, CALL_TONE_PEAK), (0.0, 0.0), tone.rhythm())
    }

    /// A sine of `peak` without end.
    #[must_use]
    pub fn sine(rate: SampleRate, hz: f32, peak: f32) -> Tone {
        Tone::with(rate, (hz, peak), (0.0, 0.0), &[1_000])
    }

    /// The two sines of a key, `0`–`9 * # A`–`D`, at −10 and −8 dBov (ITU-T Q.23, Q.24 put the
    /// higher one up to 4 dB above the lower); `None` for anything else.
    #[must_use]
    pub fn dtmf(rate: SampleRate, key: char) -> Option<Tone> {
        let (low, high) = dtmf_pair(key)?;
        Some(Tone::with(rate, (low, 0.316), (high, 0.398), &[1_000]))
    }

    fn with(
        rate: SampleRate,
        first: (f32, f32),
        second: (f32, f32),
        rhythm: &'static [u64],
    ) -> Tone {
        Tone {
            rate,
            sines: [
                Sine::new(rate, first.0, first.1),
                Sine::new(rate, second.0, second.1),
            ],
            rhythm,
            part: 0,
            left: part_samples(rate, rhythm, 0),
            envelope: 0.0,
            stopping: false,
        }
    }

    /// Ends within a few milliseconds of sound.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Whether it has been stopped and is silent.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stopping && self.envelope <= 0.0
    }

    /// Writes the next samples.
    pub fn fill(&mut self, sound: &mut [f32]) {
        sound.fill(0.0);
        self.add_to(sound);
    }

    /// Adds the next samples to what is there.
    pub fn add_to(&mut self, sound: &mut [f32]) {
        let slope = 1.0 / self.rate.samples_in(EDGE).max(1) as f32;
        for sample in sound {
            let on = self.part.is_multiple_of(2) && !self.stopping;
            let change = if on { slope } else { -slope };
            self.envelope = (self.envelope + change).clamp(0.0, 1.0);
            let [first, second] = &mut self.sines;
            *sample += self.envelope * (first.next() + second.next());
            self.left -= 1;
            if self.left == 0 {
                // A rhythm of a single part never pauses.
                if self.rhythm.len() > 1 {
                    self.part = (self.part + 1) % self.rhythm.len();
                }
                self.left = part_samples(self.rate, self.rhythm, self.part);
            }
        }
    }
}

fn part_samples(rate: SampleRate, rhythm: &[u64], part: usize) -> usize {
    let millis = rhythm.get(part).copied().unwrap_or(1_000);
    rate.samples_in(Duration::from_millis(millis)).max(1)
}

/// Frequencies of the rows and columns of the keypad (ITU-T Q.23).
pub(super) const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
pub(super) const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
pub(super) const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

fn dtmf_pair(key: char) -> Option<(f32, f32)> {
    let key = key.to_ascii_uppercase();
    let (row, keys) = KEYS
        .iter()
        .enumerate()
        .find(|(_, keys)| keys.contains(&key))?;
    let column = keys.iter().position(|k| *k == key)?;
    Some((ROWS[row], COLUMNS[column]))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{amplitude, rms};
    use super::*;

    const RATE: SampleRate = SampleRate::WIDE;

    fn made(mut tone: Tone, span: Duration) -> Vec<f32> {
        let mut sound = vec![0.0; RATE.samples_in(span)];
        sound.chunks_mut(160).for_each(|block| tone.fill(block));
        sound
    }

    #[test]
    fn brazilian_tones_have_their_rhythm_and_pitch() {
        let check = |tone: CallTone, rhythm: &[(bool, usize)]| {
            let sound = made(Tone::call(RATE, tone), Duration::from_secs(12));
            let mut at = 0;
            for (on, millis) in rhythm.iter().cycle() {
                let part = at..at + RATE.hz() as usize * millis / 1_000;
                at = part.end;
                let Some(part) = sound.get(part) else { break };
                // Apart from its edges.
                let middle = &part[80..part.len() - 80];
                if *on {
                    let peak = amplitude(RATE, 425.0, middle);
                    assert!((peak - 0.178).abs() < 0.002, "{tone:?}: {peak}");
                } else {
                    assert_eq!(rms(middle), 0.0, "{tone:?}");
                }
            }
        };
        check(CallTone::Dial, &[(true, 1_000)]);
        check(CallTone::Ringback, &[(true, 1_000), (false, 4_000)]);
        check(CallTone::Busy, &[(true, 250), (false, 250)]);
        check(
            CallTone::Congestion,
            &[(true, 250), (false, 250), (true, 750), (false, 250)],
        );
        check(CallTone::CallWaiting, &[(true, 50), (false, 1_000)]);
    }

    #[test]
    fn a_key_is_two_sines_and_nothing_else() {
        let sound = made(Tone::dtmf(RATE, '6').unwrap(), Duration::from_secs(1));
        assert!((amplitude(RATE, 770.0, &sound) - 0.316).abs() < 0.01);
        assert!((amplitude(RATE, 1_477.0, &sound) - 0.398).abs() < 0.01);
        assert!(amplitude(RATE, 941.0, &sound) < 0.001);
        assert!(Tone::dtmf(RATE, 'x').is_none());
        assert!(Tone::dtmf(RATE, 'd').is_some());
    }

    #[test]
    fn tones_begin_and_end_without_a_click() {
        let mut tone = Tone::sine(RATE, 425.0, 0.5);
        let mut sound = vec![0.0; 1_600];
        tone.fill(&mut sound[..800]);
        assert!(!tone.is_over());
        tone.stop();
        tone.fill(&mut sound[800..]);
        assert!(tone.is_over());
        let steepest = sound
            .windows(2)
            .map(|p| (p[1] - p[0]).abs())
            .fold(0.0, f32::max);
        assert!(steepest < 0.5 * TAU * 425.0 / 16_000.0 + 0.5 / 64.0);
        assert_eq!(sound[0].to_bits() & 0x7fff_ffff, 0);
        assert_eq!(rms(&sound[900..]), 0.0);
    }

    #[test]
    fn a_long_tone_keeps_its_pitch() {
        let mut tone = Tone::sine(RATE, 1_000.0, 0.5);
        let mut sound = vec![0.0; 16_000];
        for _ in 0..600 {
            tone.fill(&mut sound);
        }
        assert!((amplitude(RATE, 1_000.0, &sound) - 0.5).abs() < 0.001);
    }
}
