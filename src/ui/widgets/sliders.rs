//! Things to draw along.

use std::ops::RangeInclusive;

use egui::accesskit::Action;
use egui::{CornerRadius, EventFilter, Key, Rect, Response, Sense, Ui, WidgetInfo};
use egui::{pos2, vec2};

use super::focus_ring;
use crate::ui::theme::{Palette, radius, size};

/// Draws a slider over the width there is, and answers the value it was drawn to. A double click
/// brings it back to zero. `name` says what it is and how it stands.
pub(crate) fn slider(
    ui: &mut Ui,
    value: i32,
    range: RangeInclusive<i32>,
    name: &str,
) -> Option<i32> {
    let wanted = vec2(ui.available_width(), size::PILL);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click_and_drag());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::slider(enabled, f64::from(value), name));
    let (low, high) = (*range.start(), *range.end());
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(f64::from(low));
        node.set_max_numeric_value(f64::from(high));
        node.set_numeric_value_step(1.0);
        node.add_action(Action::Increment);
        node.add_action(Action::Decrement);
    });
    let rail = rect.shrink2(vec2(size::KNOB / 2.0, 0.0));
    let steps = (high - low).max(1) as f32;
    let x_of = |value: i32| rail.left() + rail.width() * (value - low) as f32 / steps;

    // What was asked for while it is held: once is enough, and the answer takes a moment.
    let asked: Option<i32> = ui.data(|data| data.get_temp(response.id));
    let mut wish = value + keyed(ui, &response);
    if let Some(pointer) = response.interact_pointer_pos() {
        let share = ((pointer.x - rail.left()) / rail.width().max(1.0)).clamp(0.0, 1.0);
        wish = low + (share * steps).round() as i32;
    }
    if response.double_clicked() {
        wish = 0;
    }
    let wish = wish.clamp(low, high);

    if ui.is_rect_visible(rect) {
        let palette = Palette::of(ui);
        let ink = if enabled {
            palette.accent
        } else {
            palette.faint
        };
        let corner = CornerRadius::same(radius::FULL);
        let middle = rect.center().y;
        let part = |from: f32, to: f32| {
            let (from, to) = (from.min(to), from.max(to));
            let half = size::METER / 2.0;
            Rect::from_min_max(pos2(from, middle - half), pos2(to, middle + half))
        };
        let painter = ui.painter();
        painter.rect_filled(part(rail.left(), rail.right()), corner, palette.line);
        let from = x_of(0.clamp(low, high));
        painter.rect_filled(part(from, x_of(wish)), corner, ink);
        if range.contains(&0) {
            painter.circle_filled(pos2(from, middle), size::METER / 2.0, palette.mut_text);
        }
        let knob = pos2(x_of(wish), middle);
        painter.circle_filled(knob, size::KNOB / 2.0, ink);
        painter.circle_filled(knob, size::KNOB / 2.0 - 2.0, palette.panel);
        focus_ring(ui, rect, &response, CornerRadius::same(radius::S));
    }
    let held = response.is_pointer_button_down_on();
    let asks = wish != value && (!held || asked != Some(wish));
    ui.data_mut(|data| {
        if held {
            data.insert_temp(response.id, wish);
        } else {
            data.remove_temp::<i32>(response.id);
        }
    });
    asks.then_some(wish)
}

/// Steps by arrow keys while it has the focus, and by a screen reader.
fn keyed(ui: &Ui, response: &Response) -> i32 {
    let focused = response.has_focus();
    if focused {
        let arrows = EventFilter {
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    }
    ui.input(|input| {
        let mut steps = 0;
        if focused {
            steps += input.num_presses(Key::ArrowRight) as i32;
            steps -= input.num_presses(Key::ArrowLeft) as i32;
        }
        steps += input.num_accesskit_action_requests(response.id, Action::Increment) as i32;
        steps -= input.num_accesskit_action_requests(response.id, Action::Decrement) as i32;
        steps
    })
}
