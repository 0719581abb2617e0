//! A chosen pair, and whether the other side still wants what is sent to it (RFC 7675).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::agent::{Agent, Event};
use super::candidate::{self, CandidateKind};
use super::description::Credentials;
use super::path::Path;
use crate::nat::stun::{Class, Key, Message, TransactionId};

/// Consent lasts so long after an answer (RFC 7675 section 5.1).
pub(super) const EXPIRY: Duration = Duration::from_secs(30);
/// Between two requests, 20 % more or less.
const INTERVAL: Duration = Duration::from_secs(5);
/// Requests of which an answer still counts.
const OUTSTANDING: usize = 8;

/// The pair that carries one component.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    pub(super) pair: u32,
    pub(super) generation: u32,
    pub(super) path: Path,
    /// Both sides' credentials when it was chosen; a restart brings others.
    local: Credentials,
    remote: Credentials,
    priority: u32,
    ask_at: Instant,
    expires: Instant,
    outstanding: VecDeque<TransactionId>,
}

impl Selected {
    pub(super) fn new(
        now: Instant,
        agent: &Agent,
        pair: u32,
        path: Path,
        remote: Credentials,
        preference: u16,
    ) -> Selected {
        Selected {
            pair,
            generation: agent.generation,
            priority: candidate::priority(CandidateKind::PeerReflexive, preference, path.component),
            path,
            local: agent.local.clone(),
            remote,
            ask_at: now + INTERVAL,
            expires: now + EXPIRY,
            outstanding: VecDeque::new(),
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.ask_at.min(self.expires)
    }
}

impl Agent {
    /// Asks for consent where it is time, and tells where it has run out.
    pub(super) fn run_consent(&mut self, now: Instant) {
        for component in 1..=self.components {
            let Some(selected) = self.selected.get(&component) else {
                continue;
            };
            if now >= selected.expires {
                self.lose(component);
            } else if now >= selected.ask_at {
                self.ask_consent(now, component);
            }
        }
    }

    fn ask_consent(&mut self, now: Instant, component: u8) {
        let id = TransactionId::draw(&mut self.rng);
        let spread = self.rng.next_u32() % 401; // 0.8 to 1.2 of the interval
        let Some(mut selected) = self.selected.remove(&component) else {
            return;
        };
        let bytes = self.check_bytes(
            id,
            &selected.local,
            &selected.remote,
            selected.priority,
            false,
        );
        selected.ask_at = now + INTERVAL * (800 + spread) / 1000;
        if selected.outstanding.len() == OUTSTANDING {
            selected.outstanding.pop_front();
        }
        selected.outstanding.push_back(id);
        let (base, to) = (selected.path.base, selected.path.remote);
        self.selected.insert(component, selected);
        self.transmit(component, base, to, bytes);
    }

    /// An answer to none of the checks: perhaps to a request for consent.
    pub(super) fn consented(
        &mut self,
        now: Instant,
        component: u8,
        base: SocketAddr,
        source: SocketAddr,
        message: &Message<'_>,
    ) {
        let Some(selected) = self.selected.get_mut(&component) else {
            return;
        };
        let asked = selected.outstanding.contains(&message.transaction());
        let straight = (selected.path.base, selected.path.remote) == (base, source);
        let key = Key::short_term(selected.remote.password.reveal());
        if asked && straight && message.class() == Class::Success && message.is_by(&key) {
            selected.outstanding.clear();
            selected.expires = now + EXPIRY;
        }
    }

    fn lose(&mut self, component: u8) {
        let current = self.decided(component);
        self.selected.remove(&component);
        if !current {
            return; // of before the restart; what is looked for now replaces it
        }
        // Only a restart brings it back (RFC 7675 section 5.1).
        self.lost = true;
        self.triggered.clear();
        self.transactions.clear();
        self.pairs.retain(|_, pair| pair.component != component);
        for known in &mut self.remotes {
            known.heard &= known.candidate.component != component;
        }
        self.event(Event::ConsentLost { component });
    }
}
