//! The lab as a server: one thread, its sockets, its clock.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use super::front::{Front, FrontOutput};
use super::notifier::{Notifier, NotifierOutput};
use super::service::{Manner, Service};
use super::voice::{Voice, VoiceOutput, session_config};
use crate::agent::{
    AccountConfig, AccountId, Agent, AgentConfig, CallId, Command, Event, Message, MessageId,
    NewMessage, Output, Party,
};
use crate::engine::sip_port::{Arrival, SipPort};
use crate::engine::{clock, seed};
use crate::media::plan::{MediaCommand, MediaId, Opened};
use crate::net::{BindError, NetEvent};
use crate::sip::locating::Hop;
use crate::sip::transaction::Peer;
use crate::sip::{HostPort, Parsed, SipUri, StatusCode, Uri, parse_datagram};

/// The account under which the services answer.
const SERVICES: AccountId = AccountId(1);
/// The account under which `607` calls back, so that who is called sees its number.
const CALLER: AccountId = AccountId(2);
/// The account under which `600` writes back.
const ECHO: AccountId = AccountId(3);
/// Calls at once.
const MAX_CALLS: usize = 64;
/// Datagrams of sound that may wait.
const QUEUE: usize = 1024;
/// How long after hanging up `607` calls back.
const CALLS_BACK_AFTER: Duration = Duration::from_secs(1);
/// Tries for a pair of ports.
const ATTEMPTS: usize = 32;

/// What the lab starts from.
#[derive(Clone, Copy, Debug)]
pub struct LabConfig {
    /// Where it listens.
    pub ip: IpAddr,
    /// The SIP port, UDP and TCP; 0: one that is free.
    pub port: u16,
    /// What the bad network of `606` is made from.
    pub seed: u64,
}

/// Why the lab does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// It listens on loopback only: its password is known to everybody.
    #[error("{0} is not a loopback address")]
    NotLoopback(IpAddr),
    /// The port is in use, or the address is none of ours.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system gives no thread or no randomness.
    #[error("the lab cannot be started")]
    System(#[from] std::io::Error),
    /// A fault of ours while starting; the panic has been reported.
    #[error("a fault while starting")]
    Panicked,
}

/// The running lab. Dropping it ends it.
#[derive(Debug)]
pub struct Lab {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lab {
    /// Starts the lab; returns when it listens.
    ///
    /// # Errors
    /// [`LabError`].
    pub fn start(config: LabConfig) -> Result<Lab, LabError> {
        if !config.ip.is_loopback() {
            return Err(LabError::NotLoopback(config.ip));
        }
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("lab".into())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        let _ = ready.send(Err(LabError::System(error)));
                        return;
                    }
                };
                runtime.block_on(async {
                    match Server::open(config) {
                        Ok((server, address)) => {
                            let _ = ready.send(Ok(address));
                            server.run(stopped).await;
                        }
                        Err(error) => {
                            let _ = ready.send(Err(error));
                        }
                    }
                });
            })?;
        match is_ready.recv() {
            Ok(Ok(address)) => Ok(Lab {
                address,
                stop: Some(stop),
                thread: Some(thread),
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LabError::Panicked),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Server {
    port: SipPort,
    front: Front,
    agent: Agent,
    notifier: Notifier,
    rng: ChaCha8Rng,
    network_seed: u64,
    calls: BTreeMap<CallId, LabCall>,
    lines: BTreeMap<MediaId, Line>,
    sound: mpsc::Receiver<Sound>,
    sound_in: mpsc::Sender<Sound>,
    /// What the server itself will do.
    plans: Vec<(Instant, Deed)>,
    wake_at: Option<Instant>,
    /// When the notifier wants to be woken.
    tells_at: Option<Instant>,
    next_call: u64,
    next_message: u64,
}

/// A call of the lab.
struct LabCall {
    service: Service,
    caller: Party,
    /// The lab made it.
    called_back: bool,
}

/// The sound of a call.
struct Line {
    voice: Voice,
    rtp: Arc<UdpSocket>,
    rtcp: Arc<UdpSocket>,
    readers: [tokio::task::JoinHandle<()>; 2],
    wake_at: Option<Instant>,
}

impl Drop for Line {
    fn drop(&mut self) {
        for reader in &self.readers {
            reader.abort();
        }
    }
}

/// A datagram of sound.
struct Sound {
    media: MediaId,
    rtcp: bool,
    from: SocketAddr,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Deed {
    HangUp(CallId),
    CallBack(String),
}

impl Server {
    fn open(config: LabConfig) -> Result<(Server, SocketAddr), LabError> {
        let port = SipPort::open(Some(config.ip), config.port)?;
        let address = port
            .local_addrs()
            .next()
            .unwrap_or(SocketAddr::new(config.ip, config.port));
        let now = clock::now();
        let mut rng = ChaCha8Rng::seed_from_u64(seed::random()?);
        let front = Front::new([rng.next_u64(), rng.next_u64()], now);
        let agent_config = AgentConfig {
            user_agent: concat!("Ramal-lab/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_calls: MAX_CALLS,
            ..AgentConfig::default()
        };
        let mut agent = Agent::new(agent_config, rng.next_u64());
        let services = AccountConfig {
            max_calls: MAX_CALLS,
            ..AccountConfig::direct(SERVICES)
        };
        let number = SipUri::new(
            Some(Service::CallsBack.extension()),
            HostPort::from(address),
        );
        let caller = AccountConfig {
            aor: Some(Uri::Sip(number)),
            max_calls: MAX_CALLS,
            ..AccountConfig::direct(CALLER)
        };
        let number = SipUri::new(Some(Service::Echo.extension()), HostPort::from(address));
        let echo = AccountConfig {
            aor: Some(Uri::Sip(number)),
            max_calls: MAX_CALLS,
            ..AccountConfig::direct(ECHO)
        };
        for account in [services, caller, echo] {
            agent.handle_command(now, Command::AddAccount(Box::new(account)));
        }
        let (sound_in, sound) = mpsc::channel(QUEUE);
        let server = Server {
            port,
            front,
            agent,
            notifier: Notifier::new(address, rng.next_u64(), now),
            rng,
            network_seed: config.seed,
            calls: BTreeMap::new(),
            lines: BTreeMap::new(),
            sound,
            sound_in,
            plans: Vec::new(),
            wake_at: None,
            tells_at: None,
            next_call: 1,
            next_message: 1,
        };
        Ok((server, address))
    }

    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            self.pump();
            let wake_at = self.next_wake();
            tokio::select! {
                event = self.port.next() => self.net_event(event),
                Some(sound) = self.sound.recv() => self.hear(&sound),
                () = until(wake_at) => self.wake(),
                _ = &mut stopped => break,
            }
        }
        self.agent.handle_command(clock::now(), Command::Shutdown);
        self.pump();
        self.port.close(Duration::from_millis(200)).await;
    }

    fn next_wake(&self) -> Option<Instant> {
        let lines = self.lines.values().filter_map(|line| line.wake_at).min();
        let plans = self.plans.iter().map(|(at, _)| *at).min();
        let own = [self.wake_at, self.tells_at, lines, plans];
        own.into_iter().flatten().min()
    }

    fn wake(&mut self) {
        let now = clock::now();
        self.agent.handle_timeout(now);
        if self.tells_at.is_some_and(|at| at <= now) {
            self.notifier.handle_timeout(now);
        }
        let due: Vec<Deed> = self
            .plans
            .iter()
            .filter(|(at, _)| *at <= now)
            .map(|(_, deed)| deed.clone())
            .collect();
        self.plans.retain(|(at, _)| *at > now);
        for deed in due {
            self.act(now, deed);
        }
        for line in self.lines.values_mut() {
            if line.wake_at.is_some_and(|at| at <= now) {
                line.voice.handle_timeout(now);
                line.flush(now);
            }
        }
    }

    fn act(&mut self, now: Instant, deed: Deed) {
        match deed {
            Deed::HangUp(call) => self.agent.handle_command(now, Command::HangUp(call)),
            Deed::CallBack(extension) => {
                let way = self.front.registered(now, &extension).into_iter().next();
                let Some((contact, _)) = way else { return };
                let call = CallId(self.next_call);
                self.next_call += 1;
                let caller = Party::default();
                let service = Service::CallsBack;
                self.calls.insert(
                    call,
                    LabCall {
                        service,
                        caller,
                        called_back: true,
                    },
                );
                let target = contact.to_string();
                let dial = Command::Dial {
                    account: CALLER,
                    call,
                    target,
                };
                self.agent.handle_command(now, dial);
            }
        }
    }

    fn net_event(&mut self, event: NetEvent) {
        let now = clock::now();
        for arrival in self.port.take(event) {
            match arrival {
                Arrival::Datagram { bytes, from } => match parse_datagram(&bytes) {
                    Ok(parsed) => self.receive(now, parsed, from),
                    Err(_) => self.agent.handle_datagram(now, &bytes, from),
                },
                Arrival::Message { message, from } => match *message {
                    Ok(parsed) => self.receive(now, parsed, from),
                    Err(error) => self.agent.handle_message(now, Err(error), from),
                },
                // Its phones ask nobody whether they are there.
                Arrival::Pong { .. } => {}
                Arrival::Lost { to } | Arrival::NotSecured { to, .. } => {
                    self.agent.handle_transport_error(now, to);
                    self.notifier.handle_transport_error(now, to);
                }
            }
        }
    }

    fn receive(&mut self, now: Instant, parsed: Parsed, from: Peer) {
        match self.front.take(now, parsed, from) {
            FrontOutput::Transmit { to, bytes } => {
                self.port.transmit(to, bytes);
            }
            FrontOutput::Pass(parsed) if self.notifier.is_for(&parsed.message) => {
                self.notifier.take(now, *parsed, from);
            }
            FrontOutput::Pass(parsed) => self.agent.handle_message(now, Ok(*parsed), from),
            FrontOutput::Drop => {}
        }
    }

    fn pump(&mut self) {
        let now = clock::now();
        loop {
            match self.notifier.poll_output() {
                NotifierOutput::Transmit { to, bytes } => {
                    if !self.port.transmit(to, bytes) {
                        self.notifier.handle_transport_error(now, to);
                    }
                }
                NotifierOutput::Wait(at) => {
                    self.tells_at = at;
                    break;
                }
            }
        }
        loop {
            match self.agent.poll_output() {
                Output::Transmit { to, bytes } => {
                    if !self.port.transmit(to, bytes) {
                        self.agent.handle_transport_error(now, to);
                    }
                }
                Output::Resolve { id, account, hop } => {
                    let ways = self.ways(account, &hop);
                    self.agent.handle_resolved(now, id, ways);
                }
                Output::Abandon { .. } => {}
                Output::Media(order) => self.order(now, order),
                Output::Event(event) => self.event(now, event),
                Output::Wait(at) => {
                    self.wake_at = at;
                    return;
                }
            }
        }
    }

    /// Phones of the lab register under addresses: there is no name to look up.
    fn ways(
        &mut self,
        account: crate::agent::AccountId,
        hop: &Hop,
    ) -> Result<Vec<Peer>, crate::agent::ResolveFailure> {
        let Some(server) = hop.literal() else {
            return Err(crate::agent::ResolveFailure::NotFound);
        };
        self.port.ways(account, &hop.host.host, &[server])
    }

    fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Incoming {
                call,
                remote,
                called,
                ..
            } => {
                // The front door has refused what is no service that takes calls.
                let service = called.as_deref().and_then(Service::at);
                let Some(service) = service else {
                    let status = StatusCode::NOT_FOUND;
                    self.agent
                        .handle_command(now, Command::Reject { call, status });
                    return;
                };
                self.calls.insert(
                    call,
                    LabCall {
                        service,
                        caller: remote,
                        called_back: false,
                    },
                );
                if service.manner() == Manner::Answers {
                    self.agent.handle_command(now, Command::Answer(call));
                }
            }
            Event::Answered { call, .. } => {
                if let Some(after) = self
                    .calls
                    .get(&call)
                    .and_then(|call| call.service.hangs_up_after())
                {
                    self.plans.push((now + after, Deed::HangUp(call)));
                }
            }
            Event::Ended { call, .. } => {
                self.plans
                    .retain(|(_, deed)| !matches!(deed, Deed::HangUp(other) if *other == call));
                let Some(ended) = self.calls.remove(&call) else {
                    return;
                };
                if ended.service == Service::CallsBack
                    && !ended.called_back
                    && let Some(extension) = ended.caller.user
                {
                    self.plans
                        .push((now + CALLS_BACK_AFTER, Deed::CallBack(extension)));
                }
            }
            Event::Message(message) => self.write_back(now, &message),
            _ => {}
        }
    }

    /// Writes back what was written to `600`, to who is registered: others have no mailbox here.
    fn write_back(&mut self, now: Instant, message: &Message) {
        let service = message.called.as_deref().and_then(Service::at);
        let writer = message.from.user.as_deref().unwrap_or_default();
        let way = self.front.registered(now, writer).into_iter().next();
        let (Some(Service::Echo), Some((contact, _))) = (service, way) else {
            return;
        };
        let id = MessageId(self.next_message);
        self.next_message += 1;
        let echo = NewMessage {
            account: ECHO,
            message: id,
            to: contact.to_string(),
            text: message.text.clone(),
            retry_for: Duration::ZERO,
        };
        let send = Command::SendMessage(Box::new(echo));
        self.agent.handle_command(now, send);
    }

    fn order(&mut self, now: Instant, order: MediaCommand) {
        match order {
            MediaCommand::Open { media, local } => {
                let opened = match self.open_line(now, media, local) {
                    Ok(opened) => Some(opened),
                    Err(error) => {
                        tracing::warn!("the lab has no ports: {error}");
                        None
                    }
                };
                self.agent.handle_opened(now, media, opened);
            }
            MediaCommand::Apply { media, plan } => {
                let call = self.calls.get(&CallId(media.0));
                let Some(line) = self.lines.get_mut(&media) else {
                    return;
                };
                if let Some(call) = call {
                    line.voice
                        .serve(call.service, call.called_back, self.network_seed);
                }
                if let Err(error) = line.voice.apply(now, &plan) {
                    tracing::warn!("the lab is silent: {error}");
                }
                line.voice.handle_timeout(now);
                line.flush(now);
            }
            MediaCommand::Close { media } => {
                if let Some(mut line) = self.lines.remove(&media) {
                    line.voice.close(now);
                    line.flush(now);
                }
            }
            MediaCommand::Move { .. }
            | MediaCommand::Listen { .. }
            | MediaCommand::Route { .. }
            | MediaCommand::Transmit { .. }
            | MediaCommand::SetMuted { .. }
            | MediaCommand::SendDtmf { .. }
            | MediaCommand::Confer { .. }
            | MediaCommand::Feed { .. }
            | MediaCommand::Record { .. }
            | MediaCommand::StopRecording { .. } => {}
        }
    }

    fn open_line(
        &mut self,
        now: Instant,
        media: MediaId,
        local: IpAddr,
    ) -> std::io::Result<Opened> {
        let (rtp, rtcp) = port_pair(local)?;
        let opened = Opened::at(rtp.local_addr()?);
        let (rtp, rtcp) = (Arc::new(rtp), Arc::new(rtcp));
        let readers = [
            tokio::spawn(read(media, false, Arc::clone(&rtp), self.sound_in.clone())),
            tokio::spawn(read(media, true, Arc::clone(&rtcp), self.sound_in.clone())),
        ];
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let since = clock::wall_clock()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let config = session_config(self.rng.next_u32(), seed, since);
        let voice = Voice::new(now, config);
        self.lines.insert(
            media,
            Line {
                voice,
                rtp,
                rtcp,
                readers,
                wake_at: None,
            },
        );
        Ok(opened)
    }

    fn hear(&mut self, sound: &Sound) {
        let now = clock::now();
        let Some(line) = self.lines.get_mut(&sound.media) else {
            return;
        };
        if sound.rtcp {
            line.voice.handle_rtcp(now, &sound.bytes, sound.from);
        } else {
            line.voice.handle_rtp(now, &sound.bytes, sound.from);
        }
        line.flush(now);
    }
}

impl Line {
    /// Sends what the voice has to send, and notes when it wants to be woken.
    fn flush(&mut self, now: Instant) {
        let mut out = Vec::new();
        loop {
            let (socket, to) = match self.voice.poll_output(now, &mut out) {
                VoiceOutput::Rtp { to } => (&self.rtp, to),
                VoiceOutput::Rtcp { to } if self.voice.is_muxed() => (&self.rtp, to),
                VoiceOutput::Rtcp { to } => (&self.rtcp, to),
                VoiceOutput::Wait(at) => {
                    self.wake_at = at;
                    return;
                }
            };
            // A packet of sound that cannot be sent now is of no use later.
            let _ = socket.try_send_to(&out, to);
        }
    }
}

async fn read(media: MediaId, rtcp: bool, socket: Arc<UdpSocket>, tell: mpsc::Sender<Sound>) {
    let mut buffer = vec![0; 2048];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let bytes = buffer[..length].to_vec();
                if tell
                    .send(Sound {
                        media,
                        rtcp,
                        from,
                        bytes,
                    })
                    .await
                    .is_err()
                {
                    return;
                }
            }
            // ICMP's word about a packet sent before: the next one may arrive.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// RTP on an even port, RTCP on the next (RFC 3550 section 11).
fn port_pair(local: IpAddr) -> std::io::Result<(UdpSocket, UdpSocket)> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrInUse);
    for _ in 0..ATTEMPTS {
        let probe = std::net::UdpSocket::bind((local, 0))?;
        let even = probe.local_addr()?.port() & !1;
        drop(probe);
        let pair = bind(local, even).and_then(|rtp| Ok((rtp, bind(local, even + 1)?)));
        match pair {
            Ok(pair) => return Ok(pair),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind(local: IpAddr, port: u16) -> std::io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind((local, port))?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
