//! The sound of one call, whole: a plan in, packets and frames both ways, figures out.
//!
//! Sans-IO. Three things drive it: datagrams when they come, 10 ms of the microphone when the
//! microphone has them, 10 ms for the speaker when the speaker wants them. What it has to say
//! beyond that comes from [`Session::poll_output`].

mod formats;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Levels;
use super::adaptation::{Burst, Report};
use super::downlink::Downlink;
use super::figures::{Findings, Interval};
use super::meter::{Needle, Speech, Talk};
use super::microphone::Listening;
use super::plan::{Accepted, Plan};
use super::protection::Protection;
use super::quality::{LocalDelay, Quality};
use super::uplink::Uplink;
use crate::codec::CodecError;
use crate::dsp::dtmf_detect::DtmfDetector;
use crate::dsp::gain::Volume;
use crate::jitter::receiver::MAX_PULL_SAMPLES;
use crate::jitter::{DelayBounds, Inserted, PullInfo, ReceiverStats};
use crate::rtp::dtmf::{Digit, DtmfEvent};
use crate::rtp::session::{Event as RtpEvent, PayloadKind};
use crate::rtp::{Config, NtpTime, Output as RtpOutput, Received, RtpSession, StreamStats};
use crate::units::{SampleRate, Ssrc};

/// How often figures are told.
const FIGURES: Duration = Duration::from_secs(1);

/// So long without a packet is worth a word.
const SILENCE: Duration = Duration::from_secs(5);

/// How often something is sent by one who only listens, so that what stands between keeps the
/// way open: RFC 6263 section 3 asks for 15 s.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// 10 ms at the highest rate that any codec takes.
const MAX_CAPTURE_SAMPLES: usize = 480;

/// Events that wait to be polled; the oldest is dropped for the newest.
const MAX_EVENTS: usize = 32;

/// What only the outside knows.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Our source, random (RFC 3550 section 8.1).
    pub ssrc: Ssrc,
    /// Our name in reports, random for privacy (RFC 7022).
    pub cname: String,
    /// From a secure random source.
    pub seed: [u8; 32],
    /// The time of day at the moment of [`Session::new`].
    pub wall_clock: NtpTime,
}

/// What a session has to say.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output {
    /// The buffer holds a report.
    Rtcp {
        /// Where to.
        to: SocketAddr,
        /// From the RTP socket (RFC 5761); else from that of RTCP.
        muxed: bool,
    },
    /// An empty datagram from the RTP socket (RFC 6263 section 4.1): who only listens keeps the
    /// way open.
    KeepAlive {
        /// Where to.
        to: SocketAddr,
    },
    /// Something happened.
    Event(Event),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// The first packet of sound went out.
    FirstSent(Instant),
    /// The first usable packet came in.
    FirstReceived(Instant),
    /// The far side pressed a key and let it go.
    RemoteDtmf {
        /// Which.
        digit: Digit,
        /// For how long, as far as was heard.
        duration: Duration,
    },
    /// A second's figures.
    Quality(Quality),
    /// Sound is expected and none has come for five seconds. Told once for each silence.
    NoSound {
        /// None has ever come.
        ever: bool,
    },
    /// It came again after that.
    SoundBack,
    /// Ours goes elsewhere from now on: where theirs comes from.
    RemoteAddress(SocketAddr),
}

/// Which socket a datagram came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// RTP's, on which RTCP may come too.
    Rtp,
    /// RTCP's own.
    Rtcp,
}

/// Whether sound comes.
#[derive(Clone, Copy, Debug)]
enum Hearing {
    /// None is expected.
    Off,
    /// Expected, and here or on its way; worth a word when this instant passes without any.
    Waiting { complain_at: Instant },
    /// The word was said.
    Missing,
}

/// The sound of one call.
#[derive(Debug)]
pub struct Session {
    rtp: RtpSession,
    protection: Protection,
    uplink: Uplink,
    downlink: Downlink,
    /// Listens for keys in the sound, where none come as events.
    ear: Option<(SampleRate, DtmfDetector)>,
    /// No telephone events were agreed on: keys come as tones, if at all.
    by_ear: bool,
    rtcp_mux: bool,
    /// There was a plan.
    planned: bool,
    levels: Arc<Levels>,
    /// The microphone's gain, and 10 ms with it.
    volume: Volume,
    captured: Box<[f32; MAX_CAPTURE_SAMPLES]>,
    spoken: Needle,
    heard: Needle,
    spoken_speech: Speech,
    heard_speech: Speech,
    talk: Talk,
    hearing: Hearing,
    figures_at: Option<Instant>,
    /// While sound comes and none goes.
    keep_alive_at: Option<Instant>,
    keep_alive_due: bool,
    interval: Interval,
    local_delay: LocalDelay,
    /// When the last report taken for adaptation came.
    adapted_at: Option<Instant>,
    first_sent: bool,
    first_received: bool,
    events: VecDeque<Event>,
}

impl Session {
    /// Open and silent: it waits for a plan.
    #[must_use]
    pub fn new(now: Instant, setup: Setup) -> Session {
        let Setup {
            ssrc,
            cname,
            seed,
            wall_clock,
        } = setup;
        Session {
            rtp: RtpSession::new(now, Config::new(ssrc, cname, seed, wall_clock)),
            protection: Protection::default(),
            uplink: Uplink::default(),
            downlink: Downlink::default(),
            ear: None,
            by_ear: false,
            rtcp_mux: false,
            planned: false,
            levels: Arc::default(),
            volume: Volume::new(SampleRate::FULL, 0),
            captured: Box::new([0.0; MAX_CAPTURE_SAMPLES]),
            spoken: Needle::default(),
            heard: Needle::default(),
            spoken_speech: Speech::default(),
            heard_speech: Speech::default(),
            talk: Talk::default(),
            hearing: Hearing::Off,
            figures_at: None,
            keep_alive_at: None,
            keep_alive_due: false,
            interval: Interval::default(),
            local_delay: LocalDelay::default(),
            adapted_at: None,
            first_sent: false,
            first_received: false,
            events: VecDeque::with_capacity(MAX_EVENTS),
        }
    }

    /// How long sound waits for late packets; of effect before the first plan.
    pub fn bound_delay(&mut self, delay: DelayBounds) {
        self.downlink.bound_delay(delay);
    }

    /// Makes the sound so from the next packet on. The same plan again changes nothing.
    ///
    /// # Errors
    ///
    /// When a codec cannot be set up; the rest of the plan holds then.
    pub fn apply(&mut self, now: Instant, plan: &Plan) -> Result<(), CodecError> {
        self.rtcp_mux = plan.rtcp_mux;
        self.planned = true;
        self.protection.apply(plan.srtp.as_ref());
        self.rtp
            .set_formats(&formats::of_plan(plan, self.uplink.choice()));
        self.rtp.set_remote(
            now,
            Some(plan.remote_rtp),
            Some(plan.remote_rtcp),
            plan.rtcp_mux,
        );
        self.rtp.set_extended_reports(plan.extended_reports);
        // Who holds us (`a=sendonly`, RFC 3264 section 8.4) plays music or does not.
        // Who has not answered yet may be silent too.
        let expected = plan.receive && plan.send && !plan.early;
        self.hearing = match (expected, self.hearing) {
            (false, _) => Hearing::Off,
            (true, Hearing::Off) => Hearing::Waiting {
                complain_at: now + SILENCE,
            },
            (true, hearing) => hearing,
        };
        self.figures_at.get_or_insert(now + FIGURES);
        let listening = plan.receive && !plan.send;
        self.keep_alive_due |= listening && self.keep_alive_at.is_none();
        self.keep_alive_due &= listening;
        self.keep_alive_at = listening.then(|| self.keep_alive_at.unwrap_or(now + KEEP_ALIVE));
        self.by_ear = plan.dtmf_receive.is_empty();
        let spoken = self.uplink.apply(plan);
        self.downlink.apply(plan)?;
        spoken
    }

    /// Plays what comes by what we offered, from wherever it comes, until there is a plan.
    ///
    /// # Errors
    ///
    /// When a codec cannot be set up; the plan will say so again.
    pub fn listen(&mut self, accepted: &Accepted) -> Result<(), CodecError> {
        if self.planned {
            return Ok(());
        }
        if accepted.protected {
            self.protection.withhold();
        }
        self.rtp.set_formats(&formats::of_offer(accepted));
        self.downlink.listen(accepted)
    }

    /// Whether what the far side said is known; until then only what comes by our offer is played.
    #[must_use]
    pub fn is_planned(&self) -> bool {
        self.planned
    }

    /// Microphone or silence.
    pub fn set_muted(&mut self, muted: bool) {
        self.uplink.set_muted(muted);
    }

    /// What [`Session::capture`] takes is not the microphone, or not it alone: neither mute nor hold
    /// is done here, but by whoever makes the sound.
    pub fn set_substitute(&mut self, substitute: bool) {
        self.uplink.set_substitute(substitute);
    }

    /// The microphone's gain in dB, within [`crate::dsp::gain::GAIN_DB`]; it never leaves full
    /// scale.
    pub fn set_gain(&mut self, db: i32) {
        self.volume.set(db);
    }

    /// Queues digits to be sent, and answers how many were taken: those that are none, and those
    /// beyond 64 that wait, are not. Where the far side takes no telephone events, they are sent
    /// as tones in the sound.
    pub fn press(&mut self, digits: &str) -> usize {
        digits
            .chars()
            .filter_map(Digit::from_char)
            .take_while(|digit| self.uplink.press(*digit).is_ok())
            .count()
    }

    /// Tells how long sound spends in this computer's devices, for the estimate of the whole way.
    pub fn set_local_delay(&mut self, delay: LocalDelay) {
        self.local_delay = delay;
    }

    /// The rate at which [`Session::capture`] wants its next frame; `None` before the first plan.
    #[must_use]
    pub fn capture_rate(&self) -> Option<SampleRate> {
        self.uplink.rate()
    }

    /// Whether packets of sound go out: from here on a file that is to be played is read.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.uplink.is_sending()
    }

    /// For whom the microphone is, as far as this call goes.
    #[must_use]
    pub fn listening(&self) -> Listening {
        if self.uplink.is_open() {
            Listening::Open
        } else if self.uplink.is_muted() {
            Listening::Muted
        } else {
            Listening::Nobody
        }
    }

    /// Whether the far side speaks at the moment.
    #[must_use]
    pub fn far_speaks(&self) -> bool {
        self.heard_speech.speaks()
    }

    /// Whether what [`Session::capture`] takes is heard on the far side: neither muted nor held.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.uplink.is_open()
    }

    #[cfg(test)]
    fn opus(&mut self) -> Option<&mut crate::codec::opus::Encoder> {
        self.uplink.opus()
    }

    /// Live levels.
    #[must_use]
    pub fn levels(&self) -> Arc<Levels> {
        Arc::clone(&self.levels)
    }

    /// How the network fares.
    #[must_use]
    pub fn stats(&self) -> StreamStats {
        self.rtp.stats()
    }

    /// Datagrams that were refused since they were not protected as agreed on.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.protection.refused()
    }

    /// How the sound was received.
    #[must_use]
    pub fn received(&self) -> ReceiverStats {
        self.downlink.stats()
    }

    /// Takes 10 ms of the microphone at [`Session::capture_rate`]. When they fill a packet, it
    /// is in `out`, to be sent from the RTP socket to the address answered.
    pub fn capture(
        &mut self,
        now: Instant,
        frame: &[f32],
        out: &mut Vec<u8>,
    ) -> Option<SocketAddr> {
        let frame = self.amplified(frame);
        match self.uplink.rate() {
            Some(rate) if self.uplink.is_open() => {
                self.spoken.observe(rate, &self.captured[..frame]);
                self.spoken_speech.observe(rate, &self.captured[..frame]);
            }
            _ => self.spoken.observe_silence(),
        }
        self.levels.set(self.spoken.level(), self.heard.level());
        let frame = &self.captured[..frame];
        let to = self.uplink.frame(now, frame, &mut self.rtp, out)?;
        if !self.protection.protect_rtp(out) {
            return None;
        }
        if !self.first_sent {
            self.first_sent = true;
            self.tell(Event::FirstSent(now));
        }
        Some(to)
    }

    /// Copies a frame and applies the gain; answers its length, which is 0 for one that is too
    /// long to be sound of any codec.
    fn amplified(&mut self, frame: &[f32]) -> usize {
        let Some(captured) = self.captured.get_mut(..frame.len()) else {
            return 0;
        };
        captured.copy_from_slice(frame);
        if let Some(rate) = self.uplink.rate() {
            self.volume.apply(rate, captured);
        }
        frame.len()
    }

    /// Takes how long [`Session::capture`] took for the packet that it gave: where the processor is
    /// slow, the encoder is given less to do.
    pub fn handle_work(&mut self, spent: Duration) {
        // An encoder that refuses a setting goes on with the one it has.
        let _ = self.uplink.handle_work(spent);
    }

    /// Writes 10 ms for the speaker into the first samples of `out`, at the rate of the codec
    /// that is heard, which may change. `None` before the first plan.
    pub fn playout(&mut self, now: Instant, out: &mut [f32; MAX_PULL_SAMPLES]) -> Option<PullInfo> {
        let info = self.downlink.pull(now, out)?;
        self.heard.observe(info.rate, &out[..info.samples]);
        self.heard_speech.observe(info.rate, &out[..info.samples]);
        self.talk.observe(&out[..info.samples]);
        self.levels.set(self.spoken.level(), self.heard.level());
        self.hear_keys(info.rate, &out[..info.samples]);
        Some(info)
    }

    /// Listens for keys in what is heard. Allocates where the rate of the sound changes.
    fn hear_keys(&mut self, rate: SampleRate, sound: &[f32]) {
        if !self.by_ear {
            self.ear = None;
            return;
        }
        let (_, mut ear) = match self.ear.take() {
            Some(known) if known.0 == rate => known,
            _ => (rate, DtmfDetector::new(rate)),
        };
        ear.listen(sound, |key, duration| {
            if let Some(digit) = Digit::from_char(key) {
                self.tell(Event::RemoteDtmf { digit, duration });
            }
        });
        self.ear = Some((rate, ear));
    }

    /// Takes a datagram. What is not of this call is counted and dropped.
    pub fn handle_datagram(&mut self, now: Instant, port: Port, datagram: &[u8], from: SocketAddr) {
        let reports = port == Port::Rtcp;
        let Some(datagram) = self.protection.open(datagram, reports) else {
            return;
        };
        match port {
            Port::Rtp => {
                // On this port reports are taken too: some send them muxed without a word.
                if let Ok(Some(received)) = self.rtp.handle_muxed(now, datagram, from) {
                    let inserted = self.downlink.handle(now, &received);
                    let Received { kind, seq, .. } = received;
                    if let Some(Inserted::Late | Inserted::Unexpected) = inserted {
                        self.rtp.discard(seq);
                    }
                    self.note_packet(now, kind);
                }
            }
            Port::Rtcp => {
                // The session counts what it does not take.
                let _ = self.rtp.handle_rtcp(now, datagram, from);
            }
        }
        self.settle();
    }

    fn note_packet(&mut self, now: Instant, kind: PayloadKind) {
        if kind != PayloadKind::Event && !self.first_received {
            self.first_received = true;
            self.tell(Event::FirstReceived(now));
        }
        match self.hearing {
            Hearing::Off => {}
            Hearing::Waiting { .. } => {
                self.hearing = Hearing::Waiting {
                    complain_at: now + SILENCE,
                };
            }
            Hearing::Missing => {
                self.hearing = Hearing::Waiting {
                    complain_at: now + SILENCE,
                };
                self.tell(Event::SoundBack);
            }
        }
    }

    /// The instant of [`Output::Wait`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.rtp.handle_timeout(now);
        self.downlink.handle_timeout(now);
        if let Hearing::Waiting { complain_at } = self.hearing
            && complain_at <= now
        {
            if self.downlink.expects_sound() {
                self.hearing = Hearing::Missing;
                self.tell(Event::NoSound {
                    ever: !self.first_received,
                });
            } else {
                self.hearing = Hearing::Waiting {
                    complain_at: now + SILENCE,
                };
            }
        }
        if self.keep_alive_at.is_some_and(|due| due <= now) {
            self.keep_alive_due = true;
            self.keep_alive_at = Some(now + KEEP_ALIVE);
        }
        if let Some(due) = self.figures_at
            && due <= now
        {
            // On the second, however late we are; after a long sleep not one for each missed.
            self.figures_at = Some(if now - due < FIGURES {
                due + FIGURES
            } else {
                now + FIGURES
            });
            self.reckon();
        }
        self.settle();
    }

    /// A second is over.
    fn reckon(&mut self) {
        let Some(codec) = self.downlink.codec() else {
            return;
        };
        let (quality, listening) = self.interval.close(&Findings {
            network: &self.rtp.stats(),
            received: &self.downlink.stats(),
            codec,
            ptime: self.downlink.ptime(),
            spoken: self
                .uplink
                .choice()
                .zip(self.uplink.ptime())
                .map(|(choice, ptime)| (choice.kind, ptime)),
            buffer_longest: self.downlink.longest_delay(),
            talk: self.talk.levels(),
            speech: (self.spoken_speech.level(), self.heard_speech.level()),
            local: self.local_delay,
        });
        self.rtp.set_listening(listening);
        self.tell(Event::Quality(quality));
    }

    /// Brings what the parts have to say together.
    fn settle(&mut self) {
        while let Some(event) = self.downlink.poll_event() {
            if let DtmfEvent::Ended { digit, duration } = event {
                self.tell(Event::RemoteDtmf { digit, duration });
            }
        }
        if self.downlink.has_heard_dred() {
            self.uplink.handle_dred();
        }
        let stats = self.rtp.stats();
        let view = stats.remote_view;
        if let Some(view) = view.filter(|view| self.adapted_at != Some(view.at)) {
            self.adapted_at = Some(view.at);
            // An encoder that refuses a setting goes on with the one it has.
            let _ = self.uplink.handle_report(&Report {
                loss: view.loss,
                discarded: stats.remote_metrics.map_or(0.0, |said| {
                    f64::from(said.metrics.discard.percent()) / 100.0
                }),
                burst: stats.remote_metrics.map(|said| Burst {
                    density: said.metrics.burst_density.percent() / 100.0,
                }),
                jitter: view.jitter,
                round_trip: stats.round_trip,
            });
        }
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Ends the sound: a last report says goodbye with the next poll.
    pub fn close(&mut self, now: Instant) {
        self.rtp.close(now);
        self.hearing = Hearing::Off;
        self.figures_at = None;
        (self.keep_alive_at, self.keep_alive_due) = (None, false);
    }

    /// The next output; a report or an empty datagram replaces the content of `out`. Poll after
    /// each input until it answers [`Output::Wait`].
    pub fn poll_output(&mut self, out: &mut Vec<u8>) -> Output {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Output::Event(event);
            }
            if std::mem::take(&mut self.keep_alive_due)
                && let Some(to) = self.rtp.stats().remote
            {
                out.clear();
                return Output::KeepAlive { to };
            }
            match self.rtp.poll_output(out) {
                RtpOutput::Rtcp { .. } if !self.protection.protect_rtcp(out) => {}
                RtpOutput::Rtcp { to } => {
                    return Output::Rtcp {
                        to,
                        muxed: self.rtcp_mux,
                    };
                }
                RtpOutput::Event(RtpEvent::RemoteAddress { from: Some(_), to }) => {
                    return Output::Event(Event::RemoteAddress(to));
                }
                RtpOutput::Event(_) => {}
                RtpOutput::Wait(report_at) => return Output::Wait(self.next_wake(report_at)),
            }
        }
    }

    fn next_wake(&self, report_at: Option<Instant>) -> Option<Instant> {
        let complain_at = match self.hearing {
            Hearing::Waiting { complain_at } => Some(complain_at),
            Hearing::Off | Hearing::Missing => None,
        };
        [
            report_at,
            complain_at,
            self.figures_at,
            self.keep_alive_at,
            self.downlink.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

#[cfg(test)]
mod tests;
