//! What outlives the program: settings and conversations on disk, secrets in the keyring, or in a
//! file under a passphrase.

mod conversations;
mod encrypted;
mod line_settings;
mod message_settings;
mod reception_settings;
mod recording_settings;
mod secrets;
mod settings;
mod team_settings;
mod trust_settings;
mod vault;
mod worker;

pub use conversations::{
    ChatAnswer, ChatOrder, Conversations, NewRecord, PAGE, Page, Record, RecordState, Sending,
    Summary, Told, Unsent,
};
pub use encrypted::EncryptedFile;
pub use line_settings::LineSettings;
pub use message_settings::{MessageSettings, Writers};
pub use reception_settings::{
    AutoAnswerSettings, ForwardSettings, IntercomChoice, ReceptionSettings, StrangersChoice,
    TimetableSettings, UndisturbedSettings,
};
pub use recording_settings::{RecordingFormat, RecordingSettings, RecordingSides};
pub use secrets::{Keyring, SecretError, Secrets, SessionSecrets};
pub use settings::{
    AccountSettings, LoadError, Loaded, SaveError, Settings, SettingsFile, SoundSettings, Theme,
};
pub use team_settings::WatchedSettings;
pub use trust_settings::TrustSettings;
pub use vault::{SecretPlace, Vault};
pub use worker::{Answer, Order, Worker};
