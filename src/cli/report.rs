//! What the command line says of a call while it happens: JSON lines for programs on stdout,
//! sentences for people on stderr.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::agent::{
    AccountState, CallEnd, CallId, EndCause, Event as PhoneEvent, RegistrationCause, Side,
};
use crate::engine::Direction;
use crate::engine::{Event, Stamped};
use crate::i18n::Words;
use crate::media::Quality;
use crate::media::plan::CodecChoice;
use crate::say;

/// Says what happens.
pub(super) struct Report {
    started: Instant,
    json: bool,
    words: Words,
    /// Calls in the order they came: 1, 2, 3…
    numbers: BTreeMap<CallId, Told>,
    live_line: bool,
    /// The person knows that there is no microphone or speaker.
    device_missing: bool,
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
    /// How it ended.
    end: Option<CallEnd>,
    /// Sum and count of what was measured each second.
    measured: Vec<Quality>,
}

impl Report {
    /// A report whose clock starts at `started`.
    #[must_use]
    pub(super) fn new(started: Instant, json: bool, words: Words) -> Report {
        Report {
            started,
            json,
            words,
            numbers: BTreeMap::new(),
            live_line: false,
            device_missing: false,
        }
    }

    /// Whether a call was answered.
    pub(super) fn answered(&self, call: CallId) -> bool {
        self.numbers
            .get(&call)
            .is_some_and(|told| told.answered.is_some())
    }

    /// Whether sound of a call came, or it was too short to tell.
    pub(super) fn heard(&self, call: CallId, too_short: Duration) -> bool {
        self.numbers.get(&call).is_some_and(|told| {
            let talked = told
                .end
                .as_ref()
                .and_then(|end| end.talked)
                .unwrap_or_default();
            told.first_received.is_some() || talked < too_short
        })
    }

    /// A call is asked for at this moment: the click.
    pub(super) fn dialled(&mut self, at: Instant, call: CallId) {
        self.told(call).dialled.get_or_insert(at);
    }

    fn told(&mut self, call: CallId) -> &mut Told {
        let number = self.numbers.len() + 1;
        self.numbers.entry(call).or_insert_with(|| Told {
            number,
            dialled: None,
            invited: None,
            answered: None,
            first_sent: None,
            first_received: None,
            direction: Direction::Outgoing,
            codec: None,
            end: None,
            measured: Vec::new(),
        })
    }

    /// Takes in what happened and says it.
    pub(super) fn take(&mut self, stamped: &Stamped) {
        let at = stamped.at;
        match &stamped.event {
            Event::Phone(event) => self.phone(at, event),
            Event::Stats {
                call,
                quality,
                level_in,
                level_out,
            } => {
                let told = self.told(*call);
                if told.measured.len() < MAX_MEASURED {
                    told.measured.push(*quality);
                }
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
            Event::NoSound { call } => {
                let number = self.told(*call).number;
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
            Event::SoundBack { call } => {
                let number = self.told(*call).number;
                let fields = fields(json!({ "kind": "sound_back" }));
                self.call_line(at, "warning", number, fields);
            }
            Event::RecordFailed { path } => {
                self.line(at, "warning", fields(json!({ "kind": "record_failed" })));
                let about = path.display().to_string();
                let sentence = say!(self.words, "cli-record-unwritable", about = about);
                self.print(&sentence);
            }
            Event::PlayFinished { .. } | Event::Interrupted | Event::Stopped => {}
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
            PhoneEvent::Incoming { call, remote, .. } => {
                let told = self.told(*call);
                told.direction = Direction::Incoming;
                let number = told.number;
                let fields = fields(json!({
                    "remote": remote.uri,
                    "display_name": remote.display_name,
                }));
                self.call_line(at, "incoming", number, fields);
                let name = self.words.party_name(remote);
                let sentence = say!(self.words, "cli-incoming", remote = name);
                self.print(&sentence);
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
                told.codec = Some(codec.clone());
                let number = told.number;
                let mut fields = codec_fields(codec);
                fields.insert("secure".into(), Value::Null);
                fields.insert("remote".into(), json!(remote.uri));
                self.call_line(at, "answered", number, fields);
                let codec = self.words.codec(codec.kind);
                let sentence = say!(self.words, "cli-answered", codec = codec);
                self.print(&sentence);
            }
            PhoneEvent::Renegotiated { call, codec } => {
                let told = self.told(*call);
                told.codec = Some(codec.clone());
                let number = told.number;
                self.call_line(at, "renegotiated", number, codec_fields(codec));
            }
            PhoneEvent::Held { call, by } => self.hold(at, *call, "held", *by),
            PhoneEvent::Resumed { call, by } => self.hold(at, *call, "resumed", *by),
            PhoneEvent::Ended { call, end } => {
                let told = self.told(*call);
                told.end = Some(end.clone());
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
            PhoneEvent::Finished => {}
        }
    }

    fn account(&mut self, at: Instant, state: &AccountState) {
        let sentence = match self.words.registration_failure(state, at) {
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
                let fields = fields(json!({
                    "cause": registration_code(*cause),
                    "status": status,
                    "reason": reason,
                    "retry_in_s": retry,
                }));
                self.line(at, "registration_failed", fields);
            }
            AccountState::Unregistered => self.line(at, "unregistered", Map::new()),
            AccountState::Direct | AccountState::Registering => return,
        }
        self.print(&sentence);
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

    /// The last line: one object for each call, with the times that matter.
    pub(super) fn summary(&mut self, at: Instant) {
        let calls: Vec<Told> = self.numbers.values().cloned().collect();
        for told in calls {
            let since = |from: Option<Instant>, to: Option<Instant>| {
                from.zip(to).map(|(from, to)| {
                    rounded(to.saturating_duration_since(from).as_secs_f32() * 1000.0)
                })
            };
            let mut fields = Map::new();
            fields.insert(
                "click_to_invite_ms".into(),
                json!(since(told.dialled, told.invited)),
            );
            fields.insert(
                "answer_to_first_rtp_ms".into(),
                json!(since(told.answered, told.first_sent)),
            );
            fields.insert(
                "answer_to_first_heard_ms".into(),
                json!(since(told.answered, told.first_received)),
            );
            if let Some(codec) = &told.codec {
                fields.extend(codec_fields(codec));
            }
            let number = told.number;
            if let Some(mean) = mean_quality(&told.measured) {
                fields.extend(quality_fields(&mean));
            }
            self.call_line(at, "summary", number, fields);
        }
    }

    fn call_line(&mut self, at: Instant, event: &str, call: usize, rest: Map<String, Value>) {
        let mut fields = Map::new();
        fields.insert("call".into(), json!(call));
        fields.extend(rest);
        self.line(at, event, fields);
    }

    /// Writes one JSON object, if JSON is wanted.
    fn line(&mut self, at: Instant, event: &str, rest: Map<String, Value>) {
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
        let Some(answered) = self.numbers.get(&call).and_then(|told| told.answered) else {
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

/// Seconds of a call that its summary is made of: a working day.
const MAX_MEASURED: usize = 12 * 3600;

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Three digits behind the point are more than any of our clocks can tell.
fn rounded(value: f32) -> Value {
    json!((f64::from(value) * 1000.0).round() / 1000.0)
}

fn codec_fields(codec: &CodecChoice) -> Map<String, Value> {
    fields(json!({
        "codec": codec.kind.name().to_ascii_lowercase(),
        "rate": codec.kind.sound_rate().hz(),
        "payload_type": codec.payload_type.number(),
        "ptime_ms": u64::try_from(codec.ptime.as_millis()).unwrap_or(u64::MAX),
    }))
}

fn quality_fields(quality: &Quality) -> Map<String, Value> {
    fields(json!({
        "rtt_ms": quality.rtt_ms.map(rounded),
        "jitter_ms": rounded(quality.jitter_ms),
        "loss_pct": rounded(quality.loss_pct),
        "remote_loss_pct": quality.remote_loss_pct.map(rounded),
        "buffer_ms": rounded(quality.buffer_ms),
        "concealed_pct": rounded(quality.concealed_pct),
        "mouth_to_ear_ms": quality.mouth_to_ear_ms.map(rounded),
        "mos": rounded(quality.mos),
    }))
}

fn mean_quality(measured: &[Quality]) -> Option<Quality> {
    let count = measured.len() as f32;
    let mean = |of: fn(&Quality) -> f32| measured.iter().map(of).sum::<f32>() / count;
    let some = |of: fn(&Quality) -> Option<f32>| {
        let known: Vec<f32> = measured.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f32>() / known.len() as f32)
    };
    (!measured.is_empty()).then(|| Quality {
        rtt_ms: some(|q| q.rtt_ms),
        jitter_ms: mean(|q| q.jitter_ms),
        loss_pct: mean(|q| q.loss_pct),
        remote_loss_pct: some(|q| q.remote_loss_pct),
        buffer_ms: mean(|q| q.buffer_ms),
        concealed_pct: mean(|q| q.concealed_pct),
        mouth_to_ear_ms: some(|q| q.mouth_to_ear_ms),
        mos: mean(|q| q.mos),
    })
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
        EndCause::Cancelled => "cancelled",
        EndCause::AnsweredElsewhere => "answered_elsewhere",
        EndCause::Declined => "declined",
        EndCause::Busy => "busy",
        EndCause::NoAnswer => "no_answer",
        EndCause::Unavailable => "unavailable",
        EndCause::NotFound => "not_found",
        EndCause::NoCommonCodec => "no_common_codec",
        EndCause::WrongPassword => "wrong_password",
        EndCause::PasswordNeeded => "password_needed",
        EndCause::Forbidden => "forbidden",
        EndCause::HostNotFound => "host_not_found",
        EndCause::Unreachable => "unreachable",
        EndCause::TimedOut => "timed_out",
        EndCause::NoMedia => "no_media",
        EndCause::ServerTrouble => "server_trouble",
        EndCause::Redirected => "redirected",
        EndCause::NotAcknowledged => "not_acknowledged",
        EndCause::Refused => "refused",
    }
}

fn registration_code(cause: RegistrationCause) -> &'static str {
    match cause {
        RegistrationCause::WrongPassword => "wrong_password",
        RegistrationCause::PasswordNeeded => "password_needed",
        RegistrationCause::Forbidden => "forbidden",
        RegistrationCause::UnknownUser => "unknown_user",
        RegistrationCause::AuthUnsupported => "auth_unsupported",
        RegistrationCause::HostNotFound => "host_not_found",
        RegistrationCause::Unreachable => "unreachable",
        RegistrationCause::TimedOut => "timed_out",
        RegistrationCause::ServerTrouble => "server_trouble",
        RegistrationCause::Refused => "refused",
    }
}
