//! How loud: the same two sliders in a call and in the settings.

use egui::{Ui, vec2};

use super::Ask;
use super::icons::Icon;
use super::theme::{Palette, size, space};
use super::widgets;
use crate::engine::{Command, Loudness};
use crate::i18n::Words;
use crate::say;

/// The gains that a person can choose, in dB.
const GAIN_DB: std::ops::RangeInclusive<i32> = crate::dsp::gain::GAIN_DB;

/// Asks for another loudness.
pub(crate) fn set(loudness: Loudness) -> Ask {
    Ask::Send(Command::SetLoudness(loudness))
}

/// Draws the slider of the microphone.
pub(crate) fn input_ui(ui: &mut Ui, loudness: Loudness, words: &Words) -> Option<Ask> {
    let value = words.decibels(loudness.input_db);
    let name = say!(words, "a11y-volume-microphone", value = value);
    let input_db = widgets::slider(ui, loudness.input_db, GAIN_DB, &name)?;
    Some(set(Loudness {
        input_db,
        ..loudness
    }))
}

/// Draws the slider of the speaker. Drawing it along makes a muted speaker sound again.
pub(crate) fn output_ui(ui: &mut Ui, loudness: Loudness, words: &Words) -> Option<Ask> {
    let value = words.decibels(loudness.output_db);
    let name = say!(words, "a11y-volume-speaker", value = value);
    let output_db = widgets::slider(ui, loudness.output_db, GAIN_DB, &name)?;
    Some(set(Loudness {
        output_db,
        output_muted: false,
        ..loudness
    }))
}

/// Draws both, for the menu in a call.
pub(crate) fn volume_menu_ui(ui: &mut Ui, loudness: Loudness, words: &Words) -> Option<Ask> {
    let mut ask = None;
    widgets::heading(ui, &say!(words, "volume-title"));
    ui.set_min_width(size::MENU);
    for (icon, draw) in [
        (
            Icon::MICROPHONE,
            input_ui as fn(&mut Ui, Loudness, &Words) -> Option<Ask>,
        ),
        (Icon::SPEAKER, output_ui),
    ] {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            let (rect, _) =
                ui.allocate_exact_size(vec2(size::ICON_S, size::PILL), egui::Sense::hover());
            let ink = Palette::of(ui).mut_text;
            icon.paint(ui.painter(), rect.center(), size::ICON_S, ink);
            ask = ask.take().or(draw(ui, loudness, words));
        });
    }
    let mute = say!(words, "volume-mute-speaker");
    if widgets::menu_item(ui, None, &mute, loudness.output_muted).clicked() {
        ask = Some(set(Loudness {
            output_muted: !loudness.output_muted,
            ..loudness
        }));
    }
    ask
}
