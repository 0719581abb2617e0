//! What benches of speech have in common: talkers, recordings beside what was said, their scores,
//! and rows of figures.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::pesq::{self, Score};
use super::setup::Misuse;
use crate::audio::Clip;
use crate::bench::passage::Passage;
use crate::codec::CodecKind;
use crate::dsp::resample::resample;
use crate::engine::{MediaError, StartError};
use crate::i18n::Words;
use crate::units::SampleRate;

/// The rate at which recordings are scored.
pub(super) const SCORED: SampleRate = SampleRate::WIDE;

/// PESQ; not a number where nothing was scored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) wide: f64,
    pub(super) narrow: f64,
}

impl Default for Pair {
    fn default() -> Self {
        Pair {
            wide: f64::NAN,
            narrow: f64::NAN,
        }
    }
}

/// Where recordings are put.
pub(super) enum Folder {
    Kept(PathBuf),
    Passing(PathBuf),
}

impl Folder {
    /// The folder that was named, or one that goes with the bench.
    pub(super) fn make(kept: Option<&PathBuf>) -> Result<Folder, Misuse> {
        let folder = match kept {
            Some(folder) => Folder::Kept(folder.clone()),
            None => Folder::Passing(
                std::env::temp_dir().join(format!("ramal-bench-{}", std::process::id())),
            ),
        };
        std::fs::create_dir_all(folder.path())
            .map_err(|error| Misuse::with_cause("cli-record-unwritable", folder.path(), &error))?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Folder::Kept(path) | Folder::Passing(path) => path,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Folder::Passing(path) = self {
            // Nothing depends on it being gone.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// Files of speech by name, in a folder or one by itself.
pub(super) fn talkers(path: &Path) -> Result<BTreeMap<PathBuf, Clip>, Misuse> {
    let files = if path.is_dir() {
        let entries = std::fs::read_dir(path)
            .map_err(|error| Misuse::with_cause("cli-bench-no-speech", path, &error))?;
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|file| file.extension().is_some_and(|ending| ending == "wav"))
            .collect()
    } else {
        vec![path.to_owned()]
    };
    if files.is_empty() {
        return Err(Misuse::about(
            "cli-bench-no-speech",
            path.display().to_string(),
        ));
    }
    let open = |file: PathBuf| {
        let clip = Clip::open(&file)
            .map_err(|error| Misuse::Start(StartError::Media(MediaError::Source(error))))?;
        Ok((file, clip))
    };
    files.into_iter().map(open).collect()
}

pub(super) fn to(sound: &[f32], from: SampleRate, to: SampleRate) -> io::Result<Vec<f32>> {
    resample(sound, from, to).map_err(io::Error::other)
}

/// What a codec waits for beyond the packet: libopus 6.5 ms for speech, G.722's filters 1.4 ms.
pub(super) fn look_ahead(codec: CodecKind) -> Duration {
    match codec {
        CodecKind::Opus => Duration::from_micros(6_500),
        CodecKind::G722 => Duration::from_micros(1_400),
        CodecKind::Pcma | CodecKind::Pcmu => Duration::ZERO,
    }
}

/// Writes a file of one channel and 16 bits.
pub(super) fn write(path: &Path, rate: SampleRate, sound: &[f32]) -> io::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate.hz(),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec).map_err(io::Error::other)?;
    for sample in sound {
        // `as` saturates.
        file.write_sample((sample * 32_767.0).round() as i16)
            .map_err(io::Error::other)?;
    }
    file.finalize().map_err(io::Error::other)
}

/// A recording and what it should sound like.
pub(super) struct Recording {
    reference: PathBuf,
    path: PathBuf,
    is_ceiling: bool,
}

/// What is recorded of one call.
pub(super) struct Recorded<'a> {
    /// The talker's file and what is in it.
    pub(super) talker: (&'a Path, &'a Clip),
    /// Apart from others of the same talker.
    pub(super) name: String,
    /// What was said, at the least so long.
    pub(super) least: Duration,
    /// At this rate, both from the moment on in which the talker began.
    pub(super) rate: SampleRate,
    pub(super) heard: &'a [f32],
    pub(super) ceiling: &'a [f32],
}

impl Recorded<'_> {
    /// Writes each repetition of the talker's clip into a file of its own.
    pub(super) fn write(&self, folder: &Path) -> io::Result<Vec<Recording>> {
        let (path, clip) = self.talker;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let reference = folder.join(format!("{stem}.wav"));
        let said = to(clip.samples(), clip.rate(), SCORED)?;
        if !reference.exists() {
            write(&reference, SCORED, &said)?;
        }
        let parts = Passage::new(&said, SCORED, self.least);
        let mut recordings = Vec::new();
        for (sound, is_ceiling) in [(self.heard, false), (self.ceiling, true)] {
            let sound = to(sound, self.rate, SCORED)?;
            for (number, part) in parts.parts(&sound).enumerate() {
                let kind = if is_ceiling { "ceiling" } else { "heard" };
                let path = folder.join(format!("{}-{kind}-{number}.wav", self.name));
                write(&path, SCORED, part)?;
                recordings.push(Recording {
                    reference: reference.clone(),
                    path,
                    is_ceiling,
                });
            }
        }
        Ok(recordings)
    }
}

/// The interpreter that `scripts/setup.sh test` furnishes with PESQ, where it stands.
pub(super) fn furnished() -> Option<PathBuf> {
    let path = PathBuf::from("target/pesq-venv/bin/python");
    path.exists().then_some(path)
}

/// Scores the recordings of all calls in one go: what was heard, and its ceiling. A call's score is
/// the mean of its parts.
pub(super) fn judge(python: &Path, calls: &[&[Recording]]) -> io::Result<Vec<(Pair, Pair)>> {
    let pairs: Vec<(PathBuf, PathBuf)> = calls
        .iter()
        .copied()
        .flatten()
        .map(|recording| (recording.reference.clone(), recording.path.clone()))
        .collect();
    let mut scores = pesq::score(python, &pairs)?.into_iter();
    let of_call = |recordings: &&[Recording]| {
        let scored: Vec<(bool, Score)> = recordings
            .iter()
            .map(|recording| recording.is_ceiling)
            .zip(&mut scores)
            .collect();
        let mean = |of_ceiling: bool| {
            let chosen = || scored.iter().filter(|(is, _)| *is == of_ceiling);
            let count = chosen().count() as f64;
            Pair {
                wide: chosen().map(|(_, score)| score.wide).sum::<f64>() / count,
                narrow: chosen().map(|(_, score)| score.narrow).sum::<f64>() / count,
            }
        };
        (mean(false), mean(true))
    };
    Ok(calls.iter().map(of_call).collect())
}

/// The median; not a number where there is none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n => f64::midpoint(values[(n - 1) / 2], values[n / 2]),
    }
}

/// A figure as a person reads it; what could not be measured is no number.
pub(super) fn figure(words: &Words, places: usize, value: f64) -> String {
    if value.is_finite() {
        words.decimal(value as f32, places)
    } else {
        "-".to_owned()
    }
}

/// A row: as many names to the left, figures to the right.
pub(super) fn columns(
    cells: impl Iterator<Item = String>,
    widths: &[usize],
    names: usize,
) -> String {
    let mut line = String::new();
    for (number, (cell, width)) in cells.zip(widths).enumerate() {
        line.push_str(&if number < names {
            format!("{cell:<width$} ")
        } else {
            format!("{cell:>width$} ")
        });
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_between_the_two_middles() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn names_stand_to_the_left_and_figures_to_the_right() {
        let cells = ["opus", "clean", "4.2", "-"].map(str::to_owned);
        let row = columns(cells.into_iter(), &[6, 7, 5, 3], 2);
        assert_eq!(row, "opus   clean     4.2   -");
    }
}
