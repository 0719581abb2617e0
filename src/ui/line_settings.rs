//! Settings of how sound goes over the network.

use egui::Ui;

use super::Ask;
use super::theme::{Palette, Type};
use super::widgets;
use crate::engine::Command;
use crate::i18n::Words;
use crate::say;
use crate::store::LineSettings;

/// Whether pauses are sent.
pub(crate) fn line_ui(ui: &mut Ui, line: &LineSettings, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    ui.label(Type::SMALL.rich(say!(words, "settings-pauses"), palette.mut_text));
    let options = [
        (false, say!(words, "settings-pauses-sent")),
        (true, say!(words, "settings-pauses-left-out")),
    ];
    // The page has another switch of this kind.
    let pressed = ui.push_id("pauses", |ui| {
        widgets::segmented(ui, &options, line.silence_suppression)
    });
    pressed.inner.map(|silence_suppression| {
        Ask::Send(Command::SetLine(LineSettings {
            silence_suppression,
            ..*line
        }))
    })
}
