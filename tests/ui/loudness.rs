//! How loud, what is wrong with the microphone, and what to do about it: in a call and in the
//! settings.

use egui::{Key, Rect, Role, Vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use ramal::engine::{CallView, Loudness, MicrophoneState, Quality, Snapshot, SoundTest};
use ramal::i18n::Language;
use ramal::ui::UiOptions;
use ramal::ui::theme::Appearance;
use ramal::units::Dbov;

use crate::CONNECTED;
use crate::fake::Desk;
use crate::scenes::{call, idle, with_call};

fn loudness(input_db: i32, output_db: i32) -> Loudness {
    Loudness {
        input_db,
        output_db,
        ..Loudness::default()
    }
}

fn asks_for(loudness: Loudness) -> String {
    format!("SetLoudness({loudness:?})")
}

fn talking(desk: &Desk, change: impl FnOnce(&mut CallView)) -> Snapshot {
    let mut talking = call(1, CONNECTED, desk.now());
    change(&mut talking);
    let mut snapshot = with_call(talking);
    snapshot.audio.inputs = vec!["Mesa".into(), "Fone".into()];
    snapshot.audio.outputs = vec!["Fone".into()];
    snapshot
}

fn rect(desk: &Desk, name: &str) -> Rect {
    desk.harness.get_by_label(name).rect()
}

#[test]
fn who_talks_while_muted_is_told_without_anything_moving_and_can_unmute_there() {
    let mut desk = Desk::new(idle());
    let mut snapshot = talking(&desk, |call| call.muted = true);
    desk.put(snapshot.clone());
    let places = ["Microfone, mudo", "Padaria Aurora", "Desligar"];
    let before = places.map(|name| rect(&desk, name));
    snapshot.loudness.microphone.talking_muted = true;
    desk.put(snapshot.clone());
    assert!(desk.shows("Você está mudo: ninguém ouve o que você diz"));
    assert_eq!(places.map(|name| rect(&desk, name)), before);
    desk.click("Ativar microfone");
    assert_eq!(
        desk.sent(),
        ["Phone(SetMuted { call: CallId(1), muted: false })"]
    );
    snapshot.loudness.microphone = MicrophoneState::default();
    desk.put(snapshot);
    assert!(!desk.says("ninguém ouve"), "gone with its cause");
}

#[test]
fn a_hint_about_the_open_microphone_is_none_while_it_is_muted() {
    let mut desk = Desk::new(idle());
    let mut snapshot = talking(&desk, |call| call.muted = true);
    snapshot.loudness.microphone = MicrophoneState {
        silent: true,
        clipping: true,
        talking_muted: false,
    };
    desk.put(snapshot);
    assert!(!desk.says("Seu microfone não capta") && !desk.says("alto demais"));
}

#[test]
fn a_microphone_without_sound_is_changed_from_where_it_is_told() {
    let mut desk = Desk::new(idle());
    let mut snapshot = talking(&desk, |_| {});
    snapshot.loudness.microphone.silent = true;
    desk.put(snapshot);
    assert!(desk.shows("Seu microfone não capta som"));
    desk.click("Trocar microfone");
    assert!(desk.sent().is_empty());
    desk.click("Fone");
    assert_eq!(
        desk.sent(),
        ["SelectDevices { input: Some(\"Fone\"), output: None }"]
    );
}

#[test]
fn a_microphone_that_is_too_loud_or_too_faint_is_turned_from_where_it_is_told() {
    let mut desk = Desk::new(idle());
    let mut snapshot = talking(&desk, |_| {});
    snapshot.loudness.microphone.clipping = true;
    snapshot.loudness.chosen = loudness(3, -4);
    desk.put(snapshot);
    assert!(desk.shows("Seu microfone está alto demais"));
    desk.click("Baixar");
    assert_eq!(desk.sent(), [asks_for(loudness(-3, -4))]);

    let faint = |input_db| {
        let mut snapshot = talking(&desk, |call| {
            call.quality = Some(Quality {
                speech_in: Some(Dbov(-50.0)),
                ..Quality::default()
            });
        });
        snapshot.loudness.chosen = loudness(input_db, 0);
        snapshot
    };
    let (turned, at_most) = (faint(16), faint(20));
    desk.put(turned);
    desk.click("Aumentar");
    assert_eq!(desk.sent(), [asks_for(loudness(20, 0))]);
    desk.put(at_most);
    assert!(!desk.shows("Aumentar"), "there is no more to turn up");
}

#[test]
fn both_volumes_are_drawn_along_in_a_call_and_the_speaker_is_muted() {
    let mut desk = Desk::new(idle());
    let snapshot = talking(&desk, |_| {});
    desk.put(snapshot.clone());
    desk.click("Áudio, Padrão do sistema");
    let slider = rect(&desk, "Volume do alto-falante, 0 dB");
    desk.harness.drag_at(slider.center());
    desk.harness.run();
    assert_eq!(desk.sent(), Vec::<String>::new(), "the middle is 0 dB");
    desk.harness.hover_at(slider.right_center());
    desk.harness.run();
    let sent = desk.sent();
    assert!(sent.contains(&asks_for(loudness(0, 20))), "{sent:?}");
    desk.harness.drop_at(slider.right_center());
    desk.harness.run();
    desk.sent();
    desk.click("Silenciar o alto-falante");
    let muted = Loudness {
        output_muted: true,
        ..Loudness::default()
    };
    assert_eq!(desk.sent(), [asks_for(muted)]);
    let mut now_muted = snapshot;
    now_muted.loudness.chosen = muted;
    desk.put(now_muted);
    desk.harness
        .get_by_label("Volume do microfone, 0 dB")
        .focus();
    desk.harness.run();
    desk.key(Key::ArrowRight);
    let louder = Loudness {
        input_db: 1,
        ..muted
    };
    assert_eq!(desk.sent(), [asks_for(louder)]);
}

#[test]
fn a_screen_reader_steps_a_volume_and_is_told_its_range() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    let name = "Volume do microfone, 0 dB";
    let slider = desk.harness.get_by_role_and_label(Role::Slider, name);
    let node = slider.accesskit_node();
    assert_eq!(node.min_numeric_value(), Some(-20.0));
    assert_eq!(node.max_numeric_value(), Some(20.0));
    slider.increment_accesskit();
    desk.harness.run();
    assert_eq!(desk.sent(), [asks_for(loudness(1, 0))]);
    let slider = desk.harness.get_by_role_and_label(Role::Slider, name);
    slider.decrement_accesskit();
    desk.harness.run();
    assert_eq!(desk.sent(), [asks_for(loudness(-1, 0))]);
}

#[test]
fn the_microphone_is_tried_from_the_settings_and_let_go_with_them() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Testar microfone");
    assert_eq!(desk.sent(), ["TestSound(Some(Microphone))"]);
    let mut snapshot = idle();
    snapshot.loudness.test = Some(SoundTest::Microphone);
    desk.put(snapshot.clone());
    assert!(desk.shows("Abrindo o microfone…"));
    snapshot
        .loudness
        .test_levels
        .set(Dbov(-20.0), Dbov::SILENCE);
    desk.put(snapshot.clone());
    assert!(desk.shows("Fale: a barra deve passar do meio."));
    snapshot.loudness.microphone.silent = true;
    desk.put(snapshot.clone());
    assert!(desk.shows("Seu microfone não capta som"));
    desk.click("Parar o teste");
    assert_eq!(desk.sent(), ["TestSound(None)"]);
    desk.click("Telefone");
    desk.pass(std::time::Duration::from_secs(1));
    assert_eq!(
        desk.sent(),
        ["TestSound(None)"],
        "once, by leaving the page"
    );
}

#[test]
fn the_speaker_is_tried_and_ones_own_voice_chosen_in_the_settings() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Tocar um som de teste");
    assert_eq!(desk.sent(), ["TestSound(Some(Speaker))"]);
    desk.click("Média");
    let own = Loudness {
        sidetone_db: Some(-20),
        ..Loudness::default()
    };
    assert_eq!(desk.sent(), [asks_for(own)]);
}

#[test]
fn levels_of_speech_stand_under_details_in_dbov() {
    let mut desk = Desk::new(idle());
    let snapshot = talking(&desk, |call| {
        call.quality = Some(Quality {
            speech_in: Some(Dbov(-24.3)),
            speech_out: Some(Dbov(-31.0)),
            ..Quality::default()
        });
    });
    desk.put(snapshot);
    desk.click("Detalhes");
    for text in ["Sua voz", "−24 dBov", "A voz do outro lado", "−31 dBov"] {
        assert!(desk.shows(text), "{text}");
    }
}

/// In three languages, in both colours, in the smallest window: what is told is inside it, and
/// above the button that hangs up.
#[test]
fn every_hint_fits_in_every_language_and_colour() {
    const SMALLEST: Vec2 = egui::vec2(360.0, 560.0);
    let states = [
        (true, "talking_muted"),
        (false, "silent"),
        (false, "clipping"),
        (false, "quiet"),
    ];
    for (language, actions) in [
        (
            Language::English,
            [
                "Turn microphone on",
                "Change microphone",
                "Turn down",
                "Turn up",
            ],
        ),
        (
            Language::Portuguese,
            ["Ativar microfone", "Trocar microfone", "Baixar", "Aumentar"],
        ),
        (
            Language::Spanish,
            ["Activar micrófono", "Cambiar micrófono", "Bajar", "Subir"],
        ),
    ] {
        for appearance in [Appearance::Light, Appearance::Dark] {
            let options = UiOptions {
                language: Some(language),
                appearance,
                ..UiOptions::default()
            };
            let mut desk = Desk::with(idle(), options);
            desk.harness.set_size(SMALLEST);
            for ((muted, what), action) in states.into_iter().zip(actions) {
                let mut snapshot = talking(&desk, |call| {
                    call.muted = muted;
                    call.quality = Some(Quality {
                        speech_in: Some(Dbov(if what == "quiet" { -60.0 } else { -26.0 })),
                        ..Quality::default()
                    });
                });
                snapshot.loudness.microphone = MicrophoneState {
                    talking_muted: what == "talking_muted",
                    silent: what == "silent",
                    clipping: what == "clipping",
                };
                desk.put(snapshot);
                let (button, name) = (rect(&desk, action), rect(&desk, "Padaria Aurora"));
                let told = format!("{language:?}, {what}: {button}, {name}");
                assert!(button.bottom() < name.top(), "{told}");
                assert!(button.left() > 54.0 && button.right() < 344.0, "{told}");
            }
        }
    }
}
