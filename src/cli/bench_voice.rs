//! `ramal bench voice`: speech, echo and noise through the microphone's side, scored.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::args::BenchVoiceArgs;
use super::bench_media::OwnThread;
use super::exit::Exit;
use super::pesq;
use super::say_line;
use super::scoring::{Folder, columns, figure, furnished, talkers, to, write};
use super::setup::Misuse;
use crate::bench::scenes::{Measured, Setting, measure};
use crate::i18n::Words;
use crate::say;
use crate::units::SampleRate;
use crate::voice::{RATE, VoiceSettings};

/// Figures of one run.
#[derive(Clone, Copy, Debug)]
struct Figures {
    pesq_wb: f64,
    stoi: f64,
    removed_db: f64,
    cpu_pct: f64,
    delay_ms: f64,
    allocations: f64,
}

/// One run, and its recordings where there are any to score: reference and what was sent.
struct Run {
    figures: Figures,
    recordings: Option<(PathBuf, PathBuf)>,
}

/// Goes through all scenes and says a row for each.
pub(super) fn run(words: &Words, args: &BenchVoiceArgs) -> Result<Exit, Misuse> {
    let mut voices = Vec::new();
    for clip in talkers(&args.speech)?.values() {
        let sound = to(clip.samples(), clip.rate(), RATE)
            .map_err(|error| Misuse::with_cause("cli-bench-no-speech", &args.speech, &error))?;
        voices.push(sound);
    }
    let folder = Folder::make(None)?;
    let python = args.python.clone().or_else(furnished);
    if !args.json {
        let head = say!(words, "cli-bench-voice-head");
        say_line(&columns(
            head.split_whitespace().map(str::to_owned),
            &WIDTHS,
            1,
        ));
    }
    for setting in args.scenes.iter().map(|scene| scene.0) {
        let mut runs = all(setting, &voices, folder.path(), args)
            .map_err(|error| Misuse::with_cause("cli-record-unwritable", folder.path(), &error))?;
        if let Some(python) = &python {
            judge(python, &mut runs)
                .map_err(|error| Misuse::with_cause("cli-bench-no-pesq", python, &error))?;
        }
        say_line(&if args.json {
            json(setting, &runs)
        } else {
            row(words, setting, &runs)
        });
    }
    Ok(Exit::Well)
}

/// All talkers and seeds in one setting.
fn all(
    setting: Setting,
    voices: &[Vec<f32>],
    folder: &Path,
    args: &BenchVoiceArgs,
) -> io::Result<Vec<Run>> {
    let settings = VoiceSettings {
        noise: args.noise.into(),
        ..VoiceSettings::default()
    };
    let seeds = args.seeds as usize;
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= voices.len() * seeds {
                        break;
                    }
                    let (who, seed) = (number / seeds, (number % seeds) as u64 + 1);
                    let measured = measure(setting, voices, who, seed, settings, &OwnThread);
                    let run = kept(&measured, folder, &format!("{}-{number}", setting.name()));
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(run);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_iter().collect()
}

/// Figures of what was measured, and files for those that PESQ has still to give: it asks for
/// more than a second.
fn kept(measured: &Measured, folder: &Path, stem: &str) -> io::Result<Run> {
    let figures = Figures {
        pesq_wb: f64::NAN,
        stoi: measured.understood.unwrap_or(f64::NAN),
        removed_db: measured.removed_db.map_or(f64::NAN, f64::from),
        cpu_pct: measured.cpu_pct.unwrap_or(f64::NAN),
        delay_ms: measured.delay_ms,
        allocations: measured.allocations.map_or(f64::NAN, |count| count as f64),
    };
    let mut recordings = None;
    if measured.understood.is_some() && measured.near.len() > 2 * RATE.hz() as usize {
        let paths = ["near", "sent"].map(|side| folder.join(format!("{stem}-{side}.wav")));
        for (path, sound) in paths.iter().zip([&measured.near, &measured.sent]) {
            write(path, SampleRate::WIDE, &to(sound, RATE, SampleRate::WIDE)?)?;
        }
        recordings = Some(paths.into());
    }
    Ok(Run {
        figures,
        recordings,
    })
}

/// Scores what there is to score, in one go.
fn judge(python: &Path, runs: &mut [Run]) -> io::Result<()> {
    let pairs: Vec<(PathBuf, PathBuf)> = runs
        .iter()
        .filter_map(|run| run.recordings.clone())
        .collect();
    if pairs.is_empty() {
        return Ok(());
    }
    let scores = pesq::score(python, &pairs)?;
    let scored = runs.iter_mut().filter(|run| run.recordings.is_some());
    for (run, score) in scored.zip(scores) {
        run.figures.pesq_wb = score.wide;
    }
    Ok(())
}

/// The figures as they are told: their name in JSON, the places behind the point, which part of
/// the runs, in percent, has less, and where they are.
type Column = (&'static str, usize, usize, fn(&Figures) -> f64);
const COLUMNS: [Column; 9] = [
    ("pesq_wb", 2, 50, |f| f.pesq_wb),
    ("pesq_wb_least", 2, 0, |f| f.pesq_wb),
    ("stoi", 3, 50, |f| f.stoi),
    ("stoi_least", 3, 0, |f| f.stoi),
    ("echo_removed_db", 1, 50, |f| f.removed_db),
    ("echo_removed_db_least", 1, 0, |f| f.removed_db),
    ("cpu_pct", 1, 50, |f| f.cpu_pct),
    ("delay_ms", 1, 50, |f| f.delay_ms),
    ("allocations", 0, 100, |f| f.allocations),
];

/// One column over all runs.
fn value(runs: &[Run], (_, _, part, figure): Column) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(|run| figure(&run.figures)).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n => {
            let at = (n - 1) * part;
            f64::midpoint(values[at / 100], values[at.div_ceil(100)])
        }
    }
}

/// Widths of a row's columns.
const WIDTHS: [usize; 10] = [12, 5, 5, 6, 6, 6, 6, 5, 6, 5];

fn row(words: &Words, setting: Setting, runs: &[Run]) -> String {
    let figures = COLUMNS.map(|column| figure(words, column.1, value(runs, column)));
    columns([setting.name()].into_iter().chain(figures), &WIDTHS, 1)
}

fn json(setting: Setting, runs: &[Run]) -> String {
    let mut said = serde_json::json!({
        "event": "bench",
        "scene": setting.name(),
        "runs": runs.len(),
    });
    for column in COLUMNS {
        said[column.0] = value(runs, column).into();
    }
    said.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_extremes_are_of_all_runs() {
        let of = |pesq_wb: f64| Run {
            figures: Figures {
                pesq_wb,
                stoi: f64::NAN,
                removed_db: 0.0,
                cpu_pct: 0.0,
                delay_ms: 0.0,
                allocations: pesq_wb,
            },
            recordings: None,
        };
        let runs = [4.0, 1.0, 3.0, 2.0].map(of);
        let told: Vec<f64> = COLUMNS.map(|column| value(&runs, column)).to_vec();
        assert_eq!((told[0], told[1], told[8]), (2.5, 1.0, 4.0));
        assert!(told[2].is_nan());
        assert_eq!(value(&runs[..3], COLUMNS[0]), 3.0);
    }
}
