//! How messages are dealt with, as far as a person decides.

use serde::{Deserialize, Serialize};

/// What the settings file keeps under `[messages]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageSettings {
    /// Conversations are kept when the program ends.
    pub keep: bool,
    /// A message to somebody who is not there is tried again for a day.
    pub try_again: bool,
    /// The other side is told that something is being written to it.
    pub tell_typing: bool,
}

impl Default for MessageSettings {
    fn default() -> Self {
        MessageSettings {
            keep: true,
            try_again: true,
            tell_typing: true,
        }
    }
}

impl MessageSettings {
    /// Whether nothing was decided.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == MessageSettings::default()
    }
}

/// Who may write to an account, as its settings say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Writers {
    /// Whom its server lets through.
    #[default]
    Server,
    /// Everybody who finds the way here.
    Anyone,
    /// Nobody.
    Nobody,
}

impl Writers {
    /// Whether nothing was decided.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Writers::default()
    }
}
