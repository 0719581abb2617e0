//! Text from the network, cut to size.

/// Longest text kept of a document, in bytes: a URI, a tag, a name, a note.
pub(super) const MAX_TEXT: usize = 512;

/// Text for a person: trimmed, without control characters, cut at a character. `None` when
/// nothing is left.
pub(super) fn shown(text: &str) -> Option<String> {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim();
    let mut end = clean.len().min(MAX_TEXT);
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    (end > 0).then(|| clean[..end].trim_end().to_owned())
}

/// Text that is sent back or compared: trimmed, and whole or not at all. `None` when it is empty,
/// too long, or holds a control character.
pub(super) fn exact(text: &str) -> Option<String> {
    let text = text.trim();
    let usable = !text.is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
    usable.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_cut_at_a_character_and_cleaned() {
        assert_eq!(shown(" A\u{1b}na\r\n "), Some("Ana".to_owned()));
        assert_eq!(shown(" \t "), None);
        let long = format!("{}ã", "x".repeat(511));
        assert_eq!(shown(&long), Some("x".repeat(511)));
    }

    #[test]
    fn exact_text_is_whole_or_not_there() {
        assert_eq!(exact(" sip:a@h "), Some("sip:a@h".to_owned()));
        assert_eq!(exact("sip:a\n@h"), None);
        assert_eq!(exact(&"x".repeat(513)), None);
        assert_eq!(exact(""), None);
    }
}
