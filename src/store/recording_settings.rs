//! How calls are recorded, as far as a person decides, and where recordings go.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the settings file keeps under `[recording]`. Holds for recordings from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordingSettings {
    /// Where they go; `None`: a folder of ours in the system's place for music.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The kind of file.
    pub format: RecordingFormat,
    /// Who is where in it.
    pub sides: RecordingSides,
}

/// The kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordingFormat {
    /// Ogg Opus: 15 to 30 MB an hour.
    #[default]
    Opus,
    /// WAV: every program plays it, 350 to 700 MB an hour.
    Wav,
}

/// Who is where in a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordingSides {
    /// Both on one channel.
    #[default]
    Mixed,
    /// This person left, the far side right.
    Stereo,
}

impl RecordingSettings {
    /// Whether nothing was decided.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == RecordingSettings::default()
    }

    /// Where recordings go. A `~` at the beginning stands for the person's home.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        let home = etcetera::home_dir().unwrap_or_default();
        match self.folder.as_deref().map(str::trim) {
            Some(folder) if !folder.is_empty() => at_home(&home, folder),
            _ => music(&home).join("Ramal"),
        }
    }
}

fn at_home(home: &Path, folder: &str) -> PathBuf {
    let below = folder
        .strip_prefix("~/")
        .or_else(|| (folder == "~").then_some(""));
    below.map_or_else(|| PathBuf::from(folder), |below| home.join(below))
}

/// The system's place for music. Desktops on Linux write down what it is called in the person's
/// language (xdg-user-dirs).
fn music(home: &Path) -> PathBuf {
    let usual = home.join("Music");
    if !cfg!(target_os = "linux") {
        return usual;
    }
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.unwrap_or_else(|| home.join(".config"));
    let written = std::fs::read_to_string(config.join("user-dirs.dirs"));
    written
        .ok()
        .and_then(|text| music_written(home, &text))
        .unwrap_or(usual)
}

/// `XDG_MUSIC_DIR="$HOME/…"`, or an absolute path.
fn music_written(home: &Path, text: &str) -> Option<PathBuf> {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("XDG_MUSIC_DIR="))?;
    let path = line.trim().strip_prefix('"')?.strip_suffix('"')?;
    match path.strip_prefix("$HOME") {
        // A folder that is the home itself stands for none.
        Some(below) => {
            let below = below.trim_start_matches('/');
            (!below.is_empty()).then(|| home.join(below))
        }
        None => Some(PathBuf::from(path)).filter(|path| path.is_absolute()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktops_own_name_for_the_music_folder_is_used() {
        let home = Path::new("/people/ana");
        let found = |text| music_written(home, text);
        let text = "# made by xdg-user-dirs\nXDG_MUSIC_DIR=\"$HOME/Músicas\"\n";
        assert_eq!(found(text), Some("/people/ana/Músicas".into()));
        assert_eq!(
            found("XDG_MUSIC_DIR=\"/data/sound\""),
            Some("/data/sound".into())
        );
        for none in [
            "",
            "XDG_MUSIC_DIR=\"$HOME/\"",
            "XDG_MUSIC_DIR=relative",
            "XDG_MUSIC_DIR=\"relative\"",
        ] {
            assert_eq!(found(none), None, "{none}");
        }
    }

    #[test]
    fn a_folder_of_ones_own_may_begin_at_home() {
        let home = Path::new("/people/ana");
        assert_eq!(at_home(home, "~/calls"), Path::new("/people/ana/calls"));
        assert_eq!(at_home(home, "/data/calls"), Path::new("/data/calls"));
        assert_eq!(at_home(home, "~ana"), Path::new("~ana"));
        let settings = RecordingSettings {
            folder: Some("  ".into()),
            ..RecordingSettings::default()
        };
        assert!(settings.folder().ends_with("Ramal"), "none was named");
    }
}
