//! The path between us and a registrar: under which address it sees us (RFC 3581), and keeping
//! what lies between open (RFC 5626 section 4.4).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::account::{Account, Binding};
use super::{AccountId, Agent, Output, requests};
use crate::sip::transaction::Peer;
use crate::sip::{Agreed, NameAddr, Response, Transport, Uri};

/// Two line ends: an empty message, which nobody answers over UDP and every SIP parser skips
/// (RFC 3261 section 7.5; RFC 5626 section 4.4.1 for streams).
const PING: &[u8] = b"\r\n\r\n";
/// How often over UDP: address translators may forget a path after 30 s (RFC 5626 section 4.4.2).
const DATAGRAMS: Duration = Duration::from_secs(29);
/// How often over a connection (RFC 5626 section 4.4.1).
const STREAMS: Duration = Duration::from_secs(120);
/// However soon something on the way forgets us.
const SHORTEST: Duration = Duration::from_secs(10);
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
    /// How often the path is used lest it be forgotten, where that was found out or told.
    every: Option<Duration>,
    /// When it is used next.
    ping_at: Option<Instant>,
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
        if self.mapped.is_some() && mapped.is_some() && self.ping_at.is_some() {
            // It was forgotten in spite of all: more often, then.
            let every = self.interval(way.transport);
            self.every = Some((every / 2).max(SHORTEST));
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

    fn interval(&self, transport: Transport) -> Duration {
        let usual = if transport.is_reliable() {
            STREAMS
        } else {
            DATAGRAMS
        };
        self.every.unwrap_or(usual)
    }

    /// When the path is to be used next; `None`: nothing on it forgets us, as far as we know.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.ping_at
    }
}

impl Account {
    /// A way as the registrar sees it, where it leads there.
    pub(super) fn seen(&self, way: &Peer) -> Peer {
        match &self.binding {
            Binding::Running {
                way: known, flow, ..
            } if same_path(known, way) => flow.seen(way),
            _ => *way,
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
    pub(super) fn learn_mapping(&mut self, id: AccountId, response: &Response) -> bool {
        let Some(account) = self.accounts.get_mut(&id) else {
            return false;
        };
        let Binding::Running { way, flow, .. } = &mut account.binding else {
            return false;
        };
        let Some(seen) = seen_at(response).filter(|at| at.is_ipv4() == way.local.is_ipv4()) else {
            return false;
        };
        if !flow.saw(way, seen) {
            return false;
        }
        tracing::debug!(account = id.0, "the registrar sees us at {seen}");
        let way = *way;
        let contact = account.contact_over(&way);
        if let Binding::Running { registration, .. } = &mut account.binding {
            registration.relocate(contact);
        }
        true
    }

    /// The registrar has accepted us: from here on the path is kept open, if something on it may
    /// forget us.
    pub(super) fn keep_flow(&mut self, now: Instant, id: AccountId) {
        let lot = f64::from(self.rng.next_u32() % 1_000) / 1_000.0;
        if let Some(Account {
            binding:
                Binding::Running {
                    way,
                    flow,
                    registration,
                    ..
                },
            ..
        }) = self.accounts.get_mut(&id)
        {
            let agreed = registration.agreed();
            flow.every = agreed.flow_timer.or(flow.every);
            let forgetful = flow.mapped.is_some() || agreed.outbound || agreed.flow_timer.is_some();
            // A WebSocket has pings of its own (RFC 6455 section 5.5.2).
            let pings = !matches!(way.transport, Transport::Ws | Transport::Wss);
            let kept = pings && forgetful && registration.is_bound();
            // 80 to 100 %, so that the phones of a house do not ping as one.
            let pause = flow.interval(way.transport).mul_f64(0.8 + 0.2 * lot);
            flow.ping_at = kept.then(|| now + pause);
        }
    }

    pub(super) fn pings_due(&mut self, now: Instant) {
        let due: Vec<(AccountId, Option<Peer>)> = self
            .accounts
            .iter()
            .filter(|(_, account)| account.ping_at().is_some_and(|at| at <= now))
            .map(|(id, account)| (*id, account.registered_way().copied()))
            .collect();
        for (id, way) in due {
            let Some(to) = way else {
                self.rest_flow(id);
                continue;
            };
            let bytes = PING.to_vec();
            self.outputs.push_back(Output::Transmit { to, bytes });
            self.keep_flow(now, id);
        }
    }

    fn rest_flow(&mut self, id: AccountId) {
        if let Some(Account {
            binding: Binding::Running { flow, .. },
            ..
        }) = self.accounts.get_mut(&id)
        {
            flow.ping_at = None;
        }
    }
}

/// Whether what lies between is the same for both.
fn same_path(a: &Peer, b: &Peer) -> bool {
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
        let mut flow = Flow {
            ping_at: Some(start()),
            ..Flow::default()
        };
        let way = way(Transport::Udp);
        let interval = |flow: &Flow| flow.interval(Transport::Udp);
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
