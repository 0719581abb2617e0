//! RTP, RTCP, their protection and DTMF events: RFC 2198, 3550, 3551, 3711, 4733, 5761, 6188,
//! 7160, 7714.
//!
//! Values in, values out: nothing here knows sockets, clocks, codecs or SIP. `rtp-types` and
//! `rtcp-types` do the wire work and stay inside; what other modules see are the types below.
//!
//! - [`header`]: one RTP packet, read and written; telling RTP from RTCP on one port.
//! - [`sequence`]: 16 and 32 bit counters extended to 64 bits; probation and resynchronisation.
//! - [`stats`]: loss, jitter, bursts and round trip of one stream.
//! - [`burst_gap`]: where in a stream the loss is, as RFC 3611 tells bursts from gaps.
//! - [`rtcp`]: compound packets; [`xr`]: extended reports; [`interval`]: when to send them.
//! - [`dtmf`]: telephone events, out and in.
//! - [`redundancy`]: packets that carry earlier ones again (RFC 2198).
//! - [`source`]: whose packets are believed, and where ours go (symmetric RTP).
//! - [`srtp`]: packets and reports protected in place.
//! - [`session`]: one RTP session of one call, made of the above.

pub mod burst_gap;
pub mod dtmf;
pub mod header;
pub mod interval;
pub mod ntp;
pub mod redundancy;
pub mod rtcp;
pub mod sequence;
pub mod session;
pub mod source;
pub mod srtp;
pub mod stats;
pub mod xr;

#[cfg(test)]
pub(crate) mod testing;

pub use header::{Muxed, RtpHeader, RtpPacket};
pub use ntp::NtpTime;
pub use session::{Config, Ignored, Output, Received, RtpSession, StreamStats};
