//! One published document, kept at a server and up to date (RFC 3903).
//!
//! ```text
//!       publish            2xx            remove                   2xx
//!  Idle ───────▶ Asking ────────▶ Held ───────────▶ Asking (zero) ─────▶ Idle
//!                ▲ │ ▲ ◀────────── due, publish
//!            due │ │ │ publish
//!                │ │ └──── Refused    403, 489, wrong password …
//!                │ ▼
//!             BackingOff              5xx, no answer …
//! ```
//!
//! The server names what it holds by an entity tag, which changes with each 2xx (section 4.1).
//! Where it has forgotten that (412), the whole document is published anew. At most one PUBLISH is
//! on its way; of the documents that come meanwhile only the latest is published.

mod asking;
mod config;
mod event;
mod request;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::soft_state::{self, Healing, MAX_EXPIRES, MIN_REFRESH, Signer};
use super::{NameAddr, Request, Response, SoftStateFailure};
pub use config::PublicationConfig;
pub use event::{PublicationEvent, PublicationOutput};

/// Documents do not follow each other more closely, however fast the person's state changes (RFC
/// 3903 section 10 wants a limit, and presence has none of its own).
const PAUSE: Duration = Duration::from_secs(1);

/// One publication, from the first document to its removal.
#[derive(Debug)]
pub struct Publication {
    config: PublicationConfig,
    state: State,
    /// What the server is to hold; `None`: nothing.
    wish: Option<Document>,
    outputs: VecDeque<PublicationOutput>,
    rng: ChaCha8Rng,
    signer: Signer,
    call_id: String,
    from_tag: String,
    cseq: u32,
    /// The lifetime that we ask for; a 423 makes it longer.
    expires: Duration,
    /// Failures in a row.
    failures: u32,
    /// Whether this server has ever accepted a document.
    was_held: bool,
    held: Option<Held>,
    /// When the latest document went out.
    published_at: Option<Instant>,
}

/// A document and its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Document {
    content_type: String,
    body: Vec<u8>,
}

/// What the server holds, as far as we know.
#[derive(Debug)]
struct Held {
    /// Its name; `None` when the server gave none, against section 6.
    tag: Option<String>,
    document: Document,
    until: Instant,
}

#[derive(Debug)]
enum State {
    /// Nothing is published, and nothing is wanted to be.
    Idle,
    /// A PUBLISH is on its way.
    Asking(Box<Ask>),
    /// The server has a document; it is refreshed, or replaced by a newer one, when it is due.
    Held { due: Instant },
    /// It failed in a way that may pass.
    BackingOff { retry_at: Instant },
    /// It was refused; only the person can leave this state.
    Refused,
}

/// What is asked, until it has its answer.
#[derive(Debug)]
struct Ask {
    /// As it was sent last.
    request: Request,
    kind: Kind,
    tries: u32,
    expires: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Puts this document there, for the first time or instead of another.
    Put(Document),
    /// Makes what is there last longer.
    Refresh,
    /// Takes away what is there.
    Remove,
}

impl Publication {
    /// A publication of nothing yet. `seed` makes the Call-ID, the tag and the jitter: give each
    /// publication another one.
    #[must_use]
    pub fn new(config: PublicationConfig, seed: u64) -> Publication {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Publication {
            state: State::Idle,
            wish: None,
            outputs: VecDeque::new(),
            call_id: format!("{:032x}", rng.random::<u128>()),
            from_tag: format!("{:016x}", rng.random::<u64>()),
            cseq: rng.random_range(1..0x7fff),
            rng,
            signer: Signer::new(config.credentials.clone()),
            expires: config.expires.clamp(MIN_REFRESH, MAX_EXPIRES),
            failures: 0,
            was_held: false,
            held: None,
            published_at: None,
            config,
        }
    }

    /// Whether the server holds a document of ours, as far as we know: also while it is refreshed
    /// or replaced, or when that failed.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Whether a PUBLISH is on its way.
    #[must_use]
    pub const fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking(_))
    }

    /// When [`Publication::handle_timeout`] is to be called; `None`: nothing until the next input.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Held { due } => Some(*due),
            State::BackingOff { retry_at } => Some(*retry_at),
            State::Idle | State::Asking(_) | State::Refused => None,
        }
    }

    /// This is the document from now on. The one that is held already is not sent again; one that
    /// was refused before is tried again.
    pub fn publish(&mut self, now: Instant, content_type: &str, body: Vec<u8>) {
        let document = Document {
            content_type: content_type.to_owned(),
            body,
        };
        let is_news = self.wish.as_ref() != Some(&document);
        self.wish = Some(document);
        match &self.state {
            // When the answer is there.
            State::Asking(_) => {}
            State::Refused => {
                // Nonces of the refused attempt must not speak against the next one.
                self.signer.forget();
                self.put(now);
            }
            State::Idle => self.put(now),
            State::Held { .. } if is_news => self.replace(now),
            // A server in trouble is not asked more often since the person is busy.
            State::Held { .. } | State::BackingOff { .. } => {}
        }
    }

    /// Takes the document back. Answered by [`PublicationEvent::Removed`], or by
    /// [`PublicationEvent::Failed`] when the server could not be told; then it forgets it in time.
    pub fn remove(&mut self, now: Instant) {
        self.wish = None;
        match self.state {
            // When the answer is there.
            State::Asking(_) => {}
            State::Idle => {}
            State::Held { .. } | State::BackingOff { .. } | State::Refused => self.take_back(now),
        }
    }

    /// The way of the next PUBLISH.
    pub fn set_route(&mut self, route: Vec<NameAddr>) {
        self.config.route = route;
    }

    /// Takes a response to the PUBLISH that is on its way.
    pub fn handle_response(&mut self, now: Instant, response: &Response) {
        let is_ours = |ask: &Ask| soft_state::is_final_answer(response, &ask.request);
        if let Some(ask) = self.take_ask(is_ours) {
            self.answered(now, ask, response);
        }
    }

    /// The PUBLISH that is on its way got no answer.
    pub fn handle_failure(&mut self, now: Instant, failure: SoftStateFailure) {
        if let Some(ask) = self.take_ask(|_| true) {
            self.unanswered(now, &ask, failure);
        }
    }

    /// Refreshes, replaces or tries again when it is time; early calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match (&self.state, &self.held) {
            (State::Held { .. }, Some(held)) if self.wish.as_ref() == Some(&held.document) => {
                self.refresh(now);
            }
            _ => self.put(now),
        }
    }

    /// What is to be done next; to be called until it answers `Wait`.
    pub fn poll_output(&mut self) -> PublicationOutput {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| PublicationOutput::Wait(self.deadline()))
    }

    fn tell(&mut self, event: PublicationEvent) {
        self.outputs.push_back(PublicationOutput::Event(event));
    }

    /// There is nothing published.
    fn end(&mut self) {
        self.held = None;
        self.failures = 0;
        self.state = State::Idle;
        self.tell(PublicationEvent::Removed);
    }

    /// Waits as long as `healing` says. Tells how long that is; `None`: until the person asks.
    fn back_off(&mut self, now: Instant, healing: Healing) -> Option<Duration> {
        let delay = healing.delay(&mut self.rng, &mut self.failures);
        self.state = match delay {
            Some(delay) => State::BackingOff {
                retry_at: now + delay,
            },
            None => {
                self.failures = 0;
                State::Refused
            }
        };
        delay
    }
}
