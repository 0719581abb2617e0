//! Two sessions, a network in memory, a clock that is turned by hand.

mod delays;
mod early;
mod extended;
mod lengths;
mod loud;
mod pauses;
mod protected;
mod quiet;
mod world;

use std::time::Duration;

use super::*;
use crate::codec::CodecKind;
use crate::media::plan::OpusWishes;
use crate::units::PayloadType;
use world::{MS, Pair, alike, alone, plan, speech, to_ears};

#[test]
fn each_codec_carries_speech_both_ways() {
    for kind in CodecKind::ALL {
        let mut pair = Pair::talking(kind);
        let said = speech(kind.sound_rate());
        // What the codec alone makes of it is all that can be had.
        let ceiling = alike(&to_ears(&said, kind.sound_rate()), &alone(kind, &said));
        assert!(ceiling.mean > 0.8, "{kind:?} alone: {ceiling:?}");
        let (near, far) = pair.talk(&said, &said);
        for (name, heard) in [("near", near), ("far", far)] {
            let got = alike(&to_ears(&said, kind.sound_rate()), &heard);
            assert!(
                got.mean > ceiling.mean - 0.02,
                "{kind:?} {name}: {got:?}, {ceiling:?}"
            );
            assert!(
                got.worst > ceiling.worst - 0.1,
                "{kind:?} {name}: {got:?}, {ceiling:?}"
            );
            // 30 ms of network, 20 of packet, 20 to 40 of jitter buffer, 6.5 of Opus.
            assert!(
                got.delay >= 50 * MS && got.delay < 100 * MS,
                "{kind:?} {name}: {got:?}"
            );
        }
        assert_eq!(
            pair.near.session.downlink.stats().concealed,
            Duration::ZERO,
            "{kind:?}"
        );
        assert_eq!(
            pair.far.session.downlink.stats().concealed,
            Duration::ZERO,
            "{kind:?}"
        );
    }
}

/// The measure has teeth: it sees 60 ms missing of ten seconds, the wrong sound, and none.
#[test]
fn what_is_missing_is_seen() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let said = speech(SampleRate::NARROW);
    let mut sent = 0;
    pair.drop_to_far = Box::new(move |_| {
        sent += 1;
        // Where the sound changes: what lasts is guessed too well.
        (200..203).contains(&sent)
    });
    let (near, far) = pair.talk(&said, &said);
    assert!(alike(&said, &near).worst > 0.95);
    assert!(alike(&said, &far).worst < 0.9, "{:?}", alike(&said, &far));
    let backwards: Vec<f32> = said.iter().rev().copied().collect();
    assert!(alike(&backwards, &far).mean < 0.6);
    assert_eq!(alike(&said, &vec![0.0; said.len()]).mean, 0.0);
}

#[test]
fn loss_is_counted_where_it_happens_and_reported_to_the_sender() {
    let mut pair = Pair::talking(CodecKind::Pcma);
    let mut sent = 0_u32;
    pair.drop_to_far = Box::new(move |_| {
        sent += 1;
        sent.is_multiple_of(10)
    });
    let said = speech(SampleRate::NARROW);
    let (_, far) = pair.talk(&said, &said);
    assert!(alike(&said, &far).mean > 0.85, "{:?}", alike(&said, &far));
    let heard = pair.far.figures.last().unwrap();
    assert!((heard.loss_pct - 10.0).abs() < 2.1, "{heard:?}");
    assert!((heard.concealed_pct - 10.0).abs() < 3.0, "{heard:?}");
    assert!(heard.mos < 3.8 && heard.mos > 2.5, "{heard:?}");
    let told = pair.near.figures.last().unwrap();
    assert!(
        (told.remote_loss_pct.unwrap() - 10.0).abs() < 2.0,
        "{told:?}"
    );
    assert_eq!(told.loss_pct, 0.0);
    assert!(told.mos > 4.2, "{told:?}");
}

#[test]
fn opus_protects_itself_once_loss_is_reported() {
    let mut pair = Pair::talking(CodecKind::Opus);
    let mut sent = 0_u32;
    pair.drop_to_far = Box::new(move |_| {
        sent += 1;
        sent.is_multiple_of(12)
    });
    let said = speech(SampleRate::FULL);
    pair.talk(&said, &said);
    let settings = pair.near.opus_settings();
    // A twelfth: ten and what is lost.
    assert!((17..=20).contains(&settings.expected_loss), "{settings:?}");
    assert!(settings.inband_fec);
    assert_eq!(pair.far.opus_settings().expected_loss, 0);
    let before = pair.far.session.downlink.stats();
    pair.talk(&said, &said);
    let after = pair.far.session.downlink.stats();
    let repaired = after.repaired - before.repaired;
    let concealed = after.concealed - before.concealed;
    assert!(
        repaired > concealed,
        "{repaired:?} repaired, {concealed:?} concealed"
    );
}

/// Two of ten are lost, one behind the other, once and a half as often as LBRR alone can make up for.
#[test]
fn runs_of_loss_are_met_by_packets_that_come_again() {
    let guessed = |redundancy| {
        let mut pair = Pair::new();
        let redundancy: Option<u8> = redundancy;
        let redundancy = redundancy.and_then(PayloadType::new);
        for (end, remote) in [(&mut pair.near, world::FAR), (&mut pair.far, world::NEAR)] {
            let mut plan = plan(CodecKind::Opus, remote);
            plan.codec.redundancy = redundancy;
            let may_come = redundancy.map(|number| (number, 48_000));
            plan.redundancy = may_come.into_iter().collect();
            end.session.apply(pair.now, &plan).unwrap();
        }
        let mut sent = 0_u32;
        pair.drop_to_far = Box::new(move |_| {
            sent += 1;
            sent % 10 < 2
        });
        let said = speech(SampleRate::FULL);
        pair.talk(&said, &said);
        let before = pair.far.session.downlink.stats();
        pair.talk(&said, &said);
        let after = pair.far.session.downlink.stats();
        let told = pair.near.figures.last().unwrap().remote_loss_pct;
        // What came again is no less lost on the wire.
        assert!((told.unwrap() - 20.0).abs() < 3.0, "{told:?}");
        (after.concealed - before.concealed).as_secs_f32()
            / (after.played - before.played).as_secs_f32()
    };
    let (without, with) = (guessed(None), guessed(Some(63)));
    println!("{without:.3} guessed without, {with:.3} with");
    assert!(with < 0.02, "{with}");
    assert!(without > 0.05, "{without}");
}

#[test]
fn who_sends_deep_redundancy_gets_it_when_loss_comes_in_runs() {
    let spans = |theirs: u64| {
        let mut pair = Pair::talking(CodecKind::Opus);
        let opus = pair.far.session.opus().unwrap();
        opus.set_inband_fec(false).unwrap();
        opus.set_expected_loss(20).unwrap();
        opus.set_dred_span(Duration::from_millis(theirs)).unwrap();
        let mut sent = 0_u32;
        pair.drop_to_far = Box::new(move |_| {
            sent += 1;
            sent % 15 < 3
        });
        let said = speech(SampleRate::FULL);
        pair.talk(&said, &said);
        let settings = pair.near.opus_settings();
        assert_eq!(settings.inband_fec, settings.dred_span.is_zero());
        settings.dred_span
    };
    assert_eq!(spans(0), Duration::ZERO);
    assert!(spans(100) >= Duration::from_millis(80));
}

#[test]
fn packets_out_of_order_are_heard_in_order() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let mut sent = 0_u32;
    pair.delay_to_far = Box::new(move || {
        sent += 1;
        if sent.is_multiple_of(5) {
            65 * MS
        } else {
            30 * MS
        }
    });
    let said = speech(SampleRate::NARROW);
    let (_, far) = pair.talk(&said, &said);
    let stats = pair.far.session.downlink.stats();
    assert!(stats.counts.reordered > 80, "{stats:?}");
    let heard = pair.far.figures.last().unwrap();
    assert_eq!(heard.loss_pct, 0.0);
    assert!(heard.jitter_ms > 5.0 && heard.buffer_ms > 20.0, "{heard:?}");
    assert!(heard.concealed_pct < 1.0, "{heard:?}");
    assert!(alike(&said, &far).mean > 0.9, "{:?}", alike(&said, &far));
}

#[test]
fn a_change_of_codec_in_mid_call_loses_no_sound() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let narrow = speech(SampleRate::NARROW);
    pair.talk(&narrow[..24_000], &narrow[..24_000]);
    // Ten milliseconds into a packet: the old codec ends it.
    pair.tick(Some(&narrow[24_000..24_080]), None);
    let (to_far, to_near) = (
        pair.plan_for_near(CodecKind::Opus),
        pair.plan_for_far(CodecKind::Opus),
    );
    pair.far.session.apply(pair.now, &to_near).unwrap();
    pair.near.session.apply(pair.now, &to_far).unwrap();
    assert_eq!(pair.near.session.capture_rate(), Some(SampleRate::NARROW));
    let silent_before = pair.far.silent;
    pair.tick(Some(&narrow[24_080..24_160]), None);
    assert_eq!(pair.near.session.capture_rate(), Some(SampleRate::FULL));

    let full = &speech(SampleRate::FULL)[24_160 * 6..];
    let (_, far) = pair.talk(full, full);
    assert_eq!(pair.far.heard_rates, [SampleRate::NARROW, SampleRate::FULL]);
    assert_eq!(pair.far.silent, silent_before);
    assert_eq!(pair.far.session.downlink.stats().concealed, Duration::ZERO);
    assert_eq!(pair.far.session.stats().counts.lost(), 0);
    let got = alike(&to_ears(full, SampleRate::FULL), &far);
    assert!(got.mean > 0.8 && got.worst > 0.5, "{got:?}");
}

#[test]
fn a_change_of_packet_length_is_no_loss_either() {
    let mut pair = Pair::talking(CodecKind::Pcma);
    let said = speech(SampleRate::NARROW);
    for millis in [10, 40, 60, 20] {
        let mut plan = pair.plan_for_near(CodecKind::Pcma);
        plan.codec.ptime = millis * MS;
        pair.near.session.apply(pair.now, &plan).unwrap();
        let (_, far) = pair.talk(&said[..24_000], &said[..24_000]);
        assert!(alike(&said[..24_000], &far).mean > 0.9, "{millis} ms");
    }
    assert_eq!(pair.far.session.stats().counts.lost(), 0);
    assert_eq!(pair.far.session.downlink.stats().malformed, 0);
}

#[test]
fn muted_is_digital_silence_and_unmuted_is_speech_again() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let said = speech(SampleRate::NARROW);
    pair.talk(&said[..16_000], &said[..16_000]);
    pair.near.session.set_muted(true);
    let sent = pair.near.session.stats().packets_sent;
    let (near, far) = pair.talk(&said[..16_000], &said[..16_000]);
    assert!(
        pair.near.session.stats().packets_sent >= sent + 99,
        "packets go on"
    );
    assert!(far[4_000..].iter().all(|sample| sample.abs() < 2e-4));
    assert!(
        alike(&said[..16_000], &near).mean > 0.9,
        "the other way is not touched"
    );
    assert!(
        pair.near.session.levels().capture().0 < -60.0,
        "the needle is down"
    );
    pair.near.session.set_muted(false);
    let (_, far) = pair.talk(&said[..16_000], &said[..16_000]);
    assert!(alike(&said[..16_000], &far).mean > 0.9);
}

#[test]
fn held_sends_silence_and_hears_nothing_old_after_it() {
    let mut pair = Pair::talking(CodecKind::G722);
    let said = speech(SampleRate::WIDE);
    pair.talk(&said[..32_000], &said[..32_000]);
    let mut hold = pair.plan_for_near(CodecKind::G722);
    (hold.held, hold.receive) = (true, false);
    pair.near.session.apply(pair.now, &hold).unwrap();
    let sent = pair.near.session.stats().packets_sent;
    let (near, far) = pair.talk(&said[..32_000], &said[..32_000]);
    assert!(
        pair.near.session.stats().packets_sent >= sent + 99,
        "silence goes out"
    );
    assert!(far[4_000..].iter().all(|sample| sample.abs() < 2e-3));
    assert!(near.iter().all(|sample| *sample == 0.0));
    assert!(
        pair.near
            .events
            .iter()
            .all(|event| !matches!(event, Event::NoSound { .. }))
    );

    let resume = pair.plan_for_near(CodecKind::G722);
    pair.near.session.apply(pair.now, &resume).unwrap();
    let (near, far) = pair.talk(&said[..32_000], &said[..32_000]);
    assert!(alike(&to_ears(&said[..32_000], SampleRate::WIDE), &near).mean > 0.9);
    assert!(alike(&to_ears(&said[..32_000], SampleRate::WIDE), &far).mean > 0.9);
}

#[test]
fn nothing_is_sent_when_the_plan_says_so_and_the_first_packet_after_is_marked() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let said = speech(SampleRate::NARROW);
    pair.talk(&said[..8_000], &said[..8_000]);
    let mut plan = pair.plan_for_near(CodecKind::Pcmu);
    plan.send = false;
    pair.near.session.apply(pair.now, &plan).unwrap();
    let sent = pair.near.session.stats().packets_sent;
    pair.talk(&said[..8_000], &said[..8_000]);
    assert_eq!(pair.near.session.stats().packets_sent, sent);
    plan.send = true;
    pair.near.session.apply(pair.now, &plan).unwrap();
    pair.far.marked.clear();
    pair.talk(&said[..8_000], &said[..8_000]);
    assert_eq!(
        pair.far.marked,
        [true].into_iter().chain([false; 47]).collect::<Vec<_>>()[..pair.far.marked.len()]
    );
    assert!(pair.far.marked.len() > 40);
}

#[test]
fn digits_go_both_ways_and_sound_goes_on_behind_them() {
    for kind in [CodecKind::Opus, CodecKind::Pcmu] {
        let mut pair = Pair::talking(kind);
        let said = speech(kind.sound_rate());
        assert_eq!(pair.near.session.press("12#x"), 3);
        assert_eq!(pair.far.session.press("*0"), 2);
        pair.talk(&said, &said);
        assert_eq!(pair.far.digits(), "12#");
        assert_eq!(pair.near.digits(), "*0");
        for event in &pair.far.events {
            if let Event::RemoteDtmf { duration, .. } = event {
                assert_eq!(*duration, 100 * MS, "{kind:?}");
            }
        }
        let (_, far) = pair.talk(&said, &said);
        let got = alike(&to_ears(&said, kind.sound_rate()), &far);
        assert!(got.mean > 0.8, "{kind:?}: {got:?}");
        assert_eq!(pair.far.session.stats().counts.lost(), 0);
    }
}

#[test]
fn digits_survive_loss() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let mut sent = 0_u32;
    pair.drop_to_far = Box::new(move |_| {
        sent += 1;
        sent.is_multiple_of(4)
    });
    pair.near.session.press("1234567890*#ABCD");
    let said = speech(SampleRate::NARROW);
    pair.talk(&said, &said);
    assert_eq!(pair.far.digits(), "1234567890*#ABCD");
}

#[test]
fn without_events_in_the_plan_digits_are_tones_in_the_sound() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let mut plan = pair.plan_for_near(CodecKind::Pcmu);
    plan.dtmf_send = None;
    pair.near.session.apply(pair.now, &plan).unwrap();
    assert_eq!(pair.near.session.press("5"), 1);
    let silence = vec![0.0; 8_000];
    let (_, far) = pair.talk(&silence, &silence);
    assert_eq!(pair.far.digits(), "");
    // ITU-T Q.23: 5 is 770 Hz and 1336 Hz; 6 would be 770 and 1477.
    let power = |hz: f32| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in far.iter().enumerate() {
            let angle = std::f32::consts::TAU * hz * n as f32 / 8_000.0;
            re += sample * angle.cos();
            im += sample * angle.sin();
        }
        re * re + im * im
    };
    assert!(power(770.0) > 1e4 && power(1_336.0) > 1e4);
    assert!(power(1_477.0) < power(1_336.0) / 50.0);
    let loud = far.iter().filter(|sample| sample.abs() > 0.1).count();
    assert!((500..1_000).contains(&loud), "{loud} samples of 960");
    let said = speech(SampleRate::NARROW);
    let (_, far) = pair.talk(&said, &said);
    assert!(alike(&said, &far).mean > 0.95, "speech goes on");
}

#[test]
fn where_no_events_were_agreed_on_keys_are_heard_in_the_sound() {
    for kind in [CodecKind::Pcma, CodecKind::Opus] {
        let mut pair = Pair::talking(kind);
        let mut near = pair.plan_for_near(kind);
        (near.dtmf_send, near.dtmf_receive) = (None, Vec::new());
        let mut far = plan(kind, world::NEAR);
        (far.dtmf_send, far.dtmf_receive) = (None, Vec::new());
        pair.near.session.apply(pair.now, &near).unwrap();
        pair.far.session.apply(pair.now, &far).unwrap();
        let said = speech(kind.sound_rate());
        pair.talk(&said, &said);
        assert_eq!(pair.far.digits(), "", "speech is no key");
        pair.near.session.press("12#*D");
        pair.talk(&said, &said);
        assert_eq!(pair.far.digits(), "12#*D");
        assert_eq!(pair.near.digits(), "");
    }
}

#[test]
fn reports_measure_the_round_trip_on_either_port() {
    for muxed in [false, true] {
        let mut pair = Pair::new();
        let mut near = plan(CodecKind::Pcmu, world::FAR);
        let mut far = plan(CodecKind::Pcmu, world::NEAR);
        (near.rtcp_mux, far.rtcp_mux) = (muxed, muxed);
        pair.near.session.apply(pair.now, &near).unwrap();
        pair.far.session.apply(pair.now, &far).unwrap();
        let said = speech(SampleRate::NARROW);
        pair.talk(&said, &said);
        pair.talk(&said, &said);
        for end in [&pair.near, &pair.far] {
            let figures = end.figures.last().unwrap();
            let trip = figures.rtt_ms.unwrap();
            // 30 ms each way, and up to 10 of our turning the clock in steps of ten.
            assert!((55.0..=85.0).contains(&trip), "muxed {muxed}: {figures:?}");
            let way = figures.mouth_to_ear_ms.unwrap();
            assert!((60.0..=130.0).contains(&way), "{figures:?}");
            assert!(
                figures.jitter_ms < 1.0 && figures.loss_pct == 0.0,
                "{figures:?}"
            );
            assert!(figures.mos > 4.2, "{figures:?}");
            assert_eq!(
                end.rtcp_ports_used,
                [if muxed { Port::Rtp } else { Port::Rtcp }]
            );
        }
    }
}

#[test]
fn missing_sound_is_told_once_and_so_is_its_return() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let said = speech(SampleRate::NARROW);
    pair.drop_to_far = Box::new(|_| true);
    pair.talk(&said, &said);
    let count = |pair: &Pair, wanted: Event| {
        pair.far
            .events
            .iter()
            .filter(|event| **event == wanted)
            .count()
    };
    assert_eq!(count(&pair, Event::NoSound { ever: true }), 1);
    pair.drop_to_far = Box::new(|_| false);
    pair.talk(&said, &said);
    assert_eq!(count(&pair, Event::SoundBack), 1);
    pair.drop_to_far = Box::new(|_| true);
    pair.talk(&said, &said);
    assert_eq!(count(&pair, Event::NoSound { ever: false }), 1);
    assert_eq!(count(&pair, Event::NoSound { ever: true }), 1);
}

#[test]
fn the_first_packets_are_told_once_with_their_moments() {
    let mut pair = Pair::new();
    let began = pair.now;
    pair.start(CodecKind::Pcmu);
    let said = speech(SampleRate::NARROW);
    pair.talk(&said[..8_000], &said[..8_000]);
    let first = |events: &[Event]| {
        let sent = events.iter().filter_map(|event| match event {
            Event::FirstSent(at) => Some(*at - began),
            _ => None,
        });
        sent.collect::<Vec<_>>()
    };
    // Two frames make the first packet.
    assert_eq!(first(&pair.near.events), [20 * MS]);
    let received = pair.far.events.iter().filter_map(|event| match event {
        Event::FirstReceived(at) => Some(*at - began),
        _ => None,
    });
    assert_eq!(received.collect::<Vec<_>>(), [50 * MS]);
}

#[test]
fn closing_says_goodbye_and_then_nothing_more() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let said = speech(SampleRate::NARROW);
    pair.talk(&said[..8_000], &said[..8_000]);
    let mut out = Vec::new();
    while !matches!(pair.near.session.poll_output(&mut out), Output::Wait(_)) {}
    pair.near.session.close(pair.now);
    assert!(matches!(
        pair.near.session.poll_output(&mut out),
        Output::Rtcp { .. }
    ));
    assert_eq!(pair.near.session.poll_output(&mut out), Output::Wait(None));
    assert_eq!(
        pair.near.session.capture(pair.now, &said[..80], &mut out),
        None
    );
    assert_eq!(
        pair.near.session.capture(pair.now, &said[..80], &mut out),
        None
    );
}

#[test]
fn opus_heeds_what_the_far_side_asks_for() {
    let mut pair = Pair::new();
    let mut plan = plan(CodecKind::Opus, world::FAR);
    plan.codec.opus = OpusWishes {
        use_inband_fec: true,
        use_dtx: true,
        max_playback_rate: 16_000,
        max_average_bitrate: Some(20_000),
    };
    pair.near.session.apply(pair.now, &plan).unwrap();
    let settings = pair.near.opus_settings();
    assert!(settings.bitrate <= 20_000, "{settings:?}");
    assert_eq!(settings.max_playback_rate, SampleRate::WIDE);
    assert!(settings.dtx && settings.inband_fec);
}

#[test]
fn noise_on_the_ports_changes_nothing() {
    let mut pair = Pair::talking(CodecKind::Opus);
    let said = speech(SampleRate::FULL);
    pair.talk(&said[..48_000], &said[..48_000]);
    let mut state = 1_u64;
    for round in 0..20_000_usize {
        let mut datagram = [0_u8; 64];
        for byte in &mut datagram {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = (state >> 56) as u8;
        }
        // Half of it looks like RTP of the right payload type from the right address.
        if round % 2 == 0 {
            (datagram[0], datagram[1]) = (0x80, 96);
        }
        let port = if round % 3 == 0 {
            Port::Rtcp
        } else {
            Port::Rtp
        };
        let from = if round % 5 == 0 {
            world::NEAR
        } else {
            world::STRANGER
        };
        pair.far
            .session
            .handle_datagram(pair.now, port, &datagram[..round % 65], from);
    }
    let (_, far) = pair.talk(&said, &said);
    let got = alike(&to_ears(&said, SampleRate::FULL), &far);
    assert!(got.mean > 0.8, "{got:?}");
    assert!(pair.far.events.len() < 64);
}
