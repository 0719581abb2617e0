//! `ramal bench media`: speech through the whole path of sound over bad networks, scored.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::args::{BenchMediaArgs, ResendArg};
use super::exit::Exit;
use super::say_line;
use super::scoring::{
    Folder, Pair, Recorded, Recording, columns, figure, furnished, judge, look_ahead, median,
    talkers, to,
};
use super::setup::Misuse;
use crate::audio::Clip;
use crate::bench::call::{Line, Watch, call};
use crate::bench::ceiling::ceiling;
use crate::bench::delay::Delays;
use crate::bench::network::Profile;
use crate::bench::passage::Passage;
use crate::codec::CodecKind;
use crate::engine::clock;
use crate::i18n::Words;
use crate::say;
use crate::units::SampleRate;

/// Figures of one call.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    heard: Pair,
    ceiling: Pair,
    /// From leaving the talker to being written for the sound card, in ms.
    delay_ms: f64,
    delay_p95_ms: f64,
    /// Shares of all sound, in percent.
    concealed_pct: f64,
    repaired_pct: f64,
    stretched_pct: f64,
    silence_pct: f64,
    /// Packets that came too late.
    late: f64,
    payload_kbit: f64,
    wire_kbit: f64,
    /// CPU seconds for a minute of sound.
    talking_s: f64,
    listening_s: f64,
    allocations: f64,
    /// What the phone itself says, by the E-model.
    mos: f64,
}

/// One call of the bench, and its recordings.
struct Measured {
    figures: Figures,
    recordings: Vec<Recording>,
}

/// Runs every codec through every profile and says a row for each.
pub(super) fn run(words: &Words, args: &BenchMediaArgs) -> Result<Exit, Misuse> {
    let talkers = talkers(&args.speech)?;
    let folder = Folder::make(args.keep.as_ref())?;
    if !args.json {
        let head = say!(words, "cli-bench-media-head");
        say_line(&columns(
            head.split_whitespace().map(str::to_owned),
            &WIDTHS,
            2,
        ));
    }
    for codec in args.codecs.iter().map(|codec| codec.0) {
        for profile in args.profiles.iter().map(|profile| profile.0) {
            let (medians, calls) = measure(codec, profile, &talkers, folder.path(), args)?;
            say_line(&if args.json {
                json(codec, profile, &medians, calls)
            } else {
                row(words, codec, profile, &medians)
            });
        }
    }
    Ok(Exit::Well)
}

/// All talkers and seeds over one kind of line; medians, and how many calls they are of.
fn measure(
    codec: CodecKind,
    profile: Profile,
    talkers: &BTreeMap<PathBuf, Clip>,
    folder: &Path,
    args: &BenchMediaArgs,
) -> Result<([f64; COLUMNS.len()], usize), Misuse> {
    let mut calls: Vec<(&Path, &Clip, u64)> = Vec::new();
    for (name, clip) in talkers {
        calls.extend((1..=args.seeds).map(|seed| (name.as_path(), clip, seed)));
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(calls.len()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(calls.len()) {
            scope.spawn(|| {
                while let Some((name, clip, seed)) = calls.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let line = Line {
                        codec,
                        ptime: args.ptime.0,
                        profile,
                        seed: *seed,
                        resend: match args.resend {
                            ResendArg::Never => false,
                            ResendArg::Usual => codec == CodecKind::Opus,
                            ResendArg::Always => true,
                        },
                    };
                    let measured = one(name, clip, &line, folder, args);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(measured);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut measured = done
        .into_iter()
        .collect::<io::Result<Vec<Measured>>>()
        .map_err(|error| Misuse::with_cause("cli-record-unwritable", folder, &error))?;
    if let Some(python) = &args.python.clone().or_else(furnished) {
        let recordings: Vec<&[Recording]> =
            measured.iter().map(|call| &call.recordings[..]).collect();
        let scores = judge(python, &recordings)
            .map_err(|error| Misuse::with_cause("cli-bench-no-pesq", python, &error))?;
        for (call, scores) in measured.iter_mut().zip(scores) {
            (call.figures.heard, call.figures.ceiling) = scores;
        }
    }
    Ok((medians(&measured), measured.len()))
}

/// One call.
fn one(
    name: &Path,
    clip: &Clip,
    line: &Line,
    folder: &Path,
    args: &BenchMediaArgs,
) -> io::Result<Measured> {
    let rate = line.codec.sound_rate();
    let least = Duration::from_secs(args.seconds);
    let said = Passage::new(&to(clip.samples(), clip.rate(), rate)?, rate, least);
    let heard = call(line, &said.said, clock::now(), &OwnThread).map_err(io::Error::other)?;
    let delays = Delays::find(
        &to(&said.said, rate, SampleRate::NARROW)?,
        &to(&heard.heard, rate, SampleRate::NARROW)?,
        SampleRate::NARROW,
    );
    // A packet leaves when it is full, and the codec has its own delay before that.
    let before = line.ptime + look_ahead(line.codec);
    let millis = |span: Duration| span.as_secs_f64() * 1e3;
    let share =
        |part: Duration| 100.0 * part.as_secs_f64() / heard.stats.played.as_secs_f64().max(1e-3);
    let spoken = rate.duration_of(said.said.len() as u64).as_secs_f64();
    let per_minute =
        |cpu: Option<Duration>| cpu.map_or(f64::NAN, |cpu| cpu.as_secs_f64() / spoken * 60.0);
    let figures = Figures {
        delay_ms: millis(delays.mean()) - millis(before),
        delay_p95_ms: millis(delays.quantile(0.95)) - millis(before),
        concealed_pct: share(heard.stats.concealed),
        repaired_pct: share(heard.stats.repaired),
        stretched_pct: share(heard.stats.stretched),
        silence_pct: share(heard.stats.silence_adjusted),
        late: heard.stats.counts.late as f64,
        payload_kbit: heard.payload_rate / 1e3,
        wire_kbit: heard.wire_rate / 1e3,
        talking_s: per_minute(heard.used.talking),
        listening_s: per_minute(heard.used.listening),
        allocations: heard.used.allocations.map_or(f64::NAN, |n| n as f64),
        mos: heard
            .quality
            .map_or(f64::NAN, |quality| f64::from(quality.mos)),
        ..Figures::default()
    };
    let best = ceiling(line.codec, &heard.sent, line.ptime).map_err(io::Error::other)?;
    let stem = name.file_stem().unwrap_or_default().to_string_lossy();
    let codec = line.codec.name().to_lowercase();
    let recordings = Recorded {
        talker: (name, clip),
        name: format!("{codec}-{}-{stem}-{}", line.profile.name(), line.seed),
        least,
        rate,
        heard: &heard.heard,
        ceiling: &best,
    }
    .write(folder)?;
    Ok(Measured {
        figures,
        recordings,
    })
}

/// The figures as they are told: their name in JSON, the places behind the point, and where they
/// are.
type Column = (&'static str, usize, fn(&Figures) -> f64);
const COLUMNS: [Column; 17] = [
    ("pesq_wb", 2, |f| f.heard.wide),
    ("ceiling_wb", 2, |f| f.ceiling.wide),
    ("pesq_nb", 2, |f| f.heard.narrow),
    ("ceiling_nb", 2, |f| f.ceiling.narrow),
    ("delay_ms", 1, |f| f.delay_ms),
    ("delay_p95_ms", 1, |f| f.delay_p95_ms),
    ("concealed_pct", 1, |f| f.concealed_pct),
    ("repaired_pct", 1, |f| f.repaired_pct),
    ("stretched_pct", 1, |f| f.stretched_pct),
    ("silence_adjusted_pct", 1, |f| f.silence_pct),
    ("late", 0, |f| f.late),
    ("payload_kbit", 1, |f| f.payload_kbit),
    ("wire_kbit", 1, |f| f.wire_kbit),
    ("encode_cpu_s_per_min", 2, |f| f.talking_s),
    ("receive_cpu_s_per_min", 2, |f| f.listening_s),
    ("allocations", 0, |f| f.allocations),
    ("mos", 2, |f| f.mos),
];

/// The median over calls of every column.
fn medians(calls: &[Measured]) -> [f64; COLUMNS.len()] {
    COLUMNS.map(|(_, _, figure)| median(calls.iter().map(|call| figure(&call.figures)).collect()))
}

/// Widths of a row's columns.
const WIDTHS: [usize; 19] = [6, 12, 5, 6, 5, 6, 7, 6, 6, 5, 6, 5, 6, 6, 5, 5, 5, 4, 5];

fn row(words: &Words, codec: CodecKind, profile: Profile, medians: &[f64]) -> String {
    let names = [codec.name(), profile.name()].map(str::to_owned);
    let figures = COLUMNS
        .iter()
        .zip(medians)
        .map(|((_, places, _), value)| figure(words, *places, *value));
    columns(names.into_iter().chain(figures), &WIDTHS, 2)
}

fn json(codec: CodecKind, profile: Profile, medians: &[f64], calls: usize) -> String {
    let mut said = serde_json::json!({
        "event": "bench",
        "codec": codec.name().to_lowercase(),
        "profile": profile.name(),
        "calls": calls,
    });
    for ((name, _, _), value) in COLUMNS.iter().zip(medians) {
        said[*name] = (*value).into();
    }
    said.to_string()
}

/// What the thread that runs a call has used.
pub(super) struct OwnThread;

impl Watch for OwnThread {
    fn cpu(&self) -> Option<Duration> {
        clock::thread_cpu()
    }

    fn allocations(&self) -> Option<u64> {
        crate::allocations::of_this_thread()
    }
}
