//! Calls that take the place of others of ours (RFC 3891): the last step of a transfer with
//! consultation, at the one who is called.

use std::time::Instant;

use super::call::{Call, Phase};
use super::{Agent, CallId, EndCause, Event};
use crate::sip::{Replaces, StatusCode};

impl Agent {
    /// The call of ours that an INVITE wants to replace.
    ///
    /// # Errors
    /// The status that refuses it (RFC 3891 section 3).
    pub(super) fn replaced_by(&self, replaces: &Replaces) -> Result<CallId, StatusCode> {
        let id = &replaces.dialog;
        let found = self.calls.iter().find(|(_, call)| match &call.phase {
            Phase::Established(e) => e.dialog.id() == id,
            // Before the answer only a call that we made may be replaced.
            Phase::Inviting(inviting) => {
                inviting.setup.call_id == id.call_id
                    && inviting.setup.local_tag == id.local_tag
                    && inviting.forks.contains_key(&id.remote_tag)
            }
            _ => false,
        });
        match found {
            Some((
                call,
                Call {
                    ended: false,
                    phase,
                    ..
                },
            )) => match phase {
                Phase::Established(_) if replaces.early_only => Err(StatusCode::BUSY_HERE),
                _ => Ok(*call),
            },
            // It was there a moment ago.
            Some(_) => Err(StatusCode::DECLINE),
            None => Err(StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    /// The new call stands in the place of the old one, which ends.
    pub(super) fn replace(&mut self, now: Instant, old: CallId, new: CallId) {
        self.event(Event::Replaced {
            call: new,
            replaced: old,
        });
        if self.established(old).is_some() {
            // With what it was about to be, it is over.
            self.part(now, old, EndCause::Replaced);
        } else {
            self.cancel(now, old, EndCause::Replaced);
        }
    }
}
