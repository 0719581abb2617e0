//! The path between us and a registrar: under which address it sees us (RFC 3581).

use std::net::{IpAddr, SocketAddr};

use super::account::{Account, Binding};
use super::keeping::{Keeping, SHORTEST};
use super::{AccountId, Agent, requests};
use crate::sip::transaction::Peer;
use crate::sip::{Agreed, NameAddr, Response, Transport, Uri};

/// How often in a row we say that we are elsewhere before we leave it at what we said last: where
/// each request comes from another port, no answer is ever right.
const MAX_CHANGES: u8 = 3;

/// What is known of the path to one registrar.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Where the registrar sees us, if not at our own address.
    mapped: Option<SocketAddr>,
    /// How often that has changed without being confirmed.
    changes: u8,
    /// What keeps it open.
    pub(super) keeping: Keeping,
}

/// Which of an account's flows, by its number at the registrar (RFC 5626 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowId {
    pub(super) account: AccountId,
    pub(super) number: u32,
}

impl Flow {
    /// Takes in where a registrar saw a request of ours come from that left over `way`. Says
    /// whether that is another place than it was.
    fn saw(&mut self, way: &Peer, seen: SocketAddr) -> bool {
        let own = match way.transport {
            Transport::Udp => seen == way.local,
            // A connection has a port of its own in any case.
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                seen.ip() == way.local.ip()
            }
        };
        let mapped = (!own).then_some(seen);
        if mapped == self.mapped {
            self.changes = 0;
            return false;
        }
        if self.changes >= MAX_CHANGES {
            return false;
        }
        self.changes += 1;
        if self.mapped.is_some() && mapped.is_some() && self.keeping.is_kept() {
            // It was forgotten in spite of all: more often, then.
            let every = self.keeping.interval(way.transport);
            self.keeping.every = Some((every / 2).max(SHORTEST));
        }
        self.mapped = mapped;
        true
    }

    /// The next request goes over `to` instead of `from`: what is known of another path says
    /// nothing of this one.
    pub(super) fn leads(&mut self, from: &Peer, to: &Peer) {
        if !same_path(from, to) {
            *self = Flow::default();
        }
    }

    /// This way as the registrar at the other end of it sees it.
    pub(super) fn seen(&self, way: &Peer) -> Peer {
        match self.mapped {
            Some(mapped) => Peer {
                local: mapped,
                ..*way
            },
            None => *way,
        }
    }

    /// The registrar sees us elsewhere than at our own address.
    pub(super) const fn is_mapped(&self) -> bool {
        self.mapped.is_some()
    }
}

impl Account {
    /// A way as the registrar sees it, where it leads there.
    pub(super) fn seen(&self, way: &Peer) -> Peer {
        let mut flows = self.flows();
        match flows.find(|(known, _)| same_path(known, way)) {
            Some((_, flow)) => flow.seen(way),
            None => *way,
        }
    }

    /// Where we are reached over this way.
    fn contact_over(&self, way: &Peer) -> NameAddr {
        self.binding_contact(&self.seen(way))
    }

    /// Where the far side of a dialog reaches us: at the address of this phone alone, if the
    /// registrar has given one (RFC 5627 section 4.4), else over this way; `hidden`: without saying
    /// who we are.
    pub(super) fn contact_in_dialogs(&self, way: &Peer, hidden: bool) -> NameAddr {
        let agreed = match &self.binding {
            Binding::Running { registration, .. } if self.is_registered() => registration.agreed(),
            _ => &Agreed::default(),
        };
        let gruu = if hidden {
            &agreed.temporary
        } else {
            &agreed.public
        };
        if let Some(gruu) = gruu {
            return NameAddr::new(gruu.clone());
        }
        let user = if hidden {
            requests::NOBODY.to_owned()
        } else {
            self.contact_user()
        };
        let mut contact = requests::binding_contact(&user, self.is_sips(), &self.seen(way));
        if let Uri::Sip(sip) = &mut contact.uri
            && agreed.outbound
        {
            // Requests of the dialog come over the flow (RFC 5626 section 4.3).
            sip.params.set("ob", None);
        }
        contact
    }
}

impl Agent {
    /// The registrar's answer says where it sees us. Says whether our Contact is another one now:
    /// the next REGISTER has it.
    pub(super) fn learn_mapping(&mut self, id: FlowId, response: &Response) -> bool {
        let Some(account) = self.accounts.get_mut(&id.account) else {
            return false;
        };
        let Some(line) = account.line(id.number) else {
            return false;
        };
        let way = *line.way;
        let Some(seen) = seen_at(response).filter(|at| at.is_ipv4() == way.local.is_ipv4()) else {
            return false;
        };
        if !line.flow.saw(&way, seen) {
            return false;
        }
        tracing::debug!(account = id.account.0, "the registrar sees us at {seen}");
        let contact = account.contact_over(&way);
        if let Some(line) = account.line(id.number) {
            line.registration.relocate(contact);
        }
        true
    }
}

/// Whether what lies between is the same for both.
pub(super) fn same_path(a: &Peer, b: &Peer) -> bool {
    (a.remote.ip(), a.transport, a.local) == (b.remote.ip(), b.transport, b.local)
}

/// Where a request of ours came from, as the server that answers wrote into its Via (RFC 3581
/// section 4). `None` where it does not say.
fn seen_at(response: &Response) -> Option<SocketAddr> {
    let via = response.headers.top_via().ok()?;
    let port = via.rport().flatten()?;
    let ip: IpAddr = via.received().or_else(|| via.sent_by.host.ip())?;
    (port != 0 && !ip.is_unspecified()).then(|| SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn way(transport: Transport) -> Peer {
        Peer {
            transport,
            remote: "203.0.113.1:5060".parse().expect("an address"),
            local: "192.168.1.7:5060".parse().expect("an address"),
            connection: None,
        }
    }

    fn at(addr: &str) -> SocketAddr {
        addr.parse().expect("an address")
    }

    #[test]
    fn our_own_address_is_no_mapping() {
        let mut flow = Flow::default();
        assert!(!flow.saw(&way(Transport::Udp), at("192.168.1.7:5060")));
        // A connection leaves from a port of its own.
        assert!(!flow.saw(&way(Transport::Tcp), at("192.168.1.7:49152")));
        assert_eq!(flow.mapped, None);
    }

    #[test]
    fn another_address_is_told_once_and_forgotten_when_it_is_gone() {
        let mut flow = Flow::default();
        let way = way(Transport::Udp);
        assert!(flow.saw(&way, at("198.51.100.9:31000")));
        assert!(!flow.saw(&way, at("198.51.100.9:31000")));
        assert!(flow.saw(&way, at("192.168.1.7:5060")));
        assert_eq!(flow.mapped, None);
    }

    #[test]
    fn a_port_that_is_never_the_same_is_not_followed_for_ever() {
        let mut flow = Flow::default();
        let way = way(Transport::Udp);
        let followed = (0..50_u16)
            .filter(|n| flow.saw(&way, SocketAddr::new([198, 51, 100, 9].into(), 30_000 + n)))
            .count();
        assert_eq!(followed, usize::from(MAX_CHANGES));
    }

    #[test]
    fn who_is_forgotten_in_spite_of_pings_pings_more_often() {
        let mut flow = Flow::default();
        flow.keeping.ping_at = Some(start());
        let way = way(Transport::Udp);
        let interval = |flow: &Flow| flow.keeping.interval(Transport::Udp);
        assert!(flow.saw(&way, at("198.51.100.9:31000")));
        assert_eq!(interval(&flow), Duration::from_secs(29));
        assert!(flow.saw(&way, at("198.51.100.9:31001")));
        assert_eq!(interval(&flow), Duration::from_millis(14_500));
        assert!(flow.saw(&way, at("198.51.100.9:31002")));
        assert_eq!(interval(&flow), Duration::from_secs(10));
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an origin to count from; it is never read again"
    )]
    fn start() -> Instant {
        Instant::now()
    }
}
