//! `application/im-iscomposing+xml`: somebody is writing (RFC 3994).

mod composer;
mod watcher;

use super::text;
use super::xml::{self, Writer, XmlError};
pub use composer::{Composer, ComposerOutput};
pub use watcher::ComposingWatcher;

/// The media type.
pub const MEDIA_TYPE: &str = "application/im-iscomposing+xml";

const NAMESPACE: &str = "urn:ietf:params:xml:ns:im-iscomposing";

/// What one side says of its writing (RFC 3994 section 3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsComposing {
    /// Whether something is being written.
    pub active: bool,
    /// What is being written, as a media type: `text/plain`.
    pub content_type: Option<String>,
    /// After how many seconds it is said again.
    pub refresh: Option<u32>,
}

impl IsComposing {
    /// Reads a document. Any state but `active` is idle (section 3.2).
    ///
    /// # Errors
    /// It is no document of this kind.
    pub fn parse(body: &[u8]) -> Result<IsComposing, XmlError> {
        let document = xml::read(body, "isComposing")?;
        let said = |name: &str| document.child(name).map(|child| child.text.trim());
        let state = said("state").ok_or(XmlError::Malformed)?;
        Ok(IsComposing {
            active: state.eq_ignore_ascii_case("active"),
            content_type: said("contenttype").and_then(text::exact),
            refresh: said("refresh").and_then(|secs| secs.parse().ok()),
        })
    }

    /// The document.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.start("isComposing", &[("xmlns", Some(NAMESPACE))]);
        writer.leaf("state", if self.active { "active" } else { "idle" });
        if let Some(content_type) = &self.content_type {
            writer.leaf("contenttype", content_type);
        }
        if let Some(refresh) = self.refresh {
            writer.leaf("refresh", &refresh.to_string());
        }
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<IsComposing, XmlError> {
        IsComposing::parse(body.as_bytes())
    }

    /// As in RFC 3994 section 4, where the attributes are longer.
    const EXAMPLE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"\n\
          xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n\
          <state>active</state>\n  <contenttype>text/plain</contenttype>\n\
          <refresh>90</refresh>\n</isComposing>";

    #[test]
    fn the_example_of_the_rfc_is_read() {
        assert_eq!(
            parse(EXAMPLE),
            Ok(IsComposing {
                active: true,
                content_type: Some("text/plain".to_owned()),
                refresh: Some(90),
            })
        );
    }

    #[test]
    fn every_other_state_is_idle() {
        let idle = IsComposing {
            active: false,
            content_type: None,
            refresh: None,
        };
        for state in ["idle", "", "gone"] {
            let body = format!("<c:isComposing><c:state> {state} </c:state></c:isComposing>");
            assert_eq!(parse(&body), Ok(idle.clone()), "{state}");
        }
        assert!(
            parse("<isComposing><state>\nActive\n</state></isComposing>").is_ok_and(|c| c.active)
        );
        assert_eq!(parse("<isComposing/>"), Err(XmlError::Malformed));
        assert_eq!(parse("<presence/>"), Err(XmlError::Kind));
    }

    #[test]
    fn what_is_written_says_it_all() {
        let said = IsComposing {
            active: true,
            content_type: Some("text/plain".to_owned()),
            refresh: Some(90),
        };
        assert_eq!(
            String::from_utf8(said.to_bytes()).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">\
             <state>active</state><contenttype>text/plain</contenttype>\
             <refresh>90</refresh></isComposing>\n"
        );
    }
}
