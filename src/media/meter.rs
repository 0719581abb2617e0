//! How loud a call is, whichever codec carries it.

use crate::dsp::level::Meter;
use crate::units::{Dbov, SampleRate};

/// A meter that follows the rate of what it hears.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    rate: SampleRate,
    meter: Meter,
}

impl Default for Needle {
    fn default() -> Self {
        Needle {
            rate: SampleRate::FULL,
            meter: Meter::new(SampleRate::FULL),
        }
    }
}

impl Needle {
    /// Takes sound; after a change of rate it starts from silence.
    pub(super) fn observe(&mut self, rate: SampleRate, sound: &[f32]) {
        if rate != self.rate {
            *self = Needle {
                rate,
                meter: Meter::new(rate),
            };
        }
        self.meter.observe(sound);
    }

    /// Takes 10 ms of nothing.
    pub(super) fn observe_silence(&mut self) {
        const LONGEST: [f32; 480] = [0.0; 480];
        let samples = self.rate.samples_in(super::uplink::FRAME);
        self.meter.observe(&LONGEST[..samples.min(LONGEST.len())]);
    }

    /// The mean level of the last tenth of a second.
    pub(super) fn level(&self) -> Dbov {
        self.meter.level()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_brings_it_down_and_another_rate_does_not_confuse_it() {
        let mut needle = Needle::default();
        assert_eq!(needle.level(), Dbov::SILENCE);
        for _ in 0..100 {
            needle.observe(SampleRate::NARROW, &[0.5; 80]);
        }
        // A constant of one half has twice the power of a sine of that peak.
        assert!((needle.level().0 + 3.0).abs() < 0.2, "{:?}", needle.level());
        for _ in 0..100 {
            needle.observe(SampleRate::WIDE, &[0.5; 160]);
        }
        assert!((needle.level().0 + 3.0).abs() < 0.2, "{:?}", needle.level());
        for _ in 0..100 {
            needle.observe_silence();
        }
        assert!(needle.level().0 < -40.0, "{:?}", needle.level());
    }
}
