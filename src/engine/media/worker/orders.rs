//! What the media thread is told to do.

use std::net::IpAddr;
use std::sync::mpsc::TryRecvError;
use std::time::{Instant, SystemTime};

use mio::{Interest, Token};
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::{Call, DATAGRAM, FIRST_PACKET, MAX_CALLS, ORDERS, Went, Worker};
use crate::engine::clock;
use crate::engine::media::output::Share;
use crate::engine::media::ports::{PortError, PortPair};
use crate::engine::media::recorder::Recorder;
use crate::engine::media::seat::Seat;
use crate::engine::media::{MediaReport, OpenError, Order, RecordFailure, layout};
use crate::media::plan::{MediaCommand, MediaId, Plan, Route};
use crate::media::route::Allowances;
use crate::media::{Session, Setup};
use crate::rtp::NtpTime;
use crate::units::Ssrc;

impl<R: Fn(MediaReport)> Worker<R> {
    pub(super) fn take_orders(&mut self) -> Went {
        self.orders_wait = false;
        for _ in 0..ORDERS {
            match self.inbox.try_recv() {
                Ok(Order::Media(command)) => self.obey(command),
                Ok(Order::Select { input, output }) => {
                    self.input.select(input);
                    self.output.select(output);
                }
                Ok(Order::Voice(settings)) => self.microphone.set(settings),
                Ok(Order::Tone(tone)) => self.output.set_tone(tone),
                Ok(Order::Delay(delay)) => self.bound_delay(delay),
                Ok(Order::Devices(list)) => {
                    let now = clock::now();
                    self.input.handle_devices(now, &list);
                    self.output.handle_devices(now, &list);
                }
                Ok(Order::Loudness(loudness)) => self.set_loudness(loudness),
                Ok(Order::Test(test)) => self.try_sound(test),
                Ok(Order::Country(country)) => self.output.set_country(country),
                Ok(Order::Key(key)) => self.output.press_key(key),
                Ok(Order::RingVolume(percent)) => self.output.set_ring_volume(percent),
                Ok(Order::RingDevice(name)) => self.output.select_ring(name),
                Ok(Order::Loaded(loaded)) => self.take_loaded(loaded),
                Ok(Order::Close) | Err(TryRecvError::Disconnected) => return Went::Home,
                Err(TryRecvError::Empty) => return Went::On,
            }
        }
        // More may wait, and their wake-up is spent.
        self.orders_wait = true;
        Went::On
    }

    pub(super) fn obey(&mut self, command: MediaCommand) {
        let now = clock::now();
        match command {
            MediaCommand::Open { media, local } => match self.open(now, media, local) {
                Ok(report) => (self.report)(report),
                Err(error) => (self.report)(MediaReport::OpenFailed { media, error }),
            },
            MediaCommand::Move { media, local } => match self.reopen(media, local) {
                Ok(report) => report.into_iter().for_each(|report| (self.report)(report)),
                Err(error) => (self.report)(MediaReport::OpenFailed { media, error }),
            },
            MediaCommand::Listen { media, accepted } => {
                self.with(media, |call, buffers, report| {
                    if let Err(error) = call.session.listen(&accepted) {
                        tracing::debug!("nothing is heard before the answer: {error}");
                    }
                    call.flush(buffers, report);
                })
            }
            MediaCommand::Apply { media, plan } => self.apply(now, media, &plan),
            MediaCommand::Route { media, route } => {
                self.with(media, |call, _, _| call.route = *route);
            }
            MediaCommand::Transmit {
                media,
                port,
                local,
                to,
                bytes,
            } => self.with(media, |call, _, _| call.send(port, local, to, &bytes)),
            MediaCommand::SetMuted { media, muted } => {
                self.with(media, |call, _, _| {
                    call.seat.muted = muted;
                    call.session.set_muted(muted);
                });
            }
            MediaCommand::SendDtmf { media, digits } => self.with(media, |call, _, _| {
                let taken = call.session.press(&digits);
                if taken < digits.chars().count() {
                    tracing::debug!("{taken} of the digits were taken");
                }
            }),
            MediaCommand::Confer { media, conference } => self.confer(media, conference),
            MediaCommand::Feed { media, feed } => self.feed(media, feed),
            MediaCommand::Record {
                media,
                path,
                format,
                sides,
            } => match Recorder::start(&path, layout(format, sides)) {
                Ok(recorder) => self.record(now, media, recorder, sides),
                Err(error) => {
                    tracing::warn!("no recording: {error:#}");
                    let why = RecordFailure::Unwritable;
                    (self.report)(MediaReport::RecordFailed { path, why });
                }
            },
            MediaCommand::StopRecording { media } => self.stop_recording(now, media),
            MediaCommand::Close { media } => {
                if let Some(index) = self.calls.iter().position(|call| call.media == media) {
                    let mut call = self.calls.swap_remove(index);
                    call.close(now, &mut self.buffers);
                    self.mixer.leave(media);
                    self.put_recordings_away(now, &mut call);
                }
            }
        }
    }

    pub(super) fn open(
        &mut self,
        now: Instant,
        media: MediaId,
        local: IpAddr,
    ) -> Result<MediaReport, OpenError> {
        if self.calls.len() >= MAX_CALLS {
            return Err(PortError::TooManyCalls.into());
        }
        let mut session = Session::new(now, fresh_setup().map_err(OpenError::System)?);
        session.bound_delay(self.delay);
        session.set_gain(self.loudness.input_db);
        let mut ports = PortPair::open(local, self.rtp_ports.as_ref())?;
        let slot = self.next_slot;
        let registry = self.poll.registry();
        for (index, socket) in [&mut ports.rtp, &mut ports.rtcp].into_iter().enumerate() {
            registry
                .register(socket, Token(slot * 2 + index), Interest::READABLE)
                .map_err(OpenError::System)?;
        }
        self.next_slot = (slot + 1) % (usize::MAX / 4);
        let report = MediaReport::Opened {
            media,
            opened: ports.opened.clone(),
            levels: session.levels(),
        };
        let recording = self.take_recording(now);
        self.calls.push(Call {
            media,
            slot,
            session,
            ports,
            voice: self.input.voice(),
            share: Share::default(),
            seat: Seat::default(),
            recordings: [recording, None],
            started: false,
            wake_at: None,
            readable: [false; 2],
            crashed: false,
            route: Route::default(),
            wire: Vec::with_capacity(DATAGRAM),
            carried: Allowances::new(now),
        });
        Ok(report)
    }

    /// Other ports for a call that goes on.
    fn reopen(&mut self, media: MediaId, local: IpAddr) -> Result<Option<MediaReport>, OpenError> {
        let Some(call) = self.calls.iter_mut().find(|call| call.media == media) else {
            return Ok(None);
        };
        let mut ports = PortPair::open(local, self.rtp_ports.as_ref())?;
        let registry = self.poll.registry();
        for (index, socket) in [&mut ports.rtp, &mut ports.rtcp].into_iter().enumerate() {
            registry
                .register(socket, Token(call.slot * 2 + index), Interest::READABLE)
                .map_err(OpenError::System)?;
        }
        let mut old = std::mem::replace(&mut call.ports, ports);
        for socket in [&mut old.rtp, &mut old.rtcp] {
            if let Err(error) = registry.deregister(socket) {
                tracing::debug!("a socket that is given back: {error}");
            }
        }
        call.readable = [true; 2];
        Ok(Some(MediaReport::Opened {
            media,
            opened: call.ports.opened.clone(),
            levels: call.session.levels(),
        }))
    }

    pub(super) fn apply(&mut self, now: Instant, media: MediaId, plan: &Plan) {
        self.with(media, |call, buffers, report| {
            call.seat.held = plan.held;
            if let Err(error) = call.session.apply(now, plan) {
                report(MediaReport::PlanFailed { media, error });
            }
            call.flush(buffers, report);
        });
        let Some(call) = self.calls.iter_mut().find(|call| call.media == media) else {
            return;
        };
        if call.session.is_sending() && !call.started {
            call.started = true;
            if self.input.running().is_some() {
                self.input.freshen();
            } else {
                // Nothing has to be waited for: the first packet leaves at once.
                self.with(media, |call, buffers, report| {
                    for _ in 0..FIRST_PACKET {
                        if call.speak_by_clock(now, now, buffers, report) {
                            break;
                        }
                    }
                });
            }
        }
    }
}

/// Numbers that nobody can guess.
fn fresh_setup() -> std::io::Result<Setup> {
    let mut random = [0_u8; 32 + 4 + 12];
    SysRng
        .try_fill_bytes(&mut random)
        .map_err(std::io::Error::other)?;
    let (seed, rest) = random.split_at(32);
    let (ssrc, name) = rest.split_at(4);
    let since_1970 = clock::wall_clock()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Ok(Setup {
        ssrc: Ssrc(
            ssrc.iter()
                .fold(0, |number, byte| number << 8 | u32::from(*byte)),
        ),
        // 96 random bits (RFC 7022 section 4.2).
        cname: name.iter().map(|byte| format!("{byte:02x}")).collect(),
        seed: seed.try_into().unwrap_or([0; 32]),
        wall_clock: NtpTime::from_unix(since_1970),
    })
}
