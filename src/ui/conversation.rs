//! The open conversation: what was written, by whom, how it stands, and the line to write on.

use egui::{Align, Frame, Key, Layout, Margin, ScrollArea, Ui};

use super::icons::Icon;
use super::messages::{MessagesView, party};
use super::theme::{Palette, Type, radius, size, space};
use super::widgets::{self, Beside, Field};
use super::{Action, Ask, Go};
use crate::agent::MessageId;
use crate::engine::{ChatMessage, ChatState, ChatWish, Command, OpenConversation};
use crate::i18n::Words;
use crate::say;

/// The longest message that can be typed, in characters: four bytes each fit what is sent.
const LONGEST: usize = 4_000;
/// The part of the width that a bubble takes at most.
const WIDEST: f32 = 0.82;

/// What the page remembers from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct ConversationDraft {
    /// With whom: a draft for somebody else is not sent to this one.
    peer: String,
    text: String,
    focused: bool,
    /// The last message that was said to be read.
    read: Option<MessageId>,
}

/// Draws the conversation.
pub(crate) fn conversation_ui(
    ui: &mut Ui,
    view: &MessagesView<'_>,
    open: &OpenConversation,
    draft: &mut ConversationDraft,
    words: &Words,
) -> Option<Ask> {
    if draft.peer != open.peer {
        *draft = ConversationDraft {
            peer: open.peer.clone(),
            ..ConversationDraft::default()
        };
    }
    let name = words.party_name(&party(open.name.as_deref(), &open.peer));
    let mut ask = Action::Close.pressed(ui).then_some(close());
    let (body, foot) = widgets::above_foot(ui, size::CONTROL);
    widgets::within(ui, body, |ui| {
        ask = head_ui(ui, open, &name, words).or(ask.take());
        ui.add_space(space::XXS);
        ScrollArea::vertical()
            .id_salt("messages")
            .auto_shrink([false, false])
            .stick_to_bottom(true)
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = space::XS;
                if open.more {
                    let older = say!(words, "messages-older");
                    if widgets::text_button(ui, None, &older).clicked() {
                        ask = Some(Ask::Send(Command::Chat(ChatWish::Older)));
                    }
                }
                for message in &open.messages {
                    if message_ui(ui, view, message, words) {
                        let again = ChatWish::Again(message.id);
                        ask = Some(Ask::Send(Command::Chat(again)));
                    }
                }
                if open.writes {
                    let palette = Palette::of(ui);
                    let line = say!(words, "messages-writes", name = name.clone());
                    ui.label(Type::SMALL.rich(line, palette.accent));
                }
            });
    });
    widgets::within(ui, foot, |ui| {
        ask = field_ui(ui, open, draft, words).or(ask.take());
    });
    ask.or_else(|| read(ui, view, open, draft))
}

fn close() -> Ask {
    Ask::Send(Command::Chat(ChatWish::Open(None)))
}

/// Says that what is on the screen has been read, while somebody looks at it.
fn read(
    ui: &Ui,
    view: &MessagesView<'_>,
    open: &OpenConversation,
    draft: &mut ConversationDraft,
) -> Option<Ask> {
    let mut list = view.chats.conversations.iter();
    let one = list.find(|one| one.account == open.account && one.peer == open.peer)?;
    let looked_at = ui.input(|input| input.viewport().focused) != Some(false);
    if one.unread == 0 || !looked_at || draft.read == Some(one.last.id) {
        return None;
    }
    draft.read = Some(one.last.id);
    Some(Ask::Send(Command::Chat(ChatWish::Read)))
}

fn head_ui(ui: &mut Ui, open: &OpenConversation, name: &str, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let mut ask = None;
    ui.horizontal(|ui| {
        let back = say!(words, "nav-back");
        if widgets::icon_button(ui, Icon::ARROW_LEFT, &back, palette.text).clicked() {
            ask = Some(close());
        }
        let right = Layout::right_to_left(Align::Center);
        ui.with_layout(right, |ui| {
            let call = say!(words, "messages-call", name = name);
            if widgets::icon_button(ui, Icon::PHONE, &call, palette.accent).clicked() {
                ask = Some(Ask::Go(Go::Dial(open.peer.clone())));
            }
            let forget = say!(words, "messages-forget");
            if widgets::icon_button(ui, Icon::TRASH, &forget, palette.mut_text).clicked() {
                let peer = open.peer.clone();
                ask = Some(Ask::Go(Go::ForgetConversation(open.account, peer)));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = Type::TITLE.rich(name, palette.text);
                ui.add(egui::Label::new(title).truncate());
            });
        });
    });
    ask
}

/// Draws one message; answers whether it is to be sent again.
fn message_ui(ui: &mut Ui, view: &MessagesView<'_>, message: &ChatMessage, words: &Words) -> bool {
    let palette = Palette::of(ui);
    let ours = message.state != ChatState::Received;
    let (align, ground) = if ours {
        (Align::Max, palette.accent_soft)
    } else {
        (Align::Min, palette.panel)
    };
    let mut again = false;
    let width = ui.available_width() * WIDEST;
    ui.with_layout(Layout::top_down(align), |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        Frame::NONE
            .fill(ground)
            .stroke(egui::Stroke::new(1.0, palette.line))
            .corner_radius(radius::L)
            .inner_margin(Margin::symmetric(space::S as i8, space::XS as i8))
            .show(ui, |ui| {
                ui.set_max_width(width - 2.0 * space::S);
                let text = Type::BODY.rich(message.text.as_str(), palette.text);
                // Copied with the pointer, as text is anywhere.
                ui.add(egui::Label::new(text).wrap().selectable(true));
            });
        let moment = view.moment(message.at_ms, words);
        let (state, ink) = match &message.state {
            ChatState::Received => (None, palette.mut_text),
            ChatState::Sending => (Some(say!(words, "message-sending")), palette.mut_text),
            ChatState::Waiting(cause) => (Some(words.message_waiting(*cause)), palette.warn),
            ChatState::Delivered => (Some(say!(words, "message-delivered")), palette.mut_text),
            ChatState::Failed { cause, .. } => {
                let why = words.message_failure(*cause, None, None).title;
                (Some(say!(words, "message-failed", why = why)), palette.bad)
            }
        };
        let line = match state {
            Some(state) => format!("{moment} · {state}"),
            None => moment,
        };
        ui.set_max_width(width);
        ui.add(egui::Label::new(Type::CAPTION.rich(line, ink)).wrap());
        if let ChatState::Failed {
            cause,
            status,
            reason,
        } = &message.state
        {
            let told = words.message_failure(*cause, *status, reason.as_deref());
            let text = say!(words, "messages-again");
            let button = widgets::text_button(ui, Some(Icon::ARROW_CLOCKWISE), &text);
            let mut tip: Vec<String> = told.todo.into_iter().collect();
            tip.extend(told.details);
            again = button.on_hover_text(tip.join("\n")).clicked();
        }
    });
    again
}

/// Draws the line to write on; Enter sends it.
fn field_ui(
    ui: &mut Ui,
    open: &OpenConversation,
    draft: &mut ConversationDraft,
    words: &Words,
) -> Option<Ask> {
    let palette = Palette::of(ui);
    let before = draft.text.is_empty();
    let hint = say!(words, "messages-hint");
    let field = Field {
        name: &hint,
        hint: &hint,
        secret: false,
        limit: LONGEST,
    };
    let mut pressed = false;
    let mut send = |ui: &mut Ui, text: &mut String| {
        let name = say!(words, "messages-send");
        let ready = !text.trim().is_empty();
        ui.add_enabled_ui(ready, |ui| {
            let ink = if ready { palette.accent } else { palette.faint };
            let button = widgets::icon_button(ui, Icon::PAPER_PLANE_RIGHT_FILL, &name, ink);
            pressed = button.clicked();
        });
    };
    let beside = Beside {
        icon: None,
        button: Some(&mut send),
    };
    let response = widgets::field(ui, &mut draft.text, &field, beside);
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if !std::mem::replace(&mut draft.focused, true) || entered {
        response.request_focus();
    }
    let (account, to) = (open.account, open.peer.clone());
    if (entered || pressed) && !draft.text.trim().is_empty() {
        let text = std::mem::take(&mut draft.text);
        let text = text.trim().to_owned();
        return Some(chat(ChatWish::Write { account, to, text }));
    }
    let writing = !draft.text.is_empty();
    let changed = response.changed() && (writing || !before);
    changed.then(|| {
        chat(ChatWish::Draft {
            account,
            to,
            writing,
        })
    })
}

fn chat(wish: ChatWish) -> Ask {
    Ask::Send(Command::Chat(wish))
}
