//! Who the phone is: one identity at one registrar, or none.

use std::time::{Duration, Instant};

use crate::redact::Secret;
use crate::sip::{Transport, Uri};

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
    /// Calls in progress at once before a further one is answered 486.
    pub max_calls: usize,
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
            auth_user: None,
            password: None,
            register: false,
            expires: Duration::from_secs(300),
            follow_redirects: true,
            max_calls: 4,
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
    /// 5xx, or 408 from a server further on.
    ServerTrouble,
    /// Any other final answer.
    Refused,
}
