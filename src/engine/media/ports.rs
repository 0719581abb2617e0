//! The pair of UDP ports of one call.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use mio::net::UdpSocket;
use socket2::SockRef;

use crate::media::plan::Opened;

/// Expedited forwarding (RFC 3246) in the upper six bits of the traffic class: what networks
/// with rules carry speech under.
const EXPEDITED: u32 = 46 << 2;

/// Pairs tried when any will do.
const ATTEMPTS: usize = 32;

/// Why a call has no ports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// All of the chosen range are taken, by this program or others.
    #[error("no free pair of ports from {first} to {last}")]
    NoneFree {
        /// First of the range.
        first: u16,
        /// Last of the range.
        last: u16,
    },
    /// The address cannot be used: not ours any longer, or no ports may be opened.
    #[error("no port can be opened on this address")]
    Unusable {
        /// What the system said.
        source: io::Error,
        /// The address.
        local: IpAddr,
    },
    /// More calls than this program carries.
    #[error("too many calls at once")]
    TooManyCalls,
}

/// Two sockets, RTP on an even port and RTCP on the next (RFC 3550 section 11).
#[derive(Debug)]
pub(super) struct PortPair {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    pub(super) opened: Opened,
}

impl PortPair {
    /// The first free pair of `range`, or any.
    pub(super) fn open(
        local: IpAddr,
        range: Option<&RangeInclusive<u16>>,
    ) -> Result<PortPair, PortError> {
        match range {
            Some(range) => PortPair::first_of(local, range),
            None => PortPair::any(local),
        }
    }

    fn first_of(local: IpAddr, range: &RangeInclusive<u16>) -> Result<PortPair, PortError> {
        let (first, last) = (*range.start(), *range.end());
        // Past zero, which would be any port; and an odd first one is no RTP port.
        let even = first.max(2).checked_next_multiple_of(2);
        for port in even.into_iter().flat_map(|even| (even..last).step_by(2)) {
            match PortPair::bind(local, port) {
                Ok(pair) => return Ok(pair),
                Err(error) if is_taken(&error) => {}
                Err(source) => return Err(PortError::Unusable { source, local }),
            }
        }
        Err(PortError::NoneFree { first, last })
    }

    fn any(local: IpAddr) -> Result<PortPair, PortError> {
        let unusable = |source| PortError::Unusable { source, local };
        for _ in 0..ATTEMPTS {
            let probe = std::net::UdpSocket::bind((local, 0)).map_err(unusable)?;
            let port = probe.local_addr().map_err(unusable)?.port();
            drop(probe);
            match PortPair::bind(local, port & !1) {
                Ok(pair) => return Ok(pair),
                Err(error) if is_taken(&error) => {}
                Err(source) => return Err(unusable(source)),
            }
        }
        Err(PortError::NoneFree {
            first: 1,
            last: u16::MAX,
        })
    }

    fn bind(local: IpAddr, port: u16) -> io::Result<PortPair> {
        let (rtp, rtcp) = (socket(local, port)?, socket(local, port + 1)?);
        let opened = Opened::at(rtp.local_addr()?);
        Ok(PortPair { rtp, rtcp, opened })
    }
}

fn is_taken(error: &io::Error) -> bool {
    // Windows keeps ranges for itself, and says that access is denied.
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

fn socket(local: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(SocketAddr::new(local, port))?;
    let marked = match local {
        IpAddr::V4(_) => SockRef::from(&socket).set_tos_v4(EXPEDITED),
        #[cfg(unix)]
        IpAddr::V6(_) => SockRef::from(&socket).set_tclass_v6(EXPEDITED),
        #[cfg(not(unix))]
        IpAddr::V6(_) => Ok(()),
    };
    if let Err(error) = marked {
        tracing::debug!("media is sent without priority: {error}");
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A range of `pairs` free pairs, from an even port on.
    fn free_range(pairs: u16) -> RangeInclusive<u16> {
        loop {
            let first = PortPair::any(HERE).unwrap().opened.rtp.port();
            let Some(last) = first.checked_add(2 * pairs - 1) else {
                continue;
            };
            let all: io::Result<Vec<_>> = (first..=last).map(|port| socket(HERE, port)).collect();
            if all.is_ok() {
                return first..=last;
            }
        }
    }

    #[test]
    fn any_pair_is_even_and_the_next() {
        for _ in 0..20 {
            let pair = PortPair::open(HERE, None).unwrap();
            let rtp = pair.rtp.local_addr().unwrap();
            assert_eq!(rtp, pair.opened.rtp);
            assert_eq!(rtp.port() % 2, 0);
            assert_eq!(pair.rtcp.local_addr().unwrap().port(), rtp.port() + 1);
        }
    }

    #[test]
    fn a_range_is_used_from_its_first_even_port_until_none_is_free() {
        let range = free_range(2);
        let first = *range.start();
        let odd = first - 1..=*range.end();
        let one = PortPair::open(HERE, Some(&odd)).unwrap();
        let two = PortPair::open(HERE, Some(&range)).unwrap();
        assert_eq!(
            (one.opened.rtp.port(), two.opened.rtp.port()),
            (first, first + 2)
        );
        let none = PortPair::open(HERE, Some(&range)).unwrap_err();
        assert!(matches!(none, PortError::NoneFree { .. }), "{none}");
        drop(one);
        assert_eq!(
            PortPair::open(HERE, Some(&range))
                .unwrap()
                .opened
                .rtp
                .port(),
            first
        );
    }

    #[test]
    fn a_pair_whose_second_port_is_taken_is_passed_over() {
        let range = free_range(2);
        let first = *range.start();
        let _taken = socket(HERE, first + 1).unwrap();
        let pair = PortPair::open(HERE, Some(&range)).unwrap();
        assert_eq!(pair.opened.rtp.port(), first + 2);
    }

    #[test]
    fn an_address_that_is_not_ours_is_told_apart_from_a_full_range() {
        let foreign = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        for range in [None, Some(&(40_000..=40_010))] {
            let error = PortPair::open(foreign, range).unwrap_err();
            assert!(matches!(error, PortError::Unusable { .. }), "{error}");
        }
    }

    #[test]
    fn the_ends_of_the_port_space_are_survived() {
        for range in [0..=1, 65_535..=65_535, 65_534..=65_535] {
            let _ = PortPair::open(HERE, Some(&range));
        }
        let backwards = RangeInclusive::new(9, 8);
        assert!(PortPair::open(HERE, Some(&backwards)).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn packets_are_marked_for_speech() {
        let pair = PortPair::open(HERE, None).unwrap();
        assert_eq!(SockRef::from(&pair.rtp).tos_v4().unwrap(), 0xb8);
        if let Ok(six) = PortPair::open(IpAddr::V6(Ipv6Addr::LOCALHOST), None) {
            assert_eq!(SockRef::from(&six.rtcp).tclass_v6().unwrap(), 0xb8);
        }
    }
}
