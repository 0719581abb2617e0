//! What a publication is about.

use std::time::Duration;

use crate::sip::{Credentials, Event, NameAddr, Uri};

/// One publication: whose state, and where it goes.
#[derive(Clone, Debug)]
pub struct PublicationConfig {
    /// Whose state it is: Request-URI, To and From (RFC 3903 section 4.1).
    pub aor: Uri,
    /// The package: `presence`.
    pub event: Event,
    /// The name beside the address of record.
    pub display_name: Option<String>,
    /// The lifetime asked for, in whole seconds; from a second to a week.
    pub expires: Duration,
    /// What challenges are answered with.
    pub credentials: Option<Credentials>,
    /// `User-Agent`; empty for none.
    pub user_agent: String,
    /// Route headers of each PUBLISH.
    pub route: Vec<NameAddr>,
}

impl PublicationConfig {
    /// A publication for an hour, without credentials.
    #[must_use]
    pub fn new(aor: Uri, event: Event) -> PublicationConfig {
        PublicationConfig {
            aor,
            event,
            display_name: None,
            expires: Duration::from_secs(3_600),
            credentials: None,
            user_agent: String::new(),
            route: Vec::new(),
        }
    }
}
