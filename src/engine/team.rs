//! Whom the accounts watch, their mailboxes, and what is said of their own person.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::driver::Driver;
use super::picture::Picture;
use super::snapshot::{MailboxView, PresenceView, TeamView};
use crate::agent::{
    self, AccountId, Availability, LampState, Package, PublicationState, WatchId, WatchState,
};
use crate::events::message_summary::{MessageClass, MessageSummary};
use crate::store::{AccountSettings, WatchedSettings};

/// Extensions that one account may watch.
const MAX_TEAM: usize = 512;

/// Which watches there are, and what for.
#[derive(Debug, Default)]
pub(super) struct Team {
    next: u64,
    watches: BTreeMap<WatchId, AccountId>,
    /// How the person can be reached, as they chose.
    availability: Availability,
}

impl Driver {
    /// Watches whom an account that was just added is to watch, and says how its person can be
    /// reached.
    pub(super) fn use_team(&mut self, account: AccountId, written: &AccountSettings) {
        self.team.watches.retain(|_, of| *of != account);
        let mut views = Vec::new();
        for watched in written.watched.iter().take(MAX_TEAM) {
            let lamp = self.new_watch(account, &watched.number, Package::Dialog);
            let presence = watched
                .presence
                .then(|| self.new_watch(account, &watched.number, Package::Presence));
            views.push(TeamView {
                account,
                lamp_watch: lamp,
                presence_watch: presence,
                number: watched.number.trim().to_owned(),
                name: watched.name.clone(),
                park: watched.park,
                lamp: LampState::default(),
                presence: None,
                trouble: None,
            });
        }
        self.picture.team_of(account, views);
        if !written.no_mailbox {
            self.new_watch(account, &written.address, Package::MessageSummary);
        }
        let availability = written.publish_presence.then_some(self.team.availability);
        self.hand_over(agent::Command::Publish {
            account,
            availability,
        });
    }

    fn new_watch(&mut self, account: AccountId, target: &str, package: Package) -> WatchId {
        let watch = WatchId(self.team.next);
        self.team.next += 1;
        self.team.watches.insert(watch, account);
        self.hand_over(agent::Command::Watch {
            watch,
            account,
            target: target.to_owned(),
            package,
        });
        watch
    }

    /// Another list of whom an account watches.
    pub(super) fn set_team(&mut self, account: AccountId, watched: Vec<WatchedSettings>) {
        let Some(mut written) = self.picture.written_of(account) else {
            return;
        };
        written.watched = watched;
        written.watched.truncate(MAX_TEAM);
        self.change_settings(|settings| {
            let mut accounts = settings.accounts.iter_mut();
            if let Some(kept) = accounts.find(|kept| kept.id == account.0) {
                kept.watched.clone_from(&written.watched);
            }
        });
        let before: Vec<WatchId> = self.watches_of(account);
        for watch in before {
            self.hand_over(agent::Command::Unwatch(watch));
        }
        self.picture.written(account, &written);
        self.use_team(account, &written);
    }

    fn watches_of(&self, account: AccountId) -> Vec<WatchId> {
        let watches = self.team.watches.iter();
        watches
            .filter(|(_, of)| **of == account)
            .map(|(watch, _)| *watch)
            .collect()
    }

    /// The person can be reached like this from now on, at every account that says so.
    pub(super) fn set_availability(&mut self, availability: Availability) {
        self.team.availability = availability;
        self.picture.availability(availability);
        for account in self.picture.publishing() {
            self.hand_over(agent::Command::Publish {
                account,
                availability: Some(availability),
            });
        }
        self.dirty = true;
    }

    /// An account is gone.
    pub(super) fn forget_team(&mut self, account: AccountId) {
        self.team.watches.retain(|_, of| *of != account);
        self.picture.team_of(account, Vec::new());
    }
}

impl Picture {
    /// Takes in what was told of others.
    pub(super) fn told_of_others(&mut self, event: &agent::Event) {
        match event {
            agent::Event::Watch { watch, state } => self.watch_stands(*watch, state),
            agent::Event::Lamp { watch, lamp } => {
                self.with_member(*watch, |member| member.lamp = lamp.clone());
            }
            agent::Event::Presence { watch, presence } => {
                let view = PresenceView {
                    basic: presence.basic(),
                    activities: presence.activities.clone(),
                    note: presence.note().map(str::to_owned),
                };
                self.with_member(*watch, |member| member.presence = Some(view));
            }
            agent::Event::Messages {
                account, summary, ..
            } => {
                let mut accounts = self.snapshot.accounts.iter_mut();
                if let Some(view) = accounts.find(|view| view.id == *account) {
                    view.mailbox = Some(mailbox(summary));
                }
            }
            agent::Event::Publication { account, state } => {
                let mut accounts = self.snapshot.accounts.iter_mut();
                if let Some(view) = accounts.find(|view| view.id == *account) {
                    view.published = matches!(state, PublicationState::Published);
                }
            }
            _ => {}
        }
    }

    fn watch_stands(&mut self, watch: WatchId, state: &WatchState) {
        self.with_member(watch, |member| {
            let is_lamp = member.lamp_watch == watch;
            match state {
                WatchState::Pending | WatchState::Active if is_lamp => member.trouble = None,
                WatchState::Failed {
                    cause, kept: false, ..
                } if is_lamp => {
                    member.lamp = LampState::default();
                    member.trouble = Some(*cause);
                }
                WatchState::Over if is_lamp => member.lamp = LampState::default(),
                WatchState::Failed { kept: false, .. } | WatchState::Over => {
                    member.presence = None;
                }
                _ => {}
            }
        });
    }

    fn with_member(&mut self, watch: WatchId, change: impl FnOnce(&mut TeamView)) {
        let of =
            |member: &TeamView| member.lamp_watch == watch || member.presence_watch == Some(watch);
        if let Some(at) = self.snapshot.team.iter().position(of) {
            change(&mut Arc::make_mut(&mut self.snapshot.team)[at]);
        }
    }

    /// Whom an account watches from now on.
    fn team_of(&mut self, account: AccountId, views: Vec<TeamView>) {
        let none = |member: &TeamView| member.account != account;
        if views.is_empty() && self.snapshot.team.iter().all(none) {
            return;
        }
        let team = Arc::make_mut(&mut self.snapshot.team);
        team.retain(none);
        team.extend(views);
    }

    fn availability(&mut self, availability: Availability) {
        self.snapshot.availability = availability;
    }

    /// The accounts whose presence is published.
    fn publishing(&self) -> Vec<AccountId> {
        let accounts = self.snapshot.accounts.iter();
        accounts
            .filter(|view| view.settings.publish_presence)
            .map(|view| view.id)
            .collect()
    }

    fn written_of(&self, account: AccountId) -> Option<AccountSettings> {
        let mut accounts = self.snapshot.accounts.iter();
        let view = accounts.find(|view| view.id == account)?;
        Some(view.settings.clone())
    }
}

/// What a badge shows: spoken messages where the mailbox says, else all there are.
fn mailbox(summary: &MessageSummary) -> MailboxView {
    let voice = summary.counts_of(MessageClass::Voice);
    MailboxView {
        waiting: summary.waiting,
        new: voice.map(|counts| counts.new),
        old: voice.map(|counts| counts.old),
        account: summary.account.clone(),
    }
}
