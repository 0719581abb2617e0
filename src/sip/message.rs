//! Requests and responses, and how they are written (RFC 3261 section 7).

use super::header::{Header, Headers, lossy};
use super::header_name::HeaderName;
use super::lexer;
use super::uri::Uri;
use super::vocabulary::{Method, StatusCode, is_method_token};

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// In order.
    pub headers: Headers,
    /// Any bytes.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 100 to 699.
    pub status: StatusCode,
    /// As it came, or as it will be written; may be empty.
    pub reason: String,
    /// In order.
    pub headers: Headers,
    /// Any bytes.
    pub body: Vec<u8>,
}

/// One or the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// Why a message cannot be written: it would be read as something else than what was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The method is no token.
    #[error("the method is not a token")]
    Method,
    /// The Request-URI holds white space or a control character.
    #[error("the Request-URI holds a space or control character")]
    Uri,
    /// The reason phrase holds a line break or NUL.
    #[error("the reason phrase holds a line break or NUL")]
    Reason,
    /// A header's name is no token.
    #[error("a header name is not a token")]
    HeaderName,
    /// A header's value holds a line break, or a NUL outside the escapes of a quoted string.
    #[error("{name} holds a line break or NUL")]
    HeaderValue {
        /// Which header.
        name: HeaderName,
    },
}

impl Request {
    /// A request without headers.
    #[must_use]
    pub fn new(method: Method, uri: impl Into<Uri>) -> Request {
        Request {
            method,
            uri: uri.into(),
            headers: Headers::new(),
            body: Vec::new(),
        }
    }

    /// The skeleton of a response (RFC 3261 section 8.2.6): Via, From, To, Call-ID and CSeq as
    /// they came, To with `to_tag` when it has none and the status is not 100; Timestamp for
    /// 100; the Record-Routes for 101 to 299 to a request that makes a dialog (section 12.1.1).
    #[must_use]
    pub fn response(&self, status: StatusCode, to_tag: Option<&str>) -> Response {
        let mut response = Response::new(status);
        response.headers = response_headers(&self.headers, status, to_tag);
        let in_dialog = status.code() > 100 && status.code() < 300;
        if in_dialog && self.method.forms_dialog() {
            copy_all(
                &self.headers,
                &HeaderName::RECORD_ROUTE,
                &mut response.headers,
            );
        }
        response
    }

    /// Gives it a body of that type; an empty one is none.
    pub fn set_body(&mut self, content_type: &str, body: Vec<u8>) {
        set_body(&mut self.headers, content_type, &body);
        self.body = body;
    }

    /// The bytes to send. Content-Length is always that of the body, at the place where one
    /// stood, or last.
    ///
    /// # Errors
    /// Something in it would break the message apart: a line break in a value above all.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        if !is_method_token(self.method.as_str()) {
            return Err(WriteError::Method);
        }
        let uri = self.uri.to_string();
        if uri.is_empty() || uri.chars().any(|c| c.is_ascii_control() || c == ' ') {
            return Err(WriteError::Uri);
        }
        let start_line = format!("{} {uri} SIP/2.0", self.method);
        write(&start_line, &self.headers, &self.body)
    }
}

impl Response {
    /// A response with the usual reason phrase and no headers.
    #[must_use]
    pub fn new(status: StatusCode) -> Response {
        Response {
            status,
            reason: status.default_reason().to_owned(),
            headers: Headers::new(),
            body: Vec::new(),
        }
    }

    /// Gives it a body of that type; an empty one is none.
    pub fn set_body(&mut self, content_type: &str, body: Vec<u8>) {
        set_body(&mut self.headers, content_type, &body);
        self.body = body;
    }

    /// The bytes to send, as [`Request::to_bytes`].
    ///
    /// # Errors
    /// As there.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        if self.reason.contains(['\r', '\n', '\0']) {
            return Err(WriteError::Reason);
        }
        let start_line = format!("SIP/2.0 {} {}", self.status, self.reason);
        write(&start_line, &self.headers, &self.body)
    }
}

impl Message {
    /// Its headers.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        match self {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        }
    }

    /// Its headers, to change them.
    #[must_use]
    pub const fn headers_mut(&mut self) -> &mut Headers {
        match self {
            Message::Request(request) => &mut request.headers,
            Message::Response(response) => &mut response.headers,
        }
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        match self {
            Message::Request(request) => &request.body,
            Message::Response(response) => &response.body,
        }
    }

    /// Whether it is a request.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        matches!(self, Message::Request(_))
    }

    /// The bytes to send, as [`Request::to_bytes`].
    ///
    /// # Errors
    /// As there.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        match self {
            Message::Request(request) => request.to_bytes(),
            Message::Response(response) => response.to_bytes(),
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Message {
        Message::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Message {
        Message::Response(response)
    }
}

/// What every response copies from its request. Headers that are missing stay missing: also a
/// request that could not be read to its end is answered with what it had.
pub(super) fn response_headers(
    request: &Headers,
    status: StatusCode,
    to_tag: Option<&str>,
) -> Headers {
    let mut headers = Headers::new();
    copy_all(request, &HeaderName::VIA, &mut headers);
    copy_first(request, &HeaderName::FROM, &mut headers);
    if let Some(to) = request.header(&HeaderName::TO) {
        // An unreadable To gets no tag: it could end inside a quote.
        let untagged = request.to().is_ok_and(|to| to.tag().is_none());
        match to_tag {
            Some(tag) if untagged && status != StatusCode::TRYING => {
                headers.push_header(to.followed_by(&format!(";tag={tag}")));
            }
            Some(_) | None => headers.push_header(to.clone()),
        }
    }
    copy_first(request, &HeaderName::CALL_ID, &mut headers);
    copy_first(request, &HeaderName::CSEQ, &mut headers);
    if status == StatusCode::TRYING {
        copy_first(request, &HeaderName::TIMESTAMP, &mut headers);
    }
    headers
}

fn copy_first(from: &Headers, name: &HeaderName, into: &mut Headers) {
    if let Some(header) = from.header(name) {
        into.push_header(header.clone());
    }
}

fn copy_all(from: &Headers, name: &HeaderName, into: &mut Headers) {
    for header in from.iter().filter(|header| header.name == *name) {
        into.push_header(header.clone());
    }
}

fn set_body(headers: &mut Headers, content_type: &str, body: &[u8]) {
    if body.is_empty() {
        headers.remove(&HeaderName::CONTENT_TYPE);
    } else {
        headers.set(HeaderName::CONTENT_TYPE, content_type);
    }
}

fn write(start_line: &str, headers: &Headers, body: &[u8]) -> Result<Vec<u8>, WriteError> {
    let values: usize = headers.iter().map(|header| header.bytes().len() + 32).sum();
    let mut bytes = Vec::with_capacity(start_line.len() + values + body.len() + 32);
    bytes.extend_from_slice(start_line.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    let mut length_written = false;
    for header in headers {
        if header.name == HeaderName::CONTENT_LENGTH {
            if !length_written {
                write_length(&mut bytes, body.len());
            }
            length_written = true;
            continue;
        }
        write_header(&mut bytes, header)?;
    }
    if !length_written {
        write_length(&mut bytes, body.len());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    Ok(bytes)
}

fn write_length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
}

fn write_header(bytes: &mut Vec<u8>, header: &Header) -> Result<(), WriteError> {
    if !header.name.is_token() {
        return Err(WriteError::HeaderName);
    }
    if !is_safe_value(header.bytes()) {
        return Err(WriteError::HeaderValue {
            name: header.name.clone(),
        });
    }
    bytes.extend_from_slice(header.name.as_str().as_bytes());
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(header.bytes());
    bytes.extend_from_slice(b"\r\n");
    Ok(())
}

/// Whether a value stays the value of one header: no line break anywhere, and NUL only where RFC
/// 3261 section 25.1 allows it, behind a backslash in a quoted string.
pub(super) fn is_safe_value(value: &[u8]) -> bool {
    if value.contains(&b'\r') || value.contains(&b'\n') {
        return false;
    }
    if !value.contains(&0) {
        return true;
    }
    let text = lossy(value);
    let mut rest: &str = &text;
    while let Some(nul) = rest.find('\0') {
        let Some(quote) = rest.find('"').filter(|quote| *quote < nul) else {
            return false;
        };
        let Some((content, tail)) = lexer::quoted_string(&rest[quote..]) else {
            return false;
        };
        let inside = &rest[quote..rest.len() - tail.len()];
        let escaped = inside.matches("\\\0").count();
        if content.matches('\0').count() != escaped {
            return false;
        }
        rest = tail;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let mut request = Request::new(Method::Invite, "sip:b@h".parse::<Uri>().unwrap());
        request.headers.push("Via", "SIP/2.0/UDP h;branch=z9hG4bK1");
        request.headers.push("Via", "SIP/2.0/UDP g;branch=z9hG4bK2");
        request.headers.push("From", "<sip:a@h>;tag=1");
        request.headers.push("To", "<sip:b@h>");
        request.headers.push("Call-ID", "c");
        request.headers.push("CSeq", "7 INVITE");
        request.headers.push("Timestamp", "54");
        request.headers.push("Record-Route", "<sip:p;lr>");
        request
    }

    #[test]
    fn content_length_is_always_that_of_the_body() {
        let mut message = request();
        message.headers.push("l", "99");
        message.headers.push("Content-Length", "98");
        message.headers.push("Subject", "x");
        message.set_body("text/plain", b"abc".to_vec());
        let text = String::from_utf8(message.to_bytes().unwrap()).unwrap();
        assert!(
            text.ends_with(
                "Content-Length: 3\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\nabc"
            ),
            "{text}"
        );
        assert_eq!(text.matches("Content-Length").count(), 1);
        assert!(
            text.starts_with("INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n")
        );
    }

    #[test]
    fn a_line_break_never_gets_out() {
        for value in ["a\r\nEvil: 1", "a\nb", "a\rb", "a\0b", "\"a\0b\""] {
            let mut message = request();
            message.headers.push("Subject", value);
            let name = HeaderName::SUBJECT;
            assert_eq!(
                message.to_bytes(),
                Err(WriteError::HeaderValue { name }),
                "{value:?}"
            );
        }
        let mut message = request();
        message.headers.push("Evil: 1\r\nX", "a");
        assert_eq!(message.to_bytes(), Err(WriteError::HeaderName));
        let mut message = request();
        message.method = Method::Other("INVITE sip:x SIP/2.0\r\nX:".to_owned());
        assert_eq!(message.to_bytes(), Err(WriteError::Method));
        let mut response = request().response(StatusCode::OK, None);
        response.reason = "OK\r\nEvil: 1".to_owned();
        assert_eq!(response.to_bytes(), Err(WriteError::Reason));
        let mut message = request();
        let uri = super::super::OtherUri {
            scheme: "x".to_owned(),
            rest: "a b".to_owned(),
        };
        message.uri = Uri::Other(uri);
        assert_eq!(message.to_bytes(), Err(WriteError::Uri));
    }

    #[test]
    fn an_escaped_nul_in_a_quoted_string_is_allowed() {
        let mut message = request();
        message
            .headers
            .set("To", "\"BEL:\\\x07 NUL:\\\0\" <sip:b@h>");
        assert!(message.to_bytes().is_ok());
    }

    #[test]
    fn a_response_copies_what_it_must() {
        let request = request();
        let names = |response: &Response| -> Vec<String> {
            response
                .headers
                .iter()
                .map(|header| header.name.to_string())
                .collect()
        };
        let trying = request.response(StatusCode::TRYING, Some("t"));
        assert_eq!(
            names(&trying),
            ["Via", "Via", "From", "To", "Call-ID", "CSeq", "Timestamp"]
        );
        assert_eq!(trying.headers.to().unwrap().tag(), None);
        let ok = request.response(StatusCode::OK, Some("t"));
        assert_eq!(
            names(&ok),
            [
                "Via",
                "Via",
                "From",
                "To",
                "Call-ID",
                "CSeq",
                "Record-Route"
            ]
        );
        assert_eq!(ok.headers.to().unwrap().tag(), Some("t"));
        let busy = request.response(StatusCode::BUSY_HERE, Some("t"));
        assert_eq!(
            names(&busy),
            ["Via", "Via", "From", "To", "Call-ID", "CSeq"]
        );
    }

    #[test]
    fn a_to_tag_that_is_there_stays() {
        let mut request = request();
        request.headers.set("To", "<sip:b@h>;tag=theirs");
        let response = request.response(StatusCode::OK, Some("ours"));
        assert_eq!(
            response.headers.get(&HeaderName::TO),
            Some("<sip:b@h>;tag=theirs")
        );
    }

    #[test]
    fn reason_phrases_are_written_as_they_are() {
        let mut response = request().response(StatusCode::TEMPORARILY_UNAVAILABLE, None);
        response.reason = "Gone fishing".to_owned();
        let bytes = response.to_bytes().unwrap();
        assert!(bytes.starts_with(b"SIP/2.0 480 Gone fishing\r\n"));
    }
}
