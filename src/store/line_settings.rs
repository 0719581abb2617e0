//! How sound goes over the network, as far as a person decides.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What the settings file keeps under `[line]`. Holds for calls from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LineSettings {
    /// Pauses are described instead of sent, where the far side takes that.
    pub silence_suppression: bool,
    /// Packets of 10 ms: 10 ms less delay for 16 kbit/s more.
    pub low_delay: bool,
    /// G.711 and G.722 may send packets again while many are lost (RFC 2198), at twice the rate.
    pub resend: bool,
    /// The longest that sound waits for late packets, in milliseconds, 40 to 2,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay_ms: Option<u32>,
    /// The same at the beginning of a call, until the network is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_delay_ms: Option<u32>,
}

impl LineSettings {
    /// Whether nothing was decided.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == LineSettings::default()
    }

    /// [`LineSettings::max_delay_ms`].
    #[must_use]
    pub fn max_delay(&self) -> Option<Duration> {
        self.max_delay_ms.map(|ms| Duration::from_millis(ms.into()))
    }

    /// [`LineSettings::start_delay_ms`].
    #[must_use]
    pub fn start_delay(&self) -> Option<Duration> {
        self.start_delay_ms
            .map(|ms| Duration::from_millis(ms.into()))
    }

    /// Sound in each packet.
    #[must_use]
    pub fn ptime(&self) -> Duration {
        Duration::from_millis(if self.low_delay { 10 } else { 20 })
    }
}
