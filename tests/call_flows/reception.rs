//! Calls that come in and meet the rules of their account: sent on, turned away, answered by
//! themselves; and who is calling, by whose word.

use std::time::Duration;

use ramal::agent::{
    AccountConfig, AgentConfig, AutoAnswer, CallId, Command, DiversionReason, DoNotDisturb,
    EndCause, Event, Forward, Intercom, LocalTime, Origin, Party, Reception, Side, Strangers,
    Timetable, TurnedAway, WhyDeclined,
};
use ramal::sip::{HeaderName, Message, Request, Response, StatusCode, parse_datagram};

use super::sim::story::{
    ACCOUNT, ANA, BIA, CALL, DOMAIN, PBX, add, answered, assert_forgotten, count, dial, end_of,
    extension, house, is_registered, open_to_all, secs, talk_at, two_phones,
};
use super::sim::stranger::{Line, STRANGER, sound};
use super::sim::{Weather, World};

const CEU: &str = "10.0.0.3:5060";

/// Ana, 1001, Bia, 1002, with these rules, and Ceu, 1003, registered.
fn three(seed: u64, rules: Reception) -> (World, [usize; 3]) {
    let mut world = house(seed);
    let phones = [ANA, BIA, CEU].map(|at| world.phone(at, AgentConfig::default()));
    let bia = AccountConfig {
        reception: rules,
        ..open_to_all(extension("1002"))
    };
    add(&mut world, phones[0], extension("1001"));
    add(&mut world, phones[1], bia);
    add(&mut world, phones[2], extension("1003"));
    world.run(secs(1));
    assert!(phones.iter().all(|phone| is_registered(&world, *phone)));
    (world, phones)
}

fn to(user: &str) -> Option<Forward> {
    let to = format!("sip:{user}@{DOMAIN}").parse().expect("a URI");
    Some(Forward { to, when: None })
}

/// What rang at a phone: who called, how the call came, whether it was heard.
fn rang(world: &World, phone: usize) -> Vec<(Party, Origin, bool)> {
    let events = world.phones[phone].events.iter();
    let rang = events.filter_map(|event| match event {
        Event::Incoming {
            remote,
            origin,
            silent,
            ..
        } => Some((remote.clone(), origin.clone(), *silent)),
        _ => None,
    });
    rang.collect()
}

/// What did not ring at a phone, and became of it.
fn turned_away(world: &World, phone: usize) -> Vec<TurnedAway> {
    let events = world.phones[phone].events.iter();
    let how = events.filter_map(|event| match event {
        Event::TurnedAway { how, .. } => Some(how.clone()),
        _ => None,
    });
    how.collect()
}

/// Who sent the calls on that rang at a phone, and why.
fn sent_on(world: &World, phone: usize) -> Vec<Vec<(String, DiversionReason)>> {
    let named = |origin: &Origin| {
        let diverted = origin.diverted.iter();
        diverted
            .map(|it| (it.by.user.clone().unwrap_or_default(), it.reason))
            .collect()
    };
    rang(world, phone).iter().map(|it| named(&it.1)).collect()
}

fn answer_first(world: &mut World, phone: usize) {
    let ringing = world.incoming(phone)[0];
    world.ask(phone, Command::Answer(ringing));
    world.run(secs(1));
}

#[test]
fn every_call_goes_where_it_is_sent_and_says_from_whom() {
    let rules = Reception {
        forward_always: to("1003"),
        ..Reception::default()
    };
    let (mut world, [ana, bia, ceu]) = three(801, rules);
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    assert_eq!(rang(&world, bia), []);
    let why = DiversionReason::Unconditional;
    assert!(matches!(
        &turned_away(&world, bia)[..],
        [TurnedAway::Forwarded { to, reason }]
            if to.user.as_deref() == Some("1003") && *reason == why
    ));
    assert_eq!(sent_on(&world, ceu), [[("1002".to_owned(), why)]]);
    answer_first(&mut world, ceu);
    assert!(answered(&world, ana) && answered(&world, ceu));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_that_comes_while_another_goes_on_is_sent_elsewhere() {
    let rules = Reception {
        forward_busy: to("1003"),
        ..Reception::default()
    };
    let (mut world, [ana, bia, ceu]) = three(802, rules);
    talk_at(&mut world, ceu, "1002", bia);
    world.phones[ceu].events.clear();
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1, "the first alone");
    let why = DiversionReason::UserBusy;
    assert_eq!(sent_on(&world, ceu), [[("1002".to_owned(), why)]]);
    world.ask(ana, Command::HangUp(CALL));
    world.ask(ceu, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_that_nobody_takes_goes_on_after_a_while() {
    let rules = Reception {
        forward_no_answer: to("1003").map(|to| (to, secs(20))),
        ..Reception::default()
    };
    let (mut world, [ana, bia, ceu]) = three(803, rules);
    dial(&mut world, ana, "1002");
    world.run(Duration::from_millis(19_900));
    assert_eq!(world.incoming(bia).len(), 1);
    assert_eq!((end_of(&world, bia), world.incoming(ceu).len()), (None, 0));
    world.run(Duration::from_millis(500));
    let ended = Some((EndCause::Forwarded, Side::Local));
    assert_eq!(end_of(&world, bia), ended);
    let why = DiversionReason::NoAnswer;
    assert_eq!(sent_on(&world, ceu), [[("1002".to_owned(), why)]]);
    answer_first(&mut world, ceu);
    assert!(answered(&world, ana));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_that_is_taken_in_time_goes_nowhere() {
    let rules = Reception {
        forward_no_answer: to("1003").map(|to| (to, secs(5))),
        ..Reception::default()
    };
    let (mut world, [ana, bia, ceu]) = three(804, rules);
    talk_at(&mut world, ana, "1002", bia);
    world.run(secs(30));
    assert_eq!((end_of(&world, bia), world.incoming(ceu).len()), (None, 0));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn two_phones_that_send_calls_to_each_other_ring_at_the_second() {
    let rules = |user| Reception {
        forward_always: to(user),
        ..Reception::default()
    };
    let (mut world, [ana, bia, ceu]) = three(805, rules("1003"));
    let back = Command::SetReception {
        account: ACCOUNT,
        reception: Box::new(rules("1002")),
    };
    world.ask(ceu, back);
    dial(&mut world, ana, "1002");
    world.run(secs(2));
    assert_eq!(turned_away(&world, bia).len(), 1);
    assert_eq!(turned_away(&world, ceu), []);
    assert_eq!(world.incoming(ceu).len(), 1);
    // Who calls are sent on to can call back.
    world.phones[bia].events.clear();
    dial(&mut world, ceu, "1002");
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1);
    world.ask(ana, Command::HangUp(CALL));
    world.ask(ceu, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn who_does_not_want_to_be_disturbed_is_not() {
    for (status, seen) in [
        (StatusCode::TEMPORARILY_UNAVAILABLE, EndCause::Unavailable),
        (StatusCode::BUSY_HERE, EndCause::Busy),
    ] {
        let rules = Reception {
            do_not_disturb: Some(DoNotDisturb { status, when: None }),
            ..Reception::default()
        };
        let (mut world, [ana, bia, _]) = three(806, rules);
        dial(&mut world, ana, "1002");
        world.run(secs(1));
        assert_eq!(end_of(&world, ana), Some((seen, Side::Remote)));
        assert_eq!(rang(&world, bia), []);
        let why = WhyDeclined::DoNotDisturb;
        assert_eq!(
            turned_away(&world, bia),
            [TurnedAway::Declined { status, why }]
        );
        assert!(world.phones[bia].open_media.is_empty());
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_rule_begins_and_ends_with_its_hours() {
    let at_night = Timetable {
        days: [true; 7],
        from: 22 * 60,
        to: 7 * 60,
    };
    let rules = Reception {
        do_not_disturb: Some(DoNotDisturb {
            status: StatusCode::BUSY_HERE,
            when: Some(at_night),
        }),
        ..Reception::default()
    };
    let (mut world, [ana, bia, _]) = three(807, rules);
    let evening = LocalTime {
        weekday: 6,
        minute: 21 * 60 + 50,
    };
    let now = world.now;
    world.phones[bia].agent.set_local_time(now, evening);
    let called = |world: &mut World, call: u64| {
        let dial = Command::Dial {
            account: ACCOUNT,
            call: CallId(call),
            target: "1002".to_owned(),
        };
        world.ask(ana, dial);
        world.run(secs(1));
        world.ask(ana, Command::HangUp(CallId(call)));
        world.run(secs(1));
        (world.incoming(bia).len(), turned_away(world, bia).len())
    };
    assert_eq!(called(&mut world, 1), (1, 0), "ten to ten");
    world.run(secs(600));
    assert_eq!(called(&mut world, 2), (1, 1), "ten");
    world.run(secs(8 * 3600));
    assert_eq!(called(&mut world, 3), (1, 2), "six in the morning");
    world.run(secs(3600));
    assert_eq!(called(&mut world, 4), (2, 2), "seven");
    assert_forgotten(&mut world);
}

#[test]
fn only_who_is_on_the_list_is_heard() {
    let rules = |strangers| Reception {
        known: vec!["1003".to_owned()],
        strangers,
        ..Reception::default()
    };
    let (mut world, [ana, bia, ceu]) = three(808, rules(Strangers::Silent));
    for phone in [ana, ceu] {
        dial(&mut world, phone, "1002");
        world.run(secs(1));
        world.ask(phone, Command::HangUp(CALL));
        world.run(secs(1));
    }
    let silent: Vec<bool> = rang(&world, bia).iter().map(|it| it.2).collect();
    assert_eq!(silent, [true, false]);
    let status = StatusCode::TEMPORARILY_UNAVAILABLE;
    let declines = Command::SetReception {
        account: ACCOUNT,
        reception: Box::new(rules(Strangers::Decline(status))),
    };
    world.ask(bia, declines);
    dial(&mut world, ana, "1002");
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 2);
    let why = WhyDeclined::NotKnown;
    assert_eq!(
        turned_away(&world, bia),
        [TurnedAway::Declined { status, why }]
    );
    assert_forgotten(&mut world);
}

#[test]
fn a_call_is_answered_by_itself_unless_another_began_meanwhile() {
    let rules = Reception {
        auto_answer: Some(AutoAnswer {
            after: secs(3),
            beep: true,
        }),
        ..Reception::default()
    };
    let (mut world, [ana, bia, ceu]) = three(809, rules);
    dial(&mut world, ana, "1002");
    world.run(secs(2));
    assert!(!answered(&world, bia));
    world.run(secs(2));
    assert!(answered(&world, bia) && answered(&world, ana));
    let call = world.incoming(bia)[0];
    let said = Event::AnsweredByItself { call, beep: true };
    assert!(world.phones[bia].events.contains(&said));
    // A second one only rings.
    dial(&mut world, ceu, "1002");
    world.run(secs(10));
    assert_eq!(world.incoming(bia).len(), 2);
    assert!(!answered(&world, ceu));
    world.ask(ceu, Command::HangUp(CALL));
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(1));
    // One that rings when the person begins a call of their own is not taken into it.
    world.phones[ceu].events.clear();
    dial(&mut world, ceu, "1002");
    world.run(secs(1));
    dial(&mut world, bia, "1001");
    world.run(secs(10));
    assert!(!answered(&world, ceu));
    world.ask(bia, Command::HangUp(CALL));
    world.ask(ceu, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

/// Bia, registered, with these rules; and what reaches her from her own server, word by word.
fn at_her_server(seed: u64, rules: Reception) -> (World, usize) {
    let (world, [_, bia, _]) = three(seed, rules);
    (world, bia)
}

fn server_asks(world: &mut World, line: &Line<'_>) {
    let pbx = PBX.parse().expect("an address");
    let line = Line {
        uri: "sip:1002@10.0.0.2",
        ..*line
    };
    world.asks_from(pbx, BIA, &line);
    world.run(Duration::from_millis(500));
}

fn stranger_asks(world: &mut World, line: &Line<'_>) {
    let line = Line {
        uri: "sip:1002@10.0.0.2",
        ..*line
    };
    world.stranger_asks(BIA, &line);
    world.run(Duration::from_millis(500));
}

fn call_with(headers: &str) -> Line<'_> {
    Line {
        headers,
        ..Line::default()
    }
}

/// The last answer with that status that left Bia.
fn answered_with(world: &World, status: u16) -> Response {
    let bia = BIA.parse().expect("an address");
    let mut log = world.log.iter().rev().map(|(_, datagram)| datagram);
    let found = log.find_map(|datagram| {
        let parsed = parse_datagram(&datagram.bytes).ok()?;
        match parsed.message {
            Message::Response(response)
                if datagram.from == bia && response.status.code() == status =>
            {
                Some(response)
            }
            _ => None,
        }
    });
    found.expect("an answer")
}

#[test]
fn a_history_is_answered_where_it_is_spoken() {
    let rules = Reception {
        forward_always: to("1003"),
        ..Reception::default()
    };
    let (mut world, _) = at_her_server(810, rules);
    let headers = "Supported: histinfo\r\n\
                   History-Info: <sip:1002@pbx.example>;index=1\r\n";
    server_asks(&mut world, &call_with(headers));
    let sent_on = answered_with(&world, 302);
    let all = |name: &HeaderName| -> Vec<String> {
        let values = sent_on.headers.get_all(name);
        values.map(str::to_owned).collect()
    };
    assert_eq!(
        all(&HeaderName::HISTORY_INFO),
        ["<sip:1002@pbx.example>;index=1"]
    );
    assert_eq!(all(&HeaderName::CONTACT), ["<sip:1003@pbx.example>;mp=1"]);
    assert_eq!(
        all(&HeaderName::DIVERSION),
        ["<sip:1002@pbx.example>;reason=unconditional;counter=1;privacy=off"]
    );
}

#[test]
fn who_calls_is_believed_of_the_own_server_alone() {
    let headers = "P-Asserted-Identity: \"Padaria Aurora\" <sip:1135550142@pbx.example>\r\n";
    let (mut world, bia) = at_her_server(811, Reception::default());
    server_asks(&mut world, &call_with(headers));
    let (remote, origin, _) = rang(&world, bia).remove(0);
    assert_eq!(remote.display_name.as_deref(), Some("Padaria Aurora"));
    assert_eq!(remote.user.as_deref(), Some("1135550142"));
    assert!(origin.asserted);

    for old in ["P-Asserted-Identity", "Remote-Party-ID"] {
        let headers = headers.replace("P-Asserted-Identity", old);
        let (mut world, bia) = at_her_server(812, Reception::default());
        stranger_asks(&mut world, &call_with(&headers));
        let (remote, origin, _) = rang(&world, bia).remove(0);
        assert_eq!(remote.user.as_deref(), Some("stranger"), "{old}");
        assert_eq!((remote.display_name, origin.asserted), (None, false));
    }
}

#[test]
fn who_does_not_want_to_be_known_is_nobody() {
    let headers = "P-Asserted-Identity: \"Ana\" <sip:1005@pbx.example>\r\nPrivacy: id\r\n";
    let (mut world, bia) = at_her_server(813, Reception::default());
    server_asks(&mut world, &call_with(headers));
    let (remote, origin, _) = rang(&world, bia).remove(0);
    assert!(remote.is_anonymous() && !origin.asserted, "{remote:?}");
    assert!(!format!("{remote:?}").contains("1005"));
}

#[test]
fn an_intercom_call_opens_no_microphone_that_was_not_offered() {
    let asks = "Call-Info: <sip:pbx.example>;answer-after=1\r\n\
                P-Asserted-Identity: <sip:1005@pbx.example>\r\n";
    let rules = |intercom| Reception {
        intercom,
        known: vec!["1005".to_owned()],
        ..Reception::default()
    };
    let body = sound(6_000);
    let answers = |intercom, by_server: bool| {
        let (mut world, bia) = at_her_server(814, rules(intercom));
        let line = Line {
            body: &body,
            ..call_with(asks)
        };
        if by_server {
            server_asks(&mut world, &line);
        } else {
            stranger_asks(&mut world, &line);
        }
        assert!(!answered(&world, bia), "too early");
        world.run(secs(2));
        answered(&world, bia)
    };
    assert!(!answers(Intercom::Never, true));
    assert!(answers(Intercom::Known, true));
    assert!(!answers(Intercom::Known, false));
    assert!(answers(Intercom::Always, false));
}

#[test]
fn the_own_server_may_say_later_who_is_there() {
    let (mut world, bia) = at_her_server(815, Reception::default());
    let body = sound(6_000);
    let invite = Line {
        body: &body,
        ..Line::default()
    };
    server_asks(&mut world, &invite);
    let call = world.incoming(bia)[0];
    world.ask(bia, Command::Answer(call));
    world.run(Duration::from_millis(100));
    let answer = answered_with(&world, 200);
    let tag = answer.headers.to().expect("a To");
    let tag = tag.tag().expect("a tag").to_owned();
    let ack = Line {
        method: "ACK",
        branch: "z9hG4bKack",
        to_tag: &tag,
        ..Line::default()
    };
    server_asks(&mut world, &ack);
    let update = |cseq, branch: &'static str| Line {
        method: "UPDATE",
        branch,
        cseq,
        to_tag: &tag,
        headers: "P-Asserted-Identity: \"Ceu\" <sip:1003@pbx.example>\r\n",
        ..Line::default()
    };
    stranger_asks(&mut world, &update(2, "z9hG4bKtwo"));
    let named = |world: &World| {
        let events = world.phones[bia].events.iter();
        let named = events.filter_map(|event| match event {
            Event::Identified { call: of, remote } if *of == call => remote.display_name.clone(),
            _ => None,
        });
        named.collect::<Vec<_>>()
    };
    assert_eq!(named(&world), Vec::<String>::new(), "by a stranger");
    server_asks(&mut world, &update(3, "z9hG4bKthree"));
    assert_eq!(named(&world), ["Ceu"]);
    server_asks(&mut world, &update(4, "z9hG4bKfour"));
    assert_eq!(named(&world), ["Ceu"], "said once");
    let older = Line {
        headers: "Remote-Party-ID: \"Dora\" <sip:1004@pbx.example>;party=called\r\n",
        ..update(5, "z9hG4bKfive")
    };
    server_asks(&mut world, &older);
    assert_eq!(named(&world), ["Ceu", "Dora"]);
    let again = Line {
        branch: "z9hG4bKsix",
        cseq: 6,
        to_tag: &tag,
        headers: "P-Asserted-Identity: \"Eva\" <sip:1006@pbx.example>\r\n",
        body: &body,
        ..Line::default()
    };
    server_asks(&mut world, &again);
    assert_eq!(named(&world), ["Ceu", "Dora", "Eva"]);
    let ack = Line {
        branch: "z9hG4bKseven",
        cseq: 6,
        ..ack
    };
    server_asks(&mut world, &ack);
    let bye = Line {
        method: "BYE",
        branch: "z9hG4bKbye",
        cseq: 7,
        to_tag: &tag,
        headers: "Reason: SIP;cause=503;text=\"No circuit\"\r\n",
        ..Line::default()
    };
    server_asks(&mut world, &bye);
    let told = world.phones[bia].events.iter().any(|event| {
        matches!(event, Event::Ended { end, .. }
            if end.status == Some(503) && end.reason.as_deref() == Some("No circuit"))
    });
    assert!(told, "{:?}", world.phones[bia].events);
}

fn first_invite(world: &World, from: &str) -> Request {
    let from = from.parse().expect("an address");
    let mut log = world.log.iter().map(|(_, datagram)| datagram);
    let found = log.find_map(|datagram| {
        let parsed = parse_datagram(&datagram.bytes).ok()?;
        match parsed.message {
            Message::Request(request)
                if datagram.from == from && request.method.as_str() == "INVITE" =>
            {
                Some(request)
            }
            _ => None,
        }
    });
    found.expect("an INVITE")
}

fn dial_anonymously(world: &mut World, phone: usize, target: &str) {
    let dial = Command::DialAnonymously {
        account: ACCOUNT,
        call: CALL,
        target: target.to_owned(),
    };
    world.ask(phone, dial);
    world.run(secs(1));
}

#[test]
fn a_caller_who_hides_is_known_to_the_own_server_alone() {
    let (mut world, [ana, bia, _]) = three(816, Reception::default());
    dial_anonymously(&mut world, ana, "1002");
    let invite = first_invite(&world, ANA);
    let get = |name: &HeaderName| invite.headers.get(name).unwrap_or_default().to_owned();
    assert!(
        get(&HeaderName::FROM).starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=")
    );
    assert_eq!(get(&HeaderName::PRIVACY), "id");
    assert_eq!(
        get(&HeaderName::P_PREFERRED_IDENTITY),
        "<sip:1001@pbx.example>"
    );
    assert!(!get(&HeaderName::CONTACT).contains("1001"));
    let (remote, ..) = rang(&world, bia).remove(0);
    assert!(remote.is_anonymous(), "{remote:?}");
    answer_first(&mut world, bia);
    assert!(answered(&world, ana));
    world.ask(bia, Command::HangUp(world.incoming(bia)[0]));
    world.run(secs(1));
    assert_eq!(end_of(&world, ana), Some((EndCause::HungUp, Side::Remote)));
    assert_forgotten(&mut world);
}

#[test]
fn a_caller_who_hides_is_not_told_of_to_a_stranger() {
    let (mut world, ana, _) = two_phones(817);
    dial_anonymously(&mut world, ana, &format!("sip:bia@{STRANGER}"));
    let invite = first_invite(&world, ANA);
    assert_eq!(invite.headers.get(&HeaderName::P_PREFERRED_IDENTITY), None);
    assert_eq!(invite.headers.get(&HeaderName::PRIVACY), Some("id"));
    let (mut world, [ana, ..]) = three(818, Reception::default());
    dial_anonymously(&mut world, ana, &format!("sip:bia@{STRANGER}"));
    let invite = first_invite(&world, ANA);
    assert_eq!(invite.headers.get(&HeaderName::P_PREFERRED_IDENTITY), None);
    assert_eq!(count(&world.sent_by(ANA), "INVITE"), 2);
}

#[test]
fn an_account_may_always_hide_and_else_nothing_is_added() {
    for hides in [true, false] {
        let (mut world, ana, _) = two_phones(819);
        let account = AccountConfig {
            anonymous: hides,
            ..AccountConfig::direct(ACCOUNT)
        };
        add(&mut world, ana, account);
        dial(&mut world, ana, &format!("sip:bia@{BIA}"));
        world.run(secs(1));
        let invite = first_invite(&world, ANA);
        assert_eq!(invite.headers.has(&HeaderName::PRIVACY), hides);
        let from = invite.headers.get(&HeaderName::FROM).unwrap_or_default();
        assert_eq!(from.contains("anonymous.invalid"), hides, "{from}");
    }
}

/// Of five messages one is lost, one comes twice, and some overtake others.
const BAD: Weather = Weather {
    loss: 20,
    duplicates: 20,
    delay: Duration::from_millis(10),
    jitter: Duration::from_millis(200),
};

#[test]
fn calls_are_sent_on_in_bad_weather_and_nothing_stays_behind() {
    let mut reached = 0;
    for seed in 0..90 {
        let rules = match seed % 3 {
            0 => Reception {
                forward_always: to("1003"),
                ..Reception::default()
            },
            1 => Reception {
                forward_no_answer: to("1003").map(|to| (to, secs(3))),
                ..Reception::default()
            },
            _ => Reception {
                do_not_disturb: Some(DoNotDisturb {
                    status: StatusCode::BUSY_HERE,
                    when: None,
                }),
                ..Reception::default()
            },
        };
        let (mut world, [ana, bia, ceu]) = three(830_000 + seed, rules);
        world.weather = BAD;
        dial(&mut world, ana, "1002");
        world.run(secs(45));
        if let Some(ringing) = world.incoming(ceu).first().copied() {
            world.ask(ceu, Command::Answer(ringing));
            world.run(secs(5));
        }
        let told = turned_away(&world, bia).len() + world.incoming(bia).len();
        assert!(told <= 1, "seed {seed}: told twice");
        reached += u32::from(answered(&world, ana) || end_of(&world, ana).is_some());
        world.weather = Weather::FINE;
        world.ask(ana, Command::HangUp(CALL));
        assert_forgotten(&mut world);
    }
    assert!(reached >= 85, "only {reached} of 90 came to something");
}
