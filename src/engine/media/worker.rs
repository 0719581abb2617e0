//! The loop of the media thread.

mod call;
mod conferences;
mod feeds;
mod loud;
mod orders;
mod recordings;
mod sound;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use self::call::Call;
use super::ear::Ear;
use super::input::Input;
use super::microphone::Microphone;
use super::output::Output;
use super::pace::Pace;
use super::recorder::Recorder;
use super::recording::Recording;
use super::steady::Steady;
use super::trial::Trial;
use super::{MediaReport, Order, WAKE};
use crate::audio::{Clip, lower_current_thread};
use crate::engine::clock;
use crate::jitter::DelayBounds;
use crate::jitter::receiver::MAX_PULL_SAMPLES;
use crate::media::Port;
use crate::media::loudness::Loudness;
use crate::media::mixer::{MEMBERS, Mixer};
use crate::media::plan::{ConferenceId, MediaId};
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
    /// More orders may be there than were taken in one go.
    orders_wait: bool,
    input: Input,
    /// What the microphone hears goes through this.
    microphone: Microphone,
    /// Ticks since its state was told.
    untold: usize,
    pace: Pace,
    /// And then through this.
    steady: Steady,
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
            orders_wait: false,
            input,
            microphone: Microphone::new(VoiceSettings::UNTOUCHED),
            untold: 0,
            pace: Pace::default(),
            steady: Steady::new(),
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
        let mut work = Work {
            worked: clock::thread_cpu(),
            ..Work::default()
        };
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
            let passed = clock::now().saturating_duration_since(woke_at);
            let worked = work.went(passed, clock::thread_cpu);
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
        if self.orders_wait || self.calls.iter().any(|call| call.readable.contains(&true)) {
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
                call.receive(Port::Rtp, buffers, report);
                call.receive(Port::Rtcp, buffers, report);
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
}

/// How long the thread works in one go, by what the processor does for it: the system counts that
/// alone, and the time on the clock holds, too, what others on the same processor took.
///
/// To ask for the processor's time is a call to the system. It is asked only once the clock says
/// that a go was long, and after some more of it has passed in short ones.
#[derive(Debug, Default)]
struct Work {
    /// What the thread had worked when that was asked for the last time.
    worked: Option<Duration>,
    /// What has passed since then, in goes; more than was worked in it.
    passed: Duration,
}

impl Work {
    /// A go has taken so long by the clock. Answers what the thread has surely worked in it, to
    /// within a quarter of [`LONGEST_WORK`]; at most what has passed. `so_far` asks what it has
    /// worked since it began; the clock has to do where that is not known.
    fn went(&mut self, passed: Duration, so_far: impl FnOnce() -> Option<Duration>) -> Duration {
        let others = self.passed;
        self.passed += passed;
        if self.passed <= LONGEST_WORK / 4 {
            return passed;
        }
        let now = so_far();
        let since = now
            .zip(self.worked)
            .map(|(now, then)| now.saturating_sub(then));
        (self.worked, self.passed) = (now, Duration::ZERO);
        match since {
            Some(since) => since.saturating_sub(others).min(passed),
            None => passed,
        }
    }
}

#[cfg(test)]
mod tests;
