//! How a call sounds: figures for each second, levels for each frame of the screen.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::emodel;
use crate::codec::CodecKind;
use crate::jitter::ReceiverStats;
use crate::rtp::StreamStats;
use crate::rtp::stats::Counts;
use crate::units::Dbov;

/// One second of a call, measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Round trip by RTCP, in ms.
    pub rtt_ms: Option<f32>,
    /// Interarrival jitter (RFC 3550), in ms.
    pub jitter_ms: f32,
    /// Packets lost of those expected in the last interval, in percent.
    pub loss_pct: f32,
    /// Loss of what we send, as the far side reports it, in percent.
    pub remote_loss_pct: Option<f32>,
    /// Sound held in the jitter buffer, in ms.
    pub buffer_ms: f32,
    /// Sound made up because none had come, in percent of the last interval.
    pub concealed_pct: f32,
    /// Estimate of the whole way in one direction, in ms.
    pub mouth_to_ear_ms: Option<f32>,
    /// E-model estimate (ITU-T G.107), 1 to 4.5.
    pub mos: f32,
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

/// The counts at the end of the last second, from which the next second's figures are reckoned.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Interval {
    counts: Counts,
    played: Duration,
    concealed: Duration,
}

impl Interval {
    /// Ends a second and begins the next one. `ptime` is ours: the far side's is taken to be
    /// the same.
    pub(super) fn close(
        &mut self,
        network: &StreamStats,
        received: &ReceiverStats,
        codec: CodecKind,
        ptime: Option<Duration>,
        local: LocalDelay,
    ) -> Quality {
        let counts = network.counts.since(&self.counts);
        let played = received.played.saturating_sub(self.played);
        let concealed = received.concealed.saturating_sub(self.concealed);
        *self = Interval {
            counts: network.counts,
            played: received.played,
            concealed: received.concealed,
        };
        let concealed_pct = share(concealed, played);
        let here = ptime.unwrap_or_default()
            + look_ahead(codec)
            + received.level
            + local.capture
            + local.playout;
        let way = network.round_trip.map(|trip| trip / 2 + here);
        Quality {
            rtt_ms: network.round_trip.map(millis),
            jitter_ms: millis(network.jitter),
            loss_pct: counts.loss() as f32 * 100.0,
            remote_loss_pct: network.remote_view.map(|view| view.loss as f32 * 100.0),
            buffer_ms: millis(received.level),
            concealed_pct,
            mouth_to_ear_ms: way.map(millis),
            mos: emodel::mos(codec, way.unwrap_or(here), concealed_pct),
        }
    }
}

/// What the codec waits for beyond the packet: libopus 6.5 ms for speech, G.722's filters 1.4 ms
/// (22 of 24 taps at 16 kHz).
fn look_ahead(codec: CodecKind) -> Duration {
    match codec {
        CodecKind::Opus => Duration::from_micros(6_500),
        CodecKind::G722 => Duration::from_micros(1_400),
        CodecKind::Pcma | CodecKind::Pcmu => Duration::ZERO,
    }
}

fn millis(span: Duration) -> f32 {
    span.as_secs_f32() * 1e3
}

fn share(part: Duration, whole: Duration) -> f32 {
    if whole.is_zero() {
        return 0.0;
    }
    (part.as_secs_f32() / whole.as_secs_f32() * 100.0).min(100.0)
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
