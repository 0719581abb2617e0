//! `application/simple-message-summary`: messages waiting (RFC 3842 section 5).
//!
//! ```text
//! Messages-Waiting: yes
//! Message-Account: sip:alice@vmail.example.com
//! Voice-Message: 2/8 (0/2)
//! ```

use std::fmt::Write as _;

use super::text;

/// The media type.
pub const MEDIA_TYPE: &str = "application/simple-message-summary";
/// The event package.
pub const PACKAGE: &str = "message-summary";

/// Longest body read, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Lines read.
const MAX_LINES: usize = 64;

/// What waits in a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageSummary {
    /// Whether anything new waits.
    pub waiting: bool,
    /// The mailbox, as a URI.
    pub account: Option<String>,
    /// What waits of each class, in the order of the body; each class once.
    pub counts: Vec<(MessageClass, Counts)>,
}

/// What kind of message (RFC 3458).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageClass {
    /// Spoken.
    Voice,
    /// A fax.
    Fax,
    /// From a pager.
    Pager,
    /// Several media.
    Multimedia,
    /// Written.
    Text,
    /// Of no class.
    None,
}

/// How many messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Not heard yet.
    pub new: u32,
    /// Heard.
    pub old: u32,
    /// How many of the new are urgent.
    pub new_urgent: u32,
    /// How many of the old are urgent.
    pub old_urgent: u32,
}

/// Neither whether messages wait nor how many could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no message summary")]
pub struct NoSummary;

impl MessageClass {
    /// Every class, in order.
    pub const ALL: [MessageClass; 6] = [
        MessageClass::Voice,
        MessageClass::Fax,
        MessageClass::Pager,
        MessageClass::Multimedia,
        MessageClass::Text,
        MessageClass::None,
    ];

    /// As in a line: `Voice-Message`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            MessageClass::Voice => "Voice-Message",
            MessageClass::Fax => "Fax-Message",
            MessageClass::Pager => "Pager-Message",
            MessageClass::Multimedia => "Multimedia-Message",
            MessageClass::Text => "Text-Message",
            MessageClass::None => "None",
        }
    }

    fn read(name: &str) -> Option<MessageClass> {
        MessageClass::ALL
            .into_iter()
            .find(|class| class.as_str().eq_ignore_ascii_case(name))
    }
}

impl MessageSummary {
    /// Reads a body, in any case and order; lines that say nothing known are skipped. Counts
    /// without a status line are understood: something new waits when one of them is new.
    ///
    /// # Errors
    /// There is neither a status line nor a count.
    pub fn parse(body: &[u8]) -> Result<MessageSummary, NoSummary> {
        let body = &body[..body.len().min(MAX_BYTES)];
        let body = String::from_utf8_lossy(body);
        let mut summary = MessageSummary::default();
        let mut status = None;
        for line in body.lines().take(MAX_LINES) {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("Messages-Waiting") {
                status = status.or(read_status(value));
            } else if name.eq_ignore_ascii_case("Message-Account") {
                summary.account = summary.account.or_else(|| text::exact(value));
            } else if let Some(class) = MessageClass::read(name)
                && let Some(counts) = Counts::read(value)
                && summary.counts_of(class).is_none()
            {
                summary.counts.push((class, counts));
            }
        }
        let any_new = summary.counts.iter().any(|(_, counts)| counts.new > 0);
        summary.waiting = match status {
            Some(waiting) => waiting,
            None if summary.counts.is_empty() => return Err(NoSummary),
            None => any_new,
        };
        Ok(summary)
    }

    /// The counts of a class; `None` when the body does not say.
    #[must_use]
    pub fn counts_of(&self, class: MessageClass) -> Option<Counts> {
        let (_, counts) = self.counts.iter().find(|(have, _)| *have == class)?;
        Some(*counts)
    }

    /// The body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let status = if self.waiting { "yes" } else { "no" };
        let mut body = format!("Messages-Waiting: {status}\r\n");
        if let Some(account) = self.account.as_deref().and_then(text::exact) {
            let _ = write!(body, "Message-Account: {account}\r\n");
        }
        for (class, counts) in &self.counts {
            let Counts { new, old, .. } = counts;
            let _ = write!(body, "{}: {new}/{old}", class.as_str());
            if counts.new_urgent > 0 || counts.old_urgent > 0 {
                let _ = write!(body, " ({}/{})", counts.new_urgent, counts.old_urgent);
            }
            body.push_str("\r\n");
        }
        body.into_bytes()
    }
}

impl Counts {
    /// `2/8 (0/2)`; without the urgent ones they are none.
    fn read(value: &str) -> Option<Counts> {
        let (all, urgent) = match value.split_once('(') {
            Some((all, urgent)) => (all, urgent.split(')').next()),
            None => (value, None),
        };
        let (new, old) = pair(all)?;
        let (new_urgent, old_urgent) = urgent.and_then(pair).unwrap_or_default();
        Some(Counts {
            new,
            old,
            new_urgent,
            old_urgent,
        })
    }
}

fn read_status(value: &str) -> Option<bool> {
    let is = |word: &str| value.eq_ignore_ascii_case(word);
    if is("yes") {
        Some(true)
    } else if is("no") {
        Some(false)
    } else {
        None
    }
}

fn pair(text: &str) -> Option<(u32, u32)> {
    let (new, old) = text.split_once('/')?;
    Some((number(new)?, number(old)?))
}

/// Digits; one too large is the largest.
fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<MessageSummary, NoSummary> {
        MessageSummary::parse(body.as_bytes())
    }

    const fn counts(new: u32, old: u32, new_urgent: u32, old_urgent: u32) -> Counts {
        Counts {
            new,
            old,
            new_urgent,
            old_urgent,
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        let summary = parse(
            "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n\
             Voice-Message: 4/8 (1/2)\r\n\r\nTo: <alice@atlanta.example.com>\r\nSubject: carpool\r\n",
        )
        .unwrap();
        assert!(summary.waiting);
        assert_eq!(
            summary.account.as_deref(),
            Some("sip:alice@vmail.example.com")
        );
        assert_eq!(summary.counts, [(MessageClass::Voice, counts(4, 8, 1, 2))]);
    }

    #[test]
    fn case_order_and_strangers_are_no_obstacle() {
        let summary = parse(
            "x\nfax-message:0/1\nX-Odd: 3/4\nVOICE-MESSAGE : 2 / 0 ( 1 / 0 \nvoice-message: 9/9\n\
             messages-waiting:YES",
        )
        .unwrap();
        assert!(summary.waiting);
        assert_eq!(
            summary.counts_of(MessageClass::Voice),
            Some(counts(2, 0, 1, 0))
        );
        assert_eq!(
            summary.counts_of(MessageClass::Fax),
            Some(counts(0, 1, 0, 0))
        );
        assert_eq!(summary.counts_of(MessageClass::Text), None);
        assert_eq!(summary.counts.len(), 2, "each class once");
        assert_eq!(summary.account, None);
    }

    #[test]
    fn counts_alone_say_whether_something_waits() {
        assert!(parse("Voice-Message: 1/0").unwrap().waiting);
        assert!(!parse("Voice-Message: 0/5").unwrap().waiting);
        assert!(
            !parse("Messages-Waiting: no\r\nVoice-Message: 1/0")
                .unwrap()
                .waiting
        );
        assert!(parse("Messages-Waiting: yes").unwrap().waiting);
    }

    #[test]
    fn what_says_nothing_is_no_summary() {
        for body in [
            "",
            "hello",
            "Messages-Waiting: maybe",
            "Voice-Message: some",
        ] {
            assert_eq!(parse(body), Err(NoSummary), "{body}");
        }
        assert_eq!(MessageSummary::parse(&[0xff; 100_000]), Err(NoSummary));
    }

    #[test]
    fn a_number_too_large_is_the_largest() {
        let summary = parse("Voice-Message: 99999999999/1").unwrap();
        assert_eq!(
            summary.counts_of(MessageClass::Voice).unwrap().new,
            u32::MAX
        );
    }

    #[test]
    fn what_is_written_is_what_was_meant() {
        let summary = MessageSummary {
            waiting: true,
            account: Some("sip:1001@example.com".to_owned()),
            counts: vec![
                (MessageClass::Voice, counts(2, 8, 0, 2)),
                (MessageClass::Text, counts(0, 1, 0, 0)),
            ],
        };
        assert_eq!(
            String::from_utf8(summary.to_bytes()).unwrap(),
            "Messages-Waiting: yes\r\nMessage-Account: sip:1001@example.com\r\n\
             Voice-Message: 2/8 (0/2)\r\nText-Message: 0/1\r\n"
        );
        let bad = MessageSummary {
            account: Some("sip:a@h\r\nVoice-Message: 9/9".to_owned()),
            ..MessageSummary::default()
        };
        assert_eq!(bad.to_bytes(), b"Messages-Waiting: no\r\n");
    }
}
