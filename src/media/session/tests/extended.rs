//! What two sessions tell each other by extended reports.

use super::world::{self, MS, Pair, plan, speech};
use crate::codec::CodecKind;
use crate::media::plan::{Answerers, XrTerms};
use crate::units::SampleRate;

const ALL: XrTerms = XrTerms {
    voip_metrics: true,
    reference_times: Some(Answerers::All),
};

/// Two phones that agreed to tell each other everything.
fn frank(kind: CodecKind) -> Pair {
    let mut pair = Pair::new();
    let mut near = plan(kind, world::FAR);
    let mut far = plan(kind, world::NEAR);
    (near.extended_reports, far.extended_reports) = (ALL, ALL);
    pair.near.session.apply(pair.now, &near).unwrap();
    pair.far.session.apply(pair.now, &far).unwrap();
    pair
}

#[test]
fn each_side_learns_how_the_other_hears_it() {
    let mut pair = frank(CodecKind::Pcma);
    let mut sent = 0_u32;
    pair.drop_to_far = Box::new(move |_| {
        sent += 1;
        matches!(sent % 40, 1..=4)
    });
    let said = speech(SampleRate::NARROW);
    pair.talk(&said, &said);
    pair.talk(&said, &said);
    let (near, far) = (pair.near.figures.last(), pair.far.figures.last());
    let (near, far) = (near.unwrap(), far.unwrap());
    let told = near.remote.expect("the far side's metrics");
    // Four of forty in a row: all of a burst, none of a gap.
    assert!((told.loss_pct - 10.0).abs() < 1.0, "{told:?}");
    assert!(told.burst_density_pct > 99.0, "{told:?}");
    assert_eq!((told.gap_density_pct, told.discard_pct), (0.0, 0.0));
    assert_eq!(told.burst_ms, 80.0);
    assert!((told.gap_ms - 720.0).abs() < 60.0, "{told:?}");
    assert_eq!(far.burst_ms, 80.0);
    assert!(told.mos.unwrap() < 3.8 && near.mos > 4.2, "{told:?}");
    let back = far.remote.expect("the near side's metrics");
    assert_eq!((back.loss_pct, back.burst_ms), (0.0, 0.0));
    assert!(back.mos.unwrap() > 4.2, "{back:?}");
    assert!((back.end_system_ms.unwrap() - near.end_system_ms).abs() < 30.0);
    assert!(told.buffer_nominal_ms >= 20.0 && far.buffer_max_ms >= 400.0);
}

#[test]
fn a_packet_too_late_is_told_as_discarded_and_not_as_lost() {
    let mut pair = frank(CodecKind::Pcmu);
    let mut sent = 0_u32;
    pair.delay_to_far = Box::new(move || {
        sent += 1;
        if sent.is_multiple_of(50) {
            600 * MS
        } else {
            30 * MS
        }
    });
    let said = speech(SampleRate::NARROW);
    pair.talk(&said, &said);
    let discarded: f32 = pair.far.figures.iter().map(|f| f.discard_pct).sum();
    let mean = discarded / pair.far.figures.len() as f32;
    assert!((mean - 2.0).abs() < 0.7, "{mean}");
    let told = pair.near.figures.last().unwrap().remote.expect("metrics");
    assert!((told.discard_pct - 2.0).abs() < 0.8, "{told:?}");
    assert!(told.loss_pct < 1.0, "{told:?}");
}

#[test]
fn what_redundancy_brings_back_is_not_told_as_lost() {
    let mut pair = frank(CodecKind::Opus);
    let mut sent = 0_u32;
    pair.drop_to_far = Box::new(move |_| {
        sent += 1;
        sent.is_multiple_of(12)
    });
    let said = speech(SampleRate::FULL);
    for _ in 0..3 {
        pair.talk(&said, &said);
    }
    let (near, far) = (pair.near.figures.last(), pair.far.figures.last());
    let (near, far) = (near.unwrap(), far.unwrap());
    let on_the_wire = near.remote_loss_pct.unwrap();
    let told = near.remote.expect("metrics");
    assert!(on_the_wire > 6.0, "{near:?}");
    assert!(told.loss_pct < on_the_wire * 0.8, "{told:?}");
    assert!(far.repaired_pct > 3.0, "{far:?}");
    assert!(far.mos > 3.4, "{far:?}");
}

#[test]
fn who_only_listens_learns_the_round_trip_if_both_agreed_to_it() {
    for (terms, known) in [(XrTerms::default(), false), (ALL, true)] {
        let mut pair = Pair::new();
        let mut near = plan(CodecKind::Pcmu, world::FAR);
        let mut far = plan(CodecKind::Pcmu, world::NEAR);
        (near.send, far.receive) = (false, false);
        (near.extended_reports, far.extended_reports) = (terms, terms);
        pair.near.session.apply(pair.now, &near).unwrap();
        pair.far.session.apply(pair.now, &far).unwrap();
        let said = speech(SampleRate::NARROW);
        pair.talk(&said, &said);
        pair.talk(&said, &said);
        let trip = pair.near.figures.last().unwrap().rtt_ms;
        assert_eq!(trip.is_some(), known, "{terms:?}");
        if let Some(trip) = trip {
            assert!((55.0..=85.0).contains(&trip), "{trip}");
        }
    }
}
