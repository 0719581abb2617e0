//! SIP over sockets: bytes in, whole messages out, and who they are from.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::sync::mpsc;

use super::paths::{Along, Paths};
use crate::agent::{AccountId, ResolveFailure};
use crate::net::{self, BindError, NetEvent, Sockets, StreamError, StreamId};
use crate::sip::locating::Server;
use crate::sip::transaction::{ConnectionId, Peer};
use crate::sip::{
    Frame, FramingLimits, Host, ParseError, Parsed, StreamFramer, Transport, printable,
};
use crate::trust::{Refused, Secured, Terms};

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
    /// A ping of ours over a connection is answered (RFC 5626 section 4.4.1).
    Pong {
        /// By whom.
        from: Peer,
    },
    /// What was sent there did not get there, or its connection is gone.
    Lost {
        /// Where.
        to: Peer,
    },
    /// The same, since the connection would not have been a secure one.
    NotSecured {
        /// Where.
        to: Peer,
        /// Under whose terms.
        account: AccountId,
        /// Why, and what differs.
        refused: Box<Refused>,
    },
}

/// UDP and TCP on one port, TLS and WebSocket towards servers, with a framer for each connection.
#[derive(Debug)]
pub struct SipPort {
    sockets: Sockets,
    events: mpsc::Receiver<NetEvent>,
    streams: BTreeMap<StreamId, Stream>,
    /// Given up, and not yet closed by the system: of no interest any more.
    abandoned: BTreeSet<StreamId>,
    paths: Paths,
}

#[derive(Debug)]
struct Stream {
    /// `None`: each piece is a message of its own.
    framer: Option<StreamFramer>,
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
            abandoned: BTreeSet::new(),
            paths: Paths::default(),
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
            NetEvent::StreamOpened {
                id,
                local,
                remote,
                secured,
            } => {
                let peer = match self.paths.opened(id, local, secured) {
                    Some(along) => along_peer(&along),
                    None => {
                        let connection = Some(ConnectionId(id.0));
                        self.peer(Transport::Tcp, local, remote, connection)
                    }
                };
                let whole = matches!(peer.transport, Transport::Ws | Transport::Wss);
                let framer = (!whole).then(|| StreamFramer::new(FramingLimits::default()));
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
                if self.abandoned.remove(&id) {
                    return Vec::new();
                }
                if let Some(error) = &error {
                    tracing::debug!(%remote, unsent, "connection lost: {error:#}");
                }
                let along = self.paths.closed(id);
                let to = match (self.streams.remove(&id), &along) {
                    (Some(stream), _) => stream.peer,
                    (None, Some(along)) => along_peer(along),
                    // It never stood: who asked for it named the address only.
                    (None, None) => self.peer(Transport::Tcp, unspecified(remote), remote, None),
                };
                match (error, along) {
                    (Some(StreamError::Tls(refused)), Some(along)) => vec![Arrival::NotSecured {
                        to,
                        account: along.account,
                        refused,
                    }],
                    _ => vec![Arrival::Lost { to }],
                }
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
        let Some(framer) = &mut stream.framer else {
            return self.message(id, bytes, from);
        };
        framer.push(bytes);
        let mut arrivals = Vec::new();
        while let Some(frame) = framer.next() {
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
                Frame::Pong => arrivals.push(Arrival::Pong { from }),
                Frame::Broken(error) => {
                    tracing::debug!(remote = %from.remote, "stream given up: {error}");
                    self.sockets.close_stream(id);
                    break;
                }
            }
        }
        arrivals
    }

    /// One message of a WebSocket (RFC 7118 section 5), which needs no Content-Length.
    fn message(&mut self, id: StreamId, bytes: &[u8], from: Peer) -> Vec<Arrival> {
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            // RFC 7118 section 6: CRLFs keep it alive too.
            if bytes == b"\r\n\r\n" {
                let _ = self.sockets.send_on(id, b"\r\n".to_vec());
            }
            return Vec::new();
        }
        tracing::trace!(remote = %from.remote, message = %printable(bytes), "received");
        vec![Arrival::Datagram {
            bytes: bytes.to_vec(),
            from,
        }]
    }

    /// An account asks this of its connections from now on: `home` is the domain of its address,
    /// `servers` the hosts of its registrar and its proxy.
    pub fn set_terms(
        &mut self,
        account: AccountId,
        terms: &Terms,
        home: Option<String>,
        servers: Vec<String>,
    ) {
        for stream in self.paths.set_terms(account, terms, home, servers) {
            self.sockets.close_stream(stream);
        }
    }

    /// Whom a way is known to lead to; `None`: nothing stands on it, or it is not encrypted.
    #[must_use]
    pub fn secured(&self, way: &Peer) -> Option<&Secured> {
        self.paths.secured(way.connection?)
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
            (Transport::Tls | Transport::Ws | Transport::Wss, Some(path)) => {
                self.paths.send(&self.sockets, path, bytes)
            }
            // Nothing resolves to these, and nobody is sent to whom nobody verified.
            (Transport::Tls | Transport::Ws | Transport::Wss, None) => return false,
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
    pub const SPOKEN: &[Transport] = &[
        Transport::Udp,
        Transport::Tcp,
        Transport::Tls,
        Transport::Ws,
        Transport::Wss,
    ];

    /// The ways to these servers, which are those of `host`, under an account's terms, in their
    /// order.
    ///
    /// # Errors
    /// [`ResolveFailure::Unreachable`]: no socket of ours or no route leads to any of them.
    pub fn ways(
        &mut self,
        account: AccountId,
        host: &Host,
        servers: &[Server],
    ) -> Result<Vec<Peer>, ResolveFailure> {
        let mut ways = Vec::new();
        for server in servers {
            let (remote, transport) = (server.address, server.transport);
            let way = match transport {
                Transport::Udp | Transport::Tcp => self
                    .listening(remote)
                    .map(|ours| self.peer(transport, ours, remote, None)),
                Transport::Tls | Transport::Ws | Transport::Wss => self
                    .paths
                    .to(&self.sockets, account, host, remote, transport)
                    .map(|along| along_peer(&along))
                    .ok(),
            };
            ways.extend(way.filter(|way| !way.local.ip().is_unspecified()));
        }
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

    /// Closes the connections that this way goes over, whatever still waits on them: the other end is
    /// not there any more. Answers how they were known.
    pub fn abandon(&mut self, to: &Peer) -> Vec<Peer> {
        let concerned = |peer: &Peer| {
            (peer.transport, peer.remote) == (to.transport, to.remote)
                && (to.connection.is_none() || to.connection == peer.connection)
        };
        let found = self.streams.iter().filter(|(_, it)| concerned(&it.peer));
        let found: Vec<StreamId> = found.map(|(id, _)| *id).collect();
        let mut known = Vec::new();
        for id in found {
            known.extend(self.streams.remove(&id).map(|stream| stream.peer));
            self.abandoned.insert(id);
            let _ = self.paths.closed(id);
            self.sockets.close_stream(id);
        }
        known
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

fn along_peer(along: &Along) -> Peer {
    Peer {
        transport: along.transport,
        remote: along.remote,
        local: along.local,
        connection: Some(along.id),
    }
}

fn unspecified(like: SocketAddr) -> SocketAddr {
    match like {
        SocketAddr::V4(_) => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        SocketAddr::V6(_) => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
    }
}
