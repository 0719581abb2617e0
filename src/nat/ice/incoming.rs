//! What arrives: checks of the other side, answers to one's own (RFC 8445 sections 7.2.5, 7.3).

use std::net::SocketAddr;
use std::time::Instant;

use super::MAX_EARLY;
use super::agent::{Agent, Role};
use super::candidate::{Candidate, CandidateKind};
use super::checks::{PairState, Purpose, Valid};
use crate::nat::demux::{Carried, carried};
use crate::nat::stun::binding::unknown_attributes;
use crate::nat::stun::{Builder, Class, Key, Message, Method, attribute};

/// What a check may hold that must be understood.
const UNDERSTOOD: [u16; 3] = [
    attribute::USERNAME,
    attribute::PRIORITY,
    attribute::USE_CANDIDATE,
];

/// A check of the other side that was answered and is yet to be acted on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Early {
    component: u8,
    base: SocketAddr,
    source: SocketAddr,
    priority: u32,
    wanted: bool,
}

impl Agent {
    /// A datagram came to this component's `base` from `source` (for a relayed base: the peer,
    /// as the TURN server tells it). Whether it was STUN, and so no media.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        component: u8,
        base: SocketAddr,
        source: SocketAddr,
        bytes: &[u8],
    ) -> bool {
        if carried(bytes) != Carried::Stun {
            return false;
        }
        let message = Message::parse(bytes).ok();
        if let Some(message) = message.filter(|m| m.method() == Method::BINDING) {
            match message.class() {
                Class::Request => self.asked(component, base, source, &message),
                Class::Success | Class::Error => {
                    self.answered(now, component, base, source, &message);
                }
                Class::Indication => {} // keeps a translator open, no more
            }
            self.advance(now);
        }
        true
    }

    /// A check of somebody. Who does not know the password learns nothing, not even that
    /// somebody is here: no 401 goes back.
    fn asked(
        &mut self,
        component: u8,
        base: SocketAddr,
        source: SocketAddr,
        message: &Message<'_>,
    ) {
        let Some((ufrag, _)) = message
            .text(attribute::USERNAME)
            .and_then(|name| name.split_once(':'))
        else {
            return;
        };
        let current = ufrag == self.local.ufrag;
        let credentials = match &self.local_before {
            _ if current => &self.local,
            Some(before) if before.ufrag == ufrag => before,
            _ => return,
        };
        let key = Key::short_term(credentials.password.reveal());
        if component == 0 || component > self.components || !message.is_by(&key) {
            return;
        }
        let sealed = |answer: Builder| answer.integrity(&key).fingerprint().finish();
        let unknown = message.not_understood(&UNDERSTOOD);
        if !unknown.is_empty() {
            let answer = sealed(unknown_attributes(message, &unknown));
            return self.transmit(component, base, source, answer);
        }
        if current && self.gives_way(message) == Some(false) {
            let answer = sealed(Builder::answer(Class::Error, message).error(487, "Role Conflict"));
            return self.transmit(component, base, source, answer);
        }
        let answer = sealed(
            Builder::answer(Class::Success, message)
                .xor_address(attribute::XOR_MAPPED_ADDRESS, source),
        );
        self.transmit(component, base, source, answer);
        if !current {
            return;
        }
        let check = Early {
            component,
            base,
            source,
            priority: message.number(attribute::PRIORITY).unwrap_or(1),
            wanted: message.get(attribute::USE_CANDIDATE).is_some(),
        };
        if self.remote.is_some() {
            self.act_on_check(&check);
        } else if self.early.len() < MAX_EARLY {
            self.early.push_back(check);
        }
    }

    /// RFC 8445 section 7.3.1.1: `Some(true)` when both claim one role and this side changed its
    /// own, `Some(false)` when the other side has to.
    fn gives_way(&mut self, message: &Message<'_>) -> Option<bool> {
        let theirs = match self.role {
            Role::Controlling => message.long_number(attribute::ICE_CONTROLLING)?,
            Role::Controlled => message.long_number(attribute::ICE_CONTROLLED)?,
        };
        let larger = self.tie_breaker >= theirs;
        // The larger one is to be controlling.
        let change = larger == (self.role == Role::Controlled);
        if change {
            self.change_role();
        }
        Some(change)
    }

    /// Learns where a check came from, and checks back (RFC 8445 sections 7.3.1.3 to 7.3.1.5).
    pub(super) fn act_on_check(&mut self, check: &Early) {
        let own = self.locals.iter().position(|local| {
            local.candidate.component == check.component
                && local.base == check.base
                && local.candidate.address == check.base
        });
        let Some(local) = own.filter(|_| !self.lost) else {
            return;
        };
        let learned = self.learn_remote(Candidate {
            foundation: format!("prflx{}", self.remotes.len()),
            component: check.component,
            priority: check.priority.clamp(1, i32::MAX as u32),
            address: check.source,
            kind: CandidateKind::PeerReflexive,
            related: None,
        });
        let Some(remote) = learned else { return };
        self.remotes[remote].heard = true;
        let Some(id) = self.pair(local, remote) else {
            return;
        };
        let wanted = check.wanted && self.role == Role::Controlled;
        let better = self.beats_selected(id);
        let decided = self.decided(check.component);
        let Some(pair) = self.pairs.get_mut(&id) else {
            return;
        };
        pair.wanted |= wanted;
        match pair.state {
            PairState::Succeeded if wanted && better => self.pending_selection = Some(id),
            PairState::Succeeded => {}
            _ if decided && !(wanted && better) => {}
            state => {
                if state != PairState::InProgress {
                    self.set_state(id, PairState::Waiting);
                }
                if !self.triggered.contains(&id) {
                    self.triggered.push_back(id);
                }
            }
        }
    }

    /// An answer came.
    fn answered(
        &mut self,
        now: Instant,
        component: u8,
        base: SocketAddr,
        source: SocketAddr,
        message: &Message<'_>,
    ) {
        let id = message.transaction();
        let Some(transaction) = self.transactions.get(&id).cloned() else {
            return self.consented(now, component, base, source, message);
        };
        let straight = transaction.to == source && transaction.base == base;
        let (pair, nominating, role, priority) = match transaction.purpose {
            Purpose::Gather(gather) => {
                if straight {
                    self.transactions.remove(&id);
                    self.mapped(now, gather, message);
                }
                return;
            }
            Purpose::Check {
                pair,
                nominating,
                role,
                priority,
            } => (pair, nominating, role, priority),
        };
        let by_peer = self
            .remote
            .as_ref()
            .is_some_and(|remote| message.is_by(&Key::short_term(remote.password.reveal())));
        if !by_peer {
            return;
        }
        self.transactions.remove(&id);
        if !straight {
            // It has to come from where the request went (RFC 8445 section 7.2.5.2.1).
            return self.fail(pair, nominating);
        }
        if let Some(error) = message.error() {
            if error.code != 487 {
                return self.fail(pair, nominating);
            }
            if role == self.role {
                self.change_role();
            }
            self.nomination_failed(component);
            self.set_state(pair, PairState::Waiting);
            self.triggered.push_back(pair);
            return;
        }
        let mapped = message
            .xor_address(attribute::XOR_MAPPED_ADDRESS)
            .filter(|_| message.class() == Class::Success);
        let (Some(mapped), Some(found)) = (mapped, self.pairs.get(&pair).cloned()) else {
            return self.fail(pair, nominating);
        };
        let seen_as = self
            .locals
            .iter()
            .position(|local| {
                local.candidate.component == component && local.candidate.address == mapped
            })
            .or_else(|| {
                let preference = (priority >> 8) as u16;
                let kind = CandidateKind::PeerReflexive;
                self.add_local(kind, component, mapped, base, Some(base), preference)
            });
        let valid = Valid {
            local: seen_as.unwrap_or(found.local),
            round_trip: now.saturating_duration_since(transaction.began),
        };
        self.remotes[found.remote].heard = true;
        if let Some(pair) = self.pairs.get_mut(&pair) {
            pair.valid = Some(valid);
            pair.state = PairState::Succeeded;
        }
        self.thaw_alike(found.local, found.remote);
        if nominating && self.role == Role::Controlling
            || found.wanted && self.role == Role::Controlled && self.beats_selected(pair)
        {
            self.pending_selection = Some(pair);
        }
        self.select_pending(now);
        self.announce(component);
    }
}
