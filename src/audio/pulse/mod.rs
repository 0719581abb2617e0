//! PulseAudio's native protocol over its local socket; PipeWire speaks it as well.
//!
//! One connection and one thread for each stream: the thread waits in a read, so that it can
//! never hang in a library, and closing the socket ends it. The words of the protocol come from
//! the `pulseaudio` crate; its client does not, since that leaves a thread and a connection
//! behind for every question and clears a megabyte for every answer.

mod connection;
mod listing;
mod stream;

pub(super) use connection::{Connection, HangUp, is_there};
pub(super) use listing::{list, subscribe};
pub(super) use stream::{Handle, open_capture, open_playout};

/// The sound system's name.
pub(super) const NAME: &str = "PulseAudio";
