//! Offer and answer for the one audio stream of a call (RFC 3264).
//!
//! ```text
//!          offer()                      handle_answer()
//! Settled ─────────▶ Offered ─────────────────────────────▶ Answered
//!    ▲                  │ withdraw_offer()                      │
//!    ├──────────────────┘                                      │
//!    └──────── handle_offer() ◀─────────────────────────────────┘
//! ```
//!
//! An answer may come again, and may say something else, as long as no other exchange began: the 200
//! of some switches describes another stream than their 183.

use std::time::Duration;

use crate::units::PayloadType;

use super::attributes::Direction;
use super::audio_codec::AudioCodec;
use super::description::{ConnectionHost, Line, MediaDescription, Origin, SessionDescription};
use super::format::{Format, Numbers};
use super::local_audio::{CodecOrder, LocalAudio};
use super::negotiated::{Negotiated, NegotiationError, SendCodec};
use super::remote_audio::{RemoteAudio, RemoteFormat};

/// The descriptions of one call: what was offered, what was answered, what holds.
///
/// A call that forks has one for each early dialog: clone it when the offer is sent.
#[derive(Clone, Debug)]
pub struct Negotiation {
    local: LocalAudio,
    session_id: u64,
    session_version: u64,
    /// What we said last, to see whether the next differs (RFC 3264 section 8).
    last_sent: Option<SessionDescription>,
    numbers: Numbers,
    streams: Streams,
    state: State,
    agreed: Option<Negotiated>,
}

/// The `m=` lines of the session. None ever goes away or moves (RFC 3264 section 8).
#[derive(Clone, Debug, Default)]
struct Streams {
    /// Refused ones as they stand in our descriptions; `None` is the audio.
    lines: Vec<Option<MediaDescription>>,
}

#[derive(Clone, Debug)]
enum State {
    /// Nothing said yet, or an offer of the peer answered.
    Settled,
    /// Our offer waits for its answer.
    Offered(Offer),
    /// Our offer was answered; a further answer to it is taken too.
    Answered(Offer),
}

/// What an answer is measured against.
#[derive(Clone, Debug)]
struct Offer {
    local: LocalAudio,
    formats: Vec<(PayloadType, Format)>,
}

impl Negotiation {
    /// A call without any description yet. `session_id` should differ from that of every other call
    /// (RFC 8866 section 5.2); below 2⁶² it is understood by everybody.
    #[must_use]
    pub fn new(session_id: u64, local: LocalAudio) -> Negotiation {
        Negotiation {
            local,
            session_id,
            session_version: 0,
            last_sent: None,
            numbers: Numbers::default(),
            streams: Streams::default(),
            state: State::Settled,
            agreed: None,
        }
    }

    /// What this side wants.
    #[must_use]
    pub const fn local(&self) -> &LocalAudio {
        &self.local
    }

    /// Changes what this side wants, from the next offer or answer on: another address, other
    /// codecs.
    pub fn set_local(&mut self, local: LocalAudio) {
        self.local = local;
    }

    /// Holds ([`Direction::SendOnly`], [`Direction::Inactive`]) or resumes ([`Direction::SendRecv`])
    /// from the next offer or answer on.
    pub const fn set_direction(&mut self, direction: Direction) {
        self.local.direction = direction;
    }

    /// What holds since the last exchange.
    #[must_use]
    pub const fn agreed(&self) -> Option<&Negotiated> {
        self.agreed.as_ref()
    }

    /// Whether an offer of ours is unanswered.
    #[must_use]
    pub const fn is_offer_outstanding(&self) -> bool {
        matches!(self.state, State::Offered(_))
    }

    /// The next offer. Called again before the answer, it replaces the outstanding one.
    pub fn offer(&mut self) -> SessionDescription {
        let local = self.local.clone();
        let formats = self.formats_to_offer(&local);
        if !self.streams.lines.contains(&None) {
            self.streams.lines.push(None);
        }
        let audio = audio_description(&local, "RTP/AVP", &formats, local.direction, local.rtcp_mux);
        self.state = State::Offered(Offer { local, formats });
        self.describe(&audio, "0 0")
    }

    /// Forgets an offer that was refused (488, 491) or never answered: what was agreed before
    /// holds. What this side wants stays as it was set.
    pub fn withdraw_offer(&mut self) {
        if self.is_offer_outstanding() {
            self.state = State::Settled;
        }
    }

    /// Answers an offer. On an error nothing has changed, and the offer is to be refused.
    ///
    /// # Errors
    /// When no stream can come of it; see [`NegotiationError`] for what to do about each.
    pub fn handle_offer(
        &mut self,
        offer: &SessionDescription,
    ) -> Result<(SessionDescription, Negotiated), NegotiationError> {
        if self.is_offer_outstanding() {
            return Err(NegotiationError::OfferOutstanding);
        }
        let (index, remote) = self.choose_stream(offer)?;
        let local = self.local.clone();
        let accepted = accepted_formats(&local, &remote);
        // A failed allocation (all numbers taken) leaves a format out.
        let formats: Vec<(PayloadType, RemoteFormat)> = accepted
            .into_iter()
            .filter_map(|theirs| {
                let number =
                    self.numbers
                        .for_answer(theirs.format, theirs.number, &remote.numbers)?;
                Some((number, theirs))
            })
            .collect();
        let direction = local.direction.and(remote.direction.reversed());
        let rtcp_mux = local.rtcp_mux && remote.rtcp_mux;
        let said: Vec<_> = formats
            .iter()
            .map(|(number, f)| (*number, f.format))
            .collect();
        let theirs: Vec<_> = formats.iter().map(|(_, f)| *f).collect();
        let negotiated = self.conclude(&local, &remote, direction, rtcp_mux, &said, &theirs)?;

        let protocol = offer
            .media
            .get(index)
            .map_or("RTP/AVP", MediaDescription::protocol);
        let audio = audio_description(&local, protocol, &said, direction, rtcp_mux);
        self.streams.lines = offer
            .media
            .iter()
            .enumerate()
            .map(|(at, media)| (at != index).then(|| media.rejection()))
            .collect();
        self.state = State::Settled;
        self.agreed = Some(negotiated.clone());
        let answer = self.describe(&audio, answer_timing(offer));
        Ok((answer, negotiated))
    }

    /// Takes the answer to our offer. On an error the offer stays outstanding.
    ///
    /// # Errors
    /// When no stream can come of it; see [`NegotiationError`] for what to do about each.
    pub fn handle_answer(
        &mut self,
        answer: &SessionDescription,
    ) -> Result<Negotiated, NegotiationError> {
        let offer = match &self.state {
            State::Offered(offer) | State::Answered(offer) => offer.clone(),
            State::Settled => return Err(NegotiationError::NoOfferOutstanding),
        };
        let media = self
            .answered_stream(answer)
            .ok_or(NegotiationError::AudioRejected)?;
        let local = &offer.local;
        let remote =
            RemoteAudio::read(answer, media, local.address).map_err(|error| match error {
                NegotiationError::NoAudio => NegotiationError::AudioRejected,
                other => other,
            })?;
        let offered = |format: Format| offer.formats.iter().any(|(_, f)| *f == format);
        let theirs: Vec<RemoteFormat> = remote
            .formats
            .iter()
            .filter(|f| offered(f.format))
            .copied()
            .collect();
        let direction = local.direction.and(remote.direction.reversed());
        let rtcp_mux = local.rtcp_mux && remote.rtcp_mux;
        let negotiated =
            self.conclude(local, &remote, direction, rtcp_mux, &offer.formats, &theirs)?;
        self.agreed = Some(negotiated.clone());
        self.state = State::Answered(offer);
        Ok(negotiated)
    }

    /// The formats of an offer: codecs in their order, events of every clock rate among them.
    fn formats_to_offer(&mut self, local: &LocalAudio) -> Vec<(PayloadType, Format)> {
        let mut formats: Vec<Format> = Vec::new();
        for codec in &local.codecs {
            let format = Format::Audio(*codec);
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        let clocks = |clock_hz: u32| {
            local
                .codecs
                .iter()
                .any(|codec| codec.clock_rate().hz() == clock_hz)
        };
        if local.comfort_noise && clocks(8_000) {
            formats.push(Format::ComfortNoise);
        }
        if local.telephone_event {
            let events = [8_000, 48_000]
                .into_iter()
                .filter(|clock_hz| clocks(*clock_hz));
            formats.extend(events.map(|clock_hz| Format::TelephoneEvent { clock_hz }));
        }
        formats
            .into_iter()
            .filter_map(|format| Some((self.numbers.for_offer(format)?, format)))
            .collect()
    }

    /// The stream of an offer that we take: the one that is the audio so far, else the first that
    /// can be taken.
    fn choose_stream(
        &self,
        offer: &SessionDescription,
    ) -> Result<(usize, RemoteAudio), NegotiationError> {
        let current = self.streams.audio_index();
        let order = current
            .into_iter()
            .chain((0..offer.media.len()).filter(|i| Some(*i) != current));
        let mut first_error = None;
        for index in order {
            let Some(media) = offer.media.get(index) else {
                continue;
            };
            let remote = RemoteAudio::read(offer, media, self.local.address).and_then(|remote| {
                let speaks = |codec: AudioCodec| self.local.codecs.contains(&codec);
                if remote
                    .formats
                    .iter()
                    .filter_map(|f| f.format.codec())
                    .any(speaks)
                {
                    Ok(remote)
                } else {
                    Err(NegotiationError::NoCommonCodec {
                        offered: remote.names,
                    })
                }
            });
            match remote {
                Ok(remote) => return Ok((index, remote)),
                // That a stream is no audio says nothing where another one is.
                Err(NegotiationError::NoAudio) => {}
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or(NegotiationError::NoAudio))
    }

    /// The stream of an answer that answers our audio: the one in its place, else any audio.
    fn answered_stream<'a>(&self, answer: &'a SessionDescription) -> Option<&'a MediaDescription> {
        let in_place = self
            .streams
            .audio_index()
            .and_then(|index| answer.media.get(index));
        in_place
            .filter(|media| media.is_audio())
            .or_else(|| answer.media.iter().find(|media| media.is_audio()))
    }

    /// Joins what we said (`said`, under our numbers) with what the peer takes (`theirs`, under its
    /// numbers, best first).
    fn conclude(
        &self,
        local: &LocalAudio,
        remote: &RemoteAudio,
        direction: Direction,
        rtcp_mux: bool,
        said: &[(PayloadType, Format)],
        theirs: &[RemoteFormat],
    ) -> Result<Negotiated, NegotiationError> {
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
        let earlier = self.numbers.iter().filter(|(_, format)| agreed(*format));
        let own = theirs
            .iter()
            .map(|f| (f.number, f.format))
            .filter(|(number, _)| self.numbers.meaning(*number).is_none());
        let mut recv: Vec<(PayloadType, AudioCodec)> = Vec::new();
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
                Format::Audio(_) | Format::TelephoneEvent { .. } | Format::ComfortNoise => {}
            }
        }

        let events: Vec<(PayloadType, u32)> = theirs
            .iter()
            .filter_map(|f| Some((f.number, f.format.event_clock()?)))
            .collect();
        let clock_hz = codec.clock_rate().hz();
        let send_dtmf = events
            .iter()
            .find(|(_, clock)| *clock == clock_hz)
            .or(events.first())
            .copied();
        let noise = |formats: &[(PayloadType, Format)]| {
            formats
                .iter()
                .find(|(_, f)| *f == Format::ComfortNoise)
                .map(|(number, _)| *number)
        };
        let their_noise = theirs
            .iter()
            .find(|f| f.format == Format::ComfortNoise)
            .map(|f| f.number);
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
                opus: first.opus,
            },
            recv,
            send_dtmf,
            recv_dtmf,
            comfort_noise: noise(said).filter(|number| their_noise == Some(*number)),
        })
    }

    /// The description around our audio stream; its version grows when it says something new.
    fn describe(&mut self, audio: &MediaDescription, timing: &str) -> SessionDescription {
        let mut origin = Origin {
            username: "-".to_owned(),
            session_id: self.session_id,
            session_version: self.session_version,
            host: ConnectionHost::Ip(self.local.address),
        };
        let mut description = SessionDescription::new(&origin, self.local.address, timing);
        description.media = self
            .streams
            .lines
            .iter()
            .map(|refused| refused.clone().unwrap_or_else(|| audio.clone()))
            .collect();
        if self.last_sent.as_ref() != Some(&description) {
            self.session_version += 1;
            origin.session_version = self.session_version;
            description.set_origin(&origin);
            self.last_sent = Some(description.clone());
        }
        description
    }
}

impl Streams {
    fn audio_index(&self) -> Option<usize> {
        self.lines.iter().position(Option::is_none)
    }
}

/// The formats of an offer that we take, in the order of the answer.
fn accepted_formats(local: &LocalAudio, remote: &RemoteAudio) -> Vec<RemoteFormat> {
    let place = |codec: AudioCodec| local.codecs.iter().position(|ours| *ours == codec);
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
            .any(|codec| codec.clock_rate().hz() == clock_hz && place(codec).is_some())
    };
    if local.comfort_noise && clocked(8_000) {
        accepted.extend(
            remote
                .formats
                .iter()
                .filter(|f| f.format == Format::ComfortNoise),
        );
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
fn send_ptime(codec: AudioCodec, ours: Duration, remote: &RemoteAudio) -> Duration {
    let wish = remote.ptime.unwrap_or(ours);
    let bound = remote.max_ptime.unwrap_or(Duration::MAX);
    let millis = wish.min(bound).as_millis().clamp(10, 60) as u64;
    let millis = match codec {
        // RFC 6716 section 2.1.4 has frames of 10, 20, 40 and 60 ms.
        AudioCodec::Opus if millis >= 60 => 60,
        AudioCodec::Opus if millis >= 40 => 40,
        AudioCodec::Opus if millis >= 20 => 20,
        AudioCodec::Opus => 10,
        AudioCodec::G722 | AudioCodec::Pcma | AudioCodec::Pcmu => millis / 10 * 10,
    };
    Duration::from_millis(millis)
}

/// `t=` of an answer is that of the offer (RFC 3264 section 6), if it is one.
fn answer_timing(offer: &SessionDescription) -> &str {
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    offer
        .timing()
        .filter(|timing| {
            timing.len() <= 64 && timing.split(' ').count() == 2 && timing.split(' ').all(is_number)
        })
        .unwrap_or("0 0")
}

/// Our `m=audio` and its attributes.
fn audio_description(
    local: &LocalAudio,
    protocol: &str,
    formats: &[(PayloadType, Format)],
    direction: Direction,
    rtcp_mux: bool,
) -> MediaDescription {
    let numbers: Vec<String> = formats
        .iter()
        .map(|(number, _)| number.number().to_string())
        .collect();
    let mut media = MediaDescription::new("audio", local.rtp_port, protocol, &numbers);
    let mut attribute = |name: &str, value: Option<String>| {
        media
            .lines
            .push(Line::attribute_line(name, value.as_deref()));
    };
    for (number, format) in formats {
        let number = number.number();
        attribute("rtpmap", Some(format!("{number} {}", format.rtpmap())));
        match format {
            Format::Audio(AudioCodec::Opus) => {
                attribute("fmtp", Some(format!("{number} {}", local.opus.write())));
            }
            // All that a phone has keys for (RFC 4733 section 2.4.1).
            Format::TelephoneEvent { .. } => attribute("fmtp", Some(format!("{number} 0-15"))),
            Format::Audio(_) | Format::ComfortNoise => {}
        }
    }
    attribute("ptime", Some(local.ptime.as_millis().to_string()));
    if let Some(longest) = local.max_ptime {
        attribute("maxptime", Some(longest.as_millis().to_string()));
    }
    attribute(direction.as_str(), None);
    if let Some(port) = local.rtcp_port {
        attribute("rtcp", Some(port.to_string()));
    }
    if rtcp_mux {
        attribute("rtcp-mux", None);
    }
    media
}
