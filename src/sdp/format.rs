//! The payload formats that Ramal knows, and the numbers they go under.

use std::collections::BTreeMap;

use crate::units::PayloadType;

use super::attributes::RtpMap;
use super::description::MediaDescription;
use crate::codec::CodecKind;

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Format {
    Audio(CodecKind),
    /// RFC 4733; one format for each clock rate.
    TelephoneEvent {
        clock_hz: u32,
    },
    /// RFC 3389 at 8 kHz.
    ComfortNoise,
    /// RFC 2198; one format for each clock rate: 48 kHz around Opus, 8 kHz around the others.
    Redundancy {
        clock_hz: u32,
    },
}

/// Clock rates under which telephone events are understood.
const EVENT_CLOCKS: [u32; 4] = [8_000, 16_000, 32_000, 48_000];

/// The static number of comfort noise (RFC 3389 section 5).
const COMFORT_NOISE: Option<PayloadType> = PayloadType::new(13);

impl Format {
    /// What a number means in this stream; `None` for what we do not know.
    pub(super) fn of(media: &MediaDescription, number: PayloadType) -> Option<Format> {
        match media.rtpmap(number) {
            Some(map) => Format::named(&map),
            None => Format::fixed(number),
        }
    }

    fn named(map: &RtpMap) -> Option<Format> {
        let RtpMap {
            encoding,
            clock_hz,
            channels,
            ..
        } = map;
        if encoding.eq_ignore_ascii_case("telephone-event") {
            let known = EVENT_CLOCKS.contains(clock_hz);
            return known.then_some(Format::TelephoneEvent {
                clock_hz: *clock_hz,
            });
        }
        if encoding.eq_ignore_ascii_case("CN") {
            return (*clock_hz == 8_000).then_some(Format::ComfortNoise);
        }
        if encoding.eq_ignore_ascii_case("red") {
            let known = matches!(clock_hz, 8_000 | 48_000);
            return known.then_some(Format::Redundancy {
                clock_hz: *clock_hz,
            });
        }
        CodecKind::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(encoding))
            // RFC 7587 wants `opus/48000/2`; those who leave the 2 out mean the same.
            .filter(|codec| *codec == CodecKind::Opus || *channels == 1)
            .filter(|codec| codec.rtp_clock().hz() == *clock_hz)
            .map(Format::Audio)
    }

    fn fixed(number: PayloadType) -> Option<Format> {
        if Some(number) == COMFORT_NOISE {
            return Some(Format::ComfortNoise);
        }
        CodecKind::ALL
            .into_iter()
            .find(|codec| codec.static_payload_type() == Some(number))
            .map(Format::Audio)
    }

    pub(super) const fn codec(self) -> Option<CodecKind> {
        match self {
            Format::Audio(codec) => Some(codec),
            Format::TelephoneEvent { .. } | Format::ComfortNoise | Format::Redundancy { .. } => {
                None
            }
        }
    }

    pub(super) const fn event_clock(self) -> Option<u32> {
        match self {
            Format::TelephoneEvent { clock_hz } => Some(clock_hz),
            Format::Audio(_) | Format::ComfortNoise | Format::Redundancy { .. } => None,
        }
    }

    pub(super) const fn redundancy_clock(self) -> Option<u32> {
        match self {
            Format::Redundancy { clock_hz } => Some(clock_hz),
            Format::Audio(_) | Format::ComfortNoise | Format::TelephoneEvent { .. } => None,
        }
    }

    /// As it follows the number in `a=rtpmap`.
    pub(super) fn rtpmap(self) -> String {
        match self {
            Format::Audio(codec) => {
                let clock = codec.rtp_clock().hz();
                // RFC 7587 section 7: always two channels for Opus, also for mono.
                match codec {
                    CodecKind::Opus => format!("{codec}/{clock}/2"),
                    CodecKind::G722 | CodecKind::Pcma | CodecKind::Pcmu => {
                        format!("{codec}/{clock}")
                    }
                }
            }
            Format::TelephoneEvent { clock_hz } => format!("telephone-event/{clock_hz}"),
            Format::ComfortNoise => "CN/8000".to_owned(),
            // As many channels as what is in it.
            Format::Redundancy { clock_hz: 48_000 } => "red/48000/2".to_owned(),
            Format::Redundancy { clock_hz } => format!("red/{clock_hz}"),
        }
    }

    /// The number that it gets when nobody else has a say: the static one, or what most phones use.
    const fn usual_number(self) -> Option<PayloadType> {
        match self {
            Format::Audio(CodecKind::Opus) => PayloadType::new(96),
            Format::Audio(codec) => codec.static_payload_type(),
            Format::TelephoneEvent { clock_hz: 8_000 } => PayloadType::new(101),
            Format::TelephoneEvent { .. } => PayloadType::new(102),
            Format::ComfortNoise => COMFORT_NOISE,
            Format::Redundancy { clock_hz: 48_000 } => PayloadType::new(63),
            Format::Redundancy { .. } => PayloadType::new(62),
        }
    }
}

/// The numbers under which we get formats. Within a session a number never changes its meaning
/// (RFC 3264 section 8.3.2), so all that were ever said are remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    meaning: BTreeMap<PayloadType, Format>,
    /// The number last used for each format.
    latest: BTreeMap<Format, PayloadType>,
}

impl Numbers {
    /// The number of a format in an offer of ours.
    pub(super) fn for_offer(&mut self, format: Format) -> Option<PayloadType> {
        self.assign(format, &[])
    }

    /// The number of a format in an answer: that of the offer, as RFC 3264 section 6.1 recommends,
    /// unless we said before that it means something else. `offered` are all numbers in the offer:
    /// a number of our own must not look like one of them.
    pub(super) fn for_answer(
        &mut self,
        format: Format,
        theirs: PayloadType,
        offered: &[PayloadType],
    ) -> Option<PayloadType> {
        if self
            .meaning
            .get(&theirs)
            .is_none_or(|known| *known == format)
        {
            self.remember(theirs, format);
            return Some(theirs);
        }
        self.assign(format, offered)
    }

    fn assign(&mut self, format: Format, avoid: &[PayloadType]) -> Option<PayloadType> {
        if let Some(number) = self.latest.get(&format) {
            return Some(*number);
        }
        // The dynamic range first, then what RFC 3551 leaves unassigned.
        let dynamic = (96..=127).chain(35..=63).filter_map(PayloadType::new);
        let number = format
            .usual_number()
            .into_iter()
            .chain(dynamic)
            .find(|number| !self.meaning.contains_key(number) && !avoid.contains(number))?;
        self.remember(number, format);
        Some(number)
    }

    fn remember(&mut self, number: PayloadType, format: Format) {
        self.meaning.insert(number, format);
        self.latest.insert(format, number);
    }

    /// What a number means, if we ever said so.
    pub(super) fn meaning(&self, number: PayloadType) -> Option<Format> {
        self.meaning.get(&number).copied()
    }

    /// All numbers that we ever said, with their meaning.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PayloadType, Format)> {
        self.meaning
            .iter()
            .map(|(number, format)| (*number, *format))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::Line;

    fn meaning(number: u8, rtpmap: Option<&str>) -> Option<Format> {
        let mut media = MediaDescription::new("audio", 4_000, "RTP/AVP", &[number.to_string()]);
        if let Some(map) = rtpmap {
            media
                .lines
                .push(Line::new('a', format!("rtpmap:{number} {map}")));
        }
        Format::of(&media, PayloadType::new(number).unwrap())
    }

    #[test]
    fn formats_are_known_by_name_and_clock_or_by_static_number() {
        let audio = |codec| Some(Format::Audio(codec));
        assert_eq!(meaning(0, None), audio(CodecKind::Pcmu));
        assert_eq!(meaning(8, None), audio(CodecKind::Pcma));
        assert_eq!(meaning(9, None), audio(CodecKind::G722));
        assert_eq!(meaning(13, None), Some(Format::ComfortNoise));
        assert_eq!(meaning(18, None), None);
        assert_eq!(meaning(96, None), None);
        assert_eq!(meaning(107, Some("OPUS/48000/2")), audio(CodecKind::Opus));
        assert_eq!(meaning(107, Some("opus/48000")), audio(CodecKind::Opus));
        assert_eq!(meaning(107, Some("opus/16000/2")), None);
        assert_eq!(meaning(97, Some("pcmu/8000")), audio(CodecKind::Pcmu));
        assert_eq!(meaning(97, Some("PCMU/16000")), None);
        assert_eq!(meaning(97, Some("PCMU/8000/2")), None);
        assert_eq!(meaning(0, Some("iLBC/8000")), None);
        assert_eq!(
            meaning(96, Some("Telephone-Event/48000")),
            Some(Format::TelephoneEvent { clock_hz: 48_000 })
        );
        assert_eq!(meaning(96, Some("telephone-event/44100")), None);
        assert_eq!(meaning(98, Some("CN/16000")), None);
        let again = |clock_hz| Some(Format::Redundancy { clock_hz });
        assert_eq!(meaning(63, Some("red/48000/2")), again(48_000));
        assert_eq!(meaning(121, Some("RED/8000")), again(8_000));
        assert_eq!(meaning(63, Some("red/16000")), None);
    }

    #[test]
    fn a_number_keeps_its_meaning() {
        let number = |n| PayloadType::new(n).unwrap();
        let opus = Format::Audio(CodecKind::Opus);
        let events = Format::TelephoneEvent { clock_hz: 8_000 };
        let mut numbers = Numbers::default();
        assert_eq!(numbers.for_offer(opus), Some(number(96)));
        // The peer calls something else 96: it gets another number, not one the peer uses.
        let offered = [number(96), number(101), number(97)];
        assert_eq!(
            numbers.for_answer(events, number(96), &offered),
            Some(number(98))
        );
        // It may call Opus what it wants, and both numbers keep their meaning.
        assert_eq!(
            numbers.for_answer(opus, number(111), &[]),
            Some(number(111))
        );
        assert_eq!(numbers.for_offer(opus), Some(number(111)));
        assert_eq!(numbers.meaning(number(96)), Some(opus));
    }

    #[test]
    fn numbers_run_out_without_a_panic() {
        let mut numbers = Numbers::default();
        for n in 0..128 {
            let number = PayloadType::new(n).unwrap();
            numbers.for_answer(Format::ComfortNoise, number, &[]);
        }
        assert_eq!(numbers.for_offer(Format::Audio(CodecKind::Opus)), None);
    }
}
