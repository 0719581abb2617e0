//! What keeps a session and what changes it without an INVITE: session timers (RFC 4028), reliable
//! provisional responses (RFC 3262), UPDATE (RFC 3311).

use std::time::Duration;

use ramal::agent::{AccountConfig, AgentConfig, Command, EndCause, Event, Side};
use ramal::sip::{Request, StatusCode};

use super::sim::World;
use super::sim::story::{
    ACCOUNT, ANA, BIA, CALL, add, answered, assert_forgotten, count, dial, end_of, lose, secs,
    talk, two_phones,
};
use super::sim::stranger::{self, Line, STRANGER, sound};
use super::strangers::{acknowledge, call_in, call_out, remote_port, say_goodbye};

const MOMENT: Duration = Duration::from_millis(100);

/// The stranger answers a request with these headers, and sound at a port if there is one.
fn answer_with(
    world: &mut World,
    request: &Request,
    status: u16,
    headers: &[(&'static str, &str)],
    port: Option<u16>,
) {
    let status = StatusCode::new(status).expect("a status");
    let mut response = request.response(status, Some("far"));
    let contact = format!("<sip:bia@{STRANGER}>");
    response.headers.push("Contact", contact);
    for (name, value) in headers {
        response.headers.push(*name, *value);
    }
    if let Some(port) = port {
        response.set_body("application/sdp", sound(port).into_bytes());
    }
    let bytes = response.to_bytes().expect("a message");
    let ana = ANA.parse().expect("an address");
    world.inject(stranger::address(), ana, &bytes);
    world.run(MOMENT);
}

fn header<'a>(request: &'a Request, name: &'static str) -> Option<&'a str> {
    request.headers.get(&name.into())
}

fn number(request: &Request) -> u32 {
    request.headers.cseq().expect("a CSeq").seq
}

/// The one request with that method that the stranger was asked, repetitions aside.
fn only(world: &World, method: &str) -> Request {
    let mut asked = world.asked_outside(method);
    let first = asked.remove(0);
    assert!(asked.iter().all(|again| number(again) == number(&first)));
    first
}

#[test]
fn two_of_ours_refresh_a_long_call_and_it_lasts() {
    let (mut world, ana, bia) = two_phones(801);
    talk(&mut world, ana, bia);
    world.run(secs(4 * 3600 - 60));
    assert_eq!((end_of(&world, ana), end_of(&world, bia)), (None, None));
    // Every 15 minutes, by who called; what is spoken does not change by it.
    assert_eq!(count(&world.sent_by(ANA), "UPDATE "), 15);
    assert_eq!(count(&world.sent_by(BIA), "UPDATE "), 0);
    assert_eq!(count(&world.sent_by(ANA), "INVITE "), 1);
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_whose_far_side_is_gone_ends_at_both_who_refresh_and_who_watch() {
    let (mut world, ana, bia) = two_phones(802);
    talk(&mut world, ana, bia);
    world.run(secs(60));
    world.weather.loss = 100;
    world.run(secs(1_900));
    for phone in [ana, bia] {
        let end = end_of(&world, phone);
        assert_eq!(end, Some((EndCause::TimedOut, Side::Local)));
    }
    world.weather.loss = 0;
    assert_forgotten(&mut world);
}

#[test]
fn a_lost_refresh_is_tried_again() {
    let (mut world, ana, bia) = two_phones(803);
    talk(&mut world, ana, bia);
    // The whole first UPDATE with its repetitions.
    lose(&mut world, "UPDATE ", 11);
    world.run(secs(3_600));
    assert_eq!((end_of(&world, ana), end_of(&world, bia)), (None, None));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_that_asks_for_no_timer_gets_none() {
    let config = || AgentConfig {
        session_interval: None,
        ..AgentConfig::default()
    };
    let mut world = World::new(804);
    let phones = [ANA, BIA].map(|at| world.phone(at, config()));
    for phone in phones {
        add(&mut world, phone, AccountConfig::direct(ACCOUNT));
    }
    talk(&mut world, phones[0], phones[1]);
    world.run(secs(3 * 3600));
    assert_eq!(count(&world.sent_by(ANA), "UPDATE "), 0);
    assert_eq!(end_of(&world, phones[0]), None);
    world.ask(phones[0], Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn an_interval_too_short_is_raised_by_who_calls() {
    let (mut world, ana, invite) = call_out(805);
    assert_eq!(header(&invite, "Session-Expires"), Some("1800"));
    assert_eq!(header(&invite, "Min-SE"), None);
    answer_with(&mut world, &invite, 422, &[("Min-SE", "3600")], None);
    let again = world.asked_outside("INVITE").pop().expect("another");
    assert_eq!(number(&again), number(&invite) + 1);
    assert_eq!(header(&again, "Session-Expires"), Some("3600"));
    assert_eq!(header(&again, "Min-SE"), Some("3600"));
    // Who says the same again is not asked a third time.
    answer_with(&mut world, &again, 422, &[("Min-SE", "3600")], None);
    world.run(secs(1));
    let end = end_of(&world, ana).map(|end| end.0);
    assert_eq!(end, Some(EndCause::Refused));
    assert_eq!(number(&world.asked_outside("INVITE").pop().unwrap()), 2);
    assert_forgotten(&mut world);
}

#[test]
fn an_interval_too_short_is_refused_by_who_is_called() {
    let (mut world, _, bia) = two_phones(806);
    let invite = |headers| Line {
        body: "v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\n\
               m=audio 6000 RTP/AVP 8\r\n",
        headers,
        ..Line::default()
    };
    let short = "Supported: timer\r\nSession-Expires: 30\r\n";
    world.stranger_asks(BIA, &invite(short));
    world.run(MOMENT);
    let refused = world.answered_outside(422).remove(0);
    assert_eq!(refused.headers.get(&"Min-SE".into()), Some("90"));
    assert_eq!(world.incoming(bia), []);
}

#[test]
fn who_refreshes_by_invite_since_update_is_unknown_keeps_its_sound() {
    let (mut world, ana, invite) = call_out(807);
    let granted = [
        ("Session-Expires", "90;refresher=uac"),
        ("Require", "timer"),
    ];
    answer_with(&mut world, &invite, 200, &granted, Some(5_081));
    world.run(secs(44));
    assert_eq!(world.asked_outside("INVITE").len(), 1);
    world.run(secs(2));
    let refresh = world.asked_outside("INVITE").pop().expect("a refresh");
    assert_eq!(number(&refresh), number(&invite) + 1);
    assert_eq!(
        header(&refresh, "Session-Expires"),
        Some("90;refresher=uac")
    );
    // The same description, by its version too (RFC 4028 section 7.4).
    assert_eq!(refresh.body, invite.body);
    answer_with(&mut world, &refresh, 200, &granted, Some(5_081));
    world.run(secs(40));
    assert_eq!(end_of(&world, ana), None);
    assert_eq!(remote_port(&world, ana), Some(5_081));
    // Nobody answers any more: the call ends before the 90 seconds are over.
    world.run(secs(64));
    let end = end_of(&world, ana);
    assert_eq!(end, Some((EndCause::TimedOut, Side::Local)));
}

#[test]
fn who_watches_ends_a_call_that_nobody_refreshes() {
    let (mut world, ana, invite) = call_out(808);
    let granted = [("Session-Expires", "120;refresher=uas")];
    answer_with(&mut world, &invite, 200, &granted, Some(5_081));
    world.run(secs(87));
    assert_eq!(end_of(&world, ana), None);
    world.run(secs(2));
    let end = end_of(&world, ana);
    assert_eq!(end, Some((EndCause::TimedOut, Side::Local)));
    only(&world, "BYE");
}

#[test]
fn a_reliable_ringing_is_acknowledged_once_and_out_of_turn_not_at_all() {
    let (mut world, ana, invite) = call_out(809);
    let reliable = |rseq| [("Require", "100rel"), ("RSeq", rseq)];
    answer_with(&mut world, &invite, 183, &reliable("700"), Some(5_081));
    let prack = only(&world, "PRACK");
    assert_eq!(
        header(&prack, "RAck"),
        Some(format!("700 {} INVITE", number(&invite)).as_str())
    );
    assert_eq!(number(&prack), number(&invite) + 1);
    assert_eq!(prack.headers.to().unwrap().tag(), Some("far"));
    answer_with(&mut world, &prack, 200, &[], None);
    assert_eq!(remote_port(&world, ana), Some(5_081));
    // Repeated; and one too far: 701 is missing.
    answer_with(&mut world, &invite, 183, &reliable("700"), Some(5_081));
    answer_with(&mut world, &invite, 180, &reliable("702"), None);
    assert_eq!(world.asked_outside("PRACK").len(), 1);
    let rang = |world: &World| {
        let events = &world.phones[ana].events;
        events.contains(&Event::Ringing { call: CALL })
    };
    assert!(!rang(&world));
    answer_with(&mut world, &invite, 180, &reliable("701"), None);
    assert!(rang(&world));
    let second = world.asked_outside("PRACK").pop().expect("a second");
    assert_eq!(number(&second), number(&prack) + 1);
    answer_with(&mut world, &second, 200, &[], None);
    // The answer came before: the 200 has none, and the next request counts on.
    answer_with(&mut world, &invite, 200, &[], None);
    assert!(answered(&world, ana));
    assert_eq!(remote_port(&world, ana), Some(5_081));
    world.ask(ana, Command::HangUp(CALL));
    world.run(MOMENT);
    let bye = only(&world, "BYE");
    assert_eq!(number(&bye), number(&second) + 1);
    answer_with(&mut world, &bye, 200, &[], None);
    assert_forgotten(&mut world);
}

#[test]
fn who_demands_a_reliable_ringing_hears_it_until_it_is_acknowledged() {
    let (mut world, _, bia) = two_phones(810);
    let body = sound(6_000);
    let invite = Line {
        headers: "Require: 100rel\r\n",
        body: &body,
        ..Line::default()
    };
    world.stranger_asks(BIA, &invite);
    world.run(secs(4));
    // At 0, 0.5, 1.5 and 3.5 s.
    let ringing = world.answered_outside(180);
    assert_eq!(ringing.len(), 4);
    let rseq = ringing[0].rseq().expect("a number");
    let tag = ringing[0].headers.to().unwrap().tag().unwrap().to_owned();
    let prack = |cseq, rack: &str, branch| {
        let headers = format!("RAck: {rack}\r\n");
        (cseq, headers, branch)
    };
    let wrong = prack(2, &format!("{} 1 INVITE", rseq + 1), "z9hG4bKp1");
    let right = prack(3, &format!("{rseq} 1 INVITE"), "z9hG4bKp2");
    for (place, (cseq, headers, branch)) in [wrong, right].into_iter().enumerate() {
        let line = Line {
            method: "PRACK",
            branch,
            cseq,
            to_tag: &tag,
            headers: &headers,
            ..Line::default()
        };
        world.stranger_asks(BIA, &line);
        world.run(MOMENT);
        let status = [481, 200][place];
        assert_eq!(world.answered_outside(status).len(), 1);
    }
    let before = world.answered_outside(180).len();
    world.run(secs(20));
    assert_eq!(world.answered_outside(180).len(), before);
    let ringing = world.incoming(bia)[0];
    world.ask(bia, Command::Answer(ringing));
    world.run(MOMENT);
    assert!(answered(&world, bia));
    acknowledge(&mut world, &tag, 1, "");
    say_goodbye(&mut world, &tag, 4);
    assert_forgotten(&mut world);
}

#[test]
fn a_reliable_ringing_that_nobody_acknowledges_ends() {
    let (mut world, _, bia) = two_phones(811);
    let body = sound(6_000);
    let invite = Line {
        headers: "Require: 100rel\r\n",
        body: &body,
        ..Line::default()
    };
    world.stranger_asks(BIA, &invite);
    world.run(secs(33));
    assert_eq!(
        end_of(&world, bia),
        Some((EndCause::NotAcknowledged, Side::Local))
    );
    assert!(!world.answered_outside(504).is_empty());
}

/// An UPDATE of the stranger's to Bia.
fn update(world: &mut World, tag: &str, cseq: u32, body: &str) {
    let line = Line {
        method: "UPDATE",
        branch: &format!("z9hG4bKupdate{cseq}"),
        cseq,
        to_tag: tag,
        body,
        ..Line::default()
    };
    world.stranger_asks(BIA, &line);
    world.run(MOMENT);
}

#[test]
fn an_update_moves_the_sound_and_one_that_cannot_leaves_it() {
    let (mut world, bia, tag) = call_in(812, &sound(6_000));
    acknowledge(&mut world, &tag, 1, "");
    update(&mut world, &tag, 2, &sound(6_002));
    assert_eq!(remote_port(&world, bia), Some(6_002));
    let answer = world.answered_outside(200).pop().expect("an answer");
    assert!(String::from_utf8_lossy(&answer.body).contains("m=audio"));
    // Hold and back, as by re-INVITE.
    update(&mut world, &tag, 3, &(sound(6_002) + "a=sendonly\r\n"));
    let held = |world: &World| {
        let plans = &world.phones[bia].plans;
        plans.values().any(|plan| !plan.send)
    };
    assert!(held(&world));
    update(&mut world, &tag, 4, &sound(6_002));
    assert!(!held(&world));
    update(
        &mut world,
        &tag,
        5,
        &sound(6_004).replace("RTP/AVP 8", "RTP/AVP 18"),
    );
    assert_eq!(world.answered_outside(488).len(), 1);
    assert_eq!(remote_port(&world, bia), Some(6_002));
    // An old one, by its number.
    update(&mut world, &tag, 2, &sound(6_008));
    assert_eq!(remote_port(&world, bia), Some(6_002));
    say_goodbye(&mut world, &tag, 9);
    assert_forgotten(&mut world);
}

#[test]
fn an_update_that_meets_an_offer_of_ours_is_told_to_wait() {
    let (mut world, bia, tag) = call_in(813, &sound(6_000));
    acknowledge(&mut world, &tag, 1, "");
    let call = world.incoming(bia)[0];
    world.ask(bia, Command::Hold(call));
    world.run(MOMENT);
    update(&mut world, &tag, 2, &sound(6_002));
    assert_eq!(world.answered_outside(491).len(), 1);
    // Without an offer there is nothing to meet.
    update(&mut world, &tag, 3, "");
    assert_eq!(remote_port(&world, bia), Some(6_000));
    let hold = only(&world, "INVITE");
    world.stranger_answers(&hold, BIA, 200, "theirs", Some(6_000));
    world.run(MOMENT);
    say_goodbye(&mut world, &tag, 4);
    assert_forgotten(&mut world);
}

#[test]
fn before_the_answer_an_update_moves_the_early_sound() {
    let (mut world, ana, invite) = call_out(814);
    let reliable = [("Require", "100rel"), ("RSeq", "1")];
    answer_with(&mut world, &invite, 183, &reliable, Some(5_081));
    let prack = only(&world, "PRACK");
    answer_with(&mut world, &prack, 200, &[], None);
    let from = invite.headers.from().expect("a From");
    let tag = from.tag().expect("a tag");
    let call_id = invite.headers.call_id().expect("a Call-ID");
    let early = |cseq: u32, port: u16, tag: &str| {
        let body = sound(port);
        format!(
            "UPDATE sip:ramal@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};branch=z9hG4bKe{cseq}\r\n\
             From: <sip:bia@{STRANGER}>;tag=far\r\nTo: <{}>;tag={tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} UPDATE\r\nContact: <sip:bia@{STRANGER}>\r\nMax-Forwards: 70\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            from.uri,
            body.len()
        )
    };
    let to = ANA.parse().expect("an address");
    world.inject(stranger::address(), to, early(1, 5_085, tag).as_bytes());
    world.run(MOMENT);
    assert_eq!(world.answered_outside(200).len(), 1);
    assert_eq!(remote_port(&world, ana), Some(5_085));
    // In a dialog that is none.
    world.inject(stranger::address(), to, early(2, 5_087, "other").as_bytes());
    world.run(MOMENT);
    assert_eq!(world.answered_outside(481).len(), 1);
    assert_eq!(remote_port(&world, ana), Some(5_085));
    // A 200 that repeats the first answer does not bring it back.
    answer_with(&mut world, &invite, 200, &[], Some(5_081));
    assert_eq!(remote_port(&world, ana), Some(5_085));
    world.ask(ana, Command::HangUp(CALL));
    world.run(MOMENT);
    let bye = only(&world, "BYE");
    answer_with(&mut world, &bye, 200, &[], None);
    assert_forgotten(&mut world);
}

#[test]
fn who_is_not_answered_yet_may_not_change_the_offer() {
    let (mut world, ana, bia) = two_phones(815);
    dial(&mut world, ana, &format!("sip:bia@{BIA}"));
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1);
    let body = sound(6_000);
    let invite = Line {
        body: &body,
        ..Line::default()
    };
    world.stranger_asks(BIA, &invite);
    world.run(MOMENT);
    let ringing = world.answered_outside(180).remove(0);
    let tag = ringing.headers.to().unwrap().tag().unwrap().to_owned();
    update(&mut world, &tag, 2, &sound(6_002));
    let later = world.answered_outside(500).remove(0);
    assert!(later.headers.get(&"Retry-After".into()).is_some());
    update(&mut world, &tag, 3, "");
    assert_eq!(world.answered_outside(200).len(), 1);
}
