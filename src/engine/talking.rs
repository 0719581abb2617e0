//! Several calls at once: one is talked in and the others wait, unless they sit in one conference;
//! and a call that is made to consult somebody remembers for whom.

use super::driver::Driver;
use super::snapshot::{CallPhase, CallView, Notice};
use crate::agent::{self, CallId};
use crate::media::plan::{ConferenceId, MediaCommand, MediaId};

impl Driver {
    /// Whoever goes on with this call has the others wait. A phone without a person's settings
    /// follows its script, and no rule of ours.
    pub(super) fn make_room_for(&mut self, call: CallId) {
        if self.settings.is_none() {
            return;
        }
        let conference = self.conference_of(call);
        // Also who waits: it may be on its way back to us. Who waits for good is not bothered.
        let waits = |view: &CallView| {
            matches!(view.phase, CallPhase::Connected | CallPhase::OnHold(_))
                && view.id != call
                && (view.conference.is_none() || view.conference != conference)
        };
        for call in self.calls_that(waits) {
            self.hand_over(agent::Command::Hold(call));
        }
    }

    /// Who sits in a conference waits and goes on with the others in it.
    pub(super) fn bring_along(&mut self, command: &agent::Command) {
        let (call, hold) = match command {
            agent::Command::Hold(call) => (*call, true),
            agent::Command::Resume(call) => (*call, false),
            _ => return,
        };
        let Some(conference) = self.conference_of(call) else {
            return;
        };
        let others = self.calls_that(|view| view.id != call && view.conference == Some(conference));
        for other in others {
            self.hand_over(if hold {
                agent::Command::Hold(other)
            } else {
                agent::Command::Resume(other)
            });
        }
    }

    /// Has a call wait and makes another, to whom the first may be handed over.
    pub(super) fn consult(&mut self, call: CallId, target: String) {
        let views = self.picture.calls();
        let Some(view) = views.iter().find(|view| view.id == call) else {
            self.notice(Notice::Refused(agent::Refusal::UnknownCall));
            return;
        };
        let (account, talks) = (view.account, view.phase == CallPhase::Connected);
        if talks {
            self.hand_over(agent::Command::Hold(call));
        }
        let other = self.new_call();
        self.consulting.insert(other, call);
        self.phone(agent::Command::Dial {
            account,
            call: other,
            target,
        });
    }

    /// Has two calls hear each other, and us both: in the conference that one of them sits in
    /// already, or in a new one.
    pub(super) fn join(&mut self, call: CallId, other: CallId) {
        let both = [call, other];
        let views = self.picture.calls();
        let talks = |id: &CallId| {
            let mut found = views.iter().filter(|view| view.id == *id);
            found.any(|view| matches!(view.phase, CallPhase::Connected | CallPhase::OnHold(_)))
        };
        if call == other || !both.iter().all(talks) {
            self.notice(Notice::Refused(agent::Refusal::WrongState));
            return;
        }
        // A conference of a server's holds both: it mixes, and the phone of the other one calls there.
        let holds = both.map(|id| views.iter().any(|view| view.id == id && view.focus));
        match holds {
            [true, true] => {
                self.notice(Notice::Refused(agent::Refusal::WrongState));
                return;
            }
            [true, false] => return self.bring_in(other, call),
            [false, true] => return self.bring_in(call, other),
            [false, false] => {}
        }
        let known = both.into_iter().find_map(|id| self.conference_of(id));
        let Some(conference) = known.or_else(|| self.free_conference()) else {
            self.notice(Notice::ConferenceFull);
            return;
        };
        // One that sat elsewhere brings those along who sat there with it.
        let moved = both.into_iter().find_map(|id| {
            let seat = self.conference_of(id);
            seat.filter(|seat| *seat != conference)
        });
        let seats = self.calls_that(|view| {
            both.contains(&view.id) || (moved.is_some() && view.conference == moved)
        });
        for id in &seats {
            self.seat(*id, Some(conference));
        }
        // Whoever talks already is not bothered; who is just being held is, when that is through.
        for id in self.calls_that(|view| view.conference == Some(conference)) {
            self.hand_over(agent::Command::Resume(id));
        }
    }

    /// Has the far side of a call come into the conference that a server holds, which goes on.
    fn bring_in(&mut self, call: CallId, focus: CallId) {
        self.phone(agent::Command::BringIn { call, focus });
        self.phone(agent::Command::Resume(focus));
    }

    /// Takes a call out of its conference and has it wait.
    pub(super) fn split(&mut self, call: CallId) {
        if self.conference_of(call).is_none() {
            return;
        }
        self.seat(call, None);
        self.hand_over(agent::Command::Hold(call));
        self.end_lonely_conferences();
    }

    /// All seats of the conferences are taken: this call stays outside.
    pub(super) fn no_seat(&mut self, call: CallId) {
        self.picture.conference(call, None);
        self.notice(Notice::ConferenceFull);
        self.end_lonely_conferences();
    }

    /// A call has ended: nobody sits in a conference alone, and nobody is consulted for it.
    pub(super) fn call_over(&mut self, call: CallId) {
        self.picture.conference(call, None);
        self.consulting
            .retain(|other, first| *other != call && *first != call);
        self.picture.consulted_no_more(call);
        self.end_lonely_conferences();
    }

    fn end_lonely_conferences(&mut self) {
        let views = self.picture.calls();
        let alone = views.iter().filter(|view| {
            let seats = views.iter().filter(|it| it.conference == view.conference);
            view.conference.is_some() && seats.count() == 1
        });
        let alone: Vec<CallId> = alone.map(|view| view.id).collect();
        for call in alone {
            self.seat(call, None);
        }
    }

    fn seat(&mut self, call: CallId, conference: Option<ConferenceId>) {
        self.picture.conference(call, conference);
        self.dirty = true;
        let media = MediaId(call.0);
        self.order_media(MediaCommand::Confer { media, conference });
    }

    fn conference_of(&self, call: CallId) -> Option<ConferenceId> {
        let mut views = self.picture.calls().iter();
        views.find(|view| view.id == call)?.conference
    }

    fn free_conference(&self) -> Option<ConferenceId> {
        let views = self.picture.calls();
        let taken = |id: &ConferenceId| views.iter().any(|view| view.conference == Some(*id));
        (0..=u8::MAX).map(ConferenceId).find(|id| !taken(id))
    }

    fn calls_that(&self, wanted: impl Fn(&CallView) -> bool) -> Vec<CallId> {
        let views = self.picture.calls().iter();
        let live = views.filter(|view| !matches!(view.phase, CallPhase::Ended(_)));
        live.filter(|view| wanted(view))
            .map(|view| view.id)
            .collect()
    }
}
