//! Echo, noise and even volume in the settings.

use ramal::i18n::Language;
use ramal::ui::UiOptions;
use ramal::voice::{EchoChoice, NoiseChoice, VoiceSettings};

use crate::fake::Desk;
use crate::scenes::idle;

#[test]
fn echo_noise_and_even_volume_are_chosen_one_by_one() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    let usual = VoiceSettings::default();
    let asks_for = |voice: VoiceSettings| [format!("SetVoice({voice:?})")];
    desk.click("Sempre");
    let echo = EchoChoice::On;
    assert_eq!(desk.sent(), asks_for(VoiceSettings { echo, ..usual }));
    desk.click("Muito");
    let noise = NoiseChoice::High;
    assert_eq!(desk.sent(), asks_for(VoiceSettings { noise, ..usual }));
    desk.click("Só a voz");
    let noise = NoiseChoice::Isolation;
    assert_eq!(desk.sent(), asks_for(VoiceSettings { noise, ..usual }));
    let mut snapshot = idle();
    snapshot.audio.voice.gain = false;
    desk.put(snapshot);
    desk.click("Ligado");
    assert_eq!(desk.sent(), asks_for(usual));
}

#[test]
fn every_word_of_it_is_there_in_every_language() {
    for (language, title, last) in [
        (Language::English, "Settings", "Even volume"),
        (Language::Portuguese, "Configurações", "Volume constante"),
        (Language::Spanish, "Ajustes", "Volumen uniforme"),
    ] {
        let options = UiOptions {
            language: Some(language),
            ..UiOptions::default()
        };
        let mut desk = Desk::with(idle(), options);
        desk.click(title);
        assert!(desk.shows(last), "{language:?}");
    }
}
