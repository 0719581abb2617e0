//! What 20 ms of sound cost on the media thread.
#![expect(clippy::unwrap_used, reason = "a bench may fail")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ramal::codec::{CodecKind, Decoder, Encoder, MAX_PACKET_SAMPLES, MAX_PAYLOAD};
use ramal::dsp::resample::Resampler;
use ramal::jitter::receiver::MAX_PULL_SAMPLES;
use ramal::jitter::{Receiver, ReceiverConfig, RtpMeta};
use ramal::units::{PayloadType, RtpTime, SampleRate, SeqNo, Ssrc};

const PTIME: Duration = Duration::from_millis(20);

/// Vowel-like sound: harmonics of 140 Hz, swelling.
fn sound(rate: SampleRate, samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|n| {
            let t = n as f32 / rate.hz() as f32;
            let swell = 0.5 + 0.5 * (t * 20.0).sin();
            (1..6)
                .map(|h| (t * 880.0 * h as f32).sin() * 0.1 * swell)
                .sum()
        })
        .collect()
}

fn codecs(criterion: &mut Criterion) {
    for kind in CodecKind::ALL {
        let frames = sound(kind.sound_rate(), kind.frame_samples(PTIME) * 50);
        let mut encoder = Encoder::new(kind).unwrap();
        let mut payload = [0; MAX_PAYLOAD];
        let mut next = frames.chunks_exact(kind.frame_samples(PTIME)).cycle();
        criterion.bench_function(&format!("encode 20 ms {kind:?}"), |bench| {
            bench.iter(|| encoder.encode(next.next().unwrap(), &mut payload).unwrap());
        });
        let packets: Vec<Vec<u8>> = frames
            .chunks_exact(kind.frame_samples(PTIME))
            .map(|frame| {
                let bytes = encoder.encode(frame, &mut payload).unwrap();
                payload[..bytes].to_vec()
            })
            .collect();
        let mut decoder = Decoder::new(kind).unwrap();
        let mut out = [0.0; MAX_PACKET_SAMPLES];
        let mut next = packets.iter().cycle();
        criterion.bench_function(&format!("decode 20 ms {kind:?}"), |bench| {
            bench.iter(|| decoder.decode(next.next().unwrap(), &mut out).unwrap());
        });
        criterion.bench_function(&format!("conceal 20 ms {kind:?}"), |bench| {
            bench.iter(|| {
                decoder.decode(&packets[7], &mut out).unwrap();
                decoder.conceal(&mut out[..kind.frame_samples(PTIME)]);
            });
        });
        if kind != CodecKind::Opus {
            criterion.bench_function(
                &format!("conceal 20 ms towards the next {kind:?}"),
                |bench| {
                    bench.iter(|| {
                        decoder.decode(&packets[7], &mut out).unwrap();
                        let gap = &mut out[..kind.frame_samples(PTIME)];
                        decoder.conceal_towards(gap, &packets[9]);
                    });
                },
            );
        }
    }
}

/// A stream into a receiver, packet by packet, on a clock turned by hand.
struct Stream {
    kind: CodecKind,
    receiver: Receiver,
    packets: Vec<Vec<u8>>,
    number: PayloadType,
    seq: u64,
    now: Instant,
    out: [f32; MAX_PULL_SAMPLES],
}

impl Stream {
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do as the beginning of time"
    )]
    fn new(kind: CodecKind) -> Stream {
        let number = PayloadType::new(96).unwrap();
        let config = ReceiverConfig {
            accepted: vec![(number, kind)],
            ..Default::default()
        };
        let mut encoder = Encoder::new(kind).unwrap();
        let mut payload = [0; MAX_PAYLOAD];
        let frame = kind.frame_samples(PTIME);
        let packets = sound(kind.sound_rate(), frame * 50)
            .chunks_exact(frame)
            .map(|frame| {
                let bytes = encoder.encode(frame, &mut payload).unwrap();
                payload[..bytes].to_vec()
            })
            .collect();
        let mut stream = Stream {
            kind,
            receiver: Receiver::new(&config).unwrap(),
            packets,
            number,
            seq: 0,
            now: Instant::now(),
            out: [0.0; MAX_PULL_SAMPLES],
        };
        // Beyond the beginning, at which sound waits.
        for _ in 0..50 {
            stream.insert();
            stream.pull();
            stream.pull();
        }
        stream
    }

    fn insert(&mut self) {
        let meta = RtpMeta {
            ssrc: Ssrc(1),
            seq: SeqNo(self.seq),
            time: RtpTime(self.seq * self.kind.frame_ticks(PTIME) as u64),
            marker: false,
            payload_type: self.number,
        };
        let payload = &self.packets[self.seq as usize % self.packets.len()];
        self.receiver.insert(&meta, payload, self.now);
        self.seq += 1;
    }

    fn pull(&mut self) {
        self.now += PTIME / 2;
        black_box(self.receiver.pull(self.now, &mut self.out));
    }
}

/// How long all of `work` took, and each at the worst, told at the end.
#[derive(Default)]
struct Watch {
    all: Duration,
    worst: Vec<Duration>,
}

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "a stopwatch")]
    fn time(&mut self, work: impl FnOnce()) {
        let begun = Instant::now();
        work();
        let took = begun.elapsed();
        self.all += took;
        self.worst.push(took);
    }

    /// The one in a thousand that is worse, and the worst of all. The system interrupts some of
    /// them: the first of the two is the receiver's own.
    #[expect(clippy::print_stdout, reason = "figures are what a bench is for")]
    fn tell(mut self, what: &str) {
        self.worst.sort_unstable();
        let count = self.worst.len();
        if let (Some(usual), Some(most)) = (self.worst.get(count * 999 / 1_000), self.worst.last())
        {
            println!("{what}: {count} times, 99.9 % within {usual:.1?}, at the worst {most:.1?}");
        }
    }
}

fn receiving(criterion: &mut Criterion) {
    for kind in CodecKind::ALL {
        let mut stream = Stream::new(kind);
        criterion.bench_function(&format!("insert a packet {kind:?}"), |bench| {
            bench.iter_custom(|times| {
                let mut watch = Watch::default();
                for _ in 0..times {
                    watch.time(|| stream.insert());
                    stream.pull();
                    stream.pull();
                }
                watch.all
            });
        });
        let mut stream = Stream::new(kind);
        criterion.bench_function(&format!("pull 10 ms, decoder included {kind:?}"), |bench| {
            bench.iter_custom(|times| {
                let mut watch = Watch::default();
                for pull in 0..times {
                    if pull % 2 == 0 {
                        stream.insert();
                    }
                    watch.time(|| stream.pull());
                }
                watch.all
            });
        });
        // A minute and a half; every tenth packet is lost in the second.
        for (lossy, what) in [(false, "pull 10 ms"), (true, "pull 10 ms with losses")] {
            let (mut stream, mut watch) = (Stream::new(kind), Watch::default());
            for pull in 0..9_000 {
                match (pull % 2, lossy && pull % 20 == 8) {
                    (0, false) => stream.insert(),
                    (0, true) => stream.seq += 1,
                    _ => {}
                }
                watch.time(|| stream.pull());
            }
            watch.tell(&format!("{what}, decoder included, {kind:?}"));
        }
    }
}

fn resampling(criterion: &mut Criterion) {
    for (from, to) in [
        (SampleRate::NARROW, SampleRate::FULL),
        (SampleRate::FULL, SampleRate::NARROW),
    ] {
        let mut resampler = Resampler::new(from, to).unwrap();
        let block = sound(from, resampler.input_len());
        let mut out = vec![0.0; resampler.output_max()];
        criterion.bench_function(&format!("resample 10 ms {from} to {to}"), |bench| {
            bench.iter(|| resampler.process(black_box(&block), &mut out));
        });
    }
}

criterion_group!(benches, codecs, receiving, resampling);
criterion_main!(benches);
