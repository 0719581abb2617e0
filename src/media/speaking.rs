//! One codec being spoken: its encoder, how it adapts, and the sound of the packet being filled.

use super::adaptation::{Adaptation, Target};
use super::again::Sent;
use super::plan::CodecChoice;
use super::silence::Silence;
use crate::codec::{CodecError, Encoder, opus};
use crate::units::SampleRate;

/// An encoder and the sound of the packet being filled.
#[derive(Debug)]
pub(super) struct Speaking {
    pub(super) choice: CodecChoice,
    pub(super) encoder: Encoder,
    pub(super) adaptation: Adaptation,
    /// How many packets back one is carried again; 0: none is.
    pub(super) again: u8,
    pub(super) sent: Sent,
    /// Pauses are described instead of sent.
    pub(super) silence: Option<Silence>,
    /// The last packet said that a pause begins.
    pub(super) pausing: bool,
    pub(super) sound: Box<[f32]>,
    pub(super) filled: usize,
}

impl Speaking {
    pub(super) fn new(choice: &CodecChoice) -> Result<Speaking, CodecError> {
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
            again: adaptation.target().again,
            adaptation,
            sent: Sent::default(),
            silence: choice
                .comfort_noise
                .map(|_| Silence::new(choice.kind.sound_rate())),
            pausing: false,
            sound,
            filled: 0,
        })
    }

    pub(super) fn rate(&self) -> SampleRate {
        self.choice.kind.sound_rate()
    }
}

pub(super) fn tune(encoder: &mut opus::Encoder, target: Target) -> Result<(), CodecError> {
    encoder.set_bitrate(target.bitrate)?;
    encoder.set_complexity(target.complexity)?;
    encoder.set_inband_fec(target.inband_fec)?;
    encoder.set_expected_loss(target.expected_loss)?;
    encoder.set_dred_span(target.dred_span)?;
    encoder.set_max_sound_rate(target.max_sound_rate)
}
