//! The loop: one thread on which commands, packets, answers and time reach the agent, and
//! everything the agent wants done is done.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use jiff::Zoned;
use tokio::sync::mpsc;

use super::chats::Chats;
use super::config::{EngineConfig, StartError};
use super::event::{Event, Stamped};
use super::loudness::kept_loudness;
use super::media::{MediaReport, MediaThread};
use super::picture::Picture;
use super::reaching::Reaching;
use super::reception::local_time;
use super::sip_port::{Arrival, SipPort};
use super::suspend::SleepWatch;
use super::team::Team;
use super::{Command, Shared, clock, finding, seed, signals};
use crate::agent::{AccountId, Agent, CallId, Output, ResolveFailure, ResolveId};
use crate::audio::{DeviceList, SourceChoice, Watch};
use crate::dsp::progress::Country;
use crate::media::Levels;
use crate::media::tones::Tone;
use crate::net::changes::is_ours;
use crate::net::{Changes, NetEvent, Outlook, Resolver};
use crate::redact::Secret;
use crate::sip::locating::{Hop, Server};
use crate::store::{self, Settings, SettingsFile};

/// Reports, answers and look-ups that may wait for the loop.
const QUEUE: usize = 1024;
/// How long connections may take to send what waits when the engine stops.
const GRACE: Duration = Duration::from_millis(500);
/// How long after waking up it is noticed, when nothing else happens.
const LOOK_AT_CLOCKS: Duration = Duration::from_secs(5);

pub(super) struct Driver {
    pub(super) agent: Agent,
    pub(super) picture: Picture,
    shared: Arc<Shared>,
    events: SyncSender<Stamped>,
    commands: mpsc::Receiver<Command>,
    pub(super) port: SipPort,
    pub(super) media: MediaThread,
    reports: mpsc::Receiver<MediaReport>,
    pub(super) store: store::Worker,
    answers: mpsc::Receiver<store::Answer>,
    pub(super) chats: Chats,
    chat_answers: mpsc::Receiver<store::ChatAnswer>,
    found: mpsc::Receiver<Found>,
    resolver: Resolver,
    outlook: Outlook,
    /// The DNS server that was named, if not those of the system.
    dns: Option<SocketAddr>,
    finder: mpsc::Sender<Found>,
    pub(super) settings: Option<(SettingsFile, Settings)>,
    /// Passwords in use, by the account's number in the settings.
    pub(super) passwords: BTreeMap<u32, Secret<String>>,
    pub(super) next_call: u64,
    pub(super) team: Team,
    /// The ways of calls to their far sides.
    pub(super) reaching: Reaching,
    /// For whom calls are made to consult somebody.
    pub(super) consulting: BTreeMap<CallId, CallId>,
    /// Live levels of calls whose sound is open.
    pub(super) levels: BTreeMap<CallId, Arc<Levels>>,
    /// Outgoing calls that ring over there (180).
    pub(super) rang: BTreeSet<CallId>,
    /// Calls whose first packet of sound has come.
    pub(super) heard: BTreeSet<CallId>,
    /// What sounds on the speaker.
    pub(super) tone: Option<Tone>,
    /// The ring tone that is loaded, as the settings name it; the usual one has no name.
    pub(super) ringtone: String,
    /// What says that the last call came to nothing, and whose call it was.
    pub(super) after: Option<(Tone, AccountId)>,
    /// Whose tones are heard from the next one on.
    pub(super) country: &'static Country,
    /// Files of recordings that this run has begun.
    pub(super) recorded: BTreeSet<PathBuf>,
    /// The music on hold is with the media thread, or on its way to it.
    pub(super) hold_music_loaded: bool,
    /// Whose tones are heard, where the settings name no country.
    pub(super) home: &'static Country,
    /// Whether a microphone or a speaker is used at all.
    pub(super) uses_devices: bool,
    devices: mpsc::Receiver<DeviceList>,
    pub(super) device_lister: mpsc::Sender<DeviceList>,
    /// Their list is on the screen.
    pub(super) devices_shown: bool,
    pub(super) watch: Option<Watch>,
    wake_at: Option<Instant>,
    hear_interrupts: bool,
    /// The picture has changed since the faces last got it.
    pub(super) dirty: bool,
    pub(super) finished: bool,
}

/// The outcome of a look-up.
struct Found {
    id: ResolveId,
    account: AccountId,
    hop: Hop,
    servers: Vec<Server>,
}

impl Driver {
    pub(super) fn open(
        config: EngineConfig,
        commands: mpsc::Receiver<Command>,
        events: SyncSender<Stamped>,
        shared: Arc<Shared>,
    ) -> Result<Driver, StartError> {
        let port = SipPort::open(config.bind, config.port)?;
        let (report, reports) = mpsc::channel(QUEUE);
        let uses_devices = config.media.sink.device().is_some()
            || matches!(config.media.source, SourceChoice::Device(_));
        let home = config.media.country;
        let mut sound = config.media;
        if let Some((_, settings)) = &config.settings {
            sound.loudness = kept_loudness(settings);
        }
        let loudness = sound.loudness.within_ranges();
        let media = MediaThread::start(sound, move |told| {
            // A full queue means that the loop hangs; the media thread must not hang with it.
            let _ = report.try_send(told);
        })?;
        let (answer, answers) = mpsc::channel(QUEUE);
        let file = config.settings.as_ref().map(|(file, _)| file.clone());
        let store = store::Worker::start(file, config.secrets, move |told| {
            let _ = answer.try_send(told);
        })
        .map_err(StartError::Thread)?;
        let (chat_answer, chat_answers) = mpsc::channel(QUEUE);
        let messages = config
            .settings
            .as_ref()
            .map(|(_, settings)| settings.messages);
        let chats = Chats::open(&config.chats, messages.unwrap_or_default(), move |told| {
            let _ = chat_answer.try_send(told);
        })
        .map_err(StartError::Thread)?;
        let (finder, found) = mpsc::channel(QUEUE);
        let (device_lister, devices) = mpsc::channel(4);
        let seed = seed::random().map_err(StartError::Thread)?;
        let keys = seed::of_keys().map_err(StartError::Thread)?;
        let mut settings = config.settings;
        let mut agent = config.agent;
        let unnamed = settings
            .as_ref()
            .is_some_and(|(_, settings)| settings.instance.is_none());
        let named = settings
            .as_mut()
            .map(|(_, settings)| name_instance(settings));
        agent.instance = named.transpose().map_err(StartError::Thread)?;
        let mut driver = Driver {
            agent: Agent::new(agent, seed).with_key_seed(&keys),
            picture: Picture::default(),
            shared,
            events,
            commands,
            port,
            media,
            reports,
            store,
            answers,
            chats,
            chat_answers,
            found,
            resolver: Resolver::new(config.dns),
            outlook: Outlook::now(),
            dns: config.dns,
            finder,
            settings,
            passwords: BTreeMap::new(),
            next_call: 1,
            team: Team::default(),
            reaching: Reaching::default(),
            consulting: BTreeMap::new(),
            levels: BTreeMap::new(),
            rang: BTreeSet::new(),
            heard: BTreeSet::new(),
            tone: None,
            ringtone: String::new(),
            after: None,
            country: home,
            recorded: BTreeSet::new(),
            home,
            hold_music_loaded: false,
            uses_devices,
            devices,
            device_lister,
            devices_shown: false,
            watch: None,
            wake_at: None,
            hear_interrupts: config.hear_interrupts,
            dirty: true,
            finished: false,
        };
        if let Some((_, settings)) = &driver.settings {
            driver.use_line(settings.line);
        }
        driver.picture.loudness().chosen = loudness;
        if unnamed && driver.has_accounts() {
            driver.save_settings();
        }
        driver.recall_accounts();
        driver.begin_sounds();
        driver.show_recording();
        driver.show_chats();
        driver.look_for_devices();
        Ok(driver)
    }

    /// Runs until [`Command::Quit`] is carried out.
    pub(super) async fn run(mut self) {
        let mut interrupts = signals::Interrupts::listen(self.hear_interrupts);
        let mut watch = SleepWatch::new(clock::now(), clock::wall_clock());
        let mut changes = Changes::watch();
        let addresses = self.port.local_addrs().collect();
        self.tell(Event::Listening { addresses });
        self.pump();
        while !self.finished {
            let wake_at = self.wake_at;
            tokio::select! {
                command = self.commands.recv() => {
                    self.command(command.unwrap_or(Command::Quit));
                }
                event = self.port.next() => self.net_event(event),
                Some(report) = self.reports.recv() => self.media_report(report),
                Some(answer) = self.answers.recv() => self.store_answer(answer),
                Some(answer) = self.chat_answers.recv() => self.chat_answer(answer),
                Some(found) = self.found.recv() => self.name_found(found),
                Some(list) = self.devices.recv() => self.devices_found(list),
                () = until(wake_at) => self.agent.handle_timeout(clock::now()),
                () = changes.next() => self.network_changed(),
                () = interrupts.next() => self.tell(Event::Interrupted),
                () = tokio::time::sleep(LOOK_AT_CLOCKS) => {}
            }
            let now = clock::now();
            if watch.has_slept(now, clock::wall_clock()) {
                tracing::info!("the machine has slept: registering anew");
                self.resolver = Resolver::new(self.dns);
                self.agent.handle_awake(now);
            }
            self.pump();
        }
        let Driver {
            media,
            port,
            store,
            chats,
            events,
            ..
        } = self;
        media.close();
        drop(store);
        drop(chats);
        port.close(GRACE).await;
        // Nobody may be listening any more.
        let _ = events.try_send(Stamped {
            at: clock::now(),
            event: Event::Stopped,
        });
    }

    /// Does everything that the agent wants done, and shows the faces what changed.
    fn pump(&mut self) {
        loop {
            match self.agent.poll_output() {
                Output::Transmit { to, bytes } => {
                    if !self.port.transmit(to, bytes) {
                        self.agent.handle_transport_error(clock::now(), to);
                    }
                }
                Output::Abandon { to } => {
                    for to in self.port.abandon(&to) {
                        self.agent.handle_transport_error(clock::now(), to);
                    }
                }
                Output::Resolve { id, account, hop } => self.resolve(id, account, hop),
                Output::Media(order) => self.order_media(order),
                Output::Event(event) => self.phone_event(event),
                Output::Wait(at) => {
                    self.wake_at = at;
                    break;
                }
            }
        }
        self.tend_watch();
        if std::mem::take(&mut self.dirty) {
            self.shared.publish(self.picture.share());
        }
    }

    /// Tells the faces that follow every step. One that does not read misses what it does not
    /// read; the snapshot still has it.
    pub(super) fn tell(&mut self, event: Event) {
        self.tell_at(clock::now(), event);
    }

    pub(super) fn tell_at(&mut self, at: Instant, event: Event) {
        let _ = self.events.try_send(Stamped { at, event });
    }

    fn net_event(&mut self, event: NetEvent) {
        let now = clock::now();
        self.agent.set_local_time(now, local_time(&Zoned::now()));
        let opened = matches!(event, NetEvent::StreamOpened { .. });
        for arrival in self.port.take(event) {
            match arrival {
                Arrival::Datagram { bytes, from } => self.agent.handle_datagram(now, &bytes, from),
                Arrival::Message { message, from } => {
                    self.agent.handle_message(now, *message, from);
                }
                Arrival::Pong { from } => self.agent.handle_pong(from),
                Arrival::Lost { to } => self.agent.handle_transport_error(now, to),
                Arrival::NotSecured {
                    to,
                    account,
                    refused,
                } => self.not_secured(now, to, account, refused),
            }
        }
        if opened {
            self.look_at_all_signalling();
        }
    }

    fn resolve(&mut self, id: ResolveId, account: AccountId, hop: Hop) {
        if let Some(server) = hop.literal() {
            let servers = vec![server];
            return self.name_found(Found {
                id,
                account,
                hop,
                servers,
            });
        }
        let (finder, resolver) = (self.finder.clone(), self.resolver.clone());
        let seed = seed::random().unwrap_or_default();
        tokio::spawn(async move {
            let servers = finding::servers(resolver, hop.clone(), SipPort::SPOKEN, seed).await;
            let found = Found {
                id,
                account,
                hop,
                servers,
            };
            // The engine may have stopped: then nobody asks any more.
            let _ = finder.send(found).await;
        });
    }

    /// Addresses or routes have changed; not every change concerns us.
    fn network_changed(&mut self) {
        let outlook = Outlook::now();
        let elsewhere = std::mem::replace(&mut self.outlook, outlook) != outlook;
        let mut ways = self.agent.registered_ways();
        let mut sounds = self.agent.sound_addresses();
        if elsewhere || ways.any(|way| !self.port.leads(&way)) || sounds.any(|ip| !is_ours(ip)) {
            tracing::info!("the network has changed: registering anew");
            drop((ways, sounds));
            self.resolver = Resolver::new(self.dns);
            self.port.forget_lost_addresses();
            self.agent.handle_awake(clock::now());
        }
    }

    fn name_found(&mut self, found: Found) {
        let Found {
            id,
            account,
            hop,
            servers,
        } = found;
        let ways = if servers.is_empty() {
            Err(ResolveFailure::NotFound)
        } else {
            self.port.ways(account, &hop.host.host, &servers)
        };
        self.agent.handle_resolved(clock::now(), id, ways);
    }
}

/// What tells this phone from others of its person; given once, and kept with the settings when
/// those are next written.
fn name_instance(settings: &mut Settings) -> std::io::Result<String> {
    let uuid = match &settings.instance {
        Some(uuid) => uuid.clone(),
        None => settings.instance.insert(seed::uuid()?).clone(),
    };
    Ok(format!("urn:uuid:{uuid}"))
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
