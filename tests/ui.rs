//! The window, found by accessible names as a screen reader finds it, and driven by clicks and
//! keys. What comes out are the commands that went to the phone.

#[path = "ui/accounts.rs"]
mod accounts;
#[path = "ui/clear_speech.rs"]
mod clear_speech;
#[path = "ui/fake.rs"]
mod fake;
#[path = "ui/hands.rs"]
mod hands;
#[path = "ui/loudness.rs"]
mod loudness;
#[path = "ui/messages.rs"]
mod messages;
#[path = "ui/passwords.rs"]
mod passwords;
#[path = "ui/protection.rs"]
mod protection;
#[path = "ui/reception.rs"]
mod reception;
#[path = "ui/recording.rs"]
mod recording;
#[path = "ui/scenes.rs"]
mod scenes;
#[path = "ui/sounds.rs"]
mod sounds;
#[path = "ui/team.rs"]
mod team;
#[path = "ui/transfer.rs"]
mod transfer;

use std::time::Duration;

use egui::Key;
use egui_kittest::kittest::Queryable;
use fake::Desk;
use ramal::agent::{CallEnd, EndCause, Refusal, Side};
use ramal::engine::{CallPhase, Direction, Notice, Snapshot};
use ramal::ui::UiOptions;
use scenes::{call, end, idle, party, recent, with_call};

const RINGING: CallPhase = CallPhase::RingingHere;
const CONNECTED: CallPhase = CallPhase::Connected;

fn dial(target: &str) -> String {
    format!("Dial {{ account: AccountId(1), target: {target:?} }}")
}

#[test]
fn a_number_typed_and_entered_is_called_once() {
    let mut desk = Desk::new(idle());
    desk.type_text("600");
    desk.key(Key::Enter);
    assert_eq!(desk.sent(), [dial("600")]);
}

#[test]
fn a_number_pressed_on_the_keypad_is_called_by_the_button() {
    let mut desk = Desk::new(idle());
    for key in ["Tecla 6, MNO", "Tecla 0, +", "Tecla #"] {
        desk.click(key);
    }
    desk.click("Ligar");
    assert_eq!(desk.sent(), [dial("60#")]);
}

#[test]
fn zero_held_gives_a_plus_and_no_zero() {
    let mut desk = Desk::new(idle());
    let at = desk.harness.get_by_label("Tecla 0, +").rect().center();
    desk.harness.drag_at(at);
    // The harness counts a quarter of a second for each frame.
    desk.harness.run_steps(2);
    assert_eq!(field(&desk), "", "too early");
    desk.harness.run_steps(2);
    desk.harness.drop_at(at);
    desk.harness.run();
    assert_eq!(field(&desk), "+");
    desk.click("Tecla 0, +");
    assert_eq!(field(&desk), "+0");
}

fn field(desk: &Desk) -> String {
    let field = desk
        .harness
        .get_by_role_and_label(egui::Role::TextInput, HINT);
    field.value().unwrap_or_default()
}

const HINT: &str = "Nome, número ou SIP";

#[test]
fn what_was_typed_stays_until_its_call_is_there() {
    let mut desk = Desk::new(idle());
    desk.type_text("600");
    desk.key(Key::Enter);
    assert_eq!(field(&desk), "600");
    let now = desk.now();
    desk.put(with_call(call(1, CallPhase::Dialing, now)));
    assert!(desk.shows("Chamando…"));
    desk.put(idle());
    assert_eq!(field(&desk), "");
}

#[test]
fn an_empty_field_calls_nobody() {
    let mut desk = Desk::new(idle());
    desk.key(Key::Enter);
    desk.click("Ligar");
    assert_eq!(desk.sent(), Vec::<String>::new());
}

#[test]
fn call_with_an_empty_field_brings_back_the_last_number() {
    let mut called = recent(None, "600", end(EndCause::Busy, Some(486), None));
    called.direction = Direction::Outgoing;
    let mut desk = Desk::new(Snapshot {
        recents: vec![called],
        ..idle()
    });
    desk.click("Ligar");
    assert_eq!(desk.sent(), Vec::<String>::new());
    assert_eq!(field(&desk), "sip:600@pbx.example");
    desk.click("Ligar");
    assert_eq!(desk.sent(), [dial("sip:600@pbx.example")]);
}

#[test]
fn the_last_character_is_deleted_by_its_button() {
    let mut desk = Desk::new(idle());
    desk.type_text("6001");
    desk.click("Apagar o último caractere");
    assert_eq!(field(&desk), "600");
}

#[test]
fn a_recent_call_is_called_again_by_a_click() {
    let talked = CallEnd {
        talked: Some(Duration::from_secs(192)),
        ..end(EndCause::HungUp, None, None)
    };
    let mut snapshot = idle();
    snapshot.recents = vec![
        recent(Some("Padaria Aurora"), "1042", talked),
        recent(
            None,
            "1140028922",
            end(EndCause::Cancelled, Some(487), None),
        ),
    ];
    let mut desk = Desk::new(snapshot);
    assert!(desk.shows("(11) 4002-8922, Perdida · 11:00, ligar de novo"));
    desk.click("Padaria Aurora, 1042 · 11:00 · 3 min 12 s, ligar de novo");
    assert_eq!(desk.sent(), [dial("sip:1042@pbx.example")]);
}

#[test]
fn a_call_that_rings_there_can_be_hung_up() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(call(7, CallPhase::RingingThere, now)));
    assert!(desk.shows("Tocando…"));
    desk.key(Key::Escape);
    assert_eq!(desk.sent(), Vec::<String>::new(), "Esc never hangs up");
    desk.click("Desligar");
    assert_eq!(desk.sent(), ["Phone(HangUp(CallId(7)))"]);
}

#[test]
fn an_incoming_call_is_answered_by_a_click_or_by_enter() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    let mut ringing = call(3, RINGING, now);
    ringing.direction = Direction::Incoming;
    ringing.remote = party(Some("Clínica Sol"), "2135550134");
    desk.put(with_call(ringing));
    assert!(desk.shows("Chamada para 1001 · Suporte"));
    assert!(desk.shows("Clínica Sol"));
    assert!(desk.shows("(21) 3555-0134"));
    desk.pass(Duration::from_millis(301));
    desk.click("Atender");
    desk.key(Key::Enter);
    assert_eq!(
        desk.sent(),
        ["Phone(Answer(CallId(3)))", "Phone(Answer(CallId(3)))"]
    );
}

#[test]
fn an_incoming_call_is_declined_as_busy() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(call(3, RINGING, now)));
    desk.pass(Duration::from_millis(301));
    desk.click("Recusar");
    assert_eq!(
        desk.sent(),
        ["Phone(Reject { call: CallId(3), status: StatusCode(486) })"]
    );
}

#[test]
fn a_card_that_has_just_come_ignores_clicks_and_enter() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(call(3, RINGING, now)));
    desk.pass(Duration::from_millis(299));
    desk.click("Recusar");
    desk.key(Key::Enter);
    assert_eq!(desk.sent(), Vec::<String>::new());
}

#[test]
fn enter_calls_what_is_being_typed_rather_than_answer() {
    let mut desk = Desk::new(idle());
    desk.type_text("600");
    let now = desk.now();
    desk.put(with_call(call(3, RINGING, now)));
    desk.pass(Duration::from_secs(1));
    desk.key(Key::Enter);
    assert_eq!(desk.sent(), [dial("600")]);
}

#[test]
fn a_second_call_is_answered_and_the_first_one_held() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    let snapshot = Snapshot {
        calls: vec![call(1, CONNECTED, now), call(2, RINGING, now)],
        ..idle()
    };
    desk.put(snapshot);
    desk.pass(Duration::from_secs(1));
    desk.click("Atender");
    assert_eq!(
        desk.sent(),
        ["Phone(Hold(CallId(1)))", "Phone(Answer(CallId(2)))"]
    );
}

#[test]
fn a_connected_call_shows_time_and_quality() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(call(1, CONNECTED, now)));
    desk.pass(Duration::from_secs(277));
    for text in [
        "04:37",
        "Padaria Aurora",
        "(11) 3555-0142",
        "Ótima",
        "4,4 · 38 ms · 0,2\u{a0}%",
        "Opus",
    ] {
        assert!(desk.shows(text), "{text}");
    }
}

#[test]
fn the_numbers_behind_the_quality_are_under_details() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(call(1, CONNECTED, now)));
    let rows = [
        ("Boca a ouvido", "38 ms"),
        ("Ida e volta", "24 ms"),
        ("Buffer", "31 ms de 30 ms"),
        ("Tarde demais", "0,1\u{a0}%"),
        ("Rajadas de perda", "0,08 s, 60,0\u{a0}%"),
        ("Nota do outro lado", "4,3 · 4,2"),
    ];
    assert!(!desk.shows(rows[0].0));
    desk.click("Detalhes");
    for (what, value) in rows {
        assert!(desk.shows(what) && desk.shows(value), "{what}: {value}");
    }
    desk.click("Detalhes");
    assert!(!desk.shows(rows[0].0));
}

#[test]
fn the_microphone_is_named_with_its_state_and_switched() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    let talking = call(1, CONNECTED, now);
    desk.put(with_call(talking.clone()));
    desk.click("Microfone, ativo");
    desk.command_key(Key::M);
    let muted = "Phone(SetMuted { call: CallId(1), muted: true })";
    assert_eq!(desk.sent(), [muted, muted]);
    desk.put(with_call(ramal::engine::CallView {
        muted: true,
        ..talking
    }));
    desk.click("Microfone, mudo");
    assert_eq!(
        desk.sent(),
        ["Phone(SetMuted { call: CallId(1), muted: false })"]
    );
}

#[test]
fn a_call_is_held_and_taken_back() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(call(1, CONNECTED, now)));
    desk.command_key(Key::H);
    assert_eq!(desk.sent(), ["Phone(Hold(CallId(1)))"]);
    desk.put(with_call(call(1, CallPhase::OnHold(Side::Local), now)));
    assert!(desk.shows("Em espera"));
    desk.click("Em espera, retomar");
    assert_eq!(desk.sent(), ["Phone(Resume(CallId(1)))"]);
}

#[test]
fn digits_in_a_call_go_out_as_dtmf_from_keys_and_keypad() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(call(1, CONNECTED, now)));
    desk.type_text("1");
    desk.type_text("x");
    desk.click("Teclado, fechado");
    desk.click("Tecla #");
    let digits =
        |digits: &str| format!("Phone(SendDtmf {{ call: CallId(1), digits: {digits:?} }})");
    assert_eq!(desk.sent(), [digits("1"), digits("#")]);
    desk.key(Key::Escape);
    assert!(desk.shows("Teclado, fechado"), "Esc closes the keypad");
}

#[test]
fn control_d_hangs_up() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    desk.put(with_call(call(1, CONNECTED, now)));
    desk.command_key(Key::D);
    assert_eq!(desk.sent(), ["Phone(HangUp(CallId(1)))"]);
}

#[test]
fn two_calls_swap_by_one_click() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    let mut held = call(2, CallPhase::OnHold(Side::Local), now);
    held.remote = party(Some("Clínica Sol"), "2135550134");
    desk.put(Snapshot {
        calls: vec![held, call(1, CONNECTED, now)],
        ..idle()
    });
    desk.pass(Duration::from_secs(80));
    assert!(desk.shows("em espera · 01:20"));
    desk.click("Alternar para Clínica Sol");
    assert_eq!(
        desk.sent(),
        ["Phone(Hold(CallId(1)))", "Phone(Resume(CallId(2)))"]
    );
}

#[test]
fn a_failed_call_says_why_and_keeps_the_code_under_details() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    let ended = end(
        EndCause::NoCommonCodec,
        Some(488),
        Some("Not Acceptable Here"),
    );
    desk.put(with_call(call(1, CallPhase::Ended(ended), now)));
    assert!(desk.shows("A ligação não completou"));
    assert!(desk.shows("Os dois lados não têm nenhum codec de áudio em comum."));
    assert!(!desk.shows("Código SIP 488"));
    desk.click("Detalhes");
    assert!(desk.shows("Código SIP 488"));
    assert!(desk.shows("Nas palavras deles: Not Acceptable Here"));
    desk.key(Key::Escape);
    assert_eq!(desk.sent(), ["Dismiss(CallId(1))"]);
    desk.click("Ligar de novo");
    assert_eq!(
        desk.sent(),
        [
            "Dismiss(CallId(1))".to_owned(),
            dial("sip:1135550142@pbx.example")
        ]
    );
}

#[test]
fn a_call_that_was_hung_up_goes_by_itself_and_is_told_once() {
    let mut desk = Desk::new(idle());
    let now = desk.now();
    let talked = Some(Duration::from_secs(192));
    let ended = CallEnd {
        talked,
        ..end(EndCause::HungUp, None, None)
    };
    desk.put(with_call(call(1, CallPhase::Ended(ended), now)));
    assert_eq!(desk.sent(), ["Dismiss(CallId(1))"]);
    assert!(desk.shows("Chamada encerrada"));
    assert!(desk.shows("Vocês falaram por 3 min 12 s."));
    desk.pass(Duration::from_secs(9));
    assert!(!desk.shows("Chamada encerrada"));
}

#[test]
fn a_refused_wish_is_told_and_can_be_closed() {
    let notices = vec![Notice::Refused(Refusal::NotDialable)];
    let mut desk = Desk::new(Snapshot { notices, ..idle() });
    assert!(desk.shows("Isto não é um número nem um endereço"));
    desk.click("Fechar o aviso");
    assert_eq!(desk.sent(), ["DismissNotice"]);
    desk.pass(Duration::from_secs(9));
    assert_eq!(desk.sent(), ["DismissNotice"], "and goes by itself in time");
}

#[test]
fn a_full_queue_is_told_rather_than_swallowed() {
    let mut desk = Desk::new(idle());
    desk.set_room(false);
    desk.type_text("600");
    desk.key(Key::Enter);
    assert!(desk.says("O Ramal está ocupado"));
    assert_eq!(field(&desk), "600");
}

#[test]
fn a_link_is_dialled_only_when_the_person_agrees() {
    let options = UiOptions {
        start_uri: Some("tel:+551140028922".into()),
        language: Some(ramal::i18n::Language::Portuguese),
        ..UiOptions::default()
    };
    let mut desk = Desk::with(idle(), options);
    assert!(desk.shows("Abrir link de chamada?"));
    assert_eq!(desk.sent(), Vec::<String>::new());
    desk.click("Ligar com 1001");
    assert_eq!(desk.sent(), [dial("tel:+551140028922")]);
    assert!(!desk.shows("Abrir link de chamada?"));
}

#[test]
fn an_idle_window_asks_for_no_frame() {
    let mut desk = Desk::new(idle());
    desk.harness.run();
    let delay =
        |desk: &Desk| desk.harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    assert_eq!(delay(&desk), Duration::MAX);
    let now = desk.now();
    desk.put(with_call(call(1, CallPhase::Dialing, now)));
    assert!(
        delay(&desk) >= Duration::from_millis(900),
        "{:?}",
        delay(&desk)
    );
    desk.put(with_call(call(1, CONNECTED, now)));
    assert!(
        delay(&desk) >= Duration::from_millis(50),
        "{:?}",
        delay(&desk)
    );
}

#[test]
fn every_page_fits_the_smallest_and_a_wide_window() {
    for size in [egui::vec2(360.0, 560.0), egui::vec2(1_280.0, 720.0)] {
        let mut desk = Desk::new(idle());
        desk.harness.set_size(size);
        desk.harness.run();
        assert!(desk.shows("Ligar"));
        let now = desk.now();
        desk.put(with_call(call(1, CONNECTED, now)));
        let hang_up = desk.harness.get_by_label("Desligar").rect();
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
        assert!(window.contains_rect(hang_up), "{size}: {hang_up}");
        for name in ["Microfone, ativo", "Teclado, fechado"] {
            assert!(
                window.contains_rect(desk.harness.get_by_label(name).rect()),
                "{name}"
            );
        }
    }
}
