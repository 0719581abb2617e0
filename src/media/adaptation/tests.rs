use super::*;

const PTIME: Duration = Duration::from_millis(20);

fn wishes(max_average_bitrate: Option<u32>) -> OpusWishes {
    OpusWishes {
        use_inband_fec: true,
        max_average_bitrate,
        ..OpusWishes::default()
    }
}

fn usual() -> Adaptation {
    Adaptation::new(&wishes(None), PTIME, false)
}

/// The far side reads DRED.
fn deep() -> Adaptation {
    let mut adaptation = usual();
    adaptation.handle_dred();
    adaptation
}

fn lost(loss: f64) -> Report {
    Report {
        loss,
        ..Report::default()
    }
}

/// What a report of `loss` in runs of three or so looks like.
fn runs(loss: f64, density: f32) -> Report {
    Report {
        burst: Some(Burst { density }),
        ..lost(loss)
    }
}

#[test]
fn the_first_seconds_are_protected_until_the_first_report_is_clean() {
    let mut adaptation = usual();
    let start = adaptation.target();
    assert!(start.inband_fec);
    assert_eq!(
        (start.expected_loss, start.max_sound_rate),
        (10, SampleRate::WIDE)
    );
    let jittery = Report {
        jitter: Duration::from_millis(5),
        ..lost(0.0)
    };
    assert_eq!(adaptation.clone().handle_report(&jittery), None);
    let clean = adaptation.handle_report(&lost(0.0)).unwrap();
    assert!(!clean.inband_fec);
    assert_eq!(
        (clean.expected_loss, clean.max_sound_rate),
        (0, SampleRate::FULL)
    );
}

#[test]
fn loss_is_protected_against_at_once() {
    let mut adaptation = usual();
    adaptation.handle_report(&lost(0.0));
    let target = adaptation.handle_report(&lost(0.05)).unwrap();
    assert_eq!((target.expected_loss, target.inband_fec), (15, true));
    assert_eq!(target.dred_span, Duration::ZERO);
    let target = adaptation.handle_report(&lost(0.1)).unwrap();
    assert_eq!((target.expected_loss, target.inband_fec), (20, true));
}

#[test]
fn small_changes_are_not_worth_a_word() {
    let mut adaptation = usual();
    adaptation.handle_report(&lost(0.05));
    for loss in [0.06, 0.04, 0.055, 0.06, 0.045, 0.05] {
        assert_eq!(adaptation.handle_report(&lost(loss)), None, "{loss}");
    }
}

#[test]
fn one_clean_report_is_not_believed_and_three_are_in_steps() {
    let mut adaptation = usual();
    adaptation.handle_report(&lost(0.08));
    assert_eq!(adaptation.handle_report(&lost(0.0)), None);
    assert_eq!(adaptation.handle_report(&lost(0.0)), None);
    let target = adaptation.handle_report(&lost(0.0)).unwrap();
    assert_eq!((target.expected_loss, target.inband_fec), (14, true));
    for _ in 0..20 {
        adaptation.handle_report(&lost(0.0));
    }
    let target = adaptation.target();
    assert_eq!((target.expected_loss, target.inband_fec), (0, false));
}

#[test]
fn runs_of_loss_are_a_matter_for_deep_redundancy_and_random_loss_is_not() {
    let mut adaptation = deep();
    let target = adaptation.handle_report(&runs(0.1, 0.1)).unwrap();
    assert!(target.inband_fec && target.dred_span.is_zero());
    let target = adaptation.handle_report(&runs(0.1, 0.5)).unwrap();
    assert!(!target.inband_fec);
    assert!(target.dred_span >= Duration::from_millis(100));
    assert_eq!(target.max_sound_rate, SampleRate::WIDE);
    // A report that says otherwise is not believed at once.
    assert_eq!(adaptation.handle_report(&runs(0.1, 0.1)), None);
}

#[test]
fn much_loss_is_taken_for_runs_unless_a_report_says_otherwise() {
    let mut adaptation = deep();
    let target = adaptation.handle_report(&lost(0.2)).unwrap();
    assert!(!target.dred_span.is_zero());
    let mut adaptation = deep();
    let target = adaptation.handle_report(&runs(0.2, 0.2)).unwrap();
    assert!(target.inband_fec && target.dred_span.is_zero());
}

#[test]
fn runs_are_sent_again_where_the_far_side_takes_that() {
    let mut adaptation = Adaptation::new(&wishes(None), PTIME, true);
    adaptation.handle_report(&lost(0.0));
    assert_eq!(adaptation.target().again, 0);
    let target = adaptation.handle_report(&lost(0.2)).unwrap();
    assert_eq!(target.again, 2);
    assert!(!target.inband_fec && target.dred_span.is_zero());
    // Twice, and 40 bits in each of 50 packets, are no more than 24 kbit/s of speech.
    assert!((10_500..11_800).contains(&target.bitrate), "{target:?}");
    for _ in 0..40 {
        adaptation.handle_report(&lost(0.0));
    }
    assert_eq!(adaptation.target().again, 0);
    // Random loss is a matter for copies.
    assert_eq!(adaptation.handle_report(&lost(0.05)).unwrap().again, 0);
}

#[test]
fn packets_are_sent_again_from_the_first_until_a_report_says_what_for() {
    let fresh = || Adaptation::new(&wishes(None), PTIME, true);
    assert_eq!(fresh().target().again, 2);
    let after = |report: &Report| {
        let mut adaptation = fresh();
        adaptation.handle_report(report);
        let target = adaptation.target();
        (target.again, target.inband_fec)
    };
    assert_eq!(after(&lost(0.0)), (0, false));
    assert_eq!(after(&runs(0.2, 0.7)), (2, false));
    // Strewn here and there: copies are better, and at once.
    assert_eq!(after(&runs(0.05, 0.06)), (0, true));
    // So little is not worth twice the packets, however it comes.
    assert_eq!(after(&runs(0.03, 0.7)), (0, true));
    // Without word of the pattern much is not given up yet.
    assert_eq!(after(&lost(0.05)), (0, true));
    assert_eq!(after(&lost(0.1)), (2, false));
}

/// Three packets in a thousand and more are one of the 250 between two reports.
#[test]
fn what_came_too_late_is_lost_as_well() {
    let after = |report: &Report| {
        let mut adaptation = usual();
        for _ in 0..4 {
            adaptation.handle_report(report);
        }
        adaptation.target().inband_fec
    };
    let discarded = |discarded: f64| Report {
        discarded,
        ..lost(0.0)
    };
    assert!(!after(&lost(0.002)) && !after(&discarded(0.002)));
    assert!(after(&lost(0.004)) && after(&discarded(0.004)));
}

/// Twice nearly all that a packet may hold, until a report comes or it is clear that none will.
#[test]
fn what_is_sent_twice_at_the_beginning_is_not_half_as_good() {
    let usual = usual().target().bitrate;
    let mut adaptation = Adaptation::new(&wishes(None), PTIME, true);
    let first = adaptation.target().bitrate;
    assert!(first > usual * 4 / 5 && first <= usual, "{first} {usual}");
    let mut reported = adaptation.clone();
    let later = reported.handle_report(&runs(0.2, 0.7)).unwrap();
    assert_eq!(later.again, 2);
    assert!(later.bitrate < usual * 3 / 5, "{}", later.bitrate);
    let told: Vec<(u32, u32)> = (1..=400)
        .filter_map(|count| {
            Some((
                count,
                adaptation
                    .handle_work(Duration::from_millis(1), PTIME)?
                    .bitrate,
            ))
        })
        .collect();
    assert_eq!(told, [(300, later.bitrate)]);
}

#[test]
fn half_of_what_is_sent_lost_is_a_full_line_and_a_third_need_not_be() {
    let bitrate_after = |loss: f64| {
        let mut adaptation = usual();
        adaptation.handle_report(&lost(loss));
        let before = adaptation.target().bitrate;
        adaptation.handle_report(&lost(loss));
        (before, adaptation.target().bitrate)
    };
    let (before, after) = bitrate_after(0.35);
    assert_eq!(before, after);
    let (before, after) = bitrate_after(0.55);
    assert!(after < before);
}

#[test]
fn after_runs_the_way_back_leads_over_copies_to_nothing() {
    let mut adaptation = deep();
    adaptation.handle_report(&lost(0.2));
    let mut seen = Vec::new();
    for _ in 0..40 {
        adaptation.handle_report(&lost(0.0));
        let target = adaptation.target();
        let now = (!target.dred_span.is_zero(), target.inband_fec);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    assert_eq!(seen, [(true, false), (false, true), (false, false)]);
}

#[test]
fn loss_without_a_queue_is_no_reason_to_send_less() {
    let mut adaptation = usual();
    let near = Report {
        round_trip: Some(Duration::from_millis(40)),
        ..lost(0.12)
    };
    adaptation.handle_report(&near);
    let before = adaptation.target().bitrate;
    for _ in 0..20 {
        adaptation.handle_report(&near);
    }
    assert_eq!(adaptation.target().bitrate, before);
}

#[test]
fn a_full_line_gets_less_down_to_a_floor_and_more_again_later() {
    let mut adaptation = usual();
    adaptation.handle_report(&Report {
        round_trip: Some(Duration::from_millis(40)),
        ..lost(0.0)
    });
    let best = adaptation.target();
    let queued = Report {
        round_trip: Some(Duration::from_millis(400)),
        ..lost(0.12)
    };
    let target = adaptation.handle_report(&queued).unwrap();
    assert!(target.bitrate < best.bitrate);
    for _ in 0..20 {
        adaptation.handle_report(&queued);
    }
    let worst = adaptation.target();
    assert!((16_000..18_000).contains(&worst.bitrate), "{worst:?}");
    for _ in 0..100 {
        adaptation.handle_report(&lost(0.0));
    }
    assert_eq!(adaptation.target(), best);
}

#[test]
fn runs_are_met_by_copies_where_nothing_better_is_read() {
    let mut adaptation = usual();
    let target = adaptation.handle_report(&lost(0.2)).unwrap();
    assert!(target.inband_fec && target.dred_span.is_zero() && target.again == 0);
}

#[test]
fn where_few_bits_are_left_runs_get_copies_too() {
    let mut adaptation = Adaptation::new(&wishes(Some(16_000)), PTIME, false);
    adaptation.handle_dred();
    let target = adaptation.handle_report(&lost(0.2)).unwrap();
    assert!(target.inband_fec && target.dred_span.is_zero());
}

#[test]
fn the_far_sides_limit_is_kept() {
    let mut adaptation = Adaptation::new(&wishes(Some(12_000)), PTIME, false);
    for loss in [0.0, 0.05, 0.5, 0.5, 0.0, 0.0, 0.0] {
        assert!(adaptation.target().bitrate <= 12_000);
        adaptation.handle_report(&lost(loss));
    }
}

#[test]
fn a_far_side_that_makes_no_use_of_protection_gets_none() {
    let mut adaptation = Adaptation::new(&OpusWishes::default(), PTIME, false);
    for loss in [0.0, 0.05, 0.2] {
        adaptation.handle_report(&lost(loss));
        let target = adaptation.target();
        assert!(!target.inband_fec && target.dred_span.is_zero());
        assert_eq!(target.max_sound_rate, SampleRate::FULL);
    }
}

#[test]
fn longer_packets_leave_more_for_the_voice() {
    let rate = |ms| {
        let ptime = Duration::from_millis(ms);
        let mut adaptation = Adaptation::new(&wishes(None), ptime, false);
        adaptation.handle_report(&lost(0.0)).unwrap().bitrate
    };
    assert!(rate(20) <= 24_000 && rate(20) > 23_000);
    assert!(rate(40) <= 32_000 && rate(40) > 30_000);
    // The headers alone take 32 kbit/s: what is left is not what anybody should hear.
    assert_eq!(rate(10), rate(20));
}

#[test]
fn a_slow_processor_gets_less_to_do() {
    let mut adaptation = usual();
    let before = adaptation.target().complexity;
    let changed = (0..1_000).find_map(|_| adaptation.handle_work(PTIME / 2, PTIME));
    assert!(changed.unwrap().complexity < before);
}

#[test]
fn nonsense_in_a_report_stays_within_bounds() {
    let mut adaptation = usual();
    for loss in [f64::NAN, -3.0, 7.0, f64::INFINITY] {
        adaptation.handle_report(&runs(loss, f32::NAN));
        let target = adaptation.target();
        assert!(target.expected_loss <= 20 && target.bitrate >= 15_000);
    }
}

/// A line that is full: much is lost, and what comes has waited.
fn full() -> Report {
    Report {
        round_trip: Some(Duration::from_millis(400)),
        ..lost(0.12)
    }
}

/// May grow to 60 ms; the first report told of a short way.
fn growing(ptime: u64) -> Adaptation {
    let mut adaptation = Adaptation::new(&wishes(None), Duration::from_millis(ptime), false);
    adaptation.allow_ptime(Duration::from_millis(60));
    adaptation.handle_report(&Report {
        round_trip: Some(Duration::from_millis(40)),
        ..lost(0.0)
    });
    adaptation
}

/// Lengths of packets in milliseconds, each once, while so many of these reports come.
fn lengths(adaptation: &mut Adaptation, report: &Report, reports: u32) -> Vec<u128> {
    let mut seen = vec![adaptation.target().ptime.as_millis()];
    for _ in 0..reports {
        adaptation.handle_report(report);
        seen.push(adaptation.target().ptime.as_millis());
    }
    seen.dedup();
    seen
}

#[test]
fn packets_grow_while_a_line_stays_full_and_shrink_when_it_is_long_not() {
    let mut adaptation = growing(20);
    // First less is said in each packet.
    assert_eq!(lengths(&mut adaptation, &full(), 3), [20]);
    assert!(adaptation.target().bitrate < 18_000);
    assert_eq!(lengths(&mut adaptation, &full(), 20), [20, 40, 60]);
    assert_eq!(lengths(&mut adaptation, &lost(0.0), 12), [60]);
    assert_eq!(lengths(&mut adaptation, &lost(0.0), 40), [60, 40, 20]);
    assert!(adaptation.target().bitrate > 22_000);
}

#[test]
fn a_line_that_is_full_for_a_moment_changes_no_length() {
    let mut adaptation = growing(20);
    for _ in 0..20 {
        let seen = lengths(&mut adaptation, &full(), 1);
        assert_eq!(seen, [20]);
        assert_eq!(lengths(&mut adaptation, &lost(0.0), 2), [20]);
    }
}

#[test]
fn loss_without_a_queue_makes_no_longer_packets() {
    let mut adaptation = growing(20);
    let noisy = Report {
        round_trip: Some(Duration::from_millis(50)),
        ..lost(0.12)
    };
    assert_eq!(lengths(&mut adaptation, &noisy, 40), [20]);
}

#[test]
fn packets_of_ten_milliseconds_are_given_up_first_and_come_back() {
    let mut adaptation = growing(10);
    assert_eq!(lengths(&mut adaptation, &full(), 1), [10, 20]);
    assert_eq!(lengths(&mut adaptation, &lost(0.0), 30), [20, 10]);
}

#[test]
fn packets_stay_within_what_the_far_side_takes() {
    for (longest, expected) in [(0, vec![20]), (20, vec![20]), (50, vec![20, 40])] {
        let mut adaptation = growing(20);
        adaptation.allow_ptime(Duration::from_millis(longest));
        assert_eq!(lengths(&mut adaptation, &full(), 40), expected);
    }
}
