//! Sockets for signalling: UDP and TCP on one port, TLS and WebSocket towards servers, and what the machine says of its network.
//!
//! Carries bytes and decides nothing: what a datagram or a piece of a stream means is its
//! reader's business. Everything that happens comes as a [`NetEvent`] through one bounded
//! channel; when its reader falls behind, datagrams are dropped, as UDP allows, and streams wait,
//! as TCP allows.
//!
//! - [`udp`]: datagrams, and ICMP's word about those that did not arrive.
//! - [`tcp`]: connections in both directions, reused by address or by number.
//! - [`changes`]: addresses and routes that come and go.
//! - [`dns`]: questions to DNS servers.
//! - [`tls`]: encrypted ones, towards whom it was verified for.
//! - [`websocket`]: those that carry messages instead of bytes.
//! - [`lookup()`]: names to addresses by the system, with a limit in time.
//! - [`interfaces`]: which of our addresses faces a given remote one.
//! - [`owner`]: who holds a port that we wanted.

pub mod changes;
pub mod dns;
pub mod interfaces;
pub mod lookup;
pub mod owner;
pub mod tcp;
pub mod tls;
pub mod udp;
pub mod websocket;

mod bind;
mod connection;
mod judge;
mod link;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc;

pub use self::bind::BindError;
pub use self::changes::{Changes, Outlook};
pub use self::dns::Resolver;
pub use self::interfaces::local_address_towards;
pub use self::link::{Dial, Reserved};
pub use self::lookup::lookup;
pub use self::tcp::StreamError;
use self::tcp::Streams;
pub use self::tls::TlsClient;
use self::udp::UdpPort;
pub use self::websocket::WebSocketOffer;
use crate::trust::Secured;

/// Differentiated services code point CS3, for signalling (RFC 4594 section 4.1), as it stands
/// in the traffic class octet.
const CS3: u32 = 24 << 2;

/// One TCP connection, in either direction. Numbers are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}", self.0)
    }
}

/// What protocol a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Udp => "UDP",
            Protocol::Tcp => "TCP",
        })
    }
}

/// What happened on the sockets.
#[derive(Debug)]
pub enum NetEvent {
    /// A datagram came.
    Datagram {
        /// The socket it came to.
        local: SocketAddr,
        /// Who sent it.
        remote: SocketAddr,
        /// Its content; may be empty.
        bytes: Vec<u8>,
    },
    /// A connection stands: accepted, or opened by [`Sockets::send_stream`].
    StreamOpened {
        /// Its number from here on.
        id: StreamId,
        /// Our end.
        local: SocketAddr,
        /// The other end.
        remote: SocketAddr,
        /// Whom it was verified to lead to; `None`: it is not encrypted.
        secured: Option<Box<Secured>>,
    },
    /// The next piece of a stream, cut wherever the network cut it; of a WebSocket a whole message.
    /// Never empty.
    StreamData {
        /// Which connection.
        id: StreamId,
        /// The piece.
        bytes: Vec<u8>,
    },
    /// A connection is gone, or never came to stand. The last event with this number.
    StreamClosed {
        /// Which connection.
        id: StreamId,
        /// Its other end.
        remote: SocketAddr,
        /// Why; `None`: closed by either side in good order.
        error: Option<StreamError>,
        /// Messages that were handed over and not given to the network whole.
        unsent: usize,
    },
    /// The network returned word that a datagram did not arrive: nobody listens there, or no way
    /// leads there. Comes later than the sending, and not for every loss.
    SendFailed {
        /// The socket it was sent from.
        local: SocketAddr,
        /// Whom it was for.
        remote: SocketAddr,
        /// What the network said.
        error: io::Error,
    },
    /// A socket is of no use any more; it is not read again.
    SocketFailed {
        /// Which protocol.
        protocol: Protocol,
        /// Its address.
        local: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

/// One local address to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Address and port; port 0: any free one, the same for all binds and both protocols.
    pub addr: SocketAddr,
    /// Whether failing here fails the whole. IPv6 beside IPv4 usually is not required: many
    /// machines have none.
    pub required: bool,
}

/// How the sockets behave.
#[derive(Clone, Debug)]
pub struct Config {
    /// The addresses to serve, at least one.
    pub binds: Vec<Bind>,
    /// Whether to accept TCP connections. Opening them is possible in any case.
    pub listen: bool,
    /// Events that may wait to be read.
    pub events: usize,
    /// TCP's limits.
    pub streams: tcp::Limits,
}

impl Config {
    /// UDP and TCP on one address.
    #[must_use]
    pub fn on(addr: SocketAddr) -> Config {
        Config {
            binds: vec![Bind {
                addr,
                required: true,
            }],
            listen: true,
            events: 256,
            streams: tcp::Limits::default(),
        }
    }
}

/// Why something was not taken for sending.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No socket of ours reaches this kind of address.
    #[error("no local socket for {0}")]
    NoSocket(SocketAddr),
    /// The connection is closed, or never was.
    #[error("{0} is closed")]
    Closed(StreamId),
    /// Too much is waiting already: on a connection because its other end does not read, on
    /// UDP because the network card does not keep up. Nothing was taken.
    #[error("too much is waiting to be sent to {0}")]
    QueueFull(SocketAddr),
    /// No further connection may be opened.
    #[error("too many connections are open")]
    TooManyStreams,
    /// More octets than one datagram carries.
    #[error("{0} octets do not fit a datagram")]
    TooLarge(usize),
    /// The system refused.
    #[error("not sent to {remote}")]
    Io {
        /// Whom it was for.
        remote: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// The signalling sockets of the phone. Dropping them closes everything at once; see
/// [`Sockets::shutdown`] for the polite way.
#[derive(Debug)]
pub struct Sockets {
    udp: Vec<UdpPort>,
    streams: Streams,
}

impl Sockets {
    /// Opens the sockets and begins to read them. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`BindError`] names the address that could not be had, and why.
    pub fn bind(config: &Config) -> Result<(Sockets, mpsc::Receiver<NetEvent>), BindError> {
        let (events, receiver) = mpsc::channel(config.events.max(1));
        let bound = bind::bind(&config.binds, config.listen)?;
        let locals: Vec<SocketAddr> = bound.iter().map(|pair| pair.addr).collect();
        let mut streams = Streams::new(config.streams, events.clone(), &locals);
        let mut udp = Vec::new();
        for pair in bound {
            udp.push(UdpPort::start(pair.udp, pair.addr, events.clone()));
            if let Some(listener) = pair.tcp {
                streams.listen(listener, pair.addr);
            }
        }
        Ok((Sockets { udp, streams }, receiver))
    }

    /// The addresses served, with the ports that were given.
    pub fn local_addrs(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.udp.iter().map(UdpPort::local)
    }

    /// Sends one datagram, from `local` if that is one of ours, else from the first socket of
    /// the right family. Answers the address of the socket it left from.
    ///
    /// # Errors
    ///
    /// [`SendError`]; what the network says later comes as [`NetEvent::SendFailed`].
    pub fn send_datagram(
        &self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        bytes: &[u8],
    ) -> Result<SocketAddr, SendError> {
        let family = |port: &&UdpPort| port.local().is_ipv4() == remote.is_ipv4();
        let exact = self
            .udp
            .iter()
            .find(|port| Some(port.local()) == local)
            .filter(family);
        let port = exact
            .or_else(|| self.udp.iter().find(family))
            .ok_or(SendError::NoSocket(remote))?;
        port.send(remote, bytes)?;
        Ok(port.local())
    }

    /// Sends bytes on a connection to `remote`: the one that stands, in whichever direction it
    /// was opened, or a fresh one. Answers its number at once; if it never comes to stand,
    /// [`NetEvent::StreamClosed`] says why.
    ///
    /// # Errors
    ///
    /// [`SendError`]; then nothing was taken.
    pub fn send_stream(&self, remote: SocketAddr, bytes: Vec<u8>) -> Result<StreamId, SendError> {
        self.streams.send_to(remote, bytes)
    }

    /// Takes a port from which a connection to `remote` can be opened.
    ///
    /// # Errors
    ///
    /// [`SendError::Io`]: the system gives none.
    pub fn reserve(&self, remote: SocketAddr) -> Result<Reserved, SendError> {
        self.streams.reserve(remote)
    }

    /// Opens a connection as `dial` says, shared with nobody, and sends bytes as the first on it.
    /// Answers its number at once; if it never comes to stand, [`NetEvent::StreamClosed`] says why.
    ///
    /// # Errors
    ///
    /// [`SendError`]; then nothing was taken.
    pub fn open_stream(&self, dial: Dial, bytes: Vec<u8>) -> Result<StreamId, SendError> {
        self.streams.open(dial, bytes)
    }

    /// Sends bytes on this connection and no other, as answers to what came on it must.
    ///
    /// # Errors
    ///
    /// [`SendError`]; then nothing was taken.
    pub fn send_on(&self, id: StreamId, bytes: Vec<u8>) -> Result<(), SendError> {
        self.streams.send_on(id, bytes)
    }

    /// Closes a connection once what waits on it is sent.
    pub fn close_stream(&self, id: StreamId) {
        self.streams.close(id);
    }

    /// Connections that stand or are being opened.
    #[must_use]
    pub fn stream_count(&self) -> usize {
        self.streams.count()
    }

    /// Datagrams dropped because the events were not read fast enough.
    #[must_use]
    pub fn dropped_datagrams(&self) -> u64 {
        self.udp.iter().map(UdpPort::dropped).sum()
    }

    /// Sends what waits, for at most `grace`, closes everything and gives the ports back.
    pub async fn shutdown(mut self, grace: Duration) {
        self.streams.shutdown(grace).await;
        for port in self.udp {
            port.close().await;
        }
    }
}

#[cfg(test)]
mod secure_tests;
#[cfg(test)]
mod tests;
