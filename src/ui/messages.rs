//! The messages page: who was written with last, and somebody new to write to. The conversation
//! itself is in [`super::conversation`].

use egui::{Key, ScrollArea, Ui};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::conversation::{ConversationDraft, conversation_ui};
use super::icons::Icon;
use super::theme::{Palette, Type, size, space};
use super::widgets::{self, Beside, Field, Fill};
use super::{Action, Ask, Go};
use crate::agent::{AccountId, Party};
use crate::engine::{ChatState, ChatWish, ChatsView, Command, ConversationView};
use crate::i18n::Words;
use crate::say;
use crate::sip::Uri;

/// The longest address that can be typed.
const LONGEST_TARGET: usize = 512;
/// Characters of the last message that the list shows.
const SHOWN: usize = 120;

/// What the page is drawn from.
pub(crate) struct MessagesView<'a> {
    pub(crate) chats: &'a ChatsView,
    /// Under which account somebody new is written to.
    pub(crate) account: Option<AccountId>,
    pub(crate) zone: &'a TimeZone,
    pub(crate) unix_secs: u64,
}

impl MessagesView<'_> {
    /// A moment as people say it.
    pub(crate) fn moment(&self, at_ms: u64, words: &Words) -> String {
        let local = |secs: u64| {
            let secs = i64::try_from(secs).unwrap_or(i64::MAX);
            let timestamp = Timestamp::from_second(secs).unwrap_or(Timestamp::MAX);
            timestamp.to_zoned(self.zone.clone()).datetime()
        };
        words.moment(local(at_ms / 1000), local(self.unix_secs))
    }
}

/// What the page remembers from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct MessagesDraft {
    /// To whom somebody new is written, while that is asked.
    to: Option<String>,
    focused: bool,
    conversation: ConversationDraft,
}

impl MessagesDraft {
    /// The page for somebody new.
    pub(crate) fn anew() -> MessagesDraft {
        MessagesDraft {
            to: Some(String::new()),
            ..MessagesDraft::default()
        }
    }
}

/// The other side, to be named.
pub(crate) fn party(name: Option<&str>, peer: &str) -> Party {
    let uri = peer.parse::<Uri>().ok();
    Party {
        display_name: name.map(str::to_owned),
        user: uri.and_then(|uri| uri.user_unescaped()),
        uri: peer.to_owned(),
    }
}

/// Draws the page.
pub(crate) fn messages_ui(
    ui: &mut Ui,
    view: &MessagesView<'_>,
    draft: &mut MessagesDraft,
    words: &Words,
) -> Option<Ask> {
    widgets::column(ui, |ui| {
        if let Some(open) = &view.chats.open {
            if draft.to.take().is_some() {
                draft.conversation = ConversationDraft::default();
            }
            return conversation_ui(ui, view, open, &mut draft.conversation, words);
        }
        match &mut draft.to {
            Some(to) => new_ui(ui, view, to, &mut draft.focused, words),
            None => list_ui(ui, view, words),
        }
    })
}

fn list_ui(ui: &mut Ui, view: &MessagesView<'_>, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let mut ask = Action::Close.pressed(ui).then_some(Ask::Go(Go::Phone));
    ui.horizontal(|ui| {
        ui.label(Type::TITLE.rich(say!(words, "messages-title"), palette.text));
        let right = egui::Layout::right_to_left(egui::Align::Center);
        ui.with_layout(right, |ui| {
            let new = say!(words, "messages-new");
            if widgets::icon_button(ui, Icon::PENCIL, &new, palette.accent).clicked() {
                ask = Some(Ask::Go(Go::NewMessage));
            }
        });
    });
    ui.add_space(space::XS);
    if view.chats.conversations.is_empty() {
        let none = say!(words, "messages-none");
        ui.label(Type::SMALL.rich(none, palette.mut_text));
        return ask;
    }
    ScrollArea::vertical()
        .id_salt("conversations")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            widgets::spaced(ui, 0.0, |ui| {
                for one in &view.chats.conversations {
                    if row_ui(ui, one, view, words) {
                        let open = Some((one.account, one.peer.clone()));
                        ask = Some(Ask::Send(Command::Chat(ChatWish::Open(open))));
                    }
                }
            });
        });
    ask
}

fn row_ui(ui: &mut Ui, one: &ConversationView, view: &MessagesView<'_>, words: &Words) -> bool {
    let palette = Palette::of(ui);
    let name = words.party_name(&party(one.name.as_deref(), &one.peer));
    let line = if one.writes {
        say!(words, "messages-writes", name = name.clone())
    } else {
        let text: String = one.last.text.chars().take(SHOWN).collect();
        let text = text.replace('\n', " ");
        match one.last.state {
            ChatState::Received => text,
            ChatState::Failed { .. } => say!(words, "messages-not-delivered", text = text),
            ChatState::Sending | ChatState::Waiting(_) | ChatState::Delivered => {
                say!(words, "messages-from-you", text = text)
            }
        }
    };
    let moment = view.moment(one.last.at_ms, words);
    let unread = one.unread;
    let label = if unread == 0 {
        say!(
            words,
            "a11y-conversation",
            name = name.clone(),
            moment = moment.clone()
        )
    } else {
        say!(
            words,
            "a11y-conversation-unread",
            name = name.clone(),
            count = unread
        )
    };
    let (rect, response) = widgets::list_row(ui, &label);
    if ui.is_rect_visible(rect) {
        let x = rect.left() + size::AVATAR_S / 2.0 + space::XXS;
        let center = egui::pos2(x, rect.center().y);
        widgets::avatar(ui, center, size::AVATAR_S, &name, false);
        let left = x + size::AVATAR_S / 2.0 + space::S;
        let time = Type::CAPTION.line(ui, &moment, palette.mut_text, 120.0);
        let right = rect.right() - space::XS;
        let room = right - left - time.size().x - space::XS;
        let first = Type::STRONG.line(ui, &name, palette.text, room);
        let top = rect.center().y - first.size().y + 1.0;
        let time_at = egui::pos2(right - time.size().x, top + 2.0);
        ui.painter()
            .galley(egui::pos2(left, top), first, palette.text);
        ui.painter().galley(time_at, time, palette.mut_text);
        let badge = if unread > 0 { size::PILL } else { 0.0 };
        let (kind, ink) = match (&one.last.state, one.writes, unread) {
            (_, true, _) => (Type::SMALL, palette.accent),
            (ChatState::Failed { .. }, ..) => (Type::SMALL, palette.bad),
            (_, _, 0) => (Type::SMALL, palette.mut_text),
            _ => (Type::SMALL_STRONG, palette.text),
        };
        let second = kind.line(ui, &line, ink, right - left - badge);
        let below = egui::pos2(left, rect.center().y + 1.0);
        ui.painter().galley(below, second, ink);
        if unread > 0 {
            let at = egui::pos2(right - space::XS, rect.center().y + space::XS + 2.0);
            badge_ui(ui, at, unread);
        }
    }
    response.clicked()
}

/// Paints how many are unread.
pub(crate) fn badge_ui(ui: &Ui, center: egui::Pos2, count: u32) {
    let palette = Palette::of(ui);
    let text = if count > 99 {
        "99+".to_owned()
    } else {
        count.to_string()
    };
    let galley = Type::CAPTION.line(ui, &text, palette.on_bad, size::PILL);
    let half = egui::vec2((galley.size().x / 2.0 + 4.0).max(8.0), 8.0);
    let rect = egui::Rect::from_center_size(center, half * 2.0);
    ui.painter().rect_filled(rect, 8.0, palette.bad);
    ui.painter()
        .galley(center - galley.size() / 2.0, galley, palette.on_bad);
}

fn new_ui(
    ui: &mut Ui,
    view: &MessagesView<'_>,
    to: &mut String,
    focused: &mut bool,
    words: &Words,
) -> Option<Ask> {
    let palette = Palette::of(ui);
    let mut ask = Action::Close.pressed(ui).then_some(Ask::Go(Go::Messages));
    ui.horizontal(|ui| {
        let back = say!(words, "nav-back");
        if widgets::icon_button(ui, Icon::ARROW_LEFT, &back, palette.text).clicked() {
            ask = Some(Ask::Go(Go::Messages));
        }
        ui.label(Type::TITLE.rich(say!(words, "messages-new"), palette.text));
    });
    ui.add_space(space::XS);
    to.retain(|c| !c.is_control());
    let hint = say!(words, "messages-to");
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
    let response = widgets::field(ui, to, &field, beside);
    if !std::mem::replace(focused, true) {
        response.request_focus();
    }
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    ui.add_space(space::XS);
    let target = to.trim().to_owned();
    let ready = !target.is_empty() && view.account.is_some();
    let width = ui.available_width();
    ui.add_enabled_ui(ready, |ui| {
        let text = say!(words, "messages-begin");
        let go = widgets::filled_button(ui, Fill::Accent, None, &text, width);
        if let Some(account) = view.account
            && ready
            && (go.clicked() || entered)
        {
            let open = Some((account, target));
            ask = Some(Ask::Send(Command::Chat(ChatWish::Open(open))));
        }
    });
    ask
}
