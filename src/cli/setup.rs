//! From arguments to an account and an engine, with what is wrong told before anything is sent.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use super::args::{
    AccountArgs, Bind, EchoArg, NoiseArg, ResendArg, SidesArg, SoundArgs, TransportArg,
};
use super::exit::Exit;
use crate::agent::{AccountConfig, AccountId, AgentConfig, Resend, dial};
use crate::audio::{self, ClipError, SinkChoice, SourceChoice};
use crate::dsp::progress::Country;
use crate::engine::{
    EngineConfig, KeepChats, MediaConfig, MediaError, RecordError, StartError, account_config,
    server,
};
use crate::i18n::{Language, Words};
use crate::jitter::DelayBounds;
use crate::media::Loudness;
use crate::media::recording::Sides;
use crate::net::BindError;
use crate::redact::Secret;
use crate::say;
use crate::sip::{Transport, Uri};
use crate::store::{
    AccountSettings, EncryptedFile, Keyring, SecretError, SecretPlace, Secrets, SessionSecrets,
    Settings, SettingsFile,
};
use crate::trust::{ClientFiles, Terms};
use crate::voice::{EchoChoice, NoiseChoice, VoiceSettings};

/// The account that the command line makes from its arguments.
const ACCOUNT: AccountId = AccountId(1);
/// Where a password may stand in the environment.
const PASSWORD_VARIABLE: &str = "RAMAL_PASSWORD";
/// Where the passphrase of the file of passwords may stand in the environment.
const PASSPHRASE_VARIABLE: &str = "RAMAL_PASSPHRASE";
/// How long the sound system may take to say what it has.
const SOUND_SYSTEM: Duration = Duration::from_secs(5);
/// A password file holds one line.
const MAX_PASSWORD_FILE: u64 = 4096;

/// Why a command is not carried out as it stands. Nothing was sent.
#[derive(Debug)]
pub(super) enum Misuse {
    /// A sentence of the catalogue, and what it is about.
    Told {
        /// The sentence's id.
        id: &'static str,
        /// The argument or file that it is about.
        about: String,
        /// The system's word for it.
        cause: Option<String>,
    },
    /// The engine did not start.
    Start(StartError),
}

impl Misuse {
    pub(super) fn told(id: &'static str) -> Misuse {
        Misuse::about(id, "")
    }

    pub(super) fn about(id: &'static str, about: impl Into<String>) -> Misuse {
        Misuse::Told {
            id,
            about: about.into(),
            cause: None,
        }
    }

    pub(super) fn with_cause(
        id: &'static str,
        path: &Path,
        cause: &dyn std::error::Error,
    ) -> Misuse {
        Misuse::Told {
            id,
            about: path.display().to_string(),
            cause: Some(whole(cause)),
        }
    }

    /// What the process ends with.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Misuse::Told { .. } => Exit::Usage,
            Misuse::Start(StartError::Bind(_) | StartError::Media(_)) => Exit::Usage,
            Misuse::Start(_) => Exit::Bug,
        }
    }

    /// What a person is told.
    pub(super) fn sentence(&self, words: &Words) -> String {
        let (what, cause) = match self {
            Misuse::Told { id, about, cause } => {
                let mut arguments = HashMap::new();
                arguments.insert("about", about.clone());
                (words.loader().get_args(id, arguments), cause.clone())
            }
            Misuse::Start(error) => (start_error(words, error), None),
        };
        let told = say!(words, "cli-error", what = what);
        match cause {
            Some(cause) => format!("{told} ({cause})"),
            None => told,
        }
    }
}

impl From<StartError> for Misuse {
    fn from(error: StartError) -> Misuse {
        Misuse::Start(error)
    }
}

/// The account that the arguments describe.
pub(super) fn account(args: &AccountArgs) -> Result<AccountConfig, Misuse> {
    let mut config = if let Some(name) = &args.account {
        stored(name, args)?
    } else if let Some(aor) = &args.aor {
        let password = match given_password(args)? {
            Some(password) => Some(password),
            None => kept_password(aor, args)?,
        };
        let uri: Uri = with_scheme(aor)
            .parse()
            .map_err(|_| Misuse::about("cli-not-a-uri", aor))?;
        if uri.as_sip().is_none() {
            return Err(Misuse::about("cli-not-a-uri", aor));
        }
        let mut config = AccountConfig::registered(ACCOUNT, uri, password);
        config.register = !args.no_register;
        config
    } else {
        AccountConfig::direct(ACCOUNT)
    };
    if let Some(user) = &args.auth_user {
        config.auth_user = Some(user.clone());
    }
    if let Some(name) = &args.display_name {
        config.display_name = Some(name.clone());
    }
    let host = |text: &String| server(text).ok_or_else(|| Misuse::about("cli-not-a-uri", text));
    if let Some(registrar) = &args.registrar {
        config.registrar = Some(host(registrar)?);
    }
    if let Some(proxy) = &args.proxy {
        config.proxy = Some(host(proxy)?);
    }
    if let Some(transport) = args.transport {
        config.transport = Some(match transport {
            TransportArg::Udp => Transport::Udp,
            TransportArg::Tcp => Transport::Tcp,
            TransportArg::Tls => Transport::Tls,
            TransportArg::Ws => Transport::Ws,
            TransportArg::Wss => Transport::Wss,
        });
    }
    terms(args, &mut config.terms)?;
    config.follow_redirects &= !args.no_redirects;
    config.trust.require_tls |= args.require_tls;
    config.trust.weaker_digest |= args.weaker_digest;
    config.trust.other_realms |= args.other_realms;
    config.trust.direct_calls |= args.direct_calls;
    if let Some(encryption) = args.srtp {
        config.encryption = encryption;
    }
    if let Some(digits) = args.digits_by {
        config.digits = digits;
    }
    config.expires = Duration::from_secs(u64::from(args.expires));
    Ok(config)
}

/// What servers have to show; what is given here takes the place of what the account says.
fn terms(args: &AccountArgs, terms: &mut Terms) -> Result<(), Misuse> {
    let named = [&args.ca, &args.crl, &args.client_cert, &args.client_key];
    for path in named.into_iter().flatten() {
        std::fs::File::open(path)
            .map_err(|cause| Misuse::with_cause("cli-no-such-file", path, &cause))?;
    }
    if let Some(ca) = &args.ca {
        terms.ca = Some(ca.clone());
        terms.crl.clone_from(&args.crl);
    }
    if let Some(pin) = &args.pin {
        let read = pin.parse();
        terms.pin = Some(read.map_err(|_| Misuse::about("cli-not-a-fingerprint", pin))?);
    }
    if let (Some(certificate), Some(key)) = (&args.client_cert, &args.client_key) {
        terms.client = Some(ClientFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        });
    }
    Ok(())
}

fn with_scheme(aor: &str) -> String {
    let lower = aor.to_ascii_lowercase();
    if lower.starts_with("sip:") || lower.starts_with("sips:") {
        aor.to_owned()
    } else {
        format!("sip:{aor}")
    }
}

/// An account of the settings, by its extension, its address or its display name.
fn stored(name: &str, args: &AccountArgs) -> Result<AccountConfig, Misuse> {
    let unreadable = |error: crate::store::LoadError| Misuse::Told {
        id: "cli-settings-unreadable",
        about: String::new(),
        cause: Some(format!("{error:#}")),
    };
    let file = SettingsFile::of_user().map_err(unreadable)?;
    let settings = file.load().map_err(unreadable)?.settings;
    let fits = |account: &&AccountSettings| {
        account.address == name
            || account.address.split('@').next() == Some(name)
            || account.display_name.as_deref() == Some(name)
    };
    let Some(written) = settings.accounts.iter().find(fits) else {
        return Err(Misuse::about("cli-no-such-account", name));
    };
    let password = match given_password(args)? {
        Some(password) => Some(password),
        None => kept(&file, &settings, written.id, args)?,
    };
    account_config(written, password).map_err(|_| Misuse::about("cli-account-unusable", name))
}

/// The password that is kept for an address which the settings know.
fn kept_password(aor: &str, args: &AccountArgs) -> Result<Option<Secret<String>>, Misuse> {
    let bare = |address: &str| with_scheme(address).split_off("sip:".len());
    let Ok(file) = SettingsFile::of_user() else {
        return Ok(None);
    };
    let Ok(loaded) = file.load() else {
        return Ok(None);
    };
    let settings = loaded.settings;
    let mut accounts = settings.accounts.iter();
    let same = |written: &&AccountSettings| bare(&written.address).eq_ignore_ascii_case(&bare(aor));
    match accounts.find(same).map(|written| written.id) {
        Some(id) => kept(&file, &settings, id, args),
        None => Ok(None),
    }
}

/// The password that is kept for an account, where the person wants it to be. A keyring that does
/// not answer leaves the account without one; the registrar's challenge then says so.
fn kept(
    file: &SettingsFile,
    settings: &Settings,
    account: u32,
    args: &AccountArgs,
) -> Result<Option<Secret<String>>, Misuse> {
    match settings.secrets {
        SecretPlace::Keyring => Ok(Keyring.find(account).unwrap_or(None)),
        SecretPlace::Memory => Ok(None),
        SecretPlace::File => {
            let passphrase = match &args.passphrase_file {
                Some(path) => Some(read_password(path)?),
                None => passphrase_of_environment(),
            };
            let Some(passphrase) = passphrase else {
                return Err(Misuse::told("cli-passphrase-needed"));
            };
            let path = file.passwords();
            EncryptedFile::open(&path, &passphrase)
                .and_then(|mut opened| opened.find(account))
                .map_err(|error| match error {
                    SecretError::WrongPassphrase => Misuse::told("cli-passphrase-wrong"),
                    other => Misuse::with_cause("cli-passwords-unreadable", &path, &other),
                })
        }
    }
}

/// The passphrase from the environment.
pub(super) fn passphrase_of_environment() -> Option<Secret<String>> {
    let passphrase = std::env::var(PASSPHRASE_VARIABLE).ok().map(Secret::new);
    passphrase.filter(|passphrase| !passphrase.reveal().is_empty())
}

/// The password from the file that is named, else from the environment.
fn given_password(args: &AccountArgs) -> Result<Option<Secret<String>>, Misuse> {
    if let Some(path) = &args.password_file {
        return read_password(path).map(Some);
    }
    match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) if !password.is_empty() => Ok(Some(Secret::new(password))),
        _ => Ok(None),
    }
}

fn read_password(path: &Path) -> Result<Secret<String>, Misuse> {
    let failed = |cause: std::io::Error| Misuse::Told {
        id: "cli-password-file",
        about: path.display().to_string(),
        cause: Some(cause.to_string()),
    };
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_PASSWORD_FILE {
        return Err(Misuse::about(
            "cli-password-file",
            path.display().to_string(),
        ));
    }
    let text = Secret::new(std::fs::read_to_string(path).map_err(failed)?);
    let line = text.reveal().lines().next().unwrap_or_default();
    Ok(Secret::new(line.to_owned()))
}

/// Says at once when the target cannot be called from this account.
pub(super) fn dialable(typed: &str, account: &AccountConfig) -> Result<(), Misuse> {
    let home = account
        .aor
        .as_ref()
        .and_then(Uri::as_sip)
        .map(|aor| &aor.host_port);
    dial::target(typed, home)
        .map(|_| ())
        .map_err(|_| Misuse::about("cli-not-dialable", typed))
}

/// The engine that the arguments describe; without sound arguments, one without sound.
pub(super) fn engine(
    account: &AccountArgs,
    sound: Option<&SoundArgs>,
) -> Result<EngineConfig, Misuse> {
    let mut agent = AgentConfig::default();
    // Silence and no speaker.
    let mut media = MediaConfig::default();
    if let Some(sound) = sound {
        if !sound.codecs.is_empty() {
            agent.codecs = sound.codecs.iter().map(|codec| codec.0).collect();
        }
        agent.ptime = sound.ptime.0;
        agent.silence_suppression = sound.silence_suppression;
        agent.resend = match sound.resend {
            ResendArg::Never => Resend::Never,
            ResendArg::Usual => Resend::Usual,
            ResendArg::Always => Resend::Always,
        };
        let ms = |ms: u32| Duration::from_millis(ms.into());
        media.delay = DelayBounds::within(sound.start_delay_ms.map(ms), sound.max_delay_ms.map(ms));
        media.record_sides = match sound.record_sides {
            SidesArg::Far => Sides::Far,
            SidesArg::Mixed => Sides::Mixed,
            SidesArg::Stereo => Sides::Stereo,
        };
        media.country = Country::of_locale(&Language::locale_of_system());
        media.rtp_ports = sound.rtp_ports.as_ref().map(|ports| ports.0.clone());
        media.loudness = Loudness {
            input_db: sound.input_gain,
            output_db: sound.output_gain,
            sidetone_db: sound.sidetone,
            output_muted: false,
        };
        media.source = match (&sound.play, sound.silence) {
            (Some(path), _) => SourceChoice::File {
                path: path.clone(),
                looped: sound.looped,
            },
            (None, true) => SourceChoice::Silence,
            (None, false) => SourceChoice::Device(sound.input_device.clone()),
        };
        media.voice = VoiceSettings {
            echo: match sound.echo {
                EchoArg::Auto => EchoChoice::Auto,
                EchoArg::On => EchoChoice::On,
                EchoArg::Off => EchoChoice::Off,
            },
            noise: sound.noise.into(),
            gain: !sound.no_gain,
            ..VoiceSettings::default()
        };
        // Whoever plays a file or records one runs a script; a speaker is used when it is named.
        let speaks = !sound.silence
            && (sound.output_device.is_some() || (sound.play.is_none() && sound.record.is_none()));
        media.sink = match (&sound.record, speaks) {
            (Some(path), false) => SinkChoice::Record(path.clone()),
            (Some(path), true) => SinkChoice::Both {
                device: sound.output_device.clone(),
                path: path.clone(),
            },
            (None, true) => SinkChoice::Device(sound.output_device.clone()),
            (None, false) => SinkChoice::Discard,
        };
    }
    Ok(EngineConfig {
        bind: account.bind.map(|bind| bind.ip),
        port: account.bind.map_or(0, |bind| bind.port),
        dns: account.dns.map(Bind::for_dns),
        agent,
        media,
        settings: None,
        chats: KeepChats::No,
        secrets: Box::<SessionSecrets>::default(),
        hear_interrupts: true,
    })
}

pub(super) fn start_error(words: &Words, error: &StartError) -> String {
    match error {
        StartError::Bind(BindError::InUse {
            protocol,
            addr,
            owner,
        }) => {
            let address = format!("{protocol} {addr}");
            match owner {
                Some(owner) => {
                    let owner = owner.to_string();
                    say!(
                        words,
                        "cli-port-in-use-by",
                        address = address,
                        owner = owner
                    )
                }
                None => say!(words, "cli-port-in-use", address = address),
            }
        }
        StartError::Bind(BindError::NotLocal { addr }) => {
            say!(words, "cli-not-local", address = addr.to_string())
        }
        StartError::Bind(BindError::Permission { protocol, addr }) => {
            say!(
                words,
                "cli-port-forbidden",
                address = format!("{protocol} {addr}")
            )
        }
        StartError::Bind(BindError::Io { protocol, addr, .. }) => {
            say!(
                words,
                "cli-bind-failed",
                address = format!("{protocol} {addr}")
            )
        }
        StartError::Bind(_) => say!(words, "cli-no-socket"),
        StartError::Media(MediaError::Source(error)) => clip_error(words, error),
        StartError::Media(MediaError::Sink(error)) => record_error(words, error),
        StartError::Media(_) | StartError::Thread(_) | StartError::Panicked => {
            say!(words, "cli-start-failed")
        }
    }
}

fn clip_error(words: &Words, error: &ClipError) -> String {
    let shown = |path: &Path| path.display().to_string();
    match error {
        ClipError::NotFound { path } => say!(words, "cli-file-missing", about = shown(path)),
        ClipError::Unreadable { path, source } => {
            let told = say!(words, "cli-file-unreadable", about = shown(path));
            format!("{told} ({source})")
        }
        ClipError::NotWav { path } => say!(words, "cli-file-not-wav", about = shown(path)),
        ClipError::Unsupported { path } => say!(words, "cli-file-unsupported", about = shown(path)),
        ClipError::Empty { path } => say!(words, "cli-file-empty", about = shown(path)),
        ClipError::TooLong { path } => say!(words, "cli-file-too-long", about = shown(path)),
    }
}

fn record_error(words: &Words, error: &RecordError) -> String {
    match error {
        RecordError::Unwritable { path, source } | RecordError::DiskFull { path, source } => {
            let about = path.display().to_string();
            let told = say!(words, "cli-record-unwritable", about = about);
            format!("{told} ({source})")
        }
        RecordError::Thread { .. } => say!(words, "cli-start-failed"),
    }
}

/// Whether this machine has the microphone and the speaker that a call shall use. One that is
/// named must be there; without any, the call goes on in silence until one is plugged in.
pub(super) fn has_devices(media: &MediaConfig) -> Result<bool, Misuse> {
    let input = match &media.source {
        SourceChoice::Device(name) => Some(name.as_deref()),
        SourceChoice::File { .. } | SourceChoice::Silence => None,
    };
    let output = media.sink.device();
    if input.is_none() && output.is_none() {
        return Ok(true);
    }
    // A sound system that does not answer is as good as none.
    let list = audio::list(SOUND_SYSTEM).unwrap_or_default();
    let mut all = true;
    for (wanted, there) in [(input, &list.inputs), (output, &list.outputs)] {
        let Some(wanted) = wanted else { continue };
        let is = |name: &str| there.iter().any(|d| d.name == name || d.id == name);
        match wanted {
            Some(name) if !is(name) => return Err(Misuse::about("cli-no-such-device", name)),
            _ => all &= !there.is_empty(),
        }
    }
    Ok(all)
}

/// An error with everything that caused it.
pub(super) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What is meant by the word on the command line.
impl From<NoiseArg> for NoiseChoice {
    fn from(noise: NoiseArg) -> NoiseChoice {
        match noise {
            NoiseArg::Off => NoiseChoice::Off,
            NoiseArg::Low => NoiseChoice::Low,
            NoiseArg::High => NoiseChoice::High,
            NoiseArg::Isolation => NoiseChoice::Isolation,
        }
    }
}
