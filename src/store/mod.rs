//! What outlives the program: settings on disk, secrets in the keyring.

mod line_settings;
mod recording_settings;
mod secrets;
mod settings;
mod worker;

pub use line_settings::LineSettings;
pub use recording_settings::{RecordingFormat, RecordingSettings, RecordingSides};
pub use secrets::{Keyring, SecretError, Secrets, SessionSecrets};
pub use settings::{
    AccountSettings, LoadError, Loaded, SaveError, Settings, SettingsFile, SoundSettings, Theme,
};
pub use worker::{Answer, Order, Worker};
