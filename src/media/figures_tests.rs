use super::*;
use crate::rtp::burst_gap::Stretches;
use crate::rtp::session::RemoteMetrics;
use crate::rtp::testing::start;
use crate::rtp::xr::{Share, VoipMetrics};
use crate::units::Ssrc;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A session in which nothing has happened.
fn network() -> StreamStats {
    let config = crate::rtp::Config::new(
        Ssrc(1),
        "a@b".to_owned(),
        [1; 32],
        crate::rtp::NtpTime::default(),
    );
    crate::rtp::RtpSession::new(start(), config).stats()
}

fn findings<'a>(network: &'a StreamStats, received: &'a ReceiverStats) -> Findings<'a> {
    Findings {
        network,
        received,
        codec: CodecKind::Pcma,
        ptime: Some(ms(20)),
        spoken: Some((CodecKind::Opus, ms(40))),
        buffer_longest: ms(600),
        talk: TalkLevels {
            speech_dbm0: Some(-19),
            pauses_dbm0: Some(-70),
        },
        speech: (Some(Dbov(-26.0)), None),
        local: LocalDelay {
            capture: ms(10),
            playout: ms(15),
        },
    }
}

fn says(end_system_ms: u16, echo_loss_db: Option<u8>) -> RemoteMetrics {
    RemoteMetrics {
        metrics: VoipMetrics {
            end_system_ms,
            echo_loss_db,
            loss: Share(64),
            mos_cq: Some(38),
            ..VoipMetrics::default()
        },
        at: start(),
    }
}

#[test]
fn the_whole_way_is_half_of_the_round_trip_and_of_what_both_computers_add() {
    let received = ReceiverStats {
        level: ms(50),
        target: ms(45),
        ..ReceiverStats::default()
    };
    let close = |network: &StreamStats| Interval::default().close(&findings(network, &received)).0;
    let mut network = network();
    let quality = close(&network);
    // Packets of ours 40, libopus 6.5, buffer 50, devices 10 and 15.
    assert_eq!(quality.end_system_ms, 121.5);
    assert_eq!((quality.mouth_to_ear_ms, quality.one_way_ms), (None, None));
    assert_eq!((quality.buffer_ms, quality.buffer_nominal_ms), (50.0, 45.0));
    assert_eq!(quality.buffer_max_ms, 600.0);

    network.round_trip = Some(ms(80));
    let quality = close(&network);
    assert_eq!(quality.one_way_ms, Some(40.0));
    // The far side taken to be like this one: (80 + 2 · 121.5) / 2.
    assert_eq!(quality.mouth_to_ear_ms, Some(161.5));

    network.remote_metrics = Some(says(60, None));
    // (80 + 121.5 + 60) / 2.
    assert_eq!(close(&network).mouth_to_ear_ms, Some(130.75));
    // Zero says that it does not know.
    network.remote_metrics = Some(says(0, None));
    assert_eq!(close(&network).mouth_to_ear_ms, Some(161.5));
}

#[test]
fn a_second_is_told_by_itself_and_the_report_speaks_of_the_whole_call() {
    let mut network = network();
    let mut received = ReceiverStats::default();
    let mut interval = Interval::default();
    // A first second of 50 packets: 5 lost, of which 3 repaired, 2 discarded.
    network.counts.expected = 50;
    network.counts.received = 45;
    network.burst_gap.bursts = Stretches {
        count: 2,
        packets: 10,
        missing: 6,
    };
    network.burst_gap.gaps = Stretches {
        count: 3,
        packets: 40,
        missing: 1,
    };
    network.burst_gap.discarded = 2;
    received.played = ms(1_000);
    received.concealed = ms(80);
    received.repaired = ms(60);
    received.stretched = ms(20);
    received.silence_adjusted = ms(30);
    let (first, _) = interval.close(&findings(&network, &received));
    assert_eq!((first.loss_pct, first.discard_pct), (10.0, 4.0));
    assert!((first.concealed_pct - 8.0).abs() < 1e-4);
    assert!((first.repaired_pct - 6.0).abs() < 1e-4);
    assert!((first.stretched_pct - 2.0).abs() < 1e-4);
    assert!((first.silence_adjusted_pct - 3.0).abs() < 1e-4);
    assert_eq!((first.burst_density_pct, first.burst_ms), (60.0, 100.0));
    assert_eq!(first.gap_density_pct, 2.5);
    assert!((first.gap_ms - 266.667).abs() < 0.01); // 40 packets in 3 gaps

    // A second one without any trouble but one packet left out to catch up.
    network.counts.expected = 100;
    network.counts.received = 95;
    received.played = ms(2_000);
    received.counts.skipped = 1;
    let (second, listening) = interval.close(&findings(&network, &received));
    assert_eq!((second.loss_pct, second.discard_pct), (0.0, 2.0));
    assert_eq!((second.concealed_pct, second.repaired_pct), (0.0, 0.0));
    assert_eq!(
        (second.stretched_pct, second.silence_adjusted_pct),
        (0.0, 0.0)
    );
    assert!(second.mos > first.mos + 0.5, "{first:?} {second:?}");
    assert_eq!((listening.repaired, listening.skipped), (3, 1));
    assert_eq!(
        (listening.ptime, listening.buffer_longest),
        (ms(20), ms(600))
    );
    assert_eq!(listening.signal_dbm0, Some(-19));
    // 80 ms of 2 s were made up: between the two seconds.
    assert!(listening.mos_cq > first.mos && listening.mos_cq < second.mos);
}

#[test]
fn what_the_far_side_says_is_told_and_its_echo_is_heeded() {
    let received = ReceiverStats::default();
    let mut network = network();
    network.round_trip = Some(ms(400));
    let close = |network: &StreamStats| Interval::default().close(&findings(network, &received)).0;
    network.remote_metrics = Some(says(60, Some(55)));
    let usual = close(&network);
    let told = usual.remote.expect("told");
    assert_eq!((told.loss_pct, told.mos), (25.0, Some(3.8)));
    assert_eq!((told.end_system_ms, told.r_factor), (Some(60.0), None));
    network.remote_metrics = Some(says(60, Some(25)));
    let echoing = close(&network);
    assert!(echoing.mos < usual.mos - 0.5, "{usual:?} {echoing:?}");
    assert_eq!(echoing.mos_lq, usual.mos_lq);
}

#[test]
fn loss_in_bursts_is_worse_than_as_much_at_random() {
    let received = ReceiverStats {
        played: ms(1_000),
        concealed: ms(50),
        ..ReceiverStats::default()
    };
    let mut network = network();
    network.counts.expected = 100;
    network.counts.received = 95;
    let mut random = network;
    random.bursts.count = 5;
    random.bursts.packets = 5;
    network.bursts.count = 1;
    network.bursts.packets = 5;
    let mos = |network: &StreamStats| {
        let found = findings(network, &received);
        Interval::default().close(&found).0.mos
    };
    assert!(mos(&network) < mos(&random), "{random:?}");
}

#[test]
fn opus_is_judged_by_the_rate_of_what_came() {
    let received = ReceiverStats::default();
    let mut network = network();
    let r = |network: &StreamStats| {
        let found = Findings {
            codec: CodecKind::Opus,
            ..findings(network, &received)
        };
        Interval::default().close(&found).0.r_factor
    };
    let unknown = r(&network);
    network.counts.expected = 100;
    network.counts.received = 100;
    // 100 octets in 20 ms are 40 kbit/s, 40 are 16.
    network.counts.octets = 10_000;
    assert!((r(&network) - unknown).abs() < 1e-3);
    network.counts.octets = 4_000;
    // (30.16 − 10.67) / 1.48.
    assert!((unknown - r(&network) - 13.17).abs() < 0.05);
}
