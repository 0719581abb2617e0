//! The phone itself, without clock, socket or thread: accounts and calls.

mod account;
mod command;
mod event;

pub use account::{AccountConfig, AccountId, AccountState, RegistrationCause};
pub use command::Command;
pub use event::{CallEnd, CallId, EndCause, Event, Party, Refusal, Side};
