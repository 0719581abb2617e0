//! A call that is under way: who, how long, how good, and what can be done.

use std::time::Instant;

use egui::{Popup, PopupCloseBehavior, RichText, ScrollArea, Ui, vec2};

use super::hint::{Hint, hint_ui};
use super::icons::Icon;
use super::keypad::{Hold, keypad_ui};
use super::quality::quality_ui;
use super::recording;
use super::settings;
use super::theme::{Palette, Type, size, space};
use super::transfer::{Pick, Picked, With, can_join, in_conference, notes_ui, pick_ui};
use super::volume::volume_menu_ui;
use super::widgets::{self, Fill, Tile};
use super::{Action, Ask, Go};
use crate::agent::{self, CallId, SecurityGrade, Side};
use crate::engine::{AudioView, CallPhase, CallView, Command, LoudnessView, RecentCall};
use crate::i18n::Words;
use crate::say;

/// What the page draws.
pub(crate) struct CallPage<'a> {
    /// The call in front.
    pub(crate) call: &'a CallView,
    /// The others under way, except those that ring here.
    pub(crate) others: Vec<&'a CallView>,
    /// Those that ring here without a sound.
    pub(crate) waiting: Vec<&'a CallView>,
    /// Devices.
    pub(crate) audio: &'a AudioView,
    /// How loud, and how the microphone fares.
    pub(crate) loudness: &'a LoudnessView,
    /// Calls that are over, newest first.
    pub(crate) recents: &'a [RecentCall],
    /// The moment, on the engine's clock.
    pub(crate) now: Instant,
}

/// What the page keeps between frames.
#[derive(Debug, Default)]
pub(crate) struct CallDraft {
    /// The keypad is open.
    pub(crate) keypad: bool,
    /// Somebody is being chosen.
    pub(crate) pick: Option<Pick>,
}

/// Draws the page.
pub(crate) fn call_ui(
    ui: &mut Ui,
    page: &CallPage<'_>,
    draft: &mut CallDraft,
    words: &Words,
) -> Option<Ask> {
    let call = page.call;
    if let Some(pick) = draft.pick.as_mut().filter(|_| is_connected(call)) {
        let ask = match pick_ui(ui, page, pick, words) {
            Picked::Open => return None,
            Picked::Close => None,
            Picked::Do(ask) => Some(ask),
        };
        draft.pick = None;
        return ask;
    }
    let mut ask = shortcut_ask(ui, page, draft);
    widgets::column(ui, |ui| {
        let (body, foot) = widgets::above_foot(ui, FOOT);
        widgets::within(ui, body, |ui| {
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    ask = ask
                        .take()
                        .or(body_ui(ui, page, draft, body.bottom(), words));
                });
        });
        widgets::within(ui, foot, |ui| {
            let width = ui.available_width();
            let text = Action::HangUp.text(words);
            let icon = Some(Icon::PHONE_DOWN_FILL);
            let button = widgets::filled_button(ui, Fill::Bad, icon, &text, width);
            let tip = Action::HangUp.tooltip(words, ui);
            if button.on_hover_text(tip).clicked() {
                ask = Some(hang_up(call.id));
            }
        });
    });
    ask
}

/// Height of the part of the page that stays in sight: the button that hangs up.
pub(crate) const FOOT: f32 = size::CONTROL;

fn body_ui(
    ui: &mut Ui,
    page: &CallPage<'_>,
    draft: &mut CallDraft,
    bottom: f32,
    words: &Words,
) -> Option<Ask> {
    let call = page.call;
    let mut ask = None;
    for other in &page.others {
        ask = ask
            .take()
            .or(other_call_ui(ui, other, call, page.now, words));
        ui.add_space(space::XS);
    }
    for waiting in &page.waiting {
        ask = ask.take().or(waiting_call_ui(ui, waiting, words));
        ui.add_space(space::XS);
    }
    let compact = draft.keypad && can_send_digits(call);
    ask = ask.take().or(who_ui(ui, page, compact, words));
    ui.add_space(space::XS);
    ask = ask.take().or(notes_ui(ui, page, words));
    if is_connected(call) {
        quality_ui(ui, call, words);
        ui.add_space(space::XXS);
        security_ui(ui, call, words);
    }
    if page.audio.unavailable && is_connected(call) {
        let palette = Palette::of(ui);
        let text = Type::SMALL.rich(say!(words, "call-no-audio"), palette.text);
        widgets::icon_line(ui, Icon::WARNING_CIRCLE_FILL, palette.warn, text);
    }
    ask = ask.take().or(tiles_ui(ui, page, draft, words));
    if draft.keypad && can_send_digits(call) {
        ui.add_space(space::XXS);
        ask = ask.take().or(dtmf_ui(ui, call, bottom, words));
    }
    ask
}

/// Says how the call is protected, where it is.
fn security_ui(ui: &mut Ui, call: &CallView, words: &Words) {
    let Some(said) = words.security(call.security.grade()) else {
        return;
    };
    let palette = Palette::of(ui);
    let ink = if call.security.grade() == SecurityGrade::KeysExposed {
        palette.mut_text
    } else {
        palette.ok
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::XXS;
        widgets::padlock(ui, ink);
        ui.label(Type::SMALL.rich(said.text, palette.mut_text))
            .on_hover_text(said.meaning);
    });
    ui.add_space(space::XXS);
}

fn hang_up(call: CallId) -> Ask {
    Ask::Send(Command::Phone(agent::Command::HangUp(call)))
}

pub(super) fn is_connected(call: &CallView) -> bool {
    matches!(call.phase, CallPhase::Connected | CallPhase::OnHold(_))
}

fn can_send_digits(call: &CallView) -> bool {
    matches!(call.phase, CallPhase::Connected | CallPhase::EarlyMedia)
}

fn set_muted(call: &CallView) -> Ask {
    let muted = !call.muted;
    Ask::Send(Command::Phone(agent::Command::SetMuted {
        call: call.id,
        muted,
    }))
}

fn toggle_hold(call: &CallView) -> Ask {
    Ask::Send(Command::Phone(match call.phase {
        CallPhase::OnHold(Side::Local) => agent::Command::Resume(call.id),
        _ => agent::Command::Hold(call.id),
    }))
}

fn send_digits(call: CallId, digits: String) -> Ask {
    Ask::Send(Command::Phone(agent::Command::SendDtmf { call, digits }))
}

/// Keys that act on the call, and digits typed while no field has the focus.
fn shortcut_ask(ui: &Ui, page: &CallPage<'_>, draft: &mut CallDraft) -> Option<Ask> {
    let call = page.call;
    if Action::HangUp.pressed(ui) {
        return Some(hang_up(call.id));
    }
    if !is_connected(call) && !can_send_digits(call) {
        return None;
    }
    if is_connected(call) && Action::Mute.pressed(ui) {
        return Some(set_muted(call));
    }
    if is_connected(call) && Action::Record.pressed(ui) {
        return Some(recording::toggle(call));
    }
    if is_connected(call) && Action::Hold.pressed(ui) {
        return Some(toggle_hold(call));
    }
    if is_connected(call) && Action::Transfer.pressed(ui) {
        draft.pick = Some(Pick::new(With::Consult));
        return None;
    }
    if is_connected(call) && Action::Conference.pressed(ui) {
        return confer(page, draft);
    }
    if let Some(other) = page.others.first()
        && Action::Swap.pressed(ui)
    {
        return Some(swap(call, other));
    }
    if Action::Keypad.pressed(ui) {
        draft.keypad = !draft.keypad;
    }
    if draft.keypad && !Popup::is_any_open(ui.ctx()) && Action::Close.pressed(ui) {
        draft.keypad = false;
    }
    if !can_send_digits(call) || ui.text_edit_focused() {
        return None;
    }
    let typed: String = ui.input(|input| {
        let texts = input.events.iter().filter_map(|event| match event {
            egui::Event::Text(text) | egui::Event::Paste(text) => Some(text.as_str()),
            _ => None,
        });
        texts
            .flat_map(str::chars)
            .filter(|c| is_dtmf(*c))
            .take(MOST_DIGITS)
            .collect()
    });
    (!typed.is_empty()).then(|| send_digits(call.id, typed))
}

/// As many digits as a command takes.
const MOST_DIGITS: usize = 64;

fn is_dtmf(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '*' | '#')
}

fn other_call_ui(
    ui: &mut Ui,
    other: &CallView,
    front: &CallView,
    now: Instant,
    words: &Words,
) -> Option<Ask> {
    let palette = Palette::of(ui);
    let name = words.party_name(&other.remote);
    let together = in_conference(front, other);
    let mut pressed = false;
    widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let (rect, _) =
                ui.allocate_exact_size(vec2(size::ICON_S, size::ICON_S), egui::Sense::hover());
            let held = matches!(other.phase, CallPhase::OnHold(_));
            let icon = if held { Icon::PAUSE } else { Icon::PHONE };
            icon.paint(ui.painter(), rect.center(), size::ICON_S, palette.mut_text);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                pressed = if together {
                    let label = say!(words, "a11y-split", name = name.clone());
                    widgets::chip_button(ui, &say!(words, "conference-split"), &label)
                        .on_hover_text(say!(words, "conference-split", "tip"))
                        .clicked()
                } else {
                    let label = say!(words, "a11y-swap-to", name = name.clone());
                    widgets::chip_button(ui, &Action::Swap.text(words), &label)
                        .on_hover_text(Action::Swap.tooltip(words, ui))
                        .clicked()
                };
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let status = if together {
                        say!(words, "conference-in")
                    } else {
                        words.other_line(other, now)
                    };
                    let kind = (Type::STRONG, Type::SMALL);
                    let widths = [(kind.0, &name), (kind.1, &status)]
                        .map(|(kind, text)| kind.line(ui, text, palette.text, f32::INFINITY))
                        .map(|line| line.size().x);
                    let fits = widths[0] + space::XXS + widths[1] <= ui.available_width();
                    let layout = if fits {
                        egui::Layout::left_to_right(egui::Align::Center)
                    } else {
                        egui::Layout::top_down(egui::Align::LEFT)
                    };
                    ui.with_layout(layout, |ui| {
                        ui.spacing_mut().item_spacing = vec2(space::XXS, 0.0);
                        let name = kind.0.rich(&name, palette.text);
                        ui.add(egui::Label::new(name).truncate());
                        let status = kind.1.rich(status, palette.mut_text);
                        ui.add(egui::Label::new(status).truncate());
                    });
                });
            });
        });
    });
    pressed.then(|| {
        if together {
            Ask::Send(Command::Split(other.id))
        } else {
            swap(front, other)
        }
    })
}

/// Draws a call that rings here without a sound.
fn waiting_call_ui(ui: &mut Ui, waiting: &CallView, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let name = words.party_name(&waiting.remote);
    let mut answer = false;
    widgets::card(ui, |ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let label = say!(words, "a11y-answer-call", name = name.clone());
            answer = widgets::chip_button(ui, &Action::Answer.text(words), &label)
                .on_hover_text(Action::Answer.tooltip(words, ui))
                .clicked();
            ui.with_layout(egui::Layout::top_down(egui::Align::LEFT), |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                let name = Type::STRONG.rich(&name, palette.text);
                ui.add(egui::Label::new(name).truncate());
                let line = words.call_phase(&waiting.phase).unwrap_or_default();
                ui.label(Type::SMALL.rich(line, palette.mut_text));
            });
        });
    });
    answer.then(|| Ask::Go(Go::Answer(waiting.id)))
}

/// Holds the call in front, if it is talked in, and goes on with another.
fn swap(front: &CallView, other: &CallView) -> Ask {
    let hold = matches!(front.phase, CallPhase::Connected).then_some(front.id);
    Ask::Go(Go::Swap(hold, other.id))
}

/// Has the next of the others hear this call, or lets somebody be called who shall.
fn confer(page: &CallPage<'_>, draft: &mut CallDraft) -> Option<Ask> {
    let call = page.call;
    let mut others = page.others.iter();
    match others.find(|other| can_join(call, other)) {
        Some(other) => Some(Ask::Send(Command::Join {
            call: call.id,
            other: other.id,
        })),
        None => {
            draft.pick = Some(Pick::new(With::Add));
            None
        }
    }
}

/// Draws avatar, name, number and state; without the avatar where room is short, and with a hint
/// in its place while there is one.
fn who_ui(ui: &mut Ui, page: &CallPage<'_>, compact: bool, words: &Words) -> Option<Ask> {
    let call = page.call;
    let mut ask = None;
    let palette = Palette::of(ui);
    let name = words.party_name(&call.remote);
    ui.vertical_centered(|ui| {
        ui.spacing_mut().item_spacing.y = space::XXS;
        if !compact {
            ui.add_space(space::S);
            if let Some(hint) = Hint::of(call, page.loudness, page.audio) {
                ask = hint_ui(ui, hint, page, words);
            } else {
                let side = vec2(size::AVATAR_L, size::AVATAR_L);
                let (rect, _) = ui.allocate_exact_size(side, egui::Sense::hover());
                widgets::avatar(ui, rect.center(), size::AVATAR_L, &name, false);
            }
            ui.add_space(space::XXS);
        }
        ui.add(egui::Label::new(Type::HERO.rich(&name, palette.text)).truncate());
        let known = [
            words.party_number(&call.remote),
            words.diverted_from(&call.origin),
        ];
        let known: Vec<String> = known.into_iter().flatten().collect();
        if !known.is_empty() {
            let known = Type::BODY.rich(known.join(" · "), palette.mut_text);
            ui.add(egui::Label::new(known).truncate());
        }
        ui.label(state_text(call, page.now, palette, words));
        if let Some(phase) = words.call_phase(&call.phase).filter(|_| is_connected(call)) {
            ui.label(Type::SMALL_STRONG.rich(phase, palette.warn));
        }
        if let Some(recording) = &call.recording {
            recording::sign_ui(ui, recording, page.now, words);
        }
        if call.muted && is_connected(call) {
            ui.label(Type::SMALL_STRONG.rich(say!(words, "call-muted"), palette.warn));
        }
    });
    ask
}

fn state_text(call: &CallView, now: Instant, palette: &Palette, words: &Words) -> RichText {
    if is_connected(call) {
        Type::TIMER.rich(words.timer(call.talk_time(now)), palette.text)
    } else {
        Type::LEAD.rich(
            words.call_phase(&call.phase).unwrap_or_default(),
            palette.mut_text,
        )
    }
}

fn tiles_ui(ui: &mut Ui, page: &CallPage<'_>, draft: &mut CallDraft, words: &Words) -> Option<Ask> {
    let call = page.call;
    let mut ask = None;
    let gap = space::XXS;
    let width = (ui.available_width() - 3.0 * gap) / 4.0;
    let held = call.phase == CallPhase::OnHold(Side::Local);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        ui.add_enabled_ui(is_connected(call), |ui| {
            let name = if call.muted {
                say!(words, "a11y-microphone-off")
            } else {
                say!(words, "a11y-microphone-on")
            };
            let text = Action::Mute.text(words);
            let mute = Tile {
                icon: Icon::MICROPHONE_SLASH,
                text: &text,
                name: &name,
                on: call.muted,
            };
            if widgets::tile(ui, &mute, width)
                .on_hover_text(Action::Mute.tooltip(words, ui))
                .clicked()
            {
                ask = Some(set_muted(call));
            }
            let name = if held {
                say!(words, "a11y-hold-on")
            } else {
                say!(words, "a11y-hold-off")
            };
            let text = Action::Hold.text(words);
            let icon = if held { Icon::PLAY } else { Icon::PAUSE };
            let hold = Tile {
                icon,
                text: &text,
                name: &name,
                on: held,
            };
            if widgets::tile(ui, &hold, width)
                .on_hover_text(Action::Hold.tooltip(words, ui))
                .clicked()
            {
                ask = Some(toggle_hold(call));
            }
        });
        ui.add_enabled_ui(can_send_digits(call), |ui| {
            let open = draft.keypad && can_send_digits(call);
            let name = if open {
                say!(words, "a11y-keypad-open")
            } else {
                say!(words, "a11y-keypad-closed")
            };
            let text = Action::Keypad.text(words);
            let keypad = Tile {
                icon: Icon::NUMPAD,
                text: &text,
                name: &name,
                on: open,
            };
            if widgets::tile(ui, &keypad, width)
                .on_hover_text(Action::Keypad.tooltip(words, ui))
                .clicked()
            {
                draft.keypad = !open;
            }
        });
        let device = page.audio.output.clone();
        let device = device.unwrap_or_else(|| say!(words, "settings-device-default"));
        let name = say!(words, "a11y-audio", device = device);
        let text = Action::Audio.text(words);
        let audio = Tile {
            icon: Icon::HEADSET,
            text: &text,
            name: &name,
            on: false,
        };
        let response = widgets::tile(ui, &audio, width);
        // A slider that is let go has not chosen: the menu stays.
        let behaviour = PopupCloseBehavior::CloseOnClickOutside;
        Popup::menu(&response).close_behavior(behaviour).show(|ui| {
            ui.set_max_width(size::TOOLTIP);
            ask = ask
                .take()
                .or(volume_menu_ui(ui, page.loudness.chosen, words))
                .or(settings::device_menu_ui(ui, page.audio, words));
        });
        response.on_hover_text(Action::Audio.tooltip(words, ui));
    });
    // With the keypad open its keys need the room.
    if !(draft.keypad && can_send_digits(call)) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            ui.add_enabled_ui(is_connected(call), |ui| {
                let text = Action::Transfer.text(words);
                let transfer = Tile {
                    icon: Icon::PHONE_TRANSFER,
                    text: &text,
                    name: &say!(words, "a11y-transfer"),
                    on: false,
                };
                if widgets::tile(ui, &transfer, width)
                    .on_hover_text(Action::Transfer.tooltip(words, ui))
                    .clicked()
                {
                    draft.pick = Some(Pick::new(With::Consult));
                }
                let text = Action::Conference.text(words);
                let together = call.conference.is_some();
                let name = if together {
                    say!(words, "a11y-conference-on")
                } else {
                    say!(words, "a11y-conference-off")
                };
                let conference = Tile {
                    icon: Icon::USERS_THREE,
                    text: &text,
                    name: &name,
                    on: together,
                };
                if widgets::tile(ui, &conference, width)
                    .on_hover_text(Action::Conference.tooltip(words, ui))
                    .clicked()
                {
                    ask = ask.take().or(confer(page, draft));
                }
                ask = ask.take().or(recording::tile_ui(ui, call, width, words));
            });
        });
    }
    ask
}

fn dtmf_ui(ui: &mut Ui, call: &CallView, bottom: f32, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    if !call.digits_sent.is_empty() {
        let text = say!(words, "call-digits-sent", digits = call.digits_sent.clone());
        ui.vertical_centered(|ui| {
            ui.add(egui::Label::new(Type::BODY.rich(text, palette.mut_text)).truncate());
        });
    }
    keypad_ui(ui, Hold::Nothing, bottom, words).map(|digit| send_digits(call.id, digit.to_string()))
}
