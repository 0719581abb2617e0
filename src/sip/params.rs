//! Parameters: `;name=value` lists of headers and URIs (RFC 3261 sections 7.3.1 and 19.1.1).

use std::fmt;

use super::lexer;

/// Parameters in the order and spelling in which they came. Names are looked up without case.
///
/// In a header, quoted values are kept without quotes and escapes, and quoted again when written.
/// In a URI nothing is unescaped: `%41` stays `%41`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<Param>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Param {
    name: String,
    value: Option<String>,
    /// Written in quotes, as it came, even where a token would do.
    quoted: bool,
}

impl Params {
    /// No parameters.
    #[must_use]
    pub const fn new() -> Params {
        Params(Vec::new())
    }

    /// The value of the first parameter of that name; `""` for one without a value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name)
            .map(|param| param.value.as_deref().unwrap_or(""))
    }

    /// Whether a parameter of that name is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Replaces the first parameter of that name, removes any other of that name, or appends.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let new = Param::new(name, value);
        match self.0.iter().position(|param| param.is(name)) {
            Some(at) => {
                self.0[at] = new;
                let mut index = 0;
                self.0.retain(|param| {
                    index += 1;
                    index <= at + 1 || !param.is(name)
                });
            }
            None => self.0.push(new),
        }
    }

    /// Appends, whether or not the name is there already.
    pub fn push(&mut self, name: &str, value: Option<&str>) {
        self.0.push(Param::new(name, value));
    }

    /// Removes every parameter of that name; tells how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.0.len();
        self.0.retain(|param| !param.is(name));
        before - self.0.len()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0
            .iter()
            .map(|param| (param.name.as_str(), param.value.as_deref()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Option<&Param> {
        self.0.iter().find(|param| param.is(name))
    }

    /// Reads what follows the value of a header: `;a=b ; c = "d"`. Also tells how many pieces
    /// between semicolons were empty. `None` when there is text before the first semicolon, or a
    /// name that is none.
    pub(super) fn read_header(text: &str) -> Option<(Params, usize)> {
        let mut pieces = lexer::split_unquoted(text, ';').into_iter();
        if !lexer::trim(pieces.next().unwrap_or("")).is_empty() {
            return None;
        }
        Params::read_pieces(pieces)
    }

    /// Reads `a=b` pieces already split, of a header or a comma list of auth parameters.
    pub(super) fn read_pieces<'a>(
        pieces: impl IntoIterator<Item = &'a str>,
    ) -> Option<(Params, usize)> {
        let mut params = Params::new();
        let mut empty = 0;
        for piece in pieces {
            let piece = lexer::trim(piece);
            if piece.is_empty() {
                empty += 1;
                continue;
            }
            let (name, value) = match piece.split_once('=') {
                Some((name, value)) => (lexer::trim(name), Some(lexer::trim(value))),
                None => (piece, None),
            };
            if name.is_empty()
                || name
                    .chars()
                    .any(|c| lexer::is_lws(c) || needs_quotes_char(c))
            {
                return None;
            }
            params.0.push(Param::read(name, value)?);
        }
        Some((params, empty))
    }

    /// Reads the parameters of a URI: `a=b;c`, nothing unescaped. Empty pieces are dropped.
    pub(super) fn read_uri(text: &str) -> Params {
        let pieces = text.split(';').filter(|piece| !piece.is_empty());
        Params(
            pieces
                .map(|piece| match piece.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (piece, None),
                })
                .map(|(name, value)| Param {
                    name: name.to_owned(),
                    value,
                    quoted: false,
                })
                .collect(),
        )
    }

    /// Writes the parameters of a URI, escaping what would break it apart. `after_user` tells
    /// whether an `@` stands before them; without one, an `@` in here would make a user of all
    /// that precedes it.
    pub(super) fn write_uri(&self, f: &mut fmt::Formatter<'_>, after_user: bool) -> fmt::Result {
        let keep = |c: char| is_uri_param_char(c) && (after_user || c != '@');
        for param in &self.0 {
            write!(
                f,
                ";{}",
                lexer::percent_encode(&param.name, |c| keep(c) && c != '=')
            )?;
            if let Some(value) = &param.value {
                write!(f, "={}", lexer::percent_encode(value, keep))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Params {
    /// As in a header: `;a=b;c="d e"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for param in &self.0 {
            write!(f, ";{}", param.name)?;
            match &param.value {
                Some(value) if param.quoted => write!(f, "={}", lexer::quote(value))?,
                Some(value) => write!(f, "={value}")?,
                None => {}
            }
        }
        Ok(())
    }
}

impl Param {
    fn new(name: &str, value: Option<&str>) -> Param {
        let quoted = value.is_some_and(needs_quotes);
        Param {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            quoted,
        }
    }

    fn read(name: &str, value: Option<&str>) -> Option<Param> {
        let Some(text) = value.filter(|text| text.starts_with('"')) else {
            return Some(Param::new(name, value));
        };
        let (content, rest) = lexer::quoted_string(text)?;
        if !rest.is_empty() {
            return None;
        }
        Some(Param {
            name: name.to_owned(),
            value: Some(content),
            quoted: true,
        })
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

fn needs_quotes(value: &str) -> bool {
    value.is_empty() || value.chars().any(needs_quotes_char)
}

/// Tokens and hosts stand bare, and so does what phones write bare although they should not
/// (`:` in `gr=urn:uuid:…`, `=` at the end of base64).
fn needs_quotes_char(c: char) -> bool {
    c.is_ascii_control()
        || !c.is_ascii()
        || matches!(
            c,
            ' ' | '"' | '\\' | ',' | ';' | '<' | '>' | '(' | ')' | '{' | '}'
        )
}

/// What may stand in a URI parameter: `paramchar`, the `%` of an escape that came, and what is
/// not in the grammar and does no harm.
fn is_uri_param_char(c: char) -> bool {
    !c.is_ascii_control() && !matches!(c, ' ' | ';' | '?' | '<' | '>' | '"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Params {
        Params::read_header(text).unwrap().0
    }

    #[test]
    fn white_space_case_and_colons_do_not_disturb() {
        let params = header(" ; Tag = a ;lr;gr=urn:uuid:f81d;received=2001:db8::2");
        assert_eq!(params.get("tag"), Some("a"));
        assert_eq!(params.get("LR"), Some(""));
        assert_eq!(params.get("gr"), Some("urn:uuid:f81d"));
        assert_eq!(params.get("received"), Some("2001:db8::2"));
        assert_eq!(params.get("none"), None);
        assert_eq!(
            params.to_string(),
            ";Tag=a;lr;gr=urn:uuid:f81d;received=2001:db8::2"
        );
    }

    #[test]
    fn quoted_values_lose_their_quotes_and_get_them_back() {
        let text = r#";+sip.instance="<urn:uuid:1;2>";x="a \"b\"";plain="t""#;
        let params = header(text);
        assert_eq!(params.get("+sip.instance"), Some("<urn:uuid:1;2>"));
        assert_eq!(params.get("x"), Some(r#"a "b""#));
        assert_eq!(params.to_string(), text);
    }

    #[test]
    fn a_value_that_needs_quotes_is_written_in_them() {
        let mut params = Params::new();
        params.set("a", Some("b c"));
        params.set("d", Some("e"));
        params.set("f", None);
        assert_eq!(params.to_string(), r#";a="b c";d=e;f"#);
    }

    #[test]
    fn set_replaces_every_parameter_of_the_name() {
        let mut params = header(";a=1;b=2;A=3");
        params.set("a", Some("9"));
        assert_eq!(params.to_string(), ";a=9;b=2");
        assert_eq!(params.remove("B"), 1);
        assert_eq!(params.to_string(), ";a=9");
    }

    #[test]
    fn empty_pieces_are_counted_and_stray_text_is_refused() {
        assert_eq!(Params::read_header(";;a;").unwrap().1, 2);
        assert_eq!(Params::read_header("x;a"), None);
        assert_eq!(Params::read_header(r#";a="b"c"#), None);
        assert_eq!(Params::read_header(";a b=c"), None);
    }
}
