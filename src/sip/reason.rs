//! Why a request was sent (RFC 3326): what a CANCEL or BYE says of itself.

use super::header::Headers;
use super::header_name::HeaderName;
use super::lexer;
use super::params::Params;

/// One value of Reason: `SIP;cause=200;text="Call completed elsewhere"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Whose numbers the cause is of: `SIP`, `Q.850`. As it came; compared without case.
    pub protocol: String,
    /// The cause: a status of SIP, a cause of Q.850.
    pub cause: Option<u16>,
    /// Words for it, untrusted.
    pub text: Option<String>,
}

impl Reason {
    pub(super) fn read(value: &str) -> Option<Reason> {
        let (protocol, params) = value.split_at(value.find(';').unwrap_or(value.len()));
        let protocol = lexer::trim(protocol);
        if !lexer::is_token(protocol) {
            return None;
        }
        let (params, _) = Params::read_header(params)?;
        let cause = params.get("cause").and_then(lexer::digits);
        let text = params.get("text").filter(|text| !text.is_empty());
        Some(Reason {
            protocol: protocol.to_owned(),
            cause: cause.and_then(|cause| u16::try_from(cause).ok()),
            text: text.map(str::to_owned),
        })
    }

    /// Whether it is this cause of this protocol.
    #[must_use]
    pub fn is(&self, protocol: &str, cause: u16) -> bool {
        self.protocol.eq_ignore_ascii_case(protocol) && self.cause == Some(cause)
    }
}

impl Headers {
    /// The values of all Reason headers, in order. Those that cannot be read are left out.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        self.get_all(&HeaderName::REASON)
            .flat_map(lexer::split_list)
            .filter_map(Reason::read)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(value: &str) -> Vec<Reason> {
        let mut headers = Headers::new();
        headers.push("Reason", value);
        headers.reasons()
    }

    fn reason(protocol: &str, cause: Option<u16>, text: Option<&str>) -> Reason {
        Reason {
            protocol: protocol.to_owned(),
            cause,
            text: text.map(str::to_owned),
        }
    }

    #[test]
    fn each_value_says_protocol_cause_and_words() {
        assert_eq!(
            reasons(r#"SIP ;cause=200 ;text="Call completed; elsewhere, that is""#),
            [reason(
                "SIP",
                Some(200),
                Some("Call completed; elsewhere, that is")
            )]
        );
        assert_eq!(
            reasons(r#"SIP;cause=480, q.850 ; cause = 16;text="""#),
            [
                reason("SIP", Some(480), None),
                reason("q.850", Some(16), None)
            ]
        );
        assert_eq!(reasons("preemption"), [reason("preemption", None, None)]);
        assert!(reasons("q.850;cause=26")[0].is("Q.850", 26));
        assert!(!reasons("Q.850;cause=200")[0].is("SIP", 200));
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        assert_eq!(reasons(""), []);
        assert_eq!(reasons("two words;cause=200"), []);
        assert_eq!(
            reasons("SIP;cause=many, SIP;cause=99999999999999999999"),
            [reason("SIP", None, None), reason("SIP", None, None)]
        );
        assert_eq!(reasons(";cause=200, Q.850;cause=26").len(), 1);
    }
}
