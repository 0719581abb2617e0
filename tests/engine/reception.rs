//! Rules for calls that come in: changed at once, shown, and kept.

use ramal::engine::{self, Command, Notice, ReceptionWish, Snapshot};
use ramal::store::{AccountSettings, ForwardSettings, ReceptionSettings, Settings, SettingsFile};

use super::{wait_for, with_settings};

fn one_account() -> Settings {
    let account = AccountSettings {
        id: 7,
        // Nobody answers on the discard port.
        address: "1001@127.0.0.1:9".into(),
        ..AccountSettings::default()
    };
    Settings {
        accounts: vec![account],
        ..Settings::default()
    }
}

#[test]
fn rules_for_incoming_calls_are_shown_and_kept() {
    let folder = tempfile::tempdir().expect("a folder for the settings");
    let file = SettingsFile::in_folder(folder.path());
    let (config, _unlock) = with_settings(one_account(), file.clone());
    let (handle, _events) = engine::start(config).expect("loopback is there");
    wait_for(&handle, |snapshot| !snapshot.accounts.is_empty());
    let ask = |account, wish| {
        let taken = handle.send(Command::Reception { account, wish });
        taken.expect("there is room");
    };
    ask(None, ReceptionWish::DoNotDisturb(true));
    let undisturbed = |snapshot: &Snapshot| {
        let rules = &snapshot.accounts[0].reception;
        rules.do_not_disturb.is_some()
    };
    let shown = wait_for(&handle, undisturbed);
    assert!(shown.accounts[0].settings.reception.do_not_disturb.on);
    ask(None, ReceptionWish::ForwardAlways(Some("1005".into())));
    let forwards = |snapshot: &Snapshot| {
        let rules = &snapshot.accounts[0].reception;
        let to = rules.forward_always.as_ref().map(|it| it.to.to_string());
        to.as_deref() == Some("sip:1005@127.0.0.1:9")
    };
    wait_for(&handle, forwards);
    // What cannot be kept changes nothing, and is told.
    let nowhere = ReceptionSettings {
        forward_busy: ForwardSettings {
            on: true,
            ..ForwardSettings::default()
        },
        ..ReceptionSettings::default()
    };
    ask(None, ReceptionWish::Rules(Box::new(nowhere)));
    let told = |snapshot: &Snapshot| snapshot.notices == [Notice::ReceptionUnusable];
    let shown = wait_for(&handle, told);
    assert!(undisturbed(&shown) && forwards(&shown));
    // Whoever edits the account meanwhile leaves its rules alone.
    let edited = Command::SaveAccount {
        settings: Box::new(AccountSettings {
            display_name: Some("Ana".into()),
            ..one_account().accounts.remove(0)
        }),
        password: None,
    };
    handle.send(edited).expect("there is room");
    let named = |snapshot: &Snapshot| snapshot.accounts[0].display_name.is_some();
    assert!(undisturbed(&wait_for(&handle, named)));
    drop(handle);
    let kept = file.load().expect("they were saved").settings;
    let rules = &kept.accounts[0].reception;
    assert!(rules.do_not_disturb.on && rules.forward_always.to == "1005");
}
