//! What a phone says without words: ringing there, busy, a second call, keys.

use std::collections::VecDeque;
use std::time::Duration;

use crate::dsp::progress::{CallTone, Country};
use crate::dsp::tone;
use crate::units::SampleRate;

/// A tone that this phone makes for the person at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// We are called: the ring tone, see [`super::rings`].
    Ringing,
    /// It rings there.
    Ringback,
    /// Busy there.
    Busy,
    /// It could not be reached.
    Congestion,
    /// A second call knocks while this one goes on.
    CallWaiting,
    /// There is no such number.
    Information,
}

/// How long a call that came to nothing is heard to: four busy tones of most countries and more.
const AFTER_THE_CALL: Duration = Duration::from_secs(4);

/// What knocks beside speech is half as loud as what sounds alone.
const BESIDE_SPEECH: f32 = 0.5;

/// Makes a tone of the line, for as long as it is asked.
#[derive(Clone, Debug)]
pub struct ToneSource {
    tone: Tone,
    sound: tone::Tone,
    /// Samples until it ends by itself; `None`: never.
    left: Option<usize>,
}

impl ToneSource {
    /// At the beginning of the rhythm; `None` for [`Tone::Ringing`], which is no tone of the line.
    #[must_use]
    pub fn new(tone: Tone, country: &Country, rate: SampleRate) -> Option<ToneSource> {
        let (call, ends) = match tone {
            Tone::Ringing => return None,
            Tone::Ringback => (CallTone::Ringback, false),
            Tone::Busy => (CallTone::Busy, true),
            Tone::Congestion => (CallTone::Congestion, true),
            Tone::CallWaiting => (CallTone::CallWaiting, false),
            Tone::Information => (CallTone::Information, true),
        };
        let sound = tone::Tone::call(rate, country, call);
        Some(ToneSource {
            tone,
            sound: if tone == Tone::CallWaiting {
                sound.quieter(BESIDE_SPEECH)
            } else {
                sound
            },
            left: ends.then(|| rate.samples_in(AFTER_THE_CALL)),
        })
    }

    /// Which tone it is.
    #[must_use]
    pub fn tone(&self) -> Tone {
        self.tone
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.sound.is_over()
    }

    /// Adds the next samples to what is in `sound`. Allocates nothing.
    pub fn mix_into(&mut self, sound: &mut [f32]) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(sound.len());
            if *left == 0 {
                self.sound.stop();
            }
        }
        self.sound.add_to(sound);
    }
}

/// A key is heard so long, and the next one so long after it.
const KEY: Duration = Duration::from_millis(100);
const BETWEEN: Duration = Duration::from_millis(40);

/// Keys that wait to be heard; the rest is pressed faster than anybody listens.
const MAX_KEYS: usize = 16;

/// As loud as the line's tones rather than as on the line: −22 and −20 dBov.
const KEY_LOUDNESS: f32 = 0.25;

/// No key, but heard like one: the microphone is open though nobody opened it.
pub const BEEP: char = '\u{7}';
const BEEP_HZ: f32 = 1_000.0;
/// −21 dBov.
const BEEP_PEAK: f32 = 0.126;

/// Lets the person hear keys, one after the other. Allocates only when made.
#[derive(Debug)]
pub struct KeyTones {
    rate: SampleRate,
    waiting: VecDeque<char>,
    sounding: Option<tone::Tone>,
    /// Samples of this key, or of the pause behind it.
    left: usize,
}

impl KeyTones {
    /// Silent.
    #[must_use]
    pub fn new(rate: SampleRate) -> KeyTones {
        KeyTones {
            rate,
            waiting: VecDeque::with_capacity(MAX_KEYS),
            sounding: None,
            left: 0,
        }
    }

    /// A key, to be heard behind those before it; what is none makes no sound.
    pub fn press(&mut self, key: char) {
        if self.waiting.len() < MAX_KEYS {
            self.waiting.push_back(key);
        }
    }

    /// Whether nothing sounds or waits.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.waiting.is_empty() && self.sounding.is_none() && self.left == 0
    }

    /// Adds the next samples to what is in `sound`.
    pub fn mix_into(&mut self, mut sound: &mut [f32]) {
        while !sound.is_empty() && !self.is_silent() {
            if self.left == 0 {
                self.next();
                continue;
            }
            let (now, later) = sound.split_at_mut(self.left.min(sound.len()));
            if let Some(tone) = &mut self.sounding {
                tone.add_to(now);
            }
            self.left -= now.len();
            if self.left == 0
                && let Some(tone) = &mut self.sounding
                && !tone.is_over()
            {
                // It fades within the pause.
                tone.stop();
                self.left = self.rate.samples_in(BETWEEN).max(1);
            }
            sound = later;
        }
    }

    fn next(&mut self) {
        self.sounding = None;
        let Some(key) = self.waiting.pop_front() else {
            return;
        };
        self.sounding = if key == BEEP {
            Some(tone::Tone::sine(self.rate, BEEP_HZ, BEEP_PEAK))
        } else {
            tone::Tone::dtmf(self.rate, key).map(|tone| tone.quieter(KEY_LOUDNESS))
        };
        if self.sounding.is_some() {
            self.left = self.rate.samples_in(KEY).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{amplitude, rms};

    const RATE: SampleRate = SampleRate::NARROW;

    fn seconds(tone: Tone, code: &str, seconds: usize) -> Vec<f32> {
        let country = Country::by_code(code).unwrap();
        let mut sound = vec![0.0; 8_000 * seconds];
        let mut source = ToneSource::new(tone, country, RATE).unwrap();
        for frame in sound.chunks_mut(80) {
            source.mix_into(frame);
        }
        sound
    }

    #[test]
    fn ringback_is_that_of_the_country() {
        let sound = seconds(Tone::Ringback, "BR", 10);
        for begin in [0, 40_000] {
            assert!(
                (amplitude(RATE, 425.0, &sound[begin + 80..begin + 7_920]) - 0.178).abs() < 0.01
            );
            assert!(
                sound[begin + 8_100..begin + 40_000]
                    .iter()
                    .all(|s| s.abs() < 1e-6)
            );
        }
        let sound = seconds(Tone::Ringback, "US", 7);
        assert!((amplitude(RATE, 480.0, &sound[80..15_920]) - 0.126).abs() < 0.01);
        assert!(sound[16_100..48_000].iter().all(|s| s.abs() < 1e-6));
    }

    #[test]
    fn tones_after_a_call_end_by_themselves_and_those_of_a_call_do_not() {
        for tone in [Tone::Busy, Tone::Congestion, Tone::Information] {
            let sound = seconds(tone, "BR", 8);
            assert!(rms(&sound[16_000..32_000]) > 0.05, "{tone:?}");
            assert_eq!(rms(&sound[32_100..]), 0.0, "{tone:?}");
        }
        for tone in [Tone::Ringback, Tone::CallWaiting] {
            assert!(rms(&seconds(tone, "BR", 60)[400_000..]) > 0.01, "{tone:?}");
        }
    }

    #[test]
    fn a_second_call_knocks_softly() {
        let sound = seconds(Tone::CallWaiting, "BR", 1);
        let peak = sound.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        assert!((peak - 0.089).abs() < 0.002, "{peak}");
    }

    #[test]
    fn a_beep_is_heard_once_and_is_no_key() {
        let mut keys = KeyTones::new(RATE);
        keys.press(BEEP);
        let mut sound = vec![0.0; 8_000];
        keys.mix_into(&mut sound);
        assert!((amplitude(RATE, 1_000.0, &sound[80..720]) - 0.126).abs() < 0.01);
        assert!(sound[1_200..].iter().all(|s| s.abs() < 1e-6));
        assert!(keys.is_silent());
    }

    #[test]
    fn tones_never_step() {
        for tone in [
            Tone::Ringback,
            Tone::Busy,
            Tone::Congestion,
            Tone::Information,
        ] {
            let sound = seconds(tone, "BR", 6);
            let steps = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs());
            let steepest = steps.fold(0.0, f32::max);
            assert!(steepest < 0.3, "{tone:?}: {steepest}");
            let edges = sound[..2].iter().map(|s| s.abs()).fold(0.0, f32::max);
            assert!(edges < 0.01, "{tone:?}");
        }
    }

    #[test]
    fn a_tone_is_added_to_what_is_there() {
        let mut sound = [0.25; 160];
        let mut source = ToneSource::new(Tone::Busy, <&Country>::default(), RATE).unwrap();
        source.mix_into(&mut sound);
        assert!(sound.iter().any(|s| *s > 0.3) && sound.iter().any(|s| *s < 0.2));
    }

    #[test]
    fn keys_are_heard_one_after_the_other_and_short() {
        let mut keys = KeyTones::new(RATE);
        "1x#".chars().for_each(|key| keys.press(key));
        let mut sound = vec![0.0; 8_000];
        sound.chunks_mut(80).for_each(|frame| keys.mix_into(frame));
        assert!(keys.is_silent());
        // 697 and 1209 Hz, then 941 and 1477 Hz (ITU-T Q.23); what is no key takes no time.
        let (first, second) = (&sound[40..760], &sound[1_160..1_880]);
        assert!((amplitude(RATE, 697.0, first) - 0.079).abs() < 0.01);
        assert!((amplitude(RATE, 1_209.0, first) - 0.1).abs() < 0.01);
        assert!((amplitude(RATE, 941.0, second) - 0.079).abs() < 0.01);
        assert!((amplitude(RATE, 1_477.0, second) - 0.1).abs() < 0.01);
        assert_eq!(rms(&sound[880..1_100]), 0.0);
        assert_eq!(rms(&sound[2_000..]), 0.0);
    }

    #[test]
    fn somebody_who_leans_on_the_keypad_is_not_heard_for_minutes() {
        let mut keys = KeyTones::new(RATE);
        (0..1_000).for_each(|_| keys.press('5'));
        let mut sound = vec![0.0; 8_000 * 3];
        sound.chunks_mut(80).for_each(|frame| keys.mix_into(frame));
        assert!(keys.is_silent());
    }
}
