//! A recording begun by hand, from the wish to the file.

use ramal::agent;
use ramal::engine::{Notice, RecordFailure, Recorded};

use super::talking::{Talking, send, talk};
use super::*;

/// What the list of calls says of the recording once the call is over.
fn recorded(talking: &Talking) -> Option<Recorded> {
    let hang_up = agent::Command::HangUp(talking.call);
    send(&talking.handle, Command::Phone(hang_up));
    let snapshot = wait_for(&talking.handle, |snapshot| !snapshot.recents.is_empty());
    snapshot.recents[0].recorded
}

#[test]
fn a_call_is_recorded_into_the_folder_of_the_settings_and_each_time_into_another_file() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("not there yet");
    let talking = talk(home.path(), &folder);
    let mut paths = Vec::new();
    for saved in 1..=2 {
        send(&talking.handle, Command::RecordCall(talking.call));
        // A second wish while it runs is none.
        send(&talking.handle, Command::RecordCall(talking.call));
        let snapshot = wait_for(&talking.handle, |snapshot| {
            snapshot.calls[0].recording.is_some()
        });
        paths.extend(
            snapshot.calls[0]
                .recording
                .as_ref()
                .map(|it| it.path.clone()),
        );
        if saved == 1 {
            send(&talking.handle, Command::StopRecording(talking.call));
            wait_for(&talking.handle, |snapshot| {
                snapshot.calls[0].recording.is_none() && snapshot.notices.len() == 1
            });
        }
    }
    // The other one ends with the call.
    assert_eq!(recorded(&talking), Some(Recorded::Kept));
    let snapshot = wait_for(&talking.handle, |snapshot| snapshot.notices.len() == 2);
    let told: Vec<Notice> = paths
        .iter()
        .map(|path| Notice::Recorded { path: path.clone() })
        .collect();
    assert_eq!(snapshot.notices, told);
    drop(talking);
    assert_ne!(paths[0], paths[1]);
    for path in &paths {
        assert_eq!(path.parent(), Some(folder.as_path()));
        let name = path.file_name().expect("a name").to_string_lossy();
        assert!(name.starts_with("20") && name.contains(" 600"), "{name}");
        let bytes = std::fs::read(path).expect("it is there");
        assert!(bytes.starts_with(b"OggS"), "{name}");
    }
}

#[test]
fn a_recording_that_cannot_be_written_is_told_and_remembered() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("a file, not a folder");
    std::fs::write(&file, "").expect("room for nothing");
    let talking = talk(home.path(), &file);
    send(&talking.handle, Command::RecordCall(talking.call));
    let failed = Notice::RecordFailed(RecordFailure::Unwritable);
    let snapshot = wait_for(&talking.handle, |snapshot| !snapshot.notices.is_empty());
    assert_eq!(snapshot.notices, [failed]);
    assert!(snapshot.calls[0].recording.is_none());
    let failed = Recorded::Failed(RecordFailure::Unwritable);
    assert_eq!(recorded(&talking), Some(failed));
}
