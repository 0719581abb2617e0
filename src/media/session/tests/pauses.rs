//! Pauses that are described instead of sent.

use super::world::{MS, Pair, alike, alone, speech};
use super::*;

/// Somebody in a room at −56 dBov: four seconds of the room, ten of speech in it, five of the room.
fn in_a_room(rate: SampleRate) -> Vec<f32> {
    let second = rate.hz() as usize;
    let mut said = vec![0.0; 4 * second];
    said.extend(speech(rate));
    said.extend(vec![0.0; 5 * second]);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for sample in &mut said {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let uniform = (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5;
        *sample += ROOM * 12.0_f32.sqrt() * uniform;
    }
    said
}

const ROOM: f32 = 0.001;

/// Two phones of which the near one describes its pauses.
fn sparing(kind: CodecKind) -> Pair {
    let mut pair = Pair::new();
    pair.start(kind);
    let mut plan = pair.plan_for_near(kind);
    if kind == CodecKind::Opus {
        plan.codec.opus.use_dtx = true;
    } else {
        plan.codec.comfort_noise = PayloadType::new(13);
    }
    pair.near.session.apply(pair.now, &plan).unwrap();
    pair
}

fn level(sound: &[f32]) -> f32 {
    10.0 * (sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32).log10()
}

#[test]
fn a_pause_costs_few_packets_and_nothing_of_the_words() {
    for kind in CodecKind::ALL {
        let mut pair = sparing(kind);
        let said = in_a_room(kind.sound_rate());
        let (_, heard) = pair.talk(&said, &said);
        let sent = pair.near.session.stats().packets_sent;
        let packets = (said.len() / kind.frame_samples(20 * MS)) as u64;
        assert!(sent < packets * 4 / 5, "{kind:?}: {sent} of {packets}");
        assert!(sent > packets / 3, "{kind:?}: {sent} of {packets}");
        let stats = pair.far.session.received();
        assert_eq!(stats.counts.lost, 0, "{kind:?}: {stats:?}");
        assert!(stats.concealed <= 20 * MS, "{kind:?}: {stats:?}");
        assert_eq!(pair.far.session.stats().counts.lost(), 0);
        let missed = |event: &Event| matches!(event, Event::NoSound { .. });
        assert!(!pair.far.events.iter().any(missed));
        // From the second on in which somebody speaks.
        let words = 4 * 8_000..14 * 8_000;
        let likeness = alike(&alone(kind, &said)[words.clone()], &heard[words.start..]);
        assert!(likeness.mean > 0.93, "{kind:?}: {likeness:?}");
        // The room is still there in the pause, as loud as it was.
        let room = level(&heard[16 * 8_000..18 * 8_000]);
        let whole = level(&alone(kind, &said)[16 * 8_000..18 * 8_000]);
        assert!((room - whole).abs() < 3.0, "{kind:?}: {room} {whole}");
    }
}

#[test]
fn the_first_packet_after_a_pause_is_marked() {
    for kind in [CodecKind::Pcma, CodecKind::G722] {
        let mut pair = sparing(kind);
        let said = in_a_room(kind.sound_rate());
        pair.talk(&said, &said);
        let marked = pair.far.marked.iter().filter(|marked| **marked).count();
        assert!((2..=12).contains(&marked), "{kind:?}: {marked}");
    }
}

#[test]
fn pauses_are_sent_where_nobody_asked_otherwise() {
    for kind in CodecKind::ALL {
        let mut pair = Pair::talking(kind);
        let said = in_a_room(kind.sound_rate());
        pair.talk(&said, &said);
        let sent = pair.near.session.stats().packets_sent;
        let packets = (said.len() / kind.frame_samples(20 * MS)) as u64;
        assert_eq!(sent, packets, "{kind:?}");
    }
}

#[test]
fn a_description_that_is_lost_is_said_again() {
    let mut pair = sparing(CodecKind::Pcma);
    let said = in_a_room(SampleRate::NARROW);
    // The first packet of each pause.
    let mut pausing = false;
    pair.drop_to_far = Box::new(move |datagram| {
        let noise = datagram[1] & 0x7f == 13;
        noise && !std::mem::replace(&mut pausing, noise)
    });
    pair.talk(&said, &said);
    let stats = pair.far.session.received();
    assert!(stats.concealed < 150 * MS, "{stats:?}");
}
