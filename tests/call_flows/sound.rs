//! What two phones agree on about the sound itself.

use std::time::Duration;

use ramal::agent::{AccountConfig, AgentConfig, Command, Resend};
use ramal::codec::CodecKind;
use ramal::media::plan::{MediaId, Plan};
use ramal::units::PayloadType;

use crate::sim::World;
use crate::sim::story::{
    ACCOUNT, ANA, BIA, CALL, add, answered, assert_forgotten, ring, secs, talk, two_phones,
};
use crate::strangers::call_out;

/// Ana, who is as she says, calls Bia, who is as she says.
fn talking(ana: AgentConfig, bia: AgentConfig) -> (World, Plan, Plan) {
    let mut world = World::new(41);
    let (ana, bia) = (world.phone(ANA, ana), world.phone(BIA, bia));
    for phone in [ana, bia] {
        add(&mut world, phone, AccountConfig::direct(ACCOUNT));
    }
    let ringing = talk(&mut world, ana, bia);
    let plan = |phone: usize, media| world.phones[phone].plans[&media].clone();
    let plans = (plan(ana, MediaId(CALL.0)), plan(bia, MediaId(ringing.0)));
    world.ask(ana, Command::HangUp(CALL));
    world.run(secs(1));
    assert_forgotten(&mut world);
    (world, plans.0, plans.1)
}

fn speaking(codec: CodecKind) -> AgentConfig {
    AgentConfig {
        codecs: vec![codec],
        ..AgentConfig::default()
    }
}

#[test]
fn pauses_are_described_only_where_both_want_it() {
    for codec in [CodecKind::G722, CodecKind::Pcma, CodecKind::Pcmu] {
        let usual = speaking(codec);
        let sparing = AgentConfig {
            silence_suppression: true,
            ..usual.clone()
        };
        let describes = |plan: &Plan| plan.codec.comfort_noise.map(|number| number.number());
        let (_, ana, bia) = talking(sparing.clone(), sparing.clone());
        assert_eq!((describes(&ana), describes(&bia)), (Some(13), Some(13)));
        for (ana, bia) in [(sparing.clone(), usual.clone()), (usual, sparing)] {
            let (_, ana, bia) = talking(ana, bia);
            assert_eq!((describes(&ana), describes(&bia)), (None, None), "{codec}");
        }
    }
}

#[test]
fn opus_leaves_pauses_out_for_whoever_wants_that_of_their_own_phone() {
    let sparing = AgentConfig {
        silence_suppression: true,
        ..AgentConfig::default()
    };
    let (_, ana, bia) = talking(sparing, AgentConfig::default());
    assert_eq!(ana.codec.kind, CodecKind::Opus);
    assert!(ana.codec.opus.use_dtx && !bia.codec.opus.use_dtx);
    assert_eq!(ana.codec.comfort_noise, None, "Opus has its own");
}

#[test]
fn a_wish_holds_from_the_next_call_on() {
    let mut world = World::new(42);
    let usual = || speaking(CodecKind::Pcma);
    let (ana, bia) = (world.phone(ANA, usual()), world.phone(BIA, usual()));
    for phone in [ana, bia] {
        add(&mut world, phone, AccountConfig::direct(ACCOUNT));
        let sending = Command::SetSending {
            ptime: Duration::from_millis(10),
            silence_suppression: true,
            resend: false,
        };
        world.ask(phone, sending);
    }
    talk(&mut world, ana, bia);
    let codec = &world.phones[ana].plans[&MediaId(CALL.0)].codec;
    assert!(codec.comfort_noise.is_some());
    assert_eq!(codec.ptime, Duration::from_millis(10));
}

#[test]
fn what_was_offered_is_listened_to_until_there_is_an_answer() {
    let (mut world, ana, bia) = two_phones(43);
    let ringing = ring(&mut world, ana, bia);
    let media = MediaId(CALL.0);
    assert!(world.phones[ana].plans.is_empty(), "Bia has said nothing");
    let accepted = &world.phones[ana].listening[&media];
    let codecs: Vec<CodecKind> = accepted.codecs.iter().map(|(_, codec)| *codec).collect();
    assert_eq!(codecs, CodecKind::ALL);
    let numbers = |known: &[(PayloadType, u32)]| -> Vec<(u8, u32)> {
        known.iter().map(|(n, hz)| (n.number(), *hz)).collect()
    };
    assert_eq!(numbers(&accepted.dtmf), [(101, 8_000), (102, 48_000)]);
    assert_eq!(numbers(&accepted.redundancy), [(63, 48_000)]);
    // Whoever is called waits for nobody's answer.
    assert!(world.phones[bia].listening.is_empty());
    let theirs = accepted.codecs.clone();
    world.ask(bia, Command::Answer(ringing));
    world.run(secs(1));
    let plan = &world.phones[ana].plans[&media];
    // What came by the offer is understood after the answer too.
    assert_eq!(plan.accepted, theirs);
    assert!(!plan.early);
    world.ask(ana, Command::HangUp(CALL));
    assert_forgotten(&mut world);
}

#[test]
fn silence_before_the_answer_is_known_to_be_early() {
    let (mut world, ana, invite) = call_out(44);
    let early = |world: &World| world.phones[ana].plans[&MediaId(CALL.0)].early;
    world.stranger_answers(&invite, ANA, 183, "left", Some(5_081));
    world.run(secs(1));
    assert!(early(&world));
    world.stranger_answers(&invite, ANA, 200, "left", Some(5_081));
    world.run(secs(1));
    assert!(answered(&world, ana) && !early(&world));
}

#[test]
fn packets_of_g711_may_be_sent_again_where_opus_is_not_offered_or_by_choice() {
    let again = |plan: &Plan| plan.codec.redundancy.map(|number| number.number());
    let (_, ana, bia) = talking(speaking(CodecKind::Pcma), AgentConfig::default());
    assert_eq!((again(&ana), again(&bia)), (Some(62), Some(62)));
    let willing = AgentConfig {
        resend: Resend::Always,
        ..AgentConfig::default()
    };
    let (_, ana, bia) = talking(willing, speaking(CodecKind::Pcma));
    assert_eq!((again(&ana), again(&bia)), (Some(62), Some(62)));
    let (_, ana, _) = talking(AgentConfig::default(), speaking(CodecKind::Pcmu));
    assert_eq!(again(&ana), None);
    let unwilling = |codec| AgentConfig {
        resend: Resend::Never,
        ..speaking(codec)
    };
    for codec in [CodecKind::Pcma, CodecKind::Opus] {
        let (_, ana, bia) = talking(speaking(codec), unwilling(codec));
        assert_eq!((again(&ana), again(&bia)), (None, None), "{codec:?}");
    }
}
