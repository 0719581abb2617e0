//! What a face may ask of the engine: the phone's own commands, and those about this computer.

use crate::agent::{self, AccountId, CallId};
use crate::redact::Secret;
use crate::store::{AccountSettings, Theme};
use crate::voice::VoiceSettings;

/// A person's wish. Sent over a bounded queue; a face never waits for its outcome but reads it
/// in a later [`super::Snapshot`].
#[derive(Clone, Debug)]
pub enum Command {
    /// For the agent as it is.
    Phone(agent::Command),
    /// Dials under a call id of the engine's choosing.
    Dial {
        /// Whose call.
        account: AccountId,
        /// As typed.
        target: String,
    },
    /// Saves an account, its password to the keyring, and registers it.
    SaveAccount {
        /// All but the password.
        settings: Box<AccountSettings>,
        /// `None` keeps the one that is stored.
        password: Option<Secret<String>>,
    },
    /// Registers an account that is forgotten when the engine stops: nothing of it is saved.
    UseAccount {
        /// All but the password; its number is of no meaning.
        settings: Box<AccountSettings>,
        /// Kept in memory alone.
        password: Secret<String>,
    },
    /// Removes an account, its settings and its password.
    ForgetAccount(AccountId),
    /// Takes an ended call out of the snapshot.
    Dismiss(CallId),
    /// Takes the oldest notice out of the snapshot.
    DismissNotice,
    /// Chooses devices; `None` follows the system's default.
    SelectDevices {
        /// Microphone.
        input: Option<String>,
        /// Speaker.
        output: Option<String>,
    },
    /// Chooses what is done to the microphone's sound.
    SetVoice(VoiceSettings),
    /// Chooses the language by its tag; `None`: the system's.
    SetLanguage(Option<String>),
    /// Chooses the colours.
    SetTheme(Theme),
    /// Ends everything well and stops the engine.
    Quit,
}
