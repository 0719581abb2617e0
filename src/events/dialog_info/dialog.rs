//! One call as its phone, or the PBX, tells of it (RFC 4235 section 4.1).

/// One dialog of the entity. `local` is its side, `remote` the other one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialog {
    /// What names it in these documents.
    pub id: String,
    /// Its Call-ID.
    pub call_id: Option<String>,
    /// The tag of the entity's phone.
    pub local_tag: Option<String>,
    /// The tag of the other side.
    pub remote_tag: Option<String>,
    /// Who began it; `None` when it is not said.
    pub direction: Option<Direction>,
    /// How far it has come.
    pub state: DialogState,
    /// The entity's side.
    pub local: Participant,
    /// The other side.
    pub remote: Participant,
    /// The Call-ID and the local and remote tag of the dialog that it took the place of.
    pub replaces: Option<(String, String, String)>,
}

/// Who began a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The entity called.
    Initiator,
    /// The entity was called.
    Recipient,
}

/// How far a dialog has come (RFC 4235 section 3.7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DialogState {
    /// The INVITE is on its way.
    #[default]
    Trying,
    /// Somebody answered provisionally, and it is not known who.
    Proceeding,
    /// It rings.
    Early,
    /// They talk.
    Confirmed,
    /// It is over.
    Terminated,
}

/// One side of a dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// Its name, untrusted.
    pub display_name: Option<String>,
    /// Who it is, as a URI.
    pub identity: Option<String>,
    /// Where it is, as a URI.
    pub target: Option<String>,
    /// Whether it plays what it receives: `false` is a call on hold (`+sip.rendering`).
    pub rendering: Option<bool>,
}

impl Direction {
    pub(super) fn read(text: &str) -> Option<Direction> {
        let is = |word: &str| text.trim().eq_ignore_ascii_case(word);
        if is("initiator") {
            Some(Direction::Initiator)
        } else {
            is("recipient").then_some(Direction::Recipient)
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Direction::Initiator => "initiator",
            Direction::Recipient => "recipient",
        }
    }
}

impl DialogState {
    const ALL: [DialogState; 5] = [
        DialogState::Trying,
        DialogState::Proceeding,
        DialogState::Early,
        DialogState::Confirmed,
        DialogState::Terminated,
    ];

    pub(super) fn read(text: &str) -> Option<DialogState> {
        DialogState::ALL
            .into_iter()
            .find(|state| state.as_str().eq_ignore_ascii_case(text.trim()))
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            DialogState::Trying => "trying",
            DialogState::Proceeding => "proceeding",
            DialogState::Early => "early",
            DialogState::Confirmed => "confirmed",
            DialogState::Terminated => "terminated",
        }
    }
}
