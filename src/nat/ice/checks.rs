//! Pairs, their states, and checks one after another (RFC 8445 sections 6.1 and 7.2).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::agent::{Agent, Role, first_wait};
use super::candidate::{self, CandidateKind, can_pair};
use super::description::Credentials;
use super::gathering::Gather;
use super::{MAX_PAIRS, PACE};
use crate::nat::stun::binding::{Due, MAX_SENDS, Retransmission};
use crate::nat::stun::{Builder, Class, Key, Method, TransactionId, attribute};

/// Requests of one pair that are under way at once.
const CHECKS_OF_PAIR: usize = 3;

/// RFC 8445 section 6.1.2.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PairState {
    Frozen,
    Waiting,
    InProgress,
    Succeeded,
    Failed,
}

/// A check was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Valid {
    /// The local candidate that the other side saw.
    pub(super) local: usize,
    pub(super) round_trip: Duration,
}

/// A base of this side and a candidate of the other.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) component: u8,
    pub(super) local: usize,
    pub(super) remote: usize,
    pub(super) state: PairState,
    pub(super) valid: Option<Valid>,
    /// The other side, controlling, wants this one.
    pub(super) wanted: bool,
    pub(super) asked: u32,
}

/// What a request under way is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Check {
        pair: u32,
        nominating: bool,
        /// As it was when the request went out.
        role: Role,
        priority: u32,
    },
    Gather(Gather),
}

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) purpose: Purpose,
    pub(super) component: u8,
    pub(super) base: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
    pub(super) began: Instant,
    pub(super) retransmission: Retransmission,
}

impl Agent {
    /// RFC 8445 section 6.1.2.3.
    pub(super) fn pair_priority(&self, pair: &Pair) -> u64 {
        let local = u64::from(self.locals[pair.local].candidate.priority);
        let remote = u64::from(self.remotes[pair.remote].candidate.priority);
        let (controlling, controlled) = match self.role {
            Role::Controlling => (local, remote),
            Role::Controlled => (remote, local),
        };
        (controlling.min(controlled) << 32)
            + 2 * controlling.max(controlled)
            + u64::from(controlling > controlled)
    }

    /// Joins two candidates, if they can be a path and nothing alike is there. Reflexive ones
    /// are sent from their base, whose pair says it all (RFC 8445 section 6.1.2.4).
    pub(super) fn pair(&mut self, local: usize, remote: usize) -> Option<u32> {
        let (ours, theirs) = (&self.locals[local], &self.remotes[remote].candidate);
        let reflexive = matches!(
            ours.candidate.kind,
            CandidateKind::ServerReflexive | CandidateKind::PeerReflexive
        );
        if reflexive
            || ours.candidate.component != theirs.component
            || !can_pair(ours.candidate.address.ip(), theirs.address.ip())
        {
            return None;
        }
        let there = self
            .pairs
            .iter()
            .find(|(_, pair)| pair.local == local && pair.remote == remote);
        if let Some((id, _)) = there {
            return Some(*id);
        }
        let component = theirs.component;
        let fresh = self
            .pairs
            .values()
            .any(|pair| self.alike(pair, local, remote) && pair.state == PairState::Succeeded);
        // What comes later than the first description is not frozen (RFC 8838 section 12),
        // unless a pair like it is being looked at.
        let state = if fresh || self.give_up_at.is_some() {
            PairState::Waiting
        } else {
            PairState::Frozen
        };
        let id = self.next_pair;
        self.next_pair += 1;
        self.pairs.insert(
            id,
            Pair {
                component,
                local,
                remote,
                state,
                valid: None,
                wanted: false,
                asked: 0,
            },
        );
        Some(id)
    }

    /// Whether a pair has the foundations of these two.
    fn alike(&self, pair: &Pair, local: usize, remote: usize) -> bool {
        let ours = |at: usize| &self.locals[at].candidate.foundation;
        let theirs = |at: usize| &self.remotes[at].candidate.foundation;
        ours(pair.local) == ours(local) && theirs(pair.remote) == theirs(remote)
    }

    /// Leaves out the worst of too many.
    pub(super) fn prune(&mut self) {
        while self.pairs.len() > MAX_PAIRS {
            let idle = |pair: &&Pair| {
                matches!(
                    pair.state,
                    PairState::Frozen | PairState::Waiting | PairState::Failed
                )
            };
            let worst = self
                .pairs
                .iter()
                .filter(|(_, pair)| idle(pair) && pair.valid.is_none())
                .min_by_key(|(_, pair)| self.pair_priority(pair))
                .or_else(|| self.pairs.iter().next_back())
                .map(|(id, _)| *id);
            let Some(worst) = worst else { return };
            self.remove_pair(worst);
        }
    }

    pub(super) fn remove_pair(&mut self, id: u32) {
        self.pairs.remove(&id);
        self.triggered.retain(|queued| *queued != id);
        self.transactions
            .retain(|_, t| !matches!(t.purpose, Purpose::Check { pair, .. } if pair == id));
    }

    /// Lets the best pair of each foundation begin (RFC 8445 section 6.1.2.6): the lowest
    /// component first, then priority.
    pub(super) fn thaw(&mut self) {
        let mut order: Vec<u32> = self.pairs.keys().copied().collect();
        order.sort_by_key(|id| {
            let pair = &self.pairs[id];
            (pair.component, std::cmp::Reverse(self.pair_priority(pair)))
        });
        for id in order {
            let pair = self.pairs[&id].clone();
            let busy = self.pairs.values().any(|other| {
                matches!(other.state, PairState::Waiting | PairState::InProgress)
                    && self.alike(other, pair.local, pair.remote)
            });
            if pair.state == PairState::Frozen && !busy {
                self.set_state(id, PairState::Waiting);
            }
        }
    }

    /// A pair of these foundations works: those like it may begin.
    pub(super) fn thaw_alike(&mut self, local: usize, remote: usize) {
        let alike: Vec<u32> = self
            .pairs
            .iter()
            .filter(|(_, pair)| pair.state == PairState::Frozen && self.alike(pair, local, remote))
            .map(|(id, _)| *id)
            .collect();
        for id in alike {
            self.set_state(id, PairState::Waiting);
        }
    }

    pub(super) fn set_state(&mut self, id: u32, state: PairState) {
        if let Some(pair) = self.pairs.get_mut(&id) {
            pair.state = state;
        }
    }

    /// Whether a slot of the pace would be used.
    pub(super) fn work_pending(&self) -> bool {
        if !self.gathers.is_empty() {
            return true;
        }
        self.remote.is_some()
            && (!self.triggered.is_empty()
                || self.pairs.values().any(|pair| {
                    matches!(pair.state, PairState::Waiting | PairState::Frozen)
                        && !self.decided(pair.component)
                }))
    }

    /// Begins at most one request.
    pub(super) fn pace(&mut self, now: Instant) {
        if now < self.next_slot || !self.work_pending() {
            return;
        }
        self.next_slot = now + PACE;
        if self.gather_next(now) {
            return;
        }
        if let Some(id) = self.triggered.pop_front() {
            return self.check(now, id, false);
        }
        if self.next_waiting().is_none() {
            self.thaw();
        }
        if let Some(id) = self.next_waiting() {
            self.check(now, id, false);
        }
    }

    fn next_waiting(&self) -> Option<u32> {
        self.pairs
            .iter()
            .filter(|(_, pair)| pair.state == PairState::Waiting && !self.decided(pair.component))
            .max_by_key(|(_, pair)| self.pair_priority(pair))
            .map(|(id, _)| *id)
    }

    /// Sends a check of this pair; `nominating` as controlling.
    pub(super) fn check(&mut self, now: Instant, id: u32, nominating: bool) {
        let (Some(pair), Some(remote)) = (self.pairs.get(&id), self.remote.clone()) else {
            return;
        };
        let local = &self.locals[pair.local];
        let (component, base) = (pair.component, local.base);
        let to = self.remotes[pair.remote].candidate.address;
        let kind = match local.candidate.kind {
            // What the other side would make of it is a peer-reflexive candidate, and behind a
            // relay still a relayed one: it must not look better than a direct way.
            CandidateKind::Relayed => CandidateKind::Relayed,
            _ => CandidateKind::PeerReflexive,
        };
        let priority = candidate::priority(kind, local.preference, component);
        let transaction = TransactionId::draw(&mut self.rng);
        let bytes = self.check_bytes(transaction, &self.local, &remote, priority, nominating);
        self.limit_checks_of(id);
        let running = self.transactions.len() + self.triggered.len();
        self.transmit(component, base, to, bytes.clone());
        self.transactions.insert(
            transaction,
            Transaction {
                purpose: Purpose::Check {
                    pair: id,
                    nominating,
                    role: self.role,
                    priority,
                },
                component,
                base,
                to,
                bytes,
                began: now,
                retransmission: Retransmission::new(now, first_wait(running), MAX_SENDS),
            },
        );
        if let Some(pair) = self.pairs.get_mut(&id) {
            pair.asked += 1;
            if pair.state != PairState::Succeeded {
                pair.state = PairState::InProgress;
            }
        }
    }

    /// Each check that arrives has one sent back; of a pair only the last few count.
    fn limit_checks_of(&mut self, id: u32) {
        let of_pair = |t: &Transaction| matches!(t.purpose, Purpose::Check { pair, nominating: false, .. } if pair == id);
        let running = self.transactions.iter().filter(|(_, t)| of_pair(t));
        let oldest = running
            .clone()
            .min_by_key(|(_, t)| t.began)
            .map(|(id, _)| *id);
        if running.count() >= CHECKS_OF_PAIR
            && let Some(oldest) = oldest
        {
            self.transactions.remove(&oldest);
        }
    }

    /// A binding request with all that ICE wants in it (RFC 8445 section 7.1).
    pub(super) fn check_bytes(
        &self,
        id: TransactionId,
        local: &Credentials,
        remote: &Credentials,
        priority: u32,
        nominating: bool,
    ) -> Vec<u8> {
        let username = format!("{}:{}", remote.ufrag, local.ufrag);
        let role = match self.role {
            Role::Controlling => attribute::ICE_CONTROLLING,
            Role::Controlled => attribute::ICE_CONTROLLED,
        };
        Builder::new(Class::Request, Method::BINDING, id)
            .text(attribute::USERNAME, &username)
            .number(attribute::PRIORITY, priority)
            .long_number(role, self.tie_breaker)
            .maybe(attribute::USE_CANDIDATE, nominating.then_some(&[]))
            .integrity(&Key::short_term(remote.password.reveal()))
            .fingerprint()
            .finish()
    }

    /// Sends again what is due, and gives up what nobody answers.
    pub(super) fn run_transactions(&mut self, now: Instant) {
        let due: Vec<TransactionId> = self
            .transactions
            .iter()
            .filter(|(_, t)| now >= t.retransmission.due())
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(transaction) = self.transactions.get_mut(&id) else {
                continue;
            };
            match transaction.retransmission.handle_timeout(now) {
                Due::NotYet => {}
                Due::Send => {
                    let t = transaction.clone();
                    if let Purpose::Check { pair, .. } = t.purpose
                        && let Some(pair) = self.pairs.get_mut(&pair)
                    {
                        pair.asked += 1;
                    }
                    self.transmit(t.component, t.base, t.to, t.bytes);
                }
                Due::GiveUp => {
                    let purpose = transaction.purpose;
                    self.transactions.remove(&id);
                    match purpose {
                        Purpose::Check {
                            pair, nominating, ..
                        } => self.fail(pair, nominating),
                        Purpose::Gather(_) => self.after_gather(),
                    }
                }
            }
        }
    }

    /// A check failed.
    pub(super) fn fail(&mut self, id: u32, nominating: bool) {
        let Some(pair) = self.pairs.get_mut(&id) else {
            return;
        };
        if nominating {
            // It worked, and does no longer: another one has to do.
            pair.valid = None;
        }
        if pair.valid.is_none() {
            pair.state = PairState::Failed;
        }
        let component = pair.component;
        if nominating {
            self.nomination_failed(component);
        }
    }
}
