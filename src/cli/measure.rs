//! `ramal lab` and `ramal bench codec`.

use std::sync::mpsc::sync_channel;

use super::args::{BenchCodecArgs, LabArgs};
use super::exit::Exit;
use super::setup::Misuse;
use crate::audio::Clip;
use crate::codec::{Decoder, Encoder, MAX_PACKET_SAMPLES, MAX_PAYLOAD};
use crate::dsp::resample::resample;
use crate::engine::{MediaError, StartError, signals};
use crate::i18n::Words;
use crate::lab::{Lab, LabConfig, LabError};
use crate::say;

use super::say_line;

/// Starts the lab, or says why not.
pub(super) fn start_lab(config: LabConfig) -> Result<Lab, Misuse> {
    Lab::start(config).map_err(|error| match error {
        LabError::Bind(error) => Misuse::Start(error.into()),
        LabError::NotLoopback(ip) => Misuse::about("cli-lab-loopback-only", ip.to_string()),
        other => Misuse::Told {
            id: "cli-start-failed",
            about: String::new(),
            cause: Some(format!("{other:#}")),
        },
    })
}

/// `ramal lab`: until Ctrl-C.
pub(super) fn lab(words: &Words, args: &LabArgs) -> Result<Exit, Misuse> {
    let config = LabConfig {
        ip: args.bind.ip,
        port: args.bind.port,
        seed: args.seed,
    };
    let lab = start_lab(config)?;
    let (interrupted, interruption) = sync_channel(1);
    signals::on_interrupt(move || {
        // A second Ctrl-C finds the first one waiting.
        let _ = interrupted.try_send(());
    })
    .map_err(|error| Misuse::Start(crate::engine::StartError::Thread(error)))?;
    let address = lab.address().to_string();
    if args.json {
        say_line(&serde_json::json!({ "event": "listening", "address": address }).to_string());
    } else {
        say_line(&say!(words, "cli-lab-listening", address = address));
        say_line(&say!(words, "cli-lab-services"));
    }
    // An error means that nothing can interrupt any more: then it is over as well.
    let _ = interruption.recv();
    Ok(Exit::Well)
}

/// `ramal bench codec`: a file through encoder and decoder, and nothing between them. What comes
/// out is the best that a call with this codec can sound.
pub(super) fn codec(words: &Words, args: &BenchCodecArgs) -> Result<Exit, Misuse> {
    let kind = args.codec.0;
    let clip = Clip::open(&args.input)
        .map_err(|error| Misuse::Start(StartError::Media(MediaError::Source(error))))?;
    let unwritable = |error: &dyn std::error::Error| {
        Misuse::with_cause("cli-record-unwritable", &args.output, error)
    };
    let failed = |error: &dyn std::error::Error| Misuse::Told {
        id: "cli-start-failed",
        about: String::new(),
        cause: Some(error.to_string()),
    };
    let rate = kind.sound_rate();
    let mut sound = resample(clip.samples(), clip.rate(), rate).map_err(|error| failed(&error))?;
    let frame = kind.frame_samples(kind.nearest_ptime(args.ptime.0));
    sound.resize(sound.len().next_multiple_of(frame), 0.0);
    let mut encoder = Encoder::new(kind).map_err(|error| failed(&error))?;
    let mut decoder = Decoder::new(kind).map_err(|error| failed(&error))?;
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate.hz(),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file =
        hound::WavWriter::create(&args.output, spec).map_err(|error| unwritable(&error))?;
    let mut payload = [0; MAX_PAYLOAD];
    let mut decoded = [0.0; MAX_PACKET_SAMPLES];
    for frame in sound.chunks(frame) {
        let bytes = encoder
            .encode(frame, &mut payload)
            .map_err(|error| failed(&error))?;
        let samples = decoder
            .decode(&payload[..bytes], &mut decoded)
            .map_err(|error| failed(&error))?;
        for sample in &decoded[..samples] {
            // `as` saturates: what is louder than full scale is clipped, not wrapped.
            let sample = (sample * 32_768.0).round() as i16;
            file.write_sample(sample)
                .map_err(|error| unwritable(&error))?;
        }
    }
    file.finalize().map_err(|error| unwritable(&error))?;
    let seconds = sound.len() as f32 / rate.hz() as f32;
    say_line(&say!(
        words,
        "cli-bench-written",
        seconds = words.decimal(seconds, 1),
        codec = words.codec(kind),
        path = args.output.display().to_string()
    ));
    Ok(Exit::Well)
}
