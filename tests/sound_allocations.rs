//! What the media thread does for each 10 ms of sound allocates nothing, lost packets and changes
//! of codec included: an allocation aborts this test's process.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::time::{Duration, Instant};

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use ramal::audio::{Clip, ClipReader};
use ramal::codec::{CodecKind, Decoder, Encoder, MAX_PAYLOAD};
use ramal::dsp::comfort_noise::ComfortNoise;
use ramal::dsp::dtmf_detect::DtmfDetector;
use ramal::dsp::gain::{Gain, Volume};
use ramal::dsp::level::Meter;
use ramal::dsp::progress::COUNTRIES;
use ramal::dsp::resample::Resampler;
use ramal::dsp::speech_level::SpeechLevel;
use ramal::dsp::tone;
use ramal::jitter::receiver::MAX_PULL_SAMPLES;
use ramal::jitter::{Receiver, ReceiverConfig, RtpMeta, Sound};
use ramal::media::bridge::Bridge;
use ramal::media::microphone::{Listening, MicrophoneWatch};
use ramal::media::mixer::Mixer;
use ramal::media::music;
use ramal::media::plan::{ConferenceId, MediaId};
use ramal::media::recording::{Paced, Side, Sides, Tap};
use ramal::media::tones::{KeyTones, Tone, ToneSource};
use ramal::units::{PayloadType, RtpTime, SampleRate, SeqNo, Ssrc};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const PTIME: Duration = Duration::from_millis(20);

fn number(kind: CodecKind) -> PayloadType {
    kind.static_payload_type()
        .unwrap_or(PayloadType::new(96).unwrap())
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do as the beginning of time"
)]
fn sending_and_receiving_allocate_nothing() {
    let mut encoders = CodecKind::ALL.map(|kind| Encoder::new(kind).unwrap());
    encoders[0]
        .as_opus()
        .unwrap()
        .set_expected_loss(20)
        .unwrap();
    let accepted = CodecKind::ALL.map(|kind| (number(kind), kind)).to_vec();
    let config = ReceiverConfig {
        accepted,
        ..ReceiverConfig::default()
    };
    let mut receiver = Receiver::new(&config).unwrap();
    let mut now = Instant::now();
    let mut tone = tone::Tone::dtmf(SampleRate::FULL, '5').unwrap();
    let mut repaired = 0;
    assert_no_alloc(|| {
        let (mut sound, mut payload) = ([0.0; 960], [0; MAX_PAYLOAD]);
        let mut out = [0.0; MAX_PULL_SAMPLES];
        let mut time = 0;
        for seq in 0..4_000_u64 {
            // Each codec for ten seconds, every seventh packet lost, some jitter.
            let encoder = &mut encoders[(seq / 500 % 4) as usize];
            let kind = encoder.kind();
            let frame = &mut sound[..kind.frame_samples(PTIME)];
            tone.fill(frame);
            let bytes = encoder.encode(frame, &mut payload).unwrap();
            let meta = RtpMeta {
                ssrc: Ssrc(1),
                seq: SeqNo(seq),
                time: RtpTime(time),
                marker: false,
                payload_type: number(kind),
            };
            time += kind.frame_ticks(PTIME) as u64;
            if seq % 7 != 3 {
                let late = Duration::from_millis(seq * 31 % 40);
                receiver.insert(&meta, &payload[..bytes], now + late);
            }
            for _ in 0..2 {
                now += PTIME / 2;
                let info = receiver.pull(now, &mut out);
                repaired += u64::from(info.sound == Sound::Repaired);
            }
        }
    });
    let stats = receiver.stats();
    assert!(
        stats.counts.lost > 300 && repaired > 20,
        "{stats:?} {repaired}"
    );
}

#[test]
fn deep_redundancy_allocates_nothing() {
    let mut encoder = Encoder::new(CodecKind::Opus).unwrap();
    let opus = encoder.as_opus().unwrap();
    opus.set_inband_fec(false).unwrap();
    opus.set_expected_loss(20).unwrap();
    opus.set_dred_span(5 * PTIME).unwrap();
    let mut decoder = Decoder::new(CodecKind::Opus).unwrap();
    let mut voice = tone::Tone::dtmf(SampleRate::FULL, '5').unwrap();
    let mut held = 0;
    assert_no_alloc(|| {
        let (mut sound, mut payload) = ([0.0; 960], [0; MAX_PAYLOAD]);
        for seq in 0..500 {
            voice.fill(&mut sound);
            let bytes = encoder.encode(&sound, &mut payload).unwrap();
            // Three of ten are lost, and described by the one behind them.
            if seq % 10 == 5 {
                for back in (1..=3).rev() {
                    let later = &payload[..bytes];
                    held += usize::from(
                        decoder
                            .decode_dred(later, PTIME * back, &mut sound)
                            .unwrap(),
                    );
                }
            }
            if !(2..5).contains(&(seq % 10)) {
                decoder.decode(&payload[..bytes], &mut sound).unwrap();
            }
        }
    });
    assert!(held > 100, "{held}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do as the beginning of time"
)]
fn laying_both_sides_of_a_call_down_allocates_nothing() {
    let mut now = Instant::now();
    let mut tap = Tap::new(now, Sides::Mixed);
    let mut given = 0;
    assert_no_alloc(|| {
        let mut out = [0.0; 960];
        for frame in 0..2_000_u32 {
            now += Duration::from_millis(10);
            // A card that is too fast, and one that stalls now and then.
            tap.push(
                Side::Near,
                now - Duration::from_micros(2) * frame,
                Paced::Card,
                &[0.7; 480],
            );
            if frame % 100 < 90 {
                tap.push(Side::Far, now, Paced::Card, &[0.7; 480]);
            }
            while tap.poll(now, &mut out).is_some() {
                given += 1;
            }
        }
    });
    assert!(given > 1_900, "{given}");
}

#[test]
fn a_conference_allocates_nothing() {
    let mut mixer = Mixer::default();
    let mut bridges: Vec<Bridge> = (0..8).map(|_| Bridge::default()).collect();
    for member in 0..8 {
        mixer.join(MediaId(member), ConferenceId(1)).unwrap();
    }
    let mut loud = 0;
    assert_no_alloc(|| {
        let (mut others, mut out) = ([0.0; 480], [0.0; 480]);
        for frame in 0..500_u64 {
            // One comes and goes all the while.
            match frame % 30 {
                0 => mixer.leave(MediaId(7)),
                15 => mixer.join(MediaId(7), ConferenceId(1)).unwrap(),
                _ => {}
            }
            for member in 0..8 {
                mixer.put(MediaId(member), &[0.3; 480]);
            }
            mixer.settle();
            for (member, bridge) in (0..8).zip(&mut bridges) {
                if mixer.others(MediaId(member), &mut others) {
                    bridge.push(&others);
                }
                bridge.pull(&mut out);
                loud += u32::from(out[240] > 0.9);
            }
            mixer.finish_frame();
        }
    });
    assert!(loud > 3_000, "{loud} of 4,000");
}

#[test]
fn tones_keys_and_music_allocate_nothing() {
    let countries = &COUNTRIES;
    let mut keys = KeyTones::new(SampleRate::FULL);
    let music = Clip::from_samples(music::RATE, &music::render());
    let mut player = ClipReader::new(music, true);
    player.set_rate(SampleRate::NARROW);
    assert_no_alloc(|| {
        let (mut sound, mut heard) = ([0.0; 480], [0.0; 80]);
        for country in countries {
            for tone in [
                Tone::Ringback,
                Tone::Busy,
                Tone::CallWaiting,
                Tone::Information,
            ] {
                let mut source = ToneSource::new(tone, country, SampleRate::FULL).unwrap();
                for frame in 0..50 {
                    if frame % 7 == 0 {
                        keys.press('5');
                    }
                    source.mix_into(&mut sound);
                    keys.mix_into(&mut sound);
                    player.read(&mut heard);
                }
            }
        }
    });
}

#[test]
fn shaping_sound_allocates_nothing() {
    let mut resamplers = [
        Resampler::new(SampleRate::NARROW, SampleRate::FULL).unwrap(),
        Resampler::adjustable(SampleRate::FULL, SampleRate::FULL).unwrap(),
        Resampler::new(SampleRate::FULL, SampleRate::NARROW).unwrap(),
    ];
    let mut out = vec![0.0; resamplers.iter().map(Resampler::output_max).max().unwrap()];
    let mut noise = ComfortNoise::new(1);
    let mut gain = Gain::new(SampleRate::FULL, 1.0);
    let mut meter = Meter::new(SampleRate::FULL);
    let mut detector = DtmfDetector::new(SampleRate::FULL);
    assert_no_alloc(|| {
        let mut sound = [0.0; 480];
        for round in 0..500_u16 {
            noise.update(&[40, 100, 140]);
            noise.fill(&mut sound);
            gain.set(f32::from(round % 3));
            gain.apply(&mut sound);
            meter.observe(&sound);
            detector.listen(&sound, |_, _| ());
            for resampler in &mut resamplers {
                resampler.set_drift(f64::from(round % 200));
                let written = resampler.process(&sound[..resampler.input_len()], &mut out);
                assert!(written > 0);
            }
        }
    });
}

#[test]
fn volume_levels_and_the_watch_over_the_microphone_allocate_nothing() {
    let mut volume = Volume::new(SampleRate::FULL, 20);
    let mut level = SpeechLevel::recent(SampleRate::FULL, Duration::from_secs(10));
    let mut watch = MicrophoneWatch::new(SampleRate::FULL);
    let mut tone = tone::Tone::dtmf(SampleRate::FULL, '5').unwrap();
    let mut seen = 0;
    assert_no_alloc(|| {
        let mut frame = [0.0; 480];
        for count in 0..3_000_u32 {
            tone.fill(&mut frame);
            volume.set(if count % 200 < 100 { 20 } else { -20 });
            // A codec of another rate now and then.
            let rate = if count % 500 < 250 {
                SampleRate::FULL
            } else {
                SampleRate::WIDE
            };
            volume.apply(rate, &mut frame);
            level.observe(&frame);
            let listening = match count / 1_000 {
                0 => Listening::Open,
                1 => Listening::Muted,
                _ => Listening::Nobody,
            };
            let state = watch.observe(&frame, &frame, count % 7 == 0, listening);
            seen += u32::from(state.talking_muted);
        }
    });
    assert!(level.level().is_some());
    assert_eq!(seen, 0, "a key is no talk");
}

#[test]
fn the_voice_chain_allocates_nothing_whatever_is_chosen_meanwhile() {
    use ramal::voice::{FRAME, NearEnd, NoiseChoice, VoiceSettings};
    let mut chain = NearEnd::new(VoiceSettings::default());
    let mut tone = tone::Tone::dtmf(SampleRate::FULL, '5').unwrap();
    assert_no_alloc(|| {
        let (mut played, mut heard) = ([0.0; FRAME], [0.0; FRAME]);
        for frame in 0..1_000 {
            chain.set(match frame / 200 {
                0 | 4 => VoiceSettings::default(),
                1 => VoiceSettings::UNTOUCHED,
                noise => VoiceSettings {
                    noise: [NoiseChoice::High, NoiseChoice::Isolation][noise as usize % 2],
                    ..VoiceSettings::default()
                },
            });
            heard.copy_from_slice(&played);
            tone.fill(&mut played);
            chain.render(&played);
            chain.capture(&mut heard);
        }
    });
    assert!(chain.report().delay > Duration::ZERO);
}
