//! How one offer and one answer come together: what both sides said, and what follows from it.

use std::time::Duration;

use crate::units::PayloadType;

use super::format::{Format, Numbers};
use super::local_audio::{CodecOrder, LocalAudio};
use super::negotiated::{Negotiated, NegotiationError, SendCodec};
use super::remote_audio::{RemoteAudio, RemoteFormat};
use crate::codec::{CodecKind, MAX_PACKET_DURATION};

/// The two sides of an exchange.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) local: &'a LocalAudio,
    pub(super) remote: &'a RemoteAudio,
    /// All numbers that we ever said.
    pub(super) numbers: &'a Numbers,
    /// What we said in this exchange, under our numbers.
    pub(super) said: &'a [(PayloadType, Format)],
    /// What the peer takes of it, under its numbers, best first.
    pub(super) theirs: &'a [RemoteFormat],
}

impl Exchange<'_> {
    /// What the two sides come to.
    pub(super) fn conclude(&self) -> Result<Negotiated, NegotiationError> {
        let Exchange {
            local,
            remote,
            numbers,
            said,
            theirs,
        } = *self;
        let direction = local.direction.and(remote.direction.reversed());
        let rtcp_mux = local.rtcp_mux && remote.rtcp_mux;
        let (first, codec) = theirs
            .iter()
            .find_map(|f| Some((f, f.format.codec()?)))
            .ok_or_else(|| NegotiationError::NoCommonCodec {
                offered: remote.names.clone(),
            })?;
        let agreed = |format: Format| theirs.iter().any(|f| f.format == format);

        // Agreed codecs first, then the others that we said: whoever sends them is understood.
        // Then numbers of earlier exchanges, under which packets may still be on their way, and the
        // peer's own numbers, which some send under although the numbers are ours to say.
        let (first_said, later_said): (Vec<_>, Vec<_>) = said
            .iter()
            .copied()
            .partition(|(_, format)| agreed(*format));
        let earlier = numbers.iter().filter(|(_, format)| agreed(*format));
        let own = theirs
            .iter()
            .map(|f| (f.number, f.format))
            .filter(|(number, _)| numbers.meaning(*number).is_none());
        let mut recv: Vec<(PayloadType, CodecKind)> = Vec::new();
        let mut recv_dtmf: Vec<(PayloadType, u32)> = Vec::new();
        for (number, format) in first_said
            .into_iter()
            .chain(later_said)
            .chain(earlier)
            .chain(own)
        {
            let known = recv.iter().any(|(n, _)| *n == number)
                || recv_dtmf.iter().any(|(n, _)| *n == number);
            match format {
                Format::Audio(codec) if !known && recv.len() < Negotiated::MAX_RECV => {
                    recv.push((number, codec));
                }
                Format::TelephoneEvent { clock_hz }
                    if !known && recv_dtmf.len() < Negotiated::MAX_RECV =>
                {
                    recv_dtmf.push((number, clock_hz));
                }
                Format::Audio(_)
                | Format::TelephoneEvent { .. }
                | Format::ComfortNoise
                | Format::Redundancy { .. } => {}
            }
        }

        let events: Vec<(PayloadType, u32)> = theirs
            .iter()
            .filter_map(|f| Some((f.number, f.format.event_clock()?)))
            .collect();
        let clock_hz = codec.rtp_clock().hz();
        let send_dtmf = events
            .iter()
            .find(|(_, clock)| *clock == clock_hz)
            .or(events.first())
            .copied();
        // Beside a codec of another clock, or one that it does not list, it means nothing.
        let redundancy_taken = theirs
            .iter()
            .find(|f| f.format == Format::Redundancy { clock_hz })
            .map(|f| f.number)
            .filter(|number| remote.carries(*number, first.number));
        let our_redundancy = said
            .iter()
            .filter_map(|(number, f)| Some((*number, f.redundancy_clock()?)));
        let noise_taken = theirs
            .iter()
            .find(|f| codec != CodecKind::Opus && f.format == Format::ComfortNoise)
            .map(|f| f.number);
        let our_noise = said.iter().find(|(_, f)| *f == Format::ComfortNoise);
        let noise_agreed = |number: &PayloadType| {
            let both = |f: &RemoteFormat| f.format == Format::ComfortNoise && f.number == *number;
            theirs.iter().any(both)
        };
        Ok(Negotiated {
            remote_rtp: remote.rtp,
            remote_rtcp: if rtcp_mux { remote.rtp } else { remote.rtcp },
            rtcp_mux,
            direction,
            held_by_remote: !remote.direction.receives(),
            send: SendCodec {
                codec,
                payload_type: first.number,
                ptime: send_ptime(codec, local.ptime, remote),
                max_ptime: remote.max_ptime.unwrap_or(MAX_PACKET_DURATION),
                comfort_noise: noise_taken.filter(|_| local.comfort_noise),
                dtx: codec == CodecKind::Opus && local.opus.dtx,
                opus: first.opus,
            },
            recv,
            send_dtmf,
            recv_dtmf,
            send_redundancy: redundancy_taken,
            recv_redundancy: our_redundancy.collect(),
            comfort_noise: our_noise.map(|(number, _)| *number).filter(noise_agreed),
            extended_reports: local.extended_reports.agreed(remote.extended_reports),
            srtp: None,
        })
    }
}

/// The formats of an offer that we take, in the order of the answer.
pub(super) fn accepted_formats(local: &LocalAudio, remote: &RemoteAudio) -> Vec<RemoteFormat> {
    let place = |codec: CodecKind| local.codecs.iter().position(|ours| *ours == codec);
    let mut codecs: Vec<(usize, RemoteFormat)> = remote
        .formats
        .iter()
        .filter_map(|f| Some((place(f.format.codec()?)?, *f)))
        .collect();
    match local.codec_order {
        CodecOrder::Ours => codecs.sort_by_key(|(place, _)| *place),
        CodecOrder::Offered => {}
    }
    let mut accepted: Vec<RemoteFormat> = codecs.into_iter().map(|(_, f)| f).collect();
    let clocked = |clock_hz: u32| {
        remote
            .formats
            .iter()
            .filter_map(|f| f.format.codec())
            .any(|codec| codec.rtp_clock().hz() == clock_hz && place(codec).is_some())
    };
    if local.comfort_noise && clocked(8_000) {
        accepted.extend(
            remote
                .formats
                .iter()
                .filter(|f| f.format == Format::ComfortNoise),
        );
    }
    if local.redundancy {
        let fits = |f: &&RemoteFormat| f.format.redundancy_clock().is_some_and(clocked);
        accepted.extend(remote.formats.iter().filter(fits));
    }
    if local.telephone_event {
        let events = || {
            remote
                .formats
                .iter()
                .filter(|f| f.format.event_clock().is_some())
        };
        let fitting = || events().filter(|f| f.format.event_clock().is_some_and(clocked));
        // A peer that has events of another clock only still gets its digits through.
        let stray = events().take(usize::from(fitting().next().is_none()));
        accepted.extend(fitting().chain(stray));
    }
    accepted
}

/// Packet length that we send: the peer's wish, else ours, within the peer's bound and what the codec
/// can do.
fn send_ptime(codec: CodecKind, ours: Duration, remote: &RemoteAudio) -> Duration {
    let wish = remote.ptime.unwrap_or(ours);
    let bound = remote.max_ptime.unwrap_or(Duration::MAX);
    let millis = wish.min(bound).as_millis().clamp(10, 60) as u64;
    let millis = match codec {
        // RFC 6716 section 2.1.4 has frames of 10, 20, 40 and 60 ms.
        CodecKind::Opus if millis >= 60 => 60,
        CodecKind::Opus if millis >= 40 => 40,
        CodecKind::Opus if millis >= 20 => 20,
        CodecKind::Opus => 10,
        CodecKind::G722 | CodecKind::Pcma | CodecKind::Pcmu => millis / 10 * 10,
    };
    Duration::from_millis(millis)
}
