//! How loud a call is, and what is said of that.

use super::world::Pair;
use super::*;

/// A tone of 400 Hz for so many seconds at 8 kHz.
fn tone(peak: f32, seconds: usize) -> Vec<f32> {
    let step = std::f32::consts::TAU * 400.0 / 8_000.0;
    (0..8_000 * seconds)
        .map(|n| peak * (step * n as f32).sin())
        .collect()
}

/// The RMS of the last half, in dB of full scale.
fn loudness(sound: &[f32]) -> f32 {
    let last = &sound[sound.len() / 2..];
    let power = last.iter().map(|s| s * s).sum::<f32>() / last.len() as f32;
    10.0 * power.log10()
}

#[test]
fn the_microphones_gain_is_heard_on_the_far_side_at_once_and_never_leaves_full_scale() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let quiet = vec![0.0; 16_000];
    let mut heard = |db: i32, peak: f32| {
        pair.near.session.set_gain(db);
        let (_, far) = pair.talk(&tone(peak, 2), &quiet);
        (
            loudness(&far),
            far.iter().fold(0.0_f32, |most, s| most.max(s.abs())),
        )
    };
    let (plain, _) = heard(0, 0.1);
    assert!((plain + 23.0).abs() < 0.3, "{plain}");
    for db in [-20, -6, 12] {
        let (changed, _) = heard(db, 0.1);
        let by = changed - plain;
        assert!((by - db as f32).abs() < 0.3, "{db} dB: {by}");
    }
    let (loud, peak) = heard(20, 0.5);
    // As loud a tone as fits, and its shape: −3 dB. Cut, it would have −0.8.
    assert!((loud + 3.1).abs() < 0.4, "{loud}");
    assert!(peak < 1.0, "{peak}");
}

#[test]
fn the_level_shown_is_that_of_what_is_sent() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    pair.near.session.set_gain(-12);
    pair.talk(&tone(0.5, 1), &vec![0.0; 8_000]);
    let shown = pair.near.session.levels().capture().0;
    assert!((shown + 18.0).abs() < 0.3, "{shown}");
}

#[test]
fn both_sides_speech_is_measured_each_second_in_dbov() {
    let mut pair = Pair::talking(CodecKind::Opus);
    let rate = pair.near.session.capture_rate().unwrap();
    let words = world::speech(rate);
    // Not told before anybody spoke.
    let quiet = vec![0.0; rate.hz() as usize];
    pair.talk(&quiet, &quiet);
    let figures = pair.near.figures.last().copied().unwrap();
    assert_eq!((figures.speech_in, figures.speech_out), (None, None));
    let soft: Vec<f32> = words.iter().map(|s| s * 0.1).collect();
    pair.talk(&words, &soft);
    let figures = pair.near.figures.last().copied().unwrap();
    let (Some(ours), Some(theirs)) = (figures.speech_in, figures.speech_out) else {
        panic!("{figures:?}");
    };
    // What another meter after P.56 makes of the whole of it.
    let expected = -22.13_f32;
    assert!((ours.0 - expected).abs() < 2.0, "{ours:?}, not {expected}");
    assert!((theirs.0 - expected + 20.0).abs() < 2.5, "{theirs:?}");
}

#[test]
fn for_whom_the_microphone_is_follows_mute_and_hold() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let near = &mut pair.near.session;
    assert_eq!(near.listening(), Listening::Open);
    near.set_muted(true);
    assert_eq!(near.listening(), Listening::Muted);
    let mut held = plan(CodecKind::Pcmu, world::FAR);
    held.held = true;
    near.apply(pair.now, &held).unwrap();
    assert_eq!(near.listening(), Listening::Nobody);
    near.set_muted(false);
    assert_eq!(near.listening(), Listening::Nobody);
}
