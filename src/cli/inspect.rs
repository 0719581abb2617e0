//! `ramal inspect FILE|-`: what Ramal reads of one message, as JSON on standard output.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use crate::sip::inspect::{Outcome, report};

/// More than any message holds; the rest of a longer file is not read.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Reports on the file at `path`, or on standard input for `-`. Ends 0 when it was read, 1 when it
/// has defects, 2 when it cannot be used or the file cannot be read.
pub fn run(path: &str) -> ExitCode {
    match inspect(path) {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => {
            // Nothing is left to be done when standard error is gone too.
            let _ = writeln!(io::stderr(), "{path}: {error}");
            ExitCode::from(Outcome::Unreadable.exit_code())
        }
    }
}

fn inspect(path: &str) -> io::Result<Outcome> {
    let mut bytes = Vec::new();
    if path == "-" {
        io::stdin().lock().take(MAX_BYTES).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    }
    let (report, outcome) = report(&bytes);
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{report:#}")?;
    stdout.flush()?;
    Ok(outcome)
}
