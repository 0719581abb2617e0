//! Which cipher with which lengths.

/// A crypto suite: cipher, authentication and their lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// AES-128 in counter mode, HMAC-SHA1 of 80 bits (RFC 3711).
    AesCm128Sha1Tag80,
    /// The same with 32 bits on RTP; reports keep 80.
    AesCm128Sha1Tag32,
    /// AES-256 in counter mode, HMAC-SHA1 of 80 bits (RFC 6188).
    AesCm256Sha1Tag80,
    /// The same with 32 bits on RTP; reports keep 80.
    AesCm256Sha1Tag32,
    /// AES-128 in Galois/counter mode, tag of 128 bits (RFC 7714).
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode, tag of 128 bits (RFC 7714).
    AeadAes256Gcm,
}

impl Suite {
    /// All of them, the strongest first.
    pub const ALL: [Suite; 6] = [
        Suite::AeadAes256Gcm,
        Suite::AeadAes128Gcm,
        Suite::AesCm256Sha1Tag80,
        Suite::AesCm128Sha1Tag80,
        Suite::AesCm256Sha1Tag32,
        Suite::AesCm128Sha1Tag32,
    ];

    /// The name in `a=crypto` (RFC 4568 section 6.2, RFC 6188 section 4, RFC 7714 section 14.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Suite::AesCm128Sha1Tag80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128Sha1Tag32 => "AES_CM_128_HMAC_SHA1_32",
            Suite::AesCm256Sha1Tag80 => "AES_256_CM_HMAC_SHA1_80",
            Suite::AesCm256Sha1Tag32 => "AES_256_CM_HMAC_SHA1_32",
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// The suite of this name, compared without case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Suite> {
        Suite::ALL
            .into_iter()
            .find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Octets of the master key, and of each session key of the cipher.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Suite::AesCm128Sha1Tag80 | Suite::AesCm128Sha1Tag32 | Suite::AeadAes128Gcm => 16,
            Suite::AesCm256Sha1Tag80 | Suite::AesCm256Sha1Tag32 | Suite::AeadAes256Gcm => 32,
        }
    }

    /// Octets of the master salt, and of each session salt.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    /// Octets of master key and master salt together, as they are told to the far side.
    #[must_use]
    pub const fn master_len(self) -> usize {
        self.key_len() + self.salt_len()
    }

    /// Octets of the tag behind an RTP packet.
    #[must_use]
    pub const fn rtp_tag_len(self) -> usize {
        match self {
            Suite::AesCm128Sha1Tag80 | Suite::AesCm256Sha1Tag80 => 10,
            Suite::AesCm128Sha1Tag32 | Suite::AesCm256Sha1Tag32 => 4,
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 16,
        }
    }

    /// Octets of the tag of a report: a forged goodbye costs more than a forged packet.
    #[must_use]
    pub const fn rtcp_tag_len(self) -> usize {
        if self.is_aead() { 16 } else { 10 }
    }

    /// Cipher and authentication in one.
    #[must_use]
    pub const fn is_aead(self) -> bool {
        matches!(self, Suite::AeadAes128Gcm | Suite::AeadAes256Gcm)
    }
}
