//! One packet or report under session keys, its index given.

use std::fmt;

use aes::cipher::{KeyInit, StreamCipher};
use aes::{Aes128, Aes256};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce};
use ctr::CtrCore;
use ctr::cipher::{InnerIvInit, StreamCipherCoreWrapper};
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::keys::{Kind, MasterKey, SessionKeys};
use super::suite::Suite;

/// Cipher and authentication for packets or for reports, in one direction.
pub(super) struct Cipher {
    with: With,
    salt: Zeroizing<[u8; 14]>,
    kind: Kind,
    tag_len: usize,
}

enum With {
    Cm128(Box<Aes128>, Box<Hmac<Sha1>>),
    Cm256(Box<Aes256>, Box<Hmac<Sha1>>),
    Gcm128(Box<Aes128Gcm>),
    Gcm256(Box<Aes256Gcm>),
}

/// What is asked of one packet: where its clear part ends, whose it is, which one it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Which {
    /// Octets that are authenticated and not encrypted, from the beginning.
    pub(super) clear: usize,
    pub(super) source: u32,
    /// 48 bits for packets, 31 for reports.
    pub(super) index: u64,
}

/// The tag is not that of these octets under this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// The longest tag.
pub(super) const MAX_TAG: usize = 16;

impl Cipher {
    pub(super) fn new(master: &MasterKey, kind: Kind) -> Cipher {
        let keys = master.session(kind);
        Cipher::with_keys(master.suite(), kind, &keys)
    }

    /// With session keys as they are: the vectors of RFC 7714 have no others.
    pub(super) fn with_keys(suite: Suite, kind: Kind, keys: &SessionKeys) -> Cipher {
        let short = Zeroizing::new(first_half(&keys.cipher));
        let hmac = || Box::new(Hmac::<Sha1>::new((&*keys.authentication).into()));
        let with = match suite {
            Suite::AesCm128Sha1Tag80 | Suite::AesCm128Sha1Tag32 => {
                With::Cm128(Box::new(Aes128::new((&*short).into())), hmac())
            }
            Suite::AesCm256Sha1Tag80 | Suite::AesCm256Sha1Tag32 => {
                With::Cm256(Box::new(Aes256::new((&*keys.cipher).into())), hmac())
            }
            Suite::AeadAes128Gcm => With::Gcm128(Box::new(Aes128Gcm::new((&*short).into()))),
            Suite::AeadAes256Gcm => With::Gcm256(Box::new(Aes256Gcm::new((&*keys.cipher).into()))),
        };
        Cipher {
            with,
            salt: keys.salt.clone(),
            kind,
            tag_len: match kind {
                Kind::Rtp => suite.rtp_tag_len(),
                Kind::Rtcp => suite.rtcp_tag_len(),
            },
        }
    }

    pub(super) const fn tag_len(&self) -> usize {
        self.tag_len
    }

    pub(super) const fn is_aead(&self) -> bool {
        matches!(self.with, With::Gcm128(_) | With::Gcm256(_))
    }

    /// Encrypts in place what lies behind the clear part, and makes the tag, whose first
    /// [`Cipher::tag_len`] octets count. `trailer` is authenticated with it: the rollover counter
    /// of a packet (not with AEAD), the index of a report.
    pub(super) fn seal(&self, which: Which, data: &mut [u8], trailer: &[u8]) -> [u8; MAX_TAG] {
        let mut tag = [0; MAX_TAG];
        match &self.with {
            With::Cm128(aes, hmac) => {
                self.count(&**aes, which, data);
                authenticate(hmac, data, trailer, &mut tag);
            }
            With::Cm256(aes, hmac) => {
                self.count(&**aes, which, data);
                authenticate(hmac, data, trailer, &mut tag);
            }
            With::Gcm128(gcm) => self.seal_aead(&**gcm, which, data, trailer, &mut tag),
            With::Gcm256(gcm) => self.seal_aead(&**gcm, which, data, trailer, &mut tag),
        }
        tag
    }

    /// The way back: checks the tag, then decrypts in place. On an error `data` may be as it was
    /// or not.
    pub(super) fn open(
        &self,
        which: Which,
        data: &mut [u8],
        trailer: &[u8],
        tag: &[u8],
    ) -> Result<(), Forged> {
        match &self.with {
            With::Cm128(aes, hmac) => {
                check(hmac, data, trailer, tag)?;
                self.count(&**aes, which, data);
                Ok(())
            }
            With::Cm256(aes, hmac) => {
                check(hmac, data, trailer, tag)?;
                self.count(&**aes, which, data);
                Ok(())
            }
            With::Gcm128(gcm) => self.open_aead(&**gcm, which, data, trailer, tag),
            With::Gcm256(gcm) => self.open_aead(&**gcm, which, data, trailer, tag),
        }
    }

    /// RFC 3711 section 4.1.1: salt · 2¹⁶ ⊕ source · 2⁶⁴ ⊕ index · 2¹⁶.
    fn count<C>(&self, aes: &C, which: Which, data: &mut [u8])
    where
        C: aes::cipher::BlockCipherEncrypt
            + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>
            + Clone,
    {
        let mut counter = Zeroizing::new([0; 16]);
        counter[..14].copy_from_slice(&*self.salt);
        for (octet, source) in counter[4..8].iter_mut().zip(which.source.to_be_bytes()) {
            *octet ^= source;
        }
        for (octet, index) in counter[6..14].iter_mut().zip(which.index.to_be_bytes()) {
            *octet ^= index;
        }
        let core = CtrCore::<&C, Ctr128BE>::inner_iv_init(aes, (&*counter).into());
        let mut keystream = StreamCipherCoreWrapper::from_core(core);
        keystream.apply_keystream(&mut data[which.clear..]);
    }

    /// RFC 7714 sections 8.1 and 9.1.
    fn nonce(&self, which: Which) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&which.source.to_be_bytes());
        nonce[6..12].copy_from_slice(&which.index.to_be_bytes()[2..]);
        for (octet, salt) in nonce.iter_mut().zip(self.salt.iter()) {
            *octet ^= salt;
        }
        nonce
    }

    /// What is authenticated beside the ciphertext: the clear part, and of reports the trailer.
    fn beside<'a>(&self, clear: &'a [u8], trailer: &[u8], room: &'a mut [u8; 12]) -> &'a [u8] {
        match (self.kind, clear, trailer) {
            (Kind::Rtcp, clear, trailer) if clear.len() + trailer.len() == room.len() => {
                let (first, second) = room.split_at_mut(clear.len());
                first.copy_from_slice(clear);
                second.copy_from_slice(trailer);
                room
            }
            (Kind::Rtp | Kind::Rtcp, clear, _) => clear,
        }
    }

    fn seal_aead<C>(
        &self,
        gcm: &C,
        which: Which,
        data: &mut [u8],
        trailer: &[u8],
        tag: &mut [u8; MAX_TAG],
    ) where
        C: AeadInOut<NonceSize = aes::cipher::consts::U12, TagSize = aes::cipher::consts::U16>,
    {
        let (clear, secret) = data.split_at_mut(which.clear);
        let nonce = Nonce::from(self.nonce(which));
        let mut room = [0; 12];
        let beside = self.beside(clear, trailer, &mut room);
        match gcm.encrypt_inout_detached(&nonce, beside, (&mut *secret).into()) {
            Ok(made) => tag.copy_from_slice(&made),
            // More than 64 GiB, which no datagram has; nothing goes out in clear all the same.
            Err(_) => secret.fill(0),
        }
    }

    fn open_aead<C>(
        &self,
        gcm: &C,
        which: Which,
        data: &mut [u8],
        trailer: &[u8],
        tag: &[u8],
    ) -> Result<(), Forged>
    where
        C: AeadInOut<NonceSize = aes::cipher::consts::U12, TagSize = aes::cipher::consts::U16>,
    {
        let (clear, secret) = data.split_at_mut(which.clear);
        let nonce = Nonce::from(self.nonce(which));
        let mut room = [0; 12];
        let beside = self.beside(clear, trailer, &mut room);
        let tag = tag.try_into().map_err(|_| Forged)?;
        gcm.decrypt_inout_detached(&nonce, beside, secret.into(), tag)
            .map_err(|_| Forged)
    }
}

fn first_half(key: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&key[..16]);
    half
}

fn authenticate(hmac: &Hmac<Sha1>, data: &[u8], trailer: &[u8], tag: &mut [u8; MAX_TAG]) {
    let mut hmac = hmac.clone();
    hmac.update(data);
    hmac.update(trailer);
    tag.copy_from_slice(&hmac.finalize().into_bytes()[..MAX_TAG]);
}

/// Compares in constant time.
fn check(hmac: &Hmac<Sha1>, data: &[u8], trailer: &[u8], tag: &[u8]) -> Result<(), Forged> {
    let mut hmac = hmac.clone();
    hmac.update(data);
    hmac.update(trailer);
    hmac.verify_truncated_left(tag).map_err(|_| Forged)
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher([secret])")
    }
}
