//! Calls that are handed over: blind and after a talk, seen from who hands over, from who is handed
//! over, and from who gets the call.

use std::time::Duration;

use ramal::agent::{
    AccountConfig, AgentConfig, CallId, Command, EndCause, Event, Refusal, Side, TransferPolicy,
    TransferProgress,
};

use super::sim::World;
use super::sim::story::{
    ANA, BIA, CALL, add, assert_forgotten, count, extension, house, is_registered, lose,
    open_to_all, secs, talk_at,
};
use super::sim::stranger::{Line, STRANGER, sound};
use super::strangers::{acknowledge, call_in};

const CEU: &str = "10.0.0.3:5060";
/// Ana's name for her second call.
const SECOND: CallId = CallId(2);

/// Ana, 1001, Bia, 1002, and Ceu, 1003, registered; Ana talks with Bia. Bia's name for the call.
fn three(seed: u64) -> (World, [usize; 3], CallId) {
    three_with(seed, open_to_all(extension("1002")))
}

fn three_with(seed: u64, bia: AccountConfig) -> (World, [usize; 3], CallId) {
    let mut world = house(seed);
    let phones = [ANA, BIA, CEU].map(|at| world.phone(at, AgentConfig::default()));
    add(&mut world, phones[0], extension("1001"));
    add(&mut world, phones[1], bia);
    add(&mut world, phones[2], extension("1003"));
    world.run(secs(1));
    assert!(phones.iter().all(|phone| is_registered(&world, *phone)));
    let at_bia = talk_at(&mut world, phones[0], "1002", phones[1]);
    (world, phones, at_bia)
}

fn blind(world: &mut World, phone: usize, target: &str) {
    let transfer = Command::Transfer {
        call: CALL,
        target: target.to_owned(),
    };
    world.ask(phone, transfer);
    world.run(secs(1));
}

/// What was said of the transfer of this call.
fn progress(world: &World, phone: usize) -> Vec<TransferProgress> {
    let events = world.phones[phone].events.iter();
    let told = events.filter_map(|event| match event {
        Event::Transfer { progress, .. } => Some(progress.clone()),
        _ => None,
    });
    told.skip(1).collect()
}

/// How each call of a phone ended, in that order.
fn ends(world: &World, phone: usize) -> Vec<(CallId, EndCause, Side)> {
    let events = world.phones[phone].events.iter();
    events
        .filter_map(|event| match event {
            Event::Ended { call, end } => Some((*call, end.cause, end.by)),
            _ => None,
        })
        .collect()
}

/// The call that followed from a transfer, at the one who was handed over.
fn followed(world: &World, phone: usize) -> CallId {
    let mut events = world.phones[phone].events.iter();
    let to = events.find_map(|event| match event {
        Event::Referred { to, .. } => Some(*to),
        _ => None,
    });
    to.expect("a call that follows")
}

fn answered_calls(world: &World, phone: usize) -> Vec<CallId> {
    let events = world.phones[phone].events.iter();
    events
        .filter_map(|event| match event {
            Event::Answered { call, .. } => Some(*call),
            _ => None,
        })
        .collect()
}

/// The plans of two phones say that their sound goes to each other.
fn assert_they_talk(world: &World, (a, at_a): (usize, CallId), (b, at_b): (usize, CallId)) {
    let plan = |phone: usize, call: CallId| {
        let plans = &world.phones[phone].plans;
        let plan = plans.get(&ramal::media::plan::MediaId(call.0));
        plan.cloned().expect("a plan")
    };
    let (one, other) = (plan(a, at_a), plan(b, at_b));
    assert!(one.send && one.receive && other.send && other.receive);
    assert_eq!(one.remote_rtp.ip(), world.phones[b].addr.ip());
    assert_eq!(other.remote_rtp.ip(), world.phones[a].addr.ip());
}

#[test]
fn a_blind_transfer_ends_at_ours_and_begins_between_the_two_others() {
    let (mut world, [ana, bia, ceu], at_bia) = three(701);
    blind(&mut world, ana, "1003");
    assert_eq!(
        progress(&world, ana),
        [TransferProgress::Accepted, TransferProgress::Ringing]
    );
    let at_ceu = world.incoming(ceu)[0];
    world.ask(ceu, Command::Answer(at_ceu));
    world.run(secs(1));
    assert_eq!(progress(&world, ana)[2..], [TransferProgress::Succeeded]);
    assert_eq!(
        ends(&world, ana),
        [(CALL, EndCause::Transferred, Side::Local)]
    );
    assert_eq!(
        ends(&world, bia),
        [(at_bia, EndCause::Transferred, Side::Remote)]
    );
    let follows = followed(&world, bia);
    assert_they_talk(&world, (bia, follows), (ceu, at_ceu));
    world.ask(bia, Command::HangUp(follows));
    world.run(secs(1));
    assert_eq!(
        ends(&world, ceu),
        [(at_ceu, EndCause::HungUp, Side::Remote)]
    );
    assert_forgotten(&mut world);
}

#[test]
fn a_transfer_to_who_is_busy_brings_the_call_back() {
    for status in [486_u16, 404, 480, 603] {
        let (mut world, [ana, bia, ceu], at_bia) = three(702);
        blind(&mut world, ana, "1003");
        let at_ceu = world.incoming(ceu)[0];
        let status_code = ramal::sip::StatusCode::new(status).expect("a status");
        let reject = Command::Reject {
            call: at_ceu,
            status: status_code,
        };
        world.ask(ceu, reject);
        world.run(secs(1));
        let last = progress(&world, ana).pop();
        assert!(
            matches!(&last, Some(TransferProgress::Failed { status: Some(told), .. }) if *told == status),
            "{last:?}"
        );
        // Both talk again as before.
        assert_eq!(ends(&world, ana), []);
        assert_they_talk(&world, (ana, CALL), (bia, at_bia));
        world.ask(ana, Command::HangUp(CALL));
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_target_that_nobody_answers_brings_the_call_back_in_the_end() {
    let (mut world, [ana, bia, _], at_bia) = three(703);
    blind(&mut world, ana, "1003");
    world.run(secs(200));
    assert!(matches!(
        progress(&world, ana).pop(),
        Some(TransferProgress::Failed { .. })
    ));
    assert_they_talk(&world, (ana, CALL), (bia, at_bia));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn who_cannot_transfer_says_so_and_the_call_goes_on() {
    // The stranger's phone knows no REFER.
    let (mut world, bia, tag) = call_in(704, &sound(6_000));
    acknowledge(&mut world, &tag, 1, "");
    let call = world.incoming(bia)[0];
    let transfer = Command::Transfer {
        call,
        target: "sip:1003@10.0.0.9".to_owned(),
    };
    world.ask(bia, transfer);
    world.run(Duration::from_millis(100));
    let hold = world.asked_outside("INVITE").pop().expect("a hold");
    world.stranger_answers(&hold, BIA, 200, "theirs", Some(6_000));
    world.run(Duration::from_millis(100));
    let refer = world.asked_outside("REFER").pop().expect("a REFER");
    assert_eq!(
        refer.headers.get(&"Refer-To".into()),
        Some("<sip:1003@10.0.0.9>")
    );
    world.stranger_answers(&refer, BIA, 405, "theirs", None);
    world.run(Duration::from_millis(100));
    assert!(matches!(
        progress(&world, bia).pop(),
        Some(TransferProgress::Failed {
            status: Some(405),
            ..
        })
    ));
    // It is taken back from the hold that it was put on.
    let resume = world.asked_outside("INVITE").pop().expect("a resume");
    assert_ne!(resume.headers.cseq(), hold.headers.cseq());
    assert!(!String::from_utf8_lossy(&resume.body).contains("sendonly"));
    world.stranger_answers(&resume, BIA, 200, "theirs", Some(6_000));
    world.run(secs(1));
    assert_eq!(ends(&world, bia), []);
    world.ask(bia, Command::HangUp(call));
    world.run(secs(1));
    let bye = world.asked_outside("BYE").pop().expect("a BYE");
    world.stranger_answers(&bye, BIA, 200, "theirs", None);
    assert_forgotten(&mut world);
}

#[test]
fn a_transfer_after_a_talk_leaves_the_two_others_together() {
    // Ana called Ceu, or Ceu called Ana: the dialog that is replaced has its tags either way.
    for ana_calls in [true, false] {
        let (mut world, [ana, bia, ceu], at_bia) = three(705);
        world.ask(ana, Command::Hold(CALL));
        world.run(secs(1));
        let (other, at_ceu) = if ana_calls {
            let dial = Command::Dial {
                account: super::sim::story::ACCOUNT,
                call: SECOND,
                target: "1003".to_owned(),
            };
            world.ask(ana, dial);
            world.run(secs(1));
            let at_ceu = world.incoming(ceu)[0];
            world.ask(ceu, Command::Answer(at_ceu));
            (SECOND, at_ceu)
        } else {
            super::sim::story::dial(&mut world, ceu, "1001");
            world.run(secs(1));
            let at_ana = world.incoming(ana)[0];
            world.ask(ana, Command::Answer(at_ana));
            (at_ana, CALL)
        };
        world.run(secs(1));
        world.ask(ana, Command::TransferTo { call: CALL, other });
        world.run(secs(2));
        assert_eq!(
            progress(&world, ana).pop(),
            Some(TransferProgress::Succeeded)
        );
        let ended: Vec<_> = ends(&world, ana).iter().map(|end| end.0).collect();
        assert!(ended.len() == 2 && ended.contains(&CALL) && ended.contains(&other));
        assert_eq!(
            ends(&world, bia),
            [(at_bia, EndCause::Transferred, Side::Remote)]
        );
        assert_eq!(ends(&world, ceu)[0].0, at_ceu);
        let new = *answered_calls(&world, ceu).last().expect("a call");
        assert_ne!(new, at_ceu);
        let replaced = Event::Replaced {
            call: new,
            replaced: at_ceu,
        };
        assert!(world.phones[ceu].events.contains(&replaced));
        assert_they_talk(&world, (bia, followed(&world, bia)), (ceu, new));
        world.ask(ceu, Command::HangUp(new));
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_call_can_be_handed_to_who_has_not_answered_yet() {
    let (mut world, [ana, bia, ceu], _) = three(706);
    world.ask(ana, Command::Hold(CALL));
    world.run(secs(1));
    let dial = Command::Dial {
        account: super::sim::story::ACCOUNT,
        call: SECOND,
        target: "1003".to_owned(),
    };
    world.ask(ana, dial);
    world.run(secs(1));
    let transfer = Command::TransferTo {
        call: CALL,
        other: SECOND,
    };
    world.ask(ana, transfer);
    world.run(secs(1));
    // The first ringing made room for the second, which is Bia's.
    let ringing = world.incoming(ceu);
    assert_eq!(ringing.len(), 2);
    world.ask(ceu, Command::Answer(ringing[1]));
    world.run(secs(1));
    assert_eq!(
        progress(&world, ana).pop(),
        Some(TransferProgress::Succeeded)
    );
    let follows = followed(&world, bia);
    assert_they_talk(&world, (bia, follows), (ceu, ringing[1]));
    world.ask(bia, Command::HangUp(follows));
    assert_forgotten(&mut world);
}

#[test]
fn nobody_is_handed_to_an_outside_number_unasked() {
    for (target, accepts) in [
        ("sip:0014155550100@pbx.example", true),
        ("sip:1003@elsewhere.example", false),
    ] {
        let (mut world, [ana, bia, _], at_bia) = three(707);
        blind(&mut world, ana, target);
        let asked = world.phones[bia].events.iter().any(|event| {
            matches!(event, Event::TransferAsked { call, to, .. }
                if *call == at_bia && to.uri == target)
        });
        assert!(asked, "{:?}", world.phones[bia].events);
        assert_eq!(progress(&world, ana), [TransferProgress::Accepted]);
        if accepts {
            world.ask(bia, Command::AcceptTransfer(at_bia));
            world.run(secs(1));
            assert!(followed(&world, bia) != at_bia);
        } else {
            world.ask(bia, Command::RefuseTransfer(at_bia));
            world.run(secs(1));
            let last = progress(&world, ana).pop();
            assert!(
                matches!(
                    last,
                    Some(TransferProgress::Failed {
                        status: Some(603),
                        ..
                    })
                ),
                "{last:?}"
            );
            assert_they_talk(&world, (ana, CALL), (bia, at_bia));
            // Asked once, answered once.
            world.ask(bia, Command::RefuseTransfer(at_bia));
            let refused = Event::Refused {
                call: Some(at_bia),
                refusal: Refusal::WrongState,
            };
            assert!(world.phones[bia].events.contains(&refused));
        }
        world.run(secs(40));
        world.ask(ana, Command::HangUp(CALL));
        assert_forgotten(&mut world);
    }
}

#[test]
fn who_is_asked_and_says_nothing_is_not_handed_over() {
    let bia = AccountConfig {
        transfers: TransferPolicy::Ask,
        ..extension("1002")
    };
    let (mut world, [ana, bia, ceu], at_bia) = three_with(708, bia);
    blind(&mut world, ana, "1003");
    assert_eq!(world.incoming(ceu), []);
    world.run(secs(61));
    let no_more = Event::TransferAskedNoMore { call: at_bia };
    assert!(world.phones[bia].events.contains(&no_more));
    assert!(matches!(
        progress(&world, ana).pop(),
        Some(TransferProgress::Failed {
            status: Some(603),
            ..
        })
    ));
    assert_they_talk(&world, (ana, CALL), (bia, at_bia));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn a_transfer_comes_through_bad_weather() {
    for lost in [
        "REFER",
        "SIP/2.0 202",
        "NOTIFY",
        "SIP/2.0 200",
        "BYE",
        "INVITE",
    ] {
        let (mut world, [ana, bia, ceu], _) = three(709);
        lose(&mut world, lost, 2);
        blind(&mut world, ana, "1003");
        world.run(secs(8));
        let at_ceu = world.incoming(ceu)[0];
        world.ask(ceu, Command::Answer(at_ceu));
        world.run(secs(8));
        assert_eq!(
            progress(&world, ana).pop(),
            Some(TransferProgress::Succeeded),
            "{lost}"
        );
        let follows = followed(&world, bia);
        assert_they_talk(&world, (bia, follows), (ceu, at_ceu));
        world.ask(bia, Command::HangUp(follows));
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_challenged_refer_is_sent_again_with_credentials() {
    let (mut world, [ana, _, ceu], _) = three(710);
    world.registrars[0].calls_ask = Some(407);
    blind(&mut world, ana, "1003");
    world.run(secs(1));
    assert_eq!(world.incoming(ceu).len(), 1);
    world.ask(ceu, Command::Answer(world.incoming(ceu)[0]));
    world.run(secs(1));
    assert_eq!(
        progress(&world, ana).pop(),
        Some(TransferProgress::Succeeded)
    );
    world.ask(ceu, Command::HangUp(world.incoming(ceu)[0]));
    assert_forgotten(&mut world);
}

#[test]
fn strangers_cannot_hand_anybody_over() {
    let (mut world, bia, tag) = call_in(711, &sound(6_000));
    acknowledge(&mut world, &tag, 1, "");
    let refer = |cseq, to_tag, headers| Line {
        method: "REFER",
        branch: "z9hG4bKrefer",
        cseq,
        to_tag,
        headers,
        ..Line::default()
    };
    // Outside a dialog, in one that is none, with no target, two, or one that is no call.
    let to = "Refer-To: <sip:1003@10.0.0.9>\r\n";
    for (number, (to_tag, headers, status)) in [
        ("", to, 403),
        ("nobody", to, 481),
        (tag.as_str(), "", 400),
        (
            tag.as_str(),
            "Refer-To: <sip:a@b>\r\nRefer-To: <sip:c@d>\r\n",
            400,
        ),
        (tag.as_str(), "Refer-To: <http://example.com>\r\n", 416),
        (tag.as_str(), "Refer-To: <sip:a@b;method=BYE>\r\n", 403),
        (
            tag.as_str(),
            "Refer-To: <sip:a@b?Replaces=nonsense>\r\n",
            400,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let cseq = 2 + u32::try_from(number).expect("few");
        let branch = format!("z9hG4bKrefer{number}");
        let line = Line {
            branch: &branch,
            ..refer(cseq, to_tag, headers)
        };
        let before = world.answered_outside(status).len();
        world.stranger_asks(BIA, &line);
        world.run(Duration::from_millis(100));
        assert!(
            world.answered_outside(status).len() > before,
            "{status} to {headers:?}"
        );
    }
    let asked = world.phones[bia].events.iter();
    let asked = asked.filter(|event| matches!(event, Event::TransferAsked { .. }));
    assert_eq!(asked.count(), 0);
    assert_eq!(world.asked_outside("NOTIFY").len(), 0);
}

#[test]
fn a_place_that_nobody_has_cannot_be_taken() {
    let (mut world, [_, bia, _], _) = three(712);
    let invite = |replaces: &str, branch: &str| {
        let headers = format!("Replaces: {replaces}\r\n");
        (headers, branch.to_owned())
    };
    for (replaces, status) in [
        ("unknown;to-tag=a;from-tag=b", 481),
        ("nonsense", 400),
        (
            "a;to-tag=1;from-tag=2\r\nReplaces: b;to-tag=1;from-tag=2",
            400,
        ),
    ] {
        let (headers, branch) = invite(replaces, &format!("z9hG4bK{}", replaces.len()));
        let body = sound(6_000);
        let line = Line {
            uri: "sip:1002@10.0.0.2",
            branch: &branch,
            headers: &headers,
            body: &body,
            ..Line::default()
        };
        world.stranger_asks(BIA, &line);
        world.run(Duration::from_millis(200));
        assert!(!world.answered_outside(status).is_empty(), "{replaces}");
        world.outside.clear();
    }
    assert_eq!(answered_calls(&world, bia).len(), 1);
    assert_eq!(count(&world.sent_by(BIA), "SIP/2.0 180"), 1);
    let _ = STRANGER;
}
