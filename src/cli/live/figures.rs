//! What is measured of a call between two processes, and how it is told.

use std::time::Duration;

use serde_json::Value;

use super::children::Phone;
use crate::bench::delay::Delays;
use crate::bench::network::Profile;
use crate::bench::relay::Passed;
use crate::cli::scoring::{Pair, Recording, columns, figure, median};
use crate::codec::CodecKind;
use crate::i18n::Words;
use crate::say;
use crate::units::SampleRate;

/// A call is void when more than this share of its packets left the relay late.
pub(super) const VOID: f64 = 0.01;

/// Figures of one call; not a number where nothing was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub(super) heard: Pair,
    pub(super) ceiling: Pair,
    /// From leaving the talker to being written, in ms; without what the codec and its packets take
    /// before that.
    delay_ms: f64,
    delay_p95_ms: f64,
    /// All of it, from the file that is played to the one that is recorded.
    mouth_to_ear_ms: f64,
    concealed_pct: f64,
    repaired_pct: f64,
    stretched_pct: f64,
    silence_pct: f64,
    discard_pct: f64,
    wire_kbit: f64,
    /// CPU seconds of each program for a minute of call.
    talker_s: f64,
    listener_s: f64,
    /// From the click to the INVITE, and from the answer to the first packet, in ms.
    first_rtp_ms: f64,
    mos: f64,
    /// Of the relay itself.
    relay_late_pct: f64,
    relay_late_ms: f64,
}

/// One call of the bench, and its recordings.
pub(super) struct Measured {
    /// The relay ran late.
    pub(super) is_void: bool,
    pub(super) figures: Figures,
    pub(super) recordings: Vec<Recording>,
}

impl Figures {
    /// `before`: what codec and packet take before anything leaves.
    pub(super) fn of(
        delays: &Delays,
        before: Duration,
        passed: &Passed,
        talker: &Phone,
        listener: &Phone,
    ) -> Figures {
        let millis = |span: Duration| span.as_secs_f64() * 1e3;
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        let said = talker.event("summary").unwrap_or_default();
        let told = listener.event("summary").unwrap_or_default();
        let minutes =
            |phone: &Phone| number(&phone.event("ended").unwrap_or_default()["duration_s"]) / 60.0;
        Figures {
            heard: Pair::default(),
            ceiling: Pair::default(),
            delay_ms: millis(delays.mean()) - millis(before),
            delay_p95_ms: millis(delays.quantile(0.95)) - millis(before),
            mouth_to_ear_ms: millis(delays.mean()),
            concealed_pct: number(&told["concealed_pct"]),
            repaired_pct: number(&told["repaired_pct"]),
            stretched_pct: number(&told["stretched_pct"]),
            silence_pct: number(&told["silence_adjusted_pct"]),
            discard_pct: number(&told["discard_pct"]),
            wire_kbit: passed.wire_rate / 1e3,
            talker_s: number(&said["cpu_s"]) / minutes(talker),
            listener_s: number(&told["cpu_s"]) / minutes(listener),
            first_rtp_ms: number(&said["click_to_invite_ms"])
                + number(&said["answer_to_first_rtp_ms"]),
            mos: number(&told["mos"]),
            relay_late_pct: passed.late_share * 100.0,
            relay_late_ms: millis(passed.lateness.0),
        }
    }
}

/// What was recorded, from the moment on in which the other side began to speak: `behind` ms before
/// the recording did.
pub(super) fn aligned(heard: &[f32], rate: SampleRate, behind: f64) -> Vec<f32> {
    let samples = (behind / 1e3 * f64::from(rate.hz())).round();
    if samples < 0.0 {
        // As much was recorded before anything was said.
        return heard.get(-samples as usize..).unwrap_or_default().to_vec();
    }
    let mut all = vec![0.0; samples as usize];
    all.extend_from_slice(heard);
    all
}

/// Name in JSON, places behind the point, where it is.
type Column = (&'static str, usize, fn(&Figures) -> f64);
const COLUMNS: [Column; 19] = [
    ("pesq_wb", 2, |f| f.heard.wide),
    ("ceiling_wb", 2, |f| f.ceiling.wide),
    ("pesq_nb", 2, |f| f.heard.narrow),
    ("ceiling_nb", 2, |f| f.ceiling.narrow),
    ("delay_ms", 1, |f| f.delay_ms),
    ("delay_p95_ms", 1, |f| f.delay_p95_ms),
    ("mouth_to_ear_ms", 1, |f| f.mouth_to_ear_ms),
    ("concealed_pct", 2, |f| f.concealed_pct),
    ("repaired_pct", 1, |f| f.repaired_pct),
    ("stretched_pct", 2, |f| f.stretched_pct),
    ("silence_adjusted_pct", 1, |f| f.silence_pct),
    ("discard_pct", 1, |f| f.discard_pct),
    ("wire_kbit", 1, |f| f.wire_kbit),
    ("talker_cpu_s_per_min", 2, |f| f.talker_s),
    ("listener_cpu_s_per_min", 2, |f| f.listener_s),
    ("first_rtp_ms", 1, |f| f.first_rtp_ms),
    ("mos", 2, |f| f.mos),
    ("relay_late_pct", 1, |f| f.relay_late_pct),
    ("relay_late_ms", 1, |f| f.relay_late_ms),
];

/// Widths of a row's columns.
const WIDTHS: [usize; 23] = [
    6, 12, 5, 6, 5, 6, 7, 6, 6, 6, 5, 6, 5, 5, 6, 5, 5, 5, 5, 6, 5, 5, 5,
];

/// The median over the calls that count, of every column.
fn medians(calls: &[Measured]) -> [f64; COLUMNS.len()] {
    COLUMNS.map(|(_, _, figure)| {
        let counted = calls.iter().filter(|call| !call.is_void);
        median(counted.map(|call| figure(&call.figures)).collect())
    })
}

fn void(calls: &[Measured]) -> usize {
    calls.iter().filter(|call| call.is_void).count()
}

/// The names of the columns.
pub(super) fn head(words: &Words) -> String {
    let head = say!(words, "cli-bench-live-head");
    columns(head.split_whitespace().map(str::to_owned), &WIDTHS, 2)
}

/// Medians, and how many calls count and how many are void.
pub(super) fn row(words: &Words, codec: CodecKind, profile: Profile, calls: &[Measured]) -> String {
    let names = [codec.name(), profile.name()].map(str::to_owned);
    let medians = medians(calls);
    let figures = COLUMNS
        .iter()
        .zip(medians)
        .map(|((_, places, _), value)| figure(words, *places, value));
    let void = void(calls);
    let counts = [calls.len() - void, void].map(|count| count.to_string());
    columns(names.into_iter().chain(figures).chain(counts), &WIDTHS, 2)
}

/// The same for programs; what was not measured is `null`.
pub(super) fn json(codec: CodecKind, profile: Profile, calls: &[Measured]) -> String {
    let void = void(calls);
    let mut said = serde_json::json!({
        "event": "bench",
        "codec": codec.name().to_lowercase(),
        "profile": profile.name(),
        "calls": calls.len() - void,
        "void": void,
    });
    for ((name, _, _), value) in COLUMNS.iter().zip(medians(calls)) {
        said[*name] = value.into();
    }
    said.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(is_void: bool, delay_ms: f64) -> Measured {
        Measured {
            is_void,
            figures: Figures {
                delay_ms,
                ..Figures::default()
            },
            recordings: Vec::new(),
        }
    }

    #[test]
    fn a_void_call_is_said_and_not_counted() {
        let calls = [(false, 30.0), (true, 500.0), (false, 40.0)]
            .map(|(is_void, delay)| measured(is_void, delay));
        let told: Value =
            serde_json::from_str(&json(CodecKind::Opus, Profile::Wifi, &calls)).unwrap();
        assert_eq!((&told["calls"], &told["void"]), (&2.into(), &1.into()));
        assert_eq!(told["delay_ms"], 35.0);
        assert_eq!(told["pesq_wb"], Value::Null);
        let none = [measured(true, 500.0)];
        let told: Value =
            serde_json::from_str(&json(CodecKind::Opus, Profile::Wifi, &none)).unwrap();
        assert_eq!(
            (&told["calls"], &told["delay_ms"]),
            (&0.into(), &Value::Null)
        );
    }

    #[test]
    fn recordings_are_laid_beside_what_was_said() {
        let rate = SampleRate::NARROW;
        let heard = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
        assert_eq!(
            aligned(&heard, rate, 0.25),
            [&[0.0; 2], &heard[..]].concat()
        );
        assert_eq!(aligned(&heard, rate, -0.5), heard[4..]);
        assert!(aligned(&heard, rate, -1e6).is_empty());
    }

    #[test]
    fn each_column_has_a_width_and_a_name_in_every_language() {
        for language in crate::i18n::Language::ALL {
            let words = Words::new(language);
            let head = say!(words, "cli-bench-live-head");
            assert_eq!(
                head.split_whitespace().count(),
                WIDTHS.len(),
                "{language:?}"
            );
        }
        assert_eq!(COLUMNS.len() + 4, WIDTHS.len());
    }
}
