//! First setup, accounts and settings.

use egui::{Key, Role};
use egui_kittest::kittest::Queryable;
use ramal::agent::{AccountState, RegistrationCause};
use ramal::engine::{AudioView, Snapshot};
use ramal::i18n::Language;
use ramal::store::LineSettings;
use ramal::trust::{Certificate, Fingerprint, Presented, Refused, TlsFailure};
use ramal::ui::UiAction;
use ramal::ui::theme::Appearance;

use crate::fake::Desk;
use crate::scenes::{account, idle, registered};

fn failed(cause: RegistrationCause, status: Option<u16>) -> AccountState {
    AccountState::Failed {
        cause,
        status,
        reason: None,
        retry_at: None,
    }
}

/// Types an address and a password into the form and presses its button.
fn fill_in(desk: &mut Desk) {
    desk.type_text("1001@pbx.example");
    desk.harness
        .get_by_role_and_label(Role::PasswordInput, "Senha")
        .focus();
    desk.harness.run();
    desk.type_text("segredo");
    desk.click("Conectar");
}

#[test]
fn the_first_start_asks_for_an_account_and_checks_it_live() {
    let mut desk = Desk::new(Snapshot::default());
    assert!(desk.shows("Conecte seu ramal"));
    fill_in(&mut desk);
    let sent = desk.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].starts_with("SaveAccount"), "{sent:?}");
    assert!(
        sent[0].contains("address: \"1001@pbx.example\""),
        "{sent:?}"
    );
    assert!(sent[0].contains("password: Some([secret])"), "{sent:?}");
    assert!(desk.shows("Procurando o servidor…"));

    let show = |state| Snapshot {
        accounts: vec![account(state)],
        ..Snapshot::default()
    };
    desk.put(show(failed(RegistrationCause::WrongPassword, Some(403))));
    assert!(desk.shows("Servidor encontrado"));
    assert!(desk.shows("O servidor recusou a senha"));
    assert!(desk.shows("Código SIP 403"));

    desk.click("Conectar");
    desk.put(show(registered()));
    assert!(desk.shows("Senha aceita"));
    desk.click("Concluir");
    assert!(desk.shows("Conta 1001, Registrado"));
}

#[test]
fn a_half_typed_address_cannot_be_sent() {
    let mut desk = Desk::new(Snapshot::default());
    desk.type_text("1001");
    assert!(desk.shows("Isto ainda não é um endereço"));
    desk.key(Key::Enter);
    assert_eq!(desk.sent(), Vec::<String>::new());
    desk.type_text("@pbx.example");
    assert!(desk.shows("Endereço legível"));
    desk.key(Key::Enter);
    assert_eq!(
        desk.sent().len(),
        1,
        "Enter in a field is as good as the button"
    );
}

#[test]
fn the_password_is_shown_only_while_somebody_wants_to_see_it() {
    let mut desk = Desk::new(Snapshot::default());
    desk.click("Mostrar a senha");
    let shown = desk.harness.get_by_role_and_label(Role::TextInput, "Senha");
    assert!(!shown.is_focused());
    desk.click("Esconder a senha");
    desk.harness
        .get_by_role_and_label(Role::PasswordInput, "Senha");
}

#[test]
fn without_a_pbx_the_lab_is_one_click_away() {
    let mut desk = Desk::new(Snapshot::default());
    desk.click("Sem PABX? Experimente no laboratório embutido");
    assert_eq!(desk.requested(), [UiAction::StartLab]);
    desk.put(idle());
    assert!(desk.shows("Conta 1001, Registrado"));
}

#[test]
fn a_failed_registration_says_what_to_do_and_leads_to_the_account() {
    let state = failed(RegistrationCause::HostNotFound, None);
    let mut desk = Desk::new(Snapshot {
        accounts: vec![account(state)],
        ..Snapshot::default()
    });
    assert!(desk.shows("Nenhum servidor foi encontrado com este nome"));
    assert!(desk.says("Confira a parte depois do @"));
    desk.click("Editar conta");
    let address = desk
        .harness
        .get_by_role_and_label(Role::TextInput, "Endereço SIP");
    assert_eq!(address.value().as_deref(), Some("1001@pbx.example"));
}

#[test]
fn what_differs_in_a_certificate_is_shown_and_trusted_by_a_wish_of_its_own_alone() {
    let state = failed(RegistrationCause::NotSecured(TlsFailure::SelfSigned), None);
    let fingerprint = Fingerprint::of(b"");
    let mut refused = account(state);
    refused.refused = Some(Box::new(Refused {
        failure: TlsFailure::SelfSigned,
        expected: vec!["pbx.example".into()],
        certificate: Some(Box::new(Certificate {
            names: Presented {
                dns: vec!["fábrica.example".into()],
                ..Presented::default()
            },
            subject: "CN=fábrica".into(),
            issuer: "CN=fábrica".into(),
            self_issued: true,
            not_before: 1_577_836_800,
            not_after: 1_609_459_200,
            fingerprint,
        })),
    }));
    let mut desk = Desk::new(Snapshot {
        accounts: vec![refused],
        ..Snapshot::default()
    });
    desk.click("Editar conta");
    assert!(desk.shows("Esperado: pbx.example"));
    assert!(desk.shows("O certificado dele é de: fábrica.example"));
    assert!(desk.shows("Vale de 01/01/2020 a 01/01/2021"));
    assert!(desk.says("E3:B0:C4:42"));
    // Saving again trusts nobody.
    desk.click("Salvar");
    assert!(desk.sent()[0].contains("pin: None"));
    desk.click("Confiar só neste certificado");
    let sent = desk.sent();
    let expected = format!("pin: Some(\"{fingerprint}\")");
    assert!(sent[0].contains(&expected), "{sent:?}");
}

#[test]
fn an_edit_that_leaves_the_password_empty_keeps_it() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Editar a conta 1001");
    desk.click("Salvar");
    let sent = desk.sent();
    assert!(sent[0].contains("id: 1,"), "{sent:?}");
    assert!(sent[0].contains("password: None"), "{sent:?}");
}

#[test]
fn advanced_options_are_saved_with_the_account() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Adicionar conta…");
    desk.type_text("1002@pbx.example");
    desk.click("Opções avançadas");
    desk.click("Transporte, Automático");
    desk.click("TCP");
    desk.click("Se a ligação for desviada, Seguir");
    desk.click("Não seguir");
    desk.harness
        .get_by_role_and_label(Role::TextInput, "Proxy de saída")
        .focus();
    desk.harness.run();
    desk.type_text("proxy.example:5070");
    desk.click("Conectar");
    let sent = desk.sent();
    assert!(sent[0].contains("transport: Some(\"tcp\")"), "{sent:?}");
    assert!(sent[0].contains("no_redirects: true"), "{sent:?}");
    assert!(
        sent[0].contains("proxy: Some(\"proxy.example:5070\")"),
        "{sent:?}"
    );
}

#[test]
fn a_removed_account_can_be_kept_until_the_notice_is_gone() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Remover a conta 1001");
    assert!(desk.shows("A conta 1001 foi removida"));
    assert!(!desk.shows("Editar a conta 1001"));
    desk.click("Desfazer");
    assert!(desk.shows("Editar a conta 1001"));
    desk.pass(std::time::Duration::from_secs(10));
    assert_eq!(desk.sent(), Vec::<String>::new());

    desk.click("Remover a conta 1001");
    desk.pass(std::time::Duration::from_secs(10));
    assert_eq!(desk.sent(), ["ForgetAccount(AccountId(1))"]);
}

#[test]
fn the_language_changes_at_once_and_is_remembered() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("English");
    assert!(desk.shows("Language".to_uppercase().as_str()));
    desk.click("Español");
    assert!(desk.shows("IDIOMA"));
    assert_eq!(
        desk.requested(),
        [
            UiAction::KeepLanguage(Some(Language::English)),
            UiAction::KeepLanguage(Some(Language::Spanish)),
        ]
    );
    desk.key(Key::Escape);
    assert!(desk.shows("Llamar"));
}

#[test]
fn the_colours_change_at_once_and_are_remembered() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Escuro");
    assert!(desk.harness.ctx.global_style().visuals.dark_mode);
    desk.click("Telefone");
    desk.click("Mudar para cores claras");
    assert!(!desk.harness.ctx.global_style().visuals.dark_mode);
    assert_eq!(
        desk.requested(),
        [
            UiAction::KeepAppearance(Appearance::Dark),
            UiAction::KeepAppearance(Appearance::Light),
        ]
    );
}

#[test]
fn a_device_is_chosen_by_name_and_the_other_one_stays() {
    let audio = AudioView {
        inputs: vec!["Headset USB".into(), "Webcam".into()],
        outputs: vec!["Headset USB".into()],
        output: Some("Headset USB".into()),
        ..AudioView::default()
    };
    let mut desk = Desk::new(Snapshot { audio, ..idle() });
    desk.click("Configurações");
    desk.click("Microfone, Padrão do sistema");
    desk.click("Webcam");
    assert_eq!(
        desk.sent(),
        ["SelectDevices { input: Some(\"Webcam\"), output: Some(\"Headset USB\") }"]
    );
}

#[test]
fn it_rings_where_calls_are_heard_or_on_a_speaker_of_its_own() {
    let audio = AudioView {
        outputs: vec!["Headset USB".into(), "Caixa de som".into()],
        ..AudioView::default()
    };
    let snapshot = |ring: Option<&str>| Snapshot {
        audio: AudioView {
            ring: ring.map(Into::into),
            ..audio.clone()
        },
        ..idle()
    };
    let mut desk = Desk::new(snapshot(None));
    desk.click("Configurações");
    desk.click("Tocar em, Mesmo alto-falante");
    desk.click("Caixa de som");
    desk.put(snapshot(Some("Caixa de som")));
    desk.click("Tocar em, Caixa de som");
    desk.click("Mesmo alto-falante");
    assert_eq!(
        desk.sent(),
        [
            "SelectRingDevice(Some(\"Caixa de som\"))",
            "SelectRingDevice(None)",
        ]
    );
}

#[test]
fn an_accounts_calls_may_sound_like_another_country() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Editar a conta 1001");
    desk.click("Opções avançadas");
    desk.click("Tons da linha, Como nas configurações: Brasil");
    desk.click("Argentina");
    desk.click("Salvar");
    let sent = desk.sent();
    assert!(sent[0].contains("tones: Some(\"AR\")"), "{sent:?}");
}

#[test]
fn how_keys_reach_the_other_side_is_chosen_for_an_account() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Editar a conta 1001");
    desk.click("Opções avançadas");
    desk.click("Teclas numa chamada, Como o outro lado aceita");
    desk.click("Como mensagens curtas (INFO)");
    desk.click("Salvar");
    let sent = desk.sent();
    assert!(sent[0].contains("digits: Some(\"short-info\")"), "{sent:?}");
}

#[test]
fn how_much_encryption_is_wanted_is_chosen_for_an_account() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Editar a conta 1001");
    desk.click("Opções avançadas");
    // Over UDP, and it is said what that is worth.
    assert!(desk.says("as chaves passaram pela rede à vista de todos"));
    desk.click("Criptografia do som, Quando o outro lado puder");
    desk.click("Sempre; recusar ligações sem ela");
    desk.click("Salvar");
    let sent = desk.sent();
    assert!(sent[0].contains("srtp: Some(\"required\")"), "{sent:?}");
}

#[test]
fn the_account_menu_connects_and_disconnects() {
    let mut desk = Desk::new(idle());
    desk.click("Conta 1001, Registrado");
    desk.click("Desconectar");
    assert_eq!(desk.sent(), ["Phone(Unregister(AccountId(1)))"]);
    desk.put(Snapshot {
        accounts: vec![account(AccountState::Unregistered)],
        ..Snapshot::default()
    });
    desk.click("Conta 1001, Desconectado");
    desk.click("Conectar agora");
    assert_eq!(desk.sent(), ["Phone(Register(AccountId(1)))"]);
}

#[test]
fn pauses_are_left_out_by_choice_and_nothing_else_of_the_line_changes() {
    let line = LineSettings {
        max_delay_ms: Some(300),
        ..LineSettings::default()
    };
    let mut desk = Desk::new(Snapshot { line, ..idle() });
    desk.click("Configurações");
    desk.click("Poupar rede");
    let sent = desk.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].starts_with("SetLine("), "{sent:?}");
    assert!(sent[0].contains("silence_suppression: true"), "{sent:?}");
    assert!(sent[0].contains("max_delay_ms: Some(300)"), "{sent:?}");
}

#[test]
fn devices_are_watched_while_their_list_is_on_the_screen_and_no_longer() {
    let mut desk = Desk::new(idle());
    assert!(!desk.watches_devices());
    desk.click("Configurações");
    desk.harness.run();
    assert!(desk.watches_devices());
    desk.click("Telefone");
    desk.harness.run();
    assert!(!desk.watches_devices());
}
