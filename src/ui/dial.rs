//! The first page: account, field, keypad, recents.

use egui::{Id, Key, Popup, ScrollArea, Sense, Ui, vec2};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::icons::Icon;
use super::keypad::{self, Hold, keypad_ui};
use super::reception::sign_ui;
use super::theme::{Appearance, Palette, Type, radius, size, space};
use super::widgets::{self, Beside, Field, Fill};
use super::{Action, Ask, Go};
use crate::agent::{self, AccountState};
use crate::engine::{AccountView, Command, Direction, RecentCall, Recorded, Snapshot};
use crate::i18n::{Words, calls};
use crate::say;

/// The longest text that can be dialled.
const LONGEST_TARGET: usize = 512;

/// What the page draws besides the snapshot.
pub(crate) struct DialView<'a> {
    /// The phone.
    pub(crate) snapshot: &'a Snapshot,
    /// Through which calls go out.
    pub(crate) account: Option<&'a AccountView>,
    /// For the times of recents.
    pub(crate) zone: &'a TimeZone,
    /// The moment, in seconds since 1970.
    pub(crate) unix_secs: u64,
    /// The moment, on the engine's clock.
    pub(crate) now: std::time::Instant,
}

/// What the page keeps between frames.
#[derive(Debug, Default)]
pub(crate) struct DialDraft {
    /// What stands in the field.
    pub(crate) text: String,
}

/// Draws the page.
pub(crate) fn dial_ui(
    ui: &mut Ui,
    view: &DialView<'_>,
    draft: &mut DialDraft,
    words: &Words,
) -> Option<Ask> {
    let mut ask = top_ui(ui, view, words);
    ui.add_space(space::XXS);
    let whole = ui.available_rect_before_wrap();
    if whole.width() >= size::TWO_COLUMNS {
        let gap = space::L;
        let left = (whole.width() * 0.5).min(size::COLUMN);
        let (a, mut b) = whole.split_left_right_at_x(whole.left() + left);
        b.min.x += gap;
        ui.scope_builder(egui::UiBuilder::new().max_rect(a), |ui| {
            ask = ask.take().or(dialer_ui(ui, view, draft, words));
        });
        ui.scope_builder(egui::UiBuilder::new().max_rect(b), |ui| {
            ask = ask.take().or(recents_ui(ui, view, words));
        });
    } else {
        widgets::column(ui, |ui| {
            ask = ask.take().or(dialer_ui(ui, view, draft, words));
            ui.add_space(space::XXS);
            ask = ask.take().or(recents_ui(ui, view, words));
        });
    }
    ask
}

fn top_ui(ui: &mut Ui, view: &DialView<'_>, words: &Words) -> Option<Ask> {
    let mut ask = None;
    ui.horizontal(|ui| {
        ask = account_pill_ui(ui, view, words);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ask = ask.take().or(theme_switch_ui(ui, words));
        });
    });
    ask = ask.or(mailbox_ui(ui, view, words));
    if let Some(account) = view.account
        && let Some(failure) = words.registration_failure(&account.state, view.now)
    {
        ui.add_space(space::XS);
        widgets::card(ui, |ui| {
            let palette = Palette::of(ui);
            let title = Type::STRONG.rich(&failure.title, palette.text);
            widgets::icon_line(ui, Icon::WARNING_CIRCLE_FILL, palette.bad, title);
            for line in failure.todo.iter().chain(failure.details.last()) {
                ui.label(Type::SMALL.rich(line, palette.mut_text));
            }
            let edit = say!(words, "setup-edit-title");
            if widgets::chip_button(ui, &edit, &edit).clicked() {
                ask = Some(Ask::Go(Go::EditAccount(account.id)));
            }
        });
    }
    let sign = sign_ui(ui, view, words);
    ask.or(sign)
}

/// What waits in the mailbox, and a way to hear it.
fn mailbox_ui(ui: &mut Ui, view: &DialView<'_>, words: &Words) -> Option<Ask> {
    let waiting = |account: &&AccountView| account.mailbox.as_ref().is_some_and(|it| it.waiting);
    let mut accounts = view.account.into_iter().chain(&view.snapshot.accounts);
    let account = accounts.find(waiting)?;
    let mailbox = account.mailbox.as_ref()?;
    let said = words.messages(true, mailbox.new.filter(|new| *new > 0));
    let name = say!(words, "a11y-mailbox", messages = said.as_str());
    // The number that was set, the one that the server names, or one's own.
    let target = account.settings.voicemail.clone();
    let target = target.or_else(|| mailbox.account.clone());
    let target = target.unwrap_or_else(|| account.user.clone());
    widgets::chip_button(ui, &said, &name)
        .clicked()
        .then(|| Ask::Go(Go::CallAs(account.id, target)))
}

/// Colour and word of a state: never the colour alone.
pub(crate) fn state_color(state: &AccountState, palette: &Palette) -> egui::Color32 {
    match state {
        AccountState::Registered { .. } => palette.ok,
        AccountState::Registering => palette.warn,
        AccountState::Failed { .. } => palette.bad,
        AccountState::Direct | AccountState::Unregistered => palette.faint,
    }
}

/// What an account is called in one word: its extension.
pub(crate) fn account_name(account: &AccountView, words: &Words) -> String {
    if account.user.is_empty() || account.state == AccountState::Direct {
        say!(words, "account-direct-name")
    } else {
        account.user.clone()
    }
}

fn account_pill_ui(ui: &mut Ui, view: &DialView<'_>, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let (name, state, color) = match view.account {
        Some(account) => (
            account_name(account, words),
            words.account_state(&account.state),
            state_color(&account.state, palette),
        ),
        None => (String::new(), say!(words, "account-none"), palette.faint),
    };
    let named = Type::SMALL_STRONG.line(ui, &name, palette.text, 110.0);
    let stated = Type::SMALL.line(ui, &state, palette.mut_text, 150.0);
    let name_width = if name.is_empty() {
        0.0
    } else {
        named.size().x + space::XS
    };
    let width = space::L + name_width + stated.size().x + space::L + space::XXS;
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::PILL), Sense::click());
    response.widget_info(|| {
        let label = say!(
            words,
            "a11y-account",
            name = name.clone(),
            state = state.clone()
        );
        egui::WidgetInfo::labeled(egui::Role::Button, true, label)
    });
    widgets::opens_menu(ui, &response, radius::FULL);
    let middle = rect.center().y;
    widgets::dot(
        ui.painter(),
        egui::pos2(rect.left() + space::S, middle),
        color,
    );
    let mut x = rect.left() + space::L - 2.0;
    if !name.is_empty() {
        ui.painter().galley(
            egui::pos2(x, middle - named.size().y / 2.0),
            named.clone(),
            palette.text,
        );
        x += name_width;
    }
    let at = egui::pos2(x, middle - stated.size().y / 2.0);
    ui.painter().galley(at, stated, palette.mut_text);
    let caret = egui::pos2(rect.right() - space::S - 2.0, middle);
    Icon::CARET_DOWN.paint(ui.painter(), caret, 12.0, palette.text);

    let mut ask = None;
    Popup::menu(&response).show(|ui| ask = account_menu_ui(ui, view, words));
    if let Some(account) = view.account {
        response.on_hover_ui(|ui| account_tip_ui(ui, account, view, words));
    }
    ask
}

fn account_tip_ui(ui: &mut Ui, account: &AccountView, view: &DialView<'_>, words: &Words) {
    let palette = Palette::of(ui);
    if !account.user.is_empty() {
        let address = format!("{}@{}", account.user, account.domain);
        ui.label(Type::SMALL_STRONG.rich(address, palette.text));
    }
    match &account.state {
        AccountState::Registered { expires } => {
            let time = words.span(*expires);
            let text = say!(words, "account-expires", time = time);
            ui.label(Type::SMALL.rich(text, palette.mut_text));
        }
        AccountState::Failed { .. } => {
            if let Some(failure) = words.registration_failure(&account.state, view.now) {
                ui.label(Type::SMALL.rich(failure.one_line(), palette.text));
                for line in failure.details {
                    ui.label(Type::SMALL.rich(line, palette.mut_text));
                }
            }
        }
        AccountState::Direct | AccountState::Registering | AccountState::Unregistered => {
            let text = words.account_state(&account.state);
            ui.label(Type::SMALL.rich(text, palette.mut_text));
        }
    }
}

fn account_menu_ui(ui: &mut Ui, view: &DialView<'_>, words: &Words) -> Option<Ask> {
    let mut ask = None;
    let current = view.account.map(|account| account.id);
    for account in &view.snapshot.accounts {
        let state = words.account_state(&account.state);
        let text = format!("{} · {state}", account_name(account, words));
        let checked = current == Some(account.id);
        if widgets::menu_item(ui, None, &text, checked).clicked() {
            ask = Some(Ask::Go(Go::UseAccount(account.id)));
        }
    }
    if let Some(account) = view.account {
        ui.separator();
        match &account.state {
            AccountState::Direct => {}
            AccountState::Failed { .. } | AccountState::Unregistered => {
                let text = say!(words, "account-reconnect");
                if widgets::menu_item(ui, Some(Icon::ARROW_CLOCKWISE), &text, false).clicked() {
                    ask = Some(Ask::Send(Command::Phone(agent::Command::Register(
                        account.id,
                    ))));
                }
            }
            AccountState::Registering | AccountState::Registered { .. } => {
                let text = say!(words, "account-disconnect");
                if widgets::menu_item(ui, Some(Icon::X), &text, false).clicked() {
                    ask = Some(Ask::Send(Command::Phone(agent::Command::Unregister(
                        account.id,
                    ))));
                }
            }
        }
    }
    let add = say!(words, "account-add");
    if widgets::menu_item(ui, Some(Icon::PLUS), &add, false).clicked() {
        ask = Some(Ask::Go(Go::NewAccount));
    }
    let manage = say!(words, "account-manage");
    if widgets::menu_item(ui, Some(Icon::GEAR), &manage, false).clicked() {
        ask = Some(Ask::Go(Go::Settings));
    }
    if ask.is_some() {
        ui.close();
    }
    ask
}

fn theme_switch_ui(ui: &mut Ui, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let dark = ui.visuals().dark_mode;
    let (icon, name, next) = if dark {
        (
            Icon::SUN,
            say!(words, "a11y-theme-light"),
            Appearance::Light,
        )
    } else {
        (Icon::MOON, say!(words, "a11y-theme-dark"), Appearance::Dark)
    };
    let pressed = widgets::icon_chip(ui, icon, &name, palette.text).clicked();
    pressed.then_some(Ask::Go(Go::Look(next)))
}

fn dialer_ui(
    ui: &mut Ui,
    view: &DialView<'_>,
    draft: &mut DialDraft,
    words: &Words,
) -> Option<Ask> {
    // The button that calls is in sight also where a notice takes room above the field.
    let bottom = ui.max_rect().bottom() - size::CONTROL - space::S;
    let (field, mut call) = field_ui(ui, draft, words);
    ui.add_space(space::XXS);
    if let Some(pressed) = keypad_ui(ui, Hold::Plus, bottom, words)
        && draft.text.len() < LONGEST_TARGET
    {
        draft.text.push(pressed);
        widgets::cursor_to_end(ui.ctx(), field, &draft.text);
    }
    ui.add_space(space::XXS);
    let target = draft.text.trim().to_owned();
    let last = last_called(view.snapshot);
    let ready = view.account.is_some() && (!target.is_empty() || last.is_some());
    let width = ui.available_width();
    ui.add_enabled_ui(ready, |ui| {
        let text = Action::Call.text(words);
        let button = widgets::filled_button(ui, Fill::Accent, Some(Icon::PHONE_FILL), &text, width)
            .on_hover_text(Action::Call.tooltip(words, ui));
        call |= button.clicked();
    });
    if !call || !ready {
        return None;
    }
    if target.is_empty() {
        // As on any telephone: call with nothing typed brings back the last number, to look at.
        draft.text = last.unwrap_or_default();
        widgets::cursor_to_end(ui.ctx(), field, &draft.text);
        return None;
    }
    Some(Ask::Go(Go::Dial(target)))
}

/// What was last called from here.
fn last_called(snapshot: &Snapshot) -> Option<String> {
    let outgoing = |recent: &&RecentCall| recent.direction == Direction::Outgoing;
    snapshot.recents.iter().find(outgoing).map(redial_target)
}

/// Draws the field; answers its id, and whether Enter was pressed in it.
fn field_ui(ui: &mut Ui, draft: &mut DialDraft, words: &Words) -> (Id, bool) {
    let palette = Palette::of(ui);
    // Numbers are pasted with line ends and tabs around them.
    draft.text.retain(|c| !c.is_control());
    let hint = say!(words, "dial-hint");
    let field = Field {
        name: &hint,
        hint: &hint,
        secret: false,
        limit: LONGEST_TARGET,
    };
    let mut backspace = |ui: &mut Ui, text: &mut String| {
        let name = say!(words, "action-clear");
        ui.add_enabled_ui(!text.is_empty(), |ui| {
            let ink = if text.is_empty() {
                palette.faint
            } else {
                palette.mut_text
            };
            let tip = say!(words, "action-clear", "tip");
            let clear = widgets::icon_button(ui, Icon::BACKSPACE, &name, ink).on_hover_text(tip);
            if keypad::long_pressed(ui, &clear) {
                text.clear();
            } else if clear.clicked() && !keypad::was_long_press(ui, clear.id) {
                text.pop();
            }
        });
    };
    let beside = Beside {
        icon: Some(Icon::MAGNIFYING_GLASS),
        button: Some(&mut backspace),
    };
    let response = widgets::field(ui, &mut draft.text, &field, beside);
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    // Whoever types means the field, unless they have moved the focus themselves.
    if ui.memory(|memory| memory.focused()).is_none() && !Popup::is_any_open(ui.ctx()) {
        response.request_focus();
    }
    (response.id, entered)
}

fn recents_ui(ui: &mut Ui, view: &DialView<'_>, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    widgets::heading(ui, &say!(words, "dial-recents"));
    if view.snapshot.recents.is_empty() {
        ui.label(Type::SMALL.rich(say!(words, "dial-no-recents"), palette.mut_text));
        return None;
    }
    let mut ask = None;
    ScrollArea::vertical()
        .id_salt("recents")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            widgets::spaced(ui, 0.0, |ui| {
                for recent in &view.snapshot.recents {
                    // Who hides cannot be called back.
                    let pressed = recent_ui(ui, recent, view, words);
                    if pressed && !recent.remote.is_anonymous() {
                        ask = Some(Ask::Go(Go::Dial(redial_target(recent))));
                    }
                }
            });
        });
    ask
}

/// What to call to reach that party again: its number at our server, or else its whole address.
fn redial_target(recent: &RecentCall) -> String {
    if recent.remote.uri.is_empty() {
        recent.remote.user.clone().unwrap_or_default()
    } else {
        recent.remote.uri.clone()
    }
}

fn recent_ui(ui: &mut Ui, recent: &RecentCall, view: &DialView<'_>, words: &Words) -> bool {
    let palette = Palette::of(ui);
    let missed = calls::missed(recent);
    let name = words.party_name(&recent.remote);
    let mut parts = Vec::new();
    if !missed && let Some(number) = words.party_number(&recent.remote) {
        parts.push(number);
    }
    let outcome = words.recent_outcome(recent);
    let moment = moment(recent.began_unix, view, words);
    if recent.end.talked.is_some() {
        parts.extend([moment, outcome]);
    } else {
        parts.extend([outcome, moment]);
    }
    parts.extend(match recent.recorded {
        Some(Recorded::Kept) => Some(say!(words, "recent-recorded")),
        Some(Recorded::Failed(_)) => Some(say!(words, "recent-record-failed")),
        None => None,
    });
    let summary = parts.join(" · ");
    let label = if recent.remote.is_anonymous() {
        format!("{name}, {summary}")
    } else {
        say!(
            words,
            "a11y-recent",
            name = name.clone(),
            summary = summary.clone()
        )
    };
    let (rect, response) = widgets::list_row(ui, &label);
    if ui.is_rect_visible(rect) {
        let center = egui::pos2(
            rect.left() + size::AVATAR_S / 2.0 + space::XXS,
            rect.center().y,
        );
        widgets::avatar(ui, center, size::AVATAR_S, &name, missed);
        let left = center.x + size::AVATAR_S / 2.0 + space::S;
        let room = rect.right() - left - space::XL;
        let ink = if missed { palette.bad } else { palette.text };
        let first = Type::STRONG.line(ui, &name, ink, room);
        ui.painter().galley(
            egui::pos2(left, rect.center().y - first.size().y + 1.0),
            first,
            ink,
        );
        let (icon, color) = match (missed, recent.end.talked, recent.direction) {
            (true, _, _) => (Icon::PHONE_X, palette.bad),
            (false, None, _) => (Icon::PHONE_X, palette.mut_text),
            (false, Some(_), Direction::Incoming) => (Icon::ARROW_DOWN_LEFT, palette.ok),
            (false, Some(_), Direction::Outgoing) => (Icon::ARROW_UP_RIGHT, palette.mut_text),
        };
        let second_y = rect.center().y + 1.0;
        let second = Type::SMALL.line(ui, &summary, palette.mut_text, room - space::M);
        let icon_at = egui::pos2(left + 6.0, second_y + second.size().y / 2.0);
        icon.paint(ui.painter(), icon_at, 12.0, color);
        ui.painter().galley(
            egui::pos2(left + space::M, second_y),
            second,
            palette.mut_text,
        );
        let phone = egui::pos2(rect.right() - space::M, rect.center().y);
        Icon::PHONE.paint(ui.painter(), phone, size::ICON, palette.mut_text);
    }
    response.clicked()
}

fn moment(unix_secs: u64, view: &DialView<'_>, words: &Words) -> String {
    let local = |secs: u64| {
        let secs = i64::try_from(secs).unwrap_or(i64::MAX);
        let timestamp = Timestamp::from_second(secs).unwrap_or(Timestamp::MAX);
        timestamp.to_zoned(view.zone.clone()).datetime()
    };
    words.moment(local(unix_secs), local(view.unix_secs))
}
