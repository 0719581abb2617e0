//! Somebody calls: a card on the window, and a small window of its own while ours is behind.

use egui::{Ui, ViewportBuilder, ViewportId, pos2, vec2};

use super::icons::Icon;
use super::theme::{Palette, Type, motion, size, space};
use super::widgets::{self, Fill};
use super::{Action, Ask, Go};
use crate::agent;
use crate::engine::{AccountView, CallView, Command};
use crate::i18n::Words;
use crate::say;
use crate::sip::StatusCode;

/// One call that rings here, and what the card says of it.
pub(crate) struct IncomingCard<'a> {
    /// The call.
    pub(crate) call: &'a CallView,
    /// A call is under way, which would have to wait.
    pub(crate) talking: bool,
    /// Whom they called.
    pub(crate) account: Option<&'a AccountView>,
    /// For how many seconds the card has been there: at first it ignores what is pressed.
    pub(crate) shown_for: f64,
}

impl IncomingCard<'_> {
    /// Whether presses count: one that came with the card was meant for what stood there before.
    pub(crate) fn armed(&self) -> bool {
        self.shown_for >= motion::GUARD.as_secs_f64()
    }
}

/// Draws the card.
pub(crate) fn incoming_card_ui(ui: &mut Ui, card: &IncomingCard<'_>, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let name = words.party_name(&card.call.remote);
    let mut ask = None;
    widgets::spaced(ui, space::S, |ui| {
        ui.horizontal(|ui| {
            let (rect, _) =
                ui.allocate_exact_size(vec2(size::AVATAR_M, size::AVATAR_M), egui::Sense::hover());
            widgets::avatar(ui, rect.center(), size::AVATAR_M, &name, false);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let line = match card.account.filter(|account| !account.user.is_empty()) {
                    Some(account) => {
                        let mut called = account.user.clone();
                        if let Some(name) = &account.display_name {
                            called = format!("{called} · {name}");
                        }
                        say!(words, "call-incoming-for", account = called)
                    }
                    None => say!(words, "call-incoming"),
                };
                ui.add(egui::Label::new(Type::SMALL.rich(line, palette.mut_text)).truncate());
                ui.add(egui::Label::new(Type::TITLE.rich(&name, palette.text)).truncate());
                if let Some(number) = words.party_number(&card.call.remote) {
                    let number = Type::SMALL.rich(number, palette.mut_text);
                    ui.add(egui::Label::new(number).truncate());
                }
                if let Some(diverted) = words.diverted_from(&card.call.origin) {
                    let diverted = Type::SMALL.rich(diverted, palette.mut_text);
                    ui.add(egui::Label::new(diverted).truncate());
                }
            });
        });
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            let width = (ui.available_width() - space::XS) / 2.0;
            let decline = Action::Decline.text(words);
            let icon = Some(Icon::PHONE_DOWN_FILL);
            if widgets::filled_button(ui, Fill::Bad, icon, &decline, width)
                .on_hover_text(Action::Decline.tooltip(words, ui))
                .clicked()
            {
                ask = Some(Ask::Send(Command::Phone(agent::Command::Reject {
                    call: card.call.id,
                    status: StatusCode::BUSY_HERE,
                })));
            }
            let answer = Action::Answer.text(words);
            let icon = Some(Icon::PHONE_FILL);
            if widgets::filled_button(ui, Fill::Accent, icon, &answer, width)
                .on_hover_text(Action::Answer.tooltip(words, ui))
                .clicked()
            {
                ask = Some(Ask::Go(Go::Answer(card.call.id)));
            }
        });
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            let quiet = say!(words, "incoming-let-ring");
            if !card.call.silenced
                && widgets::chip_button(ui, &quiet, &quiet)
                    .on_hover_text(say!(words, "incoming-let-ring", "tip"))
                    .clicked()
            {
                ask = Some(Ask::Send(Command::Silence(card.call.id)));
            }
            let instead = say!(words, "incoming-end-other");
            if card.talking
                && widgets::chip_button(ui, &instead, &instead)
                    .on_hover_text(say!(words, "incoming-end-other", "tip"))
                    .clicked()
            {
                ask = Some(Ask::Go(Go::AnswerAndHangUp(card.call.id)));
            }
        });
    });
    ask.filter(|_| card.armed())
}

/// The id of the pop-up's own window.
fn popup_viewport() -> ViewportId {
    ViewportId::from_hash_of("incoming call")
}

/// Shows the card in a small window above all others, which does not take the focus.
///
/// A backend without windows of its own (a test) shows nothing here: the card on the page is
/// enough.
pub(crate) fn incoming_popup_ui(ui: &Ui, card: &IncomingCard<'_>, words: &Words) -> Option<Ask> {
    if ui.embed_viewports() {
        return None;
    }
    let wanted = vec2(size::POPUP_WIDTH, size::POPUP_HEIGHT);
    let mut builder = ViewportBuilder::default()
        .with_title(say!(words, "window-incoming"))
        .with_inner_size(wanted)
        .with_resizable(false)
        .with_decorations(false)
        .with_always_on_top()
        .with_taskbar(false)
        .with_active(false)
        .with_window_type(egui::X11WindowType::Notification);
    if let Some(screen) = ui.input(|input| input.viewport().monitor_size) {
        // Where notifications come: top right, clear of the edge.
        builder = builder.with_position(pos2(screen.x - wanted.x - space::L, space::XL));
    }
    ui.show_viewport_immediate(popup_viewport(), builder, |ui, _class| {
        let palette = Palette::of(ui);
        let frame = egui::Frame::NONE.fill(palette.bg).inner_margin(space::M);
        egui::CentralPanel::no_frame()
            .frame(frame)
            .show(ui, |ui| incoming_card_ui(ui, card, words))
            .inner
    })
}
