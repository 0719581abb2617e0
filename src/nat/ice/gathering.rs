//! Local candidates: of interfaces, of STUN servers, of TURN servers (RFC 8445 section 5.1.1).

use std::net::SocketAddr;
use std::time::Instant;

use super::agent::{Agent, Event, Local};
use super::candidate::{self, Candidate, CandidateKind};
use super::checks::{Purpose, Transaction};
use super::{KEEP_ALIVE, MAX_LOCAL};
use crate::nat::stun::binding::{RTO, Retransmission};
use crate::nat::stun::{Builder, Class, Message, Method, TransactionId};

/// Requests to one STUN server from one base; a server that is silent for 7.5 s is left out, since
/// the other side's description does not wait longer either.
const GATHER_SENDS: u32 = 4;
/// STUN servers asked from one base.
const SERVERS_EACH: usize = 2;

/// A STUN server to be asked from a base.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gather {
    pub(super) component: u8,
    base: SocketAddr,
    server: SocketAddr,
}

/// A mapped address that nothing else keeps alive.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptAlive {
    component: u8,
    base: SocketAddr,
    server: SocketAddr,
    pub(super) due: Instant,
}

impl Agent {
    /// An own address with a socket for this component. The first added is liked best. STUN
    /// servers of its family are asked from it at once.
    pub fn add_host(&mut self, now: Instant, component: u8, base: SocketAddr) {
        if component == 0 || component > self.components {
            return;
        }
        let preference = self.next_preference(component);
        let added = self.add_local(CandidateKind::Host, component, base, base, None, preference);
        if added.is_some() && !base.ip().is_loopback() {
            let servers: Vec<SocketAddr> = self
                .stun_servers
                .iter()
                .copied()
                .filter(|server| server.is_ipv4() == base.is_ipv4())
                .take(SERVERS_EACH)
                .collect();
            self.gathers
                .extend(servers.into_iter().map(|server| Gather {
                    component,
                    base,
                    server,
                }));
        }
        self.gathered = false;
        self.bases_ended = false;
        self.advance(now);
    }

    /// A TURN server gave a relayed address; it saw the request come from `mapped`.
    pub fn add_relayed(
        &mut self,
        now: Instant,
        component: u8,
        relayed: SocketAddr,
        mapped: SocketAddr,
    ) {
        if component == 0 || component > self.components {
            return;
        }
        let preference = self.next_preference(component);
        self.add_local(
            CandidateKind::Relayed,
            component,
            relayed,
            relayed,
            Some(mapped),
            preference,
        );
        self.advance(now);
    }

    /// All bases are added: when the servers have answered, or are known not to, there are no
    /// more candidates.
    pub fn end_bases(&mut self, now: Instant) {
        self.bases_ended = true;
        self.after_gather();
        self.advance(now);
    }

    /// Whether a STUN server may still answer.
    fn gathering(&self) -> bool {
        !self.gathers.is_empty()
            || self
                .transactions
                .values()
                .any(|t| matches!(t.purpose, Purpose::Gather(_)))
    }

    fn next_preference(&self, component: u8) -> u16 {
        let bases = self
            .locals
            .iter()
            .filter(|local| {
                local.candidate.component == component && local.base == local.candidate.address
            })
            .count();
        u16::MAX - bases as u16
    }

    /// Takes a local candidate that is not there yet, and pairs it.
    pub(super) fn add_local(
        &mut self,
        kind: CandidateKind,
        component: u8,
        address: SocketAddr,
        base: SocketAddr,
        related: Option<SocketAddr>,
        preference: u16,
    ) -> Option<usize> {
        let known = |local: &Local| {
            local.candidate.component == component && local.candidate.address == address
        };
        if self.locals.len() >= MAX_LOCAL || self.locals.iter().any(known) {
            return None;
        }
        let candidate = Candidate {
            foundation: self.foundation(kind, base, related),
            component,
            priority: candidate::priority(kind, preference, component),
            address,
            kind,
            related,
        };
        self.locals.push(Local {
            candidate: candidate.clone(),
            base,
            preference,
        });
        let at = self.locals.len() - 1;
        for remote in 0..self.remotes.len() {
            self.pair(at, remote);
        }
        self.prune();
        if kind != CandidateKind::PeerReflexive {
            self.event(Event::Candidate(candidate));
        }
        Some(at)
    }

    /// The same for candidates of one kind, one base address, and for relayed ones one server as
    /// far as its address tells (RFC 8445 section 5.1.1.3).
    fn foundation(
        &self,
        kind: CandidateKind,
        base: SocketAddr,
        related: Option<SocketAddr>,
    ) -> String {
        let alike = self.locals.iter().find(|local| {
            local.candidate.kind == kind
                && local.base.ip() == base.ip()
                && local.candidate.related.map(|at| at.ip()) == related.map(|at| at.ip())
        });
        match alike {
            Some(local) => local.candidate.foundation.clone(),
            None => (self.locals.len() + 1).to_string(),
        }
    }

    /// Asks the next STUN server; whether there was one.
    pub(super) fn gather_next(&mut self, now: Instant) -> bool {
        let Some(gather) = self.gathers.pop_front() else {
            return false;
        };
        let id = TransactionId::draw(&mut self.rng);
        let bytes = Builder::new(Class::Request, Method::BINDING, id)
            .fingerprint()
            .finish();
        self.transmit(gather.component, gather.base, gather.server, bytes.clone());
        self.transactions.insert(
            id,
            Transaction {
                purpose: Purpose::Gather(gather),
                component: gather.component,
                base: gather.base,
                to: gather.server,
                bytes,
                began: now,
                retransmission: Retransmission::new(now, RTO, GATHER_SENDS),
            },
        );
        true
    }

    /// A STUN server answered.
    pub(super) fn mapped(&mut self, now: Instant, gather: Gather, message: &Message<'_>) {
        if let (Class::Success, Some(mapped)) = (message.class(), message.mapped_address()) {
            let preference = self
                .locals
                .iter()
                .find(|local| local.base == gather.base)
                .map_or(0, |local| local.preference);
            // A mapped address that is the own one is known already: there is no translator.
            let added = self.add_local(
                CandidateKind::ServerReflexive,
                gather.component,
                mapped,
                gather.base,
                Some(gather.base),
                preference,
            );
            if added.is_some() {
                self.kept_alive.push(KeptAlive {
                    component: gather.component,
                    base: gather.base,
                    server: gather.server,
                    due: now + KEEP_ALIVE,
                });
            }
        }
        self.after_gather();
    }

    /// One request fewer is under way.
    pub(super) fn after_gather(&mut self) {
        if !self.gathered && self.bases_ended && !self.gathering() {
            self.gathered = true;
            self.event(Event::Gathered);
        }
    }

    pub(super) fn forget_gathers_of_component(&mut self, component: u8) {
        self.gathers.retain(|gather| gather.component != component);
        self.transactions.retain(|_, t| t.component != component);
        self.kept_alive.retain(|kept| kept.component != component);
        self.after_gather();
    }

    /// Keeps mapped addresses open until a path is chosen: a phone may ring for a minute.
    pub(super) fn run_keep_alives(&mut self, now: Instant) {
        if self.completed {
            self.kept_alive.clear();
        }
        let mut sends = Vec::new();
        for kept in self.kept_alive.iter_mut().filter(|kept| now >= kept.due) {
            kept.due = now + KEEP_ALIVE;
            sends.push(*kept);
        }
        for kept in sends {
            let id = TransactionId::draw(&mut self.rng);
            let bytes = Builder::new(Class::Indication, Method::BINDING, id)
                .fingerprint()
                .finish();
            self.transmit(kept.component, kept.base, kept.server, bytes);
        }
    }
}
