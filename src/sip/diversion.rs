//! By whom a call was sent on before it came here: Diversion (RFC 5806) and History-Info (RFC
//! 7044), read and written.

use std::fmt;

use super::header::Headers;
use super::header_name::HeaderName;
use super::lexer;
use super::name_addr::NameAddr;
use super::reason::Reason;
use super::uri::Uri;

/// Diversions that are read of one call; nobody is told of more.
const MAX_DIVERSIONS: usize = 8;
/// Entries of a history that are looked at, the oldest first.
const MAX_ENTRIES: usize = 16;

/// Why somebody sends a call on (RFC 5806 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiversionReason {
    /// Every call.
    Unconditional,
    /// The line is busy.
    UserBusy,
    /// Nobody took it.
    NoAnswer,
    /// The phone cannot be reached.
    Unavailable,
    /// It does not want to be disturbed.
    DoNotDisturb,
    /// A person sent this one on.
    Deflection,
    /// Not said, or in words that are not known.
    Unknown,
}

impl DiversionReason {
    /// As the header has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DiversionReason::Unconditional => "unconditional",
            DiversionReason::UserBusy => "user-busy",
            DiversionReason::NoAnswer => "no-answer",
            DiversionReason::Unavailable => "unavailable",
            DiversionReason::DoNotDisturb => "do-not-disturb",
            DiversionReason::Deflection => "deflection",
            DiversionReason::Unknown => "unknown",
        }
    }

    fn read(text: &str) -> DiversionReason {
        let known = [
            DiversionReason::Unconditional,
            DiversionReason::UserBusy,
            DiversionReason::NoAnswer,
            DiversionReason::Unavailable,
            DiversionReason::DoNotDisturb,
            DiversionReason::Deflection,
        ];
        let mut known = known.into_iter();
        let found = known.find(|reason| text.eq_ignore_ascii_case(reason.as_str()));
        found.unwrap_or(DiversionReason::Unknown)
    }

    /// That of a status in a history (RFC 4458 section 2).
    const fn of_cause(cause: u16) -> Option<DiversionReason> {
        Some(match cause {
            302 => DiversionReason::Unconditional,
            486 => DiversionReason::UserBusy,
            408 => DiversionReason::NoAnswer,
            404 | 503 => DiversionReason::Unavailable,
            480 | 487 => DiversionReason::Deflection,
            _ => return None,
        })
    }
}

/// One who sent a call on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// Who did. Untrusted.
    pub by: NameAddr,
    /// Why.
    pub reason: DiversionReason,
    /// How many times, at least 1.
    pub count: u32,
    /// Who did does not want to be known.
    pub private: bool,
}

impl Diversion {
    fn read(value: &str) -> Option<Diversion> {
        let mut by: NameAddr = value.parse().ok()?;
        let params = std::mem::take(&mut by.params);
        let count = params.get("counter").and_then(lexer::digits).unwrap_or(1);
        let reason = params.get("reason").unwrap_or_default();
        let privacy = params.get("privacy").unwrap_or("off");
        Some(Diversion {
            by,
            reason: DiversionReason::read(reason),
            count: u32::try_from(count).unwrap_or(u32::MAX).max(1),
            private: !privacy.eq_ignore_ascii_case("off"),
        })
    }
}

impl fmt::Display for Diversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let privacy = if self.private { "full" } else { "off" };
        let (reason, count) = (self.reason.as_str(), self.count);
        write!(
            f,
            "{};reason={reason};counter={count};privacy={privacy}",
            self.by
        )
    }
}

/// One address that a call was meant for on its way.
#[derive(Clone, Debug)]
struct Entry {
    target: NameAddr,
    index: String,
    /// Whose place it took, by that one's index (`mp`, section 5.1).
    instead_of: Option<String>,
    /// Why the call did not stay there (section 10.2), or why it came there (RFC 4458).
    left: Option<DiversionReason>,
    came: Option<DiversionReason>,
    private: bool,
}

impl Entry {
    fn read(value: &str) -> Option<Entry> {
        let mut target: NameAddr = value.parse().ok()?;
        let params = std::mem::take(&mut target.params);
        let header = |name: &str| target.uri.as_sip().and_then(|sip| sip.header(name));
        let left = header("Reason")
            .and_then(|reason| Reason::read(&reason)?.cause)
            .and_then(DiversionReason::of_cause);
        let private = header("Privacy").is_some_and(|it| !it.eq_ignore_ascii_case("none"));
        let cause = target.uri.as_sip().and_then(|sip| sip.params.get("cause"));
        let cause = cause.and_then(lexer::digits).map(u16::try_from);
        let came = cause.and_then(|cause| DiversionReason::of_cause(cause.ok()?));
        if let Uri::Sip(sip) = &mut target.uri {
            sip.headers.clear();
            sip.params.remove("cause");
        }
        Some(Entry {
            index: params.get("index").unwrap_or_default().to_owned(),
            instead_of: params.get("mp").map(str::to_owned),
            target,
            left,
            came,
            private,
        })
    }
}

impl Headers {
    /// Who sent this call on before it came here, the last one first, at most 8: by Diversion, else
    /// by History-Info. What cannot be read is left out.
    #[must_use]
    pub fn diversions(&self) -> Vec<Diversion> {
        let values = self.get_all(&HeaderName::DIVERSION);
        let told: Vec<Diversion> = values
            .flat_map(lexer::split_list)
            .filter_map(Diversion::read)
            .take(MAX_DIVERSIONS)
            .collect();
        if told.is_empty() {
            self.diversions_of_history()
        } else {
            told
        }
    }

    fn diversions_of_history(&self) -> Vec<Diversion> {
        let entries = self.history();
        let mut found: Vec<Diversion> = Vec::new();
        for (at, entry) in entries.iter().enumerate().skip(1) {
            let before = &entries[at - 1];
            // Where the history says who took whose place, nothing else counts: other entries with
            // a reason are phones that rang in vain for the same number.
            let mapped = entries.iter().any(|entry| entry.instead_of.is_some());
            let left = match (&entry.instead_of, mapped) {
                (Some(index), _) => entries[..at].iter().find(|it| it.index == *index),
                (None, true) => None,
                (None, false) => Some(before).filter(|it| it.left.or(entry.came).is_some()),
            };
            let Some(left) = left else { continue };
            let reason = left.left.or(before.left).or(entry.came);
            found.push(Diversion {
                by: left.target.clone(),
                reason: reason.unwrap_or(DiversionReason::Unknown),
                count: 1,
                private: left.private,
            });
        }
        found.reverse();
        found.truncate(MAX_DIVERSIONS);
        found
    }

    fn history(&self) -> Vec<Entry> {
        let values = self.get_all(&HeaderName::HISTORY_INFO);
        let entries = values.flat_map(lexer::split_list).filter_map(Entry::read);
        entries.take(MAX_ENTRIES).collect()
    }

    /// The history that an answer carries for a request which was meant for `target` (RFC 7044
    /// section 9.4): what came, and `target` itself where that is missing. With the index of the
    /// latter.
    #[must_use]
    pub fn history_with(&self, target: &Uri) -> (Vec<String>, String) {
        let entries = self.history();
        let values = self.get_all(&HeaderName::HISTORY_INFO);
        let values = values.flat_map(lexer::split_list).map(str::to_owned);
        let mut values: Vec<String> = values.take(MAX_ENTRIES).collect();
        match entries.last() {
            Some(last) if last.target.uri.user_unescaped() == target.user_unescaped() => {
                (values, last.index.clone())
            }
            last => {
                let index = last.map_or_else(|| "1".to_owned(), |it| format!("{}.1", it.index));
                values.push(format!("<{target}>;index={index}"));
                (values, index)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(*name, *value);
        }
        headers
    }

    #[track_caller]
    fn check(lines: &[(&str, &str)], expected: &[(&str, DiversionReason, bool)]) {
        let diversions = headers(lines).diversions();
        let read: Vec<_> = diversions
            .iter()
            .map(|it| (it.by.uri.to_string(), it.reason, it.private))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(uri, reason, private)| ((*uri).to_owned(), *reason, *private))
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn who_sent_a_call_on_is_told_the_last_one_first() {
        check(
            &[(
                "Diversion",
                "\"Ana\" <sip:1005@pbx.example>;reason=user-busy;counter=1;privacy=off, \
                 <sip:4000@pbx.example> ;reason=Unconditional",
            )],
            &[
                ("sip:1005@pbx.example", DiversionReason::UserBusy, false),
                (
                    "sip:4000@pbx.example",
                    DiversionReason::Unconditional,
                    false,
                ),
            ],
        );
        check(
            &[("Diversion", "<tel:+551140028922>;reason=moon;privacy=full")],
            &[("tel:+551140028922", DiversionReason::Unknown, true)],
        );
    }

    #[test]
    fn a_history_says_who_took_whose_place() {
        // As in the flows of RFC 7131: the phone of 1005 did not answer, and the call was mapped on.
        check(
            &[
                ("History-Info", "<sip:1005@pbx.example>;index=1"),
                (
                    "History-Info",
                    "<sip:1005@10.0.0.5?Reason=SIP%3Bcause%3D408>;index=1.1;rc=1, \
                     <sip:1001@pbx.example;cause=408>;index=1.2;mp=1, \
                     <sip:1001@10.0.0.1>;index=1.2.1;rc=1.2",
                ),
            ],
            &[("sip:1005@pbx.example", DiversionReason::NoAnswer, false)],
        );
    }

    #[test]
    fn an_older_history_says_it_by_reasons_alone() {
        check(
            &[(
                "History-Info",
                "<sip:1005@pbx.example?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%22>;index=1, \
                 <sip:1001@pbx.example>;index=2",
            )],
            &[(
                "sip:1005@pbx.example",
                DiversionReason::Unconditional,
                false,
            )],
        );
        check(
            &[(
                "History-Info",
                "<sip:1005@pbx.example?Privacy=history>;index=1, \
                 <sip:1001@pbx.example;cause=486>;index=2",
            )],
            &[("sip:1005@pbx.example", DiversionReason::UserBusy, true)],
        );
    }

    #[test]
    fn a_call_that_only_passed_servers_was_not_sent_on() {
        check(
            &[(
                "History-Info",
                "<sip:1001@pbx.example>;index=1, <sip:1001@10.0.0.1>;index=1.1;rc=1",
            )],
            &[],
        );
        check(
            &[("Diversion", "nonsense, <sip:>"), ("History-Info", "<")],
            &[],
        );
    }

    #[test]
    fn diversions_without_end_are_read_to_the_eighth() {
        let many = vec!["<sip:1@h>;reason=user-busy"; 500].join(",");
        assert_eq!(headers(&[("Diversion", &many)]).diversions().len(), 8);
        let many: Vec<String> = (1..500)
            .map(|n| format!("<sip:{n}@h>;index={};mp={n}", n + 1))
            .collect();
        let many = format!("<sip:0@h>;index=1,{}", many.join(","));
        assert_eq!(headers(&[("History-Info", &many)]).diversions().len(), 8);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let written = Diversion {
            by: "<sip:1001@pbx.example>".parse().unwrap(),
            reason: DiversionReason::NoAnswer,
            count: 1,
            private: false,
        };
        let text = "<sip:1001@pbx.example>;reason=no-answer;counter=1;privacy=off";
        assert_eq!(written.to_string(), text);
        assert_eq!(headers(&[("Diversion", text)]).diversions(), [written]);
    }

    #[test]
    fn an_answer_has_the_history_and_who_was_meant() {
        let target: Uri = "sip:1001@10.0.0.1:5060".parse().unwrap();
        let with = |value: &str| {
            let lines = [("History-Info", value)];
            headers(if value.is_empty() { &[] } else { &lines }).history_with(&target)
        };
        let ours = "<sip:1001@10.0.0.1:5060>;index=1".to_owned();
        assert_eq!(with(""), (vec![ours], "1".to_owned()));
        let known = "<sip:1001@pbx.example>;index=1.3";
        assert_eq!(with(known), (vec![known.to_owned()], "1.3".to_owned()));
        let (values, index) = with("<sip:4000@pbx.example>;index=1");
        assert_eq!(values[1], "<sip:1001@10.0.0.1:5060>;index=1.1");
        assert_eq!(index, "1.1");
    }
}
