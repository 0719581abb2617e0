//! Messages between phones: in order, once, and told when they were not brought there.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use ramal::agent::{
    AccountConfig, AgentConfig, Command, Event, Message, MessageFailure, MessageId, MessagePolicy,
    MessageProgress, NewMessage,
};
use ramal::sip::{Message as SipMessage, Request, Transport, parse_datagram};

use super::sim::story::{
    ACCOUNT, ANA, BIA, CALL, DOMAIN, PBX, add, assert_forgotten, count, extension, house,
    is_registered, lose, registered_phones, secs, talk, two_phones,
};
use super::sim::stranger::{self, Line, STRANGER};
use super::sim::{Datagram, Weather, World};
use super::strangers::{acknowledge, call_in, say_goodbye};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn write(world: &mut World, phone: usize, message: u64, to: &str, text: &str) {
    write_for(world, phone, message, (to, text), Duration::ZERO);
}

/// Writes a message that is tried again for some time.
fn write_for(
    world: &mut World,
    phone: usize,
    message: u64,
    (to, text): (&str, &str),
    retry_for: Duration,
) {
    let message = NewMessage {
        account: ACCOUNT,
        message: MessageId(message),
        to: to.to_owned(),
        text: text.to_owned(),
        retry_for,
    };
    world.ask(phone, Command::SendMessage(Box::new(message)));
}

/// What came to a phone, oldest first.
fn received(world: &World, phone: usize) -> Vec<Message> {
    let events = world.phones[phone].events.iter();
    let messages = events.filter_map(|event| match event {
        Event::Message(message) => Some((**message).clone()),
        _ => None,
    });
    messages.collect()
}

fn texts(world: &World, phone: usize) -> Vec<String> {
    let received = received(world, phone).into_iter();
    received.map(|message| message.text).collect()
}

/// How a message went, step by step.
fn steps(world: &World, phone: usize, message: u64) -> Vec<MessageProgress> {
    let events = world.phones[phone].events.iter();
    let steps = events.filter_map(|event| match event {
        Event::MessageProgress {
            message: of,
            progress,
        } if *of == MessageId(message) => Some(progress.clone()),
        _ => None,
    });
    steps.collect()
}

/// Where a message stands.
fn last(world: &World, phone: usize, message: u64) -> Option<MessageProgress> {
    steps(world, phone, message).pop()
}

fn failure(world: &World, phone: usize, message: u64) -> Option<(MessageFailure, Option<u16>)> {
    match last(world, phone, message) {
        Some(MessageProgress::Failed { cause, status, .. }) => Some((cause, status)),
        _ => None,
    }
}

fn waits_for(world: &World, phone: usize, message: u64) -> Option<MessageFailure> {
    match last(world, phone, message) {
        Some(MessageProgress::Waiting { cause, .. }) => Some(cause),
        _ => None,
    }
}

fn delivered(world: &World, phone: usize, message: u64) -> bool {
    last(world, phone, message) == Some(MessageProgress::Delivered)
}

fn typing(world: &World, phone: usize) -> Vec<bool> {
    let events = world.phones[phone].events.iter();
    let told = events.filter_map(|event| match event {
        Event::Typing { writes, .. } => Some(*writes),
        _ => None,
    });
    told.collect()
}

/// The MESSAGEs that left an address.
fn sent(world: &World, addr: &str) -> Vec<Request> {
    let addr = addr.parse().expect("an address");
    let log = world.log.iter().map(|(_, datagram)| datagram);
    let requests = log
        .filter(|datagram| datagram.from == addr)
        .filter_map(
            |datagram| match parse_datagram(&datagram.bytes).expect("a message").message {
                SipMessage::Request(request) => Some(request),
                SipMessage::Response(_) => None,
            },
        );
    requests
        .filter(|request| request.method.as_str() == "MESSAGE")
        .collect()
}

/// The registrar answers each MESSAGE with this in place of sending it on.
fn refuse(world: &mut World, status: u16, headers: &'static [(&'static str, &'static str)]) {
    world.registrars[0].instead = Some(Box::new(move |request| {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        (request.method.as_str() == "MESSAGE").then(|| (status, headers.collect()))
    }));
}

#[test]
fn a_message_goes_through_the_registrar_and_is_told_as_delivered() {
    let (mut world, ana, bia) = registered_phones(901);
    write(&mut world, ana, 1, "1002", "Olá, às três? 👩\u{200d}💻");
    world.run(secs(1));
    let expected = [MessageProgress::Sending, MessageProgress::Delivered];
    assert_eq!(steps(&world, ana, 1), expected);
    let [message] = &received(&world, bia)[..] else {
        panic!("{:?}", world.phones[bia].events);
    };
    assert_eq!(message.text, "Olá, às três? 👩\u{200d}💻");
    assert_eq!(message.from.uri, format!("sip:1001@{DOMAIN}"));
    assert_eq!((message.account, message.call), (ACCOUNT, None));
    let request = sent(&world, ANA).remove(0);
    assert!(request.headers.get(&"Contact".into()).is_none());
    assert_eq!(
        request.headers.get(&"Content-Type".into()),
        Some("text/plain;charset=UTF-8")
    );
    assert_forgotten(&mut world);
}

#[test]
fn a_challenged_message_is_repeated_with_credentials_and_the_next_one_brings_them() {
    for status in [401, 407] {
        let (mut world, ana, bia) = registered_phones(902);
        world.registrars[0].messages_ask = Some(status);
        write(&mut world, ana, 1, "1002", "um");
        world.run(secs(1));
        assert!(delivered(&world, ana, 1), "{:?}", steps(&world, ana, 1));
        assert_eq!(sent(&world, ANA).len(), 2);
        write(&mut world, ana, 2, "1002", "dois");
        world.run(secs(1));
        assert!(delivered(&world, ana, 2));
        assert_eq!(sent(&world, ANA).len(), 3, "nobody had to ask twice");
        assert_eq!(texts(&world, bia), ["um", "dois"]);
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_message_whose_password_is_wrong_says_so() {
    let (mut world, ana, bia) = registered_phones(903);
    world.registrars[0].messages_ask = Some(407);
    let known = world.registrars[0].passwords.get_mut("1001").expect("Ana");
    "other".clone_into(known);
    write(&mut world, ana, 1, "1002", "um");
    world.run(secs(1));
    let expected = Some((MessageFailure::WrongPassword, Some(407)));
    assert_eq!(failure(&world, ana, 1), expected);
    assert_eq!(texts(&world, bia), [""; 0]);
}

#[test]
fn messages_come_in_order_one_at_a_time() {
    let (mut world, ana, bia) = registered_phones(904);
    world.weather = Weather {
        jitter: Duration::from_millis(400),
        ..Weather::FINE
    };
    for message in 1..=20 {
        write(&mut world, ana, message, "1002", &message.to_string());
    }
    let on_their_way = |world: &World| sent(world, ANA).len();
    assert_eq!(on_their_way(&world), 1, "the others wait for its answer");
    world.run(secs(30));
    let expected: Vec<String> = (1..=20).map(|number| number.to_string()).collect();
    assert_eq!(texts(&world, bia), expected);
    assert!((1..=20).all(|message| delivered(&world, ana, message)));
    assert_forgotten(&mut world);
}

#[test]
fn who_is_slow_to_answer_does_not_keep_messages_to_others() {
    let (mut world, ana, bia) = registered_phones(905);
    write(&mut world, ana, 1, "sip:nobody@10.0.0.9", "um");
    write(&mut world, ana, 2, "1002", "dois");
    world.run(secs(1));
    assert_eq!(texts(&world, bia), ["dois"]);
    assert!(delivered(&world, ana, 2));
    world.run(secs(32));
    let expected = Some((MessageFailure::TimedOut, None));
    assert_eq!(failure(&world, ana, 1), expected);
    assert_forgotten(&mut world);
}

#[test]
fn a_lost_message_and_a_lost_200_are_sent_again_and_shown_once() {
    for lost in ["MESSAGE", "SIP/2.0 200"] {
        let (mut world, ana, bia) = two_phones(906);
        lose(&mut world, lost, 3);
        write(&mut world, ana, 1, &format!("sip:bia@{BIA}"), "um");
        world.run(secs(10));
        assert_eq!(sent(&world, ANA).len(), 4, "{lost}");
        assert_eq!(texts(&world, bia), ["um"], "{lost}");
        assert!(delivered(&world, ana, 1));
        assert_forgotten(&mut world);
    }
}

#[test]
fn what_comes_twice_and_late_is_shown_once() {
    let (mut world, ana, bia) = two_phones(907);
    world.weather = Weather {
        duplicates: 100,
        jitter: secs(2),
        ..Weather::FINE
    };
    for message in 1..=5 {
        let text = message.to_string();
        write(&mut world, ana, message, &format!("sip:bia@{BIA}"), &text);
    }
    world.run(secs(60));
    assert_eq!(texts(&world, bia), ["1", "2", "3", "4", "5"]);
    // Long after the transaction is forgotten, and with another branch.
    for branch in ["z9hG4bKa", "z9hG4bKb"] {
        let again = Line {
            branch,
            ..Line::default()
        };
        world.stranger_asks(BIA, &with_text(&again, "seis"));
        world.run(secs(40));
    }
    // Each comes twice, and so does each answer.
    assert_eq!(world.answered_outside(200).len(), 8);
    assert_eq!(texts(&world, bia).last().map(String::as_str), Some("seis"));
    assert_eq!(texts(&world, bia).len(), 6);
}

/// The line as a message.
fn with_text<'a>(line: &Line<'a>, text: &'a str) -> Line<'a> {
    Line {
        method: "MESSAGE",
        text,
        ..*line
    }
}

#[test]
fn a_refused_message_says_why_and_is_not_tried_again() {
    let cases = [
        (403, MessageFailure::Forbidden),
        (404, MessageFailure::NotFound),
        (415, MessageFailure::NotUnderstood),
        (603, MessageFailure::Declined),
    ];
    for (status, cause) in cases {
        let (mut world, ana, _) = registered_phones(908);
        refuse(&mut world, status, &[]);
        write_for(&mut world, ana, 1, ("1002", "um"), DAY);
        world.run(secs(600));
        assert_eq!(failure(&world, ana, 1), Some((cause, Some(status))));
        assert_eq!(sent(&world, ANA).len(), 1);
        assert_forgotten(&mut world);
    }
}

#[test]
fn without_the_wish_to_wait_nobody_there_is_told_at_once() {
    let (mut world, ana, _) = registered_phones(909);
    write(&mut world, ana, 1, "1003", "um");
    world.run(secs(600));
    let expected = Some((MessageFailure::Unavailable, Some(480)));
    assert_eq!(failure(&world, ana, 1), expected);
    assert_eq!(sent(&world, ANA).len(), 1);
}

#[test]
fn a_message_to_who_is_away_waits_and_comes_when_he_is_back() {
    let (mut world, ana, _) = registered_phones(910);
    write_for(&mut world, ana, 1, ("1003", "um"), DAY);
    write_for(&mut world, ana, 2, ("1003", "dois"), DAY);
    world.run(secs(1));
    assert_eq!(waits_for(&world, ana, 1), Some(MessageFailure::Unavailable));
    assert_eq!(steps(&world, ana, 2), [], "it is not its turn");
    world.run(secs(3600));
    let tries = sent(&world, ANA).len();
    // 15 to 30 s, doubled each time up to half an hour.
    assert!((7..=10).contains(&tries), "{tries}");
    let caio = world.phone("10.0.0.3:5060", AgentConfig::default());
    add(&mut world, caio, extension("1003"));
    world.run(secs(1800));
    assert_eq!(texts(&world, caio), ["um", "dois"]);
    assert!(delivered(&world, ana, 1) && delivered(&world, ana, 2));
    assert_forgotten(&mut world);
}

#[test]
fn after_a_day_a_message_is_given_up() {
    let (mut world, ana, _) = registered_phones(911);
    // More than a day is not to be had.
    write_for(&mut world, ana, 1, ("1003", "um"), DAY * 3);
    write_for(&mut world, ana, 2, ("1003", "dois"), secs(60));
    world.run(DAY - secs(2));
    assert_eq!(waits_for(&world, ana, 1), Some(MessageFailure::Unavailable));
    world.run(secs(4));
    assert_eq!(
        failure(&world, ana, 1).map(|failed| failed.0),
        Some(MessageFailure::Unavailable)
    );
    world.run(secs(60));
    assert!(
        failure(&world, ana, 2).is_some(),
        "its minute was long over"
    );
    assert_forgotten(&mut world);
}

#[test]
fn a_server_that_says_when_to_come_back_is_obeyed() {
    let (mut world, ana, _) = registered_phones(912);
    refuse(&mut world, 503, &[("Retry-After", "300")]);
    write_for(&mut world, ana, 1, ("1002", "um"), DAY);
    world.run(secs(299));
    assert_eq!(sent(&world, ANA).len(), 1);
    assert_eq!(
        waits_for(&world, ana, 1),
        Some(MessageFailure::ServerTrouble)
    );
    world.registrars[0].instead = None;
    world.run(secs(35));
    assert!(delivered(&world, ana, 1));
}

#[test]
fn a_message_written_before_the_phone_is_registered_goes_out_when_it_is() {
    let mut world = house(913);
    world.registrars[0].away = true;
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    add(&mut world, bia, extension("1002"));
    write_for(&mut world, ana, 1, ("1002", "um"), DAY);
    world.run(secs(40));
    assert_eq!(
        waits_for(&world, ana, 1),
        Some(MessageFailure::NotRegistered)
    );
    assert_eq!(sent(&world, ANA).len(), 0);
    world.registrars[0].away = false;
    world.ask(bia, Command::Register(ACCOUNT));
    world.run(secs(1));
    world.ask(ana, Command::Register(ACCOUNT));
    world.run(secs(60));
    assert!(is_registered(&world, ana) && is_registered(&world, bia));
    assert_eq!(texts(&world, bia), ["um"]);
    assert_forgotten(&mut world);
}

#[test]
fn who_got_it_and_was_not_heard_shows_it_once_though_it_is_tried_again() {
    let (mut world, ana, bia) = two_phones(914);
    lose(&mut world, "SIP/2.0 200", 11);
    let to = format!("sip:bia@{BIA}");
    write_for(&mut world, ana, 1, (&to, "um"), DAY);
    world.run(secs(33));
    assert_eq!(waits_for(&world, ana, 1), Some(MessageFailure::TimedOut));
    assert_eq!(texts(&world, bia), ["um"]);
    world.run(secs(120));
    assert!(delivered(&world, ana, 1));
    assert_eq!(texts(&world, bia), ["um"]);
    assert_forgotten(&mut world);
}

#[test]
fn a_message_too_long_for_a_datagram_goes_over_tcp_or_not_at_all() {
    let long = "á".repeat(700);
    let via = |request: &Request| {
        let via = request.headers.top_via().expect("a Via");
        via.transport.known()
    };
    let (mut world, ana, bia) = two_phones(915);
    let to = format!("sip:bia@{BIA}");
    write(&mut world, ana, 1, &to, &long);
    world.run(secs(1));
    assert_eq!(via(&sent(&world, ANA)[0]), Some(Transport::Tcp));
    assert_eq!(texts(&world, bia), [long.as_str()]);
    assert!(delivered(&world, ana, 1));
    // A phone that is set to UDP refuses it with a cause of its own, and sends nothing.
    let udp = AccountConfig {
        transport: Some(Transport::Udp),
        ..AccountConfig::direct(ACCOUNT)
    };
    add(&mut world, ana, udp);
    write_for(&mut world, ana, 2, (&to, &long), DAY);
    world.run(secs(1));
    assert_eq!(
        failure(&world, ana, 2),
        Some((MessageFailure::TooLong, None))
    );
    assert_eq!(sent(&world, ANA).len(), 1);
    write(&mut world, ana, 3, &to, &"a".repeat(800));
    world.run(secs(1));
    assert!(delivered(&world, ana, 3));
    assert_forgotten(&mut world);
}

#[test]
fn where_tcp_is_refused_a_long_message_does_not_go_by_datagram_after_all() {
    let (mut world, ana, _) = two_phones(916);
    let to = format!("sip:x@{}", stranger::STRANGER);
    write(&mut world, ana, 1, &to, &"a".repeat(2_000));
    world.refuse_tcp(ana, stranger::address());
    world.run(secs(1));
    assert_eq!(
        failure(&world, ana, 1),
        Some((MessageFailure::TooLong, None))
    );
    assert_eq!(sent(&world, ANA).len(), 1);
    assert_forgotten(&mut world);
}

#[test]
fn what_cannot_be_sent_says_so_at_once() {
    let (mut world, ana, _) = two_phones(917);
    write(&mut world, ana, 1, "two words", "um");
    write(&mut world, ana, 2, "sip:x@10.0.0.9", "  \n");
    write(&mut world, ana, 3, "sip:x@10.0.0.9", &"a".repeat(20_000));
    write(&mut world, ana, 4, "sip:bia@nowhere.example", "um");
    let causes = [
        (1, MessageFailure::NotAnAddress),
        (2, MessageFailure::Length),
        (3, MessageFailure::Length),
        (4, MessageFailure::HostNotFound),
    ];
    for (message, cause) in causes {
        assert_eq!(failure(&world, ana, message), Some((cause, None)));
    }
    // As many wait as may, and no more.
    for message in 10..300 {
        write(&mut world, ana, message, "sip:x@10.0.0.9", "um");
    }
    let refused = (10..300)
        .filter(|message| failure(&world, ana, *message) == Some((MessageFailure::TooMany, None)));
    assert_eq!(refused.count(), 290 - 256);
    world.ask(ana, Command::WithdrawMessage(MessageId(12)));
    assert_eq!(
        failure(&world, ana, 12),
        Some((MessageFailure::Withdrawn, None))
    );
    world.ask(ana, Command::WithdrawMessage(MessageId(10)));
    assert_eq!(
        last(&world, ana, 10),
        Some(MessageProgress::Sending),
        "it is on its way"
    );
    world.ask(ana, Command::RemoveAccount(ACCOUNT));
    assert_eq!(
        failure(&world, ana, 11),
        Some((MessageFailure::NoAccount, None))
    );
}

#[test]
fn strangers_do_not_write_past_the_registrar_unless_the_account_says_so() {
    let cases = [
        (MessagePolicy::Registrar, 403),
        (MessagePolicy::Nobody, 403),
        (MessagePolicy::Anyone, 200),
    ];
    for (messages, status) in cases {
        let mut world = house(918);
        let bia = world.phone(BIA, AgentConfig::default());
        let account = AccountConfig {
            messages,
            ..extension("1002")
        };
        add(&mut world, bia, account);
        world.run(secs(1));
        let line = Line {
            uri: "sip:1002@10.0.0.2",
            ..Line::default()
        };
        world.stranger_asks(BIA, &with_text(&line, "um"));
        world.run(secs(1));
        assert_eq!(world.answered_outside(status).len(), 1, "{messages:?}");
        let shown = texts(&world, bia).len();
        assert_eq!(shown, usize::from(status == 200), "{messages:?}");
    }
}

#[test]
fn a_flood_is_turned_away_and_who_waits_is_heard_again() {
    let (mut world, _, bia) = two_phones(919);
    // Whom she has written to is no stranger at the door.
    write(&mut world, bia, 1, &format!("sip:a@{STRANGER}"), "um");
    world.run(secs(1));
    for number in 1..=200 {
        let branch = format!("z9hG4bK{number}");
        let line = Line {
            branch: &branch,
            cseq: number,
            ..Line::default()
        };
        world.stranger_asks(BIA, &with_text(&line, "um"));
    }
    world.run(secs(1));
    let shown = texts(&world, bia).len();
    assert!((60..=62).contains(&shown), "{shown}");
    let turned_away = world.answered_outside(480);
    assert_eq!(turned_away.len(), 200 - shown);
    assert_eq!(turned_away[0].headers.retry_after(), Some(30));
    world.run(secs(30));
    let line = Line {
        branch: "z9hG4bKlater",
        cseq: 201,
        ..Line::default()
    };
    world.stranger_asks(BIA, &with_text(&line, "dois"));
    world.run(secs(1));
    assert_eq!(texts(&world, bia).last().map(String::as_str), Some("dois"));
}

#[test]
fn a_kind_that_is_not_read_is_refused_with_what_is() {
    let (mut world, _, bia) = two_phones(920);
    let line = Line {
        headers: "Content-Type: text/html\r\n",
        ..Line::default()
    };
    world.stranger_asks(BIA, &with_text(&line, "<b>um</b>"));
    world.run(secs(1));
    let refused = world.answered_outside(415);
    assert_eq!(
        refused[0].headers.get(&"Accept".into()),
        Some("text/plain, application/im-iscomposing+xml")
    );
    assert_eq!(texts(&world, bia), [""; 0]);
}

#[test]
fn a_message_within_a_call_is_taken_and_says_in_which() {
    let (mut world, bia, tag) = call_in(921, &stranger::sound(6_000));
    acknowledge(&mut world, &tag, 1, "");
    let line = Line {
        branch: "z9hG4bKtext",
        cseq: 2,
        to_tag: &tag,
        ..Line::default()
    };
    world.stranger_asks(BIA, &with_text(&line, "Nota: sala 3"));
    world.run(secs(1));
    let [message] = &received(&world, bia)[..] else {
        panic!("{:?}", world.phones[bia].events);
    };
    assert_eq!(message.text, "Nota: sala 3");
    assert_eq!(message.call, Some(world.incoming(bia)[0]));
    assert_eq!(message.from.uri, "sip:stranger@10.0.0.7");
    // One that says it is of a call that there is not.
    let line = Line {
        branch: "z9hG4bKother",
        cseq: 3,
        to_tag: "other",
        ..Line::default()
    };
    world.stranger_asks(BIA, &with_text(&line, "um"));
    world.run(secs(1));
    assert_eq!(world.answered_outside(481).len(), 1);
    say_goodbye(&mut world, &tag, 4);
    assert_forgotten(&mut world);
}

#[test]
fn messages_say_what_a_phone_takes() {
    let (mut world, ana, bia) = two_phones(922);
    talk(&mut world, ana, bia);
    let log = world.log.iter().map(|(_, datagram)| datagram);
    let allows = |datagram: &Datagram| {
        let text = String::from_utf8_lossy(&datagram.bytes).into_owned();
        text.contains(",MESSAGE\r\n")
    };
    let invites: Vec<bool> = log
        .filter(|datagram| datagram.first_line().starts_with("INVITE"))
        .map(allows)
        .collect();
    assert_eq!(invites, [true]);
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

fn draft(world: &mut World, phone: usize, to: &str, writing: bool) {
    let draft = Command::Compose {
        account: ACCOUNT,
        to: to.to_owned(),
        writing,
    };
    world.ask(phone, draft);
}

#[test]
fn that_somebody_writes_is_seen_until_the_message_comes() {
    let (mut world, ana, bia) = registered_phones(923);
    draft(&mut world, ana, "1002", true);
    world.run(secs(1));
    assert_eq!(typing(&world, bia), [true]);
    for _ in 0..5 {
        draft(&mut world, ana, "1002", true);
        world.run(secs(1));
    }
    assert_eq!(sent(&world, ANA).len(), 1, "not with each key");
    write(&mut world, ana, 1, "1002", "um");
    world.run(secs(1));
    assert_eq!(typing(&world, bia), [true, false]);
    assert_eq!(texts(&world, bia), ["um"]);
    assert_eq!(sent(&world, ANA).len(), 2);
    assert_forgotten(&mut world);
}

#[test]
fn writing_that_stops_is_told_and_one_who_vanishes_is_forgotten() {
    let (mut world, ana, bia) = registered_phones(924);
    draft(&mut world, ana, "1002", true);
    world.run(secs(20));
    assert_eq!(typing(&world, bia), [true, false], "fifteen seconds idle");
    draft(&mut world, ana, "1002", true);
    world.run(secs(1));
    draft(&mut world, ana, "1002", false);
    world.run(secs(1));
    assert_eq!(typing(&world, bia), [true, false, true, false]);
    draft(&mut world, ana, "1002", true);
    world.run(secs(1));
    let ana_is_gone = |datagram: &Datagram| datagram.from != ANA.parse().expect("an address");
    world.censor = Some(Box::new(ana_is_gone));
    world.run(secs(88));
    assert_eq!(typing(&world, bia).len(), 5);
    world.run(secs(3));
    assert_eq!(typing(&world, bia).last(), Some(&false));
    world.censor = None;
    assert_forgotten(&mut world);
}

#[test]
fn who_does_not_read_who_writes_is_not_told_again() {
    let (mut world, ana, _) = registered_phones(925);
    refuse(&mut world, 415, &[]);
    for _ in 0..3 {
        draft(&mut world, ana, "1002", true);
        world.run(secs(1));
        draft(&mut world, ana, "1002", false);
        world.run(secs(1));
    }
    assert_eq!(sent(&world, ANA).len(), 1);
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_that_ends_lets_its_last_message_arrive() {
    let (mut world, ana, bia) = registered_phones(926);
    for message in 1..=3 {
        let kept = if message == 3 { DAY } else { Duration::ZERO };
        let text = message.to_string();
        write_for(&mut world, ana, message, ("1002", &text), kept);
    }
    draft(&mut world, ana, "1002", true);
    world.ask(ana, Command::Shutdown);
    world.run(secs(2));
    assert!(world.phones[ana].events.contains(&Event::Finished));
    assert_eq!(texts(&world, bia), ["1"]);
    assert!(delivered(&world, ana, 1));
    assert_eq!(
        failure(&world, ana, 2),
        Some((MessageFailure::Withdrawn, None))
    );
    assert_eq!(steps(&world, ana, 3), [], "it is for another day");
    assert_forgotten(&mut world);
}

#[test]
fn in_bad_weather_each_message_that_was_told_as_delivered_came_once_and_in_order() {
    for seed in 0..20 {
        let (mut world, ana, bia) = two_phones(9_300 + seed);
        world.weather = Weather {
            loss: 30,
            duplicates: 20,
            jitter: Duration::from_millis(800),
            ..Weather::FINE
        };
        let to = format!("sip:bia@{BIA}");
        for message in 1..=10 {
            let text = message.to_string();
            write_for(&mut world, ana, message, (&to, &text), DAY);
        }
        world.run(secs(1800));
        let expected: Vec<String> = (1..=10).map(|number| number.to_string()).collect();
        assert_eq!(texts(&world, bia), expected, "seed {seed}");
        assert!((1..=10).all(|message| delivered(&world, ana, message)));
        assert!(count(&world.sent_by(ANA), "MESSAGE") >= 10);
        world.weather = Weather::FINE;
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_message_does_not_wait_behind_the_registrars_address_only() {
    // Ana is registered at one server, and Bia is called at her own address.
    let (mut world, ana, bia) = registered_phones(927);
    let bia_open = AccountConfig {
        messages: MessagePolicy::Anyone,
        ..extension("1002")
    };
    add(&mut world, bia, bia_open);
    world.run(secs(1));
    write(&mut world, ana, 1, &format!("sip:1002@{BIA}"), "um");
    world.run(secs(1));
    assert_eq!(texts(&world, bia), ["um"]);
    let to_pbx = world.log.iter().filter(|(_, datagram)| {
        datagram.to == PBX.parse().expect("an address")
            && datagram.first_line().starts_with("MESSAGE")
    });
    assert_eq!(to_pbx.count(), 0);
    assert_forgotten(&mut world);
}

#[test]
fn strangers_who_begin_to_write_leave_room_for_what_we_write() {
    let (mut world, _, bia) = two_phones(928);
    let body = "<isComposing><state>active</state><refresh>600</refresh></isComposing>";
    for number in 0..400 {
        let text = format!(
            "MESSAGE sip:bia@10.0.0.2 SIP/2.0\r\n\
             Via: SIP/2.0/UDP {STRANGER};branch=z9hG4bKw{number}\r\n\
             From: <sip:s{number}@10.0.0.7>;tag=t\r\nTo: <sip:bia@10.0.0.2>\r\n\
             Call-ID: c{number}\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n\
             Content-Type: application/im-iscomposing+xml\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let to = BIA.parse().expect("an address");
        world.inject(stranger::address(), to, text.as_bytes());
        world.run(Duration::from_millis(600));
    }
    assert_eq!(world.answered_outside(200).len(), 400);
    assert_eq!(typing(&world, bia).len(), 128);
    write(&mut world, bia, 1, &format!("sip:ana@{ANA}"), "um");
    world.run(secs(1));
    assert!(delivered(&world, bia, 1), "{:?}", steps(&world, bia, 1));
    world.run(secs(600));
    assert_eq!(typing(&world, bia).len(), 256, "all of them are over");
    assert_forgotten(&mut world);
}

/// What two people do with messages, by lot.
struct Lots(ChaCha8Rng);

impl Lots {
    fn draw(&mut self, among: u64) -> u64 {
        self.0.next_u64() % among
    }
}

/// Whatever two people write, take back and begin, and whether their phones and their server are
/// there or not: each message has one last word, each that came came once, and in order.
#[test]
fn whatever_two_people_write_has_one_last_word_and_comes_once_and_in_order() {
    // The last one: between two tries that nobody heard the answer of, one is answered 480.
    for seed in (0..120).chain([266]) {
        let (mut world, ana, bia) = registered_phones(94_000 + seed);
        let phones = [(ana, "1002"), (bia, "1001")];
        world.weather = Weather {
            loss: 20,
            duplicates: 10,
            jitter: Duration::from_millis(400),
            ..Weather::FINE
        };
        let mut lots = Lots(ChaCha8Rng::seed_from_u64(seed));
        let mut written = [Vec::new(), Vec::new()];
        for message in 1..=30 {
            let side = usize::from(lots.draw(2) == 1);
            let (phone, other) = phones[side];
            match lots.draw(8) {
                0..=2 => {
                    let kept = [Duration::ZERO, secs(90), DAY];
                    let kept = kept[usize::try_from(lots.draw(3)).expect("small")];
                    let text = format!("{message:02}");
                    write_for(&mut world, phone, message, (other, &text), kept);
                    written[side].push(message);
                }
                3 => draft(&mut world, phone, other, lots.draw(3) > 0),
                4 => {
                    let taken_back = MessageId(lots.draw(message) + 1);
                    world.ask(phone, Command::WithdrawMessage(taken_back));
                }
                5 if lots.draw(2) == 0 => world.ask(phone, Command::Unregister(ACCOUNT)),
                5 => world.ask(phone, Command::Register(ACCOUNT)),
                6 => world.registrars[0].away = lots.draw(3) == 0,
                _ => {}
            }
            let millis = lots.draw(20_000);
            world.run(Duration::from_millis(millis));
        }
        world.weather = Weather::FINE;
        world.registrars[0].away = false;
        for (phone, _) in phones {
            world.ask(phone, Command::Register(ACCOUNT));
        }
        world.run(DAY + secs(120));
        for (side, (phone, _)) in phones.into_iter().enumerate() {
            let came = texts(&world, phones[1 - side].0);
            let mut sorted = came.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!(came, sorted, "seed {seed}");
            for message in &written[side] {
                let steps = steps(&world, phone, *message);
                let last_words = steps.iter().filter(|step| {
                    matches!(
                        step,
                        MessageProgress::Delivered | MessageProgress::Failed { .. }
                    )
                });
                assert_eq!(last_words.count(), 1, "seed {seed}: {message} {steps:?}");
                let there = came.contains(&format!("{message:02}"));
                if delivered(&world, phone, *message) {
                    assert!(there, "seed {seed}: {message} was never seen");
                }
            }
        }
        assert_forgotten(&mut world);
    }
}
