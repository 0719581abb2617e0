//! Opening UDP and TCP on the same port.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use super::owner::{Owner, port_owner};
use super::{Bind, CS3, Protocol};

/// Tries at finding a port that is free for both protocols on all addresses.
const PORT_ATTEMPTS: usize = 16;
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 64;

/// Why an address could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another program has the port.
    #[error("{protocol} port {addr} is in use")]
    InUse {
        /// Which protocol.
        protocol: Protocol,
        /// Address and port.
        addr: SocketAddr,
        /// Which program, where the system tells.
        owner: Option<Owner>,
    },
    /// No interface of this machine has the address.
    #[error("{addr} is not an address of this machine")]
    NotLocal {
        /// Address and port.
        addr: SocketAddr,
    },
    /// The system does not allow it: a port below 1024, or a policy.
    #[error("no permission for {protocol} port {addr}")]
    Permission {
        /// Which protocol.
        protocol: Protocol,
        /// Address and port.
        addr: SocketAddr,
    },
    /// No address was asked for, or none of those that were not required could be had.
    #[error("no address to serve")]
    Nothing,
    /// Something else.
    #[error("{protocol} port {addr} could not be opened")]
    Io {
        /// Which protocol.
        protocol: Protocol,
        /// Address and port.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    fn new(protocol: Protocol, addr: SocketAddr, source: io::Error) -> BindError {
        match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse {
                protocol,
                addr,
                owner: port_owner(protocol, addr.port()),
            },
            io::ErrorKind::AddrNotAvailable => BindError::NotLocal { addr },
            io::ErrorKind::PermissionDenied => BindError::Permission { protocol, addr },
            _ => BindError::Io {
                protocol,
                addr,
                source,
            },
        }
    }
}

/// The sockets of one address.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) addr: SocketAddr,
    pub(super) udp: UdpSocket,
    pub(super) tcp: Option<TcpListener>,
}

/// Opens all addresses; those with port 0 get one port together.
pub(super) fn bind(binds: &[Bind], listen: bool) -> Result<Vec<Bound>, BindError> {
    let mut attempts = PORT_ATTEMPTS;
    loop {
        attempts -= 1;
        match bind_once(binds, listen) {
            // The free port that the first socket got is taken for another one.
            Err(BindError::InUse { addr, .. })
                if attempts > 0 && !binds.iter().any(|bind| bind.addr == addr) => {}
            result => return result,
        }
    }
}

fn bind_once(binds: &[Bind], listen: bool) -> Result<Vec<Bound>, BindError> {
    let mut bound = Vec::new();
    let mut shared_port = 0;
    for bind in binds {
        let mut addr = bind.addr;
        if addr.port() == 0 {
            addr.set_port(shared_port);
        }
        match bind_pair(addr, listen) {
            Ok(pair) => {
                if bind.addr.port() == 0 {
                    shared_port = pair.addr.port();
                }
                bound.push(pair);
            }
            Err(error @ BindError::InUse { .. }) => return Err(error),
            Err(error) if bind.required => return Err(error),
            Err(error) => tracing::debug!("not served: {error}"),
        }
    }
    if bound.is_empty() {
        Err(BindError::Nothing)
    } else {
        Ok(bound)
    }
}

fn bind_pair(addr: SocketAddr, listen: bool) -> Result<Bound, BindError> {
    let fail = |protocol, addr| move |source| BindError::new(protocol, addr, source);
    let udp = bind_udp(addr).map_err(fail(Protocol::Udp, addr))?;
    // The port is known only now, if any was asked for.
    let addr = udp.local_addr().map_err(fail(Protocol::Udp, addr))?;
    let tcp = if listen {
        Some(bind_tcp(addr).map_err(fail(Protocol::Tcp, addr))?)
    } else {
        None
    };
    Ok(Bound { addr, udp, tcp })
}

fn bind_udp(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
    prepare(&socket, addr)?;
    socket.bind(&addr.into())?;
    UdpSocket::from_std(socket.into())
}

fn bind_tcp(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    prepare(&socket, addr)?;
    // Connections of the run before may linger in TIME-WAIT on this port. On Windows the option
    // means something else: it would let two programs have the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// What all our sockets have in common.
pub(super) fn prepare(socket: &Socket, addr: SocketAddr) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    if addr.is_ipv6() {
        // IPv4 has sockets of its own; mapped addresses would confuse Via and SDP.
        socket.set_only_v6(true)?;
    }
    // A network that does not care loses nothing; a system that refuses the option is no reason
    // not to make calls.
    if let Err(error) = set_traffic_class(socket, addr) {
        tracing::debug!("signalling goes unmarked: {error}");
    }
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn set_traffic_class(socket: &Socket, addr: SocketAddr) -> io::Result<()> {
    if addr.is_ipv4() {
        socket.set_tos_v4(CS3)
    } else {
        socket.set_tclass_v6(CS3)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn set_traffic_class(socket: &Socket, addr: SocketAddr) -> io::Result<()> {
    if addr.is_ipv4() {
        socket.set_tos_v4(CS3)
    } else {
        Ok(())
    }
}
