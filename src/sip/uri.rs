//! URIs: `sip:` and `sips:` (RFC 3261 section 19.1), `tel:` (RFC 3966), and any other.

use std::fmt;
use std::str::FromStr;

use super::host::{Host, HostError, HostPort};
use super::lexer;
use super::params::Params;
use super::vocabulary::Transport;

/// A URI of any scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uri {
    /// `sip:` or `sips:`.
    Sip(SipUri),
    /// `tel:`.
    Tel(TelUri),
    /// Any other scheme; a request for it is answered 416.
    Other(OtherUri),
}

/// `sip:user:password@host:port;params?headers`.
///
/// User, password, parameters and headers are kept as they came, escapes included: `*72%23` is
/// dialled as `*72%23`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipUri {
    /// `sips:`.
    pub secure: bool,
    /// As it came, still escaped. May hold `;` and `?`.
    pub user: Option<String>,
    /// As it came, still escaped. Its use is deprecated (RFC 3261 section 19.1.1).
    pub password: Option<String>,
    /// Where to.
    pub host_port: HostPort,
    /// What follows the host.
    pub params: Params,
    /// Names and values behind `?`, as they came, still escaped.
    pub headers: Vec<(String, String)>,
}

/// `tel:number;params`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelUri {
    /// As it came, visual separators included: `+1-555-0100`.
    pub number: String,
    /// What follows the number: `phone-context`, `ext`, `isub`.
    pub params: Params,
}

/// A URI of a scheme that is not taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherUri {
    /// As it came: `http`, `isbn`.
    pub scheme: String,
    /// What follows the colon.
    pub rest: String,
}

/// Why text is no URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// No `scheme:` in front: `alan@example.com`.
    #[error("no scheme")]
    Scheme,
    /// White space, a control character or a delimiter where none may be.
    #[error("a character that no URI has")]
    Character,
    /// The host is none.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A `tel:` number without a digit.
    #[error("no telephone number")]
    Number,
}

impl Uri {
    /// The SIP or SIPS URI, if it is one.
    #[must_use]
    pub const fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Uri::Sip(uri) => Some(uri),
            Uri::Tel(_) | Uri::Other(_) => None,
        }
    }

    /// Whether it asks for TLS all the way (RFC 3261 section 19.1).
    #[must_use]
    pub const fn is_sips(&self) -> bool {
        matches!(self, Uri::Sip(uri) if uri.secure)
    }

    /// `sip`, `sips`, `tel`, or the other scheme as it came.
    #[must_use]
    pub fn scheme(&self) -> &str {
        match self {
            Uri::Sip(uri) if uri.secure => "sips",
            Uri::Sip(_) => "sip",
            Uri::Tel(_) => "tel",
            Uri::Other(uri) => &uri.scheme,
        }
    }

    /// Whom it names: the user of a SIP URI without escapes, the number of a `tel:`.
    #[must_use]
    pub fn user_unescaped(&self) -> Option<String> {
        match self {
            Uri::Sip(uri) => uri.user_unescaped(),
            Uri::Tel(uri) => Some(uri.number.clone()),
            Uri::Other(_) => None,
        }
    }

    /// Equal by the rules of the scheme: RFC 3261 section 19.1.4, RFC 3966 section 4; other
    /// schemes by their text.
    #[must_use]
    pub fn equivalent(&self, other: &Uri) -> bool {
        match (self, other) {
            (Uri::Sip(a), Uri::Sip(b)) => a.equivalent(b),
            (Uri::Tel(a), Uri::Tel(b)) => a.equivalent(b),
            (Uri::Other(a), Uri::Other(b)) => {
                a.scheme.eq_ignore_ascii_case(&b.scheme) && a.rest == b.rest
            }
            (Uri::Sip(_) | Uri::Tel(_) | Uri::Other(_), _) => false,
        }
    }
}

impl SipUri {
    /// A `sip:` URI. `user` is plain text: what may not stand in one is escaped.
    #[must_use]
    pub fn new(user: Option<&str>, host_port: HostPort) -> SipUri {
        SipUri {
            secure: false,
            user: user.map(|user| lexer::percent_encode(user, is_user_char)),
            password: None,
            host_port,
            params: Params::new(),
            headers: Vec::new(),
        }
    }

    /// The user without escapes; bytes that are not UTF-8 show as U+FFFD.
    #[must_use]
    pub fn user_unescaped(&self) -> Option<String> {
        self.user
            .as_deref()
            .map(|user| lexer::percent_decode(user).into_owned())
    }

    /// The `transport` parameter, when it names one that is spoken here.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.params.get("transport")?.parse().ok()
    }

    /// Whether `lr` is there: a proxy of RFC 3261 (section 16.12), not of RFC 2543.
    #[must_use]
    pub fn is_loose_router(&self) -> bool {
        self.params.has("lr")
    }

    /// The `maddr` parameter: where to send instead of the host.
    #[must_use]
    pub fn maddr(&self) -> Option<Host> {
        self.params.get("maddr").and_then(read_address_param)
    }

    /// Without what is behind `?`.
    #[must_use]
    pub fn without_headers(&self) -> SipUri {
        SipUri {
            headers: Vec::new(),
            ..self.clone()
        }
    }

    /// As it may stand in a Request-URI: no headers and no `method` (RFC 3261 section 19.1.1,
    /// table 1).
    #[must_use]
    pub fn for_request_uri(&self) -> SipUri {
        let mut uri = self.without_headers();
        uri.params.remove("method");
        uri
    }

    /// The header behind `?` of that name, without escapes: `Replaces` of a transfer target.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(have, _)| lexer::percent_decode(have).eq_ignore_ascii_case(name))
            .map(|(_, value)| lexer::percent_decode(value).into_owned())
    }

    /// Adds a header behind `?`, escaping what may not stand there.
    pub fn push_header(&mut self, name: &str, value: &str) {
        let escape = |text: &str| lexer::percent_encode(text, is_header_char);
        self.headers.push((escape(name), escape(value)));
    }

    /// Equal by RFC 3261 section 19.1.4. A port or one of `user`, `ttl`, `method`, `maddr`,
    /// `transport` that only one of them has makes them different, even when it says the default.
    #[must_use]
    pub fn equivalent(&self, other: &SipUri) -> bool {
        let same_text = |a: &Option<String>, b: &Option<String>| {
            a.as_deref().map(comparable) == b.as_deref().map(comparable)
        };
        self.secure == other.secure
            && same_text(&self.user, &other.user)
            && same_text(&self.password, &other.password)
            && self.host_port == other.host_port
            && self.params_agree_with(other)
            && other.params_agree_with(self)
            && self.headers_are_among(other)
            && other.headers_are_among(self)
    }

    fn params_agree_with(&self, other: &SipUri) -> bool {
        self.params.iter().all(|(name, value)| {
            let name = comparable(name);
            let theirs = other
                .params
                .iter()
                .find(|(n, _)| comparable(n).eq_ignore_ascii_case(&name));
            match theirs {
                Some((_, theirs)) => comparable(value.unwrap_or(""))
                    .eq_ignore_ascii_case(&comparable(theirs.unwrap_or(""))),
                None => !MUST_MATCH
                    .iter()
                    .any(|must| must.eq_ignore_ascii_case(&name)),
            }
        })
    }

    fn headers_are_among(&self, other: &SipUri) -> bool {
        self.headers.len() == other.headers.len()
            && self.headers.iter().all(|(name, value)| {
                other.headers.iter().any(|(n, v)| {
                    comparable(n).eq_ignore_ascii_case(&comparable(name))
                        && comparable(v) == comparable(value)
                })
            })
    }
}

/// Parameters that must be in both URIs or in none.
const MUST_MATCH: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

impl TelUri {
    /// Equal by RFC 3966 section 4: without visual separators and case, parameters in any order.
    #[must_use]
    pub fn equivalent(&self, other: &TelUri) -> bool {
        let digits = |number: &str| {
            let bare = number
                .chars()
                .filter(|c| !matches!(c, '-' | '.' | '(' | ')'));
            bare.map(|c| c.to_ascii_lowercase()).collect::<String>()
        };
        let params_are_among = |a: &Params, b: &Params| {
            a.iter().all(|(name, value)| {
                b.get(name)
                    .is_some_and(|v| v.eq_ignore_ascii_case(value.unwrap_or("")))
            })
        };
        digits(&self.number) == digits(&other.number)
            && params_are_among(&self.params, &other.params)
            && params_are_among(&other.params, &self.params)
    }
}

/// A host in a parameter; IPv6 is taken with and without brackets (RFC 5118 section 4.5).
pub(super) fn read_address_param(value: &str) -> Option<Host> {
    value
        .parse()
        .ok()
        .or_else(|| value.parse().ok().map(Host::Ip))
}

/// Text under the equality of section 19.1.4: a character outside the reserved set is the same as
/// its escape, and the digits of an escape have no case.
fn comparable(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match lexer::escape_at(rest) {
            Some(byte) => {
                if b";/?:@&=+$,%".contains(&byte) {
                    bytes.extend_from_slice(format!("%{byte:02X}").as_bytes());
                } else {
                    bytes.push(byte);
                }
                rest = &rest[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `unreserved` and `user-unreserved` of RFC 3261 section 25.1.
fn is_user_char(c: char) -> bool {
    is_unreserved(c) || matches!(c, '&' | '=' | '+' | '$' | ',' | ';' | '?' | '/')
}

/// `unreserved` and `hnv-unreserved`.
fn is_header_char(c: char) -> bool {
    is_unreserved(c) || matches!(c, '[' | ']' | '/' | '?' | ':' | '+' | '$')
}

fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '!' | '~' | '*' | '\'' | '(' | ')')
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Uri, UriError> {
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        let scheme_char = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            || !scheme.bytes().all(scheme_char)
        {
            return Err(UriError::Scheme);
        }
        let forbidden = |c: char| c.is_ascii_control() || matches!(c, ' ' | '<' | '>' | '"');
        if rest.chars().any(forbidden) {
            return Err(UriError::Character);
        }
        if scheme.eq_ignore_ascii_case("sip") {
            read_sip(false, rest).map(Uri::Sip)
        } else if scheme.eq_ignore_ascii_case("sips") {
            read_sip(true, rest).map(Uri::Sip)
        } else if scheme.eq_ignore_ascii_case("tel") {
            read_tel(rest).map(Uri::Tel)
        } else {
            Ok(Uri::Other(OtherUri {
                scheme: scheme.to_owned(),
                rest: rest.to_owned(),
            }))
        }
    }
}

impl FromStr for SipUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<SipUri, UriError> {
        match text.parse()? {
            Uri::Sip(uri) => Ok(uri),
            Uri::Tel(_) | Uri::Other(_) => Err(UriError::Scheme),
        }
    }
}

fn read_sip(secure: bool, text: &str) -> Result<SipUri, UriError> {
    let (userinfo, rest) = split_userinfo(text);
    let (user, password) = match userinfo {
        Some(userinfo) => match userinfo.split_once(':') {
            Some((user, password)) => (Some(user.to_owned()), Some(password.to_owned())),
            None => (Some(userinfo.to_owned()), None),
        },
        None => (None, None),
    };
    let (rest, headers) = match rest.split_once('?') {
        Some((rest, headers)) => (rest, headers),
        None => (rest, ""),
    };
    let (host_port, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
    let headers = headers.split('&').filter(|header| !header.is_empty());
    Ok(SipUri {
        secure,
        user,
        password,
        host_port: host_port.parse()?,
        params: Params::read_uri(params),
        headers: headers
            .map(|header| header.split_once('=').unwrap_or((header, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    })
}

/// The user part may hold `;` and `?`, so the `@` is looked for first. A second `@` before the
/// parameters belongs to the user, whose phone forgot to escape it.
fn split_userinfo(text: &str) -> (Option<&str>, &str) {
    let Some(mut at) = text.find('@') else {
        return (None, text);
    };
    loop {
        let rest = &text[at + 1..];
        let host_end = rest.find([';', '?']).unwrap_or(rest.len());
        match rest[..host_end].find('@') {
            Some(next) => at += 1 + next,
            None => return (Some(&text[..at]), rest),
        }
    }
}

fn read_tel(text: &str) -> Result<TelUri, UriError> {
    let (number, params) = text.split_at(text.find(';').unwrap_or(text.len()));
    let phone_char = |c: char| {
        c.is_ascii_hexdigit() || matches!(c, '+' | '*' | '#' | '-' | '.' | '(' | ')' | '%')
    };
    let dialled = |c: char| c.is_ascii_hexdigit() || matches!(c, '*' | '#');
    if !number.chars().all(phone_char) || !number.chars().any(dialled) {
        return Err(UriError::Number);
    }
    Ok(TelUri {
        number: number.to_owned(),
        params: Params::read_uri(params),
    })
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uri::Sip(uri) => uri.fmt(f),
            Uri::Tel(uri) => uri.fmt(f),
            Uri::Other(uri) => write!(f, "{}:{}", uri.scheme, uri.rest),
        }
    }
}

impl fmt::Display for SipUri {
    /// User, password and headers are written as they are held; only what would break the URI
    /// apart is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let harmless = |c: char| !c.is_ascii_control() && !matches!(c, ' ' | '<' | '>' | '"');
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            f.write_str(&lexer::percent_encode(user, |c| harmless(c) && c != ':'))?;
            if let Some(password) = &self.password {
                write!(f, ":{}", lexer::percent_encode(password, harmless))?;
            }
            f.write_str("@")?;
        }
        write!(f, "{}", self.host_port)?;
        self.params.write_uri(f, self.user.is_some())?;
        for (index, (name, value)) in self.headers.iter().enumerate() {
            let name = lexer::percent_encode(name, |c| harmless(c) && !matches!(c, '&' | '='));
            let value = lexer::percent_encode(value, |c| harmless(c) && c != '&');
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Display for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tel:{}", self.number)?;
        self.params.write_uri(f, true)
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Uri {
        Uri::Sip(uri)
    }
}

impl From<TelUri> for Uri {
    fn from(uri: TelUri) -> Uri {
        Uri::Tel(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sip(text: &str) -> SipUri {
        text.parse().unwrap()
    }

    /// Reads and writes again: the text must not change.
    fn same(text: &str) -> Uri {
        let uri: Uri = text.parse().unwrap();
        assert_eq!(uri.to_string(), text);
        uri
    }

    #[test]
    fn a_dot_does_not_cut_the_user() {
        let uri = same("sip:first.last@example.com");
        assert_eq!(uri.user_unescaped().as_deref(), Some("first.last"));
    }

    #[test]
    fn a_user_may_hold_semicolons_and_escaped_at_signs() {
        same("sip:user;par=u%40example.net@example.com");
        let uri = sip("sip:user;par=u%40example.net@example.com");
        assert_eq!(uri.user.as_deref(), Some("user;par=u%40example.net"));
        assert!(uri.params.is_empty());
    }

    #[test]
    fn a_user_may_hold_nearly_anything() {
        let text = "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:\
                    &it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com";
        same(text);
        let uri = sip(text);
        assert_eq!(
            uri.user.as_deref(),
            Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
        );
        assert_eq!(
            uri.password.as_deref(),
            Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
        );
    }

    #[test]
    fn ipv6_literals_are_hosts() {
        let uri = sip("sip:caller@[2001:db8::1]:5070;transport=tcp");
        assert_eq!(uri.host_port.host.to_string(), "[2001:db8::1]");
        assert_eq!(uri.host_port.port, Some(5070));
        assert_eq!(uri.transport(), Some(Transport::Tcp));
        assert_eq!(
            "sip:2001:db8::10".parse::<Uri>(),
            Err(UriError::Host(HostError::BareIpv6))
        );
    }

    #[test]
    fn a_telephone_number_is_no_host() {
        let Uri::Tel(tel) = same("tel:+1555") else {
            panic!("not a tel URI")
        };
        assert_eq!(tel.number, "+1555");
        let Uri::Tel(tel) = same("tel:7042;phone-context=example.com") else {
            panic!("no tel")
        };
        assert_eq!(tel.params.get("phone-context"), Some("example.com"));
        assert_eq!("tel:".parse::<Uri>(), Err(UriError::Number));
        assert_eq!("tel:john".parse::<Uri>(), Err(UriError::Number));
    }

    #[test]
    fn headers_behind_the_question_mark_are_kept() {
        same("sip:b@h?Replaces=x");
        let uri = sip("sip:b@h?Replaces=12%40h%3Bto-tag%3D1&Subject=a");
        assert_eq!(uri.header("replaces").as_deref(), Some("12@h;to-tag=1"));
        assert_eq!(uri.headers.len(), 2);
        assert_eq!(uri.for_request_uri().to_string(), "sip:b@h");
        let mut uri = sip("sip:b@h");
        uri.push_header("Replaces", "12@h;to-tag=1");
        assert_eq!(uri.to_string(), "sip:b@h?Replaces=12%40h%3Bto-tag%3D1");
    }

    #[test]
    fn parameters_are_not_cut_at_colons() {
        same("sip:a@h;gr=urn:uuid:f81d;lr;ftag=a:b");
        let uri = sip("sip:a@h;gr=urn:uuid:f81d;lr;ftag=a:b");
        assert_eq!(uri.params.get("gr"), Some("urn:uuid:f81d"));
        assert_eq!(uri.params.get("ftag"), Some("a:b"));
        assert!(uri.is_loose_router());
    }

    #[test]
    fn star_codes_stay_as_dialled() {
        let uri = same("sip:*72%23@example.com");
        assert_eq!(uri.user_unescaped().as_deref(), Some("*72#"));
        let host = "example.com".parse().unwrap();
        assert_eq!(
            SipUri::new(Some("*72#"), host).to_string(),
            "sip:*72%23@example.com"
        );
    }

    #[test]
    fn a_new_user_is_escaped() {
        let host: HostPort = "h".parse().unwrap();
        let uri = SipUri::new(Some("joão:a@b c"), host);
        assert_eq!(uri.to_string(), "sip:jo%C3%A3o%3Aa%40b%20c@h");
        assert_eq!(uri.user_unescaped().as_deref(), Some("joão:a@b c"));
    }

    #[test]
    fn a_new_parameter_cannot_break_out_of_the_uri() {
        let mut uri = sip("sip:a@h");
        uri.params.set("x", Some("1;lr>\r\n"));
        assert_eq!(uri.to_string(), "sip:a@h;x=1%3Blr%3E%0D%0A");
    }

    #[test]
    fn an_unescaped_at_sign_belongs_to_the_user() {
        assert_eq!(
            sip("sip:bob@corp@h;x=a@b").user.as_deref(),
            Some("bob@corp")
        );
        assert_eq!(sip("sip:bob@h;x=a@b").user.as_deref(), Some("bob"));
    }

    #[test]
    fn other_schemes_are_kept_and_no_scheme_is_refused() {
        assert_eq!(same("soap.beep://192.0.2.103:3002").scheme(), "soap.beep");
        assert_eq!(same("isbn:2983792873").scheme(), "isbn");
        assert_eq!("alan@jasomi.com".parse::<Uri>(), Err(UriError::Scheme));
        assert_eq!("sip:a b@h".parse::<Uri>(), Err(UriError::Character));
        assert_eq!("sip:a@h>".parse::<Uri>(), Err(UriError::Character));
    }

    fn equal(a: &str, b: &str) -> bool {
        let (a, b): (Uri, Uri) = (a.parse().unwrap(), b.parse().unwrap());
        assert_eq!(a.equivalent(&b), b.equivalent(&a), "not symmetric");
        a.equivalent(&b)
    }

    #[test]
    fn uris_compare_as_the_examples_of_rfc_3261_section_19_1_4() {
        assert!(equal(
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp"
        ));
        assert!(equal(
            "sip:carol@chicago.com",
            "sip:carol@chicago.com;newparam=5"
        ));
        assert!(equal(
            "sip:carol@chicago.com;newparam=5",
            "sip:carol@chicago.com;security=on"
        ));
        assert!(equal(
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"
        ));
        assert!(equal(
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x"
        ));
        assert!(!equal(
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP"
        ));
        assert!(!equal("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
        assert!(!equal(
            "sip:bob@biloxi.com",
            "sip:bob@biloxi.com;transport=udp"
        ));
        assert!(!equal(
            "sip:bob@biloxi.com",
            "sip:bob@biloxi.com:6000;transport=tcp"
        ));
        assert!(!equal(
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next%20meeting"
        ));
        assert!(!equal(
            "sip:bob@phone21.boxesbybob.com",
            "sip:bob@192.0.2.4"
        ));
        assert!(!equal("sip:a%3Bb@h", "sip:a;b@h"));
        assert!(!equal("sip:a@h", "sips:a@h"));
    }

    #[test]
    fn telephone_numbers_compare_without_separators() {
        assert!(equal("tel:+1-201-555-0123", "tel:+1(201)5550123"));
        assert!(!equal(
            "tel:7042;phone-context=a.com",
            "tel:7042;phone-context=b.com"
        ));
        assert!(!equal("tel:7042", "tel:7042;ext=1"));
    }
}
