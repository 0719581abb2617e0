//! Calls whose other side is played by hand, since no phone of ours behaves so.

use std::time::Duration;

use ramal::agent::{Command, EndCause, Event, Side};
use ramal::lab::Front;
use ramal::sip::Request;

use super::sim::World;
use super::sim::story::{
    ANA, BIA, CALL, PBX, answered, assert_forgotten, dial, end_of, secs, two_phones,
};
use super::sim::stranger::{Line, STRANGER, sound};

/// Ana calls the stranger. The INVITE that came.
pub(super) fn call_out(seed: u64) -> (World, usize, Request) {
    let (mut world, ana, _) = two_phones(seed);
    dial(&mut world, ana, &format!("sip:bia@{STRANGER}"));
    world.run(Duration::from_millis(100));
    let invite = world.asked_outside("INVITE").remove(0);
    (world, ana, invite)
}

/// Bia took a call of the stranger's; her tag.
pub(super) fn call_in(seed: u64, body: &str) -> (World, usize, String) {
    let (mut world, _, bia) = two_phones(seed);
    let invite = Line {
        body,
        ..Line::default()
    };
    world.stranger_asks(BIA, &invite);
    world.run(secs(1));
    let ringing = world.incoming(bia)[0];
    world.ask(bia, Command::Answer(ringing));
    world.run(Duration::from_millis(100));
    let tag = tag_of_answer(&world);
    (world, bia, tag)
}

fn tag_of_answer(world: &World) -> String {
    let answer = world.answered_outside(200).remove(0);
    let to = answer.headers.to().expect("a To");
    to.tag().expect("a tag").to_owned()
}

pub(super) fn remote_port(world: &World, phone: usize) -> Option<u16> {
    let plan = world.phones[phone].plans.values().next();
    plan.map(|plan| plan.remote_rtp.port())
}

/// The stranger ends what it began.
pub(super) fn say_goodbye(world: &mut World, tag: &str, cseq: u32) {
    let bye = Line {
        method: "BYE",
        branch: "z9hG4bKbye",
        cseq,
        to_tag: tag,
        ..Line::default()
    };
    world.stranger_asks(BIA, &bye);
    world.run(secs(1));
}

pub(super) fn acknowledge(world: &mut World, tag: &str, cseq: u32, body: &str) {
    let ack = Line {
        method: "ACK",
        branch: "z9hG4bKack",
        cseq,
        to_tag: tag,
        body,
        ..Line::default()
    };
    world.stranger_asks(BIA, &ack);
    world.run(Duration::from_millis(100));
}

#[test]
fn a_call_without_an_offer_gets_ours_in_the_200_and_the_answer_in_the_ack() {
    let (mut world, bia, tag) = call_in(401, "");
    let offer = String::from_utf8(world.answered_outside(200).remove(0).body).expect("SDP");
    assert!(offer.contains("m=audio 40000 "), "{offer}");
    assert!(!answered(&world, bia), "what is spoken is not known yet");
    acknowledge(&mut world, &tag, 1, &sound(6_000));
    assert!(answered(&world, bia));
    assert_eq!(remote_port(&world, bia), Some(6_000));
    say_goodbye(&mut world, &tag, 2);
    assert_eq!(end_of(&world, bia), Some((EndCause::HungUp, Side::Remote)));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_whose_ack_brings_no_answer_ends() {
    let (mut world, bia, tag) = call_in(402, "");
    acknowledge(&mut world, &tag, 1, "");
    assert_eq!(
        end_of(&world, bia),
        Some((EndCause::NoCommonCodec, Side::Local))
    );
    assert_eq!(world.asked_outside("BYE").len(), 1);
    let bye = world.asked_outside("BYE").remove(0);
    world.stranger_answers(&bye, BIA, 200, "", None);
    assert_forgotten(&mut world);
}

#[test]
fn of_several_forks_the_first_sound_is_heard_until_one_answers() {
    let (mut world, ana, invite) = call_out(404);
    world.stranger_answers(&invite, ANA, 183, "left", Some(5_081));
    world.stranger_answers(&invite, ANA, 180, "silent", None);
    world.stranger_answers(&invite, ANA, 183, "right", Some(5_082));
    world.run(secs(1));
    assert_eq!(remote_port(&world, ana), Some(5_081));
    let early = Event::EarlyMedia { call: CALL };
    let events = world.phones[ana].events.iter();
    assert_eq!(events.filter(|event| **event == early).count(), 1);
    world.stranger_answers(&invite, ANA, 200, "right", Some(5_083));
    world.run(secs(1));
    assert_eq!(remote_port(&world, ana), Some(5_083));
    assert!(answered(&world, ana));
    // The dialog is that of the fork which answered.
    world.ask(ana, Command::HangUp(CALL));
    world.run(Duration::from_millis(100));
    let bye = world.asked_outside("BYE").remove(0);
    assert_eq!(bye.headers.to().expect("a To").tag(), Some("right"));
    assert_eq!(bye.uri.to_string(), "sip:bia@10.0.0.7:5083");
    world.stranger_answers(&bye, ANA, 200, "", None);
    assert_forgotten(&mut world);
}

#[test]
fn a_200_that_says_nothing_of_sound_means_what_its_fork_said_before() {
    let (mut world, ana, invite) = call_out(405);
    world.stranger_answers(&invite, ANA, 183, "left", Some(5_081));
    world.stranger_answers(&invite, ANA, 183, "right", Some(5_082));
    world.stranger_answers(&invite, ANA, 200, "right", None);
    world.run(secs(1));
    assert!(answered(&world, ana));
    assert_eq!(remote_port(&world, ana), Some(5_082));
}

#[test]
fn a_call_given_up_before_any_answer_is_cancelled_with_the_first_one() {
    let (mut world, ana, invite) = call_out(406);
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(3));
    // A CANCEL may only follow an answer (RFC 3261 section 9.1); the person waits for nothing.
    assert_eq!(world.asked_outside("CANCEL").len(), 0);
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::Cancelled, Side::Local))
    );
    world.stranger_answers(&invite, ANA, 180, "far", None);
    world.run(Duration::from_millis(100));
    let cancel = world.asked_outside("CANCEL").remove(0);
    let branch = |request: &Request| {
        let via = request.headers.top_via().expect("a Via");
        via.branch().map(str::to_owned)
    };
    assert_eq!(branch(&cancel), branch(&invite));
    world.stranger_answers(&cancel, ANA, 200, "far", None);
    world.stranger_answers(&invite, ANA, 487, "far", None);
    world.run(Duration::from_millis(100));
    assert_eq!(world.asked_outside("ACK").len(), 1);
    assert_forgotten(&mut world);
}

#[test]
fn a_call_given_up_that_nobody_ever_answers_is_forgotten() {
    let (mut world, ana, _) = call_out(407);
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(60));
    assert_eq!(world.asked_outside("CANCEL").len(), 0);
    assert_forgotten(&mut world);
}

#[test]
fn a_call_taken_by_another_phone_is_not_missed() {
    for (reason, cause) in [
        (
            "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n",
            EndCause::AnsweredElsewhere,
        ),
        (
            "Reason: Q.850;cause=26;text=\"Non-selected user clearing\"\r\n",
            EndCause::AnsweredElsewhere,
        ),
        ("Reason: SIP;cause=487\r\n", EndCause::Cancelled),
        ("", EndCause::Cancelled),
    ] {
        let (mut world, _, bia) = two_phones(408);
        let body = sound(6_000);
        let invite = Line {
            body: &body,
            ..Line::default()
        };
        world.stranger_asks(BIA, &invite);
        world.run(secs(1));
        assert_eq!(world.incoming(bia).len(), 1);
        let cancel = Line {
            method: "CANCEL",
            headers: reason,
            ..Line::default()
        };
        world.stranger_asks(BIA, &cancel);
        world.run(Duration::from_millis(100));
        assert_eq!(end_of(&world, bia), Some((cause, Side::Remote)), "{reason}");
        let refusal = world.answered_outside(487).remove(0);
        let to = refusal.headers.to().expect("a To");
        let ack = Line {
            method: "ACK",
            to_tag: to.tag().expect("a tag"),
            ..Line::default()
        };
        world.stranger_asks(BIA, &ack);
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_bye_ends_a_call_that_still_rings() {
    let (mut world, _, bia) = two_phones(416);
    let body = sound(6_000);
    let invite = Line {
        body: &body,
        ..Line::default()
    };
    world.stranger_asks(BIA, &invite);
    world.run(secs(1));
    let ringing = world.answered_outside(180).remove(0);
    let to = ringing.headers.to().expect("a To");
    let tag = to.tag().expect("a tag");
    for (cseq, to_tag, status) in [(2, "other", 481), (3, tag, 200)] {
        assert_eq!(end_of(&world, bia), None);
        let bye = Line {
            method: "BYE",
            branch: &format!("z9hG4bKbye{cseq}"),
            cseq,
            to_tag,
            ..Line::default()
        };
        world.stranger_asks(BIA, &bye);
        world.run(Duration::from_millis(100));
        assert_eq!(world.answered_outside(status).len(), 1, "{status}");
    }
    // RFC 3261 section 15.1.2: what is open is answered 487.
    assert_eq!(world.answered_outside(487).len(), 1);
    assert_eq!(
        end_of(&world, bia),
        Some((EndCause::Cancelled, Side::Remote))
    );
    let ack = Line {
        method: "ACK",
        to_tag: tag,
        ..Line::default()
    };
    world.stranger_asks(BIA, &ack);
    assert_forgotten(&mut world);
}

#[test]
fn a_call_that_comes_by_two_ways_rings_once() {
    let (mut world, _, bia) = two_phones(409);
    let body = sound(6_000);
    for branch in ["z9hG4bKone", "z9hG4bKother"] {
        let invite = Line {
            branch,
            body: &body,
            ..Line::default()
        };
        world.stranger_asks(BIA, &invite);
    }
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1);
    let merged = world.answered_outside(482);
    assert!(!merged.is_empty());
    let via = merged[0].headers.top_via().expect("a Via");
    assert_eq!(via.branch(), Some("z9hG4bKother"));
}

#[test]
fn requests_of_no_call_are_told_so() {
    let (mut world, _, bia) = two_phones(410);
    for (cseq, method) in [(1, "BYE"), (2, "INVITE"), (3, "OPTIONS"), (4, "ACK")] {
        let stray = Line {
            method,
            branch: &format!("z9hG4bKstray{cseq}"),
            cseq,
            to_tag: "nobody",
            ..Line::default()
        };
        world.stranger_asks(BIA, &stray);
    }
    world.run(Duration::from_millis(300));
    let refused = world.answered_outside(481);
    let methods: Vec<String> = refused
        .iter()
        .map(|response| response.headers.cseq().expect("a CSeq").method.to_string())
        .collect();
    assert_eq!(methods, ["BYE", "INVITE", "OPTIONS"]);
    assert_eq!(world.incoming(bia).len(), 0);
}

#[test]
fn a_call_without_hops_left_rings_where_it_has_arrived() {
    let (mut world, _, bia) = two_phones(411);
    let body = sound(6_000);
    let invite = Line {
        headers: "Max-Forwards: 0\r\n",
        body: &body,
        ..Line::default()
    };
    world.stranger_asks(BIA, &invite);
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1);
}

#[test]
fn a_call_without_hops_left_goes_no_further_at_the_lab() {
    let (mut world, _, bia) = two_phones(412);
    let now = world.now;
    world.lab = Some((PBX.parse().expect("an address"), Front::new([1, 2], now)));
    let account = super::sim::story::extension_of(
        ramal::agent::AccountId(2),
        "1002",
        &PBX.replace(":5060", ""),
    );
    super::sim::story::add(&mut world, bia, account);
    world.run(secs(1));
    let body = sound(6_000);
    for (cseq, hops) in [(1, "Max-Forwards: 0\r\n"), (2, "Max-Forwards: 1\r\n")] {
        let invite = Line {
            uri: "sip:1002@10.0.0.100",
            branch: &format!("z9hG4bKhops{cseq}"),
            cseq,
            headers: hops,
            body: &body,
            ..Line::default()
        };
        world.stranger_asks(PBX, &invite);
        world.run(secs(1));
        assert_eq!(world.answered_outside(483).len(), 1);
        assert_eq!(world.incoming(bia).len(), cseq as usize - 1);
    }
}

#[test]
fn an_answer_from_where_no_way_leads_leaves_nothing_behind() {
    let (mut world, ana, invite) = call_out(414);
    let mut response = invite.response(ramal::sip::StatusCode::OK, Some("far"));
    response
        .headers
        .push("Contact", "<sip:bia@nowhere.example>");
    response.set_body("application/sdp", sound(5_081).into_bytes());
    let bytes = response.to_bytes().expect("a message");
    let (from, to) = (STRANGER.parse().expect("one"), ANA.parse().expect("one"));
    world.inject(from, to, &bytes);
    world.run(secs(1));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn the_first_of_two_answers_of_a_fork_is_kept_and_the_other_ended() {
    let (mut world, ana, invite) = call_out(16);
    world.stranger_answers(&invite, ANA, 200, "first", Some(5_071));
    world.stranger_answers(&invite, ANA, 200, "second", Some(5_072));
    world.run(secs(1));
    let lines: Vec<String> = world
        .outside
        .iter()
        .map(super::sim::Datagram::first_line)
        .collect();
    for expected in [
        "ACK sip:bia@10.0.0.7:5071 SIP/2.0",
        "ACK sip:bia@10.0.0.7:5072 SIP/2.0",
        "BYE sip:bia@10.0.0.7:5072 SIP/2.0",
    ] {
        assert!(lines.contains(&expected.to_owned()), "{lines:?}");
    }
    let kept = "BYE sip:bia@10.0.0.7:5071 SIP/2.0".to_owned();
    assert!(!lines.contains(&kept), "{lines:?}");
    assert!(answered(&world, ana));
    assert_eq!(end_of(&world, ana), None);
    assert_eq!(remote_port(&world, ana), Some(5_071));
}
