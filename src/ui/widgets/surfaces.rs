//! What controls stand on.

use egui::{Color32, CornerRadius, Frame, Margin, Rect, Response, Stroke, StrokeKind, Theme, Ui};

use crate::ui::icons::Icon;
use crate::ui::theme::{Palette, Type, floating, radius, size, space};

/// A card with a hairline.
pub(crate) fn card<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let palette = Palette::of(ui);
    Frame::NONE
        .fill(palette.panel)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(radius::L)
        .inner_margin(Margin::same(space::S as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            content(ui)
        })
        .inner
}

/// A card that floats above the page.
pub(crate) fn floating_card<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let palette = Palette::of(ui);
    let theme = if ui.visuals().dark_mode {
        Theme::Dark
    } else {
        Theme::Light
    };
    Frame::NONE
        .fill(palette.bg)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(radius::XL)
        .shadow(floating(theme))
        .inner_margin(Margin::same(space::M as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            content(ui)
        })
        .inner
}

/// The ground of something that opens a menu: a hairline, the accent while it has the focus.
pub(crate) fn opens_menu(ui: &Ui, response: &Response, corner: u8) {
    let palette = Palette::of(ui);
    let line = if response.has_focus() {
        palette.accent
    } else {
        palette.line
    };
    let ground = if response.hovered() {
        palette.sub
    } else {
        palette.panel
    };
    ui.painter().rect(
        response.rect,
        CornerRadius::same(corner),
        ground,
        Stroke::new(1.0, line),
        StrokeKind::Inside,
    );
}

/// A column in the middle, at most [`size::COLUMN`] wide.
pub(crate) fn column<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let whole = ui.available_rect_before_wrap();
    let width = whole.width().min(size::COLUMN);
    let left = whole.left() + ((whole.width() - width) / 2.0).floor();
    let rect = egui::Rect::from_min_max(
        egui::pos2(left, whole.top()),
        egui::pos2(left + width, whole.bottom()),
    );
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect), content)
        .inner
}

/// Parts the rest of the page into a body and a foot `height` points high that stays in sight.
/// The body is to be drawn first, so that Tab and screen readers go from top to bottom.
pub(crate) fn above_foot(ui: &Ui, height: f32) -> (Rect, Rect) {
    let whole = ui.available_rect_before_wrap();
    let (body, foot) = whole.split_top_bottom_at_y(whole.bottom() - height);
    (body.with_max_y(body.bottom() - space::S), foot)
}

/// Draws into a part of the page.
pub(crate) fn within<R>(ui: &mut Ui, part: Rect, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.scope_builder(egui::UiBuilder::new().max_rect(part), content)
        .inner
}

/// The heading of a list.
pub(crate) fn heading(ui: &mut Ui, text: &str) {
    let palette = Palette::of(ui);
    let text = Type::HEADING
        .rich(text.to_uppercase(), palette.mut_text)
        .extra_letter_spacing(0.6);
    ui.label(text);
}

/// An icon and a sentence beside it that may take several lines.
pub(crate) fn icon_line(ui: &mut Ui, icon: Icon, ink: Color32, text: egui::RichText) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        let (rect, _) =
            ui.allocate_exact_size(egui::vec2(size::ICON, size::ICON), egui::Sense::hover());
        icon.paint(ui.painter(), rect.center(), size::ICON, ink);
        ui.add(egui::Label::new(text).wrap());
    });
}

/// Content with no space of its own between items; the caller adds what it needs.
pub(crate) fn spaced<R>(ui: &mut Ui, between: f32, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(between, between);
        content(ui)
    })
    .inner
}
