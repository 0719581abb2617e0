//! What a call's sound should be, as data: the agent says it, the media thread does it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::recording::{Format, Sides};
pub use super::route::{Relay, Route, Way};
use super::session::Port;
use crate::codec::{CodecKind, MAX_PACKET_DURATION};
use crate::nat::ice::{Credentials, Own, Remote};
pub use crate::rtp::session::{Answerers, XrTerms};
pub use crate::rtp::srtp::{MasterKey, Mki, Suite};
use crate::units::PayloadType;

/// Names one call's sound for as long as the phone runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId(pub u64);

/// Names a conference: calls that hear each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConferenceId(pub u8);

/// What a call is given of this side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Feed {
    /// The microphone, or what stands for it.
    #[default]
    Microphone,
    /// Silence: the person talks to others.
    Silence,
    /// The music on hold; silence where there is none. Neither mute nor hold silences it.
    HoldMusic,
    /// A WAV file over and over, at the level of the music.
    File(PathBuf),
}

/// One order to the media thread.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaCommand {
    /// Take a pair of ports on this address of ours; answered with [`Opened`].
    Open {
        /// The name of the new session.
        media: MediaId,
        /// Which of our addresses the far side will be told.
        local: IpAddr,
    },
    /// Take another pair of ports for a session, on this address of ours, in the place of the one it
    /// has; answered with [`Opened`]. Where none can be had, it keeps what it has.
    Move {
        /// Which session.
        media: MediaId,
        /// Which of our addresses the far side will be told.
        local: IpAddr,
    },
    /// Play what comes by what we offered, from wherever it comes, until there is a plan: the far
    /// side may speak before its answer has arrived (RFC 3264 section 5.1).
    Listen {
        /// Which session.
        media: MediaId,
        /// What may come.
        accepted: Box<Accepted>,
    },
    /// Make the sound so, from the next packet on.
    Apply {
        /// Which session.
        media: MediaId,
        /// All of it: what the plan does not name, stops.
        plan: Box<Plan>,
    },
    /// Which way packets go and come from here on, in place of what the plan says.
    Route {
        /// Which session.
        media: MediaId,
        /// Both ways.
        route: Box<Route>,
    },
    /// Send what is neither RTP nor RTCP, from a socket of the session. One that cannot be sent is
    /// lost, as on the network.
    Transmit {
        /// Which session.
        media: MediaId,
        /// Whose socket.
        port: Port,
        /// From which address of ours; `None`: the first.
        local: Option<SocketAddr>,
        /// Where to.
        to: SocketAddr,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Microphone or silence.
    SetMuted {
        /// Which session.
        media: MediaId,
        /// What it shall be.
        muted: bool,
    },
    /// Send these digits, one after the other, behind those still under way.
    SendDtmf {
        /// Which session.
        media: MediaId,
        /// Only `0`–`9 * # A`–`D`.
        digits: String,
    },
    /// Seat a call in a conference, out of another one, or in none: then it hears this side alone.
    Confer {
        /// Which session.
        media: MediaId,
        /// Where it sits.
        conference: Option<ConferenceId>,
    },
    /// What the far side is given of this one from here on. In a conference it hears the others
    /// beside it.
    Feed {
        /// Which session.
        media: MediaId,
        /// What it is given.
        feed: Feed,
    },
    /// Record this call from here on, in place of a recording of it that is under way.
    Record {
        /// Which session.
        media: MediaId,
        /// The file; one that is there is replaced.
        path: PathBuf,
        /// Its kind.
        format: Format,
        /// Who is in it.
        sides: Sides,
    },
    /// End that recording; the call goes on.
    StopRecording {
        /// Which session.
        media: MediaId,
    },
    /// Send RTCP BYE, stop, give the ports back.
    Close {
        /// Which session.
        media: MediaId,
    },
}

/// Where a session listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// RTP; the port is even. RTCP is on the next one, or muxed.
    pub rtp: SocketAddr,
    /// What the far side is to be told of the ways here (RFC 8839); `None`: this address alone.
    pub ice: Option<Box<Own>>,
}

impl Opened {
    /// At this address, and nowhere else.
    #[must_use]
    pub const fn at(rtp: SocketAddr) -> Opened {
        Opened { rtp, ice: None }
    }
}

/// What both sides said of the ways between them (RFC 8839): how the way is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceTerms {
    /// Ours. Others than before: this side starts anew.
    pub local: Credentials,
    /// What the far side said. Other credentials than before: it starts anew, or is another one.
    pub remote: Remote,
}

/// What a call's sound should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where RTP goes, as signalled.
    pub remote_rtp: SocketAddr,
    /// Where RTCP goes, as signalled; equal to `remote_rtp` when muxed.
    pub remote_rtcp: SocketAddr,
    /// RTP and RTCP share the port (RFC 5761).
    pub rtcp_mux: bool,
    /// Whether we send sound.
    pub send: bool,
    /// We hold the far side: silence goes out instead of the microphone.
    pub held: bool,
    /// Whether we expect and play sound.
    pub receive: bool,
    /// What we send.
    pub codec: CodecChoice,
    /// What the far side may send, by payload type. At most 16.
    pub accepted: Vec<(PayloadType, CodecKind)>,
    /// Payload type and RTP clock rate, in Hz, of the telephone events we send.
    pub dtmf_send: Option<(PayloadType, u32)>,
    /// Payload types and RTP clock rates of the telephone events that may come.
    pub dtmf_receive: Vec<(PayloadType, u32)>,
    /// Payload type of comfort noise (RFC 3389) that may come.
    pub comfort_noise: Option<PayloadType>,
    /// Payload types and RTP clock rates, in Hz, of packets that carry earlier ones again (RFC 2198)
    /// that may come.
    pub redundancy: Vec<(PayloadType, u32)>,
    /// The far side has not answered yet: it may be silent for as long as it likes.
    pub early: bool,
    /// Which extended reports the far side wants (RFC 3611).
    pub extended_reports: XrTerms,
    /// The keys of both directions; `None`: in clear.
    pub srtp: Option<SrtpKeys>,
    /// How the way to the far side is found; `None`: it is at the addresses above, or where its
    /// packets come from.
    pub ice: Option<Box<IceTerms>>,
}

/// The keys of a call whose packets are protected (RFC 3711).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpKeys {
    /// Of what we send. The same one again goes on where it was.
    pub local: MasterKey,
    /// Of what the far side sends.
    pub remote: MasterKey,
    /// The name of the key in each packet of the far side; empty: none.
    pub remote_mki: Mki,
}

/// What may come, by payload type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// At most 16.
    pub codecs: Vec<(PayloadType, CodecKind)>,
    /// Telephone events, and their RTP clock rates in Hz.
    pub dtmf: Vec<(PayloadType, u32)>,
    /// Comfort noise (RFC 3389).
    pub comfort_noise: Option<PayloadType>,
    /// Packets that carry earlier ones again (RFC 2198), and their RTP clock rates in Hz.
    pub redundancy: Vec<(PayloadType, u32)>,
    /// Keys were offered: before the answer nobody can tell what comes from noise.
    pub protected: bool,
}

/// What is spoken: codec, number, packet length.
#[derive(Clone, Debug, PartialEq)]
pub struct CodecChoice {
    /// Which codec.
    pub kind: CodecKind,
    /// The payload type the far side wants it under.
    pub payload_type: PayloadType,
    /// Sound in each packet: 10 to 120 ms.
    pub ptime: Duration,
    /// The longest packet that the far side takes.
    pub max_ptime: Duration,
    /// The payload type under which the far side takes packets that carry earlier ones again (RFC
    /// 2198), if it does.
    pub redundancy: Option<PayloadType>,
    /// The payload type under which pauses are described (RFC 3389) instead of sent; `None`: they
    /// are sent as they sound.
    pub comfort_noise: Option<PayloadType>,
    /// What the far side said of Opus; the default for others.
    pub opus: OpusWishes,
}

impl CodecChoice {
    /// A codec in packets of 20 ms, and nothing beside it.
    #[must_use]
    pub fn new(kind: CodecKind, payload_type: PayloadType) -> CodecChoice {
        CodecChoice {
            kind,
            payload_type,
            ptime: Duration::from_millis(20),
            max_ptime: MAX_PACKET_DURATION,
            redundancy: None,
            comfort_noise: None,
            opus: OpusWishes::default(),
        }
    }
}

/// What Opus is sent like: what its receiver asks for (RFC 7587 section 6.1), and what we want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusWishes {
    /// In-band FEC helps it.
    pub use_inband_fec: bool,
    /// Pauses are left out.
    pub use_dtx: bool,
    /// The highest rate it plays, in Hz.
    pub max_playback_rate: u32,
    /// The highest average it wants, in bit/s.
    pub max_average_bitrate: Option<u32>,
}

impl Default for OpusWishes {
    fn default() -> Self {
        OpusWishes {
            use_inband_fec: false,
            use_dtx: false,
            max_playback_rate: 48_000,
            max_average_bitrate: None,
        }
    }
}
