//! The first line of a message (RFC 3261 sections 7.1 and 7.2).

use super::defect::DefectKind;
use super::header::lossy;
use super::lexer;
use super::parser::ParseErrorKind;
use super::uri::Uri;
use super::vocabulary::{Method, StatusCode, is_method_token};

/// What the first line says.
#[derive(Debug)]
pub(super) enum StartLine {
    Request(Method, Uri),
    Response(StatusCode, String),
}

/// A first line that cannot be used.
#[derive(Debug)]
pub(super) struct BadStartLine {
    pub(super) kind: ParseErrorKind,
    /// The method, when it was a request: whether it can be answered depends on it.
    pub(super) method: Option<Method>,
}

/// Reads a line without its end, and what was wrong with it.
pub(super) fn read(line: &[u8]) -> Result<(StartLine, Vec<DefectKind>), BadStartLine> {
    if line
        .get(..4)
        .is_some_and(|begin| begin.eq_ignore_ascii_case(b"SIP/"))
    {
        read_status_line(&lossy(line)).map_err(|kind| BadStartLine { kind, method: None })
    } else {
        read_request_line(&escape_foreign_bytes(line))
    }
}

fn read_status_line(line: &str) -> Result<(StartLine, Vec<DefectKind>), ParseErrorKind> {
    let mut defects = Vec::new();
    let (version, rest) = line
        .split_once(lexer::is_lws)
        .ok_or(ParseErrorKind::StartLine)?;
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(ParseErrorKind::Version);
    }
    let code_and_reason = rest.trim_start_matches(lexer::is_lws);
    if code_and_reason.len() != rest.len() {
        defects.push(DefectKind::StartLineSpacing);
    }
    let (code, reason) = match code_and_reason.split_once(' ') {
        Some(parts) => parts,
        None => {
            defects.push(DefectKind::StartLineSpacing); // no space even for an empty reason
            (lexer::trim(code_and_reason), "")
        }
    };
    let status = lexer::digits(code)
        .filter(|_| code.len() == 3)
        .and_then(|code| u16::try_from(code).ok())
        .and_then(StatusCode::new)
        .ok_or(ParseErrorKind::Status)?;
    let mut reason = reason.to_owned();
    if reason.contains(['\0', '\r']) {
        defects.push(DefectKind::ControlCharacter);
        reason = reason.replace(['\0', '\r'], " ");
    }
    Ok((StartLine::Response(status, reason), defects))
}

fn read_request_line(line: &str) -> Result<(StartLine, Vec<DefectKind>), BadStartLine> {
    let mut defects = Vec::new();
    let trimmed = lexer::trim(line);
    let method_end = trimmed.find(lexer::is_lws).unwrap_or(trimmed.len());
    let (method, rest) = trimmed.split_at(method_end);
    let unreadable = BadStartLine {
        kind: ParseErrorKind::StartLine,
        method: None,
    };
    if !is_method_token(method) {
        return Err(unreadable);
    }
    let method = Method::from_token(method);
    let bad = |kind| BadStartLine {
        kind,
        method: Some(method.clone()),
    };
    let Some((target, version)) = rest.rsplit_once(lexer::is_lws) else {
        return Err(bad(ParseErrorKind::StartLine));
    };
    if !version
        .get(..4)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("SIP/"))
    {
        return Err(bad(ParseErrorKind::StartLine));
    }
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(bad(ParseErrorKind::Version));
    }
    let mut uri = lexer::trim(target).to_owned();
    if line.len() != method.as_str().len() + uri.len() + version.len() + 2 {
        defects.push(DefectKind::StartLineSpacing);
    }
    if let Some(inner) = uri.strip_prefix('<').and_then(|uri| uri.strip_suffix('>')) {
        uri = inner.to_owned();
        defects.push(DefectKind::BracketsInRequestUri);
    }
    if uri.contains(lexer::is_lws) {
        uri.retain(|c| !lexer::is_lws(c));
        defects.push(DefectKind::SpaceInRequestUri);
    }
    let uri: Uri = uri
        .parse()
        .map_err(|error| bad(ParseErrorKind::RequestUri(error)))?;
    if uri.as_sip().is_some_and(|uri| !uri.headers.is_empty()) {
        defects.push(DefectKind::HeadersInRequestUri);
    }
    Ok((StartLine::Request(method, uri), defects))
}

/// A Request-URI is ASCII; bytes that are not are kept as their escapes.
fn escape_foreign_bytes(line: &[u8]) -> String {
    let mut text = String::with_capacity(line.len());
    for &byte in line {
        if byte.is_ascii() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> (String, String, Vec<DefectKind>) {
        match read(line.as_bytes()).unwrap() {
            (StartLine::Request(method, uri), defects) => {
                (method.to_string(), uri.to_string(), defects)
            }
            (StartLine::Response(..), _) => panic!("a response"),
        }
    }

    fn response(line: &[u8]) -> (u16, String) {
        match read(line).unwrap() {
            (StartLine::Response(status, reason), _) => (status.code(), reason),
            (StartLine::Request(..), _) => panic!("a request"),
        }
    }

    fn refused(line: &str) -> ParseErrorKind {
        read(line.as_bytes()).unwrap_err().kind
    }

    #[test]
    fn unknown_methods_and_odd_reasons_survive() {
        let (method, uri, defects) = request("!odd%_method sip:a@h SIP/2.0");
        assert_eq!((method.as_str(), uri.as_str()), ("!odd%_method", "sip:a@h"));
        assert_eq!(defects, []);
        assert_eq!(
            response(b"SIP/2.0 480 Gone fishing"),
            (480, "Gone fishing".to_owned())
        );
        assert_eq!(response(b"SIP/2.0 100 "), (100, String::new()));
        assert_eq!(response(b"sip/2.0 486"), (486, String::new()));
        let text = "SIP/2.0 200 = 2**3 не";
        assert_eq!(response(text.as_bytes()), (200, "= 2**3 не".to_owned()));
    }

    #[test]
    fn more_spaces_than_needed_are_noted() {
        assert_eq!(
            request("INVITE  sip:a@h  SIP/2.0").2,
            [DefectKind::StartLineSpacing]
        );
        assert_eq!(
            request("INVITE sip:a@h SIP/2.0  ").2,
            [DefectKind::StartLineSpacing]
        );
        let (_, uri, defects) = request("INVITE sip:a@h; lr SIP/2.0");
        assert_eq!(
            (uri.as_str(), defects),
            ("sip:a@h;lr", vec![DefectKind::SpaceInRequestUri])
        );
        let (_, uri, defects) = request("INVITE <sip:a@h> SIP/2.0");
        assert_eq!(
            (uri.as_str(), defects),
            ("sip:a@h", vec![DefectKind::BracketsInRequestUri])
        );
    }

    #[test]
    fn bytes_that_are_not_ascii_become_escapes() {
        let (start, _) = read(b"INVITE sip:jo\xe3o@h SIP/2.0").unwrap();
        let StartLine::Request(_, uri) = start else {
            panic!("a response")
        };
        assert_eq!(uri.to_string(), "sip:jo%E3o@h");
    }

    #[test]
    fn what_is_no_start_line_is_refused() {
        assert_eq!(
            refused("INVITE sip:alan@jasomi.com"),
            ParseErrorKind::StartLine
        );
        assert_eq!(refused("INVITE"), ParseErrorKind::StartLine);
        assert_eq!(refused(""), ParseErrorKind::StartLine);
        assert_eq!(refused("GET / HTTP/1.1"), ParseErrorKind::StartLine);
        assert_eq!(
            refused("IN(VITE sip:a@h SIP/2.0"),
            ParseErrorKind::StartLine
        );
        assert_eq!(refused("OPTIONS sip:a@h SIP/7.0"), ParseErrorKind::Version);
        assert_eq!(refused("SIP/7.0 200 OK"), ParseErrorKind::Version);
        assert_eq!(refused("SIP/2.0 4294967301 x"), ParseErrorKind::Status);
        assert_eq!(refused("SIP/2.0 99 x"), ParseErrorKind::Status);
        assert_eq!(refused("SIP/2.0 +20 x"), ParseErrorKind::Status);
        let uri = crate::sip::HostError::BareIpv6.into();
        assert_eq!(
            refused("REGISTER sip:2001:db8::10 SIP/2.0"),
            ParseErrorKind::RequestUri(uri)
        );
    }
}
