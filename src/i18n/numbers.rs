//! Numbers, durations and times of day, as each language writes them.

use std::time::Duration;

use jiff::civil::DateTime;

use super::{Language, Words};
use crate::say;
use crate::units::Dbov;

impl Words {
    /// `4.4`, or `4,4` where a comma parts whole and fraction.
    #[must_use]
    pub fn decimal(&self, value: f32, places: usize) -> String {
        let written = format!("{value:.places$}");
        match self.language() {
            Language::English => written,
            Language::Portuguese | Language::Spanish => written.replace('.', ","),
        }
    }

    /// A percentage with one decimal: `0.2%`, `0,2 %`.
    #[must_use]
    pub fn percent(&self, value: f32) -> String {
        let number = self.decimal(value, 1);
        match self.language() {
            Language::English => format!("{number}%"),
            // A no-break space: the sign never stands alone on a line.
            Language::Portuguese | Language::Spanish => format!("{number}\u{a0}%"),
        }
    }

    /// A gain in whole decibels with its sign: `+6 dB`, `−6 dB`, `0 dB`.
    #[must_use]
    pub fn decibels(&self, db: i32) -> String {
        let value = match db {
            0 => "0".to_owned(),
            1.. => format!("+{db}"),
            _ => format!("−{}", db.unsigned_abs()),
        };
        say!(self, "sound-decibels", value = value)
    }

    /// A level of speech: `−24 dBov`.
    #[must_use]
    pub fn speech_level(&self, level: Dbov) -> String {
        let value = format!("{:.0}", level.0).replace('-', "−");
        say!(self, "quality-dbov", value = value)
    }

    /// A running timer: `04:37`, from an hour on `1:04:37`.
    #[must_use]
    pub fn timer(&self, span: Duration) -> String {
        let secs = span.as_secs();
        let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
        if hours == 0 {
            format!("{minutes:02}:{secs:02}")
        } else {
            format!("{hours}:{minutes:02}:{secs:02}")
        }
    }

    /// A length of time to read: `12 s`, `3 min 12 s`, `1 h 04 min`. The units are those of the
    /// SI and its companions, the same in all three languages.
    #[must_use]
    pub fn span(&self, span: Duration) -> String {
        let secs = span.as_secs();
        match (secs / 3600, secs / 60 % 60, secs % 60) {
            (0, 0, secs) => format!("{secs} s"),
            (0, minutes, 0) => format!("{minutes} min"),
            (0, minutes, secs) => format!("{minutes} min {secs} s"),
            (hours, 0, _) => format!("{hours} h"),
            (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
        }
    }

    /// When something was, seen from `today`: the time of day, before that the date.
    #[must_use]
    pub fn moment(&self, then: DateTime, now: DateTime) -> String {
        if then.date() == now.date() {
            return format!("{:02}:{:02}", then.hour(), then.minute());
        }
        match self.language() {
            Language::Portuguese | Language::Spanish if then.year() == now.year() => {
                format!("{:02}/{:02}", then.day(), then.month())
            }
            _ => self.date(then),
        }
    }

    /// A day, with its year.
    #[must_use]
    pub fn date(&self, then: DateTime) -> String {
        let (year, month, day) = (then.year(), then.month(), then.day());
        match self.language() {
            Language::English => format!("{year}-{month:02}-{day:02}"),
            Language::Portuguese | Language::Spanish => format!("{day:02}/{month:02}/{year}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::datetime;

    #[test]
    fn the_decimal_sign_is_that_of_the_language() {
        let (en, pt, es) = (
            Words::new(Language::English),
            Words::new(Language::Portuguese),
            Words::new(Language::Spanish),
        );
        assert_eq!(en.decimal(4.42, 1), "4.4");
        assert_eq!(pt.decimal(4.42, 1), "4,4");
        assert_eq!(en.percent(0.2), "0.2%");
        assert_eq!(pt.percent(0.2), "0,2\u{a0}%");
        assert_eq!(es.percent(12.34), "12,3\u{a0}%");
    }

    #[test]
    fn decibels_have_the_sign_that_print_has() {
        let words = Words::new(Language::English);
        let told = [6, 0, -12].map(|db| words.decibels(db));
        assert_eq!(told, ["+6 dB", "0 dB", "−12 dB"]);
        assert_eq!(words.speech_level(Dbov(-24.4)), "−24 dBov");
    }

    #[test]
    fn a_timer_gets_hours_only_when_there_are_some() {
        let words = Words::new(Language::English);
        for (secs, expected) in [
            (0, "00:00"),
            (277, "04:37"),
            (3_599, "59:59"),
            (3_600, "1:00:00"),
            (90_061, "25:01:01"),
        ] {
            assert_eq!(words.timer(Duration::from_secs(secs)), expected);
        }
    }

    #[test]
    fn a_length_of_time_names_at_most_two_units() {
        let words = Words::new(Language::Portuguese);
        for (secs, expected) in [
            (0, "0 s"),
            (12, "12 s"),
            (60, "1 min"),
            (192, "3 min 12 s"),
            (3_600, "1 h"),
            (3_840, "1 h 04 min"),
        ] {
            assert_eq!(words.span(Duration::from_secs(secs)), expected);
        }
    }

    #[test]
    fn a_call_of_today_has_a_time_and_an_older_one_a_date() {
        let now = datetime(2026, 11, 22, 15, 0, 0, 0);
        let (en, pt) = (
            Words::new(Language::English),
            Words::new(Language::Portuguese),
        );
        assert_eq!(pt.moment(datetime(2026, 11, 22, 9, 41, 5, 0), now), "09:41");
        assert_eq!(
            pt.moment(datetime(2026, 11, 21, 23, 59, 0, 0), now),
            "21/11"
        );
        assert_eq!(
            pt.moment(datetime(2025, 11, 22, 9, 41, 0, 0), now),
            "22/11/2025"
        );
        assert_eq!(
            en.moment(datetime(2026, 11, 21, 23, 59, 0, 0), now),
            "2026-11-21"
        );
    }
}
