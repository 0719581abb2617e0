//! `ramal bench live`: two phones, each a process of its own, and a bad network between them on
//! loopback, in real time.
//!
//! One phone calls and plays a file, the other answers and records; the relay between them is their
//! network. A call during which the relay itself ran late is void: said so, and not counted.

mod children;
mod figures;
mod signalling;
mod wires;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use self::children::Phone;
use self::figures::{Figures, Measured, VOID, head, json, row};
use self::wires::Wires;
use super::args::BenchLiveArgs;
use super::exit::Exit;
use super::scoring::{
    Folder, Recorded, Recording, furnished, judge, look_ahead, talkers, to, write,
};
use super::setup::Misuse;
use super::{say_line, setup};
use crate::audio::{Clip, raise_current_thread};
use crate::bench::call::Line;
use crate::bench::ceiling::ceiling;
use crate::bench::delay::Delays;
use crate::bench::network::Profile;
use crate::bench::passage::Passage;
use crate::bench::relay::Relay;
use crate::codec::CodecKind;
use crate::engine::{clock, signals};
use crate::i18n::Words;
use crate::units::SampleRate;

/// The call goes on for so long after the last word.
const AFTERWARDS: Duration = Duration::from_millis(1_500);

/// A call may take so much longer than was said before the bench gives it up.
const PATIENCE: Duration = Duration::from_secs(30);

/// One call of the bench.
struct Plan<'a> {
    name: &'a Path,
    clip: &'a Clip,
    line: Line,
}

/// Runs every codec through every profile and says a row for each.
pub(super) fn run(words: &Words, args: &BenchLiveArgs) -> Result<Exit, Misuse> {
    let talkers = talkers(&args.speech)?;
    let folder = Folder::make(args.keep.as_ref())?;
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    signals::on_interrupt(move || asked.store(true, Ordering::Relaxed))
        .map_err(|error| Misuse::Start(crate::engine::StartError::Thread(error)))?;
    if !args.json {
        say_line(&head(words));
    }
    for codec in args.codecs.iter().map(|codec| codec.0) {
        for profile in args.profiles.iter().map(|profile| profile.0) {
            let mut plans = Vec::new();
            for (name, clip) in &talkers {
                plans.extend((1..=args.seeds).map(|seed| Plan {
                    name,
                    clip,
                    line: line(codec, profile, seed, args),
                }));
            }
            let calls = measure(&plans, folder.path(), args, &stop)?;
            say_line(&if args.json {
                json(codec, profile, &calls)
            } else {
                row(words, codec, profile, &calls)
            });
        }
    }
    Ok(Exit::Well)
}

fn line(codec: CodecKind, profile: Profile, seed: u64, args: &BenchLiveArgs) -> Line {
    Line {
        codec,
        ptime: args.ptime.0,
        profile,
        seed,
        resend: args.resend,
    }
}

/// Calls, several at once, and their scores.
fn measure(
    plans: &[Plan<'_>],
    folder: &Path,
    args: &BenchLiveArgs,
    stop: &AtomicBool,
) -> Result<Vec<Measured>, Misuse> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(plans.len()));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let at_once = args.at_once.map_or(2 * processors, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(plans.len()) {
            scope.spawn(|| {
                // A network does not wait until a processor is free.
                raise_current_thread("relay");
                while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let measured = call(plan, folder, args, stop);
                    let failed = measured.is_err();
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(measured);
                    if failed {
                        // The others end with their calls.
                        stop.store(true, Ordering::Relaxed);
                        break;
                    }
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut measured = done
        .into_iter()
        .collect::<io::Result<Vec<Measured>>>()
        .map_err(|error| Misuse::Told {
            id: "cli-bench-call-failed",
            about: String::new(),
            cause: Some(setup::whole(&error)),
        })?;
    if let Some(python) = &args.python.clone().or_else(furnished) {
        let recordings: Vec<&[Recording]> =
            measured.iter().map(|call| &call.recordings[..]).collect();
        let scores = judge(python, &recordings)
            .map_err(|error| Misuse::with_cause("cli-bench-no-pesq", python, &error))?;
        for (call, scores) in measured.iter_mut().zip(scores) {
            (call.figures.heard, call.figures.ceiling) = scores;
        }
    }
    Ok(measured)
}

/// One call, from two phones' start to their end.
fn call(
    plan: &Plan<'_>,
    folder: &Path,
    args: &BenchLiveArgs,
    stop: &AtomicBool,
) -> io::Result<Measured> {
    let Plan { name, clip, line } = plan;
    let rate = line.codec.sound_rate();
    let least = Duration::from_secs(args.seconds);
    let said = Passage::new(&to(clip.samples(), clip.rate(), rate)?, rate, least);
    let spoken = rate.duration_of(said.said.len() as u64);
    let named = format!(
        "live-{}-{}-{}-{}",
        line.codec.name().to_lowercase(),
        line.profile.name(),
        name.file_stem().unwrap_or_default().to_string_lossy(),
        line.seed
    );
    let file = |ending: &str| folder.join(format!("{named}-{ending}"));
    let (play, record) = (file("said.wav"), file("record.wav"));
    write(&play, rate, &said.said)?;

    let mut listener = Phone::start(&listens(line, &record), &file("listener.jsonl"))?;
    let wires = Wires::open(listener.address()?)?;
    let target = format!("sip:listener@{}", wires.address()?);
    let talks = talks(line, &target, &play, spoken + AFTERWARDS);
    let mut talker = Phone::start(&talks, &file("talker.jsonl"))?;
    let relay = Relay::new(line.profile, line.seed, line.codec, line.ptime);
    let until = clock::now() + spoken + AFTERWARDS + PATIENCE;
    let relay = wires.run(relay, [&mut talker, &mut listener], until, stop)?;
    let passed = relay.finish();

    let heard = Clip::open(&record).map_err(io::Error::other)?;
    let heard = to(heard.samples(), heard.rate(), rate)?;
    let began = |phone: &Phone, event| {
        let event = phone.event(event).unwrap_or_default();
        event["unix_ms"].as_f64().ok_or_else(|| {
            let text = std::fs::read_to_string(file("talker.stderr")).unwrap_or_default();
            io::Error::other(format!("no sound: {}", text.trim()))
        })
    };
    let behind = began(&listener, "record_started")? - began(&talker, "play_started")?;
    let heard = figures::aligned(&heard, rate, behind);
    let delays = Delays::find(
        &to(&said.said, rate, SampleRate::NARROW)?,
        &to(&heard, rate, SampleRate::NARROW)?,
        SampleRate::NARROW,
    );
    let best = ceiling(line.codec, &passed.sent, line.ptime).map_err(io::Error::other)?;
    let recordings = Recorded {
        talker: (name, clip),
        name: named,
        least,
        rate,
        heard: &heard,
        ceiling: &best,
    }
    .write(folder)?;
    // A packet leaves when it is full, and the codec has its own delay before that.
    let before = line.ptime + look_ahead(line.codec);
    Ok(Measured {
        is_void: passed.late_share > VOID,
        figures: Figures::of(&delays, before, &passed, &talker, &listener),
        recordings,
    })
}

/// `ramal answer`, recording.
fn listens(line: &Line, record: &Path) -> Vec<String> {
    let mut words = phone(line, "answer", "listener");
    words.extend(["--max-calls", "1", "--silence", "--record"].map(str::to_owned));
    words.push(record.display().to_string());
    words
}

/// `ramal call`, playing.
fn talks(line: &Line, target: &str, play: &Path, span: Duration) -> Vec<String> {
    let mut words = phone(line, "call", "talker");
    words.extend(["--duration", &span.as_secs_f64().to_string(), "--play"].map(str::to_owned));
    words.extend([play.display().to_string(), target.to_owned()]);
    words
}

/// What both have in common.
fn phone(line: &Line, command: &str, who: &str) -> Vec<String> {
    let mut words = [
        command,
        "--aor",
        &format!("sip:{who}@127.0.0.1"),
        "--no-register",
        "--bind",
        "127.0.0.1",
        "--codecs",
        &line.codec.name().to_lowercase(),
        "--ptime",
        &line.ptime.as_millis().to_string(),
        // Beside programs that are measured in clear.
        "--srtp",
        "off",
    ]
    .map(str::to_owned)
    .to_vec();
    if line.resend {
        words.push("--resend".to_owned());
    }
    words
}
