//! What the stories have in common: who is there, what they do, and what is asked at the end.

use std::time::Duration;

use ramal::agent::{
    AccountConfig, AccountId, AccountState, Agent, AgentConfig, CallId, Command, EndCause, Event,
    Side, Trust,
};
use ramal::redact::Secret;

use super::registrar::Registrar;
use super::{Datagram, World};

pub(crate) const ANA: &str = "10.0.0.1:5060";
pub(crate) const BIA: &str = "10.0.0.2:5060";
/// Where the registrar stands, and the domain it answers for.
pub(crate) const PBX: &str = "10.0.0.100:5060";
pub(crate) const DOMAIN: &str = "pbx.example";
/// The caller's name for the call.
pub(crate) const CALL: CallId = CallId(1);
pub(crate) const ACCOUNT: AccountId = AccountId(1);

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn add(world: &mut World, phone: usize, account: AccountConfig) {
    world.ask(phone, Command::AddAccount(Box::new(account)));
}

/// Two phones that call each other without a registrar.
pub(crate) fn two_phones(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed);
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    for phone in [ana, bia] {
        add(&mut world, phone, AccountConfig::direct(ACCOUNT));
    }
    (world, ana, bia)
}

/// The account of an extension at the registrar.
pub(crate) fn extension(user: &str) -> AccountConfig {
    extension_of(ACCOUNT, user, DOMAIN)
}

pub(crate) fn extension_of(id: AccountId, user: &str, domain: &str) -> AccountConfig {
    let aor = format!("sip:{user}@{domain}").parse().expect("a URI");
    AccountConfig::registered(id, aor, Some(Secret::from("ramal")))
}

/// The same, which rings for whoever finds the way to it.
pub(crate) fn open_to_all(account: AccountConfig) -> AccountConfig {
    let trust = Trust {
        direct_calls: true,
        ..account.trust
    };
    AccountConfig { trust, ..account }
}

/// A registrar and no phone yet.
pub(crate) fn house(seed: u64) -> World {
    let mut world = World::new(seed);
    world.registrars.push(Registrar::new(PBX, DOMAIN));
    let pbx = PBX.parse().expect("an address");
    world.names.insert(DOMAIN.to_owned(), vec![pbx]);
    world
}

/// Ana, 1001, and Bia, 1002, registered at the registrar.
pub(crate) fn registered_phones(seed: u64) -> (World, usize, usize) {
    let mut world = house(seed);
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    add(&mut world, bia, extension("1002"));
    world.run(secs(1));
    for phone in [ana, bia] {
        assert!(
            is_registered(&world, phone),
            "{:?}",
            world.phones[phone].events
        );
    }
    (world, ana, bia)
}

pub(crate) fn is_registered(world: &World, phone: usize) -> bool {
    let state = world.phones[phone].agent.account_state(ACCOUNT);
    matches!(state, Some(AccountState::Registered { .. }))
}

pub(crate) fn dial(world: &mut World, phone: usize, target: &str) {
    let dial = Command::Dial {
        account: ACCOUNT,
        call: CALL,
        target: target.to_owned(),
    };
    world.ask(phone, dial);
}

/// A phone calls another, which rings. The called one's name for the call.
pub(crate) fn ring_at(world: &mut World, from: usize, target: &str, to: usize) -> CallId {
    let before = world.incoming(to).len();
    dial(world, from, target);
    world.run(secs(1));
    world.incoming(to)[before]
}

/// Ana calls Bia; it rings there. Bia's name for the call.
pub(crate) fn ring(world: &mut World, ana: usize, bia: usize) -> CallId {
    ring_at(world, ana, &format!("sip:bia@{BIA}"), bia)
}

/// Ana calls Bia, who answers. Bia's name for the call.
pub(crate) fn talk(world: &mut World, ana: usize, bia: usize) -> CallId {
    talk_at(world, ana, &format!("sip:bia@{BIA}"), bia)
}

/// A phone calls another, which answers. The called one's name for the call.
pub(crate) fn talk_at(world: &mut World, from: usize, target: &str, to: usize) -> CallId {
    let ringing = ring_at(world, from, target, to);
    world.ask(to, Command::Answer(ringing));
    world.run(secs(1));
    assert!(answered(world, from) && answered(world, to));
    ringing
}

/// How the one call of a phone ended, and who ended it.
pub(crate) fn end_of(world: &World, phone: usize) -> Option<(EndCause, Side)> {
    let ends = world.phones[phone].events.iter();
    let mut ends = ends.filter_map(|event| match event {
        Event::Ended { end, .. } => Some((end.cause, end.by)),
        _ => None,
    });
    let end = ends.next();
    assert_eq!(ends.next(), None, "an end is said once");
    end
}

pub(crate) fn answered(world: &World, phone: usize) -> bool {
    let mut events = world.phones[phone].events.iter();
    events.any(|event| matches!(event, Event::Answered { .. }))
}

/// Loses the first datagrams whose first line begins so.
pub(crate) fn lose(world: &mut World, begins: &'static str, mut times: u32) {
    world.censor = Some(Box::new(move |datagram: &Datagram| {
        let hit = times > 0 && datagram.first_line().starts_with(begins);
        times -= u32::from(hit);
        !hit
    }));
}

pub(crate) fn count(lines: &[String], begins: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(begins)).count()
}

/// Nothing is left of any call; and when the phones are switched off, of anything: no ports, no
/// transaction, no timer, no binding.
pub(crate) fn assert_forgotten(world: &mut World) {
    world.run(secs(70));
    for phone in &world.phones {
        assert_eq!(phone.agent.calls_under_way(), 0, "{:?}", phone.events);
        assert!(phone.open_media.is_empty(), "{:?}", phone.events);
    }
    for phone in 0..world.phones.len() {
        world.ask(phone, Command::Shutdown);
    }
    world.run(secs(70));
    for phone in 0..world.phones.len() {
        let finished = world.phones[phone].events.contains(&Event::Finished);
        assert!(finished, "{:?}", world.phones[phone].events);
        for account in 0..4 {
            world.ask(phone, Command::RemoveAccount(AccountId(account)));
        }
        let phone = &world.phones[phone];
        assert_eq!(phone.wake_at, None, "{:?}", phone.agent);
        // Numbers that only count may have grown by some digits; and that the server has no TCP,
        // found out by a long INVITE, is remembered.
        let new = format!("{:?}", Agent::new(AgentConfig::default(), 1)).len();
        assert!(phone.state_len() < new + 200, "{:?}", phone.agent);
    }
    let now = world.now;
    for registrar in &world.registrars {
        assert!(registrar.held.iter().all(|held| held.until <= now));
    }
}
