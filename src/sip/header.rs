//! Headers: kept in order as they came, read into types on demand.

use std::borrow::Cow;

use super::digest::Challenge;
use super::header_name::HeaderName;
use super::lexer;
use super::name_addr::NameAddr;
use super::params::Params;
use super::via::Via;
use super::vocabulary::{Method, is_method_token};

/// One header line, unfolded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: HeaderName,
    text: String,
    /// The value as it came, when it is not UTF-8.
    raw: Option<Vec<u8>>,
}

impl Header {
    /// A header with a text value.
    pub fn new(name: impl Into<HeaderName>, value: impl Into<String>) -> Header {
        Header {
            name: name.into(),
            text: value.into(),
            raw: None,
        }
    }

    /// A header whose value may be anything.
    pub fn from_bytes(name: impl Into<HeaderName>, value: impl Into<Vec<u8>>) -> Header {
        let name = name.into();
        match String::from_utf8(value.into()) {
            Ok(text) => Header {
                name,
                text,
                raw: None,
            },
            Err(error) => {
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                Header {
                    name,
                    text,
                    raw: Some(error.into_bytes()),
                }
            }
        }
    }

    /// The value as text, trimmed; bytes that are not UTF-8 show as U+FFFD.
    #[must_use]
    pub fn text(&self) -> &str {
        lexer::trim(&self.text)
    }

    /// The value as it is written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.text.as_bytes())
    }

    /// The same header with more text behind its value.
    pub(super) fn followed_by(&self, tail: &str) -> Header {
        let mut value = self.bytes().to_vec();
        value.extend_from_slice(tail.as_bytes());
        Header::from_bytes(self.name.clone(), value)
    }
}

/// The headers of a message, in order.
///
/// The raw side adds and looks up by name. The typed side reads a header when it is asked for:
/// an error means that it is missing or unreadable, never that the message is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<Header>);

/// Sequence number and method (RFC 3261 section 20.16).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// 0 to 2³²−1; what is sent stays below 2³¹ (section 8.1.1.5).
    pub seq: u32,
    /// The request's method, also in its responses.
    pub method: Method,
}

impl std::fmt::Display for CSeq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.seq, self.method)
    }
}

/// The values of Contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts {
    /// `*`: every binding of the address of record (RFC 3261 section 10.2.2).
    Star,
    /// All contacts of all Contact headers, in order; empty when there are none.
    List(Vec<NameAddr>),
}

/// `type/subtype;params`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// In lower case: `application`.
    pub kind: String,
    /// In lower case: `sdp`.
    pub subtype: String,
    /// `boundary`, `charset` and others.
    pub params: Params,
}

impl MediaType {
    /// Whether it is `kind/subtype`, whatever its parameters.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }
}

/// Why a header could not be read into its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// It is not there.
    #[error("no {name} header")]
    Missing {
        /// Which one.
        name: HeaderName,
    },
    /// It is there and does not follow its grammar.
    #[error("{name} cannot be read ({section})")]
    Malformed {
        /// Which one.
        name: HeaderName,
        /// Where its grammar is: `RFC 3261 20.42`.
        section: &'static str,
    },
    /// Its number is larger than allowed.
    #[error("{name} is out of range ({section})")]
    OutOfRange {
        /// Which one.
        name: HeaderName,
        /// Where its range is.
        section: &'static str,
    },
}

impl HeaderError {
    /// The header that was asked for.
    #[must_use]
    pub const fn name(&self) -> &HeaderName {
        match self {
            HeaderError::Missing { name }
            | HeaderError::Malformed { name, .. }
            | HeaderError::OutOfRange { name, .. } => name,
        }
    }

    pub(super) fn malformed(name: &HeaderName) -> HeaderError {
        HeaderError::Malformed {
            name: name.clone(),
            section: name.section(),
        }
    }

    fn missing(name: &HeaderName) -> HeaderError {
        HeaderError::Missing { name: name.clone() }
    }

    fn out_of_range(name: &HeaderName) -> HeaderError {
        HeaderError::OutOfRange {
            name: name.clone(),
            section: name.section(),
        }
    }
}

/// The raw side.
impl Headers {
    /// No headers.
    #[must_use]
    pub const fn new() -> Headers {
        Headers(Vec::new())
    }

    /// Appends.
    pub fn push(&mut self, name: impl Into<HeaderName>, value: impl Into<String>) {
        self.0.push(Header::new(name, value));
    }

    /// Appends a header as it is.
    pub fn push_header(&mut self, header: Header) {
        self.0.push(header);
    }

    /// Puts in front of all others.
    pub fn push_front(&mut self, name: impl Into<HeaderName>, value: impl Into<String>) {
        self.0.insert(0, Header::new(name, value));
    }

    /// Replaces all headers of that name by one, at the place of the first, or appends.
    pub fn set(&mut self, name: impl Into<HeaderName>, value: impl Into<String>) {
        let header = Header::new(name, value);
        match self.position(&header.name) {
            Some(at) => {
                let name = header.name.clone();
                self.0[at] = header;
                let mut index = 0;
                self.0.retain(|header| {
                    index += 1;
                    index <= at + 1 || header.name != name
                });
            }
            None => self.0.push(header),
        }
    }

    /// Removes all headers of that name; tells how many there were.
    pub fn remove(&mut self, name: &HeaderName) -> usize {
        let before = self.0.len();
        self.0.retain(|header| header.name != *name);
        before - self.0.len()
    }

    /// The first value of that name, trimmed and unfolded.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.header(name).map(Header::text)
    }

    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&Header> {
        self.0.iter().find(|header| header.name == *name)
    }

    /// The values of all headers of that name. Comma lists are not split.
    pub fn get_all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = name.clone();
        self.0
            .iter()
            .filter(move |header| header.name == name)
            .map(Header::text)
    }

    /// Whether there is one of that name.
    #[must_use]
    pub fn has(&self, name: &HeaderName) -> bool {
        self.header(name).is_some()
    }

    /// All headers, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.0.iter()
    }

    /// How many header lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, name: &HeaderName) -> Option<usize> {
        self.0.iter().position(|header| header.name == *name)
    }

    fn required(&self, name: &HeaderName) -> Result<&str, HeaderError> {
        self.get(name).ok_or_else(|| HeaderError::missing(name))
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = std::slice::Iter<'a, Header>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The typed side.
impl Headers {
    /// All Vias, the topmost first.
    ///
    /// # Errors
    /// One of them cannot be read. None at all is an empty list.
    pub fn vias(&self) -> Result<Vec<Via>, HeaderError> {
        self.list(&HeaderName::VIA)
    }

    /// The topmost Via.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn top_via(&self) -> Result<Via, HeaderError> {
        let first = lexer::split_list(self.required(&HeaderName::VIA)?)[0];
        first
            .parse()
            .map_err(|_| HeaderError::malformed(&HeaderName::VIA))
    }

    /// Puts a Via over all others.
    pub fn push_top_via(&mut self, via: &Via) {
        let at = self.position(&HeaderName::VIA).unwrap_or(0);
        self.0
            .insert(at, Header::new(HeaderName::VIA, via.to_string()));
    }

    /// Replaces the topmost Via and leaves those below as they came; adds it when there is none.
    pub fn replace_top_via(&mut self, via: &Via) {
        self.take_top_via();
        self.push_top_via(via);
    }

    /// Takes the topmost Via away.
    ///
    /// # Errors
    /// There is none, or it cannot be read; then nothing is taken away.
    pub fn pop_top_via(&mut self) -> Result<Via, HeaderError> {
        let via = self.top_via()?;
        self.take_top_via();
        Ok(via)
    }

    fn take_top_via(&mut self) {
        let Some(at) = self.position(&HeaderName::VIA) else {
            return;
        };
        let below = lexer::split_list(self.0[at].text())[1..].join(", ");
        if below.is_empty() {
            self.0.remove(at);
        } else {
            self.0[at] = Header::new(HeaderName::VIA, below);
        }
    }

    /// Who sent the request.
    ///
    /// # Errors
    /// Missing or unreadable.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.name_addr(&HeaderName::FROM)
    }

    /// Whom the request is for.
    ///
    /// # Errors
    /// Missing or unreadable.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.name_addr(&HeaderName::TO)
    }

    /// A header that holds one name with address: Refer-To, Referred-By, Reply-To.
    ///
    /// # Errors
    /// Missing or unreadable.
    pub fn name_addr(&self, name: &HeaderName) -> Result<NameAddr, HeaderError> {
        self.required(name)?
            .parse()
            .map_err(|_| HeaderError::malformed(name))
    }

    /// The call's name; compared byte by byte (RFC 3261 section 20.8).
    ///
    /// # Errors
    /// Missing, empty, or with white space in it.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        let value = self.required(&HeaderName::CALL_ID)?;
        if value.is_empty() || value.contains(lexer::is_lws) {
            return Err(HeaderError::malformed(&HeaderName::CALL_ID));
        }
        Ok(value)
    }

    /// Sequence number and method.
    ///
    /// # Errors
    /// Missing, unreadable, or a number of 2³² and more.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        let name = &HeaderName::CSEQ;
        let value = self.required(name)?;
        let (seq, method) = value
            .split_once(lexer::is_lws)
            .ok_or_else(|| HeaderError::malformed(name))?;
        let seq = lexer::digits(seq).ok_or_else(|| HeaderError::malformed(name))?;
        let method = lexer::trim(method);
        if !is_method_token(method) {
            return Err(HeaderError::malformed(name));
        }
        let seq = u32::try_from(seq).map_err(|_| HeaderError::out_of_range(name))?;
        Ok(CSeq {
            seq,
            method: Method::from_token(method),
        })
    }

    /// How many hops are left.
    ///
    /// # Errors
    /// Unreadable, or above 255.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let name = &HeaderName::MAX_FORWARDS;
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let hops = lexer::digits(value).ok_or_else(|| HeaderError::malformed(name))?;
        u8::try_from(hops)
            .map(Some)
            .map_err(|_| HeaderError::out_of_range(name))
    }

    /// `Expires` in seconds, at most `u32::MAX`; `None` when missing or unreadable.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.seconds(&HeaderName::EXPIRES)
    }

    /// `Min-Expires` in seconds.
    #[must_use]
    pub fn min_expires(&self) -> Option<u32> {
        self.seconds(&HeaderName::MIN_EXPIRES)
    }

    /// `Retry-After` in seconds, without its comment and parameters.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.seconds(&HeaderName::RETRY_AFTER)
    }

    /// The leading number of a header in seconds, clamped to `u32::MAX`: also for Session-Expires
    /// and Min-SE.
    #[must_use]
    pub fn seconds(&self, name: &HeaderName) -> Option<u32> {
        let value = self.get(name)?;
        let end = value.find([';', '(', ' ', '\t']).unwrap_or(value.len());
        let seconds = lexer::digits(&value[..end])?;
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Length of the body in bytes. What the wire really held is decided by the parser.
    ///
    /// # Errors
    /// It is no number.
    pub fn content_length(&self) -> Result<Option<usize>, HeaderError> {
        let name = &HeaderName::CONTENT_LENGTH;
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let length = lexer::digits(value).ok_or_else(|| HeaderError::malformed(name))?;
        Ok(Some(usize::try_from(length).unwrap_or(usize::MAX)))
    }

    /// What the body is; `None` when missing or unreadable.
    #[must_use]
    pub fn content_type(&self) -> Option<MediaType> {
        let value = self.get(&HeaderName::CONTENT_TYPE)?;
        let (media, params) = value.split_at(value.find(';').unwrap_or(value.len()));
        let (kind, subtype) = media.split_once('/')?;
        let (kind, subtype) = (lexer::trim(kind), lexer::trim(subtype));
        if !lexer::is_token(kind) || !lexer::is_token(subtype) {
            return None;
        }
        Some(MediaType {
            kind: kind.to_ascii_lowercase(),
            subtype: subtype.to_ascii_lowercase(),
            params: Params::read_header(params)?.0,
        })
    }

    /// The contacts of all Contact headers.
    ///
    /// # Errors
    /// One cannot be read, or `*` stands beside others.
    pub fn contacts(&self) -> Result<Contacts, HeaderError> {
        let name = &HeaderName::CONTACT;
        let star = self
            .get_all(name)
            .flat_map(lexer::split_list)
            .any(|value| value == "*");
        if !star {
            return self.list(name).map(Contacts::List);
        }
        let values = self
            .get_all(name)
            .flat_map(lexer::split_list)
            .filter(|v| !v.is_empty());
        if values.count() == 1 {
            Ok(Contacts::Star)
        } else {
            Err(HeaderError::malformed(name))
        }
    }

    /// The Route headers, first hop first.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::ROUTE)
    }

    /// The Record-Route headers, in the order of the message.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::RECORD_ROUTE)
    }

    /// The Service-Route headers (RFC 3608).
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn service_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::SERVICE_ROUTE)
    }

    /// The Path headers (RFC 3327).
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn paths(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::PATH)
    }

    /// Any header that is a comma list of names with addresses: P-Asserted-Identity, Diversion.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn name_addrs(&self, name: &HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(name)
    }

    /// The elements of comma lists, of all headers of that name: Allow, Require, Supported.
    /// Empty ones are left out.
    #[must_use]
    pub fn tokens(&self, name: &HeaderName) -> Vec<String> {
        let values = self.get_all(name).flat_map(lexer::split_list);
        values
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Whether a comma list holds `token`, in any case: `Supported: 100rel`.
    #[must_use]
    pub fn has_token(&self, name: &HeaderName, token: &str) -> bool {
        self.get_all(name)
            .flat_map(lexer::split_list)
            .any(|v| v.eq_ignore_ascii_case(token))
    }

    /// The challenges of all WWW-Authenticate and Proxy-Authenticate headers, in order. Those
    /// that cannot be read are left out.
    #[must_use]
    pub fn challenges(&self) -> Vec<Challenge> {
        let challenging = |header: &&Header| {
            header.name == HeaderName::WWW_AUTHENTICATE
                || header.name == HeaderName::PROXY_AUTHENTICATE
        };
        let headers = self.0.iter().filter(challenging);
        headers
            .flat_map(|header| Challenge::read_all(&header.name, header.text()))
            .collect()
    }

    /// Every element of a comma list over all headers of that name.
    fn list<T: std::str::FromStr>(&self, name: &HeaderName) -> Result<Vec<T>, HeaderError> {
        let values = self.get_all(name).flat_map(lexer::split_list);
        // An empty element is tolerated: it is a defect, and says nothing.
        let values = values.filter(|value| !value.is_empty()).map(str::parse);
        values
            .collect::<Result<_, _>>()
            .map_err(|_| HeaderError::malformed(name))
    }
}

impl From<Vec<Header>> for Headers {
    fn from(headers: Vec<Header>) -> Headers {
        Headers(headers)
    }
}

/// Text that shows what came, for a person or a trace.
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
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

    #[test]
    fn several_vias_in_one_line_are_several() {
        let mut headers = headers(&[
            (
                "v",
                "SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b;branch=z9hG4bK2",
            ),
            ("Via", "SIP/2.0/UDP c"),
        ]);
        let hosts = |headers: &Headers| -> Vec<String> {
            headers
                .vias()
                .unwrap()
                .iter()
                .map(|via| via.sent_by.to_string())
                .collect()
        };
        assert_eq!(hosts(&headers), ["a", "b", "c"]);
        let mut top = headers.top_via().unwrap();
        top.params.set("received", Some("192.0.2.1"));
        headers.replace_top_via(&top);
        assert_eq!(hosts(&headers), ["a", "b", "c"]);
        assert_eq!(
            headers.top_via().unwrap().received(),
            "192.0.2.1".parse().ok()
        );
        assert_eq!(headers.pop_top_via().unwrap().sent_by.to_string(), "a");
        assert_eq!(headers.pop_top_via().unwrap().sent_by.to_string(), "b");
        assert_eq!(hosts(&headers), ["c"]);
        headers.push_top_via(&top);
        assert_eq!(hosts(&headers), ["a", "c"]);
    }

    #[test]
    fn two_contacts_in_one_header_are_two() {
        let headers = headers(&[("m", r#""a, b" <sip:a@h>;q=1, <sip:b@h;x=1,2>"#)]);
        let Contacts::List(contacts) = headers.contacts().unwrap() else {
            panic!("star")
        };
        assert_eq!(contacts.len(), 2);
        assert_eq!(contacts[1].uri.to_string(), "sip:b@h;x=1,2");
    }

    #[test]
    fn a_star_stands_alone() {
        assert_eq!(
            headers(&[("Contact", " * ")]).contacts(),
            Ok(Contacts::Star)
        );
        assert_eq!(headers(&[]).contacts(), Ok(Contacts::List(Vec::new())));
        assert!(headers(&[("Contact", "*, <sip:a@h>")]).contacts().is_err());
        assert!(
            headers(&[("Contact", "*"), ("m", "<sip:a@h>")])
                .contacts()
                .is_err()
        );
    }

    #[test]
    fn a_record_route_keeps_parameters_with_colons() {
        let headers = headers(&[("Record-Route", "<sip:p;lr;ftag=a:b>, <sip:q;lr>")]);
        let routes = headers.record_routes().unwrap();
        let uri = routes[0].uri.as_sip().unwrap();
        assert_eq!(uri.params.get("ftag"), Some("a:b"));
        assert_eq!(routes.len(), 2);
    }

    #[test]
    fn cseq_is_read_with_any_white_space_and_no_more_than_32_bits() {
        let cseq = |value: &str| headers(&[("cseq", value)]).cseq();
        assert_eq!(
            cseq("0009   INVITE"),
            Ok(CSeq {
                seq: 9,
                method: Method::Invite
            })
        );
        assert_eq!(cseq("4294967295 FOO").unwrap().seq, u32::MAX);
        let (name, section) = (HeaderName::CSEQ, "RFC 3261 20.16");
        assert_eq!(
            cseq("36893488147419103232 REGISTER"),
            Err(HeaderError::OutOfRange {
                name: name.clone(),
                section
            })
        );
        assert_eq!(
            cseq("x INVITE"),
            Err(HeaderError::Malformed {
                name: name.clone(),
                section
            })
        );
        assert_eq!(headers(&[]).cseq(), Err(HeaderError::Missing { name }));
    }

    #[test]
    fn numbers_are_clamped_or_refused() {
        let headers = headers(&[
            ("Expires", "10000000000000000000000000"),
            ("Max-Forwards", "0068"),
            ("Retry-After", "18000;duration=3600"),
            ("Min-Expires", "60 (please)"),
            ("Content-Length", "-999"),
        ]);
        assert_eq!(headers.expires(), Some(u32::MAX));
        assert_eq!(headers.max_forwards(), Ok(Some(68)));
        assert_eq!(headers.retry_after(), Some(18000));
        assert_eq!(headers.min_expires(), Some(60));
        assert!(headers.content_length().is_err());
    }

    #[test]
    fn media_types_are_read_with_parameters() {
        let headers = headers(&[("c", r#"Multipart/Mixed; boundary="a;b""#)]);
        let media = headers.content_type().unwrap();
        assert!(media.is("multipart", "mixed"));
        assert_eq!(media.params.get("boundary"), Some("a;b"));
    }

    #[test]
    fn set_replaces_every_header_of_the_name_in_any_spelling() {
        let mut headers = headers(&[("s", "a"), ("To", "x"), ("SUBJECT", "b")]);
        headers.set("Subject", "c");
        let all: Vec<_> = headers
            .iter()
            .map(|h| (h.name.to_string(), h.text()))
            .collect();
        assert_eq!(all, [("Subject".to_owned(), "c"), ("To".to_owned(), "x")]);
        assert_eq!(headers.remove(&HeaderName::SUBJECT), 1);
        assert!(!headers.has(&HeaderName::SUBJECT));
    }

    #[test]
    fn a_comma_list_over_several_headers_is_one() {
        let headers = headers(&[("Allow", "INVITE, ACK,"), ("allow", " BYE")]);
        assert_eq!(headers.tokens(&HeaderName::ALLOW), ["INVITE", "ACK", "BYE"]);
        assert!(headers.has_token(&HeaderName::ALLOW, "bye"));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_kept() {
        let header = Header::from_bytes("Subject", b"caf\xe9".to_vec());
        assert_eq!(header.text(), "caf\u{fffd}");
        assert_eq!(header.bytes(), b"caf\xe9");
        assert_eq!(header.followed_by(";x").bytes(), b"caf\xe9;x");
    }
}
