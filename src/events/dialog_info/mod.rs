//! `application/dialog-info+xml`: the calls of another extension (RFC 4235), for busy lamps and
//! pickup.

mod dialog;
mod document;
mod lamp;

use super::xml::XmlError;
pub use dialog::{Dialog, DialogState, Direction, Participant};
pub use document::Document;
pub use lamp::{Lamp, Pickup};

/// The media type.
pub const MEDIA_TYPE: &str = "application/dialog-info+xml";
/// The event package.
pub const PACKAGE: &str = "dialog";

/// Dialogs kept of one entity: an extension has a few, a queue a few dozen.
pub const MAX_DIALOGS: usize = 64;

/// What has been told of one entity in one subscription.
///
/// A new subscription begins a new one: versions are counted anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DialogInfo {
    entity: Option<String>,
    /// Of the latest document; `None` before the first.
    version: Option<u64>,
    /// All of it is known: a full document came, and nothing was missed since.
    complete: bool,
    /// In the order in which they were first told of.
    dialogs: Vec<Dialog>,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Applied {
    /// It was taken.
    Taken,
    /// It was taken, and something before it is not known: ask for all of it, by a refresh (RFC
    /// 4235 section 4.3).
    Incomplete,
    /// It is older than what is known, and changed nothing.
    Old,
}

impl DialogInfo {
    /// Nothing has been told.
    #[must_use]
    pub fn new() -> DialogInfo {
        DialogInfo::default()
    }

    /// Takes a document (RFC 4235 section 4.3).
    ///
    /// One that repeats the latest version is taken, for there are notifiers that do not count.
    ///
    /// # Errors
    /// It is no document of this kind; nothing changes.
    pub fn apply(&mut self, body: &[u8]) -> Result<Applied, XmlError> {
        let document = Document::parse(body)?;
        let step = match self.version {
            Some(latest) => match document.version.checked_sub(latest) {
                Some(step) => step,
                None => return Ok(Applied::Old),
            },
            None => u64::MAX,
        };
        self.version = Some(document.version);
        if document.entity.is_some() {
            self.entity = document.entity;
        }
        if document.full {
            self.dialogs.clear();
            self.complete = true;
        } else if step > 1 {
            self.complete = false;
        }
        for dialog in document.dialogs {
            self.update(dialog);
        }
        Ok(if self.complete {
            Applied::Taken
        } else {
            Applied::Incomplete
        })
    }

    /// Whose calls these are, as a URI.
    #[must_use]
    pub fn entity(&self) -> Option<&str> {
        self.entity.as_deref()
    }

    /// The version of the latest document.
    #[must_use]
    pub const fn version(&self) -> Option<u64> {
        self.version
    }

    /// The calls that have not ended, at most [`MAX_DIALOGS`].
    #[must_use]
    pub fn dialogs(&self) -> &[Dialog] {
        &self.dialogs
    }

    /// What the lamp shows.
    #[must_use]
    pub fn lamp(&self) -> Lamp {
        if self.version.is_none() {
            return Lamp::Unknown;
        }
        Lamp::of(&self.dialogs)
    }

    /// The call that rings there and can be picked up: the first of several.
    #[must_use]
    pub fn pickup(&self) -> Option<Pickup> {
        self.dialogs.iter().find_map(Pickup::of)
    }

    /// A row of the table of section 4.3. Dialogs that ended leave it.
    fn update(&mut self, dialog: Dialog) {
        let known = self.dialogs.iter().position(|have| have.id == dialog.id);
        match (known, dialog.state) {
            (Some(at), DialogState::Terminated) => {
                self.dialogs.remove(at);
            }
            (Some(at), _) => self.dialogs[at] = dialog,
            (None, DialogState::Terminated) => {}
            (None, _) if self.dialogs.len() < MAX_DIALOGS => self.dialogs.push(dialog),
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests;
