//! What a MESSAGE says: its text, whatever its characters are written in.

use crate::events::is_composing::{self, IsComposing};
use crate::sip::{HeaderName, Request, StatusCode};

/// The longest text of a message in bytes, sent and received.
pub const MAX_TEXT: usize = 16 * 1024;

/// What is read, as `Accept` says it.
pub(in crate::agent) const ACCEPTED: &str = "text/plain, application/im-iscomposing+xml";
/// The media type of what we write.
pub(super) const WRITTEN: &str = "text/plain;charset=UTF-8";

/// What one says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// For the person; may be empty.
    Text(String),
    /// That somebody is writing.
    Composing(IsComposing),
}

/// Reads the body of a MESSAGE.
///
/// # Errors
/// The status that refuses it: 413 for one that is too long, 415 for a kind that is not read.
pub(super) fn read(request: &Request) -> Result<Said, StatusCode> {
    let encoded = request.headers.tokens(&HeaderName::CONTENT_ENCODING);
    if encoded
        .iter()
        .any(|token| !token.eq_ignore_ascii_case("identity"))
    {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    if request.body.len() > MAX_TEXT {
        return Err(StatusCode::REQUEST_ENTITY_TOO_LARGE);
    }
    let Some(media) = request.headers.content_type() else {
        return decode("", &request.body).map(Said::Text);
    };
    if media.is("text", "plain") {
        let charset = media.params.get("charset").unwrap_or_default();
        return decode(charset.trim_matches('"'), &request.body).map(Said::Text);
    }
    if media.is("application", "im-iscomposing+xml") {
        debug_assert_eq!(is_composing::MEDIA_TYPE, "application/im-iscomposing+xml");
        let said = IsComposing::parse(&request.body).map_err(|_| StatusCode::BAD_REQUEST)?;
        return Ok(Said::Composing(said));
    }
    Err(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

/// Text in one of the few sets of characters that phones still write; where none is named, UTF-8,
/// or what older ones took for granted.
fn decode(charset: &str, bytes: &[u8]) -> Result<String, StatusCode> {
    let text = match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => String::from_utf8_lossy(bytes).into_owned(),
        "" | "us-ascii" | "ascii" => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => western(bytes),
        },
        "iso-8859-1" | "latin1" | "windows-1252" | "cp1252" => western(bytes),
        _ => return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
    };
    Ok(plain(&text))
}

/// ISO 8859-1, and where that has control characters, what Windows has there.
fn western(bytes: &[u8]) -> String {
    const WINDOWS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let read = |byte: &u8| match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        other => char::from(*other),
    };
    bytes.iter().map(read).collect()
}

/// Fit to be shown: lines end in line feeds, and no other control character is left than tabs. What
/// joins emoji stays.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let text: String = text.chars().filter(kept).collect();
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Method;

    fn message(headers: &[(&str, &str)], body: &[u8]) -> Request {
        let uri: crate::sip::Uri = "sip:bia@10.0.0.2".parse().expect("a URI");
        let mut request = Request::new(Method::Message, uri);
        for (name, value) in headers {
            request.headers.push(*name, *value);
        }
        request.body = body.to_vec();
        request
    }

    #[track_caller]
    fn check(kind: &str, body: &[u8], expected: Result<&str, u16>) {
        let said = match read(&message(&[("Content-Type", kind)], body)) {
            Ok(Said::Text(text)) => Ok(text),
            Ok(other) => panic!("{other:?}"),
            Err(status) => Err(status.code()),
        };
        assert_eq!(said.as_deref().map_err(|code| *code), expected, "{kind}");
    }

    #[test]
    fn umlauts_and_emoji_are_read_in_the_characters_they_are_written_in() {
        let utf8 = "Olá, às três 👩\u{200d}💻".as_bytes();
        check("text/plain", utf8, Ok("Olá, às três 👩\u{200d}💻"));
        check(
            "Text/Plain;charset=utf-8",
            utf8,
            Ok("Olá, às três 👩\u{200d}💻"),
        );
        check("text/plain;charset=\"UTF-8\"", b"a\xffb", Ok("a\u{fffd}b"));
        check("text/plain;charset=ISO-8859-1", b"Ol\xe1", Ok("Olá"));
        check("text/plain", b"Ol\xe1 \x80 5", Ok("Olá € 5"));
        check("text/plain;charset=windows-1252", b"\x93a\x94", Ok("“a”"));
        check("text/plain;charset=utf-16", b"\0a", Err(415));
    }

    #[test]
    fn what_could_steer_a_terminal_is_left_out() {
        check(
            "text/plain",
            b"a\x1b[2Jb\x07\r\nc\rd\te\0\n\n",
            Ok("a[2Jb\nc\nd\te"),
        );
        check("text/plain", b" \r\n", Ok(""));
    }

    #[test]
    fn other_kinds_and_too_much_are_refused() {
        check("text/html", b"<b>a</b>", Err(415));
        check("message/cpim", b"", Err(415));
        check("text/plain", &vec![b'a'; MAX_TEXT + 1], Err(413));
        let kind = ("Content-Type", "text/plain");
        let packed = message(&[kind, ("Content-Encoding", "gzip")], b"a");
        assert_eq!(read(&packed), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        let bare = message(&[], "Olá".as_bytes());
        assert_eq!(read(&bare), Ok(Said::Text("Olá".to_owned())));
    }

    #[test]
    fn who_writes_is_told_apart_from_what_is_written() {
        let body = b"<isComposing><state>active</state><refresh>60</refresh></isComposing>";
        let kind = ("Content-Type", is_composing::MEDIA_TYPE);
        let Ok(Said::Composing(said)) = read(&message(&[kind], body)) else {
            panic!("not read");
        };
        assert!(said.active);
        assert_eq!(said.refresh, Some(60));
        let status = read(&message(&[kind], b"<presence/>"));
        assert_eq!(status, Err(StatusCode::BAD_REQUEST));
    }
}
