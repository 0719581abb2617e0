//! What becomes of calls that come in: the page of an account's rules, and what shows on the first
//! page that some hold.

mod hours;
mod sign;

use egui::{Popup, ScrollArea, Ui};

pub(crate) use sign::{holds_by_hours, sign_ui};

use self::hours::hours_ui;
use super::dial::account_name;
use super::icons::Icon;
use super::settings::choice_ui;
use super::theme::{Palette, Type, size, space};
use super::widgets::{self, Beside, Field, Fill};
use super::{Action, Ask, Go};
use crate::agent::AccountId;
use crate::engine::{AccountView, Command, ReceptionError, ReceptionWish, reception};
use crate::i18n::Words;
use crate::say;
use crate::sip::HostPort;
use crate::store::{
    AutoAnswerSettings, ForwardSettings, IntercomChoice, ReceptionSettings, StrangersChoice,
    UndisturbedSettings,
};

/// The longest text a field takes.
const LONGEST: usize = 256;
/// The longest list of numbers.
const LONGEST_LIST: usize = 4096;
/// After how many seconds a call goes elsewhere.
const UNANSWERED: [u16; 7] = [5, 10, 15, 20, 30, 45, 60];
/// After how many seconds a call is answered by itself.
const ANSWERED: [u16; 5] = [0, 2, 5, 10, 20];

/// What has been chosen and typed.
#[derive(Debug)]
pub(crate) struct ReceptionForm {
    account: AccountId,
    name: String,
    home: Option<HostPort>,
    rules: ReceptionSettings,
    /// The list as it is typed.
    known: String,
    /// It was sent, and is done with.
    pub(crate) saved: bool,
}

impl ReceptionForm {
    /// The rules of an account as they are.
    pub(crate) fn of(account: &AccountView, words: &Words) -> ReceptionForm {
        let rules = account.settings.reception.clone();
        ReceptionForm {
            account: account.id,
            name: account_name(account, words),
            home: account.domain.parse().ok(),
            known: rules.known.join(", "),
            rules,
            saved: false,
        }
    }

    /// As it will be kept.
    fn written(&self) -> ReceptionSettings {
        let known = self.known.split([',', ';', '\n']).map(str::trim);
        let known = known.filter(|it| !it.is_empty()).map(str::to_owned);
        let mut rules = ReceptionSettings {
            known: known.collect(),
            ..self.rules.clone()
        };
        for forward in [
            &mut rules.forward_always,
            &mut rules.forward_busy,
            &mut rules.forward_no_answer,
        ] {
            forward.to = forward.to.trim().to_owned();
        }
        rules
    }

    fn wish(&self) -> Result<Command, ReceptionError> {
        let rules = self.written();
        reception(&rules, self.home.as_ref())?;
        Ok(Command::Reception {
            account: Some(self.account),
            wish: ReceptionWish::Rules(Box::new(rules)),
        })
    }
}

/// Draws the page.
pub(crate) fn reception_ui(ui: &mut Ui, form: &mut ReceptionForm, words: &Words) -> Option<Ask> {
    let mut ask = Action::Close.pressed(ui).then_some(Ask::Go(Go::Settings));
    widgets::column(ui, |ui| {
        let (body, foot) = widgets::above_foot(ui, size::CONTROL);
        widgets::within(ui, body, |ui| {
            if title_ui(ui, form, words) {
                ask = Some(Ask::Go(Go::Settings));
            }
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| rules_ui(ui, form, words));
        });
        widgets::within(ui, foot, |ui| {
            ask = ask.take().or(save_ui(ui, form, words));
        });
    });
    ask
}

fn title_ui(ui: &mut Ui, form: &ReceptionForm, words: &Words) -> bool {
    let palette = Palette::of(ui);
    let mut back = false;
    ui.horizontal(|ui| {
        let name = say!(words, "nav-back");
        back = widgets::icon_button(ui, Icon::ARROW_LEFT, &name, palette.text).clicked();
        ui.label(Type::HERO.rich(say!(words, "reception-title"), palette.text));
    });
    let of = say!(words, "reception-of", name = form.name.as_str());
    ui.label(Type::BODY.rich(of, palette.mut_text));
    ui.add_space(space::XS);
    back
}

fn save_ui(ui: &mut Ui, form: &mut ReceptionForm, words: &Words) -> Option<Ask> {
    let width = ui.available_width();
    let (wish, text) = match form.wish() {
        Ok(wish) => (Some(wish), say!(words, "setup-save")),
        Err(ReceptionError::Target) => (None, say!(words, "reception-bad-target")),
        Err(_) => (None, say!(words, "reception-bad-hours")),
    };
    let pressed = ui
        .add_enabled_ui(wish.is_some(), |ui| {
            widgets::filled_button(ui, Fill::Accent, None, &text, width).clicked()
        })
        .inner;
    let wish = wish.filter(|_| pressed)?;
    form.saved = true;
    Some(Ask::Send(wish))
}

fn rules_ui(ui: &mut Ui, form: &mut ReceptionForm, words: &Words) {
    let rules = &mut form.rules;
    section(ui, &say!(words, "reception-undisturbed"), |ui| {
        undisturbed_ui(ui, &mut rules.do_not_disturb, words);
    });
    section(ui, &say!(words, "reception-forward"), |ui| {
        let always = say!(words, "reception-forward-always");
        forward_ui(ui, &always, &mut rules.forward_always, None, words);
        let busy = say!(words, "reception-forward-busy");
        forward_ui(ui, &busy, &mut rules.forward_busy, None, words);
        let after = Some(&UNANSWERED[..]);
        let unanswered = say!(words, "reception-forward-no-answer");
        forward_ui(ui, &unanswered, &mut rules.forward_no_answer, after, words);
    });
    section(ui, &say!(words, "reception-answer"), |ui| {
        answer_ui(ui, &mut rules.auto_answer, words);
        intercom_ui(ui, &mut rules.intercom, words);
    });
    section(ui, &say!(words, "reception-list"), |ui| {
        let title = say!(words, "reception-known");
        let hint = say!(words, "reception-known-hint");
        text_ui(ui, &title, &hint, LONGEST_LIST, &mut form.known);
        strangers_ui(ui, &mut rules.strangers, words);
    });
}

fn section(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    widgets::heading(ui, title);
    widgets::card(ui, content);
    ui.add_space(space::XS);
}

fn caption(ui: &mut Ui, text: &str) {
    let ink = Palette::of(ui).mut_text;
    ui.label(Type::SMALL.rich(text, ink));
}

/// A line that is on or off.
fn switch_ui(ui: &mut Ui, text: &str, on: &mut bool) {
    if widgets::menu_item(ui, None, text, *on).clicked() {
        *on = !*on;
    }
}

fn text_ui(ui: &mut Ui, title: &str, hint: &str, limit: usize, text: &mut String) {
    caption(ui, title);
    let field = Field {
        name: title,
        hint,
        secret: false,
        limit,
    };
    widgets::field(ui, text, &field, Beside::default());
}

fn undisturbed_ui(ui: &mut Ui, rule: &mut UndisturbedSettings, words: &Words) {
    switch_ui(ui, &say!(words, "reception-undisturbed-now"), &mut rule.on);
    let hours = say!(words, "reception-undisturbed-hours");
    hours_ui(ui, &hours, &hours, &mut rule.when, words);
    caption(ui, &say!(words, "reception-callers-hear"));
    let options = [
        (false, say!(words, "reception-hear-away")),
        (true, say!(words, "reception-hear-busy")),
    ];
    if let Some(as_busy) = widgets::segmented(ui, &options, rule.as_busy) {
        rule.as_busy = as_busy;
    }
}

fn forward_ui(
    ui: &mut Ui,
    title: &str,
    rule: &mut ForwardSettings,
    after: Option<&[u16]>,
    words: &Words,
) {
    switch_ui(ui, title, &mut rule.on);
    if !rule.on {
        return;
    }
    let hint = say!(words, "reception-forward-hint");
    let to = say!(words, "reception-forward-to", rule = title);
    text_ui(ui, &to, &hint, LONGEST, &mut rule.to);
    if let Some(after) = after {
        let mut seconds = rule.seconds();
        seconds_ui(ui, after, &mut seconds, words);
        rule.after_s = Some(seconds);
    }
    let only = say!(words, "reception-only-hours");
    let name = format!("{title}, {only}");
    hours_ui(ui, &only, &name, &mut rule.when, words);
    ui.add_space(space::XS);
}

fn seconds_ui(ui: &mut Ui, choices: &[u16], seconds: &mut u16, words: &Words) {
    let text = |seconds: u16| match seconds {
        0 => say!(words, "reception-at-once"),
        seconds => say!(words, "reception-after", seconds = seconds),
    };
    let shown = text(*seconds);
    let response = choice_ui(ui, &shown, &shown);
    Popup::menu(&response).show(|ui| {
        for choice in choices {
            if widgets::menu_item(ui, None, &text(*choice), choice == seconds).clicked() {
                *seconds = *choice;
                ui.close();
            }
        }
    });
}

fn answer_ui(ui: &mut Ui, rule: &mut AutoAnswerSettings, words: &Words) {
    switch_ui(ui, &say!(words, "reception-answer-all"), &mut rule.on);
    if rule.on {
        seconds_ui(ui, &ANSWERED, &mut rule.after_s, words);
        switch_ui(ui, &say!(words, "reception-answer-beep"), &mut rule.beep);
    }
}

fn intercom_ui(ui: &mut Ui, chosen: &mut IntercomChoice, words: &Words) {
    caption(ui, &say!(words, "reception-intercom"));
    let options = [
        (IntercomChoice::Never, say!(words, "reception-never")),
        (IntercomChoice::Known, say!(words, "reception-by-list")),
        (IntercomChoice::Always, say!(words, "reception-always")),
    ];
    let picked = ui.push_id("intercom", |ui| widgets::segmented(ui, &options, *chosen));
    *chosen = picked.inner.unwrap_or(*chosen);
}

fn strangers_ui(ui: &mut Ui, chosen: &mut StrangersChoice, words: &Words) {
    caption(ui, &say!(words, "reception-strangers"));
    let options = [
        (StrangersChoice::Ring, say!(words, "reception-ring")),
        (StrangersChoice::Silent, say!(words, "reception-silent")),
        (StrangersChoice::Decline, say!(words, "reception-decline")),
    ];
    let picked = ui.push_id("strangers", |ui| widgets::segmented(ui, &options, *chosen));
    *chosen = picked.inner.unwrap_or(*chosen);
}
