//! What calls come to: a lamp, and whether one can be picked up.

use super::{Dialog, DialogState, Direction};

/// What a busy lamp shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lamp {
    /// Nothing has been told.
    #[default]
    Unknown,
    /// No call.
    Idle,
    /// It rings there: the call can be picked up, also while another one is being talked.
    Ringing,
    /// They talk, or call somebody.
    Busy,
}

/// What a call that rings at another phone is picked up with (RFC 3891), as that phone sees it:
/// in a Replaces for the caller, its local tag is the `from-tag` and its remote one the `to-tag`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pickup {
    /// The Call-ID.
    pub call_id: String,
    /// The tag of the phone that rings.
    pub local_tag: String,
    /// The tag of the caller.
    pub remote_tag: String,
    /// Where the phone that rings is, as a URI: its target, else its identity.
    pub local: Option<String>,
    /// Where the caller is, likewise.
    pub remote: Option<String>,
}

impl Lamp {
    pub(super) fn of(dialogs: &[Dialog]) -> Lamp {
        let shown = dialogs.iter().map(|dialog| match dialog.state {
            // It has not come to that phone yet.
            DialogState::Trying | DialogState::Proceeding
                if dialog.direction == Some(Direction::Recipient) =>
            {
                Lamp::Idle
            }
            _ if rings(dialog) => Lamp::Ringing,
            DialogState::Terminated => Lamp::Idle,
            DialogState::Trying
            | DialogState::Proceeding
            | DialogState::Early
            | DialogState::Confirmed => Lamp::Busy,
        });
        shown.fold(Lamp::Idle, |lamp, next| match (lamp, next) {
            (Lamp::Ringing, _) | (_, Lamp::Ringing) => Lamp::Ringing,
            (Lamp::Busy, _) | (_, Lamp::Busy) => Lamp::Busy,
            (Lamp::Idle | Lamp::Unknown, Lamp::Idle | Lamp::Unknown) => Lamp::Idle,
        })
    }
}

impl Pickup {
    /// `None` when the call does not ring, or too little is told of it.
    pub(super) fn of(dialog: &Dialog) -> Option<Pickup> {
        if !rings(dialog) {
            return None;
        }
        let [local, remote] = [&dialog.local, &dialog.remote]
            .map(|side| side.target.clone().or_else(|| side.identity.clone()));
        Some(Pickup {
            call_id: dialog.call_id.clone()?,
            local_tag: dialog.local_tag.clone()?,
            remote_tag: dialog.remote_tag.clone()?,
            local,
            remote,
        })
    }
}

/// Some PBXs tell no direction of a call that rings; of one that the entity began they do.
fn rings(dialog: &Dialog) -> bool {
    dialog.state == DialogState::Early && dialog.direction != Some(Direction::Initiator)
}
