//! Bodies of SIP events and messages: what they say, as plain data.
//!
//! ```text
//! message_summary   RFC 3842   messages waiting
//! dialog_info       RFC 4235   calls of another extension: busy lamps, pickup
//! pidf              RFC 3863   presence, with the activities of RFC 4480
//! is_composing      RFC 3994   somebody is typing
//! sipfrag           RFC 3420   how a transfer goes
//! dtmf_info                    digits in INFO
//! ```
//!
//! All of them are untrusted. Reading forgives what can be understood; every list and text is
//! bounded; nothing panics. URIs are plain text here: who dials one reads it first.

pub mod dialog_info;
pub mod dtmf_info;
pub mod is_composing;
pub mod message_summary;
pub mod pidf;
pub mod sipfrag;
mod text;
mod xml;

#[cfg(test)]
mod damage;

pub use xml::XmlError;
