//! The engine as its faces see it: commands in, snapshots out.

#[path = "engine/finding.rs"]
mod finding;
#[path = "engine/messages.rs"]
mod messages;
#[path = "engine/reception.rs"]
mod reception;
#[path = "engine/recordings.rs"]
mod recordings;
#[path = "engine/talking.rs"]
mod talking;
#[path = "engine/team.rs"]
mod team;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use ramal::agent::{AccountState, AgentConfig};
use ramal::audio::{SinkChoice, SourceChoice};
use ramal::engine::{
    self, Command, EngineConfig, Handle, KeepChats, Loudness, MediaConfig, Snapshot, SoundTest,
};
use ramal::redact::Secret;
use ramal::store::{AccountSettings, SecretError, Secrets, Settings, SettingsFile};

/// How long a busy machine may take for what happens at once.
const SOON: Duration = Duration::from_secs(10);

/// A keyring that waits for its owner, until the other end of the channel is dropped.
struct Locked(Receiver<()>);

impl Secrets for Locked {
    fn put(&mut self, _account: u32, _password: &Secret<String>) -> Result<(), SecretError> {
        Ok(())
    }

    fn find(&mut self, _account: u32) -> Result<Option<Secret<String>>, SecretError> {
        let _ = self.0.recv();
        Ok(None)
    }

    fn remove(&mut self, _account: u32) -> Result<(), SecretError> {
        Ok(())
    }
}

/// Waits for a snapshot that is as wanted.
fn wait_for(handle: &Handle, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let (wake, woken) = sync_channel(1);
    handle.set_waker(Box::new(move || {
        // Full: a look is due already.
        let _ = wake.try_send(());
    }));
    loop {
        let snapshot = handle.snapshot();
        if wanted(&snapshot) {
            return snapshot;
        }
        woken.recv_timeout(SOON).expect("a snapshot as wanted");
    }
}

fn with_settings(settings: Settings, file: SettingsFile) -> (EngineConfig, SyncSender<()>) {
    let (unlock, locked) = sync_channel(1);
    let config = EngineConfig {
        bind: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port: 0,
        dns: None,
        agent: AgentConfig::default(),
        media: MediaConfig {
            rtp_ports: None,
            source: SourceChoice::Silence,
            sink: SinkChoice::Discard,
            ..MediaConfig::default()
        },
        settings: Some((file, settings)),
        chats: KeepChats::InMemory,
        secrets: Box::new(Locked(locked)),
        hear_interrupts: false,
    };
    (config, unlock)
}

#[test]
fn nobody_waits_for_a_keyring_that_waits_for_its_owner() {
    let folder = tempfile::tempdir().expect("a folder for the settings");
    let settings = Settings {
        accounts: vec![AccountSettings {
            id: 7,
            // Nobody answers on the discard port.
            address: "1001@127.0.0.1:9".into(),
            ..AccountSettings::default()
        }],
        ..Settings::default()
    };
    let file = SettingsFile::in_folder(folder.path());
    let (config, unlock) = with_settings(settings, file);
    let (handle, _events) = engine::start(config).expect("loopback is there");
    let snapshot = wait_for(&handle, |snapshot| !snapshot.accounts.is_empty());
    assert_eq!(snapshot.accounts[0].user, "1001");
    assert_eq!(snapshot.accounts[0].settings.id, 7);
    assert_eq!(snapshot.accounts[0].state, AccountState::Registering);

    // Whoever quits meanwhile does not wait for the owner either.
    let (end, ended) = sync_channel(1);
    std::thread::Builder::new()
        .name("quitting".into())
        .spawn(move || {
            drop(handle);
            let _ = end.send(());
        })
        .expect("threads can be started");
    assert_eq!(ended.recv_timeout(SOON), Ok(()), "the engine ends");
    drop(unlock);
}

#[test]
fn volumes_are_kept_and_a_muted_speaker_is_not() {
    let folder = tempfile::tempdir().expect("a folder for the settings");
    let file = SettingsFile::in_folder(folder.path());
    let kept = Settings {
        output_gain_db: 4,
        ..Settings::default()
    };
    let (config, _unlock) = with_settings(kept, file.clone());
    let (handle, _events) = engine::start(config).expect("loopback is there");
    let chosen = |snapshot: &Snapshot| snapshot.loudness.chosen;
    // With the first picture of the phone there is: nothing has to be chosen for it.
    wait_for(&handle, |snapshot| chosen(snapshot).output_db == 4);
    // As one that is drawn along: many in a row.
    for input_db in -5..=99 {
        let loudness = Loudness {
            input_db,
            output_db: 4,
            sidetone_db: Some(-20),
            output_muted: true,
        };
        let taken = handle.send(Command::SetLoudness(loudness));
        taken.expect("there is room");
    }
    let wanted = |snapshot: &Snapshot| chosen(snapshot).input_db == 20;
    assert!(chosen(&wait_for(&handle, wanted)).output_muted);
    assert!(handle.snapshot().notices.is_empty(), "nothing was lost");
    drop(handle);
    let settings = file.load().expect("they were saved").settings;
    let found = (settings.input_gain_db, settings.sidetone_db);
    assert_eq!(found, (20, Some(-20)));
    let (config, _unlock) = with_settings(settings, file);
    let (handle, _events) = engine::start(config).expect("loopback is there");
    assert!(!chosen(&handle.snapshot()).output_muted);
}

#[test]
fn a_test_of_sound_is_shown_until_somebody_ends_it() {
    let folder = tempfile::tempdir().expect("a folder for the settings");
    let file = SettingsFile::in_folder(folder.path());
    let (config, _unlock) = with_settings(Settings::default(), file);
    let (handle, _events) = engine::start(config).expect("loopback is there");
    for test in [Some(SoundTest::Microphone), None] {
        let taken = handle.send(Command::TestSound(test));
        taken.expect("there is room");
        wait_for(&handle, |snapshot| snapshot.loudness.test == test);
    }
}
