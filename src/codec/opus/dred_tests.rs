//! Deep redundancy, from our encoder to our decoder.

use std::time::Duration;

use super::super::testing::speech;
use super::*;
use crate::codec::{MAX_PACKET_SAMPLES, MAX_PAYLOAD};
use crate::units::SampleRate;

const FRAME: usize = 960;
const PTIME: Duration = Duration::from_millis(20);

/// Speech in packets of 20 ms that describe the last 200 ms again.
fn packets(dred_span: Duration) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(Settings {
        bitrate: 24_000,
        inband_fec: false,
        expected_loss: 20,
        dred_span,
        max_sound_rate: SampleRate::WIDE,
        ..Settings::default()
    })
    .unwrap();
    let sound = speech(SampleRate::FULL);
    let frames = sound.as_chunks::<FRAME>().0.iter();
    frames
        .map(|frame| {
            let mut payload = [0; MAX_PAYLOAD];
            let bytes = encoder.encode(frame, &mut payload).unwrap();
            payload[..bytes].to_vec()
        })
        .collect()
}

fn deep() -> Vec<Vec<u8>> {
    packets(Duration::from_millis(200))
}

/// Loudness of each 10 ms in dB, silence at −60.
fn loudness(sound: &[f32]) -> Vec<f32> {
    let power = |piece: &[f32; 480]| piece.iter().map(|s| s * s).sum::<f32>() / 480.0;
    let pieces = sound.as_chunks::<480>().0.iter();
    pieces
        .map(|piece| 10.0 * power(piece).max(1e-6).log10())
        .collect()
}

/// How far, in dB, the loudness of what was lost is from what was meant, where someone spoke: five
/// packets in every 25 are lost, and what stands behind them is asked for each by `repair`.
fn error_db(
    packets: &[Vec<u8>],
    repair: fn(&mut Decoder, &[u8], Duration, &mut [f32]),
) -> (f32, usize) {
    let (mut whole, mut decoder) = (Decoder::new().unwrap(), Decoder::new().unwrap());
    let (mut meant, mut heard) = ([0.0; FRAME], [0.0; FRAME]);
    let (mut errors, mut count) = (0.0, 0);
    for (index, packet) in packets.iter().enumerate() {
        whole.decode(packet, &mut meant).unwrap();
        let behind = index / 25 * 25 + 15;
        match packets.get(behind) {
            Some(later) if (10..15).contains(&(index % 25)) => {
                let back = PTIME * u32::try_from(behind - index).unwrap();
                repair(&mut decoder, later, back, &mut heard);
                for (meant, heard) in loudness(&meant).iter().zip(loudness(&heard)) {
                    if *meant > -35.0 {
                        errors += (meant - heard).abs();
                        count += 1;
                    }
                }
            }
            _ => drop(decoder.decode(packet, &mut heard).unwrap()),
        }
    }
    (errors / count as f32, count)
}

#[test]
fn a_burst_is_spoken_again_where_concealment_has_faded() {
    let packets = deep();
    let (deep, count) = error_db(&packets, |decoder, later, back, sound| {
        decoder.decode_dred(later, back, sound).unwrap();
    });
    let (guess, _) = error_db(&packets, |decoder, _, _, sound| decoder.conceal(sound));
    println!("{count} pieces: redundancy {deep:.1} dB off, concealment {guess:.1} dB");
    assert!(count > 60);
    assert!(
        deep < 0.6 * guess,
        "{deep:.1} dB off, concealment {guess:.1}"
    );
}

#[test]
fn a_packet_says_how_far_back_it_reaches() {
    let mut decoder = Decoder::new().unwrap();
    let packets = deep();
    let mut carrying = 0;
    for packet in &packets {
        let reach = decoder.dred_reach(packet);
        assert_eq!(reach > Duration::ZERO, has_dred(packet));
        carrying += usize::from(reach >= 4 * PTIME);
        assert!(reach <= Duration::from_millis(1_040), "{reach:?}");
        // The same when asked again.
        assert_eq!(decoder.dred_reach(packet), reach);
    }
    assert!(
        carrying > packets.len() / 2,
        "{carrying} of {}",
        packets.len()
    );
    for packet in &self::packets(Duration::ZERO) {
        assert!(!has_dred(packet));
        assert_eq!(decoder.dred_reach(packet), Duration::ZERO);
    }
}

/// A packet in the midst of a word.
const HEARD: usize = 150;

/// Byte for byte what concealment alone gives, so that asking costs nothing.
#[test]
fn what_no_packet_reaches_is_concealed() {
    let packets = deep();
    let later = HEARD;
    let without = &self::packets(Duration::ZERO)[later];
    let conceal = |decoder: &mut Decoder, sound: &mut [f32]| {
        decoder.conceal(sound);
        false
    };
    let made = |ask: &dyn Fn(&mut Decoder, &mut [f32]) -> bool| {
        let mut decoder = Decoder::new().unwrap();
        let mut sound = [0.0; FRAME];
        for packet in &packets[..later - 100] {
            decoder.decode(packet, &mut sound).unwrap();
        }
        let held = ask(&mut decoder, &mut sound);
        (held, sound)
    };
    let ask = |payload: &[u8], back: Duration| {
        let payload = payload.to_vec();
        made(&move |decoder: &mut Decoder, sound: &mut [f32]| {
            decoder.decode_dred(&payload, back, sound).unwrap()
        })
    };
    let guess = made(&conceal);
    assert_eq!(ask(&packets[later], 100 * PTIME), guess);
    assert_eq!(ask(&packets[later], Duration::MAX), guess);
    assert_eq!(ask(without, PTIME), guess);
    assert_eq!(ask(&[], PTIME), guess);
    let (held, sound) = ask(&packets[later], PTIME);
    assert!(held && sound != guess.1);
}

#[test]
fn a_loss_of_any_length_is_filled() {
    let packets = deep();
    let later = packets.iter().position(|packet| has_dred(packet)).unwrap() + 40;
    for samples in [1, 119, 480, 700, FRAME, 4 * FRAME, 7_000] {
        let mut decoder = Decoder::new().unwrap();
        let mut sound = vec![9.0; samples];
        for packet in &packets[..later - 5] {
            decoder
                .decode(packet, &mut [0.0; MAX_PACKET_SAMPLES])
                .unwrap();
        }
        let back = SampleRate::FULL.duration_of(samples as u64);
        decoder
            .decode_dred(&packets[later], back, &mut sound)
            .unwrap();
        assert!(sound.iter().all(|sample| sample.abs() <= 1.0), "{samples}");
    }
}

/// Random bytes, packets cut short, and packets with bytes changed: never a panic, and never a
/// sample that is no number.
#[test]
fn hostile_packets_are_refused_or_heard_and_nothing_worse() {
    let packets = deep();
    let mut decoder = Decoder::new().unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as usize
    };
    let mut sound = [0.0; MAX_PACKET_SAMPLES];
    let mut reached = 0;
    for round in 0..4_000 {
        let mut payload = packets[random() % packets.len()].clone();
        match round % 4 {
            0 => payload.truncate(random() % payload.len()),
            1 => (0..payload.len()).for_each(|at| payload[at] = random() as u8),
            2 => payload.extend((0..random() % 1_600).map(|at| at as u8)),
            _ => {
                // Mostly in the padding, at the end.
                for _ in 0..1 + random() % 6 {
                    let at = payload.len() - 1 - random() % payload.len().min(60);
                    payload[at] = random() as u8;
                }
            }
        }
        if round % 5 == 0 {
            let _ = decoder.decode(&payload, &mut sound);
        }
        let reach = decoder.dred_reach(&payload);
        reached += usize::from(reach > Duration::ZERO);
        let back = Duration::from_millis((random() % 1_200) as u64);
        let samples = random() % 2_000;
        if decoder
            .decode_dred(&payload, back, &mut sound[..samples])
            .is_ok()
        {
            assert!(sound[..samples].iter().all(|s| s.abs() <= 1.0));
        }
        let _ = decoder.has_fec(&payload);
        let _ = decoder.decode_fec(&payload, &mut sound[..FRAME]);
    }
    assert!(reached > 500, "{reached}");
}

#[test]
fn a_reset_forgets_the_packet_that_was_read() {
    let packets = deep();
    let carrier = packets.iter().rfind(|packet| has_dred(packet)).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let reach = decoder.dred_reach(carrier);
    decoder.reset();
    assert_eq!(decoder.dred_reach(carrier), reach);
    let mut sound = [1.0; FRAME];
    // Nothing has been decoded: there is no voice to go on with, but no stale one either.
    decoder.reset();
    decoder.decode_dred(carrier, PTIME, &mut sound).unwrap();
    assert!(sound.iter().all(|sample| *sample == 0.0));
}
