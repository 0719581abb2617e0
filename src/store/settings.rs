//! The settings file: TOML, with a format number so that it can be migrated.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use super::{
    LineSettings, MessageSettings, ReceptionSettings, RecordingSettings, SecretPlace,
    TrustSettings, WatchedSettings, Writers,
};
use crate::voice::VoiceSettings;

/// The format that this version writes.
const FORMAT: u32 = 1;

/// A settings file of a person is a few kilobytes; one of this size is something else.
const MAX_BYTES: u64 = 1 << 20;

/// Everything a person has set, but no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The format of the file.
    pub format: u32,
    /// A language tag; `None`: the system's language.
    pub language: Option<String>,
    /// Light, dark or as the system.
    pub theme: Theme,
    /// The chosen microphone; `None`: the system's default.
    pub input_device: Option<String>,
    /// The chosen speaker; `None`: the system's default.
    pub output_device: Option<String>,
    /// The speaker that rings; `None`: the chosen one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring_device: Option<String>,
    /// How sound goes over the network.
    #[serde(skip_serializing_if = "LineSettings::is_usual")]
    pub line: LineSettings,
    /// Gain of the microphone, in dB.
    pub input_gain_db: i32,
    /// Gain of what is heard of calls, in dB.
    pub output_gain_db: i32,
    /// One's own voice in one's own ear, in dB; `None`: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sidetone_db: Option<i32>,
    /// What the phone sounds like.
    #[serde(flatten)]
    pub sounds: SoundSettings,
    /// What is done to the microphone's sound.
    pub voice: VoiceSettings,
    /// How calls are recorded.
    #[serde(skip_serializing_if = "RecordingSettings::is_usual")]
    pub recording: RecordingSettings,
    /// How messages are dealt with.
    #[serde(skip_serializing_if = "MessageSettings::is_usual")]
    pub messages: MessageSettings,
    /// Where passwords are kept; never here.
    #[serde(skip_serializing_if = "SecretPlace::is_usual")]
    pub secrets: SecretPlace,
    /// Tells this phone from others of the same person at their registrars, for as long as it is
    /// installed: a UUID (RFC 5626 section 4.1). `None`: not given yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// In the order they were added.
    #[serde(rename = "account", skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            format: FORMAT,
            language: None,
            theme: Theme::System,
            input_device: None,
            output_device: None,
            ring_device: None,
            line: LineSettings::default(),
            input_gain_db: 0,
            output_gain_db: 0,
            sidetone_db: None,
            sounds: SoundSettings::default(),
            voice: VoiceSettings::default(),
            recording: RecordingSettings::default(),
            messages: MessageSettings::default(),
            secrets: SecretPlace::default(),
            instance: None,
            accounts: Vec::new(),
        }
    }
}

impl Settings {
    /// Adds an account, or replaces the one with its id. An id of 0 is given the next free one.
    /// The id it ends up with.
    pub fn put_account(&mut self, mut account: AccountSettings) -> u32 {
        if account.id == 0 {
            account.id = 1 + self
                .accounts
                .iter()
                .map(|other| other.id)
                .max()
                .unwrap_or(0);
        }
        let id = account.id;
        match self.accounts.iter_mut().find(|other| other.id == id) {
            Some(place) => *place = account,
            None => self.accounts.push(account),
        }
        id
    }

    /// Removes an account; does nothing if there is none with this id.
    pub fn remove_account(&mut self, id: u32) {
        self.accounts.retain(|account| account.id != id);
    }
}

/// What the phone sounds like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SoundSettings {
    /// The name of a ring tone of ours, or the path of a WAV file.
    pub ringtone: String,
    /// The same for calls that the server says are from outside; `None`: as all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ringtone_outside: Option<String>,
    /// How loud it rings, 0 to 100 %.
    pub ring_volume: u8,
    /// The country whose tones are heard, as ISO 3166-1 has it; `None`: the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tones: Option<String>,
    /// The keys pressed here are heard.
    pub key_tones: bool,
    /// Those pressed on the far side too.
    pub received_key_tones: bool,
    /// `off`, `built-in`, or the path of a WAV file.
    pub hold_music: String,
}

impl Default for SoundSettings {
    fn default() -> Self {
        SoundSettings {
            ringtone: "soft".into(),
            ringtone_outside: None,
            ring_volume: 60,
            tones: None,
            key_tones: true,
            received_key_tones: false,
            hold_music: "built-in".into(),
        }
    }
}

impl SoundSettings {
    /// For a phone without a person's settings: no music that nobody asked for.
    #[must_use]
    pub fn unattended() -> SoundSettings {
        SoundSettings {
            hold_music: "off".into(),
            ..SoundSettings::default()
        }
    }
}

/// The window's colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// One account as the settings file keeps it: everything but the password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountSettings {
    /// Stable across renames: the password's name in the keyring. 0: not yet given.
    pub id: u32,
    /// The address of record, `1001@pbx.example` or a whole SIP URI.
    pub address: String,
    /// The name shown to whom we call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The user name for the password, if it is not the extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_user: Option<String>,
    /// `host`, `host:port` or SIP URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registrar: Option<String>,
    /// Outbound proxy: `host`, `host:port` or SIP URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// `udp`, `tcp`, `tls`, `ws` or `wss`; `None`: what the address says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// Whose word is taken for a server's certificate: a PEM file; `None`: whom the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// What those have taken back: a PEM file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl: Option<String>,
    /// The SHA-256 fingerprint of the one certificate that the server must present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// What is presented if the server asks who we are: a PEM file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// Its private key: the path of a PEM file, never the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// A call that is redirected (3xx) ends instead of going on to where it is sent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_redirects: bool,
    /// Whoever wants to hand us over is never followed unasked, not even to an extension.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ask_transfers: bool,
    /// The keys before the number that have the PBX hand a call over; `None`: REFER does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_code: Option<String>,
    /// How keys go to the far side: `agreed`, `info`, `short-info`, `tones`; `None`: as agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits: Option<String>,
    /// Who may write messages to it.
    #[serde(skip_serializing_if = "Writers::is_usual")]
    pub writers: Writers,
    /// The country whose tones are heard in its calls, as ISO 3166-1 has it; `None`: as in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tones: Option<String>,
    /// Whom we call is not told who we are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub anonymous: bool,
    /// How much protection of their sound calls are to have: `off`, `optional`, `required`; `None`:
    /// optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srtp: Option<String>,
    /// What is dialled to take a call that rings at another phone, with `{ext}` for its number;
    /// `None`: an INVITE with Replaces does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickup_code: Option<String>,
    /// The server is not asked what waits in the mailbox; what it says unasked is shown all the
    /// same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_mailbox: bool,
    /// The number that plays the mailbox's messages; `None`: the one that the server names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voicemail: Option<String>,
    /// The server is told how the person can be reached.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub publish_presence: bool,
    /// Who is believed, and with what.
    #[serde(skip_serializing_if = "TrustSettings::is_usual")]
    pub trust: TrustSettings,
    /// What becomes of calls that come in.
    #[serde(skip_serializing_if = "ReceptionSettings::is_usual")]
    pub reception: ReceptionSettings,
    /// Whose lamps are watched, in the order in which they are shown.
    #[serde(rename = "watch", skip_serializing_if = "Vec::is_empty")]
    pub watched: Vec<WatchedSettings>,
}

/// Why the settings could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Written by a later version: not to be overwritten.
    #[error("settings are of format {found}, this version reads up to {FORMAT}")]
    TooNew {
        /// The format found.
        found: u32,
    },
    /// Not there to be read: permissions, disk.
    #[error("settings file is not readable: {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word for it.
        source: std::io::Error,
    },
    /// The system names no place for settings.
    #[error("no folder for settings")]
    NoFolder,
}

/// Why the settings could not be written. The old file is whole.
#[derive(Debug, thiserror::Error)]
#[error("settings file is not writable: {path}")]
pub struct SaveError {
    /// The file.
    pub path: PathBuf,
    /// The system's word for it.
    pub source: std::io::Error,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The settings, or the defaults.
    pub settings: Settings,
    /// The file was damaged; it was put aside here, untouched.
    pub set_aside: Option<PathBuf>,
}

/// Where the settings are.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    path: PathBuf,
}

impl SettingsFile {
    /// `settings.toml` in this folder, which need not exist.
    #[must_use]
    pub fn in_folder(folder: &Path) -> SettingsFile {
        SettingsFile {
            path: folder.join("settings.toml"),
        }
    }

    /// The person's own, in the system's place for settings, or in the folder that the
    /// environment variable `RAMAL_CONFIG_DIR` names.
    ///
    /// # Errors
    /// [`LoadError::NoFolder`] where there is no home.
    pub fn of_user() -> Result<SettingsFile, LoadError> {
        if let Some(folder) = std::env::var_os("RAMAL_CONFIG_DIR") {
            return Ok(SettingsFile::in_folder(Path::new(&folder)));
        }
        let base = etcetera::choose_base_strategy().map_err(|_| LoadError::NoFolder)?;
        Ok(SettingsFile::in_folder(&base.config_dir().join("ramal")))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file of passwords is, or would be.
    #[must_use]
    pub fn passwords(&self) -> PathBuf {
        self.path.with_file_name("passwords.sealed")
    }

    /// Where conversations are kept: beside the settings in a folder of one's own choosing, else in
    /// the system's place for what programs keep.
    #[must_use]
    pub fn conversations(&self) -> PathBuf {
        const NAME: &str = "messages.db";
        let base = etcetera::choose_base_strategy().ok();
        let usual = base.filter(|base| self.path.starts_with(base.config_dir()));
        match usual {
            Some(base) => base.data_dir().join("ramal").join(NAME),
            None => self.path.with_file_name(NAME),
        }
    }

    /// Reads the settings. No file: the defaults. A damaged one is set aside under another name,
    /// so that nothing is lost, and the defaults are returned.
    ///
    /// # Errors
    /// [`LoadError`] when going on would lose what is there.
    pub fn load(&self) -> Result<Loaded, LoadError> {
        let read = |source| LoadError::Read {
            path: self.path.clone(),
            source,
        };
        let text = match fs::metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Loaded {
                    settings: Settings::default(),
                    set_aside: None,
                });
            }
            Err(error) => return Err(read(error)),
            Ok(found) if found.len() > MAX_BYTES => None,
            Ok(_) => String::from_utf8(fs::read(&self.path).map_err(read)?).ok(),
        };
        let table = text
            .as_deref()
            .and_then(|text| text.parse::<toml::Table>().ok());
        let format = table
            .as_ref()
            .and_then(|table| table.get("format")?.as_integer());
        if let Some(found) = format.filter(|found| *found > i64::from(FORMAT)) {
            return Err(LoadError::TooNew {
                found: u32::try_from(found).unwrap_or(u32::MAX),
            });
        }
        if let Some(settings) = text.and_then(|text| toml::from_str(&text).ok()) {
            return Ok(Loaded {
                settings,
                set_aside: None,
            });
        }
        let aside = self.free_name_aside();
        fs::rename(&self.path, &aside).map_err(read)?;
        Ok(Loaded {
            settings: Settings::default(),
            set_aside: Some(aside),
        })
    }

    fn free_name_aside(&self) -> PathBuf {
        let mut number = 1_u32;
        loop {
            let path = self
                .path
                .with_file_name(format!("settings.damaged-{number}.toml"));
            if !path.exists() || number == u32::MAX {
                return path;
            }
            number += 1;
        }
    }

    /// Writes the settings beside the old ones and puts them in their place in one step.
    ///
    /// # Errors
    /// [`SaveError`]; the old file is untouched.
    pub fn save(&self, settings: &Settings) -> Result<(), SaveError> {
        let failed = |source| SaveError {
            path: self.path.clone(),
            source,
        };
        let text = toml::to_string_pretty(settings)
            .map_err(|error| failed(std::io::Error::other(error)))?;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let beside = self.path.with_extension("toml.new");
        let mut file = fs::File::create(&beside).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&beside, &self.path).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn settings_come_back_as_they_were_saved() {
        let folder = folder();
        let file = SettingsFile::in_folder(&folder.path().join("deep").join("down"));
        let mut settings = Settings {
            language: Some("pt-BR".into()),
            theme: Theme::Dark,
            line: LineSettings {
                silence_suppression: true,
                max_delay_ms: Some(800),
                ..LineSettings::default()
            },
            input_gain_db: -6,
            sidetone_db: Some(-20),
            ..Settings::default()
        };
        let id = settings.put_account(AccountSettings {
            address: "1001@pbx.example".into(),
            proxy: Some("sbc.example:5080".into()),
            ..AccountSettings::default()
        });
        assert_eq!(id, 1);
        file.save(&settings).unwrap();
        assert_eq!(
            file.load().unwrap(),
            Loaded {
                settings,
                set_aside: None
            }
        );
    }

    #[test]
    fn what_the_phone_sounds_like_is_kept_under_keys_of_its_own() {
        let folder = folder();
        let file = SettingsFile::in_folder(folder.path());
        let text = "format = 1\nringtone = \"bell\"\nring_volume = 35\ntones = \"AR\"\n\n[[account]]\nid = 2\n";
        fs::write(file.path(), text).unwrap();
        let settings = file.load().unwrap().settings;
        let sounds = SoundSettings {
            ringtone: "bell".into(),
            ring_volume: 35,
            tones: Some("AR".into()),
            ..SoundSettings::default()
        };
        assert_eq!(settings.sounds, sounds);
        assert_eq!(settings.accounts.len(), 1);
        file.save(&settings).unwrap();
        assert_eq!(file.load().unwrap().settings, settings);
        let written = fs::read_to_string(file.path()).unwrap();
        assert!(written.contains("\nring_volume = 35\n"), "{written}");
    }

    #[test]
    fn whom_an_account_watches_is_kept_in_order() {
        let folder = folder();
        let file = SettingsFile::in_folder(folder.path());
        let text = "format = 1\n\n[[account]]\nid = 2\naddress = \"9@h\"\nno_mailbox = true\n\n\
            [[account.watch]]\nnumber = \"1007\"\nname = \"Ana\"\npresence = true\n\n\
            [[account.watch]]\nnumber = \"1003\"\n";
        fs::write(file.path(), text).unwrap();
        let settings = file.load().unwrap().settings;
        let account = &settings.accounts[0];
        assert!(account.no_mailbox && !account.publish_presence);
        let numbers: Vec<&str> = account.watched.iter().map(|it| &*it.number).collect();
        assert_eq!(numbers, ["1007", "1003"]);
        assert_eq!(account.watched[0].name.as_deref(), Some("Ana"));
        assert!(account.watched[0].presence && !account.watched[1].presence);
        file.save(&settings).unwrap();
        assert_eq!(file.load().unwrap().settings, settings);
    }

    #[test]
    fn a_file_of_format_one_is_read() {
        let folder = folder();
        let file = SettingsFile::in_folder(folder.path());
        let text = "format = 1\nlanguage = \"es\"\n\n[[account]]\nid = 7\naddress = \"9@h\"\n";
        fs::write(file.path(), text).unwrap();
        let settings = file.load().unwrap().settings;
        assert_eq!(settings.language.as_deref(), Some("es"));
        assert_eq!(settings.accounts[0].id, 7);
        assert_eq!(settings.accounts[0].address, "9@h");
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_not_lost() {
        let folder = folder();
        let file = SettingsFile::in_folder(folder.path());
        fs::write(file.path(), "accounts = [oops").unwrap();
        let loaded = file.load().unwrap();
        assert_eq!(loaded.settings, Settings::default());
        let aside = loaded.set_aside.unwrap();
        assert_eq!(fs::read_to_string(aside).unwrap(), "accounts = [oops");
        assert!(!file.path().exists());
    }

    #[test]
    fn a_file_of_a_later_version_is_left_alone() {
        let folder = folder();
        let file = SettingsFile::in_folder(folder.path());
        fs::write(file.path(), "format = 99\nnew_thing = true\n").unwrap();
        assert!(matches!(file.load(), Err(LoadError::TooNew { found: 99 })));
        assert!(file.path().exists());
    }

    #[test]
    fn accounts_are_replaced_by_id_and_numbers_are_not_used_twice_at_once() {
        let mut settings = Settings::default();
        let named = |id, address: &str| AccountSettings {
            id,
            address: address.into(),
            ..AccountSettings::default()
        };
        assert_eq!(settings.put_account(named(0, "a@h")), 1);
        assert_eq!(settings.put_account(named(0, "b@h")), 2);
        assert_eq!(settings.put_account(named(1, "c@h")), 1);
        let addresses: Vec<_> = settings
            .accounts
            .iter()
            .map(|a| a.address.as_str())
            .collect();
        assert_eq!(addresses, ["c@h", "b@h"]);
        settings.remove_account(1);
        assert_eq!(settings.accounts.len(), 1);
    }
}
