//! Things to look at: avatars, dots, bars and meters.

use egui::{Color32, CornerRadius, Painter, Pos2, Rect, Role, Sense, Ui, WidgetInfo};
use egui::{pos2, vec2};

use crate::engine::Grade;
use crate::ui::theme::{Palette, Type, radius, size, space};
use crate::units::Dbov;

/// Up to three characters that stand for a name: first letters of its first and last word, the
/// beginning of an international number, or `#`.
pub(crate) fn initials(name: &str) -> String {
    let name = name.trim();
    if name.starts_with('+') {
        return name
            .chars()
            .take_while(|c| !c.is_whitespace())
            .take(3)
            .collect();
    }
    let letter = |word: &str| word.chars().find(|c| c.is_alphabetic());
    let mut words = name.split_whitespace().filter_map(letter);
    let Some(first) = words.next() else {
        return "#".to_owned();
    };
    let letters = [Some(first), words.next_back()];
    letters
        .into_iter()
        .flatten()
        .flat_map(char::to_uppercase)
        .collect()
}

/// A closed padlock; the words beside it say what it means.
pub(crate) fn padlock(ui: &mut Ui, ink: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(size::ICON_S, size::ICON_S), Sense::hover());
    let (middle, unit) = (rect.center(), size::ICON_S / 16.0);
    let body = Rect::from_min_max(
        middle + vec2(-5.5, -1.5) * unit,
        middle + vec2(5.5, 6.5) * unit,
    );
    let bow = Rect::from_min_max(
        middle + vec2(-3.5, -7.0) * unit,
        middle + vec2(3.5, 2.0) * unit,
    );
    let stroke = egui::Stroke::new(1.5 * unit, ink);
    let round = CornerRadius::same((3.5 * unit) as u8);
    let painter = ui.painter();
    painter.rect_stroke(bow, round, stroke, egui::StrokeKind::Inside);
    painter.rect_filled(body, CornerRadius::same(2), ink);
}

/// A round picture of a name.
pub(crate) fn avatar(ui: &Ui, center: Pos2, diameter: f32, name: &str, missed: bool) {
    let palette = Palette::of(ui);
    let (ground, ink) = if missed {
        (palette.bad_soft, palette.bad)
    } else {
        (palette.accent_soft, palette.accent)
    };
    ui.painter().circle_filled(center, diameter / 2.0, ground);
    let galley = Type::initials(diameter).line(ui, &initials(name), ink, diameter);
    ui.painter()
        .galley(center - galley.size() / 2.0, galley, ink);
}

/// A word on a round-ended ground of its own, such as a codec.
pub(crate) fn tag(ui: &mut Ui, text: &str) {
    let palette = Palette::of(ui);
    egui::Frame::NONE
        .fill(palette.sub)
        .corner_radius(radius::FULL)
        .inner_margin(egui::Margin::symmetric(space::XS as i8, 3))
        .show(ui, |ui| {
            ui.label(Type::SMALL.rich(text, palette.mut_text));
        });
}

/// The dot beside a state's word.
pub(crate) fn dot(painter: &Painter, center: Pos2, color: Color32) {
    painter.circle_filled(center, size::DOT / 2.0, color);
}

/// Four bars, as many of them filled as the quality deserves.
pub(crate) fn signal_bars(ui: &mut Ui, grade: Option<Grade>) {
    let palette = Palette::of(ui);
    let (filled, ink) = match grade {
        Some(Grade::Excellent) => (4, palette.ok),
        Some(Grade::Good) => (3, palette.ok),
        Some(Grade::Poor) => (2, palette.warn),
        Some(Grade::Bad) => (1, palette.bad),
        None => (0, palette.line),
    };
    let (rect, _) = ui.allocate_exact_size(vec2(22.0, 18.0), Sense::hover());
    for bar in 0..4 {
        let height = rect.height() * (0.4 + 0.2 * bar as f32);
        let left = rect.left() + 5.5 * bar as f32;
        let bar_rect = Rect::from_min_max(
            pos2(left, rect.bottom() - height),
            pos2(left + 4.0, rect.bottom()),
        );
        let color = if bar < filled { ink } else { palette.line };
        ui.painter()
            .rect_filled(bar_rect, CornerRadius::same(2), color);
    }
}

/// A level meter, `width` points wide. Its name is announced, its value is not: a value that
/// changes 15 times a second is noise to a screen reader.
pub(crate) fn meter(ui: &mut Ui, level: Dbov, name: &str, width: f32) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::METER), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, name));
    let corner = CornerRadius::same(radius::FULL);
    ui.painter().rect_filled(rect, corner, palette.sub);
    let share = meter_share(level);
    if share > 0.0 {
        let filled = Rect::from_min_size(rect.min, vec2(rect.width() * share, rect.height()));
        ui.painter().rect_filled(filled, corner, palette.ok);
    }
}

/// How much of a meter a level fills: nothing at −60 dBov and below, all of it at 0.
fn meter_share(level: Dbov) -> f32 {
    let share = (level.0 + 60.0) / 60.0;
    if share.is_nan() {
        0.0
    } else {
        share.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_the_first_letters_of_the_first_and_the_last_word() {
        for (name, expected) in [
            ("Padaria Aurora", "PA"),
            ("Ana Lúcia Brandão", "AB"),
            ("Recepção", "R"),
            ("élan vital", "ÉV"),
            ("+55 11 4002-8922", "+55"),
            ("(11) 4002-8922", "#"),
            ("1001", "#"),
            ("", "#"),
            ("  ", "#"),
            ("sip:pbx", "S"),
            ("ß", "SS"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn a_meter_is_empty_in_silence_and_full_at_overload() {
        assert_eq!(meter_share(Dbov::SILENCE), 0.0);
        assert_eq!(meter_share(Dbov(-30.0)), 0.5);
        assert_eq!(meter_share(Dbov(3.0)), 1.0);
        assert_eq!(meter_share(Dbov(f32::NAN)), 0.0);
    }
}
