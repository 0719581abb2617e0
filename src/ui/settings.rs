//! Settings: accounts, devices, language, colours, sounds.

use egui::{Popup, ScrollArea, Sense, Ui, vec2};

use super::clear_speech::clear_speech_ui;
use super::dial::{account_name, state_color};
use super::icons::Icon;
use super::line_settings::line_ui;
use super::message_settings::message_settings_ui;
use super::recording::recording_ui;
use super::secrets::{SecretsForm, secrets_ui};
use super::sounds::sounds_ui;
use super::theme::{Appearance, Palette, Type, radius, size, space};
use super::widgets;
use super::{Ask, Go, loudness};
use crate::agent::AccountId;
use crate::engine::{AudioView, Command, Snapshot};
use crate::i18n::{Language, Words};
use crate::say;

/// What the page draws.
pub(crate) struct SettingsView<'a> {
    /// The phone.
    pub(crate) snapshot: &'a Snapshot,
    /// `None`: as the system.
    pub(crate) language: Option<Language>,
    /// Light, dark or as the system.
    pub(crate) appearance: Appearance,
    /// An account on its way out, already left out of the list.
    pub(crate) leaving: Option<AccountId>,
}

/// Draws the page.
pub(crate) fn settings_ui(
    ui: &mut Ui,
    view: &SettingsView<'_>,
    secrets: &mut SecretsForm,
    words: &Words,
) -> Option<Ask> {
    let mut ask = None;
    widgets::column(ui, |ui| {
        let palette = Palette::of(ui);
        ui.label(Type::HERO.rich(say!(words, "settings-title"), palette.text));
        ui.add_space(space::XXS);
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                section(ui, &say!(words, "settings-accounts"), |ui| {
                    ask = ask.take().or(accounts_ui(ui, view, words));
                });
                section(ui, &say!(words, "settings-passwords"), |ui| {
                    let kept = view.snapshot.secrets;
                    ask = ask.take().or(secrets_ui(ui, secrets, kept, words));
                });
                section(ui, &say!(words, "settings-devices"), |ui| {
                    ask = ask.take().or(devices_ui(ui, &view.snapshot.audio, words));
                    ask = ask.take().or(line_ui(ui, &view.snapshot.line, words));
                });
                let loudness = &view.snapshot.loudness;
                section(ui, &say!(words, "sound-microphone"), |ui| {
                    ask = ask.take().or(loudness::voice_ui(ui, loudness, words));
                });
                section(ui, &say!(words, "voice-title"), |ui| {
                    let voice = view.snapshot.audio.voice;
                    ask = ask.take().or(clear_speech_ui(ui, voice, words));
                });
                section(ui, &say!(words, "sound-speaker"), |ui| {
                    ask = ask.take().or(loudness::hearing_ui(ui, loudness, words));
                });
                section(ui, &say!(words, "settings-sounds"), |ui| {
                    ask = ask.take().or(sounds_ui(ui, &view.snapshot.sounds, words));
                });
                section(ui, &say!(words, "settings-recording"), |ui| {
                    let recording = &view.snapshot.recording;
                    ask = ask.take().or(recording_ui(ui, recording, words));
                });
                section(ui, &say!(words, "messages-title"), |ui| {
                    let settings = view.snapshot.chats.settings;
                    ask = ask.take().or(message_settings_ui(ui, settings, words));
                });
                section(ui, &say!(words, "settings-language"), |ui| {
                    ask = ask.take().or(language_ui(ui, view.language, words));
                });
                section(ui, &say!(words, "settings-theme"), |ui| {
                    ask = ask.take().or(appearance_ui(ui, view.appearance, words));
                });
            });
    });
    ask
}

fn section(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    widgets::heading(ui, title);
    widgets::card(ui, content);
    ui.add_space(space::XS);
}

fn accounts_ui(ui: &mut Ui, view: &SettingsView<'_>, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let mut ask = None;
    let staying = view
        .snapshot
        .accounts
        .iter()
        .filter(|account| Some(account.id) != view.leaving);
    let mut any = false;
    for account in staying {
        any = true;
        let name = account_name(account, words);
        let state = words.account_state(&account.state);
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(size::DOT, size::PILL), Sense::hover());
            widgets::dot(
                ui.painter(),
                rect.center(),
                state_color(&account.state, palette),
            );
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let remove = say!(words, "a11y-remove-account", name = name.clone());
                if widgets::icon_button(ui, Icon::TRASH, &remove, palette.mut_text).clicked() {
                    ask = Some(Ask::Go(Go::RemoveAccount(account.id)));
                }
                let edit = say!(words, "a11y-edit-account", name = name.clone());
                if widgets::icon_button(ui, Icon::PENCIL, &edit, palette.mut_text).clicked() {
                    ask = Some(Ask::Go(Go::EditAccount(account.id)));
                }
                ui.with_layout(egui::Layout::top_down(egui::Align::LEFT), |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    let address = if account.user.is_empty() {
                        name.clone()
                    } else {
                        format!("{}@{}", account.user, account.domain)
                    };
                    let address = Type::STRONG.rich(address, palette.text);
                    ui.add(egui::Label::new(address).truncate());
                    let state = Type::SMALL.rich(state, palette.mut_text);
                    ui.add(egui::Label::new(state).truncate());
                });
            });
        });
        let rules = say!(words, "reception-open", name = name.clone());
        if widgets::text_button(ui, Some(Icon::BELL), &rules).clicked() {
            ask = Some(Ask::Go(Go::EditReception(account.id)));
        }
    }
    if !any {
        ui.label(Type::SMALL.rich(say!(words, "settings-no-accounts"), palette.mut_text));
    }
    let add = say!(words, "account-add");
    if widgets::text_button(ui, Some(Icon::PLUS), &add).clicked() {
        ask = Some(Ask::Go(Go::NewAccount));
    }
    ask
}

fn devices_ui(ui: &mut Ui, audio: &AudioView, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    if audio.inputs.is_empty() && audio.outputs.is_empty() {
        let text = Type::SMALL.rich(say!(words, "settings-no-devices"), palette.text);
        widgets::icon_line(ui, Icon::WARNING_CIRCLE_FILL, palette.warn, text);
        return None;
    }
    let mut ask = None;
    for kind in [Kind::Input, Kind::Output] {
        let (devices, chosen) = kind.of(audio);
        let shown = chosen
            .clone()
            .unwrap_or_else(|| say!(words, "settings-device-default"));
        let title = kind.title(words);
        ui.label(Type::SMALL.rich(&title, palette.mut_text));
        let name = match kind {
            Kind::Input => say!(words, "a11y-microphone-device", device = shown.clone()),
            Kind::Output => say!(words, "a11y-speaker-device", device = shown.clone()),
        };
        let response = choice_ui(ui, &shown, &name);
        Popup::menu(&response).show(|ui| {
            ask = ask
                .take()
                .or(device_items_ui(ui, audio, kind, devices, chosen, words));
        });
    }
    ask.or(ring_device_ui(ui, audio, words))
}

/// Where it rings: where calls are heard, or on a speaker of its own.
fn ring_device_ui(ui: &mut Ui, audio: &AudioView, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let same = say!(words, "settings-ring-device-same");
    let shown = audio.ring.clone().unwrap_or_else(|| same.clone());
    let title = say!(words, "settings-ring-device");
    ui.label(Type::SMALL.rich(title, palette.mut_text));
    let name = say!(words, "a11y-ring-device", device = shown.clone());
    let response = choice_ui(ui, &shown, &name);
    let mut chosen = None;
    Popup::menu(&response).show(|ui| {
        if widgets::menu_item(ui, None, &same, audio.ring.is_none()).clicked() {
            chosen = Some(None);
        }
        for device in &audio.outputs {
            let checked = audio.ring.as_ref() == Some(device);
            if widgets::menu_item(ui, None, device, checked).clicked() {
                chosen = Some(Some(device.clone()));
            }
        }
        if chosen.is_some() {
            ui.close();
        }
    });
    chosen.map(|device| Ask::Send(Command::SelectRingDevice(device)))
}

/// Which of the two devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Input,
    Output,
}

impl Kind {
    fn of(self, audio: &AudioView) -> (&[String], &Option<String>) {
        match self {
            Kind::Input => (&audio.inputs, &audio.input),
            Kind::Output => (&audio.outputs, &audio.output),
        }
    }

    fn title(self, words: &Words) -> String {
        match self {
            Kind::Input => say!(words, "settings-microphone"),
            Kind::Output => say!(words, "settings-speaker"),
        }
    }

    fn select(self, audio: &AudioView, device: Option<String>) -> Ask {
        let (mut input, mut output) = (audio.input.clone(), audio.output.clone());
        match self {
            Kind::Input => input = device,
            Kind::Output => output = device,
        }
        Ask::Send(Command::SelectDevices { input, output })
    }
}

/// Microphones and speakers as a menu, for the button in a call.
pub(crate) fn device_menu_ui(ui: &mut Ui, audio: &AudioView, words: &Words) -> Option<Ask> {
    let mut ask = None;
    for kind in [Kind::Input, Kind::Output] {
        let (devices, chosen) = kind.of(audio);
        widgets::heading(ui, &kind.title(words));
        ask = ask
            .take()
            .or(device_items_ui(ui, audio, kind, devices, chosen, words));
    }
    ask
}

/// Microphones alone as a menu, for one that gives no sound.
pub(crate) fn microphone_menu_ui(ui: &mut Ui, audio: &AudioView, words: &Words) -> Option<Ask> {
    let (devices, chosen) = Kind::Input.of(audio);
    device_items_ui(ui, audio, Kind::Input, devices, chosen, words)
}

fn device_items_ui(
    ui: &mut Ui,
    audio: &AudioView,
    kind: Kind,
    devices: &[String],
    chosen: &Option<String>,
    words: &Words,
) -> Option<Ask> {
    let mut ask = None;
    let default = say!(words, "settings-device-default");
    if widgets::menu_item(ui, None, &default, chosen.is_none()).clicked() {
        ask = Some(kind.select(audio, None));
    }
    for device in devices {
        let checked = chosen.as_ref() == Some(device);
        if widgets::menu_item(ui, None, device, checked).clicked() {
            ask = Some(kind.select(audio, Some(device.clone())));
        }
    }
    if ask.is_some() {
        ui.close();
    }
    ask
}

/// A field that opens a menu.
pub(crate) fn choice_ui(ui: &mut Ui, shown: &str, name: &str) -> egui::Response {
    let palette = Palette::of(ui);
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::PILL + 6.0), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, name));
    widgets::opens_menu(ui, &response, radius::M);
    let text = Type::BODY.line(ui, shown, palette.text, width - space::XL - space::XS);
    let at = egui::pos2(
        rect.left() + space::S,
        rect.center().y - text.size().y / 2.0,
    );
    ui.painter().galley(at, text, palette.text);
    let caret = egui::pos2(rect.right() - space::M, rect.center().y);
    Icon::CARET_DOWN.paint(ui.painter(), caret, 12.0, palette.mut_text);
    response
}

fn language_ui(ui: &mut Ui, chosen: Option<Language>, words: &Words) -> Option<Ask> {
    let mut ask = None;
    let system = Language::of_system().own_name();
    let system = say!(words, "settings-language-system", name = system);
    widgets::spaced(ui, 0.0, |ui| {
        if widgets::menu_item(ui, None, &system, chosen.is_none()).clicked() {
            ask = Some(Ask::Go(Go::Speak(None)));
        }
        for language in Language::ALL {
            let checked = chosen == Some(language);
            if widgets::menu_item(ui, None, language.own_name(), checked).clicked() {
                ask = Some(Ask::Go(Go::Speak(Some(language))));
            }
        }
    });
    ask
}

fn appearance_ui(ui: &mut Ui, chosen: Appearance, words: &Words) -> Option<Ask> {
    let options = Appearance::ALL.map(|appearance| {
        let text = match appearance {
            Appearance::System => say!(words, "settings-theme-system"),
            Appearance::Light => say!(words, "settings-theme-light"),
            Appearance::Dark => say!(words, "settings-theme-dark"),
        };
        (appearance, text)
    });
    widgets::segmented(ui, &options, chosen).map(|appearance| Ask::Go(Go::Look(appearance)))
}
