use std::collections::VecDeque;

use super::*;
use crate::codec::testing::{snr_db, speech};
use crate::codec::{Encoder, MAX_PAYLOAD};

/// A sender, a network and a receiver on a turned clock.
struct Line {
    receiver: Receiver,
    encoder: Encoder,
    number: PayloadType,
    ptime: Duration,
    now: Instant,
    /// Next packet to send.
    seq: u64,
    time: u64,
    /// RTP time of a packet, and when it began to be spoken.
    first_time: u64,
    first_spoken: Instant,
    /// Under way: arrival and packet.
    wire: VecDeque<(Instant, RtpMeta, Vec<u8>)>,
    heard: Vec<f32>,
    sounds: Vec<Sound>,
}

fn number(kind: CodecKind) -> PayloadType {
    kind.static_payload_type()
        .unwrap_or(PayloadType::new(96).unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do as the beginning of time"
)]
fn beginning() -> Instant {
    Instant::now()
}

impl Line {
    fn new(kind: CodecKind, ptime_ms: u64) -> Line {
        let start = beginning();
        let mut accepted = CodecKind::ALL.map(|kind| (number(kind), kind)).to_vec();
        accepted.sort_by_key(|(_, accepted)| *accepted != kind);
        let config = ReceiverConfig {
            accepted,
            ..ReceiverConfig::default()
        };
        Line {
            receiver: Receiver::new(&config).unwrap(),
            encoder: Encoder::new(kind).unwrap(),
            number: number(kind),
            ptime: Duration::from_millis(ptime_ms),
            now: start,
            seq: 70_000,
            time: 123_456,
            first_time: 123_456,
            first_spoken: start,
            wire: VecDeque::new(),
            heard: Vec::new(),
            sounds: Vec::new(),
        }
    }

    fn meta(&self) -> RtpMeta {
        RtpMeta {
            ssrc: Ssrc(1),
            seq: SeqNo(self.seq),
            time: RtpTime(self.time),
            marker: false,
            payload_type: self.number,
        }
    }

    /// Sends `sound`, each packet when its last sample is spoken; `delay` says how long each
    /// takes, by its count, `None` that it is lost.
    fn send(&mut self, sound: &[f32], delay: impl Fn(u64) -> Option<Duration>) {
        let kind = self.encoder.kind();
        let mut spoken = self.sent_until();
        for (count, frame) in (0..).zip(sound.chunks_exact(kind.frame_samples(self.ptime))) {
            let mut payload = vec![0; MAX_PAYLOAD];
            let bytes = self.encoder.encode(frame, &mut payload).unwrap();
            payload.truncate(bytes);
            spoken += self.ptime;
            if let Some(delay) = delay(count) {
                self.wire.push_back((spoken + delay, self.meta(), payload));
            }
            self.seq += 1;
            self.time += kind.frame_ticks(self.ptime) as u64;
        }
        self.wire
            .make_contiguous()
            .sort_by_key(|(arrival, _, _)| *arrival);
    }

    /// When the packet before the next was spoken.
    fn sent_until(&self) -> Instant {
        let clock = self.encoder.kind().rtp_clock();
        self.first_spoken + clock.duration_of(self.time - self.first_time)
    }

    /// Turns the clock; 10 ms are pulled each 10 ms.
    fn run(&mut self, span: Duration) {
        for _ in 0..span.as_millis() / 10 {
            self.now += PULL;
            while self
                .wire
                .front()
                .is_some_and(|(arrival, _, _)| *arrival <= self.now)
            {
                let Some((arrival, meta, payload)) = self.wire.pop_front() else {
                    break;
                };
                self.receiver.insert(&meta, &payload, arrival);
            }
            let mut out = [0.0; MAX_PULL_SAMPLES];
            let info = self.receiver.pull(self.now, &mut out);
            assert_eq!(info.samples, info.rate.samples_in(PULL));
            self.heard.extend_from_slice(&out[..info.samples]);
            self.sounds.push(info.sound);
        }
    }

    fn count(&self, sound: Sound) -> usize {
        self.sounds.iter().filter(|s| **s == sound).count()
    }

    /// Changes codec in mid-stream: the sequence goes on, another clock starts elsewhere.
    fn switch_to(&mut self, kind: CodecKind) {
        let spoken = self.sent_until();
        // With the same clock RTP time goes on too (RFC 3550 section 5.2).
        if kind.rtp_clock() != self.encoder.kind().rtp_clock() {
            self.time += 7_000_000;
        }
        self.encoder = Encoder::new(kind).unwrap();
        self.number = number(kind);
        self.first_time = self.time;
        self.first_spoken = spoken;
    }

    /// The sender says nothing for so long, and its clock goes on.
    fn pause(&mut self, span: Duration) {
        self.time += self.encoder.kind().rtp_clock().samples_in(span) as u64;
    }

    /// Sends something that is not of the codec, without taking time.
    fn send_other(&mut self, number: u8, payload: &[u8], delay: Duration) {
        let meta = RtpMeta {
            payload_type: PayloadType::new(number).unwrap(),
            ..self.meta()
        };
        self.wire
            .push_back((self.sent_until() + delay, meta, payload.to_vec()));
        self.seq += 1;
    }

    /// The same ten seconds over and over, encoded once.
    fn send_again_and_again(&mut self, sound: &[f32], times: u64, delay: impl Fn(u64) -> Duration) {
        let already = self.wire.len();
        self.send(sound, |_| Some(Duration::ZERO));
        let once: Vec<_> = self.wire.split_off(already).into();
        let ticks = once.len() as u64 * self.encoder.kind().frame_ticks(self.ptime) as u64;
        for round in 0..times {
            for (index, (arrival, meta, payload)) in (0..).zip(&once) {
                let count = round * once.len() as u64 + index;
                let meta = RtpMeta {
                    seq: SeqNo(meta.seq.0 + round * once.len() as u64),
                    time: RtpTime(meta.time.0 + round * ticks),
                    ..*meta
                };
                let later = self.ptime * u32::try_from(round * once.len() as u64).unwrap();
                self.wire
                    .push_back((*arrival + later + delay(count), meta, payload.clone()));
            }
        }
        self.seq += (times - 1) * once.len() as u64;
        self.time += (times - 1) * ticks;
        self.wire
            .make_contiguous()
            .sort_by_key(|(arrival, _, _)| *arrival);
    }
}

const MS: Duration = Duration::from_millis(1);

/// A number without pattern from 0 to `below`.
fn scattered(count: u64, below: u64) -> u64 {
    let mixed = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32)
        & (0xffff_ffff % below.max(1))
}

#[test]
fn ten_minutes_on_a_clean_path_are_neither_concealed_nor_stretched() {
    for (kind, ptime) in [
        (CodecKind::Opus, 20),
        (CodecKind::G722, 20),
        (CodecKind::Pcma, 30),
    ] {
        let mut line = Line::new(kind, ptime);
        let sound = speech(kind.sound_rate());
        line.send_again_and_again(&sound, 60, |count| {
            50 * MS + Duration::from_micros(count * 137 % 900)
        });
        line.run(Duration::from_secs(600));
        let stats = line.receiver.stats();
        println!("{kind:?}: {stats:?}");
        assert_eq!(stats.concealed, Duration::ZERO, "{kind:?}");
        assert_eq!(stats.stretched, Duration::ZERO, "{kind:?}");
        assert_eq!(
            line.count(Sound::Concealed) + line.count(Sound::Repaired),
            0
        );
        assert_eq!(stats.counts.lost + stats.counts.late, 0);
        assert!(
            stats.silence_adjusted <= 30 * MS,
            "{:?}",
            stats.silence_adjusted
        );
        assert!(
            stats.level <= Duration::from_millis(ptime + 15),
            "{:?}",
            stats.level
        );
        assert!(stats.counts.received > 500 * 1_000 / ptime);
    }
}

#[test]
fn what_is_heard_on_a_clean_path_is_what_was_sent() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    let sound = speech(SampleRate::NARROW);
    line.send(&sound[..16_000], |_| Some(30 * MS));
    line.run(Duration::from_millis(2_100));
    let delay = line
        .sounds
        .iter()
        .position(|s| *s == Sound::Decoded)
        .unwrap()
        * 80;
    // 20 ms until the first packet is spoken, 30 on the way, 40 in the buffer; the first pull
    // is at 10 ms.
    assert_eq!(delay, 80 * 8);
    let heard = &line.heard[delay..delay + 8_000];
    let snr = snr_db(&sound[..8_000], heard);
    assert!(snr > 30.0, "{snr}");
}

#[test]
fn packets_of_any_length_come_out_in_tens_of_milliseconds() {
    for (kind, ptimes) in [
        (CodecKind::Opus, &[10, 20, 40, 60, 120][..]),
        (CodecKind::Pcmu, &[10, 20, 30, 60, 100][..]),
    ] {
        for ptime in ptimes {
            let mut line = Line::new(kind, *ptime);
            line.send(&speech(kind.sound_rate()), |_| Some(20 * MS));
            line.run(Duration::from_secs(9));
            let stats = line.receiver.stats();
            assert_eq!(
                stats.concealed,
                Duration::ZERO,
                "{kind:?} {ptime}: {stats:?}"
            );
            let silent = line.count(Sound::Silence) as u64 * 10;
            assert!(silent <= 60 + 2 * ptime, "{kind:?} {ptime}: {silent} ms");
        }
    }
}

#[test]
fn a_lost_packet_is_concealed_once_and_exactly() {
    for kind in [CodecKind::G722, CodecKind::Pcma] {
        let mut line = Line::new(kind, 20);
        line.send(&speech(kind.sound_rate()), |count| {
            (count % 50 != 20).then_some(30 * MS)
        });
        line.run(Duration::from_secs(10));
        let stats = line.receiver.stats();
        assert_eq!(stats.counts.lost, 10, "{kind:?}");
        assert_eq!(stats.concealed, 10 * 20 * MS, "{kind:?}");
        assert_eq!(stats.counts.late, 0);
        assert_eq!(stats.stretched, Duration::ZERO, "{kind:?}");
    }
}

#[test]
fn lost_opus_packets_are_repaired_from_the_next_one() {
    let mut line = Line::new(CodecKind::Opus, 20);
    let opus = line.encoder.as_opus().unwrap();
    opus.set_expected_loss(20).unwrap();
    opus.set_bitrate(32_000).unwrap();
    line.send(&speech(SampleRate::FULL), |count| {
        (count % 10 != 7).then_some(30 * MS)
    });
    line.run(Duration::from_millis(10_080));
    let stats = line.receiver.stats();
    println!("{stats:?}");
    assert_eq!(stats.counts.lost, 50);
    // In pauses the next packet carries no copy.
    assert!(stats.repaired >= 600 * MS, "{:?}", stats.repaired);
    assert!(stats.repaired + stats.concealed <= 1_000 * MS);
}

#[test]
fn a_late_packet_is_counted_once_and_as_no_loss() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    // One packet 200 ms late, in two copies.
    line.send(&speech(SampleRate::NARROW)[..32_000], |count| {
        Some(if count == 80 { 230 * MS } else { 30 * MS })
    });
    let late = line
        .wire
        .iter()
        .find(|(_, meta, _)| meta.seq.0 == 70_080)
        .cloned()
        .unwrap();
    line.wire.push_back((late.0 + 5 * MS, late.1, late.2));
    line.wire
        .make_contiguous()
        .sort_by_key(|(arrival, _, _)| *arrival);
    line.run(Duration::from_secs(4));
    let counts = line.receiver.stats().counts;
    assert_eq!((counts.late, counts.lost, counts.duplicates), (1, 0, 1));
    assert_eq!(line.receiver.stats().concealed, 20 * MS);
}

#[test]
fn duplicates_and_reordering_are_not_heard() {
    let mut line = Line::new(CodecKind::Pcma, 10);
    let sound = speech(SampleRate::NARROW);
    line.send(&sound[..32_000], |count| {
        Some(if count % 7 == 3 { 45 * MS } else { 30 * MS })
    });
    for (arrival, meta, payload) in line.wire.clone() {
        line.wire.push_back((arrival + MS, meta, payload));
    }
    line.wire
        .make_contiguous()
        .sort_by_key(|(arrival, _, _)| *arrival);
    line.run(Duration::from_millis(4_050));
    let stats = line.receiver.stats();
    assert_eq!(stats.counts.duplicates, 400);
    assert!(stats.counts.reordered >= 50, "{stats:?}");
    assert_eq!(stats.concealed, Duration::ZERO, "{stats:?}");
}

#[test]
fn jitter_of_sixty_milliseconds_is_learned() {
    let mut line = Line::new(CodecKind::Opus, 20);
    let sound = speech(SampleRate::FULL);
    line.send_again_and_again(&sound, 6, |count| {
        40 * MS + MS * scattered(count, 61) as u32
    });
    line.run(Duration::from_secs(5));
    let before = line.receiver.stats();
    line.run(Duration::from_secs(55));
    let stats = line.receiver.stats();
    println!("{stats:?}");
    assert!(
        (50 * MS..=75 * MS).contains(&stats.target),
        "{:?}",
        stats.target
    );
    assert!(stats.level < 110 * MS, "{:?}", stats.level);
    let guessed = stats.concealed - before.concealed;
    assert!(guessed < 500 * MS, "{guessed:?} of 55 s concealed");
    assert!(
        stats.stretched < 1_500 * MS,
        "{:?} stretched",
        stats.stretched
    );
}

#[test]
fn a_stall_of_the_network_is_caught_up_with() {
    let mut line = Line::new(CodecKind::Opus, 20);
    // Packets of 300 ms arrive at once, at the end of them. This voice hardly ever pauses.
    let sound = speech(SampleRate::FULL);
    line.send(&[&sound[..], &sound[..]].concat(), |count| {
        let waits = if (150..165).contains(&count) {
            (165 - count) * 20
        } else {
            0
        };
        Some(40 * MS + MS * waits as u32)
    });
    line.run(Duration::from_millis(3_500));
    let after = line.receiver.stats();
    assert!(
        after.level > 200 * MS,
        "{:?}: speech was thrown away",
        after.level
    );
    assert_eq!(after.counts.lost, 0);
    line.run(Duration::from_millis(6_500));
    let stats = line.receiver.stats();
    assert!(stats.level <= stats.target + 110 * MS, "{stats:?}");
    line.run(Duration::from_millis(6_000));
    let stats = line.receiver.stats();
    assert!(stats.level <= stats.target + 35 * MS, "{stats:?}");
    assert_eq!(stats.counts.skipped + stats.counts.lost, 0);
}

/// The delay is less than it should be, and a voice that does not pause is not made longer for so
/// little; but when it stops for want of a packet, it stops for long enough.
#[test]
fn what_stops_does_not_stop_twice() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    let vowel: Vec<f32> = (0..16_000)
        .map(|n| 0.3 * (n as f32 * 0.13).sin() + 0.1 * (n as f32 * 0.39).sin())
        .collect();
    line.send(&vowel, |count| {
        let late = match count {
            0..5 => 0,
            35..39 => 85 - 20 * (count - 35),
            _ => [0, 34, 17][(count % 3) as usize],
        };
        Some(30 * MS + MS * late as u32)
    });
    line.run(Duration::from_millis(740));
    let before = line.receiver.stats();
    assert_eq!(before.concealed, Duration::ZERO);
    assert!(before.level + 15 * MS < before.target, "{before:?}");
    line.run(Duration::from_millis(200));
    let after = line.receiver.stats();
    assert!(after.concealed >= 20 * MS, "{after:?}");
    assert!(after.level + 6 * MS >= after.target, "{after:?}");
    assert_eq!(after.counts.late + after.counts.lost, 0);
}

#[test]
fn after_a_long_stall_packets_are_left_out() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    line.send(&speech(SampleRate::NARROW), |count| {
        let waits = if (150..195).contains(&count) {
            (195 - count) * 20
        } else {
            0
        };
        Some(40 * MS + MS * waits as u32)
    });
    line.run(Duration::from_millis(9_900));
    let stats = line.receiver.stats();
    println!("{stats:?}");
    assert!(stats.counts.skipped > 10, "{stats:?}");
    assert!(stats.level < 450 * MS, "{stats:?}");
}

#[test]
fn another_codec_in_mid_stream_is_followed() {
    let mut line = Line::new(CodecKind::Opus, 20);
    for kind in [
        CodecKind::Pcma,
        CodecKind::G722,
        CodecKind::Pcmu,
        CodecKind::Opus,
    ] {
        let rate = line.encoder.kind().sound_rate();
        let second = speech(rate)[rate.hz() as usize..2 * rate.hz() as usize].to_vec();
        line.send(&second, |_| Some(30 * MS));
        line.run(Duration::from_secs(1));
        assert_eq!(line.receiver.codec(), line.encoder.kind());
        line.switch_to(kind);
    }
    let stats = line.receiver.stats();
    assert_eq!(
        (stats.counts.lost, stats.counts.unexpected, stats.malformed),
        (0, 0, 0)
    );
    assert!(stats.concealed <= 60 * MS, "{stats:?}");
}

#[test]
fn a_pause_the_sender_announces_is_filled_with_its_noise() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    let sound = speech(SampleRate::NARROW);
    line.send(&sound[..16_000], |_| Some(30 * MS));
    line.send_other(13, &[50], 30 * MS);
    line.pause(3_000 * MS);
    line.send(&sound[16_000..32_000], |_| Some(30 * MS));
    line.run(Duration::from_secs(4));
    // In the middle of the pause: noise at −50 dBov, which is an RMS of −50 dB (RFC 3389 section 3.1).
    let middle = &line.heard[3 * 8_000..4 * 8_000];
    let power = middle.iter().map(|s| s * s).sum::<f32>() / 8_000.0;
    assert!(
        (10.0 * power.log10() + 50.0).abs() < 1.5,
        "{}",
        10.0 * power.log10()
    );
    line.run(Duration::from_millis(2_900));
    let stats = line.receiver.stats();
    assert_eq!((stats.counts.lost, stats.concealed), (0, Duration::ZERO));
    assert!(
        line.count(Sound::Noise) >= 295,
        "{}",
        line.count(Sound::Noise)
    );
}

#[test]
fn a_pause_the_sender_does_not_announce_is_no_loss() {
    let mut line = Line::new(CodecKind::Pcmu, 20);
    let sound = speech(SampleRate::NARROW);
    for pause in [300, 1_000, 5_000] {
        line.send(&sound[..16_000], |_| Some(30 * MS));
        line.pause(MS * pause);
    }
    line.run(Duration::from_secs(12));
    let stats = line.receiver.stats();
    assert_eq!(
        (stats.counts.lost, stats.concealed),
        (0, Duration::ZERO),
        "{stats:?}"
    );
    assert_eq!(stats.counts.received, 300);
}

#[test]
fn opus_that_leaves_out_pauses_is_not_taken_for_loss() {
    let mut line = Line::new(CodecKind::Opus, 20);
    line.encoder.as_opus().unwrap().set_dtx(true).unwrap();
    let mut sound = speech(SampleRate::FULL)[..96_000].to_vec();
    sound.extend(vec![0.0; 96_000]);
    sound.extend_from_slice(&speech(SampleRate::FULL)[..96_000]);
    line.send(&sound, |_| Some(30 * MS));
    // A sender with DTX does not send what holds nothing, and counts its packets without it.
    let all = std::mem::take(&mut line.wire);
    let mut missing = 0;
    for (arrival, mut meta, payload) in all {
        if opus::is_dtx(&payload) && meta.seq.0 % 20 != 0 {
            missing += 1;
        } else {
            meta.seq.0 -= missing;
            line.wire.push_back((arrival, meta, payload));
        }
    }
    assert!(missing > 50);
    line.run(Duration::from_secs(6));
    let stats = line.receiver.stats();
    assert_eq!(
        (stats.counts.lost, stats.concealed),
        (0, Duration::ZERO),
        "{stats:?}"
    );
    assert!(line.count(Sound::Noise) > 60);
}

#[test]
fn telephone_events_between_sound_are_no_loss() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    let sound = speech(SampleRate::NARROW);
    line.send(&sound[..8_000], |_| Some(30 * MS));
    for _ in 0..8 {
        line.send_other(101, &[1, 10, 0, 160], 30 * MS);
    }
    line.pause(160 * MS);
    line.send(&sound[8_000..16_000], |_| Some(30 * MS));
    line.run(Duration::from_millis(2_100));
    let stats = line.receiver.stats();
    assert_eq!(
        (stats.counts.lost, stats.concealed),
        (0, Duration::ZERO),
        "{stats:?}"
    );
}

#[test]
fn another_sender_or_another_clock_starts_again() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    let sound = speech(SampleRate::NARROW);
    line.send(&sound[..8_000], |_| Some(30 * MS));
    line.run(Duration::from_secs(1));
    // The same sender with its clock set anew: the first packet is doubted, the second believed.
    line.first_time += 1 << 33;
    line.time += 1 << 33;
    line.send(&sound[8_000..16_000], |_| Some(30 * MS));
    line.run(Duration::from_secs(1));
    let counts = line.receiver.stats().counts;
    assert_eq!((counts.unexpected, counts.restarts), (1, 1));
    // Another sender, whose numbers are lower.
    line.seq = 5;
    let already = line.wire.len();
    line.send(&sound[16_000..24_000], |_| Some(30 * MS));
    for (_, meta, _) in line.wire.iter_mut().skip(already) {
        meta.ssrc = Ssrc(2);
    }
    line.run(Duration::from_secs(1));
    let stats = line.receiver.stats();
    assert_eq!(
        (stats.counts.unexpected, stats.counts.lost),
        (1, 0),
        "{stats:?}"
    );
    assert!(
        line.sounds[205..298]
            .iter()
            .filter(|s| **s == Sound::Decoded)
            .count()
            > 85
    );
}

#[test]
fn a_single_stray_packet_changes_nothing() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    line.send(&speech(SampleRate::NARROW)[..24_000], |_| Some(30 * MS));
    let (arrival, meta, payload) = line.wire[60].clone();
    for (seq, time) in [
        (9_000_000, meta.time.0),
        (meta.seq.0 + 1, meta.time.0 + (1 << 40)),
        (3, 0),
    ] {
        let stray = RtpMeta {
            seq: SeqNo(seq),
            time: RtpTime(time),
            ..meta
        };
        line.wire.push_back((arrival + MS, stray, payload.clone()));
    }
    line.wire
        .make_contiguous()
        .sort_by_key(|(arrival, _, _)| *arrival);
    line.run(Duration::from_secs(3));
    let stats = line.receiver.stats();
    assert_eq!(stats.counts.unexpected, 3, "{stats:?}");
    assert_eq!(
        (stats.counts.restarts, stats.concealed),
        (0, Duration::ZERO),
        "{stats:?}"
    );
}

#[test]
fn a_card_that_pulls_in_bursts_hears_all_of_it() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    line.send(&speech(SampleRate::NARROW), |_| Some(30 * MS));
    let mut out = [0.0; MAX_PULL_SAMPLES];
    let mut sounds = Vec::new();
    for _ in 0..225 {
        line.now += 40 * MS;
        while line
            .wire
            .front()
            .is_some_and(|(arrival, _, _)| *arrival <= line.now)
        {
            let (arrival, meta, payload) = line.wire.pop_front().unwrap();
            line.receiver.insert(&meta, &payload, arrival);
        }
        for _ in 0..4 {
            sounds.push(line.receiver.pull(line.now, &mut out).sound);
        }
    }
    let stats = line.receiver.stats();
    println!("{stats:?}");
    assert!(stats.concealed <= 40 * MS, "{stats:?}");
    assert!(
        sounds
            .iter()
            .skip(200)
            .all(|sound| *sound == Sound::Decoded)
    );
}

/// Whatever numbers, times, types and bytes come: no panic, no growth, and 10 ms for each pull.
#[test]
fn hostile_packets_leave_it_working() {
    let mut line = Line::new(CodecKind::Opus, 20);
    let mut out = [0.0; MAX_PULL_SAMPLES];
    for round in 0..60_000_u64 {
        line.now += MS * scattered(round, 30) as u32;
        let near = scattered(round + 1, 8) != 0;
        let meta = RtpMeta {
            ssrc: Ssrc(u32::from(scattered(round + 2, 500) == 0)),
            seq: SeqNo(if near {
                1_000 + round
            } else {
                scattered(round + 3, u64::MAX) << 20
            }),
            time: RtpTime(if near {
                round * 960
            } else {
                u64::MAX - scattered(round + 4, 1 << 40)
            }),
            marker: false,
            payload_type: PayloadType::new(
                [96, 9, 8, 0, 13, 101][scattered(round + 5, 6) as usize],
            )
            .unwrap(),
        };
        let payload: Vec<u8> = (0..scattered(round + 6, 300))
            .map(|n| scattered(round * 331 + n, 256) as u8)
            .collect();
        line.receiver.insert(&meta, &payload, line.now);
        let info = line.receiver.pull(line.now, &mut out);
        assert!(
            out[..info.samples]
                .iter()
                .all(|s| s.is_finite() && s.abs() <= 1.0)
        );
    }
    // And then an honest call.
    line.seq = 1 << 50;
    line.first_spoken = line.now;
    line.first_time = line.time;
    line.send(&speech(SampleRate::FULL)[..192_000], |_| Some(30 * MS));
    line.sounds.clear();
    line.run(Duration::from_millis(3_900));
    let decoded = line.count(Sound::Decoded);
    assert!(decoded > 370, "{decoded} of 390");
}

#[path = "receiver_repair_tests.rs"]
mod repair;

#[path = "receiver_pause_tests.rs"]
mod pause;

#[path = "receiver_drift_tests.rs"]
mod drift;
