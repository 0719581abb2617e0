use super::*;
use crate::codec::testing::{snr_db, speech};
use crate::codec::{Encoder, MAX_PAYLOAD};

/// A sender, a network and a receiver on a turned clock.
struct Line {
    receiver: Receiver,
    encoder: Encoder,
    number: PayloadType,
    ptime: Duration,
    start: Instant,
    now: Instant,
    /// Next packet to send.
    seq: u64,
    time: u64,
    /// Under way: arrival and packet.
    wire: Vec<(Instant, RtpMeta, Vec<u8>)>,
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
            start,
            now: start,
            seq: 70_000,
            time: 123_456,
            wire: Vec::new(),
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
                self.wire.push((spoken + delay, self.meta(), payload));
            }
            self.seq += 1;
            self.time += kind.frame_ticks(self.ptime) as u64;
        }
        self.wire.sort_by_key(|(arrival, _, _)| *arrival);
    }

    /// When the packet before the next was spoken.
    fn sent_until(&self) -> Instant {
        let clock = self.encoder.kind().rtp_clock();
        self.start + clock.duration_of(self.time - 123_456)
    }

    /// Turns the clock; 10 ms are pulled each 10 ms.
    fn run(&mut self, span: Duration) {
        for _ in 0..span.as_millis() / 10 {
            self.now += PULL;
            while self
                .wire
                .first()
                .is_some_and(|(arrival, _, _)| *arrival <= self.now)
            {
                let (arrival, meta, payload) = self.wire.remove(0);
                self.receiver.insert(&meta, &payload, arrival);
            }
            let mut out = [0.0; MAX_PULL_SAMPLES];
            let info = self.receiver.pull(self.now, &mut out);
            assert_eq!(info.samples, info.rate.samples_in(PULL));
            self.heard.extend_from_slice(&out[..info.samples]);
            self.sounds.push(info.sound);
        }
    }
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn ten_minutes_on_a_clean_path_are_neither_concealed_nor_stretched() {
    for kind in [CodecKind::Opus, CodecKind::G722, CodecKind::Pcma] {
        let mut line = Line::new(kind, 20);
        let sound = speech(kind.sound_rate());
        for _ in 0..60 {
            line.send(&sound, |count| {
                Some(50 * MS + Duration::from_micros(count * 137 % 900))
            });
            line.run(Duration::from_secs(10));
        }
        let stats = line.receiver.stats();
        println!("{kind:?}: {stats:?}");
        assert_eq!(stats.concealed, Duration::ZERO, "{kind:?}");
        assert_eq!(stats.stretched, Duration::ZERO, "{kind:?}");
        assert_eq!(stats.counts.lost + stats.counts.late, 0);
        assert!(
            stats.silence_adjusted <= 30 * MS,
            "{:?}",
            stats.silence_adjusted
        );
        assert!(stats.level <= 31 * MS, "{:?}", stats.level);
        assert!(stats.counts.received > 29_000);
    }
}

#[test]
fn what_is_heard_on_a_clean_path_is_what_was_sent() {
    let mut line = Line::new(CodecKind::Pcma, 20);
    let sound = speech(SampleRate::NARROW);
    line.send(&sound[..16_000], |_| Some(30 * MS));
    line.run(Duration::from_millis(2_100));
    let first = line.heard.iter().position(|s| *s != 0.0).unwrap();
    let delay = line
        .sounds
        .iter()
        .position(|s| *s == Sound::Decoded)
        .unwrap()
        * 80;
    assert!(first >= delay);
    // 20 ms until the first packet is spoken, 30 on the way, 40 in the buffer.
    assert!((80 * 8..=100 * 8).contains(&delay), "{delay}");
    let heard = &line.heard[delay..delay + 8_000];
    let snr = snr_db(&sound[..8_000], heard);
    assert!(snr > 30.0, "{snr}");
}
