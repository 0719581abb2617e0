//! Opus (RFC 6716) as RFC 7587 carries it: always a 48 kHz clock, mono from us, whatever comes
//! from others heard as mono.

mod decoder;
mod encoder;
mod file;
mod packet;
mod raw;

pub use decoder::Decoder;
pub use encoder::{Encoder, Settings};
pub use file::FileEncoder;
pub(super) use packet::frame_samples;
pub use packet::{has_dred, has_lbrr, is_dtx, samples_of};

#[cfg(test)]
mod dred_tests;
#[cfg(test)]
mod tests;
