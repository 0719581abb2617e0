//! Settings of what is done to one's own voice before it is sent: echo, noise, even volume.

use egui::Ui;

use super::loudness::{title_ui, why_ui};
use super::{Ask, widgets};
use crate::engine::Command;
use crate::i18n::Words;
use crate::say;
use crate::voice::{EchoChoice, NoiseChoice, VoiceSettings};

/// Draws the section.
pub(crate) fn clear_speech_ui(ui: &mut Ui, voice: VoiceSettings, words: &Words) -> Option<Ask> {
    let mut wish = None;
    title_ui(ui, &say!(words, "voice-echo"), "");
    let choices = [
        (EchoChoice::Auto, say!(words, "voice-echo-auto")),
        (EchoChoice::On, say!(words, "voice-echo-on")),
        (EchoChoice::Off, say!(words, "voice-off")),
    ];
    if let Some(echo) = choose(ui, "echo", &choices, voice.echo) {
        wish = Some(VoiceSettings { echo, ..voice });
    }
    why_ui(ui, say!(words, "voice-echo", "why"));

    title_ui(ui, &say!(words, "voice-noise"), "");
    let choices = [
        (NoiseChoice::Off, say!(words, "voice-off")),
        (NoiseChoice::Low, say!(words, "voice-noise-low")),
        (NoiseChoice::High, say!(words, "voice-noise-high")),
        (NoiseChoice::Isolation, say!(words, "voice-noise-isolation")),
    ];
    if let Some(noise) = choose(ui, "noise", &choices, voice.noise) {
        wish = Some(VoiceSettings { noise, ..voice });
    }
    why_ui(ui, say!(words, "voice-noise", "why"));

    title_ui(ui, &say!(words, "voice-gain"), "");
    let choices = [
        (true, say!(words, "voice-gain-on")),
        (false, say!(words, "voice-off")),
    ];
    if let Some(gain) = choose(ui, "gain", &choices, voice.gain) {
        wish = Some(VoiceSettings { gain, ..voice });
    }
    why_ui(ui, say!(words, "voice-gain", "why"));
    wish.map(|voice| Ask::Send(Command::SetVoice(voice)))
}

/// One of a few, under a name that no other row of the page has.
fn choose<T: Copy + PartialEq>(
    ui: &mut Ui,
    id: &str,
    choices: &[(T, String)],
    chosen: T,
) -> Option<T> {
    ui.push_id(id, |ui| widgets::segmented(ui, choices, chosen))
        .inner
}
