//! Who somebody is by the word of a server: P-Asserted-Identity (RFC 3325), Remote-Party-ID (its
//! draft), and the wish not to be known, Privacy (RFC 3323). Whether the server is to be believed is
//! the reader's to decide.

use super::header::Headers;
use super::header_name::HeaderName;
use super::lexer;
use super::name_addr::NameAddr;

/// The side of a call that Remote-Party-ID speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartySide {
    /// Who called.
    Calling,
    /// Who was called.
    Called,
}

/// Identities of a message that are looked at; there are two at most (RFC 3325 section 9.1).
const MAX_IDENTITIES: usize = 4;

impl Headers {
    /// Who the sender is, or the other side of a call, by the word of a server; `None` where there is
    /// none that can be read. A name comes from any identity, the address first from one of `sip`.
    #[must_use]
    pub fn asserted_identity(&self, side: PartySide) -> Option<NameAddr> {
        let asserted = self.identities(&HeaderName::P_ASSERTED_IDENTITY);
        let mut all: Vec<NameAddr> = asserted.collect();
        if all.is_empty() {
            let speaks = |it: &NameAddr| match it.params.get("party") {
                Some(party) => match side {
                    PartySide::Calling => party.eq_ignore_ascii_case("calling"),
                    PartySide::Called => party.eq_ignore_ascii_case("called"),
                },
                None => true,
            };
            let identities = self.identities(&HeaderName::REMOTE_PARTY_ID);
            all = identities.filter(speaks).collect();
        }
        let name = all.iter().find_map(|it| it.display_name.clone());
        let by_sip = all.iter().position(|it| it.uri.as_sip().is_some());
        if all.is_empty() {
            return None;
        }
        let mut best = all.swap_remove(by_sip.unwrap_or(0));
        best.display_name = best.display_name.take().or(name);
        Some(best)
    }

    fn identities(&self, name: &HeaderName) -> impl Iterator<Item = NameAddr> {
        let values = self.get_all(name).flat_map(lexer::split_list);
        values
            .filter_map(|value| value.parse().ok())
            .take(MAX_IDENTITIES)
    }

    /// Whether the sender does not want to be known to the person it calls.
    #[must_use]
    pub fn wants_privacy(&self) -> bool {
        let values = self.get_all(&HeaderName::PRIVACY);
        let hides = |word: &str| {
            let word = lexer::trim(word);
            ["id", "user"]
                .iter()
                .any(|it| word.eq_ignore_ascii_case(it))
        };
        let mut words = values.flat_map(|value| value.split([';', ',']));
        let mut parties = self.identities(&HeaderName::REMOTE_PARTY_ID);
        words.any(hides)
            || parties.any(|it| {
                let said = it.params.get("privacy").unwrap_or("off");
                !said.eq_ignore_ascii_case("off")
            })
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
    fn check(lines: &[(&str, &str)], expected: Option<&str>) {
        let read = headers(lines).asserted_identity(PartySide::Calling);
        let read = read.map(|mut it| {
            it.params = Default::default();
            it.to_string()
        });
        assert_eq!(read.as_deref(), expected, "{lines:?}");
    }

    #[test]
    fn a_server_says_who_calls() {
        check(
            &[("P-Asserted-Identity", "\"Ana\" <sip:1005@pbx.example>")],
            Some("\"Ana\" <sip:1005@pbx.example>"),
        );
        check(
            &[
                ("P-Asserted-Identity", "tel:+551140028922"),
                ("P-Asserted-Identity", "<sip:+551140028922@pbx.example>"),
            ],
            Some("<sip:+551140028922@pbx.example>"),
        );
        check(
            &[("P-Asserted-Identity", "\"Ana\" <tel:+5511>, <sip:1005@h>")],
            Some("\"Ana\" <sip:1005@h>"),
        );
        check(
            &[("P-Asserted-Identity", "<tel:+551140028922>")],
            Some("<tel:+551140028922>"),
        );
    }

    #[test]
    fn the_older_header_counts_where_the_newer_is_missing() {
        let old = (
            "Remote-Party-ID",
            "\"Bia\" <sip:1002@h>;party=calling;privacy=off;screen=yes",
        );
        check(&[old], Some("\"Bia\" <sip:1002@h>"));
        check(
            &[old, ("P-Asserted-Identity", "<sip:1005@h>")],
            Some("<sip:1005@h>"),
        );
        check(&[("Remote-Party-ID", "<sip:1002@h>;party=called")], None);
        check(
            &[("Remote-Party-ID", "no address"), ("Privacy", "id")],
            None,
        );
        check(&[], None);
    }

    #[test]
    fn who_does_not_want_to_be_known_is_not() {
        let hides = |name, value| headers(&[(name, value)]).wants_privacy();
        assert!(hides("Privacy", "id"));
        assert!(hides("Privacy", "critical;ID"));
        assert!(hides("Privacy", "header; user"));
        assert!(hides("Remote-Party-ID", "<sip:1@h>;privacy=full"));
        for (name, value) in [
            ("Privacy", "none"),
            ("Privacy", "session"),
            ("Privacy", "identity"),
            ("Remote-Party-ID", "<sip:1@h>;privacy=off"),
        ] {
            assert!(!hides(name, value), "{name}: {value}");
        }
    }
}
