//! The loop of the media thread.

mod conferences;
mod feeds;
mod recordings;

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant, SystemTime};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::device::Change;
use super::ear::Ear;
use super::input::{Input, Voice};
use super::microphone::Microphone;
use super::output::{Output, Share};
use super::pace::{Pace, Step};
use super::ports::{PortError, PortPair};
use super::recorder::Recorder;
use super::recording::Recording;
use super::seat::Seat;
use super::trial::{SoundTest, Trial};
use super::{DeviceSide, MediaReport, OpenError, Order, WAKE, layout};
use crate::audio::{Clip, lower_current_thread};
use crate::engine::clock;
use crate::jitter::DelayBounds;
use crate::jitter::receiver::MAX_PULL_SAMPLES;
use crate::media::loudness::Loudness;
use crate::media::microphone::Listening;
use crate::media::mixer::{MEMBERS, Mixer};
use crate::media::plan::{ConferenceId, MediaCommand, MediaId, Plan};
use crate::media::recording::{Paced, Side};
use crate::media::{self, Event, LocalDelay, Port, Session, Setup};
use crate::rtp::NtpTime;
use crate::units::{SampleRate, Ssrc};
use crate::voice::VoiceSettings;

/// How often sound is moved.
const TICK: Duration = Duration::from_millis(10);

/// Ticks made up for after a stall at most; beyond it (the lid was closed) time is let go.
const MAX_CATCH_UP: usize = 50;

/// Work in one go after which the thread gives real time up: the system ends a program that does
/// not, after 200 ms.
const LONGEST_WORK: Duration = Duration::from_millis(80);

/// Datagrams read from one socket before the others have their turn.
const BATCH: usize = 64;

/// Larger than any datagram of speech; what is longer is cut, and then no RTP of ours.
const DATAGRAM: usize = 2_048;

/// Orders taken before packets have their turn.
const ORDERS: usize = 64;

/// Sessions at once.
const MAX_CALLS: usize = 64;

/// Ticks from one report about the microphone to the next.
const VOICE_TOLD: usize = 100;

/// Frames that may go into a first packet: 120 ms.
const FIRST_PACKET: usize = 12;

pub(super) struct Worker<R> {
    poll: Poll,
    inbox: Receiver<Order>,
    input: Input,
    /// What the microphone hears goes through this.
    microphone: Microphone,
    /// Ticks since its state was told.
    untold: usize,
    pace: Pace,
    output: Output,
    loudness: Loudness,
    ear: Ear,
    trial: Option<Trial>,
    record_path: Option<PathBuf>,
    rtp_ports: Option<RangeInclusive<u16>>,
    report: R,
    /// Bounds of the delay of sessions to come.
    delay: DelayBounds,
    calls: Vec<Call>,
    mixer: Mixer,
    /// For calls on hold.
    hold_music: Option<Clip>,
    /// Who spoke last in each conference.
    speakers: Vec<(ConferenceId, MediaId)>,
    /// The recording of both sides of whichever call there is, while there is none.
    between_calls: Option<Box<Recording>>,
    /// Recorders that bring their files to an end.
    finishing: Vec<Recorder>,
    /// Names the next call's sockets to the poll.
    next_slot: usize,
    /// When sound is moved next; `None` while there is none.
    tick_at: Option<Instant>,
    capture_gone: bool,
    playout_gone: bool,
    buffers: Buffers,
}

/// What every call uses in its turn.
struct Buffers {
    datagram: Box<[u8; DATAGRAM]>,
    packet: Vec<u8>,
    frame: Box<[f32; MAX_PULL_SAMPLES]>,
    /// 10 ms of the microphone at its own rate.
    captured: Vec<f32>,
}

struct Call {
    media: MediaId,
    slot: usize,
    session: Session,
    ports: PortPair,
    voice: Voice,
    share: Share,
    seat: Seat,
    /// The recording that goes from call to call, and the one of this call alone.
    recordings: [Option<Box<Recording>>; 2],
    /// It has been sending.
    started: bool,
    wake_at: Option<Instant>,
    /// Sockets that may have more to read, RTP's and RTCP's.
    readable: [bool; 2],
    crashed: bool,
}

enum Went {
    On,
    Home,
}

impl<R: Fn(MediaReport)> Worker<R> {
    pub(super) fn new(
        poll: Poll,
        inbox: Receiver<Order>,
        input: Input,
        output: Output,
        record_path: Option<PathBuf>,
        rtp_ports: Option<RangeInclusive<u16>>,
        report: R,
    ) -> Worker<R> {
        Worker {
            poll,
            inbox,
            input,
            microphone: Microphone::new(VoiceSettings::UNTOUCHED),
            untold: 0,
            pace: Pace::default(),
            output,
            loudness: Loudness::default(),
            ear: Ear::default(),
            trial: None,
            record_path,
            rtp_ports,
            report,
            delay: DelayBounds::default(),
            calls: Vec::new(),
            mixer: Mixer::default(),
            hold_music: None,
            speakers: Vec::with_capacity(MEMBERS),
            between_calls: None,
            finishing: Vec::new(),
            next_slot: 0,
            tick_at: None,
            capture_gone: false,
            playout_gone: false,
            buffers: Buffers {
                datagram: Box::new([0; DATAGRAM]),
                packet: Vec::with_capacity(DATAGRAM),
                frame: Box::new([0.0; MAX_PULL_SAMPLES]),
                captured: Vec::with_capacity(4 * MAX_PULL_SAMPLES),
            },
        }
    }

    /// Bounds the delay of sessions that are opened from now on.
    pub(super) fn bound_delay(&mut self, delay: DelayBounds) {
        self.delay = delay;
    }

    /// With these choices about the microphone's sound; else it is left as it is.
    pub(super) fn with_voice(mut self, voice: VoiceSettings) -> Worker<R> {
        self.microphone = Microphone::new(voice);
        self
    }

    /// Until it is told to close, or nobody is left to tell it.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(2 * MAX_CALLS);
        let mut overworked = false;
        loop {
            let timeout = self.time_to_sleep(clock::now());
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                tracing::error!("media thread cannot wait for sockets: {error}");
                break;
            }
            let woke_at = clock::now();
            for event in &events {
                self.note_readable(event.token());
            }
            let went = self.take_orders();
            self.receive();
            self.expire(clock::now());
            self.tick(clock::now());
            self.sweep();
            let worked = clock::now().saturating_duration_since(woke_at);
            if worked > LONGEST_WORK && !std::mem::replace(&mut overworked, true) {
                tracing::info!(?worked, "media thread was slow: it gives real time up");
                lower_current_thread();
            }
            if let Went::Home = went {
                break;
            }
        }
        let now = clock::now();
        for mut call in std::mem::take(&mut self.calls) {
            call.close(now, &mut self.buffers);
            self.put_recordings_away(now, &mut call);
        }
    }

    fn time_to_sleep(&self, now: Instant) -> Option<Duration> {
        if self.calls.iter().any(|call| call.readable.contains(&true)) {
            return Some(Duration::ZERO);
        }
        let wakes = self.calls.iter().filter_map(|call| call.wake_at);
        let next = wakes.chain(self.tick_at).min()?;
        Some(next.saturating_duration_since(now))
    }

    fn note_readable(&mut self, token: Token) {
        if token == WAKE {
            return;
        }
        if let Some(call) = self.calls.iter_mut().find(|call| call.slot == token.0 / 2) {
            call.readable[token.0 % 2] = true;
        }
    }

    // ---- orders -------------------------------------------------------------------------------

    fn take_orders(&mut self) -> Went {
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
                Ok(Order::Loaded(loaded)) => self.take_loaded(loaded),
                Ok(Order::Close) | Err(TryRecvError::Disconnected) => return Went::Home,
                Err(TryRecvError::Empty) => return Went::On,
            }
        }
        // More may wait, and their wake-up is spent: look again at once.
        self.tick_at = Some(self.tick_at.unwrap_or_else(clock::now).min(clock::now()));
        Went::On
    }

    fn obey(&mut self, command: MediaCommand) {
        let now = clock::now();
        match command {
            MediaCommand::Open { media, local } => match self.open(now, media, local) {
                Ok(report) => (self.report)(report),
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
                    (self.report)(MediaReport::RecordFailed { path });
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

    fn open(
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
            opened: ports.opened,
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
        });
        Ok(report)
    }

    fn apply(&mut self, now: Instant, media: MediaId, plan: &Plan) {
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

    /// Does something to one call. Should that be a defect, it ends the call and not the phone.
    fn with(&mut self, media: MediaId, run: impl FnOnce(&mut Call, &mut Buffers, &R)) {
        let Worker {
            calls,
            buffers,
            report,
            ..
        } = self;
        if let Some(call) = calls.iter_mut().find(|call| call.media == media) {
            call.guarded(|call| run(call, buffers, report));
        }
    }

    // ---- network ------------------------------------------------------------------------------

    fn receive(&mut self) {
        let Worker {
            calls,
            buffers,
            report,
            ..
        } = self;
        for call in calls
            .iter_mut()
            .filter(|call| call.readable.contains(&true))
        {
            call.guarded(|call| {
                call.receive(Port::Rtp, buffers);
                call.receive(Port::Rtcp, buffers);
                call.flush(buffers, report);
            });
        }
    }

    fn expire(&mut self, now: Instant) {
        let Worker {
            calls,
            buffers,
            report,
            ..
        } = self;
        for call in calls.iter_mut() {
            if call.wake_at.is_some_and(|wake_at| wake_at <= now) {
                call.guarded(|call| {
                    call.session.handle_timeout(now);
                    call.flush(buffers, report);
                });
            }
        }
    }

    /// Takes out what a defect has ended.
    fn sweep(&mut self) {
        while let Some(index) = self.calls.iter().position(|call| call.crashed) {
            let mut call = self.calls.swap_remove(index);
            self.mixer.leave(call.media);
            self.put_recordings_away(clock::now(), &mut call);
            tracing::error!("the sound of a call ended by a defect");
            (self.report)(MediaReport::Crashed { media: call.media });
        }
    }

    // ---- sound --------------------------------------------------------------------------------

    fn tick(&mut self, now: Instant) {
        let microphone_wanted = !self.calls.is_empty() || self.tries(SoundTest::Microphone);
        let speaker_wanted =
            !self.calls.is_empty() || self.output.has_tone() || self.tries(SoundTest::Speaker);
        if !microphone_wanted && !speaker_wanted {
            if self.tick_at.take().is_some() {
                self.tend_devices(now, false, false);
                self.rest_ear();
            }
            return;
        }
        let mut due = *self.tick_at.get_or_insert(now);
        let mut ticks = 0;
        while due <= now && ticks < MAX_CATCH_UP {
            due += TICK;
            ticks += 1;
        }
        // By deadlines that never shift, so that files keep the clock's pace.
        self.tick_at = Some(if due <= now { now + TICK } else { due });
        if ticks == 0 {
            return;
        }
        self.tend_devices(now, microphone_wanted, speaker_wanted);
        self.speak(now, ticks);
        if speaker_wanted {
            self.listen(now, ticks);
        }
        self.tend_trial(now);
        self.turn_recordings(now);
        self.tell_voice(ticks);
        if self.output.take_record_failure()
            && let Some(path) = self.record_path.clone()
        {
            (self.report)(MediaReport::RecordFailed { path });
        }
    }

    /// Once a second, while there is a microphone.
    fn tell_voice(&mut self, ticks: usize) {
        self.untold += ticks;
        if self.untold >= VOICE_TOLD {
            self.untold = 0;
            if self.input.running().is_some() {
                (self.report)(MediaReport::Voice(self.microphone.report()));
            }
        }
    }

    fn tend_devices(&mut self, now: Instant, microphone: bool, speaker: bool) {
        let change = self.input.tend(now, microphone);
        let mut opened = matches!(change, Some(Change::Opened));
        tell(
            &self.report,
            DeviceSide::Capture,
            change,
            &mut self.capture_gone,
        );
        let change = self.output.tend(now, speaker);
        opened |= matches!(change, Some(Change::Opened));
        if opened {
            self.microphone.begin(self.input.name(), self.output.name());
        }
        tell(
            &self.report,
            DeviceSide::Playout,
            change,
            &mut self.playout_gone,
        );
        if !microphone && !speaker {
            (self.capture_gone, self.playout_gone) = (false, false);
        }
    }

    /// Frames from the microphone, as many as it has; or from files and silence, by the clock.
    /// Silence too in place of a microphone that runs and gives nothing.
    fn speak(&mut self, now: Instant, ticks: usize) {
        let (listening, far_speaks) = self.listening();
        if self.input.running().is_none() {
            self.rest_ear();
        }
        let Worker {
            calls,
            buffers,
            report,
            input,
            microphone,
            pace,
            output,
            ear,
            trial,
            loudness,
            ..
        } = self;
        let Some(capture) = input.running() else {
            *pace = Pace::default();
            for call in calls.iter_mut() {
                call.guarded(|call| {
                    for left in (0..ticks).rev() {
                        call.speak_by_clock(now, earlier(now, left), buffers, report);
                    }
                });
            }
            return;
        };
        let rate = capture.rate;
        let frame = rate.samples_in(TICK).max(1);
        let usual = capture.reader.health().quantum().div_ceil(frame);
        match pace.step(ticks, capture.reader.available() / frame, usual) {
            Step::Silence(frames) => {
                for call in calls.iter_mut() {
                    call.guarded(|call| {
                        for left in (0..frames.min(MAX_CATCH_UP)).rev() {
                            call.speak_by_clock(now, earlier(now, left), buffers, report);
                        }
                    });
                }
                return;
            }
            Step::Speak { dropped } => {
                let keep = capture.reader.available() - dropped * frame;
                capture.reader.keep_newest(keep);
            }
        }
        for _ in 0..MAX_CATCH_UP {
            // The first of what waits was spoken that long ago.
            let waiting = rate.duration_of(capture.reader.available() as u64);
            let spoken_at = now.checked_sub(waiting).unwrap_or(now);
            buffers.captured.resize(frame, 0.0);
            if !capture.reader.read(&mut buffers.captured) {
                break;
            }
            let sound = buffers.captured.as_slice();
            if let Some(trial) = trial {
                trial.hear(rate, sound, loudness);
            }
            // One's own voice in one's ear would come back as echo.
            let own_ear = !microphone.report().echo.is_cancelling();
            if own_ear && listening == Listening::Open && !calls.is_empty() {
                output.add_sidetone(rate, sound, capture.reader.health().quantum());
            }
            microphone.push(rate, sound);
            while let Some((rate, frame)) = microphone.next() {
                let raw = buffers.captured.as_slice();
                if let Some(state) = ear.hear(raw, (rate, frame), far_speaks, listening) {
                    report(MediaReport::Microphone(state));
                }
                for call in calls.iter_mut() {
                    call.guarded(|call| {
                        call.speak_captured(now, spoken_at, (rate, frame), buffers, report)
                    });
                }
            }
        }
    }

    /// Frames for the speaker, as many as it wants; or for files and nobody, by the clock.
    fn listen(&mut self, now: Instant, ticks: usize) {
        let Worker {
            calls,
            buffers,
            output,
            input,
            mixer,
            speakers,
            report,
            microphone,
            ..
        } = self;
        let playout = output.delay();
        let capture = input.running().map_or(Duration::ZERO, |capture| {
            capture
                .rate
                .duration_of(capture.reader.health().quantum() as u64)
                + microphone.delay()
        });
        let heard = input.running().is_some();
        let wanted = output.frames_wanted();
        let frames = wanted.unwrap_or(ticks);
        for n in 0..frames {
            // A speaker's frames are heard one after the other, behind what waits there already.
            let (heard_at, paced) = match wanted {
                Some(_) => (now + playout + TICK * n as u32, Paced::Card),
                None => (earlier(now, frames - 1 - n), Paced::Clock),
            };
            for call in calls.iter_mut() {
                call.guarded(|call| {
                    call.session
                        .set_local_delay(LocalDelay { capture, playout });
                    if let Some(info) = call.session.playout(now, &mut buffers.frame) {
                        let sound = &buffers.frame[..info.samples];
                        let seated = mixer.conference_of(call.media).is_some();
                        if seated || output.has_speaker() {
                            let frame = call.share.bring(info.rate, sound);
                            mixer.put(call.media, frame);
                        }
                        output.play(&call.share);
                        // A recording begins with what was agreed.
                        if call.session.is_planned() {
                            output.record(&mut call.share, info.rate, sound);
                            for recording in call.recordings.iter_mut().flatten() {
                                recording.push(Side::Far, heard_at, paced, info.rate, sound);
                            }
                        }
                    }
                });
            }
            output.finish_frame();
            if heard && let Some(played) = output.played() {
                microphone.render(played);
            }
            if !mixer.is_empty() {
                conferences::settle(mixer, calls, speakers, report);
            }
        }
    }
}

/// So many ticks before.
fn earlier(now: Instant, ticks: usize) -> Instant {
    now.checked_sub(TICK * ticks as u32).unwrap_or(now)
}

fn tell(report: &impl Fn(MediaReport), side: DeviceSide, change: Option<Change>, gone: &mut bool) {
    match change {
        None => {}
        Some(Change::Opened) => {
            let was_gone = std::mem::replace(gone, false);
            if was_gone {
                report(MediaReport::DeviceBack { side });
            }
        }
        Some(Change::StandsIn) => {
            *gone = true;
            report(MediaReport::DeviceStandsIn { side });
        }
        Some(Change::Gone(error)) => {
            *gone = true;
            report(MediaReport::DeviceGone { side, error });
        }
    }
}

impl Call {
    fn guarded(&mut self, run: impl FnOnce(&mut Call)) {
        if self.crashed {
            return;
        }
        // What a panic leaves behind is thrown away with the call.
        if catch_unwind(AssertUnwindSafe(|| run(self))).is_err() {
            self.crashed = true;
        }
    }

    fn socket(&self, port: Port) -> &UdpSocket {
        match port {
            Port::Rtp => &self.ports.rtp,
            Port::Rtcp => &self.ports.rtcp,
        }
    }

    fn receive(&mut self, port: Port, buffers: &mut Buffers) {
        let flag = usize::from(port == Port::Rtcp);
        for _ in 0..BATCH {
            if !self.readable[flag] {
                return;
            }
            match self.socket(port).recv_from(buffers.datagram.as_mut_slice()) {
                Ok((length, from)) => {
                    let datagram = &buffers.datagram[..length];
                    self.session
                        .handle_datagram(clock::now(), port, datagram, from);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.readable[flag] = false;
                }
                // An earlier packet of ours was refused, and some systems tell it here.
                Err(_) => {}
            }
        }
    }

    /// Sends reports and tells events until the session waits.
    fn flush(&mut self, buffers: &mut Buffers, report: &impl Fn(MediaReport)) {
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

    fn said(&self, event: Event) -> Option<MediaReport> {
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

    fn transmit(&self, port: Port, to: SocketAddr, packet: &[u8]) {
        // A packet that the system does not take is a packet lost: the next one follows.
        if let Err(error) = self.socket(port).send_to(packet, to) {
            tracing::trace!("packet was not sent: {error}");
        }
    }

    /// Gives the session one frame of file or silence, of the moment `at`; answers whether a
    /// packet went out.
    fn speak_by_clock(
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
    fn compose(&mut self, rate: SampleRate, frame: &mut [f32]) {
        self.session.set_substitute(self.seat.is_substitute());
        self.seat.compose(rate, frame);
    }

    /// What goes to the far side goes into the recordings too; where it hears nothing of us,
    /// silence does.
    fn said_here(&mut self, at: Instant, paced: Paced, rate: SampleRate, frame: &[f32]) {
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
    fn speak_captured(
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

    fn close(&mut self, now: Instant, buffers: &mut Buffers) {
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

#[path = "loud.rs"]
mod loud;

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
