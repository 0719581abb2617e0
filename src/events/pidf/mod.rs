//! `application/pidf+xml`: presence (RFC 3863), with a person's activities (RFC 4479, RFC 4480).

mod activity;

use super::text;
use super::xml::{self, Element, Writer, XmlError};
pub use activity::Activity;

/// The media type.
pub const MEDIA_TYPE: &str = "application/pidf+xml";
/// The event package.
pub const PACKAGE: &str = "presence";

const PIDF: &str = "urn:ietf:params:xml:ns:pidf";
const DATA_MODEL: &str = "urn:ietf:params:xml:ns:pidf:data-model";
const RPID: &str = "urn:ietf:params:xml:ns:pidf:rpid";

/// Tuples kept of a document: more than a person has phones.
const MAX_TUPLES: usize = 32;
/// Notes kept of one place.
const MAX_NOTES: usize = 8;
/// Activities kept.
const MAX_ACTIVITIES: usize = 16;
/// Elements inside elements in which activities are looked for: some phones put them into a
/// tuple's status.
const MAX_SEARCH: usize = 4;

/// What is known of somebody's presence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Whose presence it is, as a URI: `pres:ana@example.com`.
    pub entity: Option<String>,
    /// The ways to reach them.
    pub tuples: Vec<Tuple>,
    /// What they are doing, each once.
    pub activities: Vec<Activity>,
    /// What they say of themselves, wherever it stands outside of tuples.
    pub notes: Vec<Note>,
}

/// One way to reach somebody (RFC 3863 section 4.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuple {
    /// What tells it from others of this document.
    pub id: String,
    /// Whether messages and calls are taken there; `None` when it is not said.
    pub basic: Option<Basic>,
    /// Where that is, as a URI.
    pub contact: Option<String>,
    /// What is said of it.
    pub notes: Vec<Note>,
}

/// Whether somebody can be reached (RFC 3863 section 4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basic {
    /// They can.
    Open,
    /// They cannot.
    Closed,
}

/// Words of a person, untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The language, as in `xml:lang`.
    pub language: Option<String>,
    /// The words: never empty, at most 512 bytes.
    pub text: String,
}

impl Presence {
    /// Reads a document.
    ///
    /// # Errors
    /// It is no document of this kind.
    pub fn parse(body: &[u8]) -> Result<Presence, XmlError> {
        let document = xml::read(body, "presence")?;
        let mut presence = Presence {
            entity: document.attribute("entity").and_then(text::exact),
            ..Presence::default()
        };
        add_notes(&mut presence.notes, &document);
        for child in &document.children {
            match child.name.as_str() {
                "tuple" if presence.tuples.len() < MAX_TUPLES => {
                    presence.tuples.push(read_tuple(child));
                    add_activities(&mut presence, child, MAX_SEARCH);
                }
                "person" => {
                    add_notes(&mut presence.notes, child);
                    add_activities(&mut presence, child, MAX_SEARCH);
                }
                _ => {}
            }
        }
        Ok(presence)
    }

    /// Whether they can be reached anywhere: `Open` when one tuple is, `None` when none says.
    #[must_use]
    pub fn basic(&self) -> Option<Basic> {
        let mut said = self.tuples.iter().filter_map(|tuple| tuple.basic);
        let first = said.next()?;
        let open = first == Basic::Open || said.any(|basic| basic == Basic::Open);
        Some(if open { Basic::Open } else { Basic::Closed })
    }

    /// What they say of themselves: the first note of all, of tuples last.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        let of_tuples = self.tuples.iter().flat_map(|tuple| &tuple.notes);
        let first = self.notes.iter().chain(of_tuples).next()?;
        Some(&first.text)
    }

    /// The document.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.start(
            "presence",
            &[
                ("xmlns", Some(PIDF)),
                ("xmlns:dm", Some(DATA_MODEL)),
                ("xmlns:rpid", Some(RPID)),
                ("entity", self.entity.as_deref()),
            ],
        );
        for tuple in &self.tuples {
            writer.start("tuple", &[("id", Some(&tuple.id))]);
            writer.start("status", &[]);
            if let Some(basic) = tuple.basic {
                writer.leaf("basic", basic.as_str());
            }
            writer.end();
            if let Some(contact) = &tuple.contact {
                writer.leaf("contact", contact);
            }
            write_notes(&mut writer, "note", &tuple.notes);
            writer.end();
        }
        // The schema wants the notes of the whole between tuples and what extends it.
        write_notes(&mut writer, "note", &self.notes);
        if !self.activities.is_empty() {
            writer.start("dm:person", &[("id", Some("p1"))]);
            writer.start("rpid:activities", &[]);
            for activity in &self.activities {
                match activity.element() {
                    Some(name) => writer.empty(name, &[]),
                    None => writer.leaf("rpid:other", activity.as_str()),
                };
            }
        }
        writer.finish()
    }
}

impl Basic {
    const fn as_str(self) -> &'static str {
        match self {
            Basic::Open => "open",
            Basic::Closed => "closed",
        }
    }
}

fn read_tuple(tuple: &Element) -> Tuple {
    let basic = tuple
        .child("status")
        .and_then(|status| status.child("basic"));
    let basic = basic.map(|basic| basic.text.trim());
    let is = |word: &str| basic.is_some_and(|basic| basic.eq_ignore_ascii_case(word));
    let mut notes = Vec::new();
    add_notes(&mut notes, tuple);
    Tuple {
        id: tuple
            .attribute("id")
            .and_then(text::exact)
            .unwrap_or_default(),
        basic: if is("open") {
            Some(Basic::Open)
        } else if is("closed") {
            Some(Basic::Closed)
        } else {
            None
        },
        contact: tuple
            .child("contact")
            .and_then(|contact| text::exact(&contact.text)),
        notes,
    }
}

fn add_notes(notes: &mut Vec<Note>, place: &Element) {
    for note in place.children_named("note") {
        if let Some(text) = text::shown(&note.text)
            && notes.len() < MAX_NOTES
        {
            let language = note.attribute("lang").and_then(text::exact);
            notes.push(Note { language, text });
        }
    }
}

fn add_activities(presence: &mut Presence, place: &Element, depth: usize) {
    for child in &place.children {
        if child.name == "activities" {
            for activity in child.children.iter().filter_map(Activity::read) {
                if presence.activities.len() < MAX_ACTIVITIES
                    && !presence.activities.contains(&activity)
                {
                    presence.activities.push(activity);
                }
            }
            add_notes(&mut presence.notes, child);
        } else if depth > 0 {
            add_activities(presence, child, depth - 1);
        }
    }
}

fn write_notes(writer: &mut Writer, name: &'static str, notes: &[Note]) {
    for note in notes {
        writer.start(name, &[("xml:lang", note.language.as_deref())]);
        writer.text(&note.text).end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Presence {
        Presence::parse(body.as_bytes()).unwrap()
    }

    fn note(language: Option<&str>, text: &str) -> Note {
        Note {
            language: language.map(str::to_owned),
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_example_of_rfc_3863_is_read() {
        let presence = parse(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <impp:presence xmlns:impp=\"urn:ietf:params:xml:ns:pidf\"\n\
               entity=\"pres:someone@example.com\">\n\
             <impp:tuple id=\"mobile-im\">\n\
               <impp:status><impp:basic>open</impp:basic></impp:status>\n\
               <impp:contact priority=\"0.8\">tel:+09012345678</impp:contact>\n\
               <impp:note xml:lang=\"en\">Don't Disturb Please!</impp:note>\n\
               <impp:note xml:lang=\"fr\">Ne d&#233;rangez pas, s'il vous pla&#238;t</impp:note>\n\
             </impp:tuple>\n\
             <impp:tuple id=\"eg92n8\">\n\
               <impp:status><impp:basic>closed</impp:basic></impp:status>\n\
               <impp:contact priority=\"1.0\">mailto:someone@example.com</impp:contact>\n\
             </impp:tuple>\n\
             <impp:note>I'll be in Tokyo next week</impp:note>\n\
             </impp:presence>",
        );
        assert_eq!(presence.entity.as_deref(), Some("pres:someone@example.com"));
        assert_eq!(presence.tuples.len(), 2);
        let mobile = &presence.tuples[0];
        assert_eq!(
            (mobile.id.as_str(), mobile.basic),
            ("mobile-im", Some(Basic::Open))
        );
        assert_eq!(mobile.contact.as_deref(), Some("tel:+09012345678"));
        assert_eq!(
            mobile.notes,
            [
                note(Some("en"), "Don't Disturb Please!"),
                note(Some("fr"), "Ne dérangez pas, s'il vous plaît")
            ]
        );
        assert_eq!(presence.tuples[1].basic, Some(Basic::Closed));
        assert_eq!(presence.basic(), Some(Basic::Open));
        assert_eq!(presence.note(), Some("I'll be in Tokyo next week"));
    }

    #[test]
    fn activities_are_found_where_phones_put_them() {
        let person = parse(
            "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:1001@h'>\
             <dm:person id='p1'><rpid:activities><rpid:note>Back at two</rpid:note>\
             <rpid:away/><rpid:meal/><rpid:away/></rpid:activities><dm:note>Lunch</dm:note>\
             </dm:person></presence>",
        );
        assert_eq!(person.activities, [Activity::Away, Activity::Meal]);
        assert_eq!(
            person.notes,
            [note(None, "Lunch"), note(None, "Back at two")]
        );
        assert_eq!(person.basic(), None);
        let in_status = parse(
            "<presence><tuple id='a'><status><basic>open</basic><es:activities>\
             <es:activity>on-the-phone</es:activity></es:activities></status></tuple></presence>",
        );
        assert_eq!(in_status.activities, [Activity::OnThePhone]);
        assert_eq!(in_status.basic(), Some(Basic::Open));
    }

    #[test]
    fn what_is_not_said_is_not_guessed() {
        let presence = parse("<presence><tuple><status/></tuple><tuple/></presence>");
        assert_eq!(presence.tuples, [Tuple::default(), Tuple::default()]);
        assert_eq!((presence.basic(), presence.note()), (None, None));
        let odd =
            parse("<presence><tuple><status><basic>maybe</basic></status></tuple></presence>");
        assert_eq!(odd.basic(), None);
        let closed = parse(
            "<presence><tuple><status><basic> CLOSED </basic></status></tuple><tuple/></presence>",
        );
        assert_eq!(closed.basic(), Some(Basic::Closed));
        assert_eq!(Presence::parse(b"<dialog-info/>"), Err(XmlError::Kind));
    }

    #[test]
    fn a_document_full_of_everything_is_cut() {
        let tuple = "<tuple><note>x</note></tuple>".repeat(100);
        let notes = "<note>x</note>".repeat(100);
        let activities: String = (0..100)
            .map(|i| format!("<activity>a{i}</activity>"))
            .collect();
        let presence = parse(&format!(
            "<presence>{tuple}{notes}<person><activities>{activities}</activities></person></presence>"
        ));
        assert_eq!(presence.tuples.len(), MAX_TUPLES);
        assert_eq!(presence.notes.len(), MAX_NOTES);
        assert_eq!(presence.activities.len(), MAX_ACTIVITIES);
    }

    #[test]
    fn what_is_written_is_what_was_meant() {
        let presence = Presence {
            entity: Some("sip:1001@example.com".to_owned()),
            tuples: vec![Tuple {
                id: "t1".to_owned(),
                basic: Some(Basic::Open),
                contact: Some("sip:1001@192.0.2.7".to_owned()),
                notes: Vec::new(),
            }],
            activities: vec![Activity::OnThePhone, Activity::Other("juggling".to_owned())],
            notes: vec![note(Some("pt"), "Já volto <logo>")],
        };
        assert_eq!(
            String::from_utf8(presence.to_bytes()).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
             xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
             xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:1001@example.com\">\
             <tuple id=\"t1\"><status><basic>open</basic></status>\
             <contact>sip:1001@192.0.2.7</contact></tuple>\
             <note xml:lang=\"pt\">Já volto &lt;logo&gt;</note>\
             <dm:person id=\"p1\"><rpid:activities><rpid:on-the-phone/>\
             <rpid:other>juggling</rpid:other></rpid:activities></dm:person></presence>\n"
        );
        assert_eq!(Presence::parse(&presence.to_bytes()), Ok(presence));
    }
}
