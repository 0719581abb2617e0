//! Where responses go (RFC 3261 section 18.2, RFC 3581).

use super::event::Peer;
use crate::sip::{Transport, Via};

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
        // Those that are opened to servers alone are opened anew, not to where a Via says.
        let may_move = from.transport == Transport::Tcp;
        return ResponseRoute {
            to: *from,
            instead: may_move.then_some(instead),
        };
    }
    let mut remote = from.remote;
    if via.rport().is_none() || names_sender(via, from) {
        remote.set_port(sent_by_port);
    }
    ResponseRoute {
        to: Peer { remote, ..*from },
        instead: None,
    }
}

/// Whether the Via has a maddr, and it is where the request came from. Any other would let a
/// stranger have our responses sent to whom they like; section 18.2.2 means it for multicast.
fn names_sender(via: &Via, from: &Peer) -> bool {
    let maddr = via.maddr().and_then(|host| host.ip());
    maddr.is_some_and(|maddr| maddr == from.remote.ip().to_canonical())
}
