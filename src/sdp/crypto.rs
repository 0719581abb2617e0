//! `a=crypto`: keys of secure RTP told in the description itself (RFC 4568, SDES).

use zeroize::{Zeroize, Zeroizing};

use crate::redact::Secret;

/// Octets of a key with its salt that are read; the longest suite has 46.
const MAX_MATERIAL: usize = 64;
/// Octets of the name of a key (RFC 3711 section 3.1) that are read; RFC 4568 has up to 128.
const MAX_MKI: usize = 128;

/// How much protection of the sound is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// None is offered or taken.
    #[default]
    Off,
    /// Offered and taken; a far side that knows none is spoken with in clear (RFC 8643).
    Optional,
    /// Nothing goes or comes in clear.
    Required,
}

impl Encryption {
    /// All of them.
    pub const ALL: [Encryption; 3] = [Encryption::Off, Encryption::Optional, Encryption::Required];

    /// `off`, `optional`, `required`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Encryption::Off => "off",
            Encryption::Optional => "optional",
            Encryption::Required => "required",
        }
    }

    /// From its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Encryption> {
        Encryption::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// A key of ours for one suite: what we send is protected with it, whoever the far side is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// The suite's name in `a=crypto`.
    pub suite: &'static str,
    /// Key and salt, one behind the other.
    pub material: Secret<Vec<u8>>,
    /// It stands in our offers; else it is taken where the far side offers it.
    pub offered: bool,
}

/// What two sides agreed on for secure RTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sdes {
    /// The suite's name, as in [`OwnKey::suite`].
    pub suite: &'static str,
    /// Key and salt of what we send.
    pub local: Secret<Vec<u8>>,
    /// Key and salt of what comes.
    pub remote: Secret<Vec<u8>>,
    /// The name of the key that each packet of the far side carries; empty: none.
    pub remote_mki: Vec<u8>,
}

/// One `a=crypto` line: tag, suite, keys, session parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crypto {
    /// Names the line within its stream; the answer repeats it.
    pub tag: u32,
    /// As it came; compare without case.
    pub suite: String,
    /// At least one.
    pub keys: Vec<InlineKey>,
    /// Session parameters (`KDR=…`, `UNENCRYPTED_SRTP`, `WSH=…`), as they came.
    pub parameters: Vec<String>,
}

/// One key of such a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineKey {
    /// Key and salt.
    pub material: Secret<Vec<u8>>,
    /// Packets for which it is good, as it came: `2^20`, `1048576`.
    pub lifetime: Option<String>,
    /// The name of the key as each packet carries it; empty: none.
    pub mki: Vec<u8>,
}

impl Crypto {
    /// Reads the value of the attribute; `None` for what has another form, or another method of
    /// agreeing on keys than `inline`.
    #[must_use]
    pub fn read(value: &str) -> Option<Crypto> {
        let mut words = value.split_whitespace();
        let tag = words.next()?;
        let tag = (tag.len() <= 9).then(|| tag.parse().ok()).flatten()?;
        let suite = words.next()?.to_owned();
        let keys: Option<Vec<InlineKey>> = words.next()?.split(';').map(InlineKey::read).collect();
        Some(Crypto {
            tag,
            suite,
            keys: keys.filter(|keys| !keys.is_empty())?,
            parameters: words.map(str::to_owned).collect(),
        })
    }

    /// The one key under which it can be taken: with several, or with parameters that change what
    /// is protected, it is another protection than ours (RFC 4568 section 6.3).
    #[must_use]
    pub fn only_key(&self) -> Option<&InlineKey> {
        // How far packets may be out of order is a hint, and a rate of zero is what is usual.
        let harmless = |parameter: &String| {
            let parameter = parameter.to_ascii_uppercase();
            parameter.starts_with("WSH=") || parameter == "KDR=0"
        };
        match self.keys.as_slice() {
            [key] if self.parameters.iter().all(harmless) => Some(key),
            _ => None,
        }
    }
}

impl InlineKey {
    /// `inline:KEY`, `inline:KEY|2^20`, `inline:KEY|1:4`, `inline:KEY|2^20|1:4`.
    fn read(text: &str) -> Option<InlineKey> {
        let (method, rest) = text.split_once(':')?;
        if !method.eq_ignore_ascii_case("inline") {
            return None;
        }
        let mut parts = rest.split('|');
        let material = decode(parts.next()?)?;
        let mut key = InlineKey {
            material: Secret::new(material),
            lifetime: None,
            mki: Vec::new(),
        };
        for part in parts {
            match part.split_once(':') {
                Some((number, length)) => key.mki = mki(number, length)?,
                None => key.lifetime = Some(part.to_owned()),
            }
        }
        Some(key)
    }
}

/// A number in so many octets, the first the highest.
fn mki(number: &str, length: &str) -> Option<Vec<u8>> {
    let number: u128 = number.parse().ok()?;
    let length: usize = length.parse().ok()?;
    if !(1..=MAX_MKI).contains(&length) {
        return None;
    }
    let octets = number.to_be_bytes();
    let mut mki = vec![0; length];
    let shared = length.min(octets.len());
    // What does not fit into so few octets is no number of that length.
    if octets[..octets.len() - shared]
        .iter()
        .any(|octet| *octet != 0)
    {
        return None;
    }
    mki[length - shared..].copy_from_slice(&octets[octets.len() - shared..]);
    Some(mki)
}

/// The value of a line of ours.
pub(super) fn write(tag: u32, key: &OwnKey) -> Zeroizing<String> {
    let mut line = Zeroizing::new(format!("{tag} {} inline:", key.suite));
    line.push_str(&encode(key.material.reveal()));
    line
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648 section 4).
fn encode(octets: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(octets.len().div_ceil(3) * 4));
    for three in octets.chunks(3) {
        let mut word = [0; 3];
        word[..three.len()].copy_from_slice(three);
        let word = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place)) as usize & 63];
            text.push(if place > three.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    text
}

/// The way back; padding may be missing, as some leave it out.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    if text.len() > MAX_MATERIAL.div_ceil(3) * 4 || text.len() % 4 == 1 {
        return None;
    }
    // Never grows: what moves leaves a key behind.
    let mut octets = Vec::with_capacity(MAX_MATERIAL + 3);
    for four in text.as_bytes().chunks(4) {
        let mut word = 0;
        for digit in four {
            let Some(value) = DIGITS.iter().position(|known| known == digit) else {
                octets.zeroize();
                return None;
            };
            word = word << 6 | value as u32;
        }
        word <<= 6 * (4 - four.len());
        octets.extend_from_slice(&word.to_be_bytes()[1..four.len()]);
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648_section_10() {
        for (clear, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(*encode(clear.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(clear.as_bytes()));
            let bare = text.trim_end_matches('=');
            assert_eq!(decode(bare).as_deref(), Some(clear.as_bytes()));
        }
        for broken in ["Z", "Zm9vY", "Zm9v!A==", "Zm 9v"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
        assert_eq!(decode(&"A".repeat(1_000)), None);
    }

    #[test]
    fn the_line_of_rfc_4568_section_9_1_is_read() {
        let line = "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 FEC_ORDER=FEC_SRTP";
        let crypto = Crypto::read(line).unwrap();
        assert_eq!((crypto.tag, crypto.keys.len()), (1, 1));
        assert_eq!(crypto.suite, "AES_CM_128_HMAC_SHA1_80");
        let key = &crypto.keys[0];
        assert_eq!(
            key.material.reveal().as_slice(),
            b"YS___semctl () {\t220;}\n}\nunles"
        );
        assert_eq!(key.lifetime.as_deref(), Some("2^20"));
        assert_eq!(key.mki, [0, 0, 0, 1]);
        // Forward error correction is another protection than ours.
        assert_eq!(crypto.parameters, ["FEC_ORDER=FEC_SRTP"]);
        assert!(crypto.only_key().is_none());
        assert!(!format!("{crypto:?}").contains("semctl"), "{crypto:?}");
    }

    #[test]
    fn what_a_line_may_have_beside_its_key_is_taken_or_left_by_what_it_means() {
        let taken = |rest: &str| {
            let line = format!("7 aead_aes_128_gcm inline:{rest}");
            Crypto::read(&line).is_some_and(|crypto| crypto.only_key().is_some())
        };
        let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
        assert!(taken(key));
        assert!(taken(&format!("{key}|2^31")));
        assert!(taken(&format!("{key}|65537:8")));
        assert!(taken(&format!("{key} WSH=128 KDR=0")));
        assert!(!taken(&format!("{key} UNENCRYPTED_SRTP")));
        assert!(!taken(&format!("{key} unauthenticated_srtp")));
        assert!(!taken(&format!("{key} KDR=1")));
        assert!(!taken(&format!("{key};inline:{key}|2:1")));
        assert!(!taken(&format!("{key}|256:1")));
        assert!(!taken(&format!("{key}|1:129")));
        assert!(!taken(&format!("{key}|1:0")));
        assert!(!taken("not base64!"));
    }

    #[test]
    fn lines_of_another_form_are_none() {
        for line in [
            "",
            "1",
            "1 AES_CM_128_HMAC_SHA1_80",
            "x AES_CM_128_HMAC_SHA1_80 inline:Zm9v",
            "1234567890 AES_CM_128_HMAC_SHA1_80 inline:Zm9v",
            "1 AES_CM_128_HMAC_SHA1_80 outline:Zm9v",
            "1 AES_CM_128_HMAC_SHA1_80 inline",
        ] {
            assert_eq!(Crypto::read(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_of_ours_is_read_as_it_was_meant() {
        let own = OwnKey {
            suite: "AEAD_AES_256_GCM",
            material: Secret::new((0..44).collect()),
            offered: true,
        };
        let crypto = Crypto::read(&write(3, &own)).unwrap();
        assert_eq!((crypto.tag, crypto.suite.as_str()), (3, own.suite));
        assert_eq!(crypto.only_key().unwrap().material, own.material);
        assert!(!format!("{own:?}").contains("43"), "{own:?}");
    }
}
