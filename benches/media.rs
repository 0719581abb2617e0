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

#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do as the beginning of time"
)]
fn receiving(criterion: &mut Criterion) {
    for kind in [CodecKind::Opus, CodecKind::Pcma] {
        let number = PayloadType::new(96).unwrap();
        let config = ReceiverConfig {
            accepted: vec![(number, kind)],
            ..Default::default()
        };
        let mut receiver = Receiver::new(&config).unwrap();
        let mut encoder = Encoder::new(kind).unwrap();
        let mut payload = [0; MAX_PAYLOAD];
        let frame = sound(kind.sound_rate(), kind.frame_samples(PTIME));
        let bytes = encoder.encode(&frame, &mut payload).unwrap();
        let (mut now, mut seq) = (Instant::now(), 0);
        let mut out = [0.0; MAX_PULL_SAMPLES];
        criterion.bench_function(&format!("insert one, pull two {kind:?}"), |bench| {
            bench.iter(|| {
                let meta = RtpMeta {
                    ssrc: Ssrc(1),
                    seq: SeqNo(seq),
                    time: RtpTime(seq * kind.frame_ticks(PTIME) as u64),
                    marker: false,
                    payload_type: number,
                };
                receiver.insert(&meta, &payload[..bytes], now);
                seq += 1;
                for _ in 0..2 {
                    now += PTIME / 2;
                    black_box(receiver.pull(now, &mut out));
                }
            });
        });
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
