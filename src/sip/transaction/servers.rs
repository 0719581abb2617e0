//! The server transactions of the layer: requests of others that we answer.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use super::accepted::{AckStep, AwaitedAck};
use super::deadlines::Deadlines;
use super::event::{Event, Limits, Peer, RETRY_AFTER_SECS, RespondError, ServerKey};
use super::invite_server::InviteServer;
use super::matching::{AckMatch, MergeMatch, RequestMatch, to_tag};
use super::outbox::Outbox;
use super::routing::{ResponseRoute, response_route};
use super::server::NonInviteServer;
use super::step::ServerStep;
use super::timers::Timers;
use super::token::Tokens;
use crate::sip::{HeaderName, Method, Request, Response, StatusCode};

#[derive(Debug)]
enum Machine {
    Invite(InviteServer),
    Other(NonInviteServer),
}

impl Machine {
    fn respond(&mut self, now: Instant, status: StatusCode) -> bool {
        match self {
            Machine::Invite(machine) => machine.respond(now, status),
            Machine::Other(machine) => machine.respond(now, status),
        }
    }

    fn handle_retransmission(&mut self) {
        match self {
            Machine::Invite(machine) => machine.handle_retransmission(),
            Machine::Other(machine) => machine.handle_retransmission(),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Machine::Invite(machine) => machine.handle_timeout(now),
            Machine::Other(machine) => machine.handle_timeout(now),
        }
    }

    fn poll_output(&mut self) -> ServerStep {
        match self {
            Machine::Invite(machine) => machine.poll_output(),
            Machine::Other(machine) => machine.poll_output(),
        }
    }

    /// Whether it has no work left but to absorb repetitions: forgetting it costs that one of
    /// them looks like something new.
    fn is_expendable(&self) -> bool {
        match self {
            Machine::Invite(machine) => machine.is_refused(),
            Machine::Other(machine) => machine.is_completed(),
        }
    }
}

#[derive(Debug)]
struct Server {
    machine: Machine,
    matcher: RequestMatch,
    merge: Option<MergeMatch>,
    route: ResponseRoute,
    address: IpAddr,
    /// The To tag of our responses: that of the request inside a dialog, else the user's, and
    /// until the user has named one, ours.
    local_tag: String,
    /// The 100 that goes out when the user is silent; gone once there is a response.
    trying: Option<Response>,
    /// The response that repetitions of the request are answered with.
    latest: Vec<u8>,
    /// A 2xx on its way to being acknowledged.
    awaited: Option<(AckMatch, AwaitedAck)>,
}

/// All server transactions, and how requests find them.
#[derive(Debug)]
pub(super) struct Servers {
    timers: Timers,
    limits: Limits,
    servers: BTreeMap<ServerKey, Server>,
    index: BTreeMap<RequestMatch, ServerKey>,
    merges: BTreeMap<MergeMatch, ServerKey>,
    acks: BTreeMap<AckMatch, ServerKey>,
    shares: BTreeMap<IpAddr, usize>,
    deadlines: Deadlines<ServerKey>,
    next_key: u64,
}

impl Servers {
    pub(super) fn new(timers: Timers, limits: Limits) -> Self {
        Servers {
            timers,
            limits,
            servers: BTreeMap::new(),
            index: BTreeMap::new(),
            merges: BTreeMap::new(),
            acks: BTreeMap::new(),
            shares: BTreeMap::new(),
            deadlines: Deadlines::new(),
            next_key: 0,
        }
    }

    /// Takes a request; `refused` is the answer that its defects call for.
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        mut request: Request,
        refused: Option<StatusCode>,
        from: Peer,
        tokens: &mut Tokens,
        outbox: &mut Outbox,
    ) {
        let (Some(matcher), Ok(mut via)) = (RequestMatch::of(&request), request.headers.top_via())
        else {
            tracing::debug!("dropped a request that no transaction can be made of");
            return;
        };
        if request.method == Method::Ack {
            self.handle_ack(now, &matcher, request, from, outbox);
            return;
        }
        if let Some(key) = self.index.get(&matcher).copied() {
            if let Some(server) = self.servers.get_mut(&key) {
                server.machine.handle_retransmission();
            }
            self.drain(key, None, outbox);
            return;
        }
        let cancelled = RequestMatch::cancelled_by(&request);
        let merge = MergeMatch::of(&request);
        let merged = merge
            .as_ref()
            .is_some_and(|merge| self.merges.contains_key(merge));
        via.note_source(from.remote.ip().to_canonical(), from.remote.port());
        let route = response_route(&via, &from);
        request.headers.replace_top_via(&via);

        match self.room_for(from.remote.ip()) {
            Room::Free => {}
            Room::ShareUsed => {
                refuse_unseen(
                    &request,
                    StatusCode::SERVICE_UNAVAILABLE,
                    &route,
                    tokens,
                    outbox,
                );
                return;
            }
            Room::Full => {
                tracing::debug!("dropped a request: too many are unanswered");
                return;
            }
        }
        // A merged request must not take the place of the one that it repeats.
        let merge = merge.filter(|_| !merged);
        let key = self.insert(now, &request, matcher, merge, route, from, tokens);
        if let Some(status) = refused {
            self.answer(now, key, &request, status, outbox);
        } else if request.method == Method::Cancel {
            self.handle_cancel(now, key, &request, cancelled, from, outbox);
        } else if merged {
            self.answer(now, key, &request, StatusCode::LOOP_DETECTED, outbox);
        } else {
            outbox.event(Event::Request { key, request, from });
            self.drain(key, None, outbox);
        }
    }

    /// Answers a request that gets no transaction, unless that takes more than so many bytes.
    pub(super) fn refuse_stranger(
        &self,
        request: &Request,
        status: StatusCode,
        from: Peer,
        at_most: usize,
        tokens: &Tokens,
        outbox: &mut Outbox,
    ) {
        let Ok(mut via) = request.headers.top_via() else {
            return;
        };
        via.note_source(from.remote.ip().to_canonical(), from.remote.port());
        let route = response_route(&via, &from);
        let tag = tokens.stateless_tag(request.headers.get(&HeaderName::VIA).unwrap_or_default());
        let mut response = request.response(status, Some(&tag));
        response.headers.replace_top_via(&via);
        if let Ok(bytes) = response.to_bytes()
            && bytes.len() <= at_most
        {
            outbox.transmit(route.to, bytes);
        }
    }

    /// The user answers.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        key: ServerKey,
        mut response: Response,
        outbox: &mut Outbox,
    ) -> Result<(), RespondError> {
        let server = self.servers.get_mut(&key).ok_or(RespondError::Gone)?;
        let mut local_tag = None;
        if response.status != StatusCode::TRYING
            && let Ok(to) = response.headers.to()
        {
            local_tag = to.tag().map(str::to_owned);
            if local_tag.is_none()
                && let Some(to) = response.headers.get(&HeaderName::TO)
            {
                let to = format!("{to};tag={}", server.local_tag);
                response.headers.set(HeaderName::TO, to);
            }
        }
        let bytes = response.to_bytes()?;
        if !server.machine.respond(now, response.status) {
            return Err(RespondError::Answered);
        }
        if let Some(tag) = local_tag {
            server.local_tag = tag;
        }
        server.latest = bytes;
        server.trying = None;
        // A proxy may try again what was refused or taken back, as the same request in another
        // branch: only what is under way is merged (section 8.2.2.2).
        if response.status.is_final()
            && !response.status.is_success()
            && let Some(merge) = server.merge.take()
        {
            self.merges.remove(&merge);
        }
        if response.status.is_success()
            && matches!(server.machine, Machine::Invite(_))
            && let Some(ack) = AckMatch::of_response(&response)
        {
            self.acks.insert(ack.clone(), key);
            server.awaited = Some((ack, AwaitedAck::new(now, self.timers)));
        }
        self.drain(key, None, outbox);
        Ok(())
    }

    /// Nobody waits any more for the ACK of the 2xx to this INVITE: its dialog has ended.
    pub(super) fn stop_awaiting_ack(&mut self, key: ServerKey, outbox: &mut Outbox) {
        if let Some(Server {
            awaited: Some((_, awaited)),
            ..
        }) = self.servers.get_mut(&key)
        {
            awaited.stop();
            self.drain(key, None, outbox);
        }
    }

    /// A connection is lost: responses that still matter go to where their request says that
    /// its sender listens.
    pub(super) fn handle_transport_error(&mut self, to: Peer, outbox: &mut Outbox) {
        if to.connection.is_none() {
            return; // the machines stay as they are (RFC 6026 section 7.1)
        }
        for server in self.servers.values_mut() {
            let lost = server.route.to.transport == to.transport
                && server.route.to.connection == to.connection;
            let Some(instead) = server.route.instead.filter(|_| lost) else {
                continue;
            };
            server.route = ResponseRoute {
                to: instead,
                instead: None,
            };
            // Of a refused INVITE nothing is repeated on reliable transports, so this is the
            // one chance of its response.
            if let Machine::Invite(machine) = &server.machine
                && machine.is_awaiting_ack()
            {
                outbox.transmit(instead, server.latest.clone());
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, outbox: &mut Outbox) {
        for key in self.deadlines.due(now) {
            let Some(server) = self.servers.get_mut(&key) else {
                continue;
            };
            if let Some((_, awaited)) = &mut server.awaited {
                match awaited.handle_timeout(now) {
                    AckStep::SendResponse => {
                        outbox.transmit(server.route.to, server.latest.clone());
                    }
                    AckStep::AckMissing => outbox.event(Event::AckMissing { key }),
                    AckStep::Nothing => {}
                }
            }
            server.machine.handle_timeout(now);
            self.drain(key, None, outbox);
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    pub(super) fn len(&self) -> usize {
        self.servers.len()
    }

    fn handle_ack(
        &mut self,
        now: Instant,
        matcher: &RequestMatch,
        ack: Request,
        from: Peer,
        outbox: &mut Outbox,
    ) {
        if let Some(key) = self.index.get(matcher).copied()
            && let Some(server) = self.servers.get_mut(&key)
            && let Machine::Invite(machine) = &mut server.machine
            && machine.is_refused()
        {
            // Only RFC 2543 needs the tag to tell this ACK from that of another INVITE.
            if !matcher.is_rfc2543() || to_tag(&ack) == server.local_tag {
                machine.handle_ack(now);
                self.drain(key, None, outbox);
            }
            return;
        }
        let acknowledged = AckMatch::of_ack(&ack).and_then(|ack| self.acks.get(&ack).copied());
        let Some(key) = acknowledged else {
            tracing::debug!("dropped a stray ACK");
            return;
        };
        if let Some(server) = self.servers.get_mut(&key)
            && let Some((_, awaited)) = &mut server.awaited
            && awaited.stop()
            && let Machine::Invite(machine) = &mut server.machine
        {
            machine.handle_ack(now);
        }
        self.drain(key, Some((ack, from)), outbox);
    }

    fn handle_cancel(
        &mut self,
        now: Instant,
        key: ServerKey,
        cancel: &Request,
        cancelled: Option<RequestMatch>,
        from: Peer,
        outbox: &mut Outbox,
    ) {
        let invite = cancelled.and_then(|matcher| self.index.get(&matcher).copied());
        // It goes hop by hop: who has not sent the INVITE does not take it back.
        let of_sender = |server: &&Server| server.address == from.remote.ip();
        let found = invite.and_then(|i| Some((i, self.servers.get(&i).filter(of_sender)?)));
        let Some((invite, server)) = found else {
            self.answer(now, key, cancel, StatusCode::CALL_DOES_NOT_EXIST, outbox);
            return;
        };
        let rings = matches!(&server.machine, Machine::Invite(machine) if machine.is_proceeding());
        // The same tag as in the responses to the INVITE (section 9.2).
        let local_tag = server.local_tag.clone();
        if let Some(server) = self.servers.get_mut(&key) {
            server.local_tag = local_tag;
        }
        self.answer(now, key, cancel, StatusCode::OK, outbox);
        if rings {
            outbox.event(Event::Cancelled {
                key: invite,
                cancel: cancel.clone(),
            });
        }
    }

    /// Answers in place of the user.
    fn answer(
        &mut self,
        now: Instant,
        key: ServerKey,
        request: &Request,
        status: StatusCode,
        outbox: &mut Outbox,
    ) {
        let response = request.response(status, None);
        if let Err(error) = self.respond(now, key, response, outbox) {
            tracing::debug!(%error, "a request cannot be answered");
            self.forget(key);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one Server, each of its own kind"
    )]
    fn insert(
        &mut self,
        now: Instant,
        request: &Request,
        matcher: RequestMatch,
        merge: Option<MergeMatch>,
        route: ResponseRoute,
        from: Peer,
        tokens: &mut Tokens,
    ) -> ServerKey {
        self.next_key += 1;
        let key = ServerKey(self.next_key);
        let reliable = from.transport.is_reliable();
        let machine = if request.method == Method::Invite {
            Machine::Invite(InviteServer::new(now, self.timers, reliable))
        } else {
            Machine::Other(NonInviteServer::new(now, self.timers, reliable))
        };
        let in_dialog = to_tag(request);
        let local_tag = if in_dialog.is_empty() {
            tokens.tag()
        } else {
            in_dialog
        };
        self.index.insert(matcher.clone(), key);
        if let Some(merge) = merge.clone() {
            self.merges.insert(merge, key);
        }
        let address = from.remote.ip();
        *self.shares.entry(address).or_default() += 1;
        let server = Server {
            machine,
            matcher,
            merge,
            route,
            address,
            local_tag,
            trying: Some(request.response(StatusCode::TRYING, None)),
            latest: Vec::new(),
            awaited: None,
        };
        self.servers.insert(key, server);
        key
    }

    fn room_for(&mut self, address: IpAddr) -> Room {
        let share = self.shares.get(&address).copied().unwrap_or(0);
        if share >= self.limits.servers_per_address {
            let mine = |server: &Server| server.address == address;
            return if self.make_way(mine) {
                Room::Free
            } else {
                Room::ShareUsed
            };
        }
        if self.servers.len() >= self.limits.servers && !self.make_way(|_| true) {
            return Room::Full;
        }
        Room::Free
    }

    /// Forgets the oldest completed transaction among those that `may_go`.
    fn make_way(&mut self, may_go: impl Fn(&Server) -> bool) -> bool {
        let oldest = self
            .servers
            .iter()
            .find(|(_, server)| server.machine.is_expendable() && may_go(server))
            .map(|(key, _)| *key);
        if let Some(key) = oldest {
            self.forget(key);
        }
        oldest.is_some()
    }

    /// Does what the machine of `key` asks; `ack` is the one it was just given.
    fn drain(&mut self, key: ServerKey, mut ack: Option<(Request, Peer)>, outbox: &mut Outbox) {
        let Some(server) = self.servers.get_mut(&key) else {
            return;
        };
        loop {
            match server.machine.poll_output() {
                ServerStep::SendResponse => {
                    outbox.transmit(server.route.to, server.latest.clone());
                }
                ServerStep::SendTrying => {
                    if let Some(bytes) = server.trying.take().and_then(|r| r.to_bytes().ok()) {
                        server.latest = bytes;
                        outbox.transmit(server.route.to, server.latest.clone());
                    }
                }
                ServerStep::PassAck => {
                    if let Some((request, from)) = ack.take() {
                        outbox.event(Event::Ack { key, request, from });
                    }
                }
                ServerStep::AckMissing => {
                    tracing::debug!("a refused INVITE was not acknowledged");
                }
                ServerStep::Wait(deadline) => {
                    let awaited = server.awaited.as_ref().and_then(|(_, a)| a.deadline());
                    let earliest = [deadline, awaited].into_iter().flatten().min();
                    self.deadlines.set(key, earliest);
                    return;
                }
                ServerStep::End => {
                    self.forget(key);
                    return;
                }
            }
        }
    }

    fn forget(&mut self, key: ServerKey) {
        self.deadlines.set(key, None);
        let Some(server) = self.servers.remove(&key) else {
            return;
        };
        self.index.remove(&server.matcher);
        if let Some(merge) = &server.merge {
            self.merges.remove(merge);
        }
        if let Some((ack, _)) = &server.awaited
            && self.acks.get(ack) == Some(&key)
        {
            self.acks.remove(ack);
        }
        if let Some(share) = self.shares.get_mut(&server.address) {
            *share -= 1;
            if *share == 0 {
                self.shares.remove(&server.address);
            }
        }
    }
}

/// Whether one more request can be remembered.
enum Room {
    Free,
    /// Its sender has all that one address may have.
    ShareUsed,
    Full,
}

/// Answers a request and remembers nothing of it (section 8.2.7).
fn refuse_unseen(
    request: &Request,
    status: StatusCode,
    route: &ResponseRoute,
    tokens: &Tokens,
    outbox: &mut Outbox,
) {
    let tag = tokens.stateless_tag(request.headers.get(&HeaderName::VIA).unwrap_or_default());
    let mut response = request.response(status, Some(&tag));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers
            .push(HeaderName::RETRY_AFTER, RETRY_AFTER_SECS.to_string());
    }
    if let Ok(bytes) = response.to_bytes() {
        outbox.transmit(route.to, bytes);
    }
}
