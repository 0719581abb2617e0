//! Phone calls told as stories, in a world whose clock is turned by hand.

mod sim;

use std::time::Duration;

use ramal::agent::{AccountConfig, AccountId, AgentConfig, CallId, Command, EndCause, Event, Side};

use sim::World;

const ANA: &str = "10.0.0.1:5060";
const BIA: &str = "10.0.0.2:5060";
const CALL: CallId = CallId(1);
const ACCOUNT: AccountId = AccountId(1);

/// Two phones that call each other without a registrar.
fn two_phones(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed);
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    for phone in [ana, bia] {
        world.ask(
            phone,
            Command::AddAccount(Box::new(AccountConfig::direct(ACCOUNT))),
        );
    }
    (world, ana, bia)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn end_of(world: &World, phone: usize) -> Option<(EndCause, Side)> {
    let mut ends = world.phones[phone]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Ended { end, .. } => Some((end.cause, end.by)),
            _ => None,
        });
    let end = ends.next();
    assert_eq!(ends.next(), None, "an end is said once");
    end
}

fn answered(world: &World, phone: usize) -> bool {
    world.phones[phone]
        .events
        .iter()
        .any(|event| matches!(event, Event::Answered { .. }))
}

#[test]
fn ana_calls_bia_who_answers_and_hangs_up() {
    let (mut world, ana, bia) = two_phones(1);
    let target = format!("sip:bia@{BIA}");
    world.ask(
        ana,
        Command::Dial {
            account: ACCOUNT,
            call: CALL,
            target,
        },
    );
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
