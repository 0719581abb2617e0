//! What a subscription is about.

use std::time::Duration;

use crate::sip::transaction::Timers;
use crate::sip::{Credentials, Event, NameAddr, Uri};

/// One subscription: who watches what, and where notifications find them.
#[derive(Clone, Debug)]
pub struct SubscriptionConfig {
    /// What is watched: Request-URI and To.
    pub resource: Uri,
    /// The package, with an id where one dialog carries several.
    pub event: Event,
    /// The bodies that are understood, as media types; empty for the default of the package.
    pub accept: Vec<String>,
    /// Who watches.
    pub aor: Uri,
    /// The name beside the address of record.
    pub display_name: Option<String>,
    /// Where notifications are sent to.
    pub contact: NameAddr,
    /// The lifetime asked for, in whole seconds; from a second to a week.
    pub expires: Duration,
    /// What challenges are answered with.
    pub credentials: Option<Credentials>,
    /// `User-Agent`; empty for none.
    pub user_agent: String,
    /// Route headers of a SUBSCRIBE outside a dialog.
    pub route: Vec<NameAddr>,
    /// How long the first notification, and the last one, is waited for (RFC 6665 section
    /// 4.1.2.4, timer N: 64·T1).
    pub notified_within: Duration,
}

impl SubscriptionConfig {
    /// A subscription for an hour, without credentials.
    #[must_use]
    pub fn new(resource: Uri, event: Event, aor: Uri, contact: NameAddr) -> SubscriptionConfig {
        SubscriptionConfig {
            resource,
            event,
            accept: Vec::new(),
            aor,
            display_name: None,
            contact,
            expires: Duration::from_secs(3_600),
            credentials: None,
            user_agent: String::new(),
            route: Vec::new(),
            notified_within: Timers::default().patience(),
        }
    }
}
