//! One document: read and written.

use super::{Dialog, DialogState, Direction, MAX_DIALOGS, Participant};
use crate::events::text;
use crate::events::xml::{self, Element, Writer, XmlError};

const NAMESPACE: &str = "urn:ietf:params:xml:ns:dialog-info";
/// Dialogs read of one document: a full table, all of it ended, and another one.
const MAX_READ: usize = 2 * MAX_DIALOGS;

/// A document, as it is written and read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Whose calls these are, as a URI.
    pub entity: Option<String>,
    /// Grows by one with each document of a subscription.
    pub version: u64,
    /// All calls, and not only what changed.
    pub full: bool,
    /// The calls, ended ones too.
    pub dialogs: Vec<Dialog>,
}

impl Document {
    /// Reads a document. One without a version is of version 0, one without a state is full.
    /// Dialogs without a name or a state that is known are left out.
    ///
    /// # Errors
    /// It is no document of this kind.
    pub fn parse(body: &[u8]) -> Result<Document, XmlError> {
        let root = xml::read(body, "dialog-info")?;
        let state = root.attribute("state").unwrap_or("full");
        Ok(Document {
            entity: root.attribute("entity").and_then(text::exact),
            version: root.attribute("version").map_or(0, read_version),
            full: !state.trim().eq_ignore_ascii_case("partial"),
            dialogs: root
                .children_named("dialog")
                .filter_map(read_dialog)
                .take(MAX_READ)
                .collect(),
        })
    }

    /// The document's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let version = self.version.to_string();
        let state = if self.full { "full" } else { "partial" };
        writer.start(
            "dialog-info",
            &[
                ("xmlns", Some(NAMESPACE)),
                ("version", Some(&version)),
                ("state", Some(state)),
                ("entity", self.entity.as_deref()),
            ],
        );
        for dialog in &self.dialogs {
            write_dialog(&mut writer, dialog);
        }
        writer.finish()
    }
}

/// Digits; a number too large is the largest, and anything else the first.
fn read_version(text: &str) -> u64 {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().unwrap_or(u64::MAX)
    } else {
        0
    }
}

fn read_dialog(element: &Element) -> Option<Dialog> {
    let exact = |name: &str| element.attribute(name).and_then(text::exact);
    let state = element.child("state")?;
    Some(Dialog {
        id: exact("id")?,
        call_id: exact("call-id"),
        local_tag: exact("local-tag"),
        remote_tag: exact("remote-tag"),
        direction: element.attribute("direction").and_then(Direction::read),
        state: DialogState::read(&state.text)?,
        local: read_participant(element.child("local")),
        remote: read_participant(element.child("remote")),
        replaces: element.child("replaces").and_then(|replaces| {
            let exact = |name: &str| replaces.attribute(name).and_then(text::exact);
            Some((exact("call-id")?, exact("local-tag")?, exact("remote-tag")?))
        }),
    })
}

fn read_participant(element: Option<&Element>) -> Participant {
    let Some(element) = element else {
        return Participant::default();
    };
    let identity = element.child("identity");
    let target = element.child("target");
    let params = target.into_iter().flat_map(|t| t.children_named("param"));
    let rendering = params
        .filter(|param| {
            param
                .attribute("pname")
                .is_some_and(|name| matches!(name.trim(), "+sip.rendering" | "sip.rendering"))
        })
        .find_map(|param| match param.attribute("pval")?.trim() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        });
    Participant {
        display_name: identity
            .and_then(|identity| identity.attribute("display"))
            .and_then(text::shown),
        identity: identity.and_then(|identity| text::exact(&identity.text)),
        target: target
            .and_then(|target| target.attribute("uri"))
            .and_then(text::exact),
        rendering,
    }
}

fn write_dialog(writer: &mut Writer, dialog: &Dialog) {
    writer.start(
        "dialog",
        &[
            ("id", Some(&dialog.id)),
            ("call-id", dialog.call_id.as_deref()),
            ("local-tag", dialog.local_tag.as_deref()),
            ("remote-tag", dialog.remote_tag.as_deref()),
            ("direction", dialog.direction.map(Direction::as_str)),
        ],
    );
    writer.leaf("state", dialog.state.as_str());
    if let Some((call_id, local_tag, remote_tag)) = &dialog.replaces {
        writer.empty(
            "replaces",
            &[
                ("call-id", Some(call_id)),
                ("local-tag", Some(local_tag)),
                ("remote-tag", Some(remote_tag)),
            ],
        );
    }
    write_participant(writer, "local", &dialog.local);
    write_participant(writer, "remote", &dialog.remote);
    writer.end();
}

fn write_participant(writer: &mut Writer, name: &'static str, side: &Participant) {
    if *side == Participant::default() {
        return;
    }
    writer.start(name, &[]);
    if let Some(identity) = &side.identity {
        writer.start("identity", &[("display", side.display_name.as_deref())]);
        writer.text(identity).end();
    }
    if side.target.is_some() || side.rendering.is_some() {
        let uri = side.target.as_deref().or(side.identity.as_deref());
        writer.start("target", &[("uri", uri)]);
        if let Some(rendering) = side.rendering {
            let value = if rendering { "yes" } else { "no" };
            writer.empty(
                "param",
                &[("pname", Some("+sip.rendering")), ("pval", Some(value))],
            );
        }
        writer.end();
    }
    writer.end();
}
