//! Who may come in: what strangers send is counted, and turned away where no account is for them.
//!
//! A port that answers is found by scanners within hours, and a phone that rings for each of them
//! is thrown out of the window. So a call rings only when it comes from one of the account's own
//! servers, unless the account stands alone or its person takes direct calls. Everybody else is
//! answered 403 from no transaction, and never with more bytes than they sent: an address on a
//! datagram proves nothing.
//!
//! ```text
//! datagram ─▶ familiar? ── no ─▶ rate of its source, rate of all strangers ─▶ dropped
//!                │ yes                 │ within
//!                ▼                     ▼
//!                read ─▶ inside a dialog? ── yes ─▶ from where the call goes? ── no ─▶ 481
//!                              │ no
//!                              ▼
//!                        from a server of ours, or for an account that takes direct calls?
//!                              │ no: 403 once, or nothing          │ yes: request_came
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use super::addressee::Addressee;
use super::{Account, Agent, CallId};
use crate::sip::transaction::Peer;
use crate::sip::{Message, Method, ParseError, Parsed, Request, StatusCode, Transport, Uri};

/// Addresses that are remembered in one place.
const MAX_ADDRESSES: usize = 32;
/// Sources that are counted one by one; the longest silent one gives way.
const MAX_SOURCES: usize = 512;
/// What one stranger may send: a call has about ten messages, and some people have several phones
/// behind one address.
const OF_ONE: Allowance = Allowance {
    per_second: 20.0,
    at_once: 60.0,
};
/// What all strangers together may send, so that made-up addresses come to no more.
const OF_ALL: Allowance = Allowance {
    per_second: 200.0,
    at_once: 400.0,
};

/// A few addresses, the latest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses(Vec<IpAddr>);

impl Addresses {
    pub(super) fn note(&mut self, ip: IpAddr) {
        let ip = ip.to_canonical();
        if self.0.last() == Some(&ip) {
            return;
        }
        self.0.retain(|known| *known != ip);
        if self.0.len() == MAX_ADDRESSES {
            self.0.remove(0);
        }
        self.0.push(ip);
    }

    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        self.0.contains(&ip.to_canonical())
    }
}

impl From<&Peer> for Addresses {
    fn from(peer: &Peer) -> Addresses {
        Addresses(vec![peer.remote.ip().to_canonical()])
    }
}

/// So many a second, and so many at once after a pause.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    per_second: f64,
    at_once: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn full(now: Instant, allowance: Allowance) -> Bucket {
        Bucket {
            left: allowance.at_once,
            at: now,
        }
    }

    fn take(&mut self, now: Instant, allowance: Allowance) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + since * allowance.per_second).min(allowance.at_once);
        self.at = now;
        let one = self.left >= 1.0;
        if one {
            self.left -= 1.0;
        }
        one
    }
}

/// Counts what strangers send.
#[derive(Default)]
pub(super) struct Door {
    sources: BTreeMap<IpAddr, Bucket>,
    all: Option<Bucket>,
}

/// Whom it has counted lately says nothing about the state of the phone.
impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

impl Door {
    /// Whether one more message of this stranger is looked at.
    fn admits(&mut self, now: Instant, ip: IpAddr) -> bool {
        let source = prefix(ip);
        if !self.sources.contains_key(&source) && self.sources.len() == MAX_SOURCES {
            let silent = self.sources.iter().min_by_key(|(_, bucket)| bucket.at);
            if let Some(silent) = silent.map(|(source, _)| *source) {
                self.sources.remove(&silent);
            }
        }
        let bucket = self.sources.entry(source);
        let bucket = bucket.or_insert_with(|| Bucket::full(now, OF_ONE));
        let all = self.all.get_or_insert_with(|| Bucket::full(now, OF_ALL));
        bucket.take(now, OF_ONE) && all.take(now, OF_ALL)
    }
}

/// Who has one IPv6 address has 2⁶⁴ of them.
fn prefix(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Account {
    /// Whether calls may come from elsewhere than its own servers.
    fn takes_direct_calls(&self) -> bool {
        let config = &self.config;
        config.trust.direct_calls || !config.register || config.aor.is_none()
    }
}

impl Agent {
    /// Takes a message, `len` bytes long as a datagram, that has passed the door.
    pub(super) fn take_in(
        &mut self,
        now: Instant,
        message: Result<Parsed, ParseError>,
        from: Peer,
        len: Option<usize>,
    ) {
        match &message {
            Err(_) if from.transport == Transport::Udp && !self.is_familiar(&from) => return,
            Ok(Parsed {
                message: Message::Request(request),
                ..
            }) if self.is_unwelcome(request, &from) => {
                if request.method == Method::Invite {
                    let at_most = len.unwrap_or(usize::MAX);
                    let status = StatusCode::FORBIDDEN;
                    self.layer.refuse_unseen(request, status, from, at_most);
                }
                return;
            }
            Ok(_) | Err(_) => {}
        }
        self.layer.handle_message(now, message, from);
    }

    /// Whether a message from there is looked at now.
    pub(super) fn admits(&mut self, now: Instant, from: &Peer) -> bool {
        self.is_familiar(from) || self.door.admits(now, from.remote.ip())
    }

    /// Whether we have to do with who is there: a server of ours, a call, or somebody whom we sent
    /// a request lately.
    pub(super) fn is_familiar(&self, from: &Peer) -> bool {
        let ip = from.remote.ip();
        self.company.contains(ip)
            || self.is_any_server(ip)
            || self.calls.values().any(|call| call.sources.contains(ip))
    }

    fn is_any_server(&self, ip: IpAddr) -> bool {
        self.accounts.values().any(|account| account.is_server(ip))
    }

    /// Whether a request from outside of any dialog is for nobody here, because of whom it is from.
    fn is_unwelcome(&self, request: &Request, from: &Peer) -> bool {
        let within = request.headers.to().is_ok_and(|to| to.tag().is_some());
        // What belongs to something is judged by it; messages have rules of their own.
        let judged = matches!(
            request.method,
            Method::Ack | Method::Cancel | Method::Message
        );
        if within || judged || self.is_any_server(from.remote.ip()) {
            return false;
        }
        if request.method != Method::Invite {
            return !self.accounts.values().any(Account::takes_direct_calls);
        }
        if let Ok(Some(replaces)) = request.headers.replaces()
            && self.replaced_by(&replaces).is_ok()
        {
            // Only the two sides of that call can name it.
            return false;
        }
        match self.addressee(request, from) {
            Addressee::One(account) => {
                let account = self.accounts.get(&account);
                !account.is_some_and(Account::takes_direct_calls)
            }
            Addressee::Several | Addressee::Nobody => {
                !self.accounts.values().any(Account::takes_direct_calls)
            }
        }
    }

    /// Whether a request inside a call comes from where the call goes: its tags can be overheard,
    /// and then anybody could end it. A far side without a server between may say from elsewhere
    /// where it is now: a machine that changes networks is not heard again otherwise.
    pub(super) fn may_speak(&self, call: CallId, method: &Method, from: &Peer) -> bool {
        let Some(found) = self.calls.get(&call) else {
            return true;
        };
        let ip = from.remote.ip();
        if found.sources.contains(ip) || self.is_server(found.account, from) {
            return true;
        }
        let super::call::Phase::Established(established) = &found.phase else {
            return true;
        };
        let dialog = &established.dialog;
        let moves = matches!(method, Method::Invite | Method::Update);
        if moves && dialog.next_hop() == *dialog.remote_target() {
            return true;
        }
        [dialog.next_hop(), dialog.remote_target().clone()]
            .iter()
            .filter_map(Uri::as_sip)
            .filter_map(|sip| sip.host_port.host.ip())
            .any(|it| it.to_canonical() == ip.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn beginning() -> Instant {
        #[expect(
            clippy::disallowed_methods,
            reason = "an instant to start from cannot be made otherwise"
        )]
        Instant::now()
    }

    fn v4(last: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + last))
    }

    /// How many of so many messages in one second, evenly, are looked at.
    fn admitted(
        door: &mut Door,
        start: Instant,
        from: impl Fn(u32) -> IpAddr,
        messages: u32,
    ) -> usize {
        let at = |n: u32| start + Duration::from_secs(1) * n / messages;
        (0..messages)
            .filter(|n| door.admits(at(*n), from(*n)))
            .count()
    }

    #[test]
    fn one_stranger_who_floods_leaves_room_for_others() {
        let (mut door, start) = (Door::default(), beginning());
        let heard = admitted(&mut door, start, |_| v4(1), 10_000);
        // 60 at once, and 20 in the second.
        assert!((79..=80).contains(&heard), "{heard}");
        assert!(door.admits(start + Duration::from_secs(1), v4(2)));
    }

    #[test]
    fn a_flood_from_made_up_addresses_is_bounded_in_number_and_in_memory() {
        let (mut door, start) = (Door::default(), beginning());
        let heard = admitted(&mut door, start, v4, 10_000);
        assert!((599..=600).contains(&heard), "{heard}");
        assert_eq!(door.sources.len(), MAX_SOURCES);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_stranger() {
        let (mut door, start) = (Door::default(), beginning());
        let of = |n: u32| IpAddr::V6(Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(n)));
        let heard = admitted(&mut door, start, of, 10_000);
        assert!((79..=80).contains(&heard), "{heard}");
        assert_eq!(door.sources.len(), 1);
    }

    #[test]
    fn who_waits_is_heard_again() {
        let (mut door, start) = (Door::default(), beginning());
        admitted(&mut door, start, |_| v4(1), 10_000);
        let later = start + Duration::from_secs(3);
        let heard = (0..100).filter(|_| door.admits(later, v4(1))).count();
        assert!((40..=60).contains(&heard), "{heard}");
    }

    #[test]
    fn addresses_are_remembered_up_to_a_number_the_latest_ones() {
        let mut known = Addresses::default();
        for n in 0..100 {
            known.note(v4(n));
            known.note(v4(7));
        }
        assert_eq!(known.0.len(), MAX_ADDRESSES);
        assert!(known.contains(v4(7)) && known.contains(v4(99)) && !known.contains(v4(1)));
    }
}
