//! What an exchange of offer and answer comes to.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::units::PayloadType;

use super::attributes::{Direction, RtcpXr};
use super::crypto::Sdes;
use super::opus_parameters::OpusParameters;
use crate::codec::CodecKind;

/// The audio stream that both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Where RTP goes. The address is unspecified (`0.0.0.0`, `::`) when the peer holds the call in
    /// the way of RFC 2543; [`Negotiated::direction`] does not send then.
    pub remote_rtp: SocketAddr,
    /// Where RTCP goes; equal to `remote_rtp` when muxed.
    pub remote_rtcp: SocketAddr,
    /// RTP and RTCP share a port in both directions.
    pub rtcp_mux: bool,
    /// What this side does: sends, listens, both or neither.
    pub direction: Direction,
    /// The peer does not want our sound: it holds the call.
    pub held_by_remote: bool,
    /// What we send.
    pub send: SendCodec,
    /// What the peer may send, the agreed codecs first. At most [`Negotiated::MAX_RECV`].
    pub recv: Vec<(PayloadType, CodecKind)>,
    /// Number and RTP clock rate in Hz of the telephone events that we send; `None`: the peer takes
    /// none.
    pub send_dtmf: Option<(PayloadType, u32)>,
    /// Numbers and RTP clock rates in Hz of the telephone events that may come.
    pub recv_dtmf: Vec<(PayloadType, u32)>,
    /// The number under which the peer takes packets that carry earlier ones of
    /// [`Negotiated::send`] again (RFC 2198); `None`: it takes none.
    pub send_redundancy: Option<PayloadType>,
    /// The numbers under which such packets may come, and their RTP clock rates in Hz.
    pub recv_redundancy: Vec<(PayloadType, u32)>,
    /// The number under which comfort noise goes both ways (RFC 3389).
    pub comfort_noise: Option<PayloadType>,
    /// The extended reports that we are to send.
    pub extended_reports: RtcpXr,
    /// The keys of both sides; `None`: in clear.
    pub srtp: Option<Sdes>,
}

impl Negotiated {
    /// Most entries of [`Negotiated::recv`] and of [`Negotiated::recv_dtmf`].
    pub const MAX_RECV: usize = 16;
}

/// What we offered to receive, by our numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// Codecs.
    pub codecs: Vec<(PayloadType, CodecKind)>,
    /// Telephone events, and their RTP clock rates in Hz.
    pub dtmf: Vec<(PayloadType, u32)>,
    /// Comfort noise (RFC 3389).
    pub comfort_noise: Option<PayloadType>,
    /// Packets that carry earlier ones again (RFC 2198), and their RTP clock rates in Hz.
    pub redundancy: Vec<(PayloadType, u32)>,
    /// With keys: what comes under those of the peer cannot be read before its answer.
    pub protected: bool,
}

/// What we send: codec, number, packet length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendCodec {
    /// Which codec.
    pub codec: CodecKind,
    /// The number under which the peer wants it; may differ from the one we get it under.
    pub payload_type: PayloadType,
    /// Sound in each packet: 10 to 60 ms in steps of 10, for Opus only 10, 20, 40 or 60.
    pub ptime: Duration,
    /// The longest packet that the peer takes.
    pub max_ptime: Duration,
    /// The number under which pauses are described instead of sent (RFC 3389): both sides want it,
    /// and the codec has no such thing of its own.
    pub comfort_noise: Option<PayloadType>,
    /// Opus leaves pauses out.
    pub dtx: bool,
    /// What the peer says of its Opus decoder; the default for other codecs.
    pub opus: OpusParameters,
}

/// Why no stream came of an offer or an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NegotiationError {
    /// No audio stream in it, or none with a port.
    #[error("no audio stream is offered")]
    NoAudio,
    /// None of its codecs is one of ours: 488.
    #[error("no codec in common; offered: {}", offered.join(", "))]
    NoCommonCodec {
        /// The names that the peer gave, as it wrote them; numbers without a name as digits.
        offered: Vec<String>,
    },
    /// Audio only over a transport that we do not speak: `RTP/SAVP`, `UDP/TLS/RTP/SAVPF`…
    #[error("audio is offered over {offered} only")]
    UnsupportedProfile {
        /// The protocol of the `m=` line.
        offered: String,
    },
    /// Protection is required, and the peer offers or takes none: 488.
    #[error("the peer does not protect its media")]
    NotProtected,
    /// The peer requires protection of a kind that we do not know: 488.
    #[error("no way of protecting media in common")]
    NoCommonSuite,
    /// Nothing says where media goes.
    #[error("no address for the media")]
    NoAddress,
    /// The media address is a name; resolve it and put the address in its place.
    #[error("the media address is a name: {host}")]
    AddressIsName {
        /// The name.
        host: String,
    },
    /// Media cannot go there: multicast or broadcast.
    #[error("no call can go to {0}")]
    UnusableAddress(IpAddr),
    /// IPv4 and IPv6 do not meet.
    #[error("the peer is at {0}, which is of the other address family")]
    AddressFamily(IpAddr),
    /// The answer refuses the audio stream.
    #[error("the audio stream was refused")]
    AudioRejected,
    /// An offer came while ours is unanswered: 491.
    #[error("an offer of ours is unanswered")]
    OfferOutstanding,
    /// An answer came that nobody asked for.
    #[error("there is no offer to answer")]
    NoOfferOutstanding,
}
