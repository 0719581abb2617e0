//! Keeping the paths to registrars open, and finding out that one is no more (RFC 5626 section 4.4).
//!
//! Over a connection two line ends go out, which are answered with one within ten seconds. Over UDP a
//! STUN binding request does, where the registrar agreed to flows: its answer says where we were seen,
//! and another place than before means that what lies between has forgotten us. Where nobody answers
//! such things, two line ends keep the path open, and its end is found out as it always was: by
//! requests that come to nothing.
//!
//! Silence counts against a flow only once its other end has answered, or has said that it would.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::account::Account;
use super::flow::FlowId;
use super::{Agent, Output};
use crate::nat::stun::TransactionId;
use crate::nat::stun::binding::{Binding, BindingRequest, Due};
use crate::sip::Transport;
use crate::sip::transaction::Peer;

/// Two line ends: an empty message, which nobody answers over UDP and every SIP parser skips
/// (RFC 3261 section 7.5; RFC 5626 section 4.4.1 for streams).
const PING: &[u8] = b"\r\n\r\n";
/// How often over UDP: address translators may forget a path after 30 s (RFC 5626 section 4.4.2).
const DATAGRAMS: Duration = Duration::from_secs(29);
/// How often over a connection (RFC 5626 section 4.4.1).
const STREAMS: Duration = Duration::from_secs(120);
/// However soon something on the way forgets us.
pub(super) const SHORTEST: Duration = Duration::from_secs(10);
/// How long the answer over a connection is waited for (RFC 5626 section 4.4.1).
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// What keeps one flow open.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// How often the path is used lest it be forgotten, where that was found out or told.
    pub(super) every: Option<Duration>,
    /// When it is used next.
    pub(super) ping_at: Option<Instant>,
    /// The registrar said that its end answers.
    agreed: bool,
    /// It has answered.
    answers: bool,
    /// It was asked by STUN and never answered.
    deaf: bool,
    /// Until when the answer over a connection has to be there.
    pong_by: Option<Instant>,
    /// The question by STUN that is open.
    asked: Option<Box<BindingRequest>>,
    /// Where the latest answer by STUN saw us.
    outside: Option<SocketAddr>,
}

/// What is to be done for a flow now.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Send(Vec<u8>),
    /// Its other end is silent, and was not before.
    Dead,
}

impl Keeping {
    pub(super) fn interval(&self, transport: Transport) -> Duration {
        let usual = if transport.is_reliable() {
            STREAMS
        } else {
            DATAGRAMS
        };
        self.every.unwrap_or(usual)
    }

    /// Whether the path is being kept open.
    pub(super) const fn is_kept(&self) -> bool {
        self.ping_at.is_some()
    }

    /// When something is to be done; `None`: nothing on the path forgets us, as far as we know.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let asked = self.asked.as_ref().map(|asked| asked.due());
        let all = [self.ping_at, self.pong_by, asked];
        all.into_iter().flatten().min()
    }

    fn rest(&mut self) {
        (self.ping_at, self.pong_by, self.asked) = (None, None, None);
    }

    /// Some part of the interval, 80 to 100 %, so that the phones of a house do not ping as one.
    fn pause(&self, transport: Transport, lot: f64) -> Duration {
        self.interval(transport).mul_f64(0.8 + 0.2 * lot)
    }

    fn step(
        &mut self,
        now: Instant,
        transport: Transport,
        lot: f64,
        transaction: TransactionId,
    ) -> Step {
        if self.pong_by.is_some_and(|by| by <= now) {
            return Step::Dead;
        }
        if let Some(asked) = &mut self.asked {
            match asked.handle_timeout(now) {
                Due::NotYet => {}
                Due::Send => return Step::Send(asked.bytes().to_vec()),
                Due::GiveUp if self.answers => return Step::Dead,
                Due::GiveUp => {
                    (self.asked, self.deaf) = (None, true);
                    return Step::Send(PING.to_vec());
                }
            }
        }
        if self.ping_at.is_none_or(|at| at > now) {
            return Step::Nothing;
        }
        self.ping_at = Some(now + self.pause(transport, lot));
        if transport != Transport::Udp {
            if self.answers || self.agreed {
                self.pong_by.get_or_insert(now + PONG_WITHIN);
            }
            return Step::Send(PING.to_vec());
        }
        if self.asked.is_some() {
            // Its repetitions keep the path open too.
            return Step::Nothing;
        }
        if !self.agreed || self.deaf {
            return Step::Send(PING.to_vec());
        }
        let asked = BindingRequest::new(now, transaction);
        let bytes = asked.bytes().to_vec();
        self.asked = Some(Box::new(asked));
        Step::Send(bytes)
    }

    /// The other end has said something over a connection; `pong`: in answer to a ping.
    fn heard(&mut self, pong: bool) {
        self.pong_by = None;
        self.answers |= pong;
    }

    /// Takes what may be the answer to the open question. Says whether it shows that what lies
    /// between has forgotten us since.
    fn take(&mut self, datagram: &[u8], before: SocketAddr) -> bool {
        let answer = self.asked.as_ref();
        let Some(answer) = answer.and_then(|asked| asked.handle_datagram(datagram)) else {
            return false;
        };
        (self.asked, self.answers) = (None, true);
        let Binding::Mapped(seen) = answer else {
            return false;
        };
        self.outside.replace(seen).unwrap_or(before) != seen
    }
}

impl Agent {
    /// The registrar has accepted us: from here on the path is kept open, if something on it may
    /// forget us.
    pub(super) fn keep_flow(&mut self, now: Instant, id: FlowId) {
        let lot = self.lot();
        let Some(line) = self.line(id) else {
            return;
        };
        let agreed = line.registration.agreed();
        let promised = agreed.outbound || agreed.flow_timer.is_some();
        let forgetful = line.flow.is_mapped() || promised;
        let keeping = &mut line.flow.keeping;
        keeping.rest();
        keeping.every = agreed.flow_timer.or(keeping.every);
        keeping.agreed = promised;
        // A WebSocket has pings of its own (RFC 6455 section 5.5.2).
        let transport = line.way.transport;
        let pings = !matches!(transport, Transport::Ws | Transport::Wss);
        if pings && forgetful && line.registration.is_bound() {
            keeping.ping_at = Some(now + keeping.pause(transport, lot));
        }
    }

    pub(super) fn pings_due(&mut self, now: Instant) {
        let mut due = Vec::new();
        for (account, found) in &mut self.accounts {
            for line in found.lines() {
                let deadline = line.flow.keeping.deadline();
                if deadline.is_some_and(|at| at <= now) {
                    let number = line.registration.number();
                    let account = *account;
                    due.push(FlowId { account, number });
                }
            }
        }
        for id in due {
            self.keep(now, id);
        }
    }

    fn keep(&mut self, now: Instant, id: FlowId) {
        let (lot, transaction) = (self.lot(), TransactionId::draw(&mut self.rng));
        let Some(line) = self.line(id) else {
            return;
        };
        let (to, keeping) = (*line.way, &mut line.flow.keeping);
        if !line.stands {
            keeping.rest();
            return;
        }
        match keeping.step(now, to.transport, lot, transaction) {
            Step::Nothing => {}
            Step::Send(bytes) => self.outputs.push_back(Output::Transmit { to, bytes }),
            Step::Dead => {
                keeping.rest();
                tracing::debug!(account = id.account.0, "the path to {} is dead", to.remote);
                self.flow_failed(now, id, to);
            }
        }
    }

    /// A flow leads nowhere any more: another one takes its place (RFC 5626 section 4.5).
    fn flow_failed(&mut self, now: Instant, id: FlowId, way: Peer) {
        if way.transport == Transport::Udp {
            // As silent as to a request, for longer.
            self.outages.silent(now, &way);
            self.renew_flow(now, id);
        } else {
            self.outputs.push_back(Output::Abandon { to: way });
            self.connection_lost(now, way);
        }
    }

    /// Something came over a connection that answers a ping (RFC 5626 section 4.4.1).
    pub fn handle_pong(&mut self, from: Peer) {
        self.heard_over(&from, true);
    }

    /// Somebody speaks at the other end of a connection.
    pub(super) fn heard_over(&mut self, from: &Peer, pong: bool) {
        for line in self.accounts.values_mut().flat_map(Account::lines) {
            if is_over(line.way, from) {
                line.flow.keeping.heard(pong);
            }
        }
    }

    /// A STUN message came to where SIP is spoken: an answer to a question of ours, or nothing.
    pub(super) fn stun_came(&mut self, now: Instant, datagram: &[u8], from: &Peer) {
        let mut moved = Vec::new();
        for (account, found) in &mut self.accounts {
            for line in found.lines() {
                if line.way.remote != from.remote || line.way.transport != Transport::Udp {
                    continue;
                }
                let before = line.flow.seen(line.way).local;
                if line.flow.keeping.take(datagram, before) {
                    let (account, number) = (*account, line.registration.number());
                    moved.push(FlowId { account, number });
                }
            }
        }
        for id in moved {
            tracing::debug!(account = id.account.0, "we are seen elsewhere than before");
            self.renew_flow(now, id);
        }
    }

    /// Any number from 0 to just below 1.
    fn lot(&mut self) -> f64 {
        f64::from(self.rng.next_u32() % 1_000) / 1_000.0
    }
}

/// Whether this way goes over the connection that leads to `other`.
pub(super) fn is_over(way: &Peer, other: &Peer) -> bool {
    (way.transport, way.remote) == (other.transport, other.remote)
        && (way.connection.is_none() || way.connection == other.connection)
}
