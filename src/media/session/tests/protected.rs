//! Sound under keys: it comes whole to who has them, and to nobody else.

use super::world::{Pair, alike, alone, speech};
use super::*;
use crate::media::plan::{Accepted, MasterKey, Mki, Plan, SrtpKeys, Suite};
use crate::rtp::Muxed;

fn key(suite: Suite, seed: u8) -> MasterKey {
    MasterKey::new(suite, &vec![seed; suite.master_len()]).unwrap()
}

/// The plans of both, with keys that fit each other.
fn keyed(pair: &Pair, suite: Suite, (near, far): (u8, u8)) -> (Plan, Plan) {
    let keys = |local, remote| {
        Some(SrtpKeys {
            local: key(suite, local),
            remote: key(suite, remote),
            remote_mki: Mki(Vec::new()),
        })
    };
    let plans = [
        pair.plan_for_near(CodecKind::Pcma),
        pair.plan_for_far(CodecKind::Pcma),
    ];
    let [mut of_near, mut of_far] = plans;
    (of_near.srtp, of_far.srtp) = (keys(near, far), keys(far, near));
    (of_near, of_far)
}

fn apply(pair: &mut Pair, (near, far): &(Plan, Plan)) {
    pair.near.session.apply(pair.now, near).unwrap();
    pair.far.session.apply(pair.now, far).unwrap();
}

fn seconds(sound: &[f32], from: usize, to: usize) -> &[f32] {
    &sound[from * 8_000..to * 8_000]
}

#[test]
fn speech_and_reports_come_whole_under_every_suite() {
    for suite in Suite::ALL {
        let mut pair = Pair::new();
        let plans = keyed(&pair, suite, (1, 2));
        apply(&mut pair, &plans);
        let said = speech(SampleRate::NARROW);
        let (near, far) = pair.talk(&said, &said);
        for heard in [near, far] {
            let likeness = alike(&alone(CodecKind::Pcma, &said), &heard);
            assert!(likeness.mean > 0.97, "{suite:?}: {likeness:?}");
        }
        let stats = pair.near.session.stats();
        assert!(stats.round_trip.is_some(), "{suite:?}");
        assert_eq!(pair.near.session.refused(), 0, "{suite:?}");
    }
}

#[test]
fn nothing_that_leaves_is_in_clear() {
    let mut pair = Pair::new();
    let mut plans = keyed(&pair, Suite::AesCm128Sha1Tag80, (1, 2));
    for plan in [&mut plans.0, &mut plans.1] {
        (plan.rtcp_mux, plan.remote_rtcp) = (true, plan.remote_rtp);
    }
    apply(&mut pair, &plans);
    let mut open = Pair::new();
    (plans.0.srtp, plans.1.srtp) = (None, None);
    apply(&mut open, &plans);
    let wire = |pair: &mut Pair| {
        let datagrams = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let seen = std::rc::Rc::clone(&datagrams);
        pair.drop_to_far = Box::new(move |datagram| {
            seen.borrow_mut().push(datagram.to_vec());
            false
        });
        let said = speech(SampleRate::NARROW);
        pair.talk(seconds(&said, 0, 8), seconds(&said, 0, 8));
        datagrams.take()
    };
    let (protected, clear) = (wire(&mut pair), wire(&mut open));
    let sound = |wire: &[Vec<u8>]| -> Vec<Vec<u8>> {
        let sound = wire.iter().filter(|it| Muxed::of(it) == Muxed::Rtp);
        sound.map(|it| it[12..172].to_vec()).collect()
    };
    // The same speech from the same codec: each payload in clear is known.
    let known = sound(&clear);
    assert!(known.len() > 150);
    let shown = |wire: &[Vec<u8>]| wire.iter().filter(|it| known.contains(it)).count();
    assert_eq!(shown(&known), known.len());
    assert_eq!(shown(&sound(&protected)), 0);
    let names = |wire: &[Vec<u8>]| {
        let tells = |it: &&Vec<u8>| it.windows(7).any(|name| name == b"phone-1");
        wire.iter().filter(tells).count()
    };
    assert!(names(&clear) > 0);
    assert_eq!(names(&protected), 0);
}

#[test]
fn who_has_another_key_or_none_is_not_heard() {
    for far_key in [Some((1, 3)), None] {
        let mut pair = Pair::new();
        let (near, far) = keyed(&pair, Suite::AeadAes128Gcm, (1, 2));
        let far = match far_key {
            Some((near, own)) => keyed(&pair, Suite::AeadAes128Gcm, (near, own)).1,
            None => Plan { srtp: None, ..far },
        };
        apply(&mut pair, &(near, far));
        let said = speech(SampleRate::NARROW);
        pair.talk(seconds(&said, 0, 3), seconds(&said, 0, 3));
        assert_eq!(pair.near.session.stats().counts.received, 0);
        assert!(pair.near.session.refused() > 100);
    }
}

#[test]
fn hold_and_resume_go_on_where_they_were_and_new_keys_take_over() {
    let mut pair = Pair::new();
    let first = keyed(&pair, Suite::AesCm128Sha1Tag80, (1, 2));
    apply(&mut pair, &first);
    let said = speech(SampleRate::NARROW);
    let (mut heard, _) = pair.talk(seconds(&said, 0, 3), seconds(&said, 0, 3));
    for held in [true, false] {
        let mut plans = first.clone();
        plans.0.held = held;
        apply(&mut pair, &plans);
    }
    heard.extend(pair.talk(seconds(&said, 3, 6), seconds(&said, 3, 6)).0);
    assert_eq!(pair.near.session.refused(), 0);
    assert_eq!(pair.far.session.refused(), 0);
    let next = keyed(&pair, Suite::AesCm128Sha1Tag80, (1, 9));
    apply(&mut pair, &next);
    heard.extend(pair.talk(seconds(&said, 6, 9), seconds(&said, 6, 9)).0);
    // What was under way is lost: 30 ms.
    assert!(pair.near.session.refused() <= 3);
    let likeness = alike(&alone(CodecKind::Pcma, seconds(&said, 0, 9)), &heard);
    assert!(likeness.mean > 0.95, "{likeness:?}");
}

#[test]
fn what_comes_before_the_keys_are_known_is_not_played() {
    let mut pair = Pair::new();
    let (near, far) = keyed(&pair, Suite::AeadAes256Gcm, (1, 2));
    pair.far.session.apply(pair.now, &far).unwrap();
    let accepted = Accepted {
        codecs: near.accepted.clone(),
        protected: true,
        ..Accepted::default()
    };
    pair.near.session.listen(&accepted).unwrap();
    let said = speech(SampleRate::NARROW);
    for frame in seconds(&said, 0, 2).chunks_exact(80) {
        pair.tick(None, Some(frame));
    }
    assert!(pair.near.take_heard().iter().all(|sample| *sample == 0.0));
    assert!(pair.near.session.refused() > 90);
    pair.near.session.apply(pair.now, &near).unwrap();
    for frame in seconds(&said, 2, 5).chunks_exact(80) {
        pair.tick(None, Some(frame));
    }
    let likeness = alike(
        &alone(CodecKind::Pcma, seconds(&said, 2, 5)),
        &pair.near.take_heard(),
    );
    assert!(likeness.mean > 0.9, "{likeness:?}");
}

#[test]
fn a_key_that_comes_back_goes_on_where_it_was() {
    let mut pair = Pair::new();
    let first = keyed(&pair, Suite::AesCm128Sha1Tag80, (1, 2));
    let second = keyed(&pair, Suite::AeadAes128Gcm, (3, 4));
    let mut clear = first.clone();
    (clear.0.srtp, clear.1.srtp) = (None, None);
    let said = speech(SampleRate::NARROW);
    let wire = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = std::rc::Rc::clone(&wire);
    pair.drop_to_far = Box::new(move |datagram| {
        seen.borrow_mut().push(datagram.to_vec());
        false
    });
    for (second_of, plans) in [&first, &clear, &second, &first].into_iter().enumerate() {
        apply(&mut pair, plans);
        let said = seconds(&said, second_of, second_of + 1);
        let (near, far) = pair.talk(said, said);
        assert!(near.iter().chain(&far).any(|sample| sample.abs() > 0.01));
        // What was under way when the keys changed is lost.
        assert!(pair.near.session.refused() <= 3 * second_of as u64);
    }
    let mut numbers: Vec<Vec<u8>> = wire.take().iter().map(|it| it[2..4].to_vec()).collect();
    let sent = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), sent, "no number twice");
}
