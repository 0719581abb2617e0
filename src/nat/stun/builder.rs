//! A message being written.

use std::net::SocketAddr;

use super::integrity::{self, Key};
use super::{
    Class, HEADER_LEN, MAGIC_COOKIE, Message, Method, TransactionId, address, attribute,
    message_type,
};

/// Writes a message attribute by attribute. Integrity covers what was written before it, and the
/// fingerprint everything: call them in that order, last.
#[derive(Clone, Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    transaction: TransactionId,
}

impl Builder {
    /// Begins a message.
    #[must_use]
    pub fn new(class: Class, method: Method, transaction: TransactionId) -> Builder {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(message_type(class, method).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(MAGIC_COOKIE.to_be_bytes());
        bytes.extend(transaction.0);
        Builder { bytes, transaction }
    }

    /// Begins an answer to `request`.
    #[must_use]
    pub fn answer(class: Class, request: &Message<'_>) -> Builder {
        Builder::new(class, request.method(), request.transaction())
    }

    /// Appends an attribute, padded with zeros. What would make the message longer than its
    /// length field can say (64 KiB) is left out.
    #[must_use]
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Builder {
        let padded = value.len().next_multiple_of(4);
        if self.bytes.len() + 4 + padded - HEADER_LEN > usize::from(u16::MAX) {
            return self;
        }
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend((value.len() as u16).to_be_bytes());
        self.bytes.extend(value);
        self.bytes
            .resize(self.bytes.len() + padded - value.len(), 0);
        self.count(0);
        self
    }

    /// Appends an attribute only if there is a value.
    #[must_use]
    pub fn maybe(self, kind: u16, value: Option<&[u8]>) -> Builder {
        match value {
            Some(value) => self.attribute(kind, value),
            None => self,
        }
    }

    /// Text: USERNAME, REALM, NONCE, SOFTWARE.
    #[must_use]
    pub fn text(self, kind: u16, value: &str) -> Builder {
        self.attribute(kind, value.as_bytes())
    }

    /// A number of four bytes: PRIORITY, LIFETIME.
    #[must_use]
    pub fn number(self, kind: u16, value: u32) -> Builder {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// A number of eight bytes: ICE-CONTROLLING, ICE-CONTROLLED.
    #[must_use]
    pub fn long_number(self, kind: u16, value: u64) -> Builder {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// An address masked with the transaction.
    #[must_use]
    pub fn xor_address(self, kind: u16, value: SocketAddr) -> Builder {
        let mut bytes = Vec::with_capacity(20);
        address::write(&mut bytes, value, Some(self.transaction));
        self.attribute(kind, &bytes)
    }

    /// An address in clear.
    #[must_use]
    pub fn address(self, kind: u16, value: SocketAddr) -> Builder {
        let mut bytes = Vec::with_capacity(20);
        address::write(&mut bytes, value, None);
        self.attribute(kind, &bytes)
    }

    /// ERROR-CODE, from 300 to 699.
    #[must_use]
    pub fn error(self, code: u16, reason: &str) -> Builder {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend(reason.as_bytes());
        self.attribute(attribute::ERROR_CODE, &value)
    }

    /// MESSAGE-INTEGRITY.
    #[must_use]
    pub fn integrity(mut self, key: &Key) -> Builder {
        self.count(24);
        let (head, rest) = self.bytes.split_at(HEADER_LEN);
        let mac = key.sign(head, rest);
        self.attribute(attribute::MESSAGE_INTEGRITY, &mac)
    }

    /// MESSAGE-INTEGRITY-SHA256.
    #[must_use]
    pub fn integrity_sha256(mut self, key: &Key) -> Builder {
        self.count(36);
        let (head, rest) = self.bytes.split_at(HEADER_LEN);
        let mac = key.sign_sha256(head, rest);
        self.attribute(attribute::MESSAGE_INTEGRITY_SHA256, &mac)
    }

    /// FINGERPRINT; the last.
    #[must_use]
    pub fn fingerprint(mut self) -> Builder {
        self.count(8);
        let (head, rest) = self.bytes.split_at(HEADER_LEN);
        let value = integrity::fingerprint(head, rest);
        self.number(attribute::FINGERPRINT, value)
    }

    /// The message as it goes out.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes the length, with `coming` bytes yet to be appended.
    fn count(&mut self, coming: usize) {
        let length = (self.bytes.len() - HEADER_LEN + coming) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
}
