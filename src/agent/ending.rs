//! The end of the phone: what is told to whom, and how long it waits for it.

use std::time::{Duration, Instant};

use super::account::Account;
use super::{AccountId, Agent, CallId, Event};

/// What a phone that ends waits for longer than any one transaction takes: look-ups, and answers
/// to what the first answer asked for.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

impl Agent {
    pub(super) fn shut_down(&mut self, now: Instant) {
        if !self.shutting_down() {
            self.ending_by = Some(now + self.config.timers.patience() + SHUTDOWN_GRACE);
        }
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for call in calls {
            // A call that is ending already refuses, and that is as good.
            let _ = self.hang_up(now, call);
        }
        self.stop_messages();
        self.abandon_all_watches(now);
        self.take_back_publications(now);
        let accounts: Vec<AccountId> = self.accounts.keys().copied().collect();
        for account in accounts {
            let _ = self.unregister(now, account);
        }
    }

    pub(super) fn shutting_down(&self) -> bool {
        self.ending_by.is_some()
    }

    /// Says that the phone has ended, if it was not said before.
    pub(super) fn finish(&mut self) -> bool {
        let first = !std::mem::replace(&mut self.finished, true);
        if first {
            self.event(Event::Finished);
        }
        first
    }

    pub(super) fn is_idle(&self) -> bool {
        self.calls.is_empty()
            && self.clients.is_empty()
            && self.lookups.is_empty()
            && self.stay_until.is_none()
            && self.watches.is_at_rest()
            && self.publications.is_at_rest()
            && self.accounts.values().all(Account::is_at_rest)
    }
}
