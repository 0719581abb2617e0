//! What a person may choose about the microphone's sound.

use serde::{Deserialize, Serialize};

/// The choices, together. As in the settings file: `echo`, `noise`, `gain`, `high_pass`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoiceSettings {
    /// Whether the loudspeaker's sound is taken out of the microphone's.
    pub echo: EchoChoice,
    /// How much of the room's noise is taken away.
    pub noise: NoiseChoice,
    /// Speech is brought to one level, and nothing is clipped.
    pub gain: bool,
    /// What lies below 80 Hz is taken away: steps, wind, hum.
    pub high_pass: bool,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        VoiceSettings {
            echo: EchoChoice::Auto,
            noise: NoiseChoice::Low,
            gain: true,
            high_pass: true,
        }
    }
}

impl VoiceSettings {
    /// The microphone as it is: nothing is changed, not by a bit.
    pub const UNTOUCHED: VoiceSettings = VoiceSettings {
        echo: EchoChoice::Off,
        noise: NoiseChoice::Off,
        gain: false,
        high_pass: false,
    };
}

/// When echo is cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EchoChoice {
    /// When the microphone is measured to hear the loudspeaker.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// How much noise is taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseChoice {
    /// None.
    Off,
    /// Some, and nothing that a voice could lose by.
    #[default]
    Low,
    /// What is steady: fans, streets.
    High,
    /// All that is no voice, keys and doors too: a network tells.
    Isolation,
}
