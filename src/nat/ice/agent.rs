//! What the agent knows, its inputs and its outputs; the rules stand in the files beside.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::candidate::Candidate;
use super::checks::{Pair, Transaction};
use super::consent::Selected;
use super::description::{Credentials, Remote};
use super::incoming::Early;
use super::nomination::Nomination;
use super::path::Path;
use super::{MAX_REMOTE, PATIENCE};
use crate::nat::stun::TransactionId;

/// Who nominates (RFC 8445 section 6.1.1). The offerer begins as controlling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Chooses the pair.
    Controlling,
    /// Is told.
    Controlled,
}

/// How an agent begins.
#[derive(Clone, Debug)]
pub struct Config {
    /// Controlling for who offers first.
    pub role: Role,
    /// 1 with rtcp-mux, else 2.
    pub components: u8,
    /// STUN servers to ask for mapped addresses; of each family the first two are asked.
    pub stun_servers: Vec<SocketAddr>,
}

/// What the agent wants, or has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Output {
    /// Bytes to be sent.
    Transmit(Transmit),
    /// Something changed.
    Event(Event),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// A datagram to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Whose socket: 1 for RTP, 2 for RTCP.
    pub component: u8,
    /// From which base: an own address, or a relayed one, for which the TURN client sends.
    pub base: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// The datagram.
    pub bytes: Vec<u8>,
}

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A local candidate more, to be told to the other side if it takes them one by one.
    Candidate(Candidate),
    /// No more local candidates are coming, until bases are added or after a restart.
    Gathered,
    /// Packets of this component go this way from now on. It may change until it is chosen.
    Path(Path),
    /// Every component has its chosen path.
    Completed,
    /// Nothing answers; there is no way.
    Failed,
    /// The other side no longer answers on this component's path: nothing more may be sent (RFC
    /// 7675 section 5.1). A restart may help.
    ConsentLost {
        /// 1 for RTP, 2 for RTCP.
        component: u8,
    },
    /// Both sides believed to have the same role, and this one gave way.
    RoleChanged(Role),
}

/// A candidate of this side.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) candidate: Candidate,
    /// Where its packets are really sent from.
    pub(super) base: SocketAddr,
    /// The base's place among the bases: lower is better.
    pub(super) preference: u16,
}

/// A candidate of the other side.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) candidate: Candidate,
    /// It proved, by integrity, to be where it says.
    pub(super) heard: bool,
}

/// A full ICE agent for one media stream of one or two components.
#[derive(Debug)]
pub struct Agent {
    pub(super) role: Role,
    pub(super) tie_breaker: u64,
    pub(super) components: u8,
    pub(super) stun_servers: Vec<SocketAddr>,
    pub(super) local: Credentials,
    /// Those before the restart: the other side's consent for the old path is still asked.
    pub(super) local_before: Option<Credentials>,
    pub(super) remote: Option<Credentials>,
    pub(super) remote_lite: bool,
    pub(super) remote_ended: bool,
    pub(super) remote_ignored: usize,
    pub(super) locals: Vec<Local>,
    pub(super) remotes: Vec<Known>,
    pub(super) pairs: BTreeMap<u32, Pair>,
    pub(super) next_pair: u32,
    /// Pairs to check before all others.
    pub(super) triggered: VecDeque<u32>,
    pub(super) transactions: BTreeMap<TransactionId, Transaction>,
    pub(super) gathers: VecDeque<super::gathering::Gather>,
    pub(super) kept_alive: Vec<super::gathering::KeptAlive>,
    /// No more bases will be added.
    pub(super) bases_ended: bool,
    pub(super) gathered: bool,
    pub(super) early: VecDeque<Early>,
    /// No new check before this.
    pub(super) next_slot: Instant,
    /// One for each component.
    pub(super) nominations: Vec<Nomination>,
    pub(super) selected: BTreeMap<u8, Selected>,
    /// Counts restarts.
    pub(super) generation: u32,
    pub(super) completed: bool,
    pub(super) give_up_at: Option<Instant>,
    pub(super) failed: bool,
    /// Consent ran out; only a restart helps.
    pub(super) lost: bool,
    /// A pair to be taken at the next opportunity.
    pub(super) pending_selection: Option<u32>,
    pub(super) rng: ChaCha8Rng,
    pub(super) outputs: VecDeque<Output>,
}

impl Agent {
    /// An agent without candidates; `seed` must be such that nobody can guess it.
    #[must_use]
    pub fn new(now: Instant, config: Config, seed: [u8; 32]) -> Agent {
        let mut rng = ChaCha8Rng::from_seed(seed);
        let components = config.components.clamp(1, 2);
        Agent {
            role: config.role,
            tie_breaker: rng.next_u64(),
            components,
            stun_servers: config.stun_servers,
            local: draw_credentials(&mut rng),
            local_before: None,
            remote: None,
            remote_lite: false,
            remote_ended: false,
            remote_ignored: 0,
            locals: Vec::new(),
            remotes: Vec::new(),
            pairs: BTreeMap::new(),
            next_pair: 0,
            triggered: VecDeque::new(),
            transactions: BTreeMap::new(),
            gathers: VecDeque::new(),
            kept_alive: Vec::new(),
            bases_ended: false,
            gathered: false,
            early: VecDeque::new(),
            next_slot: now,
            nominations: (0..components).map(|_| Nomination::default()).collect(),
            selected: BTreeMap::new(),
            generation: 0,
            completed: false,
            give_up_at: None,
            failed: false,
            lost: false,
            pending_selection: None,
            rng,
            outputs: VecDeque::new(),
        }
    }

    /// What to say of oneself in SDP.
    #[must_use]
    pub const fn credentials(&self) -> &Credentials {
        &self.local
    }

    /// The candidates found so far, for `a=candidate`.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        self.locals
            .iter()
            .map(|local| local.candidate.clone())
            .filter(|candidate| candidate.kind != super::CandidateKind::PeerReflexive)
            .collect()
    }

    /// Whether no more candidates are coming.
    #[must_use]
    pub const fn gathered(&self) -> bool {
        self.gathered
    }

    /// The role as it is now.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Lines of the other side's candidates that were of no use.
    #[must_use]
    pub const fn ignored(&self) -> usize {
        self.remote_ignored
    }

    /// Where this component's packets go now: the chosen pair, before that the best that works.
    #[must_use]
    pub fn path(&self, component: u8) -> Option<Path> {
        let current = self.selected.get(&component);
        if let Some(selected) = current.filter(|s| s.generation == self.generation) {
            return Some(selected.path.clone());
        }
        self.best_valid(component)
            .and_then(|pair| self.path_of(pair, false))
            .or_else(|| current.map(|selected| selected.path.clone()))
    }

    /// Whether media from `source` is the other side's: somebody who knows the password is
    /// there. Everybody else is a stranger.
    #[must_use]
    pub fn is_peer(&self, component: u8, source: SocketAddr) -> bool {
        let chosen = self.selected.get(&component);
        chosen.is_some_and(|selected| selected.path.remote == source)
            || self.remotes.iter().any(|known| {
                known.heard
                    && known.candidate.component == component
                    && known.candidate.address == source
            })
    }

    /// The other side described itself. A description with the credentials that are known adds
    /// its candidates; new credentials mean that it restarts, for which the own side has to be
    /// restarted first ([`Agent::restart`]): see [`Agent::is_restart`].
    pub fn set_remote(&mut self, now: Instant, remote: Remote) {
        if self.is_restart(&remote) {
            self.restart(now);
        }
        let first = self.remote.is_none();
        self.remote_lite = remote.lite;
        self.remote_ignored += remote.ignored;
        self.remote_ended |= remote.ended;
        self.remote = Some(remote.credentials);
        if remote.lite && self.role == Role::Controlled {
            self.change_role();
        }
        for candidate in remote.candidates {
            self.learn_remote(candidate);
        }
        if first {
            self.give_up_at = Some(now + PATIENCE);
            self.thaw();
            let early: Vec<Early> = self.early.drain(..).collect();
            for check in early {
                self.act_on_check(&check);
            }
        }
        self.advance(now);
    }

    /// Whether this description starts anew, by other credentials than those known.
    #[must_use]
    pub fn is_restart(&self, remote: &Remote) -> bool {
        self.remote
            .as_ref()
            .is_some_and(|known| *known != remote.credentials)
    }

    /// A candidate more of the other side (RFC 8838).
    pub fn add_remote_candidate(&mut self, now: Instant, candidate: Candidate) {
        self.learn_remote(candidate);
        self.advance(now);
    }

    /// The other side has no more candidates.
    pub fn end_remote_candidates(&mut self, now: Instant) {
        self.remote_ended = true;
        self.advance(now);
    }

    /// RTP and RTCP share one port (RFC 5761): the second component goes.
    pub fn multiplex(&mut self, now: Instant) {
        self.components = 1;
        self.nominations.truncate(1);
        self.selected.remove(&2);
        let gone: Vec<u32> = self
            .pairs
            .iter()
            .filter(|(_, pair)| pair.component > 1)
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.remove_pair(id);
        }
        self.forget_gathers_of_component(2);
        self.advance(now);
    }

    /// Begins anew with other credentials and no candidates (RFC 8445 section 9): after a change
    /// of network, a loss of consent, or when the other side does. Bases are to be added again.
    /// What is chosen stays in use until something else is.
    pub fn restart(&mut self, now: Instant) {
        self.generation += 1;
        self.local_before = Some(std::mem::replace(
            &mut self.local,
            draw_credentials(&mut self.rng),
        ));
        self.remote = None;
        self.remote_lite = false;
        self.remote_ended = false;
        self.remote_ignored = 0;
        self.locals.clear();
        self.remotes.clear();
        self.pairs.clear();
        self.triggered.clear();
        self.transactions.clear();
        self.gathers.clear();
        self.kept_alive.clear();
        self.bases_ended = false;
        self.gathered = false;
        self.early.clear();
        for nomination in &mut self.nominations {
            *nomination = Nomination::default();
        }
        self.completed = false;
        self.give_up_at = None;
        self.failed = false;
        self.lost = false;
        self.pending_selection = None;
        self.advance(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Output {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| Output::Wait(self.deadline()))
    }

    /// Time went on.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    /// Does all that is due.
    pub(super) fn advance(&mut self, now: Instant) {
        self.run_transactions(now);
        self.run_keep_alives(now);
        self.nominate(now);
        self.pace(now);
        self.run_consent(now);
        if self.give_up_at.is_some_and(|at| now >= at) {
            self.give_up_at = None;
            if !self.completed && !self.failed {
                self.failed = true;
                self.event(Event::Failed);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let transactions = self.transactions.values().map(|t| t.retransmission.due());
        transactions
            .chain(self.work_pending().then_some(self.next_slot))
            .chain(self.give_up_at)
            .chain(self.kept_alive.iter().map(|kept| kept.due))
            .chain(self.nomination_due())
            .chain(self.selected.values().map(Selected::due))
            .min()
    }

    /// Takes a candidate of the other side, and pairs it.
    pub(super) fn learn_remote(&mut self, candidate: Candidate) -> Option<usize> {
        if candidate.component > self.components {
            return None;
        }
        let same = |known: &Known| {
            known.candidate.component == candidate.component
                && known.candidate.address == candidate.address
        };
        if let Some(at) = self.remotes.iter().position(same) {
            // What its description says of it is better than what was guessed from a check.
            if self.remotes[at].candidate.kind == super::CandidateKind::PeerReflexive {
                self.remotes[at].candidate = candidate;
            }
            return Some(at);
        }
        let of_component = |known: &&Known| known.candidate.component == candidate.component;
        if self.remotes.iter().filter(of_component).count() >= MAX_REMOTE {
            self.remote_ignored += 1;
            return None;
        }
        self.remotes.push(Known {
            candidate,
            heard: false,
        });
        let at = self.remotes.len() - 1;
        for local in 0..self.locals.len() {
            self.pair(local, at);
        }
        self.prune();
        Some(at)
    }

    pub(super) fn change_role(&mut self) {
        self.role = match self.role {
            Role::Controlling => Role::Controlled,
            Role::Controlled => Role::Controlling,
        };
        self.event(Event::RoleChanged(self.role));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn transmit(
        &mut self,
        component: u8,
        base: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    ) {
        self.outputs.push_back(Output::Transmit(Transmit {
            component,
            base,
            to,
            bytes,
        }));
    }
}

/// 48 and 144 bits of chance (RFC 8445 section 5.3 asks for 24 and 128).
fn draw_credentials(rng: &mut ChaCha8Rng) -> Credentials {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut word = |length: usize| -> String {
        (0..length)
            .map(|_| char::from(ALPHABET[rng.next_u32() as usize % 64]))
            .collect()
    };
    Credentials {
        ufrag: word(8),
        password: word(24).into(),
    }
}

/// The first wait of a request, so that all that run together do not outrun the pace (RFC 8445
/// section 14.3).
pub(super) fn first_wait(running: usize) -> Duration {
    (super::PACE * u32::try_from(running).unwrap_or(u32::MAX)).max(Duration::from_millis(500))
}
