//! Ring tone, its volume, tones of the line, music on hold.

use egui::{Popup, Ui};

use super::Ask;
use super::icons::Icon;
use super::settings::choice_ui;
use super::theme::{Palette, Type};
use super::widgets::{self, Beside, Field};
use crate::dsp::progress::{COUNTRIES, Country};
use crate::engine::{Command, SoundView, SoundWish};
use crate::i18n::Words;
use crate::media::rings::Ring;
use crate::say;

/// Characters of a path; no system has longer ones that a person types.
const PATH_LIMIT: usize = 1_024;

/// Draws the section.
pub(super) fn sounds_ui(ui: &mut Ui, view: &SoundView, words: &Words) -> Option<Ask> {
    let wish = ringtone_ui(ui, view, words)
        .or(outside_ui(ui, view, words))
        .or(volume_ui(ui, view, words))
        .or(tones_ui(ui, view, words))
        .or(keys_ui(ui, view, words))
        .or(hold_music_ui(ui, view, words));
    wish.map(|wish| Ask::Send(Command::Sound(wish)))
}

fn caption(ui: &mut Ui, text: &str) {
    let palette = Palette::of(ui);
    ui.label(Type::SMALL.rich(text, palette.mut_text));
}

fn ring_name(ring: Ring, words: &Words) -> String {
    match ring {
        Ring::Soft => say!(words, "ring-soft"),
        Ring::Marimba => say!(words, "ring-marimba"),
        Ring::Bell => say!(words, "ring-bell"),
        Ring::Desk => say!(words, "ring-desk"),
    }
}

/// The last part of a path, which is what a person knows a file by.
fn file_name(path: &str) -> String {
    let name = std::path::Path::new(path).file_name();
    name.map_or_else(
        || path.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn ringtone_ui(ui: &mut Ui, view: &SoundView, words: &Words) -> Option<SoundWish> {
    let palette = Palette::of(ui);
    let mut wish = None;
    let chosen = Ring::named(&view.settings.ringtone);
    let shown = match chosen {
        Some(ring) => ring_name(ring, words),
        None => file_name(&view.settings.ringtone),
    };
    caption(ui, &say!(words, "settings-ringtone"));
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let play = say!(words, "a11y-play-ringtone");
        if widgets::icon_button(ui, Icon::PLAY, &play, palette.text).clicked() {
            wish = Some(SoundWish::PlayRingtone);
        }
        let name = say!(words, "a11y-ringtone", tone = shown.clone());
        let response = choice_ui(ui, &shown, &name);
        Popup::menu(&response).show(|ui| {
            for ring in Ring::ALL {
                let checked = chosen == Some(ring);
                if widgets::menu_item(ui, None, &ring_name(ring, words), checked).clicked() {
                    wish = Some(SoundWish::Ringtone(ring.name().to_owned()));
                    ui.close();
                }
            }
        });
    });
    let hint = say!(words, "settings-ring-file");
    file_ui(ui, "ring-file", &hint)
        .map(SoundWish::Ringtone)
        .or(wish)
}

/// What rings for calls from outside, where the server tells them apart.
fn outside_ui(ui: &mut Ui, view: &SoundView, words: &Words) -> Option<SoundWish> {
    let mut wish = None;
    let chosen = view.settings.ringtone_outside.as_deref();
    let same = say!(words, "settings-ring-outside-same");
    let shown = match chosen.map(|name| (name, Ring::named(name))) {
        Some((_, Some(ring))) => ring_name(ring, words),
        Some((path, None)) => file_name(path),
        None => same.clone(),
    };
    caption(ui, &say!(words, "settings-ring-outside"));
    let name = say!(words, "a11y-ring-outside", tone = shown.clone());
    let response = choice_ui(ui, &shown, &name);
    Popup::menu(&response).show(|ui| {
        if widgets::menu_item(ui, None, &same, chosen.is_none()).clicked() {
            wish = Some(SoundWish::RingtoneOutside(None));
            ui.close();
        }
        for ring in Ring::ALL {
            let checked = chosen == Some(ring.name());
            if widgets::menu_item(ui, None, &ring_name(ring, words), checked).clicked() {
                wish = Some(SoundWish::RingtoneOutside(Some(ring.name().to_owned())));
                ui.close();
            }
        }
    });
    wish
}

/// A field for the path of a file; answers what was typed once Enter is pressed.
pub(super) fn file_ui(ui: &mut Ui, id: &str, hint: &str) -> Option<String> {
    let id = ui.scope_id().with(id);
    let mut text: String = ui.data_mut(|data| data.get_temp(id)).unwrap_or_default();
    let field = Field {
        name: hint,
        hint,
        limit: PATH_LIMIT,
        secret: false,
    };
    let response = widgets::field(ui, &mut text, &field, Beside::default());
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let path = text.trim().to_owned();
    let done = entered && !path.is_empty();
    if done {
        text.clear();
    }
    ui.data_mut(|data| data.insert_temp(id, text));
    done.then_some(path)
}

fn volume_ui(ui: &mut Ui, view: &SoundView, words: &Words) -> Option<SoundWish> {
    let title = say!(words, "settings-ring-volume");
    caption(ui, &title);
    let percent = view.settings.ring_volume;
    let name = format!("{title}, {percent} %");
    let wish = widgets::slider(ui, percent.into(), 0..=100, &name)?;
    let wish = u8::try_from(wish).unwrap_or(percent);
    (wish != percent).then_some(SoundWish::RingVolume(wish))
}

fn tones_ui(ui: &mut Ui, view: &SoundView, words: &Words) -> Option<SoundWish> {
    let system = say!(
        words,
        "settings-tones-system",
        country = words.country(view.home.code)
    );
    caption(ui, &say!(words, "settings-tones"));
    country_ui(ui, view.settings.tones.as_deref(), &system, words).map(SoundWish::Tones)
}

/// A choice of whose tones are heard, or of `usual`, which stands for `None`.
pub(super) fn country_ui(
    ui: &mut Ui,
    code: Option<&str>,
    usual: &str,
    words: &Words,
) -> Option<Option<String>> {
    let mut choice = None;
    let chosen = code.and_then(Country::by_code);
    let shown = chosen.map_or_else(|| usual.to_owned(), |country| words.country(country.code));
    let name = say!(words, "a11y-tones", country = shown.clone());
    let response = choice_ui(ui, &shown, &name);
    Popup::menu(&response).show(|ui| {
        egui::ScrollArea::vertical()
            .max_height(320.0)
            .show(ui, |ui| {
                if widgets::menu_item(ui, None, usual, chosen.is_none()).clicked() {
                    choice = Some(None);
                }
                for country in &COUNTRIES {
                    let checked = chosen == Some(country);
                    let text = words.country(country.code);
                    if widgets::menu_item(ui, None, &text, checked).clicked() {
                        choice = Some(Some(country.code.to_owned()));
                    }
                }
            });
        if choice.is_some() {
            ui.close();
        }
    });
    choice
}

fn keys_ui(ui: &mut Ui, view: &SoundView, words: &Words) -> Option<SoundWish> {
    let mut wish = None;
    let (own, far) = (view.settings.key_tones, view.settings.received_key_tones);
    widgets::spaced(ui, 0.0, |ui| {
        if widgets::menu_item(ui, None, &say!(words, "settings-key-tones"), own).clicked() {
            wish = Some(SoundWish::KeyTones(!own));
        }
        let text = say!(words, "settings-key-tones-received");
        if widgets::menu_item(ui, None, &text, far).clicked() {
            wish = Some(SoundWish::ReceivedKeyTones(!far));
        }
    });
    wish
}

fn hold_music_ui(ui: &mut Ui, view: &SoundView, words: &Words) -> Option<SoundWish> {
    let mut wish = None;
    let chosen = view.settings.hold_music.as_str();
    let off = say!(words, "hold-music-off");
    let ours = say!(words, "hold-music-ours");
    let shown = match chosen {
        "off" => off.clone(),
        "built-in" => ours.clone(),
        path => file_name(path),
    };
    caption(ui, &say!(words, "settings-hold-music"));
    let name = say!(words, "a11y-hold-music", music = shown.clone());
    let response = choice_ui(ui, &shown, &name);
    Popup::menu(&response).show(|ui| {
        for (setting, text) in [("built-in", &ours), ("off", &off)] {
            if widgets::menu_item(ui, None, text, chosen == setting).clicked() {
                wish = Some(SoundWish::HoldMusic(setting.to_owned()));
                ui.close();
            }
        }
    });
    let hint = say!(words, "settings-hold-file");
    file_ui(ui, "hold-file", &hint)
        .map(SoundWish::HoldMusic)
        .or(wish)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn every_country_with_tones_has_a_name() {
        let words = Words::new(Language::Portuguese);
        for country in &COUNTRIES {
            assert!(words.country(country.code).len() > 3, "{country}");
        }
        assert_eq!(words.country("BR"), "Brasil");
    }
}
