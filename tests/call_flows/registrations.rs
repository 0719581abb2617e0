//! Keeping the registrar informed, over hours and days.

use std::time::{Duration, Instant};

use ramal::agent::{AccountId, AccountState, AgentConfig, Command, Event, RegistrationCause};
use ramal::lab::Front;
use ramal::redact::Secret;

use super::sim::registrar::Registrar;
use super::sim::story::{
    ACCOUNT, ANA, BIA, CALL, DOMAIN, PBX, add, answered, assert_forgotten, count, extension,
    extension_of, house, is_registered, secs, talk_at,
};
use super::sim::{Weather, World};

pub(super) const HOUR: u64 = 3_600;
const WEEK: u64 = 7 * 24 * HOUR;

/// 10% lost, 10% twice, 20 to 220 ms under way.
pub(super) const BAD: Weather = Weather {
    loss: 10,
    duplicates: 10,
    delay: Duration::from_millis(20),
    jitter: Duration::from_millis(200),
};

/// One phone, 1001, that has just been switched on.
pub(super) fn one_phone(seed: u64) -> (World, usize) {
    let mut world = house(seed);
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    (world, ana)
}

pub(super) fn registrar(world: &mut World) -> &mut Registrar {
    &mut world.registrars[0]
}

/// When 1001 could not have been called, from its first binding until now.
pub(super) fn gaps(world: &World) -> Vec<(Duration, Duration)> {
    let registrar = &world.registrars[0];
    let first = registrar.held.first().expect("it was bound once").from;
    let gaps = registrar.gaps("1001", first, world.now);
    gaps.into_iter()
        .map(|(at, span)| (at - world.start, span))
        .collect()
}

/// What the phone said of its account, oldest first.
pub(super) fn states(world: &World, phone: usize) -> Vec<AccountState> {
    let events = world.phones[phone].events.iter();
    let states = events.filter_map(|event| match event {
        Event::Account { state, .. } => Some(state.clone()),
        _ => None,
    });
    states.collect()
}

#[test]
fn a_week_of_refreshes_leaves_no_gap_and_nothing_behind() {
    let (mut world, ana) = one_phone(101);
    world.run(secs(24 * HOUR));
    let after_a_day = world.phones[ana].state_len();
    world.run(secs(WEEK - 24 * HOUR));
    assert_eq!(gaps(&world), []);
    // 300 s are granted. A refresh comes 32 s before they are over, so that one request without
    // an answer costs nothing: 604,800 / 268, the first, and the one that was challenged.
    let registers = registrar(&mut world).registers.len();
    assert!((2_257..=2_259).contains(&registers), "{registers}");
    assert_eq!(states(&world, ana).len(), 2, "{:?}", states(&world, ana));
    let grown = world.phones[ana].state_len().abs_diff(after_a_day);
    assert!(grown < 16, "{grown} characters in six days");
    assert_forgotten(&mut world);
}

#[test]
fn a_week_of_bad_weather_leaves_no_gap_either() {
    for seed in [102, 103] {
        let (mut world, ana) = one_phone(seed);
        world.weather = BAD;
        // The nonces of this one are good for five minutes: every second refresh takes two requests.
        registrar(&mut world).gate.nonce_lifetime = secs(300);
        world.run(secs(WEEK));
        assert_eq!(gaps(&world), [], "seed {seed}");
        assert!(is_registered(&world, ana));
        let registers = registrar(&mut world).registers.len();
        assert!((3_300..=3_500).contains(&registers), "{registers}");
    }
}

#[test]
fn a_nonce_that_goes_stale_between_refreshes_costs_one_more_request() {
    let (mut world, ana) = one_phone(106);
    registrar(&mut world).gate.nonce_lifetime = secs(200);
    world.run(secs(24 * HOUR));
    assert_eq!(gaps(&world), []);
    assert_eq!(states(&world, ana).len(), 2, "{:?}", states(&world, ana));
    // 86,400 / 268 refreshes of two requests each, and the two of the beginning.
    let registers = registrar(&mut world).registers.len();
    assert!((644..=648).contains(&registers), "{registers}");
}

#[test]
fn a_registrar_that_wants_longer_bindings_gets_them() {
    let (mut world, ana) = one_phone(107);
    registrar(&mut world).expires = (1_800, 3_600);
    world.run(secs(24 * HOUR));
    assert_eq!(gaps(&world), []);
    let wished: Vec<Option<u32>> = registrar(&mut world)
        .registers
        .iter()
        .map(|(_, wished)| *wished)
        .collect();
    // Challenged, told of the least, and from then on asking for that much, each 90%.
    assert_eq!(wished[..3], [Some(300), Some(300), Some(1_800)]);
    assert!(wished[3..].iter().all(|wished| *wished == Some(1_800)));
    assert!((50..=60).contains(&wished.len()), "{}", wished.len());
    assert_eq!(
        states(&world, ana).last(),
        Some(&AccountState::Registered {
            expires: secs(1_800)
        })
    );
}

#[test]
fn a_wrong_password_is_told_once_and_never_tried_again() {
    let mut world = house(110);
    let ana = world.phone(ANA, AgentConfig::default());
    let mut account = extension("1001");
    account.password = Some(Secret::from("lamar"));
    add(&mut world, ana, account);
    world.run(secs(WEEK));
    // One without and one with it. More would have the phone's address locked out.
    assert_eq!(count(&world.sent_by(ANA), "REGISTER"), 2);
    let failures: Vec<AccountState> = states(&world, ana)
        .into_iter()
        .filter(|state| !matches!(state, AccountState::Registering))
        .collect();
    assert!(
        matches!(
            failures.as_slice(),
            [AccountState::Failed {
                cause: RegistrationCause::WrongPassword,
                status: Some(401),
                retry_at: None,
                ..
            }]
        ),
        "{failures:?}"
    );
    // Until the person gives another.
    add(&mut world, ana, extension("1001"));
    world.run(secs(1));
    assert!(is_registered(&world, ana));
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_that_is_switched_off_takes_its_binding_away() {
    for stale in [false, true] {
        let (mut world, ana) = one_phone(111);
        if stale {
            registrar(&mut world).gate.nonce_lifetime = secs(60);
        }
        world.run(secs(200));
        let now = world.now;
        assert_eq!(registrar(&mut world).bound(now, "1001").len(), 1);
        world.ask(ana, Command::Shutdown);
        world.run(secs(1));
        let now = world.now;
        assert_eq!(registrar(&mut world).bound(now, "1001").len(), 0);
        let said = &world.phones[ana].events;
        assert_eq!(said.last(), Some(&Event::Finished));
        assert!(said.contains(&Event::Account {
            account: ACCOUNT,
            state: AccountState::Unregistered
        }));
    }
}

#[test]
fn an_account_that_is_removed_takes_its_binding_along_even_with_a_stale_nonce() {
    let (mut world, ana) = one_phone(113);
    registrar(&mut world).gate.nonce_lifetime = secs(60);
    world.run(secs(200));
    world.ask(ana, Command::RemoveAccount(ACCOUNT));
    world.run(secs(2));
    let now = world.now;
    assert_eq!(registrar(&mut world).bound(now, "1001").len(), 0);
    let events = world.phones[ana].events.len();
    world.run(secs(WEEK));
    assert_eq!(world.phones[ana].events.len(), events, "it is forgotten");
    assert_eq!(world.phones[ana].wake_at, None);
}

#[test]
fn changed_settings_leave_no_gap_in_the_binding() {
    for seed in 0..20 {
        let (mut world, ana) = one_phone(130 + seed);
        if u64::is_multiple_of(seed, 2) {
            registrar(&mut world).gate.nonce_lifetime = secs(60);
        }
        world.run(secs(100));
        world.weather.jitter = Duration::from_millis(100);
        let mut account = extension("1001");
        account.display_name = Some("Ana".to_owned());
        add(&mut world, ana, account);
        world.run(secs(HOUR));
        assert_eq!(gaps(&world), [], "seed {seed}");
        assert!(is_registered(&world, ana));
    }
}

#[test]
fn a_corrected_account_is_not_judged_by_the_answer_to_the_wrong_one() {
    for seed in 0..10 {
        let mut world = house(150 + seed);
        let mut asked = 0;
        registrar(&mut world).instead = Some(Box::new(move |_| {
            asked += 1;
            (asked == 1).then(|| (403, Vec::new()))
        }));
        let ana = world.phone(ANA, AgentConfig::default());
        let mut account = extension("1001");
        account.auth_user = Some("1010".to_owned());
        add(&mut world, ana, account);
        // The refusal is under way.
        world.run(Duration::from_millis(15));
        add(&mut world, ana, extension("1001"));
        world.run(secs(1));
        let said = states(&world, ana);
        let failed = |state: &AccountState| matches!(state, AccountState::Failed { .. });
        assert!(!said.iter().any(failed), "seed {seed}: {said:?}");
        assert!(is_registered(&world, ana), "seed {seed}: {said:?}");
        assert_forgotten(&mut world);
    }
}

#[test]
fn two_accounts_of_one_phone_live_side_by_side() {
    let mut world = house(114);
    let other = "10.0.0.101:5060";
    world
        .registrars
        .push(Registrar::new(other, "other.example"));
    let address = other.parse().expect("an address");
    world
        .names
        .insert("other.example".to_owned(), vec![address]);
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    // The same number at both, as it happens with two companies.
    let second = AccountId(2);
    add(&mut world, ana, extension("1001"));
    add(
        &mut world,
        ana,
        extension_of(second, "1001", "other.example"),
    );
    add(
        &mut world,
        bia,
        extension_of(ACCOUNT, "1002", "other.example"),
    );
    world.registrars[1].expires = (60, 120);
    world.run(secs(HOUR));
    // One of the two is away for a while: the other is none the wiser.
    world.registrars[0].away = true;
    world.run(secs(HOUR));
    assert!(!is_registered(&world, ana));
    let start = world.start + secs(1);
    let now = world.now;
    assert_eq!(world.registrars[1].gaps("1001", start, now), []);
    let ringing = talk_at(&mut world, bia, "1001", ana);
    assert!(world.phones[ana].events.iter().any(|event| matches!(
        event,
        Event::Incoming { call, account, .. } if *call == ringing && *account == second
    )));
    world.ask(bia, Command::HangUp(CALL));
    world.registrars[0].away = false;
    assert_forgotten(&mut world);
}

#[test]
fn a_day_at_the_registrar_of_the_lab() {
    let mut world = World::new(115);
    let now = world.now;
    let pbx = PBX.parse().expect("an address");
    world.lab = Some((pbx, Front::new([1, 2], now)));
    world.names.insert(DOMAIN.to_owned(), vec![pbx]);
    let ana = world.phone(ANA, AgentConfig::default());
    let bia = world.phone(BIA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    add(&mut world, bia, extension("1002"));
    world.run(secs(1));
    let bound = |world: &World, user: &str, at: Instant| {
        let (_, front) = world.lab.as_ref().expect("the lab");
        front.registered(at, user).len()
    };
    for hour in 0..24 * 12 {
        world.run(secs(300));
        for user in ["1001", "1002"] {
            assert_eq!(bound(&world, user, world.now), 1, "{user}, {hour}");
        }
    }
    talk_at(&mut world, ana, "1002", bia);
    assert!(answered(&world, ana));
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
    for user in ["1001", "1002"] {
        assert_eq!(bound(&world, user, world.now), 0, "{user}");
    }
}
