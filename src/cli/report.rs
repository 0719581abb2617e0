//! What the command line says of a call while it happens: JSON lines for programs on stdout,
//! sentences for people on stderr.

mod reception;
mod watched;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value, json};

use super::figures::{Means, quality_fields};
use crate::agent::{
    AccountState, CallEnd, CallId, EndCause, Event as PhoneEvent, MediaSecurity, Message,
    MessageProgress, RegistrationCause, Security, SecurityGrade, Side, TransferProgress, WatchId,
};
use crate::engine::{Direction, Event, Notice, Signalling, Stamped, clock};
use crate::i18n::Words;
use crate::media::plan::CodecChoice;
use crate::media::{MicrophoneState, Quality};
use crate::say;
use crate::trust::{Refused, Secured};
use watched::Watched;

/// Says what happens.
pub(super) struct Report {
    started: Instant,
    json: bool,
    words: Words,
    calls: BTreeMap<CallId, Told>,
    /// Whom the watches are for.
    watched: BTreeMap<WatchId, Watched>,
    /// Calls so far: the next is one more.
    count: usize,
    live_line: bool,
    /// The person knows that there is no microphone or speaker.
    device_missing: bool,
    /// What is wrong with the microphone, as far as it was told.
    microphone: MicrophoneState,
    /// Why the last secure connection was refused, and what differed.
    refused: Option<Box<Refused>>,
}

/// What was seen of one call.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// Its number, from 1.
    number: usize,
    /// When it was asked for.
    dialled: Option<Instant>,
    /// When its first INVITE left.
    invited: Option<Instant>,
    /// When its INVITE was answered.
    answered: Option<Instant>,
    /// When its first packet left and came.
    first_sent: Option<Instant>,
    /// When the first packet of the far side came.
    first_received: Option<Instant>,
    /// Who called whom.
    direction: Direction,
    /// The codec it ended with.
    codec: Option<CodecChoice>,
    /// How it is protected.
    security: Security,
    /// How it ended.
    end: Option<CallEnd>,
    /// A fault of ours ended its sound.
    failed: bool,
    /// Nothing is heard of the far side.
    silent: bool,
    /// What was measured each second.
    measured: Means,
    /// What this program had computed when the call was answered, and how much it was until the
    /// call's end.
    cpu: (Option<Duration>, Option<Duration>),
}

impl Report {
    /// A report whose clock starts at `started`.
    #[must_use]
    pub(super) fn new(started: Instant, json: bool, words: Words) -> Report {
        Report {
            started,
            json,
            words,
            calls: BTreeMap::new(),
            watched: BTreeMap::new(),
            count: 0,
            live_line: false,
            device_missing: false,
            microphone: MicrophoneState::default(),
            refused: None,
        }
    }

    /// Whether a call was answered.
    pub(super) fn answered(&self, call: CallId) -> bool {
        self.calls
            .get(&call)
            .is_some_and(|told| told.answered.is_some())
    }

    /// Whether sound of a call came, or it was too short to tell.
    pub(super) fn heard(&self, call: CallId, too_short: Duration) -> bool {
        self.calls.get(&call).is_some_and(|told| {
            let talked = told
                .end
                .as_ref()
                .and_then(|end| end.talked)
                .unwrap_or_default();
            // What came before the answer may have been a ringing tone.
            let since_answer =
                told.first_received >= told.answered && told.first_received.is_some();
            let before = told.first_received.is_some() && !told.silent;
            !told.failed && (since_answer || before || talked < too_short)
        })
    }

    /// A call is asked for at this moment: the click.
    pub(super) fn dialled(&mut self, at: Instant, call: CallId) {
        self.told(call).dialled.get_or_insert(at);
    }

    fn told(&mut self, call: CallId) -> &mut Told {
        self.calls.entry(call).or_insert_with(|| {
            self.count += 1;
            Told {
                number: self.count,
                dialled: None,
                invited: None,
                answered: None,
                first_sent: None,
                first_received: None,
                direction: Direction::Outgoing,
                codec: None,
                security: Security::default(),
                end: None,
                failed: false,
                silent: false,
                measured: Means::default(),
                cpu: (None, None),
            }
        })
    }

    /// Takes in what happened and says it.
    pub(super) fn take(&mut self, stamped: &Stamped) {
        let at = stamped.at;
        match &stamped.event {
            Event::Phone(event) => self.phone(at, event),
            Event::NotSecured { refused, .. } => self.refused = Some(refused.clone()),
            Event::Secured { secured, .. } => self.secured(at, secured),
            Event::Stats {
                call,
                quality,
                level_in,
                level_out,
            } => {
                let told = self.told(*call);
                told.measured.add(quality);
                let number = told.number;
                let mut fields = quality_fields(quality);
                fields.insert("level_in_dbov".into(), rounded(level_in.0));
                fields.insert("level_out_dbov".into(), rounded(level_out.0));
                self.call_line(at, "stats", number, fields);
                self.live(at, *call, quality);
            }
            Event::Digit { call, digit, held } => {
                let number = self.told(*call).number;
                let fields = fields(json!({
                    "digit": digit.to_string(),
                    "duration_ms": u64::try_from(held.as_millis()).unwrap_or(u64::MAX),
                }));
                self.call_line(at, "dtmf", number, fields);
                let sentence = say!(self.words, "cli-digit", digit = digit.to_string());
                self.print(&sentence);
            }
            Event::FirstPacketSent { call } => {
                self.told(*call).first_sent.get_or_insert(at);
            }
            Event::FirstPacketReceived { call } => {
                self.told(*call).first_received.get_or_insert(at);
            }
            Event::SoundFailed { call } => {
                let told = self.told(*call);
                told.failed = true;
                let number = told.number;
                let fields = fields(json!({ "kind": "sound_failed" }));
                self.call_line(at, "warning", number, fields);
                let sentence = say!(self.words, "cli-sound-failed");
                self.print(&sentence);
            }
            Event::NoSound { call } => {
                let told = self.told(*call);
                told.silent = true;
                let number = told.number;
                let fields = fields(json!({ "kind": "no_sound" }));
                self.call_line(at, "warning", number, fields);
                let sentence = say!(self.words, "cli-no-sound");
                self.print(&sentence);
            }
            Event::Device { back } => {
                let kind = if *back { "device_back" } else { "device_gone" };
                self.line(at, "warning", fields(json!({ "kind": kind })));
                // Microphone and speaker tend to go together: once is enough.
                if *back {
                    self.device_missing = false;
                    let sentence = say!(self.words, "cli-device-back");
                    self.print(&sentence);
                } else if !std::mem::replace(&mut self.device_missing, true) {
                    let sentence = say!(self.words, "cli-device-gone");
                    self.print(&sentence);
                }
            }
            Event::DeviceStandsIn => {
                self.line(at, "warning", fields(json!({ "kind": "device_stands_in" })));
                let sentence = say!(self.words, "cli-device-stands-in");
                self.print(&sentence);
            }
            Event::SoundBack { call } => {
                let told = self.told(*call);
                told.silent = false;
                let number = told.number;
                let fields = fields(json!({ "kind": "sound_back" }));
                self.call_line(at, "warning", number, fields);
            }
            Event::Microphone(state) => self.microphone(at, *state),
            Event::Listening { addresses } => {
                let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                self.line(at, "listening", fields(json!({ "addresses": addresses })));
            }
            Event::PlayStarted { call } => {
                let number = self.told(*call).number;
                self.call_line(at, "play_started", number, wall_clock_fields(at));
            }
            Event::RecordStarted => self.line(at, "record_started", wall_clock_fields(at)),
            Event::RecordFailed { path } => {
                self.line(at, "warning", fields(json!({ "kind": "record_failed" })));
                let about = path.display().to_string();
                let sentence = say!(self.words, "cli-record-unwritable", about = about);
                self.print(&sentence);
            }
            Event::RecordGaps { path } => {
                self.line(at, "warning", fields(json!({ "kind": "record_gaps" })));
                let about = path.display().to_string();
                let sentence = say!(self.words, "cli-record-gaps", about = about);
                self.print(&sentence);
            }
            Event::ConferenceFull { .. }
            | Event::Speaking { .. }
            | Event::PlayFinished { .. }
            | Event::Interrupted
            | Event::Stopped => {}
        }
    }

    /// Says what is wrong with the microphone now, and what no longer is.
    fn microphone(&mut self, at: Instant, state: MicrophoneState) {
        let before = std::mem::replace(&mut self.microphone, state);
        let changes = [
            ("microphone_silent", before.silent, state.silent),
            ("microphone_clipping", before.clipping, state.clipping),
            ("talking_muted", before.talking_muted, state.talking_muted),
        ];
        for (kind, was, is) in changes {
            if was != is {
                let fields = fields(json!({ "kind": kind, "over": was }));
                self.line(at, "warning", fields);
            }
        }
        let told = |was: bool, is: bool| is && !was;
        if told(before.silent, state.silent) {
            self.print(&say!(self.words, "cli-microphone-silent"));
        }
        if told(before.clipping, state.clipping) {
            self.print(&say!(self.words, "cli-microphone-clipping"));
        }
        if told(before.talking_muted, state.talking_muted) {
            self.print(&say!(self.words, "cli-talking-muted"));
        }
    }

    fn phone(&mut self, at: Instant, event: &PhoneEvent) {
        match event {
            PhoneEvent::Account { state, .. } => self.account(at, state),
            PhoneEvent::Calling { call, remote, .. } => {
                let number = self.told(*call).number;
                self.call_line(
                    at,
                    "calling",
                    number,
                    fields(json!({ "remote": remote.uri })),
                );
                let sentence = say!(self.words, "cli-calling", remote = remote.uri.as_str());
                self.print(&sentence);
            }
            PhoneEvent::InviteSent { call } => {
                self.told(*call).invited.get_or_insert(at);
            }
            PhoneEvent::Incoming {
                call,
                remote,
                origin,
                silent,
                answers_in,
                ..
            } => {
                self.make_room(at);
                let told = self.told(*call);
                told.direction = Direction::Incoming;
                let number = told.number;
                let mut fields = reception::who_fields(remote, origin);
                fields.insert("silent".into(), json!(silent));
                let answers_in = answers_in.map(|span| rounded(span.as_secs_f32()));
                fields.insert("answers_in_s".into(), json!(answers_in));
                self.call_line(at, "incoming", number, fields);
                let name = self.words.party_name(remote);
                let sentence = say!(self.words, "cli-incoming", remote = name);
                let diverted = self.words.diverted_from(origin);
                let told = [Some(sentence), diverted];
                self.print(&told.into_iter().flatten().collect::<Vec<_>>().join(" · "));
            }
            PhoneEvent::Ringing { call } => {
                let number = self.told(*call).number;
                self.call_line(at, "ringing", number, Map::new());
                let sentence = say!(self.words, "cli-ringing");
                self.print(&sentence);
            }
            PhoneEvent::EarlyMedia { call } => {
                let number = self.told(*call).number;
                self.call_line(at, "early_media", number, Map::new());
                let sentence = say!(self.words, "cli-early-media");
                self.print(&sentence);
            }
            PhoneEvent::Answered {
                call,
                codec,
                remote,
            } => {
                let told = self.told(*call);
                told.answered = Some(at);
                told.cpu.0 = clock::process_cpu();
                told.codec = Some(codec.clone());
                let (number, security) = (told.number, told.security);
                let mut fields = codec_fields(codec);
                fields.insert("secure".into(), secure(security));
                fields.insert("remote".into(), json!(remote.uri));
                self.call_line(at, "answered", number, fields);
                let codec = self.words.codec(codec.kind);
                let sentence = say!(self.words, "cli-answered", codec = codec);
                self.print(&sentence);
                if let Some(words) = self.words.security(security.grade()) {
                    self.print(&words.text);
                }
            }
            PhoneEvent::Security { call, security } => {
                let told = self.told(*call);
                told.security = *security;
                let (number, answered) = (told.number, told.answered.is_some());
                let grade = security.grade();
                let fields = fields(json!({
                    "secure": secure(*security),
                    "signalling": security.signalling,
                    "identity": security.identity,
                    "grade": grade_name(grade),
                }));
                self.call_line(at, "security", number, fields);
                // Before the answer it is told with that.
                if answered {
                    let words = self.words.security(grade);
                    let text =
                        words.map_or_else(|| say!(self.words, "security-open"), |it| it.text);
                    self.print(&text);
                }
            }
            PhoneEvent::Renegotiated { call, codec } => {
                let told = self.told(*call);
                told.codec = Some(codec.clone());
                let number = told.number;
                self.call_line(at, "renegotiated", number, codec_fields(codec));
            }
            PhoneEvent::Focus { call, is } => {
                let number = self.told(*call).number;
                let fields = fields(json!({ "is": is }));
                self.call_line(at, "conference", number, fields);
                if *is {
                    let sentence = say!(self.words, "call-focus");
                    self.print(&sentence);
                }
            }
            PhoneEvent::Held { call, by } => self.hold(at, *call, "held", *by),
            PhoneEvent::Resumed { call, by } => self.hold(at, *call, "resumed", *by),
            PhoneEvent::Ended { call, end } => {
                let told = self.told(*call);
                told.end = Some(end.clone());
                let before = told.cpu.0;
                told.cpu.1 = before.and_then(|cpu| clock::process_cpu()?.checked_sub(cpu));
                let (number, direction) = (told.number, told.direction);
                let fields = fields(json!({
                    "cause": cause_code(end.cause),
                    "by": side_code(end.by),
                    "status": end.status,
                    "reason": end.reason,
                    "duration_s": end.talked.map(|talked| rounded(talked.as_secs_f32())),
                }));
                self.call_line(at, "ended", number, fields);
                let sentence = self.words.call_end(end, direction).one_line();
                self.print(&sentence);
            }
            PhoneEvent::Refused { refusal, .. } => {
                self.line(at, "warning", fields(json!({ "kind": "refused" })));
                let sentence = self.words.refusal(*refusal).one_line();
                self.print(&sentence);
            }
            PhoneEvent::Altered { .. } => {
                self.line(at, "warning", fields(json!({ "kind": "altered" })));
                let sentence = self.words.notice(&Notice::MessagesAltered).one_line();
                self.print(&sentence);
            }
            PhoneEvent::Transfer { call, progress } => self.transfer(at, *call, progress),
            PhoneEvent::TransferAsked { call, to, by } => {
                let number = self.told(*call).number;
                let fields = fields(json!({
                    "stage": "asked",
                    "to": to.uri,
                    "by": by.as_ref().map(|by| by.uri.as_str()),
                }));
                self.call_line(at, "transfer", number, fields);
                let to = self.words.party_name(to);
                self.print(&say!(self.words, "cli-transfer-asked", to = to));
            }
            PhoneEvent::TransferAskedNoMore { call } => {
                let number = self.told(*call).number;
                self.call_line(
                    at,
                    "transfer",
                    number,
                    fields(json!({ "stage": "refused" })),
                );
            }
            PhoneEvent::Referred { call, to } => {
                let follows = self.told(*to).number;
                let number = self.told(*call).number;
                let fields = fields(json!({ "stage": "followed", "follows": follows }));
                self.call_line(at, "transfer", number, fields);
            }
            PhoneEvent::Replaced { call, replaced } => {
                let replaced = self.told(*replaced).number;
                let number = self.told(*call).number;
                let fields = fields(json!({ "stage": "replaced", "replaces": replaced }));
                self.call_line(at, "transfer", number, fields);
            }
            PhoneEvent::Message(message) => self.message(at, message),
            PhoneEvent::MessageProgress { progress, .. } => self.message_progress(at, progress),
            PhoneEvent::Typing { peer, writes, .. } => {
                let fields = fields(json!({ "peer": peer, "writes": writes }));
                self.line(at, "typing", fields);
                if *writes {
                    let sentence = say!(self.words, "cli-typing", peer = peer.as_str());
                    self.print(&sentence);
                }
            }
            PhoneEvent::TurnedAway {
                call,
                remote,
                origin,
                how,
                ..
            } => self.turned_away(at, *call, (remote, origin), how),
            PhoneEvent::Forwarded { call, to, reason } => {
                self.forwarded(at, *call, Map::new(), to, *reason);
            }
            PhoneEvent::AnsweredByItself { call, .. } => {
                let number = self.told(*call).number;
                self.call_line(at, "answered_by_itself", number, Map::new());
            }
            PhoneEvent::Identified { call, remote } => {
                let number = self.told(*call).number;
                let fields = fields(json!({
                    "remote": remote.uri,
                    "display_name": remote.display_name,
                }));
                self.call_line(at, "identified", number, fields);
                let name = self.words.party_name(remote);
                self.print(&say!(self.words, "cli-identified", remote = name));
            }
            PhoneEvent::Watch { .. }
            | PhoneEvent::Lamp { .. }
            | PhoneEvent::Presence { .. }
            | PhoneEvent::Messages { .. }
            | PhoneEvent::Publication { .. } => self.of_others(at, event),
            // The engine tells all keys in one way, however they came.
            PhoneEvent::Digit { .. } | PhoneEvent::Finished => {}
        }
    }

    /// A message came.
    fn message(&mut self, at: Instant, message: &Message) {
        let call = message.call.map(|call| self.told(call).number);
        let from = &message.from;
        let fields = fields(json!({
            "direction": "in",
            "from": from.uri,
            "display_name": from.display_name,
            "text": message.text,
            "call": call,
        }));
        self.line(at, "message", fields);
        let name = self.words.party_name(from);
        let text = message.text.as_str();
        let sentence = say!(self.words, "cli-message-received", from = name, text = text);
        self.print(&sentence);
    }

    /// How a message of ours goes.
    fn message_progress(&mut self, at: Instant, progress: &MessageProgress) {
        let mut line = fields(json!({ "direction": "out" }));
        line.extend(fields(match progress {
            MessageProgress::Sending => json!({ "state": "sending" }),
            MessageProgress::Waiting { cause, retry_at } => {
                let wait = retry_at.map(|retry| retry.saturating_duration_since(at));
                json!({
                    "state": "waiting",
                    "cause": cause.code(),
                    "retry_in_s": wait.map(|wait| rounded(wait.as_secs_f32())),
                })
            }
            MessageProgress::Delivered => json!({ "state": "delivered" }),
            MessageProgress::Failed {
                cause,
                status,
                reason,
            } => json!({
                "state": "failed",
                "cause": cause.code(),
                "status": status,
                "reason": reason,
            }),
        }));
        self.line(at, "message", line);
        let sentence = self.words.message_progress(progress);
        self.print(&sentence);
    }

    /// How a transfer of ours goes.
    fn transfer(&mut self, at: Instant, call: CallId, progress: &TransferProgress) {
        let number = self.told(call).number;
        let (stage, more) = match progress {
            TransferProgress::Begun { to } => ("begun", json!({ "to": to.uri })),
            TransferProgress::Accepted => ("accepted", json!({})),
            TransferProgress::Ringing => ("ringing", json!({})),
            TransferProgress::Succeeded => ("succeeded", json!({})),
            TransferProgress::Untold => ("untold", json!({})),
            TransferProgress::Failed { status, reason } => {
                ("failed", json!({ "status": status, "reason": reason }))
            }
        };
        let mut line = fields(more);
        line.insert("stage".into(), json!(stage));
        self.call_line(at, "transfer", number, line);
        let sentence = self.words.transfer(progress);
        self.print(&sentence);
    }

    fn account(&mut self, at: Instant, state: &AccountState) {
        let mut sentence = match self.words.registration_failure(state, at) {
            Some(failure) => failure.one_line(),
            None => self.words.account_state(state),
        };
        match state {
            AccountState::Registered { expires } => {
                self.line(
                    at,
                    "registered",
                    fields(json!({ "expires_s": expires.as_secs() })),
                );
            }
            AccountState::Failed {
                cause,
                status,
                reason,
                retry_at,
            } => {
                let retry = retry_at
                    .map(|retry| rounded(retry.saturating_duration_since(at).as_secs_f32()));
                let mut line = fields(json!({
                    "cause": registration_code(*cause),
                    "status": status,
                    "reason": reason,
                    "retry_in_s": retry,
                }));
                let refused = self.refused.take();
                let refused = refused.filter(|_| matches!(cause, RegistrationCause::NotSecured(_)));
                if let Some(refused) = &refused {
                    line.extend(what_differs(refused));
                    for told in self.words.what_differs(refused) {
                        sentence.push_str("\n  ");
                        sentence.push_str(&told);
                    }
                }
                self.line(at, "registration_failed", line);
            }
            AccountState::Unregistered => self.line(at, "unregistered", Map::new()),
            AccountState::Direct | AccountState::Registering => return,
        }
        self.print(&sentence);
    }

    fn secured(&mut self, at: Instant, secured: &Secured) {
        let line = fields(json!({
            "version": secured.version.to_string(),
            "verified": secured.verified.as_str(),
            "fingerprint": secured.certificate.fingerprint.to_string(),
        }));
        self.line(at, "secured", line);
        let signalling = Signalling::Encrypted(Box::new(secured.clone()));
        if let Some(sentence) = self.words.signalling(&signalling) {
            self.print(&sentence);
        }
    }

    fn hold(&mut self, at: Instant, call: CallId, event: &str, by: Side) {
        let number = self.told(call).number;
        self.call_line(at, event, number, fields(json!({ "by": side_code(by) })));
        let sentence = match (event, by) {
            ("held", Side::Local) => say!(self.words, "cli-held-here"),
            ("held", Side::Remote) => say!(self.words, "cli-held-there"),
            (_, Side::Local) => say!(self.words, "cli-resumed-here"),
            (_, Side::Remote) => say!(self.words, "cli-resumed-there"),
        };
        self.print(&sentence);
    }

    /// There is no microphone or no speaker from the beginning.
    pub(super) fn no_device(&mut self) {
        self.device_missing = true;
        let sentence = say!(self.words, "cli-no-device-here");
        self.print(&sentence);
    }

    /// What the keys do while it rings here.
    pub(super) fn hint_ringing(&mut self) {
        let sentence = say!(self.words, "cli-keys-ringing");
        self.print(&sentence);
    }

    /// What the keys do in a call.
    pub(super) fn hint_talking(&mut self) {
        let sentence = say!(self.words, "cli-keys-talking");
        self.print(&sentence);
    }

    /// The last lines: one object for each call, with the times that matter.
    pub(super) fn summary(&mut self, at: Instant) {
        while let Some((_, told)) = self.calls.pop_first() {
            self.sum_up(at, &told);
        }
    }

    /// Makes room for one more call where a phone answers calls for months: the oldest that has
    /// ended is summed up now.
    fn make_room(&mut self, at: Instant) {
        if self.calls.len() < MAX_CALLS {
            return;
        }
        let ended = self.calls.iter().filter(|(_, told)| told.end.is_some());
        let oldest = ended
            .min_by_key(|(_, told)| told.number)
            .map(|(call, _)| *call);
        if let Some(told) = oldest.and_then(|call| self.calls.remove(&call)) {
            self.sum_up(at, &told);
        }
    }

    fn sum_up(&self, at: Instant, told: &Told) {
        let since = |from: Option<Instant>, to: Option<Instant>| {
            from.zip(to).map(|(from, to)| {
                rounded(to.saturating_duration_since(from).as_secs_f32() * 1000.0)
            })
        };
        let mut fields = fields(json!({
            "click_to_invite_ms": since(told.dialled, told.invited),
            "answer_to_first_rtp_ms": since(told.answered, told.first_sent),
            "answer_to_first_heard_ms": since(told.answered, told.first_received),
            "cpu_s": told.cpu.1.map(|cpu| rounded(cpu.as_secs_f32())),
        }));
        if let Some(codec) = &told.codec {
            fields.extend(codec_fields(codec));
        }
        if let Some(mean) = told.measured.mean() {
            fields.extend(quality_fields(&mean));
        }
        self.call_line(at, "summary", told.number, fields);
    }

    fn call_line(&self, at: Instant, event: &str, call: usize, rest: Map<String, Value>) {
        let mut fields = Map::new();
        fields.insert("call".into(), json!(call));
        fields.extend(rest);
        self.line(at, event, fields);
    }

    /// Writes one JSON object, if JSON is wanted.
    fn line(&self, at: Instant, event: &str, rest: Map<String, Value>) {
        if !self.json {
            return;
        }
        let t = at.saturating_duration_since(self.started).as_secs_f64();
        let mut object = Map::new();
        object.insert("t".into(), json!((t * 1000.0).round() / 1000.0));
        object.insert("event".into(), json!(event));
        object.extend(rest);
        let mut out = std::io::stdout().lock();
        // Whoever reads may have gone; the call goes on.
        let _ = writeln!(out, "{}", Value::Object(object));
        let _ = out.flush();
    }

    /// Says a sentence to people: on stdout, or beside it where that is for programs.
    pub(super) fn print(&mut self, sentence: &str) {
        let clear = if std::mem::take(&mut self.live_line) {
            CLEAR_LINE
        } else {
            ""
        };
        // Whoever listened may have gone; the call goes on.
        let _ = if self.json {
            writeln!(std::io::stderr().lock(), "{clear}{sentence}")
        } else {
            writeln!(std::io::stdout().lock(), "{clear}{sentence}")
        };
    }

    /// The line that changes in place: timer and quality, on a terminal only.
    fn live(&mut self, at: Instant, call: CallId, quality: &Quality) {
        if self.json || !std::io::stdout().is_terminal() {
            return;
        }
        let Some(answered) = self.calls.get(&call).and_then(|told| told.answered) else {
            return;
        };
        let timer = self.words.timer(at.saturating_duration_since(answered));
        let grade = self.words.grade(quality.grade());
        let numbers = self.words.quality_numbers(quality);
        let mut out = std::io::stdout().lock();
        let _ = write!(out, "{CLEAR_LINE}{timer}  {grade}  {numbers}");
        let _ = out.flush();
        self.live_line = true;
    }
}

/// Back to the line's beginning, and nothing left on it (ECMA-48 EL).
const CLEAR_LINE: &str = "\r\u{1b}[2K";

/// Calls kept until the end for their summaries.
const MAX_CALLS: usize = 256;

pub(super) fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// By what the sound is protected, as the JSON lines say it.
fn secure(security: Security) -> Value {
    match security.media {
        MediaSecurity::Clear => Value::Null,
        MediaSecurity::Sdes => json!("sdes"),
    }
}

fn grade_name(grade: SecurityGrade) -> &'static str {
    match grade {
        SecurityGrade::Open => "open",
        SecurityGrade::KeysExposed => "keys_exposed",
        SecurityGrade::Encrypted => "encrypted",
        SecurityGrade::Verified => "verified",
    }
}

/// Three digits behind the point are more than any of our clocks can tell.
pub(super) fn rounded(value: f32) -> Value {
    json!((f64::from(value) * 1000.0).round() / 1000.0)
}

/// A moment that other programs on this machine can place: milliseconds since 1970, UTC.
fn wall_clock_fields(at: Instant) -> Map<String, Value> {
    let since = clock::wall_clock_at(at).duration_since(SystemTime::UNIX_EPOCH);
    let ms = since.unwrap_or_default().as_secs_f64() * 1e3;
    fields(json!({ "unix_ms": (ms * 1e3).round() / 1e3 }))
}

fn codec_fields(codec: &CodecChoice) -> Map<String, Value> {
    fields(json!({
        "codec": codec.kind.name().to_ascii_lowercase(),
        "rate": codec.kind.sound_rate().hz(),
        "payload_type": codec.payload_type.number(),
        "ptime_ms": u64::try_from(codec.ptime.as_millis()).unwrap_or(u64::MAX),
    }))
}

fn side_code(side: Side) -> &'static str {
    match side {
        Side::Local => "local",
        Side::Remote => "remote",
    }
}

fn cause_code(cause: EndCause) -> &'static str {
    match cause {
        EndCause::HungUp => "hung_up",
        EndCause::Transferred => "transferred",
        EndCause::Replaced => "replaced",
        EndCause::Cancelled => "cancelled",
        EndCause::AnsweredElsewhere => "answered_elsewhere",
        EndCause::DeclinedElsewhere => "declined_elsewhere",
        EndCause::Forwarded => "forwarded",
        EndCause::DoNotDisturb => "do_not_disturb",
        EndCause::Declined => "declined",
        EndCause::Busy => "busy",
        EndCause::NoAnswer => "no_answer",
        EndCause::Unavailable => "unavailable",
        EndCause::NotFound => "not_found",
        EndCause::NoCommonCodec => "no_common_codec",
        EndCause::NotEncrypted => "not_encrypted",
        EndCause::WrongPassword => "wrong_password",
        EndCause::PasswordNeeded => "password_needed",
        EndCause::WeakDigest => "weak_digest",
        EndCause::ForeignServer => "foreign_server",
        EndCause::Unencrypted => "unencrypted",
        EndCause::Forbidden => "forbidden",
        EndCause::HostNotFound => "host_not_found",
        EndCause::Unreachable => "unreachable",
        EndCause::NotSecured => "not_secured",
        EndCause::TimedOut => "timed_out",
        EndCause::NoMedia => "no_media",
        EndCause::ServerTrouble => "server_trouble",
        EndCause::Redirected => "redirected",
        EndCause::NotAcknowledged => "not_acknowledged",
        EndCause::Refused => "refused",
    }
}

/// What was expected of a server, and what it presented.
fn what_differs(refused: &Refused) -> Map<String, Value> {
    let mut line = fields(json!({ "expected": refused.expected }));
    if let Some(certificate) = &refused.certificate {
        let shown = json!({
            "names": certificate.names.shown(),
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "not_before": certificate.not_before,
            "not_after": certificate.not_after,
            "fingerprint": certificate.fingerprint.to_string(),
        });
        line.insert("certificate".into(), shown);
    }
    line
}

fn registration_code(cause: RegistrationCause) -> &'static str {
    match cause {
        RegistrationCause::WrongPassword => "wrong_password",
        RegistrationCause::PasswordNeeded => "password_needed",
        RegistrationCause::Forbidden => "forbidden",
        RegistrationCause::UnknownUser => "unknown_user",
        RegistrationCause::AuthUnsupported => "auth_unsupported",
        RegistrationCause::WeakDigest => "weak_digest",
        RegistrationCause::Unencrypted => "unencrypted",
        RegistrationCause::HostNotFound => "host_not_found",
        RegistrationCause::Unreachable => "unreachable",
        RegistrationCause::NotSecured(failure) => failure.as_str(),
        RegistrationCause::TimedOut => "timed_out",
        RegistrationCause::ServerTrouble => "server_trouble",
        RegistrationCause::Refused => "refused",
    }
}
