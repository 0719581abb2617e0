//! Where clock, sockets, threads and state machines meet.

mod command;
mod snapshot;

pub use command::Command;
pub use snapshot::{
    AccountView, AudioView, CallPhase, CallView, Direction, Grade, Levels, Notice, Quality,
    RecentCall, Snapshot,
};
