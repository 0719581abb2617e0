//! Days of the week, and from when to when.

use egui::{CornerRadius, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{switch_ui, text_ui};
use crate::i18n::Words;
use crate::say;
use crate::store::TimetableSettings;
use crate::ui::theme::{Palette, Type, radius, size, space};

/// `08:00`
const TIME: usize = 5;

/// Draws a line that is on or off, and the hours below while it is on. `name` is what a screen reader
/// calls the hours.
pub(super) fn hours_ui(
    ui: &mut Ui,
    text: &str,
    name: &str,
    when: &mut Option<TimetableSettings>,
    words: &Words,
) {
    let mut on = when.is_some();
    switch_ui(ui, text, &mut on);
    match (on, when.is_some()) {
        (true, false) => *when = Some(TimetableSettings::default()),
        (false, true) => *when = None,
        _ => {}
    }
    let Some(hours) = when else { return };
    ui.push_id(name, |ui| {
        days_ui(ui, name, &mut hours.days, words);
        let each = (ui.available_width() - space::XS) / 2.0;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            for (title, time) in [
                (say!(words, "reception-from"), &mut hours.from),
                (say!(words, "reception-to"), &mut hours.to),
            ] {
                ui.vertical(|ui| {
                    ui.set_width(each);
                    text_ui(ui, &title, "08:00", TIME, time);
                });
            }
        });
    });
}

fn days_ui(ui: &mut Ui, name: &str, days: &mut Vec<u8>, words: &Words) {
    let palette = Palette::of(ui);
    let width = ui.available_width();
    let (outer, whole) = ui.allocate_exact_size(vec2(width, size::PILL), Sense::hover());
    let each = outer.width() / 7.0;
    for day in 1..=7_u8 {
        let left = outer.left() + each * f32::from(day - 1);
        let rect = Rect::from_min_size(pos2(left, outer.top()), vec2(each, outer.height()));
        let rect = rect.shrink2(vec2(1.5, 0.0));
        let response = ui.interact(rect, whole.id.with(("day", day)), Sense::click());
        let on = days.contains(&day);
        let label = format!("{name}, {}", words.weekday(day));
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, &label));
        let corner = CornerRadius::same(radius::S);
        let (kind, ground, ink) = if on {
            (Type::SMALL_STRONG, palette.accent_soft, palette.text)
        } else {
            (Type::SMALL, palette.sub, palette.mut_text)
        };
        ui.painter().rect_filled(rect, corner, ground);
        let text = kind.line(ui, &words.weekday_letters(day), ink, rect.width());
        ui.painter()
            .galley(rect.center() - text.size() / 2.0, text, ink);
        if response.has_focus() {
            let stroke = egui::Stroke::new(2.0, palette.accent);
            ui.painter()
                .rect_stroke(rect, corner, stroke, egui::StrokeKind::Inside);
        }
        if response.clicked() {
            if on {
                days.retain(|it| *it != day);
            } else {
                days.push(day);
                days.sort_unstable();
            }
        }
    }
}
