//! The part of the settings that says what the phone sounds like.

use egui_kittest::kittest::Queryable;
use ramal::engine::{Snapshot, SoundView};
use ramal::store::SoundSettings;

use crate::fake::Desk;
use crate::scenes::idle;

fn with(settings: SoundSettings) -> Desk {
    let sounds = SoundView {
        settings,
        ..SoundView::default()
    };
    let mut desk = Desk::new(Snapshot { sounds, ..idle() });
    desk.click("Configurações");
    desk
}

/// Clicks what may lie below the window's edge.
#[track_caller]
fn reach(desk: &mut Desk, name: &str) {
    desk.harness.get_by_label(name).scroll_to_me();
    desk.harness.run();
    desk.click(name);
}

#[test]
fn a_ring_tone_is_chosen_by_name_and_can_be_heard() {
    let mut desk = with(SoundSettings::default());
    reach(&mut desk, "Ouvir o toque");
    reach(&mut desk, "Toque, Suave");
    reach(&mut desk, "Marimba");
    assert_eq!(
        desk.sent(),
        ["Sound(PlayRingtone)", "Sound(Ringtone(\"marimba\"))"]
    );
}

#[test]
fn the_rings_volume_is_a_slider_like_the_others() {
    let mut desk = with(SoundSettings::default());
    let name = "Volume do toque, 60 %";
    desk.harness.get_by_label(name).scroll_to_me();
    desk.harness.run();
    desk.harness.get_by_label(name).focus();
    desk.harness.run();
    desk.key(egui::Key::ArrowRight);
    assert_eq!(desk.sent(), ["Sound(RingVolume(61))"]);
}

#[test]
fn the_tones_of_the_line_follow_the_system_or_a_country() {
    let mut desk = with(SoundSettings::default());
    reach(&mut desk, "Tons da linha, Sistema: Brasil");
    reach(&mut desk, "Argentina");
    assert_eq!(desk.sent(), ["Sound(Tones(Some(\"AR\")))"]);
    let mut desk = with(SoundSettings {
        tones: Some("AR".into()),
        ..SoundSettings::default()
    });
    reach(&mut desk, "Tons da linha, Argentina");
    reach(&mut desk, "Sistema: Brasil");
    assert_eq!(desk.sent(), ["Sound(Tones(None))"]);
}

#[test]
fn keys_and_music_on_hold_are_switched() {
    let mut desk = with(SoundSettings {
        hold_music: "/sounds/espera.wav".into(),
        ..SoundSettings::default()
    });
    reach(&mut desk, "Ouvir as teclas que você aperta");
    reach(&mut desk, "Ouvir as teclas do outro lado");
    reach(&mut desk, "Música de espera, espera.wav");
    reach(&mut desk, "Nenhuma");
    assert_eq!(
        desk.sent(),
        [
            "Sound(KeyTones(false))",
            "Sound(ReceivedKeyTones(true))",
            "Sound(HoldMusic(\"off\"))",
        ]
    );
}
