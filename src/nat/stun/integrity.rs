//! What shows that a message is whole and from whom (RFC 8489 sections 9, 14.5 to 14.7).

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::redact::Secret;

/// The mask of FINGERPRINT: "STUN" in ASCII.
const FINGERPRINT_MASK: u32 = 0x5354_554E;

/// The key of an HMAC, made from a password. Never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Secret<Vec<u8>>);

impl Key {
    /// The password itself (RFC 8489 section 9.1.1): ICE.
    #[must_use]
    pub fn short_term(password: &str) -> Key {
        Key(Secret::new(password.as_bytes().to_vec()))
    }

    /// MD5 over user, realm and password (RFC 8489 section 9.2.2): TURN. The password is taken as
    /// it was typed; OpaqueString (RFC 8265) changes none that is plain ASCII.
    #[must_use]
    pub fn long_term(user: &str, realm: &str, password: &str) -> Key {
        Key(Secret::new(joined::<Md5>(user, realm, password)))
    }

    /// The same with SHA-256, where the server offers it in PASSWORD-ALGORITHMS.
    #[must_use]
    pub fn long_term_sha256(user: &str, realm: &str, password: &str) -> Key {
        Key(Secret::new(joined::<Sha256>(user, realm, password)))
    }

    fn sha1(&self, parts: [&[u8]; 2]) -> Hmac<Sha1> {
        let mut mac = Hmac::<Sha1>::new_from_slice(self.0.reveal())
            .unwrap_or_else(|_| unreachable!("an HMAC takes keys of any length"));
        parts.into_iter().for_each(|part| mac.update(part));
        mac
    }

    fn sha256(&self, parts: [&[u8]; 2]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.reveal())
            .unwrap_or_else(|_| unreachable!("an HMAC takes keys of any length"));
        parts.into_iter().for_each(|part| mac.update(part));
        mac
    }

    /// MESSAGE-INTEGRITY of a message whose head (with the length that counts the attribute)
    /// and rest are given.
    pub(super) fn sign(&self, head: &[u8], rest: &[u8]) -> [u8; 20] {
        self.sha1([head, rest]).finalize().into_bytes().into()
    }

    /// MESSAGE-INTEGRITY-SHA256, not truncated.
    pub(super) fn sign_sha256(&self, head: &[u8], rest: &[u8]) -> [u8; 32] {
        self.sha256([head, rest]).finalize().into_bytes().into()
    }

    /// Compares in constant time.
    pub(super) fn signed(&self, head: &[u8], rest: &[u8], mac: &[u8]) -> bool {
        self.sha1([head, rest]).verify_slice(mac).is_ok()
    }

    /// Compares in constant time; truncated to no less than 16 bytes (RFC 8489 section 14.6).
    pub(super) fn signed_sha256(&self, head: &[u8], rest: &[u8], mac: &[u8]) -> bool {
        (16..=32).contains(&mac.len())
            && mac.len().is_multiple_of(4)
            && self.sha256([head, rest]).verify_truncated_left(mac).is_ok()
    }
}

fn joined<D: Digest>(user: &str, realm: &str, password: &str) -> Vec<u8> {
    let mut hash = D::new();
    for part in [user, ":", realm, ":", password] {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// FINGERPRINT's value over everything before the attribute.
pub(super) fn fingerprint(head: &[u8], rest: &[u8]) -> u32 {
    let crc = head.iter().chain(rest).fold(u32::MAX, |crc, &byte| {
        CRC_TABLE[usize::from((crc as u8) ^ byte)] ^ (crc >> 8)
    });
    !crc ^ FINGERPRINT_MASK
}

/// CRC-32 of ITU-T V.42, bits reversed.
const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                0xEDB8_8320 ^ (crc >> 1)
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_that_of_v42() {
        // The check value that catalogues of CRCs give for CRC-32.
        assert_eq!(
            fingerprint(b"1234", b"56789") ^ FINGERPRINT_MASK,
            0xCBF4_3926
        );
    }

    #[test]
    fn a_key_does_not_show() {
        let shown = format!("{:?}", Key::short_term("VOkJxbRl1RmTxUk/WvJxBt"));
        assert_eq!(shown, "Key([secret])");
    }
}
