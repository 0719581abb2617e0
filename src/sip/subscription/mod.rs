//! One subscription to somebody else's state, kept alive (RFC 6665 section 4.1).
//!
//! ```text
//!       subscribe           2xx             NOTIFY           due, 2xx
//!  Idle ────────▶ Asking ────────▶ Awaiting ──────▶ Held ◀────────────▶ Asking
//!                 ▲ │ │    NOTIFY, then 2xx          ▲ │
//!             due │ │ └──────────────────────────────┘ │ NOTIFY terminated
//!                 │ ▼                                  ▼
//!              BackingOff                        Asking, BackingOff, Refused
//!
//!       unsubscribe                2xx           NOTIFY terminated
//!  Held ──────────▶ Asking (zero) ────▶ Parting ──────────────────▶ Idle
//! ```
//!
//! The first SUBSCRIBE goes out outside any dialog. The first NOTIFY makes the dialog, whether it
//! comes before or after the 2xx; when the SUBSCRIBE was forked, those of the other forks are
//! refused, which ends them there (section 4.4.1). A subscription that was lost is made anew with
//! another Call-ID. At most one SUBSCRIBE is on its way.

mod asking;
mod config;
mod event;
mod notify;
mod request;
#[cfg(test)]
mod tests;
mod throttle;
mod usage;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::soft_state::{self, Healing, MAX_EXPIRES, MIN_REFRESH, Signer};
use super::{DialogId, NameAddr, Request, Response, SoftStateFailure};
pub use config::SubscriptionConfig;
pub use event::{Notification, SubscriptionEvent, SubscriptionOutput};
use throttle::Throttle;
use usage::Usage;

/// Refreshes that are asked for since a document was missed do not follow each other more
/// closely.
const RESYNC_PAUSE: Duration = Duration::from_secs(5);

/// One subscription, from the first SUBSCRIBE to the last NOTIFY.
#[derive(Debug)]
pub struct Subscription {
    config: SubscriptionConfig,
    state: State,
    wish: Wish,
    outputs: VecDeque<SubscriptionOutput>,
    rng: ChaCha8Rng,
    signer: Signer,
    throttle: Throttle,
    /// Of the latest attempt; empty before the first.
    call_id: String,
    /// Ours, of the latest attempt.
    from_tag: String,
    /// The lifetime that we ask for; a 423 makes it longer.
    expires: Duration,
    /// Failures in a row.
    failures: u32,
    /// Whether it has ever been accepted.
    was_held: bool,
    usage: Option<Usage>,
    /// The notifier does not know yet where we are.
    moved: bool,
    /// When the latest refresh went out.
    refreshed_at: Option<Instant>,
}

/// What the person wants, whatever is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Held,
    Gone,
}

#[derive(Debug)]
enum State {
    /// No subscription, and none is wanted.
    Idle,
    /// A SUBSCRIBE is on its way.
    Asking(Box<Ask>),
    /// The first SUBSCRIBE was accepted; the first NOTIFY has not come.
    Awaiting {
        subscribe: Box<Request>,
        notify_by: Instant,
    },
    /// Accepted and notified.
    Held { refresh_at: Instant },
    /// It failed in a way that may pass.
    BackingOff { retry_at: Instant },
    /// It was refused; only the person can leave this state.
    Refused,
    /// The end was accepted; the last NOTIFY has not come.
    Parting { until: Instant },
}

/// What is asked, until it has its answer.
#[derive(Debug)]
struct Ask {
    /// As it was sent last.
    request: Request,
    kind: Kind,
    tries: u32,
    expires: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Outside a dialog.
    First,
    /// Inside the dialog.
    Refresh,
    /// Inside the dialog, with a lifetime of zero.
    Leave,
    /// Of whatever kind, and void since: the notifier ended the subscription meanwhile. Its answer
    /// is waited for, so that there is never another one on its way, and then asked anew at that
    /// time; `None`: not.
    Void { again_at: Option<Instant> },
}

impl Subscription {
    /// A subscription that nobody has asked for yet. `seed` makes Call-IDs, tags and jitter: give
    /// each subscription another one.
    #[must_use]
    pub fn new(config: SubscriptionConfig, seed: u64) -> Subscription {
        Subscription {
            state: State::Idle,
            wish: Wish::Gone,
            outputs: VecDeque::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            signer: Signer::new(config.credentials.clone()),
            throttle: Throttle::new(),
            call_id: String::new(),
            from_tag: String::new(),
            expires: config.expires.clamp(MIN_REFRESH, MAX_EXPIRES),
            failures: 0,
            was_held: false,
            usage: None,
            moved: false,
            refreshed_at: None,
            config,
        }
    }

    /// What it is about.
    #[must_use]
    pub const fn config(&self) -> &SubscriptionConfig {
        &self.config
    }

    /// Whether a notifier holds it and has said so, as far as we know: also while it is refreshed,
    /// or when a refresh failed.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.usage.as_ref().is_some_and(|usage| usage.notified)
    }

    /// Whether a SUBSCRIBE is on its way.
    #[must_use]
    pub const fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking(_))
    }

    /// The dialog that carries it, once a notification came.
    #[must_use]
    pub fn dialog_id(&self) -> Option<&DialogId> {
        let usage = self.usage.as_ref().filter(|usage| usage.notified)?;
        Some(usage.dialog.id())
    }

    /// When [`Subscription::handle_timeout`] is to be called; `None`: nothing until the next
    /// input.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Awaiting { notify_by, .. } => Some(*notify_by),
            State::Held { refresh_at } => Some(*refresh_at),
            State::BackingOff { retry_at } => Some(*retry_at),
            State::Parting { until } => Some(*until),
            State::Idle | State::Asking(_) | State::Refused => None,
        }
    }

    /// Asks for the subscription, or refreshes it, at once: also when it was refused before.
    pub fn subscribe(&mut self, now: Instant) {
        self.wish = Wish::Held;
        match &mut self.state {
            // When the answer, or the notification, is there.
            State::Asking(ask) => {
                if let Kind::Void { again_at } = &mut ask.kind {
                    *again_at = Some(now);
                }
            }
            State::Awaiting { .. } | State::Parting { .. } => {}
            State::Refused => {
                // Nonces of the refused attempt must not speak against the next one.
                self.signer.forget();
                self.failures = 0;
                self.ask_anew();
            }
            State::Idle => self.ask_anew(),
            State::Held { .. } | State::BackingOff { .. } => self.ask_again(now),
        }
    }

    /// Asks for everything once more, since a document was missed (RFC 4235 section 4.3). Not
    /// more often than every five seconds, whatever the notifier leaves out.
    pub fn resync(&mut self, now: Instant) {
        let State::Held { refresh_at } = &mut self.state else {
            return; // all of it will come anyway
        };
        let due = self.refreshed_at.map_or(now, |at| at + RESYNC_PAUSE);
        *refresh_at = due.max(now).min(*refresh_at);
        self.handle_timeout(now);
    }

    /// Ends the subscription (RFC 6665 section 4.1.2.3). Answered by
    /// [`SubscriptionEvent::Unsubscribed`], or by [`SubscriptionEvent::Failed`] when the notifier
    /// could not be told; then it ends by itself in time.
    pub fn unsubscribe(&mut self, _now: Instant) {
        self.wish = Wish::Gone;
        match self.state {
            // When the answer is there.
            State::Asking(_) | State::Parting { .. } => {}
            State::Idle => {}
            State::Awaiting { .. }
            | State::Held { .. }
            | State::BackingOff { .. }
            | State::Refused => self.leave(),
        }
    }

    /// From the next SUBSCRIBE on notifications find us there. It goes out at once where there is
    /// a subscription.
    pub fn relocate(&mut self, now: Instant, contact: NameAddr) {
        if self.config.contact == contact {
            return;
        }
        self.config.contact = contact;
        self.moved = true;
        if let State::Held { .. } = self.state {
            self.ask_again(now);
        }
    }

    /// The way of the next SUBSCRIBE outside a dialog.
    pub fn set_route(&mut self, route: Vec<NameAddr>) {
        self.config.route = route;
    }

    /// Takes a response to the SUBSCRIBE that is on its way.
    pub fn handle_response(&mut self, now: Instant, response: &Response) {
        let is_ours = |ask: &Ask| soft_state::is_final_answer(response, &ask.request);
        if let Some(ask) = self.take_ask(is_ours) {
            self.answered(now, ask, response);
        }
    }

    /// The SUBSCRIBE that is on its way got no answer.
    pub fn handle_failure(&mut self, now: Instant, failure: SoftStateFailure) {
        if let Some(ask) = self.take_ask(|_| true) {
            self.unanswered(now, &ask, failure);
        }
    }

    /// The first SUBSCRIBE goes out once more, for its owner knows another server; what the first
    /// one knew of us need not be known there. Says whether it does: it was on its way, and has
    /// not been sent too often.
    pub fn send_elsewhere(&mut self) -> bool {
        let may = |ask: &Ask| ask.kind == Kind::First && ask.tries < soft_state::MAX_TRIES;
        let Some(mut ask) = self.take_ask(may) else {
            return false;
        };
        self.signer.forget();
        self.signer.sign(&mut ask.request);
        self.send_again(ask);
        true
    }

    /// Refreshes, tries again or gives up when it is time; early calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match self.state {
            State::Held { .. } | State::BackingOff { .. } => self.ask_again(now),
            State::Awaiting { .. } => self.never_notified(now),
            State::Parting { .. } => self.end(),
            State::Idle | State::Asking(_) | State::Refused => {}
        }
    }

    /// What is to be done next; to be called until it answers `Wait`.
    pub fn poll_output(&mut self) -> SubscriptionOutput {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| SubscriptionOutput::Wait(self.deadline()))
    }

    fn tell(&mut self, event: SubscriptionEvent) {
        self.outputs.push_back(SubscriptionOutput::Event(event));
    }

    /// What was failing is forgotten once it has worked for a while.
    fn settle(&mut self, now: Instant) {
        if self
            .usage
            .as_ref()
            .is_some_and(|usage| usage.is_steady(now))
        {
            self.failures = 0;
        }
    }

    /// Waits as long as `healing` says. Tells how long that is; `None`: until the person asks.
    fn back_off(&mut self, now: Instant, healing: Healing) -> Option<Duration> {
        let delay = healing.delay(&mut self.rng, &mut self.failures);
        self.state = match delay {
            Some(delay) => State::BackingOff {
                retry_at: now + delay,
            },
            None => {
                self.failures = 0;
                self.usage = None;
                State::Refused
            }
        };
        delay
    }

    /// There is no subscription.
    fn end(&mut self) {
        self.usage = None;
        self.failures = 0;
        self.state = State::Idle;
        self.tell(SubscriptionEvent::Unsubscribed);
        if self.wish == Wish::Held {
            self.ask_anew();
        }
    }
}
