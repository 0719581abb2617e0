//! What is fuzzed: each reader of bytes that others wrote, as a function from bytes to nothing.
//!
//! One list for both who use it: the binaries of `fuzz/fuzz_targets` (libFuzzer, `make fuzz`) and
//! `tests/fuzz_smoke.rs`, which tries the same functions over the same corpora in the gate. A new
//! reader gets a function here, a line in [`TARGETS`], a folder under `fuzz/corpus` and a binary.
//!
//! A function must not panic, must end, and must not hold more memory than its target's bound. It
//! looks at what was read as the program does, since much is read only when it is asked for.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ramal::agent::{AccountConfig, AccountId};
use ramal::agent::{Agent, AgentConfig, Command, Output, dial};
use ramal::engine::account_config;
use ramal::events::dialog_info::DialogInfo;
use ramal::events::dtmf_info::DtmfInfo;
use ramal::events::is_composing::IsComposing;
use ramal::events::message_summary::MessageSummary;
use ramal::events::pidf::Presence;
use ramal::events::sipfrag::StatusFragment;
use ramal::media::plan::{MediaCommand, Opened};
use ramal::rtp::dtmf::DtmfReceiver;
use ramal::rtp::redundancy::Blocks;
use ramal::rtp::rtcp::{Compound, RtcpPacket};
use ramal::rtp::{Config, NtpTime, RtpPacket, RtpSession};
use ramal::sdp::{self, LocalAudio, Negotiation};
use ramal::sip::transaction::Peer;
use ramal::sip::{
    Contacts, DefectKind, Frame, FramingLimits, Headers, Message, NameAddr, ParseError,
    StreamFramer, Transport, Uri, Via, inspect, parse_datagram,
};
use ramal::store::Settings;
use ramal::units::{RtpTime, SampleRate, Ssrc};

/// One reader of foreign bytes.
pub(crate) struct Target {
    /// Its name: of the binary, of the corpus, of the dictionary.
    pub(crate) name: &'static str,
    /// Reads the bytes.
    pub(crate) run: fn(&[u8]),
    /// The most bytes it may hold at once, beside [`Target::per_byte`] of its input.
    pub(crate) at_most: usize,
    /// The most bytes it may hold for each byte of input.
    pub(crate) per_byte: usize,
}

const fn target(name: &'static str, run: fn(&[u8]), at_most: usize, per_byte: usize) -> Target {
    Target {
        name,
        run,
        at_most,
        per_byte,
    }
}

/// All of them. The bounds are about twice the most that was seen in two million runs of each; they
/// are there to notice what grows with no relation to its input. That of `sip` is for the report
/// of `ramal inspect`, a tree of words.
pub(crate) const TARGETS: [Target; 10] = [
    target("sip", sip, 64 * KIB, 1024),
    target("stream", stream, 64 * KIB, 128),
    target("sdp", session_description, 64 * KIB, 192),
    target("rtp", rtp, 16 * KIB, 16),
    target("rtcp", rtcp, 16 * KIB, 16),
    target("uri", uri, 64 * KIB, 128),
    target("xml", xml, 64 * KIB, 64),
    target("body", body, 16 * KIB, 32),
    target("settings", settings, 256 * KIB, 256),
    target("agent", agent, 512 * KIB, 256),
];

const KIB: usize = 1024;

/// A datagram of signalling: read, judged, written again.
pub(crate) fn sip(data: &[u8]) {
    let parsed = match parse_datagram(data) {
        Ok(parsed) => parsed,
        Err(ParseError { reply, .. }) => {
            black_box(reply.map(|reply| reply.to_bytes()).is_some());
            return;
        }
    };
    black_box(parsed.refusal().map(|refusal| refusal.to_bytes()).is_some());
    look_at(parsed.message.headers());
    black_box(inspect::report(data));
    let control = parsed
        .defects
        .iter()
        .any(|defect| defect.kind == DefectKind::ControlCharacter);
    let written = match &parsed.message {
        Message::Request(request) => request.to_bytes(),
        Message::Response(response) => response.to_bytes(),
    };
    if let Ok(bytes) = written
        && !control
    {
        parse_datagram(&bytes).expect("what was written can be read");
    }
}

/// Everything in headers that is read only when somebody asks for it.
fn look_at(headers: &Headers) {
    for via in headers.vias().unwrap_or_default() {
        let again: Result<Via, _> = via.to_string().parse();
        assert_eq!(again.as_ref(), Ok(&via), "a Via changes when it is written");
    }
    let mut addresses: Vec<NameAddr> = headers.routes().unwrap_or_default();
    addresses.extend(headers.record_routes().unwrap_or_default());
    addresses.extend(headers.service_routes().unwrap_or_default());
    addresses.extend(headers.from());
    addresses.extend(headers.to());
    if let Ok(Contacts::List(contacts)) = headers.contacts() {
        addresses.extend(contacts);
    }
    for address in &addresses {
        let again: Result<NameAddr, _> = address.to_string().parse();
        assert_eq!(again.as_ref(), Ok(address), "an address changes");
    }
    let _ = black_box((headers.challenges(), headers.cseq(), headers.content_type()));
    let _ = black_box((
        headers.replaces(),
        headers.session_expires(),
        headers.reasons(),
    ));
    let _ = black_box((
        headers.diversions(),
        headers.answer_after(),
        headers.alert_source(),
    ));
    let _ = black_box((
        headers.expires(),
        headers.content_length(),
        headers.max_forwards(),
    ));
}

/// A stream of signalling, cut where its first byte says.
pub(crate) fn stream(data: &[u8]) {
    let Some((cut, rest)) = data.split_first() else {
        return;
    };
    let mut framer = StreamFramer::new(FramingLimits {
        head: 4096,
        body: 4096,
    });
    for piece in rest.chunks(usize::from(*cut).max(1)) {
        framer.push(piece);
        let mut frames = 0;
        while let Some(frame) = framer.next() {
            frames += 1;
            assert!(frames <= data.len() + 2, "frames without end");
            if let Frame::Broken(_) = frame {
                assert_eq!(framer.next(), None, "nothing comes after the end");
                return;
            }
        }
    }
}

/// A session description as an offer, and as the answer to one of ours.
pub(crate) fn session_description(data: &[u8]) {
    let Ok(parsed) = sdp::parse(data) else {
        return;
    };
    black_box(parsed.description.to_string().len());
    let local = || LocalAudio::new(own().ip(), 40_000);
    let mut called = Negotiation::new(1, local());
    if let Ok((answer, _)) = called.handle_offer(&parsed.description) {
        sdp::parse(answer.to_string().as_bytes()).expect("an answer of ours can be read");
    }
    let mut caller = Negotiation::new(2, local());
    black_box(caller.offer().to_string().len());
    black_box(caller.handle_answer(&parsed.description).is_ok());
}

/// Packets of sound and keys, each with its length before it, as a session takes them.
pub(crate) fn rtp(data: &[u8]) {
    let now = moment();
    let mut session = session(now);
    let mut keys = DtmfReceiver::new(SampleRate::NARROW);
    for (at, packet) in (0_u32..).zip(packets(data)) {
        let now = now + Duration::from_millis(20) * at;
        if let Ok(read) = RtpPacket::parse(packet) {
            black_box(read.payload.len());
            for block in Blocks::parse(read.payload).into_iter().flatten() {
                black_box(block.payload.len());
            }
            keys.handle(now, Ssrc(1), RtpTime(u64::from(at) * 160), read.payload);
            while keys.poll_output().is_some() {}
        }
        black_box(session.handle_muxed(now, packet, peer()).is_ok());
        session.handle_timeout(now);
    }
}

/// Reports, each with its length before it.
pub(crate) fn rtcp(data: &[u8]) {
    let now = moment();
    let mut session = session(now);
    for packet in packets(data) {
        for part in Compound::parse(packet).into_iter().flatten().flatten() {
            match part {
                RtcpPacket::SenderReport { blocks, .. }
                | RtcpPacket::ReceiverReport { blocks, .. } => drop(black_box(blocks.count())),
                RtcpPacket::SourceDescription(names) => drop(black_box(names.count())),
                RtcpPacket::Goodbye { sources, .. } => drop(black_box(sources.count())),
                RtcpPacket::ExtendedReport { blocks, .. } => drop(black_box(blocks.count())),
                RtcpPacket::Other { .. } => {}
            }
        }
        black_box(session.handle_rtcp(now, packet, peer()).is_ok());
    }
}

/// What the system hands over to be dialled, and what stands in headers.
pub(crate) fn uri(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(uri) = text.parse::<Uri>() {
        // What is odd in it may be escaped when it is written; then it stays as it is.
        let written = uri.to_string();
        let again: Uri = written.parse().expect("a URI of ours can be read");
        assert_eq!(again.to_string(), written, "a URI changes each time");
        black_box((uri.equivalent(&uri), uri.user_unescaped()));
    }
    let home = "pbx.example".parse().expect("a host");
    black_box(dial::target(text, Some(&home)).is_ok());
    black_box(text.parse::<NameAddr>().is_ok());
}

/// Lamps, presence and typing.
pub(crate) fn xml(data: &[u8]) {
    let mut lamps = DialogInfo::new();
    for document in data.split(|byte| *byte == 0).take(8) {
        black_box(lamps.apply(document).is_ok());
        black_box((lamps.lamp(), lamps.pickup()));
    }
    if let Ok(presence) = Presence::parse(data) {
        let written = presence.to_bytes();
        Presence::parse(&written).expect("presence of ours can be read");
    }
    black_box(IsComposing::parse(data).is_ok());
}

/// Bodies that are no XML: mailboxes, progress of transfers, keys.
pub(crate) fn body(data: &[u8]) {
    if let Ok(summary) = MessageSummary::parse(data) {
        black_box(summary.to_bytes().len());
    }
    black_box(StatusFragment::parse(data).is_some());
    black_box(DtmfInfo::parse(data).is_some());
}

/// A settings file, and the accounts in it.
pub(crate) fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(settings) = toml::from_str::<Settings>(text) else {
        return;
    };
    for account in &settings.accounts {
        black_box(account_config(account, None).is_ok());
    }
    let written = toml::to_string_pretty(&settings).expect("settings can be written");
    let again: Settings = toml::from_str(&written).expect("and be read again");
    assert_eq!(again, settings, "settings change when they are written");
}

/// A whole phone: datagrams, each with its length before it, half a second apart. The first byte
/// says what its person does meanwhile.
pub(crate) fn agent(data: &[u8]) {
    let Some((person, rest)) = data.split_first() else {
        return;
    };
    let mut now = moment();
    let mut agent = Agent::new(AgentConfig::default(), 7);
    let account = AccountConfig::direct(AccountId(1));
    agent.handle_command(now, Command::AddAccount(Box::new(account)));
    let way = Peer {
        transport: Transport::Udp,
        remote: peer(),
        local: own(),
        connection: None,
    };
    for datagram in packets(rest).take(32) {
        agent.handle_datagram(now, datagram, way);
        serve(&mut agent, now, way, *person);
        now += Duration::from_millis(500);
        agent.handle_timeout(now);
        serve(&mut agent, now, way, *person);
    }
    agent.handle_timeout(now + Duration::from_secs(600));
    serve(&mut agent, now + Duration::from_secs(600), way, 0);
}

/// Does what the phone asks for, and what its person does at once.
fn serve(agent: &mut Agent, now: Instant, way: Peer, person: u8) {
    for _ in 0..4_096 {
        match agent.poll_output() {
            Output::Wait(_) => return,
            Output::Transmit { bytes, .. } => drop(black_box(bytes.len())),
            Output::Resolve { id, .. } => agent.handle_resolved(now, id, Ok(vec![way])),
            Output::Media(MediaCommand::Open { media, .. }) => {
                let rtp = SocketAddr::new(own().ip(), 40_000);
                agent.handle_opened(now, media, Some(Opened::at(rtp)));
            }
            Output::Event(ramal::agent::Event::Incoming { call, .. }) => match person & 3 {
                1 => agent.handle_command(now, Command::Answer(call)),
                2 => agent.handle_command(now, Command::HangUp(call)),
                _ => {}
            },
            Output::Media(_) | Output::Event(_) | Output::Abandon { .. } => {}
        }
    }
    panic!("a phone that never waits");
}

/// Cuts data into packets: two bytes of length, then so many bytes, or what is left.
fn packets(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let ([high, low], rest) = data.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (packet, rest) = rest.split_at(length);
        data = rest;
        Some(packet)
    })
}

fn session(now: Instant) -> RtpSession {
    let mut config = Config::new(Ssrc(7), "us".into(), [7; 32], NtpTime(1 << 32));
    config.remote_rtp = Some(peer());
    RtpSession::new(now, config)
}

/// Everything counts from one moment of the process; which one does not matter.
#[expect(
    clippy::disallowed_methods,
    reason = "an instant to start from cannot be made otherwise"
)]
fn moment() -> Instant {
    static FIRST: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *FIRST.get_or_init(Instant::now)
}

fn own() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 5060))
}
