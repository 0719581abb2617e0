//! Call progress tones by country: what a telephone line says without words.
//!
//! Frequencies and rhythms are those that ITU-T E.180 Supplement 2 (Various tones used in national
//! networks, 04/98) lists for a country, and for Brazil those its regulator kept from it: 425 Hz in
//! all. Where the Supplement names several for one tone, the first; where it names none, what E.180
//! section 5 recommends. Tones it describes as modulated are left to countries not listed here.

use std::fmt;

/// A call progress tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallTone {
    /// The line is free to dial.
    Dial,
    /// The far phone rings.
    Ringback,
    /// The far side is busy.
    Busy,
    /// No way through.
    Congestion,
    /// A second call knocks.
    CallWaiting,
    /// Special information: an announcement follows, or the number is none (E.180 section 10).
    Information,
}

/// A part of a rhythm: up to two frequencies in Hz, zero for none, and milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Both zero: silence.
    pub hz: [u16; 2],
    /// How long.
    pub millis: u16,
}

/// Parts that begin anew at their end.
pub type Cadence = &'static [Part];

/// The tones of one country.
#[derive(Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1, two capital letters.
    pub code: &'static str,
    /// In English; faces show their own word for it.
    pub name: &'static str,
    dial: Cadence,
    ringback: Cadence,
    busy: Cadence,
    congestion: Cadence,
    call_waiting: Cadence,
    information: Cadence,
}

impl Country {
    /// How a tone sounds there.
    #[must_use]
    pub fn cadence(&self, tone: CallTone) -> Cadence {
        match tone {
            CallTone::Dial => self.dial,
            CallTone::Ringback => self.ringback,
            CallTone::Busy => self.busy,
            CallTone::Congestion => self.congestion,
            CallTone::CallWaiting => self.call_waiting,
            CallTone::Information => self.information,
        }
    }

    /// By its code, in any case.
    #[must_use]
    pub fn by_code(code: &str) -> Option<&'static Country> {
        COUNTRIES
            .iter()
            .find(|country| country.code.eq_ignore_ascii_case(code))
    }

    /// The one of a language tag or locale (`pt-BR`, `pt_BR.UTF-8`): of its region, else the first
    /// of its language; Brazil, if it names neither.
    #[must_use]
    pub fn of_locale(locale: &str) -> &'static Country {
        let tag = locale.split(['.', '@']).next().unwrap_or_default();
        let mut parts = tag.split(['-', '_']);
        let language = parts.next().unwrap_or_default().to_ascii_lowercase();
        let region = parts.find_map(Country::by_code);
        let usual = match language.as_str() {
            "es" => "ES",
            "en" => "US",
            "de" => "DE",
            "fr" => "FR",
            "it" => "IT",
            "nl" => "NL",
            "pl" => "PL",
            "sv" => "SE",
            "ru" => "RU",
            "zh" => "CN",
            _ => "BR",
        };
        region
            .or_else(|| Country::by_code(usual))
            .unwrap_or(&COUNTRIES[0])
    }
}

impl Default for &'static Country {
    fn default() -> Self {
        &COUNTRIES[0]
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

/// One frequency.
const fn on(hz: u16, millis: u16) -> Part {
    Part {
        hz: [hz, 0],
        millis,
    }
}

/// Two together.
const fn both(first: u16, second: u16, millis: u16) -> Part {
    Part {
        hz: [first, second],
        millis,
    }
}

const fn off(millis: u16) -> Part {
    Part { hz: [0, 0], millis }
}

/// 425 Hz without a pause.
const STEADY: Cadence = &[on(425, 1_000)];

/// One second in five, the commonest.
const ONE_IN_FIVE: Cadence = &[on(425, 1_000), off(4_000)];

const HALF_HALF: Cadence = &[on(425, 500), off(500)];
const QUARTER_QUARTER: Cadence = &[on(425, 250), off(250)];
const FIFTH_FIFTH: Cadence = &[on(425, 200), off(200)];

/// Three rising tones (E.180 section 10, Q.35).
const RISING: Cadence = &[on(950, 330), on(1_400, 330), on(1_800, 330), off(1_000)];

/// The first is the default.
pub static COUNTRIES: [Country; 25] = [
    Country {
        code: "BR",
        name: "Brazil",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: QUARTER_QUARTER,
        congestion: &[on(425, 250), off(250), on(425, 750), off(250)],
        call_waiting: &[on(425, 50), off(1_000)],
        information: RISING,
    },
    Country {
        code: "PT",
        name: "Portugal",
        dial: STEADY,
        ringback: &[on(425, 1_000), off(5_000)],
        busy: HALF_HALF,
        congestion: FIFTH_FIFTH,
        call_waiting: &[on(425, 200), off(200), on(425, 200), off(5_000)],
        information: RISING,
    },
    Country {
        code: "ES",
        name: "Spain",
        dial: STEADY,
        ringback: &[on(425, 1_500), off(3_000)],
        busy: FIFTH_FIFTH,
        congestion: &[
            on(425, 200),
            off(200),
            on(425, 200),
            off(200),
            on(425, 200),
            off(600),
        ],
        call_waiting: &[on(425, 175), off(175), on(425, 175), off(3_500)],
        information: RISING,
    },
    Country {
        code: "AR",
        name: "Argentina",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: &[on(425, 300), off(200)],
        congestion: &[on(425, 300), off(400)],
        call_waiting: &[on(425, 400), off(200), on(425, 400), off(4_000)],
        information: RISING,
    },
    Country {
        code: "CL",
        name: "Chile",
        dial: &[on(400, 1_000)],
        ringback: &[on(400, 1_000), off(3_000)],
        busy: &[on(400, 500), off(500)],
        congestion: &[on(400, 200), off(200)],
        call_waiting: &[on(400, 250), off(8_750)],
        information: RISING,
    },
    Country {
        code: "CO",
        name: "Colombia",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: QUARTER_QUARTER,
        congestion: QUARTER_QUARTER,
        call_waiting: &[both(400, 450, 300), off(6_000)],
        information: RISING,
    },
    Country {
        code: "MX",
        name: "Mexico",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: QUARTER_QUARTER,
        congestion: QUARTER_QUARTER,
        call_waiting: &[on(425, 200), off(600), on(425, 200), off(10_000)],
        information: RISING,
    },
    Country {
        code: "PE",
        name: "Peru",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: HALF_HALF,
        congestion: FIFTH_FIFTH,
        call_waiting: &[on(425, 200), off(200), on(425, 200), off(4_400)],
        information: RISING,
    },
    Country {
        code: "UY",
        name: "Uruguay",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: HALF_HALF,
        congestion: QUARTER_QUARTER,
        call_waiting: &[on(425, 200), off(200), on(425, 200), off(4_400)],
        information: RISING,
    },
    Country {
        code: "PY",
        name: "Paraguay",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: HALF_HALF,
        congestion: QUARTER_QUARTER,
        call_waiting: &[on(425, 200), off(200), on(425, 200), off(4_400)],
        information: RISING,
    },
    Country {
        code: "US",
        name: "United States",
        dial: NORTH_AMERICAN_DIAL,
        ringback: NORTH_AMERICAN_RINGBACK,
        busy: &[both(480, 620, 500), off(500)],
        congestion: &[both(480, 620, 250), off(250)],
        call_waiting: &[on(440, 300), off(10_000)],
        information: RISING,
    },
    Country {
        code: "CA",
        name: "Canada",
        dial: NORTH_AMERICAN_DIAL,
        ringback: NORTH_AMERICAN_RINGBACK,
        busy: &[both(480, 620, 500), off(500)],
        congestion: &[both(480, 620, 250), off(250)],
        call_waiting: &[on(440, 300), off(10_000)],
        information: RISING,
    },
    Country {
        code: "GB",
        name: "United Kingdom",
        dial: NORTH_AMERICAN_DIAL,
        ringback: &[
            both(400, 450, 400),
            off(200),
            both(400, 450, 400),
            off(2_000),
        ],
        busy: &[on(400, 375), off(375)],
        congestion: &[on(400, 400), off(350), on(400, 225), off(525)],
        call_waiting: &[on(400, 100), off(4_000)],
        information: RISING,
    },
    Country {
        code: "DE",
        name: "Germany",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: &[on(425, 480), off(480)],
        congestion: &[on(425, 240), off(240)],
        call_waiting: &[on(425, 200), off(200), on(425, 200), off(5_000)],
        information: RISING,
    },
    Country {
        code: "FR",
        name: "France",
        dial: &[on(440, 1_000)],
        ringback: &[on(440, 1_500), off(3_500)],
        busy: &[on(440, 500), off(500)],
        congestion: &[on(440, 250), off(250)],
        call_waiting: &[on(440, 300), off(10_000)],
        information: RISING,
    },
    Country {
        code: "IT",
        name: "Italy",
        dial: &[on(425, 200), off(200), on(425, 600), off(1_000)],
        ringback: ONE_IN_FIVE,
        busy: HALF_HALF,
        congestion: FIFTH_FIFTH,
        call_waiting: &[
            on(425, 400),
            off(100),
            on(425, 250),
            off(100),
            on(425, 150),
            off(14_000),
        ],
        information: RISING,
    },
    Country {
        code: "NL",
        name: "Netherlands",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: HALF_HALF,
        congestion: QUARTER_QUARTER,
        call_waiting: &[on(425, 500), off(9_500)],
        information: RISING,
    },
    Country {
        code: "BE",
        name: "Belgium",
        dial: STEADY,
        ringback: &[on(425, 1_000), off(3_000)],
        busy: HALF_HALF,
        congestion: &[on(425, 167), off(167)],
        call_waiting: &[on(1_400, 175), off(175), on(1_400, 175), off(3_500)],
        information: &[on(900, 330), on(1_400, 330), on(1_800, 330), off(1_000)],
    },
    Country {
        code: "CH",
        name: "Switzerland",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: HALF_HALF,
        congestion: FIFTH_FIFTH,
        call_waiting: &[on(425, 200), off(200), on(425, 200), off(4_000)],
        information: RISING,
    },
    Country {
        code: "AT",
        name: "Austria",
        dial: &[on(420, 1_000)],
        ringback: &[on(420, 1_000), off(5_000)],
        busy: &[on(420, 400), off(400)],
        congestion: &[on(420, 200), off(200)],
        call_waiting: &[on(420, 40), off(1_960)],
        information: &[on(950, 330), on(1_450, 330), on(1_850, 330), off(1_000)],
    },
    Country {
        code: "SE",
        name: "Sweden",
        dial: STEADY,
        ringback: &[on(425, 1_000), off(5_000)],
        busy: QUARTER_QUARTER,
        congestion: &[on(425, 250), off(750)],
        call_waiting: &[on(425, 200), off(500), on(425, 200), off(9_100)],
        information: &[
            on(950, 332),
            off(24),
            on(1_400, 332),
            off(24),
            on(1_800, 332),
            off(2_024),
        ],
    },
    Country {
        code: "PL",
        name: "Poland",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: HALF_HALF,
        congestion: HALF_HALF,
        call_waiting: &[on(425, 150), off(150), on(425, 150), off(4_000)],
        information: RISING,
    },
    Country {
        code: "RU",
        name: "Russia",
        dial: STEADY,
        ringback: ONE_IN_FIVE,
        busy: &[on(425, 350), off(350)],
        congestion: &[on(425, 175), off(175)],
        call_waiting: &[on(425, 200), off(5_000)],
        information: RISING,
    },
    Country {
        code: "CN",
        name: "China",
        dial: &[on(450, 1_000)],
        ringback: &[on(450, 1_000), off(4_000)],
        busy: &[on(450, 350), off(350)],
        congestion: &[on(450, 700), off(700)],
        call_waiting: &[on(450, 400), off(4_000)],
        information: RISING,
    },
    Country {
        code: "NZ",
        name: "New Zealand",
        dial: &[on(400, 1_000)],
        ringback: &[
            both(400, 450, 400),
            off(200),
            both(400, 450, 400),
            off(2_000),
        ],
        busy: &[on(400, 500), off(500)],
        congestion: &[on(400, 250), off(250)],
        call_waiting: &[on(400, 200), off(3_000)],
        information: &[
            on(400, 750),
            off(100),
            on(400, 750),
            off(100),
            on(400, 750),
            off(100),
            on(400, 750),
            off(400),
        ],
    },
];

const NORTH_AMERICAN_DIAL: Cadence = &[both(350, 440, 1_000)];
const NORTH_AMERICAN_RINGBACK: Cadence = &[both(440, 480, 2_000), off(4_000)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_country_is_listed_once_under_two_capitals() {
        let mut codes: Vec<&str> = COUNTRIES.iter().map(|country| country.code).collect();
        assert!(
            codes
                .iter()
                .all(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()))
        );
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), COUNTRIES.len());
    }

    #[test]
    fn every_tone_begins_with_sound_and_has_no_empty_part() {
        for country in &COUNTRIES {
            for tone in [
                CallTone::Dial,
                CallTone::Ringback,
                CallTone::Busy,
                CallTone::Congestion,
                CallTone::CallWaiting,
                CallTone::Information,
            ] {
                let cadence = country.cadence(tone);
                assert!(cadence[0].hz[0] != 0, "{country} {tone:?}");
                assert!(
                    cadence.iter().all(|part| part.millis >= 20),
                    "{country} {tone:?}"
                );
            }
        }
    }

    /// E.180 section 4: the ringing tone 0.67 to 1.5 s on and 3 to 5 s off, apart from countries
    /// that ring in pairs or slowly as North America; the busy tone's period 0.3 to 1.1 s.
    #[test]
    fn every_country_keeps_within_the_limits_of_e_180() {
        for country in &COUNTRIES {
            let [ring, pause] = country.cadence(CallTone::Ringback) else {
                assert!(["GB", "NZ"].contains(&country.code), "{country}");
                continue;
            };
            if !["US", "CA"].contains(&country.code) {
                assert!((670..=1_500).contains(&ring.millis), "{country}");
                assert!((3_000..=5_000).contains(&pause.millis), "{country}");
            }
            let [on, off] = country.cadence(CallTone::Busy) else {
                panic!("{country}")
            };
            assert!(
                (300..=1_100).contains(&(on.millis + off.millis)),
                "{country}"
            );
        }
    }

    #[test]
    fn the_locale_says_the_country_and_brazil_stands_in_for_all_others() {
        let of = |locale: &str| Country::of_locale(locale).code;
        assert_eq!(of("pt-BR"), "BR");
        assert_eq!(of("pt_PT.UTF-8"), "PT");
        assert_eq!(of("es-419"), "ES");
        assert_eq!(of("es_AR"), "AR");
        assert_eq!(of("en-GB"), "GB");
        assert_eq!(of("en_US.UTF-8@x"), "US");
        assert_eq!(of("zh-Hans-CN"), "CN");
        assert_eq!(of("C.UTF-8"), "BR");
        assert_eq!(of(""), "BR");
    }
}
