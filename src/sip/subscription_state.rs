//! How a subscription stands, as a NOTIFY says it (RFC 6665 section 8.2.3).

use std::fmt;

use super::header::{HeaderError, Headers};
use super::header_name::HeaderName;
use super::lexer;
use super::params::Params;

/// The value of Subscription-State: `terminated;reason=probation;retry-after=60`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    /// Whether there is one.
    pub state: Substate,
    /// How long it lasts yet, in seconds, at most `u32::MAX`.
    pub expires: Option<u32>,
    /// Why it ended.
    pub reason: Option<SubscriptionReason>,
    /// Before that many seconds the subscriber is not to come back.
    pub retry_after: Option<u32>,
}

/// Whether there is a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Substate {
    /// Accepted, and notified of.
    Active,
    /// It came, and somebody has yet to allow it.
    Pending,
    /// It is over.
    Terminated,
    /// Any other token, in lower case.
    Other(String),
}

/// Why a subscription ended (RFC 6665 section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionReason {
    /// The notifier gives it up, for another one perhaps: to be asked for again at once.
    Deactivated,
    /// For some time.
    Probation,
    /// Whoever decides has said no.
    Rejected,
    /// It was not refreshed in time.
    Timeout,
    /// Nobody said in time whether it is allowed.
    GiveUp,
    /// What was watched is there no more.
    NoResource,
    /// What is watched will not change.
    Invariant,
    /// Any other token, in lower case.
    Other(String),
}

impl Substate {
    fn read(token: &str) -> Substate {
        match token.to_ascii_lowercase().as_str() {
            "active" => Substate::Active,
            "pending" => Substate::Pending,
            "terminated" => Substate::Terminated,
            other => Substate::Other(other.to_owned()),
        }
    }

    /// As in the header: `active`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Substate::Active => "active",
            Substate::Pending => "pending",
            Substate::Terminated => "terminated",
            Substate::Other(token) => token,
        }
    }
}

impl SubscriptionReason {
    fn read(token: &str) -> SubscriptionReason {
        match token.to_ascii_lowercase().as_str() {
            "deactivated" => SubscriptionReason::Deactivated,
            "probation" => SubscriptionReason::Probation,
            "rejected" => SubscriptionReason::Rejected,
            "timeout" => SubscriptionReason::Timeout,
            "giveup" => SubscriptionReason::GiveUp,
            "noresource" => SubscriptionReason::NoResource,
            "invariant" => SubscriptionReason::Invariant,
            other => SubscriptionReason::Other(other.to_owned()),
        }
    }

    /// As in the header: `noresource`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            SubscriptionReason::Deactivated => "deactivated",
            SubscriptionReason::Probation => "probation",
            SubscriptionReason::Rejected => "rejected",
            SubscriptionReason::Timeout => "timeout",
            SubscriptionReason::GiveUp => "giveup",
            SubscriptionReason::NoResource => "noresource",
            SubscriptionReason::Invariant => "invariant",
            SubscriptionReason::Other(token) => token,
        }
    }
}

impl SubscriptionState {
    /// A state and nothing more.
    #[must_use]
    pub const fn new(state: Substate) -> SubscriptionState {
        SubscriptionState {
            state,
            expires: None,
            reason: None,
            retry_after: None,
        }
    }

    /// Accepted for that many seconds more.
    #[must_use]
    pub fn active(expires: u32) -> SubscriptionState {
        SubscriptionState {
            expires: Some(expires),
            ..SubscriptionState::new(Substate::Active)
        }
    }

    /// Over, for that reason.
    #[must_use]
    pub fn terminated(reason: SubscriptionReason) -> SubscriptionState {
        SubscriptionState {
            reason: Some(reason),
            ..SubscriptionState::new(Substate::Terminated)
        }
    }

    fn read(value: &str) -> Option<SubscriptionState> {
        let (state, params) = value.split_at(value.find(';').unwrap_or(value.len()));
        let state = lexer::trim(state);
        if !lexer::is_token(state) {
            return None;
        }
        let (params, _) = Params::read_header(params)?;
        let secs = |name: &str| {
            let secs = lexer::digits(params.get(name)?)?;
            Some(u32::try_from(secs).unwrap_or(u32::MAX))
        };
        let reason = params.get("reason").filter(|reason| !reason.is_empty());
        Some(SubscriptionState {
            state: Substate::read(state),
            expires: secs("expires"),
            reason: reason.map(SubscriptionReason::read),
            retry_after: secs("retry-after"),
        })
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.state.as_str())?;
        if let Some(reason) = &self.reason {
            write!(f, ";reason={}", reason.as_str())?;
        }
        if let Some(expires) = self.expires {
            write!(f, ";expires={expires}")?;
        }
        if let Some(retry_after) = self.retry_after {
            write!(f, ";retry-after={retry_after}")?;
        }
        Ok(())
    }
}

impl Headers {
    /// How the subscription stands that a NOTIFY belongs to.
    ///
    /// # Errors
    /// Missing or unreadable.
    pub fn subscription_state(&self) -> Result<SubscriptionState, HeaderError> {
        let name = HeaderName::SUBSCRIPTION_STATE;
        match self.get(&name) {
            Some(value) => {
                SubscriptionState::read(value).ok_or_else(|| HeaderError::malformed(&name))
            }
            None => Err(HeaderError::Missing { name }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(value: &str) -> Option<SubscriptionState> {
        let mut headers = Headers::new();
        headers.push("subscription-state", value);
        headers.subscription_state().ok()
    }

    #[test]
    fn state_time_and_reason_are_read_in_any_case() {
        assert_eq!(
            state("Active;Expires=3599"),
            Some(SubscriptionState::active(3599))
        );
        let mut probation = SubscriptionState::terminated(SubscriptionReason::Probation);
        probation.retry_after = Some(60);
        assert_eq!(
            state("terminated ; retry-after = 60 ; reason=PROBATION;x=y"),
            Some(probation)
        );
        assert_eq!(
            state("pending"),
            Some(SubscriptionState::new(Substate::Pending))
        );
        assert_eq!(
            state("waiting").map(|state| state.state),
            Some(Substate::Other("waiting".to_owned()))
        );
        for (token, reason) in [
            ("deactivated", SubscriptionReason::Deactivated),
            ("rejected", SubscriptionReason::Rejected),
            ("timeout", SubscriptionReason::Timeout),
            ("giveup", SubscriptionReason::GiveUp),
            ("noresource", SubscriptionReason::NoResource),
            ("invariant", SubscriptionReason::Invariant),
            ("tired", SubscriptionReason::Other("tired".to_owned())),
        ] {
            let read = state(&format!("terminated;reason={token}")).unwrap();
            assert_eq!(read.reason, Some(reason), "{token}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_said_and_a_large_one_is_the_largest() {
        let read = state("active;expires=soon;retry-after=99999999999").unwrap();
        assert_eq!((read.expires, read.retry_after), (None, Some(u32::MAX)));
        assert_eq!(state(""), None);
        assert_eq!(state("very active"), None);
        assert_eq!(
            Headers::new().subscription_state(),
            Err(HeaderError::Missing {
                name: HeaderName::SUBSCRIPTION_STATE
            })
        );
    }

    #[test]
    fn it_is_written_as_notifiers_do() {
        assert_eq!(
            SubscriptionState::active(60).to_string(),
            "active;expires=60"
        );
        let mut over = SubscriptionState::terminated(SubscriptionReason::NoResource);
        assert_eq!(over.to_string(), "terminated;reason=noresource");
        over.retry_after = Some(5);
        assert_eq!(
            over.to_string(),
            "terminated;reason=noresource;retry-after=5"
        );
    }
}
