//! Handing a call over and bringing somebody else in: whom, how it goes, and what the far side
//! asks.

use egui::{Key, ScrollArea, Ui};

use super::call::CallPage;
use super::icons::Icon;
use super::theme::{Palette, Type, size, space};
use super::widgets::{self, Beside, Field, Fill};
use super::{Action, Ask, Go};
use crate::agent::{self, TransferProgress};
use crate::engine::{CallPhase, CallView, Command, RecentCall};
use crate::i18n::Words;
use crate::say;

/// The longest text that can be dialled.
const LONGEST_TARGET: usize = 512;
/// Recent numbers that are offered.
const OFFERED: usize = 12;

/// What is done with whom is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    /// Talk first, then hand the call over.
    Consult,
    /// Hand the call over at once.
    Transfer,
    /// Talk with them, too.
    Add,
}

/// The page on which somebody is chosen.
#[derive(Debug)]
pub(crate) struct Pick {
    with: With,
    text: String,
    /// The field has had the focus since the page or its way was opened.
    focused: bool,
}

impl Pick {
    pub(crate) fn new(with: With) -> Pick {
        Pick {
            with,
            text: String::new(),
            focused: false,
        }
    }
}

/// What the page comes to.
pub(crate) enum Picked {
    /// Nothing yet.
    Open,
    /// It closes.
    Close,
    /// It closes, and this is done.
    Do(Ask),
}

/// Draws the page.
pub(crate) fn pick_ui(ui: &mut Ui, page: &CallPage<'_>, pick: &mut Pick, words: &Words) -> Picked {
    let palette = Palette::of(ui);
    let mut picked = Picked::Open;
    if Action::Close.pressed(ui) {
        return Picked::Close;
    }
    let call = page.call;
    let name = words.party_name(&call.remote);
    widgets::column(ui, |ui| {
        let (body, foot) = widgets::above_foot(ui, size::CONTROL);
        let mut entered = false;
        widgets::within(ui, body, |ui| {
            ui.horizontal(|ui| {
                let back = say!(words, "nav-back");
                if widgets::icon_button(ui, Icon::ARROW_LEFT, &back, palette.text).clicked() {
                    picked = Picked::Close;
                }
                let title = match pick.with {
                    With::Consult | With::Transfer => {
                        say!(words, "transfer-title", name = name.clone())
                    }
                    With::Add => say!(words, "conference-add-title"),
                };
                ui.add(egui::Label::new(Type::TITLE.rich(title, palette.text)).truncate());
            });
            ui.add_space(space::XS);
            if pick.with != With::Add {
                let ways = [
                    (With::Consult, say!(words, "transfer-consult")),
                    (With::Transfer, say!(words, "transfer-direct")),
                ];
                if let Some(with) = widgets::segmented(ui, &ways, pick.with) {
                    pick.with = with;
                    // Whoever chose the way goes on with whom.
                    pick.focused = false;
                }
                ui.add_space(space::XXS);
            }
            entered = field_ui(ui, pick, words);
            ui.add_space(space::XXS);
            ScrollArea::vertical()
                .id_salt("whom")
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    if let Some(ask) = offered_ui(ui, page, pick, words) {
                        picked = Picked::Do(ask);
                    }
                    ui.add_space(space::XS);
                    let why = match pick.with {
                        With::Consult => say!(words, "transfer-consult-why", name = name.clone()),
                        With::Transfer => say!(words, "transfer-direct-why", name = name.clone()),
                        With::Add => say!(words, "conference-add-why", name = name.clone()),
                    };
                    let why = Type::SMALL.rich(why, palette.mut_text);
                    widgets::icon_line(ui, Icon::INFO, palette.mut_text, why);
                });
        });
        widgets::within(ui, foot, |ui| {
            let target = pick.text.trim().to_owned();
            let ready = !target.is_empty();
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = space::XS;
                let width = (ui.available_width() - space::XS) / 2.0;
                let cancel = say!(words, "action-cancel");
                if widgets::soft_button(ui, None, &cancel, width).clicked() {
                    picked = Picked::Close;
                }
                let (icon, text) = match pick.with {
                    With::Consult => (Icon::PHONE_FILL, say!(words, "transfer-consult-now")),
                    With::Transfer => (Icon::PHONE_TRANSFER, say!(words, "transfer-now")),
                    With::Add => (Icon::PHONE_FILL, Action::Call.text(words)),
                };
                ui.add_enabled_ui(ready, |ui| {
                    let go = widgets::filled_button(ui, Fill::Accent, Some(icon), &text, width);
                    if ready && (go.clicked() || entered) {
                        picked = Picked::Do(act(call, pick.with, target));
                    }
                });
            });
        });
    });
    picked
}

fn act(call: &CallView, with: With, target: String) -> Ask {
    let call = call.id;
    match with {
        With::Consult => Ask::Go(Go::Consult(call, target)),
        With::Transfer => Ask::Send(Command::Phone(agent::Command::Transfer { call, target })),
        With::Add => Ask::Go(Go::Dial(target)),
    }
}

/// Draws the field; answers whether Enter was pressed in it.
fn field_ui(ui: &mut Ui, pick: &mut Pick, words: &Words) -> bool {
    pick.text.retain(|c| !c.is_control());
    let hint = say!(words, "dial-hint");
    let field = Field {
        name: &hint,
        hint: &hint,
        secret: false,
        limit: LONGEST_TARGET,
    };
    let beside = Beside {
        icon: Some(Icon::MAGNIFYING_GLASS),
        ..Beside::default()
    };
    let response = widgets::field(ui, &mut pick.text, &field, beside);
    if !std::mem::replace(&mut pick.focused, true) {
        response.request_focus();
    }
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

/// Draws whom the call can go to: the others on the line, who get it at once, and who was called
/// of late, to be written into the field.
fn offered_ui(ui: &mut Ui, page: &CallPage<'_>, pick: &mut Pick, words: &Words) -> Option<Ask> {
    let mut ask = None;
    if pick.with != With::Add {
        for other in &page.others {
            let name = words.party_name(&other.remote);
            let label = say!(words, "transfer-to-other", name = name.clone());
            if row_ui(ui, &name, &words.other_line(other, page.now), &label) {
                ask = Some(transfer_to(page.call, other));
            }
        }
    }
    let typed = pick.text.trim().to_lowercase();
    let mut shown = Vec::new();
    for recent in page.recents {
        let (name, target) = (words.party_name(&recent.remote), target_of(recent));
        let number = words.party_number(&recent.remote).unwrap_or_default();
        let found = [&name, &number, &target]
            .iter()
            .any(|text| text.to_lowercase().contains(&typed));
        let known = target == page.call.remote.uri || shown.contains(&target);
        if !found || known || target.is_empty() {
            continue;
        }
        let label = say!(words, "transfer-choose", name = name.clone());
        if row_ui(ui, &name, &number, &label) {
            pick.text.clone_from(&target);
        }
        shown.push(target);
        if shown.len() == OFFERED {
            break;
        }
    }
    ask
}

fn target_of(recent: &RecentCall) -> String {
    if recent.remote.uri.is_empty() {
        recent.remote.user.clone().unwrap_or_default()
    } else {
        recent.remote.uri.clone()
    }
}

fn transfer_to(call: &CallView, other: &CallView) -> Ask {
    let (call, other) = (call.id, other.id);
    Ask::Send(Command::Phone(agent::Command::TransferTo { call, other }))
}

fn row_ui(ui: &mut Ui, name: &str, line: &str, label: &str) -> bool {
    let palette = Palette::of(ui);
    let (rect, response) = widgets::list_row(ui, label);
    if ui.is_rect_visible(rect) {
        let x = rect.left() + size::AVATAR_S / 2.0 + space::XXS;
        let center = egui::pos2(x, rect.center().y);
        widgets::avatar(ui, center, size::AVATAR_S, name, false);
        let left = x + size::AVATAR_S / 2.0 + space::S;
        let room = rect.right() - left - space::S;
        let first = Type::STRONG.line(ui, name, palette.text, room);
        let second = Type::SMALL.line(ui, line, palette.mut_text, room);
        let top = if line.is_empty() {
            rect.center().y - first.size().y / 2.0
        } else {
            rect.center().y - first.size().y + 1.0
        };
        ui.painter()
            .galley(egui::pos2(left, top), first, palette.text);
        let below = egui::pos2(left, rect.center().y + 1.0);
        ui.painter().galley(below, second, palette.mut_text);
    }
    response.clicked()
}

/// Draws what concerns handing over on the page of a call: how a transfer goes, whom the call is
/// made for, and whether the far side may hand us over.
pub(crate) fn notes_ui(ui: &mut Ui, page: &CallPage<'_>, words: &Words) -> Option<Ask> {
    let call = page.call;
    let mut ask = None;
    if call.focus {
        let palette = Palette::of(ui);
        let text = Type::SMALL.rich(say!(words, "call-focus"), palette.text);
        widgets::icon_line(ui, Icon::USERS_THREE, palette.accent, text);
    }
    if let Some(transfer) = &call.transfer {
        progress_ui(ui, &transfer.progress, words);
    }
    if let Some(asked) = &call.handed_to {
        let by = asked.by.as_ref().unwrap_or(&call.remote);
        let title = say!(words, "transfer-asked", name = words.party_name(by));
        let to = words.party_name(&asked.to);
        let number = words.party_number(&asked.to);
        let to = number.map_or(to.clone(), |number| format!("{to} · {number}"));
        let text = say!(words, "transfer-asked-to", to = to);
        let buttons = [
            say!(words, "transfer-asked-stay"),
            say!(words, "transfer-asked-go"),
        ];
        ask = match choice_ui(ui, Icon::PHONE_TRANSFER, (&title, &text), &buttons) {
            Some(true) => Some(agent::Command::AcceptTransfer(call.id)),
            Some(false) => Some(agent::Command::RefuseTransfer(call.id)),
            None => None,
        }
        .map(|command| Ask::Send(Command::Phone(command)));
    }
    let first = call.consults_for.and_then(|first| {
        let mut others = page.others.iter();
        others.find(|other| other.id == first)
    });
    if let Some(first) = first {
        let name = words.party_name(&first.remote);
        let title = say!(words, "transfer-consulting", name = name);
        let text = say!(words, "transfer-consulting-why");
        let buttons = [
            say!(words, "transfer-return"),
            say!(words, "transfer-complete"),
        ];
        ask = match choice_ui(ui, Icon::PHONE_TRANSFER, (&title, &text), &buttons) {
            Some(true) => Some(transfer_to(first, call)),
            Some(false) => Some(Ask::Go(Go::Return(call.id, first.id))),
            None => ask,
        };
    }
    ask
}

fn progress_ui(ui: &mut Ui, progress: &TransferProgress, words: &Words) {
    let palette = Palette::of(ui);
    let (icon, ink) = match progress {
        TransferProgress::Failed { .. } => (Icon::WARNING_CIRCLE_FILL, palette.bad),
        _ => (Icon::PHONE_TRANSFER, palette.accent),
    };
    let text = Type::SMALL_STRONG.rich(words.transfer(progress), palette.text);
    widgets::icon_line(ui, icon, ink, text);
}

/// Draws a card with two buttons; answers whether the second one, the way on, was pressed.
fn choice_ui(
    ui: &mut Ui,
    icon: Icon,
    (title, text): (&str, &str),
    [no, yes]: &[String; 2],
) -> Option<bool> {
    let palette = Palette::of(ui);
    let mut chosen = None;
    widgets::card(ui, |ui| {
        let title = Type::STRONG.rich(title, palette.text);
        widgets::icon_line(ui, icon, palette.accent, title);
        ui.label(Type::SMALL.rich(text, palette.mut_text));
        ui.add_space(space::XXS);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            let width = (ui.available_width() - space::XS) / 2.0;
            if widgets::soft_button(ui, None, no, width).clicked() {
                chosen = Some(false);
            }
            if widgets::filled_button(ui, Fill::Accent, None, yes, width).clicked() {
                chosen = Some(true);
            }
        });
    });
    ui.add_space(space::XXS);
    chosen
}

/// Whether both sit in the same conference.
pub(crate) fn in_conference(call: &CallView, other: &CallView) -> bool {
    call.conference.is_some() && call.conference == other.conference
}

/// Whether two calls can hear each other.
pub(crate) fn can_join(call: &CallView, other: &CallView) -> bool {
    let talks = |call: &CallView| matches!(call.phase, CallPhase::Connected | CallPhase::OnHold(_));
    talks(call) && talks(other) && !in_conference(call, other)
}
