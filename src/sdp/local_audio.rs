//! What this phone has to offer.

use std::net::IpAddr;
use std::time::Duration;

use super::attributes::{Direction, RcvrRtt, RtcpXr};
use super::crypto::{Encryption, OwnKey};
use super::opus_parameters::OpusParameters;
use crate::codec::CodecKind;

/// Whose order of codecs an answer follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CodecOrder {
    /// The order of [`LocalAudio::codecs`]: what the person configured decides (allowed by RFC 3264
    /// section 6.1).
    #[default]
    Ours,
    /// The order of the offer.
    Offered,
}

/// Under which profile keys are offered: some take them under no other than theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `RTP/AVP` where protection is optional, `RTP/SAVP` where it is required.
    #[default]
    Usual,
    /// `RTP/SAVP`.
    Secure,
    /// `RTP/SAVPF` (RFC 5124), though we give no feedback.
    SecureFeedback,
}

impl Profile {
    /// What to offer after a refusal; `None`: nothing is left.
    #[must_use]
    pub fn after(self, encryption: Encryption) -> Option<Profile> {
        match (encryption, self) {
            (Encryption::Off, _) | (_, Profile::SecureFeedback) => None,
            (Encryption::Optional, Profile::Usual) => Some(Profile::Secure),
            (Encryption::Optional | Encryption::Required, _) => Some(Profile::SecureFeedback),
        }
    }
}

/// The audio stream that this phone wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAudio {
    /// Best first. Those left out are neither offered nor accepted.
    pub codecs: Vec<CodecKind>,
    /// Whose order an answer follows.
    pub codec_order: CodecOrder,
    /// Sound in each packet that we want to get, and send where the peer has no wish.
    pub ptime: Duration,
    /// The longest packet that we take, if there is a bound.
    pub max_ptime: Option<Duration>,
    /// Where media comes in; the far side must be able to reach it.
    pub address: IpAddr,
    /// Where RTP comes in.
    pub rtp_port: u16,
    /// Where RTCP comes in; `None`: on the port after that of RTP.
    pub rtcp_port: Option<u16>,
    /// What the person wants: [`Direction::SendOnly`] holds the call.
    pub direction: Direction,
    /// RTP and RTCP may share a port (RFC 5761).
    pub rtcp_mux: bool,
    /// The extended reports we want, and send to whom wants them (RFC 3611).
    pub extended_reports: RtcpXr,
    /// Digits as RFC 4733 events.
    pub telephone_event: bool,
    /// Pauses are described (RFC 3389) with the codecs of 8 kHz clock, where both sides want it.
    pub comfort_noise: bool,
    /// Packets that carry earlier ones again (RFC 2198): answered with every codec, and offered with
    /// Opus, or where Opus is not offered.
    pub redundancy: bool,
    /// Beside Opus it is offered for the other codecs too.
    pub resend: bool,
    /// What we say of our Opus decoder.
    pub opus: OpusParameters,
    /// What is understood without being said is left out of offers, to fit a datagram: names of
    /// codecs whose numbers say it (RFC 3551 section 6), and that sound goes both ways.
    pub terse: bool,
    /// How much protection is wanted.
    pub encryption: Encryption,
    /// Our keys, one for each suite that we know, those that we prefer first. The same ones for as
    /// long as the call lasts.
    pub keys: Vec<OwnKey>,
    /// Under which profile what is protected is offered.
    pub profile: Profile,
}

impl LocalAudio {
    /// All codecs in packets of 20 ms, both ways, at this address.
    #[must_use]
    pub fn new(address: IpAddr, rtp_port: u16) -> LocalAudio {
        LocalAudio {
            codecs: CodecKind::ALL.to_vec(),
            codec_order: CodecOrder::Ours,
            ptime: Duration::from_millis(20),
            max_ptime: None,
            address,
            rtp_port,
            rtcp_port: None,
            direction: Direction::SendRecv,
            rtcp_mux: true,
            extended_reports: RtcpXr {
                voip_metrics: true,
                rcvr_rtt: Some(RcvrRtt::All),
            },
            telephone_event: true,
            comfort_noise: false,
            redundancy: false,
            resend: false,
            opus: OpusParameters {
                inband_fec: true,
                ..OpusParameters::default()
            },
            terse: false,
            encryption: Encryption::Off,
            keys: Vec::new(),
            profile: Profile::Usual,
        }
    }
}
