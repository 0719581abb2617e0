//! The client transactions of the layer: requests of ours on their way.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::client::NonInviteClient;
use super::deadlines::Deadlines;
use super::derived::{ack_of, cancel_of};
use super::event::{ClientKey, Event, Failure, Limits, Peer, SendError};
use super::invite_client::InviteClient;
use super::matching::{ResponseMatch, same_sent_by};
use super::outbox::Outbox;
use super::step::ClientStep;
use super::timers::Timers;
use super::token::Tokens;
use crate::sip::{HostPort, Method, Request, Response, StatusCode, Transport, Via};

/// Addresses remembered for refusing TCP. Forgetting one costs a needless connection attempt.
const REMEMBERED_REFUSALS: usize = 64;

/// How long an address is believed to refuse TCP: servers restart.
const REFUSAL_LASTS: Duration = Duration::from_secs(4 * 3600);

#[derive(Debug)]
enum Machine {
    Invite(InviteClient),
    Other(NonInviteClient),
}

impl Machine {
    fn new(method: &Method, now: Instant, timers: Timers, transport: Transport) -> Self {
        let reliable = transport.is_reliable();
        if *method == Method::Invite {
            Machine::Invite(InviteClient::new(now, timers, reliable))
        } else {
            Machine::Other(NonInviteClient::new(now, timers, reliable))
        }
    }

    fn handle_response(&mut self, now: Instant, status: StatusCode) {
        match self {
            Machine::Invite(machine) => machine.handle_response(now, status),
            Machine::Other(machine) => machine.handle_response(now, status),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Machine::Invite(machine) => machine.handle_timeout(now),
            Machine::Other(machine) => machine.handle_timeout(now),
        }
    }

    fn handle_transport_error(&mut self) {
        match self {
            Machine::Invite(machine) => machine.handle_transport_error(),
            Machine::Other(machine) => machine.handle_transport_error(),
        }
    }

    fn is_unanswered(&self) -> bool {
        match self {
            Machine::Invite(machine) => machine.is_calling(),
            Machine::Other(machine) => machine.is_trying(),
        }
    }

    fn poll_output(&mut self) -> ClientStep {
        match self {
            Machine::Invite(machine) => machine.poll_output(),
            Machine::Other(machine) => machine.poll_output(),
        }
    }
}

/// The CANCEL of an INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cancel {
    NotAsked,
    /// Waits for a provisional response (section 9.1).
    Held(ClientKey),
    Sent(ClientKey),
}

#[derive(Debug)]
struct Client {
    machine: Machine,
    /// With its Via: ACK and CANCEL are made from it.
    request: Request,
    bytes: Vec<u8>,
    sent_by: HostPort,
    branch: String,
    to: Peer,
    /// Where it would have gone, had it been short enough for UDP, and until when TCP may prove
    /// itself.
    datagram: Option<(Peer, Instant)>,
    /// It goes over TCP for its length, and may go no other way.
    too_long: bool,
    cancel: Cancel,
}

impl Client {
    /// Until when an answer over TCP is waited for, where UDP is the other choice.
    fn tcp_until(&self) -> Option<Instant> {
        let (_, until) = self.datagram?;
        self.machine.is_unanswered().then_some(until)
    }
}

/// All client transactions, and how responses find them.
#[derive(Debug)]
pub(super) struct Clients {
    timers: Timers,
    limits: Limits,
    clients: BTreeMap<ClientKey, Client>,
    index: BTreeMap<ResponseMatch, ClientKey>,
    deadlines: Deadlines<ClientKey>,
    next_key: u64,
    /// How many of `clients` are CANCELs: they do not count against the limit.
    cancels: usize,
    /// Who refused TCP and when, oldest first.
    without_tcp: VecDeque<(Instant, SocketAddr)>,
    /// Who gets everything over UDP because the person wants it so, oldest first.
    datagrams_only: VecDeque<SocketAddr>,
    /// A response was ours by its branch, and not by the address in its Via.
    altered: bool,
}

impl Clients {
    pub(super) fn new(timers: Timers, limits: Limits) -> Self {
        Clients {
            timers,
            limits,
            clients: BTreeMap::new(),
            index: BTreeMap::new(),
            deadlines: Deadlines::new(),
            next_key: 0,
            cancels: 0,
            without_tcp: VecDeque::new(),
            altered: false,
            datagrams_only: VecDeque::new(),
        }
    }

    /// Sends a request in a transaction of its own.
    pub(super) fn request(
        &mut self,
        now: Instant,
        request: Request,
        to: Peer,
        tokens: &mut Tokens,
        outbox: &mut Outbox,
    ) -> Result<ClientKey, SendError> {
        if request.method == Method::Ack {
            return Err(SendError::Ack);
        }
        if self.clients.len() - self.cancels >= self.limits.clients {
            return Err(SendError::TooMany);
        }
        self.without_tcp
            .retain(|(since, _)| now.duration_since(*since) < REFUSAL_LASTS);
        let branch = tokens.branch();
        let outgoing = self.address(request, to, &branch)?;
        let key = self.new_key();
        self.insert(now, key, branch, outgoing, outbox);
        Ok(key)
    }

    /// Sends the ACK of a 2xx: a branch of its own, no transaction, no retransmission but the
    /// one that the next 2xx causes.
    pub(super) fn send_ack(
        &self,
        ack: Request,
        to: Peer,
        tokens: &mut Tokens,
        outbox: &mut Outbox,
    ) -> Result<(), SendError> {
        let outgoing = self.address(ack, to, &tokens.branch())?;
        outbox.transmit(outgoing.to, outgoing.bytes);
        Ok(())
    }

    /// Takes an INVITE back, now or as soon as it may be.
    pub(super) fn cancel(
        &mut self,
        now: Instant,
        invite: ClientKey,
        outbox: &mut Outbox,
    ) -> Option<ClientKey> {
        let client = self.clients.get(&invite)?;
        let Machine::Invite(machine) = &client.machine else {
            return None;
        };
        match client.cancel {
            Cancel::Held(key) | Cancel::Sent(key) => return Some(key),
            Cancel::NotAsked => {}
        }
        let (calling, proceeding) = (machine.is_calling(), machine.is_proceeding());
        if !calling && !proceeding {
            return None;
        }
        let key = self.new_key();
        self.clients.get_mut(&invite)?.cancel = Cancel::Held(key);
        if proceeding {
            self.send_cancel(now, invite, outbox);
        }
        Some(key)
    }

    /// Takes a response. Strays are dropped.
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        response: &Response,
        from: Peer,
        outbox: &mut Outbox,
    ) {
        let Some((matcher, via)) = ResponseMatch::of(response) else {
            tracing::debug!(
                "dropped a response whose Via or CSeq is not that of a request of ours"
            );
            return;
        };
        let Some(key) = self.index.get(&matcher).copied() else {
            tracing::debug!(status = response.status.code(), "dropped a stray response");
            return;
        };
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        if !same_sent_by(&client.sent_by, &via.sent_by) {
            // Nobody else knows the branch: somebody on the way has rewritten our Via.
            tracing::debug!("dropped a response whose sent-by is not ours");
            self.altered = true;
            return;
        }
        client.machine.handle_response(now, response.status);
        self.drain(key, Some((response, from)), outbox);
        if let Some(Client {
            machine: Machine::Invite(machine),
            ..
        }) = self.clients.get(&key)
            && machine.is_proceeding()
        {
            self.send_cancel(now, key, outbox);
        }
    }

    /// Whether a response was dropped whose Via somebody had rewritten; asked once for each.
    pub(super) const fn take_altered(&mut self) -> bool {
        std::mem::replace(&mut self.altered, false)
    }

    /// Bytes could not be sent to `to`, or its connection is lost.
    pub(super) fn handle_transport_error(&mut self, now: Instant, to: Peer, outbox: &mut Outbox) {
        let concerned: Vec<ClientKey> = self
            .clients
            .iter()
            .filter(|(_, client)| concerns(&to, &client.to))
            .map(|(key, _)| *key)
            .collect();
        for key in concerned {
            if !self.fall_back_to_datagram(now, key)
                && let Some(client) = self.clients.get_mut(&key)
            {
                // Who had a connection and lost it may have one again.
                client.too_long &= to.connection.is_none();
                client.machine.handle_transport_error();
            }
            self.drain(key, None, outbox);
        }
        if to.transport == Transport::Tcp && to.connection.is_none() {
            self.remember_refusal(now, to.remote);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, outbox: &mut Outbox) {
        for key in self.deadlines.due(now) {
            let tcp_is_over = self
                .clients
                .get(&key)
                .and_then(Client::tcp_until)
                .is_some_and(|until| until <= now);
            if !(tcp_is_over && self.fall_back_to_datagram(now, key))
                && let Some(client) = self.clients.get_mut(&key)
            {
                client.machine.handle_timeout(now);
            }
            self.drain(key, None, outbox);
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    fn new_key(&mut self) -> ClientKey {
        self.next_key += 1;
        ClientKey(self.next_key)
    }

    /// Puts the Via on, and chooses TCP for what is too long for UDP (section 18.1.1). Where
    /// there is no TCP it goes over UDP after all, but for a MESSAGE (RFC 3428 section 8).
    fn address(&self, mut request: Request, to: Peer, branch: &str) -> Result<Outgoing, SendError> {
        let sent_by = HostPort::from(to.local);
        request
            .headers
            .push_top_via(&Via::new(to.transport, sent_by.clone(), branch));
        let bytes = request.to_bytes()?;
        let fits = to.transport != Transport::Udp || bytes.len() <= self.limits.datagram_request;
        let no_tcp = self.refuses_tcp(to.remote) || self.datagrams_only.contains(&to.remote);
        let must_fit = request.method == Method::Message;
        if !fits && no_tcp && must_fit {
            return Err(SendError::TooLong);
        }
        if fits || no_tcp {
            return Ok(Outgoing {
                request,
                bytes,
                sent_by,
                to,
                datagram: None,
                too_long: false,
            });
        }
        request
            .headers
            .replace_top_via(&Via::new(Transport::Tcp, sent_by.clone(), branch));
        let bytes = request.to_bytes()?;
        let stream = Peer {
            transport: Transport::Tcp,
            connection: None,
            ..to
        };
        Ok(Outgoing {
            request,
            bytes,
            sent_by,
            to: stream,
            datagram: (!must_fit).then_some(to),
            too_long: must_fit,
        })
    }

    fn insert(
        &mut self,
        now: Instant,
        key: ClientKey,
        branch: String,
        outgoing: Outgoing,
        outbox: &mut Outbox,
    ) {
        let Outgoing {
            request,
            bytes,
            sent_by,
            to,
            datagram,
            too_long,
        } = outgoing;
        let machine = Machine::new(&request.method, now, self.timers, to.transport);
        let datagram = datagram.map(|to| (to, now + self.timers.tcp_only_for_length));
        self.index
            .insert(ResponseMatch::new(&branch, request.method.clone()), key);
        self.cancels += usize::from(request.method == Method::Cancel);
        let cancel = Cancel::NotAsked;
        let client = Client {
            machine,
            request,
            bytes,
            sent_by,
            branch,
            to,
            datagram,
            too_long,
            cancel,
        };
        self.clients.insert(key, client);
        self.drain(key, None, outbox);
    }

    /// Sends the CANCEL that was held back for `invite`, if one was.
    fn send_cancel(&mut self, now: Instant, invite: ClientKey, outbox: &mut Outbox) {
        let Some(client) = self.clients.get_mut(&invite) else {
            return;
        };
        let (Cancel::Held(key), Machine::Invite(machine)) = (client.cancel, &mut client.machine)
        else {
            return;
        };
        client.cancel = Cancel::Sent(key);
        machine.handle_cancel(now);
        let request = cancel_of(&client.request);
        let bytes = match request.to_bytes() {
            Ok(bytes) => bytes,
            Err(error) => {
                // Each of its values was written once already, in the INVITE.
                tracing::error!(%error, "the CANCEL of an INVITE cannot be written");
                return;
            }
        };
        let (sent_by, branch, to) = (client.sent_by.clone(), client.branch.clone(), client.to);
        let outgoing = Outgoing {
            request,
            bytes,
            sent_by,
            to,
            datagram: None,
            too_long: false,
        };
        self.insert(now, key, branch, outgoing, outbox);
        self.drain(invite, None, outbox);
    }

    /// Begins anew over UDP what was sent over TCP for its length alone and got no answer.
    fn fall_back_to_datagram(&mut self, now: Instant, key: ClientKey) -> bool {
        let Some(client) = self.clients.get_mut(&key) else {
            return false;
        };
        let Some((datagram, _)) = client
            .datagram
            .take()
            .filter(|_| client.machine.is_unanswered())
        else {
            return false;
        };
        let via = Via::new(datagram.transport, client.sent_by.clone(), &client.branch);
        client.request.headers.replace_top_via(&via);
        let Ok(bytes) = client.request.to_bytes() else {
            return false;
        };
        client.bytes = bytes;
        client.to = datagram;
        client.machine = Machine::new(&client.request.method, now, self.timers, datagram.transport);
        self.remember_refusal(now, datagram.remote);
        true
    }

    /// Whether nothing goes to `remote` over TCP for its length alone.
    pub(super) fn set_datagrams_only(&mut self, remote: SocketAddr, only: bool) {
        self.datagrams_only.retain(|other| *other != remote);
        if only {
            if self.datagrams_only.len() >= REMEMBERED_REFUSALS {
                self.datagrams_only.pop_front();
            }
            self.datagrams_only.push_back(remote);
        }
    }

    fn refuses_tcp(&self, remote: SocketAddr) -> bool {
        self.without_tcp
            .iter()
            .any(|(_, refused)| *refused == remote)
    }

    fn remember_refusal(&mut self, now: Instant, remote: SocketAddr) {
        if self.refuses_tcp(remote) {
            return;
        }
        if self.without_tcp.len() >= REMEMBERED_REFUSALS {
            self.without_tcp.pop_front();
        }
        self.without_tcp.push_back((now, remote));
    }

    /// Does what the machine of `key` asks; `handled` is the response it was just given.
    fn drain(&mut self, key: ClientKey, handled: Option<(&Response, Peer)>, outbox: &mut Outbox) {
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        loop {
            match client.machine.poll_output() {
                ClientStep::SendRequest => outbox.transmit(client.to, client.bytes.clone()),
                ClientStep::SendAck => {
                    let Some((response, _)) = handled else {
                        continue;
                    };
                    match ack_of(&client.request, response).to_bytes() {
                        Ok(bytes) => outbox.transmit(client.to, bytes),
                        // A To that was read but that we refuse to write.
                        Err(error) => tracing::debug!(%error, "a refusal cannot be acknowledged"),
                    }
                }
                ClientStep::Pass => {
                    let Some((response, from)) = handled else {
                        continue;
                    };
                    let response = response.clone();
                    outbox.event(Event::Response {
                        key,
                        response,
                        from,
                    });
                }
                ClientStep::Fail(failure) => {
                    let refused = failure == Failure::Transport && client.too_long;
                    let failure = if refused { Failure::TooLong } else { failure };
                    outbox.event(Event::Failed { key, failure });
                }
                ClientStep::Wait(deadline) => {
                    let next = deadline.into_iter().chain(client.tcp_until()).min();
                    self.deadlines.set(key, next);
                    return;
                }
                ClientStep::End => {
                    self.deadlines.set(key, None);
                    self.forget(key);
                    return;
                }
            }
        }
    }

    fn forget(&mut self, key: ClientKey) {
        if let Some(client) = self.clients.remove(&key) {
            let method = client.request.method;
            self.cancels -= usize::from(method == Method::Cancel);
            self.index
                .remove(&ResponseMatch::new(&client.branch, method));
        }
    }
}

/// A request that is ready to go.
struct Outgoing {
    request: Request,
    bytes: Vec<u8>,
    sent_by: HostPort,
    to: Peer,
    datagram: Option<Peer>,
    too_long: bool,
}

/// Whether a failure to reach `failed` is one of what was sent to `to`.
fn concerns(failed: &Peer, to: &Peer) -> bool {
    failed.transport == to.transport
        && failed.remote == to.remote
        && (failed.connection.is_none()
            || to.connection.is_none()
            || failed.connection == to.connection)
}
