//! Packets that grow on a full line, and packets of G.711 that are sent again.

use super::world::{FAR, MS, NEAR, Pair, plan, speech};
use super::*;

/// Ten seconds of speech, so often; answers the length of the last packet that came.
fn talk(pair: &mut Pair, kind: CodecKind, times: u32) -> Option<Duration> {
    let said = speech(kind.sound_rate());
    for _ in 0..times {
        pair.talk(&said, &said);
    }
    pair.far.session.downlink.ptime()
}

/// Opus at a low rate to who takes packets of so many milliseconds.
fn low_rate(max_ptime: u64) -> Pair {
    let mut pair = Pair::talking(CodecKind::Opus);
    let mut plan = pair.plan_for_near(CodecKind::Opus);
    plan.codec.max_ptime = Duration::from_millis(max_ptime);
    plan.codec.opus.max_average_bitrate = Some(16_000);
    pair.near.session.apply(pair.now, &plan).unwrap();
    pair
}

/// From here on packets wait and many are lost; or no longer.
fn fill(pair: &mut Pair, full: bool) {
    let mut sent = 0_u32;
    pair.drop_to_far = Box::new(move |_| {
        sent += 1;
        full && sent.is_multiple_of(7)
    });
    pair.delay_to_far = Box::new(move || if full { 400 * MS } else { 30 * MS });
}

#[test]
fn packets_grow_on_a_full_line_and_shrink_again_and_are_heard_all_along() {
    let mut pair = low_rate(120);
    assert_eq!(talk(&mut pair, CodecKind::Opus, 1), Some(20 * MS));
    fill(&mut pair, true);
    let grown = talk(&mut pair, CodecKind::Opus, 4).unwrap();
    assert!(grown == 40 * MS || grown == 60 * MS, "{grown:?}");
    fill(&mut pair, false);
    let shrunk = talk(&mut pair, CodecKind::Opus, 6);
    assert_eq!(shrunk, Some(20 * MS));
    let stats = pair.far.session.received();
    assert_eq!(stats.malformed, 0);
    assert!(stats.concealed < stats.played / 10, "{stats:?}");
}

#[test]
fn packets_do_not_grow_beyond_what_the_far_side_takes() {
    let mut pair = low_rate(20);
    fill(&mut pair, true);
    assert_eq!(talk(&mut pair, CodecKind::Opus, 4), Some(20 * MS));
}

#[test]
fn lost_packets_of_g711_come_again_where_the_far_side_takes_that() {
    let guessed = |again: bool, kind: CodecKind| {
        let number = PayloadType::new(62).unwrap();
        let mut pair = Pair::new();
        for (end, remote) in [(&mut pair.near, FAR), (&mut pair.far, NEAR)] {
            let mut plan = plan(kind, remote);
            if again {
                plan.codec.redundancy = Some(number);
                plan.redundancy = vec![(number, 8_000)];
            }
            end.session.apply(pair.now, &plan).unwrap();
        }
        let mut sent = 0_u32;
        pair.drop_to_far = Box::new(move |_| {
            sent += 1;
            sent.is_multiple_of(10)
        });
        talk(&mut pair, kind, 1);
        let before = pair.far.session.received();
        talk(&mut pair, kind, 1);
        let after = pair.far.session.received();
        (after.concealed - before.concealed).as_secs_f32()
            / (after.played - before.played).as_secs_f32()
    };
    for kind in [CodecKind::G722, CodecKind::Pcma, CodecKind::Pcmu] {
        let (without, with) = (guessed(false, kind), guessed(true, kind));
        assert!(with < 0.01, "{kind:?}: {with}");
        assert!(without > 0.07, "{kind:?}: {without}");
    }
}
