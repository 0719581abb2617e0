//! Whom an account watches, as the faces see it, on the built-in lab.

use std::net::{IpAddr, Ipv4Addr};

use ramal::agent::{AccountId, AccountState, Availability};
use ramal::engine::{self, Command, Snapshot};
use ramal::events::dialog_info::Lamp;
use ramal::lab::{self, Lab, LabConfig};
use ramal::redact::Secret;
use ramal::store::{AccountSettings, Settings, SettingsFile, WatchedSettings};

use super::{wait_for, with_settings};

fn watched(number: &str) -> WatchedSettings {
    WatchedSettings {
        number: number.to_owned(),
        ..WatchedSettings::default()
    }
}

#[test]
fn lamps_mailbox_and_ones_own_presence_are_in_the_picture() {
    let lab = Lab::start(LabConfig {
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        seed: 1,
    })
    .expect("loopback is there");
    let folder = tempfile::tempdir().expect("a folder for the settings");
    let file = SettingsFile::in_folder(folder.path());
    let (config, unlock) = with_settings(Settings::default(), file.clone());
    let (handle, _events) = engine::start(config).expect("loopback is there");
    let ana = WatchedSettings {
        name: Some("Ana".to_owned()),
        presence: true,
        ..watched("700")
    };
    let settings = AccountSettings {
        address: format!("1001@{}", lab.address()),
        publish_presence: true,
        watched: vec![ana, watched("999"), watched("749")],
        ..AccountSettings::default()
    };
    let save = Command::SaveAccount {
        settings: Box::new(settings.clone()),
        password: Some(Secret::from(lab::PASSWORD)),
    };
    handle.send(save).expect("the engine runs");
    let lit = |snapshot: &Snapshot, at: usize| {
        let member = snapshot.team.get(at);
        member.is_some_and(|member| member.lamp.lamp != Lamp::Unknown)
    };
    let snapshot = wait_for(&handle, |snapshot| {
        lit(snapshot, 0)
            && lit(snapshot, 2)
            && snapshot.team[1].trouble.is_some()
            && snapshot.team[0].presence.is_some()
            && snapshot.accounts[0].mailbox.is_some()
            && snapshot.accounts[0].published
    });
    let names: Vec<_> = snapshot.team.iter().map(|it| it.name.as_deref()).collect();
    assert_eq!(names, [Some("Ana"), None, None]);
    let mailbox = snapshot.accounts[0].mailbox.clone().expect("it was told");
    assert!(mailbox.waiting);
    assert_eq!((mailbox.new, mailbox.old), (Some(2), Some(5)));

    // A list of its own: those that stay are asked for again, the others are gone.
    let account = AccountId(1);
    let less = vec![watched("749")];
    let set = Command::SetTeam {
        account,
        watched: less.clone(),
    };
    handle.send(set).expect("the engine runs");
    let snapshot = wait_for(&handle, |it| it.team.len() == 1 && lit(it, 0));
    assert_eq!(snapshot.team[0].number, "749");
    // Who edits the account with what was there before does not bring the old list back.
    let save = Command::SaveAccount {
        settings: Box::new(AccountSettings {
            id: 1,
            display_name: Some("Recepção".to_owned()),
            ..settings
        }),
        password: None,
    };
    handle.send(save).expect("the engine runs");
    let busy = Command::SetAvailability(Availability::Busy);
    handle.send(busy).expect("the engine runs");
    let snapshot = wait_for(&handle, |snapshot| {
        let account = &snapshot.accounts[0];
        account.display_name.is_some()
            && matches!(account.state, AccountState::Registered { .. })
            && account.published
            && snapshot.availability == Availability::Busy
            && lit(snapshot, 0)
    });
    assert_eq!(snapshot.team.len(), 1);
    handle
        .send(Command::ForgetAccount(account))
        .expect("the engine runs");
    wait_for(&handle, |snapshot| snapshot.team.is_empty());
    drop(unlock);
}
