//! A message as it came.

use std::net::SocketAddr;

use thiserror::Error;

use super::integrity::{self, Key};
use super::{
    Class, HEADER_LEN, MAGIC_COOKIE, MAX_ATTRIBUTES, Method, TransactionId, address, attribute,
    class_and_method,
};

/// Why bytes are no STUN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// Fewer bytes than a header, or not as many as the header says.
    #[error("STUN: length does not fit")]
    Length,
    /// The first two bits are not zero, or the cookie is another: some other protocol.
    #[error("no STUN message")]
    Foreign,
    /// An attribute reaches past the end.
    #[error("STUN: attribute cut off")]
    Attribute,
    /// More attributes than anybody sends.
    #[error("STUN: too many attributes")]
    TooMany,
    /// FINGERPRINT is there, and not right or not last.
    #[error("STUN: fingerprint does not fit")]
    Fingerprint,
}

/// An attribute: its type, and its value without padding.
pub type Attribute<'a> = (u16, &'a [u8]);

/// ERROR-CODE (RFC 8489 section 14.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    /// 300 to 699.
    pub code: u16,
    /// The reason; empty when it is not UTF-8.
    pub reason: &'a str,
}

/// A STUN message over the bytes it came in. Its structure is sound and, when it has one, its
/// fingerprint right; integrity is looked at on demand.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    class: Class,
    method: Method,
    /// Where the first integrity attribute begins, if there is one: of what follows, only
    /// integrity and fingerprint count.
    protected_to: Option<usize>,
    fingerprint: bool,
}

/// How many bytes of `stream` the next STUN message takes, once its header is there.
///
/// # Errors
/// When the stream does not hold STUN.
pub fn frame_length(stream: &[u8]) -> Result<Option<usize>, Damage> {
    let Some(header) = stream.get(..HEADER_LEN) else {
        return Ok(None);
    };
    let cookie = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    if header[0] & 0xC0 != 0 || cookie != MAGIC_COOKIE || header[3] & 3 != 0 {
        return Err(Damage::Foreign);
    }
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    Ok(Some(HEADER_LEN + length))
}

impl<'a> Message<'a> {
    /// Reads one message that fills `bytes`.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, Damage> {
        match frame_length(bytes)? {
            Some(length) if length == bytes.len() => {}
            _ => return Err(Damage::Length),
        }
        let (class, method) = class_and_method(u16::from_be_bytes([bytes[0], bytes[1]]));
        let mut message = Message {
            bytes,
            class,
            method,
            protected_to: None,
            fingerprint: false,
        };
        let mut at = HEADER_LEN;
        let mut count = 0;
        while at < bytes.len() {
            let (kind, value) = attribute_at(bytes, at).ok_or(Damage::Attribute)?;
            let next = at + 4 + value.len().next_multiple_of(4);
            count += 1;
            if count > MAX_ATTRIBUTES {
                return Err(Damage::TooMany);
            }
            match kind {
                attribute::MESSAGE_INTEGRITY | attribute::MESSAGE_INTEGRITY_SHA256 => {
                    message.protected_to.get_or_insert(at);
                }
                attribute::FINGERPRINT => {
                    let given = value.try_into().map(u32::from_be_bytes).ok();
                    let right =
                        integrity::fingerprint(&bytes[..HEADER_LEN], &bytes[HEADER_LEN..at]);
                    if given != Some(right) || next != bytes.len() {
                        return Err(Damage::Fingerprint);
                    }
                    message.fingerprint = true;
                }
                _ => {}
            }
            at = next;
        }
        Ok(message)
    }

    /// Request, indication, or one of the answers.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// What is asked for.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Joins request and answer.
    #[must_use]
    pub fn transaction(&self) -> TransactionId {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..HEADER_LEN]);
        TransactionId(id)
    }

    /// Whether a fingerprint is there; a wrong one does not get this far.
    #[must_use]
    pub const fn has_fingerprint(&self) -> bool {
        self.fingerprint
    }

    /// Whether an integrity attribute is there, right or wrong.
    #[must_use]
    pub const fn has_integrity(&self) -> bool {
        self.protected_to.is_some()
    }

    /// The attributes before integrity and fingerprint, in their order (RFC 8489 section 14.5:
    /// others behind those are ignored).
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let bytes = &self.bytes[..self.protected_to.unwrap_or(self.bytes.len())];
        walk(bytes)
            .map(|(_, attribute)| attribute)
            .filter(|(kind, _)| *kind != attribute::FINGERPRINT)
    }

    /// The first attribute of this type (RFC 8489 section 14: further ones are ignored).
    #[must_use]
    pub fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes()
            .find(|(other, _)| *other == kind)
            .map(|(_, value)| value)
    }

    /// An attribute of four bytes, as a number: PRIORITY, LIFETIME.
    #[must_use]
    pub fn number(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    /// An attribute of eight bytes, as a number: ICE-CONTROLLING, ICE-CONTROLLED.
    #[must_use]
    pub fn long_number(&self, kind: u16) -> Option<u64> {
        Some(u64::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    /// An attribute that is text: USERNAME, REALM, NONCE, SOFTWARE.
    #[must_use]
    pub fn text(&self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.get(kind)?).ok()
    }

    /// An address masked with the transaction: XOR-MAPPED-, XOR-PEER-, XOR-RELAYED-ADDRESS.
    #[must_use]
    pub fn xor_address(&self, kind: u16) -> Option<SocketAddr> {
        address::read(self.get(kind)?, Some(self.transaction()))
    }

    /// An address in clear: ALTERNATE-SERVER.
    #[must_use]
    pub fn address(&self, kind: u16) -> Option<SocketAddr> {
        address::read(self.get(kind)?, None)
    }

    /// Where the answering side saw the request come from: XOR-MAPPED-ADDRESS, or
    /// MAPPED-ADDRESS of servers from before RFC 5389.
    #[must_use]
    pub fn mapped_address(&self) -> Option<SocketAddr> {
        self.xor_address(attribute::XOR_MAPPED_ADDRESS)
            .or_else(|| self.address(attribute::MAPPED_ADDRESS))
    }

    /// What went wrong, of an error response.
    #[must_use]
    pub fn error(&self) -> Option<ErrorCode<'a>> {
        let (head, reason) = self.get(attribute::ERROR_CODE)?.split_at_checked(4)?;
        let (class, number) = (u16::from(head[2] & 7), u16::from(head[3]));
        ((3..=6).contains(&class) && number < 100).then(|| ErrorCode {
            code: class * 100 + number,
            reason: std::str::from_utf8(reason).unwrap_or_default(),
        })
    }

    /// Attributes that must be understood (types below 0x8000) and are not in `known`: those
    /// that a 420 answer names.
    pub fn not_understood(&self, known: &[u16]) -> Vec<u16> {
        let mut unknown: Vec<u16> = self
            .attributes()
            .map(|(kind, _)| kind)
            .filter(|kind| *kind < 0x8000 && !known.contains(kind))
            .collect();
        unknown.dedup();
        unknown
    }

    /// Whether integrity is there and right by this key. The stronger attribute decides where
    /// both are.
    #[must_use]
    pub fn is_by(&self, key: &Key) -> bool {
        let Some(from) = self.protected_to else {
            return false;
        };
        let found = |wanted: u16| {
            walk(self.bytes)
                .find(|(at, (kind, _))| *at >= from && *kind == wanted)
                .map(|(at, (_, mac))| (at, mac))
        };
        if let Some((at, mac)) = found(attribute::MESSAGE_INTEGRITY_SHA256) {
            return key.signed_sha256(&self.head(at, mac), &self.bytes[HEADER_LEN..at], mac);
        }
        match found(attribute::MESSAGE_INTEGRITY) {
            Some((at, mac)) => key.signed(&self.head(at, mac), &self.bytes[HEADER_LEN..at], mac),
            None => false,
        }
    }

    /// The header as it was when the attribute at `at` was computed: with a length that ends
    /// with that attribute.
    fn head(&self, at: usize, value: &[u8]) -> [u8; HEADER_LEN] {
        let mut head = [0; HEADER_LEN];
        head.copy_from_slice(&self.bytes[..HEADER_LEN]);
        let length = (at + 4 + value.len().next_multiple_of(4) - HEADER_LEN) as u16;
        head[2..4].copy_from_slice(&length.to_be_bytes());
        head
    }
}

/// The attributes of sound bytes, each with its place.
fn walk<'a>(bytes: &'a [u8]) -> impl Iterator<Item = (usize, Attribute<'a>)> + use<'a> {
    let mut at = HEADER_LEN;
    std::iter::from_fn(move || {
        let (kind, value) = attribute_at(bytes, at)?;
        let place = at;
        at += 4 + value.len().next_multiple_of(4);
        Some((place, (kind, value)))
    })
}

/// The attribute that begins at `at`; `None` past the end or when it is cut off.
fn attribute_at(bytes: &[u8], at: usize) -> Option<Attribute<'_>> {
    let head = bytes.get(at..at + 4)?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let padded = bytes.get(at + 4..at + 4 + length.next_multiple_of(4))?;
    Some((u16::from_be_bytes([head[0], head[1]]), &padded[..length]))
}
