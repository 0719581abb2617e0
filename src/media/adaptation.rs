//! What the Opus encoder does about what the far side reports, and about the time it takes itself;
//! and what is done for codecs that have nothing to adapt ([`Resend`]).
//!
//! | what moves | to | when | and back |
//! | --- | --- | --- | --- |
//! | copies of the packet before (LBRR) | on | before the first report; any loss, lateness counted with it, from 0.3% | three reports (15 s) with less; the first with none and no jitter |
//! | loss expected | 10% and what is lost, up to 20% | a change of 2%, at once upwards | half the way for each three calm reports |
//! | whole packets again (RFC 2198) | the one two before | 8% and more in runs, to who takes it | runs over, three calm reports |
//! | DRED | 100 ms | the same, to who sends it | the same |
//! | spectrum | up to 8 kHz | while any of these is on | when none is |
//! | bit rate | four fifths, not below 16 kbit/s | more than 8% lost and packets 100 ms late, or 25% lost | a tenth more for each three calm reports |
//! | packet length | 20, 40, 60 ms, as the far side takes them | the same twice in a row (10 s) at the lowest rate; from 10 ms at once | one step for each three calm reports, once the rate is back |
//! | effort (complexity) | 9, 5, 2, 0 | more than a fifth of a processor, 2 s long | less than a twentieth, 15 s long |
//! | G.711, G.722: packets again | the next before, or two before against runs | 3% lost and no queue | less than 1% for six reports (30 s); at once where it fills the line |
//!
//! Loss is protected against at once and believed gone slowly: each change has to be worth it,
//! and the way back is taken in small steps, so that a network at the edge is not rocked.
//!
//! All that follows was measured with PESQ-WB (medians of 25: five talkers, five seeds; 20 ms
//! packets, decoded by [`opus::Decoder`](crate::codec::opus::Decoder)) at 24 kbit/s of payload,
//! which with RTP, UDP and IPv4 make 40 kbit/s on the wire. "Look-ahead" is how much sound the
//! receiver holds back behind what it plays.
//!
//! | lost | protection | none | 20 ms | 40 ms | 60 ms | 100 ms of look-ahead |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | 5% at random | LBRR | 3.25 | 4.07 | 4.07 | 4.07 | 4.07 |
//! | | DRED | 3.29 | 3.57 | 3.59 | 3.59 | 3.59 |
//! | 10% at random | LBRR | 2.70 | 3.81 | 3.81 | 3.81 | 3.81 |
//! | | DRED | 2.67 | 3.12 | 3.18 | 3.18 | 3.20 |
//! | 20%, three in a row | LBRR | 1.87 | 2.26 | 2.26 | 2.26 | 2.26 |
//! | | DRED | 1.90 | 2.02 | 2.28 | 2.55 | 2.73 |
//!
//! So a loss here and there is a matter for LBRR, the copy of one packet in the next one: it brings
//! back the waveform. Only runs of loss, which outlast that copy, are a matter for DRED, whose
//! vocoder brings back the words but not the wave.
//!
//! DRED needs a receiver that reads it (libopus 1.5 or later, and asked to). No description tells, so
//! that it is sent only to those who send it themselves; the others get LBRR, and those who take
//! packets again, which is better in any case, get that.
//!
//! **Both together** gain nothing here, and the reason is the budget, not the decoder. Beside LBRR
//! libopus gives DRED a share of what lies above 20 kbit/s only, and nothing at all if two pieces of
//! 40 ms do not fit: below 31 kbit/s a span that is set has no effect. Two encoders, one for each,
//! within 25 kbit/s did worse than DRED alone in bursts (2.41 against 2.55 with 60 ms) and than LBRR
//! alone elsewhere (3.61 against 4.07 at 5%). With 40 kbit/s of payload there is room, and still
//! LBRR alone is better at random (4.26 against 4.12 with both, 20 ms); bursts gain from both, but
//! not before 60 ms (2.75 against 2.71 for DRED and 2.40 for LBRR; with 100 ms 3.10, 2.95, 2.40).
//! The decoder is not to blame: LBRR, DRED and concealment may follow each other in any order.
//!
//! **Where the far side takes packets that carry earlier ones again** (RFC 2198), runs are better
//! met by the whole packet two before, within the same 24 kbit/s: 2.63 with 40 ms of look-ahead (LBRR
//! 2.26, DRED 2.28), and with 60 ms and three packets 2.91. At random it comes near LBRR, but not
//! before it (5%: 3.98; 10%: 3.80), and clean it costs a third of a point.
//!
//! **The spectrum** is given up to 8 kHz only while one of them is on. Below 30 kbit/s libopus
//! cannot do both: it leaves the copy out as long as it expects no more than 5% loss, and above that
//! narrows the band itself. Narrowing it first leaves more for the voice.
//!
//! **Before the first report** packets are protected as against a little loss: it costs a clean
//! call next to nothing (4.32, against 4.34 unprotected) and saves the first seconds of a bad one (5%
//! lost: 4.07 against 3.33; 10%: 3.72 against 2.62). The first report without loss and jitter ends it.
//! As little as one packet lost in a hundred is worth it: 4.28 against 4.09.
//!
//! Where the far side takes packets again, they are sent again until that report: whatever it is that
//! loses them, it is met from the first word on. Until then more is spent, about what G.711 takes, so
//! that nothing is worse for it. If it tells of little loss, or of loss strewn here and there, copies take over.

mod bursts;
mod effort;
mod resend;

use std::time::Duration;

pub use bursts::Burst;
use effort::Effort;
pub use resend::Resend;

use super::plan::OpusWishes;
use crate::units::SampleRate;

/// What may be spent on the wire, in bit/s, RTP, UDP and IPv4 included: beyond it nobody hears more
/// in speech.
const WIRE: u32 = 40_000;
/// Bits that every packet costs before it says anything: 12 bytes of RTP, 8 of UDP, 20 of IPv4.
const HEADERS: u32 = 8 * (12 + 8 + 20);
/// Short packets have long headers: below this, in bit/s of payload, the wire has to bear more.
const LEAST_PAYLOAD: u32 = 24_000;
/// The lowest rate adapted to, in bit/s of payload. Wide-band speech still leaves room for LBRR.
const BITRATE_FLOOR: u32 = 16_000;

/// Reports in a row without noteworthy loss before the way back is taken: 15 s at the usual
/// interval.
const CALM_REPORTS: u8 = 3;
/// A change of the expected loss below this, in percent, is not worth telling the encoder.
const NOTEWORTHY: f32 = 2.0;
/// Loss, in percent, from which packets are protected at all: one packet of the 250 between two
/// reports. What came too late is lost as well.
const PROTECT_FROM: f32 = 0.3;
/// Less jitter than this is none.
const STEADY: Duration = Duration::from_millis(1);
/// What LBRR is told to expect, in percent: this and the loss that there is, up to the ceiling. With
/// less its copies are coarser than they need to be, and with more the sound itself suffers; in
/// between nothing can be measured.
const COPY_EXPECTS: f32 = 10.0;
const COPY_EXPECTS_AT_MOST: f32 = 20.0;

/// Runs of loss are worth DRED from this loss on, in percent.
const DEEP_FROM: f32 = 8.0;
/// Without word of the pattern, loss above this, in percent, is taken for runs: at random so much is
/// hardly ever lost.
const SURELY_RUNS: f32 = 15.0;
/// Less than this, in bit/s, holds no DRED worth its place: libopus puts 12 kbit/s aside.
const DEEP_RATE: u32 = 20_000;
/// What DRED describes again: as far back as any receiver will wait, and no dearer than less, since
/// older sound is described more coarsely.
const DEEP_SPAN: Duration = Duration::from_millis(100);
/// What the encoder is told to expect then: with it libopus gives DRED three quarters of what lies
/// above 12 kbit/s, which from 10% to 25% makes no difference.
const DEEP_EXPECTS: u8 = 20;

/// What may be spent on payload, in bit/s, before the first report, so that what goes twice need not
/// be half as good: with it the wire bears less than G.711. For so much sound, if none comes.
const FIRST_PAYLOAD: u32 = 44_000;
const FIRST_SECONDS: Duration = Duration::from_secs(6);

/// How many packets back one is carried again: far enough for most runs, and as far as 40 ms of
/// look-ahead.
const AGAIN_DISTANCE: u8 = 2;
/// What the encoder is told to expect then, in percent: what is lost all the same harms less of what
/// follows (2.48 against 2.47; from 5% to 15% makes no difference).
const AGAIN_EXPECTS: u8 = 10;
/// The bits of its headers (RFC 2198).
const AGAIN_HEADERS: u32 = 8 * 5;

/// Lengths of packets gone through, in milliseconds. Longer ones would hold up a conversation.
const PTIMES: [u64; 4] = [10, 20, 40, 60];
/// Shorter packets are half header: they are given up with the first full line.
const SHORT: Duration = Duration::from_millis(20);
/// Reports of a full line, the rate being at its lowest already, until packets grow: 10 s at the
/// usual interval.
const FULL_REPORTS: u8 = 2;

/// Loss above this, in percent, together with packets that wait ever longer, is a full line
/// rather than a noisy one: send less.
const CONGESTED: f32 = 8.0;
/// So much more than the shortest round trip is waiting in a queue.
const QUEUE: Duration = Duration::from_millis(100);
/// The same of jitter, where no round trip is known.
const QUEUE_JITTER: Duration = Duration::from_millis(40);
/// So much loss, in percent, is a full line whatever else is said. A network that loses a fifth in
/// runs of three loses a third of some reports, and sending less does not help it.
const SURELY_CONGESTED: f32 = 50.0;

/// What one report of the far side says of our stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Lost of what was sent since the report before, 0 to 1.
    pub loss: f64,
    /// Came too late to be heard, of all since the beginning, 0 to 1 (RFC 3611 section 4.7.1).
    pub discarded: f64,
    /// How it was distributed, if the far side sends extended reports (RFC 3611 section 4.7.2).
    pub burst: Option<Burst>,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// There and back.
    pub round_trip: Option<Duration>,
}

/// What the encoder should be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Average rate in bit/s.
    pub bitrate: u32,
    /// Effort, 0 to 10.
    pub complexity: u8,
    /// Whether packets carry a copy of the one before them (LBRR).
    pub inband_fec: bool,
    /// Loss to protect against, in percent.
    pub expected_loss: u8,
    /// How much of the past packets describe again (DRED).
    pub dred_span: Duration,
    /// Half of it is the highest frequency coded.
    pub max_sound_rate: SampleRate,
    /// Sound in each packet.
    pub ptime: Duration,
    /// Packets carry the one so many before them again (RFC 2198); 0: none.
    pub again: u8,
}

/// What is done against loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    None,
    /// LBRR.
    Copies,
    /// DRED.
    Deep,
    /// The whole packet once more.
    Again,
}

/// Follows the reports of one stream.
#[derive(Clone, Debug)]
pub struct Adaptation {
    /// What the far side wants at most, in bit/s.
    ceiling: u32,
    /// What may be spent on payload, in bit/s, and what is at present.
    budget: u32,
    payload: u32,
    /// Whether the far side makes use of protection (RFC 7587 `useinbandfec`).
    wanted: bool,
    /// Whether it takes packets that carry others again.
    again: bool,
    /// Whether it is known to read DRED.
    deep: bool,
    /// Sound in a packet: what was agreed on, what it is, and the longest that it may be.
    agreed_ptime: Duration,
    ptime: Duration,
    longest_ptime: Duration,
    /// Reports in a row of a line that is full although little is sent.
    full: u8,
    protection: Protection,
    /// Loss believed in, in percent.
    expected: f32,
    reported: bool,
    /// Sound sent before the first report.
    unreported: Duration,
    calm: u8,
    shortest_trip: Option<Duration>,
    effort: Effort,
}

impl Adaptation {
    /// For a far side with these wishes and packets of this length. `again`: it takes packets that
    /// carry others again.
    #[must_use]
    pub fn new(wishes: &OpusWishes, ptime: Duration, again: bool) -> Adaptation {
        let packets = packets_of(ptime);
        let ceiling = wishes.max_average_bitrate.unwrap_or(u32::MAX).max(6_000);
        let budget = WIRE
            .saturating_sub(HEADERS * packets)
            .max(LEAST_PAYLOAD)
            .min(ceiling);
        Adaptation {
            ceiling,
            budget,
            payload: budget,
            wanted: wishes.use_inband_fec,
            again,
            deep: false,
            agreed_ptime: ptime,
            ptime,
            longest_ptime: ptime,
            full: 0,
            protection: if again {
                Protection::Again
            } else {
                Protection::Copies
            },
            expected: 0.0,
            reported: false,
            unreported: Duration::ZERO,
            calm: 0,
            shortest_trip: None,
            effort: Effort::default(),
        }
    }

    /// Lets packets grow up to this length where the line is full.
    pub fn allow_ptime(&mut self, longest: Duration) {
        self.longest_ptime = longest.max(self.agreed_ptime);
    }

    /// What the encoder should be set to.
    #[must_use]
    pub fn target(&self) -> Target {
        let protection = match self.protection {
            Protection::Copies | Protection::Deep if !self.wanted => Protection::None,
            any => any,
        };
        // Twice, and headers.
        let payload = match protection {
            Protection::Again => {
                let headers = AGAIN_HEADERS * packets_of(self.ptime);
                let beginning = !self.reported && self.unreported < FIRST_SECONDS;
                let payload = if beginning {
                    self.payload.max(FIRST_PAYLOAD)
                } else {
                    self.payload
                };
                (payload.saturating_sub(headers) / 2).min(self.payload)
            }
            Protection::None | Protection::Copies | Protection::Deep => self.payload,
        };
        // What to ask of libopus, in percent, for what is to be spent on speech, measured: LBRR leaves
        // out the pauses, and so stays below what it is given.
        let (share, expected_loss, max_sound_rate) = match protection {
            Protection::None => (96, 0, SampleRate::FULL),
            Protection::Copies => {
                let expected = (COPY_EXPECTS + self.expected).min(COPY_EXPECTS_AT_MOST);
                (105, expected.round() as u8, SampleRate::WIDE)
            }
            Protection::Deep => (97, DEEP_EXPECTS, SampleRate::WIDE),
            Protection::Again => (104, AGAIN_EXPECTS, SampleRate::WIDE),
        };
        Target {
            bitrate: (payload / 100 * share).clamp(6_000, self.ceiling),
            complexity: self.effort.complexity(),
            inband_fec: protection == Protection::Copies,
            expected_loss,
            dred_span: if protection == Protection::Deep {
                DEEP_SPAN
            } else {
                Duration::ZERO
            },
            max_sound_rate,
            ptime: self.ptime,
            again: if protection == Protection::Again {
                AGAIN_DISTANCE
            } else {
                0
            },
        }
    }

    /// Takes one report; answers the new target if it changed.
    pub fn handle_report(&mut self, report: &Report) -> Option<Target> {
        let before = self.target();
        let lost = percent(report.loss);
        let loss = (lost + percent(report.discarded)).min(100.0);
        let first = !std::mem::replace(&mut self.reported, true);
        if loss >= self.expected + NOTEWORTHY {
            self.expected = loss;
            self.calm = 0;
        } else if loss <= self.expected - NOTEWORTHY || loss < PROTECT_FROM {
            self.calm = self.calm.saturating_add(1);
        } else {
            self.calm = 0;
        }
        let congested = self.is_congested(lost, report);
        let least = BITRATE_FLOOR.min(self.budget);
        self.full = match (congested, self.payload <= least || self.ptime < SHORT) {
            (true, true) => self.full + 1,
            (true, false) => 0,
            (false, _) => self.full.saturating_sub(1),
        };
        if self.full >= FULL_REPORTS || (congested && self.ptime < SHORT) {
            self.full = 0;
            self.lengthen();
        }
        if congested {
            self.payload = (self.payload / 5 * 4).max(BITRATE_FLOOR.min(self.budget));
        }
        let nothing = first && loss < PROTECT_FROM && report.jitter < STEADY;
        let believed = nothing || self.calm >= CALM_REPORTS;
        if believed {
            self.calm = 0;
            // Half the way to what is reported, and all of it at the end.
            let halfway = f32::midpoint(self.expected, loss);
            self.expected = if halfway - loss < 1.0 { loss } else { halfway };
            if !congested && self.payload >= self.budget {
                self.shorten();
            } else if !congested {
                self.payload = (self.payload / 10 * 11).min(self.budget);
            }
        }
        self.protect(loss, report, believed, first);
        Some(self.target()).filter(|target| *target != before)
    }

    /// The far side sends DRED, and so will read it. No description says so, and to those who do not
    /// read it, LBRR is worth more than nothing.
    pub fn handle_dred(&mut self) {
        self.deep = true;
    }

    /// Longer packets: fewer headers for the same sound.
    fn lengthen(&mut self) {
        let longer = PTIMES.into_iter().map(Duration::from_millis);
        let mut longer = longer.filter(|ptime| *ptime > self.ptime && *ptime <= self.longest_ptime);
        self.ptime = longer.next().unwrap_or(self.ptime);
    }

    /// One step back to what was agreed on.
    fn shorten(&mut self) {
        let shorter = PTIMES.into_iter().rev().map(Duration::from_millis);
        let mut shorter =
            shorter.filter(|ptime| *ptime < self.ptime && *ptime >= self.agreed_ptime);
        self.ptime = shorter.next().unwrap_or(self.ptime);
    }

    /// Chooses the protection: more of it at once, less only when that is believed.
    fn protect(&mut self, loss: f32, report: &Report, believed: bool, first: bool) {
        let runs = match report.burst {
            Some(burst) => burst.is_in_runs(loss / 100.0),
            None => loss > SURELY_RUNS,
        };
        // Nothing was known before, so that it is believed at once.
        let few = if report.burst.is_some() && !runs {
            SURELY_RUNS
        } else {
            DEEP_FROM
        };
        let strewn = first && loss < few;
        let much = runs && loss >= DEEP_FROM && self.payload >= DEEP_RATE;
        self.protection = match self.protection {
            _ if much && self.again => Protection::Again,
            _ if much && self.deep => Protection::Deep,
            strong @ (Protection::Deep | Protection::Again)
                if !believed && !strewn && self.payload >= DEEP_RATE =>
            {
                strong
            }
            _ if self.expected >= PROTECT_FROM || loss >= PROTECT_FROM => Protection::Copies,
            Protection::Copies | Protection::Again if !believed => Protection::Copies,
            Protection::None | Protection::Copies | Protection::Deep | Protection::Again => {
                Protection::None
            }
        };
    }

    fn is_congested(&mut self, loss: f32, report: &Report) -> bool {
        let queue = match report.round_trip {
            Some(trip) => {
                let shortest = self.shortest_trip.map_or(trip, |known| known.min(trip));
                self.shortest_trip = Some(shortest);
                trip > shortest + QUEUE
            }
            None => report.jitter > QUEUE_JITTER,
        };
        loss > SURELY_CONGESTED || (loss > CONGESTED && queue)
    }

    /// Takes how long the encoder worked on a packet of `sound`; answers the new target if it
    /// changed.
    pub fn handle_work(&mut self, spent: Duration, sound: Duration) -> Option<Target> {
        let before = self.target();
        if !self.reported {
            self.unreported = self.unreported.saturating_add(sound);
        }
        self.effort.handle_work(spent, sound);
        Some(self.target()).filter(|target| *target != before)
    }
}

/// In percent, and no nonsense.
fn percent(share: f64) -> f32 {
    let percent = share as f32 * 100.0;
    if percent.is_nan() {
        0.0
    } else {
        percent.clamp(0.0, 100.0)
    }
}

/// How many packets of this length go out in a second.
fn packets_of(ptime: Duration) -> u32 {
    1_000
        / u32::try_from(ptime.as_millis())
            .unwrap_or(20)
            .clamp(10, 120)
}

#[cfg(test)]
mod tests;
