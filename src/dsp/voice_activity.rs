//! Whether somebody speaks: sound against the noise of the room it is in.
//!
//! Three bands are each held against their own noise floor, the lowest that the band has been over
//! the last seconds (minimum statistics). A hiss that drowns the vowels of nobody, or the hum of a
//! fan that drowns no consonant, so leaves the other bands to tell. Whoever speaks is believed to
//! go on for a quarter of a second, so that word ends and short stops are not cut; what lasts a
//! moment only, a key or a cup, is believed for less.

use crate::dsp::level;
use crate::units::{Dbov, SampleRate};

/// Low, middle and high.
const BANDS: usize = 3;

/// What lies below is rumble and hum, and where the bands part, in Hz.
const RUMBLE_HZ: f32 = 120.0;
const PARTING_HZ: [f32; BANDS - 1] = [900.0, 2_500.0];

/// Blocks of 10 ms in one of the pieces whose minimum is kept, and how many pieces: the floor is the
/// lowest of the last three seconds.
const PIECE: u32 = 20;
const PIECES: usize = 15;

/// How much a block counts in what the minimum is taken of.
const SMOOTHING: f32 = 0.15;
/// The minimum of noise smoothed so lies below its mean, as a power.
const MINIMUM_BELOW_MEAN: f32 = 2.0;

/// Sound that is so many dB above the floor of one band, or of all together, is speech.
const ONE_ABOVE_DB: f32 = 5.0;
const ALL_ABOVE_DB: f32 = 8.0;

/// No room is quieter than this to us, and none so loud that speech in it would not count: mean
/// squares of a band, −75 and −35 dBov.
const QUIETEST: f32 = 1.6e-8;
const LOUDEST: f32 = 1.6e-4;

/// Less is a switch or a gate that is closed, and says nothing of the room.
const CLOSED: f32 = 1e-10;

/// Blocks that speech is believed to go on: the longest, the shortest, and for each block of it.
const HANGOVER: u32 = 25;
const SHORT_HANGOVER: u32 = 5;
const HANGOVER_EARNED: u32 = 4;

/// Tells speech from the noise around it, 10 ms at a time. Allocates nothing.
#[derive(Clone, Debug)]
pub struct VoiceActivity {
    rumble: Section,
    splits: [(Section, Section); BANDS - 1],
    /// Samples and squares of the block that is being filled.
    filled: usize,
    block: usize,
    sums: [f32; BANDS],
    floors: [Floor; BANDS],
    /// Blocks of speech in a row, and for how many more it is believed.
    run: u32,
    hangover: u32,
    heard: bool,
}

impl VoiceActivity {
    /// For sound of this rate, 8 kHz or more; nothing is known of the room.
    #[must_use]
    pub fn new(rate: SampleRate) -> VoiceActivity {
        let hz = rate.hz() as f32;
        VoiceActivity {
            rumble: Section::high_pass(RUMBLE_HZ / hz),
            splits: PARTING_HZ.map(|at| (Section::low_pass(at / hz), Section::high_pass(at / hz))),
            filled: 0,
            block: (rate.hz() as usize / 100).max(1),
            sums: [0.0; BANDS],
            floors: [Floor::default(); BANDS],
            run: 0,
            hangover: 0,
            heard: false,
        }
    }

    /// Takes the next sound, of any length, and answers [`VoiceActivity::speaks`].
    pub fn observe(&mut self, sound: &[f32]) -> bool {
        for sample in sound {
            let mut rest = if sample.is_finite() {
                self.rumble.pass(*sample)
            } else {
                0.0
            };
            for (band, (low, high)) in self.splits.iter_mut().enumerate() {
                let below = low.pass(rest);
                self.sums[band] += below * below;
                rest = high.pass(rest);
            }
            self.sums[BANDS - 1] += rest * rest;
            self.filled += 1;
            if self.filled == self.block {
                self.close_block();
            }
        }
        self.speaks()
    }

    /// Whether somebody speaks, or did until a moment ago.
    #[must_use]
    pub fn speaks(&self) -> bool {
        self.hangover > 0
    }

    /// Whether the last 10 ms were speech themselves.
    #[must_use]
    pub fn hears(&self) -> bool {
        self.heard
    }

    /// The level of the room while nobody speaks, rumble left out.
    #[must_use]
    pub fn noise(&self) -> Dbov {
        level::of_power(self.floors.iter().map(Floor::power).sum())
    }

    fn close_block(&mut self) {
        let samples = self.block as f32;
        let powers = std::mem::take(&mut self.sums).map(|sum| sum / samples);
        self.filled = 0;
        if powers.iter().sum::<f32>() < CLOSED {
            self.heard = false;
        } else {
            let (mut highest, mut all) = (0.0_f32, 0.0_f32);
            for (floor, power) in self.floors.iter_mut().zip(powers) {
                floor.observe(power);
                let above = 10.0 * (power / floor.power()).max(1.0).log10();
                highest = highest.max(above);
                all += above;
            }
            self.heard = highest > ONE_ABOVE_DB || all > ALL_ABOVE_DB;
        }
        if self.heard {
            self.run += 1;
            let earned = (self.run * HANGOVER_EARNED).clamp(SHORT_HANGOVER, HANGOVER);
            self.hangover = self.hangover.max(earned);
        } else {
            self.run = self.run.saturating_sub(1);
            self.hangover = self.hangover.saturating_sub(1);
        }
    }
}

/// The lowest power of one band over the last seconds.
#[derive(Clone, Copy, Debug)]
struct Floor {
    smooth: Option<f32>,
    /// Minima of the last pieces, and of the one that is being filled.
    minima: [f32; PIECES],
    next: usize,
    minimum: f32,
    blocks: u32,
    lowest: f32,
}

impl Default for Floor {
    fn default() -> Self {
        Floor {
            smooth: None,
            minima: [f32::INFINITY; PIECES],
            next: 0,
            minimum: f32::INFINITY,
            blocks: 0,
            lowest: 0.0,
        }
    }
}

impl Floor {
    fn observe(&mut self, power: f32) {
        let before = self.smooth.unwrap_or(power);
        let smooth = before + SMOOTHING * (power - before);
        self.smooth = Some(smooth);
        self.minimum = self.minimum.min(smooth);
        self.blocks += 1;
        if self.blocks == PIECE {
            self.minima[self.next] = self.minimum;
            self.next = (self.next + 1) % PIECES;
            (self.minimum, self.blocks) = (f32::INFINITY, 0);
        }
        self.lowest = self.minima.iter().copied().fold(self.minimum, f32::min);
    }

    fn power(&self) -> f32 {
        (self.lowest * MINIMUM_BELOW_MEAN).clamp(QUIETEST, LOUDEST)
    }
}

/// A Butterworth filter of second order (transposed direct form II).
#[derive(Clone, Copy, Debug)]
struct Section {
    forward: [f32; 3],
    back: [f32; 2],
    state: [f32; 2],
}

impl Section {
    /// `cutoff` in cycles a sample, below a half.
    fn low_pass(cutoff: f32) -> Section {
        Section::new(cutoff, |cosine| [0.5 - cosine / 2.0, 1.0 - cosine])
    }

    fn high_pass(cutoff: f32) -> Section {
        Section::new(cutoff, |cosine| [0.5 + cosine / 2.0, -1.0 - cosine])
    }

    /// By the bilinear transform; `edge` gives the outer and the middle coefficient.
    fn new(cutoff: f32, edge: impl Fn(f32) -> [f32; 2]) -> Section {
        let turn = std::f32::consts::TAU * cutoff.clamp(1e-4, 0.49);
        let (sine, cosine) = turn.sin_cos();
        let alpha = sine * std::f32::consts::FRAC_1_SQRT_2;
        let norm = 1.0 + alpha;
        let [outer, middle] = edge(cosine);
        Section {
            forward: [outer / norm, middle / norm, outer / norm],
            back: [-2.0 * cosine / norm, (1.0 - alpha) / norm],
            state: [0.0; 2],
        }
    }

    fn pass(&mut self, sample: f32) -> f32 {
        let out = self.forward[0] * sample + self.state[0];
        self.state[0] = self.forward[1] * sample - self.back[0] * out + self.state[1];
        self.state[1] = self.forward[2] * sample - self.back[1] * out;
        out
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::testing::sine;
    use super::*;

    const TALKERS: [&str; 5] = ["arctic_a", "arctic_b", "austen", "cards", "digits"];

    /// A talker at 16 kHz, or at 8 kHz by leaving out: what folds over is a consonant's.
    fn talker(name: &str, rate: SampleRate) -> Vec<f32> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/speech");
        let mut file = hound::WavReader::open(folder.join(format!("{name}.wav"))).unwrap();
        file.samples::<i16>()
            .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
            .step_by(16_000 / rate.hz() as usize)
            .collect()
    }

    fn seconds(rate: SampleRate, seconds: f32) -> usize {
        (rate.hz() as f32 * seconds) as usize
    }

    /// Gaussian noise of this level in dBov; `pink` falls by 3 dB an octave, roughly.
    fn room(samples: usize, dbov: f32, pink: bool) -> Vec<f32> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1_u64 << 24) as f32
        };
        let mut slow = [0.0; 3];
        let mut noise: Vec<f32> = (0..samples)
            .map(|_| {
                let white = (0..12).map(|_| uniform()).sum::<f32>() - 6.0;
                let poles = [(0.997_65, 0.099), (0.963, 0.297), (0.57, 1.053)];
                for (slow, (keeps, takes)) in slow.iter_mut().zip(poles) {
                    *slow = keeps * *slow + takes * white;
                }
                if pink {
                    slow.iter().sum::<f32>() + 0.185 * white
                } else {
                    white
                }
            })
            .collect();
        let Dbov(is) = level::level(&noise);
        for sample in &mut noise {
            *sample *= 10.0_f32.powf((dbov - is) / 20.0);
        }
        noise
    }

    /// Of sound with pauses of two seconds: what of its audible blocks of 10 ms was left out, what
    /// of its power, and how much of the pauses, from 300 ms on, was taken for speech.
    fn judge(said: &[f32], noise: &[f32], rate: SampleRate) -> (f32, f32, f32) {
        let block = rate.hz() as usize / 100;
        let Dbov(noise_level) = level::level(noise);
        let mut voice = VoiceActivity::new(rate);
        let (mut audible, mut cut, mut power, mut cut_power) = (0, 0, 0.0, 0.0);
        let (mut pauses, mut sent, mut quiet) = (0, 0, 0);
        for (said, noise) in said.chunks_exact(block).zip(noise.chunks_exact(block)) {
            let heard: Vec<f32> = said.iter().zip(noise).map(|(a, b)| a + b).collect();
            let speaks = voice.observe(&heard);
            let Dbov(level) = level::level(said);
            quiet = if level > -48.0 { 0 } else { quiet + 1 };
            if level > -48.0 && level > noise_level {
                audible += 1;
                let squares: f32 = said.iter().map(|s| s * s).sum();
                power += squares;
                if !speaks {
                    cut += 1;
                    cut_power += squares;
                }
            } else if quiet > 30 && level <= Dbov::SILENCE.0 {
                pauses += 1;
                sent += u32::from(speaks);
            }
        }
        let share = |part: u32, whole: u32| part as f32 / whole.max(1) as f32;
        (share(cut, audible), cut_power / power, share(sent, pauses))
    }

    #[test]
    fn words_are_not_cut_and_pauses_are_found_in_quiet_and_noisy_rooms() {
        for rate in [SampleRate::NARROW, SampleRate::WIDE] {
            for (noise, pink) in [(-56.0, false), (-46.0, true), (-36.0, false), (-36.0, true)] {
                let mut all = (0.0, 0.0, 0.0);
                for name in TALKERS {
                    let words = talker(name, rate);
                    let mut said = vec![0.0; seconds(rate, 3.0)];
                    for _ in 0..2 {
                        said.extend_from_slice(&words);
                        said.extend(vec![0.0; seconds(rate, 2.0)]);
                    }
                    let noise = room(said.len(), noise, pink);
                    let (cut, power, sent) = judge(&said, &noise, rate);
                    assert!(cut < 0.07, "{name}, {noise:?}: {cut} of the words is cut");
                    all = (all.0 + cut / 5.0, all.1 + power / 5.0, all.2 + sent / 5.0);
                }
                let told = format!("{rate}, {noise} dBov: {all:?}");
                assert!(all.0 < 0.04, "words cut: {told}");
                assert!(all.1 < 0.002, "power cut: {told}");
                assert!(all.2 < 0.05, "pauses sent: {told}");
            }
        }
    }

    #[test]
    fn a_call_that_begins_with_a_word_begins_with_speech() {
        let rate = SampleRate::WIDE;
        for name in TALKERS {
            let words = talker(name, rate);
            let noise = room(words.len(), -56.0, true);
            let (cut, power, _) = judge(&words, &noise, rate);
            assert!(cut < 0.08 && power < 0.01, "{name}: {cut} {power}");
        }
    }

    #[test]
    fn a_fan_that_starts_is_room_after_a_few_seconds() {
        let rate = SampleRate::WIDE;
        let mut voice = VoiceActivity::new(rate);
        voice.observe(&room(seconds(rate, 4.0), -70.0, true));
        assert!(!voice.speaks());
        let fan = room(seconds(rate, 4.0), -45.0, true);
        assert!(voice.observe(&fan[..seconds(rate, 0.5)]));
        assert!(!voice.observe(&fan));
        assert!((voice.noise().0 + 45.0).abs() < 4.0, "{:?}", voice.noise());
    }

    #[test]
    fn word_ends_are_given_a_quarter_of_a_second_and_a_click_much_less() {
        let rate = SampleRate::NARROW;
        let after = |lasts: f32| {
            let mut voice = VoiceActivity::new(rate);
            voice.observe(&room(seconds(rate, 4.0), -65.0, false));
            let tone = sine(rate, 700.0, 0.2, seconds(rate, lasts));
            assert!(voice.observe(&tone));
            (0..100)
                .take_while(|_| voice.observe(&vec![1e-4; seconds(rate, 0.01)]))
                .count()
        };
        assert!((23..=27).contains(&after(0.5)), "{}", after(0.5));
        assert!(after(0.01) <= 12, "{}", after(0.01));
    }

    #[test]
    fn silence_hum_and_nonsense_are_no_speech() {
        let rate = SampleRate::FULL;
        let silent = vec![0.0; seconds(rate, 5.0)];
        let hum = sine(rate, 60.0, 0.01, seconds(rate, 5.0));
        let nonsense = vec![f32::NAN; seconds(rate, 1.0)];
        for sound in [&silent[..], &hum, &nonsense] {
            let mut voice = VoiceActivity::new(rate);
            voice.observe(sound);
            assert!(!voice.speaks() && !voice.hears());
        }
        // A gate that opens lets a voice through, whatever came before.
        let mut voice = VoiceActivity::new(rate);
        voice.observe(&silent);
        assert!(voice.observe(&sine(rate, 500.0, 0.05, seconds(rate, 0.1))));
        assert!(voice.hears());
    }
}
