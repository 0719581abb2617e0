//! TCP connections in both directions: opened on demand, reused, limited, closed when idle.
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

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::bind::prepare;
use super::{NetEvent, SendError, StreamId};

/// Octets read at a time: an INVITE with SDP in one piece.
const READ_SIZE: usize = 8 * 1024;
/// How long a closed connection may still bring what the other end had sent.
const LINGER: Duration = Duration::from_secs(1);
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
    /// Something else.
    #[error("connection failed")]
    Io(#[source] io::Error),
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
    /// `None` once it is being closed.
    queue: Option<mpsc::Sender<Vec<u8>>>,
    /// Messages taken and not yet given to the system whole.
    waiting: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    entries: BTreeMap<StreamId, Entry>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    events: mpsc::Sender<NetEvent>,
    table: Mutex<Table>,
}

impl Shared {
    /// The table; held for a few lines, never across an await. A panic in those lines would
    /// leave it whole, so poison is no reason to stop.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
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
            .filter(|(_, entry)| entry.remote == remote)
        {
            match entry.push(bytes) {
                Ok(()) => return Ok(*id),
                Err(Refused::Full) => return Err(SendError::QueueFull(remote)),
                Err(Refused::Closed(unsent)) => bytes = unsent,
            }
        }
        if table.count(Direction::Outgoing) >= self.shared.limits.outgoing {
            return Err(SendError::TooManyStreams);
        }
        let source = self
            .sources
            .iter()
            .find(|ip| ip.is_ipv4() == remote.is_ipv4())
            .copied();
        let limit = self.shared.limits.connect;
        let connecting = async move {
            let connecting = timeout(limit, connect(remote, source));
            connecting.await.map_err(|_| StreamError::ConnectTimeout)?
        };
        let shared = &self.shared;
        let (id, entry) = table.start(shared, remote, Direction::Outgoing, connecting);
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
enum Refused {
    Full,
    /// The connection is ending; the message comes back.
    Closed(Vec<u8>),
}

impl Refused {
    fn into_error(self, id: StreamId, remote: SocketAddr) -> SendError {
        match self {
            Refused::Full => SendError::QueueFull(remote),
            Refused::Closed(_) => SendError::Closed(id),
        }
    }
}

impl Entry {
    fn push(&self, bytes: Vec<u8>) -> Result<(), Refused> {
        let Some(queue) = &self.queue else {
            return Err(Refused::Closed(bytes));
        };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(bytes).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                mpsc::error::TrySendError::Full(_) => Refused::Full,
                mpsc::error::TrySendError::Closed(bytes) => Refused::Closed(bytes),
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
        remote: SocketAddr,
        direction: Direction,
        stream: impl Future<Output = Result<TcpStream, StreamError>> + Send + 'static,
    ) -> (StreamId, &Entry) {
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
        };
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(connection.run(stream, messages));
        let entry = Entry {
            remote,
            direction,
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
            let accepted = std::future::ready(Ok(stream));
            table.start(&shared, remote, Direction::Incoming, accepted);
        } else {
            tracing::debug!("too many connections: one closed unread");
        }
    }
}

async fn connect(remote: SocketAddr, source: Option<IpAddr>) -> Result<TcpStream, StreamError> {
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM, None)?;
    prepare(&socket, remote)?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    Ok(TcpSocket::from_std_stream(socket.into())
        .connect(remote)
        .await?)
}

/// One connection's task.
struct Connection {
    id: StreamId,
    remote: SocketAddr,
    idle: Duration,
    shared: Arc<Shared>,
    waiting: Arc<AtomicUsize>,
}

impl Connection {
    async fn run(
        self,
        stream: impl Future<Output = Result<TcpStream, StreamError>>,
        messages: mpsc::Receiver<Vec<u8>>,
    ) {
        let result = match stream.await {
            Ok(stream) => self.serve(stream, messages).await,
            Err(error) => Err(error),
        };
        // Nobody can queue a message once the entry is gone: then the count is final.
        self.shared.table().entries.remove(&self.id);
        let unsent = self.waiting.load(Ordering::Relaxed);
        let (id, remote, error) = (self.id, self.remote, result.err());
        self.tell(NetEvent::StreamClosed {
            id,
            remote,
            error,
            unsent,
        })
        .await;
    }

    async fn serve(
        &self,
        stream: TcpStream,
        messages: mpsc::Receiver<Vec<u8>>,
    ) -> Result<(), StreamError> {
        // A message is written whole and waits for an answer: nothing to gather.
        stream.set_nodelay(true)?;
        let (id, local, remote) = (self.id, stream.local_addr()?, self.remote);
        self.tell(NetEvent::StreamOpened { id, local, remote })
            .await;

        let last_use = Mutex::new(Instant::now());
        let (incoming, outgoing) = stream.into_split();
        let mut reading = std::pin::pin!(self.read(incoming, &last_use));
        tokio::select! {
            result = &mut reading => result,
            result = self.write(outgoing, messages, &last_use) => {
                result?;
                // Closed from our side: take what is on its way, or the system would answer it
                // with a reset that can overtake what we just sent.
                let _ = timeout(LINGER, reading).await;
                Ok(())
            }
            () = idle(self.idle, &last_use) => Err(StreamError::Idle),
        }
    }

    async fn read(
        &self,
        mut stream: OwnedReadHalf,
        last_use: &Mutex<Instant>,
    ) -> Result<(), StreamError> {
        let mut buffer = vec![0; READ_SIZE];
        loop {
            let len = stream.read(&mut buffer).await?;
            if len == 0 {
                return Ok(());
            }
            touch(last_use);
            let bytes = buffer.get(..len).unwrap_or_default().to_vec();
            self.tell(NetEvent::StreamData { id: self.id, bytes }).await;
        }
    }

    /// Writes what is queued, until the queue is closed.
    async fn write(
        &self,
        mut stream: OwnedWriteHalf,
        mut messages: mpsc::Receiver<Vec<u8>>,
        last_use: &Mutex<Instant>,
    ) -> Result<(), StreamError> {
        while let Some(bytes) = messages.recv().await {
            let writing = timeout(self.shared.limits.stall, stream.write_all(&bytes));
            writing.await.map_err(|_| StreamError::Stalled)??;
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            touch(last_use);
        }
        Ok(stream.shutdown().await?)
    }

    /// Waits for room in the channel: TCP slows its other end down meanwhile.
    async fn tell(&self, event: NetEvent) {
        // A closed channel means that nobody is interested any more.
        let _ = self.shared.events.send(event).await;
    }
}

fn touch(last_use: &Mutex<Instant>) {
    *last_use.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
}

/// Ends when nothing was used for `limit`.
async fn idle(limit: Duration, last_use: &Mutex<Instant>) {
    loop {
        let due = *last_use.lock().unwrap_or_else(PoisonError::into_inner) + limit;
        if due <= Instant::now() {
            return;
        }
        sleep_until(due).await;
    }
}
