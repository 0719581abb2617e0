//! The way of each REGISTER: looked for anew each time, since names move, and so do we.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::account::{Account, Binding};
use super::keeping::is_over;
use super::registering::registrar_of;
use super::routing::Lookup;
use super::{AccountId, AccountState, Agent, RegistrationCause, ResolveFailure, requests};
use crate::sip::Transport;
use crate::sip::transaction::Peer;

/// How long at least a lost connection is left alone. Up to four seconds are added by lot: all
/// phones lose theirs at once when a registrar starts anew.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// How soon after a binding was made its lost connection may call for the next: some registrars
/// close each connection when they have answered.
const BETWEEN_LOSSES: Duration = Duration::from_secs(30);

impl Agent {
    /// Sends the next REGISTER, for which the way is looked for anew: names move, and so do we.
    pub(super) fn register_anew(&mut self, now: Instant, id: AccountId) {
        if let Some(Account {
            binding: Binding::Running { relocating, .. },
            ..
        }) = self.accounts.get_mut(&id)
            && !std::mem::replace(relocating, true)
        {
            self.locate_registrar(now, id);
        }
    }

    /// The machine has slept, and may have woken up elsewhere, or is in another network: what the
    /// registrars and the far sides of calls know of us is in doubt. What only a person can mend is left alone.
    pub fn handle_awake(&mut self, now: Instant) {
        self.outages.forget();
        let ids: Vec<AccountId> = self.accounts.keys().copied().collect();
        for id in ids {
            if self.accounts.get(&id).is_some_and(|it| it.second.is_some()) {
                self.seek_second(now, id);
            }
            match self
                .accounts
                .get_mut(&id)
                .map(|account| &mut account.binding)
            {
                Some(Binding::Running { due: Some(_), .. }) => self.register_anew(now, id),
                Some(binding @ Binding::Stranded { .. }) => {
                    *binding = Binding::Locating { failures: 0 };
                    self.locate_registrar(now, id);
                }
                Some(Binding::Off | Binding::Locating { .. } | Binding::Running { .. }) | None => {}
            }
        }
        self.move_calls(now);
        self.wake_watches(now);
        self.drain_layer(now);
    }

    /// A connection is lost. A registrar reaches us over the one that we opened to it, so those
    /// registered over it do so again soon.
    pub(super) fn connection_lost(&mut self, now: Instant, to: Peer) {
        if to.transport == Transport::Udp {
            return;
        }
        let mut lost = Vec::new();
        for (id, account) in &mut self.accounts {
            for line in account.lines() {
                if !(line.stands && is_over(line.way, &to)) {
                    continue;
                }
                let Some(due) = line.due else {
                    continue;
                };
                let spread = u64::from(self.rng.next_u32() % 4_001);
                let soon = now + LEAST_PAUSE + Duration::from_millis(spread);
                let earliest = line.bound_at.map_or(soon, |at| at + BETWEEN_LOSSES);
                *due = soon.max(earliest).min(*due);
                lost.push(*id);
            }
        }
        for id in lost {
            self.doubt_watches(id);
        }
    }

    pub(super) fn locate_registrar(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get(&id) else {
            return;
        };
        let config = &account.config;
        let hop = config.proxy.clone().or_else(|| registrar_of(config));
        if let Some(hop) = hop {
            self.locate(now, id, &hop, Lookup::Registrar(id));
        }
    }

    pub(super) fn registrar_located(
        &mut self,
        now: Instant,
        id: AccountId,
        found: Result<Vec<Peer>, ResolveFailure>,
    ) {
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        let (user, sips) = (account.contact_user(), account.is_sips());
        let found = found.map(|found| {
            let mut found = VecDeque::from(found);
            account.leave_to_second(&mut found);
            found
        });
        let failures = match &mut account.binding {
            Binding::Locating { failures } => *failures,
            Binding::Running {
                registration,
                way,
                further_ways,
                relocating,
                flow,
                ..
            } if *relocating => {
                *relocating = false;
                if registration.is_asking() {
                    registration.register(now);
                    // It is on its way already; but from an address that is ours no more nobody
                    // hears the answer.
                    let mut found = found.unwrap_or_default();
                    let moved = found.iter().all(|it| it.local.ip() != way.local.ip());
                    if let Some(first) = found.pop_front().filter(|_| moved) {
                        flow.leads(way, &first);
                        let seen = flow.seen(&first);
                        registration.relocate(requests::binding_contact(&user, sips, &seen));
                        if registration.send_elsewhere() {
                            (*way, *further_ways) = (first, found);
                            self.drive_registration(now, id);
                        }
                    }
                    return;
                }
                let settled = matches!(account.state, AccountState::Registered { .. });
                let settled = settled && !self.outages.is_out(now, way);
                let (first, ways) = choose(*way, found.unwrap_or_default(), settled);
                flow.leads(way, &first);
                let contact = requests::binding_contact(&user, sips, &flow.seen(&first));
                registration.relocate(contact);
                *way = first;
                *further_ways = ways;
                registration.handle_timeout(now);
                registration.register(now);
                self.drive_registration(now, id);
                return;
            }
            Binding::Off | Binding::Stranded { .. } | Binding::Running { .. } => return,
        };
        match found {
            Ok(mut ways) => {
                if let Some(way) = ways.pop_front() {
                    self.begin_registration(now, id, way, ways);
                }
            }
            Err(failure) => {
                let cause = match failure {
                    ResolveFailure::NotFound => RegistrationCause::HostNotFound,
                    ResolveFailure::Unreachable => RegistrationCause::Unreachable,
                };
                let failures = failures.saturating_add(1);
                let retry_at = now + self.stranded_for(failures);
                self.strand(id, cause, retry_at, failures);
            }
        }
    }

    /// Sends the REGISTER that is on its way to the next server of the registrar's, if it has one
    /// (RFC 3263 section 4.3).
    pub(super) fn register_elsewhere(&mut self, now: Instant, id: AccountId) -> bool {
        let Some(account) = self.accounts.get_mut(&id) else {
            return false;
        };
        let (user, sips) = (account.contact_user(), account.is_sips());
        let second = account.second_way().map(|way| way.remote);
        let Binding::Running {
            registration,
            way,
            further_ways,
            flow,
            ..
        } = &mut account.binding
        else {
            return false;
        };
        // Where the second flow is, it is better than this one could be.
        further_ways.retain(|way| Some(way.remote) != second);
        let Some(next) = further_ways.pop_front() else {
            return false;
        };
        // It may be reached from another address of ours, and we there.
        flow.leads(way, &next);
        let contact = requests::binding_contact(&user, sips, &flow.seen(&next));
        registration.relocate(contact);
        if !registration.send_elsewhere() {
            return false;
        }
        *way = next;
        self.drive_registration(now, id);
        true
    }
}

/// The way of the next REGISTER, and those to try after it. What answered last is not left while
/// it answers, whatever a name says that takes turns; but from an address that is ours no more
/// nobody answers.
fn choose(way: Peer, mut ways: VecDeque<Peer>, settled: bool) -> (Peer, VecDeque<Peer>) {
    let same = ways.iter().position(|other| other.remote == way.remote);
    let first = match same.filter(|_| settled) {
        Some(at) => ways.remove(at),
        None if settled && ways.iter().any(|other| other.local == way.local) => None,
        None => ways.pop_front(),
    };
    // Where no way is found now, the one that was may still be good.
    (first.unwrap_or(way), ways)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::{AccountConfig, Command, Event, Output};
    use super::*;
    use crate::sip::transaction::ConnectionId;
    use crate::trust::TlsFailure;

    /// What an account under this address sends first, over TLS, and what its state is when that
    /// connection was not secure.
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do as the beginning of time"
    )]
    fn not_secured(aor: &str) -> (String, Option<AccountState>) {
        let (now, id) = (Instant::now(), AccountId(1));
        let mut agent = Agent::new(super::super::AgentConfig::default(), 7);
        let aor = aor.parse().expect("a URI");
        let config = AccountConfig::registered(id, aor, None);
        agent.handle_command(now, Command::AddAccount(Box::new(config)));
        let (mut sent, mut state) = (String::new(), None);
        loop {
            match agent.poll_output() {
                Output::Resolve { id, hop, .. } => {
                    let way = Peer {
                        transport: hop.transport_or_default(),
                        remote: SocketAddr::from(([192, 0, 2, 1], 5061)),
                        local: SocketAddr::from(([192, 0, 2, 9], 40_000)),
                        connection: Some(ConnectionId(1 << 48)),
                    };
                    agent.handle_resolved(now, id, Ok(vec![way]));
                }
                Output::Transmit { to, bytes } => {
                    assert_eq!(to.transport, Transport::Tls);
                    sent = String::from_utf8(bytes).expect("text");
                    agent.handle_not_secured(now, to, TlsFailure::Expired);
                }
                Output::Event(Event::Account { state: told, .. }) => state = Some(told),
                Output::Wait(_) => return (sent, state),
                Output::Event(_) | Output::Media(_) | Output::Abandon { .. } => {}
            }
        }
    }

    #[test]
    fn what_is_not_secure_is_told_as_what_it_is_and_tried_again() {
        let (sent, state) = not_secured("sip:1001@pbx.example;transport=tls");
        assert!(sent.contains("Via: SIP/2.0/TLS 192.0.2.9:40000"), "{sent}");
        // RFC 5630: over TLS, and nobody asked for `sips:`.
        let contact = "<sip:1001@192.0.2.9:40000;transport=tls>";
        assert!(sent.contains(contact), "{sent}");
        let Some(AccountState::Failed {
            cause, retry_at, ..
        }) = state
        else {
            panic!("{state:?}");
        };
        assert_eq!(cause, RegistrationCause::NotSecured(TlsFailure::Expired));
        assert!(retry_at.is_some());
    }

    #[test]
    fn who_is_called_by_sips_is_reached_by_sips() {
        let (sent, _) = not_secured("sips:1001@pbx.example");
        assert!(
            sent.starts_with("REGISTER sips:pbx.example SIP/2.0"),
            "{sent}"
        );
        assert!(sent.contains("<sips:1001@192.0.2.9:40000>"), "{sent}");
    }
}
