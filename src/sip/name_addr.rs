//! Names with addresses: From, To, Contact, Route (RFC 3261 section 20.10).

use std::fmt;
use std::str::FromStr;

use super::defect::DefectKind;
use super::lexer;
use super::params::Params;
use super::uri::{Uri, UriError};

/// `"Name" <uri>;params`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// Without quotes and escapes; `None` when there is none or it is empty.
    pub display_name: Option<String>,
    /// What is in the angle brackets.
    pub uri: Uri,
    /// Parameters of the header, not of the URI.
    pub params: Params,
}

/// Why text is no name with address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameAddrError {
    /// A quote or angle bracket is not closed, and what was meant cannot be told.
    #[error("quotes or brackets do not match")]
    Unbalanced,
    /// The address is no URI.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// What follows the address are no parameters.
    #[error("not a parameter")]
    Params,
}

impl NameAddr {
    /// An address without name and parameters.
    #[must_use]
    pub fn new(uri: impl Into<Uri>) -> NameAddr {
        NameAddr {
            display_name: None,
            uri: uri.into(),
            params: Params::new(),
        }
    }

    /// The `tag` parameter: one side of a dialog's name (RFC 3261 section 19.3).
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// With this tag instead of any other.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> NameAddr {
        self.params.set("tag", Some(tag));
        self
    }

    /// The `expires` parameter of a Contact, in seconds, at most `u32::MAX`.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        let seconds = lexer::digits(self.params.get("expires")?)?;
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// The `q` parameter of a Contact, 0.0 to 1.0.
    #[must_use]
    pub fn q(&self) -> Option<f32> {
        let q: f32 = self.params.get("q")?.parse().ok()?;
        (0.0..=1.0).contains(&q).then_some(q)
    }

    /// Reads a value, with what was wrong with it and could still be understood.
    pub(super) fn read(text: &str) -> Result<(NameAddr, Vec<DefectKind>), NameAddrError> {
        let text = lexer::trim(text);
        let mut defects = Vec::new();
        let (display_name, address, rest) = match split_brackets(text, &mut defects)? {
            Some(parts) => parts,
            None => {
                // Without brackets the first semicolon begins the header's parameters, and the
                // URI may not hold a question mark (RFC 3261 section 20.10).
                let (address, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
                if address.contains(['?', ',']) {
                    defects.push(DefectKind::BracketsNeeded);
                }
                (None, address, rest)
            }
        };
        let uri = lexer::trim(address).parse()?;
        let (params, empty) = Params::read_header(rest).ok_or(NameAddrError::Params)?;
        if empty > 0 {
            defects.push(DefectKind::EmptyParameter);
        }
        Ok((
            NameAddr {
                display_name,
                uri,
                params,
            },
            defects,
        ))
    }
}

/// Display name, address and the rest of a value with angle brackets; `None` for one without.
#[expect(
    clippy::type_complexity,
    reason = "three parts of one value, taken apart at once"
)]
fn split_brackets<'a>(
    text: &'a str,
    defects: &mut Vec<DefectKind>,
) -> Result<Option<(Option<String>, &'a str, &'a str)>, NameAddrError> {
    let (name, rest) = match lexer::quoted_string(text) {
        Some((name, rest)) => (name, rest.trim_start_matches(lexer::is_lws)),
        None => {
            let Some(at) = text.find('<') else {
                return if text.starts_with('"') {
                    Err(NameAddrError::Unbalanced)
                } else {
                    Ok(None)
                };
            };
            let name = lexer::trim(&text[..at]);
            if name.contains(';') && name.contains(':') && !name.starts_with('"') {
                return Ok(None); // sip:a@b;x="<…>": the bracket belongs to a parameter.
            }
            let name = match name.strip_prefix('"') {
                Some(open) => {
                    defects.push(DefectKind::UnbalancedQuote);
                    open
                }
                None => {
                    if !name
                        .chars()
                        .all(|c| lexer::is_token_char(c) || lexer::is_lws(c))
                    {
                        defects.push(DefectKind::QuotesNeeded);
                    }
                    name
                }
            };
            (name.to_owned(), &text[at..])
        }
    };
    let inner = rest.strip_prefix('<').ok_or(NameAddrError::Unbalanced)?;
    let (address, rest) = inner.split_once('>').ok_or(NameAddrError::Unbalanced)?;
    if address.len() != lexer::trim(address).len() {
        defects.push(DefectKind::SpaceInBrackets);
    }
    let name = Some(name).filter(|name| !name.is_empty());
    Ok(Some((name, address, rest)))
}

impl FromStr for NameAddr {
    type Err = NameAddrError;

    fn from_str(text: &str) -> Result<NameAddr, NameAddrError> {
        NameAddr::read(text).map(|(value, _)| value)
    }
}

impl fmt::Display for NameAddr {
    /// The address always stands in angle brackets, the name always in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.display_name.as_deref().filter(|name| !name.is_empty()) {
            write!(f, "{} ", lexer::quote(name))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> NameAddr {
        text.parse().unwrap()
    }

    #[test]
    fn spaces_before_parameters_are_no_obstacle() {
        assert_eq!(read("<sip:a@h> ;tag=1").tag(), Some("1"));
        assert_eq!(read("<sip:a@h>; tag = 1").tag(), Some("1"));
        assert_eq!(read("sip:a@h ; tag = 1").tag(), Some("1"));
        assert_eq!(read("sip:a@h ; tag = 1").uri.to_string(), "sip:a@h");
    }

    #[test]
    fn without_brackets_parameters_are_the_headers() {
        let value = read("sip:+19725552222@gw1.example.net;unknownparam");
        assert!(value.params.has("unknownparam"));
        assert_eq!(
            value.to_string(),
            "<sip:+19725552222@gw1.example.net>;unknownparam"
        );
        let value = read("<sip:+19725552222@gw1.example.net;unknownparam>");
        assert!(value.params.is_empty());
        assert!(value.uri.as_sip().unwrap().params.has("unknownparam"));
    }

    #[test]
    fn a_display_name_may_hold_brackets_and_escaped_quotes() {
        let value = read(r#""a \"b\" <sip:x@y>" <sip:a@h>;tag=1"#);
        assert_eq!(value.display_name.as_deref(), Some(r#"a "b" <sip:x@y>"#));
        assert_eq!(value.uri.to_string(), "sip:a@h");
        assert_eq!(value.to_string(), r#""a \"b\" <sip:x@y>" <sip:a@h>;tag=1"#);
    }

    #[test]
    fn quoted_parameters_of_a_contact_are_read() {
        let value = read(r#"<sip:a@h>;+sip.instance="<urn:uuid:0C6:1>";expires=60;q=0.5"#);
        assert_eq!(value.params.get("+SIP.instance"), Some("<urn:uuid:0C6:1>"));
        assert_eq!((value.expires(), value.q()), (Some(60), Some(0.5)));
        let bare = read(r#"sip:a@h;+sip.instance="<urn:uuid:0C6:1>""#);
        assert_eq!(bare.params.get("+sip.instance"), Some("<urn:uuid:0C6:1>"));
    }

    #[test]
    fn a_name_needs_no_space_before_its_address() {
        assert_eq!(
            read("caller<sip:caller@example.com>")
                .display_name
                .as_deref(),
            Some("caller")
        );
    }

    #[test]
    fn an_enormous_expiry_is_the_largest() {
        assert_eq!(
            read("<sip:a@h>;expires=280297596632815").expires(),
            Some(u32::MAX)
        );
        assert_eq!(read("<sip:a@h>;expires=soon").expires(), None);
    }

    #[test]
    fn what_can_be_understood_is_read_and_noted() {
        let defects = |text: &str| NameAddr::read(text).unwrap().1;
        assert_eq!(
            defects("Bell, Alexander <sip:a@h>"),
            [DefectKind::QuotesNeeded]
        );
        assert_eq!(
            defects(r#""Watson, T" < sip:t@h >"#),
            [DefectKind::SpaceInBrackets]
        );
        assert_eq!(
            defects(r#""Mr. J. User <sip:j@h>"#),
            [DefectKind::UnbalancedQuote]
        );
        assert_eq!(defects("<sip:a@h>;;;"), [DefectKind::EmptyParameter]);
        assert_eq!(defects("sip:a@h?Route=x"), [DefectKind::BracketsNeeded]);
        assert_eq!(defects(r#""A. B" <sip:a@h>;tag=1"#), []);
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        let refused = |text: &str| text.parse::<NameAddr>().unwrap_err();
        assert_eq!(refused("<sip:a@h"), NameAddrError::Unbalanced);
        assert_eq!(refused(r#""Bob sip:a@h"#), NameAddrError::Unbalanced);
        assert_eq!(refused(r#""Bob" sip:a@h"#), NameAddrError::Unbalanced);
        assert_eq!(refused("<sip:a@h> <sip:b@h>"), NameAddrError::Params);
        assert_eq!(
            refused("alan@jasomi.com"),
            NameAddrError::Uri(UriError::Scheme)
        );
        assert_eq!(refused(""), NameAddrError::Uri(UriError::Scheme));
    }
}
