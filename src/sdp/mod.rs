//! SDP (RFC 8866) and offer/answer (RFC 3264).
//!
//! [`parse`] reads a body into lines and keeps every one of them, known or not; attributes are typed
//! when they are asked for. [`Negotiation`] makes and answers offers for the one audio stream of a
//! call, and refuses every other stream with port zero.

mod attributes;
mod crypto;
mod description;
mod exchange;
mod format;
mod local_audio;
mod negotiated;
mod offer_answer;
mod opus_parameters;
mod parser;
mod protection;
mod remote_audio;

#[cfg(test)]
mod protection_tests;
#[cfg(test)]
mod real_phones;
#[cfg(test)]
mod rfc_examples;

pub use attributes::{Attribute, Direction, Fmtp, RcvrRtt, RtcpAddress, RtcpXr, RtpMap};
pub use crypto::{Crypto, Encryption, InlineKey, OwnKey, Sdes};
pub use description::{ConnectionHost, Line, MediaDescription, Origin, SessionDescription};
pub use local_audio::{CodecOrder, LocalAudio, Profile};
pub use negotiated::{Negotiated, NegotiationError, Offered, SendCodec};
pub use offer_answer::Negotiation;
pub use opus_parameters::OpusParameters;
pub use parser::{Defect, DefectKind, MAX_BODY, MAX_LINE, MAX_LINES, ParseError, Parsed, parse};
