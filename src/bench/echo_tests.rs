use std::path::Path;

use super::*;
use crate::bench::noises::Noise;
use crate::bench::stoi::stoi;
use crate::dsp::resample::resample;
use crate::units::SampleRate;
use crate::voice::{EchoChoice, EchoState, NoiseChoice};

/// Who speaks here, who there: never the same voice.
const PAIRS: [(&str, &str); 5] = [
    ("austen", "cards"),
    ("cards", "arctic_b"),
    ("digits", "austen"),
    ("arctic_b", "digits"),
    ("arctic_a", "austen"),
];

const SECOND: usize = 48_000;

fn voice(name: &str) -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/speech")
        .join(format!("{name}.wav"));
    let mut file = hound::WavReader::open(path).unwrap();
    let sound: Vec<f32> = file
        .samples::<i16>()
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect();
    resample(&sound, SampleRate::WIDE, SampleRate::FULL).unwrap()
}

fn far_only(name: &str) -> Scene {
    Scene {
        far: voice(name),
        ..Scene::default()
    }
}

/// Seconds of a scene, each by how much it was made quieter.
fn quieter(scene: &Scene) -> (Vec<f32>, VoiceReport) {
    let sounds = scene.sounds();
    let outcome = pass(&sounds, VoiceSettings::default(), false);
    let seconds = sounds.microphone.chunks_exact(SECOND);
    let quieter = seconds
        .zip(outcome.sent.chunks_exact(SECOND))
        .map(|(microphone, sent)| quieter_db(microphone, sent))
        .collect();
    (quieter, outcome.report)
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

#[test]
fn both_are_understood_when_both_talk() {
    let (mut of_all, mut before) = (0.0, 0.0);
    for (seed, (near, far)) in PAIRS.into_iter().enumerate() {
        let scene = Scene {
            near: voice(near),
            far: voice(far),
            echo_db: Some(-10.0),
            seed: seed as u64 + 1,
            ..Scene::default()
        };
        let sounds = scene.sounds();
        let sent = pass(&sounds, VoiceSettings::default(), false).sent;
        let from = scene.lead_secs * SECOND;
        let understood = stoi(&sounds.near[from..], &sent[from..], RATE);
        let untouched = stoi(&sounds.near[from..], &sounds.microphone[from..], RATE);
        assert!(understood >= 0.85, "{near}: {understood}");
        of_all += understood / PAIRS.len() as f64;
        before += untouched / PAIRS.len() as f64;
    }
    assert!(
        of_all >= 0.92 && of_all > before + 0.03,
        "{of_all} {before}"
    );
}

#[test]
fn the_far_voice_alone_is_taken_out_from_the_first_second_on() {
    for name in ["austen", "cards", "digits"] {
        let (quieter, report) = quieter(&far_only(name));
        assert!(mean(&quieter[2..]) > 35.0, "{name}: {quieter:?}");
        assert!(
            quieter[1..].iter().all(|db| *db > 20.0),
            "{name}: {quieter:?}"
        );
        assert_eq!(report.echo, EchoState::Cancelling);
        let path = report.echo_path.unwrap();
        let millis = path.delay.as_secs_f32() * 1_000.0;
        assert!((40.0..44.0).contains(&millis), "{name}: {path:?}");
        assert!(path.strength_db > -10.0, "{name}: {path:?}");
    }
}

#[test]
fn the_echo_is_found_wherever_it_lies_up_to_three_hundred_milliseconds() {
    for delay_ms in [20, 100, 220, 300] {
        let scene = Scene {
            delay_ms,
            seed: 2,
            ..far_only("austen")
        };
        let (quieter, report) = quieter(&scene);
        assert!(mean(&quieter[3..]) > 35.0, "{delay_ms} ms: {quieter:?}");
        let found = report.echo_path.unwrap().delay.as_secs_f32() * 1_000.0;
        let wanted = delay_ms as f32;
        assert!((wanted..wanted + 4.0).contains(&found), "{found} {wanted}");
    }
}

#[test]
fn after_a_jump_of_the_delay_there_is_no_howl_and_silence_within_two_seconds() {
    let scene = Scene {
        jump_ms: 80,
        lead_secs: 10,
        ..far_only("austen")
    };
    let (quieter, _) = quieter(&scene);
    assert!(quieter.iter().all(|db| *db > -2.0), "{quieter:?}");
    assert!(mean(&quieter[12..]) > 30.0, "{quieter:?}");
}

#[test]
fn clocks_that_drift_and_a_loudspeaker_that_bends_leave_little_echo() {
    for drift_ppm in [100.0, -100.0] {
        let (quieter, _) = quieter(&Scene {
            drift_ppm,
            ..far_only("austen")
        });
        assert!(mean(&quieter[2..]) > 28.0, "{drift_ppm}: {quieter:?}");
    }
    let (quieter, _) = quieter(&Scene {
        bent: true,
        ..far_only("austen")
    });
    assert!(mean(&quieter[2..]) > 28.0, "{quieter:?}");
}

#[test]
fn without_an_echo_or_with_a_weak_one_the_voice_passes_to_the_bit() {
    let only_echo = VoiceSettings {
        echo: EchoChoice::Auto,
        ..VoiceSettings::UNTOUCHED
    };
    for (seed, (near, far)) in PAIRS.into_iter().enumerate() {
        for (echo_db, headset) in [(None, true), (None, false), (Some(-34.0), false)] {
            let scene = Scene {
                near: voice(near),
                far: voice(far),
                echo_db,
                seed: seed as u64 + 1,
                ..Scene::default()
            };
            let sounds = scene.sounds();
            let outcome = pass(&sounds, only_echo, headset);
            let from = scene.lead_secs * SECOND;
            assert!(
                sounds.microphone[from..] == outcome.sent[from..],
                "{near} {echo_db:?}: {:?}",
                outcome.report
            );
        }
    }
}

#[test]
fn a_far_voice_in_a_weak_echo_is_not_brought_up_as_speech() {
    for (seed, (_, name)) in PAIRS.into_iter().enumerate() {
        for echo_db in [-20.0, -30.0, -40.0] {
            let scene = Scene {
                echo_db: Some(echo_db),
                seed: seed as u64 + 1,
                ..far_only(name)
            };
            let (quieter, report) = quieter(&scene);
            let least = quieter[2..].iter().copied().fold(f32::MAX, f32::min);
            assert!(least > -3.0, "{name} {echo_db}: {quieter:?} {report:?}");
        }
    }
}

#[test]
fn noise_goes_and_the_voice_stays() {
    for (choice, least, most) in [
        (NoiseChoice::Low, 5.0, 9.0),
        (NoiseChoice::High, 10.0, 21.0),
    ] {
        let scene = Scene {
            near: voice("cards"),
            noise_below_db: Some(20.0),
            ..Scene::default()
        };
        let sounds = scene.sounds();
        let settings = VoiceSettings {
            noise: choice,
            gain: false,
            high_pass: false,
            ..VoiceSettings::default()
        };
        let sent = pass(&sounds, settings, true).sent;
        let pause = 2 * SECOND..4 * SECOND;
        let gone = quieter_db(&sounds.microphone[pause.clone()], &sent[pause]);
        assert!((least..most).contains(&gone), "{choice:?}: {gone}");
        let spoken = 5 * SECOND..13 * SECOND;
        let lost = quieter_db(&sounds.near[spoken.clone()], &sent[spoken.clone()]);
        assert!(lost.abs() < 0.7, "{choice:?}: {lost}");
        let understood = stoi(&sounds.near[spoken.clone()], &sent[spoken], RATE);
        assert!(understood > 0.85, "{choice:?}: {understood}");
    }
}

#[test]
fn isolation_takes_keys_out_and_fans_and_leaves_the_voice() {
    // What is left of noise in pauses, against what the suppression of steady noise leaves, which
    // takes 20 dB of a fan already.
    for (noise, further_db) in [(Noise::Keyboard, 8.0), (Noise::Fan, -2.0)] {
        let scene = Scene {
            near: voice("cards"),
            noise_below_db: Some(10.0),
            noise,
            echo_db: None,
            ..Scene::default()
        };
        let sounds = scene.sounds();
        let sent = |noise| {
            let settings = VoiceSettings {
                noise,
                gain: false,
                high_pass: false,
                ..VoiceSettings::default()
            };
            pass(&sounds, settings, true)
        };
        let (isolated, high) = (sent(NoiseChoice::Isolation), sent(NoiseChoice::High));
        let pause = 2 * SECOND..4 * SECOND;
        let gone = quieter_db(&high.sent[pause.clone()], &isolated.sent[pause]);
        assert!(gone > further_db, "{noise:?}: {gone}");
        let spoken = 5 * SECOND..13 * SECOND;
        let of = |sent: &[f32]| stoi(&sounds.near[spoken.clone()], &sent[spoken.clone()], RATE);
        let (heard, before) = (of(&isolated.sent), of(&high.sent));
        assert!(heard > before + 0.02, "{noise:?}: {heard} {before}");
        assert_eq!(isolated.report.delay.as_millis(), 25);
    }
}

#[test]
fn isolation_leaves_a_voice_in_a_quiet_room_as_loud_as_it_is() {
    for (name, _) in PAIRS {
        let scene = Scene {
            near: voice(name),
            echo_db: None,
            ..Scene::default()
        };
        let sounds = scene.sounds();
        let settings = VoiceSettings {
            noise: NoiseChoice::Isolation,
            gain: false,
            high_pass: false,
            ..VoiceSettings::default()
        };
        let sent = pass(&sounds, settings, true).sent;
        let spoken = 5 * SECOND..sounds.near.len() - SECOND / 2;
        let lost = quieter_db(&sounds.near[spoken.clone()], &sent[spoken.clone()]);
        assert!(lost.abs() < 0.7, "{name}: {lost}");
        let understood = stoi(&sounds.near[spoken.clone()], &sent[spoken], RATE);
        assert!(understood > 0.93, "{name}: {understood}");
    }
}
