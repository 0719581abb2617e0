//! One RTP session of one call: a stream out, a stream in, and the reports about both.
//!
//! Sans-IO: datagrams and the time come in, datagrams to be sent come out. One `now` for one
//! session, never going back. RTP in either direction allocates nothing once the caller's buffer
//! has grown to the size of a packet; reports likewise.

mod config;
mod extended;
mod output;
mod stream;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub use self::config::{Config, PayloadFormat, PayloadKind};
pub use self::extended::{Answerers, Listening, RemoteMetrics, XrTerms};
use self::extended::{Extended, Heard};
pub use self::output::{
    Event, Ignored, IgnoredCounts, Output, Received, RemoteView, SendError, StreamStats,
};
use self::stream::{Outgoing, Sent, Source};
use super::header::{Muxed, RtpHeader, RtpPacket, write_rtp};
use super::interval::{Membership, ReportTimer};
use super::ntp::{NtpShort, WallClock};
use super::rtcp::{Compound, Report, ReportBlocks, RtcpPacket, SenderInfo, write_report};
use super::sequence::{MIN_SEQUENTIAL, Probation, Timeline};
use super::source::{RemoteAddress, Verdict};
use super::stats::{Arrival, Counts, round_trip};
use super::xr::XrBlocks;
use crate::units::{PayloadType, RtpTime, SampleRate, SeqNo, Ssrc};

/// Events that wait to be polled; more are dropped, oldest first.
const MAX_EVENTS: usize = 16;
/// A report of ours: SR with one block, SDES with a name of usual length.
const USUAL_REPORT: usize = 28 + 24 + 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// A report is due, at the time of this instant.
    ReportDue(Instant),
    /// A last report with BYE is due.
    GoodbyeDue(Instant),
    Closed,
}

/// One RTP session of one call.
#[derive(Debug)]
pub struct RtpSession {
    wall_clock: WallClock,
    cname: String,
    formats: [Option<PayloadFormat>; 128],
    rtcp_mux: bool,
    state: State,
    remote: RemoteAddress,
    signalled_rtcp: Option<SocketAddr>,
    /// Where the last believed report came from.
    heard_rtcp: Option<SocketAddr>,
    outgoing: Outgoing,
    source: Option<Source>,
    /// A second source at the locked address, on probation.
    rival: Option<(Ssrc, Probation)>,
    /// Counts of the sources before.
    retired: Counts,
    timer: ReportTimer,
    random: ChaCha12Rng,
    round_trip: Option<Duration>,
    remote_view: Option<RemoteView>,
    extended: Extended,
    last_packet: Option<Instant>,
    last_report: Option<Instant>,
    own_ssrc_heard: bool,
    ignored: IgnoredCounts,
    events: VecDeque<Event>,
}

impl RtpSession {
    /// Opens the session; the first report is due within about three seconds.
    #[must_use]
    pub fn new(now: Instant, config: Config) -> RtpSession {
        let mut random = ChaCha12Rng::from_seed(config.seed);
        let outgoing = Outgoing {
            ssrc: config.local_ssrc,
            // In the lower half: whoever misses the first packets must still see the first wrap
            // of protected ones (RFC 3711 section 3.3.1).
            sequence: random.next_u32() as u16 & 0x7fff,
            offset: random.next_u32(),
            last: None,
            packets: 0,
            octets: 0,
            quiet_reports: u8::MAX,
        };
        let timer = ReportTimer::new(
            now,
            config.bandwidth,
            config.report_interval,
            USUAL_REPORT,
            &mut random,
        );
        let mut session = RtpSession {
            wall_clock: WallClock {
                anchor: now,
                ntp_at_anchor: config.wall_clock,
            },
            cname: config.cname,
            formats: [None; 128],
            rtcp_mux: config.rtcp_mux,
            state: State::Open,
            remote: RemoteAddress::new(config.remote_rtp),
            signalled_rtcp: config.remote_rtcp,
            heard_rtcp: None,
            outgoing,
            source: None,
            rival: None,
            retired: Counts::default(),
            timer,
            random,
            round_trip: None,
            remote_view: None,
            extended: Extended::default(),
            last_packet: None,
            last_report: None,
            own_ssrc_heard: false,
            ignored: IgnoredCounts::default(),
            events: VecDeque::with_capacity(MAX_EVENTS),
        };
        session.set_formats(&config.formats);
        session
    }

    /// Replaces the negotiated payload types, after another offer and answer.
    pub fn set_formats(&mut self, formats: &[PayloadFormat]) {
        self.formats = [None; 128];
        for format in formats {
            self.formats[usize::from(format.payload_type.number() & 127)] = Some(*format);
        }
    }

    /// Signalling names where the media goes, perhaps the same again.
    pub fn set_remote(
        &mut self,
        now: Instant,
        rtp: Option<SocketAddr>,
        rtcp: Option<SocketAddr>,
        rtcp_mux: bool,
    ) {
        self.remote.signal(now, rtp);
        if rtcp != self.signalled_rtcp {
            // A new address (RFC 3605) counts, not where reports came from before.
            self.heard_rtcp = None;
        }
        self.signalled_rtcp = rtcp;
        self.rtcp_mux = rtcp_mux;
        self.forget_foreign_rtcp();
    }

    /// Which extended reports go out from now on.
    pub fn set_extended_reports(&mut self, terms: XrTerms) {
        self.extended.terms = terms;
    }

    /// What the next extended report adds to what the packets tell.
    pub fn set_listening(&mut self, listening: Listening) {
        self.extended.listening = Some(listening);
    }

    /// A packet of the present source, received last or shortly before, came too late or too early
    /// to be heard.
    pub fn discard(&mut self, seq: SeqNo) {
        if let Some(source) = &mut self.source {
            source.reception.discard(seq);
        }
    }

    /// What the far side's last report says of our stream.
    #[must_use]
    pub fn remote_view(&self) -> Option<RemoteView> {
        self.remote_view
    }

    /// Our source.
    #[must_use]
    pub fn local_ssrc(&self) -> Ssrc {
        self.outgoing.ssrc
    }

    /// Writes one RTP packet into `out`, replacing its content, and answers where to send it.
    ///
    /// `time` is the media time of the payload's first sample, in ticks of the clock of
    /// `payload_type` and from any origin; the offset on the wire is random. An event's packets
    /// all carry the time of its start. When a payload type of another clock follows, the
    /// timestamp on the wire goes on by the time passed (RFC 7160 section 4.1) and `time` may
    /// start anywhere. `marker`: first packet after silence, or of an event; the very first
    /// packet gets it in any case.
    ///
    /// # Errors
    ///
    /// [`SendError`]; then nothing is counted and the sequence number is not used up.
    pub fn send(
        &mut self,
        now: Instant,
        payload_type: PayloadType,
        marker: bool,
        time: RtpTime,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<SocketAddr, SendError> {
        if matches!(self.state, State::GoodbyeDue(_) | State::Closed) {
            return Err(SendError::Closed);
        }
        let format = self
            .format(payload_type)
            .ok_or(SendError::UnknownPayloadType(payload_type))?;
        let to = self.remote.destination().ok_or(SendError::NoDestination)?;

        let outgoing = &mut self.outgoing;
        if outgoing.last.is_some_and(|sent| sent.clock != format.clock) {
            outgoing.offset = outgoing.timestamp_at(now).wrapping_sub(time.0 as u32);
        }
        let timestamp = outgoing.offset.wrapping_add(time.0 as u32);
        let header = RtpHeader {
            payload_type,
            marker: marker || outgoing.last.is_none(),
            sequence: outgoing.sequence,
            timestamp,
            ssrc: outgoing.ssrc,
        };
        write_rtp(&header, payload, out);

        outgoing.sequence = outgoing.sequence.wrapping_add(1);
        outgoing.packets += 1;
        outgoing.octets += payload.len() as u64;
        outgoing.quiet_reports = 0;
        // An event's repeated timestamp is no moment to reckon from.
        let repeated = outgoing
            .last
            .is_some_and(|sent| sent.timestamp == timestamp);
        if !repeated {
            outgoing.last = Some(Sent {
                at: now,
                timestamp,
                clock: format.clock,
            });
        }
        Ok(to)
    }

    /// Takes a datagram from the RTP socket, when it is RTP.
    ///
    /// # Errors
    ///
    /// [`Ignored`] says why the packet is not to be used; it is counted.
    pub fn handle_rtp<'a>(
        &mut self,
        now: Instant,
        datagram: &'a [u8],
        from: SocketAddr,
    ) -> Result<Received<'a>, Ignored> {
        let received = self.receive(now, datagram, from);
        match &received {
            Ok(_) => self.last_packet = Some(now),
            Err(reason) => self.ignored.count(reason),
        }
        received
    }

    /// Takes a datagram from the RTCP socket, or one from the RTP socket that is RTCP.
    ///
    /// # Errors
    ///
    /// [`Ignored`] says why the report is not used; it is counted.
    pub fn handle_rtcp(
        &mut self,
        now: Instant,
        datagram: &[u8],
        from: SocketAddr,
    ) -> Result<(), Ignored> {
        let handled = self.receive_report(now, datagram, from);
        if let Err(reason) = &handled {
            self.ignored.count(reason);
        }
        handled
    }

    /// Takes a datagram of a port shared by RTP and RTCP; `None` for a report taken.
    ///
    /// # Errors
    ///
    /// [`Ignored`] says why it is not used; it is counted.
    pub fn handle_muxed<'a>(
        &mut self,
        now: Instant,
        datagram: &'a [u8],
        from: SocketAddr,
    ) -> Result<Option<Received<'a>>, Ignored> {
        match Muxed::of(datagram) {
            Muxed::Rtp => self.handle_rtp(now, datagram, from).map(Some),
            Muxed::Rtcp => self.handle_rtcp(now, datagram, from).map(|()| None),
            other @ (Muxed::Stun | Muxed::Dtls | Muxed::Unknown) => {
                self.ignored.garbage += 1;
                Err(Ignored::Other(other))
            }
        }
    }

    /// The instant asked for by [`Output::Wait`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state != State::Open {
            return;
        }
        let membership = self.membership();
        if self.timer.expire(now, membership, &mut self.random) {
            self.state = State::ReportDue(now);
        }
    }

    /// Ends the session: a BYE goes out with the next poll, if anything was ever sent
    /// (RFC 3550 section 6.3.7).
    pub fn close(&mut self, now: Instant) {
        if !matches!(self.state, State::GoodbyeDue(_) | State::Closed) {
            self.state = if self.outgoing.packets > 0 {
                State::GoodbyeDue(now)
            } else {
                State::Closed
            };
        }
    }

    /// The next output; a report replaces the content of `out`. Poll after each input until it
    /// answers [`Output::Wait`].
    pub fn poll_output(&mut self, out: &mut Vec<u8>) -> Output {
        if let Some(event) = self.events.pop_front() {
            return Output::Event(event);
        }
        match self.state {
            State::Open => Output::Wait(Some(self.timer.due())),
            State::Closed => Output::Wait(None),
            State::ReportDue(now) => {
                self.state = State::Open;
                self.report(now, false, out)
            }
            State::GoodbyeDue(now) => {
                self.state = State::Closed;
                self.report(now, true, out)
            }
        }
    }

    /// How the session fares.
    #[must_use]
    pub fn stats(&self) -> StreamStats {
        let source = self.source.as_ref();
        let counts = source
            .map(|source| source.reception.counts())
            .unwrap_or_default();
        StreamStats {
            counts: self.retired.plus(&counts),
            bursts: source
                .map(|source| source.reception.bursts())
                .unwrap_or_default(),
            jitter: source
                .map(|source| source.jitter.span())
                .unwrap_or_default(),
            jitter_ticks: source
                .map(|source| source.jitter.ticks())
                .unwrap_or_default(),
            burst_gap: source
                .map(|source| source.reception.burst_gap())
                .unwrap_or_default(),
            round_trip: self.round_trip,
            remote_metrics: self.extended.remote,
            remote_view: self.remote_view,
            packets_sent: self.outgoing.packets,
            octets_sent: self.outgoing.octets,
            last_packet: self.last_packet,
            last_report: self.last_report,
            remote_ssrc: source.map(|source| source.ssrc),
            remote: self.remote.destination(),
            ignored: self.ignored,
        }
    }

    fn format(&self, payload_type: PayloadType) -> Option<PayloadFormat> {
        self.formats
            .get(usize::from(payload_type.number()))
            .copied()
            .flatten()
    }

    fn event(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    // ---- receiving RTP ------------------------------------------------------------------------

    fn receive<'a>(
        &mut self,
        now: Instant,
        datagram: &'a [u8],
        from: SocketAddr,
    ) -> Result<Received<'a>, Ignored> {
        if self.state == State::Closed {
            return Err(Ignored::Closed);
        }
        let packet = RtpPacket::parse(datagram)?;
        let format = self
            .format(packet.payload_type)
            .ok_or(Ignored::UnknownPayloadType(packet.payload_type))?;

        let continues = self
            .source
            .as_ref()
            .is_some_and(|source| source.continued_by(&packet));
        let verdict = self
            .remote
            .judge(now, from, packet.ssrc, packet.sequence, continues);
        let proven = match verdict {
            Verdict::Unproven => return Err(Ignored::UnprovenAddress),
            Verdict::Accept => false,
            Verdict::Moved { from: before } => {
                self.event(Event::RemoteAddress {
                    from: before,
                    to: from,
                });
                self.forget_foreign_rtcp();
                true
            }
        };
        if packet.ssrc == self.outgoing.ssrc && !self.own_ssrc_heard {
            self.own_ssrc_heard = true;
            self.event(Event::OwnSsrcHeard);
        }

        if let Some(source) = self
            .source
            .as_mut()
            .filter(|source| source.ssrc == packet.ssrc)
        {
            self.rival = None;
            return source
                .receive(now, packet, format)
                .ok_or(Ignored::UnprovenSource);
        }
        if self.source.is_some() && !proven && !self.rival_is_proven(&packet) {
            return Err(Ignored::UnprovenSource);
        }
        Ok(self.adopt(now, packet, format))
    }

    fn forget_foreign_rtcp(&mut self) {
        let remote = &self.remote;
        self.heard_rtcp = self.heard_rtcp.filter(|addr| remote.trusts_host(*addr));
    }

    /// Two packets in a row of another source, none of ours between, make it the source.
    fn rival_is_proven(&mut self, packet: &RtpPacket<'_>) -> bool {
        match &mut self.rival {
            Some((ssrc, probation)) if *ssrc == packet.ssrc => {
                probation.update(packet.sequence) >= MIN_SEQUENTIAL
            }
            rival => {
                *rival = Some((packet.ssrc, Probation::starting_at(packet.sequence)));
                false
            }
        }
    }

    fn adopt<'a>(
        &mut self,
        now: Instant,
        packet: RtpPacket<'a>,
        format: PayloadFormat,
    ) -> Received<'a> {
        let source = Source::starting_with(now, &packet, format);
        let received = Received {
            packet,
            kind: format.kind,
            clock: format.clock,
            seq: source.sequence.highest(),
            time: Timeline::starting_at(packet.timestamp).extend(packet.timestamp),
            arrival: Arrival::InOrder,
            new_source: true,
        };
        let before = self.source.replace(source);
        if let Some(before) = &before {
            self.retired = self.retired.plus(&before.reception.counts());
        }
        self.rival = None;
        let from = before.map(|before| before.ssrc);
        self.event(Event::Source {
            from,
            to: packet.ssrc,
        });
        received
    }

    // ---- receiving RTCP -----------------------------------------------------------------------

    fn receive_report(
        &mut self,
        now: Instant,
        datagram: &[u8],
        from: SocketAddr,
    ) -> Result<(), Ignored> {
        if self.state == State::Closed {
            return Err(Ignored::Closed);
        }
        let compound = Compound::parse(datagram)?;
        let signalled = self
            .signalled_rtcp
            .is_some_and(|addr| addr.ip().to_canonical() == from.ip().to_canonical());
        if !self.remote.trusts_host(from) && !signalled {
            return Err(Ignored::ForeignHost);
        }
        self.last_report = Some(now);
        self.heard_rtcp = Some(from);
        self.timer.count(datagram.len());
        for packet in compound.flatten() {
            match packet {
                RtcpPacket::SenderReport {
                    ssrc,
                    sender,
                    blocks,
                } => {
                    if let Some(source) = self.source.as_mut().filter(|source| source.ssrc == ssrc)
                    {
                        source.sender_report = Some((sender.ntp.middle(), now));
                    }
                    self.view(now, ssrc, blocks);
                }
                RtcpPacket::ReceiverReport { ssrc, blocks } => self.view(now, ssrc, blocks),
                RtcpPacket::Goodbye { mut sources, .. } => {
                    let heard = self.source.as_ref().map(|source| source.ssrc);
                    if heard.is_some_and(|heard| sources.any(|ssrc| ssrc == heard)) {
                        self.event(Event::RemoteLeft);
                        self.timer.members_fell_to(1, now);
                    }
                }
                RtcpPacket::ExtendedReport { ssrc, blocks } => {
                    self.extended_report(now, ssrc, blocks);
                }
                RtcpPacket::SourceDescription(_) | RtcpPacket::Other { .. } => {}
            }
        }
        Ok(())
    }

    /// What `reporter` says of our stream.
    fn view(&mut self, now: Instant, reporter: Ssrc, mut blocks: ReportBlocks<'_>) {
        let ours = self.outgoing.ssrc;
        if reporter == ours {
            return; // a reflector returns our own view of itself
        }
        let Some(block) = blocks.find(|block| block.ssrc == ours) else {
            return;
        };
        let clock = self
            .outgoing
            .last
            .map_or(SampleRate::NARROW, |sent| sent.clock);
        self.remote_view = Some(RemoteView {
            loss: f64::from(block.fraction_lost) / 256.0,
            lost: block.cumulative_lost,
            jitter: clock.duration_of(u64::from(block.jitter)),
            at: now,
        });
        self.learn_round_trip(now, block.lsr, block.dlsr);
    }

    fn extended_report(&mut self, now: Instant, reporter: Ssrc, blocks: XrBlocks<'_>) {
        let ours = self.outgoing.ssrc;
        if reporter == ours {
            return;
        }
        if let Some(answer) = self.extended.take(now, ours, reporter, blocks) {
            self.learn_round_trip(now, answer.last_rr, answer.delay);
        }
    }

    /// From what the far side heard of ours last and how long it kept it.
    fn learn_round_trip(&mut self, now: Instant, last: NtpShort, delay: NtpShort) {
        let arrival = self.wall_clock.at(now).middle();
        if let Some(trip) = round_trip(arrival, last, delay) {
            self.round_trip = Some(trip);
            self.event(Event::RoundTrip(trip));
        }
    }

    // ---- sending RTCP -------------------------------------------------------------------------

    fn membership(&self) -> Membership {
        let we_sent = self.outgoing.quiet_reports < 2;
        let they_sent = self
            .source
            .as_ref()
            .is_some_and(|source| source.heard_since_report);
        Membership {
            members: 1 + u32::from(self.source.is_some()),
            senders: u32::from(we_sent) + u32::from(they_sent),
            we_sent,
        }
    }

    fn rtcp_destination(&self) -> Option<SocketAddr> {
        let rtp = self.remote.destination()?;
        if self.rtcp_mux {
            return Some(rtp);
        }
        let signalled = self.signalled_rtcp.filter(|_| self.remote.as_signalled());
        self.heard_rtcp.or(signalled).or_else(|| {
            let mut above = rtp;
            above.set_port(rtp.port().checked_add(1)?);
            Some(above)
        })
    }

    fn report(&mut self, now: Instant, goodbye: bool, out: &mut Vec<u8>) -> Output {
        let wait = Output::Wait((!goodbye).then(|| self.timer.due()));
        let Some(to) = self.rtcp_destination() else {
            return wait;
        };
        let outgoing = &mut self.outgoing;
        let sender = (outgoing.quiet_reports < 2).then(|| SenderInfo {
            ntp: self.wall_clock.at(now),
            rtp_timestamp: outgoing.timestamp_at(now),
            packets: outgoing.packets as u32,
            octets: outgoing.octets as u32,
        });
        outgoing.quiet_reports = outgoing.quiet_reports.saturating_add(1);
        let block = self.source.as_mut().and_then(|source| source.report(now));
        let heard = self.source.as_ref().map(|source| Heard {
            ssrc: source.ssrc,
            counts: source.reception.counts(),
            burst_gap: source.reception.burst_gap(),
            round_trip: self.round_trip,
        });
        let wall_clock = self.wall_clock.at(now);
        let extended = self
            .extended
            .report(now, wall_clock, sender.is_some(), heard);
        let report = Report {
            ssrc: outgoing.ssrc,
            sender,
            blocks: block.as_slice(),
            cname: &self.cname,
            extended,
            goodbye,
        };
        write_report(&report, out);
        self.timer.count(out.len());
        Output::Rtcp { to }
    }
}

#[cfg(test)]
mod tests;
