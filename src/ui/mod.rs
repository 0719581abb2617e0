//! The window.
//!
//! View functions (`…_ui`) draw what they are given and answer with an [`Ask`]; they change
//! nothing but the text being typed and what is unfolded. [`Window`] sends the command, the
//! engine decides, and the next snapshot shows it.

mod account_form;
mod action;
mod app;
mod call;
mod clear_speech;
mod conversation;
mod dial;
mod ended;
mod hint;
mod icons;
mod incoming;
mod keypad;
mod line_settings;
mod link;
mod loudness;
mod message_settings;
mod messages;
mod quality;
mod rail;
mod reception;
mod recording;
mod secrets;
mod security;
mod settings;
mod sounds;
mod team;
pub mod theme;
mod toast;
mod transfer;
mod volume;
mod widgets;

use std::sync::Arc;
use std::time::Instant;

use jiff::tz::TimeZone;

use crate::agent::{AccountId, CallId, WatchId};
use crate::engine::{Command, Snapshot};
use crate::i18n::Language;
use theme::Appearance;

pub use action::Action;
pub use app::{OpenError, Window, run};

/// What the window needs of the engine. A test gives it a fake.
pub trait Phone {
    /// The phone as it is.
    fn snapshot(&self) -> Arc<Snapshot>;
    /// Hands a wish over without waiting; `false` if there is no room for it.
    fn send(&self, command: Command) -> bool;
    /// Called whenever the snapshot has changed, from any thread.
    fn set_waker(&self, waker: Box<dyn Fn() + Send + Sync>);
    /// Whether the program has been told to end: the window then closes as by its own button.
    fn is_leaving(&self) -> bool;
    /// The clock that the snapshot's instants are of.
    fn now(&self) -> Instant;
    /// Seconds since 1970, UTC.
    fn unix_secs(&self) -> u64;
    /// Does what is not the engine's.
    fn request(&self, action: UiAction);
}

impl<P: Phone> Phone for Arc<P> {
    fn snapshot(&self) -> Arc<Snapshot> {
        P::snapshot(self)
    }

    fn send(&self, command: Command) -> bool {
        P::send(self, command)
    }

    fn set_waker(&self, waker: Box<dyn Fn() + Send + Sync>) {
        P::set_waker(self, waker);
    }

    fn is_leaving(&self) -> bool {
        P::is_leaving(self)
    }

    fn now(&self) -> Instant {
        P::now(self)
    }

    fn unix_secs(&self) -> u64 {
        P::unix_secs(self)
    }

    fn request(&self, action: UiAction) {
        P::request(self, action);
    }
}

/// What the window asks of the program around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UiAction {
    /// Start the built-in lab and add its account.
    StartLab,
    /// Remember the language; `None` follows the system.
    KeepLanguage(Option<Language>),
    /// Remember the colours.
    KeepAppearance(Appearance),
}

/// How the window opens.
#[derive(Clone, Debug)]
pub struct UiOptions {
    /// A link to dial, once the person agrees.
    pub start_uri: Option<String>,
    /// `None` follows the system.
    pub language: Option<Language>,
    /// Light, dark, or as the system is.
    pub appearance: Appearance,
    /// In which the list of recents tells its times.
    pub time_zone: TimeZone,
}

impl Default for UiOptions {
    fn default() -> Self {
        UiOptions {
            start_uri: None,
            language: None,
            appearance: Appearance::System,
            time_zone: TimeZone::system(),
        }
    }
}

/// What a view asks for: at most one thing a frame.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Of the engine.
    Send(Command),
    /// Of the program around the window.
    Request(UiAction),
    /// Of the window itself.
    Go(Go),
}

/// What changes only the window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Go {
    /// To keypad, recents and calls.
    Phone,
    /// To those who are watched.
    Team,
    /// To the settings.
    Settings,
    /// To the conversations.
    Messages,
    /// To a conversation with somebody new.
    NewMessage,
    /// Away with this conversation, after the time for an undo.
    ForgetConversation(AccountId, String),
    /// The conversation was not to be thrown away.
    KeepConversation,
    /// To an empty account form.
    NewAccount,
    /// To the form of an account.
    EditAccount(AccountId),
    /// To the rules for calls that come in to an account.
    EditReception(AccountId),
    /// Away with an account, after the time for an undo.
    RemoveAccount(AccountId),
    /// The account was not to be removed.
    KeepAccount,
    /// Calls go out through this account.
    UseAccount(AccountId),
    /// Hold the first call and go on with the second.
    Swap(Option<CallId>, CallId),
    /// Dial somebody about the call, which waits.
    Consult(CallId, String),
    /// End the first call and go back to the second.
    Return(CallId, CallId),
    /// Answer, and hold what is connected.
    Answer(CallId),
    /// Answer, and end what is connected.
    AnswerAndHangUp(CallId),
    /// Call what was typed, through the account in use.
    Dial(String),
    /// Call this number, through this account.
    CallAs(AccountId, String),
    /// Take the call that rings at an extension that is watched.
    PickUp(WatchId),
    /// Forget the link that asked to be opened.
    DropLink,
    /// Speak this language; `None`: the system's.
    Speak(Option<Language>),
    /// Use these colours.
    Look(Appearance),
    /// Away with the window's own toast.
    CloseToast,
}
