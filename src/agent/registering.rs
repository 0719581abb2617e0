//! Accounts: who we are, where our requests go first, and keeping the registrar informed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::routing::{Lookup, Purpose};
use super::{
    AccountConfig, AccountId, AccountState, Agent, EndCause, Event, Refusal, Refused,
    RegistrationCause, ResolveFailure, requests,
};
use crate::redact::Secret;
use crate::sip::transaction::Peer;
use crate::sip::{
    Credentials, DigestClient, HostPort, NameAddr, Registration, RegistrationConfig,
    RegistrationEvent, RegistrationFailure, RegistrationFault, RegistrationOutput, Response,
    SipUri, StatusCode, Uri,
};

/// One account and how it stands.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) config: AccountConfig,
    pub(super) state: AccountState,
    binding: Binding,
}

/// The state of an account's REGISTER.
#[derive(Debug)]
enum Binding {
    /// Not wanted.
    Off,
    /// The way to the registrar is being looked for.
    Locating { failures: u32 },
    /// No way was found.
    Stranded { retry_at: Instant, failures: u32 },
    /// Under way, bound, or waiting for its next attempt.
    Running {
        registration: Box<Registration>,
        way: Peer,
        /// Other servers of the registrar's, from the same address of ours, best first.
        further_ways: VecDeque<Peer>,
        due: Option<Instant>,
        /// A failed attempt is to be repeated, and its way is being looked for anew: names move.
        relocating: bool,
    },
}

impl Account {
    /// The domain at which bare numbers are called.
    pub(super) fn home(&self) -> Option<&HostPort> {
        self.aor().map(|sip| &sip.host_port)
    }

    fn aor(&self) -> Option<&SipUri> {
        self.config.aor.as_ref().and_then(Uri::as_sip)
    }

    /// The user part of the address of record, unescaped.
    pub(super) fn user(&self) -> Option<String> {
        self.aor().and_then(SipUri::user_unescaped)
    }

    /// Whether a request to this user is for this account.
    pub(super) fn answers_to(&self, user: Option<&str>) -> bool {
        self.aor().is_some() && self.user().as_deref() == user
    }

    /// How we name ourselves to others.
    pub(super) fn identity(&self, way: &Peer) -> NameAddr {
        let mut identity = match &self.config.aor {
            Some(aor) => NameAddr::new(aor.clone()),
            None => {
                let host = HostPort {
                    port: None,
                    ..HostPort::from(way.local)
                };
                NameAddr::new(Uri::Sip(SipUri::new(Some("ramal"), host)))
            }
        };
        identity.display_name.clone_from(&self.config.display_name);
        identity
    }

    /// A client for the challenges of this account's servers; `None` without a password.
    pub(super) fn digest(&self) -> Option<DigestClient> {
        self.credentials().map(DigestClient::new)
    }

    fn credentials(&self) -> Option<Credentials> {
        let password: &Secret<String> = self.config.password.as_ref()?;
        let user = self.config.auth_user.clone().or_else(|| self.user())?;
        Some(Credentials {
            user,
            password: password.clone(),
        })
    }

    /// Where the first request to this target goes: the outbound proxy, the way the registrar
    /// told, the registrar for targets at home, else the target itself.
    pub(super) fn first_hop(&self, target: &Uri) -> Uri {
        if let Some(route) = self.routes().first() {
            return route.uri.clone();
        }
        let at_home = target.as_sip().map(|sip| &sip.host_port) == self.home();
        match &self.config.registrar {
            Some(registrar) if at_home => registrar.clone(),
            _ => target.clone(),
        }
    }

    /// The route set to preload (RFC 3261 section 8.1.2, RFC 3608 section 5).
    pub(super) fn routes(&self) -> Vec<NameAddr> {
        let mut routes: Vec<NameAddr> = self.proxy_route().into_iter().collect();
        if let Binding::Running { registration, .. } = &self.binding {
            routes.extend(registration.service_route().iter().cloned());
        }
        routes
    }

    fn proxy_route(&self) -> Option<NameAddr> {
        let mut proxy = self.config.proxy.as_ref()?.as_sip()?.clone();
        proxy.params.set("lr", None);
        Some(NameAddr::new(Uri::Sip(proxy)))
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.binding {
            Binding::Off | Binding::Locating { .. } => None,
            Binding::Stranded { retry_at, .. } => Some(*retry_at),
            Binding::Running {
                relocating: true, ..
            } => None,
            Binding::Running { due, .. } => *due,
        }
    }

    /// Nothing of this account is under way at its registrar.
    pub(super) fn is_at_rest(&self) -> bool {
        match self.state {
            AccountState::Registering | AccountState::Registered { .. } => false,
            AccountState::Direct | AccountState::Failed { .. } | AccountState::Unregistered => true,
        }
    }
}

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
        if self.shutting_down {
            return Err((None, Refusal::ShuttingDown));
        }
        let Some(account) = self.accounts.get_mut(&id) else {
            return Err((None, Refusal::UnknownAccount));
        };
        if let Binding::Running {
            registration,
            relocating,
            ..
        } = &mut account.binding
        {
            if matches!(account.state, AccountState::Failed { .. }) {
                *relocating = true;
                self.locate_registrar(now, id);
            } else {
                registration.register(now);
                self.drive_registration(now, id);
            }
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
                // Where no way is found now, the one that was may still be good.
                let mut ways = VecDeque::from(found.unwrap_or_else(|_| vec![*way]));
                let first = ways.pop_front();
                if let Some(first) = first.filter(|first| first.local == way.local) {
                    ways.retain(|further| further.local == first.local);
                    *way = first;
                    *further_ways = ways;
                    registration.register(now);
                    self.drive_registration(now, id);
                } else if let Some(first) = first {
                    // We are reached elsewhere now: that is another binding.
                    self.begin_registration(now, id, first, ways);
                }
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
        mut further_ways: VecDeque<Peer>,
    ) {
        let seed = self.rng.next_u64();
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        let user = account.user();
        let Some((aor, registrar)) = account
            .config
            .aor
            .clone()
            .zip(registrar_of(&account.config))
        else {
            return;
        };
        let contact = requests::contact(user.as_deref().unwrap_or("ramal"), &way);
        let mut config = RegistrationConfig::new(aor, registrar, contact);
        config.expires = account.config.expires;
        config.credentials = account.credentials();
        config.display_name = account.config.display_name.clone();
        config.user_agent = self.config.user_agent.clone();
        config.route = account.proxy_route().into_iter().collect();
        let mut registration = Registration::new(config, seed);
        registration.register(now);
        further_ways.retain(|further| further.local == way.local);
        account.binding = Binding::Running {
            registration: Box::new(registration),
            way,
            further_ways,
            due: None,
            relocating: false,
        };
        self.drive_registration(now, id);
    }

    /// Sends the REGISTER that is on its way to the next server of the registrar's, if it has one
    /// (RFC 3263 section 4.3).
    fn register_elsewhere(&mut self, now: Instant, id: AccountId) -> bool {
        let Some(Account {
            binding:
                Binding::Running {
                    registration,
                    way,
                    further_ways,
                    ..
                },
            ..
        }) = self.accounts.get_mut(&id)
        else {
            return false;
        };
        let Some(next) = further_ways.pop_front() else {
            return false;
        };
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
                Binding::Running {
                    registration,
                    relocating,
                    ..
                } => {
                    if matches!(account.state, AccountState::Failed { .. }) {
                        *relocating = true;
                        self.locate_registrar(now, id);
                    } else {
                        registration.handle_timeout(now);
                        self.drive_registration(now, id);
                    }
                }
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
