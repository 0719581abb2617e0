//! Calls that come in: the page of the rules, the bell, the signs that a rule holds, and what the
//! card says of who calls.

use std::time::Duration;

use egui_kittest::kittest::Queryable;
use ramal::agent::{
    DiversionReason, Diverted, DoNotDisturb, EndCause, Forward, Origin, Party, Reception, Timetable,
};
use ramal::engine::{CallView, Direction, Snapshot};
use ramal::sip::StatusCode;
use ramal::store::ReceptionSettings;

use crate::fake::Desk;
use crate::scenes::{call, end, idle, party, recent, with_call};
use crate::{CONNECTED, RINGING};

fn with_rules(rules: Reception, written: ReceptionSettings) -> Snapshot {
    let mut snapshot = idle();
    snapshot.accounts[0].reception = rules;
    snapshot.accounts[0].settings.reception = written;
    snapshot
}

fn undisturbed(when: Option<Timetable>) -> Reception {
    let status = StatusCode::BUSY_HERE;
    Reception {
        do_not_disturb: Some(DoNotDisturb { status, when }),
        ..Reception::default()
    }
}

#[test]
fn the_bell_has_no_call_ring_and_again() {
    let mut desk = Desk::new(idle());
    assert!(!desk.says("Não perturbe ligado"));
    desk.click("Não perturbe");
    let on = "Reception { account: None, wish: DoNotDisturb(true) }";
    assert_eq!(desk.sent(), [on]);
    let mut written = ReceptionSettings::default();
    written.do_not_disturb.on = true;
    desk.put(with_rules(undisturbed(None), written));
    assert!(desk.shows("Não perturbe ligado"));
    desk.click("Não perturbe");
    desk.click("Desligar, Não perturbe ligado");
    let off = "Reception { account: None, wish: DoNotDisturb(false) }";
    let here = "Reception { account: Some(AccountId(1)), wish: DoNotDisturb(false) }";
    assert_eq!(desk.sent(), [off, here]);
}

#[test]
fn a_rule_by_hours_shows_while_it_holds() {
    // It is Sunday noon.
    let sundays = |from: u16, to: u16| Timetable {
        days: [false, false, false, false, false, false, true],
        from: from * 60,
        to: to * 60,
    };
    let written = ReceptionSettings::default();
    let holds = with_rules(undisturbed(Some(sundays(11, 13))), written.clone());
    let mut desk = Desk::new(holds);
    assert!(desk.shows("Não perturbe, neste horário"));
    desk.click("Ver regras, Não perturbe, neste horário");
    assert!(desk.shows("Quando alguém liga"));
    let over = with_rules(undisturbed(Some(sundays(9, 12))), written);
    let desk = Desk::new(over);
    assert!(!desk.says("neste horário"));
}

#[test]
fn calls_that_go_elsewhere_are_shown_and_called_back() {
    let rules = Reception {
        forward_always: Some(Forward {
            to: "sip:1005@pbx.example".parse().unwrap(),
            when: None,
        }),
        ..undisturbed(None)
    };
    let mut desk = Desk::new(with_rules(rules, ReceptionSettings::default()));
    assert!(desk.shows("Chamadas vão para 1005"));
    desk.click("Desligar, Chamadas vão para 1005");
    let off = "Reception { account: Some(AccountId(1)), wish: ForwardAlways(None) }";
    assert_eq!(desk.sent(), [off]);
}

fn open_rules() -> Desk {
    let mut desk = Desk::new(idle());
    desk.harness.set_size(egui::vec2(500.0, 1_400.0));
    desk.harness.run();
    desk.click("Configurações");
    desk.click("Quando ligam para 1001…");
    assert!(desk.shows("Conta 1001"));
    desk
}

fn type_into(desk: &mut Desk, name: &str, text: &str) {
    let field = desk
        .harness
        .get_by_role_and_label(egui::Role::TextInput, name);
    field.focus();
    desk.harness.run();
    desk.type_text(text);
}

#[test]
fn rules_are_chosen_and_saved_at_once() {
    let mut desk = open_rules();
    desk.click("Desviar quando não atendo");
    type_into(&mut desk, "Desviar quando não atendo: para onde", "1005");
    desk.click("Depois de 20 s");
    desk.click("Depois de 30 s");
    desk.click("Só neste horário");
    desk.click("Desviar quando não atendo, Só neste horário, sexta-feira");
    desk.click("Desviar quando não atendo, Só neste horário, domingo");
    desk.click("Ocupado");
    desk.click("Da lista");
    desk.click("Sem som");
    type_into(&mut desk, "Números, separados por vírgulas", "1005, 1006,");
    assert_eq!(desk.sent(), Vec::<String>::new());
    desk.click("Salvar");
    let sent = desk.sent().pop().expect("a wish");
    for part in [
        "account: Some(AccountId(1)), wish: Rules(",
        "forward_no_answer: ForwardSettings { on: true, to: \"1005\", after_s: Some(30), \
         when: Some(TimetableSettings { days: [1, 2, 3, 4, 7], from: \"08:00\", to: \"18:00\" }) }",
        "as_busy: true",
        "intercom: Known",
        "strangers: Silent",
        "known: [\"1005\", \"1006\"]",
    ] {
        assert!(sent.contains(part), "{part}\n{sent}");
    }
    assert!(desk.shows("Quando ligam para 1001…"), "it is done with");
}

#[test]
fn a_rule_without_a_number_is_not_saved() {
    let mut desk = open_rules();
    desk.click("Desviar sempre");
    assert!(desk.shows("Confira para onde as chamadas vão"));
    desk.click("Confira para onde as chamadas vão");
    assert_eq!(desk.sent(), Vec::<String>::new());
    type_into(&mut desk, "Desviar sempre: para onde", "1005");
    desk.click("Salvar");
    assert_eq!(desk.sent().len(), 1);
}

fn ringing(remote: Party, origin: Origin) -> Desk {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(CallView {
        direction: Direction::Incoming,
        remote,
        origin,
        ..call(1, RINGING, now)
    }));
    desk
}

#[test]
fn the_card_says_who_sent_the_call_on() {
    let by = party(Some("Suporte"), "1005");
    let reason = DiversionReason::NoAnswer;
    let origin = Origin {
        diverted: vec![Diverted { by, reason }],
        ..Origin::default()
    };
    let desk = ringing(party(Some("Padaria Aurora"), "1042"), origin);
    assert!(desk.shows("Padaria Aurora"));
    assert!(desk.shows("Desviada de Suporte (1005)"));
}

#[test]
fn the_page_of_a_call_says_it_too() {
    let by = party(None, "1005");
    let reason = DiversionReason::UserBusy;
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(CallView {
        origin: Origin {
            diverted: vec![Diverted { by, reason }],
            ..Origin::default()
        },
        ..call(1, CONNECTED, now)
    }));
    assert!(desk.says("Desviada de 1005"));
}

#[test]
fn who_hides_is_a_private_number() {
    let nobody = Party {
        uri: "sip:anonymous@anonymous.invalid".into(),
        ..Party::default()
    };
    let desk = ringing(nobody, Origin::default());
    assert!(desk.shows("Número privado"));
    assert!(!desk.says("anonymous"));
}

#[test]
fn calls_that_did_not_ring_are_in_the_list() {
    let came = |cause, status| recent(Some("Padaria Aurora"), "1042", end(cause, status, None));
    let mut snapshot = idle();
    snapshot.recents = vec![
        came(EndCause::DoNotDisturb, Some(486)),
        came(EndCause::Forwarded, Some(302)),
    ];
    let mut desk = Desk::new(snapshot);
    desk.pass(Duration::from_secs(1));
    assert!(desk.says("Padaria Aurora, Não perturbe · "));
    assert!(desk.says("Desviada · "));
}

#[test]
fn calls_from_outside_may_have_a_tone_of_their_own() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Toque de fora, Como as outras");
    desk.click("Sino");
    assert_eq!(desk.sent(), ["Sound(RingtoneOutside(Some(\"bell\")))"]);
}

#[test]
fn a_private_number_is_not_called_back() {
    let mut came = recent(None, "1042", end(EndCause::DoNotDisturb, Some(486), None));
    came.remote = Party {
        uri: "sip:anonymous@anonymous.invalid".into(),
        ..Party::default()
    };
    let mut desk = Desk::new(Snapshot {
        recents: vec![came],
        ..idle()
    });
    assert!(!desk.says("ligar de novo"));
    desk.click("Número privado, Não perturbe · 11:00");
    assert_eq!(desk.sent(), Vec::<String>::new());
}
