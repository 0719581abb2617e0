//! What a session starts from.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::interval::MINIMUM_INTERVAL;
use super::super::ntp::NtpTime;
use crate::units::{PayloadType, SampleRate, Ssrc};

/// What a payload type carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// Frames of a codec.
    Sound,
    /// Comfort noise parameters (RFC 3389).
    ComfortNoise,
    /// Telephone events (RFC 4733).
    Event,
}

/// One negotiated payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadFormat {
    /// Its number.
    pub payload_type: PayloadType,
    /// Its RTP clock: 8 kHz for G.722 too (RFC 3551 section 4.5.2).
    pub clock: SampleRate,
    /// What it carries.
    pub kind: PayloadKind,
}

/// What a session starts from.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our source, random (RFC 3550 section 8.1).
    pub local_ssrc: Ssrc,
    /// Our canonical name, the same in all sessions of a call; random for privacy (RFC 7022).
    pub cname: String,
    /// Payload types that may be sent or received; others are ignored.
    pub formats: Vec<PayloadFormat>,
    /// Where SDP says that RTP goes; `None` or an unspecified address: not known yet.
    pub remote_rtp: Option<SocketAddr>,
    /// Where SDP says that RTCP goes (RFC 3605), if it does; else the port above RTP's. Not
    /// looked at with `rtcp_mux`.
    pub remote_rtcp: Option<SocketAddr>,
    /// RTCP shares RTP's port (RFC 5761).
    pub rtcp_mux: bool,
    /// Bandwidth of the session in bits a second, both directions, for the share of RTCP.
    pub bandwidth: u32,
    /// Least time between reports before randomisation; RFC 3550 asks for five seconds.
    pub report_interval: Duration,
    /// Wall clock time at the moment of [`RtpSession::new`](super::RtpSession::new).
    pub wall_clock: NtpTime,
    /// From a secure random source: first sequence number and timestamp, report times.
    pub seed: [u8; 32],
}

impl Config {
    /// RFC 3550's usual values around what only the caller knows.
    #[must_use]
    pub fn new(local_ssrc: Ssrc, cname: String, seed: [u8; 32], wall_clock: NtpTime) -> Config {
        Config {
            local_ssrc,
            cname,
            formats: Vec::new(),
            remote_rtp: None,
            remote_rtcp: None,
            rtcp_mux: false,
            bandwidth: 128_000,
            report_interval: MINIMUM_INTERVAL,
            wall_clock,
            seed,
        }
    }
}
