//! Things to type into.

use egui::{Color32, Frame, Margin, Response, Stroke, StrokeKind, TextEdit, Ui};

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

/// Draws a field with room for something before and after the text. The answer is the text's.
pub(crate) fn field(
    ui: &mut Ui,
    text: &mut String,
    field: &Field<'_>,
    before: impl FnOnce(&mut Ui),
    after: impl FnOnce(&mut Ui, &mut String),
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
                before(ui);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    after(ui, text);
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
                        .desired_width(ui.available_width());
                    ui.add(edit).accessible_name(field.name)
                })
                .inner
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
