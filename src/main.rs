//! The `ramal` binary: the command line does what the arguments say, or gives way to the window.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ramal::agent::AgentConfig;
use ramal::allocations::Counted;
use ramal::audio::{SinkChoice, SourceChoice};
use ramal::cli::{self, Face};
use ramal::dsp::progress::Country;
use ramal::engine::{
    self, Command, EngineConfig, Handle, KeepChats, MediaConfig, Snapshot, clock, signals,
};
use ramal::i18n::{Language, Words};
use ramal::lab::{self, Lab, LabConfig};
use ramal::redact::Secret;
use ramal::say;
use ramal::store::{
    AccountSettings, SecretPlace, Secrets, SessionSecrets, Settings, SettingsFile, Theme, Vault,
    WatchedSettings,
};
use ramal::ui::theme::Appearance;
use ramal::ui::{self, Phone, UiAction, UiOptions};

/// The extension that the person has in the lab.
const LAB_EXTENSION: &str = lab::EXTENSIONS[0];

#[global_allocator]
static ALLOCATOR: Counted = Counted;

fn main() -> ExitCode {
    match cli::main(std::env::args_os().collect()) {
        Face::Done(code) => code,
        Face::Window {
            uri,
            language,
            demo,
        } => window(uri, language, demo),
    }
}

/// Opens the window on an engine of its own, and ends both well.
/// Passwords where the person wants them. The file is opened at once where the environment has its
/// passphrase; else the window asks for it.
fn vault(file: &SettingsFile, settings: &Settings) -> Vault {
    let mut vault = Vault::new(settings.secrets, &file.passwords());
    if settings.secrets == SecretPlace::File
        && let Some(passphrase) = cli::passphrase_of_environment()
        && let Err(error) = vault.choose(SecretPlace::File, Some(&passphrase))
    {
        tracing::warn!("passwords stay locked: {error:#}");
    }
    vault
}

fn window(uri: Option<String>, language: Option<Language>, demo: bool) -> ExitCode {
    let (file, settings) = if demo {
        (None, Settings::default())
    } else {
        settings()
    };
    let language = language.or_else(|| settings.language.as_deref().and_then(Language::from_tag));
    let words = Words::new(language.unwrap_or_else(Language::of_system));
    let appearance = match settings.theme {
        Theme::System => Appearance::System,
        Theme::Light => Appearance::Light,
        Theme::Dark => Appearance::Dark,
    };
    // Without a file to write to there is nothing to keep a password for.
    let secrets: Box<dyn Secrets> = match &file {
        Some(file) => Box::new(vault(file, &settings)),
        None => Box::<SessionSecrets>::default(),
    };
    let chats = match &file {
        Some(file) => KeepChats::In(file.conversations()),
        None => KeepChats::InMemory,
    };
    let config = EngineConfig {
        bind: demo.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port: 0,
        dns: None,
        agent: AgentConfig::default(),
        media: MediaConfig {
            rtp_ports: None,
            country: Country::of_locale(&Language::locale_of_system()),
            source: SourceChoice::Device(settings.input_device.clone()),
            sink: SinkChoice::Device(settings.output_device.clone()),
            voice: settings.voice,
            ..MediaConfig::default()
        },
        settings: file.map(|file| (file, settings)),
        chats,
        secrets,
        // The window closes first, as by its own button; see `Leaving`.
        hear_interrupts: false,
    };
    let leaving = Arc::new(Leaving::default());
    let asked = Arc::clone(&leaving);
    if let Err(error) = signals::on_interrupt(move || asked.ask()) {
        tracing::warn!("Ctrl-C will end the program without a goodbye: {error}");
    }
    let (handle, events) = match engine::start(config) {
        Ok(started) => started,
        Err(error) => {
            cli::complain(&cli::start_error(&words, &error));
            return ExitCode::FAILURE;
        }
    };
    // The window follows the snapshot; steps are of no interest to it.
    drop(events);
    let phone = Arc::new(Desk {
        handle,
        lab: Mutex::new(None),
        leaving,
    });
    if demo {
        phone.start_lab();
    }
    let options = UiOptions {
        start_uri: uri,
        language,
        appearance,
        ..UiOptions::default()
    };
    // The window is gone before the engine says goodbye: nobody looks at a frozen one meanwhile.
    match ui::run(Arc::clone(&phone), options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::complain(&say!(words, "cli-no-window", cause = error.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// The person's settings. What cannot be read is told by the log and not overwritten.
fn settings() -> (Option<SettingsFile>, Settings) {
    let loaded = SettingsFile::of_user().and_then(|file| Ok((file.load()?, file)));
    match loaded {
        Ok((loaded, file)) => {
            if let Some(aside) = loaded.set_aside {
                tracing::warn!(path = %aside.display(), "damaged settings were set aside");
            }
            (Some(file), loaded.settings)
        }
        Err(error) => {
            tracing::warn!("settings are not read, and will not be written: {error:#}");
            (None, Settings::default())
        }
    }
}

/// Ctrl-C, or the system's request to end: the window closes, and the rest follows from that.
#[derive(Default)]
struct Leaving {
    asked: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Leaving {
    /// Called on the thread that hears signals.
    fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        if let Some(wake) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }
}

/// What stands between window and engine. Dropped in this order: calls end and accounts
/// unregister while the lab still answers.
struct Desk {
    handle: Handle,
    /// The built-in lab, once it was asked for.
    lab: Mutex<Option<Lab>>,
    leaving: Arc<Leaving>,
}

/// Draws the window again, from any thread.
type Waker = Arc<dyn Fn() + Send + Sync>;

impl Desk {
    /// Starts the lab and registers its first extension, on a thread of its own.
    fn start_lab(&self) {
        let mut lab = self.lab.lock().unwrap_or_else(PoisonError::into_inner);
        if lab.is_some() {
            return;
        }
        let config = LabConfig {
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            seed: 1,
        };
        match Lab::start(config) {
            Ok(started) => {
                let settings = AccountSettings {
                    address: format!("{LAB_EXTENSION}@{}", started.address()),
                    publish_presence: true,
                    pickup_code: Some(lab::PICKUP.to_owned()),
                    watched: lab::lamps()
                        .map(|number| WatchedSettings {
                            number,
                            ..WatchedSettings::default()
                        })
                        .collect(),
                    ..AccountSettings::default()
                };
                // The lab has another port the next time: its account is not worth saving.
                self.send(Command::UseAccount {
                    settings: Box::new(settings),
                    password: Secret::from(lab::PASSWORD),
                });
                *lab = Some(started);
            }
            Err(error) => tracing::error!("the lab does not start: {error:#}"),
        }
    }
}

impl Phone for Desk {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.handle.snapshot()
    }

    fn send(&self, command: Command) -> bool {
        self.handle.send(command).is_ok()
    }

    fn set_waker(&self, waker: Box<dyn Fn() + Send + Sync>) {
        let waker: Waker = waker.into();
        let theirs = Arc::clone(&waker);
        self.handle.set_waker(Box::new(move || theirs()));
        let ours = &self.leaving.waker;
        *ours.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    fn is_leaving(&self) -> bool {
        self.leaving.asked.load(Ordering::Acquire)
    }

    fn now(&self) -> Instant {
        clock::now()
    }

    fn unix_secs(&self) -> u64 {
        clock::unix()
    }

    fn request(&self, action: UiAction) {
        match action {
            UiAction::StartLab => self.start_lab(),
            UiAction::KeepLanguage(language) => {
                let tag = language.map(|language| language.tag().to_owned());
                self.send(Command::SetLanguage(tag));
            }
            UiAction::KeepAppearance(appearance) => {
                self.send(Command::SetTheme(match appearance {
                    Appearance::System => Theme::System,
                    Appearance::Light => Theme::Light,
                    Appearance::Dark => Theme::Dark,
                }));
            }
        }
    }
}
