//! The simulated world of these tests.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use crate::codec::{CodecKind, Decoder, Encoder, opus};
use crate::jitter::Sound;
use crate::jitter::receiver::MAX_PULL_SAMPLES;
use crate::media::plan::{CodecChoice, OpusWishes, Plan, XrTerms};
use crate::media::{Event, Output, Port, Quality, Session, Setup};
use crate::rtp::{Muxed, NtpTime, RtpPacket};
use crate::units::{PayloadType, SampleRate, Ssrc};

pub(super) const MS: Duration = Duration::from_millis(1);
const TICK: Duration = Duration::from_millis(10);

pub(super) const NEAR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4_000);
pub(super) const FAR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)), 5_000);
pub(super) const STRANGER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), 6_000);

fn number(n: u8) -> PayloadType {
    PayloadType::new(n).unwrap()
}

/// All four codecs accepted; `kind` is spoken.
pub(super) fn plan(kind: CodecKind, remote: SocketAddr) -> Plan {
    let payload_type = kind.static_payload_type().unwrap_or(number(96));
    let event = match kind {
        CodecKind::Opus => (number(102), 48_000),
        CodecKind::G722 | CodecKind::Pcma | CodecKind::Pcmu => (number(101), 8_000),
    };
    let opus = OpusWishes {
        use_inband_fec: true,
        ..OpusWishes::default()
    };
    Plan {
        remote_rtp: remote,
        remote_rtcp: SocketAddr::new(remote.ip(), remote.port() + 1),
        rtcp_mux: false,
        send: true,
        held: false,
        receive: true,
        codec: CodecChoice {
            opus,
            ..CodecChoice::new(kind, payload_type)
        },
        accepted: vec![
            (number(96), CodecKind::Opus),
            (number(9), CodecKind::G722),
            (number(8), CodecKind::Pcma),
            (number(0), CodecKind::Pcmu),
        ],
        dtmf_send: Some(event),
        dtmf_receive: vec![(number(101), 8_000), (number(102), 48_000)],
        comfort_noise: None,
        redundancy: Vec::new(),
        early: false,
        extended_reports: XrTerms::default(),
        srtp: None,
        ice: None,
    }
}

/// Decides over a datagram: `true` loses it.
type Censor = Box<dyn FnMut(&[u8]) -> bool>;

/// One phone: a session and what came of it.
pub(super) struct End {
    pub(super) session: Session,
    address: SocketAddr,
    wake_at: Option<Instant>,
    pub(super) events: Vec<Event>,
    pub(super) figures: Vec<Quality>,
    heard: Vec<f32>,
    /// Rates of what was heard, each change once.
    pub(super) heard_rates: Vec<SampleRate>,
    /// Pulls that gave nothing.
    pub(super) silent: usize,
    /// Markers of the packets that came.
    pub(super) marked: Vec<bool>,
    pub(super) rtcp_ports_used: Vec<Port>,
}

impl End {
    fn new(now: Instant, address: SocketAddr, seed: u8) -> End {
        let setup = Setup {
            ssrc: Ssrc(u32::from(seed)),
            cname: format!("phone-{seed}"),
            seed: [seed; 32],
            wall_clock: NtpTime::default(),
        };
        End {
            session: Session::new(now, setup),
            address,
            wake_at: None,
            events: Vec::new(),
            figures: Vec::new(),
            heard: Vec::new(),
            heard_rates: Vec::new(),
            silent: 0,
            marked: Vec::new(),
            rtcp_ports_used: Vec::new(),
        }
    }

    pub(super) fn digits(&self) -> String {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::RemoteDtmf { digit, .. } => Some(digit.to_char()),
                _ => None,
            })
            .collect()
    }

    pub(super) fn opus_settings(&mut self) -> opus::Settings {
        self.session.opus().unwrap().settings()
    }

    fn handle(&mut self, now: Instant, port: Port, datagram: &[u8], from: SocketAddr) {
        if Muxed::of(datagram) == Muxed::Rtp {
            self.marked.push(RtpPacket::parse(datagram).unwrap().marker);
        } else if !self.rtcp_ports_used.contains(&port) {
            self.rtcp_ports_used.push(port);
        }
        self.session.handle_datagram(now, port, datagram, from);
    }

    /// Polls until it waits; answers its reports.
    fn drain(&mut self) -> Vec<(Port, SocketAddr, Vec<u8>)> {
        let mut reports = Vec::new();
        let mut out = Vec::new();
        loop {
            match self.session.poll_output(&mut out) {
                Output::Rtcp { to, muxed } => {
                    let port = if muxed { Port::Rtp } else { Port::Rtcp };
                    reports.push((port, to, out.clone()));
                }
                Output::Event(Event::Quality(quality)) => self.figures.push(quality),
                Output::KeepAlive { .. } => {}
                Output::Event(event) => self.events.push(event),
                Output::Wait(wake_at) => {
                    self.wake_at = wake_at;
                    return reports;
                }
            }
        }
    }

    /// What was heard since this was asked last, at 8 kHz.
    pub(super) fn take_heard(&mut self) -> Vec<f32> {
        std::mem::take(&mut self.heard)
    }

    fn listen(&mut self, now: Instant) {
        let mut out = [0.0; MAX_PULL_SAMPLES];
        let Some(info) = self.session.playout(now, &mut out) else {
            return;
        };
        self.heard.extend(to_ears(&out[..info.samples], info.rate));
        self.silent += usize::from(info.sound == Sound::Silence);
        if self.heard_rates.last() != Some(&info.rate) {
            self.heard_rates.push(info.rate);
        }
    }
}

struct Flying {
    at: Instant,
    to: SocketAddr,
    from: SocketAddr,
    datagram: Vec<u8>,
}

/// Two phones and what is between them.
pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) near: End,
    pub(super) far: End,
    flying: Vec<Flying>,
    pub(super) drop_to_far: Censor,
    pub(super) delay_to_far: Box<dyn FnMut() -> Duration>,
}

impl Pair {
    /// Neither has a plan.
    pub(super) fn new() -> Pair {
        let now = crate::rtp::testing::start();
        Pair {
            now,
            near: End::new(now, NEAR, 1),
            far: End::new(now, FAR, 2),
            flying: Vec::new(),
            drop_to_far: Box::new(|_| false),
            delay_to_far: Box::new(|| 30 * MS),
        }
    }

    /// Both have begun to speak `kind`.
    pub(super) fn talking(kind: CodecKind) -> Pair {
        let mut pair = Pair::new();
        pair.start(kind);
        pair
    }

    pub(super) fn start(&mut self, kind: CodecKind) {
        let (near, far) = (self.plan_for_near(kind), self.plan_for_far(kind));
        self.near.session.apply(self.now, &near).unwrap();
        self.far.session.apply(self.now, &far).unwrap();
    }

    pub(super) fn plan_for_near(&self, kind: CodecKind) -> Plan {
        plan(kind, FAR)
    }

    pub(super) fn plan_for_far(&self, kind: CodecKind) -> Plan {
        plan(kind, NEAR)
    }

    /// Both say something at the rate of their codec; answers what the near and the far one
    /// heard, at 8 kHz.
    pub(super) fn talk(&mut self, near_says: &[f32], far_says: &[f32]) -> (Vec<f32>, Vec<f32>) {
        self.near.heard.clear();
        self.far.heard.clear();
        self.near.heard_rates.truncate(1);
        let rate = self.near.session.capture_rate().unwrap();
        let frame = rate.samples_in(TICK);
        for (near, far) in near_says
            .chunks_exact(frame)
            .zip(far_says.chunks_exact(frame))
        {
            self.tick(Some(near), Some(far));
        }
        (
            std::mem::take(&mut self.near.heard),
            std::mem::take(&mut self.far.heard),
        )
    }

    /// Ten milliseconds pass.
    pub(super) fn tick(&mut self, near_says: Option<&[f32]>, far_says: Option<&[f32]>) {
        self.now += TICK;
        let now = self.now;
        self.flying.sort_by_key(|flying| flying.at);
        while self.flying.first().is_some_and(|flying| flying.at <= now) {
            let Flying {
                at,
                to,
                from,
                datagram,
            } = self.flying.remove(0);
            let end = if to.ip() == NEAR.ip() {
                &mut self.near
            } else {
                &mut self.far
            };
            let port = if to.port() == end.address.port() {
                Port::Rtp
            } else {
                Port::Rtcp
            };
            end.handle(at, port, &datagram, from);
        }
        let mut out = Vec::new();
        for (is_near, says) in [(true, near_says), (false, far_says)] {
            let end = if is_near {
                &mut self.near
            } else {
                &mut self.far
            };
            if end.wake_at.is_none_or(|wake_at| wake_at <= now) {
                end.session.handle_timeout(now);
            }
            // Before it has a plan a phone says nothing.
            let samples = end.session.capture_rate().map(|rate| rate.samples_in(TICK));
            let silence = vec![0.0; samples.unwrap_or(0)];
            let frame = says.unwrap_or(&silence);
            let mut leaving = Vec::new();
            if let Some(to) = end.session.capture(now, frame, &mut out) {
                leaving.push((Port::Rtp, to, out.clone()));
            }
            end.listen(now);
            leaving.extend(end.drain());
            let address = end.address;
            for (port, to, datagram) in leaving {
                let above = u16::from(port == Port::Rtcp);
                let from = SocketAddr::new(address.ip(), address.port() + above);
                let delay = if is_near {
                    (self.delay_to_far)()
                } else {
                    30 * MS
                };
                if !(is_near && port == Port::Rtp && (self.drop_to_far)(&datagram)) {
                    self.flying.push(Flying {
                        at: now + delay,
                        to,
                        from,
                        datagram,
                    });
                }
            }
        }
    }
}

/// Ten seconds of two people at the rate of a codec, and as the ears of these tests hear it.
pub(super) fn speech(rate: SampleRate) -> Vec<f32> {
    crate::codec::testing::speech(rate)
}

/// What these tests compare is at 8 kHz, whichever codec carried it.
pub(super) fn to_ears(sound: &[f32], rate: SampleRate) -> Vec<f32> {
    let step = (rate.hz() / SampleRate::NARROW.hz()) as usize;
    sound
        .chunks_exact(step)
        .map(|chunk| chunk.iter().sum::<f32>() / step as f32)
        .collect()
}

/// What is left of sound after the codec, without any network.
pub(super) fn alone(kind: CodecKind, said: &[f32]) -> Vec<f32> {
    let mut encoder = Encoder::new(kind).unwrap();
    let mut decoder = Decoder::new(kind).unwrap();
    let mut payload = [0; crate::codec::MAX_PAYLOAD];
    let mut sound = [0.0; crate::codec::MAX_PACKET_SAMPLES];
    let mut heard = Vec::new();
    for frame in said.chunks_exact(kind.frame_samples(20 * MS)) {
        let bytes = encoder.encode(frame, &mut payload).unwrap();
        let samples = decoder.decode(&payload[..bytes], &mut sound).unwrap();
        heard.extend_from_slice(&sound[..samples]);
    }
    to_ears(&heard, kind.sound_rate())
}

/// How alike what was heard is to what was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alike {
    /// Over all pieces in which somebody speaks: 1 is the same, 0 is something else.
    pub(super) mean: f32,
    /// The piece that is least alike.
    pub(super) worst: f32,
    /// How much later the last piece was heard than said.
    pub(super) delay: Duration,
}

/// Compares piece by piece of 200 ms, each at the shift at which it is most alike: the jitter
/// buffer may leave out silence, and does.
pub(super) fn alike(said: &[f32], heard: &[f32]) -> Alike {
    const PIECE: usize = 1_600;
    const REACH: usize = 2_400;
    let (mut sum, mut count, mut worst) = (0.0, 0, 1.0_f32);
    let mut lag = None;
    for (index, piece) in said.chunks_exact(PIECE).enumerate() {
        if power(piece) < 1e-3 {
            continue;
        }
        let from = index * PIECE;
        // Anywhere at first, then near where it was.
        let lags = lag.map_or(0..REACH, |lag: usize| lag.saturating_sub(400)..lag + 400);
        let best = lags
            .filter_map(|lag| {
                Some((
                    correlation(piece, heard.get(from + lag..)?.get(..PIECE)?),
                    lag,
                ))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((like, at)) = best else { break };
        if like > 0.5 {
            lag = Some(at);
        }
        sum += like;
        count += 1;
        worst = worst.min(like);
    }
    let delay = SampleRate::NARROW.duration_of(lag.unwrap_or(REACH) as u64);
    Alike {
        mean: if count == 0 { 0.0 } else { sum / count as f32 },
        worst,
        delay,
    }
}

fn power(sound: &[f32]) -> f32 {
    sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32
}

fn correlation(one: &[f32], other: &[f32]) -> f32 {
    let both: f32 = one.iter().zip(other).map(|(a, b)| a * b).sum();
    let scale = (power(one) * power(other)).sqrt() * one.len() as f32;
    if scale > 1e-6 { both / scale } else { 0.0 }
}
