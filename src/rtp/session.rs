//! One RTP session of one call: a stream out, a stream in, and the reports about both.
//!
//! Sans-IO: datagrams and the time come in, datagrams to be sent come out. One `now` for one
//! session, never going back. RTP in either direction allocates nothing once the caller's buffer
//! has grown to the size of a packet; reports likewise.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::header::{Muxed, RtpError, RtpHeader, RtpPacket, write_rtp};
use super::interval::{MINIMUM_INTERVAL, Membership, ReportTimer};
use super::ntp::{NtpShort, NtpTime, WallClock};
use super::rtcp::{
    Compound, Report, ReportBlock, ReportBlocks, RtcpError, RtcpPacket, SenderInfo, write_report,
};
use super::sequence::Timeline;
use super::sequence::{MAX_DROPOUT, MAX_MISORDER, MIN_SEQUENTIAL, Order, Probation, Sequence};
use super::source::{RemoteAddress, Verdict};
use super::stats::{Arrival, Bursts, Counts, Jitter, Reception, round_trip};
use crate::units::{PayloadType, RtpTime, SampleRate, SeqNo, Ssrc};

/// Events that wait to be polled; more are dropped, oldest first.
const MAX_EVENTS: usize = 16;
/// A report of ours: SR with one block, SDES with a name of usual length.
const USUAL_REPORT: usize = 28 + 24 + 32;

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
    /// Wall clock time at the moment of [`RtpSession::new`].
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
    /// There and back, by the last report that told.
    pub round_trip: Option<Duration>,
    /// What the far side says of our stream.
    pub remote_view: Option<RemoteView>,
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

/// The stream we send.
#[derive(Debug)]
struct Outgoing {
    ssrc: Ssrc,
    sequence: u16,
    /// Added to the caller's media time to make the timestamp on the wire.
    offset: u32,
    last: Option<Sent>,
    packets: u64,
    octets: u64,
    /// Reports since the last packet: after two, we are a sender no longer (section 6.4).
    quiet_reports: u8,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Instant,
    /// On the wire, of the frame last begun.
    timestamp: u32,
    clock: SampleRate,
}

impl Outgoing {
    /// The timestamp a packet would carry at `now`.
    fn timestamp_at(&self, now: Instant) -> u32 {
        self.last.map_or(self.offset, |sent| {
            let since = sent
                .clock
                .samples_in(now.saturating_duration_since(sent.at));
            sent.timestamp.wrapping_add(since as u32)
        })
    }
}

/// The stream we hear.
#[derive(Debug)]
struct Source {
    ssrc: Ssrc,
    sequence: Sequence,
    sound: Timeline,
    events: Option<Timeline>,
    reception: Reception,
    jitter: Jitter,
    heard_since_report: bool,
    /// Its last sender report, and when it came.
    sender_report: Option<(NtpShort, Instant)>,
}

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
            sequence: random.next_u32() as u16,
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
        self.signalled_rtcp = rtcp;
        self.rtcp_mux = rtcp_mux;
        if self
            .heard_rtcp
            .is_some_and(|addr| !self.remote.trusts_host(addr))
        {
            self.heard_rtcp = None;
        }
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
            round_trip: self.round_trip,
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
        let arrival = self.wall_clock.at(now).middle();
        if let Some(trip) = round_trip(arrival, block.lsr, block.dlsr) {
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
        let mut above = rtp;
        above.set_port(rtp.port().checked_add(1)?);
        Some(self.heard_rtcp.or(self.signalled_rtcp).unwrap_or(above))
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
        let report = Report {
            ssrc: outgoing.ssrc,
            sender,
            blocks: block.as_slice(),
            cname: &self.cname,
            goodbye,
        };
        write_report(&report, out);
        self.timer.count(out.len());
        Output::Rtcp { to }
    }
}

impl Source {
    fn starting_with(now: Instant, packet: &RtpPacket<'_>, format: PayloadFormat) -> Source {
        let sequence = Sequence::starting_at(packet.sequence);
        let timeline = Timeline::starting_at(packet.timestamp);
        let mut jitter = Jitter::new(format.clock, now);
        if format.kind == PayloadKind::Sound {
            jitter.update(now, RtpTime((1 << 32) | u64::from(packet.timestamp)));
        }
        Source {
            ssrc: packet.ssrc,
            sequence,
            sound: timeline,
            events: (format.kind == PayloadKind::Event).then_some(timeline),
            reception: Reception::starting_at(sequence.highest(), packet.payload.len()),
            jitter,
            heard_since_report: true,
            sender_report: None,
        }
    }

    /// Whether a packet would fit this stream, wherever it comes from.
    fn continued_by(&self, packet: &RtpPacket<'_>) -> bool {
        let ahead = packet.sequence.wrapping_sub(self.sequence.highest().wire());
        self.ssrc == packet.ssrc && (ahead < MAX_DROPOUT || ahead.wrapping_neg() < MAX_MISORDER)
    }

    /// Counts a packet; `None` when its number is a jump that the next one has to confirm.
    fn receive<'a>(
        &mut self,
        now: Instant,
        packet: RtpPacket<'a>,
        format: PayloadFormat,
    ) -> Option<Received<'a>> {
        let order = self.sequence.update(packet.sequence);
        let arrival = self.reception.count(order, packet.payload.len())?;
        let seq = match order {
            Order::Ahead(seq) | Order::Behind(seq) | Order::Restarted(seq) => seq,
            Order::Suspect => return None,
        };
        self.heard_since_report = true;
        if arrival == Arrival::Restart {
            self.jitter.rebase();
        }
        let time = if format.kind == PayloadKind::Event {
            let fresh = || Timeline::starting_at(packet.timestamp);
            self.events
                .get_or_insert_with(fresh)
                .extend(packet.timestamp)
        } else {
            self.sound.extend(packet.timestamp)
        };
        if format.kind == PayloadKind::Sound && arrival != Arrival::Duplicate {
            if self.jitter.clock() != format.clock {
                self.jitter = Jitter::new(format.clock, now);
            }
            self.jitter.update(now, time);
        }
        Some(Received {
            packet,
            kind: format.kind,
            clock: format.clock,
            seq,
            time,
            arrival,
            new_source: false,
        })
    }

    /// The block about this source, if it was heard since the report before.
    fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        if !std::mem::take(&mut self.heard_since_report) {
            return None;
        }
        let loss = self.reception.report();
        let (lsr, dlsr) = self
            .sender_report
            .map_or_else(Default::default, |(lsr, at)| {
                (lsr, NtpShort::from_span(now.saturating_duration_since(at)))
            });
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: loss.fraction,
            cumulative_lost: loss.cumulative,
            highest: loss.highest,
            jitter: self.jitter.ticks(),
            lsr,
            dlsr,
        })
    }
}

impl IgnoredCounts {
    fn count(&mut self, reason: &Ignored) {
        match reason {
            Ignored::Rtp(_) | Ignored::Rtcp(_) | Ignored::Other(_) => self.garbage += 1,
            Ignored::UnknownPayloadType(_) => self.payload_type += 1,
            Ignored::UnprovenAddress | Ignored::ForeignHost => self.foreign += 1,
            Ignored::UnprovenSource => self.unproven += 1,
            Ignored::Closed => {}
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
