//! Keeping the registrars of all accounts informed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::account::{Account, Binding};
use super::routing::{Lookup, Purpose};
use super::{
    AccountConfig, AccountId, AccountState, Agent, EndCause, Event, Refusal, Refused,
    RegistrationCause, ResolveFailure, requests,
};
use crate::sip::transaction::Peer;
use crate::sip::{
    Registration, RegistrationConfig, RegistrationEvent, RegistrationFailure, RegistrationFault,
    RegistrationOutput, Response, SipUri, StatusCode, Transport, Uri,
};

/// How long at least a lost connection is left alone. Up to four seconds are added by lot: all
/// phones lose theirs at once when a registrar starts anew.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// How soon after a binding was made its lost connection may call for the next: some registrars
/// close each connection when they have answered.
const BETWEEN_LOSSES: Duration = Duration::from_secs(30);

impl Agent {
    pub(super) fn add_account(&mut self, now: Instant, config: AccountConfig) {
        let id = config.id;
        let registers = config.register && config.aor.is_some();
        if let Some(old) = self.accounts.get(&id) {
            // The new REGISTER takes the place of the old binding. A farewell would leave a gap,
            // or overtake it and take the new one away.
            let same_contact = old.config.transport == config.transport;
            if registers && same_contact && old.config.aor == config.aor {
                self.accounts.remove(&id);
                self.disown(id);
            } else {
                let _ = self.remove_account(now, id);
            }
        }
        let account = Account {
            config,
            state: AccountState::Direct,
            binding: Binding::Off,
        };
        self.accounts.insert(id, account);
        if registers {
            // It was added a line ago.
            let _ = self.register(now, id);
        } else {
            self.event(Event::Account {
                account: id,
                state: AccountState::Direct,
            });
        }
    }

    pub(super) fn remove_account(&mut self, now: Instant, id: AccountId) -> Result<(), Refused> {
        if !self.accounts.contains_key(&id) {
            return Err((None, Refusal::UnknownAccount));
        }
        let running = |account: &Account| matches!(account.binding, Binding::Running { .. });
        if !self.accounts.get(&id).is_some_and(running) {
            // Nobody else has to be told.
            let _ = self.unregister(now, id);
        }
        if let Some(Account {
            binding: Binding::Running {
                registration, way, ..
            },
            ..
        }) = self.accounts.remove(&id)
        {
            self.leave(now, id, registration, way);
        }
        Ok(())
    }

    /// Registers now.
    pub(super) fn register(&mut self, now: Instant, id: AccountId) -> Result<(), Refused> {
        if self.shutting_down() {
            return Err((None, Refusal::ShuttingDown));
        }
        let Some(account) = self.accounts.get_mut(&id) else {
            return Err((None, Refusal::UnknownAccount));
        };
        if let Binding::Running { .. } = account.binding {
            self.register_anew(now, id);
            return Ok(());
        }
        let failures = match account.binding {
            Binding::Stranded { failures, .. } => failures,
            _ => 0,
        };
        account.binding = Binding::Locating { failures };
        self.set_account_state(id, AccountState::Registering);
        self.locate_registrar(now, id);
        Ok(())
    }

    /// Sends the next REGISTER, for which the way is looked for anew: names move, and so do we.
    fn register_anew(&mut self, now: Instant, id: AccountId) {
        if let Some(Account {
            binding: Binding::Running { relocating, .. },
            ..
        }) = self.accounts.get_mut(&id)
            && !std::mem::replace(relocating, true)
        {
            self.locate_registrar(now, id);
        }
    }

    /// The machine has slept, and may have woken up elsewhere: what the registrars know of us is
    /// in doubt. What only a person can mend is left alone.
    pub fn handle_awake(&mut self, now: Instant) {
        let ids: Vec<AccountId> = self.accounts.keys().copied().collect();
        for id in ids {
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
        self.drain_layer(now);
    }

    /// A connection is lost. A registrar reaches us over the one that we opened to it, so those
    /// registered over it do so again soon.
    pub(super) fn connection_lost(&mut self, now: Instant, to: Peer) {
        if to.transport != Transport::Tcp {
            return;
        }
        for account in self.accounts.values_mut() {
            let concerned = account
                .registered_way()
                .is_some_and(|way| way.transport == to.transport && way.remote == to.remote);
            let Binding::Running {
                due: Some(due),
                bound_at,
                ..
            } = &mut account.binding
            else {
                continue;
            };
            if concerned {
                let spread = u64::from(self.rng.next_u32() % 4_001);
                let soon = now + LEAST_PAUSE + Duration::from_millis(spread);
                let earliest = bound_at.map_or(soon, |at| at + BETWEEN_LOSSES);
                *due = soon.max(earliest).min(*due);
            }
        }
    }

    fn locate_registrar(&mut self, now: Instant, id: AccountId) {
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
        let user = account.contact_user();
        let failures = match &mut account.binding {
            Binding::Locating { failures } => *failures,
            Binding::Running {
                registration,
                way,
                further_ways,
                relocating,
                ..
            } if *relocating => {
                *relocating = false;
                if registration.is_asking() {
                    // It is on its way already, and a way of its own.
                    registration.register(now);
                    return;
                }
                let settled = matches!(account.state, AccountState::Registered { .. });
                let (first, ways) = choose(*way, found.unwrap_or_default(), settled);
                registration.relocate(requests::contact(&user, &first));
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
            Ok(ways) => {
                let mut ways = VecDeque::from(ways);
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

    /// Registers the first time over this way.
    fn begin_registration(
        &mut self,
        now: Instant,
        id: AccountId,
        way: Peer,
        further_ways: VecDeque<Peer>,
    ) {
        let seed = self.rng.next_u64();
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        let user = account.contact_user();
        let Some((aor, registrar)) = account
            .config
            .aor
            .clone()
            .zip(registrar_of(&account.config))
        else {
            return;
        };
        let contact = requests::contact(&user, &way);
        let mut config = RegistrationConfig::new(aor, registrar, contact);
        config.expires = account.config.expires;
        config.credentials = account.credentials();
        config.display_name = account.config.display_name.clone();
        config.user_agent = self.config.user_agent.clone();
        config.route = account.proxy_route().into_iter().collect();
        let mut registration = Registration::new(config, seed);
        registration.register(now);
        account.binding = Binding::Running {
            registration: Box::new(registration),
            way,
            further_ways,
            due: None,
            bound_at: None,
            relocating: false,
        };
        self.drive_registration(now, id);
    }

    /// Sends the REGISTER that is on its way to the next server of the registrar's, if it has one
    /// (RFC 3263 section 4.3).
    fn register_elsewhere(&mut self, now: Instant, id: AccountId) -> bool {
        let Some(account) = self.accounts.get_mut(&id) else {
            return false;
        };
        let user = account.contact_user();
        let Binding::Running {
            registration,
            way,
            further_ways,
            ..
        } = &mut account.binding
        else {
            return false;
        };
        let Some(next) = further_ways.pop_front() else {
            return false;
        };
        // It may be reached from another address of ours, and we there.
        registration.relocate(requests::contact(&user, &next));
        if !registration.send_elsewhere() {
            return false;
        }
        *way = next;
        self.drive_registration(now, id);
        true
    }

    /// How long to wait before looking for a way again: RFC 5626 section 4.5.
    fn stranded_for(&mut self, failures: u32) -> Duration {
        let ceiling = 1800_u64.min(30_u64.saturating_mul(1 << failures.min(10)));
        let percent = 50 + u64::from(self.rng.next_u32() % 51);
        Duration::from_millis(ceiling * 10 * percent)
    }

    fn strand(
        &mut self,
        id: AccountId,
        cause: RegistrationCause,
        retry_at: Instant,
        failures: u32,
    ) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.binding = Binding::Stranded { retry_at, failures };
        }
        let retry_at = Some(retry_at);
        let state = AccountState::Failed {
            cause,
            status: None,
            reason: None,
            retry_at,
        };
        self.set_account_state(id, state);
    }

    pub(super) fn unregister(&mut self, now: Instant, id: AccountId) -> Result<(), Refused> {
        let Some(account) = self.accounts.get_mut(&id) else {
            return Err((None, Refusal::UnknownAccount));
        };
        match &mut account.binding {
            Binding::Off => {}
            Binding::Locating { .. } | Binding::Stranded { .. } => {
                account.binding = Binding::Off;
                self.set_account_state(id, AccountState::Unregistered);
            }
            Binding::Running {
                registration,
                relocating,
                ..
            } => {
                *relocating = false;
                registration.unregister(now);
                self.drive_registration(now, id);
            }
        }
        Ok(())
    }

    pub(super) fn registrations_due(&mut self, now: Instant) {
        let due: Vec<AccountId> = self
            .accounts
            .iter()
            .filter(|(_, account)| account.deadline().is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(account) = self.accounts.get_mut(&id) else {
                continue;
            };
            match &mut account.binding {
                Binding::Stranded { failures, .. } => {
                    account.binding = Binding::Locating {
                        failures: *failures,
                    };
                    self.locate_registrar(now, id);
                }
                Binding::Running { .. } => self.register_anew(now, id),
                Binding::Off | Binding::Locating { .. } => {}
            }
        }
    }

    pub(super) fn register_answered(&mut self, now: Instant, id: AccountId, response: &Response) {
        let out_of_service = response.status == StatusCode::SERVICE_UNAVAILABLE;
        if out_of_service && self.register_elsewhere(now, id) {
            return;
        }
        self.with_registration(now, id, |registration| {
            registration.handle_response(now, response);
        });
    }

    pub(super) fn register_undelivered(&mut self, now: Instant, id: AccountId, cause: EndCause) {
        if self.register_elsewhere(now, id) {
            return;
        }
        let failure = match cause {
            EndCause::TimedOut => RegistrationFailure::Timeout,
            _ => RegistrationFailure::Transport,
        };
        self.with_registration(now, id, |registration| {
            registration.handle_failure(now, failure)
        });
    }

    fn with_registration(
        &mut self,
        now: Instant,
        id: AccountId,
        tell: impl FnOnce(&mut Registration),
    ) {
        if let Some(Account {
            binding: Binding::Running { registration, .. },
            ..
        }) = self.accounts.get_mut(&id)
        {
            tell(registration);
            self.drive_registration(now, id);
        }
    }

    fn drive_registration(&mut self, now: Instant, id: AccountId) {
        loop {
            let Some(Account {
                binding:
                    Binding::Running {
                        registration,
                        way,
                        due,
                        ..
                    },
                ..
            }) = self.accounts.get_mut(&id)
            else {
                return;
            };
            match registration.poll_output() {
                RegistrationOutput::Send(request) => {
                    let way = *way;
                    self.send(now, request, way, Purpose::Register(id));
                }
                RegistrationOutput::Event(event) => self.registration_event(now, id, event),
                RegistrationOutput::Wait(at) => {
                    *due = at;
                    return;
                }
            }
        }
    }

    fn registration_event(&mut self, now: Instant, id: AccountId, event: RegistrationEvent) {
        if matches!(event, RegistrationEvent::Registered { .. })
            && let Some(Account {
                binding: Binding::Running { bound_at, .. },
                ..
            }) = self.accounts.get_mut(&id)
        {
            *bound_at = Some(now);
        }
        let state = match event {
            RegistrationEvent::Registered { expires, .. } => AccountState::Registered { expires },
            RegistrationEvent::Unregistered => AccountState::Unregistered,
            RegistrationEvent::Failed {
                cause,
                status,
                reason,
                retry_in,
            } => AccountState::Failed {
                cause: cause_of(cause),
                status: status.map(StatusCode::code),
                reason,
                retry_at: retry_in.map(|wait| now + wait),
            },
        };
        self.set_account_state(id, state);
    }

    fn set_account_state(&mut self, id: AccountId, state: AccountState) {
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        if account.state != state {
            account.state = state.clone();
            self.event(Event::Account { account: id, state });
        }
    }
}

/// The way of the next REGISTER, and those to try after it. What answered last is not left while
/// it answers, whatever a name says that takes turns; but from an address that is ours no more
/// nobody answers.
fn choose(way: Peer, found: Vec<Peer>, settled: bool) -> (Peer, VecDeque<Peer>) {
    let mut ways = VecDeque::from(found);
    let same = ways.iter().position(|other| other.remote == way.remote);
    let first = match same.filter(|_| settled) {
        Some(at) => ways.remove(at),
        None if settled && ways.iter().any(|other| other.local == way.local) => None,
        None => ways.pop_front(),
    };
    // Where no way is found now, the one that was may still be good.
    (first.unwrap_or(way), ways)
}

/// Where REGISTER goes: as configured, else the host of the address of record (RFC 3261
/// section 10.2: the Request-URI has no user).
fn registrar_of(config: &AccountConfig) -> Option<Uri> {
    if let Some(registrar) = &config.registrar {
        return Some(registrar.clone());
    }
    let aor = config.aor.as_ref()?.as_sip()?;
    let mut registrar = SipUri::new(None, aor.host_port.clone());
    registrar.secure = aor.secure;
    registrar.params = aor.params.clone();
    Some(Uri::Sip(registrar))
}

fn cause_of(fault: RegistrationFault) -> RegistrationCause {
    match fault {
        RegistrationFault::WrongPassword => RegistrationCause::WrongPassword,
        RegistrationFault::PasswordNeeded => RegistrationCause::PasswordNeeded,
        RegistrationFault::AuthUnsupported => RegistrationCause::AuthUnsupported,
        RegistrationFault::Forbidden => RegistrationCause::Forbidden,
        RegistrationFault::NotFound => RegistrationCause::UnknownUser,
        RegistrationFault::ServerError => RegistrationCause::ServerTrouble,
        RegistrationFault::Timeout => RegistrationCause::TimedOut,
        RegistrationFault::Unreachable => RegistrationCause::Unreachable,
        RegistrationFault::IntervalRejected | RegistrationFault::Rejected => {
            RegistrationCause::Refused
        }
    }
}
