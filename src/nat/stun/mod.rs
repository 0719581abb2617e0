//! STUN messages (RFC 8489), read and written.
//!
//! - [`Message`]: a message as it came, its attributes looked up in place.
//! - [`Builder`]: a message being written; integrity and fingerprint come last.
//! - [`Key`]: what integrity is computed with, from short-term or long-term credentials.
//! - [`binding`]: a request for one's own address, sent again until it is answered.

mod address;
pub mod binding;
mod builder;
mod integrity;
mod message;
#[cfg(test)]
mod rfc5769;

pub use builder::Builder;
pub use integrity::Key;
pub use message::{Attribute, Damage, ErrorCode, Message, frame_length};

use rand_chacha::rand_core::Rng;

/// The first four bytes after type and length (RFC 8489 section 5).
pub const MAGIC_COOKIE: u32 = 0x2112_A442;
/// Type, length, cookie and transaction, in bytes.
pub const HEADER_LEN: usize = 20;
/// Attributes that are looked at in one message; a message with more is refused.
pub const MAX_ATTRIBUTES: usize = 64;

/// Which of the four a message is (RFC 8489 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// The answer, when it went well.
    Success,
    /// The answer, when it did not.
    Error,
}

/// What is asked for: 12 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Method(pub u16);

impl Method {
    /// RFC 8489.
    pub const BINDING: Method = Method(0x001);
    /// RFC 8656.
    pub const ALLOCATE: Method = Method(0x003);
    /// RFC 8656.
    pub const REFRESH: Method = Method(0x004);
    /// RFC 8656; an indication.
    pub const SEND: Method = Method(0x006);
    /// RFC 8656; an indication.
    pub const DATA: Method = Method(0x007);
    /// RFC 8656.
    pub const CREATE_PERMISSION: Method = Method(0x008);
    /// RFC 8656.
    pub const CHANNEL_BIND: Method = Method(0x009);
}

/// Attribute types (RFC 8489 section 18.3, RFC 8656 section 18, RFC 8445 section 16.1).
pub mod attribute {
    #![expect(missing_docs, reason = "the names are those of the registry")]
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub const CHANNEL_NUMBER: u16 = 0x000C;
    pub const LIFETIME: u16 = 0x000D;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub const EVEN_PORT: u16 = 0x0018;
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub const DONT_FRAGMENT: u16 = 0x001A;
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
    pub const PASSWORD_ALGORITHM: u16 = 0x001D;
    pub const USERHASH: u16 = 0x001E;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const RESERVATION_TOKEN: u16 = 0x0022;
    pub const PRIORITY: u16 = 0x0024;
    pub const USE_CANDIDATE: u16 = 0x0025;
    pub const PASSWORD_ALGORITHMS: u16 = 0x8002;
    pub const ALTERNATE_DOMAIN: u16 = 0x8003;
    pub const SOFTWARE: u16 = 0x8022;
    pub const ALTERNATE_SERVER: u16 = 0x8023;
    pub const FINGERPRINT: u16 = 0x8028;
    pub const ICE_CONTROLLED: u16 = 0x8029;
    pub const ICE_CONTROLLING: u16 = 0x802A;
}

/// Joins a request with its answer: 96 bits that nobody off the path can guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransactionId(pub [u8; 12]);

impl TransactionId {
    /// Draws one.
    pub fn draw(rng: &mut impl Rng) -> TransactionId {
        let mut id = [0; 12];
        rng.fill_bytes(&mut id);
        TransactionId(id)
    }
}

impl Class {
    /// The two class bits where they stand in the message type.
    const fn bits(self) -> u16 {
        match self {
            Class::Request => 0x000,
            Class::Indication => 0x010,
            Class::Success => 0x100,
            Class::Error => 0x110,
        }
    }
}

/// Method and class, interleaved as RFC 8489 section 5 draws it.
const fn message_type(class: Class, method: Method) -> u16 {
    let m = method.0 & 0xFFF;
    (m & 0x00F) | ((m & 0x070) << 1) | ((m & 0xF80) << 2) | class.bits()
}

/// The reverse of [`message_type`].
const fn class_and_method(kind: u16) -> (Class, Method) {
    let class = match kind & 0x110 {
        0x000 => Class::Request,
        0x010 => Class::Indication,
        0x100 => Class::Success,
        _ => Class::Error,
    };
    let method = (kind & 0x00F) | ((kind & 0x0E0) >> 1) | ((kind & 0x3E00) >> 2);
    (class, Method(method))
}
