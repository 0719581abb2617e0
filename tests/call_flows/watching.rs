//! What others do, watched: busy lamps, messages waiting and presence, and one's own presence
//! published, also where what is said is lost, late, doubled or refused.

use std::time::Duration;

use ramal::agent::{
    AccountConfig, AgentConfig, Availability, Command, Event, Package, PublicationState, Refusal,
    WatchCause, WatchId, WatchState,
};
use ramal::events::dialog_info::Lamp;
use ramal::events::message_summary::{Counts, MessageClass};
use ramal::events::pidf::{Activity, Basic, Presence};
use ramal::sip::Method;

use super::sim::digest::Gate;
use super::sim::notifier::Notifier;
use super::sim::story::{
    ACCOUNT, ANA, BIA, DOMAIN, PBX, add, assert_forgotten, count, extension, house, is_registered,
    lose, open_to_all, secs, talk_at,
};
use super::sim::{Weather, World};

const CHIEF: WatchId = WatchId(7);

/// Ana, 1001, registered where a notifier is too.
fn ana_at_the_pbx(seed: u64) -> (World, usize) {
    let mut world = house(seed);
    world.notifier = Some(Notifier::new(PBX));
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, open_to_all(extension("1001")));
    world.run(secs(1));
    assert!(is_registered(&world, ana));
    (world, ana)
}

fn watch(world: &mut World, phone: usize, id: WatchId, target: &str, package: Package) {
    let watch = Command::Watch {
        watch: id,
        account: ACCOUNT,
        target: target.to_owned(),
        package,
    };
    world.ask(phone, watch);
}

/// The calls of 1002 as RFC 4235 writes them: one in that state, or none.
fn calls(state: Option<&str>) -> String {
    let dialog = state.map_or(String::new(), |state| {
        format!(
            "<dialog id=\"1\" call-id=\"c1\" local-tag=\"t1\" remote-tag=\"t2\" \
             direction=\"recipient\"><state>{state}</state>\
             <remote><identity display=\"Caio\">sip:1009@pbx.example</identity></remote></dialog>"
        )
    });
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"VERSION\" state=\"full\" entity=\"sip:1002@pbx.example\">{dialog}</dialog-info>"
    )
}

fn set_calls(world: &mut World, user: &str, state: Option<&str>) {
    let body = calls(state);
    world.with_notifier(|notifier, now| notifier.set(now, user, "dialog", &body));
}

/// What the lamp of a watch showed, in order.
fn lamps(world: &World, phone: usize, id: WatchId) -> Vec<Lamp> {
    let events = world.phones[phone].events.iter();
    let told = events.filter_map(|event| match event {
        Event::Lamp { watch, lamp } if *watch == id => Some(lamp.lamp),
        _ => None,
    });
    told.collect()
}

fn states(world: &World, phone: usize, id: WatchId) -> Vec<WatchState> {
    let events = world.phones[phone].events.iter();
    let told = events.filter_map(|event| match event {
        Event::Watch { watch, state } if *watch == id => Some(state.clone()),
        _ => None,
    });
    told.collect()
}

fn notifier(world: &mut World) -> &mut Notifier {
    world.notifier.as_mut().expect("a notifier")
}

/// What the notifier was asked by this method, repetitions left out.
fn asked(world: &World, method: &Method) -> usize {
    let asked = world.notifier.iter().flat_map(|it| &it.asked);
    asked.filter(|(_, it)| it.method == *method).count()
}

fn failures(world: &World, phone: usize, id: WatchId) -> Vec<(WatchCause, Option<u64>)> {
    let states = states(world, phone, id);
    let failed = states.into_iter().filter_map(|state| match state {
        WatchState::Failed {
            cause, retry_at, ..
        } => Some((
            cause,
            retry_at.map(|at| at.saturating_duration_since(world.now).as_secs()),
        )),
        _ => None,
    });
    failed.collect()
}

#[test]
fn a_lamp_follows_the_calls_of_whom_it_is_for() {
    let (mut world, ana) = ana_at_the_pbx(801);
    set_calls(&mut world, "1002", None);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(1));
    assert_eq!(states(&world, ana, CHIEF), [WatchState::Active]);
    for state in ["early", "confirmed"] {
        set_calls(&mut world, "1002", Some(state));
        world.run(secs(1));
    }
    set_calls(&mut world, "1002", None);
    world.run(secs(1));
    assert_eq!(
        lamps(&world, ana, CHIEF),
        [Lamp::Idle, Lamp::Ringing, Lamp::Busy, Lamp::Idle]
    );
    let ringing = world.phones[ana]
        .events
        .iter()
        .find_map(|event| match event {
            Event::Lamp { lamp, .. } if lamp.lamp == Lamp::Ringing => Some(lamp.clone()),
            _ => None,
        });
    let ringing = ringing.expect("it rang");
    let with = ringing.with.expect("somebody");
    assert_eq!(with.display_name.as_deref(), Some("Caio"));
    assert_eq!(with.user.as_deref(), Some("1009"));
    let pickup = ringing.pickup.expect("it can be picked up");
    assert_eq!(
        (&*pickup.call_id, &*pickup.local_tag, &*pickup.remote_tag),
        ("c1", "t1", "t2")
    );
    // What changes nothing is not told again.
    set_calls(&mut world, "1002", None);
    world.run(secs(1));
    assert_eq!(lamps(&world, ana, CHIEF).len(), 4);
    world.ask(ana, Command::Unwatch(CHIEF));
    world.run(secs(1));
    let now = world.now;
    assert_eq!(notifier(&mut world).watched(now), [""; 0]);
    assert_eq!(states(&world, ana, CHIEF).last(), Some(&WatchState::Over));
    assert_forgotten(&mut world);
}

#[test]
fn who_is_allowed_and_told_nothing_has_no_call() {
    let (mut world, ana) = ana_at_the_pbx(820);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(1));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Idle]);
    set_calls(&mut world, "1002", Some("early"));
    world.run(secs(1));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Idle, Lamp::Ringing]);
    // What cannot be read is not taken for silence.
    let body = "<presence/>";
    world.with_notifier(|notifier, now| notifier.set(now, "1003", "dialog", body));
    watch(&mut world, ana, WatchId(8), "1003", Package::Dialog);
    world.run(secs(1));
    assert_eq!(states(&world, ana, WatchId(8)), [WatchState::Active]);
    assert_eq!(lamps(&world, ana, WatchId(8)), []);
    assert_forgotten(&mut world);
}

#[test]
fn a_notify_before_the_answer_is_taken() {
    let (mut world, ana) = ana_at_the_pbx(802);
    set_calls(&mut world, "1002", Some("confirmed"));
    notifier(&mut world).tells_first = true;
    // The answer comes two seconds later than what it answers.
    lose(&mut world, "SIP/2.0 200", 2);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(Duration::from_millis(200));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Busy]);
    world.run(secs(5));
    assert_eq!(notifier(&mut world).watchers.len(), 1);
    assert_eq!(states(&world, ana, CHIEF), [WatchState::Active]);
    assert_forgotten(&mut world);
}

#[test]
fn the_server_is_shown_who_asks() {
    let (mut world, ana) = ana_at_the_pbx(803);
    notifier(&mut world).gate = Some(Gate::new(DOMAIN));
    set_calls(&mut world, "1002", None);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(1));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Idle]);
    assert_eq!(asked(&world, &Method::Subscribe), 2);
    // Wrong ones are said once and not tried without end.
    let mut wrong = extension("1001");
    wrong.password = None;
    wrong.register = false;
    let eva = world.phone(BIA, AgentConfig::default());
    add(&mut world, eva, wrong);
    watch(&mut world, eva, CHIEF, "1002", Package::Dialog);
    world.run(secs(4000));
    assert_eq!(
        failures(&world, eva, CHIEF),
        [(WatchCause::PasswordNeeded, None)]
    );
    assert_forgotten(&mut world);
}

#[test]
fn five_hundred_lamps_are_asked_for_one_after_the_other_and_ended_at_the_end() {
    let (mut world, ana) = ana_at_the_pbx(804);
    for number in 0..500_u64 {
        let user = format!("{}", 2000 + number);
        set_calls(&mut world, &user, None);
        watch(&mut world, ana, WatchId(number), &user, Package::Dialog);
    }
    world.run(secs(12));
    let now = world.now;
    assert_eq!(notifier(&mut world).watched(now).len(), 500);
    let lit = (0..500).filter(|id| lamps(&world, ana, WatchId(*id)) == [Lamp::Idle]);
    assert_eq!(lit.count(), 500);
    // Never more than a hundred in a second, in any second.
    let asked = world.notifier.iter().flat_map(|it| &it.asked);
    let times: Vec<_> = asked.map(|(at, _)| *at).collect();
    for (at, begin) in times.iter().enumerate() {
        let within = times[at..].iter().filter(|it| **it - *begin < secs(1));
        assert!(within.count() <= 100);
    }
    // An hour later all are there, and no second was worse.
    world.run(secs(3600));
    let now = world.now;
    assert_eq!(notifier(&mut world).watched(now).len(), 500);
    world.ask(ana, Command::Shutdown);
    world.run(secs(3));
    assert!(world.phones[ana].events.contains(&Event::Finished));
    let now = world.now;
    assert_eq!(notifier(&mut world).watched(now), [""; 0]);
    assert_forgotten(&mut world);
}

#[test]
fn more_lamps_than_a_phone_watches_are_refused() {
    let (mut world, ana) = ana_at_the_pbx(805);
    for number in 0..1_025_u64 {
        watch(&mut world, ana, WatchId(number), "1002", Package::Dialog);
    }
    let refused = Event::Refused {
        call: None,
        refusal: Refusal::TooManyWatches,
    };
    let events = &world.phones[ana].events;
    assert_eq!(events.iter().filter(|it| **it == refused).count(), 1);
    let unknown = Command::Watch {
        watch: CHIEF,
        account: ramal::agent::AccountId(9),
        target: "1002".to_owned(),
        package: Package::Presence,
    };
    world.ask(ana, unknown);
    let refused = Event::Refused {
        call: None,
        refusal: Refusal::UnknownAccount,
    };
    assert_eq!(world.phones[ana].events.last(), Some(&refused));
    assert_forgotten(&mut world);
}

#[test]
fn a_notify_for_nobody_gets_481_and_what_is_not_understood_489() {
    let (mut world, ana) = ana_at_the_pbx(806);
    let send = |world: &mut World, event: &str, tag: &str| {
        let text = format!(
            "NOTIFY sip:1001@{ANA} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.8:5060;branch=z9hG4bK{event}{}\r\n\
             From: <sip:1002@pbx.example>;tag=x\r\nTo: <sip:1001@pbx.example>{tag}\r\n\
             Call-ID: nobody\r\nCSeq: 1 NOTIFY\r\nEvent: {event}\r\nMax-Forwards: 70\r\n\
             Contact: <sip:10.0.0.8>\r\nSubscription-State: active\r\nContent-Length: 0\r\n\r\n",
            tag.len()
        );
        let from = "10.0.0.8:5060".parse().expect("an address");
        world.inject(from, ANA.parse().expect("an address"), text.as_bytes());
        world.run(Duration::from_millis(100));
    };
    send(&mut world, "dialog", ";tag=y");
    assert_eq!(world.answered_outside(481).len(), 1);
    send(&mut world, "check-sync", "");
    let refused = world.answered_outside(489);
    assert_eq!(
        refused[0].headers.get(&"Allow-Events".into()),
        Some("refer, dialog, message-summary, presence")
    );
    // A stranger does not light the lamp of messages.
    send(&mut world, "message-summary", "");
    assert_eq!(world.answered_outside(481).len(), 2);
    let lit = |event: &Event| matches!(event, Event::Messages { .. });
    assert!(!world.phones[ana].events.iter().any(lit));
    assert_forgotten(&mut world);
}

#[test]
fn what_ends_is_asked_for_again_as_its_reason_says() {
    // The reason, and after how many seconds at least it is asked for anew; `None`: never.
    for (state, after) in [
        ("terminated;reason=deactivated", Some(0)),
        ("terminated;reason=timeout", Some(0)),
        ("terminated;reason=probation;retry-after=120", Some(120)),
        ("terminated;reason=giveup;retry-after=90", Some(90)),
        ("terminated;reason=rejected", None),
        ("terminated;reason=noresource", None),
    ] {
        let (mut world, ana) = ana_at_the_pbx(807);
        set_calls(&mut world, "1002", None);
        watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
        world.run(secs(1));
        let ended = world.now;
        world.with_notifier(|notifier, now| notifier.end(now, "1002", state));
        world.run(secs(300));
        let asked = world.notifier.iter().flat_map(|it| &it.asked);
        let anew = asked.skip(1).map(|(at, _)| (*at - ended).as_secs()).next();
        match after {
            None => assert_eq!(anew, None, "{state}"),
            Some(least) => {
                let anew = anew.expect("it is asked for anew");
                assert!((least..=least + 15).contains(&anew), "{state}: {anew} s");
                let now = world.now;
                assert_eq!(notifier(&mut world).watched(now), ["1002"], "{state}");
            }
        }
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_no_of_the_server_is_told_and_kept_to() {
    for (status, cause) in [
        (403, WatchCause::NotAllowed),
        (404, WatchCause::NotFound),
        (405, WatchCause::NotOffered),
        (489, WatchCause::NotOffered),
    ] {
        let (mut world, ana) = ana_at_the_pbx(808);
        notifier(&mut world).instead = Some(Box::new(move |_| Some((status, Vec::new()))));
        watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
        world.run(secs(3600));
        assert_eq!(failures(&world, ana, CHIEF), [(cause, None)]);
        assert_eq!(asked(&world, &Method::Subscribe), 1, "{status}");
        assert_forgotten(&mut world);
    }
}

#[test]
fn a_server_in_trouble_is_left_alone_as_long_as_it_asks() {
    let (mut world, ana) = ana_at_the_pbx(809);
    let mut first = true;
    notifier(&mut world).instead = Some(Box::new(move |_| {
        std::mem::take(&mut first).then(|| (503, vec![("Retry-After", "200".to_owned())]))
    }));
    set_calls(&mut world, "1002", None);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(1));
    let told = failures(&world, ana, CHIEF);
    assert!(
        matches!(told[..], [(WatchCause::ServerTrouble, Some(198..=220))]),
        "{told:?}"
    );
    world.run(secs(190));
    assert_eq!(asked(&world, &Method::Subscribe), 1);
    world.run(secs(40));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Idle]);
    assert_forgotten(&mut world);
}

#[test]
fn a_server_that_forgot_everything_is_asked_anew() {
    let (mut world, ana) = ana_at_the_pbx(810);
    set_calls(&mut world, "1002", Some("confirmed"));
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(1));
    notifier(&mut world).restart();
    // The next refresh finds out, and it is there again at once.
    world.run(secs(600));
    let now = world.now;
    assert_eq!(notifier(&mut world).watched(now), ["1002"]);
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_that_moves_is_told_there() {
    let (mut world, ana) = ana_at_the_pbx(811);
    set_calls(&mut world, "1002", None);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(1));
    let elsewhere = "10.0.0.50:5060";
    world.phones[ana].addr = elsewhere.parse().expect("an address");
    world.wake_up(ana);
    world.run(secs(2));
    let watchers = &notifier(&mut world).watchers;
    assert_eq!(watchers[0].contact, format!("sip:1001@{elsewhere}"));
    set_calls(&mut world, "1002", Some("early"));
    world.run(secs(1));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Idle, Lamp::Ringing]);
    assert_forgotten(&mut world);
}

#[test]
fn a_phone_that_slept_asks_again_for_what_it_missed() {
    let (mut world, ana) = ana_at_the_pbx(812);
    set_calls(&mut world, "1002", None);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(1));
    notifier(&mut world).restart();
    set_calls(&mut world, "1002", Some("confirmed"));
    world.wake_up(ana);
    world.run(secs(2));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Idle, Lamp::Busy]);
    assert_forgotten(&mut world);
}

#[test]
fn a_watch_waits_for_the_registrar_and_rests_when_the_account_does() {
    let mut world = house(813);
    world.notifier = Some(Notifier::new(PBX));
    world.registrars[0].away = true;
    set_calls(&mut world, "1002", None);
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, extension("1001"));
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(20));
    assert_eq!(asked(&world, &Method::Subscribe), 0);
    world.registrars[0].away = false;
    world.run(secs(100));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Idle]);
    world.ask(ana, Command::Unregister(ACCOUNT));
    world.run(secs(1));
    let now = world.now;
    assert_eq!(notifier(&mut world).watched(now), [""; 0]);
    world.ask(ana, Command::Register(ACCOUNT));
    world.run(secs(40));
    let now = world.now;
    assert_eq!(notifier(&mut world).watched(now), ["1002"]);
    assert_forgotten(&mut world);
}

#[test]
fn an_account_without_a_registrar_watches_too() {
    let mut world = World::new(814);
    world.notifier = Some(Notifier::new(PBX));
    set_calls(&mut world, "1002", Some("confirmed"));
    let ana = world.phone(ANA, AgentConfig::default());
    add(&mut world, ana, AccountConfig::direct(ACCOUNT));
    let target = format!("sip:1002@{PBX}");
    watch(&mut world, ana, CHIEF, &target, Package::Dialog);
    world.run(secs(1));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Busy]);
    assert_forgotten(&mut world);
}

#[test]
fn two_accounts_of_one_number_and_a_removed_one_leave_nothing() {
    let (mut world, ana) = ana_at_the_pbx(815);
    set_calls(&mut world, "1002", None);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(1));
    // The same account with another name: it is watched anew by whoever asks.
    let mut renamed = extension("1001");
    renamed.display_name = Some("Ana".to_owned());
    add(&mut world, ana, renamed);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(2));
    let now = world.now;
    assert_eq!(notifier(&mut world).watched(now), ["1002"]);
    world.ask(ana, Command::RemoveAccount(ACCOUNT));
    world.run(secs(2));
    let now = world.now;
    assert_eq!(notifier(&mut world).watched(now), [""; 0]);
    assert_forgotten(&mut world);
}

#[test]
fn a_farewell_that_nobody_thanks_for_is_over_in_time() {
    let (mut world, ana) = ana_at_the_pbx(821);
    set_calls(&mut world, "1002", None);
    watch(&mut world, ana, CHIEF, "1002", Package::Dialog);
    world.run(secs(1));
    notifier(&mut world).mute = true;
    world.ask(ana, Command::Unwatch(CHIEF));
    world.run(secs(40));
    assert_forgotten(&mut world);
}

#[test]
fn a_way_that_is_not_found_is_looked_for_again_and_not_without_pause() {
    let (mut world, ana) = ana_at_the_pbx(822);
    watch(
        &mut world,
        ana,
        CHIEF,
        "sip:x@nowhere.example",
        Package::Dialog,
    );
    world.run(secs(130));
    let unreachable = failures(&world, ana, CHIEF);
    let causes: Vec<WatchCause> = unreachable.iter().map(|(cause, _)| *cause).collect();
    assert_eq!(causes, [WatchCause::Unreachable; 3]);
    // Nor when the account cannot be reached meanwhile.
    world.registrars[0].away = true;
    world.run(secs(1_000));
    assert!(!is_registered(&world, ana));
    world.registrars[0].away = false;
    world.names.insert(
        "nowhere.example".to_owned(),
        vec![PBX.parse().expect("an address")],
    );
    world.run(secs(2_000));
    assert_eq!(lamps(&world, ana, CHIEF), [Lamp::Idle]);
    assert_forgotten(&mut world);
}

#[test]
fn messages_waiting_are_told_asked_and_unasked() {
    let (mut world, ana) = ana_at_the_pbx(816);
    let body = "Messages-Waiting: yes\r\nMessage-Account: sip:1001@pbx.example\r\n\
                Voice-Message: 2/8 (1/2)\r\n";
    world.with_notifier(|notifier, now| notifier.set(now, "1001", "message-summary", body));
    watch(&mut world, ana, CHIEF, "1001", Package::MessageSummary);
    world.run(secs(1));
    // The registrar's own word, to nobody's question.
    let body = "Messages-Waiting: no\r\nVoice-Message: 0/10\r\n";
    let text = format!(
        "NOTIFY sip:1001@{ANA} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKun\r\n\
         From: <sip:mailbox@pbx.example>;tag=x\r\nTo: <sip:1001@pbx.example>\r\n\
         Call-ID: unasked\r\nCSeq: 1 NOTIFY\r\nEvent: message-summary\r\nMax-Forwards: 70\r\n\
         Content-Type: application/simple-message-summary\r\nContact: <sip:{PBX}>\r\n\
         Subscription-State: active\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let from = PBX.parse().expect("an address");
    world.inject(from, ANA.parse().expect("an address"), text.as_bytes());
    world.run(secs(1));
    let told: Vec<_> = world.phones[ana]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Messages { watch, summary, .. } => Some((*watch, summary.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 2);
    assert!(told[0].0 == Some(CHIEF) && told[0].1.waiting);
    let counts = Counts {
        new: 2,
        old: 8,
        new_urgent: 1,
        old_urgent: 2,
    };
    assert_eq!(told[0].1.counts_of(MessageClass::Voice), Some(counts));
    assert!(told[1].0.is_none() && !told[1].1.waiting);
    assert_forgotten(&mut world);
}

#[test]
fn presence_of_others_is_told() {
    let (mut world, ana) = ana_at_the_pbx(817);
    let body = "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
        xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
        xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:1002@pbx.example\">\
        <tuple id=\"a\"><status><basic>open</basic></status></tuple>\
        <dm:person id=\"p\"><rpid:activities><rpid:meeting/></rpid:activities></dm:person></presence>";
    world.with_notifier(|notifier, now| notifier.set(now, "1002", "presence", body));
    watch(&mut world, ana, CHIEF, "1002", Package::Presence);
    world.run(secs(1));
    let told = world.phones[ana]
        .events
        .iter()
        .find_map(|event| match event {
            Event::Presence { presence, .. } => Some(presence.clone()),
            _ => None,
        });
    let told = told.expect("it is told");
    assert_eq!(told.basic(), Some(Basic::Open));
    assert_eq!(told.activities, [Activity::Meeting]);
    assert_forgotten(&mut world);
}

/// What the server holds of 1001: whether they can be reached, and what they do.
fn published(world: &World) -> Vec<(Option<Basic>, Vec<Activity>)> {
    let now = world.now;
    let documents = world.notifier.iter().flat_map(|it| &it.documents);
    let alive = documents.filter(|it| it.until > now && it.user == "1001");
    alive
        .map(|it| Presence::parse(it.body.as_bytes()).expect("presence"))
        .map(|it| (it.basic(), it.activities))
        .collect()
}

#[test]
fn ones_own_presence_is_published_kept_and_taken_back() {
    let (mut world, ana) = ana_at_the_pbx(818);
    notifier(&mut world).gate = Some(Gate::new(DOMAIN));
    let publish = |availability| Command::Publish {
        account: ACCOUNT,
        availability,
    };
    world.ask(ana, publish(Some(Availability::Available)));
    world.run(secs(2));
    assert_eq!(published(&world), [(Some(Basic::Open), vec![])]);
    let told = Event::Publication {
        account: ACCOUNT,
        state: PublicationState::Published,
    };
    assert!(world.phones[ana].events.contains(&told));
    world.ask(ana, publish(Some(Availability::Busy)));
    world.run(secs(2));
    assert_eq!(
        published(&world),
        [(Some(Basic::Open), vec![Activity::Busy])]
    );
    // It is refreshed under its name, and there is never a second one.
    world.run(secs(7200));
    assert_eq!(
        published(&world),
        [(Some(Basic::Open), vec![Activity::Busy])]
    );
    // A server that started anew is told again.
    notifier(&mut world).restart();
    world.run(secs(700));
    assert_eq!(
        published(&world),
        [(Some(Basic::Open), vec![Activity::Busy])]
    );
    world.ask(ana, Command::Shutdown);
    world.run(secs(2));
    assert_eq!(published(&world), []);
    assert_forgotten(&mut world);
}

#[test]
fn who_talks_is_on_the_phone() {
    let (mut world, ana) = ana_at_the_pbx(819);
    let bia = world.phone(BIA, AgentConfig::default());
    add(&mut world, bia, extension("1002"));
    world.run(secs(1));
    let publish = Command::Publish {
        account: ACCOUNT,
        availability: Some(Availability::Away),
    };
    world.ask(ana, publish);
    world.run(secs(2));
    assert_eq!(published(&world)[0].1, [Activity::Away]);
    let at_ana = talk_at(&mut world, bia, "1001", ana);
    world.run(secs(2));
    let both = [Activity::Away, Activity::OnThePhone];
    assert_eq!(published(&world)[0].1, both);
    world.ask(ana, Command::HangUp(at_ana));
    world.run(secs(2));
    assert_eq!(published(&world)[0].1, [Activity::Away]);
    let taken_back = Command::Publish {
        account: ACCOUNT,
        availability: None,
    };
    world.ask(ana, taken_back);
    world.run(secs(2));
    assert_eq!(published(&world), []);
    assert_forgotten(&mut world);
}

#[test]
fn bad_weather_of_a_hundred_seeds_leaves_every_lamp_right_and_nothing_behind() {
    for seed in 0..100 {
        let (mut world, ana) = ana_at_the_pbx(3_000 + seed);
        notifier(&mut world).gate = Some(Gate::new(DOMAIN));
        notifier(&mut world).tells_first = seed % 2 == 0;
        world.weather = Weather {
            loss: 20,
            duplicates: 10,
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(300),
        };
        let publish = Command::Publish {
            account: ACCOUNT,
            availability: Some(Availability::Available),
        };
        world.ask(ana, publish);
        for id in 0..4 {
            let user = (1002 + id).to_string();
            set_calls(&mut world, &user, None);
            watch(&mut world, ana, WatchId(id), &user, Package::Dialog);
        }
        world.run(secs(60));
        for state in ["early", "confirmed"] {
            for id in 0..4_u64 {
                set_calls(&mut world, &(1002 + id).to_string(), Some(state));
                world.run(Duration::from_millis(700));
            }
        }
        world.run(secs(1_500));
        for id in 0..4 {
            let last = lamps(&world, ana, WatchId(id)).pop();
            assert_eq!(last, Some(Lamp::Busy), "seed {seed}, lamp {id}");
        }
        assert_eq!(published(&world).len(), 1, "seed {seed}");
        world.ask(ana, Command::Unwatch(WatchId(0)));
        world.run(secs(70));
        world.weather = Weather::FINE;
        assert_forgotten(&mut world);
        let sent = world.sent_by(ANA);
        assert!(count(&sent, "SUBSCRIBE") > 0);
    }
}
