//! Telephone events for DTMF digits, out and in (RFC 4733).

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::units::{RtpTime, SampleRate, Ssrc};

/// Octets of one event (RFC 4733 section 2.3).
pub const EVENT_LEN: usize = 4;

/// Digits that may wait to be sent; the person types faster than tones go out, a paste is
/// longer than any menu.
const MAX_QUEUED: usize = 64;
/// Shortest tone sent: ITU-T Q.24 lets a receiver ignore anything shorter.
const MIN_TONE: Duration = Duration::from_millis(40);
/// Longest tone sent; a key that stays down longer is a key under a book.
const MAX_TONE: Duration = Duration::from_secs(30);
/// Silence between two digits: above the 40 ms of ITU-T Q.24, and about a human's fastest.
const GAP: Duration = Duration::from_millis(60);
/// Times the final packet is sent (RFC 4733 section 2.5.1.4).
const FINAL_PACKETS: u8 = 3;
/// The longest segment the duration field expresses (RFC 4733 section 2.5.1.3).
const MAX_SEGMENT: u64 = 0xffff;
/// Power level sent, in −dBm0 (RFC 4733 section 2.3.4).
const VOLUME: u8 = 10;

/// A received event that falls silent for this long has ended, its end packets lost. Four times
/// the usual update interval of 50 ms (RFC 4733 sections 2.5.1.2 and 2.5.2.2).
const SILENCE_ENDS: Duration = Duration::from_millis(200);
/// Packets of an earlier event may come this late.
const LATE: Duration = Duration::from_secs(5);
/// Events that wait to be polled.
const MAX_OUTPUTS: usize = 32;

const END_BIT: u8 = 0x80;

/// One of the sixteen DTMF digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digit(u8);

impl Digit {
    const CHARS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D',
    ];

    /// The digit written as `character`: 0 to 9, `*`, `#`, A to D in either case.
    #[must_use]
    pub fn from_char(character: char) -> Option<Digit> {
        let upper = character.to_ascii_uppercase();
        let code = Digit::CHARS.iter().position(|digit| *digit == upper)?;
        Some(Digit(code as u8))
    }

    /// The digit with this event code (RFC 4733 section 3.2); `None` for other events.
    #[must_use]
    pub fn from_event(code: u8) -> Option<Digit> {
        (code < 16).then_some(Digit(code))
    }

    /// The event code, 0 to 15.
    #[must_use]
    pub fn event(self) -> u8 {
        self.0
    }

    /// How people write it.
    #[must_use]
    pub fn to_char(self) -> char {
        Digit::CHARS[usize::from(self.0 & 15)]
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digit({})", self.to_char())
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_char())
    }
}

/// The queue of digits is full; the digit was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many digits are waiting to be sent")]
pub struct QueueFull;

/// One event packet to be sent in place of a frame of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket {
    /// Where the event, or this segment of it, began: constant over its packets.
    pub timestamp: RtpTime,
    /// Set on the first packet of an event.
    pub marker: bool,
    /// The payload.
    pub payload: [u8; EVENT_LEN],
}

#[derive(Clone, Debug)]
enum Sending {
    Idle,
    /// A digit sounds. `segment` is where its current segment began.
    Sounding {
        digit: Digit,
        segment: RtpTime,
        end: RtpTime,
        first: bool,
    },
    /// The end is repeated, in case it was lost.
    Ending {
        last: EventPacket,
        left: u8,
        end: RtpTime,
    },
    /// Silence after a digit.
    Gap {
        until: RtpTime,
    },
}

/// Sends digits as telephone events, one packet a frame.
///
/// ```text
/// Idle ──press──▶ Sounding ──duration reached──▶ Ending ──third copy──▶ Gap ──▶ Idle
/// ```
#[derive(Clone, Debug)]
pub struct DtmfSender {
    clock: SampleRate,
    queue: VecDeque<(Digit, u64)>,
    state: Sending,
}

impl DtmfSender {
    /// `clock` is that of the telephone-event payload type: 8 or 48 kHz.
    #[must_use]
    pub fn new(clock: SampleRate) -> DtmfSender {
        DtmfSender {
            clock,
            queue: VecDeque::with_capacity(MAX_QUEUED),
            state: Sending::Idle,
        }
    }

    /// Queues a digit to sound for `duration`, brought within 40 ms to 30 s.
    ///
    /// # Errors
    ///
    /// [`QueueFull`] when 64 digits wait already.
    pub fn press(&mut self, digit: Digit, duration: Duration) -> Result<(), QueueFull> {
        if self.queue.len() >= MAX_QUEUED {
            return Err(QueueFull);
        }
        let ticks = self.clock.samples_in(duration.clamp(MIN_TONE, MAX_TONE)) as u64;
        self.queue.push_back((digit, ticks));
        Ok(())
    }

    /// Drops the digits that have not begun; the one that sounds ends as it would.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// Whether a digit sounds or waits.
    #[must_use]
    pub fn busy(&self) -> bool {
        !self.queue.is_empty() || !matches!(self.state, Sending::Idle)
    }

    /// What to send for the frame of `ticks` that begins at `at` on the media clock; `None`:
    /// sound. Call it once a frame, in order.
    pub fn poll(&mut self, at: RtpTime, ticks: u32) -> Option<EventPacket> {
        if let Sending::Gap { until } = self.state {
            if at < until {
                return None;
            }
            self.state = Sending::Idle;
        }
        if let Sending::Idle = self.state {
            let (digit, duration) = self.queue.pop_front()?;
            let end = RtpTime(at.0.saturating_add(duration));
            self.state = Sending::Sounding {
                digit,
                segment: at,
                end,
                first: true,
            };
        }
        let frame_end = at.0.saturating_add(u64::from(ticks));
        match &mut self.state {
            Sending::Idle | Sending::Gap { .. } => None,
            Sending::Sounding {
                digit,
                segment,
                end,
                first,
            } => {
                let ended = frame_end >= end.0;
                let reached = frame_end.min(end.0).saturating_sub(segment.0);
                let marker = std::mem::replace(first, false);
                if reached > MAX_SEGMENT {
                    let packet = event_packet(*digit, *segment, MAX_SEGMENT, marker, false);
                    segment.0 += MAX_SEGMENT;
                    return Some(packet);
                }
                let packet = event_packet(*digit, *segment, reached, marker, ended);
                if ended {
                    let last = EventPacket {
                        marker: false,
                        ..packet
                    };
                    self.state = Sending::Ending {
                        last,
                        left: FINAL_PACKETS - 1,
                        end: *end,
                    };
                }
                Some(packet)
            }
            Sending::Ending { last, left, end } => {
                let packet = *last;
                *left -= 1;
                if *left == 0 {
                    let until = end.0.saturating_add(self.clock.samples_in(GAP) as u64);
                    self.state = Sending::Gap {
                        until: RtpTime(until),
                    };
                }
                Some(packet)
            }
        }
    }
}

fn event_packet(
    digit: Digit,
    timestamp: RtpTime,
    duration: u64,
    marker: bool,
    end: bool,
) -> EventPacket {
    let [high, low] = (duration.min(MAX_SEGMENT) as u16).to_be_bytes();
    let flags = if end { END_BIT | VOLUME } else { VOLUME };
    EventPacket {
        timestamp,
        marker,
        payload: [digit.event(), flags, high, low],
    }
}

/// What the far end's keypad did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtmfEvent {
    /// A key went down. Each key press makes one of these, whatever was lost.
    Started(Digit),
    /// It came up again.
    Ended {
        /// Which key.
        digit: Digit,
        /// How long it was down, as far as was heard.
        duration: Duration,
    },
}

#[derive(Clone, Copy, Debug)]
struct Hearing {
    ssrc: Ssrc,
    digit: Digit,
    /// Where the current segment began.
    segment: RtpTime,
    /// Ticks of the segments before it.
    before: u64,
    /// Longest duration heard of it.
    ticks: u64,
    heard_at: Instant,
    ended: bool,
}

impl Hearing {
    fn duration(&self, clock: SampleRate) -> Duration {
        clock.duration_of(self.before + self.ticks)
    }
}

/// Makes digits of received telephone events: one for each source and timestamp.
#[derive(Clone, Debug)]
pub struct DtmfReceiver {
    clock: SampleRate,
    /// The last event, kept after its end so that its late packets are known.
    hearing: Option<Hearing>,
    outputs: VecDeque<DtmfEvent>,
}

impl DtmfReceiver {
    /// `clock` is that of the telephone-event payload type.
    #[must_use]
    pub fn new(clock: SampleRate) -> DtmfReceiver {
        DtmfReceiver {
            clock,
            hearing: None,
            outputs: VecDeque::with_capacity(MAX_OUTPUTS),
        }
    }

    /// Takes the payload of one event packet. Events other than digits are passed over.
    pub fn handle(&mut self, now: Instant, ssrc: Ssrc, timestamp: RtpTime, payload: &[u8]) {
        let [code, flags, high, low, ..] = *payload else {
            return;
        };
        let Some(digit) = Digit::from_event(code) else {
            return;
        };
        let ticks = u64::from(u16::from_be_bytes([high, low]));
        let late = self.clock.samples_in(LATE) as u64;

        match &mut self.hearing {
            Some(known) if known.ssrc == ssrc && known.segment == timestamp => {
                known.heard_at = now;
                known.ticks = known.ticks.max(ticks);
            }
            Some(known)
                if known.ssrc == ssrc
                    && timestamp < known.segment
                    && known.segment.0 - timestamp.0 <= late =>
            {
                return; // of an event, or of a segment, that is over
            }
            Some(known)
                if known.ssrc == ssrc
                    && known.digit == digit
                    && !known.ended
                    && timestamp.0.wrapping_sub(known.segment.0) == MAX_SEGMENT =>
            {
                known.before += MAX_SEGMENT;
                known.segment = timestamp;
                known.ticks = ticks;
                known.heard_at = now;
            }
            _ => {
                self.end();
                self.hearing = Some(Hearing {
                    ssrc,
                    digit,
                    segment: timestamp,
                    before: 0,
                    ticks,
                    heard_at: now,
                    ended: false,
                });
                self.output(DtmfEvent::Started(digit));
            }
        }
        if flags & END_BIT != 0 {
            self.end();
        }
    }

    /// When a digit that falls silent has ended; `None` while no digit sounds.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let sounding = self.hearing.filter(|hearing| !hearing.ended)?;
        Some(sounding.heard_at + SILENCE_ENDS)
    }

    /// Ends a digit that fell silent.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.end();
        }
    }

    /// The next event, if any. Poll after each packet and timeout: 32 events wait at most, and
    /// those that do not fit are dropped.
    pub fn poll_output(&mut self) -> Option<DtmfEvent> {
        self.outputs.pop_front()
    }

    fn end(&mut self) {
        let Some(hearing) = self.hearing.as_mut().filter(|hearing| !hearing.ended) else {
            return;
        };
        hearing.ended = true;
        let duration = hearing.duration(self.clock);
        let digit = hearing.digit;
        self.output(DtmfEvent::Ended { digit, duration });
    }

    fn output(&mut self, event: DtmfEvent) {
        if self.outputs.len() < MAX_OUTPUTS {
            self.outputs.push_back(event);
        }
    }
}

#[cfg(test)]
mod tests;
