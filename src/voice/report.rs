//! What the chain saw and did lately.

use std::time::Duration;

use crate::units::Dbov;

/// The chain's last second, roughly. Cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoiceReport {
    /// Level of the last frame as the microphone gave it.
    pub heard: Dbov,
    /// How likely the last frame holds near speech, 0 to 1. Echo is none.
    pub speech: f32,
    /// Level of what the room sounds like while nobody speaks.
    pub noise_floor: Dbov,
    /// Active level of near speech as heard (ITU-T P.56's sense); `None` until some was heard.
    pub speech_level: Option<Dbov>,
    /// What the automatic gain adds at the moment, in dB; 0 when it is off.
    pub gain_db: f32,
    /// How the loudspeaker is heard in the microphone; `None` until it was measured.
    pub echo_path: Option<EchoPath>,
    /// Whether echo is cancelled, and why or why not.
    pub echo: EchoState,
    /// How much quieter echo leaves the chain than it came, in dB, while nobody speaks here.
    pub echo_removed_db: f32,
    /// How much later sound leaves the chain than it came.
    pub delay: Duration,
}

/// How the loudspeaker is heard in the microphone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EchoPath {
    /// Level of the echo against what was played, in dB; negative where it comes back weaker.
    pub strength_db: f32,
    /// From the moment sound is handed to the loudspeaker's queue until it is back.
    pub delay: Duration,
}

/// Whether echo is cancelled, and why or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoState {
    /// The person does not want it.
    Off,
    /// Not yet measured, and taken for a headset.
    AssumedNone,
    /// Not yet measured, and taken for a loudspeaker.
    AssumedSome,
    /// Measured: none, or too weak to be heard.
    Weak,
    /// Measured, and cancelled.
    Cancelling,
    /// Cancelled because the person wants it always.
    Always,
}

impl EchoState {
    /// Whether the canceller works on the sound.
    #[must_use]
    pub fn is_cancelling(self) -> bool {
        matches!(
            self,
            EchoState::AssumedSome | EchoState::Cancelling | EchoState::Always
        )
    }
}
