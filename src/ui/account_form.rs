//! The form of an account: the wizard's first step, and what edits an account later.

use egui::{Key, Popup, RichText, ScrollArea, Ui};
use zeroize::Zeroizing;

use super::icons::Icon;
use super::security::security_ui;
use super::settings::choice_ui;
use super::sounds::country_ui;
use super::theme::{Palette, Type, size, space};
use super::widgets::{self, Beside, Field, Fill};
use super::{Action, Ask, Go, UiAction};
use crate::agent::{AccountState, DigitsBy, Encryption, RegistrationCause};
use crate::engine::{AccountView, Command, Snapshot, SoundView, account_config};
use crate::i18n::Words;
use crate::redact::Secret;
use crate::say;
use crate::sip::{Transport, Uri};
use crate::store::{AccountSettings, TrustSettings, Writers};

/// The longest text a field of the form takes.
const LONGEST: usize = 256;

/// Why the form is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// There is no account yet.
    FirstSetup,
    /// One more.
    Add,
    /// A change to one that there is.
    Edit,
}

/// What has been typed. No `Debug`: it holds a password.
pub(crate) struct AccountForm {
    pub(crate) purpose: Purpose,
    /// As it will be stored; empty fields of it are `None`.
    settings: AccountSettings,
    password: Zeroizing<String>,
    password_shown: bool,
    /// Sent as it stands, so that the account in the snapshot is the answer to it.
    submitted: bool,
    /// Sent at least once.
    tried: bool,
}

impl AccountForm {
    /// An empty form.
    pub(crate) fn new(purpose: Purpose) -> AccountForm {
        AccountForm {
            purpose,
            settings: AccountSettings::default(),
            password: Zeroizing::default(),
            password_shown: false,
            submitted: false,
            tried: false,
        }
    }

    /// The form of an account as it is stored. The password is not shown: it stays in its store.
    pub(crate) fn edit(account: &AccountView) -> AccountForm {
        AccountForm {
            settings: account.settings.clone(),
            ..AccountForm::new(Purpose::Edit)
        }
    }

    /// Whether the first setup is over without this form: somebody else brought an account.
    pub(crate) fn is_passed_by(&self, snapshot: &Snapshot) -> bool {
        if !self.tried {
            return !snapshot.accounts.is_empty();
        }
        let own = self.account(snapshot).map(|account| account.id);
        snapshot.accounts.iter().any(|account| {
            Some(account.id) != own && matches!(account.state, AccountState::Registered { .. })
        })
    }

    /// Keeps to the account that this form has become: what is corrected after a failure
    /// changes it, and adds no second one.
    fn follow(&mut self, snapshot: &Snapshot) {
        if self.submitted
            && self.settings.id == 0
            && let Some(account) = self.account(snapshot)
        {
            self.settings.id = account.settings.id;
        }
    }

    /// Height of what stays in sight below the fields.
    pub(crate) fn foot_height(&self, snapshot: &Snapshot) -> f32 {
        if self.purpose == Purpose::FirstSetup && !self.is_done(snapshot) {
            size::PILL + space::XS + size::CONTROL
        } else {
            size::CONTROL
        }
    }

    /// Whether what was sent has led to a registration.
    fn is_done(&self, snapshot: &Snapshot) -> bool {
        self.submitted
            && self
                .account(snapshot)
                .is_some_and(|account| matches!(account.state, AccountState::Registered { .. }))
    }

    fn command(&self) -> Command {
        let mut settings = self.settings.clone();
        settings.address = settings.address.trim().to_owned();
        for text in [
            &mut settings.display_name,
            &mut settings.auth_user,
            &mut settings.registrar,
            &mut settings.proxy,
            &mut settings.transport,
            &mut settings.ca,
            &mut settings.crl,
            &mut settings.pin,
            &mut settings.client_certificate,
            &mut settings.client_key,
            &mut settings.transfer_code,
            &mut settings.pickup_code,
            &mut settings.voicemail,
        ] {
            let trimmed = text
                .as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty());
            *text = trimmed.map(str::to_owned);
        }
        let password = Some(self.password.as_str()).filter(|password| !password.is_empty());
        Command::SaveAccount {
            settings: Box::new(settings),
            password: password.map(Secret::from),
        }
    }

    /// The account that this form's address has become.
    fn account<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a AccountView> {
        let address = self.settings.address.trim();
        let newest_first = snapshot.accounts.iter().rev();
        newest_first.into_iter().find(|account| {
            if self.settings.id == 0 {
                account.settings.address == address
            } else {
                account.settings.id == self.settings.id
            }
        })
    }
}

/// Draws the form.
pub(crate) fn account_form_ui(
    ui: &mut Ui,
    form: &mut AccountForm,
    snapshot: &Snapshot,
    words: &Words,
) -> Option<Ask> {
    let mut ask = None;
    let may_close = form.purpose != Purpose::FirstSetup;
    let back = if form.purpose == Purpose::Edit {
        Go::Settings
    } else {
        Go::Phone
    };
    if may_close && Action::Close.pressed(ui) {
        ask = Some(Ask::Go(back.clone()));
    }
    form.follow(snapshot);
    widgets::column(ui, |ui| {
        let (body, foot) = widgets::above_foot(ui, form.foot_height(snapshot));
        widgets::within(ui, body, |ui| {
            let closed = title_ui(ui, form.purpose, words);
            ask = ask.take().or(closed.then_some(Ask::Go(back)));
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    fields_ui(ui, form, &snapshot.sounds, words);
                    ui.add_space(space::XXS);
                    ask = ask.take().or(checks_ui(ui, form, snapshot, words));
                });
        });
        widgets::within(ui, foot, |ui| {
            ask = ask.take().or(foot_ui(ui, form, snapshot, words));
        });
    });
    ask
}

/// Draws the title; answers whether the arrow back was pressed. The first setup has none.
fn title_ui(ui: &mut Ui, purpose: Purpose, words: &Words) -> bool {
    let palette = Palette::of(ui);
    let (title, subtitle) = match purpose {
        Purpose::FirstSetup => (say!(words, "setup-title"), say!(words, "setup-subtitle")),
        Purpose::Add => (
            say!(words, "setup-add-title"),
            say!(words, "setup-subtitle"),
        ),
        Purpose::Edit => (say!(words, "setup-edit-title"), String::new()),
    };
    let mut back = false;
    ui.horizontal(|ui| {
        if purpose != Purpose::FirstSetup {
            let name = say!(words, "nav-back");
            back = widgets::icon_button(ui, Icon::ARROW_LEFT, &name, palette.text).clicked();
        }
        ui.label(Type::HERO.rich(title, palette.text));
    });
    if !subtitle.is_empty() {
        ui.label(Type::BODY.rich(subtitle, palette.mut_text));
    }
    ui.add_space(space::XS);
    back
}

fn foot_ui(ui: &mut Ui, form: &mut AccountForm, snapshot: &Snapshot, words: &Words) -> Option<Ask> {
    let mut ask = None;
    let state = form
        .account(snapshot)
        .map(|account| &account.state)
        .filter(|_| form.submitted);
    let done = form.is_done(snapshot);
    let waiting = form.submitted && matches!(state, None | Some(AccountState::Registering));
    if form.purpose == Purpose::FirstSetup && !done {
        ui.vertical_centered(|ui| {
            let text = say!(words, "setup-lab");
            if widgets::text_button(ui, Some(Icon::FLASK), &text).clicked() {
                ask = Some(Ask::Request(UiAction::StartLab));
            }
        });
    }
    let width = ui.available_width();
    let text = if done {
        say!(words, "setup-finish")
    } else if form.purpose == Purpose::Edit {
        say!(words, "setup-save")
    } else {
        say!(words, "setup-connect")
    };
    let ready = done || (!waiting && readable(&form.settings.address));
    // Enter in a field is as good as the button; a field has let the focus go by now.
    let free = ui.memory(|memory| memory.focused()).is_none() && !Popup::is_any_open(ui.ctx());
    let entered = free && ui.input(|input| input.key_pressed(Key::Enter));
    ui.add_enabled_ui(ready, |ui| {
        let button = widgets::filled_button(ui, Fill::Accent, None, &text, width);
        if button.clicked() || (ready && entered) {
            if done {
                ask = Some(Ask::Go(Go::Phone));
            } else {
                form.submitted = true;
                form.tried = true;
                ask = Some(Ask::Send(form.command()));
            }
        }
    });
    ask
}

fn fields_ui(ui: &mut Ui, form: &mut AccountForm, sounds: &SoundView, words: &Words) {
    let hint = say!(words, "setup-address-hint");
    let title = say!(words, "setup-address");
    let address = labelled(ui, &title, &hint, &mut form.settings.address);
    if form.settings.address.is_empty() && ui.memory(|memory| memory.focused()).is_none() {
        address.request_focus();
    }
    let entered = address.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if entered && !readable(&form.settings.address) {
        // There is more to type.
        address.request_focus();
    }
    let mut changed = address.changed();
    changed |= password_ui(ui, form, words);

    let advanced = say!(words, "setup-advanced");
    let heading = if form.purpose == Purpose::FirstSetup {
        format!("{advanced} — {}", say!(words, "setup-advanced-what"))
    } else {
        advanced
    };
    widgets::fold(ui, "advanced", &heading, |ui| {
        let settings = &mut form.settings;
        changed |= transport_ui(ui, &mut settings.transport, words);
        changed |= redirects_ui(ui, &mut settings.no_redirects, words);
        changed |= transfers_ui(ui, &mut settings.ask_transfers, words);
        changed |= writers_ui(ui, &mut settings.writers, words);
        changed |= tones_ui(ui, &mut settings.tones, sounds, words);
        changed |= digits_ui(ui, &mut settings.digits, words);
        changed |= encryption_ui(ui, settings, words);
        changed |= anonymous_ui(ui, &mut settings.anonymous, words);
        changed |= mailbox_ui(ui, &mut settings.no_mailbox, words);
        changed |= presence_ui(ui, &mut settings.publish_presence, words);
        changed |= trust_ui(ui, &mut settings.trust, words);
        for (title, hint, text) in [
            (
                say!(words, "setup-proxy"),
                say!(words, "setup-proxy-hint"),
                &mut settings.proxy,
            ),
            (
                say!(words, "setup-registrar"),
                say!(words, "setup-registrar-hint"),
                &mut settings.registrar,
            ),
            (
                say!(words, "setup-ca"),
                say!(words, "setup-ca-hint"),
                &mut settings.ca,
            ),
            (
                say!(words, "setup-crl"),
                say!(words, "setup-crl-hint"),
                &mut settings.crl,
            ),
            (
                say!(words, "setup-pin"),
                say!(words, "setup-pin-hint"),
                &mut settings.pin,
            ),
            (
                say!(words, "setup-client-cert"),
                say!(words, "setup-client-cert-hint"),
                &mut settings.client_certificate,
            ),
            (
                say!(words, "setup-client-key"),
                say!(words, "setup-client-key-hint"),
                &mut settings.client_key,
            ),
            (
                say!(words, "setup-auth-user"),
                say!(words, "setup-auth-user-hint"),
                &mut settings.auth_user,
            ),
            (
                say!(words, "setup-transfer-code"),
                say!(words, "setup-transfer-code-hint"),
                &mut settings.transfer_code,
            ),
            (
                say!(words, "setup-pickup-code"),
                say!(words, "setup-pickup-code-hint"),
                &mut settings.pickup_code,
            ),
            (
                say!(words, "setup-voicemail"),
                say!(words, "setup-voicemail-hint"),
                &mut settings.voicemail,
            ),
            (
                say!(words, "setup-display-name"),
                String::new(),
                &mut settings.display_name,
            ),
        ] {
            let text = text.get_or_insert_default();
            changed |= labelled(ui, &title, &hint, text).changed();
        }
    });
    if changed {
        form.submitted = false;
    }
}

fn labelled(ui: &mut Ui, title: &str, hint: &str, text: &mut String) -> egui::Response {
    ui.label(Type::SMALL.rich(title, Palette::of(ui).text));
    let field = Field {
        name: title,
        hint,
        secret: false,
        limit: LONGEST,
    };
    let response = widgets::field(ui, text, &field, Beside::default());
    ui.add_space(space::XXS);
    response
}

fn password_ui(ui: &mut Ui, form: &mut AccountForm, words: &Words) -> bool {
    let palette = Palette::of(ui);
    let title = say!(words, "setup-password");
    let hint = if form.purpose == Purpose::Edit {
        say!(words, "setup-password-kept")
    } else {
        String::new()
    };
    ui.label(Type::SMALL.rich(&title, palette.text));
    let shown = &mut form.password_shown;
    let field = Field {
        name: &title,
        hint: &hint,
        secret: !*shown,
        limit: LONGEST,
    };
    let mut eye = |ui: &mut Ui, _: &mut String| {
        let (icon, name) = if *shown {
            (Icon::EYE_SLASH, say!(words, "a11y-password-hide"))
        } else {
            (Icon::EYE, say!(words, "a11y-password-show"))
        };
        if widgets::icon_button(ui, icon, &name, palette.mut_text).clicked() {
            *shown = !*shown;
        }
    };
    let beside = Beside {
        button: Some(&mut eye),
        ..Beside::default()
    };
    let response = widgets::field(ui, &mut form.password, &field, beside);
    // What can be undone is kept in egui's memory: a password must not be.
    if let Some(mut state) = egui::TextEdit::load_state(ui.ctx(), response.id) {
        state.clear_undoer();
        state.store(ui.ctx(), response.id);
    }
    ui.add_space(space::XXS);
    response.changed()
}

fn transport_ui(ui: &mut Ui, transport: &mut Option<String>, words: &Words) -> bool {
    let palette = Palette::of(ui);
    let title = say!(words, "setup-transport");
    ui.label(Type::SMALL.rich(&title, palette.text));
    let auto = say!(words, "setup-transport-auto");
    let chosen = transport
        .as_deref()
        .and_then(|name| name.parse::<Transport>().ok());
    let shown = chosen.map_or(auto.as_str(), |transport| transport.as_str());
    let response = choice_ui(ui, shown, &format!("{title}, {shown}"));
    let mut changed = false;
    Popup::menu(&response).show(|ui| {
        // Those that the engine has sockets for.
        let known = [
            Transport::Udp,
            Transport::Tcp,
            Transport::Tls,
            Transport::Ws,
            Transport::Wss,
        ];
        for option in [None].into_iter().chain(known.map(Some)) {
            let text = option.map_or(auto.as_str(), |transport| transport.as_str());
            if widgets::menu_item(ui, None, text, option == chosen).clicked() {
                *transport = option.map(|transport| transport.as_param().to_owned());
                changed = true;
                ui.close();
            }
        }
    });
    ui.add_space(space::XXS);
    changed
}

/// Whether a call goes on to where it is redirected.
fn redirects_ui(ui: &mut Ui, no_redirects: &mut bool, words: &Words) -> bool {
    let title = say!(words, "setup-redirects");
    let texts = [
        say!(words, "setup-redirects-follow"),
        say!(words, "setup-redirects-refuse"),
    ];
    either_ui(ui, &title, &texts, no_redirects)
}

/// What is refused unless the person asks for it, and the reverse.
fn trust_ui(ui: &mut Ui, trust: &mut TrustSettings, words: &Words) -> bool {
    let mut changed = false;
    for (title, texts, chosen) in [
        (
            say!(words, "setup-require-tls"),
            [
                say!(words, "setup-require-tls-off"),
                say!(words, "setup-require-tls-on"),
            ],
            &mut trust.require_tls,
        ),
        (
            say!(words, "setup-weaker-digest"),
            [
                say!(words, "setup-weaker-digest-off"),
                say!(words, "setup-weaker-digest-on"),
            ],
            &mut trust.weaker_digest,
        ),
        (
            say!(words, "setup-other-realms"),
            [
                say!(words, "setup-other-realms-off"),
                say!(words, "setup-other-realms-on"),
            ],
            &mut trust.other_realms,
        ),
        (
            say!(words, "setup-direct-calls"),
            [
                say!(words, "setup-direct-calls-off"),
                say!(words, "setup-direct-calls-on"),
            ],
            &mut trust.direct_calls,
        ),
    ] {
        changed |= either_ui(ui, &title, &texts, chosen);
    }
    changed
}

/// Whether an extension may be what we are handed over to without a question.
fn transfers_ui(ui: &mut Ui, ask: &mut bool, words: &Words) -> bool {
    let title = say!(words, "setup-transfers");
    let texts = [
        say!(words, "setup-transfers-inside"),
        say!(words, "setup-transfers-ask"),
    ];
    either_ui(ui, &title, &texts, ask)
}

/// Who may write messages.
fn writers_ui(ui: &mut Ui, writers: &mut Writers, words: &Words) -> bool {
    let title = say!(words, "setup-writers");
    ui.label(Type::SMALL.rich(title.as_str(), Palette::of(ui).text));
    let text = |writers: Writers| match writers {
        Writers::Server => say!(words, "setup-writers-server"),
        Writers::Anyone => say!(words, "setup-writers-anyone"),
        Writers::Nobody => say!(words, "setup-writers-nobody"),
    };
    let before = *writers;
    let shown = text(before);
    let response = choice_ui(ui, &shown, &format!("{title}, {shown}"));
    Popup::menu(&response).show(|ui| {
        for option in [Writers::Server, Writers::Anyone, Writers::Nobody] {
            if widgets::menu_item(ui, None, &text(option), option == before).clicked() {
                *writers = option;
                ui.close();
            }
        }
    });
    ui.add_space(space::XXS);
    *writers != before
}

/// Whether whom we call is told who we are.
fn anonymous_ui(ui: &mut Ui, anonymous: &mut bool, words: &Words) -> bool {
    let title = say!(words, "setup-anonymous");
    let texts = [
        say!(words, "setup-anonymous-shown"),
        say!(words, "setup-anonymous-hidden"),
    ];
    either_ui(ui, &title, &texts, anonymous)
}

/// Whether the server is asked what waits in the mailbox.
fn mailbox_ui(ui: &mut Ui, no_mailbox: &mut bool, words: &Words) -> bool {
    let title = say!(words, "setup-mailbox");
    let texts = [
        say!(words, "setup-mailbox-ask"),
        say!(words, "setup-mailbox-leave"),
    ];
    either_ui(ui, &title, &texts, no_mailbox)
}

/// Whether others are told how the person can be reached.
fn presence_ui(ui: &mut Ui, publish: &mut bool, words: &Words) -> bool {
    let title = say!(words, "setup-presence");
    let texts = [
        say!(words, "setup-presence-private"),
        say!(words, "setup-presence-publish"),
    ];
    either_ui(ui, &title, &texts, publish)
}

/// A choice of two, in the words for false and for true.
fn either_ui(ui: &mut Ui, title: &str, texts: &[String; 2], chosen: &mut bool) -> bool {
    ui.label(Type::SMALL.rich(title, Palette::of(ui).text));
    let shown = &texts[usize::from(*chosen)];
    let response = choice_ui(ui, shown, &format!("{title}, {shown}"));
    let before = *chosen;
    Popup::menu(&response).show(|ui| {
        for (option, text) in [false, true].into_iter().zip(texts) {
            if widgets::menu_item(ui, None, text, option == before).clicked() {
                *chosen = option;
                ui.close();
            }
        }
    });
    ui.add_space(space::XXS);
    *chosen != before
}

/// How keys go to the far side.
fn digits_ui(ui: &mut Ui, digits: &mut Option<String>, words: &Words) -> bool {
    let title = say!(words, "setup-digits");
    ui.label(Type::SMALL.rich(&title, Palette::of(ui).text));
    let text = |by: DigitsBy| match by {
        DigitsBy::Agreed => say!(words, "setup-digits-agreed"),
        DigitsBy::Info => say!(words, "setup-digits-info"),
        DigitsBy::ShortInfo => say!(words, "setup-digits-short-info"),
        DigitsBy::Tones => say!(words, "setup-digits-tones"),
    };
    let chosen = digits.as_deref().and_then(DigitsBy::named);
    let chosen = chosen.unwrap_or_default();
    let shown = text(chosen);
    let response = choice_ui(ui, &shown, &format!("{title}, {shown}"));
    let mut changed = false;
    Popup::menu(&response).show(|ui| {
        for option in DigitsBy::ALL {
            if widgets::menu_item(ui, None, &text(option), option == chosen).clicked() {
                *digits = (option != DigitsBy::default()).then(|| option.as_str().to_owned());
                changed = true;
                ui.close();
            }
        }
    });
    ui.add_space(space::XXS);
    changed
}

/// How much protection of their sound calls are to have.
fn encryption_ui(ui: &mut Ui, settings: &mut AccountSettings, words: &Words) -> bool {
    let account = account_config(settings, None);
    let srtp = &mut settings.srtp;
    let title = say!(words, "setup-srtp");
    ui.label(Type::SMALL.rich(&title, Palette::of(ui).text));
    let text = |wanted: Encryption| match wanted {
        Encryption::Optional => say!(words, "setup-srtp-optional"),
        Encryption::Required => say!(words, "setup-srtp-required"),
        Encryption::Off => say!(words, "setup-srtp-off"),
    };
    let chosen = srtp.as_deref().and_then(Encryption::named);
    let chosen = chosen.unwrap_or(Encryption::Optional);
    let shown = text(chosen);
    let response = choice_ui(ui, &shown, &format!("{title}, {shown}"));
    let mut changed = false;
    Popup::menu(&response).show(|ui| {
        for option in [Encryption::Optional, Encryption::Required, Encryption::Off] {
            if widgets::menu_item(ui, None, &text(option), option == chosen).clicked() {
                *srtp = (option != Encryption::Optional).then(|| option.as_str().to_owned());
                changed = true;
                ui.close();
            }
        }
    });
    let worth = account.ok().and_then(|it| words.security(it.best_grade()));
    if let Some(worth) = worth {
        let text = Type::SMALL.rich(worth.meaning, Palette::of(ui).mut_text);
        ui.add(egui::Label::new(text).wrap());
    }
    ui.add_space(space::XXS);
    changed
}

/// Whose tones are heard in this account's calls.
fn tones_ui(ui: &mut Ui, tones: &mut Option<String>, sounds: &SoundView, words: &Words) -> bool {
    let title = say!(words, "setup-tones");
    ui.label(Type::SMALL.rich(title, Palette::of(ui).text));
    let usual = sounds.settings.tones.as_deref();
    let usual = words.country(usual.unwrap_or(sounds.home.code));
    let usual = say!(words, "setup-tones-same", country = usual);
    let choice = country_ui(ui, tones.as_deref(), &usual, words);
    ui.add_space(space::XXS);
    let changed = choice.is_some();
    if let Some(choice) = choice {
        *tones = choice;
    }
    changed
}

/// How far one of the checks is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// Its turn has not come.
    Open,
    /// Under way.
    Waiting,
    /// Went well.
    Passed,
    /// Went wrong.
    Failed,
}

/// What an account's state says of server and password.
fn checks(submitted: bool, state: Option<&AccountState>) -> (Check, Check) {
    if !submitted {
        return (Check::Open, Check::Open);
    }
    match state {
        None | Some(AccountState::Registering) => (Check::Waiting, Check::Open),
        Some(AccountState::Registered { .. }) => (Check::Passed, Check::Passed),
        Some(AccountState::Direct | AccountState::Unregistered) => (Check::Open, Check::Open),
        Some(AccountState::Failed { cause, .. }) => match cause {
            RegistrationCause::HostNotFound
            | RegistrationCause::Unreachable
            | RegistrationCause::NotSecured(_)
            | RegistrationCause::TimedOut
            | RegistrationCause::Unencrypted => (Check::Failed, Check::Open),
            RegistrationCause::WrongPassword
            | RegistrationCause::PasswordNeeded
            | RegistrationCause::Forbidden
            | RegistrationCause::UnknownUser
            | RegistrationCause::AuthUnsupported
            | RegistrationCause::WeakDigest
            | RegistrationCause::ServerTrouble
            | RegistrationCause::Refused => (Check::Passed, Check::Failed),
        },
    }
}

fn checks_ui(
    ui: &mut Ui,
    form: &mut AccountForm,
    snapshot: &Snapshot,
    words: &Words,
) -> Option<Ask> {
    if form.settings.address.trim().is_empty() {
        return None;
    }
    let address_ok = readable(&form.settings.address);
    let account = form.account(snapshot);
    let state = account.map(|account| &account.state);
    let mut pin = None;
    let (server, password) = checks(form.submitted, state);
    widgets::card(ui, |ui| {
        if address_ok {
            check_ui(ui, Check::Passed, &say!(words, "check-address-ok"), "");
        } else {
            let text = say!(words, "check-address-bad");
            check_ui(
                ui,
                Check::Open,
                &text,
                &say!(words, "check-address-bad-why"),
            );
        }
        let text = match server {
            Check::Passed => say!(words, "check-server-ok"),
            Check::Waiting => say!(words, "check-server-wait"),
            Check::Open | Check::Failed => say!(words, "check-server-todo"),
        };
        check_ui(ui, server, &text, "");
        let text = match password {
            Check::Passed => say!(words, "check-password-ok"),
            Check::Waiting => say!(words, "check-password-wait"),
            Check::Open | Check::Failed => say!(words, "check-password-todo"),
        };
        check_ui(ui, password, &text, "");
        if let Some(AccountState::Failed {
            cause,
            status,
            reason,
            ..
        }) = state.filter(|_| form.submitted)
        {
            let palette = Palette::of(ui);
            let explanation = words.registration_cause(*cause);
            ui.add_space(space::XXS);
            ui.label(Type::STRONG.rich(explanation.title, palette.bad));
            if let Some(todo) = explanation.todo {
                ui.label(Type::SMALL.rich(todo, palette.text));
            }
            for line in words.details(*status, reason.as_deref()) {
                ui.label(Type::SMALL.rich(line, palette.mut_text));
            }
        }
        if let Some(account) = account {
            pin = security_ui(ui, account, words);
        }
    });
    // As if it had been typed and sent: it stands in the form, and can be taken out again.
    let pin = pin?;
    form.settings.pin = Some(pin);
    form.submitted = true;
    form.tried = true;
    Some(Ask::Send(form.command()))
}

fn check_ui(ui: &mut Ui, check: Check, text: &str, aside: &str) {
    let palette = Palette::of(ui);
    let (icon, ink) = match check {
        Check::Open => (Icon::CIRCLE, palette.faint),
        Check::Waiting => (Icon::CIRCLE_NOTCH, palette.accent),
        Check::Passed => (Icon::CHECK_CIRCLE_FILL, palette.ok),
        Check::Failed => (Icon::X_CIRCLE_FILL, palette.bad),
    };
    ui.spacing_mut().interact_size.y = size::ICON;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(space::XS, 0.0);
        let side = egui::vec2(size::ICON_S, size::ICON_S);
        let (rect, _) = ui.allocate_exact_size(side, egui::Sense::hover());
        icon.paint(ui.painter(), rect.center(), size::ICON_S, ink);
        let color = if check == Check::Open {
            palette.mut_text
        } else {
            palette.text
        };
        ui.label(Type::BODY.rich(text, color));
        if !aside.is_empty() {
            let aside: RichText = Type::SMALL.rich(aside, palette.mut_text);
            ui.label(aside);
        }
    });
}

/// Whether an address names an extension at a host: `1001@pbx.example`, or a whole SIP URI.
fn readable(address: &str) -> bool {
    let address = address.trim();
    let scheme = address
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("sip:"))
        || address
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("sips:"));
    let whole = if scheme {
        address.to_owned()
    } else {
        format!("sip:{address}")
    };
    match whole.parse::<Uri>() {
        Ok(Uri::Sip(uri)) => uri.user.is_some_and(|user| !user.is_empty()),
        Ok(Uri::Tel(_) | Uri::Other(_)) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_extension_at_a_host() {
        for (address, expected) in [
            ("1001@pbx.example", true),
            (" 1001@192.0.2.1:5080 ", true),
            ("sip:ana@[2001:db8::1]", true),
            ("SIPS:ana@pbx.example", true),
            ("1001", false),
            ("pbx.example", false),
            ("@pbx.example", false),
            ("tel:+551135550142", false),
            ("1001@", false),
            ("", false),
        ] {
            assert_eq!(readable(address), expected, "{address}");
        }
    }

    #[test]
    fn a_refused_password_proves_that_the_server_was_found() {
        let failed = |cause| AccountState::Failed {
            cause,
            status: None,
            reason: None,
            retry_at: None,
        };
        let wrong = failed(RegistrationCause::WrongPassword);
        assert_eq!(checks(true, Some(&wrong)), (Check::Passed, Check::Failed));
        let lost = failed(RegistrationCause::HostNotFound);
        assert_eq!(checks(true, Some(&lost)), (Check::Failed, Check::Open));
        assert_eq!(checks(false, Some(&wrong)), (Check::Open, Check::Open));
        assert_eq!(checks(true, None), (Check::Waiting, Check::Open));
    }

    #[test]
    fn what_was_left_empty_is_not_stored() {
        let mut form = AccountForm::new(Purpose::Add);
        form.settings.address = " 1001@pbx.example ".into();
        form.settings.proxy = Some("  ".into());
        form.settings.auth_user = Some(" u1001 ".into());
        let Command::SaveAccount { settings, password } = form.command() else {
            panic!("a form saves an account");
        };
        assert_eq!(settings.address, "1001@pbx.example");
        assert_eq!(settings.proxy, None);
        assert_eq!(settings.auth_user.as_deref(), Some("u1001"));
        assert_eq!(password, None);
    }

    #[test]
    fn a_form_never_shows_its_password_in_a_log() {
        let mut form = AccountForm::new(Purpose::Add);
        form.password.push_str("hunter2");
        assert!(!format!("{:?}", form.command()).contains("hunter2"));
    }
}
