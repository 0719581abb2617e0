//! Two phones with an agent each, somewhere in the world, and what stands between them.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::relay::{PASSWORD, Relay, USER};
use super::world::{Arrival, Realm, World};
use crate::nat::ice::{Agent, Config, Event, Output, Path, Remote, Role};
use crate::nat::stun::binding;
use crate::nat::turn::{self, Client, Received, Transport};

/// The STUN server.
const STUN: &str = "198.51.100.1";
/// The TURN server.
const TURN: &str = "198.51.100.2";
/// How long a description takes to the other side, by way of SIP.
const SIGNALLING: Duration = Duration::from_millis(150);

/// How two phones begin.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) components: u8,
    pub(crate) stun: bool,
    pub(crate) turn: bool,
    /// Candidates go one by one; else when all are there.
    pub(crate) trickle: bool,
    pub(crate) roles: [Role; 2],
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            components: 1,
            stun: true,
            turn: false,
            trickle: false,
            roles: [Role::Controlling, Role::Controlled],
        }
    }
}

pub(crate) struct Phone {
    pub(crate) realm: Realm,
    pub(crate) ip: IpAddr,
    pub(crate) agent: Agent,
    pub(crate) events: Vec<Event>,
    /// One for each component, if there is a TURN server.
    pub(crate) lines: Vec<Line>,
    told: bool,
}

/// A client of the TURN server.
pub(crate) struct Line {
    pub(crate) client: Client,
    base: SocketAddr,
    /// Relayed and mapped address.
    allocated: Option<(SocketAddr, SocketAddr)>,
    settled: bool,
}

pub(crate) struct Two {
    pub(crate) world: World,
    pub(crate) phones: Vec<Phone>,
    pub(crate) setting: Setting,
    stun: SocketAddr,
    pub(crate) relay: Relay,
    /// What is on its way by SIP: when, to whom, and what.
    signals: Vec<(Instant, usize, Remote)>,
    /// Datagrams that came to a phone, of whatever kind.
    pub(crate) received: usize,
}

impl Two {
    pub(crate) fn new(mut world: World, places: [(Realm, &str); 2], setting: Setting) -> Two {
        let stun = SocketAddr::new(world.host(Realm::INTERNET, STUN), 3478);
        let relay = Relay::new(SocketAddr::new(world.host(Realm::INTERNET, TURN), 3478));
        let mut phones = Vec::new();
        for ((realm, ip), role) in places.into_iter().zip(setting.roles) {
            let ip = world.host(realm, ip);
            let config = Config {
                role,
                components: setting.components,
                stun_servers: if setting.stun { vec![stun] } else { Vec::new() },
            };
            let seed = world.seed();
            phones.push(Phone {
                realm,
                ip,
                agent: Agent::new(world.now, config, seed),
                events: Vec::new(),
                lines: Vec::new(),
                told: false,
            });
        }
        let mut two = Two {
            world,
            phones,
            setting,
            stun,
            relay,
            signals: Vec::new(),
            received: 0,
        };
        two.begin(0);
        two.begin(1);
        two
    }

    pub(crate) fn port(which: usize, component: u8) -> u16 {
        4000 + 100 * which as u16 + u16::from(component)
    }

    /// Gathers.
    pub(crate) fn begin(&mut self, which: usize) {
        let now = self.world.now;
        let phone = &mut self.phones[which];
        phone.told = false;
        for component in 1..=self.setting.components {
            let base = SocketAddr::new(phone.ip, Two::port(which, component));
            phone.agent.add_host(now, component, base);
            if self.setting.turn && phone.lines.len() < usize::from(component) {
                let config = turn::Config {
                    server: self.relay.address,
                    transport: Transport::Udp,
                    user: USER.to_owned(),
                    password: PASSWORD.into(),
                    ipv6: false,
                };
                phone.lines.push(Line {
                    client: Client::new(now, config, self.world.seed()),
                    base,
                    allocated: None,
                    settled: false,
                });
            }
        }
        for (at, line) in phone.lines.iter().enumerate() {
            if let Some((relayed, mapped)) = line.allocated {
                phone.agent.add_relayed(now, at as u8 + 1, relayed, mapped);
            }
        }
        if phone.lines.iter().all(|line| line.settled) {
            phone.agent.end_bases(now);
        }
    }

    /// The phone finds itself in another network.
    pub(crate) fn move_to(&mut self, which: usize, realm: Realm, ip: &str) {
        let gone = self.phones[which].ip;
        self.world.dead.push(gone);
        let ip = self.world.host(realm, ip);
        self.phones[which].realm = realm;
        self.phones[which].ip = ip;
        self.phones[which].lines.clear();
    }

    /// Both start anew: `which` says so, the other follows.
    pub(crate) fn restart(&mut self, which: usize) {
        let now = self.world.now;
        self.phones[which].agent.restart(now);
        self.begin(which);
    }

    fn description(&self, which: usize) -> Remote {
        let agent = &self.phones[which].agent;
        // As it would be after a way through SDP.
        let ufrag = ("ice-ufrag".to_owned(), agent.credentials().ufrag.clone());
        let password = agent.credentials().password.reveal().clone();
        let mut lines = vec![ufrag, ("ice-pwd".to_owned(), password)];
        if self.setting.trickle {
            lines.push(("ice-options".to_owned(), "trickle ice2".to_owned()));
        }
        for candidate in agent.candidates() {
            lines.push(("candidate".to_owned(), candidate.to_string()));
        }
        if agent.gathered() {
            lines.push(("end-of-candidates".to_owned(), String::new()));
        }
        Remote::read(lines.iter().map(|(n, v)| (n.as_str(), v.as_str()))).unwrap()
    }

    fn signal(&mut self, which: usize) {
        let at = self.world.now + SIGNALLING;
        let description = self.description(which);
        self.signals.push((at, 1 - which, description));
    }

    /// Turns the clock until `done`, or so far; whether it was done.
    pub(crate) fn run(&mut self, span: Duration, done: impl Fn(&Two) -> bool) -> bool {
        let end = self.world.now + span;
        loop {
            self.settle();
            if done(self) {
                return true;
            }
            let next = self.next().filter(|next| *next <= end);
            let Some(next) = next else {
                self.world.now = end;
                return false;
            };
            self.world.now = next.max(self.world.now);
            self.step();
        }
    }

    fn next(&mut self) -> Option<Instant> {
        let mut next = self.world.next_arrival();
        let signals = self.signals.iter().map(|(at, _, _)| *at).min();
        next = next.into_iter().chain(signals).min();
        for phone in &mut self.phones {
            if let Output::Wait(Some(at)) = phone.agent.poll_output() {
                next = next.into_iter().chain([at]).min();
            }
            for line in &mut phone.lines {
                if let turn::Output::Wait(Some(at)) = line.client.poll_output() {
                    next = next.into_iter().chain([at]).min();
                }
            }
        }
        next
    }

    fn step(&mut self) {
        let now = self.world.now;
        while let Some(arrival) = self.world.arrived() {
            self.deliver(arrival);
        }
        let due = self.signals.iter().position(|(at, _, _)| *at <= now);
        if let Some(due) = due {
            let (_, whom, description) = self.signals.remove(due);
            let follows = self.phones[whom].agent.is_restart(&description);
            let theirs: Vec<IpAddr> = description
                .candidates
                .iter()
                .map(|candidate| candidate.address.ip())
                .collect();
            self.phones[whom].agent.set_remote(now, description);
            if follows {
                self.begin(whom);
            }
            // What they send to the relayed address is to pass from the start.
            for line in &mut self.phones[whom].lines {
                theirs.iter().for_each(|ip| line.client.permit(now, *ip));
            }
        }
        for phone in &mut self.phones {
            phone.agent.handle_timeout(now);
            for line in &mut phone.lines {
                line.client.handle_timeout(now);
            }
        }
    }

    fn deliver(&mut self, arrival: Arrival) {
        if arrival.to == self.stun {
            if let Ok(Some(answer)) = binding::answer(&arrival.bytes, arrival.from) {
                let (stun, to) = (self.stun, arrival.from);
                self.world.send(Realm::INTERNET, stun, to, answer);
            }
            return;
        }
        let now = self.world.now;
        if arrival.to.ip() == self.relay.address.ip() {
            let sent = self
                .relay
                .receive(now, arrival.from, arrival.to, &arrival.bytes);
            for (from, to, bytes) in sent {
                self.world.send(Realm::INTERNET, from, to, bytes);
            }
            return;
        }
        let whose = self
            .phones
            .iter()
            .position(|p| p.realm == arrival.realm && p.ip == arrival.to.ip());
        let Some(whose) = whose else { return };
        self.received += 1;
        let component = (1..=2).find(|c| Two::port(whose, *c) == arrival.to.port());
        let Some(component) = component else { return };
        let (agent, lines) = {
            let phone = &mut self.phones[whose];
            (&mut phone.agent, &mut phone.lines)
        };
        if arrival.from == self.relay.address {
            let Some(line) = lines.get_mut(usize::from(component) - 1) else {
                return;
            };
            let got = line
                .client
                .handle_datagram(now, arrival.from, &arrival.bytes);
            if let (Received::Data { peer, bytes }, Some((relayed, _))) = (got, line.allocated) {
                agent.handle_datagram(now, component, relayed, peer, bytes);
            }
        } else {
            agent.handle_datagram(now, component, arrival.to, arrival.from, &arrival.bytes);
        }
    }

    /// Takes everything the agents have to give.
    fn settle(&mut self) {
        let now = self.world.now;
        for which in 0..self.phones.len() {
            let mut news = false;
            self.settle_lines(which);
            loop {
                let phone = &mut self.phones[which];
                match phone.agent.poll_output() {
                    Output::Transmit(out) => {
                        let realm = phone.realm;
                        let relayed =
                            |line: &&mut Line| line.allocated.is_some_and(|(r, _)| r == out.base);
                        match phone.lines.iter_mut().find(relayed) {
                            Some(line) => line.client.send(now, out.to, &out.bytes),
                            None => self.world.send(realm, out.base, out.to, out.bytes),
                        }
                    }
                    Output::Event(event) => {
                        news |= matches!(event, Event::Candidate(_) | Event::Gathered);
                        phone.events.push(event);
                    }
                    Output::Wait(_) => break,
                }
            }
            self.settle_lines(which);
            let phone = &mut self.phones[which];
            let complete = phone.agent.gathered() && !phone.told;
            if complete || (news && self.setting.trickle) {
                phone.told |= complete;
                self.signal(which);
            }
        }
    }

    /// What the clients of the TURN server have to give.
    fn settle_lines(&mut self, which: usize) {
        let now = self.world.now;
        let phone = &mut self.phones[which];
        for (at, line) in phone.lines.iter_mut().enumerate() {
            let before = line.settled;
            loop {
                match line.client.poll_output() {
                    turn::Output::Transmit { server, bytes } => {
                        self.world.send(phone.realm, line.base, server, bytes);
                    }
                    turn::Output::Event(turn::Event::Allocated { relayed, mapped }) => {
                        line.allocated = Some((relayed, mapped));
                        line.settled = true;
                        phone.agent.add_relayed(now, at as u8 + 1, relayed, mapped);
                    }
                    turn::Output::Event(turn::Event::Failed(_)) => line.settled = true,
                    turn::Output::Event(_) => {}
                    turn::Output::Wait(_) => break,
                }
            }
            if line.settled && !before && at + 1 == usize::from(self.setting.components) {
                phone.agent.end_bases(now);
            }
        }
    }

    pub(crate) fn path(&self, which: usize, component: u8) -> Option<Path> {
        self.phones[which].agent.path(component)
    }

    /// Whether both have chosen for every component.
    pub(crate) fn completed(&self) -> bool {
        self.phones
            .iter()
            .all(|p| p.events.contains(&Event::Completed))
    }

    /// Both ends of each component's path are the same path: each sends to where the other sends
    /// from, as seen from here.
    pub(crate) fn agree(&self) -> bool {
        (1..=self.setting.components).all(|component| {
            let ends = [self.path(0, component), self.path(1, component)];
            matches!(ends, [Some(a), Some(b)] if a.remote == b.local && b.remote == a.local)
        })
    }

    pub(crate) fn told(&self, which: usize, event: &Event) -> usize {
        let same = |other: &&Event| *other == event;
        self.phones[which].events.iter().filter(same).count()
    }
}
