//! The small pieces of RFC 3261 section 25.1 that every header shares: tokens, white space,
//! quoted strings, lists, percent escapes.

use std::borrow::Cow;

/// `token` characters: alphanumerics and ``-.!%*_+`'~``.
pub(super) const fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '-' | '.' | '!' | '%' | '*' | '_' | '+' | '`' | '\'' | '~'
        )
}

/// Whether `text` is a non-empty `token`.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

/// Whether `c` is linear white space once folds are gone.
pub(super) const fn is_lws(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// Without the white space around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_lws)
}

/// Reads a quoted string that begins `text`: its content without escapes, and what follows.
/// `None` when it does not begin with a quote or does not end.
pub(super) fn quoted_string(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut content = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((content, &inner[at + 1..])),
            '\\' => content.push(chars.next()?.1),
            other => content.push(other),
        }
    }
    None
}

/// `text` as a quoted string: quotes, backslashes and controls are escaped. A line break cannot
/// be said in a quoted string; it stays, and the writer refuses it.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        let control = c.is_ascii_control() && !matches!(c, '\t' | '\r' | '\n');
        if matches!(c, '"' | '\\') || control {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Splits at each `separator` outside quoted strings. A quote that does not end protects nothing.
pub(super) fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    split(text, separator, false)
}

/// Splits a comma list, leaving quoted strings and `<…>` whole. The pieces are trimmed; empty
/// ones are kept, so that a caller can complain.
pub(super) fn split_list(text: &str) -> Vec<&str> {
    let mut pieces = split(text, ',', true);
    for piece in &mut pieces {
        *piece = trim(piece);
    }
    pieces
}

fn split(text: &str, separator: char, whole_angles: bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    let mut skip_to = 0;
    let mut quotes_end = true;
    let mut angles_end = true;
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        if c == separator {
            pieces.push(&text[begin..at]);
            begin = at + c.len_utf8();
        } else if c == '"' && quotes_end {
            match quoted_end(&text[at..]) {
                Some(length) => skip_to = at + length,
                None => quotes_end = false,
            }
        } else if c == '<' && whole_angles && angles_end {
            match text[at..].find('>') {
                Some(length) => skip_to = at + length,
                None => angles_end = false,
            }
        }
    }
    pieces.push(&text[begin..]);
    pieces
}

/// Length of the quoted string that begins `text`, both quotes included.
fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Replaces `%HH` by the byte it stands for. A `%` that is no escape stays; bytes that are not
/// UTF-8 become U+FFFD.
pub(super) fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match escape_at(rest) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes every character that `keep` does not allow as `%HH` of its UTF-8 bytes.
pub(super) fn percent_encode(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        if keep(c) {
            encoded.push(c);
        } else {
            for byte in c.encode_utf8(&mut buffer).bytes() {
                encoded.push('%');
                encoded.push(hex_digit(byte >> 4));
                encoded.push(hex_digit(byte & 15));
            }
        }
    }
    encoded
}

/// The byte said by the `%HH` that begins `bytes`.
pub(super) fn escape_at(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else {
        return None;
    };
    let high = char::from(*high).to_digit(16)?;
    let low = char::from(*low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

fn hex_digit(nibble: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(nibble & 15)])
}

/// Digits only, as a number; one too large for `u64` is `u64::MAX`. `None` when there is anything
/// but digits.
pub(super) fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_list_leaves_quotes_and_angles_whole() {
        assert_eq!(
            split_list(r#""a, \"b" <sip:x,y@h>, <sip:z> ,c"#),
            [r#""a, \"b" <sip:x,y@h>"#, "<sip:z>", "c"]
        );
        assert_eq!(split_list(r#"a, "b, c"#), ["a", r#""b"#, "c"]);
        assert_eq!(split_list(",a,"), ["", "a", ""]);
    }

    #[test]
    fn a_quoted_string_loses_its_escapes_and_gets_them_back() {
        let (content, rest) = quoted_string(r#""a\"b\\c" tail"#).unwrap();
        assert_eq!((content.as_str(), rest), (r#"a"b\c"#, " tail"));
        assert_eq!(quote(&content), r#""a\"b\\c""#);
        assert_eq!(quoted_string(r#""open"#), None);
        assert_eq!(quoted_string(r#""open\"#), None);
    }

    #[test]
    fn percent_escapes_are_read_and_written() {
        assert_eq!(percent_decode("%75se%72%"), "user%");
        assert_eq!(percent_decode("%4"), "%4");
        assert_eq!(percent_decode("é%41"), "éA");
        assert_eq!(
            percent_encode("a#é", |c| c.is_ascii_alphanumeric()),
            "a%23%C3%A9"
        );
    }

    #[test]
    fn a_number_too_large_is_the_largest() {
        assert_eq!(digits("0068"), Some(68));
        assert_eq!(digits("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(digits("-1"), None);
        assert_eq!(digits(""), None);
    }
}
