//! Names of headers: long, compact, unknown (RFC 3261 sections 7.3.1 and 7.3.3).

use std::borrow::Cow;
use std::fmt;

use super::lexer;

/// The name of a header. Compares without case, and the compact form is the long one: `v` is
/// `Via`. Unknown names keep their spelling.
#[derive(Clone, Debug)]
pub struct HeaderName(Cow<'static, str>);

/// Declares the known names: constant, long form, compact form or `""`, and where it is defined.
macro_rules! header_names {
    ($($name:ident $long:literal $compact:literal $section:literal;)+) => {
        impl HeaderName {
            $(
                #[doc = concat!("`", $long, "`, ", $section, ".")]
                pub const $name: HeaderName = HeaderName(Cow::Borrowed($long));
            )+
        }

        /// Long form, compact form, section.
        const KNOWN: &[(&str, &str, &str)] = &[$(($long, $compact, $section),)+];
    };
}

header_names! {
    VIA "Via" "v" "RFC 3261 20.42";
    FROM "From" "f" "RFC 3261 20.20";
    TO "To" "t" "RFC 3261 20.39";
    CALL_ID "Call-ID" "i" "RFC 3261 20.8";
    CSEQ "CSeq" "" "RFC 3261 20.16";
    CONTACT "Contact" "m" "RFC 3261 20.10";
    MAX_FORWARDS "Max-Forwards" "" "RFC 3261 20.22";
    CONTENT_LENGTH "Content-Length" "l" "RFC 3261 20.14";
    CONTENT_TYPE "Content-Type" "c" "RFC 3261 20.15";
    ROUTE "Route" "" "RFC 3261 20.34";
    RECORD_ROUTE "Record-Route" "" "RFC 3261 20.30";
    EXPIRES "Expires" "" "RFC 3261 20.19";
    ALLOW "Allow" "" "RFC 3261 20.5";
    SUPPORTED "Supported" "k" "RFC 3261 20.37";
    REQUIRE "Require" "" "RFC 3261 20.32";
    USER_AGENT "User-Agent" "" "RFC 3261 20.41";
    WWW_AUTHENTICATE "WWW-Authenticate" "" "RFC 3261 20.44";
    AUTHORIZATION "Authorization" "" "RFC 3261 20.7";
    PROXY_AUTHENTICATE "Proxy-Authenticate" "" "RFC 3261 20.27";
    PROXY_AUTHORIZATION "Proxy-Authorization" "" "RFC 3261 20.28";
    AUTHENTICATION_INFO "Authentication-Info" "" "RFC 3261 20.6";
    ACCEPT "Accept" "" "RFC 3261 20.1";
    ACCEPT_ENCODING "Accept-Encoding" "" "RFC 3261 20.2";
    ACCEPT_LANGUAGE "Accept-Language" "" "RFC 3261 20.3";
    ALERT_INFO "Alert-Info" "" "RFC 3261 20.4";
    CALL_INFO "Call-Info" "" "RFC 3261 20.9";
    CONTENT_DISPOSITION "Content-Disposition" "" "RFC 3261 20.11";
    CONTENT_ENCODING "Content-Encoding" "e" "RFC 3261 20.12";
    CONTENT_LANGUAGE "Content-Language" "" "RFC 3261 20.13";
    DATE "Date" "" "RFC 3261 20.17";
    ERROR_INFO "Error-Info" "" "RFC 3261 20.18";
    IN_REPLY_TO "In-Reply-To" "" "RFC 3261 20.21";
    MIN_EXPIRES "Min-Expires" "" "RFC 3261 20.23";
    MIME_VERSION "MIME-Version" "" "RFC 3261 20.24";
    ORGANIZATION "Organization" "" "RFC 3261 20.25";
    PRIORITY "Priority" "" "RFC 3261 20.26";
    PROXY_REQUIRE "Proxy-Require" "" "RFC 3261 20.29";
    REPLY_TO "Reply-To" "" "RFC 3261 20.31";
    RETRY_AFTER "Retry-After" "" "RFC 3261 20.33";
    SERVER "Server" "" "RFC 3261 20.35";
    SUBJECT "Subject" "s" "RFC 3261 20.36";
    TIMESTAMP "Timestamp" "" "RFC 3261 20.38";
    UNSUPPORTED "Unsupported" "" "RFC 3261 20.40";
    WARNING "Warning" "" "RFC 3261 20.43";
    RSEQ "RSeq" "" "RFC 3262 7.1";
    RACK "RAck" "" "RFC 3262 7.2";
    REPLACES "Replaces" "" "RFC 3891 6.1";
    REFER_TO "Refer-To" "r" "RFC 3515 2.1";
    REFERRED_BY "Referred-By" "b" "RFC 3892 3";
    REFER_SUB "Refer-Sub" "" "RFC 4488 4";
    TARGET_DIALOG "Target-Dialog" "" "RFC 4538 7";
    EVENT "Event" "o" "RFC 6665 8.2.1";
    ALLOW_EVENTS "Allow-Events" "u" "RFC 6665 8.2.2";
    SUBSCRIPTION_STATE "Subscription-State" "" "RFC 6665 8.2.3";
    SESSION_EXPIRES "Session-Expires" "x" "RFC 4028 4";
    MIN_SE "Min-SE" "" "RFC 4028 5";
    PATH "Path" "" "RFC 3327 4";
    SERVICE_ROUTE "Service-Route" "" "RFC 3608 5";
    REASON "Reason" "" "RFC 3326 2";
    JOIN "Join" "" "RFC 3911 7.1";
    SIP_ETAG "SIP-ETag" "" "RFC 3903 11.3.1";
    SIP_IF_MATCH "SIP-If-Match" "" "RFC 3903 11.3.2";
    P_ASSERTED_IDENTITY "P-Asserted-Identity" "" "RFC 3325 9.1";
    P_PREFERRED_IDENTITY "P-Preferred-Identity" "" "RFC 3325 9.2";
    P_ASSOCIATED_URI "P-Associated-URI" "" "RFC 7315 4.1";
    REMOTE_PARTY_ID "Remote-Party-ID" "" "draft-ietf-sip-privacy-04 5";
    PRIVACY "Privacy" "" "RFC 3323 4.2";
    DIVERSION "Diversion" "" "RFC 5806 3";
    HISTORY_INFO "History-Info" "" "RFC 7044 5";
    IDENTITY "Identity" "y" "RFC 8224 4";
    ACCEPT_CONTACT "Accept-Contact" "a" "RFC 3841 9.2";
    REJECT_CONTACT "Reject-Contact" "j" "RFC 3841 9.2";
    REQUEST_DISPOSITION "Request-Disposition" "d" "RFC 3841 9.1";
    GEOLOCATION "Geolocation" "" "RFC 6442 4.1";
    FLOW_TIMER "Flow-Timer" "" "RFC 5626 11";
    ANSWER_MODE "Answer-Mode" "" "RFC 5373 4";
    USER_TO_USER "User-to-User" "" "RFC 7433 4";
}

impl HeaderName {
    /// The name that `text` spells, long or compact, in any case. Whether it is a token at all is
    /// checked by whoever reads or writes it.
    #[must_use]
    pub fn new(text: &str) -> HeaderName {
        let known = KNOWN.iter().find(|(long, compact, _)| {
            text.eq_ignore_ascii_case(long)
                || (!compact.is_empty() && text.eq_ignore_ascii_case(compact))
        });
        match known {
            Some((long, _, _)) => HeaderName(Cow::Borrowed(long)),
            None => HeaderName(Cow::Owned(text.to_owned())),
        }
    }

    /// The long form; an unknown name as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the header is defined: `RFC 3261 20.42`; the general section for an unknown one.
    #[must_use]
    pub fn section(&self) -> &'static str {
        let known = KNOWN
            .iter()
            .find(|(long, _, _)| self.0.eq_ignore_ascii_case(long));
        known.map_or("RFC 3261 7.3.1", |(_, _, section)| section)
    }

    /// Whether it can be written.
    pub(super) fn is_token(&self) -> bool {
        lexer::is_token(&self.0)
    }
}

impl From<&str> for HeaderName {
    fn from(text: &str) -> HeaderName {
        HeaderName::new(text)
    }
}

impl From<&HeaderName> for HeaderName {
    fn from(name: &HeaderName) -> HeaderName {
        name.clone()
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &HeaderName) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HeaderName {}

impl std::hash::Hash for HeaderName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_names_are_the_long_ones() {
        for (compact, long) in [
            ("v", "Via"),
            ("f", "From"),
            ("t", "To"),
            ("i", "Call-ID"),
            ("m", "Contact"),
            ("c", "Content-Type"),
            ("l", "Content-Length"),
            ("k", "Supported"),
            ("s", "Subject"),
            ("e", "Content-Encoding"),
            ("o", "Event"),
            ("u", "Allow-Events"),
            ("r", "Refer-To"),
            ("b", "Referred-By"),
            ("x", "Session-Expires"),
        ] {
            assert_eq!(HeaderName::new(compact).as_str(), long);
            assert_eq!(
                HeaderName::new(&compact.to_uppercase()),
                HeaderName::new(long)
            );
        }
    }

    #[test]
    fn names_compare_without_case_and_unknown_ones_keep_their_spelling() {
        assert_eq!(HeaderName::new("MaX-fOrWaRdS"), HeaderName::MAX_FORWARDS);
        assert_eq!(HeaderName::new("X-Odd"), HeaderName::new("x-oDD"));
        assert_eq!(HeaderName::new("x-oDD").to_string(), "x-oDD");
        assert_eq!(HeaderName::CONTENT_LENGTH.section(), "RFC 3261 20.14");
    }

    #[test]
    fn no_name_and_no_compact_form_is_declared_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for (long, compact, _) in KNOWN {
            assert!(seen.insert(long.to_ascii_lowercase()), "{long}");
            assert!(
                compact.is_empty() || seen.insert((*compact).to_owned()),
                "{compact}"
            );
        }
    }
}
