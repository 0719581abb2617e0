//! Calls in words: how far they are, how good they sound, how they ended.

use std::time::Instant;

use crate::agent::{CallEnd, EndCause, Origin, Party, SecurityGrade, Side, TransferProgress};
use crate::codec::CodecKind;
use crate::engine::{CallPhase, CallView, Direction, Grade, Quality, RecentCall};
use crate::say;

use super::{Explanation, Words, phone_number};

/// How a call is protected, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityWords {
    /// In a few words.
    pub text: String,
    /// What that means for the person.
    pub meaning: String,
}

impl Words {
    /// How a call is protected; `None` where it is not.
    #[must_use]
    pub fn security(&self, grade: SecurityGrade) -> Option<SecurityWords> {
        let (text, meaning) = match grade {
            SecurityGrade::Open => return None,
            SecurityGrade::KeysExposed => (
                say!(self, "security-exposed"),
                say!(self, "security-exposed", "meaning"),
            ),
            SecurityGrade::Encrypted => (
                say!(self, "security-encrypted"),
                say!(self, "security-encrypted", "meaning"),
            ),
            SecurityGrade::Verified => (
                say!(self, "security-verified"),
                say!(self, "security-verified", "meaning"),
            ),
        };
        Some(SecurityWords { text, meaning })
    }

    /// The name to call a party by: what it calls itself, else its number, else its address.
    #[must_use]
    pub fn party_name(&self, party: &Party) -> String {
        if party.is_anonymous() {
            return say!(self, "call-anonymous");
        }
        let own_name = party
            .display_name
            .as_deref()
            .map(str::trim)
            .filter(|name| !name.is_empty());
        match (
            own_name,
            party.user.as_deref().filter(|user| !user.is_empty()),
        ) {
            (Some(name), _) => name.to_owned(),
            (None, Some(user)) => phone_number::national(user, self.language()),
            (None, None) if !party.uri.is_empty() => party.uri.clone(),
            (None, None) => say!(self, "call-unknown-party"),
        }
    }

    /// What stands below the name: the number, unless it is the name already.
    #[must_use]
    pub fn party_number(&self, party: &Party) -> Option<String> {
        if party.is_anonymous() {
            return None;
        }
        let number = match party.user.as_deref().filter(|user| !user.is_empty()) {
            Some(user) => phone_number::national(user, self.language()),
            None => party.uri.clone(),
        };
        (!number.is_empty() && number != self.party_name(party)).then_some(number)
    }

    /// Who sent a call on before it came here, the last one; `None` if nobody did.
    #[must_use]
    pub fn diverted_from(&self, origin: &Origin) -> Option<String> {
        let by = &origin.diverted.first()?.by;
        let from = match (self.party_name(by), self.party_number(by)) {
            (name, Some(number)) => format!("{name} ({number})"),
            (name, None) => name,
        };
        Some(say!(self, "call-diverted-from", from = from))
    }

    /// How far a call is; `None` where a running timer says it.
    #[must_use]
    pub fn call_phase(&self, phase: &CallPhase) -> Option<String> {
        match phase {
            CallPhase::Dialing => Some(say!(self, "call-dialing")),
            CallPhase::RingingThere => Some(say!(self, "call-ringing")),
            CallPhase::EarlyMedia => Some(say!(self, "call-early-media")),
            CallPhase::RingingHere => Some(say!(self, "call-incoming")),
            CallPhase::OnHold(Side::Local) => Some(say!(self, "call-on-hold")),
            CallPhase::OnHold(Side::Remote) => Some(say!(self, "call-held-by-them")),
            CallPhase::Connected | CallPhase::Ended(_) => None,
        }
    }

    /// How a call stands that is not in front, with its time.
    #[must_use]
    pub fn other_line(&self, call: &CallView, now: Instant) -> String {
        let time = || self.timer(call.talk_time(now));
        match &call.phase {
            CallPhase::OnHold(_) => say!(self, "call-held-line", time = time()),
            phase => self.call_phase(phase).unwrap_or_else(time),
        }
    }

    /// Quality in a word.
    #[must_use]
    pub fn grade(&self, grade: Grade) -> String {
        match grade {
            Grade::Excellent => say!(self, "grade-excellent"),
            Grade::Good => say!(self, "grade-good"),
            Grade::Poor => say!(self, "grade-poor"),
            Grade::Bad => say!(self, "grade-bad"),
        }
    }

    /// Quality in numbers: `4.4 · 38 ms · 0.2%`, without the delay while it is not known.
    #[must_use]
    pub fn quality_numbers(&self, quality: &Quality) -> String {
        let mos = self.decimal(quality.mos, 1);
        let loss = self.percent(quality.loss_pct);
        match quality.mouth_to_ear_ms.or(quality.rtt_ms) {
            Some(delay) => {
                let delay = self.decimal(delay, 0);
                say!(
                    self,
                    "quality-numbers",
                    mos = mos,
                    delay = delay,
                    loss = loss
                )
            }
            None => say!(self, "quality-numbers-no-delay", mos = mos, loss = loss),
        }
    }

    /// All that is measured of a call, each with what it is.
    #[must_use]
    pub fn quality_details(&self, quality: &Quality) -> Vec<(String, String)> {
        let ms = |value: f32| say!(self, "quality-ms", value = self.decimal(value, 0));
        let known = |value: Option<f32>| value.map_or_else(|| say!(self, "quality-unknown"), ms);
        let stretches = |length: f32, density: f32| {
            say!(
                self,
                "quality-stretches",
                length = self.decimal(length / 1e3, 2),
                density = self.percent(density)
            )
        };
        let scores = |listening: f32, talking: f32| {
            say!(
                self,
                "quality-scores",
                listening = self.decimal(listening, 1),
                talking = self.decimal(talking, 1)
            )
        };
        let buffer = say!(
            self,
            "quality-buffer",
            level = self.decimal(quality.buffer_ms, 0),
            target = self.decimal(quality.buffer_nominal_ms, 0)
        );
        let mut rows = vec![
            (say!(self, "quality-row-round-trip"), known(quality.rtt_ms)),
            (
                say!(self, "quality-row-way"),
                known(quality.mouth_to_ear_ms),
            ),
            (say!(self, "quality-row-here"), ms(quality.end_system_ms)),
            (
                say!(self, "quality-row-jitter"),
                say!(
                    self,
                    "quality-ms",
                    value = self.decimal(quality.jitter_ms, 1)
                ),
            ),
            (say!(self, "quality-row-buffer"), buffer),
            (
                say!(self, "quality-row-loss"),
                self.percent(quality.loss_pct),
            ),
            (
                say!(self, "quality-row-late"),
                self.percent(quality.discard_pct),
            ),
            (
                say!(self, "quality-row-repaired"),
                self.percent(quality.repaired_pct),
            ),
            (
                say!(self, "quality-row-concealed"),
                self.percent(quality.concealed_pct),
            ),
        ];
        if quality.burst_ms > 0.0 {
            rows.push((
                say!(self, "quality-row-bursts"),
                stretches(quality.burst_ms, quality.burst_density_pct),
            ));
            rows.push((
                say!(self, "quality-row-gaps"),
                stretches(quality.gap_ms, quality.gap_density_pct),
            ));
        }
        for (what, level) in [
            (say!(self, "quality-row-speech-in"), quality.speech_in),
            (say!(self, "quality-row-speech-out"), quality.speech_out),
        ] {
            rows.extend(level.map(|level| (what, self.speech_level(level))));
        }
        rows.push((
            say!(self, "quality-row-scores"),
            scores(quality.mos_lq, quality.mos),
        ));
        if let Some(remote) = &quality.remote {
            if let (Some(listening), Some(talking)) = (remote.mos_lq, remote.mos) {
                let row = say!(self, "quality-row-there");
                rows.push((row, scores(listening, talking)));
            }
            let row = say!(self, "quality-row-there-loss");
            rows.push((row, self.percent(remote.loss_pct)));
            let row = say!(self, "quality-row-there-late");
            rows.push((row, self.percent(remote.discard_pct)));
        }
        rows
    }

    /// A codec by its name, the same in every language.
    #[must_use]
    pub fn codec(&self, kind: CodecKind) -> &'static str {
        match kind {
            CodecKind::Opus => "Opus",
            CodecKind::G722 => "G.722",
            CodecKind::Pcma => "G.711 A-law",
            CodecKind::Pcmu => "G.711 µ-law",
        }
    }

    /// How far a transfer of ours is, in a sentence.
    #[must_use]
    pub fn transfer(&self, progress: &TransferProgress) -> String {
        match progress {
            TransferProgress::Begun { to } => {
                say!(self, "transfer-begun", to = self.party_name(to))
            }
            TransferProgress::Accepted => say!(self, "transfer-accepted"),
            TransferProgress::Ringing => say!(self, "transfer-ringing"),
            TransferProgress::Succeeded => say!(self, "transfer-succeeded"),
            TransferProgress::Untold => say!(self, "transfer-untold"),
            TransferProgress::Failed { status, .. } => match status {
                Some(486 | 600) => say!(self, "transfer-busy"),
                Some(404 | 410 | 484 | 604) => say!(self, "transfer-not-found"),
                Some(408 | 480 | 487) => say!(self, "transfer-no-answer"),
                Some(405 | 501) => say!(self, "transfer-not-able"),
                Some(403 | 603) => say!(self, "transfer-declined"),
                _ => say!(self, "transfer-failed"),
            },
        }
    }

    /// How a call ended: what, why, and what to do.
    #[must_use]
    pub fn call_end(&self, end: &CallEnd, direction: Direction) -> Explanation {
        macro_rules! failed {
            ($id:literal) => {
                (
                    say!(self, "end-title-failed"),
                    say!(self, $id),
                    Some(say!(self, $id, "todo")),
                )
            };
        }
        let (title, why, todo) = match end.cause {
            EndCause::HungUp => {
                let why = match (end.talked, end.by) {
                    (Some(talked), _) => say!(self, "end-talked", time = self.span(talked)),
                    (None, Side::Local) => say!(self, "end-hung-up-local"),
                    (None, Side::Remote) => say!(self, "end-hung-up-remote"),
                };
                (say!(self, "end-title-ended"), why, None)
            }
            EndCause::Transferred => (
                say!(self, "end-title-transferred"),
                say!(self, "end-transferred"),
                None,
            ),
            EndCause::Replaced => (
                say!(self, "end-title-transferred"),
                say!(self, "end-replaced"),
                None,
            ),
            EndCause::Cancelled => match direction {
                Direction::Outgoing => (
                    say!(self, "end-title-cancelled"),
                    say!(self, "end-cancelled-local"),
                    None,
                ),
                Direction::Incoming => (
                    say!(self, "end-title-missed"),
                    say!(self, "end-cancelled-remote"),
                    None,
                ),
            },
            EndCause::AnsweredElsewhere => (
                say!(self, "end-title-elsewhere"),
                say!(self, "end-elsewhere"),
                None,
            ),
            EndCause::DeclinedElsewhere => (
                say!(self, "end-title-declined"),
                say!(self, "end-declined-elsewhere"),
                None,
            ),
            EndCause::Forwarded => (
                say!(self, "end-title-forwarded"),
                say!(self, "end-forwarded"),
                None,
            ),
            EndCause::DoNotDisturb => (
                say!(self, "end-title-declined"),
                say!(self, "end-undisturbed"),
                None,
            ),
            EndCause::Declined => {
                let why = match direction {
                    Direction::Incoming => say!(self, "end-declined-local"),
                    Direction::Outgoing => say!(self, "end-declined-remote"),
                };
                (say!(self, "end-title-declined"), why, None)
            }
            EndCause::NoAnswer if direction == Direction::Incoming => {
                (say!(self, "end-title-missed"), String::new(), None)
            }
            EndCause::Busy => failed!("end-busy"),
            EndCause::NoAnswer => failed!("end-no-answer"),
            EndCause::Unavailable => failed!("end-unavailable"),
            EndCause::NotFound => failed!("end-not-found"),
            EndCause::NoCommonCodec => failed!("end-no-common-codec"),
            EndCause::NotEncrypted => failed!("end-not-encrypted"),
            EndCause::WrongPassword => failed!("end-wrong-password"),
            EndCause::PasswordNeeded => failed!("end-password-needed"),
            EndCause::WeakDigest => failed!("end-weak-digest"),
            EndCause::ForeignServer => failed!("end-foreign-server"),
            EndCause::Unencrypted => failed!("end-unencrypted"),
            EndCause::Forbidden => failed!("end-forbidden"),
            EndCause::HostNotFound => failed!("end-host-not-found"),
            EndCause::Unreachable => failed!("end-unreachable"),
            EndCause::NotSecured => failed!("end-not-secured"),
            EndCause::TimedOut => failed!("end-timed-out"),
            EndCause::NoMedia => failed!("end-no-media"),
            EndCause::ServerTrouble => failed!("end-server-trouble"),
            EndCause::Redirected => failed!("end-redirected"),
            EndCause::NotAcknowledged => failed!("end-not-acknowledged"),
            EndCause::Refused => failed!("end-refused"),
        };
        let details = self.details(end.status, end.reason.as_deref());
        Explanation {
            title,
            why,
            todo,
            details,
        }
    }

    /// A past call in a word or a length of time, as in the list of recents.
    #[must_use]
    pub fn recent_outcome(&self, recent: &RecentCall) -> String {
        if let Some(talked) = recent.end.talked {
            return self.span(talked);
        }
        match (recent.end.cause, recent.direction) {
            (EndCause::AnsweredElsewhere, _) => say!(self, "recent-elsewhere"),
            (EndCause::Declined | EndCause::DeclinedElsewhere, _) => {
                say!(self, "recent-declined")
            }
            (EndCause::Forwarded, _) => say!(self, "recent-forwarded"),
            (EndCause::DoNotDisturb, _) => say!(self, "recent-undisturbed"),
            (EndCause::Cancelled, Direction::Outgoing) => say!(self, "recent-cancelled"),
            (EndCause::NoAnswer | EndCause::Busy, Direction::Outgoing) => {
                say!(self, "recent-not-answered")
            }
            (EndCause::Cancelled | EndCause::NoAnswer, Direction::Incoming) => {
                say!(self, "recent-missed")
            }
            _ => say!(self, "recent-failed"),
        }
    }
}

/// Whether a past call is one that the person should know they missed.
#[must_use]
pub fn missed(recent: &RecentCall) -> bool {
    recent.direction == Direction::Incoming
        && recent.end.talked.is_none()
        && matches!(
            recent.end.cause,
            EndCause::Cancelled | EndCause::NoAnswer | EndCause::DoNotDisturb
        )
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::engine::RemoteQuality;
    use crate::i18n::Language;

    /// Any instant: only distances matter.
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can be had in no other way"
    )]
    pub(in crate::i18n) fn some_instant() -> Instant {
        Instant::now()
    }

    const CAUSES: [EndCause; 28] = [
        EndCause::HungUp,
        EndCause::Cancelled,
        EndCause::AnsweredElsewhere,
        EndCause::DeclinedElsewhere,
        EndCause::Forwarded,
        EndCause::DoNotDisturb,
        EndCause::Declined,
        EndCause::Busy,
        EndCause::NoAnswer,
        EndCause::Unavailable,
        EndCause::NotFound,
        EndCause::NoCommonCodec,
        EndCause::NotEncrypted,
        EndCause::WrongPassword,
        EndCause::PasswordNeeded,
        EndCause::WeakDigest,
        EndCause::ForeignServer,
        EndCause::Unencrypted,
        EndCause::Forbidden,
        EndCause::HostNotFound,
        EndCause::Unreachable,
        EndCause::NotSecured,
        EndCause::TimedOut,
        EndCause::NoMedia,
        EndCause::ServerTrouble,
        EndCause::Redirected,
        EndCause::NotAcknowledged,
        EndCause::Refused,
    ];

    fn end(cause: EndCause) -> CallEnd {
        CallEnd {
            cause,
            by: Side::Remote,
            status: None,
            reason: None,
            talked: None,
        }
    }

    #[test]
    fn every_failure_says_why_and_what_to_do_in_every_language() {
        for language in Language::ALL {
            let words = Words::new(language);
            let failed = say!(words, "end-title-failed");
            let mut seen = Vec::new();
            for cause in CAUSES {
                let explanation = words.call_end(&end(cause), Direction::Outgoing);
                assert!(explanation.why.ends_with('.'), "{language:?} {cause:?}");
                assert!(
                    !seen.contains(&explanation.why),
                    "{language:?} {cause:?} said twice"
                );
                assert_eq!(
                    explanation.title == failed,
                    explanation.todo.is_some(),
                    "{cause:?}"
                );
                seen.push(explanation.why);
            }
        }
    }

    #[test]
    fn no_codec_in_common_keeps_the_code_for_the_details() {
        let end = CallEnd {
            status: Some(488),
            reason: Some("Not Acceptable Here".into()),
            ..end(EndCause::NoCommonCodec)
        };
        let explanation = Words::new(Language::Portuguese).call_end(&end, Direction::Outgoing);
        assert_eq!(explanation.title, "A ligação não completou");
        assert_eq!(
            explanation.why,
            "Os dois lados não têm nenhum codec de áudio em comum."
        );
        assert_eq!(
            explanation.details,
            ["Código SIP 488", "Nas palavras deles: Not Acceptable Here"]
        );
    }

    #[test]
    fn a_call_that_was_talked_in_says_for_how_long() {
        let end = CallEnd {
            talked: Some(Duration::from_secs(192)),
            ..end(EndCause::HungUp)
        };
        let explanation = Words::new(Language::English).call_end(&end, Direction::Incoming);
        assert_eq!(explanation.why, "You talked for 3 min 12 s.");
    }

    #[test]
    fn a_caller_who_gives_up_leaves_a_missed_call() {
        let recent = RecentCall {
            account: crate::agent::AccountId(1),
            direction: Direction::Incoming,
            remote: Party::default(),
            began_unix: 0,
            end: end(EndCause::Cancelled),
            recorded: None,
        };
        assert!(missed(&recent));
        assert_eq!(
            Words::new(Language::English).recent_outcome(&recent),
            "Missed"
        );
        let outgoing = RecentCall {
            direction: Direction::Outgoing,
            ..recent
        };
        assert!(!missed(&outgoing));
        assert_eq!(
            Words::new(Language::English).recent_outcome(&outgoing),
            "Cancelled"
        );
    }

    #[test]
    fn a_party_is_named_by_the_best_that_is_known() {
        let words = Words::new(Language::Portuguese);
        let party = |name: Option<&str>, user: Option<&str>, uri: &str| Party {
            display_name: name.map(Into::into),
            user: user.map(Into::into),
            uri: uri.into(),
        };
        let named = party(
            Some("Padaria Aurora"),
            Some("1135550142"),
            "sip:1135550142@pbx",
        );
        assert_eq!(words.party_name(&named), "Padaria Aurora");
        assert_eq!(
            words.party_number(&named).as_deref(),
            Some("(11) 3555-0142")
        );
        let number = party(Some("  "), Some("1001"), "sip:1001@pbx");
        assert_eq!(words.party_name(&number), "1001");
        assert_eq!(words.party_number(&number), None);
        assert_eq!(words.party_name(&party(None, None, "sip:pbx")), "sip:pbx");
        assert_eq!(words.party_name(&party(None, None, "")), "Desconhecido");
    }

    #[test]
    fn quality_is_said_in_the_language_of_the_reader() {
        let quality = Quality {
            mos: 4.41,
            loss_pct: 0.2,
            mouth_to_ear_ms: Some(38.2),
            ..Quality::default()
        };
        let words = Words::new(Language::Portuguese);
        assert_eq!(words.quality_numbers(&quality), "4,4 · 38 ms · 0,2\u{a0}%");
        assert_eq!(words.grade(quality.grade()), "Ótima");
        let unknown = Quality {
            mouth_to_ear_ms: None,
            ..quality
        };
        assert_eq!(words.quality_numbers(&unknown), "4,4 · 0,2\u{a0}%");
    }

    #[test]
    fn the_numbers_behind_the_word_are_told_as_far_as_they_are_known() {
        let words = Words::new(Language::Portuguese);
        let value = |quality: &Quality, row: &str| {
            let rows = words.quality_details(quality);
            rows.into_iter()
                .find(|(what, _)| what == row)
                .map(|(_, value)| value)
        };
        let mut quality = Quality {
            buffer_ms: 61.2,
            buffer_nominal_ms: 45.0,
            mos_lq: 4.31,
            mos: 3.97,
            ..Quality::default()
        };
        let unknown = value(&quality, "Boca a ouvido");
        assert_eq!(unknown.as_deref(), Some("ainda não se sabe"));
        assert_eq!(value(&quality, "Buffer").as_deref(), Some("61 ms de 45 ms"));
        let scores = value(&quality, "Nota: ouvir · conversar");
        assert_eq!(scores.as_deref(), Some("4,3 · 4,0"));
        assert_eq!(value(&quality, "Rajadas de perda"), None);
        assert_eq!(value(&quality, "Nota do outro lado"), None);
        quality.mouth_to_ear_ms = Some(131.0);
        quality.burst_ms = 120.0;
        quality.burst_density_pct = 50.0;
        quality.remote = Some(RemoteQuality {
            mos_lq: Some(4.1),
            mos: Some(3.8),
            loss_pct: 12.5,
            ..RemoteQuality::default()
        });
        assert_eq!(value(&quality, "Boca a ouvido").as_deref(), Some("131 ms"));
        let bursts = value(&quality, "Rajadas de perda");
        assert_eq!(bursts.as_deref(), Some("0,12 s, 50,0\u{a0}%"));
        let there = value(&quality, "Nota do outro lado");
        assert_eq!(there.as_deref(), Some("4,1 · 3,8"));
    }
}
