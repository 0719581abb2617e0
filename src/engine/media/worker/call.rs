//! One call on the media thread: its session, its sockets and what belongs to it.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use mio::net::UdpSocket;

use super::{BATCH, Buffers, TICK};
use crate::engine::clock;
use crate::engine::media::MediaReport;
use crate::engine::media::input::Voice;
use crate::engine::media::output::Share;
use crate::engine::media::ports::PortPair;
use crate::engine::media::recording::Recording;
use crate::engine::media::seat::Seat;
use crate::jitter::receiver::MAX_PULL_SAMPLES;
use crate::media::plan::MediaId;
use crate::media::recording::{Paced, Side};
use crate::media::route::{Allowances, Arrived, Onward, Route};
use crate::media::{self, Event, Port, Session};
use crate::units::SampleRate;

pub(super) struct Call {
    pub(super) media: MediaId,
    pub(super) slot: usize,
    pub(super) session: Session,
    pub(super) ports: PortPair,
    pub(super) voice: Voice,
    pub(super) share: Share,
    pub(super) seat: Seat,
    /// The recording that goes from call to call, and the one of this call alone.
    pub(super) recordings: [Option<Box<Recording>>; 2],
    /// It has been sending.
    pub(super) started: bool,
    pub(super) wake_at: Option<Instant>,
    /// Sockets that may have more to read, RTP's and RTCP's.
    pub(super) readable: [bool; 2],
    pub(super) crashed: bool,
    pub(super) route: Route,
    /// A packet for a relay, with what that wants before it.
    pub(super) wire: Vec<u8>,
    /// How much more may be handed on.
    pub(super) carried: Allowances,
}

impl Call {
    pub(super) fn guarded(&mut self, run: impl FnOnce(&mut Call)) {
        if self.crashed {
            return;
        }
        // What a panic leaves behind is thrown away with the call.
        if catch_unwind(AssertUnwindSafe(|| run(self))).is_err() {
            self.crashed = true;
        }
    }

    pub(super) fn socket(&self, port: Port) -> &UdpSocket {
        match port {
            Port::Rtp => &self.ports.rtp,
            Port::Rtcp => &self.ports.rtcp,
        }
    }

    pub(super) fn receive(
        &mut self,
        port: Port,
        buffers: &mut Buffers,
        report: &impl Fn(MediaReport),
    ) {
        let flag = usize::from(port == Port::Rtcp);
        for _ in 0..BATCH {
            if !self.readable[flag] {
                return;
            }
            match self.socket(port).recv_from(buffers.datagram.as_mut_slice()) {
                Ok((length, from)) => {
                    self.arrived(port, &buffers.datagram[..length], from, report);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.readable[flag] = false;
                }
                // An earlier packet of ours was refused, and some systems tell it here.
                Err(_) => {}
            }
        }
    }

    fn arrived(
        &mut self,
        port: Port,
        datagram: &[u8],
        from: SocketAddr,
        report: &impl Fn(MediaReport),
    ) {
        let now = clock::now();
        match self.route.arrived(port, datagram, from) {
            Arrived::Sound { packet, from } => {
                self.session.handle_datagram(now, port, packet, from);
            }
            Arrived::Stranger => {}
            Arrived::Carried => {
                let Ok(local) = self.socket(port).local_addr() else {
                    return;
                };
                if self.carried.take(now, self.route.knows(from)) {
                    report(MediaReport::Carried {
                        media: self.media,
                        at: now,
                        port,
                        local,
                        from,
                        bytes: datagram.to_vec(),
                    });
                }
            }
        }
    }

    /// Sends reports and tells events until the session waits.
    pub(super) fn flush(&mut self, buffers: &mut Buffers, report: &impl Fn(MediaReport)) {
        loop {
            match self.session.poll_output(&mut buffers.packet) {
                media::Output::Rtcp { to, muxed } => {
                    let port = if muxed { Port::Rtp } else { Port::Rtcp };
                    self.transmit(port, to, &buffers.packet);
                }
                media::Output::KeepAlive { to } => {
                    self.transmit(Port::Rtp, to, &buffers.packet);
                }
                media::Output::Event(event) => {
                    if let Some(said) = self.said(event) {
                        report(said);
                    }
                }
                media::Output::Wait(wake_at) => {
                    self.wake_at = wake_at;
                    return;
                }
            }
        }
    }

    pub(super) fn said(&self, event: Event) -> Option<MediaReport> {
        let media = self.media;
        Some(match event {
            Event::FirstSent(at) => MediaReport::FirstPacketSent { media, at },
            Event::FirstReceived(at) => MediaReport::FirstPacketReceived { media, at },
            Event::RemoteDtmf { digit, duration } => MediaReport::RemoteDtmf {
                media,
                digit,
                duration,
            },
            Event::Quality(quality) => MediaReport::Quality { media, quality },
            Event::NoSound { ever } => MediaReport::NoSound { media, ever },
            Event::SoundBack => MediaReport::SoundBack { media },
            Event::RemoteAddress(to) => {
                tracing::debug!("sound goes to {to}, where the far side's comes from");
                return None;
            }
        })
    }

    /// Sends a packet of the session the way that is the call's now.
    pub(super) fn transmit(&mut self, port: Port, to: SocketAddr, packet: &[u8]) {
        let mut wire = std::mem::take(&mut self.wire);
        match self.route.onward(port, to, packet, &mut wire) {
            Onward::Straight(to) => self.send(port, None, to, packet),
            Onward::Wrapped(server) => self.send(port, None, server, &wire),
            Onward::Nowhere => {}
        }
        self.wire = wire;
    }

    pub(super) fn send(&self, port: Port, _: Option<SocketAddr>, to: SocketAddr, packet: &[u8]) {
        // A packet that the system does not take is a packet lost: the next one follows.
        if let Err(error) = self.socket(port).send_to(packet, to) {
            tracing::trace!("packet was not sent: {error}");
        }
    }

    /// Gives the session one frame of file or silence, of the moment `at`; answers whether a
    /// packet went out.
    pub(super) fn speak_by_clock(
        &mut self,
        now: Instant,
        at: Instant,
        buffers: &mut Buffers,
        report: &impl Fn(MediaReport),
    ) -> bool {
        let Some(rate) = self.session.capture_rate() else {
            return false;
        };
        let length = rate.samples_in(TICK).min(buffers.frame.len());
        let frame = &mut buffers.frame[..length];
        // A file waits for the moment from which it is heard.
        let ended = if self.session.is_sending() {
            self.voice.by_clock(rate, frame)
        } else {
            frame.fill(0.0);
            false
        };
        let frame = &mut buffers.frame[..length];
        self.compose(rate, frame);
        self.said_here(at, Paced::Clock, rate, frame);
        let to = capture(&mut self.session, now, frame, &mut buffers.packet);
        if let Some(to) = to {
            self.transmit(Port::Rtp, to, &buffers.packet);
            self.flush(buffers, report);
        }
        if ended {
            report(MediaReport::PlayFinished { media: self.media });
        }
        to.is_some()
    }

    /// What the call is given, of 10 ms of the microphone.
    pub(super) fn compose(&mut self, rate: SampleRate, frame: &mut [f32]) {
        self.session.set_substitute(self.seat.is_substitute());
        self.seat.compose(rate, frame);
    }

    /// What goes to the far side goes into the recordings too; where it hears nothing of us,
    /// silence does.
    pub(super) fn said_here(&mut self, at: Instant, paced: Paced, rate: SampleRate, frame: &[f32]) {
        const SILENCE: [f32; MAX_PULL_SAMPLES] = [0.0; MAX_PULL_SAMPLES];
        let heard = if self.session.is_open() {
            frame
        } else {
            &SILENCE[..frame.len()]
        };
        for recording in self.recordings.iter_mut().flatten() {
            recording.push(Side::Near, at, paced, rate, heard);
        }
    }

    /// Gives the session 10 ms of the microphone, at their rate, spoken at `at`.
    pub(super) fn speak_captured(
        &mut self,
        now: Instant,
        at: Instant,
        (rate, frame): (SampleRate, &[f32]),
        buffers: &mut Buffers,
        report: &impl Fn(MediaReport),
    ) {
        let Some(mut wanted) = self.session.capture_rate() else {
            return;
        };
        self.voice.push(rate, wanted, frame);
        loop {
            let length = wanted.samples_in(TICK).min(buffers.frame.len());
            if !self.voice.next(&mut buffers.frame[..length]) {
                return;
            }
            let frame = &mut buffers.frame[..length];
            self.compose(wanted, frame);
            self.said_here(at, Paced::Card, wanted, frame);
            if let Some(to) = capture(&mut self.session, now, frame, &mut buffers.packet) {
                self.transmit(Port::Rtp, to, &buffers.packet);
                self.flush(buffers, report);
            }
            if self.session.capture_rate() != Some(wanted) {
                // Another codec begins: what was made for the old one is a few milliseconds.
                return;
            }
            wanted = self.session.capture_rate().unwrap_or(wanted);
        }
    }

    pub(super) fn close(&mut self, now: Instant, buffers: &mut Buffers) {
        self.guarded(|call| {
            call.session.close(now);
            // Nobody is told any more; the goodbye goes out.
            call.flush(buffers, &|_| {});
        });
    }
}

/// Gives a session a frame, and tells it how long it worked on a packet.
fn capture(
    session: &mut Session,
    now: Instant,
    frame: &[f32],
    packet: &mut Vec<u8>,
) -> Option<SocketAddr> {
    let begun = clock::now();
    let to = session.capture(now, frame, packet)?;
    session.handle_work(clock::now().saturating_duration_since(begun));
    Some(to)
}
