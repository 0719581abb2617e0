//! Five talkers in noise, and what is no talker.

use std::path::Path;

use super::*;

const RATE: SampleRate = SampleRate::WIDE;
const TALKERS: [&str; 5] = ["arctic_a", "arctic_b", "austen", "cards", "digits"];

fn talker(name: &str) -> Vec<f32> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/speech");
    let mut file = hound::WavReader::open(folder.join(format!("{name}.wav"))).unwrap();
    file.samples::<i16>()
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect()
}

struct Dice(u64);

impl Dice {
    fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn gauss(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0
    }
}

fn rms(sound: &[f32]) -> f32 {
    (sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32).sqrt()
}

/// Brings sound to an RMS in dB of full scale.
fn at_db(mut sound: Vec<f32>, db: f32) -> Vec<f32> {
    let factor = 10.0_f32.powf(db / 20.0) / rms(&sound).max(1e-9);
    sound.iter_mut().for_each(|sample| *sample *= factor);
    sound
}

fn white(samples: usize, seed: u64) -> Vec<f32> {
    let mut dice = Dice(seed);
    (0..samples).map(|_| dice.gauss()).collect()
}

/// Falls by 3 dB an octave: three poles between.
fn pink(samples: usize, seed: u64) -> Vec<f32> {
    let mut dice = Dice(seed);
    let mut slow = [0.0_f32; 3];
    let poles = [(0.997_65, 0.099), (0.963, 0.297), (0.57, 1.053)];
    (0..samples)
        .map(|_| {
            let white = dice.gauss();
            for (slow, (keeps, takes)) in slow.iter_mut().zip(poles) {
                *slow = keeps * *slow + takes * white;
            }
            slow.iter().sum::<f32>() + 0.185 * white
        })
        .collect()
}

/// A fast typist: eight keys a second, each two clicks that ring for a few milliseconds.
fn keys(samples: usize, seed: u64) -> Vec<f32> {
    let mut dice = Dice(seed);
    let mut sound = vec![0.0; samples];
    let mut at = 0.1;
    while at < samples as f32 / 16_000.0 - 0.2 {
        for (later, loud) in [(0.0, 1.0), (0.07, 0.5)] {
            let start = ((at + later) * 16_000.0) as usize;
            let hz = 800.0 + 2_500.0 * dice.uniform();
            for n in 0..320 {
                let t = n as f32 / 16_000.0;
                let ring = (std::f32::consts::TAU * hz * t).sin() + dice.gauss();
                sound[start + n] += loud * ring * (-t / 0.004).exp();
            }
        }
        at += 0.08 + 0.09 * dice.uniform();
    }
    sound
}

/// Mains and its harmonics.
fn hum(samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|n| {
            let turn = std::f32::consts::TAU * n as f32 / 16_000.0;
            let parts = [(60.0, 1.0), (120.0, 0.7), (180.0, 0.4), (240.0, 0.2)];
            parts
                .iter()
                .map(|(hz, loud)| loud * (turn * hz).sin())
                .sum()
        })
        .collect()
}

/// Noise that swells and falls: every four seconds a breath in and a breath out.
fn breath(samples: usize, seed: u64) -> Vec<f32> {
    let mut sound = pink(samples, seed);
    for (n, sample) in sound.iter_mut().enumerate() {
        let t = (n as f32 / 16_000.0) % 4.0;
        let swell = |from: f32, long: f32| {
            let at = (t - from) / long;
            if (0.0..1.0).contains(&at) {
                (std::f32::consts::PI * at).sin()
            } else {
                0.0
            }
        };
        *sample *= swell(0.0, 1.3) + 0.8 * swell(1.7, 1.8);
    }
    sound
}

fn mixed(one: &[f32], other: &[f32]) -> Vec<f32> {
    one.iter().zip(other).map(|(a, b)| a + b).collect()
}

/// When the muted microphone is said to be talked to, in seconds.
fn told(sound: &[f32]) -> Vec<f32> {
    let mut watch = MicrophoneWatch::new(RATE);
    let mut told = Vec::new();
    let mut before = false;
    for (n, frame) in sound.chunks_exact(160).enumerate() {
        let state = watch.observe(frame, frame, false, Listening::Muted);
        if state.talking_muted && !before {
            told.push(n as f32 / 100.0);
        }
        before = state.talking_muted;
    }
    told
}

/// Talkers at four ratios of signal to noise, in two kinds of noise: how many were noticed, and
/// after how many seconds of talking on average.
fn hits(speech_db: f32) -> (usize, usize, f32) {
    let (mut heard, mut of, mut after) = (0, 0, 0.0);
    for name in TALKERS {
        // The shortest speaks for three seconds: twice, so that each has the time.
        let words = at_db([talker(name), talker(name)].concat(), speech_db - 2.0);
        let said = [vec![0.0; 32_000], words].concat();
        for snr in [40.0, 30.0, 20.0, 15.0] {
            for noise in [white(said.len(), 5), pink(said.len(), 6)] {
                let noise = at_db(noise, speech_db - snr);
                of += 1;
                let told = told(&mixed(&said, &noise));
                if let Some(first) = told.first().filter(|first| **first > 2.0) {
                    heard += 1;
                    after += first - 2.0;
                }
            }
        }
    }
    (heard, of, after / heard as f32)
}

#[test]
fn five_talkers_are_noticed_in_quiet_and_noisy_rooms() {
    for speech_db in [-26.0, -36.0] {
        let (heard, of, after) = hits(speech_db);
        let told = format!("{speech_db} dB: {heard} of {of}, after {after} s");
        println!("{told}");
        assert!(heard == of && after < 1.8, "{told}");
        assert!(after > 0.9, "not by a word or two: {told}");
    }
}

#[test]
fn noise_keys_hum_and_breath_are_no_talk() {
    let samples = 20 * 16_000;
    let room = at_db(pink(samples, 3), -65.0);
    let fan = at_db(mixed(&hum(samples), &pink(samples, 8)), -45.0);
    let kinds = [
        ("white noise", white(samples, 1)),
        ("pink noise", pink(samples, 2)),
        ("keys", keys(samples, 4)),
        ("hum", hum(samples)),
        ("breath", breath(samples, 7)),
    ];
    let mut tried = 0;
    for (name, sound) in kinds {
        for db in [-60.0, -50.0, -40.0, -30.0, -20.0] {
            for room in [&room, &fan] {
                let told = told(&mixed(&at_db(sound.clone(), db), room));
                assert!(told.is_empty(), "{name} at {db} dB: {told:?}");
                tried += 1;
            }
        }
    }
    println!("0 of {tried} stretches of 20 s are taken for talk");
}

#[test]
fn a_word_to_somebody_in_the_room_is_nothing_to_tell() {
    let word = &talker("digits")[..9_600];
    let mut sound = vec![0.0; 32_000];
    for _ in 0..10 {
        sound.extend_from_slice(word);
        sound.extend(vec![0.0; 48_000]);
    }
    let room = at_db(pink(sound.len(), 3), -60.0);
    assert!(told(&mixed(&sound, &room)).is_empty());
}

#[test]
fn the_far_side_from_the_loudspeaker_is_not_the_person() {
    let words = talker("austen");
    let mut watch = MicrophoneWatch::new(RATE);
    for frame in words.chunks_exact(160) {
        let state = watch.observe(frame, frame, true, Listening::Muted);
        assert!(!state.talking_muted);
    }
}

#[test]
fn who_goes_on_talking_is_told_once_and_again_after_a_minute() {
    let (words, room) = (talker("austen"), at_db(pink(70 * 16_000, 3), -60.0));
    let pause = &room[..4 * 16_000];
    let first = [pause, &words, pause, &words, pause].concat();
    assert_eq!(told(&first).len(), 1);
    let later = [pause, &words, &room, &words].concat();
    assert_eq!(told(&later).len(), 2);
}

#[test]
fn opening_the_microphone_ends_it_and_the_next_time_it_is_told_anew() {
    let words = talker("austen");
    let mut watch = MicrophoneWatch::new(RATE);
    let mut speak = |listening| {
        let frames = words.chunks_exact(160);
        let states: Vec<_> = frames
            .map(|frame| watch.observe(frame, frame, false, listening).talking_muted)
            .collect();
        (states[0], states.contains(&true))
    };
    assert_eq!(speak(Listening::Muted), (false, true));
    assert_eq!(speak(Listening::Open), (false, false));
    assert_eq!(speak(Listening::Muted), (false, true));
    assert_eq!(speak(Listening::Nobody), (false, false));
}

/// The seconds in which it is silent, for so many seconds of each sound.
fn silent(parts: &[(u32, Vec<f32>)]) -> Vec<u32> {
    let mut watch = MicrophoneWatch::new(RATE);
    let mut seconds = Vec::new();
    let mut second = 0;
    for (lasts, sound) in parts {
        for _ in 0..*lasts {
            let mut silent = false;
            for frame in sound.chunks_exact(160).take(100) {
                silent = watch.observe(frame, frame, false, Listening::Open).silent;
            }
            if silent {
                seconds.push(second);
            }
            second += 1;
        }
    }
    seconds
}

#[test]
fn a_dead_microphone_is_told_after_five_seconds_whatever_it_gives() {
    for dead in [0.0, 0.5, -1.0] {
        assert_eq!(silent(&[(8, vec![dead; 16_000])]), [4, 5, 6, 7], "{dead}");
    }
    let faint = at_db(white(16_000, 3), -80.0);
    assert_eq!(silent(&[(6, faint)]), [4, 5]);
}

#[test]
fn a_quiet_room_is_not_silence_and_sound_ends_it() {
    let room = at_db(white(16_000, 3), -68.0);
    assert!(silent(&[(30, room.clone())]).is_empty());
    let dead = vec![0.0; 16_000];
    assert_eq!(silent(&[(6, dead), (3, room)]), [4, 5]);
}

#[test]
fn a_microphone_that_closes_in_pauses_is_known_for_it_and_one_that_dies_is_told() {
    let (gate, words) = (vec![0.0; 16_000], talker("austen"));
    let gated = [
        (1, words.clone()),
        (3, gate.clone()),
        (1, words.clone()),
        (11, gate.clone()),
        (1, words.clone()),
        (30, gate.clone()),
    ];
    assert!(silent(&gated).is_empty());
    let dies = [(5, words), (7, gate)];
    assert_eq!(silent(&dies), [9, 10, 11]);
}

/// The seconds in which it is too loud, one by one.
fn clipping(seconds: &[Vec<f32>]) -> Vec<bool> {
    let mut watch = MicrophoneWatch::new(RATE);
    let mut states = Vec::new();
    for second in seconds {
        let frames = second.chunks_exact(160);
        let of_frames = frames.map(|frame| {
            let state = watch.observe(frame, frame, false, Listening::Open);
            state.clipping
        });
        states.push(of_frames.last().unwrap_or_default());
    }
    states
}

#[test]
fn speech_that_is_cut_is_too_loud_and_a_click_is_not() {
    let words = &talker("austen")[..16_000];
    let cut: Vec<f32> = words.iter().map(|s| (s * 20.0).clamp(-1.0, 1.0)).collect();
    let good: Vec<f32> = words.iter().map(|s| s * 3.0).collect();
    assert!(rms(&good) > 0.1, "loud, and it fits");
    assert_eq!(clipping(std::slice::from_ref(&good)), [false]);
    let (long, short) = (vec![cut; 2], vec![good.clone(); 5]);
    let states = clipping(&[long, short].concat());
    // It ends three seconds after the last of it.
    assert_eq!(states, [true, true, true, true, false, false, false]);
    let mut click = good;
    click[4_000..4_200].fill(1.0);
    assert_eq!(clipping(&[click.clone(), click]), [false, false]);
}
