//! A talker, a bad network and a listener, on a clock turned by hand.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::network::{Network, Profile};
use crate::codec::{CodecError, CodecKind};
use crate::jitter::ReceiverStats;
use crate::jitter::receiver::MAX_PULL_SAMPLES;
use crate::media::plan::{Answerers, CodecChoice, OpusWishes, Plan, XrTerms};
use crate::media::{Event, Output, Port, Quality, Session, Setup};
use crate::rtp::NtpTime;
use crate::rtp::redundancy::Blocks;
use crate::units::{PayloadType, SampleRate, Ssrc};

const FRAME: Duration = Duration::from_millis(10);

/// How long reports take, either way: the network is bad for sound only.
const REPORT_TAKES: Duration = Duration::from_millis(5);

/// The listener goes on for so long after the last word.
const AFTERWARDS: Duration = Duration::from_millis(1_500);

/// Header of the RTP packets that a session sends: no extension, no other sources.
const HEADER: usize = 12;

/// IPv4, UDP and RTP around each payload, in bytes.
pub(super) const AROUND: usize = 20 + 8 + HEADER;

/// What is to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// What is spoken.
    pub codec: CodecKind,
    /// Sound in each packet.
    pub ptime: Duration,
    /// What stands between.
    pub profile: Profile,
    /// Which of its courses.
    pub seed: u64,
    /// Packets may carry earlier ones again (RFC 2198).
    pub resend: bool,
}

/// What only the outside can measure.
pub trait Watch {
    /// Time that this thread has computed so far.
    fn cpu(&self) -> Option<Duration>;
    /// Times that this thread has asked for memory so far.
    fn allocations(&self) -> Option<u64>;
}

/// What was used on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// By the talker, to encode and pack.
    pub talking: Option<Duration>,
    /// By the listener, to unpack, order, decode and conceal.
    pub listening: Option<Duration>,
    /// Times that the listener asked for memory, once the first second was over.
    pub allocations: Option<u64>,
}

/// A packet of the talker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What it says.
    pub payload: Vec<u8>,
    /// What earlier packets said (RFC 2198), by how many packets earlier.
    pub again: Vec<(usize, Vec<u8>)>,
    /// Bytes of both, without the packet's header.
    pub bytes: usize,
    /// It did not arrive.
    pub lost: bool,
}

/// A call that is over.
#[derive(Clone, Debug)]
pub struct Call {
    /// What was heard, from the moment on in which the talker began.
    pub heard: Vec<f32>,
    /// Its rate.
    pub rate: SampleRate,
    /// All packets of sound.
    pub sent: Vec<Sent>,
    /// What the receiver counted.
    pub stats: ReceiverStats,
    /// The last second's figures.
    pub quality: Option<Quality>,
    /// Bits a second on the wire, headers of IPv4, UDP and RTP included.
    pub wire_rate: f64,
    /// Of these, payload.
    pub payload_rate: f64,
    /// What it cost.
    pub used: Used,
}

/// Says `said`, at the codec's rate, over such a line from `start` on.
///
/// # Errors
/// When a codec cannot be set up.
pub fn call(
    line: &Line,
    said: &[f32],
    start: Instant,
    watch: &dyn Watch,
) -> Result<Call, CodecError> {
    let mut talker = session(start, line, Role::Talks)?;
    let mut listener = session(start, line, Role::Listens)?;
    let mut network = Network::new(line.profile, line.seed);
    let frames: Vec<&[f32]> = said
        .chunks_exact(line.codec.sound_rate().samples_in(FRAME))
        .collect();
    let spoken = FRAME * u32::try_from(frames.len()).unwrap_or(u32::MAX);
    // The sound card has its own idea of when ten milliseconds begin.
    let phase = Duration::from_micros(line.seed.wrapping_mul(2_654_435_761) % 10_000);
    let rate = line.codec.sound_rate();
    let mut heard = vec![0.0; rate.samples_in(phase)];
    heard.reserve(rate.samples_in(spoken + AFTERWARDS));
    let mut wire: BinaryHeap<Reverse<(Duration, usize)>> = BinaryHeap::new();
    let mut datagrams: Vec<Vec<u8>> = Vec::with_capacity(frames.len());
    let mut sent: Vec<Sent> = Vec::with_capacity(frames.len());
    let mut reports: Vec<(Duration, Role, Vec<u8>)> = Vec::new();
    let mut out = Vec::with_capacity(2_048);
    let mut pulled = [0.0; MAX_PULL_SAMPLES];
    let (mut capture_at, mut pull_at, mut next_frame) = (FRAME, phase, 0);
    let mut quality = None;
    let mut used = Used {
        talking: watch.cpu().map(|_| Duration::ZERO),
        listening: watch.cpu().map(|_| Duration::ZERO),
        allocations: watch.allocations().map(|_| 0),
    };
    while pull_at < spoken + AFTERWARDS {
        let arrival = wire.peek().map(|Reverse((at, _))| *at);
        let now = arrival
            .unwrap_or(Duration::MAX)
            .min(capture_at)
            .min(pull_at);
        let instant = start + now;
        // Reports are taken with whatever comes next: they are not about milliseconds.
        for (_, to, report) in reports.extract_if(.., |(at, _, _)| *at <= now) {
            let (session, from) = match to {
                Role::Talks => (&mut talker, THERE),
                Role::Listens => (&mut listener, HERE),
            };
            session.handle_datagram(instant, Port::Rtp, &report, from);
        }
        if arrival == Some(now) {
            let Some(Reverse((_, number))) = wire.pop() else {
                break;
            };
            used.listen(watch, now, || {
                listener.handle_datagram(instant, Port::Rtp, &datagrams[number], HERE);
            });
        } else if now == capture_at {
            capture_at += FRAME;
            talker.handle_timeout(instant);
            let silence;
            let frame = match frames.get(next_frame) {
                Some(frame) => *frame,
                None => {
                    silence = vec![0.0; rate.samples_in(FRAME)];
                    &silence
                }
            };
            next_frame += 1;
            let before = watch.cpu();
            let went = talker.capture(instant, frame, &mut out).is_some();
            if let (Some(talking), Some(before), Some(after)) =
                (&mut used.talking, before, watch.cpu())
            {
                *talking += after - before;
            }
            if went {
                let fate = network.carry(now);
                for arrives in [fate.arrives, fate.again].into_iter().flatten() {
                    wire.push(Reverse((arrives, datagrams.len())));
                }
                let lost = fate.arrives.is_none();
                let redundant = line.resend.then_some(REDUNDANT);
                sent.push(unpacked(line.codec, line.ptime, redundant, &out, lost));
                datagrams.push(out.clone());
            }
            poll(&mut talker, &mut out, |report| {
                reports.push((now + REPORT_TAKES, Role::Listens, report));
            });
        } else {
            pull_at += FRAME;
            let info = used.listen(watch, now, || {
                listener.handle_timeout(instant);
                listener.playout(instant, &mut pulled)
            });
            let samples = info.map_or(0, |info| info.samples);
            heard.extend_from_slice(&pulled[..samples]);
            let told = poll(&mut listener, &mut out, |report| {
                reports.push((now + REPORT_TAKES, Role::Talks, report));
            });
            quality = told.or(quality);
        }
    }
    let seconds = (line.ptime * u32::try_from(sent.len()).unwrap_or(u32::MAX)).as_secs_f64();
    let bytes: usize = sent.iter().map(|sent| sent.bytes).sum();
    let bits = |bytes: usize| bytes as f64 * 8.0 / seconds.max(1e-3);
    Ok(Call {
        heard,
        rate,
        stats: listener.received(),
        quality,
        wire_rate: bits(bytes + sent.len() * AROUND),
        payload_rate: bits(bytes),
        sent,
        used,
    })
}

impl Used {
    /// Runs what the listener does, and notes what it cost.
    fn listen<T>(&mut self, watch: &dyn Watch, now: Duration, run: impl FnOnce() -> T) -> T {
        let before = (watch.cpu(), watch.allocations());
        let result = run();
        if let (Some(listening), Some(before), Some(after)) =
            (&mut self.listening, before.0, watch.cpu())
        {
            *listening += after - before;
        }
        if let (Some(allocations), Some(before), Some(after)) =
            (&mut self.allocations, before.1, watch.allocations())
            && now >= Duration::from_secs(1)
        {
            *allocations += after - before;
        }
        result
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Talks,
    Listens,
}

/// What is in a packet of the talker; `redundant` is the payload type of those that carry earlier
/// ones again.
pub(super) fn unpacked(
    codec: CodecKind,
    ptime: Duration,
    redundant: Option<PayloadType>,
    packet: &[u8],
    lost: bool,
) -> Sent {
    let payload = packet.get(HEADER..).unwrap_or_default();
    let mut sent = Sent {
        payload: payload.to_vec(),
        again: Vec::new(),
        bytes: payload.len(),
        lost,
    };
    let kind = packet.get(1).map(|second| second & 0x7f);
    let carries = redundant.is_some_and(|number| kind == Some(number.number()));
    if let Some(blocks) = Blocks::parse(payload).filter(|_| carries) {
        let ticks = codec.frame_ticks(ptime).max(1);
        for block in blocks {
            match usize::from(block.offset) / ticks {
                0 => sent.payload = block.payload.to_vec(),
                earlier => sent.again.push((earlier, block.payload.to_vec())),
            }
        }
    }
    sent
}

/// The payload type under which packets are carried again.
const REDUNDANT: PayloadType = const { PayloadType::new(97).expect("below 128") };

/// Documentation addresses (RFC 5737).
const HERE: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    4_000,
);
const THERE: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)),
    4_000,
);

fn session(now: Instant, line: &Line, role: Role) -> Result<Session, CodecError> {
    let talks = role == Role::Talks;
    let setup = Setup {
        ssrc: Ssrc(if talks { 1 } else { 2 }),
        cname: "bench".to_owned(),
        seed: [line.seed as u8; 32],
        wall_clock: NtpTime(1 << 40),
    };
    let mut session = Session::new(now, setup);
    let remote = if talks { THERE } else { HERE };
    let payload_type = line
        .codec
        .static_payload_type()
        .unwrap_or(const { PayloadType::new(96).expect("below 128") });
    // As two of our phones agree on it when this is what they speak.
    let redundancy = line.resend.then_some(REDUNDANT);
    let plan = Plan {
        remote_rtp: remote,
        remote_rtcp: remote,
        rtcp_mux: true,
        send: talks,
        held: false,
        receive: !talks,
        codec: CodecChoice {
            ptime: line.ptime,
            opus: OpusWishes {
                use_inband_fec: true,
                ..OpusWishes::default()
            },
            redundancy,
            ..CodecChoice::new(line.codec, payload_type)
        },
        accepted: vec![(payload_type, line.codec)],
        dtmf_send: None,
        dtmf_receive: Vec::new(),
        comfort_noise: None,
        redundancy: redundancy
            .map(|number| (number, line.codec.rtp_clock().hz()))
            .into_iter()
            .collect(),
        early: false,
        extended_reports: XrTerms {
            voip_metrics: true,
            reference_times: Some(Answerers::All),
        },
        srtp: None,
        ice: None,
    };
    session.apply(now, &plan)?;
    Ok(session)
}

/// Takes what a session has to say: reports go out, figures are answered.
fn poll(
    session: &mut Session,
    out: &mut Vec<u8>,
    mut report: impl FnMut(Vec<u8>),
) -> Option<Quality> {
    let mut figures = None;
    loop {
        match session.poll_output(out) {
            Output::Rtcp { .. } => report(out.clone()),
            Output::Event(Event::Quality(quality)) => figures = Some(quality),
            Output::KeepAlive { .. } | Output::Event(_) => {}
            Output::Wait(_) => return figures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::ceiling::ceiling;
    use crate::bench::delay::Delays;
    use crate::codec::testing::{snr_db, speech};

    struct Nobody;

    impl Watch for Nobody {
        fn cpu(&self) -> Option<Duration> {
            None
        }
        fn allocations(&self) -> Option<u64> {
            None
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do as the beginning of time"
    )]
    fn beginning() -> Instant {
        Instant::now()
    }

    fn heard(codec: CodecKind, profile: Profile) -> Call {
        let line = Line {
            codec,
            ptime: Duration::from_millis(20),
            profile,
            seed: 1,
            resend: codec == CodecKind::Opus,
        };
        call(&line, &speech(codec.sound_rate()), beginning(), &Nobody).unwrap()
    }

    #[test]
    fn a_clean_line_gives_what_the_codec_gives_a_little_later() {
        for codec in CodecKind::ALL {
            let call = heard(codec, Profile::Clean);
            let whole = ceiling(codec, &call.sent, Duration::from_millis(20)).unwrap();
            let delays = Delays::find(&whole, &call.heard, call.rate);
            // Packets leave when they are full, 20 ms after their first sample was said. With Opus
            // they are waited for 45 ms at the beginning, because they are sent again.
            let late = delays.mean();
            assert!((25..=75).contains(&late.as_millis()), "{codec:?}: {late:?}");
            // Once the delay becomes shorter.
            let second = call.rate.hz() as usize;
            let shifts = [0.1, 0.5, 0.9].map(|share| call.rate.samples_in(delays.quantile(share)));
            let same = (2..8).filter(|n| {
                let piece = &whole[n * second..][..second];
                let snr = |shift| snr_db(piece, &call.heard[n * second + shift..][..second]);
                shifts.into_iter().any(|shift| snr(shift) > 40.0)
            });
            let same = same.count();
            assert!(same >= 5, "{codec:?}: {same} seconds of six");
            assert_eq!(call.stats.concealed, Duration::ZERO);
        }
    }

    #[test]
    fn what_the_network_loses_is_concealed_and_the_ceiling_knows_of_it() {
        let call = heard(CodecKind::Pcma, Profile::Loss10);
        let lost = call.sent.iter().filter(|sent| sent.lost).count();
        assert!((30..=75).contains(&lost), "{lost} of {}", call.sent.len());
        let concealed = call.stats.concealed.as_millis() / 20;
        assert!(
            concealed.abs_diff(lost as u128) <= 6,
            "{concealed} of {lost}"
        );
        let best = ceiling(CodecKind::Pcma, &call.sent, Duration::from_millis(20)).unwrap();
        assert_eq!(best.len(), call.sent.len() * 160);
    }

    #[test]
    fn the_wire_carries_what_is_said_of_it() {
        let call = heard(CodecKind::Pcma, Profile::Clean);
        assert!((call.payload_rate - 64_000.0).abs() < 1.0);
        assert!((call.wire_rate - 80_000.0).abs() < 1.0);
    }
}
