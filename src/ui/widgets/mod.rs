//! The few controls of which every page is made. Each has an accessible name of its own, paints
//! its icon, and takes its colours and sizes from the theme.

mod buttons;
mod fields;
mod indicators;
mod sliders;
mod surfaces;

pub(crate) use buttons::{
    Fill, Tile, chip_button, filled_button, fold, icon_button, icon_chip, key, list_row, menu_item,
    segmented, soft_button, text_button, tile,
};
pub(crate) use fields::{Beside, Field, cursor_to_end, field};
pub(crate) use indicators::{avatar, dot, meter, padlock, signal_bars, tag};
pub(crate) use sliders::slider;
pub(crate) use surfaces::{
    above_foot, card, column, floating_card, heading, icon_line, opens_menu, spaced, within,
};

use egui::{CornerRadius, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

use super::theme::Palette;

/// Takes room for a control and makes it known to keyboard, pointer and screen readers.
fn control(ui: &mut Ui, size: Vec2, name: &str) -> (Rect, Response) {
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    announce(ui, &response, name);
    (rect, response)
}

fn announce(ui: &Ui, response: &Response, name: &str) {
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
}

/// Paints the ring that shows where the keyboard is.
fn focus_ring(ui: &Ui, rect: Rect, response: &Response, corner: impl Into<CornerRadius>) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, Palette::of(ui).accent);
        ui.painter()
            .rect_stroke(rect.expand(2.0), corner, stroke, StrokeKind::Inside);
    }
}
