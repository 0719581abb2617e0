//! Which servers have failed lately, and are tried last (RFC 3263 section 4.3).

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::sip::Transport;
use crate::sip::transaction::Peer;

/// How long a server that gave no answer is tried last.
const SILENT_FOR: Duration = Duration::from_secs(120);
/// The longest that a server may have itself left aside.
const AT_MOST: Duration = Duration::from_secs(3_600);
/// How long a family of addresses over which nothing came back is tried after the other.
const FAMILY_FOR: Duration = Duration::from_secs(600);
/// Servers that are remembered.
const MAX_SERVERS: usize = 64;

/// What is known of servers that failed.
#[derive(Default)]
pub struct Outages {
    servers: BTreeMap<(SocketAddr, Transport), Instant>,
    /// Until when each family is aside: IPv4, IPv6.
    families: [Option<Instant>; 2],
}

impl fmt::Debug for Outages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outages")
            .field("servers", &self.servers.len())
            .finish_non_exhaustive()
    }
}

impl Outages {
    /// No answer came from there, or nothing gets there.
    pub fn silent(&mut self, now: Instant, server: &Peer) {
        self.note(now, server, SILENT_FOR);
        self.families[usize::from(server.remote.is_ipv6())] = Some(now + FAMILY_FOR);
    }

    /// It says that it is out of service, and for how long.
    pub fn out_of_service(&mut self, now: Instant, server: &Peer, retry_after: Duration) {
        self.note(now, server, retry_after.min(AT_MOST));
    }

    /// It answered.
    pub fn works(&mut self, server: &Peer) {
        self.servers.remove(&(server.remote, server.transport));
        self.families[usize::from(server.remote.is_ipv6())] = None;
    }

    /// Everything may be otherwise: the machine is in another network.
    pub fn forget(&mut self) {
        *self = Outages::default();
    }

    /// Whether it failed lately.
    #[must_use]
    pub fn is_out(&self, now: Instant, server: &Peer) -> bool {
        self.servers
            .get(&(server.remote, server.transport))
            .is_some_and(|until| *until > now)
    }

    /// Puts servers that failed behind the others, and within both those of a family that failed;
    /// what is equal keeps its order.
    pub fn put_last(&self, now: Instant, servers: &mut [Peer]) {
        servers.sort_by_key(|server| {
            let family = self.families[usize::from(server.remote.is_ipv6())];
            (
                self.is_out(now, server),
                family.is_some_and(|until| until > now),
            )
        });
    }

    fn note(&mut self, now: Instant, server: &Peer, span: Duration) {
        self.servers.retain(|_, until| *until > now);
        if self.servers.len() >= MAX_SERVERS {
            let oldest = self.servers.iter().min_by_key(|(_, until)| **until);
            if let Some(oldest) = oldest.map(|(server, _)| *server) {
                self.servers.remove(&oldest);
            }
        }
        let key = (server.remote, server.transport);
        self.servers.insert(key, now + span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an origin to count from; it is never read again"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    fn peer(remote: &str) -> Peer {
        Peer {
            transport: Transport::Udp,
            remote: remote.parse().expect("an address"),
            local: "192.0.2.99:5060".parse().expect("an address"),
            connection: None,
        }
    }

    fn ordered(outages: &Outages, now: Instant, servers: &[&str]) -> Vec<String> {
        let mut servers: Vec<Peer> = servers.iter().map(|it| peer(it)).collect();
        outages.put_last(now, &mut servers);
        servers.iter().map(|it| it.remote.to_string()).collect()
    }

    const A: &str = "192.0.2.1:5060";
    const B: &str = "192.0.2.2:5060";
    const SIX: &str = "[2001:db8::1]:5060";

    #[test]
    fn who_failed_is_tried_last_for_a_while() {
        let (mut outages, now) = (Outages::default(), start());
        outages.silent(now, &peer(A));
        assert_eq!(ordered(&outages, now, &[A, B]), [B, A]);
        let soon = now + Duration::from_secs(119);
        assert_eq!(ordered(&outages, soon, &[A, B]), [B, A]);
        let later = now + Duration::from_secs(120);
        assert_eq!(ordered(&outages, later, &[A, B]), [A, B]);
        outages.works(&peer(A));
        assert_eq!(ordered(&outages, now, &[A, B]), [A, B]);
    }

    #[test]
    fn who_says_for_how_long_is_believed_up_to_an_hour() {
        let (mut outages, now) = (Outages::default(), start());
        let out = |outages: &Outages, secs| {
            let at = now + Duration::from_secs(secs);
            outages.is_out(at, &peer(A))
        };
        outages.out_of_service(now, &peer(A), Duration::from_secs(600));
        assert!(out(&outages, 599) && !out(&outages, 600));
        outages.out_of_service(now, &peer(A), Duration::from_secs(1_000_000));
        assert!(out(&outages, 3_599) && !out(&outages, 3_600));
    }

    #[test]
    fn a_family_over_which_nothing_came_back_waits() {
        let (mut outages, now) = (Outages::default(), start());
        let other = "[2001:db8::2]:5060";
        outages.silent(now, &peer(SIX));
        assert_eq!(ordered(&outages, now, &[other, SIX, A]), [A, other, SIX]);
        // One that says it is busy has shown that the family works.
        outages.works(&peer(SIX));
        outages.out_of_service(now, &peer(SIX), Duration::from_secs(60));
        assert_eq!(ordered(&outages, now, &[other, SIX, A]), [other, A, SIX]);
    }

    #[test]
    fn no_more_than_a_bounded_number_is_remembered() {
        let (mut outages, now) = (Outages::default(), start());
        for n in 0..1_000_u64 {
            let at = now + Duration::from_millis(n);
            outages.silent(at, &peer(&format!("192.0.2.1:{}", 2_000 + n)));
        }
        assert_eq!(outages.servers.len(), MAX_SERVERS);
        assert!(outages.is_out(now, &peer("192.0.2.1:2999")));
    }
}
