//! Where clock, sockets, threads and state machines meet.

pub mod clock;
mod command;
mod snapshot;

pub use command::Command;
pub use snapshot::{
    AccountView, AudioView, CallPhase, CallView, Direction, Grade, Levels, Notice, Quality,
    RecentCall, Snapshot,
};
