//! Languages: the words for everything that Ramal says to a person.
//!
//! The catalogues in `i18n/` are compiled in. Below this module everything is data
//! ([`crate::agent::EndCause`], [`crate::engine::Notice`]); here it becomes a sentence that says
//! what happened, why, and what to do. Both faces use the same sentences.

mod accounts;
pub mod calls;
mod countries;
mod language;
mod messages;
mod notices;
mod numbers;
mod phone_number;
mod security;
mod watches;
mod weekdays;

use i18n_embed::LanguageLoader;
use i18n_embed::fluent::{FluentLanguageLoader, fluent_language_loader};
use rust_embed::RustEmbed;

pub use language::Language;
pub use phone_number::national;

#[derive(RustEmbed)]
#[folder = "i18n/"]
struct Catalogues;

/// Looks a sentence up: `say!(words, "id")`, `say!(words, "id", name = value)`. Id and variables
/// are checked when compiling.
#[macro_export]
macro_rules! say {
    ($words:expr, $($rest:tt)*) => {
        i18n_embed_fl::fl!($words.loader(), $($rest)*)
    };
}

/// What went wrong, and what to do about it: a message and its attribute `todo`.
macro_rules! explain {
    ($words:expr, $id:literal) => {
        $crate::i18n::Explanation {
            title: say!($words, $id),
            why: String::new(),
            todo: Some(say!($words, $id, "todo")),
            details: Vec::new(),
        }
    };
}
use explain;

/// One language's words.
pub struct Words {
    language: Language,
    loader: FluentLanguageLoader,
}

impl Words {
    /// The words of `language`; what its catalogue lacks comes in English.
    #[must_use]
    pub fn new(language: Language) -> Words {
        let loader = fluent_language_loader!();
        loader
            .load_languages(&Catalogues, &[language.identifier()])
            .expect("the catalogues are compiled in and tests/i18n.rs reads all of them");
        // Names and numbers stand amid left-to-right text only; the isolation marks would show
        // as boxes where the font lacks them, and spoil what is copied.
        loader.set_use_isolating(false);
        Words { language, loader }
    }

    /// Which language these words are.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// For [`say!`](crate::say).
    #[must_use]
    pub fn loader(&self) -> &FluentLanguageLoader {
        &self.loader
    }
}

/// Something that went otherwise than wished, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, in few words; no full stop.
    pub title: String,
    /// Why, as a sentence; may be empty where the title says it all.
    pub why: String,
    /// What the person can do about it.
    pub todo: Option<String>,
    /// Codes and the other side's own words, one a line: for those who want them.
    pub details: Vec<String>,
}

impl Explanation {
    /// Everything but the details as one line, for a log or a terminal.
    #[must_use]
    pub fn one_line(&self) -> String {
        let mut line = if self.why.is_empty() {
            self.title.clone()
        } else {
            self.why.clone()
        };
        if let Some(todo) = &self.todo {
            if !line.ends_with('.') {
                line.push('.');
            }
            line.push(' ');
            line.push_str(todo);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_in_the_language_asked_for() {
        assert_eq!(say!(Words::new(Language::English), "action-call"), "Call");
        assert_eq!(
            say!(Words::new(Language::Portuguese), "action-call"),
            "Ligar"
        );
        assert_eq!(say!(Words::new(Language::Spanish), "action-call"), "Llamar");
    }

    #[test]
    fn a_variable_is_put_in_without_isolation_marks() {
        let words = Words::new(Language::Portuguese);
        assert_eq!(
            say!(words, "link-call-with", account = "1001"),
            "Ligar com 1001"
        );
    }

    #[test]
    fn one_line_ends_the_first_sentence() {
        let explanation = Explanation {
            title: "Gone".into(),
            why: String::new(),
            todo: Some("Look.".into()),
            details: Vec::new(),
        };
        assert_eq!(explanation.one_line(), "Gone. Look.");
    }
}
