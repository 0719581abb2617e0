//! What a registration is about.

use std::time::Duration;

use crate::sip::{Credentials, NameAddr, Uri};

/// One binding: who, where, to what.
#[derive(Clone, Debug)]
pub struct RegistrationConfig {
    /// The address of record: what others call.
    pub aor: Uri,
    /// Where REGISTER goes; a user in it is left out (RFC 3261 section 10.2).
    pub registrar: Uri,
    /// Where this phone is reached.
    pub contact: NameAddr,
    /// The lifetime asked for, in whole seconds; at most a week.
    pub expires: Duration,
    /// What challenges are answered with.
    pub credentials: Option<Credentials>,
    /// The name beside the address of record.
    pub display_name: Option<String>,
    /// `User-Agent`; empty for none.
    pub user_agent: String,
    /// Route headers of each REGISTER: the outbound proxy.
    pub route: Vec<NameAddr>,
    /// What tells this phone from others of the same person, as a URN: `urn:uuid:…` (RFC 5626
    /// section 4.1).
    pub instance_id: Option<String>,
    /// Which of several flows this is, from 1; with an instance, asks for RFC 5626.
    pub reg_id: Option<u32>,
    /// Say that proxies on the way may put themselves into it (RFC 3327).
    pub path: bool,
}

impl RegistrationConfig {
    /// A binding for five minutes, without credentials.
    #[must_use]
    pub fn new(aor: Uri, registrar: Uri, contact: NameAddr) -> RegistrationConfig {
        RegistrationConfig {
            aor,
            registrar,
            contact,
            expires: Duration::from_secs(300),
            credentials: None,
            display_name: None,
            user_agent: String::new(),
            route: Vec::new(),
            instance_id: None,
            reg_id: None,
            path: true,
        }
    }
}
