//! Whom the accounts watch: a lamp for each, by which they are called, or their calls picked up.

use egui::{CornerRadius, Key, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo};
use egui::{pos2, vec2};

use super::icons::Icon;
use super::theme::{Palette, Type, radius, size, space};
use super::widgets::{self, Beside, Field};
use super::{Ask, Go};
use crate::agent::{self, Availability};
use crate::engine::{AccountView, CallView, Command, Snapshot, TeamView};
use crate::events::dialog_info::Lamp;
use crate::i18n::Words;
use crate::say;
use crate::store::WatchedSettings;

/// From so many lamps on there is a field to find one by.
const FIND_FROM: usize = 9;
/// A lamp's tile is at least this wide.
const NARROWEST: f32 = 128.0;
/// Longest name and number.
const LONGEST: usize = 128;

/// What the page draws.
pub(crate) struct TeamPage<'a> {
    /// The phone.
    pub(crate) snapshot: &'a Snapshot,
    /// Whose list is changed.
    pub(crate) account: Option<&'a AccountView>,
    /// The call that is talked in, which can be parked.
    pub(crate) talking: Option<&'a CallView>,
}

/// What the page keeps between frames.
#[derive(Debug, Default)]
pub(crate) struct TeamDraft {
    /// Whom is looked for.
    find: String,
    /// The list is being changed.
    changing: bool,
    number: String,
    name: String,
    park: bool,
}

/// Draws the page.
pub(crate) fn team_ui(
    ui: &mut Ui,
    page: &TeamPage<'_>,
    draft: &mut TeamDraft,
    words: &Words,
) -> Option<Ask> {
    let mut ask = None;
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.label(Type::HERO.rich(say!(words, "team-title"), palette.text));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if page.account.is_some() {
                let (icon, name) = if draft.changing {
                    (Icon::CHECK, say!(words, "team-changed"))
                } else {
                    (Icon::PENCIL, say!(words, "team-change"))
                };
                if widgets::icon_button(ui, icon, &name, palette.mut_text).clicked() {
                    draft.changing = !draft.changing;
                }
            }
        });
    });
    let publishes = |account: &AccountView| account.settings.publish_presence;
    if page.snapshot.accounts.iter().any(publishes) {
        ask = availability_ui(ui, page.snapshot.availability, words);
        ui.add_space(space::XXS);
    }
    let account = page.account.filter(|_| draft.changing);
    let change = match account {
        Some(account) => change_ui(ui, account, draft, words),
        None => lamps_ui(ui, page, draft, words),
    };
    ask.or(change)
}

fn availability_ui(ui: &mut Ui, chosen: Availability, words: &Words) -> Option<Ask> {
    let options = [
        Availability::Available,
        Availability::Busy,
        Availability::Away,
    ]
    .map(|availability| (availability, words.availability(availability)));
    let pressed = widgets::segmented(ui, &options, chosen);
    pressed.map(|availability| Ask::Send(Command::SetAvailability(availability)))
}

fn lamps_ui(ui: &mut Ui, page: &TeamPage<'_>, draft: &mut TeamDraft, words: &Words) -> Option<Ask> {
    let palette = Palette::of(ui);
    let team = &page.snapshot.team;
    if team.is_empty() {
        ui.label(Type::BODY.rich(say!(words, "team-empty"), palette.mut_text));
        return None;
    }
    if team.len() >= FIND_FROM {
        let hint = say!(words, "team-find");
        let icon = Some(Icon::MAGNIFYING_GLASS);
        text_ui(ui, &mut draft.find, &hint, icon);
    } else {
        draft.find.clear();
    }
    let wanted = draft.find.trim().to_lowercase();
    let shown: Vec<&TeamView> = team
        .iter()
        .filter(|member| {
            let name = member.name.as_deref().unwrap_or_default();
            name.to_lowercase().contains(&wanted) || member.number.to_lowercase().contains(&wanted)
        })
        .collect();
    if shown.is_empty() {
        ui.label(Type::BODY.rich(say!(words, "team-nobody"), palette.mut_text));
    }
    let gap = space::XS;
    let columns = ((ui.available_width() + gap) / (NARROWEST + gap)).max(1.0) as usize;
    let width = (ui.available_width() - gap * (columns - 1) as f32) / columns as f32;
    ui.spacing_mut().item_spacing = vec2(gap, gap);
    let rows = shown.len().div_ceil(columns);
    let mut ask = None;
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show_rows(ui, size::TILE, rows, |ui, range| {
            for row in range {
                ui.horizontal(|ui| {
                    for member in shown.iter().skip(row * columns).take(columns) {
                        if lamp_ui(ui, member, page.talking, width, words) {
                            ask = Some(wish(member, page.talking));
                        }
                    }
                });
            }
        });
    ask
}

/// What a click on a lamp is for.
fn wish(member: &TeamView, talking: Option<&CallView>) -> Ask {
    match (member.lamp.lamp, talking) {
        (Lamp::Ringing, _) => Ask::Go(Go::PickUp(member.lamp_watch)),
        (Lamp::Idle | Lamp::Unknown, Some(call)) if member.park => {
            let (call, target) = (call.id, member.number.clone());
            Ask::Send(Command::Phone(agent::Command::Transfer { call, target }))
        }
        _ => Ask::Go(Go::CallAs(member.account, member.number.clone())),
    }
}

/// What a click does, in a word or two.
fn deed(member: &TeamView, talking: Option<&CallView>, words: &Words) -> String {
    match (member.lamp.lamp, talking) {
        (Lamp::Ringing, _) => say!(words, "team-pick-up"),
        (Lamp::Idle | Lamp::Unknown, Some(_)) if member.park => say!(words, "team-park"),
        (Lamp::Busy, _) if member.park => say!(words, "team-unpark"),
        _ => say!(words, "action-call"),
    }
}

/// What is said of somebody: the lamp, or their presence where that says more.
fn state(member: &TeamView, words: &Words) -> String {
    match (member.lamp.lamp, &member.presence) {
        (Lamp::Busy, _) if member.park => say!(words, "team-parked"),
        (Lamp::Idle | Lamp::Unknown, Some(presence)) => {
            words.presence(presence.basic, &presence.activities)
        }
        (lamp, _) => words.lamp(lamp),
    }
}

fn lamp_ui(
    ui: &mut Ui,
    member: &TeamView,
    talking: Option<&CallView>,
    width: f32,
    words: &Words,
) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::TILE), Sense::click());
    let name = member.name.as_deref().unwrap_or(&member.number);
    let state = state(member, words);
    let deed = deed(member, talking, words);
    let label = say!(
        words,
        "a11y-team-member",
        name = name,
        number = member.number.as_str(),
        state = state.as_str(),
        deed = deed.as_str()
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    if ui.is_rect_visible(rect) {
        let palette = Palette::of(ui);
        let corner = CornerRadius::same(radius::M);
        let rings = member.lamp.lamp == Lamp::Ringing;
        let ground = match (rings, response.hovered()) {
            (true, _) => palette.accent_soft,
            (false, true) => palette.sub,
            (false, false) => palette.panel,
        };
        let line = if rings || response.has_focus() {
            palette.accent
        } else {
            palette.line
        };
        let stroke = Stroke::new(if response.has_focus() { 2.0 } else { 1.0 }, line);
        ui.painter()
            .rect(rect, corner, ground, stroke, StrokeKind::Inside);
        let room = width - 2.0 * space::S;
        let left = rect.left() + space::S;
        let first = Type::STRONG.line(ui, name, palette.text, room);
        ui.painter()
            .galley(pos2(left, rect.top() + space::XS), first, palette.text);
        let number = member.name.as_ref().map_or("", |_| member.number.as_str());
        let number = Type::CAPTION.line(ui, number, palette.mut_text, room);
        let middle = pos2(left, rect.center().y - number.size().y / 2.0);
        ui.painter().galley(middle, number, palette.mut_text);
        let color = match member.lamp.lamp {
            Lamp::Idle => palette.ok,
            Lamp::Ringing => palette.accent,
            Lamp::Busy => palette.bad,
            Lamp::Unknown => palette.faint,
        };
        let word = if rings { &deed } else { &state };
        let word = Type::SMALL.line(ui, word, palette.text, room - size::DOT - space::XXS);
        let below = rect.bottom() - space::XS - word.size().y / 2.0;
        let dot = pos2(left + size::DOT / 2.0, below);
        widgets::dot(ui.painter(), dot, color);
        let at = pos2(left + size::DOT + space::XXS, below - word.size().y / 2.0);
        ui.painter().galley(at, word, palette.text);
    }
    let why = member
        .trouble
        .map(|cause| words.watch_cause(cause).one_line());
    response.on_hover_text(why.unwrap_or(label)).clicked()
}

fn text_ui(ui: &mut Ui, text: &mut String, hint: &str, icon: Option<Icon>) -> egui::Response {
    text.retain(|c| !c.is_control());
    let field = Field {
        name: hint,
        hint,
        secret: false,
        limit: LONGEST,
    };
    let beside = Beside {
        icon,
        ..Beside::default()
    };
    widgets::field(ui, text, &field, beside)
}

/// Draws the list of an account, to be changed.
fn change_ui(
    ui: &mut Ui,
    account: &AccountView,
    draft: &mut TeamDraft,
    words: &Words,
) -> Option<Ask> {
    let palette = Palette::of(ui);
    let watched = &account.settings.watched;
    let number = text_ui(ui, &mut draft.number, &say!(words, "team-number"), None);
    let name = text_ui(ui, &mut draft.name, &say!(words, "team-name"), None);
    let park = say!(words, "team-is-parking");
    if widgets::menu_item(ui, None, &park, draft.park).clicked() {
        draft.park = !draft.park;
    }
    let entered = [number, name].iter().any(egui::Response::lost_focus)
        && ui.input(|input| input.key_pressed(Key::Enter));
    let add = widgets::text_button(ui, Some(Icon::PLUS), &say!(words, "team-add")).clicked();
    let mut changed = None;
    if (add || entered) && !draft.number.trim().is_empty() {
        let name = Some(draft.name.trim().to_owned()).filter(|name| !name.is_empty());
        let mut more = watched.clone();
        more.push(WatchedSettings {
            number: draft.number.trim().to_owned(),
            name,
            presence: false,
            park: draft.park,
        });
        changed = Some(more);
        draft.number.clear();
        draft.name.clear();
        draft.park = false;
    }
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show_rows(ui, size::PILL, watched.len(), |ui, range| {
            for at in range {
                let Some(member) = watched.get(at) else {
                    continue;
                };
                let whole = match &member.name {
                    Some(name) => format!("{name} · {}", member.number),
                    None => member.number.clone(),
                };
                ui.horizontal(|ui| {
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        let remove = say!(words, "a11y-team-remove", name = whole.as_str());
                        let ink = palette.mut_text;
                        if widgets::icon_button(ui, Icon::TRASH, &remove, ink).clicked() {
                            let mut less = watched.clone();
                            less.remove(at);
                            changed = Some(less);
                        }
                        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                            let whole = Type::BODY.rich(&whole, palette.text);
                            ui.add(egui::Label::new(whole).truncate());
                        });
                    });
                });
            }
        });
    changed.map(|watched| {
        Ask::Send(Command::SetTeam {
            account: account.id,
            watched,
        })
    })
}
