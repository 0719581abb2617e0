//! Replaces (RFC 3891): an INVITE that takes the place of a dialog that there is already, and its
//! way into a transfer (RFC 5589 section 7).

use std::fmt;

use super::dialog::DialogId;
use super::header::{HeaderError, Headers};
use super::header_name::HeaderName;
use super::lexer;
use super::params::Params;

/// Which dialog is replaced, as the receiver of the INVITE sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    /// The receiver's side of it: `to-tag` is its own tag, `from-tag` the other's.
    pub dialog: DialogId,
    /// Only while it has not been answered.
    pub early_only: bool,
}

impl Replaces {
    /// For a dialog of ours: what is sent to the other side of it, which sees the tags the other
    /// way round.
    #[must_use]
    pub fn of_far_side(ours: &DialogId) -> Replaces {
        Replaces {
            dialog: DialogId {
                call_id: ours.call_id.clone(),
                local_tag: ours.remote_tag.clone(),
                remote_tag: ours.local_tag.clone(),
            },
            early_only: false,
        }
    }

    /// Reads the value of the header. `None` without a Call-ID or one of the tags.
    #[must_use]
    pub fn read(value: &str) -> Option<Replaces> {
        let (call_id, params) = value.split_at(value.find(';').unwrap_or(value.len()));
        let call_id = lexer::trim(call_id);
        if call_id.is_empty() || call_id.contains(lexer::is_lws) {
            return None;
        }
        let (params, _) = Params::read_header(params)?;
        // A phone of RFC 2543 has no tag: it writes 0 in its place (section 6.1).
        let tag = |name| match params.get(name) {
            Some("0") => Some(String::new()),
            tag => tag.filter(|tag| !tag.is_empty()).map(str::to_owned),
        };
        Some(Replaces {
            dialog: DialogId {
                call_id: call_id.to_owned(),
                local_tag: tag("to-tag")?,
                remote_tag: tag("from-tag")?,
            },
            early_only: params.has("early-only"),
        })
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = |tag: &str| if tag.is_empty() { "0" } else { tag }.to_owned();
        write!(
            f,
            "{};to-tag={};from-tag={}",
            self.dialog.call_id,
            tag(&self.dialog.local_tag),
            tag(&self.dialog.remote_tag)
        )?;
        if self.early_only {
            f.write_str(";early-only")?;
        }
        Ok(())
    }
}

impl Headers {
    /// The dialog that the request wants to replace; `None` when it wants to replace none.
    ///
    /// # Errors
    /// The header cannot be read, or is there more than once (section 3): 400.
    pub fn replaces(&self) -> Result<Option<Replaces>, HeaderError> {
        let mut values = self.get_all(&HeaderName::REPLACES);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        match (Replaces::read(value), values.next()) {
            (Some(replaces), None) => Ok(Some(replaces)),
            _ => Err(HeaderError::malformed(&HeaderName::REPLACES)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog(call_id: &str, local_tag: &str, remote_tag: &str) -> DialogId {
        DialogId {
            call_id: call_id.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: remote_tag.to_owned(),
        }
    }

    #[test]
    fn it_names_a_dialog_by_the_tags_of_its_receiver() {
        // The examples of RFC 3891 section 6.1.
        let read = Replaces::read("98732@sip.example.com ;from-tag=r33th4x0r ;to-tag=ff87ff");
        assert_eq!(
            read.unwrap().dialog,
            dialog("98732@sip.example.com", "ff87ff", "r33th4x0r")
        );
        let read = Replaces::read("12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only");
        let read = read.unwrap();
        assert_eq!(read.dialog, dialog("12adf2f34456gs5", "12345", "54321"));
        assert!(read.early_only);
        // RFC 2543, without tags.
        let read = Replaces::read("87134@171.161.34.23;to-tag=24796;from-tag=0").unwrap();
        assert_eq!(read.dialog, dialog("87134@171.161.34.23", "24796", ""));
        assert_eq!(
            read.to_string(),
            "87134@171.161.34.23;to-tag=24796;from-tag=0"
        );
    }

    #[test]
    fn what_is_ours_is_theirs_over_there() {
        let replaces = Replaces::of_far_side(&dialog("a@b", "ours", "theirs"));
        assert_eq!(replaces.to_string(), "a@b;to-tag=theirs;from-tag=ours");
    }

    #[test]
    fn what_names_no_dialog_is_an_error() {
        for value in [
            "",
            ";to-tag=1;from-tag=2",
            "a@b",
            "a@b;to-tag=1",
            "a@b;from-tag=1;to-tag=",
            "a b;to-tag=1;from-tag=2",
        ] {
            assert_eq!(Replaces::read(value), None, "{value}");
        }
        let mut headers = Headers::new();
        assert_eq!(headers.replaces(), Ok(None));
        headers.push("Replaces", "a@b;to-tag=1;from-tag=2");
        assert!(headers.replaces().unwrap().is_some());
        headers.push("Replaces", "c@d;to-tag=1;from-tag=2");
        assert!(headers.replaces().is_err());
    }
}
