//! What a phone says without words: ringing here, ringing there, busy.

use std::time::Duration;

use crate::dsp::tone::{self, CallTone};
use crate::units::SampleRate;

/// A tone that this phone makes for the person at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// We are called: two soft notes, twice, and a pause.
    Ringing,
    /// It rings there.
    Ringback,
    /// Busy there.
    Busy,
    /// It could not be reached.
    Congestion,
}

/// The notes of [`Tone::Ringing`], a third apart, in Hz, and how loud each is: −22 dB, a guest
/// that coughs.
const NOTES: [f32; 2] = [659.3, 830.6];
const LOUDNESS: f32 = 0.08;

/// On and off in turn.
const RINGING: [Duration; 4] = [
    Duration::from_millis(400),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(2_000),
];

/// Makes a tone, for as long as it is asked.
#[derive(Clone, Debug)]
pub struct ToneSource {
    tone: Tone,
    sound: Sound,
}

#[derive(Clone, Debug)]
enum Sound {
    Progress(tone::Tone),
    Ringing(Ringing),
}

#[derive(Clone, Debug)]
struct Ringing {
    rate: SampleRate,
    notes: [tone::Tone; 2],
    /// Which part of the rhythm, and samples left of it.
    part: usize,
    left: usize,
}

impl ToneSource {
    /// At the beginning of the rhythm.
    #[must_use]
    pub fn new(tone: Tone, rate: SampleRate) -> ToneSource {
        let progress = |call| Sound::Progress(tone::Tone::call(rate, call));
        let sound = match tone {
            Tone::Ringing => Sound::Ringing(Ringing::new(rate)),
            Tone::Ringback => progress(CallTone::Ringback),
            Tone::Busy => progress(CallTone::Busy),
            Tone::Congestion => progress(CallTone::Congestion),
        };
        ToneSource { tone, sound }
    }

    /// Which tone it is.
    #[must_use]
    pub fn tone(&self) -> Tone {
        self.tone
    }

    /// Adds the next samples to what is in `sound`. Allocates nothing.
    pub fn mix_into(&mut self, sound: &mut [f32]) {
        match &mut self.sound {
            Sound::Progress(tone) => tone.add_to(sound),
            Sound::Ringing(ringing) => ringing.add_to(sound),
        }
    }
}

impl Ringing {
    fn new(rate: SampleRate) -> Ringing {
        Ringing {
            rate,
            notes: Ringing::struck(rate),
            part: 0,
            left: rate.samples_in(RINGING[0]),
        }
    }

    fn struck(rate: SampleRate) -> [tone::Tone; 2] {
        NOTES.map(|hz| tone::Tone::sine(rate, hz, LOUDNESS))
    }

    fn add_to(&mut self, mut sound: &mut [f32]) {
        while !sound.is_empty() {
            let (now, later) = sound.split_at_mut(self.left.min(sound.len()));
            for note in &mut self.notes {
                note.add_to(now);
            }
            self.left -= now.len();
            sound = later;
            if self.left == 0 {
                self.next_part();
            }
        }
    }

    fn next_part(&mut self) {
        self.part = (self.part + 1) % RINGING.len();
        // At least a sample, whatever the rate: the loop above must come to an end.
        self.left = self.rate.samples_in(RINGING[self.part]).max(1);
        if self.part.is_multiple_of(2) {
            self.notes = Ringing::struck(self.rate);
        } else {
            self.notes.iter_mut().for_each(tone::Tone::stop);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

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
            assert!(power_at(on, 425.0) > 0.97 * all && all > 1e-3);
            let off = &sound[begin + 8_100..begin + 40_000];
            assert!(off.iter().all(|s| s.abs() < 1e-6));
        }
    }

    #[test]
    fn ringing_is_two_notes_twice_and_a_pause() {
        let sound = seconds(Tone::Ringing, 6);
        let loud = |from: usize, to: usize| {
            let piece = &sound[from * 8..to * 8];
            NOTES.iter().all(|hz| power_at(piece, *hz) > 1e-3)
        };
        let silent =
            |from: usize, to: usize| sound[from * 8..to * 8].iter().all(|s| s.abs() < 1e-6);
        for start in [0, 3_000] {
            assert!(loud(start, start + 400) && silent(start + 410, start + 600));
            assert!(loud(start + 600, start + 1_000) && silent(start + 1_010, start + 3_000));
        }
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
        }
    }

    #[test]
    fn a_tone_is_added_to_what_is_there() {
        let mut sound = [0.25; 160];
        ToneSource::new(Tone::Busy, SampleRate::NARROW).mix_into(&mut sound);
        assert!(sound.iter().any(|s| *s > 0.3) && sound.iter().any(|s| *s < 0.2));
    }
}
