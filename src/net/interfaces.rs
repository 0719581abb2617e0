//! What the machine says of its own addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The address of ours that packets to `remote` leave from, as the routing table has it at this
/// moment. Sends nothing: connecting a UDP socket only asks for the route.
///
/// # Errors
///
/// What the system says when no route leads there: no network, or none of that family.
pub fn local_address_towards(remote: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match remote {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    // A port of 0 is refused by some systems; the route does not depend on it.
    let port = remote.port().max(1);
    socket.connect(SocketAddr::new(remote.ip(), port))?;
    let local = socket.local_addr()?.ip();
    if local.is_unspecified() {
        return Err(io::ErrorKind::NetworkUnreachable.into());
    }
    Ok(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_faced_by_loopback() {
        let local = local_address_towards(SocketAddr::from(([127, 0, 0, 1], 5_060)));
        assert_eq!(local.expect("a route"), IpAddr::V4(Ipv4Addr::LOCALHOST));
        let local = local_address_towards(SocketAddr::from(([127, 0, 0, 9], 0)));
        assert!(local.expect("a route").is_loopback());
    }
}
