//! From the microphone to the network: one call's frames of 10 ms become packets.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::adaptation::{Adaptation, Report, Target};
use super::again::Sent;
use super::plan::{CodecChoice, Plan};
use crate::codec::{CodecError, CodecKind, Encoder, MAX_PAYLOAD, opus};
use crate::dsp::tone::Tone;
use crate::rtp::RtpSession;
use crate::rtp::dtmf::{Digit, DtmfSender, QueueFull};
use crate::units::{PayloadType, RtpTime, SampleRate};

/// The piece in which sound is handed around.
pub const FRAME: Duration = Duration::from_millis(10);

/// How long a digit sounds. Machines want 40 ms (ITU-T Q.24), badly made ones 80.
const TONE: Duration = Duration::from_millis(100);

/// The same in frames for tones in the sound, which have to survive a codec, and the pause behind
/// one.
const IN_BAND_TONE: u32 = 12;
const IN_BAND_PAUSE: u32 = 8;

/// Digits that may wait to be sent that way, as many as for events.
const MAX_IN_BAND: usize = 64;

/// Makes packets of frames.
///
/// The media clock counts every frame, sent or not, so that a pause is a pause on the far side.
/// A change of codec waits for the end of the packet that is being filled: no sound is lost
/// and none is said twice.
#[derive(Debug)]
pub struct Uplink {
    speaking: Option<Speaking>,
    /// Speaks from the next packet on.
    next: Option<Speaking>,
    sending: bool,
    held: bool,
    muted: bool,
    substitute: bool,
    gain: f32,
    /// Frames since the beginning.
    frames: u64,
    /// Of `frames`, where the packet being filled began.
    packet_began: u64,
    /// The next packet is the first after silence.
    mark: bool,
    /// The far side reads DRED.
    deep: bool,
    dtmf: Option<Dtmf>,
    keys: InBand,
    payload: Box<[u8; MAX_PAYLOAD]>,
    /// The same with an earlier one before it.
    redundant: Box<[u8; MAX_PAYLOAD]>,
}

/// An encoder and the sound of the packet being filled.
#[derive(Debug)]
struct Speaking {
    choice: CodecChoice,
    encoder: Encoder,
    adaptation: Adaptation,
    /// How many packets back one is carried again; 0: none is.
    again: u8,
    sent: Sent,
    sound: Box<[f32]>,
    filled: usize,
}

#[derive(Debug)]
struct Dtmf {
    payload_type: PayloadType,
    clock: SampleRate,
    sender: DtmfSender,
}

/// Digits as tones in the sound, for a far side that takes no events.
#[derive(Debug, Default)]
struct InBand {
    waiting: VecDeque<Digit>,
    sounding: Option<Tone>,
    /// Frames that this digit, or the pause behind it, lasts from here on.
    left: u32,
}

impl InBand {
    fn press(&mut self, digit: Digit) -> Result<(), QueueFull> {
        if self.waiting.len() >= MAX_IN_BAND {
            return Err(QueueFull);
        }
        self.waiting.push_back(digit);
        Ok(())
    }

    /// Replaces a frame of sound by a digit's, or by the silence behind it.
    fn replace(&mut self, rate: SampleRate, sound: &mut [f32]) {
        if self.left == 0 {
            if self.sounding.take().is_some() {
                self.left = IN_BAND_PAUSE;
            } else if let Some(digit) = self.waiting.pop_front() {
                self.sounding = Tone::dtmf(rate, digit.to_char());
                self.left = IN_BAND_TONE;
            } else {
                return;
            }
        }
        self.left -= 1;
        match &mut self.sounding {
            Some(tone) => tone.fill(sound),
            None => sound.fill(0.0),
        }
    }
}

impl Speaking {
    fn new(choice: &CodecChoice) -> Result<Speaking, CodecError> {
        let ptime = choice.kind.nearest_ptime(choice.ptime);
        let mut encoder = Encoder::new(choice.kind)?;
        let adaptation = Adaptation::new(&choice.opus, ptime, choice.redundancy.is_some());
        if let Some(encoder) = encoder.as_opus() {
            encoder.set_dtx(choice.opus.use_dtx)?;
            let rate = SampleRate::new(choice.opus.max_playback_rate);
            encoder.set_max_playback_rate(rate.unwrap_or(SampleRate::FULL))?;
            tune(encoder, adaptation.target())?;
        }
        let sound = vec![0.0; choice.kind.frame_samples(ptime)].into();
        Ok(Speaking {
            choice: choice.clone(),
            encoder,
            adaptation,
            again: 0,
            sent: Sent::default(),
            sound,
            filled: 0,
        })
    }

    fn rate(&self) -> SampleRate {
        self.choice.kind.sound_rate()
    }
}

fn tune(encoder: &mut opus::Encoder, target: Target) -> Result<(), CodecError> {
    encoder.set_bitrate(target.bitrate)?;
    encoder.set_complexity(target.complexity)?;
    encoder.set_inband_fec(target.inband_fec)?;
    encoder.set_expected_loss(target.expected_loss)?;
    encoder.set_dred_span(target.dred_span)?;
    encoder.set_max_sound_rate(target.max_sound_rate)
}

impl Default for Uplink {
    fn default() -> Self {
        Uplink {
            speaking: None,
            next: None,
            sending: false,
            held: false,
            muted: false,
            substitute: false,
            gain: 1.0,
            frames: 0,
            packet_began: 0,
            mark: true,
            deep: false,
            dtmf: None,
            keys: InBand::default(),
            payload: Box::new([0; MAX_PAYLOAD]),
            redundant: Box::new([0; MAX_PAYLOAD]),
        }
    }
}

impl Uplink {
    /// Speaks as the plan says: direction and digits at once, the codec from the next packet on.
    ///
    /// # Errors
    ///
    /// An encoder that cannot be set up; then the codec stays what it was.
    pub fn apply(&mut self, plan: &Plan) -> Result<(), CodecError> {
        if plan.send && !self.sending {
            // The first packet begins with the first frame of sound, not with the silence that
            // was counted meanwhile.
            self.begin_packet();
            self.mark = true;
        }
        self.sending = plan.send;
        self.held = plan.held;
        self.apply_dtmf(plan.dtmf_send);
        let settled = self.next.as_ref().or(self.speaking.as_ref());
        if settled.is_some_and(|speaking| speaking.choice == plan.codec) {
            return Ok(());
        }
        let mut next = Speaking::new(&plan.codec)?;
        if self.deep {
            next.adaptation.handle_dred();
        }
        self.next = Some(next);
        if self
            .speaking
            .as_ref()
            .is_none_or(|speaking| speaking.filled == 0)
        {
            self.take_over();
        }
        Ok(())
    }

    fn apply_dtmf(&mut self, negotiated: Option<(PayloadType, u32)>) {
        let negotiated = negotiated
            .and_then(|(payload_type, clock)| Some((payload_type, SampleRate::new(clock)?)));
        match (&mut self.dtmf, negotiated) {
            (Some(dtmf), Some((payload_type, clock))) if dtmf.clock == clock => {
                dtmf.payload_type = payload_type;
            }
            (dtmf, negotiated) => {
                *dtmf = negotiated.map(|(payload_type, clock)| Dtmf {
                    payload_type,
                    clock,
                    sender: DtmfSender::new(clock),
                });
            }
        }
    }

    fn take_over(&mut self) {
        if let Some(next) = self.next.take() {
            self.speaking = Some(next);
            self.begin_packet();
        }
    }

    fn begin_packet(&mut self) {
        self.packet_began = self.frames;
        if let Some(speaking) = &mut self.speaking {
            speaking.filled = 0;
        }
    }

    /// The rate at which the next frame is wanted; `None` before the first plan.
    #[must_use]
    pub fn rate(&self) -> Option<SampleRate> {
        self.speaking.as_ref().map(Speaking::rate)
    }

    /// What is spoken at present.
    #[must_use]
    pub fn choice(&self) -> Option<&CodecChoice> {
        self.speaking.as_ref().map(|speaking| &speaking.choice)
    }

    /// Whether packets go out, be it of silence.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.sending && self.speaking.is_some()
    }

    /// Whether what the microphone gives is heard on the far side.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_sending() && (self.substitute || !(self.held || self.muted))
    }

    /// The frames are not the microphone's, or not its alone: neither mute nor hold silences them.
    pub fn set_substitute(&mut self, substitute: bool) {
        self.substitute = substitute;
    }

    /// Microphone or silence.
    pub fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// Multiplies the microphone, 0 to 8; 1 leaves it as it is.
    pub fn set_gain(&mut self, gain: f32) {
        self.gain = if gain.is_finite() {
            gain.clamp(0.0, 8.0)
        } else {
            1.0
        };
    }

    /// Queues a digit behind those under way.
    ///
    /// # Errors
    ///
    /// [`QueueFull`] when 64 wait.
    pub fn press(&mut self, digit: Digit) -> Result<(), QueueFull> {
        match &mut self.dtmf {
            Some(dtmf) => dtmf.sender.press(digit, TONE),
            None => self.keys.press(digit),
        }
    }

    /// Takes one report of the far side.
    ///
    /// # Errors
    ///
    /// Only if libopus fails.
    pub fn handle_report(&mut self, report: &Report) -> Result<(), CodecError> {
        self.adapt(|adaptation| adaptation.handle_report(report))
    }

    /// The far side has sent DRED, and so reads it.
    pub fn handle_dred(&mut self) {
        self.deep = true;
        for speaking in self.speaking.iter_mut().chain(&mut self.next) {
            speaking.adaptation.handle_dred();
        }
    }

    /// Takes how long it took to encode the last packet.
    ///
    /// # Errors
    ///
    /// Only if libopus fails.
    pub fn handle_work(&mut self, spent: Duration) -> Result<(), CodecError> {
        let Some(choice) = self.choice() else {
            return Ok(());
        };
        let sound = choice.kind.nearest_ptime(choice.ptime);
        self.adapt(|adaptation| adaptation.handle_work(spent, sound))
    }

    fn adapt(
        &mut self,
        learn: impl FnOnce(&mut Adaptation) -> Option<Target>,
    ) -> Result<(), CodecError> {
        let Some(speaking) = &mut self.speaking else {
            return Ok(());
        };
        match (speaking.encoder.as_opus(), learn(&mut speaking.adaptation)) {
            (Some(encoder), Some(target)) => {
                speaking.again = target.again;
                tune(encoder, target)
            }
            _ => Ok(()),
        }
    }

    #[cfg(test)]
    pub(super) fn opus(&mut self) -> Option<&mut opus::Encoder> {
        self.speaking
            .as_mut()
            .and_then(|speaking| speaking.encoder.as_opus())
    }

    /// Takes one frame: 10 ms at [`Uplink::rate`]; one of another length is not sound of this
    /// call and is passed over. When it fills a packet, writes that to `out` and answers where
    /// it goes.
    pub fn frame(
        &mut self,
        now: Instant,
        frame: &[f32],
        rtp: &mut RtpSession,
        out: &mut Vec<u8>,
    ) -> Option<SocketAddr> {
        let speaking = self.speaking.as_mut()?;
        if frame.len() != speaking.rate().samples_in(FRAME) {
            return None;
        }
        let end = (speaking.filled + frame.len()).min(speaking.sound.len());
        let room = &mut speaking.sound[speaking.filled..end];
        if (self.muted || self.held) && !self.substitute {
            room.fill(0.0);
        } else {
            for (out, sample) in room.iter_mut().zip(frame) {
                *out = (sample * self.gain).clamp(-1.0, 1.0);
            }
        }
        self.keys.replace(speaking.choice.kind.sound_rate(), room);
        speaking.filled = end;
        self.frames += 1;
        if end < speaking.sound.len() {
            return None;
        }
        let to = self.packet(now, rtp, out);
        self.begin_packet();
        self.take_over();
        to
    }

    /// Sends the packet that is full.
    fn packet(
        &mut self,
        now: Instant,
        rtp: &mut RtpSession,
        out: &mut Vec<u8>,
    ) -> Option<SocketAddr> {
        let speaking = self.speaking.as_mut()?;
        if !self.sending {
            self.mark = true;
            return None;
        }
        let began = moment(self.packet_began);
        let length = moment(self.frames - self.packet_began);
        if let Some(dtmf) = &mut self.dtmf {
            let at = RtpTime(dtmf.clock.samples_in(began) as u64);
            let ticks = u32::try_from(dtmf.clock.samples_in(length)).unwrap_or(u32::MAX);
            if let Some(event) = dtmf.sender.poll(at, ticks) {
                let kind = dtmf.payload_type;
                return rtp
                    .send(
                        now,
                        kind,
                        event.marker,
                        event.timestamp,
                        &event.payload,
                        out,
                    )
                    .ok();
            }
        }
        let bytes = speaking
            .encoder
            .encode(&speaking.sound, self.payload.as_mut_slice())
            .ok()?;
        let payload = &self.payload[..bytes];
        if speaking.choice.kind == CodecKind::Opus && opus::is_dtx(payload) {
            // RFC 7587 section 3.1.3: what DTX leaves over need not be sent.
            self.mark = true;
            return None;
        }
        let clock = speaking.choice.kind.rtp_clock();
        let time = RtpTime(clock.samples_in(began) as u64);
        let number = speaking.choice.payload_type;
        // A packet that carries another goes under the number for that.
        let carrying = speaking.choice.redundancy.filter(|_| speaking.again > 0);
        let carrying = carrying.and_then(|redundancy| {
            let ticks = clock.samples_in(length) as u64;
            let out = self.redundant.as_mut_slice();
            let bytes = speaking
                .sent
                .write(number, payload, (time, ticks), speaking.again, out)?;
            Some((redundancy, &self.redundant[..bytes]))
        });
        if speaking.choice.redundancy.is_some() {
            speaking.sent.keep(time, payload);
        }
        let (number, payload) = carrying.unwrap_or((number, payload));
        let to = rtp.send(now, number, self.mark, time, payload, out).ok()?;
        self.mark = false;
        Some(to)
    }
}

/// How long so many frames last.
fn moment(frames: u64) -> Duration {
    Duration::from_millis(frames.saturating_mul(10))
}
