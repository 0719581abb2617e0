//! Help and complaints of the command line, in the person's language.
//!
//! The grammar in [`super::args`] has no sentences; they are put in here from the catalogues, by
//! `help-cmd-NAME` and `help-arg-NAME`.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory};

use super::args::Cli;
use crate::i18n::Words;
use crate::say;

/// The whole grammar with its help.
pub(super) fn command(words: &Words) -> Command {
    let mut command = localise(Cli::command(), words);
    command = command.about(say!(words, "help-about"));
    command
}

fn localise(command: Command, words: &Words) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    let commands = say!(words, "help-commands");
    let usage = say!(words, "help-usage");
    let mut command = command
        .disable_help_flag(true)
        .disable_version_flag(true)
        .subcommand_help_heading(commands)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(clap::ArgAction::Help),
        )
        .help_template(format!(
            "{{about-with-newline}}\n{usage}: {{usage}}\n\n{{all-args}}\n"
        ));
    if command.get_name() == "ramal" {
        let version = Arg::new("version").short('V').long("version");
        command = command.arg(version.action(clap::ArgAction::Version));
    }
    command = command.mut_args(|arg| {
        let id = format!("help-arg-{}", arg.get_id().as_str().replace('_', "-"));
        let heading = if arg.is_positional() {
            say!(words, "help-arguments")
        } else {
            say!(words, "help-options")
        };
        arg.help(text(words, &id)).help_heading(heading)
    });
    for name in names {
        command = command.mut_subcommand(&name, |sub| {
            let about = text(words, &format!("help-cmd-{}", sub.get_name()));
            localise(sub, words).about(about)
        });
    }
    command
}

/// A sentence whose id is put together at run time; a test looks all of them up.
fn text(words: &Words, id: &str) -> String {
    words.loader().get(id)
}

/// What is wrong with a command line, and the nearest that would be right.
pub(super) fn complaint(words: &Words, error: &clap::Error) -> String {
    let told = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let argument = told(ContextKind::InvalidArg);
    let what = match error.kind() {
        ErrorKind::UnknownArgument => {
            say!(words, "cli-unknown-argument", argument = argument.clone())
        }
        ErrorKind::InvalidSubcommand => {
            let argument = told(ContextKind::InvalidSubcommand);
            say!(words, "cli-unknown-command", argument = argument)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = told(ContextKind::InvalidValue);
            if value.is_empty() {
                say!(words, "cli-missing-value", argument = argument.clone())
            } else {
                say!(
                    words,
                    "cli-invalid-value",
                    argument = argument.clone(),
                    value = value
                )
            }
        }
        ErrorKind::MissingRequiredArgument => {
            say!(words, "cli-missing-argument", argument = argument.clone())
        }
        ErrorKind::ArgumentConflict => {
            let other = told(ContextKind::PriorArg);
            say!(
                words,
                "cli-conflict",
                argument = argument.clone(),
                other = other
            )
        }
        _ => say!(words, "cli-bad-usage"),
    };
    let mut lines = vec![say!(words, "cli-error", what = what)];
    let nearest = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .map(told)
        .find(|nearest| !nearest.is_empty());
    if let Some(nearest) = nearest {
        lines.push(say!(words, "cli-nearest", nearest = nearest));
    }
    let invalid = matches!(
        error.kind(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation
    );
    if let Some(takes) = help_of(words, &argument).filter(|_| invalid) {
        lines.push(takes);
    }
    lines.push(say!(words, "cli-see-help"));
    lines.join("\n")
}

/// What an argument takes, by the name that clap calls it in an error: `--ptime <MS>`.
fn help_of(words: &Words, argument: &str) -> Option<String> {
    let name = argument.split_whitespace().next()?;
    let id = format!("help-arg-{}", name.trim_start_matches('-'));
    let known = words.loader().has(&id);
    known.then(|| format!("{name}: {}", text(words, &id)))
}

/// The error for a first word that is neither a command nor anything that can be called, such as
/// a command with a slip of the finger. As an argument it would open the window.
pub(super) fn unknown_command(words: &Words, args: &[OsString]) -> Option<clap::Error> {
    let command = command(words);
    let word = args.get(1)?.to_str()?;
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    if !is_word || command.find_subcommand(word).is_some() {
        return None;
    }
    // Without arguments of its own, clap takes the word for what it was meant to be.
    let only_commands = Command::new("ramal").subcommands(command.get_subcommands().cloned());
    only_commands.try_get_matches_from(["ramal", word]).err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    fn assert_helped(command: &Command, path: &str) {
        assert!(
            command
                .get_about()
                .is_some_and(|about| !about.to_string().is_empty()),
            "{path}"
        );
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(
                !help.is_empty() && !help.contains("help-arg"),
                "{path} {}",
                arg.get_id()
            );
        }
        for sub in command.get_subcommands() {
            assert_helped(sub, &format!("{path} {}", sub.get_name()));
        }
    }

    #[test]
    fn every_command_and_argument_has_help_in_every_language() {
        for language in [Language::English, Language::Portuguese, Language::Spanish] {
            assert_helped(&command(&Words::new(language)), "ramal");
        }
    }

    #[test]
    fn an_unknown_option_is_told_with_the_nearest() {
        let words = Words::new(Language::English);
        let error = command(&words)
            .try_get_matches_from(["ramal", "call", "600", "--jsn"])
            .unwrap_err();
        let complaint = complaint(&words, &error);
        assert!(
            complaint.contains("there is no option --jsn"),
            "{complaint}"
        );
        assert!(complaint.contains("--json"), "{complaint}");
    }

    #[test]
    fn a_value_that_does_not_fit_is_told_with_what_would() {
        let words = Words::new(Language::English);
        let error = command(&words)
            .try_get_matches_from(["ramal", "call", "600", "--ptime", "25"])
            .unwrap_err();
        let complaint = complaint(&words, &error);
        assert!(complaint.contains("does not take 25"), "{complaint}");
        assert!(complaint.contains("10, 20, 30, 40"), "{complaint}");
    }

    #[test]
    fn a_slip_in_a_command_is_no_address_to_call() {
        let words = Words::new(Language::English);
        let told = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            unknown_command(&words, &args).map(|error| complaint(&words, &error))
        };
        let complaint = told(&["ramal", "cal", "sip:600@pbx.example"]).unwrap();
        assert!(complaint.contains("there is no command cal"), "{complaint}");
        assert!(complaint.contains("call"), "{complaint}");
        for good in [
            "call",
            "sip:600@pbx.example",
            "1001@pbx.example",
            "600",
            "tel:+55",
        ] {
            assert_eq!(told(&["ramal", good]), None, "{good}");
        }
        assert_eq!(told(&["ramal"]), None);
    }
}
