//! From bytes to a message: lines, folds, the body's length (RFC 3261 sections 7 and 18.3).

use std::hash::{DefaultHasher, Hasher};

use super::check;
use super::defect::{Defect, DefectKind, Severity};
use super::header::{Header, HeaderError, Headers, lossy};
use super::header_name::HeaderName;
use super::lexer;
use super::message::{Message, Request, Response, is_safe_value, response_headers};
use super::start_line::{self, BadStartLine, StartLine};
use super::uri::UriError;
use super::vocabulary::{Method, StatusCode};

/// More header lines than this are an attack.
const MAX_HEADERS: usize = 512;

/// A message and what was wrong with it.
///
/// Top Via, From, To, Call-ID and CSeq can be relied upon: where one of them is missing or cannot
/// be read there is a [`ParseError`] instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What was read.
    pub message: Message,
    /// What was wrong, in the order of reading.
    pub defects: Vec<Defect>,
}

impl Parsed {
    /// The status with which a request must be refused because of its defects; for a response,
    /// that it must be dropped. `None` when the message may be acted upon.
    #[must_use]
    pub fn fault(&self) -> Option<StatusCode> {
        self.defects
            .iter()
            .find_map(|defect| match defect.severity {
                Severity::Faulty(status) => Some(status),
                Severity::Note => None,
            })
    }

    /// The response that refuses a faulty request. `None` when there is nothing to refuse, for an
    /// ACK, and for a response.
    #[must_use]
    pub fn refusal(&self) -> Option<Response> {
        let Message::Request(request) = &self.message else {
            return None;
        };
        let status = self.fault()?;
        if request.method == Method::Ack {
            return None;
        }
        Some(request.response(status, Some(&stateless_tag(&request.headers))))
    }
}

/// A message that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    /// Why.
    pub kind: ParseErrorKind,
    /// What to answer, when it is a request that can be answered: not an ACK, and with a Via
    /// that says where the answer goes.
    pub reply: Option<Response>,
}

/// Why a message cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing but line breaks: a keep-alive.
    #[error("nothing but line breaks")]
    Empty,
    /// The first line is none of SIP.
    #[error("no SIP start line")]
    StartLine,
    /// Another version of SIP; answered 505.
    #[error("a version of SIP that is not 2.0")]
    Version,
    /// A status code outside 100 to 699.
    #[error("no status code")]
    Status,
    /// The Request-URI is no URI.
    #[error("the Request-URI cannot be read")]
    RequestUri(#[source] UriError),
    /// One of the five headers without which nothing can be done.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// More header lines than any message has.
    #[error("too many headers")]
    TooManyHeaders,
    /// A stream's message without Content-Length, or with several or an unreadable one.
    #[error("no usable Content-Length on a stream")]
    ContentLength,
    /// A body on a stream that is longer than what is taken; answered 513.
    #[error("the body is too long")]
    BodyTooLong,
}

impl ParseErrorKind {
    /// Which clause forbids it: `RFC 3261 7.1`.
    #[must_use]
    pub fn section(&self) -> &'static str {
        match self {
            ParseErrorKind::Empty => "RFC 3261 7.5",
            ParseErrorKind::StartLine => "RFC 3261 7",
            ParseErrorKind::Version | ParseErrorKind::RequestUri(_) => "RFC 3261 7.1",
            ParseErrorKind::Status => "RFC 3261 7.2",
            ParseErrorKind::Header(HeaderError::Missing { .. }) => "RFC 3261 8.1.1",
            ParseErrorKind::Header(error) => error.name().section(),
            ParseErrorKind::TooManyHeaders => "RFC 3261 7.3",
            ParseErrorKind::ContentLength => "RFC 3261 18.3",
            ParseErrorKind::BodyTooLong => "RFC 3261 21.5.7",
        }
    }

    /// A name for machines: `start-line`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            ParseErrorKind::Empty => "empty",
            ParseErrorKind::StartLine => "start-line",
            ParseErrorKind::Version => "version",
            ParseErrorKind::Status => "status",
            ParseErrorKind::RequestUri(_) => "request-uri",
            ParseErrorKind::Header(HeaderError::Missing { .. }) => "missing-header",
            ParseErrorKind::Header(HeaderError::OutOfRange { .. }) => "number-out-of-range",
            ParseErrorKind::Header(_) => "malformed-value",
            ParseErrorKind::TooManyHeaders => "too-many-headers",
            ParseErrorKind::ContentLength => "content-length",
            ParseErrorKind::BodyTooLong => "body-too-long",
        }
    }
}

/// Reads a datagram: one message. What is behind Content-Length is left out (RFC 3261 section
/// 18.3); without one, the body is the rest.
///
/// # Errors
/// The message cannot be used; see [`ParseErrorKind`].
#[expect(
    clippy::result_large_err,
    reason = "what is wrong with a message comes with its answer"
)]
pub fn parse_datagram(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let mut defects = Vec::new();
    let bytes = skip_line_breaks(bytes, &mut defects);
    let mut lines = Lines { rest: bytes };
    let Some(first) = lines.next() else {
        return Err(ParseError {
            kind: ParseErrorKind::Empty,
            reply: None,
        });
    };
    // The headers are read even behind a bad first line: its sender is to be answered.
    let (headers, body, header_defects) = read_headers(lines);
    if !first.ends_with(b"\r\n") && first.ends_with(b"\n") {
        defects.push(check::note(DefectKind::BareLineFeed, None, "RFC 3261 7"));
    }
    let start = match start_line::read(without_line_end(first)) {
        Ok((start, kinds)) => {
            defects.extend(kinds.into_iter().map(check::start_line_defect));
            start
        }
        Err(BadStartLine { kind, method }) => {
            let reply = method.and_then(|method| reply_to(&kind, &method, &headers));
            return Err(ParseError { kind, reply });
        }
    };
    defects.extend(header_defects);
    let method = match &start {
        StartLine::Request(method, _) => Some(method),
        StartLine::Response(..) => None,
    };
    if let Err(kind) = check_required(&headers) {
        let reply = method.and_then(|method| reply_to(&kind, method, &headers));
        return Err(ParseError { kind, reply });
    }
    let body = cut_body(&headers, body, &mut defects);
    check::headers(&headers, method, !body.is_empty(), &mut defects);
    let message = match start {
        StartLine::Request(method, uri) => Message::Request(Request {
            method,
            uri,
            headers,
            body: body.to_vec(),
        }),
        StartLine::Response(status, reason) => Message::Response(Response {
            status,
            reason,
            headers,
            body: body.to_vec(),
        }),
    };
    Ok(Parsed { message, defects })
}

/// The answer to a request that cannot be used, when one can be sent.
pub(super) fn reply_to(
    kind: &ParseErrorKind,
    method: &Method,
    headers: &Headers,
) -> Option<Response> {
    if *method == Method::Ack || headers.top_via().is_err() {
        return None;
    }
    let status = match kind {
        ParseErrorKind::Version => StatusCode::VERSION_NOT_SUPPORTED,
        ParseErrorKind::TooManyHeaders | ParseErrorKind::BodyTooLong => {
            StatusCode::MESSAGE_TOO_LARGE
        }
        ParseErrorKind::Empty
        | ParseErrorKind::StartLine
        | ParseErrorKind::Status
        | ParseErrorKind::RequestUri(_)
        | ParseErrorKind::Header(_)
        | ParseErrorKind::ContentLength => StatusCode::BAD_REQUEST,
    };
    let mut response = Response::new(status);
    response.headers = response_headers(headers, status, Some(&stateless_tag(headers)));
    Some(response)
}

/// The headers of a message in a stream, and the method when it is a request: what decides about
/// its length.
pub(super) fn read_stream_head(head: &[u8]) -> (Option<Method>, Headers) {
    let mut lines = Lines { rest: head };
    let method = match start_line::read(without_line_end(lines.next().unwrap_or_default())) {
        Ok((StartLine::Request(method, _), _)) => Some(method),
        Ok((StartLine::Response(..), _)) => None,
        Err(BadStartLine { method, .. }) => method,
    };
    (method, read_headers(lines).0)
}

/// First line, headers and body length of a message that cannot be used, to show them.
pub(super) fn read_unusable(bytes: &[u8]) -> (String, Headers, usize) {
    let mut lines = Lines {
        rest: skip_line_breaks(bytes, &mut Vec::new()),
    };
    let first = lossy(without_line_end(lines.next().unwrap_or_default())).into_owned();
    let (headers, body, _) = read_headers(lines);
    (first, headers, body.len())
}

/// A tag that is the same for each retransmission of a request, as RFC 3261 section 8.2.7 asks
/// of a server that keeps no state.
fn stateless_tag(headers: &Headers) -> String {
    let mut hasher = DefaultHasher::new();
    for name in [
        HeaderName::VIA,
        HeaderName::FROM,
        HeaderName::CALL_ID,
        HeaderName::CSEQ,
    ] {
        hasher.write(headers.header(&name).map_or(&[], Header::bytes));
    }
    format!("{:016x}", hasher.finish())
}

fn check_required(headers: &Headers) -> Result<(), ParseErrorKind> {
    if headers.len() > MAX_HEADERS {
        return Err(ParseErrorKind::TooManyHeaders);
    }
    headers.top_via()?;
    headers.from()?;
    headers.to()?;
    headers.call_id()?;
    headers.cseq()?;
    Ok(())
}

fn skip_line_breaks<'a>(bytes: &'a [u8], defects: &mut Vec<Defect>) -> &'a [u8] {
    let begin = bytes
        .iter()
        .position(|b| !matches!(b, b'\r' | b'\n'))
        .unwrap_or(bytes.len());
    if begin > 0 {
        defects.push(check::note(
            DefectKind::LeadingLineBreaks,
            None,
            "RFC 3261 7.5",
        ));
    }
    &bytes[begin..]
}

/// Lines with their ends.
#[derive(Clone, Copy)]
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self
            .rest
            .iter()
            .position(|&b| b == b'\n')
            .map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(line)
    }
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Reads the header lines; what follows the empty line is the body. At most one header more than
/// allowed is kept.
fn read_headers(mut lines: Lines<'_>) -> (Headers, &[u8], Vec<Defect>) {
    let mut headers: Vec<Header> = Vec::new();
    let mut defects = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    let mut bare_line_feed = false;
    let mut ended = false;
    for line in lines.by_ref() {
        bare_line_feed |= line.ends_with(b"\n") && !line.ends_with(b"\r\n");
        let line = without_line_end(line);
        if line.is_empty() {
            ended = true;
            break;
        }
        match &mut open {
            Some(value) if matches!(line[0], b' ' | b'\t') => {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            _ => {
                close(open.replace(line.to_vec()), &mut headers, &mut defects);
            }
        }
        if headers.len() > MAX_HEADERS {
            break;
        }
    }
    close(open, &mut headers, &mut defects);
    if bare_line_feed {
        defects.push(check::note(DefectKind::BareLineFeed, None, "RFC 3261 7"));
    }
    if !ended {
        defects.push(check::note(DefectKind::NoEmptyLine, None, "RFC 3261 7"));
    }
    (headers.into(), lines.rest, defects)
}

/// Takes an unfolded line apart.
fn close(line: Option<Vec<u8>>, headers: &mut Vec<Header>, defects: &mut Vec<Defect>) {
    let Some(mut line) = line else { return };
    let bare_return = line.contains(&b'\r');
    for byte in &mut line {
        if *byte == b'\r' {
            *byte = b' ';
        }
    }
    let split = line.iter().position(|&b| b == b':').and_then(|colon| {
        let name = std::str::from_utf8(&line[..colon])
            .ok()?
            .trim_end_matches(lexer::is_lws);
        lexer::is_token(name).then_some((HeaderName::new(name), colon))
    });
    let Some((name, colon)) = split else {
        let shown: String = lossy(&line).chars().take(64).collect();
        defects.push(check::note(
            DefectKind::UnreadableLine,
            Some(shown),
            "RFC 3261 7.3.1",
        ));
        return;
    };
    let long_name = Some(name.to_string());
    if bare_return {
        let kind = DefectKind::BareCarriageReturn;
        defects.push(check::note(kind, long_name.clone(), "RFC 3261 7.3.1"));
    }
    let value = trim_lws(&line[colon + 1..]);
    if !is_safe_value(value) {
        let kind = DefectKind::ControlCharacter;
        defects.push(check::faulty(kind, long_name, "RFC 3261 25.1"));
    }
    headers.push(Header::from_bytes(name, value));
}

fn trim_lws(bytes: &[u8]) -> &[u8] {
    let lws = |b: &u8| matches!(b, b' ' | b'\t');
    let begin = bytes.iter().position(|b| !lws(b)).unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|b| !lws(b))
        .map_or(begin, |at| at + 1);
    &bytes[begin..end]
}

/// The body as Content-Length says, or all there is where it says nothing that can be true.
fn cut_body<'a>(headers: &Headers, rest: &'a [u8], defects: &mut Vec<Defect>) -> &'a [u8] {
    let name = HeaderName::CONTENT_LENGTH;
    let in_length = |kind, build: fn(_, _, _) -> Defect, section| {
        build(kind, Some(HeaderName::CONTENT_LENGTH.to_string()), section)
    };
    let mut length = None;
    for value in headers.get_all(&name) {
        let Some(this) = lexer::digits(value) else {
            let kind = DefectKind::MalformedValue;
            defects.push(in_length(kind, check::faulty, name.section()));
            return rest;
        };
        match length {
            Some(first) if first != this => {
                let kind = DefectKind::ConflictingHeaders;
                defects.push(in_length(kind, check::faulty, name.section()));
                return rest;
            }
            Some(_) => {
                let kind = DefectKind::RepeatedHeader;
                defects.push(in_length(kind, check::note, name.section()));
            }
            None => length = Some(this),
        }
    }
    let Some(length) = length else { return rest };
    match usize::try_from(length) {
        Ok(length) if length == rest.len() => rest,
        Ok(length) if length < rest.len() => {
            defects.push(in_length(
                DefectKind::BytesAfterBody,
                check::note,
                "RFC 3261 18.3",
            ));
            &rest[..length]
        }
        Ok(_) | Err(_) => {
            defects.push(in_length(
                DefectKind::BodyTooShort,
                check::faulty,
                "RFC 3261 18.3",
            ));
            rest
        }
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
