//! Notices and refusals in words.

use crate::agent::Refusal;
use crate::engine::{Notice, RecordFailure};
use crate::say;

use super::{Explanation, Words};

impl Words {
    /// What a notice says.
    #[must_use]
    pub fn notice(&self, notice: &Notice) -> Explanation {
        macro_rules! explain {
            ($id:literal) => {
                explanation(say!(self, $id), say!(self, $id, "todo"))
            };
        }
        match notice {
            Notice::Refused(refusal) => self.refusal(*refusal),
            Notice::PasswordNotKept => explain!("notice-password-not-kept"),
            Notice::PasswordsLocked => explain!("notice-passwords-locked"),
            Notice::AccountUnusable => explain!("notice-account-unusable"),
            Notice::ReceptionUnusable => explain!("notice-reception-unusable"),
            Notice::SettingsNotSaved => explain!("notice-settings-not-saved"),
            Notice::MessagesAltered => explain!("notice-messages-altered"),
            Notice::DeviceGone => explain!("notice-device-gone"),
            Notice::RingtoneUnusable => explain!("notice-ringtone-unusable"),
            Notice::HoldMusicUnusable => explain!("notice-hold-music-unusable"),
            Notice::ConferenceFull => explain!("notice-conference-full"),
            Notice::Recorded { path } => {
                explanation(say!(self, "notice-recorded"), path.display().to_string())
            }
            Notice::RecordFailed(RecordFailure::DiskFull) => explain!("notice-record-disk-full"),
            Notice::RecordFailed(RecordFailure::TooLong) => explain!("notice-record-too-long"),
            Notice::RecordFailed(RecordFailure::Unwritable) => explain!("notice-record-failed"),
            Notice::RecordGaps => explain!("notice-record-gaps"),
            Notice::MessagesSetAside { path } => {
                let path = path.display().to_string();
                let todo = say!(self, "notice-messages-set-aside", "todo", path = path);
                explanation(say!(self, "notice-messages-set-aside"), todo)
            }
            Notice::MessagesNotKept => explain!("notice-messages-not-kept"),
            Notice::MessageLost => explain!("notice-message-lost"),
        }
    }

    /// Why a wish was not fulfilled.
    #[must_use]
    pub fn refusal(&self, refusal: Refusal) -> Explanation {
        macro_rules! explain {
            ($id:literal) => {
                explanation(say!(self, $id), say!(self, $id, "todo"))
            };
        }
        match refusal {
            Refusal::UnknownAccount => explain!("refusal-unknown-account"),
            Refusal::UnknownCall => explain!("refusal-unknown-call"),
            Refusal::NotDialable => explain!("refusal-not-dialable"),
            Refusal::CallIdInUse => explain!("refusal-call-id-in-use"),
            Refusal::WrongState => explain!("refusal-wrong-state"),
            Refusal::TooManyCalls => explain!("refusal-too-many-calls"),
            Refusal::UnsupportedScheme => explain!("refusal-unsupported-scheme"),
            Refusal::NothingRings => explain!("refusal-nothing-rings"),
            Refusal::TooManyWatches => explain!("refusal-too-many-watches"),
            Refusal::NotAccepted => explain!("refusal-not-accepted"),
            Refusal::ShuttingDown => explain!("refusal-shutting-down"),
        }
    }

    /// The engine's queue was full: the click did nothing.
    #[must_use]
    pub fn busy(&self) -> Explanation {
        explanation(say!(self, "notice-busy"), say!(self, "notice-busy", "todo"))
    }
}

fn explanation(title: String, todo: String) -> Explanation {
    Explanation {
        title,
        why: String::new(),
        todo: Some(todo),
        details: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn a_refusal_reads_the_same_as_a_notice_of_it() {
        let words = Words::new(Language::Portuguese);
        let notice = words.notice(&Notice::Refused(Refusal::NotDialable));
        assert_eq!(notice, words.refusal(Refusal::NotDialable));
        assert_eq!(notice.title, "Isto não é um número nem um endereço");
        assert!(
            notice
                .todo
                .is_some_and(|todo| todo.contains("1001@pbx.exemplo"))
        );
    }
}
