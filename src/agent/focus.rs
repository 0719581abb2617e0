//! Conferences that a server holds (RFC 4579): calls whose far side is the focus of one, and others
//! that are brought in.

use std::time::Instant;

use super::call::{Call, Phase};
use super::{Agent, CallId, Event, Refusal, Refused};

impl Agent {
    /// Says so when the far side has become a conference, or is one no longer.
    pub(super) fn note_focus(&mut self, call: CallId) {
        let Some(e) = self.established(call) else {
            return;
        };
        let is = e.dialog.remote_is_focus();
        if std::mem::replace(&mut e.focus, is) != is {
            self.event(Event::Focus { call, is });
        }
    }

    /// Has the far side of a call come into the conference that another call is in: it is asked to
    /// call there (RFC 4579 section 5.5), and its call with us ends when it has.
    pub(super) fn bring_in(
        &mut self,
        now: Instant,
        call: CallId,
        focus: CallId,
    ) -> Result<(), Refused> {
        self.transferable(call)?;
        let found = self.calls.get(&focus);
        let Some(Call {
            phase: Phase::Established(e),
            ended: false,
            remote,
            ..
        }) = found
        else {
            return Err((Some(focus), Refusal::WrongState));
        };
        if call == focus || !e.focus {
            return Err((Some(focus), Refusal::WrongState));
        }
        let (target, to) = (e.dialog.remote_target().clone(), remote.clone());
        self.begin_transfer(now, call, target, to, None);
        Ok(())
    }
}
