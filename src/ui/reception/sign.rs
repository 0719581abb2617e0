//! That no call rings, or every call goes elsewhere: nobody is to wonder why the phone is quiet.

use egui::{Align, Layout, Ui, vec2};
use jiff::Timestamp;

use crate::agent::{LocalTime, Reception};
use crate::engine::{AccountView, Command, ReceptionWish, Snapshot, local_time};
use crate::i18n::Words;
use crate::say;
use crate::ui::dial::{DialView, account_name};
use crate::ui::icons::Icon;
use crate::ui::theme::{Palette, Type, size, space};
use crate::ui::{Ask, Go, widgets};

/// Draws a line for each account whose calls do not ring now.
pub(crate) fn sign_ui(ui: &mut Ui, view: &DialView<'_>, words: &Words) -> Option<Ask> {
    let now = i64::try_from(view.unix_secs).unwrap_or_default();
    let now = Timestamp::from_second(now).unwrap_or(Timestamp::UNIX_EPOCH);
    let time = local_time(&now.to_zoned(view.zone.clone()));
    let accounts = &view.snapshot.accounts;
    let several = accounts.len() > 1;
    let mut ask = None;
    for account in accounts {
        let Some(sign) = Sign::of(account, time, words) else {
            continue;
        };
        let text = if several {
            format!("{} · {}", account_name(account, words), sign.text)
        } else {
            sign.text
        };
        let (button, wish) = match sign.off {
            Some(wish) => {
                let account = Some(account.id);
                let wish = Ask::Send(Command::Reception { account, wish });
                (say!(words, "reception-off"), wish)
            }
            None => {
                let rules = Ask::Go(Go::EditReception(account.id));
                (say!(words, "reception-rules"), rules)
            }
        };
        ui.add_space(space::XXS);
        // One line high: the button that calls stays in sight.
        ui.horizontal(|ui| {
            let palette = Palette::of(ui);
            let side = vec2(size::ICON, size::ICON);
            let (rect, _) = ui.allocate_exact_size(side, egui::Sense::hover());
            let middle = rect.center();
            sign.icon
                .paint(ui.painter(), middle, size::ICON, palette.warn);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let name = format!("{button}, {text}");
                if widgets::chip_button(ui, &button, &name).clicked() {
                    ask = Some(wish);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let text = Type::SMALL_STRONG.rich(text, palette.text);
                    ui.add(egui::Label::new(text).truncate());
                });
            });
        });
    }
    ask
}

/// Whether some rule begins or ends by itself: what is drawn grows old.
pub(crate) fn holds_by_hours(snapshot: &Snapshot) -> bool {
    let timed = |rules: &Reception| {
        let undisturbed = rules.do_not_disturb.as_ref();
        let always = rules.forward_always.as_ref();
        undisturbed.is_some_and(|rule| rule.when.is_some())
            || always.is_some_and(|rule| rule.when.is_some())
    };
    let mut accounts = snapshot.accounts.iter();
    accounts.any(|account| timed(&account.reception))
}

/// What holds of an account now.
struct Sign {
    icon: Icon,
    text: String,
    /// What ends it; `None`: only its hours do.
    off: Option<ReceptionWish>,
}

impl Sign {
    fn of(account: &AccountView, time: LocalTime, words: &Words) -> Option<Sign> {
        let rules = &account.reception;
        if let Some(to) = rules.forwards_all_at(time) {
            let to = to.user_unescaped().unwrap_or_else(|| to.to_string());
            return Some(Sign {
                icon: Icon::ARROW_BEND_UP_RIGHT,
                text: say!(words, "reception-sign-forward", to = to),
                off: Some(ReceptionWish::ForwardAlways(None)),
            });
        }
        if !rules.is_undisturbed_at(time) {
            return None;
        }
        let by_hand = account.settings.reception.do_not_disturb.on;
        Some(Sign {
            icon: Icon::BELL_SLASH_FILL,
            text: if by_hand {
                say!(words, "reception-sign-undisturbed")
            } else {
                say!(words, "reception-sign-hours")
            },
            off: by_hand.then_some(ReceptionWish::DoNotDisturb(false)),
        })
    }
}
