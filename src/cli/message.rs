//! `ramal message`: one message, and what became of it.

use std::io::Read;

use super::args::MessageArgs;
use super::exit::{self, Exit};
use super::run::Run;
use super::setup::{self, Misuse};
use crate::agent::{
    self, AccountState, Event as PhoneEvent, MAX_TEXT, MessageId, MessageProgress, NewMessage,
};
use crate::engine::{Command, Event};
use crate::i18n::Words;

/// The one message of this run.
const MESSAGE: MessageId = MessageId(1);

/// Sends the message, and waits for what becomes of it.
pub(super) fn run(words: Words, args: &MessageArgs) -> Result<Exit, Misuse> {
    let mut account = setup::account(&args.account)?;
    setup::dialable(&args.uri, &account)?;
    let text = text(&args.text, std::io::stdin().lock())?;
    // A message needs no binding; who names a registrar, or an account of the settings, wants one.
    account.register &= args.account.registrar.is_some() || args.account.account.is_some();
    let config = setup::engine(&args.account, None)?;
    let mut run = Run::start(words, config, args.json)?;
    // Who gives up before it was delivered has not delivered it.
    run.otherwise(Exit::NoAnswer);
    let retry_for = args.retry_for.map(|seconds| seconds.0).unwrap_or_default();
    let message = NewMessage {
        account: account.id,
        message: MESSAGE,
        to: args.uri.clone(),
        text,
        retry_for,
    };
    let mut unsent = Some(agent::Command::SendMessage(Box::new(message)));
    // Who may try again waits for the registration in the phone itself.
    let at_once = !account.register || !retry_for.is_zero();
    run.ask(Command::Phone(agent::Command::AddAccount(Box::new(
        account,
    ))));
    if at_once && let Some(send) = unsent.take() {
        run.ask(Command::Phone(send));
    }
    Ok(run.finish(|run, stamped| {
        let Event::Phone(event) = &stamped.event else {
            return;
        };
        match event {
            PhoneEvent::Account {
                state: AccountState::Registered { .. },
                ..
            } => {
                if let Some(send) = unsent.take().filter(|_| !run.leaving) {
                    run.ask(Command::Phone(send));
                }
            }
            PhoneEvent::Account {
                state:
                    AccountState::Failed {
                        cause, retry_at, ..
                    },
                ..
            } if unsent.is_some() || retry_at.is_none() => {
                run.leave(exit::of_registration(*cause));
            }
            PhoneEvent::MessageProgress {
                message: MESSAGE,
                progress,
            } => match progress {
                MessageProgress::Delivered => run.leave(Exit::Well),
                MessageProgress::Failed { cause, .. } => run.leave(exit::of_message(*cause)),
                MessageProgress::Sending | MessageProgress::Waiting { .. } => {}
            },
            _ => {}
        }
    }))
}

/// The text that is given, or that stands on standard input.
fn text(given: &str, input: impl Read) -> Result<String, Misuse> {
    let text = if given == "-" {
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_TEXT)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        if let Err(error) = input.take(limit).read_to_end(&mut bytes) {
            return Err(Misuse::with_cause(
                "cli-file-unreadable",
                "-".as_ref(),
                &error,
            ));
        }
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    } else {
        given.to_owned()
    };
    if text.trim().is_empty() {
        return Err(Misuse::told("cli-message-empty"));
    }
    if text.len() > MAX_TEXT {
        return Err(Misuse::about("cli-message-too-long", MAX_TEXT.to_string()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, input: &str, expected: Result<&str, Exit>) {
        let read = text(given, input.as_bytes()).map_err(|misuse| misuse.exit());
        assert_eq!(read.as_deref().map_err(|exit| *exit), expected, "{given}");
    }

    #[test]
    fn a_message_is_given_or_stands_on_standard_input() {
        check("Olá", "not this", Ok("Olá"));
        check("-", "um\ndois\n\n", Ok("um\ndois"));
        check("-5 °C", "", Ok("-5 °C"));
        check("  ", "", Err(Exit::Usage));
        check("-", "\n", Err(Exit::Usage));
        check("-", &"x".repeat(MAX_TEXT), Ok(&"x".repeat(MAX_TEXT)));
        check("-", &"x".repeat(MAX_TEXT + 1), Err(Exit::Usage));
    }
}
