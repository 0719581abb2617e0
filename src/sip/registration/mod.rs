//! One binding of an address of record to this phone, kept alive (RFC 3261 section 10).
//!
//! ```text
//!       register           2xx           unregister                  2xx
//!  Idle ────────▶ Asking ────────▶ Bound ──────────▶ Unregistering ───────▶ Idle
//!                 ▲ │ ▲ ◀─────────── due
//!             due │ │ │ register
//!                 │ │ └──── Refused    403, 404, wrong password …
//!                 │ ▼
//!              BackingOff              5xx, no answer …
//! ```
//!
//! At most one REGISTER is on its way: who asks for something else meanwhile is served when it is
//! answered. Call-ID stays, CSeq grows (section 10.2). The requests carry no Via; each goes to the
//! first of its Route headers, else to its Request-URI, which a redirection may have changed.

mod agreed;
mod config;
mod event;
mod granted;
mod request;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::backoff;
use super::soft_state::Answered;
use super::{
    Contacts, DigestClient, DigestError, HeaderError, HeaderName, NameAddr, Request, Response,
    StatusCode, Uri,
};
pub use agreed::Agreed;
pub use config::RegistrationConfig;
pub use event::{RegistrationEvent, RegistrationFailure, RegistrationFault, RegistrationOutput};

/// Requests sent to get one answer: challenges, redirections and shorter lifetimes in a row. A
/// server that wants more plays with us.
const MAX_TRIES: u32 = 8;
/// Redirections followed to get one answer.
const MAX_REDIRECTS: usize = 4;
/// The longest lifetime asked for at a registrar's wish (423), and the longest believed. A week is
/// longer than any registrar in use has.
const MAX_EXPIRES: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Left for a refresh before the binding runs out: the time after which a request without an answer
/// is given up (RFC 3261 section 17.1.2.2, timer F).
const REFRESH_MARGIN: Duration = Duration::from_secs(32);
/// Refreshes do not follow each other more closely, whatever the registrar grants.
const MIN_REFRESH: Duration = Duration::from_secs(1);
/// Routes kept of one response.
const MAX_ROUTES: usize = 16;
/// Bindings of before that are taken away with the next REGISTER.
const MAX_FORMER: usize = 4;

/// One binding, from the first REGISTER to its removal.
#[derive(Debug)]
pub struct Registration {
    config: RegistrationConfig,
    state: State,
    wish: Wish,
    outputs: VecDeque<RegistrationOutput>,
    rng: ChaCha8Rng,
    digest: Option<DigestClient>,
    call_id: String,
    from_tag: String,
    cseq: u32,
    /// Where REGISTER goes: the one of the settings, or where a 301 said that it moved.
    registrar: Uri,
    /// The lifetime that we ask for; a 423 makes it longer.
    expires: Duration,
    /// Whether the registrar may be told of RFC 5626; a 439 ends it.
    outbound: bool,
    /// Failures in a row (RFC 5626 section 4.5).
    failures: u32,
    /// Whether this registrar has ever accepted us.
    was_bound: bool,
    /// Until when the registrar holds a binding of ours, as far as we know.
    bound_until: Option<Instant>,
    service_route: Vec<NameAddr>,
    path: Vec<NameAddr>,
    agreed: Agreed,
    /// Where we were reached before, and may still be bound.
    former: Vec<NameAddr>,
    /// Somebody else reaches the registrar for us.
    others_stand: bool,
}

/// What the person wants, whatever is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Bound,
    Unbound,
}

#[derive(Debug)]
enum State {
    /// No binding, and none is wanted.
    Idle,
    /// A REGISTER that makes or refreshes the binding is on its way.
    Asking(Box<Ask>),
    /// The registrar knows where we are.
    Bound { refresh_at: Instant },
    /// It failed in a way that may pass.
    BackingOff { retry_at: Instant },
    /// The registrar said no; only the person can leave this state.
    Refused,
    /// A REGISTER that removes the binding is on its way.
    Unregistering(Box<Ask>),
}

/// What is asked, until it has its answer.
#[derive(Debug)]
struct Ask {
    /// As it was sent last.
    request: Request,
    tries: u32,
    /// Where we were sent to, in order; the last is where it goes.
    detours: Vec<Uri>,
    /// Zero takes the binding away.
    expires: Duration,
}

/// What a final answer means.
enum Verdict {
    /// Ask again at once, with this.
    Again(Box<Ask>),
    Granted,
    Failed(Failing),
}

/// Why an attempt came to nothing, and whether time may heal it.
struct Failing {
    fault: RegistrationFault,
    healing: Healing,
}

#[derive(Clone, Copy)]
enum Healing {
    /// After a while of our own choice.
    InTime,
    /// After what the server says.
    After(Duration),
    /// Not by itself.
    Never,
}

impl Registration {
    /// A binding that nobody has asked for yet. `seed` makes the Call-ID, the tag and the jitter:
    /// give each registration another one.
    #[must_use]
    pub fn new(config: RegistrationConfig, seed: u64) -> Registration {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let call_id = format!("{:032x}", rng.random::<u128>());
        let from_tag = format!("{:016x}", rng.random::<u64>());
        let cseq = rng.random_range(1..0x7fff);
        Registration {
            state: State::Idle,
            wish: Wish::Unbound,
            outputs: VecDeque::new(),
            rng,
            digest: config.credentials.clone().map(DigestClient::for_registrar),
            call_id,
            from_tag,
            cseq,
            registrar: config.registrar.clone(),
            expires: config.expires.clamp(MIN_REFRESH, MAX_EXPIRES),
            outbound: config.instance_id.is_some() && config.reg_id.is_some(),
            failures: 0,
            was_bound: false,
            bound_until: None,
            service_route: Vec::new(),
            path: Vec::new(),
            agreed: Agreed::default(),
            former: Vec::new(),
            others_stand: false,
            config,
        }
    }

    /// The way that requests of this account are to go (RFC 3608), from the latest 200.
    #[must_use]
    pub fn service_route(&self) -> &[NameAddr] {
        &self.service_route
    }

    /// The proxies through which requests come to us (RFC 3327), from the latest 200.
    #[must_use]
    pub fn path(&self) -> &[NameAddr] {
        &self.path
    }

    /// What the registrar agreed to beside the binding, by the latest 200.
    #[must_use]
    pub const fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// Whether the registrar holds a binding of ours, as far as we know: also while it is
    /// refreshed, or when a refresh failed.
    #[must_use]
    pub const fn is_bound(&self) -> bool {
        self.bound_until.is_some()
    }

    /// Which of this phone's flows it is for (RFC 5626 section 4.2), from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.config.reg_id.unwrap_or(1)
    }

    /// Whether another flow stands meanwhile: then a failure of this one is less urgent (RFC 5626
    /// section 4.5).
    pub const fn set_others_stand(&mut self, stand: bool) {
        self.others_stand = stand;
    }

    /// Whether a REGISTER is on its way.
    #[must_use]
    pub const fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking(_) | State::Unregistering(_))
    }

    /// When [`Registration::handle_timeout`] is to be called; `None`: nothing until the next input.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Bound { refresh_at } => Some(*refresh_at),
            State::BackingOff { retry_at } => Some(*retry_at),
            State::Idle | State::Asking(_) | State::Refused | State::Unregistering(_) => None,
        }
    }

    /// Makes the binding, or refreshes it, at once: also when the registrar has refused before.
    pub fn register(&mut self, _now: Instant) {
        self.wish = Wish::Bound;
        match self.state {
            // When the answer is there.
            State::Asking(_) | State::Unregistering(_) => {}
            State::Refused => {
                // Nonces of the refused attempt must not speak against the next one.
                self.digest = self
                    .config
                    .credentials
                    .clone()
                    .map(DigestClient::for_registrar);
                self.ask();
            }
            State::Idle | State::Bound { .. } | State::BackingOff { .. } => self.ask(),
        }
    }

    /// Removes the binding (RFC 3261 section 10.2.2). Answered by
    /// [`RegistrationEvent::Unregistered`], or by [`RegistrationEvent::Failed`] when the registrar
    /// could not be told; then it forgets the binding in time.
    pub fn unregister(&mut self, _now: Instant) {
        self.wish = Wish::Unbound;
        match self.state {
            // When the answer is there.
            State::Asking(_) | State::Unregistering(_) => {}
            State::Idle => {}
            State::Bound { .. } | State::BackingOff { .. } | State::Refused => self.leave(),
        }
    }

    /// Takes a response to the REGISTER that is on its way.
    pub fn handle_response(&mut self, now: Instant, response: &Response) {
        let late = response
            .headers
            .cseq()
            .is_ok_and(|cseq| cseq.seq < self.cseq);
        if late || response.status.is_provisional() {
            return;
        }
        let Some((ask, removing)) = self.take_ask() else {
            return;
        };
        match self.judge(ask, response) {
            Verdict::Again(ask) if removing => {
                self.transmit(&ask);
                self.state = State::Unregistering(ask);
            }
            Verdict::Again(_) if self.wish == Wish::Unbound => self.leave(),
            Verdict::Again(ask) => {
                self.transmit(&ask);
                self.state = State::Asking(ask);
            }
            Verdict::Granted if removing => {
                self.end();
                if self.wish == Wish::Bound {
                    self.ask();
                }
            }
            Verdict::Granted => self.granted(now, response),
            Verdict::Failed(failing) => {
                self.failed(now, removing, failing, Answered::from(response));
            }
        }
    }

    /// The REGISTER that is on its way got no answer.
    pub fn handle_failure(&mut self, now: Instant, failure: RegistrationFailure) {
        let Some((_, removing)) = self.take_ask() else {
            return;
        };
        let fault = match failure {
            RegistrationFailure::Timeout => RegistrationFault::Timeout,
            RegistrationFailure::Transport => RegistrationFault::Unreachable,
            RegistrationFailure::Unencrypted => RegistrationFault::Unencrypted,
        };
        let healing = match failure {
            RegistrationFailure::Timeout | RegistrationFailure::Transport => Healing::InTime,
            // It fails as often as it is tried.
            RegistrationFailure::Unencrypted => Healing::Never,
        };
        let failing = Failing { fault, healing };
        self.failed(now, removing, failing, Answered::default());
    }

    /// From the next REGISTER on this phone is reached there. The same one takes the old binding
    /// away, so that there is no moment without one.
    pub fn relocate(&mut self, contact: NameAddr) {
        if self.config.contact == contact {
            return;
        }
        let old = std::mem::replace(&mut self.config.contact, contact);
        self.former.retain(|former| *former != self.config.contact);
        if self.bound_until.is_some() && self.former.len() < MAX_FORMER {
            self.former.push(old);
        }
    }

    /// The REGISTER that is on its way goes out once more, for its owner knows another server of
    /// the registrar's; what the first one knew of us need not be known there. Says whether it
    /// does: it was on its way, and has not been sent too often.
    pub fn send_elsewhere(&mut self) -> bool {
        let (State::Asking(ask) | State::Unregistering(ask)) = &self.state else {
            return false;
        };
        if ask.tries >= MAX_TRIES {
            return false;
        }
        let Some((mut ask, removing)) = self.take_ask() else {
            return false;
        };
        if let Some(digest) = &mut self.digest {
            digest.forget();
        }
        let target = ask.request.uri.clone();
        ask.request = self.build(&target, ask.expires);
        ask.tries += 1;
        self.transmit(&ask);
        self.state = if removing {
            State::Unregistering(ask)
        } else {
            State::Asking(ask)
        };
        true
    }

    /// Refreshes or tries again when it is time; early calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.bound_until.is_some_and(|until| until <= now) {
            self.bound_until = None;
        }
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.ask();
        }
    }

    /// What is to be done next; to be called until it answers `Wait`.
    pub fn poll_output(&mut self) -> RegistrationOutput {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| RegistrationOutput::Wait(self.deadline()))
    }

    /// What is on its way, and whether it removes the binding. Leaves `Idle` behind.
    fn take_ask(&mut self) -> Option<(Box<Ask>, bool)> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Asking(ask) => Some((ask, false)),
            State::Unregistering(ask) => Some((ask, true)),
            state @ (State::Idle
            | State::Bound { .. }
            | State::BackingOff { .. }
            | State::Refused) => {
                self.state = state;
                None
            }
        }
    }

    /// Sends the first request of an attempt to bind.
    fn ask(&mut self) {
        let ask = self.first_ask(self.expires);
        self.state = State::Asking(ask);
    }

    /// Removes what binding there is.
    fn leave(&mut self) {
        if self.bound_until.is_some() {
            let ask = self.first_ask(Duration::ZERO);
            self.state = State::Unregistering(ask);
        } else {
            self.end();
        }
    }

    /// There is no binding.
    fn end(&mut self) {
        self.forget_binding();
        self.failures = 0;
        self.state = State::Idle;
        self.tell(RegistrationEvent::Unregistered);
    }

    fn forget_binding(&mut self) {
        self.bound_until = None;
        self.former.clear();
        self.service_route.clear();
        self.path.clear();
        self.agreed = Agreed::default();
    }

    fn tell(&mut self, event: RegistrationEvent) {
        self.outputs.push_back(RegistrationOutput::Event(event));
    }

    fn transmit(&mut self, ask: &Ask) {
        self.outputs
            .push_back(RegistrationOutput::Send(ask.request.clone()));
    }

    fn first_ask(&mut self, expires: Duration) -> Box<Ask> {
        let target = self.registrar.clone();
        let request = self.build_signed(&target, expires);
        let ask = Ask {
            request,
            tries: 1,
            detours: Vec::new(),
            expires,
        };
        self.transmit(&ask);
        Box::new(ask)
    }

    /// The next request, with credentials for the challenges that are remembered.
    fn build_signed(&mut self, target: &Uri, expires: Duration) -> Request {
        let mut request = self.build(target, expires);
        if let Some(digest) = &mut self.digest {
            for (name, value) in digest.preemptive(&request) {
                request.headers.push(name, value);
            }
        }
        request
    }

    /// The next request under a higher number, to `target`.
    fn build(&mut self, target: &Uri, expires: Duration) -> Request {
        // Stays below 2³¹ (RFC 3261 section 8.1.1.5).
        self.cseq = if self.cseq < 0x7fff_ffff {
            self.cseq + 1
        } else {
            1
        };
        request::register(&request::Parts {
            config: &self.config,
            target,
            call_id: &self.call_id,
            from_tag: &self.from_tag,
            cseq: self.cseq,
            expires,
            outbound: self.outbound,
            former: &self.former,
        })
    }

    /// What a final answer means.
    fn judge(&mut self, ask: Box<Ask>, response: &Response) -> Verdict {
        use RegistrationFault as Fault;
        let again = ask.tries < MAX_TRIES;
        let healing = match response.headers.retry_after() {
            Some(secs) => Healing::After(Duration::from_secs(secs.into())),
            None => Healing::InTime,
        };
        // A registrar that starts without its list of users knows nobody for a while.
        let unless_bound_before = if self.was_bound {
            healing
        } else {
            Healing::Never
        };
        let (fault, healing) = match response.status.code() {
            200..=299 => return Verdict::Granted,
            300..=399 if again => return self.follow(ask, response),
            401 | 407 if again => return self.authenticate(ask, response),
            423 if again => return self.ask_longer(ask, response),
            // The first proxy does not know RFC 5626: register as everybody did before.
            439 if again && self.outbound => {
                self.outbound = false;
                return self.retry(ask);
            }
            300..=399 | 401 | 407 | 423 | 439 => (Fault::ServerError, healing),
            403 | 603 => (Fault::Forbidden, unless_bound_before),
            404 | 410 | 604 => (Fault::NotFound, unless_bound_before),
            408 | 504 => (Fault::Timeout, healing),
            // No registrar at all, or one of another kind.
            501 | 505 | 513 | 580 => (Fault::Rejected, Healing::Never),
            430 | 480 | 486 | 491 | 500..=599 => (Fault::ServerError, healing),
            _ if matches!(healing, Healing::After(_)) => (Fault::ServerError, healing),
            _ => (Fault::Rejected, Healing::Never),
        };
        failing(fault, healing)
    }

    /// The same once more under a new number, to where it went last.
    fn retry(&mut self, mut ask: Box<Ask>) -> Verdict {
        let target = ask.detours.last().unwrap_or(&self.registrar).clone();
        ask.request = self.build_signed(&target, ask.expires);
        ask.tries += 1;
        Verdict::Again(ask)
    }

    /// Answers a challenge.
    fn authenticate(&mut self, mut ask: Box<Ask>, response: &Response) -> Verdict {
        let Some(digest) = &mut self.digest else {
            return failing(RegistrationFault::PasswordNeeded, Healing::Never);
        };
        let seed = self.rng.random();
        let mut answer = digest.answer(response, &ask.request, seed);
        if ask.tries == 1 && matches!(answer, Err(DigestError::WrongPassword { .. })) {
            // It carried what worked before. Some servers forget nonces without calling them
            // stale, so this challenge is the first of its own.
            digest.forget();
            ask.request.headers.remove(&HeaderName::AUTHORIZATION);
            ask.request.headers.remove(&HeaderName::PROXY_AUTHORIZATION);
            answer = digest.answer(response, &ask.request, seed);
        }
        match answer {
            Ok(credentials) => {
                let target = ask.request.uri.clone();
                ask.request = self.build(&target, ask.expires);
                for (name, value) in credentials {
                    ask.request.headers.push(name, value);
                }
                ask.tries += 1;
                Verdict::Again(ask)
            }
            Err(DigestError::WrongPassword { .. }) => {
                failing(RegistrationFault::WrongPassword, Healing::Never)
            }
            // The registrar's own realm is never foreign.
            Err(
                DigestError::NoChallenge
                | DigestError::NoSupported { .. }
                | DigestError::ForeignRealm { .. },
            ) => failing(RegistrationFault::AuthUnsupported, Healing::Never),
            Err(DigestError::Downgrade { .. }) => {
                failing(RegistrationFault::WeakDigest, Healing::Never)
            }
            Err(DigestError::AlwaysStale) => {
                failing(RegistrationFault::ServerError, Healing::InTime)
            }
        }
    }

    /// Goes where a 3xx says (RFC 3261 section 8.1.3.4).
    fn follow(&mut self, mut ask: Box<Ask>, response: &Response) -> Verdict {
        let must_be_secure = is_secure(&self.config.registrar);
        let mut contacts = match response.headers.contacts() {
            Ok(Contacts::List(contacts)) => contacts,
            Ok(Contacts::Star) | Err(_) => Vec::new(),
        };
        contacts.retain(|contact| {
            let uri = request::registrar_uri(&contact.uri);
            uri.as_sip().is_some()
                && (is_secure(&uri) || !must_be_secure)
                && !ask.request.uri.equivalent(&uri)
                && !ask
                    .detours
                    .iter()
                    .chain([&self.registrar])
                    .any(|tried| request::registrar_uri(tried).equivalent(&uri))
        });
        // The first of those with the highest q; none said is 1 (RFC 3261 section 20.10).
        let quality = |contact: &NameAddr| contact.q().unwrap_or(1.0);
        let best = contacts.into_iter().reduce(|best, next| {
            if quality(&next) > quality(&best) {
                next
            } else {
                best
            }
        });
        let Some(best) = best.filter(|_| ask.detours.len() < MAX_REDIRECTS) else {
            return failing(RegistrationFault::ServerError, Healing::InTime);
        };
        if response.status == StatusCode::MOVED_PERMANENTLY {
            self.registrar = request::registrar_uri(&best.uri);
        }
        ask.detours.push(best.uri);
        self.retry(ask)
    }

    /// Asks for as long as the registrar wants at least (RFC 3261 section 10.2.8).
    fn ask_longer(&mut self, mut ask: Box<Ask>, response: &Response) -> Verdict {
        let least = response
            .headers
            .min_expires()
            .map(|secs| Duration::from_secs(secs.into()));
        let acceptable = |least: &Duration| {
            !ask.expires.is_zero() && *least > ask.expires && *least <= MAX_EXPIRES
        };
        let Some(least) = least.filter(acceptable) else {
            return failing(RegistrationFault::IntervalRejected, Healing::Never);
        };
        self.expires = least;
        ask.expires = least;
        self.retry(ask)
    }

    /// The registrar says that it knows us.
    fn granted(&mut self, now: Instant, response: &Response) {
        if let Some(digest) = &mut self.digest {
            digest.learn_next_nonce(response);
        }
        let expires = granted::lifetime(response, &self.config, self.expires).min(MAX_EXPIRES);
        if expires.is_zero() {
            self.forget_binding();
            let fault = RegistrationFault::IntervalRejected;
            let failing = Failing {
                fault,
                healing: Healing::InTime,
            };
            self.failed(now, false, failing, Answered::from(response));
            return;
        }
        let kept = |routes: Result<Vec<NameAddr>, HeaderError>| -> Vec<NameAddr> {
            routes
                .unwrap_or_default()
                .into_iter()
                .take(MAX_ROUTES)
                .collect()
        };
        self.service_route = kept(response.headers.service_routes());
        self.path = kept(response.headers.paths());
        self.agreed = Agreed::of(response, &self.config);
        self.failures = 0;
        self.was_bound = true;
        self.former.clear();
        self.bound_until = Some(now + expires);
        if self.wish == Wish::Unbound {
            self.leave();
            return;
        }
        self.state = State::Bound {
            refresh_at: now + refresh_after(expires),
        };
        let service_route = self.service_route.clone();
        self.tell(RegistrationEvent::Registered {
            expires,
            service_route,
        });
    }

    /// An attempt came to nothing.
    fn failed(&mut self, now: Instant, removing: bool, failing: Failing, answered: Answered) {
        // Where a 301 sent us may be gone; the settings are the last word.
        self.registrar.clone_from(&self.config.registrar);
        let lasting = matches!(failing.healing, Healing::Never);
        if removing || lasting || self.bound_until.is_some_and(|until| until <= now) {
            self.forget_binding();
        }
        let retry_in = match (self.wish, removing) {
            // To make the binding again was wished while it was being removed.
            (Wish::Bound, true) => return self.ask(),
            (Wish::Unbound, false) => return self.leave(),
            (Wish::Unbound, true) => {
                self.state = State::Idle;
                None
            }
            (Wish::Bound, false) if lasting => {
                self.state = State::Refused;
                None
            }
            (Wish::Bound, false) => {
                self.failures = self.failures.saturating_add(1);
                let delay = match failing.healing {
                    Healing::After(told) => backoff::told(&mut self.rng, told),
                    Healing::InTime | Healing::Never => {
                        backoff::own_beside(&mut self.rng, self.failures, self.others_stand)
                    }
                };
                self.state = State::BackingOff {
                    retry_at: now + delay,
                };
                Some(delay)
            }
        };
        if retry_in.is_none() {
            self.failures = 0;
        }
        self.tell(RegistrationEvent::Failed {
            cause: failing.fault,
            status: answered.status,
            reason: answered.reason,
            retry_in,
        });
    }
}

fn failing(fault: RegistrationFault, healing: Healing) -> Verdict {
    Verdict::Failed(Failing { fault, healing })
}

fn is_secure(uri: &Uri) -> bool {
    uri.as_sip().is_some_and(|sip| sip.secure)
}

/// When to refresh a binding of this lifetime: after 90%, and early enough that one unanswered
/// request does not cost it, as far as a short lifetime allows.
fn refresh_after(expires: Duration) -> Duration {
    let early = expires.saturating_sub(REFRESH_MARGIN).max(expires / 2);
    early.min(expires * 9 / 10).max(MIN_REFRESH)
}
