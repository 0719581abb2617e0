//! A second flow beside the first (RFC 5626 section 4.2): where the registrar keeps flows and its
//! name leads to more than one server, this phone is reached over two of them.
//!
//! ```text
//! first bound, "Require: outbound" ─▶ another server looked for ─▶ REGISTER with reg-id 2
//! first fails, second stands       ─▶ they change places, the account stays registered
//! ```
//!
//! The one that failed comes back as the second, and takes its time over it (section 4.5). What the
//! registrar says of the account as such, it says of the first.

use std::collections::VecDeque;
use std::time::Instant;

use rand_chacha::rand_core::Rng;

use super::account::{Account, Binding, Line, Second};
use super::flow::FlowId;
use super::registering::registrar_of;
use super::routing::{Lookup, Purpose};
use super::{AccountId, Agent, ResolveFailure, requests};
use crate::sip::transaction::Peer;
use crate::sip::{
    Registration, RegistrationEvent, RegistrationFailure, RegistrationOutput, Response,
};

impl Account {
    /// Whether its registrar takes a second flow beside the one that stands.
    fn takes_second(&self) -> bool {
        match &self.binding {
            Binding::Running { registration, .. } => {
                self.is_registered() && registration.agreed().outbound
            }
            Binding::Off | Binding::Locating { .. } | Binding::Stranded { .. } => false,
        }
    }

    /// The ways of these that lead to another server than the first flow does, in the same manner.
    fn beside_first(&self, found: Vec<Peer>) -> VecDeque<Peer> {
        let Binding::Running { way: first, .. } = &self.binding else {
            return VecDeque::new();
        };
        let other = |way: &Peer| {
            way.remote != first.remote
                && way.transport == first.transport
                && way.remote.is_ipv4() == first.remote.is_ipv4()
        };
        found.into_iter().filter(other).collect()
    }

    /// Leaves those to the second flow that it uses, if there are others.
    pub(super) fn leave_to_second(&self, found: &mut VecDeque<Peer>) {
        if let Some(second) = self.second_way()
            && found.iter().any(|way| way.remote != second.remote)
        {
            found.retain(|way| way.remote != second.remote);
        }
    }

    /// The second flow stands where the first has failed: they change places.
    fn change_places(&mut self) -> bool {
        let Binding::Running {
            registration,
            way,
            further_ways,
            due,
            bound_at,
            relocating,
            flow,
        } = &mut self.binding
        else {
            return false;
        };
        let Some(second) = self.second.as_mut().filter(|it| it.registration.is_bound()) else {
            return false;
        };
        std::mem::swap(registration, &mut second.registration);
        std::mem::swap(way, &mut second.way);
        std::mem::swap(due, &mut second.due);
        std::mem::swap(bound_at, &mut second.bound_at);
        std::mem::swap(flow, &mut second.flow);
        further_ways.clear();
        *relocating = false;
        true
    }
}

impl Agent {
    /// One of an account's flows, whichever it is.
    pub(super) fn line(&mut self, id: FlowId) -> Option<Line<'_>> {
        self.accounts.get_mut(&id.account)?.line(id.number)
    }

    /// Whether this is the flow of the account's binding.
    pub(super) fn is_first(&self, id: FlowId) -> bool {
        let account = self.accounts.get(&id.account);
        account.is_some_and(|account| match &account.binding {
            Binding::Running { registration, .. } => registration.number() == id.number,
            Binding::Off | Binding::Locating { .. } | Binding::Stranded { .. } => true,
        })
    }

    /// A flow has failed: its REGISTER goes out anew, over whichever way is found.
    pub(super) fn renew_flow(&mut self, now: Instant, id: FlowId) {
        if self.is_first(id) {
            self.register_anew(now, id.account);
        } else {
            self.seek_second(now, id.account);
        }
    }

    /// Looks for the way of an account's second flow.
    pub(super) fn seek_second(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut account.seeks_second, true) {
            return;
        }
        let config = &account.config;
        let hop = config.proxy.clone().or_else(|| registrar_of(config));
        if let Some(hop) = hop {
            self.locate(now, id, &hop, Lookup::Second(id));
        }
    }

    /// The first flow stands: a second one may be added to it.
    pub(super) fn second_may_begin(&mut self, now: Instant, id: AccountId) {
        let wanted = |account: &Account| account.second.is_none() && account.takes_second();
        if self.accounts.get(&id).is_some_and(wanted) {
            self.seek_second(now, id);
        }
    }

    pub(super) fn second_flows_due(&mut self, now: Instant) {
        let due = |account: &Account| account.second_deadline().is_some_and(|at| at <= now);
        let accounts = self.accounts.iter();
        let due: Vec<AccountId> = accounts
            .filter(|(_, account)| due(account))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.seek_second(now, id);
        }
    }

    pub(super) fn second_located(
        &mut self,
        now: Instant,
        id: AccountId,
        found: Result<Vec<Peer>, ResolveFailure>,
    ) {
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        account.seeks_second = false;
        if !account.takes_second() && account.second.is_none() {
            return;
        }
        // Where no way is found now, the one that was may still be good.
        let known = found.is_ok();
        let mut found = account.beside_first(found.unwrap_or_default());
        let (user, sips) = (account.contact_user(), account.is_sips());
        let Some(second) = &mut account.second else {
            if let Some(way) = found.pop_front() {
                self.begin_second(now, id, way);
            }
            return;
        };
        let settled = second.registration.is_bound() && !self.outages.is_out(now, &second.way);
        let same = found.iter().position(|way| way.remote == second.way.remote);
        let next = match same.filter(|_| settled) {
            Some(at) => found.remove(at),
            None => found.pop_front(),
        };
        if known && next.is_none() {
            // There is one server only: two flows to it are no better than one.
            self.leave_second(now, id);
            return;
        }
        let next = next.unwrap_or(second.way);
        second.flow.leads(&second.way, &next);
        let contact = requests::binding_contact(&user, sips, &second.flow.seen(&next));
        second.registration.relocate(contact);
        let moved = second.way.local.ip() != next.local.ip();
        if second.registration.is_asking() {
            // From an address that is ours no more nobody hears the answer.
            if moved && second.registration.send_elsewhere() {
                second.way = next;
            }
        } else {
            second.way = next;
            second.registration.handle_timeout(now);
            second.registration.register(now);
        }
        self.drive_second(now, id);
    }

    fn begin_second(&mut self, now: Instant, id: AccountId, way: Peer) {
        let seed = self.rng.next_u64();
        let Some(account) = self.accounts.get(&id) else {
            return;
        };
        let first = match &account.binding {
            Binding::Running { registration, .. } => registration.number(),
            Binding::Off | Binding::Locating { .. } | Binding::Stranded { .. } => return,
        };
        let number = if first == 1 { 2 } else { 1 };
        let Some(config) = self.registration_config(account, &way, number) else {
            return;
        };
        let mut registration = Box::new(Registration::new(config, seed));
        registration.set_others_stand(true);
        registration.register(now);
        if let Some(account) = self.accounts.get_mut(&id) {
            account.second = Some(Box::new(Second {
                registration,
                way,
                due: None,
                bound_at: None,
                flow: Box::default(),
            }));
        }
        self.drive_second(now, id);
    }

    pub(super) fn second_answered(&mut self, now: Instant, id: FlowId, response: &Response) {
        let accepted = response.status.is_success();
        if !accepted {
            self.learn_mapping(id, response);
        }
        if let Some(line) = self.line(id) {
            line.registration.handle_response(now, response);
        }
        self.drive_second(now, id.account);
        if !accepted {
            return;
        }
        if self.learn_mapping(id, response)
            && let Some(line) = self.line(id)
            && line.registration.is_bound()
        {
            line.registration.register(now);
            self.drive_second(now, id.account);
        }
        self.keep_flow(now, id);
    }

    pub(super) fn second_undelivered(
        &mut self,
        now: Instant,
        id: FlowId,
        failure: RegistrationFailure,
    ) {
        if let Some(line) = self.line(id) {
            line.registration.handle_failure(now, failure);
        }
        self.drive_second(now, id.account);
    }

    pub(super) fn drive_second(&mut self, now: Instant, id: AccountId) {
        while let Some(second) = self
            .accounts
            .get_mut(&id)
            .and_then(|account| account.second.as_mut())
        {
            match second.registration.poll_output() {
                RegistrationOutput::Send(request) => {
                    let (way, number) = (second.way, second.registration.number());
                    let account = id;
                    let purpose = Purpose::Register(FlowId { account, number });
                    self.send(now, request, way, purpose);
                }
                RegistrationOutput::Event(event) => self.second_event(now, id, event),
                RegistrationOutput::Wait(at) => {
                    second.due = at;
                    return;
                }
            }
        }
    }

    fn second_event(&mut self, now: Instant, id: AccountId, event: RegistrationEvent) {
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        match event {
            RegistrationEvent::Registered { .. } => {
                if let Some(second) = &mut account.second {
                    second.bound_at = Some(now);
                    tracing::debug!(account = id.0, "reached over {} too", second.way.remote);
                }
            }
            // It comes back in time.
            RegistrationEvent::Failed {
                retry_in: Some(_), ..
            } => {}
            // What the registrar does not want is not forced upon it; the first flow stands.
            RegistrationEvent::Failed { retry_in: None, .. } | RegistrationEvent::Unregistered => {
                account.second = None;
            }
        }
        let stands = account.second_way().is_some();
        if let Binding::Running { registration, .. } = &mut account.binding {
            registration.set_others_stand(stands);
        }
    }

    /// The first flow has failed. Says whether the second one has taken its place.
    pub(super) fn second_takes_over(&mut self, id: AccountId) -> bool {
        let account = self.accounts.get_mut(&id);
        let changed = account.is_some_and(Account::change_places);
        if changed {
            tracing::debug!(account = id.0, "reached over the second flow alone");
        }
        changed
    }

    /// Takes the second flow away, if there is one.
    pub(super) fn leave_second(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        if let Some(second) = account.second.take() {
            let Second {
                registration, way, ..
            } = *second;
            self.leave(now, id, registration, way);
        }
    }
}
