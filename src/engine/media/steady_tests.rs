use super::*;
use crate::engine::clock;

const RATE: SampleRate = SampleRate::NARROW;
const FRAME: usize = 80;

/// A tone whose samples obey `y[n+1] + y[n-1] = 2 cos(w) y[n]`: a sample lost or doubled does not.
const TURN: f64 = std::f64::consts::TAU * 1_000.0 / 8_000.0;

/// What a card and the loop did with each other.
#[derive(Debug, Default)]
struct Seen {
    frames: u64,
    /// How old the newest sample of a frame was when it was given, in ms, from two minutes on.
    youngest: f64,
    oldest: f64,
    /// Time told by frames less time passed, in ms, from ten minutes on.
    behind: f64,
    ahead: f64,
    /// By how much the tone breaks its own rule at the worst.
    roughest: f64,
}

/// A card so many ppm faster than the system's clock brings `portion` samples at a time; the loop
/// comes by every 10 ms, up to 1 ms late.
fn run(fast: f64, portion: usize, seconds: usize) -> Seen {
    let mut steady = Steady::new();
    let start = clock::now();
    let rule = 2.0 * TURN.cos();
    let mut seen = Seen {
        youngest: f64::MAX,
        behind: f64::MAX,
        oldest: f64::MIN,
        ahead: f64::MIN,
        ..Seen::default()
    };
    let (mut brought, mut taken) = (0_u64, 0_u64);
    let mut lately = [0.0_f64; 2];
    let mut card = [0.0_f32; FRAME];
    let per_second = 8_000.0 * (1.0 + fast * 1e-6);
    for tick in 1..=seconds as u64 * 100 {
        let late = (tick * 7_919 % 1_000) as f64 * 1e-6;
        let at = tick as f64 * 0.01 + late;
        let now = start + Duration::from_secs_f64(at);
        while (brought + portion as u64) as f64 <= at * per_second {
            brought += portion as u64;
        }
        while taken + FRAME as u64 <= brought {
            for (n, sample) in card.iter_mut().enumerate() {
                *sample = (TURN * ((taken + n as u64) % 8) as f64).sin() as f32;
            }
            taken += FRAME as u64;
            steady.push(RATE, &card);
            while let Some((_, frame)) = steady.next() {
                seen.frames += 1;
                for sample in frame {
                    let sample = f64::from(*sample);
                    if seen.frames > 2 {
                        let off = sample + lately[0] - rule * lately[1];
                        seen.roughest = seen.roughest.max(off.abs());
                    }
                    lately = [lately[1], sample];
                }
            }
            let age = steady.held().as_secs_f64() * 1_000.0;
            if tick > 12_000 {
                seen.youngest = seen.youngest.min(age);
                seen.oldest = seen.oldest.max(age);
            }
        }
        let waiting = RATE.duration_of(brought - taken);
        steady.observe(now, waiting, RATE.duration_of(portion as u64));
        if tick > 60_000 {
            let told = seen.frames as f64 * 10.0 + steady.held().as_secs_f64() * 1_000.0;
            let off = told + waiting.as_secs_f64() * 1_000.0 - at * 1_000.0;
            seen.behind = seen.behind.min(off);
            seen.ahead = seen.ahead.max(off);
        }
    }
    seen
}

/// Two hours with such a card.
fn check(fast: f64) {
    let seen = run(fast, FRAME, 7_200);
    println!("{fast} ppm: {seen:?}");
    // Left alone it would be 216 frames.
    assert!(seen.frames.abs_diff(720_000) <= 2, "{seen:?}");
    // A whole frame is waited for, 5 ms to either side of the middle.
    assert!(seen.oldest - seen.youngest <= 10.2, "{seen:?}");
    assert!(seen.oldest <= 13.2, "{seen:?}");
    // What the card brought at a time lies on one side of a look or on the other.
    assert!(seen.ahead - seen.behind <= 12.0, "{seen:?}");
    assert!(seen.roughest < 0.004, "{seen:?}");
}

#[test]
fn for_two_hours_a_card_300_millionths_fast_is_followed_and_no_frame_is_lost_or_doubled() {
    check(300.0);
}

#[test]
fn for_two_hours_a_card_300_millionths_slow_is_followed_and_no_frame_is_lost_or_doubled() {
    check(-300.0);
}

#[test]
fn portions_that_are_no_frames_are_followed_too() {
    for (fast, portion) in [(300.0, 171), (-300.0, 171), (150.0, 16)] {
        let seen = run(fast, portion, 600);
        assert!(seen.frames.abs_diff(60_000) <= 4, "{portion}: {seen:?}");
        assert!(seen.roughest < 0.004, "{portion}: {seen:?}");
    }
}

#[test]
fn a_card_that_is_right_passes_to_the_bit_and_at_once() {
    let mut steady = Steady::new();
    let start = clock::now();
    for tick in 1..=6_000_u32 {
        let card: Vec<f32> = (0..FRAME)
            .map(|n| (tick as usize * FRAME + n) as f32 / 1e6)
            .collect();
        steady.push(RATE, &card);
        assert_eq!(steady.next(), Some((RATE, card.as_slice())));
        assert_eq!(steady.next(), None);
        steady.observe(start + TICK * tick, Duration::ZERO, TICK);
    }
}

#[test]
fn another_rate_and_another_card_begin_anew() {
    let mut steady = Steady::new();
    let start = clock::now();
    // 5 in a thousand too fast: as far as it is followed.
    for tick in 1..=12_000_u32 {
        steady.push(RATE, &[0.25; FRAME]);
        while steady.next().is_some() {}
        steady.observe(start + TICK * tick * 200 / 201, Duration::ZERO, TICK);
    }
    assert!(steady.held() > Duration::ZERO);
    steady.push(SampleRate::FULL, &[0.25; 480]);
    steady.push(SampleRate::FULL, &[0.25; 480]);
    assert!(
        steady
            .next()
            .is_some_and(|(rate, _)| rate == SampleRate::FULL)
    );
    steady.rest();
    assert_eq!(steady.held(), Duration::ZERO);
    steady.push(SampleRate::FULL, &[0.5; 480]);
    assert_eq!(steady.next(), Some((SampleRate::FULL, &[0.5; 480][..])));
}
