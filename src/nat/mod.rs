//! Reaching the other side through address translators: ICE (RFC 8445, 8839, 7675), STUN (RFC
//! 8489), TURN (RFC 8656), and what is told apart on a media port (RFC 7983).
//!
//! Values in, values out: nothing here knows sockets, clocks, SIP or SDP.
//!
//! - [`ice`]: an agent that finds the way to the other side's agent.
//! - [`stun`]: messages, read and written; one binding request with its answer.
//! - [`turn`]: an address lent by a server that passes everything on.
//! - [`demux`]: which protocol a datagram of a media port belongs to.

pub mod demux;
pub mod ice;
pub mod stun;
pub mod turn;

#[cfg(test)]
pub(crate) mod simulated;

#[cfg(test)]
pub(crate) mod testing;
