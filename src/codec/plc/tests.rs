use std::f64::consts::TAU;

use super::super::g711::{decode_alaw, encode_alaw, from_i16, to_i16};
use super::super::testing::{sine, snr_db, speech};
use super::*;

const RATES: [SampleRate; 2] = [SampleRate::NARROW, SampleRate::WIDE];

const TWENTY: Duration = Duration::from_millis(20);

/// How a gap is filled: by what is known, and the sound before and behind it.
type Fill = fn(&mut Concealer, &[f32], &mut [f32], &[f32]);

fn silent(concealer: &mut Concealer, _before: &[f32], made: &mut [f32], _next: &[f32]) {
    concealer.conceal(made);
    made.fill(0.0);
}

fn repeated(concealer: &mut Concealer, before: &[f32], made: &mut [f32], _next: &[f32]) {
    concealer.conceal(made);
    made.copy_from_slice(before);
}

fn open(concealer: &mut Concealer, _before: &[f32], made: &mut [f32], _next: &[f32]) {
    concealer.conceal(made);
}

fn bridged(concealer: &mut Concealer, _before: &[f32], made: &mut [f32], next: &[f32]) {
    concealer.conceal_towards(made, next, Duration::ZERO);
}

/// Every tenth 20 ms frame goes missing, each frame in one of ten runs; answers what was meant
/// there, gap by gap, and what is heard instead.
fn losses(rate: SampleRate, sound: &[f32], fill: Fill) -> (Vec<f32>, Vec<f32>) {
    let frame = rate.samples_in(TWENTY);
    let (mut meant, mut heard) = (Vec::new(), Vec::new());
    let frames: Vec<&[f32]> = sound.chunks_exact(frame).collect();
    for phase in 1..=10 {
        let mut concealer = Concealer::new(rate);
        for (index, around) in frames.windows(3).enumerate() {
            let mut made = around[1].to_vec();
            if index % 10 == phase - 1 && index > 0 {
                fill(&mut concealer, around[0], &mut made, around[2]);
                meant.extend_from_slice(around[1]);
                heard.extend_from_slice(&made);
            } else {
                concealer.accept(&mut made);
            }
        }
    }
    (meant, heard)
}

/// As it comes out of A-law: nothing that is heard is free of a codec's noise.
fn coded(sound: &[f32]) -> Vec<f32> {
    let through = |sample: &f32| from_i16(decode_alaw(encode_alaw(to_i16(*sample))));
    sound.iter().map(through).collect()
}

/// Levels of five bands from 100 Hz to 3,600 Hz, by filters of two poles.
fn bands_db(rate: SampleRate, sound: &[f32]) -> [f64; 5] {
    [250.0, 500.0, 1_000.0, 2_000.0, 3_000.0].map(|hz| {
        let angle = TAU * hz / f64::from(rate.hz());
        let radius = 1.0 - 0.35 * angle.min(0.6);
        let (mut a, mut b, mut energy) = (0.0, 0.0, 0.0);
        for sample in sound {
            let next = f64::from(*sample) + 2.0 * radius * angle.cos() * a - radius * radius * b;
            (a, b) = (next, a);
            energy += next * next;
        }
        let gain = (1.0 - radius) * (1.0 - radius);
        10.0 * (gain * energy / sound.len() as f64 + 1e-7).log10()
    })
}

/// How far the spectrum of what is heard is from what was meant, in dB, on average over the gaps
/// in audible sound.
fn spectrum_off_db(rate: SampleRate, (meant, heard): &(Vec<f32>, Vec<f32>)) -> f64 {
    let frame = rate.samples_in(TWENTY);
    let (mut sum, mut count) = (0.0, 0.0);
    for (meant, heard) in meant.chunks_exact(frame).zip(heard.chunks_exact(frame)) {
        if predict::power(meant) < 1e-4 {
            continue;
        }
        for (m, h) in bands_db(rate, meant).iter().zip(bands_db(rate, heard)) {
            sum += (m - h).abs();
            count += 1.0;
        }
    }
    sum / count
}

#[test]
fn lost_speech_is_guessed_better_than_by_silence_or_by_repeating() {
    for rate in RATES {
        let sound = coded(&speech(rate));
        let [silence, repeat, open, bridged] = [silent, repeated, open, bridged].map(|fill| {
            let result = losses(rate, &sound, fill);
            (snr_db(&result.0, &result.1), spectrum_off_db(rate, &result))
        });
        println!(
            "{rate}: SNR and spectrum off: silence {silence:.2?}, repeated {repeat:.2?}, \
             open {open:.2?}, bridged {bridged:.2?} dB"
        );
        assert!(open.0 > silence.0 + 1.0 && open.0 > repeat.0 + 4.0);
        assert!(bridged.0 > open.0 + 2.3);
        assert!(bridged.1 < 0.85 * open.1 && bridged.1 < repeat.1 + 0.2);
    }
}

#[test]
fn tones_go_on_as_tones() {
    let check = |rate: SampleRate, hz: f64, fill: Fill, least_db: f64| {
        let sound = coded(&sine(
            rate,
            hz,
            0.4,
            rate.samples_in(Duration::from_secs(1)),
        ));
        let (meant, heard) = losses(rate, &sound, fill);
        // The first gap has too little before it.
        let gap = rate.samples_in(TWENTY);
        let snr = snr_db(&meant[10 * gap..], &heard[10 * gap..]);
        assert!(snr > least_db, "{rate}, {hz} Hz: {snr:.1} dB");
    };
    for rate in RATES {
        for hz in [400.0, 1_000.0, 1_633.0] {
            check(rate, hz, open, 18.0);
            check(rate, hz, bridged, 15.0);
        }
    }
}

#[test]
fn a_vowel_is_carried_over_a_gap_almost_unheard() {
    for rate in RATES {
        let length = rate.samples_in(Duration::from_secs(1));
        let mut sound = vec![0.0; length];
        for harmonic in 1..=20 {
            let peak = 0.2 / f64::from(harmonic);
            let part = sine(rate, 140.0 * f64::from(harmonic), peak, length);
            sound.iter_mut().zip(part).for_each(|(sum, s)| *sum += s);
        }
        for (fill, least) in [(open as Fill, 16.0), (bridged, 20.0)] {
            let (meant, heard) = losses(rate, &coded(&sound), fill);
            let skip = 10 * rate.samples_in(TWENTY);
            let snr = snr_db(&meant[skip..], &heard[skip..]);
            assert!(snr > least, "{rate}: {snr:.1} dB");
        }
    }
}

#[test]
fn both_sides_of_a_gap_meet_in_phase_where_the_voice_glides() {
    for rate in RATES {
        // From 120 Hz, 20 Hz higher each second: by 20 ms its phase is ahead of any repetition.
        let length = rate.samples_in(Duration::from_secs(2));
        let sound: Vec<f32> = (0..length)
            .map(|n| {
                let t = n as f64 / f64::from(rate.hz());
                let cycles = 120.0 * t + 30.0 * t * t;
                (1..=15)
                    .map(|h| 0.15 / f64::from(h) * (TAU * cycles * f64::from(h)).sin())
                    .sum::<f64>() as f32
            })
            .collect();
        let sound = coded(&sound);
        let skip = 10 * rate.samples_in(TWENTY);
        let [open, bridged] = [open as Fill, bridged].map(|fill| {
            let (meant, heard) = losses(rate, &sound, fill);
            snr_db(&meant[skip..], &heard[skip..])
        });
        println!("{rate}: open {open:.1} dB, bridged {bridged:.1} dB");
        assert!(bridged > open + 5.0, "{rate}: {open:.1}, {bridged:.1} dB");
    }
}

fn noise(samples: usize, level: f32) -> Vec<f32> {
    let mut state = 0x9e37_79b9_u32;
    (0..samples)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / 8_388_608.0 - 1.0) * level
        })
        .collect()
}

#[test]
fn noise_stays_noise_and_does_not_buzz() {
    for rate in RATES {
        let sound = noise(rate.samples_in(Duration::from_millis(500)), 0.1);
        let mut concealer = Concealer::new(rate);
        concealer.accept(&mut sound.clone());
        let mut gap = vec![0.0; rate.samples_in(Duration::from_millis(60))];
        concealer.conceal(&mut gap);
        // A repeated period would make one lag stand out, at nearly 1.
        let tail = &gap[gap.len() / 3..];
        let most = (rate.samples_in(Duration::from_micros(2_500))..tail.len() / 2)
            .map(|lag| likeness(&tail[lag..], &tail[..tail.len() - lag]))
            .fold(0.0, f32::max);
        assert!(most < 0.6, "{rate}: likeness {most}");
        let level = 10.0 * (predict::power(&gap) / predict::power(&sound)).log10();
        assert!((-14.0..0.0).contains(&level), "{rate}: {level:.1} dB");
    }
}

#[test]
fn neither_end_of_a_gap_clicks() {
    let steepest = |sound: &[f32]| {
        let steps = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        steps.fold(0.0, f32::max)
    };
    for rate in RATES {
        let sound = speech(rate);
        let frame = rate.samples_in(TWENTY);
        for length in [frame / 10, frame, 4 * frame] {
            for two_sided in [false, true] {
                let mut concealer = Concealer::new(rate);
                let mut heard = sound.clone();
                let gaps: Vec<usize> = (frame * 4..sound.len() - 5 * frame)
                    .step_by(9 * frame)
                    .collect();
                let mut at = 0;
                for gap in &gaps {
                    concealer.accept(&mut heard[at..*gap]);
                    at = gap + length;
                    let (made, next) = heard.split_at_mut(at);
                    if two_sided {
                        concealer.conceal_towards(&mut made[*gap..], next, Duration::ZERO);
                    } else {
                        concealer.conceal(&mut made[*gap..]);
                    }
                }
                for gap in gaps {
                    let around = gap - frame..gap + length + frame;
                    let natural = steepest(&sound[around.clone()]);
                    let there = steepest(&heard[around]);
                    assert!(
                        there <= 1.3 * natural + 0.02,
                        "{rate}, at {gap}, {two_sided}: a step of {there} after {natural}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_long_gap_fades_to_the_noise_of_the_room() {
    for rate in RATES {
        let level_db = |sound: &[f32]| 10.0 * predict::power(sound).log10();
        let second = rate.samples_in(Duration::from_secs(1));
        let room = noise(second, 0.003);
        let mut sound = room.clone();
        let voice = sine(rate, 200.0, 0.5, second / 2);
        sound[second / 2..]
            .iter_mut()
            .zip(voice)
            .for_each(|(sum, s)| *sum += s);
        let mut concealer = Concealer::new(rate);
        concealer.accept(&mut coded(&sound));
        let mut gap = vec![0.0; second];
        concealer.conceal(&mut gap);
        let ten = second / 100;
        let levels: Vec<f32> = gap.chunks_exact(ten).map(level_db).collect();
        let voiced = level_db(&sound[second / 2..]);
        assert!(
            levels[..5].iter().all(|l| (l - voiced).abs() < 2.0),
            "{levels:?}"
        );
        assert!(levels[8] < levels[4] - 1.0 && levels[11] < levels[8] - 2.0);
        let rest = level_db(&gap[second / 6..]);
        assert!(
            (rest - level_db(&room)).abs() < 3.0,
            "{rate}: {rest:.1} dB in a room of {:.1} dB",
            level_db(&room)
        );
    }
}

#[test]
fn who_never_paused_is_followed_by_little_noise() {
    let rate = SampleRate::NARROW;
    let mut concealer = Concealer::new(rate);
    concealer.accept(&mut noise(8_000, 0.5));
    let mut gap = vec![0.0; 8_000];
    concealer.conceal(&mut gap);
    let rest = predict::power(&gap[2_000..]).sqrt();
    assert!((0.000_1..0.02).contains(&rest), "{rest}");
}

#[test]
fn the_pieces_a_gap_is_asked_for_in_make_no_difference() {
    for rate in RATES {
        let sound = speech(rate);
        let start = sound.len() / 3;
        let made = |piece: usize| {
            let mut concealer = Concealer::new(rate);
            concealer.accept(&mut sound[..start].to_vec());
            let mut gap = vec![0.0; rate.samples_in(Duration::from_millis(250))];
            for part in gap.chunks_mut(piece) {
                concealer.conceal(part);
            }
            gap
        };
        assert_eq!(made(37), made(4_000));
        assert_eq!(made(1), made(160));
    }
}

#[test]
fn silence_is_continued_as_silence() {
    for rate in RATES {
        let mut concealer = Concealer::new(rate);
        let mut gap = vec![1.0; 4_000];
        concealer.conceal(&mut gap);
        assert_eq!(gap, vec![0.0; 4_000]);
        gap.fill(1.0);
        concealer.conceal_towards(&mut gap, &[0.0; 320], Duration::ZERO);
        assert_eq!(gap, vec![0.0; 4_000]);
        concealer.accept(&mut gap);
        assert_eq!(gap, vec![0.0; 4_000]);
    }
}

#[test]
fn a_reset_forgets_the_voice_and_the_room() {
    let rate = SampleRate::WIDE;
    let mut concealer = Concealer::new(rate);
    concealer.accept(&mut speech(rate)[..40_000].to_vec());
    concealer.conceal(&mut [0.0; 320]);
    concealer.reset();
    let mut gap = [1.0; 8_000];
    concealer.conceal(&mut gap);
    assert_eq!(gap, [0.0; 8_000]);
}

/// Sound of one of five kinds at full scale; what kind of one is up to `seed`.
fn loud(kind: usize, length: usize, seed: usize) -> Vec<f32> {
    let from = |of: &dyn Fn(usize) -> f32| (0..length).map(of).collect();
    match kind {
        0 => vec![if seed.is_multiple_of(2) { 1.0 } else { -1.0 }; length],
        1 => noise(length, 1.0),
        2 => from(&|n| {
            if (n / (20 + seed % 3)).is_multiple_of(2) {
                1.0
            } else {
                -1.0
            }
        }),
        3 => vec![0.0; length],
        _ => from(&|n| {
            let phase = (n + seed) as f32 * (0.08 + seed as f32 * 5e-7);
            (phase.sin() * 3.0).clamp(-1.0, 1.0)
        }),
    }
}

/// Any order of calls, any length, sounds as loud as can be: nothing above full scale.
#[test]
fn whatever_is_asked_for_stays_in_range() {
    for rate in RATES {
        let mut state = 0x1234_5678_9abc_def0_u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % below
        };
        let mut concealer = Concealer::new(rate);
        for round in 0..1_500 {
            let length = [0, 1, 2, 7, 80, 160, 321, 1_920][random(8)];
            let kind = random(5);
            let mut sound = loud(kind, length, random(20_000));
            match random(4) {
                0 => concealer.conceal(&mut sound),
                1 => {
                    let next = loud(kind, [0, 1, 39, 80, 160, 640][random(6)], random(20_000));
                    let unsure = Duration::from_micros(random(3) as u64 * 40_000);
                    concealer.conceal_towards(&mut sound, &next, unsure);
                }
                _ => concealer.accept(&mut sound),
            }
            assert!(sound.iter().all(|s| s.abs() <= 1.0), "round {round}");
        }
    }
}
