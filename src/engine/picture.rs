//! Draws the [`Snapshot`] from what happens.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::ChatsView;
use super::media::RecordFailure;
use super::snapshot::{
    AccountView, AudioView, CallPhase, CallView, Direction, HandedTo, LoudnessView, Notice,
    RecentCall, Recorded, RecordingOptions, RecordingView, Signalling, Snapshot, SoundView,
    TransferView,
};
use crate::agent::{
    self, AccountConfig, AccountId, AccountState, CallEnd, CallId, EndCause, Origin, Party,
    Reception, Security, Side, TransferProgress, TurnedAway, WhyDeclined,
};
use crate::media::plan::ConferenceId;
use crate::media::{Levels, Quality};
use crate::sip::{HostPort, StatusCode};
use crate::store::{AccountSettings, LineSettings, RecordingSettings};
use crate::trust::Refused;
use crate::voice::{VoiceReport, VoiceSettings};

/// Ended calls kept for the list of recents.
const MAX_RECENTS: usize = 50;
/// Calls that have ended and wait to be dismissed; the oldest gives way.
const MAX_ENDED: usize = 16;
/// Notices kept until dismissed; the oldest gives way.
const MAX_NOTICES: usize = 8;
/// Digits shown of those sent in a call.
const MAX_DIGITS: usize = 32;

/// The snapshot in the making.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) snapshot: Snapshot,
}

impl Picture {
    /// A copy for the faces.
    pub(super) fn share(&self) -> Arc<Snapshot> {
        Arc::new(self.snapshot.clone())
    }

    pub(super) fn add_account(&mut self, config: &AccountConfig) {
        let aor = config.aor.as_ref().and_then(crate::sip::Uri::as_sip);
        let view = AccountView {
            id: config.id,
            user: aor.and_then(|aor| aor.user_unescaped()).unwrap_or_default(),
            domain: aor.map(|aor| aor.host_port.to_string()).unwrap_or_default(),
            display_name: config.display_name.clone(),
            state: if config.register {
                AccountState::Registering
            } else {
                AccountState::Direct
            },
            settings: AccountSettings::default(),
            reception: config.reception.clone(),
            mailbox: None,
            published: false,
            signalling: Signalling::default(),
            refused: None,
        };
        match self
            .snapshot
            .accounts
            .iter_mut()
            .find(|account| account.id == config.id)
        {
            Some(account) => *account = view,
            None => self.snapshot.accounts.push(view),
        }
    }

    pub(super) fn remove_account(&mut self, id: AccountId) {
        self.snapshot.accounts.retain(|account| account.id != id);
    }

    /// Takes in what happened. `unix`: the wall clock in seconds since 1970.
    pub(super) fn phone_event(&mut self, now: Instant, unix: u64, event: &agent::Event) {
        match event {
            agent::Event::Account { account, state } => {
                let found = self
                    .snapshot
                    .accounts
                    .iter_mut()
                    .find(|view| view.id == *account);
                if let Some(view) = found {
                    view.state = state.clone();
                }
            }
            agent::Event::Calling {
                call,
                account,
                remote,
                follows,
            } => {
                self.add_call(now, *call, *account, remote, Direction::Outgoing);
                self.with_call(*call, |view| view.follows = *follows);
            }
            agent::Event::Incoming {
                call,
                account,
                remote,
                origin,
                silent,
                ..
            } => {
                self.add_call(now, *call, *account, remote, Direction::Incoming);
                self.with_call(*call, |view| {
                    view.origin.clone_from(origin);
                    view.silenced = *silent;
                });
            }
            agent::Event::TurnedAway {
                account,
                remote,
                how,
                ..
            } => self.add_recent(RecentCall {
                account: *account,
                direction: Direction::Incoming,
                remote: remote.clone(),
                began_unix: unix,
                end: unheard(how),
                recorded: None,
            }),
            agent::Event::Identified { call, remote } => {
                self.with_call(*call, |view| view.remote.clone_from(remote));
            }
            agent::Event::Ringing { call } => self.with_call(*call, |view| {
                if view.phase == CallPhase::Dialing {
                    view.phase = CallPhase::RingingThere;
                }
            }),
            agent::Event::EarlyMedia { call } => {
                self.with_call(*call, |view| view.phase = CallPhase::EarlyMedia);
            }
            agent::Event::Answered {
                call,
                codec,
                remote,
            } => self.with_call(*call, |view| {
                view.phase = CallPhase::Connected;
                view.answered_at = Some(now);
                view.codec = Some(codec.clone());
                view.remote = remote.clone();
            }),
            agent::Event::Renegotiated { call, codec } => {
                self.with_call(*call, |view| view.codec = Some(codec.clone()));
            }
            agent::Event::Security { call, security } => {
                self.with_call(*call, |view| view.security = *security);
            }
            agent::Event::Focus { call, is } => self.with_call(*call, |view| view.focus = *is),
            agent::Event::Held { call, by } => self.with_call(*call, |view| {
                *holds(view, *by) = true;
                view.phase = CallPhase::OnHold(*by);
            }),
            agent::Event::Resumed { call, by } => self.with_call(*call, |view| {
                *holds(view, *by) = false;
                view.phase = if view.held_here {
                    CallPhase::OnHold(Side::Local)
                } else if view.held_there {
                    CallPhase::OnHold(Side::Remote)
                } else {
                    CallPhase::Connected
                };
            }),
            agent::Event::Ended { call, end } => self.end_call(now, unix, *call, end),
            agent::Event::Refused { refusal, .. } => self.notice(Notice::Refused(*refusal)),
            agent::Event::Altered { .. } => self.notice(Notice::MessagesAltered),
            agent::Event::Transfer { call, progress } => {
                self.with_call(*call, |view| follow_transfer(view, progress));
            }
            agent::Event::TransferAsked { call, to, by } => self.with_call(*call, |view| {
                view.handed_to = Some(HandedTo {
                    to: to.clone(),
                    by: by.clone(),
                });
            }),
            agent::Event::TransferAskedNoMore { call } => {
                self.with_call(*call, |view| view.handed_to = None);
            }
            agent::Event::Referred { call, .. } => {
                self.with_call(*call, |view| view.handed_to = None);
            }
            agent::Event::Replaced { call, replaced } => {
                self.with_call(*call, |view| view.follows = Some(*replaced));
            }
            agent::Event::Watch { .. }
            | agent::Event::Lamp { .. }
            | agent::Event::Presence { .. }
            | agent::Event::Messages { .. }
            | agent::Event::Publication { .. } => self.told_of_others(event),
            agent::Event::Digit { .. }
            | agent::Event::InviteSent { .. }
            | agent::Event::Message(_)
            | agent::Event::MessageProgress { .. }
            | agent::Event::Typing { .. }
            | agent::Event::Forwarded { .. }
            | agent::Event::AnsweredByItself { .. }
            | agent::Event::Finished => {}
        }
    }

    fn add_call(
        &mut self,
        now: Instant,
        id: CallId,
        account: AccountId,
        remote: &Party,
        direction: Direction,
    ) {
        self.snapshot.calls.push(CallView {
            id,
            account,
            direction,
            phase: match direction {
                Direction::Outgoing => CallPhase::Dialing,
                Direction::Incoming => CallPhase::RingingHere,
            },
            remote: remote.clone(),
            started_at: now,
            answered_at: None,
            muted: false,
            codec: None,
            digits_sent: String::new(),
            quality: None,
            levels: Arc::new(Levels::default()),
            held_here: false,
            held_there: false,
            recording: None,
            recorded: None,
            transfer: None,
            handed_to: None,
            follows: None,
            silenced: false,
            consults_for: None,
            focus: false,
            security: Security::default(),
            conference: None,
            origin: Origin::default(),
        });
    }

    fn end_call(&mut self, now: Instant, unix: u64, call: CallId, end: &agent::CallEnd) {
        let Some(view) = self.snapshot.calls.iter_mut().find(|view| view.id == call) else {
            return;
        };
        view.phase = CallPhase::Ended(end.clone());
        view.quality = None;
        let age = now.saturating_duration_since(view.started_at).as_secs();
        let recent = RecentCall {
            account: view.account,
            direction: view.direction,
            remote: view.remote.clone(),
            began_unix: unix.saturating_sub(age),
            end: end.clone(),
            recorded: view.recorded,
        };
        self.add_recent(recent);
        self.forget_oldest_ended();
    }

    fn add_recent(&mut self, recent: RecentCall) {
        self.snapshot.recents.insert(0, recent);
        self.snapshot.recents.truncate(MAX_RECENTS);
    }

    /// A face that dismisses nothing, or a stranger who calls without end, must not fill the
    /// picture.
    fn forget_oldest_ended(&mut self) {
        let calls = &mut self.snapshot.calls;
        let has_ended = |view: &CallView| matches!(view.phase, CallPhase::Ended(_));
        let ended = calls.iter().filter(|view| has_ended(view)).count();
        if ended > MAX_ENDED
            && let Some(oldest) = calls.iter().position(has_ended)
        {
            calls.remove(oldest);
        }
    }

    /// A call is made to consult somebody about another.
    pub(super) fn consults(&mut self, call: CallId, first: CallId) {
        self.with_call(call, |view| view.consults_for = Some(first));
    }

    /// This call is over: nobody is consulted about it any more.
    pub(super) fn consulted_no_more(&mut self, first: CallId) {
        for view in &mut self.snapshot.calls {
            view.consults_for = view.consults_for.filter(|it| *it != first);
        }
    }

    /// A call rings on without a sound.
    pub(super) fn silenced(&mut self, call: CallId) {
        self.with_call(call, |view| view.silenced = true);
    }

    /// A call sits in this conference now.
    pub(super) fn conference(&mut self, call: CallId, conference: Option<ConferenceId>) {
        self.with_call(call, |view| view.conference = conference);
    }

    pub(super) fn muted(&mut self, call: CallId, muted: bool) {
        self.with_call(call, |view| view.muted = muted);
    }

    pub(super) fn digits_sent(&mut self, call: CallId, digits: &str) {
        self.with_call(call, |view| {
            view.digits_sent.push_str(digits);
            let surplus = view.digits_sent.chars().count().saturating_sub(MAX_DIGITS);
            view.digits_sent = view.digits_sent.chars().skip(surplus).collect();
        });
    }

    pub(super) fn quality(&mut self, call: CallId, quality: Quality) {
        self.with_call(call, |view| view.quality = Some(quality));
    }

    /// The live levels of a call, which the media thread writes.
    pub(super) fn levels(&mut self, call: CallId, levels: Arc<Levels>) {
        self.with_call(call, |view| view.levels = levels);
    }

    /// A recording of a call begins, or is whole; the one that was under way.
    pub(super) fn recording(
        &mut self,
        call: CallId,
        recording: Option<RecordingView>,
    ) -> Option<RecordingView> {
        let mut calls = self.snapshot.calls.iter_mut();
        let view = calls.find(|view| view.id == call)?;
        let before = std::mem::replace(&mut view.recording, recording);
        if view.recording.is_none() && before.is_some() {
            view.recorded = Some(Recorded::Kept);
        }
        before
    }

    /// The recording in this file came to nothing. It may be told when the call is over.
    pub(super) fn recording_failed(&mut self, path: &Path, why: RecordFailure) {
        for view in &mut self.snapshot.calls {
            if view.recording.as_ref().is_some_and(|it| it.path == path) {
                view.recording = None;
                view.recorded = Some(Recorded::Failed(why));
            }
        }
    }

    pub(super) fn recording_settings(&mut self, settings: RecordingSettings) {
        self.snapshot.recording = RecordingOptions {
            folder: settings.folder(),
            settings,
        };
    }

    pub(super) fn ring_device(&mut self, device: Option<String>) {
        self.snapshot.audio.ring = device;
    }

    pub(super) fn accounts(&self) -> &[AccountView] {
        &self.snapshot.accounts
    }

    /// Where bare numbers of an account are called.
    pub(super) fn home(&self, id: AccountId) -> Option<HostPort> {
        let mut accounts = self.snapshot.accounts.iter();
        let account = accounts.find(|account| account.id == id)?;
        account.domain.parse().ok()
    }

    /// How an account's signalling travels; answers whether that is new.
    pub(super) fn signalling(&mut self, id: AccountId, signalling: Signalling) -> bool {
        let found = self.snapshot.accounts.iter_mut().find(|view| view.id == id);
        found.is_some_and(|view| {
            let before = std::mem::replace(&mut view.signalling, signalling);
            before != view.signalling
        })
    }

    /// A secure connection of an account was refused, or stands.
    pub(super) fn refused(&mut self, id: AccountId, refused: Option<Box<Refused>>) {
        let found = self.snapshot.accounts.iter_mut().find(|view| view.id == id);
        if let Some(view) = found {
            view.refused = refused;
        }
    }

    /// What becomes of calls of an account that come in.
    pub(super) fn reception(&mut self, id: AccountId, rules: &Reception) {
        let found = self.snapshot.accounts.iter_mut().find(|view| view.id == id);
        if let Some(view) = found {
            view.reception = rules.clone();
        }
    }

    pub(super) fn calls(&self) -> &[CallView] {
        &self.snapshot.calls
    }

    /// What an edit of an account starts from.
    pub(super) fn written(&mut self, id: AccountId, written: &AccountSettings) {
        let found = self.snapshot.accounts.iter_mut().find(|view| view.id == id);
        if let Some(view) = found {
            view.settings = written.clone();
        }
    }

    /// The country that an account's calls are to sound like, if one was chosen for it.
    pub(super) fn tones_of(&self, id: AccountId) -> Option<&str> {
        let mut accounts = self.snapshot.accounts.iter();
        let account = accounts.find(|account| account.id == id)?;
        account.settings.tones.as_deref()
    }

    /// The highest number up to `from` that no account has.
    pub(super) fn free_account_below(&self, from: u32) -> u32 {
        let taken = |id: &u32| self.snapshot.accounts.iter().any(|view| view.id.0 == *id);
        (0..=from).rev().find(|id| !taken(id)).unwrap_or(from)
    }

    /// Whether any microphone or speaker was found.
    pub(super) fn has_devices(&self) -> bool {
        !self.snapshot.audio.unavailable
    }

    /// Whether this is the notice that was added last.
    pub(super) fn says_last(&self, notice: &Notice) -> bool {
        self.snapshot.notices.last() == Some(notice)
    }

    pub(super) fn audio(&mut self, audio: AudioView) {
        let voice_report = self.snapshot.audio.voice_report;
        self.snapshot.audio = AudioView {
            voice_report,
            ..audio
        };
    }

    pub(super) fn voice(&mut self, voice: VoiceSettings) {
        self.snapshot.audio.voice = voice;
    }

    pub(super) fn voice_report(&mut self, report: VoiceReport) {
        self.snapshot.audio.voice_report = Some(report);
    }

    pub(super) fn line(&mut self, line: LineSettings) {
        self.snapshot.line = line;
    }

    /// How loud things are to be, and how the microphone fares.
    pub(super) fn loudness(&mut self) -> &mut LoudnessView {
        &mut self.snapshot.loudness
    }

    pub(super) fn sounds(&mut self, sounds: SoundView) {
        self.snapshot.sounds = sounds;
    }

    pub(super) fn chats(&mut self, chats: Arc<ChatsView>) {
        self.snapshot.chats = chats;
    }

    pub(super) fn dismiss(&mut self, call: CallId) {
        self.snapshot
            .calls
            .retain(|view| view.id != call || !matches!(view.phase, CallPhase::Ended(_)));
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        if self.snapshot.notices.len() >= MAX_NOTICES {
            self.snapshot.notices.remove(0);
        }
        self.snapshot.notices.push(notice);
    }

    pub(super) fn dismiss_notice(&mut self) {
        if !self.snapshot.notices.is_empty() {
            self.snapshot.notices.remove(0);
        }
    }

    fn with_call(&mut self, call: CallId, change: impl FnOnce(&mut CallView)) {
        if let Some(view) = self.snapshot.calls.iter_mut().find(|view| view.id == call) {
            change(view);
        }
    }
}

fn holds(view: &mut CallView, by: Side) -> &mut bool {
    match by {
        Side::Local => &mut view.held_here,
        Side::Remote => &mut view.held_there,
    }
}

/// How a call ended that never rang.
fn unheard(how: &TurnedAway) -> CallEnd {
    let (cause, status) = match how {
        TurnedAway::Forwarded { .. } => (EndCause::Forwarded, StatusCode::MOVED_TEMPORARILY),
        TurnedAway::Declined { status, why } => match why {
            WhyDeclined::DoNotDisturb => (EndCause::DoNotDisturb, *status),
            WhyDeclined::NotKnown | WhyDeclined::NoLine => (EndCause::Declined, *status),
            WhyDeclined::NotEncrypted => (EndCause::NotEncrypted, *status),
        },
    };
    CallEnd {
        cause,
        by: Side::Local,
        status: Some(status.code()),
        reason: None,
        talked: None,
    }
}

/// A transfer of ours goes on.
fn follow_transfer(view: &mut CallView, progress: &TransferProgress) {
    match (progress, &mut view.transfer) {
        (TransferProgress::Begun { to }, transfer) => {
            *transfer = Some(TransferView {
                to: to.clone(),
                progress: progress.clone(),
            });
        }
        (_, Some(transfer)) => transfer.progress = progress.clone(),
        (_, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Event;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do as the beginning of time"
    )]
    fn a_stranger_who_calls_without_end_does_not_fill_the_picture() {
        let (now, mut picture) = (Instant::now(), Picture::default());
        for number in 0..500 {
            let call = CallId(number);
            let incoming = Event::Incoming {
                call,
                account: AccountId(1),
                remote: Party::default(),
                called: None,
                origin: Origin::default(),
                silent: false,
                answers_in: None,
            };
            let end = CallEnd {
                cause: EndCause::Cancelled,
                by: Side::Remote,
                status: None,
                reason: None,
                talked: None,
            };
            picture.phone_event(now, 0, &incoming);
            if number != 7 {
                picture.phone_event(now, 0, &Event::Ended { call, end });
            }
        }
        assert_eq!(picture.calls().len(), MAX_ENDED + 1);
        assert!(
            picture.calls().iter().any(|view| view.id == CallId(7)),
            "the call that still rings stays"
        );
        assert_eq!(picture.snapshot.recents.len(), MAX_RECENTS);
    }
}
