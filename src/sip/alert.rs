//! What a call asks of the phone that it rings at: to answer by itself (Call-Info, Alert-Info,
//! Answer-Mode of RFC 5373), or to ring in a way of its own (Alert-Info). No address in these is
//! ever fetched.

use std::time::Duration;

use super::header::Headers;
use super::header_name::HeaderName;
use super::lexer;
use super::params::Params;

/// The longest delay that is read.
const LONGEST: u64 = 60;

/// Where the caller of a call is, as the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertSource {
    /// In the same house.
    Internal,
    /// Outside.
    External,
}

/// One value of Alert-Info or Call-Info: what is in the brackets, or before the parameters.
struct Value<'a> {
    text: &'a str,
    params: Params,
}

impl Value<'_> {
    fn read(value: &str) -> Option<Value<'_>> {
        let (text, rest) = match value.strip_prefix('<') {
            Some(inner) => inner.split_once('>')?,
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        let (params, _) = Params::read_header(rest)?;
        let text = lexer::trim(text);
        Some(Value { text, params })
    }

    fn seconds(&self, name: &str) -> Option<Duration> {
        let seconds = lexer::digits(self.params.get(name)?)?;
        Some(Duration::from_secs(seconds.min(LONGEST)))
    }

    fn info(&self) -> String {
        let info = self.params.get("info").unwrap_or_default();
        info.to_ascii_lowercase()
    }
}

impl Headers {
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = Value<'_>> {
        let values = self.get_all(name).flat_map(lexer::split_list);
        values.filter_map(Value::read)
    }

    /// After how long the sender wants the call to be answered without a person, at most a minute;
    /// `None`: it does not ask for that. Whether it may is the receiver's to decide.
    ///
    /// ```text
    /// Call-Info: <sip:pbx.example>;answer-after=0
    /// Alert-Info: <http://pbx.example>;info=alert-autoanswer;delay=0
    /// Alert-Info: info=RingAnswer
    /// Answer-Mode: Auto
    /// ```
    #[must_use]
    pub fn answer_after(&self) -> Option<Duration> {
        let mut asked = self.values(&HeaderName::CALL_INFO);
        if let Some(after) = asked.find_map(|value| value.seconds("answer-after")) {
            return Some(after);
        }
        for value in self.values(&HeaderName::ALERT_INFO) {
            let delay = value.seconds("answer-after").or(value.seconds("delay"));
            let info = value.info();
            let words = [info.as_str(), value.text];
            let asks = words.iter().any(|word| asks_for_an_answer(word));
            if delay.is_some() || asks {
                return Some(delay.unwrap_or_default());
            }
        }
        let mode = self.get(&HeaderName::ANSWER_MODE)?;
        let mode = mode.split(';').next().unwrap_or_default();
        lexer::trim(mode)
            .eq_ignore_ascii_case("auto")
            .then_some(Duration::ZERO)
    }

    /// Whether the server says that the call comes from inside or from outside. Words and numbers
    /// of common PBXs (`info=alert-internal`, `Bellcore-dr1`) and the names of RFC 7462.
    #[must_use]
    pub fn alert_source(&self) -> Option<AlertSource> {
        self.values(&HeaderName::ALERT_INFO).find_map(|value| {
            let said = format!("{} {}", value.text, value.info()).to_ascii_lowercase();
            let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
            if says(&[
                "alert-internal",
                "urn:alert:source:internal",
                "bellcore-dr1",
            ]) {
                Some(AlertSource::Internal)
            } else if says(&["alert-external", "urn:alert:source:external", "bellcore-dr"]) {
                Some(AlertSource::External)
            } else {
                None
            }
        })
    }
}

/// `alert-autoanswer`, `Auto Answer`, `RingAnswer`, `Ring Answer`, `intercom`.
fn asks_for_an_answer(word: &str) -> bool {
    let word = word.strip_prefix("info=").unwrap_or(word);
    let plain: String = word
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    matches!(
        plain.as_str(),
        "alertautoanswer" | "autoanswer" | "ringanswer" | "intercom"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &str, value: &str) -> Headers {
        let mut headers = Headers::new();
        headers.push(name, value);
        headers
    }

    #[track_caller]
    fn check(name: &str, value: &str, expected: Option<u64>) {
        let read = headers(name, value).answer_after();
        assert_eq!(
            read.map(|after| after.as_secs()),
            expected,
            "{name}: {value}"
        );
    }

    #[test]
    fn each_way_of_asking_for_an_answer_is_understood() {
        check("Call-Info", "<sip:pbx.example>;answer-after=0", Some(0));
        check(
            "Call-Info",
            "<http://a/b,c;d>;x=1, <sip:p> ;answer-after=3",
            Some(3),
        );
        check("Alert-Info", "<http://pbx>;info=alert-autoanswer", Some(0));
        check(
            "Alert-Info",
            "<http://pbx>;info=alert-autoanswer;delay=2",
            Some(2),
        );
        check("Alert-Info", "<http://www.notused.com>;delay=0", Some(0));
        check("Alert-Info", "<http://pbx>;info=RingAnswer", Some(0));
        check("Alert-Info", "info=RingAnswer", Some(0));
        check("Alert-Info", "Auto Answer", Some(0));
        check("Alert-Info", "<http://pbx>;info=\"intercom\"", Some(0));
        check("Answer-Mode", "Auto", Some(0));
        check("Answer-Mode", "auto;require", Some(0));
    }

    #[test]
    fn what_asks_for_nothing_gets_nothing() {
        check("Answer-Mode", "Manual", None);
        check("Alert-Info", "<http://pbx>;info=alert-internal", None);
        check("Alert-Info", "<http://pbx/autoanswer.wav>", None);
        check("Call-Info", "<http://pbx/ana.png>;purpose=icon", None);
        check("Call-Info", "<sip:pbx>;answer-after=now", None);
        check("Call-Info", "<sip:pbx;answer-after=0", None);
        check("Subject", "answer-after=0", None);
        assert_eq!(Headers::new().answer_after(), None);
    }

    #[test]
    fn nobody_is_to_wait_for_ever() {
        check("Call-Info", "<sip:p>;answer-after=99999999999", Some(60));
        check(
            "Call-Info",
            "<sip:p>;answer-after=99999999999999999999999",
            Some(60),
        );
    }

    #[test]
    fn calls_from_inside_are_told_from_those_outside() {
        let source = |value: &str| headers("Alert-Info", value).alert_source();
        let (internal, external) = (Some(AlertSource::Internal), Some(AlertSource::External));
        assert_eq!(source("<http://127.0.0.1/Bellcore-dr1>"), internal);
        assert_eq!(source("<http://127.0.0.1/Bellcore-dr3>"), external);
        assert_eq!(source("Bellcore-dr2"), external);
        assert_eq!(source("<http://pbx>;info=Alert-Internal"), internal);
        assert_eq!(
            source("<http://pbx>;info=alert-external;x-line-id=0"),
            external
        );
        assert_eq!(source("<urn:alert:source:external>"), external);
        assert_eq!(source("<http://pbx/ring.wav>"), None);
    }
}
