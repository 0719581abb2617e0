//! What hands do: Tab, Enter, keys on keyboard and screen, and where they find things.

use egui::{Key, Pos2, Rect, Role, Vec2};
use egui_kittest::kittest::Queryable;
use ramal::agent::{AccountState, RegistrationCause};
use ramal::engine::{Direction, Notice, Snapshot};

use crate::fake::Desk;
use crate::scenes::{account, call, idle, registered, with_call};
use crate::{CONNECTED, RINGING, dial, field};

/// The smallest window that the desktop lets a person make.
const SMALLEST: Vec2 = egui::vec2(360.0, 560.0);

fn wrong_password() -> AccountState {
    AccountState::Failed {
        cause: RegistrationCause::WrongPassword,
        status: Some(403),
        reason: Some("Forbidden".into()),
        retry_at: None,
    }
}

fn with_account(state: AccountState) -> Snapshot {
    Snapshot {
        accounts: vec![account(state)],
        ..Snapshot::default()
    }
}

fn rect_of(desk: &Desk, name: &str) -> Rect {
    desk.harness.get_by_label(name).rect()
}

#[test]
fn tab_goes_from_the_address_to_the_password_and_then_to_its_eye() {
    let mut desk = Desk::new(Snapshot::default());
    desk.type_text("1001@pbx.example");
    desk.key(Key::Tab);
    let password = desk
        .harness
        .get_by_role_and_label(Role::PasswordInput, "Senha");
    assert!(password.is_focused());
    desk.key(Key::Tab);
    assert!(desk.harness.get_by_label("Mostrar a senha").is_focused());
}

#[test]
fn the_first_setup_is_done_with_the_keyboard_alone() {
    let mut desk = Desk::new(Snapshot::default());
    desk.type_text("1001@pbx.example");
    desk.key(Key::Tab);
    desk.type_text("segredo");
    desk.key(Key::Enter);
    let sent = desk.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].contains("password: Some([secret])"), "{sent:?}");
    desk.put(with_account(registered()));
    assert!(desk.shows("Senha aceita"));
    desk.key(Key::Enter);
    assert!(desk.shows("Conta 1001, Registrado"));
}

#[test]
fn a_wrong_password_is_corrected_where_it_was_typed() {
    let mut desk = Desk::new(Snapshot::default());
    desk.type_text("1001@pbx.example");
    desk.key(Key::Tab);
    desk.type_text("errada");
    desk.key(Key::Enter);
    desk.put(with_account(wrong_password()));
    desk.harness
        .get_by_role_and_label(Role::PasswordInput, "Senha")
        .focus();
    desk.harness.run();
    desk.type_text("certa");
    assert!(desk.shows("Conecte seu ramal"), "the setup is still there");
    desk.key(Key::Enter);
    let sent = desk.sent();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].contains("id: 0,"), "{sent:?}");
    assert!(sent[1].contains("id: 1,"), "changes the account: {sent:?}");
}

#[test]
fn the_lab_is_open_also_after_a_first_try_that_failed() {
    let mut desk = Desk::new(Snapshot::default());
    desk.type_text("1001@pbx.example");
    desk.key(Key::Enter);
    desk.put(with_account(wrong_password()));
    desk.click("Sem PABX? Experimente no laboratório embutido");
    let mut lab = account(registered());
    lab.id = ramal::agent::AccountId(9);
    lab.settings.id = 0;
    lab.settings.address = "1001@127.0.0.1:5070".into();
    let mut both = with_account(wrong_password());
    both.accounts.push(lab);
    desk.put(both);
    assert!(desk.shows("Conta 1001, Registrado"));
}

#[test]
fn digits_typed_after_those_pressed_on_the_screen_stand_behind_them() {
    let mut desk = Desk::new(idle());
    desk.click("Tecla 6, MNO");
    desk.click("Tecla 0, +");
    desk.type_text("1");
    assert_eq!(field(&desk), "601");
    desk.key(Key::Enter);
    assert_eq!(desk.sent(), [dial("601")]);
}

#[test]
fn tab_goes_from_the_field_over_its_button_to_the_keys() {
    let mut desk = Desk::new(idle());
    desk.type_text("6");
    desk.key(Key::Tab);
    let button = desk.harness.get_by_label("Apagar o último caractere");
    assert!(button.is_focused());
    desk.key(Key::Tab);
    assert!(desk.harness.get_by_label("Tecla 1").is_focused());
    desk.key(Key::Enter);
    assert_eq!(field(&desk), "61", "Enter presses what has the focus");
    assert_eq!(desk.sent(), Vec::<String>::new());
}

#[test]
fn a_number_leaves_the_field_also_when_it_is_answered_at_once() {
    let mut desk = Desk::new(idle());
    desk.type_text("600");
    desk.key(Key::Enter);
    let now = desk.now();
    desk.put(with_call(call(1, CONNECTED, now)));
    desk.put(idle());
    assert_eq!(field(&desk), "");
}

#[test]
fn a_number_stays_while_only_somebody_else_calls() {
    let mut desk = Desk::new(idle());
    desk.type_text("600");
    desk.key(Key::Enter);
    let now = desk.now();
    let mut theirs = call(1, RINGING, now);
    theirs.direction = Direction::Incoming;
    desk.put(with_call(theirs));
    desk.put(idle());
    assert_eq!(field(&desk), "600");
}

#[test]
fn what_is_typed_stands_in_the_middle_of_the_field() {
    let mut desk = Desk::new(idle());
    desk.type_text("600");
    desk.harness.run();
    // The icon at the end of the field is painted in its middle.
    let middle = rect_of(&desk, "Apagar o último caractere").center().y;
    let ink = ink_of(&desk, "600");
    let off = ink.center().y - middle;
    assert!(off.abs() <= 1.0, "{off} points below the middle");
}

/// What the characters of a text cover on the window.
fn ink_of(desk: &Desk, text: &str) -> Rect {
    let shapes = &desk.harness.output().shapes;
    let found = shapes.iter().find_map(|clipped| match &clipped.shape {
        egui::Shape::Text(shape) if shape.galley.text() == text => {
            Some(shape.galley.mesh_bounds.translate(shape.pos.to_vec2()))
        }
        _ => None,
    });
    found.expect("the text is painted")
}

#[test]
fn a_toast_covers_no_button_at_the_foot() {
    let notices = vec![Notice::PasswordNotKept, Notice::DeviceGone];
    for size in [SMALLEST, egui::vec2(380.0, 640.0)] {
        let mut desk = Desk::new(idle());
        desk.harness.set_size(size);
        let now = desk.now();
        let talking = Snapshot {
            notices: notices.clone(),
            ..with_call(call(1, CONNECTED, now))
        };
        desk.put(talking);
        desk.harness.run();
        let toast = toast_rect(&desk);
        let hang_up = rect_of(&desk, "Desligar");
        assert!(!toast.intersects(hang_up), "{toast} over {hang_up}");
        desk.click("Desligar");
        assert_eq!(desk.sent(), ["Phone(HangUp(CallId(1)))"]);
    }
    let mut desk = Desk::new(Snapshot {
        notices,
        ..Snapshot::default()
    });
    desk.type_text("1001@pbx.example");
    let toast = toast_rect(&desk);
    for name in ["Conectar", "Sem PABX? Experimente no laboratório embutido"] {
        assert!(!toast.intersects(rect_of(&desk, name)), "{name}");
    }
}

/// Around what a toast is known to contain.
fn toast_rect(desk: &Desk) -> Rect {
    let title = rect_of(desk, "A senha vale só para esta sessão");
    title.union(rect_of(desk, "Fechar o aviso")).expand(8.0)
}

#[test]
fn the_button_that_calls_is_in_sight_while_a_failure_is_told() {
    let mut desk = Desk::new(with_account(wrong_password()));
    desk.harness.set_size(SMALLEST);
    desk.harness.run();
    assert!(desk.shows("O servidor recusou a senha"));
    let window = Rect::from_min_size(Pos2::ZERO, SMALLEST);
    assert!(window.contains_rect(rect_of(&desk, "Ligar")));
}

#[test]
fn an_interrupted_program_closes_its_window() {
    let mut desk = Desk::new(idle());
    let closes = |desk: &Desk| {
        let root = &desk.harness.output().viewport_output[&egui::ViewportId::ROOT];
        root.commands.contains(&egui::ViewportCommand::Close)
    };
    assert!(!closes(&desk));
    desk.interrupt();
    assert!(closes(&desk));
}
