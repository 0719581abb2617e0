//! Digits in INFO: `application/dtmf-relay` and `application/dtmf`, which no RFC defines and
//! every PBX knows.
//!
//! ```text
//! Signal= 5
//! Duration= 160
//! ```

use std::time::Duration;

/// The media type with signal and duration.
pub const RELAY_MEDIA_TYPE: &str = "application/dtmf-relay";
/// The media type that is the digit itself.
pub const DIGIT_MEDIA_TYPE: &str = "application/dtmf";

/// How long a key is taken to be held when nothing is said.
const USUAL: Duration = Duration::from_millis(160);
/// What is believed of a duration: shorter ones are no tone, longer ones a mistake.
const BELIEVED: std::ops::RangeInclusive<u64> = 40..=5_000;
/// Longest body read, in bytes.
const MAX_BYTES: usize = 512;

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DtmfSignal {
    /// `0` to `9`, `*`, `#`, `A` to `D`.
    Key(char),
    /// The hook, for a moment.
    Flash,
}

/// One key in an INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DtmfInfo {
    /// What was pressed.
    pub signal: DtmfSignal,
    /// For how long: 40 ms to 5 s.
    pub duration: Duration,
}

impl DtmfSignal {
    /// The key that a character names, in any case; `!` is the hook.
    #[must_use]
    pub const fn from_char(c: char) -> Option<DtmfSignal> {
        match c.to_ascii_uppercase() {
            key @ ('0'..='9' | '*' | '#' | 'A'..='D') => Some(DtmfSignal::Key(key)),
            '!' => Some(DtmfSignal::Flash),
            _ => None,
        }
    }

    /// A character, or the number of the event (RFC 4733 section 3.2): 10 is the star, 16 the
    /// hook.
    fn read(text: &str) -> Option<DtmfSignal> {
        let mut chars = text.chars();
        let first = chars.next()?;
        if chars.next().is_none() {
            return DtmfSignal::from_char(first);
        }
        match text.parse() {
            Ok(16_u8) => Some(DtmfSignal::Flash),
            Ok(event @ 0..=15) => {
                let keys = b"0123456789*#ABCD";
                Some(DtmfSignal::Key(char::from(keys[usize::from(event)])))
            }
            Ok(_) => None,
            Err(_) => text
                .eq_ignore_ascii_case("flash")
                .then_some(DtmfSignal::Flash),
        }
    }
}

impl DtmfInfo {
    /// A key held for this long, within 40 ms and 5 s.
    #[must_use]
    pub fn new(signal: DtmfSignal, duration: Duration) -> DtmfInfo {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let millis = millis.clamp(*BELIEVED.start(), *BELIEVED.end());
        DtmfInfo {
            signal,
            duration: Duration::from_millis(millis),
        }
    }

    /// Reads either body: lines with `Signal` and `Duration` in any order and case, or the digit
    /// alone. `None` when no key is named.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<DtmfInfo> {
        let text = String::from_utf8_lossy(&body[..body.len().min(MAX_BYTES)]);
        let mut signal = None;
        let mut duration = USUAL;
        let mut named = false;
        for line in text.lines() {
            let Some((name, value)) = line.split_once(['=', ':']) else {
                continue;
            };
            let value = value.trim();
            if name.trim().eq_ignore_ascii_case("signal") {
                named = true;
                signal = signal.or(DtmfSignal::read(value));
            } else if name.trim().eq_ignore_ascii_case("duration")
                && let Ok(millis) = value.parse()
            {
                duration = Duration::from_millis(millis);
            }
        }
        if !named {
            signal = DtmfSignal::read(text.trim());
        }
        signal.map(|signal| DtmfInfo::new(signal, duration))
    }

    /// The body of an `application/dtmf-relay`.
    #[must_use]
    pub fn to_relay(&self) -> Vec<u8> {
        let millis = self.duration.as_millis();
        format!("Signal={}\r\nDuration={millis}\r\n", self.key()).into_bytes()
    }

    /// The body of an `application/dtmf`, which has no duration.
    #[must_use]
    pub fn to_digit(&self) -> Vec<u8> {
        self.key().to_string().into_bytes()
    }

    const fn key(&self) -> char {
        match self.signal {
            DtmfSignal::Key(key) => key,
            DtmfSignal::Flash => '!',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Option<(DtmfSignal, u128)> {
        let info = DtmfInfo::parse(body.as_bytes())?;
        Some((info.signal, info.duration.as_millis()))
    }

    #[test]
    fn both_bodies_are_read_as_devices_write_them() {
        let key = |key, millis| Some((DtmfSignal::Key(key), millis));
        assert_eq!(parse("Signal= 5\r\nDuration= 160\r\n"), key('5', 160));
        assert_eq!(parse("Signal=*\nDuration=250"), key('*', 250));
        assert_eq!(parse("duration = 100\r\nSIGNAL = d\r\n\r\n"), key('D', 100));
        assert_eq!(parse("Signal=#"), key('#', 160));
        assert_eq!(parse("Signal=10\r\nDuration=soon\r\n"), key('*', 160));
        assert_eq!(parse("Signal=15"), key('D', 160));
        assert_eq!(parse("Signal=09"), key('9', 160));
        assert_eq!(parse("7"), key('7', 160));
        assert_eq!(parse(" # \r\n"), key('#', 160));
        assert_eq!(parse("11"), key('#', 160));
        for flash in ["Signal=!", "Signal=16", "signal=Flash", "16", "!"] {
            assert_eq!(parse(flash), Some((DtmfSignal::Flash, 160)), "{flash}");
        }
    }

    #[test]
    fn durations_are_believed_within_reason() {
        let millis = |body: &str| parse(body).unwrap().1;
        assert_eq!(millis("Signal=1\nDuration=0"), 40);
        assert_eq!(millis("Signal=1\nDuration=99999999"), 5_000);
        assert_eq!(millis("Signal=1\nDuration=99999999999999999999999"), 160);
    }

    #[test]
    fn what_names_no_key_is_none() {
        for body in [
            "",
            "Signal=",
            "Signal=17",
            "Signal=e",
            "Duration=160",
            "55",
            "hello",
        ] {
            assert_eq!(parse(body), None, "{body}");
        }
        assert_eq!(DtmfInfo::parse(&[0xff; 4_096]), None);
    }

    #[test]
    fn what_is_written_is_what_pbxs_read() {
        let star = DtmfInfo::new(DtmfSignal::Key('*'), Duration::from_millis(200));
        assert_eq!(star.to_relay(), b"Signal=*\r\nDuration=200\r\n");
        assert_eq!(star.to_digit(), b"*");
        let flash = DtmfInfo::new(DtmfSignal::Flash, Duration::ZERO);
        assert_eq!(flash.to_relay(), b"Signal=!\r\nDuration=40\r\n");
    }
}
