//! Recording by hand: the button, the sign, where the files go, and what went wrong.

use std::path::PathBuf;
use std::time::Duration;

use egui::Key;
use ramal::agent::EndCause;
use ramal::engine::{
    CallPhase, CallView, Notice, RecentCall, RecordFailure, Recorded, RecordingOptions,
    RecordingView, Snapshot,
};
use ramal::store::RecordingSettings;

use crate::CONNECTED;
use crate::fake::Desk;
use crate::scenes::{call, end, idle, recent, with_call};

fn path() -> PathBuf {
    PathBuf::from("/casa/Músicas/Ramal/2026-11-22 12.00.00 Padaria Aurora.opus")
}

#[test]
fn a_call_is_recorded_for_as_long_as_the_person_wants_and_shows_it() {
    let mut desk = Desk::new(idle());
    let talking = call(1, CONNECTED, desk.now());
    desk.put(with_call(talking.clone()));
    assert!(!desk.says("Gravando"));
    desk.click("Gravar a chamada");
    assert_eq!(desk.sent(), ["RecordCall(CallId(1))"]);
    let recording = RecordingView {
        path: path(),
        begun_at: desk.now(),
    };
    desk.put(with_call(CallView {
        recording: Some(recording),
        ..talking
    }));
    desk.pass(Duration::from_secs(65));
    assert!(desk.shows("Gravando · 01:05"));
    desk.click("Gravando, parar");
    desk.command_key(Key::R);
    let stop = "StopRecording(CallId(1))";
    assert_eq!(desk.sent(), [stop, stop]);
}

#[test]
fn a_call_that_is_not_answered_is_not_recorded() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(call(1, CallPhase::RingingThere, now)));
    desk.click("Gravar a chamada");
    desk.command_key(Key::R);
    assert_eq!(desk.sent(), Vec::<String>::new());
}

#[test]
fn a_notice_says_where_the_file_is_or_why_there_is_none() {
    let said = |notice| {
        let mut snapshot = idle();
        snapshot.notices = vec![notice];
        Desk::new(snapshot)
    };
    let saved = said(Notice::Recorded { path: path() });
    assert!(saved.shows("A gravação foi salva") && saved.says("/casa/Músicas/Ramal/"));
    let full = said(Notice::RecordFailed(RecordFailure::DiskFull));
    assert!(full.shows("A gravação parou: o disco está cheio"));
    let refused = said(Notice::RecordFailed(RecordFailure::Unwritable));
    assert!(refused.shows("A gravação parou: não dá para gravar o arquivo"));
}

#[test]
fn the_list_of_calls_says_which_were_recorded_and_which_should_have_been() {
    let mut snapshot = idle();
    let talked = |recorded| {
        let mut end = end(EndCause::HungUp, None, None);
        end.talked = Some(Duration::from_secs(192));
        RecentCall {
            recorded: Some(recorded),
            ..recent(Some("Padaria Aurora"), "1042", end)
        }
    };
    let failed = Recorded::Failed(RecordFailure::DiskFull);
    snapshot.recents = vec![talked(Recorded::Kept), talked(failed)];
    let desk = Desk::new(snapshot);
    assert!(desk.says("3 min 12 s · gravada, ligar de novo"));
    assert!(desk.says("3 min 12 s · gravação falhou, ligar de novo"));
}

#[test]
fn how_and_where_calls_are_recorded_is_chosen() {
    let settings = RecordingSettings {
        folder: Some("/dados".into()),
        ..RecordingSettings::default()
    };
    let recording = RecordingOptions {
        folder: "/dados".into(),
        settings,
    };
    let mut desk = Desk::new(Snapshot {
        recording,
        ..idle()
    });
    desk.click("Configurações");
    desk.click("WAV");
    desk.click("Esquerda e direita");
    assert!(desk.shows("/dados"));
    desk.click("Pasta de costume");
    desk.click("Outra pasta: caminho e Enter");
    desk.type_text("~/Chamadas");
    desk.key(Key::Enter);
    let sent = desk.sent();
    let expected = [
        "folder: Some(\"/dados\"), format: Wav, sides: Mixed",
        "folder: Some(\"/dados\"), format: Opus, sides: Stereo",
        "folder: None, format: Opus, sides: Mixed",
        "folder: Some(\"~/Chamadas\"), format: Opus, sides: Mixed",
    ];
    assert_eq!(sent.len(), expected.len(), "{sent:?}");
    for (sent, expected) in sent.iter().zip(expected) {
        assert!(
            sent.starts_with("SetRecording(") && sent.contains(expected),
            "{sent}"
        );
    }
}
