//! What subscriptions and publications have in common: a server keeps something for a time, and
//! forgets it unless it is asked again.

use std::time::Duration;

use rand::{Rng, RngExt};

use super::{
    Credentials, DigestClient, DigestError, HeaderName, Request, Response, StatusCode, backoff,
};

/// Requests sent to get one answer: challenges and other lifetimes in a row. A server that wants
/// more plays with us.
pub(super) const MAX_TRIES: u32 = 6;
/// The longest lifetime asked for at a server's wish (423), and the longest believed.
pub(super) const MAX_EXPIRES: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Refreshes do not follow each other more closely, whatever the server grants.
pub(super) const MIN_REFRESH: Duration = Duration::from_secs(1);
/// Left for a refresh before the lifetime ends: the time after which a request without an answer
/// is given up (RFC 3261 section 17.1.2.2, timer F).
const REFRESH_MARGIN: Duration = Duration::from_secs(32);
/// Characters kept of a reason phrase.
const MAX_REASON: usize = 128;

/// Why a server does not keep what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SoftStateFault {
    /// The credentials were refused.
    WrongPassword,
    /// The server asks for credentials, and there are none.
    PasswordNeeded,
    /// No way of authentication in common.
    AuthUnsupported,
    /// MD5 was asked for where SHA-2 was before.
    WeakDigest,
    /// Credentials were asked for by a server that is none of the account's own.
    ForeignServer,
    /// It may only go encrypted, and there is only a way in the clear.
    Unencrypted,
    /// 403, 603: known, and not allowed.
    Forbidden,
    /// 404, 410, 604: there is nothing of that name.
    NotFound,
    /// 489: the server does not know the event package.
    BadEvent,
    /// The server and this phone do not agree on a lifetime.
    IntervalRejected,
    /// 3xx: it is elsewhere, and nobody is followed there.
    Redirected,
    /// 5xx, or a server that asks without end.
    ServerError,
    /// No answer in time, or 408 and 504 from a server further on.
    Timeout,
    /// The request could not be delivered.
    Unreachable,
    /// 481: the server has forgotten it.
    Forgotten,
    /// A subscription was accepted, and no notification came (RFC 6665 section 4.1.2.4, timer N).
    Silent,
    /// Any other final answer.
    Rejected,
}

/// How a request ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SoftStateFailure {
    /// The transaction ran out of time.
    Timeout,
    /// The transport could not deliver it, or the connection broke.
    Transport,
    /// Credentials were asked for by a server that is none of the account's own.
    ForeignServer,
    /// It may only go encrypted, and there is only a way in the clear.
    Unencrypted,
}

impl From<SoftStateFailure> for SoftStateFault {
    fn from(failure: SoftStateFailure) -> SoftStateFault {
        match failure {
            SoftStateFailure::Timeout => SoftStateFault::Timeout,
            SoftStateFailure::Transport => SoftStateFault::Unreachable,
            SoftStateFailure::ForeignServer => SoftStateFault::ForeignServer,
            SoftStateFailure::Unencrypted => SoftStateFault::Unencrypted,
        }
    }
}

/// Why an attempt came to nothing, and whether time may heal it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failing {
    pub(super) fault: SoftStateFault,
    pub(super) healing: Healing,
}

/// When to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Healing {
    /// Unless that was just tried.
    AtOnce,
    /// After a while of our own choice.
    InTime,
    /// After what the server says.
    After(Duration),
    /// Not by itself.
    Never,
}

impl Healing {
    /// What Retry-After says, else what is given.
    pub(super) fn told_by(response: &Response, otherwise: Healing) -> Healing {
        response.headers.retry_after().map_or(otherwise, |secs| {
            Healing::After(Duration::from_secs(secs.into()))
        })
    }

    /// How long to wait after `failures` in a row; `None`: for ever. At once costs a failure, so
    /// that it is said once and not in a loop.
    pub(super) fn delay(self, rng: &mut impl Rng, failures: &mut u32) -> Option<Duration> {
        let first = *failures == 0;
        *failures = failures.saturating_add(1);
        match self {
            Healing::AtOnce if first => Some(Duration::ZERO),
            Healing::AtOnce | Healing::InTime => Some(backoff::own(rng, *failures)),
            Healing::After(told) => Some(backoff::told(rng, told)),
            Healing::Never => None,
        }
    }
}

impl Failing {
    pub(super) const fn new(fault: SoftStateFault, healing: Healing) -> Failing {
        Failing { fault, healing }
    }

    /// What a final answer other than 2xx means that has no rule of its own. A server that knew
    /// us before may have started without its lists: then a no is not for ever.
    pub(super) fn judge(response: &Response, known_before: bool) -> Failing {
        use SoftStateFault as Fault;
        let healing = Healing::told_by(response, Healing::InTime);
        let unless_known_before = if known_before {
            healing
        } else {
            Healing::Never
        };
        let (fault, healing) = match response.status.code() {
            300..=399 => (Fault::Redirected, healing),
            401 | 407 => (Fault::ServerError, healing),
            403 | 603 => (Fault::Forbidden, unless_known_before),
            404 | 410 | 604 => (Fault::NotFound, unless_known_before),
            408 | 504 => (Fault::Timeout, healing),
            423 => (Fault::IntervalRejected, Healing::Never),
            481 => (Fault::Forgotten, Healing::AtOnce),
            489 => (Fault::BadEvent, Healing::Never),
            501 | 505 | 513 | 580 => (Fault::Rejected, Healing::Never),
            430 | 480 | 486 | 491 | 500..=599 => (Fault::ServerError, healing),
            _ if matches!(healing, Healing::After(_)) => (Fault::ServerError, healing),
            _ => (Fault::Rejected, Healing::Never),
        };
        Failing::new(fault, healing)
    }
}

/// Who asks, and what was learned of the realms on the way.
#[derive(Debug)]
pub(super) struct Signer(Option<DigestClient>);

impl Signer {
    pub(super) fn new(credentials: Option<Credentials>) -> Signer {
        Signer(credentials.map(DigestClient::new))
    }

    /// Forgets every challenge.
    pub(super) fn forget(&mut self) {
        if let Some(digest) = &mut self.0 {
            digest.forget();
        }
    }

    /// Takes what a 2xx says of the next nonce.
    pub(super) fn learn(&mut self, response: &Response) {
        if let Some(digest) = &mut self.0 {
            digest.learn_next_nonce(response);
        }
    }

    /// Puts the credentials for all challenges that are remembered into a request.
    pub(super) fn sign(&mut self, request: &mut Request) {
        if let Some(digest) = &mut self.0 {
            let credentials = digest.preemptive(request);
            put_credentials(request, credentials);
        }
    }

    /// Puts the answers to the challenges of `response` into the request that it refused, which
    /// then needs a new number. `first` says that the request was the first one of its attempt.
    pub(super) fn answer(
        &mut self,
        request: &mut Request,
        response: &Response,
        first: bool,
        seed: u64,
    ) -> Result<(), Failing> {
        use SoftStateFault as Fault;
        let Some(digest) = &mut self.0 else {
            return Err(Failing::new(Fault::PasswordNeeded, Healing::Never));
        };
        let mut answer = digest.answer(response, request, seed);
        if first && matches!(answer, Err(DigestError::WrongPassword { .. })) {
            // It carried what worked before. Some servers forget nonces without calling them
            // stale, so this challenge is the first of its own.
            digest.forget();
            put_credentials(request, Vec::new());
            answer = digest.answer(response, request, seed);
        }
        let failing = match answer {
            Ok(credentials) => {
                put_credentials(request, credentials);
                return Ok(());
            }
            Err(DigestError::WrongPassword { .. }) => (Fault::WrongPassword, Healing::Never),
            Err(DigestError::NoChallenge | DigestError::NoSupported { .. }) => {
                (Fault::AuthUnsupported, Healing::Never)
            }
            Err(DigestError::AlwaysStale) => (Fault::ServerError, Healing::InTime),
            Err(DigestError::Downgrade { .. }) => (Fault::WeakDigest, Healing::Never),
            Err(DigestError::ForeignRealm { .. }) => (Fault::ForeignServer, Healing::Never),
        };
        Err(Failing::new(failing.0, failing.1))
    }
}

/// These credentials, and none of those that were there.
fn put_credentials(request: &mut Request, credentials: Vec<(HeaderName, String)>) {
    request.headers.remove(&HeaderName::AUTHORIZATION);
    request.headers.remove(&HeaderName::PROXY_AUTHORIZATION);
    for (name, value) in credentials {
        request.headers.push(name, value);
    }
}

/// Whether it is the answer to this request, and final.
pub(super) fn is_final_answer(response: &Response, request: &Request) -> bool {
    response.status.is_final()
        && response.headers.call_id() == request.headers.call_id()
        && response.headers.cseq() == request.headers.cseq()
}

/// The lifetime that a 2xx grants: its Expires, else what was asked.
pub(super) fn granted(response: &Response, asked: Duration) -> Duration {
    response
        .headers
        .expires()
        .map_or(asked, |secs| Duration::from_secs(secs.into()))
        .min(MAX_EXPIRES)
}

/// The lifetime to ask for after a 423 (RFC 6665 section 4.2.1.1, RFC 3903 section 6): what the
/// server wants at least, if that is more than was asked and not absurd.
pub(super) fn longer(response: &Response, asked: Duration) -> Option<Duration> {
    let least = Duration::from_secs(response.headers.min_expires()?.into());
    (!asked.is_zero() && least > asked && least <= MAX_EXPIRES).then_some(least)
}

/// When to refresh what lasts this long: after 90%, and early enough that one unanswered request
/// does not cost it, as far as a short lifetime allows. Of that 85% to 100% at random, so that
/// what was begun at one moment is not refreshed at one moment.
pub(super) fn refresh_after(rng: &mut impl Rng, lifetime: Duration) -> Duration {
    let early = lifetime.saturating_sub(REFRESH_MARGIN).max(lifetime / 2);
    early
        .min(lifetime * 9 / 10)
        .mul_f64(rng.random_range(0.85..=1.0))
        .max(MIN_REFRESH)
}

/// The number after this one, below 2³¹ (RFC 3261 section 8.1.1.5).
pub(super) const fn next_cseq(seq: u32) -> u32 {
    if seq < 0x7fff_ffff { seq + 1 } else { 1 }
}

/// The server's own words, without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) status: Option<StatusCode>,
    pub(super) reason: Option<String>,
}

impl From<&Response> for Answered {
    fn from(response: &Response) -> Answered {
        let reason: String = response
            .reason
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_REASON)
            .collect();
        Answered {
            status: Some(response.status),
            reason: (!reason.is_empty()).then_some(reason),
        }
    }
}
