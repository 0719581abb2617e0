//! Where passwords are kept: the choice, and the passphrase of the file.

use egui::{Key, Ui};
use zeroize::Zeroizing;

use super::Ask;
use super::icons::Icon;
use super::theme::{Palette, Type, space};
use super::widgets::{self, Beside, Field};
use crate::engine::{Command, SecretFault, SecretsView};
use crate::i18n::Words;
use crate::redact::Secret;
use crate::say;
use crate::store::SecretPlace;

/// The longest passphrase, in characters.
const LONGEST: usize = 256;

/// What has been typed. No `Debug`: it holds a passphrase.
#[derive(Default)]
pub(crate) struct SecretsForm {
    passphrase: Zeroizing<String>,
    shown: bool,
    /// The file was chosen and is not in use yet.
    opening: bool,
}

/// Draws the section of the settings.
pub(crate) fn secrets_ui(
    ui: &mut Ui,
    form: &mut SecretsForm,
    view: SecretsView,
    words: &Words,
) -> Option<Ask> {
    let palette = Palette::of(ui);
    let in_use = view.place == SecretPlace::File && !view.locked;
    form.opening &= !in_use;
    let chosen = if form.opening {
        SecretPlace::File
    } else {
        view.place
    };
    let mut ask = None;
    widgets::spaced(ui, 0.0, |ui| {
        for (place, text) in [
            (SecretPlace::Keyring, say!(words, "passwords-keyring")),
            (SecretPlace::File, say!(words, "passwords-file")),
            (SecretPlace::Memory, say!(words, "passwords-memory")),
        ] {
            if widgets::menu_item(ui, None, &text, place == chosen).clicked() {
                form.opening = place == SecretPlace::File && !in_use;
                if place != SecretPlace::File {
                    ask = Some(keep(place, None));
                }
            }
        }
    });
    if form.opening || view.locked {
        ask = ask.or(passphrase_ui(ui, form, view, words));
    }
    if let Some(fault) = view.fault {
        let text = match fault {
            SecretFault::NoKeyring => say!(words, "passwords-no-keyring"),
            SecretFault::WrongPassphrase => say!(words, "passwords-wrong-passphrase"),
            SecretFault::Damaged => say!(words, "passwords-damaged"),
            SecretFault::NotWritten => say!(words, "passwords-not-written"),
        };
        let text = Type::SMALL.rich(text, palette.text);
        widgets::icon_line(ui, Icon::WARNING_CIRCLE_FILL, palette.warn, text);
    }
    ask
}

fn passphrase_ui(
    ui: &mut Ui,
    form: &mut SecretsForm,
    view: SecretsView,
    words: &Words,
) -> Option<Ask> {
    let palette = Palette::of(ui);
    let title = say!(words, "passwords-passphrase");
    ui.label(Type::SMALL.rich(&title, palette.text));
    let shown = &mut form.shown;
    let field = Field {
        name: &title,
        hint: "",
        secret: !*shown,
        limit: LONGEST,
    };
    let mut eye = |ui: &mut Ui, _: &mut String| {
        let (icon, name) = if *shown {
            (Icon::EYE_SLASH, say!(words, "a11y-passphrase-hide"))
        } else {
            (Icon::EYE, say!(words, "a11y-passphrase-show"))
        };
        if widgets::icon_button(ui, icon, &name, palette.mut_text).clicked() {
            *shown = !*shown;
        }
    };
    let beside = Beside {
        button: Some(&mut eye),
        ..Beside::default()
    };
    let response = widgets::field(ui, &mut form.passphrase, &field, beside);
    // What can be undone is kept in egui's memory: a passphrase must not be.
    if let Some(mut state) = egui::TextEdit::load_state(ui.ctx(), response.id) {
        state.clear_undoer();
        state.store(ui.ctx(), response.id);
    }
    ui.add_space(space::XXS);
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let button = if view.locked {
        say!(words, "passwords-unlock")
    } else {
        say!(words, "passwords-keep-in-file")
    };
    let pressed = widgets::text_button(ui, Some(Icon::CHECK), &button).clicked();
    ui.label(Type::SMALL.rich(say!(words, "passwords-passphrase-what"), palette.mut_text));
    if !(entered || pressed) || form.passphrase.is_empty() {
        return None;
    }
    let passphrase = Secret::new(std::mem::take(&mut *form.passphrase));
    form.shown = false;
    Some(keep(SecretPlace::File, Some(passphrase)))
}

fn keep(place: SecretPlace, passphrase: Option<Secret<String>>) -> Ask {
    Ask::Send(Command::KeepPasswords { place, passphrase })
}
