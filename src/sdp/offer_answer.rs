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

use crate::units::PayloadType;

use super::attributes::{Direction, RtcpXr};
use super::crypto::Encryption;
use super::description::{ConnectionHost, Line, MediaDescription, Origin, SessionDescription};
use super::exchange::{Exchange, accepted_formats};
use super::format::{Format, Numbers};
use super::local_audio::{LocalAudio, Profile};
use super::negotiated::{Negotiated, NegotiationError, Offered};
use super::protection;
use super::remote_audio::{RemoteAudio, RemoteFormat};
use crate::codec::CodecKind;

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
    /// The protocol of the `m=` line under which the last exchange came to be.
    profile: Option<String>,
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
    profile: String,
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
            profile: None,
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

    /// What may come in answer to our offer before any answer is read (RFC 3264 section 5.1), by
    /// our numbers: codecs, telephone events with their clock rates in Hz, comfort noise, and
    /// packets that carry earlier ones again with theirs. Empty when nothing was offered.
    #[must_use]
    pub fn offered(&self) -> Offered {
        let mut offered = Offered::default();
        let State::Offered(offer) = &self.state else {
            return offered;
        };
        offered.protected = protection::offered_lines(&offer.local).next().is_some();
        for (number, format) in &offer.formats {
            match format {
                Format::Audio(codec) => offered.codecs.push((*number, *codec)),
                Format::TelephoneEvent { clock_hz } => offered.dtmf.push((*number, *clock_hz)),
                Format::ComfortNoise => offered.comfort_noise = Some(*number),
                Format::Redundancy { clock_hz } => offered.redundancy.push((*number, *clock_hz)),
            }
        }
        offered
    }

    /// The next offer. Called again before the answer, it replaces the outstanding one.
    pub fn offer(&mut self) -> SessionDescription {
        let local = self.local.clone();
        let formats = self.formats_to_offer(&local);
        if !self.streams.lines.contains(&None) {
            self.streams.lines.push(None);
        }
        let profile = self.profile_to_offer(&local);
        let mut audio = audio_description(
            &local,
            &profile,
            &formats,
            local.direction,
            Rtcp {
                mux: local.rtcp_mux,
                extended: local.extended_reports,
            },
        );
        for line in protection::offered_lines(&local) {
            let line = Line::attribute_line("crypto", Some(&line));
            audio.lines.push(line);
        }
        self.state = State::Offered(Offer {
            local,
            formats,
            profile,
        });
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
        // An answer has the room, and there are phones that resume only when they are told so.
        let local = LocalAudio {
            terse: false,
            ..self.local.clone()
        };
        let mut numbers = self.numbers.clone();
        // When all numbers are taken the format is left out.
        let formats: Vec<(PayloadType, RemoteFormat)> = accepted_formats(&local, &remote)
            .into_iter()
            .filter_map(|theirs| {
                let number = numbers.for_answer(theirs.format, theirs.number, &remote.numbers)?;
                Some((number, theirs))
            })
            .collect();
        let said: Vec<_> = formats
            .iter()
            .map(|(number, f)| (*number, f.format))
            .collect();
        let theirs: Vec<_> = formats.iter().map(|(_, f)| *f).collect();
        let exchange = Exchange {
            local: &local,
            remote: &remote,
            numbers: &numbers,
            said: &said,
            theirs: &theirs,
        };
        let mut negotiated = exchange.conclude()?;
        let protected = protection::answer(&local, &remote)?;

        let protocol = offer
            .media
            .get(index)
            .map_or("RTP/AVP", MediaDescription::protocol);
        let mut audio = audio_description(
            &local,
            protocol,
            &said,
            negotiated.direction,
            Rtcp {
                mux: negotiated.rtcp_mux,
                extended: local.extended_reports.answer(remote.extended_reports),
            },
        );
        if let Some((line, sdes)) = protected {
            let line = Line::attribute_line("crypto", Some(&line));
            audio.lines.push(line);
            negotiated.srtp = Some(sdes);
        }
        self.profile = Some(protocol.to_owned());
        self.numbers = numbers;
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
            RemoteAudio::read(answer, media, local.address, local.encryption).map_err(|error| {
                match error {
                    NegotiationError::NoAudio => NegotiationError::AudioRejected,
                    other => other,
                }
            })?;
        let offered = |format: Format| offer.formats.iter().any(|(_, f)| *f == format);
        let theirs: Vec<RemoteFormat> = remote
            .formats
            .iter()
            .filter(|f| offered(f.format))
            .copied()
            .collect();
        let exchange = Exchange {
            local,
            remote: &remote,
            numbers: &self.numbers,
            said: &offer.formats,
            theirs: &theirs,
        };
        let mut negotiated = exchange.conclude()?;
        negotiated.srtp = protection::answered(local, &remote)?;
        self.agreed = Some(negotiated.clone());
        self.profile = Some(offer.profile.clone());
        self.state = State::Answered(offer);
        Ok(negotiated)
    }

    /// The protocol of an offer: what is protected goes on under the one that it came to be under.
    fn profile_to_offer(&self, local: &LocalAudio) -> String {
        let protected = self.agreed.as_ref().is_some_and(|it| it.srtp.is_some());
        let so_far = self.profile.as_ref().filter(|profile| {
            protected && (local.encryption == Encryption::Optional || is_secure(profile))
        });
        let usual = match (local.encryption, local.profile) {
            (Encryption::Off, _) | (Encryption::Optional, Profile::Usual) => "RTP/AVP",
            (_, Profile::SecureFeedback) => "RTP/SAVPF",
            (Encryption::Optional, Profile::Secure) | (Encryption::Required, _) => "RTP/SAVP",
        };
        let off = local.encryption == Encryption::Off;
        let so_far = so_far.filter(|_| !off);
        so_far.map_or(usual, String::as_str).to_owned()
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
                .any(|codec| codec.rtp_clock().hz() == clock_hz)
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
        let opus = local.codecs.contains(&CodecKind::Opus);
        if local.redundancy && opus {
            formats.push(Format::Redundancy { clock_hz: 48_000 });
        }
        // Without Opus the offer has room for it.
        if local.redundancy && clocks(8_000) && (local.resend || !opus) {
            formats.push(Format::Redundancy { clock_hz: 8_000 });
        }
        formats
            .into_iter()
            .filter_map(|format| Some((self.numbers.for_offer(format)?, format)))
            .collect()
    }

    /// The stream of an offer that we take: the one that is the audio so far, else the first that
    /// can be taken, and of the same sound in clear and protected the protected one.
    fn choose_stream(
        &self,
        offer: &SessionDescription,
    ) -> Result<(usize, RemoteAudio), NegotiationError> {
        let current = self.streams.audio_index();
        let order = current
            .into_iter()
            .chain((0..offer.media.len()).filter(|i| Some(*i) != current));
        let mut first_error = None;
        let mut in_clear = None;
        for index in order {
            let Some(media) = offer.media.get(index) else {
                continue;
            };
            let local = &self.local;
            let read = RemoteAudio::read(offer, media, local.address, local.encryption);
            let remote = read.and_then(|remote| {
                let protected = protection::answer(local, &remote)?.is_some();
                let speaks = |codec: CodecKind| self.local.codecs.contains(&codec);
                if remote
                    .formats
                    .iter()
                    .filter_map(|f| f.format.codec())
                    .any(speaks)
                {
                    Ok((remote, protected))
                } else {
                    Err(NegotiationError::NoCommonCodec {
                        offered: remote.names,
                    })
                }
            });
            match remote {
                Ok((remote, protected)) if protected || Some(index) == current => {
                    return Ok((index, remote));
                }
                Ok((remote, _)) => in_clear = in_clear.or(Some((index, remote))),
                // That a stream is no audio says nothing where another one is.
                Err(NegotiationError::NoAudio) => {}
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        in_clear.ok_or_else(|| first_error.unwrap_or(NegotiationError::NoAudio))
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

fn is_secure(profile: &str) -> bool {
    profile.to_ascii_uppercase().starts_with("RTP/SAVP")
}

/// What a description says of RTCP.
#[derive(Clone, Copy, Debug)]
struct Rtcp {
    mux: bool,
    extended: RtcpXr,
}

/// Our `m=audio` and its attributes.
fn audio_description(
    local: &LocalAudio,
    protocol: &str,
    formats: &[(PayloadType, Format)],
    direction: Direction,
    rtcp: Rtcp,
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
        let usual = format.codec().and_then(CodecKind::static_payload_type);
        let known = local.terse && usual == Some(*number);
        let number = number.number();
        if !known {
            attribute("rtpmap", Some(format!("{number} {}", format.rtpmap())));
        }
        match format {
            Format::Audio(CodecKind::Opus) => {
                attribute("fmtp", Some(format!("{number} {}", local.opus.write())));
            }
            // All that a phone has keys for (RFC 4733 section 2.4.1).
            Format::TelephoneEvent { .. } => attribute("fmtp", Some(format!("{number} 0-15"))),
            // The same behind the same (RFC 2198 section 5). Behind Opus, which has its own, G.711
            // is what a trunk answers.
            Format::Redundancy { clock_hz } => {
                let clocked = |format: Format| {
                    let codec = format.codec();
                    codec.is_some_and(|codec| codec.rtp_clock().hz() == *clock_hz)
                };
                let g711 = |format: Format| {
                    matches!(format.codec(), Some(CodecKind::Pcma | CodecKind::Pcmu))
                };
                let first = formats.first().filter(|(_, format)| clocked(*format));
                let carried = first
                    .or_else(|| formats.iter().find(|(_, f)| clocked(*f) && g711(*f)))
                    .or_else(|| formats.iter().find(|(_, f)| clocked(*f)));
                if let Some((carried, _)) = carried {
                    let carried = carried.number();
                    attribute("fmtp", Some(format!("{number} {carried}/{carried}")));
                }
            }
            Format::Audio(_) | Format::ComfortNoise => {}
        }
    }
    attribute("ptime", Some(local.ptime.as_millis().to_string()));
    if let Some(longest) = local.max_ptime {
        attribute("maxptime", Some(longest.as_millis().to_string()));
    }
    if !local.terse || direction != Direction::SendRecv {
        attribute(direction.as_str(), None);
    }
    if let Some(port) = local.rtcp_port {
        attribute("rtcp", Some(port.to_string()));
    }
    if rtcp.mux {
        attribute("rtcp-mux", None);
    }
    if let Some(wanted) = rtcp.extended.write() {
        attribute("rtcp-xr", Some(wanted));
    }
    media
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::sdp::{CodecOrder, OpusParameters, parse};

    fn phone(port: u16) -> Negotiation {
        Negotiation::new(7, LocalAudio::new("192.0.2.1".parse().unwrap(), port))
    }

    fn phone_with(change: impl FnOnce(&mut LocalAudio)) -> Negotiation {
        let mut phone = phone(4_000);
        change(&mut phone.local);
        phone
    }

    fn read(text: &str) -> SessionDescription {
        parse(text.as_bytes()).unwrap().description
    }

    /// A description of the peer at 192.0.2.2 with these lines from `m=` on.
    fn peer(media: &str) -> SessionDescription {
        read(&format!(
            "v=0\no=- 1 1 IN IP4 192.0.2.2\ns=-\nc=IN IP4 192.0.2.2\nt=0 0\n{media}"
        ))
    }

    fn number(n: u8) -> PayloadType {
        PayloadType::new(n).unwrap()
    }

    fn version(description: &SessionDescription) -> u64 {
        description.origin().unwrap().session_version
    }

    #[test]
    fn the_first_offer_says_everything() {
        assert_eq!(
            phone(4_000).offer().to_string(),
            "v=0\r\n\
             o=- 7 1 IN IP4 192.0.2.1\r\n\
             s=-\r\n\
             c=IN IP4 192.0.2.1\r\n\
             t=0 0\r\n\
             m=audio 4000 RTP/AVP 96 9 8 0 101 102\r\n\
             a=rtpmap:96 opus/48000/2\r\n\
             a=fmtp:96 useinbandfec=1\r\n\
             a=rtpmap:9 G722/8000\r\n\
             a=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:0 PCMU/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\n\
             a=fmtp:101 0-15\r\n\
             a=rtpmap:102 telephone-event/48000\r\n\
             a=fmtp:102 0-15\r\n\
             a=ptime:20\r\n\
             a=sendrecv\r\n\
             a=rtcp-mux\r\n\
             a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n"
        );
    }

    #[test]
    fn what_is_switched_off_is_not_offered() {
        let mut phone = phone_with(|local| {
            local.codecs = vec![CodecKind::Pcmu, CodecKind::Pcmu];
            local.address = "2001:db8::1".parse().unwrap();
            local.telephone_event = false;
            local.rtcp_mux = false;
            local.extended_reports = RtcpXr::default();
            local.comfort_noise = true;
            local.rtcp_port = Some(4_011);
            local.max_ptime = Some(Duration::from_millis(60));
        });
        assert_eq!(
            phone.offer().to_string(),
            "v=0\r\n\
             o=- 7 1 IN IP6 2001:db8::1\r\n\
             s=-\r\n\
             c=IN IP6 2001:db8::1\r\n\
             t=0 0\r\n\
             m=audio 4000 RTP/AVP 0 13\r\n\
             a=rtpmap:0 PCMU/8000\r\n\
             a=rtpmap:13 CN/8000\r\n\
             a=ptime:20\r\n\
             a=maxptime:60\r\n\
             a=sendrecv\r\n\
             a=rtcp:4011\r\n"
        );
    }

    #[test]
    fn two_of_us_agree_on_the_best() {
        let (mut caller, mut callee) = (phone(4_000), phone(5_000));
        let (answer, theirs) = callee.handle_offer(&caller.offer()).unwrap();
        let ours = caller.handle_answer(&answer).unwrap();
        assert_eq!(ours.remote_rtp, "192.0.2.1:5000".parse().unwrap());
        assert_eq!(theirs.remote_rtp, "192.0.2.1:4000".parse().unwrap());
        assert_eq!(ours.remote_rtcp, ours.remote_rtp);
        assert!(ours.rtcp_mux && theirs.rtcp_mux);
        for agreed in [&ours, &theirs] {
            assert_eq!(agreed.send.codec, CodecKind::Opus);
            assert_eq!(agreed.send.payload_type, number(96));
            assert!(agreed.send.opus.inband_fec);
            assert_eq!(agreed.direction, Direction::SendRecv);
            assert_eq!(agreed.send_dtmf, Some((number(102), 48_000)));
            assert_eq!(
                agreed.recv_dtmf,
                [(number(101), 8_000), (number(102), 48_000)]
            );
            assert_eq!(
                agreed.recv,
                [
                    (number(96), CodecKind::Opus),
                    (number(9), CodecKind::G722),
                    (number(8), CodecKind::Pcma),
                    (number(0), CodecKind::Pcmu),
                ]
            );
        }
    }

    #[test]
    fn the_order_of_codecs_is_ours_or_theirs() {
        let offer = peer("m=audio 6000 RTP/AVP 0 8 9 101\na=rtpmap:101 telephone-event/8000\n");
        let check = |order, expected| {
            let mut phone = phone_with(|local| local.codec_order = order);
            let (answer, agreed) = phone.handle_offer(&offer).unwrap();
            assert_eq!(answer.media[0].line.value(), expected);
            assert_eq!(agreed.send.payload_type, agreed.recv[0].0);
        };
        check(CodecOrder::Ours, "audio 4000 RTP/AVP 9 8 0 101");
        check(CodecOrder::Offered, "audio 4000 RTP/AVP 0 8 9 101");
    }

    #[test]
    fn numbers_may_differ_in_both_directions_and_stay() {
        let mut caller = phone(4_000);
        let _ = caller.offer();
        let answer = peer(
            "m=audio 6000 RTP/AVP 120 121\na=rtpmap:120 opus/48000/2\n\
             a=rtpmap:121 telephone-event/48000\n",
        );
        let agreed = caller.handle_answer(&answer).unwrap();
        assert_eq!(agreed.send.payload_type, number(120));
        assert_eq!(agreed.send_dtmf, Some((number(121), 48_000)));
        assert_eq!(agreed.recv[0], (number(96), CodecKind::Opus));
        // Whoever sends under its own number is understood too.
        assert!(agreed.recv.contains(&(number(120), CodecKind::Opus)));

        // The peer re-offers and calls PCMA 96, which is Opus with us: PCMA gets its own number.
        let offer =
            peer("m=audio 6000 RTP/AVP 96 120\na=rtpmap:96 PCMA/8000\na=rtpmap:120 opus/48000/2\n");
        let (answer, agreed) = caller.handle_offer(&offer).unwrap();
        assert_eq!(answer.media[0].line.value(), "audio 4000 RTP/AVP 120 8");
        assert_eq!(agreed.send.payload_type, number(120));
        assert!(agreed.recv.contains(&(number(96), CodecKind::Opus)));
        assert!(agreed.recv.contains(&(number(8), CodecKind::Pcma)));
    }

    #[test]
    fn the_version_grows_with_changes_only() {
        let mut caller = phone(4_000);
        let first = caller.offer();
        assert_eq!(version(&first), 1);
        assert_eq!(caller.offer(), first);
        let answer = peer("m=audio 6000 RTP/AVP 8\n");
        caller.handle_answer(&answer).unwrap();
        assert_eq!(caller.offer(), first);
        caller.handle_answer(&answer).unwrap();

        caller.set_direction(Direction::SendOnly);
        let hold = caller.offer();
        assert_eq!(version(&hold), 2);
        assert_eq!(hold.media[0].direction(), Some(Direction::SendOnly));
        caller
            .handle_answer(&peer("m=audio 6000 RTP/AVP 8\na=recvonly\n"))
            .unwrap();

        caller.set_direction(Direction::SendRecv);
        assert_eq!(version(&caller.offer()), 3);
    }

    #[test]
    fn hold_and_resume_from_our_side() {
        let mut caller = phone(4_000);
        let _ = caller.offer();
        caller
            .handle_answer(&peer("m=audio 6000 RTP/AVP 8\n"))
            .unwrap();
        caller.set_direction(Direction::SendOnly);
        let _ = caller.offer();
        // An old peer answers `sendrecv` all the same.
        let held = caller
            .handle_answer(&peer("m=audio 6000 RTP/AVP 8\na=sendrecv\n"))
            .unwrap();
        assert_eq!(held.direction, Direction::SendOnly);
        assert!(!held.held_by_remote);
        // The peer holds too, then takes the call back; we still hold.
        let (answer, both) = caller
            .handle_offer(&peer("m=audio 6000 RTP/AVP 8\na=sendonly\n"))
            .unwrap();
        assert_eq!(both.direction, Direction::Inactive);
        assert!(both.held_by_remote);
        assert_eq!(answer.media[0].direction(), Some(Direction::Inactive));
        let (_, again) = caller
            .handle_offer(&peer("m=audio 6000 RTP/AVP 8\n"))
            .unwrap();
        assert_eq!(again.direction, Direction::SendOnly);
        caller.set_direction(Direction::SendRecv);
        let _ = caller.offer();
        let resumed = caller
            .handle_answer(&peer("m=audio 6000 RTP/AVP 8\n"))
            .unwrap();
        assert_eq!(resumed.direction, Direction::SendRecv);
    }

    #[test]
    fn a_refused_offer_leaves_what_was_agreed() {
        let mut caller = phone(4_000);
        let _ = caller.offer();
        let agreed = caller
            .handle_answer(&peer("m=audio 6000 RTP/AVP 8\n"))
            .unwrap();
        let _ = caller.offer();
        assert_eq!(
            caller
                .handle_offer(&peer("m=audio 6002 RTP/AVP 8\n"))
                .unwrap_err(),
            NegotiationError::OfferOutstanding
        );
        caller.withdraw_offer();
        assert_eq!(caller.agreed(), Some(&agreed));
        assert!(!caller.is_offer_outstanding());
        assert!(
            caller
                .handle_offer(&peer("m=audio 6002 RTP/AVP 8\n"))
                .is_ok()
        );
    }

    #[test]
    fn an_answer_may_come_again_and_differ() {
        let mut caller = phone(4_000);
        let answer = peer("m=audio 6000 RTP/AVP 8\n");
        assert_eq!(
            caller.handle_answer(&answer).unwrap_err(),
            NegotiationError::NoOfferOutstanding
        );
        let _ = caller.offer();
        caller.handle_answer(&answer).unwrap();
        // The 200 describes another server than the 183.
        let second = caller
            .handle_answer(&peer("m=audio 6100 RTP/AVP 0\n"))
            .unwrap();
        assert_eq!(second.remote_rtp, "192.0.2.2:6100".parse().unwrap());
        assert_eq!(second.send.codec, CodecKind::Pcmu);
        // Once the peer has offered something else, old answers are over.
        caller.handle_offer(&answer).unwrap();
        assert_eq!(
            caller.handle_answer(&answer).unwrap_err(),
            NegotiationError::NoOfferOutstanding
        );
    }

    #[test]
    fn forks_are_answered_each_by_itself() {
        let mut first = phone(4_000);
        let _ = first.offer();
        let mut second = first.clone();
        first
            .handle_answer(&peer("m=audio 6000 RTP/AVP 8\n"))
            .unwrap();
        second
            .handle_answer(&peer("m=audio 6100 RTP/AVP 0\n"))
            .unwrap();
        let codec = |n: &Negotiation| n.agreed().map(|agreed| agreed.send.codec);
        assert_eq!(codec(&first), Some(CodecKind::Pcma));
        assert_eq!(codec(&second), Some(CodecKind::Pcmu));
    }

    #[test]
    fn a_refused_stream_is_an_error_and_a_later_answer_still_counts() {
        let mut caller = phone(4_000);
        let _ = caller.offer();
        for answer in [
            "m=audio 0 RTP/AVP 8\n",
            "m=video 6000 RTP/AVP 31\n",
            "m=audio x RTP/AVP 8\n",
            "",
        ] {
            assert_eq!(
                caller.handle_answer(&peer(answer)).unwrap_err(),
                NegotiationError::AudioRejected,
                "{answer}"
            );
        }
        assert_eq!(
            caller
                .handle_answer(&peer("m=audio 6000 RTP/AVP 18\n"))
                .unwrap_err(),
            NegotiationError::NoCommonCodec {
                offered: vec!["18".to_owned()]
            }
        );
        assert!(
            caller
                .handle_answer(&peer("m=audio 6000 RTP/AVP 8\n"))
                .is_ok()
        );
    }

    #[test]
    fn an_answer_with_what_was_not_offered_does_not_count() {
        let mut caller = phone_with(|local| local.codecs = vec![CodecKind::Pcma]);
        let _ = caller.offer();
        let agreed = caller
            .handle_answer(&peer(
                "m=audio 6000 RTP/AVP 0 8 101 13\na=rtpmap:101 telephone-event/48000\n",
            ))
            .unwrap();
        assert_eq!(agreed.send.codec, CodecKind::Pcma);
        assert_eq!(agreed.send_dtmf, None);
        assert_eq!(agreed.comfort_noise, None);
    }

    #[test]
    fn digits_follow_the_clock_of_what_is_sent() {
        let events = "a=rtpmap:101 telephone-event/8000\na=rtpmap:102 telephone-event/48000\n";
        let check = |media: String, send, recv: &[(PayloadType, u32)]| {
            let (_, agreed) = phone(4_000).handle_offer(&peer(&media)).unwrap();
            assert_eq!(
                (agreed.send_dtmf, agreed.recv_dtmf.as_slice()),
                (send, recv),
                "{media}"
            );
        };
        let both = [(number(101), 8_000), (number(102), 48_000)];
        check(
            format!("m=audio 6000 RTP/AVP 96 8 101 102\na=rtpmap:96 opus/48000/2\n{events}"),
            Some(both[1]),
            &both,
        );
        // Without Opus the events at 48 kHz serve nobody.
        check(
            format!("m=audio 6000 RTP/AVP 8 102 101\n{events}"),
            Some(both[0]),
            &both[..1],
        );
        // Opus with events at 8 kHz only: better than none.
        check(
            format!("m=audio 6000 RTP/AVP 96 101\na=rtpmap:96 opus/48000/2\n{events}"),
            Some(both[0]),
            &both[..1],
        );
        check("m=audio 6000 RTP/AVP 8\n".to_owned(), None, &[]);
    }

    #[test]
    fn packet_lengths_follow_the_peer_within_what_the_codec_can() {
        let check = |attributes: &str, opus: u64, pcma: u64| {
            let lines = format!("a=rtpmap:96 opus/48000/2\n{attributes}");
            for (formats, expected) in [("96", opus), ("8", pcma)] {
                let offer = peer(&format!("m=audio 6000 RTP/AVP {formats}\n{lines}"));
                let (_, agreed) = phone(4_000).handle_offer(&offer).unwrap();
                assert_eq!(
                    agreed.send.ptime,
                    Duration::from_millis(expected),
                    "{attributes}"
                );
            }
        };
        check("", 20, 20);
        check("a=ptime:30\n", 20, 30);
        check("a=ptime:40\na=maxptime:20\n", 20, 20);
        check("a=maxptime:10\n", 10, 10);
        check("a=maxptime:240\n", 20, 20);
        check("a=ptime:50\n", 40, 50);
        check("a=ptime:60\n", 60, 60);
        check("a=ptime:4000000000\n", 60, 60);
        check("a=ptime:1\na=maxptime:1\n", 10, 10);
        check("a=ptime:25.5\n", 20, 20);
    }

    #[test]
    fn what_the_peer_says_of_its_opus_decoder_arrives() {
        let offer = peer(
            "m=audio 6000 RTP/AVP 8 111\na=rtpmap:111 opus/48000/2\n\
             a=fmtp:111 maxplaybackrate=16000;maxaveragebitrate=24000;useinbandfec=1;usedtx=1;stereo=1\n",
        );
        let (_, agreed) = phone(4_000).handle_offer(&offer).unwrap();
        assert_eq!(
            agreed.send.opus,
            OpusParameters {
                max_playback_rate: crate::units::SampleRate::WIDE,
                max_average_bitrate: Some(24_000),
                inband_fec: true,
                dtx: true,
                stereo: true,
                cbr: false,
            }
        );
    }

    #[test]
    fn rtcp_goes_where_the_peer_says() {
        let check = |attributes: &str, mux: bool, rtcp: &str| {
            let offer = peer(&format!("m=audio 6000 RTP/AVP 8\n{attributes}"));
            let (answer, agreed) = phone(4_000).handle_offer(&offer).unwrap();
            assert_eq!(agreed.rtcp_mux, mux);
            assert_eq!(answer.media[0].rtcp_mux(), mux);
            assert_eq!(agreed.remote_rtcp, rtcp.parse().unwrap(), "{attributes}");
        };
        check("", false, "192.0.2.2:6001");
        check("a=rtcp:6007\n", false, "192.0.2.2:6007");
        check("a=rtcp:6007 IN IP4 192.0.2.9\n", false, "192.0.2.9:6007");
        check("a=rtcp:6007 IN IP4 224.0.0.1\n", false, "192.0.2.2:6007");
        check("a=rtcp:6007\na=rtcp-mux\n", true, "192.0.2.2:6000");
        let offer = peer("m=audio 6000 RTP/AVP 8\na=rtcp-mux\n");
        let mut apart = phone_with(|local| local.rtcp_mux = false);
        assert!(!apart.handle_offer(&offer).unwrap().1.rtcp_mux);
        let last = peer("m=audio 65535 RTP/AVP 8\n");
        assert!(phone(4_000).handle_offer(&last).is_ok());
    }

    #[test]
    fn comfort_noise_is_agreed_where_both_want_it() {
        let offer = peer("m=audio 6000 RTP/AVP 8 13\n");
        let mut with = phone_with(|local| local.comfort_noise = true);
        let (answer, agreed) = with.handle_offer(&offer).unwrap();
        assert_eq!(answer.media[0].line.value(), "audio 4000 RTP/AVP 8 13");
        assert_eq!(agreed.comfort_noise, Some(number(13)));
        let (answer, agreed) = phone(4_000).handle_offer(&offer).unwrap();
        assert_eq!(answer.media[0].line.value(), "audio 4000 RTP/AVP 8");
        assert_eq!(agreed.comfort_noise, None);
        // Offered by us, and answered or not.
        let _ = with.offer();
        let silent = peer("m=audio 6000 RTP/AVP 8\n");
        assert_eq!(with.handle_answer(&silent).unwrap().comfort_noise, None);
        assert_eq!(
            with.handle_answer(&offer).unwrap().comfort_noise,
            Some(number(13))
        );
    }

    #[test]
    fn packets_that_carry_others_again_need_both_sides_and_opus() {
        let with = || phone_with(|local| local.redundancy = true);
        let offer = with().offer();
        let text = offer.to_string();
        assert!(text.contains("RTP/AVP 96 9 8 0 101 102 63\r\n"), "{text}");
        assert!(text.contains("a=rtpmap:63 red/48000/2\r\n"), "{text}");
        assert!(text.contains("a=fmtp:63 96/96\r\n"), "{text}");
        let (mut caller, mut callee) = (with(), with());
        let (answer, theirs) = callee.handle_offer(&caller.offer()).unwrap();
        let ours = caller.handle_answer(&answer).unwrap();
        for agreed in [theirs, ours] {
            assert_eq!(agreed.send_redundancy, Some(number(63)));
            assert_eq!(agreed.recv_redundancy, [(number(63), 48_000)]);
        }
        // One of the two does not know it.
        let (answer, theirs) = phone(4_000).handle_offer(&offer).unwrap();
        assert!(!answer.to_string().contains("red/"));
        assert_eq!(theirs.send_redundancy, None);
        let mut caller = with();
        let _ = caller.offer();
        assert_eq!(caller.handle_answer(&answer).unwrap().send_redundancy, None);
        // The peer's numbers are its own, and without Opus there is nothing to carry.
        let webrtc = "m=audio 6000 RTP/AVP 111 63 8\na=rtpmap:111 opus/48000/2\n\
                      a=rtpmap:63 red/48000/2\na=fmtp:63 111/111\n";
        let (answer, agreed) = with().handle_offer(&peer(webrtc)).unwrap();
        assert_eq!(agreed.send_redundancy, Some(number(63)));
        assert!(answer.to_string().contains("a=fmtp:63 111/111\r\n"));
        let mut narrow = phone_with(|local| {
            local.redundancy = true;
            local.codecs = vec![CodecKind::Pcma];
        });
        let (answer, agreed) = narrow.handle_offer(&peer(webrtc)).unwrap();
        assert!(!answer.to_string().contains("red/"));
        assert_eq!(agreed.send_redundancy, None);
    }

    #[test]
    fn g711_is_carried_again_where_both_sides_say_so() {
        let narrow = |resend| {
            phone_with(|local| {
                local.redundancy = true;
                local.resend = resend;
                local.codecs = vec![CodecKind::Pcma, CodecKind::Pcmu];
            })
        };
        // Without Opus it is offered in any case, with it when asked for.
        let (mut caller, mut callee) = (narrow(false), narrow(false));
        let offer = caller.offer();
        let text = offer.to_string();
        assert!(text.contains("a=rtpmap:62 red/8000\r\n"), "{text}");
        assert!(text.contains("a=fmtp:62 8/8\r\n"), "{text}");
        let (answer, theirs) = callee.handle_offer(&offer).unwrap();
        let ours = caller.handle_answer(&answer).unwrap();
        for agreed in [theirs, ours] {
            assert_eq!(agreed.send_redundancy, Some(number(62)));
            assert_eq!(agreed.recv_redundancy, [(number(62), 8_000)]);
        }
        let with_opus = |resend| {
            let mut phone = phone_with(|local| {
                local.redundancy = true;
                local.resend = resend;
            });
            phone.offer().to_string().contains("red/8000")
        };
        assert!(with_opus(true) && !with_opus(false));
        // It is answered in any case, and used for what the peer takes in it only.
        for (list, taken) in [("0/0", Some(number(121))), ("8/8", None), ("0/8", None)] {
            let offer =
                format!("m=audio 6000 RTP/AVP 0 8 121\na=rtpmap:121 red/8000\na=fmtp:121 {list}\n");
            let mut phone = phone_with(|local| {
                local.redundancy = true;
                local.codec_order = CodecOrder::Offered;
            });
            let (answer, agreed) = phone.handle_offer(&peer(&offer)).unwrap();
            assert_eq!(agreed.send_redundancy, taken, "{list}");
            assert!(answer.to_string().contains("a=fmtp:121 0/0\r\n"));
        }
        let unsaid = "m=audio 6000 RTP/AVP 8 121\na=rtpmap:121 red/8000\n";
        let (_, agreed) = narrow(false).handle_offer(&peer(unsaid)).unwrap();
        assert_eq!(agreed.send_redundancy, Some(number(121)));
    }

    #[test]
    fn what_may_come_before_an_answer_is_what_was_offered() {
        let mut phone = phone_with(|local| local.redundancy = true);
        assert_eq!(phone.offered(), Offered::default());
        let _ = phone.offer();
        let offered = phone.offered();
        let codecs = [
            (number(96), CodecKind::Opus),
            (number(9), CodecKind::G722),
            (number(8), CodecKind::Pcma),
            (number(0), CodecKind::Pcmu),
        ];
        assert_eq!(offered.codecs, codecs);
        assert_eq!(offered.dtmf, [(number(101), 8_000), (number(102), 48_000)]);
        assert_eq!(offered.redundancy, [(number(63), 48_000)]);
    }

    #[test]
    fn the_time_of_an_answer_is_that_of_its_offer() {
        let offer = |timing: &str| {
            read(&format!(
                "v=0\no=- 1 1 IN IP4 192.0.2.2\ns=-\nc=IN IP4 192.0.2.2\n{timing}m=audio 6000 RTP/AVP 8\n"
            ))
        };
        let check = |timing: &str, expected: &str| {
            let (answer, _) = phone(4_000).handle_offer(&offer(timing)).unwrap();
            assert_eq!(answer.timing(), Some(expected), "{timing}");
        };
        check("t=2873397496 2873404696\n", "2873397496 2873404696");
        check("t=0\n", "0 0");
        check("t=now later\n", "0 0");
        check("", "0 0");
    }

    #[test]
    fn addresses_that_no_media_can_go_to_are_told_apart() {
        let check = |connection: &str, expected: NegotiationError| {
            let offer = read(&format!(
                "v=0\no=- 1 1 IN IP4 gw\ns=-\n{connection}t=0 0\nm=audio 6000 RTP/AVP 8\n"
            ));
            assert_eq!(
                phone(4_000).handle_offer(&offer).unwrap_err(),
                expected,
                "{connection}"
            );
        };
        let ip = |text: &str| text.parse().unwrap();
        check("", NegotiationError::NoAddress);
        check("c=IN IP4\n", NegotiationError::NoAddress);
        check(
            "c=IN IP4 gw\n",
            NegotiationError::AddressIsName {
                host: "gw".to_owned(),
            },
        );
        check(
            "c=IN IP6 2001:db8::1\n",
            NegotiationError::AddressFamily(ip("2001:db8::1")),
        );
        check(
            "c=IN IP4 239.1.1.1\n",
            NegotiationError::UnusableAddress(ip("239.1.1.1")),
        );
        check(
            "c=IN IP4 255.255.255.255\n",
            NegotiationError::UnusableAddress(ip("255.255.255.255")),
        );
    }

    #[test]
    fn numbers_agreed_in_an_answer_are_kept_for_the_next_offer() {
        let mut callee = phone(4_000);
        let offer = "m=audio 6000 RTP/AVP 107 8 110\na=rtpmap:107 opus/48000/2\n\
            a=rtpmap:110 telephone-event/48000\n";
        callee.handle_offer(&peer(offer)).unwrap();
        assert_eq!(
            callee.offer().media[0].line.value(),
            "audio 4000 RTP/AVP 107 9 8 0 101 110"
        );
    }

    #[test]
    fn extended_reports_go_to_whom_asks_for_them_in_the_stream_or_the_session() {
        let answered = |session: &str, stream: &str| {
            let offer = read(&format!(
                "v=0\no=- 1 1 IN IP4 192.0.2.2\ns=-\nc=IN IP4 192.0.2.2\nt=0 0\n{session}\
                 m=audio 6000 RTP/AVP 8\n{stream}"
            ));
            let (answer, agreed) = phone(4_000).handle_offer(&offer).unwrap();
            let said = answer.media[0].attribute("rtcp-xr").map(str::to_owned);
            (said, agreed.extended_reports)
        };
        assert_eq!(answered("", ""), (None, RtcpXr::default()));
        let metrics = RtcpXr::read("voip-metrics");
        let (said, agreed) = answered("", "a=rtcp-xr:voip-metrics stat-summary=loss\n");
        assert_eq!((said.as_deref(), agreed), (Some("voip-metrics"), metrics));
        let all = RtcpXr::read("rcvr-rtt=all voip-metrics");
        let (said, agreed) = answered("a=rtcp-xr:rcvr-rtt=all:10000 voip-metrics\n", "");
        assert_eq!(
            (said.as_deref(), agreed),
            (Some("rcvr-rtt=all voip-metrics"), all)
        );
        // The stream's own word, here that it wants nothing, stands before that of the session.
        let (said, agreed) = answered("a=rtcp-xr:voip-metrics\n", "a=rtcp-xr\n");
        assert_eq!((said, agreed), (None, RtcpXr::default()));
    }

    #[test]
    fn extended_reports_are_offered_and_sent_as_answered() {
        let mut caller = phone(4_000);
        let offer = caller.offer();
        assert_eq!(
            offer.media[0].attribute("rtcp-xr"),
            Some("rcvr-rtt=all voip-metrics")
        );
        let agreed = caller
            .handle_answer(&peer("m=audio 6000 RTP/AVP 8\n"))
            .unwrap();
        assert_eq!(agreed.extended_reports, RtcpXr::default());
        let agreed = caller
            .handle_answer(&peer("m=audio 6000 RTP/AVP 8\na=rtcp-xr:rcvr-rtt=sender\n"))
            .unwrap();
        assert_eq!(agreed.extended_reports, RtcpXr::read("rcvr-rtt=sender"));
    }

    #[test]
    fn the_audio_stays_in_the_stream_where_it_is() {
        let mut callee = phone(4_000);
        let lines = |first: u8| {
            peer(&format!(
                "m=audio 6000 RTP/AVP {first}\nm=audio 6002 RTP/AVP 8\n"
            ))
        };
        let (_, agreed) = callee.handle_offer(&lines(18)).unwrap();
        assert_eq!(agreed.remote_rtp.port(), 6_002);
        // The first could be taken by now, but the call is in the second.
        let (_, agreed) = callee.handle_offer(&lines(0)).unwrap();
        assert_eq!(agreed.remote_rtp.port(), 6_002);
    }

    #[test]
    fn a_failed_offer_changes_nothing() {
        let mut callee = phone(4_000);
        let (first, agreed) = callee
            .handle_offer(&peer("m=audio 6000 RTP/AVP 8\n"))
            .unwrap();
        let bad = peer("m=video 1 RTP/AVP 31\nm=audio 6000 RTP/AVP 18\n");
        assert_eq!(
            callee.handle_offer(&bad).unwrap_err(),
            NegotiationError::NoCommonCodec {
                offered: vec!["18".to_owned()]
            }
        );
        assert_eq!(callee.agreed(), Some(&agreed));
        let (again, _) = callee
            .handle_offer(&peer("m=audio 6000 RTP/AVP 8\n"))
            .unwrap();
        assert_eq!(again, first);
    }
}
