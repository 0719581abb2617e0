//! Reliable provisional responses (RFC 3262): RSeq and RAck.

use std::fmt;

use super::header::Headers;
use super::header_name::HeaderName;
use super::lexer;
use super::message::Response;
use super::vocabulary::Method;

/// The option tag (section 8).
pub const RELIABLE: &str = "100rel";

/// Which provisional response a PRACK is about (section 7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RAck {
    /// Its RSeq.
    pub rseq: u32,
    /// The CSeq number of the request that it answers.
    pub cseq: u32,
    /// That request's method.
    pub method: Method,
}

impl RAck {
    /// Reads the value of the header; `None` for what is none.
    #[must_use]
    pub fn read(value: &str) -> Option<RAck> {
        let mut words = value.split(lexer::is_lws).filter(|word| !word.is_empty());
        let (rseq, cseq, method) = (words.next()?, words.next()?, words.next()?);
        (words.next().is_none()).then_some(())?;
        Some(RAck {
            rseq: number(rseq)?,
            cseq: number(cseq)?,
            method: Method::from_token(method),
        })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.rseq, self.cseq, self.method)
    }
}

impl Headers {
    /// The response that this PRACK acknowledges.
    #[must_use]
    pub fn rack(&self) -> Option<RAck> {
        RAck::read(self.get(&HeaderName::RACK)?)
    }
}

impl Response {
    /// The number under which a provisional response wants to be acknowledged (section 4); `None`
    /// for any other response. 100 is never reliable.
    #[must_use]
    pub fn rseq(&self) -> Option<u32> {
        let required = self.headers.tokens(&HeaderName::REQUIRE);
        let reliable = required
            .iter()
            .any(|tag| tag.eq_ignore_ascii_case(RELIABLE));
        if !reliable || !matches!(self.status.code(), 101..=199) {
            return None;
        }
        number(lexer::trim(self.headers.get(&HeaderName::RSEQ)?))
    }
}

fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Request, StatusCode, Uri};

    #[test]
    fn a_rack_names_response_and_request() {
        // The example of RFC 3262 section 7.2.
        let read = RAck::read("776656 1 INVITE").unwrap();
        assert_eq!((read.rseq, read.cseq), (776_656, 1));
        assert_eq!(read.method, Method::Invite);
        assert_eq!(read.to_string(), "776656 1 INVITE");
        assert_eq!(RAck::read(" 776656  1\tINVITE "), Some(read));
        for nonsense in [
            "",
            "1",
            "1 2",
            "1 2 INVITE more",
            "a 1 INVITE",
            "-1 1 INVITE",
        ] {
            assert_eq!(RAck::read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn only_a_provisional_response_that_says_so_is_reliable() {
        let uri: Uri = "sip:1001@192.0.2.1".parse().unwrap();
        let rseq = |status, require: &str, rseq: &str| {
            let request = Request::new(Method::Invite, uri.clone());
            let mut response = request.response(status, Some("a"));
            response.headers.push(HeaderName::REQUIRE, require);
            response.headers.push(HeaderName::RSEQ, rseq);
            response.rseq()
        };
        let ringing = StatusCode::RINGING;
        assert_eq!(rseq(ringing, "100rel", "17"), Some(17));
        assert_eq!(rseq(ringing, "timer, 100REL", " 17 "), Some(17));
        assert_eq!(rseq(ringing, "timer", "17"), None);
        assert_eq!(rseq(ringing, "100rel", "x"), None);
        assert_eq!(rseq(ringing, "100rel", "99999999999"), None);
        assert_eq!(rseq(StatusCode::TRYING, "100rel", "17"), None);
        assert_eq!(rseq(StatusCode::OK, "100rel", "17"), None);
    }
}
