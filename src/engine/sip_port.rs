//! SIP over sockets: bytes in, whole messages out, and who they are from.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::agent::ResolveFailure;
use crate::net::{self, BindError, NetEvent, Sockets, StreamId};
use crate::sip::locating::Server;
use crate::sip::transaction::{ConnectionId, Peer};
use crate::sip::{Frame, FramingLimits, ParseError, Parsed, StreamFramer, Transport, printable};

/// Events of the sockets that may wait.
const QUEUE: usize = 1024;

/// What came.
#[derive(Debug)]
pub enum Arrival {
    /// A datagram, as it is.
    Datagram {
        /// Its content.
        bytes: Vec<u8>,
        /// Who sent it.
        from: Peer,
    },
    /// A message of a stream, framed and read.
    Message {
        /// What was read.
        message: Box<Result<Parsed, ParseError>>,
        /// Who sent it.
        from: Peer,
    },
    /// What was sent there did not get there, or its connection is gone.
    Lost {
        /// Where.
        to: Peer,
    },
}

/// UDP and TCP on one port, with a framer for each connection.
#[derive(Debug)]
pub struct SipPort {
    sockets: Sockets,
    events: mpsc::Receiver<NetEvent>,
    streams: BTreeMap<StreamId, Stream>,
}

#[derive(Debug)]
struct Stream {
    framer: StreamFramer,
    peer: Peer,
    /// Our end of it.
    source: IpAddr,
}

impl SipPort {
    /// Listens on one address, or on all of both families where there is IPv6. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] names the address that could not be had, and why.
    pub fn open(ip: Option<IpAddr>, port: u16) -> Result<SipPort, BindError> {
        let bind = |ip, required| net::Bind {
            addr: SocketAddr::new(ip, port),
            required,
        };
        let binds = match ip {
            Some(ip) => vec![bind(ip, true)],
            None => vec![
                bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), true),
                bind(IpAddr::V6(Ipv6Addr::UNSPECIFIED), false),
            ],
        };
        let (sockets, events) = Sockets::bind(&net::Config {
            binds,
            listen: true,
            events: QUEUE,
            streams: net::tcp::Limits::default(),
        })?;
        Ok(SipPort {
            sockets,
            events,
            streams: BTreeMap::new(),
        })
    }

    /// The addresses listened on.
    pub fn local_addrs(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.local_addrs()
    }

    /// Waits for the next event of the sockets, to be given to [`SipPort::take`]. Safe to drop
    /// while waiting.
    pub async fn next(&mut self) -> NetEvent {
        match self.events.recv().await {
            Some(event) => event,
            // The sockets hold the other end for as long as this lives.
            None => std::future::pending().await,
        }
    }

    /// What an event of the sockets means: no arrival, one, or several messages of a stream.
    pub fn take(&mut self, event: NetEvent) -> Vec<Arrival> {
        match event {
            NetEvent::Datagram {
                local,
                remote,
                bytes,
            } => {
                tracing::trace!(%remote, message = %printable(&bytes), "received");
                let from = self.peer(Transport::Udp, local, remote, None);
                vec![Arrival::Datagram { bytes, from }]
            }
            NetEvent::StreamOpened { id, local, remote } => {
                let connection = Some(ConnectionId(id.0));
                let peer = self.peer(Transport::Tcp, local, remote, connection);
                let framer = StreamFramer::new(FramingLimits::default());
                let source = local.ip();
                self.streams.insert(
                    id,
                    Stream {
                        framer,
                        peer,
                        source,
                    },
                );
                Vec::new()
            }
            NetEvent::StreamData { id, bytes } => self.stream_data(id, &bytes),
            NetEvent::StreamClosed {
                id,
                remote,
                error,
                unsent,
            } => {
                if let Some(error) = error {
                    tracing::debug!(%remote, unsent, "connection lost: {error:#}");
                }
                let to = match self.streams.remove(&id) {
                    Some(stream) => stream.peer,
                    // It never stood: who asked for it named the address only.
                    None => self.peer(Transport::Tcp, unspecified(remote), remote, None),
                };
                vec![Arrival::Lost { to }]
            }
            NetEvent::SendFailed {
                local,
                remote,
                error,
            } => {
                tracing::debug!(%remote, "not delivered: {error}");
                vec![Arrival::Lost {
                    to: self.peer(Transport::Udp, local, remote, None),
                }]
            }
            NetEvent::SocketFailed {
                protocol,
                local,
                error,
            } => {
                tracing::error!(%local, "{protocol} socket failed: {error}");
                Vec::new()
            }
        }
    }

    fn stream_data(&mut self, id: StreamId, bytes: &[u8]) -> Vec<Arrival> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return Vec::new();
        };
        let from = stream.peer;
        stream.framer.push(bytes);
        let mut arrivals = Vec::new();
        while let Some(frame) = stream.framer.next() {
            match frame {
                Frame::Message(message) => {
                    if tracing::enabled!(tracing::Level::TRACE)
                        && let Ok(parsed) = &message
                        && let Ok(bytes) = parsed.message.to_bytes()
                    {
                        let remote = from.remote;
                        tracing::trace!(%remote, message = %printable(&bytes), "received");
                    }
                    arrivals.push(Arrival::Message {
                        message: Box::new(message),
                        from,
                    });
                }
                // RFC 5626 section 4.4.1: a double CRLF is answered with a single one. A
                // connection that cannot take two bytes is on its way out.
                Frame::Ping => {
                    let _ = self.sockets.send_on(id, b"\r\n".to_vec());
                }
                Frame::Pong => {}
                Frame::Broken(error) => {
                    tracing::debug!(remote = %from.remote, "stream given up: {error}");
                    self.sockets.close_stream(id);
                    break;
                }
            }
        }
        arrivals
    }

    /// Sends one message. Says whether it was taken; what becomes of it later is an
    /// [`Arrival::Lost`].
    pub fn transmit(&mut self, to: Peer, bytes: Vec<u8>) -> bool {
        tracing::trace!(remote = %to.remote, message = %printable(&bytes), "send");
        let sent = match (to.transport, to.connection) {
            (Transport::Udp, _) => self
                .sockets
                .send_datagram(Some(to.local), to.remote, &bytes)
                .map(|_| ()),
            (Transport::Tcp, Some(id)) => self.sockets.send_on(StreamId(id.0), bytes),
            (Transport::Tcp, None) => self.sockets.send_stream(to.remote, bytes).map(|_| ()),
            // Nothing resolves to these.
            (Transport::Tls | Transport::Ws | Transport::Wss, _) => return false,
        };
        match sent {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!("not sent: {error:#}");
                false
            }
        }
    }

    /// The transports that are spoken, the one that is used where nobody has a preference first.
    pub const SPOKEN: &[Transport] = &[Transport::Udp, Transport::Tcp];

    /// The ways to these servers, in their order.
    ///
    /// # Errors
    /// [`ResolveFailure::Unreachable`]: no socket of ours or no route leads to any of them.
    pub fn ways(&self, servers: &[Server]) -> Result<Vec<Peer>, ResolveFailure> {
        let ways: Vec<Peer> = servers
            .iter()
            .filter(|server| Self::SPOKEN.contains(&server.transport))
            .filter_map(|server| {
                let ours = self.listening(server.address)?;
                let way = self.peer(server.transport, ours, server.address, None);
                (!way.local.ip().is_unspecified()).then_some(way)
            })
            .collect();
        if ways.is_empty() {
            Err(ResolveFailure::Unreachable)
        } else {
            Ok(ways)
        }
    }

    /// Whether this way still leads from the address of ours that it names.
    #[must_use]
    pub fn leads(&self, way: &Peer) -> bool {
        let ours = self.listening(way.remote);
        ours.is_some_and(|ours| {
            let now = self.peer(way.transport, ours, way.remote, way.connection);
            now.local.ip() == way.local.ip()
        })
    }

    /// Closes connections from addresses that are ours no more: nobody would tell of them.
    pub fn forget_lost_addresses(&self) {
        for (id, stream) in &self.streams {
            if !net::changes::is_ours(stream.source) {
                self.sockets.close_stream(*id);
            }
        }
    }

    fn listening(&self, remote: SocketAddr) -> Option<SocketAddr> {
        self.sockets
            .local_addrs()
            .find(|addr| addr.is_ipv4() == remote.is_ipv4())
    }

    /// How we see somebody. Our own address is the one that others reach us under: on a socket
    /// bound to all addresses the one that faces them, and always with the port we listen on.
    fn peer(
        &self,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
        connection: Option<ConnectionId>,
    ) -> Peer {
        let port = self
            .listening(remote)
            .map_or(local.port(), |addr| addr.port());
        let ip = if local.ip().is_unspecified() {
            net::local_address_towards(remote).unwrap_or(local.ip())
        } else {
            local.ip()
        };
        Peer {
            transport,
            remote,
            local: SocketAddr::new(ip, port),
            connection,
        }
    }

    /// Sends what waits, for at most `grace`, and closes everything.
    pub async fn close(self, grace: Duration) {
        self.sockets.shutdown(grace).await;
    }
}

fn unspecified(like: SocketAddr) -> SocketAddr {
    match like {
        SocketAddr::V4(_) => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        SocketAddr::V6(_) => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
    }
}
