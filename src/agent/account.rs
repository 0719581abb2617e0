//! Who the phone is: one identity at one registrar, or none.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::door::Addresses;
use super::flow::Flow;
use super::{DigitsBy, MessagePolicy, Reception, Trust, requests};
use crate::redact::Secret;
use crate::sdp::Encryption;
use crate::sip::transaction::Peer;
use crate::sip::{
    Credentials, DigestClient, DigestMemory, HostPort, NameAddr, Registration, SipUri, Transport,
    Uri,
};
use crate::trust::{Terms, TlsFailure};

/// Names an account for as long as the phone runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u32);

/// Everything the agent needs to know of one account.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// Chosen by whoever adds the account; adding the same id again replaces it.
    pub id: AccountId,
    /// The address of record. `None`: calls without a registrar, as `sip:ramal@` this machine.
    pub aor: Option<Uri>,
    /// The name shown to whom we call.
    pub display_name: Option<String>,
    /// Where REGISTER goes; `None`: the host of the address of record.
    pub registrar: Option<Uri>,
    /// The outbound proxy, where every request goes first.
    pub proxy: Option<Uri>,
    /// Overrides the transport that the URIs say.
    pub transport: Option<Transport>,
    /// What servers reached over TLS have to show.
    pub terms: Terms,
    /// The user name of digest credentials; `None`: the user of the address of record.
    pub auth_user: Option<String>,
    /// The password of digest credentials.
    pub password: Option<Secret<String>>,
    /// Whether to register at all.
    pub register: bool,
    /// The binding lifetime asked for, in whole seconds; the registrar may shorten it.
    pub expires: Duration,
    /// Whether a 3xx answer to a call is followed without asking.
    pub follow_redirects: bool,
    /// What is done when the far side of a call wants to hand us over.
    pub transfers: TransferPolicy,
    /// The keys before the number that have the PBX hand a call over; `None`: REFER does it.
    pub transfer_code: Option<String>,
    /// How keys go to the far side.
    pub digits: DigitsBy,
    /// Who may write messages.
    pub messages: MessagePolicy,
    /// What is dialled to take a call that rings at another phone: `{ext}` stands for that phone's
    /// number, which else comes behind it. `None`: an INVITE with Replaces does it.
    pub pickup_code: Option<String>,
    /// Calls in progress at once before a further one is answered 486.
    pub max_calls: usize,
    /// What becomes of calls that come in.
    pub reception: Reception,
    /// Whom we call is not told who we are.
    pub anonymous: bool,
    /// Who is believed, and with what.
    pub trust: Trust,
    /// How much protection of their sound calls are to have.
    pub encryption: Encryption,
}

/// What is done when the far side of a call wants to hand us over to somebody (REFER).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransferPolicy {
    /// The person is asked, each time.
    Ask,
    /// To an extension at the account's own domain it goes silently; else the person is asked,
    /// since a call to outside costs somebody money.
    #[default]
    Inside,
}

impl AccountConfig {
    /// An account that calls and is called directly, without any registrar.
    #[must_use]
    pub fn direct(id: AccountId) -> AccountConfig {
        AccountConfig {
            id,
            aor: None,
            display_name: None,
            registrar: None,
            proxy: None,
            transport: None,
            terms: Terms::default(),
            auth_user: None,
            password: None,
            register: false,
            expires: Duration::from_secs(300),
            follow_redirects: true,
            transfers: TransferPolicy::default(),
            transfer_code: None,
            digits: DigitsBy::default(),
            messages: MessagePolicy::default(),
            pickup_code: None,
            max_calls: 8,
            reception: Reception::default(),
            anonymous: false,
            trust: Trust::default(),
            encryption: Encryption::Optional,
        }
    }

    /// An account that registers under `aor`.
    #[must_use]
    pub fn registered(id: AccountId, aor: Uri, password: Option<Secret<String>>) -> AccountConfig {
        AccountConfig {
            aor: Some(aor),
            password,
            register: true,
            ..AccountConfig::direct(id)
        }
    }
}

/// How an account stands with its registrar.
#[derive(Clone, Debug, PartialEq)]
pub enum AccountState {
    /// Does not register: direct calls only.
    Direct,
    /// Asked, not yet answered.
    Registering,
    /// Reachable under its address of record.
    Registered {
        /// The lifetime that the registrar granted.
        expires: Duration,
    },
    /// Not reachable.
    Failed {
        /// Why, as something to act upon.
        cause: RegistrationCause,
        /// The final status, if an answer came.
        status: Option<u16>,
        /// The registrar's own words.
        reason: Option<String>,
        /// When it will be tried again; `None`: only the person can change this.
        retry_at: Option<Instant>,
    },
    /// The binding was removed at the person's wish.
    Unregistered,
}

/// Why a registration failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistrationCause {
    /// Credentials were given and refused.
    WrongPassword,
    /// The registrar asks for credentials and the account has none.
    PasswordNeeded,
    /// MD5 was asked for where SHA-2 was before: not given.
    WeakDigest,
    /// The account wants everything encrypted, and there is only a way in the clear.
    Unencrypted,
    /// 403: known, and not allowed.
    Forbidden,
    /// 404, 410, 604: no such extension there.
    UnknownUser,
    /// No digest algorithm or quality of protection in common.
    AuthUnsupported,
    /// The host name does not resolve.
    HostNotFound,
    /// Nothing listens there, or there is no way to it.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// There is a way, and no secure connection over it.
    NotSecured(TlsFailure),
    /// 5xx, or 408 from a server further on.
    ServerTrouble,
    /// Any other final answer.
    Refused,
}

/// One account and how it stands.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) config: AccountConfig,
    pub(super) state: AccountState,
    pub(super) binding: Binding,
    /// Where its own servers stand.
    pub(super) servers: Addresses,
    /// What its servers asked for.
    pub(super) digests: DigestMemory,
    /// Its flow to another server of the registrar's, beside the one of its binding.
    pub(super) second: Option<Box<Second>>,
    /// The way of that one is being looked for.
    pub(super) seeks_second: bool,
}

/// A further flow, so that who loses one is reached over the other (RFC 5626 section 4.2).
#[derive(Debug)]
pub(super) struct Second {
    pub(super) registration: Box<Registration>,
    pub(super) way: Peer,
    pub(super) due: Option<Instant>,
    pub(super) bound_at: Option<Instant>,
    pub(super) flow: Box<Flow>,
}

/// One of an account's flows, whichever it is.
pub(super) struct Line<'a> {
    pub(super) registration: &'a mut Registration,
    pub(super) way: &'a Peer,
    pub(super) due: &'a mut Option<Instant>,
    pub(super) bound_at: &'a mut Option<Instant>,
    pub(super) flow: &'a mut Flow,
    /// The registrar reaches us over it.
    pub(super) stands: bool,
}

/// The state of an account's REGISTER.
#[derive(Debug)]
pub(super) enum Binding {
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
        /// Other servers of the registrar's, best first.
        further_ways: VecDeque<Peer>,
        due: Option<Instant>,
        /// When the registrar last said that it holds the binding.
        bound_at: Option<Instant>,
        /// The way of the next REGISTER is being looked for.
        relocating: bool,
        /// What is known of the path there.
        flow: Box<Flow>,
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

    /// Its address of record is a `sips:` one.
    pub(super) fn is_sips(&self) -> bool {
        self.aor().is_some_and(|aor| aor.secure)
    }

    /// Where this account is reached over this way, as its registrar is told.
    pub(super) fn binding_contact(&self, way: &Peer) -> NameAddr {
        requests::binding_contact(&self.contact_user(), self.is_sips(), way)
    }

    /// The user part of the address of record, unescaped.
    pub(super) fn user(&self) -> Option<String> {
        self.aor().and_then(SipUri::user_unescaped)
    }

    /// The user part of our Contact.
    pub(super) fn contact_user(&self) -> String {
        self.user().unwrap_or_else(|| "ramal".to_owned())
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

    pub(super) fn credentials(&self) -> Option<Credentials> {
        let password: &Secret<String> = self.config.password.as_ref()?;
        let user = self.config.auth_user.clone().or_else(|| self.user())?;
        Some(Credentials {
            user,
            password: password.clone(),
            memory: self.digests.clone(),
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

    pub(super) fn proxy_route(&self) -> Option<NameAddr> {
        let mut proxy = self.config.proxy.as_ref()?.as_sip()?.clone();
        proxy.params.set("lr", None);
        Some(NameAddr::new(Uri::Sip(proxy)))
    }

    /// The way over which the registrar accepted us.
    pub(super) fn registered_way(&self) -> Option<&Peer> {
        match (&self.state, &self.binding) {
            (AccountState::Registered { .. }, Binding::Running { way, .. }) => Some(way),
            _ => None,
        }
    }

    pub(super) fn is_registered(&self) -> bool {
        matches!(self.state, AccountState::Registered { .. })
    }

    /// Nobody is told where it is: it asks others from wherever it stands.
    pub(super) fn stands_alone(&self) -> bool {
        matches!(self.state, AccountState::Direct) && matches!(self.binding, Binding::Off)
    }

    /// Its flows: the one of its binding, and the second.
    pub(super) fn lines(&mut self) -> impl Iterator<Item = Line<'_>> {
        let registered = self.is_registered();
        let first = match &mut self.binding {
            Binding::Running {
                registration,
                way,
                due,
                bound_at,
                flow,
                ..
            } => Some(Line {
                registration,
                way,
                due,
                bound_at,
                flow,
                stands: registered,
            }),
            Binding::Off | Binding::Locating { .. } | Binding::Stranded { .. } => None,
        };
        let second = self.second.as_mut().map(|second| Line {
            stands: second.registration.is_bound(),
            registration: &mut second.registration,
            way: &second.way,
            due: &mut second.due,
            bound_at: &mut second.bound_at,
            flow: &mut second.flow,
        });
        first.into_iter().chain(second)
    }

    /// The flow of this number.
    pub(super) fn line(&mut self, number: u32) -> Option<Line<'_>> {
        let mut lines = self.lines();
        lines.find(|line| line.registration.number() == number)
    }

    /// What is known of the path of each flow.
    pub(super) fn flows(&self) -> impl Iterator<Item = (&Peer, &Flow)> {
        let first = match &self.binding {
            Binding::Running { way, flow, .. } => Some((way, &**flow)),
            Binding::Off | Binding::Locating { .. } | Binding::Stranded { .. } => None,
        };
        let second = self.second.as_ref();
        let second = second.map(|second| (&second.way, &*second.flow));
        first.into_iter().chain(second)
    }

    /// The way of the second flow, while the registrar reaches us over it.
    pub(super) fn second_way(&self) -> Option<&Peer> {
        let second = self.second.as_ref()?;
        second.registration.is_bound().then_some(&second.way)
    }

    /// When a path to the registrar is to be used lest it be forgotten.
    pub(super) fn ping_at(&self) -> Option<Instant> {
        let flows = self.flows();
        flows.filter_map(|(_, flow)| flow.keeping.deadline()).min()
    }

    /// When the second flow wants something.
    pub(super) fn second_deadline(&self) -> Option<Instant> {
        let second = self.second.as_ref().filter(|_| !self.seeks_second)?;
        second.due
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
