//! What a person should know, said at the foot of the window without standing in the way.

use egui::{Align2, Area, Id, Order, Ui, vec2};

use super::Action;
use super::icons::Icon;
use super::theme::{Palette, Type, size, space};
use super::widgets;
use crate::i18n::{Explanation, Words};
use crate::say;

/// What was pressed on a toast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// The cross.
    Close,
    /// The word of its own, if it has one.
    Action,
}

/// Draws a toast above the page and above the `foot` points at its end that must stay free;
/// `action` is a word that undoes what it tells of.
pub(crate) fn toast_ui(
    ui: &Ui,
    foot: f32,
    explanation: &Explanation,
    action: Option<&str>,
    words: &Words,
) -> Option<Pressed> {
    let mut pressed = None;
    let page = ui.max_rect();
    let width = page.width().min(size::COLUMN);
    Area::new(Id::unique("toast"))
        .order(Order::Foreground)
        .pivot(Align2::CENTER_BOTTOM)
        .fixed_pos(page.center_bottom() - vec2(0.0, foot))
        .show(ui, |ui| {
            ui.set_width(width);
            let palette = Palette::of(ui);
            widgets::floating_card(ui, |ui| {
                ui.horizontal_top(|ui| {
                    let text_width = ui.available_width() - size::PILL - space::XS;
                    ui.vertical(|ui| {
                        ui.set_width(text_width);
                        let title = Type::STRONG.rich(&explanation.title, palette.text);
                        widgets::icon_line(ui, Icon::INFO, palette.warn, title);
                        if let Some(todo) = &explanation.todo {
                            ui.label(Type::SMALL.rich(todo, palette.mut_text));
                        }
                        if let Some(action) = action
                            && widgets::chip_button(ui, action, action).clicked()
                        {
                            pressed = Some(Pressed::Action);
                        }
                    });
                    let name = say!(words, "a11y-close-notice");
                    let cross = widgets::icon_button(ui, Icon::X, &name, palette.mut_text);
                    // Esc is for the page first, if something there is to be closed.
                    if cross.clicked() || Action::Close.pressed(ui) {
                        pressed = Some(Pressed::Close);
                    }
                });
            });
        });
    pressed
}
