//! One's own presence, published (RFC 3903): as the person chose, and that they are on the phone
//! while they are.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::call::Phase;
use super::routing::Purpose;
use super::watch::WatchCause;
use super::watching::failure_of;
use super::{AccountId, Agent, EndCause, Event, Refusal, Refused};
use crate::events::pidf::{self, Activity, Basic, Presence, Tuple};
use crate::sip::{
    self, Publication, PublicationConfig, PublicationEvent, PublicationOutput, Response,
    StatusCode, Uri,
};

/// The lifetime asked for: how long a phone that lost its power still looks reachable.
const LIFETIME: Duration = Duration::from_secs(600);

/// How a person can be reached, as they chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Availability {
    /// By calls.
    #[default]
    Available,
    /// They are there and do not want to be disturbed.
    Busy,
    /// They are not there.
    Away,
}

/// How the publication of one's own presence stands.
#[derive(Clone, Debug, PartialEq)]
pub enum PublicationState {
    /// The server has it.
    Published,
    /// It has not, or has what was before.
    Failed {
        /// Why, as something to act upon.
        cause: WatchCause,
        /// The final status, if an answer came.
        status: Option<u16>,
        /// The server's own words, untrusted; at most 128 characters.
        reason: Option<String>,
        /// When it is tried again; `None`: only the person can change this.
        retry_at: Option<Instant>,
    },
    /// Taken back, as wished.
    Removed,
}

/// Names one publication; its account may be gone, or have another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PublicationKey(u64);

/// All publications.
#[derive(Debug, Default)]
pub(super) struct Publications {
    by_key: BTreeMap<PublicationKey, Published>,
    next_key: u64,
}

impl Publications {
    /// Whose publication this is.
    pub(super) fn account_of(&self, key: PublicationKey) -> Option<AccountId> {
        self.by_key.get(&key).map(|published| published.account)
    }
}

#[derive(Debug)]
struct Published {
    account: AccountId,
    /// `None`: it is being taken back for good.
    availability: Option<Availability>,
    /// `None` before the account could be reached.
    publication: Option<Box<Publication>>,
    /// What was last said.
    on_the_phone: bool,
    due: Option<Instant>,
}

impl Publications {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.by_key.values().filter_map(|it| it.due).min()
    }

    /// No PUBLISH is on its way.
    pub(super) fn is_at_rest(&self) -> bool {
        let asks = |it: &Published| it.publication.as_ref().is_some_and(|it| it.is_asking());
        !self.by_key.values().any(asks)
    }

    fn of_account(&self, account: AccountId) -> Option<PublicationKey> {
        let found = self
            .by_key
            .iter()
            .find(|(_, it)| it.account == account && it.availability.is_some());
        found.map(|(key, _)| *key)
    }
}

impl Agent {
    /// The person of an account can be reached like this from now on.
    pub(super) fn publish(
        &mut self,
        now: Instant,
        account: AccountId,
        availability: Option<Availability>,
    ) -> Result<(), Refused> {
        if self.shutting_down() {
            return Err((None, Refusal::ShuttingDown));
        }
        if !self.accounts.contains_key(&account) {
            return Err((None, Refusal::UnknownAccount));
        }
        if availability.is_none() {
            self.abandon_publication(now, account);
            return Ok(());
        }
        let key = self.publications.of_account(account).unwrap_or_else(|| {
            let key = PublicationKey(self.publications.next_key);
            self.publications.next_key += 1;
            key
        });
        let place = self.publications.by_key.entry(key);
        let published = place.or_insert(Published {
            account,
            availability,
            publication: None,
            on_the_phone: false,
            due: None,
        });
        published.availability = availability;
        self.publication_may_begin(now, account);
        Ok(())
    }

    /// The account can be reached, or what it says of its person has changed.
    pub(super) fn publication_may_begin(&mut self, now: Instant, id: AccountId) {
        let Some(key) = self.publications.of_account(id) else {
            return;
        };
        let Some(account) = self.accounts.get(&id) else {
            return;
        };
        let Some(aor) = account.config.aor.clone() else {
            return;
        };
        if !account.is_registered() && !account.stands_alone() {
            return;
        }
        let routes = account.routes();
        let mut config = PublicationConfig::new(aor.clone(), sip::Event::new(pidf::PACKAGE));
        config.display_name.clone_from(&account.config.display_name);
        config.expires = LIFETIME;
        config.credentials = account.credentials();
        config.user_agent = self.config.user_agent.clone();
        let seed = self.rng.next_u64();
        let on_the_phone = self.is_on_the_phone(id);
        let Some(published) = self.publications.by_key.get_mut(&key) else {
            return;
        };
        let Some(availability) = published.availability else {
            return;
        };
        published.on_the_phone = on_the_phone;
        let document = document(&aor, availability, on_the_phone).to_bytes();
        let publication = published
            .publication
            .get_or_insert_with(|| Box::new(Publication::new(config, seed)));
        publication.set_route(routes);
        publication.publish(now, pidf::MEDIA_TYPE, document);
        self.drive_publication(now, key);
    }

    /// Says of each person who publishes that they are on the phone, or no longer. Says whether
    /// there was something to say.
    pub(super) fn publish_calls(&mut self, now: Instant) -> bool {
        let published = self.publications.by_key.iter();
        let changed: Vec<(PublicationKey, AccountId)> = published
            .filter(|(_, it)| it.publication.is_some() && it.availability.is_some())
            .filter(|(_, it)| it.on_the_phone != self.is_on_the_phone(it.account))
            .map(|(key, it)| (*key, it.account))
            .collect();
        for (key, account) in &changed {
            if let Some(published) = self.publications.by_key.get_mut(key) {
                // Where it cannot be said now, it is when the registrar knows us again.
                published.on_the_phone = !published.on_the_phone;
            }
            self.publication_may_begin(now, *account);
        }
        !changed.is_empty()
    }

    fn is_on_the_phone(&self, account: AccountId) -> bool {
        let mut calls = self.calls.values();
        calls.any(|call| {
            call.account == account && !call.ended && matches!(call.phase, Phase::Established(_))
        })
    }

    /// The account is away, by the person's wish.
    pub(super) fn publication_rests(&mut self, now: Instant, account: AccountId) {
        if let Some(key) = self.publications.of_account(account) {
            self.with_publication(now, key, |publication| publication.remove(now));
        }
    }

    /// Nothing is published for this account any more.
    pub(super) fn abandon_publication(&mut self, now: Instant, account: AccountId) {
        let Some(key) = self.publications.of_account(account) else {
            return;
        };
        let Some(published) = self.publications.by_key.get_mut(&key) else {
            return;
        };
        published.availability = None;
        if published.publication.is_none() {
            self.publications.by_key.remove(&key);
        }
        self.with_publication(now, key, |publication| publication.remove(now));
    }

    /// The phone ends.
    pub(super) fn take_back_publications(&mut self, now: Instant) {
        let accounts: Vec<AccountId> = self.accounts.keys().copied().collect();
        for account in accounts {
            self.abandon_publication(now, account);
        }
    }

    pub(super) fn publications_due(&mut self, now: Instant) {
        let published = self.publications.by_key.iter();
        let due: Vec<PublicationKey> = published
            .filter(|(_, it)| it.due.is_some_and(|at| at <= now))
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            self.with_publication(now, key, |publication| publication.handle_timeout(now));
        }
    }

    pub(super) fn publish_answered(
        &mut self,
        now: Instant,
        key: PublicationKey,
        response: &Response,
    ) {
        self.with_publication(now, key, |it| it.handle_response(now, response));
    }

    pub(super) fn publish_undelivered(
        &mut self,
        now: Instant,
        key: PublicationKey,
        cause: EndCause,
    ) {
        self.with_publication(now, key, |it| it.handle_failure(now, failure_of(cause)));
    }

    fn with_publication(
        &mut self,
        now: Instant,
        key: PublicationKey,
        tell: impl FnOnce(&mut Publication),
    ) {
        let published = self.publications.by_key.get_mut(&key);
        if let Some(publication) = published.and_then(|it| it.publication.as_mut()) {
            tell(publication);
            self.drive_publication(now, key);
        }
    }

    fn drive_publication(&mut self, now: Instant, key: PublicationKey) {
        loop {
            let Some(published) = self.publications.by_key.get_mut(&key) else {
                return;
            };
            let Some(publication) = &mut published.publication else {
                return;
            };
            let account = published.account;
            match publication.poll_output() {
                PublicationOutput::Send(request) => {
                    let routes = request.headers.routes().unwrap_or_default();
                    let found = self.accounts.get(&account);
                    let hop = match (routes.first(), found) {
                        (Some(route), _) => route.uri.clone(),
                        (None, Some(account)) => account.first_hop(&request.uri),
                        (None, None) => request.uri.clone(),
                    };
                    self.send_along(now, account, &hop, request, Purpose::Publish(key));
                }
                PublicationOutput::Event(event) => {
                    if published.availability.is_some() {
                        let state = state_of(now, event);
                        self.event(Event::Publication { account, state });
                    }
                }
                PublicationOutput::Wait(at) => {
                    published.due = at;
                    let over = published.availability.is_none();
                    if over && !publication.is_asking() && at.is_none() {
                        self.publications.by_key.remove(&key);
                    }
                    return;
                }
            }
        }
    }
}

/// What is said of a person (RFC 3863, RFC 4480).
fn document(aor: &Uri, availability: Availability, on_the_phone: bool) -> Presence {
    let chosen = match availability {
        Availability::Available => None,
        Availability::Busy => Some(Activity::Busy),
        Availability::Away => Some(Activity::Away),
    };
    let on_the_phone = on_the_phone.then_some(Activity::OnThePhone);
    Presence {
        entity: Some(aor.to_string()),
        tuples: vec![Tuple {
            id: "ramal".to_owned(),
            basic: Some(Basic::Open),
            contact: Some(aor.to_string()),
            notes: Vec::new(),
        }],
        activities: chosen.into_iter().chain(on_the_phone).collect(),
        notes: Vec::new(),
    }
}

fn state_of(now: Instant, event: PublicationEvent) -> PublicationState {
    match event {
        PublicationEvent::Published { .. } => PublicationState::Published,
        PublicationEvent::Failed {
            cause,
            status,
            reason,
            retry_in,
        } => {
            let status = status.map(StatusCode::code);
            PublicationState::Failed {
                cause: WatchCause::of_fault(cause, status),
                status,
                reason,
                retry_at: retry_in.map(|wait| now + wait),
            }
        }
        PublicationEvent::Removed => PublicationState::Removed,
    }
}
