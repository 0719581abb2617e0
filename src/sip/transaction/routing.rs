//! Where responses go (RFC 3261 section 18.2, RFC 3581).

use std::net::{IpAddr, SocketAddr};

use super::event::Peer;
use crate::sip::{Host, Via};

/// Where the responses of one transaction go.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct ResponseRoute {
    pub(super) to: Peer,
    /// Where they go once the connection of `to` is lost: a new one to the address that the
    /// request came from, at the port that its sender says it listens on (section 18.2.2).
    pub(super) instead: Option<Peer>,
}

/// Where to send the responses to a request from `from` whose top Via is `via`.
pub(super) fn response_route(via: &Via, from: &Peer) -> ResponseRoute {
    let sent_by_port = via.sent_by.port.unwrap_or(from.transport.default_port());
    if from.transport.is_reliable() {
        let mut remote = from.remote;
        remote.set_port(sent_by_port);
        let instead = Peer {
            remote,
            connection: None,
            ..*from
        };
        return ResponseRoute {
            to: *from,
            instead: Some(instead),
        };
    }
    let remote = match via.maddr().and_then(|host| unicast(&host)) {
        Some(maddr) => SocketAddr::new(maddr, sent_by_port),
        None => {
            let mut remote = from.remote;
            if via.rport().is_none() {
                remote.set_port(sent_by_port);
            }
            remote
        }
    };
    ResponseRoute {
        to: Peer { remote, ..*from },
        instead: None,
    }
}

/// A maddr that is a unicast address. A name would have to be looked up for a response, and a
/// group would make this host an amplifier: neither is followed.
fn unicast(maddr: &Host) -> Option<IpAddr> {
    let ip = maddr.ip()?;
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    (!ip.is_multicast() && !ip.is_unspecified() && !broadcast).then_some(ip)
}
