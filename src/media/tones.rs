//! What a phone says without words: ringing here, ringing there, busy.

use std::f32::consts::TAU;
use std::time::Duration;

use crate::units::SampleRate;

/// A tone and its rhythm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// We are called: two soft notes, twice, and a pause.
    Ringing,
    /// It rings there: 425 Hz, one second of five, as Brazilian and most European exchanges do
    /// (ITU-T E.180 supplement 2).
    Ringback,
    /// Busy there: 425 Hz, a quarter of a second on and off.
    Busy,
    /// It could not be reached: 425 Hz, an eighth of a second on and off.
    Congestion,
}

/// Amplitude of a tone alone: −20 dB, quieter than speech.
const LOUDNESS: f32 = 0.1;

/// How long a tone swells and fades, so that it does not click.
const EDGE: Duration = Duration::from_millis(5);

/// One piece of a rhythm: two frequencies in Hz, zero for none, and how long.
type Piece = (f32, f32, Duration);

const fn piece(one: f32, two: f32, millis: u64) -> Piece {
    (one, two, Duration::from_millis(millis))
}

const RINGING: [Piece; 4] = [
    piece(659.3, 830.6, 400),
    piece(0.0, 0.0, 200),
    piece(659.3, 830.6, 400),
    piece(0.0, 0.0, 2_000),
];
const RINGBACK: [Piece; 2] = [piece(425.0, 0.0, 1_000), piece(0.0, 0.0, 4_000)];
const BUSY: [Piece; 2] = [piece(425.0, 0.0, 250), piece(0.0, 0.0, 250)];
const CONGESTION: [Piece; 2] = [piece(425.0, 0.0, 125), piece(0.0, 0.0, 125)];

impl Tone {
    fn rhythm(self) -> &'static [Piece] {
        match self {
            Tone::Ringing => &RINGING,
            Tone::Ringback => &RINGBACK,
            Tone::Busy => &BUSY,
            Tone::Congestion => &CONGESTION,
        }
    }
}

/// Makes a tone, for as long as it is asked.
#[derive(Clone, Debug)]
pub struct ToneSource {
    tone: Tone,
    rate: SampleRate,
    piece: usize,
    /// Samples of the present piece that have been made.
    made: usize,
}

impl ToneSource {
    /// At the beginning of the rhythm.
    #[must_use]
    pub fn new(tone: Tone, rate: SampleRate) -> ToneSource {
        ToneSource {
            tone,
            rate,
            piece: 0,
            made: 0,
        }
    }

    /// Which tone it is.
    #[must_use]
    pub fn tone(&self) -> Tone {
        self.tone
    }

    /// Adds the next samples to what is in `sound`.
    pub fn mix_into(&mut self, sound: &mut [f32]) {
        let rhythm = self.tone.rhythm();
        let edge = self.rate.samples_in(EDGE).max(1);
        for sample in sound {
            let (one, two, span) = rhythm[self.piece % rhythm.len()];
            let length = self.rate.samples_in(span).max(1);
            let wave = |hz: f32| {
                // In double precision: the phase grows for seconds.
                let turns = f64::from(hz) * self.made as f64 / f64::from(self.rate.hz());
                (turns.fract() as f32 * TAU).sin()
            };
            if one > 0.0 {
                let from_edge = self.made.min(length - self.made);
                let swell = (from_edge as f32 / edge as f32).min(1.0);
                let second = if two > 0.0 { wave(two) } else { 0.0 };
                *sample += LOUDNESS * swell * (wave(one) + second);
            }
            self.made += 1;
            if self.made >= length {
                self.made = 0;
                self.piece = (self.piece + 1) % rhythm.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tone: Tone, seconds: usize) -> Vec<f32> {
        let mut sound = vec![0.0; 8_000 * seconds];
        let mut source = ToneSource::new(tone, SampleRate::NARROW);
        for frame in sound.chunks_mut(80) {
            source.mix_into(frame);
        }
        sound
    }

    /// Power of one frequency, by correlation with it.
    fn power_at(sound: &[f32], hz: f32) -> f32 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in sound.iter().enumerate() {
            let angle = TAU * hz * n as f32 / 8_000.0;
            re += sample * angle.cos();
            im += sample * angle.sin();
        }
        2.0 * (re * re + im * im) / (sound.len() as f32).powi(2)
    }

    #[test]
    fn ringback_is_one_second_of_425_hz_in_five() {
        let sound = seconds(Tone::Ringback, 10);
        for begin in [0, 40_000] {
            let on = &sound[begin..begin + 8_000];
            let all = on.iter().map(|s| s * s).sum::<f32>() / 8_000.0;
            assert!(power_at(on, 425.0) > 0.97 * all);
            assert!((all - 0.005).abs() < 2e-4, "{all}");
            assert!(
                sound[begin + 8_000..begin + 40_000]
                    .iter()
                    .all(|s| *s == 0.0)
            );
        }
    }

    #[test]
    fn busy_is_on_and_off_twice_a_second() {
        let sound = seconds(Tone::Busy, 1);
        let loud: Vec<bool> = sound
            .chunks(2_000)
            .map(|quarter| power_at(quarter, 425.0) > 1e-3)
            .collect();
        assert_eq!(loud, [true, false, true, false]);
    }

    #[test]
    fn tones_never_step() {
        for tone in [Tone::Ringing, Tone::Ringback, Tone::Busy, Tone::Congestion] {
            let sound = seconds(tone, 6);
            let step = sound
                .windows(2)
                .map(|p| (p[1] - p[0]).abs())
                .fold(0.0, f32::max);
            assert!(step < 0.13, "{tone:?}: {step}");
            assert!(sound.iter().all(|s| s.abs() <= 0.2));
        }
    }

    #[test]
    fn a_tone_is_added_to_what_is_there() {
        let mut sound = [0.25; 80];
        ToneSource::new(Tone::Busy, SampleRate::NARROW).mix_into(&mut sound);
        assert!(sound.iter().any(|s| *s > 0.3) && sound.iter().any(|s| *s < 0.2));
    }
}
