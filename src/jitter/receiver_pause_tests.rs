//! Senders that fall silent in ways the RFCs do not know, and networks that only look like it.

use super::*;

/// Two seconds of speech, nothing at all for `span`, and three seconds more whose times go on as
/// if no moment had passed. Answers how it stood before those, too.
fn with_a_stopped_clock(span: Duration, marked: bool) -> (Line, ReceiverStats) {
    let mut line = Line::new(CodecKind::Pcma, 20);
    let sound = speech(SampleRate::NARROW);
    line.send(&sound[..16_000], |_| Some(30 * MS));
    let before = line.wire.len();
    line.first_spoken += span;
    line.send(&sound[16_000..40_000], |_| Some(30 * MS));
    line.wire[before].1.marker = marked;
    line.run(Duration::from_millis(2_040) + span);
    let before = line.receiver.stats();
    line.run(60 * MS);
    line.sounds.clear();
    line.run(Duration::from_millis(2_850));
    (line, before)
}

#[test]
fn a_sender_whose_clock_stands_still_in_a_pause_is_heard_whole_after_it() {
    for (pause, marked) in [(600, true), (900, true), (3_000, false), (4_500, true)] {
        let (line, before) = with_a_stopped_clock(MS * pause, marked);
        let stats = line.receiver.stats();
        assert_eq!(stats.counts.lost, 0, "{pause}: {stats:?}");
        assert_eq!(stats.counts.skipped, 0, "{pause}: {stats:?}");
        assert_eq!(stats.stretched, Duration::ZERO, "{pause}: {stats:?}");
        let adjusted = stats.silence_adjusted - before.silence_adjusted;
        assert!(adjusted <= 20 * MS, "{pause}: {adjusted:?}, {stats:?}");
        assert_eq!(stats.concealed, Duration::ZERO, "{pause}: {stats:?}");
        assert_eq!(line.count(Sound::Decoded), 285, "{pause}: {stats:?}");
    }
}

#[test]
fn a_clock_that_stands_still_in_an_announced_pause_is_understood_too() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    let sound = speech(SampleRate::NARROW);
    line.send(&sound[..16_000], |_| Some(30 * MS));
    line.send_other(13, &[50], 30 * MS);
    let before = line.wire.len();
    line.first_spoken += 3_000 * MS;
    line.send(&sound[16_000..40_000], |_| Some(30 * MS));
    line.wire[before].1.marker = true;
    line.run(Duration::from_millis(7_900));
    let stats = line.receiver.stats();
    assert_eq!(
        (stats.counts.skipped, stats.counts.lost),
        (0, 0),
        "{stats:?}"
    );
    assert_eq!(stats.stretched, Duration::ZERO, "{stats:?}");
}

#[test]
fn packets_that_were_only_held_up_are_still_caught_up_with() {
    for stall in [15, 45, 75] {
        let mut line = Line::new(CodecKind::Pcma, 20);
        let sound = speech(SampleRate::NARROW);
        line.send(&[&sound[..], &sound[..]].concat(), |count| {
            let waits = if (150..150 + stall).contains(&count) {
                (150 + stall - count) * 20
            } else {
                0
            };
            Some(40 * MS + MS * waits as u32)
        });
        line.run(Duration::from_millis(15_900));
        let stats = line.receiver.stats();
        assert_eq!(stats.counts.lost, 0, "{stall}: {stats:?}");
        assert!(stats.level <= stats.target + 35 * MS, "{stall}: {stats:?}");
    }
}
