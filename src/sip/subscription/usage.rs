//! The dialog that carries a subscription.

use std::time::{Duration, Instant};

use crate::sip::{Dialog, Substate};

/// A notifier's answer is not taken for another lifetime when it is nearly the one known: each
/// notification says what is left, in whole seconds.
const SLACK: Duration = Duration::from_secs(5);
/// A subscription that has lasted this long has come to stay: what failed before is forgotten.
const STEADY: Duration = Duration::from_secs(60);

/// What is shared with the notifier (RFC 6665 section 4.4.1).
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) dialog: Dialog,
    /// A notification came in it. Before, it is only what a 2xx said, and another fork that
    /// notifies first takes its place.
    pub(super) notified: bool,
    pub(super) substate: Substate,
    /// When it ends unless it is refreshed.
    pub(super) expires_at: Instant,
    /// The notifier said when it ends.
    pub(super) told: bool,
    since: Instant,
}

impl Usage {
    pub(super) fn new(dialog: Dialog, now: Instant, lifetime: Duration) -> Usage {
        Usage {
            dialog,
            notified: false,
            substate: Substate::Pending,
            expires_at: now + lifetime,
            told: false,
            since: now,
        }
    }

    /// The notifier says how long it lasts yet. Tells whether that is news.
    pub(super) fn lasts(&mut self, now: Instant, left: Duration) -> bool {
        let until = now + left;
        let differs = if until > self.expires_at {
            until - self.expires_at
        } else {
            self.expires_at - until
        };
        let news = !self.told || differs > SLACK;
        self.told = true;
        if news {
            self.expires_at = until;
        }
        news
    }

    /// Whether it has lasted for a while.
    pub(super) fn is_steady(&self, now: Instant) -> bool {
        self.notified && now.saturating_duration_since(self.since) >= STEADY
    }
}
