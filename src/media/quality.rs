//! How a call sounds: figures for each second, levels for each frame of the screen.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::rtp::xr::VoipMetrics;
use crate::units::Dbov;

/// One second of a call, measured. Percentages are of that second, but for bursts and gaps, which
/// are told of the call so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Round trip by RTCP, in ms.
    pub rtt_ms: Option<f32>,
    /// The network's way in one direction, in ms: half the round trip. The reports carry the
    /// times of both clocks, but nothing says that the two agree.
    pub one_way_ms: Option<f32>,
    /// Interarrival jitter (RFC 3550), in ms.
    pub jitter_ms: f32,
    /// Packets lost of those expected, in percent.
    pub loss_pct: f32,
    /// Packets that came too late or too early to be heard, in percent of those expected.
    pub discard_pct: f32,
    /// Loss of what we send, as the far side reports it, in percent.
    pub remote_loss_pct: Option<f32>,
    /// Sound held in the jitter buffer, in ms.
    pub buffer_ms: f32,
    /// What the jitter buffer aims at, in ms.
    pub buffer_nominal_ms: f32,
    /// The longest it can hold, in ms.
    pub buffer_max_ms: f32,
    /// Sound made up because none had come, in percent.
    pub concealed_pct: f32,
    /// Sound brought back from redundancy, in percent.
    pub repaired_pct: f32,
    /// Speech made shorter or longer to shrink or grow the delay, in percent.
    pub stretched_pct: f32,
    /// Pauses cut or grown to the same end, in percent.
    pub silence_adjusted_pct: f32,
    /// Packets lost or discarded of those in bursts (RFC 3611), in percent.
    pub burst_density_pct: f32,
    /// Mean length of a burst, in ms; 0 without any.
    pub burst_ms: f32,
    /// Packets lost or discarded of those in gaps (RFC 3611), in percent.
    pub gap_density_pct: f32,
    /// Mean length of a gap, in ms.
    pub gap_ms: f32,
    /// What this computer adds to the way, sending and receiving together, in ms.
    pub end_system_ms: f32,
    /// Estimate of the whole way in one direction, in ms.
    pub mouth_to_ear_ms: Option<f32>,
    /// E-model rating (ITU-T G.107), 0 to 100.
    pub r_factor: f32,
    /// Score of listening alone, 1 to 4.5.
    pub mos_lq: f32,
    /// Score of conversation, 1 to 4.5.
    pub mos: f32,
    /// How loud we speak: the active speech level (ITU-T P.56) of the last sentences, as it is
    /// sent.
    pub speech_in: Option<Dbov>,
    /// How loud the far side speaks, measured so.
    pub speech_out: Option<Dbov>,
    /// How ours sounds on the far side, if it says.
    pub remote: Option<RemoteQuality>,
}

/// How the far side hears us, by its last extended report: all counted since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RemoteQuality {
    /// Packets lost for good, in percent.
    pub loss_pct: f32,
    /// Packets that came too late or too early, in percent.
    pub discard_pct: f32,
    /// Packets lost or discarded of those in bursts, in percent.
    pub burst_density_pct: f32,
    /// Mean length of a burst, in ms.
    pub burst_ms: f32,
    /// Packets lost or discarded of those in gaps, in percent.
    pub gap_density_pct: f32,
    /// Mean length of a gap, in ms.
    pub gap_ms: f32,
    /// What its computer adds to the way, in ms; `None` where it does not say.
    pub end_system_ms: Option<f32>,
    /// What its jitter buffer aims at, in ms.
    pub buffer_nominal_ms: f32,
    /// Its rating, 0 to 100.
    pub r_factor: Option<f32>,
    /// Its score of listening, 1 to 5.
    pub mos_lq: Option<f32>,
    /// Its score of conversation, 1 to 5.
    pub mos: Option<f32>,
}

impl RemoteQuality {
    /// As the report has it.
    pub(super) fn of(metrics: &VoipMetrics) -> RemoteQuality {
        let tenths = |score: Option<u8>| score.map(|score| f32::from(score) / 10.0);
        RemoteQuality {
            loss_pct: metrics.loss.percent(),
            discard_pct: metrics.discard.percent(),
            burst_density_pct: metrics.burst_density.percent(),
            burst_ms: metrics.burst_ms.into(),
            gap_density_pct: metrics.gap_density.percent(),
            gap_ms: metrics.gap_ms.into(),
            end_system_ms: Some(metrics.end_system_ms)
                .filter(|span| *span != 0)
                .map(f32::from),
            buffer_nominal_ms: metrics.buffer_nominal_ms.into(),
            r_factor: metrics.r_factor.map(f32::from),
            mos_lq: tenths(metrics.mos_lq),
            mos: tenths(metrics.mos_cq),
        }
    }
}

impl Quality {
    /// The word for it.
    #[must_use]
    pub fn grade(&self) -> Grade {
        if self.mos >= 4.0 {
            Grade::Excellent
        } else if self.mos >= 3.4 {
            Grade::Good
        } else if self.mos >= 2.6 {
            Grade::Poor
        } else {
            Grade::Bad
        }
    }
}

/// Speech of a lower level is too quiet to be understood with ease, in dBov: talkers are at −26.
const TOO_QUIET: Dbov = Dbov(-42.0);

impl Quality {
    /// Whether we speak too quietly for the far side.
    #[must_use]
    pub fn is_too_quiet(&self) -> bool {
        self.speech_in.is_some_and(|level| level < TOO_QUIET)
    }
}

/// Quality in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Words get lost.
    Bad,
    /// One notices.
    Poor,
    /// As a good telephone.
    Good,
    /// As in the same room.
    Excellent,
}

/// Speech levels, written by the media thread and read while a frame is drawn: no lock.
#[derive(Debug)]
pub struct Levels {
    capture: AtomicU32,
    playout: AtomicU32,
}

impl Default for Levels {
    fn default() -> Self {
        let floor = Dbov::SILENCE.0.to_bits();
        Levels {
            capture: AtomicU32::new(floor),
            playout: AtomicU32::new(floor),
        }
    }
}

impl Levels {
    /// What the microphone gives.
    #[must_use]
    pub fn capture(&self) -> Dbov {
        Dbov(f32::from_bits(self.capture.load(Ordering::Relaxed)))
    }

    /// What the far side says.
    #[must_use]
    pub fn playout(&self) -> Dbov {
        Dbov(f32::from_bits(self.playout.load(Ordering::Relaxed)))
    }

    /// Called by the media thread.
    pub fn set(&self, capture: Dbov, playout: Dbov) {
        self.capture.store(capture.0.to_bits(), Ordering::Relaxed);
        self.playout.store(playout.0.to_bits(), Ordering::Relaxed);
    }
}

/// How long sound spends in this computer beside the jitter buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalDelay {
    /// From the microphone to the encoder.
    pub capture: Duration,
    /// From the jitter buffer to the ear.
    pub playout: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_where_they_say() {
        let grade = |mos| {
            Quality {
                mos,
                ..Quality::default()
            }
            .grade()
        };
        assert_eq!(grade(4.0), Grade::Excellent);
        assert_eq!(grade(3.9), Grade::Good);
        assert_eq!(grade(3.3), Grade::Poor);
        assert_eq!(grade(2.5), Grade::Bad);
        assert!(Grade::Bad < Grade::Excellent);
    }

    #[test]
    fn speech_is_too_quiet_only_when_it_was_heard_and_faint() {
        let spoken = |speech_in| {
            Quality {
                speech_in,
                ..Quality::default()
            }
            .is_too_quiet()
        };
        assert!(!spoken(None));
        assert!(!spoken(Some(Dbov(-40.0))));
        assert!(spoken(Some(Dbov(-45.0))));
    }

    #[test]
    fn levels_start_at_silence_and_keep_the_last_word() {
        let levels = Levels::default();
        assert_eq!(levels.capture(), Dbov::SILENCE);
        levels.set(Dbov(-20.0), Dbov(-30.5));
        assert_eq!(
            (levels.capture(), levels.playout()),
            (Dbov(-20.0), Dbov(-30.5))
        );
    }
}
