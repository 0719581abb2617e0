//! Recordings that the person begins in a call: where they go, and what became of them.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::driver::Driver;
use super::media::RecordFailure;
use super::snapshot::{CallPhase, CallView, Notice, RecordingView};
use super::{Event, clock};
use crate::agent::CallId;
use crate::media::plan::{MediaCommand, MediaId};
use crate::media::recording::{Format, Sides};
use crate::store::{RecordingFormat, RecordingSettings, RecordingSides};

/// Characters of a name that stand in a file's.
const NAME: usize = 60;

impl Driver {
    fn recording_settings(&self) -> RecordingSettings {
        let settings = self.settings.as_ref();
        settings.map_or_else(RecordingSettings::default, |(_, settings)| {
            settings.recording.clone()
        })
    }

    /// Another choice, for recordings from now on.
    pub(super) fn set_recording(&mut self, recording: RecordingSettings) {
        self.change_settings(|settings| settings.recording = recording);
        self.show_recording();
    }

    pub(super) fn show_recording(&mut self) {
        let settings = self.recording_settings();
        self.picture.recording_settings(settings);
        self.dirty = true;
    }

    /// Records both sides of a call from here on, as the settings say; once at a time.
    pub(super) fn record_call(&mut self, call: CallId) {
        let calls = self.picture.calls();
        let Some(view) = calls.iter().find(|view| view.id == call) else {
            return;
        };
        let talking = matches!(view.phase, CallPhase::Connected | CallPhase::OnHold(_));
        if !talking || view.recording.is_some() {
            return;
        }
        let settings = self.recording_settings();
        let ending = match settings.format {
            RecordingFormat::Opus => "opus",
            RecordingFormat::Wav => "wav",
        };
        let sides = match settings.sides {
            RecordingSides::Mixed => Sides::Mixed,
            RecordingSides::Stereo => Sides::Stereo,
        };
        let name = file_name(clock::unix(), &TimeZone::system(), view);
        let path = self.unused(&settings.folder(), &name, ending);
        let format = Format::of(&path);
        let media = MediaId(call.0);
        self.order_media(MediaCommand::Record {
            media,
            path: path.clone(),
            format,
            sides,
        });
        let begun_at = clock::now();
        self.picture
            .recording(call, Some(RecordingView { path, begun_at }));
        self.dirty = true;
    }

    /// A path that no recording of this run has had, and no file has.
    fn unused(&mut self, folder: &Path, name: &str, ending: &str) -> PathBuf {
        let paths = (1..).map(|number| {
            let number = if number == 1 {
                String::new()
            } else {
                format!(" {number}")
            };
            folder.join(format!("{name}{number}.{ending}"))
        });
        let taken = |path: &PathBuf| self.recorded.contains(path) || path.exists();
        // Nobody records a thousand times within a second.
        let mut free = paths.take(1_000).filter(|path| !taken(path));
        let path = free.next().unwrap_or_else(|| folder.join(name));
        self.recorded.insert(path.clone());
        path
    }

    pub(super) fn stop_recording(&mut self, call: CallId) {
        self.order_media(MediaCommand::StopRecording {
            media: MediaId(call.0),
        });
        self.recording_over(call);
    }

    /// The recording of a call is whole: it was stopped, or the call is over.
    pub(super) fn recording_over(&mut self, call: CallId) {
        if let Some(recording) = self.picture.recording(call, None) {
            let path = recording.path;
            self.notice(Notice::Recorded { path });
        }
    }

    /// The recording stopped growing, or was never begun.
    pub(super) fn recording_failed(&mut self, path: PathBuf, why: RecordFailure) {
        tracing::error!(path = %path.display(), ?why, "the recording stopped growing");
        self.picture.recording_failed(&path, why);
        self.notice(Notice::RecordFailed(why));
        self.tell(Event::RecordFailed { path });
    }
}

/// When, and with whom: `2026-11-23 14.05.09 Padaria Aurora`.
fn file_name(unix: u64, zone: &TimeZone, call: &CallView) -> String {
    let moment = i64::try_from(unix)
        .ok()
        .and_then(|secs| Timestamp::from_second(secs).ok())
        .unwrap_or_default();
    let moment = moment.to_zoned(zone.clone());
    let moment = moment.strftime("%Y-%m-%d %H.%M.%S");
    let party = &call.remote;
    let whom = party.display_name.as_deref().or(party.user.as_deref());
    let whom = plain(whom.unwrap_or_default());
    format!("{moment} {whom}").trim_end().to_owned()
}

/// What the far side is called, it decides itself: of it no character stays that any file system
/// takes for something else.
fn plain(name: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '+' | '@' | '.');
    let name: String = name.chars().filter(|c| kept(*c)).take(NAME).collect();
    name.trim_matches([' ', '.', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_becomes_nothing_but_a_name() {
        for (name, expected) in [
            ("Padaria Aurora", "Padaria Aurora"),
            ("João & Filhos Ltda.", "João  Filhos Ltda"),
            ("../../etc/passwd", "etcpasswd"),
            ("C:\\Windows\\x", "CWindowsx"),
            ("..", ""),
            ("a\u{202e}b\u{0}c\nd", "abcd"),
            ("+55 11 4002-8922", "+55 11 4002-8922"),
        ] {
            assert_eq!(plain(name), expected, "{name}");
        }
        assert_eq!(plain(&"x".repeat(10_000)).len(), NAME);
    }
}
