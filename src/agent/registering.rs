//! Keeping the registrars of all accounts informed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::account::{Account, Binding};
use super::door::Addresses;
use super::flow::FlowId;
use super::routing::Purpose;
use super::{
    AccountConfig, AccountId, AccountState, Agent, EndCause, Event, Refusal, Refused,
    RegistrationCause, Trust,
};
use crate::sip::transaction::Peer;
use crate::sip::{
    DigestMemory, Registration, RegistrationConfig, RegistrationEvent, RegistrationFailure,
    RegistrationFault, RegistrationOutput, Response, SipUri, StatusCode, Uri,
};

impl Agent {
    pub(super) fn add_account(&mut self, now: Instant, config: AccountConfig) {
        let id = config.id;
        let registers = config.register && config.aor.is_some();
        if let Some(old) = self.accounts.get(&id) {
            // The new REGISTER takes the place of the old binding. A farewell would leave a gap,
            // or overtake it and take the new one away.
            let same_contact =
                old.config.transport == config.transport && old.config.terms == config.terms;
            if registers && same_contact && old.config.aor == config.aor {
                self.abandon_watches(now, id);
                self.abandon_publication(now, id);
                self.accounts.remove(&id);
                for number in [1, 2] {
                    self.disown(FlowId {
                        account: id,
                        number,
                    });
                }
            } else {
                let _ = self.remove_account(now, id);
            }
        }
        let Trust {
            weaker_digest,
            other_realms,
            ..
        } = config.trust;
        let account = Account {
            config,
            state: AccountState::Direct,
            binding: Binding::Off,
            servers: Addresses::default(),
            digests: DigestMemory::new(weaker_digest, other_realms),
            second: None,
            seeks_second: false,
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
        self.abandon_watches(now, id);
        self.abandon_publication(now, id);
        self.leave_second(now, id);
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

    /// Registers the first time over this way.
    pub(super) fn begin_registration(
        &mut self,
        now: Instant,
        id: AccountId,
        way: Peer,
        further_ways: VecDeque<Peer>,
    ) {
        let seed = self.rng.next_u64();
        let Some(account) = self.accounts.get(&id) else {
            return;
        };
        let Some(config) = self.registration_config(account, &way, 1) else {
            return;
        };
        let mut registration = Registration::new(config, seed);
        registration.register(now);
        if let Some(account) = self.accounts.get_mut(&id) {
            account.binding = Binding::Running {
                registration: Box::new(registration),
                way,
                further_ways,
                due: None,
                bound_at: None,
                relocating: false,
                flow: Box::default(),
            };
        }
        self.drive_registration(now, id);
    }

    /// What an account's flow of this number asks its registrar for over this way.
    pub(super) fn registration_config(
        &self,
        account: &Account,
        way: &Peer,
        number: u32,
    ) -> Option<RegistrationConfig> {
        let contact = account.binding_contact(way);
        let aor = account.config.aor.clone()?;
        let registrar = registrar_of(&account.config)?;
        let mut config = RegistrationConfig::new(aor, registrar, contact);
        config.expires = account.config.expires;
        config.credentials = account.credentials();
        config.display_name = account.config.display_name.clone();
        config.user_agent = self.config.user_agent.clone();
        config.instance_id.clone_from(&self.config.instance);
        config.reg_id = self.config.instance.as_ref().map(|_| number);
        config.route = account.proxy_route().into_iter().collect();
        Some(config)
    }

    /// How long to wait before looking for a way again: RFC 5626 section 4.5.
    pub(super) fn stranded_for(&mut self, failures: u32) -> Duration {
        let ceiling = 1800_u64.min(30_u64.saturating_mul(1 << failures.min(10)));
        let percent = 50 + u64::from(self.rng.next_u32() % 51);
        Duration::from_millis(ceiling * 10 * percent)
    }

    pub(super) fn strand(
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
                self.account_rests(now, id);
            }
            Binding::Running {
                registration,
                relocating,
                ..
            } => {
                *relocating = false;
                registration.unregister(now);
                self.drive_registration(now, id);
                self.leave_second(now, id);
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

    pub(super) fn register_answered(&mut self, now: Instant, flow: FlowId, response: &Response) {
        if !self.is_first(flow) {
            return self.second_answered(now, flow, response);
        }
        let id = flow.account;
        let out_of_service = response.status == StatusCode::SERVICE_UNAVAILABLE;
        if out_of_service && self.register_elsewhere(now, id) {
            return;
        }
        let accepted = response.status.is_success();
        if !accepted {
            // The challenge says it in time for the REGISTER that answers it.
            self.learn_mapping(flow, response);
        }
        self.with_registration(now, id, |registration| {
            registration.handle_response(now, response);
        });
        if !accepted {
            return;
        }
        if self.learn_mapping(flow, response) {
            // It is bound where nobody reaches us.
            self.with_registration(now, id, |registration| {
                if registration.is_bound() {
                    registration.register(now);
                }
            });
        }
        self.keep_flow(now, flow);
        self.second_may_begin(now, id);
    }

    pub(super) fn register_undelivered(&mut self, now: Instant, flow: FlowId, cause: EndCause) {
        let failure = match cause {
            EndCause::TimedOut => RegistrationFailure::Timeout,
            EndCause::Unencrypted => RegistrationFailure::Unencrypted,
            _ => RegistrationFailure::Transport,
        };
        if !self.is_first(flow) {
            return self.second_undelivered(now, flow, failure);
        }
        let id = flow.account;
        if self.register_elsewhere(now, id) {
            return;
        }
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

    pub(super) fn drive_registration(&mut self, now: Instant, id: AccountId) {
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
                    let (way, number) = (*way, registration.number());
                    let flow = FlowId {
                        account: id,
                        number,
                    };
                    self.send(now, request, way, Purpose::Register(flow));
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
        if let RegistrationEvent::Failed { retry_in, .. } = &event {
            if retry_in.is_some() && self.second_takes_over(id) {
                // What waits to be driven now is the one that stands; the other is driven as second.
                self.drive_second(now, id);
                self.watches_may_move(now, id);
                return;
            }
            // What the registrar refuses it refuses both.
            self.leave_second(now, id);
        }
        let was_registered = self.accounts.get(&id).map(Account::is_registered);
        let state = match event {
            RegistrationEvent::Registered { expires, .. } => AccountState::Registered { expires },
            RegistrationEvent::Unregistered => AccountState::Unregistered,
            RegistrationEvent::Failed {
                cause,
                status,
                reason,
                retry_in,
            } => AccountState::Failed {
                cause: match (cause, self.not_secured) {
                    (RegistrationFault::Unreachable, Some(failure)) => {
                        RegistrationCause::NotSecured(failure)
                    }
                    (cause, _) => cause_of(cause),
                },
                status: status.map(StatusCode::code),
                reason,
                retry_at: retry_in.map(|wait| now + wait),
            },
        };
        let registered = matches!(state, AccountState::Registered { .. });
        let rests = matches!(state, AccountState::Unregistered);
        self.set_account_state(id, state);
        if rests {
            self.account_rests(now, id);
        } else if registered && was_registered == Some(true) {
            self.watches_may_move(now, id);
        } else if registered {
            // Who has lost us may have lost what else was asked of them.
            self.renew_watches(now, id);
            self.publication_may_begin(now, id);
            self.messages_may_go(now, id);
        }
    }

    /// The account is away: nothing is watched for it, and nothing said of it.
    fn account_rests(&mut self, now: Instant, id: AccountId) {
        self.renew_watches(now, id);
        self.publication_rests(now, id);
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
pub(super) fn registrar_of(config: &AccountConfig) -> Option<Uri> {
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
        RegistrationFault::WeakDigest => RegistrationCause::WeakDigest,
        RegistrationFault::Unencrypted => RegistrationCause::Unencrypted,
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
