//! PESQ, asked of the Python package of that name. A yardstick of measurements, not of calls.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Read in by the interpreter, so that the program needs no file beside it.
const SCRIPT: &str = include_str!("../../scripts/pesq_pairs.py");

/// MOS-LQO, 1 to 4.6.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Score {
    /// Wide band (ITU-T P.862.2).
    pub(super) wide: f64,
    /// Narrow band (P.862.1).
    pub(super) narrow: f64,
}

/// Scores pairs of reference and recording.
///
/// # Errors
/// When there is no such interpreter, or it has no PESQ.
pub(super) fn score(python: &Path, pairs: &[(PathBuf, PathBuf)]) -> io::Result<Vec<Score>> {
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        for (reference, recording) in pairs {
            // Should it have ended, its own words say why.
            if writeln!(stdin, "{}\t{}", reference.display(), recording.display()).is_err() {
                break;
            }
        }
    }
    let mut scores = Vec::with_capacity(pairs.len());
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            let mut numbers = line.split_whitespace().map(str::parse::<f64>);
            if let (Some(Ok(wide)), Some(Ok(narrow))) = (numbers.next(), numbers.next()) {
                scores.push(Score { wide, narrow });
            }
        }
    }
    let ended = child.wait_with_output()?;
    if scores.len() == pairs.len() {
        return Ok(scores);
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let last = said.lines().last().unwrap_or("ended early");
    Err(io::Error::other(last.to_owned()))
}
