//! One codec being spoken: its encoder, how it adapts, and the sound of the packet being filled.

use std::time::Duration;

use super::adaptation::{Adaptation, Report, Resend, Target};
use super::again::Sent;
use super::plan::CodecChoice;
use super::silence::Silence;
use crate::codec::{CodecError, CodecKind, Encoder, opus};
use crate::units::SampleRate;

/// Packets do not grow beyond this by themselves.
const LONGEST: Duration = Duration::from_millis(60);

/// An encoder and the sound of the packet being filled.
#[derive(Debug)]
pub(super) struct Speaking {
    pub(super) choice: CodecChoice,
    pub(super) encoder: Encoder,
    adapting: Adapting,
    /// How many packets back one is carried again; 0: none is.
    pub(super) again: u8,
    pub(super) sent: Sent,
    /// Pauses are described instead of sent.
    pub(super) silence: Option<Silence>,
    /// The last packet said that a pause begins.
    pub(super) pausing: bool,
    /// Sound in the packet being filled, and in those after it.
    ptime: Duration,
    next_ptime: Duration,
    /// Room for the longest packet.
    sound: Box<[f32]>,
    filled: usize,
}

#[derive(Debug)]
enum Adapting {
    Opus(Adaptation),
    /// A codec that has nothing to be set.
    Plain {
        resend: Resend,
        allowed: bool,
    },
}

impl Speaking {
    pub(super) fn new(choice: &CodecChoice) -> Result<Speaking, CodecError> {
        let ptime = choice.kind.nearest_ptime(choice.ptime);
        let allowed = choice.redundancy.is_some();
        let (mut longest, mut again) = (ptime, 0);
        let mut encoder = Encoder::new(choice.kind)?;
        let adapting = match encoder.as_opus() {
            Some(encoder) => {
                longest = choice.kind.nearest_ptime(choice.max_ptime.min(LONGEST));
                let mut adaptation = Adaptation::new(&choice.opus, ptime, allowed);
                adaptation.allow_ptime(longest);
                encoder.set_dtx(choice.opus.use_dtx)?;
                let rate = SampleRate::new(choice.opus.max_playback_rate);
                encoder.set_max_playback_rate(rate.unwrap_or(SampleRate::FULL))?;
                let target = adaptation.target();
                tune(encoder, target)?;
                again = target.again;
                Adapting::Opus(adaptation)
            }
            None => Adapting::Plain {
                resend: Resend::default(),
                allowed,
            },
        };
        Ok(Speaking {
            choice: choice.clone(),
            encoder,
            adapting,
            again,
            sent: Sent::default(),
            silence: choice
                .comfort_noise
                .map(|_| Silence::new(choice.kind.sound_rate())),
            pausing: false,
            ptime,
            next_ptime: ptime,
            sound: vec![0.0; choice.kind.frame_samples(longest.max(ptime))].into(),
            filled: 0,
        })
    }

    pub(super) fn rate(&self) -> SampleRate {
        self.choice.kind.sound_rate()
    }

    /// Sound in the packet being filled.
    pub(super) fn ptime(&self) -> Duration {
        self.ptime
    }

    fn samples(&self) -> usize {
        self.choice
            .kind
            .frame_samples(self.ptime)
            .min(self.sound.len())
    }

    /// A new packet.
    pub(super) fn begin_packet(&mut self) {
        self.filled = 0;
        self.ptime = self.next_ptime;
    }

    /// Nothing of the packet is filled.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.filled >= self.samples()
    }

    /// Lets the next samples, so many at most, be filled.
    pub(super) fn fill(&mut self, samples: usize, fill: impl FnOnce(&mut [f32])) {
        let end = (self.filled + samples).min(self.samples());
        let room = &mut self.sound[self.filled..end];
        fill(room);
        if let Some(silence) = &mut self.silence {
            silence.observe(room);
        }
        self.filled = end;
    }

    /// Encodes the packet.
    pub(super) fn encode(&mut self, payload: &mut [u8]) -> Result<usize, CodecError> {
        let samples = self.samples();
        self.encoder.encode(&self.sound[..samples], payload)
    }

    pub(super) fn handle_report(&mut self, report: &Report) -> Result<(), CodecError> {
        let target = match &mut self.adapting {
            Adapting::Opus(adaptation) => adaptation.handle_report(report),
            Adapting::Plain { resend, allowed } => {
                let distance = resend.handle_report(report);
                self.again = if *allowed { distance } else { 0 };
                None
            }
        };
        self.follow(target)
    }

    /// Takes how long the last packet took to encode.
    pub(super) fn handle_work(&mut self, spent: Duration) -> Result<(), CodecError> {
        let ptime = self.ptime;
        let target = match &mut self.adapting {
            Adapting::Opus(adaptation) => adaptation.handle_work(spent, ptime),
            Adapting::Plain { .. } => None,
        };
        self.follow(target)
    }

    pub(super) fn handle_dred(&mut self) {
        if let Adapting::Opus(adaptation) = &mut self.adapting {
            adaptation.handle_dred();
        }
    }

    fn follow(&mut self, target: Option<Target>) -> Result<(), CodecError> {
        let (Some(target), Some(encoder)) = (target, self.encoder.as_opus()) else {
            return Ok(());
        };
        self.again = target.again;
        self.next_ptime = CodecKind::Opus.nearest_ptime(target.ptime);
        tune(encoder, target)
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
