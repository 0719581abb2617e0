//! The command line: the other face of the same engine.

mod args;
mod bench_media;
mod bench_voice;
mod demo;
mod devices;
mod exit;
mod figures;
mod help;
pub mod inspect;
mod keys;
mod live;
mod measure;
mod message;
mod pesq;
mod reception;
mod report;
mod run;
mod scoring;
mod setup;
mod watch;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use args::{BenchCommand, Cli, Command};
use exit::Exit;
use setup::Misuse;

use crate::i18n::{Language, Words};

/// What the arguments ask for.
#[derive(Debug)]
pub enum Face {
    /// It is done; end with this.
    Done(ExitCode),
    /// The window, with something to call perhaps.
    Window {
        /// As typed or clicked.
        uri: Option<String>,
        /// The language that was asked for.
        language: Option<Language>,
        /// On the built-in lab.
        demo: bool,
    },
}

/// Reads the arguments and does what they say, unless it is for the window.
#[must_use]
pub fn main(args: Vec<OsString>) -> Face {
    let language = wanted_language(&args).unwrap_or_else(Language::of_system);
    let words = Words::new(language);
    if let Some(error) = help::unknown_command(&words, &args) {
        return Face::Done(refuse(&words, &error));
    }
    let parsed = help::command(&words)
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return Face::Done(refuse(&words, &error)),
    };
    start_logging(cli.verbose);
    let asked = cli.lang.as_deref().and_then(Language::from_tag);
    let outcome = match cli.command {
        None => {
            return Face::Window {
                uri: cli.uri,
                language: asked,
                demo: false,
            };
        }
        Some(Command::Demo(args)) if !args.no_window && has_display() => {
            return Face::Window {
                uri: None,
                language: asked,
                demo: true,
            };
        }
        Some(Command::Demo(args)) => demo::run(Words::new(language), &args),
        Some(Command::Call(args)) => run::call(Words::new(language), &args),
        Some(Command::Answer(args)) => run::answer(Words::new(language), &args),
        Some(Command::Register(args)) => run::register(Words::new(language), &args),
        Some(Command::Message(args)) => message::run(Words::new(language), &args),
        Some(Command::Watch(args)) => watch::run(Words::new(language), &args),
        Some(Command::Devices(args)) => devices::run(&words, &args),
        Some(Command::Lab(args)) => measure::lab(&words, &args),
        Some(Command::Inspect(args)) => return Face::Done(inspect::run(&args.file)),
        Some(Command::Bench(BenchCommand::Codec(args))) => measure::codec(&words, &args),
        Some(Command::Bench(BenchCommand::Live(args))) => live::run(&words, &args),
        Some(Command::Bench(BenchCommand::Media(args))) => bench_media::run(&words, &args),
        Some(Command::Bench(BenchCommand::Voice(args))) => bench_voice::run(&words, &args),
    };
    finish(&words, outcome)
}

fn finish(words: &Words, outcome: Result<Exit, Misuse>) -> Face {
    Face::Done(match outcome {
        Ok(exit) => exit.into(),
        Err(misuse) => {
            complain(&misuse.sentence(words));
            misuse.exit().into()
        }
    })
}

/// The language asked for, before the arguments can be read as a whole.
fn wanted_language(args: &[OsString]) -> Option<Language> {
    let mut args = args.iter().filter_map(|arg| arg.to_str());
    while let Some(arg) = args.next() {
        if let Some(tag) = arg.strip_prefix("--lang=") {
            return Language::from_tag(tag);
        }
        if arg == "--lang" {
            return Language::from_tag(args.next()?);
        }
    }
    None
}

fn refuse(words: &Words, error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // Whoever asked for help may have closed the pipe.
        let _ = write!(std::io::stdout().lock(), "{}", error.render());
        return Exit::Well.into();
    }
    complain(&help::complaint(words, error));
    Exit::Usage.into()
}

/// The passphrase of the file of passwords, from the environment.
#[must_use]
pub fn passphrase_of_environment() -> Option<crate::redact::Secret<String>> {
    setup::passphrase_of_environment()
}

/// Why the engine does not start, in words.
#[must_use]
pub fn start_error(words: &Words, error: &crate::engine::StartError) -> String {
    let what = setup::start_error(words, error);
    crate::say!(words, "cli-error", what = what)
}

/// Says on stderr what cannot be done.
pub fn complain(sentence: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{sentence}");
}

/// Says a line on stdout.
fn say_line(line: &str) {
    // Whoever reads may have gone.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Logs go to stderr; what they say is set by `-v`, or in detail by `RAMAL_LOG`.
fn start_logging(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let default = match verbose {
        0 => "ramal=warn",
        1 => "ramal=debug",
        _ => "ramal=trace",
    };
    let filter = EnvFilter::try_from_env("RAMAL_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // Only the first of several subscribers stays; in the binary there is one.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}

/// Whether there is a screen to open a window on.
fn has_display() -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        return true;
    }
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    set("DISPLAY") || set("WAYLAND_DISPLAY")
}
