//! Clocks that are not the same.

use super::*;

/// Speaks for so long by a clock so many ppm faster than the listener's, over a network that takes
/// 30 to 32 ms. Answers how far the delay was from its target at the worst, above and below, once
/// two minutes have passed; and the receiver.
fn talk(kind: CodecKind, ppm: i64, span: Duration) -> (i128, i128, Receiver) {
    let mut line = Line::new(kind, 20);
    line.send(&speech(kind.sound_rate()), |_| Some(Duration::ZERO));
    let payloads: Vec<Vec<u8>> = line.wire.drain(..).map(|(_, _, payload)| payload).collect();
    let start = line.now;
    let arrives = |count: u64| {
        let sent = 20_000_000 * count as i64;
        let sent = sent - sent / 1_000_000 * ppm;
        let takes = 30_000_000 + count as i64 * 7_919 % 2_000_000;
        start + Duration::from_nanos((sent + takes).unsigned_abs())
    };
    let ticks = kind.frame_ticks(20 * MS) as u64;
    let (mut count, mut highest, mut lowest) = (0, i128::MIN, i128::MAX);
    let mut out = [0.0; MAX_PULL_SAMPLES];
    for pull in 1..=span.as_millis() as u32 / 10 {
        let now = start + PULL * pull;
        while arrives(count) <= now {
            let meta = RtpMeta {
                ssrc: Ssrc(1),
                seq: SeqNo(70_000 + count),
                time: RtpTime(123_456 + count * ticks),
                marker: false,
                payload_type: number(kind),
            };
            let payload = &payloads[count as usize % payloads.len()];
            line.receiver.insert(&meta, payload, arrives(count));
            count += 1;
        }
        line.receiver.pull(now, &mut out);
        if pull > 12_000 && pull % 10 == 0 {
            let stats = line.receiver.stats();
            let off = stats.level.as_micros() as i128 - stats.target.as_micros() as i128;
            (highest, lowest) = (highest.max(off), lowest.min(off));
        }
    }
    (highest, lowest, line.receiver)
}

fn check(kind: CodecKind, ppm: i64, span: Duration) {
    let (highest, lowest, receiver) = talk(kind, ppm, span);
    let stats = receiver.stats();
    println!("{kind:?} {ppm} ppm: {lowest} to {highest} µs off, {stats:?}");
    assert!(lowest >= -5_000 && highest <= 5_000, "{lowest} {highest}");
    assert_eq!(stats.concealed, Duration::ZERO, "{stats:?}");
    assert_eq!(stats.stretched, Duration::ZERO, "{stats:?}");
    assert_eq!(
        stats.counts.late + stats.counts.lost + stats.counts.skipped,
        0
    );
    // From the delay at the start to that of this network, and never again.
    assert!(stats.silence_adjusted <= 40 * MS, "{stats:?}");
}

#[test]
fn for_two_hours_clocks_300_millionths_apart_are_followed_and_nothing_is_cut_or_added() {
    let two_hours = Duration::from_secs(7_200);
    check(CodecKind::Pcma, 300, two_hours);
    check(CodecKind::Pcma, -300, two_hours);
}

#[test]
fn every_codec_is_followed() {
    for kind in CodecKind::ALL {
        for ppm in [300, -300] {
            check(kind, ppm, Duration::from_secs(240));
        }
    }
}
