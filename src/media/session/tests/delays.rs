//! How long sound waits for late packets, as far as somebody decides.

use super::world::{MS, Pair, speech};
use super::*;

/// The longest that the far phone aimed at, with these bounds, while packets come up to 300 ms late.
fn longest_target(bounds: Option<DelayBounds>) -> Duration {
    let mut pair = Pair::new();
    if let Some(bounds) = bounds {
        pair.far.session.bound_delay(bounds);
    }
    pair.start(CodecKind::Pcma);
    let mut state = 1_u32;
    pair.delay_to_far = Box::new(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        MS * (30 + (state >> 16) % 300)
    });
    let said = speech(SampleRate::NARROW);
    said.chunks_exact(8_000)
        .map(|second| {
            pair.talk(second, second);
            pair.far.session.received().target
        })
        .max()
        .unwrap_or_default()
}

#[test]
fn a_cap_that_was_asked_for_holds_and_a_higher_one_lets_more_wait() {
    let cap = |ms: u64| Some(DelayBounds::within(None, Some(Duration::from_millis(ms))));
    assert!(longest_target(None) > 150 * MS);
    assert!(longest_target(cap(80)) <= 80 * MS);
    assert!(longest_target(cap(2_000)) > 150 * MS);
}

#[test]
fn the_delay_at_the_beginning_is_the_one_asked_for() {
    let start = |ms: u64| {
        let bounds = DelayBounds::within(Some(Duration::from_millis(ms)), None);
        let mut pair = Pair::new();
        pair.far.session.bound_delay(bounds);
        pair.start(CodecKind::Pcma);
        let said = speech(SampleRate::NARROW);
        pair.talk(&said[..2_400], &said[..2_400]);
        pair.far.session.received().target
    };
    assert_eq!(start(120), 120 * MS);
    assert_eq!(start(60), 60 * MS);
}

#[test]
fn what_is_asked_for_is_brought_into_range() {
    let within = |start: u64, cap: u64| {
        let ms = |ms: u64| Some(Duration::from_millis(ms));
        let DelayBounds { start, cap } = DelayBounds::within(ms(start), ms(cap));
        (start.as_millis(), cap.as_millis())
    };
    assert_eq!(within(0, 0), (10, 40));
    assert_eq!(within(500, 300), (300, 300));
    assert_eq!(within(9_000, 9_000), (2_000, 2_000));
    assert_eq!(DelayBounds::within(None, None), DelayBounds::default());
}
