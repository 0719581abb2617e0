//! Datagrams in and out of one socket, and what ICMP says of those that did not arrive.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{NetEvent, Protocol, SendError};

/// The largest payload that UDP over IPv4 carries.
const MAX_DATAGRAM: usize = 65_507;
/// Errors in a row, none of them about a single datagram, that make a socket useless.
const MAX_ERRORS: u32 = 32;

/// One UDP socket and the task that reads it.
#[derive(Debug)]
pub(super) struct UdpPort {
    socket: Arc<UdpSocket>,
    local: SocketAddr,
    dropped: Arc<AtomicU64>,
    reader: JoinHandle<()>,
}

impl UdpPort {
    pub(super) fn start(
        socket: UdpSocket,
        local: SocketAddr,
        events: mpsc::Sender<NetEvent>,
    ) -> UdpPort {
        let socket = Arc::new(socket);
        let dropped = Arc::new(AtomicU64::new(0));
        if let Err(error) = errors::ask_for(&socket, local) {
            tracing::debug!("no word of unreachable peers on {local}: {error}");
        }
        let reader = Reader {
            socket: Arc::clone(&socket),
            local,
            events,
            dropped: Arc::clone(&dropped),
        };
        let reader = tokio::spawn(reader.run());
        UdpPort {
            socket,
            local,
            dropped,
            reader,
        }
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn send(&self, remote: SocketAddr, bytes: &[u8]) -> Result<(), SendError> {
        if bytes.len() > MAX_DATAGRAM {
            return Err(SendError::TooLarge(bytes.len()));
        }
        // Straight to the system: tokio would call a socket that it has not yet polled not ready.
        let socket = SockRef::from(&*self.socket);
        let to = remote.into();
        let mut sent = socket.send_to(bytes, &to);
        if sent.as_ref().is_err_and(concerns_a_peer) {
            // A pending word about an earlier datagram, perhaps to somebody else, is returned by
            // whatever call comes next, which then has not been carried out. The error queue,
            // which the reader empties, has the same word with the name.
            sent = socket.send_to(bytes, &to);
        }
        match sent {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(SendError::QueueFull(remote))
            }
            Err(source) => Err(SendError::Io { remote, source }),
        }
    }
}

impl UdpPort {
    /// Stops reading and gives the port back.
    pub(super) async fn close(mut self) {
        self.reader.abort();
        // Ended by the abort or before: either way the task's hold on the socket is gone.
        let _ = (&mut self.reader).await;
    }
}

impl Drop for UdpPort {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Whether an error is about one peer rather than about the socket.
fn concerns_a_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}

struct Reader {
    socket: Arc<UdpSocket>,
    local: SocketAddr,
    events: mpsc::Sender<NetEvent>,
    dropped: Arc<AtomicU64>,
}

impl Reader {
    async fn run(self) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        let mut failures = 0;
        loop {
            let ready = match self
                .socket
                .ready(Interest::READABLE | Interest::ERROR)
                .await
            {
                Ok(ready) => ready,
                Err(error) => return self.fail(error).await,
            };
            if ready.is_error() {
                self.report_errors();
            }
            if !ready.is_readable() {
                continue;
            }
            match self.socket.try_recv_from(&mut buffer) {
                Ok((len, remote)) => {
                    failures = 0;
                    let bytes = buffer.get(..len).unwrap_or_default().to_vec();
                    let local = self.local;
                    self.offer(NetEvent::Datagram {
                        local,
                        remote,
                        bytes,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if concerns_a_peer(&error) => self.report_errors(),
                Err(error) => {
                    failures += 1;
                    if failures >= MAX_ERRORS {
                        return self.fail(error).await;
                    }
                }
            }
        }
    }

    /// Hands an event up, or drops it when the reader has fallen behind.
    fn offer(&self, event: NetEvent) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.events.try_send(event) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn report_errors(&self) {
        let local = self.local;
        while let Ok((remote, error)) = self
            .socket
            .try_io(Interest::ERROR, || errors::next(&self.socket))
        {
            if let Some(remote) = remote {
                self.offer(NetEvent::SendFailed {
                    local,
                    remote,
                    error,
                });
            }
        }
    }

    async fn fail(&self, error: io::Error) {
        let event = NetEvent::SocketFailed {
            protocol: Protocol::Udp,
            local: self.local,
            error,
        };
        // A closed channel means that nobody is interested any more.
        let _ = self.events.send(event).await;
    }
}

/// The error queue of a Linux socket: the only place where an unconnected socket learns whom an
/// ICMP message is about.
#[cfg(target_os = "linux")]
mod errors {
    use std::io::{self, IoSliceMut};
    use std::net::SocketAddr;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{
        ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
    };
    use tokio::net::UdpSocket;

    pub(super) fn ask_for(socket: &UdpSocket, local: SocketAddr) -> io::Result<()> {
        if local.is_ipv4() {
            setsockopt(socket, sockopt::Ipv4RecvErr, &true)?;
        } else {
            setsockopt(socket, sockopt::Ipv6RecvErr, &true)?;
        }
        Ok(())
    }

    /// The next error: whom the datagram was for, if that is known, and what happened.
    /// `WouldBlock` when there is none.
    pub(super) fn next(socket: &UdpSocket) -> io::Result<(Option<SocketAddr>, io::Error)> {
        let mut start_of_datagram = [0; 64];
        let mut parts = [IoSliceMut::new(&mut start_of_datagram)];
        // Room for one extended error with the address of the router that sent it.
        let mut control = vec![0; 256];
        let message = recvmsg::<SockaddrStorage>(
            socket.as_raw_fd(),
            &mut parts,
            Some(&mut control),
            MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT,
        )?;
        let remote = message.address.and_then(|address| {
            let v4 = address
                .as_sockaddr_in()
                .map(|v4| SocketAddr::V4((*v4).into()));
            v4.or_else(|| {
                address
                    .as_sockaddr_in6()
                    .map(|v6| SocketAddr::V6((*v6).into()))
            })
        });
        let code = message.cmsgs()?.find_map(|part| match part {
            ControlMessageOwned::Ipv4RecvErr(error, _)
            | ControlMessageOwned::Ipv6RecvErr(error, _) => i32::try_from(error.ee_errno).ok(),
            _ => None,
        });
        let error = code.map_or_else(|| io::Error::other("unknown"), io::Error::from_raw_os_error);
        Ok((remote, error))
    }
}

/// Other systems tell an unconnected socket nothing, or not whom it is about.
#[cfg(not(target_os = "linux"))]
mod errors {
    use std::io;
    use std::net::SocketAddr;

    use tokio::net::UdpSocket;

    pub(super) fn ask_for(_socket: &UdpSocket, _local: SocketAddr) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn next(_socket: &UdpSocket) -> io::Result<(Option<SocketAddr>, io::Error)> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
