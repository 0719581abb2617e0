//! One connection's task: reads, writes what is queued, and ends when nothing is to be had of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::link::{Carrier, Link};
use super::tcp::Shared;
use super::tls::TlsClient;
use super::websocket::{self, WebSocket};
use super::{NetEvent, StreamError, StreamId};

/// Octets read at a time: an INVITE with SDP in one piece.
const READ_SIZE: usize = 8 * 1024;
/// How long a closed connection may still bring what the other end had sent.
const LINGER: Duration = Duration::from_secs(1);
/// How many questions of ours a WebSocket may leave without a sign of life.
const UNANSWERED: u32 = 2;

/// One connection's task.
pub(super) struct Connection {
    pub(super) id: StreamId,
    pub(super) remote: SocketAddr,
    pub(super) idle: Duration,
    pub(super) shared: Arc<Shared>,
    pub(super) waiting: Arc<AtomicUsize>,
    /// Who made it secure, if it is.
    pub(super) tls: Option<Arc<TlsClient>>,
}

impl Connection {
    pub(super) async fn run(
        self,
        link: impl Future<Output = Result<Link, StreamError>>,
        messages: mpsc::Receiver<Vec<u8>>,
    ) {
        let result = match link.await {
            Ok(link) => self.serve(link, messages).await,
            Err(error) => Err(error),
        };
        // Nobody can queue a message once the entry is gone: then the count is final.
        self.shared.forget(self.id);
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
        link: Link,
        messages: mpsc::Receiver<Vec<u8>>,
    ) -> Result<(), StreamError> {
        let Link {
            local,
            carrier,
            secured,
        } = link;
        self.tell(NetEvent::StreamOpened {
            id: self.id,
            local,
            remote: self.remote,
            secured,
        })
        .await;
        match carrier {
            Carrier::Plain(stream) => {
                let (incoming, outgoing) = stream.into_split();
                self.serve_bytes(incoming, outgoing, messages).await
            }
            Carrier::Tls(stream) => {
                let (incoming, outgoing) = tokio::io::split(stream);
                self.serve_bytes(incoming, outgoing, messages).await
            }
            Carrier::WebSocket(socket) => self.serve_messages(*socket, messages).await,
        }
    }

    async fn serve_bytes(
        &self,
        incoming: impl AsyncRead + Unpin,
        outgoing: impl AsyncWrite + Unpin,
        messages: mpsc::Receiver<Vec<u8>>,
    ) -> Result<(), StreamError> {
        let last_use = Mutex::new(Instant::now());
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
        mut stream: impl AsyncRead + Unpin,
        last_use: &Mutex<Instant>,
    ) -> Result<(), StreamError> {
        let mut buffer = vec![0; READ_SIZE];
        loop {
            let len = match stream.read(&mut buffer).await {
                Ok(len) => len,
                // Many servers end TLS without saying so. What was read whole is whole: SIP says
                // how long it is.
                Err(error)
                    if self.tls.is_some() && error.kind() == std::io::ErrorKind::UnexpectedEof =>
                {
                    0
                }
                Err(error) => return Err(self.error(error)),
            };
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
        mut stream: impl AsyncWrite + Unpin,
        mut messages: mpsc::Receiver<Vec<u8>>,
        last_use: &Mutex<Instant>,
    ) -> Result<(), StreamError> {
        while let Some(bytes) = messages.recv().await {
            let writing = timeout(self.shared.limits.stall, async {
                stream.write_all(&bytes).await?;
                stream.flush().await
            });
            writing
                .await
                .map_err(|_| StreamError::Stalled)?
                .map_err(|error| self.error(error))?;
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            touch(last_use);
        }
        Ok(stream.shutdown().await?)
    }

    /// The same for a WebSocket, whose messages are passed on whole.
    async fn serve_messages(
        &self,
        mut socket: WebSocket,
        mut messages: mpsc::Receiver<Vec<u8>>,
    ) -> Result<(), StreamError> {
        let every = websocket::PING_EVERY;
        let mut pings = interval_at(Instant::now() + every, every);
        let mut unanswered = 0;
        let mut last_use = Instant::now();
        loop {
            let outgoing = tokio::select! {
                came = socket.next() => {
                    unanswered = 0;
                    let bytes = match came {
                        Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                        Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                        Some(Err(error)) => return match websocket::ended(error) {
                            Some(error) => Err(error),
                            None => Ok(()),
                        },
                    };
                    last_use = Instant::now();
                    if !bytes.is_empty() {
                        self.tell(NetEvent::StreamData { id: self.id, bytes }).await;
                    }
                    continue;
                }
                message = messages.recv() => match message {
                    Some(bytes) => {
                        last_use = Instant::now();
                        websocket::message(bytes)
                    }
                    None => {
                        let _ = timeout(LINGER, socket.close(None)).await;
                        return Ok(());
                    }
                },
                _ = pings.tick() => {
                    if unanswered >= UNANSWERED {
                        return Err(StreamError::Stalled);
                    }
                    unanswered += 1;
                    Message::Ping(Default::default())
                }
                () = sleep_until(last_use + self.idle) => return Err(StreamError::Idle),
            };
            let counts = !matches!(outgoing, Message::Ping(_));
            let sending = timeout(self.shared.limits.stall, socket.send(outgoing));
            if let Err(error) = sending.await.map_err(|_| StreamError::Stalled)? {
                return Err(websocket::ended(error).unwrap_or(StreamError::Reset));
            }
            if counts {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn error(&self, error: std::io::Error) -> StreamError {
        let of_tls = self.tls.as_ref().and_then(|tls| tls.later_error(&error));
        of_tls.unwrap_or_else(|| error.into())
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
