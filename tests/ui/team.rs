//! Those who are watched: seen, called, picked up, parked with, and the list changed.

use std::sync::Arc;

use egui_kittest::kittest::Queryable;
use ramal::agent::{AccountId, Availability, LampState, WatchCause, WatchId};
use ramal::engine::{MailboxView, PresenceView, Snapshot, TeamView};
use ramal::events::dialog_info::Lamp;
use ramal::events::pidf::{Activity, Basic};
use ramal::store::WatchedSettings;

use crate::CONNECTED;
use crate::fake::Desk;
use crate::scenes::{call, idle};

fn member(id: u64, number: &str, name: Option<&str>, lamp: Lamp) -> TeamView {
    TeamView {
        account: AccountId(1),
        lamp_watch: WatchId(id),
        presence_watch: None,
        number: number.to_owned(),
        name: name.map(str::to_owned),
        park: false,
        lamp: LampState {
            lamp,
            ..LampState::default()
        },
        presence: None,
        trouble: None,
    }
}

fn with_team(team: Vec<TeamView>) -> Snapshot {
    Snapshot {
        team: Arc::new(team),
        ..idle()
    }
}

fn open(snapshot: Snapshot) -> Desk {
    let mut desk = Desk::new(snapshot);
    desk.click("Equipe");
    desk
}

#[test]
fn each_lamp_is_said_in_words_and_does_what_it_says() {
    let mut away = member(3, "1004", Some("Duda"), Lamp::Idle);
    away.presence = Some(PresenceView {
        basic: Some(Basic::Open),
        activities: vec![Activity::Away],
        note: None,
    });
    let mut unknown = member(4, "1005", None, Lamp::Unknown);
    unknown.trouble = Some(WatchCause::NotFound);
    let mut desk = open(with_team(vec![
        member(1, "1002", Some("Ana"), Lamp::Busy),
        member(2, "1003", Some("Bia"), Lamp::Ringing),
        away,
        unknown,
    ]));
    assert!(desk.shows("Duda, 1004: Ausente. Ligar"));
    assert!(desk.shows("1005, 1005: Sem notícia. Ligar"));
    desk.click("Ana, 1002: Em ligação. Ligar");
    assert_eq!(
        desk.sent(),
        ["Dial { account: AccountId(1), target: \"1002\" }"]
    );
    // Whoever calls sees the call.
    desk.click("Equipe");
    desk.click("Bia, 1003: Tocando. Capturar");
    assert_eq!(desk.sent(), ["PickUp(WatchId(2))"]);
}

#[test]
fn a_call_is_parked_and_taken_back() {
    let mut desk = Desk::new(idle());
    let mut free = member(5, "701", Some("Vaga 1"), Lamp::Idle);
    free.park = true;
    let mut taken = member(6, "702", Some("Vaga 2"), Lamp::Busy);
    taken.park = true;
    let snapshot = Snapshot {
        calls: vec![call(1, CONNECTED, desk.now())],
        ..with_team(vec![free, taken])
    };
    desk.put(snapshot);
    desk.click("Equipe");
    desk.click("Vaga 1, 701: Livre. Estacionar a chamada");
    assert_eq!(
        desk.sent(),
        ["Phone(Transfer { call: CallId(1), target: \"701\" })"]
    );
    desk.click("Vaga 2, 702: Uma chamada espera. Pegar a chamada estacionada");
    assert_eq!(
        desk.sent(),
        ["Dial { account: AccountId(1), target: \"702\" }"]
    );
}

#[test]
fn one_of_five_hundred_is_found_by_name() {
    let team = (0..500).map(|at| {
        let name = format!("Pessoa {at}");
        member(at, &format!("{}", 2000 + at), Some(&name), Lamp::Idle)
    });
    let mut desk = open(with_team(team.collect()));
    assert!(desk.shows("Pessoa 0, 2000: Livre. Ligar"));
    assert!(
        !desk.shows("Pessoa 499, 2499: Livre. Ligar"),
        "it is far below"
    );
    desk.click("Procurar por nome ou número");
    desk.type_text("soa 499");
    desk.click("Pessoa 499, 2499: Livre. Ligar");
    assert_eq!(
        desk.sent(),
        ["Dial { account: AccountId(1), target: \"2499\" }"]
    );
}

#[test]
fn the_list_is_changed_by_who_uses_it() {
    let mut snapshot = with_team(vec![member(1, "1002", Some("Ana"), Lamp::Idle)]);
    snapshot.accounts[0].settings.watched = vec![WatchedSettings {
        number: "1002".to_owned(),
        name: Some("Ana".to_owned()),
        ..WatchedSettings::default()
    }];
    let mut desk = open(snapshot);
    desk.click("Mudar a lista");
    desk.click("Número ou endereço");
    desk.type_text(" 1003 ");
    desk.click("Nome");
    desk.type_text("Bia");
    desk.click("Pôr na lista");
    let ana =
        "WatchedSettings { number: \"1002\", name: Some(\"Ana\"), presence: false, park: false }";
    let bia =
        "WatchedSettings { number: \"1003\", name: Some(\"Bia\"), presence: false, park: false }";
    assert_eq!(
        desk.sent(),
        [format!(
            "SetTeam {{ account: AccountId(1), watched: [{ana}, {bia}] }}"
        )]
    );
    desk.click("Tirar Ana · 1002 da lista");
    assert_eq!(
        desk.sent(),
        ["SetTeam { account: AccountId(1), watched: [] }"]
    );
    desk.click("A lista está pronta");
    assert!(desk.shows("Ana, 1002: Livre. Ligar"));
}

#[test]
fn how_one_can_be_reached_is_said_where_it_is_told() {
    let mut snapshot = with_team(Vec::new());
    let desk = open(snapshot.clone());
    assert!(!desk.shows("Ausente"), "this account tells nobody");
    snapshot.accounts[0].settings.publish_presence = true;
    let mut desk = open(snapshot);
    desk.click("Ausente");
    assert_eq!(desk.sent(), ["SetAvailability(Away)"]);
    assert_eq!(Availability::default(), Availability::Available);
}

#[test]
fn messages_that_wait_are_counted_and_heard_by_a_click() {
    let mut snapshot = idle();
    snapshot.accounts[0].mailbox = Some(MailboxView {
        waiting: true,
        new: Some(3),
        old: Some(1),
        account: Some("sip:602@pbx.example".to_owned()),
    });
    let mut desk = Desk::new(snapshot.clone());
    desk.click("3 mensagens novas: ouvir");
    assert_eq!(
        desk.sent(),
        ["Dial { account: AccountId(1), target: \"sip:602@pbx.example\" }"]
    );
    snapshot.accounts[0].settings.voicemail = Some("*97".to_owned());
    let mut desk = Desk::new(snapshot.clone());
    desk.click("3 mensagens novas: ouvir");
    assert_eq!(
        desk.sent(),
        ["Dial { account: AccountId(1), target: \"*97\" }"]
    );
    snapshot.accounts[0].mailbox = Some(MailboxView {
        waiting: false,
        new: Some(0),
        old: Some(4),
        account: None,
    });
    let desk = Desk::new(snapshot);
    assert!(!desk.shows("3 mensagens novas: ouvir"));
}

#[test]
fn codes_and_presence_are_set_in_the_account() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Editar a conta 1001");
    desk.click("Opções avançadas");
    desk.click("Minha presença, Não contar a ninguém");
    desk.click("Contar aos colegas se estou disponível, ocupado ou em ligação");
    desk.click("Caixa postal, Perguntar ao servidor por mensagens novas");
    desk.click("Mostrar só o que o servidor avisa por conta própria");
    for (field, text) in [
        ("Código para capturar uma chamada", " *8 "),
        ("Número que toca minhas mensagens", "*97"),
    ] {
        let field = desk
            .harness
            .get_by_role_and_label(egui::Role::TextInput, field);
        field.focus();
        desk.harness.run();
        desk.type_text(text);
    }
    desk.click("Salvar");
    let sent = desk.sent();
    let saved = sent.iter().find(|it| it.starts_with("SaveAccount"));
    let saved = saved.expect("it is saved");
    for part in [
        "publish_presence: true",
        "no_mailbox: true",
        "pickup_code: Some(\"*8\")",
        "voicemail: Some(\"*97\")",
    ] {
        assert!(saved.contains(part), "{part}: {saved}");
    }
}
