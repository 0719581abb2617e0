//! Silence that is meant, and silence that is worth a word.

use super::world::{FAR, MS, Pair};
use super::*;

/// A packet of the far side, made by hand.
fn packet(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(*b"FAR!");
    packet.extend(payload);
    packet
}

/// Turns the clock of the near phone alone, and answers what it said.
fn wait(pair: &mut Pair, span: Duration) -> Vec<Event> {
    let (mut events, mut out) = (Vec::new(), Vec::new());
    let until = pair.now + span;
    while pair.now < until {
        pair.now += 100 * MS;
        pair.near.session.handle_timeout(pair.now);
        loop {
            match pair.near.session.poll_output(&mut out) {
                Output::Event(Event::Quality(_)) => {}
                Output::Event(event) => events.push(event),
                Output::Wait(_) => break,
                _ => {}
            }
        }
    }
    events
}

#[test]
fn comfort_noise_that_was_not_negotiated_is_a_pause_and_no_loss() {
    let mut pair = Pair::new();
    pair.start(CodecKind::Pcmu);
    let hear = |pair: &mut Pair, packet: Vec<u8>| {
        pair.near
            .session
            .handle_datagram(pair.now, Port::Rtp, &packet, FAR);
    };
    for count in 0..10 {
        hear(
            &mut pair,
            packet(0, count, u32::from(count) * 160, &[0xff; 160]),
        );
        wait(&mut pair, 20 * MS);
    }
    hear(&mut pair, packet(13, 10, 1_600, &[50]));
    let said = wait(&mut pair, Duration::from_secs(12));
    assert_eq!(said, [], "a pause is no missing sound");
    hear(&mut pair, packet(0, 11, 96_000 + 1_600, &[0xff; 160]));
    hear(&mut pair, packet(0, 12, 96_000 + 1_760, &[0xff; 160]));
    assert_eq!(pair.near.session.stats().counts.lost(), 0);
    assert_eq!(pair.near.session.stats().ignored.payload_type, 0);
}

#[test]
fn a_number_that_was_negotiated_is_never_taken_for_comfort_noise() {
    let mut pair = Pair::new();
    let mut plan = pair.plan_for_near(CodecKind::Pcmu);
    plan.dtmf_receive = vec![(PayloadType::new(13).unwrap(), 8_000)];
    pair.near.session.apply(pair.now, &plan).unwrap();
    for (sequence, payload) in [[4, 10, 0, 160], [4, 138, 3, 32]].iter().enumerate() {
        let packet = packet(13, sequence as u16, 0, payload);
        pair.near
            .session
            .handle_datagram(pair.now, Port::Rtp, &packet, FAR);
    }
    let said = wait(&mut pair, 100 * MS);
    assert!(
        matches!(said[..], [Event::RemoteDtmf { digit, .. }] if digit.to_char() == '4'),
        "{said:?}"
    );
}

#[test]
fn silence_while_held_is_as_it_should_be_and_after_it_counts_anew() {
    let mut pair = Pair::talking(CodecKind::Pcmu);
    let said = speech(SampleRate::NARROW);
    pair.talk(&said[..16_000], &said[..16_000]);
    // `a=sendonly` from the far side: we may listen, and there is no music.
    let mut held = pair.plan_for_near(CodecKind::Pcmu);
    held.send = false;
    pair.near.session.apply(pair.now, &held).unwrap();
    assert_eq!(wait(&mut pair, Duration::from_secs(30)), []);
    let resumed = pair.plan_for_near(CodecKind::Pcmu);
    pair.near.session.apply(pair.now, &resumed).unwrap();
    assert_eq!(wait(&mut pair, Duration::from_millis(4_900)), []);
    assert_eq!(
        wait(&mut pair, 300 * MS),
        [Event::NoSound { ever: false }],
        "and then it is missed"
    );
}
