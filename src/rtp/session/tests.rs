use rand_chacha::ChaCha8Rng;

use super::super::rtcp::ReportBlock;
use super::super::testing::start;
use super::super::xr::{BufferKind, Dlrr, ExtendedReport, GMIN, Share, VoipMetrics, XrBlock};
use super::*;
use crate::rtp::NtpTime;
use crate::rtp::header::RtpError;
use crate::units::SeqNo;

const HERE: Ssrc = Ssrc(0x4845_5245);
const THERE: Ssrc = Ssrc(0x5448_4552);
/// 1 January 2026, as NTP counts.
const WALL: NtpTime = NtpTime(0xed01_2880_0000_0000);

fn number(number: u8) -> PayloadType {
    PayloadType::new(number).expect("seven bits")
}

fn addr(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn formats() -> Vec<PayloadFormat> {
    let format = |payload_type, clock, kind| PayloadFormat {
        payload_type: number(payload_type),
        clock,
        kind,
    };
    vec![
        format(0, SampleRate::NARROW, PayloadKind::Sound),
        format(13, SampleRate::NARROW, PayloadKind::ComfortNoise),
        format(96, SampleRate::FULL, PayloadKind::Sound),
        format(101, SampleRate::NARROW, PayloadKind::Event),
    ]
}

fn config(ssrc: Ssrc, remote: Option<SocketAddr>) -> Config {
    let mut config = Config::new(ssrc, "c2f0a1".to_owned(), [ssrc.0 as u8; 32], WALL);
    config.formats = formats();
    config.remote_rtp = remote;
    config
}

/// A far party made by hand, so that nothing is expected of the code by its own word.
struct Far {
    ssrc: Ssrc,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
}

impl Far {
    fn new() -> Far {
        Far {
            ssrc: THERE,
            payload_type: 0,
            sequence: 65_530,
            timestamp: 4_294_966_000,
        }
    }

    fn packet(&mut self) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        let mut packet = vec![0x80, self.payload_type];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(self.ssrc.0.to_be_bytes());
        packet.extend([0xff; 160]);
        packet
    }
}

struct World {
    session: RtpSession,
    now: Instant,
    far: Far,
    out: Vec<u8>,
}

impl World {
    fn new() -> World {
        World::with(config(HERE, Some(addr(1, 4_000))))
    }

    fn with(config: Config) -> World {
        let now = start();
        World {
            session: RtpSession::new(now, config),
            now,
            far: Far::new(),
            out: Vec::new(),
        }
    }

    /// The far party's next packet, 20 ms later, from `from`.
    fn hear_from(&mut self, from: SocketAddr) -> Result<(SeqNo, Arrival, bool), Ignored> {
        self.now += millis(20);
        let packet = self.far.packet();
        let received = self.session.handle_rtp(self.now, &packet, from)?;
        Ok((received.seq, received.arrival, received.new_source))
    }

    fn hear(&mut self) -> Result<(SeqNo, Arrival, bool), Ignored> {
        self.hear_from(addr(1, 4_000))
    }

    fn send(&mut self, payload_type: u8, time: u64) -> Result<SocketAddr, SendError> {
        let payload = [0x55; 160];
        let payload_type = number(payload_type);
        self.session.send(
            self.now,
            payload_type,
            false,
            RtpTime(time),
            &payload,
            &mut self.out,
        )
    }

    /// The packet sent last: sequence, timestamp, marker.
    fn sent(&self) -> (u16, u32, bool) {
        let packet = RtpPacket::parse(&self.out).expect("what we send is RTP");
        (packet.sequence, packet.timestamp, packet.marker)
    }

    fn report(&mut self, report: &Report<'_>) -> Result<(), Ignored> {
        let mut datagram = Vec::new();
        write_report(report, &mut datagram);
        self.session
            .handle_rtcp(self.now, &datagram, addr(1, 4_001))
    }

    fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Output::Event(event) = self.session.poll_output(&mut self.out) {
            events.push(event);
        }
        events
    }

    /// Turns the clock from deadline to deadline until a report is written.
    fn next_report(&mut self) -> SocketAddr {
        for _ in 0..20 {
            match self.session.poll_output(&mut self.out) {
                Output::Rtcp { to } => return to,
                Output::Event(_) => {}
                Output::Wait(due) => {
                    self.now = self.now.max(due.expect("a timer runs"));
                    self.session.handle_timeout(self.now);
                }
            }
        }
        panic!("no report")
    }

    /// The blocks of the report in `out`, and its sender part.
    fn written(&self) -> (Option<SenderInfo>, Vec<ReportBlock>) {
        let first = Compound::parse(&self.out).expect("sound").next();
        match first.expect("a packet").expect("readable") {
            RtcpPacket::SenderReport {
                ssrc,
                sender,
                blocks,
            } => {
                assert_eq!(ssrc, HERE);
                (Some(sender), blocks.collect())
            }
            RtcpPacket::ReceiverReport { ssrc, blocks } => {
                assert_eq!(ssrc, HERE);
                (None, blocks.collect())
            }
            other => panic!("{other:?} is no report"),
        }
    }
}

fn empty_report(ssrc: Ssrc, blocks: &[ReportBlock]) -> Report<'_> {
    Report {
        ssrc,
        sender: None,
        blocks,
        cname: "far",
        extended: ExtendedReport::default(),
        goodbye: false,
    }
}

fn block_about(ssrc: Ssrc) -> ReportBlock {
    ReportBlock {
        ssrc,
        fraction_lost: 64,
        cumulative_lost: 5,
        highest: 20,
        jitter: 80,
        lsr: super::super::ntp::NtpShort(0),
        dlsr: super::super::ntp::NtpShort(0),
    }
}

// ---- sending ----------------------------------------------------------------------------------

#[test]
fn packets_go_out_in_sequence_with_the_callers_time_and_a_first_marker() {
    let mut world = World::new();
    assert_eq!(world.send(0, 1_000), Ok(addr(1, 4_000)));
    let (sequence, timestamp, marker) = world.sent();
    assert!(marker);
    world.now += millis(20);
    world.send(0, 1_160).expect("sent");
    let next = (sequence.wrapping_add(1), timestamp.wrapping_add(160), false);
    assert_eq!(world.sent(), next);
    let stats = world.session.stats();
    assert_eq!((stats.packets_sent, stats.octets_sent), (2, 320));
}

#[test]
fn sequence_and_timestamp_start_where_the_seed_says_and_nowhere_else() {
    let first = |seed: u8| {
        let mut config = config(HERE, Some(addr(1, 4_000)));
        config.seed = [seed; 32];
        let mut world = World::with(config);
        world.send(0, 0).expect("sent");
        let (sequence, timestamp, _) = world.sent();
        (sequence, timestamp)
    };
    assert_eq!(first(1), first(1));
    assert_ne!(first(1).0, first(2).0);
    assert_ne!(first(1).1, first(2).1);
}

#[test]
fn the_sequence_number_wraps() {
    let mut world = World::new();
    let mut numbers = Vec::new();
    for frame in 0..70_000 {
        world.send(0, frame * 160).expect("sent");
        numbers.push(world.sent().0);
    }
    assert!(
        numbers
            .windows(2)
            .all(|pair| pair[1] == pair[0].wrapping_add(1))
    );
    assert!(numbers.contains(&65_535) && numbers.contains(&0));
}

#[test]
fn what_cannot_be_sent_uses_up_no_number() {
    let mut world = World::with(config(HERE, None));
    assert_eq!(world.send(0, 0), Err(SendError::NoDestination));
    assert_eq!(
        world.send(9, 0),
        Err(SendError::UnknownPayloadType(number(9)))
    );
    world
        .session
        .set_remote(world.now, Some(addr(1, 4_000)), None, false);
    world.send(0, 0).expect("sent");
    let (first, _, marker) = world.sent();
    assert!(marker);
    assert_eq!(
        world.send(9, 0),
        Err(SendError::UnknownPayloadType(number(9)))
    );
    world.send(0, 160).expect("sent");
    assert_eq!(world.sent().0, first.wrapping_add(1));
}

#[test]
fn a_payload_type_of_another_clock_goes_on_from_the_time_passed() {
    let mut world = World::new();
    world.send(0, 8_000).expect("sent");
    let (_, before, _) = world.sent();
    world.now += millis(20);
    world.send(96, 123_456).expect("sent");
    // 20 ms are 160 ticks of the clock that ran until then.
    assert_eq!(world.sent().1, before.wrapping_add(160));
    world.now += millis(20);
    world.send(96, 123_456 + 960).expect("sent");
    assert_eq!(world.sent().1, before.wrapping_add(160 + 960));
}

#[test]
fn the_packets_of_an_event_share_their_timestamp_whatever_its_clock() {
    let mut world = World::new();
    world.send(96, 0).expect("sent");
    let mut timestamps = Vec::new();
    for _ in 0..5 {
        world.now += millis(20);
        world.send(101, 77).expect("sent");
        timestamps.push(world.sent().1);
    }
    timestamps.dedup();
    assert_eq!(timestamps.len(), 1);
}

// ---- receiving --------------------------------------------------------------------------------

#[test]
fn a_stream_is_heard_from_its_first_packet_through_both_wraps() {
    let mut world = World::new();
    assert_eq!(world.hear(), Ok((SeqNo(0x1_fffb), Arrival::InOrder, true)));
    for _ in 0..4 {
        world.hear().expect("heard");
    }
    assert_eq!(world.hear(), Ok((SeqNo(0x2_0000), Arrival::InOrder, false)));
    let expected = [
        Event::RemoteAddress {
            from: None,
            to: addr(1, 4_000),
        },
        Event::Source {
            from: None,
            to: THERE,
        },
    ];
    assert_eq!(world.events(), expected);
    let stats = world.session.stats();
    assert_eq!(
        (
            stats.counts.received,
            stats.counts.lost(),
            stats.jitter_ticks
        ),
        (6, 0, 0)
    );
    assert_eq!(stats.last_packet, Some(world.now));
    assert_eq!(stats.remote_ssrc, Some(THERE));
}

#[test]
fn media_time_grows_through_the_wrap() {
    let mut world = World::new();
    let mut times = Vec::new();
    for _ in 0..20 {
        world.now += millis(20);
        let packet = world.far.packet();
        let received = world.session.handle_rtp(world.now, &packet, addr(1, 4_000));
        times.push(received.expect("heard").time.0);
    }
    assert!(
        times.windows(2).all(|pair| pair[1] == pair[0] + 160),
        "{times:?}"
    );
}

#[test]
fn the_stream_behind_a_nat_is_answered_where_it_comes_from() {
    let mut world = World::with(config(HERE, Some(addr(200, 4_000))));
    assert_eq!(world.hear(), Err(Ignored::UnprovenAddress));
    assert_eq!(world.send(0, 0), Ok(addr(200, 4_000)));
    world.hear().expect("the second in a row");
    assert_eq!(world.send(0, 160), Ok(addr(1, 4_000)));
    assert_eq!(world.session.stats().ignored.foreign, 1);
}

#[test]
fn a_payload_type_not_negotiated_proves_nothing() {
    let mut world = World::with(config(HERE, None));
    world.far.payload_type = 18;
    for _ in 0..10 {
        assert_eq!(world.hear(), Err(Ignored::UnknownPayloadType(number(18))));
    }
    assert_eq!(world.session.stats().remote, None);
    assert_eq!(world.session.stats().ignored.payload_type, 10);
}

#[test]
fn a_stranger_is_neither_heard_nor_answered() {
    let mut world = World::new();
    world.hear().expect("heard");
    let mut stranger = Far {
        ssrc: Ssrc(666),
        ..Far::new()
    };
    for frame in 0..100 {
        world.hear().expect("heard");
        let packet = stranger.packet();
        let verdict = world
            .session
            .handle_rtp(world.now, &packet, addr(66, 4_000));
        assert_eq!(verdict, Err(Ignored::UnprovenAddress));
        assert_eq!(world.send(0, frame * 160), Ok(addr(1, 4_000)));
    }
    let stats = world.session.stats();
    assert_eq!((stats.ignored.foreign, stats.counts.received), (100, 101));
    assert_eq!(stats.remote_ssrc, Some(THERE));
}

#[test]
fn a_stream_that_moves_is_followed_without_loss_of_its_numbers() {
    let mut world = World::new();
    for _ in 0..10 {
        world.hear().expect("heard");
    }
    world.events();
    let refused = (0..100)
        .take_while(|_| world.hear_from(addr(1, 9_000)).is_err())
        .count();
    assert_eq!(refused, 24);
    let moved = Event::RemoteAddress {
        from: Some(addr(1, 4_000)),
        to: addr(1, 9_000),
    };
    assert_eq!(world.events(), [moved]);
    let stats = world.session.stats();
    assert_eq!((stats.counts.expected, stats.counts.received), (35, 11));
    assert_eq!(stats.remote, Some(addr(1, 9_000)));
}

#[test]
fn another_source_is_adopted_at_its_second_packet_and_counted_anew() {
    let mut world = World::new();
    for _ in 0..5 {
        world.hear().expect("heard");
    }
    world.events();
    world.far = Far {
        ssrc: Ssrc(7),
        sequence: 99,
        timestamp: 0,
        payload_type: 0,
    };
    assert_eq!(world.hear(), Err(Ignored::UnprovenSource));
    assert_eq!(
        world.hear(),
        Ok((SeqNo(0x1_0000 + 101), Arrival::InOrder, true))
    );
    assert_eq!(
        world.events(),
        [Event::Source {
            from: Some(THERE),
            to: Ssrc(7)
        }]
    );
    let stats = world.session.stats();
    assert_eq!((stats.counts.received, stats.counts.lost()), (6, 0));
    assert_eq!(stats.remote_ssrc, Some(Ssrc(7)));
    // The counts of all sources before are kept.
    world.far.ssrc = Ssrc(8);
    assert_eq!(world.hear(), Err(Ignored::UnprovenSource));
    world.hear().expect("adopted");
    assert_eq!(world.session.stats().counts.received, 7);
}

#[test]
fn two_sources_at_once_do_not_flap() {
    let mut world = World::new();
    world.hear().expect("heard");
    world.events();
    let mut other = Far {
        ssrc: Ssrc(7),
        ..Far::new()
    };
    for _ in 0..50 {
        let packet = other.packet();
        let verdict = world.session.handle_rtp(world.now, &packet, addr(1, 4_000));
        assert_eq!(verdict, Err(Ignored::UnprovenSource));
        world.hear().expect("heard");
    }
    assert_eq!(world.events(), []);
}

#[test]
fn a_sender_that_starts_again_is_heard_from_its_second_packet() {
    let mut world = World::new();
    world.hear().expect("heard");
    world.far.sequence = 20_000;
    world.far.timestamp = 77;
    assert_eq!(world.hear(), Err(Ignored::UnprovenSource));
    let (_, arrival, new_source) = world.hear().expect("heard");
    assert_eq!((arrival, new_source), (Arrival::Restart, false));
    let stats = world.session.stats();
    assert_eq!(
        (
            stats.counts.lost(),
            stats.jitter_ticks,
            stats.ignored.unproven
        ),
        (0, 0, 1)
    );
}

#[test]
fn a_duplicate_is_told_and_counted_once() {
    let mut world = World::new();
    world.hear().expect("heard");
    let packet = world.far.packet();
    world
        .session
        .handle_rtp(world.now, &packet, addr(1, 4_000))
        .expect("heard");
    let again = world
        .session
        .handle_rtp(world.now, &packet, addr(1, 4_000))
        .expect("told");
    assert_eq!(again.arrival, Arrival::Duplicate);
    let counts = world.session.stats().counts;
    assert_eq!((counts.received, counts.duplicates), (2, 1));
}

#[test]
fn events_have_a_timeline_of_their_own_and_make_no_jitter() {
    let mut world = World::new();
    for _ in 0..5 {
        world.hear().expect("heard");
    }
    // An event whose timestamps stand still and lie half a turn away, as some phones send them.
    let mut event = Far {
        sequence: world.far.sequence,
        payload_type: 101,
        ..Far::new()
    };
    let mut times = Vec::new();
    for _ in 0..10 {
        world.now += millis(20);
        event.timestamp = 1 << 31;
        let packet = event.packet();
        let received = world.session.handle_rtp(world.now, &packet, addr(1, 4_000));
        times.push(received.expect("heard").time);
    }
    times.dedup();
    assert_eq!(times.len(), 1);
    world.far.sequence = event.sequence;
    world.far.timestamp = world.far.timestamp.wrapping_add(1_600);
    world.hear().expect("heard");
    assert_eq!(world.session.stats().jitter_ticks, 0);
}

#[test]
fn a_reflector_is_heard_and_told() {
    let mut world = World::new();
    world.far.ssrc = HERE;
    world.hear().expect("heard");
    world.hear().expect("heard");
    let told = world
        .events()
        .into_iter()
        .filter(|event| *event == Event::OwnSsrcHeard)
        .count();
    assert_eq!(told, 1);
}

#[test]
fn garbage_is_counted_and_changes_nothing() {
    let mut world = World::new();
    world.hear().expect("heard");
    let mut random = ChaCha8Rng::seed_from_u64(99);
    for _ in 0..50_000 {
        let mut datagram = [0; 80];
        random.fill_bytes(&mut datagram);
        let len = random.next_u32() as usize % 81;
        if random.next_u32() % 2 == 0 {
            datagram[0] = 0x80;
        }
        // From a stranger's host, so that nothing of it may be believed.
        let _ = world
            .session
            .handle_muxed(world.now, &datagram[..len], addr(66, 4_000));
        let _ = world
            .session
            .handle_rtcp(world.now, &datagram[..len], addr(66, 4_001));
    }
    let stats = world.session.stats();
    assert_eq!(
        (stats.counts.received, stats.remote),
        (1, Some(addr(1, 4_000)))
    );
    assert!(stats.ignored.garbage > 10_000);
    assert_eq!(world.hear().map(|heard| heard.1), Ok(Arrival::InOrder));
}

#[test]
fn garbage_from_the_right_address_panics_nothing_either() {
    let mut world = World::new();
    let mut random = ChaCha8Rng::seed_from_u64(100);
    for _ in 0..100_000 {
        let mut datagram = [0; 80];
        random.fill_bytes(&mut datagram);
        datagram[0] = 0x80;
        datagram[1] = [0, 13, 96, 101, 200, 201][random.next_u32() as usize % 6];
        if datagram[1] >= 200 {
            datagram[2..4].copy_from_slice(&[0, 19]);
            datagram[0] |= (random.next_u32() % 3) as u8;
        }
        datagram[8..12].copy_from_slice(&(random.next_u32() % 3).to_be_bytes());
        world.now += millis(u64::from(random.next_u32() % 40));
        let _ = world
            .session
            .handle_muxed(world.now, &datagram, addr(1, 4_000));
        world.session.handle_timeout(world.now);
        let _ = world.session.poll_output(&mut world.out);
        let _ = world.session.stats();
    }
    assert!(world.session.stats().counts.received > 1_000);
}

#[test]
fn what_is_no_rtp_says_so() {
    let mut world = World::new();
    let verdict = world
        .session
        .handle_rtp(world.now, &[0x80; 5], addr(1, 4_000));
    assert_eq!(
        verdict,
        Err(Ignored::Rtp(RtpError::Truncated {
            expected: 12,
            actual: 5
        }))
    );
    let verdict = world
        .session
        .handle_muxed(world.now, &[0, 1, 0, 0], addr(1, 4_000));
    assert_eq!(verdict, Err(Ignored::Other(Muxed::Stun)));
}

// ---- reports ----------------------------------------------------------------------------------

#[test]
fn a_listener_reports_loss_jitter_and_delay_since_the_last_sender_report() {
    let mut world = World::new();
    for _ in 0..8 {
        world.hear().expect("heard");
    }
    world.far.sequence = world.far.sequence.wrapping_add(2);
    world.far.timestamp = world.far.timestamp.wrapping_add(320);
    world.now += millis(40);
    world.hear().expect("heard");
    let far_wall = NtpTime(0xb44d_b705_2000_0000);
    let sender = SenderInfo {
        ntp: far_wall,
        rtp_timestamp: 0,
        packets: 9,
        octets: 1_440,
    };
    let report = Report {
        sender: Some(sender),
        ..empty_report(THERE, &[])
    };
    let heard_at = world.now;
    world.report(&report).expect("believed");

    assert_eq!(world.next_report(), addr(1, 4_001));
    let (sender, blocks) = world.written();
    assert_eq!(sender, None);
    let [block] = blocks[..] else {
        panic!("{blocks:?}")
    };
    assert_eq!(
        (block.ssrc, block.fraction_lost, block.cumulative_lost),
        (THERE, 46, 2)
    ); // 2/11
    assert_eq!((block.highest, block.jitter), (0x1_0005, 0));
    assert_eq!(block.lsr.0, 0xb705_2000);
    let delay = (world.now - heard_at).as_secs_f64() * 65_536.0;
    assert!((f64::from(block.dlsr.0) - delay).abs() <= 1.0);

    // Nothing heard since: the next report has no block.
    world.next_report();
    assert_eq!(world.written().1, []);
}

#[test]
fn a_sender_reports_what_it_sent_and_when() {
    let mut world = World::new();
    let began = world.now;
    world.send(0, 0).expect("sent");
    let (_, timestamp, _) = world.sent();
    world.send(0, 160).expect("sent");
    world.next_report();
    let (sender, _) = world.written();
    let sender = sender.expect("a sender report");
    assert_eq!((sender.packets, sender.octets), (2, 320));
    let passed = world.now - began;
    assert_eq!(sender.ntp, WALL.plus(passed));
    // Both packets were sent at once, so the later one is 160 ticks ahead of the clock.
    let ticks = 160 + SampleRate::NARROW.samples_in(passed) as u32;
    assert_eq!(sender.rtp_timestamp, timestamp.wrapping_add(ticks));
    // Two reports after the last packet we are a sender no longer.
    world.next_report();
    assert!(world.written().0.is_some());
    world.next_report();
    assert!(world.written().0.is_none());
}

#[test]
fn a_report_in_the_middle_of_an_event_reckons_from_its_start() {
    let mut world = World::new();
    world.next_report();
    let began = world.now;
    for _ in 0..5 {
        world.send(101, 77).expect("sent");
        world.now += millis(20);
    }
    let (_, timestamp, _) = world.sent();
    world.next_report();
    let sender = world.written().0.expect("a sender report");
    let ticks = SampleRate::NARROW.samples_in(world.now - began) as u32;
    assert_eq!(sender.rtp_timestamp, timestamp.wrapping_add(ticks));
}

#[test]
fn reports_come_every_few_seconds_and_a_second_one_never_at_once() {
    let mut world = World::new();
    world.send(0, 0).expect("sent");
    let began = world.now;
    world.next_report();
    let first = world.now - began;
    assert!(first > millis(1_000) && first < millis(3_100), "{first:?}");
    for _ in 0..20 {
        let before = world.now;
        world.next_report();
        let gap = world.now - before;
        assert!(gap > millis(2_000) && gap < millis(6_200), "{gap:?}");
    }
}

#[test]
fn the_round_trip_is_known_from_our_report_and_its_echo() {
    let mut world = World::new();
    world.hear().expect("heard");
    world.send(0, 0).expect("sent");
    world.next_report();
    let sent = world.written().0.expect("a sender report").ntp;
    // 35 ms out, 250 ms at the far side, 35 ms back.
    world.now += millis(320);
    let block = ReportBlock {
        lsr: sent.middle(),
        dlsr: super::super::ntp::NtpShort(16_384),
        ..block_about(HERE)
    };
    world.events();
    world
        .report(&empty_report(THERE, &[block]))
        .expect("believed");
    let Some(Event::RoundTrip(trip)) = world.events().pop() else {
        panic!("no round trip")
    };
    assert!(
        trip.abs_diff(millis(70)) < Duration::from_micros(50),
        "{trip:?}"
    );
    let stats = world.session.stats();
    assert_eq!(stats.round_trip, Some(trip));
    let view = stats.remote_view.expect("a view");
    assert!((view.loss - 0.25).abs() < 1e-9);
    assert_eq!((view.lost, view.jitter), (5, millis(10)));
    assert_eq!(stats.last_report, Some(world.now));
}

#[test]
fn reports_about_others_and_from_elsewhere_are_not_ours() {
    let mut world = World::new();
    world
        .report(&empty_report(THERE, &[block_about(Ssrc(3))]))
        .expect("believed");
    assert_eq!(world.session.stats().remote_view, None);
    let mut datagram = Vec::new();
    write_report(&empty_report(THERE, &[block_about(HERE)]), &mut datagram);
    let verdict = world
        .session
        .handle_rtcp(world.now, &datagram, addr(66, 4_001));
    assert_eq!(verdict, Err(Ignored::ForeignHost));
    assert_eq!(world.session.stats().remote_view, None);
}

#[test]
fn our_own_report_thrown_back_is_not_the_remote_view() {
    let mut world = World::new();
    world
        .report(&empty_report(HERE, &[block_about(HERE)]))
        .expect("believed");
    assert_eq!(world.session.stats().remote_view, None);
}

#[test]
fn reports_go_to_the_signalled_then_to_the_heard_address() {
    let mut with_rtcp = config(HERE, Some(addr(1, 4_000)));
    with_rtcp.remote_rtcp = Some(addr(1, 5_555));
    let mut world = World::with(with_rtcp);
    assert_eq!(world.next_report(), addr(1, 5_555));
    let mut datagram = Vec::new();
    write_report(&empty_report(THERE, &[]), &mut datagram);
    world
        .session
        .handle_rtcp(world.now, &datagram, addr(1, 6_666))
        .expect("believed");
    assert_eq!(world.next_report(), addr(1, 6_666));
}

#[test]
fn reports_go_where_a_new_offer_says_and_not_where_the_old_ones_came_from() {
    let mut with_rtcp = config(HERE, Some(addr(1, 4_000)));
    with_rtcp.remote_rtcp = Some(addr(1, 5_555));
    let mut world = World::with(with_rtcp);
    let mut datagram = Vec::new();
    write_report(&empty_report(THERE, &[]), &mut datagram);
    world
        .session
        .handle_rtcp(world.now, &datagram, addr(1, 6_666))
        .expect("believed");
    let rtp = Some(addr(1, 4_000));
    world
        .session
        .set_remote(world.now, rtp, Some(addr(1, 5_555)), false);
    assert_eq!(world.next_report(), addr(1, 6_666), "the same again");
    world
        .session
        .set_remote(world.now, rtp, Some(addr(1, 7_777)), false);
    assert_eq!(world.next_report(), addr(1, 7_777));
}

#[test]
fn reports_follow_a_stream_that_moves_to_another_host() {
    let mut with_rtcp = config(HERE, Some(addr(1, 4_000)));
    with_rtcp.remote_rtcp = Some(addr(1, 5_555));
    let mut world = World::with(with_rtcp);
    world.hear().expect("heard");
    let mut datagram = Vec::new();
    write_report(&empty_report(THERE, &[]), &mut datagram);
    world
        .session
        .handle_rtcp(world.now, &datagram, addr(1, 6_666))
        .expect("believed");
    while world.hear_from(addr(2, 7_000)).is_err() {}
    assert_eq!(world.next_report(), addr(2, 7_001));
}

#[test]
fn reports_share_the_port_when_both_sides_agreed() {
    let mut muxed = config(HERE, Some(addr(1, 4_000)));
    muxed.rtcp_mux = true;
    let mut world = World::with(muxed);
    assert_eq!(world.next_report(), addr(1, 4_000));
    let mut datagram = Vec::new();
    write_report(&empty_report(THERE, &[]), &mut datagram);
    assert_eq!(
        world
            .session
            .handle_muxed(world.now, &datagram, addr(1, 4_000)),
        Ok(None)
    );
}

#[test]
fn no_address_no_report_and_no_spinning() {
    let mut world = World::with(config(HERE, None));
    for _ in 0..10 {
        let Output::Wait(Some(due)) = world.session.poll_output(&mut world.out) else {
            panic!("something was sent to nobody")
        };
        assert!(due > world.now);
        world.now = due;
        world.session.handle_timeout(due);
    }
}

// ---- the end ----------------------------------------------------------------------------------

#[test]
fn a_session_that_sent_says_goodbye_once() {
    let mut world = World::new();
    world.send(0, 0).expect("sent");
    world.session.close(world.now);
    world.session.close(world.now);
    let to = world.session.poll_output(&mut world.out);
    assert_eq!(to, Output::Rtcp { to: addr(1, 4_001) });
    let last = Compound::parse(&world.out).expect("sound").last();
    let Some(Ok(RtcpPacket::Goodbye { sources, .. })) = last else {
        panic!("no BYE")
    };
    assert_eq!(sources.collect::<Vec<_>>(), [HERE]);
    assert_eq!(
        world.session.poll_output(&mut world.out),
        Output::Wait(None)
    );
    assert_eq!(world.send(0, 160), Err(SendError::Closed));
    assert_eq!(world.hear(), Err(Ignored::Closed));
}

#[test]
fn a_session_that_sent_nothing_leaves_without_a_word() {
    let mut world = World::new();
    world.session.close(world.now);
    assert_eq!(
        world.session.poll_output(&mut world.out),
        Output::Wait(None)
    );
}

#[test]
fn the_remote_goodbye_is_told() {
    let mut world = World::new();
    world.hear().expect("heard");
    world.events();
    world
        .report(&Report {
            goodbye: true,
            ..empty_report(Ssrc(3), &[])
        })
        .expect("believed");
    assert_eq!(world.events(), []);
    world
        .report(&Report {
            goodbye: true,
            ..empty_report(THERE, &[])
        })
        .expect("believed");
    assert_eq!(world.events(), [Event::RemoteLeft]);
}

#[test]
fn unpolled_events_do_not_pile_up() {
    let mut world = World::new();
    world.hear().expect("heard");
    for ssrc in 0..200 {
        world.far.ssrc = Ssrc(ssrc);
        let _ = world.hear();
        let _ = world.hear();
    }
    assert_eq!(world.events().len(), MAX_EVENTS);
}

/// The blocks of the extended report in `out`.
fn extended(out: &[u8]) -> ExtendedReport {
    let mut found = ExtendedReport::default();
    for packet in Compound::parse(out).expect("sound").flatten() {
        if let RtcpPacket::ExtendedReport { ssrc, blocks } = packet {
            assert_eq!(ssrc, HERE);
            for block in blocks {
                match block {
                    XrBlock::ReferenceTime(time) => found.reference_time = Some(time),
                    XrBlock::Dlrr(answers) => found.dlrr = answers.last(),
                    XrBlock::VoipMetrics(metrics) => found.metrics = Some(metrics),
                    XrBlock::Other { .. } => {}
                }
            }
        }
    }
    found
}

const ALL: XrTerms = XrTerms {
    voip_metrics: true,
    reference_times: Some(Answerers::All),
};

#[test]
fn nothing_extended_goes_to_whom_did_not_ask() {
    let mut world = World::new();
    world.hear().expect("heard");
    let asking = ExtendedReport {
        reference_time: Some(WALL),
        ..ExtendedReport::default()
    };
    world
        .report(&Report {
            extended: asking,
            ..empty_report(THERE, &[])
        })
        .expect("believed");
    world.next_report();
    assert!(extended(&world.out).is_empty());
}

#[test]
fn who_only_listens_learns_the_round_trip_by_reference_times() {
    let mut world = World::new();
    world.session.set_extended_reports(ALL);
    world.hear().expect("heard");
    world.next_report();
    let told = extended(&world.out).reference_time.expect("our time");
    // 120 ms there and back, of which the far side kept it for 40.
    world.now += millis(120);
    let answer = Dlrr {
        ssrc: HERE,
        last_rr: told.middle(),
        delay: NtpShort::from_span(millis(40)),
    };
    let strangers = Dlrr {
        ssrc: Ssrc(9),
        ..answer
    };
    for dlrr in [strangers, answer] {
        let extended = ExtendedReport {
            dlrr: Some(dlrr),
            ..ExtendedReport::default()
        };
        let before = world.session.stats().round_trip;
        assert_eq!(before, None);
        world
            .report(&Report {
                extended,
                ..empty_report(THERE, &[])
            })
            .expect("believed");
    }
    let trip = world.session.stats().round_trip.expect("measured");
    assert!(trip.abs_diff(millis(80)) < millis(1), "{trip:?}");
}

#[test]
fn who_sends_needs_no_reference_time_of_its_own_and_answers_the_other() {
    let mut world = World::new();
    world.session.set_extended_reports(XrTerms {
        voip_metrics: false,
        reference_times: Some(Answerers::Senders),
    });
    world.hear().expect("heard");
    let asking = Report {
        extended: ExtendedReport {
            reference_time: Some(NtpTime(0xb44d_b705_2000_0000)),
            ..ExtendedReport::default()
        },
        ..empty_report(THERE, &[])
    };
    world.report(&asking).expect("believed");
    let heard_at = world.now;
    // Not a sender yet: the agreement is that senders answer.
    world.next_report();
    assert_eq!(extended(&world.out).dlrr, None);
    assert!(extended(&world.out).reference_time.is_some());
    world.send(0, 0).expect("sent");
    world.next_report();
    let said = extended(&world.out);
    assert_eq!((said.reference_time, said.metrics), (None, None));
    let dlrr = said.dlrr.expect("an answer");
    assert_eq!((dlrr.ssrc, dlrr.last_rr), (THERE, NtpShort(0xb705_2000)));
    assert_eq!(dlrr.delay, NtpShort::from_span(world.now - heard_at));
}

#[test]
fn voip_metrics_say_what_was_lost_repaired_and_discarded() {
    let mut world = World::new();
    world.session.set_extended_reports(ALL);
    world.session.set_listening(Listening {
        ptime: millis(20),
        repaired: 1,
        skipped: 2,
        end_system: millis(78),
        r_factor: 84.6,
        mos_lq: 4.12,
        mos_cq: 3.78,
        buffer_nominal: millis(60),
        buffer_longest: millis(600),
        ..Listening::default()
    });
    // 64 packets: the 31st to 33rd are lost, the 34th is too late.
    for packet in 1..=64 {
        if (31..=33).contains(&packet) {
            world.far.packet();
            continue;
        }
        let (seq, ..) = world.hear().expect("heard");
        if packet == 34 {
            world.session.discard(seq);
        }
    }
    world.next_report();
    let metrics = extended(&world.out).metrics.expect("metrics");
    let expected = VoipMetrics {
        ssrc: THERE,
        loss: Share(8),            // two of 64, the third was repaired
        discard: Share(12),        // three of 64
        burst_density: Share(255), // four of four
        burst_ms: 80,
        gap_ms: 600, // 30 packets before, 30 behind
        end_system_ms: 78,
        gmin: GMIN,
        r_factor: Some(85),
        mos_lq: Some(41),
        mos_cq: Some(38),
        buffer: BufferKind::Adaptive(0),
        buffer_nominal_ms: 60,
        buffer_max_ms: 600,
        buffer_abs_max_ms: 600,
        ..VoipMetrics::default()
    };
    assert_eq!(metrics, expected);
}

#[test]
fn what_the_far_side_hears_of_us_is_kept_and_what_it_hears_of_others_is_not() {
    let mut world = World::new();
    world.hear().expect("heard");
    let about = |ssrc| VoipMetrics {
        ssrc,
        mos_cq: Some(31),
        ..VoipMetrics::default()
    };
    for (reporter, subject) in [(THERE, Ssrc(9)), (HERE, HERE), (THERE, HERE)] {
        assert_eq!(world.session.stats().remote_metrics, None);
        let extended = ExtendedReport {
            metrics: Some(about(subject)),
            ..ExtendedReport::default()
        };
        world
            .report(&Report {
                extended,
                ..empty_report(reporter, &[])
            })
            .expect("believed");
    }
    let kept = world.session.stats().remote_metrics.expect("kept");
    assert_eq!((kept.metrics, kept.at), (about(HERE), world.now));
}
