//! Settings of how messages are dealt with.

use egui::Ui;

use super::Ask;
use super::theme::{Palette, Type};
use super::widgets;
use crate::engine::{ChatWish, Command};
use crate::i18n::Words;
use crate::say;
use crate::store::MessageSettings;

/// Draws the section of the settings.
pub(crate) fn message_settings_ui(
    ui: &mut Ui,
    chosen: MessageSettings,
    words: &Words,
) -> Option<Ask> {
    let mut settings = chosen;
    let mut choose = |title: String, options: [String; 2], value: &mut bool| {
        let palette = Palette::of(ui);
        ui.label(Type::SMALL.rich(title.as_str(), palette.mut_text));
        let [yes, no] = options;
        let options = [(true, yes), (false, no)];
        let pressed = ui.push_id(title, |ui| widgets::segmented(ui, &options, *value));
        *value = pressed.inner.unwrap_or(*value);
    };
    choose(
        say!(words, "settings-messages-keep"),
        [
            say!(words, "settings-messages-kept"),
            say!(words, "settings-messages-dropped"),
        ],
        &mut settings.keep,
    );
    choose(
        say!(words, "settings-messages-again"),
        [
            say!(words, "settings-messages-again-day"),
            say!(words, "settings-messages-again-once"),
        ],
        &mut settings.try_again,
    );
    choose(
        say!(words, "settings-messages-typing"),
        [
            say!(words, "settings-messages-typing-told"),
            say!(words, "settings-messages-typing-untold"),
        ],
        &mut settings.tell_typing,
    );
    (settings != chosen).then(|| Ask::Send(Command::Chat(ChatWish::Set(settings))))
}
