//! How loud, with devices made of rings: gains, sidetone, the watch and the tests.

use std::sync::Arc;

use super::*;
use crate::engine::media::trial::SoundTest;
use crate::media::{Levels, MicrophoneState};
use crate::units::Dbov;

/// The RTP payload of the last packet that came, as linear samples.
fn last_heard(bench: &Bench) -> Vec<f32> {
    let (mut last, mut datagram) = (Vec::new(), [0; 2_048]);
    while let Ok(length) = bench.far.recv(&mut datagram) {
        let packet = RtpPacket::parse(&datagram[..length]).unwrap();
        last = packet.payload.iter().map(|byte| linear(*byte)).collect();
    }
    last
}

/// µ-law by its formula (ITU-T G.711 table 2a), 1 for the highest value.
fn linear(byte: u8) -> f32 {
    let value = !byte;
    let magnitude = ((i32::from(value & 15) << 3) + 0x84) << (value >> 4 & 7);
    let sample = (magnitude - 0x84) as f32 / 32_768.0;
    if value & 0x80 == 0 { sample } else { -sample }
}

fn mute(bench: &mut Bench, muted: bool) {
    bench
        .worker
        .obey(MediaCommand::SetMuted { media: CALL, muted });
}

fn states(bench: &Bench) -> Vec<MicrophoneState> {
    let mut states = Vec::new();
    for report in bench.reports.borrow().iter() {
        if let MediaReport::Microphone(state) = report {
            states.push(*state);
        }
    }
    states
}

/// The whole of a tick so many times, with the microphone giving 10 ms and the speaker taking as
/// much; answers what it took.
fn pass(bench: &mut Bench, ticks: usize, level: f32) -> Vec<f32> {
    let mut heard = Vec::new();
    for _ in 0..ticks {
        bench.now += TICK;
        if bench.worker.input.running().is_some() {
            spoken(1, level);
        }
        bench.worker.tick(bench.now);
        SPEAKER.with_borrow_mut(|speaker| {
            let mut frame = [0.0_f32; 80];
            speaker.as_mut().unwrap().fill(&mut frame);
            heard.extend(frame);
        });
    }
    heard
}

#[test]
fn the_microphones_gain_holds_at_once_in_a_call_under_way() {
    let mut bench = Bench::new();
    bench.apply(true);
    let mut sent = |input_db| {
        let loudness = Loudness {
            input_db,
            ..Loudness::default()
        };
        bench.orders.send(Order::Loudness(loudness)).unwrap();
        bench.worker.take_orders();
        bench.pass(10, 1, 0.1);
        last_heard(&bench)[100]
    };
    let plain = sent(0);
    assert!((plain - 0.1).abs() < 0.005, "{plain}");
    let louder = sent(12);
    assert!((louder - 0.398).abs() < 0.02, "{louder}");
    let capped = sent(500);
    assert!((0.9..1.0).contains(&capped), "{capped}");
}

#[test]
fn a_call_that_begins_later_has_the_gain_that_was_chosen_before() {
    let mut bench = Bench::new();
    bench.worker.obey(MediaCommand::Close { media: CALL });
    bench.worker.set_loudness(Loudness {
        input_db: -20,
        ..Loudness::default()
    });
    bench.worker.obey(MediaCommand::Open {
        media: CALL,
        local: Ipv4Addr::LOCALHOST.into(),
    });
    bench.apply(true);
    bench.pass(10, 1, 0.5);
    let sent = last_heard(&bench)[100];
    assert!((sent - 0.05).abs() < 0.005, "{sent}");
}

#[test]
fn ones_own_voice_is_in_ones_ear_by_choice_and_not_while_muted() {
    let mut bench = Bench::new();
    bench.apply(true);
    let last = |sound: Vec<f32>| *sound.last().unwrap();
    assert_eq!(last(pass(&mut bench, 20, 0.5)), 0.0);
    bench.worker.set_loudness(Loudness {
        sidetone_db: Some(-20),
        ..Loudness::default()
    });
    let own = last(pass(&mut bench, 20, 0.5));
    assert!((own - 0.05).abs() < 0.005, "{own}");
    mute(&mut bench, true);
    assert!(last(pass(&mut bench, 20, 0.5)).abs() < 1e-3);
}

#[test]
fn a_microphone_without_sound_is_told_and_so_is_its_return() {
    let mut bench = Bench::new();
    bench.apply(true);
    bench.pass(400, 1, 0.25);
    assert_eq!(states(&bench), []);
    bench.pass(200, 1, 0.25);
    let silent = MicrophoneState {
        silent: true,
        ..MicrophoneState::default()
    };
    assert_eq!(states(&bench), [silent], "a constant is no sound");
    // Another microphone is another chance.
    bench.worker.input.select(Some("other".into()));
    bench.worker.speak(bench.now, 1);
    assert_eq!(states(&bench), [silent, MicrophoneState::default()]);
}

#[test]
fn a_muted_microphone_is_never_called_silent_and_sends_nothing_of_what_it_hears() {
    let mut bench = Bench::new();
    bench.apply(true);
    mute(&mut bench, true);
    let mut heard = Vec::new();
    for _ in 0..7 {
        bench.pass(100, 1, 0.3);
        heard.extend(bench.heard());
    }
    assert_eq!(states(&bench), []);
    assert_eq!(heard.len(), 350);
    assert!(heard[2..].iter().all(|(_, silent)| *silent));
}

#[test]
fn the_microphone_is_tried_without_a_call_for_a_minute_at_most() {
    let mut bench = Bench::new();
    pass(&mut bench, 2, 0.0);
    bench.worker.obey(MediaCommand::Close { media: CALL });
    pass(&mut bench, 2, 0.0);
    assert!(bench.worker.input.running().is_none(), "nobody needs it");
    let levels = Arc::new(Levels::default());
    let test = Some((SoundTest::Microphone, Arc::clone(&levels)));
    bench.orders.send(Order::Test(test)).unwrap();
    bench.worker.take_orders();
    let begun = clock::now();
    bench.now = begun;
    let opened = SPEAKERS_OPENED.get();
    pass(&mut bench, 100, 0.1);
    // A constant of a tenth is 17 dB below a sine of full scale.
    assert!((levels.capture().0 + 17.0).abs() < 0.5, "{levels:?}");
    assert_eq!(SPEAKERS_OPENED.get(), opened, "the speaker is not needed");
    bench.now = begun + Duration::from_secs(61);
    pass(&mut bench, 2, 0.1);
    assert_eq!(levels.capture(), Dbov::SILENCE);
    assert!(bench.worker.input.running().is_none());
    let ended = |report: &MediaReport| matches!(report, MediaReport::TestEnded);
    let ends = bench.reports.borrow().iter().filter(|r| ended(r)).count();
    assert_eq!(ends, 1);
}

#[test]
fn the_speaker_is_tried_without_a_call_until_its_notes_were_heard() {
    let mut bench = Bench::new();
    pass(&mut bench, 2, 0.0);
    bench.worker.obey(MediaCommand::Close { media: CALL });
    pass(&mut bench, 2, 0.0);
    let microphones = MICROPHONES_OPENED.get();
    let test = Some((SoundTest::Speaker, Arc::default()));
    bench.orders.send(Order::Test(test)).unwrap();
    bench.worker.take_orders();
    bench.now = clock::now();
    let heard = pass(&mut bench, 250, 0.0);
    let loud = heard.iter().filter(|sample| sample.abs() > 0.03).count();
    assert!((1_000..6_000).contains(&loud), "{loud} of 8400 samples");
    assert!(heard[heard.len() - 4_000..].iter().all(|s| *s == 0.0));
    assert_eq!(MICROPHONES_OPENED.get(), microphones);
    assert!(
        bench.worker.output.frames_wanted().is_none(),
        "closed again"
    );
    let reports = bench.reports.borrow();
    assert!(matches!(reports[..], [.., MediaReport::TestEnded]));
}
