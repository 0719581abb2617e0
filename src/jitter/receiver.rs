//! The receiving half of one stream: RTP payloads in, at any time; 10 ms of sound out, whenever
//! asked.
//!
//! Joins the buffer with the decoders: lost packets are repaired from the copy in the next one or
//! concealed, pauses get comfort noise, and the delay is brought to its target by leaving out or
//! adding sound, in silence if there is any.

use std::time::{Duration, Instant};

use super::buffer::{BufferCounts, Incoming, Inserted, JitterBuffer, PacketKind, Pulled, Why};
use super::delay::DelayBounds;
use super::drift::Drift;
use super::interpolate::Interpolator;
use super::pace::{Change, Pace, foresee};
use super::repairs::Repairs;
use super::stall::Stall;
use super::stretch::Queue;
use crate::codec::{CodecError, CodecKind, Decoder, MAX_PACKET_SAMPLES, opus};
use crate::dsp::comfort_noise::ComfortNoise;
use crate::units::{PayloadType, RtpTime, SampleRate, SeqNo, Ssrc};

/// What one pull gives.
pub const PULL: Duration = Duration::from_millis(10);

/// Samples in a pull at the highest rate, 48 kHz.
pub const MAX_PULL_SAMPLES: usize = 480;

/// Payload types understood at once, as in a media plan.
const MAX_ACCEPTED: usize = 16;

/// Samples taken from the queue at most for one pull: some millionths more than are given, and what
/// interpolation looks at ahead.
const MAX_TAKEN: usize = MAX_PULL_SAMPLES + MAX_AHEAD;
const MAX_AHEAD: usize = 32;

/// What is looked at to change the length of sound.
const LOOKED_AT: Duration = Duration::from_millis(45);

/// Extra delay for that: the next packet must have come when one is missing.
const LOOK_AHEAD: Duration = Duration::from_millis(10);

/// What an RTP packet says besides its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpMeta {
    /// Who sends.
    pub ssrc: Ssrc,
    /// Extended sequence number.
    pub seq: SeqNo,
    /// Extended RTP time, in ticks of its codec's clock.
    pub time: RtpTime,
    /// The marker bit: the first packet after a pause (RFC 3551 section 4.1).
    pub marker: bool,
    /// Which format.
    pub payload_type: PayloadType,
}

/// What a receiver understands, and how patient it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// Codecs by payload type; the first is expected. At most 16 are heeded.
    pub accepted: Vec<(PayloadType, CodecKind)>,
    /// Payload type of comfort noise (RFC 3389), if negotiated; 13 is understood in any case.
    pub comfort_noise: Option<PayloadType>,
    /// Bounds of the delay.
    pub delay: DelayBounds,
}

/// What a pull's sound mostly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// Nothing has come to be heard: digital silence.
    Silence,
    /// What was sent.
    Decoded,
    /// A lost packet, from the coarse copy in the next one.
    Repaired,
    /// A guess at what was lost or is late.
    Concealed,
    /// The sender pauses.
    Noise,
}

/// One pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullInfo {
    /// Samples written: 10 ms at `rate`.
    pub samples: usize,
    /// Rate of this sound; it changes when the sender changes codec.
    pub rate: SampleRate,
    /// The codec being decoded.
    pub codec: CodecKind,
    /// What it is.
    pub sound: Sound,
}

/// How a stream has been received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverStats {
    /// Packets kept, lost, late and so on.
    pub counts: BufferCounts,
    /// Packets that were no payload of their codec.
    pub malformed: u64,
    /// Delay aimed at, beyond that of the fastest packets.
    pub target: Duration,
    /// Delay there is.
    pub level: Duration,
    /// All sound pulled.
    pub played: Duration,
    /// Of that, guessed.
    pub concealed: Duration,
    /// Of that, repaired from the next packet.
    pub repaired: Duration,
    /// Speech made shorter or longer, by how much altogether.
    pub stretched: Duration,
    /// Silence left out or added, to the same end.
    pub silence_adjusted: Duration,
}

/// Receives one stream. Allocates only when made or when the formats change.
#[derive(Debug)]
pub struct Receiver {
    accepted: [Option<(PayloadType, CodecKind)>; MAX_ACCEPTED],
    comfort_noise: Option<PayloadType>,
    decoders: [Option<Decoder>; 4],
    current: CodecKind,
    ssrc: Option<Ssrc>,
    /// Something has been decoded since the beginning.
    started: bool,
    buffer: JitterBuffer,
    queue: Queue,
    scratch: Box<[f32; MAX_PACKET_SAMPLES]>,
    /// A frame of another rate, in `scratch`, that begins when the queue is empty.
    waiting: Option<(CodecKind, usize)>,
    noise: ComfortNoise,
    /// Comfort noise was described, so pauses are filled with it.
    noise_known: bool,
    pace: Pace,
    /// What goes on while nothing comes, for each codec that may come.
    stalls: [Option<Stall>; 4],
    drift: Drift,
    /// Follow the drift, for each codec that may come.
    interpolators: [Option<Interpolator>; 4],
    taken: Box<[f32; MAX_TAKEN]>,
    /// What was put into the queue last stands for no moment of the sender's.
    idling: bool,
    /// Guessed for sound that may prove to be late, lost or a pause.
    undecided: Duration,
    /// What the decoder has made up for sound that is rather lost than late.
    presumed: Duration,
    repairs: Repairs,
    malformed: u64,
    played: Duration,
    concealed: Duration,
    repaired: Duration,
    stretched: Duration,
    silence_adjusted: Duration,
}

impl Receiver {
    /// A receiver that has heard nothing.
    ///
    /// # Errors
    /// When libopus cannot be set up.
    pub fn new(config: &ReceiverConfig) -> Result<Receiver, CodecError> {
        let mut receiver = Receiver {
            accepted: [None; MAX_ACCEPTED],
            comfort_noise: None,
            decoders: [None, None, None, None],
            current: CodecKind::Pcmu,
            ssrc: None,
            started: false,
            buffer: JitterBuffer::new(config.delay),
            queue: Queue::new(4 * MAX_PACKET_SAMPLES),
            scratch: Box::new([0.0; MAX_PACKET_SAMPLES]),
            waiting: None,
            noise: ComfortNoise::new(0x9e37_79b9_7f4a_7c15),
            noise_known: false,
            pace: Pace::default(),
            stalls: [None, None, None, None],
            drift: Drift::default(),
            interpolators: [None, None, None, None],
            taken: Box::new([0.0; MAX_TAKEN]),
            idling: false,
            undecided: Duration::ZERO,
            presumed: Duration::ZERO,
            repairs: Repairs::default(),
            malformed: 0,
            played: Duration::ZERO,
            concealed: Duration::ZERO,
            repaired: Duration::ZERO,
            stretched: Duration::ZERO,
            silence_adjusted: Duration::ZERO,
        };
        receiver.set_accepted(&config.accepted, config.comfort_noise)?;
        if let Some((_, kind)) = config.accepted.first() {
            receiver.current = *kind;
        }
        Ok(receiver)
    }

    /// Understands these formats from the next packet on; what waits keeps its time. Allocates:
    /// not for the audio callback.
    ///
    /// # Errors
    /// When libopus cannot be set up.
    pub fn set_accepted(
        &mut self,
        accepted: &[(PayloadType, CodecKind)],
        comfort_noise: Option<PayloadType>,
    ) -> Result<(), CodecError> {
        self.accepted = [None; MAX_ACCEPTED];
        for (slot, format) in self.accepted.iter_mut().zip(accepted) {
            *slot = Some(*format);
            let decoder = &mut self.decoders[slot_of(format.1)];
            if decoder.is_none() {
                *decoder = Some(Decoder::new(format.1)?);
            }
            let rate = format.1.sound_rate();
            self.stalls[slot_of(format.1)].get_or_insert_with(|| Stall::new(rate));
            self.interpolators[slot_of(format.1)].get_or_insert_with(|| Interpolator::new(rate));
        }
        self.comfort_noise = comfort_noise;
        Ok(())
    }

    /// Takes in a packet that arrived at `now`: every packet of the stream, telephone events too,
    /// or their numbers would be taken for losses.
    pub fn insert(&mut self, meta: &RtpMeta, payload: &[u8], now: Instant) -> Inserted {
        self.take(meta, payload, false, now)
    }

    /// The same of a packet that comes once more, in a later one (RFC 2198).
    pub fn insert_again(&mut self, meta: &RtpMeta, payload: &[u8], now: Instant) -> Inserted {
        self.take(meta, payload, true, now)
    }

    /// Tells that packets carry those again that were sent so long before them: with so much delay
    /// none of those is lost.
    pub fn comes_again(&mut self, behind: Duration) {
        self.buffer.comes_again(behind);
    }

    fn take(&mut self, meta: &RtpMeta, payload: &[u8], again: bool, now: Instant) -> Inserted {
        if self
            .ssrc
            .replace(meta.ssrc)
            .is_some_and(|ssrc| ssrc != meta.ssrc)
        {
            self.restart();
        }
        let format = self.format_of(meta.payload_type);
        let (clock, kind, duration) = match format {
            Format::Sound(codec) => {
                if !self.started {
                    self.current = codec;
                }
                let Some(duration) = codec.duration_of(payload) else {
                    self.malformed += 1;
                    return Inserted::Refused;
                };
                let pause = codec == CodecKind::Opus && opus::is_dtx(payload);
                let kind = if pause {
                    PacketKind::Pause
                } else {
                    PacketKind::Sound
                };
                (codec.rtp_clock(), kind, duration)
            }
            Format::Noise => (self.current.rtp_clock(), PacketKind::Pause, Duration::ZERO),
            Format::Other => (self.current.rtp_clock(), PacketKind::Other, Duration::ZERO),
        };
        let packet = Incoming {
            seq: meta.seq,
            time: meta.time,
            clock,
            duration,
            marker: meta.marker,
            copy: matches!(format, Format::Sound(CodecKind::Opus)) && opus::has_lbrr(payload),
            again,
            kind,
            payload_type: meta.payload_type,
            payload: if kind == PacketKind::Other {
                &[]
            } else {
                payload
            },
        };
        self.buffer.insert(&packet, now)
    }

    /// Writes the next 10 ms into the first [`PullInfo::samples`] of `out`.
    ///
    /// Called on the playout clock. The rate is that of the codec the sender uses, and may differ
    /// from the last pull's.
    pub fn pull(&mut self, now: Instant, out: &mut [f32; MAX_PULL_SAMPLES]) -> PullInfo {
        self.begin_waiting();
        let codec = self.current;
        let rate = codec.sound_rate();
        let samples = rate.samples_in(PULL);
        let out = &mut out[..samples];
        let sound = self.fill_queue(now, samples);
        self.adjust(now);
        // A sample more is not worth being without the packet that it is in: as long as that has not
        // come, no faster than ever.
        let at_hand = self.queue.len() >= samples + MAX_AHEAD || self.buffer.has_next();
        let interpolator = &mut self.interpolators[slot_of(codec)];
        let works = interpolator.as_ref().is_some_and(|it| it.held() > 0);
        let ppm = match self.drift.ppm() {
            ppm if at_hand || (works && ppm < 0.0) => ppm,
            _ => 0.0,
        };
        let wanted = interpolator.as_mut().map_or(samples, |interpolator| {
            interpolator.set_speed(ppm);
            interpolator.wants(samples).min(MAX_TAKEN)
        });
        let sound = self.fill_queue(now, wanted).or(sound);
        let mut sound = sound.unwrap_or(Sound::Decoded);
        let taken = &mut self.taken[..wanted];
        let filled = self.queue.pop(taken);
        if filled < wanted {
            taken[filled..].fill(0.0);
            if let (Some(_), Some(decoder)) = (self.waiting, &mut self.decoders[slot_of(codec)]) {
                decoder.conceal(&mut taken[filled..]);
                sound = Sound::Concealed;
            }
        }
        match &mut self.interpolators[slot_of(codec)] {
            Some(interpolator) => {
                interpolator.fill(taken, out);
            }
            None => out.copy_from_slice(taken),
        }
        self.pace.heard(out);
        self.played += PULL;
        PullInfo {
            samples,
            rate,
            codec,
            sound,
        }
    }

    /// Makes sure that the queue holds so many samples; answers what was put into it last.
    fn fill_queue(&mut self, now: Instant, samples: usize) -> Option<Sound> {
        let mut sound = None;
        // A frame lasts 2.5 ms at least, and a lost packet no less than the tolerance of the
        // buffer; the bound is for what nobody thought of.
        for _ in 0..16 {
            if self.queue.len() >= samples || self.waiting.is_some() {
                break;
            }
            sound = Some(self.fetch(now));
        }
        sound
    }

    /// Starts again with whatever comes next, as at a change of the sender.
    pub fn restart(&mut self) {
        self.buffer.restart();
        self.started = false;
        self.queue.clear();
        self.waiting = None;
        self.noise_known = false;
        self.undecided = Duration::ZERO;
        self.presumed = Duration::ZERO;
        for decoder in self.decoders.iter_mut().flatten() {
            decoder.reset();
        }
        for stall in self.stalls.iter_mut().flatten() {
            stall.reset();
        }
        for interpolator in self.interpolators.iter_mut().flatten() {
            interpolator.reset();
        }
        self.drift = Drift::default();
        self.pace.reset();
    }

    /// The codec being decoded.
    #[must_use]
    pub fn codec(&self) -> CodecKind {
        self.current
    }

    /// The longest the jitter buffer can hold sound.
    #[must_use]
    pub fn longest_delay(&self) -> Duration {
        self.buffer.longest()
    }

    /// How it has gone so far.
    #[must_use]
    pub fn stats(&self) -> ReceiverStats {
        ReceiverStats {
            counts: self.buffer.counts(),
            malformed: self.malformed,
            target: self.buffer.target(),
            level: self.buffer.level(),
            played: self.played,
            concealed: self.concealed,
            repaired: self.repaired,
            stretched: self.stretched,
            silence_adjusted: self.silence_adjusted,
        }
    }

    fn format_of(&self, payload_type: PayloadType) -> Format {
        let accepted = self
            .accepted
            .iter()
            .flatten()
            .find(|(number, _)| *number == payload_type);
        match accepted {
            Some((_, codec)) => Format::Sound(*codec),
            None if Some(payload_type) == self.comfort_noise || payload_type.number() == 13 => {
                Format::Noise
            }
            None => Format::Other,
        }
    }

    /// Takes the next thing from the buffer into the queue.
    fn fetch(&mut self, now: Instant) -> Sound {
        let rate = self.current.sound_rate();
        let held = self.interpolators[slot_of(self.current)].as_ref();
        let held = held.map_or(0, Interpolator::held);
        let queued = rate.duration_of((self.queue.len() + held) as u64);
        // Field by field, so that the payload may stay in the buffer while it is decoded.
        let Receiver {
            buffer,
            decoders,
            scratch,
            ..
        } = self;
        match buffer.pull(now, queued) {
            Pulled::Frame {
                payload,
                payload_type,
                kind,
                spliced,
                resumed,
                missed,
            } => {
                let accepted = self.accepted.iter().flatten();
                let codec = accepted
                    .clone()
                    .find(|(n, _)| *n == payload_type)
                    .map(|(_, c)| *c);
                let Some(codec) = codec else {
                    // Comfort noise; or a format that a new offer took away while it waited.
                    if kind == PacketKind::Pause {
                        self.noise.update(payload);
                        self.noise_known = true;
                    }
                    return self.fill(Why::Pause, now);
                };
                let Some(decoder) = &mut decoders[slot_of(codec)] else {
                    return self.fill(Why::Underrun, now);
                };
                let stall = &mut self.stalls[slot_of(self.current)];
                // After a stall the sound is led back to in any case.
                if spliced
                    && codec == self.current
                    && let Some(stall) = stall.as_mut().filter(|stall| !stall.is_on())
                {
                    let bridge = &mut scratch[..rate.samples_in(PULL)];
                    decoder.conceal(bridge);
                    stall.follow(bridge);
                    self.queue.push(bridge);
                    self.concealed += PULL;
                }
                if codec != self.current {
                    decoder.reset();
                }
                let presumed = std::mem::take(&mut self.presumed);
                let unheard = missed.saturating_sub(presumed);
                catch_up(decoder, unheard, Some(payload), scratch);
                if !missed.is_zero() {
                    self.repairs.note_loss(now, helps(decoder, Some(payload)));
                }
                // More was made up than was lost: the sound is led back to, as after a stall.
                if presumed > missed
                    && let Some(stall) = self.stalls[slot_of(self.current)].as_mut()
                {
                    stall.fill(&mut []);
                }
                self.started = true;
                let claimed = codec.samples_of(payload);
                let decoded = decoder.decode(payload, &mut scratch[..]);
                if let (Err(_), Some(samples)) = (&decoded, claimed) {
                    // As good as lost, and as long as it says.
                    decoder.conceal(&mut scratch[..samples]);
                }
                self.settle(resumed);
                let samples = match (decoded, claimed) {
                    (Ok(samples), _) => samples,
                    (Err(_), Some(samples)) => {
                        self.malformed += 1;
                        self.concealed += codec.sound_rate().duration_of(samples as u64);
                        samples
                    }
                    (Err(_), None) => {
                        self.malformed += 1;
                        self.concealed += PULL;
                        return self.fill(Why::Underrun, now);
                    }
                };
                if kind == PacketKind::Sound {
                    self.noise_known = false;
                    self.noise.interrupt();
                }
                if codec.sound_rate() == rate {
                    self.current = codec;
                    self.emit(samples);
                } else {
                    self.waiting = Some((codec, samples));
                }
                if kind == PacketKind::Pause {
                    self.idling = true;
                    Sound::Noise
                } else {
                    Sound::Decoded
                }
            }
            Pulled::Lost {
                duration,
                next,
                missed,
            } => {
                let samples = rate.samples_in(duration + Duration::from_nanos(500));
                let samples = samples.min(MAX_PACKET_SAMPLES);
                let Some(decoder) = &mut decoders[slot_of(self.current)] else {
                    return self.fill(Why::Underrun, now);
                };
                let next = next.filter(|later| {
                    let mut accepted = self.accepted.iter().flatten();
                    accepted.any(|format| *format == (later.payload_type, self.current))
                });
                let behind = next
                    .filter(|later| later.adjacent)
                    .map(|later| later.payload);
                let copy = behind.filter(|payload| decoder.has_fec(payload));
                let presumed = std::mem::take(&mut self.presumed);
                catch_up(decoder, missed.saturating_sub(presumed), None, scratch);
                // A copy is made sound whole or not at all; what is missing is the end of it.
                let whole = copy.map_or(0, |payload| decoder.fec_samples(payload));
                let whole = whole.min(MAX_PACKET_SAMPLES);
                let made = &mut scratch[..samples.max(whole).min(MAX_PACKET_SAMPLES)];
                let deep = next
                    .filter(|later| copy.is_none() && !decoder.dred_reach(later.payload).is_zero());
                let repaired = match (copy, deep, behind) {
                    (Some(payload), _, _) => {
                        let (before, sound) = made.split_at_mut(made.len() - whole);
                        decoder.conceal(before);
                        let repaired = decoder.decode_fec(payload, sound).is_ok();
                        if !repaired {
                            decoder.conceal(sound);
                        }
                        repaired
                    }
                    (None, Some(later), _) => decoder
                        .decode_dred(later.payload, later.ahead, made)
                        .unwrap_or(false),
                    (None, None, Some(payload)) => {
                        decoder.conceal_towards(made, payload);
                        false
                    }
                    (None, None, None) => {
                        decoder.conceal(made);
                        false
                    }
                };
                let repaired = match (repaired, whole) {
                    (false, _) => Duration::ZERO,
                    (true, 0) => duration,
                    (true, whole) => rate.duration_of(whole.min(samples) as u64),
                };
                let useful = helps(decoder, next.map(|later| later.payload));
                self.repairs.note_loss(now, useful);
                let length = made.len();
                made.copy_within(length - samples.., 0);
                self.emit(samples);
                self.settle(false);
                self.repaired += repaired;
                self.concealed += duration.saturating_sub(repaired);
                if repaired.is_zero() {
                    Sound::Concealed
                } else {
                    Sound::Repaired
                }
            }
            Pulled::Nothing(why) => self.fill(why, now),
        }
    }

    /// Puts what was made, the first `samples` of the scratch, behind what is queued: after a stall
    /// it is led back to.
    fn emit(&mut self, samples: usize) {
        self.idling = false;
        let sound = &mut self.scratch[..samples];
        if let Some(stall) = &mut self.stalls[slot_of(self.current)] {
            if stall.is_on() {
                self.queue.push(stall.lead_back(sound));
            }
            stall.follow(sound);
        }
        self.queue.push(sound);
    }

    /// What was guessed before: now it is known what for.
    fn settle(&mut self, was_pause: bool) {
        let undecided = std::mem::take(&mut self.undecided);
        if !was_pause {
            self.concealed += undecided;
        }
    }

    /// Puts 10 ms into the queue that stand for nothing received.
    fn fill(&mut self, why: Why, now: Instant) -> Sound {
        let samples = self.current.sound_rate().samples_in(PULL);
        let rather_lost = why == Why::Underrun && self.buffer.next_is_rather_lost(now);
        let Receiver {
            decoders,
            scratch,
            noise,
            ..
        } = self;
        let sound = &mut scratch[..samples];
        let decoder = &mut decoders[slot_of(self.current)];
        let stall = &mut self.stalls[slot_of(self.current)];
        let what = match (why, decoder) {
            (Why::Pause, _) if self.noise_known => {
                self.presumed = Duration::ZERO;
                noise.fill(sound);
                Sound::Noise
            }
            (Why::Idle, _) | (_, None) => {
                self.undecided = Duration::ZERO;
                sound.fill(0.0);
                Sound::Silence
            }
            (Why::Pause | Why::Gap, Some(decoder)) => {
                decoder.conceal(sound);
                Sound::Noise
            }
            (Why::Underrun, Some(decoder)) => {
                match stall {
                    Some(stall) if stall.is_on() || !rather_lost => stall.fill(sound),
                    stall => {
                        // It knows better how its sound goes on, and it goes on from there.
                        decoder.conceal(sound);
                        self.presumed += PULL;
                        if let Some(stall) = stall {
                            stall.follow(sound);
                        }
                    }
                }
                self.undecided += PULL;
                self.queue.push(sound);
                return Sound::Concealed;
            }
        };
        self.emit(samples);
        self.idling = true;
        what
    }

    /// Brings the delay nearer to its target.
    fn adjust(&mut self, now: Instant) {
        let repair = self.repairs.are_wanted(now);
        self.buffer
            .set_look_ahead(if repair { LOOK_AHEAD } else { Duration::ZERO });
        let Some(excess) = self.buffer.excess() else {
            self.drift.hold();
            return;
        };
        let stalled = self.stalls[slot_of(self.current)]
            .as_ref()
            .is_some_and(Stall::is_on);
        // What stands for nothing can be as long as it likes.
        let guessing = stalled || !self.presumed.is_zero();
        if self.waiting.is_some() || self.idling || guessing {
            self.drift.hold();
            return;
        }
        if self.buffer.is_settled() {
            self.drift.observe(excess);
        } else {
            // It is not the clocks' doing that the delay is off.
            self.drift.hold();
        }
        let rate = self.current.sound_rate();
        let target = i64::try_from(self.buffer.target().as_nanos()).unwrap_or(0);
        let level = excess.saturating_add(target);
        let overdue = self.buffer.overdue(now).unwrap_or(0);
        let foreseen = if self.buffer.next_is_rather_lost(now) {
            excess
        } else {
            foresee(excess, level, overdue, self.buffer.usual())
        };
        // What a repair wants can wait while nothing comes at all, and is there where the delay is
        // longer anyway.
        let needed = self.buffer.look_ahead_needs();
        let repair = repair && foreseen == excess && level < needed;
        let excess = foreseen;
        if self
            .pace
            .decide(excess, self.queue.as_slice(), rate, repair)
            == Change::Nothing
        {
            return;
        }
        // Two of the longest periods and a crossfade, as far as the sound is already here.
        let wanted = rate.samples_in(LOOKED_AT);
        while self.queue.len() < wanted && self.waiting.is_none() && self.buffer.has_next() {
            self.fetch(now);
        }
        let coming = self.queue.as_slice();
        let pause = self.pace.pause_in(coming, rate);
        let in_samples = |nanos: i64| rate.samples_in(Duration::from_nanos(nanos.unsigned_abs()));
        let shorter = |samples: usize| i64::try_from(rate.duration_of(samples as u64).as_nanos());
        let by = match self.pace.decide(excess, coming, rate, repair) {
            Change::Nothing => return,
            Change::TrimPause(most) => {
                let cut = self.queue.trim_pause(rate, pause, in_samples(most));
                self.silence_adjusted += rate.duration_of(cut as u64);
                shorter(cut)
            }
            Change::PadPause(most) => {
                let more = self.queue.pad_pause(rate, pause, in_samples(most));
                self.silence_adjusted += rate.duration_of(more as u64);
                shorter(more).map(std::ops::Neg::neg)
            }
            Change::Shorten => {
                let Some(period) = self.queue.shrink(rate) else {
                    return;
                };
                self.stretched += rate.duration_of(period as u64);
                self.pace.changed(excess);
                shorter(period)
            }
            Change::Lengthen => {
                let Some(period) = self.queue.grow(rate) else {
                    return;
                };
                self.stretched += rate.duration_of(period as u64);
                self.pace.changed(excess);
                shorter(period).map(std::ops::Neg::neg)
            }
        };
        self.buffer.shortened(by.unwrap_or(0));
    }

    /// A frame of another rate begins: what was left of the old sound has been heard.
    fn begin_waiting(&mut self) {
        if self.queue.len() == 0
            && let Some((codec, samples)) = self.waiting.take()
        {
            // What went on in the old sound ends with it.
            if let Some(stall) = &mut self.stalls[slot_of(self.current)] {
                stall.reset();
            }
            self.current = codec;
            if let Some(interpolator) = &mut self.interpolators[slot_of(codec)] {
                interpolator.reset();
            }
            self.emit(samples);
            self.pace.reset();
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Sound(CodecKind),
    Noise,
    Other,
}

fn slot_of(kind: CodecKind) -> usize {
    match kind {
        CodecKind::Opus => 0,
        CodecKind::G722 => 1,
        CodecKind::Pcma => 2,
        CodecKind::Pcmu => 3,
    }
}

/// Whether `next` helps to repair what was lost before it, or would if it were here.
fn helps(decoder: &Decoder, next: Option<&[u8]>) -> bool {
    match decoder.kind() {
        CodecKind::Opus => next.is_some_and(|next| decoder.has_fec(next)),
        // They bridge a gap from both of its sides.
        CodecKind::G722 | CodecKind::Pcma | CodecKind::Pcmu => true,
    }
}

/// Tells a decoder of sound that is passed by because something else stood for it, so that what
/// comes is not decoded as if it were the next; `next` is the packet right behind it, if known.
fn catch_up(
    decoder: &mut Decoder,
    missed: Duration,
    next: Option<&[u8]>,
    scratch: &mut [f32; MAX_PACKET_SAMPLES],
) {
    let samples = decoder.kind().sound_rate().samples_in(missed);
    if samples == 0 {
        return;
    }
    let copy = next.filter(|next| decoder.has_fec(next));
    let whole = copy
        .map_or(0, |next| decoder.fec_samples(next))
        .min(samples);
    decoder.conceal(&mut scratch[..(samples - whole).min(MAX_PACKET_SAMPLES)]);
    if let Some(next) = copy {
        // Should it fail, the decoder is as it would be without.
        let _ = decoder.decode_fec(next, &mut scratch[..whole]);
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
