//! Where passwords are kept: the choice in the settings, and the passphrase of the file.

use egui::Role;
use egui_kittest::kittest::Queryable;
use ramal::engine::{Notice, SecretFault, SecretsView, Snapshot};
use ramal::store::SecretPlace;

use crate::fake::Desk;
use crate::scenes::idle;

fn with(secrets: SecretsView) -> Snapshot {
    Snapshot { secrets, ..idle() }
}

fn type_passphrase(desk: &mut Desk) {
    desk.harness
        .get_by_role_and_label(Role::PasswordInput, "Frase secreta")
        .focus();
    desk.harness.run();
    desk.type_text("cavalo correto");
}

#[test]
fn passwords_go_into_a_file_only_with_a_passphrase() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Em um arquivo criptografado");
    desk.click("Guardar no arquivo");
    assert!(desk.sent().is_empty(), "there is no passphrase yet");
    type_passphrase(&mut desk);
    desk.click("Guardar no arquivo");
    let kept = "KeepPasswords { place: File, passphrase: Some([secret]) }";
    assert_eq!(desk.sent(), [kept]);
    desk.put(with(SecretsView {
        place: SecretPlace::File,
        ..SecretsView::default()
    }));
    assert!(!desk.says("Guardar no arquivo"));
    desk.click("Em lugar nenhum: pedidas de novo a cada início");
    let nowhere = "KeepPasswords { place: Memory, passphrase: None }";
    assert_eq!(desk.sent(), [nowhere]);
}

#[test]
fn a_locked_file_asks_for_its_passphrase_and_says_when_it_is_another() {
    let locked = SecretsView {
        place: SecretPlace::File,
        locked: true,
        fault: None,
    };
    let mut snapshot = with(locked);
    snapshot.notices.push(Notice::PasswordsLocked);
    let mut desk = Desk::new(snapshot);
    assert!(desk.shows("As senhas estão bloqueadas"));
    desk.click("Configurações");
    type_passphrase(&mut desk);
    desk.click("Desbloquear");
    let kept = "KeepPasswords { place: File, passphrase: Some([secret]) }";
    assert_eq!(desk.sent(), [kept]);
    desk.put(with(SecretsView {
        fault: Some(SecretFault::WrongPassphrase),
        ..locked
    }));
    assert!(desk.shows("Esta não é a frase secreta do arquivo."));
    assert!(desk.shows("Desbloquear"));
}
