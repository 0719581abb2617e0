//! The receiving half of one stream: RTP payloads in, at any time; 10 ms of sound out, whenever
//! asked.
//!
//! Joins the buffer with the decoders: lost packets are repaired from the copy in the next one or
//! concealed, pauses get comfort noise, and the delay is brought to its target by leaving out or
//! adding sound, in silence if there is any.

use std::time::{Duration, Instant};

use super::buffer::{BufferCounts, Incoming, Inserted, JitterBuffer, PacketKind, Pulled, Why};
use super::delay::{DelayBounds, MILLI};
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

/// Excess of delay at which silence is left out, at which speech is shortened, and at which that
/// is done as often as it can be.
const TRIM_SILENCE_ABOVE: i64 = 10 * MILLI;
const SHORTEN_ABOVE: i64 = 30 * MILLI;
const HURRY_ABOVE: i64 = 100 * MILLI;

/// Lack of delay at which silence, and at which speech, is made longer.
const PAD_SILENCE_BELOW: i64 = -10 * MILLI;
const LENGTHEN_BELOW: i64 = -15 * MILLI;

/// Lack at which either is made longer while packets are repaired: less than the look-ahead, or
/// the next packet would never be at hand.
const REPAIR_BELOW: i64 = -5 * MILLI;

/// Pulls between two changes of length, usually and in a hurry.
const REST: u32 = 12;
const SHORT_REST: u32 = 4;

/// How long a loss makes us keep the next packet at hand.
const REPAIR_FOR: Duration = Duration::from_secs(10);

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
    loudness: Loudness,
    /// Guessed for sound that may prove to be late, lost or a pause.
    undecided: Duration,
    /// Pulls until the length may be changed again.
    rest: u32,
    repair_until: Option<Instant>,
    repairs: bool,
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
            loudness: Loudness::default(),
            undecided: Duration::ZERO,
            rest: 0,
            repair_until: None,
            repairs: false,
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
        }
        self.comfort_noise = comfort_noise;
        Ok(())
    }

    /// Takes in a packet that arrived at `now`: every packet of the stream, telephone events too,
    /// or their numbers would be taken for losses.
    pub fn insert(&mut self, meta: &RtpMeta, payload: &[u8], now: Instant) -> Inserted {
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
        let mut sound = Sound::Decoded;
        // A frame lasts 2.5 ms at least, and a lost packet no less than the tolerance of the
        // buffer; the bound is for what nobody thought of.
        for _ in 0..16 {
            if self.queue.len() >= samples || self.waiting.is_some() {
                break;
            }
            sound = self.fetch(now);
        }
        self.adjust(now);
        let filled = self.queue.pop(out);
        if filled < samples {
            out[filled..].fill(0.0);
            if let (Some(_), Some(decoder)) = (self.waiting, &mut self.decoders[slot_of(codec)]) {
                decoder.conceal(&mut out[filled..]);
                sound = Sound::Concealed;
            }
        }
        self.loudness.observe(out);
        self.played += PULL;
        self.rest = self.rest.saturating_sub(1);
        PullInfo {
            samples,
            rate,
            codec,
            sound,
        }
    }

    /// Starts again with whatever comes next, as at a change of the sender.
    pub fn restart(&mut self) {
        self.buffer.restart();
        self.started = false;
        self.queue.clear();
        self.waiting = None;
        self.noise_known = false;
        self.undecided = Duration::ZERO;
        for decoder in self.decoders.iter_mut().flatten() {
            decoder.reset();
        }
    }

    /// The codec being decoded.
    #[must_use]
    pub fn codec(&self) -> CodecKind {
        self.current
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
        let queued = rate.duration_of(self.queue.len() as u64);
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
                    return self.fill(Why::Pause);
                };
                let Some(decoder) = &mut decoders[slot_of(codec)] else {
                    return self.fill(Why::Underrun);
                };
                if spliced && codec == self.current {
                    let bridge = &mut scratch[..rate.samples_in(PULL)];
                    decoder.conceal(bridge);
                    self.queue.push(bridge);
                    self.concealed += PULL;
                }
                if codec != self.current {
                    decoder.reset();
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
                        return self.fill(Why::Underrun);
                    }
                };
                if kind == PacketKind::Sound {
                    self.noise_known = false;
                }
                if codec.sound_rate() == rate {
                    self.current = codec;
                    self.queue.push(&self.scratch[..samples]);
                } else {
                    self.waiting = Some((codec, samples));
                }
                if kind == PacketKind::Pause {
                    Sound::Noise
                } else {
                    Sound::Decoded
                }
            }
            Pulled::Lost { duration, next } => {
                let samples = rate.samples_in(duration + Duration::from_nanos(500));
                let samples = samples.min(MAX_PACKET_SAMPLES);
                let Some(decoder) = &mut decoders[slot_of(self.current)] else {
                    return self.fill(Why::Underrun);
                };
                let copy = next
                    .filter(|(_, number)| {
                        let mut accepted = self.accepted.iter().flatten();
                        accepted.any(|format| *format == (*number, self.current))
                    })
                    .map(|(payload, _)| payload)
                    .filter(|payload| decoder.has_fec(payload));
                // A copy is made sound whole or not at all; what is missing is the end of it.
                let whole = copy.map_or(0, |payload| decoder.fec_samples(payload));
                let made = &mut scratch[..samples.max(whole).min(MAX_PACKET_SAMPLES)];
                let (before, sound) = made.split_at_mut(made.len().saturating_sub(whole));
                decoder.conceal(before);
                let repaired =
                    copy.is_some_and(|payload| decoder.decode_fec(payload, sound).is_ok());
                if !repaired {
                    decoder.conceal(sound);
                }
                let repaired = if repaired {
                    rate.duration_of(whole.min(samples) as u64)
                } else {
                    Duration::ZERO
                };
                self.queue.push(&made[made.len() - samples..]);
                self.repairs |= decoder.kind() == CodecKind::Opus
                    && next.is_some_and(|(payload, _)| decoder.has_fec(payload));
                self.repair_until = Some(now + REPAIR_FOR);
                self.settle(false);
                self.repaired += repaired;
                self.concealed += duration.saturating_sub(repaired);
                if repaired.is_zero() {
                    Sound::Concealed
                } else {
                    Sound::Repaired
                }
            }
            Pulled::Nothing(why) => self.fill(why),
        }
    }

    /// What was guessed before: now it is known what for.
    fn settle(&mut self, was_pause: bool) {
        let undecided = std::mem::take(&mut self.undecided);
        if !was_pause {
            self.concealed += undecided;
        }
    }

    /// Puts 10 ms into the queue that stand for nothing received.
    fn fill(&mut self, why: Why) -> Sound {
        let samples = self.current.sound_rate().samples_in(PULL);
        let Receiver {
            decoders,
            scratch,
            noise,
            ..
        } = self;
        let sound = &mut scratch[..samples];
        let decoder = &mut decoders[slot_of(self.current)];
        let what = match (why, decoder) {
            (Why::Pause, _) if self.noise_known => {
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
                decoder.conceal(sound);
                self.undecided += PULL;
                Sound::Concealed
            }
        };
        self.queue.push(sound);
        what
    }

    /// Brings the delay nearer to its target.
    fn adjust(&mut self, now: Instant) {
        let repair = self.repairs && self.repair_until.is_some_and(|until| now < until);
        self.buffer
            .set_look_ahead(if repair { LOOK_AHEAD } else { Duration::ZERO });
        let Some(excess) = self.buffer.excess() else {
            return;
        };
        if self.rest > 0 || self.waiting.is_some() {
            return;
        }
        let rate = self.current.sound_rate();
        let quiet = self.loudness.is_quiet(self.queue.as_slice(), rate);
        let (pad_below, lengthen_below) = if repair {
            (REPAIR_BELOW, REPAIR_BELOW)
        } else {
            (PAD_SILENCE_BELOW, LENGTHEN_BELOW)
        };
        let (shrink, grow) = if quiet {
            (excess > TRIM_SILENCE_ABOVE, excess < pad_below)
        } else {
            (excess > SHORTEN_ABOVE, excess < lengthen_below)
        };
        if !shrink && !grow {
            return;
        }
        // Two of the longest periods, as far as the sound is already here.
        let wanted = rate.samples_in(Duration::from_millis(30));
        while self.queue.len() < wanted && self.waiting.is_none() && self.buffer.has_next() {
            self.fetch(now);
        }
        let still_quiet = quiet && self.loudness.is_quiet(self.queue.as_slice(), rate);
        if still_quiet != quiet && (lengthen_below..=SHORTEN_ABOVE).contains(&excess) {
            return;
        }
        let quiet = still_quiet;
        let changed = if shrink {
            self.queue.shrink(rate, quiet)
        } else {
            self.queue.grow(rate, quiet)
        };
        let Some(changed) = changed else { return };
        let span = rate.duration_of(changed as u64);
        let by = i64::try_from(span.as_nanos()).unwrap_or(0);
        self.buffer.shortened(if shrink { by } else { -by });
        if quiet {
            self.silence_adjusted += span;
        } else {
            self.stretched += span;
        }
        self.rest = if excess > HURRY_ABOVE {
            SHORT_REST
        } else {
            REST
        };
    }

    /// A frame of another rate begins: what was left of the old sound has been heard.
    fn begin_waiting(&mut self) {
        if self.queue.len() == 0
            && let Some((codec, samples)) = self.waiting.take()
        {
            self.current = codec;
            self.queue.push(&self.scratch[..samples]);
            self.loudness = Loudness::default();
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

/// What this stream's silence sounds like: its quietest 10 ms of the last seconds.
#[derive(Clone, Copy, Debug)]
struct Loudness {
    /// Mean square of the quietest, rising slowly.
    floor: f32,
}

impl Default for Loudness {
    fn default() -> Self {
        Loudness { floor: 1.0 }
    }
}

/// Below this all is silence, and above that nothing, whatever the floor: mean squares of
/// −60 and −35 dB.
const SURELY_QUIET: f32 = 1e-6;
const SURELY_LOUD: f32 = 3e-4;

impl Loudness {
    fn observe(&mut self, sound: &[f32]) {
        let power = power(sound);
        // Doubles in about two seconds.
        self.floor = (self.floor * 1.003_5).min(1.0);
        if power < self.floor {
            self.floor = power.max(1e-9);
        }
    }

    /// Whether the next 20 ms are silence.
    fn is_quiet(&self, sound: &[f32], rate: SampleRate) -> bool {
        let limit = (self.floor * 3.0).clamp(SURELY_QUIET, SURELY_LOUD);
        let ten = rate.samples_in(PULL);
        sound.len() >= ten && sound.chunks(ten).take(3).all(|piece| power(piece) < limit)
    }
}

fn power(sound: &[f32]) -> f32 {
    sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len().max(1) as f32
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
