//! From the network to the speaker: one call's packets become sound, 10 ms at a time.

use std::time::{Duration, Instant};

use super::again::Came;
use super::plan::{Accepted, Plan};
use crate::codec::{CodecError, CodecKind, opus};
use crate::jitter::receiver::MAX_PULL_SAMPLES;
use crate::jitter::{
    DelayBounds, Inserted, PullInfo, Receiver, ReceiverConfig, ReceiverStats, RtpMeta, Sound,
};
use crate::rtp::Received;
use crate::rtp::dtmf::{DtmfEvent, DtmfReceiver};
use crate::rtp::session::PayloadKind;
use crate::rtp::stats::Arrival;
use crate::units::{PayloadType, SampleRate};

/// Telephone-event formats listened to: one for each RTP clock that an offer may name.
const MAX_EVENT_FORMATS: usize = 4;

/// Makes sound of packets, and digits of events.
#[derive(Debug, Default)]
pub struct Downlink {
    /// Made with the first plan, which says what to expect.
    receiver: Option<Receiver>,
    delay: DelayBounds,
    accepted: Vec<(PayloadType, CodecKind)>,
    comfort_noise: Option<PayloadType>,
    /// The number of packets that carry earlier ones again.
    redundancy: Vec<PayloadType>,
    came: Came,
    receiving: bool,
    events: Vec<(PayloadType, SampleRate, DtmfReceiver)>,
    /// The far side has sent DRED.
    deep: bool,
    /// The far side said that it pauses, and has sent nothing since.
    pausing: bool,
    /// Length of the last packet of sound.
    ptime: Option<Duration>,
}

impl Downlink {
    /// How long sound waits for late packets; of effect before the first plan.
    pub fn bound_delay(&mut self, delay: DelayBounds) {
        self.delay = delay;
    }

    /// Understands what the plan says from the next packet on.
    ///
    /// # Errors
    ///
    /// When a decoder cannot be set up; then what was understood before still is.
    pub fn apply(&mut self, plan: &Plan) -> Result<(), CodecError> {
        let accepted = Accepted {
            codecs: plan.accepted.clone(),
            dtmf: plan.dtmf_receive.clone(),
            comfort_noise: plan.comfort_noise,
            redundancy: plan.redundancy.clone(),
            protected: plan.srtp.is_some(),
        };
        self.understand(&accepted, Some(plan.codec.kind), plan.receive)
    }

    /// Understands what may come before there is a plan.
    ///
    /// # Errors
    ///
    /// When a decoder cannot be set up; then nothing is understood.
    pub fn listen(&mut self, accepted: &Accepted) -> Result<(), CodecError> {
        self.understand(accepted, None, true)
    }

    /// `expected`: what the far side probably speaks.
    fn understand(
        &mut self,
        accepted: &Accepted,
        expected: Option<CodecKind>,
        receive: bool,
    ) -> Result<(), CodecError> {
        let receiver = match &mut self.receiver {
            Some(receiver) => {
                let known = (&self.accepted, self.comfort_noise);
                if known != (&accepted.codecs, accepted.comfort_noise) {
                    receiver.set_accepted(&accepted.codecs, accepted.comfort_noise)?;
                }
                receiver
            }
            none => {
                let config = expectation(accepted, expected, self.delay);
                none.insert(Receiver::new(&config)?)
            }
        };
        if receive && !self.receiving {
            // What is left from before a hold is not to be heard after it.
            receiver.restart();
            self.came.restart();
            self.pausing = false;
        }
        self.accepted.clone_from(&accepted.codecs);
        self.comfort_noise = accepted.comfort_noise;
        let redundancy = accepted.redundancy.iter().map(|(number, _)| *number);
        self.redundancy = redundancy.collect();
        self.receiving = receive;
        self.apply_events(&accepted.dtmf);
        Ok(())
    }

    /// Keeps the receivers whose format stays: a key may be down during a new offer.
    fn apply_events(&mut self, negotiated: &[(PayloadType, u32)]) {
        let wanted = || {
            negotiated
                .iter()
                .filter_map(|(number, hz)| Some((*number, SampleRate::new(*hz)?)))
                .take(MAX_EVENT_FORMATS)
        };
        self.events
            .retain(|(number, clock, _)| wanted().any(|w| w == (*number, *clock)));
        for (number, clock) in wanted() {
            if !self.events.iter().any(|(known, _, _)| *known == number) {
                self.events.push((number, clock, DtmfReceiver::new(clock)));
            }
        }
    }

    /// Takes a packet that the RTP session believes. Answers what the jitter buffer made of it,
    /// if it is to be heard at all.
    pub fn handle(&mut self, now: Instant, received: &Received<'_>) -> Option<Inserted> {
        let packet = &received.packet;
        if received.kind == PayloadKind::Event {
            let number = packet.payload_type;
            if let Some((_, _, receiver)) = self
                .events
                .iter_mut()
                .find(|(known, _, _)| *known == number)
            {
                receiver.handle(now, packet.ssrc, received.time, packet.payload);
            }
        }
        let sound = (packet.payload_type, CodecKind::Opus);
        let opus = self.accepted.contains(&sound);
        self.pausing =
            received.kind == PayloadKind::ComfortNoise || (opus && opus::is_dtx(packet.payload));
        if !self.receiving {
            return None;
        }
        let receiver = self.receiver.as_mut()?;
        let format = self
            .accepted
            .iter()
            .find(|(number, _)| *number == packet.payload_type);
        if let Some(length) = format.and_then(|(_, codec)| codec.duration_of(packet.payload)) {
            self.ptime = Some(length);
        }
        if received.arrival == Arrival::Restart {
            receiver.restart();
            self.came.restart();
        }
        let meta = RtpMeta {
            ssrc: packet.ssrc,
            seq: received.seq,
            time: received.time,
            marker: packet.marker,
            payload_type: packet.payload_type,
        };
        self.deep |= opus && opus::has_dred(packet.payload);
        Some(if self.redundancy.contains(&packet.payload_type) {
            self.came
                .insert(receiver, &meta, packet.payload, &self.accepted, now)
        } else {
            self.came.note(meta.seq);
            receiver.insert(&meta, packet.payload, now)
        })
    }

    /// Writes the next 10 ms into the first samples of `out`; silence while nothing is to be
    /// received. `None` before the first plan: then there is not even a rate.
    pub fn pull(&mut self, now: Instant, out: &mut [f32; MAX_PULL_SAMPLES]) -> Option<PullInfo> {
        let info = self.receiver.as_mut()?.pull(now, out);
        if self.receiving {
            return Some(info);
        }
        out[..info.samples].fill(0.0);
        Some(PullInfo {
            sound: Sound::Silence,
            ..info
        })
    }

    /// Whether sound is expected at all, and the far side has not said that it pauses.
    #[must_use]
    pub fn expects_sound(&self) -> bool {
        self.receiving && !self.pausing
    }

    /// Whether the far side has sent deep redundancy (DRED).
    #[must_use]
    pub fn has_heard_dred(&self) -> bool {
        self.deep
    }

    /// The codec that is being heard; `None` before the first plan.
    #[must_use]
    pub fn codec(&self) -> Option<CodecKind> {
        self.receiver.as_ref().map(Receiver::codec)
    }

    /// Sound in the far side's last packet, once there was one.
    #[must_use]
    pub fn ptime(&self) -> Option<Duration> {
        self.ptime
    }

    /// The longest the jitter buffer can hold sound; zero before the first plan.
    #[must_use]
    pub fn longest_delay(&self) -> Duration {
        self.receiver
            .as_ref()
            .map(Receiver::longest_delay)
            .unwrap_or_default()
    }

    /// How it has gone so far.
    #[must_use]
    pub fn stats(&self) -> ReceiverStats {
        self.receiver
            .as_ref()
            .map(Receiver::stats)
            .unwrap_or_default()
    }

    /// When [`Downlink::handle_timeout`] is wanted: a digit whose end was lost.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.events
            .iter()
            .filter_map(|(_, _, receiver)| receiver.deadline())
            .min()
    }

    /// The instant of [`Downlink::deadline`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        for (_, _, receiver) in &mut self.events {
            receiver.handle_timeout(now);
        }
    }

    /// The next thing the far keypad did.
    pub fn poll_event(&mut self) -> Option<DtmfEvent> {
        self.events
            .iter_mut()
            .find_map(|(_, _, receiver)| receiver.poll_output())
    }
}

/// What we speak is what we expect to hear, until it is heard otherwise: the rate of the first
/// silence is then already that of the sound.
fn expectation(
    accepted: &Accepted,
    expected: Option<CodecKind>,
    delay: DelayBounds,
) -> ReceiverConfig {
    let mut codecs = accepted.codecs.clone();
    codecs.sort_by_key(|(_, kind)| Some(*kind) != expected);
    ReceiverConfig {
        accepted: codecs,
        comfort_noise: accepted.comfort_noise,
        delay,
    }
}
