//! Tones: those of the line, by country, and keys.

use std::f32::consts::TAU;
use std::time::Duration;

use super::progress::{Cadence, Part};
pub use super::progress::{CallTone, Country};
use crate::units::SampleRate;

/// Time in which a tone begins and ends, so that it does not click.
const EDGE: Duration = Duration::from_millis(4);

/// Amplitude of call progress tones: −15 dBov, comfortable beside speech. Two at once have the
/// power of one.
const CALL_TONE_PEAK: f32 = 0.178;
const CALL_TONES_PEAK: f32 = 0.126;

/// A sine without end.
const ENDLESS: Cadence = &[Part {
    hz: [0, 0],
    millis: 1_000,
}];

/// One or two sines, without end or in a rhythm. Allocates nothing.
#[derive(Clone, Debug)]
pub struct Tone {
    rate: SampleRate,
    sines: [Sine; 2],
    /// A rhythm of a single part never pauses.
    rhythm: Cadence,
    /// Where in the rhythm: which part, and samples left of it.
    part: usize,
    left: usize,
    /// Envelope, 0..=1.
    envelope: f32,
    factor: f32,
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
    /// A call progress tone of a country from its beginning.
    #[must_use]
    pub fn call(rate: SampleRate, country: &Country, tone: CallTone) -> Tone {
        let mut tone = Tone::with(rate, (0.0, 0.0), (0.0, 0.0), country.cadence(tone));
        tone.tune();
        tone
    }

    /// A sine of `peak` without end.
    #[must_use]
    pub fn sine(rate: SampleRate, hz: f32, peak: f32) -> Tone {
        Tone::with(rate, (hz, peak), (0.0, 0.0), ENDLESS)
    }

    /// The two sines of a key, `0`–`9 * # A`–`D`, at −10 and −8 dBov (ITU-T Q.23, Q.24 put the
    /// higher one up to 4 dB above the lower); `None` for anything else.
    #[must_use]
    pub fn dtmf(rate: SampleRate, key: char) -> Option<Tone> {
        let (low, high) = dtmf_pair(key)?;
        Some(Tone::with(rate, (low, 0.316), (high, 0.398), ENDLESS))
    }

    fn with(rate: SampleRate, first: (f32, f32), second: (f32, f32), rhythm: Cadence) -> Tone {
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
            factor: 1.0,
            stopping: false,
        }
    }

    /// To the frequencies of the part it is in; a pause fades what sounds.
    fn tune(&mut self) {
        let hz = self.rhythm.get(self.part).map_or([0, 0], |part| part.hz);
        if hz[0] == 0 {
            return;
        }
        let peak = if hz[1] == 0 {
            CALL_TONE_PEAK
        } else {
            CALL_TONES_PEAK
        };
        for (sine, hz) in self.sines.iter_mut().zip(hz) {
            sine.step = f32::from(hz) / self.rate.hz() as f32;
            sine.peak = if hz == 0 { 0.0 } else { peak };
        }
    }

    /// As loud as it is, times `factor`.
    #[must_use]
    pub fn quieter(mut self, factor: f32) -> Tone {
        self.factor = factor;
        self
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
            let part = self.rhythm.get(self.part);
            let silent = self.rhythm.len() > 1 && part.is_some_and(|part| part.hz[0] == 0);
            let on = !silent && !self.stopping;
            let change = if on { slope } else { -slope };
            self.envelope = (self.envelope + change).clamp(0.0, 1.0);
            let [first, second] = &mut self.sines;
            *sample += self.factor * self.envelope * (first.next() + second.next());
            self.left -= 1;
            if self.left == 0 {
                if self.rhythm.len() > 1 {
                    self.part = (self.part + 1) % self.rhythm.len();
                    self.tune();
                }
                self.left = part_samples(self.rate, self.rhythm, self.part);
            }
        }
    }
}

fn part_samples(rate: SampleRate, rhythm: &[Part], part: usize) -> usize {
    let millis = rhythm.get(part).map_or(1_000, |part| part.millis);
    rate.samples_in(Duration::from_millis(millis.into())).max(1)
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

    /// Frequencies of a part and milliseconds, as ITU-T E.180 Supplement 2 lists them.
    type Listed<'a> = &'a [(&'a [f64], usize)];

    fn check(code: &str, tone: CallTone, rhythm: Listed<'_>) {
        let country = Country::by_code(code).unwrap();
        let sound = made(Tone::call(RATE, country, tone), Duration::from_secs(12));
        let mut at = 0;
        for (hz, millis) in rhythm.iter().cycle() {
            let part = at..at + RATE.hz() as usize * millis / 1_000;
            at = part.end;
            let Some(part) = sound.get(part) else { break };
            // Apart from its edges.
            let middle = &part[80..part.len() - 80];
            let wanted = if hz.len() == 1 { 0.178 } else { 0.126 };
            for hz in *hz {
                let peak = amplitude(RATE, *hz, middle);
                assert!(
                    (peak - wanted).abs() < 0.012,
                    "{code} {tone:?} {hz}: {peak}"
                );
            }
            let power = wanted * wanted / 2.0 * hz.len() as f64;
            let off = rms(middle).powi(2) - power;
            assert!(off.abs() < 0.002, "{code} {tone:?}: {off}");
            if hz.is_empty() {
                assert_eq!(rms(middle), 0.0, "{code} {tone:?}");
            }
        }
    }

    #[test]
    fn brazilian_tones_have_their_rhythm_and_pitch() {
        let on = [425.0].as_slice();
        let tones: [(CallTone, Listed<'_>); 6] = [
            (CallTone::Dial, &[(on, 1_000)]),
            (CallTone::Ringback, &[(on, 1_000), (&[], 4_000)]),
            (CallTone::Busy, &[(on, 250), (&[], 250)]),
            (
                CallTone::Congestion,
                &[(on, 250), (&[], 250), (on, 750), (&[], 250)],
            ),
            (CallTone::CallWaiting, &[(on, 50), (&[], 1_000)]),
            (
                CallTone::Information,
                &[
                    (&[950.0], 330),
                    (&[1_400.0], 330),
                    (&[1_800.0], 330),
                    (&[], 1_000),
                ],
            ),
        ];
        for (tone, rhythm) in tones {
            check("BR", tone, rhythm);
        }
    }

    #[test]
    fn tones_of_other_countries_have_theirs() {
        use CallTone::{Busy, Congestion, Ringback};
        let (ring, busy) = ([440.0, 480.0].as_slice(), [480.0, 620.0].as_slice());
        check("US", Ringback, &[(ring, 2_000), (&[], 4_000)]);
        check("US", Busy, &[(busy, 500), (&[], 500)]);
        check("US", Congestion, &[(busy, 250), (&[], 250)]);
        let pair = [400.0, 450.0].as_slice();
        check(
            "GB",
            Ringback,
            &[(pair, 400), (&[], 200), (pair, 400), (&[], 2_000)],
        );
        check("GB", Busy, &[(&[400.0], 375), (&[], 375)]);
        check("PT", Ringback, &[(&[425.0], 1_000), (&[], 5_000)]);
        check("ES", Ringback, &[(&[425.0], 1_500), (&[], 3_000)]);
        check("ES", Busy, &[(&[425.0], 200), (&[], 200)]);
        check("AR", Busy, &[(&[425.0], 300), (&[], 200)]);
        check("CL", Ringback, &[(&[400.0], 1_000), (&[], 3_000)]);
        check("FR", Ringback, &[(&[440.0], 1_500), (&[], 3_500)]);
        check("DE", Busy, &[(&[425.0], 480), (&[], 480)]);
        check("MX", Congestion, &[(&[425.0], 250), (&[], 250)]);
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
