//! Ports that nobody uses, on both loopback addresses and for both transports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::sync::Mutex;
use std::time::Duration;

use super::wait_until;

/// Below the range from which systems pick ports by themselves.
const FIRST: u16 = 12_000;
const LAST: u16 = 30_000;

/// The next port to try; a start that differs between runs keeps two of them apart.
static NEXT: Mutex<Option<u16>> = Mutex::new(None);

/// `count` free ports in a row, the first of them even. Never handed out twice in a run.
pub(crate) fn free(count: u16) -> u16 {
    let mut next = NEXT.lock().expect("no test panics in here");
    let span = LAST - FIRST;
    let mut at = next.unwrap_or(FIRST + (std::process::id() as u16).wrapping_mul(64) % span);
    for _ in 0..span {
        at += at % 2;
        if at + count > LAST {
            at = FIRST;
        }
        if (at..at + count).all(is_free) {
            *next = Some(at + count);
            return at;
        }
        at += 1;
    }
    panic!("no {count} free ports in a row");
}

/// Waits until a program that was given this port listens on it, and a moment more, in which it
/// learns whom it listens for.
pub(crate) fn wait_until_taken(port: u16) {
    wait_until(
        Duration::from_secs(15),
        || format!("nobody listens on {port}"),
        || UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).err(),
    );
    std::thread::sleep(Duration::from_secs(1));
}

fn is_free(port: u16) -> bool {
    let ours = |address: IpAddr| {
        UdpSocket::bind((address, port)).is_ok() && TcpListener::bind((address, port)).is_ok()
    };
    ours(Ipv4Addr::LOCALHOST.into()) && (!has_ipv6() || ours(Ipv6Addr::LOCALHOST.into()))
}

/// Whether this machine has an IPv6 loopback.
pub(crate) fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}
