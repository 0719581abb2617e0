//! TCP connections in both directions: opened on demand, reused, limited, closed when idle; and
//! those over it that are encrypted or carry WebSocket, which are opened one by one.
//!
//! Each connection has one task and one queue. The queue holds [`Limits::queued`] messages; when
//! it is full the next one is refused, and the connection lives on, for its other end may only be
//! slow. When one message makes no way for [`Limits::stall`], the connection is closed.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::link::{self, Dial, Link, Reserved};
use super::tls::TlsClient;
use super::{NetEvent, SendError, StreamId};
use crate::trust::Refused;

/// Pause after a failed accept: out of descriptors, most likely, which passes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection may take, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time for a connection to come to stand. Below the 32 s of a SIP transaction, so that
    /// another address can be tried.
    pub connect: Duration,
    /// A connection that somebody else opened and that carries nothing for so long is closed.
    /// Above the two minutes of keep-alives (RFC 5626 section 4.4.1) several times.
    pub idle: Duration,
    /// The same for one that we opened. A server may reach us over it alone, for the next call or
    /// for the end of this one: above the lifetimes of registrations and beyond long calls.
    pub idle_opened: Duration,
    /// Time for one message to be taken by the system.
    pub stall: Duration,
    /// Accepted connections at a time; further ones are closed at once.
    pub incoming: usize,
    /// Accepted connections of one host at a time.
    pub incoming_per_host: usize,
    /// Opened connections at a time.
    pub outgoing: usize,
    /// Messages that may wait on one connection.
    pub queued: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(600),
            idle_opened: Duration::from_secs(2 * 3600),
            stall: Duration::from_secs(20),
            incoming: 64,
            incoming_per_host: 16,
            outgoing: 64,
            queued: 64,
        }
    }
}

/// Why a connection ended, or did not come to stand.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The host is there, and nobody listens on the port.
    #[error("connection refused")]
    Refused,
    /// No way leads to the host.
    #[error("host unreachable")]
    Unreachable,
    /// It did not come to stand in time.
    #[error("connecting timed out")]
    ConnectTimeout,
    /// The other end, or something between, cut it off.
    #[error("connection reset")]
    Reset,
    /// Nothing came or went for the idle time.
    #[error("connection idle")]
    Idle,
    /// The other end takes nothing, or acknowledges nothing, any more.
    #[error("the other end stalls")]
    Stalled,
    /// It is not the secure connection, or not the WebSocket, that it was to be.
    #[error("not secured: {0:?}")]
    Tls(Box<Refused>),
    /// Something else.
    #[error("connection failed")]
    Io(#[source] io::Error),
}

impl From<Box<Refused>> for StreamError {
    fn from(refused: Box<Refused>) -> StreamError {
        StreamError::Tls(refused)
    }
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> StreamError {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => StreamError::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                StreamError::Unreachable
            }
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => StreamError::Reset,
            io::ErrorKind::TimedOut => StreamError::Stalled,
            _ => StreamError::Io(error),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Incoming,
    Outgoing,
}

/// A connection as the table knows it.
#[derive(Debug)]
struct Entry {
    remote: SocketAddr,
    direction: Direction,
    /// It is one like all others to its address. What is encrypted or carries WebSocket is not: who
    /// opened it knows whom it was verified for.
    common: bool,
    /// `None` once it is being closed.
    queue: Option<mpsc::Sender<Vec<u8>>>,
    /// Messages taken and not yet given to the system whole.
    waiting: Arc<AtomicUsize>,
}

/// A connection that begins.
struct Opened {
    remote: SocketAddr,
    direction: Direction,
    common: bool,
    tls: Option<Arc<TlsClient>>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    entries: BTreeMap<StreamId, Entry>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) events: mpsc::Sender<NetEvent>,
    table: Mutex<Table>,
}

impl Shared {
    /// The table; held for a few lines, never across an await. A panic in those lines would
    /// leave it whole, so poison is no reason to stop.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection has ended.
    pub(super) fn forget(&self, id: StreamId) {
        self.table().entries.remove(&id);
    }
}

/// All connections.
#[derive(Debug)]
pub(super) struct Streams {
    shared: Arc<Shared>,
    /// Addresses that outgoing connections leave from, where they are definite.
    sources: Vec<IpAddr>,
    listeners: Vec<JoinHandle<()>>,
}

impl Streams {
    pub(super) fn new(
        limits: Limits,
        events: mpsc::Sender<NetEvent>,
        locals: &[SocketAddr],
    ) -> Streams {
        let sources = locals
            .iter()
            .map(SocketAddr::ip)
            .filter(|ip| !ip.is_unspecified());
        Streams {
            shared: Arc::new(Shared {
                limits,
                events,
                table: Mutex::default(),
            }),
            sources: sources.collect(),
            listeners: Vec::new(),
        }
    }

    /// Accepts connections from here on.
    pub(super) fn listen(&mut self, listener: TcpListener, local: SocketAddr) {
        let accepting = accept(Arc::clone(&self.shared), listener, local);
        self.listeners.push(tokio::spawn(accepting));
    }

    pub(super) fn count(&self) -> usize {
        self.shared.table().entries.len()
    }

    pub(super) fn send_on(&self, id: StreamId, bytes: Vec<u8>) -> Result<(), SendError> {
        let table = self.shared.table();
        let entry = table.entries.get(&id).ok_or(SendError::Closed(id))?;
        entry
            .push(bytes)
            .map_err(|refused| refused.into_error(id, entry.remote))
    }

    pub(super) fn send_to(
        &self,
        remote: SocketAddr,
        bytes: Vec<u8>,
    ) -> Result<StreamId, SendError> {
        let mut table = self.shared.table();
        let mut bytes = bytes;
        for (id, entry) in table
            .entries
            .iter()
            .filter(|(_, entry)| entry.common && entry.remote == remote)
        {
            match entry.push(bytes) {
                Ok(()) => return Ok(*id),
                Err(NotTaken::Full) => return Err(SendError::QueueFull(remote)),
                Err(NotTaken::Closed(unsent)) => bytes = unsent,
            }
        }
        let dial = Dial {
            remote,
            from: None,
            tls: None,
            websocket: None,
        };
        self.dial(&mut table, dial, bytes)
    }

    /// Opens a connection of its own, and sends these bytes as the first on it.
    pub(super) fn open(&self, dial: Dial, bytes: Vec<u8>) -> Result<StreamId, SendError> {
        self.dial(&mut self.shared.table(), dial, bytes)
    }

    /// A port from which a connection to `remote` can be opened.
    pub(super) fn reserve(&self, remote: SocketAddr) -> Result<Reserved, SendError> {
        Reserved::towards(remote, self.source(remote))
    }

    fn source(&self, remote: SocketAddr) -> Option<IpAddr> {
        let mut sources = self.sources.iter();
        sources.find(|ip| ip.is_ipv4() == remote.is_ipv4()).copied()
    }

    fn dial(&self, table: &mut Table, dial: Dial, bytes: Vec<u8>) -> Result<StreamId, SendError> {
        if table.count(Direction::Outgoing) >= self.shared.limits.outgoing {
            return Err(SendError::TooManyStreams);
        }
        let (remote, tls) = (dial.remote, dial.tls.clone());
        let common = tls.is_none() && dial.websocket.is_none();
        let source = self.source(remote);
        let limit = self.shared.limits.connect;
        let connecting = async move {
            let connecting = timeout(limit, link::open(dial, source));
            connecting.await.map_err(|_| StreamError::ConnectTimeout)?
        };
        let opened = Opened {
            remote,
            direction: Direction::Outgoing,
            common,
            tls,
        };
        let (id, entry) = table.start(&self.shared, opened, connecting);
        match entry.push(bytes) {
            Ok(()) => Ok(id),
            Err(refused) => Err(refused.into_error(id, remote)),
        }
    }

    pub(super) fn close(&self, id: StreamId) {
        if let Some(entry) = self.shared.table().entries.get_mut(&id) {
            entry.queue = None;
        }
    }

    pub(super) async fn shutdown(&mut self, grace: Duration) {
        for listener in self.listeners.drain(..) {
            listener.abort();
            // Ended by the abort or before: either way the port is free.
            let _ = listener.await;
        }
        let mut tasks = {
            let mut table = self.shared.table();
            for entry in table.entries.values_mut() {
                entry.queue = None;
            }
            std::mem::take(&mut table.tasks)
        };
        // What is left after the grace is aborted as the set is dropped.
        let _ = timeout(grace, async { while tasks.join_next().await.is_some() {} }).await;
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
        // The tasks hold the table, and the table the tasks: this is what ends them.
        self.shared.table().tasks.abort_all();
    }
}

/// Why a queue did not take a message.
enum NotTaken {
    Full,
    /// The connection is ending; the message comes back.
    Closed(Vec<u8>),
}

impl NotTaken {
    fn into_error(self, id: StreamId, remote: SocketAddr) -> SendError {
        match self {
            NotTaken::Full => SendError::QueueFull(remote),
            NotTaken::Closed(_) => SendError::Closed(id),
        }
    }
}

impl Entry {
    fn push(&self, bytes: Vec<u8>) -> Result<(), NotTaken> {
        let Some(queue) = &self.queue else {
            return Err(NotTaken::Closed(bytes));
        };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(bytes).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                mpsc::error::TrySendError::Full(_) => NotTaken::Full,
                mpsc::error::TrySendError::Closed(bytes) => NotTaken::Closed(bytes),
            }
        })
    }
}

impl Table {
    fn count(&self, direction: Direction) -> usize {
        self.entries
            .values()
            .filter(|entry| entry.direction == direction)
            .count()
    }

    fn has_room_for(&self, remote: SocketAddr, limits: &Limits) -> bool {
        let incoming = || {
            let entries = self.entries.values();
            entries.filter(|entry| entry.direction == Direction::Incoming)
        };
        let of_host = incoming()
            .filter(|entry| entry.remote.ip() == remote.ip())
            .count();
        incoming().count() < limits.incoming && of_host < limits.incoming_per_host
    }

    /// Enters a connection and starts its task.
    fn start(
        &mut self,
        shared: &Arc<Shared>,
        opened: Opened,
        link: impl Future<Output = Result<Link, StreamError>> + Send + 'static,
    ) -> (StreamId, &Entry) {
        let Opened {
            remote,
            direction,
            common,
            tls,
        } = opened;
        self.last_id += 1;
        let id = StreamId(self.last_id);
        let (queue, messages) = mpsc::channel(shared.limits.queued.max(1));
        let waiting = Arc::new(AtomicUsize::new(0));
        let connection = Connection {
            id,
            remote,
            idle: match direction {
                Direction::Incoming => shared.limits.idle,
                Direction::Outgoing => shared.limits.idle_opened,
            },
            shared: Arc::clone(shared),
            waiting: Arc::clone(&waiting),
            tls,
        };
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(connection.run(link, messages));
        let entry = Entry {
            remote,
            direction,
            common,
            queue: Some(queue),
            waiting,
        };
        (id, self.entries.entry(id).or_insert(entry))
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, local: SocketAddr) {
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!("not accepted on {local}: {error}");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let mut table = shared.table();
        if table.has_room_for(remote, &shared.limits) {
            let accepted = std::future::ready(Link::plain(stream));
            let opened = Opened {
                remote,
                direction: Direction::Incoming,
                common: true,
                tls: None,
            };
            table.start(&shared, opened, accepted);
        } else {
            tracing::debug!("too many connections: one closed unread");
        }
    }
}
