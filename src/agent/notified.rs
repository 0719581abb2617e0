//! What comes of watches: notifications, taken to the subscription that they are for, and what is
//! told of them.

use std::time::Instant;

use super::watch::{LampState, Package, WatchCause, WatchState};
use super::watching::WatchKey;
use super::{Agent, Event};
use crate::events::dialog_info::{Applied, DialogInfo, Lamp};
use crate::events::message_summary::MessageSummary;
use crate::events::pidf::Presence;
use crate::sip::transaction::ServerKey;
use crate::sip::{HeaderName, Notification, Request, StatusCode, SubscriptionEvent, Substate};

impl Agent {
    /// NOTIFY in a dialog that is no call's. Says whether it is for a watch.
    pub(super) fn watch_notified(
        &mut self,
        now: Instant,
        key: &ServerKey,
        notify: &Request,
    ) -> bool {
        let found = self.watches.by_key.iter_mut().find_map(|(of, watch)| {
            let subscription = watch.subscription.as_mut()?;
            subscription
                .is_for(notify)
                .then(|| (*of, subscription.handle_notify(now, notify)))
        });
        let Some((of, mut response)) = found else {
            return false;
        };
        let server = self.config.user_agent.clone();
        response.headers.push(HeaderName::SERVER, server);
        self.respond(now, key, response);
        self.drive_watch(now, of);
        if notify.body.is_empty() {
            self.nothing_told(of);
        }
        true
    }

    /// A notifier that allows it and sends no document has no call to tell of: servers that are
    /// told of calls by others begin like this.
    fn nothing_told(&mut self, key: WatchKey) {
        let Some(watch) = self.watches.by_key.get_mut(&key) else {
            return;
        };
        let silent = watch.active && watch.calls.version().is_none();
        if watch.package == Package::Dialog && silent && watch.told.lamp == Lamp::Unknown {
            watch.told.lamp = Lamp::Idle;
            let lamp = watch.told.clone();
            if let Some(name) = watch.name {
                self.event(Event::Lamp { watch: name, lamp });
            }
        }
    }

    pub(super) fn subscription_event(
        &mut self,
        now: Instant,
        key: WatchKey,
        event: SubscriptionEvent,
    ) {
        let Some(watch) = self.watches.by_key.get_mut(&key) else {
            return;
        };
        let kept = watch.subscription.as_ref().is_some_and(|it| it.is_held());
        let state = match event {
            SubscriptionEvent::Subscribed(substate) => {
                watch.calls = DialogInfo::new();
                state_of(&substate)
            }
            SubscriptionEvent::Changed(substate) => state_of(&substate),
            SubscriptionEvent::Notified(notification) => {
                return self.watch_told(now, key, &notification);
            }
            SubscriptionEvent::Ended { reason, retry_in } => WatchState::Failed {
                cause: WatchCause::of_reason(reason.as_ref()),
                status: None,
                reason: None,
                retry_at: retry_in.map(|wait| now + wait),
                kept,
            },
            SubscriptionEvent::Failed {
                cause,
                status,
                reason,
                retry_in,
            } => {
                let status = status.map(StatusCode::code);
                WatchState::Failed {
                    cause: WatchCause::of_fault(cause, status),
                    status,
                    reason,
                    retry_at: retry_in.map(|wait| now + wait),
                    kept,
                }
            }
            SubscriptionEvent::Unsubscribed => WatchState::Over,
        };
        watch.active = match &state {
            WatchState::Active => true,
            WatchState::Failed { kept, .. } => *kept && watch.active,
            WatchState::Pending | WatchState::Over => false,
        };
        if !watch.active {
            watch.told = LampState::default();
        }
        if let Some(name) = watch.name {
            self.event(Event::Watch { watch: name, state });
        }
    }

    /// A document came. One that cannot be read changes nothing.
    fn watch_told(&mut self, now: Instant, key: WatchKey, told: &Notification) {
        let Some(watch) = self.watches.by_key.get_mut(&key) else {
            return;
        };
        let Some(name) = watch.name else { return };
        let read = told
            .content_type
            .as_ref()
            .zip(watch.package.media_type().split_once('/'))
            .is_none_or(|(it, (kind, subtype))| it.is(kind, subtype));
        if !read {
            return;
        }
        let event = match watch.package {
            Package::Dialog => {
                match watch.calls.apply(&told.body) {
                    Ok(Applied::Taken) => {}
                    Ok(Applied::Incomplete) => {
                        if let Some(subscription) = &mut watch.subscription {
                            subscription.resync(now);
                        }
                    }
                    Ok(Applied::Old) | Err(_) => return,
                }
                let lamp = LampState::of(&watch.calls);
                if lamp == watch.told {
                    return;
                }
                watch.told.clone_from(&lamp);
                Event::Lamp { watch: name, lamp }
            }
            Package::Presence => match Presence::parse(&told.body) {
                Ok(presence) => Event::Presence {
                    watch: name,
                    presence: Box::new(presence),
                },
                Err(_) => return,
            },
            Package::MessageSummary => match MessageSummary::parse(&told.body) {
                Ok(summary) => Event::Messages {
                    account: watch.account,
                    watch: Some(name),
                    summary,
                },
                Err(_) => return,
            },
        };
        self.event(event);
    }
}

fn state_of(substate: &Substate) -> WatchState {
    match substate {
        Substate::Pending => WatchState::Pending,
        Substate::Active | Substate::Terminated | Substate::Other(_) => WatchState::Active,
    }
}
