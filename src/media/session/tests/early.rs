//! Sound before the answer (RFC 3264 section 5.1).

use super::world::{FAR, MS, Pair, STRANGER, alike, alone, speech};
use super::*;
use crate::media::plan::Accepted;

/// What the near phone offered.
fn offered(pair: &Pair) -> Accepted {
    let plan = pair.plan_for_near(CodecKind::Pcma);
    Accepted {
        codecs: plan.accepted,
        dtmf: plan.dtmf_receive,
        comfort_noise: None,
        redundancy: Vec::new(),
        protected: false,
    }
}

/// The far phone speaks; the near one has only offered.
fn calling(kind: CodecKind) -> Pair {
    let mut pair = Pair::new();
    let far = pair.plan_for_far(kind);
    pair.far.session.apply(pair.now, &far).unwrap();
    let accepted = offered(&pair);
    pair.near.session.listen(&accepted).unwrap();
    pair
}

/// The far phone says this; answers what the near one heard.
fn hear(pair: &mut Pair, said: &[f32]) -> Vec<f32> {
    let rate = pair.far.session.capture_rate().unwrap();
    for frame in said.chunks_exact(rate.samples_in(10 * MS)) {
        pair.tick(None, Some(frame));
    }
    pair.near.take_heard()
}

#[test]
fn the_first_words_are_heard_before_the_answer_and_none_is_lost_with_it() {
    for kind in CodecKind::ALL {
        let mut pair = calling(kind);
        let said = speech(kind.sound_rate());
        let second = kind.sound_rate().hz() as usize;
        let mut heard = hear(&mut pair, &said[..3 * second]);
        assert!(
            pair.near
                .events
                .iter()
                .any(|e| matches!(e, Event::FirstReceived(_)))
        );
        let mut plan = pair.plan_for_near(kind);
        plan.early = true;
        pair.near.session.apply(pair.now, &plan).unwrap();
        heard.extend(hear(&mut pair, &said[3 * second..6 * second]));
        plan.early = false;
        pair.near.session.apply(pair.now, &plan).unwrap();
        heard.extend(hear(&mut pair, &said[6 * second..]));
        let likeness = alike(&alone(kind, &said), &heard);
        assert!(likeness.mean > 0.97, "{kind:?}: {likeness:?}");
        let stats = pair.near.session.received();
        assert_eq!(stats.concealed, Duration::ZERO, "{kind:?}");
        assert_eq!(stats.counts.restarts, 0, "{kind:?}");
    }
}

#[test]
fn nothing_is_heard_before_anything_is_offered() {
    let mut pair = Pair::new();
    let far = pair.plan_for_far(CodecKind::Pcma);
    pair.far.session.apply(pair.now, &far).unwrap();
    let said = speech(SampleRate::NARROW);
    assert!(hear(&mut pair, &said[..16_000]).is_empty());
    assert!(pair.near.session.stats().ignored.payload_type > 50);
}

#[test]
fn once_there_is_an_answer_the_offer_says_nothing_any_more() {
    let mut pair = Pair::talking(CodecKind::Pcma);
    let mut plan = pair.plan_for_near(CodecKind::Pcma);
    plan.accepted = vec![(PayloadType::new(8).unwrap(), CodecKind::Pcma)];
    pair.near.session.apply(pair.now, &plan).unwrap();
    let accepted = offered(&pair);
    pair.near.session.listen(&accepted).unwrap();
    let pcmu = pair.plan_for_far(CodecKind::Pcmu);
    pair.far.session.apply(pair.now, &pcmu).unwrap();
    let said = speech(SampleRate::NARROW);
    hear(&mut pair, &said[..16_000]);
    assert!(pair.near.session.stats().ignored.payload_type > 50);
}

#[test]
fn a_stranger_who_speaks_first_gives_way_to_who_answers() {
    let mut pair = calling(CodecKind::Pcmu);
    let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9];
    packet.extend([0x80; 160]);
    for count in 0..50_u16 {
        packet[2..4].copy_from_slice(&count.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(count) * 160).to_be_bytes());
        pair.near
            .session
            .handle_datagram(pair.now, Port::Rtp, &packet, STRANGER);
        pair.tick(None, None);
        pair.tick(None, None);
    }
    assert_eq!(pair.near.session.stats().remote, Some(STRANGER));
    let plan = pair.plan_for_near(CodecKind::Pcmu);
    pair.near.session.apply(pair.now, &plan).unwrap();
    let said = speech(SampleRate::NARROW);
    pair.near.take_heard();
    let heard = hear(&mut pair, &said);
    assert_eq!(pair.near.session.stats().remote, Some(FAR));
    let likeness = alike(&alone(CodecKind::Pcmu, &said), &heard);
    assert!(likeness.mean > 0.95, "{likeness:?}");
}

#[test]
fn a_far_side_that_has_not_answered_may_be_silent() {
    let mut pair = Pair::new();
    let mut plan = pair.plan_for_near(CodecKind::Pcma);
    let missed = |pair: &mut Pair, seconds: u64| {
        let (until, mut out) = (pair.now + Duration::from_secs(seconds), Vec::new());
        let mut missed = 0;
        while pair.now < until {
            pair.now += 100 * MS;
            pair.near.session.handle_timeout(pair.now);
            loop {
                match pair.near.session.poll_output(&mut out) {
                    Output::Event(Event::NoSound { .. }) => missed += 1,
                    Output::Wait(_) => break,
                    _ => {}
                }
            }
        }
        missed
    };
    plan.early = true;
    pair.near.session.apply(pair.now, &plan).unwrap();
    assert_eq!(missed(&mut pair, 30), 0);
    plan.early = false;
    pair.near.session.apply(pair.now, &plan).unwrap();
    assert_eq!(missed(&mut pair, 4), 0);
    assert_eq!(missed(&mut pair, 2), 1);
}
