//! Phone calls told as stories, in a world whose clock is turned by hand.
//!
//! Here two phones call each other directly. Beside this file: the same through a registrar, calls
//! sent elsewhere, callers and called ones that no phone of ours would be, changes on the way, bad
//! weather, staying registered, and messages.

mod sim;

#[path = "call_flows/addressees.rs"]
mod addressees;
#[path = "call_flows/addresses.rs"]
mod addresses;
#[path = "call_flows/behind_nat.rs"]
mod behind_nat;
#[path = "call_flows/changes.rs"]
mod changes;
#[path = "call_flows/conferences.rs"]
mod conferences;
#[path = "call_flows/credentials.rs"]
mod credentials;
#[path = "call_flows/digits.rs"]
mod digits;
#[path = "call_flows/door.rs"]
mod door;
#[path = "call_flows/failover.rs"]
mod failover;
#[path = "call_flows/flows.rs"]
mod flows;
#[path = "call_flows/messages.rs"]
mod messages;
#[path = "call_flows/moving.rs"]
mod moving;
#[path = "call_flows/pickups.rs"]
mod pickups;
#[path = "call_flows/protection.rs"]
mod protection;
#[path = "call_flows/reception.rs"]
mod reception;
#[path = "call_flows/redirections.rs"]
mod redirections;
#[path = "call_flows/registrar_trouble.rs"]
mod registrar_trouble;
#[path = "call_flows/registrations.rs"]
mod registrations;
#[path = "call_flows/sessions.rs"]
mod sessions;
#[path = "call_flows/several.rs"]
mod several;
#[path = "call_flows/sound.rs"]
mod sound;
#[path = "call_flows/strangers.rs"]
mod strangers;
#[path = "call_flows/three.rs"]
mod three;
#[path = "call_flows/through_registrar.rs"]
mod through_registrar;
#[path = "call_flows/transfers.rs"]
mod transfers;
#[path = "call_flows/watching.rs"]
mod watching;
#[path = "call_flows/weather.rs"]
mod weather;

use std::time::Duration;

use ramal::agent::{AccountConfig, AgentConfig, CallId, Command, EndCause, Event, Side};
use ramal::media::plan::Answerers;
use ramal::sip::StatusCode;

use sim::story::{
    ACCOUNT, ANA, BIA, CALL, add, answered, assert_forgotten, count, dial, end_of, lose, ring,
    secs, talk, two_phones,
};
use sim::{Weather, World};

#[test]
fn a_lost_200_is_sent_again_and_both_sides_talk() {
    let (mut world, ana, bia) = two_phones(2);
    let ringing = ring(&mut world, ana, bia);
    lose(&mut world, "SIP/2.0 200", 2);
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(4));
    assert!(answered(&world, ana));
    assert_eq!(count(&world.sent_by(BIA), "SIP/2.0 200"), 3);
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_lost_ack_is_sent_again_for_each_200_that_comes_again() {
    let (mut world, ana, bia) = two_phones(3);
    let ringing = ring(&mut world, ana, bia);
    lose(&mut world, "ACK", 2);
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(5));
    assert_eq!(count(&world.sent_by(ANA), "ACK"), 3);
    assert_eq!(end_of(&world, bia), None);
    world.ask(bia, Command::HangUp(ringing));
    assert_forgotten(&mut world);
    assert_eq!(end_of(&world, ana), Some((EndCause::HungUp, Side::Remote)));
}

#[test]
fn an_answer_that_nobody_acknowledges_ends_with_a_bye() {
    let (mut world, ana, bia) = two_phones(4);
    let ringing = ring(&mut world, ana, bia);
    lose(&mut world, "ACK", u32::MAX);
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(40));
    assert_eq!(
        end_of(&world, bia),
        Some((EndCause::NotAcknowledged, Side::Local))
    );
    assert_eq!(end_of(&world, ana), Some((EndCause::HungUp, Side::Remote)));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_given_up_while_it_rings_is_missed_over_there() {
    let (mut world, ana, bia) = two_phones(5);
    ring(&mut world, ana, bia);
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(2));
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::Cancelled, Side::Local))
    );
    assert_eq!(
        end_of(&world, bia),
        Some((EndCause::Cancelled, Side::Remote))
    );
    assert_eq!(count(&world.sent_by(BIA), "SIP/2.0 487"), 1);
    assert_forgotten(&mut world);
}

#[test]
fn a_cancel_that_crosses_the_answer_ends_in_a_bye() {
    let (mut world, ana, bia) = two_phones(6);
    let ringing = ring(&mut world, ana, bia);
    world.ask(bia, Command::Answer(ringing));
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(3));
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::Cancelled, Side::Local))
    );
    assert_eq!(end_of(&world, bia), Some((EndCause::HungUp, Side::Remote)));
    let sent = world.sent_by(ANA);
    assert_eq!(
        (
            count(&sent, "CANCEL"),
            count(&sent, "ACK"),
            count(&sent, "BYE")
        ),
        (1, 1, 1)
    );
    assert_forgotten(&mut world);
}

#[test]
fn both_hang_up_in_the_same_moment() {
    let (mut world, ana, bia) = two_phones(7);
    let ringing = talk(&mut world, ana, bia);
    world.ask(ana, Command::HangUp(CALL));
    world.ask(bia, Command::HangUp(ringing));
    world.run(secs(2));
    assert_eq!(end_of(&world, ana), Some((EndCause::HungUp, Side::Local)));
    assert_eq!(end_of(&world, bia), Some((EndCause::HungUp, Side::Local)));
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_that_ends_after_a_bye_answers_the_bye_that_comes_again() {
    let (mut world, ana, bia) = two_phones(17);
    let ringing = talk(&mut world, ana, bia);
    lose(&mut world, "SIP/2.0 200", 1);
    world.ask(bia, Command::HangUp(ringing));
    world.run(Duration::from_millis(100));
    world.ask(ana, Command::Shutdown);
    let finished = |world: &World| world.phones[ana].events.contains(&Event::Finished);
    assert!(!finished(&world), "Bia has no answer yet");
    world.run(secs(2));
    assert_eq!(count(&world.sent_by(ANA), "SIP/2.0 200"), 2);
    assert!(finished(&world));
}

#[test]
fn an_invite_is_told_once_it_has_left() {
    let (mut world, ana, bia) = two_phones(18);
    ring(&mut world, ana, bia);
    let told = &world.phones[ana].events;
    let place = |wanted: &dyn Fn(&Event) -> bool| told.iter().position(wanted).unwrap();
    let calling = place(&|event| matches!(event, Event::Calling { .. }));
    let sent = place(&|event| *event == Event::InviteSent { call: CALL });
    let ringing = place(&|event| *event == Event::Ringing { call: CALL });
    assert!(calling < sent && sent < ringing);
}

#[test]
fn both_hold_in_the_same_moment_and_both_get_their_way() {
    let (mut world, ana, bia) = two_phones(8);
    let ringing = talk(&mut world, ana, bia);
    world.ask(ana, Command::Hold(CALL));
    world.ask(bia, Command::Hold(ringing));
    world.run(secs(1));
    assert_eq!(count(&world.sent_by(ANA), "SIP/2.0 491"), 1);
    assert_eq!(count(&world.sent_by(BIA), "SIP/2.0 491"), 1);
    world.run(secs(10));
    for (phone, call) in [(ana, CALL), (bia, ringing)] {
        let events = &world.phones[phone].events;
        assert!(
            events.contains(&Event::Held {
                call,
                by: Side::Local
            }),
            "{events:?}"
        );
    }
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn two_phones_agree_to_tell_each_other_how_they_hear() {
    let (mut world, ana, bia) = two_phones(11);
    talk(&mut world, ana, bia);
    for phone in [ana, bia] {
        let plan = world.phones[phone].plans.values().next();
        let terms = plan.expect("a plan").extended_reports;
        assert!(terms.voip_metrics, "{terms:?}");
        assert_eq!(terms.reference_times, Some(Answerers::All));
    }
}

#[test]
fn hold_and_resume_are_seen_on_both_sides() {
    let (mut world, ana, bia) = two_phones(9);
    let ringing = talk(&mut world, ana, bia);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(1));
    let plan = |world: &World, phone: usize| world.phones[phone].plans.values().next().cloned();
    let held = plan(&world, ana).expect("a plan");
    assert!(held.held && held.send && !held.receive);
    let holding = plan(&world, bia).expect("a plan");
    assert!(!holding.send && holding.receive);
    assert!(world.phones[bia].events.contains(&Event::Held {
        call: ringing,
        by: Side::Remote
    }));
    world.ask(ana, Command::Resume(CALL));
    world.run(secs(1));
    assert!(plan(&world, ana).is_some_and(|plan| plan.send && plan.receive && !plan.held));
    assert!(world.phones[bia].events.contains(&Event::Resumed {
        call: ringing,
        by: Side::Remote
    }));
    world.ask(bia, Command::HangUp(ringing));
    assert_forgotten(&mut world);
}

#[test]
fn a_call_turned_away_says_with_what() {
    let (mut world, ana, bia) = two_phones(10);
    let ringing = ring(&mut world, ana, bia);
    let status = StatusCode::BUSY_HERE;
    world.ask(
        bia,
        Command::Reject {
            call: ringing,
            status,
        },
    );
    world.run(secs(1));
    assert_eq!(end_of(&world, ana), Some((EndCause::Busy, Side::Remote)));
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_that_ends_while_it_rings_leaves_the_call_to_others() {
    let (mut world, ana, bia) = two_phones(19);
    ring(&mut world, ana, bia);
    world.ask(bia, Command::Shutdown);
    world.run(secs(1));
    // A 6xx would end it at every other phone of the same number (RFC 3261 section 16.7).
    assert_eq!(count(&world.sent_by(BIA), "SIP/2.0 480"), 1);
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::NoAnswer, Side::Remote))
    );
    assert_eq!(end_of(&world, bia), Some((EndCause::Declined, Side::Local)));
    assert_forgotten(&mut world);
}

#[test]
fn hanging_up_on_a_call_that_rings_says_busy() {
    let (mut world, ana, bia) = two_phones(20);
    let ringing = ring(&mut world, ana, bia);
    world.ask(bia, Command::HangUp(ringing));
    world.run(secs(1));
    assert_eq!(count(&world.sent_by(BIA), "SIP/2.0 486"), 1);
    assert_eq!(end_of(&world, ana), Some((EndCause::Busy, Side::Remote)));
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_with_all_its_lines_taken_is_busy() {
    let mut world = World::new(11);
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(
        BIA,
        AgentConfig {
            max_calls: 1,
            ..AgentConfig::default()
        },
    );
    for phone in [ana, bia] {
        add(&mut world, phone, AccountConfig::direct(ACCOUNT));
    }
    ring(&mut world, ana, bia);
    let second = Command::Dial {
        account: ACCOUNT,
        call: CallId(2),
        target: format!("sip:bia@{BIA}"),
    };
    world.ask(ana, second);
    world.run(secs(1));
    assert_eq!(end_of(&world, ana), Some((EndCause::Busy, Side::Remote)));
}

#[test]
fn nobody_answers_and_the_caller_gives_up() {
    let (mut world, ana, bia) = two_phones(12);
    world.phones[bia].events.clear();
    ring(&mut world, ana, bia);
    world.run(secs(125));
    assert_eq!(end_of(&world, bia), Some((EndCause::NoAnswer, Side::Local)));
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::NoAnswer, Side::Remote))
    );
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_that_is_not_there_is_told_after_64_t1() {
    let (mut world, ana, _) = two_phones(13);
    let target = "sip:nobody@10.0.0.9".to_owned();
    dial(&mut world, ana, &target);
    world.run(Duration::from_millis(31_900));
    assert_eq!(end_of(&world, ana), None);
    world.run(secs(1));
    assert_eq!(end_of(&world, ana), Some((EndCause::TimedOut, Side::Local)));
    assert_eq!(count(&world.sent_by(ANA), "INVITE"), 7);
}

#[test]
fn a_name_that_does_not_resolve_is_told_at_once() {
    let (mut world, ana, _) = two_phones(14);
    let target = "sip:bia@nowhere.example".to_owned();
    dial(&mut world, ana, &target);
    assert_eq!(
        end_of(&world, ana),
        Some((EndCause::HostNotFound, Side::Local))
    );
    assert!(world.sent_by(ANA).is_empty());
}

#[test]
fn everything_said_twice_is_heard_once() {
    let (mut world, ana, bia) = two_phones(15);
    world.weather = Weather {
        duplicates: 100,
        ..Weather::FINE
    };
    let ringing = talk(&mut world, ana, bia);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(1));
    world.ask(bia, Command::HangUp(ringing));
    world.run(secs(1));
    assert_eq!(world.incoming(bia).len(), 1);
    assert_eq!(end_of(&world, ana), Some((EndCause::HungUp, Side::Remote)));
    assert_eq!(end_of(&world, bia), Some((EndCause::HungUp, Side::Local)));
    assert_forgotten(&mut world);
}

#[test]
fn ana_calls_bia_who_answers_and_hangs_up() {
    let (mut world, ana, bia) = two_phones(1);
    let target = format!("sip:bia@{BIA}");
    dial(&mut world, ana, &target);
    world.run(secs(2));
    assert!(
        world.phones[ana]
            .events
            .contains(&Event::Ringing { call: CALL })
    );
    let ringing = world.incoming(bia)[0];
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(5));
    assert!(answered(&world, ana) && answered(&world, bia));
    let plans = |phone: usize| world.phones[phone].plans.values().next().unwrap().clone();
    assert_eq!(plans(ana).remote_rtp, "10.0.0.2:40000".parse().unwrap());
    assert_eq!(plans(bia).remote_rtp, "10.0.0.1:40000".parse().unwrap());
    world.ask(bia, Command::HangUp(ringing));
    world.run(secs(1));
    assert_eq!(end_of(&world, bia), Some((EndCause::HungUp, Side::Local)));
    assert_eq!(end_of(&world, ana), Some((EndCause::HungUp, Side::Remote)));
    assert_eq!(
        world.sent_by(ANA),
        [
            format!("INVITE sip:bia@{BIA} SIP/2.0"),
            format!("ACK sip:ramal@{BIA} SIP/2.0"),
            "SIP/2.0 200 OK".into()
        ]
    );
    world.run(secs(40));
    assert!(world.phones.iter().all(|phone| phone.open_media.is_empty()));
    assert!(
        world
            .phones
            .iter()
            .all(|phone| phone.agent.calls_under_way() == 0)
    );
}
