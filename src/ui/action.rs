//! What a person can do: text, tooltip and shortcut in one place, for buttons, keys and menus.

use egui::{Key, KeyboardShortcut, Modifiers, Ui};

use crate::i18n::Words;
use crate::say;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Call what stands in the field.
    Call,
    /// Take an incoming call.
    Answer,
    /// Turn an incoming call away.
    Decline,
    /// End the call.
    HangUp,
    /// Microphone off or on.
    Mute,
    /// Hold or take back.
    Hold,
    /// Digits to the other side.
    Keypad,
    /// Hand the call over.
    Transfer,
    /// Talk with several at once.
    Conference,
    /// On with the call that waits.
    Swap,
    /// Both sides into a file.
    Record,
    /// Microphone and speaker.
    Audio,
    /// The settings page.
    Settings,
    /// Away with what is on top; never hangs up.
    Close,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 14] = [
        Action::Call,
        Action::Answer,
        Action::Decline,
        Action::HangUp,
        Action::Mute,
        Action::Hold,
        Action::Keypad,
        Action::Transfer,
        Action::Conference,
        Action::Swap,
        Action::Record,
        Action::Audio,
        Action::Settings,
        Action::Close,
    ];

    /// Its word, as on a button.
    #[must_use]
    pub fn text(self, words: &Words) -> String {
        match self {
            Action::Call => say!(words, "action-call"),
            Action::Answer => say!(words, "action-answer"),
            Action::Decline => say!(words, "action-decline"),
            Action::HangUp => say!(words, "action-hang-up"),
            Action::Mute => say!(words, "action-mute"),
            Action::Hold => say!(words, "action-hold"),
            Action::Keypad => say!(words, "action-keypad"),
            Action::Transfer => say!(words, "action-transfer"),
            Action::Conference => say!(words, "action-conference"),
            Action::Swap => say!(words, "action-swap"),
            Action::Record => say!(words, "action-record"),
            Action::Audio => say!(words, "action-audio"),
            Action::Settings => say!(words, "action-settings"),
            Action::Close => say!(words, "action-close"),
        }
    }

    /// What it does, and its shortcut as this system writes it.
    #[must_use]
    pub fn tooltip(self, words: &Words, ui: &Ui) -> String {
        let text = match self {
            Action::Call => say!(words, "action-call", "tip"),
            Action::Answer => say!(words, "action-answer", "tip"),
            Action::Decline => say!(words, "action-decline", "tip"),
            Action::HangUp => say!(words, "action-hang-up", "tip"),
            Action::Mute => say!(words, "action-mute", "tip"),
            Action::Hold => say!(words, "action-hold", "tip"),
            Action::Keypad => say!(words, "action-keypad", "tip"),
            Action::Transfer => say!(words, "action-transfer", "tip"),
            Action::Conference => say!(words, "action-conference", "tip"),
            Action::Swap => say!(words, "action-swap", "tip"),
            Action::Record => say!(words, "action-record", "tip"),
            Action::Audio => say!(words, "action-audio", "tip"),
            Action::Settings => say!(words, "action-settings", "tip"),
            Action::Close => say!(words, "action-close"),
        };
        match self.shortcut() {
            Some(shortcut) => {
                let shortcut = ui.format_shortcut(&shortcut);
                say!(
                    words,
                    "tooltip-with-shortcut",
                    text = text,
                    shortcut = shortcut
                )
            }
            None => text,
        }
    }

    /// Its key.
    #[must_use]
    pub const fn shortcut(self) -> Option<KeyboardShortcut> {
        let (modifiers, key) = match self {
            Action::Call | Action::Answer => (Modifiers::NONE, Key::Enter),
            Action::HangUp => (Modifiers::COMMAND, Key::D),
            Action::Mute => (Modifiers::COMMAND, Key::M),
            Action::Hold => (Modifiers::COMMAND, Key::H),
            Action::Keypad => (Modifiers::COMMAND, Key::K),
            Action::Transfer => (Modifiers::COMMAND, Key::T),
            Action::Conference => (Modifiers::COMMAND, Key::J),
            Action::Swap => (Modifiers::COMMAND, Key::E),
            Action::Record => (Modifiers::COMMAND, Key::R),
            Action::Settings => (Modifiers::COMMAND, Key::Comma),
            Action::Close => (Modifiers::NONE, Key::Escape),
            Action::Decline | Action::Audio => return None,
        };
        Some(KeyboardShortcut::new(modifiers, key))
    }

    /// Whether its key was pressed; takes the press out of the input.
    pub(crate) fn pressed(self, ui: &Ui) -> bool {
        self.shortcut()
            .is_some_and(|shortcut| ui.input_mut(|input| input.consume_shortcut(&shortcut)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actions_of_one_moment_share_a_key() {
        for (at, one) in Action::ALL.iter().enumerate() {
            for other in &Action::ALL[at + 1..] {
                // Enter calls while nothing rings and answers while something does.
                if (*one, *other) == (Action::Call, Action::Answer) {
                    continue;
                }
                if let (Some(a), Some(b)) = (one.shortcut(), other.shortcut()) {
                    assert_ne!(a, b, "{one:?} and {other:?}");
                }
            }
        }
    }

    #[test]
    fn escape_never_hangs_up() {
        let escape = KeyboardShortcut::new(Modifiers::NONE, Key::Escape);
        for action in [Action::HangUp, Action::Decline] {
            assert_ne!(action.shortcut(), Some(escape));
        }
    }
}
