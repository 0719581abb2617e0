use std::time::Duration;

use audiopus::packet::Packet;
use audiopus::{Application, Bitrate, Channels};

use super::super::testing::{sine, snr_db, speech};
use super::*;
use crate::codec::{CodecError, MAX_PACKET_SAMPLES, MAX_PAYLOAD};
use crate::units::SampleRate;

const FRAME: usize = 960;

/// Speech in packets of 20 ms.
fn packets(settings: Settings) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(settings).unwrap();
    let sound = speech(SampleRate::FULL);
    sound
        .as_chunks::<FRAME>()
        .0
        .iter()
        .map(|frame| {
            let mut payload = [0; MAX_PAYLOAD];
            let bytes = encoder.encode(frame, &mut payload).unwrap();
            payload[..bytes].to_vec()
        })
        .collect()
}

fn lossy() -> Settings {
    Settings {
        bitrate: 32_000,
        expected_loss: 20,
        ..Settings::default()
    }
}

#[test]
fn it_is_the_libopus_that_was_measured() {
    let version = audiopus::version();
    assert!(version.starts_with("libopus 1.6"), "{version}");
}

#[test]
fn packets_say_how_long_they_last() {
    let mut encoder = Encoder::new(Settings::default()).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut sound = [0.0; MAX_PACKET_SAMPLES];
    for samples in [480, 960, 1_920, 2_880, 3_840, 4_800, 5_760] {
        let mut payload = [0; MAX_PAYLOAD];
        let bytes = encoder.encode(&vec![0.1; samples], &mut payload).unwrap();
        assert_eq!(samples_of(&payload[..bytes]), Some(samples));
        assert_eq!(
            decoder.decode(&payload[..bytes], &mut sound).unwrap(),
            samples
        );
    }
    let refused = encoder.encode(&[0.0; 961], &mut [0; MAX_PAYLOAD]);
    assert!(matches!(
        refused,
        Err(CodecError::FrameLength { samples: 961 })
    ));
}

/// Byte for byte what libopus itself reads from every table of contents.
#[test]
fn durations_agree_with_libopus() {
    for toc in 0..=255_u8 {
        for count in 0..64 {
            let payload = [toc, count, 0, 0];
            let theirs = audiopus::packet::nb_samples(
                Packet::try_from(&payload[..]).unwrap(),
                audiopus::SampleRate::Hz48000,
            );
            let theirs = theirs.ok().filter(|n| *n > 0);
            assert_eq!(samples_of(&payload), theirs, "{toc:#04x} {count}");
        }
    }
    assert_eq!(samples_of(&[]), None);
}

#[test]
fn the_bitrate_is_kept_and_follows_the_setter() {
    let rate = |bitrate: u32| {
        let packets = packets(Settings {
            bitrate,
            ..Settings::default()
        });
        let bytes: usize = packets.iter().map(Vec::len).sum();
        bytes as f64 * 8.0 / (packets.len() as f64 * 0.02)
    };
    for bitrate in [16_000, 32_000, 64_000] {
        let got = rate(bitrate);
        let share = got / f64::from(bitrate);
        assert!(
            (0.6..1.15).contains(&share),
            "{got:.0} instead of {bitrate}"
        );
    }
}

#[test]
fn the_copy_in_the_next_packet_comes_once_loss_is_expected() {
    let carrying = |settings| packets(settings).iter().filter(|p| has_lbrr(p)).count();
    assert_eq!(
        carrying(Settings {
            bitrate: 32_000,
            ..Settings::default()
        }),
        0
    );
    assert_eq!(
        carrying(Settings {
            inband_fec: false,
            ..lossy()
        }),
        0
    );
    let with = carrying(lossy());
    assert!(with > 250, "{with} of 503");
}

/// Losing every tenth packet: what is heard in place of those that the next one has a copy
/// of, against what an unbroken decoder hears there.
#[test]
fn the_copy_is_better_than_concealment() {
    let packets = packets(lossy());
    let mut whole = Decoder::new().unwrap();
    let meant: Vec<[f32; FRAME]> = packets
        .iter()
        .map(|packet| {
            let mut sound = [0.0; FRAME];
            whole.decode(packet, &mut sound).unwrap();
            sound
        })
        .collect();
    let snr = |repair: fn(&mut Decoder, &[u8], &mut [f32])| {
        let mut decoder = Decoder::new().unwrap();
        let (mut wanted, mut heard) = (Vec::new(), Vec::new());
        for (index, packet) in packets.iter().enumerate() {
            let mut sound = [0.0; FRAME];
            let next = packets.get(index + 1).filter(|next| has_lbrr(next));
            if let (true, Some(next)) = (index % 10 == 5, next) {
                repair(&mut decoder, next, &mut sound);
                wanted.extend_from_slice(&meant[index]);
                heard.extend_from_slice(&sound);
            } else {
                decoder.decode(packet, &mut sound).unwrap();
            }
        }
        snr_db(&wanted, &heard)
    };
    let fec = snr(|decoder, next, sound| decoder.decode_fec(next, sound).unwrap());
    let plc = snr(|decoder, _, sound| decoder.conceal(sound));
    println!("copy {fec:.1} dB, concealment {plc:.1} dB");
    assert!(fec > plc + 3.0, "{fec:.1} dB against {plc:.1} dB");
}

/// What libopus does with the copy is compared with what it does with none.
#[test]
fn a_copy_behind_celt_alone_is_said_to_be_of_no_use_because_it_is_none() {
    let speech = packets(lossy());
    let next = speech[20..].iter().find(|packet| has_lbrr(packet)).unwrap();
    let encoder = audiopus::coder::Encoder::new(
        audiopus::SampleRate::Hz48000,
        Channels::Mono,
        Application::LowDelay,
    )
    .unwrap();
    let mut celt = [0; MAX_PAYLOAD];
    let tone = sine(SampleRate::FULL, 440.0, 0.5, FRAME);
    let bytes = encoder.encode_float(&tone, &mut celt).unwrap();
    let repair = |before: &[u8], copy: Option<&[u8]>| {
        let mut decoder = Decoder::new().unwrap();
        let mut sound = [0.0; FRAME];
        decoder.decode(before, &mut sound).unwrap();
        match copy {
            Some(copy) => decoder.decode_fec(copy, &mut sound).unwrap(),
            None => decoder.conceal(&mut sound),
        }
        (decoder.has_fec(next), sound)
    };
    for (before, useful) in [(&celt[..bytes], false), (&speech[20][..], true)] {
        let (said, repaired) = repair(before, Some(next));
        let (_, concealed) = repair(before, None);
        assert_eq!(repaired != concealed, useful);
        assert_eq!(said, useful);
    }
}

#[test]
fn stereo_from_others_is_heard_as_mono() {
    let mut encoder = audiopus::coder::Encoder::new(
        audiopus::SampleRate::Hz48000,
        Channels::Stereo,
        Application::Audio,
    )
    .unwrap();
    encoder
        .set_bitrate(Bitrate::BitsPerSecond(128_000))
        .unwrap();
    let mut decoder = Decoder::new().unwrap();
    let sound = speech(SampleRate::FULL);
    let mut heard = Vec::new();
    for frame in sound.as_chunks::<FRAME>().0.iter().take(200) {
        // Only on the left.
        let both: Vec<f32> = frame.iter().flat_map(|sample| [*sample, 0.0]).collect();
        let mut payload = [0; MAX_PAYLOAD];
        let bytes = encoder.encode_float(&both, &mut payload).unwrap();
        let mut mono = [0.0; FRAME];
        assert_eq!(decoder.decode(&payload[..bytes], &mut mono).unwrap(), FRAME);
        heard.extend_from_slice(&mono);
    }
    let delay = encoder.lookahead().unwrap() as usize;
    let half: Vec<f32> = sound[..heard.len() - delay]
        .iter()
        .map(|s| s / 2.0)
        .collect();
    let snr = snr_db(&half, &heard[delay..]);
    assert!(snr > 8.0, "{snr:.1} dB");
}

#[test]
fn pauses_are_left_out_only_on_request() {
    let tiny = |dtx: bool| {
        let mut encoder = Encoder::new(Settings {
            dtx,
            ..Settings::default()
        })
        .unwrap();
        (0..100)
            .filter(|_| {
                let mut payload = [0; MAX_PAYLOAD];
                let bytes = encoder.encode(&[0.0; FRAME], &mut payload).unwrap();
                is_dtx(&payload[..bytes])
            })
            .count()
    };
    assert!(tiny(true) > 60);
    assert_eq!(tiny(false), 0);
}

/// Speech, then four seconds of the room alone, with pauses left out: what stands for them.
#[test]
fn comfort_noise_in_a_pause_is_as_loud_as_the_room() {
    let mut state = 1_u32;
    let mut room = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / 8_388_608.0 - 1.0) * 0.01
    };
    let mut sound = speech(SampleRate::FULL);
    sound.truncate(100 * FRAME);
    sound.resize(300 * FRAME, 0.0);
    // Smoothed, so that it has its power where speech has it.
    let mut last = 0.0;
    for sample in &mut sound {
        last += 0.3 * (room() - last);
        *sample += last;
    }
    let mut encoder = Encoder::new(Settings {
        dtx: true,
        ..Settings::default()
    })
    .unwrap();
    let mut decoder = Decoder::new().unwrap();
    let power = |sound: &[f32]| sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32;
    let (mut heard, mut pauses) = (Vec::new(), 0);
    for frame in sound.as_chunks::<FRAME>().0 {
        let (mut payload, mut out) = ([0; MAX_PAYLOAD], [0.0; FRAME]);
        let bytes = encoder.encode(frame, &mut payload).unwrap();
        // The first of a pause comes, and those that only say that it goes on do not.
        if is_dtx(&payload[..bytes]) {
            pauses += 1;
            if pauses % 20 == 1 {
                decoder.decode(&payload[..bytes], &mut out).unwrap();
            } else {
                decoder.conceal(&mut out);
            }
        } else {
            decoder.decode(&payload[..bytes], &mut out).unwrap();
        }
        heard.extend_from_slice(&out);
    }
    assert!(pauses > 100, "{pauses}");
    for second in 3..6 {
        let span = second * 50 * FRAME..(second + 1) * 50 * FRAME;
        let db = 10.0 * (power(&heard[span.clone()]) / power(&sound[span])).log10();
        assert!(db.abs() < 6.0, "{db:.1} dB in second {second}");
    }
}

#[test]
fn concealment_of_any_length_fills_it() {
    let mut decoder = Decoder::new().unwrap();
    let mut sound = [0.0; FRAME];
    for packet in packets(Settings::default()).iter().take(150) {
        decoder.decode(packet, &mut sound).unwrap();
    }
    let mut gap = vec![9.0; 7_000];
    decoder.conceal(&mut gap[..333]);
    decoder.conceal(&mut gap[333..]);
    assert!(gap.iter().all(|sample| sample.abs() <= 1.0));
    let energy: f32 = gap[..333].iter().map(|s| s * s).sum();
    assert!(energy > 0.0);
}

#[test]
fn the_delay_is_that_of_the_look_ahead() {
    let delay = Encoder::new(Settings::default()).unwrap().delay();
    assert_eq!(delay, Duration::from_micros(6_500));
}
