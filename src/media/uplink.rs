//! From the microphone to the network: one call's frames of 10 ms become packets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::adaptation::Report;
use super::in_band::InBand;
use super::plan::{CodecChoice, Plan};
use super::silence::Said;
use super::speaking::Speaking;
use crate::codec::{CodecError, CodecKind, MAX_PAYLOAD, opus};
use crate::rtp::RtpSession;
use crate::rtp::dtmf::{Digit, DtmfSender, QueueFull};
use crate::units::{PayloadType, RtpTime, SampleRate};

/// The piece in which sound is handed around.
pub const FRAME: Duration = Duration::from_millis(10);

/// How long a digit sounds. Machines want 40 ms (ITU-T Q.24), badly made ones 80.
const TONE: Duration = Duration::from_millis(100);

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

#[derive(Debug)]
struct Dtmf {
    payload_type: PayloadType,
    clock: SampleRate,
    sender: DtmfSender,
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
            next.handle_dred();
        }
        self.next = Some(next);
        if self.speaking.as_ref().is_none_or(Speaking::is_empty) {
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
            speaking.begin_packet();
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

    /// Sound in each packet at present.
    #[must_use]
    pub fn ptime(&self) -> Option<Duration> {
        self.speaking.as_ref().map(Speaking::ptime)
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

    /// Whether silence goes out by choice instead of what the microphone gives.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.is_sending() && !self.held && self.muted
    }

    /// Microphone or silence.
    pub fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
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
        match &mut self.speaking {
            Some(speaking) => speaking.handle_report(report),
            None => Ok(()),
        }
    }

    /// The far side has sent DRED, and so reads it.
    pub fn handle_dred(&mut self) {
        self.deep = true;
        for speaking in self.speaking.iter_mut().chain(&mut self.next) {
            speaking.handle_dred();
        }
    }

    /// Takes how long it took to encode the last packet.
    ///
    /// # Errors
    ///
    /// Only if libopus fails.
    pub fn handle_work(&mut self, spent: Duration) -> Result<(), CodecError> {
        match &mut self.speaking {
            Some(speaking) => speaking.handle_work(spent),
            None => Ok(()),
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
        let rate = speaking.rate();
        speaking.fill(frame.len(), |room| {
            if (self.muted || self.held) && !self.substitute {
                room.fill(0.0);
            } else {
                for (out, sample) in room.iter_mut().zip(frame) {
                    *out = sample.clamp(-1.0, 1.0);
                }
            }
            self.keys.replace(rate, room);
        });
        self.frames += 1;
        if !speaking.is_full() {
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
        let clock = speaking.choice.kind.rtp_clock();
        let time = RtpTime(clock.samples_in(began) as u64);
        if let (Some(silence), Some(number)) =
            (&mut speaking.silence, speaking.choice.comfort_noise)
        {
            match silence.say() {
                Said::Sound => {}
                Said::Description(payload) => {
                    self.mark = true;
                    return rtp.send(now, number, false, time, payload, out).ok();
                }
                Said::Nothing => {
                    self.mark = true;
                    return None;
                }
            }
        }
        let bytes = speaking.encode(self.payload.as_mut_slice()).ok()?;
        let payload = &self.payload[..bytes];
        let pausing = speaking.choice.kind == CodecKind::Opus && opus::is_dtx(payload);
        if std::mem::replace(&mut speaking.pausing, pausing) && pausing {
            // RFC 7587 section 3.1.3: what DTX leaves over need not be sent. The first tells the
            // far side that there is a pause.
            return None;
        }
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
        self.mark = pausing;
        Some(to)
    }
}

/// How long so many frames last.
fn moment(frames: u64) -> Duration {
    Duration::from_millis(frames.saturating_mul(10))
}
