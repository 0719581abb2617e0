//! XML, as little of it as event bodies need: a small tree, read with bounds, and written.
//!
//! No document type and no entity but the five and characters by number: nothing expands. Names
//! lose their namespace prefix, since phones differ in which they use and no body here has two
//! elements of one name in one place. Bytes that are not UTF-8 are read as U+FFFD: a name in
//! Latin-1 shall not cost the lamp that it belongs to.

use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Longest document read, in bytes: as much as a message holds.
pub(super) const MAX_BYTES: usize = 256 * 1024;
/// Elements inside elements.
const MAX_DEPTH: usize = 16;
/// Elements of one document.
const MAX_ELEMENTS: usize = 8_192;
/// Attributes of one element.
const MAX_ATTRIBUTES: usize = 32;

/// Why bytes are no document that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// It is larger, deeper or fuller than any of its kind.
    #[error("too large")]
    TooLarge,
    /// It declares a document type, or names an entity that it would declare.
    #[error("declares its own entities")]
    Entities,
    /// It is no XML, or ends too early.
    #[error("not well-formed")]
    Malformed,
    /// It is another kind of document.
    #[error("another kind of document")]
    Kind,
}

/// One element with all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Without prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// All text directly in it, unescaped.
    pub(super) text: String,
}

impl Element {
    /// The value of an attribute, by its name without prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(have, _)| have == name)?;
        Some(&found.1)
    }

    /// The first element of that name directly in it.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The elements of that name directly in it.
    pub(super) fn children_named<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Element> + 'a {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// Reads a document whose outermost element is `root`.
///
/// # Errors
/// See [`XmlError`].
pub(super) fn read(bytes: &[u8], root: &str) -> Result<Element, XmlError> {
    if bytes.len() > MAX_BYTES {
        return Err(XmlError::TooLarge);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim());
    let mut open: Vec<Element> = Vec::new();
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(|_| XmlError::Malformed)?;
        let done = match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                elements += 1;
                if elements > MAX_ELEMENTS || open.len() == MAX_DEPTH {
                    return Err(XmlError::TooLarge);
                }
                let element = element(start)?;
                if open.is_empty() && element.name != root {
                    return Err(XmlError::Kind);
                }
                if matches!(event, Event::Empty(_)) {
                    close(&mut open, element)
                } else {
                    open.push(element);
                    None
                }
            }
            Event::End(_) => {
                let element = open.pop().ok_or(XmlError::Malformed)?;
                close(&mut open, element)
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|_| XmlError::Malformed)?;
                add_text(&mut open, &text);
                None
            }
            Event::CData(data) => {
                let text = data.decode().map_err(|_| XmlError::Malformed)?;
                add_text(&mut open, &text);
                None
            }
            Event::GeneralRef(reference) => {
                let text = resolve(&reference)?;
                add_text(&mut open, &text);
                None
            }
            Event::DocType(_) => return Err(XmlError::Entities),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => None,
            Event::Eof => return Err(XmlError::Malformed),
        };
        if let Some(document) = done {
            return Ok(document); // what follows is nobody's
        }
    }
}

/// Puts a complete element into the one around it; gives it back when there is none.
fn close(open: &mut [Element], element: Element) -> Option<Element> {
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(element);
            None
        }
        None => Some(element),
    }
}

fn add_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let mut attributes = Vec::new();
    let mut found = start.attributes();
    // Doubled ones are not looked for: the first counts.
    for attribute in found.with_checks(false) {
        if attributes.len() == MAX_ATTRIBUTES {
            return Err(XmlError::TooLarge);
        }
        let attribute = attribute.map_err(|_| XmlError::Malformed)?;
        let raw = std::str::from_utf8(&attribute.value).map_err(|_| XmlError::Malformed)?;
        let value = unescape(raw).map_err(|_| XmlError::Entities)?;
        attributes.push((
            local(attribute.key.local_name().as_ref()),
            value.into_owned(),
        ));
    }
    Ok(Element {
        name: local(start.local_name().as_ref()),
        attributes,
        ..Element::default()
    })
}

fn local(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// `&amp;`, `&#38;` and nothing that a document declares.
fn resolve(reference: &BytesRef<'_>) -> Result<String, XmlError> {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => Ok(c.to_string()),
        Ok(None) => {
            let name = reference.decode().map_err(|_| XmlError::Malformed)?;
            let text = resolve_predefined_entity(&name).ok_or(XmlError::Entities)?;
            Ok(text.to_owned())
        }
        Err(_) => Err(XmlError::Malformed),
    }
}

/// Writes a document. Elements are closed by [`Writer::end`], all of them by
/// [`Writer::finish`].
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    open: Vec<&'static str>,
}

impl Writer {
    pub(super) fn new() -> Writer {
        Writer {
            text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
            open: Vec::new(),
        }
    }

    /// Opens an element. Attributes without a value are left out.
    pub(super) fn start(
        &mut self,
        name: &'static str,
        attributes: &[(&str, Option<&str>)],
    ) -> &mut Writer {
        let _ = write!(self.text, "<{name}");
        for (attribute, value) in attributes {
            if let Some(value) = value {
                let _ = write!(self.text, " {attribute}=\"{}\"", escaped(value));
            }
        }
        self.text.push('>');
        self.open.push(name);
        self
    }

    /// Text inside the element that is open.
    pub(super) fn text(&mut self, text: &str) -> &mut Writer {
        self.text.push_str(&escaped(text));
        self
    }

    /// Closes the element that was opened last.
    pub(super) fn end(&mut self) -> &mut Writer {
        if let Some(name) = self.open.pop() {
            let _ = write!(self.text, "</{name}>");
        }
        self
    }

    /// An element that holds text and nothing else.
    pub(super) fn leaf(&mut self, name: &'static str, text: &str) -> &mut Writer {
        self.start(name, &[]).text(text).end()
    }

    /// An element that holds nothing.
    pub(super) fn empty(
        &mut self,
        name: &'static str,
        attributes: &[(&str, Option<&str>)],
    ) -> &mut Writer {
        self.start(name, attributes);
        self.open.pop();
        self.text.pop();
        self.text.push_str("/>");
        self
    }

    /// The document, with everything closed.
    pub(super) fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.end();
        }
        self.text.push('\n');
        self.text.into_bytes()
    }
}

/// As it may stand between tags and quotes. What XML 1.0 cannot say at all is left out; line
/// breaks and tabs are written by number, since they would not survive in an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Element, XmlError> {
        read(text.as_bytes(), "a")
    }

    #[test]
    fn a_document_is_read_into_a_tree_whatever_its_prefixes() {
        let document = read_text(
            "\u{feff}<?xml version=\"1.0\"?><!-- x --><p:a xmlns:p=\"urn:x\" p:k='1 &amp; 2' k='3'>\
             <b>one</b> two <![CDATA[<3>]]> &lt;&#x34;&#53;&gt;<q:b/></p:a> left over",
        )
        .unwrap();
        assert_eq!(document.name, "a");
        assert_eq!(document.attribute("k"), Some("1 & 2"));
        assert_eq!(document.attribute("none"), None);
        assert_eq!(document.child("b").map(|b| b.text.as_str()), Some("one"));
        assert_eq!(document.children_named("b").count(), 2);
        assert_eq!(document.text, " two <3> <45>");
    }

    #[test]
    fn no_entity_is_ever_expanded() {
        for text in [
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "<a>&b;</a>",
            "<a k='&b;'/>",
        ] {
            assert_eq!(read_text(text), Err(XmlError::Entities), "{text}");
        }
    }

    #[test]
    fn size_depth_and_number_are_bounded() {
        let nested = |depth: usize| {
            format!(
                "<a>{}{}</a>",
                "<b>".repeat(depth - 1),
                "</b>".repeat(depth - 1)
            )
        };
        assert!(read_text(&nested(16)).is_ok());
        assert_eq!(read_text(&nested(17)), Err(XmlError::TooLarge));
        assert_eq!(read_text(&nested(10_000)), Err(XmlError::TooLarge));
        let wide = |width: usize| format!("<a>{}</a>", "<b/>".repeat(width - 1));
        assert!(read_text(&wide(8_192)).is_ok());
        assert_eq!(read_text(&wide(8_193)), Err(XmlError::TooLarge));
        let full = |number: usize| {
            let attributes: String = (0..number).map(|i| format!(" k{i}=''")).collect();
            format!("<a{attributes}/>")
        };
        assert!(read_text(&full(32)).is_ok());
        assert_eq!(read_text(&full(33)), Err(XmlError::TooLarge));
        let long = format!("<a>{}</a>", "x".repeat(256 * 1024));
        assert_eq!(read_text(&long), Err(XmlError::TooLarge));
    }

    #[test]
    fn what_is_no_document_of_its_kind_is_told() {
        assert_eq!(read_text("<b/>"), Err(XmlError::Kind));
        for text in [
            "",
            "a",
            "<a>",
            "<a></b>",
            "<a",
            "</a>",
            "<a k=1/>",
            "<a>&#0;</a>",
        ] {
            assert!(
                matches!(read_text(text), Err(XmlError::Malformed)),
                "{text}: {:?}",
                read_text(text)
            );
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_do_not_cost_the_document() {
        let document = read(b"<a k='caf\xe9'>Jo\xe3o</a>", "a").unwrap();
        assert_eq!(document.attribute("k"), Some("caf\u{fffd}"));
        assert_eq!(document.text, "Jo\u{fffd}o");
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let odd = "<\"'&>\t\r\n é 日本";
        let mut writer = Writer::new();
        writer.start("a", &[("k", Some(odd)), ("none", None)]);
        writer.leaf("b", odd).empty("c", &[("l", Some("1"))]);
        writer.start("d", &[]).text("x\u{0}\u{1b}y");
        let bytes = writer.finish();
        let document = read(&bytes, "a").unwrap();
        assert_eq!(document.attribute("k"), Some(odd));
        assert_eq!(document.attribute("none"), None);
        assert_eq!(document.child("b").unwrap().text, odd);
        assert_eq!(document.child("c").unwrap().attribute("l"), Some("1"));
        assert_eq!(document.child("d").unwrap().text, "xy");
    }
}
