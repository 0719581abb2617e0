//! Watches of others' state, each by one subscription (RFC 6665): begun one after the other,
//! refreshed, moved when the phone moves, and ended when nobody asks any more.
//!
//! ```text
//!  Watch ─▶ waits for its turn ─▶ way found ─▶ SUBSCRIBE … NOTIFY … ─▶ due, moved, woken ─┐
//!                ▲                                                                        │
//!                └────────────────────────────────────────────────────────────────────────┘
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::account::Account;
use super::routing::{Lookup, Purpose};
use super::watch::{LampState, Package, WatchCause, WatchId, WatchState};
use super::{
    AccountId, AccountState, Agent, EndCause, Event, Refusal, Refused, ResolveFailure, dial,
};
use crate::events::dialog_info::{DialogInfo, Lamp, Pickup};
use crate::sip::transaction::Peer;
use crate::sip::{
    self, Request, Response, SoftStateFailure, Subscription, SubscriptionConfig,
    SubscriptionOutput, Uri,
};

/// Watches of one account at once.
const MAX_WATCHES: usize = 1_024;
/// The lifetime asked for: a server that has lost all it knew shows it at the next refresh.
const LIFETIME: Duration = Duration::from_secs(600);
/// Between the first SUBSCRIBEs, and between refreshes, of any two watches: five hundred of them
/// are there after ten seconds, and no server sees a flood.
const PACE: Duration = Duration::from_millis(20);
/// The same when the phone ends, and a person waits for it.
const FAREWELL_PACE: Duration = Duration::from_millis(2);
/// How long a phone that ends stays for the last notification of what it watched.
const LAST_WORD: Duration = Duration::from_millis(300);

/// Names one subscription; the name of its watch may be in use again while it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WatchKey(u64);

/// All watches, and who is next.
#[derive(Debug, Default)]
pub(super) struct Watches {
    pub(super) by_key: BTreeMap<WatchKey, Watch>,
    /// Those that have something to do, in turn; each once.
    waiting: VecDeque<WatchKey>,
    /// Before that it is nobody's turn.
    next_turn: Option<Instant>,
    next_key: u64,
}

/// One watch.
#[derive(Debug)]
pub(super) struct Watch {
    /// `None`: nobody asks after it any more; it ends.
    pub(super) name: Option<WatchId>,
    pub(super) account: AccountId,
    pub(super) package: Package,
    resource: Uri,
    /// `None` before it is first asked for.
    pub(super) subscription: Option<Box<Subscription>>,
    /// When the subscription wants to go on.
    due: Option<Instant>,
    /// It waits for its turn.
    queued: bool,
    /// The notifier, or the way to it, may have changed: a refresh says whether.
    in_doubt: bool,
    /// Whoever is watched has allowed it.
    pub(super) active: bool,
    /// What is known of the calls there.
    pub(super) calls: DialogInfo,
    /// What was last told of them.
    pub(super) told: LampState,
}

impl Watch {
    fn is_over(&self) -> bool {
        let subscription = self.subscription.as_ref();
        self.name.is_none()
            && subscription.is_none_or(|it| !it.is_asking() && it.deadline().is_none())
    }
}

impl Watches {
    pub(super) fn deadline(&self) -> Option<Instant> {
        let turn = (!self.waiting.is_empty())
            .then_some(self.next_turn)
            .flatten();
        let idle = self.by_key.values().filter(|watch| !watch.queued);
        let due = idle.filter_map(|watch| watch.due).min();
        [turn, due].into_iter().flatten().min()
    }

    /// No SUBSCRIBE is on its way or about to be.
    pub(super) fn is_at_rest(&self) -> bool {
        let asks = |watch: &Watch| watch.subscription.as_ref().is_some_and(|it| it.is_asking());
        self.waiting.is_empty() && !self.by_key.values().any(asks)
    }

    fn named(&self, name: WatchId) -> Option<WatchKey> {
        let found = self
            .by_key
            .iter()
            .find(|(_, watch)| watch.name == Some(name));
        found.map(|(key, _)| *key)
    }

    fn of_account(&self, account: AccountId) -> Vec<WatchKey> {
        let of = self.by_key.iter();
        of.filter(|(_, watch)| watch.account == account)
            .map(|(key, _)| *key)
            .collect()
    }

    fn wanted(&self, account: AccountId) -> usize {
        let of = self.by_key.values();
        of.filter(|watch| watch.account == account && watch.name.is_some())
            .count()
    }

    /// It has something to do, and does it when it is its turn.
    fn queue(&mut self, now: Instant, key: WatchKey) {
        if let Some(watch) = self.by_key.get_mut(&key)
            && !std::mem::replace(&mut watch.queued, true)
        {
            self.waiting.push_back(key);
            self.next_turn = self.next_turn.max(Some(now));
        }
    }
}

impl Agent {
    /// Watches whom the person typed. A watch of that name that there was ends.
    pub(super) fn watch(
        &mut self,
        now: Instant,
        name: WatchId,
        account: AccountId,
        typed: &str,
        package: Package,
    ) -> Result<(), Refused> {
        let refuse = |refusal| Err((None, refusal));
        if self.shutting_down() {
            return refuse(Refusal::ShuttingDown);
        }
        let Some(found) = self.accounts.get(&account) else {
            return refuse(Refusal::UnknownAccount);
        };
        let resource = dial::target(typed, found.home()).map_err(|refusal| (None, refusal))?;
        if let Some(before) = self.watches.named(name) {
            let same = self.watches.by_key.get(&before).is_some_and(|watch| {
                watch.account == account && watch.resource == resource && watch.package == package
            });
            if same {
                return Ok(());
            }
            self.abandon(now, before);
        }
        if self.watches.wanted(account) >= MAX_WATCHES {
            return refuse(Refusal::TooManyWatches);
        }
        let key = WatchKey(self.watches.next_key);
        self.watches.next_key += 1;
        self.watches.by_key.insert(
            key,
            Watch {
                name: Some(name),
                account,
                package,
                resource,
                subscription: None,
                due: None,
                queued: false,
                in_doubt: false,
                active: false,
                calls: DialogInfo::new(),
                told: LampState::default(),
            },
        );
        self.watches.queue(now, key);
        self.take_turns(now);
        Ok(())
    }

    /// Watches no more.
    pub(super) fn unwatch(&mut self, now: Instant, name: WatchId) {
        if let Some(key) = self.watches.named(name) {
            self.abandon(now, key);
            self.event(Event::Watch {
                watch: name,
                state: WatchState::Over,
            });
            self.take_turns(now);
        }
    }

    /// Nobody asks after it any more: it ends when it is its turn.
    fn abandon(&mut self, now: Instant, key: WatchKey) {
        if let Some(watch) = self.watches.by_key.get_mut(&key) {
            watch.name = None;
        }
        self.watches.queue(now, key);
    }

    /// An account is gone, and with it all that it watched.
    pub(super) fn abandon_watches(&mut self, now: Instant, account: AccountId) {
        for key in self.watches.of_account(account) {
            self.abandon(now, key);
        }
        self.take_turns(now);
    }

    /// The phone ends.
    pub(super) fn abandon_all_watches(&mut self, now: Instant) {
        let all: Vec<WatchKey> = self.watches.by_key.keys().copied().collect();
        for key in all {
            self.abandon(now, key);
        }
        self.take_turns(now);
    }

    /// The registrar knows where the account is: again, or perhaps elsewhere than before.
    pub(super) fn watches_may_move(&mut self, now: Instant, account: AccountId) {
        let way = self
            .accounts
            .get(&account)
            .and_then(Account::registered_way);
        let Some(contact) = way.map(|way| self.contact_of(account, way)) else {
            return;
        };
        for key in self.watches.of_account(account) {
            let moves = self.watches.by_key.get(&key).is_some_and(|watch| {
                let subscription = watch.subscription.as_ref();
                watch.in_doubt || subscription.is_none_or(|it| it.config().contact != contact)
            });
            if moves {
                self.watches.queue(now, key);
            }
        }
        self.take_turns(now);
    }

    /// What the notifiers know of us is in doubt: asked for again when the registrar has answered.
    pub(super) fn doubt_watches(&mut self, account: AccountId) {
        for key in self.watches.of_account(account) {
            if let Some(watch) = self.watches.by_key.get_mut(&key) {
                watch.in_doubt = watch.subscription.is_some();
            }
        }
    }

    /// Every watch of the account is asked for again, or ended where the account is away.
    pub(super) fn renew_watches(&mut self, now: Instant, account: AccountId) {
        self.doubt_watches(account);
        for key in self.watches.of_account(account) {
            self.watches.queue(now, key);
        }
        self.take_turns(now);
    }

    /// The machine has slept.
    pub(super) fn wake_watches(&mut self, now: Instant) {
        let accounts = self.accounts.iter();
        let all: Vec<(AccountId, bool)> = accounts
            .map(|(id, account)| (*id, account.stands_alone()))
            .collect();
        for (account, alone) in all {
            if alone {
                self.renew_watches(now, account);
            } else {
                self.doubt_watches(account);
            }
        }
    }

    pub(super) fn watches_due(&mut self, now: Instant) {
        let due: Vec<WatchKey> = self
            .watches
            .by_key
            .iter()
            .filter(|(_, watch)| watch.due.is_some_and(|at| at <= now))
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            self.watches.queue(now, key);
        }
        self.take_turns(now);
    }

    /// Lets those go on whose turn it is.
    fn take_turns(&mut self, now: Instant) {
        let pace = if self.shutting_down() {
            FAREWELL_PACE
        } else {
            PACE
        };
        while !self.watches.waiting.is_empty()
            && self.watches.next_turn.is_none_or(|turn| turn <= now)
        {
            let Some(key) = self.watches.waiting.pop_front() else {
                return;
            };
            if let Some(watch) = self.watches.by_key.get_mut(&key) {
                watch.queued = false;
                // Who has nothing to say takes no time.
                if self.go_on(now, key) {
                    self.watches.next_turn = Some(now + pace);
                }
            }
        }
    }

    /// It is the turn of this watch. Says whether it had something to say.
    fn go_on(&mut self, now: Instant, key: WatchKey) -> bool {
        let Some(watch) = self.watches.by_key.get_mut(&key) else {
            return false;
        };
        let (id, resource) = (watch.account, watch.resource.clone());
        let wanted = watch.name.is_some() && !self.accounts.get(&id).is_some_and(rests);
        match &mut watch.subscription {
            Some(subscription) if !wanted => {
                subscription.unsubscribe(now);
                subscription.handle_timeout(now);
                self.drive_watch(now, key)
            }
            None if !wanted => {
                if watch.name.is_none() {
                    self.watches.by_key.remove(&key);
                }
                false
            }
            subscription => {
                let is_new = subscription.is_none();
                let Some(account) = self.accounts.get(&id) else {
                    return false;
                };
                if is_new && !account.stands_alone() && account.registered_way().is_none() {
                    // It begins when the registrar knows us.
                    self.wait_for_way(key);
                    return false;
                }
                let hop = account.first_hop(&resource);
                match self.known_way(now, id, &hop) {
                    Some(way) => self.watch_from(now, key, &way),
                    None if is_new || self.is_in_doubt(key) => {
                        self.wait_for_way(key);
                        self.locate(now, id, &hop, Lookup::Watch(key));
                        true
                    }
                    None => {
                        if let Some(subscription) = self.subscription(key) {
                            subscription.handle_timeout(now);
                        }
                        self.drive_watch(now, key)
                    }
                }
            }
        }
    }

    /// What is watched.
    pub(super) fn watched_resource(&self, key: WatchKey) -> Option<&Uri> {
        self.watches.by_key.get(&key).map(|watch| &watch.resource)
    }

    pub(super) fn watch_located(
        &mut self,
        now: Instant,
        key: WatchKey,
        found: Result<Vec<Peer>, ResolveFailure>,
    ) {
        match found {
            Ok(ways) => {
                self.watch_from(now, key, &ways[0]);
            }
            Err(_) => {
                let Some(watch) = self.watches.by_key.get_mut(&key) else {
                    return;
                };
                let retry_at = now + LIFETIME / 10;
                watch.due = Some(retry_at);
                if let Some(name) = watch.name {
                    let kept = watch.subscription.as_ref().is_some_and(|it| it.is_held());
                    let state = WatchState::Failed {
                        cause: WatchCause::Unreachable,
                        status: None,
                        reason: None,
                        retry_at: Some(retry_at),
                        kept,
                    };
                    self.event(Event::Watch { watch: name, state });
                }
            }
        }
    }

    /// Goes on from this address of ours.
    fn watch_from(&mut self, now: Instant, key: WatchKey, way: &Peer) -> bool {
        let Some(id) = self.watches.by_key.get(&key).map(|watch| watch.account) else {
            return false;
        };
        let Some(account) = self.accounts.get(&id) else {
            return false;
        };
        let contact = self.contact_of(id, way);
        let routes = account.routes();
        let identity = account.identity(way);
        let credentials = account.credentials();
        let seed = self.rng.next_u64();
        let Some(watch) = self.watches.by_key.get_mut(&key) else {
            return false;
        };
        watch.due = None;
        let in_doubt = std::mem::take(&mut watch.in_doubt);
        if let Some(subscription) = &mut watch.subscription {
            subscription.set_route(routes);
            subscription.relocate(now, contact);
            if in_doubt {
                subscription.subscribe(now);
            } else {
                subscription.handle_timeout(now);
            }
        } else {
            let event = sip::Event::new(watch.package.as_str());
            let resource = watch.resource.clone();
            let mut config = SubscriptionConfig::new(resource, event, identity.uri, contact);
            config.accept = vec![watch.package.media_type().to_owned()];
            config.display_name = identity.display_name;
            config.expires = LIFETIME;
            config.credentials = credentials;
            config.user_agent = self.config.user_agent.clone();
            config.route = routes;
            config.notified_within = self.config.timers.patience();
            let mut subscription = Subscription::new(config, seed);
            subscription.subscribe(now);
            watch.subscription = Some(Box::new(subscription));
        }
        self.drive_watch(now, key)
    }

    /// Does what the subscription wants done. Says whether a SUBSCRIBE went out.
    pub(super) fn drive_watch(&mut self, now: Instant, key: WatchKey) -> bool {
        let mut sent = false;
        while let Some(subscription) = self.subscription(key) {
            match subscription.poll_output() {
                SubscriptionOutput::Send(request) => {
                    sent = true;
                    self.send_subscribe(now, key, request);
                }
                SubscriptionOutput::Event(event) => self.subscription_event(now, key, event),
                SubscriptionOutput::Wait(at) => {
                    if let Some(watch) = self.watches.by_key.get_mut(&key) {
                        watch.due = at;
                        if watch.is_over() {
                            self.watches.by_key.remove(&key);
                        }
                    }
                    break;
                }
            }
        }
        sent
    }

    fn send_subscribe(&mut self, now: Instant, key: WatchKey, request: Request) {
        let Some(watch) = self.watches.by_key.get(&key) else {
            return;
        };
        let account = watch.account;
        let in_dialog = request.headers.to().is_ok_and(|to| to.tag().is_some());
        let routes = request.headers.routes().unwrap_or_default();
        let hop = match (routes.first(), self.accounts.get(&account)) {
            (Some(route), _) => route.uri.clone(),
            (None, Some(account)) if !in_dialog => account.first_hop(&request.uri),
            (None, _) => request.uri.clone(),
        };
        self.send_along(now, account, &hop, request, Purpose::Watch(key));
    }

    pub(super) fn watch_answered(&mut self, now: Instant, key: WatchKey, response: &Response) {
        if let Some(subscription) = self.subscription(key) {
            subscription.handle_response(now, response);
            self.drive_watch(now, key);
            self.stay_for_last_word(now);
        }
    }

    pub(super) fn watch_undelivered(&mut self, now: Instant, key: WatchKey, cause: EndCause) {
        if let Some(subscription) = self.subscription(key) {
            subscription.handle_failure(now, failure_of(cause));
            self.drive_watch(now, key);
        }
    }

    /// The notifier's last word comes right behind its answer: who is gone by then makes it ask
    /// for half a minute.
    fn stay_for_last_word(&mut self, now: Instant) {
        if self.shutting_down() && !self.watches.by_key.is_empty() {
            self.stay_until = self.stay_until.max(Some(now + LAST_WORD));
        }
    }

    /// Whose watch of calls this is, whom it is for, and what a call that rings there is picked up
    /// with; `None` where nothing rings.
    pub(super) fn rings_at(&self, name: WatchId) -> Option<(AccountId, Uri, Option<Pickup>)> {
        let watch = self.watches.by_key.get(&self.watches.named(name)?)?;
        (watch.told.lamp == Lamp::Ringing).then(|| {
            let resource = watch.resource.clone();
            (watch.account, resource, watch.told.pickup.clone())
        })
    }

    fn subscription(&mut self, key: WatchKey) -> Option<&mut Subscription> {
        self.watches
            .by_key
            .get_mut(&key)?
            .subscription
            .as_deref_mut()
    }

    fn wait_for_way(&mut self, key: WatchKey) {
        if let Some(watch) = self.watches.by_key.get_mut(&key) {
            watch.due = None;
        }
    }

    fn is_in_doubt(&self, key: WatchKey) -> bool {
        self.watches
            .by_key
            .get(&key)
            .is_some_and(|watch| watch.in_doubt)
    }
}

/// The person wants this account to be away.
fn rests(account: &Account) -> bool {
    matches!(account.state, AccountState::Unregistered)
}

pub(super) fn failure_of(cause: EndCause) -> SoftStateFailure {
    match cause {
        EndCause::TimedOut => SoftStateFailure::Timeout,
        EndCause::ForeignServer => SoftStateFailure::ForeignServer,
        EndCause::Unencrypted => SoftStateFailure::Unencrypted,
        _ => SoftStateFailure::Transport,
    }
}
