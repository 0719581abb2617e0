//! The window itself: what page is open, who is in front, and what becomes of what is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Align2, Area, CentralPanel, Context, Frame, Id, Order, Ui, ViewportCommand};
use jiff::tz::TimeZone;

use super::account_form::{AccountForm, Purpose, account_form_ui};
use super::call::{self, CallDraft, CallPage, call_ui};
use super::dial::{DialDraft, DialView, account_name, dial_ui};
use super::ended::{ended_ui, must_be_read};
use super::incoming::{IncomingCard, incoming_card_ui, incoming_popup_ui};
use super::link::link_ui;
use super::messages::{MessagesDraft, MessagesView, messages_ui, party};
use super::rail::{Section, rail_ui};
use super::reception::{self, ReceptionForm, reception_ui};
use super::secrets::SecretsForm;
use super::settings::{SettingsView, settings_ui};
use super::team::{TeamDraft, TeamPage, team_ui};
use super::theme::{self, Appearance, Palette, motion, size, space};
use super::toast::{Pressed, toast_ui};
use super::widgets;
use super::{Action, Ask, Go, Phone, UiAction, UiOptions};
use crate::agent::{self, AccountId, AccountState, CallId, EndCause, Side};
use crate::engine::{
    AccountView, CallPhase, CallView, ChatWish, Command, Direction, Snapshot, SoundTest,
};
use crate::i18n::{Explanation, Language, Words};
use crate::say;

/// The name under which the desktop knows the window.
const APP_ID: &str = "ramal";

/// Why no window could be opened. The words are for a log; a face says them by variant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no display, or it does not let us in.
    #[error("no display: {0}")]
    NoDisplay(String),
    /// There is a display, but nothing to draw with.
    #[error("no OpenGL: {0}")]
    NoGraphics(String),
}

impl From<eframe::Error> for OpenError {
    fn from(error: eframe::Error) -> Self {
        let reason = error.to_string();
        match error {
            eframe::Error::Glutin(_)
            | eframe::Error::NoGlutinConfigs(..)
            | eframe::Error::OpenGL(_) => OpenError::NoGraphics(reason),
            _ => OpenError::NoDisplay(reason),
        }
    }
}

/// Opens the window and returns when it has been closed. Must be called on the main thread.
///
/// # Errors
/// Where there is no display or nothing to draw with: before anything was shown.
pub fn run(phone: impl Phone, options: UiOptions) -> Result<(), OpenError> {
    let mut viewport = egui::ViewportBuilder::default()
        .with_app_id(APP_ID)
        .with_title(say!(words_of(options.language), "app-name"))
        .with_inner_size([380.0, 640.0])
        .with_min_inner_size([360.0, 560.0]);
    let icon = include_bytes!("../../assets/icon/ramal-256.png");
    if let Ok(icon) = eframe::icon_data::from_png_bytes(icon) {
        viewport = viewport.with_icon(icon);
    }
    let native = eframe::NativeOptions {
        viewport,
        centered: true,
        ..Default::default()
    };
    let open = |context: &eframe::CreationContext<'_>| {
        let window = Window::new(&context.egui_ctx, phone, options);
        Ok(Box::new(window) as Box<dyn eframe::App>)
    };
    Ok(eframe::run_native(APP_ID, native, Box::new(open))?)
}

fn words_of(language: Option<Language>) -> Words {
    Words::new(language.unwrap_or_else(Language::of_system))
}

/// What the page area shows.
enum Page {
    Phone,
    Messages(Box<MessagesDraft>),
    Team,
    Settings,
    Form(Box<AccountForm>),
    Reception(Box<ReceptionForm>),
}

/// An account that goes unless somebody says no in time.
struct Leaving {
    account: AccountId,
    name: String,
    until: Instant,
}

/// A conversation that goes unless somebody says no in time.
struct Forgetting {
    account: AccountId,
    peer: String,
    name: String,
    until: Instant,
}

/// A toast of the window's own, beside those the snapshot brings.
struct OwnToast {
    explanation: Explanation,
    until: Instant,
}

/// The window. Generic over what it shows, so that tests draw it over a fake.
pub struct Window<P> {
    phone: P,
    words: Words,
    language: Option<Language>,
    appearance: Appearance,
    zone: TimeZone,
    snapshot: Arc<Snapshot>,
    now: Instant,
    page: Page,
    dial: DialDraft,
    /// What was sent to be dialled, and the newest call before it: the text leaves the field once
    /// its own call is there.
    dialled: Option<(String, Option<CallId>)>,
    call: CallDraft,
    team: TeamDraft,
    secrets: SecretsForm,
    account: Option<AccountId>,
    /// The call that was chosen to be in front.
    front: Option<CallId>,
    link: Option<String>,
    /// Since when each call has been ringing here.
    ringing_since: BTreeMap<CallId, Instant>,
    /// Ended calls that have been told to go.
    dismissed: BTreeSet<CallId>,
    /// The engine keeps the list of devices up to date for the settings page.
    devices_watched: bool,
    leaving: Option<Leaving>,
    forgetting: Option<Forgetting>,
    toast: Option<OwnToast>,
    /// Since when the oldest notice has been shown, and how many there were.
    notice: Option<(Instant, usize)>,
    title: String,
    /// How many messages nobody had read.
    unread: u32,
    /// The microphone on trial has been let go.
    trial_ended: bool,
    /// The window has been asked to close.
    closing: bool,
}

impl<P: Phone> Window<P> {
    /// A window in `ctx`, whose fonts and styles it sets.
    pub fn new(ctx: &Context, phone: P, options: UiOptions) -> Window<P> {
        theme::install(ctx);
        options.appearance.apply(ctx);
        let waker = ctx.clone();
        phone.set_waker(Box::new(move || waker.request_repaint()));
        let (snapshot, now) = (phone.snapshot(), phone.now());
        Window {
            words: words_of(options.language),
            language: options.language,
            appearance: options.appearance,
            zone: options.time_zone,
            snapshot,
            now,
            page: Page::Phone,
            dial: DialDraft::default(),
            dialled: None,
            call: CallDraft::default(),
            team: TeamDraft::default(),
            secrets: SecretsForm::default(),
            account: None,
            front: None,
            link: options.start_uri,
            ringing_since: BTreeMap::new(),
            dismissed: BTreeSet::new(),
            devices_watched: false,
            leaving: None,
            forgetting: None,
            toast: None,
            notice: None,
            title: String::new(),
            unread: 0,
            trial_ended: false,
            closing: false,
            phone,
        }
    }

    /// One whole frame: takes in what has happened, draws, and does what was asked.
    pub fn frame(&mut self, ui: &mut Ui) {
        self.take_in(ui.ctx());
        self.window_ui(ui);
    }

    /// Takes in what has happened. Runs while the window is hidden, too.
    fn take_in(&mut self, ctx: &Context) {
        self.snapshot = self.phone.snapshot();
        self.now = self.phone.now();
        self.watch_devices();
        let snapshot = Arc::clone(&self.snapshot);

        self.ringing_since.retain(|id, _| {
            snapshot
                .calls
                .iter()
                .any(|call| call.id == *id && call.phase == CallPhase::RingingHere)
        });
        self.dismissed
            .retain(|id| snapshot.calls.iter().any(|call| call.id == *id));
        for call in &snapshot.calls {
            if call.phase == CallPhase::RingingHere && !self.ringing_since.contains_key(&call.id) {
                self.ringing_since.insert(call.id, self.now);
                let attention = egui::UserAttentionType::Informational;
                ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(attention));
                // A hidden window is not drawn, and only while it is drawn can it open the
                // pop-up, which then keeps it going.
                ctx.send_viewport_cmd(ViewportCommand::RequestPaintWhileHidden);
                ctx.request_repaint();
            }
            self.take_in_end(call);
        }
        self.take_in_accounts();
        let unread = snapshot.chats.unread;
        if unread > std::mem::replace(&mut self.unread, unread) {
            let attention = egui::UserAttentionType::Informational;
            ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(attention));
        }
        if let Some((dialled, before)) = &self.dialled
            && snapshot
                .calls
                .iter()
                // It may be connected by now: what answers at once is never seen dialling.
                .any(|call| call.direction == Direction::Outgoing && Some(call.id) > *before)
        {
            if self.dial.text.trim() == dialled {
                self.dial.text.clear();
            }
            self.dialled = None;
        }
        if self.live_calls().next().is_none() {
            self.call = CallDraft::default();
            self.front = None;
        }
        self.take_in_time();
        self.retitle(ctx);
        if self.phone.is_leaving() && !std::mem::replace(&mut self.closing, true) {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }

    /// Devices that come and go are shown while their list is.
    fn watch_devices(&mut self) {
        let shown = matches!(self.page, Page::Settings);
        if shown != self.devices_watched && self.phone.send(Command::WatchDevices(shown)) {
            self.devices_watched = shown;
        }
    }

    /// Lets an ended call go that nobody needs to read about.
    fn take_in_end(&mut self, call: &CallView) {
        let CallPhase::Ended(end) = &call.phase else {
            return;
        };
        if must_be_read(end, call.direction) || self.dismissed.contains(&call.id) {
            return;
        }
        if end.cause == EndCause::HungUp && end.by == Side::Remote {
            let mut explanation = self.words.call_end(end, call.direction);
            explanation.todo = Some(std::mem::take(&mut explanation.why));
            self.show_toast(explanation);
        }
        if self.phone.send(Command::Dismiss(call.id)) {
            self.dismissed.insert(call.id);
        }
    }

    /// The setup is open exactly as long as there is no account, or until it has been finished.
    fn take_in_accounts(&mut self) {
        let none = self.snapshot.accounts.is_empty();
        match &self.page {
            Page::Phone | Page::Team if none => {
                self.page = Page::Form(Box::new(AccountForm::new(Purpose::FirstSetup)));
            }
            Page::Form(form)
                if form.purpose == Purpose::FirstSetup && form.is_passed_by(&self.snapshot) =>
            {
                self.page = Page::Phone;
            }
            Page::Phone
            | Page::Messages(_)
            | Page::Team
            | Page::Settings
            | Page::Form(_)
            | Page::Reception(_) => {}
        }
    }

    fn take_in_time(&mut self) {
        if self
            .leaving
            .as_ref()
            .is_some_and(|leaving| self.now >= leaving.until)
        {
            self.let_leave();
        }
        let due = self.forgetting.as_ref();
        if due.is_some_and(|forgetting| self.now >= forgetting.until) {
            self.let_go();
        }
        if self
            .toast
            .as_ref()
            .is_some_and(|toast| self.now >= toast.until)
        {
            self.toast = None;
        }
        let count = self.snapshot.notices.len();
        match self.notice {
            _ if count == 0 => self.notice = None,
            Some((since, shown)) if shown == count => {
                if self.now.saturating_duration_since(since) >= motion::TOAST
                    && self.phone.send(Command::DismissNotice)
                {
                    self.notice = None;
                }
            }
            Some(_) | None => self.notice = Some((self.now, count)),
        }
    }

    fn let_leave(&mut self) {
        if let Some(leaving) = self.leaving.take() {
            self.send(Command::ForgetAccount(leaving.account));
        }
    }

    /// The conversation that was thrown away goes now.
    fn let_go(&mut self) {
        if let Some(Forgetting { account, peer, .. }) = self.forgetting.take() {
            self.send(Command::Chat(ChatWish::Forget { account, peer }));
        }
    }

    fn retitle(&mut self, ctx: &Context) {
        let talking = self.live_calls().next().is_some();
        let title = match &self.page {
            Page::Form(form) if form.purpose == Purpose::FirstSetup => {
                say!(self.words, "window-setup")
            }
            _ if talking => say!(self.words, "window-in-call"),
            _ => say!(self.words, "app-name"),
        };
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Calls under way, except those that ring here.
    fn live_calls(&self) -> impl Iterator<Item = &CallView> {
        self.snapshot
            .calls
            .iter()
            .filter(|call| !matches!(call.phase, CallPhase::RingingHere | CallPhase::Ended(_)))
    }

    /// Calls that ring here without a sound.
    fn silenced_calls(&self) -> impl Iterator<Item = &CallView> {
        let calls = self.snapshot.calls.iter();
        calls.filter(|call| call.phase == CallPhase::RingingHere && call.silenced)
    }

    /// The call that is drawn large: the chosen one, else the one that is talked in.
    fn front_call(&self) -> Option<&CallView> {
        let chosen = self
            .front
            .and_then(|id| self.live_calls().find(|call| call.id == id));
        chosen.or_else(|| {
            self.live_calls().min_by_key(|call| match call.phase {
                CallPhase::Connected => 0,
                CallPhase::EarlyMedia | CallPhase::RingingThere | CallPhase::Dialing => 1,
                CallPhase::OnHold(Side::Remote) => 2,
                CallPhase::OnHold(Side::Local) => 3,
                CallPhase::RingingHere | CallPhase::Ended(_) => 4,
            })
        })
    }

    /// Through which calls go out: the chosen account, else one that is registered.
    fn account_in_use(&self) -> Option<&AccountView> {
        let accounts = &self.snapshot.accounts;
        let chosen = self
            .account
            .and_then(|id| accounts.iter().find(|one| one.id == id));
        let registered = || {
            accounts
                .iter()
                .find(|one| matches!(one.state, AccountState::Registered { .. }))
        };
        chosen.or_else(registered).or_else(|| accounts.first())
    }

    fn incoming_card<'a>(&self, snapshot: &'a Snapshot) -> Option<IncomingCard<'a>> {
        // One that was silenced in a call stands among the others of it.
        let talking = self.live_calls().next().is_some();
        let call = snapshot
            .calls
            .iter()
            .find(|call| call.phase == CallPhase::RingingHere && !(talking && call.silenced))?;
        let since = self
            .ringing_since
            .get(&call.id)
            .copied()
            .unwrap_or(self.now);
        Some(IncomingCard {
            call,
            talking: self
                .live_calls()
                .any(|call| call.phase == CallPhase::Connected),
            account: snapshot
                .accounts
                .iter()
                .find(|account| account.id == call.account),
            shown_for: self.now.saturating_duration_since(since).as_secs_f64(),
        })
    }

    fn window_ui(&mut self, ui: &mut Ui) {
        let snapshot = Arc::clone(&self.snapshot);
        let mut asks = Vec::new();
        let incoming = self.incoming_card(&snapshot);
        if let Some(card) = &incoming
            && card.armed()
            && self.enter_is_free(ui)
            && Action::Answer.pressed(ui)
        {
            asks.push(Ask::Go(Go::Answer(card.call.id)));
        }
        if Action::Settings.pressed(ui) && !self.in_first_setup() {
            asks.push(Ask::Go(Go::Settings));
        }
        if !self.in_first_setup() {
            let section = match self.page {
                Page::Phone => Section::Phone,
                Page::Messages(_) => Section::Messages,
                Page::Team => Section::Team,
                Page::Settings | Page::Form(_) | Page::Reception(_) => Section::Settings,
            };
            let unread = snapshot.chats.unread;
            asks.extend(rail_ui(
                ui,
                section,
                unread,
                &snapshot.accounts,
                &self.words,
            ));
        }
        let palette = Palette::of(ui);
        let margin = if self.in_first_setup() {
            space::L
        } else {
            space::M
        };
        let frame = Frame::NONE.fill(palette.bg).inner_margin(margin);
        CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            asks.extend(self.page_ui(ui, &snapshot));
            let foot = self.foot_height(&snapshot);
            if let Some(card) = &incoming {
                asks.extend(floating_incoming_ui(ui, card, &self.words));
            }
            asks.extend(self.toasts_ui(ui, foot, &snapshot));
        });
        if let Some(card) = &incoming
            && ui.input(|input| input.viewport().focused) != Some(true)
        {
            asks.extend(incoming_popup_ui(ui, card, &self.words));
        }
        self.let_microphone_go();
        self.schedule(ui, incoming.as_ref());
        for ask in asks {
            self.fulfil(ui.ctx(), ask);
        }
    }

    /// A microphone is on trial only while somebody looks at its meter.
    fn let_microphone_go(&mut self) {
        let tried = self.snapshot.loudness.test == Some(SoundTest::Microphone);
        let wanted = matches!(self.page, Page::Settings);
        let was_ended = std::mem::replace(&mut self.trial_ended, tried && !wanted);
        if self.trial_ended && !was_ended {
            self.send(Command::TestSound(None));
        }
    }

    fn in_first_setup(&self) -> bool {
        matches!(&self.page, Page::Form(form) if form.purpose == Purpose::FirstSetup)
    }

    /// Whether Enter belongs to no control: nothing has the focus but the empty dial field.
    fn enter_is_free(&self, ui: &Ui) -> bool {
        match &self.page {
            Page::Phone if self.front_call().is_none() && ui.text_edit_focused() => {
                self.dial.text.is_empty()
            }
            Page::Phone
            | Page::Messages(_)
            | Page::Team
            | Page::Settings
            | Page::Form(_)
            | Page::Reception(_) => ui.memory(|memory| memory.focused()).is_none(),
        }
    }

    fn page_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) -> Option<Ask> {
        let mut page = std::mem::replace(&mut self.page, Page::Phone);
        let ask = match &mut page {
            Page::Phone => self.phone_page_ui(ui, snapshot),
            Page::Messages(draft) => {
                let view = MessagesView {
                    chats: &snapshot.chats,
                    account: self.account_in_use().map(|account| account.id),
                    zone: &self.zone,
                    unix_secs: self.phone.unix_secs(),
                };
                messages_ui(ui, &view, draft, &self.words)
            }
            Page::Team => self.team_page_ui(ui, snapshot),
            Page::Settings => {
                let view = SettingsView {
                    snapshot,
                    language: self.language,
                    appearance: self.appearance,
                    leaving: self.leaving.as_ref().map(|leaving| leaving.account),
                };
                let closed = Action::Close.pressed(ui).then_some(Ask::Go(Go::Phone));
                closed.or(settings_ui(ui, &view, &mut self.secrets, &self.words))
            }
            Page::Form(form) => account_form_ui(ui, form, snapshot, &self.words),
            Page::Reception(form) => reception_ui(ui, form, &self.words),
        };
        if matches!(&page, Page::Reception(form) if form.saved) {
            page = Page::Settings;
        }
        self.page = page;
        ask
    }

    fn team_page_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) -> Option<Ask> {
        let mut draft = std::mem::take(&mut self.team);
        let page = TeamPage {
            snapshot,
            account: self.account_in_use(),
            talking: self
                .front_call()
                .filter(|call| call.phase == CallPhase::Connected),
        };
        let closed = Action::Close.pressed(ui).then_some(Ask::Go(Go::Phone));
        let ask = closed.or(team_ui(ui, &page, &mut draft, &self.words));
        self.team = draft;
        ask
    }

    fn phone_page_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) -> Option<Ask> {
        if let Some(front) = self.front_call().map(|call| call.id) {
            let mut draft = std::mem::take(&mut self.call);
            let call = snapshot.calls.iter().find(|call| call.id == front)?;
            let page = CallPage {
                call,
                others: self.live_calls().filter(|call| call.id != front).collect(),
                waiting: self.silenced_calls().collect(),
                audio: &snapshot.audio,
                loudness: &snapshot.loudness,
                recents: &snapshot.recents,
                now: self.now,
            };
            let ask = call_ui(ui, &page, &mut draft, &self.words);
            self.call = draft;
            return ask;
        }
        if let Some(target) = &self.link {
            let account = self
                .account_in_use()
                .map(|account| account_name(account, &self.words));
            return widgets::column(ui, |ui| {
                link_ui(ui, target, account.as_deref(), &self.words)
            });
        }
        let failed = snapshot
            .calls
            .iter()
            .rev()
            .find_map(|call| match &call.phase {
                CallPhase::Ended(end) if must_be_read(end, call.direction) => Some((call, end)),
                _ => None,
            });
        if let Some((call, end)) = failed {
            return widgets::column(ui, |ui| ended_ui(ui, call, end, &self.words));
        }
        let mut draft = std::mem::take(&mut self.dial);
        let view = DialView {
            snapshot,
            account: self.account_in_use(),
            zone: &self.zone,
            unix_secs: self.phone.unix_secs(),
            now: self.now,
        };
        let ask = dial_ui(ui, &view, &mut draft, &self.words);
        self.dial = draft;
        ask
    }

    /// Height of the buttons at the foot of the page, which no toast may cover.
    fn foot_height(&self, snapshot: &Snapshot) -> f32 {
        let foot = match &self.page {
            Page::Phone if self.front_call().is_some() => call::FOOT,
            Page::Form(form) => form.foot_height(snapshot),
            Page::Messages(_) if snapshot.chats.open.is_some() => size::CONTROL,
            Page::Reception(_) => size::CONTROL,
            Page::Messages(_) | Page::Phone | Page::Team | Page::Settings => return 0.0,
        };
        foot + space::S
    }

    fn toasts_ui(&self, ui: &Ui, foot: f32, snapshot: &Snapshot) -> Option<Ask> {
        if let Some(leaving) = &self.leaving {
            let explanation = Explanation {
                title: say!(self.words, "settings-removed", name = leaving.name.clone()),
                why: String::new(),
                todo: None,
                details: Vec::new(),
            };
            let undo = say!(self.words, "settings-removed-undo");
            return match toast_ui(ui, foot, &explanation, Some(&undo), &self.words)? {
                Pressed::Action => Some(Ask::Go(Go::KeepAccount)),
                Pressed::Close => Some(Ask::Go(Go::CloseToast)),
            };
        }
        if let Some(forgetting) = &self.forgetting {
            let name = forgetting.name.clone();
            let explanation = Explanation {
                title: say!(self.words, "messages-forgotten", name = name),
                why: String::new(),
                todo: None,
                details: Vec::new(),
            };
            let undo = say!(self.words, "settings-removed-undo");
            return match toast_ui(ui, foot, &explanation, Some(&undo), &self.words)? {
                Pressed::Action => Some(Ask::Go(Go::KeepConversation)),
                Pressed::Close => Some(Ask::Go(Go::CloseToast)),
            };
        }
        if let Some(toast) = &self.toast {
            toast_ui(ui, foot, &toast.explanation, None, &self.words)?;
            return Some(Ask::Go(Go::CloseToast));
        }
        let notice = snapshot.notices.first()?;
        toast_ui(ui, foot, &self.words.notice(notice), None, &self.words)?;
        Some(Ask::Send(Command::DismissNotice))
    }

    /// Asks for the next frame no sooner than something on the page changes by itself.
    fn schedule(&self, ui: &Ui, incoming: Option<&IncomingCard<'_>>) {
        let mut next: Option<Duration> = None;
        let mut within = |span: Duration| next = Some(next.map_or(span, |next| next.min(span)));
        if let Some(front) = self.front_call() {
            let talking = matches!(front.phase, CallPhase::Connected | CallPhase::OnHold(_));
            let metering = talking && matches!(self.page, Page::Phone);
            within(if metering {
                motion::METER
            } else {
                motion::CLOCK
            });
        }
        if self.snapshot.loudness.test == Some(SoundTest::Microphone) {
            within(motion::METER);
        }
        if incoming.is_some_and(|card| !card.armed()) {
            within(motion::GUARD);
        }
        let retrying = |account: &AccountView| {
            matches!(
                account.state,
                AccountState::Failed {
                    retry_at: Some(_),
                    ..
                }
            )
        };
        if self.account_in_use().is_some_and(retrying) {
            within(motion::CLOCK);
        }
        if reception::holds_by_hours(&self.snapshot) {
            within(motion::HOURS);
        }
        let leaving = self.leaving.as_ref().map(|leaving| leaving.until);
        let forgetting = self.forgetting.as_ref().map(|it| it.until);
        let toast = self.toast.as_ref().map(|toast| toast.until);
        let notice = self.notice.map(|(since, _)| since + motion::TOAST);
        for due in [leaving, forgetting, toast, notice].into_iter().flatten() {
            within(due.saturating_duration_since(self.now));
        }
        if let Some(next) = next {
            ui.request_repaint_after(next);
        }
    }

    fn fulfil(&mut self, ctx: &Context, ask: Ask) {
        match ask {
            Ask::Send(command) => self.send(command),
            Ask::Request(action) => self.phone.request(action),
            Ask::Go(go) => self.go(ctx, go),
        }
        ctx.request_repaint();
    }

    fn go(&mut self, ctx: &Context, go: Go) {
        match go {
            Go::Phone => self.turn_to(Page::Phone),
            Go::Messages => self.turn_to(Page::Messages(Box::default())),
            Go::NewMessage => {
                let draft = Box::new(MessagesDraft::anew());
                self.turn_to(Page::Messages(draft));
            }
            Go::ForgetConversation(account, peer) => {
                self.let_go();
                self.send(Command::Chat(ChatWish::Open(None)));
                let mut list = self.snapshot.chats.conversations.iter();
                let one = list.find(|one| one.account == account && one.peer == peer);
                let name = one.and_then(|one| one.name.as_deref());
                let name = self.words.party_name(&party(name, &peer));
                self.forgetting = Some(Forgetting {
                    account,
                    peer,
                    name,
                    until: self.now + motion::TOAST,
                });
            }
            Go::KeepConversation => self.forgetting = None,
            Go::Team => self.turn_to(Page::Team),
            Go::Settings => self.turn_to(Page::Settings),
            Go::NewAccount => self.page = Page::Form(Box::new(AccountForm::new(Purpose::Add))),
            Go::EditAccount(id) => {
                if let Some(account) = self.snapshot.accounts.iter().find(|one| one.id == id) {
                    self.page = Page::Form(Box::new(AccountForm::edit(account)));
                }
            }
            Go::EditReception(id) => {
                if let Some(account) = self.snapshot.accounts.iter().find(|one| one.id == id) {
                    let form = ReceptionForm::of(account, &self.words);
                    self.page = Page::Reception(Box::new(form));
                }
            }
            Go::RemoveAccount(id) => {
                self.let_leave();
                if let Some(account) = self.snapshot.accounts.iter().find(|one| one.id == id) {
                    let name = account_name(account, &self.words);
                    let until = self.now + motion::TOAST;
                    self.leaving = Some(Leaving {
                        account: id,
                        name,
                        until,
                    });
                }
            }
            Go::KeepAccount => self.leaving = None,
            Go::CloseToast => {
                self.let_leave();
                self.let_go();
                self.toast = None;
            }
            Go::UseAccount(id) => self.account = Some(id),
            Go::Swap(hold, to) => {
                if let Some(hold) = hold {
                    self.send(Command::Phone(agent::Command::Hold(hold)));
                }
                self.front = Some(to);
                self.call = CallDraft::default();
                let held =
                    |call: &CallView| call.id == to && call.phase == CallPhase::OnHold(Side::Local);
                if self.snapshot.calls.iter().any(held) {
                    self.send(Command::Phone(agent::Command::Resume(to)));
                }
            }
            Go::Consult(call, target) => {
                self.front = None;
                self.call = CallDraft::default();
                self.send(Command::Consult { call, target });
            }
            Go::Return(consulted, first) => {
                self.front = Some(first);
                self.call = CallDraft::default();
                self.send(Command::Phone(agent::Command::HangUp(consulted)));
                self.send(Command::Phone(agent::Command::Resume(first)));
            }
            Go::AnswerAndHangUp(id) => {
                let talking = self
                    .live_calls()
                    .find(|call| call.phase == CallPhase::Connected);
                if let Some(talking) = talking.map(|call| call.id) {
                    self.send(Command::Phone(agent::Command::HangUp(talking)));
                }
                self.front = Some(id);
                self.call = CallDraft::default();
                self.page = Page::Phone;
                self.send(Command::Phone(agent::Command::Answer(id)));
            }
            Go::Answer(id) => {
                let talking = self
                    .live_calls()
                    .find(|call| call.phase == CallPhase::Connected);
                if let Some(talking) = talking.map(|call| call.id) {
                    self.send(Command::Phone(agent::Command::Hold(talking)));
                }
                self.front = Some(id);
                self.call = CallDraft::default();
                self.page = Page::Phone;
                self.send(Command::Phone(agent::Command::Answer(id)));
            }
            Go::Dial(target) => {
                if let Some(account) = self.account_in_use().map(|account| account.id) {
                    self.dial(account, target);
                }
            }
            Go::CallAs(account, target) => self.dial(account, target),
            Go::PickUp(watch) => {
                self.front = None;
                self.page = Page::Phone;
                self.send(Command::PickUp(watch));
            }
            Go::DropLink => self.link = None,
            Go::Speak(language) => {
                self.language = language;
                self.words = words_of(language);
                self.phone.request(UiAction::KeepLanguage(language));
            }
            Go::Look(appearance) => {
                self.appearance = appearance;
                appearance.apply(ctx);
                self.phone.request(UiAction::KeepAppearance(appearance));
            }
        }
    }

    /// Opens another page. A conversation that nobody looks at is not open.
    fn turn_to(&mut self, page: Page) {
        self.page = page;
        if self.snapshot.chats.open.is_some() {
            self.send(Command::Chat(ChatWish::Open(None)));
        }
    }

    fn dial(&mut self, account: AccountId, target: String) {
        // What ended before has been read: somebody goes on.
        let ended: Vec<CallId> = self
            .snapshot
            .calls
            .iter()
            .filter(|call| matches!(call.phase, CallPhase::Ended(_)))
            .map(|call| call.id)
            .collect();
        for call in ended {
            self.send(Command::Dismiss(call));
        }
        self.link = None;
        self.front = None;
        self.page = Page::Phone;
        let newest = self.snapshot.calls.iter().map(|call| call.id).max();
        self.dialled = Some((target.clone(), newest));
        self.send(Command::Dial { account, target });
    }

    fn send(&mut self, command: Command) {
        if !self.phone.send(command) {
            let busy = self.words.busy();
            self.show_toast(busy);
        }
    }

    fn show_toast(&mut self, explanation: Explanation) {
        self.toast = Some(OwnToast {
            explanation,
            until: self.now + motion::TOAST,
        });
    }
}

fn floating_incoming_ui(ui: &Ui, card: &IncomingCard<'_>, words: &Words) -> Option<Ask> {
    let page = ui.max_rect();
    let width = page.width().min(size::COLUMN);
    Area::new(Id::unique("incoming"))
        .order(Order::Foreground)
        .pivot(Align2::CENTER_TOP)
        .fixed_pos(page.center_top())
        .show(ui, |ui| {
            ui.set_width(width);
            widgets::floating_card(ui, |ui| incoming_card_ui(ui, card, words))
        })
        .inner
}

impl<P: Phone> eframe::App for Window<P> {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.take_in(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.window_ui(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.let_leave();
        self.let_go();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        Palette::for_dark(visuals.dark_mode)
            .bg
            .to_normalized_gamma_f32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_display_is_told_from_missing_graphics() {
        let error = eframe::Error::AppCreation("no display".into());
        assert!(matches!(OpenError::from(error), OpenError::NoDisplay(_)));
    }
}
