//! The peer's audio stream as an offer or an answer describes it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::codec::CodecKind;
use crate::units::PayloadType;

use super::attributes::{Direction, RtcpXr};
use super::crypto::{Crypto, Encryption};
use super::description::{ConnectionHost, MediaDescription, SessionDescription};
use super::format::Format;
use super::negotiated::NegotiationError;
use super::opus_parameters::OpusParameters;

/// What was read of one `m=audio`.
#[derive(Clone, Debug)]
pub(super) struct RemoteAudio {
    /// The formats that we know, in the peer's order, each once.
    pub(super) formats: Vec<RemoteFormat>,
    /// All numbers of the `m=` line.
    pub(super) numbers: Vec<PayloadType>,
    /// The names of all formats, for whoever has to explain a failure.
    pub(super) names: Vec<String>,
    /// Seen from the peer. A peer without an address does not listen.
    pub(super) direction: Direction,
    pub(super) rtp: SocketAddr,
    /// Where RTCP goes when it is not muxed.
    pub(super) rtcp: SocketAddr,
    pub(super) rtcp_mux: bool,
    pub(super) extended_reports: RtcpXr,
    pub(super) ptime: Option<Duration>,
    pub(super) max_ptime: Option<Duration>,
    /// The profile says that all of it is protected: `RTP/SAVP`.
    pub(super) secure_profile: bool,
    /// The keys it offers or answers, best first.
    pub(super) cryptos: Vec<Crypto>,
    /// What the packets that carry others again may carry, first the newest (RFC 2198 section 5).
    carried: Vec<(PayloadType, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RemoteFormat {
    pub(super) number: PayloadType,
    pub(super) format: Format,
    pub(super) opus: OpusParameters,
}

/// `a=crypto` lines looked at in one stream.
const MAX_CRYPTOS: usize = 16;

/// Names told to whoever has to explain a failure.
const MAX_NAMES: usize = 32;

impl RemoteAudio {
    /// Reads one stream of a description. `local` is where we listen: its family is the one that
    /// media can go to.
    pub(super) fn read(
        description: &SessionDescription,
        media: &MediaDescription,
        local: IpAddr,
        encryption: Encryption,
    ) -> Result<RemoteAudio, NegotiationError> {
        let port = match media.port() {
            Some(port) if port != 0 && media.is_audio() => port,
            _ => return Err(NegotiationError::NoAudio),
        };
        // Feedback (RFC 4585) is an offer to send more RTCP; whoever sends none is a good peer.
        let is = |profiles: [&str; 2]| {
            let mut profiles = profiles.iter();
            profiles.any(|p| media.protocol().eq_ignore_ascii_case(p))
        };
        let secure_profile = is(["RTP/SAVP", "RTP/SAVPF"]);
        let known = secure_profile && encryption != Encryption::Off;
        if !known && !is(["RTP/AVP", "RTP/AVPF"]) {
            return Err(NegotiationError::UnsupportedProfile {
                offered: media.protocol().to_owned(),
            });
        }
        let address = media_address(description, media, local)?;
        let mut direction = description.direction_of(media);
        if address.is_unspecified() {
            // The hold of RFC 2543 (RFC 3264 section 8.4).
            direction = Direction::new(direction.sends(), false);
        }
        let rtcp = match media.rtcp() {
            Some(rtcp) => {
                let host = rtcp.address.filter(|ip| usable(*ip, local).is_ok());
                SocketAddr::new(host.unwrap_or(address), rtcp.port)
            }
            None => SocketAddr::new(address, port.checked_add(1).unwrap_or(port)),
        };
        let mut remote = RemoteAudio {
            formats: Vec::new(),
            numbers: Vec::new(),
            names: Vec::new(),
            direction,
            rtp: SocketAddr::new(address, port),
            rtcp,
            rtcp_mux: media.rtcp_mux(),
            extended_reports: description.rtcp_xr_of(media),
            ptime: media
                .ptime_millis()
                .map(|ms| Duration::from_millis(ms.into())),
            max_ptime: media
                .max_ptime_millis()
                .map(|ms| Duration::from_millis(ms.into())),
            secure_profile,
            cryptos: media
                .attribute_values("crypto")
                .take(MAX_CRYPTOS)
                .filter_map(Crypto::read)
                .collect(),
            carried: Vec::new(),
        };
        remote.read_formats(media);
        Ok(remote)
    }

    /// Whether packets under `number` may carry this format behind itself. Who says nothing of it
    /// takes what there is.
    pub(super) fn carries(&self, number: PayloadType, format: PayloadType) -> bool {
        let of = self.carried.iter().find(|(known, _)| *known == number);
        of.is_none_or(|(_, list)| list.is_empty() || *list == [format.number(); 2])
    }

    fn read_formats(&mut self, media: &MediaDescription) {
        for word in media.formats() {
            let Some(number) = word.parse().ok().and_then(PayloadType::new) else {
                continue;
            };
            if self.numbers.contains(&number) {
                continue;
            }
            self.numbers.push(number);
            let format = Format::of(media, number);
            if self.names.len() < MAX_NAMES {
                let name = match (media.rtpmap(number), format) {
                    (Some(map), _) => map.encoding,
                    (None, Some(Format::Audio(codec))) => codec.name().to_owned(),
                    (None, _) => number.number().to_string(),
                };
                self.names.push(name);
            }
            let Some(format) = format else { continue };
            if self.formats.iter().any(|known| known.format == format) {
                continue;
            }
            let opus = match format {
                Format::Audio(CodecKind::Opus) => OpusParameters::read(&media.fmtp(number)),
                _ => OpusParameters::default(),
            };
            if format.redundancy_clock().is_some() {
                let fmtp = media.fmtp(number);
                let list = fmtp.iter().next().map_or("", |(list, _)| list);
                let numbers = list.split('/').map_while(|n| n.trim().parse().ok());
                self.carried.push((number, numbers.take(2).collect()));
            }
            self.formats.push(RemoteFormat {
                number,
                format,
                opus,
            });
        }
    }
}

/// Where media goes: `c=` of the stream, else of the session, else the host of `o=`, which is
/// where a description without any `c=` comes from.
fn media_address(
    description: &SessionDescription,
    media: &MediaDescription,
    local: IpAddr,
) -> Result<IpAddr, NegotiationError> {
    match description.connection_of(media) {
        Some(ConnectionHost::Ip(ip)) => usable(ip, local),
        Some(ConnectionHost::Name(host)) => Err(NegotiationError::AddressIsName { host }),
        None => {
            let origin = description.origin().and_then(|origin| origin.host.ip());
            let ip = origin
                .filter(|ip| !ip.is_unspecified())
                .ok_or(NegotiationError::NoAddress)?;
            usable(ip, local)
        }
    }
}

fn usable(ip: IpAddr, local: IpAddr) -> Result<IpAddr, NegotiationError> {
    let ip = ip.to_canonical();
    if ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(NegotiationError::UnusableAddress(ip));
    }
    if !ip.is_unspecified() && ip.is_ipv4() != local.to_canonical().is_ipv4() {
        return Err(NegotiationError::AddressFamily(ip));
    }
    Ok(ip)
}
