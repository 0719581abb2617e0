//! Speech through the codecs and through what a faulty call does to it, as numbers: the judge of
//! `ramal demo` must pass the first and fail the second.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail, and says its figures"
)]

use std::path::Path;
use std::time::Duration;

use ramal::codec::{CodecKind, Decoder, Encoder, MAX_PACKET_SAMPLES, MAX_PAYLOAD};
use ramal::dsp::compare::{Comparison, GOOD_QUALITY, compare};
use ramal::dsp::resample::resample;
use ramal::units::SampleRate;

const RATE: SampleRate = SampleRate::WIDE;
const PTIME: Duration = Duration::from_millis(20);

fn speech() -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/speech_16k.wav");
    let mut file = hound::WavReader::open(path).unwrap();
    file.samples::<i16>()
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect()
}

/// What `fate` makes of each packet's sound, by its number.
type Fate = fn(u64, &mut Decoder, &[u8], &mut [f32]) -> usize;

fn arrived(_: u64, decoder: &mut Decoder, payload: &[u8], sound: &mut [f32]) -> usize {
    decoder.decode(payload, sound).unwrap()
}

/// One packet in a hundred is played as silence.
fn dropped(number: u64, decoder: &mut Decoder, payload: &[u8], sound: &mut [f32]) -> usize {
    let samples = decoder.decode(payload, sound).unwrap();
    if number % 100 == 57 {
        sound[..samples].fill(0.0);
    }
    samples
}

/// The same through a codec; all at 16 kHz outside.
fn through(kind: CodecKind, sound: &[f32], fate: Fate) -> Vec<f32> {
    let inside = resample(sound, RATE, kind.sound_rate()).unwrap();
    let (mut encoder, mut decoder) = (Encoder::new(kind).unwrap(), Decoder::new(kind).unwrap());
    let mut heard = Vec::new();
    for (number, frame) in (0..).zip(inside.chunks_exact(kind.frame_samples(PTIME))) {
        let (mut payload, mut out) = ([0; MAX_PAYLOAD], [0.0; MAX_PACKET_SAMPLES]);
        let bytes = encoder.encode(frame, &mut payload).unwrap();
        let samples = fate(number, &mut decoder, &payload[..bytes], &mut out);
        heard.extend_from_slice(&out[..samples]);
    }
    resample(&heard, kind.sound_rate(), RATE).unwrap()
}

fn judged(name: &str, heard: &[f32]) -> Comparison {
    let found = compare(&speech(), heard, RATE).unwrap();
    println!(
        "{name:28} quality {:.3} MOS {:.2} correlation {:.3} spectral {:.3} SNR {:5.1} dB \
         gaps {:3} of {} peaks {:+.1} dB gain {:+.1} dB delay {:?} shifts {}",
        found.quality,
        found.estimated_mos(),
        found.correlation,
        found.spectral,
        found.segmental_snr_db,
        found.gaps,
        found.pieces,
        -found.peaks_lost_db,
        found.gain_db,
        found.delay,
        found.shifts
    );
    found
}

#[test]
fn every_codec_passes_with_room_to_spare() {
    for kind in CodecKind::ALL {
        let found = judged(&format!("{kind:?}"), &through(kind, &speech(), arrived));
        assert!(found.is_good(), "{kind:?}");
        assert!(
            found.quality > GOOD_QUALITY + 0.1,
            "{kind:?}: {}",
            found.quality
        );
        let delay = found.delay.as_secs_f64() * 1e3;
        let expected = match kind {
            CodecKind::Opus => 6.5,
            CodecKind::G722 => 22.0 / 16.0,
            CodecKind::Pcma | CodecKind::Pcmu => 0.0,
        };
        assert!((delay - expected).abs() < 0.3, "{kind:?}: {delay} ms");
    }
}

#[test]
fn a_packet_lost_in_a_hundred_is_seen_through_every_codec() {
    for kind in CodecKind::ALL {
        let found = judged(
            &format!("{kind:?}, 1% dropped"),
            &through(kind, &speech(), dropped),
        );
        assert!(!found.is_good() && found.is_recognised(), "{kind:?}");
        // Packets 57, 157, 257, 357, 457; those in pauses are no loss of speech.
        assert!((2..=10).contains(&found.gaps), "{kind:?}: {}", found.gaps);
    }
}

#[test]
fn what_a_faulty_call_sounds_like_fails_with_room_to_spare() {
    let speech = speech();
    let fails = |name: &str, heard: &[f32]| {
        let found = judged(name, heard);
        assert!(!found.is_good() && !found.is_recognised(), "{name}");
        assert!(
            found.quality < GOOD_QUALITY - 0.1,
            "{name}: {}",
            found.quality
        );
    };
    fails("silent", &vec![0.0; speech.len()]);
    let overdriven: Vec<f32> = speech.iter().map(|s| (s * 8.0).clamp(-1.0, 1.0)).collect();
    fails("overdriven", &overdriven);
    fails(
        "overdriven through Opus",
        &through(CodecKind::Opus, &overdriven, arrived),
    );
    let quieter: Vec<f32> = overdriven.iter().map(|s| s * 0.2).collect();
    fails("overdriven, then quieter", &quieter);
    // G.722 played as 8 kHz sound, and 8 kHz sound as 16 kHz: half and twice the pitch.
    let slow: Vec<f32> = resample(&speech, SampleRate::NARROW, RATE).unwrap();
    fails("half the rate", &slow);
    let fast: Vec<f32> = resample(&speech, RATE, SampleRate::NARROW).unwrap();
    fails("twice the rate", &fast);
    let cd = SampleRate::new(44_100).unwrap();
    let sharp = resample(&speech, SampleRate::FULL, cd).unwrap();
    fails("48 kHz played at 44.1", &sharp);
    // A-law taken for µ-law.
    let swapped: Vec<f32> = resample(&speech, RATE, SampleRate::NARROW)
        .unwrap()
        .into_iter()
        .map(|sample| {
            let code = ramal::codec::g711::encode_alaw(ramal::codec::g711::to_i16(sample));
            ramal::codec::g711::from_i16(ramal::codec::g711::decode_ulaw(code))
        })
        .collect();
    fails(
        "A-law taken for µ-law",
        &resample(&swapped, SampleRate::NARROW, RATE).unwrap(),
    );
    // Every packet played twice, every second one never.
    let mut stuttering = speech.clone();
    for pair in stuttering.chunks_exact_mut(640) {
        let (first, second) = pair.split_at_mut(320);
        second.copy_from_slice(first);
    }
    fails("stuttering", &stuttering);
}
