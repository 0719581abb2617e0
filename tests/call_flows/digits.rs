//! Keys pressed in a call: which way they go, and that each arrives once.

use std::time::Duration;

use ramal::agent::{AccountConfig, AgentConfig, CallId, Command, DigitsBy, Event};
use ramal::sip::Request;

use super::sim::story::{
    ACCOUNT, ANA, BIA, CALL, add, assert_forgotten, dial, house, ring, secs, talk, two_phones,
};
use super::sim::stranger::{self, STRANGER, sound};
use super::sim::{Weather, World};
use super::strangers::{acknowledge, call_in};

/// What the media thread of a phone was given to send.
fn with_the_sound(world: &World, phone: usize) -> String {
    let pressed = &world.phones[phone].pressed;
    pressed.values().cloned().collect()
}

/// The keys that a phone was told of by signalling, and for how many milliseconds each was held.
fn told(world: &World, phone: usize) -> Vec<(char, u128)> {
    let events = world.phones[phone].events.iter();
    events
        .filter_map(|event| match event {
            Event::Digit { key, held, .. } => Some((*key, held.as_millis())),
            _ => None,
        })
        .collect()
}

fn press(world: &mut World, phone: usize, call: CallId, digits: &str) {
    let digits = digits.to_owned();
    world.ask(phone, Command::SendDtmf { call, digits });
}

/// Ana, whose keys go that way, talks to the stranger, who says with this header what it takes and
/// knows no telephone events.
fn talk_outside(seed: u64, by: DigitsBy, allow: &str) -> (World, usize) {
    let mut world = World::new(seed);
    let ana = world.phone(ANA, AgentConfig::default());
    let mut account = AccountConfig::direct(ACCOUNT);
    account.digits = by;
    add(&mut world, ana, account);
    dial(&mut world, ana, &format!("sip:bia@{STRANGER}"));
    world.run(Duration::from_millis(100));
    let invite = world.asked_outside("INVITE").remove(0);
    let mut response = invite.response(ramal::sip::StatusCode::OK, Some("far"));
    response
        .headers
        .push("Contact", format!("<sip:bia@{STRANGER}>"));
    response.headers.push("Allow", allow);
    response.set_body("application/sdp", sound(5_081).into_bytes());
    let bytes = response.to_bytes().expect("a message");
    world.inject(
        stranger::address(),
        ANA.parse().expect("an address"),
        &bytes,
    );
    world.run(Duration::from_millis(100));
    (world, ana)
}

/// The stranger answers the last INFO; what it said.
fn answer_info(world: &mut World, status: u16) -> Request {
    let info = world.asked_outside("INFO").pop().expect("an INFO");
    world.stranger_answers(&info, ANA, status, "far", None);
    world.run(Duration::from_millis(50));
    info
}

fn body(info: &Request) -> (String, String) {
    let kind = info.headers.get(&ramal::sip::HeaderName::CONTENT_TYPE);
    let body = String::from_utf8(info.body.clone()).expect("text");
    (kind.unwrap_or_default().to_owned(), body)
}

#[test]
fn keys_go_with_the_sound_where_telephone_events_were_agreed_on() {
    let (mut world, ana, bia) = two_phones(801);
    talk(&mut world, ana, bia);
    press(&mut world, ana, CALL, "12#xd");
    world.run(secs(1));
    assert_eq!(with_the_sound(&world, ana), "12#D");
    assert_eq!(told(&world, bia), []);
}

#[test]
fn without_events_each_key_waits_for_the_answer_to_the_info_before_it() {
    let (mut world, ana) = talk_outside(802, DigitsBy::Agreed, "INVITE, ACK, BYE, INFO");
    press(&mut world, ana, CALL, "1#");
    press(&mut world, ana, CALL, "d");
    world.run(Duration::from_millis(100));
    let relay = "application/dtmf-relay".to_owned();
    for (count, key) in [(1, '1'), (2, '#'), (3, 'D')] {
        assert_eq!(world.asked_outside("INFO").len(), count);
        let said = body(&answer_info(&mut world, 200));
        let lines = format!("Signal={key}\r\nDuration=160\r\n");
        assert_eq!(said, (relay.clone(), lines));
    }
    world.run(secs(1));
    assert_eq!(world.asked_outside("INFO").len(), 3);
    assert_eq!(with_the_sound(&world, ana), "");
}

#[test]
fn a_far_side_that_takes_neither_events_nor_info_gets_tones() {
    let (mut world, ana) = talk_outside(803, DigitsBy::Agreed, "INVITE, ACK, BYE");
    press(&mut world, ana, CALL, "12");
    world.run(secs(1));
    assert_eq!(world.asked_outside("INFO").len(), 0);
    assert_eq!(with_the_sound(&world, ana), "12");
}

#[test]
fn keys_that_info_did_not_bring_over_go_with_the_sound() {
    for status in [415, 405, 500] {
        let (mut world, ana) = talk_outside(804, DigitsBy::Agreed, "INVITE, INFO");
        press(&mut world, ana, CALL, "123");
        world.run(Duration::from_millis(50));
        answer_info(&mut world, 200);
        answer_info(&mut world, status);
        assert_eq!(with_the_sound(&world, ana), "23", "{status}");
        press(&mut world, ana, CALL, "4");
        world.run(secs(1));
        assert_eq!(world.asked_outside("INFO").len(), 2);
        assert_eq!(with_the_sound(&world, ana), "234");
    }
}

#[test]
fn the_account_may_want_short_messages() {
    let (mut world, ana) = talk_outside(805, DigitsBy::ShortInfo, "INVITE");
    press(&mut world, ana, CALL, "*");
    world.run(Duration::from_millis(50));
    let said = body(&answer_info(&mut world, 200));
    assert_eq!(said, ("application/dtmf".to_owned(), "*".to_owned()));
}

#[test]
fn an_account_that_wants_tones_offers_no_events_and_answers_none() {
    let (world, ana) = talk_outside(806, DigitsBy::Tones, "INVITE, INFO");
    let offer = world.asked_outside("INVITE").remove(0);
    let offer = String::from_utf8(offer.body).expect("SDP");
    assert!(!offer.contains("telephone-event"), "{offer}");
    let plan = world.phones[ana].plans.values().next().expect("a plan");
    assert_eq!((plan.dtmf_send, plan.dtmf_receive.len()), (None, 0));

    let mut world = World::new(807);
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    add(&mut world, ana, AccountConfig::direct(ACCOUNT));
    let mut account = AccountConfig::direct(ACCOUNT);
    account.digits = DigitsBy::Tones;
    add(&mut world, bia, account);
    talk(&mut world, ana, bia);
    let plan = world.phones[bia].plans.values().next().expect("a plan");
    assert_eq!((plan.dtmf_send, plan.dtmf_receive.len()), (None, 0));
}

#[test]
fn keys_that_come_in_info_are_told_once_each() {
    let (mut world, bia, tag) = call_in(808, &sound(6_000));
    acknowledge(&mut world, &tag, 1, "");
    let mut ask = |cseq: u32, to_tag: &str, kind: &str, body: &str| {
        // The type goes before the one that the stranger adds: the first counts.
        let kind = match kind {
            "" => String::new(),
            kind => format!("Content-Type: {kind}\r\n"),
        };
        let text = format!(
            "INFO sip:bia@10.0.0.2 SIP/2.0\r\n\
             Via: SIP/2.0/UDP {STRANGER};branch=z9hG4bKinfo{cseq}{}\r\n\
             From: <sip:stranger@10.0.0.7>;tag=theirs\r\n\
             To: <sip:bia@10.0.0.2>;tag={to_tag}\r\nCall-ID: strange-call\r\n\
             CSeq: {cseq} INFO\r\nMax-Forwards: 70\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            to_tag.len(),
            body.len()
        );
        for _ in 0..2 {
            let to = BIA.parse().expect("an address");
            world.inject(stranger::address(), to, text.as_bytes());
            world.run(Duration::from_millis(50));
        }
    };
    ask(
        2,
        &tag,
        "application/dtmf-relay",
        "Signal= 5\r\nDuration= 250\r\n",
    );
    ask(3, &tag, "application/dtmf", "#");
    ask(4, &tag, "Application/DTMF-Relay", "Signal=16\r\n");
    ask(5, &tag, "application/dtmf-relay", "Signal=loud\r\n");
    ask(6, &tag, "application/media_control+xml", "<media_control/>");
    ask(7, &tag, "", "");
    ask(8, "nobody", "application/dtmf", "1");
    assert_eq!(told(&world, bia), [('5', 250), ('#', 160)]);
    let answers = |status: u16| -> Vec<u32> {
        let mut numbers: Vec<u32> = world
            .answered_outside(status)
            .iter()
            .filter_map(|response| response.headers.cseq().ok())
            .filter(|cseq| cseq.method.as_str() == "INFO")
            .map(|cseq| cseq.seq)
            .collect();
        numbers.dedup();
        numbers
    };
    assert_eq!(answers(200), [2, 3, 4, 7]);
    assert_eq!(answers(400), [5]);
    assert_eq!(answers(415), [6]);
    assert_eq!(answers(481), [8]);
}

#[test]
fn in_bad_weather_keys_in_info_arrive_once_each_and_in_order() {
    for seed in 810..830 {
        let mut world = house(seed);
        let ana = world.phone(ANA, AgentConfig::default());
        let bia = world.phone(BIA, AgentConfig::default());
        for phone in [ana, bia] {
            let mut account = AccountConfig::direct(ACCOUNT);
            account.digits = DigitsBy::Info;
            add(&mut world, phone, account);
        }
        let ringing = ring(&mut world, ana, bia);
        world.ask(bia, Command::Answer(ringing));
        world.run(secs(2));
        world.weather = Weather {
            loss: 20,
            duplicates: 20,
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(300),
        };
        press(&mut world, ana, CALL, "1234567890*#ABCD");
        world.run(secs(60));
        let keys: String = told(&world, bia).iter().map(|(key, _)| *key).collect();
        let sent = with_the_sound(&world, ana);
        // One whose INFO timed out goes with the sound, and those behind it.
        assert_eq!(format!("{keys}{sent}"), "1234567890*#ABCD", "seed {seed}");
        world.weather = Weather::FINE;
        world.ask(ana, Command::HangUp(CALL));
        assert_forgotten(&mut world);
    }
}
