//! A microphone whose clock is not the system's.

use super::*;

/// By how many milliseconds RTP time is ahead of the time that passed, after so many minutes in
/// which the microphone gives one frame more in each `more`, or one less in each `fewer`.
fn ahead_after(minutes: usize, more: Option<usize>, fewer: Option<usize>) -> f64 {
    let mut bench = Bench::new();
    bench.apply(true);
    let (mut first, mut last, mut packets) = (None, 0, 0);
    let ticks = minutes * 6_000;
    for tick in 1..=ticks {
        let due = |each: Option<usize>| each.is_some_and(|each| tick % each == 0);
        let frames = 1 + usize::from(due(more)) - usize::from(due(fewer));
        bench.pass(1, frames, 0.1);
        if tick % 50 == 0 {
            for (time, _) in bench.heard() {
                let first = *first.get_or_insert(time);
                last = time.wrapping_sub(first);
                packets += 1;
            }
        }
    }
    assert_eq!(last, (packets - 1) * 160, "nothing is left out");
    // The first packet came with the second tick.
    f64::from(last) / 8.0 - (ticks as f64 - 2.0) * 10.0
}

#[test]
fn rtp_time_keeps_pace_with_the_wall_clock_whatever_the_microphones_clock() {
    // 300 ppm make 90 ms of five minutes.
    for (more, fewer) in [(Some(3_333), None), (None, Some(3_333))] {
        let ahead = ahead_after(5, more, fewer);
        println!("{more:?} {fewer:?}: {ahead} ms");
        assert!(ahead.abs() <= 30.0, "{more:?} {fewer:?}: {ahead} ms");
    }
}
