//! Agents in the simulated internet.

use std::net::SocketAddr;
use std::time::Duration;

use super::path::Chooser;
use super::*;
use crate::nat::simulated::{Behaviour, Dependence, Realm, Setting, Two, World};
use crate::nat::stun::{Builder, Class, Key, Message, Method, TransactionId, attribute};

const MINUTE: Duration = Duration::from_secs(60);

/// Both behind a translator of their own.
fn behind(seed: u64, kinds: [Behaviour; 2], setting: Setting) -> Two {
    let mut world = World::new(seed);
    let one = world.network(Realm::INTERNET, "192.0.2.1", kinds[0]);
    let other = world.network(Realm::INTERNET, "203.0.113.1", kinds[1]);
    Two::new(world, [(one, "10.0.0.5"), (other, "10.0.1.5")], setting)
}

fn open(seed: u64, setting: Setting) -> Two {
    let world = World::new(seed);
    let places = [
        (Realm::INTERNET, "192.0.2.10"),
        (Realm::INTERNET, "203.0.113.10"),
    ];
    Two::new(world, places, setting)
}

fn cone() -> Behaviour {
    Behaviour::new(Dependence::Endpoint, Dependence::AddressAndPort)
}

#[test]
fn two_with_public_addresses_talk_directly() {
    let mut two = open(1, Setting::default());
    assert!(two.run(MINUTE, Two::completed) && two.agree());
    let path = two.path(0, 1).unwrap();
    assert_eq!(path.kind(), PathKind::Direct);
    assert_eq!(path.remote, "203.0.113.10:4101".parse().unwrap());
    assert_eq!(path.chosen_by, Some(Chooser::Us));
    assert_eq!(two.path(1, 1).unwrap().chosen_by, Some(Chooser::Peer));
    assert_eq!(path.better_silent, 0);
}

#[test]
fn both_components_get_a_path_and_multiplexing_leaves_one() {
    let setting = Setting {
        components: 2,
        ..Setting::default()
    };
    let mut two = behind(2, [cone(), cone()], setting);
    assert!(two.run(MINUTE, Two::completed) && two.agree());
    assert_ne!(
        two.path(0, 1).unwrap().remote,
        two.path(0, 2).unwrap().remote
    );
    let now = two.world.now;
    two.phones[0].agent.multiplex(now);
    assert!(two.path(0, 2).is_none() && two.path(0, 1).is_some());
}

#[test]
fn behind_one_translator_the_way_is_the_inner_one() {
    let mut world = World::new(3);
    let home = world.network(Realm::INTERNET, "192.0.2.1", cone());
    let places = [(home, "10.0.0.5"), (home, "10.0.0.6")];
    let mut two = Two::new(world, places, Setting::default());
    assert!(two.run(MINUTE, Two::completed) && two.agree());
    assert_eq!(two.path(0, 1).unwrap().kind(), PathKind::Direct);
}

#[test]
fn two_homes_behind_one_carrier_meet_by_its_hairpin() {
    let mut world = World::new(4);
    let carrier = Behaviour {
        hairpin: true,
        ..Behaviour::new(Dependence::Endpoint, Dependence::Endpoint)
    };
    let carrier = world.network(Realm::INTERNET, "192.0.2.1", carrier);
    let one = world.network(carrier, "100.64.0.1", cone());
    let other = world.network(carrier, "100.64.0.2", cone());
    let places = [(one, "10.0.0.5"), (other, "10.0.0.5")];
    let mut two = Two::new(world, places, Setting::default());
    assert!(two.run(MINUTE, Two::completed) && two.agree());
    assert_eq!(two.path(0, 1).unwrap().kind(), PathKind::Translated);
}

#[test]
fn candidates_one_by_one_lead_to_the_same_end() {
    for seed in 0..20 {
        let setting = Setting {
            trickle: true,
            ..Setting::default()
        };
        let mut two = behind(seed, [cone(), cone()], setting);
        assert!(two.run(MINUTE, Two::completed) && two.agree(), "{seed}");
    }
}

#[test]
fn whoever_believes_to_choose_one_of_them_does() {
    for seed in 0..20 {
        for role in [Role::Controlling, Role::Controlled] {
            let setting = Setting {
                roles: [role, role],
                ..Setting::default()
            };
            let mut two = behind(seed, [cone(), cone()], setting);
            assert!(two.run(MINUTE, Two::completed) && two.agree(), "{seed}");
            assert_ne!(two.phones[0].agent.role(), two.phones[1].agent.role());
            let changes: usize = (0..2)
                .flat_map(|which| two.phones[which].events.iter())
                .filter(|event| matches!(event, Event::RoleChanged(_)))
                .count();
            assert_eq!(changes, 1, "{seed}");
        }
    }
}

#[test]
fn where_there_is_no_way_it_is_told_after_39_5_seconds() {
    let symmetric = Behaviour::new(Dependence::AddressAndPort, Dependence::AddressAndPort);
    let mut two = behind(5, [symmetric, symmetric], Setting::default());
    let failed = |two: &Two| two.told(0, &Event::Failed) == 1;
    assert!(!two.run(Duration::from_secs(39), failed));
    assert!(two.run(Duration::from_secs(5), failed));
    assert!(two.path(0, 1).is_none());
    let tried = two.phones[0].agent.tried();
    assert!(
        tried
            .iter()
            .any(|t| matches!(t.state, TriedState::Asked { times } if times > 3))
    );
}

#[test]
fn a_path_is_kept_for_ten_minutes_and_its_loss_is_told_within_35_seconds() {
    let mut two = behind(6, [cone(), cone()], Setting::default());
    two.world.loss = 100;
    assert!(two.run(MINUTE, Two::completed));
    // The translators forget after 30 s of silence: consent keeps them open.
    two.run(MINUTE * 10, |_| false);
    let lost = Event::ConsentLost { component: 1 };
    assert_eq!(two.told(0, &lost) + two.told(1, &lost), 0);
    let gone = two.phones[1].ip;
    two.world.dead.push(gone);
    two.world.dead.push("203.0.113.1".parse().unwrap());
    let told = |two: &Two| two.told(0, &Event::ConsentLost { component: 1 }) == 1;
    assert!(two.run(Duration::from_secs(35), told));
    assert!(two.path(0, 1).is_none());
    let remote: SocketAddr = "203.0.113.1:1".parse().unwrap();
    assert!(!two.phones[0].agent.is_peer(1, remote));
}

#[test]
fn another_network_in_mid_call_and_the_path_is_there_again_within_two_seconds() {
    for seed in 0..20 {
        let mut two = behind(seed, [cone(), cone()], Setting::default());
        assert!(two.run(MINUTE, Two::completed));
        let before = two.path(1, 1).unwrap();
        let kind = Behaviour::new(Dependence::Endpoint, Dependence::Address);
        let mobile = two.world.network(Realm::INTERNET, "192.0.2.77", kind);
        two.move_to(0, mobile, "10.9.0.2");
        two.phones.iter_mut().for_each(|p| p.events.clear());
        two.restart(0);
        // What was chosen is in use until something else works.
        assert_eq!(two.path(1, 1), Some(before));
        let back = |two: &Two| {
            [0, 1].iter().all(|which| {
                let path = two.path(*which, 1);
                let other = two.path(1 - *which, 1);
                path.zip(other).is_some_and(|(a, b)| a.remote == b.local)
            })
        };
        assert!(two.run(Duration::from_secs(2), back), "{seed}");
        assert!(two.run(MINUTE, Two::completed) && two.agree(), "{seed}");
        let seen = two.path(1, 1).unwrap().remote;
        assert_eq!(seen.ip(), two.world.translator(mobile).outside);
    }
}

/// One agent that has chosen its path to an other side played by hand.
struct Alone {
    agent: Agent,
    now: std::time::Instant,
    base: SocketAddr,
    peer: SocketAddr,
}

const THEIR_PASSWORD: &str = "theirTwentyTwoLetters22";

fn alone(role: Role, lite: bool) -> Alone {
    let now = crate::nat::testing::start();
    let config = Config {
        role,
        components: 1,
        stun_servers: Vec::new(),
    };
    let base: SocketAddr = "192.0.2.10:4000".parse().unwrap();
    let peer: SocketAddr = "203.0.113.10:5000".parse().unwrap();
    let mut agent = Agent::new(now, config, [7; 32]);
    agent.add_host(now, 1, base);
    agent.end_bases(now);
    let mut lines = vec![("ice-ufrag", "their"), ("ice-pwd", THEIR_PASSWORD)];
    let candidate = "1 1 UDP 2130706431 203.0.113.10 5000 typ host";
    lines.push(("candidate", candidate));
    if lite {
        lines.push(("ice-lite", ""));
    }
    agent.set_remote(now, Remote::read(lines.into_iter()).unwrap());
    Alone {
        agent,
        now,
        base,
        peer,
    }
}

impl Alone {
    fn outputs(&mut self) -> (Vec<Transmit>, Vec<Event>) {
        let (mut sent, mut events) = (Vec::new(), Vec::new());
        loop {
            match self.agent.poll_output() {
                Output::Transmit(out) => sent.push(out),
                Output::Event(event) => events.push(event),
                Output::Wait(_) => return (sent, events),
            }
        }
    }

    fn receive(&mut self, source: SocketAddr, bytes: &[u8]) {
        let (now, base) = (self.now, self.base);
        self.agent.handle_datagram(now, 1, base, source, bytes);
    }

    /// A check by the other side.
    fn check(&self, id: u8, key: &str) -> Builder {
        let ours = self.agent.credentials();
        Builder::new(Class::Request, Method::BINDING, TransactionId([id; 12]))
            .text(attribute::USERNAME, &format!("{}:their", ours.ufrag))
            .number(attribute::PRIORITY, 1_862_270_975)
            .long_number(attribute::ICE_CONTROLLED, 1)
            .integrity(&Key::short_term(key))
            .fingerprint()
    }

    /// Answers everything that was asked, as `seen` from there, as a lite agent does.
    fn answer_all(&mut self, seen: SocketAddr) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            let (sent, events) = self.outputs();
            all.extend(events);
            if sent.is_empty() {
                return all;
            }
            for out in sent {
                let request = Message::parse(&out.bytes).unwrap();
                if request.class() == Class::Request {
                    let answer = Builder::answer(Class::Success, &request)
                        .xor_address(attribute::XOR_MAPPED_ADDRESS, seen)
                        .integrity(&Key::short_term(THEIR_PASSWORD))
                        .fingerprint()
                        .finish();
                    self.receive(out.to, &answer);
                }
            }
        }
    }
}

#[test]
fn a_lite_agent_is_led_by_the_full_one_even_if_that_was_called() {
    let mut alone = alone(Role::Controlled, true);
    assert_eq!(alone.agent.role(), Role::Controlling);
    let base = alone.base;
    let events = alone.answer_all(base);
    assert!(events.contains(&Event::Completed), "{events:?}");
    assert_eq!(alone.agent.path(1).unwrap().remote, alone.peer);
}

#[test]
fn strangers_get_no_answer_and_leave_no_trace() {
    let mut alone = alone(Role::Controlling, false);
    alone.outputs();
    let stranger: SocketAddr = "198.51.100.66:6666".parse().unwrap();
    for id in 0..200 {
        let wrong = alone.check(id, "a password that is not it").finish();
        alone.receive(stranger, &wrong);
    }
    let (sent, _) = alone.outputs();
    assert!(sent.iter().all(|out| out.to != stranger));
    assert!(alone.agent.tried().iter().all(|t| t.remote.0 != stranger));
    assert!(!alone.agent.is_peer(1, stranger));
}

#[test]
fn who_knows_the_password_and_floods_meets_bounds() {
    let mut alone = alone(Role::Controlling, false);
    let password = alone.agent.credentials().password.reveal().clone();
    for port in 1..2_000 {
        let check = alone.check(port as u8, &password).finish();
        let source = SocketAddr::new(alone.peer.ip(), port);
        alone.receive(source, &check);
    }
    assert!(alone.agent.remotes.len() <= MAX_REMOTE);
    assert!(alone.agent.pairs.len() <= MAX_PAIRS);
    assert!(alone.agent.transactions.len() <= MAX_REMOTE);
}

#[test]
fn a_check_before_the_description_counts_once_that_is_there() {
    let now = crate::nat::testing::start();
    let base: SocketAddr = "192.0.2.10:4000".parse().unwrap();
    let config = Config {
        role: Role::Controlling,
        components: 1,
        stun_servers: Vec::new(),
    };
    let mut agent = Agent::new(now, config, [9; 32]);
    agent.add_host(now, 1, base);
    let peer: SocketAddr = "203.0.113.10:5000".parse().unwrap();
    let mut early = Alone {
        agent,
        now,
        base,
        peer,
    };
    let password = early.agent.credentials().password.reveal().clone();
    for id in 0..100 {
        let check = early.check(id, &password).finish();
        early.receive(peer, &check);
    }
    let (sent, _) = early.outputs();
    assert_eq!(sent.len(), 100, "each is answered");
    assert!(early.agent.early.len() <= MAX_EARLY);
    // Its description names no candidate that could be used, as a browser's does.
    let lines = [
        ("ice-ufrag", "their"),
        ("ice-pwd", THEIR_PASSWORD),
        ("candidate", "1 1 UDP 9 abc.local 5000 typ host"),
    ];
    let remote = Remote::read(lines.into_iter()).unwrap();
    early.agent.set_remote(now, remote);
    let (sent, _) = early.outputs();
    assert_eq!(sent.iter().filter(|out| out.to == peer).count(), 1);
    assert_eq!(early.agent.ignored(), 1);
    assert!(early.agent.is_peer(1, peer));
}

#[test]
fn an_answer_from_elsewhere_or_by_somebody_else_is_none() {
    let mut alone = alone(Role::Controlling, false);
    let (sent, _) = alone.outputs();
    let request = Message::parse(&sent[0].bytes).unwrap();
    let answer = |key: &str| {
        Builder::answer(Class::Success, &request)
            .xor_address(
                attribute::XOR_MAPPED_ADDRESS,
                "192.0.2.10:4000".parse().unwrap(),
            )
            .integrity(&Key::short_term(key))
            .fingerprint()
            .finish()
    };
    let peer = alone.peer;
    alone.receive(peer, &answer("a password that is not it"));
    assert!(alone.agent.path(1).is_none());
    alone.receive(
        "203.0.113.10:5001".parse().unwrap(),
        &answer(THEIR_PASSWORD),
    );
    assert!(alone.agent.path(1).is_none());
    assert_eq!(alone.agent.tried()[0].state, TriedState::Failed);
}

#[test]
fn media_is_not_taken_for_stun() {
    let mut alone = alone(Role::Controlling, false);
    let (now, base, peer) = (alone.now, alone.base, alone.peer);
    let mut taken = |bytes: &[u8]| alone.agent.handle_datagram(now, 1, base, peer, bytes);
    assert!(!taken(&[0x80, 0, 0, 1]));
    assert!(!taken(&[22, 254, 253]));
    assert!(taken(&[0, 1, 0, 0]));
    assert!(!taken(&[]));
}

/// What theory says of two translators: `Some` where there is only one answer.
fn direct_is_possible(kinds: [Behaviour; 2]) -> Option<bool> {
    use Dependence::{AddressAndPort, Endpoint};
    let stable = |kind: &Behaviour| kind.mapping == Endpoint;
    match kinds {
        [one, other] if stable(&one) && stable(&other) => Some(true),
        [one, other] if stable(&one) || stable(&other) => {
            // The stable one is sent to from a port that nobody can foretell.
            let target = if stable(&one) { one } else { other };
            Some(target.filtering != AddressAndPort)
        }
        [one, other] => {
            let strict = |kind: &Behaviour| {
                (kind.mapping, kind.filtering) == (AddressAndPort, AddressAndPort)
            };
            (strict(&one) && strict(&other)).then_some(false)
        }
    }
}

fn all_kinds() -> Vec<Behaviour> {
    let mut kinds = Vec::new();
    for mapping in Dependence::ALL {
        for filtering in Dependence::ALL {
            for preserve_ports in [false, true] {
                kinds.push(Behaviour {
                    preserve_ports,
                    ..Behaviour::new(mapping, filtering)
                });
            }
        }
    }
    kinds
}

/// Every pair of kinds, with losses of 0 to 10 %, and what came of it.
fn among_all_kinds(setting: &Setting, mut judge: impl FnMut(&str, Option<bool>, bool, &Two)) {
    let kinds = all_kinds();
    for (a, one) in kinds.iter().enumerate() {
        for (b, other) in kinds.iter().enumerate() {
            let seed = (a * 100 + b) as u64;
            let mut two = behind(seed, [*one, *other], setting.clone());
            two.world.loss = (seed % 3) as u32 * 50;
            let done = two.run(MINUTE, Two::completed);
            let which = format!("seed {seed}: {one:?} and {other:?}");
            judge(&which, direct_is_possible([*one, *other]), done, &two);
        }
    }
}

#[test]
fn every_two_translators_are_passed_where_theory_says_so() {
    let setting = Setting::default();
    among_all_kinds(&setting, |which, possible, done, two| match possible {
        Some(true) => assert!(done && two.agree(), "{which}"),
        Some(false) => assert!(!done, "{which}"),
        None => assert!(!done || two.agree(), "{which}"),
    });
}

#[test]
fn with_a_relay_all_connect_and_it_is_used_only_where_nothing_else_works() {
    let setting = Setting {
        turn: true,
        ..Setting::default()
    };
    among_all_kinds(&setting, |which, possible, done, two| {
        assert!(done && two.agree(), "{which}");
        let paths = [two.path(0, 1).unwrap(), two.path(1, 1).unwrap()];
        let relayed = paths.iter().any(|path| path.kind() == PathKind::Relayed);
        if let Some(possible) = possible {
            assert_eq!(relayed, !possible, "{which}: {paths:?}");
        }
        // Why it is this path: better ones were asked and stayed silent.
        if relayed {
            assert!(paths[0].better_silent > 0, "{which}: {paths:?}");
        }
    });
}

#[test]
fn a_relayed_path_is_in_use_before_it_is_chosen_and_lasts() {
    let symmetric = Behaviour::new(Dependence::AddressAndPort, Dependence::AddressAndPort);
    let setting = Setting {
        turn: true,
        components: 2,
        ..Setting::default()
    };
    let mut two = behind(8, [symmetric, symmetric], setting);
    let begun = two.world.now;
    let usable = |two: &Two| (0..2).all(|w| (1..=2).all(|c| two.path(w, c).is_some()));
    assert!(two.run(Duration::from_secs(4), usable));
    assert!(two.path(0, 1).unwrap().chosen_by.is_none());
    assert!(two.run(MINUTE, Two::completed) && two.agree());
    assert!(two.world.now - begun > Duration::from_secs(5));
    two.run(MINUTE * 30, |_| false);
    let lost = |which| two.told(which, &Event::ConsentLost { component: 1 });
    assert_eq!(lost(0) + lost(1), 0);
}

#[test]
fn from_a_direct_path_to_a_relayed_one_and_back() {
    let symmetric = Behaviour::new(Dependence::AddressAndPort, Dependence::AddressAndPort);
    let setting = Setting {
        turn: true,
        ..Setting::default()
    };
    let mut two = behind(9, [cone(), symmetric], setting);
    // A stable port behind a strict filter cannot be met from a port nobody can foretell.
    assert!(two.run(MINUTE, Two::completed) && two.agree());
    assert_eq!(two.path(0, 1).unwrap().kind(), PathKind::Relayed);
    for (place, kind, expected) in [
        ("192.0.2.70", Dependence::Endpoint, PathKind::Translated),
        ("192.0.2.71", Dependence::AddressAndPort, PathKind::Relayed),
    ] {
        let filtering = if kind == Dependence::Endpoint {
            Dependence::Address
        } else {
            Dependence::AddressAndPort
        };
        let network = Behaviour::new(kind, filtering);
        let network = two.world.network(Realm::INTERNET, place, network);
        two.move_to(0, network, &place.replace("192.0.2", "10.70.0"));
        two.phones.iter_mut().for_each(|p| p.events.clear());
        two.restart(0);
        assert!(two.run(MINUTE, Two::completed) && two.agree(), "{place}");
        assert_eq!(two.path(0, 1).unwrap().kind(), expected, "{place}");
    }
}
