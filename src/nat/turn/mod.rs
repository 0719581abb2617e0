//! Traversal Using Relays around NAT, the client's side (RFC 8656), over UDP, TCP or TLS.
//!
//! - [`Client`]: one allocation, with its permissions and channels; long-term credentials.
//! - [`channel`]: data on a channel, without the allocation of a byte.
//! - [`Framer`]: messages and channel data out of a stream (section 12.5).
//! - [`ServerUri`]: `stun:`, `turn:`, `turns:` (RFC 7064, 7065).

pub mod channel;
mod client;
mod framer;
mod permissions;
mod requests;
#[cfg(test)]
mod tests;
mod uri;

pub use client::{Client, Config, Event, Failure, Output, Received, Transport};
pub use framer::Framer;
pub use uri::{Scheme, ServerUri};

use std::time::Duration;

/// Peers that may send through one allocation.
pub const MAX_PERMISSIONS: usize = 32;
/// Peers with a channel.
pub const MAX_CHANNELS: usize = 16;
/// Datagrams that wait for their peer's permission; further ones are dropped.
pub const MAX_WAITING: usize = 32;
/// Servers that send on to another one.
pub const MAX_ALTERNATES: u32 = 3;
/// Permissions and channels are renewed after this; they last 5 and 10 minutes.
pub const RENEW_AFTER: Duration = Duration::from_secs(240);
