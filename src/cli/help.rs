//! Help and complaints of the command line, in the person's language.
//!
//! The grammar in [`super::args`] has no sentences; they are put in here from the catalogues, by
//! `help-cmd-NAME` and `help-arg-NAME`.

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
        ErrorKind::UnknownArgument => say!(words, "cli-unknown-argument", argument = argument),
        ErrorKind::InvalidSubcommand => {
            let argument = told(ContextKind::InvalidSubcommand);
            say!(words, "cli-unknown-command", argument = argument)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = told(ContextKind::InvalidValue);
            if value.is_empty() {
                say!(words, "cli-missing-value", argument = argument)
            } else {
                say!(
                    words,
                    "cli-invalid-value",
                    argument = argument,
                    value = value
                )
            }
        }
        ErrorKind::MissingRequiredArgument => {
            say!(words, "cli-missing-argument", argument = argument)
        }
        ErrorKind::ArgumentConflict => {
            let other = told(ContextKind::PriorArg);
            say!(words, "cli-conflict", argument = argument, other = other)
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
    lines.push(say!(words, "cli-see-help"));
    lines.join("\n")
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
}
