//! Packets put in order and held until their time, in slots made once.
//!
//! Time here is nanoseconds: RTP times become moments of one media clock at the door, whatever
//! rate their codec counts in (RFC 7160), so delay, gaps and pauses are all one arithmetic.
//! Nothing is decoded: payloads go out as they came in.

use std::time::{Duration, Instant};

use super::delay::{Came, DelayBounds, DelayEstimator, MILLI, Nanos, nanos};
use crate::units::{PayloadType, RtpTime, SampleRate, SeqNo};

/// Packets held at most: 2.56 s in pieces of 10 ms, which is more than the highest cap.
const SLOTS: usize = 256;

/// The largest payload kept: that of a full Ethernet frame.
pub const MAX_PAYLOAD: usize = 1_500;

/// Steps of the media clock below this are rounding, not pauses.
const TOLERANCE: Nanos = 2 * MILLI;

/// Sound is released if it is due within this: half a pull.
const EARLY: Nanos = 5 * MILLI;

/// What stopped for want of packets is held up to so long until there is as much delay as is aimed
/// at.
const STOPS_FOR: Nanos = 80 * MILLI;

/// A packet this much before or after its time is not of the timeline that is being played.
const TOO_EARLY: Nanos = 1_000 * MILLI;
const TOO_LATE: Nanos = 5_000 * MILLI;

/// After so long without any packet the stream is taken to have ended.
const GIVE_UP: Nanos = 1_000 * MILLI;

/// A marked packet so much later than any jitter, and right behind the last, ends a pause in which
/// the sender's clock stood still.
const STOOD_STILL: Nanos = 100 * MILLI;

/// Delay beyond the cap at which packets are left out, rather than played faster.
const SKIP_BEYOND: Nanos = 200 * MILLI;

/// What one pull asks for.
const PULL: Nanos = 10 * MILLI;

/// What a packet is to the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// Sound.
    Sound,
    /// The last of the sender's before a pause: comfort noise (RFC 3389), or an Opus packet with
    /// nothing in it. Silence after it is no loss.
    Pause,
    /// Something else that takes a sequence number: a telephone event.
    Other,
}

/// A packet at the door.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Extended sequence number.
    pub seq: SeqNo,
    /// Extended RTP time.
    pub time: RtpTime,
    /// The clock that `time` counts.
    pub clock: SampleRate,
    /// How long its sound lasts; zero for [`PacketKind::Other`].
    pub duration: Duration,
    /// The marker bit: the first packet after a pause (RFC 3551 section 4.1).
    pub marker: bool,
    /// It carries a copy of the sound before it.
    pub copy: bool,
    /// It comes in a later packet (RFC 2198).
    pub again: bool,
    /// What it is.
    pub kind: PacketKind,
    /// Its payload type.
    pub payload_type: PayloadType,
    /// At most [`MAX_PAYLOAD`] bytes.
    pub payload: &'a [u8],
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It waits for its time.
    Kept,
    /// It is here, or was, already.
    Duplicate,
    /// Its time is over.
    Late,
    /// It does not fit what came before, in number or time, and was left out; if the next one
    /// fits it, the stream starts again from there.
    Unexpected,
    /// It starts the stream again: the one before agreed with it and with nothing else.
    Restarted,
    /// It is larger than any sound we accept, or no payload of its codec.
    Refused,
}

/// What is to be played next.
#[derive(Debug)]
pub enum Pulled<'a> {
    /// This, now.
    Frame {
        /// As it came.
        payload: &'a [u8],
        /// Its payload type.
        payload_type: PayloadType,
        /// Sound or a pause's beginning.
        kind: PacketKind,
        /// Packets before it were left out to catch up: fade from one to the other.
        spliced: bool,
        /// It is the first after a pause or at the beginning, and what was filled in before it
        /// stands for nothing that was lost.
        resumed: bool,
        /// So much sound before it did not come, and what was filled in has stood for it.
        missed: Duration,
    },
    /// A packet that did not come.
    Lost {
        /// How much sound of it is still missing.
        duration: Duration,
        /// The next packet that is here: it may carry a copy.
        next: Option<Later<'a>>,
        /// So much sound before it did not come, and what was filled in has stood for it.
        missed: Duration,
    },
    /// Nothing: fill 10 ms.
    Nothing(Why),
}

/// A packet behind a loss.
#[derive(Clone, Copy, Debug)]
pub struct Later<'a> {
    /// As it came.
    pub payload: &'a [u8],
    /// Its payload type.
    pub payload_type: PayloadType,
    /// From where the sound is still missing to where its own begins.
    pub ahead: Duration,
    /// Nothing else is missing between the two.
    pub adjacent: bool,
}

/// Why there is nothing to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No sound has come yet, or for long, or the first is held back.
    Idle,
    /// The sender said that it pauses.
    Pause,
    /// The sender left a gap in time but none in its numbers.
    Gap,
    /// It should be here, and is late or lost.
    Underrun,
}

/// What has been counted since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferCounts {
    /// Packets kept.
    pub received: u64,
    /// Packets that never came, or not yet.
    pub lost: u64,
    /// Packets that came when their time was over. Not counted as lost.
    pub late: u64,
    /// Copies of packets.
    pub duplicates: u64,
    /// Packets that came behind a later one, in time.
    pub reordered: u64,
    /// Packets left out to catch up.
    pub skipped: u64,
    /// Packets that fitted nothing.
    pub unexpected: u64,
    /// Times the stream started again.
    pub restarts: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SlotState {
    Empty,
    Ready,
    /// Played, or otherwise done with.
    Taken,
    /// Given up; it may still come.
    Missed,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    state: SlotState,
    seq: u64,
    media: Nanos,
    duration: Nanos,
    kind: PacketKind,
    copy: bool,
    payload_type: PayloadType,
    length: usize,
}

/// Where playing is.
#[derive(Clone, Copy, Debug)]
struct Position {
    seq: u64,
    media: Nanos,
    /// Filled in for something that may yet come; it counts against whatever does.
    owed: Nanos,
    /// The sender said that it pauses.
    paused: bool,
    /// Passed by because what was filled in stood for it.
    missed: Nanos,
}

/// What to do, by slot number: the borrow comes after the decision.
#[derive(Clone, Copy, Debug)]
enum Step {
    Frame {
        slot: usize,
        spliced: bool,
        resumed: bool,
        missed: Nanos,
    },
    Lost {
        duration: Nanos,
        /// Its slot, how far ahead it is, and whether nothing else is missing.
        next: Option<(usize, Nanos, bool)>,
        missed: Nanos,
    },
    Nothing(Why),
}

/// The jitter buffer. Allocates only when made.
#[derive(Debug)]
pub struct JitterBuffer {
    slots: Box<[Slot]>,
    arena: Box<[u8]>,
    origin: Option<Instant>,
    clock: MediaClock,
    delay: DelayEstimator,
    cap: Nanos,
    position: Option<Position>,
    /// Highest number of this stream, kept or played.
    highest: Option<u64>,
    /// The moment at which the sound that has come ends.
    sent_until: Option<Nanos>,
    /// The last packet that did not fit.
    unexpected: Option<(u64, Nanos, Nanos)>,
    /// Length of the last sound packet.
    ptime: Nanos,
    /// Look-ahead asked for beyond a packet length.
    look_ahead: Nanos,
    levels: Levels,
    counts: BufferCounts,
}

impl JitterBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new(bounds: DelayBounds) -> JitterBuffer {
        let empty = Slot {
            state: SlotState::Empty,
            seq: 0,
            media: 0,
            duration: 0,
            kind: PacketKind::Other,
            copy: false,
            payload_type: const { PayloadType::new(0).expect("below 128") },
            length: 0,
        };
        JitterBuffer {
            slots: vec![empty; SLOTS].into(),
            arena: vec![0; SLOTS * MAX_PAYLOAD].into(),
            origin: None,
            clock: MediaClock::default(),
            delay: DelayEstimator::new(bounds),
            cap: nanos(bounds.cap),
            position: None,
            highest: None,
            sent_until: None,
            unexpected: None,
            ptime: 20 * MILLI,
            look_ahead: 0,
            levels: Levels::default(),
            counts: BufferCounts::default(),
        }
    }

    /// Takes in a packet that arrived at `now`.
    pub fn insert(&mut self, packet: &Incoming<'_>, now: Instant) -> Inserted {
        if packet.payload.len() > MAX_PAYLOAD {
            return Inserted::Refused;
        }
        let now = self.since_origin(now);
        let seq = packet.seq.0;
        let mut media = self.clock.media_of(packet, self.ptime);
        let mut restarted = false;
        if !self.fits(packet, media, now) {
            // While nothing waits or plays, there is no timeline to protect from a stray.
            let idle = self.position.is_none() && self.earliest().is_none();
            let agrees = idle
                || self.unexpected.is_some_and(|(last, last_media, arrival)| {
                    let drift = (media - last_media) - (now - arrival);
                    seq > last && seq - last <= 10 && drift.abs() < TOO_EARLY
                });
            if !agrees {
                self.unexpected = Some((seq, media, now));
                self.counts.unexpected += 1;
                return Inserted::Unexpected;
            }
            self.restart();
            self.counts.restarts += 1;
            media = self.clock.media_of(packet, self.ptime);
            restarted = true;
        }
        self.unexpected = None;
        self.clock.accept(packet, media);
        let at = Self::index(seq);
        if self.slots[at].seq == seq {
            match self.slots[at].state {
                SlotState::Ready | SlotState::Taken => {
                    self.counts.duplicates += 1;
                    return Inserted::Duplicate;
                }
                SlotState::Missed => {
                    self.counts.lost -= 1;
                    return self.too_late(packet, media, now);
                }
                SlotState::Empty => {}
            }
        }
        if self.position.is_some_and(|position| seq < position.seq) {
            return self.too_late(packet, media, now);
        }
        if packet.marker && self.clock_stood_still(seq, media, now) {
            self.forget_position();
        }
        self.keep(packet, media);
        let overtaken = self.highest.is_some_and(|highest| seq < highest);
        if packet.kind != PacketKind::Other {
            self.delay.observe(
                now,
                self.begun(packet, media),
                Came::of(packet.again, overtaken),
            );
        }
        self.sent_until = match packet.kind {
            PacketKind::Sound => self.sent_until.max(Some(media + nanos(packet.duration))),
            PacketKind::Pause => None,
            PacketKind::Other => self.sent_until,
        };
        self.counts.received += 1;
        self.delay.note(false);
        if overtaken {
            self.counts.reordered += 1;
        }
        self.highest = self.highest.max(Some(seq));
        if restarted {
            Inserted::Restarted
        } else {
            Inserted::Kept
        }
    }

    /// What is to be played at `now`, behind `queued` of sound that was pulled before and is not
    /// yet heard.
    pub fn pull(&mut self, now: Instant, queued: Duration) -> Pulled<'_> {
        let now = self.since_origin(now);
        match self.decide(now, nanos(queued)) {
            Step::Frame {
                slot,
                spliced,
                resumed,
                missed,
            } => {
                let Slot {
                    payload_type, kind, ..
                } = self.slots[slot];
                let payload = self.payload(slot);
                Pulled::Frame {
                    payload,
                    payload_type,
                    kind,
                    spliced,
                    resumed,
                    missed: Duration::from_nanos(missed.unsigned_abs()),
                }
            }
            Step::Lost {
                duration,
                next,
                missed,
            } => Pulled::Lost {
                duration: Duration::from_nanos(duration.unsigned_abs()),
                next: next.map(|(slot, ahead, adjacent)| Later {
                    payload: self.payload(slot),
                    payload_type: self.slots[slot].payload_type,
                    ahead: Duration::from_nanos(ahead.unsigned_abs()),
                    adjacent,
                }),
                missed: Duration::from_nanos(missed.unsigned_abs()),
            },
            Step::Nothing(why) => Pulled::Nothing(why),
        }
    }

    /// Whether the packet that follows the last one is here, so that the next pull gives it.
    #[must_use]
    pub fn has_next(&self) -> bool {
        let Some(position) = self.position else {
            return false;
        };
        let slot = &self.slots[Self::index(position.seq)];
        slot.state == SlotState::Ready
            && slot.seq == position.seq
            && slot.kind == PacketKind::Sound
            && (slot.media - position.media).abs() <= TOLERANCE
    }

    /// How much more (or, below zero, less) than it should be the delay has been, at the least,
    /// over the last 100 ms of playing, in nanoseconds.
    #[must_use]
    pub fn excess(&self) -> Option<i64> {
        Some(self.levels.least()? - self.delay.target())
    }

    /// How late, in nanoseconds, the next packet is already that has not come; below zero, it is
    /// not. `None` in pauses.
    pub fn overdue(&mut self, now: Instant) -> Option<i64> {
        let now = self.since_origin(now);
        self.position.filter(|position| !position.paused)?;
        Some(now - self.sent_until? - self.delay.base()?)
    }

    /// Packets carry those again that were sent so long before them.
    pub fn comes_again(&mut self, behind: Duration) {
        self.delay.comes_again(nanos(behind));
    }

    /// Whether the delay aimed at has found its place.
    pub fn is_settled(&self) -> bool {
        self.delay.is_settled()
    }

    /// How late, in nanoseconds, packets come at present at the least.
    pub fn usual(&self) -> i64 {
        self.delay.usual()
    }

    /// Whether the next packet, which has not come, is lost more likely than late.
    pub fn next_is_rather_lost(&mut self, now: Instant) -> bool {
        let late = self.overdue(now).unwrap_or(0);
        self.delay.is_rather_lost(late)
    }

    /// Tells that so much sound, in nanoseconds, was taken out of what had been pulled, or, below
    /// zero, put in.
    pub fn shortened(&mut self, by: i64) {
        self.levels.shift(-by);
    }

    /// Asks for so much delay beyond one packet length at the least, to have the next packet at
    /// hand when one is missing.
    pub fn set_look_ahead(&mut self, span: Duration) {
        self.look_ahead = nanos(span);
        self.delay.set_floor(self.look_ahead_needs());
    }

    /// The delay, in nanoseconds, with which a packet lost is repaired by the next one.
    #[must_use]
    pub fn look_ahead_needs(&self) -> i64 {
        self.ptime + self.look_ahead
    }

    /// Starts again with whatever comes next: another sender, another call leg. What was learned
    /// of the network stays.
    pub fn restart(&mut self) {
        for slot in &mut self.slots {
            slot.state = SlotState::Empty;
        }
        self.clock = MediaClock::default();
        self.delay.rebase();
        self.position = None;
        self.highest = None;
        self.sent_until = None;
        self.unexpected = None;
        self.levels = Levels::default();
    }

    /// The delay aimed at.
    #[must_use]
    pub fn target(&self) -> Duration {
        Duration::from_nanos(self.delay.target().unsigned_abs())
    }

    /// The delay there is, beyond that of the fastest packets; zero while nothing plays.
    #[must_use]
    pub fn level(&self) -> Duration {
        Duration::from_nanos(self.levels.last().unwrap_or(0).max(0).unsigned_abs())
    }

    /// The longest delay there can be before packets are left out.
    #[must_use]
    pub fn longest(&self) -> Duration {
        Duration::from_nanos((self.cap + SKIP_BEYOND).max(0).unsigned_abs())
    }

    /// What has been counted.
    #[must_use]
    pub fn counts(&self) -> BufferCounts {
        self.counts
    }

    fn since_origin(&mut self, now: Instant) -> Nanos {
        let origin = *self.origin.get_or_insert(now);
        nanos(now.saturating_duration_since(origin))
    }

    fn index(seq: u64) -> usize {
        (seq % SLOTS as u64) as usize
    }

    fn payload(&self, slot: usize) -> &[u8] {
        &self.arena[slot * MAX_PAYLOAD..][..self.slots[slot].length]
    }

    /// Whether a packet can be of the stream that is here.
    fn fits(&self, packet: &Incoming<'_>, media: Nanos, now: Nanos) -> bool {
        let Some(highest) = self.highest else {
            return true;
        };
        let seq = packet.seq.0;
        let reach = SLOTS as u64;
        let first = match self.position {
            Some(position) => position.seq,
            None => self.earliest().unwrap_or(highest + 1),
        };
        if seq >= first + reach || seq + reach <= first {
            return false;
        }
        // A telephone event is stamped with its beginning however long it lasts.
        packet.kind == PacketKind::Other
            || self
                .delay
                .base()
                .is_none_or(|base| (-TOO_EARLY..=TOO_LATE).contains(&(now - media - base)))
    }

    /// Whether this is the first packet after a pause of a sender whose times do not go on in
    /// pauses: it comes long after its time, right behind what was played last.
    fn clock_stood_still(&self, seq: u64, media: Nanos, now: Nanos) -> bool {
        let (Some(position), Some(base)) = (self.position, self.delay.base()) else {
            return false;
        };
        let late = now - media - base;
        (position.paused || position.owed > 0)
            && seq == position.seq
            && (media - position.media).abs() <= TOLERANCE
            && late > self.delay.target() + STOOD_STILL
    }

    /// What comes next begins anew, after a delay of its own: the time that has passed since
    /// the last packet says nothing about it.
    fn forget_position(&mut self) {
        self.position = None;
        self.levels = Levels::default();
        self.delay.rebase();
    }

    fn too_late(&mut self, packet: &Incoming<'_>, media: Nanos, now: Nanos) -> Inserted {
        self.counts.late += 1;
        if packet.kind != PacketKind::Other {
            let overtaken = self.highest.is_some_and(|highest| packet.seq.0 < highest);
            let begun = self.begun(packet, media);
            self.delay
                .observe(now, begun, Came::of(packet.again, overtaken));
        }
        let slot = &mut self.slots[Self::index(packet.seq.0)];
        // Remembered, so that its copies are duplicates; not over one that is yet to be played.
        if slot.seq <= packet.seq.0 || slot.state == SlotState::Empty {
            slot.seq = packet.seq.0;
            slot.state = SlotState::Taken;
        }
        Inserted::Late
    }

    /// When what the packet says began. A packet of sound leaves when it is full; one that announces
    /// a pause leaves at once, and would pass for a faster one than there is.
    fn begun(&self, packet: &Incoming<'_>, media: Nanos) -> Nanos {
        if packet.duration.is_zero() {
            media - self.ptime
        } else {
            media
        }
    }

    fn keep(&mut self, packet: &Incoming<'_>, media: Nanos) {
        let at = Self::index(packet.seq.0);
        self.slots[at] = Slot {
            state: SlotState::Ready,
            seq: packet.seq.0,
            media,
            duration: nanos(packet.duration),
            kind: packet.kind,
            copy: packet.copy,
            payload_type: packet.payload_type,
            length: packet.payload.len(),
        };
        self.arena[at * MAX_PAYLOAD..][..packet.payload.len()].copy_from_slice(packet.payload);
        if packet.kind == PacketKind::Sound && nanos(packet.duration) != self.ptime {
            self.ptime = nanos(packet.duration).max(MILLI);
            self.delay.set_floor(self.ptime + self.look_ahead);
        }
    }

    /// Number of the earliest packet that waits.
    fn earliest(&self) -> Option<u64> {
        let ready = self
            .slots
            .iter()
            .filter(|slot| slot.state == SlotState::Ready);
        ready.map(|slot| slot.seq).min()
    }

    /// Slot of the first packet that waits, from `seq` on.
    fn first_from(&self, seq: u64) -> Option<usize> {
        let highest = self.highest?;
        (seq..=highest.min(seq + SLOTS as u64 - 1))
            .map(Self::index)
            .zip(seq..)
            .find_map(|(at, seq)| {
                let slot = &self.slots[at];
                (slot.state == SlotState::Ready && slot.seq == seq).then_some(at)
            })
    }

    fn decide(&mut self, now: Nanos, queued: Nanos) -> Step {
        let Some(base) = self.delay.base() else {
            return Step::Nothing(Why::Idle);
        };
        let target = self.delay.target();
        // The delay at which a moment of the media clock would be heard if it were next.
        let delay_of = |media: Nanos| now + queued - media - base;
        if let Some(position) = self.position.filter(|position| !position.paused) {
            self.levels.push(delay_of(position.media));
        }
        let (mut spliced, mut resumed) = (false, self.position.is_none());
        loop {
            let Some(position) = self.position else {
                let Some(first) = self.earliest() else {
                    return Step::Nothing(Why::Idle);
                };
                let slot = self.slots[Self::index(first)];
                if slot.kind != PacketKind::Other && delay_of(slot.media) + EARLY < target {
                    return Step::Nothing(Why::Idle);
                }
                let (seq, media) = (slot.seq, slot.media);
                self.position = Some(Position {
                    seq,
                    media,
                    owed: 0,
                    paused: false,
                    missed: 0,
                });
                continue;
            };
            let Some(at) = self.first_from(position.seq) else {
                return Step::Nothing(self.starve(position));
            };
            let head = self.slots[at];
            if head.seq > position.seq {
                // A copy at hand is better than what would be filled in while waiting.
                let repairable = head.copy && head.seq == position.seq + 1;
                let can_wait = !repairable && delay_of(position.media) + EARLY < target;
                match self.missing(position, at, can_wait) {
                    Some(step) => return step,
                    None => continue,
                }
            }
            if head.kind == PacketKind::Other {
                self.slots[at].state = SlotState::Taken;
                self.position = Some(Position {
                    seq: position.seq + 1,
                    ..position
                });
                continue;
            }
            // It has stopped: stopping once for longer is better than stopping twice.
            let stopped = !position.paused && (1..STOPS_FOR).contains(&position.owed);
            if stopped && delay_of(head.media) + EARLY < target {
                self.position = Some(Position {
                    owed: position.owed + PULL,
                    ..position
                });
                return Step::Nothing(Why::Underrun);
            }
            if head.media - position.media > TOLERANCE {
                resumed = true;
                // What was filled in was the pause, not a loss.
                self.position = Some(Position {
                    owed: 0,
                    ..position
                });
                if delay_of(head.media) + EARLY < target {
                    let why = if position.paused {
                        Why::Pause
                    } else {
                        Why::Gap
                    };
                    return Step::Nothing(why);
                }
            }
            self.slots[at].state = SlotState::Taken;
            self.position = Some(Position {
                seq: head.seq + 1,
                media: head.media + head.duration,
                owed: 0,
                paused: head.kind == PacketKind::Pause,
                missed: 0,
            });
            let delay = delay_of(head.media);
            let behind = delay > self.cap + SKIP_BEYOND || (spliced && delay > target);
            if behind && self.first_from(head.seq + 1).is_some() {
                self.counts.skipped += 1;
                spliced = true;
                continue;
            }
            if spliced || resumed {
                self.levels = Levels::default();
            }
            return Step::Frame {
                slot: at,
                spliced,
                resumed,
                missed: position.missed,
            };
        }
    }

    /// Nothing is here.
    fn starve(&mut self, position: Position) -> Why {
        if position.paused {
            return Why::Pause;
        }
        if position.owed >= GIVE_UP {
            self.forget_position();
            return Why::Idle;
        }
        self.position = Some(Position {
            owed: position.owed + PULL,
            ..position
        });
        Why::Underrun
    }

    /// The packet at `at` is here, and at least one before it is not. `None`: look again.
    fn missing(&mut self, position: Position, at: usize, can_wait: bool) -> Option<Step> {
        let head = self.slots[at];
        if position.paused {
            // The pause goes on until the next that is here.
            self.give_up(position.seq..head.seq);
            self.position = Some(Position {
                seq: head.seq,
                ..position
            });
            return None;
        }
        if can_wait {
            self.position = Some(Position {
                owed: position.owed + PULL,
                ..position
            });
            return Some(Step::Nothing(Why::Underrun));
        }
        let credit = position.owed.min((head.media - position.media).max(0));
        let media = position.media + credit;
        let remaining = head.media - media;
        let missing = head.seq - position.seq;
        let one_of_many = missing > 1 && remaining > self.ptime * 3 / 2;
        // What was filled in before shortens the first, so that a copy of the last is heard whole.
        let others = Nanos::try_from(missing - 1).unwrap_or(0) * self.ptime;
        let packet = if one_of_many && (TOLERANCE..self.ptime).contains(&(remaining - others)) {
            remaining - others
        } else {
            remaining.min(self.ptime)
        };
        let seq = if one_of_many {
            position.seq + 1
        } else {
            head.seq
        };
        self.give_up(position.seq..seq);
        let missed = position.missed + credit;
        if remaining <= TOLERANCE {
            self.position = Some(Position {
                seq,
                media,
                owed: 0,
                missed,
                ..position
            });
            return None;
        }
        let last = !one_of_many && remaining <= self.ptime * 3 / 2;
        let packet = if last { remaining } else { packet };
        self.position = Some(Position {
            seq,
            media: media + packet,
            owed: 0,
            missed: 0,
            ..position
        });
        let next = (head.kind == PacketKind::Sound).then_some((at, remaining, last));
        Some(Step::Lost {
            duration: packet,
            next,
            missed,
        })
    }

    fn give_up(&mut self, range: std::ops::Range<u64>) {
        for seq in range {
            self.counts.lost += 1;
            self.delay.note(true);
            let slot = &mut self.slots[Self::index(seq)];
            slot.seq = seq;
            slot.state = SlotState::Missed;
        }
    }
}

/// RTP times of whatever clock, as one line of nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct MediaClock {
    anchor: Option<Anchor>,
    /// Number, moment and length of the latest packet.
    latest: Option<(u64, Nanos)>,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    clock: SampleRate,
    ticks: u64,
    media: Nanos,
}

impl MediaClock {
    fn media_of(&self, packet: &Incoming<'_>, ptime: Nanos) -> Nanos {
        let Some(anchor) = self.anchor else { return 0 };
        if anchor.clock == packet.clock {
            return anchor.media + ticks_to_nanos(packet.time.0, anchor.ticks, anchor.clock);
        }
        // Another clock starts at another number: the only bond is the sequence (RFC 7160
        // section 4.1 says why nothing better can be known).
        let (seq, media) = self.latest.unwrap_or((packet.seq.0, anchor.media));
        let packets = i64::try_from(packet.seq.0.abs_diff(seq))
            .unwrap_or(i64::MAX)
            .min(1_000);
        let packets = if packet.seq.0 < seq {
            -packets
        } else {
            packets
        };
        media + packets * ptime
    }

    fn accept(&mut self, packet: &Incoming<'_>, media: Nanos) {
        let newer = self.latest.is_none_or(|(seq, _)| packet.seq.0 > seq);
        if newer {
            self.latest = Some((packet.seq.0, media));
        }
        let same = self
            .anchor
            .is_some_and(|anchor| anchor.clock == packet.clock);
        if !same && (newer || self.anchor.is_none()) {
            let ticks = packet.time.0;
            self.anchor = Some(Anchor {
                clock: packet.clock,
                ticks,
                media,
            });
        }
    }
}

fn ticks_to_nanos(ticks: u64, from: u64, clock: SampleRate) -> Nanos {
    let difference = i128::from(ticks) - i128::from(from);
    let nanos = difference * 1_000_000_000 / i128::from(clock.hz());
    // A day is far beyond what fits a stream, and far from overflow.
    const DAY: i128 = 86_400_000_000_000;
    let days = if nanos.abs() > 30 * DAY {
        30 * DAY * nanos.signum()
    } else {
        nanos
    };
    Nanos::try_from(days).unwrap_or(0)
}

/// Delay at the last ten pulls.
#[derive(Clone, Copy, Debug, Default)]
struct Levels {
    recent: [Nanos; 10],
    filled: usize,
}

impl Levels {
    fn push(&mut self, level: Nanos) {
        self.recent.rotate_right(1);
        self.recent[0] = level;
        self.filled = (self.filled + 1).min(self.recent.len());
    }

    fn shift(&mut self, by: Nanos) {
        for level in &mut self.recent {
            *level += by;
        }
    }

    fn last(&self) -> Option<Nanos> {
        (self.filled > 0).then_some(self.recent[0])
    }

    fn least(&self) -> Option<Nanos> {
        (self.filled == self.recent.len()).then(|| self.recent.iter().copied().min())?
    }
}
