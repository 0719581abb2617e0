//! What names a published document: SIP-ETag and SIP-If-Match (RFC 3903 section 11.3).

use super::header::Headers;
use super::header_name::HeaderName;
use super::lexer;

/// Longest entity tag believed, in bytes: servers in use write a few dozen.
const MAX_TAG: usize = 256;

impl Headers {
    /// The tag that a server gave a published document. `None` when it is missing or none that
    /// could be sent back: no token, or longer than 256 bytes.
    #[must_use]
    pub fn entity_tag(&self) -> Option<&str> {
        self.tag_in(&HeaderName::SIP_ETAG)
    }

    /// The tag of the published document that a PUBLISH is about; `None` as in
    /// [`entity_tag`](Self::entity_tag).
    #[must_use]
    pub fn if_match(&self) -> Option<&str> {
        self.tag_in(&HeaderName::SIP_IF_MATCH)
    }

    fn tag_in(&self, name: &HeaderName) -> Option<&str> {
        self.get(name)
            .filter(|tag| tag.len() <= MAX_TAG && lexer::is_token(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tag_that_can_be_sent_back_is_one() {
        let check = |value: &str, expected: Option<&str>| {
            let mut headers = Headers::new();
            headers.push("sip-etag", value);
            headers.push("SIP-If-Match", value);
            assert_eq!(headers.entity_tag(), expected, "{value}");
            assert_eq!(headers.if_match(), expected, "{value}");
        };
        check(" dx200xyz ", Some("dx200xyz"));
        check("a.1275.3!%~", Some("a.1275.3!%~"));
        check("", None);
        check("two words", None);
        check("\"quoted\"", None);
        check(&"x".repeat(256), Some(&"x".repeat(256)));
        check(&"x".repeat(257), None);
        assert_eq!(Headers::new().entity_tag(), None);
    }
}
