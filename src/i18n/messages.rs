//! Messages in words: how one of ours stands, and why it was not brought there.

use crate::agent::{MessageFailure, MessageProgress};
use crate::say;

use super::{Explanation, Words};

impl Words {
    /// Why a message was not brought there, and what to do.
    #[must_use]
    pub fn message_failure(
        &self,
        cause: MessageFailure,
        status: Option<u16>,
        reason: Option<&str>,
    ) -> Explanation {
        macro_rules! explain {
            ($id:literal) => {
                (say!(self, $id), say!(self, $id, "todo"))
            };
        }
        let (title, todo) = match cause {
            MessageFailure::NotAnAddress => explain!("message-not-an-address"),
            MessageFailure::Length => explain!("message-length"),
            MessageFailure::TooLong => explain!("message-too-long"),
            MessageFailure::TooMany => explain!("message-too-many"),
            MessageFailure::NoAccount => explain!("message-no-account"),
            MessageFailure::NotRegistered => explain!("message-not-registered"),
            MessageFailure::NotFound => explain!("message-not-found"),
            MessageFailure::Forbidden => explain!("message-forbidden"),
            MessageFailure::Unavailable => explain!("message-unavailable"),
            MessageFailure::Declined => explain!("message-declined"),
            MessageFailure::NotUnderstood => explain!("message-not-understood"),
            MessageFailure::WrongPassword => explain!("message-wrong-password"),
            MessageFailure::PasswordNeeded => explain!("message-password-needed"),
            MessageFailure::WeakDigest => explain!("message-weak-digest"),
            MessageFailure::ForeignServer => explain!("message-foreign-server"),
            MessageFailure::Unencrypted => explain!("message-unencrypted"),
            MessageFailure::HostNotFound => explain!("message-host-not-found"),
            MessageFailure::Unreachable => explain!("message-unreachable"),
            MessageFailure::TimedOut => explain!("message-timed-out"),
            MessageFailure::ServerTrouble => explain!("message-server-trouble"),
            MessageFailure::Withdrawn => explain!("message-withdrawn"),
            MessageFailure::Refused => explain!("message-refused"),
        };
        let mut details = Vec::new();
        if let Some(status) = status {
            details.push(say!(self, "details-status", status = status.to_string()));
        }
        if let Some(reason) = reason {
            details.push(say!(self, "details-words", reason = reason));
        }
        Explanation {
            title,
            why: String::new(),
            todo: Some(todo),
            details,
        }
    }

    /// How a message of ours stands, in one line.
    #[must_use]
    pub fn message_progress(&self, progress: &MessageProgress) -> String {
        match progress {
            MessageProgress::Sending => say!(self, "message-sending"),
            MessageProgress::Waiting { cause, .. } => self.message_waiting(*cause),
            MessageProgress::Delivered => say!(self, "message-delivered"),
            MessageProgress::Failed { cause, .. } => {
                let why = self.message_failure(*cause, None, None).one_line();
                say!(self, "message-failed", why = why)
            }
        }
    }

    /// That a message waits, and for what.
    #[must_use]
    pub fn message_waiting(&self, cause: MessageFailure) -> String {
        let why = self.message_failure(cause, None, None).title;
        say!(self, "message-waiting", why = why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn a_message_that_failed_says_why_and_what_to_do() {
        let words = Words::new(Language::Portuguese);
        let failed = MessageProgress::Failed {
            cause: MessageFailure::NotFound,
            status: Some(404),
            reason: None,
        };
        assert_eq!(
            words.message_progress(&failed),
            "Não entregue: Este número não existe. Confira o número."
        );
        let explained = words.message_failure(MessageFailure::NotFound, Some(404), Some("Nobody"));
        assert_eq!(
            explained.details,
            ["Código SIP 404", "Nas palavras deles: Nobody"]
        );
    }
}
