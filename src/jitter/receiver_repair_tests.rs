//! Lost packets: the copy of one in the next, at delays that leave little time for it; and several in
//! a row, with nothing behind them yet.

use super::*;
use crate::codec::Decoder;
use crate::jitter::DelayBounds;

const FRAME: usize = 960;

/// Opus speech with copies, as a sender makes it that was told of losses.
fn with_copies() -> Line {
    let mut line = Line::new(CodecKind::Opus, 20);
    let opus = line.encoder.as_opus().unwrap();
    opus.set_expected_loss(20).unwrap();
    opus.set_bitrate(32_000).unwrap();
    line.receiver = Receiver::new(&ReceiverConfig {
        accepted: vec![(number(CodecKind::Opus), CodecKind::Opus)],
        delay: DelayBounds {
            start: Duration::from_millis(25),
            ..DelayBounds::default()
        },
        ..ReceiverConfig::default()
    })
    .unwrap();
    line
}

/// What an unbroken decoder makes of the packets, and what concealment makes of the lost ones.
fn meant_and_guessed(packets: &[Vec<u8>], lost: &[usize]) -> (Vec<f32>, f64) {
    let (mut whole, mut guessing) = (Decoder::new(CodecKind::Opus), Decoder::new(CodecKind::Opus));
    let (whole, guessing) = (whole.as_mut().unwrap(), guessing.as_mut().unwrap());
    let mut meant = vec![0.0; packets.len() * FRAME];
    let (mut wanted, mut guessed) = (Vec::new(), Vec::new());
    for (index, packet) in packets.iter().enumerate() {
        let piece = &mut meant[index * FRAME..][..FRAME];
        whole.decode(packet, piece).unwrap();
        let mut sound = [0.0; FRAME];
        if lost.contains(&index) {
            guessing.conceal(&mut sound);
            wanted.extend_from_slice(piece);
            guessed.extend_from_slice(&sound);
        } else {
            guessing.decode(packet, &mut sound).unwrap();
        }
    }
    (meant, snr_db(&wanted, &guessed))
}

/// Where in `heard` the sound before the gap is, near `expected`: its length may have changed.
fn found(before: &[f32], heard: &[f32], expected: usize) -> usize {
    let likeness = |at: &usize| {
        let there = &heard[*at..*at + before.len()];
        let (mut product, mut power) = (0.0, 1e-9);
        for (a, b) in before.iter().zip(there) {
            product += a * b;
            power += b * b;
        }
        product / f32::sqrt(power)
    };
    (expected.saturating_sub(1_440)..expected + 2_400)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .unwrap()
}

#[test]
fn a_copy_that_is_at_hand_is_heard_whatever_the_delay() {
    // On the way for so long, the first packet is heard 22 and 26 ms after it came.
    for way in [38 * MS, 34 * MS] {
        let mut line = with_copies();
        let jitter = |count| MS * (scattered(count, 4) * count.min(1)) as u32;
        line.send(&speech(SampleRate::FULL), |count| Some(way + jitter(count)));
        let mut packets: Vec<_> = line
            .wire
            .iter()
            .map(|(_, meta, p)| (meta.seq, p.clone()))
            .collect();
        packets.sort_by_key(|(seq, _)| *seq);
        let packets: Vec<_> = packets.into_iter().map(|(_, payload)| payload).collect();
        let lost: Vec<usize> = (60..packets.len() - 1)
            .filter(|index| index % 12 == 7 && opus::has_lbrr(&packets[index + 1]))
            .collect();
        assert!(lost.len() > 15, "{}", lost.len());
        line.wire
            .retain(|(_, meta, _)| !lost.contains(&((meta.seq.0 - 70_000) as usize)));
        line.run(Duration::from_millis(10_050));

        let (meant, guessed) = meant_and_guessed(&packets, &lost);
        let (mut wanted, mut heard) = (Vec::new(), Vec::new());
        for index in &lost {
            let gap = index * FRAME;
            // The first packet is heard with the eighth pull.
            let before = &meant[gap - FRAME..gap];
            let at = found(before, &line.heard, 7 * 480 + gap - FRAME) + FRAME;
            wanted.extend_from_slice(&meant[gap..gap + FRAME]);
            heard.extend_from_slice(&line.heard[at..at + FRAME]);
        }
        let snr = snr_db(&wanted, &heard);
        let stats = line.receiver.stats();
        println!("{way:?}: heard {snr:.1} dB, guessed {guessed:.1} dB, {stats:?}");
        assert!(
            snr > guessed + 2.0,
            "{way:?}: {snr:.1} dB, guessed {guessed:.1} dB"
        );
        let gaps = 20 * MS * lost.len() as u32;
        assert!(stats.repaired >= gaps * 8 / 10, "{way:?}: {stats:?}");
        assert!(
            stats.repaired + stats.concealed <= gaps + 40 * MS,
            "{way:?}: {stats:?}"
        );
    }
}

/// Where packets are lost and hardly ever late, the decoder goes on at once, as if it were told of
/// each loss; it is not waited for what will not come.
#[test]
fn what_is_rather_lost_than_late_is_concealed_by_the_decoder() {
    let mut line = Line::new(CodecKind::Opus, 20);
    // Three of twenty in a row, but none for the first second.
    let is_lost = |index: usize| index >= 50 && index % 20 < 3;
    line.send(&speech(SampleRate::FULL), |_| Some(5 * MS));
    let packets: Vec<_> = line.wire.iter().map(|(_, _, p)| p.clone()).collect();
    let mut number = 0;
    line.wire.retain(|_| {
        number += 1;
        !is_lost(number - 1)
    });
    line.run(Duration::from_millis(10_050));

    let mut decoder = Decoder::new(CodecKind::Opus).unwrap();
    let mut meant = vec![0.0; packets.len() * FRAME];
    for (index, packet) in packets.iter().enumerate() {
        let piece = &mut meant[index * FRAME..][..FRAME];
        if is_lost(index) {
            decoder.conceal(piece);
        } else {
            decoder.decode(packet, piece).unwrap();
        }
    }
    let (mut wanted, mut heard) = (Vec::new(), Vec::new());
    for run in (200..packets.len() - 5).filter(|index| index % 20 == 0) {
        let before = (run - 2) * FRAME..run * FRAME;
        let gap = before.end..before.end + 3 * FRAME;
        let at = found(
            &meant[before.clone()],
            &line.heard,
            before.start + 2 * FRAME,
        ) + 2 * FRAME;
        wanted.extend_from_slice(&meant[gap.clone()]);
        heard.extend_from_slice(&line.heard[at..at + gap.len()]);
    }
    let snr = snr_db(&wanted, &heard);
    let stats = line.receiver.stats();
    println!("{snr:.1} dB, {stats:?}");
    assert!(snr > 6.0, "{snr:.1} dB, {stats:?}");
}
