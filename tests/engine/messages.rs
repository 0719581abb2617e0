//! Messages through the engine: written down, sent, answered by the lab's echo, and there again.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use ramal::agent::{AccountId, AccountState, AgentConfig, MessageFailure};
use ramal::engine::{
    self, ChatState, ChatWish, ChatsView, Command, EngineConfig, Handle, KeepChats, MediaConfig,
    Notice,
};
use ramal::lab::{Lab, LabConfig, PASSWORD};
use ramal::redact::Secret;
use ramal::store::{AccountSettings, MessageSettings, SessionSecrets, Settings, SettingsFile};

use super::wait_for;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ACCOUNT: AccountId = AccountId(1);

fn lab() -> Lab {
    let config = LabConfig {
        ip: LOCALHOST,
        port: 0,
        seed: 1,
    };
    Lab::start(config).expect("the lab")
}

/// A phone with extension 1001 of the lab, whose things are in this folder.
fn phone(folder: &Path, lab: &Lab) -> Handle {
    phone_of("1001", folder, lab)
}

fn phone_of(user: &str, folder: &Path, lab: &Lab) -> Handle {
    let file = SettingsFile::in_folder(folder);
    let settings = file.load().expect("settings").settings;
    let config = EngineConfig {
        bind: Some(LOCALHOST),
        port: 0,
        dns: None,
        agent: AgentConfig::default(),
        media: MediaConfig::default(),
        chats: KeepChats::In(file.conversations()),
        settings: Some((file, settings)),
        secrets: Box::<SessionSecrets>::default(),
        hear_interrupts: false,
    };
    let (handle, events) = engine::start(config).expect("an engine");
    drop(events);
    let settings = AccountSettings {
        id: ACCOUNT.0,
        address: format!("{user}@{}", lab.address()),
        ..AccountSettings::default()
    };
    handle
        .send(Command::SaveAccount {
            settings: Box::new(settings),
            password: Some(Secret::from(PASSWORD)),
        })
        .expect("taken");
    wait_for(&handle, |snapshot| {
        let accounts = snapshot.accounts.iter();
        accounts
            .map(|account| &account.state)
            .any(|state| matches!(state, AccountState::Registered { .. }))
    });
    handle
}

fn wish(handle: &Handle, wish: ChatWish) {
    handle.send(Command::Chat(wish)).expect("taken");
}

fn write(handle: &Handle, to: &str, text: &str) {
    let (account, to, text) = (ACCOUNT, to.to_owned(), text.to_owned());
    wish(handle, ChatWish::Write { account, to, text });
}

/// The texts of the open conversation and how they stand.
fn open(chats: &ChatsView) -> Vec<(&str, &ChatState)> {
    let messages = chats.open.iter().flat_map(|open| &open.messages);
    messages
        .map(|message| (message.text.as_str(), &message.state))
        .collect()
}

#[test]
fn a_message_is_delivered_answered_read_and_there_again_after_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let lab = lab();
    let handle = phone(folder.path(), &lab);
    write(&handle, "600", "Olá 👋");
    let expected = [
        ("Olá 👋", &ChatState::Delivered),
        ("Olá 👋", &ChatState::Received),
    ];
    let snapshot = wait_for(&handle, |snapshot| open(&snapshot.chats) == expected);
    assert_eq!(snapshot.chats.unread, 1);
    let [conversation] = &snapshot.chats.conversations[..] else {
        panic!("{:?}", snapshot.chats);
    };
    assert_eq!(conversation.peer, format!("sip:600@{}", lab.address()));
    wish(&handle, ChatWish::Read);
    wait_for(&handle, |snapshot| snapshot.chats.unread == 0);

    // Nobody has this number; tried again it fails again, and is there once.
    write(&handle, "699", "Alguém?");
    let failed = ChatState::Failed {
        cause: MessageFailure::NotFound,
        status: Some(404),
        reason: Some("Not Found".to_owned()),
    };
    let only_failed = [("Alguém?", &failed)];
    let snapshot = wait_for(&handle, |snapshot| open(&snapshot.chats) == only_failed);
    let first = snapshot.chats.open.as_ref().expect("open").messages[0].id;
    wish(&handle, ChatWish::Again(first));
    let snapshot = wait_for(&handle, |snapshot| {
        let again = snapshot.chats.open.as_ref().expect("open");
        open(&snapshot.chats) == only_failed && again.messages[0].id > first
    });
    assert_eq!(snapshot.chats.conversations.len(), 2);
    write(&handle, "two words", "?");
    wait_for(&handle, |snapshot| {
        let refused = |notice: &Notice| matches!(notice, Notice::Refused(_));
        snapshot.notices.iter().any(refused)
    });
    drop(handle);

    let handle = phone(folder.path(), &lab);
    let snapshot = wait_for(&handle, |snapshot| snapshot.chats.conversations.len() == 2);
    assert_eq!(snapshot.chats.conversations[0].last.text, "Alguém?");
    assert!(snapshot.chats.open.is_none());
    wish(&handle, ChatWish::Open(Some((ACCOUNT, "600".to_owned()))));
    wait_for(&handle, |snapshot| open(&snapshot.chats) == expected);
    let forget = ChatWish::Forget {
        account: ACCOUNT,
        peer: format!("sip:600@{}", lab.address()),
    };
    wish(&handle, forget);
    wait_for(&handle, |snapshot| snapshot.chats.conversations.len() == 1);
    // With the account its conversations go.
    handle.send(Command::ForgetAccount(ACCOUNT)).expect("taken");
    wait_for(&handle, |snapshot| snapshot.chats.conversations.is_empty());
}

#[test]
fn a_message_to_who_is_away_outlives_the_program_and_comes_when_both_are_there() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let lab = lab();
    let writes = phone(folders[0].path(), &lab);
    write(&writes, "1002", "Cheguei");
    let waiting = ChatState::Waiting(MessageFailure::Unavailable);
    wait_for(&writes, |snapshot| {
        open(&snapshot.chats) == [("Cheguei", &waiting)]
    });
    drop(writes);
    let reads = phone_of("1002", folders[1].path(), &lab);
    let writes = phone(folders[0].path(), &lab);
    let snapshot = wait_for(&reads, |snapshot| snapshot.chats.unread == 1);
    let [conversation] = &snapshot.chats.conversations[..] else {
        panic!("{:?}", snapshot.chats);
    };
    assert_eq!(conversation.last.text, "Cheguei");
    assert_eq!(conversation.peer, format!("sip:1001@{}", lab.address()));
    let delivered = |chats: &ChatsView| {
        let mut list = chats.conversations.iter();
        list.any(|one| one.last.state == ChatState::Delivered)
    };
    wait_for(&writes, |snapshot| delivered(&snapshot.chats));
}

#[test]
fn a_phone_that_keeps_no_messages_writes_none_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        messages: MessageSettings {
            keep: false,
            ..MessageSettings::default()
        },
        ..Settings::default()
    };
    let file = SettingsFile::in_folder(folder.path());
    file.save(&settings).expect("saved");
    let lab = lab();
    let handle = phone(folder.path(), &lab);
    write(&handle, "600", "segredo");
    wait_for(&handle, |snapshot| snapshot.chats.unread == 1);
    drop(handle);
    assert!(!file.conversations().exists());
}
