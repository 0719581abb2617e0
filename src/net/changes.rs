//! Whether the network of this machine is another one than before: addresses and routes that come
//! and go with a cable, a wireless network, a tunnel.
//!
//! Linux tells of each change (rtnetlink). Elsewhere the routing table is asked now and then from
//! which address the world is reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::local_address_towards;

/// Changes come in bunches; the first of one is told after the others had so long to follow.
const SETTLES: Duration = Duration::from_millis(100);
/// How often the routing table is asked where the system does not tell.
const LOOK: Duration = Duration::from_secs(2);

/// From which addresses of ours the world is reached, by IPv4 and by IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    v4: Option<IpAddr>,
    v6: Option<IpAddr>,
}

impl Outlook {
    /// As it is now. Sends nothing.
    #[must_use]
    pub fn now() -> Outlook {
        // Addresses of documentation (RFC 5737, RFC 3849): only the route to them is asked for.
        let v4 = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).into(), 9);
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        Outlook {
            v4: local_address_towards(v4).ok(),
            v6: local_address_towards(SocketAddr::new(v6.into(), 9)).ok(),
        }
    }
}

/// Whether an address is one of this machine's.
#[must_use]
pub fn is_ours(ip: IpAddr) -> bool {
    std::net::UdpSocket::bind((ip, 0)).is_ok()
}

/// Tells when something may have changed.
#[derive(Debug)]
pub struct Changes {
    #[cfg(target_os = "linux")]
    told: Option<tokio::net::UnixDatagram>,
    looks: Interval,
    seen: Outlook,
    /// When a bunch of changes is over.
    settles_at: Option<Instant>,
}

impl Changes {
    /// Begins to watch. Must be called within a tokio runtime.
    #[must_use]
    pub fn watch() -> Changes {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Changes {
            #[cfg(target_os = "linux")]
            told: netlink::open()
                .map_err(|error| tracing::debug!("changes of the network are not told: {error}"))
                .ok(),
            looks,
            seen: Outlook::now(),
            settles_at: None,
        }
    }

    /// Waits until addresses or routes have changed, and have had a moment to settle. Safe to drop
    /// while waiting.
    pub async fn next(&mut self) {
        let at = match self.settles_at {
            Some(at) => at,
            None => {
                self.begins().await;
                *self.settles_at.insert(Instant::now() + SETTLES)
            }
        };
        tokio::time::sleep_until(at).await;
        self.settles_at = None;
        self.seen = Outlook::now();
        #[cfg(target_os = "linux")]
        if let Some(told) = &self.told {
            netlink::drain(told);
        }
    }

    /// Waits for the first of a bunch.
    async fn begins(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(told) = &self.told {
            if netlink::wait(told).await.is_ok() {
                return;
            }
            self.told = None;
        }
        loop {
            self.looks.tick().await;
            if Outlook::now() != self.seen {
                return;
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod netlink {
    use std::io;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{
        AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket,
    };
    use tokio::net::UnixDatagram;

    /// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV4_ROUTE`, `RTMGRP_IPV6_IFADDR`,
    /// `RTMGRP_IPV6_ROUTE` of rtnetlink(7).
    const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
    /// `ENOBUFS`: more was told than the system keeps.
    const TOO_MUCH: i32 = 105;

    /// A socket on which the system tells of changes. It has datagrams and no addresses that
    /// matter, as those of the other family that stays on the machine.
    pub(super) fn open() -> io::Result<UnixDatagram> {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
        UnixDatagram::from_std(fd.into())
    }

    /// Waits for the first word. What it says is no matter: it is looked anew.
    pub(super) async fn wait(told: &UnixDatagram) -> io::Result<()> {
        told.readable().await?;
        drain(told);
        Ok(())
    }

    /// Reads what is there, for a bounded while.
    pub(super) fn drain(told: &UnixDatagram) {
        let mut buffer = [0_u8; 8_192];
        for _ in 0..1_000 {
            match told.try_recv(&mut buffer) {
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(TOO_MUCH) => {}
                Err(_) => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_ours_and_an_address_of_documentation_is_not() {
        assert!(is_ours(Ipv4Addr::LOCALHOST.into()));
        assert!(!is_ours(Ipv4Addr::new(192, 0, 2, 1).into()));
    }

    #[test]
    fn the_outlook_is_the_same_while_nothing_changes() {
        assert_eq!(Outlook::now(), Outlook::now());
    }
}
