//! From what packets and jitter buffer counted to the figures of a second.

use std::time::Duration;

use super::emodel::{self, Conditions, Rating};
use super::meter::TalkLevels;
use super::quality::{LocalDelay, Quality, RemoteQuality};
use crate::codec::CodecKind;
use crate::jitter::ReceiverStats;
use crate::rtp::StreamStats;
use crate::rtp::session::Listening;
use crate::rtp::stats::Counts;
use crate::rtp::xr::Concealment;
use crate::units::Dbov;

/// Sound in a packet where nothing has been said or heard of it.
const USUAL_PTIME: Duration = Duration::from_millis(20);
/// What Opus is taken to send before the first packet, in bit/s.
const USUAL_BITRATE: f32 = 40_000.0;
/// Packets heard before the rate is believed.
const ENOUGH: u64 = 10;
/// How quickly the jitter buffer follows (RFC 3611 section 4.7.6, JB rate): growing by 70 ms takes
/// it about a second, and the field ends at 15 double frames, 0.6 s.
const BUFFER_RATE: u8 = 15;

/// What is known at the end of a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Findings<'a> {
    /// How the network fares.
    pub(super) network: &'a StreamStats,
    /// How the stream is received.
    pub(super) received: &'a ReceiverStats,
    /// What is heard.
    pub(super) codec: CodecKind,
    /// Sound in the far side's packets.
    pub(super) ptime: Option<Duration>,
    /// What is spoken, and sound in its packets.
    pub(super) spoken: Option<(CodecKind, Duration)>,
    /// The longest the jitter buffer can hold.
    pub(super) buffer_longest: Duration,
    /// How loud speech and pauses are.
    pub(super) talk: TalkLevels,
    /// The active speech level of what is said, and of what is heard.
    pub(super) speech: (Option<Dbov>, Option<Dbov>),
    /// What devices add.
    pub(super) local: LocalDelay,
}

/// The counts at the end of the last second, from which the next second's figures are reckoned.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Interval {
    counts: Counts,
    discarded: u64,
    skipped: u64,
    played: Duration,
    concealed: Duration,
    repaired: Duration,
    stretched: Duration,
    silence_adjusted: Duration,
}

impl Interval {
    /// Ends a second and begins the next one: its figures, and what the next extended report says.
    pub(super) fn close(&mut self, found: &Findings<'_>) -> (Quality, Listening) {
        let Findings {
            network, received, ..
        } = *found;
        let before = std::mem::replace(
            self,
            Interval {
                counts: network.counts,
                discarded: network.burst_gap.discarded,
                skipped: received.counts.skipped,
                played: received.played,
                concealed: received.concealed,
                repaired: received.repaired,
                stretched: received.stretched,
                silence_adjusted: received.silence_adjusted,
            },
        );
        let counts = network.counts.since(&before.counts);
        let played = self.played.saturating_sub(before.played);
        let concealed_pct = share(self.concealed.saturating_sub(before.concealed), played);
        // Another source starts its counts anew.
        let discarded = self.discarded.saturating_sub(before.discarded)
            + self.skipped.saturating_sub(before.skipped);

        let remote = network.remote_metrics.map(|said| said.metrics);
        let told = remote.as_ref().map(RemoteQuality::of);
        let way = Way::of(found, told.as_ref());
        let ptime = found.theirs();
        let conditions = Conditions {
            codec: found.codec,
            bitrate: found.bitrate(),
            delay: way.mouth_to_ear.unwrap_or(way.end_system),
            loss_pct: concealed_pct,
            burst_ratio: burst_ratio(network),
            echo_loss_db: remote.and_then(|metrics| metrics.echo_loss_db),
        };
        let rating = emodel::rate(&conditions);
        let burst_gap = &network.burst_gap;
        let quality = Quality {
            rtt_ms: network.round_trip.map(millis),
            one_way_ms: network.round_trip.map(|trip| millis(trip / 2)),
            jitter_ms: millis(network.jitter),
            loss_pct: counts.loss() as f32 * 100.0,
            discard_pct: part_pct(discarded, counts.expected),
            remote_loss_pct: network.remote_view.map(|view| view.loss as f32 * 100.0),
            buffer_ms: millis(received.level),
            buffer_nominal_ms: millis(received.target),
            buffer_max_ms: millis(found.buffer_longest),
            concealed_pct,
            repaired_pct: share(self.repaired.saturating_sub(before.repaired), played),
            stretched_pct: share(self.stretched.saturating_sub(before.stretched), played),
            silence_adjusted_pct: share(
                self.silence_adjusted
                    .saturating_sub(before.silence_adjusted),
                played,
            ),
            burst_density_pct: part_pct(burst_gap.bursts.missing, burst_gap.bursts.packets),
            burst_ms: millis(burst_gap.bursts.mean(ptime)),
            gap_density_pct: part_pct(burst_gap.gaps.missing, burst_gap.gaps.packets),
            gap_ms: millis(burst_gap.gaps.mean(ptime)),
            end_system_ms: millis(way.end_system),
            mouth_to_ear_ms: way.mouth_to_ear.map(millis),
            r_factor: rating.r,
            mos_lq: rating.mos_lq,
            mos: rating.mos_cq,
            speech_in: found.speech.0,
            speech_out: found.speech.1,
            remote: told,
        };
        // The report speaks of the whole call.
        let of_all = emodel::rate(&Conditions {
            loss_pct: share(self.concealed, self.played),
            ..conditions
        });
        (quality, found.listening(&way, &of_all))
    }
}

/// How long sound takes.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// What this computer adds, sending and receiving together.
    end_system: Duration,
    /// All of it, one way; `None` while the round trip is not known.
    mouth_to_ear: Option<Duration>,
}

impl Way {
    /// RFC 3611 section 4.7.3: half of the round trip and of what both computers add. A far side
    /// that does not say what it adds is taken to be like this one.
    fn of(found: &Findings<'_>, told: Option<&RemoteQuality>) -> Way {
        let (codec, ptime) = found.spoken.unwrap_or((found.codec, found.theirs()));
        let end_system = ptime
            + look_ahead(codec)
            + found.received.level
            + found.local.capture
            + found.local.playout;
        let far = told
            .and_then(|told| told.end_system_ms)
            .map_or(end_system, |ms| Duration::from_secs_f32(ms / 1e3));
        Way {
            end_system,
            mouth_to_ear: found
                .network
                .round_trip
                .map(|trip| (trip + end_system + far) / 2),
        }
    }
}

impl Findings<'_> {
    fn theirs(&self) -> Duration {
        self.ptime
            .or(self.spoken.map(|(_, ptime)| ptime))
            .unwrap_or(USUAL_PTIME)
    }

    /// What the far side's packets carry on average, in bit/s of sound: pauses that are not sent
    /// do not count.
    fn bitrate(&self) -> f32 {
        let counts = &self.network.counts;
        let sound = self.theirs().as_secs_f32() * counts.received as f32;
        if counts.received < ENOUGH || sound <= 0.0 {
            return USUAL_BITRATE;
        }
        counts.octets as f32 * 8.0 / sound
    }

    fn listening(&self, way: &Way, rating: &Rating) -> Listening {
        let ptime = self.theirs();
        let packets = self.received.repaired.as_secs_f64() / ptime.as_secs_f64().max(1e-3);
        Listening {
            ptime,
            repaired: packets as u64,
            skipped: self.received.counts.skipped,
            end_system: way.end_system,
            signal_dbm0: self.talk.speech_dbm0,
            noise_dbm0: self.talk.pauses_dbm0,
            r_factor: rating.r,
            mos_lq: rating.mos_lq,
            mos_cq: rating.mos_cq,
            concealment: match self.codec {
                CodecKind::Opus => Concealment::Enhanced,
                CodecKind::G722 | CodecKind::Pcma | CodecKind::Pcmu => Concealment::Standard,
            },
            buffer_rate: BUFFER_RATE,
            buffer_nominal: self.received.target,
            buffer_longest: self.buffer_longest,
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

/// BurstR of G.107: the mean run of lost packets to that of as much loss at random, which is
/// 1 / (1 − loss).
fn burst_ratio(network: &StreamStats) -> f32 {
    let mean = network.bursts.mean() * (1.0 - network.counts.loss());
    (mean as f32).max(1.0)
}

fn millis(span: Duration) -> f32 {
    span.as_secs_f32() * 1e3
}

fn part_pct(part: u64, whole: u64) -> f32 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 / whole as f64 * 100.0).min(100.0) as f32
}

fn share(part: Duration, whole: Duration) -> f32 {
    if whole.is_zero() {
        return 0.0;
    }
    (part.as_secs_f32() / whole.as_secs_f32() * 100.0).min(100.0)
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
