//! Addresses in attributes, plain and masked (RFC 8489 sections 14.1 and 14.2).

use std::net::{IpAddr, SocketAddr};

use super::{MAGIC_COOKIE, TransactionId};

/// What an address is masked with: the cookie, then the transaction.
fn mask(transaction: TransactionId) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(&transaction.0);
    mask
}

/// Reads an address: family, port, 4 or 16 bytes. `None` when it is anything else. An IPv4
/// address mapped into IPv6 is told as IPv4, as some servers with sockets of both kinds write it.
pub(super) fn read(value: &[u8], masked: Option<TransactionId>) -> Option<SocketAddr> {
    let (head, address) = value.split_at_checked(4)?;
    let mask = masked.map_or([0; 16], mask);
    let port = u16::from_be_bytes([head[2] ^ mask[0], head[3] ^ mask[1]]);
    let ip = match (head[1], address.len()) {
        (1, 4) => {
            let mut octets: [u8; 4] = address.try_into().ok()?;
            unmask(&mut octets, &mask);
            IpAddr::from(octets)
        }
        (2, 16) => {
            let mut octets: [u8; 16] = address.try_into().ok()?;
            unmask(&mut octets, &mask);
            IpAddr::from(octets).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Writes an address to the end of `to`.
pub(super) fn write(to: &mut Vec<u8>, address: SocketAddr, masked: Option<TransactionId>) {
    let mask = masked.map_or([0; 16], mask);
    let [high, low] = address.port().to_be_bytes();
    let port = [high ^ mask[0], low ^ mask[1]];
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => {
            let mut octets = ip.octets();
            unmask(&mut octets, &mask);
            to.extend([0, 1, port[0], port[1]]);
            to.extend(octets);
        }
        IpAddr::V6(ip) => {
            let mut octets = ip.octets();
            unmask(&mut octets, &mask);
            to.extend([0, 2, port[0], port[1]]);
            to.extend(octets);
        }
    }
}

fn unmask(octets: &mut [u8], mask: &[u8; 16]) {
    for (octet, mask) in octets.iter_mut().zip(mask) {
        *octet ^= mask;
    }
}
