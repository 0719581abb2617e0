//! What a session answers: packets, reports, events, errors and figures.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::super::burst_gap::BurstGap;
use super::super::header::{Muxed, RtpError, RtpPacket};
use super::super::rtcp::RtcpError;
use super::super::stats::{Arrival, Bursts, Counts};
use super::config::PayloadKind;
use super::extended::RemoteMetrics;
use crate::units::{PayloadType, RtpTime, SampleRate, SeqNo, Ssrc};

/// Why a packet was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The payload type is not among the negotiated ones.
    #[error("payload type {} is not negotiated", .0.number())]
    UnknownPayloadType(PayloadType),
    /// Signalling has named no address and nothing was heard.
    #[error("the remote address is not known yet")]
    NoDestination,
    /// The session is closed.
    #[error("the session is closed")]
    Closed,
}

/// Why a datagram was not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ignored {
    /// No RTP packet.
    #[error("no RTP: {0}")]
    Rtp(#[from] RtpError),
    /// No RTCP compound.
    #[error("no RTCP: {0}")]
    Rtcp(#[from] RtcpError),
    /// The payload type is not among the negotiated ones.
    #[error("payload type {} is not negotiated", .0.number())]
    UnknownPayloadType(PayloadType),
    /// The address is not, or not yet, believed.
    #[error("from an address that is not proven")]
    UnprovenAddress,
    /// A new source, or a jump in numbers, that the next packet has to confirm.
    #[error("from a source that is not proven")]
    UnprovenSource,
    /// A report from a host that is not the remote one.
    #[error("a report from another host")]
    ForeignHost,
    /// STUN, DTLS or noise.
    #[error("neither RTP nor RTCP")]
    Other(Muxed),
    /// The session is closed.
    #[error("the session is closed")]
    Closed,
}

/// One received RTP packet, in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// The packet.
    pub packet: RtpPacket<'a>,
    /// What it carries.
    pub kind: PayloadKind,
    /// The clock of its payload type.
    pub clock: SampleRate,
    /// Its number, extended.
    pub seq: SeqNo,
    /// Its media time, extended; sound and events are extended apart.
    pub time: RtpTime,
    /// Where it stands in the stream. On [`Arrival::Restart`], and when `new_source` is set,
    /// `seq` and `time` bear no relation to those before.
    pub arrival: Arrival,
    /// The first packet of a source.
    pub new_source: bool,
}

/// What the session has to say.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The buffer holds a report: send it from the RTCP socket, or from the RTP socket with
    /// `rtcp_mux`.
    Rtcp {
        /// Where to.
        to: SocketAddr,
    },
    /// Something happened.
    Event(Event),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Sound comes from here from now on; ours goes there too.
    RemoteAddress {
        /// The address before, if any was locked.
        from: Option<SocketAddr>,
        /// The address locked to.
        to: SocketAddr,
    },
    /// The stream has another source; its statistics start anew.
    Source {
        /// The source before, if any.
        from: Option<Ssrc>,
        /// The source heard.
        to: Ssrc,
    },
    /// The remote source said goodbye.
    RemoteLeft,
    /// A report told how long the way there and back is.
    RoundTrip(Duration),
    /// Our own SSRC comes back: a reflector, or one chance in four thousand million.
    OwnSsrcHeard,
}

/// Datagrams not used, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IgnoredCounts {
    /// Neither RTP nor RTCP, or malformed.
    pub garbage: u64,
    /// Of payload types not negotiated.
    pub payload_type: u64,
    /// From addresses not proven, or hosts not ours.
    pub foreign: u64,
    /// From sources not proven yet, or stray numbers.
    pub unproven: u64,
}

/// What the remote side's last report says about our stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RemoteView {
    /// Lost of the packets we sent between its last two reports, 0 to 1.
    pub loss: f64,
    /// Lost of all we sent; negative when duplicates outweigh.
    pub lost: i32,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// When the report came.
    pub at: Instant,
}

/// The state of the session's path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamStats {
    /// Packets heard of all sources so far. Take [`Counts::since`] of two for an interval.
    pub counts: Counts,
    /// Runs of loss of the current source.
    pub bursts: Bursts,
    /// Interarrival jitter of the current source.
    pub jitter: Duration,
    /// The same in ticks of its clock.
    pub jitter_ticks: u32,
    /// Bursts and gaps of the current source, packets discarded included.
    pub burst_gap: BurstGap,
    /// There and back, by the last report that told.
    pub round_trip: Option<Duration>,
    /// What the far side says of our stream.
    pub remote_view: Option<RemoteView>,
    /// What it says of how ours sounds.
    pub remote_metrics: Option<RemoteMetrics>,
    /// Packets sent.
    pub packets_sent: u64,
    /// Octets of payload sent.
    pub octets_sent: u64,
    /// When the last usable packet of sound or events came; `None`: none yet.
    pub last_packet: Option<Instant>,
    /// When the last report came.
    pub last_report: Option<Instant>,
    /// The source heard.
    pub remote_ssrc: Option<Ssrc>,
    /// Where we send.
    pub remote: Option<SocketAddr>,
    /// What was not used.
    pub ignored: IgnoredCounts,
}

impl IgnoredCounts {
    pub(super) fn count(&mut self, reason: &Ignored) {
        match reason {
            Ignored::Rtp(_) | Ignored::Rtcp(_) | Ignored::Other(_) => self.garbage += 1,
            Ignored::UnknownPayloadType(_) => self.payload_type += 1,
            Ignored::UnprovenAddress | Ignored::ForeignHost => self.foreign += 1,
            Ignored::UnprovenSource => self.unproven += 1,
            Ignored::Closed => {}
        }
    }
}
