//! What a service says in one call: an echo of packets, or recordings and tones.
//!
//! An echo sends back the packets as they came, under its own source: what the caller hears is
//! their own coding, untouched. Recordings are encoded with what was negotiated.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::impair::{Fate, Impairment};
use super::prompts::Prompt;
use super::service::Service;
use crate::codec::{CodecError, Encoder, MAX_PAYLOAD};
use crate::dsp::resample::resample;
use crate::media::plan::Plan;
use crate::media::protection::Protection;
use crate::rtp::dtmf::{Digit, DtmfEvent, DtmfReceiver};
use crate::rtp::session::{Config, Output, PayloadFormat, PayloadKind, RtpSession};
use crate::units::{PayloadType, RtpTime, SampleRate, Ssrc};

/// How long `609` waits.
const PLAYBACK_DELAY: Duration = Duration::from_secs(5);
/// Packets under way at once: five seconds of 10 ms, and as much again.
const MAX_HELD: usize = 1_000;
/// Silence before a recording begins, and between two.
const PAUSE: Duration = Duration::from_millis(400);
/// What a player that comes late still sends: after a longer stop (the machine slept) it goes on
/// from there.
const CATCHES_UP: Duration = Duration::from_millis(200);
/// The tone of `601`: 1 kHz for a second.
const TONE_HZ: f32 = 1_000.0;

/// What the voice wants done.
#[derive(Debug)]
#[must_use]
pub enum VoiceOutput {
    /// Send the buffer's content from the RTP port.
    Rtp {
        /// Where to.
        to: SocketAddr,
    },
    /// Send the buffer's content from the RTCP port; from the RTP port when muxed.
    Rtcp {
        /// Where to.
        to: SocketAddr,
    },
    /// Nothing to do before this instant.
    Wait(Option<Instant>),
}

/// The voice of one call.
#[derive(Debug)]
pub struct Voice {
    service: Service,
    rtp: RtpSession,
    protection: Protection,
    plan: Option<Plan>,
    /// Datagrams that leave later.
    held: BTreeMap<(Instant, u64), (SocketAddr, Vec<u8>)>,
    /// Packets that are echoed later, with what they need.
    delayed: VecDeque<(Instant, Echo)>,
    next_held: u64,
    network: Option<Impairment>,
    player: Option<Player>,
    digits: Option<DtmfReceiver>,
    called_back: bool,
}

/// A packet to be sent back.
#[derive(Debug)]
struct Echo {
    payload_type: PayloadType,
    marker: bool,
    time: RtpTime,
    payload: Vec<u8>,
}

/// Plays recordings, one after the other.
#[derive(Debug)]
struct Player {
    encoder: Encoder,
    payload_type: PayloadType,
    rate: SampleRate,
    frame: usize,
    ticks: u64,
    ptime: Duration,
    sound: VecDeque<f32>,
    time: u64,
    next_at: Instant,
    begins: bool,
}

impl Voice {
    /// An echo, until [`Voice::serve`] makes it something else.
    #[must_use]
    pub fn new(now: Instant, config: Config) -> Voice {
        Voice {
            service: Service::Echo,
            rtp: RtpSession::new(now, config),
            protection: Protection::default(),
            plan: None,
            held: BTreeMap::new(),
            delayed: VecDeque::new(),
            next_held: 0,
            network: None,
            player: None,
            digits: None,
            called_back: false,
        }
    }

    /// Makes it the voice of a service. `called_back`: the lab made this call. Later than the
    /// first [`Voice::apply`] it changes nothing.
    pub fn serve(&mut self, service: Service, called_back: bool, network_seed: u64) {
        if self.plan.is_none() {
            self.service = service;
            self.called_back = called_back;
            self.network = (service == Service::BadNetwork).then(|| Impairment::new(network_seed));
        }
    }

    /// Makes the sound so.
    ///
    /// # Errors
    /// [`CodecError`]: the codec cannot be set up; the voice stays silent.
    pub fn apply(&mut self, now: Instant, plan: &Plan) -> Result<(), CodecError> {
        let format = |payload_type, clock, kind| PayloadFormat {
            payload_type,
            clock,
            kind,
        };
        let mut formats: Vec<PayloadFormat> = plan
            .accepted
            .iter()
            .map(|(number, kind)| format(*number, kind.rtp_clock(), PayloadKind::Sound))
            .collect();
        let codec = &plan.codec;
        formats.push(format(
            codec.payload_type,
            codec.kind.rtp_clock(),
            PayloadKind::Sound,
        ));
        for (number, clock) in plan.dtmf_receive.iter().chain(&plan.dtmf_send) {
            if let Some(clock) = SampleRate::new(*clock) {
                formats.push(format(*number, clock, PayloadKind::Event));
            }
        }
        // What carries earlier packets again is echoed as it is, like any other.
        for (number, clock) in &plan.redundancy {
            if let Some(clock) = SampleRate::new(*clock) {
                formats.push(format(*number, clock, PayloadKind::Sound));
            }
        }
        self.protection.apply(plan.srtp.as_ref());
        self.rtp.set_formats(&formats);
        let (rtp, rtcp) = (Some(plan.remote_rtp), Some(plan.remote_rtcp));
        self.rtp.set_remote(now, rtp, rtcp, plan.rtcp_mux);
        self.rtp.set_extended_reports(plan.extended_reports);
        self.digits = plan
            .dtmf_receive
            .first()
            .and_then(|(_, clock)| SampleRate::new(*clock))
            .map(DtmfReceiver::new);
        let first = self.plan.is_none();
        let changed = self.plan.as_ref().is_none_or(|old| old.codec != plan.codec);
        self.plan = Some(plan.clone());
        if changed && self.speaks() {
            let sound = self.player.take().map(|player| (player.rate, player.sound));
            let mut player = Player::new(now, plan)?;
            if let Some((rate, sound)) = sound {
                player.queue(&Vec::from(sound), rate);
            }
            self.player = Some(player);
        }
        if first {
            self.greet();
        }
        Ok(())
    }

    fn speaks(&self) -> bool {
        match self.service {
            Service::Speech | Service::Menu | Service::CallsBack | Service::HangsUp => true,
            Service::Echo | Service::BadNetwork | Service::PlaysBack => false,
            Service::Busy | Service::NeverAnswers | Service::NoCodec => false,
        }
    }

    fn greet(&mut self) {
        match self.service {
            Service::Speech => {
                self.say(Prompt::Welcome);
                self.tone();
            }
            Service::Menu => self.say(Prompt::Menu),
            Service::CallsBack if self.called_back => self.say(Prompt::CallingBack),
            Service::CallsBack => self.say(Prompt::WillCallBack),
            Service::HangsUp => self.say(Prompt::HangingUp),
            Service::Echo
            | Service::BadNetwork
            | Service::PlaysBack
            | Service::Busy
            | Service::NeverAnswers
            | Service::NoCodec => {}
        }
    }

    fn say(&mut self, prompt: Prompt) {
        if let Some(player) = &mut self.player {
            player.pause();
            player.queue(&prompt.samples(), SampleRate::WIDE);
        }
    }

    fn tone(&mut self) {
        if let Some(player) = &mut self.player {
            player.pause();
            let rate = SampleRate::WIDE;
            let step = std::f32::consts::TAU * TONE_HZ / rate.hz() as f32;
            let tone: Vec<f32> = (0..rate.hz())
                .map(|n| 0.25 * (step * n as f32).sin())
                .collect();
            player.queue(&tone, rate);
        }
    }

    /// A digit of the caller: only the menu listens.
    fn pressed(&mut self, digit: Digit) {
        if self.service != Service::Menu {
            return;
        }
        if let Some(player) = &mut self.player {
            player.sound.clear();
        }
        match digit.to_char() {
            '1' => self.say(Prompt::Sales),
            '2' => self.say(Prompt::Support),
            '9' => self.say(Prompt::Menu),
            _ => {
                self.say(Prompt::Unknown);
                self.say(Prompt::Menu);
            }
        }
    }

    /// Takes a datagram from the RTP port.
    pub fn handle_rtp(&mut self, now: Instant, datagram: &[u8], from: SocketAddr) {
        let Some(datagram) = self.protection.open(datagram, false) else {
            return;
        };
        let Ok(Some(received)) = self.rtp.handle_muxed(now, datagram, from) else {
            return;
        };
        let packet = received.packet;
        if received.kind == PayloadKind::Event
            && let Some(digits) = &mut self.digits
        {
            digits.handle(now, packet.ssrc, received.time, packet.payload);
        }
        let echo = Echo {
            payload_type: packet.payload_type,
            marker: packet.marker,
            time: received.time,
            payload: packet.payload.to_vec(),
        };
        match self.service {
            Service::Echo | Service::BadNetwork => self.send_back(now, &echo),
            Service::PlaysBack => self.keep(now, echo),
            Service::Speech
            | Service::Menu
            | Service::CallsBack
            | Service::HangsUp
            | Service::Busy
            | Service::NeverAnswers
            | Service::NoCodec => {}
        }
        while let Some(event) = self.digits.as_mut().and_then(DtmfReceiver::poll_output) {
            if let DtmfEvent::Started(digit) = event {
                self.pressed(digit);
            }
        }
    }

    /// Takes a datagram from the RTCP port.
    pub fn handle_rtcp(&mut self, now: Instant, datagram: &[u8], from: SocketAddr) {
        let Some(datagram) = self.protection.open(datagram, true) else {
            return;
        };
        // The session counts what it does not take.
        let _ = self.rtp.handle_rtcp(now, datagram, from);
    }

    /// Keeps a packet for later, and says nothing meanwhile, which is not the same as being
    /// silent: whoever hears no packets at all thinks that the line is dead.
    fn keep(&mut self, now: Instant, echo: Echo) {
        if self.delayed.is_empty()
            && self.player.is_none()
            && let Some(plan) = &self.plan
            && let Ok(mut player) = Player::new(now, plan)
        {
            // Its time runs into that of the packet which it waits for.
            let ahead = plan.codec.kind.frame_ticks(PLAYBACK_DELAY) as u64;
            player.time = echo.time.0.wrapping_sub(ahead);
            self.player = Some(player);
        }
        if self.delayed.len() < MAX_HELD {
            self.delayed.push_back((now + PLAYBACK_DELAY, echo));
        }
    }

    fn send_back(&mut self, now: Instant, echo: &Echo) {
        let mut datagram = Vec::new();
        let sent = self.rtp.send(
            now,
            echo.payload_type,
            echo.marker,
            echo.time,
            &echo.payload,
            &mut datagram,
        );
        if let Ok(to) = sent
            && self.protection.protect_rtp(&mut datagram)
        {
            self.launch(now, to, datagram);
        }
    }

    /// Puts a datagram on its way, through the bad network if this is it.
    fn launch(&mut self, now: Instant, to: SocketAddr, datagram: Vec<u8>) {
        let at = match self.network.as_mut().map(Impairment::decide) {
            Some(Fate::Lost) => return,
            Some(Fate::Delayed(delay)) => now + delay,
            None => now,
        };
        if self.held.len() < MAX_HELD {
            self.held.insert((at, self.next_held), (to, datagram));
            self.next_held += 1;
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.rtp.handle_timeout(now);
        if let Some(digits) = &mut self.digits {
            digits.handle_timeout(now);
        }
        while self.delayed.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, echo)) = self.delayed.pop_front() {
                self.player = None;
                self.send_back(now, &echo);
            }
        }
        let sends = self.plan.as_ref().is_some_and(|plan| plan.send);
        while let Some(player) = self.player.as_mut().filter(|player| player.next_at <= now) {
            let (time, begins) = (RtpTime(player.time), player.begins);
            let payload_type = player.payload_type;
            let mut payload = [0; MAX_PAYLOAD];
            let length = player.next_frame(now, &mut payload);
            let (Some(length), true) = (length, sends) else {
                continue;
            };
            let mut datagram = Vec::new();
            let payload = &payload[..length];
            let sent = self
                .rtp
                .send(now, payload_type, begins, time, payload, &mut datagram);
            if let Ok(to) = sent
                && self.protection.protect_rtp(&mut datagram)
            {
                self.launch(now, to, datagram);
            }
        }
    }

    /// Says goodbye to the far side's statistics (RTCP BYE).
    pub fn close(&mut self, now: Instant) {
        self.held.clear();
        self.rtp.close(now);
    }

    /// What is to be done; call until it answers [`VoiceOutput::Wait`].
    pub fn poll_output(&mut self, now: Instant, out: &mut Vec<u8>) -> VoiceOutput {
        if let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            let (to, datagram) = entry.remove();
            *out = datagram;
            return VoiceOutput::Rtp { to };
        }
        loop {
            match self.rtp.poll_output(out) {
                Output::Rtcp { .. } if !self.protection.protect_rtcp(out) => {}
                Output::Rtcp { to } => return VoiceOutput::Rtcp { to },
                Output::Event(_) => {}
                Output::Wait(reports) => {
                    let held = self.held.keys().next().map(|(at, _)| *at);
                    let delayed = self.delayed.front().map(|(at, _)| *at);
                    let player = self.player.as_ref().map(|player| player.next_at);
                    let next = [reports, held, delayed, player].into_iter().flatten().min();
                    return VoiceOutput::Wait(next);
                }
            }
        }
    }

    /// Whether RTCP shares the port of RTP.
    #[must_use]
    pub fn is_muxed(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.rtcp_mux)
    }
}

impl Player {
    fn new(now: Instant, plan: &Plan) -> Result<Player, CodecError> {
        let kind = plan.codec.kind;
        let ptime = kind.nearest_ptime(plan.codec.ptime);
        Ok(Player {
            encoder: Encoder::new(kind)?,
            payload_type: plan.codec.payload_type,
            rate: kind.sound_rate(),
            frame: kind.frame_samples(ptime),
            ticks: kind.frame_ticks(ptime) as u64,
            ptime,
            sound: VecDeque::new(),
            time: 0,
            next_at: now,
            begins: true,
        })
    }

    fn pause(&mut self) {
        let silent = self.rate.samples_in(PAUSE);
        self.sound.extend(std::iter::repeat_n(0.0, silent));
    }

    fn queue(&mut self, sound: &[f32], rate: SampleRate) {
        match resample(sound, rate, self.rate) {
            Ok(sound) => self.sound.extend(sound),
            Err(error) => tracing::error!("a prompt is not played: {error}"),
        }
    }

    /// The next packet: of a recording, or silence after it. Its length in bytes.
    fn next_frame(&mut self, now: Instant, payload: &mut [u8]) -> Option<usize> {
        let frame: Vec<f32> = (0..self.frame)
            .map(|_| self.sound.pop_front().unwrap_or(0.0))
            .collect();
        self.next_at += self.ptime;
        if self.next_at + CATCHES_UP < now {
            self.next_at = now;
        }
        self.time += self.ticks;
        self.begins = false;
        self.encoder.encode(&frame, payload).ok()
    }
}

/// What a session of the lab starts from.
#[must_use]
pub(super) fn session_config(ssrc: u32, seed: [u8; 32], since_1970: Duration) -> Config {
    let wall_clock = crate::rtp::NtpTime::from_unix(since_1970);
    Config::new(Ssrc(ssrc), "lab@ramal".to_owned(), seed, wall_clock)
}

#[cfg(test)]
mod tests;
