//! Master keys, and the session keys derived from them (RFC 3711 section 4.3).

use aes::cipher::{KeyIvInit, StreamCipher};
use aes::{Aes128, Aes256};
use ctr::Ctr128BE;
use zeroize::Zeroizing;

use super::suite::Suite;
use crate::redact::Secret;

/// Octets that are no key of their suite: too few or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{actual} octets of key where the suite has {expected}")]
pub struct MasterKeyError {
    /// Octets of key and salt.
    pub expected: usize,
    /// Octets there are.
    pub actual: usize,
}

/// A master key with its salt, for one direction of one call. Not shown, and wiped when dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    material: Secret<Vec<u8>>,
}

impl MasterKey {
    /// Takes the octets of key and salt, one behind the other.
    ///
    /// # Errors
    ///
    /// When they are not [`Suite::master_len`].
    pub fn new(suite: Suite, material: &[u8]) -> Result<MasterKey, MasterKeyError> {
        if material.len() != suite.master_len() {
            return Err(MasterKeyError {
                expected: suite.master_len(),
                actual: material.len(),
            });
        }
        Ok(MasterKey {
            suite,
            material: Secret::new(material.to_vec()),
        })
    }

    /// What it is for.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Derives `out` under one of the labels. No key derivation rate: one set of session keys.
    fn derive(&self, label: Label, out: &mut [u8]) {
        let (key, salt) = self.material.reveal().split_at(self.suite.key_len());
        // The salt of 96 bits is one of 112 with zeros behind (RFC 7714 section 11).
        let mut counter = Zeroizing::new([0; 16]);
        counter[..salt.len()].copy_from_slice(salt);
        counter[7] ^= label as u8;
        out.fill(0);
        keystream(key, &counter, out);
    }

    pub(super) fn session(&self, kind: Kind) -> SessionKeys {
        let (cipher, authentication, salt) = match kind {
            Kind::Rtp => (Label::RtpCipher, Label::RtpAuthentication, Label::RtpSalt),
            Kind::Rtcp => (
                Label::RtcpCipher,
                Label::RtcpAuthentication,
                Label::RtcpSalt,
            ),
        };
        let mut keys = SessionKeys {
            cipher: Zeroizing::new([0; 32]),
            authentication: Zeroizing::new([0; 64]),
            salt: Zeroizing::new([0; 14]),
        };
        self.derive(cipher, &mut keys.cipher[..self.suite.key_len()]);
        self.derive(authentication, &mut keys.authentication[..20]);
        self.derive(salt, &mut keys.salt[..self.suite.salt_len()]);
        keys
    }
}

/// Packets or reports: each has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rtp,
    Rtcp,
}

/// Session keys. Of `cipher` and `salt` the first octets count, as many as the suite has; that of
/// authentication has 20, and zeros up to a block of SHA-1, as HMAC would add them.
pub(super) struct SessionKeys {
    pub(super) cipher: Zeroizing<[u8; 32]>,
    pub(super) authentication: Zeroizing<[u8; 64]>,
    pub(super) salt: Zeroizing<[u8; 14]>,
}

/// RFC 3711 section 4.3.2.
#[derive(Clone, Copy, Debug)]
enum Label {
    RtpCipher = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpCipher = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Adds the keystream of AES in counter mode to `out`: of AES-128 or AES-256, by the key's length.
pub(super) fn keystream(key: &[u8], counter: &[u8; 16], out: &mut [u8]) {
    // No other length comes out of a suite.
    if let Ok(mut aes) = Ctr128BE::<Aes128>::new_from_slices(key, counter) {
        aes.apply_keystream(out);
    } else if let Ok(mut aes) = Ctr128BE::<Aes256>::new_from_slices(key, counter) {
        aes.apply_keystream(out);
    }
}
