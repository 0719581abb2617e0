//! How one connection comes to stand: TCP, TLS over it, WebSocket over either.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, TcpKeepalive, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use super::bind::prepare;
use super::tls::TlsClient;
use super::websocket::{self, WebSocket, WebSocketOffer};
use super::{SendError, StreamError};
use crate::trust::Secured;

/// How long a connection says nothing before the system asks whether its other end is still there.
/// A router on the way that forgot us answers nothing, and a server that started anew says so.
const ASK_AFTER: Duration = Duration::from_secs(45);
/// How long the system waits for that answer, and for the acknowledgement of what was sent.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A connection to be opened, and what is asked of it.
#[derive(Debug)]
pub struct Dial {
    /// Where it leads.
    pub remote: SocketAddr,
    /// From where, if that was decided beforehand.
    pub from: Option<Reserved>,
    /// Whom it has to lead to, encrypted; `None`: in clear.
    pub tls: Option<Arc<TlsClient>>,
    /// SIP goes over it in WebSocket messages (RFC 7118).
    pub websocket: Option<WebSocketOffer>,
}

/// A local port that is ours before the connection is opened from it: a Contact has to name it, and
/// goes out with the first message.
#[derive(Debug)]
pub struct Reserved {
    socket: Socket,
    local: SocketAddr,
}

impl Reserved {
    /// Takes a free port facing `remote`, on `source` if that is of its family.
    ///
    /// # Errors
    /// [`SendError::Io`]: the system has none to give.
    pub(super) fn towards(
        remote: SocketAddr,
        source: Option<IpAddr>,
    ) -> Result<Reserved, SendError> {
        let reserve = || -> io::Result<Reserved> {
            let socket = Socket::new(Domain::for_address(remote), Type::STREAM, None)?;
            prepare(&socket, remote)?;
            let source = source.unwrap_or_else(|| {
                super::local_address_towards(remote).unwrap_or(unspecified(remote))
            });
            socket.bind(&SocketAddr::new(source, 0).into())?;
            let local = socket
                .local_addr()?
                .as_socket()
                .ok_or(io::ErrorKind::Other)?;
            Ok(Reserved { socket, local })
        };
        reserve().map_err(|source| SendError::Io { remote, source })
    }

    /// Our end.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }
}

fn unspecified(like: SocketAddr) -> IpAddr {
    match like {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Bytes in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// What carries the bytes of a connection that stands.
pub(super) enum Carrier {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    WebSocket(Box<WebSocket>),
}

/// A connection that stands.
pub(super) struct Link {
    pub(super) local: SocketAddr,
    pub(super) carrier: Carrier,
    pub(super) secured: Option<Box<Secured>>,
}

impl Link {
    /// One without encryption, in either direction.
    pub(super) fn plain(stream: TcpStream) -> Result<Link, StreamError> {
        // A message is written whole and waits for an answer: nothing to gather.
        stream.set_nodelay(true)?;
        Ok(Link {
            local: stream.local_addr()?,
            carrier: Carrier::Plain(stream),
            secured: None,
        })
    }
}

/// Opens a connection.
pub(super) async fn open(dial: Dial, source: Option<IpAddr>) -> Result<Link, StreamError> {
    let stream = connect(dial.remote, dial.from, source).await?;
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let (carrier, secured) = match &dial.tls {
        Some(tls) => {
            let (stream, secured) = tls.handshake(stream).await?;
            (Carrier::Tls(Box::new(stream)), Some(Box::new(secured)))
        }
        None => (Carrier::Plain(stream), None),
    };
    let carrier = match dial.websocket {
        Some(offer) => {
            let stream: Box<dyn Duplex> = match carrier {
                Carrier::Tls(stream) => stream,
                Carrier::Plain(stream) => Box::new(stream),
                Carrier::WebSocket(_) => return Err(StreamError::Reset),
            };
            Carrier::WebSocket(Box::new(websocket::upgrade(stream, &offer).await?))
        }
        None => carrier,
    };
    Ok(Link {
        local,
        carrier,
        secured,
    })
}

async fn connect(
    remote: SocketAddr,
    from: Option<Reserved>,
    source: Option<IpAddr>,
) -> Result<TcpStream, StreamError> {
    let socket = match from {
        Some(reserved) => reserved.socket,
        None => {
            let socket = Socket::new(Domain::for_address(remote), Type::STREAM, None)?;
            prepare(&socket, remote)?;
            if let Some(source) = source {
                socket.bind(&SocketAddr::new(source, 0).into())?;
            }
            socket
        }
    };
    if let Err(error) = watch_over(&socket) {
        tracing::debug!("a connection that hangs is found out late: {error}");
    }
    Ok(TcpSocket::from_std_stream(socket.into())
        .connect(remote)
        .await?)
}

/// Has the system find out that the other end is gone without a word.
fn watch_over(socket: &Socket) -> io::Result<()> {
    let asking = TcpKeepalive::new()
        .with_time(ASK_AFTER)
        .with_interval(ANSWER_WITHIN / 3);
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
    let asking = asking.with_retries(3);
    socket.set_tcp_keepalive(&asking)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(ANSWER_WITHIN))?;
    Ok(())
}
