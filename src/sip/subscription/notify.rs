//! NOTIFYs: taken or refused (RFC 6665 section 4.1.3).

use std::time::{Duration, Instant};

use super::usage::Usage;
use super::{Kind, Notification, State, Subscription, SubscriptionEvent, Wish};
use crate::sip::soft_state::{self, Healing, MAX_EXPIRES};
use crate::sip::{
    Contacts, Dialog, HeaderName, Request, Response, StatusCode, SubscriptionReason,
    SubscriptionState, Substate,
};

/// Longest document taken, in bytes: as much as the transport lets through.
const MAX_BODY: usize = 256 * 1024;

/// Why a NOTIFY is not taken: the status, and a header that says more.
struct Refusal(StatusCode, Option<(HeaderName, String)>);

impl From<StatusCode> for Refusal {
    fn from(status: StatusCode) -> Refusal {
        Refusal(status, None)
    }
}

impl Subscription {
    /// Whether a NOTIFY was sent to this subscription, by whatever fork of it.
    #[must_use]
    pub fn is_for(&self, notify: &Request) -> bool {
        self.is_addressed(notify)
            && notify
                .headers
                .event()
                .is_ok_and(|event| self.config.event.matches(&event))
    }

    /// Takes a NOTIFY, and says how to respond to it. Its document comes out as
    /// [`SubscriptionEvent::Notified`]. What belongs to no subscription or to another fork is
    /// refused with 481, which ends it there; what comes too fast, out of order or is too large,
    /// with 500 or 413.
    pub fn handle_notify(&mut self, now: Instant, notify: &Request) -> Response {
        match self.take_notify(now, notify) {
            Ok(()) => notify.response(StatusCode::OK, Some(&self.from_tag)),
            Err(Refusal(status, header)) => {
                let mut response = notify.response(status, Some(&self.from_tag));
                if let Some((name, value)) = header {
                    response.headers.push(name, value);
                }
                response
            }
        }
    }

    fn take_notify(&mut self, now: Instant, notify: &Request) -> Result<(), Refusal> {
        let Ok(event) = notify.headers.event() else {
            let known = self.config.event.package.clone();
            return Err(Refusal(
                StatusCode::BAD_EVENT,
                Some((HeaderName::ALLOW_EVENTS, known)),
            ));
        };
        if !self.config.event.matches(&event) || !self.is_addressed(notify) {
            return Err(StatusCode::CALL_DOES_NOT_EXIST.into());
        }
        let first = self.begins(notify)?;
        check_body(notify)?;
        if !self.throttle.allows(now) {
            let one_second = (HeaderName::RETRY_AFTER, "1".to_owned());
            return Err(Refusal(StatusCode::SERVER_INTERNAL_ERROR, Some(one_second)));
        }
        if first {
            self.begin(now, notify)?;
        } else if let Some(usage) = &mut self.usage {
            usage.dialog.check_incoming(notify)?;
            if let Ok(Contacts::List(contacts)) = notify.headers.contacts()
                && let Some(contact) = contacts.first()
            {
                usage.dialog.refresh_target(contact);
            }
        }
        // Some notifiers of old say nothing: then it goes on.
        let state = notify.headers.subscription_state();
        let state = state.unwrap_or_else(|_| SubscriptionState::new(Substate::Active));
        let over = state.state == Substate::Terminated;
        if !over {
            self.tell_substate(&state.state);
        }
        if self.wish == Wish::Held && !notify.body.is_empty() {
            self.tell(SubscriptionEvent::Notified(Notification {
                content_type: notify.headers.content_type(),
                body: notify.body.clone(),
                state: state.clone(),
            }));
        }
        if over {
            self.terminated(now, &state);
        } else {
            self.goes_on(now, &state);
        }
        Ok(())
    }

    /// Whether it is in the dialogs that the latest attempt may have made.
    fn is_addressed(&self, notify: &Request) -> bool {
        let live = match self.state {
            State::Asking(_) | State::Awaiting { .. } | State::Parting { .. } => true,
            State::Idle | State::Held { .. } | State::BackingOff { .. } | State::Refused => {
                self.usage.is_some()
            }
        };
        live && notify.headers.call_id() == Ok(self.call_id.as_str())
            && notify
                .headers
                .to()
                .is_ok_and(|to| to.tag() == Some(self.from_tag.as_str()))
    }

    /// Whether it makes the dialog; an error when it comes from another fork than that.
    fn begins(&self, notify: &Request) -> Result<bool, Refusal> {
        let from = notify.headers.from();
        let from = from.map_err(|_| StatusCode::BAD_REQUEST)?;
        let theirs = from.tag().ok_or(StatusCode::BAD_REQUEST)?;
        let may_begin = match &self.state {
            State::Asking(ask) => ask.kind == Kind::First,
            State::Awaiting { .. } => true,
            State::Idle
            | State::Held { .. }
            | State::BackingOff { .. }
            | State::Refused
            | State::Parting { .. } => false,
        };
        match &self.usage {
            Some(usage) if usage.notified || !may_begin => {
                if usage.dialog.id().remote_tag == theirs {
                    Ok(false)
                } else {
                    Err(StatusCode::CALL_DOES_NOT_EXIST.into())
                }
            }
            Some(_) | None if may_begin => Ok(true),
            Some(_) | None => Err(StatusCode::CALL_DOES_NOT_EXIST.into()),
        }
    }

    /// Makes the dialog.
    fn begin(&mut self, now: Instant, notify: &Request) -> Result<(), Refusal> {
        let subscribe = match &self.state {
            State::Asking(ask) => &ask.request,
            State::Awaiting { subscribe, .. } => subscribe,
            State::Idle
            | State::Held { .. }
            | State::BackingOff { .. }
            | State::Refused
            | State::Parting { .. } => return Err(StatusCode::CALL_DOES_NOT_EXIST.into()),
        };
        let dialog = Dialog::from_notify(subscribe, notify).map_err(|_| StatusCode::BAD_REQUEST)?;
        let mut usage = Usage::new(dialog, now, self.expires);
        if let Some(tentative) = &self.usage {
            // What the 2xx granted.
            usage.expires_at = tentative.expires_at;
        }
        self.usage = Some(usage);
        Ok(())
    }

    /// Says how it stands, if that is news.
    fn tell_substate(&mut self, substate: &Substate) {
        let Some(usage) = &mut self.usage else {
            return;
        };
        let event = if !usage.notified {
            SubscriptionEvent::Subscribed(substate.clone())
        } else if usage.substate != *substate {
            SubscriptionEvent::Changed(substate.clone())
        } else {
            return;
        };
        usage.notified = true;
        usage.substate = substate.clone();
        self.was_held = true;
        if self.wish == Wish::Held {
            self.tell(event);
        }
    }

    /// Active or pending, for as long as it says.
    fn goes_on(&mut self, now: Instant, state: &SubscriptionState) {
        let Some(usage) = &mut self.usage else {
            return;
        };
        let news = state.expires.is_some_and(|secs| {
            let left = Duration::from_secs(secs.into()).min(MAX_EXPIRES);
            usage.lasts(now, left)
        });
        let left = usage.expires_at.saturating_duration_since(now);
        match &mut self.state {
            State::Awaiting { .. } => self.rest(now),
            State::Held { refresh_at } if news => {
                *refresh_at = now + soft_state::refresh_after(&mut self.rng, left);
            }
            State::Idle
            | State::Asking(_)
            | State::Held { .. }
            | State::BackingOff { .. }
            | State::Refused
            | State::Parting { .. } => {}
        }
    }

    /// The notifier ended it.
    fn terminated(&mut self, now: Instant, state: &SubscriptionState) {
        self.settle(now);
        self.usage = None;
        let ask = self.take_ask(|_| true);
        if self.wish == Wish::Gone || matches!(self.state, State::Parting { .. }) {
            return match ask {
                Some(ask) => self.void(ask, None),
                None => self.end(),
            };
        }
        let told = state
            .retry_after
            .map(|secs| Duration::from_secs(secs.into()));
        let healing = match (&state.reason, told) {
            (
                Some(
                    SubscriptionReason::Rejected
                    | SubscriptionReason::NoResource
                    | SubscriptionReason::Invariant,
                ),
                _,
            ) => Healing::Never,
            (Some(SubscriptionReason::Deactivated | SubscriptionReason::Timeout), _) => {
                Healing::AtOnce
            }
            (Some(SubscriptionReason::Probation | SubscriptionReason::GiveUp), None) => {
                Healing::InTime
            }
            (_, Some(told)) => Healing::After(told),
            (Some(SubscriptionReason::Other(_)) | None, None) => Healing::AtOnce,
        };
        let retry_in = self.back_off(now, healing);
        self.tell(SubscriptionEvent::Ended {
            reason: state.reason.clone(),
            retry_in,
        });
        match ask {
            Some(ask) => self.void(ask, retry_in.map(|delay| now + delay)),
            None if retry_in == Some(Duration::ZERO) => self.ask_anew(),
            None => {}
        }
    }
}

/// Whether the document can be handed on.
fn check_body(notify: &Request) -> Result<(), Refusal> {
    if notify.body.len() > MAX_BODY {
        return Err(StatusCode::REQUEST_ENTITY_TOO_LARGE.into());
    }
    let encoded = notify.headers.tokens(&HeaderName::CONTENT_ENCODING);
    if encoded
        .iter()
        .any(|coding| !coding.eq_ignore_ascii_case("identity"))
    {
        let plain = (HeaderName::ACCEPT_ENCODING, "identity".to_owned());
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(plain)));
    }
    Ok(())
}
