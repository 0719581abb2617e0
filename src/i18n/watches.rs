//! What others do, and what waits for oneself, in words.

use std::time::Instant;

use crate::agent::{Availability, WatchCause, WatchState};
use crate::events::dialog_info::Lamp;
use crate::events::pidf::{Activity, Basic};
use crate::say;

use super::{Explanation, Words, explain};

impl Words {
    /// What a busy lamp shows.
    #[must_use]
    pub fn lamp(&self, lamp: Lamp) -> String {
        match lamp {
            Lamp::Unknown => say!(self, "lamp-unknown"),
            Lamp::Idle => say!(self, "lamp-idle"),
            Lamp::Ringing => say!(self, "lamp-ringing"),
            Lamp::Busy => say!(self, "lamp-busy"),
        }
    }

    /// How somebody can be reached: by what they do, else by whether they can be at all.
    #[must_use]
    pub fn presence(&self, basic: Option<Basic>, activities: &[Activity]) -> String {
        if basic == Some(Basic::Closed) {
            return say!(self, "presence-offline");
        }
        let mut known = activities.iter().filter_map(|activity| match activity {
            Activity::OnThePhone => Some(say!(self, "presence-on-the-phone")),
            Activity::Busy => Some(say!(self, "presence-busy")),
            Activity::Away | Activity::PermanentAbsence => Some(say!(self, "presence-away")),
            Activity::Meeting | Activity::Appointment | Activity::Presentation => {
                Some(say!(self, "presence-meeting"))
            }
            Activity::Meal | Activity::Breakfast | Activity::Lunch | Activity::Dinner => {
                Some(say!(self, "presence-meal"))
            }
            Activity::Vacation | Activity::Holiday => Some(say!(self, "presence-vacation")),
            _ => None,
        });
        match (known.next(), basic) {
            (Some(known), _) => known,
            (None, Some(Basic::Open)) => say!(self, "presence-available"),
            (None, _) => say!(self, "presence-unknown"),
        }
    }

    /// How a person wants to be reached.
    #[must_use]
    pub fn availability(&self, availability: Availability) -> String {
        match availability {
            Availability::Available => say!(self, "presence-available"),
            Availability::Busy => say!(self, "presence-busy"),
            Availability::Away => say!(self, "presence-away"),
        }
    }

    /// What waits in a mailbox; without a count, whether anything does.
    #[must_use]
    pub fn messages(&self, waiting: bool, new: Option<u32>) -> String {
        match new {
            Some(0) => say!(self, "mailbox-none"),
            Some(new) => say!(self, "mailbox-new", count = i64::from(new)),
            None if waiting => say!(self, "mailbox-waiting"),
            None => say!(self, "mailbox-none"),
        }
    }

    /// Everything about a watch that failed; `None` while nothing has.
    #[must_use]
    pub fn watch_failure(&self, state: &WatchState, now: Instant) -> Option<Explanation> {
        let WatchState::Failed {
            cause,
            status,
            reason,
            retry_at,
            ..
        } = state
        else {
            return None;
        };
        let mut explanation = self.watch_cause(*cause);
        explanation.details = self.details(*status, reason.as_deref());
        let again = retry_at.map(|at| self.again_at(at, now));
        explanation.details.extend(again);
        Some(explanation)
    }

    /// Why nothing is told of an extension, and what to do about it.
    #[must_use]
    pub fn watch_cause(&self, cause: WatchCause) -> Explanation {
        match cause {
            WatchCause::WrongPassword => explain!(self, "registration-wrong-password"),
            WatchCause::PasswordNeeded => explain!(self, "registration-password-needed"),
            WatchCause::WeakDigest => explain!(self, "registration-weak-digest"),
            WatchCause::ForeignServer => explain!(self, "watch-foreign-server"),
            WatchCause::Unencrypted => explain!(self, "registration-unencrypted"),
            WatchCause::NotAllowed => explain!(self, "watch-not-allowed"),
            WatchCause::NotFound => explain!(self, "watch-not-found"),
            WatchCause::NotOffered => explain!(self, "watch-not-offered"),
            WatchCause::Unreachable => explain!(self, "registration-unreachable"),
            WatchCause::TimedOut => explain!(self, "registration-timed-out"),
            WatchCause::ServerTrouble => explain!(self, "registration-server-trouble"),
            WatchCause::Refused => explain!(self, "watch-refused"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn what_somebody_does_says_more_than_that_they_can_be_reached() {
        let words = Words::new(Language::English);
        let read = |basic, activities: &[Activity]| words.presence(basic, activities);
        assert_eq!(read(Some(Basic::Open), &[]), "Available");
        let talks = [Activity::Working, Activity::OnThePhone];
        assert_eq!(read(Some(Basic::Open), &talks), "On the phone");
        assert_eq!(read(Some(Basic::Closed), &talks), "Offline");
        assert_eq!(read(None, &[]), "Nothing known");
    }

    #[test]
    fn messages_are_counted_in_each_language() {
        for (language, one, several, none) in [
            (
                Language::Portuguese,
                "1 mensagem nova",
                "3 mensagens novas",
                "Nenhuma mensagem nova",
            ),
            (
                Language::English,
                "1 new message",
                "3 new messages",
                "No new messages",
            ),
            (
                Language::Spanish,
                "1 mensaje nuevo",
                "3 mensajes nuevos",
                "Ningún mensaje nuevo",
            ),
        ] {
            let words = Words::new(language);
            assert_eq!(words.messages(true, Some(1)), one);
            assert_eq!(words.messages(true, Some(3)), several);
            assert_eq!(words.messages(false, None), none);
            assert_eq!(words.messages(true, Some(0)), none);
        }
    }
}
