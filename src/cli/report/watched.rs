//! What is told of others: busy lamps, presence, messages waiting, and one's own publication.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::{Report, fields, rounded};
use crate::agent::{
    Event as PhoneEvent, LampState, Package, PublicationState, WatchCause, WatchId, WatchState,
};
use crate::events::dialog_info::Lamp;
use crate::events::message_summary::{MessageClass, MessageSummary};
use crate::events::pidf::{Activity, Basic, Presence};
use crate::say;

/// Whom a watch is for, as asked for on the command line.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    uri: String,
    package: Package,
}

impl Report {
    /// A watch was asked for.
    pub(in crate::cli) fn watches(&mut self, watch: WatchId, uri: &str, package: Package) {
        let uri = uri.to_owned();
        self.watched.insert(watch, Watched { uri, package });
    }

    pub(super) fn of_others(&mut self, at: Instant, event: &PhoneEvent) {
        match event {
            PhoneEvent::Watch { watch, state } => self.watch(at, *watch, state),
            PhoneEvent::Lamp { watch, lamp } => self.lamp(at, *watch, lamp),
            PhoneEvent::Presence { watch, presence } => self.presence(at, *watch, presence),
            PhoneEvent::Messages { watch, summary, .. } => self.messages(at, *watch, summary),
            PhoneEvent::Publication { state, .. } => self.publication(at, state),
            _ => {}
        }
    }

    fn watch(&mut self, at: Instant, watch: WatchId, state: &WatchState) {
        let Some((uri, mut line)) = self.about(watch) else {
            return;
        };
        let (word, sentence) = match state {
            WatchState::Pending => (
                "pending",
                Some(say!(self.words, "cli-watch-pending", who = uri.as_str())),
            ),
            WatchState::Active => ("active", None),
            WatchState::Failed {
                cause,
                status,
                reason,
                retry_at,
                kept,
            } => {
                line.extend(failure(at, *cause, *status, reason.as_deref(), *retry_at));
                line.insert("kept".into(), json!(kept));
                let failure = self.words.watch_failure(state, at);
                let what = failure.map(|it| it.one_line()).unwrap_or_default();
                ("failed", Some(format!("{uri}: {what}")))
            }
            WatchState::Over => ("over", None),
        };
        line.insert("state".into(), json!(word));
        self.line(at, "watch", line);
        if let Some(sentence) = sentence {
            self.print(&sentence);
        }
    }

    fn lamp(&mut self, at: Instant, watch: WatchId, lamp: &LampState) {
        let Some((uri, mut line)) = self.about(watch) else {
            return;
        };
        line.insert("lamp".into(), json!(lamp_code(lamp.lamp)));
        if let Some(with) = &lamp.with {
            line.insert("with".into(), json!(with.uri));
            line.insert("display_name".into(), json!(with.display_name));
        }
        line.insert("pickup".into(), json!(lamp.pickup.is_some()));
        self.line(at, "notify", line);
        let state = self.words.lamp(lamp.lamp);
        let sentence = match &lamp.with {
            Some(with) => {
                let with = self.words.party_name(with);
                say!(
                    self.words,
                    "cli-watch-with",
                    who = uri,
                    state = state,
                    other = with
                )
            }
            None => say!(self.words, "cli-watch-is", who = uri, state = state),
        };
        self.print(&sentence);
    }

    fn presence(&mut self, at: Instant, watch: WatchId, presence: &Presence) {
        let Some((uri, mut line)) = self.about(watch) else {
            return;
        };
        let basic = presence.basic().map(|basic| match basic {
            Basic::Open => "open",
            Basic::Closed => "closed",
        });
        let activities: Vec<&str> = presence.activities.iter().map(Activity::as_str).collect();
        line.insert("basic".into(), json!(basic));
        line.insert("activities".into(), json!(activities));
        line.insert("note".into(), json!(presence.note()));
        self.line(at, "notify", line);
        let state = self.words.presence(presence.basic(), &presence.activities);
        self.print(&say!(self.words, "cli-watch-is", who = uri, state = state));
    }

    fn messages(&mut self, at: Instant, watch: Option<WatchId>, summary: &MessageSummary) {
        let (uri, mut line) = watch
            .and_then(|watch| self.about(watch))
            .unwrap_or_else(|| {
                let package = Package::MessageSummary.as_str();
                let account = summary.account.clone().unwrap_or_default();
                (
                    account,
                    fields(json!({ "package": package, "unasked": true })),
                )
            });
        let voice = summary.counts_of(MessageClass::Voice);
        line.insert("waiting".into(), json!(summary.waiting));
        line.insert("account".into(), json!(summary.account));
        if let Some(voice) = voice {
            line.insert("new".into(), json!(voice.new));
            line.insert("old".into(), json!(voice.old));
            line.insert("urgent".into(), json!(voice.new_urgent));
        }
        self.line(at, "notify", line);
        let state = self
            .words
            .messages(summary.waiting, voice.map(|voice| voice.new));
        let sentence = if uri.is_empty() {
            state
        } else {
            say!(self.words, "cli-watch-is", who = uri, state = state)
        };
        self.print(&sentence);
    }

    fn publication(&mut self, at: Instant, state: &PublicationState) {
        let (line, sentence) = match state {
            PublicationState::Published => (
                fields(json!({ "state": "published" })),
                say!(self.words, "cli-published"),
            ),
            PublicationState::Removed => (
                fields(json!({ "state": "removed" })),
                say!(self.words, "cli-unpublished"),
            ),
            PublicationState::Failed {
                cause,
                status,
                reason,
                retry_at,
            } => {
                let mut line = failure(at, *cause, *status, reason.as_deref(), *retry_at);
                line.insert("state".into(), json!("failed"));
                let what = self.words.watch_cause(*cause).one_line();
                (line, say!(self.words, "cli-not-published", what = what))
            }
        };
        self.line(at, "publication", line);
        self.print(&sentence);
    }

    /// Whom a watch is for, and the beginning of its line.
    fn about(&self, watch: WatchId) -> Option<(String, Map<String, Value>)> {
        let Watched { uri, package } = self.watched.get(&watch)?;
        let line = fields(json!({ "uri": uri, "package": package.as_str() }));
        Some((uri.clone(), line))
    }
}

fn failure(
    at: Instant,
    cause: WatchCause,
    status: Option<u16>,
    reason: Option<&str>,
    retry_at: Option<Instant>,
) -> Map<String, Value> {
    let retry = retry_at.map(|retry| rounded(retry.saturating_duration_since(at).as_secs_f32()));
    fields(json!({
        "cause": cause_code(cause),
        "status": status,
        "reason": reason,
        "retry_in_s": retry,
    }))
}

const fn lamp_code(lamp: Lamp) -> &'static str {
    match lamp {
        Lamp::Unknown => "unknown",
        Lamp::Idle => "idle",
        Lamp::Ringing => "ringing",
        Lamp::Busy => "busy",
    }
}

const fn cause_code(cause: WatchCause) -> &'static str {
    match cause {
        WatchCause::WrongPassword => "wrong_password",
        WatchCause::PasswordNeeded => "password_needed",
        WatchCause::WeakDigest => "weak_digest",
        WatchCause::ForeignServer => "foreign_server",
        WatchCause::Unencrypted => "unencrypted",
        WatchCause::NotAllowed => "not_allowed",
        WatchCause::NotFound => "not_found",
        WatchCause::NotOffered => "not_offered",
        WatchCause::Unreachable => "unreachable",
        WatchCause::TimedOut => "timed_out",
        WatchCause::ServerTrouble => "server_trouble",
        WatchCause::Refused => "refused",
    }
}
