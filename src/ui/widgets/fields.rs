//! Things to type into.

use egui::text::{CCursor, CCursorRange};
use egui::{Color32, Context, Frame, Id, Margin, Response, Stroke, StrokeKind, TextEdit, Ui, vec2};

use crate::ui::icons::Icon;
use crate::ui::theme::{Palette, Type, radius, size, space};

/// A line to type into.
pub(crate) struct Field<'a> {
    /// What a screen reader calls it.
    pub(crate) name: &'a str,
    /// What stands in it while it is empty.
    pub(crate) hint: &'a str,
    /// The characters are hidden.
    pub(crate) secret: bool,
    /// The most characters it takes.
    pub(crate) limit: usize,
}

/// What stands in a field beside its text.
#[derive(Default)]
pub(crate) struct Beside<'a> {
    /// A picture before the text.
    pub(crate) icon: Option<Icon>,
    /// Draws a button after the text, [`size::PILL`] wide.
    pub(crate) button: Option<ButtonUi<'a>>,
}

/// Draws the button of a field, and may change the text.
pub(crate) type ButtonUi<'a> = &'a mut dyn FnMut(&mut Ui, &mut String);

/// Draws a field. The answer is the text's.
pub(crate) fn field(
    ui: &mut Ui,
    text: &mut String,
    field: &Field<'_>,
    beside: Beside<'_>,
) -> Response {
    let palette = Palette::of(ui);
    let inner = Frame::NONE
        .fill(palette.panel)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(radius::M)
        .inner_margin(Margin::symmetric(space::S as i8, 0))
        .show(ui, |ui| {
            ui.set_height(size::CONTROL);
            ui.horizontal_centered(|ui| {
                if let Some(icon) = beside.icon {
                    let side = vec2(size::ICON, size::ICON);
                    let (rect, _) = ui.allocate_exact_size(side, egui::Sense::hover());
                    icon.paint(ui.painter(), rect.center(), size::ICON, palette.mut_text);
                }
                // Drawn in the order in which Tab goes: first the text, then its button.
                let room = beside
                    .button
                    .as_ref()
                    .map_or(0.0, |_| size::PILL + ui.spacing().item_spacing.x);
                let hint = Type::LEAD.rich(field.hint, palette.faint);
                let edit = TextEdit::singleline(text)
                    .frame(Frame::NONE)
                    .margin(Margin::ZERO)
                    .align(egui::Align2::LEFT_CENTER)
                    .font(Type::LEAD.font())
                    .text_color(palette.text)
                    .background_color(Color32::TRANSPARENT)
                    .hint_text(hint)
                    .password(field.secret)
                    .char_limit(field.limit)
                    .desired_width(ui.available_width() - room);
                let edit = ui.add(edit).accessible_name(field.name);
                if let Some(button) = beside.button {
                    button(ui, text);
                }
                edit
            })
            .inner
        });
    let (edit, frame) = (inner.inner, inner.response);
    if edit.has_focus() {
        let stroke = Stroke::new(1.5, palette.accent);
        ui.painter()
            .rect_stroke(frame.rect, radius::M, stroke, StrokeKind::Inside);
    }
    edit
}

/// Moves the cursor of a field behind its last character, as after a key that was pressed
/// elsewhere.
pub(crate) fn cursor_to_end(ctx: &Context, field: Id, text: &str) {
    let mut state = TextEdit::load_state(ctx, field).unwrap_or_default();
    let end = CCursor::new(text.chars().count());
    state.cursor.set_char_range(Some(CCursorRange::one(end)));
    state.store(ctx, field);
}
