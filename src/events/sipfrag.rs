//! `message/sipfrag`: a piece of a SIP message (RFC 3420), which tells how a transfer goes (RFC
//! 3515 section 2.4.5).

use super::text;

/// The media type, as it stands in a NOTIFY of a REFER.
pub const MEDIA_TYPE: &str = "message/sipfrag;version=2.0";

/// Longest status line read, in bytes.
const MAX_LINE: usize = 1_024;

/// A status line, which is all of a sipfrag that a transfer needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusFragment {
    /// 100 to 699.
    pub status: u16,
    /// The words beside it, untrusted; may be empty.
    pub reason: String,
}

impl StatusFragment {
    /// Reads the first line that is not empty; headers behind it are of no interest. A line
    /// without the version, as some phones write it, is understood.
    ///
    /// `None` when it is no status line.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<StatusFragment> {
        let begin = body.iter().position(|b| !b.is_ascii_whitespace())?;
        let line = body[begin..].split(|b| matches!(b, b'\r' | b'\n')).next()?;
        let line = String::from_utf8_lossy(&line[..line.len().min(MAX_LINE)]);
        let mut rest = line.as_ref();
        if rest
            .get(..4)
            .is_some_and(|v| v.eq_ignore_ascii_case("SIP/"))
        {
            rest = rest.split_once([' ', '\t'])?.1;
        }
        let rest = rest.trim();
        let (code, reason) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let status = code.parse().ok().filter(|code| (100..700).contains(code))?;
        Some(StatusFragment {
            status,
            reason: text::shown(reason).unwrap_or_default(),
        })
    }

    /// Whether it is the last one: nothing more will come.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        self.status >= 200
    }

    /// The body. Line breaks in the words are left out.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let reason = text::shown(&self.reason).unwrap_or_default();
        format!("SIP/2.0 {} {reason}\r\n", self.status).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Option<(u16, String)> {
        StatusFragment::parse(body.as_bytes()).map(|read| (read.status, read.reason))
    }

    #[test]
    fn a_status_line_is_read_with_what_phones_do_to_it() {
        let check = |body: &str, status: u16, reason: &str| {
            assert_eq!(parse(body), Some((status, reason.to_owned())), "{body:?}");
        };
        check("SIP/2.0 100 Trying\r\n", 100, "Trying");
        check("SIP/2.0 200 OK", 200, "OK");
        check(
            "sip/2.0  503   Service Unavailable \r\n",
            503,
            "Service Unavailable",
        );
        check(
            "\r\n SIP/2.0 486 Busy Here\nTo: <sip:b@h>\n\nbody",
            486,
            "Busy Here",
        );
        check("180 Ringing\r\n", 180, "Ringing");
        check("SIP/2.0 603\r\n", 603, "");
        check("SIP/2.0 200 \u{1b}[2JOK", 200, "[2JOK");
    }

    #[test]
    fn what_is_no_status_line_is_none() {
        for body in [
            "",
            "\r\n",
            "INVITE sip:b@h SIP/2.0\r\n",
            "SIP/2.0",
            "SIP/2.0 99 x",
            "SIP/2.0 700 x",
            "SIP/2.0 0200 OK",
            "SIP/2.0 2x0 OK",
            "To: <sip:b@h>",
        ] {
            assert_eq!(parse(body), None, "{body:?}");
        }
        let long = format!("SIP/2.0 200 {}", "x".repeat(100_000));
        assert_eq!(parse(&long).unwrap().1.len(), 512);
    }

    #[test]
    fn the_last_one_is_known() {
        let is_final = |status| {
            let reason = String::new();
            StatusFragment { status, reason }.is_final()
        };
        assert!(!is_final(199));
        assert!(is_final(200) && is_final(486));
    }

    #[test]
    fn what_is_written_is_one_line() {
        let fragment = StatusFragment {
            status: 100,
            reason: "Trying\r\nEvil: 1".to_owned(),
        };
        assert_eq!(fragment.to_bytes(), b"SIP/2.0 100 TryingEvil: 1\r\n");
        let bare = StatusFragment {
            status: 200,
            reason: String::new(),
        };
        assert_eq!(bare.to_bytes(), b"SIP/2.0 200 \r\n");
    }
}
