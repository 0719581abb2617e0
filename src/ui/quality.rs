//! How a call sounds: a word and a picture, its numbers beside it, and all of them on request.

use egui::Ui;
use egui::vec2;

use super::icons::Icon;
use super::theme::{Palette, Type, size, space};
use super::widgets;
use crate::engine::{CallView, Grade, Quality};
use crate::i18n::Words;
use crate::say;
use crate::units::Dbov;

/// Draws the card: how it sounds, how loud both sides are, and the numbers when they are wanted.
pub(crate) fn quality_ui(ui: &mut Ui, call: &CallView, words: &Words) {
    let palette = Palette::of(ui);
    widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            // Room for the longest of the languages.
            ui.spacing_mut().item_spacing.x = space::XXS + 2.0;
            let grade = call.quality.as_ref().map(Quality::grade);
            widgets::signal_bars(ui, grade);
            let end = egui::Layout::right_to_left(egui::Align::Center);
            ui.with_layout(end, |ui| {
                if let Some(codec) = &call.codec {
                    widgets::tag(ui, words.codec(codec.kind));
                }
                let rest = egui::Layout::left_to_right(egui::Align::Center);
                ui.with_layout(rest, |ui| grade_ui(ui, call, grade, words));
            });
        });
        ui.spacing_mut().interact_size.y = size::ICON_S;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            let each = (ui.available_width() - 2.0 * size::ICON_S - 3.0 * space::XS) / 2.0;
            let capture = if call.muted {
                Dbov::SILENCE
            } else {
                call.levels.capture()
            };
            let icon = if call.muted {
                Icon::MICROPHONE_SLASH
            } else {
                Icon::MICROPHONE
            };
            for (icon, level, name) in [
                (icon, capture, say!(words, "a11y-level-microphone")),
                (
                    Icon::SPEAKER,
                    call.levels.playout(),
                    say!(words, "a11y-level-speaker"),
                ),
            ] {
                let (rect, _) =
                    ui.allocate_exact_size(vec2(size::ICON_S, size::ICON_S), egui::Sense::hover());
                icon.paint(ui.painter(), rect.center(), size::ICON_S, palette.mut_text);
                widgets::meter(ui, level, &name, each);
            }
        });
        if let Some(quality) = &call.quality {
            widgets::fold(ui, "quality", &say!(words, "action-details"), |ui| {
                ui.spacing_mut().item_spacing.y = space::XXS / 2.0;
                for (what, value) in words.quality_details(quality) {
                    row_ui(ui, &what, &value);
                }
            });
        }
    });
}

/// One figure: what it is on the left, its value on the right.
fn row_ui(ui: &mut Ui, what: &str, value: &str) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(Type::SMALL.rich(value, palette.text));
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let what = Type::SMALL.rich(what, palette.mut_text);
                ui.add(egui::Label::new(what).truncate());
            });
        });
    });
}

fn grade_ui(ui: &mut Ui, call: &CallView, grade: Option<Grade>, words: &Words) {
    let palette = Palette::of(ui);
    let (Some(quality), Some(grade)) = (&call.quality, grade) else {
        let text = Type::SMALL.rich(say!(words, "quality-measuring"), palette.mut_text);
        ui.add(egui::Label::new(text).truncate());
        return;
    };
    let tip = say!(words, "quality-tip");
    let word = Type::STRONG.rich(words.grade(grade), palette.text);
    ui.label(word).on_hover_text(&tip);
    let numbers = Type::SMALL.rich(words.quality_numbers(quality), palette.mut_text);
    ui.add(egui::Label::new(numbers).truncate())
        .on_hover_text(&tip);
}
