//! The simulated world: phones and registrars on a seeded network under a clock that is turned by
//! hand.
//!
//! Nothing waits. [`World::run`] takes the earliest thing that is due (a datagram that arrives, a
//! name that is found, a deadline that a phone asked for), sets the clock to it, and lets it
//! happen.

pub(crate) mod digest;
pub(crate) mod model;
pub(crate) mod nat;
pub(crate) mod notifier;
pub(crate) mod registrar;
pub(crate) mod story;
pub(crate) mod stranger;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use ramal::agent::{Agent, AgentConfig, CallId, Command, Event, Output, ResolveFailure, ResolveId};
use ramal::lab::{Front, FrontOutput};
use ramal::media::plan::{Accepted, MediaCommand, MediaId, Opened, Plan};
use ramal::sip::locating::Hop;
use ramal::sip::transaction::{ConnectionId, Peer};
use ramal::sip::{Host, Transport, parse_datagram};

use nat::Nat;
use notifier::Notifier;
use registrar::Registrar;

/// How the network treats datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Of each datagram, in percent.
    pub(crate) loss: u32,
    /// Of each datagram, in percent.
    pub(crate) duplicates: u32,
    /// The least time under way.
    pub(crate) delay: Duration,
    /// What may come on top, evenly spread: more than zero reorders.
    pub(crate) jitter: Duration,
}

impl Weather {
    /// 10 ms, nothing lost.
    pub(crate) const FINE: Weather = Weather {
        loss: 0,
        duplicates: 0,
        delay: Duration::from_millis(10),
        jitter: Duration::ZERO,
    };
}

/// Decides over a datagram that is about to leave: `false` loses it.
pub(crate) type Censor = Box<dyn FnMut(&Datagram) -> bool>;

/// Rewrites a datagram that is about to leave.
pub(crate) type Mangle = Box<dyn FnMut(&mut Datagram)>;

/// A datagram under way.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

impl Datagram {
    /// Its first line: method and URI, or status.
    pub(crate) fn first_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        text.lines().next().unwrap_or_default().to_owned()
    }
}

/// One phone and what it has said.
pub(crate) struct Phone {
    pub(crate) agent: Agent,
    pub(crate) addr: SocketAddr,
    /// Where it is in the other IP, if it is.
    pub(crate) other_addr: Option<SocketAddr>,
    /// Everything it told its face, oldest first.
    pub(crate) events: Vec<Event>,
    /// The sound that each session shall have.
    pub(crate) plans: BTreeMap<MediaId, Plan>,
    /// The keys that each shall send with its sound.
    pub(crate) pressed: BTreeMap<MediaId, String>,
    /// What each plays before that.
    pub(crate) listening: BTreeMap<MediaId, Accepted>,
    /// Where each hears its sound.
    pub(crate) rtp: BTreeMap<MediaId, SocketAddr>,
    /// Connections that it gave up.
    pub(crate) abandoned: Vec<Peer>,
    /// Sessions that are open.
    pub(crate) open_media: Vec<MediaId>,
    /// When it wants to be woken.
    pub(crate) wake_at: Option<Instant>,
    next_port: u16,
}

impl Phone {
    fn is_at(&self, addr: SocketAddr) -> bool {
        self.addr == addr || self.other_addr == Some(addr)
    }

    /// How long its state is when it is written out: what is never forgotten makes it grow.
    pub(crate) fn state_len(&self) -> usize {
        format!("{:?}", self.agent).len()
    }
}

/// Something that is under way.
enum Due {
    Arrival(Datagram),
    Found {
        phone: usize,
        id: ResolveId,
        ways: Result<Vec<Peer>, ResolveFailure>,
    },
}

/// The world.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    pub(crate) phones: Vec<Phone>,
    pub(crate) weather: Weather,
    pub(crate) nat: Option<Nat>,
    /// What everybody believes to speak over; what travels are datagrams in any case.
    pub(crate) transport: Transport,
    pub(crate) censor: Option<Censor>,
    /// What somebody on the way does to each datagram.
    pub(crate) mangle: Option<Mangle>,
    pub(crate) registrars: Vec<Registrar>,
    /// Who is asked at a registrar's address by SUBSCRIBE and PUBLISH.
    pub(crate) notifier: Option<Notifier>,
    /// The registrar of the built-in lab, and where it stands.
    pub(crate) lab: Option<(SocketAddr, Front)>,
    /// Names that resolve, and their addresses, best first.
    pub(crate) names: BTreeMap<String, Vec<SocketAddr>>,
    /// Where nobody listens: whoever sends there is told so by the network.
    pub(crate) refusing: BTreeSet<SocketAddr>,
    /// How long it takes to find the way to a host.
    pub(crate) finding_takes: Duration,
    /// Every datagram that left, lost ones included.
    pub(crate) log: Vec<(Duration, Datagram)>,
    /// Datagrams to addresses without a phone, for a test to play the other side.
    pub(crate) outside: Vec<Datagram>,
    under_way: BTreeMap<(Instant, u64), Due>,
    next_due: u64,
    rng: ChaCha8Rng,
}

impl World {
    #[expect(
        clippy::disallowed_methods,
        reason = "an origin to count from; it is never read again"
    )]
    pub(crate) fn new(seed: u64) -> World {
        let start = Instant::now();
        World {
            now: start,
            start,
            phones: Vec::new(),
            weather: Weather::FINE,
            nat: None,
            transport: Transport::Udp,
            censor: None,
            mangle: None,
            registrars: Vec::new(),
            notifier: None,
            lab: None,
            names: BTreeMap::new(),
            refusing: BTreeSet::new(),
            finding_takes: Duration::ZERO,
            log: Vec::new(),
            outside: Vec::new(),
            under_way: BTreeMap::new(),
            next_due: 0,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Adds a phone at an address; its index.
    pub(crate) fn phone(&mut self, addr: &str, config: AgentConfig) -> usize {
        let seed = self.rng.next_u64();
        self.phones.push(Phone {
            agent: Agent::new(config, seed),
            addr: addr.parse().expect("an address"),
            other_addr: None,
            events: Vec::new(),
            plans: BTreeMap::new(),
            pressed: BTreeMap::new(),
            listening: BTreeMap::new(),
            rtp: BTreeMap::new(),
            abandoned: Vec::new(),
            open_media: Vec::new(),
            wake_at: None,
            next_port: 40_000,
        });
        self.phones.len() - 1
    }

    /// A person asks their phone for something.
    pub(crate) fn ask(&mut self, phone: usize, command: Command) {
        self.phones[phone].agent.handle_command(self.now, command);
        self.settle(phone);
    }

    /// Puts a datagram onto the network as if `from` had sent it.
    pub(crate) fn inject(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.launch(Datagram {
            from,
            to,
            bytes: bytes.to_vec(),
        });
    }

    fn launch(&mut self, mut datagram: Datagram) {
        if let Some(mangle) = &mut self.mangle {
            mangle(&mut datagram);
        }
        let datagram = match &mut self.nat {
            Some(nat) => nat.out(self.now, datagram),
            None => datagram,
        };
        self.log.push((self.now - self.start, datagram.clone()));
        if self
            .censor
            .as_mut()
            .is_some_and(|passes| !passes(&datagram))
        {
            return;
        }
        let mut roll = |percent| self.rng.next_u32() % 100 < percent;
        if roll(self.weather.loss) {
            return;
        }
        let copies = 1 + u32::from(roll(self.weather.duplicates));
        for _ in 0..copies {
            let jitter = u64::try_from(self.weather.jitter.as_micros()).expect("a short time");
            let extra = if jitter == 0 {
                0
            } else {
                self.rng.next_u64() % jitter
            };
            let at = self.now + self.weather.delay + Duration::from_micros(extra);
            self.put_under_way(at, Due::Arrival(datagram.clone()));
        }
    }

    fn put_under_way(&mut self, at: Instant, due: Due) {
        self.under_way.insert((at, self.next_due), due);
        self.next_due += 1;
    }

    /// The ways from a phone to a host.
    fn ways(&self, phone: usize, hop: &Hop) -> Result<Vec<Peer>, ResolveFailure> {
        let port = hop.host.port_or(hop.transport_or_default().default_port());
        let found = match &hop.host.host {
            Host::Ip(ip) => vec![SocketAddr::new(*ip, port)],
            Host::Name(name) => self
                .names
                .get(name)
                .cloned()
                .ok_or(ResolveFailure::NotFound)?,
        };
        let phone = &self.phones[phone];
        let ways = found.into_iter().filter_map(|remote| {
            let mut ours = [Some(phone.addr), phone.other_addr].into_iter().flatten();
            let local = ours.find(|addr| addr.is_ipv4() == remote.is_ipv4())?;
            Some(Peer {
                transport: self.transport,
                remote,
                local,
                connection: None,
            })
        });
        Ok(ways.collect())
    }

    /// Does what a phone wants done.
    fn settle(&mut self, index: usize) {
        loop {
            let now = self.now;
            let phone = &mut self.phones[index];
            match phone.agent.poll_output() {
                Output::Transmit { to, bytes } => {
                    let datagram = Datagram {
                        from: to.local,
                        to: to.remote,
                        bytes,
                    };
                    self.launch(datagram);
                }
                Output::Resolve { id, hop, .. } => {
                    let ways = self.ways(index, &hop);
                    if self.finding_takes.is_zero() {
                        self.phones[index].agent.handle_resolved(now, id, ways);
                    } else {
                        let phone = index;
                        let found = Due::Found { phone, id, ways };
                        self.put_under_way(now + self.finding_takes, found);
                    }
                }
                Output::Abandon { to } => phone.abandoned.push(to),
                Output::Media(MediaCommand::Move { media, local }) => {
                    let rtp = SocketAddr::new(local, phone.next_port);
                    phone.next_port += 2;
                    phone.rtp.insert(media, rtp);
                    phone.agent.handle_opened(now, media, Some(Opened::at(rtp)));
                }
                Output::Media(MediaCommand::Open { media, local }) => {
                    let rtp = SocketAddr::new(local, phone.next_port);
                    phone.next_port += 2;
                    phone.open_media.push(media);
                    phone.rtp.insert(media, rtp);
                    phone.agent.handle_opened(now, media, Some(Opened::at(rtp)));
                }
                Output::Media(MediaCommand::Apply { media, plan }) => {
                    phone.plans.insert(media, *plan);
                }
                Output::Media(MediaCommand::Listen { media, accepted }) => {
                    phone.listening.insert(media, *accepted);
                }
                Output::Media(MediaCommand::Close { media }) => {
                    phone.open_media.retain(|open| *open != media);
                }
                Output::Media(MediaCommand::SendDtmf { media, digits }) => {
                    phone.pressed.entry(media).or_default().push_str(&digits);
                }
                Output::Media(_) => {}
                Output::Event(event) => phone.events.push(event),
                Output::Wait(at) => {
                    phone.wake_at = at;
                    return;
                }
            }
        }
    }

    /// Lets the next thing happen, if it is due before `end`. Says whether something did.
    fn step(&mut self, end: Instant) -> bool {
        let due = self.under_way.keys().next().map(|(at, _)| *at);
        let wake = (0..self.phones.len())
            .filter_map(|phone| self.phones[phone].wake_at.map(|at| (at, phone)))
            .min();
        let tells = self.notifier.as_ref().and_then(Notifier::due);
        let wakes = wake.map(|(at, _)| at).into_iter().chain(tells);
        let Some(at) = due.into_iter().chain(wakes).min() else {
            return false;
        };
        if at > end {
            return false;
        }
        self.now = self.now.max(at);
        if due == Some(at) {
            match self.under_way.pop_first() {
                Some((_, Due::Arrival(datagram))) => self.deliver(datagram),
                Some((_, Due::Found { phone, id, ways })) => {
                    self.phones[phone].agent.handle_resolved(self.now, id, ways);
                    self.settle(phone);
                }
                None => {}
            }
        } else if tells == Some(at) {
            self.with_notifier(|notifier, now| notifier.wake(now));
        } else if let Some((_, phone)) = wake {
            self.phones[phone].agent.handle_timeout(self.now);
            self.settle(phone);
        }
        true
    }

    /// Has the notifier do something, and sends what it says.
    pub(crate) fn with_notifier(
        &mut self,
        does: impl FnOnce(&mut Notifier, Instant) -> Vec<Datagram>,
    ) {
        let now = self.now;
        let said = self.notifier.as_mut().map(|notifier| does(notifier, now));
        for datagram in said.into_iter().flatten() {
            self.launch(datagram);
        }
    }

    /// The machine that a phone is on has slept.
    pub(crate) fn wake_up(&mut self, phone: usize) {
        self.phones[phone].agent.handle_awake(self.now);
        self.settle(phone);
    }

    /// A phone's machine is at another address from now on, and notices at once.
    pub(crate) fn move_to(&mut self, phone: usize, addr: &str) {
        self.phones[phone].addr = addr.parse().expect("an address");
        self.wake_up(phone);
    }

    /// A connection of a phone's is lost.
    pub(crate) fn break_connection(&mut self, phone: usize, remote: SocketAddr) {
        let to = Peer {
            transport: Transport::Tcp,
            remote,
            local: self.phones[phone].addr,
            connection: Some(ConnectionId(7)),
        };
        self.phones[phone]
            .agent
            .handle_transport_error(self.now, to);
        self.settle(phone);
    }

    /// A phone learns that nothing takes a connection there.
    pub(crate) fn refuse_tcp(&mut self, phone: usize, remote: SocketAddr) {
        let to = Peer {
            transport: Transport::Tcp,
            remote,
            local: self.phones[phone].addr,
            connection: None,
        };
        self.phones[phone]
            .agent
            .handle_transport_error(self.now, to);
        self.settle(phone);
    }

    /// A datagram is there.
    fn deliver(&mut self, datagram: Datagram) {
        let arrived = match &mut self.nat {
            Some(nat) => nat.arrive(self.now, datagram),
            None => Some(datagram),
        };
        let Some(datagram) = arrived else {
            return;
        };
        let from = Peer {
            transport: self.transport,
            remote: datagram.from,
            local: datagram.to,
            connection: None,
        };
        let to = datagram.to;
        if self.refusing.contains(&to) {
            let sender = self.phones.iter().position(|p| p.is_at(datagram.from));
            if let Some(phone) = sender {
                let (local, remote) = (from.remote, from.local);
                let to = Peer {
                    local,
                    remote,
                    ..from
                };
                self.phones[phone]
                    .agent
                    .handle_transport_error(self.now, to);
                self.settle(phone);
            }
        } else if let Some(phone) = self.phones.iter().position(|phone| phone.is_at(to)) {
            if self.transport != Transport::Udp && datagram.bytes == b"\r\n" {
                self.phones[phone].agent.handle_pong(from);
                self.settle(phone);
                return;
            }
            self.phones[phone]
                .agent
                .handle_datagram(self.now, &datagram.bytes, from);
            self.settle(phone);
        } else if self
            .notifier
            .as_ref()
            .is_some_and(|it| it.is_for(&datagram))
        {
            self.with_notifier(|notifier, now| notifier.take(now, &datagram));
        } else if let Some(registrar) = self.registrars.iter_mut().find(|r| r.addr == to) {
            if let Some(answer) = registrar.take(self.now, &datagram) {
                self.launch(answer);
            }
        } else if let Some((_, front)) = self.lab.as_mut().filter(|(addr, _)| *addr == to) {
            let parsed = parse_datagram(&datagram.bytes).expect("phones write what can be read");
            if let FrontOutput::Transmit { to, bytes } = front.take(self.now, parsed, from) {
                let (from, to) = (to.local, to.remote);
                self.launch(Datagram { from, to, bytes });
            }
        } else {
            self.outside.push(datagram);
        }
    }

    /// Turns the clock on by `span`, and lets everything happen that is due.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        let mut steps = 0_u32;
        while self.step(end) {
            steps += 1;
            assert!(
                steps < 1_000_000,
                "the world spins at {:?}",
                self.now - self.start
            );
        }
        self.now = end;
    }

    /// The calls that rang at a phone, oldest first.
    pub(crate) fn incoming(&self, phone: usize) -> Vec<CallId> {
        let calls = self.phones[phone]
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Incoming { call, .. } => Some(*call),
                _ => None,
            });
        calls.collect()
    }

    /// First lines of what left an address, oldest first.
    pub(crate) fn sent_by(&self, addr: &str) -> Vec<String> {
        let addr: SocketAddr = addr.parse().expect("an address");
        let sent = self
            .log
            .iter()
            .filter(|(_, datagram)| datagram.from == addr);
        sent.map(|(_, datagram)| datagram.first_line()).collect()
    }
}
