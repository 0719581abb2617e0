//! Calls with the lab's echo, and several of them at once.

use std::path::Path;

use ramal::agent::{self, AccountState, CallId};
use ramal::engine::{CallPhase, Event, Stamped};
use ramal::lab::{EXTENSIONS, Lab, LabConfig, PASSWORD};
use ramal::store::RecordingSettings;

use super::*;

/// A phone that talks to the lab's echo, whose recordings go to this folder.
pub(super) struct Talking {
    pub(super) handle: Handle,
    pub(super) events: Receiver<Stamped>,
    _lab: Lab,
    _unlock: SyncSender<()>,
    pub(super) call: CallId,
}

pub(super) fn talk(home: &Path, folder: &Path) -> Talking {
    let lab = Lab::start(LabConfig {
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        seed: 3,
    })
    .expect("loopback is there");
    let settings = Settings {
        recording: RecordingSettings {
            folder: Some(folder.display().to_string()),
            ..RecordingSettings::default()
        },
        ..Settings::default()
    };
    let (config, unlock) = with_settings(settings, SettingsFile::in_folder(home));
    let (handle, events) = engine::start(config).expect("loopback is there");
    let address = format!("{}@{}", EXTENSIONS[0], lab.address());
    let snapshot = register(&handle, address);
    send(&handle, dial_echo(&snapshot));
    // A second of it has been measured: there is sound.
    let snapshot = wait_for(&handle, |snapshot| {
        let mut calls = snapshot.calls.iter();
        calls.any(|call| call.phase == CallPhase::Connected && call.quality.is_some())
    });
    let call = snapshot.calls[0].id;
    Talking {
        handle,
        events,
        _lab: lab,
        _unlock: unlock,
        call,
    }
}

/// Has the phone use this address with the lab's password; the picture once it is registered.
pub(super) fn register(handle: &Handle, address: String) -> Arc<Snapshot> {
    let account = AccountSettings {
        address,
        ..AccountSettings::default()
    };
    send(
        handle,
        Command::UseAccount {
            settings: Box::new(account),
            password: Secret::from(PASSWORD),
        },
    );
    let registered = |state: &AccountState| matches!(state, AccountState::Registered { .. });
    wait_for(handle, |snapshot| {
        snapshot.accounts.iter().any(|one| registered(&one.state))
    })
}

pub(super) fn send(handle: &Handle, command: Command) {
    handle.send(command).expect("there is room");
}

fn dial_echo(snapshot: &Snapshot) -> Command {
    Command::Dial {
        account: snapshot.accounts[0].id,
        target: "600".into(),
    }
}

/// What happened to one call, as far as holding goes, until it was taken back.
fn until_resumed(talking: &Talking, which: CallId) -> Vec<&'static str> {
    let mut began = None;
    let mut seen = Vec::new();
    while seen.last() != Some(&"resumed") {
        let stamped = talking
            .events
            .recv_timeout(SOON)
            .expect("something happens");
        let began = *began.get_or_insert(stamped.at);
        assert!(stamped.at < began + SOON, "{seen:?}");
        match stamped.event {
            Event::Phone(agent::Event::Held { call, .. }) if call == which => seen.push("held"),
            Event::Phone(agent::Event::Resumed { call, .. }) if call == which => {
                seen.push("resumed");
            }
            _ => {}
        }
    }
    seen
}

#[test]
fn a_call_that_is_just_being_held_is_taken_back_into_the_conference() {
    let home = tempfile::tempdir().expect("a folder");
    let talking = talk(home.path(), home.path());
    let (handle, first) = (&talking.handle, talking.call);
    send(handle, dial_echo(&handle.snapshot()));
    let snapshot = wait_for(handle, |snapshot| {
        let mut calls = snapshot.calls.iter().map(|call| &call.phase);
        let held = calls
            .clone()
            .any(|phase| matches!(phase, CallPhase::OnHold(_)));
        held && calls.any(|phase| *phase == CallPhase::Connected)
    });
    let mut calls = snapshot.calls.iter().map(|call| call.id);
    let second = calls.find(|id| *id != first).expect("another call");
    // Going on with the first has the second wait; before the far side has answered that, both are
    // wanted in one conference.
    send(handle, Command::Phone(agent::Command::Resume(first)));
    let (call, other) = (first, second);
    send(handle, Command::Join { call, other });
    assert_eq!(until_resumed(&talking, second), ["held", "resumed"]);
}
