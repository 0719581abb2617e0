use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::testing::start;
use super::*;

const FRAME: u32 = 160;
const SOURCE: Ssrc = Ssrc(1);

fn digit(character: char) -> Digit {
    Digit::from_char(character).expect("a digit")
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Polls `frames` frames from `from` on; the packets, each with the frame it came in.
fn send(sender: &mut DtmfSender, from: u64, frames: u64, ticks: u32) -> Vec<(u64, EventPacket)> {
    let at = |frame| RtpTime(from + frame * u64::from(ticks));
    let polled = (0..frames).map(|frame| (frame, sender.poll(at(frame), ticks)));
    polled
        .filter_map(|(frame, packet)| Some((frame, packet?)))
        .collect()
}

fn event(code: u8, end: bool, duration: u16) -> [u8; 4] {
    let [high, low] = duration.to_be_bytes();
    [code, if end { 0x8a } else { 0x0a }, high, low]
}

fn outputs(receiver: &mut DtmfReceiver) -> Vec<DtmfEvent> {
    std::iter::from_fn(|| receiver.poll_output()).collect()
}

fn pressed(character: char, ticks: u64) -> [DtmfEvent; 2] {
    let digit = digit(character);
    let duration = SampleRate::NARROW.duration_of(ticks);
    [
        DtmfEvent::Started(digit),
        DtmfEvent::Ended { digit, duration },
    ]
}

#[test]
fn the_sixteen_digits_have_the_codes_of_the_rfc() {
    for (code, character) in "0123456789*#ABCD".chars().enumerate() {
        assert_eq!(digit(character).event(), code as u8);
        assert_eq!(
            Digit::from_event(code as u8).map(Digit::to_char),
            Some(character)
        );
    }
    assert_eq!(digit('d').to_char(), 'D');
    assert_eq!(Digit::from_char('E'), None);
    assert_eq!(Digit::from_char('+'), None);
    assert_eq!(Digit::from_event(16), None);
}

#[test]
fn a_digit_goes_out_with_marker_growing_duration_and_three_ends() {
    let mut sender = DtmfSender::new(SampleRate::NARROW);
    sender.press(digit('#'), millis(100)).expect("room");
    let packets = send(&mut sender, 8_000, 10, FRAME);
    let expected = [
        (0, true, event(11, false, 160)),
        (1, false, event(11, false, 320)),
        (2, false, event(11, false, 480)),
        (3, false, event(11, false, 640)),
        (4, false, event(11, true, 800)),
        (5, false, event(11, true, 800)),
        (6, false, event(11, true, 800)),
    ];
    let expected = expected.map(|(frame, marker, payload)| {
        (
            frame,
            EventPacket {
                timestamp: RtpTime(8_000),
                marker,
                payload,
            },
        )
    });
    assert_eq!(packets, expected);
}

#[test]
fn durations_count_in_the_clock_of_the_payload_type() {
    let mut sender = DtmfSender::new(SampleRate::FULL);
    sender.press(digit('5'), millis(50)).expect("room");
    let packets = send(&mut sender, 0, 10, 960);
    let durations: Vec<u16> = packets
        .iter()
        .map(|(_, packet)| u16::from_be_bytes([packet.payload[2], packet.payload[3]]))
        .collect();
    assert_eq!(durations, [960, 1_920, 2_400, 2_400, 2_400]);
}

#[test]
fn digits_follow_each_other_after_a_gap_and_with_their_own_timestamps() {
    let mut sender = DtmfSender::new(SampleRate::NARROW);
    sender.press(digit('1'), millis(40)).expect("room");
    sender.press(digit('2'), millis(40)).expect("room");
    assert!(sender.busy());
    let packets = send(&mut sender, 0, 40, FRAME);
    let starts: Vec<_> = packets.iter().filter(|(_, packet)| packet.marker).collect();
    assert_eq!(starts.len(), 2);
    // The first ends at tick 320; 60 ms later, at 800, the second may begin.
    assert_eq!(starts[1].1.timestamp, RtpTime(800));
    assert_eq!(starts[1].1.payload[0], 2);
    assert_eq!(packets.len(), 2 * 4);
    assert!(!sender.busy());
}

#[test]
fn a_long_digit_is_sent_in_segments() {
    // 10 s at 8 kHz: 80,000 ticks, of which 65,535 fill the first segment.
    let mut sender = DtmfSender::new(SampleRate::NARROW);
    sender
        .press(digit('9'), Duration::from_secs(10))
        .expect("room");
    let packets = send(&mut sender, 0, 600, FRAME);
    let (first, second): (Vec<&EventPacket>, Vec<&EventPacket>) = packets
        .iter()
        .map(|(_, packet)| packet)
        .partition(|packet| packet.timestamp.0 == 0);
    assert_eq!(
        first.last().map(|packet| packet.payload),
        Some(event(9, false, 0xffff))
    );
    assert!(
        second
            .iter()
            .all(|packet| packet.timestamp == RtpTime(65_535))
    );
    assert!(second.iter().all(|packet| !packet.marker));
    assert_eq!(
        second.last().map(|packet| packet.payload),
        Some(event(9, true, 14_465))
    );
    let ends = packets
        .iter()
        .filter(|(_, packet)| packet.payload[1] & 0x80 != 0)
        .count();
    assert_eq!(ends, 3);
}

#[test]
fn a_long_digit_is_heard_as_one() {
    for clock in [SampleRate::NARROW, SampleRate::FULL] {
        let frame = clock.samples_in(millis(20)) as u32;
        let mut sender = DtmfSender::new(clock);
        sender
            .press(digit('9'), Duration::from_secs(10))
            .expect("room");
        let mut receiver = DtmfReceiver::new(clock);
        let mut heard = Vec::new();
        for (index, packet) in send(&mut sender, 1 << 32, 600, frame) {
            let now = start() + millis(20) * index as u32;
            receiver.handle(now, SOURCE, packet.timestamp, &packet.payload);
            heard.extend(outputs(&mut receiver));
        }
        let nine = digit('9');
        let duration = Duration::from_secs(10);
        let expected = [
            DtmfEvent::Started(nine),
            DtmfEvent::Ended {
                digit: nine,
                duration,
            },
        ];
        assert_eq!(heard, expected);
    }
}

#[test]
fn a_paste_that_does_not_fit_is_refused() {
    let mut sender = DtmfSender::new(SampleRate::NARROW);
    for _ in 0..64 {
        sender.press(digit('1'), millis(100)).expect("room");
    }
    assert_eq!(sender.press(digit('1'), millis(100)), Err(QueueFull));
    sender.clear();
    assert!(!sender.busy());
}

#[test]
fn a_tone_too_short_to_be_heard_is_lengthened() {
    let mut sender = DtmfSender::new(SampleRate::NARROW);
    sender.press(digit('1'), Duration::ZERO).expect("room");
    let packets = send(&mut sender, 0, 10, FRAME);
    assert_eq!(
        packets.last().map(|(_, packet)| packet.payload),
        Some(event(1, true, 320))
    );
}

/// Hears `packets` of (timestamp, payload), 20 ms apart, and then long silence.
fn hear(packets: &[(u64, [u8; 4])]) -> Vec<DtmfEvent> {
    let mut receiver = DtmfReceiver::new(SampleRate::NARROW);
    let mut now = start();
    for (timestamp, payload) in packets {
        receiver.handle(now, SOURCE, RtpTime(*timestamp), payload);
        now += millis(20);
        receiver.handle_timeout(now);
    }
    if let Some(deadline) = receiver.deadline() {
        receiver.handle_timeout(deadline - Duration::from_nanos(1));
        assert!(receiver.deadline().is_some());
        receiver.handle_timeout(deadline);
    }
    outputs(&mut receiver)
}

#[test]
fn seven_packets_are_one_digit() {
    let packets = [
        (5_000, event(1, false, 160)),
        (5_000, event(1, false, 320)),
        (5_000, event(1, true, 480)),
        (5_000, event(1, true, 480)),
        (5_000, event(1, true, 480)),
    ];
    assert_eq!(hear(&packets), pressed('1', 480));
}

#[test]
fn a_digit_whose_start_was_lost_is_heard() {
    assert_eq!(hear(&[(5_000, event(4, true, 800))]), pressed('4', 800));
}

#[test]
fn a_digit_whose_end_was_lost_ends_by_silence() {
    let packets = [(5_000, event(4, false, 160)), (5_000, event(4, false, 320))];
    assert_eq!(hear(&packets), pressed('4', 320));
}

#[test]
fn a_digit_whose_end_was_lost_ends_when_the_next_begins() {
    let packets = [(5_000, event(4, false, 160)), (5_800, event(4, true, 400))];
    assert_eq!(
        hear(&packets),
        [pressed('4', 160), pressed('4', 400)].concat()
    );
}

#[test]
fn late_packets_of_an_ended_digit_are_no_new_one() {
    let packets = [
        (5_000, event(4, true, 400)),
        (5_000, event(4, false, 320)),
        (5_800, event(5, false, 160)),
        (5_000, event(4, true, 400)),
        (5_800, event(5, true, 320)),
    ];
    assert_eq!(
        hear(&packets),
        [pressed('4', 400), pressed('5', 320)].concat()
    );
}

#[test]
fn a_sender_that_starts_its_clock_again_is_heard() {
    let packets = [
        (1_000_000, event(4, true, 400)),
        (5_800, event(5, true, 320)),
    ];
    assert_eq!(
        hear(&packets),
        [pressed('4', 400), pressed('5', 320)].concat()
    );
}

#[test]
fn another_source_with_the_same_timestamp_is_another_press() {
    let mut receiver = DtmfReceiver::new(SampleRate::NARROW);
    receiver.handle(start(), Ssrc(1), RtpTime(5), &event(1, true, 400));
    receiver.handle(start(), Ssrc(2), RtpTime(5), &event(1, true, 400));
    assert_eq!(
        outputs(&mut receiver),
        [pressed('1', 400), pressed('1', 400)].concat()
    );
}

#[test]
fn other_events_and_short_payloads_are_passed_over() {
    assert_eq!(
        hear(&[
            (5_000, event(36, false, 160)),
            (5_000, event(255, true, 160))
        ]),
        []
    );
    let mut receiver = DtmfReceiver::new(SampleRate::NARROW);
    receiver.handle(start(), SOURCE, RtpTime(0), &[1, 2, 3]);
    receiver.handle(start(), SOURCE, RtpTime(0), &[]);
    assert_eq!(outputs(&mut receiver), []);
}

#[test]
fn garbage_neither_panics_nor_piles_up() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut receiver = DtmfReceiver::new(SampleRate::FULL);
    let mut now = start();
    for _ in 0..100_000 {
        let [code, flags, high, low] = random.next_u32().to_be_bytes();
        let timestamp = random.next_u64() >> (random.next_u32() % 64);
        receiver.handle(
            now,
            SOURCE,
            RtpTime(timestamp),
            &[code & 31, flags, high, low],
        );
        now += millis(u64::from(random.next_u32() % 300));
        receiver.handle_timeout(now);
    }
    assert_eq!(outputs(&mut receiver).len(), MAX_OUTPUTS);
}
