//! Which servers a URI means, and in which order they are tried (RFC 3263).
//!
//! ```text
//! hop ─▶ Locating ─▶ Ask: NAPTR, SRV, A, AAAA … ─▶ Found: transports and addresses, best first
//!            ▲                  │
//!            └──── answers ◀────┘
//! ```
//!
//! Everything that may be needed is asked at once, and what comes late is done without: a router
//! that swallows questions it does not know must not make each call wait for it.

mod hop;
mod order;
mod outages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::Transport;
pub use hop::Hop;
pub use outages::Outages;

/// Servers that are worth trying.
const MAX_SERVERS: usize = 16;
/// Records of one answer that are read.
const MAX_RECORDS: usize = 32;
/// Questions for one hop: a name whose records point to ever more names gets no further.
const MAX_QUESTIONS: usize = 64;
/// How long NAPTR and SRV are waited for.
const SERVICES_WITHIN: Duration = Duration::from_millis(2_500);
/// How long the addresses of one family are waited for when those of the other are there. RFC 8305
/// section 3 has 50 ms for a page that shall appear; here nothing is lost by a little more.
const FAMILY_WITHIN: Duration = Duration::from_millis(300);
/// How long a person waits before "no such host" is the better answer.
const LIMIT: Duration = Duration::from_secs(5);

/// What kind of records is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// Which services a domain has (RFC 3403).
    Naptr,
    /// Which hosts serve one of them (RFC 2782).
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

/// One question to DNS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// About which name; a whole one, without the last dot.
    pub name: String,
    /// For which records.
    pub kind: RecordKind,
}

/// A NAPTR record (RFC 3403 section 4.1), without its regular expression, which SIP does not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naptr {
    /// Lower ones come first.
    pub order: u16,
    /// Among those of the same order, lower ones come first.
    pub preference: u16,
    /// `s`: the replacement has SRV records; `a`: it has addresses.
    pub flags: String,
    /// `SIP+D2U`, `SIP+D2T`, `SIPS+D2T`.
    pub service: String,
    /// The name to go on with.
    pub replacement: String,
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower ones come first.
    pub priority: u16,
    /// How often it comes first among those of the same priority.
    pub weight: u16,
    /// Its port.
    pub port: u16,
    /// Its name; empty or `.`: the service is decidedly not there.
    pub target: String,
}

/// What DNS said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Services.
    Naptr(Vec<Naptr>),
    /// Hosts.
    Srv(Vec<Srv>),
    /// Addresses of the family asked for.
    Addresses(Vec<IpAddr>),
    /// No such name, no such records, or no answer.
    Nothing,
}

/// One server of a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Server {
    /// How it is spoken to.
    pub transport: Transport,
    /// Where it is.
    pub address: SocketAddr,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum LocatingOutput {
    /// Ask this; answered with [`Locating::handle_answer`].
    Ask(Question),
    /// These are the servers, best first; empty: there is none. The last output.
    Found(Vec<Server>),
    /// Nothing to do before this instant but to wait for answers.
    Wait(Instant),
}

/// The search for the servers of one hop.
#[derive(Debug)]
pub struct Locating {
    hop: Hop,
    supported: Vec<Transport>,
    seed: u64,
    began: Instant,
    now: Instant,
    /// What was asked, and the answers that are there.
    asked: BTreeMap<Question, Option<Answer>>,
    /// When the first addresses of each name came.
    addresses_at: BTreeMap<String, Instant>,
    outbox: VecDeque<Question>,
}

/// An answer that others build upon: there, or still waited for.
type Look<T> = Option<T>;

/// Where one transport is to be had.
enum Service {
    /// By SRV records of this name.
    Srv(Transport, String),
    /// At the addresses of this name, at the transport's port.
    Host(Transport, String),
}

impl Locating {
    /// Looks for the servers of `hop` that speak one of `supported`, which are in our order of
    /// preference where the domain has none. `seed` draws among servers of equal priority.
    #[must_use]
    pub fn new(now: Instant, hop: Hop, supported: &[Transport], seed: u64) -> Locating {
        Locating {
            hop,
            supported: supported.to_vec(),
            seed,
            began: now,
            now,
            asked: BTreeMap::new(),
            addresses_at: BTreeMap::new(),
            outbox: VecDeque::new(),
        }
    }

    /// Takes what DNS says. Answers to what was not asked are not looked at.
    pub fn handle_answer(&mut self, now: Instant, question: &Question, mut answer: Answer) {
        self.now = self.now.max(now);
        match &mut answer {
            Answer::Naptr(records) => records.truncate(MAX_RECORDS),
            Answer::Srv(records) => records.truncate(MAX_RECORDS),
            Answer::Addresses(addresses) => addresses.truncate(MAX_RECORDS),
            Answer::Nothing => {}
        }
        if let Some(place @ None) = self.asked.get_mut(question) {
            if matches!(&answer, Answer::Addresses(found) if !found.is_empty()) {
                let name = question.name.clone();
                self.addresses_at.entry(name).or_insert(self.now);
            }
            *place = Some(answer);
        }
    }

    /// What is waited for too long is done without.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// What is to be done next; to be called until it answers `Wait` or `Found`.
    pub fn poll_output(&mut self) -> LocatingOutput {
        let found = self.evaluate();
        if let Some(servers) = found {
            return LocatingOutput::Found(servers);
        }
        match self.outbox.pop_front() {
            Some(question) => LocatingOutput::Ask(question),
            None => LocatingOutput::Wait(self.deadline()),
        }
    }

    /// When the next of what is waited for is waited for too long.
    fn deadline(&self) -> Instant {
        let waiting = self.asked.iter().filter(|(_, answer)| answer.is_none());
        let ends = waiting.map(|(question, _)| self.patience(question));
        let next = ends.filter(|end| *end > self.now).min();
        next.unwrap_or(self.began + LIMIT)
    }

    /// Until when the answer to this is waited for.
    fn patience(&self, question: &Question) -> Instant {
        let limit = match question.kind {
            RecordKind::Naptr | RecordKind::Srv => self.began + SERVICES_WITHIN,
            RecordKind::A | RecordKind::Aaaa => match self.addresses_at.get(&question.name) {
                Some(at) => *at + FAMILY_WITHIN,
                None => self.began + LIMIT,
            },
        };
        limit.min(self.began + LIMIT)
    }

    /// The answer to a question, which is asked where it was not yet.
    fn look(&mut self, name: &str, kind: RecordKind) -> Look<Answer> {
        let question = Question {
            name: name.trim_end_matches('.').to_ascii_lowercase(),
            kind,
        };
        if question.name.is_empty() {
            return Some(Answer::Nothing);
        }
        match self.asked.get(&question) {
            Some(Some(answer)) => Some(answer.clone()),
            Some(None) => (self.patience(&question) <= self.now).then_some(Answer::Nothing),
            None if self.asked.len() >= MAX_QUESTIONS => Some(Answer::Nothing),
            None => {
                self.asked.insert(question.clone(), None);
                self.outbox.push_back(question);
                None
            }
        }
    }

    /// The servers, as far as the answers tell.
    fn evaluate(&mut self) -> Look<Vec<Server>> {
        if let Some(server) = self.hop.literal() {
            return Some(vec![server]);
        }
        let port = self.hop.host.port;
        let name = self.hop.host.host.to_string();
        // Whatever comes of the rest, these are needed soon.
        let at_host = self.addresses(&name);
        if let Some(port) = port {
            let transport = self.hop.transport_or_default();
            return Some(servers(transport, port, at_host?));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut found = Vec::new();
        let mut decided = false;
        let mut waits = false;
        for service in self.services(&name)? {
            let (transport, srv) = match service {
                Service::Host(transport, host) => {
                    decided = true;
                    match self.addresses(&host) {
                        Some(ips) => {
                            found.extend(servers(transport, transport.default_port(), ips))
                        }
                        None => waits = true,
                    }
                    continue;
                }
                Service::Srv(transport, srv) => (transport, srv),
            };
            let Some(answer) = self.look(&srv, RecordKind::Srv) else {
                waits = true;
                continue;
            };
            let Answer::Srv(records) = answer else {
                continue;
            };
            // A service that is decidedly not there is an answer too (RFC 2782, "Target").
            decided |= !records.is_empty();
            for record in order::by_weight(records, &mut rng) {
                match self.addresses(&record.target) {
                    Some(ips) => found.extend(servers(transport, record.port, ips)),
                    None => waits = true,
                }
            }
        }
        if waits {
            return None;
        }
        if !decided {
            let transport = self.hop.transport_or_default();
            found = servers(transport, transport.default_port(), at_host?);
        }
        let mut once: Vec<Server> = Vec::new();
        for server in found {
            if once.len() < MAX_SERVERS && !once.contains(&server) {
                once.push(server);
            }
        }
        Some(once)
    }

    /// Which services of a domain come into question, best first (RFC 3263 section 4.1).
    fn services(&mut self, name: &str) -> Look<Vec<Service>> {
        let by_srv = |transport: Transport| {
            let prefix = hop::srv_prefix(transport)?;
            Some(Service::Srv(transport, format!("{prefix}.{name}")))
        };
        if let Some(transport) = self.hop.transport {
            return Some(by_srv(transport).into_iter().collect());
        }
        // Without NAPTR each transport that we speak is asked for: TLS for a sips URI only.
        let secure = self.hop.secure;
        let plain: Vec<Service> = self
            .supported
            .iter()
            .filter(|transport| (**transport == Transport::Tls) == secure)
            .filter_map(|transport| by_srv(*transport))
            .collect();
        for service in &plain {
            if let Service::Srv(_, srv) = service {
                let _ = self.look(srv, RecordKind::Srv);
            }
        }
        let Answer::Naptr(mut records) = self.look(name, RecordKind::Naptr)? else {
            return Some(plain);
        };
        records.sort_by_key(|record| (record.order, record.preference));
        let chosen: Vec<Service> = records
            .into_iter()
            .filter_map(|record| {
                let transport = hop::transport_of(&record.service)?;
                let usable =
                    self.supported.contains(&transport) && (transport == Transport::Tls || !secure);
                match record.flags.to_ascii_lowercase().as_str() {
                    "s" if usable => Some(Service::Srv(transport, record.replacement)),
                    "a" if usable => Some(Service::Host(transport, record.replacement)),
                    _ => None,
                }
            })
            .collect();
        Some(if chosen.is_empty() { plain } else { chosen })
    }

    /// The addresses of a name, families taking turns (RFC 8305 section 4).
    fn addresses(&mut self, name: &str) -> Look<Vec<IpAddr>> {
        if let Ok(ip) = name.parse() {
            return Some(vec![ip]);
        }
        let (v6, v4) = (
            self.look(name, RecordKind::Aaaa),
            self.look(name, RecordKind::A),
        );
        let list = |answer| match answer {
            Answer::Addresses(addresses) => addresses,
            Answer::Naptr(_) | Answer::Srv(_) | Answer::Nothing => Vec::new(),
        };
        Some(order::taking_turns(list(v6?), list(v4?)))
    }
}

fn servers(transport: Transport, port: u16, ips: Vec<IpAddr>) -> Vec<Server> {
    let server = |ip| Server {
        transport,
        address: SocketAddr::new(ip, port),
    };
    ips.into_iter().map(server).collect()
}
