//! Names to addresses by the system's resolver, with a limit in time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a person waits before "no such host" is the better answer.
const LIMIT: Duration = Duration::from_secs(5);
/// Addresses of one name that are worth trying.
const MAX_ADDRS: usize = 16;

/// The addresses of `host`, each once, in the resolver's order. An address, also an IPv6 one in
/// brackets, is itself and asks nobody.
///
/// # Errors
///
/// `TimedOut` after five seconds, `NotFound` when the name has no address, else what the resolver
/// says.
pub async fn lookup(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let found = tokio::time::timeout(LIMIT, tokio::net::lookup_host((bare, port)));
    let found = found.await.map_err(|_| io::ErrorKind::TimedOut)??;
    let mut addrs = Vec::new();
    for addr in found {
        if addrs.len() < MAX_ADDRS && !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }
    if addrs.is_empty() {
        Err(io::ErrorKind::NotFound.into())
    } else {
        Ok(addrs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_itself() {
        let check = async |host: &str, addr: &str| {
            let expected: SocketAddr = addr.parse().expect("an address");
            assert_eq!(
                lookup(host, 5_060).await.expect("no question asked"),
                [expected]
            );
        };
        check("192.0.2.1", "192.0.2.1:5060").await;
        check("2001:db8::1", "[2001:db8::1]:5060").await;
        check("[2001:db8::1]", "[2001:db8::1]:5060").await;
    }

    #[tokio::test]
    async fn localhost_is_loopback_and_each_address_comes_once() {
        let addrs = lookup("localhost", 5_060)
            .await
            .expect("every machine has it");
        assert!(
            addrs
                .iter()
                .all(|addr| addr.ip().is_loopback() && addr.port() == 5_060)
        );
        let mut once = addrs.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), addrs.len());
    }

    #[tokio::test]
    async fn what_is_no_name_is_an_error_and_no_panic() {
        for host in ["", "[", "]", "[]", "a b", "\u{0}", "..", "-"] {
            assert!(lookup(host, 5_060).await.is_err(), "{host:?}");
        }
    }
}
