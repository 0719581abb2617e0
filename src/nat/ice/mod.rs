//! Interactive Connectivity Establishment: a full agent (RFC 8445) for one media stream.
//!
//! - [`candidate`] and [`description`]: what stands in SDP (RFC 8839), read and written.
//! - [`Agent`]: gathers, checks, nominates, watches consent (RFC 7675), and can start anew.
//! - [`Path`]: the way that was found, how it came about, and what else was tried
//!   ([`Agent::tried`]).
//!
//! ```text
//!  add_host, add_relayed ─→ gathering ─→ Event::Candidate…, Event::Gathered
//!  set_remote ─→ checks, one each 50 ms ─→ Event::Path (first valid pair, then the chosen one)
//!             └→ nothing answers for 39.5 s ─→ Event::Failed
//!  chosen ─→ consent each 5 s ─→ 30 s without ─→ Event::ConsentLost ─→ restart
//! ```

mod agent;
pub mod candidate;
mod checks;
mod consent;
pub mod description;
mod gathering;
mod incoming;
mod nomination;
mod path;
#[cfg(test)]
mod tests;

pub use agent::{Agent, Config, Event, Output, Role, Transmit};
pub use candidate::{Candidate, CandidateDefect, CandidateKind};
pub use description::{Credentials, Own, Remote};
pub use path::{Path, PathKind, Tried, TriedState};

use std::time::Duration;

/// Between two checks (RFC 8445 section 14.2, Ta).
pub const PACE: Duration = Duration::from_millis(50);
/// Local candidates of one stream; further ones are not taken.
pub const MAX_LOCAL: usize = 32;
/// Candidates of the other side for one component; further ones are ignored, whether they come
/// in SDP or by checks.
pub const MAX_REMOTE: usize = 32;
/// Pairs of one stream; the worst are left out (RFC 8445 section 6.1.2.5).
pub const MAX_PAIRS: usize = 100;
/// Checks that came before the description did, kept until then.
pub const MAX_EARLY: usize = 16;
/// How long nothing may answer before it is told as failed (RFC 8863 section 4).
pub const PATIENCE: Duration = Duration::from_millis(39_500);
/// Between two requests that keep a mapped address while nothing else does (RFC 8445 section 11).
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);
