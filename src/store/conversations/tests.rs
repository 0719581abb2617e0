use std::fs;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::damaged::with_ending;
use super::*;

const ANA: &str = "sip:ana@pbx.example";
const BIA: &str = "sip:bia@pbx.example";
/// Noon of a day in 2026.
const NOON: u64 = 1_780_000_000;

fn came(peer: &str, text: &str) -> NewRecord {
    NewRecord {
        account: 1,
        peer: peer.to_owned(),
        name: Some("Ana".to_owned()),
        text: text.to_owned(),
        at_ms: NOON * 1000,
        sending: None,
    }
}

fn ours(peer: &str, text: &str, until_unix: Option<u64>) -> NewRecord {
    NewRecord {
        name: None,
        sending: Some(Sending { until_unix }),
        ..came(peer, text)
    }
}

fn add(record: NewRecord) -> ChatOrder {
    ChatOrder::Add(Box::new(record))
}

/// A desk without a thread, and what it says.
fn desk(file: Option<&Path>) -> (Desk<impl Fn(ChatAnswer) + use<>>, Receiver<ChatAnswer>) {
    let (tell, told) = sync_channel(1_000);
    let desk = Desk::open(
        file.map(Path::to_owned),
        file.is_some(),
        NOON,
        move |answer| {
            tell.send(answer).unwrap();
        },
    );
    (desk, told)
}

/// What is told after these orders.
fn after<A: Fn(ChatAnswer)>(desk: &mut Desk<A>, orders: &[ChatOrder]) -> Told {
    for order in orders {
        desk.carry_out(order);
    }
    desk.database.told(&desk.window).unwrap()
}

fn texts(page: &Page) -> Vec<&str> {
    let messages = page.messages.iter();
    messages.map(|message| message.text.as_str()).collect()
}

fn unsent(answers: &Receiver<ChatAnswer>) -> Vec<Unsent> {
    let answers = answers.try_iter();
    let unsent = answers.filter_map(|answer| match answer {
        ChatAnswer::ToSend(unsent) => Some(unsent),
        _ => None,
    });
    unsent.collect()
}

#[test]
fn conversations_are_listed_by_their_last_message_with_what_nobody_has_read() {
    let (mut desk, _told) = desk(None);
    let told = after(
        &mut desk,
        &[
            add(came(ANA, "um")),
            add(came(BIA, "dois")),
            add(came(ANA, "três 👩\u{200d}💻")),
        ],
    );
    let list: Vec<_> = told
        .list
        .iter()
        .map(|one| (one.peer.as_str(), one.last.text.as_str(), one.unread))
        .collect();
    assert_eq!(list, [(ANA, "três 👩\u{200d}💻", 2), (BIA, "dois", 1)]);
    assert_eq!((told.unread, told.open), (3, None));
    let read = ChatOrder::Read {
        account: 1,
        peer: ANA.to_owned(),
    };
    let told = after(&mut desk, &[read]);
    assert_eq!((told.unread, told.list[0].unread), (1, 0));
    let long = after(&mut desk, &[add(came(ANA, &"ã".repeat(9_000)))]);
    assert_eq!(long.list[0].last.text, "ã".repeat(200));
    // The same address under another account is another conversation.
    let other = NewRecord {
        account: 2,
        ..came(ANA, "quatro")
    };
    assert_eq!(after(&mut desk, &[add(other)]).list.len(), 3);
    let told = after(&mut desk, &[ChatOrder::ForgetAccount(1)]);
    assert_eq!((told.list.len(), told.unread), (1, 1));
}

#[test]
fn a_message_of_ours_is_told_to_be_sent_and_keeps_how_it_stands() {
    let (mut desk, told) = desk(None);
    desk.carry_out(&ChatOrder::Open(Some((1, BIA.to_owned()))));
    desk.carry_out(&add(ours(BIA, "um", Some(NOON + 60))));
    let sent = unsent(&told).remove(0);
    assert_eq!((sent.peer.as_str(), sent.text.as_str()), (BIA, "um"));
    assert_eq!((sent.account, sent.until_unix), (1, Some(NOON + 60)));
    let stands = |desk: &mut Desk<_>, state: RecordState| {
        let order = ChatOrder::Change { id: sent.id, state };
        after(desk, &[order]).open.unwrap().messages[0]
            .state
            .clone()
    };
    let waiting = RecordState::Waiting {
        cause: "unavailable".to_owned(),
    };
    let failed = RecordState::Failed {
        cause: "not_found".to_owned(),
        status: Some(404),
        reason: Some("Not Found".to_owned()),
    };
    for state in [waiting, RecordState::Delivered, failed] {
        assert_eq!(stands(&mut desk, state.clone()), state);
    }
    // Tried again it stands at the end, once.
    desk.carry_out(&add(came(BIA, "dois")));
    let again = ChatOrder::Again {
        id: sent.id,
        sending: Sending { until_unix: None },
        at_ms: NOON * 1000 + 5,
    };
    let open = after(&mut desk, &[again.clone(), again]).open.unwrap();
    assert_eq!(texts(&open), ["dois", "um"]);
    assert_eq!(open.messages[1].state, RecordState::Sending);
    let sent_again = unsent(&told);
    assert_eq!(sent_again.len(), 1, "it has not failed a second time");
    assert!(sent_again[0].id > sent.id);
    // A late word about the first one meets nobody; and what came stays as it is.
    for id in [sent.id, open.messages[0].id] {
        let state = RecordState::Delivered;
        desk.carry_out(&ChatOrder::Change { id, state });
    }
    let states = after(&mut desk, &[]).open.unwrap().messages;
    assert_eq!(states[0].state, RecordState::Received);
    assert_eq!(states[1].state, RecordState::Sending);
}

#[test]
fn a_long_conversation_is_told_by_the_page_and_never_as_a_whole() {
    let (mut desk, _told) = desk(None);
    for number in 0..1_200 {
        desk.carry_out(&add(came(ANA, &number.to_string())));
    }
    let open = ChatOrder::Open(Some((1, ANA.to_owned())));
    let page = after(&mut desk, std::slice::from_ref(&open)).open.unwrap();
    assert_eq!(page.messages.len(), 50);
    assert_eq!(page.messages[0].text, "1150");
    assert_eq!(page.messages[49].text, "1199");
    assert!(page.more);
    let page = after(&mut desk, &[ChatOrder::Older]).open.unwrap();
    assert_eq!((page.messages.len(), page.more), (100, true));
    let older = vec![ChatOrder::Older; 100];
    let page = after(&mut desk, &older).open.unwrap();
    assert_eq!(page.messages.len(), 1_000);
    let close = [ChatOrder::Open(None), open];
    assert_eq!(after(&mut desk, &close).open.unwrap().messages.len(), 50);
    let forget = ChatOrder::Forget {
        account: 1,
        peer: ANA.to_owned(),
    };
    let told = after(&mut desk, &[forget]);
    assert_eq!(told.list, []);
    assert_eq!(told.open.unwrap().messages, []);
}

#[test]
fn what_is_kept_is_there_after_the_program_and_is_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep").join("messages.db");
    let (tell, told) = sync_channel(100);
    let start = |tell: SyncSender<ChatAnswer>| {
        let answer = move |answer| tell.send(answer).unwrap();
        Conversations::start(Some(file.clone()), true, NOON, answer).unwrap()
    };
    let conversations = start(tell.clone());
    conversations.give(add(came(ANA, "um"))).unwrap();
    drop(conversations);
    #[cfg(unix)]
    for ending in ["", "-wal", "-shm"] {
        use std::os::unix::fs::PermissionsExt;
        if let Ok(found) = fs::metadata(with_ending(&file, ending)) {
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{ending}");
        }
    }
    drop(start(tell));
    let Some(ChatAnswer::Told(last)) = told.try_iter().last() else {
        panic!("nothing told");
    };
    assert_eq!(last.list[0].last.text, "um");
    assert_eq!(last.list[0].unread, 1);
}

#[test]
fn what_was_on_its_way_is_taken_up_again_or_said_to_have_failed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.db");
    let (mut before, _told) = desk(Some(&file));
    before.carry_out(&add(ours(BIA, "once", None)));
    before.carry_out(&add(ours(BIA, "too late", Some(NOON))));
    before.carry_out(&add(ours(BIA, "in time", Some(NOON + 1))));
    drop(before);
    let (mut desk, told) = desk(Some(&file));
    let taken_up = unsent(&told);
    let taken_up: Vec<&str> = taken_up.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(taken_up, ["in time"]);
    let open = ChatOrder::Open(Some((1, BIA.to_owned())));
    let page = after(&mut desk, &[open]).open.unwrap();
    let interrupted = RecordState::Failed {
        cause: "interrupted".to_owned(),
        status: None,
        reason: None,
    };
    assert_eq!(page.messages[0].state, interrupted);
    assert_eq!(page.messages[1].state, interrupted);
    assert_eq!(page.messages[2].state, RecordState::Sending);
}

/// The program is killed: what is in the files at that moment is all there is.
fn as_killed(file: &Path, into: &Path) {
    for ending in ["", "-wal"] {
        let from = with_ending(file, ending);
        if from.exists() {
            fs::copy(&from, with_ending(into, ending)).unwrap();
        }
    }
}

#[test]
fn a_program_that_is_killed_in_mid_write_loses_only_what_it_was_writing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.db");
    let (mut desk_before, _told) = desk(Some(&file));
    for number in 1..=20 {
        desk_before.carry_out(&add(came(ANA, &number.to_string())));
    }
    let writing = desk_before.database.connection.transaction().unwrap();
    writing
        .execute("UPDATE message SET text = 'half'", [])
        .unwrap();
    let killed = folder.path().join("killed.db");
    as_killed(&file, &killed);
    drop(writing);
    let open = ChatOrder::Open(Some((1, ANA.to_owned())));
    let (mut desk_after, told) = desk(Some(&killed));
    let page = after(&mut desk_after, std::slice::from_ref(&open))
        .open
        .unwrap();
    let expected: Vec<String> = (1..=20).map(|number: u32| number.to_string()).collect();
    assert_eq!(texts(&page), expected);
    assert!(told.try_iter().next().is_none(), "nothing is amiss");

    // Of a log that was cut anywhere, the messages before the cut are there, and no half one.
    let log = fs::read(with_ending(&file, "-wal")).unwrap();
    for cut in [log.len() - 1, log.len() / 2, 1_000, 10] {
        let torn = folder.path().join(format!("torn-{cut}.db"));
        as_killed(&file, &torn);
        fs::write(with_ending(&torn, "-wal"), &log[..cut]).unwrap();
        let (mut desk, told) = desk(Some(&torn));
        let page = after(&mut desk, std::slice::from_ref(&open)).open.unwrap();
        assert_eq!(texts(&page), expected[..page.messages.len()], "{cut}");
        assert!(told.try_iter().next().is_none(), "{cut}");
    }
}

#[test]
fn a_damaged_file_is_put_aside_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.db");
    for number in 1..=2 {
        fs::write(&file, format!("no database at all, number {number}")).unwrap();
        let (mut desk, told) = desk(Some(&file));
        let Ok(ChatAnswer::SetAside(aside)) = told.try_recv() else {
            panic!("not told");
        };
        let name = format!("messages.damaged-{number}.db");
        assert_eq!(aside, folder.path().join(name));
        let kept = fs::read_to_string(&aside).unwrap();
        assert_eq!(kept, format!("no database at all, number {number}"));
        assert_eq!(after(&mut desk, &[add(came(ANA, "um"))]).list.len(), 1);
        drop(desk);
    }
}

#[test]
fn a_file_that_is_damaged_while_it_is_open_is_put_aside_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.db");
    let (mut before, _told) = desk(Some(&file));
    // More than SQLite keeps in memory of it.
    for _ in 0..300 {
        before.carry_out(&add(came(ANA, &"x".repeat(16_000))));
    }
    drop(before);
    let (mut desk, told) = desk(Some(&file));
    let length = fs::metadata(&file).unwrap().len();
    let garbage = vec![0xa5; usize::try_from(length).unwrap()];
    fs::write(&file, garbage).unwrap();
    desk.carry_out(&ChatOrder::Open(Some((1, ANA.to_owned()))));
    desk.tell();
    desk.carry_out(&add(came(BIA, "um")));
    desk.tell();
    let answers: Vec<ChatAnswer> = told.try_iter().collect();
    let aside = |answer: &ChatAnswer| matches!(answer, ChatAnswer::SetAside(_));
    assert!(answers.iter().any(aside), "{answers:?}");
    let Some(ChatAnswer::Told(last)) = answers.last() else {
        panic!("{answers:?}");
    };
    assert_eq!(last.list.len(), 1, "the new message is in the new file");
    assert_eq!(last.list[0].last.text, "um");
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.db");
    drop(desk(Some(&file)));
    let later = rusqlite::Connection::open(&file).unwrap();
    later.pragma_update(None, "user_version", 2).unwrap();
    drop(later);
    let before = fs::read(&file).unwrap();
    let (mut desk, told) = desk(Some(&file));
    assert!(matches!(told.try_recv(), Ok(ChatAnswer::NotKept(_))));
    assert_eq!(after(&mut desk, &[add(came(ANA, "um"))]).list.len(), 1);
    drop(desk);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn who_keeps_nothing_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.db");
    let (tell, told) = sync_channel(100);
    let answer = move |answer| tell.send(answer).unwrap();
    let conversations = Conversations::start(Some(file.clone()), false, NOON, answer).unwrap();
    conversations.give(add(came(ANA, "secret"))).unwrap();
    drop(conversations);
    assert!(!file.exists());
    let Some(ChatAnswer::Told(last)) = told.try_iter().last() else {
        panic!("nothing told");
    };
    assert_eq!(last.list.len(), 1, "it is seen while the program runs");

    // What was kept before stays in the file, and is there again.
    let (mut desk, _told) = desk(Some(&file));
    desk.carry_out(&add(came(ANA, "kept")));
    let told = after(
        &mut desk,
        &[ChatOrder::Keep(false), add(came(BIA, "secret"))],
    );
    assert_eq!(told.list.len(), 1);
    assert_eq!(told.list[0].peer, BIA);
    let told = after(&mut desk, &[ChatOrder::Keep(true)]);
    assert_eq!(told.list.len(), 1);
    assert_eq!(told.list[0].peer, ANA);
}

#[test]
fn a_burst_of_orders_is_told_of_once() {
    let (tell, told) = sync_channel(1_000);
    let (go, wait) = sync_channel::<()>(0);
    let first = std::sync::atomic::AtomicBool::new(true);
    let answer = move |answer| {
        if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            wait.recv().unwrap();
        }
        tell.send(answer).unwrap();
    };
    let conversations = Conversations::start(None, false, NOON, answer).unwrap();
    for number in 0..200 {
        let order = add(came(ANA, &number.to_string()));
        conversations.give(order).unwrap();
    }
    go.send(()).unwrap();
    drop(conversations);
    let answers = told.try_iter().count();
    assert!(answers <= 3, "{answers}");
}

#[test]
fn a_queue_that_is_full_hands_back() {
    let (go, wait) = sync_channel::<()>(0);
    let answer = move |_| {
        let _ = wait.recv_timeout(Duration::from_secs(10));
    };
    let conversations = Conversations::start(None, false, NOON, answer).unwrap();
    let mut taken = 0;
    while conversations.give(add(came(ANA, "um"))).is_ok() {
        taken += 1;
    }
    assert!((256..=257).contains(&taken), "{taken}");
    drop(go);
    drop(conversations);
}
