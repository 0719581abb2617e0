//! Transactions (RFC 3261 section 17, RFC 6026): a request, its repetitions and its answers.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `invite_client` `client` `invite_server` `server` | the four machines, free of messages |
//! | `accepted` | the repetition of a 2xx until its ACK |
//! | `timers` `step` | what the machines are set with, and what they ask for |
//! | `clients` `servers` | the tables: messages beside their machines |
//! | `matching` `routing` `derived` `token` | which transaction, where to, ACK and CANCEL, branches |
//! | `layer` `event` | the whole, and its vocabulary |
//!
//! Sans-IO: messages and times go in, bytes and events come out of
//! [`TransactionLayer::poll_output`].

mod accepted;
mod client;
mod clients;
mod deadlines;
mod derived;
mod event;
mod invite_client;
mod invite_server;
mod layer;
mod matching;
mod outbox;
mod routing;
mod server;
mod servers;
mod step;
mod timers;
mod token;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use event::{
    ClientKey, ConnectionId, Event, Failure, Limits, Output, Peer, RespondError, SendError,
    ServerKey,
};
pub use layer::TransactionLayer;
pub use matching::{hops_exhausted, passed_through};
pub use timers::Timers;
