//! Things to press.

use egui::{
    Color32, CornerRadius, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
};
use egui::{Vec2, pos2, vec2};

use super::{announce, control, focus_ring};
use crate::ui::icons::Icon;
use crate::ui::theme::{Palette, Type, radius, size, space};

/// What a large button stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Call, answer, save.
    Accent,
    /// Hang up, decline.
    Bad,
}

/// A large button in a colour, `width` points wide.
pub(crate) fn filled_button(
    ui: &mut Ui,
    fill: Fill,
    icon: Option<Icon>,
    text: &str,
    width: f32,
) -> Response {
    let palette = Palette::of(ui);
    let (ground, ink) = match fill {
        Fill::Accent => (palette.accent, palette.on_accent),
        Fill::Bad => (palette.bad, palette.on_bad),
    };
    large(ui, icon, text, width, ground, ink, Stroke::NONE)
}

/// A large button that does not shout.
pub(crate) fn soft_button(ui: &mut Ui, icon: Option<Icon>, text: &str, width: f32) -> Response {
    let palette = Palette::of(ui);
    large(
        ui,
        icon,
        text,
        width,
        palette.panel,
        palette.text,
        Stroke::new(1.0, palette.line),
    )
}

fn large(
    ui: &mut Ui,
    icon: Option<Icon>,
    text: &str,
    width: f32,
    ground: Color32,
    ink: Color32,
    stroke: Stroke,
) -> Response {
    let (rect, response) = control(ui, vec2(width, size::CONTROL), text);
    if ui.is_rect_visible(rect) {
        let palette = Palette::of(ui);
        let (ground, ink) = match (ui.is_enabled(), stroke.is_empty()) {
            (true, true) => (shade(ground, &response, palette), ink),
            (true, false) => (hover_fill(&response, palette), ink),
            (false, _) => (palette.sub, palette.faint),
        };
        let corner = CornerRadius::same(radius::M);
        ui.painter()
            .rect(rect, corner, ground, stroke, StrokeKind::Inside);
        icon_and_word(ui, rect, icon, text, Type::LEAD_STRONG, ink);
        focus_ring(ui, rect, &response, corner);
    }
    response
}

/// A word that can be pressed, without a ground.
pub(crate) fn text_button(ui: &mut Ui, icon: Option<Icon>, text: &str) -> Response {
    let palette = Palette::of(ui);
    let ink = palette.mut_text;
    let galley = Type::SMALL.line(
        ui,
        text,
        ink,
        ui.available_width() - size::ICON_S - space::L,
    );
    let icon_width = icon.map_or(0.0, |_| size::ICON_S + space::XS);
    let (rect, response) = control(
        ui,
        vec2(galley.size().x + icon_width + space::M, size::PILL),
        text,
    );
    if ui.is_rect_visible(rect) {
        if response.hovered() {
            ui.painter()
                .rect_filled(rect, CornerRadius::same(radius::S), palette.sub);
        }
        icon_and_word(ui, rect, icon, text, Type::SMALL, ink);
        focus_ring(ui, rect, &response, CornerRadius::same(radius::S));
    }
    response
}

/// A small round-ended button with a word, such as the swap between calls.
pub(crate) fn chip_button(ui: &mut Ui, text: &str, name: &str) -> Response {
    let palette = Palette::of(ui);
    let galley = Type::SMALL.line(ui, text, palette.text, f32::INFINITY);
    let (rect, response) = control(ui, vec2(galley.size().x + space::M + 2.0, size::PILL), name);
    if ui.is_rect_visible(rect) {
        let corner = CornerRadius::same(radius::FULL);
        let ground = hover_fill(&response, palette);
        let stroke = Stroke::new(1.0, palette.line);
        ui.painter()
            .rect(rect, corner, ground, stroke, StrokeKind::Inside);
        let at = rect.center() - galley.size() / 2.0;
        ui.painter().galley(at, galley, palette.text);
        focus_ring(ui, rect, &response, corner);
    }
    response
}

/// A line that folds what is below it; wraps where it is long.
pub(crate) fn fold<R>(
    ui: &mut Ui,
    salt: impl std::hash::Hash + std::fmt::Debug,
    text: &str,
    content: impl FnOnce(&mut Ui) -> R,
) -> Option<R> {
    let palette = Palette::of(ui);
    let ink = palette.mut_text;
    let room = ui.available_width() - size::ICON_S - space::XXS;
    let galley = Type::SMALL.paragraph(ui, text, ink, room);
    let height = galley.size().y.max(size::ICON_S) + space::XS;
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let id = ui.scope_id().with(("fold", salt));
    let mut open = ui.data_mut(|data| data.get_temp(id)).unwrap_or(false);
    if response.clicked() {
        open = !open;
        ui.data_mut(|data| data.insert_temp(id, open));
    }
    response.widget_info(|| WidgetInfo::selected(Role::DisclosureTriangle, true, open, text));
    let icon = if open {
        Icon::CARET_DOWN
    } else {
        Icon::CARET_RIGHT
    };
    let first_line = rect.top() + space::XXS + Type::SMALL.size * 0.6;
    let at = pos2(rect.left() + size::ICON_S / 2.0, first_line);
    icon.paint(ui.painter(), at, size::ICON_S - 2.0, ink);
    let at = pos2(
        rect.left() + size::ICON_S + space::XXS,
        rect.top() + space::XXS,
    );
    ui.painter().galley(at, galley, ink);
    focus_ring(ui, rect, &response, CornerRadius::same(radius::S));
    open.then(|| content(ui))
}

/// An icon that can be pressed. `name` says what it does; it is also the tooltip.
pub(crate) fn icon_button(ui: &mut Ui, icon: Icon, name: &str, ink: Color32) -> Response {
    let (rect, response) = control(ui, vec2(size::PILL, size::PILL), name);
    if ui.is_rect_visible(rect) {
        let palette = Palette::of(ui);
        let corner = CornerRadius::same(radius::S);
        if response.hovered() {
            ui.painter().rect_filled(rect, corner, palette.sub);
        }
        icon.paint(ui.painter(), rect.center(), size::ICON, ink);
        focus_ring(ui, rect, &response, corner);
    }
    response.on_hover_text(name)
}

/// An icon in a small round-ended button with a hairline; `name` as in [`icon_button`].
pub(crate) fn icon_chip(ui: &mut Ui, icon: Icon, name: &str, ink: Color32) -> Response {
    let (rect, response) = control(ui, vec2(size::PILL + space::XS, size::PILL), name);
    if ui.is_rect_visible(rect) {
        let palette = Palette::of(ui);
        let corner = CornerRadius::same(radius::FULL);
        let stroke = Stroke::new(1.0, palette.line);
        let ground = hover_fill(&response, palette);
        ui.painter()
            .rect(rect, corner, ground, stroke, StrokeKind::Inside);
        icon.paint(ui.painter(), rect.center(), size::ICON_S, ink);
        focus_ring(ui, rect, &response, corner);
    }
    response.on_hover_text(name)
}

/// A key of the keypad, `room` points wide and high.
pub(crate) fn key(ui: &mut Ui, digit: char, letters: &str, name: &str, room: Vec2) -> Response {
    let (rect, response) = control(ui, room, name);
    let width = room.x;
    if ui.is_rect_visible(rect) {
        let palette = Palette::of(ui);
        let corner = CornerRadius::same(radius::M);
        let ground = hover_fill(&response, palette);
        let stroke = Stroke::new(1.0, palette.line);
        ui.painter()
            .rect(rect, corner, ground, stroke, StrokeKind::Inside);
        let digit = Type::DIGIT.line(ui, &digit.to_string(), palette.text, width);
        // All digits stand on one line, with letters below them or without.
        let at = rect.center() - digit.size() / 2.0 - vec2(0.0, 7.0);
        ui.painter().galley(at, digit, palette.text);
        if !letters.is_empty() {
            let letters = Type::LETTERS.line(ui, letters, palette.mut_text, width);
            let at = pos2(
                rect.center().x - letters.size().x / 2.0,
                rect.center().y + 6.0,
            );
            ui.painter().galley(at, letters, palette.mut_text);
        }
        focus_ring(ui, rect, &response, corner);
    }
    response
}

/// A button of the grid in a call.
pub(crate) struct Tile<'a> {
    /// Its picture.
    pub(crate) icon: Icon,
    /// The word below.
    pub(crate) text: &'a str,
    /// What a screen reader says: what it is, and how it stands.
    pub(crate) name: &'a str,
    /// Whether it is switched on.
    pub(crate) on: bool,
}

/// Draws a tile, `width` points wide.
pub(crate) fn tile(ui: &mut Ui, tile: &Tile<'_>, width: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::TILE), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, tile.on, tile.name));
    if ui.is_rect_visible(rect) {
        let palette = Palette::of(ui);
        let corner = CornerRadius::same(radius::M);
        let (ground, stroke, ink, word) = if tile.on {
            (
                palette.accent_soft,
                palette.accent,
                palette.accent,
                palette.accent,
            )
        } else {
            (
                hover_fill(&response, palette),
                palette.line,
                palette.text,
                palette.mut_text,
            )
        };
        let (ink, word) = if enabled {
            (ink, word)
        } else {
            (palette.faint, palette.faint)
        };
        ui.painter().rect(
            rect,
            corner,
            ground,
            Stroke::new(1.0, stroke),
            StrokeKind::Inside,
        );
        tile.icon.paint(
            ui.painter(),
            rect.center() - vec2(0.0, space::XS + 1.0),
            size::ICON_L,
            ink,
        );
        let galley = Type::CAPTION.line(ui, tile.text, word, width - 2.0);
        let at = pos2(
            rect.center().x - galley.size().x / 2.0,
            rect.center().y + space::XXS + 2.0,
        );
        ui.painter().galley(at, galley, word);
        focus_ring(ui, rect, &response, corner);
    }
    response
}

/// A switch between a few words; answers the one that was pressed.
pub(crate) fn segmented<T: Copy + PartialEq>(
    ui: &mut Ui,
    options: &[(T, String)],
    selected: T,
) -> Option<T> {
    let palette = Palette::of(ui);
    let width = ui.available_width();
    let wanted = vec2(width, size::PILL + space::XS);
    let (outer, whole) = ui.allocate_exact_size(wanted, Sense::hover());
    ui.painter()
        .rect_filled(outer, CornerRadius::same(radius::M), palette.sub);
    let inner = outer.shrink(3.0);
    let each = inner.width() / options.len().max(1) as f32;
    let mut pressed = None;
    for (at, (value, text)) in options.iter().enumerate() {
        let left = pos2(inner.left() + each * at as f32, inner.top());
        let rect = Rect::from_min_size(left, vec2(each, inner.height()));
        let on = *value == selected;
        let response = ui.interact(rect, whole.id.with(("segment", at)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, text));
        let corner = CornerRadius::same(radius::S + 1);
        if on {
            ui.painter().rect_filled(rect, corner, palette.panel);
        }
        let (kind, ink) = if on {
            (Type::SMALL_STRONG, palette.text)
        } else {
            (Type::SMALL, palette.mut_text)
        };
        let galley = kind.line(ui, text, ink, each - space::XS);
        ui.painter()
            .galley(rect.center() - galley.size() / 2.0, galley, ink);
        focus_ring(ui, rect, &response, corner);
        if response.clicked() {
            pressed = Some(*value);
        }
    }
    pressed
}

/// A line of a menu; `checked` shows which one holds.
pub(crate) fn menu_item(ui: &mut Ui, icon: Option<Icon>, text: &str, checked: bool) -> Response {
    let palette = Palette::of(ui);
    let width = ui.available_width().max(size::MENU);
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::PILL + 4.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::MenuItem, true, checked, text));
    if ui.is_rect_visible(rect) {
        let corner = CornerRadius::same(radius::S);
        if response.hovered() {
            ui.painter().rect_filled(rect, corner, palette.sub);
        }
        let icon = if checked { Some(Icon::CHECK) } else { icon };
        if let Some(icon) = icon {
            let ink = if checked {
                palette.accent
            } else {
                palette.mut_text
            };
            let at = pos2(rect.left() + space::S, rect.center().y);
            icon.paint(ui.painter(), at, size::ICON_S, ink);
        }
        let room = width - space::L - space::XS;
        let galley = Type::BODY.line(ui, text, palette.text, room);
        let at = pos2(
            rect.left() + space::L,
            rect.center().y - galley.size().y / 2.0,
        );
        ui.painter().galley(at, galley, palette.text);
        focus_ring(ui, rect, &response, corner);
    }
    response
}

/// A row of a list that can be pressed as a whole. The caller paints into the rectangle.
pub(crate) fn list_row(ui: &mut Ui, name: &str) -> (Rect, Response) {
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::ROW), Sense::click());
    announce(ui, &response, name);
    let corner = CornerRadius::same(radius::M);
    if response.hovered() {
        ui.painter().rect_filled(rect, corner, Palette::of(ui).sub);
    }
    focus_ring(ui, rect, &response, corner);
    (rect, response)
}

/// The ground of a soft control: hairline card at rest, a shade darker under the pointer.
fn hover_fill(response: &Response, palette: &Palette) -> Color32 {
    if response.hovered() || response.is_pointer_button_down_on() {
        palette.sub
    } else {
        palette.panel
    }
}

/// A coloured ground under the pointer moves a little towards the window's text.
fn shade(ground: Color32, response: &Response, palette: &Palette) -> Color32 {
    if response.is_pointer_button_down_on() {
        ground.lerp_to_gamma(palette.text, 0.18)
    } else if response.hovered() {
        ground.lerp_to_gamma(palette.text, 0.08)
    } else {
        ground
    }
}

fn icon_and_word(ui: &Ui, rect: Rect, icon: Option<Icon>, text: &str, kind: Type, ink: Color32) {
    let icon_width = icon.map_or(0.0, |_| size::ICON_S + space::XS);
    let galley = kind.line(ui, text, ink, rect.width() - icon_width - space::XS);
    let left = rect.center().x - (galley.size().x + icon_width) / 2.0;
    if let Some(icon) = icon {
        let at = pos2(left + size::ICON_S / 2.0, rect.center().y);
        icon.paint(ui.painter(), at, size::ICON_S, ink);
    }
    let at = pos2(left + icon_width, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, ink);
}
