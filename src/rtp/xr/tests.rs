use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::rtcp::{Compound, Report, RtcpPacket, write_report};
use super::*;

/// A receiver report of 0x01020304 without blocks, which has to come first.
const EMPTY_RR: [u8; 8] = [0x80, 201, 0, 1, 1, 2, 3, 4];

/// A VoIP Metrics block by RFC 3611 section 4.7, every field another value.
const METRICS: [u8; 36] = [
    7,
    0,
    0,
    8, // block type, reserved, length
    0xca,
    0xfe,
    0,
    1, // source
    12,
    3,
    128,
    4, // loss, discard, burst density, gap density
    0,
    120,
    2,
    98, // burst 120 ms, gap 610 ms
    0,
    45,
    0,
    78, // round trip 45 ms, end system 78 ms
    0xec,
    0xb9,
    127,
    16, // signal −20 dBm0, noise −71 dBm0, no echo loss, Gmin 16
    85,
    127,
    41,
    38, // R 85, none beyond, LQ 4.1, CQ 3.8
    0b1011_0101,
    0, // enhanced concealment, adaptive, rate 5; reserved
    0,
    60,
    1,
    0,
    2,
    88, // nominal 60 ms, maximum 256 ms, absolute 600 ms
];

fn metrics() -> VoipMetrics {
    VoipMetrics {
        ssrc: Ssrc(0xcafe_0001),
        loss: Share(12),
        discard: Share(3),
        burst_density: Share(128),
        gap_density: Share(4),
        burst_ms: 120,
        gap_ms: 610,
        round_trip_ms: 45,
        end_system_ms: 78,
        signal_dbm0: Some(-20),
        noise_dbm0: Some(-71),
        echo_loss_db: None,
        gmin: 16,
        r_factor: Some(85),
        external_r_factor: None,
        mos_lq: Some(41),
        mos_cq: Some(38),
        concealment: Concealment::Enhanced,
        buffer: BufferKind::Adaptive(5),
        buffer_nominal_ms: 60,
        buffer_max_ms: 256,
        buffer_abs_max_ms: 600,
    }
}

/// An extended report of 0xdeadbeef with these blocks, behind the report that has to come first.
fn report_with(blocks: &[u8]) -> Vec<u8> {
    let words = u16::try_from(blocks.len() / 4 + 1).unwrap().to_be_bytes();
    let header = [0x80, 207, words[0], words[1], 0xde, 0xad, 0xbe, 0xef];
    [&EMPTY_RR[..], &header, blocks].concat()
}

fn blocks_of(datagram: &[u8]) -> Vec<XrBlock<'_>> {
    let mut found = Vec::new();
    for packet in Compound::parse(datagram).expect("sound") {
        if let Ok(RtcpPacket::ExtendedReport { ssrc, blocks }) = packet {
            assert_eq!(ssrc, Ssrc(0xdead_beef));
            found.extend(blocks);
        }
    }
    found
}

#[test]
fn voip_metrics_are_read_field_by_field() {
    let datagram = report_with(&METRICS);
    match blocks_of(&datagram).as_slice() {
        [XrBlock::VoipMetrics(read)] => assert_eq!(*read, metrics()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn voip_metrics_are_written_octet_by_octet() {
    let report = ExtendedReport {
        metrics: Some(metrics()),
        ..ExtendedReport::default()
    };
    let mut written = Vec::new();
    report.write(&mut written);
    assert_eq!(written, METRICS);
}

#[test]
fn what_is_not_known_is_127_and_what_is_out_of_range_is_ignored() {
    let mut written = Vec::new();
    VoipMetrics::default().write(&mut written);
    assert_eq!(written[16..24], [127, 127, 127, 0, 127, 127, 127, 127]);
    let mut block = METRICS;
    // R 101, R 200, LQ 9, CQ 51.
    block[24..28].copy_from_slice(&[101, 200, 9, 51]);
    let datagram = report_with(&block);
    let [XrBlock::VoipMetrics(read)] = blocks_of(&datagram)[..] else {
        panic!("no metrics");
    };
    assert_eq!((read.r_factor, read.external_r_factor), (None, None));
    assert_eq!((read.mos_lq, read.mos_cq), (None, None));
}

#[test]
fn reference_times_and_their_answers_are_read_between_unknown_blocks() {
    let mut blocks = vec![6, 0x80, 0, 2, 1, 1, 1, 1, 2, 2, 2, 2]; // a statistics summary, cut
    blocks.extend([4, 0, 0, 2, 0xb4, 0x4d, 0xb7, 5, 0x20, 0, 0, 0]);
    blocks.extend([5, 0, 0, 6]);
    blocks.extend([0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
    blocks.extend([0xca, 0xfe, 0, 1, 0xb7, 5, 0x20, 0, 0, 5, 0x40, 0]);
    blocks.extend([200, 9, 0, 0]);
    let datagram = report_with(&blocks);
    match blocks_of(&datagram).as_slice() {
        [
            XrBlock::Other { block_type: 6 },
            XrBlock::ReferenceTime(NtpTime(0xb44d_b705_2000_0000)),
            XrBlock::Dlrr(answers),
            XrBlock::Other { block_type: 200 },
        ] => {
            let answers: Vec<Dlrr> = answers.clone().collect();
            assert_eq!(answers.len(), 2);
            let ours = Dlrr {
                ssrc: Ssrc(0xcafe_0001),
                last_rr: NtpShort(0xb705_2000),
                delay: NtpShort(0x0005_4000),
            };
            assert_eq!(answers[1], ours);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_report_goes_out_between_the_name_and_the_goodbye() {
    let extended = ExtendedReport {
        reference_time: Some(NtpTime(0xb44d_b705_2000_0000)),
        dlrr: Some(Dlrr {
            ssrc: Ssrc(0xcafe_0001),
            last_rr: NtpShort(0xb705_2000),
            delay: NtpShort(0x0005_4000),
        }),
        metrics: Some(metrics()),
    };
    let mut datagram = Vec::new();
    let report = Report {
        ssrc: Ssrc(0xdead_beef),
        sender: None,
        blocks: &[],
        cname: "a@b",
        extended,
        goodbye: true,
    };
    write_report(&report, &mut datagram);
    let types: Vec<u8> = Compound::parse(&datagram)
        .expect("sound")
        .map(|packet| match packet.expect("sound") {
            RtcpPacket::ReceiverReport { .. } => 201,
            RtcpPacket::SourceDescription(_) => 202,
            RtcpPacket::ExtendedReport { .. } => 207,
            RtcpPacket::Goodbye { .. } => 203,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(types, [201, 202, 207, 203]);
    // Header and source 8, blocks 12 + 16 + 36.
    let whole = [0x80, 207, 0, 17, 0xde, 0xad, 0xbe, 0xef];
    let at = datagram.windows(8).position(|window| window == whole);
    let at = at.expect("an extended report of 18 words");
    assert_eq!(datagram[at + 36..at + 72], METRICS);
}

#[test]
fn an_extended_report_with_nothing_to_say_is_not_sent() {
    let mut datagram = Vec::new();
    let report = Report {
        ssrc: Ssrc(1),
        sender: None,
        blocks: &[],
        cname: "a@b",
        extended: ExtendedReport::default(),
        goodbye: false,
    };
    write_report(&report, &mut datagram);
    assert!(
        Compound::parse(&datagram)
            .expect("sound")
            .all(|packet| !matches!(packet, Ok(RtcpPacket::ExtendedReport { .. })))
    );
}

#[test]
fn a_block_of_a_wrong_length_is_passed_over_and_the_next_is_read() {
    let mut blocks = vec![7, 0, 0, 1, 1, 2, 3, 4]; // metrics of one word
    blocks.extend([4, 0, 0, 1, 1, 2, 3, 4]); // half a reference time
    blocks.extend([5, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]); // two thirds of an answer
    blocks.extend(METRICS);
    let datagram = report_with(&blocks);
    assert!(matches!(
        blocks_of(&datagram)[..],
        [
            XrBlock::Other { block_type: 7 },
            XrBlock::Other { block_type: 4 },
            XrBlock::Other { block_type: 5 },
            XrBlock::VoipMetrics(_),
        ]
    ));
}

#[test]
fn a_block_longer_than_its_packet_ends_the_reading() {
    let mut blocks = METRICS.to_vec();
    blocks.extend([7, 0, 0xff, 0xff, 1, 2, 3, 4]);
    let datagram = report_with(&blocks);
    assert!(matches!(
        blocks_of(&datagram)[..],
        [XrBlock::VoipMetrics(_)]
    ));
}

#[test]
fn padding_is_no_block() {
    let mut datagram = report_with(&METRICS);
    datagram.extend([0, 0, 0, 4]);
    datagram[8] |= 0x20;
    datagram[11] += 1;
    assert!(matches!(
        blocks_of(&datagram)[..],
        [XrBlock::VoipMetrics(_)]
    ));
    // Padding that is longer than the packet is a lie.
    datagram.pop();
    datagram.push(200);
    assert!(blocks_of(&datagram).is_empty());
}

#[test]
fn a_share_is_cut_to_256ths_and_stays_below_one() {
    assert_eq!(Share::of(1, 3), Share(85)); // 85.33
    assert_eq!(Share::of(7, 7), Share(255));
    assert_eq!(Share::of(0, 0), Share(0));
    assert_eq!(Share::of(u64::MAX, u64::MAX - 1), Share(255));
    assert!((Share(64).percent() - 25.0).abs() < 1e-6);
}

#[test]
fn damage_and_noise_are_read_without_harm_and_within_bounds() {
    let mut random = ChaCha8Rng::seed_from_u64(3611);
    let mut blocks = METRICS.to_vec();
    blocks.extend([5, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
    blocks.extend([4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
    let whole = report_with(&blocks);
    for round in 0..20_000 {
        let mut datagram = whole.clone();
        for _ in 0..=random.next_u32() % 6 {
            let at = random.next_u32() as usize % datagram.len();
            datagram[at] = random.next_u32() as u8;
        }
        if round % 3 == 0 {
            datagram.truncate(random.next_u32() as usize % (datagram.len() + 1));
        }
        let Ok(compound) = Compound::parse(&datagram) else {
            continue;
        };
        let mut read = 0;
        for packet in compound.flatten() {
            if let RtcpPacket::ExtendedReport { blocks, .. } = packet {
                for block in blocks {
                    read += 1;
                    if let XrBlock::Dlrr(answers) = block {
                        read += answers.count();
                    }
                }
            }
        }
        // Each block takes four octets at least.
        assert!(read <= datagram.len() / 4, "{datagram:?}");
    }
}
