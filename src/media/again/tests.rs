use std::time::Duration;

use super::*;
use crate::codec::{Encoder, MAX_PAYLOAD};
use crate::jitter::ReceiverConfig;
use crate::jitter::receiver::MAX_PULL_SAMPLES;
use crate::rtp::testing::start;
use crate::units::Ssrc;

const TICKS: u64 = 960;

fn number(n: u8) -> PayloadType {
    PayloadType::new(n).unwrap()
}

fn carried(sent: &Sent, time: u64) -> Vec<(u16, Vec<u8>)> {
    let mut out = [0; 100];
    let at = (RtpTime(time), TICKS);
    let bytes = sent.write(number(96), &[9], at, 2, &mut out).unwrap();
    Blocks::parse(&out[..bytes])
        .unwrap()
        .map(|block| (block.offset, block.payload.to_vec()))
        .collect()
}

#[test]
fn the_packet_two_before_is_carried_again() {
    let mut sent = Sent::default();
    assert_eq!(carried(&sent, 5 * TICKS), [(0, vec![9])]);
    for index in 0..5_u8 {
        sent.keep(RtpTime(u64::from(index) * TICKS), &[index]);
    }
    assert_eq!(carried(&sent, 5 * TICKS), [(1_920, vec![3]), (0, vec![9])]);
}

#[test]
fn over_a_packet_that_was_none_of_sound_nothing_is_carried() {
    // A digit, or a pause, took the place of the one between: the number cannot be told.
    let mut sent = Sent::default();
    sent.keep(RtpTime(3 * TICKS), &[3]);
    assert_eq!(carried(&sent, 5 * TICKS), [(0, vec![9])]);
    let mut sent = Sent::default();
    sent.keep(RtpTime(3 * TICKS), &[3]);
    sent.keep(RtpTime(4 * TICKS), &[4; 2_000]);
    assert_eq!(carried(&sent, 5 * TICKS), [(0, vec![9])]);
}

#[test]
fn each_number_is_new_once() {
    let mut came = Came::default();
    let mut note = |seq: u64| came.note(SeqNo(seq));
    assert!(note(1_000) && note(1_002) && note(1_001));
    assert!(!note(1_001) && !note(1_002));
    assert!(note(939) && !note(938) && !note(3));
    assert!(note(9_000) && !note(1_000) && note(8_999));
}

/// Opus in packets of 20 ms, each carrying the one two before, of which those for which `lost` says
/// so do not come; answers what the receiver counts as lost, late and twice.
fn receive(lost: impl Fn(u64) -> bool) -> (u64, u64, u64) {
    let accepted = [(number(96), CodecKind::Opus)];
    let mut receiver = Receiver::new(&ReceiverConfig {
        accepted: accepted.to_vec(),
        ..ReceiverConfig::default()
    })
    .unwrap();
    let (mut sent, mut came) = (Sent::default(), Came::default());
    let mut encoder = Encoder::new(CodecKind::Opus).unwrap();
    let begin = start();
    let mut out = [0.0; MAX_PULL_SAMPLES];
    for index in 0..400_u64 {
        let now = begin + Duration::from_millis(20) * u32::try_from(index).unwrap();
        let mut payload = [0; MAX_PAYLOAD];
        let bytes = encoder.encode(&[0.01; 960], &mut payload).unwrap();
        let time = RtpTime(index * TICKS);
        let mut packet = [0; MAX_PAYLOAD];
        let length = sent
            .write(number(96), &payload[..bytes], (time, TICKS), 2, &mut packet)
            .unwrap();
        sent.keep(time, &payload[..bytes]);
        if !lost(index) {
            let meta = RtpMeta {
                ssrc: Ssrc(1),
                seq: SeqNo(70_000 + index),
                time,
                marker: index == 0,
                payload_type: number(63),
            };
            came.insert(&mut receiver, &meta, &packet[..length], &accepted, now);
        }
        for half in 0..2 {
            receiver.pull(now + Duration::from_millis(10) * half, &mut out);
        }
    }
    let counts = receiver.stats().counts;
    (counts.lost, counts.late, counts.duplicates)
}

#[test]
fn what_is_carried_again_takes_the_place_of_what_was_lost() {
    assert_eq!(receive(|_| false), (0, 0, 0));
    // Before the buffer holds back as much as that, some come too late.
    let (lost, late, twice) = receive(|index| index % 10 == 7);
    println!("{lost} lost, {late} late of 40");
    assert!(lost + late < 10, "{lost} lost, {late} late of 40");
    assert_eq!(twice, 0);
}

#[test]
fn hostile_packets_move_nothing_out_of_bounds() {
    let accepted = [(number(96), CodecKind::Opus), (number(0), CodecKind::Pcmu)];
    let mut receiver = Receiver::new(&ReceiverConfig {
        accepted: accepted.to_vec(),
        ..ReceiverConfig::default()
    })
    .unwrap();
    let mut came = Came::default();
    let now = start();
    let mut state = 0x2545_f491_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    for round in 0..5_000_usize {
        let payload: Vec<u8> = (0..round % 64).map(|_| random()).collect();
        let meta = RtpMeta {
            ssrc: Ssrc(1),
            // Small enough that what lies before the first number is asked for.
            seq: SeqNo(u64::from(random())),
            time: RtpTime(u64::from(random()) * 100),
            marker: false,
            payload_type: number(63),
        };
        came.insert(&mut receiver, &meta, &payload, &accepted, now);
    }
}
