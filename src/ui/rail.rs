//! The rail on the left: the sections that there are.

use egui::{Frame, Role, Sense, Stroke, Ui, WidgetInfo};

use super::icons::Icon;
use super::messages::badge_ui;
use super::theme::{Palette, radius, size, space};
use super::{Ask, Go};
use crate::engine::{AccountView, Command, ReceptionWish};
use crate::i18n::Words;
use crate::say;

/// Which section is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Keypad, recents, calls.
    Phone,
    /// Conversations.
    Messages,
    /// Those who are watched.
    Team,
    /// Settings and account forms.
    Settings,
}

/// Draws the rail and takes its width off `ui`.
pub(crate) fn rail_ui(
    ui: &mut Ui,
    open: Section,
    unread: u32,
    accounts: &[AccountView],
    words: &Words,
) -> Option<Ask> {
    let palette = Palette::of(ui);
    let mut ask = None;
    let frame = Frame::NONE
        .fill(palette.panel)
        .inner_margin(egui::Margin::symmetric(8, 8));
    egui::Panel::left("rail")
        .exact_size(size::RAIL)
        .resizable(false)
        .frame(frame)
        .show(ui, |ui| {
            let phone = (Icon::PHONE, Icon::PHONE_FILL);
            if section_ui(ui, phone, open == Section::Phone, &say!(words, "nav-phone")) {
                ask = Some(Ask::Go(Go::Phone));
            }
            let chat = (Icon::CHAT_CIRCLE, Icon::CHAT_CIRCLE_FILL);
            let name = if unread == 0 {
                say!(words, "nav-messages")
            } else {
                say!(words, "nav-messages-unread", count = unread)
            };
            let top = ui.cursor().min;
            if section_ui(ui, chat, open == Section::Messages, &name) {
                ask = Some(Ask::Go(Go::Messages));
            }
            if unread > 0 {
                let at = top + egui::vec2(size::RAIL_BUTTON - space::XS, space::XS);
                badge_ui(ui, at, unread);
            }
            let team = (Icon::USERS_THREE, Icon::USERS_THREE);
            if section_ui(ui, team, open == Section::Team, &say!(words, "nav-team")) {
                ask = Some(Ask::Go(Go::Team));
            }
            ui.with_layout(egui::Layout::bottom_up(egui::Align::Center), |ui| {
                let gear = (Icon::GEAR, Icon::GEAR_FILL);
                if section_ui(
                    ui,
                    gear,
                    open == Section::Settings,
                    &say!(words, "nav-settings"),
                ) {
                    ask = Some(Ask::Go(Go::Settings));
                }
                ask = ask.take().or(bell_ui(ui, accounts, words));
            });
        });
    ask
}

/// The bell: whether calls ring at all.
fn bell_ui(ui: &mut Ui, accounts: &[AccountView], words: &Words) -> Option<Ask> {
    let is_off = |account: &AccountView| account.settings.reception.do_not_disturb.on;
    let undisturbed = accounts.iter().any(is_off);
    let palette = Palette::of(ui);
    let side = egui::vec2(size::RAIL_BUTTON, size::RAIL_BUTTON);
    let (rect, response) = ui.allocate_exact_size(side, Sense::click());
    let name = say!(words, "reception-undisturbed");
    response.widget_info(|| WidgetInfo::selected(Role::Switch, true, undisturbed, &name));
    let corner = egui::CornerRadius::same(radius::M);
    if response.hovered() {
        ui.painter().rect_filled(rect, corner, palette.sub);
    }
    let (icon, ink) = if undisturbed {
        (Icon::BELL_SLASH_FILL, palette.warn)
    } else {
        (Icon::BELL, palette.mut_text)
    };
    icon.paint(ui.painter(), rect.center(), size::ICON_L, ink);
    if response.has_focus() {
        let stroke = Stroke::new(2.0, palette.accent);
        ui.painter()
            .rect_stroke(rect, corner, stroke, egui::StrokeKind::Inside);
    }
    let tip = if undisturbed {
        say!(words, "reception-bell-off")
    } else {
        say!(words, "reception-bell-on")
    };
    let wish = ReceptionWish::DoNotDisturb(!undisturbed);
    let pressed = response.on_hover_text(tip).clicked();
    pressed.then_some(Ask::Send(Command::Reception {
        account: None,
        wish,
    }))
}

fn section_ui(ui: &mut Ui, (icon, filled): (Icon, Icon), open: bool, name: &str) -> bool {
    let palette = Palette::of(ui);
    let side = egui::vec2(size::RAIL_BUTTON, size::RAIL_BUTTON);
    let (rect, response) = ui.allocate_exact_size(side, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, open, name));
    let corner = egui::CornerRadius::same(radius::M);
    let (icon, ink) = if open {
        (filled, palette.accent)
    } else {
        (icon, palette.mut_text)
    };
    if open {
        ui.painter().rect_filled(rect, corner, palette.accent_soft);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, corner, palette.sub);
    }
    icon.paint(ui.painter(), rect.center(), size::ICON_L, ink);
    if response.has_focus() {
        let stroke = Stroke::new(2.0, palette.accent);
        ui.painter()
            .rect_stroke(rect, corner, stroke, egui::StrokeKind::Inside);
    }
    response.on_hover_text(name).clicked()
}
