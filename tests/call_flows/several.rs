//! Hold, resume and swap, again and again and faster than the far side answers.

use std::net::SocketAddr;
use std::time::Duration;

use ramal::agent::{AgentConfig, CallId, Command, Event, Side};
use ramal::media::plan::MediaId;
use ramal::sdp;

use super::sim::World;
use super::sim::story::{
    ANA, BIA, CALL, add, assert_forgotten, extension, house, is_registered, secs, talk_at,
};

const CEU: &str = "10.0.0.3:5060";
const SECOND: CallId = CallId(2);

/// Ana talks with Bia, and then, Bia waiting, with Ceu. The others' names for their calls.
fn two_calls(seed: u64) -> (World, [usize; 3], [CallId; 2]) {
    let mut world = house(seed);
    let phones = [ANA, BIA, CEU].map(|at| world.phone(at, AgentConfig::default()));
    for (phone, user) in phones.iter().zip(["1001", "1002", "1003"]) {
        add(&mut world, *phone, extension(user));
    }
    world.run(secs(1));
    assert!(phones.iter().all(|phone| is_registered(&world, *phone)));
    let [ana, bia, ceu] = phones;
    let at_bia = talk_at(&mut world, ana, "1002", bia);
    world.ask(ana, Command::Hold(CALL));
    let again = Command::Dial {
        account: super::sim::story::ACCOUNT,
        call: SECOND,
        target: "1003".to_owned(),
    };
    world.ask(ana, again);
    world.run(secs(1));
    let at_ceu = world.incoming(ceu)[0];
    world.ask(ceu, Command::Answer(at_ceu));
    world.run(secs(1));
    (world, phones, [at_bia, at_ceu])
}

/// Session id and version of each description that an address sent, by session, each once.
fn versions(world: &World, from: &str) -> Vec<(u64, Vec<u64>)> {
    let mut sessions: Vec<(u64, Vec<u64>)> = Vec::new();
    let from: SocketAddr = from.parse().expect("an address");
    for (_, datagram) in world.log.iter().filter(|(_, it)| it.from == from) {
        let message = String::from_utf8_lossy(&datagram.bytes);
        let Some((_, body)) = message.split_once("\r\n\r\n") else {
            continue;
        };
        let Ok(parsed) = sdp::parse(body.as_bytes()) else {
            continue;
        };
        let Some(origin) = parsed.description.origin() else {
            continue;
        };
        let (id, version) = (origin.session_id, origin.session_version);
        match sessions.iter_mut().find(|(known, _)| *known == id) {
            Some((_, seen)) if seen.last() != Some(&version) => seen.push(version),
            Some(_) => {}
            None => sessions.push((id, vec![version])),
        }
    }
    sessions
}

/// Whether sound goes both ways between a call of Ana's and its other end.
fn talks(world: &World, ana: (usize, CallId), other: (usize, CallId)) -> bool {
    let open = |(phone, call): (usize, CallId)| {
        let plan = &world.phones[phone].plans[&MediaId(call.0)];
        plan.send && plan.receive && !plan.held
    };
    open(ana) && open(other)
}

#[test]
fn a_hundred_holds_and_swaps_leave_the_calls_as_they_were() {
    let (mut world, [ana, bia, ceu], [at_bia, at_ceu]) = two_calls(840);
    let mut lengths = Vec::new();
    for round in 0..100 {
        let (waits, goes_on) = if round % 2 == 0 {
            (SECOND, CALL)
        } else {
            (CALL, SECOND)
        };
        world.ask(ana, Command::Hold(waits));
        world.ask(ana, Command::Resume(goes_on));
        world.run(secs(1));
        let with_bia = talks(&world, (ana, CALL), (bia, at_bia));
        let with_ceu = talks(&world, (ana, SECOND), (ceu, at_ceu));
        assert_eq!((with_bia, with_ceu), (round % 2 == 0, round % 2 == 1));
        // What is under way has been forgotten by then.
        if round % 10 == 9 {
            // A registration may be refreshed at one of the moments, not at both.
            let [one, other] = [70, 45].map(|wait| {
                world.run(secs(wait));
                world.phones[ana].state_len()
            });
            lengths.push(one.min(other));
        }
    }
    let (least, most) = (lengths.iter().min(), lengths.iter().max());
    let growth = most.unwrap_or(&0) - least.unwrap_or(&0);
    // Numbers that count get longer; nothing else may.
    assert!(growth < 100, "{lengths:?}");
    let sessions = versions(&world, ANA);
    let changed: Vec<_> = sessions.iter().filter(|(_, all)| all.len() > 50).collect();
    assert_eq!(changed.len(), 2, "a session for each call");
    for (_, all) in changed {
        let steps = all.windows(2).all(|pair| pair[1] == pair[0] + 1);
        assert!(steps, "each change is one version: {all:?}");
    }
    world.ask(ana, Command::HangUp(CALL));
    world.ask(ana, Command::HangUp(SECOND));
    assert_forgotten(&mut world);
}

#[test]
fn of_wishes_that_come_faster_than_answers_the_last_one_counts() {
    for (wishes, held) in [("hr", false), ("hrh", true), ("hrhrhr", false)] {
        let (mut world, [ana, bia, _], [at_bia, _]) = two_calls(841);
        world.ask(ana, Command::Resume(CALL));
        world.run(secs(1));
        world.phones[ana].events.clear();
        for wish in wishes.chars() {
            world.ask(
                ana,
                match wish {
                    'h' => Command::Hold(CALL),
                    _ => Command::Resume(CALL),
                },
            );
            world.run(Duration::from_millis(1));
        }
        world.run(secs(3));
        assert_eq!(!talks(&world, (ana, CALL), (bia, at_bia)), held, "{wishes}");
        let events = &world.phones[ana].events;
        assert!(
            !events
                .iter()
                .any(|event| matches!(event, Event::Refused { .. })),
            "{events:?}"
        );
        let (call, by) = (CALL, Side::Local);
        let last = if held {
            Event::Held { call, by }
        } else {
            Event::Resumed { call, by }
        };
        assert_eq!(events.last(), Some(&last), "{wishes}");
        world.ask(ana, Command::HangUp(CALL));
        world.ask(ana, Command::HangUp(SECOND));
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_wish_during_a_change_that_fails_is_done_after_it() {
    let (mut world, ana, invite) = super::strangers::call_out(842);
    world.stranger_answers(&invite, ANA, 200, "far", Some(5_081));
    world.run(Duration::from_millis(100));
    world.ask(ana, Command::Hold(CALL));
    world.ask(ana, Command::Resume(CALL));
    world.ask(ana, Command::Hold(CALL));
    world.run(Duration::from_millis(100));
    let change = world.asked_outside("INVITE").pop().expect("a re-INVITE");
    world.ask(ana, Command::Resume(CALL));
    world.stranger_answers(&change, ANA, 500, "far", None);
    world.run(Duration::from_millis(100));
    // It was never held, so there is nothing to take back.
    assert_eq!(world.asked_outside("INVITE").len(), 2);
    world.ask(ana, Command::Hold(CALL));
    world.run(Duration::from_millis(100));
    assert_eq!(world.asked_outside("INVITE").len(), 3);
}
