//! A call that did not go through, in words.

use egui::Ui;

use super::icons::Icon;
use super::theme::{Palette, Type, space};
use super::widgets::{self, Fill};
use super::{Action, Ask, Go};
use crate::agent::{CallEnd, EndCause};
use crate::engine::{CallView, Command, Direction};
use crate::i18n::Words;
use crate::say;

/// Whether a call's end must be read before it goes: anything but an end that somebody meant.
pub(crate) fn must_be_read(end: &CallEnd, direction: Direction) -> bool {
    match end.cause {
        EndCause::HungUp
        | EndCause::Transferred
        | EndCause::Replaced
        | EndCause::Cancelled
        | EndCause::AnsweredElsewhere
        | EndCause::DeclinedElsewhere
        | EndCause::Forwarded
        | EndCause::DoNotDisturb => false,
        EndCause::Declined | EndCause::NoAnswer => direction == Direction::Outgoing,
        EndCause::Busy
        | EndCause::Unavailable
        | EndCause::NotFound
        | EndCause::NoCommonCodec
        | EndCause::NotEncrypted
        | EndCause::WrongPassword
        | EndCause::PasswordNeeded
        | EndCause::WeakDigest
        | EndCause::ForeignServer
        | EndCause::Unencrypted
        | EndCause::Forbidden
        | EndCause::HostNotFound
        | EndCause::Unreachable
        | EndCause::NotSecured
        | EndCause::TimedOut
        | EndCause::NoMedia
        | EndCause::ServerTrouble
        | EndCause::Redirected
        | EndCause::NotAcknowledged
        | EndCause::Refused => true,
    }
}

/// Draws the card.
pub(crate) fn ended_ui(ui: &mut Ui, call: &CallView, end: &CallEnd, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let explanation = words.call_end(end, call.direction);
    let mut ask = None;
    if Action::Close.pressed(ui) {
        ask = Some(Ask::Send(Command::Dismiss(call.id)));
    }
    widgets::floating_card(ui, |ui| {
        let title = Type::TITLE.rich(&explanation.title, palette.text);
        widgets::icon_line(ui, Icon::WARNING_CIRCLE_FILL, palette.bad, title);
        let name = words.party_name(&call.remote);
        let number = words.party_number(&call.remote);
        let who = number.map_or(name.clone(), |number| format!("{name} · {number}"));
        ui.label(Type::SMALL.rich(who, palette.mut_text));
        ui.add_space(space::XXS);
        ui.label(Type::BODY.rich(&explanation.why, palette.text));
        if let Some(todo) = &explanation.todo {
            ui.label(Type::BODY.rich(todo, palette.mut_text));
        }
        widgets::fold(ui, call.id, &say!(words, "action-details"), |ui| {
            if explanation.details.is_empty() {
                ui.label(Type::SMALL.rich(say!(words, "details-none"), palette.mut_text));
            }
            for line in &explanation.details {
                // To be copied into a message to whoever runs the PBX.
                let text = Type::SMALL.rich(line, palette.mut_text);
                ui.add(egui::Label::new(text).wrap().selectable(true));
            }
        });
        ui.add_space(space::XXS);
        ui.horizontal(|ui| {
            let width = (ui.available_width() - space::XS) / 2.0;
            let close = Action::Close.text(words);
            if widgets::soft_button(ui, None, &close, width).clicked() {
                ask = Some(Ask::Send(Command::Dismiss(call.id)));
            }
            let again = say!(words, "action-call-back");
            if widgets::filled_button(ui, Fill::Accent, None, &again, width).clicked() {
                ask = Some(Ask::Go(Go::Dial(call.remote.uri.clone())));
            }
        });
    });
    ask
}
