//! The way that was found, and what was tried on the way to it.

use std::net::SocketAddr;
use std::time::Duration;

use super::agent::{Agent, Role};
use super::candidate::CandidateKind;
use super::checks::PairState;

/// What carries one component's packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// 1 for RTP, 2 for RTCP.
    pub component: u8,
    /// Where packets are sent from: one's own address, or the relayed one of a TURN server.
    pub base: SocketAddr,
    /// The address under which the other side sees them.
    pub local: SocketAddr,
    /// How that one came to be known.
    pub local_kind: CandidateKind,
    /// Where they are sent to.
    pub remote: SocketAddr,
    /// How that one came to be known.
    pub remote_kind: CandidateKind,
    /// How long the answer to the check took.
    pub round_trip: Duration,
    /// Who decided, or nobody yet: a pair that works may be used before it is nominated (RFC
    /// 8445 section 12.1).
    pub chosen_by: Option<Chooser>,
    /// Pairs that would have been better and of which no answer came: why it is this one.
    pub better_silent: usize,
}

/// Who chose a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chooser {
    /// This side was controlling.
    Us,
    /// The other side was.
    Peer,
}

/// A path in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathKind {
    /// Both are at addresses of their own.
    Direct,
    /// Through address translators, straight.
    Translated,
    /// A TURN server passes everything on.
    Relayed,
}

impl Path {
    /// The path in a word.
    #[must_use]
    pub fn kind(&self) -> PathKind {
        path_kind(self.local_kind, self.remote_kind)
    }
}

pub(super) fn path_kind(local: CandidateKind, remote: CandidateKind) -> PathKind {
    match (local, remote) {
        (CandidateKind::Relayed, _) | (_, CandidateKind::Relayed) => PathKind::Relayed,
        (CandidateKind::Host, CandidateKind::Host) => PathKind::Direct,
        _ => PathKind::Translated,
    }
}

/// A pair of addresses that was considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// 1 for RTP, 2 for RTCP.
    pub component: u8,
    /// Sent from, and how that one came to be known.
    pub local: (SocketAddr, CandidateKind),
    /// Sent to, and how that one came to be known.
    pub remote: (SocketAddr, CandidateKind),
    /// What came of it.
    pub state: TriedState,
}

/// What came of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriedState {
    /// Its turn did not come.
    Waiting,
    /// Asked, and no answer so far.
    Asked {
        /// Requests that went out.
        times: u32,
    },
    /// It works.
    Answered {
        /// From request to answer.
        round_trip: Duration,
    },
    /// No answer came in time, or one that does not fit.
    Failed,
}

impl Agent {
    /// Everything that was considered since the start or restart, the best first.
    #[must_use]
    pub fn tried(&self) -> Vec<Tried> {
        let mut pairs: Vec<_> = self.pairs.values().collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(self.pair_priority(pair)));
        pairs
            .into_iter()
            .map(|pair| {
                let local = &self.locals[pair.local];
                let remote = &self.remotes[pair.remote].candidate;
                Tried {
                    component: pair.component,
                    local: (local.base, local.candidate.kind),
                    remote: (remote.address, remote.kind),
                    state: match (pair.valid, pair.state) {
                        (Some(valid), _) => TriedState::Answered {
                            round_trip: valid.round_trip,
                        },
                        (None, PairState::Frozen | PairState::Waiting) if pair.asked == 0 => {
                            TriedState::Waiting
                        }
                        (None, PairState::Failed) => TriedState::Failed,
                        (None, _) => TriedState::Asked { times: pair.asked },
                    },
                }
            })
            .collect()
    }

    /// The path of a pair that works.
    pub(super) fn path_of(&self, pair: u32, chosen: bool) -> Option<Path> {
        let best = self.pairs.get(&pair)?;
        let valid = best.valid?;
        let priority = self.pair_priority(best);
        let better_silent = self
            .pairs
            .values()
            .filter(|other| {
                other.component == best.component
                    && other.valid.is_none()
                    && other.asked > 0
                    && self.pair_priority(other) > priority
            })
            .count();
        let remote = &self.remotes[best.remote].candidate;
        let local = &self.locals[valid.local].candidate;
        Some(Path {
            component: best.component,
            base: self.locals[best.local].base,
            local: local.address,
            local_kind: local.kind,
            remote: remote.address,
            remote_kind: remote.kind,
            round_trip: valid.round_trip,
            chosen_by: chosen.then_some(match self.role {
                Role::Controlling => Chooser::Us,
                Role::Controlled => Chooser::Peer,
            }),
            better_silent,
        })
    }
}
