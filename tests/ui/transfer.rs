//! Several calls: handed over, put together, and one that knocks while another is talked in.

use std::time::Duration;

use egui::Key;
use ramal::agent::{CallId, EndCause, Party, Side, TransferProgress};
use ramal::engine::{CallPhase, CallView, HandedTo, Snapshot, TransferView};
use ramal::media::plan::ConferenceId;

use crate::fake::Desk;
use crate::scenes::{call, end, idle, party, recent, with_call};
use crate::{CONNECTED, RINGING, dial};

/// In a call with the bakery, after one with accounts payable.
fn talking() -> Desk {
    let mut desk = Desk::new(idle());
    let snapshot = Snapshot {
        recents: vec![recent(
            Some("Contas a pagar"),
            "1043",
            end(EndCause::HungUp, None, None),
        )],
        ..with_call(call(1, CONNECTED, desk.now()))
    };
    desk.put(snapshot);
    desk
}

/// The bakery waits; the clinic is talked to.
fn two(desk: &Desk, clinic: impl FnOnce(&mut CallView)) -> Snapshot {
    let bakery = call(1, CallPhase::OnHold(Side::Local), desk.now());
    let mut second = call(2, CONNECTED, desk.now());
    second.remote = party(Some("Clínica Sol"), "2135550134");
    clinic(&mut second);
    Snapshot {
        calls: vec![bakery, second],
        ..idle()
    }
}

#[test]
fn a_call_is_handed_over_at_once_to_a_number_that_is_typed() {
    let mut desk = talking();
    desk.click("Transferir a chamada");
    assert!(desk.shows("Transferir Padaria Aurora"));
    desk.click("Transferir direto");
    desk.type_text("1047");
    desk.click("Transferir");
    assert_eq!(
        desk.sent(),
        ["Phone(Transfer { call: CallId(1), target: \"1047\" })"]
    );
    assert!(!desk.shows("Transferir Padaria Aurora"), "the page closes");
}

#[test]
fn somebody_is_asked_first_by_the_keyboard_alone() {
    let mut desk = talking();
    desk.command_key(Key::T);
    desk.type_text("1043");
    desk.key(Key::Enter);
    assert_eq!(
        desk.sent(),
        ["Consult { call: CallId(1), target: \"1043\" }"]
    );
}

#[test]
fn who_was_called_of_late_is_chosen_from_the_list() {
    let mut desk = talking();
    desk.click("Transferir a chamada");
    desk.type_text("contas");
    desk.click("Escolher Contas a pagar");
    desk.click("Consultar");
    assert_eq!(
        desk.sent(),
        ["Consult { call: CallId(1), target: \"sip:1043@pbx.example\" }"]
    );
}

#[test]
fn escape_leaves_the_choice_and_hangs_up_nobody() {
    let mut desk = talking();
    desk.command_key(Key::T);
    desk.type_text("10");
    desk.key(Key::Escape);
    desk.key(Key::Escape);
    assert!(!desk.shows("Transferir Padaria Aurora"));
    desk.click("Transferir a chamada");
    desk.click("Cancelar");
    assert_eq!(desk.sent(), Vec::<String>::new());
    // Nothing typed is nobody.
    desk.click("Transferir a chamada");
    desk.click("Consultar");
    assert_eq!(desk.sent(), Vec::<String>::new());
}

#[test]
fn who_is_consulted_gets_the_call_or_the_first_one_is_taken_back() {
    for (button, sent) in [
        (
            "Concluir",
            vec!["Phone(TransferTo { call: CallId(1), other: CallId(2) })"],
        ),
        (
            "Voltar",
            vec!["Phone(HangUp(CallId(2)))", "Phone(Resume(CallId(1)))"],
        ),
    ] {
        let mut desk = Desk::new(idle());
        let snapshot = two(&desk, |clinic| clinic.consults_for = Some(CallId(1)));
        desk.put(snapshot);
        assert!(desk.shows("Você está consultando sobre Padaria Aurora"));
        desk.click(button);
        assert_eq!(desk.sent(), sent);
    }
}

#[test]
fn a_call_goes_to_another_that_waits() {
    let mut desk = Desk::new(idle());
    let snapshot = two(&desk, |_| {});
    desk.put(snapshot);
    desk.click("Transferir a chamada");
    desk.click("Unir com Padaria Aurora");
    assert_eq!(
        desk.sent(),
        ["Phone(TransferTo { call: CallId(2), other: CallId(1) })"]
    );
}

#[test]
fn a_conference_of_a_server_is_told_as_one() {
    let mut desk = Desk::new(idle());
    let snapshot = two(&desk, |clinic| clinic.focus = true);
    desk.put(snapshot);
    assert!(desk.shows("Esta ligação é uma conferência: todos nela se ouvem."));
}

#[test]
fn how_a_transfer_goes_is_told_in_words() {
    let mut desk = Desk::new(idle());
    let to = party(Some("Contas a pagar"), "1043");
    for (progress, words) in [
        (
            TransferProgress::Begun { to: to.clone() },
            "Transferindo para Contas a pagar",
        ),
        (TransferProgress::Ringing, "Está chamando lá"),
        (
            TransferProgress::Failed {
                status: Some(486),
                reason: None,
            },
            "Está ocupado lá. A chamada voltou para você",
        ),
    ] {
        let transfer = Some(TransferView {
            to: to.clone(),
            progress,
        });
        let talking = call(1, CONNECTED, desk.now());
        desk.put(with_call(CallView {
            transfer,
            ..talking
        }));
        assert!(desk.shows(words), "{words}");
    }
}

#[test]
fn who_is_to_be_handed_over_is_asked() {
    for (button, sent) in [
        ("Aceitar", "Phone(AcceptTransfer(CallId(1)))"),
        ("Ficar", "Phone(RefuseTransfer(CallId(1)))"),
    ] {
        let mut desk = Desk::new(idle());
        let asked = Some(HandedTo {
            to: Party {
                uri: "sip:0014155550100@pbx.example".into(),
                user: Some("0014155550100".into()),
                display_name: None,
            },
            by: None,
        });
        let talking = call(1, CONNECTED, desk.now());
        desk.put(with_call(CallView {
            handed_to: asked,
            ..talking
        }));
        assert!(desk.shows("Padaria Aurora quer transferir você"));
        desk.click(button);
        assert_eq!(desk.sent(), [sent]);
    }
}

#[test]
fn two_calls_are_put_together_and_taken_apart() {
    let mut desk = Desk::new(idle());
    let snapshot = two(&desk, |_| {});
    desk.put(snapshot);
    desk.click("Fazer uma conferência");
    assert_eq!(desk.sent(), ["Join { call: CallId(2), other: CallId(1) }"]);
    let seat = Some(ConferenceId(0));
    let mut together = two(&desk, |clinic| clinic.conference = seat);
    together.calls[0] = CallView {
        conference: seat,
        ..call(1, CONNECTED, desk.now())
    };
    desk.put(together);
    assert!(desk.shows("em conferência"));
    // The first that is talked in is in front.
    desk.click("Separar Clínica Sol da conferência");
    assert_eq!(desk.sent(), ["Split(CallId(2))"]);
}

#[test]
fn who_is_alone_in_a_call_calls_one_more_for_a_conference() {
    let mut desk = talking();
    desk.command_key(Key::J);
    assert!(desk.shows("Chamar mais alguém"));
    desk.type_text("1047");
    desk.key(Key::Enter);
    assert_eq!(desk.sent(), [dial("1047")]);
}

#[test]
fn one_key_swaps_between_two_calls() {
    let mut desk = Desk::new(idle());
    let snapshot = two(&desk, |_| {});
    desk.put(snapshot);
    desk.command_key(Key::E);
    assert_eq!(
        desk.sent(),
        ["Phone(Hold(CallId(2)))", "Phone(Resume(CallId(1)))"]
    );
}

#[test]
fn who_knocks_is_taken_in_place_of_the_other_or_left_to_ring() {
    let knocking = |desk: &mut Desk, silenced| {
        let mut second = call(2, RINGING, desk.now());
        second.remote = party(Some("Clínica Sol"), "2135550134");
        second.silenced = silenced;
        let snapshot = Snapshot {
            calls: vec![call(1, CONNECTED, desk.now()), second],
            ..idle()
        };
        desk.put(snapshot);
        desk.pass(Duration::from_secs(1));
    };
    let mut desk = Desk::new(idle());
    knocking(&mut desk, false);
    desk.click("Deixar tocar");
    assert_eq!(desk.sent(), ["Silence(CallId(2))"]);
    desk.click("Desligar e atender");
    assert_eq!(
        desk.sent(),
        ["Phone(HangUp(CallId(1)))", "Phone(Answer(CallId(2)))"]
    );
    // Silenced, it stands among the calls, and can still be taken.
    knocking(&mut desk, true);
    assert!(!desk.shows("Deixar tocar"));
    desk.click("Atender Clínica Sol");
    assert_eq!(
        desk.sent(),
        ["Phone(Hold(CallId(1)))", "Phone(Answer(CallId(2)))"]
    );
}
