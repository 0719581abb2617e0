//! The simulated world: phones on a seeded network under a clock that is turned by hand.
//!
//! Nothing waits. [`World::run`] takes the earliest thing that is due (a datagram that arrives, a
//! deadline that a phone asked for), sets the clock to it, and lets it happen.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use ramal::agent::{Agent, AgentConfig, CallId, Command, Event, Output, ResolveFailure};
use ramal::media::plan::{MediaCommand, MediaId, Opened, Plan};
use ramal::sip::transaction::Peer;
use ramal::sip::{Host, Transport};

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
    /// Everything it told its face, oldest first.
    pub(crate) events: Vec<Event>,
    /// The sound that each session shall have.
    pub(crate) plans: BTreeMap<MediaId, Plan>,
    /// Sessions that are open.
    pub(crate) open_media: Vec<MediaId>,
    wake_at: Option<Instant>,
    next_port: u16,
}

/// The world.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    pub(crate) phones: Vec<Phone>,
    pub(crate) weather: Weather,
    pub(crate) censor: Option<Censor>,
    /// Names that resolve.
    pub(crate) names: BTreeMap<String, SocketAddr>,
    /// Every datagram that left, lost ones included.
    pub(crate) log: Vec<(Duration, Datagram)>,
    /// Datagrams to addresses without a phone, for a test to play the other side.
    pub(crate) outside: Vec<Datagram>,
    flying: BTreeMap<(Instant, u64), Datagram>,
    next_datagram: u64,
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
            censor: None,
            names: BTreeMap::new(),
            log: Vec::new(),
            outside: Vec::new(),
            flying: BTreeMap::new(),
            next_datagram: 0,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Adds a phone at an address; its index.
    pub(crate) fn phone(&mut self, addr: &str, config: AgentConfig) -> usize {
        let seed = self.rng.next_u64();
        self.phones.push(Phone {
            agent: Agent::new(config, seed),
            addr: addr.parse().expect("an address"),
            events: Vec::new(),
            plans: BTreeMap::new(),
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

    fn launch(&mut self, datagram: Datagram) {
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
            self.flying
                .insert((at, self.next_datagram), datagram.clone());
            self.next_datagram += 1;
        }
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
                Output::Resolve {
                    id,
                    host,
                    transport,
                } => {
                    let port = host.port_or(transport.default_port());
                    let remote = match &host.host {
                        Host::Ip(ip) => Some(SocketAddr::new(*ip, port)),
                        Host::Name(name) => self.names.get(name).copied(),
                    };
                    let phone = &mut self.phones[index];
                    let found = match remote {
                        Some(remote) => Ok(vec![Peer {
                            // Everything in this world travels in datagrams.
                            transport: Transport::Udp,
                            remote,
                            local: phone.addr,
                            connection: None,
                        }]),
                        None => Err(ResolveFailure::NotFound),
                    };
                    phone.agent.handle_resolved(now, id, found);
                }
                Output::Media(MediaCommand::Open { media, local }) => {
                    let rtp = SocketAddr::new(local, phone.next_port);
                    phone.next_port += 2;
                    phone.open_media.push(media);
                    phone.agent.handle_opened(now, media, Some(Opened { rtp }));
                }
                Output::Media(MediaCommand::Apply { media, plan }) => {
                    phone.plans.insert(media, *plan);
                }
                Output::Media(MediaCommand::Close { media }) => {
                    phone.open_media.retain(|open| *open != media);
                }
                Output::Media(MediaCommand::SetMuted { .. } | MediaCommand::SendDtmf { .. }) => {}
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
        let arrival = self.flying.keys().next().map(|(at, _)| *at);
        let wake = (0..self.phones.len())
            .filter_map(|phone| self.phones[phone].wake_at.map(|at| (at, phone)))
            .min();
        let arrives_first = match (arrival, wake) {
            (Some(arrival), Some((wake, _))) => arrival <= wake,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return false,
        };
        if arrives_first {
            let Some(((at, number), datagram)) = self.flying.pop_first() else {
                return false;
            };
            if at > end {
                self.flying.insert((at, number), datagram);
                return false;
            }
            self.now = self.now.max(at);
            let to = self
                .phones
                .iter()
                .position(|phone| phone.addr == datagram.to);
            match to {
                Some(phone) => {
                    let from = Peer {
                        transport: Transport::Udp,
                        remote: datagram.from,
                        local: datagram.to,
                        connection: None,
                    };
                    self.phones[phone]
                        .agent
                        .handle_datagram(self.now, &datagram.bytes, from);
                    self.settle(phone);
                }
                None => self.outside.push(datagram),
            }
        } else if let Some((at, phone)) = wake {
            if at > end {
                return false;
            }
            self.now = self.now.max(at);
            self.phones[phone].agent.handle_timeout(self.now);
            self.settle(phone);
        }
        true
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
