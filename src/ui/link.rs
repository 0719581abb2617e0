//! A link that asked to be dialled: it is never dialled unasked.

use egui::Ui;

use super::icons::Icon;
use super::theme::{Palette, Type, space};
use super::widgets::{self, Fill};
use super::{Action, Ask, Go};
use crate::i18n::Words;
use crate::say;

/// Draws the card; `account` is the name of that through which the call would go.
pub(crate) fn link_ui(
    ui: &mut Ui,
    target: &str,
    account: Option<&str>,
    words: &Words,
) -> Option<Ask> {
    let palette = Palette::of(ui);
    let mut ask = None;
    if Action::Close.pressed(ui) {
        ask = Some(Ask::Go(Go::DropLink));
    }
    widgets::floating_card(ui, |ui| {
        ui.label(Type::STRONG.rich(say!(words, "link-title"), palette.text));
        ui.label(Type::BODY.rich(say!(words, "link-what"), palette.mut_text));
        widgets::card(ui, |ui| {
            let text = Type::LEAD.rich(target, palette.text);
            widgets::icon_line(ui, Icon::PHONE, palette.mut_text, text);
        });
        ui.horizontal(|ui| {
            let width = (ui.available_width() - space::XS) / 2.0;
            let cancel = say!(words, "action-cancel");
            if widgets::soft_button(ui, None, &cancel, width).clicked() {
                ask = Some(Ask::Go(Go::DropLink));
            }
            let call = match account {
                Some(account) => say!(words, "link-call-with", account = account),
                None => Action::Call.text(words),
            };
            ui.add_enabled_ui(account.is_some(), |ui| {
                if widgets::filled_button(ui, Fill::Accent, None, &call, width).clicked() {
                    ask = Some(Ask::Go(Go::Dial(target.to_owned())));
                }
            });
        });
    });
    ask
}
