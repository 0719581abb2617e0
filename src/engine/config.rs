//! What the engine is started with, and why it does not start.

use std::net::{IpAddr, SocketAddr};

use super::KeepChats;
use super::media::{MediaConfig, MediaError};
use crate::agent::AgentConfig;
use crate::net::BindError;
use crate::store::{Secrets, Settings, SettingsFile};

/// What the engine is started with.
pub struct EngineConfig {
    /// Listen on this address only; `None`: on all, IPv4 and IPv6.
    pub bind: Option<IpAddr>,
    /// The SIP port, UDP and TCP; 0: one that is free.
    pub port: u16,
    /// The DNS server to ask; `None`: those of the system.
    pub dns: Option<SocketAddr>,
    /// How the phone behaves.
    pub agent: AgentConfig,
    /// Sound: ports, devices, files.
    pub media: MediaConfig,
    /// Where settings are kept; `None`: nowhere, as for a call from the command line.
    pub settings: Option<(SettingsFile, Settings)>,
    /// Where conversations are kept.
    pub chats: KeepChats,
    /// Where passwords are kept.
    pub secrets: Box<dyn Secrets>,
    /// Whether Ctrl-C is the engine's to hear; it says [`super::Event::Interrupted`] then.
    pub hear_interrupts: bool,
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The SIP port is in use, or the address is none of ours.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A file or device for the sound cannot be had.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The system gives no thread.
    #[error("no thread")]
    Thread(#[source] std::io::Error),
    /// A fault of ours while starting; the panic has been reported.
    #[error("a fault while starting")]
    Panicked,
}
