//! How an account stands, in words.

use std::time::Instant;

use crate::agent::{AccountState, RegistrationCause};
use crate::say;

use super::{Explanation, Words, explain};

impl Words {
    /// The state in a word or two, as on the account pill.
    #[must_use]
    pub fn account_state(&self, state: &AccountState) -> String {
        match state {
            AccountState::Direct => say!(self, "account-direct"),
            AccountState::Registering => say!(self, "account-registering"),
            AccountState::Registered { .. } => say!(self, "account-registered"),
            AccountState::Failed { .. } => say!(self, "account-failed"),
            AccountState::Unregistered => say!(self, "account-unregistered"),
        }
    }

    /// Everything about a failed registration; `None` while nothing has failed.
    ///
    /// `now` tells how long it is until the next try.
    #[must_use]
    pub fn registration_failure(&self, state: &AccountState, now: Instant) -> Option<Explanation> {
        let AccountState::Failed {
            cause,
            status,
            reason,
            retry_at,
        } = state
        else {
            return None;
        };
        let mut explanation = self.registration_cause(*cause);
        explanation.details = self.details(*status, reason.as_deref());
        let again = retry_at.map(|at| self.again_at(at, now));
        explanation.details.extend(again);
        Some(explanation)
    }

    /// Why a registration failed, and what to do about it.
    #[must_use]
    pub fn registration_cause(&self, cause: RegistrationCause) -> Explanation {
        match cause {
            RegistrationCause::WrongPassword => explain!(self, "registration-wrong-password"),
            RegistrationCause::PasswordNeeded => explain!(self, "registration-password-needed"),
            RegistrationCause::Forbidden => explain!(self, "registration-forbidden"),
            RegistrationCause::UnknownUser => explain!(self, "registration-unknown-user"),
            RegistrationCause::AuthUnsupported => explain!(self, "registration-auth-unsupported"),
            RegistrationCause::WeakDigest => explain!(self, "registration-weak-digest"),
            RegistrationCause::Unencrypted => explain!(self, "registration-unencrypted"),
            RegistrationCause::HostNotFound => explain!(self, "registration-host-not-found"),
            RegistrationCause::Unreachable => explain!(self, "registration-unreachable"),
            RegistrationCause::NotSecured(failure) => self.not_secured(failure),
            RegistrationCause::TimedOut => explain!(self, "registration-timed-out"),
            RegistrationCause::ServerTrouble => explain!(self, "registration-server-trouble"),
            RegistrationCause::Refused => explain!(self, "registration-refused"),
        }
    }

    /// When it is tried again.
    pub(crate) fn again_at(&self, at: Instant, now: Instant) -> String {
        let time = self.span(at.saturating_duration_since(now));
        say!(self, "account-retry", time = time)
    }

    /// A status and the other side's words for it, one a line.
    pub(crate) fn details(&self, status: Option<u16>, reason: Option<&str>) -> Vec<String> {
        let status = status.map(|status| say!(self, "details-status", status = status.to_string()));
        let reason = reason
            .map(str::trim)
            .filter(|reason| !reason.is_empty())
            .map(|reason| say!(self, "details-words", reason = reason));
        status.into_iter().chain(reason).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::i18n::Language;

    #[test]
    fn a_failure_says_what_to_do_and_when_it_is_tried_again() {
        let words = Words::new(Language::English);
        let now = crate::i18n::calls::tests::some_instant();
        let state = AccountState::Failed {
            cause: RegistrationCause::TimedOut,
            status: Some(408),
            reason: Some("Request Timeout".into()),
            retry_at: Some(now + Duration::from_secs(30)),
        };
        let explanation = words.registration_failure(&state, now).unwrap();
        assert_eq!(explanation.title, "The server did not answer in time");
        assert!(explanation.todo.unwrap().contains("try TCP"));
        assert_eq!(
            explanation.details,
            [
                "SIP status 408",
                "In their words: Request Timeout",
                "Trying again in 30 s"
            ]
        );
        assert_eq!(
            words.registration_failure(&AccountState::Registering, now),
            None
        );
    }
}
