//! Who speaks protected with whom, and whom nobody speaks with in clear.

use ramal::agent::{
    AccountConfig, AgentConfig, Command, Encryption, EndCause, Event, MediaSecurity, Security,
    SecurityGrade, Side, TurnedAway, WhyDeclined,
};
use ramal::media::plan::{MasterKey, MediaId, Plan, SrtpKeys, Suite};
use ramal::sip::Request;

use crate::sim::World;
use crate::sim::story::{
    ACCOUNT, ANA, BIA, CALL, add, answered, assert_forgotten, dial, end_of, ring, secs, talk,
};
use crate::sim::stranger::sound;
use crate::strangers::{acknowledge, call_in, call_out, say_goodbye};

/// Two phones that want so much protection.
fn phones(ana: Encryption, bia: Encryption) -> (World, usize, usize) {
    let mut world = World::new(77);
    let ids = [(ANA, ana), (BIA, bia)].map(|(name, encryption)| {
        let phone = world.phone(name, AgentConfig::default());
        let account = AccountConfig {
            encryption,
            ..AccountConfig::direct(ACCOUNT)
        };
        add(&mut world, phone, account);
        phone
    });
    (world, ids[0], ids[1])
}

fn plan(world: &World, phone: usize, media: MediaId) -> Plan {
    world.phones[phone].plans[&media].clone()
}

fn keys(world: &World, phone: usize, media: MediaId) -> Option<SrtpKeys> {
    plan(world, phone, media).srtp
}

/// All that was said.
fn wire(world: &World) -> String {
    let said = world.log.iter();
    let said = said.map(|(_, datagram)| String::from_utf8_lossy(&datagram.bytes));
    said.collect()
}

/// What a phone told last of how its call is protected.
fn told(world: &World, phone: usize) -> Security {
    let told = world.phones[phone].events.iter().rev();
    let mut told = told.filter_map(|event| match event {
        Event::Security { security, .. } => Some(*security),
        _ => None,
    });
    told.next().unwrap_or_default()
}

#[test]
fn each_pair_of_wishes_comes_to_what_both_can_bear() {
    use Encryption::{Off, Optional, Required};
    for (ana_wants, bia_wants, protected) in [
        (Off, Off, Some(false)),
        (Off, Optional, Some(false)),
        (Off, Required, None),
        (Optional, Off, Some(false)),
        (Optional, Optional, Some(true)),
        (Optional, Required, Some(true)),
        (Required, Off, None),
        (Required, Optional, Some(true)),
        (Required, Required, Some(true)),
    ] {
        let pair = format!("{ana_wants:?} calls {bia_wants:?}");
        let (mut world, ana, bia) = phones(ana_wants, bia_wants);
        let Some(protected) = protected else {
            dial(&mut world, ana, &format!("sip:bia@{BIA}"));
            world.run(secs(2));
            let (cause, by) = end_of(&world, ana).expect("it ended");
            assert_eq!(by, Side::Remote, "{pair}");
            let told_why = world.phones[bia].events.iter().any(|event| {
                matches!(
                    event,
                    Event::TurnedAway {
                        how: TurnedAway::Declined {
                            why: WhyDeclined::NotEncrypted,
                            ..
                        },
                        ..
                    }
                )
            });
            // Who wanted it is told that this is what it failed for.
            assert_eq!(
                cause == EndCause::NotEncrypted,
                ana_wants == Required,
                "{pair}"
            );
            assert_eq!(told_why, bia_wants == Required, "{pair}");
            assert_forgotten(&mut world);
            continue;
        };
        let ringing = talk(&mut world, ana, bia);
        let ends = [
            keys(&world, ana, MediaId(CALL.0)),
            keys(&world, bia, MediaId(ringing.0)),
        ];
        assert_eq!(
            ends.each_ref().map(Option::is_some),
            [protected; 2],
            "{pair}"
        );
        if let [Some(ana), Some(bia)] = &ends {
            assert_eq!(
                (&ana.local, &ana.remote),
                (&bia.remote, &bia.local),
                "{pair}"
            );
            assert_ne!(ana.local, ana.remote, "{pair}");
            assert_eq!(ana.local.suite(), Suite::AesCm128Sha1Tag80, "{pair}");
        }
        for phone in [ana, bia] {
            let security = told(&world, phone);
            assert_eq!(security.media == MediaSecurity::Sdes, protected, "{pair}");
            // The keys went over UDP for all to read, and that is what is said of them.
            let grade = if protected {
                SecurityGrade::KeysExposed
            } else {
                SecurityGrade::Open
            };
            assert_eq!(security.grade(), grade, "{pair}");
        }
        world.ask(ana, Command::HangUp(CALL));
        world.run(secs(1));
        assert_forgotten(&mut world);
    }
}

#[test]
fn hold_and_resume_keep_the_keys_and_the_next_call_has_others() {
    let (mut world, ana, bia) = phones(Encryption::Required, Encryption::Optional);
    let ringing = talk(&mut world, ana, bia);
    let of = |world: &World| {
        (
            keys(world, ana, MediaId(CALL.0)).expect("protected"),
            keys(world, bia, MediaId(ringing.0)).expect("protected"),
        )
    };
    let first = of(&world);
    for (phone, command) in [
        (ana, Command::Hold(CALL)),
        (ana, Command::Resume(CALL)),
        (bia, Command::Hold(ringing)),
        (bia, Command::Resume(ringing)),
    ] {
        world.ask(phone, command);
        world.run(secs(1));
        assert_eq!(of(&world), first);
    }
    assert!(plan(&world, ana, MediaId(CALL.0)).send);
    // What came to be under RTP/SAVP goes on under it, whoever offers.
    let bodies = wire(&world);
    assert!(bodies.contains("RTP/SAVP") && !bodies.contains("RTP/AVP"));
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(1));
    world.phones[ana].events.clear();
    let again = talk(&mut world, ana, bia);
    let next = keys(&world, bia, MediaId(again.0)).expect("protected");
    assert_ne!(next.local, first.1.local);
    assert_ne!(next.remote, first.1.remote);
}

/// Sound of the stranger's under keys that begin with this letter.
fn protected(port: u16, letter: &str) -> String {
    let key = letter.repeat(40);
    let clear = sound(port);
    format!("{clear}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n")
}

/// The key of the far side's key.
fn first_of_remote(keys: Option<SrtpKeys>) -> Option<MasterKey> {
    keys.map(|keys| keys.remote)
}

fn key_of(octets: [u8; 3]) -> Option<MasterKey> {
    let octets: Vec<u8> = octets.into_iter().cycle().take(30).collect();
    MasterKey::new(Suite::AesCm128Sha1Tag80, &octets).ok()
}

#[test]
fn an_answer_that_comes_in_the_ack_brings_its_keys() {
    let (mut world, bia, tag) = call_in(401, "");
    let offer = String::from_utf8(world.answered_outside(200).remove(0).body).expect("SDP");
    assert!(
        offer.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"),
        "{offer}"
    );
    acknowledge(&mut world, &tag, 1, &protected(6_000, "A"));
    assert!(answered(&world, bia));
    let keys = world.phones[bia]
        .plans
        .values()
        .next()
        .unwrap()
        .srtp
        .clone();
    // "AAAA" is three octets of zero.
    assert_eq!(first_of_remote(keys), key_of([0; 3]));
    say_goodbye(&mut world, &tag, 2);
    assert_forgotten(&mut world);
}

#[test]
fn each_fork_has_its_own_keys_and_ours_stay() {
    let (mut world, ana, invite) = call_out(404);
    let remote = |world: &World| keys(world, ana, MediaId(CALL.0));
    world.stranger_describes(
        &invite,
        ANA,
        (183, "left"),
        Some(5_081),
        Some(protected(5_081, "A")),
    );
    world.run(secs(1));
    let early = remote(&world).expect("protected");
    assert_eq!(Some(early.remote.clone()), key_of([0; 3]));
    world.stranger_describes(
        &invite,
        ANA,
        (200, "right"),
        Some(5_082),
        Some(protected(5_082, "/")),
    );
    world.run(secs(1));
    let taken = remote(&world).expect("protected");
    // "////" is three octets of ones.
    assert_eq!(Some(taken.remote), key_of([0xff; 3]));
    assert_eq!(taken.local, early.local);
    assert_eq!(told(&world, ana).media, MediaSecurity::Sdes);
}

#[test]
fn a_refusal_is_asked_again_under_each_profile_once() {
    let (mut world, ana, invite) = call_out(405);
    let body = |request: &Request| String::from_utf8_lossy(&request.body).into_owned();
    assert!(body(&invite).contains("RTP/AVP "));
    world.stranger_answers(&invite, ANA, 488, "no", None);
    world.run(secs(1));
    let again = world.asked_outside("INVITE").pop().expect("asked again");
    assert!(body(&again).contains("RTP/SAVP ") && body(&again).contains("a=crypto:1 "));
    assert_eq!(end_of(&world, ana), None);
    world.stranger_answers(&again, ANA, 488, "no", None);
    world.run(secs(1));
    let again = world.asked_outside("INVITE").pop().expect("asked again");
    assert!(body(&again).contains("RTP/SAVPF "));
    world.stranger_answers(&again, ANA, 488, "no", None);
    world.run(secs(1));
    let end = Some((EndCause::NoCommonCodec, Side::Remote));
    assert_eq!(end_of(&world, ana), end);
    assert_forgotten(&mut world);
}

#[test]
fn before_the_answer_nothing_is_played_that_may_be_noise() {
    for (wanted, listens) in [(Encryption::Off, true), (Encryption::Optional, false)] {
        let (mut world, ana, bia) = phones(wanted, Encryption::Off);
        let ringing = ring(&mut world, ana, bia);
        let accepted = &world.phones[ana].listening[&MediaId(CALL.0)];
        assert_eq!(accepted.protected, !listens);
        world.ask(bia, Command::Answer(ringing));
        world.run(secs(1));
        assert!(answered(&world, ana));
    }
}

#[test]
fn no_key_is_shown_where_events_and_plans_are() {
    let (mut world, ana, bia) = phones(Encryption::Required, Encryption::Required);
    let ringing = talk(&mut world, ana, bia);
    let shown = format!(
        "{:?} {:?} {:?}",
        plan(&world, ana, MediaId(CALL.0)),
        plan(&world, bia, MediaId(ringing.0)),
        world.phones[ana].agent,
    );
    assert!(shown.contains("[secret]"));
    let wire = wire(&world);
    let keys: Vec<&str> = wire.split("inline:").skip(1).collect();
    assert!(keys.len() >= 2);
    assert!(keys.iter().all(|key| !shown.contains(&key[..20])));
}
